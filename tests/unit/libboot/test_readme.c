/* SPDX-License-Identifier: BSD-2-Clause */
/* The sample of libboot/README.md, compiled from there, does what the README says. */
#include <libboot/image.h>

#include "fixture.h"

int lay_out_first_vm(const void *archive, size_t size, struct ash_boot_placement *place, char *line,
                     size_t line_size);

struct archive {
    uint64_t bytes[1024];
    size_t size;
};

static void add(struct archive *archive, const char *name, const void *contents, size_t size)
{
    uint8_t *at = (uint8_t *)archive->bytes + archive->size;
    int header =
        sprintf((char *)at, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%s", 1U, 0100644U, 0U,
                0U, 1U, 0U, (unsigned)size, 0U, 0U, 0U, 0U, (unsigned)strlen(name) + 1U, 0U, name);

    archive->size = (archive->size + (size_t)header + 1U + 3U) & ~(size_t)3U;
    memcpy((uint8_t *)archive->bytes + archive->size, contents, size);
    archive->size = (archive->size + size + 3U) & ~(size_t)3U;
}

/** A bundle with one VM that wants @kernel and has @vcpus. */
static void make_bundle(struct archive *archive, uint32_t vcpus, const char *kernel)
{
    static struct tree tree;

    memset(archive, 0, sizeof(*archive));
    tree_begin(&tree);
    tree_root(&tree);
    node(&tree, "vms");
    if (vcpus != 0U) {
        node(&tree, "vm0");
        string(&tree, "device_type", "virtual_machine");
        cells(&tree, "vmid", 1);
        cells(&tree, "vcpus", vcpus);
        cells(&tree, "memory", 0, 0x4000000);
        string(&tree, "kernel", kernel);
        end(&tree);
    }
    end(&tree);
    add(archive, "vms.dtb", tree.bytes, tree_finish(&tree));
    add(archive, "beat.bin", "\x1f\x20\x03\xd5", 4);
    add(archive, "TRAILER!!!", "", 0);
}

static void the_sample_lays_out_a_vm(void **state)
{
    struct archive archive;
    struct ash_boot_placement place;
    char line[ASH_BOOT_FAULT_LINE_SIZE];

    (void)state;
    make_bundle(&archive, 1, "beat.bin");
    assert_int_equal(lay_out_first_vm(archive.bytes, archive.size, &place, line, sizeof(line)), ASH_OK);
    assert_string_equal(line, "no fault");
    assert_int_equal(place.entry.value, 0x40080000);
    assert_int_equal(place.dtb.value, 0x42000000);
}

static void the_sample_says_what_is_wrong(void **state)
{
    struct archive archive;
    struct ash_boot_placement place;
    char line[ASH_BOOT_FAULT_LINE_SIZE];

    (void)state;
    make_bundle(&archive, 1, "Image");
    assert_int_equal(lay_out_first_vm(archive.bytes, archive.size, &place, line, sizeof(line)), ASH_ENOENT);
    assert_string_equal(
        line, "vms.dtb: VM vm0: /vms/vm0: kernel = \"Image\": is not in the bundle; allowed: the name "
              "of a file in it");
    make_bundle(&archive, 9, "beat.bin");
    assert_int_equal(lay_out_first_vm(archive.bytes, archive.size, &place, line, sizeof(line)), ASH_EFORMAT);
    assert_string_equal(line,
                        "vms.dtb: VM vm0: /vms/vm0: vcpus = <9>: is out of range; allowed: one cell, 1..8");
    make_bundle(&archive, 0, NULL);
    assert_int_equal(lay_out_first_vm(archive.bytes, archive.size, &place, line, sizeof(line)), ASH_ENOENT);
    assert_string_equal(line, "vms.dtb: /vms: holds no VM; allowed: one sub-node a VM");
    assert_int_equal(lay_out_first_vm(archive.bytes, 100, &place, line, sizeof(line)), ASH_ETRUNC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sample_lays_out_a_vm),
        cmocka_unit_test(the_sample_says_what_is_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
