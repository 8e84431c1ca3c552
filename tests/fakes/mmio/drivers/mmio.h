/* SPDX-License-Identifier: BSD-2-Clause */
/** In place of hv/drivers/mmio.h: a driver's accesses go to a model of its device, which the test is. Put the folder
 *  tests/fakes/mmio before hv/ among the includes. */
#ifndef FAKE_MMIO_H
#define FAKE_MMIO_H

#include <stdint.h>

uint32_t hv_mmio_read32(uint64_t address);
void hv_mmio_write32(uint64_t address, uint32_t value);

/** Barriers: the model may ask for them. */
void hv_mmio_publish(void);
void hv_mmio_complete(void);

#endif
