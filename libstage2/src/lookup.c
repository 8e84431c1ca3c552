/* SPDX-License-Identifier: BSD-2-Clause */
#include "internal.h"

/** What is at @ipa, which is inside the table. */
static struct ash_stage2_mapping translate(const struct ash_stage2 *s2, uint64_t ipa)
{
    struct ash_stage2_table_ table = ash_stage2_root_(s2);
    struct ash_stage2_mapping mapping = {.valid = false};
    unsigned index;
    uint64_t descriptor;

    for (;;) {
        index = (unsigned)((ipa - table.ipa) >> ash_stage2_shift_(table.level));
        descriptor = table.entry[index];
        if (!ash_stage2_is_table_(descriptor, table.level)) {
            break;
        }
        table = ash_stage2_child_(s2, &table, index);
    }
    mapping.ipa = ash_ipa(ash_stage2_entry_ipa_(&table, index));
    mapping.size = ash_stage2_size_(table.level);
    mapping.level = (uint8_t)table.level;
    if ((descriptor & DESC_VALID_) != 0U) {
        mapping.valid = true;
        mapping.contiguous = (descriptor & DESC_CONTIGUOUS_) != 0U;
        mapping.pa = ash_pa(descriptor & DESC_ADDRESS_);
        mapping.attr = ash_stage2_decode_attr_(descriptor);
    }
    return mapping;
}

int ash_stage2_lookup(const struct ash_stage2 *s2, ash_ipa_t ipa, struct ash_stage2_mapping *mapping)
{
    if ((ipa.value >> s2->ipa_bits) != 0U) {
        return ASH_ERANGE;
    }
    *mapping = translate(s2, ipa.value);
    return ASH_OK;
}

int ash_stage2_visit(const struct ash_stage2 *s2, ash_ipa_t ipa, uint64_t size,
                     int (*visit)(void *arg, const struct ash_stage2_mapping *mapping), void *arg)
{
    uint64_t at = ipa.value;
    uint64_t end = ipa.value + size;
    int result = ash_stage2_range_(s2, ipa.value, size);

    while (result == ASH_OK && at < end) {
        struct ash_stage2_mapping mapping = translate(s2, at);

        if (mapping.valid) {
            result = visit(arg, &mapping);
        }
        at = mapping.ipa.value + mapping.size;
    }
    return result;
}

int ash_stage2_check_fault(const struct ash_stage2 *s2, ash_ipa_t ipa, uint32_t access)
{
    struct ash_stage2_mapping mapping;
    int error = ash_stage2_lookup(s2, ipa, &mapping);

    if (error != ASH_OK) {
        return error;
    }
    if (!mapping.valid) {
        return ASH_ENOENT;
    }
    if ((access & ASH_STAGE2_WALK) != 0U && (mapping.attr & ASH_STAGE2_TYPE) >= ASH_STAGE2_DEVICE) {
        return ASH_EPERM;
    }
    return (access & ASH_STAGE2_RIGHTS & ~mapping.attr) == 0U ? ASH_OK : ASH_EPERM;
}
