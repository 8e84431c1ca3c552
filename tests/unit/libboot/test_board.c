/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdbool.h>

#include <libboot/board.h>

#include "fixture.h"

static struct ash_boot_board board;
static struct ash_boot_fault fault;

static void cpu(struct tree *tree, const char *name, uint32_t reg)
{
    node(tree, name);
    string(tree, "device_type", "cpu");
    string(tree, "compatible", "arm,cortex-a53");
    cells(tree, "reg", reg);
    string(tree, "enable-method", "psci");
    end(tree);
}

static void gic_v3(struct tree *tree)
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
static void make_pi3(struct tree *tree, const char *skip, bool has_stdout_path)
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

static void uart(struct tree *tree, const char *name, uint32_t base, uint32_t spi)
{
    node(tree, name);
    bytes(tree, "compatible", "arm,pl011\0arm,primecell", 24);
    cells(tree, "reg", 0, base, 0, 0x1000);
    cells(tree, "interrupts", 0, spi, 4);
    end(tree);
}

/** A board as QEMU's virt describes itself: everything at the top, no buses. */
static void make_virt(struct tree *tree)
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

static int read_board(const void *data, size_t size, struct ash_boot_fault *where)
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

static void finish_and_read(struct tree *tree)
{
    size_t size = tree_finish(tree);

    assert_int_equal(read_board(tree->bytes, size, &fault), ASH_OK);
    assert_int_equal(fault.code, ASH_OK);
    assert_int_equal(board.tree_size, size);
}

static void finish_and_refuse(struct tree *tree, int code, const char *what)
{
    assert_int_equal(read_board(tree->bytes, tree_finish(tree), &fault), code);
    assert_int_equal(fault.code, code);
    assert_string_equal(fault.file, "device tree");
    assert_fault_says(&fault, what);
}

static void assert_region(const struct ash_boot_region *region, uint64_t base, uint64_t size)
{
    assert_int_equal(region->base.value, base);
    assert_int_equal(region->size, size);
}

static void a_virt_board_is_read_whole(void **state)
{
    struct tree tree;

    (void)state;
    make_virt(&tree);
    finish_and_read(&tree);
    assert_string_equal(board.model, "linux,dummy-virt");
    assert_string_equal(board.compatible, "linux,dummy-virt");
    assert_int_equal(board.memory_count, 1);
    assert_region(&board.memory[0], 0x40000000, 0x80000000);
    assert_int_equal(board.reserved_count, 4);
    assert_region(&board.reserved[0].region, 0x41000000, 0x10000);
    assert_true(board.reserved[0].no_map);
    assert_region(&board.reserved[1].region, 0x42000000, 0x2000);
    assert_true(board.reserved[1].no_map);
    assert_region(&board.reserved[2].region, 0x43000000, 0x3000);
    assert_false(board.reserved[2].no_map);
    assert_region(&board.reserved[3].region, 0x48000000, 0x1000); /* /memreserve */
    assert_false(board.reserved[3].no_map);
    assert_int_equal(board.cpu_count, 3);
    assert_int_equal(board.cpus_left_out, 0);
    assert_int_equal(board.cpus[2].mpidr, 0x100);
    assert_int_equal(board.cpus[2].enable, ASH_BOOT_ENABLE_PSCI);
    assert_int_equal(board.psci, ASH_BOOT_PSCI_SMC);
}

static void the_interrupt_controller_and_timers_are_read(void **state)
{
    static const uint32_t intids[] = {29, 30, 27, 26};
    struct tree tree;

    (void)state;
    make_virt(&tree);
    finish_and_read(&tree);
    assert_int_equal(board.gic, ASH_BOOT_GIC_V3);
    assert_region(&board.gicd, 0x08000000, 0x10000);
    assert_int_equal(board.gicr_count, 1);
    assert_region(&board.gicr[0], 0x080A0000, 0xF60000);
    assert_int_equal(board.gicr_stride, 0);
    assert_int_equal(board.gicc.size, 0);
    assert_int_equal(board.maintenance.intid, 25);
    assert_int_equal(board.maintenance.flags, 4);
    for (unsigned i = 0; i < ASH_BOOT_TIMER_COUNT; i++) {
        assert_int_equal(board.timer[i].intid, intids[i]);
        assert_int_equal(board.timer[i].flags, 4);
    }
    assert_int_equal(board.timer_hz, 0);
}

static void chosen_and_console_are_read(void **state)
{
    struct tree tree;

    (void)state;
    make_virt(&tree);
    finish_and_read(&tree);
    assert_string_equal(board.bootargs, "ashlar.nonce=5f");
    assert_region(&board.initrd, 0x48001000, 0xFFF000);
    assert_int_equal(board.rng_seed.size, 32);
    assert_memory_equal((const uint8_t *)tree.bytes + board.rng_seed_offset, "0123456789abcdef", 16);
    assert_ptr_equal((const uint8_t *)tree.bytes + board.rng_seed_offset, board.rng_seed.data);
    assert_int_equal(board.kaslr_seed.size, 8);
    assert_ptr_equal((const uint8_t *)tree.bytes + board.kaslr_seed_offset, board.kaslr_seed.data);
    assert_string_equal(board.console_path, "/pl011@9000000");
    assert_int_equal(board.console, ASH_BOOT_UART_PL011);
    assert_region(&board.console_region, 0x09000000, 0x1000);
    assert_int_equal(board.console_interrupt.intid, 33);
    assert_region(&board.rtc, 0x09010000, 0x1000);
}

static void begin_empty(struct tree *tree)
{
    tree_begin(tree);
    tree_root(tree);
    cells(tree, "#address-cells", 2);
    cells(tree, "#size-cells", 2);
}

static void an_empty_board_is_empty(void **state)
{
    static const struct ash_boot_board nothing;
    struct tree tree;

    (void)state;
    tree_begin(&tree);
    tree_root(&tree);
    finish_and_read(&tree);
    board.tree_size = 0;
    assert_memory_equal(&board, &nothing, sizeof(board));
}

