/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of VMs: start, PSCI, off, reset, fault, refusal. Each under many seeds: the order in which the CPUs get on
 * is another one each time. */
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include <libboot/guest_fdt.h>
#include <libvcpu/psci.h>

#include "core/guest_memory.h"
#include "rig.h"

#define SEEDS 200U
#define ENTRY (SIM_RAM_BASE + 0x80000U) /* of a raw binary; guest RAM begins at the same number */

static struct sim sim;

/** Run @test under @seeds seeds, the first one that of test_rng_init(). */
static void under_seeds(const char *name, unsigned seeds, void (*test)(uint64_t seed))
{
    struct test_rng rng;
    uint64_t first = test_rng_init(&rng, name);

    for (unsigned i = 0; i < seeds; i++) {
        test(first + 2U * i); /* the simulator's seeds are odd */
    }
}

/* ---- Two VMs ----------------------------------------------------------------------------------------------------- */

static const struct sim_vm two_vms[] = {
    {.name = "linux", .vcpus = 2, .has_affinity = true, .affinity = {2, 1}, .memory = 4U * SIM_MIB},
    {.name = "beat",
     .vcpus = 1,
     .has_affinity = true,
     .affinity = {3},
     .memory = 2U * SIM_MIB,
     .background = true},
};

static struct {
    unsigned linux_rounds[2];
    unsigned beats;
    uint32_t cpus[3];
} seen;

static enum hv_verdict beat(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    (void)round;
    assert_true(sim_is(vcpu, "beat"));
    assert_int_equal(vcpu->index, 0);
    seen.cpus[2] = cpu->index;
    seen.beats++;
    return HV_RESUME;
}

static enum hv_verdict linux_boot_cpu(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    seen.cpus[0] = cpu->index;
    seen.linux_rounds[0]++;
    if (round == 0U) {
        const void *tree = hv_guest_map(vcpu->vm, ash_ipa(vcpu->context.x[0]), ASH_BOOT_GUEST_FDT_SIZE);

        assert_int_equal(vcpu->context.pc, ENTRY);
        assert_non_null(tree);
        assert_int_equal(fdt_check_full(tree, ASH_BOOT_GUEST_FDT_SIZE), 0);
        for (unsigned i = 1; i < 31U; i++) {
            assert_int_equal(vcpu->context.x[i], 0);
        }
        assert_int_equal(sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_ON64, 1, ENTRY + 64U, 0x77), HV_RESUME);
        assert_int_equal(sim_x0(vcpu), ASH_VCPU_PSCI_SUCCESS);
        return HV_RESUME;
    }
    if (sim_peek(vcpu, 0) != 0x77U || seen.beats == 0U) {
        return HV_RESUME;
    }
    sim_print(cpu, vcpu, "good bye");
    return sim_off(cpu, vcpu);
}

static enum hv_verdict two_guests(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (!sim_is(vcpu, "linux")) {
        return beat(cpu, vcpu, round);
    }
    if (vcpu->index == 0U) {
        return linux_boot_cpu(cpu, vcpu, round);
    }
    seen.cpus[1] = cpu->index;
    seen.linux_rounds[1]++;
    if (round == 0U) {
        assert_int_equal(vcpu->context.pc, ENTRY + 64U);
        assert_int_equal(vcpu->context.x[0], 0x77);
        assert_int_equal(vcpu->context.sys.vmpidr_el2 & ASH_VCPU_MPIDR_AFFINITY, 1);
        sim_poke(vcpu, 0, (uint32_t)vcpu->context.x[0]);
    }
    return HV_RESUME;
}

