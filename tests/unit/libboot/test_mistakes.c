/* SPDX-License-Identifier: BSD-2-Clause */
/* Each mistake that a bundle can hold costs one VM one line: file, VM, node, property, value, what is wrong, what is
 * allowed. From the archive to the layout, as a hypervisor would go; the VM beside it is laid out all the same. */
#include <stdbool.h>

#include <libboot/vm_images.h>

#include "fixture.h"

#define RAM      ash_ipa(0x40000000)
#define DTB_SIZE 8192U
#define MIB      UINT64_C(0x100000)

static struct ash_boot_vm vms[2];

/* ---- A bundle ---------------------------------------------------------------------------------------------------- */

struct archive {
    uint64_t bytes[(8U * 1024U * 1024U) / 8U];
    size_t size;
};

static void append(struct archive *archive, const void *data, size_t size)
{
    assert_true(archive->size + size + 4U <= sizeof(archive->bytes));
    memcpy((uint8_t *)archive->bytes + archive->size, data, size);
    archive->size = (archive->size + size + 3U) & ~(size_t)3U;
}

static void add(struct archive *archive, const char *name, unsigned mode, const void *data, size_t size)
{
    char header[256];
    int length =
        snprintf(header, sizeof(header), "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s", 1U,
                 mode, 0U, 0U, 1U, 0U, (unsigned)size, 0U, 0U, 0U, 0U, (unsigned)strlen(name) + 1U, 0U, name);

    append(archive, header, (size_t)length + 1U);
    append(archive, data, size);
}

/* ---- The VMs ----------------------------------------------------------------------------------------------------- */

/** A property of the VM "bad": instead of its own of that name, or besides. */
struct property {
    const char *name;
    const char *bytes;
    size_t size;
};

#define CELL(n) "\0\0\0" n
#define PROPERTY(n, b)                                                                                       \
    {                                                                                                        \
        n, b, sizeof(b) - 1U                                                                                 \
    }
#define MEMORY_2M    CELL("\0") "\0\x20\0\0"
#define MEMORY_AT(b) CELL("\0") b MEMORY_2M

static void put(struct tree *tree, const struct property *own, const struct property *more)
{
    const struct property *chosen = more != NULL && strcmp(own->name, more->name) == 0 ? more : own;

    if (chosen->bytes != NULL) {
        bytes(tree, chosen->name, chosen->bytes, chosen->size);
    }
}

static void write_vm(struct tree *tree, const char *name, const char *vmid, const struct property *more)
{
    const struct property own[] = {
        PROPERTY("device_type", "virtual_machine\0"),
        {"vmid", vmid, 4},
        PROPERTY("memory", MEMORY_2M),
        PROPERTY("kernel", "guest.bin\0"),
    };
    bool replaced = false;

    node(tree, name);
    for (unsigned i = 0; i < 4U; i++) {
        put(tree, &own[i], more);
        replaced = replaced || (more != NULL && strcmp(own[i].name, more->name) == 0);
    }
    if (more != NULL && !replaced) {
        bytes(tree, more->name, more->bytes, more->size);
    }
    end(tree);
}

static void make_bundle(struct archive *archive, const struct property *mistake)
{
    static uint8_t big[3U * MIB];
    struct tree tree;

    memset(archive, 0, sizeof(*archive));
    tree_begin(&tree);
    tree_root(&tree);
    node(&tree, "vms");
    write_vm(&tree, "good", CELL("\1"), NULL);
    write_vm(&tree, "bad", CELL("\2"), mistake);
    end(&tree);
    memset(big, 'x', sizeof(big));
    add(archive, "vms.dtb", 0100644, tree.bytes, tree_finish(&tree));
    add(archive, "guest.bin", 0100644, "a guest", 8);
    add(archive, "big.bin", 0100644, big, sizeof(big));
    add(archive, "most.bin", 0100644, big, 0xFF000);
    add(archive, "empty.bin", 0100644, "", 0);
    add(archive, "sector.bin", 0100644, big, 512);
    add(archive, "packed.gz", 0100644, "\x1f\x8b\x08 packed", 10);
    add(archive, "twice.bin", 0100644, "1", 1);
    add(archive, "./twice.bin", 0100644, "2", 1);
    add(archive, "folder", 040755, "", 0);
    add(archive, "TRAILER!!!", 0, "", 0);
}

