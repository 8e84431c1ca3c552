/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of VMs on simulated CPUs: start, stop, reset, refusal, and races between them. */
#include "machine.h"

#include "core/guest_memory.h"

#define CPU_OFF       UINT64_C(0x84000002)
#define CPU_ON        UINT64_C(0xc4000003)
#define AFFINITY_INFO UINT64_C(0xc4000004)
#define SYSTEM_OFF    UINT64_C(0x84000008)
#define SYSTEM_RESET  UINT64_C(0x84000009)
#define ALREADY_ON    ((uint64_t)-4)

#define RAM   UINT64_C(0x40000000)
#define ENTRY (RAM + 0x80000U) /* of a raw binary */

static struct machine machine;
static struct {
    uint32_t cpu_of[2][2]; /* [VM][vCPU], + 1 */
    uint64_t context_id;
    uint32_t lives;
    uint32_t pristine;
    uint32_t background_rounds;
    bool sgi_arrived;
} seen;

static bool is_vm(const struct hv_vcpu *vcpu, const char *name)
{
    return strcmp(vcpu->vm->name, name) == 0;
}

static void assert_ended(const char *status, const char *vm)
{
    char line[128];

    assert_true(machine.result.powered_off);
    assert_false(machine.result.stuck);
    (void)snprintf(line, sizeof(line), "ashlar: exit status=%s vm=%s nonce=" NONCE "\r\n", status, vm);
    machine_assert_said(&machine, line);
}

/* ---- Start and stop ---------------------------------------------------------------------------------------------- */

static enum hv_verdict starts_the_other_then_turns_off(struct hv_cpu *cpu, struct hv_vcpu *vcpu,
                                                       uint64_t round)
{
    if (is_vm(vcpu, "behind")) {
        seen.cpu_of[1][0] = cpu->index + 1U;
        seen.background_rounds++;
        return HV_RESUME;
    }
    seen.cpu_of[0][vcpu->index] = cpu->index + 1U;
    if (vcpu->index == 1U) {
        seen.context_id = vcpu->context.x[0];
        return HV_RESUME;
    }
    if (round == 0U) {
        assert_int_equal(vcpu->context.pc, ENTRY);
        return machine_hvc(cpu, vcpu, CPU_ON, 1, ENTRY, 0x77);
    }
    if (seen.context_id == 0U || seen.background_rounds < 3U) {
        return HV_RESUME;
    }
    assert_int_equal(machine_hvc(cpu, vcpu, CPU_ON, 1, ENTRY, 0), HV_RESUME);
    assert_true(vcpu->context.x[0] == ALREADY_ON);
    return machine_hvc(cpu, vcpu, SYSTEM_OFF, 0, 0, 0);
}

static void two_vms_start_where_they_are_pinned_and_end_together(void **state)
{
    static const struct machine_vm vms[] = {{"front", 2, {2, 0}, false, 0}, {"behind", 1, {3}, true, 0}};

    (void)state;
    memset(&seen, 0, sizeof(seen));
    machine_run(&machine, vms, 2, starts_the_other_then_turns_off, 1);
    assert_ended("ok", "behind");
    assert_int_equal(seen.context_id, 0x77);
    assert_int_equal(seen.cpu_of[0][0], 2 + 1);
    assert_int_equal(seen.cpu_of[0][1], 0 + 1);
    assert_int_equal(seen.cpu_of[1][0], 3 + 1);
    machine_assert_said(&machine, "ashlar: front is off\r\n");
    machine_assert_said(&machine, "ashlar: behind is off\r\n");
}

static enum hv_verdict turns_itself_off(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    (void)round;
    return machine_hvc(cpu, vcpu, CPU_OFF, 0, 0, 0);
}

static void a_vm_whose_last_vcpu_is_off_has_ended(void **state)
{
    static const struct machine_vm vms[] = {{"only", 1, {1}, false, 0}};

    (void)state;
    machine_run(&machine, vms, 1, turns_itself_off, 2);
    assert_ended("ok", "only");
}

static void a_machine_of_background_vms_runs_until_the_last_ends(void **state)
{
    static const struct machine_vm vms[] = {{"one", 1, {1}, true, 0}, {"two", 1, {2}, true, 0}};

    (void)state;
    machine_run(&machine, vms, 2, turns_itself_off, 3);
    assert_true(machine.result.powered_off);
    machine_assert_said(&machine, "ashlar: one is off\r\n");
    machine_assert_said(&machine, "ashlar: two is off\r\n");
}

