/* SPDX-License-Identifier: BSD-2-Clause */
/* Nothing that hv does may change what a vCPU holds. Two vCPUs run rounds (round.S): each sets every general, FP and
 * SIMD register to new values, leaves the guest in one of many ways at EL1 or EL0, and compares every register after
 * it. Meanwhile both timers fire, the vCPUs send each other SGIs, and the console's input, a known sequence, arrives
 * here and there. Memory of each vCPU holds a pattern that is checked and renewed bit by bit. Ends at '~', with
 * what arrived; any difference is printed. */
#include "common/check.h"
#include "common/guest.h"
#include "common/mmu.h"

#define VCPUS         2U
#define PHYSICAL      30U
#define UART_INTID    33U
#define SGIS          4U /* 0..3 */
#define UART_IBRD     (GUEST_UART + 0x24U)
#define UART_ID       (GUEST_UART + 0xfe0U)
#define UART_FR_RXFE  (1U << 4)
#define END           0x7eU
#define FPCR_BITS     UINT64_C(0x07c00000) /* AHP, DN, FZ, RMode */
#define FPSR_BITS     UINT64_C(0x0800009f) /* QC, the cumulative exceptions */
#define SPSR_EL1H     UINT64_C(5)
#define SPSR_MASKS    UINT64_C(0x340) /* D, A, F */
#define SPSR_NZCV     UINT64_C(0xf0000000)
#define SPSR_COMPARED (SPSR_NZCV | UINT64_C(0x3df))
#define PAGES         64U /* of pattern, for each vCPU */
#define WORDS         512U
#define SHOWN         40U /* differences */
#define PROGRESS      1024U

struct context {
    uint64_t x[31];
    uint64_t pc;
    uint64_t spsr;
    uint64_t sp_el0;
    uint64_t fpcr;
    uint64_t fpsr;
    uint64_t tpidr_el0;
    uint64_t unused[27];
    uint64_t q[64];
};
struct round {
    struct context in;
    struct context out;
};
_Static_assert(offsetof(struct context, pc) == 248U && offsetof(struct context, tpidr_el0) == 288U,
               "round.S");
_Static_assert(offsetof(struct context, q) == 512U && sizeof(struct context) == 1024U, "round.S");

void integrity_round(struct round *round);
extern char integrity_vectors[];
extern char integrity_bodies[];

/** A vCPU's own. */
struct self {
    struct round round;
    struct context wanted;
    uint64_t random;
    uint64_t rounds;
    uint64_t generation[PAGES];
    volatile uint64_t timers;
    volatile uint64_t sgis;
    volatile uint64_t inputs; /* interrupts */
    uint64_t number;
};
static struct self selves[VCPUS];
static __attribute__((aligned(4096))) uint64_t pattern[VCPUS][PAGES][WORDS];
static __attribute__((aligned(4096))) struct {
    uint64_t copies[VCPUS][2][WORDS];
    uint64_t counter;
    uint64_t unused[WORDS - 1U]; /* to the end of the page */
} el0;                           /* what EL0 reaches */

static volatile uint64_t added[VCPUS];
static volatile uint64_t received;
static volatile uint64_t in_handler;
static volatile uint64_t wrong;
static volatile uint64_t ended;
static volatile uint64_t left; /* vCPU 1 has */
static volatile uint64_t print_lock;

static uint64_t next(struct self *self)
{
    uint64_t x = self->random;

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    self->random = x;
    return x * UINT64_C(0x2545f4914f6cdd1d);
}

static void lock(void)
{
    uint64_t was;
    uint32_t failed;

    __asm__ volatile("msr daifset, #2" : : : "memory");
    do {
        __asm__ volatile("ldaxr %0, [%2]\n\tstxr %w1, %3, [%2]"
                         : "=&r"(was), "=&r"(failed)
                         : "r"(&print_lock), "r"(UINT64_C(1))
                         : "memory");
    } while (was != 0U || failed != 0U);
}

static void unlock(bool masked)
{
    __asm__ volatile("stlr %1, [%0]" : : "r"(&print_lock), "r"(UINT64_C(0)) : "memory");
    if (!masked) {
        guest_irq_unmask();
    }
}

