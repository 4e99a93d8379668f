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

/* `used`: what stands in RAM already (kernel image, RAM disk, device tree). False: too little RAM to go on. */
bool memory_init(const struct memory_region *ram, size_t ram_count, const struct memory_region *used,
                 size_t used_count);
bool memory_take_page(uint64_t *physical);       /* zeroed */
bool memory_take_block(uint64_t *physical);      /* 2 MiB, aligned, not zeroed; best effort */
bool memory_take_run(uint64_t pages, uint64_t *physical); /* contiguous, zeroed, at most 512 pages; best effort */
void memory_give(uint64_t physical, uint64_t pages);
uint64_t memory_total(void); /* bytes of RAM */
uint64_t memory_free(void);  /* bytes */
/* RAM as the device tree lists it: device buffers never reach into it. */
bool memory_is_ram(uint64_t base, uint64_t size); /* any byte of it */
