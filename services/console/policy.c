/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy.h"

#include <stddef.h>
#include <string.h>

_Static_assert(LINE_BYTES <= CONSOLE_TEXT_MAX, "a line fits in an answer");
_Static_assert((unsigned)LINE_BYTES < CONSOLE_INPUT, "and among the finished lines");

/* Endings among the finished lines. Neither can be in a line. */
enum { ENDING_LINE = '\n', ENDING_INPUT = 0x04 };

static void answer(struct console *console, uint32_t request, enum cavern_status status)
{
    console->answers[console->answer_count++] = (struct console_answer){CONSOLE_EFFECT_REPLY, request, status};
}

/* --- output --- */

static uint64_t output_room(const struct console *console)
{
    return CONSOLE_OUTPUT - (console->written - console->sent);
}

static void put_output(struct console *console, char byte)
{
    console->output[console->written++ % CONSOLE_OUTPUT] = (uint8_t)byte;
}

static void put_echo(struct console *console, const char *text, unsigned length)
{
    if (length > output_room(console))
        return; /* a person types while nothing is shown */
    for (unsigned i = 0; i < length; i++)
        put_output(console, text[i]);
}

static void show(struct console *console, const struct line_echo *echo)
{
    for (unsigned i = 0; i < echo->erase; i++)
        put_echo(console, "\b \b", 3);
    put_echo(console, echo->text, echo->length);
}

static void wait(struct console *console, uint32_t request, bool flush)
{
    console->waiters[console->waiter_count++] = (struct console_waiter){request, flush, console->written};
}

static uint32_t newlines(const char *text, uint32_t count)
{
    uint32_t lines = 0;
    for (uint32_t i = 0; i < count; i++)
        lines += text[i] == '\n';
    return lines;
}

static enum cavern_status request_write(struct console *console, uint32_t request, const struct console_text *text,
                                        unsigned size)
{
    uint32_t count = text->request.value;
    if (count > CONSOLE_TEXT_MAX || size < offsetof(struct console_text, text) + count)
        return CAVERN_BAD_ARGUMENT;
    if (count + newlines(text->text, count) + CONSOLE_ECHO > output_room(console) ||
        console->waiter_count == CONSOLE_WAITERS)
        return CAVERN_QUEUE_FULL;
    for (uint32_t i = 0; i < count; i++) {
        if (text->text[i] == '\n')
            put_output(console, '\r');
        put_output(console, text->text[i]);
    }
    wait(console, request, false);
    return CAVERN_OK;
}

static enum cavern_status request_flush(struct console *console, uint32_t request)
{
    if (console->waiter_count == CONSOLE_WAITERS)
        return CAVERN_QUEUE_FULL;
    wait(console, request, true);
    return CAVERN_OK;
}

/* --- who reads, and who watches --- */

static uint32_t asker_take(struct console_askers *askers, unsigned index)
{
    uint32_t request = askers->list[index].request;
    askers->count--;
    memmove(&askers->list[index], &askers->list[index + 1], (askers->count - index) * sizeof askers->list[0]);
    return request;
}

/* What the client asked before; 0: nothing. */
static uint32_t asker_remove(struct console_askers *askers, uint64_t label)
{
    for (unsigned i = 0; i < askers->count; i++)
        if (askers->list[i].label == label)
            return asker_take(askers, i);
    return 0;
}

/* A client that asks again has lost what it asked before, as a rule by dying of something. */
static enum cavern_status ask(struct console *console, struct console_askers *askers, uint64_t label, uint32_t request)
{
    uint32_t before = asker_remove(askers, label);
    if (before)
        answer(console, before, CAVERN_BUSY);
    if (askers->count == CONSOLE_ASKERS)
        return CAVERN_QUEUE_FULL;
    askers->list[askers->count++] = (struct console_asker){label, request};
    return CAVERN_OK;
}

void console_request(struct console *console, uint64_t label, uint32_t request, const void *payload, unsigned size)
{
    const struct rpc_request *rpc = payload;
    enum cavern_status status = CAVERN_OK;
    if (rpc->version != RPC_VERSION) {
        answer(console, request, CAVERN_UNSUPPORTED);
        return;
    }
    switch (rpc->operation) {
    case CONSOLE_WRITE:
        status = request_write(console, request, payload, size);
        break;
    case CONSOLE_READ:
        status = ask(console, &console->readers, label, request);
        break;
    case CONSOLE_WATCH:
        status = ask(console, &console->watchers, label, request);
        break;
    case CONSOLE_FLUSH:
        status = request_flush(console, request);
        break;
    case CONSOLE_OPEN:
        console->answers[console->answer_count++] = (struct console_answer){CONSOLE_EFFECT_OPEN, request, CAVERN_OK};
        break;
    default:
        status = CAVERN_UNSUPPORTED;
    }
    if (status)
        answer(console, request, status);
}

