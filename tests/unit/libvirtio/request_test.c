/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests as plain data: bytes by token, trimming, staleness. The entropy device is under them, the
 * smallest there is. */
#include "guest.h"

#include <stdlib.h>
#include <string.h>

#include <libvirtio/rng.h>

struct pool {
    struct guest guest;
    struct ash_virtio_rng rng;
    unsigned char next;
    uint32_t left; /* bytes of entropy */
};

static uint32_t fill(void *ctx, void *bytes, uint32_t size)
{
    struct pool *pool = ctx;
    const uint32_t got = size < pool->left ? size : pool->left;

    for (uint32_t i = 0; i < got; i++) {
        ((unsigned char *)bytes)[i] = ++pool->next;
    }
    pool->left -= got;
    return got;
}

static const struct ash_virtio_rng_backend backend = {.size = sizeof(backend), .fill = fill};

static void pool_open(struct pool *pool, uint64_t features)
{
    const struct ash_virtio_rng_config config = {.backend = &backend, .backend_ctx = pool, .bytes_max = 64};

    memset(pool, 0, sizeof(*pool));
    pool->left = 1000000;
    guest_prepare(&pool->guest, 1, ASH_VIRTIO_RING_FEATURES);
    assert_int_equal(ash_virtio_rng_init(&pool->rng, &config, &pool->guest.site), ASH_OK);
    guest_attach(&pool->guest, &pool->rng.device);
    guest_start(&pool->guest, features);
}

static void buffers_are_filled(void **state)
{
    static const uint64_t features[] = {0, ASH_VIRTQ_F_PACKED, ASH_VIRTIO_RING_FEATURES};

    (void)state;
    for (unsigned f = 0; f < 3; f++) {
        struct pool pool;
        struct ash_virtq_segment in[3];
        const unsigned char *bytes;
        int head;

        pool_open(&pool, features[f]);
        assert_int_equal(guest_read(&pool.guest, 8), 4);
        for (unsigned i = 0; i < 3; i++) {
            in[i] = guest_buffer(&pool.guest, 5, true);
        }
        head = guest_send(&pool.guest, 0, in, 3);
        guest_run(&pool.guest, 8);
        assert_true(pool.guest.line);
        assert_int_equal(guest_take(&pool.guest, 0, head), 15);
        for (unsigned i = 0; i < 15; i++) {
            bytes = guest_bytes(&pool.guest, in[i / 5]);
            assert_int_equal(bytes[i % 5], i + 1);
        }
        in[0] = guest_buffer(&pool.guest, 100, true); /* more than one request may have */
        head = guest_send(&pool.guest, 0, in, 1);
        guest_run(&pool.guest, 8);
        assert_int_equal(guest_take(&pool.guest, 0, head), 64);
        guest_close(&pool.guest);
    }
}

static void without_entropy_a_request_waits(void **state)
{
    struct pool pool;
    struct ash_virtq_segment in;
    struct mock_used used;
    int head, second;

    (void)state;
    pool_open(&pool, 0);
    pool.left = 3;
    in = guest_buffer(&pool.guest, 10, true);
    head = guest_send(&pool.guest, 0, &in, 1);
    second = guest_send(&pool.guest, 0, &in, 1);
    guest_run(&pool.guest, 8);
    assert_int_equal(guest_take(&pool.guest, 0, head), 3);
    assert_false(guest_has_used(&pool.guest, 0, &used));
    ash_virtio_rng_ready(&pool.rng);
    guest_run(&pool.guest, 8);
    assert_false(guest_has_used(&pool.guest, 0, &used));
    pool.left = 100;
    ash_virtio_rng_ready(&pool.rng);
    guest_run(&pool.guest, 8);
    assert_int_equal(guest_take(&pool.guest, 0, second), 10);
    guest_close(&pool.guest);
}

