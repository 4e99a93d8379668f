/* SPDX-License-Identifier: BSD-2-Clause */
#include "spawn_plan.h"

#include <cavern/memory.h>

#include "formats/elf.h"

static unsigned protection_of(uint32_t flags)
{
    return (flags & ELF_READ ? CAVERN_PROT_READ : 0u) | (flags & ELF_WRITE ? CAVERN_PROT_WRITE : 0u) |
           (flags & ELF_EXECUTE ? CAVERN_PROT_EXECUTE : 0u);
}

enum cavern_status spawn_plan_make(const void *image, size_t size, struct spawn_plan *plan)
{
    struct elf_image elf;
    struct elf_segment segment;
    plan->count = 0;
    if (elf_open(image, size, &elf) != ELF_OK)
        return CAVERN_CORRUPT;
    plan->entry = elf.entry;
    for (uint32_t cursor = 0; elf_next_segment(&elf, &cursor, &segment);) {
        uint64_t lead = segment.address % CAVERN_PAGE_SIZE;
        if (plan->count == SPAWN_SEGMENTS_MAX)
            return CAVERN_CORRUPT;
        plan->segments[plan->count++] = (struct spawn_segment){
            .address = segment.address - lead,
            .bytes = (lead + segment.memory_size + CAVERN_PAGE_SIZE - 1) & ~(uint64_t)(CAVERN_PAGE_SIZE - 1),
            .lead = lead,
            .contents = elf.data + segment.offset,
            .filled = segment.file_size,
            .protection = protection_of(segment.protection),
        };
    }
    return CAVERN_OK;
}
