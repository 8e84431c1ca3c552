/* SPDX-License-Identifier: BSD-2-Clause */
/* Looking on: what is seen of an interrupt on its way, on both versions, and that looking changes nothing. */
#include <string.h>

#include "machine.h"

static struct machine m;

static void start(unsigned version)
{
    struct machine_config config = {2, 64, 2, 5, 5, false, NULL, false};

    if (version == 2U) {
        machine_init_v2(&m, &config, true);
        dist_write(&m, 0, GICD_ITARGETSR + 40U, 1, 2); /* CPU interface 1 */
    } else {
        machine_init_as(&m, &config);
        dist_write(&m, 0, GICD_IROUTER + 8U * 40U, 8, 1);
    }
    set_priority(&m, 0, 40, 0x48);
    set_bit(&m, 0, GICD_ISENABLER, 40);
}

static struct ash_vgic_view look(uint32_t vcpu, uint32_t intid)
{
    struct ash_vgic_view view;

    memset(&view, 0xa5, sizeof(view));
    assert_int_equal(ash_vgic_view(&m.vgic, vcpu, intid, &view), ASH_OK);
    return view;
}

static void an_interrupt_is_seen_pending_active_and_gone(void **state)
{
    (void)state;
    for (unsigned version = 2; version < 4U; version++) {
        struct ash_vgic_view view;

        start(version);
        view = look(0, 40);
        assert_true(view.enabled && !view.pending && !view.active && !view.level && !view.linked);
        assert_int_equal(view.priority, 0x48);
        assert_int_equal(view.target, 1);
        assert_int_equal(ash_vgic_set_level(&m.vgic, 0, 40, true), ASH_OK);
        assert_true(look(0, 40).pending && look(0, 40).level);
        machine_settle(&m);
        assert_true(look(0, 40).pending); /* in a list register by now */
        assert_int_equal(ash_vgic_set_level(&m.vgic, 0, 40, false), ASH_OK);
        assert_int_equal(ash_vgic_set_level(&m.vgic, 0, 40, true), ASH_OK);
        assert_int_equal(iar(&m, 1), 40);
        machine_put(&m, 1);
        assert_true(look(0, 40).active);
        machine_load(&m, 1);
        assert_int_equal(ash_vgic_set_level(&m.vgic, 0, 40, false), ASH_OK);
        eoir(&m, 1, 40);
        machine_put(&m, 1);
        assert_false(look(0, 40).active || look(0, 40).pending || look(0, 40).level);
        machine_load(&m, 1);
    }
}

static void one_that_waits_in_a_list_register_is_pending(void **state)
{
    (void)state;
    start(3);
    set_edge(&m, 0, 40, true);
    assert_int_equal(ash_vgic_pulse(&m.vgic, 0, 40), ASH_OK);
    machine_settle(&m);
    assert_true(look(0, 40).pending && look(0, 40).edge && !look(0, 40).active);
}

static void a_private_one_is_its_vcpus(void **state)
{
    (void)state;
    start(3);
    assert_int_equal(ash_vgic_connect_hw(&m.vgic, 1, 27, 27), ASH_OK);
    assert_true(look(1, 27).linked && !look(0, 27).linked);
    assert_int_equal(look(0, 27).target, 0);
    assert_int_equal(look(1, 27).target, 1);
}

static void what_is_not_there_is_not_looked_at(void **state)
{
    struct ash_vgic_view view = {.priority = 7};

    (void)state;
    start(3);
    assert_int_equal(ash_vgic_view(&m.vgic, 2, 40, &view), ASH_EINVAL);
    assert_int_equal(ash_vgic_view(&m.vgic, 0, 96, &view), ASH_ENOENT);
    assert_int_equal(ash_vgic_view(&m.vgic, 0, 8192, &view), ASH_ENOENT);
    assert_int_equal(ash_vgic_view(&m.vgic, 0, UINT32_MAX, &view), ASH_ENOENT);
    assert_int_equal(view.priority, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_interrupt_is_seen_pending_active_and_gone),
        cmocka_unit_test(one_that_waits_in_a_list_register_is_pending),
        cmocka_unit_test(a_private_one_is_its_vcpus),
        cmocka_unit_test(what_is_not_there_is_not_looked_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
