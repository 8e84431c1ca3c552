/* SPDX-License-Identifier: BSD-2-Clause */
/* From a line or an edge to the guest's IAR and back. */
#include "machine.h"

static struct machine m;

static int setup(void **state)
{
    (void)state;
    machine_init(&m);
    set_bit(&m, 0, GICD_ISENABLER, 40);
    return 0;
}

static void a_high_line_is_taken_and_comes_again_until_it_falls(void **state)
{
    (void)state;
    set_level(&m, 0, 40, true);
    for (int i = 0; i < 3; i++) {
        assert_true(fake_ich_is_signalled(&m.ich[0], 1));
        assert_int_equal(iar(&m, 0), 40);
        assert_int_equal(iar(&m, 0), FAKE_ICH_SPURIOUS);
        eoir(&m, 0, 40); /* nobody quieted the device; the guest makes no exit of its own */
    }
    assert_int_equal(iar(&m, 0), 40);
    set_level(&m, 0, 40, false);
    eoir(&m, 0, 40);
    assert_int_equal(iar(&m, 0), FAKE_ICH_SPURIOUS);
}

static void a_device_quieted_in_the_handler_costs_no_maintenance_interrupt(void **state)
{
    (void)state;
    set_level(&m, 0, 40, true);
    assert_int_equal(iar(&m, 0), 40);
    set_level(&m, 0, 40, false);
    unsigned before = m.maintenance;
    eoir(&m, 0, 40);
    assert_int_equal(m.maintenance, before);
    set_level(&m, 0, 40, true);
    assert_int_equal(iar(&m, 0), 40);
    machine_put(&m, 0); /* the vGIC has seen it active, and asked for maintenance */
    machine_load(&m, 0);
    set_level(&m, 0, 40, false);
    eoir(&m, 0, 40);
    assert_int_equal(m.maintenance, before);
}

static void a_line_that_falls_before_it_is_taken_is_withdrawn(void **state)
{
    (void)state;
    set_level(&m, 0, 40, true);
    set_level(&m, 0, 40, false);
    assert_false(fake_ich_is_signalled(&m.ich[0], 1));
    assert_int_equal(iar(&m, 0), FAKE_ICH_SPURIOUS);
}

static void a_line_that_rises_again_while_active_is_not_lost(void **state)
{
    (void)state;
    set_level(&m, 0, 40, true);
    assert_int_equal(iar(&m, 0), 40);
    set_level(&m, 0, 40, false);
    set_level(&m, 0, 40, true);
    eoir(&m, 0, 40);
    assert_int_equal(iar(&m, 0), 40);
}

static void an_edge_is_taken_once_and_edges_that_meet_are_one(void **state)
{
    (void)state;
    set_edge(&m, 0, 40, true);
    pulse(&m, 0, 40);
    pulse(&m, 0, 40);
    assert_int_equal(iar(&m, 0), 40);
    eoir(&m, 0, 40);
    assert_int_equal(iar(&m, 0), FAKE_ICH_SPURIOUS);
}

static void an_edge_while_active_is_taken_after_the_end(void **state)
{
    (void)state;
    set_edge(&m, 0, 40, true);
    pulse(&m, 0, 40);
    assert_int_equal(iar(&m, 0), 40);
    pulse(&m, 0, 40);
    assert_int_equal(iar(&m, 0), FAKE_ICH_SPURIOUS);
    eoir(&m, 0, 40);
    assert_int_equal(iar(&m, 0), 40);
    eoir(&m, 0, 40);
    assert_int_equal(iar(&m, 0), FAKE_ICH_SPURIOUS);
}

static void a_rising_line_is_an_edge_and_a_high_one_is_none(void **state)
{
    (void)state;
    set_edge(&m, 0, 40, true);
    set_level(&m, 0, 40, true);
    assert_int_equal(iar(&m, 0), 40);
    eoir(&m, 0, 40);
    set_level(&m, 0, 40, true);
    assert_int_equal(iar(&m, 0), FAKE_ICH_SPURIOUS);
    set_level(&m, 0, 40, false);
    set_level(&m, 0, 40, true);
    assert_int_equal(iar(&m, 0), 40);
}

