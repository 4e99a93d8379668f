/* SPDX-License-Identifier: BSD-2-Clause */
/* Many calls in one entry. spec/abi.md, Many at once. */
#pragma once

#include <stdint.h>

#define CAVERN_OPERATION_INPUTS 16 /* x0-x15 */
#define CAVERN_OPERATION_RESULTS 9 /* x0-x8 */

/*
 * A call as its registers: before it what it is given, x[1] with the operation in its place, and after it the results.
 *
 *   struct cavern_operation close = {{handle, CAVERN_INFO(0, CAVERN_CALL_HANDLE_CLOSE, 0, 0, 0)}};
 */
struct cavern_operation {
    uint64_t x[CAVERN_OPERATION_INPUTS];
};

_Static_assert(sizeof(struct cavern_operation) == 128, "an operation is 16 words");
