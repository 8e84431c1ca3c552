/* SPDX-License-Identifier: BSD-2-Clause */
/* The ticket lock and what it guards, under ThreadSanitizer: a missing acquire or release is a reported race. */
#include <pthread.h>
#include <string.h>

#include "core/lock.h"
#include "core/pages.h"
#include "testkit/cmocka.h"
#include "unit_arch.h"

#define THREADS 4U
#define ROUNDS  5000U

struct shared {
    struct hv_lock lock;
    /* Plain on purpose: only the lock orders them. */
    uint64_t counter;
    uint32_t inside;
    uint32_t overlaps;
    uint32_t drawn[THREADS * ROUNDS]; /* thread by ticket, in the order of service */
    uint32_t served;
};

struct worker {
    pthread_t thread;
    uint32_t index;
    struct shared *shared;
    struct hv_pages *pool;
    uint32_t taken;
};

static void *count_up(void *arg)
{
    struct worker *worker = (struct worker *)arg;
    struct shared *shared = worker->shared;

    for (unsigned i = 0; i < ROUNDS; i++) {
        hv_lock(&shared->lock);
        shared->overlaps += shared->inside;
        shared->inside = 1;
        shared->drawn[shared->served++] = worker->index;
        if (i % 64U == 0U) {
            sched_yield(); /* others queue up */
        }
        shared->counter++;
        shared->inside = 0;
        hv_unlock(&shared->lock);
    }
    return NULL;
}

static void run(struct worker *workers, void *(*work)(void *))
{
    for (uint32_t i = 0; i < THREADS; i++) {
        workers[i].index = i;
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (uint32_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
    }
}

static void one_thread_at_a_time_is_inside(void **state)
{
    static struct shared shared;
    struct worker workers[THREADS];
    unsigned each[THREADS] = {0};

    (void)state;
    for (uint32_t i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.shared = &shared};
    }
    run(workers, count_up);
    assert_int_equal(shared.overlaps, 0);
    assert_int_equal(shared.counter, THREADS * ROUNDS);
    for (uint32_t i = 0; i < THREADS * ROUNDS; i++) {
        each[shared.drawn[i]]++;
    }
    for (uint32_t i = 0; i < THREADS; i++) {
        assert_int_equal(each[i], ROUNDS);
    }
    assert_int_equal(shared.lock.next, THREADS * ROUNDS);
    assert_int_equal(shared.lock.serving, THREADS * ROUNDS);
}

static void the_tickets_may_wrap(void **state)
{
    static struct shared shared = {.lock = {.next = UINT32_MAX - 100U, .serving = UINT32_MAX - 100U}};
    struct worker workers[THREADS];

    (void)state;
    for (uint32_t i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.shared = &shared};
    }
    run(workers, count_up);
    assert_int_equal(shared.overlaps, 0);
    assert_int_equal(shared.counter, THREADS * ROUNDS);
    assert_int_equal(shared.lock.next, shared.lock.serving);
}

/* ---- First come, first served ------------------------------------------------------------------------------------ */

static void *enter_once(void *arg)
{
    struct worker *worker = (struct worker *)arg;

    hv_lock(&worker->shared->lock);
    worker->shared->drawn[worker->shared->served++] = worker->index;
    hv_unlock(&worker->shared->lock);
    return NULL;
}

static void who_came_first_is_served_first(void **state)
{
    static struct shared shared;
    struct worker workers[THREADS];

    (void)state;
    for (unsigned round = 0; round < 50U; round++) {
        memset(&shared, 0, sizeof(shared));
        hv_lock(&shared.lock);
        for (uint32_t i = 0; i < THREADS; i++) {
            workers[i] = (struct worker){.shared = &shared, .index = i};
            assert_int_equal(pthread_create(&workers[i].thread, NULL, enter_once, &workers[i]), 0);
            /* The holder's own ticket, and one for each that stands in the queue. */
            hv_arch_wait_equal(&shared.lock.next, i + 2U);
        }
        hv_unlock(&shared.lock);
        for (uint32_t i = 0; i < THREADS; i++) {
            assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
        }
        for (uint32_t i = 0; i < THREADS; i++) {
            assert_int_equal(shared.drawn[i], i);
        }
    }
}

/* ---- The page pool, which takes its lock itself ------------------------------------------------------------------ */

#define POOL_PAGES 64U

static uint8_t memory[POOL_PAGES * HV_PAGE_SIZE] __attribute__((aligned(64 * 4096)));

static void *take_and_give_back(void *arg)
{
    struct worker *worker = (struct worker *)arg;

    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned pages = 1U << (i % 4U);
        const struct hv_page_request request = {.pages = pages};
        uint8_t *first = (uint8_t *)hv_pages_alloc(worker->pool, &request);

        if (first == NULL) {
            continue;
        }
        for (unsigned page = 0; page < pages; page++) {
            first[(size_t)page * HV_PAGE_SIZE] =
                (uint8_t)worker->index; /* a race if it is somebody else's too */
        }
        worker->taken++;
        hv_pages_free(worker->pool, first, pages);
    }
    return NULL;
}

static void a_page_has_one_user_at_a_time(void **state)
{
    struct hv_pages pool;
    struct worker workers[THREADS];

    (void)state;
    assert_int_equal(hv_pages_init(&pool, (uint64_t)(uintptr_t)memory, POOL_PAGES), ASH_OK);
    for (uint32_t i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.pool = &pool};
    }
    run(workers, take_and_give_back);
    assert_int_equal(pool.used, 0);
    for (uint32_t i = 0; i < THREADS; i++) {
        assert_int_equal(workers[i].taken, ROUNDS); /* at most 4 times 8 of 64 pages */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_thread_at_a_time_is_inside),
        cmocka_unit_test(the_tickets_may_wrap),
        cmocka_unit_test(who_came_first_is_served_first),
        cmocka_unit_test(a_page_has_one_user_at_a_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
