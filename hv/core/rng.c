/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/rng.h"

#include <libbase/mem.h>

static uint32_t rotate_left(uint32_t value, unsigned by)
{
    return (value << by) | (value >> (32U - by));
}

static inline __attribute__((always_inline)) void quarter_round(uint32_t *s, unsigned a, unsigned b,
                                                                unsigned c, unsigned d)
{
    s[a] += s[b];
    s[d] = rotate_left(s[d] ^ s[a], 16);
    s[c] += s[d];
    s[b] = rotate_left(s[b] ^ s[c], 12);
    s[a] += s[b];
    s[d] = rotate_left(s[d] ^ s[a], 8);
    s[c] += s[d];
    s[b] = rotate_left(s[b] ^ s[c], 7);
}

void hv_chacha20_block(const uint32_t key[8], uint32_t counter, const uint32_t nonce[3], uint32_t out[16])
{
    uint32_t start[16] = {0x61707865U, 0x3320646eU, 0x79622d32U, 0x6b206574U};
    uint32_t s[16];

    memcpy(&start[4], key, 32);
    start[12] = counter;
    memcpy(&start[13], nonce, 12);
    memcpy(s, start, sizeof(s));
    for (unsigned round = 0; round < 10U; round++) {
        /* Written out: with constant indices all of it stays in registers. */
        quarter_round(s, 0, 4, 8, 12);
        quarter_round(s, 1, 5, 9, 13);
        quarter_round(s, 2, 6, 10, 14);
        quarter_round(s, 3, 7, 11, 15);
        quarter_round(s, 0, 5, 10, 15);
        quarter_round(s, 1, 6, 11, 12);
        quarter_round(s, 2, 7, 8, 13);
        quarter_round(s, 3, 4, 9, 14);
    }
    for (unsigned i = 0; i < 16U; i++) {
        out[i] = s[i] + start[i];
    }
}

/** The next block; its first half becomes the key, @out gets the second. */
static void step(struct hv_rng *rng, uint8_t out[32])
{
    const uint32_t nonce[3] = {(uint32_t)rng->requests, (uint32_t)(rng->requests >> 32), 0};
    uint32_t block[16];

    rng->requests++;
    hv_chacha20_block(rng->key, 0, nonce, block);
    memcpy(rng->key, block, sizeof(rng->key));
    memcpy(out, &block[8], 32);
    memset(block, 0, sizeof(block));
}

void hv_rng_seed(struct hv_rng *rng, const void *seed, size_t size)
{
    const uint8_t *from = (const uint8_t *)seed;
    uint8_t discard[32];

    for (size_t at = 0; at < size; at++) {
        rng->key[(at / 4U) % 8U] ^= (uint32_t)from[at] << (8U * (at % 4U));
        if (at % 32U == 31U || at + 1U == size) {
            step(rng, discard);
        }
    }
}

void hv_rng_bytes(struct hv_rng *rng, void *bytes, size_t size)
{
    uint8_t *to = (uint8_t *)bytes;
    uint8_t block[32];

    while (size > 0U) {
        size_t now = size < sizeof(block) ? size : sizeof(block);
        step(rng, block);
        memcpy(to, block, now);
        to += now;
        size -= now;
    }
    memset(block, 0, sizeof(block));
}
