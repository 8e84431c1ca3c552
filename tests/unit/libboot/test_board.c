/* SPDX-License-Identifier: BSD-2-Clause */
/* A board as a whole: console and initrd, memory, CPUs; and a tree that is malformed. */
#include "board_fixture.h"

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
        cmocka_unit_test(a_tree_that_is_not_aligned_is_refused),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(a_name_that_runs_to_the_end_of_all_is_refused),
        cmocka_unit_test(nops_between_properties_are_nothing),
        cmocka_unit_test(no_mutation_crashes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
