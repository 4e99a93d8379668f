#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What operations cost on a machine of four CPUs whose others wait: the same in two runs, and no worse than it was."""

import json
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

import bench  # noqa: E402
from tap import case, main  # noqa: E402

CPUS = 4


@case
def two_runs_are_identical_and_no_worse():
    """[PERF-CPUS-1]"""
    first, again = (bench.counts_of(bench.bench_machine(cpus=CPUS)) for _ in range(2))
    assert first == again, (first, again)
    rows = {name: bench.Row(name, instructions=first[name][0]) for name in first}
    baseline = json.loads(bench.baseline_file(CPUS).read_text())
    assert set(rows) == set(baseline["rows"]), rows
    if baseline["tools"] == bench.tools():
        complaints = list(bench.worse(rows, baseline))
        assert not complaints, complaints


if __name__ == "__main__":
    main()
