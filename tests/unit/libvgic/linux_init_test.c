/* SPDX-License-Identifier: BSD-2-Clause */
/* The registers a Linux GICv3 driver touches, in its order, then interrupts through what it set up. */
#include "machine.h"

#define UART  33U
#define TIMER 27U

static struct machine m;

static void wait_for_rwp(uint32_t vcpu)
{
    assert_int_equal(dist_read(&m, vcpu, GICD_CTLR, 4) >> 31, 0);
}

static void init_distributor(void)
{
    assert_int_equal(dist_read(&m, 0, GICD_PIDR2, 4) & 0xF0U, 0x30);
    uint32_t lines = ((uint32_t)dist_read(&m, 0, GICD_TYPER, 4) & 0x1FU) * 32U + 32U;
    assert_int_equal(lines, 128);

    dist_write(&m, 0, GICD_CTLR, 4, 0); /* off */
    wait_for_rwp(0);
    for (uint32_t i = 32; i < lines; i += 32U) {
        dist_write(&m, 0, GICD_IGROUPR + i / 8U, 4, 0xFFFFFFFF);
    }
    for (uint32_t i = 32; i < lines; i += 16U) {
        dist_write(&m, 0, GICD_ICFGR + i / 4U, 4, 0);
    }
    for (uint32_t i = 32; i < lines; i += 4U) {
        dist_write(&m, 0, GICD_IPRIORITYR + i, 4, 0xA0A0A0A0);
    }
    for (uint32_t i = 32; i < lines; i += 32U) {
        dist_write(&m, 0, GICD_ICACTIVER + i / 8U, 4, 0xFFFFFFFF);
        dist_write(&m, 0, GICD_ICENABLER + i / 8U, 4, 0xFFFFFFFF);
    }
    wait_for_rwp(0);
    dist_write(&m, 0, GICD_CTLR, 4,
               0x13); /* ARE_NS, EnableGrp1A, EnableGrp1 as the non-secure view names them */
    wait_for_rwp(0);
    for (uint32_t i = 32; i < lines; i++) {
        dist_write(&m, 0, GICD_IROUTER + 8U * i, 8, 0);
        assert_int_equal(dist_read(&m, 0, GICD_IROUTER + 8U * i, 8), 0);
    }
}

static uint32_t find_redistributor(uint32_t vcpu)
{
    for (uint32_t n = 0;; n++) {
        assert_int_equal(redist_read(&m, vcpu, n, GICD_PIDR2, 4) & 0xF0U, 0x30);
        uint64_t typer = redist_read(&m, vcpu, n, GICR_TYPER, 8);
        if (typer >> 32 == vcpu) {
            return n;
        }
        assert_int_equal(typer >> 4 & 1U, 0); /* not the last yet */
    }
}

static void init_cpu(uint32_t vcpu)
{
    uint32_t n = find_redistributor(vcpu);

    uint64_t waker = redist_read(&m, vcpu, n, GICR_WAKER, 4);
    redist_write(&m, vcpu, n, GICR_WAKER, 4, waker & ~UINT64_C(2));
    assert_int_equal(redist_read(&m, vcpu, n, GICR_WAKER, 4) & 4U, 0);
    redist_write(&m, vcpu, n, GICR_SGI + GICD_IGROUPR, 4, 0xFFFFFFFF);
    redist_write(&m, vcpu, n, GICR_SGI + GICD_ICACTIVER, 4, 0xFFFFFFFF);
    for (uint32_t i = 0; i < 32U; i += 4U) {
        redist_write(&m, vcpu, n, GICR_SGI + GICD_IPRIORITYR + i, 4, 0xA0A0A0A0);
    }
    redist_write(&m, vcpu, n, GICR_SGI + GICD_ICENABLER, 4, 0xFFFF0000);
    redist_write(&m, vcpu, n, GICR_SGI + GICD_ISENABLER, 4, 0x0000FFFF);
    assert_int_equal(redist_read(&m, vcpu, n, GICR_CTLR, 4) & 8U, 0);
    /* gic_cpu_sys_reg_init: PMR 0xF0, BPR1 0, EOI mode 0, IGRPEN1. No exits. */
    fake_ich_set_pmr(&m.ich[vcpu], 0xF0);
    fake_ich_set_bpr(&m.ich[vcpu], 1, 0);
    fake_ich_set_eoimode(&m.ich[vcpu], false);
    fake_ich_set_igrpen(&m.ich[vcpu], 1, true);
}

