/* SPDX-License-Identifier: BSD-2-Clause */
/* Pipes between the VMs' consoles, and disks that are served by one. */
#include "config_fixture.h"

#define MOST 5U

/** VM number i has the devices of device[i]. Lists and strings are with their NUL. */
struct device {
    const char *pipes;  /* of a virtio_console; NULL: not given */
    size_t size;        /* bytes of that */
    const char *served; /* of a virtio_blk; NULL: not given */
    unsigned ports;     /* 0: not given */
};

#define PIPES(list)                                                                                          \
    {                                                                                                        \
        .pipes = (list), .size = sizeof(list)                                                                \
    }
#define SERVED(name)                                                                                         \
    {                                                                                                        \
        .served = (name)                                                                                     \
    }

static void put(struct tree *tree, const struct device *device)
{
    if (device->pipes != NULL || device->ports != 0U) {
        node(tree, "virtio_console");
        if (device->pipes != NULL) {
            bytes(tree, "pipes", device->pipes, device->size);
        }
        if (device->ports != 0U) {
            cells(tree, "ports", device->ports);
        }
        end(tree);
    }
    if (device->served != NULL) {
        node(tree, "virtio_blk");
        string(tree, "served-by", device->served);
        bytes(tree, "size", "\0\0\0\0\0\x10\0\0", 8);
        end(tree);
    }
}

static void parse_vms(const struct device *devices, unsigned count)
{
    static const char *const names[MOST] = {"vm0", "vm1", "vm2", "vm3", "vm4"};
    struct tree tree;

    begin_vms(&tree);
    for (unsigned i = 0; i < count; i++) {
        node(&tree, names[i]);
        required(&tree, i);
        put(&tree, &devices[i]);
        end(&tree);
    }
    finish_and_parse(&tree);
    assert_int_equal(config.count, count);
}

/** The others are well. */
static void refuses(const struct device *devices, unsigned count, unsigned which, const char *what)
{
    parse_vms(devices, count);
    for (unsigned i = 0; i < count; i++) {
        if (i == which) {
            assert_fault_says(&vms[i].fault, what);
        } else {
            assert_int_equal(vms[i].fault.code, ASH_OK);
        }
    }
}

static void a_pipe_is_a_name_that_two_vms_have(void **state)
{
    const struct device devices[] = {
        PIPES("log\0disk"), {.pipes = "log", .size = 4, .ports = 3}, SERVED("disk")};

    (void)state;
    parse_vms(devices, 3);
    for (unsigned i = 0; i < 3U; i++) {
        assert_int_equal(vms[i].fault.code, ASH_OK);
    }
    assert_int_equal(vms[0].virtio[0].pipe_count, 2);
    assert_int_equal(vms[0].virtio[0].ports, 3);
    assert_string_equal(ash_boot_pipe_name(&vms[0].virtio[0], 0), "log");
    assert_string_equal(ash_boot_pipe_name(&vms[0].virtio[0], 1), "disk");
    assert_int_equal(vms[1].virtio[0].ports, 3);
    assert_int_equal(vms[2].virtio[0].pipe_count, 1);
    assert_string_equal(ash_boot_pipe_name(&vms[2].virtio[0], 0), "disk");
    assert_int_equal(vms[2].virtio[0].size, 0x100000);
    assert_int_equal(vms[2].virtio[0].timeout_ms, 0);
    assert_null(vms[2].virtio[0].image);
}

static void a_pipe_has_two_ends_in_two_vms(void **state)
{
    const struct device alone[] = {PIPES("log"), {.ports = 2}};
    const struct device both[] = {PIPES("a\0a"), PIPES("b"), PIPES("b")};
    const struct device itself[] = {{.pipes = "a", .size = 2, .served = "a"}, PIPES("b"), PIPES("b")};
    const struct device third[] = {PIPES("log"), PIPES("log"), PIPES("log")};
    const struct device disks[] = {SERVED("a"), PIPES("a"), SERVED("a")};
    const struct device two_disks[] = {SERVED("a"), SERVED("a")};

    (void)state;
    refuses(alone, 2, 0,
            "/vms/vm0/virtio_console: pipes = \"log\": has no other end; allowed: a name that two VMs have: "
            "one in "
            "its virtio_console's pipes, the other likewise or as served-by");
    refuses(both, 3, 0, "/vms/vm0/virtio_console: pipes = \"a\": has two ends in one VM");
    refuses(itself, 3, 0, "/vms/vm0/virtio_console: pipes = \"a\": has two ends in one VM");
    refuses(third, 3, 2, "/vms/vm2/virtio_console: pipes = \"log\": has two ends already");
    refuses(disks, 3, 2, "/vms/vm2/virtio_blk: served-by = \"a\": has two ends already");
    refuses(two_disks, 2, 1, "/vms/vm1/virtio_blk: served-by = \"a\": is a disk's at both ends");
}

/** Whoever has the other end may be refused for something else: that is no mistake of this one's. */
static void the_other_end_may_be_of_a_vm_that_is_refused(void **state)
{
    struct tree tree;

    (void)state;
    begin_vms(&tree);
    node(&tree, "vm0");
    required(&tree, 0);
    put(&tree, &(struct device)PIPES("log"));
    end(&tree);
    node(&tree, "vm1");
    required(&tree, 0); /* vm0's number */
    put(&tree, &(struct device)PIPES("log"));
    end(&tree);
    node(&tree, "vm2");
    required(&tree, 2);
    put(&tree, &(struct device)PIPES("log"));
    end(&tree);
    finish_and_parse(&tree);
    assert_int_equal(vms[0].fault.code, ASH_OK);
    assert_int_equal(vms[1].fault.code, ASH_EEXIST);
    assert_int_equal(vms[2].fault.code, ASH_OK); /* the second that there is */
}