static void run_two_vms(uint64_t seed)
{
    memset(&seen, 0, sizeof(seen));
    sim_board(&sim, 4, two_vms, 2);
    sim_run(&sim, two_guests, seed);
    assert_int_equal(seen.cpus[0], 2);
    assert_int_equal(seen.cpus[1], 1);
    assert_int_equal(seen.cpus[2], 3);
    assert_true(seen.linux_rounds[1] > 0U && seen.beats > 0U);
    sim_assert_says(&sim, "VM 1 linux: 4 MiB");
    sim_assert_says(&sim, "vCPUs on CPU 2 1\r\n");
    sim_assert_says(&sim, "[linux] good bye\r\n");
    sim_assert_says(&sim, "linux is off");
    sim_assert_says(&sim, "beat is off");
    sim_assert_exit(&sim, "ok", "beat"); /* the last one to end */
}

static void two_vms_start_where_configured_and_the_last_foreground_one_ends_the_machine(void **state)
{
    (void)state;
    under_seeds("two VMs", SEEDS, run_two_vms);
}

static void a_seed_repeats_a_run(void **state)
{
    static struct hv_host_result first;
    unsigned others = 0;

    (void)state;
    run_two_vms(12345);
    first = sim.result;
    run_two_vms(12345);
    assert_int_equal(sim.result.turns, first.turns);
    assert_string_equal(sim.result.log, first.log);
    for (uint64_t seed = 1; seed < 21U; seed += 2U) {
        run_two_vms(seed);
        others += sim.result.turns != first.turns ? 1U : 0U;
    }
    assert_true(others > 5U);
}

/* ---- Reset ------------------------------------------------------------------------------------------------------- */

#define RESETS 3U

static struct {
    unsigned boots;
    unsigned second_cpus;
    uint64_t dtb;
    uint8_t seeds[RESETS + 1U][32];
} resets;

static void note_seed(const void *tree, unsigned boot)
{
    int length = 0;
    const void *seed = fdt_getprop(tree, fdt_path_offset(tree, "/chosen"), "rng-seed", &length);

    assert_int_equal(length, 32);
    memcpy(resets.seeds[boot], seed, 32);
}

/** The image where it belongs, the tree, and else nothing but zeroes. */
static void assert_pristine(struct hv_vcpu *vcpu, uint64_t dtb)
{
    const struct ash_vcpu_ipa_range *range = &vcpu->vm->machine.ram[0];
    const uint8_t *ram = (const uint8_t *)hv_guest_map(vcpu->vm, range->base, range->size);
    size_t kernel = 0x80000U;
    size_t tree = (size_t)(dtb - range->base.value);
    static const uint8_t zeroes[4096];

    assert_non_null(ram);
    assert_memory_equal(ram + kernel, sim_kernel, sizeof(sim_kernel));
    assert_int_equal(fdt_check_full(ram + tree, ASH_BOOT_GUEST_FDT_SIZE), 0);
    for (size_t at = 0; at < range->size; at += sizeof(zeroes)) {
        if (at != kernel && (at < tree || at >= tree + ASH_BOOT_GUEST_FDT_SIZE)) {
            assert_memory_equal(ram + at, zeroes, sizeof(zeroes));
        }
    }
    assert_memory_equal(ram + kernel + sizeof(sim_kernel), zeroes, 4096U - sizeof(sim_kernel));
}

static void scribble(struct hv_vcpu *vcpu)
{
    const struct ash_vcpu_ipa_range *range = &vcpu->vm->machine.ram[0];
    void *ram = hv_guest_map(vcpu->vm, range->base, range->size);

    assert_non_null(ram);
    memset(ram, 0xEE, range->size);
    for (unsigned i = 0; i < 31U; i++) {
        vcpu->context.x[i] = 0xDEAD;
    }
    vcpu->context.pc = 0xDEAD;
}

