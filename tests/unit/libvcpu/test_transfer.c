/* SPDX-License-Identifier: BSD-2-Clause */
#include <testkit/cmocka.h>

#include <string.h>

#include <libvcpu/instruction.h>
#include <testkit/seed.h>

#define B  UINT64_C(0x0000ffff09000400) /* X5 */
#define S  UINT64_C(0x0000ffff0a000800) /* SP */
#define P  UINT64_C(0x0000ffff40200000) /* PC */
#define X6 UINT64_C(0xffffffff00000010)
#define X7 UINT64_C(0x00000000fffffff0)

struct sample {
    const char *text;
    uint32_t word;
    bool write;
    unsigned size; /* bytes a register */
    unsigned count;
    uint64_t address;
    uint64_t base; /* what is in X5 or SP afterwards */
};

/* Words of the GNU assembler (2.40); the rest by hand, from the text. Loads are to register 1 (and 3), stores from
 * 2 (and 4), unless the text says another. */
static const struct sample samples[] = {
    {"ldrb w1, [x5]", 0x394000a1, false, 1, 1, B, B},
    {"ldrb w1, [x5, #4095]", 0x397ffca1, false, 1, 1, B + 4095U, B},
    {"ldrsb x1, [x5, #-1]!", 0x389ffca1, false, 1, 1, B - 1U, B - 1U},
    {"ldrsb w1, [x5], #255", 0x38cff4a1, false, 1, 1, B, B + 255U},
    {"ldrh w1, [x5, #8190]", 0x797ffca1, false, 2, 1, B + 8190U, B},
    {"ldrsh w1, [x5, x6]", 0x78e668a1, false, 2, 1, B + X6, B},
    {"ldrsh x1, [x5, w6, uxtw #1]", 0x78a658a1, false, 2, 1, B + 0x20U, B},
    {"ldrsw x1, [x5, w7, sxtw]", 0xb8a7c8a1, false, 4, 1, B - 16U, B},
    {"ldrsw x1, [x5, w7, sxtw #2]", 0xb8a7d8a1, false, 4, 1, B - 64U, B},
    {"ldr w1, [x5, w7, uxtw #2]", 0xb86758a1, false, 4, 1, B + 0x3ffffffc0U, B},
    {"ldr x1, [x5, x6, lsl #3]", 0xf86678a1, false, 8, 1, B + (X6 << 3), B},
    {"ldr x1, [x5, x7, sxtx]", 0xf867e8a1, false, 8, 1, B + X7, B},
    {"ldr x1, [sp, #32760]", 0xf97fffe1, false, 8, 1, S + 32760U, S},
    {"ldr x1, [sp], #-256", 0xf85007e1, false, 8, 1, S, S - 256U},
    {"ldr x1, [sp, #16]!", 0xf8410fe1, false, 8, 1, S + 16U, S + 16U},
    {"ldr xzr, [x5]", 0xf94000bf, false, 8, 1, B, B},
    {"ldrb w1, [x5, x6, lsl #0]", 0x386678a1, false, 1, 1, B + X6, B},
    {"strb w2, [x5, #1]!", 0x38001ca2, true, 1, 1, B + 1U, B + 1U},
    {"strh w2, [x5], #-2", 0x781fe4a2, true, 2, 1, B, B - 2U},
    {"str w2, [x5, #16380]", 0xb93ffca2, true, 4, 1, B + 16380U, B},
    {"str x2, [x5, w7, sxtw #3]", 0xf827d8a2, true, 8, 1, B - 128U, B},
    {"str xzr, [x5]", 0xf90000bf, true, 8, 1, B, B},
    {"str wzr, [x5], #4", 0xb80044bf, true, 4, 1, B, B + 4U},
    {"ldur x1, [x5, #-3]", 0xf85fd0a1, false, 8, 1, B - 3U, B},
    {"ldursw x1, [x5, #-4]", 0xb89fc0a1, false, 4, 1, B - 4U, B},
    {"ldurb w1, [x5, #255]", 0x384ff0a1, false, 1, 1, B + 255U, B},
    {"stur w2, [x5, #-256]", 0xb81000a2, true, 4, 1, B - 256U, B},
    {"ldtr x1, [x5, #8]", 0xf84088a1, false, 8, 1, B + 8U, B},
    {"ldtrsb w1, [x5, #-8]", 0x38df88a1, false, 1, 1, B - 8U, B},
    {"sttrh w2, [x5, #2]", 0x780028a2, true, 2, 1, B + 2U, B},
    {"ldr w1, .+0x100", 0x18000801, false, 4, 1, P + 0x100U, B},
    {"ldr x1, .-0x100000", 0x58800001, false, 8, 1, P - 0x100000U, B},
    {"ldrsw x1, .+0xffffc", 0x987fffe1, false, 4, 1, P + 0xffffcU, B},
    {"ldr s1, .+4", 0x1c000021, false, 4, 1, P + 4U, B},
    {"ldr d1, .-4", 0x5cffffe1, false, 8, 1, P - 4U, B},
    {"ldr q1, .+8", 0x9c000041, false, 16, 1, P + 8U, B},
    {"ldp w1, w3, [x5]", 0x29400ca1, false, 4, 2, B, B},
    {"ldp x1, x3, [x5, #504]", 0xa95f8ca1, false, 8, 2, B + 504U, B},
    {"ldp x1, x3, [x5, #-512]!", 0xa9e00ca1, false, 8, 2, B - 512U, B - 512U},
    {"ldp x1, x3, [sp], #16", 0xa8c10fe1, false, 8, 2, S, S + 16U},
    {"ldpsw x1, x3, [x5, #-256]", 0x69600ca1, false, 4, 2, B - 256U, B},
    {"ldpsw x1, x3, [x5], #252", 0x68df8ca1, false, 4, 2, B, B + 252U},
    {"ldnp x1, x3, [x5, #16]", 0xa8410ca1, false, 8, 2, B + 16U, B},
    {"ldnp w1, w3, [x5, #-4]", 0x287f8ca1, false, 4, 2, B - 4U, B},
    {"stp w2, w4, [x5, #4]!", 0x298090a2, true, 4, 2, B + 4U, B + 4U},
    {"stp x2, x4, [x5], #-16", 0xa8bf10a2, true, 8, 2, B, B - 16U},
    {"stp xzr, xzr, [x5]", 0xa9007cbf, true, 8, 2, B, B},
    {"stp x29, x30, [sp, #-32]!", 0xa9be7bfd, true, 8, 2, S - 32U, S - 32U},
    {"stnp x2, x4, [x5]", 0xa80010a2, true, 8, 2, B, B},
    {"ldr b1, [x5, #1]", 0x3d4004a1, false, 1, 1, B + 1U, B},
    {"ldr h1, [x5], #2", 0x7c4024a1, false, 2, 1, B, B + 2U},
    {"ldr s1, [x5, #4]!", 0xbc404ca1, false, 4, 1, B + 4U, B + 4U},
    {"ldr d1, [x5, x6, lsl #3]", 0xfc6678a1, false, 8, 1, B + (X6 << 3), B},
    {"ldr q1, [x5, w6, uxtw #4]", 0x3ce658a1, false, 16, 1, B + 0x100U, B},
    {"ldr q1, [x5, #65520]", 0x3dfffca1, false, 16, 1, B + 65520U, B},
    {"ldur q1, [x5, #-256]", 0x3cd000a1, false, 16, 1, B - 256U, B},
    {"str b2, [x5, w6, uxtw]", 0x3c2648a2, true, 1, 1, B + 0x10U, B},
    {"str h2, [x5, #8190]", 0x7d3ffca2, true, 2, 1, B + 8190U, B},
    {"str s2, [x5], #4", 0xbc0044a2, true, 4, 1, B, B + 4U},
    {"str d2, [x5, #8]", 0xfd0004a2, true, 8, 1, B + 8U, B},
    {"str q2, [x5, #-16]!", 0x3c9f0ca2, true, 16, 1, B - 16U, B - 16U},
    {"stur q2, [x5, #1]", 0x3c8010a2, true, 16, 1, B + 1U, B},
    {"ldp s1, s3, [x5, #-256]", 0x2d600ca1, false, 4, 2, B - 256U, B},
    {"ldp d1, d3, [x5], #16", 0x6cc10ca1, false, 8, 2, B, B + 16U},
    {"ldp q1, q3, [x5, #1008]", 0xad5f8ca1, false, 16, 2, B + 1008U, B},
    {"ldnp q1, q3, [x5, #-1024]", 0xac600ca1, false, 16, 2, B - 1024U, B},
    {"stp s2, s4, [x5]", 0x2d0010a2, true, 4, 2, B, B},
    {"stp d2, d4, [sp, #-16]!", 0x6dbf13e2, true, 8, 2, S - 16U, S - 16U},
    {"stp q2, q4, [x5], #32", 0xac8110a2, true, 16, 2, B, B + 32U},
    {"ldar w1, [x5]", 0x88dffca1, false, 4, 1, B, B},
    {"ldarb w1, [x5]", 0x08dffca1, false, 1, 1, B, B},
    {"stlr x2, [x5]", 0xc89ffca2, true, 8, 1, B, B},
    {"stlrh w2, [sp]", 0x489fffe2, true, 2, 1, S, S},
    {"ldlar x1, [x5]", 0xc8df7ca1, false, 8, 1, B, B},
    {"stllr w2, [x5]", 0x889f7ca2, true, 4, 1, B, B},
    {"ldapr x1, [x5]", 0xf8bfc0a1, false, 8, 1, B, B},
    {"ldaprb w1, [x5]", 0x38bfc0a1, false, 1, 1, B, B},
    {"ldapur w1, [x5, #-8]", 0x995f80a1, false, 4, 1, B - 8U, B},
    {"ldapursb x1, [x5, #3]", 0x198030a1, false, 1, 1, B + 3U, B},
    {"ldapursh w1, [x5]", 0x59c000a1, false, 2, 1, B, B},
    {"ldapursw x1, [x5, #4]", 0x998040a1, false, 4, 1, B + 4U, B},
    {"stlur x2, [x5, #16]", 0xd90100a2, true, 8, 1, B + 16U, B},
    {"stlurb w2, [x5, #255]", 0x190ff0a2, true, 1, 1, B + 255U, B},
};

