/* SPDX-License-Identifier: BSD-2-Clause */
/* Where VMs come from and where their RAM lies: /vms in the board's own tree, images that a boot loader left in memory,
 * RAM of several pieces, a bundle that is part of hv. */
#include <string.h>

#include <libfdt.h>

#include <libboot/guest_fdt.h>
#include <libvcpu/psci.h>

#include "core/guest_memory.h"
#include "rig.h"

#define LEFT  UINT64_C(0x41000000) /* where a boot loader left an image and its tree */
#define ENTRY (LEFT + 0x1000U)
#define TREE  (LEFT + 0x100000U)
#define BLOCK (2U * SIM_MIB)

static struct sim sim;

static struct {
    unsigned lives;
    uint64_t entry;
    uint64_t x0;
    uint32_t first_word;
    uint32_t last_word;
} seen;

/** Note what is found, scribble over it, and go: off, or once more. */
static enum hv_verdict look_and_go(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint32_t how)
{
    uint64_t size = vcpu->vm->machine.ram[0].size;

    seen.lives++;
    seen.entry = vcpu->context.pc;
    seen.x0 = vcpu->context.x[0];
    seen.first_word = sim_peek(vcpu, 0);
    seen.last_word = sim_peek(vcpu, (unsigned)(size / 4U) - 1U);
    sim_poke(vcpu, 0, 0x11223344);
    sim_poke(vcpu, (unsigned)(size / 4U) - 1U, 0x55667788);
    return sim_hvc(cpu, vcpu, how, 0, 0, 0);
}

static enum hv_verdict look_and_off(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    (void)round;
    return look_and_go(cpu, vcpu, ASH_VCPU_PSCI_SYSTEM_OFF);
}

static enum hv_verdict look_and_reset(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    (void)round;
    return look_and_go(cpu, vcpu, seen.lives < 1U ? ASH_VCPU_PSCI_SYSTEM_RESET : ASH_VCPU_PSCI_SYSTEM_OFF);
}

static int forget(void **state)
{
    (void)state;
    memset(&seen, 0, sizeof(seen));
    return 0;
}

/* ---- Images in memory -------------------------------------------------------------------------------------------- */

static const struct sim_vm left_in_memory = {.name = "left",
                                             .vcpus = 1,
                                             .memory = 2U * BLOCK,
                                             .base = LEFT,
                                             .in_memory = true,
                                             .entry = ENTRY,
                                             .setup_data = TREE};

static void an_image_left_in_memory_is_entered_as_it_lies_with_its_tree(void **state)
{
    (void)state;
    sim_board_with_tree(&sim, 2, &left_in_memory, 1, false);
    *(uint32_t *)(uintptr_t)LEFT = 0xfeed0001;
    *(uint32_t *)(uintptr_t)(LEFT + 2U * BLOCK - 4U) = 0xfeed0002;
    sim_run(&sim, look_and_off, 1);
    assert_int_equal(seen.lives, 1);
    assert_int_equal(seen.entry, ENTRY);
    assert_int_equal(seen.x0, TREE);
    assert_int_equal(seen.first_word, 0xfeed0001);
    assert_int_equal(seen.last_word, 0xfeed0002);
    assert_int_equal(sim.hv.vm[0]->machine.part[0].pa, LEFT);
    assert_int_equal(sim.hv.vm[0]->machine.part[0].ipa, LEFT);
    sim_assert_says(&sim, "VM 1 left: 4 MiB at 0x41000000");
    sim_assert_exit(&sim, "ok", "left");
}

static void without_setup_data_x0_is_0(void **state)
{
    struct sim_vm vm = left_in_memory;

    (void)state;
    vm.setup_data = 0;
    sim_board_with_tree(&sim, 1, &vm, 1, false);
    sim_run(&sim, look_and_off, 1);
    assert_int_equal(seen.lives, 1);
    assert_int_equal(seen.x0, 0);
    sim_assert_exit(&sim, "ok", NULL);
}

static void an_image_that_is_used_up_does_not_start_again(void **state)
{
    (void)state;
    sim_board_with_tree(&sim, 1, &left_in_memory, 1, false);
    sim_run(&sim, look_and_reset, 1);
    assert_int_equal(seen.lives, 1);
    sim_assert_says(
        &sim, "left: its images were in memory and are used up: only the boot loader can start it again");
    sim_assert_exit(&sim, "vm-fault", "left");
}

static void a_kernel_of_the_bundle_may_run_in_memory_that_is_named(void **state)
{
    const struct sim_vm vm = {.name = "named", .vcpus = 1, .memory = BLOCK, .base = LEFT};

    (void)state;
    sim_board(&sim, 1, &vm, 1);
    *(uint32_t *)(uintptr_t)LEFT = 0xfeed0001;
    sim_run(&sim, look_and_reset, 1);
    assert_int_equal(seen.lives, 2);
    assert_int_equal(seen.entry, LEFT + 0x80000U);
    assert_int_equal(seen.first_word, 0); /* zeroed, both times */
    assert_int_equal(seen.x0, LEFT + SIM_MIB);
    sim_assert_exit(&sim, "ok", "named");
}

