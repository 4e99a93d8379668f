/* SPDX-License-Identifier: BSD-2-Clause */
/* The main of every test program: `path N` runs case N, `path ?` counts them, `path @NAME` runs the peer NAME. The load
 * may follow. */
#include "test.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cavern/thread.h>

#include "formats/ustar.h"

#define THREAD_STACK (16 * 1024)
#define PEER_ARGUMENTS 128

struct test_load test_load;

void test_report(enum report_operation operation, const char *text, size_t length)
{
    struct report report = {{.operation = (uint16_t)operation, .version = RPC_VERSION, .value = (uint32_t)length}, {0}};
    memcpy(report.text, text, length);
    uint32_t size = (uint32_t)(offsetof(struct report, text) + length);
    (void)!cavern_send(cavern_startup_get(TEST_REPORT), &(struct cavern_outgoing){.payload = &report, .size = size});
}

void test_fail(const char *file, int line, const char *format, ...)
{
    const char *slash = strrchr(file, '/');
    char text[REPORT_TEXT_MAX];
    int length = snprintf(text, sizeof(text), "%s:%d: ", slash ? slash + 1 : file, line);
    va_list arguments;
    va_start(arguments, format);
    length += vsnprintf(text + length, sizeof(text) - (size_t)length, format, arguments);
    va_end(arguments);
    test_report(REPORT_FAILURE, text, (size_t)length < sizeof(text) ? (size_t)length : sizeof(text) - 1);
    exit(TEST_FAILED);
}

void test_check_status(const char *file, int line, const char *call, enum cavern_status found,
                       enum cavern_status expected)
{
    if (found != expected)
        test_fail(file, line, "%.120s: expected status %d, found %d", call, expected, found);
}

cavern_handle test_handle(const char *name)
{
    cavern_handle handle = cavern_startup_get(name);
    CHECK(handle);
    return handle;
}

cavern_handle test_account(void)
{
    return test_handle(TEST_ACCOUNT);
}

uint64_t test_used(void)
{
    struct cavern_account_info info;
    uint64_t next, written;
    CHECK_OK(cavern_sys_inspect(CAVERN_SELF_ACCOUNT, CAVERN_INSPECT_ACCOUNT, 0, (uintptr_t)&info, sizeof(info), &next,
                                &written));
    return info.used;
}

unsigned test_cpus(void)
{
    struct cavern_machine_info info;
    uint64_t next, written;
    CHECK_OK(cavern_sys_inspect(test_handle(CAVERN_STARTUP_MACHINE), CAVERN_INSPECT_MACHINE, 0, (uintptr_t)&info,
                                sizeof info, &next, &written));
    return info.cpus;
}

void test_queue(struct cavern_queue *queue, unsigned blocks, unsigned slots)
{
    CHECK_OK(cavern_queue_create(blocks, slots, queue));
}

cavern_handle test_sender(const struct cavern_queue *queue, uint64_t label)
{
    cavern_handle sender;
    CHECK_OK(cavern_sender_mint(queue->handle, label, 1000, 1000, 0, &sender));
    return sender;
}

void test_rebind(struct cavern_queue *queue)
{
    uint64_t ring, control, bound;
    CHECK_OK(cavern_sys_queue_bind(queue->handle, 0, 0, &ring, &control, &bound));
    CHECK_OK(cavern_sys_queue_bind(queue->handle, CAVERN_SELF_PROCESS, 0, &ring, &control, &bound));
    cavern_queue_attach(queue, queue->handle, ring, control, bound);
}

void *test_memory(uint64_t bytes)
{
    void *memory;
    CHECK_OK(cavern_memory_take(bytes, &memory));
    return memory;
}

enum cavern_status test_send_word(cavern_handle sender, uint64_t word)
{
    return cavern_send(sender, &(struct cavern_outgoing){.payload = &word, .size = sizeof(word)});
}

enum cavern_status test_request_word(cavern_handle sender, uint64_t token, uint64_t word,
                                     const struct cavern_queue *queue, uint32_t *id)
{
    struct cavern_outgoing out = {.payload = &word, .size = sizeof(word)};
    return cavern_request(sender, token, &out, queue, 1, id);
}

enum cavern_status test_reply_word(const struct cavern_queue *queue, uint32_t request, uint64_t word)
{
    return cavern_reply(queue, request, &(struct cavern_outgoing){.payload = &word, .size = sizeof(word)});
}

enum cavern_status test_call_word(cavern_handle sender, uint64_t word, uint64_t deadline, uint64_t *answer)
{
    struct cavern_answer place = {.buffer = answer, .capacity = sizeof(*answer)};
    return cavern_call(sender, &(struct cavern_outgoing){.payload = &word, .size = sizeof(word)}, deadline, &place);
}

void test_receive(struct cavern_queue *queue, enum cavern_kind kind, struct cavern_message *message)
{
    CHECK_OK(cavern_queue_receive(queue, cavern_after(CAVERN_SECOND), message));
    CHECK_EQUAL(message->header.kind, kind);
}

void test_nothing(struct cavern_queue *queue)
{
    struct cavern_received received;
    CHECK_STATUS(cavern_sys_receive(queue->handle, CAVERN_POLL, &received), CAVERN_TIMEOUT);
}

uint64_t test_word(const struct cavern_message *message, unsigned index)
{
    CHECK(message->header.size >= (index + 1) * sizeof(uint64_t));
    return ((const uint64_t *)message->payload)[index];
}

static uint64_t cpus(void)
{
    return test_load.seconds ? 0 : TEST_CPUS;
}

/* --- peers --- */

