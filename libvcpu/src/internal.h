/* SPDX-License-Identifier: BSD-2-Clause */
/** Fields that several files of the library take apart. DDI 0487 D17.2 "ESR_ELx", "PAR_EL1". */
#ifndef LIBVCPU_INTERNAL_H
#define LIBVCPU_INTERNAL_H

#include <libbase/bits.h>

#include <libvcpu/psci.h>

#define ESR_IL ASH_BIT(25)

/* ISS of aborts. */
#define ESR_ISV   ASH_BIT(24)
#define ESR_SSE   ASH_BIT(21)
#define ESR_SF    ASH_BIT(15)
#define ESR_AR    ASH_BIT(14)
#define ESR_FNV   ASH_BIT(10)
#define ESR_CM    ASH_BIT(8)
#define ESR_S1PTW ASH_BIT(7)
#define ESR_WNR   ASH_BIT(6)
#define ESR_FSC   ASH_MASK(5, 0)

/* ISS of AArch32 instructions. */
#define ESR_CV ASH_BIT(24)

#define PAR_F  ASH_BIT(0)
#define PAR_PA ASH_MASK(51, 12)

#define PAGE_OFFSET UINT64_C(0xfff)

/* The low @size bytes, 1..8, and those in the other order. */
static inline uint64_t low_bytes(uint64_t value, unsigned size)
{
    return size >= 8U ? value : value & (ASH_BIT(8U * size) - 1U);
}

static inline uint64_t swapped(uint64_t value, unsigned size)
{
    return __builtin_bswap64(value) >> (64U - 8U * size);
}

/* ---- The firmware interface: smccc.c dispatches to psci.c, trng.c and pvtime.c ---- */

/* Of a function identifier: parameters and results are 64 bits wide (DEN0028 2.5). */
#define SMCCC_64 UINT32_C(0x40000000)

#define PSCI_1_1  INT64_C(0x00010001)
#define SMCCC_1_2 INT64_C(0x00010002)

/* Is @id in PSCI's range, whether there or not? */
static inline bool ash_vcpu_is_psci_(uint32_t id)
{
    return (id & ~SMCCC_64 & ~UINT32_C(0x1f)) == ASH_VCPU_PSCI_VERSION;
}

/* The function of @id as the VM is offered it, or NULL. */
const struct ash_vcpu_smccc_function *ash_vcpu_smccc_find_(const struct ash_vcpu_psci *psci, uint32_t id);
const struct ash_vcpu_smccc_function *ash_vcpu_psci_find_(const struct ash_vcpu_psci *psci, uint32_t id);
const struct ash_vcpu_smccc_function *ash_vcpu_trng_find_(const struct ash_vcpu_psci *psci, uint32_t id);
const struct ash_vcpu_smccc_function *ash_vcpu_pvtime_find_(const struct ash_vcpu_psci *psci, uint32_t id);
const struct ash_vcpu_smccc_function *ash_vcpu_smccc_find_in_(const struct ash_vcpu_smccc_function *table,
                                                              size_t count, uint32_t id);

/* A UID in w0..w3. */
int64_t ash_vcpu_smccc_uid_(const uint32_t uid[4], const struct ash_vcpu_smccc_call *call);

#endif
