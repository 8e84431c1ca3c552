/* SPDX-License-Identifier: BSD-2-Clause */
/* An interrupt as whoever manages the VM wants to see it. */
#include "internal.h"

int ash_vgic_view(struct ash_vgic *vgic, uint32_t vcpu, uint32_t intid, struct ash_vgic_view *view)
{
    const struct ash_vgic_irq *irq;
    uint64_t lr = 0;

    if (vcpu >= vgic->vcpu_count) {
        return ASH_EINVAL;
    }
    irq = ash_vgic_irq_(vgic, vcpu, intid);
    if (irq == NULL) {
        return ASH_ENOENT;
    }
    if (irq->lr != ASH_VGIC_NO_LR) {
        lr = ash_vgic_image_of_(ash_vgic_owner_(vgic, irq), irq);
    }
    *view = (struct ash_vgic_view){
        .enabled = (irq->state & ENABLED) != 0U,
        .pending = ash_vgic_is_pending_(irq) || (lr & ASH_ICH_LR_PENDING) != 0U,
        .active = irq->lr != ASH_VGIC_NO_LR ? (lr & ASH_ICH_LR_ACTIVE) != 0U : (irq->state & ACTIVE) != 0U,
        .level = (irq->state & LINE) != 0U,
        .edge = (irq->state & EDGE) != 0U,
        .group1 = (irq->state & GROUP1) != 0U,
        .linked = irq->pintid != ASH_VGIC_NO_PINTID,
        .priority = irq->priority,
        .target = irq->target,
    };
    return ASH_OK;
}