/* ---- Reset ------------------------------------------------------------------------------------------------------- */

static enum hv_verdict scribbles_and_resets(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    char kernel[sizeof(machine_kernel)];
    char behind[64];
    uint8_t zero[64] = {0};

    (void)round;
    if (vcpu->index == 1U) {
        return HV_RESUME;
    }
    assert_int_equal(hv_guest_read(vcpu->vm, ash_ipa(ENTRY), kernel, sizeof(kernel)), ASH_OK);
    assert_int_equal(hv_guest_read(vcpu->vm, ash_ipa(ENTRY + 0x1000), behind, sizeof(behind)), ASH_OK);
    seen.pristine +=
        memcmp(kernel, machine_kernel, sizeof(kernel)) == 0 && memcmp(behind, zero, 64) == 0 ? 1U : 0U;
    if (++seen.lives == 5U) {
        return machine_hvc(cpu, vcpu, SYSTEM_OFF, 0, 0, 0);
    }
    memset(hv_guest_map(vcpu->vm, ash_ipa(ENTRY), 0x2000), 0xee, 0x2000);
    assert_int_equal(machine_hvc(cpu, vcpu, CPU_ON, 1, ENTRY, 0), HV_RESUME);
    assert_int_equal(vcpu->context.x[0], 0); /* vCPU 1 was off: in every life */
    return machine_hvc(cpu, vcpu, SYSTEM_RESET, 0, 0, 0);
}

static void every_life_begins_from_the_pristine_image(void **state)
{
    static const struct machine_vm vms[] = {{"phoenix", 2, {1, 2}, false, 0}};

    (void)state;
    for (uint64_t seed = 1; seed <= 20U; seed++) {
        memset(&seen, 0, sizeof(seen));
        machine_run(&machine, vms, 1, scribbles_and_resets, seed);
        assert_ended("ok", "phoenix");
        assert_int_equal(seen.lives, 5);
        assert_int_equal(seen.pristine, 5);
    }
}

/* ---- Mistakes ---------------------------------------------------------------------------------------------------- */

static enum hv_verdict turns_the_vm_off(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    return round < 5U ? HV_RESUME : machine_hvc(cpu, vcpu, SYSTEM_OFF, 0, 0, 0);
}

static void a_vm_that_is_refused_does_not_stop_the_others(void **state)
{
    static const struct machine_vm vms[] = {{"huge", 1, {0}, false, 0x40000000},
                                            {"clash", 1, {2}, false, 0},
                                            {"fine", 1, {1}, false, 0},
                                            {"again", 1, {4}, false, 0}};

    (void)state;
    machine_run(&machine, vms, 4, turns_the_vm_off, 4);
    assert_ended("vm-fault", "huge");
    assert_null(machine_vm(&machine, "huge"));
    assert_null(machine_vm(&machine, "again"));
    machine_assert_said(&machine, "VM huge: /vms/huge: memory = ");
    machine_assert_said(&machine, "VM again: /vms/again: vcpu_affinity = <4>");
    machine_assert_said(&machine, "ashlar: fine is off\r\n");
    machine_assert_said(&machine, "ashlar: clash is off\r\n");
}

static void an_empty_configuration_is_said_and_is_no_success(void **state)
{
    (void)state;
    machine_run(&machine, NULL, 0, turns_the_vm_off, 5);
    assert_ended("vm-fault", "-");
    machine_assert_said(&machine, "vms.dtb: /vms: holds no VM");
}

/* ---- Interrupts -------------------------------------------------------------------------------------------------- */

static void access32(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t ipa, uint64_t value)
{
    const struct hv_mmio_region *region = hv_machine_region(&vcpu->vm->machine, ipa);

    assert_non_null(region);
    assert_int_equal(
        hv_machine_access(cpu, vcpu, &vcpu->vm->machine, region, ipa - region->base, 4, true, &value),
        ASH_OK);
}

