/* SPDX-License-Identifier: BSD-2-Clause */
/* The generic timer as a guest sees it: DDI 0487 D11.1, D11.2, D17.11 (CNTV_*, CNTP_*, CNTKCTL). PSTATE.I is set. */
#include "common/check.h"
#include "common/gic.h"
#include "common/guest.h"
#include "timers/timers.h"

#define ENABLE  1U
#define IMASK   2U
#define ISTATUS 4U
#define VCPUS   4U
#define TURNS   500U
#define CPU_ON  UINT64_C(0xc4000003)

#define REGISTER(function, name)                                                                             \
    static uint64_t function(void)                                                                           \
    {                                                                                                        \
        __asm__ volatile("isb");                                                                             \
        return guest_sysreg_read(name);                                                                      \
    }                                                                                                        \
    static void set_##function(uint64_t value)                                                               \
    {                                                                                                        \
        guest_sysreg_write(name, value);                                                                     \
    }
REGISTER(v_ctl, cntv_ctl_el0)
REGISTER(v_cval, cntv_cval_el0)
REGISTER(v_tval, cntv_tval_el0)
REGISTER(p_ctl, cntp_ctl_el0)
REGISTER(p_cval, cntp_cval_el0)
REGISTER(p_tval, cntp_tval_el0)

static uint64_t v_count(void)
{
    __asm__ volatile("isb");
    return guest_sysreg_read(cntvct_el0);
}

static uint64_t p_count(void)
{
    __asm__ volatile("isb");
    return guest_sysreg_read(cntpct_el0);
}

struct timer {
    uint32_t intid;
    uint64_t (*count)(void);
    uint64_t (*ctl)(void);
    uint64_t (*cval)(void);
    uint64_t (*tval)(void);
    void (*set_ctl)(uint64_t value);
    void (*set_cval)(uint64_t value);
    void (*set_tval)(uint64_t value);
};
static const struct timer timers[] = {
    {27, v_count, v_ctl, v_cval, v_tval, set_v_ctl, set_v_cval, set_v_tval},
    {30, p_count, p_ctl, p_cval, p_tval, set_p_ctl, set_p_cval, set_p_tval},
};

static void wait_ticks(const struct timer *t, uint64_t ticks)
{
    uint64_t start = t->count();

    while (t->count() - start < ticks) {
        __asm__ volatile("yield");
    }
}

static uint64_t frequency(void)
{
    return guest_sysreg_read(cntfrq_el0);
}

/* ---- The truth table --------------------------------------------------------------------------------------------- */

/** Off, and whatever came of it taken. */
static void quiet(const struct timer *t)
{
    uint32_t iar;

    t->set_ctl(0);
    for (unsigned n = 0; n < 3U && (iar = gic_iar()) < 1020U; n++) {
        gic_eoir(iar);
    }
}

static bool signalled_soon(const struct timer *t, bool expected)
{
    if (!expected) { /* 0.2 ms of nothing */
        wait_ticks(t, frequency() / 5000U);
    }
    for (uint64_t start = t->count(); expected && !gic_signalled() && t->count() - start < frequency();) {
        __asm__ volatile("yield");
    }
    return gic_signalled();
}

/** Counter and CompareValue are unsigned 64-bit numbers: met when Counter - CompareValue >= 0 (D11.2.4). */
static void check_row(const struct timer *t, uint64_t cval, uint64_t ctl)
{
    bool met = t->count() >= cval;
    uint64_t status = met ? ISTATUS : 0U;
    uint64_t at = ((uint64_t)t->intid << 8) | ctl;

    t->set_cval(cval);
    t->set_ctl(ctl);
    check_equal_at("CVAL reads as written", at, t->cval(), cval);
    check_equal_at("CTL's bits", at, t->ctl() & ~(uint64_t)ISTATUS, ctl & (ENABLE | IMASK));
    if ((ctl & ENABLE) != 0U) { /* else UNKNOWN */
        check_equal_at("ISTATUS", at, t->ctl() & ISTATUS, status);
    }
    check_equal_at("the interrupt", at, signalled_soon(t, met && (ctl & (ENABLE | IMASK)) == ENABLE),
                   met && (ctl & (ENABLE | IMASK)) == ENABLE);
    if (gic_signalled()) {
        check_equal_at("its INTID", at, gic_hppir(), t->intid);
    }
    quiet(t);
}

static void check_table(const struct timer *t)
{
    for (uint64_t ctl = 0; ctl < 8U; ctl++) { /* ISTATUS is read-only */
        uint64_t now = t->count();
        const uint64_t cvals[] = {0,
                                  1,
                                  now - 1U,
                                  now,
                                  now + 60U * frequency(),
                                  now + (UINT64_C(1) << 32),
                                  UINT64_C(0x7fffffffffffffff),
                                  UINT64_C(0x8000000000000000),
                                  UINT64_MAX};

        for (unsigned i = 0; i < sizeof(cvals) / sizeof(cvals[0]); i++) {
            check_row(t, cvals[i], ctl);
        }
    }
    t->set_ctl(UINT64_MAX & ~(uint64_t)ENABLE);
    check_equal("CTL: the rest is reserved", t->ctl() & ~(uint64_t)ISTATUS, IMASK);
    quiet(t);
}