/** From the archive to the layouts: the bundle's fault, or ASH_OK with each VM's own in vms[]. */
static int go(const void *archive, size_t size, struct ash_boot_vm_images images[2],
              struct ash_boot_fault *fault)
{
    struct ash_boot_config config = {.vms = vms, .capacity = 2, .cpus = 4};
    struct ash_boot_bundle bundle;
    struct ash_boot_span tree;
    int error = ash_boot_bundle_open(&bundle, archive, size, fault);

    error = error != ASH_OK ? error : ash_boot_bundle_find(&bundle, "vms.dtb", &tree, fault);
    if (error == ASH_OK) {
        error = ash_boot_config_parse(&config, tree.data, tree.size);
        *fault = config.fault;
    }
    for (size_t i = 0; error == ASH_OK && i < config.count; i++) {
        if (vms[i].fault.code == ASH_OK) {
            ASH_DISCARD(ash_boot_vm_lay_out(&vms[i], &bundle, RAM, vms[i].memory_size, DTB_SIZE, &images[i]));
        }
    }
    return error;
}

static void assert_line(const struct ash_boot_fault *fault, const char *line)
{
    char text[ASH_BOOT_FAULT_LINE_SIZE];

    assert_true(ash_boot_fault_format(text, sizeof(text), fault) < sizeof(text));
    assert_string_equal(text, line);
}

/* ---- One VM's mistakes ------------------------------------------------------------------------------------------- */

static const char ram_too_small[] = "; allowed: more memory, or a smaller file";

