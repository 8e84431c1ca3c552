/* SPDX-License-Identifier: BSD-2-Clause */
#include "fixture.h"

#include <libbase/compiler.h>

struct seen {
    unsigned count;
    unsigned stop_at;
    uint64_t ipa[8];
};

static int note(void *arg, const struct ash_stage2_mapping *mapping)
{
    struct seen *seen = (struct seen *)arg;

    assert_true(mapping->valid);
    seen->ipa[seen->count++ % 8U] = mapping->ipa.value;
    return seen->count == seen->stop_at ? 42 : 0;
}

static void holes_say_how_far_they_reach(void **state)
{
    struct fixture f;
    struct ash_stage2_mapping mapping;

    (void)state;
    begin(&f, false);
    assert_int_equal(map(&f, GIGA, GIGA, PAGE, RW), ASH_OK);
    assert_int_equal(at(&f, 5).size, GIGA);
    assert_int_equal(at(&f, GIGA + MEGA2 + 1).size, MEGA2);
    assert_int_equal(at(&f, GIGA + MEGA2 + 1).ipa.value, GIGA + MEGA2);
    assert_int_equal(at(&f, GIGA + PAGE).size, PAGE);
    assert_int_equal(ash_stage2_lookup(&f.s2, ash_ipa(UINT64_C(1) << 40), &mapping), ASH_ERANGE);
    end(&f);
}

static void a_visit_goes_through_all_that_touches_in_order(void **state)
{
    struct fixture f;
    struct seen seen = {.stop_at = 0};

    (void)state;
    begin(&f, false);
    assert_int_equal(map(&f, 0, 0, MEGA2, RW), ASH_OK);
    assert_int_equal(map(&f, GIGA, 0, 2 * PAGE, RO), ASH_OK);
    assert_int_equal(map(&f, 3 * GIGA, 0, GIGA, RO), ASH_OK);
    assert_int_equal(ash_stage2_visit(&f.s2, ash_ipa(PAGE), 3 * GIGA, note, &seen), ASH_OK);
    assert_int_equal(seen.count, 4);
    assert_int_equal(seen.ipa[0], 0);
    assert_int_equal(seen.ipa[2], GIGA + PAGE);
    assert_int_equal(seen.ipa[3], 3 * GIGA);
    seen = (struct seen){.stop_at = 2};
    assert_int_equal(ash_stage2_visit(&f.s2, ash_ipa(0), 8 * GIGA, note, &seen), 42);
    assert_int_equal(seen.count, 2);
    assert_int_equal(ash_stage2_visit(&f.s2, ash_ipa(0), 0, note, &seen), ASH_EINVAL);
    assert_int_equal(ash_stage2_visit(&f.s2, ash_ipa(0), UINT64_C(2) << 40, note, &seen), ASH_ERANGE);
    end(&f);
}

static void a_fault_is_judged_by_what_is_mapped_now(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, false);
    assert_int_equal(map(&f, 0, 0, PAGE, RO), ASH_OK);
    assert_int_equal(ash_stage2_check_fault(&f.s2, ash_ipa(8), ASH_STAGE2_READ), ASH_OK);
    assert_int_equal(ash_stage2_check_fault(&f.s2, ash_ipa(8), ASH_STAGE2_WRITE), ASH_EPERM);
    assert_int_equal(ash_stage2_check_fault(&f.s2, ash_ipa(8), ASH_STAGE2_EXEC), ASH_EPERM);
    assert_int_equal(ash_stage2_check_fault(&f.s2, ash_ipa(PAGE), ASH_STAGE2_READ), ASH_ENOENT);
    assert_int_equal(ash_stage2_check_fault(&f.s2, ash_ipa(UINT64_MAX), ASH_STAGE2_READ), ASH_ERANGE);
    end(&f);
}

static void a_walk_of_the_guests_tables_through_a_device_is_no_spurious_fault(void **state)
{
    static const struct {
        uint32_t type;
        int judged;
    } types[] = {{ASH_STAGE2_NORMAL, ASH_OK},
                 {ASH_STAGE2_NORMAL_NC, ASH_OK},
                 {ASH_STAGE2_DEVICE, ASH_EPERM},
                 {ASH_STAGE2_DEVICE_NGNRNE, ASH_EPERM}};
    struct fixture f;

    (void)state;
    begin(&f, false);
    for (unsigned n = 0; n < ASH_ARRAY_SIZE(types); n++) {
        ash_ipa_t ipa = ash_ipa(n * PAGE);

        assert_int_equal(
            map(&f, n * PAGE, n * PAGE, PAGE, ASH_STAGE2_READ | ASH_STAGE2_WRITE | types[n].type), ASH_OK);
        assert_int_equal(ash_stage2_check_fault(&f.s2, ipa, ASH_STAGE2_READ | ASH_STAGE2_WALK),
                         types[n].judged);
        assert_int_equal(ash_stage2_check_fault(&f.s2, ipa, ASH_STAGE2_WRITE | ASH_STAGE2_WALK),
                         types[n].judged);
        assert_int_equal(ash_stage2_check_fault(&f.s2, ipa, ASH_STAGE2_READ), ASH_OK);
    }
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holes_say_how_far_they_reach),
        cmocka_unit_test(a_visit_goes_through_all_that_touches_in_order),
        cmocka_unit_test(a_fault_is_judged_by_what_is_mapped_now),
        cmocka_unit_test(a_walk_of_the_guests_tables_through_a_device_is_no_spurious_fault),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
