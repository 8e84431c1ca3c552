/* SPDX-License-Identifier: BSD-2-Clause */
/** A guest that does everything it should not, at random, on two vCPUs, for ever. It lives for half a second, then it
 *  resets itself, with a new seed. */
#ifndef TESTS_GUESTS_CHAOS_CHAOS_H
#define TESTS_GUESTS_CHAOS_CHAOS_H

#define CHAOS_CODE_STEP 64
#ifndef __ASSEMBLER__

#include <stdbool.h>
#include <stdint.h>

#define CHAOS_VCPUS 2U
#define CHAOS_HOLE  UINT64_C(0x80000000) /* nothing is there, and stage 1 lets us fetch */
#define CHAOS_RAM   UINT64_C(0x40000000)

struct chaos_self {
    uint64_t random;
    uint64_t acts;
    uint64_t kind; /* of the act under way, for who looks from outside */
};
extern struct chaos_self chaos_self[CHAOS_VCPUS];
extern uint64_t chaos_faults[CHAOS_VCPUS];
extern uint32_t chaos_code[];
extern char chaos_vectors[];
extern uint64_t chaos_deadline; /* of CNTVCT_EL0: the end of this life */

uint64_t chaos_vcpu(void);
uint64_t chaos_random(void);
uint64_t chaos_below(uint64_t bound);
bool chaos_one_in(uint64_t n);
/** An address of interest: devices and their ends, holes, RAM's ends, scratch memory, anything. Not our code. */
uint64_t chaos_address(void);
/** A value of interest. */
uint64_t chaos_value(void);

_Noreturn void chaos_loop(void);
_Noreturn void chaos_again(void);
void chaos_secondary(void);
_Noreturn void chaos_execute(const uint64_t *registers, uint64_t vcpu);
void chaos_interrupt(void);
/** This one word, then chaos_again(). Interrupts as @irqs says. */
_Noreturn void chaos_run(uint32_t word, const uint64_t *registers);

/* virtio.c */
void chaos_virtio(void);

/* tables.c */
void chaos_tables_build(void);
void chaos_mmu_on(void);
bool chaos_mmu_is_on(void);
/** Upper half of the address space: tables of anything; changed, flushed or not, walked and used. */
void chaos_tables(void);

#endif
#endif
