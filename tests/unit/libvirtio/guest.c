/* SPDX-License-Identifier: BSD-2-Clause */
#include "guest.h"

#include <stdlib.h>
#include <string.h>

enum {
    DEVICE_FEATURES = 0x10,
    DEVICE_FEATURES_SEL = 0x14,
    DRIVER_FEATURES = 0x20,
    DRIVER_FEATURES_SEL = 0x24
};
enum { QUEUE_SEL = 0x30, QUEUE_NUM_MAX = 0x34, QUEUE_NUM = 0x38, QUEUE_READY = 0x44, QUEUE_NOTIFY = 0x50 };
enum { STATUS = 0x70, QUEUE_DESC = 0x80, QUEUE_DRIVER = 0x90, QUEUE_DEVICE = 0xA0 };

static void interrupt(void *ctx, bool level)
{
    struct guest *guest = ctx;

    assert_int_not_equal(guest->line, level);
    guest->line = level;
    guest->edges += level;
}

/* One context for both HALs. */
static void *map(void *ctx, ash_ipa_t ipa, uint64_t size, bool write)
{
    struct guest *guest = ctx;

    return mock_memory_hal.map(&guest->mem, ipa, size, write);
}

static void unmap(void *ctx, void *address, uint64_t size)
{
    struct guest *guest = ctx;

    mock_memory_hal.unmap(&guest->mem, address, size);
}

static const struct ash_virtq_hal memory = {.size = sizeof(memory), .map = map, .unmap = unmap};

void guest_prepare(struct guest *guest, unsigned queues, uint64_t ring_features)
{
    memset(guest, 0, sizeof(*guest));
    mock_memory_init(&guest->mem);
#ifdef MOCK_DIRECT
    mock_memory_make_direct(&guest->mem);
#endif
    guest->region = (struct ash_virtq_region){ash_ipa(MOCK_RAM_BASE), MOCK_RAM_SIZE, guest->mem.direct};
    guest->hal =
        (struct ash_virtio_hal){.size = sizeof(guest->hal), .memory = &memory, .interrupt = interrupt};
    guest->slots = calloc((size_t)GUEST_QUEUES * GUEST_SIZE, sizeof(*guest->slots));
    assert_non_null(guest->slots);
    for (unsigned i = 0; i < GUEST_QUEUES; i++) {
        guest->queues[i].max_size = GUEST_SIZE;
        guest->queues[i].slots = guest->slots + (size_t)i * GUEST_SIZE;
    }
    guest->site = (struct ash_virtio_site){.hal = &guest->hal,
                                           .ctx = guest,
                                           .regions = &guest->region,
                                           .region_count = 1,
                                           .vendor = 0x4C485341,
                                           .queues = guest->queues,
                                           .queue_count = queues,
                                           .ring_features = ring_features};
}

void guest_attach(struct guest *guest, struct ash_virtio_device *device)
{
    ash_virtio_mmio_init(&guest->mmio, device);
}

static void forget_drivers(struct guest *guest)
{
    for (unsigned i = 0; i < GUEST_QUEUES; i++) {
        if (guest->driver_up[i]) {
            mock_driver_fini(&guest->drivers[i]);
        }
        guest->driver_up[i] = false;
    }
}

void guest_close(struct guest *guest)
{
    guest_reset(guest);
    assert_int_equal(guest->mem.mapped, 0);
    mock_memory_fini(&guest->mem);
    free(guest->slots);
}

void guest_fail_map(struct guest *guest, int after)
{
    guest->region.bytes = after < 0 ? guest->mem.direct : NULL;
    guest->mem.maps_until_failure = after;
}

uint32_t guest_read(const struct guest *guest, uint64_t offset)
{
    return (uint32_t)ash_virtio_mmio_read(&guest->mmio, offset, 4);
}

void guest_write(struct guest *guest, uint64_t offset, uint32_t value)
{
    ash_virtio_mmio_write(&guest->mmio, offset, 4, value);
}

void guest_reset(struct guest *guest)
{
    guest_write(guest, STATUS, 0);
    assert_int_equal(guest_read(guest, STATUS), 0);
    assert_false(guest->line);
    assert_int_equal(guest->mem.mapped, 0);
    forget_drivers(guest);
}

uint64_t guest_offered(struct guest *guest)
{
    uint64_t low;

    guest_write(guest, DEVICE_FEATURES_SEL, 0);
    low = guest_read(guest, DEVICE_FEATURES);
    guest_write(guest, DEVICE_FEATURES_SEL, 1);
    return low | (uint64_t)guest_read(guest, DEVICE_FEATURES) << 32;
}

