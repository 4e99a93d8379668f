/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The image's header (Linux, Documentation/arch/arm64/booting.rst) and the way from there to C: to EL1, tables, MMU,
 * the kernel's own address. Runs at whatever 2 MiB-aligned place it was loaded to, MMU off, until `high`.
 *
 * The tables made here are final: C adds to them. One level 3 table maps the image's pages, each with its rights; it
 * stands in three places: at the kernel's address, in the direct map, and, until C takes it away, as identity map.
 *
 *   kernel_root (TTBR1) [direct] -> direct_1 -> direct_2 -> image_pages     identity_root (TTBR0) -> direct_1
 *                       [image]  -> image_1  -> image_2  -> image_pages
 */
#include "arch/aarch64/context_offsets.h"
#include "arch/aarch64/layout.h"
#include "arch/aarch64/page_table.h"

#define PAGE 4096
#define HEADER_FLAGS 0xa /* little-endian, 4 KiB pages, anywhere in RAM */

/* DDI 0487, D19.2: bits that are 1 where their feature is missing, and those that the kernel wants. */
#define SCTLR_RES1 ((1 << 29) | (1 << 28) | (1 << 22) | (1 << 20) | (1 << 11) | (1 << 8) | (1 << 7))
#define SCTLR_MMU ((1 << 0) | (1 << 2) | (1 << 12)) /* M, C, I */
#define SCTLR_STACKS ((1 << 3) | (1 << 4)) /* SA, SA0: sp aligned when used */
#define SCTLR_USER ((1 << 14) | (1 << 16) | (1 << 18)) /* DZE, nTWI, nTWE: `dc zva`, `wfi` and `wfe` in user mode */
#define SCTLR_WXN (1 << 19) /* what can be written can't be executed, whatever the tables say */
/* SPAN (bit 23) stays 0: an exception sets PAN where the CPU has it. */
#define SCTLR_KERNEL (SCTLR_RES1 | SCTLR_MMU | SCTLR_STACKS | SCTLR_USER | SCTLR_WXN)

/* 48 bits each, walks cacheable and shareable, 4 KiB pages. */
#define TCR_T0SZ 16
#define TCR_T1SZ (16 << 16)
#define TCR_WALKS ((1 << 8) | (1 << 10) | (3 << 12) | (1 << 24) | (1 << 26) | (3 << 28))
#define TCR_TG1_4K (2 << 30)
#define TCR_AS (1 << 36) /* 16-bit ASIDs */
#define TCR_IPS_SHIFT 32

#define HCR_RW (1 << 31)
#define HCR_APK_API (3 << 40)  /* pointer authentication does not trap */
#define CNTHCTL_EL1_TIMERS 3
#define ICC_SRE_EL2_ON 9       /* system registers for this level and those below */
#define CPTR_EL2_NO_TRAPS 0x33ff
#define SPSR_EL1H_MASKED 0x3c5

    .macro mov_q register, value
    movz    \register, #(((\value) >> 48) & 0xffff), lsl #48
    movk    \register, #(((\value) >> 32) & 0xffff), lsl #32
    movk    \register, #(((\value) >> 16) & 0xffff), lsl #16
    movk    \register, #((\value) & 0xffff)
    .endm

