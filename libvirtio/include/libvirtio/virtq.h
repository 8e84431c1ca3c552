/* SPDX-License-Identifier: BSD-2-Clause */
/** A virtqueue, device side, split or packed: takes the chains that a driver offers, gives them back as used.
 *
 *  What the driver wrote is hostile: each field is read once, every index, address, length and count is
 *  checked, and a chain comes out as plain data (IPA, length, direction), never as a pointer. The first thing
 *  that a well-behaved driver could not have written breaks the queue: the call returns ASH_EGUEST,
 *  ash_virtq_fault() says what it was, nothing more is read from the rings until ash_virtq_reset(), and the
 *  device sets DEVICE_NEEDS_RESET (2.1.2).
 *
 *  Lock domain: one queue. The caller holds its lock over every call that takes a `struct ash_virtq *`, but
 *  for ash_virtq_init(). The guest's CPUs write the rings at any time, without it.
 *  Context: any CPU, also with interrupts masked. Nothing waits; a call's work is bounded by the queue size.
 *
 *  Numbers in parentheses are sections of VIRTIO 1.2.
 */
#ifndef LIBVIRTIO_VIRTQ_H
#define LIBVIRTIO_VIRTQ_H

#include <libbase/bits.h>
#include <libbase/compiler.h>
#include <libbase/errors.h>
#include <libbase/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Queue Size: 1..32768 (2.7, 2.8); of a split ring a power of two. */
#define ASH_VIRTQ_SIZE_MAX 32768U

/** Feature bits (6) that concern the queue itself, and that this library has. A device offers any of them. */
#define ASH_VIRTQ_F_INDIRECT_DESC ASH_BIT(28)
#define ASH_VIRTQ_F_EVENT_IDX     ASH_BIT(29)
#define ASH_VIRTQ_F_PACKED        ASH_BIT(34) /* the packed ring (2.8) instead of the split one (2.7) */
#define ASH_VIRTQ_F_IN_ORDER      ASH_BIT(35) /* chains go back in the order in which they were offered */
#define ASH_VIRTQ_FEATURES                                                                                   \
    (ASH_VIRTQ_F_INDIRECT_DESC | ASH_VIRTQ_F_EVENT_IDX | ASH_VIRTQ_F_PACKED | ASH_VIRTQ_F_IN_ORDER)

/** Alignments of the three areas, bytes (2.7, 2.8.10). */
#define ASH_VIRTQ_DESC_ALIGN          16U
#define ASH_VIRTQ_DRIVER_ALIGN        2U
#define ASH_VIRTQ_PACKED_DRIVER_ALIGN 4U
#define ASH_VIRTQ_DEVICE_ALIGN        4U

/** Guest memory that descriptors may name. Regions that touch are given as one: nothing may span two. */
struct ash_virtq_region {
    ash_ipa_t base;
    uint64_t size; /* bytes; base + size does not wrap */
    void *
        bytes; /* where all of it is, for as long as the device, congruent to @base modulo 16: then map() is asked
                    * for rings alone; NULL: for every use */
};

/** What is kept for each request. Private; allocated by the caller. Split: by descriptor head. */
struct ash_virtq_slot {
    uint64_t serial;   /* of the request that holds this slot; 0: none */
    uint64_t cookie;   /* the device's, for as long */
    uint32_t writable; /* bytes that its device may write, at most UINT32_MAX */
    uint32_t written;  /* in order: given back, waiting for those before it */
    uint16_t id;       /* packed: Buffer ID */
    uint16_t count;    /* packed: descriptors in the ring */
    uint16_t next;     /* in order: the next younger request; packed: the next free slot */
    uint16_t done;     /* in order: `written` is valid */
};

struct ash_virtq_config {
    const struct ash_virtq_region *regions; /* the guest's RAM; outlives the queue */
    uint32_t region_count;
    uint32_t max_size;            /* the largest Queue Size accepted (QueueNumMax): 1..32768 */
    struct ash_virtq_slot *slots; /* max_size of them; outlive the queue */
    uint32_t chain_max; /* elements of a chain, those without a byte as well; 0: Queue Size is the limit */
};

struct ash_virtq_hal {
    size_t size; /* sizeof(struct ash_virtq_hal) */

    /** A pointer to the guest's bytes [ipa, ipa+size), which lie in one region; size > 0. They are Normal,
     *  write-back, inner shareable memory as for the guest; the pointer is congruent to @ipa modulo 16.
     *  The three areas are asked for by ash_virtq_setup() and ash_virtq_import() and used until
     *  ash_virtq_reset() returns; an indirect table (@write false) for the duration of one ash_virtq_pop().
     *  Context: that of the call, the queue's lock held; must not call back. NULL: it cannot be mapped now.
     */
    void *(*map)(void *ctx, ash_ipa_t ipa, uint64_t size, bool write);

