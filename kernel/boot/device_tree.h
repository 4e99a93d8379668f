/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel itself needs of the flattened device tree (Devicetree Specification 0.4), read with libfdt. The tree
 * may be damaged: then there is an error text, and no access outside of the blob.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "platform/machine_description.h"

#define DEVICE_TREE_SIZE_MAX (2u << 20) /* Linux, Documentation/arch/arm64/booting.rst */
#define DEVICE_TREE_HEADER_SIZE 40

/* The bytes that the header claims; 0: this is no device tree, or one that is too large. */
size_t device_tree_size(const void *header);

/* Of those the bytes that are used; 0: the header is damaged. QEMU pads the tree to 1 MiB. */
size_t device_tree_used(const void *blob);

/* Fills *machine; the blob has device_tree_size bytes. NULL, or what is wrong. */
const char *device_tree_read(const void *blob, struct machine_description *machine) __attribute__((warn_unused_result));

/* Of a copy of the used part. */
void device_tree_set_size(void *blob, size_t size);

/* The used part of the blob has been copied; *machine now points into the copy. */
void device_tree_moved(struct machine_description *machine, const void *from, const void *to);
