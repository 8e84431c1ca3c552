/* SPDX-License-Identifier: BSD-2-Clause */
/* The firmware as a guest of four vCPUs sees it: PSCI 1.1 (DEN0022), SMCCC 1.2 (DEN0028), TRNG 1.0 (DEN0098). */
#include "common/check.h"
#include "common/guest.h"
#include "psci/psci.h"

#define LIVES 20U

struct entry { /* call.S: 64 bytes each */
    uint64_t context;
    uint64_t current_el;
    uint64_t daif;
    uint64_t sp_sel;
    uint64_t sctlr;
    uint64_t unused[3];
};
volatile struct entry psci_entries[PSCI_VCPUS];
_Static_assert(sizeof(struct entry) == 64U, "call.S");

enum order { NONE, GO_OFF, START_3, SEND_SGI };
static volatile uint64_t up[PSCI_VCPUS];
static volatile enum order orders[PSCI_VCPUS];
static volatile int64_t started[PSCI_VCPUS]; /* what START_3 returned */
static volatile uint64_t done[PSCI_VCPUS];
static volatile uint64_t taken[64];

static const uint64_t entry_at = (uint64_t)(uintptr_t)psci_entry;

int32_t psci_result32(uint64_t function, uint64_t a, uint64_t b, uint64_t c)
{
    return (int32_t)guest_hvc(function, a, b, c);
}

uint64_t psci_taken(uint32_t intid)
{
    return taken[intid];
}

void guest_interrupt(uint32_t intid)
{
    if (intid == GUEST_VTIMER_INTID) {
        guest_sysreg_write(cntv_ctl_el0, 0);
    } else if (intid == PSCI_RTC_IRQ) {
        guest_write32(GUEST_RTC + 0x1cU, 1);
    }
    taken[intid] = taken[intid] + 1U;
}

/* ---- The other vCPUs --------------------------------------------------------------------------------------------- */

static void obey(uint64_t number, enum order order)
{
    if (order == START_3) {
        started[number] = guest_hvc(PSCI_CPU_ON, 3, entry_at, number);
    } else if (order == SEND_SGI) {
        guest_sgi(PSCI_SGI, 1);
    }
    done[number] = done[number] + 1U;
}

void guest_secondary(uint64_t number)
{
    orders[number] = NONE;
    up[number] = 1;
    for (;;) {
        enum order order = orders[number];

        if (order == GO_OFF) {
            (void)psci_result32(PSCI_CPU_OFF, 0, 0, 0);
            check("CPU_OFF does not return", false);
        } else if (order != NONE) {
            orders[number] = NONE;
            obey(number, order);
        }
        __asm__ volatile("yield" : : : "memory");
    }
}

static int64_t affinity_info(uint64_t mpidr, uint64_t level)
{
    return guest_hvc(PSCI_AFFINITY_INFO, mpidr, level, 0);
}

static bool wait_off(uint64_t number)
{
    for (uint64_t n = 0; n < UINT64_C(1) << 22; n++) {
        if (affinity_info(number, 0) == 1) {
            return true;
        }
        __asm__ volatile("yield" : : : "memory");
    }
    return false;
}

static void stop(uint64_t number)
{
    orders[number] = GO_OFF;
    check("CPU_OFF shows in AFFINITY_INFO", wait_off(number));
    up[number] = 0;
}

static void check_entry(uint64_t number, uint64_t context)
{
    check_equal("context_id arrives in x0", psci_entries[number].context, context);
    check_equal("entered at EL1", psci_entries[number].current_el, 4);
    check_equal("D, A, I and F are masked", psci_entries[number].daif, 0x3c0);
    check_equal("SP_EL1 is selected", psci_entries[number].sp_sel, 1);
    check_equal("MMU, data cache and byte order of SCTLR_EL1", psci_entries[number].sctlr & 0x2000005U, 0);
}

/* ---- CPU_ON, CPU_OFF, AFFINITY_INFO ------------------------------------------------------------------------------ */

