/* SPDX-License-Identifier: BSD-2-Clause */
/* A VM that is a Raspberry Pi, on simulated CPUs: who is woken by what, when, and how it ends. */
#include <string.h>

#include <libvcpu/psci.h>

#include "arch/arch.h"
#include "glue/bcm2837.h"
#include "rig.h"

#define SEEDS  40U
#define IO     UINT64_C(0x3f000000)
#define LOCAL  UINT64_C(0x40000000)
#define CNTV   0x8U
#define MASKED (UINT64_C(0xc0) | 0x5U) /* PSTATE: I, F, EL1h */

static struct sim sim;

static void under_seeds(const char *name, const struct sim_vm *vms, unsigned count, hv_host_guest *guest,
                        void (*begin)(void))
{
    struct test_rng rng;
    uint64_t first = test_rng_init(&rng, name);

    for (unsigned i = 0; i < SEEDS; i++) {
        begin();
        sim_board(&sim, 1U + i % 4U, vms, count);
        sim_run(&sim, guest, first + 2U * i);
        sim_assert_exit(&sim, "ok", NULL);
    }
}

static uint32_t get(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t at)
{
    return sim_device(cpu, vcpu, at, false, 0);
}

static void put(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t at, uint32_t value)
{
    (void)sim_device(cpu, vcpu, at, true, value);
}

static enum hv_verdict wfi(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_SUSPEND64, 0, 0, 0);
}

/** By the power block, as a program does it. */
static enum hv_verdict halt(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint32_t rsts)
{
    put(cpu, vcpu, IO + 0x100020U, 0x5a000000U | rsts);
    put(cpu, vcpu, IO + 0x100024U, 0x5a00000aU);
    put(cpu, vcpu, IO + 0x10001cU, 0x5a000020U);
    return HV_RESUME;
}

static struct {
    unsigned seen[4]; /* how often each vCPU came, was woken, ... */
    uint64_t at;
    uint64_t woken;
    unsigned lives;
    bool over;
} t;

static void clear(void)
{
    memset(&t, 0, sizeof(t));
}

/* ---- Cores ------------------------------------------------------------------------------------------------------- */

static enum hv_verdict cores(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    uint32_t mail;

    if (round == 0U) {
        assert_int_equal(vcpu->context.pc, vcpu->index == 0U ? 0x80000U : 0U);
        assert_int_equal(vcpu->context.x[0], vcpu->index == 0U ? 0x100U : 0U);
        put(cpu, vcpu, LOCAL + 0x50U + 4U * vcpu->index, 1); /* mailbox 0: IRQ */
        t.seen[vcpu->index] = 1;
        return HV_RESUME;
    }
    if (t.over) {
        return vcpu->index == 0U ? HV_RESUME : wfi(cpu, vcpu);
    }
    if (vcpu->index == 0U && t.seen[0] == 1U && t.seen[1] == 1U && t.seen[2] == 1U && t.seen[3] == 1U) {
        t.seen[0] = 2;
        put(cpu, vcpu, LOCAL + 0x90U, 7); /* to core 1, which sends it on */
    }
    if (vcpu->index == 0U && t.seen[0] == 1U) {
        return HV_RESUME; /* not all are there */
    }
    mail = get(cpu, vcpu, LOCAL + 0xc0U + 16U * vcpu->index);
    if (mail == 0U) {
        return wfi(cpu, vcpu);
    }
    assert_int_equal(vcpu->arch.lines, HV_LINE_IRQ);
    assert_int_equal(mail, 6U + (vcpu->index != 0U ? vcpu->index : 4U));
    put(cpu, vcpu, LOCAL + 0xc0U + 16U * vcpu->index, UINT32_MAX);
    assert_int_equal(vcpu->arch.lines, 0);
    if (vcpu->index == 0U) {
        t.over = true;
        return halt(cpu, vcpu, 0x555);
    }
    put(cpu, vcpu, LOCAL + 0x80U + 16U * ((vcpu->index + 1U) % 4U), mail + 1U);
    return HV_RESUME;
}