static void difference(const char *what, const char *kind, uint64_t n, uint64_t got, uint64_t wanted)
{
    bool masked = (guest_sysreg_read(daif) & 0x80U) != 0U;

    lock();
    wrong = wrong + 1U;
    if (wrong <= SHOWN) {
        guest_print("FAIL vCPU ");
        guest_print_number(guest_sysreg_read(mpidr_el1) & 0xffU);
        guest_print(" ");
        guest_print(what);
        guest_print(" ");
        guest_print(kind);
        guest_print_number(n);
        guest_print(": got ");
        guest_print_hex(got);
        guest_print(", wanted ");
        guest_print_hex(wanted);
        guest_print("\n");
    }
    unlock(masked);
}

/* ---- Interrupts -------------------------------------------------------------------------------------------------- */

static void set_timers(struct self *self)
{
    uint64_t random = next(self);

    guest_sysreg_write(cntv_cval_el0, guest_sysreg_read(cntvct_el0) + 500U + (random & 0x3fffU));
    guest_sysreg_write(cntp_cval_el0, guest_sysreg_read(cntpct_el0) + 500U + ((random >> 32) & 0x7fffU));
}

/** What the tester sends: printable, and neither '~' nor hv's lead-in. */
static uint64_t sequence(uint64_t n)
{
    return 0x21U + (n * 7U + n / 64U) % 90U;
}

static void read_input(void)
{
    /* An SPI is active on one CPU at a time (IHI 0069 4.1.2), wherever it is routed meanwhile. */
    if (in_handler != 0U) {
        difference("input", "handler ", 0, in_handler, 0);
    }
    in_handler = 1;
    while ((guest_read32(GUEST_UART + 0x18U) & UART_FR_RXFE) == 0U) {
        uint32_t byte = guest_read32(GUEST_UART);

        if (byte == END) {
            ended = 1;
        } else {
            if (byte != sequence(received)) {
                difference("input", "byte ", received, byte, sequence(received));
            }
            received = received + 1U;
        }
    }
    /* Not UARTICR behind it: that would clear the interrupt of what has arrived since (DDI 0183 3.3.13). */
    in_handler = 0;
    __asm__ volatile("dsb ish" : : : "memory");
}

void guest_interrupt(uint32_t intid)
{
    struct self *self = &selves[guest_sysreg_read(mpidr_el1) & 0xffU];

    if (intid == GUEST_VTIMER_INTID || intid == PHYSICAL) {
        self->timers = self->timers + 1U;
        set_timers(self);
    } else if (intid == UART_INTID) {
        self->inputs = self->inputs + 1U;
        read_input();
    } else if (intid < SGIS) {
        self->sgis = self->sgis + 1U;
    } else {
        difference("interrupt", "INTID ", intid, intid, 0);
    }
}

static void route_input(uint64_t to)
{
    if (guest_gic_version() == 2U) {
        *(volatile uint8_t *)(uintptr_t)(GUEST_GICD + 0x800U + UART_INTID) = (uint8_t)(1U << to);
    } else {
        *(volatile uint64_t *)(uintptr_t)(GUEST_GICD + 0x6000U + 8U * UART_INTID) = to;
    }
}

/* ---- Bodies ------------------------------------------------------------------------------------------------------ */

#define BODY(name) extern char body_##name[], body_##name##_end[]
BODY(spin);
BODY(hvc);
BODY(smc);
BODY(load);
BODY(store);
BODY(decoded);
BODY(id);
BODY(sgi3);
BODY(sgi2);
BODY(copy);
BODY(atomic);
BODY(wfi);
BODY(cache);
BODY(tlb);
BODY(simd);

/* make_: what a body needs of the registers that it begins with. after_: what it leaves changed. */

static void repeat(struct self *self, uint64_t times)
{
    self->round.in.x[29] = 1U + next(self) % times;
}

static void make_spin(struct self *self)
{
    repeat(self, 3000);
}

static void make_call(struct self *self)
{
    repeat(self, 20);
    self->round.in.x[0] = 0xc4001234U; /* known to nobody, and so is what it returns */
}

static void make_load(struct self *self)
{
    self->round.in.x[29] = UART_ID;
}

static void make_store(struct self *self)
{
    self->round.in.x[29] = UART_IBRD;
}

static void make_decoded(struct self *self)
{
    self->round.in.x[28] = UART_IBRD;
    self->round.in.x[29] = UART_ID;
}

