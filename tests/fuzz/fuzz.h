/* SPDX-License-Identifier: BSD-2-Clause */
/* What the fuzz targets share: a program read from the input's bytes, and a check that ends the process.
 * A target keeps nothing between two inputs: the same bytes always do the same. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Called by libFuzzer and by replay.c. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An invariant: libFuzzer keeps the input that breaks it. */
#define FUZZ_CHECK(claim)                                                                                    \
    do {                                                                                                     \
        if (!(claim)) {                                                                                      \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #claim);                              \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

/* The rest of an input. Behind its end everything reads as zero. */
struct fuzz_input {
    const uint8_t *at;
    size_t left;
};

static inline bool fuzz_more(const struct fuzz_input *in)
{
    return in->left > 0U;
}

static inline uint8_t fuzz_u8(struct fuzz_input *in)
{
    if (in->left == 0U) {
        return 0;
    }
    in->left--;
    return *in->at++;
}

/* Little-endian. */
static inline uint64_t fuzz_bytes(struct fuzz_input *in, unsigned count)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < count; i++) {
        value |= (uint64_t)fuzz_u8(in) << (8U * i);
    }
    return value;
}

static inline uint16_t fuzz_u16(struct fuzz_input *in)
{
    return (uint16_t)fuzz_bytes(in, 2);
}

static inline uint32_t fuzz_u32(struct fuzz_input *in)
{
    return (uint32_t)fuzz_bytes(in, 4);
}

static inline uint64_t fuzz_u64(struct fuzz_input *in)
{
    return fuzz_bytes(in, 8);
}

/* A number in [0, bound) from one byte, or from two where one is too few. */
static inline uint32_t fuzz_below(struct fuzz_input *in, uint32_t bound)
{
    return (bound > 256U ? fuzz_u16(in) : fuzz_u8(in)) % bound;
}

/* A 64-bit number, more often than not one of those at which something changes. */
static inline uint64_t fuzz_edge(struct fuzz_input *in)
{
    const uint8_t kind = fuzz_u8(in);
    const uint64_t bit = UINT64_C(1) << (kind & 63U);

    switch (kind >> 6) {
    case 0:
        return fuzz_u64(in);
    case 1:
        return bit;
    case 2:
        return bit - 1U;
    default:
        return bit + fuzz_u8(in) - 128U;
    }
}

#endif
