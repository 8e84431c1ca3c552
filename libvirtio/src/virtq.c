/* SPDX-License-Identifier: BSD-2-Clause */
#include "internal.h"

#include <libbase/checked.h>

static bool config_is_ok(const struct ash_virtq_config *config)
{
    if (config->slots == NULL || config->regions == NULL || config->region_count == 0U ||
        config->max_size == 0U || config->max_size > ASH_VIRTQ_SIZE_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < config->region_count; i++) {
        if (!ash_range_ok(config->regions[i].base.value, config->regions[i].size)) {
            return false;
        }
    }
    return true;
}

int ash_virtq_init(struct ash_virtq *q, const struct ash_virtq_config *config,
                   const struct ash_virtq_hal *hal, void *ctx)
{
    static const struct ash_virtq_slot empty;

    if (q == NULL || config == NULL || hal == NULL || hal->size != sizeof(*hal) || hal->map == NULL ||
        !config_is_ok(config)) {
        return ASH_EINVAL;
    }
    *q = (struct ash_virtq){.hal = hal, .ctx = ctx, .config = *config, .next_serial = 1, .first_serial = 1};
    for (uint32_t i = 0; i < config->max_size; i++) {
        config->slots[i] = empty;
    }
    return ASH_OK;
}

static int note_fault(struct ash_virtq *q, enum ash_virtq_reason reason, uint32_t index, uint64_t value)
{
    q->fault.reason = reason;
    q->fault.index = index;
    q->fault.value = value;
    return ASH_EGUEST;
}

int ash_virtq_fail_(struct ash_virtq *q, enum ash_virtq_reason reason, uint32_t index, uint64_t value)
{
    q->state = ASH_VIRTQ_BROKEN;
    return note_fault(q, reason, index, value);
}

void ash_virtq_unmap_(const struct ash_virtq *q, void *address, uint64_t size)
{
    if (q->hal->unmap != NULL && address != NULL) {
        q->hal->unmap(q->ctx, address, size);
    }
}

#define AREAS 3U

/* One of the three areas: where the driver wants it, and what it gets. */
struct area {
    ash_ipa_t ipa;
    uint64_t size;
    uint64_t alignment;
    bool write;
    unsigned char *address;
};

/* Sizes include the event fields whether negotiated or not, as the table in 2.7 does. */
static void areas_of(const struct ash_virtq_layout *layout, struct area areas[AREAS])
{
    const uint64_t n = layout->size;

    if ((layout->features & ASH_VIRTQ_F_PACKED) != 0U) {
        areas[0] = (struct area){layout->desc, VIRTQ_DESC_SIZE * n, ASH_VIRTQ_DESC_ALIGN, true, NULL};
        areas[1] = (struct area){layout->driver, 4U, ASH_VIRTQ_PACKED_DRIVER_ALIGN, false, NULL};
        areas[2] = (struct area){layout->device, 4U, ASH_VIRTQ_DEVICE_ALIGN, true, NULL};
        return;
    }
    areas[0] = (struct area){layout->desc, VIRTQ_DESC_SIZE * n, ASH_VIRTQ_DESC_ALIGN, false, NULL};
    areas[1] = (struct area){layout->driver, 6U + 2U * n, ASH_VIRTQ_DRIVER_ALIGN, false, NULL};
    areas[2] = (struct area){layout->device, 6U + VIRTQ_USED_ENTRY * n, ASH_VIRTQ_DEVICE_ALIGN, true, NULL};
}

static bool is_queue_size(const struct ash_virtq *q, const struct ash_virtq_layout *layout)
{
    return layout->size > 0U && layout->size <= q->config.max_size &&
           (ash_is_power_of_two(layout->size) || (layout->features & ASH_VIRTQ_F_PACKED) != 0U);
}

static int check_layout(struct ash_virtq *q, const struct ash_virtq_layout *layout,
                        const struct area areas[AREAS])
{
    if (!is_queue_size(q, layout)) {
        return note_fault(q, ASH_VIRTQ_BAD_SIZE, 0, layout->size);
    }
    for (uint32_t i = 0; i < AREAS; i++) {
        if (!ash_is_aligned(areas[i].ipa.value, areas[i].alignment)) {
            return note_fault(q, ASH_VIRTQ_BAD_ALIGNMENT, i, areas[i].ipa.value);
        }
        if (!virtq_is_guest_memory_(q->config.regions, q->config.region_count, areas[i].ipa.value,
                                    areas[i].size)) {
            return note_fault(q, ASH_VIRTQ_BAD_AREA, i, areas[i].ipa.value);
        }
    }
    return ASH_OK;
}

