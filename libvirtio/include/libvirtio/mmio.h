/* SPDX-License-Identifier: BSD-2-Clause */
/** The virtio-mmio transport, version 2 (VIRTIO 1.2, 4.2): the registers of one device, 512 bytes of them
 *  as QEMU's virt board has them (any size will do: what is not there reads as zero and ignores writes).
 *
 *  Lock domain: the device. Context: any CPU; the guest waits for the result. Cost: O(1), of a reset
 *  O(queues). After a write: ash_virtio_has_work().
 */
#ifndef LIBVIRTIO_MMIO_H
#define LIBVIRTIO_MMIO_H

#include <libvirtio/device.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ASH_VIRTIO_MMIO_SIZE   0x200U
#define ASH_VIRTIO_MMIO_CONFIG 0x100U /* the configuration space begins here */

/** Private: what the driver selected. */
struct ash_virtio_mmio {
    struct ash_virtio_device *device;
    uint32_t device_features_sel;
    uint32_t driver_features_sel;
    uint32_t queue_sel;
    uint32_t shm_sel;
};

/** device: initialised; outlives the transport. */
void ash_virtio_mmio_init(struct ash_virtio_mmio *mmio, struct ash_virtio_device *device);

/** offset: any, from the device's first register. size: bytes, any. Registers below 0x100 are 32 bits wide;
 *  other widths, misaligned accesses and what is not there read as zero and ignore writes (4.2.2.2). */
uint64_t ash_virtio_mmio_read(const struct ash_virtio_mmio *mmio, uint64_t offset, unsigned size);
void ash_virtio_mmio_write(struct ash_virtio_mmio *mmio, uint64_t offset, unsigned size, uint64_t value);

#ifdef __cplusplus
}
#endif

#endif
