/* SPDX-License-Identifier: BSD-2-Clause */
#include "driver.h"

#include <string.h>

#include "core/guest_memory.h"

enum { ACKNOWLEDGE = 1, DRIVER = 2, DRIVER_OK = 4, FEATURES_OK = 8 }; /* 2.1 */
enum { NEXT = 1, WRITE = 2 };                                         /* 2.7.5 */

/* 4.2.2 */
enum {
    DEVICE_FEATURES = 0x010,
    DEVICE_FEATURES_SEL = 0x014,
    DRIVER_FEATURES = 0x020,
    DRIVER_FEATURES_SEL = 0x024,
    QUEUE_SEL = 0x030,
    QUEUE_NUM_MAX = 0x034,
    QUEUE_NUM = 0x038,
    QUEUE_READY = 0x044,
    QUEUE_DESC_LOW = 0x080,
    QUEUE_DRIVER_LOW = 0x090,
    QUEUE_DEVICE_LOW = 0x0a0
};

#define AVAIL 0x800U  /* of the rings: behind 128 descriptors */
#define USED  0x1000U /* likewise */

struct descriptor { /* 2.7.5 */
    uint64_t address;
    uint32_t length;
    uint16_t flags;
    uint16_t next;
};

uint64_t sim_ram(const struct hv_vcpu *vcpu, uint64_t offset)
{
    return vcpu->vm->machine.ram[0].base.value + offset;
}

uint64_t sim_virtio(unsigned index)
{
    return UINT64_C(0x0A000000) + index * UINT64_C(0x200);
}

static void put(struct hv_vcpu *vcpu, uint64_t ipa, const void *bytes, size_t size)
{
    assert_int_equal(hv_guest_write(vcpu->vm, ash_ipa(ipa), bytes, size), ASH_OK);
}

static void put16(struct hv_vcpu *vcpu, uint64_t ipa, uint16_t value)
{
    put(vcpu, ipa, &value, sizeof(value));
}

static uint16_t get16(struct hv_vcpu *vcpu, uint64_t ipa)
{
    uint16_t value;

    assert_int_equal(hv_guest_read(vcpu->vm, ash_ipa(ipa), &value, sizeof(value)), ASH_OK);
    return value;
}

bool sim_offers(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t device, unsigned bit)
{
    (void)sim_device(cpu, vcpu, device + DEVICE_FEATURES_SEL, true, bit / 32U);
    return (sim_device(cpu, vcpu, device + DEVICE_FEATURES, false, 0) >> (bit % 32U) & 1U) != 0U;
}

void sim_driver_begin(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t device, uint64_t features)
{
    assert_int_equal(sim_device(cpu, vcpu, device + SIM_MAGIC, false, 0), 0x74726976);
    (void)sim_device(cpu, vcpu, device + SIM_STATUS, true, 0);
    assert_int_equal(sim_device(cpu, vcpu, device + SIM_STATUS, false, 0), 0);
    (void)sim_device(cpu, vcpu, device + SIM_STATUS, true, ACKNOWLEDGE | DRIVER);
    for (uint32_t sel = 0; sel < 2U; sel++) {
        uint32_t offered, wanted = (uint32_t)((features | UINT64_C(1) << 32) >> (32U * sel));

        (void)sim_device(cpu, vcpu, device + DEVICE_FEATURES_SEL, true, sel);
        offered = sim_device(cpu, vcpu, device + DEVICE_FEATURES, false, 0);
        (void)sim_device(cpu, vcpu, device + DRIVER_FEATURES_SEL, true, sel);
        (void)sim_device(cpu, vcpu, device + DRIVER_FEATURES, true, offered & wanted);
    }
    (void)sim_device(cpu, vcpu, device + SIM_STATUS, true, ACKNOWLEDGE | DRIVER | FEATURES_OK);
    assert_int_equal(sim_device(cpu, vcpu, device + SIM_STATUS, false, 0),
                     ACKNOWLEDGE | DRIVER | FEATURES_OK);
}

