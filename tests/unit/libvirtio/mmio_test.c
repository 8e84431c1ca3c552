/* SPDX-License-Identifier: BSD-2-Clause */
/* The registers of virtio-mmio, status and features (VIRTIO 1.2, 2.1, 2.2, 3.1, 4.2). */
#include "guest.h"

#include <string.h>

#include <testkit/seed.h>

enum { STATUS = 0x70, QUEUE_SEL = 0x30, QUEUE_READY = 0x44, QUEUE_RESET = 0xC0, GENERATION = 0xFC };
enum { QUEUE_NOTIFY = 0x50, ISR = 0x60, ACK = 0x64, SHM_SEL = 0xAC, SHM_LEN = 0xB0, SHM_BASE = 0xB8 };

#define TYPE_FEATURE ASH_BIT(7)
#define UNTOLD       ASH_BIT(9) /* needs TYPE_FEATURE: accept() says no without it */
#define ALL          UINT64_MAX

/* A device that keeps what it is told. */
struct toy {
    struct guest guest;
    struct ash_virtio_device device;
    unsigned char config[10];
    unsigned resets, starts, queue_resets, last_queue;
    struct {
        uint32_t offset, size, value;
    } write;
    unsigned writes, served;
    bool late; /* the driver adds a chain when the device has just looked for the last time */
};

static bool toy_serve(void *ctx, uint32_t queue, uint32_t budget)
{
    struct toy *toy = ctx;
    struct ash_virtio_request request;
    int error = ASH_OK;

    while (budget > 0 && (error = ash_virtio_pop(&toy->device, queue, &request)) == ASH_OK) {
        assert_int_equal(ash_virtio_push(&toy->device, queue, request.token, 0), ASH_OK);
        toy->served++;
        budget--;
    }
    ash_virtio_signal(&toy->device, queue);
    if (toy->late) {
        const struct ash_virtq_segment segment = guest_buffer(&toy->guest, 8, true);

        toy->late = false;
        assert_true(mock_driver_add(&toy->guest.drivers[queue], &segment, 1) >= 0);
        mock_driver_publish(&toy->guest.drivers[queue]);
        assert_false(mock_driver_should_kick(&toy->guest.drivers[queue]));
    }
    return budget == 0;
}

static bool toy_accept(void *ctx, uint64_t features)
{
    (void)ctx;
    return (features & UNTOLD) == 0 || (features & TYPE_FEATURE) != 0;
}

static void toy_start(void *ctx)
{
    ((struct toy *)ctx)->starts++;
}

static void toy_queue_reset(void *ctx, uint32_t queue)
{
    ((struct toy *)ctx)->queue_resets++;
    ((struct toy *)ctx)->last_queue = queue;
}

static void toy_reset(void *ctx)
{
    ((struct toy *)ctx)->resets++;
}

static void toy_config_write(void *ctx, uint32_t offset, uint32_t size, uint32_t value)
{
    struct toy *toy = ctx;

    toy->write.offset = offset;
    toy->write.size = size;
    toy->write.value = value;
    toy->writes++;
}

static const struct ash_virtio_ops toy_ops = {.size = sizeof(toy_ops),
                                              .device_id = 77,
                                              .serve = toy_serve,
                                              .accept = toy_accept,
                                              .start = toy_start,
                                              .queue_reset = toy_queue_reset,
                                              .reset = toy_reset,
                                              .config_write = toy_config_write};
static const struct ash_virtio_ops least_ops = {
    .size = sizeof(least_ops), .device_id = 1, .serve = toy_serve};

static void toy_open_with(struct toy *toy, const struct ash_virtio_ops *ops)
{
    memset(toy, 0, sizeof(*toy));
    guest_prepare(&toy->guest, 2, ASH_VIRTIO_RING_FEATURES);
    for (unsigned i = 0; i < sizeof(toy->config); i++) {
        toy->config[i] = (unsigned char)(0xA0 + i);
    }
    assert_int_equal(ash_virtio_device_init(&toy->device, &toy->guest.site, ops, toy, 2,
                                            TYPE_FEATURE | UNTOLD, toy->config, sizeof(toy->config)),
                     ASH_OK);
    guest_attach(&toy->guest, &toy->device);
}

