/* SPDX-License-Identifier: BSD-2-Clause */
/** The ownership map: every byte of the board's RAM has one owner. Built at boot; every allocation and every
 *  configured address is checked against it. Sorted, gapless inside RAM; outside RAM nothing is owned.
 *  Lock domain: boot, later the VM list. Plain data: the off-line checker uses the same code. */
#ifndef HV_CORE_RANGES_H
#define HV_CORE_RANGES_H

#include <stdbool.h>

#include <libbase/compiler.h>
#include <libbase/errors.h>
#include <libbase/types.h>

#define HV_RANGES_MAX 128U

enum hv_owner {
    HV_OWNER_FREE,
    HV_OWNER_HV,       /* image, page pool */
    HV_OWNER_FIRMWARE, /* /memreserve and /reserved-memory */
    HV_OWNER_NO_MAP,   /* /reserved-memory with no-map: not even mapped by hv */
    HV_OWNER_BOARD_DT,
    HV_OWNER_BUNDLE,
    HV_OWNER_VM,
    HV_OWNER_NOT_RAM /* in answers only, never in the map */
};

struct hv_range {
    uint64_t base; /* bytes */
    uint64_t size;
    enum hv_owner owner;
    uint32_t vm; /* its place in the configuration, for HV_OWNER_VM */
};

struct hv_ranges {
    struct hv_range range[HV_RANGES_MAX];
    uint32_t count;
};

/** [base, base+size) is RAM, free. Page-aligned inwards; overlap with RAM that is known already is ASH_EEXIST. */
int hv_ranges_add_ram(struct hv_ranges *map, uint64_t base, uint64_t size) ASH_NODISCARD;

/** Give [base, base+size), rounded out to pages, to @owner where it is RAM. What is not RAM is left alone; what is
 *  owned already is ASH_EEXIST and nothing changes, unless @owner is what it has. ASH_ENOSPC: the map is full. */
int hv_ranges_claim(struct hv_ranges *map, uint64_t base, uint64_t size, enum hv_owner owner,
                    uint32_t vm) ASH_NODISCARD;

/** The same for what is still free of [base, base+size) alone; what is owned already stays its owner's. ASH_EINVAL, or
 *  ASH_ENOSPC: the map is full, and a part of the range may be claimed. */
int hv_ranges_claim_rest(struct hv_ranges *map, uint64_t base, uint64_t size, enum hv_owner owner,
                         uint32_t vm) ASH_NODISCARD;

/** Find and claim @size free bytes (a multiple of 4 KiB) at the highest of the alignments 1 GiB, 2 MiB, 4 KiB that
 *  is not above @size; first fit from the top of memory. ASH_ENOMEM: no free range is large enough. ASH_ENOSPC: the
 *  map is full. On an error *@base is untouched. */
int hv_ranges_alloc(struct hv_ranges *map, uint64_t size, enum hv_owner owner, uint32_t vm,
                    uint64_t *base) ASH_NODISCARD;

/** A part of what hv_ranges_alloc_pieces() found. */
struct hv_piece {
    uint64_t base; /* bytes, multiples of 2 MiB */
    uint64_t size;
};

/** Find and claim @size free bytes (a multiple of 2 MiB) in up to @max pieces: one piece where a free range is large
 *  enough; else multiples of 1 GiB first, then of 2 MiB, the largest first, each aligned alike, so that pieces laid end
 *  to end from a multiple of 1 GiB on keep the blocks of a stage-2 table as large as they can be.
 *  Returns how many pieces, or ASH_EINVAL, ASH_ENOMEM (not that much, or not in so few pieces), ASH_ENOSPC (the map is
 *  full): then nothing has changed. */
int hv_ranges_alloc_pieces(struct hv_ranges *map, uint64_t size, enum hv_owner owner, uint32_t vm,
                           struct hv_piece *pieces, unsigned max) ASH_NODISCARD;

/** The first part of [base, base+size) that is not free RAM, with its owner (HV_OWNER_NOT_RAM: it is none): true and
 *  *@part, cut to the range. Size > 0; a range that wraps is not RAM. */
bool hv_ranges_first_taken(const struct hv_ranges *map, uint64_t base, uint64_t size, struct hv_range *part);

/** Everything of VM @vm becomes free. */
void hv_ranges_release_vm(struct hv_ranges *map, uint32_t vm);

/** Bytes that are free, in all. */
uint64_t hv_ranges_free(const struct hv_ranges *map);

/** Size of the largest free range, bytes. */
uint64_t hv_ranges_largest_free(const struct hv_ranges *map);

/** A word for @owner, for reports. */
const char *hv_owner_name(enum hv_owner owner);

#endif
