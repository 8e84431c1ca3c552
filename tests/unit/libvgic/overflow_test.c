/* SPDX-License-Identifier: BSD-2-Clause */
/* More interrupts than list registers. */
#include "machine.h"

static struct machine m;

static void start(unsigned lrs, bool tdir)
{
    struct machine_config config = {2, 96, lrs, 5, 5, tdir, NULL, false};

    machine_init_as(&m, &config);
    for (uint32_t word = 1; word <= 3U; word++) {
        dist_write(&m, 0, GICD_ISENABLER + 4U * word, 4, 0xFFFFFFFF);
        dist_write(&m, 0, GICD_ICFGR + 8U * word, 4, 0xFFFFFFFF);
        dist_write(&m, 0, GICD_ICFGR + 8U * word + 4U, 4, 0xFFFFFFFF);
    }
}

static void all_of_96_are_taken_in_the_order_of_their_priorities(void **state)
{
    (void)state;
    static const unsigned counts[] = {1, 2, 3, 4, 15, 16};

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        start(counts[i], false);
        for (uint32_t intid = 32; intid < 128U; intid++) {
            set_priority(&m, 0, intid, (uint8_t)((intid * 37U % 30U) << 3));
            pulse(&m, 0, intid);
        }
        uint8_t last = 0;
        for (unsigned n = 0; n < 96U; n++) {
            uint32_t intid = iar(&m, 0);
            assert_in_range(intid, 32, 127);
            uint8_t priority = (uint8_t)((intid * 37U % 30U) << 3);
            assert_true(priority >= last);
            last = priority;
            eoir(&m, 0, intid);
        }
        assert_int_equal(iar(&m, 0), FAKE_ICH_SPURIOUS);
        assert_int_equal(m.ich[0].hcr & ~1U, 0); /* no maintenance left on */
    }
}

static void a_late_urgent_one_goes_before_those_that_filled_the_list_registers(void **state)
{
    (void)state;
    start(4, false);
    for (uint32_t intid = 40; intid < 44U; intid++) {
        set_priority(&m, 0, intid, 0xA0);
        pulse(&m, 0, intid);
    }
    set_priority(&m, 0, 50, 0x20);
    pulse(&m, 0, 50);
    assert_int_equal(iar(&m, 0), 50);
    eoir(&m, 0, 50);
    for (uint32_t n = 0; n < 4U; n++) {
        uint32_t intid = iar(&m, 0);
        assert_in_range(intid, 40, 43);
        eoir(&m, 0, intid);
    }
    assert_int_equal(iar(&m, 0), FAKE_ICH_SPURIOUS);
}

/* Handlers nested deeper than there are list registers: each level preempts the one below and EOIs in reverse
 * order. */
static void nesting_deeper_than_the_list_registers_unwinds(void **state)
{
    (void)state;
    static const unsigned counts[] = {1, 2, 4};

    for (size_t i = 0; i < 3U; i++) {
        start(counts[i], false);
        for (uint32_t n = 0; n < 16U; n++) {
            set_priority(&m, 0, 60U + n, (uint8_t)(0xE8U - 8U * n));
            pulse(&m, 0, 60U + n);
            assert_int_equal(iar(&m, 0), 60U + n);
        }
        pulse(&m, 0, 60); /* again, while active outside the list registers */
        for (uint32_t n = 16; n-- > 0U;) {
            assert_true(get_bit(&m, 0, GICD_ISACTIVER, 60U + n));
            eoir(&m, 0, 60U + n);
            assert_false(get_bit(&m, 0, GICD_ISACTIVER, 60U + n));
        }
        assert_int_equal(iar(&m, 0), 60);
        eoir(&m, 0, 60);
        assert_int_equal(m.ich[0].apr1[0], 0);
        assert_int_equal(iar(&m, 0), FAKE_ICH_SPURIOUS);
    }
}

static void active_linked_interrupts_that_lost_their_list_register_are_still_deactivated(void **state)
{
    (void)state;
    start(2, false);
    for (uint32_t n = 0; n < 8U; n++) {
        set_priority(&m, 0, 60U + n, (uint8_t)(0xE0U - 8U * n));
        assert_int_equal(ash_vgic_connect_hw(&m.vgic, 0, 60U + n, 160U + n), ASH_OK);
        assert_true(fire_hw(&m, 0, 60U + n, 160U + n));
        assert_int_equal(iar(&m, 0), 60U + n);
    }
    for (uint32_t n = 8; n-- > 0U;) {
        assert_true(is_phys_active(&m, 0, 160U + n));
        eoir(&m, 0, 60U + n);
        assert_false(is_phys_active(&m, 0, 160U + n));
    }
}