static void toy_open(struct toy *toy)
{
    toy_open_with(toy, &toy_ops);
}

static void it_says_what_it_is(void **state)
{
    struct toy toy;

    (void)state;
    toy_open(&toy);
    assert_int_equal(guest_read(&toy.guest, 0), 0x74726976);
    assert_int_equal(guest_read(&toy.guest, 4), 2);
    assert_int_equal(guest_read(&toy.guest, 8), 77);
    assert_int_equal(guest_read(&toy.guest, 12), 0x4C485341);
    assert_true(guest_offered(&toy.guest) ==
                (TYPE_FEATURE | UNTOLD | ASH_VIRTIO_RING_FEATURES | ASH_VIRTIO_F_VERSION_1));
    guest_write(&toy.guest, 0x14, 2);
    assert_int_equal(guest_read(&toy.guest, 0x10), 0);
    guest_write(&toy.guest, 0x14, UINT32_MAX);
    assert_int_equal(guest_read(&toy.guest, 0x10), 0);
    guest_close(&toy.guest);
}

static void features_are_final_with_features_ok(void **state)
{
    struct toy toy;

    (void)state;
    toy_open(&toy);
    guest_start(&toy.guest, TYPE_FEATURE);
    assert_true(toy.device.features == (TYPE_FEATURE | ASH_VIRTIO_F_VERSION_1));
    guest_write(&toy.guest, 0x24, 0);
    guest_write(&toy.guest, 0x20, UINT32_MAX);
    assert_true(toy.device.features == (TYPE_FEATURE | ASH_VIRTIO_F_VERSION_1));
    assert_int_equal(toy.starts, 1);
    guest_close(&toy.guest);
}

static void features_that_cannot_be_had_are_refused(void **state)
{
    const uint64_t v1 = ASH_VIRTIO_F_VERSION_1;
    const uint64_t bad[] = {
        0,           TYPE_FEATURE, v1 | ASH_BIT(0), v1 | ASH_VIRTIO_F_ACCESS_PLATFORM, v1 | ASH_BIT(63),
        v1 | UNTOLD, ALL};
    struct toy toy;

    (void)state;
    toy_open(&toy);
    for (unsigned i = 0; i < ASH_ARRAY_SIZE(bad); i++) {
        assert_false(guest_negotiate(&toy.guest, bad[i]));
        assert_int_equal(guest_read(&toy.guest, STATUS), 3);
        guest_write(&toy.guest, STATUS, 15); /* on all the same */
        assert_int_equal(guest_read(&toy.guest, STATUS), 3);
        assert_int_equal(toy.starts, 0);
    }
    assert_true(guest_negotiate(&toy.guest, v1 | UNTOLD | TYPE_FEATURE));
    guest_close(&toy.guest);
}

static void the_status_goes_up_step_by_step(void **state)
{
    struct toy toy;

    (void)state;
    toy_open(&toy);
    guest_reset(&toy.guest);
    guest_write(&toy.guest, 0x24, 1);
    guest_write(&toy.guest, 0x20, 1);
    guest_write(&toy.guest, STATUS, ASH_VIRTIO_FEATURES_OK); /* without ACKNOWLEDGE and DRIVER */
    assert_int_equal(guest_read(&toy.guest, STATUS), 0);
    guest_write(&toy.guest, STATUS, ASH_VIRTIO_DRIVER_OK);
    assert_int_equal(guest_read(&toy.guest, STATUS), 0);
    guest_write(&toy.guest, STATUS, ASH_VIRTIO_ACKNOWLEDGE | ASH_VIRTIO_NEEDS_RESET | 0x30);
    assert_int_equal(guest_read(&toy.guest, STATUS), 1);
    guest_write(&toy.guest, STATUS, 0xFFFFFF00); /* not 0: no reset, and nothing else */
    assert_int_equal(guest_read(&toy.guest, STATUS), 1);
    guest_write(&toy.guest, STATUS, 15); /* all at once is as good */
    assert_int_equal(guest_read(&toy.guest, STATUS), 15);
    guest_write(&toy.guest, STATUS, 1); /* a driver takes none back */
    assert_int_equal(guest_read(&toy.guest, STATUS), 15);
    guest_close(&toy.guest);
}

