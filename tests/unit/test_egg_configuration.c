/* SPDX-License-Identifier: BSD-2-Clause */
#include "fdt_writer.h"

#include <stdio.h>

#include "../../egg/configuration.h"

static struct configuration configuration;
static struct problems problems;

static void write_ward(const char *name)
{
    NODE(name);
    TEXT("program", "bin/ward");
    CELLS("priority", 28);
    CELLS("blocks", 1024);
    CELLS("slots", 128);
    CELLS("state", 0x10000);
    CELLS("memory", 0, 0x200000);
    END();
}

static void begin(void)
{
    tree_begin();
    write_ward("registry");
    write_ward("supervisor");
    NODE("services");
}

static bool end(void)
{
    END();
    tree_end();
    memset(&problems, 0, sizeof(problems));
    return configuration_read(tree, fdt_totalsize(tree), &configuration, &problems);
}

static bool complains(const char *text)
{
    for (unsigned i = 0; i < problems.count; i++)
        if (strstr(problems.list[i].text, text))
            return true;
    return false;
}

/* [EGG-1] */
static void test_configuration_good_is_read_in_full(void **unused)
{
    (void)unused;
    begin();
    NODE("shell");
    TEXT("program", "bin/shell");
    TEXT("arguments", "one\0%stdout");
    TEXT("restart", "transient");
    TEXT("register", "/service/a\0/device/*");
    TEXT("handles", "machine-power\0machine-log\0machine-inspect\0root-inspect\0supervisor");
    CELLS("priority", 12);
    CELLS("memory", 1, 0);
    CELLS("blocks", 256);
    CELLS("slots", 16);
    CELLS("stack", 65536);
    EMPTY("before-drivers");
    END();
    END();
    NODE("drivers");
    NODE("pl011");
    CELLS("priority", 24);
    END();
    assert_true(end());
    assert_int_equal(problems.count, 0);
    assert_int_equal(configuration.registry.memory, 0x200000);
    assert_int_equal(configuration.registry.state, 0x10000);
    assert_string_equal(configuration.supervisor.program, "bin/ward");
    assert_int_equal(configuration.service_count, 1);
    const struct configuration_program *shell = &configuration.services[0];
    assert_string_equal(shell->name, "shell");
    assert_string_equal(shell->program, "bin/shell");
    assert_string_equal(shell->registers, "/service/a /device/*");
    assert_int_equal(shell->argument_bytes, 12);
    assert_memory_equal(shell->arguments, "one\0%stdout", 12);
    assert_int_equal(shell->restart, SUPERVISOR_TRANSIENT);
    assert_int_equal(shell->handles, 31);
    assert_int_equal(shell->priority, 12);
    assert_int_equal(shell->memory, UINT64_C(1) << 32);
    assert_int_equal(shell->blocks, 256);
    assert_int_equal(shell->slots, 16);
    assert_int_equal(shell->stack, 65536);
    assert_true(shell->before_drivers);
    assert_int_equal(configuration_driver(&configuration, "pl011")->priority, 24);
    assert_null(configuration_driver(&configuration, "pl031"));
}

/* [EGG-2] [BOOT-BAD-4] */
static void test_configuration_that_is_no_tree_refused(void **unused)
{
    (void)unused;
    begin();
    assert_true(end());
    size_t size = fdt_totalsize(tree);
    for (size_t cut = 0; cut < size; cut += 7) {
        problems.count = 0;
        assert_false(configuration_read(tree, cut, &configuration, &problems));
        assert_true(complains("system.dtb: "));
    }
    tree[0] = 0;
    assert_false(configuration_read(tree, size, &configuration, &problems));
}

/* [EGG-2] */
static void test_configuration_without_registry_or_supervisor_refused(void **unused)
{
    (void)unused;
    tree_begin();
    write_ward("registry");
    NODE("services");
    assert_false(end());
    assert_true(complains("supervisor: node: missing"));
    tree_begin();
    NODE("registry");
    TEXT("program", "bin/registry");
    END();
    NODE("services");
    assert_false(end());
    assert_true(complains("registry: node: needs"));
}

