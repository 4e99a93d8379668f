/* SPDX-License-Identifier: BSD-2-Clause */
/* What submit and the calls on devices and the machine refuse; buffers that are not whole yet; numbers without a call.
 */
#include "refusal.h"

#define RAM UINT64_C(0x40000000)
#define CONTROLLER UINT64_C(0x8000000)
#define CLOCK UINT64_C(0x9010000)   /* registers; an identification at 0xfe0 */
#define NOTHING UINT64_C(0x9f00000) /* where the bus answers with an error */

static struct {
    cavern_handle devices, machine, dma, buffer;
    uint64_t page;
} t;

static void set_up(void)
{
    t.devices = test_handle(CAVERN_STARTUP_DEVICES);
    t.machine = test_handle(CAVERN_STARTUP_MACHINE);
    CHECK_OK(cavern_sys_derive(test_handle(CAVERN_STARTUP_DMA), 0, 0, 0, CAVERN_SELF_ACCOUNT, &t.dma));
    t.buffer = test_buffer(4096);
    t.page = test_page();
}

/* --- device_io --- */

#define GOOD_IO t.devices, [3] = CLOCK + 0xfe0, [4] = 4

static void io_handles(void)
{
    set_up();
    REFUSES_EACH(DEVICE_IO, BAD_HANDLE, NOT(BUFFER), 0, GOOD_IO);
    REFUSES(DEVICE_IO, BAD_ARGUMENT, GOOD_IO, [0] = t.buffer, [3] = 0);
    REFUSES(DEVICE_IO, DENIED, GOOD_IO, [0] = test_without(t.devices, RIGHTS_DEVICE, CAVERN_RIGHT_READ));
    REFUSES(DEVICE_IO, DENIED,
            GOOD_IO, [0] = test_without(t.devices, RIGHTS_DEVICE, CAVERN_RIGHT_WRITE), [4] = CAVERN_DEVICE_WRITE | 4);
}

static void io_widths_and_places(void)
{
    cavern_handle part;
    set_up();
    CHECK_OK(cavern_sys_derive(t.devices, CLOCK + 0xfe0, 6, 0, CAVERN_SELF_ACCOUNT, &part));
    REFUSES_EACH(DEVICE_IO, BAD_ARGUMENT,
                 VALUES(0, 3, 5, 6, 7, 9, 16, 32, 0x100, 0x103, 0x110, 0x204, UINT64_C(1) << 32, ~UINT64_C(0)), 4,
                 GOOD_IO);
    REFUSES_EACH(DEVICE_IO, BAD_ARGUMENT, VALUES(1, 2, 3, 4, 5, 6, 8, -UINT64_C(4), ~UINT64_C(0)), 3,
                 GOOD_IO, [0] = part); /* misaligned, or beyond its 6 bytes */
    REFUSES_EACH(DEVICE_IO, BAD_ARGUMENT, VALUES(UINT64_C(1) << 48, (UINT64_C(1) << 48) - 2, UINT64_C(1) << 63), 3,
                 GOOD_IO);
    REFUSES_EACH(DEVICE_IO, DENIED, VALUES(RAM, RAM + (64 << 20), CONTROLLER, CONTROLLER + 0xfffc), 3, GOOD_IO);
    REFUSES_EACH(DEVICE_IO, DENIED, VALUES(RAM, CONTROLLER), 3, GOOD_IO, [4] = CAVERN_DEVICE_WRITE | 4);
    REFUSES_EACH(DEVICE_IO, DEVICE_ERROR, VALUES(NOTHING, (UINT64_C(1) << 48) - 4), 3, GOOD_IO);
    REFUSES_EACH(DEVICE_IO, DEVICE_ERROR, VALUES(NOTHING, (UINT64_C(1) << 48) - 4), 3,
                 GOOD_IO, [4] = CAVERN_DEVICE_WRITE | 4);
    CHECK_EQUAL(ACCEPTS(DEVICE_IO, GOOD_IO, [0] = part, [3] = 0), 0x31);
    CHECK_EQUAL(ACCEPTS(DEVICE_IO, GOOD_IO, [0] = part, [3] = 4, [4] = 2), 0x10);
    ACCEPTS(DEVICE_IO, GOOD_IO, [4] = 1);
    ACCEPTS(DEVICE_IO, GOOD_IO, [4] = 8);
}