/* ---- TVAL -------------------------------------------------------------------------------------------------------- */

/** A write: CVAL = Counter + SignExtend(TVAL); a read: (CVAL - Counter)[31:0] (D11.2.4). */
static void check_tval(const struct timer *t)
{
    static const uint64_t values[] = {0,          1,          1000000000, 0x7fffffff,
                                      0x80000000, 0xfffffffe, 0xffffffff, UINT64_MAX};

    for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        uint64_t extended = (uint64_t)(int64_t)(int32_t)(uint32_t)values[i];
        uint64_t before = t->count();
        uint64_t cval;
        uint64_t tval;
        uint64_t after;

        t->set_ctl(ENABLE | IMASK);
        t->set_tval(values[i]);
        after = t->count();
        cval = t->cval();
        check_equal_at("CVAL of TVAL", values[i], cval - extended - before <= after - before, 1);
        check_equal_at("ISTATUS of TVAL", values[i], (t->ctl() & ISTATUS) != 0U, t->count() >= cval);
        before = t->count();
        tval = t->tval();
        after = t->count();
        check_equal_at("TVAL has 32 bits", values[i], tval >> 32, 0);
        check_equal_at("TVAL", values[i],
                       (uint32_t)((uint32_t)(cval - before) - (uint32_t)tval) <= after - before, 1);
    }
    t->set_tval(1000);
    wait_ticks(t, 3000);
    check_equal("TVAL goes on below zero", (t->tval() >> 31) & 1U, 1);
    while ((t->ctl() & ISTATUS) == 0U &&
           (int32_t)t->tval() > -(int32_t)frequency()) { /* QEMU is late with it */
        __asm__ volatile("yield");
    }
    check_equal("... and the condition stays met", t->ctl() & ISTATUS, ISTATUS);
    t->set_cval(t->count() + (UINT64_C(1) << 32) + 500U * frequency() / 1000U);
    check_equal("TVAL shows the low half of a far deadline", t->tval() <= frequency() / 2U, 1);
    check_equal("... that is not met", t->ctl() & ISTATUS, 0);
    quiet(t);
}

/* ---- Interrupts -------------------------------------------------------------------------------------------------- */

static void check_interrupt(const struct timer *t)
{
    for (unsigned n = 0; n < 10U; n++) {
        uint64_t cval = t->count() + frequency() / 1000U;

        t->set_cval(cval);
        t->set_ctl(ENABLE);
        while (!gic_signalled() && t->count() - cval + frequency() < 3U * frequency()) {
            __asm__ volatile("yield");
        }
        check("signalled, not before its time", gic_signalled() && t->count() >= cval);
        check_equal("IAR", gic_iar(), t->intid);
        if (n % 2U == 0U) { /* not quieted: it is a level */
            gic_eoir(t->intid);
            check("still met: signalled again", signalled_soon(t, true));
            check_equal("IAR", gic_iar(), t->intid);
        }
        t->set_cval(UINT64_MAX);
        gic_eoir(t->intid);
        check("put off in the handler: idle", !signalled_soon(t, false));
        t->set_cval(t->count() + frequency() / 1000U);
        __asm__ volatile("wfi"); /* it ends a WFI, too */
        check("a WFI ends with it", signalled_soon(t, true));
        quiet(t);
    }
    t->set_ctl(ENABLE | IMASK);
    t->set_cval(0);
    check("masked: met, not signalled", (t->ctl() & ISTATUS) != 0U && !signalled_soon(t, false));
    t->set_ctl(ENABLE);
    check("unmasked: signalled", signalled_soon(t, true));
    quiet(t);
}

/* ---- Counters ---------------------------------------------------------------------------------------------------- */

static volatile uint64_t turn_lock;
static volatile uint64_t last_count;
static volatile uint64_t backwards;
static volatile uint64_t odd; /* other frequencies, offsets, shared registers */
static volatile uint64_t ready;
static volatile uint64_t ended;
static volatile uint64_t reference_frequency;

static uint64_t exchange(volatile uint64_t *word, uint64_t value)
{
    uint64_t was;
    uint32_t failed;

    do {
        __asm__ volatile("ldaxr %0, [%2]\n\tstlxr %w1, %3, [%2]"
                         : "=&r"(was), "=&r"(failed)
                         : "r"(word), "r"(value)
                         : "memory");
    } while (failed != 0U);
    return was;
}

static void add(volatile uint64_t *word, uint64_t more)
{
    while (exchange(&turn_lock, 1) != 0U) {
        __asm__ volatile("yield");
    }
    *word = *word + more;
    (void)exchange(&turn_lock, 0);
}

