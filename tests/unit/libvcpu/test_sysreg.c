/* SPDX-License-Identifier: BSD-2-Clause */
#include <testkit/cmocka.h>

#include <string.h>

#include <libvcpu/sysreg.h>

/* ISS of a trapped MSR or MRS as the manual draws it. */
static uint64_t trap(unsigned op0, unsigned op1, unsigned crn, unsigned crm, unsigned op2, unsigned rt,
                     bool read)
{
    return UINT64_C(0x18) << 26 | UINT64_C(1) << 25 | (uint64_t)op0 << 20 | (uint64_t)op2 << 17 |
           (uint64_t)op1 << 14 | (uint64_t)crn << 10 | (uint64_t)rt << 5 | (uint64_t)crm << 1 |
           (uint64_t)read;
}

static uint64_t trap_of_key(unsigned key, unsigned rt, bool read)
{
    return trap(key >> 14, (key >> 11) & 7U, (key >> 7) & 15U, (key >> 3) & 15U, key & 7U, rt, read);
}

static void the_table_is_strictly_ascending_and_well_formed(void **state)
{
    size_t count;
    const struct ash_vcpu_sysreg *table = ash_vcpu_sysreg_table(&count);

    (void)state;
    assert_true(count > 90);
    for (size_t i = 0; i < count; i++) {
        assert_true(i == 0 || table[i - 1].encoding < table[i].encoding);
        assert_non_null(table[i].name);
        assert_int_not_equal(table[i].kind, ASH_VCPU_SYSREG_UNDEF);
        assert_true(table[i].access >= ASH_VCPU_SYSREG_R && table[i].access <= ASH_VCPU_SYSREG_RW);
        assert_true(table[i].kind != ASH_VCPU_SYSREG_ID || table[i].index < ASH_VCPU_ID_COUNT);
        assert_true(table[i].kind != ASH_VCPU_SYSREG_VM || table[i].value < sizeof(struct ash_vcpu_sys));
    }
}

static void every_encoding_is_an_entry_or_undefined(void **state)
{
    size_t count;
    size_t found = 0;
    const struct ash_vcpu_sysreg *table = ash_vcpu_sysreg_table(&count);

    (void)state;
    for (unsigned key = 0; key < 0x10000; key++) {
        const struct ash_vcpu_sysreg *reg = ash_vcpu_sysreg_find((uint16_t)key);

        assert_non_null(reg);
        if (reg->kind != ASH_VCPU_SYSREG_UNDEF) {
            assert_int_equal(reg->encoding, key);
            assert_ptr_equal(reg, &table[found]);
            found++;
        } else {
            assert_int_equal(reg->access, 0);
        }
    }
    assert_int_equal(found, count);
}

static void the_key_is_that_of_the_iss(void **state)
{
    (void)state;
    for (unsigned key = 0; key < 0x10000; key++) {
        assert_int_equal(ash_vcpu_sysreg_encoding(trap_of_key(key, 31, true)), key);
        assert_int_equal(ash_vcpu_sysreg_encoding(trap_of_key(key, 0, false) | ~UINT64_C(0xffffffff)), key);
    }
}

static void every_trap_is_answered_and_only_reads_change_a_register(void **state)
{
    struct ash_vcpu_id id;

    (void)state;
    memset(&id, 0x11, sizeof(id));
    for (unsigned key = 0; key < 0x10000; key++) {
        for (unsigned read = 0; read < 2; read++) {
            struct ash_vcpu_sysreg_access access;
            struct ash_vcpu_context ctx;
            struct ash_vcpu_context before;
            int result;

            memset(&ctx, 0x77, sizeof(ctx));
            before = ctx;
            ash_vcpu_sysreg_decode(trap_of_key(key, 9, read != 0), &access);
            assert_int_equal(access.rt, 9);
            assert_int_equal(access.read, read);
            result = ash_vcpu_sysreg_emulate(&ctx, &id, &access);
            assert_int_equal(result == ASH_EGUEST, access.reg->kind == ASH_VCPU_SYSREG_UNDEF);
            if (read != 0 && result == ASH_OK) {
                ctx.x[9] = before.x[9];
            }
            assert_memory_equal(&ctx, &before, sizeof(ctx));
        }
    }
}

/* What Linux 6.1 touches while it boots, and what must not be there; encodings from DDI 0487 D17, C5. */
struct known {
    uint8_t op0, op1, crn, crm, op2;
    uint8_t kind_read, kind_write; /* enum ash_vcpu_sysreg_kind */
    const char *name;
};

#define U ASH_VCPU_SYSREG_UNDEF

