/* SPDX-License-Identifier: BSD-2-Clause */
/* spin [SECONDS]: does nothing, as fast as it can, for 10 seconds or so many. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cavern/time.h>

#define SECONDS_MAX UINT32_MAX

int main(int argc, char **argv)
{
    const char *wanted = argc > 1 ? argv[1] : "10";
    unsigned long seconds = strtoul(wanted, NULL, 10);
    if (!*wanted || wanted[strspn(wanted, "0123456789")] || seconds > SECONDS_MAX) {
        fprintf(stderr, "usage: spin [SECONDS]\n");
        return EXIT_FAILURE;
    }
    uint64_t end = cavern_after(seconds * CAVERN_SECOND);
    while (cavern_now() < end)
        ;
    return EXIT_SUCCESS;
}
