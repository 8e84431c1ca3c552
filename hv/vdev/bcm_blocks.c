/* SPDX-License-Identifier: BSD-2-Clause */
#include "vdev/bcm_blocks.h"

#include <libbase/mem.h>
#include <libbase/nospec.h>

/* ---- GPIO: BCM2835 ARM Peripherals 6.1 --------------------------------------------------------------------------- */

enum {
    FSEL0 = 0x00 / 4,
    FSEL5 = 0x14 / 4,
    SET0 = 0x1c / 4,
    SET1 = 0x20 / 4,
    CLR0 = 0x28 / 4,
    CLR1 = 0x2c / 4,
    LEV0 = 0x34 / 4,
    LEV1 = 0x38 / 4,
    REN0 = 0x4c / 4,
    AFEN1 = 0x8c / 4,
    PUD = 0x94 / 4,
    PUDCLK0 = 0x98 / 4,
    PUDCLK1 = 0x9c / 4
};

#define PINS_1     0x003fffffU /* 32 to 53 */
#define FSEL_BITS  0x3fffffffU /* ten pins of three bits */
#define FSEL5_BITS 0x00000fffU /* four */
#define FSEL_PINS  10U
#define OUTPUT     1U

void hv_bcm_gpio_reset(struct hv_bcm_gpio *gpio)
{
    memset(gpio, 0, sizeof(*gpio));
}

/** The bits that a write of storage word @word keeps; 0: it is none. */
static uint32_t gpio_mask(uint64_t word)
{
    if (word <= FSEL5) {
        return word < FSEL5 ? FSEL_BITS : FSEL5_BITS;
    }
    if (word == PUD) {
        return 3;
    }
    if (word == PUDCLK0 || word == PUDCLK1) {
        return word == PUDCLK0 ? UINT32_MAX : PINS_1;
    }
    if (word < REN0 || word > AFEN1 || (word - REN0) % 3U == 2U) {
        return 0;
    }
    return (word - REN0) % 3U == 0U ? UINT32_MAX : PINS_1;
}

static uint32_t gpio_levels(const struct hv_bcm_gpio *gpio, unsigned bank)
{
    uint32_t levels = 0;

    for (unsigned i = 0; i < 32U; i++) {
        unsigned pin = 32U * bank + i;

        if (pin < 54U && (gpio->reg[pin / FSEL_PINS] >> (3U * (pin % FSEL_PINS)) & 7U) == OUTPUT) {
            levels |= 1U << i;
        }
    }
    return levels & gpio->reg[SET0 + bank];
}

uint32_t hv_bcm_gpio_read(const struct hv_bcm_gpio *gpio, uint64_t offset)
{
    uint64_t word = offset / 4U;

    if (word == LEV0 || word == LEV1) {
        return gpio_levels(gpio, word == LEV0 ? 0U : 1U);
    }
    return word < HV_BCM_GPIO_WORDS && gpio_mask(word) != 0U
               ? gpio->reg[ash_index_nospec(word, HV_BCM_GPIO_WORDS)]
               : 0U;
}

void hv_bcm_gpio_write(struct hv_bcm_gpio *gpio, uint64_t offset, uint32_t value)
{
    uint64_t word = offset / 4U;

    if (word == SET0 || word == SET1) {
        gpio->reg[word] |= value;
    } else if (word == CLR0 || word == CLR1) {
        gpio->reg[word - CLR0 + SET0] &= ~value;
    } else if (word < HV_BCM_GPIO_WORDS && gpio_mask(word) != 0U) {
        gpio->reg[ash_index_nospec(word, HV_BCM_GPIO_WORDS)] = value & gpio_mask(word);
    }
}

/* ---- Power management -------------------------------------------------------------------------------------------- */

#define RSTC 0x1cU
#define RSTS 0x20U
#define WDOG 0x24U

#define PASSWORD       0x5a000000U
#define PASSWORD_BITS  0xff000000U
#define RSTC_RESET     0x00000102U
#define RSTC_CONFIG    0x00000030U
#define RSTC_FULL      0x00000020U
#define RSTS_POWER_ON  0x00001000U
#define RSTS_PARTITION 0x00000555U /* every other bit: partition 63 is to halt */
#define WDOG_BITS      0x000fffffU

void hv_bcm_pm_reset(struct hv_bcm_pm *pm, uint64_t now)
{
    *pm = (struct hv_bcm_pm){.rstc = RSTC_RESET, .rsts = RSTS_POWER_ON, .zero_at = now};
}

static bool asks_for_reset(const struct hv_bcm_pm *pm)
{
    return (pm->rstc & RSTC_CONFIG) == RSTC_FULL;
}

void hv_bcm_pm_update(struct hv_bcm_pm *pm, uint64_t now)
{
    if (pm->power == HV_BCM_POWER_ON && asks_for_reset(pm) && now >= pm->zero_at) {
        pm->power = (pm->rsts & RSTS_PARTITION) == RSTS_PARTITION ? HV_BCM_POWER_HALT : HV_BCM_POWER_RESET;
    }
}

uint64_t hv_bcm_pm_deadline(const struct hv_bcm_pm *pm)
{
    return pm->power == HV_BCM_POWER_ON && asks_for_reset(pm) ? pm->zero_at : UINT64_MAX;
}

void hv_bcm_pm_skip(struct hv_bcm_pm *pm, uint64_t ticks)
{
    pm->zero_at += ticks;
}

uint32_t hv_bcm_pm_read(const struct hv_bcm_pm *pm, uint64_t now, uint64_t offset)
{
    switch (offset) {
    case RSTC:
        return pm->rstc;
    case RSTS:
        return pm->rsts;
    case WDOG:
        return pm->zero_at > now ? (uint32_t)(pm->zero_at - now) & WDOG_BITS : 0U;
    default:
        return 0;
    }
}

void hv_bcm_pm_write(struct hv_bcm_pm *pm, uint64_t now, uint64_t offset, uint32_t value)
{
    if ((value & PASSWORD_BITS) != PASSWORD) {
        return;
    }
    value &= ~PASSWORD_BITS;
    switch (offset) {
    case RSTC:
        pm->rstc = value;
        break;
    case RSTS:
        pm->rsts = value;
        break;
    case WDOG:
        pm->zero_at = now + (value & WDOG_BITS);
        break;
    default:
        break;
    }
}

/* ---- Random numbers ---------------------------------------------------------------------------------------------- */

#define RNG_CTRL   0x00U
#define RNG_STATUS 0x04U
#define RNG_DATA   0x08U
#define RNG_MASK   0x10U

bool hv_bcm_rng_is_data(uint64_t offset)
{
    return offset == RNG_DATA;
}

uint32_t hv_bcm_rng_read(const struct hv_bcm_rng *rng, uint64_t offset, uint32_t random)
{
    switch (offset) {
    case RNG_CTRL:
        return rng->runs ? 1U : 0U;
    case RNG_STATUS:
        return rng->runs ? 1U << 24 : 0U; /* [31:24]: words that are ready */
    case RNG_DATA:
        return rng->runs ? random : 0U;
    case RNG_MASK:
        return rng->mask;
    default:
        return 0;
    }
}

void hv_bcm_rng_write(struct hv_bcm_rng *rng, uint64_t offset, uint32_t value)
{
    if (offset == RNG_CTRL) {
        rng->runs = (value & 1U) != 0U;
    } else if (offset == RNG_MASK) {
        rng->mask = value & 1U;
    }
}
