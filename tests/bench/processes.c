/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of a process: made from an image in memory, runs, ends, and its end is told. */
#include <cavern/message.h>
#include <cavern/process.h>
#include <cavern/spawn.h>

#include "bench.h"

struct maker {
    struct cavern_spawn spawn;
    struct cavern_queue queue;
};

static void process_life(void *context)
{
    struct maker *maker = context;
    struct cavern_received received;
    cavern_handle process;
    must(cavern_spawn(&maker->spawn, &process), "spawn");
    enum cavern_status status = cavern_sys_receive(maker->queue.handle, CAVERN_FOREVER, &received);
    if (status || received.words[CAVERN_EXIT_REASON] != CAVERN_REASON_EXITED || received.words[CAVERN_EXIT_CODE] != 7)
        must(receive_late(status, &maker->queue, CAVERN_EXIT_CODE, 7), "exit of a process");
    must(cavern_sys_handle_close(process), "close");
}

void measure_processes(void)
{
    static const char arguments[] = "tiny";
    struct maker maker = {
        .spawn = {.name = "tiny",
                  .priority = PRIORITY,
                  .stack = 4096,
                  .arguments = arguments,
                  .argument_bytes = sizeof(arguments),
                  .account = account_make()},
    };
    maker.spawn.image = image_of("tiny", &maker.spawn.image_size);
    must(cavern_queue_create(CAVERN_QUEUE_BLOCKS_MIN, 0, &maker.queue), "queue");
    maker.spawn.exit_queue = maker.queue.handle;
    measure("process", OFTEN, 1, process_life, &maker);
}
