/* SPDX-License-Identifier: BSD-2-Clause */
/* VIRTIO 1.2, 4.2.2: the registers, as tables. Write-only registers read as zero, read-only ones ignore
 * writes. */
#include <libvirtio/mmio.h>

#include <libbase/bits.h>
#include <libbase/nospec.h>

#define MAGIC   0x74726976U /* "virt" */
#define VERSION 2U

typedef uint32_t read_fn(const struct ash_virtio_mmio *mmio);
typedef void write_fn(struct ash_virtio_mmio *mmio, uint32_t value);

void ash_virtio_mmio_init(struct ash_virtio_mmio *mmio, struct ash_virtio_device *device)
{
    *mmio = (struct ash_virtio_mmio){.device = device};
}

static uint32_t read_magic(const struct ash_virtio_mmio *mmio)
{
    (void)mmio;
    return MAGIC;
}

static uint32_t read_version(const struct ash_virtio_mmio *mmio)
{
    (void)mmio;
    return VERSION;
}

static uint32_t read_device_id(const struct ash_virtio_mmio *mmio)
{
    return mmio->device->ops->device_id;
}

static uint32_t read_vendor_id(const struct ash_virtio_mmio *mmio)
{
    return mmio->device->site.vendor;
}

static uint32_t read_device_features(const struct ash_virtio_mmio *mmio)
{
    return ash_virtio_read_features(mmio->device, mmio->device_features_sel);
}

static uint32_t read_queue_num_max(const struct ash_virtio_mmio *mmio)
{
    return ash_virtio_queue_max(mmio->device, mmio->queue_sel);
}

static uint32_t read_queue_ready(const struct ash_virtio_mmio *mmio)
{
    return ash_virtio_queue_is_enabled(mmio->device, mmio->queue_sel) ? 1U : 0U;
}

static uint32_t read_interrupt_status(const struct ash_virtio_mmio *mmio)
{
    return mmio->device->isr;
}

static uint32_t read_status(const struct ash_virtio_mmio *mmio)
{
    return mmio->device->status;
}

static uint32_t read_config_generation(const struct ash_virtio_mmio *mmio)
{
    return mmio->device->generation;
}

/* Of a region that is not there: all ones (4.2.2.1). */
static uint64_t shm_length(const struct ash_virtio_mmio *mmio)
{
    const struct ash_virtio_shm *shm = ash_virtio_shm(mmio->device, mmio->shm_sel);

    return shm != NULL ? shm->size : UINT64_MAX;
}

static uint64_t shm_base(const struct ash_virtio_mmio *mmio)
{
    const struct ash_virtio_shm *shm = ash_virtio_shm(mmio->device, mmio->shm_sel);

    return shm != NULL ? shm->base.value : UINT64_MAX;
}

static uint32_t read_shm_length_low(const struct ash_virtio_mmio *mmio)
{
    return (uint32_t)shm_length(mmio);
}

static uint32_t read_shm_length_high(const struct ash_virtio_mmio *mmio)
{
    return (uint32_t)(shm_length(mmio) >> 32);
}

static uint32_t read_shm_base_low(const struct ash_virtio_mmio *mmio)
{
    return (uint32_t)shm_base(mmio);
}

static uint32_t read_shm_base_high(const struct ash_virtio_mmio *mmio)
{
    return (uint32_t)(shm_base(mmio) >> 32);
}

static void write_device_features_sel(struct ash_virtio_mmio *mmio, uint32_t value)
{
    mmio->device_features_sel = value;
}

static void write_driver_features(struct ash_virtio_mmio *mmio, uint32_t value)
{
    ash_virtio_write_features(mmio->device, mmio->driver_features_sel, value);
}

static void write_driver_features_sel(struct ash_virtio_mmio *mmio, uint32_t value)
{
    mmio->driver_features_sel = value;
}

static void write_queue_sel(struct ash_virtio_mmio *mmio, uint32_t value)
{
    mmio->queue_sel = value;
}

static void write_shm_sel(struct ash_virtio_mmio *mmio, uint32_t value)
{
    mmio->shm_sel = value;
}

static void write_queue_num(struct ash_virtio_mmio *mmio, uint32_t value)
{
    struct ash_virtq_layout *layout = ash_virtio_queue_layout(mmio->device, mmio->queue_sel);

    if (layout != NULL) {
        layout->size = value;
    }
}

static void set_half(ash_ipa_t *address, bool high, uint32_t value)
{
    address->value =
        high ? ash_with_field(address->value, 63, 32, value) : ash_with_field(address->value, 31, 0, value);
}

static void write_address(struct ash_virtio_mmio *mmio, size_t area, bool high, uint32_t value)
{
    struct ash_virtq_layout *layout = ash_virtio_queue_layout(mmio->device, mmio->queue_sel);

    if (layout != NULL) {
        ash_ipa_t *const areas[] = {&layout->desc, &layout->driver, &layout->device};

        set_half(areas[area], high, value);
    }
}

static void write_queue_desc_low(struct ash_virtio_mmio *mmio, uint32_t value)
{
    write_address(mmio, 0, false, value);
}

static void write_queue_desc_high(struct ash_virtio_mmio *mmio, uint32_t value)
{
    write_address(mmio, 0, true, value);
}