/* The device: each byte is a function of its address, so that a piece that goes astray shows. */
static uint8_t device_byte(uint64_t address)
{
    return (uint8_t)(address * 37U + (address >> 8) + 0x80U);
}

static uint64_t device_read(uint64_t address, unsigned size)
{
    uint64_t value = UINT64_C(0xdeadbeefdeadbeef); /* what is above the piece is junk */

    for (unsigned n = 0; n < size; n++) {
        value = ash_with_field(value, 8U * n + 7U, 8U * n, device_byte(address + n));
    }
    return value;
}

static void context_init(struct ash_vcpu_context *ctx)
{
    memset(ctx, 0, sizeof(*ctx));
    for (unsigned n = 0; n < 31U; n++) {
        ctx->x[n] = UINT64_C(0x8182838485868700) + n * UINT64_C(0x0101010101010101);
    }
    for (unsigned n = 0; n < 32U; n++) {
        ctx->fp.v[n][0] = UINT64_C(0x9192939495969700) + n * UINT64_C(0x0101010101010101);
        ctx->fp.v[n][1] = UINT64_C(0xa1a2a3a4a5a6a700) + n * UINT64_C(0x0101010101010101);
    }
    ctx->x[5] = B;
    ctx->x[6] = X6;
    ctx->x[7] = X7;
    ctx->pc = P;
}

