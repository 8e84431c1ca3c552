/* SPDX-License-Identifier: BSD-2-Clause */
/* What is active stays what it was acknowledged as, whatever its registers say by then: hardware's EOIR deactivates by
 * the list register's priority and group, and EOIcount ends the running one. */
#include <libvgic/ich.h>
#include <libvgic/state.h>

#include "machine.h"

static struct machine m;

static void start(unsigned version, unsigned lrs)
{
    struct machine_config config = {2, 96, lrs, 5, 5, false, NULL, false};

    if (version == 2U) {
        machine_init_v2(&m, &config, lrs == 0U ? MACHINE_SOFT : MACHINE_GICH);
    } else {
        machine_init_as(&m, &config);
    }
    for (uint32_t intid = 40; intid < 50U; intid++) {
        if (version == 2U) {
            dist_write(&m, 0, GICD_ITARGETSR + intid, 1, 1);
        }
        set_edge(&m, 0, intid, true);
        set_bit(&m, 0, GICD_ISENABLER, intid);
        set_priority(&m, 0, intid, 0x80);
    }
}

/* Whatever else happens, the vCPU syncs and flushes. */
static void exit_fully(uint32_t vcpu)
{
    ash_vgic_request_flush(&m.vcpu[vcpu]);
    machine_exit(&m, vcpu);
    machine_settle(&m);
}

static void over_put_and_load(void)
{
    machine_put(&m, 0);
    machine_load(&m, 0);
}

static void over_export_and_import(void)
{
    static uint64_t words[ASH_VGIC_STATE_SIZE(2, 96) / 8U];

    machine_put(&m, 0);
    machine_put(&m, 1);
    assert_int_equal(ash_vgic_export(&m.vgic, (struct ash_vgic_state *)words, sizeof(words)), ASH_OK);
    assert_int_equal(ash_vgic_import(&m.vgic, (const struct ash_vgic_state *)words, sizeof(words)), ASH_OK);
    machine_load(&m, 0);
    machine_load(&m, 1);
}

static void over_nothing(void)
{
    exit_fully(0);
}

static void (*const travels[])(void) = {over_nothing, over_put_and_load, over_export_and_import};

static void a_new_priority_of_an_active_interrupt_leaves_its_end_alone(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 9U; i++) {
        static const uint8_t others[] = {0x40, 0xC0};
        for (unsigned j = 0; j < 2U; j++) {
            start(i % 3U == 0U ? 3U : 2U, i % 3U == 1U ? 0U : 4U);
            pulse(&m, 0, 40);
            assert_int_equal(iar(&m, 0), 40);
            set_priority(&m, 0, 40, others[j]);
            travels[i / 3U]();
            assert_int_equal(fake_ich_rpr(&m.ich[0]), 0x80); /* as it was acknowledged */
            eoir(&m, 0, 40);
            exit_fully(0);
            assert_false(get_bit(&m, 0, GICD_ISACTIVER, 40));
            pulse(&m, 0, 40);
            assert_int_equal(iar(&m, 0), 40);
            assert_int_equal(fake_ich_rpr(&m.ich[0]), others[j]); /* the next time the new one counts */
        }
    }
}

static void a_new_group_of_an_active_interrupt_leaves_its_end_alone(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3U; i++) {
        start(3, 4);
        pulse(&m, 0, 40);
        assert_int_equal(iar(&m, 0), 40);
        dist_write(&m, 0, GICD_IGROUPR + 4U, 4, 0xFFFFFFFFU ^ 1U << 8);
        travels[i]();
        eoir(&m, 0, 40);
        exit_fully(0);
        assert_false(get_bit(&m, 0, GICD_ISACTIVER, 40));
        pulse(&m, 0, 40);
        assert_int_equal(fake_ich_iar(&m.ich[0], 0), 40);
        dist_write(&m, 0, GICD_IGROUPR + 4U, 4, 0xFFFFFFFFU);
        travels[i]();
        fake_ich_eoir(&m.ich[0], 0, 40);
        exit_fully(0);
        assert_false(get_bit(&m, 0, GICD_ISACTIVER, 40));
    }
}

