/* SPDX-License-Identifier: BSD-2-Clause */
#include "config_fixture.h"

static void every_property_is_read(void **state)
{
    struct tree tree;

    (void)state;
    make_example(&tree);
    assert_int_equal(parse(tree.bytes, tree_finish(&tree)), ASH_OK);
    assert_int_equal(config.fault.code, ASH_OK);
    assert_int_equal(config.count, 2);
    assert_int_equal(vms[0].fault.code, ASH_OK);
    assert_string_equal(vms[0].node, "vm0");
    assert_string_equal(vms[0].name, "linux");
    assert_int_equal(vms[0].vmid, 1);
    assert_int_equal(vms[0].type, ASH_BOOT_VM_LINUX);
    assert_int_equal(vms[0].vcpus, 2);
    assert_int_equal(vms[0].affinity_count, 2);
    assert_int_equal(vms[0].affinity[0], 3);
    assert_int_equal(vms[0].affinity[1], 1);
    assert_int_equal(vms[0].memory_size, 512 * MIB);
    assert_int_equal(vms[0].memory_count, 0);
    assert_false(vms[0].has_entry);
    assert_string_equal(vms[0].kernel, "Image");
    assert_string_equal(vms[0].ramdisk, "initrd");
    assert_string_equal(vms[0].bootargs, "console=ttyAMA0 quiet");
    assert_int_equal(vms[0].rng_seed.size, 8);
    assert_memory_equal(vms[0].rng_seed.data, "\1\2\3\4\5\6\7\10", 8);
    assert_int_equal(vms[1].fault.code, ASH_OK);
    assert_string_equal(vms[1].name, "vm1"); /* the node's */
    assert_int_equal(vms[1].type, ASH_BOOT_VM_OTHER);
    assert_int_equal(vms[1].memory_count, 1);
    assert_int_equal(vms[1].memory[0].base, 0x80000000);
    assert_int_equal(vms[1].memory[0].size, 2 * MIB);
    assert_int_equal(vms[1].memory_size, 2 * MIB);
    assert_true(vms[1].has_entry);
    assert_int_equal(vms[1].entry, 0x80080000);
    assert_string_equal(vms[1].bootargs, "fast");
}

static void what_is_left_out_has_a_default(void **state)
{
    struct tree tree;

    (void)state;
    begin_vms(&tree);
    simple_vm(&tree, "vm0", 0);
    finish_and_parse(&tree);
    assert_int_equal(vms[0].fault.code, ASH_OK);
    assert_string_equal(vms[0].name, "vm0");
    assert_int_equal(vms[0].type, ASH_BOOT_VM_LINUX);
    assert_int_equal(vms[0].vcpus, 1);
    assert_int_equal(vms[0].affinity_count, 0);
    assert_null(vms[0].ramdisk);
    assert_null(vms[0].bootargs);
    assert_int_equal(vms[0].rng_seed.size, 0);
}

static void vcpus_are_1_to_8(void **state)
{
    (void)state;
    ACCEPTED("vcpus", CELL("\1"));
    ACCEPTED("vcpus", CELL("\10"));
    REFUSED("vcpus", CELL("\0"), "vcpus = <0>: is out of range; allowed: one cell, 1..8");
    REFUSED("vcpus", CELL("\11"),
            "vms.dtb: VM vm0: /vms/vm0: vcpus = <9>: is out of range; allowed: one cell, 1..8");
    REFUSED("vcpus", "\x80\0\0\1", "0x80000001");
    REFUSED("vcpus", CELL("\1") CELL("\1"), "<1 1>");
    REFUSED("vcpus", "", "vcpus: is not a number");
    REFUSED("vcpus", "two\0", "\"two\"");
}

static void priority_and_time_slice_are_in_their_ranges(void **state)
{
    (void)state;
    ACCEPTED("priority", "\0\0\0\0");
    ACCEPTED("priority", "\0\0\0\xff");
    REFUSED("priority", "\0\0\1\0", "priority = <256>: is out of range; allowed: one cell, 0..255");
    REFUSED("priority", "\0\0\1", "is not a number of the right width");
    ACCEPTED("time-slice-us", "\0\0\0\x64");
    ACCEPTED("time-slice-us", "\0\x0f\x42\x40");
    REFUSED("time-slice-us", "\0\0\0\x63",
            "<99>: is out of range; allowed: one cell, microseconds, 100..1000000");
    REFUSED("time-slice-us", "\0\x0f\x42\x41", "<0xf4241>: is out of range");
    REFUSED("time-slice-us", CELL("\0") CELL("\1"), "is not a number of the right width");
}

/** The VM with these two, 0: left out; its fault's code, ASH_OK: none. */
static int with_budget(uint32_t budget_us, uint32_t period_us)
{
    struct tree tree;

    begin_vms(&tree);
    node(&tree, "vm0");
    required(&tree, 0);
    if (budget_us != 0U) {
        cells(&tree, "budget-us", budget_us);
    }
    if (period_us != 0U) {
        cells(&tree, "period-us", period_us);
    }
    end(&tree);
    end(&tree);
    memset(&config, 0, sizeof(config));
    config.vms = vms;
    config.capacity = 1;
    assert_int_equal(ash_boot_config_parse(&config, tree.bytes, tree_finish(&tree)), ASH_OK);
    return vms[0].fault.code;
}

