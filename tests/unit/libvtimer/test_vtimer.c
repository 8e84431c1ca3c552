/* SPDX-License-Identifier: BSD-2-Clause */
#include <testkit/cmocka.h>

#include <string.h>

#include <libvtimer/vtimer.h>
#include <testkit/seed.h>

#define V ASH_VTIMER_VIRTUAL
#define P ASH_VTIMER_PHYSICAL

struct lines {
    bool level[ASH_VTIMER_COUNT];
    unsigned changes;
};

static void set_line(void *ctx, enum ash_vtimer_id timer, bool level)
{
    struct lines *lines = ctx;

    assert_int_not_equal(lines->level[timer], level); /* told once */
    lines->level[timer] = level;
    lines->changes++;
}

static const struct ash_vtimer_hal hal = {.size = sizeof(hal), .set_line = set_line};

struct fixture {
    struct ash_vtimer timer;
    struct ash_vtimer_vm vm;
    struct lines lines;
};

static void fixture_init(struct fixture *f, uint64_t offset)
{
    memset(f, 0, sizeof(*f));
    f->vm.offset = offset;
    assert_int_equal(ash_vtimer_init(&f->timer, &f->vm, &hal, &f->lines), ASH_OK);
}

static void set(struct fixture *f, enum ash_vtimer_id id, uint64_t ctl, uint64_t cval)
{
    ash_vtimer_write(&f->timer, id, ASH_VTIMER_CVAL, 0, cval);
    ash_vtimer_write(&f->timer, id, ASH_VTIMER_CTL, 0, ctl);
}

/* DDI 0487 "The Generic Timer in AArch64 state", CNTV_CTL_EL0: all eight values of CTL against before, at, after. */
static void the_output_follows_enable_mask_and_condition(void **state)
{
    (void)state;
    for (unsigned id = 0; id < ASH_VTIMER_COUNT; id++) {
        for (uint64_t ctl = 0; ctl < 8; ctl++) {
            for (int64_t distance = -1; distance <= 1; distance++) {
                const uint64_t offset = 5000;
                uint64_t now = offset + 100U + (uint64_t)distance;
                bool enabled = (ctl & 1U) != 0U;
                bool masked = (ctl & 2U) != 0U;
                bool met = enabled && distance >= 0;
                struct fixture f;

                fixture_init(&f, offset);
                set(&f, (enum ash_vtimer_id)id, ctl, 100);
                assert_int_equal(ash_vtimer_is_met(&f.timer, (enum ash_vtimer_id)id, now), met);
                assert_int_equal(ash_vtimer_is_asserted(&f.timer, (enum ash_vtimer_id)id, now),
                                 met && !masked);
                /* ISTATUS is not stored by a write, shows the condition whatever the mask, and 0 while disabled. */
                assert_int_equal(ash_vtimer_read(&f.timer, (enum ash_vtimer_id)id, ASH_VTIMER_CTL, now),
                                 (ctl & 3U) | (met ? 4U : 0U));
                ash_vtimer_update(&f.timer, now);
                assert_int_equal(f.lines.level[id], met && !masked);
                assert_false(f.lines.level[1U - id]);
            }
        }
    }
}

static void comparison_is_unsigned_over_64_bits(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f, 0);
    set(&f, V, 1, UINT64_MAX);
    assert_false(ash_vtimer_is_asserted(&f.timer, V, UINT64_C(0x8000000000000000)));
    assert_false(ash_vtimer_is_asserted(&f.timer, V, UINT64_MAX - 1U));
    assert_true(ash_vtimer_is_asserted(&f.timer, V, UINT64_MAX));
    assert_false(ash_vtimer_is_asserted(&f.timer, V, 0)); /* the counter wrapped */
    set(&f, V, 1, 0);
    assert_true(ash_vtimer_is_asserted(&f.timer, V, 0));
    assert_true(ash_vtimer_is_asserted(&f.timer, V, UINT64_MAX));
}

