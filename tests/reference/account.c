/* SPDX-License-Identifier: BSD-2-Clause */
/* Accounts: spec/memory.md. What they have used is not counted here. */
#include "reference.h"

void ref_account_split(struct ref_thread *thread, const uint64_t x[16])
{
    struct ref_account *account = ref_need(thread, x[0], CAVERN_TYPE_ACCOUNT, CAVERN_RIGHT_MANAGE), *child = NULL;
    if (x[2])
        child = ref_need(thread, x[2], CAVERN_TYPE_ACCOUNT, CAVERN_RIGHT_MANAGE);
    ref_wrong(x[4] >= CAVERN_PRIORITIES, CAVERN_BAD_ARGUMENT);
    ref_wrong(!x[2] && (int64_t)x[3] < 0, CAVERN_BAD_ARGUMENT);
    ref_wrong(child && child->parent != account, CAVERN_BAD_ARGUMENT); /* [MEM-ACCOUNT-4] */
    ref_wrong(account && x[4] > account->top, CAVERN_DENIED);
    ref_wrong(account && !child && account->depth >= 32, CAVERN_BAD_ARGUMENT);
    if (child && ref.drawn[0] == CAVERN_BUSY)
        ref_wrong((int64_t)x[3] < 0, CAVERN_BUSY); /* [MEM-ACCOUNT-3] what has been used is not counted here */
    if (ref_failed() || !account)
        return;
    if (child) {
        child->top = (unsigned)x[4];
        ref_out(thread, 1, x[2]);
        return;
    }
    child = ref_account_new(account, (unsigned)x[4]);
    ref_out(thread, 1, ref_insert(thread->process, &child->object, CAVERN_RIGHTS_ALL));
}

static bool is_within(const struct ref_account *account, const struct ref_account *above)
{
    while (account && account != above)
        account = account->parent;
    return account;
}

/* [MEM-END-1] [MEM-END-2] [MEM-END-3] */
void ref_account_end(struct ref_thread *thread, const uint64_t x[16])
{
    struct ref_account *account = ref_need(thread, x[0], CAVERN_TYPE_ACCOUNT, CAVERN_RIGHT_MANAGE);
    ref_wrong(account && is_within(thread->process->account, account), CAVERN_BAD_ARGUMENT);
    if (ref_failed() || !account)
        return;
    for (unsigned i = 0; i < ref.processes.count; i++) { /* in the order of their ids */
        struct ref_process *process = ref.processes.items[i];
        if (!is_within(process->account, account))
            continue;
        ref_process_end(process, CAVERN_REASON_ENDED, x[3]);
        ref_forsake(process);
        ref_hasten(process, thread);
    }
}