static void check_life(uint64_t function, uint64_t number, uint64_t context, uint64_t wanted)
{
    int64_t again;
    int64_t state;

    check_equal("AFFINITY_INFO before", (uint64_t)affinity_info(number, 0), 1);
    check_equal("CPU_ON", (uint64_t)psci_result32(function, number, entry_at, context), SUCCESS);
    again = guest_hvc(PSCI_CPU_ON, number, entry_at, 0); /* on its way, or there */
    check("CPU_ON again at once", again == ON_PENDING || again == ALREADY_ON);
    state = affinity_info(number, 0);
    check("AFFINITY_INFO meanwhile", state == 2 || state == 0);
    check("it runs", check_wait(&up[number], 1));
    check_entry(number, wanted);
    check_equal("AFFINITY_INFO of one that runs", (uint64_t)affinity_info(number, 0), 0);
    check_equal("CPU_ON of one that runs", (uint64_t)guest_hvc(PSCI_CPU_ON, number, entry_at, 1),
                (uint64_t)ALREADY_ON);
    check_equal("CPU_ON of one that runs, 32 bits", (uint64_t)psci_result32(PSCI(3), number, entry_at, 1),
                (uint64_t)ALREADY_ON);
    check_equal("SYSTEM_SUSPEND beside it", (uint64_t)guest_hvc(PSCI_SYSTEM_SUSPEND, entry_at, 0, 0),
                (uint64_t)DENIED);
    stop(number);
}

static void check_lives(void)
{
    const uint64_t wide = UINT64_C(0xfedcba9876543210);

    for (uint64_t number = 1; number < PSCI_VCPUS; number++) {
        check_life(PSCI_CPU_ON, number, wide + number, wide + number);
        /* Of a call of 32 bits the upper halves are no arguments (DEN0028 3.1). */
        check_life(PSCI(3), number, wide + number, (wide + number) & UINT32_MAX);
    }
    check_equal("CPU_ON, 32 bits, with more in x1",
                (uint64_t)psci_result32(PSCI(3), UINT64_C(0xa500000001), entry_at, 5), SUCCESS);
    check("it runs", check_wait(&up[1], 1));
    check_entry(1, 5);
    stop(1);
}

/* MPIDRs without a vCPU: other affinities, and the bits that are no affinity (DEN0022 5.6.1: must be zero). */
static const uint64_t nobody[] = {
    4,
    7,
    8,
    0x10,
    0x100,
    0x101,
    0x10000,
    0x10001,
    0x01000001,
    0x40000001,
    0x80000001,
    0x80000000,
    0xc0000000,
    0xffffffff,
    0x100000001,
    0x1000000000000001,
    0x8000000000000001,
    0xffffffffffffffff,
};

static void check_nobody(void)
{
    for (unsigned i = 0; i < sizeof(nobody) / sizeof(nobody[0]); i++) {
        check_equal_at("CPU_ON of nobody", nobody[i],
                       (uint64_t)guest_hvc(PSCI_CPU_ON, nobody[i], entry_at, 0),
                       (uint64_t)INVALID_PARAMETERS);
        check_equal_at("AFFINITY_INFO of nobody", nobody[i], (uint64_t)affinity_info(nobody[i], 0),
                       (uint64_t)INVALID_PARAMETERS);
    }
    check_equal("CPU_ON of oneself", (uint64_t)guest_hvc(PSCI_CPU_ON, 0, entry_at, 0), (uint64_t)ALREADY_ON);
    check_equal("AFFINITY_INFO of oneself", (uint64_t)affinity_info(0, 0), 0);
    check_equal("CPU_ON at an entry outside RAM", (uint64_t)guest_hvc(PSCI_CPU_ON, 1, PSCI_OUTSIDE, 0),
                (uint64_t)INVALID_ADDRESS);
    check_equal("CPU_ON at an entry behind any RAM", (uint64_t)guest_hvc(PSCI_CPU_ON, 1, UINT64_MAX - 3U, 0),
                (uint64_t)INVALID_ADDRESS);
    check_equal("CPU_ON at an entry that is not aligned",
                (uint64_t)guest_hvc(PSCI_CPU_ON, 1, entry_at + 2U, 0), (uint64_t)INVALID_ADDRESS);
    check_equal("none of that started it", (uint64_t)affinity_info(1, 0), 1);
}