/* --- dma_map and dma_unmap --- */

#define GOOD_DMA t.dma, [2] = t.buffer, [3] = 0, [4] = 4096, [5] = CAVERN_PROT_READ | CAVERN_PROT_WRITE

static void dma_handles(void)
{
    set_up();
    REFUSES_EACH(DMA_MAP, BAD_HANDLE, NOT(DMA), 0, GOOD_DMA);
    REFUSES_EACH(DMA_MAP, BAD_HANDLE, NOT(BUFFER), 2, GOOD_DMA);
    REFUSES(DMA_MAP, DENIED, GOOD_DMA, [0] = test_without(t.dma, RIGHTS_DMA, CAVERN_RIGHT_MANAGE));
    REFUSES(DMA_MAP, DENIED, GOOD_DMA, [2] = test_without(t.buffer, RIGHTS_BUFFER, CAVERN_RIGHT_WRITE));
    REFUSES(DMA_MAP, DENIED,
            GOOD_DMA, [2] = test_without(t.buffer, RIGHTS_BUFFER, CAVERN_RIGHT_READ), [5] = CAVERN_PROT_READ);
    REFUSES_EACH(DMA_UNMAP, BAD_HANDLE, NOT(DMA), 0, 0);
    REFUSES(DMA_UNMAP, DENIED, test_without(t.dma, RIGHTS_DMA, CAVERN_RIGHT_MANAGE));
}

static void dma_ranges(void)
{
    set_up();
    cavern_handle large = test_buffer(3 << 20);
    REFUSES_EACH(DMA_MAP, BAD_ARGUMENT, VALUES(1, 8, 4095, 4096, UINT64_C(1) << 63, -UINT64_C(4096), ~UINT64_C(0)), 3,
                 GOOD_DMA);
    REFUSES_EACH(DMA_MAP, BAD_ARGUMENT, VALUES(0, 1, 4095, 4097, 8192, UINT64_C(1) << 63, -UINT64_C(4096)), 4,
                 GOOD_DMA);
    REFUSES_EACH(DMA_MAP, BAD_ARGUMENT, VALUES(0, 2, 4, 5, 6, 7, 9, UINT64_C(1) << 32 | 3, ~UINT64_C(0)), 5, GOOD_DMA);
    REFUSES(DMA_MAP, BAD_ARGUMENT, GOOD_DMA, [2] = t.devices, [3] = CLOCK);
    REFUSES_EACH(DMA_MAP, TOO_LARGE, VALUES((2 << 20) + 4096, 3 << 20), 4, GOOD_DMA, [2] = large);
    uint64_t address = ACCEPTS(DMA_MAP, GOOD_DMA);
    REFUSES_EACH(DMA_UNMAP, BAD_ARGUMENT,
                 VALUES(0, 1, address + 8, address + 4096, address - 4096, -UINT64_C(4096), ~UINT64_C(0)), 3,
                 t.dma, [4] = 4096);
    REFUSES_EACH(DMA_UNMAP, BAD_ARGUMENT, VALUES(0, 1, 4095, 8192, 4 << 20, 1 + (UINT64_C(1) << 32), ~UINT64_C(0)), 4,
                 t.dma, [3] = address);
    ACCEPTS(DMA_UNMAP, t.dma, [3] = address, [4] = 4096);
    REFUSES(DMA_UNMAP, BAD_ARGUMENT, t.dma, [3] = address, [4] = 4096);
}

static void dma_costs_memory(void)
{
    set_up();
    test_exhaust();
    unsigned made = 0;
    while (test_tries(ATTEMPT(DMA_MAP, OK, GOOD_DMA)) == CAVERN_OK)
        made++;
    CHECK(made < 4096 / 64); /* what is left of a page of them */
    REFUSES(DMA_MAP, NO_MEMORY, GOOD_DMA);
    ACCEPTS(DMA_UNMAP, t.dma);
}

