#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""scripts/new-service in a copy of what it reads: what it writes is whole, formatted, compiles and passes its own test."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

from tap import case, main  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent.parent
READ = ["services/meson.build", "tests/unit/meson.build", "tests/unit/unit.h", "system/system.dts", ".clang-format"]


def new_service(name, folder):
    return subprocess.run(
        [ROOT / "scripts/new-service", name, "--root", folder], capture_output=True, text=True, check=False
    )


def copy():
    folder = tempfile.TemporaryDirectory()
    for path in READ:
        target = Path(folder.name) / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, target)
    shutil.copytree(ROOT / "templates", Path(folder.name) / "templates")
    return folder


def run(*words, **options):
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, f"{words[0]}: {done.stdout}{done.stderr}"


@case
def service_is_entered_where_it_belongs():
    with copy() as folder:
        done = new_service("counter", folder)
        assert done.returncode == 0, done.stderr
        assert all((Path(folder) / path).exists() for path in done.stdout.splitlines()[:-1])
        rows = [line for line in (Path(folder) / "services/meson.build").read_text().splitlines() if "subdir" in line]
        assert rows == sorted(rows) and "subdir('counter')" in rows, rows
        assert "  'counter_policy': ['counter'],\n" in (Path(folder) / "tests/unit/meson.build").read_text()
        run("dtc", "-q", "-I", "dts", "-O", "dtb", "-o", "/dev/null", Path(folder) / "system/system.dts")


@case
def written_sources_are_formatted_and_pass_their_test():
    with copy() as folder:
        assert new_service("counter", folder).returncode == 0
        sources = [*Path(folder).glob("services/counter/*.[ch]"), *Path(folder).glob("libcavern/include/cavern/*/*.h")]
        sources.append(Path(folder) / "tests/unit/test_counter_policy.c")
        run("clang-format", "--dry-run", "--Werror", *sources)
        words = ["clang", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-I", ROOT / "kernel/abi"]
        words += ["-I", ROOT / "libcavern/include", "-I", Path(folder) / "libcavern/include"]
        run(*words, sources[-1], Path(folder) / "services/counter/policy.c", "-lcmocka", "-o", Path(folder) / "test")
        run(Path(folder) / "test")
        text = "\n".join(path.read_text() for path in Path(folder).rglob("*counter*/*.[ch]"))
        assert "example" not in text.lower(), "the template's name is left"


@case
def bad_and_taken_names_are_refused():
    with copy() as folder:
        for name in ("", "x", "9lives", "Counter", "two-words", "averyveryverylongname"):
            assert new_service(name, folder).returncode != 0, name
        for name in ("switch", "bool", "linux", "exit", "abs", "reply", "payload", "main", "example"):
            done = new_service(name, folder)
            assert done.returncode != 0 and "means something else" in done.stderr, (name, done.stderr)
        assert "means something else in tests" in new_service("registry", folder).stderr
        assert not (Path(folder) / "services/switch").exists()
        assert new_service("counter", folder).returncode == 0
        done = new_service("counter", folder)
        assert done.returncode != 0 and "exists already" in done.stderr, done.stderr


if __name__ == "__main__":
    main()
