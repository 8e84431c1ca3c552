/* SPDX-License-Identifier: BSD-2-Clause */
/* GICD_*: the distributor's frame. IHI 0069 12.8, one security state, affinity routing always on. */
#include "internal.h"

#define CTLR_ARE ASH_BIT(4) /* RAO/WI: no legacy operation */
#define CTLR_DS  ASH_BIT(6) /* RAO/WI: one security state */
#define CTLR_RWP ASH_BIT(31)

static uint64_t read_ctlr(struct ash_vgic_access_ *a)
{
    /* A disabled interrupt may still sit in the LR of a running vCPU: the write is in progress until that one
     * has flushed. */
    return a->vgic->ctlr | CTLR_ARE | CTLR_DS | (a->vgic->recalls != 0U ? CTLR_RWP : 0U);
}

void ash_vgic_write_enables_(struct ash_vgic *vgic, uint32_t enables)
{
    bool closes = (vgic->ctlr & ~enables) != 0U;

    if (vgic->ctlr == enables) {
        return;
    }
    vgic->ctlr = enables;
    for (uint32_t n = 0; n < vgic->vcpu_count; n++) {
        struct ash_vgic_vcpu *vcpu = vgic->vcpus[n];
        if (vcpu->queue != NULL || vcpu->lrs.used != 0U) {
            if (closes && vcpu->lrs.used != 0U) {
                ash_vgic_recall_(vcpu);
            }
            ash_vgic_post_(vgic, vcpu);
        }
    }
}

static void write_ctlr(struct ash_vgic_access_ *a, uint64_t value)
{
    ash_vgic_write_enables_(a->vgic, (uint32_t)value & GICD_CTLR_ENABLES);
}

/* GICD_SETSPI_NSR, GICD_CLRSPI_NSR: the SPI whose INTID was written, in [12:0]. */
static struct ash_vgic_irq *messaged(struct ash_vgic_access_ *a, uint64_t value)
{
    uint32_t intid = (uint32_t)ash_field(value, 12, 0);
    return intid >= ASH_VGIC_PRIVATE_IRQS ? ash_vgic_irq_(a->vgic, 0, intid) : NULL;
}

static void write_setspi(struct ash_vgic_access_ *a, uint64_t value)
{
    struct ash_vgic_irq *irq = messaged(a, value);

    if (irq != NULL) {
        irq->state |= (irq->state & EDGE) != 0U ? LATCH : MESSAGE;
        ash_vgic_update_(a->vgic, irq);
    }
}

static void write_clrspi(struct ash_vgic_access_ *a, uint64_t value)
{
    struct ash_vgic_irq *irq = messaged(a, value);

    if (irq == NULL) {
        return;
    }
    if ((irq->state & EDGE) != 0U) {
        ash_vgic_clear_pending_(a->vgic, irq);
    } else {
        irq->state &= ~MESSAGE;
        ash_vgic_update_(a->vgic, irq);
    }
}

static struct ash_vgic_irq *routed(struct ash_vgic_access_ *a)
{
    uint32_t intid = a->at / 8U;
    return intid >= ASH_VGIC_PRIVATE_IRQS ? ash_vgic_irq_(a->vgic, 0, intid) : NULL;
}

static uint64_t read_irouter(struct ash_vgic_access_ *a)
{
    const struct ash_vgic_irq *irq = routed(a);
    return irq != NULL ? ash_vgic_half_read_(a, irq->route) : 0U;
}

static void write_irouter(struct ash_vgic_access_ *a, uint64_t value)
{
    struct ash_vgic_irq *irq = routed(a);

    if (irq == NULL) {
        return;
    }
    /* Aff3 [39:32], Interrupt_Routing_Mode [31], Aff2..Aff0 [23:0]. */
    uint64_t route = ash_vgic_half_write_(a, irq->route, value) & UINT64_C(0xFF80FFFFFF);
    if (route != irq->route) {
        irq->route = route;
        irq->target = ash_vgic_target_of_(a->vgic, irq->route);
        ash_vgic_update_(a->vgic, irq);
    }
}

/* Not here, so RAZ/WI: GICD_TYPER2 0xC (GICv4.1); GICD_STATUSR 0x10 (optional); GICD_SETSPI_SR 0x50 and
 * GICD_CLRSPI_SR 0x58, GICD_IGRPMODR 0xD00, GICD_NSACR 0xE00 (one security state); GICD_ITARGETSR 0x800,
 * GICD_SGIR 0xF00, GICD_CPENDSGIR 0xF10, GICD_SPENDSGIR 0xF20 (affinity routing); GICD_*nE 0x1000..0x5FFF and
 * 0x8000.. (GICD_TYPER.ESPI = 0). */
static const struct ash_vgic_frame_ frame = {
    .size = ASH_VGIC_DIST_SIZE,
    .paged = 0,
    .other = 14,
    .at = {0,  1,  2,  3,  3,  3,  3,  3,  3,  3,  3,  3,  3,  3,  3,  3,
           3,  4,  4,  5,  5,  5,  5,  5,  5,  5,  5,  5,  5,  5,  5,  5, /* words */
           0,  5,  6,  7,  8,  9,  10, 11, 12, 12, 12, 12, 12, 12, 12, 12,
           13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 14, 14, 14, 14, 14, 14},
    .regions =
        {
            {0x0000, 0x0003, 4, read_ctlr, write_ctlr},
            {0x0004, 0x0007, 4, ash_vgic_read_typer_, WI},
            {0x0008, 0x000B, 4, ash_vgic_read_iidr_, WI},
            {0x0040, 0x0041, 2 | 4, RAZ, write_setspi}, /* the upper half is reserved */
            {0x0048, 0x0049, 2 | 4, RAZ, write_clrspi},
            {0x0080, 0x00FF, 4, ash_vgic_read_group_, ash_vgic_write_group_},
            {0x0100, 0x017F, 4, ash_vgic_read_enable_, ash_vgic_write_isenabler_},
            {0x0180, 0x01FF, 4, ash_vgic_read_enable_, ash_vgic_write_icenabler_},
            {0x0200, 0x027F, 4, ash_vgic_read_pending_, ash_vgic_write_ispendr_},
            {0x0280, 0x02FF, 4, ash_vgic_read_pending_, ash_vgic_write_icpendr_},
            {0x0300, 0x037F, 4, ash_vgic_read_active_, ash_vgic_write_isactiver_},
            {0x0380, 0x03FF, 4, ash_vgic_read_active_, ash_vgic_write_icactiver_},
            {0x0400, 0x07FF, 1 | 4, ash_vgic_read_priority_, ash_vgic_write_priority_},
            {0x0C00, 0x0CFF, 4, ash_vgic_read_config_, ash_vgic_write_config_},
            {0x6000, 0x7FFF, 4 | 8, read_irouter, write_irouter},
            {0xFFD0, 0xFFFF, 4, ash_vgic_read_id_, WI},
        },
};

int ash_vgic_dist_access(struct ash_vgic *vgic, uint32_t vcpu, uint64_t offset, unsigned size, bool is_write,
                         uint64_t *value)
{
    if (vcpu >= vgic->vcpu_count) {
        return ASH_EINVAL;
    }
    struct ash_vgic_vcpu *self = vgic->vcpus[vcpu];
    if (vgic->version == 2U) {
        return ash_vgic_mmio_(vgic, self, self, &ash_vgic_dist2_frame_, 0, offset, size, is_write, value);
    }
    return ash_vgic_mmio_(vgic, self, NULL, &frame, 0, offset, size, is_write, value);
}
