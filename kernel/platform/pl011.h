/* SPDX-License-Identifier: BSD-2-Clause */
/* Output on a PL011, by polling. */
#pragma once

#include <stddef.h>
#include <stdint.h>

void pl011_init(uint64_t physical);
void pl011_write(const char *text, size_t length);
