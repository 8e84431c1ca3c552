/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts linked to a physical one (HW = 1). The machine fails if a physical interrupt is deactivated that
 * is not active; each test says when it must have become inactive. */
#include <libvgic/ich.h>

#include "machine.h"

#define TIMER 27U
#define SPI   50U
#define PSPI  77U

static struct machine m;

static int setup(void **state)
{
    (void)state;
    machine_init(&m);
    set_bit(&m, 0, GICD_ISENABLER, TIMER);
    set_bit(&m, 1, GICD_ISENABLER, TIMER);
    set_bit(&m, 0, GICD_ISENABLER, SPI);
    assert_int_equal(ash_vgic_connect_hw(&m.vgic, 0, TIMER, TIMER), ASH_OK);
    assert_int_equal(ash_vgic_connect_hw(&m.vgic, 1, TIMER, TIMER), ASH_OK);
    assert_int_equal(ash_vgic_connect_hw(&m.vgic, 0, SPI, PSPI), ASH_OK);
    return 0;
}

static void links_with_sgis_and_nonsense_are_refused(void **state)
{
    (void)state;
    for (uint32_t pintid = 0; pintid < 16U; pintid++) {
        assert_int_equal(ash_vgic_connect_hw(&m.vgic, 0, 40, pintid), ASH_EINVAL);
        assert_int_equal(ash_vgic_connect_hw(&m.vgic, 0, pintid, 40), ASH_EINVAL);
    }
    assert_int_equal(ash_vgic_connect_hw(&m.vgic, 2, TIMER, TIMER), ASH_EINVAL);
    assert_int_equal(ash_vgic_connect_hw(&m.vgic, 0, 128, 40), ASH_ENOENT);
    assert_int_equal(ash_vgic_inject_hw(&m.vgic, 0, 40), ASH_EINVAL); /* not linked */
    assert_int_equal(ash_vgic_inject_hw(&m.vgic, 9, TIMER), ASH_EINVAL);
    assert_int_equal(ash_vgic_inject_hw(&m.vgic, 0, 500), ASH_ENOENT);
}

static void the_guests_eoi_deactivates_the_physical_interrupt_without_an_exit(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        assert_true(fire_hw(&m, 0, TIMER, TIMER));
        assert_int_equal(iar(&m, 0), TIMER);
        assert_true(is_phys_active(&m, 0, TIMER));
        eoir(&m, 0, TIMER);
        assert_false(is_phys_active(&m, 0, TIMER));
    }
    assert_int_equal(m.deactivations, 0);
    assert_int_equal(m.maintenance, 0);
}

static void what_goes_with_a_vcpu_to_another_cpu_is_told(void **state)
{
    (void)state;
    assert_false(ash_vgic_hw_is_active(&m.vcpu[0], TIMER));
    assert_true(fire_hw(&m, 0, TIMER, TIMER));
    assert_true(ash_vgic_hw_is_active(&m.vcpu[0], TIMER));
    assert_false(ash_vgic_hw_is_active(&m.vcpu[1], TIMER));
    assert_int_equal(iar(&m, 0), TIMER);
    machine_put(&m, 0);
    assert_true(ash_vgic_hw_is_active(&m.vcpu[0], TIMER));
    machine_load(&m, 0);
    eoir(&m, 0, TIMER);
    machine_put(&m, 0);
    assert_false(ash_vgic_hw_is_active(&m.vcpu[0], TIMER));
    assert_false(ash_vgic_hw_is_active(&m.vcpu[0], SPI));
    machine_load(&m, 0);
}

static void where_the_gic_must_not_a_maintenance_interrupt_deactivates(void **state)
{
    static const struct machine_config config = {.vcpus = 1,
                                                 .spis = 32,
                                                 .lrs = 2,
                                                 .priority_bits = 5,
                                                 .preemption_bits = 5,
                                                 .deactivate_by_hal = true};

    (void)state;
    machine_init_as(&m, &config);
    set_bit(&m, 0, GICD_ISENABLER, TIMER);
    assert_int_equal(ash_vgic_connect_hw(&m.vgic, 0, TIMER, TIMER), ASH_OK);
    for (unsigned i = 1; i <= 4; i++) {
        assert_true(fire_hw(&m, 0, TIMER, TIMER));
        assert_int_equal(iar(&m, 0), TIMER);
        assert_true(is_phys_active(&m, 0, TIMER));
        assert_int_equal(m.vcpu[0].lrs.lr[0] & ASH_ICH_LR_HW, 0);
        eoir(&m, 0, TIMER);
        assert_false(is_phys_active(&m, 0, TIMER));
        assert_int_equal(m.deactivations, i);
        assert_int_equal(m.maintenance, i);
    }
}

