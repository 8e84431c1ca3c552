/* SPDX-License-Identifier: BSD-2-Clause */
/* CPUs that run on a table while another changes it, under ThreadSanitizer: what stage2.h says needs no lock. A walker
 * is a thread that follows descriptors as the hardware does, one single-copy atomic load each. publish() and
 * invalidate() order as the architecture says they do, and nothing else does: a table that is linked before it was
 * published, or freed before the walkers have let go of it, is a reported race. */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include <testkit/cmocka.h>
#include <testkit/seed.h>

#include <libstage2/stage2.h>

#define WALKERS  3U
#define CHANGES  1000U
#define PAGES    256U
#define BASE     UINT64_C(0x40000000)
#define WINDOW   UINT64_C(0x1000000)    /* where everything happens: eight level 2 blocks */
#define DISTANCE UINT64_C(0x1000000000) /* PA - IPA, of whatever is mapped */
#define ALL_RAM  (ASH_STAGE2_READ | ASH_STAGE2_WRITE | ASH_STAGE2_NORMAL)
#define ADDRESS  UINT64_C(0xfffffffff000)

struct walker {
    pthread_t thread;
    struct world *world;
    uint64_t walks; /* odd: one is going on */
    uint64_t seed;
    uint64_t found, missed;
    const char *wrong;
};

struct world {
    struct ash_stage2 s2;
    pthread_mutex_t lock; /* the table's */
    uint64_t (*page)[512];
    bool taken[PAGES];
    uint64_t published;
    uint64_t root;
    unsigned start_level;
    bool stop;
    uint64_t invalidations;
    struct walker walker[WALKERS];
};

static int table_alloc(void *ctx, unsigned pages, ash_pa_t *pa)
{
    struct world *world = (struct world *)ctx;

    for (unsigned first = 0; first + pages <= PAGES; first += pages) {
        bool is_free = true;

        for (unsigned i = 0; i < pages; i++) {
            is_free = is_free && !world->taken[first + i];
        }
        if (is_free) {
            memset(&world->taken[first], 1, pages);
            memset(world->page[first], 0xff,
                   pages * sizeof(world->page[0])); /* a race, if a walker is still here */
            *pa = ash_pa((uint64_t)(uintptr_t)world->page[first]);
            return ASH_OK;
        }
    }
    return ASH_ENOMEM;
}

static void table_free(void *ctx, ash_pa_t pa, unsigned pages)
{
    struct world *world = (struct world *)ctx;
    size_t first = (size_t)(pa.value - (uint64_t)(uintptr_t)world->page) / sizeof(world->page[0]);

    memset(world->page[first], 0xff, pages * sizeof(world->page[0]));
    memset(&world->taken[first], 0, pages);
}

static uint64_t *table_at(void *ctx, ash_pa_t pa)
{
    (void)ctx;
    return (uint64_t *)(uintptr_t)pa.value;
}

/* DSB ISHST: what was stored before is seen by whoever sees what is stored after. */
static void publish(void *ctx, const uint64_t *first, size_t count)
{
    struct world *world = (struct world *)ctx;

    (void)first;
    (void)count;
    __atomic_fetch_add(&world->published, 1, __ATOMIC_ACQ_REL);
}

/* DSB; TLBI; DSB: the walks that may have seen the old descriptors are over. */
static void invalidate(void *ctx, const struct ash_stage2_invalidation *what)
{
    struct world *world = (struct world *)ctx;

    (void)what;
    world->invalidations++;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < WALKERS; i++) {
        uint64_t then = __atomic_load_n(&world->walker[i].walks, __ATOMIC_ACQUIRE);

        while ((then & 1U) != 0U && __atomic_load_n(&world->walker[i].walks, __ATOMIC_ACQUIRE) == then) {
            sched_yield();
        }
    }
}

static const struct ash_stage2_hal hal = {
    .size = sizeof(hal),
    .table_alloc = table_alloc,
    .table_free = table_free,
    .table_at = table_at,
    .publish = publish,
    .invalidate = invalidate,
};

/* VMSAv8-64, 4 KiB granule: table [1:0] = 3 above level 3; block 1; page 3 at level 3 (DDI 0487 D8.3). */
static const char *walk(struct walker *walker, uint64_t ipa)
{
    struct world *world = walker->world;
    const uint64_t *table = (const uint64_t *)(uintptr_t)world->root;

    for (unsigned level = world->start_level; level <= 3U; level++) {
        unsigned shift = 12U + 9U * (3U - level);
        uint64_t index = ipa >> shift;
        uint64_t descriptor;

        index &= level == world->start_level ? 0x1fffU : 0x1ffU; /* the root may be several tables */
        descriptor = __atomic_load_n(&table[index], __ATOMIC_RELAXED);
        (void)__atomic_load_n(&world->published, __ATOMIC_ACQUIRE);
        if ((descriptor & 1U) == 0U) {
            walker->missed++;
            return NULL;
        }
        if (level == 3U || (descriptor & 2U) == 0U) {
            uint64_t size = UINT64_C(1) << shift;

            walker->found++;
            return (descriptor & ADDRESS) == (ipa & ~(size - 1U)) + DISTANCE ? NULL
                                                                             : "a leaf of another address";
        }
        table = (const uint64_t *)(uintptr_t)(descriptor & ADDRESS);
    }
    return "no leaf at level 3";
}

