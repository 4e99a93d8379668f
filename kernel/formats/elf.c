/* SPDX-License-Identifier: BSD-2-Clause */
#include "formats/elf.h"

/* System V ABI, chapter 4, "ELF Header": where the fields lie. */
enum {
    HEADER_MAGIC = 0,
    HEADER_CLASS = 4,
    HEADER_ENCODING = 5,
    HEADER_IDENT_VERSION = 6,
    HEADER_TYPE = 16,
    HEADER_MACHINE = 18,
    HEADER_VERSION = 20,
    HEADER_ENTRY = 24,
    HEADER_PROGRAM_HEADERS = 32,
    HEADER_PROGRAM_HEADER_BYTES = 54,
    HEADER_PROGRAM_HEADER_COUNT = 56,
    HEADER_BYTES = 64,
};

/* Chapter 5, "Program Header". */
enum {
    SEGMENT_TYPE = 0,
    SEGMENT_FLAGS = 4,
    SEGMENT_OFFSET = 8,
    SEGMENT_ADDRESS = 16,
    SEGMENT_FILE_SIZE = 32,
    SEGMENT_MEMORY_SIZE = 40,
    SEGMENT_ALIGNMENT = 48,
    SEGMENT_BYTES = 56,
};

/* "Note Section". */
enum {
    NOTE_OWNER_BYTES = 0,
    NOTE_DESCRIPTION_BYTES = 4,
    NOTE_TYPE = 8,
    NOTE_BYTES = 12,
};

enum {
    MAGIC = 0x464c457f, /* 0x7f, "ELF" */
    CLASS_64_BITS = 2,
    ENCODING_LITTLE_ENDIAN = 1,
    VERSION = 1,
    TYPE_EXECUTABLE = 2,
    MACHINE_AARCH64 = 183,
    SEGMENT_LOAD = 1,
    SEGMENT_DYNAMIC = 2,
    SEGMENT_INTERPRETER = 3,
    SEGMENT_NOTE = 4,
    SEGMENT_TLS = 7,
};

/*@ requires \valid_read(at + (0 .. 1)); assigns \nothing; ensures \result == le16(at); */
static uint32_t read_16(const uint8_t *at)
{
    return at[0] + at[1] * 0x100u;
}

/*@ requires \valid_read(at + (0 .. 3)); assigns \nothing; ensures \result == le32(at); */
static uint32_t read_32(const uint8_t *at)
{
    return read_16(at) + read_16(at + 2) * 0x10000u;
}

/*@ requires \valid_read(at + (0 .. 7)); assigns \nothing; ensures \result == le64(at); */
static uint64_t read_64(const uint8_t *at)
{
    return read_32(at) + read_32(at + 4) * UINT64_C(0x100000000);
}

/*@ assigns \nothing; ensures \result <==> offset + bytes <= size; */
static bool inside(uint64_t offset, uint64_t bytes, uint64_t size)
{
    return offset <= size && bytes <= size - offset;
}

/* Reads program header `number`; the result is its type. */
/*@
  requires headers_readable(headers, number + 1) && \valid(segment);
  requires \separated(segment, headers + (0 .. number * SEGMENT_BYTES + SEGMENT_BYTES - 1));
  assigns *segment;
  ensures \result == type_of(headers, number);
  ensures segment->address == address_of(headers, number);
  ensures segment->memory_size == memory_size_of(headers, number);
  ensures segment->offset == offset_of(headers, number);
  ensures segment->file_size == file_size_of(headers, number);
  ensures segment->alignment == alignment_of(headers, number);
  ensures segment->protection == protection_of(headers, number);
*/
static uint32_t read_segment(const uint8_t *headers, uint32_t number, struct elf_segment *segment)
{
    const uint8_t *header = headers + number * SEGMENT_BYTES;

    segment->address = read_64(header + SEGMENT_ADDRESS);
    segment->memory_size = read_64(header + SEGMENT_MEMORY_SIZE);
    segment->offset = read_64(header + SEGMENT_OFFSET);
    segment->file_size = read_64(header + SEGMENT_FILE_SIZE);
    segment->alignment = read_64(header + SEGMENT_ALIGNMENT);
    segment->protection = read_32(header + SEGMENT_FLAGS) & (ELF_READ | ELF_WRITE | ELF_EXECUTE);
    return read_32(header + SEGMENT_TYPE);
}

