/* SPDX-License-Identifier: BSD-2-Clause */
/* A cpio archive. Input: the archive. */
#include "boot_checks.h"

#include <libboot/bundle.h>

/* `find` by a name that the archive has: the same file, or an error that is due. */
static void find_again(const struct ash_boot_bundle *bundle, const struct ash_boot_bundle_entry *entry)
{
    const struct ash_boot_span untouched = {&untouched, 77};
    struct ash_boot_span found = untouched;
    struct ash_boot_fault fault;
    const int result = ash_boot_bundle_find(bundle, entry->name, &found, &fault);

    if (result == ASH_OK) {
        FUZZ_CHECK((entry->mode & 0170000U) == 0100000U);
        FUZZ_CHECK(found.data == entry->file.data && found.size == entry->file.size);
    } else {
        FUZZ_CHECK(result == ASH_EEXIST || result == ASH_EFORMAT);
        FUZZ_CHECK(found.data == untouched.data && found.size == untouched.size);
        check_fault(&fault, result);
    }
}

static void read_all(const struct ash_boot_bundle *bundle, const uint8_t *data, size_t size)
{
    struct ash_boot_bundle_entry entry = {.name = NULL};
    struct ash_boot_fault fault;
    struct ash_boot_span span;
    size_t count = 0;
    size_t bytes = 0;
    int result;

    FUZZ_CHECK(bundle->archive.data == data);
    FUZZ_CHECK(is_inside(bundle->archive.data, bundle->archive.size, data, size));
    while (ash_boot_bundle_next(bundle, &entry)) {
        FUZZ_CHECK(++count <= bundle->entries);
        FUZZ_CHECK(entry.name != NULL);
        check_string(entry.name, data, size);
        check_span(entry.file, data, size);
        bytes += entry.file.size;
        if (entry.file.size > 0U) {
            FUZZ_CHECK(((uintptr_t)entry.file.data - (uintptr_t)data) % 4U == 0U);
        }
        if (count < 8U) { /* the cost is quadratic */
            find_again(bundle, &entry);
        }
    }
    FUZZ_CHECK(count == bundle->entries);
    FUZZ_CHECK(bytes <= size); /* no byte belongs to two files */
    result = ash_boot_bundle_find(bundle, "a name that no seed has", &span, &fault);
    if (result != ASH_OK) {
        check_fault(&fault, result);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ash_boot_bundle bundle = {.entries = 77};
    struct ash_boot_fault fault;
    const int result = ash_boot_bundle_open(&bundle, data, size, &fault);

    if (result == ASH_OK) {
        read_all(&bundle, data, size);
    } else {
        FUZZ_CHECK(result == ASH_ETRUNC || result == ASH_EFORMAT);
        FUZZ_CHECK(bundle.entries == 77U && bundle.archive.data == NULL);
        check_fault(&fault, result);
    }
    return 0;
}
