/* SPDX-License-Identifier: BSD-2-Clause */
#include <testkit/cmocka.h>

#include <string.h>

#include <libvcpu/inject.h>
#include <testkit/seed.h>

/* The oracle: AArch64.TakeException(EL1, …) and AArch64.ReportException() of DDI 0487 J1.1, step by step on PSTATE as
 * a set of fields, with the SPSR layouts of C5.2 "SPSR_EL1" for AArch64 and AArch32. */
struct process_state {
    unsigned nzcv, el, sp, nrw, daif;
    unsigned tco, dit, uao, pan, ss, il, allint, ssbs, btype;
};

struct oracle {
    struct ash_vcpu_exception_state after;
};

static unsigned bit(uint64_t value, unsigned n)
{
    return (unsigned)(value >> n) & 1U;
}

static struct process_state from_spsr(uint64_t spsr, const struct ash_vcpu_pstate_features *has)
{
    struct process_state p = {0};

    p.nzcv = (unsigned)(spsr >> 28) & 0xfU;
    p.nrw = bit(spsr, 4);
    p.dit = bit(spsr, 24);
    p.ss = bit(spsr, 21);
    p.il = bit(spsr, 20);
    p.pan = has->pan ? bit(spsr, 22) : 0;
    if (p.nrw) {
        p.el = 0;
        p.ssbs = has->ssbs ? bit(spsr, 23) : 0;
        p.daif = ((unsigned)(spsr >> 6) & 7U);
    } else {
        p.el = (unsigned)(spsr >> 2) & 3U;
        p.sp = bit(spsr, 0);
        p.daif = (unsigned)(spsr >> 6) & 0xfU;
        p.btype = (unsigned)(spsr >> 10) & 3U;
        p.ssbs = has->ssbs ? bit(spsr, 12) : 0;
        p.allint = has->nmi ? bit(spsr, 13) : 0;
        p.uao = has->uao ? bit(spsr, 23) : 0;
        p.tco = has->mte ? bit(spsr, 25) : 0;
    }
    return p;
}

static uint64_t to_spsr64(const struct process_state *p)
{
    return (uint64_t)p->nzcv << 28 | (uint64_t)p->tco << 25 | (uint64_t)p->dit << 24 |
           (uint64_t)p->uao << 23 | (uint64_t)p->pan << 22 | (uint64_t)p->ss << 21 | (uint64_t)p->il << 20 |
           (uint64_t)p->allint << 13 | (uint64_t)p->ssbs << 12 | (uint64_t)p->btype << 10 |
           (uint64_t)p->daif << 6 | (uint64_t)p->nrw << 4 | (uint64_t)p->el << 2 | p->sp;
}

static uint64_t oracle_esr(unsigned source_el, const struct ash_vcpu_exception *e)
{
    uint64_t ec = 0;
    uint64_t iss = 0;

    switch (e->kind) {
    case ASH_VCPU_EXCEPTION_UNDEF:
        ec = 0x00;
        break;
    case ASH_VCPU_EXCEPTION_INSTRUCTION_ABORT:
        ec = source_el == 1 ? 0x21 : 0x20;
        iss = e->iss & (ASH_MASK(12, 11) | ASH_BIT(10) | ASH_BIT(9) | ASH_MASK(5, 0));
        break;
    case ASH_VCPU_EXCEPTION_DATA_ABORT:
        ec = source_el == 1 ? 0x25 : 0x24;
        iss = e->iss & (ASH_MASK(12, 11) | ASH_MASK(10, 8) | ASH_MASK(6, 0));
        break;
    case ASH_VCPU_EXCEPTION_PC_ALIGNMENT:
        ec = 0x22;
        break;
    case ASH_VCPU_EXCEPTION_SERROR:
        ec = 0x2f;
        iss = e->iss;
        break;
    }
    return ec << 26 | ASH_BIT(25) | iss;
}

