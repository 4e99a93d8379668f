/* SPDX-License-Identifier: BSD-2-Clause */
/* The console: who writes, who reads, what the device is asked. spec/services/console.md. */
#include "unit.h"

#include "../../services/console/policy.h"

static struct console console;
static struct console_effect effect;
static char shown[65536]; /* what the device was given, ended by 0 */
static size_t shown_length;

static int start(void **state)
{
    (void)state;
    memset(&console, 0, sizeof console);
    shown_length = 0;
    shown[0] = 0;
    return 0;
}

static enum console_effect_kind next(void)
{
    console_next_effect(&console, &effect);
    assert_true(console_invariants(&console));
    return effect.kind;
}

static void ended(enum console_effect_kind what, enum cavern_status status, enum cavern_status word)
{
    struct rpc_reply reply = {.status = word};
    console_device_ended(&console, what, status, &reply, sizeof reply);
    assert_true(console_invariants(&console));
}

/* The next effect that is not about the device, which works: it is found, reads, and takes all that is written. */
static enum console_effect_kind next_for_client(void)
{
    for (;;) {
        switch (next()) {
        case CONSOLE_EFFECT_FIND:
        case CONSOLE_EFFECT_FLUSH:
            ended(effect.kind, CAVERN_OK, CAVERN_OK);
            break;
        case CONSOLE_EFFECT_READ:
            break;
        case CONSOLE_EFFECT_WRITE:
            assert_int_equal(effect.data.request.operation, STREAM_WRITE);
            assert_true(shown_length + effect.data.request.value < sizeof shown);
            memcpy(shown + shown_length, effect.data.bytes, effect.data.request.value);
            shown_length += effect.data.request.value;
            shown[shown_length] = 0;
            ended(CONSOLE_EFFECT_WRITE, CAVERN_OK, CAVERN_OK);
            break;
        default:
            return effect.kind;
        }
    }
}

static void ask(uint64_t label, uint32_t request, unsigned operation)
{
    struct rpc_request rpc = {.operation = (uint16_t)operation, .version = RPC_VERSION};
    console_request(&console, label, request, &rpc, sizeof rpc);
    assert_true(console_invariants(&console));
}

static void write_bytes(uint32_t request, const char *text, size_t length)
{
    static struct console_text payload;
    payload.request = (struct rpc_request){CONSOLE_WRITE, RPC_VERSION, 0, (uint32_t)length};
    memcpy(payload.text, text, length);
    console_request(&console, 1, request, &payload, (unsigned)(offsetof(struct console_text, text) + length));
    assert_true(console_invariants(&console));
}

static void write_text(uint32_t request, const char *text)
{
    write_bytes(request, text, strlen(text));
}

static void type_bytes(const char *text, size_t length)
{
    static struct stream_data data;
    while (length) {
        size_t part = length < STREAM_BYTES_MAX ? length : STREAM_BYTES_MAX;
        (void)next_for_client();
        data.reply = (struct rpc_reply){.value = (uint32_t)part};
        memcpy(data.bytes, text, part);
        console_device_ended(&console, CONSOLE_EFFECT_READ, CAVERN_OK, &data,
                             (unsigned)(offsetof(struct stream_data, bytes) + part));
        assert_true(console_invariants(&console));
        text += part;
        length -= part;
    }
}

static void type(const char *text)
{
    type_bytes(text, strlen(text));
}

static void assert_reply(uint32_t request, enum cavern_status status)
{
    assert_int_equal(next_for_client(), CONSOLE_EFFECT_REPLY);
    assert_int_equal(effect.request, request);
    assert_int_equal(effect.status, status);
}

static void assert_line(uint32_t request, const char *text)
{
    assert_int_equal(next_for_client(), CONSOLE_EFFECT_LINE);
    assert_int_equal(effect.request, request);
    assert_int_equal(effect.line.reply.status, CAVERN_OK);
    assert_int_equal(effect.line.reply.value, strlen(text));
    assert_memory_equal(effect.line.text, text, strlen(text));
    console_given(&console, true);
}

static void assert_nothing(void)
{
    assert_int_equal(next_for_client(), CONSOLE_EFFECT_NONE);
}

/* --- the line --- */

