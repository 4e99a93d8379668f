/* SPDX-License-Identifier: BSD-2-Clause */
#include <cavern/batch.h>

#include <cavern/stubs.h>

enum cavern_status cavern_submit(struct cavern_operation *operations, size_t count, size_t *done)
{
    return cavern_sys_submit((uintptr_t)operations, count, *done, done);
}
