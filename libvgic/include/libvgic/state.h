/* SPDX-License-Identifier: BSD-2-Clause */
/** The state of a virtual GIC as plain data: what ash_vgic_export() writes and ash_vgic_import() takes.
 *
 *  One block: a struct ash_vgic_state, then vcpu_count x struct ash_vgic_vcpu_state, then spi_count x
 *  struct ash_vgic_irq_state. No padding, no pointers, integers in the byte order of the machine; reserved
 *  fields are 0. Two states are the same exactly if their bytes are.
 */
#ifndef LIBVGIC_STATE_H
#define LIBVGIC_STATE_H

#include <libbase/compiler.h>
#include <libvgic/vgic.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ASH_VGIC_STATE_VERSION UINT32_C(2)

/* struct ash_vgic_irq_state.flags */
#define ASH_VGIC_STATE_ENABLED     UINT32_C(0x01)
#define ASH_VGIC_STATE_LATCH       UINT32_C(0x02) /* an edge, an SGI, ISPENDR, a linked interrupt */
#define ASH_VGIC_STATE_LINE        UINT32_C(0x04) /* the input line is high */
#define ASH_VGIC_STATE_MESSAGE     UINT32_C(0x08) /* GICD_SETSPI_NSR to a level-sensitive SPI */
#define ASH_VGIC_STATE_ACTIVE      UINT32_C(0x10)
#define ASH_VGIC_STATE_SOFT_ACTIVE UINT32_C(0x20) /* active by ISACTIVER: no EOI belongs to it */
#define ASH_VGIC_STATE_GROUP1      UINT32_C(0x40)
#define ASH_VGIC_STATE_EDGE        UINT32_C(0x80)
#define ASH_VGIC_STATE_ACKED_AS_1  UINT32_C(0x100) /* acknowledged as one of Group 1; see active_priority */
#define ASH_VGIC_STATE_FLAGS       UINT32_C(0x1FF)

struct ash_vgic_irq_state {
    uint64_t route; /* SPI: GICD_IROUTER<n>, or a GICv2's GICD_ITARGETSR byte; else 0 */
    uint32_t flags;
    uint16_t owner;  /* active: the vCPU that has it; else 0 */
    uint16_t target; /* 1 of N and waiting: the vCPU that was chosen; else ASH_VGIC_NO_VCPU */
    uint8_t priority;
    uint8_t sources;         /* GICv2 SGIs: the CPUs for which it is pending; else 0 */
    uint8_t source;          /* GICv2 SGIs that are active: for which CPU; else 0 */
    uint8_t active_priority; /* active by acknowledgement: the priority of then; else 0 */
    uint8_t reserved[4];
};

/* struct ash_vgic_vcpu_state.flags */
#define ASH_VGIC_STATE_ONLINE UINT32_C(0x1) /* between ash_vgic_vcpu_reset() and ash_vgic_vcpu_offline() */
#define ASH_VGIC_STATE_ASLEEP UINT32_C(0x2) /* GICR_WAKER.ProcessorSleep */

struct ash_vgic_vcpu_state {
    uint32_t affinity; /* Aff3.Aff2.Aff1.Aff0; import: as configured */
    uint32_t flags;
    uint32_t vmcr; /* ICH_VMCR_EL2 */
    uint32_t reserved;
    uint32_t apr0[4]; /* ICH_AP0R<n>_EL2; GICH_APR is apr0[0] */
    uint32_t apr1[4];
    struct ash_vgic_irq_state irqs[ASH_VGIC_PRIVATE_IRQS];
};

struct ash_vgic_state {
    uint32_t version;     /* ASH_VGIC_STATE_VERSION */
    uint32_t size;        /* bytes of the whole block */
    uint32_t gic_version; /* 2 or 3 */
    uint32_t vcpu_count;
    uint32_t spi_count;
    uint32_t ctlr;      /* GICD_CTLR: EnableGrp1, EnableGrp0 */
    uint32_t next_1ofn; /* the vCPU at which the next choice of a 1-of-N target begins */
    uint8_t priority_bits;
    uint8_t preemption_bits;
    uint8_t reserved[2];
};

ASH_STATIC_ASSERT(sizeof(struct ash_vgic_irq_state) == 24, "no padding");
ASH_STATIC_ASSERT(sizeof(struct ash_vgic_vcpu_state) == 48 + 32 * 24, "no padding");
ASH_STATIC_ASSERT(sizeof(struct ash_vgic_state) == 32, "no padding");

/** Bytes of the state of a GIC with @vcpus and @spis; a constant expression if they are. */
#define ASH_VGIC_STATE_SIZE(vcpus, spis)                                                                     \
    (sizeof(struct ash_vgic_state) + (size_t)(vcpus) * sizeof(struct ash_vgic_vcpu_state) +                  \
     (size_t)(spis) * sizeof(struct ash_vgic_irq_state))

/** vCPU @n's part (n < vcpu_count), and SPI 32 + @n's (n < spi_count), of a state. Nothing is checked. */
static inline struct ash_vgic_vcpu_state *ash_vgic_state_vcpu(struct ash_vgic_state *state, uint32_t n)
{
    return (struct ash_vgic_vcpu_state *)(void *)(state + 1) + n;
}

static inline struct ash_vgic_irq_state *ash_vgic_state_spi(struct ash_vgic_state *state, uint32_t n)
{
    return (struct ash_vgic_irq_state *)(void *)ash_vgic_state_vcpu(state, state->vcpu_count) + n;
}

#ifdef __cplusplus
}
#endif

#endif
