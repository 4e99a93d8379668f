#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What pairs of caller and server get done on two CPUs side by side, against one pair alone (scaling.c). Whether the host
has two cores for it is measured in the same rounds, by what computing alone gains; where it has not, the case is skipped."""

import os
import re
import resource
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

from bench import bench_machine  # noqa: E402
from guest import last_words  # noqa: E402

ROUNDS = 100
RATIO = 1.6
FREE = range(180, 221)  # percent: what computing gains with two cores to itself; more is a disturbed turn alone
ROUNDS_FREE = 0.5  # of all, for a verdict


@dataclass
class Round:
    called_alone: int
    called: int
    computed_alone: int
    computed: int

    def gain(self):
        return self.called / self.called_alone

    def host_is_free(self):
        return round(100 * self.computed / self.computed_alone) in FREE


def rounds_of(said):
    return [Round(*map(int, found)) for found in re.findall(r"\bscaling (\d+) (\d+) (\d+) (\d+)\s", said)]


def busy_seconds():
    """Of all processors: what was not idle, time that the host's own host took included."""
    ticks = list(map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]))
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


def measured():
    """The rounds, and how many cores others kept busy meanwhile."""
    machine = bench_machine("scaling")
    machine.cpus, machine.icount = 2, False
    start, busy = time.monotonic(), busy_seconds()
    said = last_words(machine)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    others = busy_seconds() - busy - used.ru_utime - used.ru_stime
    rounds = rounds_of(said)
    assert len(rounds) == ROUNDS, said
    return rounds, max(others, 0) / (time.monotonic() - start)


def verdict(rounds, others):
    """The line of the case."""
    free = [each for each in rounds if each.host_is_free()]
    load = f"{len(free)} of {len(rounds)} rounds with two free cores, others kept {others:.1f} busy"
    if len(free) < ROUNDS_FREE * len(rounds):
        return f"ok 1 - two pairs on two CPUs # SKIP {load}"
    gain = statistics.median(each.gain() for each in free)
    return f"{'ok' if gain >= RATIO else 'not ok'} 1 - two pairs on two CPUs get {gain:.2f} times as much done; {load}"


def main():
    """[PERF-SCALE-1]"""
    print("1..1", flush=True)
    line = verdict(*measured())
    print(line)
    return line.startswith("not")


if __name__ == "__main__":
    sys.exit(main())
