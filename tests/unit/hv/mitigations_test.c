/* SPDX-License-Identifier: BSD-2-Clause */
/* Which workarounds a CPU needs, what the firmware is asked, and which errata are whose. */
#include <testkit/cmocka.h>

#include <string.h>

#include <arch/aarch64/errata.h>
#include <arch/aarch64/mitigations.h>
#include <arch/aarch64/platform.h>

#define CORTEX_A53 UINT64_C(0x410fd034) /* r0p4 */
#define CORTEX_A72 UINT64_C(0x410fd083) /* r0p3 */
#define CORTEX_A76 UINT64_C(0x414fd0b1) /* r4p1 */

#define NOT_SUPPORTED ASH_VCPU_WORKAROUND_NOT_SUPPORTED
#define NOT_NEEDED    ASH_VCPU_WORKAROUND_NOT_NEEDED
#define NEEDED        ASH_VCPU_WORKAROUND_NEEDED

struct hv_platform hv_platform;

/* A firmware as PSCI and SMCCC describe it (DEN0022 5, DEN0028 7). */
static struct {
    int64_t psci;        /* PSCI_VERSION */
    int64_t has_smccc;   /* PSCI_FEATURES of SMCCC_VERSION */
    int64_t smccc;       /* SMCCC_VERSION */
    int64_t features[3]; /* ARCH_FEATURES of WORKAROUND_1, 2, 3 */
    unsigned calls;
    unsigned too_early; /* what is not to be asked of such a firmware */
} firmware;

int64_t hv_smc(uint64_t function, uint64_t a, uint64_t b, uint64_t c)
{
    (void)b;
    (void)c;
    firmware.calls++;
    switch (function) {
    case 0x84000000:
        return firmware.psci;
    case 0x8400000a:
        firmware.too_early += firmware.psci < 0x10000 ? 1U : 0U;
        return a == 0x80000000U ? firmware.has_smccc : -1;
    case 0x80000000:
        firmware.too_early += firmware.has_smccc < 0 ? 1U : 0U;
        return firmware.smccc;
    case 0x80000001:
        firmware.too_early += firmware.smccc < 0x10001 ? 1U : 0U;
        switch (a) {
        case 0x80008000:
            return firmware.features[0];
        case 0x80007fff:
            return firmware.features[1];
        case 0x80003fff:
            return firmware.features[2];
        default:
            return -1;
        }
    default:
        fail_msg("function 0x%lx", (unsigned long)function);
        return -1;
    }
}

/** A firmware with all of it, and workarounds that are there and needed. */
static int set_up(void **state)
{
    (void)state;
    memset(&firmware, 0, sizeof(firmware));
    firmware.psci = 0x10001;
    firmware.smccc = 0x10002;
    hv_platform.has_psci = true;
    return 0;
}

/** @csv2: ID_AA64PFR0_EL1.CSV2; @ssbs: ID_AA64PFR1_EL1.SSBS. */
static void expect(uint64_t midr, uint64_t csv2, uint64_t ssbs, enum ash_vcpu_workaround first,
                   enum ash_vcpu_workaround second, enum ash_vcpu_workaround third)
{
    enum ash_vcpu_workaround got[3];
    struct ash_vcpu_id id = {.revidr_el1 = 0};

    id.reg[ASH_VCPU_ID_AA64PFR0] = csv2 << 56;
    id.reg[ASH_VCPU_ID_AA64PFR1] = ssbs << 4;
    hv_mitigations(midr, &id, got);
    assert_int_equal(got[0], first);
    assert_int_equal(got[1], second);
    assert_int_equal(got[2], third);
    assert_int_equal(firmware.too_early, 0);
}

static void an_in_order_core_needs_nothing_whatever_the_firmware_says(void **state)
{
    (void)state;
    expect(CORTEX_A53, 0, 0, NOT_NEEDED, NOT_NEEDED, NOT_NEEDED);
    hv_platform.has_psci = false;
    expect(CORTEX_A53, 0, 0, NOT_NEEDED, NOT_NEEDED, NOT_NEEDED);
}

static void the_firmware_says_what_another_core_needs(void **state)
{
    (void)state;
    expect(CORTEX_A72, 0, 0, NEEDED, NEEDED, NEEDED);
    firmware.features[0] = 1;
    firmware.features[1] = -1;
    expect(CORTEX_A72, 0, 0, NOT_NEEDED, NOT_SUPPORTED, NEEDED);
    firmware.features[1] = UINT32_MAX; /* NOT_SUPPORTED in W0: X0's upper half is anything */
    firmware.features[2] = -2;
    expect(CORTEX_A72, 0, 0, NOT_NEEDED, NOT_SUPPORTED, NOT_SUPPORTED);
}