/** A tree whose stdout-path is @path, with two consoles and aliases. */
static void read_console(const char *path, bool chosen_first)
{
    struct tree tree;

    begin_empty(&tree);
    for (unsigned i = 0; i < 2U; i++) {
        if (chosen_first == (i == 0U)) {
            node(&tree, "chosen");
            string(&tree, "stdout-path", path);
            end(&tree);
        } else {
            uart(&tree, "serial@1000", 0x1000, 1);
            node(&tree, "soc");
            cells(&tree, "#address-cells", 2);
            cells(&tree, "#size-cells", 2);
            flag(&tree, "ranges");
            uart(&tree, "serial@2000", 0x2000, 2);
            end(&tree);
            node(&tree, "aliases");
            string(&tree, "serial0", "/soc/serial@2000");
            string(&tree, "serial1", "/serial@1000");
            bytes(&tree, "broken", "/serial@1000", 12);
            end(&tree);
        }
    }
    gic_v3(&tree);
    finish_and_read(&tree);
}

static void stdout_path_is_a_path_or_an_alias_with_or_without_a_rate(void **state)
{
    static const char *const second[] = {"/soc/serial@2000", "/soc/serial@2000:115200",
                                         "serial0",          "serial0:115200n8",
                                         "/soc/serial",      "/soc/serial:9600"};

    (void)state;
    for (unsigned i = 0; i < 12U; i++) {
        read_console(second[i / 2U], i % 2U != 0U);
        assert_int_equal(board.console, ASH_BOOT_UART_PL011);
        assert_int_equal(board.console_region.base.value, 0x2000);
        assert_int_equal(board.console_interrupt.intid, 34);
    }
    read_console("serial1:115200n8", true);
    assert_string_equal(board.console_path, "/serial@1000");
    assert_int_equal(board.console_region.base.value, 0x1000);
}

static void a_stdout_path_that_leads_nowhere_is_no_console(void **state)
{
    static const char *const nowhere[] = {
        "serial2",   "serial", "serial00",           "broken",        "",           ":115200",
        "/serial@1", "/soc",   "/soc/serial@2000/x", "/serial@1000@", "serial@1000"};

    (void)state;
    for (unsigned i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++) {
        read_console(nowhere[i], i % 2U != 0U);
        assert_int_equal(board.console, ASH_BOOT_UART_NONE);
        assert_int_equal(board.console_region.size, 0);
    }
}

static void initrd_addresses_have_32_or_64_bits(void **state)
{
    struct tree tree;

    (void)state;
    begin_empty(&tree);
    node(&tree, "chosen");
    cells(&tree, "linux,initrd-end", 0x9000);
    cells(&tree, "linux,initrd-start", 0, 0x8000);
    end(&tree);
    finish_and_read(&tree);
    assert_region(&board.initrd, 0x8000, 0x1000);
}

static void broken_initrd_addresses_are_refused(void **state)
{
    struct tree tree;

    (void)state;
    begin_empty(&tree);
    node(&tree, "chosen");
    cells(&tree, "linux,initrd-end", 0x9000);
    end(&tree);
    finish_and_refuse(&tree, ASH_EFORMAT, "linux,initrd-start");
    begin_empty(&tree);
    node(&tree, "chosen");
    cells(&tree, "linux,initrd-start", 0x9000);
    end(&tree);
    finish_and_refuse(&tree, ASH_EFORMAT, "linux,initrd-end");
    begin_empty(&tree);
    node(&tree, "chosen");
    cells(&tree, "linux,initrd-start", 0x9000);
    cells(&tree, "linux,initrd-end", 0x8FFF);
    end(&tree);
    finish_and_refuse(&tree, ASH_EFORMAT, "linux,initrd-end = <0x8fff>");
    begin_empty(&tree);
    node(&tree, "chosen");
    cells(&tree, "linux,initrd-start", 1, 2, 3);
    end(&tree);
    finish_and_refuse(&tree, ASH_EFORMAT, "wrong length");
    begin_empty(&tree);
    node(&tree, "chosen");
    bytes(&tree, "bootargs", "no end", 6);
    end(&tree);
    finish_and_refuse(&tree, ASH_EFORMAT, "/chosen: bootargs");
    begin_empty(&tree);
    node(&tree, "chosen");
    bytes(&tree, "stdout-path", "a\0b", 4);
    end(&tree);
    finish_and_refuse(&tree, ASH_EFORMAT, "/chosen: stdout-path = \"a\", \"b\": is not one string");
}

static void memory_follows_the_roots_cells(void **state)
{
    struct tree tree;

    (void)state;
    tree_begin(&tree);
    tree_root(&tree);
    cells(&tree, "#address-cells", 1);
    cells(&tree, "#size-cells", 1);
    node(&tree, "memory@0");
    string(&tree, "device_type", "memory");
    cells(&tree, "reg", 0, 0x3B400000, 0x50000000, 0, 0x60000000, 0x1000);
    end(&tree);
    node(&tree, "not-memory");
    cells(&tree, "reg", 0, 0x1000);
    end(&tree);
    finish_and_read(&tree);
    assert_int_equal(board.memory_count, 2); /* size 0: a place that the firmware did not fill */
    assert_region(&board.memory[0], 0, 0x3B400000);
    assert_region(&board.memory[1], 0x60000000, 0x1000);
}

