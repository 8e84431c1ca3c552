/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/bcm2835_rng.h"

#include "arch/arch.h"
#include "drivers/mmio.h"

#define RNG_CTRL   0x0U
#define RNG_STATUS 0x4U /* [31:24] words that are ready; [19:0] written: so many bits are thrown away first */
#define RNG_DATA   0x8U

#define CTRL_ON       1U
#define STATUS_WARMUP UINT32_C(0x40000)

bool hv_bcm2835_rng_read(uint64_t base, uint32_t *words, unsigned count)
{
    if ((hv_mmio_read32(base + RNG_CTRL) & CTRL_ON) == 0U) {
        hv_mmio_write32(base + RNG_STATUS, STATUS_WARMUP);
        hv_mmio_write32(base + RNG_CTRL, CTRL_ON);
    }
    for (unsigned i = 0; i < count; i++) {
        uint64_t deadline = hv_arch_ticks() + hv_arch_ticks_per_second() / 10U;

        while (hv_mmio_read32(base + RNG_STATUS) >> 24 == 0U) {
            if (hv_arch_ticks() > deadline) {
                return false;
            }
            hv_arch_relax();
        }
        words[i] = hv_mmio_read32(base + RNG_DATA);
    }
    return true;
}
