/* SPDX-License-Identifier: BSD-2-Clause */
#include "children.h"

#include <stdio.h>
#include <string.h>

#include <cavern/buffer.h>
#include <cavern/handles.h>
#include <cavern/log.h>
#include <cavern/protocol/supervisor.h>
#include <cavern/send.h>
#include <cavern/start.h>
#include <cavern/stubs.h>

#define VOLUME "/volume/init/"

enum {
    HANDLES_MAX = 16,   /* as many as the supervisor takes */
    LABEL_OPERATOR = 2, /* an administrator of the supervisor who is not the egg */
    OPERATOR_MESSAGES = 32,
    OPERATOR_REQUESTS = 16,
    DRIVER_BLOCKS = 256,
    DRIVER_SLOTS = 64,
    NODE_BYTES = CAVERN_PAGE_SIZE,
};

_Static_assert(DEVICE_RANGES_MAX + DEVICE_LINES_MAX + 2 <= HANDLES_MAX, "registers, lines, the node, dma");

/* Of the child that is being prepared. */
static struct {
    unsigned count;
    struct {
        char name[CAVERN_STARTUP_NAME_SIZE];
        cavern_handle handle;
        uint64_t rights;
        uint64_t values[3];
        bool own; /* made for this child */
    } list[HANDLES_MAX];
} prepared;

static void put(const char *name, unsigned index, cavern_handle handle, uint64_t rights, bool own, uint64_t value0,
                uint64_t value1)
{
    typeof(&prepared.list[0]) entry = &prepared.list[prepared.count++];
    snprintf(entry->name, sizeof(entry->name), name, index);
    entry->handle = handle;
    entry->rights = rights | CAVERN_RIGHT_COPY;
    entry->own = own;
    entry->values[0] = value0;
    entry->values[1] = value1;
    entry->values[2] = 0;
}

void child_discard(void)
{
    for (unsigned i = 0; i < prepared.count; i++)
        if (prepared.list[i].own)
            cavern_handle_close(prepared.list[i].handle);
    prepared.count = 0;
}

const char *child_name(const struct child *child)
{
    return child->device ? child->device->name : child->program->name;
}

uint64_t child_memory(const struct child *child)
{
    bool said = child->program && child->program->memory;
    return said ? child->program->memory : child->device ? SUPERVISOR_DRIVER_MEMORY : SUPERVISOR_SERVICE_MEMORY;
}

/* A device. */

static enum cavern_status prepare_range(const struct children *children, const struct device_resources *resources,
                                        unsigned index)
{
    cavern_handle buffer;
    uint64_t base = resources->ranges[index].base, size = resources->ranges[index].size;
    enum cavern_status status = cavern_sys_derive(children->devices, base, size, 0, CAVERN_SELF_ACCOUNT, &buffer);
    if (!status)
        put("reg%u", index, buffer, CAVERN_RIGHT_READ | CAVERN_RIGHT_WRITE, true, size, base);
    return status;
}

static enum cavern_status prepare_line(const struct children *children, const struct device_resources *resources,
                                       unsigned index)
{
    cavern_handle interrupt;
    uint32_t line = resources->lines[index].line;
    enum cavern_status status = cavern_sys_derive(children->interrupts, line, 1, resources->lines[index].trigger,
                                                  CAVERN_SELF_ACCOUNT, &interrupt);
    if (!status)
        put("irq%u", index, interrupt, CAVERN_RIGHT_MANAGE, true, line, 1);
    return status;
}

/* A tree of its own with the node's properties, sealed. */
static enum cavern_status prepare_node(const struct children *children, const struct device *device)
{
    cavern_handle buffer;
    void *copy;
    enum cavern_status status = cavern_buffer_create(CAVERN_SELF_ACCOUNT, NODE_BYTES, 0, &buffer);
    if (status)
        return status;
    put("node", 0, buffer, CAVERN_RIGHT_READ, true, NODE_BYTES, 0);
    status = cavern_buffer_map(buffer, 0, NODE_BYTES, CAVERN_PROT_READ | CAVERN_PROT_WRITE, &copy);
    if (!status) {
        status = devices_copy_node(children->tree, device->node, copy, NODE_BYTES);
        cavern_buffer_unmap(copy, NODE_BYTES);
    }
    return status ? status : cavern_buffer_seal(buffer);
}

