/* SPDX-License-Identifier: BSD-2-Clause */
/* Who gets which CPUs and which memory, and the words for what cannot be had. */
#include <stdio.h>
#include <string.h>

#include <libboot/guest_fdt.h>

#include "core/plan.h"
#include "testkit/cmocka.h"
#include "testkit/seed.h"

#define MIB   UINT64_C(0x100000)
#define GIB   UINT64_C(0x40000000)
#define BLOCK (2U * MIB)

static struct hv_plan plan;
static struct hv_ranges ranges;
static struct ash_boot_vm vms[HV_MAX_VMS];

/* ---- A bundle with one file: a header as cpio(5) has it, made by hand -------------------------------------------- */

static const char archive[] = "070701"
                              "00000001000081A40000000000000000000000010000000000000004"
                              "000000000000000000000000000000000000000200000000"
                              "k\0abcd"
                              "070701"
                              "00000000000000000000000000000000000000010000000000000000"
                              "000000000000000000000000000000000000000B00000000"
                              "TRAILER!!!\0\0\0\0";

static const struct ash_boot_bundle *bundle(void)
{
    static struct ash_boot_bundle opened;
    struct ash_boot_fault fault;

    assert_int_equal(ash_boot_bundle_open(&opened, archive, sizeof(archive) - 1U, &fault), ASH_OK);
    return &opened;
}

static const struct ash_boot_region banks[] = {{{0}, 64U * MIB}, {{128U * MIB}, BLOCK}};

/** A board: 64 MiB at 1 GiB, 1 GiB at 4 GiB; the first 2 MiB of it are hv's. */
static int board(void **state)
{
    (void)state;
    memset(&ranges, 0, sizeof(ranges));
    memset(&plan, 0xA5, sizeof(plan));
    memset(vms, 0, sizeof(vms));
    assert_int_equal(hv_ranges_add_ram(&ranges, GIB, 64U * MIB), ASH_OK);
    assert_int_equal(hv_ranges_add_ram(&ranges, 4U * GIB, GIB), ASH_OK);
    assert_int_equal(hv_ranges_claim(&ranges, GIB, BLOCK, HV_OWNER_HV, 0), ASH_OK);
    plan.ranges = &ranges;
    plan.bundle = bundle();
    plan.flash = banks;
    plan.flash_count = 2;
    plan.cpus = 4;
    plan.ipa_bits = 40;
    return 0;
}

/** VM @i with @vcpus, its image "k". */
static struct ash_boot_vm *vm(unsigned i, unsigned vcpus, uint64_t size)
{
    vms[i].vcpus = vcpus;
    vms[i].memory_size = size;
    vms[i].kernel = "k";
    (void)snprintf(vms[i].node, sizeof(vms[i].node), "vm%u", i);
    (void)snprintf(vms[i].name, sizeof(vms[i].name), "vm%u", i);
    return &vms[i];
}

static void at(struct ash_boot_vm *named, uint64_t base)
{
    named->memory_count = 1;
    named->memory[0] = (struct ash_boot_vm_memory){base, named->memory_size};
}

static void pinned(struct ash_boot_vm *named, unsigned cpu)
{
    named->affinity[named->affinity_count++] = cpu;
}

static void assert_says(unsigned i, const char *line)
{
    char text[ASH_BOOT_FAULT_LINE_SIZE];

    (void)ash_boot_fault_format(text, sizeof(text), &vms[i].fault);
    assert_string_equal(text, line);
    assert_int_equal(plan.vm[i].parts, 0);
    assert_int_equal(plan.vm[i].cpus, 0);
    for (unsigned r = 0; r < ranges.count; r++) {
        assert_false(ranges.range[r].owner == HV_OWNER_VM && ranges.range[r].vm == i);
    }
}

static void assert_good(unsigned i)
{
    char text[ASH_BOOT_FAULT_LINE_SIZE];

    if (vms[i].fault.code != ASH_OK) {
        (void)ash_boot_fault_format(text, sizeof(text), &vms[i].fault);
        fail_msg("VM %u: %s", i, text);
    }
}

/* ---- CPUs -------------------------------------------------------------------------------------------------------- */

static void a_vm_that_names_no_cpu_gets_what_nobody_names(void **state)
{
    (void)state;
    vm(0, 2, BLOCK);
    pinned(vm(1, 1, BLOCK), 0);
    pinned(vm(2, 1, BLOCK), 2);
    hv_plan_make(&plan, vms, 3);
    for (unsigned i = 0; i < 3U; i++) {
        assert_good(i);
    }
    assert_int_equal(plan.vms, 3);
    assert_int_equal(plan.vm[0].cpu[0], 1);
    assert_int_equal(plan.vm[0].cpu[1], 3);
    assert_int_equal(plan.vm[1].cpu[0], 0);
    assert_int_equal(plan.vm[2].cpu[0], 2);
    assert_int_equal(plan.cpu_vcpus[0], 1);
    assert_int_equal(plan.cpu_vcpus[3], 1);
    assert_int_equal(plan.cpu_vcpus[4], 0);
}

