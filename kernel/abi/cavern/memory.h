/* SPDX-License-Identifier: BSD-2-Clause */
/* Buffers and mappings. spec/memory.md. */
#pragma once

#define CAVERN_PAGE_SIZE 4096
#define CAVERN_BLOCK_2M 0x200000

/* Where chosen addresses may lie, and where own addresses are drawn. */
#define CAVERN_USER_START 0x10000ull
#define CAVERN_USER_END 0x800000000000ull
#define CAVERN_OWN_START 0x10000000000ull
#define CAVERN_OWN_END 0x400000000000ull

/* map: protection. Write and execute never meet. */
#define CAVERN_PROT_READ 1
#define CAVERN_PROT_WRITE 2
#define CAVERN_PROT_EXECUTE 4

/* buffer_create: flags. */
#define CAVERN_BUFFER_CONTIGUOUS 1 /* physically contiguous, at most 2 MiB; best effort */

/* dma_map: the protection is what the device does; most bytes of one mapping. */
#define CAVERN_DMA_MAX CAVERN_BLOCK_2M

/* process_copy: direction (x6). */
#define CAVERN_COPY_READ 0  /* the other's memory into one's own */
#define CAVERN_COPY_WRITE 1 /* one's own into the other's */

/* device_io: x4 is the width, 1, 2, 4 or 8, and for a write this bit. */
#define CAVERN_DEVICE_WRITE 0x100

/* derive on an interrupt range: trigger. */
#define CAVERN_TRIGGER_LEVEL 0
#define CAVERN_TRIGGER_EDGE 1