static void memory_that_makes_no_sense_is_refused(void **state)
{
    struct tree tree;

    (void)state;
    begin_empty(&tree);
    node(&tree, "memory@0");
    string(&tree, "device_type", "memory");
    cells(&tree, "reg", 0, 0, 1);
    end(&tree);
    finish_and_refuse(&tree, ASH_EFORMAT,
                      "device tree: /memory@0: reg = <0 0 1>: has a wrong number of cells");
    begin_empty(&tree);
    node(&tree, "memory@0");
    string(&tree, "device_type", "memory");
    cells(&tree, "reg", 0xFFFFFFFF, 0xFFFFF000, 0, 0x1000);
    end(&tree);
    finish_and_refuse(&tree, ASH_EFORMAT, "reaches past 2^64");
    tree_begin(&tree);
    tree_root(&tree);
    cells(&tree, "#address-cells", 3);
    node(&tree, "memory@0");
    string(&tree, "device_type", "memory");
    cells(&tree, "reg", 1, 0, 0, 0x1000);
    end(&tree);
    finish_and_refuse(&tree, ASH_EFORMAT, "reaches past 2^64");
    tree_begin(&tree);
    tree_root(&tree);
    cells(&tree, "#address-cells", 0);
    cells(&tree, "#size-cells", 0);
    node(&tree, "memory@0");
    string(&tree, "device_type", "memory");
    cells(&tree, "reg", 1);
    end(&tree);
    finish_and_refuse(&tree, ASH_EFORMAT, "wrong number of cells");
    tree_begin(&tree);
    tree_root(&tree);
    cells(&tree, "#size-cells", 5);
    finish_and_refuse(&tree, ASH_EFORMAT, "/: #size-cells = <5>: is no number of cells");
    tree_begin(&tree);
    tree_root(&tree);
    bytes(&tree, "#address-cells", "12", 2);
    finish_and_refuse(&tree, ASH_EFORMAT, "#address-cells = [31 32]");
}

static void more_ranges_than_the_table_holds_are_refused(void **state)
{
    uint32_t reg[64];
    struct tree tree;

    (void)state;
    for (unsigned i = 0; i < 16U; i++) {
        reg[4U * i] = 0;
        reg[4U * i + 1U] = i << 20;
        reg[4U * i + 2U] = 0;
        reg[4U * i + 3U] = 0x1000;
    }
    begin_empty(&tree);
    node(&tree, "memory@0");
    string(&tree, "device_type", "memory");
    cells_of(&tree, "reg", reg, 64);
    end(&tree);
    node(&tree, "memory@100000000");
    string(&tree, "device_type", "memory");
    cells(&tree, "reg", 1, 0, 0, 0x1000);
    end(&tree);
    finish_and_refuse(&tree, ASH_ENOSPC, "one memory range too many; allowed: 16");

    for (unsigned extra = 0; extra < 2U; extra++) {
        tree_begin(&tree);
        for (unsigned i = 0; i < extra; i++) {
            tree_ok(fdt_add_reservemap_entry(tree.bytes, 0x1000, 0x1000));
        }
        tree_root(&tree);
        node(&tree, "reserved-memory");
        cells(&tree, "#address-cells", 2);
        cells(&tree, "#size-cells", 2);
        node(&tree, "a");
        cells_of(&tree, "reg", reg, 64);
        end(&tree);
        node(&tree, "b");
        cells_of(&tree, "reg", reg, 64);
        end(&tree);
        if (extra == 0U) {
            node(&tree, "c");
            cells(&tree, "reg", 0, 0, 0, 1);
            end(&tree);
        }
        end(&tree);
        finish_and_refuse(&tree, ASH_ENOSPC, extra == 0U ? "/reserved-memory/c" : "/memreserve");
    }
}

static void a_memreserve_that_wraps_is_refused(void **state)
{
    struct tree tree;

    (void)state;
    tree_begin(&tree);
    tree_ok(fdt_add_reservemap_entry(tree.bytes, UINT64_C(0xFFFFFFFFFFFFF000), 0x2000));
    tree_root(&tree);
    finish_and_refuse(&tree, ASH_EFORMAT, "/memreserve");
}

static void spin_table_cpus_are_read(void **state)
{
    struct tree tree;

    (void)state;
    begin_empty(&tree);
    node(&tree, "cpus");
    cells(&tree, "#address-cells", 2);
    cells(&tree, "#size-cells", 0);
    node(&tree, "cpu@0");
    string(&tree, "device_type", "cpu");
    cells(&tree, "reg", 1, 3);
    string(&tree, "enable-method", "spin-table");
    cells(&tree, "cpu-release-addr", 0, 0xE0);
    end(&tree);
    node(&tree, "cpu@1");
    string(&tree, "device_type", "cpu");
    cells(&tree, "reg", 0, 1);
    string(&tree, "status", "disabled");
    end(&tree);
    node(&tree, "cpu@2");
    string(&tree, "device_type", "cpu");
    cells(&tree, "reg", 0, 2);
    end(&tree);
    end(&tree);
    finish_and_read(&tree);
    assert_int_equal(board.cpu_count, 2);
    assert_int_equal(board.cpus[0].mpidr, UINT64_C(0x100000003));
    assert_int_equal(board.cpus[0].enable, ASH_BOOT_ENABLE_SPIN_TABLE);
    assert_int_equal(board.cpus[0].release.value, 0xE0);
    assert_int_equal(board.cpus[1].mpidr, 2);
    assert_int_equal(board.cpus[1].enable, ASH_BOOT_ENABLE_NONE);
}

static void broken_cpus_are_refused(void **state)
{
    struct tree tree;

    (void)state;
    begin_empty(&tree);
    node(&tree, "cpus");
    cells(&tree, "#address-cells", 2);
    cpu(&tree, "cpu@0", 0);
    end(&tree);
    finish_and_refuse(&tree, ASH_EFORMAT, "/cpus/cpu@0: reg = <0>: is no MPIDR");
    begin_empty(&tree);
    node(&tree, "cpus");
    cells(&tree, "#address-cells", 1);
    node(&tree, "cpu@0");
    string(&tree, "device_type", "cpu");
    cells(&tree, "reg", 0);
    string(&tree, "enable-method", "spin-table");
    end(&tree);
    end(&tree);
    finish_and_refuse(&tree, ASH_EFORMAT, "cpu-release-addr");
    begin_empty(&tree);
    node(&tree, "psci");
    string(&tree, "compatible", "arm,psci-0.2");
    string(&tree, "method", "smoke");
    end(&tree);
    finish_and_refuse(&tree, ASH_EFORMAT, "/psci: method = \"smoke\"");
}

