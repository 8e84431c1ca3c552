/* SPDX-License-Identifier: BSD-2-Clause */
/* Where interrupts come from: lines, edges, linked physical interrupts. */
#include "internal.h"

static int find(struct ash_vgic *vgic, uint32_t vcpu, uint32_t intid, struct ash_vgic_irq **irq)
{
    if (vcpu >= vgic->vcpu_count || intid < SGI_COUNT) {
        return ASH_EINVAL;
    }
    *irq = ash_vgic_irq_(vgic, vcpu, intid);
    return *irq != NULL ? ASH_OK : ASH_ENOENT;
}

/* The linked interrupt is not wanted any more. In an LR, the sync decides whether the guest has it already.
 */
static void take_back(struct ash_vgic *vgic, struct ash_vgic_irq *irq)
{
    if ((irq->state & PHYS_ACTIVE) == 0U) {
        return;
    }
    if (irq->lr != ASH_VGIC_NO_LR) {
        irq->state &= (irq->state & PHYS_NEXT) != 0U ? ~LATCH : ~UINT32_C(0);
        irq->state |= CLEAR_PENDING;
    } else if ((irq->state & ACTIVE) == 0U || (irq->state & PHYS_NEXT) != 0U) {
        irq->state &= ~LATCH;
        ash_vgic_release_(vgic, irq);
    }
    ash_vgic_update_(vgic, irq);
}

int ash_vgic_set_level(struct ash_vgic *vgic, uint32_t vcpu, uint32_t intid, bool level)
{
    struct ash_vgic_irq *irq;
    int error = find(vgic, vcpu, intid, &irq);

    if (error != ASH_OK) {
        return error;
    }
    if (irq->pintid != ASH_VGIC_NO_PINTID && !level) {
        take_back(vgic, irq);
    }
    if (((irq->state & LINE) != 0U) == level) {
        return ASH_OK;
    }
    irq->state ^= LINE;
    if ((irq->state & EDGE) == 0U) {
        ash_vgic_update_(vgic, irq);
    } else if (level) {
        irq->state |= LATCH;
        ash_vgic_update_(vgic, irq);
    }
    return ASH_OK;
}

int ash_vgic_pulse(struct ash_vgic *vgic, uint32_t vcpu, uint32_t intid)
{
    struct ash_vgic_irq *irq;
    int error = find(vgic, vcpu, intid, &irq);

    if (error == ASH_OK && (irq->state & EDGE) != 0U) {
        irq->state |= LATCH;
        ash_vgic_update_(vgic, irq);
    }
    return error;
}

int ash_vgic_connect_hw(struct ash_vgic *vgic, uint32_t vcpu, uint32_t intid, uint32_t pintid)
{
    struct ash_vgic_irq *irq;
    int error = find(vgic, vcpu, intid, &irq);

    if (error != ASH_OK) {
        return error;
    }
    if (pintid != ASH_VGIC_NO_PINTID && (pintid < SGI_COUNT || pintid >= 1020U)) {
        return ASH_EINVAL;
    }
    if ((irq->state & PHYS_ACTIVE) != 0U) {
        return ASH_EBUSY;
    }
    irq->pintid = pintid;
    return ASH_OK;
}

int ash_vgic_inject_hw(struct ash_vgic *vgic, uint32_t vcpu, uint32_t intid)
{
    struct ash_vgic_irq *irq;
    int error = find(vgic, vcpu, intid, &irq);

    if (error != ASH_OK) {
        return error;
    }
    if (irq->pintid == ASH_VGIC_NO_PINTID) {
        return ASH_EINVAL;
    }
    ash_vgic_drop_hw_lr_(vgic, irq);
    irq->state = (irq->state | LATCH | PHYS_ACTIVE) & ~RELEASE;
    if ((irq->state & ACTIVE) != 0U || irq->lr != ASH_VGIC_NO_LR) {
        irq->state |= PHYS_NEXT; /* what is in the LR came about without the physical one */
    }
    ash_vgic_update_(vgic, irq);
    return ASH_OK;
}

bool ash_vgic_hw_is_active(const struct ash_vgic_vcpu *vcpu, uint32_t intid)
{
    return intid < ASH_VGIC_PRIVATE_IRQS && (vcpu->irqs[intid].state & PHYS_ACTIVE) != 0U;
}

void ash_vgic_dir(struct ash_vgic *vgic, uint32_t vcpu, uint32_t intid)
{
    if (vcpu >= vgic->vcpu_count) {
        return;
    }
    if (vgic->version == 2U) {
        intid &= 0x3FFU; /* GICV_DIR [12:10]: the source CPU of an SGI, of which one is active at a time */
    }
    struct ash_vgic_irq *irq = ash_vgic_irq_(vgic, vcpu, intid);
    if (irq == NULL) {
        return;
    }
    if (irq->lr == ASH_VGIC_NO_LR) {
        ash_vgic_deactivate_(vgic, irq); /* it says who, so it was not ended by an EOI that is only counted */
        ash_vgic_update_(vgic, irq);
    } else {
        ash_vgic_clear_active_(vgic, irq); /* an SPI's maybe by another PE than the one that took it */
    }
}
