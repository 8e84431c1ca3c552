/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_GUESTS_CPU_CPU_H
#define TESTS_GUESTS_CPU_CPU_H

#include <stdbool.h>
#include <stdint.h>

/** Kinds of exit that a register has to survive. */
enum cpu_exit {
    EXIT_HVC,
    EXIT_SMC,
    EXIT_SYSREG,
    EXIT_DEVICE,
    EXIT_PAIR,
    EXIT_SET_WAY,
    EXIT_ABORT,
    EXIT_UNDEF,
    EXITS
};

/** Fill V0..V31, FPCR, FPSR from @in, make the exit, read them back into @out: 66 doublewords. */
void cpu_fp_over(uint64_t exit, const uint64_t *in, uint64_t *out);

void check_id_registers(void);
void check_reach(void);
/** DISR_EL1, where there is one: a value of this vCPU's own, and whether it still holds. On vCPU 0 first. */
void deferred_begin(uint64_t number);
void deferred_look(uint64_t number);
void check_deferred(void);
void check_fp(void);
void check_pauth(void);
/** On two vCPUs. */
void check_maintenance(void);
void check_waiting(void);
/** On the other vCPU: do what vCPU 0 asks for, and say so. */
void maintenance_secondary(uint64_t request);
void waiting_secondary(uint64_t request);
/** Ask the other vCPU, and wait until it has done so. */
bool cpu_ask(uint64_t request);
/** Ask, and do not wait. */
void cpu_post(uint64_t request);
enum { ASK_READ = 1, ASK_SEV, ASK_FLUSH, ASK_EXECUTE };

#endif
