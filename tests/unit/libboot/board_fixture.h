/* SPDX-License-Identifier: BSD-2-Clause */
/** For the tests of a board's tree: boards, and what is read of them. */
#ifndef LIBBOOT_BOARD_FIXTURE_H
#define LIBBOOT_BOARD_FIXTURE_H

#include <stdbool.h>

#include <libboot/board.h>

#include "fixture.h"

static struct ash_boot_board board;
static struct ash_boot_fault fault;

static inline void cpu(struct tree *tree, const char *name, uint32_t reg)
{
    node(tree, name);
    string(tree, "device_type", "cpu");
    string(tree, "compatible", "arm,cortex-a53");
    cells(tree, "reg", reg);
    string(tree, "enable-method", "psci");
    end(tree);
}

static inline void gic_v3(struct tree *tree)
{
    node(tree, "intc@8000000");
    string(tree, "compatible", "arm,gic-v3");
    cells(tree, "#interrupt-cells", 3);
    cells(tree, "reg", 0, 0x08000000, 0, 0x10000, 0, 0x080A0000, 0, 0xF60000);
    cells(tree, "interrupts", 1, 9, 4);
    cells(tree, "ranges", 0);
    end(tree);
}

/** As Linux describes a Raspberry Pi 3 (Documentation/devicetree/bindings): a node of each kind that is read. @skip:
 *  one that is left out. */
static inline void make_pi3(struct tree *tree, const char *skip, bool has_stdout_path)
{
    static const struct {
        const char *name;
        const char *compatible;
        uint32_t reg[2];
        uint32_t interrupt[2];
        uint32_t phandle;
        uint32_t parent;
    } devices[] = {
        {"watchdog@7e100000", "brcm,bcm2835-pm-wdt", {0x7E100000, 0x114}, {0, 0}, 0x30, 0},
        {"mailbox@7e00b880", "brcm,bcm2835-mbox", {0x7E00B880, 0x40}, {0, 1}, 0x31, 0},
        {"serial@7e201000", "arm,pl011", {0x7E201000, 0x200}, {2, 25}, 0x32, 0},
        {"serial@7e215040", "brcm,bcm2835-aux-uart", {0x7E215040, 0x40}, {1, 29}, 0x33, 0},
        {"interrupt-controller@7e00b200", "brcm,bcm2836-armctrl-ic", {0x7E00B200, 0x200}, {8, 4}, 1, 0x18},
        {"local_intc@40000000", "brcm,bcm2836-l1-intc", {0x40000000, 0x100}, {0, 0}, 0x18, 0x18},
        {"rng@7e104000", "brcm,bcm2835-rng", {0x7E104000, 0x10}, {2, 29}, 0x34, 0},
    };

    tree_begin(tree);
    tree_ok(fdt_add_reservemap_entry(tree->bytes, 0, 0x1000));
    tree_root(tree);
    cells(tree, "#address-cells", 1);
    cells(tree, "#size-cells", 1);
    cells(tree, "interrupt-parent", 1);
    node(tree, "aliases");
    string(tree, "serial0", "/soc/serial@7e201000");
    string(tree, "serial1", "/soc/serial@7e215040");
    end(tree);
    node(tree, "chosen");
    if (has_stdout_path) {
        string(tree, "stdout-path", "serial1:115200n8");
    }
    cells(tree, "linux,initrd-start", 0x08000000);
    cells(tree, "linux,initrd-end", 0x08100000);
    end(tree);
    node(tree, "soc");
    string(tree, "compatible", "simple-bus");
    cells(tree, "#address-cells", 1);
    cells(tree, "#size-cells", 1);
    cells(tree, "ranges", 0x7E000000, 0x3F000000, 0x01000000, 0x40000000, 0x40000000, 0x1000);
    for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
        if (strcmp(devices[i].name, skip) == 0) {
            continue;
        }
        node(tree, devices[i].name);
        string(tree, "compatible", devices[i].compatible);
        cells_of(tree, "reg", devices[i].reg, 2);
        cells_of(tree, "interrupts", devices[i].interrupt, 2);
        cells(tree, "phandle", devices[i].phandle);
        if (devices[i].parent != 0U) {
            cells(tree, "interrupt-parent", devices[i].parent);
        }
        end(tree);
    }
    end(tree);
    node(tree, "timer");
    string(tree, "compatible", "arm,armv7-timer");
    cells(tree, "interrupt-parent", 0x18);
    cells(tree, "interrupts", 0, 4, 1, 4, 3, 4, 2, 4);
    end(tree);
}

static inline void uart(struct tree *tree, const char *name, uint32_t base, uint32_t spi)
{
    node(tree, name);
    bytes(tree, "compatible", "arm,pl011\0arm,primecell", 24);
    cells(tree, "reg", 0, base, 0, 0x1000);
    cells(tree, "interrupts", 0, spi, 4);
    end(tree);
}

