/* SPDX-License-Identifier: BSD-2-Clause */
#include "fixture.h"

#define TGRAN4_NO       (UINT64_C(0xf) << 28)
#define TGRAN4_2(value) ((uint64_t)(value) << 40)
#define PARANGE_48      UINT64_C(5)
#define PARANGE_52      UINT64_C(6)

static int init(struct fixture *f, unsigned ipa_bits, uint64_t mmfr0)
{
    struct ash_stage2_config config = config_of(ipa_bits, mmfr0, false);

    return ash_stage2_init(&f->s2, &config, &fake_stage2_hal, &f->fake);
}

static void the_start_has_the_fewest_levels(void **state)
{
    /* DDI 0487, "VTCR_EL2": SL0 0 is level 2, 1 is level 1, 2 is level 0. */
    static const struct {
        unsigned ipa_bits, pages, sl0;
    } cases[] = {{32, 4, 0}, {33, 8, 0}, {34, 16, 0}, {35, 1, 1}, {39, 1, 1},
                 {40, 2, 1}, {42, 8, 1}, {43, 16, 1}, {44, 1, 2}, {48, 1, 2}};
    struct fixture f;

    (void)state;
    fake_stage2_init(&f.fake);
    for (unsigned i = 0; i < ASH_ARRAY_SIZE(cases); i++) {
        assert_int_equal(init(&f, cases[i].ipa_bits, PARANGE_48), ASH_OK);
        assert_int_equal(f.fake.in_use, cases[i].pages);
        assert_int_equal(ash_field(ash_stage2_vtcr(&f.s2), 7, 6), cases[i].sl0);
        assert_int_equal(ash_field(ash_stage2_vtcr(&f.s2), 5, 0), 64U - cases[i].ipa_bits);
        assert_int_equal(ash_stage2_vttbr(&f.s2) % (cases[i].pages * PAGE), 0);
        /* The last page of the space can be mapped, the one behind it not. */
        assert_int_equal(map(&f, (UINT64_C(1) << cases[i].ipa_bits) - PAGE, 0, PAGE, RW), ASH_OK);
        assert_int_equal(map(&f, UINT64_C(1) << cases[i].ipa_bits, 0, PAGE, RW), ASH_ERANGE);
        ash_stage2_destroy(&f.s2);
        assert_int_equal(f.fake.in_use, 0);
        assert_true(f.fake.last[(f.fake.invalidations - 1U) % FAKE_STAGE2_INVALIDATIONS].all);
    }
    fake_stage2_fini(&f.fake);
}

static void vtcr_says_what_the_cpu_has(void **state)
{
    struct fixture f;
    struct ash_stage2_config config = config_of(40, PARANGE_40, false);
    uint64_t vtcr;

    (void)state;
    fake_stage2_init(&f.fake);
    config.id_aa64mmfr1_el1 = 0x20; /* VMIDBits: 16 */
    assert_int_equal(ash_stage2_init(&f.s2, &config, &fake_stage2_hal, &f.fake), ASH_OK);
    vtcr = ash_stage2_vtcr(&f.s2);
    assert_int_equal(ash_field(vtcr, 18, 16), PARANGE_40); /* PS */
    assert_int_equal(ash_field(vtcr, 15, 8), 0x35);        /* TG0 4 KiB, SH0 inner, ORGN0, IRGN0 write-back */
    assert_int_equal(ash_field(vtcr, 19, 19), 1);          /* VS */
    assert_int_equal(ash_field(vtcr, 31, 31), 1);          /* RES1 */
    ash_stage2_set_vmid(&f.s2, 0xbeef);
    assert_int_equal(ash_stage2_vttbr(&f.s2) >> 48, 0xbeef);
    ash_stage2_destroy(&f.s2);
    assert_int_equal(init(&f, 48, PARANGE_52), ASH_OK);
    assert_int_equal(ash_field(ash_stage2_vtcr(&f.s2), 18, 16),
                     PARANGE_48); /* the descriptors have 48 bits */
    end(&f);
}

static void a_cpu_without_4k_at_stage_2_is_refused(void **state)
{
    struct fixture f;

    (void)state;
    fake_stage2_init(&f.fake);
    assert_int_equal(init(&f, 40, PARANGE_40 | TGRAN4_NO), ASH_ENOTSUP);
    assert_int_equal(init(&f, 40, PARANGE_40 | TGRAN4_2(1)), ASH_ENOTSUP);
    assert_int_equal(init(&f, 40, PARANGE_40 | TGRAN4_NO | TGRAN4_2(2)), ASH_OK);
    ash_stage2_destroy(&f.s2);
    assert_int_equal(init(&f, 40, PARANGE_40 | TGRAN4_2(3)), ASH_OK);
    end(&f);
}

static void wrong_configurations_are_refused(void **state)
{
    struct fixture f;
    struct ash_stage2_config config = config_of(40, PARANGE_40, false);
    struct ash_stage2_hal hal = fake_stage2_hal;

    (void)state;
    fake_stage2_init(&f.fake);
    assert_int_equal(init(&f, 31, PARANGE_48), ASH_EINVAL);
    assert_int_equal(init(&f, 49, PARANGE_48), ASH_EINVAL);
    assert_int_equal(init(&f, 41, PARANGE_40), ASH_EINVAL);
    config.size--;
    assert_int_equal(ash_stage2_init(&f.s2, &config, &hal, &f.fake), ASH_EINVAL);
    config.size++;
    hal.size--;
    assert_int_equal(ash_stage2_init(&f.s2, &config, &hal, &f.fake), ASH_EINVAL);
    hal.size++;
    hal.table_alloc = NULL;
    assert_int_equal(ash_stage2_init(&f.s2, &config, &hal, &f.fake), ASH_EINVAL);
    hal = fake_stage2_hal;
    hal.table_free = NULL;
    assert_int_equal(ash_stage2_init(&f.s2, &config, &hal, &f.fake), ASH_EINVAL);
    hal = fake_stage2_hal;
    hal.table_at = NULL;
    assert_int_equal(ash_stage2_init(&f.s2, &config, &hal, &f.fake), ASH_EINVAL);
    hal = fake_stage2_hal;
    hal.publish = NULL;
    assert_int_equal(ash_stage2_init(&f.s2, &config, &hal, &f.fake), ASH_EINVAL);
    hal = fake_stage2_hal;
    hal.invalidate = NULL;
    assert_int_equal(ash_stage2_init(&f.s2, &config, &hal, &f.fake), ASH_EINVAL);
    assert_int_equal(ash_stage2_init(&f.s2, &config, NULL, &f.fake), ASH_EINVAL);
    assert_int_equal(ash_stage2_init(&f.s2, NULL, &fake_stage2_hal, &f.fake), ASH_EINVAL);
    assert_int_equal(ash_stage2_init(NULL, &config, &fake_stage2_hal, &f.fake), ASH_EINVAL);
    f.fake.fail_after = 1;
    assert_int_equal(init(&f, 40, PARANGE_40), ASH_ENOMEM);
    fake_stage2_fini(&f.fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_start_has_the_fewest_levels),
        cmocka_unit_test(vtcr_says_what_the_cpu_has),
        cmocka_unit_test(a_cpu_without_4k_at_stage_2_is_refused),
        cmocka_unit_test(wrong_configurations_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
