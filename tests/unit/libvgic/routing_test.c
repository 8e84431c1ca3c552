/* SPDX-License-Identifier: BSD-2-Clause */
/* GICD_IROUTER: by affinity, 1 of N, and changes under way. */
#include "machine.h"

#define IRM (UINT64_C(1) << 31)

static struct machine m;

static int setup(void **state)
{
    (void)state;
    static const struct machine_config config = {4, 96, 4, 5, 5, false, NULL, false};

    machine_init_as(&m, &config);
    set_bit(&m, 0, GICD_ISENABLER, 40);
    return 0;
}

static void route(uint32_t intid, uint64_t value)
{
    dist_write(&m, 0, GICD_IROUTER + 8U * intid, 8, value);
}

static uint32_t taker(uint32_t intid)
{
    uint32_t found = 99;

    for (uint32_t n = 0; n < m.vcpu_count; n++) {
        if (iar(&m, n) == intid) {
            assert_int_equal(found, 99); /* only one may have it */
            found = n;
        }
    }
    return found;
}

static void an_spi_goes_where_its_route_says(void **state)
{
    (void)state;
    for (uint32_t n = 0; n < 4U; n++) {
        route(40, n);
        set_level(&m, 0, 40, true);
        assert_int_equal(taker(40), n);
        set_level(&m, 0, 40, false);
        eoir(&m, n, 40);
    }
}

static void a_route_to_nobody_keeps_it_pending_until_it_changes(void **state)
{
    (void)state;
    route(40, 0x00010203);
    set_level(&m, 0, 40, true);
    assert_int_equal(taker(40), 99);
    assert_true(get_bit(&m, 0, GICD_ISPENDR, 40));
    route(40, 2);
    assert_int_equal(taker(40), 2);
}

static void a_pending_one_moves_with_its_route(void **state)
{
    (void)state;
    set_edge(&m, 0, 40, true);
    pulse(&m, 0, 40); /* in vCPU 0's LR */
    assert_true(fake_ich_is_signalled(&m.ich[0], 1));
    route(40, 3);
    assert_int_equal(taker(40), 3);
}

static void an_active_one_ends_where_it_was_taken_and_comes_again_at_the_new_place(void **state)
{
    (void)state;
    set_level(&m, 0, 40, true);
    assert_int_equal(iar(&m, 0), 40);
    route(40, 1);
    assert_int_equal(taker(40), 99);
    eoir(&m, 0, 40); /* the line is still high */
    assert_int_equal(taker(40), 1);
    set_level(&m, 0, 40, false);
    eoir(&m, 1, 40);
    assert_int_equal(taker(40), 99);

    set_edge(&m, 0, 40, true);
    pulse(&m, 0, 40);
    assert_int_equal(iar(&m, 1), 40);
    route(40, 2);
    pulse(&m, 0, 40);
    assert_int_equal(taker(40), 99);
    eoir(&m, 1, 40);
    assert_int_equal(taker(40), 2);
}

static void one_of_n_is_taken_by_exactly_one_and_not_always_the_same(void **state)
{
    (void)state;
    unsigned takers = 0;

    for (uint32_t n = 0; n < 4U; n++) { /* the vmcr images know that the groups are open */
        machine_put(&m, n);
        machine_load(&m, n);
    }
    route(40, IRM);
    for (int i = 0; i < 16; i++) {
        set_level(&m, 0, 40, true);
        uint32_t n = taker(40);
        assert_in_range(n, 0, 3);
        takers |= 1U << n;
        set_level(&m, 0, 40, false);
        eoir(&m, n, 40);
    }
    assert_int_not_equal(takers & (takers - 1U), 0);
}

static void one_of_n_once_given_does_not_wander(void **state)
{
    (void)state;
    uint32_t holder = 99;

    route(40, IRM);
    set_level(&m, 0, 40, true);
    for (int i = 0; i < 8; i++) {
        for (uint32_t n = 0; n < 4U; n++) {
            if (fake_ich_is_signalled(&m.ich[n], 1)) {
                assert_true(holder == 99U || holder == n);
                holder = n;
            }
            machine_put(&m, n);
            machine_load(&m, n);
            machine_settle(&m);
        }
    }
    assert_int_not_equal(holder, 99);
}

static void one_of_n_passes_over_vcpus_that_are_off_or_asleep(void **state)
{
    (void)state;
    route(40, IRM);
    machine_put(&m, 0);
    ash_vgic_vcpu_offline(&m.vgic, 0);
    redist_write(&m, 1, 1, GICR_WAKER, 4, 2);
    redist_write(&m, 3, 3, GICR_WAKER, 4, 2);
    for (int i = 0; i < 6; i++) {
        set_level(&m, 0, 40, true);
        assert_int_equal(iar(&m, 2), 40);
        set_level(&m, 0, 40, false);
        eoir(&m, 2, 40);
    }
}

