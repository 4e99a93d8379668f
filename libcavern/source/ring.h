/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct cavern_queue;

/* Frees all blocks before `end`. True: somebody waits for room, so the kernel must be told. */
bool cavern_ring_free(struct cavern_queue *queue, uint64_t end);
