/* SPDX-License-Identifier: BSD-2-Clause */
#include "refusal.h"

#include <stdio.h>

#include "call_statuses.h"

#define CLOCK UINT64_C(0x9010000) /* a device's page of registers */

/* --- making a call --- */

/* Loads x0-x15 from memory, calls, and stores them again. */
void test_svc(uint64_t x[CAVERN_OPERATION_INPUTS]);
__asm__(".text\n.global test_svc\n"
        "test_svc:\n"
        "stp x19, x30, [sp, -16]!\n mov x19, x0\n"
        "ldp x0, x1, [x19]\n ldp x2, x3, [x19, 16]\n ldp x4, x5, [x19, 32]\n ldp x6, x7, [x19, 48]\n"
        "ldp x8, x9, [x19, 64]\n ldp x10, x11, [x19, 80]\n ldp x12, x13, [x19, 96]\n ldp x14, x15, [x19, 112]\n"
        "svc 1\n"
        "stp x0, x1, [x19]\n stp x2, x3, [x19, 16]\n stp x4, x5, [x19, 32]\n stp x6, x7, [x19, 48]\n"
        "stp x8, x9, [x19, 64]\n stp x10, x11, [x19, 80]\n stp x12, x13, [x19, 96]\n stp x14, x15, [x19, 112]\n"
        "ldp x19, x30, [sp], 16\n ret\n");

static struct cavern_operation registers_of(const struct test_attempt *attempt)
{
    struct cavern_operation operation = attempt->registers;
    operation.x[1] = (operation.x[1] & ~UINT64_C(0xff0000)) | (uint64_t)attempt->call << 16;
    return operation;
}

_Noreturn static void fail(const struct test_attempt *attempt, const char *how, uint64_t status)
{
    char text[100];
    int length = 0;
    for (unsigned i = 0; i < 12; i++)
        if (attempt->registers.x[i] && length < (int)sizeof(text) - 24)
            length += snprintf(text + length, sizeof(text) - (size_t)length, " x%u=%lx", i,
                               (unsigned long)attempt->registers.x[i]);
    test_fail(attempt->file, attempt->line, "%s%s%s: expected status %d, found %lu", attempt->name, text, how,
              attempt->expected, (unsigned long)status);
}

static void check_status(const struct test_attempt *attempt, const char *how, uint64_t status)
{
    bool listed = status < 64 && call_statuses[attempt->call] >> status & 1; /* [ABI-ERROR-1] */
    if (status != attempt->expected || !listed)
        fail(attempt, how, status);
}

/* [ABI-FAIL-2]: what the caller had in any register, or zero. */
static void check_registers(const struct test_attempt *attempt, const struct cavern_operation *before,
                            const struct cavern_operation *after)
{
    for (unsigned i = 1; i < CAVERN_OPERATION_INPUTS; i++) {
        bool own = !after->x[i];
        for (unsigned k = 0; k < CAVERN_OPERATION_INPUTS; k++)
            own = own || after->x[i] == before->x[k];
        if (!own)
            test_fail(attempt->file, attempt->line, "%s: x%u is 0x%lx afterwards", attempt->name, i,
                      (unsigned long)after->x[i]);
    }
}

uint64_t test_makes(const struct test_attempt *attempt)
{
    struct cavern_operation operation = registers_of(attempt);
    struct cavern_operation before = operation;
    test_svc(operation.x);
    check_status(attempt, "", operation.x[0]);
    if (attempt->expected != CAVERN_OK && attempt->call != CAVERN_CALL_SUBMIT)
        check_registers(attempt, &before, &operation);
    return operation.x[1];
}

enum cavern_status test_tries(const struct test_attempt *attempt)
{
    struct cavern_operation operation = registers_of(attempt);
    test_svc(operation.x);
    return (enum cavern_status)operation.x[0];
}

bool test_is_call(unsigned number)
{
    return call_statuses[number];
}

/* --- refusals --- */

/* Of the own process and its account. */
struct snapshot {
    struct cavern_account_info account;
    struct cavern_process_info process;
};