static int map_areas(const struct ash_virtq *q, struct area areas[AREAS])
{
    int error = ASH_OK;

    for (uint32_t i = 0; i < AREAS && error == ASH_OK; i++) {
        areas[i].address = q->hal->map(q->ctx, areas[i].ipa, areas[i].size, areas[i].write);
        if (areas[i].address == NULL) {
            error = ASH_ENOMEM;
        } else if (!ash_is_aligned((uintptr_t)areas[i].address, areas[i].alignment)) {
            error = ASH_EINVAL; /* the ring's fields could not be accessed atomically */
        }
    }
    for (uint32_t i = 0; i < AREAS && error != ASH_OK; i++) {
        ash_virtq_unmap_(q, areas[i].address, areas[i].size);
    }
    return error;
}

int ash_virtq_start_(struct ash_virtq *q, const struct ash_virtq_layout *layout, uint16_t index,
                     bool kicks_enabled)
{
    struct area areas[AREAS];
    int error;

    if (q->state != ASH_VIRTQ_OFF) {
        return ASH_EBUSY;
    }
    areas_of(layout, areas);
    error = check_layout(q, layout, areas);
    error = error != ASH_OK ? error : map_areas(q, areas);
    if (error != ASH_OK) {
        return error;
    }
    q->layout = *layout;
    q->desc = areas[0].address;
    q->driver = areas[1].address;
    q->device = areas[2].address;
    q->next_avail = index;
    q->avail_idx = index;
    q->next_used = index;
    q->used_idx = index;
    q->unsignalled = 0;
    q->held = 0;
    q->elements_max = layout->size;
    if (q->config.chain_max != 0U && q->config.chain_max < layout->size) {
        q->elements_max = q->config.chain_max;
    }
    q->fresh_slots = 0;
    q->free_slot = VIRTQ_NO_SLOT;
    q->oldest = VIRTQ_NO_SLOT;
    q->state = ASH_VIRTQ_READY;
    (void)note_fault(q, ASH_VIRTQ_FINE, 0, 0);
    ash_virtq_arm_(q, kicks_enabled);
    return ASH_OK;
}

int ash_virtq_setup(struct ash_virtq *q, const struct ash_virtq_layout *layout)
{
    return ash_virtq_start_(q, layout, (layout->features & ASH_VIRTQ_F_PACKED) != 0U ? PACKED_WRAP : 0U,
                            true);
}

void ash_virtq_reset(struct ash_virtq *q)
{
    struct area areas[AREAS];

    areas_of(&q->layout, areas);
    ash_virtq_unmap_(q, q->desc, areas[0].size);
    ash_virtq_unmap_(q, q->driver, areas[1].size);
    ash_virtq_unmap_(q, q->device, areas[2].size);
    q->desc = NULL;
    q->driver = NULL;
    q->device = NULL;
    q->layout = (struct ash_virtq_layout){.size = 0};
    q->state = ASH_VIRTQ_OFF;
    q->in_flight = 0;
    q->first_serial = q->next_serial;
    (void)note_fault(q, ASH_VIRTQ_FINE, 0, 0);
}

enum ash_virtq_state ash_virtq_state(const struct ash_virtq *q)
{
    return q->state;
}

uint32_t ash_virtq_in_flight(const struct ash_virtq *q)
{
    return q->in_flight;
}

const struct ash_virtq_fault *ash_virtq_fault(const struct ash_virtq *q)
{
    return &q->fault;
}

int ash_virtq_break(struct ash_virtq *q, uint64_t value)
{
    return q->state == ASH_VIRTQ_READY ? ash_virtq_fail_(q, ASH_VIRTQ_REFUSED, 0, value) : ASH_EGUEST;
}

const char *ash_virtq_reason_name(enum ash_virtq_reason reason)
{
    static const char *const names[ASH_VIRTQ_REASON_COUNT] = {
        [ASH_VIRTQ_FINE] = "fine",
        [ASH_VIRTQ_BAD_SIZE] = "bad queue size",
        [ASH_VIRTQ_BAD_ALIGNMENT] = "misaligned area",
        [ASH_VIRTQ_BAD_AREA] = "area outside the guest's memory",
        [ASH_VIRTQ_BAD_AVAIL_INDEX] = "available index jumps",
        [ASH_VIRTQ_BAD_HEAD] = "head beyond the table",
        [ASH_VIRTQ_HEAD_IN_USE] = "head still in use",
        [ASH_VIRTQ_BAD_NEXT] = "next beyond the table",
        [ASH_VIRTQ_CHAIN_TOO_LONG] = "chain too long",
        [ASH_VIRTQ_TOO_MANY_BYTES] = "chain above 4 GiB",
        [ASH_VIRTQ_BAD_ADDRESS] = "buffer outside the guest's memory",
        [ASH_VIRTQ_BAD_DIRECTION] = "readable after writable",
        [ASH_VIRTQ_BAD_INDIRECT] = "indirect descriptor not allowed",
        [ASH_VIRTQ_BAD_TABLE_LENGTH] = "bad length of an indirect table",
        [ASH_VIRTQ_BAD_TABLE_ADDRESS] = "indirect table outside the guest's memory",
        [ASH_VIRTQ_REFUSED] = "refused by the device",
    };

    return (unsigned)reason < ASH_VIRTQ_REASON_COUNT ? names[reason] : "?";
}
