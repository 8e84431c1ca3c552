/* SPDX-License-Identifier: BSD-2-Clause */
#include "virtio_driver.h"

#include "core/guest_memory.h"

#define RINGS 0x40000U /* of device 0, from the start of RAM; 64 KiB for each */

void sim_ram_write(struct hv_vcpu *vcpu, uint64_t at, const void *bytes, size_t size)
{
    assert_int_equal(hv_guest_write(vcpu->vm, ash_ipa(sim_ram(vcpu, at)), bytes, size), ASH_OK);
}

void sim_ram_read(struct hv_vcpu *vcpu, uint64_t at, void *bytes, size_t size)
{
    assert_int_equal(hv_guest_read(vcpu->vm, ash_ipa(sim_ram(vcpu, at)), bytes, size), ASH_OK);
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

void sim_driver_start(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct sim_driver *drv, uint32_t index,
                      uint32_t queues, uint64_t features)
{
    *drv = (struct sim_driver){.base = sim_virtio(index)};
    assert_true(queues <= SIM_VIRTIO_QUEUES);
    sim_driver_begin(cpu, vcpu, drv->base, features);
    for (uint32_t i = 0; i < queues; i++) {
        sim_driver_queue(cpu, vcpu, &drv->queue[i], drv->base, i,
                         RINGS + 0x10000U * index + SIM_QUEUE_BYTES * i);
    }
    sim_driver_ok(cpu, vcpu, drv->base);
}

void sim_driver_offer(struct hv_vcpu *vcpu, struct sim_driver *drv, uint32_t queue, uint32_t id, uint64_t at,
                      uint32_t size, bool writable)
{
    const struct sim_segment segment = {sim_ram(vcpu, at), size, writable};

    sim_queue_offer(vcpu, &drv->queue[queue], id, &segment, 1);
}

void sim_driver_kick(struct hv_cpu *cpu, struct hv_vcpu *vcpu, const struct sim_driver *drv, uint32_t queue)
{
    sim_driver_write(cpu, vcpu, drv, SIM_QUEUE_NOTIFY, queue);
}

bool sim_driver_used(struct hv_vcpu *vcpu, struct sim_driver *drv, uint32_t queue, uint32_t *id,
                     uint32_t *written)
{
    if (!sim_queue_used(vcpu, &drv->queue[queue], id, written)) {
        return false;
    }
    assert_true(*id < SIM_VIRTIO_SIZE);
    return true;
}
