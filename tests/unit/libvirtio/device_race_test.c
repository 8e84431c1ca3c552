/* SPDX-License-Identifier: BSD-2-Clause */
/* A disk under ThreadSanitizer: the driver on one thread, the device on a second, a back end on a third
 * that completes later and out of order. The rings are written without a lock, everything else is under the
 * device's. Each side sleeps until it is told; the driver resets the device in the middle of it, and what
 * the back end still holds finds its token stale. */
#include "guest.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <libvirtio/blk.h>

#define REQUESTS 6000U
#define DEPTH    8U
#define LIFE     1000U /* requests between two resets */

enum { STATUS = 0x70, QUEUE_NOTIFY = 0x50, ISR = 0x60, ACK = 0x64 };

struct machine {
    struct guest guest;
    struct ash_virtio_blk blk;
    pthread_mutex_t lock; /* the device's; what is below is under it */
    pthread_cond_t work, kept_work, interrupt;
    bool interrupted, stop;
    struct ash_virtio_request kept[64];
    unsigned kept_count, completed, stale;
    /* The driver's own. */
    struct ash_virtq_segment header[DEPTH], data[DEPTH], status[DEPTH];
    unsigned slot_of[GUEST_SIZE];
    uint64_t sector[DEPTH];
};

static void interrupt(void *ctx, bool level)
{
    struct machine *m = (struct machine *)ctx; /* the guest is its first member */

    m->guest.line = level;
    m->interrupted |= level;
    pthread_cond_signal(&m->interrupt);
}

static void submit(void *ctx, const struct ash_virtio_request *request, uint64_t sectors, bool unmap)
{
    struct machine *m = ctx;

    (void)sectors;
    (void)unmap;
    m->kept[m->kept_count++] = *request;
    pthread_cond_signal(&m->kept_work);
}

static const struct ash_virtio_blk_backend backend = {.size = sizeof(backend), .submit = submit};

static void *device_main(void *arg)
{
    struct machine *m = arg;

    pthread_mutex_lock(&m->lock);
    while (!m->stop) {
        if (!ash_virtio_has_work(&m->blk.device)) {
            pthread_cond_wait(&m->work, &m->lock);
        }
        (void)ash_virtio_run(&m->blk.device, 2);
        pthread_mutex_unlock(&m->lock); /* others have their turn after each batch */
        pthread_mutex_lock(&m->lock);
    }
    pthread_mutex_unlock(&m->lock);
    return NULL;
}

/* Completes one that it has, not the oldest, if it is let. */
static void complete_one(struct machine *m)
{
    const unsigned which = m->kept_count / 2;
    const struct ash_virtio_request request = m->kept[which];
    unsigned char bytes[512];
    int error;

    m->kept[which] = m->kept[--m->kept_count];
    memset(bytes, (int)request.argument, sizeof(bytes));
    error = ash_virtio_copy_out(&m->blk.device, &request, 0, bytes, sizeof(bytes));
    if (error == ASH_OK) {
        assert_int_equal(ash_virtio_blk_complete(&m->blk, 0, request.token, ASH_VIRTIO_BLK_OK), ASH_OK);
        ash_virtio_signal(&m->blk.device, 0);
        m->completed++;
    } else {
        assert_int_equal(error, ASH_ENOENT);
        assert_int_equal(ash_virtio_blk_complete(&m->blk, 0, request.token, ASH_VIRTIO_BLK_OK), ASH_ENOENT);
        m->stale++;
    }
}

static void *back_end_main(void *arg)
{
    struct machine *m = arg;

    pthread_mutex_lock(&m->lock);
    while (!m->stop) {
        if (m->kept_count == 0) {
            pthread_cond_wait(&m->kept_work, &m->lock);
        } else {
            complete_one(m);
            pthread_mutex_unlock(&m->lock);
            pthread_mutex_lock(&m->lock);
        }
    }
    pthread_mutex_unlock(&m->lock);
    return NULL;
}

/* ---- The driver --------------------------------------------------------------------------------------- */

static void register_write(struct machine *m, uint64_t offset, uint32_t value)
{
    pthread_mutex_lock(&m->lock);
    guest_write(&m->guest, offset, value);
    pthread_cond_signal(&m->work);
    pthread_mutex_unlock(&m->lock);
}

static void start_one(struct machine *m, unsigned slot, uint64_t sector)
{
    const struct ash_virtq_segment chain[] = {m->header[slot], m->data[slot], m->status[slot]};
    struct mock_driver *drv = &m->guest.drivers[0];
    int head;

    m->sector[slot] = sector;
    memset(guest_bytes(&m->guest, m->header[slot]), 0, 16);
    ((unsigned char *)guest_bytes(&m->guest, m->header[slot]))[8] = (unsigned char)sector;
    *(unsigned char *)guest_bytes(&m->guest, m->status[slot]) = 0xEE;
    head = mock_driver_add(drv, chain, 3);
    assert_true(head >= 0);
    m->slot_of[head] = slot;
    mock_driver_publish(drv);
    if (mock_driver_should_kick(drv)) {
        register_write(m, QUEUE_NOTIFY, 0);
    }
}