static void a_budget_has_a_period_and_fits_in_it(void **state)
{
    (void)state;
    REFUSED("budget-us", "\0\0\0\x09",
            "budget-us = <9>: is out of range; allowed: one cell, microseconds, 10..");
    REFUSED("budget-us", CELL("\1") CELL("\1"), "is not a number of the right width");
    REFUSED("period-us", "\0\0\0\x63", "period-us = <99>: is out of range");
    REFUSED("period-us", "\0\x0f\x42\x41", "is out of range");
    REFUSED("period-us", "", "is not a number of the right width");
    assert_int_equal(with_budget(1000, 1000), ASH_OK);
    assert_int_equal(vms[0].budget_us, 1000);
    assert_int_equal(vms[0].period_us, 1000);
    assert_int_equal(with_budget(10, 1000000), ASH_OK);
    assert_int_equal(with_budget(0, 0), ASH_OK);
    assert_int_equal(vms[0].budget_us, 0);
    assert_int_equal(with_budget(1001, 1000), ASH_ERANGE);
    assert_string_equal(vms[0].fault.property, "budget-us");
    assert_int_equal(with_budget(1000, 0), ASH_ENOENT);
    assert_string_equal(vms[0].fault.property, "period-us");
    assert_int_equal(with_budget(0, 1000), ASH_ENOENT);
    assert_string_equal(vms[0].fault.property, "budget-us");
}

static void a_vcpu_may_have_a_set_of_cpus(void **state)
{
    (void)state;
    ACCEPTED("vcpu-cpus", CELL("\17"));
    assert_int_equal(vms[0].cpu_set_count, 1);
    assert_int_equal(vms[0].cpu_set[0], 15);
    assert_int_equal(vms[1].cpu_set_count, 0);
    REFUSED("vcpu-cpus", CELL("\0"),
            "vcpu-cpus = <0>: has an empty set; allowed: one cell a vCPU: a bit for each");
    REFUSED("vcpu-cpus", CELL("\1") CELL("\1"), "<1 1>: does not agree with vcpus");
    REFUSED("vcpu-cpus", "", "is not one number a vCPU");
    REFUSED("vcpu-cpus", "\0\1", "is not one number a vCPU");
    refused("vcpu-cpus", CELL("\20"), 4, ASH_ERANGE,
            "vcpu-cpus = <16>; CPUs of the board: 4: names a CPU that is not there");
    refused("vcpu-cpus", "\x80\0\0\1", 4, ASH_ERANGE, "names a CPU that is not there");
}

/** The VM with vcpu-cpus and @property; its fault's text. */
static const char *with_set_and(const char *property, uint32_t value)
{
    struct tree tree;

    begin_vms(&tree);
    node(&tree, "vm0");
    required(&tree, 0);
    cells(&tree, "vcpu-cpus", 3);
    cells(&tree, property, value);
    cells(&tree, "period-us", 1000);
    end(&tree);
    end(&tree);
    memset(&config, 0, sizeof(config));
    config.vms = vms;
    config.capacity = 1;
    assert_int_equal(ash_boot_config_parse(&config, tree.bytes, tree_finish(&tree)), ASH_OK);
    assert_string_equal(vms[0].fault.property, "vcpu-cpus");
    return vms[0].fault.problem;
}

static void a_set_of_cpus_is_not_given_beside_one_cpu_or_a_budget(void **state)
{
    (void)state;
    assert_string_equal(with_set_and("vcpu_affinity", 1), "is given beside vcpu_affinity");
    assert_string_equal(with_set_and("budget-us", 100), "is given beside budget-us");
}

static void affinity_names_one_cpu_a_vcpu(void **state)
{
    (void)state;
    ACCEPTED("vcpu_affinity", CELL("\3"));
    refused("vcpu_affinity", CELL("\4"), 4, ASH_ERANGE,
            "<4>; CPUs of the board: 4: names a CPU that is not there");
    refused("vcpu_affinity", "\xff\xff\xff\xff", 4, ASH_ERANGE, "0xffffffff");
    REFUSED("vcpu_affinity", CELL("\1") CELL("\2"), "<1 2>: does not agree with vcpus");
    REFUSED("vcpu_affinity", CELL("\2") CELL("\2"), "<2 2>: does not agree with vcpus");
    REFUSED("vcpu_affinity", "", "is not one number a vCPU");
    REFUSED("vcpu_affinity", "\0\0\1", "[00 00 01]");
    REFUSED("vcpu_affinity",
            CELL("\0") CELL("\1") CELL("\2") CELL("\3") CELL("\4") CELL("\5") CELL("\6") CELL("\7")
                CELL("\10"),
            "is not one number a vCPU");
}

