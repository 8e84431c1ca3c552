/* SPDX-License-Identifier: BSD-2-Clause */
/* ICC_SGI1R_EL1, ICC_ASGI1R_EL1, ICC_SGI0R_EL1. */
#include "machine.h"

static struct machine m;

#define SGI(intid) ((uint64_t)(intid) << 24)
#define IRM        (UINT64_C(1) << 40)
#define AFF1(aff)  ((uint64_t)(aff) << 16)
#define AFF2(aff)  ((uint64_t)(aff) << 32)
#define AFF3(aff)  ((uint64_t)(aff) << 48)
#define RS(rs)     ((uint64_t)(rs) << 44)

static void start(uint32_t vcpus, const uint32_t *affinity)
{
    struct machine_config config = {vcpus, 32, 4, 5, 5, false, affinity, false};

    machine_init_as(&m, &config);
    for (uint32_t n = 0; n < vcpus; n++) {
        redist_write(&m, n, n, GICR_SGI + GICD_ISENABLER, 4, 0xFFFF);
    }
}

static void every_vcpu_reaches_every_vcpu_with_every_sgi(void **state)
{
    (void)state;
    start(8, NULL);
    for (uint32_t from = 0; from < 8U; from++) {
        for (uint32_t to = 0; to < 8U; to++) {
            for (uint32_t intid = 0; intid < 16U; intid++) {
                send_sgi(&m, from, SGI(intid) | 1U << to);
                for (uint32_t n = 0; n < 8U; n++) {
                    assert_int_equal(iar(&m, n), n == to ? intid : FAKE_ICH_SPURIOUS);
                }
                eoir(&m, to, intid);
            }
        }
    }
}

static void a_target_list_reaches_all_in_it_and_irm_all_but_the_sender(void **state)
{
    (void)state;
    start(8, NULL);
    send_sgi(&m, 3, SGI(5) | 0xA9);
    for (uint32_t n = 0; n < 8U; n++) {
        assert_int_equal(iar(&m, n), (0xA9U >> n & 1U) != 0U ? 5U : FAKE_ICH_SPURIOUS);
        eoir(&m, n, 5);
    }
    send_sgi(&m, 3, SGI(6) | IRM | 0xFFFF);
    for (uint32_t n = 0; n < 8U; n++) {
        assert_int_equal(iar(&m, n), n != 3U ? 6U : FAKE_ICH_SPURIOUS);
    }
}

static void sgis_go_by_affinity_and_range_selector(void **state)
{
    (void)state;
    static const uint32_t affinity[4] = {0x00000000, 0x00000102, 0x00030211, 0x04030211};

    start(4, affinity);
    static const struct {
        uint64_t value;
        uint32_t to; /* 4: nobody */
    } cases[] = {
        {1U << 0, 0},
        {AFF1(1) | 1U << 2, 1},
        {AFF2(3) | AFF1(2) | RS(1) | 1U << 1, 2},
        {AFF3(4) | AFF2(3) | AFF1(2) | RS(1) | 1U << 1, 3},
        {AFF2(3) | AFF1(2) | 1U << 1, 4}, /* range 0: Aff0 1 */
        {AFF1(1) | 1U << 1, 4},
        {AFF3(5) | 1U << 0, 4},
        {RS(15) | 0xFFFF, 4},
        {1U << 1, 4},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        send_sgi(&m, 0, SGI(9) | cases[i].value);
        for (uint32_t n = 0; n < 4U; n++) {
            assert_int_equal(iar(&m, n), n == cases[i].to ? 9U : FAKE_ICH_SPURIOUS);
            eoir(&m, n, 9);
        }
    }
}

static void the_secure_looking_registers_reach_group_0_only(void **state)
{
    (void)state;
    start(2, NULL);
    redist_write(&m, 1, 1, GICR_SGI + GICD_IGROUPR, 4, ~(UINT64_C(1) << 4)); /* SGI 4: Group 0 */
    ash_vgic_sgi(&m.vgic, 0, SGI(5) | 2U, ASH_VGIC_SGI0R);
    ash_vgic_sgi(&m.vgic, 0, SGI(5) | 2U, ASH_VGIC_ASGI1R);
    machine_settle(&m);
    assert_int_equal(iar(&m, 1), FAKE_ICH_SPURIOUS);
    ash_vgic_sgi(&m.vgic, 0, SGI(4) | 2U, ASH_VGIC_SGI0R);
    machine_settle(&m);
    assert_int_equal(fake_ich_iar(&m.ich[1], 0), 4);
    fake_ich_eoir(&m.ich[1], 0, 4);
    ash_vgic_sgi(&m.vgic, 0, SGI(4) | 2U, ASH_VGIC_ASGI1R);
    machine_settle(&m);
    assert_int_equal(fake_ich_iar(&m.ich[1], 0), 4);
    fake_ich_eoir(&m.ich[1], 0, 4);
    send_sgi(&m, 0, SGI(4) | 2U); /* one security state: SGI1R reaches either group */
    assert_int_equal(fake_ich_iar(&m.ich[1], 0), 4);
}

static void an_sgi_sent_twice_is_one_and_one_sent_in_its_handler_another(void **state)
{
    (void)state;
    start(2, NULL);
    send_sgi(&m, 0, SGI(1) | 2U);
    send_sgi(&m, 0, SGI(1) | 2U);
    assert_int_equal(iar(&m, 1), 1);
    send_sgi(&m, 0, SGI(1) | 2U);
    eoir(&m, 1, 1);
    assert_int_equal(iar(&m, 1), 1);
    eoir(&m, 1, 1);
    assert_int_equal(iar(&m, 1), FAKE_ICH_SPURIOUS);
}

static void an_sgi_to_a_vcpu_that_is_off_waits_for_nobody_and_hurts_nobody(void **state)
{
    (void)state;
    static const struct machine_config config = {3, 32, 4, 5, 5, false, NULL, false};

    machine_init_cold(&m, &config);
    dist_write(&m, 0, GICD_CTLR, 4, 2);
    send_sgi(&m, 0, SGI(1) | 6U);
    ash_vgic_sgi(&m.vgic, 77, SGI(1) | 6U, ASH_VGIC_SGI1R); /* no such sender */
    ash_vgic_vcpu_reset(&m.vgic, 2);
    machine_load(&m, 2);
    redist_write(&m, 2, 2, GICR_SGI + GICD_ISENABLER, 4, 2);
    fake_ich_set_pmr(&m.ich[2], 0xF0);
    fake_ich_set_igrpen(&m.ich[2], 1, true);
    assert_int_equal(iar(&m, 2), FAKE_ICH_SPURIOUS); /* the start reset it */
}

static void sgis_can_be_made_pending_by_register(void **state)
{
    (void)state;
    start(2, NULL);
    redist_write(&m, 0, 1, GICR_SGI + GICD_ISPENDR, 4, 1U << 7);
    assert_int_equal(iar(&m, 1), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vcpu_reaches_every_vcpu_with_every_sgi),
        cmocka_unit_test(a_target_list_reaches_all_in_it_and_irm_all_but_the_sender),
        cmocka_unit_test(sgis_go_by_affinity_and_range_selector),
        cmocka_unit_test(the_secure_looking_registers_reach_group_0_only),
        cmocka_unit_test(an_sgi_sent_twice_is_one_and_one_sent_in_its_handler_another),
        cmocka_unit_test(an_sgi_to_a_vcpu_that_is_off_waits_for_nobody_and_hurts_nobody),
        cmocka_unit_test(sgis_can_be_made_pending_by_register),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