static void what_waited_is_forgotten_by_a_reset(void **state)
{
    struct pool pool;
    struct ash_virtq_segment in;
    int head;

    (void)state;
    pool_open(&pool, ASH_VIRTIO_F_RING_RESET);
    for (unsigned i = 0; i < 2; i++) {
        pool.left = 0;
        in = guest_buffer(&pool.guest, 10, true);
        guest_send(&pool.guest, 0, &in, 1);
        guest_run(&pool.guest, 8);
        assert_true(pool.rng.held.token != 0);
        if (i == 0) {
            guest_write(&pool.guest, 0xC0, 1);
            assert_true(pool.rng.held.token == 0);
        }
        guest_start(&pool.guest, 0);
        assert_true(pool.rng.held.token == 0);
        pool.left = 100;
        guest_run(&pool.guest, 8);
        head = guest_send(&pool.guest, 0, &in, 1);
        guest_run(&pool.guest, 8);
        assert_int_equal(guest_take(&pool.guest, 0, head), 10);
    }
    guest_close(&pool.guest);
}

/* 5.4.6.1 */
static void a_buffer_that_is_not_for_writing_breaks_the_queue(void **state)
{
    (void)state;
    for (unsigned readable = 0; readable < 2; readable++) {
        struct pool pool;
        struct ash_virtq_segment in[2];
        struct mock_used used;

        pool_open(&pool, 0);
        in[0] = guest_buffer(&pool.guest, readable != 0U ? 10 : 0, readable == 0U);
        in[1] = guest_buffer(&pool.guest, 10, true);
        guest_send(&pool.guest, 0, in, 1U + readable);
        guest_run(&pool.guest, 1);
        assert_int_equal(guest_read(&pool.guest, 0x70), 0x4f);
        assert_false(guest_has_used(&pool.guest, 0, &used));
        assert_int_equal(pool.next, 0); /* no entropy is spent */
        guest_start(&pool.guest, 0);
        in[0] = guest_buffer(&pool.guest, 10, true);
        assert_int_equal(pool.rng.held.token, 0);
        guest_run(&pool.guest, 1);
        (void)guest_send(&pool.guest, 0, in, 1);
        guest_run(&pool.guest, 1);
        assert_true(guest_has_used(&pool.guest, 0, &used) && used.written == 10U);
        guest_close(&pool.guest);
    }
}

/* 5.4.6.2: never a buffer without a byte. */
static void memory_that_cannot_be_mapped_now_waits(void **state)
{
    struct pool pool;
    struct ash_virtq_segment in;
    int head;

    (void)state;
    pool_open(&pool, 0);
    in = guest_buffer(&pool.guest, 10, true);
    guest_fail_map(&pool.guest, 0);
    head = guest_send(&pool.guest, 0, &in, 1);
    assert_true(ash_virtio_run(&pool.rng.device, 1));
    assert_true(ash_virtio_run(&pool.rng.device, 1));
    guest_fail_map(&pool.guest, -1);
    guest_run(&pool.guest, 1);
    assert_int_equal(guest_take(&pool.guest, 0, head), 10);
    guest_close(&pool.guest);
}

static void rng_init_refuses_what_it_cannot_use(void **state)
{
    struct ash_virtio_rng_backend bad = backend;
    struct ash_virtio_rng_config config = {.backend = &backend, .bytes_max = 1};
    struct ash_virtio_rng rng;
    struct guest guest;

    (void)state;
    guest_prepare(&guest, 1, 0);
    assert_int_equal(ash_virtio_rng_init(NULL, &config, &guest.site), ASH_EINVAL);
    assert_int_equal(ash_virtio_rng_init(&rng, NULL, &guest.site), ASH_EINVAL);
    assert_int_equal(ash_virtio_rng_init(&rng, &config, NULL), ASH_EINVAL);
    config.bytes_max = 0;
    assert_int_equal(ash_virtio_rng_init(&rng, &config, &guest.site), ASH_EINVAL);
    config.bytes_max = 1;
    config.backend = NULL;
    assert_int_equal(ash_virtio_rng_init(&rng, &config, &guest.site), ASH_EINVAL);
    config.backend = &bad;
    bad.size = 0;
    assert_int_equal(ash_virtio_rng_init(&rng, &config, &guest.site), ASH_EINVAL);
    bad = backend;
    bad.fill = NULL;
    assert_int_equal(ash_virtio_rng_init(&rng, &config, &guest.site), ASH_EINVAL);
    mock_memory_fini(&guest.mem);
    free(guest.slots);
}

