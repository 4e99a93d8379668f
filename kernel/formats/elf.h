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

/*@
  predicate is_string(char *s) = \exists integer n; 0 <= n && \valid_read(s + (0 .. n)) && s[n] == 0;
  logic integer le16(uint8_t *at) = at[0] + at[1] * 0x100;
  logic integer le32(uint8_t *at) = le16(at) + le16(at + 2) * 0x10000;
  logic integer le64(uint8_t *at) = le32(at) + le32(at + 4) * 0x100000000;

  // Program header n of those that start at h.
  logic integer type_of(uint8_t *h, integer n) = le32(h + n * 56);
  logic integer protection_of(uint8_t *h, integer n) = le32(h + n * 56 + 4) & 7;
  logic integer offset_of(uint8_t *h, integer n) = le64(h + n * 56 + 8);
  logic integer address_of(uint8_t *h, integer n) = le64(h + n * 56 + 16);
  logic integer file_size_of(uint8_t *h, integer n) = le64(h + n * 56 + 32);
  logic integer memory_size_of(uint8_t *h, integer n) = le64(h + n * 56 + 40);
  logic integer alignment_of(uint8_t *h, integer n) = le64(h + n * 56 + 48);
  predicate segment_is(struct elf_segment *s, uint8_t *h, integer n) =
    s->address == address_of(h, n) && s->memory_size == memory_size_of(h, n) && s->offset == offset_of(h, n) &&
    s->file_size == file_size_of(h, n) && s->alignment == alignment_of(h, n) &&
    s->protection == protection_of(h, n);

  // What is loaded lies in the image and in the user's addresses, at the same place in its page, and is not W and X.
  predicate loadable(integer address, integer memory_size, integer offset, integer file_size, integer protection,
                     integer image_size) =
    offset + file_size <= image_size && file_size <= memory_size &&
    ELF_ADDRESS_MIN <= address && address + memory_size <= ELF_ADDRESS_END &&
    address % ELF_PAGE_BYTES == offset % ELF_PAGE_BYTES &&
    ((protection & ELF_WRITE) == 0 || (protection & ELF_EXECUTE) == 0);
  predicate is_load(uint8_t *h, integer n) =
    type_of(h, n) == 1 && (memory_size_of(h, n) != 0 || file_size_of(h, n) != 0);
  predicate load_good(uint8_t *h, integer n, integer size) =
    loadable(address_of(h, n), memory_size_of(h, n), offset_of(h, n), file_size_of(h, n), protection_of(h, n), size);
  predicate loads_in_bounds(uint8_t *h, integer count, integer size) =
    \forall integer n; 0 <= n < count && is_load(h, n) ==> load_good(h, n, size);
  predicate executes(uint8_t *h, integer n, integer entry) = is_load(h, n) &&
    (protection_of(h, n) & ELF_EXECUTE) != 0 && address_of(h, n) <= entry < address_of(h, n) + memory_size_of(h, n);

  // The initial image of thread-local storage is a part of what segment n loads from the file.
  predicate tls_in(uint8_t *h, integer n, integer address, integer offset, integer file_size) = is_load(h, n) &&
    address_of(h, n) <= address && address + file_size <= address_of(h, n) + file_size_of(h, n) &&
    offset - offset_of(h, n) == address - address_of(h, n);
  predicate tls_loaded(uint8_t *h, integer count, integer address, integer offset, integer file_size) =
    file_size == 0 || \exists integer n; 0 <= n < count && tls_in(h, n, address, offset, file_size);
  predicate tls_good(uint8_t *h, integer tls, integer count) =
    file_size_of(h, tls) <= memory_size_of(h, tls) < ELF_ADDRESS_END && alignment_of(h, tls) <= ELF_PAGE_BYTES &&
    tls_loaded(h, count, address_of(h, tls), offset_of(h, tls), file_size_of(h, tls));
  predicate others_good(uint8_t *h, integer count, integer upto, integer size) =
    \forall integer n; 0 <= n < upto ==> type_of(h, n) != 2 && type_of(h, n) != 3 &&
      (type_of(h, n) == 4 ==> offset_of(h, n) + file_size_of(h, n) <= size) &&
      (type_of(h, n) == 7 ==> tls_good(h, n, count) && \forall integer m; 0 <= m < n ==> type_of(h, m) != 7);

  predicate headers_readable(uint8_t *h, integer count) =
    \valid_read(h + (0 .. count * 56 - 1)) && count <= ELF_HEADERS_MAX;
  logic uint8_t *headers_of(struct elf_image *i) = i->data + i->headers;
  predicate image_readable(struct elf_image *i) = \valid_read(i) && i->size < 0x8000000000000000 &&
    \valid_read(i->data + (0 .. i->size - 1)) && i->headers + i->header_count * 56 <= i->size &&
    i->header_count <= ELF_HEADERS_MAX;
  predicate image_good(struct elf_image *i) = image_readable(i) &&
    loads_in_bounds(headers_of(i), i->header_count, i->size) &&
    others_good(headers_of(i), i->header_count, i->header_count, i->size) &&
    \exists integer n; 0 <= n < i->header_count && executes(headers_of(i), n, i->entry);
*/

