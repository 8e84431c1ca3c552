/* SPDX-License-Identifier: BSD-2-Clause */
/** A request as a back end sees it: plain data without a pointer, so that it can be kept, sent to another
 *  CPU or to another VM, and answered whenever.
 *
 *  The guest's bytes are asked for by token, with the calls of <libvirtio/device.h>. A token is stale when
 *  its request was completed, its queue or device reset: every call that takes one says ASH_ENOENT then,
 *  and touches nothing.
 */
#ifndef LIBVIRTIO_REQUEST_H
#define LIBVIRTIO_REQUEST_H

#include <libvirtio/virtq.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The most elements of a request, those without a byte as well, which give no segment; a chain of more breaks its
 *  queue: what a chain costs whoever looks at it is to have a limit, and VIRTIO's own is Queue Size. Block drivers keep
 *  to what the device says (seg_max); network drivers need 19 (Linux, 47 if built for large frames), 64 (FreeBSD). */
#define ASH_VIRTIO_SEGMENTS 64U

struct ash_virtio_request {
    uint64_t token;    /* 0: none */
    uint64_t argument; /* as the device type says: a block device's sector */
    uint32_t queue;
    uint32_t type;           /* as the device type says */
    uint64_t readable_bytes; /* for the back end to read: the device-readable segments */
    uint64_t writable_bytes; /* for the back end to write: the device-writable ones */
    uint32_t readable_count; /* segments; they come first */
    uint32_t segment_count;
    struct ash_virtq_segment segments[ASH_VIRTIO_SEGMENTS];
};

/** Where bytes for a guest come from: memory, another guest's request, a wire. */
struct ash_virtio_source {
    uint32_t size; /* bytes of all of it */

    /** Bytes [offset, offset+size) to @to, which may be the guest's memory: write it, do not read it. ASH_OK,
     *  or an error with which the call that asked for them returns; what it took is put back. */
    int (*copy)(void *ctx, uint32_t offset, void *to, uint32_t size);
    void *ctx;
};

/** Leave out the first bytes of either part (a header that was read), or the last ones (a status that comes
 *  later).
 *  bytes: at most what is there, else the part is empty afterwards. Pure. Cost: O(segments). */
void ash_virtio_trim_readable(struct ash_virtio_request *request, uint64_t bytes);
void ash_virtio_trim_writable(struct ash_virtio_request *request, uint64_t bytes);
void ash_virtio_trim_writable_end(struct ash_virtio_request *request, uint64_t bytes);

#ifdef __cplusplus
}
#endif

#endif
