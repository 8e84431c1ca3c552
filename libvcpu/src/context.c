/* SPDX-License-Identifier: BSD-2-Clause */
#include <libvcpu/context.h>

#include <libbase/mem.h>
#include <libbase/nospec.h>

#define RT_XZR 31U

/* SCTLR_EL1 out of reset where EL1 is the highest Exception level, as it is in the guest's machine: M, C, I, A and the
 * rest 0; SA, SA0, CP15BEN, nTWI, nTWE 1; and 1 in each bit that is RES1 without its feature: EOS, TSCXT, EIS, SPAN,
 * nTLSMD, LSMAOE (DDI 0487 D17.2 "SCTLR_EL1"). With the feature these ones mean what they meant before it. */
#define SCTLR_SA      ASH_BIT(3)
#define SCTLR_SA0     ASH_BIT(4)
#define SCTLR_CP15BEN ASH_BIT(5)
#define SCTLR_EOS     ASH_BIT(11)
#define SCTLR_NTWI    ASH_BIT(16)
#define SCTLR_NTWE    ASH_BIT(18)
#define SCTLR_TSCXT   ASH_BIT(20)
#define SCTLR_EIS     ASH_BIT(22)
#define SCTLR_SPAN    ASH_BIT(23)
#define SCTLR_E0E     ASH_BIT(24)
#define SCTLR_EE      ASH_BIT(25)
#define SCTLR_NTLSMD  ASH_BIT(28)
#define SCTLR_LSMAOE  ASH_BIT(29)
#define SCTLR_RESET                                                                                          \
    (SCTLR_SA | SCTLR_SA0 | SCTLR_CP15BEN | SCTLR_EOS | SCTLR_NTWI | SCTLR_NTWE | SCTLR_TSCXT | SCTLR_EIS |  \
     SCTLR_SPAN | SCTLR_NTLSMD | SCTLR_LSMAOE)

void ash_vcpu_context_reset(struct ash_vcpu_context *ctx, ash_ipa_t entry, uint64_t x0, uint64_t midr,
                            uint64_t mpidr)
{
    uint64_t features = ctx->features;

    /* UNKNOWN at reset for most registers, 0 for MDSCR_EL1 and CPACR_EL1: zero is right for both. */
    (void)memset(ctx, 0, sizeof(*ctx));
    ctx->features = features;
    ctx->x[0] = x0;
    ctx->pc = entry.value;
    ctx->pstate = ASH_VCPU_PSTATE_DAIF | ASH_VCPU_PSTATE_EL1H;
    ctx->sys.sctlr_el1 = SCTLR_RESET;
    ctx->sys.vpidr_el2 = midr;
    ctx->sys.vmpidr_el2 = (mpidr & ASH_VCPU_MPIDR_AFFINITY) | ASH_VCPU_MPIDR_RES1;
}

uint64_t ash_vcpu_reg_read(const struct ash_vcpu_context *ctx, unsigned rt)
{
    rt %= 32U;
    return rt == RT_XZR ? 0U : ctx->x[ash_index_nospec(rt, RT_XZR)];
}

void ash_vcpu_reg_write(struct ash_vcpu_context *ctx, unsigned rt, uint64_t value)
{
    rt %= 32U;
    if (rt != RT_XZR) {
        ctx->x[ash_index_nospec(rt, RT_XZR)] = value;
    }
}

bool ash_vcpu_is_big_endian(uint64_t pstate, uint64_t sctlr_el1)
{
    if ((pstate & ASH_VCPU_PSTATE_AARCH32) != 0U) {
        return (pstate & ASH_VCPU_PSTATE32_E) != 0U;
    }
    return (sctlr_el1 & (ash_field(pstate, 3, 2) == 0U ? SCTLR_E0E : SCTLR_EE)) != 0U;
}
