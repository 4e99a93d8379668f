/* SPDX-License-Identifier: BSD-2-Clause */
/* A list of operations that a person can read. */
#include <inttypes.h>
#include <stdio.h>

#include "operation.h"

static const char *const names[CAVERN_CALL_COUNT] = {
    [CAVERN_CALL_NOP] = "nop",
    [CAVERN_CALL_SUBMIT] = "submit",
    [CAVERN_CALL_INSPECT] = "inspect",
    [CAVERN_CALL_CALL] = "call",
    [CAVERN_CALL_RECEIVE] = "receive",
    [CAVERN_CALL_REPLY_RECEIVE] = "reply_receive",
    [CAVERN_CALL_SEND] = "send",
    [CAVERN_CALL_REQUEST] = "request",
    [CAVERN_CALL_REPLY] = "reply",
    [CAVERN_CALL_DROP] = "drop",
    [CAVERN_CALL_CANCEL] = "cancel",
    [CAVERN_CALL_SPACE] = "space",
    [CAVERN_CALL_QUEUE_FREED] = "queue_freed",
    [CAVERN_CALL_LEASE_COPY] = "lease_copy",
    [CAVERN_CALL_GRANT_ACCEPT] = "grant_accept",
    [CAVERN_CALL_QUEUE_CREATE] = "queue_create",
    [CAVERN_CALL_QUEUE_BIND] = "queue_bind",
    [CAVERN_CALL_SENDER_MINT] = "sender_mint",
    [CAVERN_CALL_HANDLE_GIVE] = "handle_give",
    [CAVERN_CALL_HANDLE_CLOSE] = "handle_close",
    [CAVERN_CALL_ACCOUNT_SPLIT] = "account_split",
    [CAVERN_CALL_BUFFER_CREATE] = "buffer_create",
    [CAVERN_CALL_DERIVE] = "derive",
    [CAVERN_CALL_BUFFER_SEAL] = "buffer_seal",
    [CAVERN_CALL_MAP] = "map",
    [CAVERN_CALL_UNMAP] = "unmap",
    [CAVERN_CALL_PROCESS_CREATE] = "process_create",
    [CAVERN_CALL_PROCESS_END] = "process_end",
    [CAVERN_CALL_PROCESS_COPY] = "process_copy",
    [CAVERN_CALL_THREAD_CREATE] = "thread_create",
    [CAVERN_CALL_THREAD_CONTROL] = "thread_control",
    [CAVERN_CALL_NOTIFY] = "notify",
    [CAVERN_CALL_ACKNOWLEDGE] = "acknowledge",
    [CAVERN_CALL_SIGNAL_CREATE] = "signal_create",
    [CAVERN_CALL_SIGNAL_RAISE] = "signal_raise",
    [CAVERN_CALL_ACCOUNT_END] = "account_end",
    [CAVERN_CALL_THREAD_REGISTERS] = "thread_registers",
    [CAVERN_CALL_MACHINE] = "machine",
    [CAVERN_CALL_DEVICE_IO] = "device_io",
    [CAVERN_CALL_DMA_MAP] = "dma_map",
    [CAVERN_CALL_DMA_UNMAP] = "dma_unmap",
};

static const char *const actions[] = {
    [ACTION_CALL] = "call",    [ACTION_TAKE] = "(take",   [ACTION_FREE] = "(free",
    [ACTION_STORE] = "(store", [ACTION_FILL] = "(fill",   [ACTION_LIE] = "(lie",
    [ACTION_FAULT] = "(fault", [ACTION_LATER] = "(later", [ACTION_LINE] = "(line",
};

static void print_variable(unsigned variable)
{
    if (variable == VARIABLE_NOW)
        printf("now");
    else
        printf("$%u.%u", (variable - VARIABLE_FIRST) / VARIABLES, (variable - VARIABLE_FIRST) % VARIABLES);
}

static void print_term(unsigned x, const struct term *term)
{
    if (!term->variable && !term->plus)
        return;
    printf(" x%u=", x);
    if (term->variable)
        print_variable(term->variable);
    if (term->plus || !term->variable)
        printf(term->variable ? "+%#" PRIx64 : "%#" PRIx64, term->plus);
}

static void print_operation(const struct operation *o)
{
    bool call = o->action == ACTION_CALL;
    printf("%u.%u %s", o->actor, o->thread, call && names[o->call] ? names[o->call] : actions[o->action]);
    for (unsigned x = 0; x < 16; x++)
        print_term(x, &o->x[x]);
    for (unsigned i = 0; i < 3; i++) {
        if (o->out[i]) {
            printf(" -> ");
            print_variable(o->out[i]);
        }
    }
    if (call && o->target < ACTORS)
        printf(" as %u.%u", o->target, o->slot);
    if (o->fail)
        printf(" [allocation %s%u fails]", o->fail == FAIL_EVERYWHERE ? "each of " : "", o->fail);
    printf("%s%s\n", call ? "" : ")", o->interrupted ? " [interrupted]" : "");
}

void print_operations(const struct operation *operations, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        printf("#   %3u: ", i + 1);
        print_operation(&operations[i]);
    }
}