/* The entry that leads from `parent` to `table`: at a register's, or a constant's, index. Changes x8. */
    .macro str_table_at table, parent, index
    orr     x8, \table, #(PTE_TABLE | PTE_VALID)
    str     x8, [\parent, \index, lsl #3]
    .endm
    .macro str_table table, parent, index
    orr     x8, \table, #(PTE_TABLE | PTE_VALID)
    str     x8, [\parent, #((\index) * 8)]
    .endm

    .section .head, "ax"
    .globl  image_start
image_start:
    b       start
    .long   0
    .quad   0                       /* text_offset */
    .quad   image_memory_size
    .quad   HEADER_FLAGS
    .quad   0, 0, 0
    .ascii  "ARM\x64"
    .long   0

/* In: x0 physical address of the device tree. x20 keeps it, x21 the level entered at, x19 where the image stands. */
start:
    msr     daifset, #15
    mov     x20, x0
    adr     x19, image_start
    bl      to_el1

    adrp    x0, boot_tables
    adrp    x1, boot_tables_end
1:  stp     xzr, xzr, [x0], #16
    cmp     x0, x1
    b.lo    1b

    adrp    x2, image_pages_table
    adrp    x0, image_start
    adrp    x1, text_end
    mov_q   x3, (PTE_KERNEL_TEXT | PTE_TABLE)
    bl      map_image_pages
    adrp    x1, constants_end
    mov_q   x3, (PTE_KERNEL_CONSTANTS | PTE_TABLE)
    bl      map_image_pages
    adrp    x1, image_end
    mov_q   x3, (PTE_KERNEL_DATA | PTE_TABLE)
    bl      map_image_pages
    adrp    x0, cpu_area            /* its first page is the guard below the stack */
    ubfx    x0, x0, #12, #9
    str     xzr, [x2, x0, lsl #3]

    adrp    x4, image_2_table
    str_table x2, x4, 0
    adrp    x2, image_1_table
    str_table x4, x2, ((LAYOUT_IMAGE >> 30) & 511)
    adrp    x4, kernel_root_table
    str_table x2, x4, ((LAYOUT_IMAGE >> 39) & 511)

    adrp    x2, image_pages_table
    adrp    x5, direct_2_table
    ubfx    x6, x19, #21, #9
    str_table_at x2, x5, x6
    adrp    x2, direct_1_table
    ubfx    x6, x19, #30, #9
    str_table_at x5, x2, x6
    ubfx    x6, x19, #39, #7        /* LAYOUT_DIRECT starts at entry 0 */
    str_table_at x2, x4, x6
    adrp    x7, identity_root_table
    str_table_at x2, x7, x6

    /* What was written past the caches must not be hidden by stale lines. */
    dmb     sy
    adrp    x0, boot_tables
    adrp    x1, boot_tables_end
    mrs     x2, ctr_el0
    ubfx    x2, x2, #16, #4
    mov     x3, #4
    lsl     x3, x3, x2
1:  dc      ivac, x0
    add     x0, x0, x3
    cmp     x0, x1
    b.lo    1b
    dsb     sy

    ldr     x9, =high
    b       mmu_on

/* In: x0 virtual address of the CPU's struct cpu, above its stack. */
    .globl  secondary_start
secondary_start:
    msr     daifset, #15
    mov     x20, x0
    bl      to_el1
    adrp    x4, kernel_root_table
    adrp    x7, identity_root_table
    ldr     x9, =secondary_high
    b       mmu_on

/* Out: at EL1, MMU off; x21 the level before. */
to_el1:
    mrs     x21, CurrentEL
    lsr     x21, x21, #2
    mov_q   x0, SCTLR_RES1
    msr     sctlr_el1, x0
    isb
    cmp     x21, #2
    b.eq    1f
    ret

1:  /* EL2: nothing that EL1 or EL0 does comes here. */
    mov_q   x0, (HCR_RW | HCR_APK_API)
    msr     hcr_el2, x0
    isb
    mov     x0, #CNTHCTL_EL1_TIMERS
    msr     cnthctl_el2, x0
    msr     cntvoff_el2, xzr
    mov     x0, #CPTR_EL2_NO_TRAPS
    msr     cptr_el2, x0
    msr     hstr_el2, xzr
    msr     vttbr_el2, xzr
    mrs     x0, midr_el1
    msr     vpidr_el2, x0
    mrs     x0, mpidr_el1
    msr     vmpidr_el2, x0

    mrs     x1, id_aa64dfr0_el1     /* all performance counters for EL1 */
    ubfx    x1, x1, #8, #4
    sub     x1, x1, #1              /* 0: none, 15: of another kind */
    cmp     x1, #14
    mov     x0, #0
    b.hs    1f
    mrs     x0, pmcr_el0
    ubfx    x0, x0, #11, #5
1:  msr     mdcr_el2, x0

    mrs     x0, id_aa64pfr0_el1     /* interrupt controller by system registers, if there is one */
    ubfx    x0, x0, #24, #4
    cbz     x0, 2f
    mrs     x0, S3_4_C12_C9_5       /* ICC_SRE_EL2 */
    mov     x1, #ICC_SRE_EL2_ON
    orr     x0, x0, x1
    msr     S3_4_C12_C9_5, x0
    isb
    mrs     x0, S3_4_C12_C9_5
    tbz     x0, #0, 2f
    msr     S3_4_C12_C11_0, xzr     /* ICH_HCR_EL2 */
2:
    mov     x0, #SPSR_EL1H_MASKED
    msr     spsr_el2, x0
    msr     elr_el2, x30
    eret


/* In: x4, x7 root tables of kernel and identity map, x9 where to go on. */
mmu_on:
    mov     x0, #MAIR_VALUE
    msr     mair_el1, x0
    mov_q   x0, (TCR_T0SZ | TCR_T1SZ | TCR_WALKS | TCR_TG1_4K)
    mrs     x1, id_aa64mmfr0_el1
    and     x2, x1, #15             /* physical address size, at most 48 bits */
    mov     x3, #5
    cmp     x2, x3
    csel    x2, x2, x3, lo
    orr     x0, x0, x2, lsl #TCR_IPS_SHIFT
    tst     x1, #0xf0               /* ASIDs of 16 bits */
    b.eq    1f
    orr     x0, x0, #TCR_AS
1:  msr     tcr_el1, x0
    msr     ttbr0_el1, x7
    msr     ttbr1_el1, x4
    tlbi    vmalle1
    ic      iallu
    dsb     nsh
    isb
    mov_q   x0, SCTLR_KERNEL
    msr     sctlr_el1, x0
    isb
    br      x9

/*
 * In: x0 first page, x1 end, x2 table, x3 entry without the address. Out: x0 = x1. Changes x4, x5.
 */
map_image_pages:
1:  orr     x4, x0, x3
    ubfx    x5, x0, #12, #9
    str     x4, [x2, x5, lsl #3]
    add     x0, x0, #PAGE
    cmp     x0, x1
    b.lo    1b
    ret

    .text
high:
    adrp    x0, vectors
    add     x0, x0, :lo12:vectors
    msr     vbar_el1, x0
    isb
    adrp    x0, bss_start
    adrp    x1, bss_end
1:  stp     xzr, xzr, [x0], #16
    cmp     x0, x1
    b.lo    1b
    adrp    x0, cpu_area
    add     x0, x0, #CPU_AREA_CPU
    mov     sp, x0
    msr     tpidr_el1, x0
    msr     tpidrro_el0, xzr
    mov     x29, xzr
    mov     x30, xzr
    mov     x0, x20
    mov     x1, x21
    b       boot

secondary_high:
    adrp    x0, vectors
    add     x0, x0, :lo12:vectors
    msr     vbar_el1, x0
    isb
    mov     sp, x20
    msr     tpidr_el1, x20
    msr     tpidrro_el0, xzr
    mov     x29, xzr
    mov     x30, xzr
    b       secondary_enter