static void where_cpus_are_few_they_are_shared_evenly(void **state)
{
    (void)state;
    pinned(vm(0, 1, BLOCK), 1);
    vm(1, 2, BLOCK);
    pinned(&vms[1], 2);
    pinned(&vms[1], 1);
    vm(2, 3, BLOCK);
    vm(3, 4, BLOCK);
    plan.cpus = 4;
    hv_plan_make(&plan, vms, 4);
    for (unsigned i = 0; i < 4U; i++) {
        assert_good(i);
    }
    /* VMs 2 and 3: CPUs 0 and 3 in turn, which nobody names. */
    assert_int_equal(plan.vm[2].cpu[0], 0);
    assert_int_equal(plan.vm[2].cpu[1], 3);
    assert_int_equal(plan.vm[2].cpu[2], 0);
    assert_int_equal(plan.vm[3].cpu[0], 3);
    assert_int_equal(plan.vm[3].cpu[3], 0);
    assert_int_equal(plan.cpu_vcpus[0], 4);
    assert_int_equal(plan.cpu_vcpus[1], 2);
    assert_int_equal(plan.cpu_vcpus[2], 1);
    assert_int_equal(plan.cpu_vcpus[3], 3);
}

/* ---- Firmware ---------------------------------------------------------------------------------------------------- */

static void a_call_that_hv_answers_is_not_let_through(void **state)
{
    (void)state;
    vm(0, 1, BLOCK)->smc_allow_count = 2;
    vms[0].smc_allow[0] = 0x82000001;
    vms[0].smc_allow[1] = 0x84000009; /* SYSTEM_RESET */
    vm(1, 1, BLOCK)->smc_allow_count = 1;
    vms[1].smc_allow[0] = 0xb2000000;
    hv_plan_make(&plan, vms, 2);
    assert_says(
        0, "vms.dtb: VM vm0: /vms/vm0: smc-allow = <0x84000009>: is a call that hv answers itself; allowed: "
           "identifiers outside those of Arm Architecture calls, PSCI and TRNG");
    assert_good(1);
}

/* ---- Memory that may be anywhere --------------------------------------------------------------------------------- */

static void memory_is_one_range_to_the_guest_from_pieces_of_the_machine(void **state)
{
    (void)state;
    vm(0, 1, GIB + 32U * MIB);
    hv_plan_make(&plan, vms, 1);
    assert_good(0);
    assert_int_equal(plan.vm[0].parts, 2);
    assert_int_equal(plan.vm[0].part[0].ipa, GIB);
    assert_int_equal(plan.vm[0].part[0].pa, 4U * GIB);
    assert_int_equal(plan.vm[0].part[0].size, GIB);
    assert_int_equal(plan.vm[0].part[1].ipa, 2U * GIB);
    assert_int_equal(plan.vm[0].part[1].pa, GIB + 32U * MIB);
    assert_int_equal(plan.vm[0].part[1].size, 32U * MIB);
    assert_int_equal(plan.vm[0].images.placement.entry.value, GIB + 0x80000U);
}

static void memory_that_does_not_fit_is_told_what_is_free(void **state)
{
    (void)state;
    vm(0, 1, GIB + 64U * MIB);
    vm(1, 1, BLOCK);
    hv_plan_make(&plan, vms, 2);
    assert_says(
        0, "vms.dtb: VM vm0: /vms/vm0: memory = 0x44000000; free are 0x43e00000, the largest free range is "
           "0x40000000: does not fit; allowed: at most what is free, in up to 8 pieces of whole 2 MiB");
    assert_good(1);
}

/** VM @i, content with @least. */
static void wishing(unsigned i, uint64_t least, uint64_t wish)
{
    struct ash_boot_vm *one = vm(i, 1, wish);

    one->memory_wish = wish;
    one->memory_min = least;
}

static void assert_size(unsigned i, uint64_t size)
{
    uint64_t sum = 0;

    assert_good(i);
    for (uint32_t p = 0; p < plan.vm[i].parts; p++) {
        assert_int_equal(plan.vm[i].part[p].ipa, GIB + sum);
        sum += plan.vm[i].part[p].size;
    }
    assert_int_equal(sum, size);
    assert_int_equal(vms[i].memory_size, size);
}