static void cpus_beyond_the_table_are_counted(void **state)
{
    static struct tree tree;

    (void)state;
    begin_empty(&tree);
    node(&tree, "cpus");
    cells(&tree, "#address-cells", 1);
    cells(&tree, "#size-cells", 0);
    for (uint32_t i = 0; i < ASH_BOOT_BOARD_CPUS_MAX + 3U; i++) {
        cpu(&tree, "cpu", i);
    }
    end(&tree);
    finish_and_read(&tree);
    assert_int_equal(board.cpu_count, ASH_BOOT_BOARD_CPUS_MAX);
    assert_int_equal(board.cpus_left_out, 3);
    assert_int_equal(board.cpus[ASH_BOOT_BOARD_CPUS_MAX - 1U].mpidr, ASH_BOOT_BOARD_CPUS_MAX - 1U);
}

static void a_gicv2_with_virtualization_is_read(void **state)
{
    static const char *const names[] = {"arm,gic-400", "arm,cortex-a15-gic"};

    (void)state;
    for (unsigned i = 0; i < 2U; i++) {
        struct tree tree;

        begin_empty(&tree);
        node(&tree, "gic");
        cells(&tree, "#interrupt-cells", 3);
        string(&tree, "compatible", names[i]);
        cells(&tree, "reg", 0, 0x08000000, 0, 0x10000, 0, 0x08010000, 0, 0x2000, 0, 0x08030000, 0, 0x10000, 0,
              0x08040000, 0, 0x2000);
        cells(&tree, "interrupts", 1, 9, 0xF04);
        end(&tree);
        finish_and_read(&tree);
        assert_int_equal(board.gic, ASH_BOOT_GIC_V2);
        assert_region(&board.gicd, 0x08000000, 0x10000);
        assert_region(&board.gicc, 0x08010000, 0x2000);
        assert_region(&board.gich, 0x08030000, 0x10000);
        assert_region(&board.gicv, 0x08040000, 0x2000);
        assert_int_equal(board.maintenance.intid, 25);
        assert_int_equal(board.maintenance.flags, 4);
    }
}

static void a_gicv3_with_regions_stride_and_legacy_is_read(void **state)
{
    struct tree tree;

    (void)state;
    begin_empty(&tree);
    node(&tree, "gic");
    string(&tree, "compatible", "arm,gic-v3");
    cells(&tree, "#interrupt-cells", 4);
    cells(&tree, "#redistributor-regions", 2);
    cells(&tree, "redistributor-stride", 0, 0x40000);
    cells(&tree, "reg", 0, 0x1000, 0, 0x1000, 0, 0x2000, 0, 0x1000, 0, 0x3000, 0, 0x1000, 0, 0x4000, 0,
          0x1000, 0, 0x5000, 0, 0x1000, 0, 0x6000, 0, 0x1000);
    cells(&tree, "interrupts", 1, 9, 4, 0);
    end(&tree);
    node(&tree, "timer");
    string(&tree, "compatible", "arm,armv8-timer");
    cells(&tree, "interrupts", 1, 13, 8, 0, 2, 5, 1, 0, 3, 7, 4, 0);
    cells(&tree, "clock-frequency", 62500000);
    end(&tree);
    node(&tree, "second-gic");
    string(&tree, "compatible", "arm,gic-400");
    end(&tree);
    finish_and_read(&tree);
    assert_int_equal(board.gicr_count, 2);
    assert_region(&board.gicr[1], 0x3000, 0x1000);
    assert_int_equal(board.gicr_stride, 0x40000);
    assert_region(&board.gicc, 0x4000, 0x1000);
    assert_region(&board.gicv, 0x6000, 0x1000);
    assert_int_equal(board.maintenance.intid, 25);
    assert_int_equal(board.timer[0].intid, 29);
    assert_int_equal(board.timer[0].flags, 8);
    assert_int_equal(board.timer[1].intid, 4096 + 5);
    assert_int_equal(board.timer[2].intid, 1056 + 7);
    assert_int_equal(board.timer[3].intid, 0);
    assert_int_equal(board.timer_hz, 62500000);
}

static void what_a_gicv3_s_tree_counts_has_one_or_two_cells(void **state)
{
    static const char *const names[] = {"#redistributor-regions", "redistributor-stride"};

    (void)state;
    for (unsigned i = 0; i < 2U; i++) {
        struct tree tree;

        begin_empty(&tree);
        node(&tree, "gic");
        string(&tree, "compatible", "arm,gic-v3");
        cells(&tree, "#interrupt-cells", 3);
        cells(&tree, names[i], 0, 0, 1);
        cells(&tree, "reg", 0, 0x1000, 0, 0x1000, 0, 0x2000, 0, 0x1000);
        end(&tree);
        finish_and_refuse(&tree, ASH_EFORMAT, "has a wrong length; allowed: one or two cells");
        assert_string_equal(fault.property, names[i]);
    }
}

static void a_gic_that_cannot_be_read_is_refused_or_none(void **state)
{
    struct tree tree;

    (void)state;
    begin_empty(&tree);
    node(&tree, "gic");
    string(&tree, "compatible", "arm,gic-v3");
    cells(&tree, "#interrupt-cells", 2);
    end(&tree);
    finish_and_refuse(&tree, ASH_EFORMAT, "/gic: #interrupt-cells = <2>");
    begin_empty(&tree);
    node(&tree, "gic");
    string(&tree, "compatible", "arm,gic-v3");
    cells(&tree, "#interrupt-cells", 3);
    cells(&tree, "#redistributor-regions", 5);
    end(&tree);
    finish_and_refuse(&tree, ASH_ENOSPC, "#redistributor-regions = <5>");
    begin_empty(&tree);
    node(&tree, "gic");
    string(&tree, "compatible", "arm,gic-v3");
    cells(&tree, "#interrupt-cells", 3);
    cells(&tree, "reg", 0, 0x1000, 0, 0x1000);
    cells(&tree, "interrupts", 1, 9, 4);
    end(&tree);
    finish_and_read(&tree);
    assert_int_equal(board.gic, ASH_BOOT_GIC_NONE);
    assert_int_equal(board.maintenance.intid, 0);
}

