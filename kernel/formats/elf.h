/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Static AArch64 programs: ELF64, little-endian, ET_EXEC (System V ABI, chapters 4 and 5; ELF for the Arm 64-bit
 * Architecture). elf_open checks all that a loader relies on; afterwards the segments can be mapped without a further
 * test. The image may have any alignment; it must not change while it is in use.
 *
 * Of a good program: PT_LOAD segments ascend, share no page, lie in [ELF_ADDRESS_MIN, ELF_ADDRESS_END), are not both
 * writable and executable, and stand at the same offset in their page in file and memory. The entry lies in an
 * executable segment, the initial TLS image in the file's part of a segment. There is no interpreter and no dynamic
 * section.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_ADDRESS_MIN UINT64_C(0x1000)
#define ELF_ADDRESS_END (UINT64_C(1) << 46)

enum {
    ELF_PAGE_BYTES = 4096,
    ELF_HEADERS_MAX = 64,
};

/* The bits of p_flags. */
enum elf_protection {
    ELF_EXECUTE = 1,
    ELF_WRITE = 2,
    ELF_READ = 4,
};

enum elf_error {
    ELF_OK,
    ELF_TRUNCATED,           /* something lies outside the image */
    ELF_NOT_ELF,             /* magic */
    ELF_WRONG_CLASS,         /* not 64 bits, little-endian, version 1 */
    ELF_WRONG_MACHINE,       /* not AArch64 */
    ELF_NOT_STATIC,          /* not ET_EXEC, or with an interpreter or dynamic section */
    ELF_BAD_HEADERS,         /* size or number of the program headers */
    ELF_NO_SEGMENT,          /* nothing to load */
    ELF_BAD_SEGMENT_SIZE,    /* more in the file than in memory */
    ELF_BAD_SEGMENT_ADDRESS, /* outside the user's address space */
    ELF_BAD_SEGMENT_OFFSET,  /* file offset and address differ within the page */
    ELF_SEGMENTS_OVERLAP,    /* two share a page, or they do not ascend */
    ELF_WRITE_EXECUTE,       /* writable and executable at once */
    ELF_BAD_ENTRY,           /* entry in no executable segment */
    ELF_BAD_TLS,             /* two, not inside a segment, or with a strange alignment */
    ELF_BAD_NOTE,            /* a damaged note */
    ELF_NO_NOTE,             /* no such note */
};

struct elf_segment {
    uint64_t address;
    uint64_t memory_size;
    uint64_t offset; /* in the image */
    uint64_t file_size;
    uint64_t alignment;
    uint32_t protection;
};

struct elf_image {
    const uint8_t *data;
    size_t size;
    uint64_t entry;
    uint64_t headers; /* offset of the program headers */
    uint32_t header_count;
};

enum elf_error elf_open(const void *data, size_t size, struct elf_image *image) __attribute__((warn_unused_result));

/* The next segment to load, *cursor starting with 0; empty ones are left out. False when there is none. */
bool elf_next_segment(const struct elf_image *image, uint32_t *cursor, struct elf_segment *segment);

/* The initial image of thread-local storage; false when the program has none. */
bool elf_tls(const struct elf_image *image, struct elf_segment *segment);

/* The description of the first note with this owner and type: points into the image, any alignment. */
enum elf_error elf_note_find(const struct elf_image *image, const char *owner, uint32_t type, const void **description,
                             size_t *bytes) __attribute__((warn_unused_result));

const char *elf_error_text(enum elf_error error);
