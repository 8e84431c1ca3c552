/* SPDX-License-Identifier: BSD-2-Clause */
/** The world switch: a vCPU's state onto a CPU and off it, and what must happen to caches on its behalf. */
#ifndef HV_ARCH_AARCH64_WORLD_H
#define HV_ARCH_AARCH64_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include <libvcpu/inject.h>

struct hv_vcpu;

/** What PSTATE has on this hardware. */
const struct ash_vcpu_pstate_features *hv_world_pstate_features(void);

/** Boot, before any vCPU: reads what CPUs with @midr have and need. */
void hv_world_init(uint64_t midr);

/** @vcpu, which is loaded here, takes a virtual SError as soon as it lets one in (HCR_EL2.VSE). */
void hv_world_raise_serror(struct hv_vcpu *vcpu);

/** Set/way maintenance of a guest: clean and invalidate its RAM by VA instead, a slice a call. True: all of it is done,
 *  the instruction may be skipped; false: let the guest run it again. */
bool hv_world_clean_step(struct hv_vcpu *vcpu);

/** A write to a virtual memory control register while HCR_EL2.TVM traps them: @offset in struct ash_vcpu_sys. Turning
 *  the data cache on or off cleans the RAM first. True: written; false: let the guest run it again. */
bool hv_world_write_vm_register(struct hv_vcpu *vcpu, uint32_t offset, uint64_t value);

#endif
