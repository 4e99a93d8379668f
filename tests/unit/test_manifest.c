/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "core/random.h"
#include "formats/manifest.h"

CAVERN_MANIFEST(MANIFEST_DRIVER("pl011") MANIFEST_CLASS("uart") MANIFEST_COMPATIBLE("arm,pl011")
                    MANIFEST_COMPATIBLE("arm,sbsa-uart") MANIFEST_STACK("32768") MANIFEST_RESTART("transient"));

#define SOUND "manifest=1\0driver=d\0class=c\0compatible=v,d\0"

/* Parses a copy on the heap, without the literal's own NUL, so that a read outside is noticed. */
#define PARSE(text) parse(text, sizeof(text) - 1)

static enum manifest_error parse(const char *text, size_t bytes)
{
    char *copy = malloc(bytes + !bytes);
    struct manifest manifest;

    memcpy(copy, text, bytes);
    enum manifest_error error = manifest_parse(copy, bytes, &manifest);
    free(copy);
    return error;
}

static void test_manifest_of_the_macro_is_read(void **state)
{
    struct manifest manifest;

    (void)state;
    assert_int_equal(cavern_manifest.owner_bytes, 7);
    assert_string_equal(cavern_manifest.owner, MANIFEST_OWNER);
    assert_int_equal(cavern_manifest.type, MANIFEST_NOTE_TYPE);
    assert_int_equal(offsetof(__typeof__(cavern_manifest), description), 20);
    assert_int_equal(manifest_parse(cavern_manifest.description, cavern_manifest.description_bytes, &manifest),
                     MANIFEST_OK);
    assert_string_equal(manifest.driver, "pl011");
    assert_string_equal(manifest.driver_class, "uart");
    assert_int_equal(manifest.compatible_count, 2);
    assert_string_equal(manifest.compatible[1], "arm,sbsa-uart");
    assert_int_equal(manifest.stack_bytes, 32768);
    assert_int_equal(manifest.restart, MANIFEST_TRANSIENT);
}

static void test_manifest_optional_keys_have_defaults(void **state)
{
    struct manifest manifest;

    (void)state;
    assert_int_equal(manifest_parse(SOUND, sizeof(SOUND), &manifest), MANIFEST_OK);
    assert_int_equal(manifest.stack_bytes, MANIFEST_STACK_DEFAULT);
    assert_int_equal(manifest.restart, MANIFEST_PERMANENT);
}

/* [DEV-MANIFEST-1] */
static void test_manifest_with_a_fault_is_refused(void **state)
{
    (void)state;
    assert_int_equal(PARSE(SOUND), MANIFEST_OK);
    assert_int_equal(PARSE(""), MANIFEST_BAD_VERSION);
    assert_int_equal(PARSE("manifest=1"), MANIFEST_BAD_VERSION);
    assert_int_equal(PARSE("manifest=2\0driver=d\0"), MANIFEST_BAD_VERSION);
    assert_int_equal(PARSE("manifest=10\0"), MANIFEST_BAD_VERSION);
    assert_int_equal(PARSE("driver=d\0manifest=1\0"), MANIFEST_BAD_VERSION);
    assert_int_equal(PARSE(SOUND "x"), MANIFEST_UNTERMINATED);
    assert_int_equal(PARSE(SOUND "restart=temporary"), MANIFEST_UNTERMINATED);
    assert_int_equal(PARSE(SOUND "nonsense\0"), MANIFEST_BAD_LINE);
    assert_int_equal(PARSE(SOUND "=value\0"), MANIFEST_BAD_LINE);
    assert_int_equal(PARSE(SOUND "compatibel=a\0"), MANIFEST_UNKNOWN_KEY);
    assert_int_equal(PARSE(SOUND "stac=8192\0"), MANIFEST_UNKNOWN_KEY);
    assert_int_equal(PARSE(SOUND "stacks=8192\0"), MANIFEST_UNKNOWN_KEY);
    assert_int_equal(PARSE(SOUND "manifest=1\0"), MANIFEST_UNKNOWN_KEY);
    assert_int_equal(PARSE(SOUND "driver=e\0"), MANIFEST_REPEATED_KEY);
    assert_int_equal(PARSE(SOUND "class=e\0"), MANIFEST_REPEATED_KEY);
    assert_int_equal(PARSE(SOUND "stack=8192\0stack=8192\0"), MANIFEST_REPEATED_KEY);
    assert_int_equal(PARSE(SOUND "dma=yes\0dma=yes\0"), MANIFEST_REPEATED_KEY);
    assert_int_equal(PARSE("manifest=1\0"), MANIFEST_INCOMPLETE);
    assert_int_equal(PARSE("manifest=1\0class=c\0compatible=a\0"), MANIFEST_INCOMPLETE);
    assert_int_equal(PARSE("manifest=1\0driver=d\0compatible=a\0"), MANIFEST_INCOMPLETE);
    assert_int_equal(PARSE("manifest=1\0driver=d\0class=c\0"), MANIFEST_INCOMPLETE);
    assert_int_equal(PARSE("manifest=1\0driver=d\0\0class=c\0compatible=a\0"), MANIFEST_INCOMPLETE);
}

