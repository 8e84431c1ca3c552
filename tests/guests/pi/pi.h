/* SPDX-License-Identifier: BSD-2-Clause */
/** What our Raspberry Pi programs share. They run on a board, on `qemu-system-aarch64 -M raspi3b -kernel` and in a
 *  VM with machine = "bcm2837" alike. Registers: BCM2835 ARM Peripherals; QA7 rev 3.4 (local block). */
#ifndef TESTS_GUESTS_PI_PI_H
#define TESTS_GUESTS_PI_PI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PI_IO       0x3f000000U
#define ST_CS       (PI_IO + 0x3000U)
#define ST_CLO      (PI_IO + 0x3004U)
#define ST_CHI      (PI_IO + 0x3008U)
#define ST_C1       (PI_IO + 0x3010U)
#define ST_C3       (PI_IO + 0x3018U)
#define IC_BASIC    (PI_IO + 0xb200U)
#define IC_PEND1    (PI_IO + 0xb204U)
#define IC_PEND2    (PI_IO + 0xb208U)
#define IC_FIQ      (PI_IO + 0xb20cU)
#define IC_ENABLE1  (PI_IO + 0xb210U)
#define IC_ENABLE2  (PI_IO + 0xb214U)
#define IC_DISABLE1 (PI_IO + 0xb21cU)
#define IC_DISABLE2 (PI_IO + 0xb220U)
#define MB_READ     (PI_IO + 0xb880U)
#define MB_STATUS   (PI_IO + 0xb898U)
#define MB_WRITE    (PI_IO + 0xb8a0U)
#define PM_RSTC     (PI_IO + 0x10001cU)
#define PM_RSTS     (PI_IO + 0x100020U)
#define PM_WDOG     (PI_IO + 0x100024U)
#define RNG_CTRL    (PI_IO + 0x104000U)
#define RNG_STATUS  (PI_IO + 0x104004U)
#define RNG_DATA    (PI_IO + 0x104008U)
#define GPFSEL1     (PI_IO + 0x200004U)
#define GPPUD       (PI_IO + 0x200094U)
#define GPPUDCLK0   (PI_IO + 0x200098U)
#define UART_DR     (PI_IO + 0x201000U)
#define UART_FR     (PI_IO + 0x201018U)
#define UART_IBRD   (PI_IO + 0x201024U)
#define UART_FBRD   (PI_IO + 0x201028U)
#define UART_LCRH   (PI_IO + 0x20102cU)
#define UART_CR     (PI_IO + 0x201030U)
#define UART_IMSC   (PI_IO + 0x201038U)
#define UART_MIS    (PI_IO + 0x201040U)
#define UART_ICR    (PI_IO + 0x201044U)
#define AUX_ENB     (PI_IO + 0x215004U)
#define AUX_IO      (PI_IO + 0x215040U)
#define AUX_IER     (PI_IO + 0x215044U)
#define AUX_IIR     (PI_IO + 0x215048U)
#define AUX_LCR     (PI_IO + 0x21504cU)
#define AUX_MCR     (PI_IO + 0x215050U)
#define AUX_LSR     (PI_IO + 0x215054U)
#define AUX_CNTL    (PI_IO + 0x215060U)
#define AUX_BAUD    (PI_IO + 0x215068U)

#define LOCAL             0x40000000U
#define LOCAL_GPU_ROUTING (LOCAL + 0x0cU)
#define LOCAL_TIMERS(n)   (LOCAL + 0x40U + 4U * (n))
#define LOCAL_MAILBOX(n)  (LOCAL + 0x50U + 4U * (n))
#define LOCAL_IRQ(n)      (LOCAL + 0x60U + 4U * (n))
#define LOCAL_FIQ(n)      (LOCAL + 0x70U + 4U * (n))
#define LOCAL_SET(n, m)   (LOCAL + 0x80U + 16U * (n) + 4U * (m))
#define LOCAL_CLEAR(n, m) (LOCAL + 0xc0U + 16U * (n) + 4U * (m))
#define SOURCE_CNTP       0x002U
#define SOURCE_CNTV       0x008U
#define SOURCE_MAILBOX0   0x010U
#define SOURCE_GPU        0x100U

#define IRQ_C1   1U
#define IRQ_C3   3U
#define IRQ_AUX  29U
#define IRQ_UART 57U

#define pi_read(name)                                                                                        \
    __extension__({                                                                                          \
        uint64_t value_;                                                                                     \
        __asm__ volatile("mrs %0, " #name : "=r"(value_) : : "memory");                                      \
        value_;                                                                                              \
    })
#define pi_write(name, value)                                                                                \
    do {                                                                                                     \
        uint64_t written_ = (value);                                                                         \
        __asm__ volatile("msr " #name ", %0\n\tisb" : : "r"(written_) : "memory");                           \
    } while (0)

static inline uint32_t get32(uint32_t address)
{
    return *(const volatile uint32_t *)(uintptr_t)address;
}

static inline void put32(uint32_t address, uint32_t value)
{
    *(volatile uint32_t *)(uintptr_t)address = value;
}

/** What an exception saves: start.S. */
struct pi_frame {
    uint64_t x[31];
    uint64_t elr;
    uint64_t spsr;
    uint64_t sp_el0;
    uint64_t unused[2];
};

/** A program's own. @boot: x0 at the start; @el: the exception level it was at. Returning turns the board off. */
void pi_main(uint64_t boot, uint64_t el);
/** Likewise, on a core that pi_start_core() started. May be left out. */
void pi_core(uint64_t core);
/** Likewise: an IRQ, a FIQ; a synchronous exception (true: go on with *@frame). The frame to go on with. May be left
 *  out. */
struct pi_frame *pi_irq(struct pi_frame *frame);
struct pi_frame *pi_fiq(struct pi_frame *frame);
struct pi_frame *pi_sync(struct pi_frame *frame);

struct pi_frame *pi_exception(uint64_t kind, struct pi_frame *frame);
void pi_secondary(void);

/** Which UART pi_print() and pi_put() use; PL011 if not called. Both set their pins up, as tutorials do. */
void pi_use_mini_uart(void);
void pi_use_pl011(void);
void pi_put(char c);
void pi_print(const char *text);
void pi_number(uint64_t value);
void pi_hex(uint64_t value);

void pi_start_core(uint64_t core);
void pi_irq_on(void);
void pi_irq_off(void);
_Noreturn void pi_off(void);

#endif
