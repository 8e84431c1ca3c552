/* SPDX-License-Identifier: BSD-2-Clause */
/** What a guest must see of its GIC: every interrupt of every vCPU in flat arrays, every rule as the manuals
 *  say it, and no idea of list registers. Slow and obvious.
 *
 *  GICv3: IHI 0069, one security state (GICD_CTLR.DS = 1), affinity routing always (ARE = 1), system
 *  registers, no LPIs, no extended ranges. GICv2: IHI 0048B, without the Security Extensions, with interrupt
 *  grouping.
 *
 *  Where the architecture leaves a choice (which of equal priorities, which of several targets), the oracle
 *  answers whether what happened is one of the allowed. */
#ifndef MODEL_VGIC_ORACLE_H
#define MODEL_VGIC_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

#define ORACLE_VCPUS    8U
#define ORACLE_INTIDS   1020U
#define ORACLE_LEVELS   128U
#define ORACLE_SPURIOUS 1023U
#define ORACLE_IDLE     0xFFU
#define ORACLE_IRM      (UINT64_C(1) << 31) /* GICD_IROUTER: 1 of N */

struct oracle_irq {
    bool enabled, group1, edge;
    bool latch;   /* an edge, a write to ISPENDR, an SGI (GICv3) */
    bool fired;   /* the physical interrupt linked to it has fired and was not acknowledged yet */
    bool line;    /* the input line */
    bool message; /* GICD_SETSPI_NSR, while level-sensitive */
    bool active;
    uint8_t priority;
    uint8_t sources;    /* GICv2 SGI: pending, a bit for each requesting CPU interface */
    uint8_t targets;    /* GICv2 SPI: GICD_ITARGETSR */
    uint64_t route;     /* GICv3 SPI: GICD_IROUTER */
    uint32_t elsewhere; /* SPI: on its way back from another vCPU: nobody must have it */
};

struct oracle_cpu {
    bool online, asleep;
    uint32_t affinity;
    uint32_t pmr, bpr[2];
    bool cbpr, eoimode, enabled[2];
    bool active_priority[2][ORACLE_LEVELS];
};

struct oracle {
    unsigned version, vcpus, spis, priority_bits, preemption_bits;
    bool has_messages;     /* GICD_TYPER.MBIS, which is optional */
    bool group_enabled[2]; /* GICD_CTLR */
    struct oracle_cpu cpu[ORACLE_VCPUS];
    struct oracle_irq private_irq[ORACLE_VCPUS][32];
    struct oracle_irq spi[ORACLE_INTIDS];
};

/** Which frame a register is in. */
enum oracle_frame {
    ORACLE_DISTRIBUTOR,
    ORACLE_REDISTRIBUTOR /* @which: whose */
};

struct oracle_access {
    enum oracle_frame frame;
    unsigned vcpu;  /* who accesses */
    unsigned which; /* whose redistributor */
    uint32_t offset;
    unsigned size;
};

/** The implemented bits of a priority. */
static inline uint8_t oracle_priority_mask(const struct oracle *oracle)
{
    return (uint8_t)(0xFFU << (8U - oracle->priority_bits));
}

/** version ... preemption_bits are set, and the affinities. */
void oracle_reset(struct oracle *oracle);
/** CPU_ON: the CPU interface and the private interrupts. */
void oracle_reset_cpu(struct oracle *oracle, unsigned vcpu);

/** NULL: there is no such interrupt. */
struct oracle_irq *oracle_irq(struct oracle *oracle, unsigned vcpu, uint32_t intid);
bool oracle_is_pending(const struct oracle_irq *irq);
/** vCPUs that it may go to, a bit each; more than one: the GIC chooses. */
uint32_t oracle_targets(const struct oracle *oracle, unsigned vcpu, uint32_t intid);

/* ---- Registers */

/** What a read gives. @known: the bits that the manuals decide, the others may be anything. */
uint64_t oracle_read(struct oracle *oracle, const struct oracle_access *access, uint64_t *known);
void oracle_write(struct oracle *oracle, const struct oracle_access *access, uint64_t value);
/** ICC_SGI1R_EL1 and, @group0_only, ICC_SGI0R_EL1 and ICC_ASGI1R_EL1. */
void oracle_sgi(struct oracle *oracle, unsigned vcpu, uint64_t value, bool group0_only);

/* ---- Devices */

void oracle_set_line(struct oracle *oracle, unsigned vcpu, uint32_t intid, bool level);
void oracle_pulse(struct oracle *oracle, unsigned vcpu, uint32_t intid);

/* ---- The CPU interface */

/** Could it be acknowledged by @vcpu, if its priority sufficed? */
bool oracle_is_candidate(struct oracle *oracle, unsigned vcpu, uint32_t intid);
/** Is @value (GICv2 SGIs: source in [12:10]) right for HPPIR / IAR of @group? @ready: the answer may not lag.
 *  */
bool oracle_allows_hppir(struct oracle *oracle, unsigned vcpu, unsigned group, uint32_t value);
bool oracle_allows_iar(struct oracle *oracle, unsigned vcpu, unsigned group, uint32_t value);
/** Must, and may, an interrupt be signalled to @vcpu now? */
bool oracle_must_signal(struct oracle *oracle, unsigned vcpu);
bool oracle_may_signal(struct oracle *oracle, unsigned vcpu);
/** Is there any whose priority suffices, the highest pending one or not? WFI may end more often than it must.
 *  */
bool oracle_may_wake(struct oracle *oracle, unsigned vcpu);
/** An enabled interrupt that is pending for @vcpu, whatever the state of its CPU interface. */
bool oracle_has_wake_up(struct oracle *oracle, unsigned vcpu);
void oracle_acknowledge(struct oracle *oracle, unsigned vcpu, uint32_t value);
void oracle_eoi(struct oracle *oracle, unsigned vcpu, uint32_t value);
void oracle_deactivate(struct oracle *oracle, unsigned vcpu, uint32_t value);
uint32_t oracle_running_priority(const struct oracle *oracle, unsigned vcpu);
void oracle_set_pmr(struct oracle *oracle, unsigned vcpu, uint32_t value);
void oracle_set_bpr(struct oracle *oracle, unsigned vcpu, unsigned group, uint32_t value);
uint32_t oracle_bpr(const struct oracle *oracle, unsigned vcpu, unsigned group);

#endif
