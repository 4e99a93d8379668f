#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What the kernel gives to the first process, and what it says when that ends: tests/first/first.c in the egg's place."""

import re
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

from guest import BUILD, Machine, last_words  # noqa: E402
from tap import case, main  # noqa: E402



def words(bootargs=""):
    return last_words(Machine(initrd=BUILD / "ramdisk/initrd-first.tar", bootargs=bootargs)).replace("\r", "")


SAID = words()


def said(text):
    assert text in SAID, f"no {text!r} in:\n{SAID}"


@case
def first_process_has_exactly_its_handles():
    """[BOOT-EGG-1]: six, beside the three fixed ones that every process has"""
    said("] given root devices interrupts dma machine ramdisk dtb, in all 7\n")


@case
def ram_disk_and_device_tree_are_read_only():
    """[BOOT-EGG-2]: "egg" is the first name of the archive, d00dfeed the tree's magic number"""
    said("] ramdisk starts with 656767, to write: the handle lacks a right, at ")
    said("] dtb starts with d00dfe, to write: the handle lacks a right, at ")


@case
def log_goes_to_the_uart_until_the_doorbell_is_taken():
    """[BOOT-LOG-1]"""
    said("] Cavern ")
    assert "no doorbell" not in SAID and "not to be seen" not in SAID, SAID


@case
def end_of_the_first_process_is_a_panic():
    """[BOOT-EGG-3] [BOOT-LOG-2]"""
    before, _, _ = SAID.partition("panic: ")
    assert before.count("] seen at the end\n") == 16, SAID
    said("panic: egg has ended: reason 1, code 77, fault 0 at pc 0, address 0")


@case
def addresses_come_from_the_seed():
    """[BOOT-OPTION-3]"""

    def drawn(bootargs):
        return re.findall(r"\] (\w+) starts with .* at ([0-9a-f]{6,})\n", words(bootargs))

    first, again, other = drawn("seed=7"), drawn("pmu seed=7"), drawn("seed=8")
    assert len(first) == 2 and first == again, (first, again)
    assert first != other, other


if __name__ == "__main__":
    main()
