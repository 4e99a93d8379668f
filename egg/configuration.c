/* SPDX-License-Identifier: BSD-2-Clause */
#include "configuration.h"

#include <string.h>

#include <libfdt.h>

#include "devices.h"

#define FILE_NAME "system.dtb"
#define COMMAND_OPTION "cavern.command="

struct reader {
    const void *blob;
    struct problems *problems;
};

static void complain(const struct reader *reader, const char *node, const char *property, const char *what)
{
    problem_add(reader->problems, CAVERN_LOG_ERROR, FILE_NAME ": %.40s: %.40s: %s", node, property, what);
}

/* A string property into `to`; false: it is there and not good. */
static bool read_text(const struct reader *reader, int node, const char *name, const char *property, char *to,
                      size_t size)
{
    int length;
    const char *text = fdt_getprop(reader->blob, node, property, &length);
    if (!text)
        return true;
    if (length < 1 || (size_t)length > size || memchr(text, 0, (size_t)length) != text + length - 1) {
        complain(reader, name, property, "not one string, or too long");
        return false;
    }
    memcpy(to, text, (size_t)length);
    return true;
}

/* One cell, or two for what is large. */
static bool read_number(const struct reader *reader, int node, const char *name, const char *property, uint64_t limit,
                        uint64_t *to)
{
    int length;
    const uint8_t *cells = fdt_getprop(reader->blob, node, property, &length);
    if (!cells)
        return true;
    uint64_t value = length == 4   ? fdt32_ld((const fdt32_t *)cells)
                     : length == 8 ? fdt64_ld((const fdt64_t *)cells)
                                   : 0;
    if ((length != 4 && length != 8) || value > limit) {
        complain(reader, name, property, "not one number, or too large");
        return false;
    }
    *to = value;
    return true;
}

static bool read_small(const struct reader *reader, int node, const char *name, const char *property, uint64_t limit,
                       uint32_t *to)
{
    uint64_t value = *to;
    bool good = read_number(reader, node, name, property, limit, &value);
    *to = (uint32_t)value;
    return good;
}

static bool read_restart(const struct reader *reader, int node, const char *name, uint8_t *restart)
{
    static const char *const policies[] = {
        [SUPERVISOR_PERMANENT] = "permanent",
        [SUPERVISOR_TRANSIENT] = "transient",
        [SUPERVISOR_TEMPORARY] = "temporary",
    };
    char text[16] = "";
    if (!read_text(reader, node, name, "restart", text, sizeof(text)))
        return false;
    for (uint8_t policy = SUPERVISOR_PERMANENT; policy <= SUPERVISOR_TEMPORARY; policy++)
        if (strcmp(text, policies[policy]) == 0)
            *restart = policy;
    if (text[0] && !*restart) {
        complain(reader, name, "restart", "not permanent, transient or temporary");
        return false;
    }
    return true;
}

/* A list of strings; `take` says whether it knows one. */
static bool read_list(const struct reader *reader, int node, const char *name, const char *property,
                      bool (*take)(struct configuration_program *program, const char *text),
                      struct configuration_program *program)
{
    int count = fdt_stringlist_count(reader->blob, node, property);
    for (int i = 0; i < count; i++) {
        const char *text = fdt_stringlist_get(reader->blob, node, property, i, NULL);
        if (!text || !take(program, text)) {
            complain(reader, name, property, text ? text : "not strings");
            return false;
        }
    }
    if (count < 0 && count != -FDT_ERR_NOTFOUND) {
        complain(reader, name, property, "not strings");
        return false;
    }
    return true;
}

static bool take_handle(struct configuration_program *program, const char *text)
{
    static const struct {
        const char *name;
        enum configuration_handle handle;
    } known[] = {
        {"machine-log", CONFIGURATION_MACHINE_LOG},         {"machine-power", CONFIGURATION_MACHINE_POWER},
        {"machine-inspect", CONFIGURATION_MACHINE_INSPECT}, {"root-inspect", CONFIGURATION_ROOT_INSPECT},
        {"supervisor", CONFIGURATION_SUPERVISOR},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(text, known[i].name) == 0) {
            program->handles |= known[i].handle;
            return true;
        }
    }
    return false;
}

static bool take_argument(struct configuration_program *program, const char *text)
{
    size_t length = strlen(text) + 1;
    if (length > sizeof(program->arguments) - program->argument_bytes)
        return false;
    memcpy(program->arguments + program->argument_bytes, text, length);
    program->argument_bytes += (uint32_t)length;
    return true;
}

