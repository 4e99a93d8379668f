/* SPDX-License-Identifier: BSD-2-Clause */
#include "children.h"

#include <string.h>

#include <cavern/buffer.h>
#include <cavern/handles.h>
#include <cavern/send.h>
#include <cavern/stubs.h>

enum {
    OPERATOR_MESSAGES = 32, /* limits of a sender to the supervisor */
    OPERATOR_REQUESTS = 16,
    NODE_BYTES = CAVERN_PAGE_SIZE,
};

_Static_assert(DEVICE_RANGES_MAX + DEVICE_LINES_MAX + 2 <= SUPERVISOR_HANDLES_MAX, "registers, lines, the node, dma");

static struct child_handles prepared; /* of the child that is being started */

/* `own`: it was made for this child, and goes where there is no room for it. */
static enum cavern_status put(const char *name, unsigned index, cavern_handle handle, uint64_t rights, bool own,
                              uint64_t value0, uint64_t value1)
{
    struct child_handle entry = {
        .handle = handle, .rights = rights | CAVERN_RIGHT_COPY, .values = {value0, value1}, .own = own};
    enum cavern_status status = child_handles_put(&prepared, name, index, &entry);
    if (status && own)
        cavern_handle_close(handle);
    return status;
}

void child_discard(void)
{
    for (unsigned i = 0; i < prepared.count; i++)
        if (prepared.list[i].own)
            cavern_handle_close(prepared.list[i].handle);
    prepared.count = 0;
}

/* A device. */

static enum cavern_status prepare_range(const struct children *children, const struct device_resources *resources,
                                        unsigned index)
{
    cavern_handle buffer;
    uint64_t base = resources->ranges[index].base, size = resources->ranges[index].size;
    if (!size)
        return CAVERN_OK;
    enum cavern_status status = cavern_sys_derive(children->devices, base, size, 0, CAVERN_SELF_ACCOUNT, &buffer);
    return status ? status : put("reg%u", index, buffer, CAVERN_RIGHT_READ | CAVERN_RIGHT_WRITE, true, size, base);
}

static enum cavern_status prepare_line(const struct children *children, const struct device_resources *resources,
                                       unsigned index)
{
    cavern_handle interrupt;
    uint32_t line = resources->lines[index].line;
    enum cavern_status status = cavern_sys_derive(children->interrupts, line, 1, resources->lines[index].trigger,
                                                  CAVERN_SELF_ACCOUNT, &interrupt);
    return status ? status : put("irq%u", index, interrupt, CAVERN_RIGHT_MANAGE, true, line, 1);
}

/* A tree of its own with the node's properties, sealed. */
static enum cavern_status prepare_node(const struct children *children, const struct device *device)
{
    cavern_handle buffer;
    void *copy;
    enum cavern_status status = cavern_buffer_create(CAVERN_SELF_ACCOUNT, NODE_BYTES, 0, &buffer);
    if (status)
        return status;
    status = put("node", 0, buffer, CAVERN_RIGHT_READ, true, NODE_BYTES, 0);
    if (status)
        return status;
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
    return status ? status : put(CAVERN_STARTUP_DMA, 0, dma, CAVERN_RIGHT_MANAGE | CAVERN_RIGHT_INSPECT, true, 0, 0);
}

static enum cavern_status prepare_device(const struct children *children, const struct device *device)
{
    struct device_resources resources;
    enum cavern_status status = devices_resources(children->tree, device->node, &resources);
    for (unsigned i = 0; !status && i < resources.range_count; i++)
        status = prepare_range(children, &resources, i);
    for (unsigned i = 0; !status && i < resources.line_count; i++)
        status = prepare_line(children, &resources, i);
    if (!status && children->drivers[device->driver].manifest.dma)
        status = prepare_dma(children);
    return status ? status : prepare_node(children, device);
}

/* What is configured. */

static enum cavern_status prepare_operator(const struct children *children, const struct child *child)
{
    uint64_t label = child_operator_label(children, child);
    cavern_handle sender;
    if (!label)
        return CAVERN_NO_MEMORY;
    enum cavern_status status =
        cavern_sender_mint(children->supervisor_queue, label, OPERATOR_MESSAGES, OPERATOR_REQUESTS, 0, &sender);
    return status ? status : put("supervisor", 0, sender, CAVERN_RIGHT_SEND | CAVERN_RIGHT_REQUEST, true, 0, 0);
}

static enum cavern_status prepare_configured(const struct children *children, const struct child *child)
{
    uint32_t wanted = child->program->handles;
    uint64_t machine = (wanted & CONFIGURATION_MACHINE_LOG ? CAVERN_RIGHT_LOG : 0) |
                       (wanted & CONFIGURATION_MACHINE_POWER ? CAVERN_RIGHT_POWER : 0) |
                       (wanted & CONFIGURATION_MACHINE_INSPECT ? CAVERN_RIGHT_INSPECT : 0);
    enum cavern_status status = CAVERN_OK;
    if (machine)
        status = put(CAVERN_STARTUP_MACHINE, 0, children->machine, machine, false, 0, 0);
    if (!status && (wanted & CONFIGURATION_ROOT_INSPECT))
        status = put(CAVERN_STARTUP_ROOT, 0, children->root, CAVERN_RIGHT_INSPECT, false, 0, 0);
    if (!status && (wanted & CONFIGURATION_SUPERVISOR))
        status = prepare_operator(children, child);
    return status;
}

enum cavern_status child_prepare(const struct children *children, const struct child *child, unsigned *count)
{
    enum cavern_status status = child->program ? prepare_configured(children, child) : CAVERN_OK;
    if (!status && child->device)
        status = prepare_device(children, child->device);
    *count = prepared.count;
    return status;
}

/* Requests. */

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
    enum cavern_status status = description_make(children, child, &description);
    if (status)
        return status;
    description.child.request =
        (struct rpc_request){.operation = SUPERVISOR_BEGIN, .version = RPC_VERSION, .attempt = (uint8_t)attempt};
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
