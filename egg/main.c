/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first process. Reads the RAM disk, the configuration and the device tree, starts registry and supervisor, has the
 * supervisor start everything else, and then serves /volume/init and /service/devices and watches over the two. It
 * never waits for a reply: what it asks for comes back to its queue like everything else. spec/services/egg.md.
 */
#include <stdlib.h>
#include <string.h>

#include <cavern/buffer.h>
#include <cavern/handles.h>
#include <cavern/inspect.h>
#include <cavern/log.h>
#include <cavern/protocol/registry.h>
#include <cavern/service.h>
#include <cavern/start.h>
#include <cavern/stubs.h>
#include <cavern/text.h>
#include <cavern/time.h>

#include "children.h"
#include "configuration.h"
#include "devices.h"
#include "drivers.h"
#include "policy.h"
#include "volume.h"
#include "wards.h"

#define CONFIGURATION_FILE "system.dtb"
#define RESERVE (UINT64_C(2) << 20)        /* bytes that stay with the egg */
#define SUPERVISOR_OWN (UINT64_C(4) << 20) /* what it needs besides its children */
#define ACCOUNT_RIGHTS (CAVERN_RIGHT_COPY | CAVERN_RIGHT_MANAGE | CAVERN_RIGHT_CHARGE | CAVERN_RIGHT_INSPECT)
#define REQUEST_RIGHTS (CAVERN_RIGHT_COPY | CAVERN_RIGHT_SEND | CAVERN_RIGHT_REQUEST)

enum {
    QUEUE_BLOCKS = 512,
    QUEUE_SLOTS = 128,
    CHILDREN_MAX = CONFIGURATION_SERVICES_MAX + DEVICES_MAX,
    LABEL_EGG = 1, /* of the senders to registry and supervisor */
    LABEL_SUPERVISOR = 2,
    SENDER_MESSAGES = 64,
    SENDER_REQUESTS = 32,
    TOKEN_STEP = 1,
    TIMER_STEP = 1,
    TAG_SHIFT = 48, /* the registry puts the tag of a name there */
};

/* What the egg serves. The tag tells by which name a client came. */
enum { TAG_VOLUME = 1, TAG_DEVICES };
static const char *const names[] = {[TAG_VOLUME - 1] = "/volume/init", [TAG_DEVICES - 1] = "/service/devices"};

static struct problems problems;
static const uint8_t *archive;
static struct volume volume;
static struct configuration configuration;
static struct device_driver drivers[DEVICE_DRIVERS_MAX];
static struct devices devices;
static struct children children;
static struct child child_list[CHILDREN_MAX];
static unsigned child_count;
static struct ward wards[EGG_WARDS];
static cavern_handle registry; /* sender, an administrator's */
static struct egg egg;
static struct egg_effects effects;

static void tell_problems(void)
{
    for (unsigned i = 0; i < problems.count; i++)
        cavern_log(problems.list[i].level, "%s", problems.list[i].text);
    if (problems.lost)
        cavern_log(CAVERN_LOG_WARNING, "%u more problems", problems.lost);
    problems.count = 0;
    problems.lost = 0;
}

/* Steps. */

static enum cavern_status name_register(struct cavern_service *service, unsigned index)
{
    uint64_t tag = index + 1;
    struct registry_name request = {
        .request = {.operation = REGISTRY_REGISTER, .version = RPC_VERSION, .value = (uint32_t)tag},
    };
    strcpy(request.name, names[index]);
    cavern_handle sender;
    enum cavern_status status =
        cavern_sender_mint(service->queue.handle, tag << TAG_SHIFT, SENDER_MESSAGES, SENDER_REQUESTS, 0, &sender);
    if (status)
        return status;
    struct cavern_grant grant = {sender, CAVERN_RIGHT_SEND | CAVERN_RIGHT_REQUEST | CAVERN_RIGHT_MINT};
    struct cavern_outgoing out = {.payload = &request, .size = sizeof(request), .grants = &grant, .grant_count = 1};
    status =
        cavern_request(registry, TOKEN_STEP, &out, &service->queue, cavern_blocks(sizeof(struct rpc_reply), 0), NULL);
    cavern_handle_close(sender);
    return status;
}