/* [DEV-MANIFEST-1] */
static void test_manifest_values_are_checked(void **state)
{
    static const char *const bad[] = {
        "driver=",
        "driver=A",
        "driver=a b",
        "driver=a/b",
        "driver=../x",
        "driver=01234567890123456789012345678901",
        "class=",
        "class=UART",
        "compatible=",
        "compatible=a b",
        "compatible=a\x7f",
        "compatible=a\xff",
        "compatible=0123456789012345678901234567890123456789012345678901234567890123",
        "stack=",
        "stack=0",
        "stack=4095",
        "stack=16777217",
        "stack=-1",
        "stack=0x2000",
        "stack=8192k",
        "stack=4294971392",
        "stack=99999999999999999999999999",
        "restart=",
        "restart=always",
        "restart=permanent ",
        "dma=",
        "dma=no",
    };
    static const char *const good[] = {
        "driver=a-z0",
        "compatible=!~",
        "driver=0123456789012345678901234567890",
        "stack=4096",
        "stack=16777216",
        "stack=0000008192",
        "restart=permanent",
        "restart=temporary",
        "dma=yes",
        "compatible=012345678901234567890123456789012345678901234567890123456789012",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad) + COUNT_OF(good); i++) {
        const char *line = i < COUNT_OF(bad) ? bad[i] : good[i - COUNT_OF(bad)];
        char text[128] = "manifest=1";
        size_t length = strlen(line) + 1;

        memcpy(text + 11, line, length);
        assert_int_equal(parse(text, 11 + length), i < COUNT_OF(bad) ? MANIFEST_BAD_VALUE : MANIFEST_INCOMPLETE);
    }
}

/* [DEV-MANIFEST-1] */
static void test_manifest_with_too_many_compatibles_is_refused(void **state)
{
    char text[1024] = SOUND; /* the first of them */
    size_t bytes = sizeof(SOUND) - 1;

    (void)state;
    for (int count = 1; count < MANIFEST_COMPATIBLES_MAX; count++, bytes += 13)
        memcpy(text + bytes, "compatible=b", 13);
    assert_int_equal(parse(text, bytes), MANIFEST_OK);
    memcpy(text + bytes, "compatible=b", 13);
    assert_int_equal(parse(text, bytes + 13), MANIFEST_TOO_MANY);
}

/* [DEV-MANIFEST-2] The place in the node's list; the least wins. */
static void test_manifest_match_answers_the_place_in_the_nodes_list(void **state)
{
    struct manifest manifest = {.compatible = {"arm,pl011", "arm,sbsa-uart"}, .compatible_count = 2};

    (void)state;
    assert_int_equal(manifest_match(&manifest, "arm,pl011", 10), 0);
    assert_int_equal(manifest_match(&manifest, "arm,pl011\0arm,primecell", 24), 0);
    assert_int_equal(manifest_match(&manifest, "vendor,uart\0arm,sbsa-uart\0arm,pl011", 36), 1);
    assert_int_equal(manifest_match(&manifest, "arm,primecell\0arm,pl011", 24), 1);
    assert_int_equal(manifest_match(&manifest, "arm,pl01", 9), -1);
    assert_int_equal(manifest_match(&manifest, "arm,pl0111", 11), -1);
    assert_int_equal(manifest_match(&manifest, "", 1), -1);
    assert_int_equal(manifest_match(&manifest, NULL, 0), -1);
    assert_int_equal(manifest_match(&manifest, "arm,pl011", 9), -1); /* no NUL */
}

static void test_manifest_with_random_damage_stays_inside(void **state)
{
    static const char sound[] = SOUND "stack=8192\0restart=temporary";
    struct random random;

    (void)state;
    random_seed(&random, 55);
    for (int round = 0; round < 20000; round++) {
        size_t bytes = random_below(&random, sizeof(sound) + 1);
        char text[sizeof(sound)];

        memcpy(text, sound, sizeof(sound));
        for (uint64_t flips = random_below(&random, 4); flips; flips--)
            text[11 + random_below(&random, sizeof(sound) - 11)] ^= (char)(1u << random_below(&random, 8));
        (void)parse(text, bytes);
    }
}

static void test_manifest_error_texts_exist(void **state)
{
    (void)state;
    for (int error = MANIFEST_OK; error <= MANIFEST_INCOMPLETE; error++)
        assert_string_not_equal(manifest_error_text((enum manifest_error)error), "unknown error");
    assert_string_equal(manifest_error_text((enum manifest_error)(MANIFEST_INCOMPLETE + 1)), "unknown error");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_manifest_of_the_macro_is_read),
        cmocka_unit_test(test_manifest_optional_keys_have_defaults),
        cmocka_unit_test(test_manifest_with_a_fault_is_refused),
        cmocka_unit_test(test_manifest_values_are_checked),
        cmocka_unit_test(test_manifest_with_too_many_compatibles_is_refused),
        cmocka_unit_test(test_manifest_match_answers_the_place_in_the_nodes_list),
        cmocka_unit_test(test_manifest_with_random_damage_stays_inside),
        cmocka_unit_test(test_manifest_error_texts_exist),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
