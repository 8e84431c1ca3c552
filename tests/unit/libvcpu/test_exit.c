/* SPDX-License-Identifier: BSD-2-Clause */
#include <testkit/cmocka.h>

#include <string.h>

#include <libvcpu/exit.h>

#define DABT UINT64_C(0x90000000) /* EC 0x24 */
#define IABT UINT64_C(0x80000000) /* EC 0x20 */
#define IL   ASH_BIT(25)

static uint64_t esr_of(unsigned ec)
{
    return (uint64_t)ec << 26;
}

/* From the manual's table of EC values: what a guest in AArch64, EL1 or EL0, brings to a non-VHE EL2 with TGE = 0. */
static enum ash_vcpu_exit expected_exit(unsigned ec)
{
    switch (ec) {
    case 0x01:
        return ASH_VCPU_EXIT_WFX;
    case 0x03:
    case 0x04:
    case 0x05:
    case 0x06:
    case 0x08:
    case 0x0c:
        return ASH_VCPU_EXIT_COPROCESSOR;
    case 0x07:
        return ASH_VCPU_EXIT_FP;
    case 0x00:
    case 0x09:
    case 0x0a:
    case 0x19:
    case 0x1b:
    case 0x1d:
        return ASH_VCPU_EXIT_UNDEF;
    case 0x12:
    case 0x16:
        return ASH_VCPU_EXIT_HVC;
    case 0x13:
    case 0x17:
        return ASH_VCPU_EXIT_SMC;
    case 0x18:
        return ASH_VCPU_EXIT_SYSREG;
    case 0x20:
        return ASH_VCPU_EXIT_INSTRUCTION_ABORT;
    case 0x24:
        return ASH_VCPU_EXIT_DATA_ABORT;
    case 0x2f:
        return ASH_VCPU_EXIT_SERROR;
    case 0x30:
    case 0x32:
    case 0x34:
    case 0x38:
    case 0x3a:
    case 0x3c:
        return ASH_VCPU_EXIT_DEBUG;
    default:
        return ASH_VCPU_EXIT_UNEXPECTED;
    }
}

static const uint8_t reserved_ecs[] = {0x02, 0x0b, 0x0f, 0x10, 0x14, 0x1f, 0x23, 0x29, 0x2a, 0x2b,
                                       0x2d, 0x2e, 0x36, 0x37, 0x39, 0x3b, 0x3d, 0x3e, 0x3f};

static void every_exception_class_has_a_defined_result(void **state)
{
    (void)state;
    for (unsigned ec = 0; ec < 64; ec++) {
        const struct ash_vcpu_ec_info *info = ash_vcpu_ec_info(esr_of(ec) | UINT64_C(0xffffffff03ffffff));
        bool reserved = memchr(reserved_ecs, (int)ec, sizeof(reserved_ecs)) != NULL;

        assert_non_null(info);
        assert_non_null(info->name);
        assert_int_equal(info->exit, expected_exit(ec));
        assert_int_equal(strcmp(info->name, "reserved") == 0, reserved);
    }
}

static void names_tell_the_classes_apart(void **state)
{
    (void)state;
    for (unsigned a = 0; a < 64; a++) {
        for (unsigned b = 0; b < a; b++) {
            const char *name = ash_vcpu_ec_info(esr_of(a))->name;

            if (strcmp(name, "reserved") != 0) {
                assert_string_not_equal(name, ash_vcpu_ec_info(esr_of(b))->name);
            }
        }
    }
}

static void the_fields_of_esr_are_taken_apart(void **state)
{
    (void)state;
    assert_int_equal(ash_vcpu_esr_ec(UINT64_C(0x5a000042)), ASH_VCPU_EC_HVC64);
    assert_int_equal(ash_vcpu_esr_immediate(UINT64_C(0x5a00beef)), 0xbeef);
    assert_int_equal(ash_vcpu_esr_iss(UINT64_C(0xffffffffffffffff)), 0x1ffffff);
    assert_int_equal(ash_vcpu_esr_wfx(UINT64_C(0x06000000)), ASH_VCPU_WFI);
    assert_int_equal(ash_vcpu_esr_wfx(UINT64_C(0x06000001)), ASH_VCPU_WFE);
    assert_int_equal(ash_vcpu_esr_wfx(UINT64_C(0x06000003)), ASH_VCPU_WFET);
}

struct fsc_case {
    uint8_t fsc;
    enum ash_vcpu_fault_kind kind;
    uint8_t level;
};

