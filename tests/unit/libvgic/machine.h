/* SPDX-License-Identifier: BSD-2-Clause */
/* A VM on CPUs of its own: a vGIC, and per vCPU the model of the virtual CPU interface and of physical active
 * state. Plays the hypervisor's part exactly as vgic.h says: a vCPU comes to sync and flush only when it
 * exits itself, is kicked, or its maintenance interrupt is asserted. So a missing kick is an interrupt that
 * never comes. */
#ifndef VGIC_TEST_MACHINE_H
#define VGIC_TEST_MACHINE_H

#include <testkit/cmocka.h>
#include <testkit/seed.h>

#include <libvgic/vgic.h>

#include "../../fakes/fake_ich.h"

#define MACHINE_MAX_VCPUS 8U
#define MACHINE_MAX_SPIS  988U

#define GICD_CTLR       0x0000U
#define GICD_TYPER      0x0004U
#define GICD_IIDR       0x0008U
#define GICD_IGROUPR    0x0080U
#define GICD_ISENABLER  0x0100U
#define GICD_ICENABLER  0x0180U
#define GICD_ISPENDR    0x0200U
#define GICD_ICPENDR    0x0280U
#define GICD_ISACTIVER  0x0300U
#define GICD_ICACTIVER  0x0380U
#define GICD_IPRIORITYR 0x0400U
#define GICD_ICFGR      0x0C00U
#define GICD_IROUTER    0x6000U
#define GICD_ITARGETSR  0x0800U
#define GICD_SGIR       0x0F00U
#define GICD_CPENDSGIR  0x0F10U
#define GICD_SPENDSGIR  0x0F20U
#define GICD_PIDR2      0xFFE8U
#define GICR_CTLR       0x0000U
#define GICR_TYPER      0x0008U
#define GICR_WAKER      0x0014U
#define GICR_SGI        0x10000U /* the SGI frame: GICR_SGI + the GICD offset of the same register */

struct machine;

struct machine_cpu {
    struct machine *m;
    uint32_t vcpu;
};

struct machine {
    struct machine_cpu cpus[MACHINE_MAX_VCPUS];
    struct ash_vgic vgic;
    struct ash_vgic_vcpu vcpu[MACHINE_MAX_VCPUS];
    struct ash_vgic_vcpu *vcpus[MACHINE_MAX_VCPUS];
    struct ash_vgic_irq spis[MACHINE_MAX_SPIS];
    struct fake_ich ich[MACHINE_MAX_VCPUS];
    bool kicked[MACHINE_MAX_VCPUS];
    unsigned kicks, deactivations, flushes, maintenance;
    bool gich; /* list registers and their moves are a GICH's */
    unsigned version;
    bool soft;                              /* no list registers: the CPU interface is software */
    uint32_t at_work;                       /* 1 + the vCPU whose CPU is in sync, flush or put, or at GICC */
    bool ppi_active[MACHINE_MAX_VCPUS][32]; /* physical */
    bool spi_active[1020];
    const char *violation;
    uint32_t vcpu_count;
};

struct machine_config {
    uint32_t vcpus, spis;
    unsigned lrs;
    unsigned priority_bits, preemption_bits;
    bool tdir;
    const uint32_t *affinity;
    bool deactivate_by_hal;
};

/* 2 vCPUs, 96 SPIs, 4 list registers, 5 priority bits; all vCPUs started and loaded, CPU interfaces open (PMR
 * 0xF0, both groups), both groups enabled in the distributor. */
void machine_init(struct machine *m);
void machine_init_as(struct machine *m, const struct machine_config *config);
/* As hv starts it: nothing loaded but vCPU 0, everything in reset state. */
void machine_init_cold(struct machine *m, const struct machine_config *config);

/* A GICv2, all vCPUs started and loaded, CPU interfaces open, both groups enabled. Its list registers are ICH's, or a
 * GICH's, moved by libvgic/gich.h; or there are none, whatever the configuration says. */
enum machine_way { MACHINE_ICH, MACHINE_GICH, MACHINE_SOFT };
void machine_init_v2(struct machine *m, const struct machine_config *config, enum machine_way way);
/* A GICC register, 32 bits; settles. */
uint32_t gicc_read(struct machine *m, uint32_t vcpu, uint32_t offset);
void gicc_write(struct machine *m, uint32_t vcpu, uint32_t offset, uint32_t value);

void machine_exit(struct machine *m,
                  uint32_t vcpu);       /* vCPU exits for a reason of its own: flush if it needs one */
void machine_settle(struct machine *m); /* kicked vCPUs and maintenance interrupts, until none is left */
void machine_put(struct machine *m, uint32_t vcpu);
void machine_load(struct machine *m, uint32_t vcpu);
/* No violation in either model. */
void machine_check(const struct machine *m);

/* A guest's register access, through exit, flush and (ASH_EBUSY) repetition. Then all settles. */
uint64_t dist_read(struct machine *m, uint32_t vcpu, uint32_t offset, unsigned size);
void dist_write(struct machine *m, uint32_t vcpu, uint32_t offset, unsigned size, uint64_t value);
uint64_t redist_read(struct machine *m, uint32_t vcpu, uint32_t whose, uint32_t offset, unsigned size);
void redist_write(struct machine *m, uint32_t vcpu, uint32_t whose, uint32_t offset, unsigned size,
                  uint64_t value);
/* The single-bit registers: @reg is GICD_ISENABLER…; private INTIDs go to vCPU @vcpu's own redistributor. */
void set_bit(struct machine *m, uint32_t vcpu, uint32_t reg, uint32_t intid);
bool get_bit(struct machine *m, uint32_t vcpu, uint32_t reg, uint32_t intid);
void set_priority(struct machine *m, uint32_t vcpu, uint32_t intid, uint8_t priority);
void set_edge(struct machine *m, uint32_t vcpu, uint32_t intid, bool edge);
void send_sgi(struct machine *m, uint32_t vcpu, uint64_t value);

void set_level(struct machine *m, uint32_t vcpu, uint32_t intid, bool level);
void pulse(struct machine *m, uint32_t vcpu, uint32_t intid);
/* The physical interrupt fires (unless it is active: then false) and is injected. */
bool fire_hw(struct machine *m, uint32_t vcpu, uint32_t intid, uint32_t pintid);
bool is_phys_active(const struct machine *m, uint32_t vcpu, uint32_t pintid);

uint32_t iar(struct machine *m, uint32_t vcpu); /* Group 1; of a GICv2 Group 0; settles */
void eoir(struct machine *m, uint32_t vcpu, uint32_t intid);
void dir(struct machine *m, uint32_t vcpu, uint32_t intid);

#endif
