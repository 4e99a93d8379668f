/* SPDX-License-Identifier: BSD-2-Clause */
#include "formats/elf.h"

#include <string.h>

/* System V ABI, chapter 4, "ELF Header"; all little-endian, as this code is. */
struct elf_header {
    uint8_t ident[16];
    uint16_t type;
    uint16_t machine;
    uint32_t version;
    uint64_t entry;
    uint64_t program_headers;
    uint64_t section_headers;
    uint32_t flags;
    uint16_t header_bytes;
    uint16_t program_header_bytes;
    uint16_t program_header_count;
    uint16_t section_header_bytes;
    uint16_t section_header_count;
    uint16_t section_names;
};

/* Chapter 5, "Program Header". */
struct program_header {
    uint32_t type;
    uint32_t flags;
    uint64_t offset;
    uint64_t address;
    uint64_t physical;
    uint64_t file_size;
    uint64_t memory_size;
    uint64_t alignment;
};

struct note_header {
    uint32_t owner_bytes;
    uint32_t description_bytes;
    uint32_t type;
};

_Static_assert(sizeof(struct elf_header) == 64, "as in the file");
_Static_assert(sizeof(struct program_header) == 56, "as in the file");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "fields are read as they are");

enum {
    TYPE_EXECUTABLE = 2,
    MACHINE_AARCH64 = 183,
    SEGMENT_LOAD = 1,
    SEGMENT_DYNAMIC = 2,
    SEGMENT_INTERPRETER = 3,
    SEGMENT_NOTE = 4,
    SEGMENT_TLS = 7,
};

static bool inside(uint64_t offset, uint64_t bytes, uint64_t size)
{
    return offset <= size && bytes <= size - offset;
}

static void read_program_header(const struct elf_image *image, uint32_t number, struct program_header *header)
{
    memcpy(header, image->data + image->headers + number * sizeof(*header), sizeof(*header));
}

static struct elf_segment segment_of(const struct program_header *header)
{
    return (struct elf_segment){
        .address = header->address,
        .memory_size = header->memory_size,
        .offset = header->offset,
        .file_size = header->file_size,
        .alignment = header->alignment,
        .protection = header->flags & (ELF_READ | ELF_WRITE | ELF_EXECUTE),
    };
}

static enum elf_error check_header(const struct elf_header *header)
{
    static const uint8_t class[] = {2 /* 64 bits */, 1 /* little-endian */, 1 /* version */};

    if (memcmp(header->ident, "\177ELF", 4))
        return ELF_NOT_ELF;
    if (memcmp(header->ident + 4, class, sizeof(class)) || header->version != 1)
        return ELF_WRONG_CLASS;
    if (header->machine != MACHINE_AARCH64)
        return ELF_WRONG_MACHINE;
    if (header->type != TYPE_EXECUTABLE)
        return ELF_NOT_STATIC;
    if (header->program_header_bytes != sizeof(struct program_header) || header->program_header_count > ELF_HEADERS_MAX)
        return ELF_BAD_HEADERS;
    return ELF_OK;
}

static enum elf_error check_load(const struct elf_segment *segment, uint64_t image_size)
{
    if (!inside(segment->offset, segment->file_size, image_size))
        return ELF_TRUNCATED;
    if (segment->file_size > segment->memory_size)
        return ELF_BAD_SEGMENT_SIZE;
    if (segment->address < ELF_ADDRESS_MIN || !inside(segment->address, segment->memory_size, ELF_ADDRESS_END))
        return ELF_BAD_SEGMENT_ADDRESS;
    if ((segment->address ^ segment->offset) % ELF_PAGE_BYTES)
        return ELF_BAD_SEGMENT_OFFSET;
    if (segment->protection & ELF_WRITE && segment->protection & ELF_EXECUTE)
        return ELF_WRITE_EXECUTE;
    return ELF_OK;
}

static enum elf_error check_loads(const struct elf_image *image)
{
    struct elf_segment segment;
    uint64_t free_from = 0; /* end of the last page that is taken */
    bool entry_found = false;

    for (uint32_t cursor = 0; elf_next_segment(image, &cursor, &segment);) {
        enum elf_error error = check_load(&segment, image->size);

        if (error)
            return error;
        if (segment.address / ELF_PAGE_BYTES * ELF_PAGE_BYTES < free_from)
            return ELF_SEGMENTS_OVERLAP;
        free_from = (segment.address + segment.memory_size + ELF_PAGE_BYTES - 1) / ELF_PAGE_BYTES * ELF_PAGE_BYTES;
        if (segment.protection & ELF_EXECUTE && image->entry >= segment.address &&
            image->entry - segment.address < segment.memory_size)
            entry_found = true;
    }
    if (!free_from)
        return ELF_NO_SEGMENT;
    return entry_found ? ELF_OK : ELF_BAD_ENTRY;
}