static void both_vcpus_have_a_timer_of_their_own(void **state)
{
    (void)state;
    assert_true(fire_hw(&m, 1, TIMER, TIMER));
    assert_int_equal(iar(&m, 0), FAKE_ICH_SPURIOUS);
    assert_true(fire_hw(&m, 0, TIMER, TIMER));
    assert_int_equal(iar(&m, 1), TIMER);
    eoir(&m, 1, TIMER);
    assert_true(is_phys_active(&m, 0, TIMER));
    assert_false(is_phys_active(&m, 1, TIMER));
}

static void a_link_cannot_change_under_an_interrupt_on_its_way(void **state)
{
    (void)state;
    assert_true(fire_hw(&m, 0, SPI, PSPI));
    assert_int_equal(ash_vgic_connect_hw(&m.vgic, 0, SPI, 78), ASH_EBUSY);
    assert_int_equal(iar(&m, 0), SPI);
    eoir(&m, 0, SPI);
    machine_put(&m, 0);
    machine_load(&m, 0);
    assert_int_equal(ash_vgic_connect_hw(&m.vgic, 0, SPI, ASH_VGIC_NO_PINTID), ASH_OK);
}

static void one_that_the_guest_made_pending_itself_has_no_physical_side(void **state)
{
    (void)state;
    set_bit(&m, 0, GICD_ISPENDR, TIMER);
    assert_int_equal(iar(&m, 0), TIMER);
    eoir(&m, 0, TIMER);
    machine_put(&m, 0);
    assert_int_equal(m.deactivations, 0);
}

static void one_that_fires_after_a_software_one_ended_keeps_its_physical_side(void **state)
{
    (void)state;
    set_bit(&m, 0, GICD_ISPENDR, SPI);
    assert_int_equal(iar(&m, 0), SPI);
    machine_put(&m, 0); /* the vGIC has seen it active */
    machine_load(&m, 0);
    eoir(&m, 0, SPI); /* no exit: the vGIC does not know yet */
    assert_true(fire_hw(&m, 0, SPI, PSPI));
    assert_true(is_phys_active(&m, 0, PSPI)); /* released now, a level would fire again at once */
    assert_int_equal(iar(&m, 0), SPI);
    eoir(&m, 0, SPI);
    assert_false(is_phys_active(&m, 0, PSPI));
    assert_int_equal(m.deactivations, 0);
}

static void pending_by_register_while_active_is_delivered_and_the_physical_one_released(void **state)
{
    (void)state;
    assert_true(fire_hw(&m, 0, TIMER, TIMER));
    assert_int_equal(iar(&m, 0), TIMER);
    set_bit(&m, 0, GICD_ISPENDR, TIMER);
    eoir(&m, 0, TIMER);
    assert_int_equal(iar(&m, 0), TIMER);
    eoir(&m, 0, TIMER);
    assert_false(is_phys_active(&m, 0, TIMER));
    assert_int_equal(iar(&m, 0), FAKE_ICH_SPURIOUS);

    set_edge(&m, 0, SPI, true); /* an edge becomes active and pending */
    assert_true(fire_hw(&m, 0, SPI, PSPI));
    assert_int_equal(iar(&m, 0), SPI);
    set_bit(&m, 0, GICD_ISPENDR, SPI);
    eoir(&m, 0, SPI);
    assert_int_equal(iar(&m, 0), SPI);
    eoir(&m, 0, SPI);
    assert_false(is_phys_active(&m, 0, PSPI));
    assert_true(fire_hw(&m, 0, SPI, PSPI));
    set_bit(&m, 0, GICD_ISACTIVER, SPI);
    set_bit(&m, 0, GICD_ICENABLER, SPI);
    eoir(&m, 0, SPI); /* nothing is running: no end */
    assert_true(is_phys_active(&m, 0, PSPI));
}

