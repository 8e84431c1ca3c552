/* SPDX-License-Identifier: BSD-2-Clause */
/* VMIDs from several CPUs at once, under ThreadSanitizer: ash_vmid_is_current() is asked without the pool's lock while
 * others load under it and roll over. More VMs than VMIDs, so that there are many rollovers. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <libstage2/vmid.h>

#include "testkit/cmocka.h"
#include "testkit/seed.h"

#define CPUS  4U
#define VMS   400U
#define TURNS 20000U

static struct ash_vmid_pool pool;
static struct ash_vmid vm[VMS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int number[CPUS]; /* by the lock: what each CPU runs under */
static unsigned runs[CPUS];
static unsigned rollovers;
static unsigned shared;
static uint64_t first_seed;

/* By the lock: a CPU that runs another VM must not run under this number. */
static void note(unsigned cpu, unsigned which, int vmid, bool rollover)
{
    number[cpu] = vmid;
    runs[cpu] = which;
    rollovers += rollover ? 1U : 0U;
    for (unsigned i = 0; i < CPUS; i++) {
        shared += i != cpu && number[i] == vmid && runs[i] != which ? 1U : 0U;
    }
}

static void *run_cpu(void *arg)
{
    unsigned cpu = (unsigned)(uintptr_t)arg;
    struct test_rng rng = {.state = (first_seed + cpu * UINT64_C(0x9E3779B97F4A7C15)) | 1U};

    for (unsigned i = 0; i < TURNS; i++) {
        unsigned which = (unsigned)test_rng_below(&rng, VMS);
        bool rollover = false;
        int vmid;

        (void)ash_vmid_is_current(&pool, &vm[which]); /* without the lock; others load this VM too */
        pthread_mutex_lock(&lock);
        vmid = ash_vmid_load(&pool, &vm[which], cpu, &rollover);
        note(cpu, which, vmid, rollover);
        pthread_mutex_unlock(&lock);
        if (test_rng_below(&rng, 4) == 0U) {
            pthread_mutex_lock(&lock);
            ash_vmid_put(&pool, cpu);
            number[cpu] = 0;
            pthread_mutex_unlock(&lock);
        }
    }
    return NULL;
}

static void no_two_vms_run_under_one_vmid(void **state)
{
    static uint64_t bitmap[ASH_VMID_BITMAP_WORDS(8)];
    static uint64_t active[CPUS];
    static uint64_t reserved[CPUS];
    const struct ash_vmid_pool_config config = {.size = sizeof(config),
                                                .bits = 8,
                                                .cpus = CPUS,
                                                .bitmap = bitmap,
                                                .active = active,
                                                .reserved = reserved};
    struct test_rng rng;
    pthread_t thread[CPUS];

    (void)state;
    first_seed = test_rng_init(&rng, "vmid_race_test");
    assert_int_equal(ash_vmid_pool_init(&pool, &config), ASH_OK);
    for (uintptr_t i = 0; i < CPUS; i++) {
        assert_int_equal(pthread_create(&thread[i], NULL, run_cpu, (void *)i), 0);
    }
    for (unsigned i = 0; i < CPUS; i++) {
        assert_int_equal(pthread_join(thread[i], NULL), 0);
    }
    print_message("%u rollovers\n", rollovers);
    assert_int_equal(shared, 0);
    assert_true(rollovers > 50U);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_two_vms_run_under_one_vmid)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