static struct ash_vcpu_exception_state take_exception(struct ash_vcpu_exception_state s,
                                                      const struct ash_vcpu_exception *e,
                                                      const struct ash_vcpu_pstate_features *has)
{
    struct process_state p = from_spsr(s.pstate, has);
    bool from_32 = p.nrw;
    uint64_t vect_offset = e->kind == ASH_VCPU_EXCEPTION_SERROR ? 0x180 : 0x000;
    bool has_vaddress = e->kind == ASH_VCPU_EXCEPTION_INSTRUCTION_ABORT ||
                        e->kind == ASH_VCPU_EXCEPTION_DATA_ABORT ||
                        e->kind == ASH_VCPU_EXCEPTION_PC_ALIGNMENT;
    bool fnv = e->kind != ASH_VCPU_EXCEPTION_PC_ALIGNMENT && bit(e->iss, 10);

    if (1U > p.el) {
        vect_offset += from_32 ? 0x600 : 0x400;
    } else if (p.sp == 1U) {
        vect_offset += 0x200;
    }
    s.spsr_el1 = s.pstate;
    s.esr_el1 = oracle_esr(p.el, e);
    if (has_vaddress && !fnv) {
        s.far_el1 = e->far;
    }
    p.el = 1;
    p.nrw = 0;
    p.sp = 1;
    s.elr_el1 = s.pc;
    p.ss = 0;
    p.allint = has->nmi ? !bit(s.sctlr_el1, 62) : 0;
    p.daif = 0xf;
    p.il = 0;
    if (has->pan && bit(s.sctlr_el1, 23) == 0U) {
        p.pan = 1;
    }
    p.uao = 0;
    p.btype = 0;
    p.ssbs = has->ssbs ? bit(s.sctlr_el1, 44) : 0;
    p.tco = has->mte ? 1 : 0;
    s.pc = (s.vbar_el1 & ~UINT64_C(0x7ff)) | vect_offset;
    s.pstate = to_spsr64(&p);
    return s;
}

static const uint64_t modes[] = {ASH_VCPU_PSTATE_EL0T, ASH_VCPU_PSTATE_EL1T, ASH_VCPU_PSTATE_EL1H, 0x10,
                                 0x30};

/* Bits that SPSR_EL2 can hold for a guest in AArch64 and in AArch32. */
static uint64_t random_pstate(struct test_rng *rng, uint64_t mode)
{
    uint64_t writable64 = ASH_MASK(31, 28) | ASH_MASK(25, 20) | ASH_MASK(13, 6);
    uint64_t writable32 = ASH_MASK(31, 28) | ASH_MASK(27, 25) | ASH_MASK(24, 6);

    return (test_rng_next(rng) & ((mode & 0x10U) != 0U ? writable32 : writable64)) | mode;
}

static struct ash_vcpu_pstate_features features_of(unsigned bits)
{
    return (struct ash_vcpu_pstate_features){
        .pan = bits & 1U, .uao = bits & 2U, .ssbs = bits & 4U, .mte = bits & 8U, .nmi = bits & 16U};
}

static void check_one(struct test_rng *rng, uint64_t mode, unsigned kind, unsigned feature_bits,
                      unsigned sctlr_bits)
{
    struct ash_vcpu_pstate_features has = features_of(feature_bits);
    struct ash_vcpu_exception e = {.kind = (enum ash_vcpu_exception_kind)kind,
                                   .iss = (uint32_t)test_rng_next(rng) & 0x1ffffffU,
                                   .far = test_rng_next(rng)};
    struct ash_vcpu_exception_state s = {
        .pc = test_rng_next(rng),
        .pstate = random_pstate(rng, mode),
        .sctlr_el1 = (test_rng_next(rng) & ~(ASH_BIT(23) | ASH_BIT(44) | ASH_BIT(62))) |
                     ((sctlr_bits & 1U) ? ASH_BIT(23) : 0U) | ((sctlr_bits & 2U) ? ASH_BIT(44) : 0U) |
                     ((sctlr_bits & 4U) ? ASH_BIT(62) : 0U),
        .vbar_el1 = test_rng_next(rng),
        .far_el1 = 0x1234,
    };
    struct ash_vcpu_exception_state before = s;
    struct ash_vcpu_exception_state expected = take_exception(s, &e, &has);

    if (e.kind == ASH_VCPU_EXCEPTION_SERROR && bit(s.pstate, 8)) {
        assert_int_equal(ash_vcpu_exception_take(&s, &e, &has), ASH_EBUSY);
        assert_memory_equal(&s, &before, sizeof(s));
        return;
    }
    assert_int_equal(ash_vcpu_exception_take(&s, &e, &has), ASH_OK);
    assert_int_equal(s.pc, expected.pc);
    assert_int_equal(s.pstate, expected.pstate);
    assert_int_equal(s.esr_el1, expected.esr_el1);
    assert_int_equal(s.elr_el1, expected.elr_el1);
    assert_int_equal(s.spsr_el1, expected.spsr_el1);
    assert_int_equal(s.far_el1, expected.far_el1);
    assert_memory_equal(&s, &expected, sizeof(s));
}