static const struct {
    const char *kind;
    struct property property;
    const char *line; /* behind "vms.dtb: VM bad: /vms/bad: " */
    const char *rest;
} mistakes[] = {
    {"missing file", PROPERTY("kernel", "Imgae\0"),
     "kernel = \"Imgae\": is not in the bundle; allowed: the name of a file in it", ""},
    {"missing ramdisk", PROPERTY("ramdisk", "initrd\0"),
     "ramdisk = \"initrd\": is not in the bundle; allowed: the name of a file in it", ""},
    {"file given twice", PROPERTY("kernel", "twice.bin\0"),
     "kernel = \"twice.bin\": stands in the bundle twice; allowed: each name once", ""},
    {"a folder for a file", PROPERTY("kernel", "folder\0"),
     "kernel = \"folder\": is a directory, a link or a device; allowed: a regular file", ""},
    {"empty file", PROPERTY("kernel", "empty.bin\0"),
     "kernel = \"empty.bin\", size 0: is an empty file; allowed: an arm64 Image or a raw binary", ""},
    {"packed file", PROPERTY("kernel", "packed.gz\0"),
     "kernel = \"packed.gz\": is compressed with gzip; allowed: an arm64 Image or a raw binary", ""},
    {"kernel larger than memory", PROPERTY("kernel", "big.bin\0"),
     "kernel = \"big.bin\", 0x300000 bytes at 0x40080000, RAM ends at 0x40200000: does not fit",
     ram_too_small},
    {"ramdisk larger than memory", PROPERTY("ramdisk", "big.bin\0"),
     "ramdisk = \"big.bin\", 0x300000 bytes at 0x40100000, RAM ends at 0x40200000: does not fit",
     ram_too_small},
    {"entry outside the RAM", PROPERTY("entry", "\x50\0\0\0"),
     "entry = 0x50000000: is outside the guest's RAM or not aligned; allowed: a multiple of 4 KiB inside its "
     "RAM",
     ""},
    {"no room for the tree", PROPERTY("ramdisk", "most.bin\0"),
     "memory = device tree 8192 bytes at 0x401ff000, RAM ends at 0x40200000: does not fit", ram_too_small},
    {"overlapping regions", PROPERTY("memory", MEMORY_AT("\x40\0\0\0") MEMORY_AT("\x40\0\0\0")),
     "memory = <0 0x40000000 0 0x200000 0 0x40000000 0 0x200000>: has ranges that overlap; allowed: "
     "<size-high size-low> or up to 4 times <base-high base-low size-high size-low>, bytes, multiples of 2 "
     "MiB",
     ""},
    {"vmid twice", PROPERTY("vmid", CELL("\1")),
     "vmid = <1>: is another VM's already; allowed: 0..63, each VM its own", ""},
    {"vmid out of range", PROPERTY("vmid", CELL("\100")),
     "vmid = <64>: is out of range; allowed: one cell, 0..63, each VM its own", ""},
    {"name twice", PROPERTY("vm_name", "good\0"), NULL,
     "vms.dtb: VM good: /vms/bad: vm_name = good: is another VM's already; allowed: each VM its own"},
    {"affinity to a CPU that is not there", PROPERTY("vcpu_affinity", CELL("\4")),
     "vcpu_affinity = <4>; CPUs of the board: 4: names a CPU that is not there; allowed: 0 up to their "
     "number less one",
     ""},
    {"affinity of another number of vCPUs", PROPERTY("vcpu_affinity", CELL("\1") CELL("\2")),
     "vcpu_affinity = <1 2>: does not agree with vcpus; allowed: one cell a vCPU", ""},
    {"a budget without its period", PROPERTY("budget-us", "\0\0\x03\xe8"),
     "period-us: is missing beside budget-us; allowed: one cell, microseconds, 100..1000000", ""},
    {"wrong cell count", PROPERTY("memory", "\0\x20\0\0"),
     "memory = <0x200000>: has a wrong number of cells; allowed: <size-high size-low> or up to 4 times "
     "<base-high "
     "base-low size-high size-low>, bytes, multiples of 2 MiB",
     ""},
    {"wrong cell count of a number", PROPERTY("vcpus", CELL("\1") CELL("\1")),
     "vcpus = <1 1>: is not a number of the right width; allowed: one cell, 1..8", ""},
    {"unknown property", PROPERTY("vcpu", CELL("\2")),
     "vcpu = <2>: is an unknown property; allowed: device_type vmid vm_name type vcpus vcpu_affinity "
     "vcpu-cpus memory "
     "kernel "
     "ramdisk entry setup_data bootargs (or cmdline) rng-seed smc-allow background manager priority "
     "time-slice-us "
     "budget-us period-us vm_32bit on-poweroff on-reset on-crash restart-limit pause-stops-time "
     "shutdown-timeout-ms autostart console-buffer-size machine dtb memory-min",
     ""},
    {"missing property",
     {"memory", NULL, 0},
     "memory: is missing; allowed: <size-high size-low> or up to 4 times <base-high base-low size-high "
     "size-low>, "
     "bytes, multiples of 2 MiB",
     ""},
    {"kernel missing",
     {"kernel", NULL, 0},
     "kernel: is missing; allowed: the name of a file in the bundle; or none, with entry and memory = <base "
     "size>, "
     "for an image that the boot loader left in memory",
     ""},
    {"no memory at all", PROPERTY("memory", CELL("\0") CELL("\0")),
     "memory = <0 0>: is out of range; allowed: <size-high size-low> or up to 4 times <base-high base-low "
     "size-high "
     "size-low>, bytes, multiples of 2 MiB",
     ""},
    {"string without end", PROPERTY("kernel", "guest.bin"),
     "kernel = [67 75 65 73 74 2e 62 69 6e]: is not one string; allowed: the name of a file in the bundle",
     ""},
};

static void each_mistake_is_one_line_and_costs_one_vm(void **state)
{
    static struct archive archive;

    (void)state;
    for (unsigned i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        struct ash_boot_vm_images images[2];
        struct ash_boot_fault fault;
        char line[ASH_BOOT_FAULT_LINE_SIZE];

        print_message("%s\n", mistakes[i].kind);
        make_bundle(&archive, &mistakes[i].property);
        assert_int_equal(go(archive.bytes, archive.size, images, &fault), ASH_OK);
        assert_int_equal(vms[0].fault.code, ASH_OK);
        assert_int_equal(images[0].placement.entry.value, 0x40080000);
        assert_int_not_equal(vms[1].fault.code, ASH_OK);
        (void)snprintf(line, sizeof(line), "%s%s%s",
                       mistakes[i].line != NULL ? "vms.dtb: VM bad: /vms/bad: " : "",
                       mistakes[i].line != NULL ? mistakes[i].line : "", mistakes[i].rest);
        assert_line(&vms[1].fault, line);
    }
}

/* ---- The archive's ----------------------------------------------------------------------------------------------- */

static void leave_out_the_trailer(struct archive *archive)
{
    archive->size -= 124U; /* the trailer, all of it */
}

static void cut_in_a_header(struct archive *archive)
{
    archive->size = 50;
}

static void cut_in_a_file(struct archive *archive)
{
    archive->size = 200;
}

