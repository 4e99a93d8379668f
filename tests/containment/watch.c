/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The watcher: a service that makes one attempt for each request, in a process on an account of its own, and judges it.
 * After each it asks every service, and looks whether the account is empty and the system as it was. It is the driver
 * of the machine's clock, for the sake of the handles that drivers have. spec/containment.md.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cavern/buffer.h>
#include <cavern/file.h>
#include <cavern/handles.h>
#include <cavern/inspect.h>
#include <cavern/log.h>
#include <cavern/service.h>
#include <cavern/spawn.h>
#include <cavern/start.h>
#include <cavern/stubs.h>
#include <cavern/text.h>
#include <cavern/time.h>

#include "formats/manifest.h"

#include "attempt.h"
#include "child.h"
#include "look.h"
#include "protocol.h"

CAVERN_MANIFEST(MANIFEST_DRIVER("containment") MANIFEST_CLASS("test") MANIFEST_COMPATIBLE("arm,pl031") MANIFEST_DMA);

#define ATTEMPT_MEMORY (16 << 20)
#define ATTEMPT_SECONDS 10
#define LATE (50 * CAVERN_MILLISECOND) /* one that goes on until it is ended is ended then */
#define REPORTS_MAX 8

#define ASK (CAVERN_RIGHT_COPY | CAVERN_RIGHT_SEND | CAVERN_RIGHT_REQUEST)
#define ACCOUNT_RIGHTS (CAVERN_RIGHT_COPY | CAVERN_RIGHT_INSPECT | CAVERN_RIGHT_MANAGE | CAVERN_RIGHT_CHARGE)
#define LOOK_RIGHTS (CAVERN_RIGHT_COPY | CAVERN_RIGHT_INSPECT)
#define IMAGE_RIGHTS (LOOK_RIGHTS | CAVERN_RIGHT_READ)
/* What a driver has. */
#define DRIVER_RIGHTS (CAVERN_RIGHT_COPY | CAVERN_RIGHT_MANAGE)
#define DEVICE_RIGHTS (CAVERN_RIGHT_COPY | CAVERN_RIGHT_READ | CAVERN_RIGHT_WRITE)

static bool warm;
static cavern_handle account, image_buffer;
static const void *image;
static size_t image_size;
static struct cavern_queue exits, reports;
static cavern_handle report_sender;

/* What came of one process of an attempt. */
struct outcome {
    bool late;
    uint64_t words[5];
    char note[REPORT_TEXT_MAX + 1];
    char failure[REPORT_TEXT_MAX + 100]; /* "": none */
};

