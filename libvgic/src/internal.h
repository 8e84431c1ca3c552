/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of libvgic share. Nothing here is for others. */
#ifndef LIBVGIC_INTERNAL_H
#define LIBVGIC_INTERNAL_H

#include <libbase/assert.h>
#include <libbase/mem.h>
#include <libbase/nospec.h>
#include <libvgic/ich.h>
#include <libvgic/vgic.h>

/* struct ash_vgic_irq.state. While an interrupt is in an LR, the LR has the last word on its pending and
 * active state: ACTIVE is then as of the last sync, LATCH only what was latched since the LR was filled. */
#define ENABLED  UINT32_C(0x001)
#define LATCH    UINT32_C(0x002) /* an edge, an SGI, a write to ISPENDR, or a linked interrupt that fired */
#define LINE     UINT32_C(0x004) /* the input line is high */
#define ACTIVE   UINT32_C(0x008)
#define GROUP1   UINT32_C(0x010)
#define EDGE     UINT32_C(0x020)
#define QUEUED   UINT32_C(0x040) /* in the queue of vCPU @owner */
#define LR_LATCH UINT32_C(0x080) /* the pending state in the LR took the latch with it */
#define PHYS_ACTIVE                                                                                          \
    UINT32_C(0x100)             /* the linked physical interrupt was acknowledged and is not deactivated */
#define RELEASE UINT32_C(0x200) /* the physical PPI is to be deactivated at its vCPU's next flush */
/* Requests of register writes to an interrupt in an LR, or active beyond the LRs of a loaded vCPU: done at the sync. */
#define CLEAR_PENDING UINT32_C(0x400)
#define SET_ACTIVE    UINT32_C(0x800)
#define CLEAR_ACTIVE  UINT32_C(0x1000)
#define SOFT_ACTIVE   UINT32_C(0x2000) /* ACTIVE by ISACTIVER: no EOI belongs to it */
#define LR_PHYS       UINT32_C(0x4000) /* PHYS_ACTIVE was set when the LR was filled: what ends there ends it */
#define MESSAGE       UINT32_C(0x8000) /* GICD_SETSPI_NSR holds a level-sensitive SPI pending */
/* PHYS_ACTIVE is that of the pending state: it fired while an active one (of ISPENDR, say) is not its own. */
#define PHYS_NEXT UINT32_C(0x10000)
/* Priority or group were written since it came into its LR or was acknowledged, and active_as is what they were.
 * Hardware knows by them which active priority belongs to an active interrupt, and its EOI deactivates nothing
 * where they do not agree (IHI 0069 4.1, 4.8; ICV_EOIR1_EL1): so it keeps them until it is deactivated. Only ever
 * set for what is in an LR or acknowledged. */
#define RECONFIGURED UINT32_C(0x20000)
#define REQUESTS     (CLEAR_PENDING | SET_ACTIVE | CLEAR_ACTIVE)
#define HIGH         (LINE | MESSAGE) /* what a level-sensitive interrupt is pending by */

/* struct ash_vgic_irq.active_as: the bits of ICH_LR<n>_EL2[63:48] that EOIR compares with the active priority. */
#define AS_SHIFT    ASH_ICH_LR_PRIORITY_SHIFT
#define AS_PRIORITY UINT16_C(0x00FF)
#define AS_GROUP1   UINT16_C(0x1000)

#define GICD_CTLR_ENABLES UINT32_C(0x3) /* EnableGrp0, EnableGrp1 */
#define IROUTER_IRM       ASH_BIT(31)   /* in irq.route of either version: 1 of N */

#define SGI_COUNT UINT32_C(16)

/* ---- irq.c: look-up, pending rules, queues ---- */

/* The one way from an INTID to its interrupt. @vcpu: whose, if it is private; a valid index. NULL: no such
 * INTID. */
struct ash_vgic_irq *ash_vgic_irq_(struct ash_vgic *vgic, uint32_t vcpu, uint32_t intid);

/* The vCPU of this affinity, or ASH_VGIC_NO_VCPU. */
uint16_t ash_vgic_find_affinity_(const struct ash_vgic *vgic, uint32_t affinity);

/* After the targets of 1-of-N interrupts have become more: SPIs that found none look again. */
void ash_vgic_retarget_all_(struct ash_vgic *vgic);

/* After vCPU @vcpu has ceased to be a target of 1-of-N interrupts: those that wait for it go to others. */
void ash_vgic_retarget_queue_(struct ash_vgic *vgic, struct ash_vgic_vcpu *vcpu);