static void make_sgi(struct self *self)
{
    uint64_t targets = 1U + next(self) % 3U;
    uint64_t intid = next(self) % SGIS;

    repeat(self, 8);
    self->round.in.x[7] = guest_gic_version() == 2U ? (targets << 16) | intid : (intid << 24) | targets;
    self->round.in.x[8] = guest_gic_version() == 2U ? GUEST_GICD + 0xf00U : self->round.in.x[8];
}

static void make_copy(struct self *self)
{
    uint64_t *from = el0.copies[self->number][0];

    for (uint64_t n = 0; n < WORDS; n++) {
        from[n] = next(self);
        el0.copies[self->number][1][n] = 0;
    }
    self->round.in.x[1] = (uint64_t)(uintptr_t)from;
    self->round.in.x[2] = (uint64_t)(uintptr_t)el0.copies[self->number][1];
    self->round.in.x[29] = sizeof(el0.copies[0][0]) / 64U;
}

static void make_atomic(struct self *self)
{
    repeat(self, 500);
    self->round.in.x[1] = (uint64_t)(uintptr_t)&el0.counter;
    added[self->number] = added[self->number] + self->round.in.x[29];
}

static void make_few(struct self *self)
{
    repeat(self, 8);
    self->round.in.x[1] = (uint64_t)(uintptr_t)&el0.copies[self->number][0][next(self) % WORDS];
}

static void after_count(struct self *self)
{
    self->wanted.x[29] = 0;
}

static void after_call(struct self *self)
{
    self->wanted.x[29] = 0;
    self->wanted.x[0] = UINT64_MAX; /* NOT_SUPPORTED (DEN0028 5.2) */
}

static void after_load(struct self *self)
{
    for (unsigned n = 0; n < 31U; n++) {
        self->wanted.x[n] = n == 29U ? self->wanted.x[n] : 0x11U; /* UARTPeriphID0 */
    }
}

static void set_q(struct self *self, unsigned n, uint64_t low)
{
    self->wanted.q[2U * n] = low;
    self->wanted.q[2U * n + 1U] = 0;
}

static void after_decoded(struct self *self)
{
    set_q(self, 5, 0x11);
    set_q(self, 30, 0x11); /* UARTPeriphID0, 1 */
    set_q(self, 31, 0x10);
    self->wanted.x[3] = 0x11;
    self->wanted.x[4] = 0x10;
    self->wanted.x[19] = 0x11;
    self->wanted.x[20] = 0x11;
}

static void after_id(struct self *self)
{
    uint64_t id = guest_sysreg_read(id_aa64mmfr0_el1);

    self->wanted.x[1] = id;
    self->wanted.x[18] = id;
    self->wanted.x[19] = id;
    self->wanted.x[29] = id;
    self->wanted.x[30] = id;
}

static void after_copy(struct self *self)
{
    const uint64_t *copy = el0.copies[self->number][1];

    for (uint64_t n = 0; n < WORDS; n++) {
        if (copy[n] != el0.copies[self->number][0][n]) {
            difference("copy", "word ", n, copy[n], el0.copies[self->number][0][n]);
        }
    }
    for (unsigned n = 0; n < 8U; n++) {
        self->wanted.q[n] = copy[WORDS - 8U + n];
    }
    self->wanted.x[1] += sizeof(el0.copies[0][0]);
    self->wanted.x[2] += sizeof(el0.copies[0][0]);
    self->wanted.x[29] = 0;
}

static void after_atomic(struct self *self)
{
    self->wanted.x[2] = self->round.out.x[2];
    self->wanted.x[3] = 0;
    self->wanted.x[29] = 0;
}

static void after_simd(struct self *self)
{
    uint64_t times = self->round.in.x[29];

    self->wanted.q[0] += times * self->wanted.q[2];
    self->wanted.q[1] += times * self->wanted.q[3];
    self->wanted.x[29] = 0;
}

static void unchanged(struct self *self)
{
    (void)self;
}

struct body {
    const char *name;
    char *start;
    char *end;
    void (*before)(struct self *self);
    void (*after)(struct self *self);
    bool for_el0;
    unsigned only_gic; /* 0: on any */
};

