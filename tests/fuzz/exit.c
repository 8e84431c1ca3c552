/* SPDX-License-Identifier: BSD-2-Clause */
/* Why a guest came to EL2, and what is done about it: every value of ESR, FAR, HPFAR, PAR and PSTATE has a result.
 * Input: 8-byte numbers. */
#include "fuzz.h"

#include <libvcpu/exit.h>
#include <libvcpu/inject.h>
#include <libvcpu/instruction.h>
#include <libvcpu/mmio.h>

#define IPA_END (UINT64_C(1) << 56) /* FIPA [47:4], and PA [51:12] of PAR_EL1 */

static void random_context(struct ash_vcpu_context *ctx, struct fuzz_input *in)
{
    memset(ctx, 0, sizeof(*ctx));
    for (unsigned i = 0; i < 31U; i++) {
        ctx->x[i] = UINT64_C(0x0123456789abcdef) * (i + 1U);
    }
    ctx->pc = fuzz_edge(in);
    ctx->pstate = fuzz_u32(in);
    ctx->sys.sctlr_el1 = fuzz_edge(in);
    ctx->sys.vbar_el1 = fuzz_u64(in);
}

static void check_fault(uint64_t esr, uint64_t far, uint64_t hpfar, uint64_t par)
{
    const unsigned ec = ash_vcpu_esr_ec(esr);
    struct ash_vcpu_fault fault;
    ash_ipa_t ipa = ash_ipa(77);
    int result;

    ash_vcpu_fault_decode(esr, &fault);
    FUZZ_CHECK(fault.level <= 3U || fault.level == 0xfeU || fault.level == ASH_VCPU_FAULT_NO_LEVEL);
    FUZZ_CHECK(fault.kind <= ASH_VCPU_FAULT_OTHER);
    if (ec != ASH_VCPU_EC_DATA_ABORT && ec != ASH_VCPU_EC_INSTRUCTION_ABORT) {
        FUZZ_CHECK(fault.kind == ASH_VCPU_FAULT_OTHER && !fault.hpfar_valid && !fault.valid_syndrome);
    }
    /* DDI 0487 D17.2 "HPFAR_EL2": UNKNOWN for a permission fault that is not on a walk. */
    FUZZ_CHECK(!(fault.kind == ASH_VCPU_FAULT_PERMISSION && !fault.s1ptw && fault.hpfar_valid));
    FUZZ_CHECK(!fault.instruction || !fault.valid_syndrome);
    result = ash_vcpu_fault_ipa(esr, far, hpfar, &ipa);
    FUZZ_CHECK(result == (fault.hpfar_valid ? ASH_OK : ASH_ENOENT));
    if (result == ASH_OK) {
        FUZZ_CHECK(ipa.value < IPA_END);
        FUZZ_CHECK(ipa.value % 4096U == (fault.s1ptw || !fault.far_valid ? 0U : far % 4096U));
    } else {
        FUZZ_CHECK(ipa.value == 77U);
    }
    ipa = ash_ipa(77);
    result = ash_vcpu_par_ipa(par, far, &ipa);
    FUZZ_CHECK(result == ((par & 1U) != 0U ? ASH_EGUEST : ASH_OK));
    FUZZ_CHECK(result == ASH_OK ? ipa.value < IPA_END && ipa.value % 4096U == far % 4096U : ipa.value == 77U);
}

/* The value of a load, from the manual's words: zero- or sign-extended to W or X. */
static uint64_t extend(const struct ash_vcpu_mmio *mmio, uint64_t value)
{
    const unsigned bits = mmio->size * 8U;

    if (bits < 64U) {
        value &= (UINT64_C(1) << bits) - 1U;
        if (mmio->sign_extend && (value >> (bits - 1U)) != 0U) {
            value |= ~((UINT64_C(1) << bits) - 1U);
        }
    }
    return mmio->to_x ? value : value & UINT32_MAX;
}