/* An LR of @vcpu holds what may no longer be delivered; and no more. */
void ash_vgic_recall_(struct ash_vgic_vcpu *vcpu);
void ash_vgic_recalled_(struct ash_vgic_vcpu *vcpu);

/* Set @irq's target from its route. 1 of N: chosen when it becomes pending. */
uint16_t ash_vgic_target_of_(const struct ash_vgic *vgic, uint64_t route);

/* After any change of @irq: bring it into the right queue, or ask the vCPU in whose LR it is to sync. */
void ash_vgic_update_(struct ash_vgic *vgic, struct ash_vgic_irq *irq);

/* The same for one that is in no LR; vCPU @self is flushing and needs no kick (ASH_VGIC_NO_VCPU: none is). */
void ash_vgic_place_(struct ash_vgic *vgic, struct ash_vgic_irq *irq, uint16_t self);

void ash_vgic_unqueue_(struct ash_vgic *vgic, struct ash_vgic_irq *irq);

/* Make vCPU @vcpu sync and flush. */
void ash_vgic_post_(struct ash_vgic *vgic, struct ash_vgic_vcpu *vcpu);

/* The linked interrupt of @irq fired again: the guest has deactivated it, so an LR that held it with HW = 1
 * is empty, without reading it. */
void ash_vgic_drop_hw_lr_(struct ash_vgic *vgic, struct ash_vgic_irq *irq);

/* What release_ left for @vcpu's own CPU: this is it, the physical PPI is deactivated. */
void ash_vgic_release_here_(struct ash_vgic_vcpu *vcpu, struct ash_vgic_irq *irq);

/* The physical interrupt behind @irq is done with; deactivate it, on the right CPU. */
void ash_vgic_release_(struct ash_vgic *vgic, struct ash_vgic_irq *irq);

/* @irq, which is in no LR, is not active any more, and what is linked to that with it. update_ or place_ follows. */
void ash_vgic_deactivate_(struct ash_vgic *vgic, struct ash_vgic_irq *irq);

static inline struct ash_vgic_vcpu *ash_vgic_owner_(const struct ash_vgic *vgic,
                                                    const struct ash_vgic_irq *irq)
{
    return vgic->vcpus[irq->owner];
}

/* What was given to @owner as @irq, which is in one of its LRs. Its CPU may be reading that from hardware. */
static inline uint64_t ash_vgic_image_of_(const struct ash_vgic_vcpu *owner, const struct ash_vgic_irq *irq)
{
    return __atomic_load_n(&owner->lrs.lr[irq->lr], __ATOMIC_RELAXED);
}

static inline bool ash_vgic_is_pending_(const struct ash_vgic_irq *irq)
{
    return (irq->state & LATCH) != 0U || ((irq->state & EDGE) == 0U && (irq->state & HIGH) != 0U);
}

/* An SGI of a GICv2: pending for each requesting CPU on its own. LATCH is then "sources is not 0". */
static inline bool ash_vgic_has_sources_(const struct ash_vgic *vgic, const struct ash_vgic_irq *irq)
{
    return vgic->version == 2U && irq->intid < SGI_COUNT;
}

/* Was it made active by the guest's acknowledgement? */
static inline bool ash_vgic_is_acked_(const struct ash_vgic_irq *irq)
{
    return (irq->state & (ACTIVE | SOFT_ACTIVE)) == ACTIVE;
}

/* Priority and group as the guest has configured them, in the form of active_as; and those that an LR for @irq
 * has. */
static inline uint16_t ash_vgic_configured_as_(const struct ash_vgic_irq *irq)
{
    return (uint16_t)(irq->priority | ((irq->state & GROUP1) != 0U ? AS_GROUP1 : 0U));
}

static inline uint16_t ash_vgic_lr_as_(const struct ash_vgic_irq *irq)
{
    return (irq->state & RECONFIGURED) != 0U ? irq->active_as : ash_vgic_configured_as_(irq);
}

/* Do enable bit, group enable and the sleep state of @vcpu let @irq through, and is it routed there? */
static inline bool ash_vgic_is_open_(const struct ash_vgic *vgic, const struct ash_vgic_irq *irq,
                                     const struct ash_vgic_vcpu *vcpu)
{
    uint32_t group = (irq->state & GROUP1) != 0U ? 2U : 1U;
    return (irq->state & ENABLED) != 0U && (vgic->ctlr & group) != 0U && irq->target == vcpu->index &&
           !vcpu->asleep;
}

/* ---- lr.c ---- */

/* Put @irq, which is in no queue, into LR @n. @crowded: pending ones are left in the queue. */
void ash_vgic_fill_(struct ash_vgic_vcpu *vcpu, struct ash_vgic_irq *irq, unsigned n, bool crowded);

