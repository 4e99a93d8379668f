/* SPDX-License-Identifier: BSD-2-Clause */
/* Accesses and jumps to where there is nothing, or nothing for user mode; memory that must not change. */
#include <stddef.h>
#include <string.h>

#include <cavern/buffer.h>
#include <cavern/inspect.h>
#include <cavern/queue.h>
#include <cavern/send.h>
#include <cavern/start.h>
#include <cavern/stubs.h>
#include <cavern/time.h>

#include "attempt.h"
#include "jail.h"

/* --- one access in a small process --- */

/* kernel/arch/aarch64/layout.h, the edges of the two halves, and addresses with a tag. */
static const uint64_t addresses[] = {
    0xffff000000000000, /* direct map */
    0xffff000040000000, /* RAM in it */
    0xffff000040200000,
    0xffff00005ffffff8,
    0xffff800008000000, /* interrupt controller */
    0xffff800009000000, /* UART */
    0xffffc00000000000, /* window */
    0xffffffff80000000, /* the image: text */
    0xffffffff80020000,
    0xffffffff80040000,
    0xfffffffffffffff8,
    0xffff7ffffffffff8,
    0xfffefffffffffff8, /* below the upper half */
    0x8000000000000000,
    0x0001000000000000, /* above the lower half */
    0x0000fffffffffff8,
    0x0000800000000000, /* CAVERN_USER_END */
    0x0100000000000000 | JAIL_DATA,
    0xff00000000000000 | JAIL_DATA,
    0x0000000000000000,
    0x000000000000fff8,
};
#define ADDRESSES (sizeof(addresses) / sizeof(*addresses))

/* Each accesses x0. */
__asm__(".section .rodata\n"
        ".balign 4\n"
        "accesses:\n"
        "ldr x2, [x0]\n ldrb w2, [x0]\n ldp x2, x3, [x0]\n ldur x2, [x0, 1]\n"
        "ldtr x2, [x0]\n ldxr x2, [x0]\n ldaxp x2, x3, [x0]\n ldar x2, [x0]\n"
        "str x1, [x0]\n strb w1, [x0]\n stp x1, x1, [x0]\n stur x1, [x0, 1]\n"
        "sttr x1, [x0]\n stlr x1, [x0]\n dc zva, x0\n"
        ".inst 0x3dc00000\n" /* ldr q0, [x0] */
        ".inst 0x3d800000\n" /* str q0, [x0] */
        "accesses_end:\n"
        "jumps:\n"
        "br x0\n blr x0\n ret x0\n"
        "jumps_end:\n"
        "hints:\n"
        "prfm pldl1keep, [x0]\n prfm pstl1keep, [x0]\n prfm plil1keep, [x0]\n"
        "hints_end:\n"
        ".text\n");
extern const uint32_t accesses[], accesses_end[], jumps[], jumps_end[], hints[], hints_end[];

static void access_memory(unsigned variant)
{
    for (const uint32_t *way = accesses; way < accesses_end; way++) {
        uint64_t words[5];
        unsigned kind = jail_fault(*way, addresses[variant], words);
        if (kind != CAVERN_FAULT_DATA_UNMAPPED && kind != CAVERN_FAULT_DATA_DENIED && kind != CAVERN_FAULT_ALIGNMENT)
            attempt_failed("access %zu of 0x%lx: fault %u", way - accesses, (unsigned long)addresses[variant], kind);
        MUST(words[CAVERN_EXIT_PC] == JAIL_CODE);
    }
}

static void jump(unsigned variant)
{
    for (const uint32_t *way = jumps; way < jumps_end; way++) {
        uint64_t words[5];
        unsigned kind = jail_fault(*way, addresses[variant], words);
        if (kind != CAVERN_FAULT_CODE_UNMAPPED && kind != CAVERN_FAULT_CODE_DENIED)
            attempt_failed("jump %zu to 0x%lx: fault %u", way - jumps, (unsigned long)addresses[variant], kind);
        MUST(words[CAVERN_EXIT_PC] == addresses[variant]);
    }
}

