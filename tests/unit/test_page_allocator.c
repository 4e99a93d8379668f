/* SPDX-License-Identifier: BSD-2-Clause */
/* The page allocator against one byte for each page, on RAM with ragged ends and holes. */
#include "unit.h"

#include "core/page_allocator.h"
#include "core/random.h"

#define MIB UINT64_C(0x100000)
#define PAGE ((uint64_t)PAGE_BYTES)
#define CHUNK ((uint64_t)CHUNK_BYTES)

/* Two regions meet in one chunk; the last one touches its predecessor; neither end is a chunk's. */
static const struct page_range ragged[] = {
    {0x40000000 + 8 * MIB + 5 * PAGE, 3 * MIB},
    {0x40000000 + 3 * PAGE, 5 * MIB},
    {0x40000000 + 5 * MIB + 40 * PAGE, 2 * MIB},
    {0x40000000 + 11 * MIB + 5 * PAGE, 4 * MIB},
};

static void *storage_for(struct page_allocator *pa)
{
    void *storage = aligned_alloc(64, (page_allocator_storage_bytes(pa) + 127) & ~(size_t)63);

    memset(storage, 0xa5, page_allocator_storage_bytes(pa));
    page_allocator_set_storage(pa, storage);
    return storage;
}

static void *begin(struct page_allocator *pa, const struct page_range *regions, size_t count)
{
    assert_true(page_allocator_init(pa, regions, count));
    return storage_for(pa);
}

static void test_page_allocator_init_counts_whole_pages(void **state)
{
    static const struct page_range regions[] = {{0x1800, 0x3000}, {0x8000, 0xfff}, {0x9fff, 2}, {0xb000, 0}};
    struct page_allocator pa;

    (void)state;
    assert_true(page_allocator_init(&pa, regions, COUNT_OF(regions)));
    assert_int_equal(pages_free_count(&pa), 2);
    assert_int_equal(pa.total_pages, 2);
    assert_int_equal(pa.chunk_count, 1);
}

static void test_page_allocator_init_with_bad_regions_is_refused(void **state)
{
    static const struct page_range overlapping[] = {{0, 0x3000}, {0x2000, 0x1000}};
    static const struct page_range wrapping[] = {{UINT64_MAX - 0xfff, 0x2000}};
    static const struct page_range too_high[] = {{UINT64_C(1) << 52, 0x1000}};
    struct page_range many[PAGE_REGIONS_MAX + 1];
    struct page_allocator pa;

    (void)state;
    assert_false(page_allocator_init(&pa, overlapping, 2));
    assert_false(page_allocator_init(&pa, wrapping, 1));
    assert_false(page_allocator_init(&pa, too_high, 1));
    for (uint64_t i = 0; i < COUNT_OF(many); i++)
        many[i] = (struct page_range){2 * i * PAGE, PAGE};
    assert_true(page_allocator_init(&pa, many, PAGE_REGIONS_MAX));
    assert_false(page_allocator_init(&pa, many, PAGE_REGIONS_MAX + 1));
}

static void test_page_allocator_without_ram_gives_nothing(void **state)
{
    struct page_allocator pa;
    uint64_t phys;

    (void)state;
    assert_true(page_allocator_init(&pa, NULL, 0));
    assert_int_equal(page_allocator_storage_bytes(&pa), 0);
    assert_false(pages_alloc(&pa, &phys));
    assert_false(pages_alloc_block(&pa, &phys));
    assert_false(pages_alloc_run(&pa, 1, &phys));
    assert_false(pages_free(&pa, 0, 1));
    assert_true(page_allocator_invariants(&pa));
}

static void test_page_allocator_touches_only_what_it_uses(void **state)
{
    static const struct page_range ram = {0x40000000, 1024 * CHUNK};
    struct page_allocator pa;
    uint8_t *storage = begin(&pa, &ram, 1);
    size_t each = page_allocator_storage_bytes(&pa) / 1024;
    uint64_t phys;

    (void)state;
    for (int i = 0; i < CHUNK_PAGES + 1; i++)
        assert_true(pages_alloc(&pa, &phys));
    assert_int_equal(pa.touched, 2);
    for (size_t i = 2 * each; i < 1024 * each; i++)
        assert_int_equal(storage[i], 0xa5);
    free(storage);
}

