/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers.h"

#include <stdio.h>

#include "formats/elf.h"

#define FOLDER "drivers"

/* NULL: good; else what is wrong. */
static const char *manifest_read(const void *file, size_t size, struct manifest *manifest)
{
    struct elf_image image;
    const uint8_t *note;
    size_t bytes;
    enum elf_error error = elf_open(file, size, &image);
    if (!error)
        error = elf_note_find(&image, MANIFEST_OWNER, MANIFEST_NOTE_TYPE, &note, &bytes);
    if (error)
        return elf_error_text(error);
    enum manifest_error wrong = manifest_parse(note, bytes, manifest);
    return wrong ? manifest_error_text(wrong) : NULL;
}

unsigned drivers_read(const struct volume *volume, const void *archive,
                      struct device_driver drivers[DEVICE_DRIVERS_MAX], struct problems *problems)
{
    unsigned count = 0;
    int folder = volume_find(volume, FOLDER);
    int node = folder < 0 ? -1 : volume_next(volume, (uint32_t)folder, 0);
    for (; node >= 0; node = volume_next(volume, (uint32_t)folder, (uint32_t)node + 1)) {
        const struct volume_node *file = &volume->nodes[node];
        if (file->kind != FILE_KIND_FILE)
            continue;
        if (count == DEVICE_DRIVERS_MAX) {
            problem_add(problems, CAVERN_LOG_ERROR, "more than %d drivers, without %s", DEVICE_DRIVERS_MAX, file->name);
            break;
        }
        struct device_driver *driver = &drivers[count];
        const char *wrong = manifest_read((const uint8_t *)archive + file->offset, file->size, &driver->manifest);
        snprintf(driver->path, sizeof(driver->path), FOLDER "/%s", file->name);
        if (wrong)
            problem_add(problems, CAVERN_LOG_ERROR, "%s: %s", driver->path, wrong);
        else
            count++;
    }
    return count;
}
