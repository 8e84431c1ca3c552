/* SPDX-License-Identifier: BSD-2-Clause */
/* Which machine a VM is, and what one that is a Raspberry Pi may have. */
#include "config_fixture.h"

struct pi {
    unsigned vcpus;
    uint32_t memory[4];
    unsigned cells_of_memory;
    uint32_t entry; /* 0: not given */
    const char *kernel;
    const char *string; /* a property that is a string */
    const char *machine;
};

static const struct pi good_pi = {.vcpus = 4,
                                  .memory = {0, 0x3f000000},
                                  .cells_of_memory = 2,
                                  .kernel = "kernel8.img",
                                  .machine = "bcm2837"};

static const struct ash_boot_fault *with_pi(const struct pi *pi)
{
    struct tree tree;

    begin_vms(&tree);
    node(&tree, "vm0");
    string(&tree, "device_type", "virtual_machine");
    cells(&tree, "vmid", 0);
    cells(&tree, "vcpus", pi->vcpus);
    cells_of(&tree, "memory", pi->memory, pi->cells_of_memory);
    if (pi->entry != 0U) {
        cells(&tree, "entry", pi->entry - 1U);
    }
    if (pi->kernel != NULL) {
        string(&tree, "kernel", pi->kernel);
    }
    if (pi->string != NULL) {
        string(&tree, pi->string, "sixteen letters!");
    }
    string(&tree, "machine", pi->machine);
    end(&tree);
    simple_vm(&tree, "vm1", 1);
    finish_and_parse(&tree);
    assert_int_equal(vms[1].fault.code, ASH_OK);
    assert_int_equal(vms[1].machine, ASH_BOOT_VM_VIRT);
    return &vms[0].fault;
}

static void a_machine_is_one_of_two(void **state)
{
    (void)state;
    ACCEPTED("machine", "virt\0");
    assert_int_equal(vms[0].machine, ASH_BOOT_VM_VIRT);
    ACCEPTED("machine", "bcm2837\0");
    assert_int_equal(vms[0].machine, ASH_BOOT_VM_BCM2837);
    assert_null(vms[0].dtb);
    REFUSED("machine", "bcm2711\0",
            "machine = \"bcm2711\": is none of the words; allowed: \"virt\", \"bcm2837\"");
    REFUSED("machine", "virt", "is not one string");
    REFUSED("machine", "", "is not one string");
    REFUSED("dtb", "a.dtb\0",
            "dtb: is given for a machine whose tree hv writes; allowed: leaving it out; or");
    REFUSED("dtb", "\0", "is empty");
    REFUSED("dtb", "ab", "is not one string");
}

static void a_bcm2837_is_no_larger_than_one(void **state)
{
    struct pi pi = good_pi;

    (void)state;
    assert_int_equal(with_pi(&pi)->code, ASH_OK);
    assert_int_equal(vms[0].machine, ASH_BOOT_VM_BCM2837);
    pi.string = "dtb";
    assert_int_equal(with_pi(&pi)->code, ASH_OK);
    assert_string_equal(vms[0].dtb, "sixteen letters!");
    pi.string = "bootargs";
    assert_int_equal(with_pi(&pi)->code, ASH_OK);
    pi.entry = 0x1001;
    assert_int_equal(with_pi(&pi)->code, ASH_OK);
    pi.vcpus = 5;
    assert_fault_says(with_pi(&pi), "vcpus: is more than a bcm2837 has; allowed: one cell, 1..4");
    pi = good_pi;
    pi.memory[1] += 0x200000;
    assert_fault_says(with_pi(&pi), "memory: reaches into the peripherals of a bcm2837; allowed: at most");
    pi.memory[0] = 1;
    assert_fault_says(with_pi(&pi), "memory: reaches into the peripherals of a bcm2837; allowed: at most");
    pi = (struct pi){
        .vcpus = 1, .memory = {0, 0, 0, 0x200000}, .cells_of_memory = 4, .kernel = "k", .machine = "bcm2837"};
    assert_fault_says(with_pi(&pi), "memory: has a base, and a bcm2837's memory begins at 0; allowed");
    pi = good_pi;
    pi.kernel = NULL;
    assert_fault_says(with_pi(&pi), "kernel: is missing; allowed: the name of a file in the bundle");
    pi = good_pi;
    pi.string = "ramdisk";
    assert_fault_says(with_pi(&pi), "ramdisk: has no effect in a bcm2837; allowed: leaving it out");
    pi.string = "rng-seed";
    assert_fault_says(with_pi(&pi), "rng-seed: has no effect in a bcm2837; allowed: leaving it out");
    pi = good_pi;
    pi.entry = 1;
    assert_fault_says(with_pi(&pi), "entry: is where the firmware's spin table is; allowed: 0x1000 or more");
    pi.machine = "virt"; /* all of that is the other machine's business */
    pi.entry = 0;
    pi.vcpus = 8;
    pi.string = "ramdisk";
    assert_int_equal(with_pi(&pi)->code, ASH_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_machine_is_one_of_two),
        cmocka_unit_test(a_bcm2837_is_no_larger_than_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