/* DDI 0487 "ESR_ELx", DFSC: each value that the manual lists for stage 2; the others are OTHER. */
static const struct fsc_case fsc_cases[] = {
    {0x00, ASH_VCPU_FAULT_ADDRESS_SIZE, 0},   {0x01, ASH_VCPU_FAULT_ADDRESS_SIZE, 1},
    {0x02, ASH_VCPU_FAULT_ADDRESS_SIZE, 2},   {0x03, ASH_VCPU_FAULT_ADDRESS_SIZE, 3},
    {0x04, ASH_VCPU_FAULT_TRANSLATION, 0},    {0x05, ASH_VCPU_FAULT_TRANSLATION, 1},
    {0x06, ASH_VCPU_FAULT_TRANSLATION, 2},    {0x07, ASH_VCPU_FAULT_TRANSLATION, 3},
    {0x08, ASH_VCPU_FAULT_ACCESS_FLAG, 0},    {0x09, ASH_VCPU_FAULT_ACCESS_FLAG, 1},
    {0x0a, ASH_VCPU_FAULT_ACCESS_FLAG, 2},    {0x0b, ASH_VCPU_FAULT_ACCESS_FLAG, 3},
    {0x0c, ASH_VCPU_FAULT_PERMISSION, 0},     {0x0d, ASH_VCPU_FAULT_PERMISSION, 1},
    {0x0e, ASH_VCPU_FAULT_PERMISSION, 2},     {0x0f, ASH_VCPU_FAULT_PERMISSION, 3},
    {0x10, ASH_VCPU_FAULT_EXTERNAL, 0xff},    {0x13, ASH_VCPU_FAULT_EXTERNAL, 0xfe},
    {0x14, ASH_VCPU_FAULT_EXTERNAL, 0},       {0x15, ASH_VCPU_FAULT_EXTERNAL, 1},
    {0x16, ASH_VCPU_FAULT_EXTERNAL, 2},       {0x17, ASH_VCPU_FAULT_EXTERNAL, 3},
    {0x18, ASH_VCPU_FAULT_EXTERNAL, 0xff},    {0x1b, ASH_VCPU_FAULT_EXTERNAL, 0xfe},
    {0x1c, ASH_VCPU_FAULT_EXTERNAL, 0},       {0x1d, ASH_VCPU_FAULT_EXTERNAL, 1},
    {0x1e, ASH_VCPU_FAULT_EXTERNAL, 2},       {0x1f, ASH_VCPU_FAULT_EXTERNAL, 3},
    {0x21, ASH_VCPU_FAULT_ALIGNMENT, 0xff},   {0x29, ASH_VCPU_FAULT_ADDRESS_SIZE, 0xfe},
    {0x2b, ASH_VCPU_FAULT_TRANSLATION, 0xfe}, {0x30, ASH_VCPU_FAULT_TLB_CONFLICT, 0xff},
    {0x31, ASH_VCPU_FAULT_HW_UPDATE, 0xff},   {0x34, ASH_VCPU_FAULT_EXCLUSIVE, 0xff},
    {0x35, ASH_VCPU_FAULT_EXCLUSIVE, 0xff},
};

static struct fsc_case expected_fsc(unsigned fsc)
{
    for (size_t i = 0; i < ASH_ARRAY_SIZE(fsc_cases); i++) {
        if (fsc_cases[i].fsc == fsc) {
            return fsc_cases[i];
        }
    }
    return (struct fsc_case){(uint8_t)fsc, ASH_VCPU_FAULT_OTHER, 0xff};
}

static void every_fault_status_is_classified_for_data_and_instructions(void **state)
{
    (void)state;
    for (unsigned fsc = 0; fsc < 64; fsc++) {
        struct fsc_case expected = expected_fsc(fsc);
        struct ash_vcpu_fault fault;

        ash_vcpu_fault_decode(DABT | fsc, &fault);
        assert_int_equal(fault.kind, expected.kind);
        assert_int_equal(fault.level, expected.level);
        assert_false(fault.instruction);
        ash_vcpu_fault_decode(IABT | fsc, &fault);
        assert_int_equal(fault.kind, expected.kind);
        assert_int_equal(fault.level, expected.level);
        assert_true(fault.instruction);
    }
}

