/* SPDX-License-Identifier: BSD-2-Clause */
/* A board's interrupt controllers, and the numbers of its interrupts. */
#include "board_fixture.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gicv2_with_virtualization_is_read),
        cmocka_unit_test(a_gicv3_with_regions_stride_and_legacy_is_read),
        cmocka_unit_test(a_gic_that_cannot_be_read_is_refused_or_none),
        cmocka_unit_test(what_a_gicv3_s_tree_counts_has_one_or_two_cells),
        cmocka_unit_test(a_raspberry_pi_3_has_its_own_controllers_instead_of_a_gic),
        cmocka_unit_test(without_a_stdout_path_the_console_is_serial0),
        cmocka_unit_test(half_a_bcm2836_is_none),
        cmocka_unit_test(each_bank_of_the_bcm2835_has_its_interrupts),
        cmocka_unit_test(interrupts_out_of_range_are_not_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
