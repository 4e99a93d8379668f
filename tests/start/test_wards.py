#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The registry and the supervisor die and come back. spec/services/egg.md, "Wards"."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

from guest import BUILD, Machine, file_of, ramdisk, shell  # noqa: E402
from tap import case, main  # noqa: E402


def deadly(commands):
    """Runs commands in a system whose registry dies of a look-up and whose supervisor dies of a KILL of "deadly"."""
    files = {path: file_of(path, BUILD / "ramdisk/initrd-wards.tar") for path in ("bin/registry", "bin/supervisor")}
    with ramdisk(files=files) as disk:
        return shell(commands, Machine(initrd=disk.name))


@case
def killed_registry_keeps_names_and_clients():
    """[EGG-11] [REG-10]"""
    said, status = deadly("cat /volume/deadly/x; ls /volume/init; kill pl011; run crash; echo alive; log")
    assert status == 0 and "\nalive\n" in said, (status, said)
    assert "the registry: fault" in said and "goes on for a predecessor" in said, said
    assert "system.dtb" in said, said


@case
def killed_supervisor_keeps_children():
    """[EGG-11] [SUP-15]"""
    said, status = deadly("kill deadly; kill pl011; run crash; services; echo alive; log")
    assert status == 0 and "\nalive\n" in said, (status, said)
    assert "the supervisor: fault" in said and "goes on for a predecessor" in said, said


@case
def ward_that_dies_on_and_on_ends_the_system():
    """[EGG-7] [BOOT-LOG-2]"""
    commands = "; ".join(["cat /volume/deadly/x"] * 8)
    try:
        deadly(commands)
    except AssertionError as stopped:
        why, panicked, _ = str(stopped).partition("panic: egg has ended")
        assert panicked and "egg: the registry ended too often" in why, stopped
    else:
        raise AssertionError("the system goes on")


if __name__ == "__main__":
    main()
