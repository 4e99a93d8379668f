/* SPDX-License-Identifier: BSD-2-Clause */
#include "formats/ustar.h"

/* Where the fields of a header lie, all of them bytes, and how long they are. */
enum {
    HEADER_NAME = 0,
    HEADER_MODE = 100,
    HEADER_SIZE = 124,
    HEADER_TIME = 136,
    HEADER_CHECKSUM = 148,
    HEADER_TYPE = 156,
    HEADER_MAGIC = 257, /* and version */
    HEADER_PREFIX = 345,
    NAME_BYTES = 100,
    MODE_BYTES = 8,
    SIZE_BYTES = 12,
    TIME_BYTES = 12,
    CHECKSUM_BYTES = 8,
    PREFIX_BYTES = 155,
};

#define OCTAL_END (UINT64_C(1) << 36) /* no number of twelve digits reaches it */

void ustar_open(struct ustar *archive, const uint8_t *image, size_t size)
{
    *archive = (struct ustar){.image = image, .size = size};
}

/*@ requires block_readable(block); assigns \nothing; ensures \result <==> is_zero(block); */
static bool block_is_zero(const uint8_t *block)
{
    /*@
      loop invariant 0 <= i <= USTAR_BLOCK_BYTES && \forall integer n; 0 <= n < i ==> block[n] == 0;
      loop assigns i;
      loop variant USTAR_BLOCK_BYTES - i;
    */
    for (uint32_t i = 0; i < USTAR_BLOCK_BYTES; i++)
        if (block[i])
            return false;
    return true;
}

/*@ requires block_readable(header); assigns \nothing; ensures \result <==> has_magic(header); */
static bool magic_is_good(const uint8_t *header)
{
    const uint8_t *at = header + HEADER_MAGIC;

    return at[0] == 'u' && at[1] == 's' && at[2] == 't' && at[3] == 'a' && at[4] == 'r' && at[5] == 0 && at[6] == '0' &&
           at[7] == '0';
}

/* Octal digits, with spaces before and a space or NUL after them. */
/*@
  requires bytes <= SIZE_BYTES && \valid_read(field + (0 .. bytes - 1)) && \valid(value);
  assigns *value;
  ensures \result ==> octal_field(field, bytes, *value) && *value < OCTAL_END;
*/
static bool parse_octal(const uint8_t *field, uint32_t bytes, uint64_t *value)
{
    uint32_t at = 0;
    uint64_t result = 0;

    /*@
      loop invariant 0 <= at <= bytes && \forall integer n; 0 <= n < at ==> field[n] == ' ';
      loop assigns at;
      loop variant bytes - at;
    */
    while (at < bytes && field[at] == ' ')
        at++;
    uint32_t digits = at;
    /*@
      loop invariant digits <= at <= bytes && result == octal(field, digits, at);
      loop invariant 0 <= result < power_of_8(at - digits);
      loop invariant \forall integer n; digits <= n < at ==> is_octal(field[n]);
      loop assigns at, result;
      loop variant bytes - at;
    */
    for (; at < bytes && field[at] >= '0' && field[at] <= '7'; at++) {
        //@ assert power_of_8(at - digits) <= power_of_8(11) == OCTAL_END / 8;
        result = result * 8 + field[at] - '0';
    }
    *value = result;
    return at > digits && (at == bytes || field[at] == ' ' || field[at] == '\0');
}

/* The sum of all bytes, those of the checksum itself taken as spaces. */
/*@ requires block_readable(header); assigns \nothing; ensures \result == sum_of(header, USTAR_BLOCK_BYTES); */
static uint64_t header_sum(const uint8_t *header)
{
    uint64_t sum = 0;

    /*@
      loop invariant 0 <= i <= USTAR_BLOCK_BYTES && sum == sum_of(header, i) <= i * 255;
      loop assigns i, sum;
      loop variant USTAR_BLOCK_BYTES - i;
    */
    for (uint32_t i = 0; i < USTAR_BLOCK_BYTES; i++)
        sum += i >= HEADER_CHECKSUM && i < HEADER_TYPE ? ' ' : header[i];
    return sum;
}

/* Copies a field, up to its NUL if it has one, to the end of a name, and answers the new length. */
/*@
  requires \valid_read(field + (0 .. bytes - 1)) && length + bytes <= USTAR_NAME_MAX;
  requires \valid(name + (0 .. USTAR_NAME_MAX)) && \separated(name + (0 .. USTAR_NAME_MAX), field + (0 .. bytes - 1));
  requires no_nul(name, length);
  assigns name[length .. length + bytes - 1];
  ensures length <= \result <= length + bytes && no_nul(name, \result);
*/
static uint32_t name_append(char *name, uint32_t length, const uint8_t *field, uint32_t bytes)
{
    uint32_t i = 0;

    /*@
      loop invariant 0 <= i <= bytes && no_nul(name, length + i);
      loop assigns i, name[length .. length + bytes - 1];
      loop variant bytes - i;
    */
    for (; i < bytes && (char)field[i]; i++)
        name[length + i] = (char)field[i];
    return length + i;
}