static void a_raspberry_pi_3_has_its_own_controllers_instead_of_a_gic(void **state)
{
    static const unsigned timers[ASH_BOOT_TIMER_COUNT] = {29, 30, 27, 26};
    struct tree tree;

    (void)state;
    make_pi3(&tree, "", true);
    finish_and_read(&tree);
    assert_int_equal(board.gic, ASH_BOOT_GIC_BCM2836);
    assert_region(&board.bcm_local, 0x40000000, 0x100);
    assert_region(&board.bcm_arm, 0x3F00B200, 0x200);
    assert_region(&board.bcm_pm, 0x3F100000, 0x114);
    assert_region(&board.bcm_mailbox, 0x3F00B880, 0x40);
    assert_region(&board.bcm_rng, 0x3F104000, 0x10);
    assert_int_equal(board.gic_cells, 2);
    assert_int_equal(board.gic_phandle, 1);
    for (unsigned i = 0; i < ASH_BOOT_TIMER_COUNT; i++) {
        assert_int_equal(board.timer[i].intid, timers[i]);
        assert_int_equal(board.timer[i].flags, 4);
    }
    assert_int_equal(board.maintenance.intid, 0);
    assert_int_equal(board.console, ASH_BOOT_UART_BCM2835_AUX);
    assert_region(&board.console_region, 0x3F215040, 0x40);
    assert_int_equal(board.console_interrupt.intid, 32 + 29);
    assert_int_equal(board.reserved_count, 1);
    assert_region(&board.reserved[0].region, 0, 0x1000);
    assert_region(&board.initrd, 0x08000000, 0x100000);
}

static void without_a_stdout_path_the_console_is_serial0(void **state)
{
    struct tree tree;

    (void)state;
    make_pi3(&tree, "", false);
    finish_and_read(&tree);
    assert_string_equal(board.console_path, "/soc/serial@7e201000");
    assert_int_equal(board.console, ASH_BOOT_UART_PL011);
    assert_int_equal(board.console_interrupt.intid, 64 + 25);
}

static void half_a_bcm2836_is_none(void **state)
{
    static const char *const halves[] = {"interrupt-controller@7e00b200", "local_intc@40000000"};

    (void)state;
    for (unsigned i = 0; i < 2U; i++) {
        struct tree tree;

        make_pi3(&tree, halves[i], true);
        finish_and_read(&tree);
        assert_int_equal(board.gic, ASH_BOOT_GIC_NONE);
        assert_int_equal(board.timer[0].intid, 0);
        assert_int_equal(board.console_interrupt.intid, 0);
    }
}

/** A pi's tree with one more UART, which is the console, and whose interrupt is @bank and @number. */
static uint32_t bcm_intid(uint32_t bank, uint32_t number)
{
    struct tree tree;

    make_pi3(&tree, "", false);
    node(&tree, "serial@1000");
    string(&tree, "compatible", "arm,pl011");
    cells(&tree, "reg", 0x1000, 0x1000);
    cells(&tree, "interrupts", bank, number);
    end(&tree);
    node(&tree, "chosen");
    string(&tree, "stdout-path", "/serial@1000");
    end(&tree);
    finish_and_read(&tree);
    assert_region(&board.console_region, 0x1000, 0x1000);
    return board.console_interrupt.intid;
}

static void each_bank_of_the_bcm2835_has_its_interrupts(void **state)
{
    (void)state;
    assert_int_equal(bcm_intid(0, 0), 96);
    assert_int_equal(bcm_intid(0, 7), 103);
    assert_int_equal(bcm_intid(0, 8), 0);
    assert_int_equal(bcm_intid(1, 0), 32);
    assert_int_equal(bcm_intid(1, 31), 63);
    assert_int_equal(bcm_intid(1, 32), 0);
    assert_int_equal(bcm_intid(2, 31), 95);
    assert_int_equal(bcm_intid(2, 32), 0);
    assert_int_equal(bcm_intid(3, 0), 0);
}

static void interrupts_out_of_range_are_not_there(void **state)
{
    static const uint32_t odd[][3] = {{4, 0, 4},    {0, 988, 4}, {1, 16, 4},
                                      {2, 1024, 4}, {3, 64, 4},  {9, 9, 9}};

    (void)state;
    for (unsigned i = 0; i < 6U; i++) {
        struct tree tree;

        begin_empty(&tree);
        gic_v3(&tree);
        node(&tree, "timer");
        string(&tree, "compatible", "arm,armv8-timer");
        cells_of(&tree, "interrupts", odd[i], 3);
        end(&tree);
        finish_and_read(&tree);
        assert_int_equal(board.timer[0].intid, 0);
    }
}

/** A Raspberry Pi's way: everything behind a bus that moves addresses. */
static void make_soc(struct tree *tree, const uint32_t *ranges, size_t count, uint32_t reg)
{
    tree_begin(tree);
    tree_root(tree);
    cells(tree, "#address-cells", 1);
    cells(tree, "#size-cells", 1);
    node(tree, "soc");
    cells(tree, "#address-cells", 1);
    cells(tree, "#size-cells", 1);
    cells_of(tree, "ranges", ranges, count);
    node(tree, "inner");
    cells(tree, "#address-cells", 1);
    cells(tree, "#size-cells", 1);
    flag(tree, "ranges");
    node(tree, "serial@7e215040");
    string(tree, "compatible", "brcm,bcm2835-aux-uart");
    cells(tree, "reg", reg, 0x40);
    cells(tree, "interrupts", 1, 29);
    end(tree);
    end(tree);
    end(tree);
    node(tree, "chosen");
    string(tree, "stdout-path", "/soc/inner/serial@7e215040");
    end(tree);
    finish_and_read(tree);
}

static void addresses_are_translated_through_the_buses(void **state)
{
    static const uint32_t bcm2837[] = {0x7E000000, 0x3F000000, 0x01000000, 0x40000000, 0x40000000, 0x1000};
    struct tree tree;

    (void)state;
    make_soc(&tree, bcm2837, 6, 0x7E215040);
    assert_int_equal(board.console, ASH_BOOT_UART_BCM2835_AUX);
    assert_region(&board.console_region, 0x3F215040, 0x40);
    assert_int_equal(board.console_interrupt.intid, 0); /* not a GIC's */
    make_soc(&tree, bcm2837, 6, 0x40000FC0);
    assert_region(&board.console_region, 0x40000FC0, 0x40);
}

