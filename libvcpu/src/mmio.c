/* SPDX-License-Identifier: BSD-2-Clause */
#include <libvcpu/mmio.h>

#include <libvcpu/exit.h>

#include "internal.h"

int ash_vcpu_mmio_decode(uint64_t esr, struct ash_vcpu_mmio *mmio)
{
    if (ash_vcpu_esr_ec(esr) != ASH_VCPU_EC_DATA_ABORT) {
        return ASH_EINVAL;
    }
    /* CM and S1PTW come with ISV=0 from a CPU; what contradicts itself is not decoded either. */
    if ((esr & ESR_ISV) == 0U || (esr & (ESR_CM | ESR_S1PTW)) != 0U) {
        return ASH_ENOTSUP;
    }
    mmio->size = (uint8_t)(1U << ash_field(esr, 23, 22));
    mmio->rt = (uint8_t)ash_field(esr, 20, 16);
    mmio->write = (esr & ESR_WNR) != 0U;
    mmio->sign_extend = (esr & ESR_SSE) != 0U;
    mmio->to_x = (esr & ESR_SF) != 0U;
    mmio->acquire_release = (esr & ESR_AR) != 0U;
    return ASH_OK;
}

uint64_t ash_vcpu_mmio_write_value(const struct ash_vcpu_context *ctx, const struct ash_vcpu_mmio *mmio,
                                   bool big_endian)
{
    uint64_t value = low_bytes(ash_vcpu_reg_read(ctx, mmio->rt), mmio->size);

    return big_endian ? swapped(value, mmio->size) : value;
}

void ash_vcpu_mmio_complete_read(struct ash_vcpu_context *ctx, const struct ash_vcpu_mmio *mmio,
                                 uint64_t value, bool big_endian)
{
    value = low_bytes(value, mmio->size);
    if (big_endian) {
        value = swapped(value, mmio->size);
    }
    if (mmio->sign_extend) {
        value = ash_sign_extend(value, 8U * mmio->size);
    }
    if (!mmio->to_x) {
        value &= UINT32_MAX;
    }
    ash_vcpu_reg_write(ctx, mmio->rt, value);
}