static void fail(struct outcome *outcome, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void fail(struct outcome *outcome, const char *format, ...)
{
    va_list arguments;
    if (outcome->failure[0])
        return; /* the first says most */
    va_start(arguments, format);
    vsnprintf(outcome->failure, sizeof(outcome->failure), format, arguments);
    va_end(arguments);
}

static void check(struct outcome *outcome, const char *wrong)
{
    if (wrong)
        fail(outcome, "%s", wrong);
}

static enum cavern_status look_at_account(struct cavern_account_info *info)
{
    uint64_t next, written;
    return cavern_sys_inspect(account, CAVERN_INSPECT_ACCOUNT, 0, (uintptr_t)info, sizeof(*info), &next, &written);
}

/* [CONTAIN-2] Another CPU may still be giving things back. */
static void check_account(struct outcome *outcome)
{
    struct cavern_account_info info;
    uint64_t end = cavern_after(ATTEMPT_SECONDS * CAVERN_SECOND);
    enum cavern_status status = look_at_account(&info);
    while (!status && info.used && cavern_now() < end) {
        cavern_sleep_until(cavern_after(CAVERN_MILLISECOND));
        status = look_at_account(&info);
    }
    if (status)
        fail(outcome, "inspect of the account: %s", cavern_status_text(status));
    else if (info.used || info.objects || info.accounts)
        fail(outcome, "%" PRIu64 " bytes, %" PRIu64 " objects, %u accounts are still charged", info.used, info.objects,
             info.accounts);
}

/* --- one process --- */

static void row(struct cavern_spawn *spawn, const char *name, cavern_handle handle, uint64_t rights, uint64_t size)
{
    struct cavern_spawn_handle *entry = &spawn->handles[spawn->handle_count++];
    *entry = (struct cavern_spawn_handle){.handle = handle, .rights = rights, .values = {size}};
    strcpy(entry->name, name);
}

static enum cavern_status start(unsigned index, unsigned variant, uint64_t seed, cavern_handle *process)
{
    char arguments[96];
    struct cavern_spawn_handle handles[LOOK_SERVICES + 8];
    int length = snprintf(arguments, sizeof(arguments), ATTEMPT_ARGUMENTS, 0, 0, index, 0, variant, 0, seed);
    struct cavern_spawn spawn = {
        .name = ATTEMPT_NAME,
        .image = image,
        .image_size = image_size,
        .account = account,
        .priority = ATTEMPT_PRIORITY,
        .arguments = arguments,
        .argument_bytes = (size_t)length + 1,
        .handles = handles,
        .exit_queue = exits.handle,
    };
    row(&spawn, ATTEMPT_REPORT, report_sender, CAVERN_RIGHT_SEND, 0);
    row(&spawn, ATTEMPT_ACCOUNT, account, ACCOUNT_RIGHTS, 0);
    row(&spawn, ATTEMPT_WATCHER, CAVERN_SELF_PROCESS, LOOK_RIGHTS, 0);
    row(&spawn, ATTEMPT_IMAGE, image_buffer, IMAGE_RIGHTS, image_size);
    row(&spawn, ATTEMPT_REGISTERS, cavern_startup_get("reg0"), DEVICE_RIGHTS, CAVERN_PAGE_SIZE);
    row(&spawn, ATTEMPT_LINE, cavern_startup_get("irq0"), DRIVER_RIGHTS, 0);
    row(&spawn, ATTEMPT_DMA, cavern_startup_get(CAVERN_STARTUP_DMA), DRIVER_RIGHTS | CAVERN_RIGHT_INSPECT, 0);
    row(&spawn, ATTEMPT_MACHINE, cavern_startup_get(CAVERN_STARTUP_MACHINE), LOOK_RIGHTS, 0);
    for (unsigned i = 0; i < LOOK_SERVICES; i++)
        if (look_services[i].lent)
            row(&spawn, look_services[i].name, look_services[i].lent, ASK, 0);
    return cavern_spawn(&spawn, process);
}

static void follow(cavern_handle process, const struct attempt *attempt, struct outcome *outcome)
{
    struct cavern_message message;
    uint64_t patience = attempt->ends & ENDS_LATE ? LATE : ATTEMPT_SECONDS * CAVERN_SECOND;
    enum cavern_status status = cavern_queue_receive(&exits, cavern_after(patience), &message);
    if (status == CAVERN_TIMEOUT) {
        outcome->late = true;
        status = cavern_sys_process_end(process, 0);
        if (!status)
            status = cavern_queue_receive(&exits, cavern_after(ATTEMPT_SECONDS * CAVERN_SECOND), &message);
    }
    if (status) {
        fail(outcome, "its end: %s", cavern_status_text(status));
        return;
    }
    memcpy(outcome->words, message.payload, sizeof(outcome->words));
    cavern_queue_release(&exits, &message);
}

/* Whatever it says may be nonsense. */
static void take_reports(struct outcome *outcome)
{
    struct cavern_message message;
    while (cavern_queue_receive(&reports, CAVERN_POLL, &message) == CAVERN_OK) {
        const struct rpc_request *report = CAVERN_PAYLOAD(&message, struct rpc_request);
        int length = report ? (int)(message.header.size - sizeof(*report)) : 0;
        if (length > REPORT_TEXT_MAX)
            length = REPORT_TEXT_MAX;
        if (report && report->operation == REPORT_FAILURE)
            fail(outcome, "%.*s", length, (const char *)(report + 1));
        else if (report && report->operation == REPORT_NOTE)
            snprintf(outcome->note, sizeof(outcome->note), "%.*s", length, (const char *)(report + 1));
        cavern_queue_release(&reports, &message);
    }
}

static uint32_t how_it_ended(const struct outcome *outcome)
{
    const uint64_t *words = outcome->words;
    switch (words[CAVERN_EXIT_REASON]) {
    case CAVERN_REASON_EXITED:
        return words[CAVERN_EXIT_CODE] == EXIT_SUCCESS ? ENDS_WELL : ENDS_BY_ITSELF;
    case CAVERN_REASON_THREADS:
        return ENDS_BY_ITSELF;
    case CAVERN_REASON_FAULT:
        return 1u << (16 + words[CAVERN_EXIT_FAULT]);
    case CAVERN_REASON_CONTROL_PAGE:
        return ENDS_CONTROL_PAGE;
    case CAVERN_REASON_ENDED:
        return outcome->late ? ENDS_LATE : 0;
    }
    return 0;
}

static void check_end(const struct attempt *attempt, struct outcome *outcome)
{
    char text[120];
    if (outcome->failure[0] || how_it_ended(outcome) & attempt->ends)
        return;
    cavern_exit_text(outcome->words, text, sizeof(text));
    fail(outcome, "%s%s", outcome->late ? "still running; " : "", text);
}

/* In a process of the watcher's. */
static void make_own(const struct attempt *attempt, unsigned index, unsigned variant, uint64_t seed,
                     struct outcome *outcome)
{
    cavern_handle process;
    enum cavern_status status = start(index, variant, seed, &process);
    if (status) {
        fail(outcome, "it can't be started: %s", cavern_status_text(status));
        return;
    }
    follow(process, attempt, outcome);
    cavern_handle_close(process);
    status = cavern_sys_account_end(account, 0, 0);
    if (status)
        fail(outcome, "the account can't be ended: %s", cavern_status_text(status));
    cavern_dma_unmap_all(cavern_startup_get(CAVERN_STARTUP_DMA));
}

static void make_attempt(const struct attempt *attempt, unsigned index, unsigned variant, uint64_t seed,
                         struct outcome *outcome)
{
    *outcome = (struct outcome){0};
    if (attempt->ends & AS_CHILD) {
        enum cavern_status status = child_run(index, variant, seed, report_sender, outcome->words);
        if (status)
            fail(outcome, "as a child of the supervisor: %s", cavern_status_text(status));
    } else {
        make_own(attempt, index, variant, seed, outcome);
    }
    take_reports(outcome);
    check_end(attempt, outcome);
    check(outcome, look_ask()); /* [CONTAIN-4] */
    check_account(outcome);
    if (warm)
        check(outcome, look_compare()); /* [CONTAIN-3] */
}

/* --- requests --- */

static void describe(const struct attempt *attempt, const struct outcome *outcome, unsigned variant, const char *note,
                     char *text, size_t size)
{
    char ended[120] = "over";
    if (outcome->words[CAVERN_EXIT_REASON])
        cavern_exit_text(outcome->words, ended, sizeof(ended));
    if (outcome->failure[0])
        snprintf(text, size, "%s: variant %u: %s", attempt->name, variant, outcome->failure);
    else if (note[0])
        snprintf(text, size, "%s: %s", attempt->name, note);
    else
        snprintf(text, size, "%s: %s", attempt->name,
                 outcome->words[CAVERN_EXIT_REASON] == CAVERN_REASON_EXITED ? "came to nothing" : ended);
}

static void serve_attempt(struct cavern_service *service, uint32_t id, const struct watcher_request *request)
{
    struct outcome outcome;
    char note[sizeof(outcome.note)] = "";
    struct watcher_reply reply = {0};
    unsigned index = request->request.value, variant = 0;
    const struct attempt *attempt = attempt_find(index);
    if (!attempt) {
        cavern_reply_status(service, id, CAVERN_NOT_FOUND, 0);
        return;
    }
    do {
        make_attempt(attempt, index, variant, request->seed, &outcome);
        if (outcome.note[0])
            strcpy(note, outcome.note);
    } while (!outcome.failure[0] && ++variant < attempt->variants);
    describe(attempt, &outcome, variant, note, reply.text, sizeof(reply.text));
    reply.reply.value = outcome.failure[0] != 0;
    cavern_reply_bytes(service, id, &reply, sizeof(reply));
    if (outcome.failure[0]) /* the next is judged by what it does itself */
        (void)look_remember();
}

static void on_request(struct cavern_service *service, const struct cavern_message *message)
{
    const struct watcher_request *request = CAVERN_PAYLOAD(message, struct watcher_request);
    struct outcome outcome;
    if (!request || request->request.operation != WATCHER_ATTEMPT) {
        cavern_reply_status(service, message->header.request, CAVERN_UNSUPPORTED, 0);
        return;
    }
    if (!warm) { /* what the first start of a process leaves in the tables of the system is there to stay */
        for (unsigned i = 0; i < 3; i++)
            make_attempt(attempt_find(0), 0, 0, 0, &outcome);
        (void)look_remember(); /* what failed there fails again, as it is compared */
        warm = true;
    }
    serve_attempt(service, message->header.request, request);
}

/* The program, as memory to read and as a buffer to hand on. */
static enum cavern_status open_image(void)
{
    void *data, *copy;
    enum cavern_status status = cavern_file_load(PROGRAM_PATH, CAVERN_FOREVER, &data, &image_size);
    if (status)
        return status;
    image = data;
    status = cavern_buffer_create(CAVERN_SELF_ACCOUNT, image_size, 0, &image_buffer);
    if (!status)
        status = cavern_buffer_map_local(image_buffer, 0, image_size, CAVERN_PROT_READ | CAVERN_PROT_WRITE, &copy);
    if (status)
        return status;
    memcpy(copy, image, image_size);
    cavern_buffer_unmap(copy, image_size);
    return cavern_buffer_seal(image_buffer);
}

int watch(void)
{
    static struct cavern_service service = {.on_request = on_request};
    enum cavern_status status = cavern_service_open(&service);
    if (!status)
        status = look_open();
    if (!status)
        status = open_image();
    if (!status)
        status = cavern_queue_create(CAVERN_QUEUE_BLOCKS_MIN, 0, &exits);
    if (!status)
        status = cavern_queue_create(CAVERN_QUEUE_BLOCKS_MIN, 0, &reports);
    if (!status)
        status = cavern_sender_mint(reports.handle, 0, REPORTS_MAX, 0, 0, &report_sender);
    if (!status)
        status = cavern_sys_account_split(cavern_startup_get("account"), CAVERN_NO_HANDLE, ATTEMPT_MEMORY,
                                          ATTEMPT_PRIORITY_TOP, &account);
    if (!status)
        status = cavern_service_publish(&service, WATCHER_NAME, 0);
    if (cavern_log_failure(status, "start"))
        return EXIT_FAILURE;
    return cavern_service_run(&service);
}
