/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <elf.h>
#include <stdio.h>

#include "../../egg/drivers.h"

#define TEXT_ADDRESS 0x10000

/* A program of one segment, all of the file, and a note. */
struct program {
    Elf64_Ehdr header;
    Elf64_Phdr segments[2];
    uint32_t note[3];
    char owner[8];
    char description[64];
};

static struct program file(const char *description, size_t bytes)
{
    struct program program = {
        .header = {.e_type = ET_EXEC,
                   .e_machine = EM_AARCH64,
                   .e_version = EV_CURRENT,
                   .e_entry = TEXT_ADDRESS,
                   .e_phoff = offsetof(struct program, segments),
                   .e_ehsize = sizeof(Elf64_Ehdr),
                   .e_phentsize = sizeof(Elf64_Phdr),
                   .e_phnum = 2},
        .segments = {{.p_type = PT_LOAD,
                      .p_flags = PF_R | PF_X,
                      .p_vaddr = TEXT_ADDRESS,
                      .p_filesz = sizeof(struct program),
                      .p_memsz = sizeof(struct program),
                      .p_align = 4096},
                     {.p_type = PT_NOTE,
                      .p_offset = offsetof(struct program, note),
                      .p_filesz = sizeof(struct program) - offsetof(struct program, note),
                      .p_memsz = sizeof(struct program) - offsetof(struct program, note),
                      .p_align = 4}},
        .note = {sizeof(MANIFEST_OWNER), sizeof(program.description), MANIFEST_NOTE_TYPE},
        .owner = MANIFEST_OWNER,
    };
    memcpy(program.header.e_ident,
           (unsigned char[]){ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT}, 7);
    memcpy(program.description, description, bytes);
    return program;
}
#define FILE_OF(text) file(text, sizeof(text))

static struct program archive[DEVICE_DRIVERS_MAX + 3];
static struct volume volume;
static struct device_driver drivers[DEVICE_DRIVERS_MAX];
static struct problems problems;

/* A volume with these files in drivers/. */
static void lay_out(unsigned files)
{
    memset(&volume, 0, sizeof(volume));
    memset(&problems, 0, sizeof(problems));
    volume.count = 2 + files;
    volume.nodes[0].kind = volume.nodes[1].kind = FILE_KIND_FOLDER;
    strcpy(volume.nodes[1].name, "drivers");
    for (unsigned i = 0; i < files; i++) {
        struct volume_node *node = &volume.nodes[2 + i];
        snprintf(node->name, sizeof(node->name), "d%u", i);
        node->kind = FILE_KIND_FILE;
        node->parent = 1;
        node->offset = i * sizeof(archive[0]);
        node->size = sizeof(archive[0]);
    }
    assert_true(volume_invariants(&volume, sizeof(archive)));
}

static void test_drivers_good_are_read_in_order(void **unused)
{
    (void)unused;
    archive[0] = FILE_OF("manifest=1\0driver=pl011\0class=uart\0compatible=arm,pl011");
    archive[1] = FILE_OF("manifest=1\0driver=x\0class=y\0compatible=z\0stack=8192");
    lay_out(2);
    assert_int_equal(drivers_read(&volume, archive, drivers, &problems), 2);
    assert_int_equal(problems.count, 0);
    assert_string_equal(drivers[0].path, "drivers/d0");
    assert_string_equal(drivers[0].manifest.driver, "pl011");
    assert_string_equal(drivers[1].manifest.compatible[0], "z");
    assert_int_equal(drivers[1].manifest.stack_bytes, 8192);
}

/* [DEV-MANIFEST-1] [BOOT-BAD-5] */
static void test_drivers_damaged_are_said_and_left_out(void **unused)
{
    (void)unused;
    archive[0] = FILE_OF("manifest=1\0driver=pl011\0class=uart");
    archive[1] = FILE_OF("manifest=1\0driver=good\0class=y\0compatible=z");
    archive[2] = archive[1];
    archive[2].header.e_machine = EM_X86_64;
    archive[3] = archive[1];
    archive[3].segments[1].p_type = PT_NULL;
    lay_out(4);
    volume.nodes[5].size = 30;
    assert_int_equal(drivers_read(&volume, archive, drivers, &problems), 1);
    assert_string_equal(drivers[0].manifest.driver, "good");
    assert_int_equal(problems.count, 3);
    assert_memory_equal(problems.list[0].text, "drivers/d0: ", 12);
    assert_memory_equal(problems.list[1].text, "drivers/d2: ", 12);
    assert_memory_equal(problems.list[2].text, "drivers/d3: ", 12);
}

static void test_drivers_more_than_fit_are_said(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < COUNT_OF(archive); i++)
        archive[i] = FILE_OF("manifest=1\0driver=good\0class=y\0compatible=z");
    lay_out(COUNT_OF(archive));
    assert_int_equal(drivers_read(&volume, archive, drivers, &problems), DEVICE_DRIVERS_MAX);
    assert_int_equal(problems.count, 1);
}

static void test_drivers_none_without_their_folder(void **unused)
{
    (void)unused;
    lay_out(0);
    assert_int_equal(drivers_read(&volume, archive, drivers, &problems), 0);
    volume.count = 1;
    assert_int_equal(drivers_read(&volume, archive, drivers, &problems), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_drivers_good_are_read_in_order),
        cmocka_unit_test(test_drivers_damaged_are_said_and_left_out),
        cmocka_unit_test(test_drivers_more_than_fit_are_said),
        cmocka_unit_test(test_drivers_none_without_their_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
