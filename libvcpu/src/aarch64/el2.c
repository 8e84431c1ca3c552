/* SPDX-License-Identifier: BSD-2-Clause */
#include <libvcpu/el2.h>

/* Names that an assembler for the Armv8.0 base does not know, as S<op0>_<op1>_C<n>_C<m>_<op2> (DDI 0487 C5.1.2). */
#define APIAKEYLO_EL1 S3_0_C2_C1_0
#define APIAKEYHI_EL1 S3_0_C2_C1_1
#define APIBKEYLO_EL1 S3_0_C2_C1_2
#define APIBKEYHI_EL1 S3_0_C2_C1_3
#define APDAKEYLO_EL1 S3_0_C2_C2_0
#define APDAKEYHI_EL1 S3_0_C2_C2_1
#define APDBKEYLO_EL1 S3_0_C2_C2_2
#define APDBKEYHI_EL1 S3_0_C2_C2_3
#define APGAKEYLO_EL1 S3_0_C2_C3_0
#define APGAKEYHI_EL1 S3_0_C2_C3_1
#define VDISR_EL2     S3_4_C12_C1_1

#define STRING_(text)    #text
#define STRING(text)     STRING_(text)
#define READ(reg, to)    __asm__ volatile("mrs %0, " STRING(reg) : "=r"(to))
#define WRITE(reg, from) __asm__ volatile("msr " STRING(reg) ", %0" : : "r"(from))
#define ISB()            __asm__ volatile("isb" : : : "memory")

/* The registers and their members. ACTLR_EL1 is not among them: the guest's accesses trap and are answered from the
 * context, the hardware's stays the firmware's. SCTLR_EL1 comes last: it may turn the stage-1 MMU on, and the tables
 * are to be there then for the walks that EL2's AT instructions may start. */
#define SYS_REGS(X)                                                                                          \
    X(sp_el0, sp_el0)                                                                                        \
    X(sp_el1, sp_el1)                                                                                        \
    X(elr_el1, elr_el1)                                                                                      \
    X(spsr_el1, spsr_el1)                                                                                    \
    X(esr_el1, esr_el1)                                                                                      \
    X(far_el1, far_el1)                                                                                      \
    X(afsr0_el1, afsr0_el1)                                                                                  \
    X(afsr1_el1, afsr1_el1)                                                                                  \
    X(cpacr_el1, cpacr_el1)                                                                                  \
    X(ttbr0_el1, ttbr0_el1)                                                                                  \
    X(ttbr1_el1, ttbr1_el1)                                                                                  \
    X(tcr_el1, tcr_el1)                                                                                      \
    X(mair_el1, mair_el1)                                                                                    \
    X(amair_el1, amair_el1)                                                                                  \
    X(vbar_el1, vbar_el1)                                                                                    \
    X(contextidr_el1, contextidr_el1)                                                                        \
    X(tpidr_el0, tpidr_el0)                                                                                  \
    X(tpidrro_el0, tpidrro_el0)                                                                              \
    X(tpidr_el1, tpidr_el1)                                                                                  \
    X(par_el1, par_el1)                                                                                      \
    X(cntkctl_el1, cntkctl_el1)                                                                              \
    X(mdscr_el1, mdscr_el1)                                                                                  \
    X(csselr_el1, csselr_el1)                                                                                \
    X(sctlr_el1, sctlr_el1)

/* What a guest never changes itself. */
#define IDENTITY_REGS(X)                                                                                     \
    X(vmpidr_el2, vmpidr_el2)                                                                                \
    X(vpidr_el2, vpidr_el2)

#define PAUTH_REGS(X)                                                                                        \
    X(APIAKEYLO_EL1, pauth_keys[0])                                                                          \
    X(APIAKEYHI_EL1, pauth_keys[1])                                                                          \
    X(APIBKEYLO_EL1, pauth_keys[2])                                                                          \
    X(APIBKEYHI_EL1, pauth_keys[3])                                                                          \
    X(APDAKEYLO_EL1, pauth_keys[4])                                                                          \
    X(APDAKEYHI_EL1, pauth_keys[5])                                                                          \
    X(APDBKEYLO_EL1, pauth_keys[6])                                                                          \
    X(APDBKEYHI_EL1, pauth_keys[7])                                                                          \
    X(APGAKEYLO_EL1, pauth_keys[8])                                                                          \
    X(APGAKEYHI_EL1, pauth_keys[9])

