/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reader of a ustar archive (POSIX.1-2017, pax, "ustar Interchange Format") in memory. Trusts nothing: every access is
 * inside the image, checksums are verified, and an archive that just stops is told from one that ends.
 */
#pragma once

#include <stdbool.h>
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

/*@
  predicate is_string(char *s) = \exists integer n; 0 <= n && \valid_read(s + (0 .. n)) && s[n] == 0;
  predicate ends_apart(char *s, integer n, struct ustar_entry *e) =
    0 <= n && \valid_read(s + (0 .. n)) && s[n] == 0 && \separated(s + (0 .. n), e);
  predicate is_string_apart(char *s, struct ustar_entry *e) = \exists integer n; ends_apart(s, n, e);
  predicate block_readable(uint8_t *b) = \valid_read(b + (0 .. USTAR_BLOCK_BYTES - 1));
  predicate is_zero(uint8_t *b) = \forall integer n; 0 <= n < USTAR_BLOCK_BYTES ==> b[n] == 0;
  predicate has_magic(uint8_t *b) = b[257] == 'u' && b[258] == 's' && b[259] == 't' && b[260] == 'a' &&
    b[261] == 'r' && b[262] == 0 && b[263] == '0' && b[264] == '0';

  // Numbers: spaces, octal digits, and a space or NUL, if there is room for it.
  predicate is_octal(integer c) = '0' <= c <= '7';
  logic integer power_of_8(integer n) = n <= 0 ? 1 : 8 * power_of_8(n - 1);
  logic integer octal(uint8_t *f, integer from, integer to) =
    to <= from ? 0 : octal(f, from, to - 1) * 8 + f[to - 1] - '0';
  predicate octal_field(uint8_t *f, integer bytes, integer value) =
    \exists integer from, to; 0 <= from < to <= bytes && (\forall integer n; 0 <= n < from ==> f[n] == ' ') &&
      (\forall integer n; from <= n < to ==> is_octal(f[n])) && (to == bytes || f[to] == ' ' || f[to] == 0) &&
      value == octal(f, from, to);
  predicate size_of(uint8_t *header, integer size) = octal_field(header + 124, 12, size);
  logic integer sum_of(uint8_t *header, integer n) =
    n <= 0 ? 0 : sum_of(header, n - 1) + (148 <= n - 1 < 156 ? ' ' : header[n - 1]);
  predicate checksum_good(uint8_t *header) = octal_field(header + 148, 8, sum_of(header, USTAR_BLOCK_BYTES));
  predicate header_good(uint8_t *header) = has_magic(header) && checksum_good(header);

  // Names: not empty, not absolute, without a component "..".
  predicate no_nul(char *s, integer upto) = \forall integer n; 0 <= n < upto ==> s[n] != 0;
  predicate is_name(char *s) = \exists integer n; 0 <= n <= USTAR_NAME_MAX && no_nul(s, n) && s[n] == 0;
  predicate name_readable(char *s) = \valid_read(s + (0 .. USTAR_NAME_MAX)) && is_name(s);
  predicate is_parent(char *s, integer n) = 0 <= n && no_nul(s, n) && (n == 0 || s[n - 1] == '/') &&
    s[n] == '.' && s[n + 1] == '.' && (s[n + 2] == '/' || s[n + 2] == 0);
  predicate name_good(char *s) = is_name(s) && s[0] != 0 && s[0] != '/' && \forall integer n; !is_parent(s, n);
  predicate same_name(char *a, char *b) =
    \exists integer n; 0 <= n && no_nul(a, n) && a[n] == 0 && \forall integer i; 0 <= i <= n ==> a[i] == b[i];

  // Of what is not a file the size is taken as 0.
  predicate entry_is(struct ustar_entry *e, uint8_t *header) = name_good(&e->name[0]) &&
    ('1' <= e->type <= '6' ? e->size == 0 : size_of(header, e->size));
  predicate archive_readable(struct ustar *a) = \valid_read(a) && a->size < 0x8000000000000000 &&
    \valid_read(a->image + (0 .. a->size - 1)) && a->next <= a->size;
  predicate archive_is(struct ustar *a, uint8_t *image, integer size) =
    archive_readable(a) && a->image == image && a->size == size;
*/

/*@
  requires \valid(archive) && size < 0x8000000000000000 && \valid_read(image + (0 .. size - 1));
  assigns *archive;
  ensures archive_is(archive, image, size) && archive->next == 0;
*/
void ustar_open(struct ustar *archive, const uint8_t *image, size_t size);

/* The next entry: USTAR_OK, USTAR_END, or what is wrong. *entry counts with USTAR_OK alone; the others come again. */
/*@
  requires archive_readable(archive) && \valid(archive) && \valid(entry);
  requires \separated(archive, entry, archive->image + (0 .. archive->size - 1));
  assigns archive->next, *entry;
  ensures \result == USTAR_OK ==> header_good(archive->image + \old(archive->next)) &&
    entry_is(entry, archive->image + \old(archive->next));
  ensures \result == USTAR_OK ==> entry->offset == \old(archive->next) + USTAR_BLOCK_BYTES &&
    entry->offset + entry->size <= archive->next <= archive->size &&
    archive->next < entry->offset + entry->size + USTAR_BLOCK_BYTES;
  ensures \result == USTAR_END ==> archive->next + 2 * USTAR_BLOCK_BYTES <= archive->size &&
    is_zero(archive->image + archive->next) && is_zero(archive->image + archive->next + USTAR_BLOCK_BYTES);
  ensures \result != USTAR_OK ==> archive->next == \old(archive->next);
  ensures \result != USTAR_NOT_FOUND;
*/
enum ustar_error ustar_next(struct ustar *archive, struct ustar_entry *entry) __attribute__((warn_unused_result));

/* The first entry of this name. */
/*@
  requires size < 0x8000000000000000 && \valid_read(image + (0 .. size - 1)) && \valid(entry);
  requires \separated(entry, image + (0 .. size - 1)) && is_string_apart(name, entry);
  assigns *entry;
  ensures \result == USTAR_OK ==> same_name(&entry->name[0], name) && entry->size <= size &&
    USTAR_BLOCK_BYTES <= entry->offset <= size - entry->size;
  ensures \result != USTAR_END;
*/
enum ustar_error ustar_find(const uint8_t *image, size_t size, const char *name, struct ustar_entry *entry)
    __attribute__((warn_unused_result));

/*@ assigns \nothing; */
const char *ustar_error_text(enum ustar_error error);