static void the_offset_is_subtracted_modulo_2_64(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f, UINT64_MAX - 9U); /* the guest's counter is 10 ahead */
    assert_int_equal(ash_vtimer_count(&f.timer, 0), 10);
    set(&f, V, 1, 12);
    assert_false(ash_vtimer_is_asserted(&f.timer, V, 1));
    assert_true(ash_vtimer_is_asserted(&f.timer, V, 2));
    ash_vtimer_set_count(&f.vm, 1000, 0);
    assert_int_equal(ash_vtimer_count(&f.timer, 1000), 0);
    assert_int_equal(ash_vtimer_count(&f.timer, 1012), 12);
    ash_vtimer_set_count(&f.vm, 5, 100);
    assert_int_equal(ash_vtimer_count(&f.timer, 6), 101);
    assert_int_equal(ash_vtimer_count(&f.timer, 4), 99);
}

static void tval_is_a_signed_32_bit_view(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f, 1000);
    ash_vtimer_write(&f.timer, V, ASH_VTIMER_TVAL, 3000, 0x7fffffff);
    assert_int_equal(ash_vtimer_read(&f.timer, V, ASH_VTIMER_CVAL, 0), 2000U + 0x7fffffffU);
    ash_vtimer_write(&f.timer, V, ASH_VTIMER_TVAL, 3000, 0xffffffff);
    assert_int_equal(ash_vtimer_read(&f.timer, V, ASH_VTIMER_CVAL, 0), 1999);
    ash_vtimer_write(&f.timer, V, ASH_VTIMER_TVAL, 3000,
                     UINT64_C(0xabcdef0180000000)); /* bits [63:32] ignored */
    assert_int_equal(ash_vtimer_read(&f.timer, V, ASH_VTIMER_CVAL, 0), 2000U - UINT64_C(0x80000000));
    set(&f, V, 0, 2500);
    assert_int_equal(ash_vtimer_read(&f.timer, V, ASH_VTIMER_TVAL, 3000), 500);
    assert_int_equal(ash_vtimer_read(&f.timer, V, ASH_VTIMER_TVAL, 3501),
                     0xffffffff); /* 1 late; upper half 0 */
    assert_int_equal(ash_vtimer_read(&f.timer, V, ASH_VTIMER_TVAL, 3500), 0);
}

static void the_deadline_is_in_physical_ticks(void **state)
{
    struct fixture f;
    uint64_t deadline = 7;

    (void)state;
    fixture_init(&f, 1000);
    assert_false(ash_vtimer_next_deadline(&f.timer, 5000, &deadline)); /* disabled */
    assert_int_equal(deadline, UINT64_MAX);
    set(&f, V, 3, 4500);
    assert_false(ash_vtimer_next_deadline(&f.timer, 5000, &deadline)); /* masked */
    set(&f, V, 1, 4500);
    assert_true(ash_vtimer_next_deadline(&f.timer, 5000, &deadline));
    assert_int_equal(deadline, 5500);
    set(&f, P, 1, 4300);
    assert_true(ash_vtimer_next_deadline(&f.timer, 5000, &deadline)); /* the earlier one */
    assert_int_equal(deadline, 5300);
    assert_true(ash_vtimer_next_deadline(&f.timer, 5300, &deadline)); /* due now */
    assert_int_equal(deadline, 5300);
    assert_true(ash_vtimer_next_deadline(&f.timer, 6000, &deadline)); /* long due */
    assert_int_equal(deadline, 6000);
}

static void a_deadline_beyond_the_physical_counter_is_none(void **state)
{
    struct fixture f;
    uint64_t deadline;

    (void)state;
    fixture_init(&f, 1000);
    set(&f, V, 1, UINT64_MAX);
    assert_false(ash_vtimer_next_deadline(&f.timer, 5000, &deadline));
    assert_int_equal(deadline, UINT64_MAX);
    fixture_init(&f, 0);
    set(&f, V, 1, UINT64_MAX - 1U);
    assert_true(ash_vtimer_next_deadline(&f.timer, 5000, &deadline));
    assert_int_equal(deadline, UINT64_MAX - 1U);
}

