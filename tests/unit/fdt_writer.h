/* SPDX-License-Identifier: BSD-2-Clause */
/* Device trees written from top to bottom, in one static blob: TREE_BEGIN(); …; TREE_END(). */
#pragma once

#include "unit.h"

#include <libfdt.h>

static char tree[32768];

static inline void tree_cells(const char *name, const uint32_t *values, size_t count)
{
    fdt32_t cells[32];
    assert_true(count <= COUNT_OF(cells));
    for (size_t i = 0; i < count; i++)
        cells[i] = cpu_to_fdt32(values[i]);
    assert_int_equal(fdt_property(tree, name, cells, (int)(count * 4)), 0);
}

#define CELLS(name, ...) tree_cells(name, (const uint32_t[]){__VA_ARGS__}, COUNT_OF(((const uint32_t[]){__VA_ARGS__})))
#define TEXT(name, value) assert_int_equal(fdt_property(tree, name, value, sizeof(value)), 0)
#define EMPTY(name) assert_int_equal(fdt_property(tree, name, NULL, 0), 0)
#define NODE(name) assert_int_equal(fdt_begin_node(tree, name), 0)
#define END() assert_int_equal(fdt_end_node(tree), 0)

static inline void tree_begin(void)
{
    memset(tree, 0, sizeof(tree));
    assert_int_equal(fdt_create(tree, sizeof(tree)), 0);
    assert_int_equal(fdt_finish_reservemap(tree), 0);
    NODE("");
}

static inline void tree_end(void)
{
    END();
    assert_int_equal(fdt_finish(tree), 0);
}