static void *walker_main(void *arg)
{
    struct walker *walker = (struct walker *)arg;
    struct test_rng rng = {walker->seed};

    while (walker->wrong == NULL && !__atomic_load_n(&walker->world->stop, __ATOMIC_ACQUIRE)) {
        uint64_t ipa = BASE + test_rng_below(&rng, WINDOW);

        __atomic_fetch_add(&walker->walks, 1, __ATOMIC_SEQ_CST);
        walker->wrong = walk(walker, ipa);
        __atomic_fetch_add(&walker->walks, 1, __ATOMIC_RELEASE);
    }
    return NULL;
}

static void change(struct world *world, struct test_rng *rng)
{
    uint64_t grain = test_rng_below(rng, 3) == 0U ? ASH_STAGE2_BLOCK2_SIZE : ASH_STAGE2_PAGE_SIZE;
    uint64_t offset = test_rng_below(rng, WINDOW / grain) * grain;
    uint64_t size = grain * (1U + test_rng_below(rng, 4));
    ash_ipa_t ipa = ash_ipa(BASE + offset);
    int error = ASH_OK;

    size = offset + size > WINDOW ? WINDOW - offset : size;
    pthread_mutex_lock(&world->lock);
    switch (test_rng_below(rng, 3)) {
    case 0:
        error = ash_stage2_map(&world->s2, ipa, ash_pa(ipa.value + DISTANCE), size, ALL_RAM);
        break;
    case 1:
        error = ash_stage2_unmap(&world->s2, ipa, size);
        break;
    default:
        error = ash_stage2_protect(&world->s2, ipa, size, test_rng_below(rng, 2) ? ALL_RAM : ASH_STAGE2_READ);
        break;
    }
    pthread_mutex_unlock(&world->lock);
    assert_true(error == ASH_OK || error == ASH_EEXIST || error == ASH_ENOENT);
}

static void start(struct world *world, struct test_rng *rng, bool contiguous)
{
    const struct ash_stage2_config config = {
        .size = sizeof(config), .id_aa64mmfr0_el1 = 0x1125, .ipa_bits = 40, .contiguous = contiguous};

    memset(world, 0, sizeof(*world));
    pthread_mutex_init(&world->lock, NULL);
    world->page = aligned_alloc(16U * sizeof(world->page[0]), PAGES * sizeof(world->page[0]));
    assert_non_null(world->page);
    assert_int_equal(ash_stage2_init(&world->s2, &config, &hal, world), ASH_OK);
    world->root = ash_stage2_vttbr(&world->s2) & ADDRESS;
    world->start_level = 2U - (unsigned)(ash_stage2_vtcr(&world->s2) >> 6 & 3U); /* VTCR_EL2.SL0 */
    for (unsigned i = 0; i < WALKERS; i++) {
        struct walker *walker = &world->walker[i];

        walker->world = world;
        walker->seed = test_rng_next(rng) | 1U;
        assert_int_equal(pthread_create(&walker->thread, NULL, walker_main, walker), 0);
    }
}

static void stop(struct world *world)
{
    __atomic_store_n(&world->stop, true, __ATOMIC_RELEASE);
    for (unsigned i = 0; i < WALKERS; i++) {
        assert_int_equal(pthread_join(world->walker[i].thread, NULL), 0);
        assert_null(world->walker[i].wrong);
        assert_true(world->walker[i].found > 0 && world->walker[i].missed > 0);
    }
    assert_true(world->invalidations > 0);
    ash_stage2_destroy(&world->s2);
    free(world->page);
}

static void run(bool contiguous)
{
    static struct world world;
    struct test_rng rng;

    test_rng_init(&rng, "walkers");
    start(&world, &rng, contiguous);
    for (unsigned i = 0; i < CHANGES; i++) {
        change(&world, &rng);
    }
    stop(&world);
}

static void walkers_need_no_lock(void **state)
{
    (void)state;
    run(false);
}

static void walkers_need_no_lock_with_contiguous_groups(void **state)
{
    (void)state;
    run(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walkers_need_no_lock),
        cmocka_unit_test(walkers_need_no_lock_with_contiguous_groups),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