static unsigned reap(struct machine *m, unsigned *free_slots, unsigned free_count)
{
    struct mock_used used;

    while (guest_has_used(&m->guest, 0, &used)) {
        const unsigned slot = m->slot_of[used.head];
        const unsigned char *data = guest_bytes(&m->guest, m->data[slot]);

        assert_int_equal(used.written, 513);
        assert_int_equal(*(unsigned char *)guest_bytes(&m->guest, m->status[slot]), 0);
        assert_int_equal(data[0], m->sector[slot]);
        assert_int_equal(data[511], m->sector[slot]);
        free_slots[free_count++] = slot;
    }
    return free_count;
}

static void await_interrupt(struct machine *m)
{
    pthread_mutex_lock(&m->lock);
    while (!m->interrupted) {
        pthread_cond_wait(&m->interrupt, &m->lock);
    }
    m->interrupted = false;
    guest_write(&m->guest, ACK, guest_read(&m->guest, ISR));
    pthread_mutex_unlock(&m->lock);
}

static void restart(struct machine *m, uint64_t features)
{
    pthread_mutex_lock(&m->lock);
    assert_true(guest_negotiate(&m->guest, guest_offered(&m->guest) & (features | ASH_VIRTIO_F_VERSION_1)));
    guest_set_up_queue(&m->guest, 0);
    guest_write(&m->guest, STATUS, 15);
    m->interrupted = false;
    pthread_cond_signal(&m->work);
    pthread_mutex_unlock(&m->lock);
}

static void drive(struct machine *m, uint64_t features)
{
    unsigned free_slots[DEPTH], free_count = 0;

    for (unsigned sent = 0; sent < REQUESTS; sent++) {
        if (sent % LIFE == 0) {
            restart(m, features); /* with requests out there */
            for (free_count = 0; free_count < DEPTH; free_count++) {
                free_slots[free_count] = free_count;
            }
        }
        start_one(m, free_slots[--free_count], sent % 200);
        (void)mock_driver_set_interrupts(&m->guest.drivers[0], false);
        free_count = reap(m, free_slots, free_count);
        while (free_count == 0) {
            if (!mock_driver_set_interrupts(&m->guest.drivers[0], true)) {
                await_interrupt(m);
            }
            free_count = reap(m, free_slots, free_count);
        }
    }
}

static void run(uint64_t features)
{
    static struct machine m;
    pthread_t device, back_end;
    const struct ash_virtio_blk_config config = {.backend = &backend,
                                                 .backend_ctx = &m,
                                                 .sectors = 200,
                                                 .block_size = 512,
                                                 .segments_max = 1,
                                                 .queue_count = 1};

    memset(&m, 0, sizeof(m));
    guest_prepare(&m.guest, 1, ASH_VIRTIO_RING_FEATURES);
    m.guest.hal.interrupt = interrupt;
    pthread_mutex_init(&m.lock, NULL);
    pthread_cond_init(&m.work, NULL);
    pthread_cond_init(&m.kept_work, NULL);
    pthread_cond_init(&m.interrupt, NULL);
    assert_int_equal(ash_virtio_blk_init(&m.blk, &config, &m.guest.site), ASH_OK);
    guest_attach(&m.guest, &m.blk.device);
    for (unsigned i = 0; i < DEPTH; i++) {
        m.header[i] = guest_buffer(&m.guest, 16, false);
        m.data[i] = guest_buffer(&m.guest, 512, true);
        m.status[i] = guest_buffer(&m.guest, 1, true);
    }
    assert_int_equal(pthread_create(&device, NULL, device_main, &m), 0);
    assert_int_equal(pthread_create(&back_end, NULL, back_end_main, &m), 0);
    drive(&m, features);
    pthread_mutex_lock(&m.lock);
    m.stop = true;
    pthread_cond_signal(&m.work);
    pthread_cond_signal(&m.kept_work);
    pthread_mutex_unlock(&m.lock);
    assert_int_equal(pthread_join(device, NULL), 0);
    assert_int_equal(pthread_join(back_end, NULL), 0);
    assert_true(m.completed > REQUESTS / 2);
    printf("completed %u, stale %u\n", m.completed, m.stale);
    guest_close(&m.guest);
}

static void nothing_is_lost_between_three_threads(void **state)
{
    (void)state;
    run(0);
    run(ASH_VIRTQ_F_EVENT_IDX);
    run(ASH_VIRTQ_F_PACKED);
    run(ASH_VIRTQ_F_PACKED | ASH_VIRTQ_F_EVENT_IDX | ASH_VIRTQ_F_IN_ORDER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost_between_three_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
