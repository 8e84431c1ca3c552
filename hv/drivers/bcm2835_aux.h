/* SPDX-License-Identifier: BSD-2-Clause */
/** A Raspberry Pi's mini-UART as hv's console ("BCM2835 ARM Peripherals", chapter 2; the bits of IER and LCR as its
 *  list of errata has them). Eight bytes of FIFO each way, and a rate that is derived from the VideoCore's core clock.
 *  Pins and, where it has set one, rate are as the firmware left them.
 *  Lock domain: the console. In a panic it is used without. */
#ifndef HV_DRIVERS_BCM2835_AUX_H
#define HV_DRIVERS_BCM2835_AUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HV_BCM2835_AUX_RATE 115200U
/** What the firmware fixes the core clock to with enable_uart=1 in config.txt, Hz. */
#define HV_BCM2835_AUX_CORE_CLOCK 250000000U

struct hv_bcm2835_aux {
    uint64_t base; /* of AUX_MU_IO_REG, as the device tree has it; 0: there is none, and nothing below acts */
    uint32_t interrupts; /* AUX_MU_IER_REG */
};

/** Has somebody set its rate? */
bool hv_bcm2835_aux_has_rate(uint64_t base);

/** Enable it, interrupts off. core_clock: Hz; for HV_BCM2835_AUX_RATE where no rate is set, else unused. */
void hv_bcm2835_aux_init(struct hv_bcm2835_aux *uart, uint64_t base, uint32_t core_clock);

/** As those of pl011.h. */
void hv_bcm2835_aux_write(const struct hv_bcm2835_aux *uart, const char *bytes, size_t size);
size_t hv_bcm2835_aux_offer(const struct hv_bcm2835_aux *uart, const char *bytes, size_t size);
void hv_bcm2835_aux_flush(const struct hv_bcm2835_aux *uart);
int hv_bcm2835_aux_read(const struct hv_bcm2835_aux *uart);
void hv_bcm2835_aux_listen(struct hv_bcm2835_aux *uart, bool listen);
void hv_bcm2835_aux_want_room(struct hv_bcm2835_aux *uart, bool wanted);

#endif
