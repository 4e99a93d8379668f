/* SPDX-License-Identifier: BSD-2-Clause */
/* Handles: values, rights, staleness, and how many there can be. */
#include "test.h"

#define FIRST 0x1000004
#define GENERATION (UINT64_C(1) << CAVERN_HANDLE_INDEX_BITS)

static cavern_handle fresh_process(void)
{
    cavern_handle process;
    CHECK_OK(cavern_sys_process_create(test_account(), 0, 0, 0, 0, &process));
    return process;
}

static cavern_handle make_signal(void)
{
    cavern_handle signal;
    CHECK_OK(cavern_sys_signal_create(CAVERN_SELF_ACCOUNT, &signal));
    return signal;
}

static void values_follow_the_rule(void)
{
    cavern_handle process = fresh_process(), signal = make_signal(), given;
    for (unsigned i = 0; i < 3; i++) {
        CHECK_OK(cavern_sys_handle_give(process, signal, CAVERN_RIGHT_RAISE, 0, &given));
        CHECK_EQUAL(given, FIRST + i);
    }
    cavern_handle first = make_signal(), second = make_signal();
    CHECK_EQUAL(second, first + 1);
    cavern_handle_close(first);
    cavern_handle_close(second);
    CHECK_EQUAL(make_signal(), second + GENERATION);
    CHECK_EQUAL(make_signal(), first + GENERATION);
}

static void stale_and_wrong_handles_are_bad(void)
{
    cavern_handle signal = make_signal();
    const cavern_handle bad[] = {0,
                                 1,
                                 4,
                                 FIRST - GENERATION,
                                 ~UINT64_C(0),
                                 signal + GENERATION,
                                 signal + 5000,
                                 CAVERN_SELF_PROCESS + GENERATION};
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_STATUS(cavern_sys_signal_raise(bad[i]), CAVERN_BAD_HANDLE);
        CHECK_STATUS(cavern_sys_handle_close(bad[i]), CAVERN_BAD_HANDLE);
    }
    CHECK_STATUS(test_send_word(signal, 0), CAVERN_BAD_HANDLE); /* of another type */
    CHECK_OK(cavern_sys_handle_close(signal));
    CHECK_STATUS(cavern_sys_signal_raise(signal), CAVERN_BAD_HANDLE);
    CHECK_STATUS(cavern_sys_handle_close(signal), CAVERN_BAD_HANDLE);
    (void)make_signal();
    CHECK_STATUS(cavern_sys_signal_raise(signal), CAVERN_BAD_HANDLE);
}

static void fixed_handles_stay(void)
{
    static const cavern_handle fixed[] = {CAVERN_SELF_PROCESS, CAVERN_SELF_ACCOUNT, CAVERN_SELF_THREAD};
    cavern_handle out;
    for (unsigned i = 0; i < 3; i++)
        CHECK_STATUS(cavern_sys_handle_close(fixed[i]), CAVERN_DENIED);
    CHECK_STATUS(cavern_handle_duplicate(CAVERN_SELF_ACCOUNT, CAVERN_RIGHT_CHARGE, &out), CAVERN_DENIED);
    CHECK_STATUS(cavern_sys_account_split(CAVERN_SELF_ACCOUNT, 0, 4096, 0, &out), CAVERN_DENIED);
}

static void wanted_values_are_given_or_refused(void)
{
    cavern_handle process = fresh_process(), signal = make_signal(), given;
    cavern_handle wanted = FIRST + 10 + 5 * GENERATION;
    CHECK_OK(cavern_sys_handle_give(process, signal, CAVERN_RIGHT_RAISE, wanted, &given));
    CHECK_EQUAL(given, wanted);
    CHECK_STATUS(cavern_sys_handle_give(process, signal, CAVERN_RIGHT_RAISE, wanted, &given), CAVERN_EXISTS);
    CHECK_STATUS(cavern_sys_handle_give(process, signal, CAVERN_RIGHT_RAISE, wanted + GENERATION, &given),
                 CAVERN_EXISTS);
    CHECK_STATUS(cavern_sys_handle_give(process, signal, CAVERN_RIGHT_RAISE, CAVERN_SELF_THREAD + GENERATION, &given),
                 CAVERN_BAD_ARGUMENT);
    CHECK_STATUS(cavern_sys_handle_give(process, signal, CAVERN_RIGHT_RAISE, FIRST + 5000, &given),
                 CAVERN_BAD_ARGUMENT);
}

