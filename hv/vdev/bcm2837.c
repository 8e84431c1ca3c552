/* SPDX-License-Identifier: BSD-2-Clause */
#include "vdev/bcm2837.h"

#include <stddef.h>

#include <libbase/compiler.h>
#include <libbase/errors.h>
#include <libbase/mem.h>

#define MEGAHERTZ UINT64_C(1000000)

/* ---- Clocks ------------------------------------------------------------------------------------------------------ */

/** @value of one clock in another's, both counting from 0; without overflow for any that a machine lives to see. */
static uint64_t convert(uint64_t value, uint64_t from_hz, uint64_t to_hz, bool round_up)
{
    uint64_t rest = value % from_hz * to_hz;

    return value / from_hz * to_hz + (rest + (round_up ? from_hz - 1U : 0U)) / from_hz;
}

/** The machine's time in ticks of @hz. */
static uint64_t time_in(const struct hv_bcm2837 *soc, uint64_t hz)
{
    return convert(soc->now, soc->config.hz, hz, false);
}

/** When time_in() is @at or more. */
static uint64_t when(const struct hv_bcm2837 *soc, uint64_t at, uint64_t hz)
{
    return at != UINT64_MAX ? convert(at, hz, soc->config.hz, true) : UINT64_MAX;
}

/* ---- Wires ------------------------------------------------------------------------------------------------------- */

static void wire(struct hv_bcm2837 *soc)
{
    soc->intc.gpu = (uint64_t)soc->systimer.matched << HV_BCM_IRQ_SYSTIMER |
                    (uint64_t)hv_bcm_aux_irq(&soc->aux) << HV_BCM_IRQ_AUX |
                    (uint64_t)soc->pl011_irq << HV_BCM_IRQ_PL011;
    soc->intc.basic = (uint8_t)(hv_bcm_mailbox_irq(&soc->mailbox) ? 1U << HV_BCM_BASIC_MAILBOX : 0U);
    soc->local.gpu_irq = hv_bcm_intc_irq(&soc->intc);
    soc->local.gpu_fiq = hv_bcm_intc_fiq(&soc->intc);
}

static void bring_time(struct hv_bcm2837 *soc, uint64_t now)
{
    soc->now = now > soc->now ? now : soc->now;
    hv_bcm_systimer_update(&soc->systimer, time_in(soc, MEGAHERTZ));
    hv_bcm_local_update(&soc->local, time_in(soc, HV_BCM_LOCAL_TIMER_HZ));
    hv_bcm_pm_update(&soc->pm, time_in(soc, HV_BCM_PM_HZ));
    wire(soc);
}

void hv_bcm2837_update(struct hv_bcm2837 *soc, uint64_t now)
{
    bring_time(soc, now);
}

uint64_t hv_bcm2837_deadline(const struct hv_bcm2837 *soc)
{
    uint64_t first = when(soc, hv_bcm_pm_deadline(&soc->pm), HV_BCM_PM_HZ);
    uint64_t local = when(soc, hv_bcm_local_deadline(&soc->local), HV_BCM_LOCAL_TIMER_HZ);

    first = local < first ? local : first;
    for (unsigned i = 0; i < HV_BCM_SYSTIMER_CHANNELS; i++) {
        if (hv_bcm_intc_listens(&soc->intc, HV_BCM_IRQ_SYSTIMER + i)) {
            uint64_t at = when(soc, hv_bcm_systimer_deadline(&soc->systimer, i), MEGAHERTZ);

            first = at < first ? at : first;
        }
    }
    return first;
}

void hv_bcm2837_pl011_irq(struct hv_bcm2837 *soc, bool level)
{
    soc->pl011_irq = level;
}

void hv_bcm2837_skip(struct hv_bcm2837 *soc, uint64_t ticks)
{
    hv_bcm_pm_skip(&soc->pm, convert(ticks, soc->config.hz, HV_BCM_PM_HZ, false));
}

/* ---- Blocks ------------------------------------------------------------------------------------------------------ */