static void a_driver_that_gave_up_is_left_alone(void **state)
{
    struct toy toy;

    (void)state;
    toy_open(&toy);
    assert_true(guest_negotiate(&toy.guest, ASH_VIRTIO_F_VERSION_1));
    guest_write(&toy.guest, STATUS, 0x8B);
    guest_write(&toy.guest, STATUS, 0x8F);
    assert_int_equal(guest_read(&toy.guest, STATUS), 0x8B);
    guest_write(&toy.guest, QUEUE_SEL, 0);
    guest_write(&toy.guest, QUEUE_READY, 1);
    assert_int_equal(guest_read(&toy.guest, QUEUE_READY), 0);
    guest_close(&toy.guest);
}

static void queues_wait_for_features_ok(void **state)
{
    struct toy toy;

    (void)state;
    toy_open(&toy);
    guest_write(&toy.guest, QUEUE_READY, 1);
    assert_int_equal(guest_read(&toy.guest, QUEUE_READY), 0);
    assert_int_equal(guest_read(&toy.guest, STATUS), 0);
    assert_int_equal(toy.guest.mem.maps, 0);
    guest_close(&toy.guest);
}

static void a_queue_that_is_not_there_is_nothing(void **state)
{
    static const uint32_t none[] = {2, 63, 64, 0x10000, UINT32_MAX};
    struct toy toy;

    (void)state;
    toy_open(&toy);
    guest_start(&toy.guest, 0);
    for (unsigned i = 0; i < ASH_ARRAY_SIZE(none); i++) {
        guest_write(&toy.guest, QUEUE_SEL, none[i]);
        assert_int_equal(guest_read(&toy.guest, 0x34), 0);
        guest_write(&toy.guest, 0x38, 16);
        guest_write(&toy.guest, 0x80, 0x40000000);
        guest_write(&toy.guest, QUEUE_READY, 1);
        guest_write(&toy.guest, QUEUE_RESET, 1);
        assert_int_equal(guest_read(&toy.guest, QUEUE_READY), 0);
        guest_write(&toy.guest, QUEUE_NOTIFY, none[i]);
        assert_false(ash_virtio_has_work(&toy.device));
    }
    assert_int_equal(guest_read(&toy.guest, STATUS), 15);
    guest_close(&toy.guest);
}

static void a_queue_in_use_is_not_moved(void **state)
{
    struct toy toy;
    struct ash_virtq_segment segment;

    (void)state;
    toy_open(&toy);
    guest_start(&toy.guest, 0);
    guest_write(&toy.guest, QUEUE_SEL, 0);
    guest_write(&toy.guest, 0x38, 1);
    guest_write(&toy.guest, 0x80, 0);
    guest_write(&toy.guest, 0x90, 0);
    guest_write(&toy.guest, 0xA0, 0);
    guest_write(&toy.guest, QUEUE_READY, 1);
    segment = guest_buffer(&toy.guest, 8, false);
    guest_send(&toy.guest, 0, &segment, 1);
    guest_run(&toy.guest, 1);
    assert_int_equal(toy.served, 1);
    guest_close(&toy.guest);
}

static void rings_that_are_nowhere_want_a_reset(void **state)
{
    struct toy toy;

    (void)state;
    toy_open(&toy);
    assert_true(guest_negotiate(&toy.guest, ASH_VIRTIO_F_VERSION_1));
    guest_write(&toy.guest, QUEUE_READY, 1); /* at address 0 */
    assert_int_equal(guest_read(&toy.guest, QUEUE_READY), 0);
    assert_int_equal(guest_read(&toy.guest, STATUS), 0x4B);
    assert_false(toy.guest.line); /* not before DRIVER_OK (2.1.2) */
    guest_start(&toy.guest, 0);   /* and recovers */
    guest_write(&toy.guest, QUEUE_SEL, 0);
    guest_write(&toy.guest, QUEUE_READY, 0);
    guest_write(&toy.guest, QUEUE_READY, 1);
    assert_int_equal(guest_read(&toy.guest, STATUS), 0x4F);
    assert_true(toy.guest.line);
    assert_int_equal(guest_read(&toy.guest, ISR), 2);
    guest_close(&toy.guest);
}

