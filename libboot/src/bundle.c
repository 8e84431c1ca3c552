/* SPDX-License-Identifier: BSD-2-Clause */
#include <libbase/endian.h>
#include <libbase/mem.h>

#include <libboot/bundle.h>

#include "internal.h"

/* "New ASCII Format": 6 bytes of magic and 13 fields of 8 hexadecimal digits; then the name with its NUL; then the
 * contents. Name and contents are each padded to a multiple of 4 from the archive's start. */
#define HEADER_SIZE             110U
#define FIELD_MODE              1U
#define FIELD_MTIME             5U
#define FIELD_FILESIZE          6U
#define FIELD_NAMESIZE          11U
#define FIELDS                  13U
#define FIELD_AT(header, field) (&(header)[6U + 8U * (field)])
#define ALIGNMENT               4U

#define EACH UINT64_C(0x0101010101010101) /* of the eight bytes of a word */

#define MODE_TYPE    0170000U
#define MODE_REGULAR 0100000U

static const char file_name[] = "bundle";
static const char magic[] = "070701";
static const char trailer[] = "TRAILER!!!";
static const char *const field_names[FIELDS] = {
    "c_ino",      "c_mode",     "c_uid",       "c_gid",       "c_nlink",    "c_mtime", "c_filesize",
    "c_devmajor", "c_devminor", "c_rdevmajor", "c_rdevminor", "c_namesize", "c_check"};

/** One entry as it stands in the archive. */
struct entry {
    const char *name; /* not yet stripped of "./" */
    uint32_t mode;
    uint32_t time; /* where every field is read */
    struct ash_boot_span file;
    size_t next;
};

static int refuse(struct ash_boot_fault *fault, int code, const char *entry, const char *field, size_t value,
                  const char *problem, const char *allowed)
{
    char text[ASH_BOOT_FAULT_VALUE_SIZE];
    struct ash_boot_text_ number;

    ash_boot_text_begin_(&number, text, sizeof(text));
    ash_boot_text_number_(&number, value);
    return ash_boot_fault_set(fault, code, file_name, NULL, entry, field, text, problem, allowed);
}

/** Eight hexadecimal digits, either case. */
static bool parse_field(const uint8_t *digits, uint32_t *value)
{
    /* All eight at once, a byte each: what is added carries into a byte's highest bit from @first on, and from behind
     * @last on. */
    const uint64_t high = 0x80U * EACH;
    uint64_t text = ash_load_be64(digits);
    uint64_t lower = text | 0x20U * EACH;
    uint64_t is_digit = (text + (0x80U - '0') * EACH) & ~(text + (0x7fU - '9') * EACH);
    uint64_t is_letter = (lower + (0x80U - 'a') * EACH) & ~(lower + (0x7fU - 'f') * EACH);
    uint64_t value_of_each = (text & 0x0fU * EACH) + 9U * ((is_letter & high) >> 7);

    if ((text & high) != 0U || ((is_digit | is_letter) & high) != high) {
        return false;
    }
    value_of_each = (value_of_each | value_of_each >> 4) & UINT64_C(0x00ff00ff00ff00ff);
    value_of_each = (value_of_each | value_of_each >> 8) & UINT64_C(0x0000ffff0000ffff);
    *value = (uint32_t)(value_of_each | value_of_each >> 16);
    return true;
}

/** The end of [at, at+size) rounded up to 4, @limit at most; false if it lies beyond @limit. at <= limit.
 *  The last padding may be missing: the archive's end ends it too. */
static bool skip(size_t at, size_t size, size_t limit, size_t *end)
{
    size_t padding;

    if (size > limit - at) {
        return false;
    }
    padding = (ALIGNMENT - (at + size) % ALIGNMENT) % ALIGNMENT;
    *end = padding > limit - (at + size) ? limit : at + size + padding;
    return true;
}

static int parse_header(const uint8_t *archive, size_t at, uint32_t fields[FIELDS],
                        struct ash_boot_fault *fault)
{
    const uint8_t *header = &archive[at];

    if (memcmp(header, magic, sizeof(magic) - 1U) != 0) {
        return refuse(fault, ASH_EFORMAT, NULL, "header at byte", at, "is not a cpio header",
                      "an uncompressed cpio archive of the \"newc\" format, magic 070701");
    }
    for (unsigned i = 0; i < FIELDS; i++) {
        if (!parse_field(FIELD_AT(header, i), &fields[i])) {
            return refuse(fault, ASH_EFORMAT, NULL, field_names[i], at,
                          "of the header at this byte is not a number", "8 hexadecimal digits");
        }
    }
    return ASH_OK;
}

/** Where the name ends. It has its NUL at its end and nowhere else. */
static int parse_name(const uint8_t *archive, size_t size, size_t at, uint32_t name_size, size_t *end,
                      struct ash_boot_fault *fault)
{
    size_t start = at + HEADER_SIZE;

    if (name_size < 2U) {
        return refuse(fault, ASH_EFORMAT, NULL, "c_namesize", name_size, "is too small",
                      "2 or more: a name and its NUL");
    }
    if (!skip(start, name_size, size, end)) {
        return refuse(fault, ASH_ETRUNC, NULL, "c_namesize", name_size, "reaches past the end of the archive",
                      NULL);
    }
    for (size_t i = 0; i < name_size; i++) {
        if ((archive[start + i] == 0U) != (i + 1U == name_size)) {
            return refuse(fault, ASH_EFORMAT, NULL, "header at byte", at,
                          "has a name that does not end where it says", "c_namesize bytes, the last one NUL");
        }
    }
    return ASH_OK;
}

