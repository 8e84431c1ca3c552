/* SPDX-License-Identifier: BSD-2-Clause */
/** Randomised tests: the seed is printed, and taken back from ASH_TEST_SEED. Without one it is always the same:
 *  what passes on a commit passes on it tomorrow. Fresh ones are drawn by tests/soak/seeds.py. */
#ifndef TESTKIT_SEED_H
#define TESTKIT_SEED_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define TEST_SEED_DEFAULT UINT64_C(0x5eed)

/** xorshift64*: small, repeatable, the same on every machine. */
struct test_rng {
    uint64_t state;
};

static inline uint64_t test_rng_next(struct test_rng *rng)
{
    rng->state ^= rng->state >> 12;
    rng->state ^= rng->state << 25;
    rng->state ^= rng->state >> 27;
    return rng->state * UINT64_C(0x2545F4914F6CDD1D);
}

/** A number in [0, bound); bound > 0. */
static inline uint64_t test_rng_below(struct test_rng *rng, uint64_t bound)
{
    return (test_rng_next(rng) >> 11) % bound;
}

/** Seed @rng from ASH_TEST_SEED, else with the default, and print that with @name. */
static inline uint64_t test_rng_init(struct test_rng *rng, const char *name)
{
    const char *given = getenv("ASH_TEST_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 0) : TEST_SEED_DEFAULT;

    printf("%s: seed 0x%llx (repeat with ASH_TEST_SEED=0x%llx)\n", name, (unsigned long long)seed,
           (unsigned long long)seed);
    rng->state = seed | 1U;
    for (int i = 0; i < 8; i++) {
        (void)test_rng_next(rng);
    }
    return seed;
}

#endif
