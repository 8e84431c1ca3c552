/* SPDX-License-Identifier: BSD-2-Clause */
/* What ash_vgic_init() takes and refuses, and what the resets leave. */
#include <string.h>

#include "machine.h"

static struct ash_vgic vgic;
static struct ash_vgic_vcpu vcpu[3];
static struct ash_vgic_vcpu *vcpus[3] = {&vcpu[0], &vcpu[1], &vcpu[2]};
static struct ash_vgic_irq spis[988];

static void kick(void *ctx, uint32_t n)
{
    (void)ctx;
    (void)n;
    fail_msg("init must not kick");
}

static void hw_deactivate(void *ctx, uint32_t n, uint32_t pintid)
{
    (void)ctx;
    (void)n;
    (void)pintid;
    fail_msg("init must not deactivate");
}

static const struct ash_vgic_hal good_hal = {sizeof(good_hal), kick, hw_deactivate};

static struct ash_vgic_config good(void)
{
    struct ash_vgic_config c = {
        .size = sizeof(c),
        .version = 3,
        .vcpu_count = 3,
        .spi_count = 64,
        .lr_count = 4,
        .priority_bits = 5,
        .preemption_bits = 5,
        .vcpus = vcpus,
        .spis = spis,
    };
    return c;
}

static int try_config(const struct ash_vgic_config *c)
{
    return ash_vgic_init(&vgic, c, &good_hal, NULL);
}

static void every_bad_number_is_refused(void **state)
{
    (void)state;
    static const struct {
        size_t offset;
        unsigned value;
        int error;
    } cases[] = {
        {offsetof(struct ash_vgic_config, version), 1, ASH_EINVAL},
        {offsetof(struct ash_vgic_config, version), 4, ASH_EINVAL},
        {offsetof(struct ash_vgic_config, version), 0, ASH_EINVAL},
        {offsetof(struct ash_vgic_config, vcpu_count), 0, ASH_EINVAL},
        {offsetof(struct ash_vgic_config, vcpu_count), 513, ASH_EINVAL},
        {offsetof(struct ash_vgic_config, spi_count), 33, ASH_EINVAL},
        {offsetof(struct ash_vgic_config, spi_count), 992, ASH_EINVAL},
        {offsetof(struct ash_vgic_config, spi_count), 0xFFFFFFE0U, ASH_EINVAL},
        {offsetof(struct ash_vgic_config, lr_count), 0, ASH_ENOTSUP},
        {offsetof(struct ash_vgic_config, lr_count), 17, ASH_EINVAL},
        {offsetof(struct ash_vgic_config, priority_bits), 3, ASH_EINVAL},
        {offsetof(struct ash_vgic_config, priority_bits), 9, ASH_EINVAL},
        {offsetof(struct ash_vgic_config, preemption_bits), 3, ASH_EINVAL},
        {offsetof(struct ash_vgic_config, preemption_bits), 6, ASH_EINVAL}, /* more than priority bits */
        {offsetof(struct ash_vgic_config, preemption_bits), 8, ASH_EINVAL},
    };

    struct ash_vgic_config c = good();
    assert_int_equal(try_config(&c), ASH_OK);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        c = good();
        *(unsigned *)(void *)((char *)&c + cases[i].offset) = cases[i].value;
        if (try_config(&c) != cases[i].error) {
            fail_msg("case %zu: not %d", i, cases[i].error);
        }
    }
}

static void missing_parts_are_refused(void **state)
{
    (void)state;
    struct ash_vgic_config c = good();
    struct ash_vgic_hal hal = good_hal;
    static struct ash_vgic_vcpu *hole[3] = {&vcpu[0], NULL, &vcpu[2]};
    static struct ash_vgic_vcpu *twice[3] = {&vcpu[0], &vcpu[1], &vcpu[0]};
    static const uint32_t equal[3] = {0, 5, 5};

    assert_int_equal(ash_vgic_init(NULL, &c, &good_hal, NULL), ASH_EINVAL);
    assert_int_equal(ash_vgic_init(&vgic, NULL, &good_hal, NULL), ASH_EINVAL);
    assert_int_equal(ash_vgic_init(&vgic, &c, NULL, NULL), ASH_EINVAL);
    hal.size--;
    assert_int_equal(ash_vgic_init(&vgic, &c, &hal, NULL), ASH_EINVAL);
    hal = good_hal;
    hal.kick = NULL;
    assert_int_equal(ash_vgic_init(&vgic, &c, &hal, NULL), ASH_EINVAL);
    hal = good_hal;
    hal.hw_deactivate = NULL;
    assert_int_equal(ash_vgic_init(&vgic, &c, &hal, NULL), ASH_EINVAL);
    c.size++;
    assert_int_equal(try_config(&c), ASH_EINVAL);
    c = good();
    c.vcpus = NULL;
    assert_int_equal(try_config(&c), ASH_EINVAL);
    c.vcpus = hole;
    assert_int_equal(try_config(&c), ASH_EINVAL);
    c.vcpus = twice;
    assert_int_equal(try_config(&c), ASH_EINVAL);
    c = good();
    c.spis = NULL;
    assert_int_equal(try_config(&c), ASH_EINVAL);
    c.spi_count = 0;
    assert_int_equal(try_config(&c), ASH_OK);
    c = good();
    c.affinity = equal;
    assert_int_equal(try_config(&c), ASH_EINVAL);
    hole[0] = NULL;
    hole[1] = &vcpu[1];
    c = good();
    c.vcpus = hole;
    assert_int_equal(try_config(&c), ASH_EINVAL);
}