static void dma_derive(void)
{
    set_up();
    static const unsigned zeros[] = {3, 4, 5};
    for (unsigned i = 0; i < 3; i++)
        REFUSES_EACH(DERIVE, BAD_ARGUMENT, VALUES(1, 4096, ~UINT64_C(0)), zeros[i], t.dma, [6] = CAVERN_SELF_ACCOUNT);
    REFUSES(DERIVE, DENIED, test_without(t.dma, RIGHTS_DMA, CAVERN_RIGHT_DERIVE), [6] = CAVERN_SELF_ACCOUNT);
}

/* --- machine --- */

#define GOOD_READ t.machine, [2] = CAVERN_MACHINE_LOG_READ, [4] = t.page, [5] = 4096
#define GOOD_WRITE t.machine, [2] = CAVERN_MACHINE_LOG_WRITE, [3] = CAVERN_LOG_DEBUG, [4] = t.page, [5] = 0

static void machine_handles_and_operations(void)
{
    set_up();
    REFUSES_EACH(MACHINE, BAD_HANDLE, NOT(MACHINE), 0, GOOD_READ);
    REFUSES(MACHINE, DENIED, GOOD_READ, [0] = test_without(t.machine, RIGHTS_LOG, CAVERN_RIGHT_LOG));
    REFUSES(MACHINE, DENIED, GOOD_WRITE, [0] = test_without(t.machine, RIGHTS_LOG, CAVERN_RIGHT_LOG));
    REFUSES_EACH(MACHINE, DENIED, VALUES(CAVERN_MACHINE_POWER_OFF, CAVERN_MACHINE_RESTART), 2, GOOD_READ);
    REFUSES_EACH(MACHINE, BAD_ARGUMENT,
                 VALUES(0, CAVERN_MACHINE_LOG_WRITE + 1, 255, 256 + CAVERN_MACHINE_LOG_READ,
                        UINT64_C(1) << 32 | CAVERN_MACHINE_POWER_OFF, ~UINT64_C(0)),
                 2, GOOD_READ);
}

static void log_memory(void)
{
    set_up();
    REFUSES_EACH(MACHINE, BAD_ARGUMENT, VALUES(0, 1, 8, 255), 5, GOOD_READ);
    REFUSES_EACH(MACHINE, BAD_ADDRESS, test_unwritable(256), 4, GOOD_READ, [5] = 256);
    REFUSES_EACH(MACHINE, BAD_ADDRESS, test_misaligned(t.page), 4, GOOD_READ, [5] = 256);
    REFUSES_EACH(MACHINE, BAD_ARGUMENT, VALUES(0, CAVERN_LOG_DEBUG + 1, 256 + CAVERN_LOG_DEBUG, ~UINT64_C(0)), 3,
                 GOOD_WRITE);
    REFUSES_EACH(MACHINE, TOO_LARGE, VALUES(241, 4096, UINT64_C(1) << 32, UINT64_C(1) << 63, ~UINT64_C(0)), 5,
                 GOOD_WRITE);
    REFUSES_EACH(MACHINE, BAD_ADDRESS, test_unreadable(64), 4, GOOD_WRITE, [5] = 64);
    ACCEPTS(MACHINE, GOOD_READ, [3] = ~UINT64_C(0)); /* a cursor behind everything */
    for (uint64_t level = CAVERN_LOG_ERROR; level <= CAVERN_LOG_DEBUG; level++)
        ACCEPTS(MACHINE, GOOD_WRITE, [3] = level, [5] = 240);
}

/* --- submit --- */

#define GOOD_SUBMIT 0, [3] = t.page, [4] = 2

