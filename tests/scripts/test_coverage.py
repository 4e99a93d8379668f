#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""scripts/coverage.py: each way to fall short must fail."""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.append(str(ROOT / "tests"))

from tap import case, main  # noqa: E402

SOURCE = "int first(void)\n{\n" + "    work();\n" * 27 + "    return 1; /* here */\n}\n"
REASON = "| `kernel/core/*` | `first` | `return *;` | it never comes back |\n"


def judge(missed, reasons=REASON, object_file=True):
    """Of the 30 lines of three files, the given ones of core/a.c are not reached."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        lcov = []
        for name in ("core/a.c", "object/b.c", "syscall/c.c"):
            file = root / "kernel" / name
            file.parent.mkdir(parents=True)
            file.write_text(SOURCE)
            if object_file or name != "object/b.c":
                lcov += [f"SF:{root}/build/../kernel/{name}", "FN:1,a.c:first"]
                lcov += [f"DA:{line},{int(name != 'core/a.c' or line not in missed)}" for line in range(1, 31)]
                lcov += ["end_of_record"]
        (root / "build").mkdir()
        (root / "spec").mkdir()
        (root / "spec/coverage.md").write_text(reasons)
        (root / "lcov").write_text("\n".join(lcov))
        words = [sys.executable, ROOT / "scripts/coverage.py", root / "lcov", "--root", root]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert not done.stderr, done.stderr
        return done.returncode, done.stdout


@case
def line_with_a_reason_is_accepted():
    """[TEST-6]"""
    status, text = judge({30})
    assert status == 0 and "30 first: return 1;  (it never comes back)" in text, text
    assert "kernel/core                             29 of    30   96.67 %" in text, text


@case
def line_without_a_reason_fails():
    """[TEST-6]"""
    status, text = judge({5, 30})
    assert status == 1 and "5 first: work();  NO REASON GIVEN" in text, text


@case
def reason_without_a_line_fails():
    """[TEST-6]"""
    status, text = judge(set())
    assert status == 1 and "every line of the row kernel/core/* | first | return *; is reached" in text, text
    assert judge(set(), "")[0] == 0


@case
def folder_below_the_limit_fails():
    """[TEST-6]: each line with a reason"""
    status, text = judge({20, 21, 30}, "| `*` | `*` | `*` | no time |\n")
    assert status == 1 and "kernel/core: less than 95 %" in text, text


@case
def file_in_no_test_fails():
    """[TEST-6]"""
    status, text = judge({30}, object_file=False)
    assert status == 1 and "kernel/object/b.c: in no test program" in text, text


if __name__ == "__main__":
    main()