static void prefetch(unsigned variant)
{
    for (const uint32_t *way = hints; way < hints_end; way++) {
        uint64_t words[5];
        MUST(jail_fault(*way, addresses[variant], words) == CAVERN_FAULT_NONE);
    }
}

/* --- the stack pointer --- */

static void stack_overflow(unsigned variant)
{
    volatile uint64_t frame[64] = {variant};
    if (variant != ~0u)
        stack_overflow(variant + 1);
    frame[1] = frame[0];
}

static void stack_misaligned(unsigned variant)
{
    (void)variant;
    __asm__ volatile("mov x2, sp\n sub x0, x2, 8\n mov sp, x0\n ldr x1, [sp]\n mov sp, x2" ::
                         : "x0", "x1", "x2", "memory");
}

static void stack_in_kernel(unsigned variant)
{
    __asm__ volatile("mov sp, %0\n str x1, [sp, -16]!" ::"r"(addresses[variant % 11] & ~UINT64_C(15)) : "memory");
}

/* The kernel must not use it. */
static void call_with_any_stack(unsigned variant)
{
    uint64_t own, status;
    uint64_t other = addresses[variant % ADDRESSES] + variant;
    __asm__ volatile("mov %0, sp\n mov sp, %2\n mov x0, 0\n mov x1, 0\n svc 1\n mov %1, x0\n mov sp, %0"
                     : "=&r"(own), "=&r"(status)
                     : "r"(other)
                     : "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14",
                       "x15", "x16", "x17", "x18", "x30", "memory");
    MUST(status == CAVERN_OK);
}

static void jump_misaligned(unsigned variant)
{
    ((void (*)(void))((uintptr_t)jump_misaligned + 1 + variant))();
}

/* --- the own memory --- */

/* Code that runs over the end of user space. */
static void run_over_the_end(unsigned variant)
{
    cavern_handle buffer;
    uint32_t *code;
    uint64_t last = CAVERN_USER_END - CAVERN_PAGE_SIZE;
    (void)variant;
    GRANTED(cavern_buffer_create(CAVERN_SELF_ACCOUNT, CAVERN_PAGE_SIZE, 0, &buffer));
    GRANTED(cavern_buffer_map_local(buffer, 0, CAVERN_PAGE_SIZE, CAVERN_PROT_READ | CAVERN_PROT_WRITE, (void **)&code));
    for (unsigned i = 0; i < CAVERN_PAGE_SIZE / sizeof(*code); i++)
        code[i] = 0xd503201f; /* nop */
    cavern_buffer_unmap(code, CAVERN_PAGE_SIZE);
    GRANTED(cavern_buffer_seal(buffer));
    GRANTED(cavern_buffer_map_at(CAVERN_SELF_PROCESS, buffer, 0, CAVERN_PAGE_SIZE, last,
                                 CAVERN_PROT_READ | CAVERN_PROT_EXECUTE));
    ((void (*)(void))(uintptr_t)last)();
}

static void unmap_own_code(unsigned variant)
{
    (void)variant;
    (void)!cavern_sys_unmap(CAVERN_SELF_PROCESS, (uintptr_t)unmap_own_code & ~UINT64_C(4095), CAVERN_PAGE_SIZE);
}

static void unmap_own_stack(unsigned variant)
{
    volatile uint64_t local = variant;
    (void)!cavern_sys_unmap(CAVERN_SELF_PROCESS, (uintptr_t)&local & ~UINT64_C(4095), CAVERN_PAGE_SIZE);
    local = 1;
}

static void unmap_everything(unsigned variant)
{
    (void)variant;
    (void)!cavern_sys_unmap(CAVERN_SELF_PROCESS, CAVERN_USER_START, CAVERN_USER_END - CAVERN_USER_START);
}