static const struct body bodies[] = {
    {"spin", body_spin, body_spin_end, make_spin, after_count, true, 0},
    {"spin", body_spin, body_spin_end, make_spin, after_count, true, 0},
    {"hvc", body_hvc, body_hvc_end, make_call, after_call, false, 0},
    {"smc", body_smc, body_smc_end, make_call, after_call, false, 0},
    {"load", body_load, body_load_end, make_load, after_load, true, 0},
    {"store", body_store, body_store_end, make_store, unchanged, true, 0},
    {"decoded", body_decoded, body_decoded_end, make_decoded, after_decoded, true, 0},
    {"id", body_id, body_id_end, unchanged, after_id, false, 0},
    {"sgi", body_sgi3, body_sgi3_end, make_sgi, after_count, false, 3},
    {"sgi", body_sgi2, body_sgi2_end, make_sgi, after_count, true, 2},
    {"copy", body_copy, body_copy_end, make_copy, after_copy, true, 0},
    {"atomic", body_atomic, body_atomic_end, make_atomic, after_atomic, true, 0},
    {"wfi", body_wfi, body_wfi_end, make_few, after_count, true, 0},
    {"cache", body_cache, body_cache_end, make_few, after_count, true, 0},
    {"tlb", body_tlb, body_tlb_end, make_few, after_count, false, 0},
    {"simd", body_simd, body_simd_end, make_spin, after_simd, true, 0},
};

/* ---- Rounds ------------------------------------------------------------------------------------------------------ */

static void compare(const struct body *body, const struct context *got, const struct context *wanted)
{
    for (unsigned n = 0; n < 31U; n++) {
        if (got->x[n] != wanted->x[n]) {
            difference(body->name, "x", n, got->x[n], wanted->x[n]);
        }
    }
    for (unsigned n = 0; n < 64U; n++) {
        if (got->q[n] != wanted->q[n]) {
            difference(body->name, "half of q, ", n, got->q[n], wanted->q[n]);
        }
    }
    if (got->pc != wanted->pc) {
        difference(body->name, "pc", 0, got->pc, wanted->pc);
    }
    if (((got->spsr ^ wanted->spsr) & SPSR_COMPARED) != 0U) {
        difference(body->name, "pstate", 0, got->spsr, wanted->spsr);
    }
    if (got->sp_el0 != wanted->sp_el0) {
        difference(body->name, "sp_el", 0, got->sp_el0, wanted->sp_el0);
    }
    if (got->tpidr_el0 != wanted->tpidr_el0) {
        difference(body->name, "tpidr_el", 0, got->tpidr_el0, wanted->tpidr_el0);
    }
    if (got->fpcr != wanted->fpcr) {
        difference(body->name, "fpcr", 0, got->fpcr, wanted->fpcr);
    }
    if (got->fpsr != wanted->fpsr) {
        difference(body->name, "fpsr", 0, got->fpsr, wanted->fpsr);
    }
}

static void run_round(struct self *self, const struct body *body)
{
    struct context *in = &self->round.in;
    uint64_t *words = (uint64_t *)in;
    bool at_el0;

    for (unsigned n = 0; n < sizeof(*in) / 8U; n++) {
        words[n] = next(self);
    }
    at_el0 = body->for_el0 && (in->spsr & 1U) != 0U;
    in->spsr = (in->spsr & SPSR_NZCV) | SPSR_MASKS | (at_el0 ? 0U : SPSR_EL1H);
    in->fpcr &= FPCR_BITS;
    in->fpsr &= FPSR_BITS;
    in->pc = (uint64_t)(uintptr_t)body->start;
    body->before(self);
    self->wanted = *in;
    self->wanted.pc = (uint64_t)(uintptr_t)body->end;
    integrity_round(&self->round);
    body->after(self);
    compare(body, &self->round.out, &self->wanted);
}

static uint64_t pattern_of(const struct self *self, uint64_t page, uint64_t word)
{
    uint64_t address = (uint64_t)(uintptr_t)&pattern[self->number][page][word];

    return (address + (self->generation[page] << 32)) * UINT64_C(0x9e3779b97f4a7c15);
}

static void renew(struct self *self, uint64_t page)
{
    self->generation[page]++;
    for (uint64_t n = 0; n < WORDS; n++) {
        pattern[self->number][page][n] = pattern_of(self, page, n);
    }
}

static void check_memory(struct self *self, uint64_t page)
{
    for (uint64_t n = 0; n < WORDS; n++) {
        if (pattern[self->number][page][n] != pattern_of(self, page, n)) {
            difference("memory", "word ", page * WORDS + n, pattern[self->number][page][n],
                       pattern_of(self, page, n));
        }
    }
    renew(self, page);
}