static void child_done(const struct child *child, enum cavern_status status)
{
    child_discard();
    if (status)
        cavern_log(CAVERN_LOG_ERROR, "%s can't be started: %s", child_name(child), cavern_status_text(status));
    if (status && child->device) {
        child->device->state = DEVICE_FAILED;
        child->device->status = status;
    }
}

/* Carries an effect out. True: it is a step that ended at once, and `effects` are what follows. */
static bool carry_out_one(struct cavern_service *service, const struct egg_effect *effect)
{
    const struct child *child = &child_list[effect->index];
    enum cavern_status status = CAVERN_OK;
    unsigned count;
    switch (effect->kind) {
    case EGG_REGISTER:
        status = name_register(service, effect->index);
        break;
    case EGG_PREPARE:
        status = child_prepare(&children, child, &count);
        egg_prepared(&egg, status, count, &effects);
        return true;
    case EGG_BEGIN:
        status = child_begin(&children, child, effect->attempt, &service->queue, TOKEN_STEP);
        break;
    case EGG_ADD:
        status = child_add(&children, effect->number, effect->first, effect->count, &service->queue, TOKEN_STEP);
        break;
    case EGG_START:
        status = child_start(&children, effect->number, &service->queue, TOKEN_STEP);
        break;
    case EGG_NAME_DONE:
        (void)cavern_log_failure(effect->status, names[effect->index]);
        break;
    case EGG_CHILD_DONE:
        child_done(child, effect->status);
        break;
    case EGG_AGAIN:
        cavern_timer_set(service, TIMER_STEP, cavern_after(EGG_PAUSE));
        break;
    case EGG_READY:
        break;
    }
    if (status)
        egg_ended(&egg, status, 0, &effects);
    return status != CAVERN_OK;
}

static void carry_out(struct cavern_service *service)
{
    bool more;
    do {
        struct egg_effects now = effects;
        more = false;
        for (unsigned i = 0; i < now.count; i++) /* only the last can be a step */
            more = carry_out_one(service, &now.list[i]);
    } while (more);
}

static void on_ending(struct cavern_service *service, const struct cavern_message *message)
{
    const struct rpc_reply *reply = CAVERN_PAYLOAD(message, struct rpc_reply);
    if (message->header.kind == CAVERN_KIND_ABANDONED)
        egg_ended(&egg, CAVERN_ABANDONED, 0, &effects);
    else if (!reply)
        egg_ended(&egg, CAVERN_CORRUPT, 0, &effects);
    else
        egg_ended(&egg, (enum cavern_status)reply->status, reply->value, &effects);
    carry_out(service);
}

static void on_timer(struct cavern_service *service, uint64_t id)
{
    (void)id;
    egg_again(&egg, &effects);
    carry_out(service);
}

/* Wards. */

static void on_notice(struct cavern_service *service, const struct cavern_message *message)
{
    uint64_t which = message->header.label;
    if (message->header.kind != CAVERN_KIND_EXIT || which >= EGG_WARDS)
        return;
    struct ward *ward = &wards[which];
    char text[120];
    cavern_exit_text(message->payload, text, sizeof(text));
    cavern_log(CAVERN_LOG_ERROR, "the %s: %s", ward->program->name, text);
    if (!egg_ward_ended(&egg, (enum egg_ward)which, cavern_now())) {
        cavern_log(CAVERN_LOG_ERROR, "the %s ended too often", ward->program->name);
        cavern_service_stop(service, EXIT_FAILURE);
    } else if (cavern_log_failure(ward_start(ward, &service->queue, which), ward->program->name)) {
        cavern_service_stop(service, EXIT_FAILURE);
    }
}

/* Services. */

static void serve_volume(struct cavern_service *service, const struct cavern_message *message)
{
    static struct volume_answer answer;
    uint32_t request = message->header.request;
    uint64_t lease = message->lease_count ? message->leases[0].length : 0;
    volume_request(&volume, message->payload, message->header.size, lease, &answer);
    if (answer.length) {
        enum cavern_status status =
            cavern_lease_write(&service->queue, request, 0, 0, archive + answer.offset, answer.length);
        if (status) {
            cavern_reply_status(service, request, status, 0);
            return;
        }
    }
    cavern_reply_bytes(service, request, &answer.done, answer.size);
}

