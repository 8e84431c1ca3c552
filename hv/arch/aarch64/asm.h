/* SPDX-License-Identifier: BSD-2-Clause */
/** What assembly needs to know; every offset is asserted in fault.c. */
#ifndef HV_ARCH_AARCH64_ASM_H
#define HV_ARCH_AARCH64_ASM_H

#include <libvcpu/context_offsets.h>

/* struct hv_cpu */
#define HV_CPU_VCPU           0
#define HV_CPU_STACK_TOP      8
#define HV_CPU_EMERGENCY_TOP  16
#define HV_CPU_FAULTS         24
#define HV_CPU_SERROR_AWAITED 32
#define HV_CPU_SERROR_SEEN    40
#define HV_CPU_MPIDR          128

#define HV_SPIN_CPUS 16 /* HV_MAX_CPUS */

/* struct hv_vcpu, and enum hv_exit_reason */
#define HV_VCPU_EXITS        1184
#define HV_EXIT_COUNT_IRQ    0
#define HV_EXIT_COUNT_HVC    1
#define HV_EXIT_COUNT_SMC    2
#define HV_EXIT_COUNT_SYSREG 3
#define HV_EXIT_COUNT_ABORT  4

/* struct hv_el2_fault, pushed on the emergency stack: x0..x30, sp, then ELR, SPSR, ESR, FAR */
#define HV_FAULT_X0   0
#define HV_FAULT_SP   248
#define HV_FAULT_ELR  256
#define HV_FAULT_SPSR 264
#define HV_FAULT_ESR  272
#define HV_FAULT_FAR  280
#define HV_FAULT_KIND 288
#define HV_FAULT_SIZE 304

#define R_AARCH64_RELATIVE 1027

#define HCR_EL2_RW 0x80000000

/* SCTLR_EL2 with its RES1 bits alone: [29:28], [23:22], 18, 16, 11, [5:4] (DDI 0487 D17.2). */
#define SCTLR_EL2_RES1 0x30c50830

/* enum hv_verdict beside (exit.h) */
#define HV_EXIT_SLOW 2

#define ESR_EC_SHIFT      26
#define ESR_EC_HVC64      0x16
#define ESR_EC_SMC64      0x17
#define ESR_EC_SYSREG     0x18
#define ESR_EC_DATA_ABORT 0x24
#define ESR_SRT_SHIFT     16 /* data abort: the register */
#define ESR_RT_SHIFT      5  /* system register */

#endif
