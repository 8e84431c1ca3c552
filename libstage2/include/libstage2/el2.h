/* SPDX-License-Identifier: BSD-2-Clause */
/** The HAL of libstage2 on hardware: TLB maintenance from EL2 (non-VHE). Library stage2_el2.
 *  Lock domain: the table's, as for the ops. Manual: Arm ARM DDI 0487 D8.13. */
#ifndef LIBSTAGE2_EL2_H
#define LIBSTAGE2_EL2_H

#include <libstage2/stage2.h>

#ifdef __cplusplus
extern "C" {
#endif

/** More pages than this in one invalidation and the whole VMID is invalidated instead. */
#define ASH_STAGE2_EL2_PAGES_MAX 64U

/** publish() for walkers that are coherent with the data caches, as TCR and VTCR say (Write-Back, Inner Shareable). */
void ash_stage2_el2_publish(void *ctx, const uint64_t *first, size_t count);

/** invalidate() for @s2's table, whatever VM is loaded: VTTBR_EL2 and VTCR_EL2 are switched to the table's and
 *  back where others are there. Context: EL2, interrupts masked; nothing translates by stage 1 and 2 meanwhile. On CPUs
 *  whose EL1 walks may be speculative while at EL2 (Cortex-A57 1319537, A72 1319367) the caller has turned those walks
 *  off. */
void ash_stage2_el2_invalidate(const struct ash_stage2 *s2, const struct ash_stage2_invalidation *what);

/** What ash_vmid_load() asks for after a rollover: stage 1 and 2 of every VMID, on every CPU, and the instruction
 *  caches. */
void ash_stage2_el2_invalidate_everything(void);

#ifdef __cplusplus
}
#endif

#endif