/* The names in the registry: a string for each here, one string with spaces for the supervisor. */
static bool take_registered(struct configuration_program *program, const char *text)
{
    size_t used = strlen(program->registers);
    size_t length = strlen(text);
    if (!length || strchr(text, ' ') || used + length + 2 > sizeof(program->registers))
        return false;
    strcpy(program->registers + used + (used ? 1 : 0), text);
    if (used)
        program->registers[used] = ' ';
    return true;
}

static bool name_read(const struct reader *reader, int node, struct configuration_program *program)
{
    const char *name = fdt_get_name(reader->blob, node, NULL);
    if (!name || !*name || strlen(name) >= sizeof(program->name)) {
        complain(reader, name ? name : "?", "name", "empty, or too long");
        return false;
    }
    strcpy(program->name, name);
    return true;
}

static bool program_read(const struct reader *reader, int node, struct configuration_program *program)
{
    memset(program, 0, sizeof(*program));
    if (!name_read(reader, node, program))
        return false;
    const char *name = program->name;
    uint32_t priority = 0;
    bool good = read_text(reader, node, name, "program", program->program, sizeof(program->program)) &&
                read_list(reader, node, name, "register", take_registered, program) &&
                read_list(reader, node, name, "arguments", take_argument, program) &&
                read_list(reader, node, name, "handles", take_handle, program) &&
                read_restart(reader, node, name, &program->restart) &&
                read_small(reader, node, name, "priority", CAVERN_PRIORITIES - 1, &priority) &&
                read_number(reader, node, name, "memory", UINT64_C(1) << 48, &program->memory) &&
                read_number(reader, node, name, "state", UINT64_C(1) << 30, &program->state) &&
                read_small(reader, node, name, "blocks", UINT32_MAX, &program->blocks) &&
                read_small(reader, node, name, "slots", UINT32_MAX, &program->slots) &&
                read_small(reader, node, name, "stack", UINT32_MAX, &program->stack);
    program->priority = (uint8_t)priority;
    program->before_drivers = fdt_getprop(reader->blob, node, "before-drivers", NULL) != NULL;
    return good;
}

/* One of the two without which nothing runs. */
static bool read_needed(const struct reader *reader, const char *name, struct configuration_program *program)
{
    int node = fdt_subnode_offset(reader->blob, 0, name);
    if (node < 0) {
        complain(reader, name, "node", "missing");
        return false;
    }
    if (!program_read(reader, node, program))
        return false;
    if (!program->program[0] || !program->priority || !program->blocks || !program->state) {
        complain(reader, name, "node", "needs program, priority, blocks and state");
        return false;
    }
    return true;
}

static bool name_known(const struct configuration_program *programs, unsigned count, const char *name)
{
    for (unsigned i = 0; i < count; i++)
        if (strcmp(programs[i].name, name) == 0)
            return true;
    return false;
}

/* The nodes below `parent`; those that are not good are left out. */
static unsigned read_programs(const struct reader *reader, const char *parent, struct configuration_program *programs,
                              unsigned limit, bool need_program)
{
    unsigned count = 0;
    int folder = fdt_subnode_offset(reader->blob, 0, parent);
    int node;
    if (folder < 0)
        return 0;
    fdt_for_each_subnode(node, reader->blob, folder)
    {
        if (count == limit) {
            complain(reader, parent, "node", "too many");
            break;
        }
        struct configuration_program *program = &programs[count];
        if (!program_read(reader, node, program))
            continue;
        if (need_program && !program->program[0])
            complain(reader, program->name, "program", "missing");
        else if (name_known(programs, count, program->name))
            complain(reader, program->name, "name", "there twice");
        else
            count++;
    }
    return count;
}

static const struct configuration_program *program_named(const struct configuration *configuration, const char *name)
{
    for (unsigned i = 0; i < configuration->service_count; i++)
        if (strcmp(configuration->services[i].name, name) == 0)
            return &configuration->services[i];
    return configuration_driver(configuration, name);
}

static unsigned priority_of(const struct configuration *configuration, const struct configuration_program *program)
{
    bool is_driver = program >= configuration->drivers && program < configuration->drivers + CONFIGURATION_DRIVERS_MAX;
    return program->priority ? program->priority : is_driver ? SUPERVISOR_DRIVER_PRIORITY : SUPERVISOR_SERVICE_PRIORITY;
}

/* A server stands at or above its clients. */
static void check_priority(const struct reader *reader, const struct configuration *configuration,
                           const struct configuration_program *server, const struct configuration_program *client)
{
    unsigned above = priority_of(configuration, server), below = priority_of(configuration, client);
    if (above < below)
        problem_add(reader->problems, CAVERN_LOG_WARNING,
                    FILE_NAME ": %s: priority %u is below that of its client %s, %u", server->name, above, client->name,
                    below);
}