static void a_pulse_on_a_level_sensitive_interrupt_leaves_nothing(void **state)
{
    (void)state;
    pulse(&m, 0, 40);
    assert_int_equal(iar(&m, 0), FAKE_ICH_SPURIOUS);
    assert_false(get_bit(&m, 0, GICD_ISPENDR, 40));
}

static void a_disabled_interrupt_stays_pending_and_is_taken_when_enabled(void **state)
{
    (void)state;
    set_bit(&m, 0, GICD_ICENABLER, 40);
    set_level(&m, 0, 40, true);
    assert_int_equal(iar(&m, 0), FAKE_ICH_SPURIOUS);
    assert_true(get_bit(&m, 0, GICD_ISPENDR, 40));
    set_bit(&m, 0, GICD_ISENABLER, 40);
    assert_int_equal(iar(&m, 0), 40);
}

static void disabling_a_pending_interrupt_takes_it_from_the_cpu_interface(void **state)
{
    (void)state;
    set_edge(&m, 0, 40, true);
    pulse(&m, 0, 40);
    assert_true(fake_ich_is_signalled(&m.ich[0], 1));
    set_bit(&m, 0, GICD_ICENABLER, 40);
    assert_false(fake_ich_is_signalled(&m.ich[0], 1));
    assert_true(get_bit(&m, 0, GICD_ISPENDR, 40));
    set_bit(&m, 0, GICD_ISENABLER, 40);
    assert_int_equal(iar(&m, 0), 40);
}

static void the_distributors_group_enables_hold_back_their_group_only(void **state)
{
    (void)state;
    set_bit(&m, 0, GICD_ISENABLER, 41);
    set_priority(&m, 0, 40, 0x80);
    dist_write(&m, 0, GICD_IGROUPR + 4, 4, ~(UINT64_C(1) << 9)); /* 41: Group 0 */
    set_level(&m, 0, 40, true);
    set_level(&m, 0, 41, true);
    dist_write(&m, 0, GICD_CTLR, 4, 1);
    assert_false(fake_ich_is_signalled(&m.ich[0], 1));
    assert_true(fake_ich_is_signalled(&m.ich[0], 0));
    dist_write(&m, 0, GICD_CTLR, 4, 2);
    assert_true(fake_ich_is_signalled(&m.ich[0], 1));
    assert_false(fake_ich_is_signalled(&m.ich[0], 0));
    dist_write(&m, 0, GICD_CTLR, 4, 0);
    assert_int_equal(iar(&m, 0), FAKE_ICH_SPURIOUS);
    dist_write(&m, 0, GICD_CTLR, 4, 3);
    assert_int_equal(fake_ich_iar(&m.ich[0], 0), 41);
}

static void pending_can_be_set_and_cleared_by_register(void **state)
{
    (void)state;
    set_bit(&m, 0, GICD_ISPENDR, 40);
    assert_true(get_bit(&m, 0, GICD_ISPENDR, 40));
    set_bit(&m, 0, GICD_ICPENDR, 40);
    assert_false(get_bit(&m, 0, GICD_ICPENDR, 40));
    assert_int_equal(iar(&m, 0), FAKE_ICH_SPURIOUS);
    set_bit(&m, 0, GICD_ISPENDR, 40);
    assert_int_equal(iar(&m, 0), 40);
    assert_false(get_bit(&m, 0, GICD_ISPENDR, 40)); /* the acknowledge cleared the latch */
    eoir(&m, 0, 40);
    assert_int_equal(iar(&m, 0), FAKE_ICH_SPURIOUS);
}

static void clearing_pending_does_not_silence_a_high_line(void **state)
{
    (void)state;
    set_level(&m, 0, 40, true);
    set_bit(&m, 0, GICD_ICPENDR, 40);
    assert_true(get_bit(&m, 0, GICD_ISPENDR, 40));
    assert_int_equal(iar(&m, 0), 40);
}

