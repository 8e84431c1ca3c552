/* SPDX-License-Identifier: BSD-2-Clause */
/** A virtio device without its transport: status, features, queues, configuration space (VIRTIO 1.2, 2).
 *  Below it stands a transport (<libvirtio/mmio.h>), above it a device type: one struct ash_virtio_ops and
 *  a few bytes of configuration.
 *
 *  Lock domain of everything here: the device, its queues included. The caller holds its lock over every
 *  call; the guest's CPUs write the rings at any time, without it. Context: any CPU. Nothing waits.
 *
 *  Work is bounded: what the guest's kicks ask for is done by ash_virtio_run(), a batch a call, when the
 *  caller has time.
 *
 *  VIRTIO_F_ACCESS_PLATFORM is refused: it cannot be offered. Addresses in rings are the guest's physical
 *  ones, memory is that of its CPUs; no IOMMU stands between. A driver that insists on it does not get
 *  FEATURES_OK.
 *
 *  Numbers in parentheses are sections of VIRTIO 1.2.
 */
#ifndef LIBVIRTIO_DEVICE_H
#define LIBVIRTIO_DEVICE_H

#include <libvirtio/request.h>
#include <libvirtio/virtq.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Device status (2.1). */
#define ASH_VIRTIO_ACKNOWLEDGE 1U
#define ASH_VIRTIO_DRIVER      2U
#define ASH_VIRTIO_DRIVER_OK   4U
#define ASH_VIRTIO_FEATURES_OK 8U
#define ASH_VIRTIO_NEEDS_RESET 64U
#define ASH_VIRTIO_FAILED      128U

/** Feature bits (6). What a device may offer beside the bits of its own type (0..23, 50..63). */
#define ASH_VIRTIO_F_VERSION_1       ASH_BIT(32) /* always offered, must be accepted */
#define ASH_VIRTIO_F_ACCESS_PLATFORM ASH_BIT(33) /* never offered */
#define ASH_VIRTIO_F_RING_RESET      ASH_BIT(40)
#define ASH_VIRTIO_RING_FEATURES     (ASH_VIRTQ_FEATURES | ASH_VIRTIO_F_RING_RESET)

/** Why an interrupt is asserted (2.3): used buffers, configuration changed. */
#define ASH_VIRTIO_ISR_QUEUE  1U
#define ASH_VIRTIO_ISR_CONFIG 2U

#define ASH_VIRTIO_QUEUES_MAX 64U

/** What is there beside guest memory. */
struct ash_virtio_hal {
    size_t size; /* sizeof(struct ash_virtio_hal) */

    /** The guest's memory: rings, tables, and runs of buffers for the duration of one call. */
    const struct ash_virtq_hal *memory;

    /** The device's interrupt line has a new level.
     *  Context: that of the call, the device's lock held; must not call back. Cannot fail. */
    void (*interrupt)(void *ctx, bool level);
};

/** One queue. The first two are the caller's to set, the others private. */
struct ash_virtio_queue {
    uint32_t max_size;            /* the largest Queue Size offered, 1..32768 */
    struct ash_virtq_slot *slots; /* max_size of them */

    struct ash_virtq ring;
    struct ash_virtq_layout layout; /* as the driver wrote it */
    bool drained;                   /* the last pop found nothing */
};

/** A shared memory region (2.10), by its number in the table; size 0: there is none of that number. */
struct ash_virtio_shm {
    ash_ipa_t base;
    uint64_t size;
};

/** Where a device stands: all but the interrupt and what it is. Everything outlives the device. */
struct ash_virtio_site {
    const struct ash_virtio_hal *hal;
    void *ctx;                              /* of both HALs */
    const struct ash_virtq_region *regions; /* the guest's RAM */
    uint32_t region_count;
    uint32_t vendor;
    struct ash_virtio_queue *queues; /* as many as the device type asks for */
    uint32_t queue_count;            /* 1..64 */
    uint64_t ring_features;          /* of ASH_VIRTIO_RING_FEATURES: what to offer */
};

/** What makes a device type. `ctx` is the type's own object. All with the device's lock held, from within a
 *  call of this header; all but serve() may be NULL. */
struct ash_virtio_ops {
    size_t size;        /* sizeof(struct ash_virtio_ops) */
    uint32_t device_id; /* (5) */

    /** The driver kicked @queue, or ash_virtio_kick() was called: take at most @budget requests. True:
     *  there may be more.
     *  False: nothing is left, or nothing can be done now; a later ash_virtio_kick() resumes. */
    bool (*serve)(void *ctx, uint32_t queue, uint32_t budget);

    /** May the driver have these features, a subset of what is offered? */
    bool (*accept)(void *ctx, uint64_t features);