static void a_broken_queue_wants_a_reset_and_gets_well(void **state)
{
    struct toy toy;
    const struct ash_virtq_segment nowhere = {ash_ipa(16), 8, true};
    struct ash_virtq_segment good;

    (void)state;
    toy_open(&toy);
    for (unsigned packed = 0; packed < 2; packed++) {
        guest_start(&toy.guest, packed ? ASH_VIRTQ_F_PACKED : 0);
        guest_send(&toy.guest, 0, &nowhere, 1);
        guest_run(&toy.guest, 4);
        assert_int_equal(guest_read(&toy.guest, STATUS), 0x4F);
        assert_int_equal(guest_read(&toy.guest, ISR), 2);
        assert_true(toy.guest.line);
        guest_write(&toy.guest, QUEUE_NOTIFY, 0);
        assert_false(ash_virtio_has_work(&toy.device));
        good = guest_buffer(&toy.guest, 8, false);
        guest_send(&toy.guest, 1, &good, 1); /* the other queue is none the worse */
        guest_run(&toy.guest, 4);
        assert_int_equal(guest_read(&toy.guest, ISR), 3);
        guest_start(&toy.guest, packed ? ASH_VIRTQ_F_PACKED : 0);
        toy.served = 0;
        guest_send(&toy.guest, 0, &good, 1);
        guest_run(&toy.guest, 4);
        assert_int_equal(toy.served, 1);
    }
    guest_close(&toy.guest);
}

static void interrupts_are_acknowledged_bit_by_bit(void **state)
{
    struct toy toy;
    struct ash_virtq_segment segment;

    (void)state;
    toy_open(&toy);
    guest_start(&toy.guest, 0);
    segment = guest_buffer(&toy.guest, 8, true);
    guest_send(&toy.guest, 1, &segment, 1);
    guest_run(&toy.guest, 4);
    ash_virtio_config_changed(&toy.device);
    assert_int_equal(guest_read(&toy.guest, ISR), 3);
    assert_int_equal(toy.guest.edges, 1);
    guest_write(&toy.guest, ACK, 1);
    assert_true(toy.guest.line);
    guest_write(&toy.guest, ACK, 0xFFFFFFFC);
    assert_int_equal(guest_read(&toy.guest, ISR), 2);
    guest_write(&toy.guest, ACK, 2);
    assert_false(toy.guest.line);
    ash_virtio_config_changed(&toy.device);
    assert_int_equal(toy.guest.edges, 2);
    guest_close(&toy.guest);
}

static void configuration_changes_have_generations(void **state)
{
    struct toy toy;
    uint32_t generation;

    (void)state;
    toy_open(&toy);
    generation = guest_read(&toy.guest, GENERATION);
    ash_virtio_config_changed(&toy.device);
    assert_int_not_equal(guest_read(&toy.guest, GENERATION), generation);
    assert_int_equal(guest_read(&toy.guest, ISR), 0); /* nobody listens yet */
    guest_close(&toy.guest);
}

static void configuration_space_has_an_end(void **state)
{
    struct toy toy;

    (void)state;
    toy_open(&toy);
    for (unsigned offset = 0; offset < 0x120; offset++) {
        for (unsigned size = 0; size <= 16; size++) {
            const bool fits = (size == 1 || size == 2 || size == 4) && offset % (size ? size : 1) == 0 &&
                              offset + size <= 10;
            uint64_t expected = 0;

            for (unsigned i = size; fits && i-- > 0;) {
                expected = expected << 8 | (0xA0 + offset + i);
            }
            assert_true(ash_virtio_mmio_read(&toy.guest.mmio, 0x100 + offset, size) == expected);
            toy.writes = 0;
            ash_virtio_mmio_write(&toy.guest.mmio, 0x100 + offset, size, 0x11223344);
            assert_int_equal(toy.writes, fits);
            assert_true(!fits || (toy.write.offset == offset && toy.write.size == size));
        }
    }
    assert_true(ash_virtio_mmio_read(&toy.guest.mmio, UINT64_MAX - 3, 4) == 0);
    assert_true(ash_virtio_mmio_read(&toy.guest.mmio, UINT64_C(0x100000100), 4) == 0);
    guest_close(&toy.guest);
}

