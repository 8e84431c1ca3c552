/* SPDX-License-Identifier: BSD-2-Clause */
/* vCPUs that wait by firmware call: for an SGI, for the clock's alarm, for nothing. Each under many seeds. */
#include <string.h>

#include <libvcpu/psci.h>

#include "rig.h"

#define SEEDS   100U
#define ENTRY   (SIM_RAM_BASE + 0x80000U)
#define RESUME  (SIM_RAM_BASE + 0x1000U)
#define CONTEXT UINT64_C(0x1234567890abcdef)
#define SGI     5U
#define CLOCK   34U

static struct sim sim;

/* ---- An SGI ------------------------------------------------------------------------------------------------------ */

static struct {
    uint64_t function;
    uint64_t power_state;
    unsigned waits;
    unsigned wakes;
} sleeper;

static bool powers_down(void)
{
    return sleeper.function != ASH_VCPU_PSCI_CPU_SUSPEND64 || sleeper.power_state != 0U;
}

/** What vCPU 0 finds after it waited: the interrupt, and its registers kept or lost. */
static enum hv_verdict awake(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    sleeper.wakes++;
    assert_int_equal(sim_acknowledge(cpu, vcpu), SGI);
    if (powers_down()) {
        assert_int_equal(vcpu->context.pc, RESUME);
        assert_int_equal(vcpu->context.x[0], CONTEXT);
        assert_int_equal(vcpu->context.x[5], 0);
        assert_int_equal(vcpu->context.pstate, ASH_VCPU_PSTATE_DAIF | ASH_VCPU_PSTATE_EL1H);
    } else {
        assert_int_equal(sim_x0(vcpu), ASH_VCPU_PSCI_SUCCESS);
        assert_int_equal(vcpu->context.x[5], 0xDEAD);
    }
    return sim_off(cpu, vcpu);
}

static enum hv_verdict sleep_until_an_sgi(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    bool is_default = sleeper.function == ASH_VCPU_PSCI_CPU_DEFAULT_SUSPEND64;

    if (sleeper.waits != 0U) {
        return awake(cpu, vcpu);
    }
    if (round == 0U) {
        sim_gic_enable(cpu, vcpu);
        return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_ON64, 1, ENTRY, 0);
    }
    vcpu->context.x[5] = 0xDEAD;
    sleeper.waits++;
    return sim_hvc(cpu, vcpu, (uint32_t)sleeper.function, is_default ? RESUME : sleeper.power_state,
                   is_default ? CONTEXT : RESUME, is_default ? 0U : CONTEXT);
}

static enum hv_verdict two_vcpus(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (vcpu->index == 0U) {
        return sleep_until_an_sgi(cpu, vcpu, round);
    }
    if (round == 0U) {
        sim_gic_enable(cpu, vcpu);
    }
    if (round == 3U) {
        sim_send_sgi(cpu, vcpu, SGI, 1);
    }
    return HV_RESUME;
}

static void run_sgi(uint64_t seed)
{
    static const struct sim_vm vm = {.name = "sleeper", .vcpus = 2, .memory = 2U * SIM_MIB};

    sleeper.waits = 0;
    sleeper.wakes = 0;
    sim_board(&sim, 1U + (unsigned)(seed / 2U % 3U), &vm, 1); /* shared, or each its own */
    sim_run(&sim, two_vcpus, seed);
    assert_int_equal(sleeper.wakes, 1);
    sim_assert_exit(&sim, "ok", "sleeper");
}

static void standby_ends_with_an_interrupt_and_keeps_everything(void **state)
{
    (void)state;
    sleeper.function = ASH_VCPU_PSCI_CPU_SUSPEND64;
    sleeper.power_state = 0;
    sim_under_seeds("standby", SEEDS, run_sgi);
}

static void a_power_down_ends_at_its_entry_with_the_interrupt_still_there(void **state)
{
    (void)state;
    sleeper.function = ASH_VCPU_PSCI_CPU_SUSPEND64;
    sleeper.power_state = 0x10000;
    sim_under_seeds("power-down", SEEDS, run_sgi);
    sleeper.function = ASH_VCPU_PSCI_CPU_DEFAULT_SUSPEND64;
    sim_under_seeds("default suspend", SEEDS, run_sgi);
}

/* ---- The clock --------------------------------------------------------------------------------------------------- */

static struct {
    unsigned suspends;
    unsigned alarms;
    uint32_t match;
} dreamer;