/* What is read after `typed`, and what is shown meanwhile. */
static const struct {
    const char *typed, *line, *shown;
} edits[] = {
    /* [CON-LINE-1] */
    {"echo\r", "echo", "echo\r\n"},
    {"lf\n", "lf", "lf\r\n"},
    {"\r", "", "\r\n"},
    {"gr\xc3\xbc\xc3\x9f\r", "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f\r\n"},
    /* [CON-LINE-2] */
    {"abx\x7f"
     "c\r",
     "abc", "abx\b \bc\r\n"},
    {"abx\b"
     "c\r",
     "abc", "abx\b \bc\r\n"},
    {"\x7f\x7fok\r", "ok", "ok\r\n"},
    {"\xc3\xbc\x7fu\r", "u", "\xc3\xbc\b \bu\r\n"},
    {"a b  \x17"
     "c\r",
     "a c", "a b  \b \b\b \b\b \bc\r\n"},
    {"abc\x15xy\r", "xy", "abc\b \b\b \b\b \bxy\r\n"},
    {"\x15\x17\r", "", "\r\n"},
    /* [CON-LINE-3] */
    {"a\tb\r", "a b", "a b\r\n"},
    {"a\x1b[Ab\r", "ab", "ab\r\n"},
    {"a\x1b[1;5Cb\r", "ab", "ab\r\n"},
    {"a\x1bOPb\r", "ab", "ab\r\n"},
    {"a\x1b\x1b[Ab\r", "ab", "ab\r\n"},
    {"a\x1b[\rb", "a", "a\r\nb"},
    {"a\x01\x02\x0c\x1f"
     "b\r",
     "ab", "ab\r\n"},
    {"a\x04\r", "a", "a\r\n"},
};

static void test_line_edited_as_typed(void **state)
{
    for (unsigned i = 0; i < COUNT_OF(edits); i++) {
        start(state);
        ask(1, 5, CONSOLE_READ);
        type(edits[i].typed);
        assert_line(5, edits[i].line);
        assert_nothing();
        assert_string_equal(shown, edits[i].shown);
    }
}

/* [CON-LINE-1]: CR LF is one end */
static void test_line_return_and_feed_end_one_line(void **state)
{
    (void)state;
    type("a\r\nb\n\nc\r");
    static const char *const lines[] = {"a", "b", "", "c"};
    for (unsigned i = 0; i < COUNT_OF(lines); i++) {
        ask(1, 5, CONSOLE_READ);
        assert_line(5, lines[i]);
    }
}

/* [CON-LINE-4] */
static void test_line_too_long_rings_the_bell(void **state)
{
    static char long_line[LINE_BYTES + 1], got[LINE_BYTES + 1];
    (void)state;
    memset(long_line, 'x', LINE_BYTES);
    memcpy(got, long_line, sizeof got);
    got[LINE_BYTES - 1] = 'y';
    type(long_line);
    assert_nothing();
    assert_int_equal(shown_length, LINE_BYTES);
    type("z");
    assert_nothing();
    assert_string_equal(shown + LINE_BYTES, "\a");
    type("\x7fy\r");
    ask(1, 5, CONSOLE_READ);
    assert_line(5, got);
}

/* [CON-LINE-5] */
static void test_line_typed_ahead_is_kept_until_full(void **state)
{
    static char line[LINE_BYTES + 2];
    unsigned kept = 0;
    (void)state;
    memset(line, 'a', LINE_BYTES);
    line[LINE_BYTES] = '\r';
    for (; kept < CONSOLE_INPUT / (LINE_BYTES + 1); kept++)
        type(line);
    assert_nothing();
    shown_length = 0;
    type(line);
    assert_nothing();
    assert_string_equal(shown + LINE_BYTES, "\a"); /* it can't be finished now */
    line[LINE_BYTES] = 0;
    for (unsigned i = 0; i < kept; i++) {
        ask(1, 10 + i, CONSOLE_READ);
        assert_line(10 + i, line);
    }
    type("\r");
    ask(1, 5, CONSOLE_READ);
    assert_line(5, line);
}

