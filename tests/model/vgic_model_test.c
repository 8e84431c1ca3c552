/* SPDX-License-Identifier: BSD-2-Clause */
/** 100,000 random operations for each of GICv3 and GICv2, and 37,500 for a GICv2 whose CPU interfaces are software, on
 *  libvgic by guests, devices and the hypervisor, beside an oracle of the GIC and models of the hardware's virtual CPU
 *  interfaces. Prints how often each kind of event happened and fails where one never did. Seed: ASH_TEST_SEED.
 *  ASH_TEST_OPERATIONS: how many, in place of 100,000. ASH_TEST_TRACE: print each. ASH_TEST_MACHINE: only the machines
 *  with this in their name. */
#include <testkit/cmocka.h>
#include <testkit/seed.h>

#include <string.h>

#include <libbase/compiler.h>

#include "vgic_guest.h"

#define LIFETIME 500U /* operations until everything pending is taken and compared */
#define LIVES    8U   /* of these until everything begins anew */

static const struct machine_config machines[] = {
    /* version, vCPUs, SPIs, list registers, priority bits, preemption bits, DIR traps, clusters, ends by the
     * HAL */
    {"v3_4_vcpus_4_lrs_5_bits", 3, 4, 64, 4, 5, 5, true, false, false},
    {"v3_2_vcpus_1_lr_5_bits", 3, 2, 32, 1, 5, 5, true, false, false},
    {"v3_3_vcpus_2_lrs_6_bits_clusters", 3, 3, 96, 2, 6, 6, true, true, false},
    {"v3_4_vcpus_16_lrs_7_bits_clusters", 3, 4, 988, 16, 7, 7, true, true, false},
    {"v3_1_vcpu_4_lrs_8_bits_no_tdir", 3, 1, 32, 4, 8, 7, false, false, false},
    {"v3_6_vcpus_2_lrs_5_bits_no_tdir", 3, 6, 64, 2, 5, 5, false, true, false},
    {"v3_2_vcpus_3_lrs_no_spis", 3, 2, 0, 3, 5, 5, true, false, false},
    {"v3_2_vcpus_4_lrs_ends_by_hal", 3, 2, 32, 4, 5, 5, true, false, true},
    {"v2_4_vcpus_4_lrs", 2, 4, 64, 4, 5, 5, true, false, false},
    {"v2_2_vcpus_1_lr", 2, 2, 32, 1, 5, 5, true, false, false},
    {"v2_8_vcpus_2_lrs_dir_mapped", 2, 8, 96, 2, 5, 5, false, false, false},
    {"v2_1_vcpu_16_lrs", 2, 1, 988, 16, 5, 5, true, false, false},
    {"v2_3_vcpus_4_lrs_ends_by_hal", 2, 3, 32, 4, 5, 5, true, false, true},
    {"v2_4_vcpus_in_software", 2, 4, 64, 0, 5, 5, false, false, false},
    {"v2_8_vcpus_in_software_8_bits", 2, 8, 96, 0, 8, 7, false, false, false},
    {"v2_1_vcpu_in_software_4_bits", 2, 1, 988, 0, 4, 4, false, false, false},
};

static struct test_rng rng;
static uint64_t events[MACHINE_EVENT_COUNT];
static uint64_t seed; /* each machine begins with it, so that ASH_TEST_MACHINE repeats what it did */
static uint64_t total_operations, wanted_operations = 100000;

static void library_and_oracle_agree(void **state)
{
    static struct machine machine;
    const struct machine_config *config = *state;
    uint64_t operations = wanted_operations / (config->version == 3U || config->lrs == 0U ? 8U : 5U) +
                          1U; /* machines of a version */

    memset(&machine, 0, sizeof(machine));
    rng.state = (seed + (uint64_t)(config - machines)) * UINT64_C(2654435761) | 1U;
    while (machine.operations < operations) {
        machine_init(&machine, config, &rng, events);
        guest_boot(&machine);
        for (unsigned i = 0; i < LIVES * LIFETIME && machine.operations < operations; i++) {
            guest_step(&machine);
            if (i % LIFETIME == LIFETIME - 1U) {
                guest_quiesce(&machine);
            }
        }
        guest_quiesce(&machine);
    }
    total_operations += machine.operations;
}

#define MACHINE_TEXT(id, text) [MACHINE_##id] = (text),

static void every_kind_of_event_happened(void **state)
{
    static const char *const text[] = {MACHINE_EVENTS(MACHINE_TEXT)};
    bool missing = false;

    (void)state;
    printf("%llu operations\n", (unsigned long long)total_operations);
    for (size_t i = 0; i < MACHINE_EVENT_COUNT; i++) {
        printf("%12llu  %s%s\n", (unsigned long long)events[i], text[i],
               events[i] == 0U ? "   <-- never" : "");
        missing |= events[i] == 0U;
    }
    assert_false(missing);
    assert_true(total_operations >= 2U * wanted_operations);
}

int main(void)
{
    struct CMUnitTest tests[ASH_ARRAY_SIZE(machines) + 1U];
    const char *operations = getenv("ASH_TEST_OPERATIONS");
    const char *only = getenv("ASH_TEST_MACHINE");
    size_t count = 0;

    seed = test_rng_init(&rng, "vgic_model_test");
    if (operations != NULL) {
        wanted_operations = strtoull(operations, NULL, 0);
    }
    memset(tests, 0, sizeof(tests));
    for (size_t i = 0; i < ASH_ARRAY_SIZE(machines); i++) {
        if (only != NULL && strstr(machines[i].name, only) == NULL) {
            continue;
        }
        tests[count].name = machines[i].name;
        tests[count].test_func = library_and_oracle_agree;
        tests[count++].initial_state = (void *)(uintptr_t)&machines[i];
    }
    if (only == NULL) {
        tests[count++] = (struct CMUnitTest)cmocka_unit_test(every_kind_of_event_happened);
    }
    return _cmocka_run_group_tests("vgic_model", tests, count, NULL, NULL);
}
