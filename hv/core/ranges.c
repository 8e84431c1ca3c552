/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/ranges.h"

#include <libbase/bits.h>
#include <libbase/checked.h>

#define PAGE UINT64_C(4096)
#define MIB2 (UINT64_C(1) << 21)
#define GIB  (UINT64_C(1) << 30)

static uint64_t end_of(const struct hv_range *range)
{
    return range->base + range->size;
}

static void insert_at(struct hv_ranges *map, uint32_t at, struct hv_range range)
{
    for (uint32_t i = map->count; i > at; i--) {
        map->range[i] = map->range[i - 1U];
    }
    map->range[at] = range;
    map->count++;
}

static void remove_at(struct hv_ranges *map, uint32_t at)
{
    map->count--;
    for (uint32_t i = at; i < map->count; i++) {
        map->range[i] = map->range[i + 1U];
    }
}

static bool may_join(const struct hv_range *left, const struct hv_range *right)
{
    return end_of(left) == right->base && left->owner == right->owner && left->vm == right->vm;
}

static void join_neighbours(struct hv_ranges *map)
{
    for (uint32_t i = 0; i + 1U < map->count;) {
        if (may_join(&map->range[i], &map->range[i + 1U])) {
            map->range[i].size += map->range[i + 1U].size;
            remove_at(map, i + 1U);
        } else {
            i++;
        }
    }
}

int hv_ranges_add_ram(struct hv_ranges *map, uint64_t base, uint64_t size)
{
    struct hv_range ram = {.owner = HV_OWNER_FREE};
    uint64_t end;
    uint32_t at = 0;

    if (!ash_add_ok(base, size, &end) || base > UINT64_MAX - PAGE) {
        return ASH_EINVAL;
    }
    ram.base = ash_align_up(base, PAGE);
    end = ash_align_down(end, PAGE);
    if (end <= ram.base) {
        return ASH_OK; /* less than a page */
    }
    ram.size = end - ram.base;
    for (uint32_t i = 0; i < map->count; i++) {
        if (ash_ranges_overlap(map->range[i].base, map->range[i].size, ram.base, ram.size)) {
            return ASH_EEXIST;
        }
        at += map->range[i].base < ram.base ? 1U : 0U;
    }
    if (map->count == HV_RANGES_MAX) {
        return ASH_ENOSPC;
    }
    insert_at(map, at, ram);
    join_neighbours(map);
    return ASH_OK;
}

/** Cut @map's range @at so that one begins at @address. There is room for it. */
static void cut(struct hv_ranges *map, uint32_t at, uint64_t address)
{
    struct hv_range upper = map->range[at];

    upper.size = end_of(&upper) - address;
    upper.base = address;
    map->range[at].size = address - map->range[at].base;
    insert_at(map, at + 1U, upper);
}

int hv_ranges_claim(struct hv_ranges *map, uint64_t base, uint64_t size, enum hv_owner owner, uint32_t vm)
{
    uint64_t end;

    if (!ash_add_ok(base, size, &end) || end > UINT64_MAX - PAGE || size == 0U) {
        return ASH_EINVAL;
    }
    base = ash_align_down(base, PAGE);
    end = ash_align_up(end, PAGE);
    for (uint32_t i = 0; i < map->count; i++) {
        const struct hv_range *range = &map->range[i];
        if (ash_ranges_overlap(range->base, range->size, base, end - base) && range->owner != HV_OWNER_FREE &&
            (range->owner != owner || range->vm != vm)) {
            return ASH_EEXIST;
        }
    }
    if (map->count + 2U > HV_RANGES_MAX) {
        return ASH_ENOSPC;
    }
    for (uint32_t i = 0; i < map->count; i++) {
        struct hv_range *range = &map->range[i];
        if (!ash_ranges_overlap(range->base, range->size, base, end - base) || range->owner == owner) {
            continue;
        }
        if (range->base < base) {
            cut(map, i, base);
            continue; /* the upper part is next */
        }
        if (end_of(range) > end) {
            cut(map, i, end);
        }
        map->range[i].owner = owner;
        map->range[i].vm = vm;
    }
    join_neighbours(map);
    return ASH_OK;
}

