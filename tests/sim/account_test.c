/* SPDX-License-Identifier: BSD-2-Clause */
/* What vCPUs and CPUs are said to have spent, against what the guests themselves saw. Each under many seeds. */
#include <string.h>

#include <libvcpu/psci.h>

#include "arch/arch.h"
#include "core/account.h"
#include "rig.h"

#define SEEDS 50U
#define MS    UINT64_C(1000000) /* ns; a tick of the simulation is a microsecond */

static struct sim sim;

static struct hv_account_view of(unsigned vm, unsigned vcpu)
{
    struct hv_account_view view;

    hv_account_read(sim.hv.vm[vm]->vcpu[vcpu], &view);
    assert_true(view.run + view.steal + view.idle == view.on);
    return view;
}

/* ---- One that spins ---------------------------------------------------------------------------------------------- */

static struct {
    uint64_t begin;
    uint64_t last;
    uint64_t run;
} spinner;

static enum hv_verdict spin(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    struct hv_account_view view = of(0, 0);

    if (round == 0U) {
        spinner.begin = hv_arch_ticks();
    }
    assert_true(view.run >= spinner.run); /* it goes on while it is loaded */
    spinner.run = view.run;
    spinner.last = hv_arch_ticks();
    if (spinner.last - spinner.begin < 50000U) {
        return HV_RESUME;
    }
    return sim_off(cpu, vcpu);
}

static void run_alone(uint64_t seed)
{
    static const struct sim_vm vm = {.name = "spins", .vcpus = 1, .memory = 2U * SIM_MIB};
    struct hv_account_view view;

    memset(&spinner, 0, sizeof(spinner));
    sim_board(&sim, 2, &vm, 1);
    sim_run(&sim, spin, seed);
    view = of(0, 0);
    assert_int_equal(view.loads, 1);
    assert_true(view.run >= (spinner.last - spinner.begin) * 1000U);
    assert_true(view.on - view.run < 1U * MS);
    assert_true(view.steal < 1U * MS);
}

static void a_vcpu_that_is_alone_runs_all_the_time_that_it_is_on(void **state)
{
    (void)state;
    sim_under_seeds("alone", SEEDS, run_alone);
}

static void what_is_off_spends_nothing_more(void **state)
{
    struct hv_account_view before;

    (void)state;
    run_alone(1);
    before = of(0, 0);
    for (unsigned i = 0; i < 1000U; i++) {
        (void)hv_arch_ticks();
    }
    assert_true(of(0, 0).on == before.on && of(0, 0).run == before.run);
}

/* ---- Two on one CPU ---------------------------------------------------------------------------------------------- */

static struct {
    unsigned done;
    uint64_t until;
} pair;

static enum hv_verdict share(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (round == 0U && pair.until == 0U) {
        pair.until = hv_arch_ticks() + 400000U;
    }
    if (hv_arch_ticks() < pair.until) {
        return HV_RESUME;
    }
    pair.done++;
    return sim_off(cpu, vcpu);
}

static void run_shared(uint64_t seed)
{
    static const struct sim_vm vms[] = {{.name = "a", .vcpus = 1, .memory = 2U * SIM_MIB, .slice_us = 5000},
                                        {.name = "b", .vcpus = 1, .memory = 2U * SIM_MIB, .slice_us = 5000}};

    memset(&pair, 0, sizeof(pair));
    sim_board(&sim, 1, vms, 2);
    sim_run(&sim, share, seed);
    assert_int_equal(pair.done, 2);
    for (unsigned i = 0; i < 2U; i++) {
        struct hv_account_view view = of(i, 0);

        assert_true(view.on >= 390U * MS && view.on < 500U * MS);
        assert_true(view.run >= 180U * MS && view.run < 230U * MS);
        assert_true(view.steal >= 170U * MS && view.steal < 230U * MS);
        assert_true(view.loads >= 30U && view.loads < 120U);
    }
    assert_true(hv_account_cpu_idle(&sim.cpu[0]) < 20U * MS);
}

static void two_that_share_a_cpu_have_half_of_it_each(void **state)
{
    (void)state;
    sim_under_seeds("shared", SEEDS, run_shared);
}

/* ---- One that waits ---------------------------------------------------------------------------------------------- */

static uint64_t woken_at;

static enum hv_verdict sleep_a_second(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    uint64_t now = hv_arch_ticks();

    if (round == 0U) {
        sim_gic_enable(cpu, vcpu);
        vcpu->arch.vtimer.timer[ASH_VTIMER_VIRTUAL].cval = now + 1000000U;
        vcpu->arch.vtimer.timer[ASH_VTIMER_VIRTUAL].ctl = ASH_VTIMER_CTL_ENABLE;
        return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_SUSPEND64, 0, 0, 0);
    }
    woken_at = now;
    return sim_off(cpu, vcpu);
}

static void run_asleep(uint64_t seed)
{
    static const struct sim_vm vm = {.name = "sleeps", .vcpus = 1, .memory = 2U * SIM_MIB};
    struct hv_account_view view;

    sim_board(&sim, 1, &vm, 1);
    sim_run(&sim, sleep_a_second, seed);
    view = of(0, 0);
    assert_true(view.idle >= 990U * MS && view.idle < 1100U * MS);
    assert_true(view.run < 20U * MS);
    assert_true(hv_account_cpu_idle(&sim.cpu[0]) >= 990U * MS);
}

static void a_wait_is_idle_time_of_the_vcpu_and_of_its_cpu(void **state)
{
    (void)state;
    sim_under_seeds("asleep", SEEDS, run_asleep);
}

static void every_reason_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (unsigned i = 0; i < HV_EXIT_REASONS; i++) {
        for (unsigned j = 0; j < i; j++) {
            assert_string_not_equal(hv_exit_reason_name((enum hv_exit_reason)i),
                                    hv_exit_reason_name((enum hv_exit_reason)j));
        }
    }
    assert_string_equal(hv_exit_reason_name(HV_EXIT_REASONS), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_vcpu_that_is_alone_runs_all_the_time_that_it_is_on),
        cmocka_unit_test(what_is_off_spends_nothing_more),
        cmocka_unit_test(two_that_share_a_cpu_have_half_of_it_each),
        cmocka_unit_test(a_wait_is_idle_time_of_the_vcpu_and_of_its_cpu),
        cmocka_unit_test(every_reason_has_a_name_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
