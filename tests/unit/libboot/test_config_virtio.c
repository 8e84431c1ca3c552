/* SPDX-License-Identifier: BSD-2-Clause */
/* The nodes virtio_* below a VM's, and /vms/switches. */
#include "config_fixture.h"

struct property {
    const char *name;
    const char *bytes;
    size_t size;
};

#define PROPERTY(n, b)                                                                                       \
    {                                                                                                        \
        n, b, sizeof(b) - 1U                                                                                 \
    }
#define MOST 5U

/** A device's node and its properties, up to one without a name. */
struct device {
    const char *node;
    struct property property[MOST];
};

static void put_device(struct tree *tree, const struct device *device)
{
    node(tree, device->node);
    for (unsigned i = 0; i < MOST && device->property[i].name != NULL; i++) {
        bytes(tree, device->property[i].name, device->property[i].bytes, device->property[i].size);
    }
    end(tree);
}

static void put_switch(struct tree *tree)
{
    node(tree, "switches");
    node(tree, "lan");
    end(tree);
    node(tree, "dmz");
    cells(tree, "ageing-seconds", 60);
    cells(tree, "rate-limit-kbps", 1000);
    cells(tree, "floods-per-second", 0);
    bytes(tree, "isolated", "", 0);
    end(tree);
    end(tree);
}

/** vm0 with @first and @second (NULL: not that one), vm1 with @other; switches, behind them all. */
static void parse_devices(const struct device *first, const struct device *second, const struct device *other)
{
    struct tree tree;

    begin_vms(&tree);
    node(&tree, "vm0");
    required(&tree, 3);
    if (first != NULL) {
        put_device(&tree, first);
    }
    if (second != NULL) {
        put_device(&tree, second);
    }
    end(&tree);
    node(&tree, "vm1");
    required(&tree, 4);
    if (other != NULL) {
        put_device(&tree, other);
    }
    end(&tree);
    put_switch(&tree);
    finish_and_parse(&tree);
    assert_int_equal(config.count, 2);
    assert_int_equal(config.fault.code, ASH_OK);
}

static const struct ash_boot_virtio *accepted(const struct device *device)
{
    parse_devices(device, NULL, NULL);
    if (vms[0].fault.code != ASH_OK) {
        assert_fault_says(&vms[0].fault, "no fault");
    }
    assert_int_equal(vms[0].virtio_count, 1);
    return &vms[0].virtio[0];
}

static void refuses(const struct device *device, int code, const char *line)
{
    char text[ASH_BOOT_FAULT_LINE_SIZE];

    parse_devices(device, NULL, NULL);
    assert_int_equal(vms[0].fault.code, code);
    (void)ash_boot_fault_format(text, sizeof(text), &vms[0].fault);
    assert_string_equal(text, line);
    assert_int_equal(vms[1].fault.code, ASH_OK);
}

/* ---- Each kind --------------------------------------------------------------------------------------------------- */

static void a_disk_has_an_image_or_a_range(void **state)
{
    const struct device image = {"virtio_blk@1",
                                 {PROPERTY("image", "disk.ext4\0"), PROPERTY("overlay", ""),
                                  PROPERTY("overlay-size", "\0\0\0\0\0\x10\0\0"),
                                  PROPERTY("serial", "A1\0")}};
    const struct device range = {"virtio_blk",
                                 {PROPERTY("memory-range", "\0\0\0\1\0\0\x10\0\0\0\0\0\0\0\x20\0"),
                                  PROPERTY("read-only", ""), PROPERTY("queues", CELL("\x08")),
                                  PROPERTY("block-size", "\0\0\x10\0")}};
    const struct device over_a_range = {"virtio_blk",
                                        {PROPERTY("memory-range", "\0\0\0\0\4\0\0\0\0\0\0\0\0\0\x40\0"),
                                         PROPERTY("overlay", ""),
                                         PROPERTY("overlay-size", "\0\0\0\0\0\0\x20\0")}};
    const struct ash_boot_virtio *device;

    (void)state;
    device = accepted(&image);
    assert_int_equal(device->kind, ASH_BOOT_VIRTIO_BLK);
    assert_string_equal(device->node, "virtio_blk@1");
    assert_string_equal(device->image, "disk.ext4");
    assert_true(device->overlay && !device->read_only);
    assert_int_equal(device->overlay_size, 0x100000);
    assert_string_equal(device->serial, "A1");
    assert_int_equal(device->queues, 1);
    assert_int_equal(device->block_size, 512);
    device = accepted(&range);
    assert_null(device->image);
    assert_int_equal(device->range.base, 0x100001000);
    assert_int_equal(device->range.size, 0x2000);
    assert_true(device->read_only && !device->overlay);
    assert_string_equal(device->serial, "");
    assert_int_equal(device->queues, 8);
    assert_int_equal(device->block_size, 4096);
    device = accepted(&over_a_range);
    assert_null(device->image);
    assert_true(device->overlay && !device->read_only);
    assert_int_equal(device->overlay_size, 0x2000);
}