static void take_the_end_of_a_name(struct archive *archive)
{
    memset((uint8_t *)archive->bytes + 110, 'x', 8); /* "vms.dtb" and its NUL */
}

static void spoil_the_magic(struct archive *archive)
{
    ((uint8_t *)archive->bytes)[5] = '2';
}

static void spoil_a_number(struct archive *archive)
{
    ((uint8_t *)archive->bytes)[6 + 8 * 6] = 'g'; /* c_filesize */
}

static void let_a_name_reach_past_the_end(struct archive *archive)
{
    memcpy((uint8_t *)archive->bytes + 6 + 8 * 11, "7FFFFFFF", 8);
}

static void let_a_file_reach_past_the_end(struct archive *archive)
{
    memcpy((uint8_t *)archive->bytes + 6 + 8 * 6, "FFFFFFFF", 8);
}

static void take_vms_dtb_away(struct archive *archive)
{
    memcpy((uint8_t *)archive->bytes + 110, "vmx", 3);
}

static void cut_the_tree(struct archive *archive)
{
    memcpy((uint8_t *)archive->bytes + 120 + 4, "\0\1\0\0", 4); /* totalsize */
}

static void let_the_tree_s_offsets_reach_past_the_end(struct archive *archive)
{
    memcpy((uint8_t *)archive->bytes + 120 + 8, "\0\0\x7f\0", 4); /* off_dt_struct */
}

static const struct {
    void (*spoil)(struct archive *archive);
    const char *line;
} archives[] = {
    {leave_out_the_trailer, "is cut, or the archive has no end; allowed: a last entry named TRAILER!!!"},
    {cut_in_a_header,
     "bundle: header at byte = 0: is cut, or the archive has no end; allowed: a last entry named "
     "TRAILER!!!"},
    {cut_in_a_file, "bundle: vms.dtb: c_filesize = "},
    {take_the_end_of_a_name,
     "bundle: header at byte = 0: has a name that does not end where it says; allowed: "
     "c_namesize bytes, the last one NUL"},
    {spoil_the_magic,
     "bundle: header at byte = 0: is not a cpio header; allowed: an uncompressed cpio archive of the "
     "\"newc\" format, magic 070701"},
    {spoil_a_number,
     "bundle: c_filesize = 0: of the header at this byte is not a number; allowed: 8 hexadecimal "
     "digits"},
    {let_a_name_reach_past_the_end, "bundle: c_namesize = 0x7fffffff: reaches past the end of the archive"},
    {let_a_file_reach_past_the_end,
     "bundle: vms.dtb: c_filesize = 0xffffffff: reaches past the end of the archive"},
    {take_vms_dtb_away, "bundle: vms.dtb: is not in the bundle; allowed: the name of a file in it"},
    {cut_the_tree, "vms.dtb: totalsize = 0x10000: is more than there is"},
    {let_the_tree_s_offsets_reach_past_the_end, "vms.dtb: off_dt_struct = 0x7f00: or another field of the "
                                                "header contradicts the rest; allowed: what the device "
                                                "tree compiler makes"},
};

static void a_spoilt_archive_is_refused_as_a_whole_in_one_line(void **state)
{
    static struct archive archive;

    (void)state;
    for (unsigned i = 0; i < sizeof(archives) / sizeof(archives[0]); i++) {
        struct ash_boot_vm_images images[2];
        struct ash_boot_fault fault;
        char text[ASH_BOOT_FAULT_LINE_SIZE];

        make_bundle(&archive, NULL);
        archives[i].spoil(&archive);
        assert_int_not_equal(go(archive.bytes, archive.size, images, &fault), ASH_OK);
        (void)ash_boot_fault_format(text, sizeof(text), &fault);
        print_message("%s\n", text);
        if (strstr(text, archives[i].line) == NULL) {
            fail_msg("%u: not \"%s\" but \"%s\"", i, archives[i].line, text);
        }
    }
}

/* ---- Without a bundle -------------------------------------------------------------------------------------------- */

