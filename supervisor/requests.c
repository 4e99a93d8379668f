/* SPDX-License-Identifier: BSD-2-Clause */
/* What clients ask for: see policy.h. Pure. */
#include "policy.h"

#include <string.h>

#include "table.h"

/* What the supervisor chooses where the description says 0, by class. */
static const uint64_t default_memory[] = {
    [SUPERVISOR_DRIVER] = SUPERVISOR_DRIVER_MEMORY,
    [SUPERVISOR_SERVICE] = SUPERVISOR_SERVICE_MEMORY,
    [SUPERVISOR_PROGRAM] = SUPERVISOR_PROGRAM_MEMORY,
};
static const uint8_t default_priority[] = {
    [SUPERVISOR_DRIVER] = SUPERVISOR_DRIVER_PRIORITY,
    [SUPERVISOR_SERVICE] = SUPERVISOR_SERVICE_PRIORITY,
    [SUPERVISOR_PROGRAM] = SUPERVISOR_PROGRAM_PRIORITY,
};

/* Requests. Each function answers its request, now or by a waiter, unless it returns a failure. */

struct context {
    struct supervisor *supervisor;
    const struct supervisor_input *input;
    struct supervisor_effects *effects;
    struct supervisor_record *child; /* that the payload names */
};

static bool arguments_valid(const struct supervisor_child *description, uint32_t size)
{
    if (description->length > SUPERVISOR_ARGUMENTS_MAX || description->length > size - sizeof(*description))
        return false;
    const char *bytes = (const char *)(description + 1);
    unsigned strings = 0;
    for (uint32_t i = 0; i < description->length; i++)
        strings += bytes[i] == 0;
    return strings == description->arguments && (!description->length || bytes[description->length - 1] == 0);
}

static bool description_valid(const struct supervisor_child *description, uint32_t size)
{
    return name_valid(description->name, sizeof(description->name)) &&
           name_valid(description->program, sizeof(description->program)) &&
           memchr(description->permitted, 0, sizeof(description->permitted)) &&
           description->restart >= SUPERVISOR_PERMANENT && description->restart <= SUPERVISOR_TEMPORARY &&
           description->class >= SUPERVISOR_DRIVER && description->class <= SUPERVISOR_PROGRAM &&
           description->priority < CAVERN_PRIORITIES && arguments_valid(description, size);
}

static void describe(struct supervisor_record *child, const struct supervisor_child *description)
{
    child->restart = description->restart;
    child->class = description->class;
    child->priority = description->priority ? description->priority : default_priority[description->class];
    child->memory = description->memory ? description->memory : default_memory[description->class];
    child->blocks = description->blocks;
    child->slots = description->slots;
    child->stack = description->stack;
    child->arguments = description->arguments;
    child->length = description->length;
    strcpy(child->name, description->name);
    strcpy(child->program, description->program);
    strcpy(child->permitted, description->permitted);
    memcpy(child->argument_bytes, description + 1, description->length);
}

/* A temporary child whose end nobody has asked for yet, or one that was begun long ago and not started. */
static bool is_leftover(const struct supervisor_record *child, uint64_t now)
{
    return (child->restart == SUPERVISOR_TEMPORARY && is_over(child)) ||
           (child->state == SUPERVISOR_STATE_NEW && now - child->since >= SUPERVISOR_PERIOD);
}

/* A free place; where there is none the oldest leftover makes way. */
static struct supervisor_record *place_take(struct supervisor *supervisor, uint64_t now,
                                            struct supervisor_effects *effects)
{
    struct supervisor_record *oldest = NULL;
    for (unsigned i = 0; i < SUPERVISOR_CHILDREN_MAX; i++) {
        struct supervisor_record *child = &supervisor->children[i];
        if (!child->number)
            return child;
        if (is_leftover(child, now) && (!oldest || child->since < oldest->since))
            oldest = child;
    }
    if (oldest)
        forget(oldest, effects);
    return oldest;
}

static enum cavern_status request_begin(struct context *context)
{
    const struct supervisor_child *description = context->input->payload;
    if (!description_valid(description, context->input->size))
        return CAVERN_BAD_ARGUMENT;
    struct supervisor_record *child = child_named(context->supervisor, description->name);
    if (child) {
        bool begun = child->state == SUPERVISOR_STATE_NEW && child->beginner == context->input->label;
        if (!begun && !is_leftover(child, context->input->now))
            return CAVERN_EXISTS;
        forget(child, context->effects);
    }
    child = place_take(context->supervisor, context->input->now, context->effects);
    if (!child)
        return CAVERN_NO_MEMORY;
    child->number = context->supervisor->next_number++;
    child->beginner = context->input->label;
    describe(child, description);
    state_set(child, SUPERVISOR_STATE_NEW, context->input->now);
    reply_add(context->effects, context->input->request, CAVERN_OK, child->number);
    return CAVERN_OK;
}