static void clearing_pending_releases_the_physical_interrupt(void **state)
{
    (void)state;
    assert_true(fire_hw(&m, 0, TIMER, TIMER)); /* in an LR */
    set_bit(&m, 0, GICD_ICPENDR, TIMER);
    assert_int_equal(iar(&m, 0), FAKE_ICH_SPURIOUS);
    assert_false(is_phys_active(&m, 0, TIMER));
    set_bit(&m, 0, GICD_ICENABLER, TIMER);
    assert_true(fire_hw(&m, 0, TIMER, TIMER)); /* in no LR */
    redist_write(&m, 1, 0, GICR_SGI + GICD_ICPENDR, 4, 1U << TIMER);
    assert_false(is_phys_active(&m, 0, TIMER));
    set_bit(&m, 0, GICD_ICENABLER, SPI);
    assert_true(fire_hw(&m, 0, SPI, PSPI));
    set_bit(&m, 1, GICD_ICPENDR, SPI);
    assert_false(is_phys_active(&m, 0, PSPI));
}

static void clearing_active_releases_the_physical_interrupt(void **state)
{
    (void)state;
    assert_true(fire_hw(&m, 0, TIMER, TIMER));
    assert_int_equal(iar(&m, 0), TIMER);
    set_bit(&m, 0, GICD_ICACTIVER, TIMER);
    assert_false(is_phys_active(&m, 0, TIMER));
    assert_true(fire_hw(&m, 0, TIMER, TIMER));
}

static void a_disabled_one_waits_and_is_not_injected_twice(void **state)
{
    (void)state;
    set_bit(&m, 0, GICD_ICENABLER, TIMER);
    assert_true(fire_hw(&m, 0, TIMER, TIMER));
    assert_false(fire_hw(&m, 0, TIMER, TIMER)); /* active at the physical GIC: no storm */
    set_bit(&m, 0, GICD_ISENABLER, TIMER);
    assert_int_equal(iar(&m, 0), TIMER);
    eoir(&m, 0, TIMER);
    assert_false(is_phys_active(&m, 0, TIMER));
}

static void one_taken_back_before_the_guest_saw_it_is_released(void **state)
{
    (void)state;
    assert_true(fire_hw(&m, 0, TIMER, TIMER));
    set_level(&m, 0, TIMER, false);
    assert_int_equal(iar(&m, 0), FAKE_ICH_SPURIOUS);
    assert_false(is_phys_active(&m, 0, TIMER));
    assert_true(fire_hw(&m, 0, TIMER, TIMER));
    assert_int_equal(iar(&m, 0), TIMER);
    set_level(&m, 0, TIMER, false); /* too late */
    assert_true(is_phys_active(&m, 0, TIMER));
    eoir(&m, 0, TIMER);
    assert_false(is_phys_active(&m, 0, TIMER));
}

static void an_edge_configured_link_behaves_the_same(void **state)
{
    (void)state;
    set_edge(&m, 0, SPI, true);
    for (int i = 0; i < 3; i++) {
        assert_true(fire_hw(&m, 0, SPI, PSPI));
        assert_int_equal(iar(&m, 0), SPI);
        eoir(&m, 0, SPI);
        assert_false(is_phys_active(&m, 0, PSPI));
    }
}

static void eoi_mode_1_deactivates_with_dir(void **state)
{
    (void)state;
    fake_ich_set_eoimode(&m.ich[0], true);
    assert_true(fire_hw(&m, 0, TIMER, TIMER));
    assert_int_equal(iar(&m, 0), TIMER);
    eoir(&m, 0, TIMER);
    assert_true(is_phys_active(&m, 0, TIMER));
    dir(&m, 0, TIMER);
    assert_false(is_phys_active(&m, 0, TIMER));
}

static void starting_a_vcpu_again_releases_its_timer(void **state)
{
    (void)state;
    assert_true(fire_hw(&m, 0, TIMER, TIMER));
    assert_int_equal(iar(&m, 0), TIMER);
    machine_put(&m, 0);
    ash_vgic_vcpu_offline(&m.vgic, 0);
    ash_vgic_vcpu_reset(&m.vgic, 0);
    assert_false(is_phys_active(&m, 0, TIMER));
}

/* A software one is active (ISPENDR, acknowledged) when the physical one fires: the end of the first is not that of
 * the second, however it ends. */
