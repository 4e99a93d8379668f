#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What drivers get: tests/devices/fw_cfg.c, for a device that every machine has. spec/devices.md, "Handing out"."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

from guest import BUILD, Machine, file_of, ramdisk, shell  # noqa: E402
from tap import case, main  # noqa: E402

KILL = "kill fw-cfg@9020000; sleep 1"


def with_driver(name, commands):
    """What the shell says in a system that has this driver too."""
    path = f"drivers/{name}"
    with ramdisk(files={path: file_of(path, BUILD / "ramdisk/initrd-devices.tar")}) as disk:
        said, status = shell(commands, Machine(initrd=disk.name))
    assert status == 0, (status, said)
    return said


@case
def driver_that_asks_gets_dma_and_its_successor_the_same():
    """[DEV-GIVE-5] [DEV-DMA-1] [DEV-DMA-5]"""
    said = with_driver("fw_cfg", f"{KILL}; {KILL}; log")
    assert said.count("mappings of a predecessor: 0\n") == 1, said
    assert said.count("mappings of a predecessor: 1\n") == 2, said
    assert said.count("the device has written QEMU\n") == 3, said


@case
def driver_that_does_not_ask_gets_no_dma():
    """[DEV-GIVE-5]"""
    said = with_driver("fw_cfg_without_dma", f"{KILL}; log")
    assert "no dma\n" in said and "predecessor" not in said, said


if __name__ == "__main__":
    main()
