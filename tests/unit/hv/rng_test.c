/* SPDX-License-Identifier: BSD-2-Clause */
/* The generator: ChaCha20 as RFC 8439 has it, and what is kept and forgotten around it. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/rng.h"
#include "testkit/cmocka.h"

static void a_block_is_that_of_rfc_8439(void **state)
{
    /* RFC 8439 2.3.2: key 00 01 … 1f, nonce 00 00 00 09 00 00 00 4a 00 00 00 00, block count 1. */
    static const uint8_t expected[64] = {
        0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15, 0x50, 0x0f, 0xdd, 0x1f, 0xa3, 0x20, 0x71, 0xc4,
        0xc7, 0xd1, 0xf4, 0xc7, 0x33, 0xc0, 0x68, 0x03, 0x04, 0x22, 0xaa, 0x9a, 0xc3, 0xd4, 0x6c, 0x4e,
        0xd2, 0x82, 0x64, 0x46, 0x07, 0x9f, 0xaa, 0x09, 0x14, 0xc2, 0xd7, 0x05, 0xd9, 0x8b, 0x02, 0xa2,
        0xb5, 0x12, 0x9c, 0xd1, 0xde, 0x16, 0x4e, 0xb9, 0xcb, 0xd0, 0x83, 0xe8, 0xa2, 0x50, 0x3c, 0x4e};
    static const uint32_t key[8] = {0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c,
                                    0x13121110, 0x17161514, 0x1b1a1918, 0x1f1e1d1c};
    static const uint32_t nonce[3] = {0x09000000, 0x4a000000, 0x00000000};
    uint32_t block[16];

    (void)state;
    hv_chacha20_block(key, 1, nonce, block);
    assert_memory_equal(block, expected, sizeof(block));
}

static void the_block_of_an_all_zero_key_is_that_of_rfc_8439(void **state)
{
    /* RFC 8439 A.1, test vectors 1 and 2: key and nonce zero, block counts 0 and 1; their first 16 bytes. */
    static const uint8_t first[16] = {0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90,
                                      0x40, 0x5d, 0x6a, 0xe5, 0x53, 0x86, 0xbd, 0x28};
    static const uint8_t second[16] = {0x9f, 0x07, 0xe7, 0xbe, 0x55, 0x51, 0x38, 0x7a,
                                       0x98, 0xba, 0x97, 0x7c, 0x73, 0x2d, 0x08, 0x0d};
    static const uint32_t zero[8] = {0};
    uint32_t block[16];

    (void)state;
    hv_chacha20_block(zero, 0, zero, block);
    assert_memory_equal(block, first, sizeof(first));
    hv_chacha20_block(zero, 1, zero, block);
    assert_memory_equal(block, second, sizeof(second));
}

/** Does @needle, @size bytes, stand anywhere in the generator's state? */
static bool state_holds(const struct hv_rng *rng, const uint8_t *needle, size_t size)
{
    const uint8_t *bytes = (const uint8_t *)rng;

    for (size_t at = 0; at + size <= sizeof(*rng); at++) {
        if (memcmp(bytes + at, needle, size) == 0) {
            return true;
        }
    }
    return false;
}

static void the_key_is_replaced_by_each_request(void **state)
{
    struct hv_rng rng = {.requests = 0};
    uint8_t out[64];

    (void)state;
    hv_rng_seed(&rng, "a seed", 6);
    for (unsigned i = 0; i < 100U; i++) {
        struct hv_rng before = rng;
        size_t size = 1U + i % sizeof(out);

        hv_rng_bytes(&rng, out, size);
        assert_memory_not_equal(rng.key, before.key, sizeof(rng.key));
        for (unsigned word = 0; word < 8U; word++) {
            assert_int_not_equal(rng.key[word], before.key[word]); /* 2^-32 each */
        }
    }
}

static void what_was_given_out_is_not_kept(void **state)
{
    struct hv_rng rng = {.requests = 0};
    uint8_t out[96];

    (void)state;
    hv_rng_seed(&rng, "a seed", 6);
    hv_rng_bytes(&rng, out, sizeof(out));
    for (size_t at = 0; at + 8U <= sizeof(out); at++) {
        assert_false(state_holds(&rng, out + at, 8));
    }
}

