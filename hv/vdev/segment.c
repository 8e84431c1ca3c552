/* SPDX-License-Identifier: BSD-2-Clause */
#include "vdev/segment.h"

#include <libbase/errors.h>
#include <libbase/mem.h>

#define TYPE_AT  12U
#define ETHERNET 14U
#define TAG      4U
#define TCP      6U /* as a protocol's number */

#define TYPE_IPV4 0x0800U
#define TYPE_IPV6 0x86DDU
#define TYPE_TAG  0x8100U

/* RFC 791 3.1, RFC 8200 3, RFC 9293 3.1: where what is. */
#define V4_LENGTH   2U
#define V4_ID       4U
#define V4_PROTOCOL 9U
#define V4_SUM      10U
#define V4_FROM     12U
#define V4_LEAST    20U
#define V6_LENGTH   4U
#define V6_NEXT     6U
#define V6_FROM     8U
#define V6_SIZE     40U
#define TCP_NUMBER  4U
#define TCP_OFFSET  12U
#define TCP_FLAGS   13U
#define TCP_SUM     16U
#define TCP_LEAST   20U
#define FIN_PSH     0x09U /* of the last frame alone */
#define CWR         0x80U /* of the first one alone (RFC 3168 6.1.2) */

static uint32_t load16(const unsigned char *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

static void store16(unsigned char *at, uint32_t value)
{
    at[0] = (unsigned char)(value >> 8);
    at[1] = (unsigned char)value;
}

static uint64_t sum_bytes(const unsigned char *bytes, uint32_t size)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < size; i++) {
        sum += i % 2U == 0U ? (uint64_t)bytes[i] << 8 : bytes[i];
    }
    return sum;
}

/* @sum in 16 bits: any carry comes in again at the other end. */
static uint16_t fold(uint64_t sum)
{
    while (sum >> 16 != 0U) {
        sum = (sum & UINT16_MAX) + (sum >> 16);
    }
    return (uint16_t)sum;
}

/* RFC 1071 2(B): the sum of numbers in the other byte order is the sum, in the other byte order. So words are added as
 * they are loaded. */
static uint16_t sum_words(const uint64_t *words, uint32_t count)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < count; i++) {
        sum += (words[i] & UINT32_MAX) + (words[i] >> 32);
    }
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return __builtin_bswap16(fold(sum));
#else
    return fold(sum);
#endif
}

int hv_sum_frame(hv_segment_copy *copy, void *ctx, uint32_t from, uint32_t to, uint64_t *sum)
{
    uint64_t words[32]; /* each piece but the last is an even number of bytes */

    while (from < to) {
        const uint32_t size = to - from < sizeof(words) ? to - from : (uint32_t)sizeof(words);
        int error;

        words[(size - 1U) / sizeof(words[0])] = 0; /* what is behind the last byte */
        error = copy(ctx, from, words, size);
        if (error != ASH_OK) {
            return error;
        }
        *sum += sum_words(words, (uint32_t)((size + sizeof(words[0]) - 1U) / sizeof(words[0])));
        from += size;
    }
    return ASH_OK;
}

uint16_t hv_sum_finish(uint64_t sum)
{
    const uint16_t folded = fold(sum);

    return folded == UINT16_MAX ? folded : (uint16_t)~folded;
}

/* Is the IP header at @at of the frame what it is said to be, and TCP's behind it? */
static bool is_network_ok(const struct hv_segmenter *cut)
{
    const unsigned char *ip = cut->original + cut->network;

    if (cut->is_v6) {
        return ip[0] >> 4 == 6U && ip[V6_NEXT] == TCP && cut->transport == cut->network + V6_SIZE;
    }
    return ip[0] >> 4 == 4U && ip[V4_PROTOCOL] == TCP && cut->transport >= cut->network + V4_LEAST &&
           cut->transport == cut->network + 4U * (ip[0] & 15U);
}

/* What is before IP: addresses, perhaps a tag, a type. False: not that. */
static bool find_network(struct hv_segmenter *cut)
{
    const uint32_t wanted = cut->is_v6 ? TYPE_IPV6 : TYPE_IPV4;
    uint32_t at = TYPE_AT;

    if (load16(cut->original + at) == TYPE_TAG) {
        at += TAG;
    }
    cut->network = at + 2U;
    return load16(cut->original + at) == wanted && cut->network + V4_LEAST <= cut->transport;
}