static const struct known known[] = {
    {3, 0, 0, 4, 0, ASH_VCPU_SYSREG_ID, U, "ID_AA64PFR0_EL1"},
    {3, 0, 0, 4, 4, ASH_VCPU_SYSREG_ID, U, "ID_AA64ZFR0_EL1"},
    {3, 0, 0, 5, 0, ASH_VCPU_SYSREG_ID, U, "ID_AA64DFR0_EL1"},
    {3, 0, 0, 6, 2, ASH_VCPU_SYSREG_ID, U, "ID_AA64ISAR2_EL1"},
    {3, 0, 0, 7, 2, ASH_VCPU_SYSREG_ID, U, "ID_AA64MMFR2_EL1"},
    {3, 0, 0, 7, 7, ASH_VCPU_SYSREG_ID, U, "ID_RESERVED"},
    {3, 0, 0, 1, 0, ASH_VCPU_SYSREG_ID, U, "ID_PFR0_EL1"},
    {3, 0, 0, 2, 6, ASH_VCPU_SYSREG_ID, U, "ID_MMFR4_EL1"},
    {3, 0, 0, 3, 6, ASH_VCPU_SYSREG_ID, U, "ID_MMFR5_EL1"},
    {3, 0, 0, 3, 0, ASH_VCPU_SYSREG_ID, U, "MVFR0_EL1"},
    {3, 0, 0, 0, 6, ASH_VCPU_SYSREG_REVIDR, U, "REVIDR_EL1"},
    {3, 1, 0, 0, 7, ASH_VCPU_SYSREG_AIDR, U, "AIDR_EL1"},
    {3, 0, 1, 0, 1, ASH_VCPU_SYSREG_ACTLR, ASH_VCPU_SYSREG_ACTLR, "ACTLR_EL1"},
    {3, 0, 12, 11, 5, U, ASH_VCPU_SYSREG_SGI1R, "ICC_SGI1R_EL1"},
    {3, 0, 12, 11, 6, U, ASH_VCPU_SYSREG_ASGI1R, "ICC_ASGI1R_EL1"},
    {3, 0, 12, 11, 7, U, ASH_VCPU_SYSREG_SGI0R, "ICC_SGI0R_EL1"},
    {2, 0, 0, 2, 2, ASH_VCPU_SYSREG_CONST, ASH_VCPU_SYSREG_CONST, "MDSCR_EL1"},
    {2, 0, 1, 0, 4, U, ASH_VCPU_SYSREG_CONST, "OSLAR_EL1"},
    {2, 0, 1, 1, 4, ASH_VCPU_SYSREG_CONST, U, "OSLSR_EL1"},
    {2, 0, 1, 3, 4, ASH_VCPU_SYSREG_CONST, ASH_VCPU_SYSREG_CONST, "OSDLR_EL1"},
    {2, 0, 0, 1, 4, ASH_VCPU_SYSREG_CONST, ASH_VCPU_SYSREG_CONST, "DBGBVR1_EL1"},
    {2, 0, 0, 1, 7, ASH_VCPU_SYSREG_CONST, ASH_VCPU_SYSREG_CONST, "DBGWCR1_EL1"},
    {2, 0, 0, 2, 4, U, U, "DBGBVR2_EL1"},
    {2, 0, 0, 15, 7, U, U, "DBGWCR15_EL1"},
    {2, 3, 0, 1, 0, ASH_VCPU_SYSREG_CONST, U, "MDCCSR_EL0"},
    {3, 3, 9, 12, 0, U, U, "PMCR_EL0"},
    {3, 3, 9, 14, 0, U, U, "PMUSERENR_EL0"},
    {3, 3, 14, 15, 7, U, U, "PMCCFILTR_EL0"},
    {3, 0, 9, 14, 1, U, U, "PMINTENSET_EL1"},
    {3, 0, 9, 9, 0, U, U, "PMSCR_EL1"},
    {3, 0, 9, 11, 0, U, U, "TRBLIMITR_EL1"},
    {3, 0, 1, 2, 1, U, U, "TRFCR_EL1"},
    {2, 1, 0, 0, 2, U, U, "TRCITCTRL"},
    {3, 0, 1, 2, 0, U, U, "ZCR_EL1"},
    {3, 0, 10, 4, 0, U, U, "LORSA_EL1"},
    {3, 0, 5, 3, 0, U, U, "ERRIDR_EL1"},
    {3, 3, 13, 2, 3, U, U, "AMUSERENR_EL0"},
    {3, 0, 10, 4, 4, U, U, "MPAMIDR_EL1"},
    {3, 1, 15, 2, 1, U, U, "CPUECTLR_EL1 of Cortex-A53"},
    {3, 1, 11, 0, 2, U, U, "L2CTLR_EL1"},
    {3, 7, 14, 2, 1, U, U, "CNTPS_CTL_EL1"},
    {3, 4, 1, 1, 0, U, U, "HCR_EL2"},
    {3, 3, 14, 0, 1, ASH_VCPU_SYSREG_TIMER, U, "CNTPCT_EL0"},
    {3, 3, 14, 2, 0, ASH_VCPU_SYSREG_TIMER, ASH_VCPU_SYSREG_TIMER, "CNTP_TVAL_EL0"},
    {3, 3, 14, 2, 1, ASH_VCPU_SYSREG_TIMER, ASH_VCPU_SYSREG_TIMER, "CNTP_CTL_EL0"},
    {3, 3, 14, 2, 2, ASH_VCPU_SYSREG_TIMER, ASH_VCPU_SYSREG_TIMER, "CNTP_CVAL_EL0"},
    {1, 0, 7, 6, 2, U, ASH_VCPU_SYSREG_SET_WAY, "DC ISW"},
    {1, 0, 7, 10, 2, U, ASH_VCPU_SYSREG_SET_WAY, "DC CSW"},
    {1, 0, 7, 14, 2, U, ASH_VCPU_SYSREG_SET_WAY, "DC CISW"},
    {1, 0, 7, 6, 4, U, U, "DC IGSW"},
    {3, 0, 1, 0, 0, ASH_VCPU_SYSREG_VM, ASH_VCPU_SYSREG_VM, "SCTLR_EL1"},
    {3, 0, 13, 0, 1, ASH_VCPU_SYSREG_VM, ASH_VCPU_SYSREG_VM, "CONTEXTIDR_EL1"},
    {3, 0, 12, 12, 5, U, U, "ICC_SRE_EL1"}, /* not trapped, so not here */
};

