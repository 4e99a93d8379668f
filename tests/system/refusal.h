/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that are to be refused, register by register. Where a call is written out,
 *
 *   #define GOOD_SEND t.sender, SIZE(64), [3] = t.body
 *
 *   ACCEPTS(SEND, GOOD_SEND);
 *   REFUSES(SEND, TOO_LARGE, GOOD_SEND, SIZE(16385));
 *   REFUSES_EACH(SEND, BAD_ADDRESS, test_unreadable(64), 3, GOOD_SEND);
 *
 * a refusal is made by itself and once more in a `submit`, and each time nothing that `inspect` shows of the caller's
 * process and account may have changed, and no register may hold what the caller did not put there. Any status must be
 * one that spec/abi.md lists for the call. scripts/check-calls reads the names of call and status from these lines, and
 * so knows which errors have been provoked.
 */
#pragma once

#include "test.h"

#include <cavern/submit.h>
#include <cavern/syscalls.h>

/* In a list of registers a later value replaces an earlier one. */
#pragma clang diagnostic ignored "-Winitializer-overrides"

/* x1 of a call with a message. */
#define SIZE(size) [1] = CAVERN_INFO(size, 0, 0, 0, 0)
#define ATTACHED(size, leases, grants) [1] = CAVERN_INFO(size, 0, leases, grants, 0)

/* Values for one register. */
struct test_values {
    unsigned count;
    uint64_t value[40];
};

#define VALUES(...)                                                                                                    \
    (struct test_values)                                                                                               \
    {                                                                                                                  \
        sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t),                                                          \
        {                                                                                                              \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
    }

struct test_attempt {
    const char *file;
    int line;
    const char *name; /* of the call */
    enum cavern_call call;
    enum cavern_status expected;
    struct cavern_operation registers;
};

#define ATTEMPT(name, status, ...)                                                                                     \
    &(struct test_attempt)                                                                                             \
    {                                                                                                                  \
        __FILE__, __LINE__, #name, CAVERN_CALL_##name, CAVERN_##status,                                                \
        {                                                                                                              \
            {                                                                                                          \
                __VA_ARGS__                                                                                            \
            }                                                                                                          \
        }                                                                                                              \
    }

/* `call` with these registers is refused with `status`, and changes nothing. */
#define REFUSES(call, status, ...) test_refuses(ATTEMPT(call, status, __VA_ARGS__))
/* The same with register `number` set to each of `values`, a struct test_values. */
#define REFUSES_EACH(call, status, values, number, ...)                                                                \
    test_refuses_each(ATTEMPT(call, status, __VA_ARGS__), number, values)
/* Fails with `status` after it has done something, such as a call that was sent and not answered. */
#define FAILS(call, status, ...) test_makes(ATTEMPT(call, status, __VA_ARGS__))
/* Succeeds; the value of x1. */
#define ACCEPTS(call, ...) test_makes(ATTEMPT(call, OK, __VA_ARGS__))

void test_refuses(const struct test_attempt *attempt);
void test_refuses_each(struct test_attempt *attempt, unsigned number, struct test_values values);
uint64_t test_makes(const struct test_attempt *attempt);
/* Makes it, whatever comes of it. */
enum cavern_status test_tries(const struct test_attempt *attempt);

/* There is a call of this number, below 256. */
bool test_is_call(unsigned number);

/* --- what can be wrong --- */

/* No handles, and handles of all types but those in `types`, a bit for each enum cavern_type. */
struct test_values test_not_handles(unsigned types);
#define NOT(type) test_not_handles(1u << CAVERN_TYPE_##type)
#define NO_HANDLE test_not_handles(~0u)
/* A second handle without `right`. */
cavern_handle test_without(cavern_handle handle, uint64_t rights, uint64_t right);

/* Where a range of `bytes`, at most 4096, can't be read, and can't be written; all are multiples of 8. */
struct test_values test_unreadable(uint64_t bytes);
struct test_values test_unwritable(uint64_t bytes);
/* Next to `address`, and no multiple of 8. */
struct test_values test_misaligned(uint64_t address);

/* --- what a case may want --- */

/* A page for reading and writing with nothing mapped behind it. */
uint64_t test_page(void);
/* A process without threads, charged to the case's account, and its end. */
cavern_handle test_process(void);
cavern_handle test_ended_process(uint64_t flags);
/* A buffer of the case's. */
cavern_handle test_buffer(uint64_t bytes);
/* A sender to a queue that is gone. */
cavern_handle test_orphan(void);
/* A sub-account of this many bytes. */
cavern_handle test_split(uint64_t bytes);
/* Takes all pages of an account, but perhaps a few at the end that a buffer can't be made of. */
void test_exhaust_account(cavern_handle account);
/* The same of the case's own, and the room that the handle table has without another page. */
void test_exhaust(void);
