/* SPDX-License-Identifier: BSD-2-Clause */
/* Many calls in one entry. spec/abi.md, Many at once. */
#pragma once

#include <stddef.h>

#include <cavern/message.h>
#include <cavern/status.h>
#include <cavern/submit.h>
#include <cavern/syscalls.h>

/* x1 of an operation that carries no message: CAVERN_OPERATION(HANDLE_CLOSE). */
#define CAVERN_OPERATION(call) CAVERN_INFO(0, CAVERN_CALL_##call, 0, 0, 0)

/*
 * Makes the calls from *done on, one after another, up to the first that fails. *done: in, where to start; out, how
 * many are done, which is the index of the one that failed. Their results, x0-x8, stand in the operations.
 */
enum cavern_status cavern_submit(struct cavern_operation *operations, size_t count, size_t *done) CAVERN_MUST_CHECK;