static void duplicates_are_independent(void)
{
    cavern_handle signal = make_signal(), copy, weak, out;
    CHECK_OK(cavern_handle_duplicate(signal, RIGHTS_SIGNAL, &copy));
    CHECK_OK(cavern_handle_duplicate(signal, CAVERN_RIGHT_RAISE, &weak));
    CHECK_STATUS(cavern_handle_duplicate(weak, CAVERN_RIGHT_RAISE, &out), CAVERN_DENIED);
    CHECK_STATUS(cavern_handle_duplicate(signal, RIGHTS_SIGNAL | CAVERN_RIGHT_WRITE, &out), CAVERN_DENIED);
    CHECK_OK(cavern_sys_handle_close(signal));
    CHECK_OK(cavern_sys_signal_raise(copy));
    CHECK_OK(cavern_sys_handle_close(copy));
    CHECK_OK(cavern_sys_signal_raise(weak));
    CHECK_STATUS(cavern_sys_acknowledge(weak), CAVERN_DENIED);
}

/* The table is full long before the memory is. */
static void table_ends_at_its_limit(void)
{
    enum { MOST = 131068 };
    struct cavern_process_info info;
    uint64_t next, written;
    cavern_handle signal = make_signal(), copy = 0, out;
    while (cavern_handle_duplicate(signal, CAVERN_RIGHT_RAISE, &out) == CAVERN_OK)
        copy = out;
    CHECK_OK(cavern_sys_inspect(CAVERN_SELF_PROCESS, CAVERN_INSPECT_PROCESS, 0, (uintptr_t)&info, sizeof info, &next,
                                &written));
    CHECK_EQUAL(info.handles, MOST);
    CHECK_EQUAL(copy & (GENERATION - 1), MOST + 3);
    CHECK_STATUS(cavern_sys_signal_create(CAVERN_SELF_ACCOUNT, &out), CAVERN_NO_MEMORY);
    CHECK_STATUS(cavern_handle_duplicate(signal, CAVERN_RIGHT_RAISE, &out), CAVERN_NO_MEMORY);
    CHECK_OK(cavern_sys_signal_raise(copy));
    CHECK_OK(cavern_sys_handle_close(copy));
    CHECK_OK(cavern_sys_signal_create(CAVERN_SELF_ACCOUNT, &out));
    CHECK_EQUAL(out, copy + GENERATION);
}

/* An index has 2^40 - 1 generations; then nobody gets it any more. */
static void last_generation_retires_the_index(void)
{
    cavern_handle signal = make_signal(), given, last = (signal + 1) | ~(GENERATION - 1);
    CHECK_OK(cavern_sys_handle_give(CAVERN_SELF_PROCESS, signal, CAVERN_RIGHT_RAISE, last, &given));
    CHECK_OK(cavern_sys_signal_raise(last));
    CHECK_OK(cavern_sys_handle_close(last));
    CHECK_STATUS(cavern_sys_signal_raise(last), CAVERN_BAD_HANDLE);
    CHECK_STATUS(cavern_sys_signal_raise(last + GENERATION), CAVERN_BAD_HANDLE);
    CHECK_STATUS(cavern_sys_handle_give(CAVERN_SELF_PROCESS, signal, CAVERN_RIGHT_RAISE, last, &given),
                 CAVERN_BAD_ARGUMENT);
    CHECK_STATUS(cavern_sys_handle_give(CAVERN_SELF_PROCESS, signal, CAVERN_RIGHT_RAISE, signal + 1, &given),
                 CAVERN_BAD_ARGUMENT);
    CHECK_EQUAL(make_signal(), signal + 2);
}

/* Exactly these. */
static void check_rights(cavern_handle handle, uint64_t rights)
{
    cavern_handle copy;
    CHECK_OK(cavern_handle_duplicate(handle, rights, &copy));
    CHECK_OK(cavern_sys_handle_close(copy));
    for (unsigned bit = 0; bit < 64; bit++)
        if (!(rights >> bit & 1))
            CHECK_STATUS(cavern_handle_duplicate(handle, UINT64_C(1) << bit, &copy), CAVERN_DENIED);
}

static void makers_give_all_rights_of_the_type(void)
{
    cavern_handle process = fresh_process(), queue, sender, buffer, account, thread;
    CHECK_OK(cavern_sys_queue_create(CAVERN_SELF_ACCOUNT, 64, 0, 0, &queue));
    CHECK_OK(cavern_sender_mint(queue, 0, 1, 1, 0, &sender));
    CHECK_OK(cavern_buffer_create(CAVERN_SELF_ACCOUNT, 4096, 0, &buffer));
    CHECK_OK(cavern_sys_account_split(test_account(), 0, 4096, 0, &account));
    CHECK_OK(cavern_sys_thread_create(process, 0, 0, 0, 0, 0, 0, 0, &thread));
    check_rights(process, RIGHTS_PROCESS);
    check_rights(make_signal(), RIGHTS_SIGNAL);
    check_rights(queue, RIGHTS_QUEUE);
    check_rights(sender, RIGHTS_SENDER);
    check_rights(buffer, RIGHTS_BUFFER);
    check_rights(account, RIGHTS_ACCOUNT);
    check_rights(thread, RIGHTS_THREAD);
    CHECK_OK(cavern_buffer_seal(buffer));
    check_rights(buffer, RIGHTS_SEALED);
    CHECK_OK(cavern_sys_process_end(process, 0));
}

