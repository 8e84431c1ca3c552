/* SPDX-License-Identifier: BSD-2-Clause */
/* GICR_*: the redistributors' frames. IHI 0069 12.10, 12.11, without LPIs. */
#include "internal.h"

#define SGI_BASE 0x10000U /* the second 64 KiB */

#define CTLR_RWP              ASH_BIT(3)
#define TYPER_LAST            ASH_BIT(4)
#define WAKER_PROCESSOR_SLEEP ASH_BIT(1)
#define WAKER_CHILDREN_ASLEEP ASH_BIT(2)

static uint64_t read_ctlr(struct ash_vgic_access_ *a)
{
    return a->bank->recall ? CTLR_RWP : 0U;
}

static uint64_t read_typer(struct ash_vgic_access_ *a)
{
    uint64_t typer = ((uint64_t)a->bank->affinity << 32) | ((uint64_t)a->bank->index << 8);

    typer |= a->bank->index + 1U == a->vgic->vcpu_count ? TYPER_LAST : 0U;
    return ash_vgic_half_read_(a, typer);
}

static uint64_t read_waker(struct ash_vgic_access_ *a)
{
    return a->bank->asleep ? WAKER_PROCESSOR_SLEEP | WAKER_CHILDREN_ASLEEP : 0U;
}

static void write_waker(struct ash_vgic_access_ *a, uint64_t value)
{
    bool asleep = (value & WAKER_PROCESSOR_SLEEP) != 0U;

    if (a->bank->asleep == asleep) {
        return;
    }
    a->bank->asleep = asleep;
    ash_vgic_post_(a->vgic, a->bank);
    if (asleep) {
        ash_vgic_retarget_queue_(a->vgic, a->bank);
    } else {
        ash_vgic_retarget_all_(a->vgic);
    }
}

/* Not here, so RAZ/WI: GICR_STATUSR 0x10 (optional); GICR_MPAMIDR 0x18, GICR_PARTIDR 0x1C; GICR_SETLPIR 0x40,
 * CLRLPIR, PROPBASER, PENDBASER, INVLPIR, INVALLR, SYNCR 0xC0 (no LPIs); GICR_IGRPMODR0 0x10D00 and GICR_NSACR
 * 0x10E00 (one security state); GICR_*nE of the extended PPIs (GICR_TYPER.PPInum = 0). */
static const struct ash_vgic_frame_ frame = {
    .size = ASH_VGIC_REDIST_SIZE,
    .paged = SGI_BASE,
    .other = 0,
    .at = {0,  1,  2,  2,  3,  3,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,
           4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4, /* words */
           5,  5,  6,  7,  8,  9,  10, 11, 12, 12, 12, 12, 12, 12, 12, 12,
           13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13},
    .regions =
        {
            {0x00000, 0x00003, 4, read_ctlr, WI}, /* EnableLPIs is RES0: GICR_TYPER.PLPIS = 0 */
            {0x00004, 0x00007, 4, ash_vgic_read_iidr_, WI},
            {0x00008, 0x0000F, 4 | 8, read_typer, WI},
            {0x00014, 0x00017, 4, read_waker, write_waker},
            {0x0FFD0, 0x0FFFF, 4, ash_vgic_read_id_, WI},
            {0x10080, 0x10083, 4, ash_vgic_read_group_, ash_vgic_write_group_},
            {0x10100, 0x10103, 4, ash_vgic_read_enable_, ash_vgic_write_isenabler_},
            {0x10180, 0x10183, 4, ash_vgic_read_enable_, ash_vgic_write_icenabler_},
            {0x10200, 0x10203, 4, ash_vgic_read_pending_, ash_vgic_write_ispendr_},
            {0x10280, 0x10283, 4, ash_vgic_read_pending_, ash_vgic_write_icpendr_},
            {0x10300, 0x10303, 4, ash_vgic_read_active_, ash_vgic_write_isactiver_},
            {0x10380, 0x10383, 4, ash_vgic_read_active_, ash_vgic_write_icactiver_},
            {0x10400, 0x1041F, 1 | 4, ash_vgic_read_priority_, ash_vgic_write_priority_},
            {0x10C00, 0x10C07, 4, ash_vgic_read_config_,
             ash_vgic_write_config_}, /* ICFGR0: SGIs, writes ignored */
        },
};

int ash_vgic_redist_access(struct ash_vgic *vgic, uint32_t vcpu, uint64_t offset, unsigned size,
                           bool is_write, uint64_t *value)
{
    uint64_t index = offset / ASH_VGIC_REDIST_SIZE;

    if (vcpu >= vgic->vcpu_count) {
        return ASH_EINVAL;
    }
    if (index >= vgic->vcpu_count || vgic->version == 2U) {
        return ASH_ERANGE;
    }
    return ash_vgic_mmio_(vgic, vgic->vcpus[vcpu], vgic->vcpus[ash_index_nospec(index, vgic->vcpu_count)],
                          &frame, SGI_BASE, offset % ASH_VGIC_REDIST_SIZE, size, is_write, value);
}