/* [CON-LINE-6] */
static void test_line_end_of_input(void **state)
{
    (void)state;
    ask(1, 5, CONSOLE_READ);
    type("\x04next\r");
    assert_int_equal(next_for_client(), CONSOLE_EFFECT_LINE);
    assert_int_equal(effect.line.reply.status, CAVERN_END);
    assert_int_equal(effect.line.reply.value, 0);
    console_given(&console, true);
    ask(1, 6, CONSOLE_READ);
    assert_line(6, "next");
}

/* --- clients --- */

/* [CON-READ-1] */
static void test_read_last_asked_is_served_first(void **state)
{
    (void)state;
    ask(1, 5, CONSOLE_READ);
    ask(2, 6, CONSOLE_READ);
    type("second\rfirst\rlater\r");
    assert_line(6, "second");
    assert_line(5, "first");
    assert_nothing();
    ask(1, 7, CONSOLE_READ);
    assert_line(7, "later");
}

/* [CON-READ-2] */
static void test_read_again_takes_the_place_of_the_first(void **state)
{
    (void)state;
    ask(1, 5, CONSOLE_READ);
    ask(1, 6, CONSOLE_READ);
    assert_reply(5, CAVERN_BUSY);
    type("line\r");
    assert_line(6, "line");
    assert_nothing();
}

/* [CON-READ-3] */
static void test_read_that_nobody_waits_for_leaves_the_line(void **state)
{
    (void)state;
    ask(1, 5, CONSOLE_READ);
    ask(2, 6, CONSOLE_READ);
    type("line\r");
    assert_int_equal(next_for_client(), CONSOLE_EFFECT_LINE);
    assert_int_equal(effect.request, 6);
    console_given(&console, false);
    assert_line(5, "line");
}

/* [CON-READ-4] */
static void test_client_closed_reads_and_watches_no_more(void **state)
{
    (void)state;
    ask(1, 5, CONSOLE_READ);
    ask(2, 6, CONSOLE_READ);
    ask(2, 7, CONSOLE_WATCH);
    console_closed(&console, 2);
    assert_reply(6, CAVERN_GONE);
    assert_reply(7, CAVERN_GONE);
    console_closed(&console, 3);
    type("line\r");
    assert_line(5, "line");
    type("\x03");
    assert_nothing();
}

/* [CON-READ-5] */
static void test_read_and_watch_without_room_are_queue_full(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < CONSOLE_ASKERS; i++) {
        ask(i, 100 + i, CONSOLE_READ);
        ask(i, 200 + i, CONSOLE_WATCH);
    }
    assert_nothing();
    ask(CONSOLE_ASKERS, 5, CONSOLE_READ);
    assert_reply(5, CAVERN_QUEUE_FULL);
    ask(CONSOLE_ASKERS, 6, CONSOLE_WATCH);
    assert_reply(6, CAVERN_QUEUE_FULL);
    static char interrupts[CONSOLE_ASKERS + 1];
    memset(interrupts, 3, CONSOLE_ASKERS);
    type(interrupts);
    for (unsigned i = 0; i < 2 * CONSOLE_ASKERS; i++) {
        assert_int_equal(next_for_client(), CONSOLE_EFFECT_REPLY);
        assert_int_equal(effect.status, CAVERN_INTERRUPTED);
    }
    assert_nothing();
}

/* [CON-INTERRUPT-1] */
static void test_interrupt_tells_watchers_and_the_reader_in_front(void **state)
{
    (void)state;
    ask(1, 5, CONSOLE_WATCH);
    ask(1, 6, CONSOLE_READ);
    ask(2, 7, CONSOLE_READ);
    ask(3, 8, CONSOLE_WATCH);
    type("ab\x03");
    assert_reply(5, CAVERN_INTERRUPTED);
    assert_reply(8, CAVERN_INTERRUPTED);
    assert_reply(7, CAVERN_INTERRUPTED);
    assert_nothing();
    assert_string_equal(shown, "ab^C\r\n");
    type("line\r");
    assert_line(6, "line");
}

/* [CON-INTERRUPT-2] */
static void test_interrupt_forgets_what_was_typed(void **state)
{
    (void)state;
    type("one\rtwo\rthr\x03"
         "four\r");
    ask(1, 5, CONSOLE_READ);
    assert_line(5, "four");
    ask(1, 6, CONSOLE_READ);
    assert_nothing();
}

