/* SPDX-License-Identifier: BSD-2-Clause */
/** What our own guests share: console, PSCI, GICv3, the virtual timer. The default guest machine's addresses. */
#ifndef TESTS_GUESTS_COMMON_GUEST_H
#define TESTS_GUESTS_COMMON_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GUEST_UART UINT64_C(0x09000000)
#define GUEST_RTC  UINT64_C(0x09010000)
#define GUEST_GPIO UINT64_C(0x09030000)
#define GUEST_WDOG UINT64_C(0x090f0000)
#define GUEST_GICD UINT64_C(0x08000000)
#define GUEST_GICR UINT64_C(0x080a0000)
#define GUEST_GICC 0x08010000U

#define GUEST_VTIMER_INTID 27U

#define guest_sysreg_read(name)                                                                              \
    __extension__({                                                                                          \
        uint64_t value_;                                                                                     \
        __asm__ volatile("mrs %0, " #name : "=r"(value_) : : "memory");                                      \
        value_;                                                                                              \
    })
#define guest_sysreg_write(name, value)                                                                      \
    do {                                                                                                     \
        uint64_t written_ = (value);                                                                         \
        __asm__ volatile("msr " #name ", %0\n\tisb" : : "r"(written_) : "memory");                           \
    } while (0)

static inline uint32_t guest_read32(uint64_t address)
{
    return *(const volatile uint32_t *)(uintptr_t)address;
}

static inline void guest_write32(uint64_t address, uint32_t value)
{
    *(volatile uint32_t *)(uintptr_t)address = value;
}

/** A guest's own: called on vCPU 0 with the device tree; returning turns the VM off. */
void guest_main(uint64_t device_tree);
/** A guest's own, if it starts others: on vCPU @number. May be left out. */
void guest_secondary(uint64_t number);
/** A guest's own: IRQ @intid, acknowledged; EOI follows. May be left out. */
void guest_interrupt(uint32_t intid);
/** A guest's own way to take an IRQ, from acknowledge to EOI. May be left out: IAR, guest_interrupt(), EOIR. */
void guest_irq(void);
/** A guest's own: any other exception; @elr may be changed. True: handled. May be left out: reports, turns off. */
bool guest_fault(unsigned vector, uint64_t *elr);

/** Where a vCPU other than 0 begins: for PSCI CPU_ON; context_id: its number. */
void guest_secondary_start(void);

void guest_exception(unsigned vector, uint64_t *elr);

void guest_print(const char *text);
void guest_print_number(uint64_t value);
void guest_print_hex(uint64_t value);

int64_t guest_hvc(uint64_t function, uint64_t a, uint64_t b, uint64_t c);
int64_t guest_smc(uint64_t function, uint64_t a, uint64_t b, uint64_t c);
_Noreturn void guest_off(void); /* a guest may have its own */

/** Distributor, this vCPU's redistributor and CPU interface on; IRQs stay masked. */
unsigned guest_gic_version(void); /* 2 or 3 */
void guest_gic_init(void);
void guest_gic_enable(uint32_t intid);
/** SGI @intid to the vCPUs in the mask @to. */
void guest_sgi(uint32_t intid, uint32_t to);
void guest_irq_unmask(void);

#endif
