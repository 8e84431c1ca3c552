/* SPDX-License-Identifier: BSD-2-Clause */
/** Arithmetic on numbers that somebody else wrote: a wrap is a result, not a surprise. */
#ifndef LIBBASE_CHECKED_H
#define LIBBASE_CHECKED_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** *@sum = @a + @b. False if it wraps (*@sum is then not to be used). */
static inline bool ash_add_ok(uint64_t a, uint64_t b, uint64_t *sum)
{
    return !__builtin_add_overflow(a, b, sum);
}

/** *@product = @a * @b. False if it wraps. */
static inline bool ash_mul_ok(uint64_t a, uint64_t b, uint64_t *product)
{
    return !__builtin_mul_overflow(a, b, product);
}

/** Does [base, base+size) lie in [outer_base, outer_base+outer_size)? Nothing wraps; an empty inner range
 *  must still start inside or at the end. */
static inline bool ash_range_within(uint64_t base, uint64_t size, uint64_t outer_base, uint64_t outer_size)
{
    return base >= outer_base && base - outer_base <= outer_size && size <= outer_size - (base - outer_base);
}

/** Is [base, base+size) not empty and free of a wrap? A range that ends at 2^64 exactly is one that wraps. */
static inline bool ash_range_ok(uint64_t base, uint64_t size)
{
    uint64_t end;
    return size != 0U && ash_add_ok(base, size, &end);
}

/** Do two ranges, both ash_range_ok, share a byte? */
static inline bool ash_ranges_overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
    return a < b + b_size && b < a + a_size;
}

#ifdef __cplusplus
}
#endif

#endif
