/* SPDX-License-Identifier: BSD-2-Clause */
/** For the tests of vms.dts: trees with VMs, and what the parser says to them. */
#ifndef LIBBOOT_CONFIG_FIXTURE_H
#define LIBBOOT_CONFIG_FIXTURE_H

#include <stdbool.h>

#include <libboot/config.h>

#include "fixture.h"

#define MIB UINT64_C(0x100000)

static struct ash_boot_vm vms[4];
static struct ash_boot_config config;

static inline void begin_vms(struct tree *tree)
{
    tree_begin(tree);
    tree_root(tree);
    node(tree, "vms");
}

/** What every VM must have. */
static inline void required(struct tree *tree, uint32_t vmid)
{
    string(tree, "device_type", "virtual_machine");
    cells(tree, "vmid", vmid);
    cells(tree, "memory", 0, 0x20000000);
    string(tree, "kernel", "Image");
}

static inline void simple_vm(struct tree *tree, const char *name, uint32_t vmid)
{
    node(tree, name);
    required(tree, vmid);
    end(tree);
}

static inline int parse(const void *data, size_t size)
{
    memset(vms, 0xA5, sizeof(vms));
    memset(&config, 0xA5, sizeof(config));
    config.vms = vms;
    config.capacity = 4;
    config.cpus = 4;
    config.file = NULL;
    return ash_boot_config_parse(&config, data, size);
}

static inline void finish_and_parse(struct tree *tree)
{
    end(tree); /* vms */
    assert_int_equal(parse(tree->bytes, tree_finish(tree)), ASH_OK);
}

static inline void make_example(struct tree *tree)
{
    static const uint8_t seed[8] = {1, 2, 3, 4, 5, 6, 7, 8};

    tree_begin(tree);
    tree_root(tree);
    string(tree, "model", "a board");
    node(tree, "vms-not-these");
    end(tree);
    node(tree, "vms");
    cells(tree, "#address-cells", 1);
    node(tree, "vm0");
    required(tree, 1);
    string(tree, "vm_name", "linux");
    string(tree, "type", "linux");
    cells(tree, "vcpus", 2);
    cells(tree, "vcpu_affinity", 3, 1);
    string(tree, "ramdisk", "initrd");
    string(tree, "bootargs", "console=ttyAMA0 quiet");
    bytes(tree, "rng-seed", seed, sizeof(seed));
    cells(tree, "vm_32bit", 0);
    cells(tree, "phandle", 1);
    end(tree);
    node(tree, "vm1");
    string(tree, "device_type", "virtual_machine");
    cells(tree, "vmid", 2);
    string(tree, "type", "bare");
    cells(tree, "memory", 0, 0x80000000, 0, 0x200000);
    string(tree, "kernel", "beat.bin");
    cells(tree, "entry", 0, 0x80080000);
    string(tree, "cmdline", "fast");
    end(tree);
    end(tree);
    node(tree, "soc");
    node(tree, "vm9");
    end(tree);
    end(tree);
}

/** A VM that has what it must, and one more property; vm1 beside it must be usable whatever that property is. */
static inline const struct ash_boot_fault *with(const char *name, const void *data, size_t size)
{
    struct tree tree;

    begin_vms(&tree);
    node(&tree, "vm0");
    required(&tree, 0);
    bytes(&tree, name, data, size);
    end(&tree);
    simple_vm(&tree, "vm1", 1);
    finish_and_parse(&tree);
    assert_int_equal(config.count, 2);
    assert_int_equal(config.fault.code, ASH_OK);
    assert_int_equal(vms[1].fault.code, ASH_OK);
    return &vms[0].fault;
}

static inline void refused(const char *name, const void *data, size_t size, int code, const char *line_part)
{
    const struct ash_boot_fault *fault = with(name, data, size);

    assert_int_equal(fault->code, code);
    assert_string_equal(fault->file, "vms.dtb");
    assert_string_equal(fault->node, "/vms/vm0");
    assert_string_equal(fault->property, name);
    assert_non_null(fault->allowed);
    assert_fault_says(fault, line_part);
}

#define CELL(n)                "\0\0\0" n
#define ACCEPTED(name, s)      assert_int_equal(with(name, s, sizeof(s) - 1U)->code, ASH_OK)
#define REFUSED(name, s, what) refused(name, s, sizeof(s) - 1U, ASH_EFORMAT, what)

#endif