static void what_the_cpu_cannot_reach_is_skipped(void **state)
{
    static const uint32_t bcm2837[] = {0x7E000000, 0x3F000000, 0x01000000, 0x40000000};
    static const uint32_t wraps[] = {0x7E000000, 0xFFFFFFFF, 0x01000000};
    struct tree tree;

    (void)state;
    make_soc(&tree, bcm2837, 3, 0x7DFFFFFF);
    assert_int_equal(board.console, ASH_BOOT_UART_NONE);
    make_soc(&tree, bcm2837, 3, 0x7EFFFFC1); /* its end lies outside */
    assert_int_equal(board.console, ASH_BOOT_UART_NONE);
    make_soc(&tree, bcm2837, 4, 0x40000000); /* a cut entry */
    assert_int_equal(board.console, ASH_BOOT_UART_NONE);
    make_soc(&tree, bcm2837, 2, 0x7E215040);
    assert_int_equal(board.console, ASH_BOOT_UART_NONE);
    make_soc(&tree, wraps, 3, 0x7E215040);
    assert_region(&board.console_region, UINT64_C(0x10021503F), 0x40);
    begin_empty(&tree);
    node(&tree, "no-ranges");
    cells(&tree, "#address-cells", 2);
    cells(&tree, "#size-cells", 2);
    uart(&tree, "serial@0", 0, 1);
    end(&tree);
    node(&tree, "off");
    string(&tree, "status", "disabled");
    flag(&tree, "ranges");
    uart(&tree, "serial@1", 0, 1);
    end(&tree);
    node(&tree, "chosen");
    string(&tree, "stdout-path", "/off/serial@1");
    end(&tree);
    finish_and_read(&tree);
    assert_int_equal(board.console, ASH_BOOT_UART_NONE);
    assert_string_equal(board.console_path, "/off/serial@1");
}

/** A console at @reg, @size bytes, behind a bus that puts 0 at 0xfffffffffffff000. */
static void read_high(uint32_t reg, uint32_t size)
{
    struct tree tree;

    begin_empty(&tree);
    node(&tree, "soc");
    cells(&tree, "#address-cells", 1);
    cells(&tree, "#size-cells", 1);
    cells(&tree, "ranges", 0, 0xFFFFFFFF, 0xFFFFF000, 0x10000);
    node(&tree, "serial");
    string(&tree, "compatible", "arm,pl011");
    cells(&tree, "reg", reg, size);
    end(&tree);
    end(&tree);
    node(&tree, "chosen");
    string(&tree, "stdout-path", "/soc/serial");
    end(&tree);
    finish_and_read(&tree);
}

static void a_device_that_wraps_or_is_empty_is_skipped(void **state)
{
    (void)state;
    read_high(0, 0xFFF);
    assert_region(&board.console_region, UINT64_C(0xFFFFFFFFFFFFF000), 0xFFF);
    read_high(0, 0x1001); /* the end wraps */
    assert_int_equal(board.console, ASH_BOOT_UART_NONE);
    read_high(0x1000, 0x10); /* the start wraps */
    assert_int_equal(board.console, ASH_BOOT_UART_NONE);
    read_high(0x10, 0);
    assert_int_equal(board.console, ASH_BOOT_UART_NONE);
}

static void a_compatible_that_does_not_end_is_none(void **state)
{
    struct tree tree;

    (void)state;
    begin_empty(&tree);
    node(&tree, "rtc");
    bytes(&tree, "compatible", "arm,pl031", 9); /* the padding behind it is zero */
    cells(&tree, "reg", 0, 0x1000, 0, 0x1000);
    end(&tree);
    finish_and_read(&tree);
    assert_int_equal(board.rtc.size, 0);
}

static void nodes_deeper_than_any_bus_are_skipped(void **state)
{
    struct tree tree;

    (void)state;
    begin_empty(&tree);
    for (unsigned i = 0; i < 40U; i++) {
        node(&tree, "deep");
        cells(&tree, "#address-cells", i < 11U ? 2U : 77U);
        flag(&tree, "ranges");
        string(&tree, "device_type", "memory");
    }
    for (unsigned i = 0; i < 40U; i++) {
        end(&tree);
    }
    node(&tree, "memory@1000");
    string(&tree, "device_type", "memory");
    cells(&tree, "reg", 0, 0x1000, 0, 0x1000);
    end(&tree);
    finish_and_read(&tree);
    assert_int_equal(board.memory_count, 1);
}

static void more_consoles_than_candidates_are_survived(void **state)
{
    struct tree tree;

    (void)state;
    begin_empty(&tree);
    for (unsigned i = 0; i < 20U; i++) {
        char name[32];

        snprintf(name, sizeof(name), "serial@%x", i);
        uart(&tree, name, i << 12, i);
    }
    node(&tree, "chosen");
    string(&tree, "stdout-path", "/serial@f");
    end(&tree);
    finish_and_read(&tree);
    assert_region(&board.console_region, 0xF000, 0x1000);
}

static void a_long_stdout_path_is_cut(void **state)
{
    char path[300];
    struct tree tree;

    (void)state;
    memset(path, '/', sizeof(path));
    path[sizeof(path) - 1U] = '\0';
    begin_empty(&tree);
    node(&tree, "chosen");
    string(&tree, "stdout-path", path);
    end(&tree);
    finish_and_read(&tree);
    assert_int_equal(strlen(board.console_path), ASH_BOOT_PATH_SIZE - 1U);
    assert_int_equal(board.console, ASH_BOOT_UART_NONE);
}

/* ---- Devices ----------------------------------------------------------------------------------------------------- */

static struct ash_boot_device devices[16];
static unsigned device_count;

