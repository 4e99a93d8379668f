/* SPDX-License-Identifier: BSD-2-Clause */
#include <cavern/startup_record.h>

#include <string.h>

static bool names_end(const struct cavern_startup_handle *handles, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!memchr(handles[i].name, 0, sizeof(handles[i].name)))
            return false;
    return true;
}

static bool arguments_end(const char *at, const char *end, uint32_t count)
{
    for (; count; count--) {
        const char *zero = at < end ? memchr(at, 0, (size_t)(end - at)) : NULL;
        if (!zero)
            return false;
        at = zero + 1;
    }
    return true;
}

bool cavern_startup_open(const void *memory, size_t size, struct cavern_startup_view *view)
{
    static const struct cavern_startup none;
    const struct cavern_startup *record = memory;
    *view = (struct cavern_startup_view){.record = &none};
    if (!record || size < sizeof(*record) || record->magic != CAVERN_STARTUP_MAGIC)
        return false;
    if (record->size < sizeof(*record) || record->size > size)
        return false;
    size_t room = record->size - sizeof(*record);
    const struct cavern_startup_handle *handles = (const void *)(record + 1);
    if (record->handles > room / sizeof(*handles) || !names_end(handles, record->handles))
        return false;
    const char *arguments = (const char *)(handles + record->handles);
    if (!arguments_end(arguments, (const char *)memory + record->size, record->arguments))
        return false;
    *view = (struct cavern_startup_view){record, handles, arguments};
    return true;
}

const struct cavern_startup_handle *cavern_startup_view_find(const struct cavern_startup_view *view, const char *name)
{
    for (uint32_t i = 0; i < view->record->handles; i++)
        if (!strcmp(view->handles[i].name, name))
            return &view->handles[i];
    return NULL;
}

const char *cavern_startup_argument_next(const char *argument)
{
    return argument + strlen(argument) + 1;
}

size_t cavern_startup_size(size_t handles, size_t argument_bytes)
{
    return sizeof(struct cavern_startup) + handles * sizeof(struct cavern_startup_handle) + argument_bytes;
}

static uint32_t count_strings(const char *bytes, size_t size)
{
    uint32_t count = 0;
    for (size_t i = 0; i < size; i++)
        count += bytes[i] == 0;
    return count;
}

struct cavern_startup_handle *cavern_startup_write(void *memory, size_t handles, const char *arguments,
                                                   size_t argument_bytes, uint64_t heap)
{
    struct cavern_startup *record = memory;
    struct cavern_startup_handle *entries = (void *)(record + 1);
    *record = (struct cavern_startup){
        .magic = CAVERN_STARTUP_MAGIC,
        .size = (uint32_t)cavern_startup_size(handles, argument_bytes),
        .handles = (uint32_t)handles,
        .arguments = count_strings(arguments, argument_bytes),
        .heap = heap,
    };
    memset(entries, 0, handles * sizeof(*entries));
    if (argument_bytes)
        memcpy(entries + handles, arguments, argument_bytes);
    return entries;
}

void cavern_startup_handle_write(struct cavern_startup_handle *entry, const char *name, cavern_handle handle,
                                 const uint64_t values[3])
{
    memset(entry->name, 0, sizeof(entry->name));
    memcpy(entry->name, name, strnlen(name, sizeof(entry->name) - 1));
    entry->handle = handle;
    memcpy(entry->values, values, sizeof(entry->values));
}
