#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""scripts/check-dependencies on small trees with one offender each. [TEST-4]"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.append(str(ROOT / "tests"))

from tap import case, main  # noqa: E402

SOUND = {
    "kernel/abi/cavern/status.h": "#include <cavern/status.def>\n",
    "kernel/abi/cavern/status.def": "",
    "kernel/formats/elf.h": "#include <stdint.h>\n",
    "kernel/core/list.h": "#include <stddef.h>\n",
    "kernel/core/tree.h": '#include "core/list.h"\n#include <cavern/status.h>\n',
    "kernel/arch/arch.h": "#include <arch_types.h>\n",
    "kernel/arch/aarch64/arch_types.h": '#include "arch/aarch64/registers.h"\n',
    "kernel/arch/aarch64/registers.h": "",
    "kernel/platform/platform.h": "#include <stdint.h>\n",
    "kernel/platform/gic.c": '#include <libfdt.h>\n#include "object/queue.h"\n',
    "kernel/object/queue.h": '#include "arch/arch.h"\n#include "core/tree.h"\n',
    "kernel/syscall/send.c": '#include "object/queue.h"\n#include <cavern/syscalls.h>\n',
    "kernel/boot/boot.c": '#include "syscall/send.h"\n#include "formats/elf.h"\n',
    "libcavern/include/cavern/spawn.h": '#include <cavern/status.h>\n#include "formats/elf.h"\n#include <stdio.h>\n',
    "services/log/policy.h": "#include <stdint.h>\n",
    "services/log/main.c": '#include "policy.h"\n#include <cavern/spawn.h>\n#include <libfdt.h>\n',
    "services/shell/main.c": "#include <cavern/spawn.h>\n",
    "egg/main.c": "#include <cavern/spawn.h>\n",
    "egg/tree.h": "",
    "tests/reference/reference.h": "#include <cavern/status.h>\n#include <stdio.h>\n",
    "tests/reference/queue.c": '#include "reference.h"\n',
    "tests/reference/kernel/run.h": '#include "object/queue.h"\n#include "reference.h"\n',
}


def check(**planted):
    """Exit status and output on a sound tree into whose files further lines are put first."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in SOUND.items():
            file = Path(folder) / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(planted.get("text", "") + "\n" + text if name == planted.get("file") else text)
        command = [ROOT / "scripts/check-dependencies", "--root", folder]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        return result.returncode, result.stdout


def refused(file, include):
    status, output = check(file=file, text=f"#include {include}")
    assert status == 1, f"{file} includes {include}: {output}"
    assert output.startswith(f"{file}:1: ") and output.count("\n") == 1, output


@case
def sound_tree_passes():
    assert check() == (0, "")


@case
def this_tree_passes():
    result = subprocess.run([ROOT / "scripts/check-dependencies"], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, ""), result.stdout


@case
def arrows_upwards_in_the_kernel_are_found():
    refused("kernel/abi/cavern/status.h", '"core/list.h"')
    refused("kernel/formats/elf.h", '"core/list.h"')
    refused("kernel/core/list.h", '"formats/elf.h"')
    refused("kernel/core/list.h", '"arch/arch.h"')
    refused("kernel/arch/arch.h", '"object/queue.h"')
    refused("kernel/platform/platform.h", '"arch/aarch64/registers.h"')
    refused("kernel/object/queue.h", '"syscall/../syscall/send.c"')
    refused("kernel/object/queue.h", '"arch/aarch64/registers.h"')
    refused("kernel/object/queue.h", "<arch_types.h>")
    refused("kernel/object/queue.h", "<syscall_table.h>")
    refused("kernel/syscall/send.c", '"../arch/aarch64/registers.h"')


@case
def core_includes_little_of_the_system():
    refused("kernel/core/list.h", "<stdio.h>")
    refused("kernel/core/list.h", "<libfdt.h>")
    refused("kernel/object/queue.h", "<stdlib.h>")
    refused("kernel/syscall/send.c", "<libfdt.h>")


@case
def kernel_includes_nothing_of_user_space():
    refused("kernel/object/queue.h", "<cavern/spawn.h>")
    refused("kernel/boot/boot.c", '"../../egg/tree.h"')


@case
def user_space_includes_only_the_contract_of_the_kernel():
    refused("libcavern/include/cavern/spawn.h", '"core/list.h"')
    refused("services/log/main.c", '"object/queue.h"')
    refused("egg/main.c", '"../kernel/core/tree.h"')
    refused("egg/main.c", '"arch/arch.h"')
    refused("egg/main.c", "<arch_types.h>")


@case
def programs_do_not_include_each_other():
    refused("services/shell/main.c", '"../log/policy.h"')
    refused("libcavern/include/cavern/spawn.h", '"../../../services/log/policy.h"')
    refused("services/log/main.c", '"../../egg/tree.h"')


@case
def reference_includes_only_the_contract_of_the_kernel():
    refused("tests/reference/queue.c", '"object/queue.h"')
    refused("tests/reference/queue.c", "<core/tree.h>")
    refused("tests/reference/reference.h", '"kernel/run.h"')
    refused("tests/reference/reference.h", "<cavern/spawn.h>")


@case
def empty_tree_is_no_proof():
    with tempfile.TemporaryDirectory() as folder:
        command = [ROOT / "scripts/check-dependencies", "--root", folder]
        assert subprocess.run(command, capture_output=True, check=False).returncode == 1


if __name__ == "__main__":
    main()
