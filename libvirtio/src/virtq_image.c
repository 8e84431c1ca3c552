/* SPDX-License-Identifier: BSD-2-Clause */
#include "internal.h"

int ash_virtq_export(const struct ash_virtq *q, struct ash_virtq_image *image)
{
    if (q->state == ASH_VIRTQ_READY && (q->in_flight != 0U || q->next_used != q->used_idx)) {
        return ASH_EBUSY;
    }
    *image = (struct ash_virtq_image){
        .version = ASH_VIRTQ_IMAGE_VERSION,
        .state = (uint32_t)q->state,
        .size = q->layout.size,
        .features = q->layout.features,
        .desc = q->layout.desc.value,
        .driver = q->layout.driver.value,
        .device = q->layout.device.value,
    };
    if (q->state == ASH_VIRTQ_READY) {
        image->index = q->next_avail;
        image->kicks_enabled = q->kicks_enabled;
    }
    if (q->state == ASH_VIRTQ_BROKEN) {
        image->fault_reason = (uint32_t)q->fault.reason;
        image->fault_index = q->fault.index;
        image->fault_value = q->fault.value;
    }
    return ASH_OK;
}

/* Of both rings. */
static bool index_is_ok(const struct ash_virtq_image *image)
{
    return image->index <= UINT16_MAX &&
           (image->state != ASH_VIRTQ_READY || (image->features & ASH_VIRTQ_F_PACKED) == 0U ||
            (image->index & (PACKED_WRAP - 1U)) < image->size);
}

static bool image_is_ok(const struct ash_virtq_image *image)
{
    return image->version == ASH_VIRTQ_IMAGE_VERSION && image->reserved == 0U &&
           image->state < ASH_VIRTQ_STATE_COUNT && index_is_ok(image) && image->kicks_enabled <= 1U &&
           image->fault_reason < ASH_VIRTQ_REASON_COUNT &&
           (image->state == ASH_VIRTQ_BROKEN) == (image->fault_reason != ASH_VIRTQ_FINE);
}

int ash_virtq_import(struct ash_virtq *q, const struct ash_virtq_image *image)
{
    const struct ash_virtq_layout layout = {
        .desc = ash_ipa(image->desc),
        .driver = ash_ipa(image->driver),
        .device = ash_ipa(image->device),
        .size = image->size,
        .features = image->features,
    };
    int error;

    if (q->state != ASH_VIRTQ_OFF) {
        return ASH_EBUSY;
    }
    if (!image_is_ok(image)) {
        return ASH_EFORMAT;
    }
    if (image->state == ASH_VIRTQ_OFF) {
        return ASH_OK;
    }
    if (image->state == ASH_VIRTQ_BROKEN) {
        (void)ash_virtq_fail_(q, (enum ash_virtq_reason)image->fault_reason, image->fault_index,
                              image->fault_value);
        return ASH_OK;
    }
    error = ash_virtq_start_(q, &layout, (uint16_t)image->index, image->kicks_enabled != 0U);
    if (error == ASH_OK) {
        q->unsignalled = VIRTQ_UNSIGNALLED_MAX; /* what the driver was told is not known */
    }
    return error;
}