/* A view of its own: what the driver maps goes when the last of its incarnations has gone. */
static enum cavern_status prepare_dma(const struct children *children)
{
    cavern_handle dma;
    enum cavern_status status = cavern_sys_derive(children->dma, 0, 0, 0, CAVERN_SELF_ACCOUNT, &dma);
    if (!status)
        put(CAVERN_STARTUP_DMA, 0, dma, CAVERN_RIGHT_MANAGE | CAVERN_RIGHT_INSPECT, true, 0, 0);
    return status;
}

static enum cavern_status prepare_device(const struct children *children, const struct device *device)
{
    struct device_resources resources;
    enum cavern_status status = devices_resources(children->tree, device->node, &resources);
    for (unsigned i = 0; !status && i < resources.range_count; i++) {
        if (resources.ranges[i].shared) {
            cavern_log(CAVERN_LOG_ERROR, "%s: its registers share a page with another node's, so they can't be mapped",
                       device->name);
            return CAVERN_UNSUPPORTED;
        }
        status = prepare_range(children, &resources, i);
    }
    for (unsigned i = 0; !status && i < resources.line_count; i++)
        status = prepare_line(children, &resources, i);
    if (!status && children->drivers[device->driver].manifest.dma)
        status = prepare_dma(children);
    return status ? status : prepare_node(children, device);
}

/* A service. */

static enum cavern_status prepare_configured(const struct children *children, uint32_t wanted)
{
    uint64_t machine = (wanted & CONFIGURATION_MACHINE_LOG ? CAVERN_RIGHT_LOG : 0) |
                       (wanted & CONFIGURATION_MACHINE_POWER ? CAVERN_RIGHT_POWER : 0) |
                       (wanted & CONFIGURATION_MACHINE_INSPECT ? CAVERN_RIGHT_INSPECT : 0);
    cavern_handle sender;
    if (machine)
        put(CAVERN_STARTUP_MACHINE, 0, children->machine, machine, false, 0, 0);
    if (wanted & CONFIGURATION_ROOT_INSPECT)
        put(CAVERN_STARTUP_ROOT, 0, children->root, CAVERN_RIGHT_INSPECT, false, 0, 0);
    if (!(wanted & CONFIGURATION_SUPERVISOR))
        return CAVERN_OK;
    enum cavern_status status = cavern_sender_mint(children->supervisor_queue, LABEL_OPERATOR, OPERATOR_MESSAGES,
                                                   OPERATOR_REQUESTS, 0, &sender);
    if (!status)
        put("supervisor", 0, sender, CAVERN_RIGHT_SEND | CAVERN_RIGHT_REQUEST, true, 0, 0);
    return status;
}

enum cavern_status child_prepare(const struct children *children, const struct child *child, unsigned *count)
{
    enum cavern_status status = child->program ? prepare_configured(children, child->program->handles) : CAVERN_OK;
    if (!status && child->device)
        status = prepare_device(children, child->device);
    *count = prepared.count;
    return status;
}

/* Requests. */

struct description {
    struct supervisor_child child;
    char arguments[CONFIGURATION_ARGUMENTS_MAX];
};

static void argument_put(struct description *description, const char *text)
{
    size_t length = strlen(text) + 1;
    if (length <= sizeof(description->arguments) - description->child.length) {
        memcpy(description->arguments + description->child.length, text, length);
        description->child.length += (uint32_t)length;
        description->child.arguments++;
    }
}