    /** The end of such a use. NULL where all of the guest's memory stays mapped.
     *  Context: as map(). Cannot fail.
     */
    void (*unmap)(void *ctx, void *address, uint64_t size);

    /** Where memory that is one region for the guest is not one for map(): it need not span two multiples of this, a
     *  power of two, when the bytes of a buffer are asked for. Rings and indirect tables it has to give whole; drivers
     *  allocate them so that they span none of a MiB or more. A table that does, and that it does not give, breaks the
     *  queue (ASH_VIRTQ_BAD_TABLE_ADDRESS), as nothing would ever change. 0: it gives whatever lies in one region. */
    uint64_t piece;
};

/** Where a driver put a queue, and the features that it negotiated. */
struct ash_virtq_layout {
    ash_ipa_t desc;   /* descriptor table, packed: descriptor ring: 16 * size bytes */
    ash_ipa_t driver; /* available ring: 6 + 2 * size bytes; packed: driver event suppression, 4 bytes */
    ash_ipa_t device; /* used ring: 6 + 8 * size bytes; packed: device event suppression, 4 bytes */
    uint32_t size;
    uint64_t features; /* all that were negotiated; those that are not of the queue are ignored */
};

/** One element of a chain. Lies in the guest's memory as a whole; never empty. */
struct ash_virtq_segment {
    ash_ipa_t ipa;
    uint32_t length; /* bytes, > 0 */
    bool writable;   /* true: device-writable, false: device-readable */
};

/** A chain: `segment_count` segments, the device-readable ones first. */
struct ash_virtq_chain {
    uint64_t token; /* names this request, never 0, and no other of this queue, also across resets */
    uint32_t segment_count;
    uint32_t readable_count;
    uint64_t readable_bytes; /* readable_bytes + writable_bytes <= 2^32 */
    uint64_t writable_bytes;
};

enum ash_virtq_state {
    ASH_VIRTQ_OFF,    /* not set up, or reset */
    ASH_VIRTQ_READY,  /* in use */
    ASH_VIRTQ_BROKEN, /* the driver broke it; only a reset helps */
    ASH_VIRTQ_STATE_COUNT
};

/** What a driver did wrong. `index` and `value` of struct ash_virtq_fault in brackets. */
enum ash_virtq_reason {
    ASH_VIRTQ_FINE,
    ASH_VIRTQ_BAD_SIZE,        /* Queue Size: 0, above the maximum, split: no power of two [0, size] */
    ASH_VIRTQ_BAD_ALIGNMENT,   /* an area is misaligned [0 desc, 1 driver, 2 device; address] */
    ASH_VIRTQ_BAD_AREA,        /* an area is not in the guest's memory [as above] */
    ASH_VIRTQ_BAD_AVAIL_INDEX, /* more entries than the ring has [our index, the driver's] (2.7.13);
                                * packed: more descriptors [our index, how many] */
    ASH_VIRTQ_BAD_HEAD,        /* a head beyond the table [ring index, head] */
    ASH_VIRTQ_HEAD_IN_USE,     /* a head that the device still holds [ring index, head] */
    ASH_VIRTQ_BAD_NEXT,        /* next beyond its table [descriptor, next] */
    ASH_VIRTQ_CHAIN_TOO_LONG, /* longer than Queue Size (2.7.5.3.1), as loops are, or than chain_max [descriptor,
                                * the limit] */
    ASH_VIRTQ_TOO_MANY_BYTES,   /* above 2^32 [descriptor, bytes until here] (2.7.5.2) */
    ASH_VIRTQ_BAD_ADDRESS,      /* not in the guest's memory as a whole [descriptor, address] */
    ASH_VIRTQ_BAD_DIRECTION,    /* device-readable after device-writable [descriptor, flags] (2.7.4.2) */
    ASH_VIRTQ_BAD_INDIRECT,     /* not negotiated, nested, or with NEXT [descriptor, flags] (2.7.5.3.1) */
    ASH_VIRTQ_BAD_TABLE_LENGTH, /* indirect: 0, no multiple of 16, above 65536 entries [descriptor, length] */
    ASH_VIRTQ_BAD_TABLE_ADDRESS, /* an indirect table not in the guest's memory [descriptor, address] */
    ASH_VIRTQ_REFUSED,           /* ash_virtq_break(): the device refused it [0, the caller's word] */
    ASH_VIRTQ_REASON_COUNT
};

struct ash_virtq_fault {
    enum ash_virtq_reason reason;
    uint32_t index;
    uint64_t value;
};

