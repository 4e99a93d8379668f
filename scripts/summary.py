# SPDX-License-Identifier: BSD-2-Clause
"""Counts the test cases in a log of Meson's: summary.py testlog.json prints `N passed, N failed` and fails if any did, or if
there were none. A test program that speaks the Test Anything Protocol has a case a line; any other is one case."""

import json
import re
import sys

CASE = re.compile(r"^(not )?ok \d+(.*)$", re.MULTILINE)
OUTCOMES = {"OK": "passed", "EXPECTEDFAIL": "passed", "SKIP": "skipped"}


def outcomes(test):
    """Those of the cases of one test program; if it fails without a failed case (a crash, a time-out) that counts too."""
    whole = OUTCOMES.get(test["result"], "failed")
    cases = CASE.findall(test.get("stdout", ""))
    found = ["failed" if failed else "skipped" if "# SKIP" in rest.upper() else "passed" for failed, rest in cases]
    if not found or whole == "failed" and "failed" not in found:
        found.append(whole)
    return found


def main():
    with open(sys.argv[1], encoding="utf-8") as log:
        found = [one for line in log for one in outcomes(json.loads(line))]
    line = f"{found.count('passed')} passed, {found.count('failed')} failed"
    if "skipped" in found:
        line += f", {found.count('skipped')} skipped"
    print(line)
    sys.exit("failed" in found or not found)


if __name__ == "__main__":
    main()
