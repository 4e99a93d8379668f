/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading and writing the registers of other threads: spec/processes.md, Registers. */
#include <string.h>

#include "reference.h"

#define FLAGS (UINT64_C(15) << 28)

union set {
    struct cavern_registers general;
    struct cavern_vector_registers vector;
    uint64_t tls;
    uint64_t words[66];
};

static const uint64_t sizes[] = {
    [CAVERN_REGISTERS_GENERAL] = sizeof(struct cavern_registers),
    [CAVERN_REGISTERS_VECTOR] = sizeof(struct cavern_vector_registers),
    [CAVERN_REGISTERS_TLS] = sizeof(uint64_t),
};

/* What a call returned stands in `out`; what was no output is open, and as `found`. [ABI-REG-2] */
static void read_set(const struct ref_thread *thread, uint64_t set, const union set *found, union set *result)
{
    if (set == CAVERN_REGISTERS_VECTOR) {
        result->vector = thread->vector;
    } else if (set == CAVERN_REGISTERS_TLS) {
        result->tls = thread->tls;
    } else {
        result->general = thread->registers;
        for (unsigned i = 0; i < 9 && !thread->written; i++)
            result->general.x[i] = thread->defined >> i & 1 ? thread->out[i] : found->general.x[i];
    }
}

/* [PROC-REGISTERS-1] [PROC-REGISTERS-3] */
static void write_set(struct ref_thread *thread, uint64_t set, const union set *from)
{
    if (set == CAVERN_REGISTERS_VECTOR) {
        thread->vector = from->vector;
    } else if (set == CAVERN_REGISTERS_TLS) {
        thread->tls = from->tls;
    } else {
        thread->registers = from->general;
        thread->registers.flags &= FLAGS;
        thread->written = true;
    }
}

/* [PROC-REGISTERS-2] [PROC-REGISTERS-4] */
static void check_stopped(const struct ref_thread *named, bool write)
{
    const struct ref_process *process = named->process;
    bool ended = named->state == CAVERN_THREAD_ENDED, kept = process->faulter == named && !write;
    bool name_is_gone = process->object.gone && ref.drawn[0] == CAVERN_GONE; /* others may still keep the zombie */
    ref_wrong(ended && (!kept || name_is_gone), CAVERN_GONE);
    ref_wrong(!ended && named->state != CAVERN_THREAD_SUSPENDED && named->state != CAVERN_THREAD_FAULTED, CAVERN_BUSY);
}

void ref_thread_registers(struct ref_thread *thread, const uint64_t x[16])
{
    bool write = x[3] & CAVERN_REGISTERS_WRITE;
    uint64_t set = x[3] & ~(uint64_t)CAVERN_REGISTERS_WRITE, size = set < 3 ? sizes[set] : 0;
    struct ref_thread *named = ref_thread_named(thread, x);
    ref_wrong(!size || x[5] != size, CAVERN_BAD_ARGUMENT); /* [ABI-REGISTERS-1] */
    ref_wrong((x[4] & 7) || !ref_accessible(thread->process, x[4], size, write ? CAVERN_PROT_READ : CAVERN_PROT_WRITE),
              CAVERN_BAD_ADDRESS);
    if (named)
        check_stopped(named, write);
    bool in_vain = ref.errors == 1u << CAVERN_BAD_ADDRESS && !write && !(x[4] & 7);
    if (!named || (ref_failed() && !in_vain))
        return;
    union set registers, found = {0};
    if (write) {
        ref_read(thread->process, x[4], &registers, size);
        write_set(named, set, &registers);
        return;
    }
    bool known = in_vain ? ref.fetch(thread, x[4], found.words, CAVERN_PAGE_SIZE - x[4] % CAVERN_PAGE_SIZE)
                         : ref.fetch(thread, x[4], found.words, size);
    read_set(named, set, &found, &registers);
    if (in_vain)
        ref_write_in_vain(thread, x[4], &registers, size);
    else
        ref_write(thread->process, x[4], &registers, size);
    ref.unlike |= !in_vain && (!known || memcmp(&registers, &found, size) != 0);
}
