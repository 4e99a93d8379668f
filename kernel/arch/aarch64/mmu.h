/* SPDX-License-Identifier: BSD-2-Clause */
/* Address spaces as the rest of arch/aarch64, platform/ and boot/ see them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct arch_space;

/* The space becomes that of this CPU. */
void address_space_load(struct arch_space *space);

/* It has an ASID: loading it is all that there is to do. */
bool address_space_is_current(const struct arch_space *space);
/* In this CPU's space something is mapped at the address, whatever it may be used for. */
bool address_space_maps(uint64_t address);
/* No space at all. */
void address_space_unload(void);

/* `empty_table`: physical address of a table without entries. */
void address_spaces_init(uint64_t empty_table);

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
