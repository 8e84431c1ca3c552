/* SPDX-License-Identifier: BSD-2-Clause */
/** The smaller blocks of a BCM2837: GPIO, power management with its watchdog, random numbers.
 *
 *  GPIO (BCM2835 ARM Peripherals, chapter 6): functions, outputs and pulls read back; inputs are low, and no event
 *  is ever detected. Power management (Linux names its registers in include/soc/bcm2835: RSTC, RSTS, WDOG): the
 *  watchdog counts down at 65536 Hz, and @now is in its ticks. At 0, or at once if it does not count, a full reset
 *  that RSTC asks for happens, and RSTS says whether that is a halt. Random numbers: always there.
 *  Lock domain of everything here: the VM's devices. No call waits, none fails for what a guest wrote.
 */
#ifndef HV_VDEV_BCM_BLOCKS_H
#define HV_VDEV_BCM_BLOCKS_H

#include <stdbool.h>
#include <stdint.h>

#define HV_BCM_GPIO_WORDS 41U /* 0x00 to 0xa0 */
#define HV_BCM_PM_HZ      UINT64_C(65536)

struct hv_bcm_gpio {
    uint32_t reg[HV_BCM_GPIO_WORDS]; /* storage, by offset / 4; the levels of the outputs in GPSET's */
};

void hv_bcm_gpio_reset(struct hv_bcm_gpio *gpio);
uint32_t hv_bcm_gpio_read(const struct hv_bcm_gpio *gpio, uint64_t offset);
void hv_bcm_gpio_write(struct hv_bcm_gpio *gpio, uint64_t offset, uint32_t value);

enum hv_bcm_power { HV_BCM_POWER_ON, HV_BCM_POWER_RESET, HV_BCM_POWER_HALT };

struct hv_bcm_pm {
    uint32_t rstc; /* without the password */
    uint32_t rsts;
    uint64_t zero_at; /* when the watchdog is 0 */
    enum hv_bcm_power power;
};

void hv_bcm_pm_reset(struct hv_bcm_pm *pm, uint64_t now);
uint32_t hv_bcm_pm_read(const struct hv_bcm_pm *pm, uint64_t now, uint64_t offset);
void hv_bcm_pm_write(struct hv_bcm_pm *pm, uint64_t now, uint64_t offset, uint32_t value);
/** Is a reset due by @now? Then @power says which, for good. */
void hv_bcm_pm_update(struct hv_bcm_pm *pm, uint64_t now);
/** When it is; UINT64_MAX: none was asked for, or it has happened. */
uint64_t hv_bcm_pm_deadline(const struct hv_bcm_pm *pm);
/** The watchdog stood still for @ticks. */
void hv_bcm_pm_skip(struct hv_bcm_pm *pm, uint64_t ticks);

struct hv_bcm_rng {
    bool runs;
    uint32_t mask; /* of its interrupt, which it has not */
};

/** @random: a number that nobody has seen, for a read of the data. */
uint32_t hv_bcm_rng_read(const struct hv_bcm_rng *rng, uint64_t offset, uint32_t random);
void hv_bcm_rng_write(struct hv_bcm_rng *rng, uint64_t offset, uint32_t value);
bool hv_bcm_rng_is_data(uint64_t offset);

#endif