/* [CON-INTERRUPT-3] */
static void test_watch_again_takes_the_place_of_the_first(void **state)
{
    (void)state;
    ask(1, 5, CONSOLE_WATCH);
    ask(1, 6, CONSOLE_WATCH);
    assert_reply(5, CAVERN_BUSY);
    type("\x03");
    assert_reply(6, CAVERN_INTERRUPTED);
    assert_nothing();
}

/* [CON-OPEN-1] */
static void test_open_mints_one_more_client(void **state)
{
    (void)state;
    ask(1, 5, CONSOLE_OPEN);
    assert_int_equal(next_for_client(), CONSOLE_EFFECT_OPEN);
    assert_int_equal(effect.request, 5);
    assert_nothing();
}

/* [RPC-2] */
static void test_request_unknown_is_unsupported(void **state)
{
    struct rpc_request request = {.operation = CONSOLE_READ, .version = RPC_VERSION + 1};
    (void)state;
    ask(1, 5, CONSOLE_OPEN + 1);
    assert_reply(5, CAVERN_UNSUPPORTED);
    console_request(&console, 1, 6, &request, sizeof request);
    assert_reply(6, CAVERN_UNSUPPORTED);
}

/* --- output --- */

/* [CON-WRITE-1] */
static void test_write_puts_a_return_before_a_newline(void **state)
{
    (void)state;
    write_text(5, "one\ntwo");
    assert_reply(5, CAVERN_OK);
    write_text(6, "\n");
    assert_reply(6, CAVERN_OK);
    assert_nothing();
    assert_string_equal(shown, "one\r\ntwo\r\n");
}

/* [CON-WRITE-2] */
static void test_write_answered_when_the_device_has_taken_it(void **state)
{
    (void)state;
    assert_int_equal(next(), CONSOLE_EFFECT_FIND);
    ended(CONSOLE_EFFECT_FIND, CAVERN_OK, CAVERN_OK);
    write_text(5, "one");
    write_text(6, "two");
    assert_int_equal(next(), CONSOLE_EFFECT_WRITE);
    assert_int_equal(effect.data.request.value, 6);
    write_text(7, "three");
    assert_int_equal(next(), CONSOLE_EFFECT_READ);
    assert_int_equal(next(), CONSOLE_EFFECT_NONE); /* one write at a time */
    ended(CONSOLE_EFFECT_WRITE, CAVERN_OK, CAVERN_OK);
    assert_int_equal(next(), CONSOLE_EFFECT_REPLY);
    assert_int_equal(effect.request, 5);
    assert_int_equal(next(), CONSOLE_EFFECT_REPLY);
    assert_int_equal(effect.request, 6);
    assert_int_equal(next(), CONSOLE_EFFECT_WRITE);
    assert_memory_equal(effect.data.bytes, "three", 5);
    assert_int_equal(next(), CONSOLE_EFFECT_NONE);
}

/* [CON-WRITE-3] */
static void test_write_without_room_is_queue_full_and_leaves_nothing(void **state)
{
    static char text[CONSOLE_TEXT_MAX];
    uint32_t accepted = 0;
    (void)state;
    memset(text, '\n', sizeof text);
    for (; accepted < CONSOLE_WAITERS; accepted++) {
        uint64_t before = console.written;
        write_bytes(100 + accepted, text, sizeof text);
        if (console.written == before)
            break;
    }
    assert_true(accepted > 4);
    assert_true(CONSOLE_OUTPUT - console.written >= CONSOLE_ECHO);
    assert_reply(100 + accepted, CAVERN_QUEUE_FULL);
    for (uint32_t i = 0; i < accepted; i++)
        assert_reply(100 + i, CAVERN_OK);
    assert_nothing();
    assert_int_equal(shown_length, accepted * 2 * sizeof text);
}

/* [CON-WRITE-3] */
static void test_write_and_flush_with_too_many_waiting_are_queue_full(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < CONSOLE_WAITERS; i++)
        ask(1, 100 + i, CONSOLE_FLUSH);
    write_text(5, "x");
    assert_reply(5, CAVERN_QUEUE_FULL);
    start(state);
    for (uint32_t i = 0; i < CONSOLE_WAITERS; i++)
        write_text(100 + i, "x");
    ask(1, 6, CONSOLE_FLUSH);
    assert_reply(6, CAVERN_QUEUE_FULL);
}

