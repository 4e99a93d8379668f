/* SPDX-License-Identifier: BSD-2-Clause */
#include "memory_calls.h"

#include "core/random.h"
#include "peer.h"

#define RAM (256ull << 20)
#define GIC 0x8000000ull

static struct thread *thread;
static struct account *account; /* of the thread's process */

static int setup(void **state)
{
    (void)state;
    model_start(RAM);
    account = account_create(model_root(), RAM / 2, 10);
    thread = model_process(account, "test", 10);
    return 0;
}

static struct holding *holding_at(cavern_handle handle)
{
    void *found;
    assert_int_equal(process_lookup(thread->process, handle, CAVERN_TYPE_BUFFER, 0, &found), CAVERN_OK);
    return found;
}

static const struct buffer *buffer_at(cavern_handle handle)
{
    return holding_at(handle)->buffer;
}

static uint16_t rights_of(cavern_handle handle)
{
    struct object *object;
    uint16_t rights = 0;
    assert_int_equal(process_lookup_any(thread->process, handle, &object, &rights), CAVERN_OK);
    return rights;
}

static cavern_handle create(uint64_t bytes, uint64_t flags)
{
    cavern_handle handle;
    assert_int_equal(call_buffer_create(thread, CAVERN_SELF_ACCOUNT, bytes, flags, &handle), CAVERN_OK);
    return handle;
}

/* All of it, by windows; each byte must be `old`, and becomes `new`. */
static void rewrite(const struct buffer *buffer, uint8_t old, uint8_t new)
{
    uint64_t length;
    for (uint64_t at = 0; at < buffer_size(buffer); at += length) {
        uint8_t *window = buffer_window(buffer, at, &length);
        assert_true(length);
        assert_true(window[0] == old && !memcmp(window, window + 1, length - 1));
        memset(window, new, length);
    }
}

/* [MEM-BUFFER-1] */
static void test_create_reused_memory_is_zero(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {PAGE, 100 * PAGE, 2 * BLOCK + 5 * PAGE, 16 * BLOCK};
    for (int flags = 0; flags <= CAVERN_BUFFER_CONTIGUOUS; flags++) {
        for (unsigned i = 0; i < COUNT_OF(sizes); i++) {
            if (flags && sizes[i] > BLOCK)
                continue;
            for (int again = 0; again < 2; again++) {
                cavern_handle handle = create(sizes[i], (uint64_t)flags);
                rewrite(buffer_at(handle), 0, 0xff);
                assert_int_equal(call_close(thread, handle), CAVERN_OK);
            }
        }
    }
}

/* [MEM-BUFFER-2] */
static void test_create_rounds_the_size_up(void **state)
{
    (void)state;
    cavern_handle handle;
    assert_int_equal(buffer_size(buffer_at(create(1, 0))), PAGE);
    assert_int_equal(buffer_size(buffer_at(create(PAGE, 0))), PAGE);
    assert_int_equal(buffer_size(buffer_at(create(PAGE + 1, 0))), 2 * PAGE);
    assert_int_equal(call_buffer_create(thread, CAVERN_SELF_ACCOUNT, 0, 0, &handle), CAVERN_BAD_ARGUMENT);
}