/* ---- The request itself
 * ------------------------------------------------------------------------------------- */

/* Taken by the test instead of the device: 3 + 4 bytes to read, 5 + 6 to write. */
static struct ash_virtio_request take(struct pool *pool, struct ash_virtq_segment in[4])
{
    static const uint32_t sizes[] = {3, 4, 5, 6};
    struct ash_virtio_request request;

    for (unsigned i = 0; i < 4; i++) {
        in[i] = guest_buffer(&pool->guest, sizes[i], i >= 2);
        for (unsigned j = 0; j < sizes[i]; j++) {
            ((unsigned char *)guest_bytes(&pool->guest, in[i]))[j] = (unsigned char)(i * 16 + j);
        }
    }
    guest_send(&pool->guest, 0, in, 4);
    assert_int_equal(ash_virtio_pop(&pool->rng.device, 0, &request), ASH_OK);
    assert_int_equal(request.readable_bytes, 7);
    assert_int_equal(request.writable_bytes, 11);
    return request;
}

static void bytes_are_copied_across_segments(void **state)
{
    static const unsigned char all[] = {0, 1, 2, 16, 17, 18, 19};
    struct ash_virtq_segment in[4];
    struct ash_virtio_request request;
    unsigned char bytes[16];
    struct pool pool;

    (void)state;
    pool_open(&pool, 0);
    request = take(&pool, in);
    for (unsigned from = 0; from <= 7; from++) {
        for (unsigned size = 0; size <= 8; size++) {
            memset(bytes, 0xEE, sizeof(bytes));
            if (from + size > 7) {
                assert_int_equal(ash_virtio_copy_in(&pool.rng.device, &request, from, bytes, size),
                                 ASH_ERANGE);
                assert_int_equal(bytes[0], 0xEE);
            } else {
                assert_int_equal(ash_virtio_copy_in(&pool.rng.device, &request, from, bytes, size), ASH_OK);
                assert_memory_equal(bytes, all + from, size);
                assert_int_equal(bytes[size], 0xEE);
            }
        }
    }
    assert_int_equal(ash_virtio_copy_in(&pool.rng.device, &request, UINT64_MAX, bytes, 8), ASH_ERANGE);
    assert_int_equal(ash_virtio_copy_out(&pool.rng.device, &request, 4, "abc", 3), ASH_OK);
    assert_memory_equal((char *)guest_bytes(&pool.guest, in[2]) + 4, "a", 1);
    assert_memory_equal(guest_bytes(&pool.guest, in[3]), "bc", 2);
    assert_int_equal(ash_virtio_copy_out(&pool.rng.device, &request, 10, "ab", 2), ASH_ERANGE);
    assert_int_equal(pool.guest.mem.mapped, 3);
    guest_close(&pool.guest);
}

#define PIECE 16U

static unsigned pieces;

/* Memory that is whole for the guest, and for us in pieces. */
static void *map_piece(void *ctx, ash_ipa_t ipa, uint64_t size, bool write)
{
    struct guest *guest = ctx;

    assert_true(size > 0U && ipa.value / PIECE == (ipa.value + size - 1U) / PIECE);
    pieces++;
    return mock_memory_hal.map(&guest->mem, ipa, size, write);
}

static void unmap_piece(void *ctx, void *address, uint64_t size)
{
    struct guest *guest = ctx;

    mock_memory_hal.unmap(&guest->mem, address, size);
}