static void hpfar_is_valid_exactly_where_the_manual_says_so(void **state)
{
    (void)state;
    for (unsigned fsc = 0; fsc < 64; fsc++) {
        enum ash_vcpu_fault_kind kind = expected_fsc(fsc).kind;
        bool valid = kind == ASH_VCPU_FAULT_TRANSLATION || kind == ASH_VCPU_FAULT_ACCESS_FLAG ||
                     kind == ASH_VCPU_FAULT_ADDRESS_SIZE;
        ash_ipa_t ipa = ash_ipa(1);

        assert_int_equal(ash_vcpu_fault_ipa(DABT | fsc, 0xffff000000000abc, 0x80000000040000f0, &ipa),
                         valid ? ASH_OK : ASH_ENOENT);
        assert_int_equal(ipa.value, valid ? UINT64_C(0x40000fabc) : 1);
        /* S1PTW: always valid, but the page offset is not that of the access. */
        assert_int_equal(ash_vcpu_fault_ipa(IABT | ASH_BIT(7) | fsc, 0xffff000000000abc, 0x40000f0, &ipa),
                         ASH_OK);
        assert_int_equal(ipa.value, UINT64_C(0x40000f000));
    }
}

static void without_far_the_page_is_known_and_the_offset_is_not(void **state)
{
    ash_ipa_t ipa;

    (void)state;
    assert_int_equal(ash_vcpu_fault_ipa(DABT | ASH_BIT(10) | 7U, 0xfff, 0x10, &ipa), ASH_OK);
    assert_int_equal(ipa.value, 0x1000);
}

static void hpfar_holds_56_bits_of_ipa_and_no_more(void **state)
{
    ash_ipa_t ipa;

    (void)state;
    assert_int_equal(ash_vcpu_fault_ipa(DABT | 7U, 0, UINT64_MAX, &ipa), ASH_OK);
    assert_int_equal(ipa.value, UINT64_C(0x00fffffffffff000));
}

static void an_abort_of_el2_itself_or_another_class_decodes_to_nothing(void **state)
{
    (void)state;
    for (unsigned ec = 0; ec < 64; ec++) {
        struct ash_vcpu_fault fault;
        ash_ipa_t ipa = ash_ipa(1);

        if (ec == ASH_VCPU_EC_DATA_ABORT || ec == ASH_VCPU_EC_INSTRUCTION_ABORT) {
            continue;
        }
        ash_vcpu_fault_decode(esr_of(ec) | UINT64_C(0x1ffffc7), &fault);
        assert_int_equal(fault.kind, ASH_VCPU_FAULT_OTHER);
        assert_false(fault.far_valid || fault.hpfar_valid || fault.s1ptw || fault.write ||
                     fault.cache_maintenance || fault.valid_syndrome || fault.instruction);
        assert_int_equal(ash_vcpu_fault_ipa(esr_of(ec) | 7U, 0, 0, &ipa), ASH_ENOENT);
    }
}

static void writes_are_stores_and_hardware_updates_of_tables(void **state)
{
    struct ash_vcpu_fault fault;

    (void)state;
    ash_vcpu_fault_decode(DABT | ASH_BIT(6) | 7U, &fault); /* a store */
    assert_true(fault.write);
    ash_vcpu_fault_decode(DABT | 7U, &fault); /* a load */
    assert_false(fault.write);
    ash_vcpu_fault_decode(IABT | ASH_BIT(6) | 0xfU, &fault); /* bit 6 means nothing here */
    assert_false(fault.write);
    /* A store whose table walk faults reads the table … */
    ash_vcpu_fault_decode(DABT | ASH_BIT(7) | ASH_BIT(6) | 7U, &fault);
    assert_false(fault.write);
    /* … and writes it only where reading was allowed: a permission fault, of a load or a fetch too. */
    ash_vcpu_fault_decode(DABT | ASH_BIT(7) | 0xfU, &fault);
    assert_true(fault.write);
    ash_vcpu_fault_decode(IABT | ASH_BIT(7) | 0xfU, &fault);
    assert_true(fault.write);
}

static void cache_maintenance_wants_to_write_only_where_that_was_refused(void **state)
{
    struct ash_vcpu_fault fault;

    (void)state;
    ash_vcpu_fault_decode(DABT | ASH_BIT(8) | ASH_BIT(6) | 7U, &fault);
    assert_true(fault.cache_maintenance);
    assert_false(fault.write);
    ash_vcpu_fault_decode(DABT | ASH_BIT(8) | ASH_BIT(6) | 0xfU, &fault);
    assert_true(fault.cache_maintenance);
    assert_true(fault.write);
    ash_vcpu_fault_decode(IABT | ASH_BIT(8) | 7U, &fault);
    assert_false(fault.cache_maintenance);
}

static void the_valid_syndrome_bit_counts_for_data_aborts_alone(void **state)
{
    struct ash_vcpu_fault fault;

    (void)state;
    ash_vcpu_fault_decode(DABT | ASH_BIT(24) | 7U, &fault);
    assert_true(fault.valid_syndrome);
    ash_vcpu_fault_decode(DABT | 7U, &fault);
    assert_false(fault.valid_syndrome);
    ash_vcpu_fault_decode(IABT | ASH_BIT(24) | 7U, &fault);
    assert_false(fault.valid_syndrome);
}

