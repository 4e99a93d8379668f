/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A good program made here, then damaged in one way each: text at 0x200000, data at 0x201000 with an initial TLS image,
 * and a note.
 */
#include "unit.h"

#include <elf.h>

#include "core/random.h"
#include "formats/elf.h"

enum {
    HEADERS = 64,
    NOTES = 0x800,
    DATA = 0x1000,
    SIZE = 0x1800,
};

enum {
    TEXT_SEGMENT,
    DATA_SEGMENT,
    TLS_SEGMENT,
    NOTE_SEGMENT,
    SEGMENTS,
};

struct program {
    uint8_t bytes[SIZE];
    Elf64_Ehdr header;
    Elf64_Phdr segments[SEGMENTS];
    size_t size;
};

static const uint8_t notes[] = {
    4, 0, 0, 0, 4, 0, 0, 0, 3, 0, 0, 0, 'G', 'N', 'U', 0,   1,   2,   3, 4,                   /* another's */
    7, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 'C', 'a', 'v', 'e', 'r', 'n', 0, 0, 'n', 'o', 0,   0, /* another type */
    7, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 'C', 'a', 'v', 'e', 'r', 'n', 0, 0, 'y', 'e', 's', 0,
};

static struct program good_program(void)
{
    struct program p = {.size = SIZE};

    p.header = (Elf64_Ehdr){
        .e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC,
        .e_machine = EM_AARCH64,
        .e_version = EV_CURRENT,
        .e_entry = 0x200400,
        .e_phoff = HEADERS,
        .e_ehsize = sizeof(Elf64_Ehdr),
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = SEGMENTS,
    };
    p.segments[TEXT_SEGMENT] = (Elf64_Phdr){PT_LOAD, PF_R | PF_X, 0, 0x200000, 0x200000, 0xc00, 0xc00, 0x1000};
    p.segments[DATA_SEGMENT] = (Elf64_Phdr){PT_LOAD, PF_R | PF_W, DATA, 0x201000, 0x201000, 0x200, 0x3000, 0x1000};
    p.segments[TLS_SEGMENT] = (Elf64_Phdr){PT_TLS, PF_R, DATA, 0x201000, 0x201000, 0x40, 0x80, 16};
    p.segments[NOTE_SEGMENT] = (Elf64_Phdr){PT_NOTE, PF_R, NOTES, 0x200800, 0x200800, sizeof(notes), sizeof(notes), 4};
    memcpy(p.bytes + NOTES, notes, sizeof(notes));
    return p;
}

/* The file on the heap, so that a read outside is noticed; the caller frees it. */
static uint8_t *file_of(struct program *p)
{
    uint8_t *file = malloc(p->size + 1);

    memcpy(p->bytes, &p->header, sizeof(p->header));
    memcpy(p->bytes + HEADERS, p->segments, sizeof(p->segments));
    memcpy(file, p->bytes, p->size);
    return file;
}

static enum elf_error open_program(struct program *p)
{
    struct elf_image image;
    uint8_t *file = file_of(p);
    enum elf_error error = elf_open(file, p->size, &image);

    free(file);
    return error;
}

static void test_elf_good_program_is_read(void **state)
{
    struct program p = good_program();
    uint8_t *file = file_of(&p);
    struct elf_image image;
    struct elf_segment segment;
    uint32_t cursor = 0;

    (void)state;
    assert_int_equal(elf_open(file, p.size, &image), ELF_OK);
    assert_int_equal(image.entry, 0x200400);
    assert_true(elf_next_segment(&image, &cursor, &segment));
    assert_int_equal(segment.address, 0x200000);
    assert_int_equal(segment.protection, ELF_READ | ELF_EXECUTE);
    assert_true(elf_next_segment(&image, &cursor, &segment));
    assert_int_equal(segment.address, 0x201000);
    assert_int_equal(segment.offset, DATA);
    assert_int_equal(segment.file_size, 0x200);
    assert_int_equal(segment.memory_size, 0x3000);
    assert_int_equal(segment.protection, ELF_READ | ELF_WRITE);
    assert_false(elf_next_segment(&image, &cursor, &segment));
    assert_true(elf_tls(&image, &segment));
    assert_int_equal(segment.alignment, 16);
    assert_int_equal(segment.memory_size, 0x80);
    free(file);
}