static void a_wish_is_granted_as_far_as_memory_goes_and_the_least_of_others_first(void **state)
{
    (void)state;
    wishing(0, 256U * MIB, 4U * GIB);
    wishing(1, 512U * MIB, GIB);
    vm(2, 1, 128U * MIB);
    hv_plan_make(&plan, vms, 3);
    assert_size(0, GIB + 62U * MIB - 512U * MIB - 128U * MIB);
    assert_size(1, 512U * MIB);
    assert_size(2, 128U * MIB);
    assert_int_equal(hv_ranges_free(&ranges), 0);
    /* What one gives back the next one may have when it is made again; a wish is not forgotten. */
    hv_plan_drop(&plan, &plan.vm[2]);
    hv_plan_drop(&plan, &plan.vm[1]);
    hv_plan_renew(&plan, &plan.vm[1]);
    assert_size(1, 640U * MIB);
    hv_plan_drop(&plan, &plan.vm[0]);
    hv_plan_drop(&plan, &plan.vm[1]);
    hv_plan_renew(&plan, &plan.vm[1]);
    assert_size(1, GIB);
}

static void a_wish_that_fits_is_granted_whole(void **state)
{
    (void)state;
    wishing(0, BLOCK, 256U * MIB);
    wishing(1, 64U * MIB, 64U * MIB);
    hv_plan_make(&plan, vms, 2);
    assert_size(0, 256U * MIB);
    assert_size(1, 64U * MIB);
}

static void a_least_that_does_not_fit_is_told_what_is_free(void **state)
{
    (void)state;
    wishing(0, GIB + 64U * MIB, 2U * GIB);
    wishing(1, BLOCK, 2U * GIB);
    hv_plan_make(&plan, vms, 2);
    assert_says(
        0, "vms.dtb: VM vm0: /vms/vm0: memory-min = 0x44000000; free are 0x43e00000, the largest free "
           "range is 0x40000000: does not fit; allowed: at most what is free, in up to 8 pieces of whole "
           "2 MiB");
    assert_size(1, GIB + 62U * MIB);
}

static void memory_beyond_a_guest_s_addresses_is_refused(void **state)
{
    (void)state;
    plan.ipa_bits = 32;
    vm(0, 1, 3U * GIB + BLOCK);
    at(vm(1, 1, BLOCK), 4U * GIB);
    hv_plan_make(&plan, vms, 2);
    assert_says(
        0, "vms.dtb: VM vm0: /vms/vm0: memory = 0xc0200000 bytes at 0x40000000; a guest's addresses have 32 "
           "bits: reaches past a guest's address space; allowed: less memory, or lower addresses");
    assert_int_equal(vms[1].fault.code, ASH_ERANGE);
}

/* ---- Memory that is named ---------------------------------------------------------------------------------------- */

static void memory_that_is_named_is_kept_for_its_vm_whatever_the_order(void **state)
{
    (void)state;
    vm(0, 1, GIB);                         /* would take all of the upper RAM */
    at(vm(1, 1, BLOCK), 5U * GIB - BLOCK); /* the highest block, where the search begins */
    hv_plan_make(&plan, vms, 2);
    assert_good(0);
    assert_good(1);
    assert_int_equal(plan.vm[0].parts, 2);
    assert_int_equal(plan.vm[1].part[0].ipa, 5U * GIB - BLOCK);
    assert_int_equal(plan.vm[1].part[0].pa, 5U * GIB - BLOCK);
    assert_int_equal(plan.vm[1].images.placement.entry.value, 5U * GIB - BLOCK + 0x80000U);
}

static void several_named_ranges_stand_in_ascending_order_and_images_go_to_the_first_given(void **state)
{
    struct ash_boot_vm *named = vm(0, 1, 2U * BLOCK);

    (void)state;
    named->memory_count = 2;
    named->memory[0] = (struct ash_boot_vm_memory){4U * GIB, BLOCK};
    named->memory[1] = (struct ash_boot_vm_memory){GIB + BLOCK, BLOCK};
    hv_plan_make(&plan, vms, 1);
    assert_good(0);
    assert_int_equal(plan.vm[0].parts, 2);
    assert_int_equal(plan.vm[0].part[0].ipa, GIB + BLOCK);
    assert_int_equal(plan.vm[0].part[1].ipa, 4U * GIB);
    assert_int_equal(plan.vm[0].images.placement.entry.value, 4U * GIB + 0x80000U);
}

