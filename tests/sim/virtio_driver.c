/* SPDX-License-Identifier: BSD-2-Clause */
#include "virtio_driver.h"

#include <string.h>

#include "core/guest_memory.h"

#define WINDOW UINT64_C(0x0A000000)
#define RINGS  0x40000U /* of device 0, from the start of RAM; 64 KiB for each */

/* VIRTIO 1.2, 4.2.2. */
enum {
    DRIVER_FEATURES = 0x20,
    DRIVER_FEATURES_SEL = 0x24,
    QUEUE_SEL = 0x30,
    QUEUE_NUM = 0x38,
    QUEUE_READY = 0x44,
    QUEUE_NOTIFY = 0x50,
    STATUS = 0x70,
    QUEUE_DESC = 0x80,
    QUEUE_DRIVER = 0x90,
    QUEUE_DEVICE = 0xA0
};
enum { AVAIL = 0x400, USED = 0x800 }; /* in a queue's page */

static ash_ipa_t ipa(const struct hv_vcpu *vcpu, uint64_t at)
{
    return ash_ipa(vcpu->vm->machine.ram[0].base.value + at);
}

void sim_ram_write(struct hv_vcpu *vcpu, uint64_t at, const void *bytes, size_t size)
{
    assert_int_equal(hv_guest_write(vcpu->vm, ipa(vcpu, at), bytes, size), ASH_OK);
}

void sim_ram_read(struct hv_vcpu *vcpu, uint64_t at, void *bytes, size_t size)
{
    assert_int_equal(hv_guest_read(vcpu->vm, ipa(vcpu, at), bytes, size), ASH_OK);
}

static int access(struct hv_cpu *cpu, struct hv_vcpu *vcpu, const struct sim_driver *drv, uint32_t offset,
                  bool is_write, uint64_t *value)
{
    struct hv_machine *machine = &vcpu->vm->machine;
    const struct hv_mmio_region *region = hv_machine_region(machine, drv->base);

    assert_non_null(region);
    return hv_machine_access(cpu, vcpu, machine, region, drv->base + offset - region->base, 4, is_write,
                             value);
}

uint32_t sim_driver_read(struct hv_cpu *cpu, struct hv_vcpu *vcpu, const struct sim_driver *drv,
                         uint32_t offset)
{
    uint64_t value = 0;

    assert_int_equal(access(cpu, vcpu, drv, offset, false, &value), ASH_OK);
    return (uint32_t)value;
}

void sim_driver_write(struct hv_cpu *cpu, struct hv_vcpu *vcpu, const struct sim_driver *drv, uint32_t offset,
                      uint32_t value)
{
    unsigned again = 0;
    uint64_t word = value;
    int error;

    while ((error = access(cpu, vcpu, drv, offset, true, &word)) == ASH_EBUSY) {
        assert_true(++again < 1000U);
    }
    assert_int_equal(error, ASH_OK);
}

static void write_address(struct hv_cpu *cpu, struct hv_vcpu *vcpu, const struct sim_driver *drv,
                          uint32_t offset, uint64_t at)
{
    uint64_t address = ipa(vcpu, at).value;

    sim_driver_write(cpu, vcpu, drv, offset, (uint32_t)address);
    sim_driver_write(cpu, vcpu, drv, offset + 4U, (uint32_t)(address >> 32));
}

void sim_driver_start(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct sim_driver *drv, uint32_t index,
                      uint32_t queues, uint64_t features)
{
    static const uint8_t zeroes[0x1000];

    *drv = (struct sim_driver){
        .base = WINDOW + 0x200U * index, .rings = RINGS + 0x10000U * index, .queues = queues};
    assert_true(queues <= SIM_VIRTIO_QUEUES);
    features |= UINT64_C(1) << 32; /* VERSION_1 */
    sim_driver_write(cpu, vcpu, drv, STATUS, 0);
    sim_driver_write(cpu, vcpu, drv, STATUS, 3);
    for (uint32_t i = 0; i < 2U; i++) {
        sim_driver_write(cpu, vcpu, drv, DRIVER_FEATURES_SEL, i);
        sim_driver_write(cpu, vcpu, drv, DRIVER_FEATURES, (uint32_t)(features >> 32U * i));
    }
    sim_driver_write(cpu, vcpu, drv, STATUS, 11);
    assert_int_equal(sim_driver_read(cpu, vcpu, drv, STATUS), 11);
    for (uint32_t i = 0; i < queues; i++) {
        uint64_t at = drv->rings + 0x1000U * i;

        sim_ram_write(vcpu, at, zeroes, sizeof(zeroes));
        sim_driver_write(cpu, vcpu, drv, QUEUE_SEL, i);
        sim_driver_write(cpu, vcpu, drv, QUEUE_NUM, SIM_VIRTIO_SIZE);
        write_address(cpu, vcpu, drv, QUEUE_DESC, at);
        write_address(cpu, vcpu, drv, QUEUE_DRIVER, at + AVAIL);
        write_address(cpu, vcpu, drv, QUEUE_DEVICE, at + USED);
        sim_driver_write(cpu, vcpu, drv, QUEUE_READY, 1);
        assert_int_equal(sim_driver_read(cpu, vcpu, drv, QUEUE_READY), 1);
    }
    sim_driver_write(cpu, vcpu, drv, STATUS, 15);
}

void sim_driver_offer(struct hv_vcpu *vcpu, struct sim_driver *drv, uint32_t queue, uint32_t id, uint64_t at,
                      uint32_t size, bool writable)
{
    const uint64_t page = drv->rings + 0x1000U * queue;
    const uint64_t address = ipa(vcpu, at).value;
    const uint16_t flags[2] = {writable ? 2U : 0U, 0};
    const uint16_t head = (uint16_t)id;
    const uint16_t slot = drv->added[queue]++ % SIM_VIRTIO_SIZE;

    sim_ram_write(vcpu, page + 16U * id, &address, 8);
    sim_ram_write(vcpu, page + 16U * id + 8U, &size, 4);
    sim_ram_write(vcpu, page + 16U * id + 12U, flags, 4);
    sim_ram_write(vcpu, page + AVAIL + 4U + 2U * slot, &head, 2);
    sim_ram_write(vcpu, page + AVAIL + 2U, &drv->added[queue], 2);
}

void sim_driver_kick(struct hv_cpu *cpu, struct hv_vcpu *vcpu, const struct sim_driver *drv, uint32_t queue)
{
    sim_driver_write(cpu, vcpu, drv, QUEUE_NOTIFY, queue);
}

bool sim_driver_used(struct hv_vcpu *vcpu, struct sim_driver *drv, uint32_t queue, uint32_t *id,
                     uint32_t *written)
{
    const uint64_t page = drv->rings + 0x1000U * queue;
    uint32_t entry[2];
    uint16_t index;

    sim_ram_read(vcpu, page + USED + 2U, &index, 2);
    if (index == drv->seen[queue]) {
        return false;
    }
    sim_ram_read(vcpu, page + USED + 4U + 8U * (drv->seen[queue] % SIM_VIRTIO_SIZE), entry, 8);
    drv->seen[queue]++;
    *id = entry[0];
    *written = entry[1];
    assert_true(*id < SIM_VIRTIO_SIZE);
    return true;
}