static void a_failed_walk_has_no_ipa(void **state)
{
    ash_ipa_t ipa = ash_ipa(1);

    (void)state;
    assert_int_equal(ash_vcpu_par_ipa(0xff0000004567880e | 1U, 0xabc, &ipa), ASH_EGUEST);
    assert_int_equal(ipa.value, 1);
    /* ATTR [63:56], NS, SH and the RES1 bit 11 are not part of the address. */
    assert_int_equal(ash_vcpu_par_ipa(0xff00000045678f80, 0xffff000012345abc, &ipa), ASH_OK);
    assert_int_equal(ipa.value, 0x45678abc);
    assert_int_equal(ash_vcpu_par_ipa(0x000ffffffffff000, 0, &ipa), ASH_OK);
    assert_int_equal(ipa.value, 0x000ffffffffff000);
}

static bool is_behind(unsigned ec)
{
    return ec == 0x11 || ec == 0x12 || ec == 0x15 || ec == 0x16; /* SVC and HVC */
}

static void skip_and_retry_agree_with_where_each_class_returns_to(void **state)
{
    (void)state;
    for (unsigned ec = 0; ec < 64; ec++) {
        struct ash_vcpu_context ctx = {.pc = 0x1000, .pstate = ASH_VCPU_PSTATE_EL1H};

        ash_vcpu_skip(&ctx, esr_of(ec) | IL);
        assert_int_equal(ctx.pc, is_behind(ec) ? 0x1000 : 0x1004);
        ctx.pc = 0x1000;
        ash_vcpu_retry(&ctx, esr_of(ec) | IL);
        assert_int_equal(ctx.pc, is_behind(ec) ? 0xffc : 0x1000);
    }
}

static void a_16_bit_instruction_is_2_bytes(void **state)
{
    struct ash_vcpu_context ctx = {.pc = 0x1000, .pstate = 0x30};

    (void)state;
    ash_vcpu_skip(&ctx, esr_of(ASH_VCPU_EC_CP15_MCR));
    assert_int_equal(ctx.pc, 0x1002);
    ash_vcpu_retry(&ctx, esr_of(ASH_VCPU_EC_HVC32));
    assert_int_equal(ctx.pc, 0x1000);
}

static void an_aarch32_pc_stays_32_bits(void **state)
{
    struct ash_vcpu_context ctx = {.pc = 0xfffffffc, .pstate = 0x10};

    (void)state;
    ash_vcpu_skip(&ctx, esr_of(ASH_VCPU_EC_DATA_ABORT) | IL);
    assert_int_equal(ctx.pc, 0);
    ctx.pstate = ASH_VCPU_PSTATE_EL1H;
    ctx.pc = 0xfffffffc;
    ash_vcpu_skip(&ctx, esr_of(ASH_VCPU_EC_DATA_ABORT) | IL);
    assert_int_equal(ctx.pc, UINT64_C(0x100000000));
}

static void skipping_ends_the_step_and_the_branch_type(void **state)
{
    struct ash_vcpu_context ctx = {.pstate = UINT64_MAX & ~ASH_VCPU_PSTATE_MODE};

    (void)state;
    ash_vcpu_skip(&ctx, DABT | IL);
    assert_int_equal(ctx.pstate, ~(ASH_VCPU_PSTATE_MODE | ASH_VCPU_PSTATE_SS | ASH_VCPU_PSTATE_BTYPE));
}

/* J1.2 AArch32.ITAdvance() on the eight bits. */
static unsigned it_after(unsigned it)
{
    if ((it & 7U) == 0U) {
        return 0;
    }
    return (it & 0xe0U) | ((it << 1) & 0x1fU);
}

static uint64_t pstate_with_it(unsigned it)
{
    return UINT64_C(0x30) | ((uint64_t)(it >> 2) << 10) | ((uint64_t)(it & 3U) << 25);
}

static void the_it_block_moves_on_in_thumb(void **state)
{
    (void)state;
    for (unsigned it = 0; it < 256; it++) {
        struct ash_vcpu_context ctx = {.pstate = pstate_with_it(it)};

        ash_vcpu_skip(&ctx, DABT | IL);
        assert_int_equal(ctx.pstate, pstate_with_it(it_after(it)));
    }
}

