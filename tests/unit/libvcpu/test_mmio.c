/* SPDX-License-Identifier: BSD-2-Clause */
#include <testkit/cmocka.h>

#include <string.h>

#include <libvcpu/mmio.h>

#define VALUE UINT64_C(0x8899aabbccddeeff)

/* ISS of a data abort, field by field as the manual draws it. */
static uint64_t abort_esr(unsigned sas, bool sse, unsigned srt, bool sf, bool ar, bool wnr)
{
    return UINT64_C(0x24) << 26 | UINT64_C(1) << 25 | UINT64_C(1) << 24 | (uint64_t)sas << 22 |
           (uint64_t)sse << 21 | (uint64_t)srt << 16 | (uint64_t)sf << 15 | (uint64_t)ar << 14 |
           (uint64_t)wnr << 6 | 0x7U;
}

static void each_field_of_the_syndrome_is_decoded(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < (1U << 11); bits++) {
        unsigned sas = bits & 3U;
        unsigned srt = (bits >> 2) & 31U;
        bool sse = (bits >> 7) & 1U;
        bool sf = (bits >> 8) & 1U;
        bool ar = (bits >> 9) & 1U;
        bool wnr = (bits >> 10) & 1U;
        struct ash_vcpu_mmio mmio;

        assert_int_equal(ash_vcpu_mmio_decode(abort_esr(sas, sse, srt, sf, ar, wnr), &mmio), ASH_OK);
        assert_int_equal(mmio.size, 1U << sas);
        assert_int_equal(mmio.rt, srt);
        assert_int_equal(mmio.sign_extend, sse);
        assert_int_equal(mmio.to_x, sf);
        assert_int_equal(mmio.acquire_release, ar);
        assert_int_equal(mmio.write, wnr);
    }
}

static void what_has_no_syndrome_is_refused_and_changes_nothing(void **state)
{
    const uint64_t good = abort_esr(2, false, 3, true, false, false);
    struct ash_vcpu_mmio mmio;
    struct ash_vcpu_mmio before;

    (void)state;
    memset(&mmio, 0x5a, sizeof(mmio));
    before = mmio;
    assert_int_equal(ash_vcpu_mmio_decode(good & ~ASH_BIT(24), &mmio), ASH_ENOTSUP);
    assert_int_equal(ash_vcpu_mmio_decode(good | ASH_BIT(8), &mmio), ASH_ENOTSUP); /* CM */
    assert_int_equal(ash_vcpu_mmio_decode(good | ASH_BIT(7), &mmio), ASH_ENOTSUP); /* S1PTW */
    for (uint64_t ec = 0; ec < 64; ec++) {
        if (ec != 0x24) {
            assert_int_equal(ash_vcpu_mmio_decode((good & ~ASH_MASK(31, 26)) | (ec << 26), &mmio),
                             ASH_EINVAL);
        }
    }
    assert_memory_equal(&mmio, &before, sizeof(mmio));
}

/* The loads of the instruction set by name (C6.2): memory size, sign, width -> result of loading VALUE's low bytes. */
struct load {
    const char *name;
    unsigned sas;
    bool sse;
    bool sf;
    uint64_t low;  /* from 0x…7f, 0x…7eff and so on: sign clear */
    uint64_t high; /* from VALUE: sign set */
};

#define CLEAR UINT64_C(0x7899aabb4cdd6e7f)

static const struct load loads[] = {
    {"LDRB Wt", 0, false, false, 0x7f, 0xff},
    {"LDRSB Wt", 0, true, false, 0x7f, 0xffffffff},
    {"LDRSB Xt", 0, true, true, 0x7f, 0xffffffffffffffff},
    {"LDRH Wt", 1, false, false, 0x6e7f, 0xeeff},
    {"LDRSH Wt", 1, true, false, 0x6e7f, 0xffffeeff},
    {"LDRSH Xt", 1, true, true, 0x6e7f, 0xffffffffffffeeff},
    {"LDR Wt", 2, false, false, 0x4cdd6e7f, 0xccddeeff},
    {"LDRSW Xt", 2, true, true, 0x4cdd6e7f, 0xffffffffccddeeff},
    {"LDR Xt", 3, false, true, CLEAR, VALUE},
    /* No instruction, but an ISS can say it. */
    {"zero-extend byte to X", 0, false, true, 0x7f, 0xff},
    {"zero-extend halfword to X", 1, false, true, 0x6e7f, 0xeeff},
    {"zero-extend word to X", 2, false, true, 0x4cdd6e7f, 0xccddeeff},
    {"sign-extend word to W", 2, true, false, 0x4cdd6e7f, 0xccddeeff},
    {"sign-extend doubleword to X", 3, true, true, CLEAR, VALUE},
    {"doubleword to W", 3, false, false, 0x4cdd6e7f, 0xccddeeff},
    {"sign-extend doubleword to W", 3, true, false, 0x4cdd6e7f, 0xccddeeff},
};