static void the_other_kinds_have_what_is_theirs(void **state)
{
    const struct device net = {"virtio_net",
                               {PROPERTY("switch", "dmz\0"), PROPERTY("vlan", CELL("\x07")),
                                PROPERTY("isolated", ""), PROPERTY("rate-limit-kbps", "\0\0\x01\0"),
                                PROPERTY("queue-pairs", CELL("\x04"))}};
    const struct device mac = {"virtio_net",
                               {PROPERTY("switch", "lan\0"), PROPERTY("mac", "\x52\x54\0\0\0\1")}};
    const struct device rng = {"virtio_rng", {{NULL, NULL, 0}}};
    const struct device console = {"virtio_console", {PROPERTY("ports", CELL("\x02"))}};
    const struct device vsock = {"virtio_vsock@7", {PROPERTY("cid", CELL("\x03"))}};
    const struct ash_boot_virtio *device;

    (void)state;
    device = accepted(&net);
    assert_int_equal(device->kind, ASH_BOOT_VIRTIO_NET);
    assert_int_equal(device->switch_number, 1);
    assert_int_equal(device->vlan, 7);
    assert_true(device->isolated);
    assert_int_equal(device->rate_kbps, 256);
    assert_int_equal(device->queues, 4);
    assert_false(device->has_mac);
    assert_memory_equal(device->mac, "\x52\x54\0\xa5\3\0", 6); /* vmid, device */
    assert_int_equal(config.switch_count, 2);
    assert_string_equal(config.switches[0].name, "lan");
    assert_int_equal(config.switches[0].ageing_seconds, ASH_BOOT_AGEING);
    assert_int_equal(config.switches[0].rate_kbps, 0);
    assert_int_equal(config.switches[0].floods, ASH_BOOT_FLOODS);
    assert_false(config.switches[0].isolated);
    assert_string_equal(config.switches[1].name, "dmz");
    assert_int_equal(config.switches[1].ageing_seconds, 60);
    assert_int_equal(config.switches[1].rate_kbps, 1000);
    assert_int_equal(config.switches[1].floods, 0);
    assert_true(config.switches[1].isolated);
    device = accepted(&mac);
    assert_int_equal(device->switch_number, 0);
    assert_memory_equal(device->mac, "\x52\x54\0\0\0\1", 6);
    assert_int_equal(device->queues, 1);
    assert_int_equal(accepted(&rng)->kind, ASH_BOOT_VIRTIO_RNG);
    device = accepted(&console);
    assert_int_equal(device->kind, ASH_BOOT_VIRTIO_CONSOLE);
    assert_int_equal(device->ports, 2);
    device = accepted(&vsock);
    assert_int_equal(device->kind, ASH_BOOT_VIRTIO_VSOCK);
    assert_int_equal(device->cid, 3);
}

static void rings_of_any_kind_are_packed_or_split(void **state)
{
    static const struct property switch_or_cid[ASH_BOOT_VIRTIO_KINDS] = {
        [ASH_BOOT_VIRTIO_BLK] = PROPERTY("image", "d\0"),
        [ASH_BOOT_VIRTIO_NET] = PROPERTY("switch", "lan\0"),
        [ASH_BOOT_VIRTIO_VSOCK] = PROPERTY("cid", CELL("\x03")),
    };

    (void)state;
    for (unsigned kind = 0; kind < (unsigned)ASH_BOOT_VIRTIO_KINDS; kind++) {
        const char *name = ash_boot_virtio_kind_name((enum ash_boot_virtio_kind)kind);
        struct device device = {name, {PROPERTY("rings", "split\0"), switch_or_cid[kind]}};

        assert_true(accepted(&device)->split_rings);
        device.property[0] = (struct property)PROPERTY("rings", "packed\0");
        assert_false(accepted(&device)->split_rings);
        device.property[0] = device.property[1];
        device.property[1].name = NULL;
        assert_false(accepted(&device)->split_rings);
    }
}