static enum hv_verdict reset_boot_cpu(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (round == 0U) {
        resets.dtb = vcpu->context.x[0];
        assert_int_equal(vcpu->context.pc, ENTRY);
        assert_int_equal(vcpu->context.x[1], 0);
        assert_pristine(vcpu, resets.dtb);
        note_seed(hv_guest_map(vcpu->vm, ash_ipa(resets.dtb), ASH_BOOT_GUEST_FDT_SIZE), resets.boots);
        assert_int_equal(sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_AFFINITY_INFO, 1, 0, 0), HV_RESUME);
        assert_int_equal(sim_x0(vcpu), ASH_VCPU_POWER_OFF); /* in the life before it was on */
        assert_int_equal(sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_ON64, 1, ENTRY, 0), HV_RESUME);
        assert_int_equal(sim_x0(vcpu), ASH_VCPU_PSCI_SUCCESS);
        sim_print(cpu, vcpu, "booted");
        return HV_RESUME;
    }
    if (sim_peek(vcpu, 0) != 1U) {
        return HV_RESUME;
    }
    scribble(vcpu);
    return sim_hvc(cpu, vcpu, resets.boots++ < RESETS ? ASH_VCPU_PSCI_SYSTEM_RESET : ASH_VCPU_PSCI_SYSTEM_OFF,
                   0, 0, 0);
}

static enum hv_verdict resetting_guest(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (vcpu->index == 0U) {
        return reset_boot_cpu(cpu, vcpu, round);
    }
    if (round == 0U) {
        resets.second_cpus++;
        sim_poke(vcpu, 0, 1);
    }
    return HV_RESUME;
}

static void run_resets(uint64_t seed)
{
    static const struct sim_vm vm = {.name = "again", .vcpus = 2, .memory = 2U * SIM_MIB};

    memset(&resets, 0, sizeof(resets));
    sim_board(&sim, 3, &vm, 1);
    sim_run(&sim, resetting_guest, seed);
    assert_int_equal(resets.boots, RESETS + 1U);
    assert_int_equal(resets.second_cpus, RESETS + 1U);
    assert_int_equal(sim_count(&sim, "again resets"), RESETS);
    assert_int_equal(sim_count(&sim, "booted\r\n"), RESETS + 1U);
    for (unsigned i = 0; i < RESETS; i++) {
        assert_memory_not_equal(resets.seeds[i], resets.seeds[i + 1U], 32); /* a fresh one each start */
    }
    sim_assert_exit(&sim, "ok", "again");
}

static void a_reset_starts_again_from_pristine_images(void **state)
{
    (void)state;
    under_seeds("resets", SEEDS / 2U, run_resets);
}

/* ---- CPU_OFF ----------------------------------------------------------------------------------------------------- */

static enum hv_verdict leave_one_by_one(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    uint32_t next = vcpu->index + 1U;

    if (round == 0U && next < vcpu->vm->vcpus) {
        assert_int_equal(sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_ON64, next, ENTRY, 0), HV_RESUME);
        assert_int_equal(sim_x0(vcpu), ASH_VCPU_PSCI_SUCCESS);
        return HV_RESUME;
    }
    return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_OFF, 0, 0, 0);
}

static void run_cpu_off(uint64_t seed)
{
    static const struct sim_vm vm = {.name = "quiet", .vcpus = 3, .memory = 2U * SIM_MIB};

    sim_board(&sim, 4, &vm, 1);
    sim_run(&sim, leave_one_by_one, seed);
    assert_int_equal(sim_count(&sim, "quiet is off"), 1);
    sim_assert_exit(&sim, "ok", "quiet");
}

static void a_vm_whose_last_vcpu_is_off_has_ended(void **state)
{
    (void)state;
    under_seeds("CPU_OFF", SEEDS, run_cpu_off);
}

/* ---- A vCPU comes and goes --------------------------------------------------------------------------------------- */

#define TIMES 5U

static unsigned second_lives;

static enum hv_verdict turn_it_on_again(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (vcpu->index == 1U) {
        assert_int_equal(round, 0);
        assert_int_equal(vcpu->context.x[0], second_lives);
        assert_int_equal(vcpu->context.pc, ENTRY + 16U * second_lives);
        assert_int_equal(vcpu->context.x[5], 0);
        vcpu->context.x[5] = 0xDEAD;
        second_lives++;
        return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_OFF, 0, 0, 0);
    }
    (void)sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_AFFINITY_INFO64, 1, 0, 0);
    if (sim_x0(vcpu) != ASH_VCPU_POWER_OFF) {
        return HV_RESUME;
    }
    if (second_lives == TIMES) {
        return sim_off(cpu, vcpu);
    }
    assert_int_equal(sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_ON64, 1, ENTRY + 16U * second_lives, second_lives),
                     HV_RESUME);
    assert_int_equal(sim_x0(vcpu), ASH_VCPU_PSCI_SUCCESS);
    return HV_RESUME;
}

