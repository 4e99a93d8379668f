#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A person at the shell, through a pseudo-terminal. The cases share one machine, and each leaves it at the prompt."""

import functools
import sys
import tempfile
import time
from pathlib import Path

import pexpect

sys.path.append(str(Path(__file__).resolve().parent.parent))

from guest import PROMPT, SECONDS, Terminal, qemu  # noqa: E402
from tap import case, main  # noqa: E402

terminal = functools.cache(Terminal)

BACKSPACE, CONTROL_C, CONTROL_D, CONTROL_U = "\x7f", "\x03", "\x04", "\x15"
BELL = "\a"


@case
def prompt_appears_and_command_answers():
    assert terminal().run("echo hello   world") == "hello world\n"


@case
def typed_characters_are_shown_at_once():
    """[CON-LINE-1]"""
    terminal().type("echo shown")
    terminal().expect("echo shown")
    terminal().type("\r")
    terminal().expect("\r\nshown\r\n" + PROMPT)


@case
def backspace_rubs_out():
    """[CON-LINE-2]"""
    assert terminal().run(f"echox{BACKSPACE} abX{BACKSPACE}c").endswith("abc\n")


@case
def backspace_on_an_empty_line_leaves_the_prompt():
    """[CON-LINE-2]"""
    assert terminal().run(BACKSPACE * 5 + "echo still here") == "still here\n"


@case
def line_can_be_rubbed_out_whole():
    """[CON-LINE-2]"""
    assert terminal().run(f"nonsense{CONTROL_U}echo fine") == "fine\n"


@case
def empty_line_gives_a_prompt():
    assert terminal().run("") == ""


@case
def interrupt_forgets_the_line():
    """[CON-INTERRUPT-2]"""
    terminal().type("echo never" + CONTROL_C)
    terminal().expect(PROMPT)
    assert terminal().run("echo after") == "after\n"


@case
def interrupt_ends_a_command_and_skips_the_rest():
    """[SHELL-STATUS-2] [CON-INTERRUPT-1]"""
    start = time.monotonic()
    terminal().type("sleep 1000; echo never\r")
    terminal().expect("never\r\n")
    time.sleep(0.3)
    terminal().type(CONTROL_C)
    assert "never" not in terminal().expect(PROMPT)
    assert time.monotonic() - start < 30
    assert terminal().run("echo $?") == "130\n"


@case
def interrupt_ends_a_program():
    """[SHELL-RUN-4]"""
    terminal().type("run spin\r")
    terminal().expect("run spin\r\n")
    time.sleep(0.3)
    terminal().type(CONTROL_C)
    terminal().expect(PROMPT)
    assert terminal().run("echo $?") == "130\n"
    assert "spin" not in terminal().run("ps")


@case
def end_of_input_does_not_end_the_shell():
    """[CON-LINE-6]"""
    terminal().type(CONTROL_D)
    terminal().expect(PROMPT)
    assert terminal().run("echo still here") == "still here\n"


@case
def long_line_arrives_whole():
    words = "x" * 900
    said = terminal().run("echo " + words)
    assert said.endswith(words + "\n"), said


@case
def line_that_is_too_long_rings_the_bell():
    """[CON-LINE-4]"""
    terminal().type("echo " + "y" * 1200)
    terminal().expect(BELL)
    terminal().type(CONTROL_U)
    assert terminal().run("echo still here").endswith("still here\n")


@case
def what_is_typed_ahead_is_run():
    """[CON-LINE-5]"""
    terminal().type("echo 'a'head\r" * 20)
    said = "".join(terminal().expect(PROMPT) for _ in range(20))
    assert said.count("ahead\n") == 20, said  # what is typed stands between, in quotes
    assert terminal().run("echo done") == "done\n"


@case
def driver_of_the_terminal_comes_back():
    """[UART-6] [CON-DEVICE-1] [CON-RESTART-1]"""
    for restarts in ("1", "2"):
        terminal().type("kill pl011@9000000\r")
        time.sleep(2)
        terminal().settle()
        row = next(line for line in terminal().run("services").splitlines() if line.startswith("pl011"))
        assert row.split()[-2] == restarts, row


@case
def reboot_starts_again():
    terminal().type("reboot\r")
    terminal().expect("reboot\r\n")
    terminal().expect(PROMPT)
    assert "up " in terminal().run("uptime")


@case
def poweroff_ends_the_machine():
    terminal().type("poweroff\r")
    terminal().ends()


@case
def control_a_x_leaves_and_the_terminal_is_as_before():
    with tempfile.NamedTemporaryFile() as log:
        line = f"{sys.executable} {qemu.__file__} --log {log.name}; echo left with $?; stty -a"
        child = pexpect.spawn("sh", ["-c", line], timeout=SECONDS, encoding="utf-8")
        child.expect_exact("Ctrl-A X leaves QEMU.")
        child.expect_exact(PROMPT)
        child.send("\x01x")
        child.expect_exact("left with 0")
        child.expect(pexpect.EOF)
        assert " icanon" in child.before and " echo " in child.before, child.before
        assert PROMPT.encode() in Path(log.name).read_bytes()


if __name__ == "__main__":
    try:
        main()
    finally:
        if terminal.cache_info().currsize:
            terminal().close()
