/* SPDX-License-Identifier: BSD-2-Clause */
/* Driver and device on two threads, under ThreadSanitizer: no data race but through the rings' own indices,
 * nothing lost, no wake-up missed. Each side sleeps as a guest and a hypervisor do: until it is notified. */
#include "rig.h"

#include <pthread.h>
#include <string.h>

#define REQUESTS 40000U
#define QUEUE    16U
#define DEPTH    8U /* chains of two descriptors */

/* A doorbell: rung by one side, waited for by the other. */
struct bell {
    pthread_mutex_t mutex;
    pthread_cond_t rung;
    unsigned rings, heard;
    bool closed;
};

struct race {
    struct rig rig;
    struct bell kick, interrupt;
    bool suppress;
    unsigned served;
    uint64_t buffers[QUEUE]; /* by slot: 8 bytes for the device to read, 8 to write */
    uint64_t tables[QUEUE];
    unsigned slot_of[QUEUE]; /* by head */
};

static void bell_ring(struct bell *bell, bool close)
{
    pthread_mutex_lock(&bell->mutex);
    bell->rings++;
    bell->closed |= close;
    pthread_cond_signal(&bell->rung);
    pthread_mutex_unlock(&bell->mutex);
}

/* False: it was closed, and all rings have been heard. */
static bool bell_wait(struct bell *bell)
{
    bool rung;

    pthread_mutex_lock(&bell->mutex);
    while (bell->heard == bell->rings) {
        pthread_cond_wait(&bell->rung, &bell->mutex);
    }
    bell->heard = bell->rings;
    rung = !bell->closed;
    pthread_mutex_unlock(&bell->mutex);
    return rung;
}

/* Answers each request with its number's complement. Plain accesses: only the rings order them. */
static void answer(struct race *race)
{
    const struct rig *rig = &race->rig;
    uint64_t number;

    assert_int_equal(rig->chain.segment_count, 2);
    memcpy(&number, mock_memory_at(&rig->mem, rig->segments[0].ipa.value, 8), 8);
    number = ~number;
    memcpy(mock_memory_at(&rig->mem, rig->segments[1].ipa.value, 8), &number, 8);
}

static void serve_all(struct race *race)
{
    struct rig *rig = &race->rig;
    int error;

    do {
        if (race->suppress) {
            ash_virtq_disable_kicks(&rig->q);
        }
        while ((error = rig_pop(rig)) == ASH_OK) {
            answer(race);
            assert_int_equal(ash_virtq_push(&rig->q, rig->chain.token, 8), ASH_OK);
            race->served++;
            if (ash_virtq_should_notify(&rig->q)) {
                bell_ring(&race->interrupt, false);
            }
        }
        assert_int_equal(error, ASH_ENOENT);
    } while (race->suppress && ash_virtq_enable_kicks(&rig->q));
}

static void *device_main(void *arg)
{
    struct race *race = arg;

    while (bell_wait(&race->kick)) {
        serve_all(race);
    }
    return NULL;
}

static void submit(struct race *race, unsigned slot, uint64_t number, bool indirect)
{
    struct rig *rig = &race->rig;
    const uint64_t at = race->buffers[slot];
    const struct ash_virtq_segment in[] = {{ash_ipa(at), 8, false}, {ash_ipa(at + 8), 8, true}};
    int head;

    memcpy(mock_memory_at(&rig->mem, at, 8), &number, 8);
    head = indirect ? mock_driver_add_indirect(&rig->drv, race->tables[slot], in, 2)
                    : mock_driver_add(&rig->drv, in, 2);
    assert_true(head >= 0);
    race->slot_of[head] = slot;
}

/* Take back everything that is used. */
static unsigned reap(struct race *race, uint64_t *numbers, unsigned *free_slots, unsigned free_count)
{
    struct mock_used used;

    while (mock_driver_take_used(&race->rig.drv, &used)) {
        const unsigned slot = race->slot_of[used.head];
        uint64_t number;

        assert_int_equal(used.written, 8);
        memcpy(&number, mock_memory_at(&race->rig.mem, race->buffers[slot] + 8, 8), 8);
        assert_int_equal(number, ~numbers[slot]);
        free_slots[free_count++] = slot;
    }
    return free_count;
}