static void run_on_and_off(uint64_t seed)
{
    static const struct sim_vm vm = {.name = "hotplug", .vcpus = 2, .memory = 2U * SIM_MIB};

    second_lives = 0;
    sim_board(&sim, 2, &vm, 1);
    sim_run(&sim, turn_it_on_again, seed);
    assert_int_equal(second_lives, TIMES);
    sim_assert_exit(&sim, "ok", "hotplug");
}

static void a_vcpu_that_went_off_comes_back_new(void **state)
{
    (void)state;
    under_seeds("CPU_OFF and CPU_ON", SEEDS, run_on_and_off);
}

/* ---- What PSCI refuses ------------------------------------------------------------------------------------------- */

static void assert_refused(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t target, uint64_t entry,
                           int64_t result)
{
    assert_int_equal(sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_ON64, target, entry, 0), HV_RESUME);
    assert_int_equal(sim_x0(vcpu), result);
}

static enum hv_verdict ask_for_nonsense(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    uint64_t end = SIM_RAM_BASE + vcpu->vm->machine.ram[0].size;

    if (round < 3U) {
        assert_refused(cpu, vcpu, 0, ENTRY, ASH_VCPU_PSCI_ALREADY_ON);
        assert_refused(cpu, vcpu, 2, ENTRY, ASH_VCPU_PSCI_INVALID_PARAMETERS);
        assert_refused(cpu, vcpu, UINT64_MAX, ENTRY, ASH_VCPU_PSCI_INVALID_PARAMETERS);
        assert_refused(cpu, vcpu, 1, end, ASH_VCPU_PSCI_INVALID_ADDRESS);
        assert_refused(cpu, vcpu, 1, SIM_RAM_BASE - 4U, ASH_VCPU_PSCI_INVALID_ADDRESS);
        assert_refused(cpu, vcpu, 1, UINT64_MAX, ASH_VCPU_PSCI_INVALID_ADDRESS);
        assert_int_equal(vcpu->vm->vcpus_on, 1);
        assert_int_equal(sim_hvc(cpu, vcpu, 0x8400001FU, 0, 0, 0), HV_RESUME);
        assert_int_equal((int32_t)sim_x0(vcpu), ASH_VCPU_PSCI_NOT_SUPPORTED);
        return HV_RESUME;
    }
    return sim_off(cpu, vcpu);
}

static void what_psci_refuses_starts_nothing(void **state)
{
    static const struct sim_vm vm = {.name = "odd", .vcpus = 2, .memory = 2U * SIM_MIB};

    (void)state;
    sim_board(&sim, 2, &vm, 1);
    sim_run(&sim, ask_for_nonsense, 1);
    sim_assert_exit(&sim, "ok", "odd");
}

/* ---- Faults ------------------------------------------------------------------------------------------------------ */

static unsigned rounds_after_the_fault;

static enum hv_verdict one_fails(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (sim_is(vcpu, "bad")) {
        if (vcpu->index == 0U && round == 0U) {
            return sim_hvc(cpu, vcpu, ASH_VCPU_PSCI_CPU_ON64, 1, ENTRY, 0);
        }
        if (vcpu->index == 1U && round == 3U) {
            hv_vm_report(vcpu->vm, "vCPU %u: did what it may not", vcpu->index);
            hv_vm_stop(vcpu->vm, HV_END_FAULT); /* as hv/arch/aarch64/exit.c does */
            return HV_LEAVE;
        }
        return HV_RESUME;
    }
    if (cpu->hv->faulted != NULL && ++rounds_after_the_fault > 20U) {
        return sim_off(cpu, vcpu);
    }
    return HV_RESUME;
}

