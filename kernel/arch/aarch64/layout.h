/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's half of the address space (TTBR1), for C, assembly and the linker script:
 *
 *   0xffff000000000000  RAM, at its physical address plus this: never executable, but for the image's own pages
 *   0xffff800000000000  device registers that the kernel drives, likewise
 *   0xffffc00000000000  one page: a device register that the kernel accesses for a program
 *   0xffffd00000000000  a stack and a struct cpu for each CPU but the one that boots, with a guard page below
 *   0xffffffff80000000  the kernel image, within one 2 MiB block: text, then constants, then data
 *
 * The image's level 3 table serves its place in the direct map too, so that text is writable nowhere.
 */
#pragma once

#define LAYOUT_DIRECT 0xffff000000000000
#define LAYOUT_DEVICE 0xffff800000000000
#define LAYOUT_WINDOW 0xffffc00000000000
#define LAYOUT_CPUS 0xffffd00000000000
#define LAYOUT_CPU_SPACE 0x10000
#define LAYOUT_IMAGE 0xffffffff80000000
#define LAYOUT_IMAGE_MAX 0x200000
#define LAYOUT_PHYSICAL_BITS 46 /* so that these can't meet */