static void a_kind_has_a_name(void **state)
{
    (void)state;
    assert_string_equal(ash_boot_virtio_kind_name(ASH_BOOT_VIRTIO_VSOCK), "virtio_vsock");
    assert_string_equal(ash_boot_virtio_kind_name(ASH_BOOT_VIRTIO_KINDS), "?");
}

/* ---- Mistakes ---------------------------------------------------------------------------------------------------- */

#define IMAGE PROPERTY("image", "d\0")
#define BLK   "vms.dtb: VM vm0: /vms/vm0/virtio_blk: "
#define NET   "vms.dtb: VM vm0: /vms/vm0/virtio_net: "

static const struct mistake {
    struct device device;
    int code;
    const char *line;
} mistakes[] = {
    {{"virtio_blk", {{NULL, NULL, 0}}},
     ASH_ENOENT,
     BLK "image: is missing; allowed: the name of a file in the bundle; or memory-range, or served-by"},
    {{"virtio_blk", {PROPERTY("image", "\0")}},
     ASH_EFORMAT,
     BLK "image = [00]: is empty; allowed: the name of a file in the bundle"},
    {{"virtio_blk", {IMAGE, IMAGE}}, ASH_EEXIST, BLK "image = \"d\": is given twice; allowed: once"},
    {{"virtio_blk", {IMAGE, PROPERTY("memory-range", "\0\0\0\1\0\0\x10\0\0\0\0\0\0\0\x20\0")}},
     ASH_EFORMAT,
     BLK "memory-range: is given beside image; allowed: one of the two"},
    {{"virtio_blk", {PROPERTY("memory-range", "\0\0\0\1\0\0\x10\0\0\0\0\0\0\0\x20\1")}},
     ASH_EFORMAT,
     BLK "memory-range = <1 4096 0 8193>: is not aligned; allowed: <base-high base-low size-high "
         "size-low>, bytes, multiples of 4 KiB"},
    {{"virtio_blk", {PROPERTY("memory-range", "\0\0\0\1\0\0\x10\0\0\0\0\0\0\0\0\0")}},
     ASH_EFORMAT,
     BLK "memory-range = <1 4096 0 0>: is out of range; allowed: <base-high base-low size-high "
         "size-low>, bytes, multiples of 4 KiB"},
    {{"virtio_blk", {IMAGE, PROPERTY("overlay", ""), PROPERTY("read-only", "")}},
     ASH_EFORMAT,
     BLK "overlay: is given beside read-only; allowed: one of the two"},
    {{"virtio_blk", {IMAGE, PROPERTY("overlay-size", "\0\0\0\0\0\x10\0\0")}},
     ASH_EFORMAT,
     BLK "overlay-size: has no effect without overlay; allowed: leaving it out, or overlay"},
    {{"virtio_blk", {IMAGE, PROPERTY("serial", "123456789012345678901\0")}},
     ASH_EFORMAT,
     BLK "serial = \"123456789012345678901\": is too long; allowed: one string, 20 characters at most"},
    {{"virtio_blk", {IMAGE, PROPERTY("queues", CELL("\x09"))}},
     ASH_EFORMAT,
     BLK "queues = <9>: is out of range; allowed: one cell, 1..8"},
    {{"virtio_blk", {IMAGE, PROPERTY("mac", "\x52\x54\0\0\0\1")}},
     ASH_EFORMAT,
     BLK "mac = [52 54 00 00 00 01]: is an unknown property; allowed: image memory-range read-only overlay "
         "overlay-size serial queues served-by size timeout-ms block-size rings"},
    {{"virtio_blk", {IMAGE, PROPERTY("block-size", "\0\0\x0c\0")}},
     ASH_EFORMAT,
     BLK "block-size = <3072>: is no power of two; allowed: one cell, bytes: 512, 1024, 2048 or 4096"},
    {{"virtio_blk", {IMAGE, PROPERTY("block-size", "\0\0\x20\0")}},
     ASH_EFORMAT,
     BLK "block-size = <8192>: is out of range; allowed: one cell, bytes: 512, 1024, 2048 or 4096"},
    {{"virtio_blk", {IMAGE, PROPERTY("rings", "round\0")}},
     ASH_EFORMAT,
     BLK "rings = \"round\": is unknown; allowed: \"packed\" or \"split\""},
    {{"virtio_blk", {IMAGE, PROPERTY("rings", CELL("\x01"))}},
     ASH_EFORMAT,
     BLK "rings = <1>: is not one string; allowed: \"packed\" or \"split\""},
    {{"virtio_rng", {PROPERTY("source", "x\0")}},
     ASH_EFORMAT,
     "vms.dtb: VM vm0: /vms/vm0/virtio_rng: source = \"x\": is an unknown property; allowed: rings"},
    {{"virtio_net", {{NULL, NULL, 0}}},
     ASH_ENOENT,
     NET "switch: is missing; allowed: the name of a node in /vms/switches"},
    {{"virtio_net", {PROPERTY("switch", "wan\0")}},
     ASH_ENOENT,
     NET "switch = \"wan\": is not there; allowed: the name of a node in /vms/switches"},
    {{"virtio_net", {PROPERTY("switch", "lan\0"), PROPERTY("mac", "\x53\x54\0\0\0\1")}},
     ASH_EFORMAT,
     NET "mac = [53 54 00 00 00 01]: is a group's address; allowed: 6 bytes: [52 54 00 00 00 01]; each of a "
         "switch its own"},
    {{"virtio_net", {PROPERTY("switch", "lan\0"), PROPERTY("vlan", "\0\0\x0f\xff")}},
     ASH_EFORMAT,
     NET "vlan = <4095>: is out of range; allowed: one cell, 0..4094; 0: untagged, as without it"},
    {{"virtio_net", {PROPERTY("switch", "lan\0"), PROPERTY("queue-pairs", CELL("\x09"))}},
     ASH_EFORMAT,
     NET "queue-pairs = <9>: is out of range; allowed: one cell, 1..8"},
    {{"virtio_net", {PROPERTY("switch", "lan\0"), PROPERTY("queues", CELL("\x02"))}},
     ASH_EFORMAT,
     NET
     "queues = <2>: is an unknown property; allowed: switch mac vlan isolated rate-limit-kbps queue-pairs "
     "rings"},
    {{"virtio_console", {PROPERTY("ports", CELL("\0"))}},
     ASH_EFORMAT,
     "vms.dtb: VM vm0: /vms/vm0/virtio_console: ports = <0>: is out of range; allowed: one cell, 1..8"},
    {{"virtio_vsock", {{NULL, NULL, 0}}},
     ASH_ENOENT,
     "vms.dtb: VM vm0: /vms/vm0/virtio_vsock: cid: is missing; allowed: one cell, 3..4294967294, each VM its "
     "own"},
    {{"virtio_vsock", {PROPERTY("cid", CELL("\x02"))}},
     ASH_EFORMAT,
     "vms.dtb: VM vm0: /vms/vm0/virtio_vsock: cid = <2>: is out of range; allowed: one cell, 3..4294967294, "
     "each VM its own"},
    {{"virtio_gpu", {{NULL, NULL, 0}}},
     ASH_EFORMAT,
     "vms.dtb: VM vm0: /vms/vm0: virtio_gpu: is an unknown sub-node; allowed: properties, and virtio_blk "
     "virtio_net virtio_rng virtio_console virtio_vsock"},
    {{"virtio_blkx", {IMAGE}},
     ASH_EFORMAT,
     "vms.dtb: VM vm0: /vms/vm0: virtio_blkx: is an unknown sub-node; allowed: properties, and virtio_blk "
     "virtio_net virtio_rng virtio_console virtio_vsock"},
};