static void serve_devices(struct cavern_service *service, const struct cavern_message *message)
{
    static struct device_list list;
    const struct rpc_request *request = message->payload;
    if (request->version != RPC_VERSION || request->operation != DEVICE_LIST)
        cavern_reply_status(service, message->header.request, CAVERN_UNSUPPORTED, 0);
    else if (!devices_list(&devices, drivers, request->value, &list))
        cavern_reply_status(service, message->header.request, CAVERN_END, 0);
    else
        cavern_reply_bytes(service, message->header.request, &list, sizeof(list));
}

static void on_request(struct cavern_service *service, const struct cavern_message *message)
{
    switch (message->header.label >> TAG_SHIFT) {
    case TAG_VOLUME:
        serve_volume(service, message);
        break;
    case TAG_DEVICES:
        serve_devices(service, message);
        break;
    default:
        cavern_reply_status(service, message->header.request, CAVERN_NOT_PERMITTED, 0);
        break;
    }
}

/* Start. */

static const void *map_startup(const char *name, size_t *size)
{
    const struct cavern_startup_handle *entry = cavern_startup_find(name);
    void *memory = NULL;
    if (!entry || cavern_buffer_map(entry->handle, 0, cavern_pages(entry->values[0]), CAVERN_PROT_READ, &memory)) {
        cavern_log(CAVERN_LOG_ERROR, "%s can't be read", name);
        return NULL;
    }
    *size = entry->values[0];
    return memory;
}

static const void *file_find(const char *path, size_t *size)
{
    int node = volume_find(&volume, path);
    if (node < 0 || volume.nodes[node].kind != FILE_KIND_FILE)
        return NULL;
    *size = volume.nodes[node].size;
    return archive + volume.nodes[node].offset;
}

/* A blob in the archive stands at a multiple of 512 bytes, as libfdt wants it (8). */
static bool read_configuration(void)
{
    size_t archive_size, size;
    archive = map_startup(CAVERN_STARTUP_RAMDISK, &archive_size);
    if (!archive)
        return false;
    volume_open(&volume, archive, archive_size, &problems);
    const void *blob = file_find(CONFIGURATION_FILE, &size);
    if (!blob) {
        cavern_log(CAVERN_LOG_ERROR, CONFIGURATION_FILE ": not in the RAM disk");
        return false;
    }
    return configuration_read(blob, size, &configuration, &problems);
}

static void add_services(bool before_drivers)
{
    for (unsigned i = 0; i < configuration.service_count; i++)
        if (configuration.services[i].before_drivers == before_drivers)
            child_list[child_count++] = (struct child){.program = &configuration.services[i]};
}

static void read_devices(void)
{
    size_t size = 0;
    char name[sizeof(children.stdout_name) - sizeof "/device/"];
    children.tree = map_startup(CAVERN_STARTUP_DEVICE_TREE, &size);
    if (!children.tree || !devices_tree_check(children.tree, size, &problems))
        return;
    unsigned count = drivers_read(&volume, archive, drivers, &problems);
    devices_walk(children.tree, drivers, count, &devices, &problems);
    if (devices_stdout(children.tree, name, sizeof(name))) {
        strcpy(children.stdout_name, "/device/");
        strcat(children.stdout_name, name);
    }
    for (unsigned i = 0; i < devices.count; i++) {
        if (devices.list[i].state == DEVICE_STARTED) {
            const char *driver = drivers[devices.list[i].driver].manifest.driver;
            child_list[child_count++] = (struct child){
                .program = configuration_driver(&configuration, driver),
                .device = &devices.list[i],
            };
        }
    }
}

static bool ward_prepare(enum egg_ward which, const struct configuration_program *program, uint64_t memory)
{
    struct ward *ward = &wards[which];
    ward->program = program;
    ward->image = file_find(program->program, &ward->image_size);
    if (!ward->image) {
        cavern_log(CAVERN_LOG_ERROR, "%s: not in the RAM disk", program->program);
        return false;
    }
    enum cavern_status status = ward_open(ward, children.root, memory);
    if (status)
        cavern_log(CAVERN_LOG_ERROR, "%s: %s", program->program, cavern_status_text(status));
    return status == CAVERN_OK;
}

/* Of all that is to be started. */
static uint64_t children_memory(void)
{
    uint64_t bytes = 0;
    for (unsigned i = 0; i < child_count; i++)
        bytes += child_memory(&child_list[i]);
    return bytes;
}

