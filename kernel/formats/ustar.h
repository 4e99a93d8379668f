/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reader of a ustar archive (POSIX.1-2017, pax, "ustar Interchange Format") in memory. Trusts nothing: every access is
 * inside the image, checksums are verified, and an archive that just stops is told from one that ends.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
    USTAR_BLOCK_BYTES = 512,
    USTAR_NAME_MAX = 256, /* prefix of 155, a slash, name of 100 */
    USTAR_FILE = '0',
    USTAR_DIRECTORY = '5',
};

enum ustar_error {
    USTAR_OK,
    USTAR_END, /* the two zero blocks: no further entry */
    USTAR_NOT_FOUND,
    USTAR_TRUNCATED,    /* the image stops before the archive does */
    USTAR_BAD_MAGIC,    /* not a ustar header */
    USTAR_BAD_CHECKSUM, /* a damaged header */
    USTAR_BAD_NUMBER,   /* a number field that is not octal */
    USTAR_BAD_NAME,     /* empty, absolute, or with a component ".." */
    USTAR_BAD_END,      /* a single zero block in the middle */
};

struct ustar_entry {
    char name[USTAR_NAME_MAX + 1]; /* without leading "./" and trailing "/"; "." for the top folder */
    char type;                     /* USTAR_FILE, USTAR_DIRECTORY, or another of the standard's */
    uint32_t mode;
    uint64_t time;   /* modification, seconds since 1970 */
    uint64_t offset; /* of the contents in the image */
    uint64_t size;   /* of the contents; 0 for what is not a file */
};

struct ustar {
    const uint8_t *image;
    size_t size;
    size_t next; /* offset of the next header */
};

void ustar_open(struct ustar *archive, const void *image, size_t size);

/* The next entry: USTAR_OK, USTAR_END, or what is wrong. After anything but USTAR_OK the same again. */
enum ustar_error ustar_next(struct ustar *archive, struct ustar_entry *entry) __attribute__((warn_unused_result));

/* The first entry of this name. */
enum ustar_error ustar_find(const void *image, size_t size, const char *name, struct ustar_entry *entry)
    __attribute__((warn_unused_result));

const char *ustar_error_text(enum ustar_error error);
