/* SPDX-License-Identifier: BSD-2-Clause */
/** The ownership map of a board as hv finds it, before the first VM: RAM, hv, the board's tree, the bundle, what the
 *  firmware reserves, hv's page pool. The off-line checker builds the same map.
 *  Lock domain: boot. */
#ifndef HV_CORE_OWNERSHIP_H
#define HV_CORE_OWNERSHIP_H

#include <libboot/board.h>

#include "core/ranges.h"

#define HV_POOL_PAGES 1024U /* of 4 KiB */

/** Where hv's own address space ends for memory, which it has at the machine's addresses: its stacks are above. */
#define HV_MEMORY_END (UINT64_C(1) << 47)

struct hv_ownership {
    const struct ash_boot_board *board;
    uint64_t image; /* hv: bytes [image, image+image_size), bss included */
    uint64_t image_size;
    uint64_t tree; /* where the board's tree lies; its size is the board's */
};

/** Build *@map, empty so far. On an error @why, of @size bytes, says what overlaps what, or what does not fit. */
int hv_ownership_build(struct hv_ranges *map, const struct hv_ownership *of, char *why,
                       size_t size) ASH_NODISCARD;

/** Take the page pool out of what is free. ASH_OK and *@base, or the error of hv_ranges_alloc(). */
int hv_ownership_take_pool(struct hv_ranges *map, uint64_t *base) ASH_NODISCARD;

#endif
