/* SPDX-License-Identifier: BSD-2-Clause */
/* SGI generation by system register. IHI 0069 12.2.x ICC_SGI0R_EL1, ICC_SGI1R_EL1, ICC_ASGI1R_EL1. */
#include "internal.h"

#define SGIR_IRM ASH_BIT(40)

static void send(struct ash_vgic *vgic, struct ash_vgic_vcpu *to, uint32_t intid,
                 enum ash_vgic_sgi_register which)
{
    struct ash_vgic_irq *irq = ash_vgic_irq_(vgic, to->index, intid);

    /* With one security state SGI1R reaches either group; SGI0R, and ASGI1R, which knows no other security
     * state, only Group 0. */
    if (which != ASH_VGIC_SGI1R && (irq->state & GROUP1) != 0U) {
        return;
    }
    irq->state |= LATCH;
    ash_vgic_update_(vgic, irq);
}

void ash_vgic_sgi(struct ash_vgic *vgic, uint32_t vcpu, uint64_t value, enum ash_vgic_sgi_register which)
{
    uint32_t intid = (uint32_t)ash_field(value, 27, 24);

    if (vcpu >= vgic->vcpu_count || vgic->version == 2U) {
        return;
    }
    if ((value & SGIR_IRM) != 0U) {
        for (uint32_t n = 0; n < vgic->vcpu_count; n++) {
            if (n != vcpu) {
                send(vgic, vgic->vcpus[n], intid, which);
            }
        }
        return;
    }
    uint64_t affinity = (ash_field(value, 55, 48) << 24) | (ash_field(value, 39, 32) << 16) |
                        (ash_field(value, 23, 16) << 8) | (ash_field(value, 47, 44) << 4);
    for (uint64_t list = value & 0xFFFFU; list != 0U; list &= list - 1U) {
        uint16_t to = ash_vgic_find_affinity_(vgic, (uint32_t)affinity + ash_lowest_bit(list));
        if (to != ASH_VGIC_NO_VCPU) {
            send(vgic, vgic->vcpus[to], intid, which);
        }
    }
}
