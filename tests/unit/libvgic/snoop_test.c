/* SPDX-License-Identifier: BSD-2-Clause */
/* Pending and active state that only the list registers of a running vCPU know. */
#include "machine.h"

static struct machine m;

static int setup(void **state)
{
    (void)state;
    machine_init(&m);
    dist_write(&m, 0, GICD_ISENABLER + 4, 4, 0xFFFFFFFF);
    dist_write(&m, 0, GICD_IROUTER + 8 * 40, 8, 1);
    set_edge(&m, 0, 40, true);
    return 0;
}

static int try_read(uint32_t vcpu, uint32_t offset, uint64_t *value)
{
    return ash_vgic_dist_access(&m.vgic, vcpu, offset, 4, false, value);
}

static void an_end_without_an_exit_is_seen_by_another_vcpu(void **state)
{
    (void)state;
    /* Linux' synchronize_irq() polls ISACTIVER: a pinned vCPU that never exits must not hang it. */
    pulse(&m, 0, 40);
    assert_int_equal(fake_ich_iar(&m.ich[1], 1), 40);
    assert_true(get_bit(&m, 0, GICD_ISACTIVER, 40));
    assert_false(get_bit(&m, 0, GICD_ISPENDR, 40));
    fake_ich_eoir(&m.ich[1], 1, 40);
    assert_false(get_bit(&m, 0, GICD_ISACTIVER, 40));
}

static void the_read_waits_for_the_other_vcpu_and_then_answers(void **state)
{
    (void)state;
    uint64_t value;

    pulse(&m, 0, 40);
    (void)fake_ich_iar(&m.ich[1], 1);
    m.kicked[1] = false;
    assert_int_equal(try_read(0, GICD_ISACTIVER + 4, &value), ASH_EBUSY);
    assert_true(m.kicked[1]);
    assert_int_equal(try_read(0, GICD_ISACTIVER + 4, &value), ASH_EBUSY); /* not yet */
    machine_exit(&m, 1);
    assert_int_equal(try_read(0, GICD_ISACTIVER + 4, &value), ASH_OK);
    assert_int_equal(value, 1U << 8);
    /* The answer is good once: what happened since must show in the next read. */
    fake_ich_eoir(&m.ich[1], 1, 40);
    assert_int_equal(try_read(0, GICD_ISACTIVER + 4, &value), ASH_EBUSY);
    machine_exit(&m, 1);
    assert_int_equal(try_read(0, GICD_ISACTIVER + 4, &value), ASH_OK);
    assert_int_equal(value, 0);
}

static void another_register_in_between_does_not_use_the_old_answer(void **state)
{
    (void)state;
    uint64_t value;

    pulse(&m, 0, 40);
    assert_int_equal(try_read(0, GICD_ISACTIVER + 4, &value), ASH_EBUSY);
    machine_exit(&m, 1);
    (void)fake_ich_iar(&m.ich[1], 1);
    assert_int_equal(try_read(0, GICD_ISPENDR + 4, &value), ASH_EBUSY); /* an interrupt handler of vCPU 0 */
    machine_exit(&m, 1);
    assert_int_equal(try_read(0, GICD_ISPENDR + 4, &value), ASH_OK);
    assert_int_equal(value, 0);
    assert_int_equal(try_read(0, GICD_ISACTIVER + 4, &value), ASH_EBUSY);
    machine_exit(&m, 1);
    assert_int_equal(try_read(0, GICD_ISACTIVER + 4, &value), ASH_OK);
    assert_int_equal(value, 1U << 8);
}

static void both_vcpus_may_ask_at_once(void **state)
{
    (void)state;
    uint64_t value;

    pulse(&m, 0, 40);
    set_edge(&m, 0, 41, true);
    pulse(&m, 0, 41); /* vCPU 0's */
    assert_int_equal(fake_ich_iar(&m.ich[0], 1), 41);
    assert_int_equal(try_read(0, GICD_ISACTIVER + 4, &value), ASH_EBUSY);
    assert_int_equal(try_read(1, GICD_ISACTIVER + 4, &value), ASH_EBUSY);
    machine_exit(&m, 0);
    machine_exit(&m, 1);
    assert_int_equal(try_read(1, GICD_ISACTIVER + 4, &value), ASH_OK);
    assert_int_equal(value, 1U << 9);
    assert_int_equal(try_read(0, GICD_ISACTIVER + 4, &value), ASH_OK);
    assert_int_equal(value, 1U << 9);
}

static void a_vcpu_off_its_cpu_needs_no_waiting(void **state)
{
    (void)state;
    uint64_t value;

    pulse(&m, 0, 40);
    (void)fake_ich_iar(&m.ich[1], 1);
    machine_put(&m, 1);
    assert_int_equal(try_read(0, GICD_ISACTIVER + 4, &value), ASH_OK);
    assert_int_equal(value, 1U << 8);
}

