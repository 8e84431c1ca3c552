/* SPDX-License-Identifier: BSD-2-Clause */
/** Allocations that fail, for a test that is linked with --wrap of hv_pages_alloc and hv_pages_alloc_zeroed. */
#ifndef SIM_SHORTAGE_H
#define SIM_SHORTAGE_H

#include <stdint.h>

extern uint32_t sim_fails_in; /* so many allocations from now on one fails; 0: none does */

#endif