/* Takes "./" from the front. */
/*@
  requires length <= USTAR_NAME_MAX && \valid(name + (0 .. length)) && no_nul(name, length) && name[length] == 0;
  assigns name[0 .. length];
  ensures is_name(name);
*/
static void name_strip(char *name, uint32_t length)
{
    uint32_t start = 0, i = 0;

    /*@ loop invariant 0 <= start <= length; loop assigns start; loop variant length - start; */
    while (name[start] == '.' && name[start + 1] == '/')
        start += 2;
    /*@
      loop invariant 0 <= i <= length - start && no_nul(name, i);
      loop invariant \forall integer n; start + i <= n <= length ==> name[n] == \at(name[n], Pre);
      loop assigns i, name[0 .. length];
      loop variant length - start - i;
    */
    for (; start + i < length; i++)
        name[i] = name[start + i];
    name[i] = '\0';
    //@ assert no_nul(name, i) && name[i] == 0;
}

/*@ requires name_readable(name); assigns \nothing; ensures \result <==> \exists integer n; is_parent(name, n); */
static bool has_parent_component(const char *name)
{
    /*@
      loop invariant 0 <= i && no_nul(name, i) && \forall integer n; 0 <= n < i ==> !is_parent(name, n);
      loop assigns i;
      loop variant USTAR_NAME_MAX - i;
    */
    for (uint32_t i = 0; name[i]; i++) {
        //@ assert name[i + 1] != 0 ==> i + 2 <= USTAR_NAME_MAX;
        if ((i == 0 || name[i - 1] == '/') && name[i] == '.' && name[i + 1] == '.' &&
            (name[i + 2] == '/' || name[i + 2] == '\0'))
            return true;
    }
    return false;
}

/* Joins prefix and name, and takes "./" from the front and "/" from the end. */
/*@
  requires block_readable(header) && \valid(name + (0 .. USTAR_NAME_MAX));
  requires \separated(header + (0 .. USTAR_BLOCK_BYTES - 1), name + (0 .. USTAR_NAME_MAX));
  assigns name[0 .. USTAR_NAME_MAX];
  ensures \result ==> name_good(name);
*/
static bool parse_name(const uint8_t *header, char *name)
{
    uint32_t prefix = name_append(name, 0, header + HEADER_PREFIX, PREFIX_BYTES);

    if (prefix)
        name[prefix++] = '/';

    uint32_t length = name_append(name, prefix, header + HEADER_NAME, NAME_BYTES);
    if (length == prefix)
        return false;
    /*@ loop invariant 1 <= length <= USTAR_NAME_MAX && no_nul(name, length); loop assigns length; loop variant length;
     */
    while (length > 1 && name[length - 1] == '/')
        length--;
    name[length] = '\0';
    name_strip(name, length);
    return name[0] && name[0] != '/' && !has_parent_component(name);
}

/*@
  requires block_readable(header) && \valid(entry);
  requires \separated(header + (0 .. USTAR_BLOCK_BYTES - 1), entry);
  assigns entry->size, entry->mode, entry->time;
  ensures \result == USTAR_OK || \result == USTAR_BAD_CHECKSUM || \result == USTAR_BAD_NUMBER;
  ensures \result == USTAR_OK ==> checksum_good(header) && size_of(header, entry->size) && entry->size < OCTAL_END;
*/
static enum ustar_error parse_numbers(const uint8_t *header, struct ustar_entry *entry)
{
    uint64_t checksum, mode;

    if (!parse_octal(header + HEADER_CHECKSUM, CHECKSUM_BYTES, &checksum) || checksum != header_sum(header))
        return USTAR_BAD_CHECKSUM;
    if (!parse_octal(header + HEADER_SIZE, SIZE_BYTES, &entry->size) ||
        !parse_octal(header + HEADER_MODE, MODE_BYTES, &mode) ||
        !parse_octal(header + HEADER_TIME, TIME_BYTES, &entry->time))
        return USTAR_BAD_NUMBER;
    entry->mode = (uint32_t)mode;
    return USTAR_OK;
}

/* Of links, devices and folders the size means no contents. */
/*@ assigns \nothing; ensures \result <==> type < '1' || type > '6'; */
static bool has_contents(char type)
{
    return type < '1' || type > '6';
}

/*@
  requires block_readable(header) && \valid(entry);
  requires \separated(header + (0 .. USTAR_BLOCK_BYTES - 1), entry);
  assigns *entry;
  ensures \result == USTAR_OK || \result == USTAR_BAD_MAGIC || \result == USTAR_BAD_CHECKSUM ||
    \result == USTAR_BAD_NUMBER || \result == USTAR_BAD_NAME;
  ensures \result == USTAR_OK ==> header_good(header) && entry_is(entry, header) &&
    entry->size < OCTAL_END;
*/
static enum ustar_error parse_header(const uint8_t *header, struct ustar_entry *entry)
{
    if (!magic_is_good(header))
        return USTAR_BAD_MAGIC;