static void test_elf_at_an_odd_address_is_read(void **state)
{
    struct program p = good_program();
    uint8_t *file = file_of(&p);
    uint8_t *odd = malloc(p.size + 1);
    struct elf_image image;
    const uint8_t *description;
    size_t bytes;

    (void)state;
    memcpy(odd + 1, file, p.size);
    assert_int_equal(elf_open(odd + 1, p.size, &image), ELF_OK);
    assert_int_equal(elf_note_find(&image, "Cavern", 1, &description, &bytes), ELF_OK);
    free(odd);
    free(file);
}

/* [BOOT-BAD-2] Which field, as an offset in struct program, becomes what, and what is said then. */
#define HEADER(field) offsetof(struct program, header.field), sizeof(((struct program *)0)->header.field)
#define SEGMENT(i, field)                                                                                              \
    offsetof(struct program, segments) + (i) * sizeof(Elf64_Phdr) + offsetof(Elf64_Phdr, field),                       \
        sizeof(((Elf64_Phdr *)0)->field)

static const struct {
    size_t offset, bytes;
    uint64_t value;
    enum elf_error error;
} bad_fields[] = {
    {HEADER(e_ident[0]), 'E', ELF_NOT_ELF},
    {HEADER(e_ident[3]), 'f', ELF_NOT_ELF},
    {HEADER(e_ident[4]), ELFCLASS32, ELF_WRONG_CLASS},
    {HEADER(e_ident[5]), ELFDATA2MSB, ELF_WRONG_CLASS},
    {HEADER(e_ident[6]), 0, ELF_WRONG_CLASS},
    {HEADER(e_version), 2, ELF_WRONG_CLASS},
    {HEADER(e_machine), EM_X86_64, ELF_WRONG_MACHINE},
    {HEADER(e_type), ET_DYN, ELF_NOT_STATIC},
    {HEADER(e_type), ET_REL, ELF_NOT_STATIC},
    {HEADER(e_phentsize), 32, ELF_BAD_HEADERS},
    {HEADER(e_phnum), ELF_HEADERS_MAX + 1, ELF_BAD_HEADERS},
    {HEADER(e_phnum), 0xffff, ELF_BAD_HEADERS},
    {HEADER(e_phnum), 0, ELF_NO_SEGMENT},
    {HEADER(e_phoff), SIZE - SEGMENTS * sizeof(Elf64_Phdr) + 1, ELF_TRUNCATED},
    {HEADER(e_phoff), UINT64_MAX, ELF_TRUNCATED},
    {HEADER(e_phoff), UINT64_MAX - 16, ELF_TRUNCATED},
    {HEADER(e_entry), 0x1fffff, ELF_BAD_ENTRY},
    {HEADER(e_entry), 0x200c00, ELF_BAD_ENTRY},
    {HEADER(e_entry), 0x201000, ELF_BAD_ENTRY}, /* data */
    {HEADER(e_entry), UINT64_MAX, ELF_BAD_ENTRY},
    {SEGMENT(TEXT_SEGMENT, p_offset), SIZE / 0x1000 * 0x1000 + 0x1000, ELF_TRUNCATED},
    {SEGMENT(TEXT_SEGMENT, p_offset), UINT64_MAX - 0xfff, ELF_TRUNCATED},
    {SEGMENT(DATA_SEGMENT, p_filesz), SIZE - DATA + 1, ELF_TRUNCATED},
    {SEGMENT(DATA_SEGMENT, p_filesz), UINT64_MAX, ELF_TRUNCATED},
    {SEGMENT(DATA_SEGMENT, p_memsz), 0x1ff, ELF_BAD_SEGMENT_SIZE},
    {SEGMENT(DATA_SEGMENT, p_memsz), 0, ELF_BAD_SEGMENT_SIZE},
    {SEGMENT(DATA_SEGMENT, p_memsz), UINT64_MAX, ELF_BAD_SEGMENT_ADDRESS},
    {SEGMENT(DATA_SEGMENT, p_memsz), ELF_ADDRESS_END - 0x201000 + 1, ELF_BAD_SEGMENT_ADDRESS},
    {SEGMENT(DATA_SEGMENT, p_memsz), ELF_ADDRESS_END - 0x201000, ELF_OK},
    {SEGMENT(TEXT_SEGMENT, p_vaddr), 0, ELF_BAD_SEGMENT_ADDRESS},
    {SEGMENT(DATA_SEGMENT, p_vaddr), ELF_ADDRESS_END, ELF_BAD_SEGMENT_ADDRESS},
    {SEGMENT(DATA_SEGMENT, p_vaddr), ELF_ADDRESS_END - 0x1000, ELF_BAD_SEGMENT_ADDRESS},
    {SEGMENT(DATA_SEGMENT, p_vaddr), UINT64_MAX - 0xfff, ELF_BAD_SEGMENT_ADDRESS},
    {SEGMENT(DATA_SEGMENT, p_vaddr), 0x201004, ELF_BAD_SEGMENT_OFFSET},
    {SEGMENT(DATA_SEGMENT, p_offset), DATA + 8, ELF_BAD_SEGMENT_OFFSET},
    {SEGMENT(DATA_SEGMENT, p_vaddr), 0x200000, ELF_SEGMENTS_OVERLAP},
    {SEGMENT(DATA_SEGMENT, p_vaddr), 0x1ff000, ELF_SEGMENTS_OVERLAP},
    {SEGMENT(TEXT_SEGMENT, p_memsz), 0x1001, ELF_SEGMENTS_OVERLAP}, /* shares the data's first page */
    {SEGMENT(TEXT_SEGMENT, p_memsz), 0x1000, ELF_OK},
    {SEGMENT(TEXT_SEGMENT, p_flags), PF_R | PF_W | PF_X, ELF_WRITE_EXECUTE},
    {SEGMENT(TEXT_SEGMENT, p_flags), PF_R, ELF_BAD_ENTRY},
    {SEGMENT(TLS_SEGMENT, p_memsz), 0x3f, ELF_BAD_TLS},
    {SEGMENT(TLS_SEGMENT, p_memsz), UINT64_MAX, ELF_BAD_TLS},
    {SEGMENT(TLS_SEGMENT, p_align), 24, ELF_BAD_TLS},
    {SEGMENT(TLS_SEGMENT, p_align), 8192, ELF_BAD_TLS},
    {SEGMENT(TLS_SEGMENT, p_align), 0, ELF_OK},
    {SEGMENT(TLS_SEGMENT, p_memsz), 0x40, ELF_OK},
    {SEGMENT(TLS_SEGMENT, p_filesz), 0, ELF_OK},
    {SEGMENT(TLS_SEGMENT, p_vaddr), 0x201000, ELF_OK},
    {SEGMENT(TLS_SEGMENT, p_vaddr), 0x2011c1, ELF_BAD_TLS}, /* one byte beyond the file's part */
    {SEGMENT(TLS_SEGMENT, p_vaddr), 0x201008, ELF_BAD_TLS}, /* not where it stands in the file */
    {SEGMENT(TLS_SEGMENT, p_vaddr), 0, ELF_BAD_TLS},
    {SEGMENT(TLS_SEGMENT, p_vaddr), UINT64_MAX, ELF_BAD_TLS},
    {SEGMENT(NOTE_SEGMENT, p_type), PT_TLS, ELF_BAD_TLS}, /* a second one */
    {SEGMENT(NOTE_SEGMENT, p_type), PT_DYNAMIC, ELF_NOT_STATIC},
    {SEGMENT(NOTE_SEGMENT, p_type), PT_INTERP, ELF_NOT_STATIC},
    {SEGMENT(NOTE_SEGMENT, p_type), PT_GNU_STACK, ELF_OK},
    {SEGMENT(NOTE_SEGMENT, p_offset), SIZE, ELF_TRUNCATED},
    {SEGMENT(NOTE_SEGMENT, p_offset), SIZE - sizeof(notes), ELF_OK},
    {SEGMENT(NOTE_SEGMENT, p_filesz), UINT64_MAX, ELF_TRUNCATED},
};