void console_closed(struct console *console, uint64_t label)
{
    uint32_t reader = asker_remove(&console->readers, label);
    uint32_t watcher = asker_remove(&console->watchers, label);
    if (reader)
        answer(console, reader, CAVERN_GONE);
    if (watcher)
        answer(console, watcher, CAVERN_GONE);
}

/* --- input --- */

static void put_input(struct console *console, char byte)
{
    console->input[console->typed++ % CONSOLE_INPUT] = byte;
}

static unsigned input_room(const struct console *console)
{
    return (unsigned)(CONSOLE_INPUT - (console->typed - console->read));
}

static void finish_line(struct console *console)
{
    for (unsigned i = 0; i < console->line.length; i++)
        put_input(console, console->line.text[i]);
    put_input(console, ENDING_LINE);
    line_clear(&console->line);
}

static void interrupt(struct console *console)
{
    console->read = console->typed;
    while (console->watchers.count)
        answer(console, asker_take(&console->watchers, 0), CAVERN_INTERRUPTED);
    if (console->readers.count)
        answer(console, asker_take(&console->readers, console->readers.count - 1), CAVERN_INTERRUPTED);
}

static void type(struct console *console, uint8_t byte)
{
    struct line_echo echo;
    unsigned room = input_room(console);
    enum line_event event = line_put(&console->line, byte, room, &echo);
    show(console, &echo);
    if (event == LINE_COMPLETE)
        finish_line(console);
    else if (event == LINE_END && room)
        put_input(console, ENDING_INPUT);
    else if (event == LINE_INTERRUPT)
        interrupt(console);
}

/* The oldest finished line, left where it is. */
static void copy_line(const struct console *console, struct console_text *line)
{
    uint32_t length = 0;
    char byte;
    while ((byte = console->input[(console->read + length) % CONSOLE_INPUT]) != ENDING_LINE && byte != ENDING_INPUT)
        line->text[length++] = byte;
    line->reply = (struct rpc_reply){.status = byte == ENDING_LINE ? CAVERN_OK : CAVERN_END, .value = length};
}

void console_given(struct console *console, bool taken)
{
    if (!taken)
        return;
    char byte;
    do {
        byte = console->input[console->read++ % CONSOLE_INPUT];
    } while (byte != ENDING_LINE && byte != ENDING_INPUT);
}

/* --- the device --- */

static enum cavern_status take_bytes(struct console *console, const struct stream_data *data, unsigned size)
{
    uint32_t count = data->reply.value;
    if (count > STREAM_BYTES_MAX || size < offsetof(struct stream_data, bytes) + count)
        return CAVERN_CORRUPT;
    for (uint32_t i = 0; i < count; i++)
        type(console, data->bytes[i]);
    return CAVERN_OK;
}

static enum cavern_status succeed(struct console *console, enum console_effect_kind what, const void *reply,
                                  unsigned size)
{
    switch (what) {
    case CONSOLE_EFFECT_FIND:
        console->found = true;
        return CAVERN_OK;
    case CONSOLE_EFFECT_WRITE:
        console->sent += console->in_flight;
        return CAVERN_OK;
    case CONSOLE_EFFECT_READ:
        return take_bytes(console, reply, size);
    default:
        console->flushed = console->flushing;
        return CAVERN_OK;
    }
}

void console_device_ended(struct console *console, enum console_effect_kind what, enum cavern_status status,
                          const void *reply, unsigned size)
{
    if (!status && size < sizeof(struct rpc_reply))
        status = CAVERN_CORRUPT;
    if (!status)
        status = (enum cavern_status)((const struct rpc_reply *)reply)->status;
    if (!status)
        status = succeed(console, what, reply, size);
    if (what == CONSOLE_EFFECT_WRITE)
        console->in_flight = 0;
    if (status == CAVERN_GONE)
        console->found = false;
    bool again = !status || status == CAVERN_ABANDONED || (status == CAVERN_GONE && what != CONSOLE_EFFECT_FIND);
    console->asked[what] = again ? CONSOLE_IDLE : CONSOLE_PAUSED;
}

bool console_paused(const struct console *console)
{
    for (unsigned i = 0; i < CONSOLE_EFFECT_KINDS; i++)
        if (console->asked[i] == CONSOLE_PAUSED)
            return true;
    return false;
}

void console_pause_ended(struct console *console)
{
    for (unsigned i = 0; i < CONSOLE_EFFECT_KINDS; i++)
        if (console->asked[i] == CONSOLE_PAUSED)
            console->asked[i] = CONSOLE_IDLE;
}

static void next_write(struct console *console, struct stream_data *data)
{
    uint64_t waiting = console->written - console->sent;
    uint32_t count = waiting < STREAM_BYTES_MAX ? (uint32_t)waiting : STREAM_BYTES_MAX;
    for (uint32_t i = 0; i < count; i++)
        data->bytes[i] = console->output[(console->sent + i) % CONSOLE_OUTPUT];
    data->request = (struct rpc_request){.operation = STREAM_WRITE, .version = RPC_VERSION, .value = count};
    console->in_flight = count;
}