static void run_fault(uint64_t seed)
{
    static const struct sim_vm vms[] = {
        {.name = "bad", .vcpus = 2, .memory = 2U * SIM_MIB},
        {.name = "good", .vcpus = 1, .memory = 2U * SIM_MIB},
    };

    rounds_after_the_fault = 0;
    sim_board(&sim, 3, vms, 2);
    sim_run(&sim, one_fails, seed);
    assert_int_equal(rounds_after_the_fault, 21);
    sim_assert_says(&sim, "bad: vCPU 1: did what it may not");
    sim_assert_says(&sim, "bad was stopped for a fault");
    sim_assert_says(&sim, "good is off");
    sim_assert_exit(&sim, "vm-fault", "bad");
}

static void a_fault_ends_its_vm_and_the_others_run_on(void **state)
{
    (void)state;
    under_seeds("fault", SEEDS, run_fault);
}

static enum hv_verdict report_much(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (round < 100U) {
        hv_vm_report(vcpu->vm, "event %u", (unsigned)round);
        return HV_RESUME;
    }
    return sim_off(cpu, vcpu);
}

static enum hv_verdict two_reasons(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    (void)round;
    hv_vm_stop(vcpu->vm, HV_END_FAULT);
    return sim_off(cpu, vcpu);
}

static void the_first_reason_to_stop_counts(void **state)
{
    static const struct sim_vm vm = {.name = "once", .vcpus = 1, .memory = 2U * SIM_MIB};

    (void)state;
    sim_board(&sim, 1, &vm, 1);
    sim_run(&sim, two_reasons, 1);
    sim_assert_says(&sim, "once was stopped for a fault");
    sim_assert_exit(&sim, "vm-fault", "once");
}

static void a_guest_cannot_flood_the_console_with_reports(void **state)
{
    static const struct sim_vm vm = {.name = "noisy", .vcpus = 1, .memory = 2U * SIM_MIB};

    (void)state;
    sim_board(&sim, 1, &vm, 1);
    sim_run(&sim, report_much, 1);
    assert_int_equal(sim_count(&sim, "noisy: event"), 16);
    assert_int_equal(sim_count(&sim, "noisy: more such events are not reported"), 1);
}

/* ---- Refusals ---------------------------------------------------------------------------------------------------- */

static enum hv_verdict off_soon(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    assert_true(sim_is(vcpu, "good") || sim_is(vcpu, "fine"));
    return round < 3U ? HV_RESUME : sim_off(cpu, vcpu);
}

/** One VM that cannot be, between two that can. @usual: what the pool holds without it. */
static void run_refused(const struct sim_vm *bad, const char *says, uint32_t usual, uint64_t seed)
{
    struct sim_vm vms[] = {
        {.name = "good", .vcpus = 1, .memory = 2U * SIM_MIB, .has_affinity = true, .affinity = {1}},
        *bad,
        {.name = "fine", .vcpus = 1, .memory = 4U * SIM_MIB},
    };

    sim_board(&sim, 4, vms, 3);
    sim_run(&sim, off_soon, seed);
    sim_assert_says(&sim, says);
    sim_assert_says(&sim, "good is off");
    sim_assert_says(&sim, "fine is off");
    sim_assert_exit(&sim, "vm-fault", bad->name);
    assert_int_equal(sim.hv.vms, 3); /* its place stays */
    assert_null(sim.hv.vm[1]);
    assert_int_equal(sim.hv.pages.used, usual);
}

static uint32_t pool_of_the_good_ones(void)
{
    static const struct sim_vm vms[] = {
        {.name = "good", .vcpus = 1, .memory = 2U * SIM_MIB, .has_affinity = true, .affinity = {1}},
        {.name = "fine", .vcpus = 1, .memory = 4U * SIM_MIB},
    };

    sim_board(&sim, 4, vms, 2);
    sim_run(&sim, off_soon, 1);
    sim_assert_exit(&sim, "ok", NULL);
    return sim.hv.pages.used;
}