static void drive(struct race *race, bool indirect)
{
    struct mock_driver *drv = &race->rig.drv;
    uint64_t numbers[DEPTH];
    unsigned free_slots[DEPTH], free_count = DEPTH;

    for (unsigned i = 0; i < DEPTH; i++) {
        free_slots[i] = i;
    }
    for (uint64_t sent = 0; sent < REQUESTS || free_count < DEPTH;) {
        for (unsigned batch = 1 + (unsigned)(sent % 3); free_count > 0 && sent < REQUESTS && batch > 0;
             batch--) {
            const unsigned slot = free_slots[--free_count];

            numbers[slot] = sent++;
            submit(race, slot, numbers[slot], indirect);
        }
        mock_driver_publish(drv);
        if (mock_driver_should_kick(drv)) {
            bell_ring(&race->kick, false);
        }
        (void)mock_driver_set_interrupts(drv, false);
        free_count = reap(race, numbers, free_slots, free_count);
        if ((free_count == 0 || sent == REQUESTS) && free_count < DEPTH &&
            !mock_driver_set_interrupts(drv, true)) {
            (void)bell_wait(&race->interrupt);
        }
    }
}

static void run_race(uint64_t features, bool indirect, bool suppress)
{
    static struct race race;
    pthread_t device;

    memset(&race, 0, sizeof(race));
    pthread_mutex_init(&race.kick.mutex, NULL);
    pthread_mutex_init(&race.interrupt.mutex, NULL);
    pthread_cond_init(&race.kick.rung, NULL);
    pthread_cond_init(&race.interrupt.rung, NULL);
    race.suppress = suppress;
    rig_prepare(&race.rig, QUEUE, features);
    for (unsigned i = 0; i < DEPTH; i++) {
        race.buffers[i] = mock_memory_alloc(&race.rig.mem, 16, 0);
        race.tables[i] = mock_memory_alloc(&race.rig.mem, 32, i);
    }
    assert_int_equal(ash_virtq_setup(&race.rig.q, &race.rig.drv.layout), ASH_OK);
    assert_int_equal(pthread_create(&device, NULL, device_main, &race), 0);
    drive(&race, indirect);
    bell_ring(&race.kick, true);
    assert_int_equal(pthread_join(device, NULL), 0);
    assert_int_equal(race.served, REQUESTS);
    rig_close(&race.rig);
}

static void nothing_is_lost_with_flags(void **state)
{
    (void)state;
    run_race(0, false, false);
    run_race(0, false, true);
}

static void nothing_is_lost_with_the_event_index(void **state)
{
    (void)state;
    run_race(ASH_VIRTQ_F_EVENT_IDX, false, false);
    run_race(ASH_VIRTQ_F_EVENT_IDX, false, true);
}

static void nothing_is_lost_through_indirect_tables(void **state)
{
    (void)state;
    run_race(RIG_SPLIT_FEATURES, true, true);
    run_race(ASH_VIRTQ_F_INDIRECT_DESC, true, false);
}

static void nothing_is_lost_in_a_packed_ring(void **state)
{
    (void)state;
    run_race(ASH_VIRTQ_F_PACKED, false, false);
    run_race(ASH_VIRTQ_F_PACKED, false, true);
    run_race(ASH_VIRTQ_F_PACKED | ASH_VIRTQ_F_EVENT_IDX, false, true);
    run_race(ASH_VIRTQ_F_PACKED | ASH_VIRTQ_F_IN_ORDER | RIG_SPLIT_FEATURES, true, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost_with_flags),
        cmocka_unit_test(nothing_is_lost_with_the_event_index),
        cmocka_unit_test(nothing_is_lost_through_indirect_tables),
        cmocka_unit_test(nothing_is_lost_in_a_packed_ring),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