static void without_a_bundle_only_an_image_in_memory_starts(void **state)
{
    struct ash_boot_vm_images images;
    struct ash_boot_vm vm = {.node = "vm0", .name = "linux", .kernel = "Image", .memory_size = 2 * MIB};
    struct ash_boot_vm old = {.node = "vm1", .has_entry = true, .entry = 0x80080000};

    (void)state;
    assert_int_equal(ash_boot_vm_lay_out(&vm, NULL, RAM, vm.memory_size, DTB_SIZE, &images), ASH_ENOENT);
    assert_line(&vm.fault,
                "vms.dtb: VM linux: /vms/vm0: kernel = \"Image\": cannot be found: there is no bundle; "
                "allowed: a bundle with this file, or an image in memory (entry, setup_data)");
    assert_int_equal(ash_boot_vm_lay_out(&old, NULL, RAM, 0, DTB_SIZE, &images), ASH_OK);
    assert_int_equal(images.placement.entry.value, 0x80080000);
    assert_int_equal(images.placement.dtb.value, 0);
    assert_int_equal(images.kernel.size, 0);
    old.has_setup_data = true;
    old.setup_data = 0x83e00000;
    assert_int_equal(ash_boot_vm_lay_out(&old, NULL, RAM, 0, DTB_SIZE, &images), ASH_OK);
    assert_int_equal(images.placement.dtb.value, 0x83e00000);
}

static void a_bcm2837_has_its_kernel_where_a_pi_has_it(void **state)
{
    static struct archive archive;
    struct ash_boot_vm_images images;
    struct ash_boot_bundle bundle;
    struct ash_boot_fault fault;
    struct ash_boot_vm vm = {
        .node = "vm0", .name = "pi", .kernel = "big.bin", .machine = ASH_BOOT_VM_BCM2837};

    (void)state;
    make_bundle(&archive, NULL);
    assert_int_equal(ash_boot_bundle_open(&bundle, archive.bytes, archive.size, &fault), ASH_OK);
    assert_int_equal(ash_boot_vm_lay_out(&vm, &bundle, ash_ipa(0), 64 * MIB, DTB_SIZE, &images), ASH_OK);
    assert_int_equal(images.placement.kernel.value, 0x80000);
    assert_int_equal(images.placement.entry.value, 0x80000);
    assert_int_equal(images.placement.dtb.value, ASH_BOOT_BCM2837_ATAGS);
    assert_int_equal(images.placement.dtb_size, 0);
    assert_int_equal(images.dtb.size, 0);
    vm.dtb = "big.bin"; /* as it is, whatever it is; but larger than a tree may be */
    assert_int_equal(ash_boot_vm_lay_out(&vm, &bundle, ash_ipa(0), 64 * MIB, DTB_SIZE, &images), ASH_EINVAL);
    vm.dtb = "none.dtb";
    assert_int_equal(ash_boot_vm_lay_out(&vm, &bundle, ash_ipa(0), 64 * MIB, DTB_SIZE, &images), ASH_ENOENT);
    assert_line(&vm.fault, "vms.dtb: VM pi: /vms/vm0: dtb = \"none.dtb\": is not in the bundle; "
                           "allowed: the name of a file in it");
    vm.dtb = "guest.bin";
    assert_int_equal(ash_boot_vm_lay_out(&vm, &bundle, ash_ipa(0), 64 * MIB, DTB_SIZE, &images), ASH_OK);
    assert_int_equal(images.placement.dtb.value, 32 * MIB);
    assert_int_equal(images.placement.dtb_size, images.dtb.size);
    assert_int_equal(images.dtb.size, 8);
}

static void a_layout_that_fails_leaves_the_images_alone(void **state)
{
    static struct archive archive;
    struct ash_boot_vm_images images;
    struct ash_boot_vm_images before;
    struct ash_boot_bundle bundle;
    struct ash_boot_fault fault;
    struct ash_boot_vm vm = {.node = "vm0", .name = "linux", .kernel = "big.bin", .memory_size = 2 * MIB};

    (void)state;
    make_bundle(&archive, NULL);
    assert_int_equal(ash_boot_bundle_open(&bundle, archive.bytes, archive.size, &fault), ASH_OK);
    memset(&images, 0x5A, sizeof(images));
    before = images;
    assert_int_equal(ash_boot_vm_lay_out(&vm, &bundle, RAM, vm.memory_size, DTB_SIZE, &images), ASH_ENOMEM);
    assert_memory_equal(&images, &before, sizeof(images));
    assert_int_equal(ash_boot_vm_lay_out(&vm, &bundle, ash_ipa(0x1000), 64 * MIB, DTB_SIZE, &images),
                     ASH_EINVAL);
    assert_line(&vm.fault,
                "vms.dtb: VM linux: /vms/vm0: memory = ram_base 4096: is no place for a guest's RAM; "
                "allowed: a multiple of 2 MiB, and RAM that ends below 2^52");
    assert_int_equal(ash_boot_vm_lay_out(&vm, &bundle, RAM, 64 * MIB, DTB_SIZE, &images), ASH_OK);
    assert_int_equal(images.kernel.size, 3 * MIB);
    assert_int_equal(images.image.kind, ASH_BOOT_IMAGE_RAW);
}