static void a_refused_vm_leaves_the_others_running_and_takes_nothing(void **state)
{
    static const struct {
        struct sim_vm vm;
        const char *says;
    } cases[] = {
        {{.name = "bad", .vcpus = 9, .memory = 2U * SIM_MIB}, "vcpus = <9>: is out of range"},
        {{.name = "bad", .vcpus = 1, .memory = 2U * SIM_MIB + 4096U}, "memory = "},
        {{.name = "bad", .vcpus = 1, .memory = 64U * SIM_MIB}, "does not fit"},
        {{.name = "bad", .vcpus = 1, .memory = 2U * SIM_MIB, .priority = 256},
         "priority = <256>: is out of range"},
        {{.name = "bad", .vcpus = 1, .memory = 2U * SIM_MIB, .slice_us = 99},
         "time-slice-us = <99>: is out of range; allowed: one cell, microseconds, 100..1000000"},
        {{.name = "bad", .vcpus = 1, .memory = 2U * SIM_MIB, .has_affinity = true, .affinity = {7}},
         "names a CPU that is not there"},
        {{.name = "bad", .vcpus = 1, .memory = 2U * SIM_MIB, .kernel = "nothing.bin"},
         "VM bad: /vms/bad: kernel = \"nothing.bin\": is not in the bundle; allowed: the name of a file in "
         "it"},
    };
    struct test_rng rng;
    uint64_t seed = test_rng_init(&rng, "refusals");
    uint32_t usual = pool_of_the_good_ones();

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (unsigned k = 0; k < 20U; k++) {
            run_refused(&cases[i].vm, cases[i].says, usual, seed + 2U * k);
        }
    }
}

static enum hv_verdict nobody(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    (void)cpu;
    (void)vcpu;
    (void)round;
    fail_msg("a guest ran");
    return HV_LEAVE;
}

static void without_a_vm_the_machine_ends_with_a_fault(void **state)
{
    static const struct sim_vm bad[] = {
        {.name = "one", .vcpus = 1, .memory = 64U * SIM_MIB},
        {.name = "two", .vcpus = 1, .memory = 2U * SIM_MIB, .slice_us = 1},
    };
    static const uint8_t garbage[600] = "this is no archive";

    (void)state;
    sim_board(&sim, 2, bad, 2);
    sim_run(&sim, nobody, 1);
    sim_assert_exit(&sim, "vm-fault", "one");
    sim_board(&sim, 2, bad, 0);
    sim_run(&sim, nobody, 1);
    sim_assert_says(&sim, "holds no VM");
    sim_assert_exit(&sim, "vm-fault", "-");
    sim_board_with(&sim, 2, garbage, sizeof(garbage));
    sim_run(&sim, nobody, 1);
    sim_assert_exit(&sim, "vm-fault", "-");
    sim_board_with(&sim, 2, garbage, 0);
    sim_run(&sim, nobody, 1);
    sim_assert_says(&sim, "was not given by the boot loader");
    sim_assert_exit(&sim, "vm-fault", "-");
}

static void when_no_vm_can_start_the_machine_ends_with_a_fault(void **state)
{
    static const struct sim_vm bad[] = {
        {.name = "one", .vcpus = 1, .memory = 2U * SIM_MIB, .kernel = "a"},
        {.name = "two", .vcpus = 2, .memory = 2U * SIM_MIB, .kernel = "b", .background = true},
    };

    (void)state;
    sim_board(&sim, 3, bad, 2);
    sim_run(&sim, nobody, 1);
    sim_assert_exit(&sim, "vm-fault", "one");
}

static enum hv_verdict wait_for_the_end(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    (void)cpu;
    (void)round;
    assert_true(sim_is(vcpu, "behind"));
    return HV_RESUME; /* for ever, were it not stopped */
}