static void look(struct snapshot *snapshot)
{
    uint64_t next, written;
    CHECK_OK(cavern_sys_inspect(CAVERN_SELF_ACCOUNT, CAVERN_INSPECT_ACCOUNT, 0, (uintptr_t)&snapshot->account,
                                sizeof(snapshot->account), &next, &written));
    CHECK_OK(cavern_sys_inspect(CAVERN_SELF_PROCESS, CAVERN_INSPECT_PROCESS, 0, (uintptr_t)&snapshot->process,
                                sizeof(snapshot->process), &next, &written));
    snapshot->process.cpu_time = 0;
}

/* [ABI-FAIL-1] */
static void check_unchanged(const struct test_attempt *attempt, const struct snapshot *before)
{
    struct snapshot after;
    look(&after);
    if (memcmp(before, &after, sizeof(after)))
        test_fail(attempt->file, attempt->line, "%s: bytes %ld, objects %ld, handles %d, mapped %ld more",
                  attempt->name, (long)(after.account.used - before->account.used),
                  (long)(after.account.objects - before->account.objects),
                  (int)(after.process.handles - before->process.handles),
                  (long)(after.process.mapped - before->process.mapped));
}

/* What may sleep is no operation: [ABI-SUBMIT-3]. */
static bool is_operation(enum cavern_call call)
{
    return call != CAVERN_CALL_SUBMIT && call != CAVERN_CALL_CALL && call != CAVERN_CALL_RECEIVE &&
           call != CAVERN_CALL_REPLY_RECEIVE;
}

/* Nor what ends or stops the caller itself. */
static bool may_name_the_caller(enum cavern_call call)
{
    return call == CAVERN_CALL_PROCESS_END || call == CAVERN_CALL_THREAD_CONTROL;
}

/* [ABI-SUBMIT-1]: as if it were a call of its own. */
static void check_in_submit(const struct test_attempt *attempt)
{
    struct cavern_operation operation = registers_of(attempt);
    struct cavern_operation submit = {{0, CAVERN_INFO(0, CAVERN_CALL_SUBMIT, 0, 0, 0), 0, (uintptr_t)&operation, 1}};
    test_svc(submit.x);
    bool refused = submit.x[0] == CAVERN_BAD_OPERATION;
    if (is_operation(attempt->call) && !(refused && may_name_the_caller(attempt->call)))
        check_status(attempt, " in submit", submit.x[0]);
    else if (!refused)
        fail(attempt, " in submit", submit.x[0]);
    if (submit.x[1] != 0 || operation.x[0] != submit.x[0])
        fail(attempt, " in submit, of the operation", operation.x[0]);
}

void test_refuses(const struct test_attempt *attempt)
{
    struct snapshot before;
    struct cavern_operation in = registers_of(attempt), out = in;
    look(&before);
    test_svc(out.x);
    check_status(attempt, "", out.x[0]);
    check_registers(attempt, &in, &out);
    check_in_submit(attempt);
    check_unchanged(attempt, &before);
}

void test_refuses_each(struct test_attempt *attempt, unsigned number, struct test_values values)
{
    for (unsigned i = 0; i < values.count; i++) {
        attempt->registers.x[number] = values.value[i];
        test_refuses(attempt);
    }
}

/* --- what can be wrong --- */

static void add(struct test_values *values, uint64_t value)
{
    CHECK(values->count < sizeof(values->value) / sizeof(*values->value));
    values->value[values->count++] = value;
}

