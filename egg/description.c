/* SPDX-License-Identifier: BSD-2-Clause */
#include "description.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define VOLUME "/volume/init/"

enum {
    LABEL_OPERATOR = 2, /* the first of an administrator of the supervisor who is not the egg */
    DRIVER_BLOCKS = 256,
    DRIVER_SLOTS = 64,
};

const char *child_name(const struct child *child)
{
    return child->device ? child->device->name : child->program->name;
}

uint64_t child_memory(const struct child *child)
{
    bool said = child->program && child->program->memory;
    return said ? child->program->memory : child->device ? SUPERVISOR_DRIVER_MEMORY : SUPERVISOR_SERVICE_MEMORY;
}

uint64_t child_operator_label(const struct children *children, const struct child *child)
{
    uint64_t label = LABEL_OPERATOR;
    for (const struct child *other = children->list; other < child; other++)
        label += other->program && (other->program->handles & CONFIGURATION_SUPERVISOR);
    return label <= SUPERVISOR_ADMINISTRATORS ? label : 0;
}

/* False: it does not fit. */
__attribute__((format(printf, 3, 4))) static bool text_put(char *to, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(to, size, format, arguments);
    va_end(arguments);
    return length >= 0 && (size_t)length < size;
}

static bool argument_put(struct description *description, const char *text)
{
    size_t length = strlen(text) + 1;
    if (length > sizeof(description->arguments) - description->child.length)
        return false;
    memcpy(description->arguments + description->child.length, text, length);
    description->child.length += (uint32_t)length;
    description->child.arguments++;
    return true;
}

/* Its arguments: the name under which it registers, what matched, the node's path. */
static bool describe_driver(const struct children *children, const struct device *device,
                            struct description *description)
{
    const struct device_driver *driver = &children->drivers[device->driver];
    struct supervisor_child *child = &description->child;
    char path[DEVICE_PATH_MAX];
    child->class = SUPERVISOR_DRIVER;
    child->restart = (uint8_t)(SUPERVISOR_PERMANENT + driver->manifest.restart);
    child->stack = driver->manifest.stack_bytes;
    child->blocks = DRIVER_BLOCKS;
    child->slots = DRIVER_SLOTS;
    return text_put(child->permitted, RPC_NAME_MAX, "/device/%s", device->name) &&
           text_put(child->program, sizeof(child->program), VOLUME "%s", driver->path) &&
           argument_put(description, child->permitted) && argument_put(description, device->compatible) &&
           !devices_path(children->tree, device->node, path, sizeof(path)) && argument_put(description, path);
}

/* Of a driver all but its program can be configured, on top of what it is and registers anyway. */
static bool describe_configured(const struct children *children, const struct configuration_program *program,
                                bool is_driver, struct description *description)
{
    struct supervisor_child *child = &description->child;
    size_t used = strlen(child->permitted);
    uint32_t bytes;
    if (!is_driver && !text_put(child->program, sizeof(child->program), VOLUME "%s", program->program))
        return false;
    if (program->registers[0] && !text_put(child->permitted + used, sizeof(child->permitted) - used, "%s%s",
                                           used ? " " : "", program->registers))
        return false;
    child->restart = program->restart ? program->restart : child->restart;
    child->priority = program->priority;
    child->stack = program->stack ? program->stack : child->stack;
    child->blocks = program->blocks ? program->blocks : child->blocks;
    child->slots = program->slots ? program->slots : child->slots;
    unsigned count =
        configuration_expand(program, children->stdout_name, children->command, description->arguments + child->length,
                             sizeof(description->arguments) - child->length, &bytes);
    child->arguments = (uint8_t)(child->arguments + count);
    child->length += bytes;
    return true;
}

enum cavern_status description_make(const struct children *children, const struct child *child,
                                    struct description *description)
{
    memset(description, 0, sizeof(*description));
    description->child.class = SUPERVISOR_SERVICE;
    description->child.restart = SUPERVISOR_PERMANENT;
    description->child.memory = child_memory(child);
    snprintf(description->child.name, sizeof(description->child.name), "%s", child_name(child));
    bool fits = (!child->device || describe_driver(children, child->device, description)) &&
                (!child->program || describe_configured(children, child->program, child->device, description));
    return fits ? CAVERN_OK : CAVERN_TOO_LARGE;
}

enum cavern_status child_handles_put(struct child_handles *handles, const char *name, unsigned index,
                                     const struct child_handle *handle)
{
    if (handles->count == SUPERVISOR_HANDLES_MAX)
        return CAVERN_TOO_LARGE;
    struct child_handle *entry = &handles->list[handles->count++];
    *entry = *handle;
    snprintf(entry->name, sizeof(entry->name), name, index);
    return CAVERN_OK;
}
