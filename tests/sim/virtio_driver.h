/* SPDX-License-Identifier: BSD-2-Clause */
/** A guest's driver of one virtio-mmio device with all its queues, by driver.h; chains of one descriptor. All calls
 *  within the guest's function, on its vCPU. */
#ifndef SIM_VIRTIO_DRIVER_H
#define SIM_VIRTIO_DRIVER_H

#include "driver.h"

#define SIM_VIRTIO_QUEUES 8U
#define SIM_VIRTIO_SIZE   16U /* chains of each that are used */

struct sim_driver {
    uint64_t base; /* IPA of the registers */
    struct sim_queue queue[SIM_VIRTIO_QUEUES];
};

/** Its registers by offset. A write that is to be made again later is. */
uint32_t sim_driver_read(struct hv_cpu *cpu, struct hv_vcpu *vcpu, const struct sim_driver *drv,
                         uint32_t offset);
void sim_driver_write(struct hv_cpu *cpu, struct hv_vcpu *vcpu, const struct sim_driver *drv, uint32_t offset,
                      uint32_t value);

/** From reset to DRIVER_OK, device @index of the VM, with @features of what is offered; all @queues are set up. */
void sim_driver_start(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct sim_driver *drv, uint32_t index,
                      uint32_t queues, uint64_t features);

/** Offer descriptor @id (below SIZE) of @queue: @size bytes, @at bytes from the start of RAM. The device is not
 *  notified. */
void sim_driver_offer(struct hv_vcpu *vcpu, struct sim_driver *drv, uint32_t queue, uint32_t id, uint64_t at,
                      uint32_t size, bool writable);
void sim_driver_kick(struct hv_cpu *cpu, struct hv_vcpu *vcpu, const struct sim_driver *drv, uint32_t queue);

/** The next used one: its id and how much was written. False: there is none. */
bool sim_driver_used(struct hv_vcpu *vcpu, struct sim_driver *drv, uint32_t queue, uint32_t *id,
                     uint32_t *written);

/** Bytes of the guest's RAM, from its start. */
void sim_ram_write(struct hv_vcpu *vcpu, uint64_t at, const void *bytes, size_t size);
void sim_ram_read(struct hv_vcpu *vcpu, uint64_t at, void *bytes, size_t size);

#endif
