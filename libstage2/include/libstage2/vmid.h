/* SPDX-License-Identifier: BSD-2-Clause */
/** VMIDs with generations: any number of VMs share 8- or 16-bit VMIDs.
 *
 *  A VM's VMID is good while its generation is the pool's. When VMIDs run out, the generation rises, VMIDs that are
 *  loaded on a CPU right now stay reserved for their VMs, and all TLBs are invalidated once.
 *  Lock domain "the pool" for ash_vmid_load() and ash_vmid_release(). ash_vmid_try_load(), ash_vmid_put() and
 *  ash_vmid_is_current() need no lock: a CPU calls the first two for itself, all of them at the same time as anything
 *  of other CPUs. So a switch between VMs takes the lock only for a VM's first VMID of a generation, and once on each
 *  CPU after a rollover. VMID 0 is never given out (it is the hypervisor's own).
 *  Arm ARM DDI 0487, D8 "VMIDs", ID_AA64MMFR1_EL1.VMIDBits.
 */
#ifndef LIBSTAGE2_VMID_H
#define LIBSTAGE2_VMID_H

#include <libbase/compiler.h>
#include <libbase/errors.h>
#include <libbase/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** 64-bit words of bitmap for @bits VMID bits. */
#define ASH_VMID_BITMAP_WORDS(bits) ((size_t)1 << ((bits)-6))

/** A VM's VMID. Zero-initialise it; then it is the pool's. */
struct ash_vmid {
    uint64_t word; /* [63:16] generation, [15:0] VMID; 0: none yet */
};

/** What one CPU runs under. Each switch writes it: a cache line of its own. */
struct ash_vmid_cpu {
    ASH_ALIGNED(64) uint64_t active; /* the word loaded there; see vmid.c for the two other values */
    uint64_t reserved;               /* the word kept over the last rollover, 0: none. By the lock */
};

struct ash_vmid_pool_config {
    size_t size;              /* sizeof(struct ash_vmid_pool_config) */
    unsigned bits;            /* 8 or 16 */
    unsigned cpus;            /* entries of @cpu; fewer than 2^bits - 1 */
    uint64_t *bitmap;         /* ASH_VMID_BITMAP_WORDS(bits) */
    struct ash_vmid_cpu *cpu; /* one for each CPU */
};

struct ash_vmid_pool {
    uint64_t generation;
    struct ash_vmid_cpu *cpu;
    unsigned cpus;
    uint32_t limit; /* 2^bits */
    uint64_t *bitmap;
    uint32_t next; /* where to search on. By the lock */
};

/** ASH_OK or ASH_EINVAL. */
int ash_vmid_pool_init(struct ash_vmid_pool *pool, const struct ash_vmid_pool_config *config) ASH_NODISCARD;

/** Is @vmid of the pool's generation? Without the lock; a false "true" is impossible while the CPU that asks has
 *  loaded it with ash_vmid_load() and not put it since. */
bool ash_vmid_is_current(const struct ash_vmid_pool *pool, const struct ash_vmid *vmid);

/** CPU @cpu is about to run under @vmid. Without the lock, on that CPU. Returns the VMID (>= 1), or 0: nothing is
 *  changed, ask ash_vmid_load(). Cost: two loads and a compare-and-swap, or less. */
int ash_vmid_try_load(struct ash_vmid_pool *pool, const struct ash_vmid *vmid, unsigned cpu) ASH_NODISCARD;

/** The same where that returned 0, or instead of it: give @vmid one of this generation. *@rollover: the generation
 *  rose; the caller invalidates all stage-1 and stage-2 entries of all CPUs (TLBI ALLE1IS; DSB ISH) and the instruction
 *  cache (where VMID-tagged) before it lets go of the pool's lock: after that another CPU may get a number whose old
 *  entries are still there. No CPU gets one without the lock meanwhile: ash_vmid_try_load() returns 0 on each until it
 *  has been here. Returns the VMID (>= 1), or ASH_EINVAL for a wrong @cpu. */
int ash_vmid_load(struct ash_vmid_pool *pool, struct ash_vmid *vmid, unsigned cpu,
                  bool *rollover) ASH_NODISCARD;

/** CPU @cpu no longer runs under a VMID: VTTBR_EL2 holds another, and that is synchronised. Without the lock, on that
 *  CPU. */
void ash_vmid_put(struct ash_vmid_pool *pool, unsigned cpu);

/** The VM is gone: its VMID may be given out after the next rollover. */
void ash_vmid_release(struct ash_vmid_pool *pool, struct ash_vmid *vmid);

#ifdef __cplusplus
}
#endif

#endif
