/* SPDX-License-Identifier: BSD-2-Clause */
/** Bit fields and alignment on 64-bit values. */
#ifndef LIBBASE_BITS_H
#define LIBBASE_BITS_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bit @n of a 64-bit value; @n is 0..63. */
#define ASH_BIT(n) (UINT64_C(1) << (n))
/** Bits @hi..@lo set; 63 >= hi >= lo >= 0. Written as the manuals write a field: [hi:lo]. */
#define ASH_MASK(hi, lo) ((~UINT64_C(0) >> (63 - (hi))) & (~UINT64_C(0) << (lo)))

/** Field [hi:lo] of @value, shifted down. */
static inline uint64_t ash_field(uint64_t value, unsigned hi, unsigned lo)
{
    return (value & ASH_MASK(hi, lo)) >> lo;
}

/** @value with field [hi:lo] replaced by the low bits of @field. */
static inline uint64_t ash_with_field(uint64_t value, unsigned hi, unsigned lo, uint64_t field)
{
    return (value & ~ASH_MASK(hi, lo)) | ((field << lo) & ASH_MASK(hi, lo));
}

/** @value's bits [bits-1:0] as a signed number; bits is 1..64. */
static inline uint64_t ash_sign_extend(uint64_t value, unsigned bits)
{
    uint64_t sign = UINT64_C(1) << (bits - 1U);
    uint64_t low = value & (~UINT64_C(0) >> (64U - bits));
    return (low ^ sign) - sign;
}

/** Is @value a multiple of @alignment, a power of two? */
static inline bool ash_is_aligned(uint64_t value, uint64_t alignment)
{
    return (value & (alignment - 1U)) == 0U;
}

static inline uint64_t ash_align_down(uint64_t value, uint64_t alignment)
{
    return value & ~(alignment - 1U);
}

/** @value rounded up to @alignment, a power of two. Wraps: check the range first where @value is not ours. */
static inline uint64_t ash_align_up(uint64_t value, uint64_t alignment)
{
    return ash_align_down(value + (alignment - 1U), alignment);
}

static inline bool ash_is_power_of_two(uint64_t value)
{
    return value != 0U && (value & (value - 1U)) == 0U;
}

/** Index of the lowest set bit; @value is not 0. */
static inline unsigned ash_lowest_bit(uint64_t value)
{
    return (unsigned)__builtin_ctzll(value);
}

/** Index of the highest set bit; @value is not 0. */
static inline unsigned ash_highest_bit(uint64_t value)
{
    return 63U - (unsigned)__builtin_clzll(value);
}

#ifdef __cplusplus
}
#endif

#endif
