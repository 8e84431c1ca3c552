/* SPDX-License-Identifier: BSD-2-Clause */
/** A deterministic generator seeded once from the board's rng-seed: each VM's rng-seed comes from it. ChaCha20
 *  (RFC 8439) with a key that is replaced after each request, so that what was given out cannot be computed back. */
#ifndef HV_CORE_RNG_H
#define HV_CORE_RNG_H

#include <stddef.h>
#include <stdint.h>

struct hv_rng {
    uint32_t key[8];
    uint64_t requests;
};

/** Mix @size bytes of @seed into the generator's key. May be called again with more. */
void hv_rng_seed(struct hv_rng *rng, const void *seed, size_t size);

/** @size bytes. Lock domain: the VM list. */
void hv_rng_bytes(struct hv_rng *rng, void *bytes, size_t size);

/** One ChaCha20 block (RFC 8439 2.3) as words, each of four little-endian bytes: for the tests. */
void hv_chacha20_block(const uint32_t key[8], uint32_t counter, const uint32_t nonce[3], uint32_t out[16]);

#endif