/* This program's own file, in the RAM disk. */
static const void *own_image(size_t *size)
{
    const struct cavern_startup_handle *ramdisk = cavern_startup_find(CAVERN_STARTUP_RAMDISK);
    static void *archive;
    struct ustar_entry entry;
    CHECK(ramdisk);
    if (!archive)
        CHECK_OK(cavern_buffer_map(ramdisk->handle, 0, ramdisk->values[0], CAVERN_PROT_READ, &archive));
    CHECK_EQUAL(ustar_find(archive, ramdisk->values[0], cavern_program_name(), &entry), USTAR_OK);
    *size = entry.size;
    return (const uint8_t *)archive + entry.offset;
}

static struct cavern_queue *exits(void)
{
    static struct cavern_queue queue;
    if (!queue.handle)
        test_queue(&queue, CAVERN_QUEUE_BLOCKS_MIN, 0);
    return &queue;
}

struct cavern_spawn test_peer_setup(const char *function)
{
    static char arguments[PEER_ARGUMENTS];
    int length = snprintf(arguments, sizeof(arguments), "%s%c@%s%c%u%c%lu%c%lu", cavern_program_name(), 0, function, 0,
                          test_load.seconds, 0, (unsigned long)test_load.seed, 0, (unsigned long)test_load.end) +
                 1;
    struct cavern_spawn setup = {
        .name = function,
        .account = test_account(),
        .priority = TEST_PRIORITY_HIGH,
        .cpus = cpus(),
        .arguments = arguments,
        .argument_bytes = (size_t)length,
        .exit_queue = exits()->handle,
    };
    setup.image = own_image(&setup.image_size);
    return setup;
}

void test_peer_start(struct cavern_spawn *setup, struct test_peer *peer)
{
    static uint64_t number;
    setup->exit_label = ++number;
    CHECK_OK(cavern_spawn(setup, &peer->process));
    peer->exit_label = number;
}

struct cavern_spawn_handle test_give(const char *name, cavern_handle handle, uint64_t rights)
{
    struct cavern_spawn_handle row = {.handle = handle, .rights = rights};
    memcpy(row.name, name, strlen(name));
    return row;
}

void test_peer(const char *function, struct cavern_spawn_handle *handles, size_t count, struct test_peer *peer)
{
    struct cavern_spawn_handle rows[8] = {test_give(TEST_REPORT, test_handle(TEST_REPORT), RIGHTS_SENDER)};
    CHECK(count < sizeof(rows) / sizeof(*rows));
    if (count)
        memcpy(&rows[1], handles, count * sizeof(*rows));
    struct cavern_spawn setup = test_peer_setup(function);
    setup.handles = rows;
    setup.handle_count = count + 1;
    test_peer_start(&setup, peer);
}

void test_peer_exit(struct test_peer *peer, uint64_t words[5], bool close)
{
    struct cavern_message message;
    test_receive(exits(), CAVERN_KIND_EXIT, &message);
    CHECK_EQUAL(message.header.label, peer->exit_label);
    CHECK_EQUAL(message.header.size, 5 * sizeof(*words));
    memcpy(words, message.payload, 5 * sizeof(*words));
    cavern_queue_release(exits(), &message);
    if (close)
        cavern_handle_close(peer->process);
}

void test_peer_done(struct test_peer *peer)
{
    uint64_t words[5];
    test_peer_exit(peer, words, true);
    CHECK_EQUAL(words[CAVERN_EXIT_REASON], CAVERN_REASON_EXITED);
    CHECK_EQUAL(words[CAVERN_EXIT_CODE], TEST_PASSED);
}

/* --- threads --- */

struct thread_start {
    void (*function)(void *argument);
    void *argument;
};

static uint64_t run_thread(void *argument)
{
    struct thread_start start = *(struct thread_start *)argument;
    free(argument);
    start.function(start.argument);
    return 0;
}

cavern_handle test_thread(void (*function)(void *argument), void *argument, unsigned priority)
{
    struct thread_start *start = malloc(sizeof(*start));
    struct cavern_thread *thread;
    CHECK(start);
    *start = (struct thread_start){function, argument};
    struct cavern_thread_setup setup = {.priority = (int)priority, .stack = THREAD_STACK, .cpus = cpus()};
    CHECK_OK(cavern_thread_start(run_thread, start, &setup, &thread));
    return cavern_thread_handle(thread);
}

/* --- main --- */

static int run_peer(const char *name)
{
    for (const struct test_peer_function *peer = test_peers; peer->name; peer++) {
        if (strcmp(peer->name, name))
            continue;
        peer->run();
        return TEST_PASSED;
    }
    test_fail(__FILE__, __LINE__, "no peer %s", name);
}

static int count_cases(void)
{
    int count = 0;
    while (test_cases[count].name)
        count++;
    return count;
}

static int run_case(unsigned long number)
{
    test_report(REPORT_CASE, test_cases[number].name, strlen(test_cases[number].name));
    test_cases[number].run();
    return TEST_PASSED;
}

static uint64_t number(int argc, char **argv, int which, uint64_t otherwise)
{
    return which < argc ? strtoull(argv[which], NULL, 10) : otherwise;
}

/* After what is to run: the load, where there is one. */
static void take_load(int argc, char **argv)
{
    test_load.seconds = (unsigned)number(argc, argv, 2, 0);
    test_load.seed = number(argc, argv, 3, 0);
    test_load.end = number(argc, argv, 4, cavern_after(test_load.seconds * CAVERN_SECOND));
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return TEST_FAILED;
    take_load(argc, argv);
    if (!strcmp(argv[1], TEST_COUNT))
        return count_cases();
    return argv[1][0] == '@' ? run_peer(argv[1] + 1) : run_case(strtoul(argv[1], NULL, 10));
}