static void check_uses(const struct reader *reader, int node, const struct configuration *configuration,
                       const struct configuration_program *client)
{
    int count = fdt_stringlist_count(reader->blob, node, "uses");
    for (int i = 0; i < count; i++) {
        const char *name = fdt_stringlist_get(reader->blob, node, "uses", i, NULL);
        const struct configuration_program *server = name ? program_named(configuration, name) : NULL;
        if (server)
            check_priority(reader, configuration, server, client);
        else
            complain(reader, client->name, "uses", "no such service or driver");
    }
}

static void check_priorities(const struct reader *reader, const struct configuration *configuration)
{
    int folder = fdt_subnode_offset(reader->blob, 0, "services");
    int node;
    if (folder < 0)
        return;
    fdt_for_each_subnode(node, reader->blob, folder)
    {
        const char *name = fdt_get_name(reader->blob, node, NULL);
        const struct configuration_program *client = name ? program_named(configuration, name) : NULL;
        if (client)
            check_uses(reader, node, configuration, client);
    }
    for (unsigned i = 0; i < configuration->service_count; i++)
        check_priority(reader, configuration, &configuration->registry, &configuration->services[i]);
}

bool configuration_read(const void *blob, size_t size, struct configuration *configuration, struct problems *problems)
{
    struct reader reader = {blob, problems};
    memset(configuration, 0, sizeof(*configuration));
    int error = devices_blob_check(blob, size);
    if (error) {
        problem_add(problems, CAVERN_LOG_ERROR, FILE_NAME ": %s", fdt_strerror(error));
        return false;
    }
    if (!read_needed(&reader, "registry", &configuration->registry) ||
        !read_needed(&reader, "supervisor", &configuration->supervisor))
        return false;
    configuration->service_count =
        read_programs(&reader, "services", configuration->services, CONFIGURATION_SERVICES_MAX, true);
    configuration->driver_count =
        read_programs(&reader, "drivers", configuration->drivers, CONFIGURATION_DRIVERS_MAX, false);
    check_priorities(&reader, configuration);
    return true;
}

const struct configuration_program *configuration_driver(const struct configuration *configuration, const char *name)
{
    for (unsigned i = 0; i < configuration->driver_count; i++)
        if (strcmp(configuration->drivers[i].name, name) == 0)
            return &configuration->drivers[i];
    return NULL;
}

/* Boot arguments. */

static int hexadecimal(char digit)
{
    return digit >= '0' && digit <= '9'   ? digit - '0'
           : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10
           : digit >= 'A' && digit <= 'F' ? digit - 'A' + 10
                                          : -1;
}

/* One character, or %XX; -1: not good. */
static int decode(const char **text)
{
    char first = *(*text)++;
    if (first != '%')
        return (unsigned char)first;
    int high = hexadecimal(**text);
    int low = high < 0 ? -1 : hexadecimal((*text)[1]);
    if (low < 0 || high * 16 + low == 0)
        return -1;
    *text += 2;
    return high * 16 + low;
}

static const char *option_find(const char *bootargs, const char *option)
{
    while (*bootargs) {
        bootargs += strspn(bootargs, " ");
        if (strncmp(bootargs, option, strlen(option)) == 0)
            return bootargs + strlen(option);
        bootargs += strcspn(bootargs, " ");
    }
    return NULL;
}

bool configuration_command(const char *bootargs, char *command, size_t size, struct problems *problems)
{
    const char *text = option_find(bootargs, COMMAND_OPTION);
    size_t used = 0;
    command[0] = 0;
    while (text && *text && *text != ' ') {
        int character = decode(&text);
        if (character < 0 || used + 1 >= size) {
            problem_add(problems, CAVERN_LOG_ERROR, "bootargs: " COMMAND_OPTION " is not encoded well, or too long");
            command[0] = 0;
            return false;
        }
        command[used++] = (char)character;
    }
    command[used] = 0;
    return text != NULL;
}

unsigned configuration_expand(const struct configuration_program *program, const char *stdout_name, const char *command,
                              char *arguments, size_t size, uint32_t *bytes)
{
    unsigned count = 0;
    *bytes = 0;
    for (uint32_t at = 0; at < program->argument_bytes; at += (uint32_t)strlen(program->arguments + at) + 1) {
        const char *text = program->arguments + at;
        bool is_stdout = strcmp(text, "%stdout") == 0;
        bool is_command = strcmp(text, "%command") == 0;
        text = is_stdout ? stdout_name : is_command ? command : text;
        size_t length = strlen(text) + 1;
        if (((is_stdout || is_command) && !*text) || length > size - *bytes)
            continue;
        memcpy(arguments + *bytes, text, length);
        *bytes += (uint32_t)length;
        count++;
    }
    return count;
}
