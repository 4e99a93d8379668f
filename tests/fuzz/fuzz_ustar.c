/* SPDX-License-Identifier: BSD-2-Clause */
/* A request to the volume, its length in the first two bytes, the lease's in two more, and a RAM disk. */
#include "fuzz.h"

#include "../../egg/volume.h"
#include "formats/ustar.h"

static void check_entry(const struct ustar_entry *entry, size_t size)
{
    DEMAND(entry->offset <= size && entry->size <= size - entry->offset);
    DEMAND(memchr(entry->name, 0, sizeof(entry->name)) && entry->name[0] && entry->name[0] != '/');
    const char *part = entry->name;
    for (; part; part = strchr(part, '/')) {
        part += *part == '/';
        DEMAND(strcmp(part, "..") != 0 && strncmp(part, "../", 3) != 0);
    }
}

static void check_archive(const void *image, size_t size)
{
    struct ustar archive;
    static struct ustar_entry entry;
    enum ustar_error error;
    ustar_open(&archive, image, size);
    size_t count = 0;
    while ((error = ustar_next(&archive, &entry)) == USTAR_OK) {
        static struct ustar_entry found;
        check_entry(&entry, size);
        DEMAND(++count <= size / USTAR_BLOCK_BYTES);
        if (count < 64)
            DEMAND(ustar_find(image, size, entry.name, &found) == USTAR_OK && !strcmp(found.name, entry.name));
    }
    DEMAND(ustar_error_text(error) && ustar_next(&archive, &entry) == error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct volume volume;
    static struct problems problems;
    static struct volume_answer answer;
    struct input input = {data, size};
    size_t request_size = input_number(&input, 2), image_size;
    uint64_t lease = input_number(&input, 2);
    if (request_size < sizeof(struct rpc_request)) /* the service loop refuses those */
        request_size = sizeof(struct rpc_request);
    void *request = input_bytes(&input, &request_size);
    void *image = input_rest(&input, &image_size);
    check_archive(image, image_size);
    problems.count = problems.lost = 0;
    volume_open(&volume, image, image_size, &problems);
    DEMAND(volume_invariants(&volume, image_size));
    if (request_size >= sizeof(struct rpc_request)) {
        volume_request(&volume, request, request_size, lease, &answer);
        DEMAND(answer.length <= lease);
        DEMAND(answer.offset <= image_size && answer.length <= image_size - answer.offset);
        DEMAND(answer.size >= sizeof(struct rpc_reply) && answer.size <= sizeof(answer.entries));
    }
    free(request);
    free(image);
    return 0;
}
