/* SPDX-License-Identifier: BSD-2-Clause */
/** A guest's access to an emulated device: from its syndrome, or from the instruction where there is none. */
#ifndef HV_ARCH_AARCH64_EXIT_ACCESS_H
#define HV_ARCH_AARCH64_EXIT_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

struct hv_cpu;
struct hv_mmio_region;
struct hv_vcpu;

/** A data abort on a device. */
struct hv_access {
    uint64_t esr;
    uint64_t far;
    uint64_t ipa; /* with the offset in the page */
    const struct hv_mmio_region *region;
};

enum hv_access_end {
    HV_ACCESS_DONE,  /* done, or nothing to do: skip the instruction */
    HV_ACCESS_AGAIN, /* nothing has changed: let the guest run it again */
    HV_ACCESS_ABORT  /* the guest gets a data abort with *@fsc */
};

/** Do @access of @cpu->vcpu, which is loaded and whose x0..x30, pc and pstate are in its context. */
enum hv_access_end hv_access_emulate(struct hv_cpu *cpu, const struct hv_access *access, uint32_t *fsc);

/** The instruction at @va, through stage 1 of @vcpu, which is loaded. False: it is not to be read, not aligned, or
 *  not in the VM's RAM. */
bool hv_access_read_instruction(struct hv_vcpu *vcpu, uint64_t va, uint32_t *word);

#endif