int hv_segment_begin(struct hv_segmenter *cut, hv_segment_copy *copy, void *ctx, uint32_t size, bool is_v6,
                     uint32_t transport, uint32_t each, uint32_t *count)
{
    int error;

    *cut =
        (struct hv_segmenter){.copy = copy, .ctx = ctx, .transport = transport, .each = each, .is_v6 = is_v6};
    if (transport < ETHERNET + V4_LEAST || transport > HV_SEGMENT_HEADERS - TCP_LEAST ||
        size < transport + TCP_LEAST || each == 0U) {
        return ASH_EFORMAT;
    }
    error = copy(ctx, 0, cut->original, size < HV_SEGMENT_HEADERS ? size : HV_SEGMENT_HEADERS);
    if (error != ASH_OK) {
        return error;
    }
    cut->headers = transport + 4U * (uint32_t)(cut->original[transport + TCP_OFFSET] >> 4);
    if (!find_network(cut) || !is_network_ok(cut) || cut->headers < transport + TCP_LEAST ||
        cut->headers >= size) {
        return ASH_EFORMAT;
    }
    cut->payload = size - cut->headers;
    *count = (cut->payload + each - 1U) / each;
    return cut->headers <= HV_SEGMENT_HEADERS && *count <= HV_SEGMENT_MOST ? ASH_OK : ASH_ERANGE;
}

/* Lengths, IPv4's identification and sum. */
static void write_network(struct hv_segmenter *cut, uint32_t index, uint32_t bytes)
{
    unsigned char *ip = cut->head + cut->network;
    const uint32_t size = cut->transport - cut->network;
    const uint32_t rest = cut->headers - cut->transport + bytes;

    if (cut->is_v6) {
        store16(ip + V6_LENGTH, rest);
        return;
    }
    store16(ip + V4_LENGTH, size + rest);
    store16(ip + V4_ID, load16(ip + V4_ID) + index);
    store16(ip + V4_SUM, 0);
    store16(ip + V4_SUM, hv_sum_finish(sum_bytes(ip, size)));
}

static void write_transport(struct hv_segmenter *cut, bool is_first, bool is_last)
{
    unsigned char *tcp = cut->head + cut->transport;
    const uint32_t number =
        (load16(tcp + TCP_NUMBER) << 16 | load16(tcp + TCP_NUMBER + 2U)) + (cut->from - cut->headers);

    store16(tcp + TCP_NUMBER, number >> 16);
    store16(tcp + TCP_NUMBER + 2U, number);
    tcp[TCP_FLAGS] &= (unsigned char)~((is_last ? 0U : FIN_PSH) | (is_first ? 0U : CWR));
}

/* Over the pseudo header (RFC 9293 3.1), TCP's own and what it carries. */
static int write_sum(struct hv_segmenter *cut, uint32_t bytes)
{
    unsigned char *tcp = cut->head + cut->transport;
    const unsigned char *ip = cut->head + cut->network;
    const uint32_t header = cut->headers - cut->transport;
    uint64_t payload = 0;
    uint64_t sum = TCP + header + bytes;
    const int error = hv_sum_frame(cut->copy, cut->ctx, cut->from, cut->from + bytes, &payload);

    if (error != ASH_OK) {
        return error;
    }
    store16(tcp + TCP_SUM, 0);
    sum += cut->is_v6 ? sum_bytes(ip + V6_FROM, 32) : sum_bytes(ip + V4_FROM, 8);
    sum += sum_bytes(tcp, header) + payload;
    store16(tcp + TCP_SUM, hv_sum_finish(sum));
    return ASH_OK;
}

int hv_segment_make(struct hv_segmenter *cut, uint32_t index, uint32_t *size)
{
    const uint32_t done = index * cut->each;
    const uint32_t bytes = cut->payload - done < cut->each ? cut->payload - done : cut->each;

    (void)memcpy(cut->head, cut->original, cut->headers);
    cut->from = cut->headers + done;
    write_network(cut, index, bytes);
    write_transport(cut, index == 0U, done + bytes == cut->payload);
    *size = cut->headers + bytes;
    return write_sum(cut, bytes);
}

int hv_segment_read(void *ctx, uint32_t offset, void *to, uint32_t size)
{
    const struct hv_segmenter *cut = (const struct hv_segmenter *)ctx;
    unsigned char *at = (unsigned char *)to;

    if (offset < cut->headers) {
        const uint32_t part = size < cut->headers - offset ? size : cut->headers - offset;

        (void)memcpy(at, cut->head + offset, part);
        at += part;
        offset += part;
        size -= part;
    }
    return size == 0U ? ASH_OK : cut->copy(cut->ctx, cut->from + (offset - cut->headers), at, size);
}
