/* SPDX-License-Identifier: BSD-2-Clause */
/* SGIs among four vCPUs: each to each, by each form of the register; on a GICv2 each source on its own. IHI 0069 12.2
 * ICC_SGI1R_EL1, IHI 0048B 4.3.15. */
#include "common/check.h"
#include "common/gic.h"
#include "common/guest.h"
#include "gic/topic.h"

#define SGIS    15U
#define WAKE    15U /* wakes a vCPU that waits for an order, and is not counted */
#define ROUNDS  50U
#define ALL     ((1U << GIC_VCPUS) - 1U)
#define CPU_ON  UINT64_C(0xc4000003)
#define STORM   0xffU
#define LISTED  0U
#define OTHERS  1U
#define ONESELF 2U

static volatile uint64_t got[GIC_VCPUS][GIC_VCPUS][SGIS]; /* by receiver, source (GICv3: 0), number */
static volatile uint64_t acknowledged[GIC_VCPUS];         /* in the storm, by sender */
static volatile uint64_t up[GIC_VCPUS];
static volatile uint64_t done[GIC_VCPUS];
static volatile uint64_t orders[GIC_VCPUS]; /* 0: none; else sgi | mask << 8 | form << 16 | 1 << 24 */
static volatile bool storming;

static void increment(volatile uint64_t *word)
{
    uint64_t value;
    uint32_t failed;

    do {
        __asm__ volatile("ldxr %0, [%2]\n\tadd %0, %0, #1\n\tstxr %w1, %0, [%2]"
                         : "=&r"(value), "=&r"(failed)
                         : "r"(word)
                         : "memory");
    } while (failed != 0U);
}

void gic_sgi_taken(uint32_t iar)
{
    uint64_t self = guest_sysreg_read(mpidr_el1) & 0xffU;
    uint32_t number = iar & 0xfU;

    if (number == WAKE) {
        return;
    }
    increment(&got[self][(iar >> 10) & 3U][number]);
    if (storming) {
        increment(&acknowledged[number]); /* in the storm SGI n is vCPU n's */
    }
}

static void send(uint64_t sgi, uint64_t mask, uint64_t form)
{
    __asm__ volatile("dsb sy" : : : "memory");
    if (!gic_v3) {
        guest_write32(GUEST_GICD + 0xf00U, (uint32_t)((form << 24) | (mask << 16) | sgi));
    } else if (form == OTHERS) {
        guest_sysreg_write(S3_0_C12_C11_5, (UINT64_C(1) << 40) | (sgi << 24));
    } else {
        uint64_t self = guest_sysreg_read(mpidr_el1) & 0xffU;
        guest_sysreg_write(S3_0_C12_C11_5, (sgi << 24) | (form == ONESELF ? UINT64_C(1) << self : mask));
    }
}

static void storm(uint64_t self)
{
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        send(self, ALL & ~(1U << self), LISTED);
        (void)check_wait(&acknowledged[self], round * (GIC_VCPUS - 1U));
    }
}

static void start(void)
{
    guest_gic_init();
    for (uint32_t sgi = 0; sgi <= WAKE; sgi++) {
        gic_set_priority(sgi, 0x80);
        guest_gic_enable(sgi);
    }
    guest_irq_unmask();
}

static void obey(uint64_t self, uint64_t order)
{
    if (order == STORM) {
        storm(self);
    } else {
        send(order & 0xfU, (order >> 8) & 0xffU, (order >> 16) & 3U);
    }
    increment(&done[self]);
}

void gic_sgi_secondary(uint64_t number)
{
    start();
    up[number] = 1;
    for (;;) { /* asleep between orders: four that spin are too many for a small host */
        uint64_t what;

        __asm__ volatile("msr daifset, #2" : : : "memory");
        what = orders[number];
        if (what == 0U) {
            __asm__ volatile("wfi" : : : "memory");
        }
        guest_irq_unmask();
        __asm__ volatile("isb" : : : "memory");
        if (what != 0U) {
            orders[number] = 0;
            obey(number, what);
        }
    }
}

static void order(uint64_t source, uint64_t what)
{
    uint64_t before = done[source];

    if (source == 0U) {
        obey(0, what);
        return;
    }
    orders[source] = what;
    send(WAKE, UINT64_C(1) << source, LISTED);
    check("the sender has sent", check_wait(&done[source], before + 1U));
}

static uint64_t total(void)
{
    uint64_t sum = 0;

    for (uint64_t n = 0; n < sizeof(got) / sizeof(got[0][0][0]); n++) {
        sum += (&got[0][0][0])[n];
    }
    return sum;
}