static void run_rounds(struct self *self)
{
    while (ended == 0U) {
        const struct body *body = &bodies[next(self) % (sizeof(bodies) / sizeof(bodies[0]))];

        if (body->only_gic != 0U && body->only_gic != guest_gic_version()) {
            continue;
        }
        run_round(self, body);
        if (self->rounds % 4U == 0U) {
            check_memory(self, (self->rounds / 4U) % PAGES);
        }
        self->rounds++;
        if (self->rounds % 16U == 0U) {
            route_input(next(self) % VCPUS);
        }
        if (self->number == 0U && self->rounds % PROGRESS == 0U) {
            lock();
            guest_print("rounds ");
            guest_print_number(selves[0].rounds);
            guest_print(" + ");
            guest_print_number(selves[1].rounds);
            guest_print(", received ");
            guest_print_number(received);
            guest_print(", wrong ");
            guest_print_number(wrong);
            guest_print("\n");
            unlock(false);
        }
    }
}

static void run(uint64_t number)
{
    struct self *self = &selves[number];

    self->number = number;
    self->random = UINT64_C(0x9e3779b97f4a7c15) * (number + 1U) ^ guest_sysreg_read(cntvct_el0);
    guest_sysreg_write(vbar_el1, (uint64_t)(uintptr_t)integrity_vectors);
    guest_sysreg_write(cpacr_el1, UINT64_C(3) << 20);
    mmu_on();
    for (uint64_t page = 0; page < PAGES; page++) {
        renew(self, page);
    }
    guest_gic_init();
    for (uint32_t intid = 0; intid < SGIS; intid++) {
        guest_gic_enable(intid);
    }
    guest_gic_enable(GUEST_VTIMER_INTID);
    guest_gic_enable(PHYSICAL);
    set_timers(self);
    guest_sysreg_write(cntv_ctl_el0, 1);
    guest_sysreg_write(cntp_ctl_el0, 1);
    guest_irq_unmask();
    run_rounds(self);
    for (uint64_t page = 0; page < PAGES; page++) {
        check_memory(self, page);
    }
    __asm__ volatile("msr daifset, #2");
}

void guest_secondary(uint64_t number)
{
    run(number);
    left = 1;
    for (;;) {
        __asm__ volatile("wfi");
    }
}

static void report(void)
{
    static const char *const words[] = {" rounds, ", " timer interrupts, ", " SGIs, ", " input interrupts\n"};

    for (unsigned n = 0; n < VCPUS; n++) {
        const uint64_t numbers[] = {selves[n].rounds, selves[n].timers, selves[n].sgis, selves[n].inputs};

        guest_print("vCPU ");
        guest_print_number(n);
        guest_print(": ");
        for (unsigned i = 0; i < 4U; i++) {
            guest_print_number(numbers[i]);
            guest_print(words[i]);
        }
    }
    guest_print("received ");
    guest_print_number(received);
    guest_print(" bytes\n");
}

void guest_main(uint64_t device_tree)
{
    (void)device_tree;
    mmu_build();
    mmu_map((uint64_t)(uintptr_t)integrity_bodies, (uint64_t)(uintptr_t)integrity_bodies, MMU_ALL_RX);
    for (uint64_t at = (uint64_t)(uintptr_t)&el0, end = at + sizeof(el0); at < end; at += MMU_PAGE) {
        mmu_map(at, at, MMU_ALL_RW);
    }
    (void)guest_hvc(UINT64_C(0xc4000003), 1, (uint64_t)(uintptr_t)guest_secondary_start, 1); /* CPU_ON */
    guest_gic_init();
    guest_write32(GUEST_UART + 0x2cU, 0x70); /* LCR_H: FIFOs, 8 bits */
    guest_write32(GUEST_UART + 0x30U, 0x301);
    guest_write32(GUEST_UART + 0x38U, 0x50); /* IMSC: receive, and its timeout */
    guest_gic_enable(UART_INTID);
    guest_print("ready\n");
    run(0);
    check("vCPU 1 ends, too", check_wait(&left, 1));
    check_equal("no increment is lost", el0.counter, added[0] + added[1]);
    check_equal("differences", wrong, 0);
    check("rounds on both", selves[0].rounds > 100U && selves[1].rounds > 100U);
    check("interrupts of each kind on both",
          selves[0].timers > 0U && selves[1].timers > 0U && selves[0].sgis > 0U && selves[1].sgis > 0U);
    report();
    (void)check_end("INTEGRITY");
}
