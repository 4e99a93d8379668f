/* SPDX-License-Identifier: BSD-2-Clause */
/* A line, as a person may type it; its words as numbers and paths too. */
#include "fuzz.h"

#include "../../services/shell/policy.h"

static void check_word(const char *word)
{
    char path[SHELL_PATH_MAX], again[SHELL_PATH_MAX], text[32];
    uint64_t time;
    if (shell_path("/volume/init", word, path)) {
        DEMAND(memchr(path, 0, sizeof path) && path[0] == '/');
        DEMAND(!strstr(path, "//") && (path[1] == 0 || path[strlen(path) - 1] != '/'));
        DEMAND(shell_path("/", path, again) && !strcmp(path, again)); /* resolved already */
    }
    if (shell_seconds(word, &time)) {
        shell_duration(time, text);
        DEMAND(strlen(text) <= 7);
        shell_size(time, text);
        DEMAND(strlen(text) <= 10);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct shell_words words;
    struct input input = {data, size};
    int status = (int)input_number(&input, 1);
    char *line = input_string(&input, input.left);
    enum shell_parse whole = shell_check(line, &words), result;
    size_t at = 0, before;
    do {
        before = at;
        result = shell_parse(line, &at, status, &words);
        DEMAND(shell_invariants(&words));
        DEMAND(at <= strlen(line) && (result != SHELL_COMMAND || at > before));
        for (unsigned i = 0; i < words.count; i++)
            check_word(words.word[i]);
    } while (result == SHELL_COMMAND);
    DEMAND(whole != SHELL_END || result == SHELL_END); /* what can be run is run to its end */
    free(line);
    return 0;
}