static void submit_arguments(void)
{
    set_up();
    struct cavern_operation *operations = (void *)t.page;
    operations[0] = operations[1] = (struct cavern_operation){{0, CAVERN_INFO(0, CAVERN_CALL_NOP, 0, 0, 0)}};
    REFUSES_EACH(SUBMIT, BAD_ADDRESS, test_unwritable(128), 3, GOOD_SUBMIT, [4] = 1);
    REFUSES_EACH(SUBMIT, BAD_ADDRESS, test_misaligned(t.page), 3, GOOD_SUBMIT);
    REFUSES_EACH(SUBMIT, BAD_ADDRESS,
                 VALUES(CAVERN_USER_END / 128, CAVERN_USER_END, UINT64_C(1) << 57, (UINT64_C(1) << 57) + 1,
                        UINT64_C(1) << 63, ~UINT64_C(0)),
                 4, GOOD_SUBMIT);
    for (uint64_t count = 0; count < 3; count++)
        FAILS(SUBMIT, BAD_ARGUMENT, GOOD_SUBMIT, [4] = count, [5] = count + 1);
    FAILS(SUBMIT, BAD_ARGUMENT, GOOD_SUBMIT, [5] = ~UINT64_C(0));
    CHECK_EQUAL(ACCEPTS(SUBMIT, GOOD_SUBMIT), 2);
    CHECK_EQUAL(ACCEPTS(SUBMIT, GOOD_SUBMIT, [4] = 0), 0);
    CHECK_EQUAL(ACCEPTS(SUBMIT, GOOD_SUBMIT, [5] = 2), 2);
}

static void submit_what_sleeps(void)
{
    static const uint8_t refused[] = {CAVERN_CALL_SUBMIT, CAVERN_CALL_CALL, CAVERN_CALL_RECEIVE,
                                      CAVERN_CALL_REPLY_RECEIVE};
    set_up();
    struct cavern_operation *operation = (void *)t.page;
    for (unsigned i = 0; i < sizeof refused; i++) {
        operation->x[1] = CAVERN_INFO(0, refused[i], 0, 0, 0);
        FAILS(SUBMIT, BAD_OPERATION, GOOD_SUBMIT);
    }
    *operation = (struct cavern_operation){{CAVERN_SELF_PROCESS, CAVERN_INFO(0, CAVERN_CALL_PROCESS_END, 0, 0, 0)}};
    FAILS(SUBMIT, BAD_OPERATION, GOOD_SUBMIT);
    for (unsigned i = 1; i <= CAVERN_THREAD_SET; i++) {
        *operation =
            (struct cavern_operation){{CAVERN_SELF_THREAD, CAVERN_INFO(0, CAVERN_CALL_THREAD_CONTROL, 0, 0, 0), 0, i}};
        FAILS(SUBMIT, BAD_OPERATION, GOOD_SUBMIT);
        operation->x[0] = CAVERN_SELF_PROCESS; /* the same thread by its id */
        operation->x[2] = 1;
        FAILS(SUBMIT, BAD_OPERATION, GOOD_SUBMIT);
    }
}

/* By themselves and in a submit, whatever the other registers say. */
static void numbers_without_a_call(void)
{
    set_up();
    struct cavern_operation *operation = (void *)t.page;
    for (unsigned number = 0; number < 256; number++) {
        if (test_is_call(number))
            continue;
        struct test_attempt *attempt = ATTEMPT(NOP, BAD_OPERATION, CAVERN_SELF_PROCESS, [3] = t.page, [4] = 8);
        attempt->call = (enum cavern_call)number;
        CHECK_EQUAL(test_tries(attempt), CAVERN_BAD_OPERATION);
        *operation = (struct cavern_operation){{CAVERN_SELF_PROCESS, CAVERN_INFO(0, number, 0, 0, 0)}};
        FAILS(SUBMIT, BAD_OPERATION, GOOD_SUBMIT);
    }
    CHECK(!test_is_call(255) && test_is_call(CAVERN_CALL_COUNT - 1));
}

/* --- buffers that another thread still fills --- */

static struct {
    cavern_handle filling;
    struct cavern_queue queue;
    cavern_handle sender;
    uint32_t request;
    unsigned tried;
} half;

