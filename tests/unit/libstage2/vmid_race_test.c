/* SPDX-License-Identifier: BSD-2-Clause */
/* VMIDs from several CPUs at once, under ThreadSanitizer: a switch takes no lock, and others load by the lock and roll
 * over meanwhile. More VMs than VMIDs, so that there are many rollovers; few of them at a time, so that most switches
 * need no lock. What a VM's vCPUs leave in the TLBs is a plain word for each VMID: a VMID that has two owners at a
 * time, or whose next one does not come after the last one's end and the invalidation, is a data race, or a wrong
 * owner. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <libstage2/vmid.h>

#include "testkit/cmocka.h"
#include "testkit/seed.h"

#define CPUS    4U
#define VMS     400U
#define NEAR    6U /* a CPU's next VM is mostly one of so many */
#define TURNS   40000U
#define NUMBERS 256U
#define NOBODY  0U

static struct ash_vmid_pool pool;
static struct ash_vmid vm[VMS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Whose entries the TLBs hold under a VMID, the VM's index and 1: of each CPU, plain; and of any, atomic. */
static unsigned tlb[NUMBERS][CPUS];
static unsigned owner[NUMBERS];
static uint64_t bitmap[ASH_VMID_BITMAP_WORDS(8)];
static unsigned rollovers;      /* by the lock */
static unsigned unlocked[CPUS]; /* switches without it */
static unsigned shared[CPUS];   /* a VM found another's entries */
static struct ash_vmid_cpu of_cpu[CPUS];
static uint64_t first_seed;

static bool is_reserved(unsigned number)
{
    return (bitmap[number / 64U] >> number % 64U & 1U) != 0U;
}

/* TLBI ALLE1IS. What is in use at this moment would come back at once, and only its owner may touch it: so just what
 * the rollover left free, and what it gave to this CPU. */
static void invalidate(unsigned mine)
{
    rollovers++;
    for (unsigned number = 1; number < NUMBERS; number++) {
        if (number == mine || !is_reserved(number)) {
            for (unsigned cpu = 0; cpu < CPUS;
                 cpu++) { /* not memset(), which GCC may hide from the sanitizer */
                tlb[number][cpu] = NOBODY;
            }
            __atomic_store_n(&owner[number], NOBODY, __ATOMIC_RELAXED);
        }
    }
}

static unsigned load(unsigned cpu, unsigned which)
{
    int number = ash_vmid_try_load(&pool, &vm[which], cpu);
    bool rollover = false;

    if (number != 0) {
        unlocked[cpu]++;
        return (unsigned)number;
    }
    pthread_mutex_lock(&lock);
    number = ash_vmid_load(&pool, &vm[which], cpu, &rollover);
    if (rollover) {
        invalidate((unsigned)number);
    }
    pthread_mutex_unlock(&lock);
    return (unsigned)number;
}

static void run(unsigned cpu, unsigned which, unsigned number)
{
    unsigned found = tlb[number][cpu];
    unsigned of_any = __atomic_load_n(&owner[number], __ATOMIC_RELAXED);

    shared[cpu] += found != NOBODY && found != which + 1U ? 1U : 0U;
    shared[cpu] += of_any != NOBODY && of_any != which + 1U ? 1U : 0U;
    tlb[number][cpu] = which + 1U;
    __atomic_store_n(&owner[number], which + 1U, __ATOMIC_RELAXED);
}

static unsigned next_vm(struct test_rng *rng, unsigned last)
{
    return test_rng_below(rng, 40) == 0U ? (unsigned)test_rng_below(rng, VMS)
                                         : last / NEAR * NEAR + (unsigned)test_rng_below(rng, NEAR);
}

static void *run_cpu(void *arg)
{
    unsigned cpu = (unsigned)(uintptr_t)arg;
    struct test_rng rng = {.state = (first_seed + cpu * UINT64_C(0x9E3779B97F4A7C15)) | 1U};
    unsigned which = cpu;

    for (unsigned i = 0; i < TURNS; i++) {
        unsigned number;

        which = next_vm(&rng, which) % VMS;
        (void)ash_vmid_is_current(&pool, &vm[which]); /* others load this VM too */
        number = load(cpu, which);
        for (unsigned turn = 0; turn < 3U; turn++) {
            run(cpu, which, number);
        }
        if (test_rng_below(&rng, 4) != 0U) { /* or it goes on to the next VM as it is */
            ash_vmid_put(&pool, cpu);
        }
    }
    return NULL;
}

static void no_two_vms_run_under_one_vmid(void **state)
{
    const struct ash_vmid_pool_config config = {
        .size = sizeof(config), .bits = 8, .cpus = CPUS, .bitmap = bitmap, .cpu = of_cpu};
    struct test_rng rng;
    pthread_t thread[CPUS];
    unsigned without = 0;

    (void)state;
    first_seed = test_rng_init(&rng, "vmid_race_test");
    assert_int_equal(ash_vmid_pool_init(&pool, &config), ASH_OK);
    for (uintptr_t i = 0; i < CPUS; i++) {
        assert_int_equal(pthread_create(&thread[i], NULL, run_cpu, (void *)i), 0);
    }
    for (unsigned i = 0; i < CPUS; i++) {
        assert_int_equal(pthread_join(thread[i], NULL), 0);
        without += unlocked[i];
        assert_int_equal(shared[i], 0);
    }
    print_message("%u rollovers, %u of %u switches without the lock\n", rollovers, without, CPUS * TURNS);
    assert_true(rollovers > 10U);
    assert_true(without > CPUS * TURNS / 2U);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_two_vms_run_under_one_vmid)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