static void test_elf_with_one_bad_field_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad_fields); i++) {
        struct program p = good_program();

        memcpy((uint8_t *)&p + bad_fields[i].offset, &bad_fields[i].value, bad_fields[i].bytes);
        enum elf_error error = open_program(&p);
        if (error != bad_fields[i].error)
            print_error("row %zu: %s\n", i, elf_error_text(error));
        assert_int_equal(error, bad_fields[i].error);
    }
}

/* [BOOT-BAD-2] */
static void test_elf_when_cut_anywhere_is_refused(void **state)
{
    struct program p = good_program();

    (void)state;
    for (p.size = 0; p.size < DATA + 0x200; p.size += p.size < 400 ? 1 : 64)
        assert_int_equal(open_program(&p), ELF_TRUNCATED);
    p.size = DATA + 0x200;
    assert_int_equal(open_program(&p), ELF_OK);
}

static void test_elf_empty_segments_are_left_out(void **state)
{
    struct program p = good_program();
    struct elf_image image;
    struct elf_segment segment;
    uint32_t cursor = 0;

    (void)state;
    p.segments[NOTE_SEGMENT] = (Elf64_Phdr){.p_type = PT_LOAD, .p_flags = PF_W | PF_X};
    uint8_t *file = file_of(&p);
    assert_int_equal(elf_open(file, p.size, &image), ELF_OK);
    while (elf_next_segment(&image, &cursor, &segment))
        assert_int_not_equal(segment.memory_size, 0);
    free(file);
}

