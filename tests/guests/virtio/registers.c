/* SPDX-License-Identifier: BSD-2-Clause */
/* The registers of virtio-mmio (VIRTIO 1.2, 4.2.2), and the way to FEATURES_OK (3.1.1). */
#include "virtio/topic.h"

#include "common/check.h"

#define NO_QUEUE    999U
#define FOUND       (VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER)
#define READ_ONLY   (sizeof(read_only) / sizeof(read_only[0]))
#define WRITE_ONLY  (sizeof(write_only) / sizeof(write_only[0]))
#define UNALLOCATED (sizeof(unallocated) / sizeof(unallocated[0]))

static const uint32_t read_only[] = {VIRTIO_MAGIC,     VIRTIO_VERSION, VIRTIO_DEVICE_ID, VIRTIO_VENDOR,
                                     VIRTIO_QUEUE_MAX, VIRTIO_ISR,     VIRTIO_GENERATION};
static const uint32_t write_only[] = {VIRTIO_OFFERED_SEL,
                                      VIRTIO_ACCEPTED,
                                      VIRTIO_ACCEPTED_SEL,
                                      VIRTIO_QUEUE_SEL,
                                      VIRTIO_QUEUE_SIZE,
                                      VIRTIO_NOTIFY,
                                      VIRTIO_ACK,
                                      VIRTIO_QUEUE_DESC,
                                      0x084,
                                      VIRTIO_QUEUE_DRIVER,
                                      0x094,
                                      VIRTIO_QUEUE_DEVICE,
                                      0x0a4};
static const uint32_t unallocated[] = {0x018, 0x01c, 0x02c, 0x040, 0x048, 0x05c, 0x074, 0x0d0, 0x0ec};

bool is_ours(uint64_t base)
{
    return virtio_read(base, VIRTIO_VENDOR) != VIRTIO_QEMU;
}

static void check_ids(uint64_t base)
{
    check_equal_at("MagicValue", base, virtio_read(base, VIRTIO_MAGIC), 0x74726976);
    check_equal_at("Version", base, virtio_read(base, VIRTIO_VERSION), 2);
    check("VendorID", virtio_read(base, VIRTIO_VENDOR) != 0U);
    for (unsigned n = 0; n < READ_ONLY; n++) {
        uint32_t before = virtio_read(base, read_only[n]);

        virtio_write(base, read_only[n], ~before);
        check_equal_at("a read-only register", read_only[n], virtio_read(base, read_only[n]), before);
    }
    for (unsigned n = 0; n < WRITE_ONLY; n++) {
        check_equal_at("a write-only register", write_only[n], virtio_read(base, write_only[n]), 0);
    }
    for (unsigned n = 0; n < UNALLOCATED; n++) {
        virtio_write(base, unallocated[n], UINT32_MAX);
        check_equal_at("no register", unallocated[n], virtio_read(base, unallocated[n]), 0);
    }
}

/* 4.2.2.2: a driver uses 32 bits. What else it does has no effect here. */
static void check_widths(uint64_t base)
{
    check_equal("8 bits of MagicValue", *(volatile uint8_t *)(uintptr_t)base, 0);
    check_equal("16 bits of MagicValue", *(volatile uint16_t *)(uintptr_t)base, 0);
    if (is_ours(base)) {
        check_equal("64 bits of MagicValue", *(volatile uint64_t *)(uintptr_t)base, 0);
        *(volatile uint64_t *)(uintptr_t)(base + VIRTIO_STATUS) = 1;
    }
    *(volatile uint8_t *)(uintptr_t)(base + VIRTIO_STATUS) = 1;
    *(volatile uint16_t *)(uintptr_t)(base + VIRTIO_STATUS) = 1;
    check_equal("Status, written by other widths", virtio_read(base, VIRTIO_STATUS), 0);
    check_no_fault("other widths");
}

static void check_queues(uint64_t base)
{
    uint32_t most;

    virtio_write(base, VIRTIO_QUEUE_SEL, 0);
    most = virtio_read(base, VIRTIO_QUEUE_MAX);
    check("QueueNumMax: a power of two", most > 0U && (most & (most - 1U)) == 0U && most <= 32768U);
    virtio_write(base, VIRTIO_QUEUE_SEL, NO_QUEUE);
    check_equal("QueueNumMax of no queue", virtio_read(base, VIRTIO_QUEUE_MAX), 0);
    if (is_ours(base)) {
        virtio_write(base, VIRTIO_QUEUE_SEL, UINT32_MAX);
        virtio_write(base, VIRTIO_QUEUE_SIZE, 16);
        virtio_write(base, VIRTIO_QUEUE_READY, 1);
        check_equal("QueueReady of no queue", virtio_read(base, VIRTIO_QUEUE_READY), 0);
    }
    virtio_write(base, VIRTIO_QUEUE_SEL, 0);
    virtio_write(base, VIRTIO_SHM_SEL, 0);
    check_equal("SHMLenLow of no region", virtio_read(base, VIRTIO_SHM_LENGTH), UINT32_MAX);
    check_equal("SHMLenHigh of no region", virtio_read(base, VIRTIO_SHM_LENGTH + 4U), UINT32_MAX);
}