/* Register @which of the text (1st or 2nd transferred): its letter and number. */
static void operand(const char *text, unsigned which, char *letter, unsigned *number)
{
    const char *at = strchr(text, ' ') + 1;

    if (which == 1U) {
        at = strchr(at, ',') + 2;
    }
    *letter = at[0];
    *number = at[1] == 'z' ? 31U : (unsigned)strtoul(at + 1, NULL, 10);
}

/* Byte @n (in the order of addresses) of register @which before a store. */
static uint8_t stored_byte(const struct sample *s, const struct ash_vcpu_context *ctx, unsigned which,
                           unsigned n, bool big)
{
    unsigned lane = big ? s->size - 1U - n : n; /* significance */
    unsigned number;
    char letter;

    operand(s->text, which, &letter, &number);
    if (letter == 'w' || letter == 'x') {
        return (uint8_t)(number == 31U ? 0U : ctx->x[number] >> (8U * lane));
    }
    return (uint8_t)(ctx->fp.v[number][lane / 8U] >> (8U * (lane % 8U)));
}

static void check_store(const struct sample *s, bool big)
{
    struct ash_vcpu_context ctx;
    struct ash_vcpu_instruction i;
    struct ash_vcpu_transfer t;

    context_init(&ctx);
    ash_vcpu_instruction_decode(s->word, &i);
    ash_vcpu_transfer_begin(&i, &ctx, S, big, &t);
    for (unsigned byte = 0; byte < s->size * s->count; byte++) {
        uint8_t got = (uint8_t)(t.value[byte / t.size] >> (8U * (byte % t.size)));

        if (got != stored_byte(s, &ctx, byte / s->size, byte % s->size, big)) {
            fail_msg("%s%s: byte %u is %02x", s->text, big ? ", big-endian" : "", byte, got);
        }
    }
}