static void every_exception_is_taken_as_the_manual_takes_it(void **state)
{
    struct test_rng rng;

    (void)state;
    test_rng_init(&rng, "unit_vcpu_inject");
    for (size_t mode = 0; mode < ASH_ARRAY_SIZE(modes); mode++) {
        for (unsigned kind = 0; kind <= ASH_VCPU_EXCEPTION_SERROR; kind++) {
            for (unsigned features = 0; features < 32; features++) {
                for (unsigned sctlr = 0; sctlr < 8; sctlr++) {
                    for (unsigned round = 0; round < 16; round++) {
                        check_one(&rng, modes[mode], kind, features, sctlr);
                    }
                }
            }
        }
    }
}

/* The table of D1.3 "Exception vectors", written out. */
static void the_vector_depends_on_the_source_and_the_stack_pointer(void **state)
{
    const struct {
        uint64_t pstate;
        uint64_t offset;
    } sources[] = {{0x4, 0x000}, {0x5, 0x200}, {0x0, 0x400}, {0x10, 0x600}};
    const struct ash_vcpu_pstate_features none = {0};

    (void)state;
    for (size_t i = 0; i < ASH_ARRAY_SIZE(sources); i++) {
        struct ash_vcpu_exception_state s = {.pstate = sources[i].pstate, .vbar_el1 = 0xffff800010000fff};
        struct ash_vcpu_exception undef = {.kind = ASH_VCPU_EXCEPTION_UNDEF};
        struct ash_vcpu_exception serror = {.kind = ASH_VCPU_EXCEPTION_SERROR};

        assert_int_equal(ash_vcpu_exception_take(&s, &undef, &none), ASH_OK);
        assert_int_equal(s.pc, 0xffff800010000800 + sources[i].offset);
        s.pstate = sources[i].pstate;
        assert_int_equal(ash_vcpu_exception_take(&s, &serror, &none), ASH_OK);
        assert_int_equal(s.pc, 0xffff800010000800 + sources[i].offset + 0x180);
        assert_int_equal(s.pstate, 0x3c5);
    }
}

static void an_injected_data_abort_never_shows_stage_2_syndrome(void **state)
{
    const struct ash_vcpu_pstate_features none = {0};
    struct ash_vcpu_exception_state s = {.pstate = ASH_VCPU_PSTATE_EL1H};
    struct ash_vcpu_exception e = {.kind = ASH_VCPU_EXCEPTION_DATA_ABORT,
                                   .iss = 0x1ffc0c0U | ASH_VCPU_ISS_FSC_EXTERNAL,
                                   .far = 0x9000004};

    (void)state;
    assert_int_equal(ash_vcpu_exception_take(&s, &e, &none), ASH_OK);
    assert_int_equal(s.esr_el1, UINT64_C(0x96000050));
    assert_int_equal(s.far_el1, 0x9000004);
}

static void what_cannot_be_is_refused_and_changes_nothing(void **state)
{
    const struct ash_vcpu_pstate_features none = {0};
    struct ash_vcpu_exception undef = {.kind = ASH_VCPU_EXCEPTION_UNDEF};
    struct ash_vcpu_exception wide = {.kind = ASH_VCPU_EXCEPTION_SERROR, .iss = 0x2000000};
    struct ash_vcpu_exception unknown = {.kind = (enum ash_vcpu_exception_kind)5};

    (void)state;
    for (uint64_t mode = 0; mode < 32; mode++) {
        struct ash_vcpu_exception_state s = {.pc = 4, .pstate = mode, .far_el1 = 5};
        struct ash_vcpu_exception_state before = s;
        bool good = mode == 0 || mode == 4 || mode == 5 || mode == 0x10;

        assert_int_equal(ash_vcpu_exception_take(&s, &wide, &none), ASH_EINVAL);
        assert_int_equal(ash_vcpu_exception_take(&s, &unknown, &none), ASH_EINVAL);
        if (!good) {
            assert_int_equal(ash_vcpu_exception_take(&s, &undef, &none), ASH_EINVAL);
        }
        assert_memory_equal(&s, &before, sizeof(s));
        if (good) {
            assert_int_equal(ash_vcpu_exception_take(&s, &undef, &none), ASH_OK);
        }
    }
}

