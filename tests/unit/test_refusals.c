/* SPDX-License-Identifier: BSD-2-Clause */
/* Handles that a call must refuse, for each handle that each call takes. spec/abi.md. */
#include "unit.h"

#include <cavern/inspect.h>
#include <cavern/machine.h>
#include <cavern/process.h>

#include "core/handle_table.h"
#include "object/buffer.h"
#include "object/interrupt.h"
#include "object/machine.h"
#include "object/signal.h"
#include "peer.h"

/* What the caller holds, in the order in which it got them. */
enum {
    AT_QUEUE = HANDLE_FIRST_ORDINARY,
    AT_SENDER,
    AT_ACCOUNT,
    AT_SUB,
    AT_PROCESS,
    AT_THREAD,
    AT_RAM,
    AT_DEVICE,
    AT_RANGE,
    AT_SIGNAL,
    AT_MACHINE,
    AT_UNUSED = 40
};
#define QUEUE HANDLE_FIXED(AT_QUEUE)
#define SENDER HANDLE_FIXED(AT_SENDER)
#define ACCOUNT HANDLE_FIXED(AT_ACCOUNT)
#define SUB HANDLE_FIXED(AT_SUB)
#define PROCESS HANDLE_FIXED(AT_PROCESS)
#define THREAD HANDLE_FIXED(AT_THREAD)
#define RAM HANDLE_FIXED(AT_RAM)
#define DEVICE HANDLE_FIXED(AT_DEVICE)
#define RANGE HANDLE_FIXED(AT_RANGE)
#define SIGNAL HANDLE_FIXED(AT_SIGNAL)
#define MACHINE HANDLE_FIXED(AT_MACHINE)
#define UNUSED HANDLE_FIXED(AT_UNUSED)
#define SOME_ADDRESS 0x100000
#define OPTIONAL 16

static struct peer self, other;

static void give(uint32_t index, struct object *object)
{
    assert_int_equal(model_give(self.process, object, CAVERN_RIGHTS_ALL), HANDLE_FIXED(index));
}

static struct object *device(void)
{
    struct holding *devices = buffer_devices(model_root()), *registers;
    assert_int_equal(buffer_derive(devices, 0x1000, 0x1000, model_root(), &registers), CAVERN_OK);
    return &registers->object;
}

static struct object *memory(void)
{
    enum cavern_status status;
    bool complete;
    struct holding *holding = buffer_create(self.process->account, 4096, 0, &status);
    assert_int_equal(buffer_fill(holding, 1, &complete), CAVERN_OK);
    return &holding->object;
}

static void start(void)
{
    model_start(64 << 20);
    peer_start(&other, "other", 10, 64, 4);
    peer_start(&self, "self", 10, 64, 4);
    assert_int_equal(self.queue, QUEUE);
    assert_int_equal(peer_sender(&self, &other, 1, 10, 10, 0), SENDER);
    give(AT_ACCOUNT, &model_root()->object);
    give(AT_SUB, &account_create(model_root(), 1 << 20, 31)->object);
    give(AT_PROCESS, &other.process->object);
    give(AT_THREAD, &other.thread->object);
    give(AT_RAM, memory());
    give(AT_DEVICE, device());
    give(AT_RANGE, &interrupt_range_create(model_root())->object);
    give(AT_SIGNAL, &signal_create(model_root())->object);
    give(AT_MACHINE, &machine->object);
}

/* One handle of one call. `x` is what it takes otherwise: with this the handle is good. */
struct row {
    enum cavern_call call;
    unsigned at;    /* register of the handle; | OPTIONAL where 0 stands for none */
    uint16_t right; /* that it needs; 0: none */
    uint64_t x[16];
    cavern_handle wrong; /* a good handle of a type that does not fit; 0: any type does */
};

