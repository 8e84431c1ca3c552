/* SPDX-License-Identifier: BSD-2-Clause */
/* The model of the virtual CPU interface itself: it must behave like the manual and notice what is
 * UNPREDICTABLE. */
#include <string.h>

#include <libvgic/el2.h>

#include "machine.h"

#define PENDING (UINT64_C(1) << 62)
#define ACTIVE  (UINT64_C(1) << 63)
#define HW      (UINT64_C(1) << 61)
#define G1      (UINT64_C(1) << 60)
#define EOI     (UINT64_C(1) << 41)
#define PRIO(p) ((uint64_t)(p) << 48)
#define PID(p)  ((uint64_t)(p) << 32)

static struct fake_ich ich;
static struct ash_vgic_lrs lrs;
static uint32_t deactivated;

static void on_deactivate(void *ctx, uint32_t pintid)
{
    (void)ctx;
    deactivated = pintid;
}

static int setup(void **state)
{
    (void)state;
    fake_ich_init(&ich, 4, 5, 5);
    ich.hcr = 1;
    ich.deactivate = on_deactivate;
    memset(&lrs, 0, sizeof(lrs));
    fake_ich_set_pmr(&ich, 0xFF);
    fake_ich_set_igrpen(&ich, 0, true);
    fake_ich_set_igrpen(&ich, 1, true);
    deactivated = 0;
    return 0;
}

static void unpredictable_list_registers_are_noticed(void **state)
{
    static const uint64_t bad[] = {
        PENDING | ACTIVE | HW | PID(27) | 27, /* active and pending with HW */
        PENDING | HW | PID(15) | 27,          /* a physical SGI */
        PENDING | HW | PID(1020) | 27,        PENDING | 1020, PENDING | 8192, PENDING | PRIO(4) | 40,
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void)setup(state);
        fake_ich_write_lr(&ich, 0, bad[i]);
        assert_non_null(ich.violation);
    }
    (void)setup(state);
    fake_ich_write_lr(&ich, 4, 0);
    assert_non_null(ich.violation);
    (void)setup(state);
    fake_ich_write_lr(&ich, 0, PENDING | HW | G1 | PRIO(0xF8) | PID(1019) | 1019);
    assert_null(ich.violation);
}

static void the_same_intid_twice_is_noticed(void **state)
{
    (void)state;
    lrs.lr[0] = lrs.lr[2] = PENDING | 40;
    lrs.changed = 5;
    fake_ich_apply(&ich, &lrs);
    assert_non_null(ich.violation);
}

static void a_forgotten_or_overwritten_list_register_is_noticed(void **state)
{
    (void)state;
    fake_ich_write_lr(&ich, 1, PENDING | 40);
    fake_ich_fetch(&ich, &lrs); /* used = 0 */
    assert_non_null(ich.violation);
    (void)setup(state);
    fake_ich_write_lr(&ich, 1, ACTIVE | 40);
    fake_ich_load(&ich, &lrs);
    assert_non_null(ich.violation);
}

static void the_fields_of_an_ended_list_register_are_poisoned(void **state)
{
    (void)state;
    fake_ich_write_lr(&ich, 0, PENDING | G1 | EOI | 40);
    assert_int_equal(fake_ich_iar(&ich, 1), 40);
    fake_ich_eoir(&ich, 1, 40);
    lrs.used = 1;
    fake_ich_fetch(&ich, &lrs);
    assert_int_equal(lrs.lr[0] & (PENDING | ACTIVE | HW), 0);
    assert_int_equal(lrs.lr[0] & EOI, EOI);
    assert_int_not_equal(lrs.lr[0] & 0xFFFFFFFF, 40);
    assert_int_equal(fake_ich_eisr(&ich), 1);
    assert_int_equal(fake_ich_elrsr(&ich), 0xE);
    assert_int_equal(fake_ich_misr(&ich), 1);
}

