/* SPDX-License-Identifier: BSD-2-Clause */
/* What a test says to the runner: one-way messages, each a struct rpc_request and a text without its ending 0. */
#pragma once

#include <cavern/handle.h>
#include <cavern/protocol/rpc.h>

enum report_operation {
    REPORT_CASE = 1, /* the name of the case that starts */
    REPORT_FAILURE,  /* where, and what was found */
    REPORT_NOTE,     /* for people */
};

#define REPORT_TEXT_MAX 200

struct report {
    struct rpc_request request; /* value: bytes of text */
    char text[REPORT_TEXT_MAX];
};

/* Exit codes of a test's process. */
enum { TEST_PASSED, TEST_FAILED };

#define TEST_COUNT "?" /* in the place of a case's number: the exit code is the number of cases */

/* Names in the start-up record of every test. */
#define TEST_REPORT "report"   /* sender to the runner */
#define TEST_ACCOUNT "account" /* the account that the test is charged to, with all rights */

/* Priorities. Helpers and threads of a test stand beside or above it. */
/* Priorities alone order what a test and its helpers do, on one CPU: the machine may have others. */
#define TEST_CPUS 1ull
enum { TEST_PRIORITY_LOW = 9, TEST_PRIORITY = 10, TEST_PRIORITY_HIGH = 11, TEST_PRIORITY_TOP = 20 };

/* All rights of a type. */
#define RIGHTS_ANY (CAVERN_RIGHT_COPY | CAVERN_RIGHT_INSPECT)
#define RIGHTS_ACCOUNT (RIGHTS_ANY | CAVERN_RIGHT_MANAGE | CAVERN_RIGHT_CHARGE)
#define RIGHTS_PROCESS (RIGHTS_ANY | CAVERN_RIGHT_MANAGE | CAVERN_RIGHT_MEMORY)
#define RIGHTS_THREAD (RIGHTS_ANY | CAVERN_RIGHT_MANAGE)
#define RIGHTS_QUEUE (RIGHTS_ANY | CAVERN_RIGHT_MANAGE | CAVERN_RIGHT_RECEIVE | CAVERN_RIGHT_MINT)
#define RIGHTS_SENDER (RIGHTS_ANY | CAVERN_RIGHT_SEND | CAVERN_RIGHT_REQUEST | CAVERN_RIGHT_MINT)
#define RIGHTS_SEALED (RIGHTS_ANY | CAVERN_RIGHT_READ | CAVERN_RIGHT_EXECUTE)
#define RIGHTS_BUFFER (RIGHTS_SEALED | CAVERN_RIGHT_WRITE)
#define RIGHTS_DEVICE (RIGHTS_ANY | CAVERN_RIGHT_DERIVE | CAVERN_RIGHT_READ | CAVERN_RIGHT_WRITE)
#define RIGHTS_INTERRUPT (RIGHTS_ANY | CAVERN_RIGHT_MANAGE | CAVERN_RIGHT_DERIVE)
#define RIGHTS_SIGNAL (RIGHTS_ANY | CAVERN_RIGHT_MANAGE | CAVERN_RIGHT_RAISE)
#define RIGHTS_DMA (RIGHTS_ANY | CAVERN_RIGHT_MANAGE | CAVERN_RIGHT_DERIVE)
#define RIGHTS_LOG (RIGHTS_ANY | CAVERN_RIGHT_LOG)
