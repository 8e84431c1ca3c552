/* SPDX-License-Identifier: BSD-2-Clause */
/** Which conversation a frame is part of, and which of a network device's queue pairs that one is at: frames for the
 *  driver come where it last sent of the same conversation (VIRTIO 1.2, 5.1.6.5.6). RFC 791, 8200, 9293, 768.
 *  The bytes are a guest's: a wrong answer puts a frame into another queue, and nothing else.
 *  Lock domain: the object's owner's. Nothing waits, nothing fails.
 */
#ifndef HV_VDEV_FLOW_H
#define HV_VDEV_FLOW_H

#include <stdint.h>

#define HV_FLOW_HEAD 82U  /* bytes of a frame that tell: addresses, a tag, the longest IPv4 header, ports */
#define HV_FLOWS     256U /* that are remembered */

/** Where conversations are. Allocated by the caller, zeroed: none is known; private. */
struct hv_flows {
    struct {
        uint32_t flow;
        uint8_t pair; /* + 1; 0: no entry */
    } of[HV_FLOWS];
};

/** The same number for both directions: of TCP and UDP by addresses and ports, of other IP, and of what is in
 *  fragments, by addresses, of all else by Ethernet's. head: the first @size bytes of the frame, HV_FLOW_HEAD are
 *  looked at. Pure. */
uint32_t hv_flow_of(const uint8_t *head, uint32_t size);

/** The driver has sent of @flow in @pair, 0..254. Of two in one place the later one is remembered. */
void hv_flow_sent(struct hv_flows *flows, uint32_t flow, uint32_t pair);

/** The pair of @pairs (> 0) that frames of @flow go to; of one in which nothing was sent: any, always the same.
 *  Pure. */
uint32_t hv_flow_pair(const struct hv_flows *flows, uint32_t flow, uint32_t pairs);

#endif