static void a_level_made_pending_by_register_stays_so_when_the_line_falls(void **state)
{
    (void)state;
    set_bit(&m, 0, GICD_ISPENDR, 40);
    set_level(&m, 0, 40, true);
    set_level(&m, 0, 40, false);
    assert_int_equal(iar(&m, 0), 40);
    set_bit(&m, 0, GICD_ISPENDR, 40); /* while active: taken once more */
    eoir(&m, 0, 40);
    assert_int_equal(iar(&m, 0), 40);
    eoir(&m, 0, 40);
    assert_int_equal(iar(&m, 0), FAKE_ICH_SPURIOUS);
}

static void active_by_register_holds_an_interrupt_back(void **state)
{
    (void)state;
    set_bit(&m, 0, GICD_ISACTIVER, 40);
    set_level(&m, 0, 40, true);
    assert_int_equal(iar(&m, 0), FAKE_ICH_SPURIOUS);
    set_bit(&m, 0, GICD_ICACTIVER, 40);
    assert_int_equal(iar(&m, 0), 40);
    assert_true(get_bit(&m, 0, GICD_ISACTIVER, 40));
    set_bit(&m, 0, GICD_ICACTIVER, 40);
    assert_false(get_bit(&m, 0, GICD_ICACTIVER, 40));
}

static void the_highest_priority_is_taken_first_and_preempts(void **state)
{
    (void)state;
    set_bit(&m, 0, GICD_ISENABLER, 41);
    set_bit(&m, 0, GICD_ISENABLER, 42);
    set_priority(&m, 0, 40, 0xA0);
    set_priority(&m, 0, 41, 0x80);
    set_priority(&m, 0, 42, 0x40);
    set_level(&m, 0, 40, true);
    set_level(&m, 0, 41, true);
    assert_int_equal(iar(&m, 0), 41);
    set_level(&m, 0, 41, false);
    assert_int_equal(iar(&m, 0), FAKE_ICH_SPURIOUS); /* 40 is lower */
    set_level(&m, 0, 42, true);
    assert_int_equal(iar(&m, 0), 42);
    set_level(&m, 0, 42, false);
    assert_int_equal(fake_ich_rpr(&m.ich[0]), 0x40);
    eoir(&m, 0, 42);
    eoir(&m, 0, 41);
    assert_int_equal(iar(&m, 0), 40);
}

static void a_new_priority_reaches_what_is_already_in_a_list_register(void **state)
{
    (void)state;
    set_bit(&m, 0, GICD_ISENABLER, 41);
    set_priority(&m, 0, 40, 0x80);
    set_priority(&m, 0, 41, 0x90);
    set_level(&m, 0, 40, true);
    set_level(&m, 0, 41, true);
    set_priority(&m, 0, 41, 0x10);
    assert_int_equal(iar(&m, 0), 41);
}

static void end_and_deactivation_apart_work_in_eoi_mode_1(void **state)
{
    (void)state;
    fake_ich_set_eoimode(&m.ich[0], true);
    set_level(&m, 0, 40, true);
    assert_int_equal(iar(&m, 0), 40);
    eoir(&m, 0, 40);
    assert_int_equal(iar(&m, 0), FAKE_ICH_SPURIOUS); /* still active */
    assert_true(get_bit(&m, 0, GICD_ISACTIVER, 40));
    dir(&m, 0, 40);
    assert_int_equal(iar(&m, 0), 40); /* the line is still high */
}

static void active_by_register_lies_with_the_vcpu_it_is_routed_to(void **state)
{
    (void)state;
    dist_write(&m, 0, GICD_IROUTER + 8 * 40, 8, 1);
    set_bit(&m, 0, GICD_ISACTIVER, 40);
    fake_ich_set_eoimode(&m.ich[1], true);
    dir(&m, 1, 40);
    assert_false(get_bit(&m, 0, GICD_ISACTIVER, 40));
}

