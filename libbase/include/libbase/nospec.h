/* SPDX-License-Identifier: BSD-2-Clause */
/** Bounds that hold under speculation too (Spectre variant 1). */
#ifndef LIBBASE_NOSPEC_H
#define LIBBASE_NOSPEC_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @index if it is below @size, else 0, also on a mispredicted path. The caller has compared them already:
 *  this keeps the CPU from running ahead of that comparison with an index that a guest chose.
 *  AArch64: CSDB makes the conditional select a barrier to value prediction
 *  (Arm ARM DDI 0487, C6.2 "CSDB"; "Cache Speculation Side-channels" white paper). */
static inline uint64_t ash_index_nospec(uint64_t index, uint64_t size)
{
#if defined(__aarch64__)
    uint64_t safe;
    __asm__ volatile("cmp %1, %2\n\tcsel %0, %1, xzr, lo\n\thint #20 /* csdb */"
                     : "=r"(safe)
                     : "r"(index), "r"(size)
                     : "cc");
    return safe;
#else
    return index < size ? index : 0U;
#endif
}

/** @index modulo @size, a power of two, also on a mispredicted path, whatever the compiler knows of @index. For an
 *  index that a comparison has bounded already: cheaper than ash_index_nospec(), because there is nothing to select. */
static inline uint64_t ash_wrap_nospec(uint64_t index, uint64_t size)
{
#if defined(__GNUC__)
    __asm__("" : "+r"(index));
#endif
    return index & (size - 1U);
}

#ifdef __cplusplus
}
#endif

#endif
