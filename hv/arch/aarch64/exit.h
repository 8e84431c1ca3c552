/* SPDX-License-Identifier: BSD-2-Clause */
/** The vectors' way into C. x19..x29 are in the context for all but HVC and IRQ. IRQs masked throughout. */
#ifndef HV_ARCH_AARCH64_EXIT_H
#define HV_ARCH_AARCH64_EXIT_H

#include <stdint.h>

#include "arch/aarch64/asm.h"
#include "core/verdict.h"

struct hv_cpu;
struct hv_vcpu;

enum hv_verdict hv_exit_hvc(struct hv_cpu *cpu, uint64_t esr);
enum hv_verdict hv_exit_sync(struct hv_cpu *cpu, uint64_t esr);
enum hv_verdict hv_exit_serror(struct hv_cpu *cpu, uint64_t esr);
enum hv_verdict hv_exit_unexpected(struct hv_cpu *cpu, uint64_t esr);

/** The short ways: x19..x29 of the guest in place, but that the one which the instruction names is in the context; ELR
 *  and SPSR in their registers. enum hv_verdict, or HV_EXIT_SLOW: nothing has changed, take the long way. */
int hv_exit_fast_abort(struct hv_cpu *cpu, uint64_t esr);
int hv_exit_fast_smc(struct hv_cpu *cpu, uint64_t esr);
int hv_exit_fast_sysreg(struct hv_cpu *cpu, uint64_t esr);

/** Say what @vcpu did, with its registers: before its VM is stopped. */
void hv_exit_report(struct hv_vcpu *vcpu, const char *what);
/** The same with the syndrome decoded; @ipa 0: not known. */
void hv_exit_report_abort(struct hv_vcpu *vcpu, const char *what, uint64_t esr, uint64_t far, uint64_t ipa);

#endif
