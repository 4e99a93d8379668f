#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Boots Cavern in QEMU: on the terminal, or to run commands in its shell and give their output and exit status.

This file owns QEMU's command line and the protocol by which the shell says where the output of a command line begins
and how it ended (spec/boot.md). scripts/run calls it after building; scripts/bench and the tests import it.
"""

import argparse
import os
import re
import select
import subprocess
import sys
import termios
import time
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("CAVERN_BUILD", ROOT / "build"))
UBOOT = "/usr/lib/u-boot/qemu_arm64/u-boot.bin"

BOOT_SECONDS = 60  # until the shell must run; commands then take as long as they like, unless --timeout
END_SECONDS = 5  # for powering off, and for the rest of a panic
COMMANDS_MAX = 1023  # bytes of a command line: spec/boot.md
READS_MAX = 1024  # that are told of the end of the input
EXIT_TIMEOUT = 124
EXIT_BROKEN = 125


@dataclass
class Machine:
    """A QEMU `virt` machine with Cavern in it."""

    image: Path = BUILD / "kernel/Image"
    initrd: Path | None = BUILD / "ramdisk/initrd.tar"
    cpus: int = 1
    memory: str = "512M"
    gic: int = 2
    cpu: str = "cortex-a57"
    el2: bool = False
    uboot: bool = False
    bootargs: str = ""
    disk: Path | None = None
    dtb: Path | None = None
    debug: bool = False
    icount: bool = False  # an instruction a nanosecond, and nothing that differs from run to run

    def command(self, *serial):
        """QEMU's command line; `serial` are the options for the serial line."""
        words = ["qemu-system-aarch64", "-nodefaults", "-display", "none", *serial]
        words += ["-machine", f"virt,gic-version={self.gic}" + (",virtualization=on" if self.el2 else "")]
        words[-1] += ",dtb-randomness=off" if self.icount else ""
        words += ["-cpu", self.cpu, "-smp", str(self.cpus), "-m", self.memory]
        words += ["-kernel", str(self.image)]
        if self.initrd:
            words += ["-initrd", str(self.initrd)]
        if self.bootargs:
            words += ["-append", self.bootargs]
        if self.uboot:
            words += ["-bios", UBOOT]
        if self.dtb:
            words += ["-dtb", str(self.dtb)]
        if self.disk:
            words += ["-global", "virtio-mmio.force-legacy=false", "-device", "virtio-blk-device,drive=disk"]
            words += ["-drive", f"if=none,id=disk,format=raw,file={self.disk}"]
        if self.debug:
            words += ["-s", "-S"]
        if self.icount:
            words += ["-icount", "shift=0,sleep=off"]
        return words


class Session:
    """The serial line while the shell runs a command line: which of its bytes the commands printed, and the status."""

    BEGIN = b"\x1eCAVERN-BEGIN\n"
    EXIT = re.compile(rb"\x1eCAVERN-EXIT (\d+)\n")
    PANIC = re.compile(rb"(?:^|\n)panic: [^\n]+\n")

    def __init__(self):
        self.begun = False
        self.status = None
        self.panicked = False
        self.held = b""  # the start of what may become a marker or a line's end
        self.tail = b""

    def feed(self, data):
        """Takes bytes of the line; returns what of it is output of the commands, with the newlines of this side."""
        self.tail = (self.tail + data)[-4096:]
        self.panicked = self.panicked or bool(self.PANIC.search(self.tail.replace(b"\r", b"")))
        text = (self.held + data).replace(b"\r\n", b"\n")
        if not self.begun:
            before, mark, text = text.partition(self.BEGIN)
            self.begun = bool(mark)
            if not self.begun:
                self.held = before[-len(self.BEGIN) :]
                return b""
        end = self.EXIT.search(text)
        if end:
            self.status = int(end[1]) & 0xFF
            self.held = b""
            return text[: end.start()]
        mark = re.search(rb"\x1e[^\n]*\Z|\r\Z", text)
        cut = mark.start() if mark else len(text)
        self.held = text[cut:]
        return text[:cut]


def encoded(commands):
    """The boot argument that has the shell run `commands` and then power off."""
    return "cavern.command=" + urllib.parse.quote(commands, safe="/")


def type_ends(process):
    """Ends the input: each read in the guest takes one Ctrl-D."""
    try:
        os.write(process.stdin.fileno(), b"\x04" * READS_MAX)
    except BrokenPipeError:
        pass  # QEMU has ended, which is noticed elsewhere


