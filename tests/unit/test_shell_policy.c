/* SPDX-License-Identifier: BSD-2-Clause */
/* What command lines, numbers and exits mean to the shell. spec/services/shell.md. */
#include "unit.h"

#include <stdio.h>

#include <cavern/process.h>

#include "../../services/shell/policy.h"

static struct shell_words words;

/* The commands of a line with status 7, as "[word][word];[word]", or what is wrong with it. */
static const char *parsed(const char *line)
{
    static char text[2 * SHELL_TEXT_MAX];
    size_t at = 0, used = 0;
    enum shell_parse result;
    text[0] = 0;
    while ((result = shell_parse(line, &at, 7, &words)) == SHELL_COMMAND) {
        assert_true(shell_invariants(&words));
        used += (size_t)snprintf(text + used, sizeof text - used, "%s", used ? ";" : "");
        for (unsigned i = 0; i < words.count; i++)
            used += (size_t)snprintf(text + used, sizeof text - used, "[%s]", words.word[i]);
    }
    assert_true(shell_invariants(&words));
    assert_int_equal(shell_check(line, &words), result);
    return result == SHELL_END ? text : result == SHELL_UNCLOSED ? "unclosed" : "too many";
}

static const struct {
    const char *line, *parsed;
} lines[] = {
    /* [SHELL-LINE-1] */
    {"", ""},
    {"ps", "[ps]"},
    {"  ls\t/volume  ", "[ls][/volume]"},
    {"ps;ls", "[ps];[ls]"},
    {" ps ; ls a ;", "[ps];[ls][a]"},
    {"ps;;ls", "[ps];;[ls]"},
    /* [SHELL-LINE-2] */
    {"echo 'a  b;c' d", "[echo][a  b;c][d]"},
    {"echo '$?\\\"'", "[echo][$?\\\"]"},
    {"echo \"a; 'b'\" \"\\\"\\\\\\$?\\x\"", "[echo][a; 'b'][\"\\$?\\x]"},
    {"echo a\\ b\\;c \\'", "[echo][a b;c][']"},
    {"echo a'b'\"c\"d", "[echo][abcd]"},
    {"echo '' \"\"", "[echo][][]"},
    /* [SHELL-LINE-3] */
    {"echo $? \"is $?\" a$?b $ $x", "[echo][7][is 7][a7b][$][$x]"},
    /* [SHELL-LINE-4] */
    {"ps; echo 'a", "unclosed"},
    {"echo \"a", "unclosed"},
    {"echo \"a\\", "unclosed"},
    {"echo a\\", "unclosed"},
};

static void test_line_split_into_commands_and_words(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(lines); i++)
        assert_string_equal(parsed(lines[i].line), lines[i].parsed);
}

/* [SHELL-LINE-4] */
static void test_line_with_too_many_words_refused(void **state)
{
    char line[2 * SHELL_WORDS_MAX + 2] = "";
    (void)state;
    for (unsigned i = 0; i < SHELL_WORDS_MAX; i++)
        strcat(line, "a ");
    assert_int_not_equal(strlen(parsed(line)), strlen("too many"));
    strcat(line, "a");
    assert_string_equal(parsed(line), "too many");
}

/* [SHELL-LINE-4] */
static void test_line_with_too_many_bytes_in_words_refused(void **state)
{
    static char line[2 * SHELL_TEXT_MAX];
    (void)state;
    memset(line, 'x', SHELL_TEXT_MAX - 1);
    assert_int_equal(strlen(parsed(line)), SHELL_TEXT_MAX - 1 + 2);
    line[SHELL_TEXT_MAX - 1] = 'x';
    assert_string_equal(parsed(line), "too many");
    for (unsigned i = 0; i < SHELL_TEXT_MAX / 2; i++)
        memcpy(line + 2 * i, "$?", 2);
    size_t at = 0;
    assert_int_equal(shell_parse(line, &at, 137, &words), SHELL_TOO_MANY);
    assert_true(shell_invariants(&words));
}

/* Any bytes at all: no word leaves its place. */
static void test_line_random_bytes_keep_the_invariants(void **state)
{
    static const char some[] = "ab ;;'\"\\$? \t\xff";
    uint32_t seed = 1;
    char line[64];
    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        for (unsigned i = 0; i < sizeof line; i++) {
            seed = seed * 1664525 + 1013904223;
            line[i] = some[(seed >> 16) % sizeof some];
        }
        line[sizeof line - 1] = 0;
        (void)parsed(line);
    }
}

/* [SHELL-SLEEP-1] */
static void test_seconds_read_as_decimal(void **state)
{
    static const struct {
        const char *word;
        bool good;
        uint64_t nanoseconds;
    } cases[] = {
        {"0", true, 0},
        {"7", true, 7000000000},
        {"0.25", true, 250000000},
        {"1.", true, 1000000000},
        {"0.0000000019", true, 1},
        {"4294967295", true, UINT64_C(4294967295000000000)},
        {"4294967296", false, 0},
        {"99999999999999999999999", false, 0},
        {"", false, 0},
        {".5", false, 0},
        {"-1", false, 0},
        {"1s", false, 0},
        {"1.2.3", false, 0},
    };
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(cases); i++) {
        uint64_t nanoseconds = 0;
        assert_int_equal(shell_seconds(cases[i].word, &nanoseconds), cases[i].good);
        if (cases[i].good)
            assert_int_equal(nanoseconds, cases[i].nanoseconds);
    }
}