static int note_device(void *arg, const struct ash_boot_device *device)
{
    const unsigned *most = arg;

    if (device_count == *most) {
        return 77;
    }
    devices[device_count++] = *device;
    return ASH_OK;
}

static int visit(const struct tree *tree, unsigned most)
{
    device_count = 0;
    memset(devices, 0xA5, sizeof(devices));
    return ash_boot_board_devices(&board, tree->bytes, sizeof(tree->bytes), note_device, &most, &fault);
}

static void make_devices(struct tree *tree)
{
    tree_begin(tree);
    tree_root(tree);
    cells(tree, "interrupt-parent", 7);
    cells(tree, "#size-cells", 2);
    cells(tree, "#address-cells", 2);
    node(tree, "memory@40000000");
    cells(tree, "reg", 0, 0x40000000, 0, 0x80000000);
    string(tree, "device_type", "memory");
    end(tree);
    uart(tree, "pl011@9000000", 0x09000000, 1);
    node(tree, "off@9100000");
    cells(tree, "reg", 0, 0x09100000, 0, 0x1000);
    string(tree, "status", "disabled");
    end(tree);
    node(tree, "keys");
    string(tree, "compatible", "gpio-keys");
    cells(tree, "interrupt-parent", 8);
    cells(tree, "interrupts", 0, 3, 4);
    end(tree);
    node(tree, "intc@8000000");
    string(tree, "compatible", "arm,gic-v3");
    cells(tree, "#interrupt-cells", 3);
    cells(tree, "reg", 0, 0x08000000, 0, 0x10000, 0, 0x080A0000, 0, 0xF60000);
    cells(tree, "interrupts", 1, 9, 4);
    cells(tree, "phandle", 7);
    end(tree);
    node(tree, "timer");
    string(tree, "compatible", "arm,armv8-timer");
    cells(tree, "interrupts", 1, 13, 4, 1, 14, 4);
    end(tree);
    node(tree, "soc");
    cells(tree, "#address-cells", 1);
    cells(tree, "#size-cells", 1);
    cells(tree, "ranges", 0x10000000, 0, 0x20000000, 0x1000000);
    node(tree, "i2c@10004000");
    cells(tree, "reg", 0x10004000, 0x100);
    cells(tree, "#address-cells", 1);
    cells(tree, "#size-cells", 0);
    node(tree, "eeprom@50");
    cells(tree, "reg", 0x50);
    end(tree);
    end(tree);
    node(tree, "odd");
    cells(tree, "reg", 1, 2, 3);
    end(tree);
    end(tree);
    node(tree, "cpus");
    cells(tree, "#address-cells", 1);
    cells(tree, "#size-cells", 0);
    cpu(tree, "cpu@0", 0);
    end(tree);
    node(tree, "chosen");
    cells(tree, "bootargs", 1); /* malformed, and no business of this walk's */
    end(tree);
}

static void each_device_is_visited_with_its_registers_and_interrupts(void **state)
{
    struct tree tree;

    (void)state;
    make_devices(&tree);
    (void)tree_finish(&tree);
    assert_int_not_equal(ash_boot_board_read(&board, tree.bytes, sizeof(tree.bytes), &fault), ASH_OK);
    board.gic = ASH_BOOT_GIC_V3; /* bootargs stopped it behind the GIC */
    assert_int_equal(board.gic_cells, 3);
    assert_int_equal(board.gic_phandle, 7);
    assert_int_equal(visit(&tree, 16), ASH_OK);
    assert_int_equal(fault.code, ASH_OK);
    assert_int_equal(device_count, 4);
    assert_string_equal(devices[0].path, "/pl011@9000000");
    assert_string_equal(devices[0].compatible, "arm,pl011");
    assert_int_equal(devices[0].region_count, 1);
    assert_region(&devices[0].region[0], 0x09000000, 0x1000);
    assert_int_equal(devices[0].interrupt_count, 1);
    assert_int_equal(devices[0].interrupt[0].intid, 33);
    assert_string_equal(devices[1].path, "/intc@8000000");
    assert_int_equal(devices[1].region_count, 2);
    assert_int_equal(devices[1].interrupt[0].intid, 25);
    assert_string_equal(devices[2].path, "/timer");
    assert_int_equal(devices[2].region_count, 0);
    assert_int_equal(devices[2].interrupt_count, 2);
    assert_string_equal(devices[3].path, "/soc/i2c@10004000");
    assert_region(&devices[3].region[0], 0x20004000, 0x100);
    assert_null(devices[3].compatible);
}

static void the_devices_of_a_raspberry_pi_3_have_their_interrupts(void **state)
{
    struct tree tree;

    (void)state;
    make_pi3(&tree, "", true);
    finish_and_read(&tree);
    assert_int_equal(visit(&tree, 16), ASH_OK);
    assert_int_equal(device_count,
                     7); /* of the timer, whose parent is the local controller, nothing is told */
    assert_string_equal(devices[2].path, "/soc/serial@7e201000");
    assert_region(&devices[2].region[0], 0x3F201000, 0x200);
    assert_int_equal(devices[2].interrupt_count, 1);
    assert_int_equal(devices[2].interrupt[0].intid, 64 + 25);
    assert_string_equal(devices[5].path, "/soc/local_intc@40000000");
    assert_int_equal(devices[5].interrupt_count, 0);
}

static void a_visitor_may_stop_the_walk(void **state)
{
    struct tree tree;

    (void)state;
    make_devices(&tree);
    (void)tree_finish(&tree);
    ASH_DISCARD(ash_boot_board_read(&board, tree.bytes, sizeof(tree.bytes), &fault));
    assert_int_equal(visit(&tree, 2), 77);
    assert_int_equal(device_count, 2);
    assert_int_equal(ash_boot_board_devices(&board, tree.bytes, 20, note_device, &device_count, &fault),
                     ASH_ETRUNC);
    assert_fault_says(&fault, "device tree: size = 20: is too small");
}

