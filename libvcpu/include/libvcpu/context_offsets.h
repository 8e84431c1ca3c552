/* SPDX-License-Identifier: BSD-2-Clause */
/** Offsets into struct ash_vcpu_context, bytes, usable from assembly. <libvcpu/context.h> asserts each. */
#ifndef LIBVCPU_CONTEXT_OFFSETS_H
#define LIBVCPU_CONTEXT_OFFSETS_H

#define ASH_VCPU_CTX_X0       0 /* x0..x30, 8 bytes each: X0 + 8 * n */
#define ASH_VCPU_CTX_X30      240
#define ASH_VCPU_CTX_PC       248 /* ELR_EL2; within reach of LDP and STP (7-bit scaled offset) */
#define ASH_VCPU_CTX_PSTATE   256 /* SPSR_EL2 */
#define ASH_VCPU_CTX_FEATURES 264 /* ASH_VCPU_FEATURE_* */
#define ASH_VCPU_CTX_SYS      272 /* struct ash_vcpu_sys */
#define ASH_VCPU_CTX_FP       656 /* struct ash_vcpu_fp, 16-byte aligned */
#define ASH_VCPU_CTX_FP_V0    656 /* v0..v31, 16 bytes each */
#define ASH_VCPU_CTX_FPCR     1168
#define ASH_VCPU_CTX_FPSR     1176
#define ASH_VCPU_CTX_SIZE     1184

/** The same, into struct ash_vcpu_fp. */
#define ASH_VCPU_FP_V0   0
#define ASH_VCPU_FP_FPCR 512
#define ASH_VCPU_FP_FPSR 520

#endif
