/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a driver says about itself: an ELF note with owner "Cavern" and type 1, whose description is a sequence of
 * NUL-terminated strings `key=value`, the first of which is `manifest=1`. `readelf -p .note.cavern` shows it.
 *
 *   driver      name of the driver, once: a-z, 0-9 and '-'
 *   class       what it offers, once: the kind of its names in the registry, such as "uart"
 *   compatible  a device-tree `compatible` that it drives, 1 to 16 times
 *   stack       bytes of its first thread's stack, optional
 *   restart     permanent, transient or temporary, optional
 *   dma         yes, optional: its device reads and writes memory by itself
 *
 * A driver's source file has, once:
 *
 *   CAVERN_MANIFEST(MANIFEST_DRIVER("pl011")
 *                   MANIFEST_CLASS("uart")
 *                   MANIFEST_COMPATIBLE("arm,pl011"));
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MANIFEST_OWNER "Cavern"
#define MANIFEST_NOTE_TYPE 1

#define MANIFEST_DRIVER(name) "driver=" name "\0"
#define MANIFEST_CLASS(name) "class=" name "\0"
#define MANIFEST_COMPATIBLE(name) "compatible=" name "\0"
#define MANIFEST_STACK(bytes) "stack=" bytes "\0"
#define MANIFEST_RESTART(policy) "restart=" policy "\0"
#define MANIFEST_DMA "dma=yes\0"

/* The string literal's own last NUL makes no difference: an empty string ends the list. */
#define CAVERN_MANIFEST(strings)                                                                                       \
    static const struct {                                                                                              \
        uint32_t owner_bytes, description_bytes, type;                                                                 \
        char owner[8];                                                                                                 \
        char description[sizeof("manifest=1\0" strings)];                                                              \
    } cavern_manifest __attribute__((section(".note.cavern"), used, aligned(4))) = {                                   \
        sizeof(MANIFEST_OWNER), sizeof("manifest=1\0" strings), MANIFEST_NOTE_TYPE, MANIFEST_OWNER,                    \
        "manifest=1\0" strings}

enum {
    MANIFEST_NAME_MAX = 31,
    MANIFEST_COMPATIBLE_BYTES_MAX = 63,
    MANIFEST_COMPATIBLES_MAX = 16,
    MANIFEST_STACK_DEFAULT = 64 * 1024,
    MANIFEST_STACK_MIN = 4096,
    MANIFEST_STACK_MAX = 16 * 1024 * 1024,
};

enum manifest_restart {
    MANIFEST_PERMANENT, /* always restarted: the default */
    MANIFEST_TRANSIENT, /* unless it ended well */
    MANIFEST_TEMPORARY, /* never */
};

enum manifest_error {
    MANIFEST_OK,
    MANIFEST_BAD_VERSION,  /* does not start with manifest=1 */
    MANIFEST_UNTERMINATED, /* the last string has no NUL */
    MANIFEST_BAD_LINE,     /* not key=value */
    MANIFEST_UNKNOWN_KEY,
    MANIFEST_REPEATED_KEY,
    MANIFEST_BAD_VALUE,
    MANIFEST_TOO_MANY,   /* compatibles */
    MANIFEST_INCOMPLETE, /* without driver, class or compatible */
};

/* The strings lie in the note. */
struct manifest {
    const char *driver;
    const char *driver_class;
    const char *compatible[MANIFEST_COMPATIBLES_MAX];
    uint32_t compatible_count;
    uint32_t stack_bytes;
    enum manifest_restart restart;
    bool dma;
};

enum manifest_error manifest_parse(const void *description, size_t bytes, struct manifest *manifest)
    __attribute__((warn_unused_result));

/*
 * How well a driver fits a node: the place in the node's `compatible` list (a device-tree property: strings with a NUL
 * each, the most specific first) of the first one that the driver names, or -1. The least is the best.
 */
int manifest_match(const struct manifest *manifest, const void *compatible, size_t bytes);

const char *manifest_error_text(enum manifest_error error);