static void one_of_n_leaves_a_vcpu_that_goes_off(void **state)
{
    (void)state;
    route(40, IRM);
    set_level(&m, 0, 40, true);
    uint32_t first = 99;
    for (uint32_t n = 0; n < 4U; n++) {
        first = fake_ich_is_signalled(&m.ich[n], 1) ? n : first;
    }
    assert_in_range(first, 0, 3);
    machine_put(&m, first);
    ash_vgic_vcpu_offline(&m.vgic, first);
    machine_settle(&m);
    assert_in_range(taker(40), 0, 3);
}

static void one_of_n_with_nobody_there_waits_for_the_first_to_come(void **state)
{
    (void)state;
    route(40, IRM);
    for (uint32_t n = 0; n < 4U; n++) {
        machine_put(&m, n);
        ash_vgic_vcpu_offline(&m.vgic, n);
    }
    set_level(&m, 0, 40, true);
    ash_vgic_vcpu_reset(&m.vgic, 3);
    fake_ich_init(&m.ich[3], 4, 5, 5);
    machine_load(&m, 3);
    fake_ich_set_pmr(&m.ich[3], 0xF0);
    fake_ich_set_igrpen(&m.ich[3], 1, true);
    assert_int_equal(iar(&m, 3), 40);
}

static void rwp_is_set_until_a_running_vcpu_has_given_a_disabled_interrupt_back(void **state)
{
    (void)state;
    route(40, 1);
    set_level(&m, 0, 40, true);
    uint64_t bit = 1U << 8;
    uint64_t value;
    /* Not through dist_write(): vCPU 1 must not come to its flush yet. */
    assert_int_equal(ash_vgic_dist_access(&m.vgic, 0, GICD_ICENABLER + 4, 4, true, &bit), ASH_OK);
    assert_true(m.kicked[1]);
    assert_int_equal(ash_vgic_dist_access(&m.vgic, 0, GICD_CTLR, 4, false, &value), ASH_OK);
    assert_int_equal(value >> 31, 1);
    machine_exit(&m, 1);
    assert_int_equal(ash_vgic_dist_access(&m.vgic, 0, GICD_CTLR, 4, false, &value), ASH_OK);
    assert_int_equal(value >> 31, 0);
    assert_int_equal(iar(&m, 1), FAKE_ICH_SPURIOUS);

    set_bit(&m, 0, GICD_ISENABLER, 40); /* the same for a whole group */
    uint64_t none = 0;
    assert_int_equal(ash_vgic_dist_access(&m.vgic, 0, GICD_CTLR, 4, true, &none), ASH_OK);
    assert_int_equal(ash_vgic_dist_access(&m.vgic, 0, GICD_CTLR, 4, false, &value), ASH_OK);
    assert_int_equal(value >> 31, 1);
    machine_settle(&m);
    assert_int_equal(dist_read(&m, 0, GICD_CTLR, 4) >> 31, 0);
    dist_write(&m, 0, GICD_CTLR, 4, 3);
    set_bit(&m, 0, GICD_ICENABLER, 40);

    redist_write(&m, 1, 1, GICR_SGI + GICD_ISENABLER, 4, 1U << 20);
    set_level(&m, 1, 20, true);
    bit = 1U << 20;
    uint64_t base = ASH_VGIC_REDIST_SIZE;
    assert_int_equal(ash_vgic_redist_access(&m.vgic, 0, base + GICR_SGI + GICD_ICENABLER, 4, true, &bit),
                     ASH_OK);
    assert_int_equal(ash_vgic_redist_access(&m.vgic, 0, base + GICR_CTLR, 4, false, &value), ASH_OK);
    assert_int_equal(value, 8);
    machine_settle(&m);
    assert_int_equal(redist_read(&m, 0, 1, GICR_CTLR, 4), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_spi_goes_where_its_route_says, setup),
        cmocka_unit_test_setup(a_route_to_nobody_keeps_it_pending_until_it_changes, setup),
        cmocka_unit_test_setup(a_pending_one_moves_with_its_route, setup),
        cmocka_unit_test_setup(an_active_one_ends_where_it_was_taken_and_comes_again_at_the_new_place, setup),
        cmocka_unit_test_setup(one_of_n_is_taken_by_exactly_one_and_not_always_the_same, setup),
        cmocka_unit_test_setup(one_of_n_once_given_does_not_wander, setup),
        cmocka_unit_test_setup(one_of_n_passes_over_vcpus_that_are_off_or_asleep, setup),
        cmocka_unit_test_setup(one_of_n_leaves_a_vcpu_that_goes_off, setup),
        cmocka_unit_test_setup(one_of_n_with_nobody_there_waits_for_the_first_to_come, setup),
        cmocka_unit_test_setup(rwp_is_set_until_a_running_vcpu_has_given_a_disabled_interrupt_back, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
