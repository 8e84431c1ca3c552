/* SPDX-License-Identifier: BSD-2-Clause */
/* What is typed comes back, by interrupts: on the mini-UART (AUX interrupt 29), or with PI_PL011 on the PL011
 * (57). 'q' ends it. */
#include "pi/pi.h"

#define RING 4096U

static volatile char ring[RING];
static volatile unsigned head;
static volatile unsigned lost; /* interrupts for nothing */

static bool take(char *c)
{
#ifdef PI_PL011
    if ((get32(UART_FR) & 0x10U) != 0U) {
        return false;
    }
    *c = (char)get32(UART_DR);
#else
    if ((get32(AUX_LSR) & 1U) == 0U) {
        return false;
    }
    *c = (char)get32(AUX_IO);
#endif
    return true;
}

static bool is_ours(void)
{
    if ((get32(LOCAL_IRQ(0)) & SOURCE_GPU) == 0U) {
        return false;
    }
#ifdef PI_PL011
    return (get32(IC_PEND2) & 1U << (IRQ_UART - 32U)) != 0U;
#else
    return (get32(IC_PEND1) & 1U << IRQ_AUX) != 0U && (get32(AUX_IIR) & 6U) == 4U;
#endif
}

struct pi_frame *pi_irq(struct pi_frame *frame)
{
    char c;

    if (!is_ours()) {
        lost++;
        return frame;
    }
    while (take(&c)) {
        ring[head % RING] = c;
        head++;
    }
#ifdef PI_PL011
    put32(UART_ICR, 0x50);
#endif
    return frame;
}

static void listen(void)
{
#ifdef PI_PL011
    put32(UART_IMSC, 0x50);
    put32(IC_ENABLE2, 1U << (IRQ_UART - 32U));
#else
    put32(AUX_IIR, 0xc6);
    put32(AUX_IER, 0xd); /* receive, and the two bits that the errata want */
    put32(IC_ENABLE1, 1U << IRQ_AUX);
#endif
    pi_irq_on();
}

void pi_main(uint64_t boot, uint64_t el)
{
    unsigned tail = 0;
    char c;

    (void)boot;
    (void)el;
#ifdef PI_PL011
    pi_use_pl011();
#else
    pi_use_mini_uart();
#endif
    listen();
    pi_print("echo: type, q ends\n"); /* from here on nothing is lost */
    do {
        pi_irq_off(); /* one that comes between the look and the WFI ends it */
        while (tail == head) {
            __asm__ volatile("wfi" : : : "memory");
            pi_irq_on();
            pi_irq_off();
        }
        pi_irq_on();
        c = ring[tail++ % RING];
        pi_put(c);
        if (c == '\r') {
            pi_put('\n');
        }
    } while (c != 'q');
    pi_print("\necho: ");
    pi_number(lost);
    pi_print(" interrupts for nothing\n");
}