#define LOAD(reg, member) WRITE(reg, ctx->sys.member);
#define SAVE(reg, member) READ(reg, ctx->sys.member);

void ash_vcpu_el2_load(const struct ash_vcpu_context *ctx)
{
    IDENTITY_REGS(LOAD)
    SYS_REGS(LOAD)
    if ((ctx->features & ASH_VCPU_FEATURE_PAUTH) != 0U) {
        PAUTH_REGS(LOAD)
    }
    if ((ctx->features & ASH_VCPU_FEATURE_RAS) != 0U) {
        WRITE(VDISR_EL2, ctx->sys.vdisr_el2);
    }
}

void ash_vcpu_el2_save(struct ash_vcpu_context *ctx)
{
    SYS_REGS(SAVE)
    if ((ctx->features & ASH_VCPU_FEATURE_PAUTH) != 0U) {
        PAUTH_REGS(SAVE)
    }
    if ((ctx->features & ASH_VCPU_FEATURE_RAS) != 0U) {
        READ(VDISR_EL2, ctx->sys.vdisr_el2);
    }
}

uint64_t ash_vcpu_el2_sctlr(void)
{
    uint64_t sctlr;

    READ(sctlr_el1, sctlr);
    return sctlr;
}

int ash_vcpu_el2_inject(struct ash_vcpu_context *ctx, const struct ash_vcpu_exception *exception,
                        const struct ash_vcpu_pstate_features *features)
{
    struct ash_vcpu_exception_state state = {.pc = ctx->pc, .pstate = ctx->pstate};
    int result;

    READ(sctlr_el1, state.sctlr_el1);
    READ(vbar_el1, state.vbar_el1);
    READ(far_el1, state.far_el1);
    result = ash_vcpu_exception_take(&state, exception, features);
    if (result == ASH_OK) {
        WRITE(esr_el1, state.esr_el1);
        WRITE(elr_el1, state.elr_el1);
        WRITE(spsr_el1, state.spsr_el1);
        WRITE(far_el1, state.far_el1);
        ctx->pc = state.pc;
        ctx->pstate = state.pstate;
    }
    return result;
}

#define AT(operation, va) __asm__ volatile("at " operation ", %0" : : "r"(va) : "memory")

void ash_vcpu_el2_translate(uint64_t va, bool write, bool user, uint64_t *par)
{
    uint64_t guest_par;

    READ(par_el1, guest_par);
    if (user && write) {
        AT("s1e0w", va);
    } else if (user) {
        AT("s1e0r", va);
    } else if (write) {
        AT("s1e1w", va);
    } else {
        AT("s1e1r", va);
    }
    ISB(); /* the result is in PAR_EL1 only behind a context synchronisation event (DDI 0487 C6.2 "AT") */
    READ(par_el1, *par);
    WRITE(par_el1, guest_par);
}

#define ID_REG(crm, op2) READ(S3_0_C0_C##crm##_##op2, raw->reg[ASH_VCPU_ID_INDEX(crm##U, op2##U)])
#define ID_ROW(crm)                                                                                          \
    do {                                                                                                     \
        ID_REG(crm, 0);                                                                                      \
        ID_REG(crm, 1);                                                                                      \
        ID_REG(crm, 2);                                                                                      \
        ID_REG(crm, 3);                                                                                      \
        ID_REG(crm, 4);                                                                                      \
        ID_REG(crm, 5);                                                                                      \
        ID_REG(crm, 6);                                                                                      \
        ID_REG(crm, 7);                                                                                      \
    } while (0)

/* The whole space: reserved encodings in it read as zero, they do not fault (DDI 0487 D17.1.1). */
void ash_vcpu_el2_id_read(struct ash_vcpu_id *raw)
{
    ID_ROW(1);
    ID_ROW(2);
    ID_ROW(3);
    ID_ROW(4);
    ID_ROW(5);
    ID_ROW(6);
    ID_ROW(7);
    READ(revidr_el1, raw->revidr_el1);
    READ(aidr_el1, raw->aidr_el1);
}
