/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_GUESTS_PSCI_PSCI_H
#define TESTS_GUESTS_PSCI_PSCI_H

#include <stdint.h>

#define PSCI(number)        (UINT64_C(0x84000000) + (number))
#define PSCI64(number)      (UINT64_C(0xc4000000) + (number))
#define PSCI_VERSION        PSCI(0)
#define PSCI_CPU_SUSPEND    PSCI64(1)
#define PSCI_CPU_OFF        PSCI(2)
#define PSCI_CPU_ON         PSCI64(3)
#define PSCI_AFFINITY_INFO  PSCI64(4)
#define PSCI_MIGRATE_TYPE   PSCI(6)
#define PSCI_FEATURES       PSCI(0xa)
#define PSCI_DEFAULT        PSCI64(0xc)
#define PSCI_SYSTEM_SUSPEND PSCI64(0xe)
#define PSCI_RESET2         PSCI64(0x12)
#define SMCCC_VERSION       UINT64_C(0x80000000)
#define SMCCC_FEATURES      UINT64_C(0x80000001)
#define SMCCC_WORKAROUND_1  UINT64_C(0x80008000)
#define SMCCC_HYP_UID       UINT64_C(0x8600ff01)
#define TRNG_VERSION        UINT64_C(0x84000050)
#define TRNG_RND64          UINT64_C(0xc4000053)

/* DEN0022 5.2.2 */
#define SUCCESS            0
#define NOT_SUPPORTED      (-1)
#define INVALID_PARAMETERS (-2)
#define DENIED             (-3)
#define ALREADY_ON         (-4)
#define ON_PENDING         (-5)
#define INVALID_ADDRESS    (-9)

#define PSCI_VCPUS   4U
#define PSCI_SGI     3U
#define PSCI_RTC_IRQ 34U
#define PSCI_ALARMS  psci_taken(PSCI_RTC_IRQ)
#define PSCI_OUTSIDE UINT64_C(0x1000) /* no RAM */

/** The results' 32 bits: the rest of x0 is not theirs in a call of 32 bits (DEN0028 3.1). */
int32_t psci_result32(uint64_t function, uint64_t a, uint64_t b, uint64_t c);
/** How often vCPU 0 has taken this interrupt. */
uint64_t psci_taken(uint32_t intid);

/** Which functions there are, by FEATURES and by being called; every other id; registers over calls. */
void psci_check_functions(void);
void psci_check_registers(void);
/** CPU_SUSPEND, CPU_DEFAULT_SUSPEND, SYSTEM_SUSPEND; vCPU 0 alone is on. */
void psci_check_suspend(void);

void psci_registers_hvc(uint64_t x[31]);
void psci_registers_smc(uint64_t x[31]);
void psci_entry(void);

#endif
