# SPDX-License-Identifier: BSD-2-Clause
"""Machines that differ in many ways: few of them, but any two choices meet in one."""

import itertools
import random

TRIES = 50  # machines that are drawn for each that is taken


def pairs_of(machine):
    """The choices of two factors, for any two."""
    return set(itertools.combinations(machine.items(), 2))


def all_pairs(factors):
    for (one, its), (other, others) in itertools.combinations(factors.items(), 2):
        yield from (((one, a), (other, b)) for a in its for b in others)


def machines(factors, without, seed):
    """Drawn from {factor: choices}: each pair of choices but those in `without` stands in one of them, and those in none.
    The same for the same seed."""
    chance = random.Random(seed)
    left = set(all_pairs(factors)) - without
    chosen = []
    while left:
        wanted = dict(min(left, key=repr))
        drawn = [{name: wanted.get(name, chance.choice(its)) for name, its in factors.items()} for _ in range(TRIES)]
        possible = [machine for machine in drawn if not pairs_of(machine) & without]
        best = max(possible, key=lambda machine: len(pairs_of(machine) & left))
        left -= pairs_of(best)
        chosen.append(best)
    return chosen
