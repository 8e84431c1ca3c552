/* SPDX-License-Identifier: BSD-2-Clause */
/* ash_vgic_inject_fast(): one interrupt into one list register, nothing else touched. */
#include "machine.h"

#define TIMER 27U

static struct machine m;

static int setup(void **state)
{
    (void)state;
    machine_init(&m);
    redist_write(&m, 0, 0, GICR_SGI + GICD_ISENABLER, 4, (1U << TIMER) | 0xFFFF);
    assert_int_equal(ash_vgic_connect_hw(&m.vgic, 0, TIMER, TIMER), ASH_OK);
    return 0;
}

/* As hv does it: the fast call, else the ordinary one. True if fast. */
static bool inject(uint32_t intid, bool with_elrsr)
{
    struct ash_vgic_lrs *lrs = &m.vcpu[0].lrs;
    int n = ash_vgic_inject_fast(&m.vcpu[0], intid, with_elrsr ? fake_ich_elrsr(&m.ich[0]) : 0U);

    if (n >= 0) {
        assert_int_equal(lrs->changed, 0);
        fake_ich_write_lr(&m.ich[0], (unsigned)n, lrs->lr[n]);
        machine_check(&m);
        return true;
    }
    assert_int_equal(n, ASH_EBUSY);
    if (intid == TIMER) {
        assert_int_equal(ash_vgic_inject_hw(&m.vgic, 0, TIMER), ASH_OK);
    } else {
        ash_vgic_sgi(&m.vgic, 0, ((uint64_t)intid << 24) | 1U, ASH_VGIC_SGI1R);
    }
    machine_exit(&m, 0);
    machine_settle(&m);
    return false;
}

static void a_timer_tick_is_one_list_register_write_and_no_read(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        unsigned reads = m.ich[0].lr_reads;
        unsigned writes = m.ich[0].lr_writes;
        m.ppi_active[0][TIMER] = true;
        assert_true(inject(TIMER, false));
        assert_int_equal(m.ich[0].lr_reads, reads);
        assert_int_equal(m.ich[0].lr_writes, writes + 1U);
        assert_int_equal(iar(&m, 0), TIMER);
        eoir(&m, 0, TIMER);
        assert_false(m.ppi_active[0][TIMER]);
    }
    assert_int_equal(m.vcpu[0].lrs.used, 1); /* always the same one */
}

static void an_sgi_to_self_reuses_its_own_empty_list_register(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        assert_true(inject(3, true));
        assert_int_equal(iar(&m, 0), 3);
        eoir(&m, 0, 3);
    }
    assert_int_equal(m.vcpu[0].lrs.used, 1);
}

static void without_elrsr_a_used_list_register_is_not_assumed_empty(void **state)
{
    (void)state;
    assert_true(inject(3, false));
    assert_false(inject(3, false));
    assert_int_equal(iar(&m, 0), 3);
    eoir(&m, 0, 3);
    assert_int_equal(iar(&m, 0), FAKE_ICH_SPURIOUS);
}

static void an_sgi_in_its_own_handler_goes_the_ordinary_way(void **state)
{
    (void)state;
    assert_true(inject(3, true));
    assert_int_equal(iar(&m, 0), 3);
    assert_false(inject(3, true));
    eoir(&m, 0, 3);
    assert_int_equal(iar(&m, 0), 3);
}

static void sixteen_sgis_go_through_four_list_registers(void **state)
{
    (void)state;
    unsigned fast = 0;

    for (uint32_t i = 0; i < 64U; i++) {
        fast += inject(i % 16U, true) ? 1U : 0U;
        assert_int_equal(iar(&m, 0), i % 16U);
        eoir(&m, 0, i % 16U);
    }
    assert_int_equal(fast, 64); /* those that ended make room */
}

static void a_timer_that_made_room_is_no_longer_thought_active(void **state)
{
    (void)state;
    m.ppi_active[0][TIMER] = true;
    assert_true(inject(TIMER, true));
    assert_int_equal(iar(&m, 0), TIMER);
    eoir(&m, 0, TIMER);
    for (uint32_t i = 0; i < 8U; i++) {
        assert_true(inject(i, true));
        assert_int_equal(iar(&m, 0), i);
        eoir(&m, 0, i);
    }
    set_bit(&m, 0, GICD_ICPENDR, TIMER); /* the machine fails if it is deactivated once more */
    assert_int_equal(m.deactivations, 0);
    assert_int_equal(ash_vgic_connect_hw(&m.vgic, 0, TIMER, ASH_VGIC_NO_PINTID), ASH_OK);
}