    enum ustar_error error = parse_numbers(header, entry);
    if (error)
        return error;
    entry->type = header[HEADER_TYPE] ? (char)header[HEADER_TYPE] : USTAR_FILE;
    if (!has_contents(entry->type))
        entry->size = 0;
    return parse_name(header, entry->name) ? USTAR_OK : USTAR_BAD_NAME;
}

/* The archive ends with two blocks of zeros, the first of which is there. */
/*@
  requires archive_readable(archive) && archive->next + USTAR_BLOCK_BYTES <= archive->size;
  assigns \nothing;
  ensures \result == USTAR_END || \result == USTAR_BAD_END || \result == USTAR_TRUNCATED;
  ensures \result == USTAR_END ==> archive->next + 2 * USTAR_BLOCK_BYTES <= archive->size &&
    is_zero(archive->image + archive->next + USTAR_BLOCK_BYTES);
*/
static enum ustar_error check_end(const struct ustar *archive)
{
    if (archive->size - archive->next < 2 * USTAR_BLOCK_BYTES)
        return USTAR_TRUNCATED;
    return block_is_zero(archive->image + archive->next + USTAR_BLOCK_BYTES) ? USTAR_END : USTAR_BAD_END;
}

enum ustar_error ustar_next(struct ustar *archive, struct ustar_entry *entry)
{
    uint64_t left = archive->size - archive->next;
    if (left < USTAR_BLOCK_BYTES)
        return USTAR_TRUNCATED;

    const uint8_t *header = archive->image + archive->next;
    if (block_is_zero(header))
        return check_end(archive);

    enum ustar_error error = parse_header(header, entry);
    if (error)
        return error;
    uint64_t blocks = 1 + (entry->size + USTAR_BLOCK_BYTES - 1) / USTAR_BLOCK_BYTES;
    if (blocks > left / USTAR_BLOCK_BYTES)
        return USTAR_TRUNCATED;
    //@ assert entry->size <= (blocks - 1) * USTAR_BLOCK_BYTES < entry->size + USTAR_BLOCK_BYTES;
    entry->offset = archive->next + USTAR_BLOCK_BYTES;
    archive->next += blocks * USTAR_BLOCK_BYTES;
    return USTAR_OK;
}

/*@
  requires name_readable(a) && is_string(b);
  assigns \nothing;
  ensures \result <==> same_name(a, b);
*/
static bool names_equal(const char *a, const char *b)
{
    uint32_t i = 0;

    /*@
      loop invariant 0 <= i <= USTAR_NAME_MAX && no_nul(a, i) && \forall integer n; 0 <= n < i ==> a[n] == b[n];
      loop assigns i;
      loop variant USTAR_NAME_MAX - i;
    */
    while (a[i] && a[i] == b[i])
        i++;
    return a[i] == b[i];
}

enum ustar_error ustar_find(const uint8_t *image, size_t size, const char *name, struct ustar_entry *entry)
{
    struct ustar archive;

    ustar_open(&archive, image, size);
    //@ assert \forall integer n; \at(ends_apart(name, n, entry), Pre) ==> ends_apart(name, n, entry);
    /*@
      loop invariant archive_is(&archive, image, size) && is_string_apart(name, entry);
      loop assigns archive.next, *entry;
    */
    while (true) {
        enum ustar_error error = ustar_next(&archive, entry);

        //@ assert \forall integer n; \at(ends_apart(name, n, entry), LoopCurrent) ==> name[n] == 0;
        //@ assert \forall integer n; \at(ends_apart(name, n, entry), LoopCurrent) ==> ends_apart(name, n, entry);
        //@ assert is_string_apart(name, entry);
        if (error || names_equal(entry->name, name))
            return error == USTAR_END ? USTAR_NOT_FOUND : error;
    }
}

const char *ustar_error_text(enum ustar_error error)
{
    static const char *const texts[] = {
        [USTAR_OK] = "no error",
        [USTAR_END] = "end of the archive",
        [USTAR_NOT_FOUND] = "not in the archive",
        [USTAR_TRUNCATED] = "the archive is truncated",
        [USTAR_BAD_MAGIC] = "not a ustar archive",
        [USTAR_BAD_CHECKSUM] = "a header of the archive is damaged",
        [USTAR_BAD_NUMBER] = "a header of the archive has a bad number",
        [USTAR_BAD_NAME] = "a file of the archive has a bad name",
        [USTAR_BAD_END] = "the archive has a zero block in the middle",
    };

    return (size_t)error < sizeof(texts) / sizeof(*texts) ? texts[error] : "unknown error";
}