/* Each byte of the configuration space by itself, by two, by four. */
static void check_config(uint64_t base)
{
    const uint64_t config = base + VIRTIO_CONFIG;

    for (uint64_t at = 0; at < 24U; at += 4U) {
        uint32_t word = guest_read32(config + at);
        uint32_t bytes = 0;
        uint32_t halves = 0;

        for (uint64_t n = 0; n < 4U; n++) {
            bytes |= (uint32_t) * (volatile uint8_t *)(uintptr_t)(config + at + n) << (8U * n);
        }
        for (uint64_t n = 0; n < 4U; n += 2U) {
            halves |= (uint32_t) * (volatile uint16_t *)(uintptr_t)(config + at + n) << (8U * n);
        }
        check_equal_at("configuration by bytes", at, bytes, word);
        check_equal_at("configuration by halfwords", at, halves, word);
    }
    if (is_ours(base)) {
        check_equal("beyond the configuration", guest_read32(base + VIRTIO_STEP - 4U), 0);
        guest_write32(base + VIRTIO_STEP - 4U, UINT32_MAX);
        check_equal("... ignores writes", guest_read32(base + VIRTIO_STEP - 4U), 0);
    }
    check_no_fault("configuration");
}

void check_registers(uint64_t base)
{
    virtio_reset(base);
    check_ids(base);
    virtio_reset(base);
    check_widths(base);
    check_queues(base);
    check_config(base);
    virtio_reset(base);
}

void check_empty_slot(uint64_t base)
{
    check_equal_at("an empty slot's DeviceID", base, virtio_read(base, VIRTIO_DEVICE_ID), 0);
    virtio_write(base, VIRTIO_STATUS, VIRTIO_ACKNOWLEDGE);
    virtio_write(base, VIRTIO_QUEUE_SEL, 0);
    virtio_write(base, VIRTIO_QUEUE_READY, 1);
    virtio_write(base, VIRTIO_NOTIFY, 0);
    guest_write32(base + VIRTIO_CONFIG, UINT32_MAX);
    check_equal_at("... its Status", base, virtio_read(base, VIRTIO_STATUS), 0);
    check_equal_at("... its QueueReady", base, virtio_read(base, VIRTIO_QUEUE_READY), 0);
    check_equal_at("... its InterruptStatus", base, virtio_read(base, VIRTIO_ISR), 0);
    check_no_fault("an empty slot");
}

/* ---- Features and status ---- */

static uint32_t status_after(uint64_t base, uint64_t features)
{
    virtio_reset(base);
    virtio_write(base, VIRTIO_STATUS, FOUND);
    virtio_accept(base, features);
    virtio_write(base, VIRTIO_STATUS, FOUND | VIRTIO_FEATURES_OK);
    return virtio_read(base, VIRTIO_STATUS);
}

/* What only a device that does not believe its driver looks after. */
static void check_refusals(uint64_t base)
{
    const uint64_t offered = virtio_offered(base);

    check("ACCESS_PLATFORM is not offered", (offered & VIRTIO_F_ACCESS_PLATFORM) == 0U);
    check_equal("a feature that is not offered", status_after(base, VIRTIO_F_VERSION_1 | (UINT64_C(1) << 62)),
                FOUND);
    check_equal("... ACCESS_PLATFORM", status_after(base, VIRTIO_F_VERSION_1 | VIRTIO_F_ACCESS_PLATFORM),
                FOUND);
    check_equal("without VERSION_1", status_after(base, offered & ~VIRTIO_F_VERSION_1), FOUND);
    virtio_write(base, VIRTIO_STATUS, FOUND | VIRTIO_DRIVER_OK);
    check_equal("DRIVER_OK before FEATURES_OK", virtio_read(base, VIRTIO_STATUS), FOUND);
    virtio_write(base, VIRTIO_QUEUE_SEL, 0);
    virtio_write(base, VIRTIO_QUEUE_READY, 1);
    check_equal("QueueReady before FEATURES_OK", virtio_read(base, VIRTIO_QUEUE_READY), 0);
    virtio_write(base, VIRTIO_OFFERED_SEL, 2);
    check_equal("features from bit 64 on", virtio_read(base, VIRTIO_OFFERED), 0);
    check_equal("FEATURES_OK with all that is offered", status_after(base, offered),
                FOUND | VIRTIO_FEATURES_OK);
    virtio_accept(base, 0);
    virtio_write(base, VIRTIO_STATUS, FOUND | VIRTIO_FEATURES_OK | VIRTIO_DRIVER_OK);
    check_equal("... they are final", virtio_read(base, VIRTIO_STATUS),
                FOUND | VIRTIO_FEATURES_OK | VIRTIO_DRIVER_OK);
    virtio_write(base, VIRTIO_STATUS, VIRTIO_ACKNOWLEDGE);
    check_equal("a bit that is cleared", virtio_read(base, VIRTIO_STATUS),
                FOUND | VIRTIO_FEATURES_OK | VIRTIO_DRIVER_OK);
    virtio_write(base, VIRTIO_STATUS, VIRTIO_NEEDS_RESET | FOUND);
    check_equal("DEVICE_NEEDS_RESET is not the driver's",
                virtio_read(base, VIRTIO_STATUS) & VIRTIO_NEEDS_RESET, 0);
}

void check_negotiation(uint64_t base)
{
    uint64_t features;

    if (is_ours(base)) {
        check_refusals(base);
    }
    check("FEATURES_OK", virtio_open(base, VIRTIO_RING_FEATURES, &features));
    check_equal_at("all kinds of rings", base, features, VIRTIO_RING_FEATURES | VIRTIO_F_VERSION_1);
    virtio_reset(base);
    virtio_write(base, VIRTIO_QUEUE_SEL, 0);
    check_equal("QueueReady after a reset", virtio_read(base, VIRTIO_QUEUE_READY), 0);
    check_equal("InterruptStatus after a reset", virtio_read(base, VIRTIO_ISR), 0);
}