static void test_create_bad_arguments_change_nothing(void **state)
{
    (void)state;
    cavern_handle handle = create(PAGE, 0);
    struct balance before = balance_of(account);
    static const struct {
        uint64_t bytes, flags;
        unsigned status;
    } cases[] = {
        {PAGE, 2, CAVERN_BAD_ARGUMENT},    {PAGE, 1ull << 32, CAVERN_BAD_ARGUMENT}, {PAGE, ~0ull, CAVERN_BAD_ARGUMENT},
        {~0ull, 0, CAVERN_NO_MEMORY},      {~0ull - PAGE, 0, CAVERN_NO_MEMORY},     {RAM, 0, CAVERN_NO_MEMORY},
        {1ull << 39, 0, CAVERN_NO_MEMORY},
    };
    for (unsigned i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(
            call_buffer_create(thread, CAVERN_SELF_ACCOUNT, cases[i].bytes, cases[i].flags, &(cavern_handle){0}),
            cases[i].status);
    assert_int_equal(call_buffer_create(thread, handle, PAGE, 0, &handle), CAVERN_BAD_HANDLE);
    assert_balance(account, before);
}

/* [MEM-BUFFER-3] */
static void test_create_contiguous_is_one_run(void **state)
{
    (void)state;
    cavern_handle handle;
    uint64_t length;
    for (uint64_t pages = 1; pages <= 512; pages = pages * 3 + 2) {
        const struct buffer *buffer = buffer_at(create(pages * PAGE, CAVERN_BUFFER_CONTIGUOUS));
        buffer_physical(buffer, 0, &length);
        assert_int_equal(length, pages * PAGE);
    }
    buffer_physical(buffer_at(create(BLOCK, CAVERN_BUFFER_CONTIGUOUS)), 0, &length);
    assert_int_equal(length, BLOCK);
    assert_int_equal(call_buffer_create(thread, CAVERN_SELF_ACCOUNT, BLOCK + 1, CAVERN_BUFFER_CONTIGUOUS, &handle),
                     CAVERN_BAD_ARGUMENT);
}

/* Takes all memory, and gives every second page back. */
static uint64_t fragment(uint64_t *pages)
{
    uint64_t count = 0, kept = 0;
    while (memory_take_page(&pages[count]))
        count++;
    for (uint64_t i = 0; i < count; i++) {
        if (pages[i] / PAGE % 2)
            memory_give(pages[i], 1);
        else
            pages[kept++] = pages[i];
    }
    return kept;
}

/* [MEM-BUFFER-3] */
static void test_create_in_fragmented_memory_falls_back_to_pages(void **state)
{
    (void)state;
    uint64_t *pages = malloc(RAM / PAGE * sizeof *pages), length;
    uint64_t kept = fragment(pages);
    cavern_handle handle;
    struct balance before = balance_of(account);
    assert_int_equal(call_buffer_create(thread, CAVERN_SELF_ACCOUNT, 2 * PAGE, CAVERN_BUFFER_CONTIGUOUS, &handle),
                     CAVERN_NO_MEMORY);
    assert_balance(account, before);
    const struct buffer *buffer = buffer_at(create(3 * BLOCK, 0));
    buffer_physical(buffer, BLOCK, &length);
    assert_int_equal(length, PAGE);
    rewrite(buffer, 0, 1);
    rewrite(buffer, 1, 2);
    while (kept)
        memory_give(pages[--kept], 1);
    free(pages);
}

/* [MEM-BUFFER-4] */
static void test_create_large_uses_blocks(void **state)
{
    (void)state;
    uint64_t length;
    const struct buffer *buffer = buffer_at(create(3 * BLOCK + PAGE, 0));
    assert_true(buffer_own_address(buffer) % BLOCK == 0);
    for (uint64_t at = 0; at < 3 * BLOCK; at += BLOCK) {
        assert_true(buffer_physical(buffer, at, &length) % BLOCK == 0);
        assert_int_equal(length, BLOCK);
        buffer_physical(buffer, at + PAGE + 1, &length);
        assert_int_equal(length, BLOCK - PAGE - 1);
    }
    buffer_physical(buffer, 3 * BLOCK, &length);
    assert_int_equal(length, PAGE);
}

/* [MEM-BUFFER-4] */
static void test_create_own_addresses_are_apart(void **state)
{
    (void)state;
    enum { BUFFERS = 100 };
    uint64_t from[BUFFERS], to[BUFFERS];
    for (int i = 0; i < BUFFERS; i++) {
        const struct buffer *buffer = buffer_at(create(i % 10 ? (uint64_t)(i + 1) * PAGE : BLOCK, 0));
        from[i] = buffer_own_address(buffer);
        to[i] = from[i] + buffer_size(buffer);
        assert_true(from[i] % PAGE == 0);
        assert_true(from[i] >= 1ull << 40 && to[i] <= 1ull << 46);
        for (int j = 0; j < i; j++)
            assert_true(to[j] <= from[i] || to[i] <= from[j]);
    }
}

/* [MEM-DRAW-1] [MEM-DRAW-2] [MEM-DRAW-3] The addresses are of an implementation that knows nothing of this one. */
static void test_create_draws_the_own_address_when_it_succeeds(void **state)
{
    (void)state;
    cavern_handle handle;
    unsigned status = CAVERN_NO_MEMORY, failures = 0;
    buffer_seed(7);
    assert_int_equal(buffer_own_address(buffer_at(create(PAGE, 0))), 0x2d22e5c2d000);
    for (unsigned n = 1; status; n++) {
        model_fail_allocation(n);
        status = call_buffer_create(thread, CAVERN_SELF_ACCOUNT, 65 * PAGE, 0, &handle);
        model_fail_allocation(0);
        failures += status != CAVERN_OK;
    }
    assert_in_range(failures, 65, 100);
    assert_int_equal(buffer_own_address(buffer_at(handle)), 0x128fb326e000);
    assert_int_equal(buffer_own_address(buffer_at(create(BLOCK, CAVERN_BUFFER_CONTIGUOUS))), 0x35e582e00000);
}

/* [MEM-DRAW-2] [MEM-BUFFER-4] With this seed the first two places are the same. */
static void test_create_own_address_that_is_taken_is_drawn_again(void **state)
{
    (void)state;
    buffer_seed(12949140);
    assert_int_equal(buffer_own_address(buffer_at(create(4 * BLOCK, 0))), 0x516e7800000);
    assert_int_equal(buffer_own_address(buffer_at(create(4 * BLOCK, 0))), 0x35fd5e200000);
}

/* [MEM-ACCOUNT-6] The sizes are those at which the index gets another table or level. */
static void test_create_and_close_gives_all_back(void **state)
{
    (void)state;
    static const uint64_t pages[] = {1, 2, 63, 64, 65, 400, 496, 497, 498, 511, 512, 513, 1023, 1024, 1025, 5000};
    assert_int_equal(call_close(thread, create(PAGE, 0)), CAVERN_OK);
    struct balance before = balance_of(account);
    for (int pending = 0; pending < 2; pending++) {
        model_interrupt_pending(pending);
        for (unsigned i = 0; i < COUNT_OF(pages); i++) {
            assert_int_equal(call_close(thread, create(pages[i] * PAGE, 0)), CAVERN_OK);
            assert_balance(account, before);
        }
    }
}

/* Three levels, for which the memory is not there: every stage of it is given back. */
static void test_create_too_large_to_fill_gives_all_back(void **state)
{
    (void)state;
    model_start(2048ull << 20);
    uint64_t *hidden = malloc((2048ull << 20) / BLOCK * sizeof *hidden), blocks = 0;
    thread = model_process(model_root(), "test", 10);
    call_close(thread, create(PAGE, 0));
    while (memory_free() > 40 * BLOCK && memory_take_block(&hidden[blocks]))
        blocks++;
    struct balance before = balance_of(model_root());
    cavern_handle handle;
    assert_int_equal(call_buffer_create(thread, CAVERN_SELF_ACCOUNT, 1500ull << 20, 0, &handle), CAVERN_NO_MEMORY);
    assert_balance(model_root(), before);
    free(hidden);
}

/* [MEM-BUFFER-5] Whichever page is the one that is not there. */
static void test_create_without_memory_changes_nothing(void **state)
{
    (void)state;
    cavern_handle handle = create(PAGE, 0);
    assert_int_equal(call_close(thread, handle), CAVERN_OK);
    struct balance before = balance_of(account);
    uint64_t objects = account->objects, handles = thread->process->handles.used;
    for (int pending = 0; pending < 2; pending++) {
        model_interrupt_pending(pending);
        unsigned n = 0, status = CAVERN_NO_MEMORY;
        for (; status == CAVERN_NO_MEMORY; n++) {
            model_fail_allocation(n + 1);
            status = call_buffer_create(thread, CAVERN_SELF_ACCOUNT, BLOCK + 100 * PAGE, 0, &handle);
            model_fail_allocation(0);
            if (!status)
                break;
            assert_balance(account, before);
            assert_int_equal(account->objects, objects);
            assert_int_equal(thread->process->handles.used, handles);
        }
        assert_int_equal(status, CAVERN_OK);
        assert_true(n > 100);
        assert_int_equal(call_close(thread, handle), CAVERN_OK);
        assert_balance(account, before);
    }
}

/* [ABI-FAIL-1] */
static void test_create_over_a_limit_changes_nothing(void **state)
{
    (void)state;
    struct account *small = account_create(model_root(), 0, 5);
    cavern_handle charge = model_give(thread->process, &small->object, CAVERN_RIGHT_CHARGE), handle;
    unsigned status = CAVERN_NO_MEMORY;
    for (uint64_t pages = 0; status; pages++) {
        assert_true(pages < 610); /* 600, the record, two tables, a slab */
        assert_int_equal(small->budget.used, 0);
        status = call_buffer_create(thread, charge, 600 * PAGE, 0, &handle);
        assert_true(status == CAVERN_OK || status == CAVERN_NO_MEMORY);
        assert_true(account_resize(small, (int64_t)PAGE));
    }
}

/* --- filling --- */

/* A handle to a buffer that is half filled. */
static cavern_handle half_filled(struct holding **holding)
{
    enum cavern_status why;
    bool complete;
    *holding = buffer_create(account, 100 * PAGE, 0, &why);
    assert_int_equal(buffer_fill(*holding, 50, &complete), CAVERN_OK);
    assert_false(complete);
    cavern_handle handle = model_give(thread->process, &(*holding)->object, buffer_rights((*holding)->buffer));
    object_put(&(*holding)->object);
    return handle;
}

static void test_incomplete_buffer_is_of_no_use(void **state)
{
    (void)state;
    struct holding *holding, *other;
    cavern_handle handle = half_filled(&holding);
    uint64_t address = 0;
    assert_int_equal(call_map(thread, CAVERN_SELF_PROCESS, handle, 0, PAGE, &address, READ), CAVERN_BUSY);
    assert_int_equal(call_seal(thread, handle), CAVERN_BUSY);
    assert_int_equal(holding_for(holding, model_root(), &other), CAVERN_BUSY);
    assert_int_equal(holding_for(holding, account, &other), CAVERN_BUSY);
}

static void test_incomplete_buffer_closed_gives_all_back(void **state)
{
    (void)state;
    struct holding *holding;
    assert_int_equal(call_close(thread, create(PAGE, 0)), CAVERN_OK);
    struct balance before = balance_of(account);
    assert_int_equal(call_close(thread, half_filled(&holding)), CAVERN_OK);
    assert_balance(account, before);
}

static void test_create_goes_on_with_a_filling_handle(void **state)
{
    (void)state;
    struct holding *holding;
    cavern_handle handle = half_filled(&holding);
    uint64_t regs[16] = {CAVERN_SELF_ACCOUNT, 0, handle, 100 * PAGE, 0, 50};
    assert_int_equal(model_call(thread, CAVERN_CALL_BUFFER_CREATE, regs), CAVERN_OK);
    assert_int_equal(regs[1], handle);
    rewrite(holding->buffer, 0, 1);
}

static void test_create_with_a_made_up_filling_handle_is_refused(void **state)
{
    (void)state;
    cavern_handle handle = create(PAGE, 0);
    memset(buffer_window(buffer_at(handle), 0, &(uint64_t){0}), 7, PAGE);
    uint64_t regs[16] = {CAVERN_SELF_ACCOUNT, 0, handle, PAGE, 0, 0};
    assert_int_equal(model_call(thread, CAVERN_CALL_BUFFER_CREATE, regs), CAVERN_BAD_ARGUMENT);
    rewrite(buffer_at(handle), 7, 7);
    uint64_t more[16] = {CAVERN_SELF_ACCOUNT, 0, 0x12345, PAGE, 0, 0};
    assert_int_equal(model_call(thread, CAVERN_CALL_BUFFER_CREATE, more), CAVERN_BAD_HANDLE);
}

/* --- holdings --- */

/* [MEM-ACCOUNT-7] */
static void test_each_holder_pays_for_all(void **state)
{
    (void)state;
    struct account *other = account_create(model_root(), 300 * PAGE, 5);
    struct holding *holding = holding_at(create(100 * PAGE, 0)), *own, *again;
    uint64_t free_bytes = memory_free();
    assert_int_equal(holding_for(holding, other, &own), CAVERN_OK);
    assert_int_equal(other->budget.used, (100 + 1 + 1) * PAGE); /* pages, record, slab of holdings */
    assert_int_equal(memory_free(), free_bytes - PAGE);
    assert_int_equal(holding_for(holding, other, &again), CAVERN_OK);
    assert_ptr_equal(own, again);
    assert_int_equal(other->budget.used, 102 * PAGE);
    assert_int_equal(holding_for(own, account, &again), CAVERN_OK);
    assert_ptr_equal(again, holding);
}

static void test_holding_over_the_limit_is_no_memory(void **state)
{
    (void)state;
    struct holding *holding = holding_at(create(100 * PAGE, 0)), *own;
    for (uint64_t limit = 0; limit < 102; limit++) {
        struct account *other = account_create(model_root(), limit * PAGE, 5);
        assert_int_equal(holding_for(holding, other, &own), CAVERN_NO_MEMORY);
        assert_int_equal(other->budget.used, 0);
        object_put(&other->object);
        call_close(thread, 0);
    }
}

/* [MEM-ACCOUNT-7] */
static void test_buffer_lives_until_its_last_holder_goes(void **state)
{
    (void)state;
    struct account *other = account_create(model_root(), 3 * BLOCK, 5);
    cavern_handle handle = create(BLOCK + PAGE, 0);
    struct holding *own;
    struct balance before = balance_of(other);
    assert_int_equal(holding_for(holding_at(handle), other, &own), CAVERN_OK);
    rewrite(own->buffer, 0, 9);
    uint64_t used = account->budget.used;
    assert_int_equal(call_close(thread, handle), CAVERN_OK);
    assert_in_range(used - account->budget.used, BLOCK + PAGE, BLOCK + 4 * PAGE);
    rewrite(own->buffer, 9, 8);
    object_put(&own->object);
    call_close(thread, 0); /* lets the reaper run */
    assert_int_equal(other->budget.used, before.used);
    assert_in_range(memory_free() - before.free, BLOCK + PAGE, BLOCK + 4 * PAGE);
}

/* Between its last reference and its end a holding can be wanted again. */
static void test_holding_that_dies_can_be_taken_again(void **state)
{
    (void)state;
    struct account *other = account_create(model_root(), 300 * PAGE, 5);
    struct holding *holding = holding_at(create(100 * PAGE, 0)), *own, *again;
    assert_int_equal(holding_for(holding, other, &own), CAVERN_OK);
    object_put(&own->object);
    assert_int_equal(holding_for(holding, other, &again), CAVERN_OK);
    assert_ptr_equal(own, again);
    call_close(thread, 0);
    assert_int_equal(other->budget.used, 102 * PAGE);
    object_put(&again->object);
    call_close(thread, 0);
    assert_int_equal(other->budget.used, 0);
}

/* [MEM-ACCOUNT-6] */
static void test_random_creation_and_sharing_all_closed_leaves_nothing(void **state)
{
    (void)state;
    enum { SLOTS = 32, ROUNDS = 1500 };
    cavern_handle handles[SLOTS] = {0};
    struct holding *shared[SLOTS] = {0};
    struct account *other = account_create(model_root(), 64 << 20, 5);
    struct random random;
    random_seed(&random, 2);
    for (int i = 0; i < SLOTS; i++)
        handles[i] = create(PAGE, 0);
    for (int i = 0; i < SLOTS; i++)
        call_close(thread, handles[i]), handles[i] = 0;
    struct balance before = balance_of(account);
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t slot = random_below(&random, SLOTS);
        model_interrupt_pending(random_below(&random, 2));
        uint64_t pages = random_below(&random, 8) ? 1 + random_below(&random, 70) : random_below(&random, 1500);
        if (handles[slot]) {
            call_close(thread, handles[slot]);
            handles[slot] = 0;
        } else if (shared[slot]) {
            object_put(&shared[slot]->object);
            shared[slot] = NULL;
        } else if (call_buffer_create(thread, CAVERN_SELF_ACCOUNT, pages * PAGE, 0, &handles[slot]) != CAVERN_OK) {
            handles[slot] = 0;
        } else if (random_below(&random, 2) &&
                   holding_for(holding_at(handles[slot]), other, &shared[slot]) != CAVERN_OK) {
            shared[slot] = NULL;
        }
    }
    for (int i = 0; i < SLOTS; i++) {
        if (handles[i])
            call_close(thread, handles[i]);
        if (shared[i])
            object_put(&shared[i]->object);
    }
    call_close(thread, 0);
    assert_balance(account, before);
    assert_int_equal(other->budget.used, 0);
}