static void named_memory_that_is_not_free_says_whose_it_is(void **state)
{
    static const struct {
        enum hv_owner owner;
        const char *says;
    } owners[] = {
        {HV_OWNER_HV, "overlaps hv's own memory"},
        {HV_OWNER_FIRMWARE, "overlaps memory that the firmware reserves"},
        {HV_OWNER_NO_MAP, "overlaps memory that the firmware reserves"},
        {HV_OWNER_BOARD_DT, "overlaps the board's device tree"},
        {HV_OWNER_BUNDLE, "overlaps the bundle"},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(owners) / sizeof(owners[0]); i++) {
        char line[ASH_BOOT_FAULT_LINE_SIZE];

        (void)board(NULL);
        assert_int_equal(hv_ranges_claim(&ranges, 4U * GIB + BLOCK + 4096U, 4096, owners[i].owner, 0),
                         ASH_OK);
        at(vm(0, 1, 2U * BLOCK), 4U * GIB);
        vm(1, 1, BLOCK);
        hv_plan_make(&plan, vms, 2);
        (void)snprintf(
            line, sizeof(line),
            "vms.dtb: VM vm0: /vms/vm0: memory = 0x400000 bytes at 0x100000000, of which 0x1000 at "
            "0x100201000: %s; allowed: RAM that is free (hv/tools/mkbundle --check shows the map)",
            owners[i].says);
        assert_says(0, line);
        assert_good(1);
    }
}

static void named_memory_that_is_no_ram_or_a_device_s_is_refused(void **state)
{
    (void)state;
    at(vm(0, 1, BLOCK), 3U * GIB);
    at(vm(1, 1, 2U * BLOCK), GIB + 62U * MIB);
    at(vm(2, 1, BLOCK), 0x08000000);
    hv_plan_make(&plan, vms, 3);
    assert_says(
        0, "vms.dtb: VM vm0: /vms/vm0: memory = 0x200000 bytes at 0xc0000000, of which 0x200000 at "
           "0xc0000000: is not RAM; allowed: RAM that is free (hv/tools/mkbundle --check shows the map)");
    assert_says(
        1, "vms.dtb: VM vm1: /vms/vm1: memory = 0x400000 bytes at 0x43e00000, of which 0x200000 at "
           "0x44000000: is not RAM; allowed: RAM that is free (hv/tools/mkbundle --check shows the map)");
    assert_says(
        2, "vms.dtb: VM vm2: /vms/vm2: memory = 0x200000 bytes at 0x8000000: overlaps the guest's devices; "
           "allowed: addresses outside 0x8000000..0xfffffff");
}

static void the_second_of_two_vms_that_name_the_same_memory_is_refused(void **state)
{
    (void)state;
    at(vm(0, 1, BLOCK), 4U * GIB);
    at(vm(1, 1, BLOCK), 4U * GIB); /* the parser refuses this; the plan does not count on it */
    hv_plan_make(&plan, vms, 2);
    assert_good(0);
    assert_says(
        1, "vms.dtb: VM vm1: /vms/vm1: memory = 0x200000 bytes at 0x100000000, of which 0x200000 at "
           "0x100000000: overlaps another VM's memory; allowed: RAM that is free (hv/tools/mkbundle --check "
           "shows the map)");
}

static void an_ownership_map_that_is_full_refuses_in_words(void **state)
{
    (void)state;
    for (uint64_t i = 0; ranges.count < HV_RANGES_MAX; i++) {
        assert_int_equal(hv_ranges_add_ram(&ranges, 16U * GIB + 2U * i * BLOCK, BLOCK), ASH_OK);
    }
    at(vm(0, 1, BLOCK), 4U * GIB + BLOCK);
    vm(1, 1, 2U * BLOCK);
    hv_plan_make(&plan, vms, 2);
    assert_says(0, "vms.dtb: VM vm0: /vms/vm0: memory = 0x200000 bytes at 0x100200000: cannot be noted: the "
                   "ownership map is full; allowed: fewer ranges");
    assert_int_equal(vms[1].fault.code, ASH_ENOSPC);
}

/* ---- Images ------------------------------------------------------------------------------------------------------ */

static void a_vm_whose_image_is_wrong_takes_nothing(void **state)
{
    (void)state;
    vm(0, 4, BLOCK)->kernel = "nothing";
    vm(1, 4, BLOCK);
    hv_plan_make(&plan, vms, 2);
    assert_says(
        0,
        "vms.dtb: VM vm0: /vms/vm0: kernel = \"nothing\": is not in the bundle; allowed: the name of a file "
        "in it");
    assert_good(1);
}

static void what_a_refused_vm_wanted_is_there_for_those_behind_it(void **state)
{
    (void)state;
    vm(0, 4, 8U * GIB); /* every CPU, but no memory for it */
    at(vm(1, 4, BLOCK), 3U * GIB);
    vm(2, 4, BLOCK)->kernel = "nothing";
    vm(3, 4, BLOCK);
    hv_plan_make(&plan, vms, 4);
    assert_int_equal(vms[0].fault.code, ASH_ENOMEM);
    assert_int_equal(vms[1].fault.code, ASH_EEXIST);
    assert_int_equal(vms[2].fault.code, ASH_ENOENT);
    assert_good(3);
}