/* At the deadline the timer asserts, one tick before it does not: over random states. */
static void the_deadline_is_the_first_tick_at_which_it_asserts(void **state)
{
    struct test_rng rng;
    unsigned future = 0;
    unsigned due = 0;
    unsigned none = 0;

    (void)state;
    test_rng_init(&rng, "unit_vtimer");
    for (unsigned i = 0; i < 100000; i++) {
        struct fixture f;
        uint64_t deadline;
        uint64_t now = test_rng_next(&rng) >> test_rng_below(&rng, 64);

        fixture_init(&f, test_rng_next(&rng) >> test_rng_below(&rng, 64));
        set(&f, V, test_rng_below(&rng, 4), test_rng_next(&rng) >> test_rng_below(&rng, 64));
        if (!ash_vtimer_next_deadline(&f.timer, now, &deadline)) {
            assert_false(ash_vtimer_is_asserted(&f.timer, V, now));
            assert_false(ash_vtimer_is_asserted(&f.timer, V, UINT64_MAX - 1U) && now != UINT64_MAX &&
                         ash_vtimer_count(&f.timer, UINT64_MAX - 1U) >= ash_vtimer_count(&f.timer, now));
            none++;
        } else if (deadline == now) {
            assert_true(ash_vtimer_is_asserted(&f.timer, V, now));
            due++;
        } else {
            assert_true(deadline > now);
            assert_true(ash_vtimer_is_asserted(&f.timer, V, deadline));
            assert_false(ash_vtimer_is_asserted(&f.timer, V, deadline - 1U));
            assert_false(ash_vtimer_is_asserted(&f.timer, V, now));
            future++;
        }
    }
    print_message("future %u, due %u, none %u\n", future, due, none);
    assert_true(future > 100 && due > 100 && none > 100);
}

static void the_line_is_told_once_per_change(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f, 0);
    set(&f, V, 1, 10);
    ash_vtimer_update(&f.timer, 9);
    assert_int_equal(f.lines.changes, 0);
    ash_vtimer_update(&f.timer, 10);
    ash_vtimer_update(&f.timer, 11);
    assert_int_equal(f.lines.changes, 1);
    assert_true(f.lines.level[V]);
    ash_vtimer_write(&f.timer, V, ASH_VTIMER_TVAL, 11, 100);
    assert_true(f.lines.level[V]); /* a write alone moves nothing */
    ash_vtimer_update(&f.timer, 11);
    assert_false(f.lines.level[V]);
    assert_int_equal(f.lines.changes, 2);
}

static void a_reset_lowers_the_lines_and_disables(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f, 3);
    set(&f, V, 1, 0);
    set(&f, P, 3, 7);
    ash_vtimer_update(&f.timer, 100);
    assert_true(f.lines.level[V]);
    ash_vtimer_reset(&f.timer);
    assert_false(f.lines.level[V]);
    assert_int_equal(f.lines.changes, 2);
    for (unsigned id = 0; id < ASH_VTIMER_COUNT; id++) {
        assert_int_equal(ash_vtimer_read(&f.timer, (enum ash_vtimer_id)id, ASH_VTIMER_CTL, 100), 0);
        assert_int_equal(ash_vtimer_read(&f.timer, (enum ash_vtimer_id)id, ASH_VTIMER_CVAL, 100), 0);
    }
    assert_int_equal(f.vm.offset, 3); /* the VM's */
}

static void a_register_that_is_none_reads_zero_and_ignores_writes(void **state)
{
    struct fixture f;
    struct ash_vtimer before;

    (void)state;
    fixture_init(&f, 0);
    set(&f, V, 3, 77);
    before = f.timer;
    ash_vtimer_write(&f.timer, V, (enum ash_vtimer_register)3, 0, UINT64_MAX);
    assert_memory_equal(&f.timer, &before, sizeof(before));
    assert_int_equal(ash_vtimer_read(&f.timer, V, (enum ash_vtimer_register)3, 0), 0);
}

static void reserved_bits_of_ctl_are_not_kept(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f, 0);
    set(&f, V, UINT64_MAX & ~ASH_VTIMER_CTL_ENABLE, 0);
    assert_int_equal(ash_vtimer_read(&f.timer, V, ASH_VTIMER_CTL, 5), ASH_VTIMER_CTL_IMASK);
}