/* --- sealing --- */

/* [MEM-SEAL-1] [MEM-SEAL-2] */
static void test_seal_takes_write_from_the_handle(void **state)
{
    (void)state;
    cavern_handle handle = create(PAGE, 0);
    uint64_t address = 0;
    assert_int_equal(call_seal(thread, handle), CAVERN_OK);
    assert_true(buffer_is_sealed(buffer_at(handle)));
    assert_int_equal(rights_of(handle),
                     CAVERN_RIGHT_COPY | CAVERN_RIGHT_INSPECT | CAVERN_RIGHT_READ | CAVERN_RIGHT_EXECUTE);
    assert_int_equal(call_seal(thread, handle), CAVERN_DENIED);
    assert_int_equal(call_map(thread, CAVERN_SELF_PROCESS, handle, 0, PAGE, &address, WRITE), CAVERN_DENIED);
    assert_int_equal(call_close(thread, handle), CAVERN_OK);
}

/* [MEM-SEAL-1] */
static void test_seal_with_another_writer_is_busy(void **state)
{
    (void)state;
    cavern_handle handle = create(PAGE, 0);
    struct holding *holding = holding_at(handle);
    cavern_handle reader = model_give(thread->process, &holding->object, CAVERN_RIGHT_READ | CAVERN_RIGHT_COPY);
    cavern_handle writer = model_give(thread->process, &holding->object, CAVERN_RIGHT_WRITE);
    uint64_t address = 0;
    assert_int_equal(call_seal(thread, reader), CAVERN_DENIED);
    assert_int_equal(call_seal(thread, handle), CAVERN_BUSY);
    assert_int_equal(call_close(thread, writer), CAVERN_OK);
    assert_int_equal(call_map(thread, CAVERN_SELF_PROCESS, handle, 0, PAGE, &address, WRITE), CAVERN_OK);
    assert_int_equal(call_seal(thread, handle), CAVERN_BUSY);
    assert_true(rights_of(handle) & CAVERN_RIGHT_WRITE);
    assert_int_equal(call_unmap(thread, address, PAGE), CAVERN_OK);
    address = 0;
    assert_int_equal(call_map(thread, CAVERN_SELF_PROCESS, handle, 0, PAGE, &address, READ), CAVERN_OK);
    assert_int_equal(call_seal(thread, handle), CAVERN_OK);
}