/* [CON-WRITE-4] */
static void test_echo_has_room_that_writes_leave(void **state)
{
    static char text[CONSOLE_TEXT_MAX];
    struct stream_data data = {.reply = {.value = 1}, .bytes = {'\x03'}};
    (void)state;
    memset(text, 'x', sizeof text);
    assert_int_equal(next(), CONSOLE_EFFECT_FIND);
    ended(CONSOLE_EFFECT_FIND, CAVERN_OK, CAVERN_OK);
    for (unsigned i = 0; i < CONSOLE_OUTPUT / sizeof text; i++)
        write_bytes(100 + i, text, sizeof text);
    ask(1, 5, CONSOLE_WATCH);
    for (unsigned i = 0; i < CONSOLE_OUTPUT; i++) { /* the device takes nothing, the person types on */
        console_device_ended(&console, CONSOLE_EFFECT_READ, CAVERN_OK, &data, sizeof data);
        assert_true(console_invariants(&console));
        while (next() != CONSOLE_EFFECT_NONE)
            assert_true(effect.kind != CONSOLE_EFFECT_REPLY || effect.status != CAVERN_OK);
    }
    assert_int_equal(console.watchers.count, 0);
}

/* [CON-WRITE-5] */
static void test_write_that_does_not_fit_its_size_is_bad_argument(void **state)
{
    struct console_text text = {.request = {CONSOLE_WRITE, RPC_VERSION, 0, 10}};
    (void)state;
    console_request(&console, 1, 5, &text, (unsigned)offsetof(struct console_text, text) + 9);
    assert_reply(5, CAVERN_BAD_ARGUMENT);
    text.request.value = CONSOLE_TEXT_MAX + 1;
    console_request(&console, 1, 6, &text, sizeof text);
    assert_reply(6, CAVERN_BAD_ARGUMENT);
    assert_nothing();
    assert_int_equal(shown_length, 0);
}

/* [CON-FLUSH-1] */
static void test_flush_answered_when_the_device_has_sent_all(void **state)
{
    (void)state;
    assert_int_equal(next(), CONSOLE_EFFECT_FIND);
    ended(CONSOLE_EFFECT_FIND, CAVERN_OK, CAVERN_OK);
    write_text(5, "one");
    ask(1, 6, CONSOLE_FLUSH);
    assert_int_equal(next(), CONSOLE_EFFECT_WRITE);
    assert_int_equal(next(), CONSOLE_EFFECT_READ);
    assert_int_equal(next(), CONSOLE_EFFECT_NONE);
    ended(CONSOLE_EFFECT_WRITE, CAVERN_OK, CAVERN_OK);
    assert_int_equal(next(), CONSOLE_EFFECT_REPLY);
    assert_int_equal(effect.request, 5);
    assert_int_equal(next(), CONSOLE_EFFECT_FLUSH);
    write_text(7, "two");
    assert_int_equal(next(), CONSOLE_EFFECT_WRITE);
    ask(1, 8, CONSOLE_FLUSH);
    ended(CONSOLE_EFFECT_WRITE, CAVERN_OK, CAVERN_OK);
    assert_int_equal(next(), CONSOLE_EFFECT_REPLY);
    assert_int_equal(effect.request, 7);
    assert_int_equal(next(), CONSOLE_EFFECT_NONE);
    ended(CONSOLE_EFFECT_FLUSH, CAVERN_OK, CAVERN_OK);
    assert_int_equal(next(), CONSOLE_EFFECT_REPLY);
    assert_int_equal(effect.request, 6); /* the first flush does not stand for what came after it */
    assert_int_equal(next(), CONSOLE_EFFECT_FLUSH);
    ended(CONSOLE_EFFECT_FLUSH, CAVERN_OK, CAVERN_OK);
    assert_int_equal(next(), CONSOLE_EFFECT_REPLY);
    assert_int_equal(effect.request, 8);
}

/* --- the device --- */

