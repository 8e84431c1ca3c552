/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/bcm2836.h"

#include <libbase/bits.h>
#include <libbase/compiler.h>

#include "core/cpu.h"
#include "drivers/mmio.h"

/* QA7 rev 3.4, chapter 4. n: the CPU. */
#define GPU_ROUTING         0x00cU /* [1:0] the CPU that gets the BCM2835's IRQ, [3:2] its FIQ */
#define PMU_ROUTING_CLEAR   0x014U
#define LOCAL_TIMER_CONTROL 0x034U
#define TIMER_CONTROL(n)    (0x040U + 4U * (n)) /* [3:0] IRQ, [7:4] FIQ, of the four timers */
#define MAILBOX_CONTROL(n)  (0x050U + 4U * (n))
#define IRQ_SOURCE(n)       (0x060U + 4U * (n))
#define MAILBOX_SET(n)      (0x080U + 16U * (n))
#define MAILBOX_CLEAR(n, m) (0x0c0U + 16U * (n) + 4U * (m))
#define MAILBOXES           4U
#define SOURCE_TIMERS       0xfU
#define SOURCE_MAILBOX_0    (1U << 4)
#define SOURCE_GPU          (1U << 8)
#define CONTROL_MAILBOX_0   1U

/* BCM2835 ARM Peripherals 7.5, from "IRQ basic pending" on, which is where the device tree's region begins. */
#define PENDING_BASIC 0x00U
#define PENDING_1     0x04U
#define PENDING_2     0x08U
#define FIQ_CONTROL   0x0cU
#define ENABLE_1      0x10U
#define DISABLE_1     0x1cU
#define BASIC_OWN     0xffU /* the Arm's own eight; the others repeat what the two words say */

#define SPI_FIRST 32U

/* The timers' bits in TIMER_CONTROL and IRQ_SOURCE. */
static const uint8_t timer_ppi[] = {29, 30, 26, 27}; /* CNTPS, CNTPNS, CNTHP, CNTV */

/* A guest's: they stay asserted until the guest has seen to them. */
#define GUEST_TIMERS ((1U << 1) | (1U << 3))

static uint32_t number_of(const struct hv_cpu *cpu)
{
    return (uint32_t)cpu->mpidr & 3U;
}

/** The bits in TIMER_CONTROL of PPIs, a bit each (1 << INTID). */
static uint32_t timers_of(uint32_t ppis)
{
    uint32_t timers = 0;

    for (uint32_t i = 0; i < ASH_ARRAY_SIZE(timer_ppi); i++) {
        timers |= ((ppis >> timer_ppi[i]) & 1U) << i;
    }
    return timers;
}

static void write_timers(const struct hv_gic *gic, const struct hv_cpu *cpu)
{
    hv_mmio_write32(gic->bcm_local + TIMER_CONTROL(number_of(cpu)),
                    cpu->bcm_timers_enabled & ~cpu->bcm_timers_active);
}

void hv_bcm2836_init_distributor(struct hv_gic *gic, const struct hv_cpu *cpu)
{
    gic->spis = HV_BCM2836_SPIS;
    hv_mmio_write32(gic->bcm_arm + FIQ_CONTROL, 0);
    for (uint32_t word = 0; word < 3U; word++) {
        hv_mmio_write32(gic->bcm_arm + DISABLE_1 + 4U * (uint64_t)word, UINT32_MAX);
    }
    hv_mmio_write32(gic->bcm_local + GPU_ROUTING, number_of(cpu) | number_of(cpu) << 2);
    hv_mmio_write32(gic->bcm_local + PMU_ROUTING_CLEAR, UINT32_MAX);
    hv_mmio_write32(gic->bcm_local + LOCAL_TIMER_CONTROL, 0);
}

void hv_bcm2836_init_cpu(const struct hv_gic *gic, struct hv_cpu *cpu)
{
    uint32_t n = number_of(cpu);

    cpu->bcm_timers_enabled = 0;
    cpu->bcm_timers_active = 0;
    write_timers(gic, cpu);
    for (uint32_t m = 0; m < MAILBOXES; m++) {
        hv_mmio_write32(gic->bcm_local + MAILBOX_CLEAR(n, m), UINT32_MAX);
    }
    hv_mmio_write32(gic->bcm_local + MAILBOX_CONTROL(n), CONTROL_MAILBOX_0);
}