static void each_mistake_is_a_line_with_the_devices_node(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        refuses(&mistakes[i].device, mistakes[i].code, mistakes[i].line);
    }
}

static void eight_devices_are_the_most(void **state)
{
    struct tree tree;

    (void)state;
    for (unsigned count = 8; count <= 9U; count++) {
        begin_vms(&tree);
        node(&tree, "vm0");
        required(&tree, 0);
        for (unsigned i = 0; i < count; i++) {
            char name[16];

            (void)snprintf(name, sizeof(name), "virtio_rng@%u", i);
            node(&tree, name);
            end(&tree);
        }
        end(&tree);
        finish_and_parse(&tree);
        assert_int_equal(vms[0].virtio_count, 8);
        if (count == 9U) {
            assert_fault_says(&vms[0].fault,
                              "/vms/vm0: virtio_rng@8: is one device too many; allowed: 8 virtio devices");
        } else {
            assert_int_equal(vms[0].fault.code, ASH_OK);
        }
    }
}

/* ---- Between devices --------------------------------------------------------------------------------------------- */

static const struct device lan1 = {"virtio_net@0",
                                   {PROPERTY("switch", "lan\0"), PROPERTY("mac", "\x52\x54\0\0\0\1")}};
static const struct device lan1_again = {"virtio_net@1",
                                         {PROPERTY("switch", "lan\0"), PROPERTY("mac", "\x52\x54\0\0\0\1")}};