/* Does the initial image lie in what some segment loads from the file, at the same place there? */
static bool tls_is_loaded(const struct elf_image *image, const struct elf_segment *tls)
{
    struct elf_segment segment;

    if (!tls->file_size)
        return true;
    for (uint32_t cursor = 0; elf_next_segment(image, &cursor, &segment);) {
        if (tls->address >= segment.address &&
            inside(tls->address - segment.address, tls->file_size, segment.file_size))
            return tls->offset - segment.offset == tls->address - segment.address;
    }
    return false;
}

static enum elf_error check_tls(const struct elf_image *image, const struct elf_segment *tls)
{
    uint64_t alignment = tls->alignment ? tls->alignment : 1;

    if (tls->file_size > tls->memory_size || tls->memory_size >= ELF_ADDRESS_END)
        return ELF_BAD_TLS;
    if (alignment & (alignment - 1) || alignment > ELF_PAGE_BYTES || !tls_is_loaded(image, tls))
        return ELF_BAD_TLS;
    return ELF_OK;
}

static enum elf_error check_others(const struct elf_image *image)
{
    bool tls_found = false;

    for (uint32_t i = 0; i < image->header_count; i++) {
        struct program_header header;

        read_program_header(image, i, &header);
        if (header.type == SEGMENT_DYNAMIC || header.type == SEGMENT_INTERPRETER)
            return ELF_NOT_STATIC;
        if (header.type == SEGMENT_NOTE && !inside(header.offset, header.file_size, image->size))
            return ELF_TRUNCATED;
        if (header.type != SEGMENT_TLS)
            continue;

        struct elf_segment tls = segment_of(&header);
        enum elf_error error = tls_found ? ELF_BAD_TLS : check_tls(image, &tls);
        if (error)
            return error;
        tls_found = true;
    }
    return ELF_OK;
}

enum elf_error elf_open(const void *data, size_t size, struct elf_image *image)
{
    struct elf_header header;

    *image = (struct elf_image){.data = data, .size = size};
    if (size < sizeof(header))
        return ELF_TRUNCATED;
    memcpy(&header, data, sizeof(header));

    enum elf_error error = check_header(&header);
    if (error)
        return error;
    if (!inside(header.program_headers, (uint64_t)header.program_header_count * sizeof(struct program_header), size))
        return ELF_TRUNCATED;
    image->entry = header.entry;
    image->headers = header.program_headers;
    image->header_count = header.program_header_count;
    error = check_loads(image);
    return error ? error : check_others(image);
}

bool elf_next_segment(const struct elf_image *image, uint32_t *cursor, struct elf_segment *segment)
{
    while (*cursor < image->header_count) {
        struct program_header header;

        read_program_header(image, (*cursor)++, &header);
        if (header.type == SEGMENT_LOAD && (header.memory_size || header.file_size)) {
            *segment = segment_of(&header);
            return true;
        }
    }
    return false;
}

bool elf_tls(const struct elf_image *image, struct elf_segment *segment)
{
    for (uint32_t i = 0; i < image->header_count; i++) {
        struct program_header header;

        read_program_header(image, i, &header);
        if (header.type == SEGMENT_TLS) {
            *segment = segment_of(&header);
            return true;
        }
    }
    return false;
}

/* A range of notes in the image; the parts of each are padded to `alignment`. */
struct notes {
    const uint8_t *data;
    uint64_t size;
    uint64_t alignment;
};

static uint64_t note_padded(const struct notes *notes, uint64_t bytes)
{
    return (bytes + notes->alignment - 1) & ~(notes->alignment - 1);
}

/* Looks for a note in one range. The last description need not be padded. */
static enum elf_error find_in_notes(const struct notes *notes, const char *owner, uint32_t type,
                                    const void **description, size_t *bytes)
{
    size_t owner_bytes = strlen(owner) + 1;

    for (uint64_t at = 0; at < notes->size;) {
        struct note_header note;

        if (!inside(at, sizeof(note), notes->size))
            return ELF_BAD_NOTE;
        memcpy(&note, notes->data + at, sizeof(note));

        uint64_t owner_at = at + sizeof(note);
        uint64_t description_at = at + note_padded(notes, sizeof(note) + (uint64_t)note.owner_bytes);
        if (!inside(description_at, note.description_bytes, notes->size))
            return ELF_BAD_NOTE;
        if (note.type == type && note.owner_bytes == owner_bytes &&
            !memcmp(notes->data + owner_at, owner, owner_bytes)) {
            *description = notes->data + description_at;
            *bytes = note.description_bytes;
            return ELF_OK;
        }
        at = description_at + note_padded(notes, note.description_bytes);
    }
    return ELF_NO_NOTE;
}

enum elf_error elf_note_find(const struct elf_image *image, const char *owner, uint32_t type, const void **description,
                             size_t *bytes)
{
    for (uint32_t i = 0; i < image->header_count; i++) {
        struct program_header header;

        read_program_header(image, i, &header);
        if (header.type != SEGMENT_NOTE)
            continue;

        struct notes notes = {image->data + header.offset, header.file_size, header.alignment == 8 ? 8 : 4};
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