static const struct row rows[] = {
    {CAVERN_CALL_CALL, 0, CAVERN_RIGHT_REQUEST, {SENDER}, SIGNAL},
    {CAVERN_CALL_RECEIVE, 0, CAVERN_RIGHT_RECEIVE, {QUEUE}, SENDER},
    {CAVERN_CALL_REPLY_RECEIVE, 0, CAVERN_RIGHT_RECEIVE, {QUEUE}, SENDER},
    {CAVERN_CALL_SEND, 0, CAVERN_RIGHT_SEND, {SENDER}, QUEUE},
    {CAVERN_CALL_REQUEST, 0, CAVERN_RIGHT_REQUEST, {SENDER, [9] = QUEUE, [10] = 1}, QUEUE},
    {CAVERN_CALL_REQUEST, 9, CAVERN_RIGHT_RECEIVE, {SENDER, [9] = QUEUE, [10] = 1}, SENDER},
    {CAVERN_CALL_REPLY, 0, CAVERN_RIGHT_RECEIVE, {QUEUE}, SENDER},
    {CAVERN_CALL_DROP, 0, CAVERN_RIGHT_RECEIVE, {QUEUE}, SENDER},
    {CAVERN_CALL_CANCEL, 0, CAVERN_RIGHT_REQUEST, {SENDER}, QUEUE},
    {CAVERN_CALL_SPACE, 0, CAVERN_RIGHT_SEND, {SENDER, [3] = 1, [9] = QUEUE}, QUEUE},
    {CAVERN_CALL_SPACE, 9, CAVERN_RIGHT_RECEIVE, {SENDER, [3] = 1, [9] = QUEUE}, SENDER},
    {CAVERN_CALL_QUEUE_FREED, 0, CAVERN_RIGHT_RECEIVE, {QUEUE}, SENDER},
    {CAVERN_CALL_LEASE_COPY, 0, CAVERN_RIGHT_RECEIVE, {QUEUE}, SENDER},
    {CAVERN_CALL_GRANT_ACCEPT, 0, CAVERN_RIGHT_RECEIVE, {QUEUE}, SENDER},
    {CAVERN_CALL_QUEUE_CREATE, 0, CAVERN_RIGHT_CHARGE, {ACCOUNT, [3] = 64}, SIGNAL},
    {CAVERN_CALL_QUEUE_BIND, 0, CAVERN_RIGHT_MANAGE, {QUEUE, [2] = PROCESS}, SENDER},
    {CAVERN_CALL_QUEUE_BIND, 2 | OPTIONAL, CAVERN_RIGHT_MANAGE, {QUEUE, [2] = PROCESS}, SENDER},
    {CAVERN_CALL_SENDER_MINT, 0, CAVERN_RIGHT_MINT, {QUEUE, [3] = 1, [4] = ACCOUNT}, SIGNAL},
    {CAVERN_CALL_SENDER_MINT, 0, CAVERN_RIGHT_MINT, {SENDER, [3] = 1, [4] = ACCOUNT}, SIGNAL},
    {CAVERN_CALL_SENDER_MINT, 4, CAVERN_RIGHT_CHARGE, {QUEUE, [3] = 1, [4] = ACCOUNT}, SIGNAL},
    {CAVERN_CALL_HANDLE_GIVE, 0, CAVERN_RIGHT_MANAGE, {PROCESS, [2] = SIGNAL}, THREAD},
    {CAVERN_CALL_HANDLE_GIVE, 2, CAVERN_RIGHT_COPY, {PROCESS, [2] = SIGNAL}, 0},
    {CAVERN_CALL_HANDLE_CLOSE, 0, 0, {SIGNAL}, 0},
    {CAVERN_CALL_INSPECT, 0, CAVERN_RIGHT_INSPECT, {PROCESS, [2] = CAVERN_INSPECT_PROCESS}, 0},
    {CAVERN_CALL_ACCOUNT_SPLIT, 0, CAVERN_RIGHT_MANAGE, {ACCOUNT, [3] = 1 << 16}, PROCESS},
    {CAVERN_CALL_ACCOUNT_SPLIT, 2 | OPTIONAL, CAVERN_RIGHT_MANAGE, {ACCOUNT, [2] = SUB, [3] = 1 << 16}, PROCESS},
    {CAVERN_CALL_BUFFER_CREATE, 0, CAVERN_RIGHT_CHARGE, {ACCOUNT, [3] = 1}, SIGNAL},
    {CAVERN_CALL_DERIVE, 0, CAVERN_RIGHT_DERIVE, {DEVICE, [3] = 0, [4] = 8, [6] = ACCOUNT}, SIGNAL},
    {CAVERN_CALL_DERIVE, 0, CAVERN_RIGHT_DERIVE, {RANGE, [3] = 40, [4] = 1, [6] = ACCOUNT}, SIGNAL},
    {CAVERN_CALL_DERIVE, 6, CAVERN_RIGHT_CHARGE, {RANGE, [3] = 40, [4] = 1, [6] = ACCOUNT}, SIGNAL},
    {CAVERN_CALL_BUFFER_SEAL, 0, CAVERN_RIGHT_WRITE, {RAM}, SIGNAL},
    {CAVERN_CALL_MAP, 0, CAVERN_RIGHT_MANAGE, {PROCESS, [2] = RAM, [4] = 4096, [6] = CAVERN_PROT_READ}, THREAD},
    {CAVERN_CALL_MAP, 2, CAVERN_RIGHT_READ, {PROCESS, [2] = RAM, [4] = 4096, [6] = CAVERN_PROT_READ}, SIGNAL},
    {CAVERN_CALL_UNMAP, 0, CAVERN_RIGHT_MANAGE, {PROCESS, [3] = SOME_ADDRESS, [4] = 4096}, THREAD},
    {CAVERN_CALL_PROCESS_CREATE, 0, CAVERN_RIGHT_CHARGE, {ACCOUNT}, PROCESS},
    {CAVERN_CALL_PROCESS_CREATE, 2 | OPTIONAL, CAVERN_RIGHT_MANAGE, {ACCOUNT, [2] = PROCESS}, THREAD},
    {CAVERN_CALL_PROCESS_END, 0, CAVERN_RIGHT_MANAGE, {PROCESS}, THREAD},
    {CAVERN_CALL_PROCESS_COPY, 0, CAVERN_RIGHT_MEMORY, {PROCESS}, THREAD},
    {CAVERN_CALL_THREAD_CREATE, 0, CAVERN_RIGHT_MANAGE, {PROCESS}, THREAD},
    {CAVERN_CALL_THREAD_CONTROL, 0, CAVERN_RIGHT_MANAGE, {THREAD, [3] = CAVERN_THREAD_SUSPEND}, SIGNAL},
    {CAVERN_CALL_THREAD_CONTROL, 0, CAVERN_RIGHT_MANAGE, {PROCESS, [2] = 1, [3] = CAVERN_THREAD_SUSPEND}, SIGNAL},
    {CAVERN_CALL_THREAD_REGISTERS, 0, CAVERN_RIGHT_MANAGE, {THREAD}, SIGNAL},
    {CAVERN_CALL_NOTIFY, 0, CAVERN_RIGHT_MANAGE, {SIGNAL}, ACCOUNT},
    {CAVERN_CALL_NOTIFY, 0, CAVERN_RIGHT_MANAGE, {PROCESS}, SENDER},
    {CAVERN_CALL_NOTIFY, 0, CAVERN_RIGHT_LOG, {MACHINE}, QUEUE},
    {CAVERN_CALL_NOTIFY, 3 | OPTIONAL, CAVERN_RIGHT_RECEIVE, {SIGNAL, [3] = QUEUE}, SENDER},
    {CAVERN_CALL_ACKNOWLEDGE, 0, CAVERN_RIGHT_MANAGE, {SIGNAL}, ACCOUNT},
    {CAVERN_CALL_SIGNAL_CREATE, 0, CAVERN_RIGHT_CHARGE, {ACCOUNT}, SIGNAL},
    {CAVERN_CALL_SIGNAL_RAISE, 0, CAVERN_RIGHT_RAISE, {SIGNAL}, QUEUE},
    {CAVERN_CALL_DEVICE_IO, 0, CAVERN_RIGHT_READ, {DEVICE, [4] = 4}, SIGNAL},
    {CAVERN_CALL_DEVICE_IO, 0, CAVERN_RIGHT_WRITE, {DEVICE, [4] = 4 | CAVERN_DEVICE_WRITE}, SIGNAL},
    {CAVERN_CALL_MACHINE, 0, CAVERN_RIGHT_LOG, {MACHINE, [2] = CAVERN_MACHINE_LOG_WRITE, [3] = 1}, SIGNAL},
    {CAVERN_CALL_MACHINE, 0, CAVERN_RIGHT_POWER, {MACHINE, [2] = CAVERN_MACHINE_RESTART}, SIGNAL},
};

