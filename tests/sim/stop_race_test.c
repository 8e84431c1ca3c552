/* SPDX-License-Identifier: BSD-2-Clause */
/* Stopping races with everything: CPU_ON, CPU_OFF, resets, faults, VMs that end behind others. Guests act at random,
 * and the simulator draws which CPU gets on. Whatever happens, the machine ends, says one exit line, and the ownership
 * map, the page pool and the VMs agree (sim_run()). */
#include <stdlib.h>
#include <string.h>

#include <libvcpu/psci.h>

#include "rig.h"

#define ENTRY (SIM_RAM_BASE + 0x80000U)

static struct sim sim;
static struct test_rng rng; /* the guests'; they run one at a time */

enum event { TURNED_ON, ALREADY_ON, ON_PENDING, TURNED_OFF, RESET, OFF, FAULT, ENDED_WITH_PENDING, EVENTS };
static unsigned happened[EVENTS];

/** What the run has come to: how the VMs that are to end by themselves did. */
static struct {
    unsigned steps;
    bool fault;
} run;

static bool one_in(uint64_t n)
{
    return test_rng_below(&rng, n) == 0U;
}

/** Is a vCPU of @vm turned on that has not run yet? */
static bool has_pending(struct hv_vm *vm)
{
    for (uint32_t i = 0; i < vm->vcpus; i++) {
        if (ash_vcpu_psci_power(&vm->machine.psci, i) == ASH_VCPU_POWER_ON_PENDING) {
            return true;
        }
    }
    return false;
}

static enum hv_verdict turn_on_any(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    uint64_t target = test_rng_below(&rng, vcpu->vm->vcpus);
    enum hv_verdict verdict = sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_ON64, target, ENTRY, vcpu->vm->slot);

    assert_int_equal(verdict, HV_RESUME);
    switch (sim_x0(vcpu)) {
    case ASH_VCPU_PSCI_SUCCESS:
        happened[TURNED_ON]++;
        break;
    case ASH_VCPU_PSCI_ALREADY_ON:
        happened[ALREADY_ON]++;
        break;
    case ASH_VCPU_PSCI_ON_PENDING:
        happened[ON_PENDING]++;
        break;
    default:
        fail_msg("CPU_ON: %lld", (long long)sim_x0(vcpu));
    }
    return HV_RESUME;
}

static enum hv_verdict end_somehow(struct hv_cpu *cpu, struct hv_vcpu *vcpu, bool may_fault)
{
    happened[ENDED_WITH_PENDING] += has_pending(vcpu->vm) ? 1U : 0U;
    if (one_in(3)) {
        happened[RESET]++;
        return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_SYSTEM_RESET, 0, 0, 0);
    }
    if (may_fault && one_in(4)) {
        happened[FAULT]++;
        hv_vm_stop(vcpu->vm, HV_END_FAULT);
        run.fault =
            run.fault || vcpu->vm->end == HV_END_FAULT; /* the first cause counts; it cannot be over yet */
        return HV_LEAVE;
    }
    happened[OFF]++;
    return sim_off(cpu, vcpu);
}

static enum hv_verdict act_at_random(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (round == 0U && vcpu->index > 0U) {
        assert_int_equal(vcpu->context.pc, ENTRY);
        assert_int_equal(vcpu->context.x[0], vcpu->vm->slot);
    }
    run.steps++;
    switch (test_rng_below(&rng, 8)) {
    case 0:
    case 1:
    case 2:
        return turn_on_any(cpu, vcpu);
    case 3:
        if (one_in(2)) {
            happened[TURNED_OFF]++;
            return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_OFF, 0, 0, 0);
        }
        return HV_RESUME;
    case 4:
        return one_in(4) ? end_somehow(cpu, vcpu, sim_is(vcpu, "beta")) : HV_RESUME;
    case 5:
        sim_print(cpu, vcpu, "x");
        return HV_RESUME;
    default:
        return HV_RESUME;
    }
}

static void assert_all_happened(void)
{
    static const char *const names[EVENTS] = {
        "turned on", "already on", "on pending", "turned off",
        "reset",     "off",        "fault",      "ended with one pending"};

    for (unsigned i = 0; i < EVENTS; i++) {
        print_message("%s: %u times\n", names[i], happened[i]);
        assert_true(happened[i] > 0U);
    }
}

static void a_machine_of_restless_vms_always_ends(void **state)
{
    static const struct sim_vm vms[] = {
        {.name = "alpha", .vcpus = 3, .memory = 2U * SIM_MIB},
        {.name = "beta", .vcpus = 2, .memory = 2U * SIM_MIB},
        {.name = "gamma", .vcpus = 2, .memory = 2U * SIM_MIB, .background = true},
    };
    uint64_t first = test_rng_init(&rng, "stop races");
    uint32_t pages = 0;

    (void)state;
    memset(happened, 0, sizeof(happened));
    for (unsigned i = 0; i < 500U; i++) {
        uint64_t seed = first + 2U * i;

        rng.state = seed * UINT64_C(0x9E3779B97F4A7C15) | 1U; /* a run by itself, by its own seed */
        memset(&run, 0, sizeof(run));
        sim_board(&sim, 8, vms, 3);
        sim_run(&sim, act_at_random, seed);
        sim_assert_exit(&sim, run.fault ? "vm-fault" : "ok", run.fault ? "beta" : NULL);
        assert_true(pages == 0U || pages == sim.hv.pages.used);
        pages = sim.hv.pages.used;
    }
    assert_all_happened();
}

/* ---- A background VM that resets while the last of the others goes ----------------------------------------------- */

static bool foreground_gone;
static unsigned lives;

static enum hv_verdict one_goes_one_resets(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (sim_is(vcpu, "behind")) {
        lives += round == 0U ? 1U : 0U;
        /* It resets only while somebody is there: afterwards it would stay for ever, were it not stopped. */
        return foreground_gone || round < 2U ? HV_RESUME
                                             : sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_SYSTEM_RESET, 0, 0, 0);
    }
    if (!one_in(60)) {
        return HV_RESUME;
    }
    foreground_gone = true;
    return sim_off(cpu, vcpu);
}

static void a_background_vm_in_the_middle_of_a_reset_is_stopped_with_the_others(void **state)
{
    static const struct sim_vm vms[] = {
        {.name = "front", .vcpus = 1, .memory = 2U * SIM_MIB},
        {.name = "behind", .vcpus = 1, .memory = 2U * SIM_MIB, .background = true},
    };
    uint64_t first = test_rng_init(&rng, "background reset");
    unsigned resets = 0;

    (void)state;
    for (unsigned i = 0; i < 500U; i++) {
        foreground_gone = false;
        lives = 0;
        sim_board(&sim, 2, vms, 2);
        sim_run(&sim, one_goes_one_resets, first + 2U * i);
        sim_assert_exit(&sim, "ok", "behind");
        resets += lives - 1U;
    }
    print_message("%u resets\n", resets);
    assert_true(resets > 100U);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_machine_of_restless_vms_always_ends),
        cmocka_unit_test(a_background_vm_in_the_middle_of_a_reset_is_stopped_with_the_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
