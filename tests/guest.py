# SPDX-License-Identifier: BSD-2-Clause
"""Cavern in QEMU as the tests use it: machines to boot, RAM disks with something wrong, a person at the terminal."""

import io
import re
import subprocess
import sys
import tarfile
import tempfile
import termios
from pathlib import Path

import pexpect

sys.path.append(str(Path(__file__).resolve().parent.parent / "scripts"))

import qemu  # noqa: E402
from qemu import BUILD, Machine  # noqa: E402

SECONDS = 60  # for whatever must happen; generous, since tests share the processors
PROMPT = "cavern> "


def shell(commands, machine=None):
    """What the shell prints for `commands`, and their exit status. Anything else that happens is an error."""
    output = io.BytesIO()
    status, reason, tail = qemu.run_commands(machine or Machine(), commands, output, timeout=SECONDS)
    assert not reason, f"{reason}; the serial line ended with:\n{tail.decode(errors='replace')}"
    return output.getvalue().decode(), status


def last_words(machine):
    """All that the machine says until it stops by itself."""
    words = machine.command("-monitor", "none", "-serial", "stdio", "-no-reboot")
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired as late:
        raise AssertionError(f"did not stop; it said:\n{(late.stdout or b'').decode(errors='replace')}") from None
    return (done.stdout + done.stderr).decode(errors="replace")


def ramdisk(without=(), files=None):
    """A copy of the RAM disk without some paths and with other files, as a temporary file."""
    copy = tempfile.NamedTemporaryFile(suffix=".tar")
    files = dict(files or {})
    with tarfile.open(Machine.initrd) as old, tarfile.open(copy.name, "w", format=tarfile.USTAR_FORMAT) as new:
        assert set(without) <= set(old.getnames()), without
        for entry in old:
            if entry.name not in without and entry.name not in files:
                new.addfile(entry, old.extractfile(entry) if entry.isfile() else None)
        for path, data in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(data)
            new.addfile(entry, io.BytesIO(data))
    return copy


def file_of(path, disk=Machine.initrd):
    """A file of a RAM disk."""
    with tarfile.open(disk) as archive:
        return archive.extractfile(path).read()


def leave_line_ends():
    """Has the pseudo-terminal pass on what the guest writes as it is."""
    state = termios.tcgetattr(0)
    state[1] &= ~termios.ONLCR
    termios.tcsetattr(0, termios.TCSANOW, state)


class Terminal:
    """A person at the console: types, and reads what appears."""

    def __init__(self, machine=None):
        words = (machine or Machine()).command("-serial", "mon:stdio")
        self.child = pexpect.spawn(
            words[0],
            words[1:],
            timeout=SECONDS,
            encoding="utf-8",
            codec_errors="replace",
            preexec_fn=leave_line_ends,
        )
        self.child.delaybeforesend = None
        self.settled = 0
        self.expect(PROMPT)

    def expect(self, text, seconds=SECONDS):
        """Waits until `text` appears; returns what appeared before it."""
        try:
            self.child.expect_exact(text, timeout=seconds)
        except (pexpect.TIMEOUT, pexpect.EOF) as error:
            said = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.child.before or "")
            raise AssertionError(f"no {text!r} ({type(error).__name__}); instead:\n{said}") from None
        return self.child.before.replace("\r\n", "\n")

    def type(self, text):
        self.child.send(text)

    def run(self, line):
        """Types a command line; returns what it prints until the next prompt."""
        self.type(line + "\r")
        self.expect("\r\n")
        return self.expect(PROMPT)

    def settle(self):
        """Waits until a command that is typed now has been run; whatever appears before that is skipped."""
        self.settled += 1
        self.type(f"echo 'settled' {self.settled}\r")
        self.expect(f"settled {self.settled}\r\n{PROMPT}")

    def ends(self):
        """Waits for the machine's end."""
        self.child.expect(pexpect.EOF)
        self.child.close()
        assert self.child.exitstatus == 0, self.child.exitstatus

    def close(self):
        self.child.close(force=True)