static void check_mmio(const struct ash_vcpu_context *before, uint64_t esr, uint64_t value)
{
    struct ash_vcpu_context after = *before;
    struct ash_vcpu_mmio mmio = {.size = 77};
    const int result = ash_vcpu_mmio_decode(esr, &mmio);
    uint64_t written;

    if (result != ASH_OK) {
        FUZZ_CHECK(result == ASH_ENOTSUP || result == ASH_EINVAL);
        FUZZ_CHECK((result == ASH_EINVAL) == (ash_vcpu_esr_ec(esr) != ASH_VCPU_EC_DATA_ABORT));
        FUZZ_CHECK(mmio.size == 77U);
        return;
    }
    FUZZ_CHECK(mmio.size == 1U || mmio.size == 2U || mmio.size == 4U || mmio.size == 8U);
    FUZZ_CHECK(mmio.rt <= 31U);
    written = ash_vcpu_mmio_write_value(before, &mmio, false);
    FUZZ_CHECK(mmio.size == 8U || written >> (mmio.size * 8U) == 0U);
    FUZZ_CHECK(mmio.rt != 31U || written == 0U);
    ash_vcpu_mmio_complete_read(&after, &mmio, value, false);
    if (mmio.rt != 31U) {
        FUZZ_CHECK(after.x[mmio.rt] == extend(&mmio, value));
        after.x[mmio.rt] = before->x[mmio.rt];
    }
    FUZZ_CHECK(memcmp(&after, before, sizeof(after)) == 0);
    /* Big-endian: there and back is the same value. */
    mmio.sign_extend = false;
    mmio.to_x = true;
    ash_vcpu_mmio_complete_read(&after, &mmio, value, true);
    written = ash_vcpu_mmio_write_value(&after, &mmio, true);
    FUZZ_CHECK(mmio.rt == 31U || written == extend(&mmio, value));
}

static void check_skip(const struct ash_vcpu_context *before, uint64_t esr)
{
    struct ash_vcpu_context after = *before;
    const unsigned ec = ash_vcpu_esr_ec(esr);
    const bool behind = ec == ASH_VCPU_EC_HVC64 || ec == ASH_VCPU_EC_HVC32 || ec == ASH_VCPU_EC_SVC64 ||
                        ec == ASH_VCPU_EC_SVC32;
    uint64_t step;

    ash_vcpu_skip(&after, esr);
    step = after.pc - before->pc;
    FUZZ_CHECK(behind ? step == 0U : step == ((esr & ASH_BIT(25)) != 0U ? 4U : 2U) || (uint32_t)step <= 4U);
    after.pc = before->pc;
    after.pstate = before->pstate;
    FUZZ_CHECK(memcmp(&after, before, sizeof(after)) == 0);
    ash_vcpu_retry(&after, esr);
    step = before->pc - after.pc;
    FUZZ_CHECK(behind ? step == 4U || step == 2U || (uint32_t)step <= 4U : step == 0U);
    (void)ash_vcpu_condition_holds(esr, before->pstate);
    FUZZ_CHECK((before->pstate & ASH_VCPU_PSTATE_AARCH32) != 0U ||
               ash_vcpu_condition_holds(esr, before->pstate));
}

static void check_inject(const struct ash_vcpu_context *before, struct fuzz_input *in)
{
    const struct ash_vcpu_pstate_features features = {true, true, fuzz_below(in, 2) != 0U, true, true};
    const struct ash_vcpu_exception exception = {
        .kind = (enum ash_vcpu_exception_kind)fuzz_below(in, 6), .iss = fuzz_u32(in), .far = fuzz_u64(in)};
    struct ash_vcpu_context after = *before;
    const int result = ash_vcpu_context_inject(&after, &exception, &features);

    if (result != ASH_OK) {
        FUZZ_CHECK(result == ASH_EINVAL || result == ASH_EBUSY);
        FUZZ_CHECK(memcmp(&after, before, sizeof(after)) == 0);
        return;
    }
    FUZZ_CHECK(after.pc - (before->sys.vbar_el1 & ~UINT64_C(0x7ff)) < 0x800U && after.pc % 0x80U == 0U);
    FUZZ_CHECK(after.sys.elr_el1 == before->pc && after.sys.spsr_el1 == before->pstate);
    FUZZ_CHECK((after.pstate & ASH_VCPU_PSTATE_MODE) == ASH_VCPU_PSTATE_EL1H);
    FUZZ_CHECK((after.pstate & ASH_VCPU_PSTATE_DAIF) == ASH_VCPU_PSTATE_DAIF);
    FUZZ_CHECK((after.pstate & (ASH_VCPU_PSTATE_IL | ASH_VCPU_PSTATE_SS | ASH_VCPU_PSTATE_BTYPE)) == 0U);
    FUZZ_CHECK(memcmp(after.x, before->x, sizeof(after.x)) == 0);
    FUZZ_CHECK(after.sys.far_el1 == before->sys.far_el1 || after.sys.far_el1 == exception.far);
    FUZZ_CHECK((after.sys.esr_el1 & ASH_BIT(24)) == 0U || exception.kind == ASH_VCPU_EXCEPTION_SERROR);
}

/* Is @n a register that @what may change? */
static bool may_change(const struct ash_vcpu_instruction *what, unsigned n)
{
    return (!what->vector && !what->write && (n == what->rt || (what->count == 2U && n == what->rt2))) ||
           (what->write_back != ASH_VCPU_WRITE_BACK_NONE && n == what->rn);
}