/*@
  requires size < 0x8000000000000000 && \valid_read(data + (0 .. size - 1)) && \valid(image);
  requires \separated(image, data + (0 .. size - 1));
  assigns *image;
  ensures \result == ELF_OK ==> image_good(image) && image->data == data && image->size == size;
*/
enum elf_error elf_open(const uint8_t *data, size_t size, struct elf_image *image) __attribute__((warn_unused_result));

/* The next segment to load, *cursor starting with 0; empty ones are left out. False when there is none. */
/*@
  requires image_readable(image) && \valid(cursor) && \valid(segment) && *cursor <= image->header_count;
  requires \separated(image, cursor, segment, image->data + (0 .. image->size - 1));
  assigns *cursor, *segment;
  ensures \old(*cursor) <= *cursor <= \old(image->header_count);
  ensures \result ==> *cursor > \old(*cursor) && is_load(\old(headers_of(image)), *cursor - 1) &&
    segment_is(segment, \old(headers_of(image)), *cursor - 1);
  ensures \forall integer n; \old(*cursor) <= n < (\result ? *cursor - 1 : \old(image->header_count)) ==>
    !is_load(\old(headers_of(image)), n);
*/
bool elf_next_segment(const struct elf_image *image, uint32_t *cursor, struct elf_segment *segment);

/* The initial image of thread-local storage; false when the program has none. */
/*@
  requires image_readable(image) && \valid(segment);
  requires \separated(image, segment, image->data + (0 .. image->size - 1));
  assigns *segment;
  ensures \result ==> \exists integer n; 0 <= n < \old(image->header_count) &&
    type_of(\old(headers_of(image)), n) == 7 && segment_is(segment, \old(headers_of(image)), n);
  ensures !\result ==>
    \forall integer n; 0 <= n < \old(image->header_count) ==> type_of(\old(headers_of(image)), n) != 7;
*/
bool elf_tls(const struct elf_image *image, struct elf_segment *segment);

/* The description of the first note with this owner and type: points into the image, any alignment. */
/*@
  requires image_good(image) && is_string(owner) && \valid(description) && \valid(bytes);
  requires \separated(image, description, bytes, image->data + (0 .. image->size - 1));
  assigns *description, *bytes;
  ensures \result == ELF_OK || \result == ELF_NO_NOTE || \result == ELF_BAD_NOTE;
  ensures \result == ELF_OK ==> \exists integer at; 0 <= at && at + *bytes <= \old(image->size) &&
    *description == \old(image->data) + at;
*/
enum elf_error elf_note_find(const struct elf_image *image, const char *owner, uint32_t type,
                             const uint8_t **description, size_t *bytes) __attribute__((warn_unused_result));

/*@ assigns \nothing; */
const char *elf_error_text(enum elf_error error);
