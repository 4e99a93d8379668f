/* SPDX-License-Identifier: BSD-2-Clause */
/* Offsets that assembly uses; context.c asserts that they are the compiler's. */
#pragma once

/* struct arch_context */
#define CONTEXT_X(n) ((n)*8)
#define CONTEXT_X30 240
#define CONTEXT_PC 256
#define CONTEXT_FPSR 280
#define CONTEXT_VECTOR 304

/* struct cpu_area */
#define CPU_AREA_GUARD 4096
#define CPU_AREA_CPU (4096 + 16384)