static const struct device dmz1 = {"virtio_net@1",
                                   {PROPERTY("switch", "dmz\0"), PROPERTY("mac", "\x52\x54\0\0\0\1")}};
static const struct device derived = {"virtio_net@1", {PROPERTY("switch", "lan\0")}};
static const struct device cid3 = {"virtio_vsock", {PROPERTY("cid", CELL("\x03"))}};
static const struct device cid4 = {"virtio_vsock@1", {PROPERTY("cid", CELL("\x04"))}};

static void an_address_is_one_devices_on_a_switch(void **state)
{
    (void)state;
    parse_devices(&lan1, &dmz1, &dmz1);
    assert_int_equal(vms[0].fault.code, ASH_OK);
    assert_fault_says(&vms[1].fault,
                      "/vms/vm1/virtio_net@1: mac = [52 54 00 00 00 01]: is another device's already");
    parse_devices(&lan1, &lan1_again, NULL);
    assert_fault_says(&vms[0].fault,
                      "/vms/vm0/virtio_net@1: mac = [52 54 00 00 00 01]: is another device's already");
    assert_int_equal(vms[0].fault.code, ASH_EEXIST);
    parse_devices(&lan1, NULL, &lan1);
    assert_int_equal(vms[0].fault.code, ASH_OK);
    assert_int_equal(vms[1].fault.code, ASH_EEXIST);
    parse_devices(&derived, &lan1, &derived);
    assert_int_equal(vms[0].fault.code, ASH_OK);
    assert_int_equal(vms[1].fault.code, ASH_OK);
}

static void a_context_id_is_one_vms(void **state)
{
    (void)state;
    parse_devices(&cid3, NULL, &cid4);
    assert_int_equal(vms[0].fault.code, ASH_OK);
    assert_int_equal(vms[1].fault.code, ASH_OK);
    parse_devices(&cid3, NULL, &cid3);
    assert_fault_says(&vms[1].fault, "/vms/vm1/virtio_vsock: cid = <3>: is another VM's already");
    parse_devices(&cid3, &cid4, NULL);
    assert_fault_says(&vms[0].fault,
                      "/vms/vm0/virtio_vsock@1: is a second one; allowed: one virtio_vsock a VM");
}

/* ---- Switches ---------------------------------------------------------------------------------------------------- */

static void parse_switches(const char *name, const char *other, const char *property, const void *value,
                           size_t size)
{
    struct tree tree;

    begin_vms(&tree);
    simple_vm(&tree, "vm0", 1);
    node(&tree, "switches");
    node(&tree, name);
    if (property != NULL) {
        bytes(&tree, property, value, size);
    }
    end(&tree);
    if (other != NULL) {
        node(&tree, other);
        end(&tree);
    }
    end(&tree);
    finish_and_parse(&tree);
    assert_int_equal(config.count, 1);
    assert_int_equal(vms[0].fault.code, ASH_OK);
}

static void a_switchs_mistakes_are_told_and_cost_no_vm(void **state)
{
    (void)state;
    parse_switches("lan", "lan", NULL, NULL, 0);
    assert_fault_says(&config.fault, "/vms/switches: lan: is there twice; allowed: each switch its own name");
    assert_int_equal(config.switch_count, 1);
    parse_switches("a-name-of-thirty-two-characters-", NULL, NULL, NULL, 0);
    assert_fault_says(&config.fault, "has too long a name");
    assert_int_equal(config.switch_count, 0);
    parse_switches("lan", NULL, "ageing-seconds", "\0\0\0\0", 4);
    assert_fault_says(&config.fault,
                      "/vms/switches: ageing-seconds: is out of range; allowed: one cell, seconds, 1..86400");
    assert_int_equal(config.switches[0].ageing_seconds, ASH_BOOT_AGEING);
    parse_switches("lan", NULL, "floods-per-second", "\0\x0f\x42\x41", 4);
    assert_fault_says(&config.fault,
                      "floods-per-second: is out of range; allowed: one cell, frames, 0..1000000; 0: "
                      "no limit");
    parse_switches("lan", NULL, "color", "x", 2);
    assert_fault_says(&config.fault,
                      "color: is an unknown property; allowed: ageing-seconds rate-limit-kbps isolated "
                      "floods-per-second");
    parse_switches("lan", NULL, "phandle", "\0\0\0\1", 4);
    assert_int_equal(config.fault.code, ASH_OK);
}