static void a_ppi_belongs_to_its_own_vcpu(void **state)
{
    (void)state;
    set_bit(&m, 0, GICD_ISENABLER, 30);
    set_bit(&m, 1, GICD_ISENABLER, 30);
    set_level(&m, 1, 30, true);
    assert_int_equal(iar(&m, 0), FAKE_ICH_SPURIOUS);
    assert_int_equal(iar(&m, 1), 30);
}

static void nothing_is_moved_by_an_exit_that_changed_no_interrupt(void **state)
{
    (void)state;
    set_level(&m, 0, 40, true);
    assert_int_equal(iar(&m, 0), 40);
    unsigned reads = m.ich[0].lr_reads;
    unsigned writes = m.ich[0].lr_writes;
    unsigned flushes = m.flushes;
    machine_exit(&m, 0);
    (void)dist_read(&m, 0, GICD_TYPER, 4);
    set_level(&m, 0, 40, true);
    set_bit(&m, 0, GICD_ISENABLER, 40);
    assert_int_equal(m.ich[0].lr_reads, reads);
    assert_int_equal(m.ich[0].lr_writes, writes);
    assert_int_equal(m.flushes, flushes);
}

static void a_vcpu_taken_off_and_put_on_again_goes_on_where_it_was(void **state)
{
    (void)state;
    set_bit(&m, 0, GICD_ISENABLER, 41);
    set_edge(&m, 0, 41, true);
    set_level(&m, 0, 40, true);
    assert_int_equal(iar(&m, 0), 40);
    pulse(&m, 0, 41);
    machine_put(&m, 0);
    assert_int_equal(m.ich[0].lr[0] | m.ich[0].lr[1] | m.ich[0].lr[2] | m.ich[0].lr[3], 0);
    set_level(&m, 0, 40, false);
    machine_load(&m, 0);
    eoir(&m, 0, 40);
    assert_int_equal(iar(&m, 0), 41);
    machine_check(&m);
}

static void an_interrupt_for_a_vcpu_off_its_cpu_is_there_when_it_comes_back(void **state)
{
    (void)state;
    machine_put(&m, 0);
    m.kicked[0] = false;
    assert_int_equal(ash_vgic_set_level(&m.vgic, 0, 40, true), ASH_OK);
    assert_true(m.kicked[0]);
    assert_true(ash_vgic_has_deliverable(&m.vcpu[0]));
    machine_load(&m, 0);
    assert_int_equal(iar(&m, 0), 40);
}

static void a_blocked_vcpu_wakes_only_for_what_its_cpu_interface_lets_through(void **state)
{
    (void)state;
    set_priority(&m, 0, 40, 0x80);
    set_level(&m, 0, 40, true);
    fake_ich_set_pmr(&m.ich[0], 0x80);
    fake_ich_fetch_interface(&m.ich[0], &m.vcpu[0].lrs);
    assert_false(ash_vgic_has_deliverable(&m.vcpu[0]));
    fake_ich_set_pmr(&m.ich[0], 0x88);
    fake_ich_fetch_interface(&m.ich[0], &m.vcpu[0].lrs);
    assert_true(ash_vgic_has_deliverable(&m.vcpu[0]));
    fake_ich_set_igrpen(&m.ich[0], 1, false);
    fake_ich_fetch_interface(&m.ich[0], &m.vcpu[0].lrs);
    assert_false(ash_vgic_has_deliverable(&m.vcpu[0]));
    fake_ich_set_igrpen(&m.ich[0], 1, true);
    /* In the handler of something more urgent: WFI goes on sleeping. */
    set_bit(&m, 0, GICD_ISENABLER, 41);
    set_priority(&m, 0, 41, 0x20);
    set_level(&m, 0, 41, true);
    assert_int_equal(iar(&m, 0), 41);
    machine_put(&m, 0);
    assert_false(ash_vgic_has_deliverable(&m.vcpu[0]));
    machine_load(&m, 0);
    set_level(&m, 0, 41, false);
    eoir(&m, 0, 41);
    machine_put(&m, 0);
    assert_true(ash_vgic_has_deliverable(&m.vcpu[0]));
    set_bit(&m, 1, GICD_ICENABLER, 40);
    assert_false(ash_vgic_has_deliverable(&m.vcpu[0]));
}