/* EOIcount names nobody: the one that ends is the one that runs. */
static void the_running_one_beyond_the_list_registers_ends_by_the_priority_of_then(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 9U; i++) {
        start(i % 3U == 0U ? 3U : 2U, i % 3U == 1U ? 0U : 1U);
        set_priority(&m, 0, 41, 0x60);
        set_priority(&m, 0, 42, 0x40);
        for (uint32_t intid = 40; intid <= 42U; intid++) { /* each preempts the one before */
            pulse(&m, 0, intid);
            assert_int_equal(iar(&m, 0), intid);
        }
        set_priority(&m, 0, 42, 0xE0);
        set_priority(&m, 0, 40, 0x00);
        travels[i / 3U]();
        eoir(&m, 0, 42);
        exit_fully(0);
        for (uint32_t intid = 40; intid <= 42U; intid++) {
            assert_int_equal(get_bit(&m, 0, GICD_ISACTIVER, intid), intid != 42U);
        }
        eoir(&m, 0, 41);
        exit_fully(0);
        assert_true(get_bit(&m, 0, GICD_ISACTIVER, 40));
        assert_false(get_bit(&m, 0, GICD_ISACTIVER, 41));
        eoir(&m, 0, 40);
        exit_fully(0);
        assert_false(get_bit(&m, 0, GICD_ISACTIVER, 40));
    }
}

/* The EOI is counted; the priority changes before anybody has looked at the count. */
static void a_new_priority_after_an_end_that_is_only_counted_changes_nothing(void **state)
{
    (void)state;
    uint64_t value = 0xE0;

    start(3, 1);
    set_priority(&m, 0, 41, 0x40);
    pulse(&m, 0, 40);
    assert_int_equal(iar(&m, 0), 40);
    pulse(&m, 0, 41);
    assert_int_equal(iar(&m, 0), 41);
    pulse(&m, 0, 42); /* the one list register is its, the active ones have none */
    fake_ich_eoir(&m.ich[0], 1, 41);
    assert_int_equal(ash_vgic_dist_access(&m.vgic, 1, GICD_IPRIORITYR + 41, 1, true, &value), ASH_OK);
    machine_settle(&m);
    assert_false(get_bit(&m, 0, GICD_ISACTIVER, 41));
    assert_true(get_bit(&m, 0, GICD_ISACTIVER, 40));
}

/* 40 and, over it, 41 are active beyond the one list register, which is 42's; then the EOI of 41, which only EOIcount
 * knows of. @link: 41 has a physical interrupt. */
static void end_41_by_count(unsigned version, bool link)
{
    start(version, 1);
    set_priority(&m, 0, 41, 0x40);
    pulse(&m, 0, 40);
    assert_int_equal(iar(&m, 0), 40);
    if (link) {
        assert_int_equal(ash_vgic_connect_hw(&m.vgic, 0, 41, 141), ASH_OK);
        assert_true(fire_hw(&m, 0, 41, 141));
    } else {
        pulse(&m, 0, 41);
    }
    assert_int_equal(iar(&m, 0), 41);
    pulse(&m, 0, 42);
    fake_ich_eoir(&m.ich[0], version == 2U ? 0 : 1, 41);
    assert_int_equal(m.ich[0].hcr >> ASH_ICH_HCR_EOICOUNT_SHIFT, 1);
}

/* The other vCPU writes an active bit, before anybody has looked at the count. */
static void write_active_elsewhere(uint32_t reg, uint32_t intid)
{
    uint64_t bit = UINT64_C(1) << (intid % 32U);

    assert_int_equal(ash_vgic_dist_access(&m.vgic, 1, reg + 4U * (intid / 32U), 4, true, &bit), ASH_OK);
    machine_settle(&m);
}

static void a_deactivation_after_an_end_that_is_only_counted_ends_no_other_one(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4U; i++) {
        end_41_by_count(2U + i % 2U, i >= 2U);
        write_active_elsewhere(GICD_ICACTIVER, 41);
        assert_false(get_bit(&m, 0, GICD_ISACTIVER, 41));
        assert_true(get_bit(&m, 0, GICD_ISACTIVER, 40));
        assert_false(is_phys_active(&m, 0, 141));
        eoir(&m, 0, 40);
        assert_false(get_bit(&m, 0, GICD_ISACTIVER, 40));
        assert_int_equal(iar(&m, 0), 42);
    }
}

static void a_deactivation_beside_an_end_that_is_only_counted_ends_both(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4U; i++) {
        end_41_by_count(2U + i % 2U, i >= 2U);
        write_active_elsewhere(GICD_ICACTIVER, 40);
        assert_false(get_bit(&m, 0, GICD_ISACTIVER, 41));
        assert_false(get_bit(&m, 0, GICD_ISACTIVER, 40));
        assert_false(is_phys_active(&m, 0, 141));
    }
}

