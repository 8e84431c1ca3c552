/* SPDX-License-Identifier: BSD-2-Clause */
/* A small preemptive OS: three processes at EL0, each with its own page at one and the same address, switched by
 * timer interrupts; once by each timer that a Raspberry Pi has for that. */
#include "pi/pi.h"

#define PROCESSES 3U
#define KERNEL    PROCESSES /* pi_main(), as the fourth */
#define TICKS     30U
#define TICK_US   1000U

/* Virtual addresses: RAM and devices 1:1 for EL1; the program again, read-only, for EL0; a process's page. */
#define USER_TEXT UINT64_C(0x80000000)
#define USER_PAGE UINT64_C(0xc0000000)

/* Descriptors: DDI 0487 D8.3. */
#define TABLE  UINT64_C(3)
#define BLOCK  UINT64_C(1)
#define PAGE   UINT64_C(3)
#define NORMAL (UINT64_C(1) << 2)
#define USER   (UINT64_C(1) << 6)
#define RO     (UINT64_C(1) << 7)
#define INNER  (UINT64_C(3) << 8)
#define AF     (UINT64_C(1) << 10)
#define NG     (UINT64_C(1) << 11)
#define PXN    (UINT64_C(1) << 53)
#define UXN    (UINT64_C(1) << 54)

typedef uint64_t table[512] __attribute__((aligned(4096)));

static table level2; /* RAM and peripherals */
static table level2_text;
static struct space {
    table level1;
    table level2;
    table level3;
    uint8_t page[4096] __attribute__((aligned(4096)));
} space[PROCESSES];
static uint8_t stack[PROCESSES][4096] __attribute__((aligned(16)));

static struct pi_frame *frame_of[PROCESSES + 1U];
static unsigned current = KERNEL;
static unsigned ticks, nothing, calls;
static const struct timer *timer;

/* ---- Timers ------------------------------------------------------------------------------------------------------ */

struct timer {
    const char *name;
    void (*start)(void);
    bool (*asks)(void); /* has it interrupted? */
    void (*again)(void);
    void (*stop)(void);
};

static uint64_t tick_ticks(void)
{
    return pi_read(cntfrq_el0) * TICK_US / 1000000U;
}

static void system_again(void)
{
    uint32_t at;

    do { /* not into the past, however slow this core is */
        at = get32(ST_CLO) + TICK_US;
        put32(ST_C1, at);
        put32(ST_CS, 1U << 1);
    } while ((int32_t)(get32(ST_CLO) - at) >= 0);
}

static void system_start(void)
{
    system_again();
    put32(IC_ENABLE1, 1U << IRQ_C1);
}

static bool system_asks(void)
{
    return (get32(LOCAL_IRQ(0)) & SOURCE_GPU) != 0U && (get32(IC_PEND1) & 1U << IRQ_C1) != 0U;
}

static void system_stop(void)
{
    put32(IC_DISABLE1, 1U << IRQ_C1);
    put32(ST_CS, 1U << 1);
}

static void virtual_again(void)
{
    pi_write(cntv_tval_el0, tick_ticks());
}

static void virtual_start(void)
{
    virtual_again();
    pi_write(cntv_ctl_el0, 1);
    put32(LOCAL_TIMERS(0), SOURCE_CNTV);
}

static bool virtual_asks(void)
{
    return (get32(LOCAL_IRQ(0)) & SOURCE_CNTV) != 0U;
}

static void virtual_stop(void)
{
    pi_write(cntv_ctl_el0, 0);
    put32(LOCAL_TIMERS(0), 0);
}

static void physical_again(void)
{
    pi_write(cntp_cval_el0, pi_read(cntpct_el0) + tick_ticks());
}

static void physical_start(void)
{
    pi_write(cntp_tval_el0, tick_ticks());
    pi_write(cntp_ctl_el0, 1);
    put32(LOCAL_TIMERS(0), SOURCE_CNTP);
}

static bool physical_asks(void)
{
    return (get32(LOCAL_IRQ(0)) & SOURCE_CNTP) != 0U;
}

static void physical_stop(void)
{
    pi_write(cntp_ctl_el0, 0);
    put32(LOCAL_TIMERS(0), 0);
}

static const struct timer timers[] = {
    {"system timer", system_start, system_asks, system_again, system_stop},
    {"virtual timer", virtual_start, virtual_asks, virtual_again, virtual_stop},
    {"physical timer", physical_start, physical_asks, physical_again, physical_stop},
};

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

static void build_tables(void)
{
    for (uint64_t i = 0; i < 512U; i++) {
        bool is_ram = i < 0x3f000000U >> 21;

        level2[i] = i << 21 | BLOCK | AF | UXN | (is_ram ? NORMAL | INNER : PXN);
    }
    level2_text[0] = BLOCK | AF | NORMAL | INNER | USER | RO | PXN;
    for (unsigned p = 0; p < PROCESSES; p++) {
        space[p].level1[0] = (uint64_t)(uintptr_t)level2 | TABLE;
        space[p].level1[1] = UINT64_C(0x40000000) | BLOCK | AF | UXN | PXN;
        space[p].level1[2] = (uint64_t)(uintptr_t)level2_text | TABLE;
        space[p].level1[3] = (uint64_t)(uintptr_t)space[p].level2 | TABLE;
        space[p].level2[0] = (uint64_t)(uintptr_t)space[p].level3 | TABLE;
        space[p].level3[0] =
            (uint64_t)(uintptr_t)space[p].page | PAGE | AF | NORMAL | INNER | USER | NG | PXN | UXN;
    }
}

