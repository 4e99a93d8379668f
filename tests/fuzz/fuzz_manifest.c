/* SPDX-License-Identifier: BSD-2-Clause */
/* A device's `compatible` list, its length in the first byte, and a manifest. */
#include "fuzz.h"

#include "formats/manifest.h"

static void check_name(const char *name, const char *from, size_t size, size_t most)
{
    DEMAND(name >= from && name < from + size);
    size_t length = strnlen(name, (size_t)(from + size - name));
    DEMAND(length && length <= most && name + length < from + size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    size_t wanted_size = input_number(&input, 1), text_size;
    char *wanted = input_bytes(&input, &wanted_size);
    char *text = input_rest(&input, &text_size);
    struct manifest manifest;
    enum manifest_error error = manifest_parse(text, text_size, &manifest);
    DEMAND(manifest_error_text(error));
    if (error == MANIFEST_OK) {
        check_name(manifest.driver, text, text_size, MANIFEST_NAME_MAX);
        check_name(manifest.driver_class, text, text_size, MANIFEST_NAME_MAX);
        DEMAND(manifest.compatible_count && manifest.compatible_count <= MANIFEST_COMPATIBLES_MAX);
        for (uint32_t i = 0; i < manifest.compatible_count; i++)
            check_name(manifest.compatible[i], text, text_size, MANIFEST_COMPATIBLE_BYTES_MAX);
        DEMAND(manifest.stack_bytes >= MANIFEST_STACK_MIN && manifest.stack_bytes <= MANIFEST_STACK_MAX);
        DEMAND(manifest.restart <= MANIFEST_TEMPORARY);
        DEMAND(manifest_match(&manifest, wanted, wanted_size) < (int)wanted_size + 1);
    }
    free(wanted);
    free(text);
    return 0;
}
