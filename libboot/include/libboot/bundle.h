/* SPDX-License-Identifier: BSD-2-Clause */
/** The bundle: vms.dtb and the images it names in one cpio archive ("newc", magic 070701), handed over by the boot
 *  loader as the initrd. Read in place, not compressed.
 *
 *  Lock domain: none, the bundle is read-only once open. Context: any. No HAL, no allocation.
 *  Format: cpio(5), "New ASCII Format"; Linux Documentation/driver-api/early-userspace/buffer-format.rst.
 */
#ifndef LIBBOOT_BUNDLE_H
#define LIBBOOT_BUNDLE_H

#include <stdbool.h>
#include <stdint.h>

#include <libboot/fault.h>
#include <libboot/span.h>

#ifdef __cplusplus
extern "C" {
#endif

/** An archive that ash_boot_bundle_open() has read once from end to end and found well-formed. */
struct ash_boot_bundle {
    struct ash_boot_span archive;
    size_t entries; /* files, directories and links, the trailer not counted */
    uint32_t
        newest; /* the latest modification time of an entry: seconds since 1970, UTC; 0: they have none */
};

/** One entry. All zero before the first ash_boot_bundle_next(). */
struct ash_boot_bundle_entry {
    const char *name;          /* NUL-terminated, in the archive; a leading "./" is skipped */
    uint32_t mode;             /* st_mode: type and permissions */
    struct ash_boot_span file; /* the contents; at a multiple of 4 bytes from the archive's start */
    size_t next;               /* private */
};

/** Is [data, data+size) a whole archive? Checks every header: magic, hexadecimal fields, names that end, sizes that
 *  stay inside, the trailer. After the trailer only zero bytes may follow.
 *  On an error *@bundle is untouched and *@fault says where (node = the entry's name, property = the header field).
 *  Cost: O(entries). Returns ASH_OK; ASH_ETRUNC (the archive ends too early); ASH_EFORMAT (anything else). */
int ash_boot_bundle_open(struct ash_boot_bundle *bundle, const void *data, size_t size,
                         struct ash_boot_fault *fault) ASH_NODISCARD;

/** The next entry after *@entry (all zero: the first). False: there is none, *@entry is untouched. */
bool ash_boot_bundle_next(const struct ash_boot_bundle *bundle,
                          struct ash_boot_bundle_entry *entry) ASH_NODISCARD;

/** The contents of the regular file @name; a leading "./" means nothing, on either side.
 *  On an error *@span is untouched; *@fault has the name as its value.
 *  Cost: O(entries). Returns ASH_OK; ASH_ENOENT (no such name); ASH_EEXIST (the name stands there twice: neither is
 *  chosen); ASH_EFORMAT (it is a directory, a link or a device). */
int ash_boot_bundle_find(const struct ash_boot_bundle *bundle, const char *name, struct ash_boot_span *span,
                         struct ash_boot_fault *fault) ASH_NODISCARD;

#ifdef __cplusplus
}
#endif

#endif