/* [SHELL-RUN-2] */
static void test_exit_status_of_each_end(void **state)
{
    static const struct {
        uint64_t words[5];
        int status;
    } cases[] = {
        {{CAVERN_REASON_EXITED, 0}, 0},
        {{CAVERN_REASON_EXITED, 3}, 3},
        {{CAVERN_REASON_EXITED, 259}, 3},
        {{CAVERN_REASON_EXITED, ~UINT64_C(0)}, 255},
        {{CAVERN_REASON_THREADS, 4}, 4},
        {{CAVERN_REASON_ENDED, 137}, 137},
        {{CAVERN_REASON_ENDED, 1}, 137},
        {{CAVERN_REASON_CONTROL_PAGE}, 137},
        {{CAVERN_REASON_FAULT, 0, CAVERN_FAULT_DATA_UNMAPPED}, 129},
        {{CAVERN_REASON_FAULT, 0, CAVERN_FAULT_BREAKPOINT}, 135},
    };
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(shell_exit_status(cases[i].words), cases[i].status);
}

/* [SHELL-PATH-1] */
static void test_path_resolved(void **state)
{
    static const struct {
        const char *name, *path;
    } cases[] = {
        {"", "/a/b"},
        {"c", "/a/b/c"},
        {"c/d/", "/a/b/c/d"},
        {".", "/a/b"},
        {"..", "/a"},
        {"../../..", "/"},
        {"../c", "/a/c"},
        {"/", "/"},
        {"/x", "/x"},
        {"//x//y/", "/x/y"},
        {"/x/../y", "/y"},
        {"/..", "/"},
        {"./c/./d", "/a/b/c/d"},
        {"...", "/a/b/..."},
    };
    char path[SHELL_PATH_MAX];
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(cases); i++) {
        assert_true(shell_path("/a/b", cases[i].name, path));
        assert_string_equal(path, cases[i].path);
    }
}

/* [SHELL-PATH-1] */
static void test_path_too_long_refused(void **state)
{
    char name[SHELL_PATH_MAX + 1] = "/", path[SHELL_PATH_MAX];
    (void)state;
    memset(name + 1, 'x', SHELL_PATH_MAX - 2);
    assert_true(shell_path("/a", name, path));
    assert_int_equal(strlen(path), SHELL_PATH_MAX - 1);
    assert_false(shell_path("/a", name + 1, path));
    name[SHELL_PATH_MAX - 1] = 'x';
    assert_false(shell_path("/a", name, path));
}

/* [SHELL-TEXT-1] */
static void test_duration_in_two_units_at_most(void **state)
{
    static const uint64_t s = 1000000000;
    const struct {
        uint64_t nanoseconds;
        const char *text;
    } cases[] = {
        {0, "0"},
        {999, "0"},
        {1000, "1 us"},
        {999999, "999 us"},
        {1000000, "1.0 ms"},
        {99999999, "99.9 ms"},
        {100000000, "100 ms"},
        {s - 1, "999 ms"},
        {s, "1.0 s"},
        {12 * s + 345000000, "12.3 s"},
        {60 * s - 1, "59.9 s"},
        {60 * s, "1m 0s"},
        {3599 * s, "59m 59s"},
        {3600 * s + 125 * s, "1h 2m"},
        {86400 * s, "1d 0h"},
        {UINT64_MAX, "213503d 23h"},
    };
    char text[16];
    (void)state;
    for (unsigned i = 0; i + 1 < COUNT_OF(cases); i++) {
        shell_duration(cases[i].nanoseconds, text);
        assert_string_equal(text, cases[i].text);
    }
    shell_duration(UINT32_MAX * s, text);
    assert_string_equal(text, "49710d");
    shell_duration(UINT64_MAX, text);
}

/* [SHELL-TEXT-1] */
static void test_size_in_powers_of_1024(void **state)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {
        {0, "0 B"},
        {1023, "1023 B"},
        {1024, "1.0 KiB"},
        {1536, "1.5 KiB"},
        {1024 * 1024 - 1, "1023.9 KiB"},
        {1024 * 1024, "1.0 MiB"},
        {UINT64_C(4) << 30, "4.0 GiB"},
        {UINT64_MAX, "15.9 EiB"},
    };
    char text[16];
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(cases); i++) {
        shell_size(cases[i].bytes, text);
        assert_string_equal(text, cases[i].text);
    }
}

/* [SHELL-TEXT-1] */
static void test_time_in_seconds_since_the_reset(void **state)
{
    char text[32];
    (void)state;
    shell_time(12345678901, text);
    assert_string_equal(text, "    12.345678");
    shell_time(UINT64_MAX, text);
    assert_string_equal(text, "18446744073.709551");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line_split_into_commands_and_words),
        cmocka_unit_test(test_line_with_too_many_words_refused),
        cmocka_unit_test(test_line_with_too_many_bytes_in_words_refused),
        cmocka_unit_test(test_line_random_bytes_keep_the_invariants),
        cmocka_unit_test(test_seconds_read_as_decimal),
        cmocka_unit_test(test_exit_status_of_each_end),
        cmocka_unit_test(test_path_resolved),
        cmocka_unit_test(test_path_too_long_refused),
        cmocka_unit_test(test_duration_in_two_units_at_most),
        cmocka_unit_test(test_size_in_powers_of_1024),
        cmocka_unit_test(test_time_in_seconds_since_the_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