static void a_vm_with_a_fault_is_left_alone(void **state)
{
    (void)state;
    vm(0, 4, BLOCK)->fault.code = ASH_EFORMAT;
    vm(1, 4, BLOCK);
    hv_plan_make(&plan, vms, 2);
    assert_int_equal(vms[0].fault.code, ASH_EFORMAT);
    assert_int_equal(plan.vm[0].parts, 0);
    assert_good(1);
}

static void what_a_vm_gives_back_is_free(void **state)
{
    (void)state;
    vm(0, 2, BLOCK);
    vm(1, 1, BLOCK);
    hv_plan_make(&plan, vms, 2);
    hv_plan_drop(&plan, &plan.vm[0]);
    assert_int_equal(plan.cpu_vcpus[0], 0);
    assert_int_equal(plan.cpu_vcpus[1], 0);
    assert_int_equal(plan.cpu_vcpus[2], 1);
    assert_int_equal(hv_ranges_free(&ranges), 62U * MIB + GIB - BLOCK);
}

static void more_vms_than_there_is_room_for_are_not_looked_at(void **state)
{
    static struct ash_boot_vm many[HV_MAX_VMS + 1U];

    (void)state;
    hv_plan_make(&plan, many, HV_MAX_VMS + 1U);
    assert_int_equal(plan.vms, HV_MAX_VMS);
}

static void a_set_of_cpus_is_named_and_its_least_used_one_is_taken(void **state)
{
    (void)state;
    for (unsigned v = 0; v < 3U; v++) {
        vm(0, 3, BLOCK)->cpu_set[v] = v < 2U ? 0x6U : 0x2U;
    }
    vms[0].cpu_set_count = 3;
    vms[0].cpu_set[0] = 0x6U;
    vms[0].cpu_set[1] = 0x6U;
    vm(1, 2, BLOCK);
    hv_plan_make(&plan, vms, 2);
    assert_good(0);
    assert_good(1);
    assert_int_equal(plan.vm[0].cpu[0], 1);
    assert_int_equal(plan.vm[0].cpu[1], 2);
    assert_int_equal(plan.vm[0].cpu[2], 1);
    assert_int_equal(plan.vm[1].cpu[0], 0);
    assert_int_equal(plan.vm[1].cpu[1], 3);
}

/* ---- Budgets ----------------------------------------------------------------------------------------------------- */

static void promised(struct ash_boot_vm *one, unsigned budget_us, unsigned period_us)
{
    one->budget_us = budget_us;
    one->period_us = period_us;
}

static void a_cpu_is_promised_whole_and_no_more(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 5U; i++) {
        struct ash_boot_vm *one = vm(i, 1, BLOCK);

        pinned(one, 1);
        promised(one, 1000, 3000);
    }
    vms[3].budget_us = 10;
    vms[4].budget_us = 0;
    hv_plan_make(&plan, vms, 5);
    for (unsigned i = 0; i < 5U; i++) {
        if (i != 3U) {
            assert_good(i);
        }
    }
    assert_says(
        3, "vms.dtb: VM vm3: /vms/vm3: budget-us = <10> of <3000>; 99 % of CPU 1 are promised already: is "
           "more than is left of it; allowed: 100 % of each CPU in all: a smaller budget, a longer period, "
           "another CPU");
    assert_int_equal(plan.cpu_vcpus[1], 4);
    assert_int_equal(plan.cpu_share[1], 999999999);
    assert_int_equal(plan.cpu_share[0], 0);
}

static void budgets_that_name_no_cpu_go_where_there_is_room(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4U; i++) {
        promised(vm(i, 2, BLOCK), 600, 1000);
    }
    hv_plan_make(&plan, vms, 3);
    assert_good(0);
    assert_good(1);
    /* Four CPUs of 60 %: the third VM's first vCPU finds no room. */
    assert_int_equal(vms[2].fault.code, ASH_ENOSPC);
    assert_int_equal(plan.vm[2].cpus, 0);
    vms[2].fault.code = ASH_OK;
    vms[2].budget_us = 400;
    hv_plan_make(&plan, vms, 3);
    assert_good(2);
    for (unsigned i = 0; i < 4U; i++) {
        assert_true(plan.cpu_share[i] <= HV_BUDGET_WHOLE);
    }
    hv_plan_drop(&plan, &plan.vm[2]);
    hv_plan_drop(&plan, &plan.vm[1]);
    hv_plan_drop(&plan, &plan.vm[0]);
    for (unsigned i = 0; i < 4U; i++) {
        assert_int_equal(plan.cpu_share[i], 0);
    }
}