static int access_systimer(struct hv_bcm2837 *soc, uint64_t offset, bool is_write, uint32_t *value)
{
    uint64_t now = time_in(soc, MEGAHERTZ);

    if (is_write) {
        hv_bcm_systimer_write(&soc->systimer, now, offset, *value);
    } else {
        *value = hv_bcm_systimer_read(&soc->systimer, now, offset);
    }
    return ASH_OK;
}

static int access_intc(struct hv_bcm2837 *soc, uint64_t offset, bool is_write, uint32_t *value)
{
    if (is_write) {
        hv_bcm_intc_write(&soc->intc, offset / 4U, *value);
    } else {
        *value = hv_bcm_intc_read(&soc->intc, offset / 4U);
    }
    return ASH_OK;
}

static int access_mailbox(struct hv_bcm2837 *soc, uint64_t offset, bool is_write, uint32_t *value)
{
    if (is_write) {
        hv_bcm_mailbox_write(&soc->mailbox, &soc->firmware, &soc->config.memory, offset, *value);
    } else {
        *value = hv_bcm_mailbox_read(&soc->mailbox, offset);
    }
    return ASH_OK;
}

static int access_pm(struct hv_bcm2837 *soc, uint64_t offset, bool is_write, uint32_t *value)
{
    uint64_t now = time_in(soc, HV_BCM_PM_HZ);

    if (is_write) {
        hv_bcm_pm_write(&soc->pm, now, offset, *value);
        hv_bcm_pm_update(&soc->pm, now);
    } else {
        *value = hv_bcm_pm_read(&soc->pm, now, offset);
    }
    return ASH_OK;
}

static int access_rng(struct hv_bcm2837 *soc, uint64_t offset, bool is_write, uint32_t *value)
{
    if (is_write) {
        hv_bcm_rng_write(&soc->rng, offset, *value);
    } else {
        uint32_t random =
            hv_bcm_rng_is_data(offset) && soc->rng.runs ? soc->config.random(soc->config.ctx) : 0U;

        *value = hv_bcm_rng_read(&soc->rng, offset, random);
    }
    return ASH_OK;
}

static int access_gpio(struct hv_bcm2837 *soc, uint64_t offset, bool is_write, uint32_t *value)
{
    if (is_write) {
        hv_bcm_gpio_write(&soc->gpio, offset, *value);
    } else {
        *value = hv_bcm_gpio_read(&soc->gpio, offset);
    }
    return ASH_OK;
}

static int access_pl011(struct hv_bcm2837 *soc, uint64_t offset, bool is_write, uint32_t *value)
{
    uint64_t wide = *value;
    int error = hv_vpl011_access(soc->pl011, offset, 4, is_write, &wide);

    *value = (uint32_t)wide;
    soc->console = HV_BCM_CONSOLE_PL011;
    return error;
}

static int access_aux(struct hv_bcm2837 *soc, uint64_t offset, bool is_write, uint32_t *value)
{
    soc->console = HV_BCM_CONSOLE_AUX;
    if (is_write) {
        return hv_bcm_aux_write(&soc->aux, offset, *value, &soc->sent);
    }
    *value = hv_bcm_aux_read(&soc->aux, offset);
    return ASH_OK;
}

/* Ascending; behind HV_BCM2837_PERIPHERALS. BCM2835 ARM Peripherals 1.2.3, with the 0x7e of its bus addresses as
 * 0x3f. */
static const struct block {
    uint32_t base;
    uint32_t size;
    int (*access)(struct hv_bcm2837 *soc, uint64_t offset, bool is_write, uint32_t *value);
} blocks[] = {
    {0x003000, 0x1000, access_systimer}, {0x00b200, 0x100, access_intc}, {0x00b880, 0x80, access_mailbox},
    {0x100000, 0x1000, access_pm},       {0x104000, 0x1000, access_rng}, {0x200000, 0x1000, access_gpio},
    {0x201000, 0x1000, access_pl011},    {0x215000, 0x100, access_aux},
};

static bool is_register(uint64_t offset, unsigned size)
{
    return offset % 4U == 0U && (size == 1U || size == 2U || size == 4U);
}

