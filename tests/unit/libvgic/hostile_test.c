/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest that writes anything anywhere, and devices beside it. Nothing may be touched outside the VM's own
 * objects (ASan), nothing UNPREDICTABLE programmed, no storm, and afterwards the machine still works. */
#include <string.h>

#include "machine.h"

#define OPERATIONS 60000U

static struct machine m;
static struct test_rng rng;

static uint64_t below(uint64_t bound)
{
    return test_rng_below(&rng, bound);
}

static uint64_t some_value(void)
{
    static const uint64_t special[] = {0,          1,          UINT64_MAX,       0xFFFFFFFF,
                                       0x80000000, 0xAAAAAAAA, UINT64_C(1) << 40};
    return below(2) != 0U ? special[below(7)] : test_rng_next(&rng);
}

/* A GICv2 has its distributor's 4 KiB, GICD_SGIR and GICD_ITARGETSR in them, and nothing else. */
static void access_v2(uint32_t vcpu)
{
    static const unsigned sizes[] = {1, 1, 2, 4, 4, 4, 8};
    static const uint32_t favourites[] = {GICD_SGIR,      GICD_CPENDSGIR, GICD_SPENDSGIR, GICD_ITARGETSR,
                                          GICD_ISACTIVER, GICD_ISPENDR,   GICD_CTLR};
    unsigned size = sizes[below(7)];
    bool is_write = below(3) != 0U;
    uint64_t offset = below(3) == 0U ? favourites[below(7)] + below(0x20) : below(0x1000);
    uint64_t value = some_value();

    if (below(4) != 0U) {
        offset &= ~(uint64_t)(size - 1U);
    }
    int error = ash_vgic_dist_access(&m.vgic, vcpu, offset, size, is_write, &value);
    if (error != ASH_OK && (error != ASH_EBUSY || is_write)) {
        fail_msg("offset %#llx size %u: %d", (unsigned long long)offset, size, error);
    }
    assert_true(is_write || size == 8U || value >> (8U * size) == 0U);
    offset = below(0x40) * 0x1000U + offset;
    error = ash_vgic_redist_access(&m.vgic, vcpu, offset, size, is_write, &value);
    assert_int_equal(error, ASH_ERANGE);
    machine_exit(&m, vcpu);
}

static void access(uint32_t vcpu)
{
    static const unsigned sizes[] = {1, 2, 4, 4, 4, 8};
    bool dist = below(2) != 0U;
    bool is_write = below(3) != 0U;
    unsigned size = sizes[below(6)];
    uint64_t offset =
        below(4) != 0U ? below(0x1000) : below(dist ? 0x10000 : 0x20000 * (uint64_t)m.vcpu_count);
    uint64_t value = some_value();

    if (!dist && offset < 0x1000U && below(4) != 0U) {
        offset += below(m.vcpu_count) * 0x20000U + 0x10000U;
    }
    if (below(4) != 0U) {
        offset &= ~(uint64_t)(size - 1U);
    }
    int error = dist ? ash_vgic_dist_access(&m.vgic, vcpu, offset, size, is_write, &value)
                     : ash_vgic_redist_access(&m.vgic, vcpu, offset, size, is_write, &value);
    if (error != ASH_OK && error != ASH_EBUSY) {
        fail_msg("offset %#llx size %u: %d", (unsigned long long)offset, size, error);
    }
    machine_exit(&m, vcpu);
}

static void guest_interface(uint32_t vcpu)
{
    struct fake_ich *ich = &m.ich[vcpu];
    unsigned group = (unsigned)below(2);

    switch (below(6)) {
    case 0:
    case 1:
        fake_ich_eoir(ich, group, fake_ich_iar(ich, group));
        break;
    case 2:
        (void)fake_ich_iar(ich, group);
        break;
    case 3:
        fake_ich_eoir(ich, group, (uint32_t)below(m.version == 2U ? 0x2000 : 1024)); /* [12:10]: a source */
        break;
    case 4:
        if ((ich->hcr & (1U << 14)) != 0U) {
            ash_vgic_dir(&m.vgic, vcpu, (uint32_t)test_rng_next(&rng));
            machine_exit(&m, vcpu);
        } else {
            fake_ich_dir(ich, (uint32_t)(below(140) | (m.version == 2U ? below(8) << 10 : 0U)));
        }
        break;
    default:
        fake_ich_set_eoimode(ich, below(4) == 0U);
        fake_ich_set_pmr(ich, (uint8_t)(below(2) != 0U ? 0xF0U : test_rng_next(&rng)));
        break;
    }
}