/** Offset of the virtual counter: with it, two reads enclose one of the other. */
static bool counters_agree(void)
{
    uint64_t before = p_count();
    uint64_t virtual = v_count();
    uint64_t after = p_count();

    return before <= virtual && virtual <= after; /* CNTVOFF is 0: docs/guest-machine.md */
}

/** In turns with the other vCPUs: no counter is behind what another has read before. */
static void take_turns(uint64_t self)
{
    uint64_t wrong = frequency() == reference_frequency ? 0U : 1U;

    guest_sysreg_write(cntv_cval_el0, self + 1U);
    for (unsigned n = 0; n < TURNS; n++) {
        while (exchange(&turn_lock, 1) != 0U) {
            __asm__ volatile("yield");
        }
        for (unsigned which = 0; which < 2U; which++) {
            uint64_t now = which == 0U ? v_count() : p_count();
            backwards = backwards + (now < last_count ? 1U : 0U);
            last_count = now;
        }
        (void)exchange(&turn_lock, 0);
        wrong += counters_agree() ? 0U : 1U;
    }
    wrong += guest_sysreg_read(cntv_cval_el0) == self + 1U ? 0U : 1U;
    add(&odd, wrong);
    add(&ended, 1);
}

void guest_secondary(uint64_t number)
{
    add(&ready, 1);
    (void)check_wait(&ready, VCPUS);
    take_turns(number);
}

static void check_counters(void)
{
    reference_frequency = frequency();
    for (uint64_t n = 1; n < VCPUS; n++) {
        check_equal("CPU_ON", (uint64_t)guest_hvc(CPU_ON, n, (uint64_t)(uintptr_t)guest_secondary_start, n),
                    0);
    }
    check("all run", check_wait(&ready, VCPUS - 1U));
    add(&ready, 1);
    take_turns(0);
    check("all have ended", check_wait(&ended, VCPUS));
    check_equal("no counter runs backwards, on any vCPU", backwards, 0);
    check_equal("one frequency, CNTVOFF 0, registers of each vCPU's own", odd, 0);
    guest_sysreg_write(cntv_cval_el0, UINT64_MAX);
}

/* ---- Who may what ------------------------------------------------------------------------------------------------ */

#define EC_UNDEFINED 0x00U
#define EC_SYSREG    0x18U
#define EC_SVC       0x15U

static void check_el0(uint64_t cntkctl)
{
    guest_sysreg_write(cntkctl_el1, cntkctl);
    check_equal("CNTKCTL_EL1 reads as written", guest_sysreg_read(cntkctl_el1), cntkctl);
    for (uint64_t n = 0; n < timers_access_count; n++) {
        const struct timers_access *access = &timers_accesses[n];
        bool allowed = (access->enables & cntkctl) != 0U;
        uint64_t esr = timers_el0(access->code);

        check_equal_at("EL0's access", (cntkctl << 8) | n, esr >> 26, allowed ? EC_SVC : EC_SYSREG);
        if (!allowed) {
            check_equal_at("the trap's ISS", (cntkctl << 8) | n, esr & 0x1ffffffU, access->iss);
        }
    }
}

static void check_access(void)
{
    for (uint64_t bits = 0; bits < 16U; bits++) { /* EL0PCTEN, EL0VCTEN, EL0VTEN, EL0PTEN */
        check_el0((bits & 3U) | ((bits & 12U) << 6));
    }
    guest_sysreg_write(cntkctl_el1, 0);
    set_v_ctl(0);
    set_p_ctl(0);
    __asm__ volatile("msr cntfrq_el0, %0" : : "r"(UINT64_C(1)));
    check_fault("CNTFRQ_EL0 is not EL1's to write", EC_UNDEFINED, 0, 0);
    __asm__ volatile("mrs x9, s3_4_c14_c0_3" : : : "x9");
    check_fault("CNTVOFF_EL2 is UNDEFINED", EC_UNDEFINED, 0, 0);
    __asm__ volatile("mrs x9, s3_4_c14_c1_0" : : : "x9");
    check_fault("CNTHCTL_EL2 is UNDEFINED", EC_UNDEFINED, 0, 0);
}

void guest_main(uint64_t device_tree)
{
    (void)device_tree;
    gic_v3 = guest_gic_version() == 3U;
    guest_gic_init();
    check("CNTFRQ is set", frequency() >= 1000000U);
    for (unsigned i = 0; i < 2U; i++) {
        gic_set_priority(timers[i].intid, 0x80);
        guest_gic_enable(timers[i].intid);
        quiet(&timers[i]);
    }
    for (unsigned i = 0; i < 2U; i++) {
        check_table(&timers[i]);
        check_tval(&timers[i]);
        check_interrupt(&timers[i]);
    }
    check_access();
    check_counters();
    check_no_fault("nothing else faulted");
    (void)check_end("TIMERS");
}