/* elf_next_segment of `count` headers. */
/*@
  requires headers_readable(headers, count) && \valid(cursor) && \valid(segment) && *cursor <= count;
  requires \separated(cursor, segment, headers + (0 .. count * SEGMENT_BYTES - 1));
  assigns *cursor, *segment;
  ensures \old(*cursor) <= *cursor <= count;
  ensures \result ==> *cursor > \old(*cursor) && is_load(headers, *cursor - 1) &&
    segment_is(segment, headers, *cursor - 1);
  ensures \forall integer n; \old(*cursor) <= n < (\result ? *cursor - 1 : count) ==> !is_load(headers, n);
*/
static bool next_load(const uint8_t *headers, uint32_t count, uint32_t *cursor, struct elf_segment *segment)
{
    /*@
      loop invariant \at(*cursor, Pre) <= *cursor <= count;
      loop invariant \forall integer n; \at(*cursor, Pre) <= n < *cursor ==> !is_load(headers, n);
      loop assigns *cursor, *segment;
      loop variant count - *cursor;
    */
    while (*cursor < count) {
        uint32_t number = (*cursor)++;
        uint32_t type = read_segment(headers, number, segment);

        /*@ assert *cursor == number + 1 && segment_is(segment, headers, number); */
        if (type == SEGMENT_LOAD && (segment->memory_size || segment->file_size))
            return true;
    }
    return false;
}

/*@
  requires \valid_read(header + (0 .. HEADER_BYTES - 1));
  assigns \nothing;
  ensures \result == ELF_OK ==>
    le16(header + HEADER_PROGRAM_HEADER_BYTES) == SEGMENT_BYTES &&
    le16(header + HEADER_PROGRAM_HEADER_COUNT) <= ELF_HEADERS_MAX;
*/
static enum elf_error check_header(const uint8_t *header)
{
    if (read_32(header + HEADER_MAGIC) != MAGIC)
        return ELF_NOT_ELF;
    if (header[HEADER_CLASS] != CLASS_64_BITS || header[HEADER_ENCODING] != ENCODING_LITTLE_ENDIAN ||
        header[HEADER_IDENT_VERSION] != VERSION || read_32(header + HEADER_VERSION) != VERSION)
        return ELF_WRONG_CLASS;
    if (read_16(header + HEADER_MACHINE) != MACHINE_AARCH64)
        return ELF_WRONG_MACHINE;
    if (read_16(header + HEADER_TYPE) != TYPE_EXECUTABLE)
        return ELF_NOT_STATIC;
    if (read_16(header + HEADER_PROGRAM_HEADER_BYTES) != SEGMENT_BYTES ||
        read_16(header + HEADER_PROGRAM_HEADER_COUNT) > ELF_HEADERS_MAX)
        return ELF_BAD_HEADERS;
    return ELF_OK;
}

/*@
  requires \valid_read(segment);
  assigns \nothing;
  ensures \result == ELF_OK ==> loadable(segment->address, segment->memory_size, segment->offset, segment->file_size,
                                         segment->protection, image_size);
*/
static enum elf_error check_load(const struct elf_segment *segment, uint64_t image_size)
{
    if (!inside(segment->offset, segment->file_size, image_size))
        return ELF_TRUNCATED;
    if (segment->file_size > segment->memory_size)
        return ELF_BAD_SEGMENT_SIZE;
    if (segment->address < ELF_ADDRESS_MIN || !inside(segment->address, segment->memory_size, ELF_ADDRESS_END))
        return ELF_BAD_SEGMENT_ADDRESS;
    if (segment->address % ELF_PAGE_BYTES != segment->offset % ELF_PAGE_BYTES)
        return ELF_BAD_SEGMENT_OFFSET;
    if (segment->protection & ELF_WRITE && segment->protection & ELF_EXECUTE)
        return ELF_WRITE_EXECUTE;
    return ELF_OK;
}