static void device(void)
{
    uint32_t vcpu = (uint32_t)below(m.vcpu_count + 1U);
    uint32_t intid = (uint32_t)below(140);
    int error;

    switch (below(3)) {
    case 0:
        error = ash_vgic_set_level(&m.vgic, vcpu, intid, below(2) != 0U);
        break;
    case 1:
        error = ash_vgic_pulse(&m.vgic, vcpu, intid);
        break;
    default:
        vcpu = (uint32_t)below(m.vcpu_count);
        error = ASH_OK;
        if (below(2) != 0U && !m.ppi_active[vcpu][27]) {
            m.ppi_active[vcpu][27] = true;
            error = ash_vgic_inject_hw(&m.vgic, vcpu, 27);
        } else if (!m.spi_active[90]) {
            m.spi_active[90] = true;
            error = ash_vgic_inject_hw(&m.vgic, 0, 50);
        }
        break;
    }
    bool wrong = vcpu >= m.vcpu_count || intid < 16U || intid >= 128U;
    assert_true(error == ASH_OK || wrong);
}

static void life_cycle(uint32_t vcpu)
{
    machine_put(&m, vcpu);
    if (below(3) == 0U) {
        ash_vgic_vcpu_offline(&m.vgic, vcpu);
        ash_vgic_vcpu_reset(&m.vgic, vcpu);
        m.vcpu[vcpu].lrs.vmcr |= 3U;
    }
    (void)ash_vgic_has_deliverable(&m.vcpu[vcpu]);
    machine_load(&m, vcpu);
}

static void step(void)
{
    uint32_t vcpu = (uint32_t)below(m.vcpu_count);

    switch (below(16)) {
    case 0:
        ash_vgic_sgi(&m.vgic, vcpu, some_value(), (enum ash_vgic_sgi_register)below(3));
        break;
    case 1:
    case 2:
        device();
        break;
    case 3:
        if (below(20) == 0U) {
            life_cycle(vcpu);
        }
        break;
    case 4:
    case 5:
    case 6:
    case 7:
    case 8:
        guest_interface(vcpu);
        break;
    default:
        if (m.version == 2U) {
            access_v2(vcpu);
        } else {
            access(vcpu);
        }
        break;
    }
}

/* Whatever was done before: a VM reset makes the machine work again. */
static void the_machine_still_works(void)
{
    for (uint32_t n = 0; n < m.vcpu_count; n++) {
        machine_put(&m, n);
    }
    ash_vgic_reset(&m.vgic);
    assert_false(m.ppi_active[0][27]);
    assert_false(m.spi_active[90]);
    machine_load(&m, 0);
    fake_ich_set_pmr(&m.ich[0], 0xF0);
    fake_ich_set_igrpen(&m.ich[0], 0, true);
    fake_ich_set_igrpen(&m.ich[0], 1, true);
    dist_write(&m, 0, GICD_CTLR, 4, 3);
    if (m.version == 2U) {
        dist_write(&m, 0, GICD_ITARGETSR + 100U, 1, 1);
    }
    set_level(&m, 0, 100, false);
    set_bit(&m, 0, GICD_ISENABLER, 100);
    set_level(&m, 0, 100, true);
    assert_int_equal(iar(&m, 0), 100);
}

static void attack(void)
{
    for (uint32_t n = 0; n < m.vcpu_count; n++) {
        assert_int_equal(ash_vgic_connect_hw(&m.vgic, n, 27, 27), ASH_OK);
    }
    assert_int_equal(ash_vgic_connect_hw(&m.vgic, 0, 50, 90), ASH_OK);
    for (unsigned i = 0; i < OPERATIONS; i++) {
        step();
        if (below(2) != 0U) {
            machine_settle(&m); /* else kicks and maintenance interrupts are late */
        }
    }
    the_machine_still_works();
}

static void a_hostile_guest_reaches_nothing_but_itself(void **state)
{
    (void)state;
    static const struct machine_config configs[] = {{3, 96, 4, 5, 5, false, NULL, false},
                                                    {2, 96, 1, 8, 7, true, NULL, false},
                                                    {8, 96, 16, 4, 4, true, NULL, false}};

    (void)test_rng_init(&rng, "hostile_test");
    for (size_t c = 0; c < 3U; c++) {
        machine_init_as(&m, &configs[c]);
        attack();
    }
}

