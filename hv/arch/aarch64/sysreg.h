/* SPDX-License-Identifier: BSD-2-Clause */
/** System registers and barriers from C. Names the assembler may not know are given as S<op0>_<op1>_C<n>_C<m>_<op2>. */
#ifndef HV_ARCH_AARCH64_SYSREG_H
#define HV_ARCH_AARCH64_SYSREG_H

#include <stdint.h>

#define HV_SYSREG_STR_(name) #name
#define HV_SYSREG_STR(name)  HV_SYSREG_STR_(name)

#define hv_sysreg_read(name)                                                                                 \
    __extension__({                                                                                          \
        uint64_t hv_value_;                                                                                  \
        __asm__ volatile("mrs %0, " HV_SYSREG_STR(name) : "=r"(hv_value_));                                  \
        hv_value_;                                                                                           \
    })

#define hv_sysreg_write(name, value)                                                                         \
    do {                                                                                                     \
        uint64_t hv_written_ = (value);                                                                      \
        __asm__ volatile("msr " HV_SYSREG_STR(name) ", %0" : : "r"(hv_written_) : "memory");                 \
    } while (0)

#define hv_isb()      __asm__ volatile("isb" : : : "memory")
#define hv_dsb(scope) __asm__ volatile("dsb " #scope : : : "memory")
#define hv_dmb(scope) __asm__ volatile("dmb " #scope : : : "memory")

/* GICv3 CPU interface, physical (IHI 0069, 12.2). */
#define ICC_IAR1_EL1    S3_0_C12_C12_0
#define ICC_EOIR1_EL1   S3_0_C12_C12_1
#define ICC_DIR_EL1     S3_0_C12_C11_1
#define ICC_SGI1R_EL1   S3_0_C12_C11_5
#define ICC_PMR_EL1     S3_0_C4_C6_0
#define ICC_BPR1_EL1    S3_0_C12_C12_3
#define ICC_CTLR_EL1    S3_0_C12_C12_4
#define ICC_IGRPEN1_EL1 S3_0_C12_C12_7
#define ICC_SRE_EL2     S3_4_C12_C9_5
#define ICC_SRE_EL1     S3_0_C12_C12_5
#define ICC_SRE_ON      7 /* SRE, DFB, DIB */

/* GICv3 virtual CPU interface control (IHI 0069, 12.4). */
#define ICH_HCR_EL2  S3_4_C12_C11_0
#define ICH_VTR_EL2  S3_4_C12_C11_1
#define ICH_MISR_EL2 S3_4_C12_C11_2
#define ICH_VMCR_EL2 S3_4_C12_C11_7

#endif