/*@
  requires headers_readable(headers, count);
  assigns \nothing;
  ensures \result == ELF_OK ==> loads_in_bounds(headers, count, image_size) &&
    \exists integer n; 0 <= n < count && executes(headers, n, entry);
*/
static enum elf_error check_loads(const uint8_t *headers, uint32_t count, uint64_t image_size, uint64_t entry)
{
    struct elf_segment segment;
    uint32_t cursor = 0;
    uint64_t free_page = 0; /* after the last page that is taken */
    bool entry_found = false;

    /*@
      loop invariant 0 <= cursor <= count;
      loop invariant loads_in_bounds(headers, cursor, image_size);
      loop invariant entry_found ==> \exists integer n; 0 <= n < cursor && executes(headers, n, entry);
      loop assigns cursor, segment, free_page, entry_found;
      loop variant count - cursor;
    */
    while (next_load(headers, count, &cursor, &segment)) {
        enum elf_error error = check_load(&segment, image_size);

        if (error)
            return error;
        if (segment.address / ELF_PAGE_BYTES < free_page)
            return ELF_SEGMENTS_OVERLAP;
        /*@ assert load_good(headers, cursor - 1, image_size); */
        /*@
          assert \forall integer n; 0 <= n < cursor && is_load(headers, n) ==>
            n == cursor - 1 || n < \at(cursor, LoopCurrent);
        */
        /*@
          assert \forall integer n; 0 <= n < cursor && is_load(headers, n) ==> load_good(headers, n, image_size);
        */
        free_page = (segment.address + segment.memory_size + ELF_PAGE_BYTES - 1) / ELF_PAGE_BYTES;
        if (segment.protection & ELF_EXECUTE && entry >= segment.address &&
            entry - segment.address < segment.memory_size)
            entry_found = true;
        /*@ assert entry_found ==> executes(headers, cursor - 1, entry) || \at(entry_found, LoopCurrent); */
    }
    if (!free_page)
        return ELF_NO_SEGMENT;
    return entry_found ? ELF_OK : ELF_BAD_ENTRY;
}

/* Does the initial image lie in what some segment loads from the file, at the same place there? */
/*@
  requires headers_readable(headers, count) && \valid_read(tls);
  assigns \nothing;
  ensures \result ==> tls_loaded(headers, count, tls->address, tls->offset, tls->file_size);
*/
static bool tls_is_loaded(const uint8_t *headers, uint32_t count, const struct elf_segment *tls)
{
    uint64_t address = tls->address, offset = tls->offset, bytes = tls->file_size;
    struct elf_segment segment;
    uint32_t cursor = 0;

    if (!bytes)
        return true;
    /*@ loop invariant 0 <= cursor <= count; loop assigns cursor, segment; loop variant count - cursor; */
    while (next_load(headers, count, &cursor, &segment))
        if (address >= segment.address && inside(address - segment.address, bytes, segment.file_size)) {
            bool same_place = offset >= segment.offset && offset - segment.offset == address - segment.address;
            /*@ assert same_place ==> tls_in(headers, cursor - 1, address, offset, bytes); */
            return same_place;
        }
    return false;
}

/*@
  requires headers_readable(headers, count) && \valid_read(tls);
  assigns \nothing;
  ensures \result == ELF_OK ==> tls->file_size <= tls->memory_size < ELF_ADDRESS_END &&
    tls->alignment <= ELF_PAGE_BYTES && tls_loaded(headers, count, tls->address, tls->offset, tls->file_size);
*/
static enum elf_error check_tls(const uint8_t *headers, uint32_t count, const struct elf_segment *tls)
{
    uint64_t alignment = tls->alignment ? tls->alignment : 1;

    if (tls->file_size > tls->memory_size || tls->memory_size >= ELF_ADDRESS_END)
        return ELF_BAD_TLS;
    if (alignment & (alignment - 1) || alignment > ELF_PAGE_BYTES || !tls_is_loaded(headers, count, tls))
        return ELF_BAD_TLS;
    return ELF_OK;
}