void sim_driver_queue(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct sim_queue *queue, uint64_t device,
                      unsigned number, uint64_t offset)
{
    static const uint8_t zeroes[SIM_QUEUE_BYTES];
    uint32_t most;

    *queue = (struct sim_queue){.device = device, .queue = number, .at = sim_ram(vcpu, offset)};
    put(vcpu, queue->at, zeroes, sizeof(zeroes));
    (void)sim_device(cpu, vcpu, device + QUEUE_SEL, true, number);
    most = sim_device(cpu, vcpu, device + QUEUE_NUM_MAX, false, 0);
    queue->size = (uint16_t)(most < SIM_QUEUE_SIZE ? most : SIM_QUEUE_SIZE);
    (void)sim_device(cpu, vcpu, device + QUEUE_NUM, true, queue->size);
    for (unsigned i = 0; i < 2U; i++) {
        (void)sim_device(cpu, vcpu, device + QUEUE_DESC_LOW + 4U * i, true,
                         (uint32_t)(queue->at >> (32U * i)));
        (void)sim_device(cpu, vcpu, device + QUEUE_DRIVER_LOW + 4U * i, true,
                         (uint32_t)((queue->at + AVAIL) >> (32U * i)));
        (void)sim_device(cpu, vcpu, device + QUEUE_DEVICE_LOW + 4U * i, true,
                         (uint32_t)((queue->at + USED) >> (32U * i)));
    }
    (void)sim_device(cpu, vcpu, device + QUEUE_READY, true, 1);
    assert_int_equal(sim_device(cpu, vcpu, device + QUEUE_READY, false, 0), 1);
}

void sim_driver_ok(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t device)
{
    (void)sim_device(cpu, vcpu, device + SIM_STATUS, true, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
}

void sim_queue_offer(struct hv_vcpu *vcpu, struct sim_queue *queue, unsigned head,
                     const struct sim_segment *segments, unsigned count)
{
    unsigned at = head;

    for (unsigned i = 0; i < count; i++) {
        const unsigned following = (at + 1U) % queue->size;
        const struct descriptor descriptor = {
            .address = segments[i].ipa,
            .length = segments[i].length,
            .flags = (uint16_t)((segments[i].writable ? WRITE : 0) | (i + 1U < count ? NEXT : 0)),
            .next = (uint16_t)following};

        put(vcpu, queue->at + 16U * at, &descriptor, sizeof(descriptor));
        at = following;
    }
    put16(vcpu, queue->at + AVAIL + 4U + 2U * (queue->added % queue->size), (uint16_t)head);
    queue->added++;
    put16(vcpu, queue->at + AVAIL + 2U, queue->added);
}

unsigned sim_queue_add(struct hv_vcpu *vcpu, struct sim_queue *queue, const struct sim_segment *segments,
                       unsigned count)
{
    unsigned head = queue->next;

    sim_queue_offer(vcpu, queue, head, segments, count);
    queue->next = (uint16_t)((head + count) % queue->size);
    return head;
}

bool sim_queue_kick_once(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct sim_queue *queue)
{
    const struct hv_mmio_region *region = hv_machine_region(&vcpu->vm->machine, queue->device);
    uint64_t value = queue->queue;
    int error;

    assert_non_null(region);
    error = hv_machine_access(cpu, vcpu, &vcpu->vm->machine, region,
                              queue->device - region->base + SIM_QUEUE_NOTIFY, 4, true, &value);
    assert_true(error == ASH_OK || error == ASH_EBUSY);
    queue->notices++;
    return error == ASH_OK;
}

void sim_queue_kick(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct sim_queue *queue)
{
    while (!sim_queue_kick_once(cpu, vcpu, queue)) {
    }
}

bool sim_queue_used(struct hv_vcpu *vcpu, struct sim_queue *queue, uint32_t *head, uint32_t *length)
{
    uint32_t element[2];

    if (get16(vcpu, queue->at + USED + 2U) == queue->seen) {
        return false;
    }
    assert_int_equal(hv_guest_read(vcpu->vm,
                                   ash_ipa(queue->at + USED + 4U + 8U * (queue->seen % queue->size)), element,
                                   sizeof(element)),
                     ASH_OK);
    queue->seen++;
    *head = element[0];
    *length = element[1];
    return true;
}
