/* SPDX-License-Identifier: BSD-2-Clause */
/* Two queues side by side, each served by several threads under a lock of its own, under ThreadSanitizer: requests are
 * taken and given back by whichever CPU has time, the driver resets its queue in the middle of it, and what is late
 * finds its token stale. */
#include "rig.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

#define QUEUES   2U
#define WORKERS  3U
#define REQUESTS 4000U
#define SIZE     16U
#define LIFE     250U /* requests between two resets */

struct queue {
    struct rig rig;
    pthread_mutex_t lock; /* the queue's */
    pthread_t driver, worker[WORKERS];
    bool stop;
    uint32_t
        length[SIZE]; /* by head: of the chain that the driver has out there; 0: none. The driver's own */
    uint64_t given_back, stale, resets; /* stale: under the lock */
    bool wrong;
};

/* ---- The device --------------------------------------------------------------------------------------------- */

static int take(struct queue *queue, uint64_t *token, uint32_t *length)
{
    struct ash_virtq_segment segment;
    struct ash_virtq_chain chain;
    int error;

    pthread_mutex_lock(&queue->lock);
    error = ash_virtq_pop(&queue->rig.q, &segment, 1, &chain);
    pthread_mutex_unlock(&queue->lock);
    *token = chain.token;
    *length = segment.length;
    return error;
}

static void give_back(struct queue *queue, uint64_t token, uint32_t length)
{
    int error;

    pthread_mutex_lock(&queue->lock);
    error = ash_virtq_push(&queue->rig.q, token, length);
    queue->stale += error == ASH_ENOENT;
    pthread_mutex_unlock(&queue->lock);
    if (error != ASH_OK && error != ASH_ENOENT) {
        __atomic_store_n(&queue->wrong, true, __ATOMIC_RELAXED);
    }
}

static void *worker_main(void *arg)
{
    struct queue *queue = (struct queue *)arg;
    uint64_t token[2];
    uint32_t length[2];

    while (!__atomic_load_n(&queue->stop, __ATOMIC_ACQUIRE)) {
        unsigned count = 0;

        while (count < 2U && take(queue, &token[count], &length[count]) == ASH_OK) {
            count++;
        }
        sched_yield(); /* others overtake */
        while (count > 0U) {
            count--;
            give_back(queue, token[count], length[count]);
        }
    }
    return NULL;
}

/* ---- The driver --------------------------------------------------------------------------------------------- */

static void submit(struct queue *queue, uint64_t number)
{
    const uint32_t length = 1U + (uint32_t)(number % 60U);
    const struct ash_virtq_segment segment =
        rig_segment(MOCK_RAM_BASE + 64U * (number % 1000U), length, true);
    int head = mock_driver_add(&queue->rig.drv, &segment, 1);

    queue->wrong |= head < 0 || queue->length[head] != 0U;
    if (head >= 0) {
        queue->length[head] = length;
    }
    mock_driver_publish(&queue->rig.drv);
}

static unsigned reap(struct queue *queue)
{
    struct mock_used used;
    unsigned count = 0;

    while (mock_driver_take_used(&queue->rig.drv, &used)) {
        /* Once each, and none of a life that ended. */
        queue->wrong |= used.head >= SIZE || queue->length[used.head] != used.written;
        queue->length[used.head % SIZE] = 0;
        queue->given_back++;
        count++;
    }
    return count;
}

/* New rings, with whatever the device still holds of the old ones. */
static void reset(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    ash_virtq_reset(&queue->rig.q);
    mock_driver_fini(&queue->rig.drv);
    mock_driver_init(&queue->rig.drv, &queue->rig.mem, SIZE, ASH_VIRTQ_F_EVENT_IDX);
    queue->wrong |= ash_virtq_setup(&queue->rig.q, &queue->rig.drv.layout) != ASH_OK;
    pthread_mutex_unlock(&queue->lock);
    memset(queue->length, 0, sizeof(queue->length));
    queue->resets++;
}

static void *driver_main(void *arg)
{
    struct queue *queue = (struct queue *)arg;
    unsigned out = 0;

    for (uint64_t number = 1; number <= REQUESTS; number++) {
        while (out == SIZE - 2U) {
            out -= reap(queue);
        }
        submit(queue, number);
        out++;
        if (number % LIFE == 0U) {
            reset(queue);
            out = 0;
        }
    }
    while (out > 0U) {
        out -= reap(queue);
    }
    return NULL;
}

static void start(struct queue *queue)
{
    memset(queue, 0, sizeof(*queue));
    pthread_mutex_init(&queue->lock, NULL);
    rig_open(&queue->rig, SIZE, ASH_VIRTQ_F_EVENT_IDX);
    for (unsigned i = 0; i < WORKERS; i++) {
        assert_int_equal(pthread_create(&queue->worker[i], NULL, worker_main, queue), 0);
    }
    assert_int_equal(pthread_create(&queue->driver, NULL, driver_main, queue), 0);
}

static void stop(struct queue *queue)
{
    assert_int_equal(pthread_join(queue->driver, NULL), 0);
    __atomic_store_n(&queue->stop, true, __ATOMIC_RELEASE);
    for (unsigned i = 0; i < WORKERS; i++) {
        assert_int_equal(pthread_join(queue->worker[i], NULL), 0);
    }
    assert_false(queue->wrong);
    assert_int_equal(queue->resets, REQUESTS / LIFE);
    assert_true(queue->given_back > REQUESTS / 2U);
    assert_int_equal(ash_virtq_state(&queue->rig.q), ASH_VIRTQ_READY);
    rig_close(&queue->rig);
}

static void queues_need_no_lock_of_each_other(void **state)
{
    static struct queue queue[QUEUES];
    uint64_t stale = 0;

    (void)state;
    for (unsigned i = 0; i < QUEUES; i++) {
        start(&queue[i]);
    }
    for (unsigned i = 0; i < QUEUES; i++) {
        stop(&queue[i]);
        stale += queue[i].stale;
    }
    assert_true(stale > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queues_need_no_lock_of_each_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