static void all_cores_begin_and_wake_each_other_by_mailboxes(void **state)
{
    static const struct sim_vm vms[] = {
        {.name = "pi", .vcpus = 4, .memory = 2U * SIM_MIB, .machine = "bcm2837"}};

    (void)state;
    under_seeds("mailboxes", vms, 1, cores, clear);
    sim_assert_says(&sim, "pi is off");
}

/* ---- Timers ------------------------------------------------------------------------------------------------------ */

static enum hv_verdict sleeper(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (round == 0U) {
        put(cpu, vcpu, IO + 0xb210U, 2); /* C1 */
        t.at = get(cpu, vcpu, IO + 0x3004U) + 5000U;
        put(cpu, vcpu, IO + 0x3010U, (uint32_t)t.at);
        return wfi(cpu, vcpu);
    }
    if ((get(cpu, vcpu, IO + 0xb204U) & 2U) == 0U) {
        return t.over ? HV_RESUME : wfi(cpu, vcpu);
    }
    t.woken = get(cpu, vcpu, IO + 0x3004U);
    assert_int_equal(vcpu->arch.lines, HV_LINE_IRQ);
    put(cpu, vcpu, IO + 0x3000U, 2);
    assert_int_equal(vcpu->arch.lines, 0);
    assert_true(t.woken >= t.at && t.woken < t.at + 5000U);
    t.over = true;
    return halt(cpu, vcpu, 0x555);
}

static void the_system_timer_wakes_a_core_in_time(void **state)
{
    static const struct sim_vm vms[] = {
        {.name = "pi", .vcpus = 1, .memory = 2U * SIM_MIB, .machine = "bcm2837"}};

    (void)state;
    under_seeds("system timer", vms, 1, sleeper, clear);
    assert_true(t.over);
}

/** The generic timer, as a handler sees it: held when it has fired, not shown on the line once the source was read,
 *  shown again to one that lets interrupts in without having quieted it, and let go when it is quiet. */
static enum hv_verdict ticker(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    struct hv_bcm2837_core *core = &vcpu->vm->machine.bcm->core[0];
    struct ash_vtimer_regs *timer = &vcpu->arch.vtimer.timer[ASH_VTIMER_VIRTUAL];

    if (t.over) {
        return HV_RESUME;
    }
    if (round == 0U) {
        vcpu->context.pstate = 0x5;
        put(cpu, vcpu, LOCAL + 0x40U, CNTV);
        timer->cval = hv_arch_ticks() + 300U;
        timer->ctl = ASH_VTIMER_CTL_ENABLE;
        return wfi(cpu, vcpu);
    }
    if (hv_arch_ticks() < timer->cval) {
        return wfi(cpu, vcpu);
    }
    if (core->held == 0U) { /* the interrupt itself is on its way */
        return HV_RESUME;
    }
    assert_int_equal(core->held, CNTV);
    assert_int_equal(vcpu->arch.lines, HV_LINE_IRQ);
    assert_true(core->look_at != UINT64_MAX);
    vcpu->context.pstate = MASKED; /* it is taken */
    assert_int_equal(get(cpu, vcpu, LOCAL + 0x60U), CNTV);
    assert_int_equal(vcpu->arch.lines, 0);
    assert_int_equal(get(cpu, vcpu, LOCAL + 0x60U), CNTV); /* it asserts all the same */
    vcpu->context.pstate = 0x5;
    (void)get(cpu, vcpu, LOCAL + 0x00U);
    assert_int_equal(vcpu->arch.lines, HV_LINE_IRQ); /* returned too early */
    vcpu->context.pstate = MASKED;
    assert_int_equal(get(cpu, vcpu, LOCAL + 0x60U), CNTV);
    timer->cval = hv_arch_ticks() + 300U;
    vcpu->context.pstate = 0x5;
    assert_int_equal(get(cpu, vcpu, LOCAL + 0x60U), 0);
    assert_int_equal(vcpu->arch.lines, 0);
    assert_int_equal(core->held, 0);
    assert_true(core->look_at == UINT64_MAX);
    if (++t.seen[0] < 5U) {
        return wfi(cpu, vcpu);
    }
    t.over = true;
    return halt(cpu, vcpu, 0x555);
}

