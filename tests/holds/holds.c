/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A plugin for QEMU that counts what the kernel executes without letting anybody in: from an entry, or a look whether
 * somebody waits, to the next look, the exit or the sleep. The kernel is the shipped one and knows nothing of it. One
 * CPU.
 *
 *   -plugin libholds.so,symbols=FILE,report=FILE
 *
 * `symbols` has a line "ADDRESS NAME" (hexadecimal) for each function that a stretch may be named after: the last of
 * them that was entered. A line of `report` is "COUNT NAME FIRST LAST": the longest stretch of that name, and where it
 * began and ended. QEMU's plugin interface is that of docs/devel/tcg-plugins.rst, version 1; what is used of it is
 * declared here.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef void translate_function(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void execute_function(unsigned cpu, void *context);
typedef void exit_function(qemu_plugin_id_t id, void *context);
enum { QEMU_PLUGIN_INLINE_ADD_U64 };
enum { QEMU_PLUGIN_CB_NO_REGS };

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, translate_function *function);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *instruction, int operation, void *where,
                                                uint64_t operand);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *instruction, execute_function *function, int flags,
                                            void *context);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, exit_function *function, void *context);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *instruction);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *instruction);

EXPORT extern int qemu_plugin_version;
int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv);

#define NAMES_MAX 256
#define KERNEL_START (UINT64_C(1) << 63)

/* Instructions that end a stretch. DDI 0487, C6.2. */
#define ERET 0xd69f03e0
#define WFI 0xd503207f
#define MRS_ISR_EL1 0xd538c100 /* and the register */

struct name {
    uint64_t address;
    char text[64];
    uint64_t longest, first, last;
};

static struct name names[NAMES_MAX];
static unsigned name_count;
static struct name *name; /* of the stretch; NULL: none is counted */
static uint64_t count, first;
static const char *report;

static void begin(uint64_t address)
{
    first = address;
    count = 0;
}

static void end(uint64_t address)
{
    if (!name || count <= name->longest)
        return;
    name->longest = count;
    name->first = first;
    name->last = address;
}

/* --- while the machine runs; `context` is the instruction's address --- */

static void on_look(unsigned cpu, void *context)
{
    (void)cpu;
    end((uintptr_t)context);
    begin((uintptr_t)context);
}

static void on_leave(unsigned cpu, void *context)
{
    (void)cpu;
    end((uintptr_t)context);
    name = NULL;
}

static void on_name(unsigned cpu, void *context)
{
    struct name *entered = context;
    (void)cpu;
    if (!name)
        begin(entered->address);
    name = entered;
}

/* --- while it is translated --- */

static struct name *find(uint64_t address)
{
    for (unsigned i = 0; i < name_count; i++)
        if (names[i].address == address)
            return &names[i];
    return NULL;
}

static execute_function *mark_of(uint32_t instruction)
{
    if (instruction == ERET)
        return on_leave;
    return instruction == WFI || (instruction & ~31u) == MRS_ISR_EL1 ? on_look : NULL;
}

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(tb, i);
        uint64_t address = qemu_plugin_insn_vaddr(instruction);
        uint32_t word;
        if (address < KERNEL_START)
            return;
        memcpy(&word, qemu_plugin_insn_data(instruction), sizeof word);
        struct name *named = find(address);
        execute_function *mark = mark_of(word);
        if (named)
            qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_name, QEMU_PLUGIN_CB_NO_REGS, named);
        if (mark)
            qemu_plugin_register_vcpu_insn_exec_cb(instruction, mark, QEMU_PLUGIN_CB_NO_REGS,
                                                   (void *)(uintptr_t)address);
        qemu_plugin_register_vcpu_insn_exec_inline(instruction, QEMU_PLUGIN_INLINE_ADD_U64, &count, 1);
    }
}

/* --- before and after --- */

static void write_report(qemu_plugin_id_t id, void *context)
{
    FILE *file = fopen(report, "w");
    (void)id;
    (void)context;
    if (!file)
        return;
    for (unsigned i = 0; i < name_count; i++)
        if (names[i].longest)
            fprintf(file, "%" PRIu64 " %s %" PRIx64 " %" PRIx64 "\n", names[i].longest, names[i].text, names[i].first,
                    names[i].last);
    fclose(file);
}

static bool read_symbols(const char *path)
{
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    while (name_count < NAMES_MAX &&
           fscanf(file, "%" SCNx64 " %63s", &names[name_count].address, names[name_count].text) == 2)
        name_count++;
    fclose(file);
    return name_count && name_count < NAMES_MAX;
}

/* What stands behind `key` and "=". */
static const char *value_of(const char *argument, const char *key)
{
    size_t length = strlen(key);
    return !strncmp(argument, key, length) && argument[length] == '=' ? argument + length + 1 : NULL;
}

int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
    const char *symbols = NULL;
    (void)info;
    for (int i = 0; i < argc; i++) {
        const char *path = value_of(argv[i], "symbols");
        symbols = path ? path : symbols;
        path = value_of(argv[i], "report");
        report = path ? strdup(path) : report;
    }
    if (!report || !symbols || !read_symbols(symbols))
        return -1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
    qemu_plugin_register_atexit_cb(id, write_report, NULL);
    return 0;
}