static const uint32_t constant_code[] = {0xd65f03c0}; /* ret */
static uint32_t variable_code[] = {0xd65f03c0};

/* Code that can be written, or is not executable. */
static void run_data(unsigned variant)
{
    uint32_t stack_code[] = {0xd65f03c0};
    static struct cavern_queue queue;
    GRANTED(cavern_queue_create(CAVERN_QUEUE_BLOCKS_MIN, 0, &queue));
    const void *const places[] = {constant_code, variable_code, stack_code,
                                  queue.ring,    queue.control, cavern_startup_next(NULL)};
    ((void (*)(void))(uintptr_t)places[variant])();
}

/* What is mapped read-only. */
static void write_constants(unsigned variant)
{
    static struct cavern_queue queue;
    GRANTED(cavern_queue_create(CAVERN_QUEUE_BLOCKS_MIN, 0, &queue));
    const void *const places[] = {constant_code, write_constants, queue.ring, cavern_startup_next(NULL)};
    *(volatile uint64_t *)((uintptr_t)places[variant] & ~UINT64_C(7)) = 0xd65f03c0d65f03c0;
}

/* A page that is sealed and executable, with a `ret`. */
static cavern_handle sealed_page(uint32_t **code)
{
    cavern_handle buffer;
    GRANTED(cavern_buffer_create(CAVERN_SELF_ACCOUNT, CAVERN_PAGE_SIZE, 0, &buffer));
    GRANTED(cavern_buffer_map_local(buffer, 0, CAVERN_PAGE_SIZE, CAVERN_PROT_READ | CAVERN_PROT_WRITE, (void **)code));
    **code = 0xd65f03c0;
    cavern_buffer_unmap(*code, CAVERN_PAGE_SIZE);
    GRANTED(cavern_buffer_seal(buffer));
    GRANTED(
        cavern_buffer_map_local(buffer, 0, CAVERN_PAGE_SIZE, CAVERN_PROT_READ | CAVERN_PROT_EXECUTE, (void **)code));
    return buffer;
}

/* The kernel as the one that writes. */
static void write_sealed_through_the_kernel(unsigned variant)
{
    uint32_t *code;
    cavern_handle sealed = sealed_page(&code), sender;
    struct cavern_queue queue;
    struct cavern_process_info info;
    uint64_t next, written, out, address = (uintptr_t)code;
    const uint64_t words[5] = {0};
    struct cavern_received received;
    (void)variant;
    GRANTED(cavern_queue_create(CAVERN_QUEUE_BLOCKS_MIN, 4, &queue));
    GRANTED(cavern_sys_sender_mint(queue.handle, 0, 8 | UINT64_C(8) << 32, CAVERN_SELF_ACCOUNT, 0, &sender));
    REFUSED(cavern_sys_inspect(CAVERN_SELF_PROCESS, CAVERN_INSPECT_PROCESS, 0, address, sizeof(info), &next, &written),
            CAVERN_BAD_ADDRESS);
    REFUSED(cavern_sys_process_copy(CAVERN_SELF_PROCESS, (uintptr_t)variable_code, address, 4, CAVERN_COPY_READ),
            CAVERN_BAD_ADDRESS);
    REFUSED(cavern_sys_process_copy(CAVERN_SELF_PROCESS, address, (uintptr_t)variable_code, 4, CAVERN_COPY_WRITE),
            CAVERN_BAD_ADDRESS);
    REFUSED(cavern_sys_call(sender, 0, CAVERN_POLL, address, 64, 0, words, &received), CAVERN_BAD_ADDRESS);
    REFUSED(cavern_sys_submit(address, 1, 0, &out), CAVERN_BAD_ADDRESS);
    REFUSED(
        cavern_sys_map(CAVERN_SELF_PROCESS, sealed, 0, CAVERN_PAGE_SIZE, 0, CAVERN_PROT_READ | CAVERN_PROT_WRITE, &out),
        CAVERN_DENIED);
    struct cavern_lease lease = {address, 4, CAVERN_LEASE_WRITE};
    struct cavern_outgoing lend = {.leases = &lease, .lease_count = 1};
    REFUSED(cavern_request(sender, 0, &lend, &queue, 1, NULL), CAVERN_BAD_ADDRESS);
    MUST(*code == 0xd65f03c0);
    ((void (*)(void))(uintptr_t)code)();
}

