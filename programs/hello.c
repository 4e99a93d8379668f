/* SPDX-License-Identifier: BSD-2-Clause */
/* hello [WORD]...: says what it was started with; asks for a name where it has a console and no words. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cavern/start.h>

int main(int argc, char **argv)
{
    char name[64] = "";
    if (argc == 1) {
        printf("Who is there? ");
        if (!fgets(name, sizeof(name), stdin))
            return EXIT_FAILURE;
        name[strcspn(name, "\n")] = 0;
        printf("Hello, %s.\n", name);
    }
    for (int i = 1; i < argc; i++)
        printf("Hello, %s.\n", argv[i]);
    printf("I was given:");
    for (const struct cavern_startup_handle *handle = NULL; (handle = cavern_startup_next(handle));)
        printf(" %s", handle->name);
    printf("\n");
    return EXIT_SUCCESS;
}