static void a_disks_image_is_in_the_bundle_and_made_of_sectors(void **state)
{
    static const struct {
        const char *image;
        int code;
        const char *line;    /* behind the node */
        uint32_t block_size; /* 0: 512 */
    } disks[] = {
        {"big.bin", ASH_OK, NULL, 4096},
        {"sector.bin", ASH_OK, NULL, 512},
        {"big.bin", ASH_OK, NULL, 0},
        {"none.img", ASH_ENOENT,
         "image = \"none.img\": is not in the bundle; allowed: the name of a file in it", 0},
        {"guest.bin", ASH_EFORMAT,
         "image = \"guest.bin\", 8 bytes: has no size of a disk; allowed: a multiple of 512 bytes, and more "
         "than none",
         0},
        {"empty.bin", ASH_EFORMAT,
         "image = \"empty.bin\", 0 bytes: has no size of a disk; allowed: a multiple of 512 bytes, and more "
         "than none",
         0},
        {"sector.bin", ASH_EFORMAT,
         "image = \"sector.bin\", 512 bytes: has no size of a disk; allowed: a multiple of its block-size, "
         "and more than none",
         1024},
    };
    static struct archive archive;
    struct ash_boot_vm_images images;
    struct ash_boot_bundle bundle;
    struct ash_boot_fault fault;
    char line[ASH_BOOT_FAULT_LINE_SIZE];

    (void)state;
    make_bundle(&archive, NULL);
    assert_int_equal(ash_boot_bundle_open(&bundle, archive.bytes, archive.size, &fault), ASH_OK);
    for (unsigned i = 0; i < sizeof(disks) / sizeof(disks[0]); i++) {
        for (unsigned in_memory = 0; in_memory < 2U; in_memory++) {
            struct ash_boot_vm vm = {.node = "vm0",
                                     .name = "linux",
                                     .kernel = in_memory != 0U ? NULL : "guest.bin",
                                     .memory_size = 4 * MIB,
                                     .virtio_count = 2,
                                     .virtio = {{.kind = ASH_BOOT_VIRTIO_RNG, .node = "virtio_rng"},
                                                {.kind = ASH_BOOT_VIRTIO_BLK,
                                                 .node = "virtio_blk@1",
                                                 .image = disks[i].image,
                                                 .block_size = disks[i].block_size}}};

            assert_int_equal(ash_boot_vm_lay_out(&vm, &bundle, RAM, vm.memory_size, DTB_SIZE, &images),
                             disks[i].code);
            if (disks[i].code == ASH_OK) {
                assert_int_equal(images.disk[0].size, 0);
                assert_int_equal(images.disk[1].size, disks[i].image[0] == 'b' ? 3 * MIB : 512U);
                continue;
            }
            (void)snprintf(line, sizeof(line), "vms.dtb: VM linux: /vms/vm0/virtio_blk@1: %s", disks[i].line);
            assert_line(&vm.fault, line);
            ash_boot_fault_clear(&vm.fault);
            assert_int_equal(ash_boot_vm_lay_out(&vm, NULL, RAM, vm.memory_size, DTB_SIZE, &images),
                             ASH_ENOENT);
            assert_fault_says(&vm.fault, "/virtio_blk@1: image");
            assert_fault_says(&vm.fault, "cannot be found: there is no bundle");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_mistake_is_one_line_and_costs_one_vm),
        cmocka_unit_test(a_spoilt_archive_is_refused_as_a_whole_in_one_line),
        cmocka_unit_test(without_a_bundle_only_an_image_in_memory_starts),
        cmocka_unit_test(a_bcm2837_has_its_kernel_where_a_pi_has_it),
        cmocka_unit_test(a_layout_that_fails_leaves_the_images_alone),
        cmocka_unit_test(a_disks_image_is_in_the_bundle_and_made_of_sectors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