static void one_that_fires_while_a_software_one_is_active_outlives_its_end(void **state)
{
    (void)state;
    for (unsigned way = 0; way < 6U; way++) {
        bool edge = way % 2U != 0U;
        bool by_register = way >= 4U;
        bool put = way == 2U || way == 3U;

        machine_init(&m);
        assert_int_equal(ash_vgic_connect_hw(&m.vgic, 0, 50, 90), ASH_OK);
        set_bit(&m, 0, GICD_ISENABLER, 50);
        set_edge(&m, 0, 50, edge);
        set_bit(&m, 0, GICD_ISPENDR, 50);
        assert_int_equal(iar(&m, 0), 50);
        assert_true(fire_hw(&m, 0, 50, 90));
        if (put) {
            machine_put(&m, 0);
            machine_load(&m, 0);
        }
        if (by_register) {
            machine_put(&m, 0);
            uint64_t bit = 1U << 18;
            assert_int_equal(ash_vgic_dist_access(&m.vgic, 1, GICD_ICACTIVER + 4, 4, true, &bit), ASH_OK);
            machine_load(&m, 0);
            fake_ich_eoir(&m.ich[0], 1, 50);
        } else {
            eoir(&m, 0, 50);
        }
        assert_true(is_phys_active(&m, 0, 90));
        assert_int_equal(iar(&m, 0), 50);
        eoir(&m, 0, 50);
        assert_false(is_phys_active(&m, 0, 90));
        assert_int_equal(iar(&m, 0), FAKE_ICH_SPURIOUS);
    }
}

static void one_that_fires_while_a_software_one_is_active_goes_with_its_pending_state(void **state)
{
    (void)state;
    for (unsigned put = 0; put <= 1U; put++) {
        machine_init(&m);
        assert_int_equal(ash_vgic_connect_hw(&m.vgic, 0, 50, 90), ASH_OK);
        set_bit(&m, 0, GICD_ISENABLER, 50);
        set_bit(&m, 0, GICD_ISPENDR, 50);
        assert_int_equal(iar(&m, 0), 50);
        assert_true(fire_hw(&m, 0, 50, 90));
        if (put != 0U) {
            machine_put(&m, 0);
        }
        dist_write(&m, 1, GICD_ICPENDR + 4, 4, 1U << 18);
        if (put != 0U) {
            machine_load(&m, 0);
        }
        assert_false(is_phys_active(&m, 0, 90)); /* its device can ask again */
        eoir(&m, 0, 50);
        assert_int_equal(iar(&m, 0), FAKE_ICH_SPURIOUS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_fires_while_a_software_one_is_active_outlives_its_end),
        cmocka_unit_test(one_that_fires_while_a_software_one_is_active_goes_with_its_pending_state),
        cmocka_unit_test_setup(links_with_sgis_and_nonsense_are_refused, setup),
        cmocka_unit_test_setup(what_goes_with_a_vcpu_to_another_cpu_is_told, setup),
        cmocka_unit_test_setup(the_guests_eoi_deactivates_the_physical_interrupt_without_an_exit, setup),
        cmocka_unit_test_setup(what_goes_with_a_vcpu_to_another_cpu_is_told, setup),
        cmocka_unit_test(where_the_gic_must_not_a_maintenance_interrupt_deactivates),
        cmocka_unit_test_setup(both_vcpus_have_a_timer_of_their_own, setup),
        cmocka_unit_test_setup(a_link_cannot_change_under_an_interrupt_on_its_way, setup),
        cmocka_unit_test_setup(one_that_the_guest_made_pending_itself_has_no_physical_side, setup),
        cmocka_unit_test_setup(one_that_fires_after_a_software_one_ended_keeps_its_physical_side, setup),
        cmocka_unit_test_setup(pending_by_register_while_active_is_delivered_and_the_physical_one_released,
                               setup),
        cmocka_unit_test_setup(clearing_pending_releases_the_physical_interrupt, setup),
        cmocka_unit_test_setup(clearing_active_releases_the_physical_interrupt, setup),
        cmocka_unit_test_setup(a_disabled_one_waits_and_is_not_injected_twice, setup),
        cmocka_unit_test_setup(one_taken_back_before_the_guest_saw_it_is_released, setup),
        cmocka_unit_test_setup(an_edge_configured_link_behaves_the_same, setup),
        cmocka_unit_test_setup(eoi_mode_1_deactivates_with_dir, setup),
        cmocka_unit_test_setup(starting_a_vcpu_again_releases_its_timer, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