static void the_registers_that_a_guest_tries_are_what_the_manual_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < ASH_ARRAY_SIZE(known); i++) {
        const struct known *k = &known[i];
        struct ash_vcpu_sysreg_access access;

        ash_vcpu_sysreg_decode(trap(k->op0, k->op1, k->crn, k->crm, k->op2, 0, true), &access);
        if (access.reg->kind != k->kind_read) {
            fail_msg("read %s", k->name);
        }
        if (k->kind_read != U) {
            assert_string_equal(access.reg->name, k->name);
        }
        ash_vcpu_sysreg_decode(trap(k->op0, k->op1, k->crn, k->crm, k->op2, 0, false), &access);
        if (access.reg->kind != k->kind_write) {
            fail_msg("write %s", k->name);
        }
    }
}

/* What HCR_EL2.TVM traps (DDI 0487 D17.2), and where it is in the context. */
static void each_control_of_virtual_memory_is_its_own_member(void **state)
{
    static const struct {
        uint8_t crn, crm, op2;
        uint32_t member;
    } controls[] = {
        {1, 0, 0, offsetof(struct ash_vcpu_sys, sctlr_el1)},
        {2, 0, 0, offsetof(struct ash_vcpu_sys, ttbr0_el1)},
        {2, 0, 1, offsetof(struct ash_vcpu_sys, ttbr1_el1)},
        {2, 0, 2, offsetof(struct ash_vcpu_sys, tcr_el1)},
        {5, 1, 0, offsetof(struct ash_vcpu_sys, afsr0_el1)},
        {5, 1, 1, offsetof(struct ash_vcpu_sys, afsr1_el1)},
        {5, 2, 0, offsetof(struct ash_vcpu_sys, esr_el1)},
        {6, 0, 0, offsetof(struct ash_vcpu_sys, far_el1)},
        {10, 2, 0, offsetof(struct ash_vcpu_sys, mair_el1)},
        {10, 3, 0, offsetof(struct ash_vcpu_sys, amair_el1)},
        {13, 0, 1, offsetof(struct ash_vcpu_sys, contextidr_el1)},
    };
    size_t count;
    size_t found = 0;
    const struct ash_vcpu_sysreg *table = ash_vcpu_sysreg_table(&count);

    (void)state;
    for (size_t i = 0; i < ASH_ARRAY_SIZE(controls); i++) {
        struct ash_vcpu_sysreg_access access;

        ash_vcpu_sysreg_decode(trap(3, 0, controls[i].crn, controls[i].crm, controls[i].op2, 0, false),
                               &access);
        assert_int_equal(access.reg->kind, ASH_VCPU_SYSREG_VM);
        assert_int_equal(access.reg->value, controls[i].member);
    }
    for (size_t i = 0; i < count; i++) {
        found += table[i].kind == ASH_VCPU_SYSREG_VM ? 1U : 0U;
    }
    assert_int_equal(found, ASH_ARRAY_SIZE(controls));
}