static void switches_are_one_node_of_nodes(void **state)
{
    struct tree tree;

    (void)state;
    begin_vms(&tree);
    simple_vm(&tree, "vm0", 1);
    node(&tree, "switches");
    node(&tree, "lan");
    node(&tree, "inner");
    cells(&tree, "ageing-seconds", 1);
    end(&tree);
    end(&tree);
    end(&tree);
    finish_and_parse(&tree);
    assert_fault_says(&config.fault, "/vms/switches: inner: is an unknown sub-node");
    assert_int_equal(config.switches[0].ageing_seconds, ASH_BOOT_AGEING);
    begin_vms(&tree);
    simple_vm(&tree, "vm0", 1);
    node(&tree, "switches");
    cells(&tree, "ports", 1);
    for (unsigned i = 0; i < 9U; i++) {
        char name[] = {(char)('a' + i), '\0'};

        node(&tree, name);
        end(&tree);
    }
    end(&tree);
    put_switch(&tree);
    finish_and_parse(&tree);
    assert_fault_says(&config.fault,
                      "/vms/switches: ports: is an unknown property; allowed: one sub-node a switch");
    assert_int_equal(config.switch_count, 8);
}

/** A port's node without its end, nor its switch. */
static void a_tree_that_is_cut_off_in_a_device_is_refused(void **state)
{
    static uint64_t cut[1024];
    struct tree tree;
    size_t size;
    uint32_t word;

    (void)state;
    begin_vms(&tree);
    node(&tree, "vm0");
    required(&tree, 0);
    node(&tree, "virtio_net");
    end(&tree);
    end(&tree);
    end(&tree);
    size = tree_finish(&tree);
    assert_true(size <= sizeof(cut));
    memcpy(cut, tree.bytes, size);
    for (size_t at = 0; at + 4U <= size; at += 4U) { /* one end after the other becomes nonsense */
        memcpy(&word, (const uint8_t *)tree.bytes + at, sizeof(word));
        if (word != cpu_to_fdt32(FDT_END_NODE)) {
            continue;
        }
        memset((uint8_t *)cut + at, 0xFF, sizeof(word));
        assert_int_equal(parse(cut, size), ASH_EFORMAT);
        assert_int_equal(config.count, 0);
        memcpy((uint8_t *)cut + at, &word, sizeof(word));
    }
}

static void a_raspberry_pi_has_no_virtio(void **state)
{
    struct tree tree;

    (void)state;
    begin_vms(&tree);
    node(&tree, "vm0");
    required(&tree, 0);
    string(&tree, "machine", "bcm2837");
    node(&tree, "virtio_rng");
    end(&tree);
    end(&tree);
    finish_and_parse(&tree);
    assert_fault_says(&vms[0].fault, "/vms/vm0: virtio: is given, and a bcm2837 has no virtio");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_disk_has_an_image_or_a_range),
        cmocka_unit_test(the_other_kinds_have_what_is_theirs),
        cmocka_unit_test(rings_of_any_kind_are_packed_or_split),
        cmocka_unit_test(a_kind_has_a_name),
        cmocka_unit_test(each_mistake_is_a_line_with_the_devices_node),
        cmocka_unit_test(eight_devices_are_the_most),
        cmocka_unit_test(an_address_is_one_devices_on_a_switch),
        cmocka_unit_test(a_context_id_is_one_vms),
        cmocka_unit_test(a_switchs_mistakes_are_told_and_cost_no_vm),
        cmocka_unit_test(switches_are_one_node_of_nodes),
        cmocka_unit_test(a_tree_that_is_cut_off_in_a_device_is_refused),
        cmocka_unit_test(a_raspberry_pi_has_no_virtio),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