/* [CON-DEVICE-1] */
static void test_device_abandoned_is_asked_again_at_once(void **state)
{
    (void)state;
    write_text(5, "one");
    assert_int_equal(next(), CONSOLE_EFFECT_FIND);
    ended(CONSOLE_EFFECT_FIND, CAVERN_ABANDONED, CAVERN_OK);
    assert_int_equal(next(), CONSOLE_EFFECT_FIND);
    ended(CONSOLE_EFFECT_FIND, CAVERN_OK, CAVERN_OK);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(next(), CONSOLE_EFFECT_WRITE);
        assert_memory_equal(effect.data.bytes, "one", 3);
        assert_int_equal(next(), CONSOLE_EFFECT_READ);
        assert_int_equal(next(), CONSOLE_EFFECT_NONE);
        ended(CONSOLE_EFFECT_WRITE, CAVERN_ABANDONED, CAVERN_OK);
        ended(CONSOLE_EFFECT_READ, CAVERN_ABANDONED, CAVERN_OK);
    }
    assert_false(console_paused(&console));
    assert_reply(5, CAVERN_OK);
    assert_string_equal(shown, "one");
}

/* [CON-DEVICE-2] */
static void test_device_that_fails_is_asked_again_after_a_pause(void **state)
{
    static const struct {
        enum cavern_status status, word;
    } failures[] = {{CAVERN_QUEUE_FULL, CAVERN_OK}, {CAVERN_OK, CAVERN_BUSY}, {CAVERN_OK, CAVERN_IO_ERROR}};
    (void)state;
    write_text(5, "one");
    assert_int_equal(next(), CONSOLE_EFFECT_FIND);
    ended(CONSOLE_EFFECT_FIND, CAVERN_OK, CAVERN_NOT_FOUND);
    assert_int_equal(next(), CONSOLE_EFFECT_NONE);
    assert_true(console_paused(&console));
    console_pause_ended(&console);
    assert_int_equal(next(), CONSOLE_EFFECT_FIND);
    ended(CONSOLE_EFFECT_FIND, CAVERN_OK, CAVERN_OK);
    for (unsigned i = 0; i < COUNT_OF(failures); i++) {
        assert_int_equal(next(), CONSOLE_EFFECT_WRITE);
        assert_int_equal(next(), CONSOLE_EFFECT_READ);
        ended(CONSOLE_EFFECT_WRITE, failures[i].status, failures[i].word);
        ended(CONSOLE_EFFECT_READ, failures[i].status, failures[i].word);
        assert_int_equal(next(), CONSOLE_EFFECT_NONE);
        assert_true(console_paused(&console));
        console_pause_ended(&console);
        assert_false(console_paused(&console));
    }
    assert_reply(5, CAVERN_OK);
    assert_string_equal(shown, "one");
}

/* [CON-DEVICE-3] */
static void test_device_gone_is_found_anew(void **state)
{
    (void)state;
    assert_int_equal(next(), CONSOLE_EFFECT_FIND);
    ended(CONSOLE_EFFECT_FIND, CAVERN_OK, CAVERN_OK);
    assert_int_equal(next(), CONSOLE_EFFECT_READ);
    ended(CONSOLE_EFFECT_READ, CAVERN_GONE, CAVERN_OK);
    write_text(5, "one");
    assert_int_equal(next(), CONSOLE_EFFECT_FIND);
    assert_int_equal(next(), CONSOLE_EFFECT_NONE);
    ended(CONSOLE_EFFECT_FIND, CAVERN_OK, CAVERN_OK);
    assert_reply(5, CAVERN_OK);
    assert_string_equal(shown, "one");
}

/* [CON-DEVICE-2]: an answer that makes no sense is no input */
static void test_device_answer_that_is_damaged_is_refused(void **state)
{
    struct stream_data data = {.reply = {.value = 4}, .bytes = "abc\r"};
    (void)state;
    ask(1, 5, CONSOLE_READ);
    assert_nothing();
    console_device_ended(&console, CONSOLE_EFFECT_READ, CAVERN_OK, &data, offsetof(struct stream_data, bytes) + 3);
    assert_true(console_paused(&console));
    console_pause_ended(&console);
    assert_nothing();
    data.reply.value = STREAM_BYTES_MAX + 1;
    console_device_ended(&console, CONSOLE_EFFECT_READ, CAVERN_OK, &data, sizeof data);
    console_pause_ended(&console);
    assert_nothing();
    console_device_ended(&console, CONSOLE_EFFECT_READ, CAVERN_OK, &data, 4);
    assert_true(console_paused(&console));
}