/* List registers of a GICH, of an ICH, none; one CPU (no targets), some, all eight. */
static void a_hostile_guest_of_a_gicv2_reaches_nothing_but_itself(void **state)
{
    (void)state;
    static const struct {
        struct machine_config config;
        enum machine_way way;
    } configs[] = {
        {{3, 96, 4, 5, 5, false, NULL, false}, MACHINE_GICH},
        {{8, 96, 1, 5, 5, true, NULL, false}, MACHINE_GICH},
        {{1, 96, 2, 5, 5, false, NULL, true}, MACHINE_GICH},
        {{2, 96, 1, 8, 7, true, NULL, false}, MACHINE_ICH},
        {{8, 96, 16, 5, 5, false, NULL, true}, MACHINE_ICH},
        {{3, 96, 0, 5, 5, false, NULL, false}, MACHINE_SOFT},
        {{8, 96, 0, 8, 7, false, NULL, false}, MACHINE_SOFT},
        {{1, 96, 0, 4, 4, false, NULL, true}, MACHINE_SOFT},
    };

    (void)test_rng_init(&rng, "hostile_test");
    for (size_t c = 0; c < 8U; c++) {
        machine_init_v2(&m, &configs[c].config, configs[c].way);
        attack();
    }
}

static void arguments_outside_their_range_are_refused(void **state)
{
    (void)state;
    uint64_t value = 0;

    machine_init(&m);
    assert_int_equal(ash_vgic_dist_access(&m.vgic, 0, 0x10000, 4, false, &value), ASH_ERANGE);
    assert_int_equal(ash_vgic_dist_access(&m.vgic, 0, UINT64_MAX, 1, true, &value), ASH_ERANGE);
    assert_int_equal(ash_vgic_redist_access(&m.vgic, 0, 0x40000, 4, false, &value), ASH_ERANGE);
    assert_int_equal(ash_vgic_redist_access(&m.vgic, 0, UINT64_MAX, 1, true, &value), ASH_ERANGE);
    assert_int_equal(ash_vgic_dist_access(&m.vgic, 2, 0, 4, false, &value), ASH_EINVAL);
    assert_int_equal(ash_vgic_redist_access(&m.vgic, UINT32_MAX, 0, 4, false, &value), ASH_EINVAL);
    static const unsigned sizes[] = {0, 3, 5, 6, 7, 9, 16, 0x80000004U};
    for (size_t i = 0; i < 8U; i++) {
        assert_int_equal(ash_vgic_dist_access(&m.vgic, 0, 0, sizes[i], false, &value), ASH_EINVAL);
        assert_int_equal(ash_vgic_redist_access(&m.vgic, 0, 0, sizes[i], true, &value), ASH_EINVAL);
    }
    ash_vgic_vcpu_reset(&m.vgic, 2);
    ash_vgic_vcpu_offline(&m.vgic, UINT32_MAX);
    assert_int_equal(ash_vgic_set_level(&m.vgic, 2, 40, true), ASH_EINVAL);
    assert_int_equal(ash_vgic_set_level(&m.vgic, 0, 15, true), ASH_EINVAL);
    assert_int_equal(ash_vgic_pulse(&m.vgic, 0, 128), ASH_ENOENT);
    assert_int_equal(m.kicks, 0);

    static const struct machine_config v2 = {8, 96, 4, 5, 5, false, NULL, false};
    machine_init_v2(&m, &v2, MACHINE_GICH);
    m.kicks = 0;
    assert_int_equal(ash_vgic_dist_access(&m.vgic, 7, 0x1000, 4, false, &value), ASH_ERANGE);
    assert_int_equal(ash_vgic_dist_access(&m.vgic, 7, UINT64_MAX, 1, true, &value), ASH_ERANGE);
    assert_int_equal(ash_vgic_redist_access(&m.vgic, 7, 0, 4, false, &value), ASH_ERANGE);
    assert_int_equal(ash_vgic_dist_access(&m.vgic, 8, 0, 4, true, &value), ASH_EINVAL);
    assert_int_equal(ash_vgic_dist_access(&m.vgic, 7, 0, 3, false, &value), ASH_EINVAL);
    ash_vgic_sgi(&m.vgic, 0, UINT64_C(1) << 40, ASH_VGIC_SGI1R); /* a GICv2 has no such register */
    ash_vgic_sgi(&m.vgic, 8, 0xFF, ASH_VGIC_SGI0R);
    ash_vgic_dir(&m.vgic, 8, 40);
    ash_vgic_dir(&m.vgic, 7, UINT32_MAX);
    assert_int_equal(m.kicks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hostile_guest_reaches_nothing_but_itself),
        cmocka_unit_test(a_hostile_guest_of_a_gicv2_reaches_nothing_but_itself),
        cmocka_unit_test(arguments_outside_their_range_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