static void check_registers(const struct ash_vcpu_instruction *what, const struct ash_vcpu_context *before,
                            const struct ash_vcpu_context *after)
{
    for (unsigned n = 0; n < 31U; n++) {
        FUZZ_CHECK(may_change(what, n) || after->x[n] == before->x[n]);
    }
    if (!what->vector && !what->write && !what->to_x && what->rt != 31U &&
        (what->write_back == ASH_VCPU_WRITE_BACK_NONE || what->rn != what->rt)) {
        FUZZ_CHECK(after->x[what->rt] <= UINT32_MAX);
    }
    if (!what->vector || what->write) {
        FUZZ_CHECK(memcmp(&after->fp, &before->fp, sizeof(after->fp)) == 0);
    }
    FUZZ_CHECK(after->pc == before->pc && after->pstate == before->pstate);
    FUZZ_CHECK(memcmp(&after->sys, &before->sys, sizeof(after->sys)) == 0);
}

/* The instruction behind an abort without syndrome. */
static void check_instruction(const struct ash_vcpu_context *before, struct fuzz_input *in)
{
    /* Loads and stores (C4.1: bit 27 set, bit 25 clear), or anything. */
    const uint32_t raw = fuzz_u32(in);
    const uint32_t word = fuzz_below(in, 4) != 0U ? (raw | 0x08000000U) & ~0x02000000U : raw;
    struct ash_vcpu_instruction what;
    struct ash_vcpu_instruction other = {.kind = ASH_VCPU_INSTRUCTION_OTHER};
    struct ash_vcpu_context after = *before;
    struct ash_vcpu_transfer transfer;
    const bool big_endian = fuzz_below(in, 2) != 0U;
    uint64_t sp = UINT64_C(0x1234567890);

    memset(&what, 0, sizeof(what));
    ash_vcpu_instruction_decode(word, &what);
    FUZZ_CHECK(what.kind <= ASH_VCPU_INSTRUCTION_NOT_EMULATED);
    if (what.kind != ASH_VCPU_INSTRUCTION_ACCESS) {
        other.kind = what.kind;
        FUZZ_CHECK(what.size == 0U && what.count == 0U && what.rt == other.rt && what.rn == other.rn);
        return;
    }
    FUZZ_CHECK(what.count == 1U || what.count == 2U);
    FUZZ_CHECK(what.size == 1U || what.size == 2U || what.size == 4U || what.size == 8U ||
               (what.size == 16U && what.vector));
    FUZZ_CHECK(what.rt < 32U && what.rt2 < 32U && what.rn < 32U && what.rm < 32U && what.shift <= 4U);
    ash_vcpu_transfer_begin(&what, before, sp, big_endian, &transfer);
    FUZZ_CHECK(transfer.count >= 1U && transfer.count <= ASH_VCPU_TRANSFER_PIECES);
    FUZZ_CHECK(transfer.size * transfer.count == what.size * what.count);
    FUZZ_CHECK(ash_vcpu_transfer_covers(&transfer, transfer.address));
    FUZZ_CHECK(!ash_vcpu_transfer_is_aligned(&transfer) || what.count == 2U ||
               ash_vcpu_transfer_is_in_one_page(&transfer));
    for (unsigned i = 0; i < transfer.count && !what.write; i++) {
        transfer.value[i] = fuzz_u64(in);
    }
    ash_vcpu_transfer_finish(&what, &transfer, &after, &sp, big_endian);
    FUZZ_CHECK(sp == UINT64_C(0x1234567890) ||
               (what.rn == 31U && what.write_back != ASH_VCPU_WRITE_BACK_NONE));
    check_registers(&what, before, &after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    struct ash_vcpu_context ctx;
    uint64_t esr;

    random_context(&ctx, &in);
    do {
        const struct ash_vcpu_ec_info *info;

        /* The class by a byte of its own: all 64 are a step away from each other. */
        esr = (uint64_t)fuzz_below(&in, 64) << 26 | (fuzz_u32(&in) & 0x3ffffffU);
        info = ash_vcpu_ec_info(esr);
        FUZZ_CHECK(info != NULL && info->name != NULL && info->name[0] != '\0');
        FUZZ_CHECK(info->exit <= ASH_VCPU_EXIT_DEBUG);
        check_fault(esr, fuzz_edge(&in), fuzz_edge(&in), fuzz_edge(&in));
        check_mmio(&ctx, esr, fuzz_edge(&in));
        check_skip(&ctx, esr);
        check_inject(&ctx, &in);
        check_instruction(&ctx, &in);
        (void)ash_vcpu_is_big_endian(ctx.pstate, ctx.sys.sctlr_el1);
    } while (fuzz_more(&in));
    return 0;
}