def stop(process):
    """Ends QEMU if it has not ended by itself."""
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def run_commands(machine, commands, output, log=None, timeout=None):
    """Runs `commands` in Cavern's shell; `output` takes what they print, and their input is at its end. Returns (status,
    reason, end of the log); reason is empty if the status is theirs.

    A program may print what looks like a panic; so once the shell runs only the end of the machine tells."""
    machine.bootargs = f"{machine.bootargs} {encoded(commands)}".strip()
    words = machine.command("-monitor", "none", "-serial", "stdio", "-no-reboot")
    start = time.monotonic()
    session = Session()
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            panic_end = None
            typed = False
            while session.status is None:
                ends = [(start + timeout, "timeout")] if timeout else []
                if panic_end and not session.begun:
                    ends.append((panic_end, "the kernel panicked"))
                elif not session.begun and not machine.debug:
                    ends.append((start + BOOT_SECONDS, "the shell did not start"))
                end, reason = min(ends, default=(None, ""))
                left = end and end - time.monotonic()
                if left is not None and left <= 0:
                    process.kill()
                    return EXIT_TIMEOUT if reason == "timeout" else EXIT_BROKEN, reason, session.tail
                if not select.select([process.stdout], [], [], left)[0]:
                    continue
                data = os.read(process.stdout.fileno(), 65536)
                if not data:
                    reason = "the kernel panicked" if session.panicked else "the machine stopped before the commands ended"
                    return EXIT_BROKEN, reason, session.tail
                if log:
                    log.write(data)
                    log.flush()
                output.write(session.feed(data))
                output.flush()
                if session.begun and not typed:
                    type_ends(process)
                    typed = True
                if session.panicked and not panic_end:
                    panic_end = time.monotonic() + END_SECONDS
            return session.status, "", session.tail
        finally:
            stop(process)


def run_terminal(machine, log=None, timeout=None):
    """Connects the terminal with Cavern's console until QEMU ends. Returns the exit status."""
    logging = f",logfile={log}" if log else ""
    words = machine.command(
        "-chardev", f"stdio,id=terminal,mux=on,signal=off{logging}", "-serial", "chardev:terminal", "-mon", "terminal"
    )
    print("Ctrl-A X leaves QEMU.", file=sys.stderr)
    state = termios.tcgetattr(sys.stdin) if sys.stdin.isatty() else None
    try:
        return subprocess.run(words, timeout=timeout, check=False).returncode
    except subprocess.TimeoutExpired:
        return EXIT_TIMEOUT
    finally:
        if state:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, state)


def command_line(text):
    if not 1 <= len(os.fsencode(text)) <= COMMANDS_MAX:
        raise argparse.ArgumentTypeError(f"a command line has 1 to {COMMANDS_MAX} bytes")
    return text


def parse(arguments):
    parser = argparse.ArgumentParser(prog="scripts/run", description="Builds Cavern and boots it in QEMU.")
    add = parser.add_argument
    add("-c", dest="commands", type=command_line, metavar="'CMD; CMD'", help="run these in the shell, print their output, power off")
    add("--cpus", type=int, default=Machine.cpus, metavar="N", help="processors (default: %(default)s)")
    add("--memory", default=Machine.memory, metavar="SIZE", help="such as 128M or 4G (default: %(default)s)")
    add("--gic", type=int, choices=(2, 3), default=Machine.gic, help="interrupt controller (default: %(default)s)")
    add("--cpu", default=Machine.cpu, metavar="MODEL", help="cortex-a53, max, ... (default: %(default)s)")
    add("--el2", action="store_true", help="enter the kernel at EL2")
    add("--uboot", action="store_true", help="boot through U-Boot")
    add("--bootargs", default="", metavar="'...'", help="options for the kernel and the egg: spec/boot.md")
    add("--disk", type=Path, metavar="FILE", help="attach a raw disk image (virtio)")
    add("--initrd", type=Path, default=Machine.initrd, metavar="FILE", help="another RAM disk")
    add("--log", type=Path, metavar="FILE", help="keep all that the serial line carried")
    add("--timeout", type=float, metavar="SECONDS", help=f"stop by then, with exit status {EXIT_TIMEOUT}")
    add("--debug", action="store_true", help="wait for scripts/debug, started in another terminal")
    return parser.parse_args(arguments)


def main():
    options = vars(parse(sys.argv[1:]))
    commands, log, timeout = (options.pop(name) for name in ("commands", "log", "timeout"))
    machine = Machine(**options)
    if machine.debug:
        print("QEMU waits for a debugger on port 1234: run scripts/debug in another terminal.", file=sys.stderr)
    if commands is None:
        return run_terminal(machine, log, timeout)
    with open(log or os.devnull, "wb") as file:
        status, reason, tail = run_commands(machine, commands, sys.stdout.buffer, file, timeout)
    if reason:
        sys.stderr.write(f"{tail.decode(errors='replace')}\ncavern: {reason}\n")
    return status


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # who reads the output has had enough; nothing is left to flush
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