    /** DRIVER_OK: features are final, queues may be served. */
    void (*start)(void *ctx);

    /** All requests of @queue are stale; of all queues, and everything that the driver set is forgotten. */
    void (*queue_reset)(void *ctx, uint32_t queue);
    void (*reset)(void *ctx);

    /** The driver wrote @size bytes (1, 2, 4) at @offset, aligned, inside the configuration space. */
    void (*config_write)(void *ctx, uint32_t offset, uint32_t size, uint32_t value);

    /** The type's own state, for <libvirtio/state.h>. Its bytes (NULL: none), a multiple of 8, the same for
     *  the life of the device; save() writes them, and puts requests that the type itself keeps back into their
     *  queues (ash_virtio_put_back()); load() takes them into a device that is reset: false, and nothing is
     *  changed, where a value is none that save() writes. Not trusted. Features are final by then. */
    uint32_t (*state_bytes)(const void *ctx);
    void (*save)(void *ctx, void *state);
    bool (*load)(void *ctx, const void *state);
};

struct ash_virtio_device {
    const struct ash_virtio_ops *ops;
    void *ops_ctx;
    struct ash_virtio_site site;
    const struct ash_virtio_shm *shm;
    uint32_t shm_count;
    uint64_t offered;
    const unsigned char *config; /* little-endian, as the driver sees it */
    uint32_t config_size;

    uint32_t status;
    uint64_t features; /* of the driver; final with FEATURES_OK */
    uint32_t isr;
    uint32_t generation;
    uint64_t kicked; /* queues to serve, by bit */
    uint32_t last_served;
};

/** For device types. features: of the type's own, 0..23 and 50..63. config: the type's, shown as it is; it
 *  changes it and calls ash_virtio_config_changed(). Returns ASH_OK, or ASH_EINVAL: a NULL, a size field, a
 *  missing op, a feature that is not to be offered, queue_count other than @queue_count, a queue as
 *  ash_virtq_init() refuses it. */
int ash_virtio_device_init(struct ash_virtio_device *device, const struct ash_virtio_site *site,
                           const struct ash_virtio_ops *ops, void *ops_ctx, uint32_t queue_count,
                           uint64_t features, const void *config, uint32_t config_size) ASH_NODISCARD;

/** Shared memory regions for the transport to show. Before the guest runs. */
void ash_virtio_device_set_shm(struct ash_virtio_device *device, const struct ash_virtio_shm *shm,
                               uint32_t count);

/* ---- For whoever runs the device -------------------------------------------------------------------- */

/** Is a queue waiting to be served? After each access of the guest's to the transport, and after
 *  ash_virtio_kick(). */
bool ash_virtio_has_work(const struct ash_virtio_device *device);

/** Serve the next of the queues that were kicked, in turn, at most @budget (> 0) requests of it: however many
 *  queues a driver kicks, a call is bounded. True: there is more to do, call again when others had their turn.
 *  Cost: O(budget). */
bool ash_virtio_run(struct ash_virtio_device *device, uint32_t budget);

/** As if the driver had kicked @queue: what a back end had no room for can go on. Out of range: nothing. */
void ash_virtio_kick(struct ash_virtio_device *device, uint32_t queue);

/** As if the driver had written 0 to the status: the guest is reset, or the device taken away. */
void ash_virtio_device_reset(struct ash_virtio_device *device);

/* ---- For device types and back ends ----------------------------------------------------------------- */

/** Is the driver up (DRIVER_OK), and did it take @feature? */
bool ash_virtio_is_running(const struct ash_virtio_device *device);
bool ash_virtio_has(const struct ash_virtio_device *device, uint64_t feature);

/** The configuration space has changed: generation, interrupt (2.5). */
void ash_virtio_config_changed(struct ash_virtio_device *device);

/** The next request of @queue (in range), untrimmed: type and argument are 0.
 *  Returns ASH_OK; ASH_ENOENT: none; ASH_EBUSY: driver or queue are not up; ASH_ENOMEM: try again later;
 *  ASH_EGUEST: the queue is broken, now or before, and the device wants a reset (DEVICE_NEEDS_RESET is set,
 *  the driver told). */
int ash_virtio_pop(struct ash_virtio_device *device, uint32_t queue,
                   struct ash_virtio_request *request) ASH_NODISCARD;

/** A request makes no sense: its queue is broken and wants a reset. @value is kept as the fault's. */
void ash_virtio_refuse(struct ash_virtio_device *device, uint32_t queue, uint64_t value);

/** Undo the last ash_virtio_pop() of @queue, whose request is @token, which is stale then: it is the next
 *  again. False: it was not the last, or is not live. */
bool ash_virtio_put_back(struct ash_virtio_device *device, uint32_t queue, uint64_t token);