/* How much the supervisor gets: what is left. 0: too little. */
static uint64_t supervisor_memory(void)
{
    struct cavern_account_info info;
    uint64_t next, written;
    enum cavern_status status =
        cavern_sys_inspect(children.root, CAVERN_INSPECT_ACCOUNT, 0, (uintptr_t)&info, sizeof(info), &next, &written);
    uint64_t kept = RESERVE + configuration.registry.memory;
    uint64_t needed = kept + SUPERVISOR_OWN + children_memory();
    uint64_t left = status ? 0 : info.limit - info.used;
    if (left < needed) {
        cavern_log(CAVERN_LOG_ERROR, "too little RAM: %u KiB are left, %u needed", (unsigned)(left >> 10),
                   (unsigned)(needed >> 10));
        return 0;
    }
    return (left - kept) & ~(uint64_t)(CAVERN_PAGE_SIZE - 1);
}

static enum cavern_status mint(enum egg_ward ward, uint64_t label, cavern_handle *sender)
{
    return cavern_sender_mint(wards[ward].queue, label, SENDER_MESSAGES, SENDER_REQUESTS, 0, sender);
}

static enum cavern_status start_wards(struct cavern_service *service)
{
    struct ward *supervisor = &wards[EGG_SUPERVISOR];
    cavern_handle client, account;
    enum cavern_status status = mint(EGG_REGISTRY, LABEL_EGG, &registry);
    if (!status)
        status = mint(EGG_REGISTRY, LABEL_SUPERVISOR, &client);
    if (!status)
        status = mint(EGG_SUPERVISOR, LABEL_EGG, &children.supervisor);
    if (status)
        return status;
    children.supervisor_queue = supervisor->queue;
    ward_give(supervisor, CAVERN_STARTUP_REGISTRY, client, REQUEST_RIGHTS, 0);
    status = cavern_handle_duplicate(supervisor->account, ACCOUNT_RIGHTS, &account);
    if (!status)
        ward_give(supervisor, "account", account, ACCOUNT_RIGHTS, 0);
    for (unsigned i = 0; i < EGG_WARDS && !status; i++) {
        cavern_handle machine;
        status = cavern_handle_duplicate(children.machine, CAVERN_RIGHT_COPY | CAVERN_RIGHT_LOG, &machine);
        if (!status) {
            ward_give(&wards[i], CAVERN_STARTUP_MACHINE, machine, CAVERN_RIGHT_LOG, 0);
            status = ward_start(&wards[i], &service->queue, i);
        }
    }
    return status;
}

static bool start(struct cavern_service *service, const char *bootargs)
{
    children.root = cavern_startup_get(CAVERN_STARTUP_ROOT);
    children.machine = cavern_startup_get(CAVERN_STARTUP_MACHINE);
    children.devices = cavern_startup_get(CAVERN_STARTUP_DEVICES);
    children.interrupts = cavern_startup_get(CAVERN_STARTUP_INTERRUPTS);
    children.dma = cavern_startup_get(CAVERN_STARTUP_DMA);
    children.list = child_list;
    children.drivers = drivers;
    bool good = read_configuration();
    tell_problems();
    if (!good)
        return false;
    (void)configuration_command(bootargs, children.command, sizeof(children.command), &problems);
    add_services(true);
    read_devices();
    add_services(false);
    tell_problems();
    uint64_t memory = supervisor_memory();
    return memory && ward_prepare(EGG_REGISTRY, &configuration.registry, configuration.registry.memory) &&
           ward_prepare(EGG_SUPERVISOR, &configuration.supervisor, memory) &&
           !cavern_log_failure(cavern_queue_create(QUEUE_BLOCKS, QUEUE_SLOTS, &service->queue), "queue") &&
           !cavern_log_failure(start_wards(service), "start");
}

int main(int argc, char **argv)
{
    static struct cavern_service service = {
        .on_request = on_request,
        .on_ending = on_ending,
        .on_notice = on_notice,
        .on_timer = on_timer,
    };
    if (!start(&service, argc > 1 ? argv[1] : ""))
        return EXIT_FAILURE;
    egg_begin(&egg, sizeof(names) / sizeof(names[0]), child_count, &effects);
    carry_out(&service);
    return cavern_service_run(&service);
}
