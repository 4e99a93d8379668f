#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Starts with something wrong: each ends with a message that says what, never in silence. spec/boot.md, "Bad starts"."""

import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

from guest import Machine, file_of, last_words, ramdisk, shell  # noqa: E402
from tap import case, main  # noqa: E402


def ends_with(message, initrd):
    """The machine with this RAM disk says `message` and stops."""
    said = last_words(Machine(initrd=initrd and initrd.name))
    assert message in said, f"no {message!r} in:\n{said}"
    return said


def comes_up_and_logs(message, initrd):
    """The machine with this RAM disk comes up to the shell, and its log holds `message`."""
    said, status = shell("log; echo alive", Machine(initrd=initrd.name))
    assert status == 0 and said.endswith("alive\n"), (status, said)
    assert message in said, f"no {message!r} in:\n{said}"


@case
def without_ram_disk_kernel_says_so():
    """[BOOT-BAD-1]"""
    assert "panic: " in ends_with("no RAM disk", None)


@case
def truncated_ram_disk_is_refused():
    """[BOOT-BAD-1], cut inside a header, and inside a file"""
    whole = Path(Machine.initrd).read_bytes()
    for size in (100, 512 + 100, len(whole) // 2):
        with tempfile.NamedTemporaryFile() as cut:
            cut.write(whole[:size])
            cut.flush()
            assert "panic: " in ends_with("RAM disk: ", cut)


@case
def too_few_ids_of_address_spaces_are_ignored():
    """[BOOT-OPTION-4]"""
    for asids, told in ((64, True), (65, False)):
        said, status = shell("log; echo alive", Machine(bootargs=f"asids={asids}"))
        assert status == 0 and said.endswith("alive\n"), (status, said)
        assert ("asids: too few" in said) == told, said


@case
def missing_egg_is_refused():
    """[BOOT-BAD-2]"""
    with ramdisk(without=["egg"]) as disk:
        ends_with("no egg in the RAM disk", disk)


@case
def broken_egg_is_refused():
    """[BOOT-BAD-2], with what is no ELF file, another machine's, and one whose segments lie outside of it"""
    egg = file_of("egg")
    for broken in (b"", b"#!/bin/sh\n", egg[:18] + b"\x3e\x00" + egg[20:], egg[:4096]):
        with ramdisk(files={"egg": broken}) as disk:
            assert "panic: " in ends_with("egg: ", disk)


@case
def missing_system_configuration_is_refused():
    """[BOOT-BAD-4]"""
    with ramdisk(without=["system.dtb"]) as disk:
        ends_with("system.dtb: ", disk)


@case
def damaged_system_configuration_is_refused():
    """[BOOT-BAD-4]"""
    for damaged in (b"", file_of("system.dtb")[:40], b"\0" * 1000):
        with ramdisk(files={"system.dtb": damaged}) as disk:
            ends_with("system.dtb: ", disk)


@case
def damaged_driver_is_reported():
    """[BOOT-BAD-5]"""
    with ramdisk(files={"drivers/broken": file_of("drivers/pl011")[:4000]}) as disk:
        comes_up_and_logs("drivers/broken", disk)


@case
def driver_without_node_is_reported():
    """[BOOT-BAD-5]"""
    with ramdisk(files={"drivers/other": file_of("drivers/pl011").replace(b"arm,pl011", b"arm,pl999")}) as disk:
        comes_up_and_logs("no device for drivers/other", disk)


@case
def node_without_driver_is_reported():
    """[BOOT-BAD-5]: `virt` has a clock that no driver knows"""
    with ramdisk() as disk:
        comes_up_and_logs("no driver for /pl031@9010000", disk)


def qemu_loads(megabytes):
    """Whether QEMU finds room for kernel, RAM disk and device tree."""
    words = Machine(memory=f"{megabytes}M").command("-serial", "none", "-monitor", "stdio", "-S")
    return subprocess.run(words, input=b"quit\n", capture_output=True, check=False).returncode == 0


@case
def little_ram_is_enough_or_reported():
    """[BOOT-BAD-3], from the least size that QEMU takes upwards until the system comes up"""
    size = next(size for size in range(1, 64) if qemu_loads(size))
    while True:
        machine = Machine(memory=f"{size}M", bootargs="cavern.command=poweroff")
        said = last_words(machine)
        if "CAVERN-EXIT" in said or "too little RAM" not in said:
            break
        size += size // 4 + 1
    assert "CAVERN-EXIT" in said, f"{size} MiB: neither came up nor said that there is too little RAM:\n{said}"


if __name__ == "__main__":
    main()