static enum cavern_status request_add(struct context *context)
{
    const struct supervisor_add *add = context->input->payload;
    struct supervisor_record *child = context->child;
    unsigned count = context->input->grant_count;
    if (child->state != SUPERVISOR_STATE_NEW)
        return CAVERN_BUSY;
    if (count == 0 || child->handle_count + count > SUPERVISOR_HANDLES_MAX)
        return CAVERN_BAD_ARGUMENT;
    for (unsigned i = 0; i < count; i++) {
        if (!context->input->grants[i].handle)
            return CAVERN_NO_MEMORY;
        if (!name_valid(add->handles[i].name, sizeof(add->handles[i].name)))
            return CAVERN_BAD_ARGUMENT;
    }
    for (unsigned i = 0; i < count; i++) {
        struct supervisor_handle *handle = &child->handles[child->handle_count++];
        memset(handle, 0, sizeof(*handle));
        strcpy(handle->name, add->handles[i].name);
        handle->handle = context->input->grants[i].handle;
        handle->rights = context->input->grants[i].rights;
        memcpy(handle->values, add->handles[i].values, sizeof(handle->values));
    }
    reply_add(context->effects, context->input->request, CAVERN_OK, 0);
    return CAVERN_OK;
}

static enum cavern_status wait_for(struct context *context, uint32_t operation)
{
    bool added = waiter_add(context->supervisor, context->input->request, context->child->number, operation);
    return added ? CAVERN_OK : CAVERN_NO_MEMORY;
}

static enum cavern_status request_start(struct context *context)
{
    if (context->child->state != SUPERVISOR_STATE_NEW)
        return CAVERN_BUSY;
    enum cavern_status status = wait_for(context, SUPERVISOR_START);
    if (!status)
        starting(context->child, context->input->now);
    return status;
}

static void end_process(struct context *context)
{
    effect_add(context->effects, SUPERVISOR_EFFECT_END)->handle = context->child->held.process;
}

static enum cavern_status request_stop(struct context *context)
{
    struct supervisor_record *child = context->child;
    if (has_process(child)) {
        enum cavern_status status = wait_for(context, SUPERVISOR_STOP);
        if (!status) {
            child->again = 0;
            state_set(child, SUPERVISOR_STATE_STOPPING, context->input->now);
            end_process(context);
        }
        return status;
    }
    reply_add(context->effects, context->input->request, CAVERN_OK, 0);
    if (child->state == SUPERVISOR_STATE_NEW) {
        forget(child, context->effects);
    } else if (child->state == SUPERVISOR_STATE_WAITING || child->state == SUPERVISOR_STATE_STARTING) {
        state_set(child, SUPERVISOR_STATE_STOPPED, context->input->now);
        settle(context->supervisor, child, context->effects);
    }
    return CAVERN_OK;
}

static enum cavern_status request_restart(struct context *context)
{
    struct supervisor_record *child = context->child;
    if (child->state == SUPERVISOR_STATE_NEW)
        return CAVERN_BUSY;
    enum cavern_status status = wait_for(context, SUPERVISOR_RESTART);
    if (status)
        return status;
    child->history_count = 0;
    if (has_process(child)) {
        child->again = 1;
        state_set(child, SUPERVISOR_STATE_STOPPING, context->input->now);
        end_process(context);
    } else {
        child->restarts++;
        starting(child, context->input->now);
    }
    return CAVERN_OK;
}

static enum cavern_status request_kill(struct context *context)
{
    if (!has_process(context->child))
        return CAVERN_GONE;
    end_process(context);
    reply_add(context->effects, context->input->request, CAVERN_OK, 0);
    return CAVERN_OK;
}

static enum cavern_status request_status(struct context *context)
{
    status_add(context->effects, SUPERVISOR_EFFECT_STATUS, context->input->request, context->child);
    return CAVERN_OK;
}