static void affinity_is_not_checked_where_the_cpus_are_not_known(void **state)
{
    struct tree tree;

    (void)state;
    begin_vms(&tree);
    node(&tree, "vm0");
    required(&tree, 0);
    cells(&tree, "vcpu_affinity", 40);
    end(&tree);
    end(&tree);
    memset(&config, 0, sizeof(config));
    config.vms = vms;
    config.capacity = 1;
    assert_int_equal(ash_boot_config_parse(&config, tree.bytes, tree_finish(&tree)), ASH_OK);
    assert_int_equal(vms[0].fault.code, ASH_OK);
    assert_int_equal(vms[0].affinity[0], 40);
}

/** A VM whose memory is @count cells. */
static const struct ash_boot_fault *with_memory(const uint32_t *values, size_t count)
{
    struct tree tree;

    begin_vms(&tree);
    node(&tree, "vm0");
    string(&tree, "device_type", "virtual_machine");
    cells(&tree, "vmid", 0);
    string(&tree, "kernel", "Image");
    cells_of(&tree, "memory", values, count);
    end(&tree);
    simple_vm(&tree, "vm1", 1);
    finish_and_parse(&tree);
    assert_int_equal(vms[1].fault.code, ASH_OK);
    return &vms[0].fault;
}

#define MEMORY(...) with_memory((const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / 4U)

static void memory_is_a_size_or_a_base_and_a_size(void **state)
{
    (void)state;
    assert_int_equal(MEMORY(0, 0x200000)->code, ASH_OK);
    assert_int_equal(MEMORY(1, 0)->code, ASH_OK);
    assert_int_equal(vms[0].memory_size, UINT64_C(1) << 32);
    assert_int_equal(MEMORY(8, 0x40000000, 0, 0x200000)->code, ASH_OK);
    assert_int_equal(vms[0].memory_count, 1);
    assert_int_equal(vms[0].memory[0].base, UINT64_C(0x840000000));
    assert_int_equal(MEMORY(0, 0x40000000, 0, 0x200000, 8, 0, 0, 0x400000)->code, ASH_OK);
    assert_int_equal(vms[0].memory_count, 2);
    assert_int_equal(vms[0].memory[1].base, UINT64_C(0x800000000));
    assert_int_equal(vms[0].memory_size, 6 * MIB);
    assert_int_equal(MEMORY(0, 0, 0, 0x200000, 1, 0, 0, 0x200000, 2, 0, 0, 0x200000, 3, 0, 0, 0x200000)->code,
                     ASH_OK);
    assert_fault_says(
        MEMORY(0, 0, 0, 0x200000, 1, 0, 0, 0x200000, 2, 0, 0, 0x200000, 3, 0, 0, 0x200000, 4, 0, 0, 0x200000),
        "has too many ranges");
    assert_fault_says(MEMORY(0, 0x400000, 0, 0x200000, 0, 0x200000, 0, 0x400000), "has ranges that overlap");
    assert_fault_says(MEMORY(0, 0x400000, 0, 0x200000, 0, 0x400000, 0, 0x200000), "has ranges that overlap");
    assert_fault_says(MEMORY(0, 0x400000, 0, 0x200000, 0, 0x800000, 0, 0), "is out of range");
    assert_fault_says(MEMORY(0x20000000), "memory = <0x20000000>: has a wrong number of cells");
    assert_fault_says(MEMORY(0, 0x200000, 0), "wrong number of cells");
    assert_fault_says(MEMORY(0, 0, 0, 0x200000, 0, 0), "wrong number of cells");
    assert_fault_says(MEMORY(0, 0), "memory = <0 0>: is out of range");
    assert_fault_says(MEMORY(0, 0x1000), "is not aligned");
    assert_fault_says(MEMORY(0, 0x1000, 0, 0x200000), "is not aligned");
    assert_fault_says(MEMORY(0xFFFFFFFF, 0xFFE00000, 0, 0x200000), "is out of range");
    assert_fault_says(MEMORY(0, 0x40000000, 0xFFFFFFFF, 0xFFE00000), "is out of range");
}

static void names_are_short_and_plain(void **state)
{
    (void)state;
    ACCEPTED("vm_name", "a-B_9.z\0");
    ACCEPTED("vm_name", "0123456789012345678901234567890\0");
    REFUSED("vm_name", "01234567890123456789012345678901\0", "too long");
    REFUSED("vm_name", "\0", "is empty");
    REFUSED("vm_name", "two words\0", "other characters");
    REFUSED("vm_name", "a]\0", "\"a]\"");
    REFUSED("vm_name", "no end", "is not one string");
    REFUSED("vm_name", "a\0b\0", "is not one string");
    REFUSED("vm_name", "", "is not one string");
}

static void a_node_name_stands_in_only_if_it_is_a_name(void **state)
{
    struct tree tree;

    (void)state;
    begin_vms(&tree);
    simple_vm(&tree, "vm@0", 0);
    simple_vm(&tree, "a-node-name-of-more-than-31-characters", 1);
    finish_and_parse(&tree);
    assert_int_equal(vms[0].fault.code, ASH_ENOENT);
    assert_fault_says(&vms[0].fault, "vms.dtb: /vms/vm@0: vm_name: is missing");
    assert_int_equal(vms[1].fault.code, ASH_ENOENT);
}

