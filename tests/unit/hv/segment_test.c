/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames cut into smaller ones: each is judged as its receiver would, by sums of its own (RFC 791, 8200, 9293,
 * 1071). */
#include <string.h>

#include <libbase/compiler.h>
#include <libbase/errors.h>

#include "testkit/cmocka.h"
#include "testkit/seed.h"
#include "vdev/segment.h"

#define FRAME_MAX 70000U

static struct {
    unsigned char bytes[FRAME_MAX];
    uint32_t size;
    bool fails;
} frame;
static unsigned char out[FRAME_MAX];
static struct test_rng rng;

static int copy(void *ctx, uint32_t offset, void *to, uint32_t size)
{
    (void)ctx;
    assert_true(size > 0U && offset <= frame.size && size <= frame.size - offset);
    memcpy(to, frame.bytes + offset, size);
    return frame.fails ? ASH_ENOENT : ASH_OK;
}

static uint32_t be16(const unsigned char *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t be32(const unsigned char *at)
{
    return be16(at) << 16 | be16(at + 2);
}

static uint32_t fold(uint32_t sum)
{
    return sum > 0xFFFFU ? fold((sum & 0xFFFFU) + (sum >> 16)) : sum;
}

static uint32_t sum_of(const unsigned char *bytes, uint32_t size)
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i < size; i++) {
        sum = fold(sum + (i % 2U == 0U ? (uint32_t)bytes[i] << 8 : bytes[i]));
    }
    return sum;
}

/* @options: bytes behind either header. */
static uint32_t make(bool v6, bool tag, uint32_t ip_options, uint32_t tcp_options, uint32_t payload)
{
    const uint32_t network = tag ? 18U : 14U;
    const uint32_t transport = network + (v6 ? 40U : 20U + ip_options);

    for (uint32_t i = 0; i < 300U + payload; i++) {
        frame.bytes[i] = (unsigned char)(i * 11U + i / 251U);
    }
    memcpy(frame.bytes + 12, "\x81\x00\x00\x05", 4);
    memcpy(frame.bytes + network - 2U, v6 ? "\x86\xDD" : "\x08\x00", 2);
    frame.bytes[network] = v6 ? 0x60 : (unsigned char)(0x45U + ip_options / 4U);
    frame.bytes[network + (v6 ? 6U : 9U)] = 6;
    memcpy(frame.bytes + network + 4U, v6 ? "\0\0" : "\xFF\xFE",
           2);                                                   /* of IPv4: an identification that wraps */
    memcpy(frame.bytes + transport + 4U, "\xFF\xFF\xF0\x00", 4); /* a number that does */
    frame.bytes[transport + 12U] = (unsigned char)((5U + tcp_options / 4U) << 4);
    frame.bytes[transport + 13U] = 0x99; /* CWR, ACK, PSH, FIN */
    frame.size = transport + 20U + tcp_options + payload;
    frame.fails = false;
    return transport;
}

static void check_network(const unsigned char *ip, bool v6, uint32_t header, uint32_t size, uint32_t index)
{
    if (v6) {
        assert_int_equal(be16(ip + 4), size - 40U);
        return;
    }
    assert_int_equal(be16(ip + 2), size);
    assert_int_equal(be16(ip + 4), (0xFFFEU + index) & 0xFFFFU);
    assert_int_equal(sum_of(ip, header), 0xFFFF);
}

static void check_transport(const unsigned char *ip, bool v6, const unsigned char *tcp, uint32_t size)
{
    uint32_t sum = v6 ? sum_of(ip + 8, 32) : sum_of(ip + 12, 8);

    sum = fold(sum + 6U + size);
    assert_int_equal(fold(sum + sum_of(tcp, size)), 0xFFFF);
}