static void a_remote_write_lands_in_the_list_register(void **state)
{
    (void)state;
    pulse(&m, 0, 40);
    set_bit(&m, 0, GICD_ICPENDR, 40);
    assert_int_equal(iar(&m, 1), FAKE_ICH_SPURIOUS);
    pulse(&m, 0, 40);
    assert_int_equal(iar(&m, 1), 40);
    set_bit(&m, 0, GICD_ICACTIVER, 40);
    assert_false(get_bit(&m, 1, GICD_ISACTIVER, 40));
    pulse(&m, 0, 40);
    set_bit(&m, 0, GICD_ISACTIVER, 40); /* pending and active */
    assert_true(get_bit(&m, 0, GICD_ISPENDR, 40));
    assert_true(get_bit(&m, 0, GICD_ISACTIVER, 40));
    eoir(&m, 1, 40);
    set_bit(&m, 0, GICD_ICACTIVER, 40);
    eoir(&m, 1, 40);
    assert_int_equal(iar(&m, 1), 40);
}

static void the_last_of_several_writes_counts(void **state)
{
    (void)state;
    uint64_t bit = 1U << 8;
    static const uint32_t writes[] = {GICD_ICPENDR, GICD_ISPENDR, GICD_ISACTIVER, GICD_ICACTIVER};

    pulse(&m, 0, 40);
    for (size_t i = 0; i < 4U; i++) { /* all before vCPU 1 comes to it */
        assert_int_equal(ash_vgic_dist_access(&m.vgic, 0, writes[i] + 4, 4, true, &bit), ASH_OK);
    }
    machine_settle(&m);
    assert_true(get_bit(&m, 0, GICD_ISPENDR, 40));
    assert_false(get_bit(&m, 0, GICD_ISACTIVER, 40));
    assert_int_equal(iar(&m, 1), 40);
    static const uint32_t again[] = {GICD_ICACTIVER, GICD_ISACTIVER};
    for (size_t i = 0; i < 2U; i++) {
        assert_int_equal(ash_vgic_dist_access(&m.vgic, 0, again[i] + 4, 4, true, &bit), ASH_OK);
    }
    machine_settle(&m);
    assert_true(get_bit(&m, 0, GICD_ISACTIVER, 40));
}

static void an_active_one_without_a_list_register_is_asked_for_too(void **state)
{
    (void)state;
    static const struct machine_config config = {2, 96, 1, 5, 5, false, NULL, false};
    uint64_t value = 0;

    machine_init_as(&m, &config);
    for (uint32_t intid = 40; intid <= 41U; intid++) {
        set_bit(&m, 0, GICD_ISENABLER, intid);
        set_edge(&m, 0, intid, true);
        dist_write(&m, 0, GICD_IROUTER + 8U * intid, 8, 1);
    }
    set_priority(&m, 0, 40, 0x80);
    set_priority(&m, 0, 41, 0x40);
    pulse(&m, 0, 40);
    assert_int_equal(iar(&m, 1), 40);
    pulse(&m, 0, 41);
    assert_int_equal(iar(&m, 1), 41); /* 40 has lost the only list register */
    fake_ich_eoir(&m.ich[1], 1, 41);
    fake_ich_eoir(&m.ich[1], 1, 40); /* EOIcount says so; vCPU 1 has not exited yet */
    assert_int_equal(ash_vgic_dist_access(&m.vgic, 0, GICD_ISACTIVER + 4, 4, false, &value), ASH_EBUSY);
    assert_true(m.kicked[1]);
    machine_exit(&m, 1);
    assert_int_equal(ash_vgic_dist_access(&m.vgic, 0, GICD_ISACTIVER + 4, 4, false, &value), ASH_OK);
    assert_int_equal(value, 0);
    set_bit(&m, 0, GICD_ISACTIVER, 40); /* no EOI belongs to this one: no need to ask */
    machine_settle(&m);
    assert_int_equal(dist_read(&m, 0, GICD_ISACTIVER + 4, 4), 1U << 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_active_one_without_a_list_register_is_asked_for_too),
        cmocka_unit_test_setup(an_end_without_an_exit_is_seen_by_another_vcpu, setup),
        cmocka_unit_test_setup(the_read_waits_for_the_other_vcpu_and_then_answers, setup),
        cmocka_unit_test_setup(another_register_in_between_does_not_use_the_old_answer, setup),
        cmocka_unit_test_setup(both_vcpus_may_ask_at_once, setup),
        cmocka_unit_test_setup(a_vcpu_off_its_cpu_needs_no_waiting, setup),
        cmocka_unit_test_setup(a_remote_write_lands_in_the_list_register, setup),
        cmocka_unit_test_setup(the_last_of_several_writes_counts, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