/** Is @token still to be completed? queue: any number. */
bool ash_virtio_is_live(const struct ash_virtio_device *device, uint32_t queue, uint64_t token);

/** Completed, in any order: bytes [0, written) of the writable segments, as they were popped, hold data.
 *  The driver sees it with ash_virtio_signal(), so that many can be one interrupt. To cancel: written = 0.
 *  Returns ASH_OK, ASH_ENOENT (stale), ASH_ERANGE (written more than there is), ASH_EGUEST (broken). */
int ash_virtio_push(struct ash_virtio_device *device, uint32_t queue, uint64_t token,
                    uint32_t written) ASH_NODISCARD;

/** Show the driver what was pushed, and interrupt it if it wants that. */
void ash_virtio_signal(struct ash_virtio_device *device, uint32_t queue);

/** Push every live request of @queue with nothing written: its back end is gone. Then signal. For device
 *  types whose answers need no status. Cost: O(Queue Size). */
void ash_virtio_cancel_all(struct ash_virtio_device *device, uint32_t queue);

/** One run of a request's bytes: valid for the duration of this call only. False: look no further. */
typedef bool ash_virtio_run_fn(void *cookie, void *bytes, uint32_t size);

/** Hand bytes [offset, offset+size) of one part of @request to @fn, run by run. @request may have been
 *  anywhere since it was popped: token, addresses and ranges are checked again.
 *  HAL: map, unmap; one run at a time. Cost: O(segments).
 *  Returns ASH_OK; ASH_ENOENT: stale; ASH_ERANGE: beyond the part; ASH_EINVAL: no such request was ever
 *  popped (counts, directions, addresses); ASH_ENOMEM: a run cannot be mapped now (those before it were
 *  handed out). */
int ash_virtio_visit(struct ash_virtio_device *device, const struct ash_virtio_request *request,
                     bool writable, uint64_t offset, uint64_t size, ash_virtio_run_fn *fn,
                     void *cookie) ASH_NODISCARD;

/** Bytes [offset, offset+size) of the readable part to @to; @from to those of the writable part. Errors as
 *  ash_virtio_visit(). The guest may change its memory meanwhile: what was copied in is to be checked in
 *  the copy. */
int ash_virtio_copy_in(struct ash_virtio_device *device, const struct ash_virtio_request *request,
                       uint64_t offset, void *to, uint32_t size) ASH_NODISCARD;
int ash_virtio_copy_out(struct ash_virtio_device *device, const struct ash_virtio_request *request,
                        uint64_t offset, const void *from, uint32_t size) ASH_NODISCARD;

/* ---- For transports --------------------------------------------------------------------------------- */

/** The driver writes the status; 0 resets. Bits that it may not set now are not set. */
void ash_virtio_write_status(struct ash_virtio_device *device, uint32_t value);

/** The driver writes 32 bits of its features. sel: any number. Ignored after FEATURES_OK. */
void ash_virtio_write_features(struct ash_virtio_device *device, uint32_t sel, uint32_t value);
uint32_t ash_virtio_read_features(const struct ash_virtio_device *device, uint32_t sel);

/** The driver's layout of a queue, to be written to. NULL: no such queue, or one that is in use. */
struct ash_virtq_layout *ash_virtio_queue_layout(struct ash_virtio_device *device, uint32_t queue);

/** The largest size; 0: no such queue. */
uint32_t ash_virtio_queue_max(const struct ash_virtio_device *device, uint32_t queue);
bool ash_virtio_queue_is_enabled(const struct ash_virtio_device *device, uint32_t queue);

/** The driver enables a queue, disables or resets it. Each ignored where it may not be done. A layout that
 *  cannot be used sets DEVICE_NEEDS_RESET. queue: any number. */
void ash_virtio_queue_enable(struct ash_virtio_device *device, uint32_t queue);
void ash_virtio_queue_disable(struct ash_virtio_device *device, uint32_t queue);

/** The driver notifies, acknowledges. queue: any number. */
void ash_virtio_notify(struct ash_virtio_device *device, uint32_t queue);
void ash_virtio_acknowledge(struct ash_virtio_device *device, uint32_t isr);

/** size: 1, 2, 4. Outside the configuration space, misaligned: 0; ignored. */
uint32_t ash_virtio_config_read(const struct ash_virtio_device *device, uint32_t offset, uint32_t size);
void ash_virtio_config_write(struct ash_virtio_device *device, uint32_t offset, uint32_t size,
                             uint32_t value);

/** Shared memory region @number; NULL: there is none. */
const struct ash_virtio_shm *ash_virtio_shm(const struct ash_virtio_device *device, uint32_t number);

#ifdef __cplusplus
}
#endif

#endif
