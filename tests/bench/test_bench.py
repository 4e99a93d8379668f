#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The bench itself: its counts repeat themselves, and what became worse is told."""

import re
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

import bench  # noqa: E402
from guest import last_words  # noqa: E402
from tap import case, main  # noqa: E402


@case
def two_runs_are_identical():
    """[PERF-COUNT-1]"""
    rows = ("request_reply", "map_unmap")
    first, again = ([last_words(bench.bench_machine(f"bench={row}")) for row in rows] for _ in range(2))
    assert first == again, (first, again)
    for row, said in zip(rows, first):
        counts = dict(re.findall(r"\bbench (\w+) (\d+) \d+\s", said))
        assert set(counts) == {"start", row} and 50 < int(counts[row]) < 10_000, said


@case
def more_than_2_percent_is_worse():
    """[PERF-BASELINE-1]"""
    baseline = {"rows": {"a": 100, "b": 100, "c": 100}}
    rows = {name: bench.Row(name, instructions=count) for name, count in {"a": 102, "b": 103, "c": 1}.items()}
    assert list(bench.worse(rows, baseline)) == ["b: 103, was 100"]


@case
def table_says_what_misses_its_goal():
    """[PERF-TABLE-1]"""
    rows = {
        "met": bench.Row("met", goal=10, instructions=10, user=2, linux=25),
        "missed": bench.Row("missed", goal=10, instructions=11),
    }
    _, met, missed = bench.table(rows)
    assert met.split() == ["met", "10", "2", "10", "25", "2.5"], met
    assert missed.split() == ["missed", "11", "10!"], missed


@case
def more_than_5_percent_is_growth():
    """[PERF-GROWTH-1]"""
    rows = {name: bench.Row(name) for name in "abcd"}
    counts = {"a": [100, 105, 100], "b": [100, 106, 100], "c": [100, 1, 1], "d": [100, 100, 120]}
    assert list(bench.grown(rows, counts)) == ["b: 106, 6 % more than 100", "d: 120, 20 % more than 100"]


@case
def bytes_stand_in_the_table():
    """[PERF-BYTES-1]"""
    counts = bench.counts_of(bench.bench_machine())
    between = {"handle": (16, 17), "sender": (128, 512), "mapping": (64, 256), "thread": (816, 2100)}
    between |= {"buffer": (8192, 9000), "queue": (12288, 24576), "process": (12288, 14000), "program": (65536, 100000)}
    for kind, (least, most) in between.items():
        assert least <= counts[f"bytes_{kind}"][0] <= most, counts
        assert f"bytes_{kind}" in bench.rows_of_figures()


@case
def comments_and_empty_lines_are_no_code():
    """[PERF-TABLE-1]"""
    assert bench.lines_of("/* one\n * two */\n\n#define A /* x */ 1\nint a; // b\n// c\n") == 2


if __name__ == "__main__":
    main()
