/* SPDX-License-Identifier: BSD-2-Clause */
/** A Raspberry Pi's random number generator (binding brcm,bcm2835-rng). Its output is mixed into hv's DRBG, and goes to
 *  nobody as it is. Boot CPU, before the others run. */
#ifndef HV_DRIVERS_BCM2835_RNG_H
#define HV_DRIVERS_BCM2835_RNG_H

#include <stdbool.h>
#include <stdint.h>

/** Turn it on and take @count words. False: one did not come within 100 ms; @words are then of no use. */
bool hv_bcm2835_rng_read(uint64_t base, uint32_t *words, unsigned count);

#endif