static void cut_and_check(bool v6, uint32_t transport, uint32_t each)
{
    const uint32_t headers = transport + 4U * (frame.bytes[transport + 12U] >> 4);
    const uint32_t network = frame.bytes[13] == 0U && frame.bytes[12] == 0x81U ? 18U : 14U;
    struct hv_segmenter cut;
    uint32_t count = 0, at = headers;

    assert_int_equal(hv_segment_begin(&cut, copy, NULL, frame.size, v6, transport, each, &count), ASH_OK);
    assert_int_equal(count, (frame.size - headers + each - 1U) / each);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t size = 0;

        assert_int_equal(hv_segment_make(&cut, i, &size), ASH_OK);
        for (uint32_t done = 0, piece; done < size; done += piece) {
            piece = 1U + (uint32_t)test_rng_below(&rng, size - done);
            assert_int_equal(hv_segment_read(&cut, done, out + done, piece), ASH_OK);
        }
        assert_memory_equal(out, frame.bytes, network);
        check_network(out + network, v6, transport - network, size - network, i);
        check_transport(out + network, v6, out + transport, size - transport);
        assert_int_equal(be32(out + transport + 4U), 0xFFFFF000U + (at - headers));
        assert_int_equal(out[transport + 13U], 0x10U | (i == 0U ? 0x80U : 0U) | (i + 1U == count ? 9U : 0U));
        assert_memory_equal(out + headers, frame.bytes + at, size - headers);
        assert_memory_equal(out + transport + 20U, frame.bytes + transport + 20U, headers - transport - 20U);
        at += size - headers;
    }
    assert_int_equal(at, frame.size);
}

static void each_frame_is_right_and_all_are_the_whole(void **state)
{
    static const uint32_t payloads[] = {1, 2, 535, 536, 537, 1448, 1449, 5000, 60000};
    static const uint32_t eaches[] = {536, 1000, 1448, 65000};

    (void)state;
    for (unsigned kind = 0; kind < 16U; kind++) {
        for (unsigned p = 0; p < ASH_ARRAY_SIZE(payloads); p++) {
            for (unsigned e = 0; e < ASH_ARRAY_SIZE(eaches); e++) {
                const bool v6 = (kind & 1U) != 0U;
                const uint32_t transport = make(v6, (kind & 2U) != 0U, (kind & 4U) != 0U ? 12U : 0U,
                                                (kind & 8U) != 0U ? 12U : 0U, payloads[p]);

                cut_and_check(v6, transport, eaches[e]);
            }
        }
    }
}

static int begin(bool v6, uint32_t transport, uint32_t each)
{
    struct hv_segmenter cut;
    uint32_t count;

    return hv_segment_begin(&cut, copy, NULL, frame.size, v6, transport, each, &count);
}

static void what_is_not_what_it_is_said_to_be_is_refused(void **state)
{
    uint32_t transport;

    (void)state;
    for (unsigned v6 = 0; v6 < 2U; v6++) {
        transport = make(v6 != 0U, false, 0, 0, 3000);
        assert_int_equal(begin(v6 != 0U, transport, 1000), ASH_OK);
        assert_int_equal(begin(v6 == 0U, transport, 1000), ASH_EFORMAT);
        assert_int_equal(begin(v6 != 0U, transport, 0), ASH_EFORMAT);
        assert_int_equal(begin(v6 != 0U, transport + 1U, 1000), ASH_EFORMAT);
        assert_int_equal(begin(v6 != 0U, transport - 4U, 1000), ASH_EFORMAT);
        assert_int_equal(begin(v6 != 0U, 0, 1000), ASH_EFORMAT);
        assert_int_equal(begin(v6 != 0U, 65535, 1000), ASH_EFORMAT);
        assert_int_equal(begin(v6 != 0U, transport, 3000U / HV_SEGMENT_MOST), ASH_ERANGE);
        assert_int_equal(begin(v6 != 0U, transport, 3000U / HV_SEGMENT_MOST + 1U), ASH_OK);
        frame.bytes[transport + 12U] = 0x4F; /* a header shorter than it can be */
        assert_int_equal(begin(v6 != 0U, transport, 1000), ASH_EFORMAT);
        transport = make(v6 != 0U, false, 0, 0, 0); /* nothing to cut */
        assert_int_equal(begin(v6 != 0U, transport, 1000), ASH_EFORMAT);
        transport = make(v6 != 0U, false, 0, 0, 10);
        frame.bytes[transport + 12U] = 0xF0; /* a header that does not end in the frame */
        assert_int_equal(begin(v6 != 0U, transport, 1000), ASH_EFORMAT);
        transport = make(v6 != 0U, false, 0, 0, 10);
        frame.bytes[14U + (v6 != 0U ? 6U : 9U)] = 17; /* UDP */
        assert_int_equal(begin(v6 != 0U, transport, 1000), ASH_EFORMAT);
        transport = make(v6 != 0U, false, 0, 0, 10);
        frame.fails = true;
        assert_int_equal(begin(v6 != 0U, transport, 1000), ASH_ENOENT);
    }
    transport = make(false, false, 40, 0, 10);
    assert_int_equal(begin(false, transport, 1000), ASH_OK);
    frame.bytes[14] = 0x44; /* IPv4 with a header shorter than it can be */
    assert_int_equal(begin(false, 14U + 16U, 1000), ASH_EFORMAT);
}