/** One queue. Allocated by the caller; all fields are private. */
struct ash_virtq {
    const struct ash_virtq_hal *hal;
    void *ctx;
    struct ash_virtq_config config;

    enum ash_virtq_state state;
    struct ash_virtq_layout layout;
    unsigned char *desc;
    unsigned char *driver;
    unsigned char *device;

    /* Packed: positions in the ring, with the wrap counter in bit 15. */
    uint16_t next_avail; /* the next available ring entry to take */
    uint16_t avail_idx;  /* the driver's index as last read: entries up to it may be read; split only */
    uint16_t next_used;  /* the next used ring entry to write */
    uint16_t used_idx;   /* as published */
    uint16_t armed_at;   /* avail_event as last written */
    uint16_t used_flags; /* packed: of the first staged entry, which publishing it will write */
    uint16_t free_slot;  /* packed: slots given back, a list */
    uint16_t oldest;     /* in order: requests taken, a list from here ... */
    uint16_t youngest;   /* ... to here */
    bool kicks_enabled;
    uint32_t elements_max; /* of a chain */
    uint64_t elements;     /* of all chains that were looked at */
    uint32_t fresh_slots;  /* packed: from here on the slots were never used in this life */
    uint32_t held;         /* packed: descriptors taken and not given back */
    uint32_t unsignalled;  /* entries published since the last ash_virtq_should_notify(); saturates */
    uint32_t in_flight;    /* requests taken and not given back */
    uint64_t next_serial;  /* never goes back, so that a token names one request for ever */
    uint64_t first_serial; /* of this life of the queue: what is older is stale */
    struct ash_virtq_fault fault;
};

/** A queue that is OFF.
 *  Returns ASH_OK, or ASH_EINVAL: a NULL, the size field, a missing op, max_size, no region, one that is
 *  empty or wraps.
 */
int ash_virtq_init(struct ash_virtq *q, const struct ash_virtq_config *config,
                   const struct ash_virtq_hal *hal, void *ctx) ASH_NODISCARD;

/** The driver has made the queue ready (QueueReady = 1): OFF becomes READY, both rings start at 0, the driver
 *  is to kick. HAL: map; unmap on an error.
 *  Returns ASH_OK, else the queue stays OFF:
 *  ASH_EGUEST: size, alignment or place of an area: see ash_virtq_fault(). ASH_EBUSY: it was not OFF.
 *  ASH_ENOMEM: map() gave NULL. ASH_EINVAL: map() gave a misaligned pointer.
 */
int ash_virtq_setup(struct ash_virtq *q, const struct ash_virtq_layout *layout) ASH_NODISCARD;

/** Back to OFF, from any state: every token is stale from here on, and no guest memory is touched after the
 *  return. Cost: O(1). HAL: unmap.
 */
void ash_virtq_reset(struct ash_virtq *q);

enum ash_virtq_state ash_virtq_state(const struct ash_virtq *q);

/** Requests taken by ash_virtq_pop() and not yet given back; 0 after a reset. */
uint32_t ash_virtq_in_flight(const struct ash_virtq *q);

/** Why the queue is BROKEN, or why the last ash_virtq_setup() failed. FINE after a reset. */
const struct ash_virtq_fault *ash_virtq_fault(const struct ash_virtq *q);

/** "chain too long": a reason in words. "?" for a number that is none. */
const char *ash_virtq_reason_name(enum ash_virtq_reason reason);

/** The device cannot make sense of what a chain holds (a missing header, say): READY becomes BROKEN, reason
 *  REFUSED. Returns ASH_EGUEST, for the caller to pass on.
 */
int ash_virtq_break(struct ash_virtq *q, uint64_t value);

/** Take the next available chain, in the driver's order.
 *  segments, capacity: where its segments go. An element without a byte gives none and may lie anywhere, but
 *  counts as a part of the chain; so a chain may have no segments.
 *  Memory: what the driver wrote before it made the chain available is visible (2.7.13, step 4).
 *  Cost: O(elements), at most Queue Size or chain_max of them. HAL: map, unmap (indirect tables only).
 *  Returns ASH_OK, else nothing is taken:
 *  ASH_ENOENT: no chain is available. While kicks are enabled the driver will kick when it adds the next.
 *  ASH_ENOSPC: `capacity` is too small. chain->segment_count says what is needed, its token is 0, segments[]
 *      holds nothing of use. The chain stays the next: come back with more room, or ash_virtq_break().
 *  ASH_EGUEST: the queue is BROKEN, just now or before. ASH_EBUSY: it is OFF.
 *  ASH_ENOMEM: map() gave NULL for an indirect table.
 */
