#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The order of the system tests. [TEST-ORDER-1]"""

import subprocess
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

from tap import case, main  # noqa: E402

TESTS = Path(__file__).resolve().parent / "test_system.py"


def run(*options):
    """The lines that the tests of accounts print."""
    command = [sys.executable, TESTS, "account", *options]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


@case
def seed_that_is_given_again_repeats_the_order():
    first, second = run("--seed", "5"), run("--seed", "5")
    assert "--seed 5" in first[0], first[0]
    assert first == second


@case
def seeds_give_different_orders_of_the_same_cases():
    orders = [[line.partition(" - ")[2] for line in run("--seed", str(seed))[2:]] for seed in range(1, 5)]
    assert all(sorted(order) == sorted(orders[0]) for order in orders)
    assert len({tuple(order) for order in orders}) > 1, orders[0]


@case
def run_without_a_seed_prints_the_one_it_drew():
    drawn = run()[0].split()
    assert drawn[:2] == ["#", "seed"] and drawn[2].rstrip(":").isdigit(), drawn


if __name__ == "__main__":
    main()