/* [EGG-3] */
static void test_configuration_service_not_good_left_out(void **unused)
{
    (void)unused;
    static const struct {
        const char *property;
        const void *value;
        int length;
    } cases[] = {
        {"program", "bin/x", 5},      {"program", "a\0b", 4},
        {"program", "", 0},           {"priority", "\0\0\0\x20", 4},
        {"priority", "\0\0\0", 3},    {"memory", "\1\0\0\0\0\0\0\0", 8},
        {"restart", "sometimes", 10}, {"handles", "machine-power\0x", 16},
        {"handles", "x", 1},          {"register", "/a b", 5},
        {"arguments", "x", 1},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        begin();
        NODE("bad");
        if (strcmp(cases[i].property, "program") != 0)
            TEXT("program", "bin/bad");
        assert_int_equal(fdt_property(tree, cases[i].property, cases[i].value, cases[i].length), 0);
        END();
        NODE("good");
        TEXT("program", "bin/good");
        END();
        assert_true(end());
        assert_int_equal(configuration.service_count, 1);
        assert_string_equal(configuration.services[0].name, "good");
        assert_true(complains("bad: "));
    }
}

/* [EGG-3] */
static void test_configuration_driver_not_good_is_as_if_not_said(void **unused)
{
    (void)unused;
    begin();
    END();
    NODE("drivers");
    NODE("bad");
    TEXT("register", "/service/x");
    CELLS("priority", CAVERN_PRIORITIES);
    END();
    NODE("good");
    END();
    assert_true(end());
    assert_null(configuration_driver(&configuration, "bad"));
    assert_non_null(configuration_driver(&configuration, "good"));
    assert_true(complains("bad: priority"));
}

/* [EGG-3] */
static void test_configuration_service_twice_nameless_or_too_many_left_out(void **unused)
{
    (void)unused;
    begin();
    for (unsigned i = 0; i < CONFIGURATION_SERVICES_MAX + 2; i++) {
        char name[40];
        snprintf(name, sizeof(name), i == 2 ? "a-name-of-more-than-thirty-one-characters" : "s%u", i == 1 ? 0 : i);
        NODE(name);
        TEXT("program", "bin/x");
        END();
    }
    NODE("no-program");
    END();
    assert_true(end());
    assert_int_equal(configuration.service_count, CONFIGURATION_SERVICES_MAX);
    assert_true(complains("there twice"));
    assert_true(complains("too long"));
    assert_true(complains("too many"));
}

/* [EGG-3] */
static void test_configuration_more_drivers_than_fit_left_out(void **unused)
{
    (void)unused;
    begin();
    END();
    NODE("drivers");
    for (unsigned i = 0; i < CONFIGURATION_DRIVERS_MAX + 2; i++) {
        char name[40];
        snprintf(name, sizeof(name), "d%u", i);
        NODE(name);
        END();
    }
    assert_true(end());
    char last[8], next[8];
    snprintf(last, sizeof(last), "d%u", CONFIGURATION_DRIVERS_MAX - 1);
    snprintf(next, sizeof(next), "d%u", CONFIGURATION_DRIVERS_MAX);
    assert_non_null(configuration_driver(&configuration, last));
    assert_null(configuration_driver(&configuration, next));
    assert_true(complains("too many"));
}

/* [EGG-3] */
static void test_configuration_more_problems_than_fit_are_counted(void **unused)
{
    (void)unused;
    memset(&problems, 0, sizeof(problems));
    for (unsigned i = 0; i < PROBLEMS_MAX + 5; i++)
        problem_add(&problems, CAVERN_LOG_WARNING, "number %u", i);
    assert_int_equal(problems.count, PROBLEMS_MAX);
    assert_int_equal(problems.lost, 5);
    assert_string_equal(problems.list[PROBLEMS_MAX - 1].text, "number 31");
}

/* [EGG-8] */
static void test_configuration_server_below_its_client_is_said(void **unused)
{
    (void)unused;
    begin();
    NODE("console");
    TEXT("program", "bin/console");
    TEXT("uses", "pl011\0nothing");
    CELLS("priority", 20);
    END();
    NODE("shell");
    TEXT("program", "bin/shell");
    TEXT("uses", "console");
    CELLS("priority", 20);
    END();
    NODE("eager");
    TEXT("program", "bin/eager");
    CELLS("priority", 29);
    END();
    END();
    NODE("drivers");
    NODE("pl011");
    CELLS("priority", 19);
    END();
    assert_true(end());
    assert_int_equal(problems.count, 3);
    assert_true(complains("pl011: priority 19 is below that of its client console, 20"));
    assert_true(complains("console: uses: no such service or driver"));
    assert_true(complains("registry: priority 28 is below that of its client eager, 29"));
    assert_int_equal(configuration.service_count, 3);
}

