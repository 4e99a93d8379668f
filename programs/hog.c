/* SPDX-License-Identifier: BSD-2-Clause */
/* hog: takes memory until its account has no more, and says how much that was. */
#include <stdio.h>
#include <stdlib.h>

#include <cavern/buffer.h>
#include <cavern/text.h>

#define STEP (64 * 1024)

int main(void)
{
    unsigned long taken = 0;
    enum cavern_status status;
    void *memory;
    while ((status = cavern_memory_take(STEP, &memory)) == CAVERN_OK)
        taken += STEP;
    printf("%lu KiB, then: %s\n", taken / 1024, cavern_status_text(status));
    return status == CAVERN_NO_MEMORY ? EXIT_SUCCESS : EXIT_FAILURE;
}
