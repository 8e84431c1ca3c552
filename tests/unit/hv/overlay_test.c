/* SPDX-License-Identifier: BSD-2-Clause */
/* A disk with an overlay, against a flat copy of what it must hold. */
#include <stdlib.h>
#include <string.h>

#include "testkit/cmocka.h"
#include "testkit/seed.h"
#include "vdev/overlay.h"

#define BLOCK  ((uint64_t)HV_OVERLAY_BLOCK)
#define BLOCKS 9U
#define SIZE   ((BLOCKS - 1U) * BLOCK + 1536U) /* the last block is short */

struct bench {
    struct hv_overlay overlay;
    uint8_t *image;
    uint8_t *pristine; /* what the image is to stay */
    uint8_t *flat;
    void *index;
    void *own;
};

/** Heap blocks of the exact sizes: the sanitizer sees a byte too far. */
static void open_bench(struct bench *bench, unsigned own_blocks)
{
    bench->image = malloc(SIZE);
    bench->pristine = malloc(SIZE);
    bench->flat = malloc(SIZE);
    bench->index = calloc(1, hv_overlay_index_bytes(SIZE));
    bench->own = aligned_alloc(BLOCK, (own_blocks + 1U) * BLOCK);
    for (uint64_t i = 0; i < SIZE; i++) {
        bench->image[i] = (uint8_t)(i * 7U + i / 4096U + 1U);
    }
    memcpy(bench->pristine, bench->image, SIZE);
    memcpy(bench->flat, bench->image, SIZE);
    memset(bench->own, 0xEE, (own_blocks + 1U) * BLOCK);
    hv_overlay_init(&bench->overlay, bench->image, SIZE, bench->index, bench->own, own_blocks * BLOCK);
}

static void close_bench(struct bench *bench)
{
    assert_memory_equal(bench->image, bench->pristine, SIZE);
    free(bench->image);
    free(bench->pristine);
    free(bench->flat);
    free(bench->index);
    free(bench->own);
}

static void assert_holds(const struct bench *bench)
{
    uint8_t *seen = malloc(SIZE);

    hv_overlay_read(&bench->overlay, 0, seen, SIZE);
    assert_memory_equal(seen, bench->flat, SIZE);
    free(seen);
}

static int put(struct bench *bench, uint64_t offset, uint8_t with, uint64_t size)
{
    uint8_t *bytes = malloc(size);
    int error;

    memset(bytes, with, size);
    error = hv_overlay_write(&bench->overlay, offset, bytes, size);
    if (error == ASH_OK) {
        memcpy(bench->flat + offset, bytes, size);
    }
    free(bytes);
    return error;
}

static void what_is_not_written_is_the_images_and_costs_nothing(void **state)
{
    struct bench bench;

    (void)state;
    open_bench(&bench, BLOCKS);
    assert_holds(&bench);
    assert_int_equal(bench.overlay.used, 0);
    assert_int_equal(hv_overlay_blocks(SIZE), BLOCKS);
    close_bench(&bench);
}

static void what_is_written_stays_beside_the_image(void **state)
{
    struct bench bench;

    (void)state;
    open_bench(&bench, BLOCKS);
    assert_int_equal(put(&bench, 512, 0xAA, 512), ASH_OK);             /* a part of one */
    assert_int_equal(put(&bench, 2U * BLOCK, 0xBB, BLOCK), ASH_OK);    /* a whole one */
    assert_int_equal(put(&bench, 5U * BLOCK - 512U, 1, 1024), ASH_OK); /* across two */
    assert_int_equal(put(&bench, SIZE - 512U, 2, 512), ASH_OK);        /* the end of the short one */
    assert_holds(&bench);
    assert_int_equal(bench.overlay.used, 5);
    assert_int_equal(put(&bench, 512, 0xAC, 512), ASH_OK); /* again: no other block */
    assert_int_equal(bench.overlay.used, 5);
    assert_holds(&bench);
    close_bench(&bench);
}