static void use_space(unsigned process)
{
    pi_write(ttbr0_el1, (uint64_t)(uintptr_t)space[process].level1 | (uint64_t)(process + 1U) << 48);
}

static void mmu_on(void)
{
    pi_write(mair_el1, 0xff00); /* 0: Device-nGnRnE, 1: Normal write-back */
    /* 4 GiB by TTBR0 alone, write-back inner shareable walks, 36-bit addresses, 8-bit ASIDs. */
    pi_write(tcr_el1, UINT64_C(32) | 1U << 8 | 1U << 10 | 3U << 12 | 1U << 23 | UINT64_C(1) << 32);
    use_space(0);
    __asm__ volatile("tlbi vmalle1\n\tdsb nsh\n\tisb" : : : "memory");
    pi_write(sctlr_el1, pi_read(sctlr_el1) | 1U | 1U << 2 | 1U << 12);
}

/* ---- Processes --------------------------------------------------------------------------------------------------- */

/** Runs at EL0, from its read-only copy. It counts in its page, checks that it was nobody else, and says so each time
 *  (SVC 1, x0: whether all is well). */
static __attribute__((noinline)) void process(uint64_t number)
{
    volatile uint64_t *page = (volatile uint64_t *)USER_PAGE;
    uint64_t count = 0;
    bool well = true;

    page[0] = number;
    page[1] = 0;
    for (;;) {
        for (unsigned i = 0; i < 200U; i++) {
            count++;
            well = well && page[0] == number && page[1] == count - 1U;
            page[1] = count;
        }
        __asm__ volatile("mov x0, %0\n\tsvc #1" : : "r"((uint64_t)well) : "x0", "memory");
    }
}

static void make_process(unsigned p)
{
    struct pi_frame *frame = (struct pi_frame *)(uintptr_t)(stack[p] + sizeof(stack[p]) - sizeof(*frame));

    *frame = (struct pi_frame){.elr = (uint64_t)(uintptr_t)process + USER_TEXT, .spsr = 0};
    frame->x[0] = p + 1U;
    frame->sp_el0 = USER_PAGE + 4096U;
    frame_of[p] = frame;
}

static struct pi_frame *switch_to(unsigned next)
{
    current = next;
    if (next != KERNEL) {
        use_space(next);
    }
    return frame_of[next];
}

struct pi_frame *pi_irq(struct pi_frame *frame)
{
    if (!timer->asks()) {
        nothing++;
        return frame;
    }
    frame_of[current] = frame;
    ticks++;
    if (ticks == TICKS) {
        timer->stop();
        return switch_to(KERNEL);
    }
    timer->again();
    return switch_to((current + 1U) % PROCESSES);
}

static unsigned ill, ran[PROCESSES];

/** SVC: from EL1, begin; from EL0, a process's word. */
struct pi_frame *pi_sync(struct pi_frame *frame)
{
    if (pi_read(esr_el1) >> 26 != 0x15U) {
        pi_print("os: exception ");
        pi_hex(pi_read(esr_el1));
        pi_print(" at ");
        pi_hex(frame->elr);
        pi_print(" for ");
        pi_hex(pi_read(far_el1));
        pi_print("\n");
        pi_off();
    }
    if (current == KERNEL) {
        frame_of[KERNEL] = frame;
        return switch_to(0);
    }
    calls++;
    ran[current]++;
    ill += frame->x[0] != 1U ? 1U : 0U;
    return frame;
}

static void run(const struct timer *with)
{
    unsigned idle = 0;

    timer = with;
    ticks = 0;
    nothing = 0;
    ill = 0;
    for (unsigned p = 0; p < PROCESSES; p++) {
        ran[p] = 0;
        make_process(p);
    }
    with->start();
    __asm__ volatile("svc #0" : : : "memory");
    for (unsigned p = 0; p < PROCESSES; p++) {
        idle += ran[p] == 0U ? 1U : 0U;
    }
    pi_print("os: ");
    pi_print(with->name);
    pi_print(": ");
    pi_number(ticks);
    pi_print(" ticks, ");
    pi_number(nothing);
    pi_print(" for nothing, ");
    pi_number(idle);
    pi_print(" idle, ");
    pi_number(ill);
    pi_print(" ill\n");
}

void pi_main(uint64_t boot, uint64_t el)
{
    (void)boot;
    (void)el;
    pi_use_pl011();
    build_tables();
    mmu_on();
    pi_print("os: memory is virtual\n");
    for (unsigned i = 0; i < sizeof(timers) / sizeof(timers[0]); i++) {
        run(&timers[i]);
    }
    pi_print(calls > 0U ? "os: done\n" : "os: nobody called\n");
}