static int setup(void **state)
{
    (void)state;
    static const struct machine_config config = {4, 96, 4, 5, 5, true, NULL, false};

    machine_init_cold(&m, &config);
    for (uint32_t n = 0; n < 4U; n++) {
        assert_int_equal(ash_vgic_connect_hw(&m.vgic, n, TIMER, TIMER), ASH_OK);
    }
    init_distributor();
    init_cpu(0);
    for (uint32_t n = 1; n < 4U; n++) {
        ash_vgic_vcpu_reset(&m.vgic, n); /* CPU_ON */
        machine_load(&m, n);
        init_cpu(n);
    }
    return 0;
}

static void timers_tick_on_every_cpu(void **state)
{
    (void)state;
    for (uint32_t n = 0; n < 4U; n++) {
        redist_write(&m, n, n, GICR_SGI + GICD_ISENABLER, 4, 1U << TIMER);
        for (int i = 0; i < 3; i++) {
            assert_true(fire_hw(&m, n, TIMER, TIMER));
            assert_int_equal(iar(&m, n), TIMER);
            eoir(&m, n, TIMER);
        }
    }
    assert_int_equal(m.maintenance, 0);
}

static void a_shared_uart_interrupt_is_requested_handled_moved_and_freed(void **state)
{
    (void)state;
    /* request_irq: type level high, route to CPU 0, unmask */
    set_edge(&m, 0, UART, false);
    dist_write(&m, 0, GICD_IROUTER + 8 * UART, 8, 0);
    set_bit(&m, 0, GICD_ISENABLER, UART);
    set_level(&m, 0, UART, true);
    assert_int_equal(iar(&m, 0), UART);
    set_level(&m, 0, UART, false);
    eoir(&m, 0, UART);
    /* irq_set_affinity: mask, wait, route, unmask */
    set_level(&m, 0, UART, true);
    set_bit(&m, 0, GICD_ICENABLER, UART);
    wait_for_rwp(0);
    dist_write(&m, 0, GICD_IROUTER + 8 * UART, 8, 2);
    set_bit(&m, 0, GICD_ISENABLER, UART);
    assert_int_equal(iar(&m, 0), FAKE_ICH_SPURIOUS);
    assert_int_equal(iar(&m, 2), UART);
    set_level(&m, 0, UART, false);
    /* free_irq: mask, then poll until no CPU has it active */
    set_bit(&m, 0, GICD_ICENABLER, UART);
    assert_true(get_bit(&m, 0, GICD_ISACTIVER, UART));
    fake_ich_eoir(&m.ich[2], 1, UART);
    assert_false(get_bit(&m, 0, GICD_ISACTIVER, UART));
}

static void ipis_cross_from_every_cpu_to_every_other(void **state)
{
    (void)state;
    for (uint32_t from = 0; from < 4U; from++) {
        for (uint32_t to = 0; to < 4U; to++) {
            send_sgi(&m, from, UINT64_C(1) << to);
            assert_int_equal(iar(&m, to), 0);
            eoir(&m, to, 0);
        }
    }
}

static void a_cpu_goes_down_and_comes_up_again(void **state)
{
    (void)state;
    redist_write(&m, 3, 3, GICR_SGI + GICD_ISENABLER, 4, 1U << TIMER);
    assert_true(fire_hw(&m, 3, TIMER, TIMER));
    machine_put(&m, 3);
    ash_vgic_vcpu_offline(&m.vgic, 3);
    send_sgi(&m, 0, UINT64_C(1) << 3);
    ash_vgic_vcpu_reset(&m.vgic, 3);
    machine_load(&m, 3);
    init_cpu(3);
    assert_int_equal(iar(&m, 3), FAKE_ICH_SPURIOUS);
    redist_write(&m, 3, 3, GICR_SGI + GICD_ISENABLER, 4, 1U << TIMER);
    assert_true(fire_hw(&m, 3, TIMER, TIMER));
    assert_int_equal(iar(&m, 3), TIMER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(timers_tick_on_every_cpu, setup),
        cmocka_unit_test_setup(a_shared_uart_interrupt_is_requested_handled_moved_and_freed, setup),
        cmocka_unit_test_setup(ipis_cross_from_every_cpu_to_every_other, setup),
        cmocka_unit_test_setup(a_cpu_goes_down_and_comes_up_again, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