/* Wakes while the other thread is in buffer_create, and guesses the handle. */
static void meddle(void *argument)
{
    (void)argument;
    cavern_handle process = test_process();
    ACCEPTS(HANDLE_CLOSE, process);
    half.filling = process + (UINT64_C(1) << CAVERN_HANDLE_INDEX_BITS); /* the index that is taken next */
    FAILS(RECEIVE, TIMEOUT, half.queue.handle, [9] = cavern_after(100 * CAVERN_MICROSECOND));
    uint64_t grant = t.page;
    *(struct cavern_grant *)grant = (struct cavern_grant){half.filling, CAVERN_RIGHT_READ};
#define WITH_GRANT ATTACHED(0, 0, 1), [3] = grant
    REFUSES(MAP, BUSY, CAVERN_SELF_PROCESS, [2] = half.filling, [4] = 4096, [6] = CAVERN_PROT_READ);
    REFUSES(DMA_MAP, BUSY, t.dma, [2] = half.filling, [4] = 4096, [5] = CAVERN_PROT_READ);
    REFUSES(HANDLE_GIVE, BUSY, CAVERN_SELF_PROCESS, [2] = half.filling, [3] = CAVERN_RIGHT_READ);
    REFUSES(BUFFER_SEAL, BUSY, half.filling);
    REFUSES(SEND, BUSY, half.sender, WITH_GRANT);
    REFUSES(REQUEST, BUSY, half.sender, WITH_GRANT, [9] = half.queue.handle, [10] = 1);
    REFUSES(CALL, BUSY, half.sender, WITH_GRANT);
    REFUSES(REPLY, BUSY, half.queue.handle, WITH_GRANT, [2] = half.request);
    REFUSES(REPLY_RECEIVE, BUSY, half.queue.handle, WITH_GRANT, [2] = half.request);
    PUBLISH(half.tried, 1);
}

static void buffer_that_is_not_whole(void)
{
    set_up();
    test_queue(&half.queue, 64, 2);
    half.sender = test_sender(&half.queue, 0);
    struct cavern_message message;
    CHECK_OK(test_request_word(half.sender, 0, 0, &half.queue, &half.request));
    test_receive(&half.queue, CAVERN_KIND_REQUEST, &message);
    (void)NO_HANDLE; /* what it makes is made before */
    test_thread(meddle, NULL, TEST_PRIORITY_HIGH);
    CHECK_EQUAL(ACCEPTS(BUFFER_CREATE, CAVERN_SELF_ACCOUNT, [3] = 8 << 20), half.filling);
    CHECK_EQUAL(OBSERVE(half.tried), 1);
    ACCEPTS(MAP, CAVERN_SELF_PROCESS, [2] = half.filling, [4] = 4096, [6] = CAVERN_PROT_READ);
}

const struct test_case test_cases[] = {
    {"device_io: handles", io_handles, "[DEV-IO-3] [ABI-HANDLE-4]"},
    {"device_io: widths and places", io_widths_and_places, "[DEV-IO-1] [DEV-IO-2] [DEV-IO-4]"},
    {"dma_map, dma_unmap: handles", dma_handles, "[DEV-DMA-4] [ABI-HANDLE-4]"},
    {"dma_map, dma_unmap: ranges", dma_ranges, "[DEV-DMA-2] [DEV-DMA-3] [DEV-DMA-4] [DEV-DMA-6]"},
    {"dma_map: costs memory", dma_costs_memory, "[DEV-DMA-7] [ABI-FAIL-1]"},
    {"derive: dma", dma_derive, "[DEV-DMA-8]"},
    {"machine: handles and operations", machine_handles_and_operations, "[ABI-MACHINE-3] [ABI-CALL-3] [ABI-HANDLE-4]"},
    {"machine: memory for the log", log_memory, "[ABI-MACHINE-1] [ABI-MACHINE-2] [ABI-ADDR-1] [ABI-ADDR-2]"},
    {"submit: arguments", submit_arguments, "[ABI-SUBMIT-4] [ABI-SUBMIT-6] [ABI-ADDR-1]"},
    {"submit: what sleeps", submit_what_sleeps, "[ABI-SUBMIT-3]"},
    {"numbers without a call", numbers_without_a_call, "[ABI-ENTER-4] [ABI-SUBMIT-3]"},
    {"a buffer that is not whole", buffer_that_is_not_whole, "[ABI-ERROR-3]"},
    {0},
};

const struct test_peer_function test_peers[] = {{0}};