void hv_bcm2836_enable(const struct hv_gic *gic, struct hv_cpu *cpu, uint32_t intid, bool enable)
{
    if (intid < SPI_FIRST) { /* SGIs are always on */
        uint32_t timer = timers_of(1U << intid);

        cpu->bcm_timers_enabled = enable ? cpu->bcm_timers_enabled | timer : cpu->bcm_timers_enabled & ~timer;
        write_timers(gic, cpu);
    } else if (intid - SPI_FIRST < HV_BCM2836_SPIS) {
        uint32_t spi = intid - SPI_FIRST;

        /* Writing 1 acts, 0 does nothing: no other bit is touched. */
        hv_mmio_write32(gic->bcm_arm + (enable ? ENABLE_1 : DISABLE_1) + 4U * (uint64_t)(spi / 32U),
                        1U << (spi % 32U));
    }
}

void hv_bcm2836_set_active_ppis(const struct hv_gic *gic, struct hv_cpu *cpu, uint32_t ppis, bool active)
{
    uint32_t timers = timers_of(ppis) & GUEST_TIMERS;
    uint32_t now = active ? cpu->bcm_timers_active | timers : cpu->bcm_timers_active & ~timers;

    if (now != cpu->bcm_timers_active) {
        cpu->bcm_timers_active = now;
        write_timers(gic, cpu);
    }
}

void hv_bcm2836_send_sgi(const struct hv_gic *gic, const struct hv_cpu *cpu, uint32_t intid)
{
    /* What was written for the other CPU is seen before the interrupt: memory and a device are not ordered by
     * themselves (DDI 0487 B2.3 "Ordering of device accesses"). */
    hv_mmio_publish();
    hv_mmio_write32(gic->bcm_local + MAILBOX_SET(number_of(cpu)), 1U << intid);
}

static uint32_t take_sgi(const struct hv_gic *gic, const struct hv_cpu *cpu)
{
    uint64_t mailbox = gic->bcm_local + MAILBOX_CLEAR(number_of(cpu), 0);
    uint32_t sgis = hv_mmio_read32(mailbox);
    uint32_t intid;

    if (sgis == 0U) {
        return HV_GIC_SPURIOUS;
    }
    intid = ash_lowest_bit(sgis);
    hv_mmio_write32(mailbox, 1U << intid);
    /* Cleared before what it was sent for is looked at: what is posted from here on sends another. */
    hv_mmio_complete();
    return intid;
}

static uint32_t take_timer(const struct hv_gic *gic, struct hv_cpu *cpu, uint32_t timer)
{
    if ((GUEST_TIMERS & 1U << timer) != 0U) {
        cpu->bcm_timers_active |= 1U << timer;
        write_timers(gic, cpu);
    }
    return timer_ppi[timer];
}

static uint32_t pending_device(const struct hv_gic *gic)
{
    uint32_t pending = hv_mmio_read32(gic->bcm_arm + PENDING_1); /* enabled ones alone */

    if (pending != 0U) {
        return SPI_FIRST + ash_lowest_bit(pending);
    }
    pending = hv_mmio_read32(gic->bcm_arm + PENDING_2);
    if (pending != 0U) {
        return SPI_FIRST + 32U + ash_lowest_bit(pending);
    }
    pending = hv_mmio_read32(gic->bcm_arm + PENDING_BASIC) & BASIC_OWN;
    return pending != 0U ? SPI_FIRST + 64U + ash_lowest_bit(pending) : HV_GIC_SPURIOUS;
}

static uint32_t take_device(const struct hv_gic *gic)
{
    uint32_t intid = pending_device(gic);

    /* Before another peripheral is asked: its answer could overtake this one (BCM2835 ARM Peripherals, 1.3). */
    hv_mmio_complete();
    return intid;
}

uint32_t hv_bcm2836_acknowledge(const struct hv_gic *gic, struct hv_cpu *cpu)
{
    uint32_t source = hv_mmio_read32(gic->bcm_local + IRQ_SOURCE(number_of(cpu)));
    /* A timer that was masked a moment ago may still be seen (Device-nGnRE: the write is on its way). */
    uint32_t timers = source & SOURCE_TIMERS & cpu->bcm_timers_enabled & ~cpu->bcm_timers_active;

    if ((source & SOURCE_MAILBOX_0) != 0U) {
        return take_sgi(gic, cpu);
    }
    if (timers != 0U) {
        return take_timer(gic, cpu, ash_lowest_bit(timers));
    }
    return (source & SOURCE_GPU) != 0U ? take_device(gic) : HV_GIC_SPURIOUS;
}