static void an_image_moves_the_timers_to_another_vm(void **state)
{
    struct fixture from;
    struct fixture to;
    struct ash_vtimer_image image;

    (void)state;
    fixture_init(&from, 1000);
    set(&from, V, 1, 600);
    set(&from, P, 2, 900);
    ash_vtimer_export(&from.timer, &image);
    fixture_init(&to, 50000);
    assert_int_equal(ash_vtimer_import(&to.timer, &image), ASH_OK);
    ash_vtimer_update(&to.timer, 50599);
    assert_false(to.lines.level[V]);
    ash_vtimer_update(&to.timer, 50600);
    assert_true(to.lines.level[V]);
    assert_int_equal(ash_vtimer_read(&to.timer, P, ASH_VTIMER_CTL, 0), 2);
    assert_int_equal(ash_vtimer_read(&to.timer, P, ASH_VTIMER_CVAL, 0), 900);
}

static void a_bad_image_is_refused_and_changes_nothing(void **state)
{
    struct fixture f;
    struct ash_vtimer before;
    struct ash_vtimer_image good;
    struct ash_vtimer_image image;

    (void)state;
    fixture_init(&f, 0);
    set(&f, V, 1, 600);
    before = f.timer;
    memset(&good, 0, sizeof(good));
    good.version = ASH_VTIMER_IMAGE_VERSION;
    image = good;
    image.version++;
    assert_int_equal(ash_vtimer_import(&f.timer, &image), ASH_EFORMAT);
    image = good;
    image.ctl[P] = ASH_VTIMER_CTL_ISTATUS;
    assert_int_equal(ash_vtimer_import(&f.timer, &image), ASH_EFORMAT);
    image = good;
    image.reserved = 1;
    assert_int_equal(ash_vtimer_import(&f.timer, &image), ASH_EFORMAT);
    assert_memory_equal(&f.timer, &before, sizeof(before));
}

static void a_paused_vm_s_time_stands_still_and_goes_on_from_there(void **state)
{
    struct fixture f;
    uint64_t deadline;

    (void)state;
    fixture_init(&f, 1000);
    set(&f, V, 1, 500);
    set(&f, P, 1, 100);
    ash_vtimer_pause(&f.vm, 1200);
    assert_int_equal(ash_vtimer_count(&f.timer, 9000), 200);
    assert_false(ash_vtimer_is_met(&f.timer, V, 9000));
    assert_true(ash_vtimer_is_asserted(&f.timer, P, 9000)); /* it was before */
    assert_true(ash_vtimer_next_deadline(&f.timer, 9000, &deadline));
    assert_int_equal(deadline, 9000);
    set(&f, P, 3, 100);
    assert_false(ash_vtimer_next_deadline(&f.timer, 9000, &deadline));
    assert_int_equal(deadline, UINT64_MAX);
    assert_int_equal(ash_vtimer_read(&f.timer, V, ASH_VTIMER_TVAL, 9000), 300);
    ash_vtimer_pause(&f.vm, 9500); /* still since 1200 */
    ash_vtimer_resume(&f.vm, 10000);
    assert_int_equal(ash_vtimer_count(&f.timer, 10000), 200);
    assert_int_equal(f.vm.offset, 9800);
    assert_true(ash_vtimer_next_deadline(&f.timer, 10000, &deadline));
    assert_int_equal(deadline, 10300);
    ash_vtimer_resume(&f.vm, 20000); /* nothing */
    assert_int_equal(ash_vtimer_count(&f.timer, 10300), 500);
}

static void a_count_set_while_paused_holds_when_resumed(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f, 0);
    ash_vtimer_pause(&f.vm, 500);
    ash_vtimer_set_count(&f.vm, 700, 42);
    assert_int_equal(ash_vtimer_count(&f.timer, 800), 42);
    ash_vtimer_resume(&f.vm, 900);
    assert_int_equal(ash_vtimer_count(&f.timer, 901), 43);
}

static void the_physical_timer_is_direct_where_the_counter_is_the_physical_one(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f, 0);
    assert_true(ash_vtimer_physical_is_direct(&f.vm, true));
    assert_false(ash_vtimer_physical_is_direct(&f.vm, false));
    ash_vtimer_pause(&f.vm, 100);
    assert_false(ash_vtimer_physical_is_direct(&f.vm, true));
    ash_vtimer_resume(&f.vm, 101); /* it now has an offset */
    assert_false(ash_vtimer_physical_is_direct(&f.vm, true));
    ash_vtimer_set_count(&f.vm, 7, 7);
    assert_true(ash_vtimer_physical_is_direct(&f.vm, true));
}

