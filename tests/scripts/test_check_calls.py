#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""scripts/check-calls on small trees. [TEST-CALLS-1]"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.append(str(ROOT / "tests"))

from tap import case, main  # noqa: E402

SPEC = """| | call | in | out | errors |
|---|---|---|---|---|
| 0 | nop | – | – | – |
| 1 | submit | x3 operations | x1 done | BAD_ADDRESS, and those of its operations |
| 5 | send | x0 sender [send], MSG | – | DENIED QUEUE_FULL |
| 39 | machine | x0 machine | – | DEVICE_ERROR |

| 0 | 16 | size | bytes of PAYLOAD |
"""
TABLE = """# comment: not a row
0  nop     :                 ->
1  submit  : x3 operations   -> x1 done
5  send    : x0 sender, MSG  ->
39 machine : x0 machine      ->
"""
TARGET = """REFUSES(SEND, DENIED, GOOD_SEND);
REFUSES_EACH(SEND,
             QUEUE_FULL, VALUES(1, 2), 3, GOOD_SEND);
FAILS(SUBMIT, BAD_ADDRESS, GOOD_SUBMIT);
"""
HOST = "assert_int_equal(peer_call(&self, MACHINE, power,\n    [2] = 1), CAVERN_DEVICE_ERROR);\n"


def check(*options, spec=SPEC, table=TABLE, target=TARGET, host=HOST):
    files = {
        "spec/abi.md": spec,
        "kernel/abi/cavern/syscalls.def": table,
        "tests/system/refuse.c": target,
        "tests/unit/test_machine.c": host,
    }
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            file = Path(folder) / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        command = [ROOT / "scripts/check-calls", "--root", folder, *(option.format(folder) for option in options)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        header = Path(folder) / "statuses.h"
        return result.returncode, result.stdout + (header.read_text() if header.exists() else "")


@case
def every_error_with_a_test_passes():
    assert check() == (0, "")


@case
def error_without_a_test_is_found():
    status, output = check(target=TARGET.replace("QUEUE_FULL", "DENIED"))
    assert (status, output) == (1, "send: QUEUE_FULL has no test\n"), output


@case
def error_that_is_not_listed_is_found():
    status, output = check(target=TARGET + "REFUSES(SEND, GONE, GOOD_SEND);\n")
    assert (status, output) == (1, "tests/system/refuse.c:5: send: GONE is not listed\n"), output


@case
def any_error_may_come_of_an_operation():
    assert check(target=TARGET + "FAILS(SUBMIT, GONE, GOOD_SUBMIT);\n") == (0, "")


@case
def unit_test_stands_only_for_what_the_target_never_does():
    target = TARGET.replace("SEND, DENIED", "SEND, QUEUE_FULL")
    status, output = check(target=target, host=HOST.replace("MACHINE", "SEND"))
    assert (status, output) == (1, "send: DENIED has no test\nmachine: DEVICE_ERROR has no test\n"), output


@case
def call_in_one_place_alone_is_found():
    status, output = check(table=TABLE + "6 request : x0 sender -> x1 id\n")
    assert (status, output) == (1, "6 request stands only in syscalls.def\n"), output
    status, output = check(table=TABLE.replace("0  nop ", "2  nop "))
    assert status == 1 and output == "0 nop stands only in spec/abi.md\n2 nop stands only in syscalls.def\n", output


@case
def list_shows_errors_and_tests():
    status, output = check("--list", target=TARGET.replace("QUEUE_FULL", "DENIED"))
    wanted = "send DENIED tests/system/refuse.c:1 tests/system/refuse.c:2\nsend QUEUE_FULL -\n"
    assert status == 0 and wanted in output, output


@case
def header_has_a_bit_for_each_status():
    status, output = check("--header", "{}/statuses.h")
    assert status == 0, output
    for row in (
        "[0] = BIT(OK), /* nop */",
        "[1] = ~UINT64_C(0), /* submit */",
        "[5] = BIT(OK) | BIT(DENIED) | BIT(QUEUE_FULL), /* send */",
    ):
        assert row in output, output


@case
def empty_document_is_no_proof():
    assert check(spec="", table="", target="")[0] == 1


if __name__ == "__main__":
    main()
