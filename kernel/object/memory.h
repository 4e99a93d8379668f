/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine's RAM: one page allocator, set up at boot. Only accounts and buffers take pages from it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct memory_region {
    uint64_t base;
    uint64_t size;
};

/*
 * `ram` as the device tree lists it; `used`: what stands in it already (kernel image, RAM disk, device tree), none of
 * which is handed out. False: too little RAM to go on, or more regions than can be kept.
 */
bool memory_init(const struct memory_region *ram, size_t ram_count, const struct memory_region *used,
                 size_t used_count);
/* Keeps registers that the kernel itself drives (the interrupt controller) out of every device buffer. Boot only. */
bool memory_exclude(uint64_t base, uint64_t size);

bool memory_take_page(uint64_t *physical);                /* zeroed */
bool memory_take_block(uint64_t *physical);               /* 2 MiB, aligned, not zeroed; best effort */
bool memory_take_run(uint64_t pages, uint64_t *physical); /* contiguous, not zeroed, at most 512; best effort */
/* In any cut. What memory_init was told is used may be given too. */
void memory_give(uint64_t physical, uint64_t pages);

uint64_t memory_total(void); /* bytes of RAM */
uint64_t memory_free(void);  /* bytes */
/* No byte of [base, base + size) is RAM or excluded. */
bool memory_is_device(uint64_t base, uint64_t size);
