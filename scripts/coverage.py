#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Line coverage of the kernel's portable layers: coverage.py FILE.lcov [--root DIR].

Prints it for each file and folder, and the lines that no test has reached. Exits with 1 when less than 95 % of a
folder's lines are reached, when a file is in no test program at all, when an uncovered line has no reason in
spec/coverage.md, or a reason no such line. A reason is a row `| file | function | line | why |`, where * stands for any
text and the line is given as it is written, without its comment.
"""

import argparse
import re
import sys
from bisect import bisect_right
from collections import defaultdict
from fnmatch import fnmatchcase
from pathlib import Path

FOLDERS = ("kernel/core", "kernel/object", "kernel/syscall")
LEAST = 95.0
ROW = re.compile(r"^\| `([^`]+)` \| `([^`]+)` \| `([^`]+)` \| (.+) \|$")


class File:
    """Of a source: line -> how often it ran; where functions start."""

    def __init__(self):
        self.lines = {}
        self.functions = {}

    def function(self, line):
        starts = sorted(self.functions)
        at = bisect_right(starts, line)
        return self.functions[starts[at - 1]] if at else "?"

    def uncovered(self):
        return sorted(line for line, count in self.lines.items() if not count)


def read_lcov(path, root):
    """name below the root -> File. A static function's name is `file:function`."""
    files = defaultdict(File)
    file = None
    for text in path.read_text(encoding="utf-8").splitlines():
        key, _, value = text.partition(":")
        if key == "SF":
            source = Path(value).resolve()
            file = files[str(source.relative_to(root))] if source.is_relative_to(root) else File()
        elif key == "FN":
            line, name = value.split(",", 1)
            file.functions[int(line)] = name.rpartition(":")[2]
        elif key == "DA":
            line, count = (int(word) for word in value.split(",")[:2])
            file.lines[line] = max(count, file.lines.get(line, 0))
    return files


def read_reasons(root):
    text = (root / "spec/coverage.md").read_text(encoding="utf-8")
    return [match.groups() for match in map(ROW.match, text.splitlines()) if match]


def statement(line):
    """As a row names it: without indentation and comment."""
    return re.sub(r"\s*/\*.*?(\*/|$)", "", line).strip()


def judge(name, source, file, reasons, used):
    """The uncovered lines of a file, each with its reason or none."""
    for number in file.uncovered():
        place = name, file.function(number), statement(source[number - 1])
        row = next((row for row in reasons if all(map(fnmatchcase, place, row))), None)
        used.add(row)
        yield number, *place[1:], row and row[3]


def percent(reached, lines):
    return 100.0 * reached / lines if lines else 100.0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lcov", type=Path)
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent, metavar="DIR")
    arguments = parser.parse_args()
    root = arguments.root.resolve()
    files, reasons = read_lcov(arguments.lcov, root), read_reasons(root)
    used, wrong, unexplained = set(), [], 0
    for folder in FOLDERS:
        total = reached = 0
        names = {name for name in files if name.startswith(folder + "/") and files[name].lines}
        sources = {str(path.relative_to(root)) for path in (root / folder).glob("*.c")}
        wrong += [f"{name}: in no test program" for name in sorted(sources - names)]
        for name in sorted(names):
            file, source = files[name], (root / name).read_text(encoding="utf-8").splitlines()
            lines, missed = len(file.lines), len(file.uncovered())
            total, reached = total + lines, reached + lines - missed
            print(f"{name:36} {lines - missed:5} of {lines:5}  {percent(lines - missed, lines):6.2f} %")
            for number, function, text, why in judge(name, source, file, reasons, used):
                print(f"    {number:4} {function}: {text}" + (f"  ({why})" if why else "  NO REASON GIVEN"))
                unexplained += not why
        print(f"{folder:36} {reached:5} of {total:5}  {percent(reached, total):6.2f} %\n")
        if percent(reached, total) < LEAST:
            wrong.append(f"{folder}: less than {LEAST:.0f} % of the lines are reached")
    for row in reasons:
        if row not in used:
            wrong.append(f"spec/coverage.md: every line of the row {' | '.join(row[:3])} is reached")
    if unexplained:
        wrong.append(f"{unexplained} lines that no test reaches have no reason in spec/coverage.md")
    print(*wrong, sep="\n", end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