/* One of each type, made once. */
static const cavern_handle *all_types(void)
{
    static cavern_handle handle[CAVERN_TYPE_COUNT];
    if (handle[CAVERN_TYPE_QUEUE])
        return handle;
    handle[CAVERN_TYPE_ACCOUNT] = test_account();
    handle[CAVERN_TYPE_PROCESS] = CAVERN_SELF_PROCESS;
    handle[CAVERN_TYPE_THREAD] = CAVERN_SELF_THREAD;
    CHECK_OK(cavern_sys_queue_create(CAVERN_SELF_ACCOUNT, 64, 1, 0, &handle[CAVERN_TYPE_QUEUE]));
    CHECK_OK(cavern_sender_mint(handle[CAVERN_TYPE_QUEUE], 0, 1, 1, 0, &handle[CAVERN_TYPE_SENDER]));
    handle[CAVERN_TYPE_BUFFER] = test_buffer(4096);
    handle[CAVERN_TYPE_INTERRUPT] = test_handle(CAVERN_STARTUP_INTERRUPTS);
    CHECK_OK(cavern_sys_signal_create(CAVERN_SELF_ACCOUNT, &handle[CAVERN_TYPE_SIGNAL]));
    handle[CAVERN_TYPE_DMA] = test_handle(CAVERN_STARTUP_DMA);
    handle[CAVERN_TYPE_MACHINE] = test_handle(CAVERN_STARTUP_MACHINE);
    return handle;
}

static cavern_handle stale(void)
{
    cavern_handle handle;
    CHECK_OK(cavern_sys_signal_create(CAVERN_SELF_ACCOUNT, &handle));
    CHECK_OK(cavern_sys_handle_close(handle));
    return handle;
}

struct test_values test_not_handles(unsigned types)
{
    const uint64_t generation = UINT64_C(1) << CAVERN_HANDLE_INDEX_BITS;
    const cavern_handle *handle = all_types();
    cavern_handle good = handle[CAVERN_TYPE_QUEUE];
    struct test_values values = {0};
    add(&values, CAVERN_NO_HANDLE);
    add(&values, 1);
    add(&values, CAVERN_SELF_PROCESS + generation);
    add(&values, CAVERN_SELF_THREAD + generation);
    add(&values, stale());
    add(&values, good + generation);
    add(&values, good & (generation - 1));
    add(&values, good ^ UINT64_C(1) << 63);
    add(&values, generation + 200);    /* never used */
    add(&values, generation + 131071); /* the last that a table can have */
    add(&values, generation + 131072); /* and behind it */
    add(&values, 2 * generation - 1);
    add(&values, ~UINT64_C(0));
    for (unsigned type = 1; type < CAVERN_TYPE_COUNT; type++)
        if (handle[type] && !(types >> type & 1))
            add(&values, handle[type]);
    return values;
}

cavern_handle test_without(cavern_handle handle, uint64_t rights, uint64_t right)
{
    cavern_handle weak;
    CHECK((rights & right) == right);
    CHECK_OK(cavern_handle_duplicate(handle, rights & ~right, &weak));
    return weak;
}

static uint64_t registers_of_a_device(void)
{
    uint64_t buffer, mapped;
    CHECK_OK(cavern_sys_derive(test_handle(CAVERN_STARTUP_DEVICES), CLOCK, 4096, 0, CAVERN_SELF_ACCOUNT, &buffer));
    CHECK_OK(cavern_sys_map(CAVERN_SELF_PROCESS, buffer, 0, 4096, 0, CAVERN_PROT_READ | CAVERN_PROT_WRITE, &mapped));
    return mapped;
}

struct test_values test_unreadable(uint64_t bytes)
{
    static uint64_t page, device;
    struct test_values values = {0};
    if (!page) {
        page = test_page();
        device = registers_of_a_device();
    }
    add(&values, 0);
    add(&values, 8);
    add(&values, CAVERN_USER_START - 8);
    add(&values, page + 4096);
    if (bytes > 8)
        add(&values, page + 4096 - 8); /* runs out of the mapping */
    add(&values, page | UINT64_C(1) << 56);
    add(&values, page | UINT64_C(1) << 48);
    add(&values, device);
    add(&values, CAVERN_USER_END - 8);
    add(&values, CAVERN_USER_END);
    add(&values, UINT64_C(1) << 48);
    add(&values, UINT64_C(1) << 63);
    add(&values, 0xffff000000000000); /* the kernel's: all RAM, where it starts, its text */
    add(&values, 0xffff000040000000);
    add(&values, 0xffff000040200000);
    add(&values, 0xffff800000000000);
    add(&values, ~UINT64_C(4095));
    add(&values, ~UINT64_C(7)); /* wraps */
    return values;
}