static void a_saved_context_is_injected_into_as_a_live_one(void **state)
{
    const struct ash_vcpu_pstate_features has = {.pan = true, .ssbs = true};
    struct ash_vcpu_exception e = {.kind = ASH_VCPU_EXCEPTION_INSTRUCTION_ABORT,
                                   .iss = ASH_VCPU_ISS_FSC_TRANSLATION + 3U,
                                   .far = 0xdead000};
    struct ash_vcpu_context ctx;
    struct ash_vcpu_context before;
    struct ash_vcpu_exception_state s = {.pc = 0x1000, .pstate = 0x80000000, .vbar_el1 = 0x800, .far_el1 = 1};

    (void)state;
    memset(&ctx, 0x77, sizeof(ctx));
    ctx.pc = s.pc;
    ctx.pstate = s.pstate;
    ctx.sys.sctlr_el1 = s.sctlr_el1 = ASH_BIT(44);
    ctx.sys.vbar_el1 = s.vbar_el1;
    before = ctx;
    e.kind = (enum ash_vcpu_exception_kind)9;
    assert_int_equal(ash_vcpu_context_inject(&ctx, &e, &has), ASH_EINVAL);
    assert_memory_equal(&ctx, &before, sizeof(ctx));
    e.kind = ASH_VCPU_EXCEPTION_INSTRUCTION_ABORT;
    assert_int_equal(ash_vcpu_context_inject(&ctx, &e, &has), ASH_OK);
    s = take_exception(s, &e, &has);
    before.pc = s.pc;
    before.pstate = s.pstate;
    before.sys.esr_el1 = s.esr_el1;
    before.sys.elr_el1 = s.elr_el1;
    before.sys.spsr_el1 = s.spsr_el1;
    before.sys.far_el1 = s.far_el1;
    assert_memory_equal(&ctx, &before, sizeof(ctx));
    assert_int_equal(ctx.sys.far_el1, 0xdead000);
}

static void without_a_fault_address_far_is_left_alone(void **state)
{
    const struct ash_vcpu_pstate_features none = {0};
    struct ash_vcpu_context ctx = {.pstate = ASH_VCPU_PSTATE_EL1H};
    struct ash_vcpu_exception e = {
        .kind = ASH_VCPU_EXCEPTION_DATA_ABORT, .iss = ASH_VCPU_ISS_FNV | ASH_VCPU_ISS_FSC_EXTERNAL, .far = 9};

    (void)state;
    ctx.sys.far_el1 = 7;
    assert_int_equal(ash_vcpu_context_inject(&ctx, &e, &none), ASH_OK);
    assert_int_equal(ctx.sys.far_el1, 7);
    assert_int_equal(ctx.sys.esr_el1, UINT64_C(0x96000410));
}

static void features_come_from_their_own_fields(void **state)
{
    struct ash_vcpu_pstate_features f;

    (void)state;
    ash_vcpu_pstate_features(0, 0, 0, &f);
    assert_false(f.pan || f.uao || f.ssbs || f.mte || f.nmi);
    ash_vcpu_pstate_features(UINT64_C(0x0000001000000220), UINT64_C(0x00300000), UINT64_C(0x10), &f);
    assert_true(f.pan && f.uao && f.ssbs && f.mte && f.nmi);
    ash_vcpu_pstate_features(~UINT64_C(0x000000f000000ff0), ~UINT64_C(0x00f00000), ~UINT64_C(0xf0), &f);
    assert_false(f.pan || f.uao || f.ssbs || f.mte || f.nmi);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_exception_is_taken_as_the_manual_takes_it),
        cmocka_unit_test(the_vector_depends_on_the_source_and_the_stack_pointer),
        cmocka_unit_test(an_injected_data_abort_never_shows_stage_2_syndrome),
        cmocka_unit_test(what_cannot_be_is_refused_and_changes_nothing),
        cmocka_unit_test(a_saved_context_is_injected_into_as_a_live_one),
        cmocka_unit_test(without_a_fault_address_far_is_left_alone),
        cmocka_unit_test(features_come_from_their_own_fields),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