static void a_gicv2_has_eight_vcpus_and_no_affinities(void **state)
{
    (void)state;
    static struct ash_vgic_vcpu many[9];
    static struct ash_vgic_vcpu *nine[9];
    static const uint32_t different[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    struct ash_vgic_config c = good();

    for (uint32_t n = 0; n < 9U; n++) {
        nine[n] = &many[n];
    }
    c.version = 2;
    c.vcpus = nine;
    c.vcpu_count = 8;
    assert_int_equal(try_config(&c), ASH_OK);
    c.affinity = different;
    assert_int_equal(try_config(&c), ASH_EINVAL);
    c.affinity = NULL;
    c.vcpu_count = 9;
    assert_int_equal(try_config(&c), ASH_EINVAL);
}

static void the_bounds_themselves_are_taken_whatever_the_memory_held(void **state)
{
    (void)state;
    struct ash_vgic_config c = good();

    memset(&vgic, 0xA5, sizeof(vgic));
    memset(vcpu, 0xA5, sizeof(vcpu));
    memset(spis, 0xA5, sizeof(spis));
    c.spi_count = 960;
    c.priority_bits = 8;
    c.preemption_bits = 8;
    assert_int_equal(try_config(&c), ASH_EINVAL);
    c.preemption_bits = 7;
    assert_int_equal(try_config(&c), ASH_OK);
    for (uint32_t n = 0; n < 960U; n++) {
        assert_int_equal(spis[n].state & ~(UINT32_C(0x10)), 0); /* Group 1 alone */
        assert_int_equal(spis[n].priority, 0);
    }
}

static void the_largest_distributor_reaches_intid_1019_and_no_further(void **state)
{
    (void)state;
    struct ash_vgic_config c = good();
    uint64_t value;

    c.spi_count = 988;
    assert_int_equal(try_config(&c), ASH_OK);
    assert_int_equal(ash_vgic_dist_access(&vgic, 0, GICD_TYPER, 4, false, &value), ASH_OK);
    assert_int_equal(value & 0x1F, 31);
    assert_int_equal(ash_vgic_connect_hw(&vgic, 0, 1019, 1019), ASH_OK);
    assert_int_equal(ash_vgic_connect_hw(&vgic, 0, 1020, 40), ASH_ENOENT);
    assert_int_equal(ash_vgic_connect_hw(&vgic, 0, UINT32_MAX, 40), ASH_ENOENT);
    assert_int_equal(ash_vgic_connect_hw(&vgic, 0, 40, 1020), ASH_EINVAL);
}

static void a_reset_forgets_the_guest_and_keeps_the_machine(void **state)
{
    (void)state;
    static struct machine m;

    machine_init(&m);
    set_bit(&m, 0, GICD_ISENABLER, 40);
    set_priority(&m, 0, 40, 0x80);
    set_level(&m, 0, 40, true);
    assert_int_equal(ash_vgic_connect_hw(&m.vgic, 1, 27, 27), ASH_OK);
    redist_write(&m, 1, 1, GICR_SGI + GICD_ISENABLER, 4, 1U << 27);
    assert_true(fire_hw(&m, 1, 27, 27));
    assert_int_equal(iar(&m, 0), 40);
    machine_put(&m, 0);
    machine_put(&m, 1);
    ash_vgic_reset(&m.vgic);

    assert_false(is_phys_active(&m, 1, 27)); /* or the timer would be dead for the next guest */
    machine_load(&m, 0);
    assert_int_equal(dist_read(&m, 0, GICD_CTLR, 4) & 3U, 0);
    assert_int_equal(dist_read(&m, 0, GICD_ISENABLER + 4, 4), 0);
    assert_int_equal(dist_read(&m, 0, GICD_ISACTIVER + 4, 4), 0);
    assert_int_equal(dist_read(&m, 0, GICD_IPRIORITYR + 40, 1), 0);
    assert_true(get_bit(&m, 0, GICD_ISPENDR, 40)); /* the line is still high */
    assert_int_equal(m.ich[0].vmcr & 3U, 0);
    assert_int_equal(ash_vgic_inject_hw(&m.vgic, 1, 27), ASH_OK); /* the link is still there */
    m.ppi_active[1][27] = true;
}

static void starting_a_vcpu_resets_what_is_its_own_and_keeps_the_spis_it_had_active(void **state)
{
    (void)state;
    static struct machine m;

    machine_init(&m);
    set_bit(&m, 0, GICD_ISENABLER, 40);
    set_level(&m, 0, 40, true);
    set_bit(&m, 0, GICD_ISENABLER, 3);
    assert_int_equal(iar(&m, 0), 40);
    send_sgi(&m, 0, (UINT64_C(3) << 24) | 1U);
    machine_put(&m, 0);
    ash_vgic_vcpu_offline(&m.vgic, 0);
    ash_vgic_vcpu_reset(&m.vgic, 0);
    machine_load(&m, 0);
    assert_int_equal(redist_read(&m, 0, 0, GICR_SGI + GICD_ISENABLER, 4), 0);
    assert_int_equal(redist_read(&m, 0, 0, GICR_SGI + GICD_ISPENDR, 4), 0);
    assert_true(get_bit(&m, 0, GICD_ISENABLER, 40));
    assert_true(get_bit(&m, 0, GICD_ISACTIVER, 40));
    assert_int_equal(m.ich[0].apr1[0], 0);
    machine_check(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bad_number_is_refused),
        cmocka_unit_test(missing_parts_are_refused),
        cmocka_unit_test(a_gicv2_has_eight_vcpus_and_no_affinities),
        cmocka_unit_test(the_bounds_themselves_are_taken_whatever_the_memory_held),
        cmocka_unit_test(the_largest_distributor_reaches_intid_1019_and_no_further),
        cmocka_unit_test(a_reset_forgets_the_guest_and_keeps_the_machine),
        cmocka_unit_test(starting_a_vcpu_resets_what_is_its_own_and_keeps_the_spis_it_had_active),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