/* Executable as long as anybody can still write to it, by whatever way. */
static void execute_before_sealing(unsigned variant)
{
    cavern_handle buffer, sender;
    struct cavern_queue queue;
    uint64_t out;
    void *memory;
    (void)variant;
    GRANTED(cavern_queue_create(CAVERN_QUEUE_BLOCKS_MIN, 4, &queue));
    GRANTED(cavern_sys_sender_mint(queue.handle, 0, 8 | UINT64_C(8) << 32, CAVERN_SELF_ACCOUNT, 0, &sender));
    GRANTED(cavern_buffer_create(CAVERN_SELF_ACCOUNT, CAVERN_PAGE_SIZE, 0, &buffer));
    GRANTED(cavern_buffer_map_local(buffer, 0, CAVERN_PAGE_SIZE, CAVERN_PROT_READ | CAVERN_PROT_WRITE, &memory));
    REFUSED(cavern_sys_map(CAVERN_SELF_PROCESS, buffer, 0, CAVERN_PAGE_SIZE, 0, CAVERN_PROT_READ | CAVERN_PROT_EXECUTE,
                           &out),
            CAVERN_DENIED);
    REFUSED(cavern_buffer_seal(buffer), CAVERN_BUSY); /* mapped */
    struct cavern_lease lease = {(uintptr_t)memory, 64, CAVERN_LEASE_WRITE};
    GRANTED(cavern_request(sender, 0, &(struct cavern_outgoing){.leases = &lease, .lease_count = 1}, &queue, 1, NULL));
    cavern_buffer_unmap(memory, CAVERN_PAGE_SIZE);
    REFUSED(cavern_buffer_seal(buffer), CAVERN_BUSY); /* lent */
    struct cavern_message message;
    GRANTED(cavern_queue_receive(&queue, CAVERN_POLL, &message));
    cavern_drop(&queue, message.header.request);
    struct cavern_grant grant = {buffer, CAVERN_RIGHT_READ | CAVERN_RIGHT_WRITE};
    GRANTED(cavern_send(sender, &(struct cavern_outgoing){.grants = &grant, .grant_count = 1}));
    REFUSED(cavern_buffer_seal(buffer), CAVERN_BUSY); /* on its way */
    GRANTED(cavern_sys_queue_bind(queue.handle, 0, 0, &out, &out, &out));
    GRANTED(cavern_sys_handle_close(queue.handle));
    GRANTED(cavern_buffer_seal(buffer));
}

/* Neither rights that are not there nor combinations that must not be. */
static void odd_protections(unsigned variant)
{
    cavern_handle buffer;
    uint64_t out;
    (void)variant;
    GRANTED(cavern_buffer_create(CAVERN_SELF_ACCOUNT, CAVERN_PAGE_SIZE, 0, &buffer));
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t protection = UINT64_C(1) << bit;
        if (protection != CAVERN_PROT_READ)
            REFUSED(cavern_sys_map(CAVERN_SELF_PROCESS, buffer, 0, CAVERN_PAGE_SIZE, 0, protection, &out),
                    CAVERN_BAD_ARGUMENT);
        if (bit > 2)
            REFUSED(cavern_sys_map(CAVERN_SELF_PROCESS, buffer, 0, CAVERN_PAGE_SIZE, 0, protection | CAVERN_PROT_READ,
                                   &out),
                    CAVERN_BAD_ARGUMENT);
    }
    REFUSED(cavern_sys_map(CAVERN_SELF_PROCESS, buffer, 0, CAVERN_PAGE_SIZE, 0, 7, &out), CAVERN_BAD_ARGUMENT);
}