/* Zero-initialised thread-local variables alone have no place in the file. */
static void test_elf_tls_without_initial_image_may_stand_anywhere(void **state)
{
    struct program p = good_program();

    (void)state;
    p.segments[TLS_SEGMENT].p_filesz = 0;
    p.segments[TLS_SEGMENT].p_vaddr = 0x201200;
    p.segments[TLS_SEGMENT].p_offset = DATA + 0x300;
    assert_int_equal(open_program(&p), ELF_OK);
}

static void test_elf_at_the_lowest_address_is_read(void **state)
{
    struct program p = good_program();

    (void)state;
    p.segments[TEXT_SEGMENT].p_vaddr = ELF_ADDRESS_MIN;
    p.header.e_entry = ELF_ADDRESS_MIN;
    assert_int_equal(open_program(&p), ELF_OK);
}

/* What stands behind the last program header is none. */
static void test_elf_program_headers_end_with_their_number(void **state)
{
    struct program p = good_program();
    struct elf_segment segment;
    struct elf_image image;
    const uint8_t *description;
    size_t bytes;

    (void)state;
    p.header.e_phnum = TLS_SEGMENT;
    uint8_t *file = file_of(&p);
    assert_int_equal(elf_open(file, p.size, &image), ELF_OK);
    assert_false(elf_tls(&image, &segment));
    free(file);
    p.header.e_phnum = NOTE_SEGMENT;
    file = file_of(&p);
    assert_int_equal(elf_open(file, p.size, &image), ELF_OK);
    assert_int_equal(elf_note_find(&image, "Cavern", 1, &description, &bytes), ELF_NO_NOTE);
    free(file);
}

static void test_elf_without_tls_says_so(void **state)
{
    struct program p = good_program();
    struct elf_image image;
    struct elf_segment segment;

    (void)state;
    p.segments[TLS_SEGMENT].p_type = PT_NULL;
    uint8_t *file = file_of(&p);
    assert_int_equal(elf_open(file, p.size, &image), ELF_OK);
    assert_false(elf_tls(&image, &segment));
    free(file);
}

static enum elf_error find_note(struct program *p, const char *owner, uint32_t type, char *text)
{
    struct elf_image image;
    const uint8_t *description;
    size_t bytes;
    uint8_t *file = file_of(p);

    assert_int_equal(elf_open(file, p->size, &image), ELF_OK);
    enum elf_error error = elf_note_find(&image, owner, type, &description, &bytes);
    if (!error) {
        memcpy(text, description, bytes);
        text[bytes] = '\0';
    }
    free(file);
    return error;
}

static void test_elf_note_is_found_by_owner_and_type(void **state)
{
    struct program p = good_program();
    char text[64];

    (void)state;
    assert_int_equal(find_note(&p, "Cavern", 1, text), ELF_OK);
    assert_string_equal(text, "yes");
    assert_int_equal(find_note(&p, "Cavern", 2, text), ELF_OK);
    assert_string_equal(text, "no");
    assert_int_equal(find_note(&p, "Cavern", 3, text), ELF_NO_NOTE);
    assert_int_equal(find_note(&p, "Caver", 1, text), ELF_NO_NOTE);
    assert_int_equal(find_note(&p, "Cavern2", 1, text), ELF_NO_NOTE);
    p.segments[NOTE_SEGMENT].p_type = PT_NULL;
    assert_int_equal(find_note(&p, "Cavern", 1, text), ELF_NO_NOTE);
}

