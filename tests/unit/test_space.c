/* SPDX-License-Identifier: BSD-2-Clause */
#include "memory_calls.h"

#include "core/random.h"

#define RAM (256ull << 20)
#define AT 0x40000000ull /* a chosen address, 1 GiB aligned */

static struct account *account;
static struct thread *thread;
static struct process *process;
static struct balance start; /* before there was a process */

static int setup(void **state)
{
    (void)state;
    model_start(RAM);
    account = account_create(model_root(), RAM / 2, 10);
    start = balance_of(account);
    thread = model_process(account, "test", 10);
    process = thread->process;
    return 0;
}

/* Whatever a test did: the end of the process gives all back. [PROC-END-3] */
static int teardown(void **state)
{
    (void)state;
    model_interrupt_pending(false);
    end_process(thread);
    assert_int_equal(account->budget.used, start.used);
    assert_int_equal(account->objects, 0);
    assert_int_equal(memory_free(), start.free);
    return 0;
}

static cavern_handle create(uint64_t bytes)
{
    cavern_handle handle;
    assert_int_equal(call_buffer_create(thread, CAVERN_SELF_ACCOUNT, bytes, 0, &handle), CAVERN_OK);
    return handle;
}

static struct holding *holding_at(cavern_handle handle)
{
    void *found;
    assert_int_equal(process_lookup(process, handle, CAVERN_TYPE_BUFFER, 0, &found), CAVERN_OK);
    return found;
}

static cavern_handle create_sealed(uint64_t bytes)
{
    cavern_handle handle = create(bytes);
    assert_int_equal(call_seal(thread, handle), CAVERN_OK);
    return handle;
}

static unsigned map_at(cavern_handle buffer, uint64_t offset, uint64_t length, uint64_t address, uint64_t protection)
{
    uint64_t mapped = address;
    unsigned status = call_map(thread, CAVERN_SELF_PROCESS, buffer, offset, length, &mapped, protection);
    assert_int_equal(mapped, address);
    return status;
}

static unsigned records(void)
{
    unsigned count = 0;
    assert_true(tree_invariants(&process->space.mappings));
    for (struct tree_node *node = tree_first(&process->space.mappings); node; node = tree_next(node))
        count++;
    return count;
}

/* --- map --- */

/* [MEM-MAP-1] */
static void test_map_at_zero_takes_the_own_address(void **state)
{
    (void)state;
    cavern_handle handle = create(10 * PAGE);
    uint64_t own = buffer_own_address(holding_at(handle)->buffer), address = 0;
    assert_int_equal(call_map(thread, CAVERN_SELF_PROCESS, handle, 4 * PAGE, 2 * PAGE, &address, READ), CAVERN_OK);
    assert_int_equal(address, own + 4 * PAGE);
    assert_true(can(process, own + 4 * PAGE, ARCH_ACCESS_READ) && !can(process, own + 4 * PAGE, ARCH_ACCESS_WRITE));
    assert_false(can(process, own + 3 * PAGE, ARCH_ACCESS_READ) || can(process, own + 6 * PAGE, ARCH_ACCESS_READ));
    address = 0;
    assert_int_equal(call_map(thread, CAVERN_SELF_PROCESS, handle, 5 * PAGE, PAGE, &address, READ), CAVERN_EXISTS);
}

