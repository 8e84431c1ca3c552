/* SPDX-License-Identifier: BSD-2-Clause */
/* The README's sample, compiled and run. */
#include "fixture.h"

int give_guest_its_ram(struct ash_stage2 *s2, const struct ash_stage2_hal *hal, void *ctx, uint64_t mmfr0,
                       uint64_t mmfr1, ash_pa_t ram);

static void the_readme_sample_maps_ram(void **state)
{
    struct fixture f;

    (void)state;
    fake_stage2_init(&f.fake);
    assert_int_equal(give_guest_its_ram(&f.s2, &fake_stage2_hal, &f.fake, PARANGE_40, 0, ash_pa(4 * GIGA)),
                     ASH_OK);
    expect(&f, GIGA, 4 * GIGA, MEGA2, RWX);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_readme_sample_maps_ram)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
