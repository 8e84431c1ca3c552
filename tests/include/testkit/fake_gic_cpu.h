/* SPDX-License-Identifier: BSD-2-Clause */
/** The virtual CPU interface of one physical CPU, as hardware has it: list registers, virtual machine
 *  control, active priorities; what the guest does to it (ICV_* system registers, GICV_* memory), what the
 *  hypervisor moves to and from it, and the maintenance interrupt. IHI 0069 chapters 4, 6, 12; IHI 0048B
 *  chapter 5.
 *
 *  What a hypervisor must not do (two list registers with one INTID, a physical SGI, a reserved INTID,
 *  pending and active with HW = 1, ...) is counted, and the first kept in words. What the architecture leaves
 *  open is decided by the fake's random numbers; what it leaves UNKNOWN is garbage. */
#ifndef TESTKIT_FAKE_GIC_CPU_H
#define TESTKIT_FAKE_GIC_CPU_H

#include <stdbool.h>
#include <stdint.h>

#include <libvgic/vgic.h>

#include <testkit/fake_gic_soft.h>
#include <testkit/seed.h>

#define FAKE_GIC_SPURIOUS UINT32_C(1023)
#define FAKE_GIC_IDLE     UINT32_C(0xFF)
#define FAKE_GIC_LEVELS   128U /* at most 7 preemption bits */

/** A list register, its fields apart. */
struct fake_gic_lr {
    bool pending, active;
    bool hw, group1, eoi;
    uint8_t priority;
    uint8_t source; /* GICv2, an SGI: the CPU interface that asked for it */
    uint32_t vintid, pintid;
};

struct fake_gic_cpu {
    unsigned version;  /* 2: GICH_*, GICV_*; 3: ICH_*, ICV_* */
    unsigned lr_count; /* 1..16; 0: no hardware, the guest's side is @soft's */
    const struct fake_gic_soft *soft;
    unsigned priority_bits;   /* 5..8; GICv2: 5 */
    unsigned preemption_bits; /* 5..7; GICv2: 5 */
    bool has_tdir;
    /** A guest's deactivation of a list register with HW = 1 reaches the distributor. */
    void (*deactivate)(void *ctx, uint32_t pintid);
    void *ctx;
    struct test_rng rng;

    struct fake_gic_lr lr[ASH_VGIC_MAX_LRS];
    bool compares_groups; /* preemption: the running priority is cut to the group bits of the new one: true */
    uint32_t hcr, eoi_count;
    uint32_t vmcr; /* canonical: ICH_VMCR_EL2's places, and GICH_VMCR's AckCtl in bit 2 */
    bool active_priority[2][FAKE_GIC_LEVELS];

    unsigned violations;
    char message[160]; /* the first violation */
};

/** Set up the fields before rng. */
void fake_gic_cpu_init(struct fake_gic_cpu *cpu, uint64_t seed);

/* ---- The hypervisor's side: what libvgic/el2.h says that the movers do */

void fake_gic_cpu_load(struct fake_gic_cpu *cpu, struct ash_vgic_lrs *image);
void fake_gic_cpu_save(struct fake_gic_cpu *cpu, struct ash_vgic_lrs *image);
void fake_gic_cpu_fetch(struct fake_gic_cpu *cpu, struct ash_vgic_lrs *image);
void fake_gic_cpu_apply(struct fake_gic_cpu *cpu, struct ash_vgic_lrs *image);
void fake_gic_cpu_fetch_interface(const struct fake_gic_cpu *cpu, struct ash_vgic_lrs *image);
void fake_gic_cpu_write_lr(struct fake_gic_cpu *cpu, unsigned n, uint64_t value);
/** ICH_ELRSR_EL2, ICH_EISR_EL2, ICH_MISR_EL2. */
uint32_t fake_gic_cpu_elrsr(const struct fake_gic_cpu *cpu);
uint32_t fake_gic_cpu_eisr(const struct fake_gic_cpu *cpu);
uint32_t fake_gic_cpu_misr(const struct fake_gic_cpu *cpu);
bool fake_gic_cpu_has_maintenance(const struct fake_gic_cpu *cpu);

/* ---- The guest's side. @group: 0 or 1: ICV_IAR0_EL1 or ICV_IAR1_EL1, and so on */

uint32_t fake_gic_cpu_iar(struct fake_gic_cpu *cpu, unsigned group);
void fake_gic_cpu_eoir(struct fake_gic_cpu *cpu, unsigned group, uint32_t intid);
/** False: the access trapped (ICH_HCR_EL2.TDIR). */
bool fake_gic_cpu_dir(struct fake_gic_cpu *cpu, uint32_t intid);
uint32_t fake_gic_cpu_hppir(const struct fake_gic_cpu *cpu, unsigned group);
uint32_t fake_gic_cpu_rpr(const struct fake_gic_cpu *cpu);
uint32_t fake_gic_cpu_pmr(const struct fake_gic_cpu *cpu);
void fake_gic_cpu_set_pmr(struct fake_gic_cpu *cpu, uint32_t value);
uint32_t fake_gic_cpu_bpr(const struct fake_gic_cpu *cpu, unsigned group);
void fake_gic_cpu_set_bpr(struct fake_gic_cpu *cpu, unsigned group, uint32_t value);
bool fake_gic_cpu_is_enabled(const struct fake_gic_cpu *cpu, unsigned group);
void fake_gic_cpu_enable(struct fake_gic_cpu *cpu, unsigned group, bool enable);
/** ICV_CTLR_EL1.CBPR and EOImode. */
void fake_gic_cpu_set_modes(struct fake_gic_cpu *cpu, bool cbpr, bool eoimode);
bool fake_gic_cpu_cbpr(const struct fake_gic_cpu *cpu);
bool fake_gic_cpu_eoimode(const struct fake_gic_cpu *cpu);
/** The vIRQ (@group 1) or vFIQ (@group 0) signal. GICv2 without FIQEn signals both groups as IRQ. */
bool fake_gic_cpu_signals(const struct fake_gic_cpu *cpu, unsigned group);

/** Print what it holds. */
void fake_gic_cpu_dump(const struct fake_gic_cpu *cpu);

/** GICv2: the GICV_* frame, 32-bit accesses. */
uint32_t fake_gic_cpu_read_gicv(struct fake_gic_cpu *cpu, uint32_t offset);
void fake_gic_cpu_write_gicv(struct fake_gic_cpu *cpu, uint32_t offset, uint32_t value);

#endif