static enum hv_verdict sends_an_sgi(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (vcpu->index == 1U) {
        if (round == 0U) {
            access32(cpu, vcpu, 0x080a0000U + 0x20000U + 0x10100U, 1U << 5); /* GICR_ISENABLER0: SGI 5 */
        }
        for (unsigned n = 0; n < 4U; n++) {
            uint64_t lr = vcpu->vgic.lrs.lr[n];
            seen.sgi_arrived = seen.sgi_arrived || ((lr >> 62) == 1U && (lr & 0xffffffffU) == 5U);
        }
        seen.context_id = 1;
        return HV_RESUME;
    }
    if (round == 0U) {
        access32(cpu, vcpu, 0x08000000U, 2); /* GICD_CTLR: EnableGrp1 */
        return machine_hvc(cpu, vcpu, CPU_ON, 1, ENTRY, 0);
    }
    if (seen.sgi_arrived) {
        return machine_hvc(cpu, vcpu, SYSTEM_OFF, 0, 0, 0);
    }
    if (seen.context_id == 1U) {
        seen.context_id = 2;
        hv_machine_lock(cpu, &vcpu->vm->machine);
        ash_vgic_sgi(&vcpu->vm->machine.vgic, 0, (UINT64_C(5) << 24) | 2U, ASH_VGIC_SGI1R);
        hv_machine_unlock(&vcpu->vm->machine);
    }
    return HV_RESUME;
}

static void an_sgi_reaches_the_list_registers_of_another_cpu(void **state)
{
    static const struct machine_vm vms[] = {{"pair", 2, {1, 3}, false, 0}};

    (void)state;
    memset(&seen, 0, sizeof(seen));
    machine_run(&machine, vms, 1, sends_an_sgi, 6);
    assert_ended("ok", "pair");
    assert_true(seen.sgi_arrived);
}

/* ---- Races ------------------------------------------------------------------------------------------------------- */

static struct test_rng guest_rng;

static enum hv_verdict does_anything(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    uint64_t other = test_rng_below(&guest_rng, 3); /* one of them does not exist */

    (void)round;
    switch (test_rng_below(&guest_rng, 40)) {
    case 0:
        return machine_hvc(cpu, vcpu, SYSTEM_OFF, 0, 0, 0);
    case 1:
        return machine_hvc(cpu, vcpu, SYSTEM_RESET, 0, 0, 0);
    case 2:
    case 3:
        return machine_hvc(cpu, vcpu, CPU_OFF, 0, 0, 0);
    case 4:
        hv_vm_stop(vcpu->vm, HV_END_FAULT);
        return HV_LEAVE;
    case 5:
    case 6:
    case 7:
    case 8:
    case 9:
        return machine_hvc(cpu, vcpu, CPU_ON, other, ENTRY, 0);
    case 10:
        return machine_hvc(cpu, vcpu, AFFINITY_INFO, other, 0, 0);
    default:
        return HV_RESUME;
    }
}

static void no_interleaving_of_on_off_reset_and_fault_leaves_a_vm_behind(void **state)
{
    static const struct machine_vm vms[] = {{"left", 2, {0, 1}, false, 0}, {"right", 2, {3, 2}, false, 0}};
    uint64_t seed = test_rng_init(&guest_rng, "sim_life");
    uint32_t pages = 0;

    (void)state;
    for (unsigned run = 0; run < 300U; run++) {
        machine_run(&machine, vms, 2, does_anything, seed + run);
        if (!machine.result.powered_off || machine.result.stuck) {
            print_error("run %u is stuck; the console:\n%s\n", run, machine.result.log);
        }
        assert_true(machine.result.powered_off);
        for (uint32_t i = 0; i < machine.hv.vms; i++) {
            assert_int_equal(machine.hv.vm[i]->state, HV_LIFE_OFF);
            assert_int_equal(machine.hv.vm[i]->vcpus_on, 0);
        }
        assert_int_equal(machine.hv.live, 0);
        assert_true(run == 0U || machine.hv.pages.used == pages); /* nothing is taken twice */
        pages = machine.hv.pages.used;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_vms_start_where_they_are_pinned_and_end_together),
        cmocka_unit_test(a_vm_whose_last_vcpu_is_off_has_ended),
        cmocka_unit_test(a_machine_of_background_vms_runs_until_the_last_ends),
        cmocka_unit_test(every_life_begins_from_the_pristine_image),
        cmocka_unit_test(a_vm_that_is_refused_does_not_stop_the_others),
        cmocka_unit_test(an_empty_configuration_is_said_and_is_no_success),
        cmocka_unit_test(an_sgi_reaches_the_list_registers_of_another_cpu),
        cmocka_unit_test(no_interleaving_of_on_off_reset_and_fault_leaves_a_vm_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