static void file_names_and_bootargs_are_clean_strings(void **state)
{
    char longest[2050];

    (void)state;
    REFUSED("ramdisk", "\0", "is empty");
    REFUSED("ramdisk", "a\nb\0", "control character");
    REFUSED("ramdisk", "a\177\0", "control character");
    REFUSED("ramdisk", "abc", "is not one string");
    memset(longest, 'x', sizeof(longest));
    longest[256] = '\0';
    refused("ramdisk", longest, 257, ASH_EFORMAT, "is too long");
    longest[256] = 'x';
    longest[2047] = '\0';
    ACCEPTED("bootargs", "\0");
    assert_int_equal(with("bootargs", longest, 2048)->code, ASH_OK);
    longest[2047] = 'x';
    longest[2048] = '\0';
    refused("bootargs", longest, 2049, ASH_EFORMAT, "xxx...: is too long");
    REFUSED("bootargs", "a\rb\0", "control character");
    REFUSED("cmdline", "\xff", "is not one string");
}

static void numbers_types_and_seeds_are_checked(void **state)
{
    (void)state;
    REFUSED("type", "linx\0", "type = \"linx\": is not a type of guest; allowed: \"linux\", \"bare\"");
    ACCEPTED("type", "rtos\0");
    ACCEPTED("type", "other\0");
    ACCEPTED("entry", "\x40\x08\0\0");
    REFUSED("entry", "\x40\x08\0\4", "is not aligned");
    REFUSED("entry", "", "right width");
    REFUSED("entry", CELL("\0") CELL("\0") CELL("\0"), "right width");
    REFUSED("rng-seed", "1234567", "wrong length");
    ACCEPTED("rng-seed", "1234567890123456789012345678901234567890123456789012345678901234");
    REFUSED("rng-seed", "12345678901234567890123456789012345678901234567890123456789012345",
            "...: has a wrong length");
}

static void manager_is_a_flag_of_one_vm(void **state)
{
    (void)state;
    ACCEPTED("manager", "");
    assert_true(vms[0].manager);
    assert_false(vms[1].manager);
    REFUSED("manager", CELL("\0"), "manager = <0>: ");
}

static void background_is_a_flag(void **state)
{
    (void)state;
    ACCEPTED("background", "");
    assert_true(vms[0].background);
    assert_false(vms[1].background);
    REFUSED("background", CELL("\0"), "background = <0>: ");
}