static void test_elf_note_need_not_be_padded_at_the_end(void **state)
{
    struct program p = good_program();
    char text[64];

    (void)state;
    p.segments[NOTE_SEGMENT].p_filesz = sizeof(notes) - 1;
    assert_int_equal(find_note(&p, "Cavern", 1, text), ELF_OK);
    assert_int_equal(find_note(&p, "Cavern", 9, text), ELF_NO_NOTE);
}

/* What stands in the sizes of the first note, and where the notes end. */
static void test_elf_damaged_note_is_refused(void **state)
{
    static const struct {
        uint32_t owner_bytes, description_bytes, size;
    } rows[] = {
        {UINT32_MAX, 4, sizeof(notes)},
        {4, UINT32_MAX, sizeof(notes)},
        {UINT32_MAX, UINT32_MAX, sizeof(notes)},
        {4, sizeof(notes), sizeof(notes)},
        {sizeof(notes), 0, sizeof(notes)},
        {4, 4, 11},
        {4, 4, 19},
        {4, 4, 21},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct program p = good_program();
        char text[64];

        memcpy(p.bytes + NOTES, &rows[i].owner_bytes, 4);
        memcpy(p.bytes + NOTES + 4, &rows[i].description_bytes, 4);
        p.segments[NOTE_SEGMENT].p_filesz = rows[i].size;
        assert_int_equal(find_note(&p, "Cavern", 1, text), ELF_BAD_NOTE);
    }
}

/* Whatever bits flip in the headers and notes, the reader stays inside, and what it accepts can be loaded. */
static void test_elf_with_random_damage_stays_inside(void **state)
{
    struct program good = good_program();
    uint8_t *file = file_of(&good);
    struct random random;

    (void)state;
    random_seed(&random, 99);
    for (int round = 0; round < 20000; round++) {
        uint8_t *damaged = malloc(SIZE);
        struct elf_image image;
        struct elf_segment segment;
        uint32_t cursor = 0;
        const uint8_t *description;
        size_t bytes;

        memcpy(damaged, file, SIZE);
        for (uint64_t flips = 1 + random_below(&random, 4); flips; flips--) {
            size_t at = random_below(&random, 4) ? random_below(&random, HEADERS + sizeof(good.segments))
                                                 : NOTES + random_below(&random, sizeof(notes));
            damaged[at] ^= (uint8_t)(1u << random_below(&random, 8));
        }
        if (elf_open(damaged, SIZE, &image) == ELF_OK) {
            while (elf_next_segment(&image, &cursor, &segment)) {
                assert_true(segment.offset + segment.file_size <= SIZE);
                assert_true(segment.address + segment.memory_size <= ELF_ADDRESS_END);
            }
            if (elf_note_find(&image, "Cavern", 1, &description, &bytes) == ELF_OK)
                assert_true((const uint8_t *)description + bytes <= damaged + SIZE);
        }
        free(damaged);
    }
    free(file);
}

static void test_elf_error_texts_exist(void **state)
{
    (void)state;
    for (int error = ELF_OK; error <= ELF_NO_NOTE; error++)
        assert_string_not_equal(elf_error_text((enum elf_error)error), "unknown error");
    assert_string_equal(elf_error_text((enum elf_error)(ELF_NO_NOTE + 1)), "unknown error");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_elf_good_program_is_read),
        cmocka_unit_test(test_elf_at_an_odd_address_is_read),
        cmocka_unit_test(test_elf_with_one_bad_field_is_refused),
        cmocka_unit_test(test_elf_when_cut_anywhere_is_refused),
        cmocka_unit_test(test_elf_empty_segments_are_left_out),
        cmocka_unit_test(test_elf_tls_without_initial_image_may_stand_anywhere),
        cmocka_unit_test(test_elf_at_the_lowest_address_is_read),
        cmocka_unit_test(test_elf_program_headers_end_with_their_number),
        cmocka_unit_test(test_elf_without_tls_says_so),
        cmocka_unit_test(test_elf_note_is_found_by_owner_and_type),
        cmocka_unit_test(test_elf_note_need_not_be_padded_at_the_end),
        cmocka_unit_test(test_elf_damaged_note_is_refused),
        cmocka_unit_test(test_elf_with_random_damage_stays_inside),
        cmocka_unit_test(test_elf_error_texts_exist),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
