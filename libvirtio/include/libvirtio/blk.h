/* SPDX-License-Identifier: BSD-2-Clause */
/** Block device (VIRTIO 1.2, 5.2): checks what the driver asks for, and passes it on as requests.
 *
 *  The back end gets each request once, keeps it for as long as it likes and completes it by its token, on
 *  any CPU, in any order, under the device's lock. Sectors are 512 bytes, whatever block_size says; the
 *  range of every request lies in the device, its length is a whole number of sectors, the direction is
 *  right: that is checked before. What the device was not configured for (writing to a read-only one,
 *  discarding) is answered here.
 */
#ifndef LIBVIRTIO_BLK_H
#define LIBVIRTIO_BLK_H

#include <libvirtio/device.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ASH_VIRTIO_BLK_SECTOR       512U
#define ASH_VIRTIO_BLK_SERIAL_BYTES 20U
#define ASH_VIRTIO_BLK_SEGMENTS_MAX (ASH_VIRTIO_SEGMENTS - 2U) /* of data; a header and a status besides */
#define ASH_VIRTIO_BLK_CONFIG_BYTES 60U

/** Features (5.2.3). SEG_MAX is offered always. */
#define ASH_VIRTIO_BLK_F_SIZE_MAX     ASH_BIT(1)
#define ASH_VIRTIO_BLK_F_SEG_MAX      ASH_BIT(2)
#define ASH_VIRTIO_BLK_F_RO           ASH_BIT(5)
#define ASH_VIRTIO_BLK_F_BLK_SIZE     ASH_BIT(6)
#define ASH_VIRTIO_BLK_F_FLUSH        ASH_BIT(9)
#define ASH_VIRTIO_BLK_F_MQ           ASH_BIT(12)
#define ASH_VIRTIO_BLK_F_DISCARD      ASH_BIT(13)
#define ASH_VIRTIO_BLK_F_WRITE_ZEROES ASH_BIT(14)

/** `type` of a request to the back end. `argument` is its first sector. */
enum ash_virtio_blk_type {
    ASH_VIRTIO_BLK_READ,        /* fill the writable part */
    ASH_VIRTIO_BLK_WRITE,       /* store the readable part */
    ASH_VIRTIO_BLK_FLUSH,       /* what was completed before is stable when this is completed */
    ASH_VIRTIO_BLK_DISCARD,     /* ash_virtio_blk_sectors() need not be kept */
    ASH_VIRTIO_BLK_WRITE_ZEROES /* ash_virtio_blk_sectors() read as zero afterwards */
};

/** How a request ended (5.2.6). */
enum ash_virtio_blk_status { ASH_VIRTIO_BLK_OK = 0, ASH_VIRTIO_BLK_IOERR = 1, ASH_VIRTIO_BLK_UNSUPP = 2 };

struct ash_virtio_blk_backend {
    size_t size; /* sizeof(struct ash_virtio_blk_backend) */

    /** A request: copy it if it is to be kept. It is completed with ash_virtio_blk_complete(), from within
     *  this call or at any time later; until then its token is live unless reset() or queue_reset() came.
     *  sectors: how many from request->argument on; 0 of a flush. unmap: WRITE_ZEROES may discard them.
     *  Context: within ash_virtio_run(), the device's lock held. */
    void (*submit)(void *ctx, const struct ash_virtio_request *request, uint64_t sectors, bool unmap);

    /** All requests of @queue are stale. NULL where the back end need not know: what comes late is ignored
     *  anyway.
     *  Context: within a call to transport or device, the lock held; must not call back. */
    void (*reset)(void *ctx, uint32_t queue);
};

struct ash_virtio_blk_config {
    const struct ash_virtio_blk_backend *backend;
    void *backend_ctx;
    uint64_t sectors;          /* the capacity */
    uint32_t block_size;       /* a power of two, 512 or more */
    uint32_t segments_max;     /* of data, 1..ASH_VIRTIO_BLK_SEGMENTS_MAX */
    uint32_t segment_size_max; /* bytes of one of them; 0: any */
    uint32_t discard_max;      /* sectors of one request; 0: no discard */
    uint32_t
        discard_align; /* sectors, a multiple of block_size: what a discard frees begins and ends at a multiple of
                                * it; 0: block_size */
    uint32_t zeroes_max; /* the same of write-zeroes */
    bool read_only;
    bool has_flush;       /* a completed write may still be lost */
    uint32_t queue_count; /* 1..64 */
    char serial[ASH_VIRTIO_BLK_SERIAL_BYTES];
};

struct ash_virtio_blk {
    struct ash_virtio_device device; /* for the transport and ash_virtio_run() */
    struct ash_virtio_blk_config config;
    unsigned char space[ASH_VIRTIO_BLK_CONFIG_BYTES];
    bool paused; /* private: ash_virtio_blk_pause() */
};

/** Returns ASH_OK or ASH_EINVAL: as ash_virtio_device_init(); a value out of its range. */
int ash_virtio_blk_init(struct ash_virtio_blk *blk, const struct ash_virtio_blk_config *config,
                        const struct ash_virtio_site *site) ASH_NODISCARD;

/** The end of a request. The driver sees it with ash_virtio_signal(&blk->device, queue); within submit()
 *  that follows by itself. Of a read that is OK the whole writable part was written. To cancel: IOERR.
 *  Returns ASH_OK; ASH_ENOENT: stale, ignored; ASH_EGUEST: broken; ASH_ENOMEM: the status cannot be written
 *  now. */
int ash_virtio_blk_complete(struct ash_virtio_blk *blk, uint32_t queue, uint64_t token,
                            enum ash_virtio_blk_status status) ASH_NODISCARD;

/** Within submit(): this one is the last of its batch, though the budget has not been used up. ash_virtio_run() returns
 *  true, and goes on when it is called again. For requests that differ in cost more than in number. */
void ash_virtio_blk_pause(struct ash_virtio_blk *blk);

/** Every request that is out ends with @status, and the driver is told: the back end is gone. Cost: O(Queue
 *  Sizes). */
void ash_virtio_blk_cancel_all(struct ash_virtio_blk *blk, enum ash_virtio_blk_status status);

/** A new capacity; the driver is told. What is in flight was judged by the old one. */
void ash_virtio_blk_resize(struct ash_virtio_blk *blk, uint64_t sectors);

#ifdef __cplusplus
}
#endif

#endif