static void what_is_cut_or_minted_has_no_more_rights(void)
{
    cavern_handle devices = test_handle(CAVERN_STARTUP_DEVICES), range = test_handle(CAVERN_STARTUP_INTERRUPTS);
    cavern_handle weak, queue, made;
    CHECK_OK(cavern_sys_queue_create(CAVERN_SELF_ACCOUNT, 64, 0, 0, &queue));
    CHECK_OK(cavern_sender_mint(queue, 0, 1, 1, 0, &made));
    CHECK_OK(cavern_handle_duplicate(made, RIGHTS_SENDER & ~CAVERN_RIGHT_REQUEST, &weak));
    CHECK_OK(cavern_sender_mint(weak, 0, 1, 1, 0, &made));
    check_rights(made, RIGHTS_SENDER & ~CAVERN_RIGHT_REQUEST);
    CHECK_OK(cavern_handle_duplicate(weak, RIGHTS_SENDER & ~(CAVERN_RIGHT_REQUEST | CAVERN_RIGHT_SEND), &weak));
    CHECK_OK(cavern_sender_mint(weak, 0, 1, 1, 0, &made));
    check_rights(made, RIGHTS_SENDER & ~(CAVERN_RIGHT_REQUEST | CAVERN_RIGHT_SEND));
    CHECK_OK(cavern_handle_duplicate(devices, RIGHTS_DEVICE & ~CAVERN_RIGHT_WRITE, &weak));
    CHECK_OK(cavern_sys_derive(weak, 0x9010000, 4096, 0, CAVERN_SELF_ACCOUNT, &made));
    check_rights(made, RIGHTS_DEVICE & ~CAVERN_RIGHT_WRITE);
    CHECK_OK(cavern_handle_duplicate(range, RIGHTS_INTERRUPT & ~CAVERN_RIGHT_MANAGE, &weak));
    CHECK_OK(cavern_sys_derive(weak, 34, 1, 0, CAVERN_SELF_ACCOUNT, &made));
    check_rights(made, RIGHTS_INTERRUPT & ~CAVERN_RIGHT_MANAGE);
}

/* Copies of one handle until the account has no page for the table, then all back. */
static void exhaustion_is_no_memory_and_leaves_nothing(void)
{
    enum { MOST = 200000 };
    static cavern_handle handles[MOST];
    unsigned count = 0;
    enum cavern_status status;
    cavern_handle signal = make_signal(), filler;
    CHECK_OK(cavern_buffer_create(CAVERN_SELF_ACCOUNT, 8 << 20, 0, &filler));
    while ((status = cavern_handle_duplicate(signal, CAVERN_RIGHT_RAISE, &handles[count])) == CAVERN_OK)
        CHECK(++count < MOST);
    CHECK_STATUS(status, CAVERN_NO_MEMORY);
    CHECK(count > 10000);
    CHECK_OK(cavern_sys_signal_raise(handles[count - 1]));
    for (unsigned i = 0; i < count; i++)
        CHECK_OK(cavern_sys_handle_close(handles[i]));
    CHECK_OK(cavern_handle_duplicate(signal, CAVERN_RIGHT_RAISE, &handles[0]));
}

const struct test_case test_cases[] = {
    {"values follow the rule", values_follow_the_rule, "[ABI-HANDLE-2] [ABI-HANDLE-3] [PROC-CREATE-1]"},
    {"stale and wrong handles are bad", stale_and_wrong_handles_are_bad,
     "[ABI-HANDLE-1] [ABI-HANDLE-3] [ABI-HANDLE-4]"},
    {"the fixed handles stay", fixed_handles_stay, "[ABI-HANDLE-5] [ABI-HANDLE-6]"},
    {"wanted values are given or refused", wanted_values_are_given_or_refused, "[ABI-GIVE-1]"},
    {"duplicates are independent", duplicates_are_independent, "[ABI-GIVE-2] [ABI-HANDLE-8]"},
    {"the table ends at its limit", table_ends_at_its_limit, "[ABI-HANDLE-2] [ABI-ERROR-2]"},
    {"the last generation retires the index", last_generation_retires_the_index, "[ABI-HANDLE-3] [ABI-GIVE-1]"},
    {"makers give all rights of the type", makers_give_all_rights_of_the_type, "[ABI-HANDLE-7] [MEM-SEAL-2]"},
    {"what is cut or minted has no more rights", what_is_cut_or_minted_has_no_more_rights, "[ABI-HANDLE-7]"},
    {"exhaustion is out of memory and leaves nothing", exhaustion_is_no_memory_and_leaves_nothing,
     "[MEM-ACCOUNT-1] [MEM-ACCOUNT-6]"},
    {0},
};

const struct test_peer_function test_peers[] = {{0}};
