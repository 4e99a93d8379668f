#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""scripts/check-clauses on small trees. [TEST-3] [TEST-10]"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.append(str(ROOT / "tests"))

from tap import case, main  # noqa: E402


def tag(name):
    """A tag in brackets, which this file itself must not contain."""
    return f"[{name}]"


def check(files, *options):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            file = Path(folder) / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        command = [ROOT / "scripts/check-clauses", "--root", folder, *options]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        return result.returncode, result.stdout


SPEC = f"- {tag('MSG-SEND-1')} It sends.\n- {tag('MSG-SEND-2')} It waits.\nSee MSG-SEND-1.\n"


@case
def every_clause_with_a_test_passes():
    tests = f"/* {tag('MSG-SEND-1')} {tag('MSG-SEND-2')} */ x[N - 1] = a[i-1];\n"
    assert check({"spec/a.md": SPEC, "tests/unit/test_a.c": tests}) == (0, "")


@case
def clause_without_test_is_found():
    status, output = check({"spec/a.md": SPEC, "tests/a.py": f"# {tag('MSG-SEND-1')}\n"})
    assert (status, output) == (1, "spec/a.md:2: MSG-SEND-2 has no test\n"), output


@case
def clause_defined_twice_is_found():
    again = {"spec/services/b.md": f"It sends. {tag('MSG-SEND-1')}\n"}
    tests = {"tests/a.py": f"# {tag('MSG-SEND-1')} {tag('MSG-SEND-2')}\n"}
    status, output = check({"spec/a.md": SPEC} | again | tests)
    assert (status, output) == (1, "spec/services/b.md:1: MSG-SEND-1 is defined at spec/a.md:1 already\n"), output


@case
def clause_of_the_calls_without_test_on_the_target_is_found():
    tests = {"tests/system/a.c": f"// {tag('MSG-SEND-1')}\n", "tests/unit/b.c": f"// {tag('MSG-SEND-2')}\n"}
    status, output = check({"spec/messages.md": SPEC} | tests)
    assert (status, output) == (1, "spec/messages.md:2: MSG-SEND-2 has no test on the target\n"), output
    assert check({"spec/messages.md": SPEC, "spec/testing.md": "| MSG-SEND-2 | nobody sees it |\n"} | tests) == (0, "")
    status, output = check({"spec/messages.md": SPEC, "spec/testing.md": "| MSG-SEND-2 | |\n"} | tests)
    assert status == 1, output


@case
def reason_for_what_needs_none_is_found():
    tests = {"tests/system/a.c": f"// {tag('MSG-SEND-1')} {tag('MSG-SEND-2')}\n"}
    reasons = {"spec/testing.md": "| MSG-SEND-2 | nobody sees it |\n| MSG-SEND-3 | the same |\n"}
    status, output = check({"spec/messages.md": SPEC} | reasons | tests)
    assert (status, output.splitlines()) == (
        1,
        [
            "spec/testing.md: MSG-SEND-2 has a test on the target",
            "spec/testing.md: MSG-SEND-3 is defined nowhere",
        ],
    ), output


@case
def tag_without_clause_is_found():
    tests = f"# {tag('MSG-SEND-1')} {tag('MSG-SEND-2')}\n# {tag('MGS-SEND-1')}\n"
    status, output = check({"spec/a.md": SPEC, "tests/a.py": tests})
    assert (status, output) == (1, "tests/a.py:2: MGS-SEND-1 is defined nowhere\n"), output


@case
def list_shows_clauses_and_tests():
    files = {"spec/a.md": SPEC, "tests/a.py": f"# {tag('MSG-SEND-2')}\n", "tests/b.c": f"// {tag('MSG-SEND-2')}\n"}
    assert check(files, "--list") == (0, "MSG-SEND-1 -\nMSG-SEND-2 tests/a.py:1 tests/b.c:1\n")


@case
def empty_tree_is_no_proof():
    assert check({"tests/a.py": ""})[0] == 1


if __name__ == "__main__":
    main()
