/* SPDX-License-Identifier: BSD-2-Clause */
/* Trapped MSR, MRS and SYS: every encoding has a result, and none does more than it says. Input: a program. */
#include "fuzz.h"

#include <libvcpu/exit.h>
#include <libvcpu/sysreg.h>

/* ESR_EL2 of an access, by the manual: Op0 [21:20], Op2 [19:17], Op1 [16:14], CRn [13:10], Rt [9:5], CRm [4:1],
 * read [0]. */
static uint64_t syndrome(uint16_t key, unsigned rt, bool read)
{
    const uint64_t op0 = key >> 14 & 3U;
    const uint64_t op1 = key >> 11 & 7U;
    const uint64_t crn = key >> 7 & 15U;
    const uint64_t crm = key >> 3 & 15U;
    const uint64_t op2 = key & 7U;

    return (uint64_t)ASH_VCPU_EC_SYSREG << 26 | ASH_BIT(25) | op0 << 20 | op2 << 17 | op1 << 14 | crn << 10 |
           (uint64_t)rt << 5 | crm << 1 | (read ? 1U : 0U);
}

static void check_emulation(struct ash_vcpu_context *ctx, const struct ash_vcpu_id *id,
                            const struct ash_vcpu_sysreg_access *access)
{
    const struct ash_vcpu_context before = *ctx;
    const struct ash_vcpu_sysreg *reg = access->reg;
    const int result = ash_vcpu_sysreg_emulate(ctx, id, access);

    switch (result) {
    case ASH_OK:
        FUZZ_CHECK(reg->kind >= ASH_VCPU_SYSREG_ID && reg->kind <= ASH_VCPU_SYSREG_CONST);
        FUZZ_CHECK((reg->access & (access->read ? ASH_VCPU_SYSREG_R : ASH_VCPU_SYSREG_W)) != 0U);
        if (access->read && access->rt != 31U) {
            if (reg->kind == ASH_VCPU_SYSREG_ID) {
                FUZZ_CHECK(reg->index < ASH_VCPU_ID_COUNT && ctx->x[access->rt] == id->reg[reg->index]);
            }
            ctx->x[access->rt] = before.x[access->rt];
        }
        break;
    case ASH_EGUEST:
        FUZZ_CHECK(reg->kind == ASH_VCPU_SYSREG_UNDEF);
        break;
    default:
        FUZZ_CHECK(result == ASH_ENOTSUP);
        FUZZ_CHECK(reg->kind > ASH_VCPU_SYSREG_CONST);
        break;
    }
    FUZZ_CHECK(memcmp(ctx, &before, sizeof(before)) == 0);
}

static void access_one(struct ash_vcpu_context *ctx, const struct ash_vcpu_id *id, uint64_t esr)
{
    struct ash_vcpu_sysreg_access access;
    const uint16_t key = ash_vcpu_sysreg_encoding(esr);
    const struct ash_vcpu_sysreg *reg = ash_vcpu_sysreg_find(key);

    memset(&access, 0xA5, sizeof(access));
    ash_vcpu_sysreg_decode(esr, &access);
    FUZZ_CHECK(reg != NULL && access.reg != NULL && access.rt <= 31U);
    FUZZ_CHECK(access.read == ((esr & 1U) != 0U) && access.rt == (esr >> 5 & 31U));
    FUZZ_CHECK(reg->kind == ASH_VCPU_SYSREG_UNDEF || (reg->encoding == key && reg->name != NULL));
    /* Another register's entry would give a guest what it did not ask for. */
    FUZZ_CHECK(access.reg == reg || access.reg->kind == ASH_VCPU_SYSREG_UNDEF);
    check_emulation(ctx, id, &access);
}

static void check_id(const struct ash_vcpu_id *raw, struct fuzz_input *in, struct ash_vcpu_id *id)
{
    const struct ash_vcpu_id_policy policy = {.size = sizeof(policy),
                                              .ipa_bits = 32U + fuzz_below(in, 21),
                                              .gicv3 = fuzz_below(in, 2) != 0U,
                                              .aarch32_el0 = fuzz_below(in, 2) != 0U,
                                              .pauth = fuzz_below(in, 2) != 0U,
                                              .ras = fuzz_below(in, 2) != 0U};
    struct ash_vcpu_id twice;

    FUZZ_CHECK(ash_vcpu_id_sanitise(raw, &policy, id) == ASH_OK);
    /* What no guest has: EL2, EL3, SVE, SME, MTE tags, and no PMU, trace or statistical profiling. */
    FUZZ_CHECK((id->reg[ASH_VCPU_ID_AA64PFR0] & ASH_MASK(35, 32)) == 0U);
    FUZZ_CHECK((id->reg[ASH_VCPU_ID_AA64PFR0] & ASH_MASK(15, 8)) == 0U);
    FUZZ_CHECK(id->reg[ASH_VCPU_ID_AA64ZFR0] == 0U && id->reg[ASH_VCPU_ID_AA64SMFR0] == 0U);
    FUZZ_CHECK((id->reg[ASH_VCPU_ID_AA64DFR0] & ASH_MASK(35, 32)) == 0U);
    FUZZ_CHECK(policy.pauth || !ash_vcpu_id_has_pauth(id));
    FUZZ_CHECK(ash_vcpu_id_sanitise(id, &policy, &twice) == ASH_OK);
    FUZZ_CHECK(memcmp(id, &twice, sizeof(twice)) == 0); /* nothing is left to take away */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    struct ash_vcpu_context ctx;
    struct ash_vcpu_id raw;
    struct ash_vcpu_id id;
    size_t count;
    const struct ash_vcpu_sysreg *table = ash_vcpu_sysreg_table(&count);

    memset(&ctx, 0x5A, sizeof(ctx));
    memset(&raw, fuzz_u8(&in), sizeof(raw));
    for (unsigned i = 0; i < 6U; i++) {
        raw.reg[fuzz_below(&in, ASH_VCPU_ID_COUNT)] = fuzz_u64(&in);
    }
    check_id(&raw, &in, &id);
    while (fuzz_more(&in)) {
        const uint8_t op = fuzz_u8(&in);
        const unsigned rt = op & 31U;

        switch (op >> 6) {
        case 0: /* a register that is in the table */
            access_one(&ctx, &id,
                       syndrome(table[fuzz_below(&in, (uint32_t)count)].encoding, rt, (op & 32U) != 0U));
            break;
        case 1: /* near one */
            access_one(&ctx, &id,
                       syndrome((uint16_t)(table[fuzz_below(&in, (uint32_t)count)].encoding + fuzz_u8(&in)),
                                rt, (op & 32U) != 0U));
            break;
        case 2:
            access_one(&ctx, &id, syndrome(fuzz_u16(&in), rt, (op & 32U) != 0U));
            break;
        default:
            access_one(&ctx, &id, (uint64_t)ASH_VCPU_EC_SYSREG << 26 | (fuzz_u32(&in) & 0x3ffffffU));
            break;
        }
    }
    return 0;
}
