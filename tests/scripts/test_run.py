#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""scripts/run -c, with a stand-in for QEMU that says what a guest would say on its serial line."""

import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path += [str(ROOT / "scripts"), str(ROOT / "tests")]

import qemu  # noqa: E402
from tap import case, main  # noqa: E402

BEGIN = r"\036CAVERN-BEGIN\r\n"


def run(script, commands="true", timeout=None, machine=None):
    """Runs `commands` with a shell script as QEMU. Returns output, status, reason, the log."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "qemu-system-aarch64"
        program.write_text("#!/bin/sh\n" + script)
        program.chmod(0o755)
        path, os.environ["PATH"] = os.environ["PATH"], f"{folder}:{os.environ['PATH']}"
        output, log = io.BytesIO(), io.BytesIO()
        try:
            machine = machine or qemu.Machine()
            status, reason, _ = qemu.run_commands(machine, commands, output, log, timeout)
        finally:
            os.environ["PATH"] = path
        return output.getvalue(), status, reason, log.getvalue()


@case
def output_between_the_markers_alone_is_printed():
    """[BOOT-OPTION-2], this side of it"""
    script = rf"printf 'booting\r\n{BEGIN}one\r\ntwo\r\n\036CAVERN-EXIT 0\r\noff\r\n'"
    output, status, reason, log = run(script)
    assert (output, status, reason) == (b"one\ntwo\n", 0, ""), (output, status, reason)
    assert log.startswith(b"booting\r\n") and b"EXIT 0" in log, log


@case
def status_is_that_of_the_last_command():
    _, status, reason, _ = run(rf"printf '{BEGIN}\036CAVERN-EXIT 7\r\n'")
    assert (status, reason) == (7, "")


@case
def markers_in_pieces_are_recognised():
    script = rf"""printf '\036CAV'; sleep 0.1; printf 'ERN-BEGIN\r'; sleep 0.1; printf '\na\r'; sleep 0.1
        printf '\n\036CAVERN-'; sleep 0.1; printf 'EXIT 3\n'"""
    output, status, _, _ = run(script)
    assert (output, status) == (b"a\n", 3), (output, status)


@case
def carriage_returns_and_separators_in_output_survive():
    output, _, _, _ = run(rf"printf '{BEGIN}50%%\r60%%\036x\n\036CAVERN-EXIT 0\n'")
    assert output == b"50%\r60%\x1ex\n", output


@case
def end_without_status_is_broken():
    output, status, reason, _ = run(rf"printf '{BEGIN}half'")
    assert (output, status) == (b"half", qemu.EXIT_BROKEN)
    assert "stopped" in reason, reason


@case
def panic_of_the_running_system_is_told_by_its_end():
    script = rf"printf '{BEGIN}panic: x\r\n'; sleep 0.6; printf 'alive\r\n'"
    qemu.END_SECONDS = 0.3
    output, status, reason, _ = run(script + r"; printf '\036CAVERN-EXIT 0\n'")
    assert (output, status, reason) == (b"panic: x\nalive\n", 0, ""), (output, status, reason)
    output, status, reason, _ = run(script)
    assert (status, reason) == (qemu.EXIT_BROKEN, "the kernel panicked"), (status, reason)


@case
def panic_is_said_at_the_start_of_a_line():
    _, _, reason, _ = run(rf"printf '{BEGIN}a panic: x\r\n'")
    assert "stopped" in reason, reason


@case
def panic_is_broken():
    qemu.END_SECONDS = 0.3
    _, status, reason, log = run(r"printf 'x\r\npanic: no RAM disk\r\n'; exec sleep 20")
    assert (status, reason) == (qemu.EXIT_BROKEN, "the kernel panicked"), (status, reason)
    assert b"no RAM disk" in log


@case
def silent_boot_is_broken():
    qemu.BOOT_SECONDS = 0.3
    _, status, reason, _ = run("exec sleep 20")
    assert (status, reason) == (qemu.EXIT_BROKEN, "the shell did not start"), (status, reason)


@case
def timeout_ends_the_machine():
    output, status, _, _ = run(rf"printf '{BEGIN}x\n'; exec sleep 20", timeout=0.5)
    assert (output, status) == (b"x\n", qemu.EXIT_TIMEOUT), (output, status)


@case
def commands_travel_as_one_boot_argument():
    machine = qemu.Machine(bootargs="log.level=4")
    _, _, _, log = run("printf '%s\\n' \"$@\"", commands="echo a b; echo 'ä%'", machine=machine)
    assert b"\nlog.level=4 cavern.command=echo%20a%20b%3B%20echo%20%27%C3%A4%25%27\n" in log, log


@case
def reads_are_told_of_the_end():
    output, status, _, _ = run(rf"printf '{BEGIN}'; head -c 2 | od -An -c; printf '\036CAVERN-EXIT 0\n'")
    assert output.split() == [b"004", b"004"], output


@case
def command_lines_that_can_not_be_run_are_refused():
    for bad in ("", "x" * 1024, "ä" * 512):
        words = [sys.executable, qemu.__file__, "-c", bad]
        done = subprocess.run(words, capture_output=True, text=True, timeout=10, check=False)
        assert done.returncode == 2 and "1 to 1023 bytes" in done.stderr, done
    assert qemu.parse(["-c", "x" * 1023]).commands == "x" * 1023


if __name__ == "__main__":
    main()