/* What register @which holds after the load, by its letter and the mnemonic's 's'. */
static void expect_loaded(const struct sample *s, struct ash_vcpu_context *ctx, unsigned which, bool big)
{
    uint64_t value[2] = {0, 0};
    const char *mnemonic_end = strchr(s->text, ' ');
    bool is_signed = memchr(s->text, 's', (size_t)(mnemonic_end - s->text)) != NULL;
    unsigned number;
    char letter;

    operand(s->text, which, &letter, &number);
    for (unsigned n = 0; n < s->size; n++) {
        unsigned lane = big ? s->size - 1U - n : n;
        uint64_t byte = device_byte(s->address + which * s->size + n);

        value[lane / 8U] |= byte << (8U * (lane % 8U));
    }
    if (letter != 'w' && letter != 'x') {
        ctx->fp.v[number][0] = value[0];
        ctx->fp.v[number][1] = value[1];
        return;
    }
    if (is_signed && s->size < 8U && (value[0] >> (8U * s->size - 1U)) != 0U) {
        value[0] |= ~UINT64_C(0) << (8U * s->size);
    }
    if (number != 31U) {
        ctx->x[number] = letter == 'w' ? (uint32_t)value[0] : value[0];
    }
}

static void check_effect(const struct sample *s, bool big)
{
    struct ash_vcpu_context ctx;
    struct ash_vcpu_context expected;
    struct ash_vcpu_instruction i;
    struct ash_vcpu_transfer t;
    bool by_sp = strstr(s->text, "[sp") != NULL;
    uint64_t sp = S;

    context_init(&ctx);
    context_init(&expected);
    ash_vcpu_instruction_decode(s->word, &i);
    ash_vcpu_transfer_begin(&i, &ctx, S, big, &t);
    assert_memory_equal(&ctx, &expected, sizeof(ctx));
    for (unsigned n = 0; n < t.count && !s->write; n++) {
        t.value[n] = device_read(t.address + n * t.size, t.size);
    }
    ash_vcpu_transfer_finish(&i, &t, &ctx, &sp, big);
    for (unsigned which = 0; which < s->count && !s->write; which++) {
        expect_loaded(s, &expected, which, big);
    }
    expected.x[5] = by_sp ? B : s->base;
    if (memcmp(&ctx, &expected, sizeof(ctx)) != 0 || sp != (by_sp ? s->base : S)) {
        fail_msg("%s%s: other registers than expected", s->text, big ? ", big-endian" : "");
    }
}