static void shared_memory_is_shown_by_number(void **state)
{
    static const struct ash_virtio_shm shm[] = {{{0x123456789000}, 0x2000}, {{0}, 0}};
    struct toy toy;

    (void)state;
    toy_open(&toy);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(guest_read(&toy.guest, SHM_LEN + 4 * i), UINT32_MAX);
    }
    ash_virtio_device_set_shm(&toy.device, shm, 2);
    assert_int_equal(guest_read(&toy.guest, SHM_LEN), 0x2000);
    assert_int_equal(guest_read(&toy.guest, SHM_LEN + 4), 0);
    assert_int_equal(guest_read(&toy.guest, SHM_BASE), 0x56789000);
    assert_int_equal(guest_read(&toy.guest, SHM_BASE + 4), 0x1234);
    for (unsigned i = 1; i < 3; i++) {
        guest_write(&toy.guest, SHM_SEL, i);
        assert_int_equal(guest_read(&toy.guest, SHM_LEN), UINT32_MAX);
        assert_int_equal(guest_read(&toy.guest, SHM_BASE + 4), UINT32_MAX);
    }
    guest_close(&toy.guest);
}

static void reset_one(uint64_t features, uint64_t offset, uint32_t value, bool works)
{
    struct toy toy;
    struct ash_virtq_segment segment;

    toy_open(&toy);
    guest_start(&toy.guest, features);
    segment = guest_buffer(&toy.guest, 8, true);
    guest_send(&toy.guest, 0, &segment, 1); /* kicked, not yet served */
    guest_write(&toy.guest, QUEUE_SEL, 0);
    guest_write(&toy.guest, offset, value);
    assert_int_equal(guest_read(&toy.guest, QUEUE_RESET), 0);
    assert_int_equal(guest_read(&toy.guest, QUEUE_READY), !works);
    assert_int_equal(toy.queue_resets, works);
    assert_int_equal(ash_virtio_has_work(&toy.device), !works);
    if (works) {
        assert_int_equal(toy.last_queue, 0);
        mock_driver_fini(&toy.guest.drivers[0]);
        guest_set_up_queue(&toy.guest, 0);
        guest_send(&toy.guest, 0, &segment, 1);
    }
    guest_send(&toy.guest, 1, &segment, 1);
    guest_run(&toy.guest, 4);
    assert_int_equal(toy.served, 2);
    assert_int_equal(guest_read(&toy.guest, STATUS), 15);
    guest_close(&toy.guest);
}

static void one_queue_is_reset_alone(void **state)
{
    (void)state;
    for (unsigned packed = 0; packed < 2; packed++) {
        const uint64_t ring = packed ? ASH_VIRTQ_F_PACKED : 0;

        reset_one(ring | ASH_VIRTIO_F_RING_RESET, QUEUE_RESET, 1, true);
        reset_one(ring | ASH_VIRTIO_F_RING_RESET, QUEUE_RESET, 0, false);
        reset_one(ring | ASH_VIRTIO_F_RING_RESET, QUEUE_RESET, 2, false);
        reset_one(ring, QUEUE_RESET, 1, false);
        reset_one(ring, QUEUE_READY, 0, true);
        reset_one(ring, QUEUE_READY, 2, false);
    }
}