static bool flush_wanted(const struct console *console)
{
    for (unsigned i = 0; i < console->waiter_count; i++) {
        const struct console_waiter *waiter = &console->waiters[i];
        if (waiter->flush && waiter->end <= console->sent)
            return true;
    }
    return false;
}

static bool idle(const struct console *console, enum console_effect_kind what)
{
    return console->asked[what] == CONSOLE_IDLE && console->found == (what != CONSOLE_EFFECT_FIND);
}

/* What the device is to be asked next; false: nothing. */
static bool next_question(struct console *console, struct console_effect *effect)
{
    if (idle(console, CONSOLE_EFFECT_FIND)) {
        effect->kind = CONSOLE_EFFECT_FIND;
    } else if (idle(console, CONSOLE_EFFECT_WRITE) && console->written > console->sent) {
        effect->kind = CONSOLE_EFFECT_WRITE;
        next_write(console, &effect->data);
    } else if (idle(console, CONSOLE_EFFECT_READ)) {
        effect->kind = CONSOLE_EFFECT_READ;
        effect->data.request =
            (struct rpc_request){.operation = STREAM_READ, .version = RPC_VERSION, .value = STREAM_BYTES_MAX};
    } else if (idle(console, CONSOLE_EFFECT_FLUSH) && flush_wanted(console)) {
        effect->kind = CONSOLE_EFFECT_FLUSH;
        effect->data.request = (struct rpc_request){.operation = STREAM_FLUSH, .version = RPC_VERSION};
        console->flushing = console->sent;
    } else {
        return false;
    }
    console->asked[effect->kind] = CONSOLE_UNDER_WAY;
    return true;
}

/* --- what is to be done --- */

static bool next_answer(struct console *console, struct console_effect *effect)
{
    if (!console->answer_count)
        return false;
    struct console_answer first = console->answers[0];
    memmove(&console->answers[0], &console->answers[1], --console->answer_count * sizeof first);
    effect->kind = first.kind;
    effect->request = first.request;
    effect->status = first.status;
    return true;
}

static bool next_waiter(struct console *console, struct console_effect *effect)
{
    for (unsigned i = 0; i < console->waiter_count; i++) {
        struct console_waiter *waiter = &console->waiters[i];
        if (waiter->end > (waiter->flush ? console->flushed : console->sent))
            continue;
        effect->kind = CONSOLE_EFFECT_REPLY;
        effect->request = waiter->request;
        effect->status = CAVERN_OK;
        memmove(waiter, waiter + 1, (--console->waiter_count - i) * sizeof *waiter);
        return true;
    }
    return false;
}

static bool next_line(struct console *console, struct console_effect *effect)
{
    if (!console->readers.count || console->read == console->typed)
        return false;
    effect->kind = CONSOLE_EFFECT_LINE;
    effect->request = asker_take(&console->readers, console->readers.count - 1);
    copy_line(console, &effect->line);
    return true;
}

void console_next_effect(struct console *console, struct console_effect *effect)
{
    if (!next_answer(console, effect) && !next_waiter(console, effect) && !next_line(console, effect) &&
        !next_question(console, effect))
        effect->kind = CONSOLE_EFFECT_NONE;
}

static bool askers_invariants(const struct console_askers *askers)
{
    if (askers->count > CONSOLE_ASKERS)
        return false;
    for (unsigned i = 0; i < askers->count; i++) {
        for (unsigned j = 0; j < i; j++)
            if (askers->list[i].label == askers->list[j].label)
                return false;
    }
    return true;
}

bool console_invariants(const struct console *console)
{
    if (!line_invariants(&console->line) || !askers_invariants(&console->readers) ||
        !askers_invariants(&console->watchers) || console->answer_count > CONSOLE_ANSWERS ||
        console->waiter_count > CONSOLE_WAITERS)
        return false;
    if (console->sent + console->in_flight > console->written || console->written - console->sent > CONSOLE_OUTPUT ||
        console->flushed > console->sent || console->read > console->typed ||
        console->typed - console->read > CONSOLE_INPUT)
        return false;
    if (console->in_flight && console->asked[CONSOLE_EFFECT_WRITE] != CONSOLE_UNDER_WAY)
        return false;
    for (unsigned i = 0; i < console->waiter_count; i++)
        if (console->waiters[i].end > console->written || (i && console->waiters[i].end < console->waiters[i - 1].end))
            return false;
    return console->read == console->typed || console->input[(console->typed - 1) % CONSOLE_INPUT] == ENDING_LINE ||
           console->input[(console->typed - 1) % CONSOLE_INPUT] == ENDING_INPUT;
}