/* ---- /vms in the board's tree ------------------------------------------------------------------------------------ */

static void vms_of_the_board_s_tree_take_their_images_from_the_bundle(void **state)
{
    static const struct sim_vm vms[] = {
        {.name = "one", .vcpus = 1, .memory = BLOCK},
        {.name = "two", .vcpus = 1, .memory = BLOCK, .kernel = "nothing.bin"}};

    (void)state;
    sim_board_with_tree(&sim, 2, vms, 2, true);
    sim_run(&sim, look_and_reset, 1);
    assert_int_equal(seen.lives, 2);
    assert_int_equal(seen.entry, SIM_RAM_BASE + 0x80000U);
    sim_assert_says(
        &sim, "device tree: VM two: /vms/two: kernel = \"nothing.bin\": is not in the bundle; allowed: the "
              "name of a file in it");
    sim_assert_exit(&sim, "vm-fault", "two");
}

static void vms_of_the_board_s_tree_without_a_bundle_say_what_they_lack(void **state)
{
    struct sim_vm vms[] = {left_in_memory, {.name = "two", .vcpus = 1, .memory = BLOCK}};

    (void)state;
    sim_board_with_tree(&sim, 2, vms, 2, false);
    sim_run(&sim, look_and_off, 1);
    assert_int_equal(seen.lives, 1);
    sim_assert_says(
        &sim, "device tree: VM two: /vms/two: kernel = \"guest.bin\": cannot be found: there is no bundle");
    sim_assert_exit(&sim, "vm-fault", "two");
}

static void a_configuration_in_the_bundle_counts_more_than_the_board_s_tree(void **state)
{
    static const struct sim_vm in_bundle = {.name = "bundled", .vcpus = 1, .memory = BLOCK};
    static struct sim other;

    (void)state;
    sim_board_with_tree(&other, 1, &left_in_memory, 1, false);
    sim_board(&sim, 1, &in_bundle, 1);
    sim.hv.board_tree = other.hv.board_tree;
    sim_run(&sim, look_and_off, 1);
    assert_int_equal(sim.hv.vms, 1);
    sim_assert_exit(&sim, "ok", "bundled");
}

/* ---- RAM of several pieces --------------------------------------------------------------------------------------- */

/** Leave no more than 4 MiB in a row of the free RAM. */
static void break_up_memory(struct hv *hv)
{
    for (uint64_t at = SIM_RAM_BASE + 3U * BLOCK; at < SIM_RAM_BASE + SIM_RAM_SIZE - 2U * BLOCK;
         at += 3U * BLOCK) {
        assert_int_equal(hv_ranges_claim(&hv->ranges, at, 4096, HV_OWNER_FIRMWARE, 0), ASH_OK);
    }
}

/** Every 64 KiB of RAM has another word in it; the guest's tree tells one RAM. */
static enum hv_verdict go_through_ram(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    struct hv_machine *machine = &vcpu->vm->machine;
    const void *tree = hv_guest_map(vcpu->vm, ash_ipa(vcpu->context.x[0]), ASH_BOOT_GUEST_FDT_SIZE);
    uint64_t words = machine->ram[0].size / 4U;
    int length = 0;
    const fdt64_t *reg;

    (void)round;
    seen.lives++;
    assert_int_equal(machine->ram_count, 1);
    assert_int_equal(machine->ram[0].base.value, SIM_RAM_BASE);
    assert_true(machine->parts > 2U);
    assert_non_null(tree);
    reg = fdt_getprop(tree, fdt_path_offset(tree, "/memory@40000000"), "reg", &length);
    assert_int_equal(length, 16);
    assert_int_equal(fdt64_to_cpu(reg[1]), 5U * BLOCK);
    for (uint64_t i = 0; i < words; i += 16384U) {
        sim_poke(vcpu, (unsigned)i, (uint32_t)i + 1U);
    }
    for (uint64_t i = 0; i < words; i += 16384U) {
        assert_int_equal(sim_peek(vcpu, (unsigned)i), (uint32_t)i + 1U);
    }
    for (uint32_t i = 0; i < machine->parts; i++) {
        struct ash_stage2_mapping mapping;

        assert_int_equal(ash_stage2_lookup(&machine->stage2, ash_ipa(machine->part[i].ipa), &mapping),
                         ASH_OK);
        assert_int_equal(mapping.pa.value, machine->part[i].pa);
    }
    return sim_hvc(cpu, vcpu, seen.lives < 2U ? ASH_VCPU_PSCI_SYSTEM_RESET : ASH_VCPU_PSCI_SYSTEM_OFF, 0, 0,
                   0);
}

