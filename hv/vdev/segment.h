/* SPDX-License-Identifier: BSD-2-Clause */
/** TCP over IPv4 or IPv6 in a frame that is larger than a wire takes, cut into frames that are not (VIRTIO 1.2,
 *  5.1.6.2, GSO_TCPV4 and GSO_TCPV6), for a receiver that does not do it itself. RFC 791, 8200, 9293, 1071. And sums.
 *  The frame's headers are a guest's: they are read once, and nothing in them is believed before it is checked.
 *  Lock domain: the object's owner's. Nothing waits.
 */
#ifndef HV_VDEV_SEGMENT_H
#define HV_VDEV_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

#define HV_SEGMENT_HEADERS 192U /* bytes of a frame's headers at most */
#define HV_SEGMENT_MOST    128U /* frames out of one */

/** Bytes [offset, offset+size) of a frame to @to: ASH_OK or an error. */
typedef int hv_segment_copy(void *ctx, uint32_t offset, void *to, uint32_t size);

/** A frame that is being cut; private. */
struct hv_segmenter {
    hv_segment_copy *copy;
    void *ctx;
    uint32_t network;   /* where the IP header begins, */
    uint32_t transport; /* and TCP's, */
    uint32_t headers;   /* and what it carries */
    uint32_t payload;   /* bytes of that in all */
    uint32_t each;      /* and in one frame */
    bool is_v6;
    unsigned char original[HV_SEGMENT_HEADERS];
    /* The frame that was made last. */
    uint32_t from;
    unsigned char head[HV_SEGMENT_HEADERS];
};

/** Begin with a frame of @size bytes, whose TCP header is at @transport, and of whose payload @each (> 0) bytes are to
 *  go into a frame. *@count: frames, 1..HV_SEGMENT_MOST. Returns ASH_OK; ASH_EFORMAT: it is not what it is said to
 *  be; ASH_ERANGE: headers or frames are too many; or copy()'s error. */
int hv_segment_begin(struct hv_segmenter *cut, hv_segment_copy *copy, void *ctx, uint32_t size, bool is_v6,
                     uint32_t transport, uint32_t each, uint32_t *count);

/** Make frame @index of those: *@size bytes, sums and all, to be had by hv_segment_read(cut, …) until the next one is
 *  made. Returns ASH_OK, or copy()'s error. */
int hv_segment_make(struct hv_segmenter *cut, uint32_t index, uint32_t *size);
hv_segment_copy hv_segment_read;

/** Add bytes [from, to) of a frame to *@sum (RFC 1071), the first of them as a high one. ASH_OK, or copy()'s error. */
int hv_sum_frame(hv_segment_copy *copy, void *ctx, uint32_t from, uint32_t to, uint64_t *sum);

/** What a checksum's field is to hold, in host order: the complement, but never 0, which UDP takes for none (RFC 768),
 *  and which is the same number to all others. Pure. */
uint16_t hv_sum_finish(uint64_t sum);

#endif