static void chains_from_before_driver_ok_are_served_then(void **state)
{
    struct toy toy;
    struct ash_virtq_segment segment;

    (void)state;
    toy_open(&toy);
    assert_true(guest_negotiate(&toy.guest, ASH_VIRTIO_F_VERSION_1));
    guest_set_up_queue(&toy.guest, 0);
    segment = guest_buffer(&toy.guest, 8, true);
    guest_send(&toy.guest, 0, &segment, 1);
    guest_write(&toy.guest, QUEUE_NOTIFY, 0);
    assert_false(ash_virtio_has_work(&toy.device)); /* 2.1.2: not before */
    guest_write(&toy.guest, STATUS, 15);
    assert_true(ash_virtio_has_work(&toy.device));
    guest_run(&toy.guest, 4);
    assert_int_equal(toy.served, 1);
    guest_close(&toy.guest);
}

static void a_batch_is_no_larger_than_its_budget(void **state)
{
    struct toy toy;
    struct ash_virtq_segment segment;

    (void)state;
    toy_open(&toy);
    guest_start(&toy.guest, 0);
    segment = guest_buffer(&toy.guest, 8, true);
    for (unsigned i = 0; i < 10; i++) {
        guest_send(&toy.guest, 0, &segment, 1);
    }
    assert_true(ash_virtio_run(&toy.device, 4));
    assert_int_equal(toy.served, 4);
    assert_true(ash_virtio_run(&toy.device, 4));
    assert_false(ash_virtio_run(&toy.device, 4));
    assert_int_equal(toy.served, 10);
    guest_close(&toy.guest);
}

/* However many queues are kicked, a call is one batch of one of them; and none waits for ever. */
static void queues_have_turns(void **state)
{
    struct toy toy;
    struct ash_virtq_segment segment;

    (void)state;
    toy_open(&toy);
    guest_start(&toy.guest, 0);
    segment = guest_buffer(&toy.guest, 8, true);
    for (unsigned i = 0; i < 20; i++) {
        guest_send(&toy.guest, i % 2U, &segment, 1);
    }
    for (unsigned turn = 0; turn < 4; turn++) {
        struct mock_used used;
        unsigned of[2] = {0, 0};

        toy.served = 0;
        assert_true(ash_virtio_run(&toy.device, 4));
        assert_int_equal(toy.served, 4);
        for (unsigned i = 0; i < 2; i++) {
            while (guest_has_used(&toy.guest, i, &used)) {
                of[i]++;
            }
        }
        assert_int_equal(of[turn % 2U], 4);
        assert_int_equal(of[1U - turn % 2U], 0);
    }
    guest_run(&toy.guest, 4);
    assert_false(ash_virtio_run(&toy.device, 4));
    guest_close(&toy.guest);
}

static void what_comes_while_kicks_are_off_is_served(void **state)
{
    static const uint64_t features[] = {0, ASH_VIRTQ_F_PACKED, ASH_VIRTQ_F_PACKED | ASH_VIRTQ_F_EVENT_IDX};
    struct ash_virtq_segment segment;
    struct toy toy;

    (void)state;
    for (unsigned f = 0; f < ASH_ARRAY_SIZE(features); f++) {
        toy_open(&toy);
        guest_start(&toy.guest, features[f]);
        segment = guest_buffer(&toy.guest, 8, true);
        toy.late = true;
        guest_send(&toy.guest, 0, &segment, 1);
        assert_true(ash_virtio_run(&toy.device, 8));
        assert_int_equal(toy.served, 1);
        guest_run(&toy.guest, 8);
        assert_int_equal(toy.served, 2);
        guest_close(&toy.guest);
    }
}

static void a_device_of_one_op_will_do(void **state)
{
    struct toy toy;

    (void)state;
    toy_open_with(&toy, &least_ops);
    guest_start(&toy.guest, ASH_VIRTIO_F_RING_RESET);
    guest_write(&toy.guest, 0x100, 5);
    guest_write(&toy.guest, QUEUE_RESET, 1);
    guest_close(&toy.guest);
}

