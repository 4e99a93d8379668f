#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A person at the shell, through a pseudo-terminal. The cases share one machine, and each leaves it at the prompt."""

import functools
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

from guest import PROMPT, Terminal  # noqa: E402
from tap import case, main  # noqa: E402

terminal = functools.cache(Terminal)

BACKSPACE, CONTROL_C, CONTROL_D, CONTROL_U = "\x7f", "\x03", "\x04", "\x15"
BELL = "\a"


@case
def prompt_appears_and_command_answers():
    assert terminal().run("echo hello   world") == "hello world\n"


@case
def typed_characters_are_shown_at_once():
    terminal().type("echo shown")
    terminal().expect("echo shown")
    terminal().type("\r")
    terminal().expect("\r\nshown\r\n" + PROMPT)


@case
def backspace_rubs_out():
    assert terminal().run(f"echox{BACKSPACE} abX{BACKSPACE}c").endswith("abc\n")


@case
def backspace_on_an_empty_line_leaves_the_prompt():
    assert terminal().run(BACKSPACE * 5 + "echo still here") == "still here\n"


@case
def line_can_be_rubbed_out_whole():
    assert terminal().run(f"nonsense{CONTROL_U}echo fine") == "fine\n"


@case
def empty_line_gives_a_prompt():
    assert terminal().run("") == ""


@case
def commands_stand_between_semicolons():
    assert terminal().run("echo one; echo two;echo three") == "one\ntwo\nthree\n"


@case
def unknown_command_is_named():
    assert "nonsense" in terminal().run("nonsense now")
    assert terminal().run("echo $?") == "127\n"


@case
def bad_arguments_show_the_usage():
    assert terminal().run("sleep") == "usage: sleep SECONDS\n"
    assert terminal().run("echo $?") == "2\n"


@case
def interrupt_forgets_the_line():
    terminal().type("echo never" + CONTROL_C)
    terminal().expect(PROMPT)
    assert terminal().run("echo after") == "after\n"


@case
def interrupt_ends_a_command_and_skips_the_rest():
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
    terminal().type("run spin\r")
    terminal().expect("run spin\r\n")
    time.sleep(0.3)
    terminal().type(CONTROL_C)
    terminal().expect(PROMPT)
    assert terminal().run("echo $?") == "130\n"
    assert "spin" not in terminal().run("ps")


@case
def end_of_input_does_not_end_the_shell():
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
    terminal().type("echo " + "y" * 1200)
    terminal().expect(BELL)
    terminal().type(CONTROL_U)
    assert terminal().run("echo still here").endswith("still here\n")


@case
def what_is_typed_ahead_is_run():
    terminal().type("echo ahead\r" * 20)
    said = "".join(terminal().expect(PROMPT) for _ in range(20))
    assert said.count("ahead\n") == 40, said  # as typed, and as answered
    assert terminal().run("echo done") == "done\n"


@case
def crash_of_a_program_is_reported():
    said = terminal().run("run crash; echo alive")
    assert "address 0x0" in said and "pc 0x" in said and said.endswith("alive\n"), said


@case
def driver_of_the_terminal_comes_back():
    for restarts in ("1", "2"):
        terminal().type("kill pl011@9000000\r")
        time.sleep(2)
        terminal().settle()
        row = next(line for line in terminal().run("services").splitlines() if line.startswith("pl011"))
        assert row.split()[-2] == restarts, row


@case
def console_comes_back():
    terminal().type("kill console\r")
    time.sleep(2)
    terminal().settle()
    row = next(line for line in terminal().run("services").splitlines() if line.startswith("console"))
    assert row.split()[-2] == "1", row


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


if __name__ == "__main__":
    try:
        main()
    finally:
        terminal().close()
