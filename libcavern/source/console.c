/* SPDX-License-Identifier: BSD-2-Clause */
#include <cavern/console.h>

#include <string.h>

#include <cavern/handles.h>
#include <cavern/message.h>
#include <cavern/rpc.h>
#include <cavern/start.h>

static cavern_handle used; /* 0: that of the start-up record */

void cavern_console_use(cavern_handle sender)
{
    cavern_handle_close(used);
    used = sender;
}

/* Nothing in it is written by calls, so each has its own. Its sender is 0 where there is no console. */
static struct cavern_session console(void)
{
    return (struct cavern_session){.sender = used ? used : cavern_startup_get(CAVERN_STARTUP_CONSOLE)};
}

static enum cavern_status write_some(struct cavern_session *session, const char *text, size_t length)
{
    struct console_text request;
    struct rpc_reply reply;
    request.request =
        (struct rpc_request){.operation = CONSOLE_WRITE, .version = RPC_VERSION, .value = (uint32_t)length};
    memcpy(request.text, text, length);
    size_t size = offsetof(struct console_text, text) + length;
    return cavern_session_call(session, &request, size, &reply, sizeof(reply), NULL, CAVERN_FOREVER);
}

enum cavern_status cavern_console_write(const char *text, size_t length)
{
    struct cavern_session session = console();
    if (!session.sender)
        return CAVERN_NOT_FOUND;
    while (length) {
        size_t part = length < CONSOLE_TEXT_MAX ? length : CONSOLE_TEXT_MAX;
        enum cavern_status status = write_some(&session, text, part);
        if (status)
            return status;
        text += part;
        length -= part;
    }
    return CAVERN_OK;
}

enum cavern_status cavern_console_read_line(char *line, size_t size, size_t *length)
{
    struct rpc_request request = {.operation = CONSOLE_READ, .version = RPC_VERSION};
    struct console_text reply;
    struct cavern_session session = console();
    if (!session.sender)
        return CAVERN_NOT_FOUND;
    enum cavern_status status =
        cavern_session_call(&session, &request, sizeof(request), &reply, sizeof(reply), NULL, CAVERN_FOREVER);
    if (status)
        return status;
    *length = reply.reply.value < size ? reply.reply.value : size - 1;
    if (*length > CONSOLE_TEXT_MAX)
        return CAVERN_CORRUPT;
    memcpy(line, reply.text, *length);
    line[*length] = 0;
    return CAVERN_OK;
}

enum cavern_status cavern_console_flush(void)
{
    struct rpc_request request = {.operation = CONSOLE_FLUSH, .version = RPC_VERSION};
    struct rpc_reply reply;
    struct cavern_session session = console();
    if (!session.sender)
        return CAVERN_NOT_FOUND;
    return cavern_session_call(&session, &request, sizeof(request), &reply, sizeof(reply), NULL, CAVERN_FOREVER);
}

enum cavern_status cavern_console_open(cavern_handle *sender)
{
    struct rpc_request request = {.operation = CONSOLE_OPEN, .version = RPC_VERSION};
    struct rpc_reply reply;
    struct cavern_session session = console();
    if (!session.sender)
        return CAVERN_NOT_FOUND;
    struct cavern_outgoing out = {.payload = &request, .size = sizeof(request)};
    struct cavern_answer answer = {.buffer = &reply, .capacity = sizeof(reply), .places = 1};
    enum cavern_status status = cavern_session_exchange(&session, &out, CAVERN_FOREVER, &answer);
    if (status)
        return status;
    *sender = answer.places ? answer.grants[0].handle : CAVERN_NO_HANDLE;
    return *sender ? CAVERN_OK : CAVERN_NO_MEMORY;
}