static void a_buffer_in_several_pieces_is_one_buffer(void **state)
{
    static const struct ash_virtq_hal in_pieces = {
        .size = sizeof(in_pieces), .map = map_piece, .unmap = unmap_piece, .piece = PIECE};
    struct ash_virtq_segment in[2];
    struct pool pool;
    int head;

    (void)state;
    pool_open(&pool, 0);
    in[0] = (struct ash_virtq_segment){.ipa = ash_ipa(mock_memory_alloc(&pool.guest.mem, 41, PIECE - 5U)),
                                       .length = 41,
                                       .writable = true}; /* 5 bytes, two pieces, 4 bytes */
    in[1] = (struct ash_virtq_segment){
        .ipa = ash_ipa(mock_memory_alloc(&pool.guest.mem, PIECE, 0)), .length = PIECE, .writable = true};
    head = guest_send(&pool.guest, 0, in, 2);
    pool.guest.hal.memory = &in_pieces; /* the rings are mapped by now */
    pool.guest.region.bytes = NULL;
    pieces = 0;
    guest_run(&pool.guest, 8);
    assert_int_equal(pieces, 5);
    assert_int_equal(guest_take(&pool.guest, 0, head), 41 + PIECE);
    for (unsigned i = 0; i < 41U + PIECE; i++) {
        const unsigned char *bytes = guest_bytes(&pool.guest, in[i / 41U]);

        assert_int_equal(bytes[i % 41U], i + 1);
    }
    head = guest_send(&pool.guest, 0, in, 1);
    pieces = 0;
    guest_run(&pool.guest, 8);
    assert_int_equal(pieces, 4);
    assert_int_equal(guest_take(&pool.guest, 0, head), 41);
    guest_close(&pool.guest);
}

static void a_trimmed_request_is_the_rest(void **state)
{
    struct ash_virtq_segment in[4];
    struct ash_virtio_request request, whole;
    unsigned char bytes[16];
    struct pool pool;

    (void)state;
    pool_open(&pool, 0);
    whole = take(&pool, in);
    for (unsigned cut = 0; cut <= 8; cut++) {
        request = whole;
        ash_virtio_trim_readable(&request, cut);
        assert_int_equal(request.readable_bytes, cut < 7 ? 7 - cut : 0);
        assert_int_equal(ash_virtio_copy_in(&pool.rng.device, &request, 0, bytes, cut < 7 ? 7 - cut : 0),
                         ASH_OK);
        assert_true(cut >= 7 || bytes[0] == (cut < 3 ? cut : 13 + cut));
    }
    for (unsigned cut = 0; cut <= 12; cut++) {
        const unsigned left = cut < 11 ? 11 - cut : 0;

        request = whole;
        ash_virtio_trim_writable(&request, cut);
        assert_int_equal(request.writable_bytes, left);
        memset(guest_bytes(&pool.guest, in[3]), 0, 6);
        assert_int_equal(ash_virtio_copy_out(&pool.rng.device, &request, 0, "abcdefghijk", left), ASH_OK);
        assert_true(cut >= 11 || ((char *)guest_bytes(&pool.guest, in[3]))[5] == "abcdefghijk"[left - 1]);
        request = whole;
        ash_virtio_trim_writable_end(&request, cut);
        assert_int_equal(request.writable_bytes, left);
        memset(guest_bytes(&pool.guest, in[3]), 0, 6);
        assert_int_equal(ash_virtio_copy_out(&pool.rng.device, &request, 0, "abcdefghijk", left), ASH_OK);
        assert_int_equal(((char *)guest_bytes(&pool.guest, in[3]))[5], cut == 0 ? 'k' : 0);
    }
    guest_close(&pool.guest);
}

