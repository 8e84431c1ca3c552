/* SPDX-License-Identifier: BSD-2-Clause */
/** Address types: a physical, an intermediate physical and a virtual address cannot be mixed. */
#ifndef LIBBASE_TYPES_H
#define LIBBASE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A physical address (PA), bytes. */
typedef struct ash_pa {
    uint64_t value;
} ash_pa_t;

/** An intermediate physical address (IPA): what a guest calls physical, bytes. */
typedef struct ash_ipa {
    uint64_t value;
} ash_ipa_t;

/** A guest's virtual address (VA), bytes. The hypervisor's own virtual addresses are pointers. */
typedef struct ash_va {
    uint64_t value;
} ash_va_t;

static inline ash_pa_t ash_pa(uint64_t value)
{
    ash_pa_t pa = {value};
    return pa;
}

static inline ash_ipa_t ash_ipa(uint64_t value)
{
    ash_ipa_t ipa = {value};
    return ipa;
}

static inline ash_va_t ash_va(uint64_t value)
{
    ash_va_t va = {value};
    return va;
}

#ifdef __cplusplus
}
#endif

#endif
