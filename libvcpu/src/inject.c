/* SPDX-License-Identifier: BSD-2-Clause */
#include <libvcpu/inject.h>

#include <libvcpu/exit.h>

#include "internal.h"

#define SCTLR_SPINTMASK ASH_BIT(62)
#define SCTLR_DSSBS     ASH_BIT(44)
#define SCTLR_SPAN      ASH_BIT(23)

#define VBAR_BASE ASH_MASK(63, 11)

/* Vector offsets (DDI 0487 D1.3 "Exception vectors"). */
#define VECTOR_SERROR     UINT64_C(0x180)
#define VECTOR_SAME_SPX   UINT64_C(0x200)
#define VECTOR_LOWER_64   UINT64_C(0x400)
#define VECTOR_LOWER_32   UINT64_C(0x600)
#define PSTATE32_MODE_USR UINT64_C(0x10)

#define ISS_WIDTH 25

/* What an exception kind does; ec is that from EL0, +1 from EL1 where the manual has two. */
struct kind_info {
    uint8_t ec;
    bool two_ecs;
    bool has_far;
    uint32_t iss_mask; /* what of the caller's ISS counts */
};

/* EL1 never sees S1PTW, nor in a data abort ISV, SAS, SSE, SRT, SF, AR: those are stage 2's. */
static const struct kind_info kinds[] = {
    [ASH_VCPU_EXCEPTION_UNDEF] = {ASH_VCPU_EC_UNKNOWN, false, false, 0U},
    [ASH_VCPU_EXCEPTION_INSTRUCTION_ABORT] = {ASH_VCPU_EC_INSTRUCTION_ABORT, true, true, 0x1e3fU},
    [ASH_VCPU_EXCEPTION_DATA_ABORT] = {ASH_VCPU_EC_DATA_ABORT, true, true, 0x1f7fU},
    [ASH_VCPU_EXCEPTION_PC_ALIGNMENT] = {ASH_VCPU_EC_PC_ALIGNMENT, false, true, 0U},
    [ASH_VCPU_EXCEPTION_SERROR] = {ASH_VCPU_EC_SERROR, false, false, 0x1ffffffU},
};

void ash_vcpu_pstate_features(uint64_t id_aa64pfr1, uint64_t id_aa64mmfr1, uint64_t id_aa64mmfr2,
                              struct ash_vcpu_pstate_features *features)
{
    features->pan = ash_field(id_aa64mmfr1, 23, 20) != 0U;
    features->uao = ash_field(id_aa64mmfr2, 7, 4) != 0U;
    features->ssbs = ash_field(id_aa64pfr1, 7, 4) != 0U;
    features->mte = ash_field(id_aa64pfr1, 11, 8) != 0U;
    features->nmi = ash_field(id_aa64pfr1, 39, 36) != 0U;
}

static bool pstate_is_el0_or_el1(uint64_t pstate)
{
    uint64_t mode = pstate & ASH_VCPU_PSTATE_MODE;

    return mode == ASH_VCPU_PSTATE_EL0T || mode == ASH_VCPU_PSTATE_EL1T || mode == ASH_VCPU_PSTATE_EL1H ||
           mode == PSTATE32_MODE_USR;
}

static bool from_el1(uint64_t pstate)
{
    return (pstate & ASH_VCPU_PSTATE_AARCH32) == 0U && ash_field(pstate, 3, 2) == 1U;
}

static uint64_t vector_offset(uint64_t pstate, enum ash_vcpu_exception_kind kind)
{
    uint64_t offset = kind == ASH_VCPU_EXCEPTION_SERROR ? VECTOR_SERROR : 0U;

    if ((pstate & ASH_VCPU_PSTATE_AARCH32) != 0U) {
        return offset + VECTOR_LOWER_32;
    }
    if (!from_el1(pstate)) {
        return offset + VECTOR_LOWER_64;
    }
    return (pstate & 1U) != 0U ? offset + VECTOR_SAME_SPX : offset;
}