static void ram_of_several_pieces_is_one_to_the_guest(void **state)
{
    static const struct sim_vm vms[] = {{.name = "pieces", .vcpus = 1, .memory = 5U * BLOCK},
                                        {.name = "too-much", .vcpus = 1, .memory = 40U * SIM_MIB}};

    (void)state;
    sim_board(&sim, 2, vms, 2);
    break_up_memory(&sim.hv);
    sim_run(&sim, go_through_ram, 1);
    assert_int_equal(seen.lives, 2);
    sim_assert_says(&sim, "VM 1 pieces: 10 MiB at 0x");
    sim_assert_says(&sim, " and elsewhere, vCPUs on CPU 0");
    sim_assert_says(&sim, "VM too-much: /vms/too-much: memory = 0x2800000; free are 0x");
    sim_assert_exit(&sim, "vm-fault", "too-much");
}

/* ---- A bundle that is part of hv --------------------------------------------------------------------------------- */

static void a_bundle_that_is_linked_in_serves_without_an_initrd(void **state)
{
    static const struct sim_vm vm = {.name = "inside", .vcpus = 1, .memory = BLOCK};

    (void)state;
    sim_board(&sim, 1, &vm, 1);
    sim.hv.linked_bundle = (struct ash_boot_span){(const void *)(uintptr_t)sim.hv.board.initrd.base.value,
                                                  sim.hv.board.initrd.size};
    sim.hv.board.initrd.size = 0;
    sim_run(&sim, look_and_reset, 1);
    assert_int_equal(seen.lives, 2);
    sim_assert_says(&sim, "3 files, linked into hv");
    sim_assert_exit(&sim, "ok", "inside");
}

static void an_initrd_counts_more_than_what_is_linked_in(void **state)
{
    static const struct sim_vm vm = {.name = "outside", .vcpus = 1, .memory = BLOCK};
    static const uint8_t garbage[64] = "never looked at";

    (void)state;
    sim_board(&sim, 1, &vm, 1);
    sim.hv.linked_bundle = (struct ash_boot_span){garbage, sizeof(garbage)};
    sim_run(&sim, look_and_off, 1);
    sim_assert_says(&sim, "3 files, from the boot loader");
    sim_assert_exit(&sim, "ok", "outside");
}

/* ---- What hv writes for the guest -------------------------------------------------------------------------------- */

static enum hv_verdict looks_at_stolen_time(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    const struct hv_machine *machine = &vcpu->vm->machine;
    struct ash_stage2_mapping mapping;
    uint8_t byte = 0;

    (void)round;
    assert_int_equal(ash_stage2_lookup(&machine->stage2, ash_ipa(HV_MACHINE_STOLEN_TIME), &mapping), ASH_OK);
    assert_true(mapping.valid);
    assert_ptr_equal((void *)(uintptr_t)mapping.pa.value, machine->stolen_time);
    assert_int_equal(mapping.size, HV_PAGE_SIZE); /* nothing of hv's pool beside it */
    assert_int_equal(mapping.attr, ASH_STAGE2_READ | ASH_STAGE2_NORMAL);
    /* Nor is it RAM, which a call would have hv write to on the guest's behalf. */
    assert_int_equal(hv_guest_write(vcpu->vm, ash_ipa(HV_MACHINE_STOLEN_TIME + 8U), &byte, 1), ASH_ERANGE);
    return sim_off(cpu, vcpu);
}

static void a_guest_may_read_its_stolen_time_and_not_write_it(void **state)
{
    static const struct sim_vm vm = {.name = "reads", .vcpus = 2, .memory = 2U * SIM_MIB};

    (void)state;
    sim_board(&sim, 2, &vm, 1);
    sim_run(&sim, looks_at_stolen_time, 1);
    sim_assert_exit(&sim, "ok", "reads");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_image_left_in_memory_is_entered_as_it_lies_with_its_tree, forget),
        cmocka_unit_test_setup(without_setup_data_x0_is_0, forget),
        cmocka_unit_test_setup(an_image_that_is_used_up_does_not_start_again, forget),
        cmocka_unit_test_setup(a_kernel_of_the_bundle_may_run_in_memory_that_is_named, forget),
        cmocka_unit_test_setup(vms_of_the_board_s_tree_take_their_images_from_the_bundle, forget),
        cmocka_unit_test_setup(vms_of_the_board_s_tree_without_a_bundle_say_what_they_lack, forget),
        cmocka_unit_test_setup(a_configuration_in_the_bundle_counts_more_than_the_board_s_tree, forget),
        cmocka_unit_test_setup(ram_of_several_pieces_is_one_to_the_guest, forget),
        cmocka_unit_test_setup(a_bundle_that_is_linked_in_serves_without_an_initrd, forget),
        cmocka_unit_test(a_guest_may_read_its_stolen_time_and_not_write_it),
        cmocka_unit_test_setup(an_initrd_counts_more_than_what_is_linked_in, forget),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