static void a_full_overlay_refuses_and_loses_nothing(void **state)
{
    struct bench bench;

    (void)state;
    open_bench(&bench, 2);
    assert_int_equal(put(&bench, 0, 1, BLOCK), ASH_OK);
    assert_int_equal(put(&bench, 3U * BLOCK, 2, 512), ASH_OK);
    assert_int_equal(put(&bench, 4U * BLOCK, 3, 512), ASH_ENOSPC);
    assert_holds(&bench);
    assert_int_equal(put(&bench, 3U * BLOCK, 4, BLOCK), ASH_OK); /* it has its block */
    assert_int_equal(hv_overlay_zero(&bench.overlay, 5U * BLOCK, 512), ASH_ENOSPC);
    assert_holds(&bench);
    hv_overlay_discard(&bench.overlay, 0, BLOCK); /* then there is one again */
    memset(bench.flat, 0, BLOCK);
    assert_int_equal(put(&bench, 4U * BLOCK, 3, 512), ASH_OK);
    assert_int_equal(put(&bench, 0, 3, 512), ASH_ENOSPC);
    assert_holds(&bench);
    close_bench(&bench);
}

static void zeroes_and_what_is_discarded_need_no_memory(void **state)
{
    struct bench bench;

    (void)state;
    open_bench(&bench, 1);
    assert_int_equal(hv_overlay_zero(&bench.overlay, BLOCK, 3U * BLOCK), ASH_OK);
    memset(bench.flat + BLOCK, 0, 3U * BLOCK);
    hv_overlay_discard(&bench.overlay, 7U * BLOCK + 512U,
                       SIZE - 7U * BLOCK - 512U); /* the short one, and no more */
    memset(bench.flat + 8U * BLOCK, 0, SIZE - 8U * BLOCK);
    assert_holds(&bench);
    assert_int_equal(bench.overlay.used, 0);
    /* A part of a zero block, then: the rest stays zero, whatever its memory held before. */
    assert_int_equal(put(&bench, 2U * BLOCK + 1024U, 9, 512), ASH_OK);
    assert_holds(&bench);
    assert_int_equal(hv_overlay_zero(&bench.overlay, 2U * BLOCK + 1024U, 512), ASH_OK);
    memset(bench.flat + 2U * BLOCK + 1024U, 0, 512);
    assert_holds(&bench);
    /* A part that is zero already wants no block, and there is none. */
    assert_int_equal(hv_overlay_zero(&bench.overlay, BLOCK, 512), ASH_OK);
    assert_int_equal(bench.overlay.used, 1);
    close_bench(&bench);
}

static void it_holds_what_a_flat_disk_would(void **state)
{
    struct test_rng rng;
    struct bench bench;
    unsigned full = 0, done = 0;

    (void)state;
    (void)test_rng_init(&rng, "overlay");
    open_bench(&bench, 5);
    for (unsigned i = 0; i < 20000U; i++) {
        uint64_t offset = test_rng_below(&rng, (uint32_t)(SIZE / 512U)) * 512U;
        uint64_t size = (1U + test_rng_below(&rng, 24)) * 512U;
        unsigned what = (unsigned)test_rng_below(&rng, 4);
        int error = ASH_OK;

        size = size < SIZE - offset ? size : SIZE - offset;
        if (what < 2U) {
            error = put(&bench, offset, (uint8_t)i, size);
        } else if (what == 2U) {
            error = hv_overlay_zero(&bench.overlay, offset, size);
        } else {
            uint64_t first = (offset + BLOCK - 1U) / BLOCK * BLOCK;
            uint64_t end = offset + size == SIZE ? SIZE : (offset + size) / BLOCK * BLOCK;

            hv_overlay_discard(&bench.overlay, offset, size);
            if (end > first) {
                memset(bench.flat + first, 0, end - first);
            }
        }
        if (what == 2U && error == ASH_OK) {
            memset(bench.flat + offset, 0, size);
        }
        full += error != ASH_OK ? 1U : 0U;
        done += error == ASH_OK ? 1U : 0U;
        if (error != ASH_OK) { /* what came before the block that there was none for is done */
            hv_overlay_read(&bench.overlay, 0, bench.flat, SIZE);
        }
        assert_true(bench.overlay.used <= 5U);
        assert_holds(&bench);
    }
    assert_true(full > 100U && done > 100U);
    close_bench(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_written_is_the_images_and_costs_nothing),
        cmocka_unit_test(what_is_written_stays_beside_the_image),
        cmocka_unit_test(a_full_overlay_refuses_and_loses_nothing),
        cmocka_unit_test(zeroes_and_what_is_discarded_need_no_memory),
        cmocka_unit_test(it_holds_what_a_flat_disk_would),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
