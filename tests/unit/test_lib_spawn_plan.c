/* SPDX-License-Identifier: BSD-2-Clause */
/* From an ELF image, put together here, to whole pages. */
#include "unit.h"

#include <elf.h>

#include <cavern/memory.h>

#include "../../libcavern/source/spawn_plan.h"

enum { IMAGE_BYTES = 0x3000, HEADERS = 3 };

struct image {
    Elf64_Ehdr head;
    Elf64_Phdr segments[HEADERS];
};

static const struct image good = {
    .head = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
             .e_type = ET_EXEC,
             .e_machine = EM_AARCH64,
             .e_version = EV_CURRENT,
             .e_entry = 0x400010,
             .e_phoff = offsetof(struct image, segments),
             .e_ehsize = sizeof(Elf64_Ehdr),
             .e_phentsize = sizeof(Elf64_Phdr),
             .e_phnum = HEADERS},
    .segments = {{PT_LOAD, PF_R | PF_X, 0x1000, 0x400000, 0, 0x800, 0x800, 0x1000},
                 {PT_LOAD, PF_R | PF_W, 0x2080, 0x402080, 0, 0x100, 0x2000, 0x1000},
                 {PT_NULL, 0, 0, 0, 0, 0, 0, 0}},
};

static void *make_image(const struct image *image)
{
    uint8_t *memory = calloc(1, IMAGE_BYTES);
    memcpy(memory, image, sizeof *image);
    return memory;
}

static void test_spawn_plan_segments_become_pages(void **state)
{
    (void)state;
    uint8_t *memory = make_image(&good);
    struct spawn_plan plan;
    assert_int_equal(spawn_plan_make(memory, IMAGE_BYTES, &plan), CAVERN_OK);
    assert_int_equal(plan.entry, 0x400010);
    assert_int_equal(plan.count, 2);
    const struct spawn_segment *code = &plan.segments[0], *data = &plan.segments[1];
    assert_int_equal(code->address, 0x400000);
    assert_int_equal(code->bytes, 0x1000);
    assert_int_equal(code->protection, CAVERN_PROT_READ | CAVERN_PROT_EXECUTE);
    assert_ptr_equal(code->contents, memory + 0x1000);
    assert_int_equal(data->address, 0x402000);
    assert_int_equal(data->lead, 0x80);
    assert_int_equal(data->bytes, 0x3000); /* 0x402080 to 0x404080 */
    assert_int_equal(data->filled, 0x100);
    assert_int_equal(data->protection, CAVERN_PROT_READ | CAVERN_PROT_WRITE);
    free(memory);
}

static void test_spawn_plan_more_segments_than_fit_is_corrupt(void **state)
{
    static struct {
        Elf64_Ehdr head;
        Elf64_Phdr segments[SPAWN_SEGMENTS_MAX + 1];
        uint8_t code[0x1000];
    } image;
    struct spawn_plan plan;
    (void)state;
    image.head = good.head;
    image.segments[0] = (Elf64_Phdr){PT_LOAD, PF_R | PF_X, 0, 0x400000, 0, 0x800, 0x800, 0x1000};
    for (unsigned i = 1; i <= SPAWN_SEGMENTS_MAX; i++)
        image.segments[i] = (Elf64_Phdr){PT_LOAD, PF_R | PF_W, 0, 0x400000 + i * 0x1000, 0, 0, 0x1000, 0x1000};
    image.head.e_phnum = SPAWN_SEGMENTS_MAX;
    assert_int_equal(spawn_plan_make(&image, sizeof image, &plan), CAVERN_OK);
    assert_int_equal(plan.count, SPAWN_SEGMENTS_MAX);
    image.head.e_phnum = SPAWN_SEGMENTS_MAX + 1;
    assert_int_equal(spawn_plan_make(&image, sizeof image, &plan), CAVERN_CORRUPT);
}

static void test_spawn_plan_broken_image_is_corrupt(void **state)
{
    (void)state;
    struct spawn_plan plan;
    struct image bad = good;
    bad.segments[0].p_flags |= PF_W;
    uint8_t *memory = make_image(&bad);
    assert_int_equal(spawn_plan_make(memory, IMAGE_BYTES, &plan), CAVERN_CORRUPT);
    assert_int_equal(plan.count, 0);
    free(memory);
    memory = make_image(&good);
    assert_int_equal(spawn_plan_make(memory, 0x2000, &plan), CAVERN_CORRUPT);
    assert_int_equal(spawn_plan_make(memory, 0, &plan), CAVERN_CORRUPT);
    free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spawn_plan_segments_become_pages),
        cmocka_unit_test(test_spawn_plan_more_segments_than_fit_is_corrupt),
        cmocka_unit_test(test_spawn_plan_broken_image_is_corrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
