/* SPDX-License-Identifier: BSD-2-Clause */
/* A board's devices: where they are through its buses, which is the console, and a visit to each. */
#include "board_fixture.h"

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

/* ---- Flash ------------------------------------------------------------------------------------------------------- */

static void flash(struct tree *tree, const char *name, const char *compatible, uint32_t base)
{
    node(tree, name);
    bytes(tree, "compatible", compatible, 19); /* two names */
    cells(tree, "reg", 0, base, 0, 0x4000000, 1, base, 0, 0x1000);
    end(tree);
}

static void each_bank_of_flash_is_known_as_far_as_there_is_room(void **state)
{
    struct tree tree;

    (void)state;
    begin_empty(&tree);
    flash(&tree, "flash@0", "cfi-flash\0mtd-rom..", 0); /* its list does not end: none */
    flash(&tree, "flash@4000000", "acme,nor\0cfi-flash", 0x4000000);
    node(&tree, "flash@7000000");
    string(&tree, "compatible", "cfi-flash");
    string(&tree, "status", "disabled");
    cells(&tree, "reg", 0, 0x7000000, 0, 0x1000);
    end(&tree);
    finish_and_read(&tree);
    assert_int_equal(board.flash_count, 2);
    assert_region(&board.flash[0], 0x4000000, 0x4000000);
    assert_region(&board.flash[1], UINT64_C(0x104000000), 0x1000);
    begin_empty(&tree);
    for (unsigned i = 0; i < ASH_BOOT_BOARD_FLASH_MAX; i++) {
        char name[32];

        (void)snprintf(name, sizeof(name), "flash@%u", i);
        flash(&tree, name, "acme,nor\0cfi-flash", i * 0x1000000U);
    }
    finish_and_read(&tree);
    assert_int_equal(board.flash_count, ASH_BOOT_BOARD_FLASH_MAX);
    assert_region(&board.flash[ASH_BOOT_BOARD_FLASH_MAX - 1U],
                  UINT64_C(0x100000000) + 0x1000000U * (ASH_BOOT_BOARD_FLASH_MAX / 2U - 1U), 0x1000);
}

/** hv does without. */
static void flash_that_makes_no_sense_is_left_out(void **state)
{
    struct tree tree;

    (void)state;
    begin_empty(&tree);
    node(&tree, "flash@0");
    string(&tree, "compatible", "cfi-flash");
    cells(&tree, "reg", 0, 0x4000000, 1);
    end(&tree);
    node(&tree, "flash@1");
    string(&tree, "compatible", "cfi-flash");
    cells(&tree, "reg", 0xFFFFFFFF, 0xFFFFF000, 0, 0x2000);
    end(&tree);
    node(&tree, "flash@2");
    string(&tree, "compatible", "cfi-flash");
    end(&tree);
    finish_and_read(&tree);
    assert_int_equal(board.flash_count, 0);
    assert_int_equal(fault.code, ASH_OK);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_translated_through_the_buses),
        cmocka_unit_test(what_the_cpu_cannot_reach_is_skipped),
        cmocka_unit_test(a_device_that_wraps_or_is_empty_is_skipped),
        cmocka_unit_test(a_compatible_that_does_not_end_is_none),
        cmocka_unit_test(nodes_deeper_than_any_bus_are_skipped),
        cmocka_unit_test(more_consoles_than_candidates_are_survived),
        cmocka_unit_test(a_long_stdout_path_is_cut),
        cmocka_unit_test(each_bank_of_flash_is_known_as_far_as_there_is_room),
        cmocka_unit_test(flash_that_makes_no_sense_is_left_out),
        cmocka_unit_test(each_device_is_visited_with_its_registers_and_interrupts),
        cmocka_unit_test(the_devices_of_a_raspberry_pi_3_have_their_interrupts),
        cmocka_unit_test(a_visitor_may_stop_the_walk),
        cmocka_unit_test(no_mutation_of_a_device_crashes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