static void test_page_allocator_reserved_pages_are_not_given(void **state)
{
    static const struct page_range ram = {0, 2 * CHUNK};
    struct page_allocator pa;
    void *storage = begin(&pa, &ram, 1);
    uint64_t phys;

    (void)state;
    assert_true(page_allocator_reserve(&pa, 0, CHUNK));
    assert_true(page_allocator_reserve(&pa, CHUNK + 100, 1));
    assert_true(page_allocator_reserve(&pa, CHUNK + PAGE - 1, 2));
    assert_true(page_allocator_reserve(&pa, 2 * CHUNK - 10, CHUNK));
    assert_true(page_allocator_reserve(&pa, 100 * CHUNK, CHUNK));
    assert_int_equal(pages_free_count(&pa), CHUNK_PAGES - 3);
    for (uint64_t i = 2; i < CHUNK_PAGES - 1; i++) {
        assert_true(pages_alloc(&pa, &phys));
        assert_int_equal(phys, CHUNK + i * PAGE);
    }
    assert_false(pages_alloc(&pa, &phys));
    assert_true(page_allocator_invariants(&pa));
    free(storage);
}

static void test_page_allocator_reserve_of_overlapping_ranges_counts_once(void **state)
{
    static const struct page_range ram = {0, CHUNK};
    struct page_allocator pa;
    void *storage = begin(&pa, &ram, 1);

    (void)state;
    assert_true(page_allocator_reserve(&pa, 10 * PAGE, 10 * PAGE));
    assert_true(page_allocator_reserve(&pa, 30 * PAGE, 10 * PAGE));
    assert_true(page_allocator_reserve(&pa, 15 * PAGE, 20 * PAGE));
    assert_true(page_allocator_reserve(&pa, 12 * PAGE, PAGE));
    assert_int_equal(pages_free_count(&pa), CHUNK_PAGES - 30);
    assert_int_equal(pa.reserved_count, 1);
    assert_true(page_allocator_invariants(&pa));
    free(storage);
}

static void test_page_allocator_reserve_is_refused_late_or_wrapping_or_too_often(void **state)
{
    static const struct page_range ram = {0, 4 * CHUNK};
    struct page_allocator pa;
    void *storage = begin(&pa, &ram, 1);
    uint64_t phys;

    (void)state;
    assert_false(page_allocator_reserve(&pa, UINT64_MAX, 2));
    assert_false(page_allocator_reserve(&pa, PAGE, UINT64_MAX - PAGE));
    for (uint64_t i = 0; i < PAGE_RESERVED_MAX; i++)
        assert_true(page_allocator_reserve(&pa, 2 * i * PAGE, PAGE));
    assert_false(page_allocator_reserve(&pa, CHUNK, PAGE));
    assert_true(pages_alloc(&pa, &phys));
    assert_false(page_allocator_reserve(&pa, 0, PAGE));
    free(storage);
}

static void test_page_allocator_reserved_pages_can_be_given_back(void **state)
{
    static const struct page_range ram = {0, 8 * CHUNK};
    struct page_allocator pa;
    void *storage = begin(&pa, &ram, 1);
    uint64_t phys;

    (void)state;
    assert_true(page_allocator_reserve(&pa, 6 * CHUNK - PAGE, 2 * PAGE));
    assert_true(pages_alloc(&pa, &phys));
    assert_true(pages_free(&pa, 6 * CHUNK - PAGE, 2));
    assert_int_equal(pages_free_count(&pa), 8 * CHUNK_PAGES - 1);
    assert_false(pages_free(&pa, 6 * CHUNK - PAGE, 2));
    assert_true(page_allocator_invariants(&pa));
    free(storage);
}

static void test_page_allocator_block_is_aligned_and_whole(void **state)
{
    static const struct page_range ram = {CHUNK - PAGE, 2 * CHUNK + 2 * PAGE};
    struct page_allocator pa;
    void *storage = begin(&pa, &ram, 1);
    uint64_t a, b, c;

    (void)state;
    assert_true(pages_alloc_block(&pa, &a));
    assert_int_equal(a, CHUNK);
    assert_true(pages_alloc_block(&pa, &b));
    assert_int_equal(b, 2 * CHUNK);
    assert_false(pages_alloc_block(&pa, &c));
    assert_int_equal(pages_free_count(&pa), 2);
    assert_true(pages_free(&pa, a, 2 * CHUNK_PAGES));
    assert_true(pages_alloc_block(&pa, &c));
    assert_true(page_allocator_invariants(&pa));
    free(storage);
}

/* A block in the middle of two regions that touch can be freed whole. */
static void test_page_allocator_joins_touching_regions(void **state)
{
    static const struct page_range ram[] = {{MIB, MIB}, {0, MIB}};
    struct page_allocator pa;
    void *storage = begin(&pa, ram, 2);
    uint64_t phys;

    (void)state;
    assert_int_equal(pa.chunk_count, 1);
    assert_true(pages_alloc_block(&pa, &phys));
    assert_int_equal(pages_free_count(&pa), 0);
    assert_true(pages_free(&pa, phys, CHUNK_PAGES));
    free(storage);
}