int hv_ranges_claim_rest(struct hv_ranges *map, uint64_t base, uint64_t size, enum hv_owner owner,
                         uint32_t vm)
{
    uint64_t end;
    uint32_t i = 0;

    if (!ash_add_ok(base, size, &end) || end > UINT64_MAX - PAGE || size == 0U) {
        return ASH_EINVAL;
    }
    base = ash_align_down(base, PAGE);
    end = ash_align_up(end, PAGE);
    while (i < map->count) {
        const struct hv_range *range = &map->range[i];
        uint64_t from = range->base > base ? range->base : base;
        uint64_t to = end_of(range) < end ? end_of(range) : end;
        int error;

        if (range->owner != HV_OWNER_FREE || from >= to) {
            i++;
            continue;
        }
        error = hv_ranges_claim(map, from, to - from, owner, vm);
        if (error != ASH_OK) {
            return error;
        }
        i = 0; /* the entries have moved; each round leaves less that is free */
    }
    return ASH_OK;
}

int hv_ranges_alloc(struct hv_ranges *map, uint64_t size, enum hv_owner owner, uint32_t vm, uint64_t *base)
{
    static const uint64_t alignments[] = {UINT64_C(1) << 30, UINT64_C(1) << 21, PAGE};

    if (size == 0U || !ash_is_aligned(size, PAGE)) {
        return ASH_EINVAL;
    }
    for (unsigned a = 0; a < ASH_ARRAY_SIZE(alignments); a++) {
        if (alignments[a] > size && alignments[a] != PAGE) {
            continue;
        }
        for (uint32_t i = map->count; i-- > 0U;) {
            const struct hv_range *range = &map->range[i];
            uint64_t start;

            if (range->owner != HV_OWNER_FREE || range->size < size) {
                continue;
            }
            start = ash_align_down(end_of(range) - size, alignments[a]);
            if (start >= range->base) {
                int error = hv_ranges_claim(map, start, size, owner, vm);
                if (error == ASH_OK) {
                    *base = start;
                }
                return error;
            }
        }
    }
    return ASH_ENOMEM;
}

/** The free range with the most multiples of @alignment in it, @limit at most: where its highest ones begin.
 *  0: none. */
static uint64_t best_piece(const struct hv_ranges *map, uint64_t alignment, uint64_t limit, uint64_t *base)
{
    uint64_t most = 0;

    for (uint32_t i = map->count; i-- > 0U;) {
        const struct hv_range *range = &map->range[i];
        uint64_t end = ash_align_down(end_of(range), alignment);
        uint64_t start = ash_align_up(range->base, alignment);
        uint64_t size = start >= range->base && start < end ? end - start : 0U;

        size = size < limit ? size : limit;
        if (range->owner == HV_OWNER_FREE && size > most) {
            most = size;
            *base = end - size;
        }
    }
    return most;
}

static int add_piece(struct hv_ranges *map, uint64_t left, enum hv_owner owner, uint32_t vm,
                     struct hv_piece *piece)
{
    static const uint64_t alignments[] = {GIB, MIB2};

    for (unsigned a = 0; a < ASH_ARRAY_SIZE(alignments); a++) {
        piece->size = best_piece(map, alignments[a], ash_align_down(left, alignments[a]), &piece->base);
        if (piece->size != 0U) {
            return hv_ranges_claim(map, piece->base, piece->size, owner, vm);
        }
    }
    return ASH_ENOMEM;
}

/** A single piece at the best alignment that its size has, as long as that is 2 MiB at least. */
static bool one_piece(const struct hv_ranges *map, uint64_t size, struct hv_piece *piece)
{
    static const uint64_t alignments[] = {GIB, MIB2};

    for (unsigned a = 0; a < ASH_ARRAY_SIZE(alignments); a++) {
        for (uint32_t i = map->count; alignments[a] <= size && i-- > 0U;) {
            const struct hv_range *range = &map->range[i];
            uint64_t start;

            if (range->owner != HV_OWNER_FREE || range->size < size) {
                continue;
            }
            start = ash_align_down(end_of(range) - size, alignments[a]);
            if (start >= range->base) {
                piece->base = start;
                piece->size = size;
                return true;
            }
        }
    }
    return false;
}