static void init_refuses_what_it_cannot_use(void **state)
{
    struct ash_virtio_device device;
    struct ash_virtio_ops ops = toy_ops;
    struct ash_virtio_hal hal;
    struct toy toy;

    (void)state;
    toy_open(&toy);
#define REFUSE(site_, ops_, count, features, config_, size)                                                  \
    assert_int_equal(ash_virtio_device_init(&device, site_, ops_, &toy, count, features, config_, size),     \
                     ASH_EINVAL)
    REFUSE(NULL, &ops, 2, 0, NULL, 0);
    REFUSE(&toy.guest.site, NULL, 2, 0, NULL, 0);
    REFUSE(&toy.guest.site, &ops, 3, 0, NULL, 0);
    REFUSE(&toy.guest.site, &ops, 0, 0, NULL, 0);
    REFUSE(&toy.guest.site, &ops, 2, 0, NULL, 4);
    REFUSE(&toy.guest.site, &ops, 2, ASH_BIT(24), NULL, 0);
    REFUSE(&toy.guest.site, &ops, 2, ASH_BIT(49), NULL, 0);
    REFUSE(&toy.guest.site, &ops, 2, ASH_VIRTIO_F_ACCESS_PLATFORM, NULL, 0);
    ops.size--;
    REFUSE(&toy.guest.site, &ops, 2, 0, NULL, 0);
    ops = toy_ops;
    ops.serve = NULL;
    REFUSE(&toy.guest.site, &ops, 2, 0, NULL, 0);
    ops = toy_ops;
    toy.guest.site.ring_features |= ASH_VIRTIO_F_ACCESS_PLATFORM;
    REFUSE(&toy.guest.site, &ops, 2, 0, NULL, 0);
    toy.guest.site.ring_features = 0;
    hal = toy.guest.hal;
    toy.guest.site.hal = &hal;
    hal.interrupt = NULL;
    REFUSE(&toy.guest.site, &ops, 2, 0, NULL, 0);
    hal = toy.guest.hal;
    hal.size++;
    REFUSE(&toy.guest.site, &ops, 2, 0, NULL, 0);
    hal = toy.guest.hal;
    hal.memory = NULL;
    REFUSE(&toy.guest.site, &ops, 2, 0, NULL, 0);
    hal = toy.guest.hal;
    toy.guest.queues[1].max_size = 0;
    REFUSE(&toy.guest.site, &ops, 2, 0, NULL, 0);
    toy.guest.queues[1].max_size = GUEST_SIZE;
    toy.guest.site.queues = NULL;
    REFUSE(&toy.guest.site, &ops, 2, 0, NULL, 0);
    toy.guest.site.queues = toy.guest.queues;
    toy.guest.site.hal = NULL;
    REFUSE(&toy.guest.site, &ops, 2, 0, NULL, 0);
    guest_close(&toy.guest);
}

/* Which registers can be read and written (4.2.2): everything else is RAZ/WI at every width. */
static bool is_one_of(unsigned offset, const unsigned *list, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (list[i] == offset) {
            return true;
        }
    }
    return false;
}

static void every_register_by_every_width(void **state)
{
    static const unsigned readable[] = {0,    4,    8,    0xC,  0x10, 0x34, 0x44,
                                        0x60, 0x70, 0xB0, 0xB4, 0xB8, 0xBC, 0xFC};
    struct toy toy, before;

    (void)state;
    for (unsigned up = 0; up < 2; up++) {
        toy_open(&toy);
        if (up == 1) {
            guest_start(&toy.guest, ALL & ~ASH_VIRTIO_F_RING_RESET);
        }
        for (unsigned offset = 0; offset < 0x100; offset++) {
            for (unsigned size = 0; size <= 9; size++) {
                const bool is = size == 4 && offset % 4 == 0;

                if (!is || !is_one_of(offset, readable, ASH_ARRAY_SIZE(readable))) {
                    assert_true(ash_virtio_mmio_read(&toy.guest.mmio, offset, size) == 0);
                }
                if (is) {
                    continue;
                }
                before = toy;
                ash_virtio_mmio_write(&toy.guest.mmio, offset, size, UINT64_MAX);
                ash_virtio_mmio_write(&toy.guest.mmio, offset, size, 0);
                assert_memory_equal(&before, &toy, sizeof(toy));
            }
        }
        guest_close(&toy.guest);
    }
}