/** @source sends @sgi in this form: it comes to those in @to once, and to nobody else. */
static void check_sent(uint64_t source, uint64_t sgi, uint64_t mask, uint64_t form, uint64_t to)
{
    uint64_t shown = gic_v3 ? 0U : source;
    uint64_t before[GIC_VCPUS];
    uint64_t sum = total();
    uint64_t expected = 0;

    for (uint64_t n = 0; n < GIC_VCPUS; n++) {
        before[n] = got[n][shown][sgi];
    }
    order(source, sgi | (mask << 8) | (form << 16) | (1U << 24));
    for (uint64_t n = 0; n < GIC_VCPUS; n++) {
        if (((to >> n) & 1U) != 0U) {
            check_equal_at("an SGI arrives", (source << 16) | (n << 8) | sgi,
                           check_wait(&got[n][shown][sgi], before[n] + 1U), 1);
            expected++;
        }
    }
    check_equal_at("once, and nowhere else", (source << 16) | (to << 8) | sgi, total() - sum, expected);
}

static void check_each(void)
{
    for (uint64_t source = 0; source < GIC_VCPUS; source++) {
        for (uint64_t sgi = 0; sgi < SGIS; sgi++) {
            for (uint64_t to = 0; to < GIC_VCPUS; to++) {
                check_sent(source, sgi, UINT64_C(1) << to, LISTED, UINT64_C(1) << to);
            }
        }
        for (uint64_t mask = 0; mask <= ALL; mask++) {
            check_sent(source, mask % SGIS, mask, LISTED, mask);
        }
        check_sent(source, 3, 0, OTHERS, ALL & ~(UINT64_C(1) << source));
        check_sent(source, 4, 0, ONESELF, UINT64_C(1) << source);
        check_sent(source, 5, 0xf0U | (1U << source), LISTED, UINT64_C(1) << source); /* nobody is there */
    }
}

/** Pending for vCPU 0 from all four at once: a GICv2 delivers each source, a GICv3 the SGI once. */
static void check_sources(void)
{
    uint32_t sources = 0;
    uint32_t taken = 0;

    __asm__ volatile("msr daifset, #2" : : : "memory");
    for (uint64_t source = 0; source < GIC_VCPUS; source++) {
        order(source, 7U | (1U << 8) | (1U << 24));
        order(source, 7U | (1U << 8) | (1U << 24)); /* the same again is the same one */
    }
    if (!gic_v3) {
        check_equal("GICD_SPENDSGIR shows the sources", guest_read32(GUEST_GICD + 0xf24U) >> 24, ALL);
        guest_write32(GUEST_GICD + 0xf14U, 4U << 24); /* GICD_CPENDSGIR: not vCPU 2's */
        check_equal("GICD_CPENDSGIR takes one back", guest_read32(GUEST_GICD + 0xf24U) >> 24, ALL & ~4U);
    }
    check_equal("it is pending", gic_reads(GIC_PEND, 7), 1);
    for (uint32_t iar = gic_iar(); (iar & 0x3ffU) < 1020U && taken < 10U; iar = gic_iar()) {
        check_equal("SGI 7", iar & 0x3ffU, 7);
        sources |= 1U << ((iar >> 10) & 7U);
        taken++;
        gic_eoir(iar);
    }
    check_equal("sources", sources, gic_v3 ? 1 : ALL & ~4U);
    check_equal("each once", taken, gic_v3 ? 1 : 3);
    check_equal("it is not pending any more", gic_reads(GIC_PEND, 7), 0);
    guest_irq_unmask();
}

/** All of them send to all others at the same time. */
static void check_storm(void)
{
    storming = true;
    for (uint64_t n = 1; n < GIC_VCPUS; n++) {
        done[n] = 0;
        orders[n] = STORM;
        send(WAKE, UINT64_C(1) << n, LISTED);
    }
    storm(0);
    for (uint64_t n = 0; n < GIC_VCPUS; n++) {
        check("the storm's sender has ended", n == 0U || check_wait(&done[n], 1));
        check_equal_at("each SGI of the storm arrived once", n, acknowledged[n], ROUNDS * (GIC_VCPUS - 1U));
    }
    storming = false;
}

void gic_check_sgis(void)
{
    for (uint64_t n = 1; n < GIC_VCPUS; n++) {
        check_equal("CPU_ON", (uint64_t)guest_hvc(CPU_ON, n, (uint64_t)(uintptr_t)guest_secondary_start, n),
                    0);
        check("it runs", check_wait(&up[n], 1));
    }
    start();
    check_each();
    check_sources();
    check_storm();
}