/* ---- Random ------------------------------------------------------------------------------------------------------ */

static void random_vm(struct test_rng *rng, unsigned i)
{
    struct ash_boot_vm *one =
        vm(i, 1U + (unsigned)test_rng_below(rng, 3), (1U + test_rng_below(rng, 200)) * BLOCK);

    if (test_rng_below(rng, 3) == 0U) {
        at(one, (test_rng_below(rng, 2) == 0U ? GIB : 4U * GIB) + test_rng_below(rng, 40) * BLOCK);
    }
    for (unsigned v = 0; v < one->vcpus && test_rng_below(rng, 2) == 0U; v++) {
        one->affinity[v] = v + i % 2U;
        one->affinity_count = one->vcpus;
    }
    if (one->memory_count == 0U && test_rng_below(rng, 2) == 0U) {
        one->memory_wish = one->memory_size;
        one->memory_min = (1U + test_rng_below(rng, one->memory_size / BLOCK)) * BLOCK;
    }
    one->kernel = test_rng_below(rng, 8) == 0U ? "nothing" : "k";
}

static void whatever_is_asked_for_nothing_is_given_twice(void **state)
{
    struct test_rng rng;
    unsigned outcomes[2] = {0, 0};

    (void)state;
    test_rng_init(&rng, "plans");
    for (unsigned round = 0; round < 2000U; round++) {
        unsigned count = 1U + (unsigned)test_rng_below(&rng, 6);
        uint64_t given = 0;
        unsigned vcpus[HV_MAX_CPUS] = {0};

        (void)board(NULL);
        for (unsigned i = 0; i < count; i++) {
            random_vm(&rng, i);
        }
        hv_plan_make(&plan, vms, count);
        for (unsigned i = 0; i < count; i++) {
            uint64_t sum = 0;

            for (unsigned p = 0; p < plan.vm[i].parts; p++) {
                struct hv_range part;

                assert_true(
                    hv_ranges_first_taken(&ranges, plan.vm[i].part[p].pa, plan.vm[i].part[p].size, &part));
                assert_true(part.owner == HV_OWNER_VM && part.vm == i);
                assert_int_equal(part.size, plan.vm[i].part[p].size);
                sum += plan.vm[i].part[p].size;
            }
            assert_int_equal(sum, vms[i].fault.code == ASH_OK ? vms[i].memory_size : 0U);
            for (unsigned v = 0; v < vms[i].vcpus && vms[i].fault.code == ASH_OK; v++) {
                assert_true(plan.vm[i].cpu[v] < plan.cpus);
                vcpus[plan.vm[i].cpu[v]]++;
            }
            given += sum;
            outcomes[vms[i].fault.code == ASH_OK]++;
        }
        for (unsigned c = 0; c < HV_MAX_CPUS; c++) {
            assert_int_equal(plan.cpu_vcpus[c], vcpus[c]);
        }
        assert_int_equal(hv_ranges_free(&ranges), 62U * MIB + GIB - given);
    }
    print_message("%u refused, %u planned\n", outcomes[0], outcomes[1]);
    assert_true(outcomes[0] > 100U && outcomes[1] > 100U);
}

/* ---- Disks ------------------------------------------------------------------------------------------------------- */

/** @config gets one more disk: a range of the board's memory. */
static void add_disk(struct ash_boot_vm *config, uint64_t base, uint64_t size)
{
    config->virtio[config->virtio_count++] = (struct ash_boot_virtio){
        .kind = ASH_BOOT_VIRTIO_BLK, .node = "virtio_blk", .range = {base, size}, .queues = 1};
}

static bool is_of_vm(uint64_t base, uint64_t size, uint32_t number)
{
    struct hv_range taken;

    return hv_ranges_first_taken(&ranges, base, size, &taken) && taken.base == base && taken.size == size &&
           taken.owner == HV_OWNER_VM && taken.vm == number;
}

