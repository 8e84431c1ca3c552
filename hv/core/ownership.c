/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/ownership.h"

#include "core/format.h"

struct reason {
    char *text;
    size_t size;
};

static int fail(const struct reason *why, int error, const char *what, uint64_t base, uint64_t size)
{
    (void)hv_format(why->text, why->size, "%s 0x%lx, 0x%lx bytes: %s", what, base, size,
                    error == ASH_EEXIST ? "overlaps something else of hv's or the firmware's"
                                        : ash_error_name(error));
    return error;
}

static int add_ram(struct hv_ranges *map, const struct ash_boot_board *board, const struct reason *why)
{
    for (unsigned i = 0; i < board->memory_count; i++) {
        uint64_t base = board->memory[i].base.value;
        uint64_t size = board->memory[i].size;
        int error;

        if (size > HV_MEMORY_END || base > HV_MEMORY_END - size) {
            (void)hv_format(why->text, why->size,
                            "device tree: /memory region 0x%lx, 0x%lx bytes: reaches too high; allowed: "
                            "below 0x%lx",
                            base, size, HV_MEMORY_END);
            return ASH_ERANGE;
        }
        error = hv_ranges_add_ram(map, base, size);
        if (error != ASH_OK) {
            return fail(why, error, "device tree: /memory region", base, size);
        }
    }
    return ASH_OK;
}

/** What hv cannot run without. */
static int claim_own(struct hv_ranges *map, const struct hv_ownership *of, const struct reason *why)
{
    const struct {
        const char *what;
        uint64_t base;
        uint64_t size;
        enum hv_owner owner;
    } own[] = {
        {"hv's image at", of->image, of->image_size, HV_OWNER_HV},
        {"the device tree at", of->tree, of->board->tree_size, HV_OWNER_BOARD_DT},
        {"the bundle (initrd) at", of->board->initrd.base.value, of->board->initrd.size, HV_OWNER_BUNDLE},
    };

    for (unsigned i = 0; i < ASH_ARRAY_SIZE(own); i++) {
        int error =
            own[i].size > 0U ? hv_ranges_claim(map, own[i].base, own[i].size, own[i].owner, 0) : ASH_OK;

        if (error != ASH_OK) {
            return fail(why, error, own[i].what, own[i].base, own[i].size);
        }
    }
    return ASH_OK;
}

/** What the firmware reserves, where nobody else has it: ranges of memreserve and of nodes overlap, and may lie over
 *  the tree or the initrd. None of it may be left free, or a guest would get it. */
static int claim_reserved(struct hv_ranges *map, const struct ash_boot_board *board, bool no_map,
                          const struct reason *why)
{
    for (unsigned i = 0; i < board->reserved_count; i++) {
        const struct ash_boot_reserved *reserved = &board->reserved[i];
        int error;

        if (reserved->no_map != no_map) {
            continue;
        }
        error = hv_ranges_claim_rest(map, reserved->region.base.value, reserved->region.size,
                                     no_map ? HV_OWNER_NO_MAP : HV_OWNER_FIRMWARE, 0);
        if (error != ASH_OK) {
            return fail(why, error, "device tree: reserved memory", reserved->region.base.value,
                        reserved->region.size);
        }
    }
    return ASH_OK;
}

int hv_ownership_build(struct hv_ranges *map, const struct hv_ownership *of, char *why, size_t size)
{
    const struct reason reason = {why, size};
    int error = add_ram(map, of->board, &reason);

    if (error == ASH_OK) {
        error = claim_own(map, of, &reason);
    }
    if (error == ASH_OK) { /* first what must not even be mapped */
        error = claim_reserved(map, of->board, true, &reason);
    }
    return error == ASH_OK ? claim_reserved(map, of->board, false, &reason) : error;
}

int hv_ownership_take_pool(struct hv_ranges *map, uint64_t *base)
{
    return hv_ranges_alloc(map, (uint64_t)HV_POOL_PAGES * 4096U, HV_OWNER_HV, 0, base);
}