static void priority_mask_and_preemption_decide_what_is_signalled(void **state)
{
    (void)state;
    fake_ich_write_lr(&ich, 0, PENDING | G1 | PRIO(0x80) | 40);
    fake_ich_set_pmr(&ich, 0x80);
    assert_int_equal(fake_ich_iar(&ich, 1), FAKE_ICH_SPURIOUS);
    fake_ich_set_pmr(&ich, 0x88);
    assert_int_equal(fake_ich_hppir(&ich, 1), 40);
    assert_int_equal(fake_ich_iar(&ich, 0), FAKE_ICH_SPURIOUS);
    assert_int_equal(fake_ich_iar(&ich, 1), 40);
    assert_int_equal(fake_ich_rpr(&ich), 0x80);
    fake_ich_write_lr(&ich, 1, PENDING | G1 | PRIO(0x78) | 41);
    fake_ich_set_bpr(&ich, 1, 5); /* groups of 32: no preemption inside */
    assert_int_equal(fake_ich_iar(&ich, 1), 41);
    (void)setup(state);
    fake_ich_set_bpr(&ich, 1, 5);
    fake_ich_write_lr(&ich, 0, PENDING | G1 | PRIO(0x98) | 40);
    assert_int_equal(fake_ich_iar(&ich, 1), 40);
    fake_ich_write_lr(&ich, 1, PENDING | G1 | PRIO(0x88) | 41);
    assert_int_equal(fake_ich_iar(&ich, 1), FAKE_ICH_SPURIOUS);
    assert_int_equal(fake_ich_rpr(&ich), 0x80);
}

static void eoi_deactivates_hardware_and_counts_what_it_does_not_find(void **state)
{
    (void)state;
    fake_ich_write_lr(&ich, 0, PENDING | HW | G1 | PID(77) | 40);
    assert_int_equal(fake_ich_iar(&ich, 1), 40);
    fake_ich_eoir(&ich, 1, 41);
    assert_int_equal(ich.hcr >> 27, 1);
    assert_int_equal(deactivated, 0);
    fake_ich_set_eoimode(&ich, true);
    fake_ich_dir(&ich, 40);
    assert_int_equal(deactivated, 77);
    assert_int_equal(fake_ich_elrsr(&ich), 0xF);
    ich.hcr |= 4;
    assert_int_equal(fake_ich_misr(&ich), 4);
}

static void no_pending_and_underflow_raise_the_maintenance_interrupt(void **state)
{
    (void)state;
    ich.hcr = 9;
    assert_int_equal(fake_ich_misr(&ich), 8);
    fake_ich_write_lr(&ich, 0, PENDING | G1 | 40);
    assert_int_equal(fake_ich_misr(&ich), 0);
    ich.hcr = 3;
    assert_int_equal(fake_ich_misr(&ich), 2);
    fake_ich_write_lr(&ich, 1, ACTIVE | G1 | 41);
    assert_int_equal(fake_ich_misr(&ich), 0);
    ich.hcr = 8;
    assert_int_equal(fake_ich_misr(&ich), 0); /* En = 0 */
}

static void ich_vtr_is_decoded_field_by_field(void **state)
{
    (void)state;
    struct ash_vgic_vtr vtr =
        ash_vgic_decode_vtr(0x90000003); /* QEMU's Cortex-A53: PRIbits 4, PREbits 4, 4 LRs */
    assert_int_equal(vtr.lr_count, 4);
    assert_int_equal(vtr.priority_bits, 5);
    assert_int_equal(vtr.preemption_bits, 5);
    assert_false(vtr.has_tdir);
    assert_false(vtr.has_a3v);
    vtr = ash_vgic_decode_vtr(UINT64_C(0xD828000F));
    assert_int_equal(vtr.lr_count, 16);
    assert_int_equal(vtr.priority_bits, 7);
    assert_int_equal(vtr.preemption_bits, 7);
    assert_true(vtr.has_tdir);
    assert_true(vtr.has_a3v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(unpredictable_list_registers_are_noticed, setup),
        cmocka_unit_test_setup(the_same_intid_twice_is_noticed, setup),
        cmocka_unit_test_setup(a_forgotten_or_overwritten_list_register_is_noticed, setup),
        cmocka_unit_test_setup(the_fields_of_an_ended_list_register_are_poisoned, setup),
        cmocka_unit_test_setup(priority_mask_and_preemption_decide_what_is_signalled, setup),
        cmocka_unit_test_setup(eoi_deactivates_hardware_and_counts_what_it_does_not_find, setup),
        cmocka_unit_test_setup(no_pending_and_underflow_raise_the_maintenance_interrupt, setup),
        cmocka_unit_test_setup(ich_vtr_is_decoded_field_by_field, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
