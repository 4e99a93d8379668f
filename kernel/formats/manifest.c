/* SPDX-License-Identifier: BSD-2-Clause */
#include "formats/manifest.h"

#include <stdbool.h>
#include <string.h>

static bool all_of(const char *text, bool (*good)(char))
{
    for (; *text; text++)
        if (!good(*text))
            return false;
    return true;
}

static bool is_name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

static bool is_visible(char c)
{
    return c > ' ' && c <= '~';
}

static enum manifest_error parse_name(const char *value, const char **name)
{
    if (*name)
        return MANIFEST_REPEATED_KEY;
    if (!*value || strlen(value) > MANIFEST_NAME_MAX || !all_of(value, is_name_character))
        return MANIFEST_BAD_VALUE;
    *name = value;
    return MANIFEST_OK;
}

static enum manifest_error parse_driver(struct manifest *manifest, const char *value)
{
    return parse_name(value, &manifest->driver);
}

static enum manifest_error parse_class(struct manifest *manifest, const char *value)
{
    return parse_name(value, &manifest->driver_class);
}

static enum manifest_error parse_compatible(struct manifest *manifest, const char *value)
{
    if (manifest->compatible_count == MANIFEST_COMPATIBLES_MAX)
        return MANIFEST_TOO_MANY;
    if (!*value || strlen(value) > MANIFEST_COMPATIBLE_BYTES_MAX || !all_of(value, is_visible))
        return MANIFEST_BAD_VALUE;
    manifest->compatible[manifest->compatible_count++] = value;
    return MANIFEST_OK;
}

static enum manifest_error parse_stack(struct manifest *manifest, const char *value)
{
    uint32_t bytes = 0;

    if (manifest->stack_bytes)
        return MANIFEST_REPEATED_KEY;
    for (const char *digit = value; *digit; digit++) {
        if (*digit < '0' || *digit > '9' || bytes > MANIFEST_STACK_MAX)
            return MANIFEST_BAD_VALUE;
        bytes = bytes * 10 + (uint32_t)(*digit - '0');
    }
    if (bytes < MANIFEST_STACK_MIN || bytes > MANIFEST_STACK_MAX)
        return MANIFEST_BAD_VALUE;
    manifest->stack_bytes = bytes;
    return MANIFEST_OK;
}

static enum manifest_error parse_restart(struct manifest *manifest, const char *value)
{
    static const char *const names[] = {
        [MANIFEST_PERMANENT] = "permanent",
        [MANIFEST_TRANSIENT] = "transient",
        [MANIFEST_TEMPORARY] = "temporary",
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (!strcmp(value, names[i])) {
            manifest->restart = (enum manifest_restart)i;
            return MANIFEST_OK;
        }
    }
    return MANIFEST_BAD_VALUE;
}

static enum manifest_error parse_dma(struct manifest *manifest, const char *value)
{
    if (manifest->dma)
        return MANIFEST_REPEATED_KEY;
    manifest->dma = !strcmp(value, "yes");
    return manifest->dma ? MANIFEST_OK : MANIFEST_BAD_VALUE;
}

static enum manifest_error parse_line(struct manifest *manifest, const char *line)
{
    static const struct {
        const char *key;
        enum manifest_error (*parse)(struct manifest *, const char *value);
    } keys[] = {
        {"driver", parse_driver}, {"class", parse_class},     {"compatible", parse_compatible},
        {"stack", parse_stack},   {"restart", parse_restart}, {"dma", parse_dma},
    };
    const char *equals = strchr(line, '=');

    if (!equals || equals == line)
        return MANIFEST_BAD_LINE;
    size_t length = (size_t)(equals - line);
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
        if (strlen(keys[i].key) == length && !memcmp(keys[i].key, line, length))
            return keys[i].parse(manifest, equals + 1);
    return MANIFEST_UNKNOWN_KEY;
}

enum manifest_error manifest_parse(const void *description, size_t bytes, struct manifest *manifest)
{
    static const char version[] = "manifest=1";
    const char *line = description;

    *manifest = (struct manifest){0};
    if (bytes < sizeof(version) || memcmp(line, version, sizeof(version)))
        return MANIFEST_BAD_VERSION;
    const char *end = line + bytes;
    if (end[-1])
        return MANIFEST_UNTERMINATED;

    for (line += sizeof(version); line < end && *line; line += strlen(line) + 1) {
        enum manifest_error error = parse_line(manifest, line);

        if (error)
            return error;
    }
    if (!manifest->driver || !manifest->driver_class || !manifest->compatible_count)
        return MANIFEST_INCOMPLETE;
    if (!manifest->stack_bytes)
        manifest->stack_bytes = MANIFEST_STACK_DEFAULT;
    return MANIFEST_OK;
}

static bool names_compatible(const struct manifest *manifest, const char *compatible, size_t length)
{
    for (uint32_t i = 0; i < manifest->compatible_count; i++)
        if (strlen(manifest->compatible[i]) == length && !memcmp(manifest->compatible[i], compatible, length))
            return true;
    return false;
}

int manifest_match(const struct manifest *manifest, const void *compatible, size_t bytes)
{
    const char *at = compatible;

    for (int place = 0; bytes; place++) {
        const char *nul = memchr(at, '\0', bytes);

        if (!nul)
            return -1;
        size_t length = (size_t)(nul - at);
        if (names_compatible(manifest, at, length))
            return place;
        at = nul + 1;
        bytes -= length + 1;
    }
    return -1;
}

const char *manifest_error_text(enum manifest_error error)
{
    static const char *const texts[] = {
        [MANIFEST_OK] = "no error",
        [MANIFEST_BAD_VERSION] = "the manifest does not start with manifest=1",
        [MANIFEST_UNTERMINATED] = "the manifest's last string has no end",
        [MANIFEST_BAD_LINE] = "a line of the manifest is not key=value",
        [MANIFEST_UNKNOWN_KEY] = "the manifest has an unknown key",
        [MANIFEST_REPEATED_KEY] = "the manifest has a key twice",
        [MANIFEST_BAD_VALUE] = "the manifest has a bad value",
        [MANIFEST_TOO_MANY] = "the manifest has too many compatible strings",
        [MANIFEST_INCOMPLETE] = "the manifest lacks driver, class or compatible",
    };

    return (size_t)error < sizeof(texts) / sizeof(*texts) ? texts[error] : "unknown error";
}
