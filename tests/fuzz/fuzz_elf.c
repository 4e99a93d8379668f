/* SPDX-License-Identifier: BSD-2-Clause */
/* An image that elf_open accepts is all that formats/elf.h says of a good program. */
#include "fuzz.h"

#include "formats/elf.h"

static void check_segment(const struct elf_image *image, const struct elf_segment *segment)
{
    DEMAND(segment->offset <= image->size && segment->file_size <= image->size - segment->offset);
    DEMAND(segment->file_size <= segment->memory_size);
}

/* Returns whether the entry lies in it. */
static bool check_loaded(const struct elf_image *image, const struct elf_segment *segment, uint64_t *free_from)
{
    uint64_t end = segment->address + segment->memory_size;
    check_segment(image, segment);
    DEMAND(segment->memory_size);
    DEMAND(segment->address >= *free_from && end > segment->address && end <= ELF_ADDRESS_END);
    DEMAND((segment->address - segment->offset) % ELF_PAGE_BYTES == 0);
    DEMAND((segment->protection & (ELF_WRITE | ELF_EXECUTE)) != (ELF_WRITE | ELF_EXECUTE));
    *free_from = (end + ELF_PAGE_BYTES - 1) / ELF_PAGE_BYTES * ELF_PAGE_BYTES;
    return (segment->protection & ELF_EXECUTE) && image->entry >= segment->address && image->entry < end;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct elf_image image;
    enum elf_error error = elf_open(data, size, &image);
    DEMAND(elf_error_text(error));
    if (error)
        return 0;
    struct elf_segment segment;
    uint32_t cursor = 0;
    uint64_t free_from = ELF_ADDRESS_MIN;
    bool entered = false;
    unsigned count = 0;
    while (elf_next_segment(&image, &cursor, &segment)) {
        entered |= check_loaded(&image, &segment, &free_from);
        count++;
    }
    DEMAND(entered && count <= ELF_HEADERS_MAX);
    if (elf_tls(&image, &segment) && segment.file_size)
        check_segment(&image, &segment);
    const uint8_t *note;
    size_t bytes;
    if (elf_note_find(&image, "Cavern", 1, &note, &bytes) == ELF_OK) {
        size_t offset = (size_t)(note - data);
        DEMAND(offset <= size && bytes <= size - offset);
    }
    return 0;
}
