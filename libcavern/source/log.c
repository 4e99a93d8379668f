/* SPDX-License-Identifier: BSD-2-Clause */
#include <cavern/log.h>

#include <stdio.h>
#include <string.h>

#include <cavern/handles.h>
#include <cavern/mutex.h>
#include <cavern/registry.h>
#include <cavern/send.h>
#include <cavern/start.h>
#include <cavern/stubs.h>
#include <cavern/text.h>
#include <cavern/time.h>

#define NAME "/service/log"

static struct {
    struct cavern_once once;
    cavern_handle sender; /* 0: the log has not been found, or is gone */
    cavern_handle machine;
    unsigned lost; /* lines since the last that got through */
} state;

static void start(void)
{
    state.sender = cavern_startup_get(CAVERN_STARTUP_LOG);
    state.machine = cavern_startup_get(CAVERN_STARTUP_MACHINE);
}

/* In place of `gone`; another thread may have done it meanwhile. */
static cavern_handle find_service(cavern_handle gone)
{
    cavern_handle found;
    if (cavern_registry_lookup(NAME, CAVERN_POLL, &found))
        found = CAVERN_NO_HANDLE;
    bool first = __atomic_compare_exchange_n(&state.sender, &gone, found, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    cavern_handle_close(first ? gone : found);
    return first ? found : gone;
}

struct line {
    struct log_write head;
    char text[CAVERN_LOG_TEXT_MAX];
};

static enum cavern_status tell_service(cavern_handle sender, enum cavern_log_level level, struct line *line)
{
    if (!sender)
        return CAVERN_GONE;
    const char *source = cavern_program_name();
    line->head.request = (struct rpc_request){.operation = LOG_WRITE, .version = RPC_VERSION, .value = level};
    line->head.time = cavern_now();
    memset(line->head.source, 0, sizeof(line->head.source));
    memcpy(line->head.source, source, strnlen(source, sizeof(line->head.source) - 1));
    line->head.pad = 0;
    uint32_t size = (uint32_t)sizeof(line->head) + line->head.length;
    return cavern_send(sender, &(struct cavern_outgoing){.payload = line, .size = size});
}

/* The kernel's log does not know who speaks. */
static enum cavern_status tell_kernel(enum cavern_log_level level, const struct line *line)
{
    char text[CAVERN_LOG_TEXT_MAX];
    int length = snprintf(text, sizeof(text), "%s: %.*s", cavern_program_name(), (int)line->head.length, line->text);
    uint64_t size = (size_t)length < sizeof(text) ? (uint64_t)length : sizeof(text) - 1;
    uint64_t next, written;
    return cavern_sys_machine(state.machine, CAVERN_MACHINE_LOG_WRITE, level, (uintptr_t)text, size, &next, &written);
}

static enum cavern_status tell(enum cavern_log_level level, struct line *line)
{
    cavern_handle sender = __atomic_load_n(&state.sender, __ATOMIC_SEQ_CST);
    enum cavern_status status = tell_service(sender, level, line);
    if (status != CAVERN_GONE)
        return status;
    if (state.machine && tell_kernel(level, line) == CAVERN_OK)
        return CAVERN_OK;
    return tell_service(find_service(sender), level, line);
}

static void fill(struct line *line, const char *format, va_list arguments)
{
    int length = vsnprintf(line->text, sizeof(line->text), format, arguments);
    line->head.length = length < 0 ? 0 : (uint32_t)length;
    if (line->head.length >= sizeof(line->text))
        line->head.length = sizeof(line->text) - 1;
}

static void fill_lost(struct line *line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fill(line, format, arguments);
    va_end(arguments);
}

void cavern_log_va(enum cavern_log_level level, const char *format, va_list arguments)
{
    struct line line;
    cavern_once(&state.once, start);
    unsigned lost = __atomic_exchange_n(&state.lost, 0, __ATOMIC_SEQ_CST);
    if (lost) {
        fill_lost(&line, "%u lines lost", lost);
        if (tell(CAVERN_LOG_WARNING, &line))
            __atomic_add_fetch(&state.lost, lost, __ATOMIC_SEQ_CST);
    }
    fill(&line, format, arguments);
    if (tell(level, &line))
        __atomic_add_fetch(&state.lost, 1, __ATOMIC_SEQ_CST);
}

void cavern_log(enum cavern_log_level level, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    cavern_log_va(level, format, arguments);
    va_end(arguments);
}

enum cavern_status cavern_log_failure(enum cavern_status status, const char *what)
{
    if (status)
        cavern_log(CAVERN_LOG_ERROR, "%s: %s", what, cavern_status_text(status));
    return status;
}