/*@
  requires headers_readable(headers, count);
  assigns \nothing;
  ensures \result == ELF_OK ==> others_good(headers, count, count, image_size);
*/
static enum elf_error check_others(const uint8_t *headers, uint32_t count, uint64_t image_size)
{
    bool tls_found = false;

    /*@
      loop invariant 0 <= i <= count && others_good(headers, count, i, image_size);
      loop invariant !tls_found ==> \forall integer n; 0 <= n < i ==> type_of(headers, n) != SEGMENT_TLS;
      loop assigns i, tls_found;
      loop variant count - i;
    */
    for (uint32_t i = 0; i < count; i++) {
        struct elf_segment segment;
        uint32_t type = read_segment(headers, i, &segment);

        if (type == SEGMENT_DYNAMIC || type == SEGMENT_INTERPRETER)
            return ELF_NOT_STATIC;
        if (type == SEGMENT_NOTE && !inside(segment.offset, segment.file_size, image_size))
            return ELF_TRUNCATED;
        if (type != SEGMENT_TLS)
            continue;

        enum elf_error error = tls_found ? ELF_BAD_TLS : check_tls(headers, count, &segment);
        if (error)
            return error;
        tls_found = true;
    }
    return ELF_OK;
}

enum elf_error elf_open(const uint8_t *data, size_t size, struct elf_image *image)
{
    *image = (struct elf_image){.data = data, .size = size};
    if (size < HEADER_BYTES)
        return ELF_TRUNCATED;

    enum elf_error error = check_header(data);
    if (error)
        return error;
    image->entry = read_64(data + HEADER_ENTRY);
    image->headers = read_64(data + HEADER_PROGRAM_HEADERS);
    image->header_count = read_16(data + HEADER_PROGRAM_HEADER_COUNT);
    if (!inside(image->headers, (uint64_t)image->header_count * SEGMENT_BYTES, size))
        return ELF_TRUNCATED;
    error = check_loads(data + image->headers, image->header_count, size, image->entry);
    return error ? error : check_others(data + image->headers, image->header_count, size);
}

bool elf_next_segment(const struct elf_image *image, uint32_t *cursor, struct elf_segment *segment)
{
    return next_load(image->data + image->headers, image->header_count, cursor, segment);
}

bool elf_tls(const struct elf_image *image, struct elf_segment *segment)
{
    const uint8_t *headers = image->data + image->headers;
    uint32_t count = image->header_count;

    /*@
      loop invariant 0 <= i <= count;
      loop invariant \forall integer n; 0 <= n < i ==> type_of(headers, n) != SEGMENT_TLS;
      loop assigns i, *segment;
      loop variant count - i;
    */
    for (uint32_t i = 0; i < count; i++)
        if (read_segment(headers, i, segment) == SEGMENT_TLS)
            return true;
    return false;
}

/* A range of notes in the image; the parts of each are padded to `alignment`. */
struct notes {
    const uint8_t *data;
    uint64_t size;
    uint64_t alignment;
};

/*@
  predicate notes_readable(struct notes *n) = \valid_read(n) && n->size < 0x8000000000000000 &&
    \valid_read(n->data + (0 .. n->size - 1)) && (n->alignment == 4 || n->alignment == 8);
*/

/*@
  requires \valid_read(notes) && (notes->alignment == 4 || notes->alignment == 8) && bytes <= 0x100000010;
  assigns \nothing;
  ensures bytes <= \result < bytes + notes->alignment;
*/
static uint64_t note_padded(const struct notes *notes, uint64_t bytes)
{
    return (bytes + notes->alignment - 1) / notes->alignment * notes->alignment;
}

/* Are the bytes this string, its NUL with it? */
/*@
  requires is_string(owner) && \valid_read(at + (0 .. bytes - 1));
  assigns \nothing;
*/
static bool owner_is(const uint8_t *at, uint32_t bytes, const char *owner)
{
    /*@
      loop invariant 0 <= i <= bytes && \forall integer n; 0 <= n < i ==> owner[n] != 0;
      loop assigns i;
      loop variant bytes - i;
    */
    for (uint32_t i = 0; i < bytes; i++) {
        if (at[i] != (uint8_t)owner[i])
            return false;
        if (!owner[i])
            return i + 1 == bytes;
    }
    return false;
}

