/* SPDX-License-Identifier: BSD-2-Clause */
/* Single registers of devices. spec/devices.md. */
#include "unit.h"

#include "object/buffer.h"
#include "object/memory.h"
#include "peer_memory.h"

#define BASE 0x9000200ull
#define GIC 0x8000000ull

enum { SIZE = 0x200, WRITE = CAVERN_DEVICE_WRITE };

static struct peer self;
static cavern_handle all, block; /* SIZE bytes at BASE */
static struct {
    uint64_t physical, value;
    unsigned width, accesses;
    bool write, abort;
} bus;

static bool serve(uint64_t physical, unsigned width, bool write, uint64_t *value)
{
    bus.physical = physical;
    bus.width = width;
    bus.write = write;
    bus.accesses++;
    if (write)
        bus.value = *value;
    else if (!bus.abort)
        *value = bus.value;
    return !bus.abort;
}

static int start(void **state)
{
    (void)state;
    model_start(64 << 20);
    peer_start(&self, "self", 20, 0, 0);
    assert_true(memory_exclude(GIC, 0x10000));
    struct holding *devices = buffer_devices(model_root());
    all = model_give(self.process, &devices->object, CAVERN_RIGHTS_ALL);
    assert_int_equal(peer_call(&self, DERIVE, all, [3] = BASE, [4] = SIZE, [6] = CAVERN_SELF_ACCOUNT), CAVERN_OK);
    block = self.x[1];
    memset(&bus, 0, sizeof bus);
    model_set_device(serve);
    return 0;
}

static uint64_t io(cavern_handle handle, uint64_t offset, uint64_t access, uint64_t value)
{
    return peer_call(&self, DEVICE_IO, handle, [3] = offset, [4] = access, [5] = value);
}

/* [DEV-IO-1] */
static void test_device_io_makes_one_access(void **state)
{
    (void)state;
    for (unsigned width = 1; width <= 8; width *= 2) {
        unsigned before = bus.accesses;
        assert_int_equal(io(block, SIZE - width, width | WRITE, 0x1122334455667788 + width), CAVERN_OK);
        assert_int_equal(bus.physical, BASE + SIZE - width);
        assert_int_equal(bus.width, width);
        assert_true(bus.write);
        assert_int_equal(bus.value, 0x1122334455667788 + width);
        bus.value = width * 3;
        assert_int_equal(io(block, 0, width, UINT64_MAX), CAVERN_OK);
        assert_int_equal(self.x[1], width * 3);
        assert_int_equal(bus.physical, BASE);
        assert_false(bus.write);
        assert_int_equal(bus.accesses, before + 2);
    }
}

/* [DEV-IO-2] */
static void test_device_io_bad_access_refused(void **state)
{
    (void)state;
    static const uint64_t bad[][2] = {
        {0, 0}, {0, 3}, {0, 16},   {0, UINT64_MAX}, {0, 0x204},      {0, UINT64_C(1) << 32 | 4}, {1, 2},
        {2, 4}, {4, 8}, {SIZE, 1}, {SIZE - 1, 2},   {UINT64_MAX, 1}, {~UINT64_C(3), 4},
    };
    for (unsigned i = 0; i < COUNT_OF(bad); i++) {
        assert_int_equal(io(block, bad[i][0], bad[i][1], 0), CAVERN_BAD_ARGUMENT);
        assert_int_equal(io(block, bad[i][0], bad[i][1] ^ WRITE, 0), CAVERN_BAD_ARGUMENT);
    }
    /* Aligned, and with its end alone outside. */
    assert_int_equal(peer_call(&self, DERIVE, all, [3] = BASE, [4] = 6, [6] = CAVERN_SELF_ACCOUNT), CAVERN_OK);
    cavern_handle six = self.x[1];
    assert_int_equal(io(six, 4, 4, 0), CAVERN_BAD_ARGUMENT);
    assert_int_equal(io(six, 4, 4 | WRITE, 0), CAVERN_BAD_ARGUMENT);
    assert_int_equal(io(peer_buffer(&self, 4096), 0, 4, 0), CAVERN_BAD_ARGUMENT);
    assert_int_equal(io(all, MODEL_RAM_BASE, 4, 0), CAVERN_DENIED);
    assert_int_equal(io(all, MODEL_RAM_BASE, 4 | WRITE, 0), CAVERN_DENIED);
    assert_int_equal(io(all, GIC + 0xfffc, 4, 0), CAVERN_DENIED);
    assert_int_equal(bus.accesses, 0);
    assert_int_equal(io(all, GIC + 0x10000, 4, 0), CAVERN_OK);
}

/* [DEV-IO-3] [ABI-HANDLE-4] */
static void test_device_io_needs_the_right(void **state)
{
    (void)state;
    void *holding;
    assert_int_equal(process_lookup(self.process, block, CAVERN_TYPE_BUFFER, 0, &holding), CAVERN_OK);
    struct object *object = &((struct holding *)holding)->object;
    cavern_handle reader = model_give(self.process, object, CAVERN_RIGHT_READ);
    cavern_handle writer = model_give(self.process, object, CAVERN_RIGHT_WRITE);
    assert_int_equal(io(reader, 0, 4, 0), CAVERN_OK);
    assert_int_equal(io(reader, 0, 4 | WRITE, 0), CAVERN_DENIED);
    assert_int_equal(io(writer, 0, 4, 0), CAVERN_DENIED);
    assert_int_equal(io(writer, 0, 4 | WRITE, 0), CAVERN_OK);
    assert_int_equal(io(CAVERN_SELF_PROCESS, 0, 4, 0), CAVERN_BAD_HANDLE);
}

/* [DEV-IO-4] */
static void test_device_io_abort_is_an_error(void **state)
{
    (void)state;
    bus.abort = true;
    assert_int_equal(io(block, 0, 4, 7), CAVERN_DEVICE_ERROR);
    assert_int_equal(self.x[1], 0);
    assert_int_equal(io(block, 0, 4 | WRITE, 7), CAVERN_DEVICE_ERROR);
    bus.abort = false;
    assert_int_equal(io(block, 0, 4, 7), CAVERN_OK);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, start)
    const struct CMUnitTest tests[] = {
        TEST(test_device_io_makes_one_access),
        TEST(test_device_io_bad_access_refused),
        TEST(test_device_io_needs_the_right),
        TEST(test_device_io_abort_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
