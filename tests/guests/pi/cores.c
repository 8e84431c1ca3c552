/* SPDX-License-Identifier: BSD-2-Clause */
/* Four cores: the others from the spin table, messages by the local block's mailboxes as IRQ and as FIQ, each
 * core's own timers, the system timer as FIQ. */
#include "pi/pi.h"

#define CORES  4U
#define ROUNDS 20U
#define TICKS  10U

static volatile uint32_t up[CORES], taken[CORES], fiqs[CORES], ticks[CORES], nothing[CORES], rounds;
static volatile bool may_tick, all_over;

static uint64_t self(void)
{
    return pi_read(mpidr_el1) & 3U;
}

/** A message: to the core that it is for, and back to core 0 with what came, plus one. */
static void take_mailbox(uint64_t core, unsigned mailbox)
{
    uint32_t value = get32(LOCAL_CLEAR((uint32_t)core, mailbox));

    put32(LOCAL_CLEAR((uint32_t)core, mailbox), value);
    taken[core] = value;
    if (core == 0U) {
        rounds++;
    } else {
        put32(LOCAL_SET(0U, 0U), value + 1U);
    }
}

struct pi_frame *pi_irq(struct pi_frame *frame)
{
    uint64_t core = self();
    uint32_t source = get32(LOCAL_IRQ((uint32_t)core));

    if ((source & SOURCE_MAILBOX0) != 0U) {
        take_mailbox(core, 0);
    } else if ((source & SOURCE_CNTV) != 0U) {
        ticks[core]++;
        pi_write(cntv_tval_el0, pi_read(cntfrq_el0) / 2000U);
        if (ticks[core] == TICKS) {
            pi_write(cntv_ctl_el0, 0);
        }
    } else {
        nothing[core]++;
    }
    return frame;
}

struct pi_frame *pi_fiq(struct pi_frame *frame)
{
    uint64_t core = self();
    uint32_t source = get32(LOCAL_FIQ((uint32_t)core));

    if ((source & SOURCE_MAILBOX0 << 1) != 0U) {
        put32(LOCAL_CLEAR((uint32_t)core, 1U), UINT32_MAX);
        fiqs[core]++;
    } else if ((source & SOURCE_GPU) != 0U && (get32(ST_CS) & 1U << 3) != 0U) {
        put32(ST_CS, 1U << 3);
        fiqs[core]++;
    } else {
        nothing[core]++;
    }
    return frame;
}

static void open(uint64_t core)
{
    put32(LOCAL_MAILBOX((uint32_t)core), 0x21); /* mailbox 0: IRQ, mailbox 1: FIQ */
    __asm__ volatile("msr daifclr, #3" : : : "memory");
}

/** Until there is an interrupt, taken by the end of it. Masked: one that came since the caller looked ends the WFI. */
static void wait_masked(void)
{
    __asm__ volatile("wfi\n\tmsr daifclr, #3\n\tisb\n\tmsr daifset, #3" : : : "memory");
}

static void wait_for(volatile uint32_t *word, uint32_t value)
{
    while (*word != value) {
        __asm__ volatile("wfe");
    }
}

static void run_ticks(uint64_t core)
{
    put32(LOCAL_TIMERS((uint32_t)core), SOURCE_CNTV);
    pi_write(cntv_tval_el0, pi_read(cntfrq_el0) / 2000U);
    pi_write(cntv_ctl_el0, 1);
    __asm__ volatile("msr daifset, #3" : : : "memory");
    while (ticks[core] < TICKS) {
        wait_masked();
    }
    __asm__ volatile("msr daifclr, #3" : : : "memory");
}

void pi_core(uint64_t core)
{
    open(core);
    up[core] = 1;
    __asm__ volatile("dsb sy\n\tsev" : : : "memory");
    while (!may_tick) {
        __asm__ volatile("wfe");
    }
    run_ticks(core);
    up[core] = 2;
    __asm__ volatile("dsb sy\n\tsev" : : : "memory");
    while (!all_over) {
        __asm__ volatile("wfi");
    }
}

static void say(const char *what, volatile uint32_t *values)
{
    pi_print("cores: ");
    pi_print(what);
    for (unsigned i = 0; i < CORES; i++) {
        pi_print(" ");
        pi_number(values[i]);
    }
    pi_print("\n");
}

static void send_messages(void)
{
    for (uint32_t n = 0; n < ROUNDS; n++) {
        uint32_t core = 1U + n % (CORES - 1U);

        put32(LOCAL_SET(core, 0U), 0x100U * core + n);
        wait_for(&rounds, n + 1U);
        if (taken[0] != 0x100U * core + n + 1U) {
            pi_print("cores: a wrong answer\n");
        }
    }
    pi_print("cores: ");
    pi_number(rounds);
    pi_print(" messages\n");
}

static void send_fiqs(void)
{
    for (uint32_t core = 0; core < CORES; core++) {
        put32(LOCAL_SET(core, 1U), 1);
        wait_for(&fiqs[core], 1);
    }
    put32(IC_FIQ, 0x80U | IRQ_C3);
    put32(ST_C3, get32(ST_CLO) + 500U);
    wait_for(&fiqs[0], 2);
    put32(IC_FIQ, 0);
    say("FIQs", fiqs);
}

void pi_main(uint64_t boot, uint64_t el)
{
    (void)boot;
    (void)el;
    pi_use_pl011();
    open(0);
    for (uint32_t core = 1; core < CORES; core++) {
        pi_start_core(core);
        wait_for(&up[core], 1);
    }
    pi_print("cores: all are up\n");
    send_messages();
    send_fiqs();
    may_tick = true;
    __asm__ volatile("dsb sy\n\tsev" : : : "memory");
    run_ticks(0);
    for (uint32_t core = 1; core < CORES; core++) {
        wait_for(&up[core], 2);
    }
    say("ticks", ticks);
    say("interrupts for nothing", nothing);
    all_over = true;
}