static void the_output_is_the_second_half_of_the_block_and_the_key_the_first(void **state)
{
    struct hv_rng rng = {.key = {1, 2, 3, 4, 5, 6, 7, 8}, .requests = UINT64_C(0x100000002)};
    static const uint32_t key[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    static const uint32_t nonce[3] = {2, 1, 0};
    uint32_t block[16];
    uint8_t out[32];

    (void)state;
    hv_chacha20_block(key, 0, nonce, block);
    hv_rng_bytes(&rng, out, sizeof(out));
    assert_memory_equal(out, &block[8], 32);
    for (unsigned i = 0; i < 8U; i++) {
        assert_int_equal(rng.key[i], block[i]);
    }
}

static void the_same_seed_gives_the_same_bytes_however_they_are_asked_for(void **state)
{
    struct hv_rng one = {.requests = 0};
    struct hv_rng other = {.requests = 0};
    uint8_t whole[96];
    uint8_t parts[96];

    (void)state;
    hv_rng_seed(&one, "0123456789", 10);
    hv_rng_seed(&other, "0123456789", 10);
    hv_rng_bytes(&one, whole, sizeof(whole));
    for (size_t at = 0; at < sizeof(parts); at += 32U) {
        hv_rng_bytes(&other, parts + at, 32);
    }
    assert_memory_equal(whole, parts, sizeof(whole));
}

static void first_bytes(const uint8_t *seed, size_t size, uint8_t out[32])
{
    struct hv_rng rng = {.requests = 0};

    hv_rng_seed(&rng, seed, size);
    hv_rng_bytes(&rng, out, 32);
}

static void every_bit_of_a_seed_counts(void **state)
{
    uint8_t seed[100] = {0};
    uint8_t plain[32];
    uint8_t changed[32];

    (void)state;
    first_bytes(seed, sizeof(seed), plain);
    for (size_t bit = 0; bit < 8U * sizeof(seed); bit++) {
        seed[bit / 8U] ^= (uint8_t)(1U << (bit % 8U));
        first_bytes(seed, sizeof(seed), changed);
        assert_memory_not_equal(changed, plain, sizeof(plain));
        seed[bit / 8U] = 0;
    }
}

static void a_seed_twice_as_long_is_another_seed(void **state)
{
    static const uint8_t seed[64] = {0};
    uint8_t outputs[65][32];

    (void)state;
    for (size_t length = 0; length <= 64U; length++) {
        first_bytes(seed, length, outputs[length]);
    }
    /* Lengths of one number of blocks agree here, as all bytes are zero; one more block is another key. */
    assert_memory_not_equal(outputs[0], outputs[1], 32);
    assert_memory_not_equal(outputs[32], outputs[33], 32);
    assert_memory_not_equal(outputs[32], outputs[64], 32);
}

static void a_second_seed_adds_to_the_first(void **state)
{
    struct hv_rng one = {.requests = 0};
    struct hv_rng other = {.requests = 0};
    uint8_t a[32];
    uint8_t b[32];

    (void)state;
    hv_rng_seed(&one, "first", 5);
    hv_rng_seed(&one, "second", 6);
    hv_rng_seed(&other, "second", 6); /* one that knows the second alone */
    hv_rng_bytes(&one, a, sizeof(a));
    hv_rng_bytes(&other, b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(a));
}

static void nothing_beyond_the_size_is_written(void **state)
{
    (void)state;
    for (size_t size = 0; size <= 70U; size++) {
        struct hv_rng rng = {.requests = 0};
        uint8_t *out = malloc(size != 0U ? size : 1U); /* AddressSanitizer watches its end */

        assert_non_null(out);
        hv_rng_seed(&rng, &size, sizeof(size));
        hv_rng_bytes(&rng, out, size);
        free(out);
    }
}

/** Not a test of randomness: of bytes left out, given twice or stuck. */
static void the_output_is_not_obviously_patterned(void **state)
{
    enum { SIZE = 1 << 16 };
    static uint8_t out[SIZE];
    struct hv_rng rng = {.requests = 0};
    unsigned seen[256] = {0};
    unsigned ones = 0;

    (void)state;
    hv_rng_seed(&rng, "a fixed seed: this cannot flicker", 33);
    hv_rng_bytes(&rng, out, SIZE);
    for (unsigned i = 0; i < SIZE; i++) {
        seen[out[i]]++;
        ones += (unsigned)__builtin_popcount(out[i]);
    }
    for (unsigned i = 0; i < 256U; i++) {
        assert_in_range(seen[i], 150, 370); /* 256 expected, sigma 16 */
    }
    assert_in_range(ones, 4 * SIZE - 2500, 4 * SIZE + 2500); /* sigma 362 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_is_that_of_rfc_8439),
        cmocka_unit_test(the_block_of_an_all_zero_key_is_that_of_rfc_8439),
        cmocka_unit_test(the_key_is_replaced_by_each_request),
        cmocka_unit_test(what_was_given_out_is_not_kept),
        cmocka_unit_test(the_output_is_the_second_half_of_the_block_and_the_key_the_first),
        cmocka_unit_test(the_same_seed_gives_the_same_bytes_however_they_are_asked_for),
        cmocka_unit_test(every_bit_of_a_seed_counts),
        cmocka_unit_test(a_seed_twice_as_long_is_another_seed),
        cmocka_unit_test(a_second_seed_adds_to_the_first),
        cmocka_unit_test(nothing_beyond_the_size_is_written),
        cmocka_unit_test(the_output_is_not_obviously_patterned),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