static void test_page_allocator_run_fits_between_used_pages(void **state)
{
    static const struct page_range ram = {0, CHUNK};
    struct page_allocator pa;
    void *storage = begin(&pa, &ram, 1);
    uint64_t phys;

    (void)state;
    for (int i = 0; i < CHUNK_PAGES; i++)
        assert_true(pages_alloc(&pa, &phys));
    assert_true(pages_free(&pa, 10 * PAGE, 3));
    assert_true(pages_free(&pa, 60 * PAGE, 70));
    assert_false(pages_alloc_run(&pa, 71, &phys));
    assert_true(pages_alloc_run(&pa, 4, &phys));
    assert_int_equal(phys, 60 * PAGE);
    assert_true(pages_alloc_run(&pa, 3, &phys));
    assert_int_equal(phys, 10 * PAGE);
    assert_true(pages_alloc_run(&pa, 66, &phys));
    assert_int_equal(phys, 64 * PAGE);
    assert_int_equal(pages_free_count(&pa), 0);
    assert_false(pages_alloc_run(&pa, 0, &phys));
    assert_false(pages_alloc_run(&pa, CHUNK_PAGES + 1, &phys));
    free(storage);
}

/* 100 chunks with one free page each, but for the first, which stands last on the list and has room. */
static void test_page_allocator_run_is_found_far_down_when_nothing_is_whole(void **state)
{
    static const struct page_range ram = {0, 100 * CHUNK};
    struct page_allocator pa;
    void *storage = begin(&pa, &ram, 1);
    uint64_t phys;

    (void)state;
    for (uint64_t i = 0; i < 100; i++) {
        assert_true(pages_alloc_block(&pa, &phys));
        assert_true(pages_free(&pa, phys + PAGE, 1));
    }
    assert_true(pages_free(&pa, 2 * PAGE, 4));
    assert_false(pages_alloc_run(&pa, 6, &phys));
    assert_true(pages_alloc_run(&pa, 5, &phys));
    assert_int_equal(phys, PAGE);
    assert_true(page_allocator_invariants(&pa));
    free(storage);
}

/* A gap is preferred to a whole chunk only where it is found soon. */
static void test_page_allocator_run_breaks_a_whole_chunk_rather_than_search_long(void **state)
{
    static const struct page_range ram = {0, 101 * CHUNK};
    struct page_allocator pa;
    void *storage = begin(&pa, &ram, 1);
    uint64_t phys;

    (void)state;
    for (uint64_t i = 0; i < 100; i++) {
        assert_true(pages_alloc_block(&pa, &phys));
        assert_true(pages_free(&pa, phys + PAGE, 1));
    }
    assert_true(pages_free(&pa, 2 * PAGE, 4));
    assert_true(pages_alloc_run(&pa, 5, &phys));
    assert_int_equal(phys, 100 * CHUNK);
    free(storage);
}

static void test_page_allocator_bad_free_is_refused(void **state)
{
    static const struct page_range ram = {4 * CHUNK, 4 * CHUNK};
    static const struct page_range bad[] = {
        {4 * CHUNK + 1, 1},      {4 * CHUNK, 0},
        {4 * CHUNK - PAGE, 1},   {4 * CHUNK - PAGE, 2},
        {8 * CHUNK, 1},          {8 * CHUNK - PAGE, 2},
        {4 * CHUNK, UINT64_MAX}, {4 * CHUNK, UINT64_C(1) << 52},
        {4 * CHUNK, 2},          {UINT64_MAX - PAGE + 1, 1},
        {4 * CHUNK + PAGE, 1},   {7 * CHUNK, 512},
    };
    struct page_allocator pa;
    void *storage = begin(&pa, &ram, 1);
    uint64_t phys;

    (void)state;
    assert_true(pages_alloc(&pa, &phys));
    assert_int_equal(phys, 4 * CHUNK);
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(pages_free(&pa, bad[i].base, bad[i].size));
    assert_int_equal(pages_free_count(&pa), 4 * CHUNK_PAGES - 1);
    assert_true(pages_free(&pa, phys, 1));
    assert_false(pages_free(&pa, phys, 1));
    assert_true(page_allocator_invariants(&pa));
    free(storage);
}

enum {
    MODEL_PAGES = 4096, /* 16 MiB from MODEL_BASE */
    HELD_MAX = 600,
};

#define MODEL_BASE UINT64_C(0x40000000)

enum page_state {
    OUTSIDE,
    FREE,
    USED,
};

struct model {
    uint8_t pages[MODEL_PAGES];
    struct page_range held[HELD_MAX]; /* sizes in pages */
    int held_count;
};