static void a_timer_is_held_and_seen_and_let_go(void **state)
{
    static const struct sim_vm vms[] = {
        {.name = "pi", .vcpus = 1, .memory = 2U * SIM_MIB, .machine = "bcm2837"}};

    (void)state;
    under_seeds("ticks", vms, 1, ticker, clear);
    assert_int_equal(t.seen[0], 5);
}

/** A program that never lets interrupts in: the line says so to its WFI, when the timer was set again, and when it was
 *  left as it is. */
static enum hv_verdict masked(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    struct hv_bcm2837_core *core = &vcpu->vm->machine.bcm->core[0];
    struct ash_vtimer_regs *timer = &vcpu->arch.vtimer.timer[ASH_VTIMER_VIRTUAL];

    if (t.over) {
        return HV_RESUME;
    }
    if (round == 0U) {
        vcpu->context.pstate = MASKED;
        put(cpu, vcpu, LOCAL + 0x40U, CNTV);
        timer->cval = hv_arch_ticks();
        timer->ctl = ASH_VTIMER_CTL_ENABLE;
    }
    if (core->held == 0U) {
        return HV_RESUME;
    }
    if (t.at == 0U) {
        assert_int_equal(get(cpu, vcpu, LOCAL + 0x60U), CNTV);
        assert_int_equal(vcpu->arch.lines, 0);
        timer->cval = hv_arch_ticks() - 1U; /* and has fired by now */
        (void)get(cpu, vcpu, LOCAL + 0x00U);
        assert_int_equal(vcpu->arch.lines, HV_LINE_IRQ);
        assert_int_equal(get(cpu, vcpu, LOCAL + 0x60U), CNTV);
        assert_int_equal(vcpu->arch.lines, 0);
        t.at = hv_arch_ticks();
    }
    if (vcpu->arch.lines == 0U) { /* the CPU's alarm looks again and again */
        return HV_RESUME;
    }
    t.woken = hv_arch_ticks() - t.at;
    t.over = true;
    return halt(cpu, vcpu, 0x555);
}

static void a_timer_is_told_to_who_waits_with_interrupts_masked(void **state)
{
    static const struct sim_vm vms[] = {
        {.name = "pi", .vcpus = 1, .memory = 2U * SIM_MIB, .machine = "bcm2837"}};
    const uint64_t ms = hv_arch_ticks_per_second() / 1000U;

    (void)state;
    under_seeds("masked", vms, 1, masked, clear);
    assert_in_range(t.woken, 10U * ms, 12U * ms);
}

/* ---- Lives ------------------------------------------------------------------------------------------------------- */

static enum hv_verdict resetter(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (round != 0U) {
        return HV_RESUME;
    }
    assert_int_equal(get(cpu, vcpu, IO + 0xb210U), 0); /* as at power-on */
    assert_int_equal(get(cpu, vcpu, LOCAL + 0xc0U), 0);
    assert_int_equal(sim_peek(vcpu, 0), 0xd53800a6U); /* the stub is there */
    assert_int_equal(sim_peek(vcpu, 0xe0 / 4), 0);
    sim_poke(vcpu, 0, 0);
    sim_poke(vcpu, 0xe0 / 4, 1);
    put(cpu, vcpu, IO + 0xb210U, 2);
    put(cpu, vcpu, LOCAL + 0x80U, 1);
    return halt(cpu, vcpu, ++t.lives < 4U ? 0U : 0x555U);
}

static void a_reset_begins_anew_and_a_halt_ends_it(void **state)
{
    static const struct sim_vm vms[] = {
        {.name = "pi", .vcpus = 1, .memory = 2U * SIM_MIB, .machine = "bcm2837"}};

    (void)state;
    under_seeds("lives", vms, 1, resetter, clear);
    assert_int_equal(t.lives, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_cores_begin_and_wake_each_other_by_mailboxes),
        cmocka_unit_test(the_system_timer_wakes_a_core_in_time),
        cmocka_unit_test(a_timer_is_held_and_seen_and_let_go),
        cmocka_unit_test(a_timer_is_told_to_who_waits_with_interrupts_masked),
        cmocka_unit_test(a_reset_begins_anew_and_a_halt_ends_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