static void a_vm_s_time_moves_to_another_machine(void **state)
{
    struct ash_vtimer_vm_image image;
    struct fixture from;
    struct fixture to;

    (void)state;
    fixture_init(&from, 1000);
    fixture_init(&to, 77);
    ash_vtimer_vm_export(&from.vm, 1500, &image);
    assert_int_equal(image.count, 500);
    assert_int_equal(image.paused, 0);
    assert_int_equal(ash_vtimer_vm_import(&to.vm, 20, &image), ASH_OK); /* a counter that is behind */
    assert_int_equal(ash_vtimer_count(&to.timer, 25), 505);
    ash_vtimer_pause(&from.vm, 1600);
    ash_vtimer_vm_export(&from.vm, 9999, &image);
    assert_int_equal(image.count, 600);
    assert_int_equal(image.paused, 1);
    assert_int_equal(ash_vtimer_vm_import(&to.vm, 30, &image), ASH_OK);
    assert_int_equal(ash_vtimer_count(&to.timer, 40), 600);
    ash_vtimer_resume(&to.vm, 50);
    assert_int_equal(ash_vtimer_count(&to.timer, 51), 601);
}

static void a_bad_image_of_a_vm_is_refused_and_changes_nothing(void **state)
{
    struct ash_vtimer_vm_image image = {.version = ASH_VTIMER_IMAGE_VERSION, .paused = 2, .count = 5};
    struct fixture f;

    (void)state;
    fixture_init(&f, 1000);
    assert_int_equal(ash_vtimer_vm_import(&f.vm, 0, &image), ASH_EFORMAT);
    image.paused = 1;
    image.version++;
    assert_int_equal(ash_vtimer_vm_import(&f.vm, 0, &image), ASH_EFORMAT);
    assert_int_equal(f.vm.offset, 1000);
    assert_false(f.vm.paused);
}

static void a_bad_hal_is_refused(void **state)
{
    struct ash_vtimer timer;
    struct ash_vtimer_vm vm = {0};
    struct ash_vtimer_hal bad = hal;

    (void)state;
    assert_int_equal(ash_vtimer_init(&timer, &vm, NULL, NULL), ASH_EINVAL);
    assert_int_equal(ash_vtimer_init(&timer, NULL, &hal, NULL), ASH_EINVAL);
    bad.size--;
    assert_int_equal(ash_vtimer_init(&timer, &vm, &bad, NULL), ASH_EINVAL);
    bad = hal;
    bad.set_line = NULL;
    assert_int_equal(ash_vtimer_init(&timer, &vm, &bad, NULL), ASH_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_output_follows_enable_mask_and_condition),
        cmocka_unit_test(comparison_is_unsigned_over_64_bits),
        cmocka_unit_test(the_offset_is_subtracted_modulo_2_64),
        cmocka_unit_test(tval_is_a_signed_32_bit_view),
        cmocka_unit_test(the_deadline_is_in_physical_ticks),
        cmocka_unit_test(a_deadline_beyond_the_physical_counter_is_none),
        cmocka_unit_test(the_deadline_is_the_first_tick_at_which_it_asserts),
        cmocka_unit_test(the_line_is_told_once_per_change),
        cmocka_unit_test(a_reset_lowers_the_lines_and_disables),
        cmocka_unit_test(a_register_that_is_none_reads_zero_and_ignores_writes),
        cmocka_unit_test(reserved_bits_of_ctl_are_not_kept),
        cmocka_unit_test(an_image_moves_the_timers_to_another_vm),
        cmocka_unit_test(a_bad_image_is_refused_and_changes_nothing),
        cmocka_unit_test(a_paused_vm_s_time_stands_still_and_goes_on_from_there),
        cmocka_unit_test(a_count_set_while_paused_holds_when_resumed),
        cmocka_unit_test(the_physical_timer_is_direct_where_the_counter_is_the_physical_one),
        cmocka_unit_test(a_vm_s_time_moves_to_another_machine),
        cmocka_unit_test(a_bad_image_of_a_vm_is_refused_and_changes_nothing),
        cmocka_unit_test(a_bad_hal_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