/* [EGG-8]: of what is not said, the supervisor's choice counts */
static void test_configuration_priorities_not_said_are_the_defaults(void **unused)
{
    (void)unused;
    begin();
    NODE("server");
    TEXT("program", "bin/server");
    END();
    NODE("modest");
    TEXT("program", "bin/modest");
    TEXT("uses", "server\0driver");
    END();
    NODE("eager");
    TEXT("program", "bin/eager");
    TEXT("uses", "server\0driver");
    CELLS("priority", SUPERVISOR_DRIVER_PRIORITY);
    END();
    END();
    NODE("drivers");
    NODE("driver");
    END();
    assert_true(end());
    assert_int_equal(problems.count, 1);
    assert_true(complains("server: priority 16 is below that of its client eager, 20"));
}

/* Damaged anywhere, it is refused or read, and nothing outside is touched. */
static void test_configuration_with_random_damage_stays_inside(void **unused)
{
    (void)unused;
    static char sound[sizeof(tree)];
    begin();
    NODE("x");
    TEXT("program", "bin/x");
    TEXT("arguments", "a\0b");
    TEXT("uses", "x");
    CELLS("priority", 3);
    END();
    assert_true(end());
    size_t size = fdt_totalsize(tree);
    memcpy(sound, tree, size);
    srand(1);
    for (unsigned round = 0; round < 3000; round++) {
        char *copy = malloc(size);
        memcpy(copy, sound, size);
        for (unsigned i = 0; i < 3; i++)
            copy[(size_t)rand() % size] = (char)rand();
        problems.count = 0;
        (void)configuration_read(copy, size, &configuration, &problems);
        free(copy);
    }
}

/* [EGG-9] */
static void test_command_is_found_and_decoded(void **unused)
{
    (void)unused;
    static const struct {
        const char *bootargs;
        const char *command;
        bool found;
    } cases[] = {
        {"", "", false},
        {"pmu", "", false},
        {"cavern.command=help", "help", true},
        {"pmu  cavern.command=ls%20/volume/init%3b%20echo%20%22a%22 x=y", "ls /volume/init; echo \"a\"", true},
        {"xcavern.command=help", "", false},
        {"cavern.command=", "", true},
        {"cavern.command=%", "", false},
        {"cavern.command=%2", "", false},
        {"cavern.command=%zz", "", false},
        {"cavern.command=a%00b", "", false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char command[64];
        memset(&problems, 0, sizeof(problems));
        assert_int_equal(configuration_command(cases[i].bootargs, command, sizeof(command), &problems), cases[i].found);
        assert_string_equal(command, cases[i].command);
        assert_int_equal(problems.count, strchr(cases[i].bootargs, '%') && !cases[i].found);
    }
    char little[4];
    assert_true(configuration_command("cavern.command=abc", little, sizeof(little), &problems));
    assert_false(configuration_command("cavern.command=abcd", little, sizeof(little), &problems));
}

/* [EGG-9] */
static void test_arguments_are_expanded(void **unused)
{
    (void)unused;
    struct configuration_program program = {.arguments = "x\0%stdout\0%command\0y", .argument_bytes = 21};
    char arguments[64];
    uint32_t bytes;
    assert_int_equal(configuration_expand(&program, "/device/u", "help; ps", arguments, sizeof(arguments), &bytes), 4);
    assert_int_equal(bytes, 23);
    assert_memory_equal(arguments, "x\0/device/u\0help; ps\0y", 23);
    assert_int_equal(configuration_expand(&program, "", "", arguments, sizeof(arguments), &bytes), 2);
    assert_memory_equal(arguments, "x\0y", 4);
    assert_int_equal(configuration_expand(&program, "/device/u", "", arguments, 6, &bytes), 2);
    assert_int_equal(bytes, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_configuration_good_is_read_in_full),
        cmocka_unit_test(test_configuration_that_is_no_tree_refused),
        cmocka_unit_test(test_configuration_without_registry_or_supervisor_refused),
        cmocka_unit_test(test_configuration_service_not_good_left_out),
        cmocka_unit_test(test_configuration_driver_not_good_is_as_if_not_said),
        cmocka_unit_test(test_configuration_service_twice_nameless_or_too_many_left_out),
        cmocka_unit_test(test_configuration_more_drivers_than_fit_left_out),
        cmocka_unit_test(test_configuration_more_problems_than_fit_are_counted),
        cmocka_unit_test(test_configuration_server_below_its_client_is_said),
        cmocka_unit_test(test_configuration_priorities_not_said_are_the_defaults),
        cmocka_unit_test(test_configuration_with_random_damage_stays_inside),
        cmocka_unit_test(test_command_is_found_and_decoded),
        cmocka_unit_test(test_arguments_are_expanded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