static void a_stale_token_reaches_nothing(void **state)
{
    struct ash_virtq_segment in[4];
    struct ash_virtio_request request;
    unsigned char byte;
    struct pool pool;

    (void)state;
    pool_open(&pool, 0);
    for (unsigned how = 0; how < 3; how++) {
        request = take(&pool, in);
        assert_int_equal(ash_virtio_copy_in(&pool.rng.device, &request, 0, &byte, 1), ASH_OK);
        if (how == 0) {
            assert_int_equal(ash_virtio_push(&pool.rng.device, 0, request.token, 3), ASH_OK);
            ash_virtio_signal(&pool.rng.device, 0);
        } else if (how == 1) {
            guest_start(&pool.guest, 0);
        } else {
            ash_virtio_refuse(&pool.rng.device, 0, 0);
            assert_int_equal(guest_read(&pool.guest, 0x70), 0x4F);
        }
        assert_false(ash_virtio_is_live(&pool.rng.device, 0, request.token));
        assert_int_equal(ash_virtio_copy_in(&pool.rng.device, &request, 0, &byte, 1), ASH_ENOENT);
        assert_int_equal(ash_virtio_copy_out(&pool.rng.device, &request, 0, &byte, 1), ASH_ENOENT);
        assert_int_equal(ash_virtio_push(&pool.rng.device, 0, request.token, 0),
                         how == 2 ? ASH_EGUEST : ASH_ENOENT);
    }
    assert_int_equal(ash_virtio_push(&pool.rng.device, 1, request.token, 0), ASH_ENOENT);
    ash_virtio_signal(&pool.rng.device, 1);
    ash_virtio_refuse(&pool.rng.device, 1, 0);
    ash_virtio_cancel_all(&pool.rng.device, 1);
    guest_close(&pool.guest);
}

static void a_forged_request_is_refused(void **state)
{
    struct ash_virtq_segment in[4];
    struct ash_virtio_request request, good;
    unsigned char bytes[8];
    struct pool pool;

    (void)state;
    pool_open(&pool, 0);
    good = take(&pool, in);
#define REFUSE(what)                                                                                         \
    request = good;                                                                                          \
    what;                                                                                                    \
    assert_int_equal(ash_virtio_copy_in(&pool.rng.device, &request, 0, bytes, 7), ASH_EINVAL);               \
    assert_int_equal(pool.guest.mem.mapped, 3)
    REFUSE(request.segment_count = ASH_VIRTIO_SEGMENTS + 1);
    REFUSE(request.readable_count = 5);
    REFUSE(request.segments[1].ipa.value = MOCK_RAM_BASE - 1);
    REFUSE(request.segments[1].ipa.value = MOCK_RAM_BASE + MOCK_RAM_SIZE - 3);
    REFUSE(request.segments[1].ipa.value = UINT64_MAX);
    REFUSE(request.segments[1].writable = true);
    REFUSE(request.segments[1].length = 3); /* fewer bytes than it claims */
    REFUSE(request.readable_count = 1);
    request = good; /* the same of bytes that lie in one run */
    request.segments[0].writable = true;
    assert_int_equal(ash_virtio_copy_in(&pool.rng.device, &request, 0, bytes, 3), ASH_EINVAL);
    pool.guest.region.size = 1; /* where they are is no guest memory any more, but can be mapped */
    assert_int_equal(ash_virtio_copy_in(&pool.rng.device, &good, 0, bytes, 3), ASH_EINVAL);
    pool.guest.region.size = MOCK_RAM_SIZE;
    request = good;
    request.token++;
    assert_int_equal(ash_virtio_copy_in(&pool.rng.device, &request, 0, bytes, 7), ASH_ENOENT);
    request = good;
    request.queue = UINT32_MAX;
    assert_int_equal(ash_virtio_copy_in(&pool.rng.device, &request, 0, bytes, 7), ASH_ENOENT);
    request = good;
    guest_fail_map(&pool.guest, 1);
    assert_int_equal(ash_virtio_copy_in(&pool.rng.device, &request, 0, bytes, 7), ASH_ENOMEM);
    guest_fail_map(&pool.guest, -1);
    guest_close(&pool.guest);
}

static void all_can_be_cancelled(void **state)
{
    struct ash_virtq_segment in[4];
    struct ash_virtio_request requests[3];
    struct mock_used used;
    struct pool pool;

    (void)state;
    pool_open(&pool, ASH_VIRTQ_F_PACKED);
    for (unsigned i = 0; i < 3; i++) {
        requests[i] = take(&pool, in);
    }
    ash_virtio_cancel_all(&pool.rng.device, 0);
    assert_true(pool.guest.line);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(guest_has_used(&pool.guest, 0, &used));
        assert_int_equal(used.written, 0);
        assert_int_equal(ash_virtio_push(&pool.rng.device, 0, requests[i].token, 0), ASH_ENOENT);
    }
    guest_close(&pool.guest);
}

