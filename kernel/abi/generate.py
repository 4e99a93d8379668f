#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes what follows from syscalls.def: generate.py {numbers|stubs|host-stubs|table-h|table-c} SYSCALLS_DEF OUTPUT."""
import re
import sys

BANNER = "/* Generated from syscalls.def. */\n"
MSG = [("x1", "info", False)] + [(f"x{3 + i}", f"words[{i}]", False) for i in range(5)]


class Row:
    """number, name, inputs and outputs as (register, name, keeps progress)."""

    def __init__(self, line):
        match = re.fullmatch(r"(\d+)\s+(\w+)\s*:(.*)->(.*)", line)
        if not match:
            sys.exit(f"syscalls.def: bad row: {line}")
        self.number, self.name = int(match[1]), match[2]
        self.message = False
        self.received = match[4].strip() == "HDR"
        self.inputs = self.parse(match[3])
        self.outputs = [] if self.received else self.parse(match[4])

    def parse(self, text):
        items = []
        for item in filter(None, (part.strip() for part in text.split(","))):
            if item == "MSG":
                self.message = True
                items += MSG
                continue
            match = re.fullmatch(r"(x\d+)(!?) (\w+)", item)
            if not match:
                sys.exit(f"syscalls.def: {self.name}: bad argument: {item}")
            items.append((match[1], match[3], match[2] == "!"))
        return items

    def plain(self):
        return [item for item in self.inputs if item not in MSG]


def numbers(rows):
    yield "#pragma once\n\nenum cavern_call {"
    for row in rows:
        yield f"    CAVERN_CALL_{row.name.upper()} = {row.number},"
    yield "};\n"
    yield f"#define CAVERN_CALL_COUNT {max(row.number for row in rows) + 1}"


def stub_head(row):
    parameters = [f"uint64_t {name}" for _, name, _ in row.plain()]
    if row.message:
        parameters.append("uint64_t info, const uint64_t words[5]")
    if row.received:
        parameters.append("struct cavern_received *received")
    parameters += [f"uint64_t *{name}" for _, name, _ in row.outputs]
    yield f"/* svc 1, operation {row.number}. */"
    yield "CAVERN_MUST_CHECK static inline enum cavern_status"
    yield f"cavern_sys_{row.name}({', '.join(parameters) or 'void'})"
    yield "{"


def stub(row):
    yield from stub_head(row)
    used = {register: name for register, name, _ in row.inputs}
    call = f"CAVERN_CALL_{row.name.upper()}"
    used["x1"] = f"info | (uint64_t){call} << 16" if row.message else f"(uint64_t){call} << 16"
    used.setdefault("x0", "0")
    for register in sorted(used, key=lambda r: int(r[1:])):
        yield f'    register uint64_t {register} __asm__("{register}") = {used[register]};'
    outputs = ["x0"] + ([f"x{i}" for i in range(1, 9)] if row.received else [r for r, _, _ in row.outputs])
    for register in outputs:
        if register not in used:
            yield f'    register uint64_t {register} __asm__("{register}");'
    both = [f'"+r"({r})' for r in sorted(used, key=lambda r: int(r[1:]))]
    both += [f'"=r"({r})' for r in outputs if r not in used]
    named = set(used) | set(outputs)
    lost = [f'"x{i}"' for i in list(range(0, 19)) + [30] if f"x{i}" not in named]
    yield f'    __asm__ volatile("svc 1" : {", ".join(both)} : : {", ".join(lost)}, CAVERN_LOST_VECTORS "cc", "memory");'
    if row.received:
        for i in range(3):
            yield f"    received->header[{i}] = x{i + 1};"
        for i in range(5):
            yield f"    received->words[{i}] = x{i + 4};"
    for register, name, _ in row.outputs:
        yield f"    *{name} = {register};"
    yield "    return (enum cavern_status)x0;\n}\n"


def host_stub(row):
    yield from stub_head(row)
    inputs = ", ".join(f"[{register[1:]}] = {name}" for register, name, _ in row.inputs)
    yield f"    uint64_t x[16] = {{{inputs or '0'}}};"
    yield f"    enum cavern_status status = user_call(CAVERN_CALL_{row.name.upper()}, x);"
    if row.received:
        yield "    for (unsigned i = 0; i < 8; i++)"
        yield "        *(i < 3 ? &received->header[i] : &received->words[i - 3]) = x[i + 1];"
    for register, name, _ in row.outputs:
        yield f"    *{name} = x[{register[1:]}];"
    yield "    return status;\n}\n"


