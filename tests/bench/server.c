/* SPDX-License-Identifier: BSD-2-Clause */
/* The other side of request + reply: answers each request with the words that it brought. */
#include <stdlib.h>

#include <cavern/message.h>
#include <cavern/start.h>
#include <cavern/stubs.h>

int main(void)
{
    cavern_handle queue = cavern_startup_get("queue");
    struct cavern_received received;
    enum cavern_status status = cavern_sys_receive(queue, CAVERN_FOREVER, &received);
    while (!status) {
        uint32_t id = (uint32_t)received.header[1];
        status =
            cavern_sys_reply_receive(queue, id, CAVERN_FOREVER, CAVERN_INFO(40, 0, 0, 0, 0), received.words, &received);
    }
    return EXIT_FAILURE;
}