static void odd_ranges(unsigned variant)
{
    static const struct {
        uint64_t offset, length, address;
    } ranges[] = {
        {0, 4096, 4096},
        {0, 4096, CAVERN_USER_START - 4096},
        {0, 4096, CAVERN_USER_END},
        {0, 8192, CAVERN_USER_END - 4096},
        {0, 4096, 0xffff000000000000},
        {0, 4096, 0xfffffffffffff000},
        {0, 8192, 0xfffffffffffff000},
        {0, 4096, 0x8000000000000000},
        {0, 4096, CAVERN_USER_START + 8},
        {0, UINT64_MAX, CAVERN_USER_START},
        {0, UINT64_MAX - 4095, CAVERN_USER_START},
        {0, 0, CAVERN_USER_START},
        {8192, 4096, CAVERN_USER_START},
        {4096, 8192, CAVERN_USER_START},
        {UINT64_MAX - 4095, 4096, CAVERN_USER_START},
        {UINT64_MAX - 4095, 8192, CAVERN_USER_START},
        {1, 4096, CAVERN_USER_START},
    };
    cavern_handle buffer;
    uint64_t out;
    (void)variant;
    GRANTED(cavern_buffer_create(CAVERN_SELF_ACCOUNT, 8192, 0, &buffer));
    for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
        REFUSED(cavern_sys_map(CAVERN_SELF_PROCESS, buffer, ranges[i].offset, ranges[i].length, ranges[i].address,
                               CAVERN_PROT_READ, &out),
                CAVERN_BAD_ARGUMENT);
        if (!ranges[i].offset)
            REFUSED(cavern_sys_unmap(CAVERN_SELF_PROCESS, ranges[i].address, ranges[i].length), CAVERN_BAD_ARGUMENT);
    }
}

const struct attempt memory_attempts[] = {
    {"access of kernel addresses and of none", access_memory, ADDRESSES, ENDS_WELL},
    {"jumps to kernel addresses and to none", jump, ADDRESSES, ENDS_WELL},
    {"prefetching kernel addresses", prefetch, ADDRESSES, ENDS_WELL},
    {"running over the end of the stack", stack_overflow, 0, ENDS_FAULT(DATA_UNMAPPED)},
    {"misaligned stack pointer", stack_misaligned, 0,
     ENDS_WELL /* of QEMU, which does not look: see test_containment.py */},
    {"stack pointer in the kernel", stack_in_kernel, 11, ENDS_FAULT(DATA_UNMAPPED) | ENDS_FAULT(DATA_DENIED)},
    {"system call with any stack pointer", call_with_any_stack, ADDRESSES, ENDS_WELL},
    {"misaligned program counter", jump_misaligned, 3, ENDS_FAULT(ALIGNMENT)},
    {"running over the end of user space", run_over_the_end, 0, ENDS_FAULT(CODE_UNMAPPED)},
    {"unmapping the own code", unmap_own_code, 0, ENDS_FAULT(CODE_UNMAPPED)},
    {"unmapping the own stack", unmap_own_stack, 0, ENDS_FAULT(DATA_UNMAPPED)},
    {"unmapping everything", unmap_everything, 0, ENDS_FAULT(CODE_UNMAPPED)},
    {"running data", run_data, 6, ENDS_FAULT(CODE_DENIED)},
    {"writing code and constants", write_constants, 4, ENDS_FAULT(DATA_DENIED)},
    {"writing sealed memory through the kernel", write_sealed_through_the_kernel, 0, ENDS_WELL},
    {"executing what can be written", execute_before_sealing, 0, ENDS_WELL},
    {"odd protections", odd_protections, 0, ENDS_WELL},
    {"odd ranges", odd_ranges, 0, ENDS_WELL},
    {0},
};
