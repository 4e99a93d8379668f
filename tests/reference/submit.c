/* SPDX-License-Identifier: BSD-2-Clause */
/* Many calls in one entry: spec/abi.md, Many at once. */
#include "reference.h"

enum { WORDS = 16, RESULTS = 9, SIZE = WORDS * 8 };

static bool waits(enum cavern_call call)
{
    return call == CAVERN_CALL_CALL || call == CAVERN_CALL_RECEIVE || call == CAVERN_CALL_REPLY_RECEIVE ||
           call == CAVERN_CALL_SUBMIT;
}

/* [ABI-SUBMIT-3] */
static bool is_refused(const struct ref_thread *thread, enum cavern_call call, const uint64_t x[WORDS])
{
    uint16_t rights;
    const struct ref_object *object = ref_find(thread, x[0], &rights);
    bool own_process = object == &thread->process->object, caller = object == &thread->object;
    if (call == CAVERN_CALL_PROCESS_END)
        return own_process || caller;
    if (call == CAVERN_CALL_THREAD_CONTROL)
        return caller || (own_process && x[2] == thread->id);
    return waits(call) || (call != CAVERN_CALL_NOP && !ref_has_call(call));
}

/* What the kernel has left in the words of an operation, against what was to be expected. */
static bool agree(const struct ref_thread *thread, enum cavern_call call, const uint64_t x[WORDS],
                  const uint64_t found[RESULTS])
{
    for (unsigned i = 0; i < RESULTS; i++) {
        bool progress = ref_progress(call) >> i & 1;
        if (thread->defined >> i & 1 ? found[i] != thread->out[i] : !progress && found[i] && found[i] != x[i])
            return false;
    }
    return true;
}

/* Makes one; its status. */
static enum cavern_status make_one(struct ref_thread *thread, const uint64_t x[WORDS], const uint64_t found[RESULTS])
{
    enum cavern_call call = (enum cavern_call)(x[1] >> 16 & 0xff);
    ref.errors = 0;
    ref.drawn = found;
    ref.no_memory = found[0] == CAVERN_NO_MEMORY;
    thread->defined = 1;
    thread->out[0] = CAVERN_OK;
    ref_wrong(is_refused(thread, call, x), CAVERN_BAD_OPERATION);
    if (!waits(call))
        ref_serve(thread, call, x);
    if (ref.errors || ref.no_memory) {
        ref.unlike |= !ref.no_memory && (found[0] > 31 || !(ref.errors >> found[0] & 1));
        thread->defined = 1;
        thread->out[0] = found[0];
    }
    ref.unlike |= !agree(thread, call, x, found);
    return (enum cavern_status)thread->out[0];
}

/* [ABI-SUBMIT-1] [ABI-SUBMIT-2] [ABI-SUBMIT-4] [ABI-SUBMIT-6] */
void ref_submit(struct ref_thread *thread, const uint64_t x[16])
{
    const uint64_t *drawn = ref.drawn;
    uint64_t room = CAVERN_USER_END / SIZE;
    ref_wrong(x[5] > x[4], CAVERN_BAD_ARGUMENT);
    ref_wrong((x[3] & 7) || x[4] > room || x[3] > CAVERN_USER_END || x[4] * SIZE > CAVERN_USER_END - x[3],
              CAVERN_BAD_ADDRESS);
    if (ref.errors)
        return;
    uint64_t index = x[5];
    enum cavern_status status = CAVERN_OK;
    for (; index < x[4] && status == CAVERN_OK && thread->process->state < CAVERN_PROCESS_ENDING; index++) {
        uint64_t address = x[3] + index * SIZE, words[WORDS], found[RESULTS] = {0};
        if (!ref_accessible(thread->process, address, SIZE, CAVERN_PROT_READ | CAVERN_PROT_WRITE)) {
            status = CAVERN_BAD_ADDRESS;
            break;
        }
        ref_read(thread->process, address, words, sizeof words);
        bool faults = ref.fault && drawn[5] == index; /* [MEM-FAULT-4] */
        bool lost = !faults && !ref.fetch(thread, address, found, sizeof found);
        bool unseen = lost && ref.ends(thread->process); /* it ends of this, and what was returned is gone with it */
        if (lost && !unseen && (drawn[0] != CAVERN_BAD_ADDRESS || drawn[1] != index))
            return;
        status = make_one(thread, words, found);
        if (unseen && ref.errors)
            break;
        ref.unlike &= !unseen;
        if (unseen)
            continue;
        if (lost) {
            status = CAVERN_BAD_ADDRESS;
            break;
        }
        if (faults) {
            ref.unlike = false;
            ref.drawn = drawn;
            return;
        }
        if (status != CAVERN_OK)
            index--; /* it is not done */
        ref_write(thread->process, address, found, sizeof found);
    }
    ref.drawn = drawn;
    ref.errors = status == CAVERN_OK || ref.unlike ? 0 : 1u << status;
    ref.no_memory = false;
    thread->defined = 3;
    thread->out[0] = status;
    thread->out[1] = index;
}