static void each_sample_goes_where_its_text_says(void **state)
{
    (void)state;
    for (size_t n = 0; n < ASH_ARRAY_SIZE(samples); n++) {
        const struct sample *s = &samples[n];
        struct ash_vcpu_context ctx;
        struct ash_vcpu_instruction i;
        struct ash_vcpu_transfer t;

        context_init(&ctx);
        ash_vcpu_instruction_decode(s->word, &i);
        if (i.kind != ASH_VCPU_INSTRUCTION_ACCESS || i.write != s->write || i.size != s->size ||
            i.count != s->count) {
            fail_msg("%s: decoded as something else", s->text);
        }
        ash_vcpu_transfer_begin(&i, &ctx, S, false, &t);
        assert_int_equal(t.register_size, s->size);
        if (t.address != s->address || (unsigned)t.size * t.count != s->size * s->count || t.size > 8U) {
            fail_msg("%s: at 0x%llx", s->text, (unsigned long long)t.address);
        }
        /* la, ar and ap in the mnemonic: with acquire or release. */
        assert_int_equal(i.acquire_release, strncmp(s->text, "lda", 3) == 0 ||
                                                strncmp(s->text, "stl", 3) == 0 ||
                                                strncmp(s->text, "ldla", 4) == 0);
        assert_int_equal(i.unprivileged,
                         strncmp(s->text + 1, "dtr", 3) == 0 || strncmp(s->text, "sttr", 4) == 0);
    }
}

static void a_store_gives_its_registers_bytes_in_either_order(void **state)
{
    (void)state;
    for (size_t n = 0; n < ASH_ARRAY_SIZE(samples); n++) {
        if (samples[n].write) {
            check_store(&samples[n], false);
            check_store(&samples[n], true);
        }
    }
}

static void an_access_changes_its_registers_and_its_base_and_nothing_else(void **state)
{
    (void)state;
    for (size_t n = 0; n < ASH_ARRAY_SIZE(samples); n++) {
        check_effect(&samples[n], false);
        check_effect(&samples[n], true);
    }
}

/* The choices where the architecture leaves them (K1.2): no write-back is lost to the register that is loaded, and a
 * pair into one register leaves the second. */
static void unpredictable_forms_have_a_defined_end(void **state)
{
    struct ash_vcpu_context ctx;
    struct ash_vcpu_instruction i;
    struct ash_vcpu_transfer t;
    uint64_t sp = S;

    (void)state;
    context_init(&ctx);
    ash_vcpu_instruction_decode(0xf84084a5, &i); /* ldr x5, [x5], #8 */
    ash_vcpu_transfer_begin(&i, &ctx, sp, false, &t);
    t.value[0] = 42;
    ash_vcpu_transfer_finish(&i, &t, &ctx, &sp, false);
    assert_int_equal(ctx.x[5], 42);

    context_init(&ctx);
    ash_vcpu_instruction_decode(0xa94004a1, &i); /* ldp x1, x1, [x5] */
    ash_vcpu_transfer_begin(&i, &ctx, sp, false, &t);
    t.value[0] = 1;
    t.value[1] = 2;
    ash_vcpu_transfer_finish(&i, &t, &ctx, &sp, false);
    assert_int_equal(ctx.x[1], 2);

    context_init(&ctx);
    ash_vcpu_instruction_decode(0xf80084a5, &i); /* str x5, [x5], #8 */
    ash_vcpu_transfer_begin(&i, &ctx, sp, false, &t);
    assert_int_equal(t.value[0], B);
    ash_vcpu_transfer_finish(&i, &t, &ctx, &sp, false);
    assert_int_equal(ctx.x[5], B + 8U);
}

