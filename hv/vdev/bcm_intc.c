/* SPDX-License-Identifier: BSD-2-Clause */
#include "vdev/bcm_intc.h"

#include <stddef.h>

#include <libbase/compiler.h>
#include <libbase/nospec.h>

#define FIQ_ENABLE 0x80U
#define FIQ_SOURCE 0x7fU
#define FIQ_BASIC  64U /* source of the first ARM interrupt */
#define FIQ_END    72U

/* BCM2835 ARM Peripherals 7.5, "Basic pending": bits 10 to 20 are these GPU interrupts. */
static const uint8_t shortcuts[] = {7, 9, 10, 18, 19, 53, 54, 55, 56, 57, 62};
#define FIRST_SHORTCUT 10U
#define SHORTCUTS                                                                                            \
    (UINT64_C(1) << 7 | UINT64_C(1) << 9 | UINT64_C(1) << 10 | UINT64_C(3) << 18 | UINT64_C(0x1f) << 53 |    \
     UINT64_C(1) << 62)

void hv_bcm_intc_reset(struct hv_bcm_intc *intc)
{
    *intc = (struct hv_bcm_intc){.fiq = 0};
}

static uint64_t pending(const struct hv_bcm_intc *intc)
{
    return intc->gpu & intc->gpu_enabled;
}

/** Bits 8 and 9 are only for what has no bit of its own here. */
static uint32_t read_basic(const struct hv_bcm_intc *intc)
{
    uint64_t gpu = pending(intc);
    uint64_t others = gpu & ~SHORTCUTS;
    uint32_t value = (uint32_t)intc->basic & intc->basic_enabled;

    value |= (uint32_t)others != 0U ? 1U << 8 : 0U;
    value |= others >> 32 != 0U ? 1U << 9 : 0U;
    for (unsigned i = 0; i < ASH_ARRAY_SIZE(shortcuts); i++) {
        value |= (uint32_t)(gpu >> shortcuts[i] & 1U) << (FIRST_SHORTCUT + i);
    }
    return value;
}

static uint32_t read_pending_1(const struct hv_bcm_intc *intc)
{
    return (uint32_t)pending(intc);
}

static uint32_t read_pending_2(const struct hv_bcm_intc *intc)
{
    return (uint32_t)(pending(intc) >> 32);
}

static uint32_t read_fiq(const struct hv_bcm_intc *intc)
{
    return intc->fiq;
}

static uint32_t read_enabled_1(const struct hv_bcm_intc *intc)
{
    return (uint32_t)intc->gpu_enabled;
}

static uint32_t read_enabled_2(const struct hv_bcm_intc *intc)
{
    return (uint32_t)(intc->gpu_enabled >> 32);
}

static uint32_t read_basic_enabled(const struct hv_bcm_intc *intc)
{
    return intc->basic_enabled;
}

static void write_nothing(struct hv_bcm_intc *intc, uint32_t value)
{
    (void)intc;
    (void)value;
}

static void write_fiq(struct hv_bcm_intc *intc, uint32_t value)
{
    intc->fiq = (uint8_t)value;
}

static void enable_1(struct hv_bcm_intc *intc, uint32_t value)
{
    intc->gpu_enabled |= value;
}

static void enable_2(struct hv_bcm_intc *intc, uint32_t value)
{
    intc->gpu_enabled |= (uint64_t)value << 32;
}

static void enable_basic(struct hv_bcm_intc *intc, uint32_t value)
{
    intc->basic_enabled |= (uint8_t)value;
}

static void disable_1(struct hv_bcm_intc *intc, uint32_t value)
{
    intc->gpu_enabled &= ~(uint64_t)value;
}

static void disable_2(struct hv_bcm_intc *intc, uint32_t value)
{
    intc->gpu_enabled &= ~((uint64_t)value << 32);
}

static void disable_basic(struct hv_bcm_intc *intc, uint32_t value)
{
    intc->basic_enabled &= (uint8_t)~value;
}

/* 7.5, from 0x200 on. */
static const struct {
    uint32_t (*read)(const struct hv_bcm_intc *intc);
    void (*write)(struct hv_bcm_intc *intc, uint32_t value);
} registers[HV_BCM_INTC_REGISTERS] = {
    {read_basic, write_nothing},         /* 0x200 IRQ basic pending */
    {read_pending_1, write_nothing},     /* 0x204 IRQ pending 1 */
    {read_pending_2, write_nothing},     /* 0x208 IRQ pending 2 */
    {read_fiq, write_fiq},               /* 0x20c FIQ control */
    {read_enabled_1, enable_1},          /* 0x210 Enable IRQs 1 */
    {read_enabled_2, enable_2},          /* 0x214 Enable IRQs 2 */
    {read_basic_enabled, enable_basic},  /* 0x218 Enable basic IRQs */
    {read_enabled_1, disable_1},         /* 0x21c Disable IRQs 1 */
    {read_enabled_2, disable_2},         /* 0x220 Disable IRQs 2 */
    {read_basic_enabled, disable_basic}, /* 0x224 Disable basic IRQs */
};

uint32_t hv_bcm_intc_read(const struct hv_bcm_intc *intc, uint64_t index)
{
    return index < HV_BCM_INTC_REGISTERS
               ? registers[ash_index_nospec(index, HV_BCM_INTC_REGISTERS)].read(intc)
               : 0U;
}

void hv_bcm_intc_write(struct hv_bcm_intc *intc, uint64_t index, uint32_t value)
{
    if (index < HV_BCM_INTC_REGISTERS) {
        registers[ash_index_nospec(index, HV_BCM_INTC_REGISTERS)].write(intc, value);
    }
}

bool hv_bcm_intc_irq(const struct hv_bcm_intc *intc)
{
    return pending(intc) != 0U || (intc->basic & intc->basic_enabled) != 0U;
}

bool hv_bcm_intc_fiq(const struct hv_bcm_intc *intc)
{
    unsigned source = intc->fiq & FIQ_SOURCE;

    if ((intc->fiq & FIQ_ENABLE) == 0U || source >= FIQ_END) {
        return false;
    }
    return source < FIQ_BASIC ? (intc->gpu >> source & 1U) != 0U
                              : ((unsigned)intc->basic >> (source - FIQ_BASIC) & 1U) != 0U;
}

bool hv_bcm_intc_listens(const struct hv_bcm_intc *intc, unsigned source)
{
    return (intc->gpu_enabled >> source & 1U) != 0U || intc->fiq == (FIQ_ENABLE | source);
}
