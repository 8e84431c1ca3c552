/* SPDX-License-Identifier: BSD-2-Clause */
/** libstage2's table and VMID of a VM, wired to the page pool and the CPU. */
#ifndef HV_GLUE_STAGE2_H
#define HV_GLUE_STAGE2_H

#include <libbase/types.h>
#include <libstage2/stage2.h>

struct hv;
struct hv_cpu;
struct hv_vm;

/** Make the VM's table. ASH_OK or ash_stage2_init()'s error. */
int hv_stage2_create(struct hv_vm *vm);

/** @cpu is about to run a vCPU of @vm: a VMID of this generation for it. Takes no lock but, where @vm has none yet or
 *  the generation rose, the VM list's, then the VM's. ASH_OK or ash_vmid_load()'s error. */
int hv_stage2_enter(struct hv_cpu *cpu, struct hv_vm *vm);
/** @cpu runs it no longer, and its VTTBR_EL2 is another. Takes no lock. */
void hv_stage2_leave(struct hv_cpu *cpu);

/** The pool of VMIDs: its storage from the page pool. ASH_OK, ASH_ENOMEM. */
int hv_stage2_init_vmids(struct hv *hv);

#endif