bool guest_negotiate(struct guest *guest, uint64_t features)
{
    guest_reset(guest);
    guest_write(guest, STATUS, ASH_VIRTIO_ACKNOWLEDGE);
    guest_write(guest, STATUS, ASH_VIRTIO_ACKNOWLEDGE | ASH_VIRTIO_DRIVER);
    for (unsigned i = 0; i < 2; i++) {
        guest_write(guest, DRIVER_FEATURES_SEL, i);
        guest_write(guest, DRIVER_FEATURES, (uint32_t)(features >> 32 * i));
    }
    guest_write(guest, STATUS, ASH_VIRTIO_ACKNOWLEDGE | ASH_VIRTIO_DRIVER | ASH_VIRTIO_FEATURES_OK);
    guest->features = features;
    return (guest_read(guest, STATUS) & ASH_VIRTIO_FEATURES_OK) != 0;
}

static void write_address(struct guest *guest, uint64_t offset, uint64_t address)
{
    guest_write(guest, offset, (uint32_t)address);
    guest_write(guest, offset + 4, (uint32_t)(address >> 32));
}

void guest_set_up_queue(struct guest *guest, unsigned queue)
{
    struct mock_driver *drv = &guest->drivers[queue];

    guest_write(guest, QUEUE_SEL, queue);
    assert_int_equal(guest_read(guest, QUEUE_READY), 0);
    assert_int_equal(guest_read(guest, QUEUE_NUM_MAX), GUEST_SIZE);
    mock_driver_init(drv, &guest->mem, GUEST_SIZE, guest->features);
    guest->driver_up[queue] = true;
    guest_write(guest, QUEUE_NUM, GUEST_SIZE);
    write_address(guest, QUEUE_DESC, drv->layout.desc.value);
    write_address(guest, QUEUE_DRIVER, drv->layout.driver.value);
    write_address(guest, QUEUE_DEVICE, drv->layout.device.value);
    guest_write(guest, QUEUE_READY, 1);
    assert_int_equal(guest_read(guest, QUEUE_READY), 1);
}

void guest_start(struct guest *guest, uint64_t wanted)
{
    assert_true(guest_negotiate(guest, guest_offered(guest) & (wanted | ASH_VIRTIO_F_VERSION_1)));
    for (unsigned i = 0; i < guest->site.queue_count; i++) {
        guest_set_up_queue(guest, i);
    }
    guest_write(guest, STATUS, guest_read(guest, STATUS) | ASH_VIRTIO_DRIVER_OK);
    assert_int_equal(guest_read(guest, STATUS), 15);
    (void)guest_run(guest, 8);
}

struct ash_virtq_segment guest_buffer(struct guest *guest, uint32_t size, bool writable)
{
    return (struct ash_virtq_segment){ash_ipa(mock_memory_alloc(&guest->mem, size, 3)), size, writable};
}

void *guest_bytes(const struct guest *guest, struct ash_virtq_segment segment)
{
    return mock_memory_at(&guest->mem, segment.ipa.value, segment.length);
}

int guest_send(struct guest *guest, unsigned queue, const struct ash_virtq_segment *segments, unsigned count)
{
    struct mock_driver *drv = &guest->drivers[queue];
    const int head = mock_driver_add(drv, segments, count);

    assert_true(head >= 0);
    mock_driver_publish(drv);
    if (mock_driver_should_kick(drv)) {
        guest_write(guest, QUEUE_NOTIFY, queue);
    }
    return head;
}

unsigned guest_run(struct guest *guest, uint32_t budget)
{
    unsigned calls = 0;

    while (ash_virtio_has_work(guest->mmio.device)) {
        const bool more = ash_virtio_run(guest->mmio.device, budget);

        assert_int_equal(more, ash_virtio_has_work(guest->mmio.device));
        assert_true(++calls < 10000);
    }
    return calls;
}

bool guest_has_used(struct guest *guest, unsigned queue, struct mock_used *used)
{
    return mock_driver_take_used(&guest->drivers[queue], used);
}

uint32_t guest_take(struct guest *guest, unsigned queue, int head)
{
    struct mock_used used;

    assert_true(guest_has_used(guest, queue, &used));
    assert_int_equal(used.head, head);
    return used.written;
}
