/* SPDX-License-Identifier: BSD-2-Clause */
/** From files of the bundle to a guest's RAM. */
#ifndef HV_GLUE_LOADER_H
#define HV_GLUE_LOADER_H

#include <libbase/types.h>

struct hv_cpu;
struct hv_vm;

struct hv_loaded {
    ash_ipa_t entry;
    uint64_t x0;
};

/** Zero the RAM of @vm, copy its images from the bundle, write its device tree, publish all of it to a guest with its
 *  caches off. Images that a boot loader left in memory are only published, and only once: what a guest has run in is
 *  not pristine. No vCPU is on. What goes wrong is a line on the console. Returns ASH_OK or a negative ASH_E*. */
int hv_loader_load(struct hv_cpu *cpu, struct hv_vm *vm, struct hv_loaded *loaded);

#endif
