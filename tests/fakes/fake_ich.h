/* SPDX-License-Identifier: BSD-2-Clause */
/* A model of one CPU's virtual CPU interface: what ICH_* registers hold and what a guest's ICV_* accesses do
 * to them. Written from IHI 0069 (chapters 4, 6 and 12.2..12.4), not from libvgic. It poisons what the manual
 * leaves UNKNOWN and remembers the first thing that was done to it that the manual calls UNPREDICTABLE. */
#ifndef FAKE_ICH_H
#define FAKE_ICH_H

#include <stdbool.h>
#include <stdint.h>

#include <libvgic/vgic.h>
#include <testkit/fake_gic_soft.h>

#define FAKE_ICH_SPURIOUS 1023U

struct fake_ich {
    uint64_t lr[16];
    uint32_t hcr;
    uint32_t vmcr;
    uint32_t apr0[4];
    uint32_t apr1[4];
    unsigned lr_count;
    unsigned priority_bits;
    unsigned preemption_bits;
    bool
        v2; /* the guest has GICV (IHI 0048B chapter 5): SGIs carry their source CPU in [12:10], one GICH_APR */
    bool
        by_intid; /* of equal priorities the lowest INTID; else the lowest list register (4.8: either is right) */
    const struct fake_gic_soft
        *soft; /* not NULL: there are no list registers, the guest's side is a CPU interface in software */
    const char *violation; /* the first UNPREDICTABLE thing, or NULL */
    uint64_t poison;
    unsigned lr_reads, lr_writes;
    /* Hardware's deactivation of a physical interrupt, by a guest's EOI or DIR of an LR with HW = 1. */
    void (*deactivate)(void *ctx, uint32_t pintid);
    void *ctx;
};

/* After reset everything is UNKNOWN; this is after the hypervisor's own initialisation: empty. */
void fake_ich_init(struct fake_ich *ich, unsigned lr_count, unsigned priority_bits, unsigned preemption_bits);

/* The hypervisor's moves, as libvgic/el2.h says of the real ones. */
void fake_ich_load(struct fake_ich *ich, struct ash_vgic_lrs *lrs);
void fake_ich_save(struct fake_ich *ich, struct ash_vgic_lrs *lrs);
void fake_ich_fetch(struct fake_ich *ich, struct ash_vgic_lrs *lrs);
void fake_ich_apply(struct fake_ich *ich, struct ash_vgic_lrs *lrs);
void fake_ich_fetch_interface(const struct fake_ich *ich, struct ash_vgic_lrs *lrs);
void fake_ich_write_lr(struct fake_ich *ich, unsigned n, uint64_t value);
void fake_ich_check_empty(struct fake_ich *ich); /* between two vCPUs: no list register is valid */
void fake_ich_check(struct fake_ich *ich);       /* after a move: no INTID in two list registers */
uint32_t fake_ich_elrsr(const struct fake_ich *ich);
uint32_t fake_ich_eisr(const struct fake_ich *ich);
uint32_t fake_ich_misr(const struct fake_ich *ich); /* not 0: the maintenance interrupt is asserted */

/* The guest's side. group: 0 or 1. */
bool fake_ich_is_signalled(const struct fake_ich *ich, unsigned group);
uint32_t fake_ich_iar(struct fake_ich *ich, unsigned group);
uint32_t fake_ich_hppir(const struct fake_ich *ich, unsigned group);
void fake_ich_eoir(struct fake_ich *ich, unsigned group, uint32_t intid);
void fake_ich_dir(struct fake_ich *ich, uint32_t intid);
uint32_t fake_ich_rpr(const struct fake_ich *ich);
void fake_ich_set_pmr(struct fake_ich *ich, uint8_t priority);
void fake_ich_set_igrpen(struct fake_ich *ich, unsigned group, bool enabled);
void fake_ich_set_bpr(struct fake_ich *ich, unsigned group, unsigned value);
void fake_ich_set_eoimode(struct fake_ich *ich, bool split);

#endif