static void with_dir_trapped_deactivation_comes_in_any_order(void **state)
{
    (void)state;
    static const uint32_t order[6] = {62, 65, 60, 64, 61, 63};

    start(2, true);
    fake_ich_set_eoimode(&m.ich[0], true);
    for (uint32_t n = 0; n < 6U; n++) {
        pulse(&m, 0, 60U + n);
        assert_int_equal(iar(&m, 0), 60U + n);
        eoir(&m, 0, 60U + n); /* dropped, still active */
    }
    for (unsigned i = 0; i < 6U; i++) {
        dir(&m, 0, order[i]);
        for (unsigned j = 0; j < 6U; j++) {
            assert_int_equal(get_bit(&m, 0, GICD_ISACTIVER, order[j]), j > i);
        }
    }
    pulse(&m, 0, 70); /* another vCPU may deactivate an SPI */
    assert_int_equal(iar(&m, 0), 70);
    ash_vgic_dir(&m.vgic, 1, 70);
    machine_settle(&m);
    assert_false(get_bit(&m, 0, GICD_ISACTIVER, 70));
    assert_int_equal(m.ich[0].hcr & (1U << 14), 0); /* and DIR is the guest's again */
    ash_vgic_dir(&m.vgic, 0, 60);                   /* inactive, absent, hostile: nothing */
    ash_vgic_dir(&m.vgic, 0, 900);
    ash_vgic_dir(&m.vgic, 0, UINT32_MAX);
    ash_vgic_dir(&m.vgic, 7, 60);
    machine_settle(&m);
}

static void without_dir_traps_deactivation_in_the_order_of_priorities_works(void **state)
{
    (void)state;
    start(2, false);
    fake_ich_set_eoimode(&m.ich[0], true);
    for (uint32_t n = 0; n < 6U; n++) {
        set_priority(&m, 0, 60U + n, (uint8_t)(8U * n));
        pulse(&m, 0, 60U + n);
        assert_int_equal(iar(&m, 0), 60U + n);
        eoir(&m, 0, 60U + n);
        assert_int_equal(m.ich[0].hcr & (1U << 14), 0); /* RES0 on this CPU */
    }
    for (uint32_t n = 0; n < 6U; n++) {
        dir(&m, 0, 60U + n);
        assert_false(get_bit(&m, 0, GICD_ISACTIVER, 60U + n));
    }
}

static void an_active_one_pending_again_does_not_go_before_better_ones_that_wait(void **state)
{
    (void)state;
    start(2, false);
    fake_ich_set_eoimode(&m.ich[0], true);
    set_priority(&m, 0, 60, 0xA0);
    set_priority(&m, 0, 61, 0x20);
    set_priority(&m, 0, 62, 0x40);
    pulse(&m, 0, 60);
    assert_int_equal(iar(&m, 0), 60);
    eoir(&m, 0, 60);
    pulse(&m, 0, 60); /* active and pending; 61 gets the other list register, 62 waits */
    pulse(&m, 0, 61);
    pulse(&m, 0, 62);
    dir(&m, 0, 60);
    assert_int_equal(iar(&m, 0), 61);
    eoir(&m, 0, 61);
    assert_int_equal(iar(&m, 0), 62);
    eoir(&m, 0, 62);
    assert_int_equal(iar(&m, 0), 60);
}

static void an_end_of_what_was_never_active_ends_nothing_else(void **state)
{
    (void)state;
    start(4, false);
    set_bit(&m, 0, GICD_ISACTIVER, 70);
    set_priority(&m, 0, 70, 0xE0);
    pulse(&m, 0, 60);
    assert_int_equal(iar(&m, 0), 60);
    eoir(&m, 0, 99); /* priority drop, no such list register */
    machine_put(&m, 0);
    machine_load(&m, 0);
    assert_true(get_bit(&m, 0, GICD_ISACTIVER, 70));
    assert_true(get_bit(&m, 0, GICD_ISACTIVER, 60));
}

static void what_overflows_is_not_lost_over_a_put_and_a_load(void **state)
{
    (void)state;
    start(2, false);
    for (uint32_t intid = 40; intid < 60U; intid++) {
        pulse(&m, 0, intid);
    }
    for (uint32_t n = 0; n < 20U; n++) {
        uint32_t intid = iar(&m, 0);
        assert_int_equal(intid, 40U + n); /* equal priorities: by INTID */
        machine_put(&m, 0);
        machine_load(&m, 0);
        eoir(&m, 0, intid);
    }
    assert_int_equal(iar(&m, 0), FAKE_ICH_SPURIOUS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_96_are_taken_in_the_order_of_their_priorities),
        cmocka_unit_test(a_late_urgent_one_goes_before_those_that_filled_the_list_registers),
        cmocka_unit_test(nesting_deeper_than_the_list_registers_unwinds),
        cmocka_unit_test(active_linked_interrupts_that_lost_their_list_register_are_still_deactivated),
        cmocka_unit_test(with_dir_trapped_deactivation_comes_in_any_order),
        cmocka_unit_test(without_dir_traps_deactivation_in_the_order_of_priorities_works),
        cmocka_unit_test(an_active_one_pending_again_does_not_go_before_better_ones_that_wait),
        cmocka_unit_test(an_end_of_what_was_never_active_ends_nothing_else),
        cmocka_unit_test(what_overflows_is_not_lost_over_a_put_and_a_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
