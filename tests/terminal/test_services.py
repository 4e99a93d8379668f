#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Services and drivers that are not as they should be, with tests/services/ beside the shipped system. The cases share one
machine, and each leaves it at the prompt."""

import functools
import re
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

from guest import BUILD, PROMPT, SECONDS, Machine, Terminal, file_of, ramdisk  # noqa: E402
from tap import case, main  # noqa: E402

CONTROL_C = "\x03"
PROGRAMS = ("bin/impatient", "bin/mute", "bin/names", "drivers/magic")
TRANSPORTS = 32  # virtio-mmio, that QEMU's `virt` has


@functools.cache
def terminal():
    files = {path: file_of(path, BUILD / "ramdisk/initrd-services.tar") for path in PROGRAMS}
    files["system.dtb"] = (BUILD / "tests/services/system.dtb").read_bytes()
    with ramdisk(files=files) as disk:
        return Terminal(Machine(initrd=disk.name))


def eventually(command, pattern):
    """Types it until it prints this."""
    end = time.monotonic() + SECONDS
    while not re.search(pattern, terminal().run(command)):
        assert time.monotonic() < end, f"never {pattern}"
        time.sleep(0.1)


def interrupted(command):
    """Types it, and Ctrl-C while it waits."""
    terminal().type(f"{command}; echo never\r")
    terminal().expect("never\r\n")
    time.sleep(0.3)
    terminal().type(CONTROL_C)
    assert "never" not in terminal().expect(PROMPT)
    assert terminal().run("echo $?") == "130\n"


@case
def driver_of_registers_that_share_a_page_reads_them_one_by_one():
    """[DEV-GIVE-1] [DEV-GIVE-2] [LOG-6]: they were started before the log had registered"""
    said = terminal().run("log")
    assert said.count("magic: 74726976, map: bad argument") == TRANSPORTS, said


@case
def driver_registers_its_device_and_what_is_configured():
    """[EGG-1]"""
    names = re.findall(r"virtio_mmio@\w+", terminal().run("ls /device"))
    assert len(names) == TRANSPORTS
    assert re.findall(r"virtio_mmio@\w+", terminal().run("ls /service/probe")) == names


@case
def watcher_hears_of_names_that_come_and_go():
    """[REG-8]"""
    eventually("log", r"unregistered")
    said = terminal().run("log")
    assert re.search(r"names\[\d+\] +unregistered: ok, not found\n", said), said
    assert re.search(r"added /service/names/one\n(.*\n)*.*removed /service/names/one\n", said), said


@case
def requests_that_were_cancelled_take_no_place():
    """[SUP-18]"""
    eventually("log", r"impatient\[\d+\] +asked 200 times: deadline passed\n")


@case
def volume_that_does_not_answer_holds_nobody_up():
    """[SUP-17] [SHELL-STATUS-3]"""
    assert terminal().run("run /volume/mute/x") == "run: /volume/mute/x: deadline passed\n"
    assert terminal().run("cat /volume/mute/x; ls /volume/mute") == (
        "cat: /volume/mute/x: deadline passed\nls: /volume/mute: deadline passed\n"
    )
    assert terminal().run("kill mute; run hello x").startswith("Hello, x.\n")


@case
def interrupt_ends_waiting_for_a_volume():
    """[SHELL-STATUS-2]"""
    interrupted("cat /volume/mute/x")
    interrupted("run /volume/mute/x")


@case
def log_that_comes_again_is_told_by_those_who_knew_the_former():
    """[LOG-6] [SUP-11]: the log's end was told to nobody who waits still, so it is known"""
    asked = "cat /volume/mute/x"
    terminal().run("kill log")
    assert terminal().run("log") == "log: /service/log: not found\n"  # [SHELL-STATUS-3]
    terminal().run(asked)
    terminal().run(f"restart log; {asked}")
    said = terminal().run("log")
    assert re.search(r"warning  mute\[\d+\] +1 lines lost\n.*mute\[\d+\] +asked\n", said), said


@case
def interrupt_ends_waiting_for_a_service():
    """[SHELL-STATUS-2]"""
    terminal().run("kill log; kill mute")
    eventually("ls /service", r"log\n")  # which is mute now
    interrupted("log")


if __name__ == "__main__":
    try:
        main()
    finally:
        if terminal.cache_info().currsize:
            terminal().close()
