/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Comes before every file of the kernel and of libcavern that runs on simulated CPUs that take turns: each atomic
 * access in it is a point at which another CPU may go on. Not a line of those files knows of it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum point_kind { POINT_LOAD, POINT_STORE, POINT_CHANGE, POINT_FENCE, POINT_LOOK };

/* Before the access. `total`: it is one of those that all CPUs see in one order. `what`: for people. */
void interleave_point(enum point_kind kind, const volatile void *address, bool total, const char *function,
                      const char *what);
/* The same; true: the store is held back, and will be made later. */
bool interleave_store(volatile void *address, const void *value, size_t size, bool total, const char *function,
                      const char *what);

#define INTERLEAVE_POINT(kind, p, order) interleave_point(kind, p, (order) == __ATOMIC_SEQ_CST, __func__, #p)

/* A macro does not expand in its own text. */
#define __atomic_load_n(p, order) (INTERLEAVE_POINT(POINT_LOAD, p, order), __atomic_load_n(p, order))
#define __atomic_store_n(p, value, order)                                                                              \
    ({                                                                                                                 \
        __typeof__(*(p)) value_ = (value);                                                                             \
        if (!interleave_store(p, &value_, sizeof value_, (order) == __ATOMIC_SEQ_CST, __func__, #p))                   \
            __atomic_store_n(p, value_, order);                                                                        \
    })
#define __atomic_exchange_n(p, value, order)                                                                           \
    (INTERLEAVE_POINT(POINT_CHANGE, p, order), __atomic_exchange_n(p, value, order))
#define __atomic_fetch_add(p, value, order)                                                                            \
    (INTERLEAVE_POINT(POINT_CHANGE, p, order), __atomic_fetch_add(p, value, order))
#define __atomic_fetch_sub(p, value, order)                                                                            \
    (INTERLEAVE_POINT(POINT_CHANGE, p, order), __atomic_fetch_sub(p, value, order))
#define __atomic_thread_fence(order) (INTERLEAVE_POINT(POINT_FENCE, NULL, order), __atomic_thread_fence(order))
