/* SPDX-License-Identifier: BSD-2-Clause */
#include "formats/ustar.h"

#include <stdbool.h>
#include <string.h>

/* All fields are bytes, so the header may stand at any address. */
struct header {
    char name[100];
    char mode[8];
    char uid[8];
    char gid[8];
    char size[12];
    char mtime[12];
    char checksum[8];
    char type;
    char link[100];
    char magic[6];
    char version[2];
    char user[32];
    char group[32];
    char major[8];
    char minor[8];
    char prefix[155];
    char padding[12];
};

_Static_assert(sizeof(struct header) == USTAR_BLOCK_BYTES, "a header is a block");

void ustar_open(struct ustar *archive, const void *image, size_t size)
{
    *archive = (struct ustar){.image = image, .size = size};
}

/* Octal digits, with spaces before and a space or NUL after them. Twelve digits can't overflow. */
static bool parse_octal(const char *field, size_t bytes, uint64_t *value)
{
    size_t at = 0;
    uint64_t result = 0;

    while (at < bytes && field[at] == ' ')
        at++;
    size_t digits = at;
    for (; at < bytes && field[at] >= '0' && field[at] <= '7'; at++)
        result = result * 8 + (uint64_t)(field[at] - '0');
    *value = result;
    return at > digits && (at == bytes || field[at] == ' ' || field[at] == '\0');
}

static bool block_is_zero(const uint8_t *block)
{
    for (size_t i = 0; i < USTAR_BLOCK_BYTES; i++)
        if (block[i])
            return false;
    return true;
}

/* The sum of all bytes, those of the checksum itself taken as spaces. */
static uint64_t sum_of(const struct header *header)
{
    const uint8_t *bytes = (const uint8_t *)header;
    uint64_t sum = sizeof(header->checksum) * ' ';

    for (size_t i = 0; i < sizeof(*header); i++)
        if (i < offsetof(struct header, checksum) || i >= offsetof(struct header, type))
            sum += bytes[i];
    return sum;
}

static size_t field_length(const char *field, size_t bytes)
{
    const char *end = memchr(field, '\0', bytes);

    return end ? (size_t)(end - field) : bytes;
}

static bool has_parent_component(const char *name)
{
    for (const char *part = name; part; part = strchr(part, '/')) {
        part += *part == '/' ? 1 : 0;
        if (part[0] == '.' && part[1] == '.' && (part[2] == '/' || part[2] == '\0'))
            return true;
    }
    return false;
}

/* Joins prefix and name, and takes "./" from the front and "/" from the end. */
static bool parse_name(const struct header *header, char *name)
{
    size_t prefix = field_length(header->prefix, sizeof(header->prefix));
    size_t length = field_length(header->name, sizeof(header->name));
    char whole[USTAR_NAME_MAX + 1];
    size_t used = 0;

    if (prefix) {
        memcpy(whole, header->prefix, prefix);
        whole[prefix] = '/';
        used = prefix + 1;
    }
    memcpy(whole + used, header->name, length);
    used += length;
    if (length == 0)
        return false;

    while (used > 1 && whole[used - 1] == '/')
        used--;
    whole[used] = '\0';
    const char *start = whole;
    while (start[0] == '.' && start[1] == '/')
        start += 2;
    memcpy(name, start, used - (size_t)(start - whole) + 1);
    return *name && *name != '/' && !has_parent_component(name);
}

static enum ustar_error parse_numbers(const struct header *header, struct ustar_entry *entry)
{
    uint64_t checksum;
    uint64_t mode;

    if (!parse_octal(header->checksum, sizeof(header->checksum), &checksum) || checksum != sum_of(header))
        return USTAR_BAD_CHECKSUM;
    if (!parse_octal(header->size, sizeof(header->size), &entry->size) ||
        !parse_octal(header->mode, sizeof(header->mode), &mode) ||
        !parse_octal(header->mtime, sizeof(header->mtime), &entry->time))
        return USTAR_BAD_NUMBER;
    entry->mode = (uint32_t)mode;
    return USTAR_OK;
}

/* Of links, devices and folders the size means no contents. */
static bool has_contents(char type)
{
    return type < '1' || type > '6';
}

static enum ustar_error parse_header(const struct header *header, struct ustar_entry *entry)
{
    if (memcmp(header->magic,
               "ustar\0"
               "00",
               sizeof(header->magic) + sizeof(header->version)))
        return USTAR_BAD_MAGIC;

    enum ustar_error error = parse_numbers(header, entry);
    if (error)
        return error;
    if (!parse_name(header, entry->name))
        return USTAR_BAD_NAME;
    entry->type = header->type ? header->type : USTAR_FILE;
    if (!has_contents(entry->type))
        entry->size = 0;
    return USTAR_OK;
}

/* The archive ends with two blocks of zeros. */
static enum ustar_error check_end(const struct ustar *archive)
{
    if (archive->size - archive->next < 2 * USTAR_BLOCK_BYTES)
        return USTAR_TRUNCATED;
    return block_is_zero(archive->image + archive->next + USTAR_BLOCK_BYTES) ? USTAR_END : USTAR_BAD_END;
}

enum ustar_error ustar_next(struct ustar *archive, struct ustar_entry *entry)
{
    size_t left = archive->size - archive->next;

    *entry = (struct ustar_entry){0};
    if (left < USTAR_BLOCK_BYTES)
        return USTAR_TRUNCATED;
    const uint8_t *block = archive->image + archive->next;
    if (block_is_zero(block))
        return check_end(archive);

    enum ustar_error error = parse_header((const struct header *)block, entry);
    if (error)
        return error;
    left -= USTAR_BLOCK_BYTES;
    uint64_t padded = (entry->size + USTAR_BLOCK_BYTES - 1) & ~(uint64_t)(USTAR_BLOCK_BYTES - 1);
    if (padded > left)
        return USTAR_TRUNCATED;
    entry->offset = archive->next + USTAR_BLOCK_BYTES;
    archive->next += USTAR_BLOCK_BYTES + padded;
    return USTAR_OK;
}

enum ustar_error ustar_find(const void *image, size_t size, const char *name, struct ustar_entry *entry)
{
    struct ustar archive;
    enum ustar_error error;

    ustar_open(&archive, image, size);
    do {
        error = ustar_next(&archive, entry);
        if (error == USTAR_END)
            return USTAR_NOT_FOUND;
    } while (!error && strcmp(entry->name, name) != 0);
    return error;
}

const char *ustar_error_text(enum ustar_error error)
{
    static const char *const texts[] = {
        [USTAR_OK] = "no error",
        [USTAR_END] = "end of the archive",
        [USTAR_NOT_FOUND] = "not in the archive",
        [USTAR_TRUNCATED] = "the archive is truncated",
        [USTAR_BAD_MAGIC] = "not a ustar archive",
        [USTAR_BAD_CHECKSUM] = "a header of the archive is damaged",
        [USTAR_BAD_NUMBER] = "a header of the archive has a bad number",
        [USTAR_BAD_NAME] = "a file of the archive has a bad name",
        [USTAR_BAD_END] = "the archive has a zero block in the middle",
    };

    return (size_t)error < sizeof(texts) / sizeof(*texts) ? texts[error] : "unknown error";
}