static void when_all_are_busy_the_ordinary_way_takes_over(void **state)
{
    (void)state;
    unsigned fast = 0;

    for (uint32_t i = 0; i < 8U; i++) {
        fast += inject(i, true) ? 1U : 0U;
    }
    assert_int_equal(fast, 4);
    (void)fake_ich_iar(&m.ich[0], 1);
    fake_ich_eoir(&m.ich[0], 1, 0); /* one is free, but others wait for it */
    assert_int_equal(ash_vgic_inject_fast(&m.vcpu[0], 9, fake_ich_elrsr(&m.ich[0])), ASH_EBUSY);
    for (uint32_t i = 1; i < 8U; i++) {
        uint32_t intid = iar(&m, 0);
        assert_in_range(intid, 1, 7);
        eoir(&m, 0, intid);
    }
    assert_int_equal(iar(&m, 0), FAKE_ICH_SPURIOUS);
}

static void what_may_not_be_delivered_is_refused_and_nothing_changes(void **state)
{
    (void)state;
    set_bit(&m, 0, GICD_ICENABLER, 3);
    set_bit(&m, 0, GICD_ISENABLER, 20);
    set_bit(&m, 0, GICD_ISENABLER, 40);
    set_edge(&m, 0, 40, true);
    dist_write(&m, 0, GICD_IROUTER + 8 * 40, 8, 1);
    struct ash_vgic_vcpu before = m.vcpu[0];
    assert_int_equal(ash_vgic_inject_fast(&m.vcpu[0], 3, 0xF), ASH_EBUSY); /* disabled */
    assert_int_equal(ash_vgic_inject_fast(&m.vcpu[0], 20, 0xF),
                     ASH_EBUSY); /* level: has a line to be looked at */
    assert_int_equal(ash_vgic_inject_fast(&m.vcpu[0], 40, 0xF), ASH_EBUSY); /* routed elsewhere */
    assert_int_equal(ash_vgic_inject_fast(&m.vcpu[0], 500, 0xF), ASH_ENOENT);
    assert_memory_equal(&before, &m.vcpu[0], sizeof(before));
    dist_write(&m, 0, GICD_CTLR, 4, 0);
    assert_int_equal(ash_vgic_inject_fast(&m.vcpu[0], 4, 0xF), ASH_EBUSY);
    dist_write(&m, 0, GICD_CTLR, 4, 3);
    ash_vgic_request_flush(&m.vcpu[0]);
    assert_int_equal(ash_vgic_inject_fast(&m.vcpu[0], 4, 0xF), ASH_EBUSY);
    machine_exit(&m, 0);
    machine_put(&m, 0);
    assert_int_equal(ash_vgic_inject_fast(&m.vcpu[0], 4, 0xF), ASH_EBUSY);
}

static void a_level_interrupt_that_waits_for_its_maintenance_keeps_its_list_register(void **state)
{
    (void)state;
    dist_write(&m, 0, GICD_ISENABLER + 4, 4, 0xF);
    for (uint32_t i = 0; i < 4U; i++) {
        set_level(&m, 0, 32U + i, true);
    }
    assert_int_equal(iar(&m, 0), 32);
    fake_ich_eoir(&m.ich[0], 1, 32); /* the maintenance interrupt is asserted, hv has not come yet */
    assert_int_equal(ash_vgic_inject_fast(&m.vcpu[0], 3, fake_ich_elrsr(&m.ich[0])), ASH_EBUSY);
    machine_settle(&m);
    assert_int_equal(iar(&m, 0), 32);
}

/* ---- The shortest way: once more into the same one ---- */

static void fire(void)
{
    m.ppi_active[0][TIMER] = true;
    assert_true(inject(TIMER, true));
    assert_int_equal(iar(&m, 0), TIMER);
    eoir(&m, 0, TIMER);
}

static void a_timer_that_fires_again_changes_nothing_in_memory(void **state)
{
    (void)state;
    assert_int_equal(ash_vgic_inject_again(&m.vcpu[0], TIMER), ASH_EBUSY); /* the first time */
    assert_true(inject(3, true)); /* LR 0: the timer's is another one */
    assert_int_equal(iar(&m, 0), 3);
    eoir(&m, 0, 3);
    fire();
    struct ash_vgic_vcpu before = m.vcpu[0];
    for (int i = 0; i < 5; i++) {
        m.ppi_active[0][TIMER] = true;
        assert_int_equal(ash_vgic_inject_again(&m.vcpu[0], TIMER), 1);
        fake_ich_write_lr(&m.ich[0], 1, m.vcpu[0].lrs.lr[1]);
        machine_check(&m);
        assert_int_equal(iar(&m, 0), TIMER);
        eoir(&m, 0, TIMER);
        assert_false(m.ppi_active[0][TIMER]);
    }
    assert_memory_equal(&before, &m.vcpu[0], sizeof(before));
}