static int parse_entry(struct ash_boot_span bundle, size_t at, struct entry *entry,
                       struct ash_boot_fault *fault)
{
    const uint8_t *archive = (const uint8_t *)bundle.data;
    uint32_t fields[FIELDS] = {0};
    size_t contents = 0;
    int result;

    if (bundle.size - at < HEADER_SIZE) {
        return refuse(fault, ASH_ETRUNC, NULL, "header at byte", at, "is cut, or the archive has no end",
                      "a last entry named TRAILER!!!");
    }
    result = parse_header(archive, at, fields, fault);
    if (result == ASH_OK) {
        result = parse_name(archive, bundle.size, at, fields[FIELD_NAMESIZE], &contents, fault);
    }
    if (result != ASH_OK) {
        return result;
    }
    entry->name = (const char *)&archive[at + HEADER_SIZE];
    entry->mode = fields[FIELD_MODE];
    entry->time = fields[FIELD_MTIME];
    entry->file.data = &archive[contents];
    entry->file.size = fields[FIELD_FILESIZE];
    if (!skip(contents, entry->file.size, bundle.size, &entry->next)) {
        return refuse(fault, ASH_ETRUNC, entry->name, "c_filesize", entry->file.size,
                      "reaches past the end of the archive", NULL);
    }
    return ASH_OK;
}

static int check_rest(struct ash_boot_span bundle, size_t at, struct ash_boot_fault *fault)
{
    for (size_t i = at; i < bundle.size; i++) {
        if (((const uint8_t *)bundle.data)[i] != 0U) {
            return refuse(fault, ASH_EFORMAT, trailer, "byte", i, "stands after the end of the archive",
                          "zero bytes only");
        }
    }
    return ASH_OK;
}

int ash_boot_bundle_open(struct ash_boot_bundle *bundle, const void *data, size_t size,
                         struct ash_boot_fault *fault)
{
    struct ash_boot_bundle fresh = {.archive = {data, size}, .entries = 0};
    struct entry entry = {.name = trailer};

    ash_boot_fault_clear(fault);
    for (;;) {
        int result = parse_entry(fresh.archive, entry.next, &entry, fault);

        if (result != ASH_OK) {
            return result;
        }
        if (ash_boot_strings_equal_(entry.name, trailer)) {
            break;
        }
        fresh.entries++;
        fresh.newest = entry.time > fresh.newest ? entry.time : fresh.newest;
    }
    if (check_rest(fresh.archive, entry.next, fault) != ASH_OK) {
        return fault->code;
    }
    *bundle = fresh;
    return ASH_OK;
}

/** @name without a leading "./", however often. */
static const char *plain_name(const char *name)
{
    while (name[0] == '.' && name[1] == '/') {
        name += 2;
        while (*name == '/') {
            name++;
        }
    }
    return name;
}

/** The entry at @at of an archive that was opened: what is used of it, and not checked again but for the bounds. */
static bool read_entry(struct ash_boot_span bundle, size_t at, struct entry *entry)
{
    const uint8_t *header = &((const uint8_t *)bundle.data)[at];
    uint32_t file_size;
    uint32_t name_size;
    size_t contents;

    if (bundle.size - at < HEADER_SIZE || !parse_field(FIELD_AT(header, FIELD_MODE), &entry->mode) ||
        !parse_field(FIELD_AT(header, FIELD_FILESIZE), &file_size) ||
        !parse_field(FIELD_AT(header, FIELD_NAMESIZE), &name_size) ||
        !skip(at + HEADER_SIZE, name_size, bundle.size, &contents)) {
        return false;
    }
    entry->name = (const char *)&header[HEADER_SIZE];
    entry->file = (struct ash_boot_span){(const uint8_t *)bundle.data + contents, file_size};
    return skip(contents, file_size, bundle.size, &entry->next);
}

bool ash_boot_bundle_next(const struct ash_boot_bundle *bundle, struct ash_boot_bundle_entry *entry)
{
    struct entry found;

    if (!read_entry(bundle->archive, entry->next, &found) || ash_boot_strings_equal_(found.name, trailer)) {
        return false;
    }
    entry->name = plain_name(found.name);
    entry->mode = found.mode;
    entry->file = found.file;
    entry->next = found.next;
    return true;
}

int ash_boot_bundle_find(const struct ash_boot_bundle *bundle, const char *name, struct ash_boot_span *span,
                         struct ash_boot_fault *fault)
{
    struct ash_boot_bundle_entry entry = {.next = 0};
    struct ash_boot_bundle_entry found = {.name = NULL};

    ash_boot_fault_clear(fault);
    while (ash_boot_bundle_next(bundle, &entry)) {
        if (!ash_boot_strings_equal_(entry.name, plain_name(name))) {
            continue;
        }
        if (found.name != NULL) {
            return ash_boot_fault_set(fault, ASH_EEXIST, file_name, NULL, NULL, NULL, name,
                                      "stands in the bundle twice", "each name once");
        }
        found = entry;
    }
    if (found.name == NULL) {
        return ash_boot_fault_set(fault, ASH_ENOENT, file_name, NULL, NULL, NULL, name,
                                  "is not in the bundle", "the name of a file in it");
    }
    if ((found.mode & MODE_TYPE) != MODE_REGULAR) {
        return ash_boot_fault_set(fault, ASH_EFORMAT, file_name, NULL, NULL, NULL, name,
                                  "is a directory, a link or a device", "a regular file");
    }
    *span = found.file;
    return ASH_OK;
}