static void an_activation_after_an_end_that_is_only_counted_stays(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4U; i++) {
        end_41_by_count(2U + i % 2U, i >= 2U);
        write_active_elsewhere(GICD_ISACTIVER, 41);
        assert_true(get_bit(&m, 0, GICD_ISACTIVER, 41));
        assert_true(get_bit(&m, 0, GICD_ISACTIVER, 40));
        assert_false(is_phys_active(&m, 0, 141));
        eoir(&m, 0, 40);
        assert_false(get_bit(&m, 0, GICD_ISACTIVER, 40));
        assert_true(get_bit(&m, 0, GICD_ISACTIVER, 41));
        write_active_elsewhere(GICD_ICACTIVER, 41);
        assert_false(get_bit(&m, 0, GICD_ISACTIVER, 41));
    }
}

static void one_that_is_pending_behind_its_active_self_comes_with_the_new_priority(void **state)
{
    (void)state;
    start(3, 4);
    pulse(&m, 0, 40);
    assert_int_equal(iar(&m, 0), 40);
    pulse(&m, 0, 40);
    set_priority(&m, 0, 41, 0x60);
    set_priority(&m, 0, 40, 0x40); /* now before 41 */
    pulse(&m, 0, 41);
    fake_ich_set_pmr(&m.ich[0], 0x50); /* 41 has to wait */
    eoir(&m, 0, 40);
    assert_int_equal(iar(&m, 0), 40);
    assert_int_equal(fake_ich_rpr(&m.ich[0]), 0x40);
}

/* The active state of ISACTIVER has no EOI, but an acknowledgement after it has. */
static void one_acknowledged_after_an_active_state_by_register_is_ended_by_count(void **state)
{
    (void)state;
    start(3, 1);
    set_bit(&m, 0, GICD_ISACTIVER, 40);
    pulse(&m, 0, 40); /* active and pending in the list register */
    fake_ich_set_eoimode(&m.ich[0], true);
    fake_ich_dir(&m.ich[0], 40);
    assert_int_equal(fake_ich_iar(&m.ich[0], 1), 40);
    fake_ich_set_eoimode(&m.ich[0], false);
    set_priority(&m, 0, 41, 0xC0);
    pulse(&m, 0, 41); /* takes the list register */
    eoir(&m, 0, 40);
    assert_false(get_bit(&m, 0, GICD_ISACTIVER, 40));
    assert_int_equal(iar(&m, 0), 41);
}

static void the_running_one_keeps_its_list_register(void **state)
{
    (void)state;
    start(3, 2);
    set_priority(&m, 0, 41, 0x60);
    set_priority(&m, 0, 42, 0xC0);
    pulse(&m, 0, 40);
    assert_int_equal(iar(&m, 0), 40);
    pulse(&m, 0, 41);
    assert_int_equal(iar(&m, 0), 41);
    set_priority(&m, 0, 41, 0xE0);
    pulse(&m, 0, 42); /* takes one of the two */
    fake_ich_eoir(&m.ich[0], 1, 41);
    assert_int_equal(m.ich[0].hcr >> ASH_ICH_HCR_EOICOUNT_SHIFT, 0); /* no maintenance interrupt for it */
    assert_int_equal(fake_ich_rpr(&m.ich[0]), 0x80);
    eoir(&m, 0, 40);
    assert_int_equal(iar(&m, 0), 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_priority_of_an_active_interrupt_leaves_its_end_alone),
        cmocka_unit_test(a_new_group_of_an_active_interrupt_leaves_its_end_alone),
        cmocka_unit_test(the_running_one_beyond_the_list_registers_ends_by_the_priority_of_then),
        cmocka_unit_test(a_new_priority_after_an_end_that_is_only_counted_changes_nothing),
        cmocka_unit_test(a_deactivation_after_an_end_that_is_only_counted_ends_no_other_one),
        cmocka_unit_test(a_deactivation_beside_an_end_that_is_only_counted_ends_both),
        cmocka_unit_test(an_activation_after_an_end_that_is_only_counted_stays),
        cmocka_unit_test(one_that_is_pending_behind_its_active_self_comes_with_the_new_priority),
        cmocka_unit_test(one_acknowledged_after_an_active_state_by_register_is_ended_by_count),
        cmocka_unit_test(the_running_one_keeps_its_list_register),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
