/* SPDX-License-Identifier: BSD-2-Clause */
/** Device registers. Device-nGnRE keeps accesses to one device in order; between a device and memory it needs a
 *  barrier, at the call that says why. */
#ifndef HV_DRIVERS_MMIO_H
#define HV_DRIVERS_MMIO_H

#include <stdint.h>

#include "arch/aarch64/sysreg.h"

/** What was stored to memory is seen by others before the next access to a device. */
static inline void hv_mmio_publish(void)
{
    hv_dsb(ishst);
}

/** Accesses to devices are done before what follows, loads from memory too. */
static inline void hv_mmio_complete(void)
{
    hv_dsb(sy);
}

static inline uint32_t hv_mmio_read32(uint64_t address)
{
    return *(const volatile uint32_t *)(uintptr_t)address;
}

static inline void hv_mmio_write32(uint64_t address, uint32_t value)
{
    *(volatile uint32_t *)(uintptr_t)address = value;
}

static inline uint64_t hv_mmio_read64(uint64_t address)
{
    return *(const volatile uint64_t *)(uintptr_t)address;
}

static inline void hv_mmio_write64(uint64_t address, uint64_t value)
{
    *(volatile uint64_t *)(uintptr_t)address = value;
}

static inline void hv_mmio_write8(uint64_t address, uint8_t value)
{
    *(volatile uint8_t *)(uintptr_t)address = value;
}

#endif