/* Looks for a note in one range. The last description need not be padded. */
/*@
  requires notes_readable(notes) && is_string(owner) && \valid(description) && \valid(bytes);
  requires \separated(notes, description, bytes, notes->data + (0 .. notes->size - 1));
  assigns *description, *bytes;
  ensures \result == ELF_OK || \result == ELF_NO_NOTE || \result == ELF_BAD_NOTE;
  ensures \result == ELF_OK ==> \exists integer at; 0 <= at && at + *bytes <= notes->size &&
    *description == notes->data + at;
*/
static enum elf_error find_in_notes(const struct notes *notes, const char *owner, uint32_t type,
                                    const uint8_t **description, size_t *bytes)
{
    uint64_t at = 0;

    /*@ loop invariant at >= 0; loop assigns at; loop variant notes->size - at; */
    while (at < notes->size) {
        if (!inside(at, NOTE_BYTES, notes->size))
            return ELF_BAD_NOTE;

        const uint8_t *note = notes->data + at;
        uint32_t owner_bytes = read_32(note + NOTE_OWNER_BYTES);
        uint32_t description_bytes = read_32(note + NOTE_DESCRIPTION_BYTES);
        uint64_t description_at = at + note_padded(notes, NOTE_BYTES + (uint64_t)owner_bytes);
        if (!inside(description_at, description_bytes, notes->size))
            return ELF_BAD_NOTE;
        if (read_32(note + NOTE_TYPE) == type && owner_is(note + NOTE_BYTES, owner_bytes, owner)) {
            *description = notes->data + description_at;
            *bytes = description_bytes;
            return ELF_OK;
        }
        at = description_at + note_padded(notes, description_bytes);
    }
    return ELF_NO_NOTE;
}

enum elf_error elf_note_find(const struct elf_image *image, const char *owner, uint32_t type,
                             const uint8_t **description, size_t *bytes)
{
    const uint8_t *data = image->data, *headers = data + image->headers;
    uint32_t count = image->header_count;

    /*@ loop invariant 0 <= i <= count; loop assigns i, *description, *bytes; loop variant count - i; */
    for (uint32_t i = 0; i < count; i++) {
        struct elf_segment segment;

        if (read_segment(headers, i, &segment) != SEGMENT_NOTE)
            continue;

        struct notes notes = {data + segment.offset, segment.file_size, segment.alignment == 8 ? 8 : 4};
        enum elf_error error = find_in_notes(&notes, owner, type, description, bytes);
        if (error != ELF_NO_NOTE)
            return error;
    }
    return ELF_NO_NOTE;
}

const char *elf_error_text(enum elf_error error)
{
    static const char *const texts[] = {
        [ELF_OK] = "no error",
        [ELF_TRUNCATED] = "the program is truncated",
        [ELF_NOT_ELF] = "not an ELF file",
        [ELF_WRONG_CLASS] = "not a 64-bit little-endian ELF file",
        [ELF_WRONG_MACHINE] = "not a program for AArch64",
        [ELF_NOT_STATIC] = "not a statically linked program",
        [ELF_BAD_HEADERS] = "bad program headers",
        [ELF_NO_SEGMENT] = "nothing to load",
        [ELF_BAD_SEGMENT_SIZE] = "a segment is larger in the file than in memory",
        [ELF_BAD_SEGMENT_ADDRESS] = "a segment lies outside the user's address space",
        [ELF_BAD_SEGMENT_OFFSET] = "a segment's file offset does not fit its address",
        [ELF_SEGMENTS_OVERLAP] = "segments overlap or are out of order",
        [ELF_WRITE_EXECUTE] = "a segment is both writable and executable",
        [ELF_BAD_ENTRY] = "the entry point is not executable",
        [ELF_BAD_TLS] = "bad thread-local storage",
        [ELF_BAD_NOTE] = "a note is damaged",
        [ELF_NO_NOTE] = "no such note",
    };

    return (size_t)error < sizeof(texts) / sizeof(*texts) ? texts[error] : "unknown error";
}
