#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What the shell's commands print and return, and what it and the console outlive. spec/services/shell.md, console.md."""

import functools
import io
import re
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

from guest import PROMPT, SECONDS, Machine, Terminal, file_of, qemu, shell  # noqa: E402
from tap import case, main  # noqa: E402

terminal = functools.cache(Terminal)

CONTROL_C, CONTROL_D = "\x03", "\x04"

# What each prints, as a regular expression, and its status.
COMMANDS = {
    # [SHELL-LINE-1] [SHELL-LINE-2] [SHELL-LINE-3]
    "echo 'a  b' \"c;$?\" d\\;": (r"a  b c;0 d;\n", 0),
    # [SHELL-STATUS-1]
    "nonsense": (r"nonsense: unknown command; try help\n", 127),
    "sleep": (r"usage: sleep SECONDS\n", 2),
    "ps 1 2": (r"usage: ps \[PID\]\n", 2),
    "sleep soon": (r"sleep: .+\nusage: sleep SECONDS\n", 2),
    "log loud": (r"log: .+\nusage: log \[LEVEL\]\n", 2),
    # [SHELL-COMMAND-1]
    "help": (r"(?s)cat +PATH .*\nuptime [^\n]+\n", 0),
    "help kill": (r"usage: kill NAME\|PID\n.+\n", 0),
    "help nonsense": (r"help: nonsense: unknown command\n", 1),
    # [SHELL-COMMAND-2]
    "ps": (r"(?s) PID .*   1  egg .* registry .* supervisor .* log .* pl011@9000000 .* console .* shell [^\n]*0\n", 0),
    "ps 7": (r"THREAD .*\n     1 +\d+  ready +[\d.]+ m?s\n", 0),
    "ps 2": (r"THREAD .*\n     1 +\d+  receiving +[\d.]+ m?s\n", 0),
    "ps now": (r"ps: now: .+\n", 1),
    # [SHELL-COMMAND-3]
    "services": (r"(?s)NAME .*\nlog +service  running .*\npl011@9000000 +driver +running .* permanent\n", 0),
    "status console": (r"name +console\nclass +service, permanent\nstate +running for .*(\n.*){2}\nlast end  -\n", 0),
    "status nobody": (r"status: nobody: not a child of the supervisor's\n", 1),
    "devices": (r"(?s)NODE .*\npl011@9000000 +arm,pl011 +pl011 +running\n.*", 0),
    # [SHELL-COMMAND-4]
    "log": (r"(?s) +0\.\d{6}  info     kernel +Cavern .*", 0),
    "log error": (r"", 0),
    # [SHELL-COMMAND-5]
    "kill egg": (r"kill: egg: not a child of the supervisor's\n", 1),
    "restart 1": (r"restart: 1: not a child of the supervisor's\n", 1),
    # [SHELL-COMMAND-6]
    "mem": (r"(?s)RAM +512.0 MiB\n.*\nroot account .*", 0),
    "uptime": (r"up [\d.]+ m?s; 1 of 1 CPUs; \d+ switches, \d+ interrupts, \d+ system calls\n", 0),
    "cpus": (r"CPU +LOAD +RUNS .*\n  0 +\d+ %  7\.1 +\d+ +\d+ +\d+\n", 0),
    "interrupts": (r"LINE +CPU +FIRED\n +33 +0 +\d+\n", 0),
    # [SHELL-SLEEP-1]
    "sleep 0.05": (r"", 0),
    # [SHELL-PATH-1] [SHELL-PATH-2]
    "ls": (r"(?s).* bin/\n.* B  system.dtb\n|.* bin/\n.*KiB  system.dtb\n", 0),
    "ls ../init/./bin/shell": (r" +[\d.]+ KiB  shell\n", 0),
    "ls /": (r" +-  device/\n +-  service/\n +-  volume/\n", 0),
    "ls /volume": (r" +-  init/\n", 0),
    "ls /device": (r" +-  pl011@9000000\n", 0),
    "ls /nowhere": (r"ls: /nowhere: not found\n", 1),
    "cat nothing": (r"cat: nothing: not found\n", 1),
    "cat bin": (r"cat: bin: a folder\n", 1),
    "cat /service/log": (r"cat: /service/log: not found\n", 1),
    # [SHELL-RUN-1] [SHELL-RUN-2] [SHELL-RUN-3]
    "run hello big 'wide world'": (r"Hello, big\.\nHello, wide world\.\n.*\n", 0),
    "run /volume/init/bin/hello x": (r"Hello, x\.\n.*\n", 0),
    "run crash": (r"crash: process \d+ ended: fault: .+, address 0x0, pc 0x[0-9a-f]+\n", 129),
    "run nonsense": (r"run: nonsense: not found\n", 1),
    "run spin -1": (r"usage: spin \[SECONDS\]\n", 1),
    "run spin 4294967296": (r"usage: spin \[SECONDS\]\n", 1),
    "run ''": (r"run: : not found\n", 1),
    " ;; ": (r"", 0),
}


