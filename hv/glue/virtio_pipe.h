/* SPDX-License-Identifier: BSD-2-Clause */
/** Pipes between VMs: two ends with one name, each a device's. What one end's guest says goes from its buffers into the
 *  other's in one go, on the CPU and for the account of whoever says it; hv keeps nothing of it. What the other end
 *  has no room for stays where it is.
 *
 *  All devices with a pipe are one lock domain, which is that of everything here. */
#ifndef HV_GLUE_VIRTIO_PIPE_H
#define HV_GLUE_VIRTIO_PIPE_H

#include <stdbool.h>
#include <stdint.h>

#include <libbase/compiler.h>

struct hv_pipe_end;
struct hv_virtio_device;

/** What an end is. The lock is held. */
struct hv_pipe_ops {
    /** The other end's bytes, which its guest may be changing: read each once. Returns how many were taken; fewer: no
     *  more now, and hv_pipe_room() says when. The device may be worked on. */
    uint32_t (*take)(struct hv_pipe_end *end, const uint8_t *bytes, uint32_t size);

    /** The other end has room again: put what did not fit. */
    void (*room)(struct hv_pipe_end *end);

    /** The other end was opened or closed, came or went: hv_pipe_is_open() says how it is; @is_closed: it was open. */
    void (*changed)(struct hv_pipe_end *end, bool is_closed);

    /** What its guest has said so far and the other end did not take is dropped. NULL: nothing to drop. */
    void (*drop)(struct hv_pipe_end *end);

    /** Has it put all that its guest has said? NULL: always. */
    bool (*is_drained)(const struct hv_pipe_end *end);
};

struct hv_pipe_end {
    /* The device's to set. */
    const struct hv_pipe_ops *ops;
    struct hv_virtio_device *device;
    const char *name;
    uint32_t port; /* of a console */

    bool is_open;   /* hv_pipe_set_open() */
    bool is_due;    /* the other end has bytes that this one did not take */
    bool close_due; /* for the device: the other end was closed, and its guest does not know yet */
    struct hv_pipe_end *peer;
    struct hv_pipe_end *next;
};

/** Before and after the ends of @device: it belongs to the domain. ASH_ENOMEM. Takes the VM list's and the page pool's
 *  lock; no lock is held. */
int hv_pipe_join(struct hv_virtio_device *device) ASH_NODISCARD;
void hv_pipe_leave(struct hv_virtio_device *device);

/** @end is there, and no more. The lock is held. */
void hv_pipe_attach(struct hv_pipe_end *end);
void hv_pipe_detach(struct hv_pipe_end *end);

/** Bytes for the other end; how many it took. If not all, its room() comes. */
uint32_t hv_pipe_put(struct hv_pipe_end *end, const uint8_t *bytes, uint32_t size);

/** @end takes bytes again. */
void hv_pipe_room(struct hv_pipe_end *end);

/** What the other end's guest has said and @end did not take is nobody's. */
void hv_pipe_drop(struct hv_pipe_end *end);

/** Somebody has opened or closed @end. */
void hv_pipe_set_open(struct hv_pipe_end *end, bool is_open);

/** Is the other end there and open? Has it put all that it has? */
bool hv_pipe_is_open(const struct hv_pipe_end *end);
bool hv_pipe_is_drained(const struct hv_pipe_end *end);

#endif