/* PSTATE after the exception, by the steps of AArch64.TakeException(): kept are NZCV and DIT; AArch32's Q, GE, IT, E
 * and T have no place in it. */
static uint64_t handler_pstate(uint64_t pstate, uint64_t sctlr, const struct ash_vcpu_pstate_features *has)
{
    uint64_t next = ASH_VCPU_PSTATE_EL1H | ASH_VCPU_PSTATE_DAIF;

    next |= pstate & (ASH_VCPU_PSTATE_NZCV | ASH_VCPU_PSTATE_DIT);
    if (has->pan) {
        next |= (sctlr & SCTLR_SPAN) == 0U ? ASH_VCPU_PSTATE_PAN : pstate & ASH_VCPU_PSTATE_PAN;
    }
    if (has->ssbs && (sctlr & SCTLR_DSSBS) != 0U) {
        next |= ASH_VCPU_PSTATE_SSBS;
    }
    if (has->mte) {
        next |= ASH_VCPU_PSTATE_TCO;
    }
    if (has->nmi && (sctlr & SCTLR_SPINTMASK) == 0U) {
        next |= ASH_VCPU_PSTATE_ALLINT;
    }
    return next; /* UAO, SS, IL, BTYPE are 0 */
}

/* IL is 1 for each of our kinds: with ISV=0 the manual says so for data aborts too. */
static uint64_t syndrome(const struct kind_info *info, uint64_t pstate, uint32_t iss)
{
    uint64_t ec = info->ec + (info->two_ecs && from_el1(pstate) ? 1U : 0U);

    return (ec << 26) | ESR_IL | (iss & info->iss_mask);
}

int ash_vcpu_exception_take(struct ash_vcpu_exception_state *state,
                            const struct ash_vcpu_exception *exception,
                            const struct ash_vcpu_pstate_features *features)
{
    uint64_t pstate = state->pstate;
    const struct kind_info *info;

    if ((unsigned)exception->kind >= ASH_ARRAY_SIZE(kinds) || (exception->iss >> ISS_WIDTH) != 0U ||
        !pstate_is_el0_or_el1(pstate)) {
        return ASH_EINVAL;
    }
    if (exception->kind == ASH_VCPU_EXCEPTION_SERROR && (pstate & ASH_VCPU_PSTATE_A) != 0U) {
        return ASH_EBUSY;
    }
    info = &kinds[exception->kind];
    state->esr_el1 = syndrome(info, pstate, exception->iss);
    if (info->has_far && (exception->iss & info->iss_mask & ESR_FNV) == 0U) {
        state->far_el1 = exception->far;
    }
    state->elr_el1 = state->pc;
    state->spsr_el1 = pstate;
    state->pc = (state->vbar_el1 & VBAR_BASE) + vector_offset(pstate, exception->kind);
    state->pstate = handler_pstate(pstate, state->sctlr_el1, features);
    return ASH_OK;
}

int ash_vcpu_context_inject(struct ash_vcpu_context *ctx, const struct ash_vcpu_exception *exception,
                            const struct ash_vcpu_pstate_features *features)
{
    struct ash_vcpu_exception_state state = {
        .pc = ctx->pc,
        .pstate = ctx->pstate,
        .sctlr_el1 = ctx->sys.sctlr_el1,
        .vbar_el1 = ctx->sys.vbar_el1,
        .far_el1 = ctx->sys.far_el1,
    };
    int result = ash_vcpu_exception_take(&state, exception, features);

    if (result == ASH_OK) {
        ctx->pc = state.pc;
        ctx->pstate = state.pstate;
        ctx->sys.esr_el1 = state.esr_el1;
        ctx->sys.elr_el1 = state.elr_el1;
        ctx->sys.spsr_el1 = state.spsr_el1;
        ctx->sys.far_el1 = state.far_el1;
    }
    return result;
}