/* The condition codes by their names in the manual's table (C1.2.4). */
static bool named_condition(unsigned condition, bool n, bool z, bool c, bool v)
{
    switch (condition) {
    case 0x0:
        return z; /* EQ */
    case 0x1:
        return !z; /* NE */
    case 0x2:
        return c; /* CS */
    case 0x3:
        return !c; /* CC */
    case 0x4:
        return n; /* MI */
    case 0x5:
        return !n; /* PL */
    case 0x6:
        return v; /* VS */
    case 0x7:
        return !v; /* VC */
    case 0x8:
        return c && !z; /* HI */
    case 0x9:
        return !c || z; /* LS */
    case 0xa:
        return n == v; /* GE */
    case 0xb:
        return n != v; /* LT */
    case 0xc:
        return !z && n == v; /* GT */
    case 0xd:
        return z || n != v; /* LE */
    default:
        return true; /* AL */
    }
}

static void a_condition_holds_by_the_flags(void **state)
{
    (void)state;
    for (unsigned condition = 0; condition < 16; condition++) {
        for (unsigned nzcv = 0; nzcv < 16; nzcv++) {
            uint64_t pstate = UINT64_C(0x10) | ((uint64_t)nzcv << 28);
            uint64_t esr = esr_of(ASH_VCPU_EC_CP15_MCR) | ASH_BIT(24) | ((uint64_t)condition << 20);
            bool holds = named_condition(condition, (nzcv & 8U) != 0, (nzcv & 4U) != 0, (nzcv & 2U) != 0,
                                         (nzcv & 1U) != 0);

            assert_int_equal(ash_vcpu_condition_holds(esr, pstate), holds);
            /* In AArch64 nothing is conditional. */
            assert_true(ash_vcpu_condition_holds(esr, ((uint64_t)nzcv << 28) | ASH_VCPU_PSTATE_EL1H));
            /* Without CV: the IT block's condition in Thumb, none in A32. */
            esr &= ~ASH_BIT(24);
            assert_int_equal(ash_vcpu_condition_holds(esr, pstate | pstate_with_it((condition << 4) | 8U)),
                             holds);
            assert_true(ash_vcpu_condition_holds(esr, pstate | pstate_with_it(condition << 4)));
            assert_true(ash_vcpu_condition_holds(esr, pstate));
        }
    }
}

/* D17.2, ISS encodings with CV and COND: WFI and WFE; MCR, MRC, MCRR, MRRC, LDC, STC of CP14 and CP15; FP and SIMD;
 * VMRS; SMC from AArch32. Bits [24:20] of the others are something else, such as ISV, SAS and SSE. */
static void only_a_class_with_a_condition_field_can_fail_it(void **state)
{
    const uint64_t classes = UINT64_C(0x811fa);

    (void)state;
    for (unsigned ec = 0; ec < 64; ec++) {
        uint64_t esr = esr_of(ec) | ASH_BIT(24); /* CV, EQ; Z is clear */
        bool has_condition = ((classes >> ec) & 1U) != 0U;

        assert_int_equal(ash_vcpu_condition_holds(esr, 0x10), !has_condition);
        assert_true(ash_vcpu_condition_holds(esr, 0x10 | ASH_VCPU_PSTATE_Z));
        assert_true(ash_vcpu_condition_holds(esr, 0));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_exception_class_has_a_defined_result),
        cmocka_unit_test(names_tell_the_classes_apart),
        cmocka_unit_test(the_fields_of_esr_are_taken_apart),
        cmocka_unit_test(every_fault_status_is_classified_for_data_and_instructions),
        cmocka_unit_test(hpfar_is_valid_exactly_where_the_manual_says_so),
        cmocka_unit_test(without_far_the_page_is_known_and_the_offset_is_not),
        cmocka_unit_test(hpfar_holds_56_bits_of_ipa_and_no_more),
        cmocka_unit_test(an_abort_of_el2_itself_or_another_class_decodes_to_nothing),
        cmocka_unit_test(writes_are_stores_and_hardware_updates_of_tables),
        cmocka_unit_test(cache_maintenance_wants_to_write_only_where_that_was_refused),
        cmocka_unit_test(the_valid_syndrome_bit_counts_for_data_aborts_alone),
        cmocka_unit_test(a_failed_walk_has_no_ipa),
        cmocka_unit_test(skip_and_retry_agree_with_where_each_class_returns_to),
        cmocka_unit_test(a_16_bit_instruction_is_2_bytes),
        cmocka_unit_test(an_aarch32_pc_stays_32_bits),
        cmocka_unit_test(skipping_ends_the_step_and_the_branch_type),
        cmocka_unit_test(the_it_block_moves_on_in_thumb),
        cmocka_unit_test(a_condition_holds_by_the_flags),
        cmocka_unit_test(only_a_class_with_a_condition_field_can_fail_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