static void smc_allow_is_a_list_of_function_identifiers(void **state)
{
    (void)state;
    ACCEPTED("smc-allow", "\xc2\x00\x00\x07"
                          "\x82\x00\x00\x01");
    assert_int_equal(vms[0].smc_allow_count, 2);
    assert_int_equal(vms[0].smc_allow[0], 0xc2000007);
    assert_int_equal(vms[0].smc_allow[1], 0x82000001);
    assert_int_equal(vms[1].smc_allow_count, 0);
    ACCEPTED("smc-allow", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
    assert_int_equal(vms[0].smc_allow_count, 16);
    REFUSED("smc-allow", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123",
            "has a wrong number of cells; allowed: 1 to 16 cells");
    REFUSED("smc-allow", "", "has a wrong number of cells");
    REFUSED("smc-allow", "12345", "has a wrong number of cells");
}

/** A VM without kernel, but for what is given here. */
struct in_memory {
    uint32_t entry[2];
    uint32_t setup_data[2];
    uint32_t memory[8];
    unsigned cells_of_memory;
    const char *string; /* a property that is a string */
};

static const struct ash_boot_fault *with_image_in_memory(const struct in_memory *vm)
{
    struct tree tree;

    begin_vms(&tree);
    node(&tree, "vm0");
    string(&tree, "device_type", "virtual_machine");
    cells(&tree, "vmid", 0);
    if (vm->entry[0] != UINT32_MAX) {
        cells_of(&tree, "entry", vm->entry, 2);
    }
    cells_of(&tree, "memory", vm->memory, vm->cells_of_memory);
    if (vm->setup_data[0] != UINT32_MAX) {
        cells_of(&tree, "setup_data", vm->setup_data, 2);
    }
    if (vm->string != NULL) {
        string(&tree, vm->string, "what it says");
    }
    end(&tree);
    simple_vm(&tree, "vm1", 1);
    finish_and_parse(&tree);
    assert_int_equal(vms[1].fault.code, ASH_OK);
    return &vms[0].fault;
}

static void an_image_in_memory_needs_entry_and_memory_with_a_base(void **state)
{
    struct in_memory vm = {.entry = {0, 0x80080000},
                           .setup_data = {0, 0x83e00008},
                           .memory = {0, 0x80000000, 0, 0x4000000, 1, 0, 0, 0x200000},
                           .cells_of_memory = 8};

    (void)state;
    assert_int_equal(with_image_in_memory(&vm)->code, ASH_OK);
    assert_null(vms[0].kernel);
    assert_true(vms[0].has_entry && vms[0].has_setup_data);
    assert_int_equal(vms[0].entry, 0x80080000);
    assert_int_equal(vms[0].setup_data, 0x83e00008);
    vm.setup_data[0] = 1; /* in the second range, at its last 8 bytes */
    vm.setup_data[1] = 0x1ffff8;
    assert_int_equal(with_image_in_memory(&vm)->code, ASH_OK);
    vm.setup_data[1] = 0x200000;
    assert_fault_says(with_image_in_memory(&vm),
                      "setup_data = <1 0x200000>: is outside the VM's memory; allowed");
    vm.setup_data[1] = 0x1ffffc;
    assert_fault_says(with_image_in_memory(&vm), "setup_data = <1 0x1ffffc>: is not aligned; allowed");
    vm.setup_data[0] = UINT32_MAX;
    assert_int_equal(with_image_in_memory(&vm)->code, ASH_OK);
    assert_false(vms[0].has_setup_data);
    vm.entry[1] = 0x83fff000;
    assert_int_equal(with_image_in_memory(&vm)->code, ASH_OK);
    vm.entry[1] = 0x84000000;
    assert_fault_says(with_image_in_memory(&vm),
                      "entry = <0 0x84000000>: is outside the VM's memory; allowed");
    vm.entry[0] = UINT32_MAX;
    assert_fault_says(with_image_in_memory(&vm),
                      "kernel: is missing; allowed: the name of a file in the bundle; or");
    vm = (struct in_memory){.entry = {0, 0x40080000}, .memory = {0, 0x200000}, .cells_of_memory = 2};
    assert_fault_says(with_image_in_memory(&vm),
                      "kernel: is missing; allowed: the name of a file in the bundle; or");
}

static void what_only_hv_could_put_into_a_tree_is_refused_without_kernel(void **state)
{
    static const char *const idle[] = {"ramdisk", "bootargs", "cmdline", "rng-seed"};
    struct in_memory vm = {.entry = {0, 0x80080000},
                           .setup_data = {UINT32_MAX, 0},
                           .memory = {0, 0x80000000, 0, 0x4000000},
                           .cells_of_memory = 4};

    (void)state;
    for (unsigned i = 0; i < 4U; i++) {
        vm.string = idle[i];
        assert_fault_says(with_image_in_memory(&vm), "has no effect without kernel");
    }
    vm.string = "vm_name"; /* a wrong one: said first, and only that */
    assert_fault_says(with_image_in_memory(&vm), "vm_name = \"what it says\"");
}

static void setup_data_beside_kernel_is_refused(void **state)
{
    (void)state;
    REFUSED("setup_data", CELL("\10"), "setup_data = <8>: is given beside kernel; allowed: leaving it out");
    REFUSED("setup_data", CELL("\1"), "setup_data = <1>: is not aligned");
    REFUSED("setup_data", "12", "right width");
}

/** Two VMs with memory at these bases, 4 MiB each. */
static const struct ash_boot_fault *two_bases(uint32_t first, uint32_t second)
{
    struct tree tree;

    begin_vms(&tree);
    for (uint32_t i = 0; i < 2U; i++) {
        node(&tree, i == 0U ? "vm0" : "vm1");
        string(&tree, "device_type", "virtual_machine");
        cells(&tree, "vmid", i);
        string(&tree, "kernel", "Image");
        cells(&tree, "memory", 0, i == 0U ? first : second, 0, 0x400000);
        end(&tree);
    }
    finish_and_parse(&tree);
    assert_int_equal(vms[0].fault.code, ASH_OK);
    return &vms[1].fault;
}

static void of_two_vms_with_common_memory_the_later_is_refused(void **state)
{
    (void)state;
    assert_int_equal(two_bases(0x40000000, 0x40400000)->code, ASH_OK);
    assert_int_equal(two_bases(0x40400000, 0x40000000)->code, ASH_OK);
    assert_int_equal(two_bases(0x40000000, 0x40200000)->code, ASH_EEXIST);
    assert_fault_says(
        two_bases(0x40000000, 0x40200000),
        "VM vm1: /vms/vm1: memory = 0x400000 bytes at 0x40200000; VM vm0: overlaps another VM's "
        "memory; allowed: memory of its own for each VM");
    assert_int_equal(two_bases(0x40200000, 0x40000000)->code, ASH_EEXIST);
    assert_int_equal(two_bases(0x40000000, 0x40000000)->code, ASH_EEXIST);
}

static void what_is_not_built_yet_is_said_so(void **state)
{
    (void)state;
    refused("vm_32bit", "", 0, ASH_ENOTSUP, "vm_32bit: is not supported yet");
    refused("vm_32bit", CELL("\1"), 4, ASH_ENOTSUP, "vm_32bit = <1>: is not supported yet");
    ACCEPTED("vm_32bit", CELL("\0"));
}

static void an_unknown_property_is_named_with_the_known_ones(void **state)
{
    (void)state;
    REFUSED("vcpu", CELL("\1"), "vcpu = <1>: is an unknown property; allowed: device_type vmid vm_name");
    REFUSED("Kernel", "x\0", "rng-seed");
    REFUSED("", "x\0", "unknown property");
}

static void a_property_given_twice_is_refused(void **state)
{
    (void)state;
    refused("vmid", CELL("\3"), 4, ASH_EEXIST, "vmid = <3>: is given twice");
    refused("kernel", "x\0", 2, ASH_EEXIST, "is given twice");
}

static void cmdline_and_bootargs_are_one_property(void **state)
{
    struct tree tree;

    (void)state;
    begin_vms(&tree);
    node(&tree, "vm0");
    required(&tree, 0);
    string(&tree, "bootargs", "a");
    string(&tree, "cmdline", "b");
    end(&tree);
    finish_and_parse(&tree);
    assert_int_equal(vms[0].fault.code, ASH_EEXIST);
    assert_string_equal(vms[0].fault.property, "cmdline");
}

static void each_required_property_is_missed(void **state)
{
    static const char *const names[] = {"device_type", "vmid", "memory", "kernel"};

    (void)state;
    for (unsigned missing = 0; missing < 4U; missing++) {
        struct tree tree;

        begin_vms(&tree);
        node(&tree, "vm0");
        if (missing != 0U) {
            string(&tree, names[0], "virtual_machine");
        }
        if (missing != 1U) {
            cells(&tree, names[1], 7);
        }
        if (missing != 2U) {
            cells(&tree, names[2], 0, 0x200000);
        }
        if (missing != 3U) {
            string(&tree, names[3], "Image");
        }
        end(&tree);
        finish_and_parse(&tree);
        assert_int_equal(vms[0].fault.code, ASH_ENOENT);
        assert_string_equal(vms[0].fault.property, names[missing]);
        assert_fault_says(&vms[0].fault, "is missing; allowed:");
    }
}

static void a_device_type_and_a_vmid_of_another_kind_are_refused(void **state)
{
    struct tree tree;

    (void)state;
    begin_vms(&tree);
    node(&tree, "vm0");
    string(&tree, "device_type", "cpu");
    end(&tree);
    node(&tree, "vm1");
    cells(&tree, "vmid", 64);
    end(&tree);
    node(&tree, "vm2");
    cells(&tree, "vmid", 0, 1);
    end(&tree);
    finish_and_parse(&tree);
    assert_fault_says(&vms[0].fault,
                      "device_type = \"cpu\": is something else; allowed: \"virtual_machine\"");
    assert_fault_says(&vms[1].fault, "vmid = <64>: is out of range; allowed: one cell, 0..63");
    assert_fault_says(&vms[2].fault, "vmid = <0 1>");
}

static void of_two_managers_the_later_is_refused(void **state)
{
    struct tree tree;

    (void)state;
    begin_vms(&tree);
    for (unsigned i = 0; i < 3U; i++) {
        static const char *const names[] = {"vm0", "vm1", "vm2"};

        node(&tree, names[i]);
        required(&tree, 5U + i);
        if (i != 1U) {
            flag(&tree, "manager");
        }
        end(&tree);
    }
    finish_and_parse(&tree);
    assert_int_equal(vms[0].fault.code, ASH_OK);
    assert_int_equal(vms[1].fault.code, ASH_OK);
    assert_int_equal(vms[2].fault.code, ASH_EEXIST);
    assert_fault_says(&vms[2].fault, "/vms/vm2: manager: another VM is the manager already; allowed: one VM");
}

static void of_two_equal_vmids_or_names_the_later_is_refused(void **state)
{
    struct tree tree;

    (void)state;
    begin_vms(&tree);
    simple_vm(&tree, "vm0", 5);
    simple_vm(&tree, "vm1", 5);
    node(&tree, "vm2");
    required(&tree, 6);
    string(&tree, "vm_name", "vm0");
    end(&tree);
    simple_vm(&tree, "vm3", 7);
    finish_and_parse(&tree);
    assert_int_equal(vms[0].fault.code, ASH_OK);
    assert_int_equal(vms[1].fault.code, ASH_EEXIST);
    assert_fault_says(&vms[1].fault, "vms.dtb: VM vm1: /vms/vm1: vmid = <5>: is another VM's already");
    assert_int_equal(vms[2].fault.code, ASH_EEXIST);
    assert_fault_says(&vms[2].fault, "/vms/vm2: vm_name = vm0: is another VM's already");
    assert_int_equal(vms[3].fault.code, ASH_OK);
}

static void the_first_mistake_is_kept_and_the_name_is_known(void **state)
{
    struct tree tree;

    (void)state;
    begin_vms(&tree);
    node(&tree, "vm0");
    cells(&tree, "vcpus", 9);
    cells(&tree, "nonsense", 1);
    string(&tree, "vm_name", "late");
    required(&tree, 0);
    node(&tree, "child");
    string(&tree, "vm_name", "not-this");
    end(&tree);
    end(&tree);
    finish_and_parse(&tree);
    assert_fault_says(&vms[0].fault, "vms.dtb: VM late: /vms/vm0: vcpus = <9>");
    assert_string_equal(vms[0].name, "late");
}

static void a_sub_node_of_a_vm_is_refused(void **state)
{
    struct tree tree;

    (void)state;
    begin_vms(&tree);
    node(&tree, "vm0");
    required(&tree, 0);
    node(&tree, "disk");
    node(&tree, "deeper");
    cells(&tree, "vcpus", 2);
    end(&tree);
    end(&tree);
    end(&tree);
    simple_vm(&tree, "vm1", 1);
    finish_and_parse(&tree);
    assert_int_equal(config.count, 2);
    assert_int_equal(vms[0].fault.code, ASH_EFORMAT);
    assert_fault_says(&vms[0].fault, "/vms/vm0: disk: is an unknown sub-node");
    assert_int_equal(vms[0].vcpus, 1);
    assert_int_equal(vms[1].fault.code, ASH_OK);
}

static void a_mistake_of_no_vm_is_told_beside_the_vms(void **state)
{
    struct tree tree;

    (void)state;
    begin_vms(&tree);
    cells(&tree, "cpus", 4);
    simple_vm(&tree, "vm0", 0);
    end(&tree);
    node(&tree, "vms");
    simple_vm(&tree, "vm1", 1);
    end(&tree);
    assert_int_equal(parse(tree.bytes, tree_finish(&tree)), ASH_OK);
    assert_int_equal(config.count, 1);
    assert_int_equal(vms[0].fault.code, ASH_OK);
    assert_int_equal(config.fault.code, ASH_EFORMAT);
    assert_fault_says(&config.fault, "vms.dtb: /vms: cpus: is an unknown property");
}

static void the_time_at_boot_is_one_number(void **state)
{
    static const struct {
        size_t size;
        uint64_t seconds;
    } good[] = {{4, 0x69200001}, {8, 0x6920000100000002}};

    (void)state;
    for (size_t size = 0; size <= 12U; size++) {
        struct tree tree;

        begin_vms(&tree);
        bytes(&tree, "boot-time", "\x69\x20\0\1\0\0\0\2\0\0\0\3", size);
        simple_vm(&tree, "vm0", 0);
        finish_and_parse(&tree);
        assert_int_equal(config.count, 1);
        if (size == good[0].size || size == good[1].size) {
            assert_int_equal(config.fault.code, ASH_OK);
            assert_int_equal(config.boot_time, good[size == good[1].size].seconds);
        } else {
            assert_fault_says(&config.fault, "vms.dtb: /vms: boot-time: is not a number of the right width");
            assert_int_equal(config.boot_time, 0);
        }
    }
}

static void a_second_vms_node_is_left_out(void **state)
{
    struct tree tree;

    (void)state;
    begin_vms(&tree);
    simple_vm(&tree, "vm0", 0);
    end(&tree);
    node(&tree, "vms");
    cells(&tree, "nonsense", 1);
    simple_vm(&tree, "vm1", 1);
    end(&tree);
    assert_int_equal(parse(tree.bytes, tree_finish(&tree)), ASH_OK);
    assert_int_equal(config.count, 1);
    assert_int_equal(config.fault.code, ASH_EEXIST);
    assert_fault_says(&config.fault, "/vms: is there twice");
}

static void vms_beyond_the_array_are_left_out(void **state)
{
    struct tree tree;

    (void)state;
    begin_vms(&tree);
    for (uint32_t i = 0; i < 6U; i++) {
        simple_vm(&tree, (const char *const[]){"a", "b", "c", "d", "e", "f"}[i], i);
    }
    finish_and_parse(&tree);
    assert_int_equal(config.count, 4);
    assert_int_equal(config.fault.code, ASH_ENOSPC);
    assert_fault_says(&config.fault, "vms.dtb: /vms/e: is one VM too many");
    for (unsigned i = 0; i < 4U; i++) {
        assert_int_equal(vms[i].fault.code, ASH_OK);
    }
}

static void a_tree_without_vms_is_said_so(void **state)
{
    struct tree tree;

    (void)state;
    tree_begin(&tree);
    tree_root(&tree);
    node(&tree, "soc");
    node(&tree, "vms"); /* not at the top */
    end(&tree);
    end(&tree);
    assert_int_equal(parse(tree.bytes, tree_finish(&tree)), ASH_ENOENT);
    assert_int_equal(config.count, 0);
    assert_fault_says(&config.fault, "vms.dtb: /vms: is missing");
}

static void vms_without_a_vm_are_said_so(void **state)
{
    struct tree tree;

    (void)state;
    begin_vms(&tree);
    finish_and_parse(&tree);
    assert_int_equal(config.count, 0);
    assert_int_equal(config.fault.code, ASH_ENOENT);
    assert_fault_says(&config.fault, "vms.dtb: /vms: holds no VM; allowed: one sub-node a VM");
}

static void faults_call_the_tree_what_the_caller_does(void **state)
{
    struct tree tree;

    (void)state;
    begin_vms(&tree);
    simple_vm(&tree, "vm0", 64);
    cells(&tree, "#address-cells", 1);
    end(&tree);
    memset(&config, 0, sizeof(config));
    config.vms = vms;
    config.capacity = 4;
    config.file = "device tree";
    ASH_DISCARD(ash_boot_config_parse(&config, tree.bytes, tree_finish(&tree)));
    assert_fault_says(&config.fault, "device tree: ");
    assert_int_equal(ash_boot_config_parse(&config, tree.bytes, 20), ASH_ETRUNC);
    assert_fault_says(&config.fault, "device tree: size = 20");
    begin_vms(&tree);
    simple_vm(&tree, "vm0", 64);
    end(&tree);
    assert_int_equal(ash_boot_config_parse(&config, tree.bytes, tree_finish(&tree)), ASH_OK);
    assert_fault_says(&vms[0].fault, "device tree: VM vm0: /vms/vm0: vmid = <64>");
}

static void hv_can_refuse_in_the_same_words(void **state)
{
    struct tree tree;

    (void)state;
    make_example(&tree);
    assert_int_equal(parse(tree.bytes, tree_finish(&tree)), ASH_OK);
    assert_int_equal(
        ash_boot_vm_refuse(&vms[1], ASH_ENOTSUP, "memory", "<base size>", "is not supported yet", "<size>"),
        ASH_ENOTSUP);
    assert_fault_says(
        &vms[1].fault,
        "vms.dtb: VM vm1: /vms/vm1: memory = <base size>: is not supported yet; allowed: <size>");
}

static void the_least_of_memory_is_one_size(void **state)
{
    (void)state;
    ACCEPTED("memory-min", CELL("\0") "\0\x20\0\0");
    assert_int_equal(vms[0].memory_min, 0x200000);
    assert_int_equal(vms[0].memory_wish, vms[0].memory_size);
    assert_int_equal(vms[1].memory_min, 0);
    REFUSED("memory-min", CELL("\0") CELL("\0"), "memory-min = <0 0>: is out of range");
    REFUSED("memory-min", CELL("\0") "\0\x10\0\0", "is not aligned");
    REFUSED("memory-min", "\0\x20\0\0", "is not a number of the right width");
    refused("memory-min", "\0\0\0\x7f\0\0\0\0", 8, ASH_ERANGE, "is more than memory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_property_is_read),
        cmocka_unit_test(what_is_left_out_has_a_default),
        cmocka_unit_test(vcpus_are_1_to_8),
        cmocka_unit_test(affinity_names_one_cpu_a_vcpu),
        cmocka_unit_test(a_vcpu_may_have_a_set_of_cpus),
        cmocka_unit_test(a_set_of_cpus_is_not_given_beside_one_cpu_or_a_budget),
        cmocka_unit_test(a_budget_has_a_period_and_fits_in_it),
        cmocka_unit_test(priority_and_time_slice_are_in_their_ranges),
        cmocka_unit_test(affinity_is_not_checked_where_the_cpus_are_not_known),
        cmocka_unit_test(memory_is_a_size_or_a_base_and_a_size),
        cmocka_unit_test(names_are_short_and_plain),
        cmocka_unit_test(a_node_name_stands_in_only_if_it_is_a_name),
        cmocka_unit_test(file_names_and_bootargs_are_clean_strings),
        cmocka_unit_test(numbers_types_and_seeds_are_checked),
        cmocka_unit_test(manager_is_a_flag_of_one_vm),
        cmocka_unit_test(background_is_a_flag),
        cmocka_unit_test(smc_allow_is_a_list_of_function_identifiers),
        cmocka_unit_test(an_image_in_memory_needs_entry_and_memory_with_a_base),
        cmocka_unit_test(what_only_hv_could_put_into_a_tree_is_refused_without_kernel),
        cmocka_unit_test(setup_data_beside_kernel_is_refused),
        cmocka_unit_test(of_two_vms_with_common_memory_the_later_is_refused),
        cmocka_unit_test(what_is_not_built_yet_is_said_so),
        cmocka_unit_test(an_unknown_property_is_named_with_the_known_ones),
        cmocka_unit_test(a_property_given_twice_is_refused),
        cmocka_unit_test(cmdline_and_bootargs_are_one_property),
        cmocka_unit_test(each_required_property_is_missed),
        cmocka_unit_test(a_device_type_and_a_vmid_of_another_kind_are_refused),
        cmocka_unit_test(of_two_managers_the_later_is_refused),
        cmocka_unit_test(of_two_equal_vmids_or_names_the_later_is_refused),
        cmocka_unit_test(the_first_mistake_is_kept_and_the_name_is_known),
        cmocka_unit_test(a_sub_node_of_a_vm_is_refused),
        cmocka_unit_test(a_mistake_of_no_vm_is_told_beside_the_vms),
        cmocka_unit_test(the_time_at_boot_is_one_number),
        cmocka_unit_test(a_second_vms_node_is_left_out),
        cmocka_unit_test(vms_beyond_the_array_are_left_out),
        cmocka_unit_test(a_tree_without_vms_is_said_so),
        cmocka_unit_test(vms_without_a_vm_are_said_so),
        cmocka_unit_test(faults_call_the_tree_what_the_caller_does),
        cmocka_unit_test(hv_can_refuse_in_the_same_words),
        cmocka_unit_test(the_least_of_memory_is_one_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