static uint64_t lanes(unsigned size)
{
    return UINT64_MAX >> (64U - 8U * size);
}

int hv_bcm2837_access(struct hv_bcm2837 *soc, uint64_t now, uint64_t offset, unsigned size, bool is_write,
                      uint64_t *value)
{
    uint32_t word = 0;
    int error = ASH_OK;

    soc->sent = -1;
    bring_time(soc, now);
    if (is_register(offset, size)) {
        word = is_write ? (uint32_t)(*value & lanes(size)) : 0U;
        for (size_t i = 0; i < ASH_ARRAY_SIZE(blocks); i++) {
            if (offset - blocks[i].base < blocks[i].size) {
                error = blocks[i].access(soc, offset - blocks[i].base, is_write, &word);
                wire(soc);
                break;
            }
        }
        word &= (uint32_t)lanes(size);
    }
    if (!is_write) {
        *value = word;
    }
    return error;
}

int hv_bcm2837_access_local(struct hv_bcm2837 *soc, uint64_t now, uint64_t offset, unsigned size,
                            bool is_write, uint64_t *value)
{
    soc->sent = -1;
    bring_time(soc, now);
    if (!is_register(offset, size)) {
        *value = is_write ? *value : 0U;
    } else if (is_write) {
        hv_bcm_local_write(&soc->local, time_in(soc, HV_BCM_LOCAL_TIMER_HZ), offset,
                           (uint32_t)(*value & lanes(size)));
    } else {
        *value = hv_bcm_local_read(&soc->local, soc->now, offset) & lanes(size);
    }
    return ASH_OK;
}

/* ---- The console ------------------------------------------------------------------------------------------------- */

unsigned hv_bcm2837_space(const struct hv_bcm2837 *soc)
{
    if (soc->console == HV_BCM_CONSOLE_NONE) {
        return 0;
    }
    return soc->console == HV_BCM_CONSOLE_AUX ? hv_bcm_aux_space(&soc->aux) : hv_vpl011_space(soc->pl011);
}

bool hv_bcm2837_receive(struct hv_bcm2837 *soc, uint8_t byte)
{
    bool taken = false;

    if (soc->console == HV_BCM_CONSOLE_AUX) {
        taken = hv_bcm_aux_receive(&soc->aux, byte);
    } else if (soc->console == HV_BCM_CONSOLE_PL011) {
        taken = hv_vpl011_receive(soc->pl011, byte);
    }
    wire(soc);
    return taken;
}

void hv_bcm2837_set_room(struct hv_bcm2837 *soc, bool has_room)
{
    hv_bcm_aux_set_room(&soc->aux, has_room);
    hv_vpl011_set_room(soc->pl011, has_room);
    wire(soc);
}

/* ---- Power ------------------------------------------------------------------------------------------------------- */

void hv_bcm2837_soc_reset(struct hv_bcm2837 *soc, uint64_t now)
{
    soc->now = now > soc->now ? now : soc->now;
    hv_bcm_intc_reset(&soc->intc);
    hv_bcm_local_reset(&soc->local);
    hv_bcm_systimer_reset(&soc->systimer, time_in(soc, MEGAHERTZ));
    hv_bcm_aux_reset(&soc->aux);
    hv_bcm_gpio_reset(&soc->gpio);
    hv_bcm_pm_reset(&soc->pm, time_in(soc, HV_BCM_PM_HZ));
    soc->rng = (struct hv_bcm_rng){.runs = false};
    hv_bcm_firmware_reset(&soc->firmware, &soc->config.board);
    hv_bcm_mailbox_reset(&soc->mailbox);
    hv_vpl011_reset(soc->pl011);
    soc->sent = -1;
    soc->console = HV_BCM_CONSOLE_NONE;
    wire(soc);
}

void hv_bcm2837_init(struct hv_bcm2837 *soc, const struct hv_bcm2837_config *config, struct hv_vpl011 *pl011,
                     uint64_t now)
{
    memset(soc, 0, sizeof(*soc));
    soc->config = *config;
    soc->pl011 = pl011;
    hv_bcm2837_soc_reset(soc, now);
}