/* ---- soft.c: the CPU interface without LRs ---- */

static inline bool ash_vgic_is_soft_(const struct ash_vgic *vgic)
{
    return vgic->lr_count == 0U;
}

/* Decide what is signalled, and leave no work. */
void ash_vgic_soft_flush_(struct ash_vgic_vcpu *vcpu);

/* @vcpu's active priorities are others by now. */
void ash_vgic_soft_import_(struct ash_vgic_vcpu *vcpu);

/* Do group enable, priority mask and @running, the running priority, let @irq through? */
bool ash_vgic_soft_signals_(const struct ash_vgic_vcpu *vcpu, const struct ash_vgic_irq *irq,
                            unsigned running);

/* ---- mmio.c: one access to a frame of registers ---- */

struct ash_vgic_access_ {
    struct ash_vgic *vgic;
    struct ash_vgic_vcpu *self; /* the vCPU that accesses */
    struct ash_vgic_vcpu *bank; /* whose private interrupts it shows; GICv3's distributor: NULL */
    uint32_t offset;            /* in the frame */
    uint32_t at;                /* in the region */
    unsigned size;
    bool stale; /* set by a read handler: the answer is in the LR of a loaded vCPU */
};

struct ash_vgic_region_ {
    uint32_t first, last; /* offsets, bytes; last is inclusive */
    unsigned widths;      /* sum of the sizes allowed: 1, 2, 4, 8 */
    uint64_t (*read)(struct ash_vgic_access_ *a);
    void (*write)(struct ash_vgic_access_ *a, uint64_t value);
};

/* A read of what only the LRs of loaded vCPUs can tell: those were made to sync, and the guest comes again. The answer
 * it then gets was true between its first and its last try. Returns ASH_EBUSY. */
int ash_vgic_come_again_(struct ash_vgic_vcpu *self, uint64_t key, uint64_t *value);

/* Which register it is. */
static inline uint64_t ash_vgic_key_of_(const struct ash_vgic_access_ *a)
{
    return a->offset | (a->bank != NULL ? (uint64_t)(a->bank->index + 1U) << 32 : 0U);
}

#define ASH_VGIC_FRAME_WORDS_   32U
#define ASH_VGIC_FRAME_REGIONS_ 17U

/* The registers of a frame. What is in no region is RAZ/WI. */
struct ash_vgic_frame_ {
    uint8_t other;  /* the first region to look at for what @at does not cover */
    uint32_t size;  /* bytes */
    uint32_t paged; /* where the 4 KiB begin that @at covers */
    /* The first region to look at, always one that there is: of the frame's first 32 words; then per 128 bytes of
     * those 4 KiB, the size of the registers with a bit per interrupt. It mostly is the one. */
    uint8_t at[2U * ASH_VGIC_FRAME_WORDS_]; /* a power of two */
    struct ash_vgic_region_
        regions[ASH_VGIC_FRAME_REGIONS_ + 1U]; /* ascending; behind the last one an empty one */
};

/* An access of @self; the others as in struct ash_vgic_access_. Returns ASH_OK; ASH_EBUSY; ASH_EINVAL: @size;
 * ASH_ERANGE: @offset. */
int ash_vgic_mmio_slow_(struct ash_vgic *vgic, struct ash_vgic_vcpu *self, struct ash_vgic_vcpu *bank,
                        const struct ash_vgic_frame_ *frame, uint64_t offset, unsigned size, bool is_write,
                        uint64_t *value);

/* The same, inline and with nothing to keep over the handler's call where the first region looked at is it: that is
 * most of what a guest's access costs. Inline always, so that each frame's copy has its constants. @paged: the
 * frame's, which the caller knows. */
static inline __attribute__((always_inline)) int
ash_vgic_mmio_(struct ash_vgic *vgic, struct ash_vgic_vcpu *self, struct ash_vgic_vcpu *bank,
               const struct ash_vgic_frame_ *frame, uint32_t paged, uint64_t offset, unsigned size,
               bool is_write, uint64_t *value)
{
    uint64_t in = offset - paged;
    uint64_t look = ASH_VGIC_FRAME_WORDS_ + (in >> 7);

    if (offset < 4U * ASH_VGIC_FRAME_WORDS_) {
        look = offset >> 2;
    } else if (in >= 0x1000U) {
        return ash_vgic_mmio_slow_(vgic, self, bank, frame, offset, size, is_write, value);
    }
    const struct ash_vgic_region_ *region =
        &frame->regions[frame->at[ash_wrap_nospec(look, ASH_ARRAY_SIZE(frame->at))]];
    uint32_t at = (uint32_t)offset - region->first;
    /* What is no power of two has more than its highest bit, which the second comparison finds. */
    if (at > region->last - region->first || (((uint32_t)offset | size) & (size - 1U)) != 0U ||
        (region->widths & size) == 0U || self->snooping) {
        return ash_vgic_mmio_slow_(vgic, self, bank, frame, offset, size, is_write, value);
    }
    struct ash_vgic_access_ a = {vgic, self, bank, (uint32_t)offset, at, size, false};
    if (is_write) {
        region->write(&a, *value & ASH_MASK(8U * size - 1U, 0));
        return ASH_OK;
    }
    *value = region->read(&a);
    return a.stale ? ash_vgic_come_again_(a.self, ash_vgic_key_of_(&a), value) : ASH_OK;
}