static void after_any_change_the_shortest_way_is_refused(void **state)
{
    (void)state;
    const struct {
        uint32_t offset;
        unsigned size;
        uint64_t value;
    } changes[] = {
        {GICR_SGI + GICD_ICENABLER, 4, 1U << TIMER},
        {GICR_SGI + GICD_IPRIORITYR + TIMER, 1, 0x80},
        {GICR_SGI + GICD_IGROUPR, 4, 0},
        {GICR_SGI + GICD_ISPENDR, 4, 1U << TIMER},
        {GICR_SGI + GICD_ICPENDR, 4, 1U << TIMER},
        {GICR_SGI + GICD_ISACTIVER, 4, 1U << TIMER},
        {GICR_SGI + GICD_ICACTIVER, 4, 1U << TIMER},
        {0x14, 4, 2}, /* GICR_WAKER.ProcessorSleep */
    };

    for (unsigned i = 0; i < ASH_ARRAY_SIZE(changes); i++) {
        assert_int_equal(setup(state), 0);
        fire();
        assert_true(ash_vgic_inject_again(&m.vcpu[0], TIMER) >= 0);
        redist_write(&m, 0, 0, changes[i].offset, changes[i].size, changes[i].value);
        assert_int_equal(ash_vgic_inject_again(&m.vcpu[0], TIMER), ASH_EBUSY);
    }
    assert_int_equal(setup(state), 0);
    fire();
    dist_write(&m, 0, GICD_CTLR, 4, 0);
    assert_int_equal(ash_vgic_inject_again(&m.vcpu[0], TIMER), ASH_EBUSY);
}

static void a_flush_while_it_is_active_ends_the_shortest_way(void **state)
{
    (void)state;
    m.ppi_active[0][TIMER] = true;
    assert_true(inject(TIMER, true));
    assert_int_equal(iar(&m, 0), TIMER);
    ash_vgic_request_flush(&m.vcpu[0]);
    machine_exit(&m, 0); /* its LR says "active" now */
    assert_int_equal(ash_vgic_inject_again(&m.vcpu[0], TIMER), ASH_EBUSY);
    eoir(&m, 0, TIMER);
    assert_int_equal(ash_vgic_inject_again(&m.vcpu[0], TIMER), ASH_EBUSY);
    fire();
    assert_true(ash_vgic_inject_again(&m.vcpu[0], TIMER) >= 0);
    ash_vgic_request_flush(&m.vcpu[0]);
    assert_int_equal(ash_vgic_inject_again(&m.vcpu[0], TIMER), ASH_EBUSY);
}

static void the_shortest_way_is_for_linked_ppis_alone(void **state)
{
    (void)state;
    assert_true(inject(3, true));
    assert_int_equal(iar(&m, 0), 3);
    eoir(&m, 0, 3);
    assert_int_equal(ash_vgic_inject_again(&m.vcpu[0], 3), ASH_EBUSY);
    assert_int_equal(ash_vgic_inject_again(&m.vcpu[0], 32), ASH_EBUSY);
    assert_int_equal(ash_vgic_inject_again(&m.vcpu[0], UINT32_MAX), ASH_EBUSY);
    fire();
    for (uint32_t i = 0; i < 6U; i++) { /* more than there are LRs: some wait in the queue */
        (void)inject(i, true);
    }
    assert_int_equal(ash_vgic_inject_again(&m.vcpu[0], TIMER), ASH_EBUSY);
    machine_put(&m, 0);
    assert_int_equal(ash_vgic_inject_again(&m.vcpu[0], TIMER), ASH_EBUSY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_timer_tick_is_one_list_register_write_and_no_read, setup),
        cmocka_unit_test_setup(an_sgi_to_self_reuses_its_own_empty_list_register, setup),
        cmocka_unit_test_setup(without_elrsr_a_used_list_register_is_not_assumed_empty, setup),
        cmocka_unit_test_setup(an_sgi_in_its_own_handler_goes_the_ordinary_way, setup),
        cmocka_unit_test_setup(sixteen_sgis_go_through_four_list_registers, setup),
        cmocka_unit_test_setup(a_timer_that_made_room_is_no_longer_thought_active, setup),
        cmocka_unit_test_setup(when_all_are_busy_the_ordinary_way_takes_over, setup),
        cmocka_unit_test_setup(what_may_not_be_delivered_is_refused_and_nothing_changes, setup),
        cmocka_unit_test_setup(a_level_interrupt_that_waits_for_its_maintenance_keeps_its_list_register,
                               setup),
        cmocka_unit_test_setup(a_timer_that_fires_again_changes_nothing_in_memory, setup),
        cmocka_unit_test_setup(after_any_change_the_shortest_way_is_refused, setup),
        cmocka_unit_test_setup(a_flush_while_it_is_active_ends_the_shortest_way, setup),
        cmocka_unit_test_setup(the_shortest_way_is_for_linked_ppis_alone, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