struct test_values test_unwritable(uint64_t bytes)
{
    static struct cavern_queue queue;
    static uint64_t frozen; /* a page to write, then one to read */
    struct test_values values = test_unreadable(bytes);
    if (!frozen) {
        uint64_t mapped;
        cavern_handle buffer = test_buffer(8192);
        frozen = (uintptr_t)test_memory(8192);
        CHECK_OK(cavern_sys_unmap(CAVERN_SELF_PROCESS, frozen, 8192));
        CHECK_OK(cavern_sys_map(CAVERN_SELF_PROCESS, buffer, 0, 4096, frozen, CAVERN_PROT_READ | CAVERN_PROT_WRITE,
                                &mapped));
        CHECK_OK(cavern_sys_map(CAVERN_SELF_PROCESS, buffer, 4096, 4096, frozen + 4096, CAVERN_PROT_READ, &mapped));
        test_queue(&queue, 64, 0);
    }
    add(&values, frozen + 4096);
    if (bytes > 8)
        add(&values, frozen + 4096 - 8);
    add(&values, (uintptr_t)queue.ring);
    add(&values, (uintptr_t)test_unwritable & ~UINT64_C(7)); /* the program's text */
    add(&values, (uintptr_t)test_cases);                     /* and its constants */
    return values;
}

struct test_values test_misaligned(uint64_t address)
{
    return VALUES(address + 1, address + 2, address + 4, address + 7);
}

/* --- what a case may want --- */

uint64_t test_page(void)
{
    uint64_t page = (uintptr_t)test_memory(8192);
    CHECK_OK(cavern_sys_unmap(CAVERN_SELF_PROCESS, page + 4096, 4096));
    return page;
}

cavern_handle test_process(void)
{
    cavern_handle process;
    CHECK_OK(cavern_sys_process_create(test_account(), 0, 0, 0, 0, &process));
    return process;
}

cavern_handle test_ended_process(uint64_t flags)
{
    cavern_handle process;
    CHECK_OK(cavern_sys_process_create(test_account(), 0, flags, 0, 0, &process));
    CHECK_OK(cavern_sys_process_end(process, 0));
    return process;
}

cavern_handle test_buffer(uint64_t bytes)
{
    cavern_handle buffer;
    CHECK_OK(cavern_buffer_create(CAVERN_SELF_ACCOUNT, bytes, 0, &buffer));
    return buffer;
}

cavern_handle test_orphan(void)
{
    cavern_handle queue, sender;
    CHECK_OK(cavern_sys_queue_create(CAVERN_SELF_ACCOUNT, 64, 1, 0, &queue));
    CHECK_OK(cavern_sender_mint(queue, 0, 1, 1, 0, &sender));
    CHECK_OK(cavern_sys_handle_close(queue));
    return sender;
}

cavern_handle test_split(uint64_t bytes)
{
    cavern_handle account;
    CHECK_OK(cavern_sys_account_split(test_account(), 0, bytes, TEST_PRIORITY, &account));
    return account;
}

void test_exhaust_account(cavern_handle account)
{
    cavern_handle buffer;
    for (uint64_t bytes = 8 << 20; bytes >= 4096; bytes /= 2)
        while (cavern_sys_buffer_create(account, 0, bytes, 0, 0, &buffer) == CAVERN_OK)
            ;
}

void test_exhaust(void)
{
    cavern_handle signal, copy;
    CHECK_OK(cavern_sys_signal_create(CAVERN_SELF_ACCOUNT, &signal));
    test_exhaust_account(CAVERN_SELF_ACCOUNT);
    while (cavern_handle_duplicate(signal, CAVERN_RIGHT_RAISE, &copy) == CAVERN_OK)
        ;
}