/* GICv2's distributor: its frame. */
extern const struct ash_vgic_frame_ ash_vgic_dist2_frame_;

uint64_t ash_vgic_read_zero_(struct ash_vgic_access_ *a);
void ash_vgic_write_ignored_(struct ash_vgic_access_ *a, uint64_t value);
#define RAZ ash_vgic_read_zero_
#define WI  ash_vgic_write_ignored_

/* The addressed half of a 64-bit register, and the register with that half replaced. */
uint64_t ash_vgic_half_read_(const struct ash_vgic_access_ *a, uint64_t reg);
uint64_t ash_vgic_half_write_(const struct ash_vgic_access_ *a, uint64_t reg, uint64_t value);

uint64_t ash_vgic_read_id_(struct ash_vgic_access_ *a);
uint64_t ash_vgic_read_iidr_(struct ash_vgic_access_ *a);
uint64_t ash_vgic_read_typer_(struct ash_vgic_access_ *a);

/* ---- dist.c ---- */

/* GICD_CTLR's group enables of either version. */
void ash_vgic_write_enables_(struct ash_vgic *vgic, uint32_t enables);

/* ---- bits.c: registers with a field per interrupt, the same in GICD and GICR ---- */

/* The fields of an access: those of @count interrupts, from @irq. */
struct ash_vgic_block_ {
    struct ash_vgic_irq *irq;
    unsigned count;
};

/* The interrupts from INTID @first, at most @wanted: private ones of a->bank, or SPIs. None: count is 0. */
struct ash_vgic_block_ ash_vgic_block_(const struct ash_vgic_access_ *a, uint32_t first, unsigned wanted);

/* Does this read have to wait for @owner's next sync? Then that is asked for, and the access is stale. */
void ash_vgic_want_sync_(struct ash_vgic_access_ *a, struct ash_vgic_vcpu *owner);

/* The LR of @irq, which is in one, as this read may use it. It may be found stale: see struct ash_vgic_access_. */
uint64_t ash_vgic_look_at_lr_(struct ash_vgic_access_ *a, const struct ash_vgic_irq *irq);

/* One interrupt: as ICPENDR and ICACTIVER do. */
void ash_vgic_clear_pending_(struct ash_vgic *vgic, struct ash_vgic_irq *irq);
void ash_vgic_clear_active_(struct ash_vgic *vgic, struct ash_vgic_irq *irq);

uint64_t ash_vgic_read_group_(struct ash_vgic_access_ *a);
void ash_vgic_write_group_(struct ash_vgic_access_ *a, uint64_t value);
uint64_t ash_vgic_read_enable_(struct ash_vgic_access_ *a);
void ash_vgic_write_isenabler_(struct ash_vgic_access_ *a, uint64_t value);
void ash_vgic_write_icenabler_(struct ash_vgic_access_ *a, uint64_t value);
uint64_t ash_vgic_read_pending_(struct ash_vgic_access_ *a);
void ash_vgic_write_ispendr_(struct ash_vgic_access_ *a, uint64_t value);
void ash_vgic_write_icpendr_(struct ash_vgic_access_ *a, uint64_t value);
uint64_t ash_vgic_read_active_(struct ash_vgic_access_ *a);
void ash_vgic_write_isactiver_(struct ash_vgic_access_ *a, uint64_t value);
void ash_vgic_write_icactiver_(struct ash_vgic_access_ *a, uint64_t value);
uint64_t ash_vgic_read_priority_(struct ash_vgic_access_ *a);
void ash_vgic_write_priority_(struct ash_vgic_access_ *a, uint64_t value);
uint64_t ash_vgic_read_config_(struct ash_vgic_access_ *a);
void ash_vgic_write_config_(struct ash_vgic_access_ *a, uint64_t value);

#endif