static void model_mark(struct model *model, uint64_t phys, uint64_t count, enum page_state from, enum page_state to)
{
    uint64_t first = (phys - MODEL_BASE) / PAGE;

    assert_true(phys >= MODEL_BASE && first + count <= MODEL_PAGES);
    for (uint64_t i = first; i < first + count; i++) {
        assert_int_equal(model->pages[i], from);
        model->pages[i] = to;
    }
}

static uint64_t model_free_count(const struct model *model)
{
    uint64_t count = 0;

    for (int i = 0; i < MODEL_PAGES; i++)
        count += model->pages[i] == FREE;
    return count;
}

static void model_hold(struct model *model, uint64_t phys, uint64_t count)
{
    model_mark(model, phys, count, FREE, USED);
    model->held[model->held_count++] = (struct page_range){phys, count};
}

/* Takes pages in one of the three ways. */
static void random_alloc(struct page_allocator *pa, struct model *model, struct random *random)
{
    uint32_t count = 1 + (uint32_t)random_below(random, 100);
    uint64_t phys;

    switch (random_below(random, 8)) {
    case 0:
        if (pages_alloc_block(pa, &phys)) {
            assert_int_equal(phys % CHUNK, 0);
            model_hold(model, phys, CHUNK_PAGES);
        }
        break;
    case 1:
    case 2:
        if (pages_alloc_run(pa, count, &phys)) {
            assert_int_equal(phys / CHUNK, (phys + count * PAGE - 1) / CHUNK);
            model_hold(model, phys, count);
        }
        break;
    default:
        if (pages_alloc(pa, &phys))
            model_hold(model, phys, 1);
        else
            assert_int_equal(model_free_count(model), 0);
    }
}

/* Gives back all or the first part of something held. */
static void random_free(struct page_allocator *pa, struct model *model, struct random *random)
{
    int at = (int)random_below(random, (uint64_t)model->held_count);
    struct page_range *held = &model->held[at];
    uint64_t count = 1 + random_below(random, held->size);

    assert_true(pages_free(pa, held->base, count));
    model_mark(model, held->base, count, USED, FREE);
    assert_false(pages_free(pa, held->base, count));
    held->base += count * PAGE;
    held->size -= count;
    if (!held->size)
        *held = model->held[--model->held_count];
}

static void test_page_allocator_at_random_agrees_with_model(void **state)
{
    static struct model model;
    struct page_allocator pa;
    void *storage = begin(&pa, ragged, COUNT_OF(ragged));
    struct random random;

    (void)state;
    random_seed(&random, 17);
    for (size_t i = 0; i < COUNT_OF(ragged); i++)
        model_mark(&model, ragged[i].base, ragged[i].size / PAGE, OUTSIDE, FREE);
    assert_true(page_allocator_reserve(&pa, MODEL_BASE + 2 * MIB, 50 * PAGE));
    model_mark(&model, MODEL_BASE + 2 * MIB, 50, FREE, USED);

    for (int step = 0; step < 20000; step++) {
        bool growing = step / 1000 % 2 == 0;

        if (model.held_count < HELD_MAX && (model.held_count == 0 || random_below(&random, 10) < (growing ? 7 : 3)))
            random_alloc(&pa, &model, &random);
        else
            random_free(&pa, &model, &random);
        if (step % 64 == 0) {
            assert_int_equal(pages_free_count(&pa), model_free_count(&model));
            assert_true(page_allocator_invariants(&pa));
        }
    }
    free(storage);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page_allocator_init_counts_whole_pages),
        cmocka_unit_test(test_page_allocator_init_with_bad_regions_is_refused),
        cmocka_unit_test(test_page_allocator_without_ram_gives_nothing),
        cmocka_unit_test(test_page_allocator_touches_only_what_it_uses),
        cmocka_unit_test(test_page_allocator_reserved_pages_are_not_given),
        cmocka_unit_test(test_page_allocator_reserve_of_overlapping_ranges_counts_once),
        cmocka_unit_test(test_page_allocator_reserve_is_refused_late_or_wrapping_or_too_often),
        cmocka_unit_test(test_page_allocator_reserved_pages_can_be_given_back),
        cmocka_unit_test(test_page_allocator_block_is_aligned_and_whole),
        cmocka_unit_test(test_page_allocator_joins_touching_regions),
        cmocka_unit_test(test_page_allocator_run_fits_between_used_pages),
        cmocka_unit_test(test_page_allocator_run_is_found_far_down_when_nothing_is_whole),
        cmocka_unit_test(test_page_allocator_run_breaks_a_whole_chunk_rather_than_search_long),
        cmocka_unit_test(test_page_allocator_bad_free_is_refused),
        cmocka_unit_test(test_page_allocator_at_random_agrees_with_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