static int claim_several(struct hv_ranges *map, uint64_t size, enum hv_owner owner, uint32_t vm,
                         struct hv_piece *pieces, unsigned max)
{
    const struct hv_ranges before = *map;
    uint64_t left = size;
    unsigned count = 0;

    while (left > 0U) {
        int error = count < max ? add_piece(map, left, owner, vm, &pieces[count]) : ASH_ENOMEM;

        if (error != ASH_OK) {
            *map = before;
            return error;
        }
        left -= pieces[count++].size;
    }
    return (int)count;
}

int hv_ranges_alloc_pieces(struct hv_ranges *map, uint64_t size, enum hv_owner owner, uint32_t vm,
                           struct hv_piece *pieces, unsigned max)
{
    if (size == 0U || !ash_is_aligned(size, MIB2) || max == 0U) {
        return ASH_EINVAL;
    }
    if (one_piece(map, size, pieces)) {
        int error = hv_ranges_claim(map, pieces->base, size, owner, vm);

        return error == ASH_OK ? 1 : error;
    }
    return claim_several(map, size, owner, vm, pieces, max);
}

bool hv_ranges_first_taken(const struct hv_ranges *map, uint64_t base, uint64_t size, struct hv_range *part)
{
    uint64_t at = base;
    uint64_t end;

    *part = (struct hv_range){.base = base, .size = size, .owner = HV_OWNER_NOT_RAM};
    if (!ash_add_ok(base, size, &end)) {
        return true;
    }
    for (uint32_t i = 0; i < map->count && at < end; i++) {
        const struct hv_range *range = &map->range[i];

        if (end_of(range) <= at) {
            continue;
        }
        if (range->base > at) { /* a hole before it */
            part->base = at;
            part->size = (range->base < end ? range->base : end) - at;
            return true;
        }
        if (range->owner != HV_OWNER_FREE) {
            *part = *range;
            part->base = at;
            part->size = (end_of(range) < end ? end_of(range) : end) - at;
            return true;
        }
        at = end_of(range);
    }
    part->base = at;
    part->size = at < end ? end - at : 0U;
    return at < end;
}

void hv_ranges_release_vm(struct hv_ranges *map, uint32_t vm)
{
    for (uint32_t i = 0; i < map->count; i++) {
        if (map->range[i].owner == HV_OWNER_VM && map->range[i].vm == vm) {
            map->range[i].owner = HV_OWNER_FREE;
            map->range[i].vm = 0;
        }
    }
    join_neighbours(map);
}

uint64_t hv_ranges_free(const struct hv_ranges *map)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < map->count; i++) {
        sum += map->range[i].owner == HV_OWNER_FREE ? map->range[i].size : 0U;
    }
    return sum;
}

uint64_t hv_ranges_largest_free(const struct hv_ranges *map)
{
    uint64_t largest = 0;

    for (uint32_t i = 0; i < map->count; i++) {
        if (map->range[i].owner == HV_OWNER_FREE && map->range[i].size > largest) {
            largest = map->range[i].size;
        }
    }
    return largest;
}

const char *hv_owner_name(enum hv_owner owner)
{
    static const char *const names[] = {
        [HV_OWNER_FREE] = "free",
        [HV_OWNER_HV] = "hv",
        [HV_OWNER_FIRMWARE] = "firmware",
        [HV_OWNER_NO_MAP] = "no-map",
        [HV_OWNER_BOARD_DT] = "board-dt",
        [HV_OWNER_BUNDLE] = "bundle",
        [HV_OWNER_VM] = "vm",
        [HV_OWNER_NOT_RAM] = "not-ram",
    };

    return (unsigned)owner < ASH_ARRAY_SIZE(names) ? names[owner] : "?";
}