static void a_chain_of_too_many_segments_wants_a_reset(void **state)
{
    const uint32_t most = ASH_VIRTIO_SEGMENTS;
    struct ash_virtq_segment in[ASH_VIRTIO_SEGMENTS + 1];
    struct ash_virtio_request request;
    struct mock_used used;
    struct pool pool;

    (void)state;
    pool_open(&pool, 0);
    for (unsigned i = 0; i <= most; i++) {
        in[i] = guest_buffer(&pool.guest, 1, true);
    }
    guest_send(&pool.guest, 0, in, most);
    assert_int_equal(ash_virtio_pop(&pool.rng.device, 0, &request), ASH_OK);
    assert_int_equal(request.segment_count, most);
    assert_int_equal(ash_virtio_push(&pool.rng.device, 0, request.token, 0), ASH_OK);
    ash_virtio_signal(&pool.rng.device, 0);
    assert_true(guest_has_used(&pool.guest, 0, &used));
    guest_send(&pool.guest, 0, in, most + 1);
    assert_int_equal(ash_virtio_pop(&pool.rng.device, 0, &request), ASH_EGUEST);
    assert_int_equal(guest_read(&pool.guest, 0x70), 0x4F);
    assert_int_equal(ash_virtio_pop(&pool.rng.device, 1, &request), ASH_EBUSY);
    guest_reset(&pool.guest);
    assert_int_equal(ash_virtio_pop(&pool.rng.device, 0, &request), ASH_EBUSY);
    guest_close(&pool.guest);
}

/* Elements without a byte give no segment, and are read all the same. */
static void a_chain_of_too_many_empty_elements_wants_a_reset(void **state)
{
    struct ash_virtq_segment in[ASH_VIRTIO_SEGMENTS + 1];
    struct ash_virtio_request request;
    struct pool pool;

    (void)state;
    for (uint32_t count = ASH_VIRTIO_SEGMENTS; count <= ASH_VIRTIO_SEGMENTS + 1U; count++) {
        pool_open(&pool, 0);
        for (unsigned i = 0; i < count; i++) {
            in[i] = (struct ash_virtq_segment){.writable = true};
        }
        guest_send(&pool.guest, 0, in, count);
        assert_int_equal(ash_virtio_pop(&pool.rng.device, 0, &request),
                         count == ASH_VIRTIO_SEGMENTS ? ASH_OK : ASH_EGUEST);
        if (count > ASH_VIRTIO_SEGMENTS) {
            assert_int_equal(ash_virtq_fault(&pool.guest.queues[0].ring)->reason, ASH_VIRTQ_CHAIN_TOO_LONG);
            assert_int_equal(ash_virtq_fault(&pool.guest.queues[0].ring)->value, ASH_VIRTIO_SEGMENTS);
        }
        guest_close(&pool.guest);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffers_are_filled),
        cmocka_unit_test(without_entropy_a_request_waits),
        cmocka_unit_test(what_waited_is_forgotten_by_a_reset),
        cmocka_unit_test(a_buffer_that_is_not_for_writing_breaks_the_queue),
        cmocka_unit_test(memory_that_cannot_be_mapped_now_waits),
        cmocka_unit_test(rng_init_refuses_what_it_cannot_use),
        cmocka_unit_test(bytes_are_copied_across_segments),
        cmocka_unit_test(a_buffer_in_several_pieces_is_one_buffer),
        cmocka_unit_test(a_trimmed_request_is_the_rest),
        cmocka_unit_test(a_stale_token_reaches_nothing),
        cmocka_unit_test(a_forged_request_is_refused),
        cmocka_unit_test(all_can_be_cancelled),
        cmocka_unit_test(a_chain_of_too_many_segments_wants_a_reset),
        cmocka_unit_test(a_chain_of_too_many_empty_elements_wants_a_reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
