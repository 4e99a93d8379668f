/* SPDX-License-Identifier: BSD-2-Clause */
/* Address spaces as the rest of arch/aarch64, platform/ and boot/ see them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "arch/aarch64/system_registers.h"
#include "arch/arch.h"

/* The present generation of ASIDs. */
extern uint64_t address_space_generation;

/* Gives it an ASID of this generation. */
SELDOM void address_space_renew(struct arch_space *space);

static inline void ttbr_load(uint64_t ttbr)
{
    system_register_write(ttbr0_el1, ttbr);
    barrier_instruction();
}

/* It has an ASID: loading it is all that there is to do. */
static inline bool address_space_is_current(const struct arch_space *space)
{
    return space->generation == address_space_generation;
}

/* The space becomes that of this CPU. */
static inline void address_space_load(struct arch_space *space)
{
    if (!address_space_is_current(space))
        address_space_renew(space);
    ttbr_load(space->ttbr);
}

/* No space at all. */
void address_space_unload(void);

/* `empty_table`: physical address of a table without entries. */
void address_spaces_init(uint64_t empty_table);
/* No more ASIDs than these: rollovers come sooner. False: each CPU must be able to keep one. */
bool address_spaces_limit(uint64_t asids);

/* Takes over the tables that head.S has made, and forgets the identity map. */
void kernel_map_init(void);
/* Puts RAM into the direct map; page aligned, may touch what is there already. */
void kernel_map_ram(uint64_t physical, uint64_t size);
/* Device registers, any alignment; the same place for the same registers. */
volatile void *kernel_map_device(uint64_t physical, uint64_t size);
/* From here on tables come from the page allocator. */
void kernel_map_use_allocator(void);
/* The entry for the page at `address`, with the tables that lead to it; it maps what must not be used. */
uint64_t *kernel_map_window(uint64_t address);
/* device_window.c; after kernel_map_use_allocator. */
void device_window_init(void);
/* A page of RAM as kernel data, elsewhere than in the direct map. */
void kernel_map_memory(uint64_t address, uint64_t physical);
/* While other CPUs start: the image at its physical address, for whoever has no other space. */
void kernel_map_identity(bool on);
/* Of something in the image. */
uint64_t kernel_image_physical(const void *p);
/* The RAM that the kernel image fills, bss included. */
void kernel_image_range(uint64_t *physical, uint64_t *size);