static void write_queue_driver_low(struct ash_virtio_mmio *mmio, uint32_t value)
{
    write_address(mmio, 1, false, value);
}

static void write_queue_driver_high(struct ash_virtio_mmio *mmio, uint32_t value)
{
    write_address(mmio, 1, true, value);
}

static void write_queue_device_low(struct ash_virtio_mmio *mmio, uint32_t value)
{
    write_address(mmio, 2, false, value);
}

static void write_queue_device_high(struct ash_virtio_mmio *mmio, uint32_t value)
{
    write_address(mmio, 2, true, value);
}

/* 0 stops the queue, and has when it reads back as 0 (4.2.2.2). */
static void write_queue_ready(struct ash_virtio_mmio *mmio, uint32_t value)
{
    if (value == 1U) {
        ash_virtio_queue_enable(mmio->device, mmio->queue_sel);
    } else if (value == 0U) {
        ash_virtio_queue_disable(mmio->device, mmio->queue_sel);
    }
}

/* Done when the write is: it never reads as 1 (2.6.1.1, 4.2.2.1). */
static void write_queue_reset(struct ash_virtio_mmio *mmio, uint32_t value)
{
    if (value == 1U && ash_virtio_has(mmio->device, ASH_VIRTIO_F_RING_RESET)) {
        ash_virtio_queue_disable(mmio->device, mmio->queue_sel);
    }
}

static void write_queue_notify(struct ash_virtio_mmio *mmio, uint32_t value)
{
    ash_virtio_notify(mmio->device, value);
}

static void write_interrupt_ack(struct ash_virtio_mmio *mmio, uint32_t value)
{
    ash_virtio_acknowledge(mmio->device, value);
}

static void write_status(struct ash_virtio_mmio *mmio, uint32_t value)
{
    ash_virtio_write_status(mmio->device, value);
    if (value == 0U) {
        ash_virtio_mmio_init(mmio, mmio->device);
    }
}

/* By offset / 4; a missing entry is RAZ/WI. */
static read_fn *const readers[ASH_VIRTIO_MMIO_CONFIG / 4U] = {
    [0x000 / 4] = read_magic,          [0x004 / 4] = read_version,           [0x008 / 4] = read_device_id,
    [0x00C / 4] = read_vendor_id,      [0x010 / 4] = read_device_features,   [0x034 / 4] = read_queue_num_max,
    [0x044 / 4] = read_queue_ready,    [0x060 / 4] = read_interrupt_status,  [0x070 / 4] = read_status,
    [0x0B0 / 4] = read_shm_length_low, [0x0B4 / 4] = read_shm_length_high,   [0x0B8 / 4] = read_shm_base_low,
    [0x0BC / 4] = read_shm_base_high,  [0x0FC / 4] = read_config_generation,
};

static write_fn *const writers[ASH_VIRTIO_MMIO_CONFIG / 4U] = {
    [0x014 / 4] = write_device_features_sel,
    [0x020 / 4] = write_driver_features,
    [0x024 / 4] = write_driver_features_sel,
    [0x030 / 4] = write_queue_sel,
    [0x038 / 4] = write_queue_num,
    [0x044 / 4] = write_queue_ready,
    [0x050 / 4] = write_queue_notify,
    [0x064 / 4] = write_interrupt_ack,
    [0x070 / 4] = write_status,
    [0x080 / 4] = write_queue_desc_low,
    [0x084 / 4] = write_queue_desc_high,
    [0x090 / 4] = write_queue_driver_low,
    [0x094 / 4] = write_queue_driver_high,
    [0x0A0 / 4] = write_queue_device_low,
    [0x0A4 / 4] = write_queue_device_high,
    [0x0AC / 4] = write_shm_sel,
    [0x0C0 / 4] = write_queue_reset,
};

/* The register's number; the table's size if there is none. */
static size_t register_of(uint64_t offset, unsigned size)
{
    const size_t count = ASH_VIRTIO_MMIO_CONFIG / 4U;

    if (size != 4U || offset >= ASH_VIRTIO_MMIO_CONFIG || !ash_is_aligned(offset, 4)) {
        return count;
    }
    return (size_t)ash_index_nospec(offset / 4U, count);
}

static bool is_config(uint64_t offset)
{
    return offset >= ASH_VIRTIO_MMIO_CONFIG && offset <= UINT32_MAX;
}

uint64_t ash_virtio_mmio_read(const struct ash_virtio_mmio *mmio, uint64_t offset, unsigned size)
{
    const size_t number = register_of(offset, size);

    if (is_config(offset)) {
        return ash_virtio_config_read(mmio->device, (uint32_t)offset - ASH_VIRTIO_MMIO_CONFIG, size);
    }
    return number < ASH_ARRAY_SIZE(readers) && readers[number] != NULL ? readers[number](mmio) : 0U;
}

void ash_virtio_mmio_write(struct ash_virtio_mmio *mmio, uint64_t offset, unsigned size, uint64_t value)
{
    const size_t number = register_of(offset, size);

    if (is_config(offset)) {
        ash_virtio_config_write(mmio->device, (uint32_t)offset - ASH_VIRTIO_MMIO_CONFIG, size,
                                (uint32_t)value);
    } else if (number < ASH_ARRAY_SIZE(writers) && writers[number] != NULL) {
        writers[number](mmio, (uint32_t)value);
    }
}