static uint64_t call_with(const struct row *row, cavern_handle handle)
{
    uint64_t x[16];
    memcpy(x, row->x, sizeof x);
    x[row->at % OPTIONAL] = handle;
    return peer_call_registers(&self, row->call, x);
}

/* The call is refused so, and leaves everything as it was. */
static void assert_refused(const struct row *row, cavern_handle handle, uint64_t status)
{
    uint64_t used = model_root()->budget.used, objects = model_root()->objects;
    uint64_t own = self.process->account->budget.used, handles = self.process->handles.used;
    if (call_with(row, handle) != status)
        fail_msg("row %u, handle %lx: status %u instead of %u", (unsigned)(row - rows), (unsigned long)handle,
                 (unsigned)self.x[0], (unsigned)status);
    assert_int_equal(model_root()->budget.used, used);
    assert_int_equal(model_root()->objects, objects);
    assert_int_equal(self.process->account->budget.used, own);
    assert_int_equal(self.process->handles.used, handles);
}

/* [ABI-HANDLE-1] [ABI-HANDLE-3] [ABI-HANDLE-4] [ABI-FAIL-1] None, never given out, closed, of a type that does not fit.
 */
static void test_handles_that_are_none_refused(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        start();
        cavern_handle stale = model_give(self.process, &model_root()->object, CAVERN_RIGHTS_ALL);
        assert_int_equal(peer_call(&self, HANDLE_CLOSE, stale), CAVERN_OK);
        if (!(rows[i].at & OPTIONAL))
            assert_refused(&rows[i], 0, CAVERN_BAD_HANDLE);
        assert_refused(&rows[i], UNUSED, CAVERN_BAD_HANDLE);
        assert_refused(&rows[i], stale, CAVERN_BAD_HANDLE);
        if (rows[i].wrong)
            assert_refused(&rows[i], rows[i].wrong, CAVERN_BAD_HANDLE);
    }
}

/* [ABI-HANDLE-4] [ABI-FAIL-1] With all rights but the one that is needed; and with just the one. */
static void test_handles_without_the_right_refused(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        const struct row *row = &rows[i];
        if (!row->right)
            continue;
        start();
        struct object *object;
        uint16_t rights;
        assert_int_equal(process_lookup_any(self.process, row->x[row->at % OPTIONAL], &object, &rights), CAVERN_OK);
        assert_refused(row, model_give(self.process, object, (uint16_t)~row->right), CAVERN_DENIED);
        uint64_t status = call_with(row, model_give(self.process, object, row->right));
        assert_true(status != CAVERN_DENIED && status != CAVERN_BAD_HANDLE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handles_that_are_none_refused),
        cmocka_unit_test(test_handles_without_the_right_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