static void run_nobody_before(uint64_t seed)
{
    static const struct sim_vm vms[] = {
        {.name = "front", .vcpus = 1, .memory = 2U * SIM_MIB, .kernel = "nothing.bin"},
        {.name = "behind",
         .vcpus = 1,
         .has_affinity = true,
         .affinity = {1}, /* not the CPU that stops it */
         .memory = 2U * SIM_MIB,
         .background = true},
    };

    sim_board(&sim, 2, vms, 2);
    sim_run(&sim, wait_for_the_end, seed);
    sim_assert_says(&sim, "behind is off");
    sim_assert_exit(&sim, "vm-fault", "front");
}

static void a_background_vm_does_not_outlive_a_start_that_failed(void **state)
{
    (void)state;
    under_seeds("nobody before", SEEDS, run_nobody_before);
}

/* ---- Many, and only such as stay behind -------------------------------------------------------------------------- */

static enum hv_verdict until_told(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    return round < 5U + vcpu->vm->slot ? HV_RESUME : sim_off(cpu, vcpu);
}

static void run_only_background(uint64_t seed)
{
    static const struct sim_vm vms[] = {
        {.name = "a", .vcpus = 1, .memory = 2U * SIM_MIB, .background = true},
        {.name = "b", .vcpus = 1, .memory = 2U * SIM_MIB, .background = true},
    };

    sim_board(&sim, 2, vms, 2);
    sim_run(&sim, until_told, seed);
    sim_assert_says(&sim, "a is off");
    sim_assert_says(&sim, "b is off");
    sim_assert_exit(&sim, "ok", NULL);
}

static void vms_with_nobody_to_be_behind_run_to_their_own_end(void **state)
{
    (void)state;
    under_seeds("only background", SEEDS / 4U, run_only_background);
}

static void sixteen_vms_run_on_sixteen_cpus(void **state)
{
    static char names[HV_MAX_VMS][4];
    struct sim_vm vms[HV_MAX_VMS];

    (void)state;
    for (unsigned i = 0; i < HV_MAX_VMS; i++) {
        names[i][0] = 'v';
        names[i][1] = (char)('a' + i);
        vms[i] = (struct sim_vm){.name = names[i], .vcpus = 1, .memory = 2U * SIM_MIB};
    }
    sim_board(&sim, HV_MAX_CPUS, vms, HV_MAX_VMS);
    sim_run(&sim, until_told, 1);
    assert_int_equal(sim.hv.vms, HV_MAX_VMS);
    for (unsigned i = 0; i < HV_MAX_VMS; i++) {
        char line[16];
        (void)snprintf(line, sizeof(line), "%s is off", names[i]);
        sim_assert_says(&sim, line);
        assert_int_equal(sim.hv.vm[i]->vcpu[0]->cpu->index, i);
    }
    sim_assert_exit(&sim, "ok", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_vms_start_where_configured_and_the_last_foreground_one_ends_the_machine),
        cmocka_unit_test(a_seed_repeats_a_run),
        cmocka_unit_test(a_reset_starts_again_from_pristine_images),
        cmocka_unit_test(a_vm_whose_last_vcpu_is_off_has_ended),
        cmocka_unit_test(a_vcpu_that_went_off_comes_back_new),
        cmocka_unit_test(what_psci_refuses_starts_nothing),
        cmocka_unit_test(a_fault_ends_its_vm_and_the_others_run_on),
        cmocka_unit_test(the_first_reason_to_stop_counts),
        cmocka_unit_test(a_guest_cannot_flood_the_console_with_reports),
        cmocka_unit_test(a_refused_vm_leaves_the_others_running_and_takes_nothing),
        cmocka_unit_test(without_a_vm_the_machine_ends_with_a_fault),
        cmocka_unit_test(when_no_vm_can_start_the_machine_ends_with_a_fault),
        cmocka_unit_test(a_background_vm_does_not_outlive_a_start_that_failed),
        cmocka_unit_test(vms_with_nobody_to_be_behind_run_to_their_own_end),
        cmocka_unit_test(sixteen_vms_run_on_sixteen_cpus),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
