/* SPDX-License-Identifier: BSD-2-Clause */
/** The vectors' way into C. x19..x29 are in the context for all but HVC and IRQ. IRQs masked throughout. */
#ifndef HV_ARCH_AARCH64_EXIT_H
#define HV_ARCH_AARCH64_EXIT_H

#include <stdint.h>

#include "core/verdict.h"

struct hv_cpu;
struct hv_vcpu;

enum hv_verdict hv_exit_hvc(struct hv_cpu *cpu);
enum hv_verdict hv_exit_sync(struct hv_cpu *cpu, uint64_t esr);
enum hv_verdict hv_exit_serror(struct hv_cpu *cpu, uint64_t esr);
enum hv_verdict hv_exit_unexpected(struct hv_cpu *cpu, uint64_t esr);

/** Say what @vcpu did, with its registers: before its VM is stopped. */
void hv_exit_report(struct hv_vcpu *vcpu, const char *what);
/** The same with the syndrome decoded; @ipa 0: not known. */
void hv_exit_report_abort(struct hv_vcpu *vcpu, const char *what, uint64_t esr, uint64_t far, uint64_t ipa);

#endif