def prints(command, pattern, status):
    def check():
        said = terminal().run(command)
        assert re.fullmatch(pattern, said), said
        assert terminal().run("echo $?") == f"{status}\n"

    check.__name__ = re.sub(r"\W+", "_", f"command {command}").strip("_").lower()
    return check


for typed, (output, result) in COMMANDS.items():
    case(prints(typed, output, result))


@case
def only_the_commands_output_and_their_status():
    """[SHELL-START-1] [BOOT-OPTION-2]"""
    assert shell("echo one; nonsense") == ("one\nnonsense: unknown command; try help\n", 127)


@case
def poweroff_in_a_command_line_ends_it():
    """[SHELL-START-1]"""
    assert shell("echo one; poweroff; echo two") == ("one\n", 0)


@case
def line_that_is_not_well_formed_does_not_run():
    """[SHELL-LINE-4]"""
    said, status = shell("echo one; echo 'two")
    assert "one" not in said and "quote" in said and status == 2, (said, status)


@case
def file_is_printed_byte_by_byte():
    """[SHELL-PATH-2] [CON-WRITE-1]"""
    output = io.BytesIO()
    status, reason, _ = qemu.run_commands(Machine(), "cat bin/shell", output, timeout=SECONDS)
    assert (status, reason) == (0, "")
    assert output.getvalue() == file_of("bin/shell")


@case
def long_output_comes_whole_and_in_order():
    """[CON-WRITE-1] [CON-WRITE-2]"""
    count = 30
    line = "; ".join(f"echo {n} {'x' * 20}" for n in range(count))
    said, status = shell(line.ljust(qemu.COMMANDS_MAX))
    assert (said, status) == ("".join(f"{n} {'x' * 20}\n" for n in range(count)), 0)


@case
def input_of_a_command_line_is_at_its_end():
    """[CON-LINE-6], and scripts/run that says so"""
    assert shell("run hello; run hello; echo $?") == ("Who is there? Who is there? 1\n", 0)


@case
def what_looks_like_a_panic_is_none():
    said, status = shell("echo 'panic: not really'; sleep 6; echo done")
    assert (said, status) == ("panic: not really\ndone\n", 0)


@case
def interrupt_stops_a_program_and_the_line():
    """[SHELL-RUN-4] [SHELL-STATUS-2]"""
    terminal().type("run spin; echo never\r")
    terminal().expect("never\r\n")
    time.sleep(0.3)
    terminal().type(CONTROL_C)
    assert "never" not in terminal().expect(PROMPT)
    assert terminal().run("echo $?") == "130\n"
    assert "spin" not in terminal().run("services")


@case
def program_reads_before_the_shell_does():
    """[CON-READ-1] [CON-OPEN-1]"""
    terminal().type("run hello\r")
    terminal().expect("there?")
    terminal().type("nobody\r")
    assert "Hello, nobody." in terminal().expect(PROMPT)


@case
def program_that_reads_is_told_the_end_and_the_interrupt():
    """[CON-LINE-6] [CON-INTERRUPT-1]"""
    terminal().type("run hello\r")
    terminal().expect("there?")
    terminal().type(CONTROL_D)
    terminal().expect(PROMPT)
    assert terminal().run("echo $?") == "1\n"
    terminal().type("run hello\r")
    terminal().expect("there?")
    terminal().type(CONTROL_C)
    terminal().expect(PROMPT)
    assert terminal().run("echo $?") == "130\n"


def restarts(name):
    """What `services` says of it: (process id, restarts)."""
    row = next(line for line in terminal().run("services").splitlines() if line.startswith(name))
    return int(row.split()[3]), int(row.split()[-2])


def comes_back(name, how):
    before = restarts(name)
    assert terminal().run(f"{how} {name}; echo works on") == "works on\n"
    after = restarts(name)
    assert after[0] > before[0] and after[1] == before[1] + 1, (before, after)


@case
def driver_comes_back():
    """[CON-RESTART-1] [SHELL-RESTART-1] [SHELL-COMMAND-5] [CON-DEVICE-1] [UART-6]"""
    comes_back("pl011", "kill")
    comes_back("pl011", "restart")


@case
def console_comes_back():
    """[CON-RESTART-1] [SHELL-RESTART-1]"""
    comes_back("console", "kill")
    comes_back("console", "restart")


@case
def driver_and_console_come_back_at_once():
    """[CON-RESTART-1]"""
    assert terminal().run("kill pl011; kill console; echo works on").endswith("works on\n")
    assert terminal().run("echo typed") == "typed\n"


@case
def shell_comes_back():
    """[SHELL-RESTART-1]"""
    terminal().type("kill shell\r")
    terminal().expect(PROMPT)
    assert terminal().run("echo $?") == "0\n"
    assert restarts("shell")[1] == 1
    assert "shell (process" in terminal().run("log warning")


if __name__ == "__main__":
    try:
        main()
    finally:
        if terminal.cache_info().currsize:
            terminal().close()