static void a_fault_belongs_to_an_access_if_it_lies_in_it(void **state)
{
    struct ash_vcpu_transfer t = {.address = UINT64_C(0x5a00ffff09000ff8), .size = 8, .count = 2};
    const uint64_t tag = UINT64_C(0xff00000000000000);

    (void)state;
    assert_true(ash_vcpu_transfer_covers(&t, t.address));
    assert_true(ash_vcpu_transfer_covers(&t, t.address + 15U));
    assert_true(ash_vcpu_transfer_covers(&t, t.address & ~tag));
    assert_false(ash_vcpu_transfer_covers(&t, t.address + 16U));
    assert_false(ash_vcpu_transfer_covers(&t, t.address - 1U));
    assert_false(ash_vcpu_transfer_covers(&t, t.address ^ ASH_BIT(55)));
    t = (struct ash_vcpu_transfer){.address = ~UINT64_C(0), .size = 1, .count = 1};
    assert_true(ash_vcpu_transfer_covers(&t, ~UINT64_C(0)));
    assert_false(ash_vcpu_transfer_covers(&t, 0));
    t.count = 2; /* wraps */
    assert_true(ash_vcpu_transfer_covers(&t, 0));
}

static void alignment_is_that_of_a_register_and_a_page_has_an_end(void **state)
{
    struct ash_vcpu_transfer t = {
        .address = UINT64_C(0x5a00ffff09000ff0), .size = 8, .register_size = 16, .count = 2};

    (void)state;
    assert_true(ash_vcpu_transfer_is_aligned(&t));
    assert_true(ash_vcpu_transfer_is_in_one_page(&t));
    t.address += 8U;
    assert_false(ash_vcpu_transfer_is_aligned(&t));
    assert_false(ash_vcpu_transfer_is_in_one_page(&t));
    t.register_size = 8;
    assert_true(ash_vcpu_transfer_is_aligned(&t));
    t.count = 1;
    assert_true(ash_vcpu_transfer_is_in_one_page(&t));
    t.address += 1U;
    assert_false(ash_vcpu_transfer_is_in_one_page(&t));
    t.address += 3U;
    assert_false(ash_vcpu_transfer_is_aligned(&t));
    t = (struct ash_vcpu_transfer){.address = ~UINT64_C(0), .size = 1, .register_size = 1, .count = 1};
    assert_true(ash_vcpu_transfer_is_aligned(&t));
    assert_true(ash_vcpu_transfer_is_in_one_page(&t));
}

/* Whatever is decoded, from whatever registers: in bounds (the sanitizers look), one to four pieces of 1 to 8 bytes. */
static void any_word_on_any_registers_stays_in_bounds(void **state)
{
    struct test_rng rng;

    (void)state;
    (void)test_rng_init(&rng, "transfer");
    for (unsigned n = 0; n < 300000U; n++) {
        uint32_t word = ((uint32_t)test_rng_next(&rng) | 0x08000000U) & ~0x02000000U;
        struct ash_vcpu_context ctx;
        struct ash_vcpu_instruction i;
        struct ash_vcpu_transfer t;
        uint64_t sp = test_rng_next(&rng);

        ash_vcpu_instruction_decode(word, &i);
        if (i.kind != ASH_VCPU_INSTRUCTION_ACCESS) {
            continue;
        }
        context_init(&ctx);
        for (unsigned r = 0; r < 31U; r++) {
            ctx.x[r] = test_rng_next(&rng);
        }
        ash_vcpu_transfer_begin(&i, &ctx, sp, (n & 1U) != 0U, &t);
        assert_true(t.count >= 1U && t.count <= ASH_VCPU_TRANSFER_PIECES);
        assert_true(t.size == 1U || t.size == 2U || t.size == 4U || t.size == 8U);
        assert_int_equal((unsigned)t.size * t.count, (unsigned)i.size * i.count);
        ash_vcpu_transfer_finish(&i, &t, &ctx, &sp, (n & 1U) != 0U);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_sample_goes_where_its_text_says),
        cmocka_unit_test(a_store_gives_its_registers_bytes_in_either_order),
        cmocka_unit_test(an_access_changes_its_registers_and_its_base_and_nothing_else),
        cmocka_unit_test(unpredictable_forms_have_a_defined_end),
        cmocka_unit_test(a_fault_belongs_to_an_access_if_it_lies_in_it),
        cmocka_unit_test(alignment_is_that_of_a_register_and_a_page_has_an_end),
        cmocka_unit_test(any_word_on_any_registers_stays_in_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
