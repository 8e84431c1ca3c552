/* SPDX-License-Identifier: BSD-2-Clause */
/** The board as the boot code found it: physical interrupt controller, console, CPUs. */
#ifndef HV_ARCH_AARCH64_PLATFORM_H
#define HV_ARCH_AARCH64_PLATFORM_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/gic.h"
#include "drivers/uart.h"

struct hv_cpu;

struct hv_platform {
    struct hv_uart uart;
    uint32_t uart_intid; /* 0: none; of these and the next three: what the device tree says */
    uint32_t vtimer_intid;
    uint32_t ptimer_intid;
    uint32_t alarm_intid;       /* the EL2 physical timer's, a PPI; 0: none */
    uint32_t maintenance_intid; /* HV_GIC_SPURIOUS: none */
    struct hv_gic gic;
    struct hv_gic_region redistributor[4];
    uint64_t bcm_pm; /* the power block of a Raspberry Pi; 0: none */
    bool has_psci;   /* by SMC: what EL2 has above itself */
};

extern struct hv_platform hv_platform;

/** A call to the firmware above EL2 (SMCCC 1.0). Only where has_psci says that there is one. */
int64_t hv_smc(uint64_t function, uint64_t a, uint64_t b, uint64_t c);

/** Map a device's registers for hv, the whole pages of [@base, @base+@size); size 0: nothing. A panic says @what. */
void hv_map_device(struct hv_cpu *cpu, uint64_t base, uint64_t size, const char *what);

struct ash_boot_board;
/** A Raspberry Pi's mini-UART, interrupt controllers and power block, as its tree has them (bcm2836_board.c). */
void hv_bcm_open_console(struct hv_cpu *cpu, const struct ash_boot_board *board);
void hv_bcm_open_interrupts(struct hv_cpu *cpu, const struct ash_boot_board *board);
/** 256 bits of its random numbers; false: it has none, or they do not come. */
bool hv_bcm_random(struct hv_cpu *cpu, const struct ash_boot_board *board, uint32_t words[8]);

/** Is [address] in a mapped page of some CPU's stacks? */
bool hv_stack_mapped(uint64_t address);

/** Continue in @function(@arg) on the empty stack that ends at @top; the old one is left behind. */
_Noreturn void hv_call_on_stack(void (*function)(void *arg), void *arg, uint64_t top);

/** From assembly: the boot CPU with the MMU on, the others likewise. */
_Noreturn void hv_arch_boot(uint64_t dtb);
_Noreturn void hv_arch_secondary(struct hv_cpu *cpu);

#endif
