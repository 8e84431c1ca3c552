/* SPDX-License-Identifier: BSD-2-Clause */
/** The registers of a vCPU to and from the hardware. Target vcpu_el2; runs at EL2, non-VHE, IRQs masked, on the CPU
 *  that owns the vCPU. Lock domain: the vCPU. x0..x30, PC and PSTATE are the world switch's, timers libvtimer's.
 *  Manual: Arm ARM DDI 0487, D17; D1.3.4 "Exception return" (a context synchronisation event). */
#ifndef LIBVCPU_EL2_H
#define LIBVCPU_EL2_H

#include <libvcpu/context.h>
#include <libvcpu/id.h>
#include <libvcpu/inject.h>

#ifdef __cplusplus
extern "C" {
#endif

/** EL1 and EL0 registers (ctx->sys) to the hardware, VPIDR_EL2 and VMPIDR_EL2 included. All are written. The next
 *  context synchronisation event (the ERET) makes them take effect. Stage 2 of the VM may be loaded before or after;
 *  on CPUs with speculative-AT errata the caller orders the two. */
void ash_vcpu_el2_load(const struct ash_vcpu_context *ctx);

/** And back. The hardware keeps the values. */
void ash_vcpu_el2_save(struct ash_vcpu_context *ctx);

/** V0..V31, FPCR, FPSR. CPTR_EL2.TFP is 0 and that has been synchronised. */
void ash_vcpu_el2_fp_load(const struct ash_vcpu_fp *fp);
void ash_vcpu_el2_fp_save(struct ash_vcpu_fp *fp);

/** Take @exception on a *loaded* vCPU: reads the live SCTLR_EL1 and VBAR_EL1, writes ESR_EL1, ELR_EL1, SPSR_EL1,
 *  FAR_EL1; ctx->pc and ctx->pstate become those of the handler. Errors as ash_vcpu_exception_take(). */
int ash_vcpu_el2_inject(struct ash_vcpu_context *ctx, const struct ash_vcpu_exception *exception,
                        const struct ash_vcpu_pstate_features *features) ASH_NODISCARD;

/** The live SCTLR_EL1, for ash_vcpu_is_big_endian(). */
uint64_t ash_vcpu_el2_sctlr(void);

/** The ID registers of this CPU as they are. */
void ash_vcpu_el2_id_read(struct ash_vcpu_id *raw);

/** Translate @va as the guest's stage 1 does, for an access from EL1 or, with @user, EL0, a store with @write. The
 *  guest's PAR_EL1 is kept. *@par as AT leaves it, for ash_vcpu_par_ipa(). Its stage 1 walks through stage 2: on a
 *  fault there AT reports F=1. DDI 0487 C6.2 "AT". */
void ash_vcpu_el2_translate(uint64_t va, bool write, bool user, uint64_t *par);

#ifdef __cplusplus
}
#endif

#endif
