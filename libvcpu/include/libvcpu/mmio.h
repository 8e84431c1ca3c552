/* SPDX-License-Identifier: BSD-2-Clause */
/** A guest's access to an emulated device, from the syndrome of its stage-2 data abort.
 *  Manual: Arm ARM DDI 0487, D17.2 "ISS encoding for an exception from a Data Abort". */
#ifndef LIBVCPU_MMIO_H
#define LIBVCPU_MMIO_H

#include <libvcpu/context.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ash_vcpu_mmio {
    uint8_t size; /* bytes: 1, 2, 4 or 8 */
    uint8_t rt;   /* 0..30, or 31: XZR */
    bool write;
    bool sign_extend;     /* a load that sign-extends */
    bool to_x;            /* the register is 64 bits wide (SF), else 32 */
    bool acquire_release; /* order it: DMB ISH before a store, after a load */
};

/** Decode @esr (EC DATA_ABORT).
 *  Returns ASH_OK; ASH_ENOTSUP where the CPU gives no syndrome (ISV=0: pairs, write-back, SIMD, exclusives, cache
 *  maintenance): <libvcpu/instruction.h>; ASH_EINVAL (another EC). On an error *@mmio is unchanged. */
int ash_vcpu_mmio_decode(uint64_t esr, struct ash_vcpu_mmio *mmio) ASH_NODISCARD;

/** What the device sees of a store: the low `size` bytes of Rt, little-endian as all our devices are.
 *  big_endian: ash_vcpu_is_big_endian() of the guest. */
uint64_t ash_vcpu_mmio_write_value(const struct ash_vcpu_context *ctx, const struct ash_vcpu_mmio *mmio,
                                   bool big_endian);

/** Finish a load: Rt = the low `size` bytes of @value, zero- or sign-extended to W (bits [63:32] become zero) or X.
 *  The caller then skips the instruction. */
void ash_vcpu_mmio_complete_read(struct ash_vcpu_context *ctx, const struct ash_vcpu_mmio *mmio,
                                 uint64_t value, bool big_endian);

#ifdef __cplusplus
}
#endif

#endif
