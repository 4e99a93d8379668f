# SPDX-License-Identifier: BSD-2-Clause
# What the shell scripts share; they source it first. CAVERN_CLANG=N chooses clang-N; unset: the distribution's default.
root=$(dirname "$(dirname "$(readlink -f "$0")")")
clang=${CAVERN_CLANG:-}
build=${CAVERN_BUILD:-$root/build${clang:+-$clang}}
kept=$root/.cavern # what setup fetched; ignored by git
export CAVERN_BUILD="$build"

note() {
    echo "cavern: $*" >&2
}

die() {
    note "$@"
    exit 1
}

# Runs a command without its output, unless it fails: then the output is shown and the script ends.
quietly() {
    output=$(mktemp)
    "$@" >"$output" 2>&1 || {
        status=$?
        cat "$output" >&2
        rm -f "$output"
        note "failed: $*"
        exit $status
    }
    rm -f "$output"
}