static int ignore_device(void *arg, const struct ash_boot_device *device)
{
    (void)arg;
    assert_true(device->region_count <= ASH_BOOT_DEVICE_REGIONS_MAX);
    assert_true(device->interrupt_count <= ASH_BOOT_DEVICE_INTERRUPTS_MAX);
    return ASH_OK;
}

static int visit_all(const void *data, size_t size, struct ash_boot_fault *where)
{
    unsigned most = UINT32_MAX;
    int result = read_board(data, size, where);

    if (result != ASH_OK) {
        return result;
    }
    device_count = 0;
    return ash_boot_board_devices(&board, data, size, ignore_device, &most, where);
}

static void no_mutation_of_a_device_crashes(void **state)
{
    struct tree tree;

    (void)state;
    make_virt(&tree);
    sweep_mutations(visit_all, tree.bytes, tree_finish(&tree), "devices");
}

static void a_tree_that_is_not_aligned_is_refused(void **state)
{
    struct tree tree;

    (void)state;
    make_virt(&tree);
    (void)tree_finish(&tree);
    assert_int_equal(read_board((const uint8_t *)tree.bytes + 4, 1000, &fault), ASH_EINVAL);
    assert_fault_says(&fault, "device tree: address");
}

static void every_truncation_is_refused(void **state)
{
    struct tree tree;

    (void)state;
    make_virt(&tree);
    sweep_truncations(read_board, tree.bytes, tree_finish(&tree));
}

static void a_name_that_runs_to_the_end_of_all_is_refused(void **state)
{
    /* A header, an empty /memreserve, BEGIN_NODE and four characters; no strings, and nothing behind it. */
    static const uint32_t words[16] = {0xd00dfeed, 64, 56, 64, 40, 17, 16, 0,
                                       0,          8,  0,  0,  0,  0,  1,  0x61626364};
    fdt32_t *tree = malloc(sizeof(words)); /* AddressSanitizer watches */

    (void)state;
    assert_non_null(tree);
    for (unsigned i = 0; i < 16U; i++) {
        tree[i] = cpu_to_fdt32(words[i]);
    }
    assert_int_equal(read_board(tree, sizeof(words), &fault), ASH_EFORMAT);
    assert_fault_says(&fault, "device tree: structure block, byte = 0: a tag reaches past the end");
    free(tree);
}

static void nops_between_properties_are_nothing(void **state)
{
    struct tree tree;

    (void)state;
    make_virt(&tree);
    (void)tree_finish(&tree);
    tree_ok(fdt_nop_property(tree.bytes, fdt_path_offset(tree.bytes, "/cpus/cpu@0"), "compatible"));
    assert_int_equal(read_board(tree.bytes, sizeof(tree.bytes), &fault), ASH_OK);
    assert_int_equal(board.cpu_count, 3); /* `reg` and `enable-method` stand behind what is gone */
    assert_int_equal(board.cpus[0].mpidr, 0);
    assert_int_equal(board.cpus[0].enable, ASH_BOOT_ENABLE_PSCI);
}

static void no_mutation_crashes(void **state)
{
    struct tree tree;

    (void)state;
    make_virt(&tree);
    sweep_mutations(read_board, tree.bytes, tree_finish(&tree), "board");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_virt_board_is_read_whole),
        cmocka_unit_test(the_interrupt_controller_and_timers_are_read),
        cmocka_unit_test(chosen_and_console_are_read),
        cmocka_unit_test(an_empty_board_is_empty),
        cmocka_unit_test(stdout_path_is_a_path_or_an_alias_with_or_without_a_rate),
        cmocka_unit_test(a_stdout_path_that_leads_nowhere_is_no_console),
        cmocka_unit_test(initrd_addresses_have_32_or_64_bits),
        cmocka_unit_test(broken_initrd_addresses_are_refused),
        cmocka_unit_test(memory_follows_the_roots_cells),
        cmocka_unit_test(memory_that_makes_no_sense_is_refused),
        cmocka_unit_test(more_ranges_than_the_table_holds_are_refused),
        cmocka_unit_test(a_memreserve_that_wraps_is_refused),
        cmocka_unit_test(spin_table_cpus_are_read),
        cmocka_unit_test(broken_cpus_are_refused),
        cmocka_unit_test(cpus_beyond_the_table_are_counted),
        cmocka_unit_test(a_gicv2_with_virtualization_is_read),
        cmocka_unit_test(a_gicv3_with_regions_stride_and_legacy_is_read),
        cmocka_unit_test(a_gic_that_cannot_be_read_is_refused_or_none),
        cmocka_unit_test(what_a_gicv3_s_tree_counts_has_one_or_two_cells),
        cmocka_unit_test(a_raspberry_pi_3_has_its_own_controllers_instead_of_a_gic),
        cmocka_unit_test(without_a_stdout_path_the_console_is_serial0),
        cmocka_unit_test(half_a_bcm2836_is_none),
        cmocka_unit_test(each_bank_of_the_bcm2835_has_its_interrupts),
        cmocka_unit_test(interrupts_out_of_range_are_not_there),
        cmocka_unit_test(addresses_are_translated_through_the_buses),
        cmocka_unit_test(what_the_cpu_cannot_reach_is_skipped),
        cmocka_unit_test(a_device_that_wraps_or_is_empty_is_skipped),
        cmocka_unit_test(a_compatible_that_does_not_end_is_none),
        cmocka_unit_test(nodes_deeper_than_any_bus_are_skipped),
        cmocka_unit_test(more_consoles_than_candidates_are_survived),
        cmocka_unit_test(a_long_stdout_path_is_cut),
        cmocka_unit_test(each_device_is_visited_with_its_registers_and_interrupts),
        cmocka_unit_test(the_devices_of_a_raspberry_pi_3_have_their_interrupts),
        cmocka_unit_test(a_visitor_may_stop_the_walk),
        cmocka_unit_test(no_mutation_of_a_device_crashes),
        cmocka_unit_test(a_tree_that_is_not_aligned_is_refused),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(a_name_that_runs_to_the_end_of_all_is_refused),
        cmocka_unit_test(nops_between_properties_are_nothing),
        cmocka_unit_test(no_mutation_crashes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