static void a_disks_range_is_its_vms_whatever_its_ram_wishes(void **state)
{
    struct ash_boot_vm *config = vm(0, 1, 2U * GIB);

    (void)state;
    config->memory_wish = 2U * GIB; /* more than there is: it grows and shrinks */
    config->memory_min = 4U * MIB;
    add_disk(config, 4U * GIB + 4096U, 8192);
    hv_plan_make(&plan, vms, 1);
    assert_int_equal(config->fault.code, ASH_OK);
    assert_true(config->memory_size > 4U * MIB && config->memory_size < 2U * GIB);
    assert_int_equal(plan.vm[0].disk[0].base, 4U * GIB + 4096U);
    assert_int_equal(plan.vm[0].disk[0].size, 8192);
    assert_true(is_of_vm(4U * GIB + 4096U, 8192, 0));
    for (uint32_t i = 0; i < plan.vm[0].parts; i++) {
        const struct hv_ram_part *part = &plan.vm[0].part[i];

        assert_true(4U * GIB + 4096U < part->pa || 4U * GIB + 4096U >= part->pa + part->size);
    }
    hv_plan_drop(&plan, &plan.vm[0]);
    assert_int_equal(hv_ranges_free(&ranges), 64U * MIB - BLOCK + GIB);
    assert_int_equal(plan.vm[0].disk[0].size, 0);
}

static void a_disks_range_must_be_free_memory(void **state)
{
    char line[ASH_BOOT_FAULT_LINE_SIZE];

    (void)state;
    add_disk(vm(0, 1, BLOCK), GIB, 4096);         /* hv's */
    add_disk(vm(1, 1, BLOCK), 8U * GIB, 4096);    /* no RAM */
    add_disk(vm(2, 1, BLOCK), GIB + BLOCK, 4096); /* free, ... */
    add_disk(vm(3, 1, BLOCK), GIB + BLOCK, 4096); /* ... and now it is not */
    hv_plan_make(&plan, vms, 4);
    (void)ash_boot_fault_format(line, sizeof(line), &vms[0].fault);
    assert_non_null(
        strstr(line, "/virtio_blk: memory-range = 0x1000 bytes at 0x40000000: overlaps hv's own memory"));
    (void)ash_boot_fault_format(line, sizeof(line), &vms[1].fault);
    assert_non_null(strstr(line, "memory-range = 0x1000 bytes at 0x200000000: is not RAM"));
    assert_int_equal(vms[2].fault.code, ASH_OK);
    (void)ash_boot_fault_format(line, sizeof(line), &vms[3].fault);
    assert_non_null(strstr(line, "overlaps another VM's memory"));
    assert_true(is_of_vm(GIB + BLOCK, 4096, 2));
}

static void says(unsigned number, const char *text)
{
    char line[ASH_BOOT_FAULT_LINE_SIZE];

    (void)ash_boot_fault_format(line, sizeof(line), &vms[number].fault);
    if (strstr(line, text) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", text, line);
    }
}

static void a_disk_in_flash_is_read_only_or_an_overlay_and_nobody_s_alone(void **state)
{
    const uint64_t free_before = hv_ranges_free(&ranges);
    struct ash_boot_virtio *reader, *writer;

    (void)state;
    add_disk(vm(0, 1, BLOCK), 0, 64U * MIB); /* the whole bank, from 0 on */
    add_disk(vm(1, 1, BLOCK), 4096, 8192);
    reader = &vms[0].virtio[0];
    writer = &vms[1].virtio[0];
    reader->read_only = true;
    writer->overlay = true;
    hv_plan_make(&plan, vms, 2);
    assert_int_equal(vms[0].fault.code, ASH_OK);
    assert_int_equal(vms[1].fault.code, ASH_OK);
    assert_true(plan.vm[0].disk[0].in_flash && plan.vm[1].disk[0].in_flash);
    assert_int_equal(plan.vm[0].disk[0].size, 0);
    assert_int_equal(plan.vm[1].disk[0].size, 4096U + 8192U); /* an index, and all that there is to write */
    assert_true(is_of_vm(plan.vm[1].disk[0].base, 4096U + 8192U, 1));
    hv_plan_drop(&plan, &plan.vm[0]);
    hv_plan_drop(&plan, &plan.vm[1]);
    assert_int_equal(hv_ranges_free(&ranges), free_before);
    assert_false(plan.vm[0].disk[0].in_flash);
    hv_plan_renew(&plan, &plan.vm[1]);
    assert_int_equal(vms[1].fault.code, ASH_OK);
    assert_true(plan.vm[1].disk[0].in_flash);
}

