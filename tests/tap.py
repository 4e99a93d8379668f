# SPDX-License-Identifier: BSD-2-Clause
"""A test program in Python: functions marked @case, run in order, one line of the Test Anything Protocol each."""

import sys
import traceback

CASES = []


def case(function):
    """Makes a function a test case; its docstring says what must hold and cites the clause."""
    CASES.append(function)
    return function


def main():
    print(f"1..{len(CASES)}", flush=True)
    failed = 0
    for number, function in enumerate(CASES, 1):
        try:
            function()
            print(f"ok {number} - {function.__name__}", flush=True)
        except Exception:  # whatever it was, the others still run
            failed += 1
            print(f"not ok {number} - {function.__name__}")
            print("# " + traceback.format_exc().replace("\n", "\n# "), flush=True)
    sys.exit(failed != 0)
