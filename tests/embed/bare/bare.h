/* SPDX-License-Identifier: BSD-2-Clause */
/* What the three programs share: a console, an end, and EL1. QEMU's virt board. */
#ifndef BARE_H
#define BARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PSTATE_EL1H UINT64_C(0x3c5) /* EL1h, all masked */

/* Offsets are start.S's. */
struct guest {
    uint64_t x[31];
    uint64_t pc;
    uint64_t pstate;
};

#define SYSREG_READ(name)                                                                                    \
    __extension__({                                                                                          \
        uint64_t value_;                                                                                     \
        __asm__ volatile("mrs %0, " #name : "=r"(value_));                                                   \
        value_;                                                                                              \
    })
#define SYSREG_WRITE(name, value) __asm__ volatile("msr " #name ", %0" : : "r"((uint64_t)(value)) : "memory")

int guest_run(struct guest *guest);
_Noreturn void machine_off(void);

void print(const char *text);
void print_hex(uint64_t value);

/* Prints FAIL and turns the machine off. */
_Noreturn void fail(const char *what, uint64_t value);
void expect(bool claim, const char *what);
void expect_equal(uint64_t is, uint64_t should_be, const char *what);

/* Run until the guest's HVC #@number; anything else is a failure. */
void run_to_hvc(struct guest *guest, unsigned number);

/* The program: returns when all went well. */
void program(void);
void bare_main(void);
_Noreturn void own_fault(uint64_t esr, uint64_t elr);

#endif
