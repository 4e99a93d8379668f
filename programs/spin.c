/* SPDX-License-Identifier: BSD-2-Clause */
/* spin [SECONDS]: does nothing, as fast as it can, for 10 seconds or so many. */
#include <stdio.h>
#include <stdlib.h>

#include <cavern/time.h>

int main(int argc, char **argv)
{
    char *rest = NULL;
    unsigned long seconds = argc > 1 ? strtoul(argv[1], &rest, 10) : 10;
    if (rest && (rest == argv[1] || *rest)) {
        fprintf(stderr, "usage: spin [SECONDS]\n");
        return EXIT_FAILURE;
    }
    uint64_t end = cavern_after(seconds * CAVERN_SECOND);
    while (cavern_now() < end)
        ;
    return EXIT_SUCCESS;
}
