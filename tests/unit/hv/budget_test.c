/* SPDX-License-Identifier: BSD-2-Clause */
/* core/budget.c by its rules, exactly, and at random against a bound that is proved elsewhere: in no time does a vCPU
 * have more than its share of it and one budget above. */
#include "core/budget.h"

#include "testkit/cmocka.h"
#include "testkit/seed.h"

#define MHZ UINT64_C(1000000)

static struct hv_budget budget;

static void fresh(uint32_t budget_us, uint32_t period_us)
{
    hv_budget_init(&budget, budget_us, period_us, MHZ);
}

static void without_one_there_is_no_limit(void **state)
{
    (void)state;
    fresh(0, 0);
    assert_false(hv_budget_is_set(&budget));
    hv_budget_wake(&budget, 5);
    assert_false(hv_budget_is_out(&budget, UINT64_MAX));
    assert_int_equal(budget.deadline, 0);
}

static void microseconds_become_ticks(void **state)
{
    (void)state;
    hv_budget_init(&budget, 250, 1000, 62500000);
    assert_int_equal(budget.full, 15625);
    assert_int_equal(budget.period, 62500);
    hv_budget_init(&budget, 10, 1000000, 32768); /* less than a tick: one */
    assert_int_equal(budget.full, 1);
    assert_int_equal(budget.period, 32768);
    hv_budget_init(&budget, 1000000, 1000000, UINT64_C(1000000000));
    assert_int_equal(budget.full, 1000000000);
}

static void it_is_used_up_to_the_tick_and_comes_back_at_the_deadline(void **state)
{
    (void)state;
    fresh(30, 100);
    hv_budget_wake(&budget, 1000);
    assert_int_equal(budget.deadline, 1100);
    hv_budget_charge(&budget, 29);
    assert_false(hv_budget_is_out(&budget, 1029));
    hv_budget_charge(&budget, 1);
    assert_true(hv_budget_is_out(&budget, 1030));
    assert_true(hv_budget_is_out(&budget, 1099));
    assert_false(hv_budget_is_out(&budget, 1100));
    assert_int_equal(budget.left, 30);
    assert_int_equal(budget.deadline, 1200);
}

static void what_was_had_too_much_is_paid_back(void **state)
{
    (void)state;
    fresh(30, 100);
    hv_budget_wake(&budget, 0);
    hv_budget_charge(&budget, 35);
    assert_false(hv_budget_is_out(&budget, 100));
    assert_int_equal(budget.left, 25);
    hv_budget_charge(&budget, 25 + 70); /* two budgets and more */
    assert_true(hv_budget_is_out(&budget, 200));
    assert_int_equal(budget.deadline, 300);
    assert_true(hv_budget_is_out(&budget, 300));
    assert_int_equal(budget.deadline, 400);
    assert_false(hv_budget_is_out(&budget, 400));
    assert_int_equal(budget.left, 20);
    assert_int_equal(budget.deadline, 500);
}

static void who_wakes_up_keeps_what_is_its_share_and_else_begins_anew(void **state)
{
    (void)state;
    fresh(30, 100);
    hv_budget_wake(&budget, 0);
    hv_budget_charge(&budget, 15);
    hv_budget_wake(&budget, 50); /* 15 of 50 are 30 % */
    assert_int_equal(budget.left, 15);
    assert_int_equal(budget.deadline, 100);
    hv_budget_wake(&budget, 51); /* 15 of 49 are more */
    assert_int_equal(budget.left, 30);
    assert_int_equal(budget.deadline, 151);
    hv_budget_charge(&budget, 30);
    hv_budget_wake(&budget, 150); /* nothing is left: no way around it */
    assert_true(hv_budget_is_out(&budget, 150));
    hv_budget_wake(&budget, 900);
    assert_int_equal(budget.left, 30);
    assert_int_equal(budget.deadline, 1000);
}

static void waking_up_long_after_a_debt_pays_it_first(void **state)
{
    (void)state;
    fresh(30, 100);
    hv_budget_wake(&budget, 0);
    hv_budget_charge(&budget, 30 + 45); /* until 200 it is paid with two budgets */
    hv_budget_wake(&budget, 100);
    assert_true(hv_budget_is_out(&budget, 199));
    hv_budget_wake(&budget, 201);
    assert_false(hv_budget_is_out(&budget, 201));
    assert_int_equal(budget.left, 15);
    assert_int_equal(budget.deadline, 300);
}

static void at_random_it_is_never_more_than_its_share_and_a_budget(void **state)
{
    struct test_rng rng;

    (void)state;
    test_rng_init(&rng, "budgets");
    for (unsigned run = 0; run < 400U; run++) {
        uint32_t period = 100U + (uint32_t)test_rng_below(&rng, 1000);
        uint32_t full = 10U + (uint32_t)test_rng_below(&rng, period - 9U);
        uint64_t now = test_rng_below(&rng, 1000);
        uint64_t begin = now;
        uint64_t had = 0;
        unsigned out = 0;

        fresh(full, period);
        hv_budget_wake(&budget, now);
        for (unsigned step = 0; step < 300U; step++) {
            if (hv_budget_is_out(&budget, now)) {
                assert_true(budget.deadline > now && budget.deadline <= now + period);
                out++;
                now += test_rng_below(&rng, 3) == 0U ? 1U : budget.deadline - now;
            } else {
                uint64_t most = (uint64_t)budget.left;
                uint64_t ran = 1U + test_rng_below(&rng, most);

                assert_true(most <= full);
                now += ran;
                had += ran;
                hv_budget_charge(&budget, ran);
            }
            if (test_rng_below(&rng, 2) == 0U) {
                now += test_rng_below(&rng, test_rng_below(&rng, 4) == 0U ? 3U * period : 20U);
                hv_budget_wake(&budget, now);
            }
            assert_true(had * period <= (now - begin) * full + (uint64_t)full * period);
        }
        assert_true(out > 0U || full > period / 2U);
    }
}

static void shares_are_rounded_down_so_that_three_thirds_fit(void **state)
{
    (void)state;
    assert_true(3U * hv_budget_share(1000, 3000) <= HV_BUDGET_WHOLE);
    assert_int_equal(hv_budget_share(500, 500), HV_BUDGET_WHOLE);
    assert_int_equal(hv_budget_share(10, 1000000), 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_one_there_is_no_limit),
        cmocka_unit_test(microseconds_become_ticks),
        cmocka_unit_test(it_is_used_up_to_the_tick_and_comes_back_at_the_deadline),
        cmocka_unit_test(what_was_had_too_much_is_paid_back),
        cmocka_unit_test(who_wakes_up_keeps_what_is_its_share_and_else_begins_anew),
        cmocka_unit_test(waking_up_long_after_a_debt_pays_it_first),
        cmocka_unit_test(at_random_it_is_never_more_than_its_share_and_a_budget),
        cmocka_unit_test(shares_are_rounded_down_so_that_three_thirds_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
