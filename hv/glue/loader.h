/* SPDX-License-Identifier: BSD-2-Clause */
/** From files of the bundle to a guest's RAM, in bounded steps. */
#ifndef HV_GLUE_LOADER_H
#define HV_GLUE_LOADER_H

#include <libbase/compiler.h>
#include <libbase/types.h>

struct hv_cpu;
struct hv_vm;

struct hv_loading {
    uint32_t phase;
    uint64_t cursor; /* bytes into what the phase is about */
};

#define HV_LOADER_AGAIN 1

/** Begin with *@loading all zero. The RAM of @vm is zeroed, its images are copied from the bundle, its device tree is
 *  written, and all of it published to a guest with its caches off. Images that a boot loader left in memory are only
 *  published. No vCPU is on; no lock is held. A step moves 64 KiB at most; the one that writes the tree is libfdt's.
 *  What goes wrong is a line on the console. Returns HV_LOADER_AGAIN, ASH_OK when all is done, or a negative ASH_E*. */
int hv_loader_step(struct hv_cpu *cpu, struct hv_vm *vm, struct hv_loading *loading) ASH_NODISCARD;

#endif
