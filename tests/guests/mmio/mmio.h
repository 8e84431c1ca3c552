/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_GUESTS_MMIO_MMIO_H
#define TESTS_GUESTS_MMIO_MMIO_H

#include <stdint.h>

extern uint64_t mmio_registers[31];
extern const uint32_t mmio_slot[]; /* where the instruction is */
void mmio_run(uint32_t word);

/** What the CPU gives no syndrome for. */
void check_accesses_without_syndrome(void);
/** The same in big-endian order: with the MMU off, for SCTLR_EL1.EE turns the tables around, too. */
void check_big_endian_pairs(void);

#endif