/** Nothing is read of a VM behind its first mistake: that it has no end of the pipe cannot be said. */
static void a_vm_that_was_not_read_may_have_the_other_end(void **state)
{
    struct tree tree;

    (void)state;
    begin_vms(&tree);
    node(&tree, "vm0");
    required(&tree, 0);
    put(&tree, &(struct device)PIPES("log"));
    end(&tree);
    node(&tree, "vm1");
    required(&tree, 1);
    cells(&tree, "vcpus", 99);
    put(&tree, &(struct device)PIPES("log"));
    end(&tree);
    finish_and_parse(&tree);
    assert_int_equal(vms[0].fault.code, ASH_OK);
    assert_fault_says(&vms[1].fault, "vcpus = <99>");
    assert_int_equal(vms[1].virtio_count, 0);
}

static void names_and_ports_are_judged(void **state)
{
    const struct device no_string[] = {{.pipes = "log", .size = 3}};
    const struct device nothing[] = {{.pipes = "log", .size = 0}};
    const struct device empty[] = {PIPES("log\0")};
    const struct device letters[] = {PIPES("a b")};
    const struct device eight[] = {PIPES("1\0"
                                         "2\0"
                                         "3\0"
                                         "4\0"
                                         "5\0"
                                         "6\0"
                                         "7\0"
                                         "8")};
    const struct device few[] = {{.pipes = "a\0b", .size = 4, .ports = 2}};

    (void)state;
    refuses(no_string, 1, 0, "pipes = [6c 6f 67]: is no string");
    refuses(nothing, 1, 0, "is no string");
    refuses(empty, 1, 0, "has a name that is empty, too long or has other characters");
    refuses(letters, 1, 0,
            "has a name that is empty, too long or has other characters; allowed: 1..7 names, each "
            "1..31 letters, digits, '-', '_', '.'");
    refuses(eight, 1, 0, "has too many names");
    refuses(few, 1, 0,
            "/vms/vm0/virtio_console: ports: are too few for the pipes; allowed: one more than there are "
            "pipes, or leaving it out");
}

/* ---- A disk that is served --------------------------------------------------------------------------------------- */

struct property {
    const char *name;
    const char *bytes;
    size_t size;
};

static void refuses_disk(const struct property *properties, unsigned count, const char *what)
{
    struct tree tree;

    begin_vms(&tree);
    node(&tree, "vm0");
    required(&tree, 0);
    node(&tree, "virtio_blk");
    for (unsigned i = 0; i < count; i++) {
        bytes(&tree, properties[i].name, properties[i].bytes, properties[i].size);
    }
    end(&tree);
    end(&tree);
    node(&tree, "vm1");
    required(&tree, 1);
    put(&tree, &(struct device)PIPES("d"));
    end(&tree);
    finish_and_parse(&tree);
    assert_fault_says(&vms[0].fault, what);
}

static void a_served_disk_says_how_large_it_is_and_nothing_of_a_file(void **state)
{
    const struct property by = {"served-by", "d", 2}, size = {"size", "\0\0\0\0\0\x10\0\0", 8};
    const struct property none[] = {by};
    const struct property odd[] = {by, {"size", "\0\0\0\0\0\x10\0\1", 8}};
    const struct property zero[] = {by, {"size", "\0\0\0\0\0\0\0\0", 8}};
    const struct property huge[] = {by, {"size", "\0\4\0\0\0\0\2\0", 8}};
    const struct property cell[] = {by, {"size", "\0\x10\0\0", 4}};
    const struct property image[] = {by, size, {"image", "f", 2}};
    const struct property range[] = {by, size, {"memory-range", "\0\0\0\1\0\0\x10\0\0\0\0\0\0\0\x20\0", 16}};
    const struct property overlay[] = {by, size, {"overlay", "", 0}};
    const struct property queues[] = {by, size, {"queues", CELL("\2"), 4}};
    const struct property no_size[] = {{"image", "f", 2}, size};
    const struct property timeout[] = {{"image", "f", 2}, {"timeout-ms", CELL("\2"), 4}};
    const struct property late[] = {by, size, {"timeout-ms", CELL("\0"), 4}};
    const struct property two[] = {size, {"served-by", "d\0e", 4}};

    (void)state;
    refuses_disk(none, 1,
                 "size: is missing; allowed: <size-high size-low>, bytes, a multiple of 512, at most 1 PiB");
    refuses_disk(odd, 2, "size = <0 0x100001>: is not aligned");
    refuses_disk(zero, 2, "is out of range");
    refuses_disk(huge, 2, "is out of range");
    refuses_disk(cell, 2, "is not a number of the right width");
    refuses_disk(image, 3, "served-by: is given beside image; allowed: one of the two");
    refuses_disk(range, 3, "served-by: is given beside memory-range; allowed: one of the two");
    refuses_disk(overlay, 3, "overlay: has no effect with served-by");
    refuses_disk(queues, 3, "queues: has no effect with served-by");
    refuses_disk(no_size, 2, "size: has no effect without served-by");
    refuses_disk(timeout, 2, "timeout-ms: has no effect without served-by");
    refuses_disk(late, 3, "timeout-ms = <0>: is out of range; allowed: one cell, milliseconds, 1..3600000");
    refuses_disk(two, 2, "has too many names; allowed: the name of a pipe");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pipe_is_a_name_that_two_vms_have),
        cmocka_unit_test(a_pipe_has_two_ends_in_two_vms),
        cmocka_unit_test(the_other_end_may_be_of_a_vm_that_is_refused),
        cmocka_unit_test(a_vm_that_was_not_read_may_have_the_other_end),
        cmocka_unit_test(names_and_ports_are_judged),
        cmocka_unit_test(a_served_disk_says_how_large_it_is_and_nothing_of_a_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
