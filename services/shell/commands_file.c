/* SPDX-License-Identifier: BSD-2-Clause */
/* The tree of names: below /volume/NAME files, elsewhere what is in the registry. ls, cat. */
#include <stdio.h>
#include <string.h>

#include <cavern/console.h>
#include <cavern/file.h>
#include <cavern/registry.h>
#include <cavern/text.h>
#include <cavern/time.h>

#include "command.h"
#include "watch.h"

#define VOLUMES "/volume/"
#define PATIENCE (2 * CAVERN_SECOND) /* with a volume, for each request; Ctrl-C ends none earlier */

static bool is_on_volume(const char *path)
{
    return !strncmp(path, VOLUMES, strlen(VOLUMES));
}

static void print_file(const char *name, uint32_t kind, uint64_t bytes)
{
    char size[16] = "-";
    if (kind == FILE_KIND_FILE)
        shell_size(bytes, size);
    printf("%10s  %s%s\n", size, name, kind == FILE_KIND_FOLDER ? "/" : "");
}

static enum cavern_status list_folder(struct cavern_file *folder)
{
    static struct file_entries entries;
    uint64_t cursor = 0;
    enum cavern_status status;
    while (!(status = cavern_file_list(folder, &cursor, cavern_after(PATIENCE), &entries))) {
        for (unsigned i = 0; i < entries.reply.value; i++) {
            entries.entries[i].name[sizeof entries.entries[i].name - 1] = 0;
            print_file(entries.entries[i].name, entries.entries[i].kind, entries.entries[i].size);
        }
        if (watch_interrupted())
            return CAVERN_INTERRUPTED;
    }
    return status == CAVERN_END ? CAVERN_OK : status;
}

static enum cavern_status list_file(const char *path)
{
    struct cavern_file file;
    enum cavern_status status = cavern_file_open(path, cavern_after(PATIENCE), &file);
    if (status)
        return status;
    if (file.kind == FILE_KIND_FOLDER)
        status = list_folder(&file);
    else
        print_file(strrchr(path, '/') + 1, file.kind, file.size);
    cavern_file_close(&file);
    return status;
}

/* The part of a name after the folder, up to the next '/': printed once for all names that share it. */
static void print_part(const char *name, size_t folder, char last[RPC_NAME_MAX])
{
    size_t length = strcspn(name + folder, "/");
    bool is_folder = name[folder + length] == '/' || is_on_volume(name);
    if (strncmp(last, name + folder, length) || last[length])
        printf("%10s  %.*s%s\n", "-", (int)length, name + folder, is_folder ? "/" : "");
    memcpy(last, name + folder, length);
    last[length] = 0;
}

static enum cavern_status list_names(const char *path)
{
    static struct registry_names names;
    char prefix[SHELL_PATH_MAX + 1], after[RPC_NAME_MAX] = "", last[RPC_NAME_MAX] = "";
    bool found = !strcmp(path, "/");
    enum cavern_status status;
    snprintf(prefix, sizeof prefix, "%s/", found ? "" : path);
    if (strlen(prefix) >= RPC_NAME_MAX)
        return CAVERN_NOT_FOUND;
    while (!(status = cavern_registry_list(prefix, after, &names)) && names.reply.value) {
        for (unsigned i = 0; i < names.reply.value && i < REGISTRY_NAMES_MAX; i++) {
            memcpy(after, names.names[i], sizeof after);
            after[sizeof after - 1] = 0;
            print_part(after, strlen(prefix), last);
            found = true;
        }
    }
    return status && status != CAVERN_END ? status : found ? CAVERN_OK : CAVERN_NOT_FOUND;
}

int command_ls(struct shell *shell, const struct shell_words *words)
{
    const char *name = words->count > 1 ? words->word[1] : "";
    char path[SHELL_PATH_MAX];
    (void)shell;
    if (!shell_path(SHELL_HOME, name, path))
        return command_failed(words, name, CAVERN_NOT_FOUND);
    enum cavern_status status = is_on_volume(path) ? list_file(path) : list_names(path);
    return status ? command_failed(words, *name ? name : path, status) : SHELL_OK;
}

static enum cavern_status print_bytes(struct cavern_file *file)
{
    static char bytes[4096];
    uint64_t count, offset = 0;
    fflush(stdout);
    for (;;) {
        enum cavern_status status = cavern_file_read(file, offset, bytes, sizeof bytes, cavern_after(PATIENCE), &count);
        if (!status && !count)
            return CAVERN_OK;
        if (!status)
            status = cavern_console_write(bytes, count);
        if (!status && watch_interrupted())
            status = CAVERN_INTERRUPTED;
        if (status)
            return status;
        offset += count;
    }
}

int command_cat(struct shell *shell, const struct shell_words *words)
{
    struct cavern_file file;
    const char *name = words->word[1];
    char path[SHELL_PATH_MAX];
    (void)shell;
    if (!shell_path(SHELL_HOME, name, path) || !is_on_volume(path))
        return command_failed(words, name, CAVERN_NOT_FOUND);
    enum cavern_status status = cavern_file_open(path, cavern_after(PATIENCE), &file);
    if (status)
        return command_failed(words, name, status);
    if (file.kind == FILE_KIND_FOLDER) {
        cavern_file_close(&file);
        printf("cat: %s: a folder\n", name);
        return SHELL_FAILED;
    }
    status = print_bytes(&file);
    cavern_file_close(&file);
    return status ? command_failed(words, name, status) : SHELL_OK;
}