/* DEN0022 5.7: since 1.0 only level 0 must be there; another is a state of the node or INVALID_PARAMETERS. */
static void check_levels(void)
{
    for (uint64_t level = 1; level < 4U; level++) {
        int64_t state = affinity_info(0, level);
        check("AFFINITY_INFO of a cluster", state == 0 || state == INVALID_PARAMETERS);
    }
    for (uint64_t level = 4; level < 20U; level += 3U) {
        check_equal_at("AFFINITY_INFO of level", level, (uint64_t)affinity_info(0, level),
                       (uint64_t)INVALID_PARAMETERS);
    }
    check_equal("AFFINITY_INFO of a level of 32 bits", (uint64_t)affinity_info(0, UINT32_MAX),
                (uint64_t)INVALID_PARAMETERS);
}

/** Two that start a third at the same time: one does, the other is told. */
static void check_race(void)
{
    for (uint64_t number = 1; number < 3U; number++) {
        check_equal("CPU_ON", (uint64_t)guest_hvc(PSCI_CPU_ON, number, entry_at, 0), SUCCESS);
        check("it runs", check_wait(&up[number], 1));
    }
    for (unsigned life = 0; life < LIVES; life++) {
        bool first;
        bool second;

        done[1] = 0;
        done[2] = 0;
        orders[1] = START_3;
        orders[2] = START_3;
        check("both have tried", check_wait(&done[1], 1) && check_wait(&done[2], 1));
        first = started[1] == SUCCESS;
        second = started[2] == SUCCESS;
        check("one has started it", first != second);
        check("the other is told so", (first || started[1] == ON_PENDING || started[1] == ALREADY_ON) &&
                                          (second || started[2] == ON_PENDING || started[2] == ALREADY_ON));
        check("it runs", check_wait(&up[3], 1));
        check_entry(3, first ? 1 : 2);
        stop(3);
    }
}

/** CPU_SUSPEND ends with another vCPU's SGI. vCPUs 1 and 2 are on. */
static void check_woken(void)
{
    uint64_t before = taken[PSCI_SGI];

    orders[1] = SEND_SGI;
    while (taken[PSCI_SGI] == before) {
        check_equal("standby until another's SGI", (uint64_t)guest_hvc(PSCI_CPU_SUSPEND, 0, 0, 0), SUCCESS);
    }
    stop(1);
    stop(2);
}

static void check_trng(void)
{
    uint64_t a[31] = {TRNG_RND64, 192};
    uint64_t b[31] = {TRNG_RND64, 192};
    uint64_t one[31] = {TRNG_RND64, 1};

    psci_registers_hvc(a);
    psci_registers_hvc(b);
    psci_registers_hvc(one);
    check_equal("TRNG_VERSION", (uint64_t)guest_hvc(TRNG_VERSION, 0, 0, 0), 0x10000);
    check_equal("TRNG_RND64 of 192 bits", a[0] | b[0], SUCCESS);
    check("... never the same", a[1] != b[1] && a[2] != b[2] && a[3] != b[3] && a[1] != a[2] && a[2] != a[3]);
    check("TRNG_RND64 of one bit", one[0] == 0U && one[1] == 0U && one[2] == 0U && one[3] <= 1U);
    check_equal("TRNG_RND64 of none", (uint64_t)guest_hvc(TRNG_RND64, 0, 0, 0), (uint64_t)INVALID_PARAMETERS);
    check_equal("TRNG_RND64 of too many", (uint64_t)guest_hvc(TRNG_RND64, 193, 0, 0),
                (uint64_t)INVALID_PARAMETERS);
}

void guest_main(uint64_t device_tree)
{
    (void)device_tree;
    guest_gic_init();
    guest_gic_enable(PSCI_SGI);
    guest_gic_enable(GUEST_VTIMER_INTID);
    guest_irq_unmask();
    psci_check_functions();
    psci_check_registers();
    check_nobody();
    check_levels();
    check_lives();
    check_race();
    check_woken();
    check_trng();
    psci_check_suspend();
    (void)check_end("PSCI");
}