static void what_a_core_has_by_design_is_not_needed(void **state)
{
    (void)state;
    expect(CORTEX_A76, 1, 0, NOT_NEEDED, NEEDED, NEEDED);
    expect(CORTEX_A76, 2, 1, NOT_NEEDED, NOT_NEEDED, NEEDED);
    expect(CORTEX_A76, 3, 2, NOT_NEEDED, NOT_NEEDED, NOT_NEEDED);
}

static void a_firmware_is_asked_only_what_it_can_answer(void **state)
{
    (void)state;
    firmware.smccc = 0x10000;
    expect(CORTEX_A72, 0, 0, NOT_SUPPORTED, NOT_SUPPORTED, NOT_SUPPORTED);
    firmware.smccc = -1;
    expect(CORTEX_A72, 0, 0, NOT_SUPPORTED, NOT_SUPPORTED, NOT_SUPPORTED);
    firmware.has_smccc = -1;
    expect(CORTEX_A72, 0, 0, NOT_SUPPORTED, NOT_SUPPORTED, NOT_SUPPORTED);
    firmware.psci = 2;
    expect(CORTEX_A72, 0, 0, NOT_SUPPORTED, NOT_SUPPORTED, NOT_SUPPORTED);
    firmware.calls = 0;
    hv_platform.has_psci = false;
    expect(CORTEX_A72, 0, 0, NOT_SUPPORTED, NOT_SUPPORTED, NOT_SUPPORTED);
    assert_int_equal(firmware.calls, 0);
}

static void between_vms_the_wider_workaround_is_called(void **state)
{
    static const struct {
        enum ash_vcpu_workaround workaround[3];
        uint32_t function;
    } cases[] = {
        {{NOT_NEEDED, NOT_NEEDED, NOT_NEEDED}, 0},      {{NOT_SUPPORTED, NOT_SUPPORTED, NOT_SUPPORTED}, 0},
        {{NOT_NEEDED, NEEDED, NOT_NEEDED}, 0}, /* 2 is of one Exception level, by its own leave */
        {{NEEDED, NEEDED, NOT_SUPPORTED}, 0x80008000},  {{NEEDED, NOT_NEEDED, NEEDED}, 0x80003fff},
        {{NOT_NEEDED, NOT_NEEDED, NEEDED}, 0x80003fff},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(hv_mitigation_between_vms(cases[i].workaround), cases[i].function);
    }
}

static void an_erratum_is_of_its_revisions_alone(void **state)
{
    (void)state;
    assert_true(hv_errata_has(CORTEX_A72, 1319367));
    assert_true(hv_errata_has(0x411fd080, 1319367));  /* r1p0 */
    assert_false(hv_errata_has(0x411fd081, 1319367)); /* r1p1 */
    assert_false(hv_errata_has(CORTEX_A53, 1319367));
    assert_false(hv_errata_has(0x510fd083, 1319367)); /* another maker's part of that number */
    assert_true(hv_errata_has(CORTEX_A53, 855873));
    assert_false(hv_errata_has(0x410fd032, 855873)); /* r0p2 */
    assert_true(hv_errata_has(0x410fd032, 827319));
    assert_false(hv_errata_has(CORTEX_A53, 827319));
}

static void count(void *arg, const struct hv_erratum *erratum)
{
    unsigned *seen = (unsigned *)arg;

    assert_true(hv_errata_has(CORTEX_A53, erratum->number));
    (*seen)++;
}

static void a_visit_names_each_erratum_of_the_cpu(void **state)
{
    unsigned seen = 0;

    (void)state;
    hv_errata_visit(CORTEX_A53, count, &seen);
    assert_int_equal(seen, 3); /* 835769, 843419, 855873 */
    hv_errata_visit(CORTEX_A76, count, &seen);
    assert_int_equal(seen, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_in_order_core_needs_nothing_whatever_the_firmware_says, set_up),
        cmocka_unit_test_setup(the_firmware_says_what_another_core_needs, set_up),
        cmocka_unit_test_setup(what_a_core_has_by_design_is_not_needed, set_up),
        cmocka_unit_test_setup(a_firmware_is_asked_only_what_it_can_answer, set_up),
        cmocka_unit_test_setup(between_vms_the_wider_workaround_is_called, set_up),
        cmocka_unit_test(an_erratum_is_of_its_revisions_alone),
        cmocka_unit_test(a_visit_names_each_erratum_of_the_cpu),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