static enum hv_verdict suspend_for(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint32_t seconds)
{
    uint64_t rtc = vcpu->vm->machine.layout.rtc.base.value;
    uint64_t gicd = vcpu->vm->machine.layout.gicd.value;

    sim_gic_enable(cpu, vcpu);
    (void)sim_device(cpu, vcpu, gicd + 0x084U, true, ~0U);                 /* GICD_IGROUPR1 */
    (void)sim_device(cpu, vcpu, gicd + 0x104U, true, 1U << (CLOCK - 32U)); /* GICD_ISENABLER1 */
    dreamer.match = sim_device(cpu, vcpu, rtc, false, 0) + seconds;
    (void)sim_device(cpu, vcpu, rtc + 0x004U, true, dreamer.match); /* RTCMR */
    (void)sim_device(cpu, vcpu, rtc + 0x010U, true, 1);             /* RTCIMSC */
    dreamer.suspends++;
    return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_SYSTEM_SUSPEND64, RESUME, CONTEXT, 0);
}

static enum hv_verdict sleep_until_the_alarm(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    uint64_t rtc = vcpu->vm->machine.layout.rtc.base.value;

    if (sim_is(vcpu, "other")) {
        return sim_off(cpu, vcpu);
    }
    if (dreamer.suspends == 0U) {
        assert_int_equal(vcpu->context.pc, ENTRY);
        return suspend_for(cpu, vcpu, 3600);
    }
    assert_int_equal(round, 0);
    assert_int_equal(vcpu->context.pc, RESUME);
    assert_int_equal(vcpu->context.x[0], CONTEXT);
    assert_int_equal(sim_acknowledge(cpu, vcpu), CLOCK);
    assert_int_equal(sim_device(cpu, vcpu, rtc, false, 0), dreamer.match);
    (void)sim_device(cpu, vcpu, rtc + 0x01cU, true, 1); /* RTCICR */
    dreamer.alarms++;
    return dreamer.alarms < 3U ? suspend_for(cpu, vcpu, 7) : sim_off(cpu, vcpu);
}

static void run_alarm(uint64_t seed)
{
    static const struct sim_vm vms[] = {{.name = "dreamer", .vcpus = 2, .memory = 2U * SIM_MIB},
                                        {.name = "other", .vcpus = 1, .memory = 2U * SIM_MIB}};

    memset(&dreamer, 0, sizeof(dreamer));
    sim_board(&sim, 4, vms, 2);
    sim_run(&sim, sleep_until_the_alarm, seed);
    assert_int_equal(dreamer.alarms, 3);
    sim_assert_exit(&sim, "ok", "dreamer");
}

static void system_suspend_ends_with_the_clock_s_alarm(void **state)
{
    (void)state;
    sim_under_seeds("alarm", SEEDS, run_alarm);
}

/* ---- Nothing ----------------------------------------------------------------------------------------------------- */

static enum hv_verdict sleep_for_ever(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (sim_is(vcpu, "front")) {
        return round < 20U ? HV_RESUME : sim_off(cpu, vcpu);
    }
    assert_int_equal(round, 0);
    return sim_hvc(cpu, vcpu,
                   vcpu->vm->slot == 1U ? ASH_VCPU_PSCI_SYSTEM_SUSPEND64 : ASH_VCPU_PSCI_CPU_SUSPEND64,
                   vcpu->vm->slot == 1U ? RESUME : 0U, 0, 0);
}

static void run_for_ever(uint64_t seed)
{
    static const struct sim_vm vms[] = {
        {.name = "front", .vcpus = 1, .memory = 2U * SIM_MIB},
        {.name = "deep", .vcpus = 1, .memory = 2U * SIM_MIB, .background = true},
        {.name = "light", .vcpus = 1, .memory = 2U * SIM_MIB, .background = true}};

    sim_board(&sim, 4, vms, 3);
    sim_run(&sim, sleep_for_ever, seed);
    assert_int_equal(sim_count(&sim, "deep is off"), 1);
    assert_int_equal(sim_count(&sim, "light is off"), 1);
}

static void a_vcpu_that_waits_for_nothing_can_be_stopped(void **state)
{
    (void)state;
    sim_under_seeds("for ever", SEEDS, run_for_ever);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(standby_ends_with_an_interrupt_and_keeps_everything),
        cmocka_unit_test(a_power_down_ends_at_its_entry_with_the_interrupt_still_there),
        cmocka_unit_test(system_suspend_ends_with_the_clock_s_alarm),
        cmocka_unit_test(a_vcpu_that_waits_for_nothing_can_be_stopped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