/* Whatever comes, in whatever order: nothing is written past its place, and the invariants hold. */
static void test_console_random_events_keep_the_invariants(void **state)
{
    static struct stream_data data;
    static struct console_text text;
    uint32_t seed = 1, request = 1;
    (void)state;
    for (unsigned step = 0; step < 20000; step++) {
        seed = seed * 1664525 + 1013904223;
        uint32_t dice = seed >> 8;
        uint64_t label = dice % 40;
        if (dice % 7 == 0) {
            text.request = (struct rpc_request){CONSOLE_WRITE, RPC_VERSION, 0, dice % (CONSOLE_TEXT_MAX + 2)};
            memset(text.text, dice & 1 ? '\n' : 'x', sizeof text.text);
            console_request(&console, label, request++, &text, sizeof text);
        } else if (dice % 7 < 4) {
            ask(label, request++, CONSOLE_READ + dice % 3);
        } else if (dice % 7 == 4) {
            console_closed(&console, label);
        } else if (console.asked[CONSOLE_EFFECT_READ] == CONSOLE_UNDER_WAY) {
            data.reply = (struct rpc_reply){.value = dice % 100};
            for (unsigned i = 0; i < 100; i++)
                data.bytes[i] = (uint8_t)(i % 5 ? (dice >> i % 16) : dice);
            console_device_ended(&console, CONSOLE_EFFECT_READ, dice % 11 ? CAVERN_OK : CAVERN_GONE, &data,
                                 sizeof data);
        }
        if (dice % 3 == 0 && console.asked[CONSOLE_EFFECT_WRITE] == CONSOLE_UNDER_WAY)
            ended(CONSOLE_EFFECT_WRITE, dice % 5 ? CAVERN_OK : CAVERN_ABANDONED, CAVERN_OK);
        if (dice % 4 == 0 && console.asked[CONSOLE_EFFECT_FLUSH] == CONSOLE_UNDER_WAY)
            ended(CONSOLE_EFFECT_FLUSH, CAVERN_OK, CAVERN_OK);
        if (console.asked[CONSOLE_EFFECT_FIND] == CONSOLE_UNDER_WAY)
            ended(CONSOLE_EFFECT_FIND, CAVERN_OK, dice % 2 ? CAVERN_OK : CAVERN_NOT_FOUND);
        console_pause_ended(&console);
        while (next() != CONSOLE_EFFECT_NONE)
            if (effect.kind == CONSOLE_EFFECT_LINE)
                console_given(&console, dice % 2);
    }
}

#define TEST(name) cmocka_unit_test_setup(name, start)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_line_edited_as_typed),
        TEST(test_line_return_and_feed_end_one_line),
        TEST(test_line_too_long_rings_the_bell),
        TEST(test_line_typed_ahead_is_kept_until_full),
        TEST(test_line_end_of_input),
        TEST(test_read_last_asked_is_served_first),
        TEST(test_read_again_takes_the_place_of_the_first),
        TEST(test_read_that_nobody_waits_for_leaves_the_line),
        TEST(test_client_closed_reads_and_watches_no_more),
        TEST(test_read_and_watch_without_room_are_queue_full),
        TEST(test_interrupt_tells_watchers_and_the_reader_in_front),
        TEST(test_interrupt_forgets_what_was_typed),
        TEST(test_watch_again_takes_the_place_of_the_first),
        TEST(test_open_mints_one_more_client),
        TEST(test_request_unknown_is_unsupported),
        TEST(test_write_puts_a_return_before_a_newline),
        TEST(test_write_answered_when_the_device_has_taken_it),
        TEST(test_write_without_room_is_queue_full_and_leaves_nothing),
        TEST(test_write_and_flush_with_too_many_waiting_are_queue_full),
        TEST(test_echo_has_room_that_writes_leave),
        TEST(test_write_that_does_not_fit_its_size_is_bad_argument),
        TEST(test_flush_answered_when_the_device_has_sent_all),
        TEST(test_device_abandoned_is_asked_again_at_once),
        TEST(test_device_that_fails_is_asked_again_after_a_pause),
        TEST(test_device_gone_is_found_anew),
        TEST(test_device_answer_that_is_damaged_is_refused),
        TEST(test_console_random_events_keep_the_invariants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