int ash_virtq_pop(struct ash_virtq *q, struct ash_virtq_segment *segments, uint32_t capacity,
                  struct ash_virtq_chain *chain) ASH_NODISCARD;

/** Undo the last @count calls of ash_virtq_pop(): their chains are the next again. tokens: theirs, oldest
 *  first; none was given back. Cost: O(count), under IN_ORDER O(requests in flight). Returns ASH_OK, or
 *  ASH_EINVAL: these are not the last; nothing changes. ASH_EGUEST: the queue is BROKEN. */
int ash_virtq_unpop(struct ash_virtq *q, const uint64_t *tokens, uint32_t count) ASH_NODISCARD;

/** Put a request into the used ring without publishing it: for several that must appear at once. Requests
 *  come back in any order, a cancelled one with `written` 0. Under IN_ORDER the driver sees one when all
 *  before it are given back, too; its token is stale from now on all the same.
 *  written: bytes [0, written) of its device-writable segments hold data (2.7.8.2).
 *  Returns ASH_OK, else nothing changes:
 *  ASH_ENOENT: the token is stale (the queue was reset, the request was given back already) or never was one.
 *  ASH_ERANGE: `written` is more than its segments hold. ASH_EGUEST: the queue is BROKEN.
 */
int ash_virtq_stage(struct ash_virtq *q, uint64_t token, uint32_t written) ASH_NODISCARD;

/** Is @token that of a request that was taken and not given back, of a queue that is READY? */
bool ash_virtq_is_live(const struct ash_virtq *q, uint64_t token);

/** A number of the device's own for each live request; 0 when it is taken. Of a token that is not live: 0,
 *  and nothing is kept. */
uint64_t ash_virtq_cookie(const struct ash_virtq *q, uint64_t token);
void ash_virtq_set_cookie(struct ash_virtq *q, uint64_t token, uint64_t cookie);

/** The tokens of all requests in flight, one a call, in no order; 0: no more. *@at: 0 at first. To cancel
 *  them all.
 *  Cost: O(Queue Size) for all of them. */
uint64_t ash_virtq_next_live(const struct ash_virtq *q, uint32_t *at);

/** Show the driver everything that is staged, after all that was written to its buffers (2.7.8.2). */
void ash_virtq_publish(struct ash_virtq *q);

/** ash_virtq_stage() and, if it succeeds, ash_virtq_publish(). */
int ash_virtq_push(struct ash_virtq *q, uint64_t token, uint32_t written) ASH_NODISCARD;

/** Does the driver want a used buffer notification for what was published since the last call (2.7.7.2)? Ask
 *  after a batch; if true, the caller notifies. */
bool ash_virtq_should_notify(struct ash_virtq *q);

/** Advise the driver not to kick (2.7.10.2): it may all the same. */
void ash_virtq_disable_kicks(struct ash_virtq *q);

/** Ask for a kick when the driver adds the next chain. True: chains are available that it may not have kicked
 *  for, so ash_virtq_pop() again. False: none, and the next one brings a kick; or the queue is not READY.
 */
bool ash_virtq_enable_kicks(struct ash_virtq *q) ASH_NODISCARD;

/** A queue without requests in flight, independent of when and where. */
#define ASH_VIRTQ_IMAGE_VERSION 1U

struct ash_virtq_image {
    uint32_t version; /* ASH_VIRTQ_IMAGE_VERSION */
    uint32_t state;   /* enum ash_virtq_state */
    uint32_t size;
    uint32_t index; /* of both rings; 0..65535; packed: position, wrap counter in bit 15 */
    uint64_t features;
    uint64_t desc;
    uint64_t driver;
    uint64_t device;
    uint32_t kicks_enabled; /* 0 or 1 */
    uint32_t fault_reason;  /* enum ash_virtq_reason; FINE unless BROKEN */
    uint32_t fault_index;
    uint32_t reserved; /* 0 */
    uint64_t fault_value;
};

/** Returns ASH_OK, or ASH_EBUSY: requests are in flight or staged and not published (of a READY queue). */
int ash_virtq_export(const struct ash_virtq *q, struct ash_virtq_image *image) ASH_NODISCARD;

/** Into a queue that is OFF. Expect one spurious notification each way. HAL: map, unmap.
 *  Returns ASH_OK; ASH_EBUSY: not OFF; ASH_EFORMAT: version, a value out of its range; or as
 *  ash_virtq_setup(). On an error the queue stays OFF. */
int ash_virtq_import(struct ash_virtq *q, const struct ash_virtq_image *image) ASH_NODISCARD;

#ifdef __cplusplus
}
#endif

#endif
