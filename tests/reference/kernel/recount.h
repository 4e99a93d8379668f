/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A recount of all references: those of each object of the kernel must be what handles, messages, mappings and the rest
 * hold. Link with --wrap=account_slab_take,--wrap=account_slab_give, by which live objects are known.
 */
#pragma once

#include <stdbool.h>

void recount_start(void); /* forgets everything, while the machine before is still there; then model_start */
bool recount_is_live(const void *object);
/* NULL, or what is wrong; jobs are done first. */
const char *recount_references(void);