static void read_only_registers_ignore_writes(void **state)
{
    static const unsigned read_only[] = {0,    4,    8,    0xC,  0x10, 0x34, 0x60, 0xB0, 0xB4,
                                         0xB8, 0xBC, 0xFC, 0x18, 0x28, 0x40, 0x48, 0xC4, 0xF8};
    struct toy toy, before;

    (void)state;
    toy_open(&toy);
    guest_start(&toy.guest, ALL);
    before = toy;
    for (unsigned i = 0; i < ASH_ARRAY_SIZE(read_only); i++) {
        guest_write(&toy.guest, read_only[i], 0);
        guest_write(&toy.guest, read_only[i], UINT32_MAX);
        assert_memory_equal(&before, &toy, sizeof(toy));
    }
    guest_close(&toy.guest);
}

/* Anything, anywhere: no invariant breaks, and a driver that begins anew finds a device that works. */
static void random_registers_do_no_harm(void **state)
{
    static const uint32_t values[] = {0, 0, 1, 2, 3, 11, 15, 0x40000000, 0x40010000, 16, 32, UINT32_MAX};
    struct ash_virtq_segment segment;
    struct test_rng rng;
    struct toy toy;

    (void)state;
    test_rng_init(&rng, "virtio-mmio");
    toy_open(&toy);
    for (unsigned i = 0; i < 200000; i++) {
        const uint64_t offset = test_rng_below(&rng, 0x110);
        const unsigned size = test_rng_below(&rng, 8) == 0 ? (unsigned)test_rng_below(&rng, 9) : 4;
        const uint64_t value = test_rng_below(&rng, 4) == 0
                                   ? test_rng_next(&rng)
                                   : values[test_rng_below(&rng, ASH_ARRAY_SIZE(values))];

        if (test_rng_below(&rng, 3) == 0) {
            (void)ash_virtio_mmio_read(&toy.guest.mmio, offset, size);
        } else {
            ash_virtio_mmio_write(&toy.guest.mmio, size == 4 ? offset & ~UINT64_C(3) : offset, size, value);
        }
        assert_int_equal(toy.guest.line, toy.device.isr != 0);
        assert_true((toy.device.status & 12) != 4);
        if (ash_virtio_has_work(&toy.device)) {
            (void)ash_virtio_run(&toy.device, 2);
        }
    }
    toy.served = 0;
    guest_start(&toy.guest, 0);
    segment = guest_buffer(&toy.guest, 8, true);
    guest_send(&toy.guest, 1, &segment, 1);
    guest_run(&toy.guest, 2);
    assert_int_equal(toy.served, 1);
    guest_close(&toy.guest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_says_what_it_is),
        cmocka_unit_test(features_are_final_with_features_ok),
        cmocka_unit_test(features_that_cannot_be_had_are_refused),
        cmocka_unit_test(the_status_goes_up_step_by_step),
        cmocka_unit_test(a_driver_that_gave_up_is_left_alone),
        cmocka_unit_test(queues_wait_for_features_ok),
        cmocka_unit_test(a_queue_that_is_not_there_is_nothing),
        cmocka_unit_test(a_queue_in_use_is_not_moved),
        cmocka_unit_test(rings_that_are_nowhere_want_a_reset),
        cmocka_unit_test(a_broken_queue_wants_a_reset_and_gets_well),
        cmocka_unit_test(interrupts_are_acknowledged_bit_by_bit),
        cmocka_unit_test(configuration_changes_have_generations),
        cmocka_unit_test(configuration_space_has_an_end),
        cmocka_unit_test(shared_memory_is_shown_by_number),
        cmocka_unit_test(one_queue_is_reset_alone),
        cmocka_unit_test(chains_from_before_driver_ok_are_served_then),
        cmocka_unit_test(a_batch_is_no_larger_than_its_budget),
        cmocka_unit_test(queues_have_turns),
        cmocka_unit_test(what_comes_while_kicks_are_off_is_served),
        cmocka_unit_test(a_device_of_one_op_will_do),
        cmocka_unit_test(init_refuses_what_it_cannot_use),
        cmocka_unit_test(every_register_by_every_width),
        cmocka_unit_test(read_only_registers_ignore_writes),
        cmocka_unit_test(random_registers_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