static void a_sleeping_redistributor_forwards_nothing_but_wakes_its_processor(void **state)
{
    (void)state;
    redist_write(&m, 0, 0, GICR_WAKER, 4, 2);
    set_level(&m, 0, 40, true);
    assert_int_equal(iar(&m, 0), FAKE_ICH_SPURIOUS);
    fake_ich_set_igrpen(&m.ich[0], 1, false);
    fake_ich_fetch_interface(&m.ich[0], &m.vcpu[0].lrs);
    assert_true(ash_vgic_has_deliverable(&m.vcpu[0]));
    fake_ich_set_igrpen(&m.ich[0], 1, true);
    redist_write(&m, 0, 0, GICR_WAKER, 4, 0);
    assert_int_equal(iar(&m, 0), 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_high_line_is_taken_and_comes_again_until_it_falls, setup),
        cmocka_unit_test_setup(a_device_quieted_in_the_handler_costs_no_maintenance_interrupt, setup),
        cmocka_unit_test_setup(a_line_that_falls_before_it_is_taken_is_withdrawn, setup),
        cmocka_unit_test_setup(a_line_that_rises_again_while_active_is_not_lost, setup),
        cmocka_unit_test_setup(an_edge_is_taken_once_and_edges_that_meet_are_one, setup),
        cmocka_unit_test_setup(an_edge_while_active_is_taken_after_the_end, setup),
        cmocka_unit_test_setup(a_rising_line_is_an_edge_and_a_high_one_is_none, setup),
        cmocka_unit_test_setup(a_pulse_on_a_level_sensitive_interrupt_leaves_nothing, setup),
        cmocka_unit_test_setup(a_disabled_interrupt_stays_pending_and_is_taken_when_enabled, setup),
        cmocka_unit_test_setup(disabling_a_pending_interrupt_takes_it_from_the_cpu_interface, setup),
        cmocka_unit_test_setup(the_distributors_group_enables_hold_back_their_group_only, setup),
        cmocka_unit_test_setup(pending_can_be_set_and_cleared_by_register, setup),
        cmocka_unit_test_setup(clearing_pending_does_not_silence_a_high_line, setup),
        cmocka_unit_test_setup(a_level_made_pending_by_register_stays_so_when_the_line_falls, setup),
        cmocka_unit_test_setup(active_by_register_holds_an_interrupt_back, setup),
        cmocka_unit_test_setup(the_highest_priority_is_taken_first_and_preempts, setup),
        cmocka_unit_test_setup(a_new_priority_reaches_what_is_already_in_a_list_register, setup),
        cmocka_unit_test_setup(end_and_deactivation_apart_work_in_eoi_mode_1, setup),
        cmocka_unit_test_setup(active_by_register_lies_with_the_vcpu_it_is_routed_to, setup),
        cmocka_unit_test_setup(a_ppi_belongs_to_its_own_vcpu, setup),
        cmocka_unit_test_setup(nothing_is_moved_by_an_exit_that_changed_no_interrupt, setup),
        cmocka_unit_test_setup(a_vcpu_taken_off_and_put_on_again_goes_on_where_it_was, setup),
        cmocka_unit_test_setup(an_interrupt_for_a_vcpu_off_its_cpu_is_there_when_it_comes_back, setup),
        cmocka_unit_test_setup(a_blocked_vcpu_wakes_only_for_what_its_cpu_interface_lets_through, setup),
        cmocka_unit_test_setup(a_sleeping_redistributor_forwards_nothing_but_wakes_its_processor, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