/* [MEM-SEAL-1] A lease that can be written through outlives the mapping, and with it the buffer can't be sealed. */
static void test_seal_with_a_write_lease_pending_is_busy(void **state)
{
    (void)state;
    struct peer client, server;
    peer_start(&client, "client", 10, 64, 4);
    peer_start(&server, "server", 10, 64, 4);
    thread = client.thread;
    cavern_handle sender = peer_sender(&client, &server, 1, 10, 10, 0), handle = create(PAGE, 0);
    uint64_t address = 0;
    assert_int_equal(call_map(thread, CAVERN_SELF_PROCESS, handle, 0, PAGE, &address, WRITE), CAVERN_OK);
    struct cavern_lease lease = {.address = address, .length = 16, .rights = CAVERN_LEASE_WRITE};
    peer_write(&client, 0, &lease, sizeof lease);
    assert_int_equal(peer_call(&client, REQUEST, [0] = sender, [1] = CAVERN_INFO(0, 0, 1, 0, 0), [2] = 5,
                               [3] = client.memory, [9] = client.queue, [10] = 1),
                     CAVERN_OK);
    uint64_t id = client.x[1];
    assert_int_equal(call_unmap(thread, address, PAGE), CAVERN_OK);
    assert_int_equal(call_seal(thread, handle), CAVERN_BUSY);
    assert_int_equal(peer_call(&server, DROP, [0] = server.queue, [2] = id), CAVERN_OK);
    assert_int_equal(call_seal(thread, handle), CAVERN_OK);
}