static enum cavern_status request_list(struct context *context)
{
    const struct rpc_request *request = context->input->payload;
    struct supervisor_statuses *statuses = &context->effects->statuses;
    memset(statuses, 0, sizeof(*statuses));
    const struct supervisor_record *child = child_from(context->supervisor, request->value);
    for (; child && statuses->reply.value < SUPERVISOR_STATUSES_MAX;
         child = child_from(context->supervisor, statuses->next)) {
        statuses->children[statuses->reply.value++] = child_status(child);
        statuses->next = child->number + 1;
    }
    if (!statuses->reply.value)
        return CAVERN_END;
    effect_add(context->effects, SUPERVISOR_EFFECT_STATUSES)->request = context->input->request;
    return CAVERN_OK;
}

static enum cavern_status request_wait(struct context *context)
{
    struct supervisor_record *child = context->child;
    if (child->state == SUPERVISOR_STATE_NEW)
        return CAVERN_BUSY;
    if (!is_over(child))
        return wait_for(context, SUPERVISOR_WAIT);
    status_add(context->effects, SUPERVISOR_EFFECT_ENDED, context->input->request, child);
    return CAVERN_OK;
}

struct operation {
    enum cavern_status (*serve)(struct context *context);
    uint32_t size;
    enum { OF_NONE, OF_NUMBER, OF_NAME } of; /* how the payload names the child */
    bool public;
};

static const struct operation operations[] = {
    [SUPERVISOR_BEGIN] = {request_begin, sizeof(struct supervisor_child), OF_NONE, false},
    [SUPERVISOR_ADD] = {request_add, sizeof(struct supervisor_add), OF_NUMBER, false},
    [SUPERVISOR_START] = {request_start, sizeof(struct rpc_request), OF_NUMBER, false},
    [SUPERVISOR_STOP] = {request_stop, sizeof(struct supervisor_name), OF_NAME, false},
    [SUPERVISOR_RESTART] = {request_restart, sizeof(struct supervisor_name), OF_NAME, false},
    [SUPERVISOR_KILL] = {request_kill, sizeof(struct supervisor_name), OF_NAME, false},
    [SUPERVISOR_STATUS] = {request_status, sizeof(struct supervisor_name), OF_NAME, true},
    [SUPERVISOR_LIST] = {request_list, sizeof(struct rpc_request), OF_NONE, true},
    [SUPERVISOR_WAIT] = {request_wait, sizeof(struct rpc_request), OF_NUMBER, false},
};

static enum cavern_status child_look_up(struct context *context, const struct operation *operation)
{
    const struct rpc_request *request = context->input->payload;
    if (operation->of == OF_NUMBER) {
        context->child = child_find(context->supervisor, request->value);
    } else if (operation->of == OF_NAME) {
        const struct supervisor_name *named = context->input->payload;
        if (!name_valid(named->name, sizeof(named->name)))
            return CAVERN_BAD_ARGUMENT;
        context->child = child_named(context->supervisor, named->name);
        context->child = context->child ? context->child : child_with_process(context->supervisor, named->name);
        context->child = context->child ? context->child : child_abbreviated(context->supervisor, named->name);
    }
    return context->child || operation->of == OF_NONE ? CAVERN_OK : CAVERN_NOT_FOUND;
}

static enum cavern_status request_serve(struct context *context)
{
    const struct rpc_request *request = context->input->payload;
    if (context->input->size < sizeof(*request))
        return CAVERN_BAD_ARGUMENT;
    if (request->version != RPC_VERSION || request->operation == RPC_PING ||
        request->operation >= sizeof(operations) / sizeof(operations[0]))
        return CAVERN_UNSUPPORTED;
    const struct operation *operation = &operations[request->operation];
    if (context->input->size < operation->size)
        return CAVERN_BAD_ARGUMENT;
    if (!operation->public && (context->input->label == 0 || context->input->label > SUPERVISOR_ADMINISTRATORS))
        return CAVERN_NOT_PERMITTED;
    enum cavern_status status = child_look_up(context, operation);
    return status ? status : operation->serve(context);
}

bool supervisor_wants_grants(const void *payload, uint32_t size)
{
    const struct rpc_request *request = payload;
    return size >= sizeof(struct supervisor_add) && request->version == RPC_VERSION &&
           request->operation == SUPERVISOR_ADD;
}

void supervisor_request(struct supervisor *supervisor, const struct supervisor_input *input,
                        struct supervisor_effects *effects)
{
    effects->count = 0;
    struct context context = {.supervisor = supervisor, .input = input, .effects = effects};
    enum cavern_status status = request_serve(&context);
    if (status) {
        reply_add(effects, input->request, status, 0);
        for (unsigned i = 0; i < input->grant_count; i++) {
            uint64_t handle = input->grants[i].handle;
            close_add(effects, &handle);
        }
    }
}
