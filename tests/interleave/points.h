/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Comes before every file of the kernel and of libcavern that runs on simulated CPUs that take turns: each atomic
 * access in it is a point at which another CPU may go on. Not a line of those files knows of it.
 */
#pragma once

enum point_kind { POINT_LOAD, POINT_STORE, POINT_CHANGE, POINT_FENCE, POINT_LOOK };

/* Before the access. `what`: for people. */
void interleave_point(enum point_kind kind, const volatile void *address, const char *function, const char *what);

#define INTERLEAVE_POINT(kind, p) interleave_point(kind, p, __func__, #p)

/* A macro does not expand in its own text. */
#define __atomic_load_n(p, order) (INTERLEAVE_POINT(POINT_LOAD, p), __atomic_load_n(p, order))
#define __atomic_store_n(p, value, order) (INTERLEAVE_POINT(POINT_STORE, p), __atomic_store_n(p, value, order))
#define __atomic_exchange_n(p, value, order) (INTERLEAVE_POINT(POINT_CHANGE, p), __atomic_exchange_n(p, value, order))
#define __atomic_fetch_add(p, value, order) (INTERLEAVE_POINT(POINT_CHANGE, p), __atomic_fetch_add(p, value, order))
#define __atomic_fetch_sub(p, value, order) (INTERLEAVE_POINT(POINT_CHANGE, p), __atomic_fetch_sub(p, value, order))
#define __atomic_thread_fence(order) (interleave_point(POINT_FENCE, 0, __func__, ""), __atomic_thread_fence(order))