def stubs_begin():
    yield "#pragma once\n\n#include <stdint.h>\n\n#include <cavern/status.h>\n#include <cavern/syscalls.h>\n"
    yield "/* What receive, call and reply_receive return in registers: the header's three words, then five words. */"
    yield "struct cavern_received {\n    uint64_t header[3];\n    uint64_t words[5];\n};\n"


def stubs(rows):
    yield from stubs_begin()
    yield "#ifdef __ARM_FP\n#define CAVERN_LOST_VECTORS " + " ".join(f'"v{i}",' for i in range(32) if not 8 <= i < 16)
    yield "#else\n#define CAVERN_LOST_VECTORS\n#endif\n"
    for row in rows:
        yield from stub(row)


def host_stubs(rows):
    """The same functions where the tests have a system call of their own."""
    yield from stubs_begin()
    yield "/* x0-x15 before and after; x1 without the operation. */"
    yield "enum cavern_status user_call(enum cavern_call call, uint64_t x[16]);\n"
    for row in rows:
        yield from host_stub(row)


def table_h(rows):
    yield "#pragma once\n\n#include <stdint.h>\n\n#include <cavern/syscalls.h>\n\n#include \"syscall/dispatch.h\"\n"
    for row in rows:
        yield f"struct {row.name}_args {{"
        for _, name, _ in row.plain():
            yield f"    uint64_t {name};"
        if row.message:
            yield "    uint64_t info;\n    uint64_t words[5];"
        if row.outputs:
            yield "    /* out */"
        for _, name, _ in row.outputs:
            yield f"    uint64_t {name};"
        if not (row.inputs or row.outputs):
            yield "    uint64_t none;"
        yield "};"
        yield f"sys_outcome sys_{row.name}(struct thread *caller, struct {row.name}_args *args);\n"


def trampoline(row):
    yield f"static sys_outcome call_{row.name}(struct thread *caller, uint64_t *x)\n{{"
    yield f"    struct {row.name}_args args;"
    if not (row.inputs or row.outputs):
        yield "    (void)x;"
    for register, name, _ in row.inputs:
        yield f"    args.{name} = x[{register[1:]}];"
    if row.inputs:
        yield "    __atomic_signal_fence(__ATOMIC_SEQ_CST); /* read once */"
    for _, name, _ in row.outputs:
        yield f"    args.{name} = 0;"
    yield f"    sys_outcome outcome = sys_{row.name}(caller, &args);"
    progress = [item for item in row.inputs if item[2]]
    if progress:
        yield "    if (outcome == SYS_RESTART || outcome == SYS_FAULT) {"
        for register, name, _ in progress:
            yield f"        x[{register[1:]}] = args.{name};"
        yield "        return outcome;\n    }"
    if row.outputs:
        yield "    if (outcome < SYS_RESTART) {"
        for register, name, _ in row.outputs:
            yield f"        x[{register[1:]}] = args.{name};"
        yield "    }"
    yield "    return outcome;\n}\n"


def table_c(rows):
    yield '#include "syscall_table.h"\n\n#include "object/thread.h"\n'
    for row in rows:
        yield from trampoline(row)
    yield "static sys_outcome call_none(struct thread *caller, uint64_t *x)\n{"
    yield "    (void)caller;\n    (void)x;\n    return CAVERN_BAD_OPERATION;\n}\n"
    entries = {row.number: row.name for row in rows}
    yield "const sys_entry sys_table[256] = {"
    for number in range(256):
        yield f"    call_{entries.get(number, 'none')},"
    yield "};\n\nconst char *const sys_names[CAVERN_CALL_COUNT] = {"
    for row in rows:
        yield f'    [CAVERN_CALL_{row.name.upper()}] = "{row.name}",'
    yield "};"


def main():
    what, source, output = sys.argv[1:]
    with open(source, encoding="utf-8") as file:
        lines = [line.strip() for line in file]
    rows = [Row(line) for line in lines if line and not line.startswith("#")]
    makers = {"numbers": numbers, "stubs": stubs, "host-stubs": host_stubs, "table-h": table_h, "table-c": table_c}
    with open(output, "w", encoding="utf-8") as file:
        file.write("/* SPDX-License-Identifier: BSD-2-Clause */\n" + BANNER + "\n".join(makers[what](rows)) + "\n")


if __name__ == "__main__":
    main()