/* [MEM-MAP-2] */
static void test_map_where_something_is_exists(void **state)
{
    (void)state;
    cavern_handle handle = create(10 * PAGE);
    assert_int_equal(map_at(handle, 0, 4 * PAGE, AT, WRITE), CAVERN_OK);
    static const struct {
        int64_t from, to; /* pages from AT */
        unsigned status;
    } cases[] = {
        {0, 4, CAVERN_EXISTS},  {-1, 1, CAVERN_EXISTS}, {3, 5, CAVERN_EXISTS}, {1, 2, CAVERN_EXISTS},
        {-1, 5, CAVERN_EXISTS}, {-2, 0, CAVERN_OK},     {4, 6, CAVERN_OK},
    };
    for (unsigned i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(map_at(handle, 0, (uint64_t)(cases[i].to - cases[i].from) * PAGE,
                                AT + (uint64_t)cases[i].from * PAGE, READ),
                         cases[i].status);
}

/* [MEM-MAP-2] [MEM-MAP-3] [MEM-MAP-4] [MEM-MAP-5] [MEM-MAP-6] */
static void test_map_bad_arguments_change_nothing(void **state)
{
    (void)state;
    cavern_handle handle = create(10 * PAGE), sealed = create_sealed(10 * PAGE);
    struct object *object = &holding_at(handle)->object;
    cavern_handle reader = model_give(process, object, CAVERN_RIGHT_READ);
    cavern_handle writer = model_give(process, object, CAVERN_RIGHT_WRITE);
    struct balance before = balance_of(account);
    const struct {
        cavern_handle buffer;
        uint64_t offset, length, address, protection;
        unsigned status;
    } cases[] = {
        {handle, 1, PAGE, AT, READ, CAVERN_BAD_ARGUMENT},
        {handle, 0, PAGE + 1, AT, READ, CAVERN_BAD_ARGUMENT},
        {handle, 0, PAGE, AT + 8, READ, CAVERN_BAD_ARGUMENT},
        {handle, 0, 0, AT, READ, CAVERN_BAD_ARGUMENT},
        {handle, 0, CAVERN_NO_MEMORY, AT, READ, CAVERN_BAD_ARGUMENT},
        {handle, 0, CAVERN_EXISTS, AT, READ, CAVERN_BAD_ARGUMENT},
        {handle, 0, CAVERN_EXISTS, 0, READ, CAVERN_BAD_ARGUMENT},
        {handle, 0, 11 * PAGE, AT, READ, CAVERN_BAD_ARGUMENT},
        {handle, 10 * PAGE, PAGE, AT, READ, CAVERN_BAD_ARGUMENT},
        {handle, 0 - PAGE, 2 * PAGE, AT, READ, CAVERN_BAD_ARGUMENT},
        {handle, PAGE, 0 - PAGE, AT, READ, CAVERN_BAD_ARGUMENT},
        {handle, 0, PAGE, CAVERN_USER_START - PAGE, READ, CAVERN_BAD_ARGUMENT},
        {handle, 0, 2 * PAGE, CAVERN_USER_END - PAGE, READ, CAVERN_BAD_ARGUMENT},
        {handle, 0, PAGE, CAVERN_USER_END, READ, CAVERN_BAD_ARGUMENT},
        {handle, 0, PAGE, 0 - PAGE, READ, CAVERN_BAD_ARGUMENT},
        {handle, 0, PAGE, AT, 0, CAVERN_BAD_ARGUMENT},
        {handle, 0, PAGE, AT, CAVERN_PROT_WRITE, CAVERN_BAD_ARGUMENT},
        {handle, 0, PAGE, AT, CAVERN_PROT_EXECUTE, CAVERN_BAD_ARGUMENT},
        {handle, 0, PAGE, AT, 7, CAVERN_BAD_ARGUMENT},
        {sealed, 0, PAGE, AT, 7, CAVERN_BAD_ARGUMENT},
        {handle, 0, PAGE, AT, READ | 8, CAVERN_BAD_ARGUMENT},
        {handle, 0, PAGE, AT, READ | 1ull << 32, CAVERN_BAD_ARGUMENT},
        {handle, 0, PAGE, AT, EXECUTE, CAVERN_DENIED},
        {reader, 0, PAGE, AT, WRITE, CAVERN_DENIED},
        {reader, 0, PAGE, AT, EXECUTE, CAVERN_DENIED},
        {writer, 0, PAGE, AT, READ, CAVERN_DENIED},
        {sealed, 0, PAGE, AT, WRITE, CAVERN_DENIED},
        {CAVERN_SELF_PROCESS, 0, PAGE, AT, READ, CAVERN_BAD_HANDLE},
        {0, 0, PAGE, AT, READ, CAVERN_BAD_HANDLE},
    };
    for (unsigned i = 0; i < COUNT_OF(cases); i++) {
        uint64_t address = cases[i].address;
        unsigned status = call_map(thread, CAVERN_SELF_PROCESS, cases[i].buffer, cases[i].offset, cases[i].length,
                                   &address, cases[i].protection);
        if (status != cases[i].status)
            fail_msg("case %u: %u, not %u", i, status, cases[i].status);
    }
    assert_int_equal(records(), 0);
    assert_balance(account, before);
    assert_int_equal(map_at(handle, 0, PAGE, CAVERN_USER_START, READ), CAVERN_OK);
    assert_int_equal(map_at(handle, 0, PAGE, CAVERN_USER_END - PAGE, READ), CAVERN_OK);
}

/* [MEM-MAP-6] */
static void test_map_sealed_can_be_executed(void **state)
{
    (void)state;
    cavern_handle handle = create_sealed(3 * BLOCK);
    assert_int_equal(map_at(handle, 0, 3 * BLOCK, AT, EXECUTE), CAVERN_OK);
    for (uint64_t at = AT; at < AT + 3 * BLOCK; at += PAGE) {
        assert_true(can(process, at, ARCH_ACCESS_READ) && can(process, at, ARCH_ACCESS_EXECUTE));
        assert_false(can(process, at, ARCH_ACCESS_WRITE));
    }
}

/* [MEM-MAP-7] */
static void test_map_ranges_that_continue_are_one(void **state)
{
    (void)state;
    cavern_handle handle = create(10 * PAGE), other = create(10 * PAGE);
    assert_int_equal(map_at(handle, 2 * PAGE, 2 * PAGE, AT + 2 * PAGE, READ), CAVERN_OK);
    assert_int_equal(map_at(handle, 6 * PAGE, 2 * PAGE, AT + 6 * PAGE, READ), CAVERN_OK);
    assert_int_equal(records(), 2);
    assert_int_equal(map_at(handle, 4 * PAGE, 2 * PAGE, AT + 4 * PAGE, READ), CAVERN_OK);
    assert_int_equal(records(), 1);
    assert_int_equal(map_at(handle, 8 * PAGE, PAGE, AT + 8 * PAGE, WRITE), CAVERN_OK); /* another protection */
    assert_int_equal(map_at(handle, 0, PAGE, AT + PAGE, READ), CAVERN_OK);             /* another offset */
    assert_int_equal(map_at(other, 9 * PAGE, PAGE, AT + 9 * PAGE, WRITE), CAVERN_OK);  /* another buffer */
    assert_int_equal(records(), 4);
    struct holding *holding;
    uint64_t offset;
    assert_int_equal(space_resolve(&process->space, AT + 2 * PAGE, 6 * PAGE, READ, &holding, &offset), CAVERN_OK);
    assert_ptr_equal(holding, holding_at(handle));
    assert_int_equal(offset, 2 * PAGE);
    assert_int_equal(process->space.mapped, 9 * PAGE);
}

/* [MEM-MAP-8] [MEM-MAP-9] */
static void test_map_outlives_the_handle_and_shows_other_mappings(void **state)
{
    (void)state;
    cavern_handle handle = create(3 * PAGE);
    assert_int_equal(map_at(handle, 0, 3 * PAGE, AT, WRITE), CAVERN_OK);
    assert_int_equal(map_at(handle, PAGE, 2 * PAGE, AT + 8 * PAGE, READ), CAVERN_OK);
    uint64_t free = memory_free();
    assert_int_equal(call_close(thread, handle), CAVERN_OK);
    assert_int_equal(memory_free(), free);
    strcpy((char *)model_at(process, AT + 2 * PAGE + 5), "through the other");
    assert_string_equal(model_at(process, AT + 9 * PAGE + 5), "through the other");
    assert_int_equal(call_unmap(thread, AT, 3 * PAGE), CAVERN_OK);
    assert_string_equal(model_at(process, AT + 9 * PAGE + 5), "through the other");
}

/* [MEM-MAP-9] */
static void test_map_into_another_process_shares(void **state)
{
    (void)state;
    struct thread *other = model_process(account, "other", 10);
    cavern_handle target = model_give(process, &other->process->object, CAVERN_RIGHTS_ALL), handle = create(PAGE);
    cavern_handle weak = model_give(process, &other->process->object, CAVERN_RIGHT_COPY);
    uint64_t mine = 0, its = 0;
    assert_int_equal(call_map(thread, weak, handle, 0, PAGE, &its, WRITE), CAVERN_DENIED);
    assert_int_equal(call_map(thread, target, handle, 0, PAGE, &its, WRITE), CAVERN_OK);
    assert_int_equal(call_map(thread, CAVERN_SELF_PROCESS, handle, 0, PAGE, &mine, READ), CAVERN_OK);
    assert_int_equal(mine, its);
    *(uint64_t *)model_at(other->process, its) = 42;
    assert_int_equal(*(uint64_t *)model_at(process, mine), 42);
    object_get(&other->process->object);
    end_process(other);
    assert_int_equal(*(uint64_t *)model_at(process, mine), 42);
    uint64_t regs[16] = {target, 0, 0, its, PAGE};
    assert_int_equal(call_map(thread, target, handle, 0, PAGE, &its, READ), CAVERN_GONE); /* [PROC-CREATE-3] */
    assert_int_equal(model_call(thread, CAVERN_CALL_UNMAP, regs), CAVERN_GONE);
    object_put(&other->process->object);
}

/* [MEM-DEVICE-2] [MEM-DEVICE-3] [MEM-DEVICE-4] */
static void test_map_device_memory(void **state)
{
    (void)state;
    struct holding *all = buffer_devices(account);
    cavern_handle devices = model_give(process, &all->object, CAVERN_RIGHTS_ALL), whole, part;
    object_put(&all->object);
    assert_int_equal(call_derive(thread, devices, 0x9000000, 2 * PAGE, 0, &whole), CAVERN_OK);
    assert_int_equal(map_at(whole, PAGE, PAGE, AT, WRITE), CAVERN_OK);
    assert_int_equal(map_at(whole, 0, PAGE, AT + PAGE, EXECUTE), CAVERN_DENIED);
    assert_false(can(process, AT, ARCH_ACCESS_READ)); /* not for the kernel */
    struct holding *holding;
    uint64_t offset, address = 0;
    assert_int_equal(space_resolve(&process->space, AT, 8, READ, &holding, &offset), CAVERN_BAD_ADDRESS);

    assert_int_equal(call_map(thread, CAVERN_SELF_PROCESS, whole, 0, 2 * PAGE, &address, READ), CAVERN_OK);
    assert_true(address >= CAVERN_OWN_END && address + 2 * PAGE <= CAVERN_USER_END);

    assert_int_equal(map_at(devices, MODEL_RAM_BASE, PAGE, AT + PAGE, READ), CAVERN_DENIED);
    assert_int_equal(map_at(devices, 0, 1ull << 40, 1ull << 41, READ), CAVERN_DENIED);
    static const uint64_t shared[][2] = {{0x9000200, PAGE}, {0x9000000, 0x200}, {0x9000200, PAGE - 0x200}};
    for (unsigned i = 0; i < COUNT_OF(shared); i++) {
        assert_int_equal(call_derive(thread, devices, shared[i][0], shared[i][1], 0, &part), CAVERN_OK);
        assert_int_equal(map_at(part, 0, PAGE, AT + PAGE, READ), CAVERN_BAD_ARGUMENT);
    }
}

static unsigned map_drawn(cavern_handle device, uint64_t length, uint64_t *address)
{
    *address = 0;
    return call_map(thread, CAVERN_SELF_PROCESS, device, 0, length, address, READ);
}

/*
 * [MEM-DRAW-2] [MEM-DRAW-4] The first places are those of an implementation that knows nothing of this one: what lies
 * at an end of the first and the second keeps them, what lies a page from the third does not.
 */
static void test_map_device_memory_draws_its_place(void **state)
{
    (void)state;
    enum { FROM = CAVERN_OWN_END + CAVERN_BLOCK_2M, TO = CAVERN_USER_END - PAGE, LENGTH = 2 * PAGE, DRAWS = 64 };
    static const uint64_t places[] = {0x6cd63ec75000, 0x51d70f7c9000, 0x75bc74d76000};
    struct holding *all = buffer_devices(account);
    cavern_handle devices = model_give(process, &all->object, CAVERN_RIGHTS_ALL), page = create(PAGE), device;
    uint64_t address;
    object_put(&all->object);
    assert_int_equal(call_derive(thread, devices, 0x9000000, LENGTH, 0, &device), CAVERN_OK);
    assert_int_equal(map_at(page, 0, PAGE, places[0] - PAGE, READ), CAVERN_OK);
    assert_int_equal(map_at(page, 0, PAGE, places[1] + LENGTH, READ), CAVERN_OK);
    assert_int_equal(map_at(page, 0, PAGE, places[2] - 2 * PAGE, READ), CAVERN_OK);
    assert_int_equal(map_at(page, 0, PAGE, places[2] + LENGTH + PAGE, READ), CAVERN_OK);
    buffer_seed(7);
    assert_int_equal(map_drawn(device, LENGTH, &address), CAVERN_OK);
    assert_int_equal(address, places[2]);

    struct random draws;
    random_seed(&draws, 7);
    for (unsigned i = 0; i < COUNT_OF(places) + DRAWS; i++) {
        address = FROM + random_below(&draws, (TO - FROM - LENGTH) / PAGE + 1) * PAGE;
        if (i >= COUNT_OF(places))
            assert_int_equal(map_at(page, 0, PAGE, address, READ), CAVERN_OK);
    }
    assert_int_equal(map_drawn(device, LENGTH, &address), CAVERN_NO_MEMORY);
    assert_int_equal(map_drawn(device, LENGTH, &address), CAVERN_OK);
    assert_int_equal(address, FROM + random_below(&draws, (TO - FROM - LENGTH) / PAGE + 1) * PAGE);
    uint64_t regs[16] = {CAVERN_SELF_PROCESS, 0, devices, 1ull << 40, CAVERN_OWN_END, 0, READ};
    assert_int_equal(model_call(thread, CAVERN_CALL_MAP, regs), CAVERN_NO_MEMORY); /* more than there is to draw from */
}

/* --- unmap --- */

/* [MEM-UNMAP-1] [MEM-UNMAP-2] */
static void test_unmap_passes_holes_and_cuts_edges(void **state)
{
    (void)state;
    cavern_handle handle = create(20 * PAGE);
    assert_int_equal(map_at(handle, 0, 4 * PAGE, AT, WRITE), CAVERN_OK);
    assert_int_equal(map_at(handle, 10 * PAGE, PAGE, AT + 6 * PAGE, WRITE), CAVERN_OK);
    assert_int_equal(map_at(handle, 12 * PAGE, 6 * PAGE, AT + 9 * PAGE, WRITE), CAVERN_OK);
    assert_int_equal(call_unmap(thread, AT + 2 * PAGE, 10 * PAGE), CAVERN_OK);
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(can(process, AT + i * PAGE, ARCH_ACCESS_WRITE), i < 2 || (i >= 12 && i < 15));
    assert_int_equal(records(), 2);
    assert_int_equal(call_unmap(thread, AT + 13 * PAGE, PAGE), CAVERN_OK); /* the middle */
    assert_int_equal(records(), 3);
    assert_int_equal(call_unmap(thread, CAVERN_USER_START, CAVERN_USER_END - CAVERN_USER_START), CAVERN_OK);
    assert_int_equal(records(), 0);
    assert_int_equal(process->space.mapped, 0);
    assert_int_equal(call_seal(thread, handle), CAVERN_OK); /* no writer is left */
}

static void test_unmap_bad_arguments_change_nothing(void **state)
{
    (void)state;
    static const uint64_t cases[][2] = {
        {AT + 1, PAGE}, {AT, PAGE + 1}, {AT, 0}, {0, PAGE}, {CAVERN_USER_END - PAGE, 2 * PAGE}, {AT, 0 - PAGE},
    };
    assert_int_equal(map_at(create(PAGE), 0, PAGE, AT, READ), CAVERN_OK);
    for (unsigned i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(call_unmap(thread, cases[i][0], cases[i][1]), CAVERN_BAD_ARGUMENT);
    assert_int_equal(records(), 1);
}

/* [MEM-UNMAP-3] [MEM-MAP-2] */
static void test_unmap_and_map_over_a_ring_are_refused(void **state)
{
    (void)state;
    uint64_t queue[16] = {CAVERN_SELF_ACCOUNT, 0, 0, 64, 4};
    assert_int_equal(model_call(thread, CAVERN_CALL_QUEUE_CREATE, queue), CAVERN_OK);
    uint64_t bind[16] = {queue[1], 0, CAVERN_SELF_PROCESS};
    assert_int_equal(model_call(thread, CAVERN_CALL_QUEUE_BIND, bind), CAVERN_OK);
    uint64_t ring = bind[1], control = bind[2];
    cavern_handle handle = create(8 * PAGE);
    assert_int_equal(map_at(handle, 0, PAGE, ring, READ), CAVERN_EXISTS);
    assert_int_equal(map_at(handle, 0, PAGE, control, READ), CAVERN_EXISTS);
    assert_int_equal(call_unmap(thread, ring, PAGE), CAVERN_DENIED);
    assert_int_equal(call_unmap(thread, control - PAGE, 2 * PAGE), CAVERN_DENIED);
    assert_int_equal(map_at(handle, 0, PAGE, AT, READ), CAVERN_OK);
    assert_int_equal(call_unmap(thread, AT, CAVERN_USER_END - AT), CAVERN_DENIED);
    assert_int_equal(records(), 1);
    assert_true(can(process, ring, ARCH_ACCESS_READ) && can(process, control, ARCH_ACCESS_WRITE));
    assert_false(can(process, ring, ARCH_ACCESS_WRITE));
    struct holding *holding;
    uint64_t offset;
    assert_int_equal(space_resolve(&process->space, ring, 8, READ, &holding, &offset), CAVERN_BAD_ADDRESS);
}

/* --- blocks, restarts, failures --- */

static uint64_t length_at(uint64_t address)
{
    uint64_t physical, length;
    return arch_translate(&process->space.arch, address, ARCH_ACCESS_READ, &physical, &length) ? length : 0;
}

static void test_map_large_uses_blocks_and_unmap_breaks_them(void **state)
{
    (void)state;
    cavern_handle handle = create(4 * BLOCK);
    assert_int_equal(map_at(handle, 0, 4 * BLOCK, AT, WRITE), CAVERN_OK);
    for (uint64_t at = AT; at < AT + 4 * BLOCK; at += BLOCK)
        assert_int_equal(length_at(at), BLOCK);
    uint64_t used = account->budget.used;
    assert_int_equal(call_unmap(thread, AT + BLOCK + 7 * PAGE, PAGE), CAVERN_OK);
    assert_int_equal(account->budget.used, used + PAGE); /* a table */
    assert_int_equal(length_at(AT), BLOCK);
    assert_int_equal(length_at(AT + BLOCK + 6 * PAGE), PAGE);
    assert_int_equal(length_at(AT + BLOCK + 7 * PAGE), 0);
    assert_int_equal(length_at(AT + 2 * BLOCK - PAGE), PAGE);
    assert_int_equal(call_unmap(thread, AT + 2 * BLOCK, BLOCK), CAVERN_OK);
    assert_int_equal(account->budget.used, used + PAGE); /* no table for a whole block */
    assert_int_equal(length_at(AT + 3 * BLOCK), BLOCK);
    assert_int_equal(call_unmap(thread, AT, 4 * BLOCK), CAVERN_OK);
    assert_int_equal(records(), 0);
}

static void test_map_restarted_answers_the_start(void **state)
{
    (void)state;
    cavern_handle handle = create(3 * BLOCK + 300 * PAGE);
    uint64_t address = 0, own = buffer_own_address(holding_at(handle)->buffer);
    model_interrupt_pending(true);
    assert_int_equal(call_map(thread, CAVERN_SELF_PROCESS, handle, PAGE, 3 * BLOCK, &address, WRITE), CAVERN_OK);
    assert_int_equal(address, own + PAGE);
    assert_int_equal(records(), 1);
    address = 0; /* beside its neighbour, which it joins */
    assert_int_equal(call_map(thread, CAVERN_SELF_PROCESS, handle, 3 * BLOCK + PAGE, 299 * PAGE, &address, WRITE),
                     CAVERN_OK);
    assert_int_equal(address, own + 3 * BLOCK + PAGE);
    assert_int_equal(records(), 1);
    assert_int_equal(process->space.mapped, 3 * BLOCK + 299 * PAGE);
    assert_int_equal(call_unmap(thread, own, 3 * BLOCK + 300 * PAGE), CAVERN_OK);
    assert_int_equal(records(), 0);
}

static void test_map_without_memory_changes_nothing(void **state)
{
    (void)state;
    cavern_handle handle = create(5 * BLOCK);
    uint64_t tables = 0;
    for (int pending = 0; pending < 2; pending++) {
        unsigned status = CAVERN_NO_MEMORY, n = 0;
        uint64_t at = AT + ((uint64_t)pending << 40); /* other tables */
        model_interrupt_pending(pending);
        for (; status == CAVERN_NO_MEMORY; n++) {
            uint64_t used = account->budget.used;
            model_fail_allocation(n + 1);
            status = map_at(handle, 0, 5 * BLOCK, at + PAGE, WRITE); /* no block possible */
            model_fail_allocation(0);
            if (status == CAVERN_OK)
                break;
            assert_int_equal(records(), 0);
            assert_int_equal(process->space.mapped, 0);
            for (uint64_t page = 0; page < 5 * BLOCK; page += PAGE)
                assert_int_equal(length_at(at + PAGE + page), 0);
            tables += account->budget.used - used;
        }
        assert_int_equal(status, CAVERN_OK);
        assert_true(n >= 3);
        assert_int_equal(call_unmap(thread, at, 6 * BLOCK), CAVERN_OK);
    }
    assert_true(tables <= 20 * PAGE);
}

/* A second mapping comes in the way between two steps of the first, which is undone. */
static void test_map_beaten_by_another_is_undone(void **state)
{
    (void)state;
    cavern_handle handle = create(BLOCK), other = create(PAGE);
    struct holding *holding = holding_at(handle);
    uint64_t done;
    assert_int_equal(space_map_step(&process->space, holding, 0, 200 * PAGE, AT, WRITE, 64, &done), CAVERN_OK);
    assert_int_equal(done, 64 * PAGE);
    assert_int_equal(map_at(other, 0, PAGE, AT + 199 * PAGE, READ), CAVERN_OK);
    for (int pending = 0; pending < 2; pending++) {
        model_interrupt_pending(pending);
        uint64_t regs[16] = {CAVERN_SELF_PROCESS, 0, handle, 64 * PAGE, 136 * PAGE, AT + 64 * PAGE, WRITE};
        assert_int_equal(model_call(thread, CAVERN_CALL_MAP, regs), CAVERN_EXISTS);
        assert_int_equal(records(), 1);
        assert_int_equal(length_at(AT), 0);
    }
}

static void test_map_goes_on_when_a_part_is_unmapped_meanwhile(void **state)
{
    (void)state;
    cavern_handle handle = create(BLOCK);
    uint64_t done;
    assert_int_equal(space_map_step(&process->space, holding_at(handle), 0, 200 * PAGE, AT, WRITE, 64, &done),
                     CAVERN_OK);
    assert_int_equal(call_unmap(thread, AT + 10 * PAGE, 10 * PAGE), CAVERN_OK);
    uint64_t regs[16] = {CAVERN_SELF_PROCESS, 0, handle, 64 * PAGE, 136 * PAGE, AT + 64 * PAGE, WRITE};
    assert_int_equal(model_call(thread, CAVERN_CALL_MAP, regs), CAVERN_OK);
    for (uint64_t i = 0; i < 200; i++)
        assert_int_equal(length_at(AT + i * PAGE), i < 10 || i >= 20 ? PAGE : 0);
    assert_int_equal(records(), 2);
    assert_int_equal(map_at(handle, 10 * PAGE, 10 * PAGE, AT + 10 * PAGE, WRITE), CAVERN_OK);
    assert_int_equal(records(), 1);
}

static void test_unmap_without_memory_changes_nothing(void **state)
{
    (void)state;
    cavern_handle handle = create(4 * BLOCK);
    assert_int_equal(map_at(handle, 0, 4 * BLOCK, AT, WRITE), CAVERN_OK);
    *(uint64_t *)model_at(process, AT + BLOCK + 9 * PAGE) = 1234;
    unsigned status = CAVERN_NO_MEMORY, n = 0;
    for (; status == CAVERN_NO_MEMORY; n++) {
        model_fail_allocation(n + 1);
        status = call_unmap(thread, AT + BLOCK + 10 * PAGE, BLOCK);
        model_fail_allocation(0);
        assert_int_equal(*(uint64_t *)model_at(process, AT + BLOCK + 9 * PAGE), 1234);
        if (status == CAVERN_OK)
            break;
        assert_int_equal(records(), 1);
        for (uint64_t at = AT; at < AT + 4 * BLOCK; at += PAGE)
            assert_true(can(process, at, ARCH_ACCESS_WRITE));
    }
    assert_true(n >= 2); /* two tables */
    assert_int_equal(records(), 2);
}

/* --- the rest --- */

static void test_resolve_wants_one_mapping_with_the_permission(void **state)
{
    (void)state;
    cavern_handle handle = create(8 * PAGE);
    assert_int_equal(map_at(handle, 0, 2 * PAGE, AT, WRITE), CAVERN_OK);
    assert_int_equal(map_at(handle, 4 * PAGE, 2 * PAGE, AT + 2 * PAGE, READ), CAVERN_OK);
    static const struct {
        uint64_t address, length;
        unsigned protection, status;
    } cases[] = {
        {AT, 2 * PAGE, WRITE, CAVERN_OK},
        {AT + 1, 2 * PAGE - 1, CAVERN_PROT_WRITE, CAVERN_OK},
        {AT + 2 * PAGE, 2 * PAGE, READ, CAVERN_OK},
        {AT + 2 * PAGE, 1, CAVERN_PROT_WRITE, CAVERN_BAD_ADDRESS},
        {AT + PAGE, 2 * PAGE, READ, CAVERN_BAD_ADDRESS},
        {AT + 3 * PAGE, PAGE + 1, READ, CAVERN_BAD_ADDRESS},
        {AT - 1, 2, READ, CAVERN_BAD_ADDRESS},
        {AT, ~0ull, READ, CAVERN_BAD_ADDRESS},
        {~0ull, 2, READ, CAVERN_BAD_ADDRESS},
        {AT, 1, EXECUTE, CAVERN_BAD_ADDRESS},
    };
    for (unsigned i = 0; i < COUNT_OF(cases); i++) {
        struct holding *holding;
        uint64_t offset;
        assert_int_equal(
            space_resolve(&process->space, cases[i].address, cases[i].length, cases[i].protection, &holding, &offset),
            cases[i].status);
    }
}

static uint64_t ring_page(void *context, uint64_t i)
{
    return ((uint64_t *)context)[i];
}

static void test_take_pages_is_all_or_nothing(void **state)
{
    (void)state;
    uint64_t pages[2];
    assert_true(account_take_page(account, &pages[0]) && account_take_page(account, &pages[1]));
    uint64_t address = space_find(&process->space, 2 * PAGE);
    assert_true(address && space_is_free(&process->space, address, 2 * PAGE));
    struct space_pages range = {address, 2, READ, ring_page, pages};
    bool failed = false;
    enum cavern_status status = CAVERN_NO_MEMORY;
    for (unsigned n = 1; status; n++) {
        model_fail_allocation(n);
        status = space_take_pages(&process->space, &range);
        model_fail_allocation(0);
        failed |= status != CAVERN_OK;
        assert_int_equal(space_is_free(&process->space, address, 2 * PAGE), status != CAVERN_OK);
        assert_int_equal(length_at(address), status ? 0 : PAGE);
    }
    assert_true(failed);
    assert_int_equal(length_at(address + PAGE), 0);
    model_fail_allocation(1); /* all that mapping it needs is there */
    space_map_pages(&process->space, &range, 0, 2);
    model_fail_allocation(0);
    assert_int_equal(length_at(address + PAGE), PAGE);
    space_unmap_pages(&process->space, address, 2);
    assert_true(space_is_free(&process->space, address, 2 * PAGE));
    assert_int_equal(length_at(address), 0);
    account_give_page(account, pages[0]);
    account_give_page(account, pages[1]);
}

static void test_many_mappings_are_taken_apart_in_steps(void **state)
{
    (void)state;
    cavern_handle handle = create(PAGE);
    for (uint64_t i = 0; i < 500; i++)
        assert_int_equal(map_at(handle, 0, PAGE, AT + i * i * PAGE, READ), CAVERN_OK);
}

/* --- against a model: which page of which buffer stands where --- */

enum { WINDOW = 2560, BUFFERS = 4, ROUNDS = 1500 };

static struct page {
    uint16_t buffer; /* + 1; 0: nothing mapped */
    uint16_t page;
    uint8_t protection;
} expected[WINDOW];

static const uint64_t buffer_pages[BUFFERS] = {1, 150, 700, 1600};

static void check_window(cavern_handle *handles)
{
    unsigned ranges = 0;
    uint64_t mapped = 0;
    for (unsigned i = 0; i < WINDOW; i++) {
        const struct page *page = &expected[i], *last = i ? &expected[i - 1] : NULL;
        uint64_t physical, length;
        bool there = arch_translate(&process->space.arch, AT + i * PAGE, ARCH_ACCESS_READ, &physical, &length);
        assert_int_equal(there, page->buffer != 0);
        if (!there)
            continue;
        assert_int_equal(physical,
                         buffer_physical(holding_at(handles[page->buffer - 1])->buffer, page->page * PAGE, &length));
        assert_int_equal(can(process, AT + i * PAGE, ARCH_ACCESS_WRITE), page->protection == WRITE);
        mapped += PAGE;
        ranges += !last || last->buffer != page->buffer || last->protection != page->protection ||
                  last->page + 1 != page->page;
    }
    assert_int_equal(records(), ranges);
    assert_int_equal(process->space.mapped, mapped);
}

static void random_map(struct random *random, cavern_handle *handles)
{
    unsigned buffer = (unsigned)random_below(random, BUFFERS);
    uint64_t pages = 1 + random_below(random, buffer_pages[buffer]);
    uint64_t first = random_below(random, buffer_pages[buffer] - pages + 1);
    uint64_t at = random_below(random, WINDOW - pages + 1);
    uint64_t protection = random_below(random, 2) ? READ : WRITE;
    if (random_below(random, 2) && first + pages < WINDOW)
        at = first; /* blocks meet blocks, and parts each other */
    bool taken = false;
    for (uint64_t i = 0; i < pages; i++)
        taken |= expected[at + i].buffer != 0;
    unsigned status = map_at(handles[buffer], first * PAGE, pages * PAGE, AT + at * PAGE, protection);
    assert_true(taken ? status == CAVERN_EXISTS : status == CAVERN_OK || status == CAVERN_NO_MEMORY);
    for (uint64_t i = 0; i < pages && status == CAVERN_OK; i++)
        expected[at + i] = (struct page){(uint16_t)(buffer + 1), (uint16_t)(first + i), (uint8_t)protection};
}

static void random_unmap(struct random *random)
{
    uint64_t at = random_below(random, WINDOW), pages = 1 + random_below(random, WINDOW - at);
    if (random_below(random, 4))
        pages = 1 + random_below(random, pages < 600 ? pages : 600);
    unsigned status = call_unmap(thread, AT + at * PAGE, pages * PAGE);
    assert_true(status == CAVERN_OK || status == CAVERN_NO_MEMORY);
    if (status == CAVERN_OK)
        memset(&expected[at], 0, pages * sizeof expected[0]);
}

static void test_random_operations_match_the_model(void **state)
{
    (void)state;
    cavern_handle handles[BUFFERS];
    struct random random;
    memset(expected, 0, sizeof expected);
    random_seed(&random, 3);
    for (unsigned i = 0; i < BUFFERS; i++)
        handles[i] = create(buffer_pages[i] * PAGE);
    for (unsigned i = 0; i < ROUNDS; i++) {
        model_interrupt_pending(random_below(&random, 2));
        model_fail_allocation(random_below(&random, 4) ? 0 : 1 + (unsigned)random_below(&random, 4));
        if (random_below(&random, 5) < 3)
            random_map(&random, handles);
        else
            random_unmap(&random);
        model_fail_allocation(0);
        if (i % 5 == 0 || i + 1 == ROUNDS)
            check_window(handles);
    }
    for (unsigned i = 0; i < BUFFERS; i++)
        assert_int_equal(call_close(thread, handles[i]), CAVERN_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_map_at_zero_takes_the_own_address, setup, teardown),
        cmocka_unit_test_setup_teardown(test_map_where_something_is_exists, setup, teardown),
        cmocka_unit_test_setup_teardown(test_map_bad_arguments_change_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_map_sealed_can_be_executed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_map_ranges_that_continue_are_one, setup, teardown),
        cmocka_unit_test_setup_teardown(test_map_outlives_the_handle_and_shows_other_mappings, setup, teardown),
        cmocka_unit_test_setup_teardown(test_map_into_another_process_shares, setup, teardown),
        cmocka_unit_test_setup_teardown(test_map_device_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_map_device_memory_draws_its_place, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unmap_passes_holes_and_cuts_edges, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unmap_bad_arguments_change_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unmap_and_map_over_a_ring_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_map_large_uses_blocks_and_unmap_breaks_them, setup, teardown),
        cmocka_unit_test_setup_teardown(test_map_restarted_answers_the_start, setup, teardown),
        cmocka_unit_test_setup_teardown(test_map_without_memory_changes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_map_beaten_by_another_is_undone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_map_goes_on_when_a_part_is_unmapped_meanwhile, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unmap_without_memory_changes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_resolve_wants_one_mapping_with_the_permission, setup, teardown),
        cmocka_unit_test_setup_teardown(test_take_pages_is_all_or_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_mappings_are_taken_apart_in_steps, setup, teardown),
        cmocka_unit_test_setup_teardown(test_random_operations_match_the_model, setup, teardown),
    };
    return cmocka_run_group_tests_name("space", tests, NULL, NULL);
}