/* The name under which it registers, what matched, the node's path. */
static void describe_driver(const struct children *children, const struct device *device,
                            struct description *description)
{
    const struct device_driver *driver = &children->drivers[device->driver];
    struct supervisor_child *child = &description->child;
    char path[DEVICE_PATH_MAX], name[RPC_NAME_MAX];
    snprintf(name, sizeof(name), "/device/%s", device->name);
    snprintf(child->program, sizeof(child->program), VOLUME "%s", driver->path);
    snprintf(child->permitted, sizeof(child->permitted), "%s", name);
    child->class = SUPERVISOR_DRIVER;
    child->restart = (uint8_t)(SUPERVISOR_PERMANENT + driver->manifest.restart);
    child->stack = driver->manifest.stack_bytes;
    child->blocks = DRIVER_BLOCKS;
    child->slots = DRIVER_SLOTS;
    argument_put(description, name);
    argument_put(description, device->compatible);
    argument_put(description, devices_path(children->tree, device->node, path, sizeof(path)) ? "" : path);
}

static void describe_configured(const struct children *children, const struct configuration_program *program,
                                struct description *description)
{
    struct supervisor_child *child = &description->child;
    uint32_t bytes;
    if (program->program[0])
        snprintf(child->program, sizeof(child->program), VOLUME "%s", program->program);
    if (program->registers[0])
        snprintf(child->permitted, sizeof(child->permitted), "%s", program->registers);
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
}

static enum cavern_status ask(const struct children *children, const struct cavern_outgoing *out,
                              const struct cavern_queue *queue, uint64_t token)
{
    unsigned blocks = cavern_blocks(sizeof(struct rpc_reply), 0);
    return cavern_request(children->supervisor, token, out, queue, blocks, NULL);
}

enum cavern_status child_begin(const struct children *children, const struct child *child, unsigned attempt,
                               const struct cavern_queue *queue, uint64_t token)
{
    static struct description description;
    memset(&description, 0, sizeof(description));
    description.child.request =
        (struct rpc_request){.operation = SUPERVISOR_BEGIN, .version = RPC_VERSION, .attempt = (uint8_t)attempt};
    description.child.class = SUPERVISOR_SERVICE;
    description.child.restart = SUPERVISOR_PERMANENT;
    description.child.memory = child_memory(child);
    snprintf(description.child.name, sizeof(description.child.name), "%s", child_name(child));
    if (child->device)
        describe_driver(children, child->device, &description);
    if (child->program)
        describe_configured(children, child->program, &description);
    struct cavern_outgoing out = {
        .payload = &description,
        .size = (uint32_t)sizeof(description.child) + description.child.length,
    };
    return ask(children, &out, queue, token);
}

enum cavern_status child_add(const struct children *children, uint32_t number, unsigned first, unsigned count,
                             const struct cavern_queue *queue, uint64_t token)
{
    struct supervisor_add add = {
        .request = {.operation = SUPERVISOR_ADD, .version = RPC_VERSION, .value = number},
    };
    struct cavern_grant grants[4];
    for (unsigned i = 0; i < count; i++) {
        memcpy(add.handles[i].name, prepared.list[first + i].name, sizeof(add.handles[i].name));
        memcpy(add.handles[i].values, prepared.list[first + i].values, sizeof(add.handles[i].values));
        grants[i] = (struct cavern_grant){prepared.list[first + i].handle, prepared.list[first + i].rights};
    }
    struct cavern_outgoing out = {
        .payload = &add, .size = sizeof(add), .grants = grants, .grant_count = (uint8_t)count};
    return ask(children, &out, queue, token);
}

enum cavern_status child_start(const struct children *children, uint32_t number, const struct cavern_queue *queue,
                               uint64_t token)
{
    struct rpc_request request = {.operation = SUPERVISOR_START, .version = RPC_VERSION, .value = number};
    return ask(children, &(struct cavern_outgoing){.payload = &request, .size = sizeof(request)}, queue, token);
}