/* --- devices --- */

static cavern_handle give_devices(void)
{
    struct holding *devices = buffer_devices(account);
    assert_true(memory_exclude(GIC, 2 * PAGE));
    return model_give(thread->process, &devices->object, buffer_rights(devices->buffer));
}

/* [MEM-DEVICE-1] [MEM-DEVICE-2] */
static void test_derive_cuts_device_buffers(void **state)
{
    (void)state;
    cavern_handle devices = give_devices(), handle, part, ram = create(PAGE, 0);
    assert_int_equal(call_derive(thread, devices, 0x9000000, 4 * PAGE, 0, &handle), CAVERN_OK);
    const struct buffer *buffer = buffer_at(handle);
    assert_true(buffer_is_device(buffer));
    assert_int_equal(buffer_base(buffer), 0x9000000);
    assert_int_equal(buffer_size(buffer), 4 * PAGE);
    assert_int_equal(buffer_own_address(buffer), 0);
    assert_int_equal(rights_of(handle), rights_of(devices));
    assert_int_equal(call_derive(thread, handle, PAGE, 0x200, 0, &part), CAVERN_OK);
    assert_int_equal(buffer_base(buffer_at(part)), 0x9001000);
    assert_int_equal(buffer_size(buffer_at(part)), 0x200);

    static const struct {
        uint64_t first, count;
        unsigned status;
    } cases[] = {
        {0, 0, CAVERN_BAD_ARGUMENT},     {4 * PAGE, 1, CAVERN_BAD_ARGUMENT}, {PAGE, 4 * PAGE, CAVERN_BAD_ARGUMENT},
        {1, ~0ull, CAVERN_BAD_ARGUMENT}, {~0ull, 1, CAVERN_BAD_ARGUMENT},
    };
    for (unsigned i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(call_derive(thread, handle, cases[i].first, cases[i].count, 0, &part), cases[i].status);
    assert_int_equal(call_derive(thread, ram, 0, PAGE, 0, &part), CAVERN_BAD_ARGUMENT);
    static const struct {
        uint64_t first, count;
    } denied[] = {
        {MODEL_RAM_BASE, PAGE},
        {MODEL_RAM_BASE - PAGE, PAGE + 1},
        {MODEL_RAM_BASE + RAM - 1, 2},
        {0, 1ull << 48},
        {GIC, 1},
        {GIC + 2 * PAGE - 1, 1},
        {GIC - 1, 2},
    };
    for (unsigned i = 0; i < COUNT_OF(denied); i++)
        assert_int_equal(call_derive(thread, devices, denied[i].first, denied[i].count, 0, &part), CAVERN_DENIED);
    assert_int_equal(call_derive(thread, devices, GIC + 2 * PAGE, 1, 0, &part), CAVERN_OK);
    assert_int_equal(call_derive(thread, devices, MODEL_RAM_BASE + RAM, 1, 0, &part), CAVERN_OK);
    assert_int_equal(call_derive(thread, CAVERN_SELF_PROCESS, 0, 1, 0, &part), CAVERN_BAD_HANDLE);
}

static void test_derive_needs_the_right(void **state)
{
    (void)state;
    struct holding *devices = buffer_devices(account);
    cavern_handle handle = model_give(thread->process, &devices->object, CAVERN_RIGHT_READ | CAVERN_RIGHT_COPY), part;
    assert_int_equal(call_derive(thread, handle, 0, PAGE, 0, &part), CAVERN_DENIED);
}

/* [ABI-FAIL-1] Without a free range that is long enough. */
static void test_map_device_memory_finds_no_range(void **state)
{
    (void)state;
    cavern_handle all;
    uint64_t address = 0;
    assert_int_equal(call_derive(thread, give_devices(), 1ull << 45, 1ull << 47, 0, &all), CAVERN_OK);
    assert_int_equal(call_map(thread, CAVERN_SELF_PROCESS, all, 0, 1ull << 47, &address, READ), CAVERN_NO_MEMORY);
}

/* [MEM-SEAL-3] */
static void test_seal_device_memory_is_a_bad_argument(void **state)
{
    (void)state;
    assert_int_equal(call_seal(thread, give_devices()), CAVERN_BAD_ARGUMENT);
}

static void test_derive_and_close_gives_all_back(void **state)
{
    (void)state;
    cavern_handle devices = give_devices(), handle;
    struct balance before = balance_of(account);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(call_derive(thread, devices, PAGE, PAGE, 0, &handle), CAVERN_OK);
        assert_int_equal(call_close(thread, handle), CAVERN_OK);
        assert_balance(account, before);
    }
    for (unsigned n = 1; n < 3; n++) {
        model_fail_allocation(n);
        unsigned status = call_derive(thread, devices, PAGE, PAGE, 0, &handle);
        model_fail_allocation(0);
        if (status == CAVERN_OK)
            assert_int_equal(call_close(thread, handle), CAVERN_OK);
        else
            assert_int_equal(status, CAVERN_NO_MEMORY);
        assert_balance(account, before);
    }
}

