/* SPDX-License-Identifier: BSD-2-Clause */
/* How interrupts are delivered: IHI 0069 (GICv3) and IHI 0048B (GICv2), as a guest with one group sees it. */
#include "common/check.h"
#include "common/gic.h"
#include "common/guest.h"
#include "gic/topic.h"

#define OUTER 70U /* and the next ones nest in it */
#define DEPTH 6U

static volatile uint32_t trace[4U * DEPTH];
static volatile uint32_t traced;

static void note(uint32_t what)
{
    if (traced < sizeof(trace) / sizeof(trace[0])) {
        trace[traced] = what;
        traced = traced + 1U;
    }
}

/** A handler that makes the next one pending, and lets it in. */
static void nest(uint32_t intid)
{
    note(intid);
    if (intid < OUTER + DEPTH - 1U) {
        gic_bit(GIC_PEND, intid + 1U);
        guest_irq_unmask();
        __asm__ volatile("isb");
        while (gic_reads(GIC_PEND, intid + 1U)) {
            __asm__ volatile("yield" : : : "memory");
        }
        __asm__ volatile("msr daifset, #2" : : : "memory");
    }
    note(intid | 0x100U);
}

void guest_irq(void)
{
    uint32_t iar = gic_iar();

    if ((iar & 0x3ffU) >= 1020U) {
        return;
    }
    if ((iar & 0x3ffU) < 16U) {
        gic_sgi_taken(iar);
    } else {
        nest(iar);
    }
    gic_eoir(iar);
}

/** Each handler is interrupted by the next, of higher priority, and goes on after it. */
static void check_handlers(void)
{
    gic_quiet();
    for (uint32_t n = 0; n < DEPTH; n++) {
        gic_set_priority(OUTER + n, 0xc0U - 0x10U * n);
        gic_bit(GIC_ENABLE, OUTER + n);
    }
    gic_bit(GIC_PEND, OUTER);
    guest_irq_unmask();
    for (uint64_t n = 0; n < 100000000U && traced < 2U * DEPTH; n++) {
        __asm__ volatile("yield" : : : "memory");
    }
    __asm__ volatile("msr daifset, #2" : : : "memory");
    for (uint32_t n = 0; n < DEPTH; n++) {
        check_equal_at("handlers begin inwards", n, trace[n], OUTER + n);
        check_equal_at("handlers end outwards", n, trace[2U * DEPTH - 1U - n], (OUTER + n) | 0x100U);
        gic_bit(GIC_DISABLE, OUTER + n);
    }
    check_equal("no priority runs afterwards", gic_rpr(), GIC_IDLE);
}

void guest_secondary(uint64_t number)
{
    gic_sgi_secondary(number);
}

void guest_main(uint64_t device_tree)
{
    (void)device_tree;
    gic_v3 = guest_gic_version() == 3U;
    guest_gic_init();
    gic_quiet();
    gic_check_priorities();
    gic_check_states();
    check_handlers();
    gic_check_sgis();
    (void)check_end("GIC");
}
