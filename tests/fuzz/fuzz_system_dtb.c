/* SPDX-License-Identifier: BSD-2-Clause */
/* Boot arguments, ended by a 0, and a system.dtb. */
#include "fuzz.h"

#include "../../egg/configuration.h"

#define ENDED(field) DEMAND(memchr(field, 0, sizeof(field)))

/* `count` strings, each ended by 0, in `bytes` bytes. */
static void check_arguments(const char *arguments, uint32_t bytes, unsigned count)
{
    unsigned ended = 0;
    for (uint32_t i = 0; i < bytes; i++)
        ended += arguments[i] == 0;
    DEMAND(bytes == 0 || arguments[bytes - 1] == 0);
    DEMAND(ended == count);
}

static void check_program(const struct configuration_program *program, const char *command)
{
    ENDED(program->name);
    ENDED(program->program);
    ENDED(program->registers);
    DEMAND(program->argument_bytes <= CONFIGURATION_ARGUMENTS_MAX);
    DEMAND(program->argument_bytes == 0 || program->arguments[program->argument_bytes - 1] == 0);
    for (size_t room = CONFIGURATION_ARGUMENTS_MAX; room > 8; room /= 3) {
        char *arguments = malloc(room);
        DEMAND(arguments);
        uint32_t bytes;
        unsigned count = configuration_expand(program, "uart@9000000", command, arguments, room, &bytes);
        DEMAND(bytes <= room);
        check_arguments(arguments, bytes, count);
        free(arguments);
    }
}

static void check(const struct configuration *configuration, const char *command)
{
    DEMAND(configuration->service_count <= CONFIGURATION_SERVICES_MAX);
    DEMAND(configuration->driver_count <= CONFIGURATION_DRIVERS_MAX);
    check_program(&configuration->registry, command);
    check_program(&configuration->supervisor, command);
    for (unsigned i = 0; i < configuration->service_count; i++)
        check_program(&configuration->services[i], command);
    for (unsigned i = 0; i < configuration->driver_count; i++) {
        check_program(&configuration->drivers[i], command);
        DEMAND(configuration_driver(configuration, configuration->drivers[i].name));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct configuration configuration;
    static struct problems problems;
    static char command[64];
    struct input input = {data, size};
    char *bootargs = input_string(&input, strnlen((const char *)data, size));
    size_t length;
    (void)input_number(&input, 1);
    void *blob = input_rest(&input, &length);
    problems.count = problems.lost = 0;
    bool given = configuration_command(bootargs, command, sizeof command, &problems);
    ENDED(command);
    DEMAND(given || !command[0]);
    if (configuration_read(blob, length, &configuration, &problems))
        check(&configuration, command);
    for (unsigned i = 0; i < problems.count; i++)
        ENDED(problems.list[i].text);
    free(bootargs);
    free(blob);
    return 0;
}