static void a_copy_that_fails_later_is_told(void **state)
{
    struct hv_segmenter cut;
    uint32_t count, size;
    const uint32_t transport = make(false, false, 0, 0, 3000);

    (void)state;
    assert_int_equal(hv_segment_begin(&cut, copy, NULL, frame.size, false, transport, 1000, &count), ASH_OK);
    frame.fails = true;
    assert_int_equal(hv_segment_make(&cut, 1, &size), ASH_ENOENT);
    assert_int_equal(hv_segment_read(&cut, 0, out, 60), ASH_ENOENT);
    assert_int_equal(hv_segment_read(&cut, 0, out, 54), ASH_OK);
}

/* Bytes of anything: nothing outside the frame is read (copy() looks), and what is made fits. */
static void anything_at_random_is_cut_or_refused(void **state)
{
    unsigned cut_up = 0;

    (void)state;
    for (unsigned i = 0; i < 20000U; i++) {
        struct hv_segmenter cut;
        const bool v6 = test_rng_below(&rng, 2) != 0U;
        uint32_t transport =
            make(v6, test_rng_below(&rng, 2) != 0U, (uint32_t)test_rng_below(&rng, 11) * 4U,
                 (uint32_t)test_rng_below(&rng, 11) * 4U, (uint32_t)test_rng_below(&rng, 4000));
        uint32_t count, size;

        for (unsigned change = 0; change < 2U; change++) {
            frame.bytes[12U + test_rng_below(&rng, 60)] = (unsigned char)test_rng_below(&rng, 256);
        }
        transport += test_rng_below(&rng, 10) == 0U ? (uint32_t)test_rng_below(&rng, 200) : 0U;
        frame.size = test_rng_below(&rng, 4) == 0U ? 14U + (uint32_t)test_rng_below(&rng, 100) : frame.size;
        if (hv_segment_begin(&cut, copy, NULL, frame.size, v6, transport,
                             1U + (uint32_t)test_rng_below(&rng, 2000), &count) != ASH_OK) {
            continue;
        }
        cut_up++;
        assert_in_range(count, 1, HV_SEGMENT_MOST);
        for (uint32_t k = 0; k < count; k++) {
            assert_int_equal(hv_segment_make(&cut, k, &size), ASH_OK);
            assert_in_range(size, 55, frame.size);
            assert_int_equal(hv_segment_read(&cut, 0, out, size), ASH_OK);
        }
    }
    assert_true(cut_up > 1000U);
}

static void a_sum_is_never_zero(void **state)
{
    (void)state;
    assert_int_equal(hv_sum_finish(0), 0xFFFF);
    assert_int_equal(hv_sum_finish(0xFFFF), 0xFFFF);
    assert_int_equal(hv_sum_finish(0x1FFFE), 0xFFFF);
    assert_int_equal(hv_sum_finish(0x12345), 0xDCB9);
    assert_int_equal(hv_sum_finish(1), 0xFFFE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_frame_is_right_and_all_are_the_whole),
        cmocka_unit_test(what_is_not_what_it_is_said_to_be_is_refused),
        cmocka_unit_test(a_copy_that_fails_later_is_told),
        cmocka_unit_test(anything_at_random_is_cut_or_refused),
        cmocka_unit_test(a_sum_is_never_zero),
    };

    (void)test_rng_init(&rng, "segment");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
