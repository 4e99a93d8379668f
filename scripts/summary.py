# SPDX-License-Identifier: BSD-2-Clause
"""Counts the test cases of a JUnit file of Meson's: summary.py FILE prints `N passed, N failed` and fails if any did,
or if there were none."""

import sys
import xml.etree.ElementTree as xml


def outcome(case):
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "skipped" if case.find("skipped") is not None else "passed"


def count(suite):
    """Outcomes of the cases of one test program; its own failure (a crash, too few cases) counts as one more."""
    found = [outcome(case) for case in suite.iter("testcase")]
    if "failed" not in found and int(suite.get("errors", 0)) + int(suite.get("failures", 0)):
        found.append("failed")
    return found


def main():
    found = [one for suite in xml.parse(sys.argv[1]).getroot().iter("testsuite") for one in count(suite)]
    line = f"{found.count('passed')} passed, {found.count('failed')} failed"
    if "skipped" in found:
        line += f", {found.count('skipped')} skipped"
    print(line)
    sys.exit("failed" in found or not found)


if __name__ == "__main__":
    main()