static uint64_t read_register(const struct ash_vcpu_id *id, unsigned op0, unsigned op1, unsigned crn,
                              unsigned crm, unsigned op2)
{
    struct ash_vcpu_context ctx = {.pc = 0};
    struct ash_vcpu_sysreg_access access;

    ctx.sys.actlr_el1 = 0xac;
    ctx.x[3] = UINT64_MAX;
    ash_vcpu_sysreg_decode(trap(op0, op1, crn, crm, op2, 3, true), &access);
    assert_int_equal(ash_vcpu_sysreg_emulate(&ctx, id, &access), ASH_OK);
    return ctx.x[3];
}

static void reads_return_the_register_of_their_encoding(void **state)
{
    struct ash_vcpu_id id = {.revidr_el1 = 0x1001, .aidr_el1 = 0x1002};

    (void)state;
    for (unsigned i = 0; i < ASH_VCPU_ID_COUNT; i++) {
        id.reg[i] = 0x100U + i;
    }
    for (unsigned crm = 1; crm < 8; crm++) {
        for (unsigned op2 = 0; op2 < 8; op2++) {
            assert_int_equal(read_register(&id, 3, 0, 0, crm, op2), 0x100U + (crm - 1U) * 8U + op2);
        }
    }
    assert_int_equal(read_register(&id, 3, 0, 0, 0, 6), 0x1001);
    assert_int_equal(read_register(&id, 3, 1, 0, 0, 7), 0x1002);
    assert_int_equal(read_register(&id, 3, 0, 1, 0, 1), 0xac);
    assert_int_equal(read_register(&id, 2, 0, 1, 1, 4), 0x8); /* OSLSR_EL1: an OS Lock, open */
    assert_int_equal(read_register(&id, 2, 0, 7, 8, 6), 0xff);
    assert_int_equal(read_register(&id, 2, 0, 0, 2, 2), 0);
    assert_int_equal(read_register(&id, 2, 0, 0, 0, 4), 0);
}

static void a_read_into_register_31_goes_nowhere(void **state)
{
    struct ash_vcpu_context ctx = {.pc = 1};
    struct ash_vcpu_context before = ctx;
    struct ash_vcpu_sysreg_access access;
    struct ash_vcpu_id id;

    (void)state;
    memset(&id, 0xff, sizeof(id));
    ash_vcpu_sysreg_decode(trap(3, 0, 0, 4, 0, 31, true), &access);
    assert_int_equal(ash_vcpu_sysreg_emulate(&ctx, &id, &access), ASH_OK);
    assert_memory_equal(&ctx, &before, sizeof(ctx));
}

static void what_needs_another_subsystem_is_the_callers(void **state)
{
    struct ash_vcpu_context ctx = {.pc = 1};
    struct ash_vcpu_id id = {.aidr_el1 = 0};
    struct ash_vcpu_sysreg_access access;

    (void)state;
    ash_vcpu_sysreg_decode(trap(3, 0, 12, 11, 5, 0, false), &access);
    assert_int_equal(ash_vcpu_sysreg_emulate(&ctx, &id, &access), ASH_ENOTSUP);
    ash_vcpu_sysreg_decode(trap(3, 3, 14, 2, 1, 0, true), &access);
    assert_int_equal(access.reg->index, ASH_VCPU_TIMER_CNTP_CTL);
    assert_int_equal(ash_vcpu_sysreg_emulate(&ctx, &id, &access), ASH_ENOTSUP);
    ash_vcpu_sysreg_decode(trap(3, 0, 2, 0, 1, 0, false), &access);
    assert_int_equal(access.reg->value, offsetof(struct ash_vcpu_sys, ttbr1_el1));
    assert_int_equal(ash_vcpu_sysreg_emulate(&ctx, &id, &access), ASH_ENOTSUP);
    ash_vcpu_sysreg_decode(trap(1, 0, 7, 14, 2, 0, false), &access);
    assert_int_equal(ash_vcpu_sysreg_emulate(&ctx, &id, &access), ASH_ENOTSUP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_strictly_ascending_and_well_formed),
        cmocka_unit_test(every_encoding_is_an_entry_or_undefined),
        cmocka_unit_test(the_key_is_that_of_the_iss),
        cmocka_unit_test(every_trap_is_answered_and_only_reads_change_a_register),
        cmocka_unit_test(the_registers_that_a_guest_tries_are_what_the_manual_says),
        cmocka_unit_test(each_control_of_virtual_memory_is_its_own_member),
        cmocka_unit_test(reads_return_the_register_of_their_encoding),
        cmocka_unit_test(a_read_into_register_31_goes_nowhere),
        cmocka_unit_test(what_needs_another_subsystem_is_the_callers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