static void what_cannot_be_had_of_flash_is_told(void **state)
{
    (void)state;
    add_disk(vm(0, 1, BLOCK), 4096, 4096); /* to be written */
    add_disk(vm(1, 1, BLOCK), 128U * MIB + 4096U, BLOCK);
    add_disk(vm(2, 1, BLOCK), 64U * MIB - 4096U, 8192);
    add_disk(vm(3, 1, BLOCK), 64U * MIB, 4096); /* between the banks */
    add_disk(vm(4, 1, BLOCK), GIB + BLOCK, 4096);
    add_disk(vm(5, 1, BLOCK), 0, 64U * MIB);
    for (unsigned i = 1; i < 4U; i++) {
        vms[i].virtio[0].read_only = true;
    }
    vms[4].virtio[0].overlay = true; /* of RAM */
    vms[5].virtio[0].overlay = true;
    vms[5].virtio[0].overlay_size = 4U * GIB;
    vms[5].virtio[0].range.size = 64U * MIB;
    assert_int_equal(hv_ranges_claim(&ranges, 4U * GIB, GIB, HV_OWNER_FIRMWARE, 0), ASH_OK);
    hv_plan_make(&plan, vms, 6);
    says(
        0,
        "/vms/vm0/virtio_blk: memory-range = 0x1000 bytes at 0x1000: lies in flash, which hv does not write; "
        "allowed: read-only or overlay beside it; or RAM that is free");
    says(1, "memory-range = 0x200000 bytes at 0x8001000; its bank has 0x200000 at 0x8000000: reaches out of "
            "its bank "
            "of flash; allowed: a range within one bank");
    says(2, "memory-range = 0x2000 bytes at 0x3fff000; its bank has 0x4000000 at 0x0: reaches out");
    says(3, "memory-range = 0x1000 bytes at 0x4000000: is not RAM; allowed: RAM that is free "
            "(hv/tools/mkbundle --check shows the map), or flash");
    says(
        4,
        "overlay = 0x1000 bytes at 0x40200000: is for a range in RAM, which may be written; allowed: leaving "
        "it out, or a range in flash, or an image");
    says(5, "/vms/vm5/virtio_blk: overlay = 0x4010000 bytes; the largest free range is 0x");
    for (unsigned i = 0; i < 6U; i++) {
        assert_false(plan.vm[i].disk[0].in_flash);
        assert_int_equal(plan.vm[i].disk[0].size, 0);
    }
    assert_int_equal(hv_ranges_free(&ranges), 64U * MIB - BLOCK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_set_of_cpus_is_named_and_its_least_used_one_is_taken, board),
        cmocka_unit_test_setup(a_cpu_is_promised_whole_and_no_more, board),
        cmocka_unit_test_setup(budgets_that_name_no_cpu_go_where_there_is_room, board),
        cmocka_unit_test_setup(a_vm_that_names_no_cpu_gets_what_nobody_names, board),
        cmocka_unit_test_setup(where_cpus_are_few_they_are_shared_evenly, board),
        cmocka_unit_test_setup(memory_is_one_range_to_the_guest_from_pieces_of_the_machine, board),
        cmocka_unit_test_setup(memory_that_does_not_fit_is_told_what_is_free, board),
        cmocka_unit_test_setup(a_wish_is_granted_as_far_as_memory_goes_and_the_least_of_others_first, board),
        cmocka_unit_test_setup(a_wish_that_fits_is_granted_whole, board),
        cmocka_unit_test_setup(a_least_that_does_not_fit_is_told_what_is_free, board),
        cmocka_unit_test_setup(memory_beyond_a_guest_s_addresses_is_refused, board),
        cmocka_unit_test_setup(memory_that_is_named_is_kept_for_its_vm_whatever_the_order, board),
        cmocka_unit_test_setup(several_named_ranges_stand_in_ascending_order_and_images_go_to_the_first_given,
                               board),
        cmocka_unit_test_setup(named_memory_that_is_not_free_says_whose_it_is, board),
        cmocka_unit_test_setup(named_memory_that_is_no_ram_or_a_device_s_is_refused, board),
        cmocka_unit_test_setup(the_second_of_two_vms_that_name_the_same_memory_is_refused, board),
        cmocka_unit_test_setup(an_ownership_map_that_is_full_refuses_in_words, board),
        cmocka_unit_test_setup(a_vm_whose_image_is_wrong_takes_nothing, board),
        cmocka_unit_test_setup(what_a_refused_vm_wanted_is_there_for_those_behind_it, board),
        cmocka_unit_test_setup(a_vm_with_a_fault_is_left_alone, board),
        cmocka_unit_test_setup(what_a_vm_gives_back_is_free, board),
        cmocka_unit_test_setup(a_call_that_hv_answers_is_not_let_through, board),
        cmocka_unit_test_setup(more_vms_than_there_is_room_for_are_not_looked_at, board),
        cmocka_unit_test_setup(whatever_is_asked_for_nothing_is_given_twice, board),
        cmocka_unit_test_setup(a_disks_range_is_its_vms_whatever_its_ram_wishes, board),
        cmocka_unit_test_setup(a_disks_range_must_be_free_memory, board),
        cmocka_unit_test_setup(a_disk_in_flash_is_read_only_or_an_overlay_and_nobody_s_alone, board),
        cmocka_unit_test_setup(what_cannot_be_had_of_flash_is_told, board),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