/* --- adopted memory --- */

static void test_adopted_memory_becomes_the_accounts(void **state)
{
    (void)state;
    uint64_t physical, limit = model_root()->budget.limit;
    assert_true(memory_take_run(4, &physical)); /* as if it had never been free */
    memset(arch_direct(physical), 5, 4 * PAGE);
    struct balance before = balance_of(model_root());
    assert_null(buffer_adopt(model_root(), physical + 1, PAGE));
    struct holding *holding = buffer_adopt(model_root(), physical, 3 * PAGE + 10);
    assert_non_null(holding);
    assert_int_equal(model_root()->budget.limit, limit + 4 * PAGE);
    assert_true(buffer_is_sealed(holding->buffer) && buffer_is_complete(holding->buffer));
    assert_false(buffer_rights(holding->buffer) & CAVERN_RIGHT_WRITE);
    uint64_t length;
    const uint8_t *bytes = buffer_window(holding->buffer, 0, &length);
    assert_int_equal(length, 4 * PAGE);
    assert_true(bytes[3 * PAGE + 9] == 5 && bytes[3 * PAGE + 10] == 0 && bytes[4 * PAGE - 1] == 0);
    object_put(&holding->object);
    call_close(thread, 0);
    assert_int_equal(model_root()->budget.used, before.used);
    assert_int_equal(memory_free(), before.free + 4 * PAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_create_reused_memory_is_zero, setup),
        cmocka_unit_test_setup(test_create_rounds_the_size_up, setup),
        cmocka_unit_test_setup(test_create_bad_arguments_change_nothing, setup),
        cmocka_unit_test_setup(test_create_contiguous_is_one_run, setup),
        cmocka_unit_test_setup(test_create_in_fragmented_memory_falls_back_to_pages, setup),
        cmocka_unit_test_setup(test_create_large_uses_blocks, setup),
        cmocka_unit_test_setup(test_create_own_addresses_are_apart, setup),
        cmocka_unit_test_setup(test_create_draws_the_own_address_when_it_succeeds, setup),
        cmocka_unit_test_setup(test_create_own_address_that_is_taken_is_drawn_again, setup),
        cmocka_unit_test_setup(test_create_and_close_gives_all_back, setup),
        cmocka_unit_test_setup(test_create_too_large_to_fill_gives_all_back, setup),
        cmocka_unit_test_setup(test_create_without_memory_changes_nothing, setup),
        cmocka_unit_test_setup(test_create_over_a_limit_changes_nothing, setup),
        cmocka_unit_test_setup(test_incomplete_buffer_is_of_no_use, setup),
        cmocka_unit_test_setup(test_incomplete_buffer_closed_gives_all_back, setup),
        cmocka_unit_test_setup(test_create_goes_on_with_a_filling_handle, setup),
        cmocka_unit_test_setup(test_create_with_a_made_up_filling_handle_is_refused, setup),
        cmocka_unit_test_setup(test_each_holder_pays_for_all, setup),
        cmocka_unit_test_setup(test_holding_over_the_limit_is_no_memory, setup),
        cmocka_unit_test_setup(test_buffer_lives_until_its_last_holder_goes, setup),
        cmocka_unit_test_setup(test_holding_that_dies_can_be_taken_again, setup),
        cmocka_unit_test_setup(test_random_creation_and_sharing_all_closed_leaves_nothing, setup),
        cmocka_unit_test_setup(test_seal_takes_write_from_the_handle, setup),
        cmocka_unit_test_setup(test_seal_with_another_writer_is_busy, setup),
        cmocka_unit_test_setup(test_seal_with_a_write_lease_pending_is_busy, setup),
        cmocka_unit_test_setup(test_derive_cuts_device_buffers, setup),
        cmocka_unit_test_setup(test_derive_needs_the_right, setup),
        cmocka_unit_test_setup(test_map_device_memory_finds_no_range, setup),
        cmocka_unit_test_setup(test_seal_device_memory_is_a_bad_argument, setup),
        cmocka_unit_test_setup(test_derive_and_close_gives_all_back, setup),
        cmocka_unit_test_setup(test_adopted_memory_becomes_the_accounts, setup),
    };
    return cmocka_run_group_tests_name("buffer", tests, NULL, NULL);
}