/** A board as QEMU's virt describes itself: everything at the top, no buses. */
static inline void make_virt(struct tree *tree)
{
    tree_begin(tree);
    tree_ok(fdt_add_reservemap_entry(tree->bytes, 0x48000000, 0x1000));
    tree_root(tree);
    cells(tree, "interrupt-parent", 1);
    string(tree, "model", "linux,dummy-virt");
    cells(tree, "#size-cells", 2);
    cells(tree, "#address-cells", 2);
    bytes(tree, "compatible", "linux,dummy-virt\0other", 23);
    node(tree, "psci");
    cells(tree, "migrate", 1);
    string(tree, "method", "smc");
    bytes(tree, "compatible", "arm,psci-1.0\0arm,psci-0.2\0arm,psci", 35);
    end(tree);
    node(tree, "secram@e000000");
    string(tree, "status", "disabled");
    string(tree, "device_type", "memory");
    cells(tree, "reg", 0, 0x0E000000, 0, 0x1000000);
    end(tree);
    node(tree, "memory@40000000");
    cells(tree, "reg", 0, 0x40000000, 0, 0x80000000);
    string(tree, "device_type", "memory");
    end(tree);
    node(tree, "reserved-memory");
    cells(tree, "#address-cells", 2);
    cells(tree, "#size-cells", 2);
    flag(tree, "ranges");
    node(tree, "firmware@41000000");
    cells(tree, "reg", 0, 0x41000000, 0, 0x10000, 0, 0x42000000, 0, 0x2000);
    flag(tree, "no-map");
    end(tree);
    node(tree, "log@43000000");
    cells(tree, "reg", 0, 0x43000000, 0, 0x3000);
    end(tree);
    node(tree, "anywhere");
    cells(tree, "size", 0, 0x3000);
    end(tree);
    end(tree);
    uart(tree, "pl011@9000000", 0x09000000, 1);
    uart(tree, "pl011@9040000", 0x09040000, 8);
    node(tree, "pl031@9010000");
    bytes(tree, "compatible", "arm,pl031\0arm,primecell", 24);
    cells(tree, "reg", 0, 0x09010000, 0, 0x1000);
    end(tree);
    gic_v3(tree);
    node(tree, "timer");
    cells(tree, "interrupts", 1, 13, 0x104, 1, 14, 0x104, 1, 11, 0x104, 1, 10, 0x104);
    string(tree, "compatible", "arm,armv8-timer");
    end(tree);
    node(tree, "cpus");
    cells(tree, "#address-cells", 1);
    cells(tree, "#size-cells", 0);
    node(tree, "cpu-map");
    end(tree);
    cpu(tree, "cpu@0", 0);
    cpu(tree, "cpu@1", 1);
    cpu(tree, "cpu@100", 0x100);
    end(tree);
    node(tree, "chosen");
    string(tree, "stdout-path", "/pl011@9000000");
    string(tree, "bootargs", "ashlar.nonce=5f");
    cells(tree, "linux,initrd-start", 0, 0x48001000);
    cells(tree, "linux,initrd-end", 0, 0x49000000);
    bytes(tree, "rng-seed", "0123456789abcdef0123456789abcdef", 32);
    bytes(tree, "kaslr-seed", "01234567", 8);
    end(tree);
}

static inline int read_board(const void *data, size_t size, struct ash_boot_fault *where)
{
    int result = ash_boot_board_read(&board, data, size, where);

    if (result != ASH_OK) {
        return result;
    }
    assert_true(board.memory_count <= ASH_BOOT_BOARD_MEMORY_MAX);
    assert_true(board.reserved_count <= ASH_BOOT_BOARD_RESERVED_MAX);
    assert_true(board.cpu_count <= ASH_BOOT_BOARD_CPUS_MAX);
    assert_true(board.gicr_count <= ASH_BOOT_BOARD_GICR_MAX);
    for (unsigned i = 0; i < board.memory_count; i++) {
        assert_true(board.memory[i].size != 0U);
        assert_true(board.memory[i].base.value + board.memory[i].size > board.memory[i].base.value);
    }
    assert_true(strlen(board.console_path) < sizeof(board.console_path));
    assert_true(board.bootargs == NULL || strlen(board.bootargs) < size);
    assert_true(board.model == NULL || strlen(board.model) < size);
    assert_true(board.compatible == NULL || strlen(board.compatible) < size);
    assert_true(board.rng_seed.size == 0U || board.rng_seed_offset + board.rng_seed.size <= size);
    return ASH_OK;
}

static inline void finish_and_read(struct tree *tree)
{
    size_t size = tree_finish(tree);

    assert_int_equal(read_board(tree->bytes, size, &fault), ASH_OK);
    assert_int_equal(fault.code, ASH_OK);
    assert_int_equal(board.tree_size, size);
}

static inline void finish_and_refuse(struct tree *tree, int code, const char *what)
{
    assert_int_equal(read_board(tree->bytes, tree_finish(tree), &fault), code);
    assert_int_equal(fault.code, code);
    assert_string_equal(fault.file, "device tree");
    assert_fault_says(&fault, what);
}

static inline void assert_region(const struct ash_boot_region *region, uint64_t base, uint64_t size)
{
    assert_int_equal(region->base.value, base);
    assert_int_equal(region->size, size);
}

static inline void begin_empty(struct tree *tree)
{
    tree_begin(tree);
    tree_root(tree);
    cells(tree, "#address-cells", 2);
    cells(tree, "#size-cells", 2);
}

#endif