static void check_load(const struct load *load, unsigned rt, uint64_t value, uint64_t expected)
{
    struct ash_vcpu_context ctx;
    struct ash_vcpu_context before;
    struct ash_vcpu_mmio mmio;

    memset(&ctx, 0xc3, sizeof(ctx));
    before = ctx;
    assert_int_equal(ash_vcpu_mmio_decode(abort_esr(load->sas, load->sse, rt, load->sf, false, false), &mmio),
                     ASH_OK);
    ash_vcpu_mmio_complete_read(&ctx, &mmio, value, false);
    if (rt != 31U) {
        if (ctx.x[rt] != expected) {
            fail_msg("%s: 0x%llx", load->name, (unsigned long long)ctx.x[rt]);
        }
        ctx.x[rt] = before.x[rt];
    }
    assert_memory_equal(&ctx, &before, sizeof(ctx));
}

static void every_load_fills_the_register_exactly_and_nothing_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < ASH_ARRAY_SIZE(loads); i++) {
        for (unsigned rt = 0; rt < 32; rt++) {
            check_load(&loads[i], rt, CLEAR, loads[i].low);
            check_load(&loads[i], rt, VALUE, loads[i].high);
        }
    }
}

static const uint64_t stored[] = {0xff, 0xeeff, 0xccddeeff, VALUE};
static const uint64_t stored_big_endian[] = {0xff, 0xffee, 0xffeeddcc, UINT64_C(0xffeeddccbbaa9988)};

static void a_store_shows_the_device_the_low_bytes(void **state)
{
    (void)state;
    for (unsigned sas = 0; sas < 4; sas++) {
        for (unsigned rt = 0; rt < 32; rt++) {
            struct ash_vcpu_context ctx = {.pc = 0};
            struct ash_vcpu_mmio mmio;

            for (unsigned i = 0; i < 31; i++) {
                ctx.x[i] = i == rt ? VALUE : 0x1111111111111111;
            }
            assert_int_equal(ash_vcpu_mmio_decode(abort_esr(sas, false, rt, sas == 3, false, true), &mmio),
                             ASH_OK);
            assert_int_equal(ash_vcpu_mmio_write_value(&ctx, &mmio, false), rt == 31 ? 0 : stored[sas]);
            assert_int_equal(ash_vcpu_mmio_write_value(&ctx, &mmio, true),
                             rt == 31 ? 0 : stored_big_endian[sas]);
        }
    }
}

static void a_big_endian_load_swaps_before_it_extends(void **state)
{
    const uint64_t expected[] = {UINT64_C(0xffffffffffffff88), UINT64_C(0xffffffffffff8899),
                                 UINT64_C(0xffffffff8899aabb), VALUE};
    const uint64_t device[] = {0x88, 0x9988, 0xbbaa9988, UINT64_C(0xffeeddccbbaa9988)};

    (void)state;
    for (unsigned sas = 0; sas < 4; sas++) {
        struct ash_vcpu_context ctx = {.pc = 0};
        struct ash_vcpu_mmio mmio;

        assert_int_equal(ash_vcpu_mmio_decode(abort_esr(sas, true, 5, true, false, false), &mmio), ASH_OK);
        ash_vcpu_mmio_complete_read(&ctx, &mmio, device[sas], true);
        assert_int_equal(ctx.x[5], expected[sas]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_field_of_the_syndrome_is_decoded),
        cmocka_unit_test(what_has_no_syndrome_is_refused_and_changes_nothing),
        cmocka_unit_test(every_load_fills_the_register_exactly_and_nothing_else),
        cmocka_unit_test(a_store_shows_the_device_the_low_bytes),
        cmocka_unit_test(a_big_endian_load_swaps_before_it_extends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
