/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/virtio.h"

#include "common/guest.h"

#define MAGIC  0x74726976U
#define WAIT_S 20U

/* Flags of the areas by which one side tells the other when to notify (2.7.6, 2.7.8, 2.8.14). */
#define SPLIT_QUIET    1
#define PACKED_DISABLE 1
#define PACKED_DESC    2U

static bool has(const struct virtio_queue *q, uint64_t feature)
{
    return (q->features & feature) != 0U;
}

/* ---- The device ---- */

uint64_t virtio_find(uint32_t device_id, unsigned nth)
{
    for (uint32_t slot = 0; slot < VIRTIO_SLOTS; slot++) {
        uint64_t base = VIRTIO_BASE + VIRTIO_STEP * slot;

        if (virtio_read(base, VIRTIO_MAGIC) == MAGIC && virtio_read(base, VIRTIO_DEVICE_ID) == device_id &&
            nth-- == 0U) {
            return base;
        }
    }
    return 0;
}

void virtio_reset(uint64_t base)
{
    virtio_write(base, VIRTIO_STATUS, 0);
    while (virtio_read(base, VIRTIO_STATUS) != 0U) {
        __asm__ volatile("yield");
    }
}

uint64_t virtio_offered(uint64_t base)
{
    uint64_t offered;

    virtio_write(base, VIRTIO_OFFERED_SEL, 1);
    offered = (uint64_t)virtio_read(base, VIRTIO_OFFERED) << 32;
    virtio_write(base, VIRTIO_OFFERED_SEL, 0);
    return offered | virtio_read(base, VIRTIO_OFFERED);
}

void virtio_accept(uint64_t base, uint64_t features)
{
    virtio_write(base, VIRTIO_ACCEPTED_SEL, 0);
    virtio_write(base, VIRTIO_ACCEPTED, (uint32_t)features);
    virtio_write(base, VIRTIO_ACCEPTED_SEL, 1);
    virtio_write(base, VIRTIO_ACCEPTED, (uint32_t)(features >> 32));
}

bool virtio_open(uint64_t base, uint64_t wanted, uint64_t *features)
{
    const uint32_t found = VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER;

    virtio_reset(base);
    virtio_write(base, VIRTIO_STATUS, VIRTIO_ACKNOWLEDGE);
    virtio_write(base, VIRTIO_STATUS, found);
    *features = virtio_offered(base) & (wanted | VIRTIO_F_VERSION_1);
    virtio_accept(base, *features);
    virtio_write(base, VIRTIO_STATUS, found | VIRTIO_FEATURES_OK);
    return virtio_read(base, VIRTIO_STATUS) == (found | VIRTIO_FEATURES_OK);
}

void virtio_start(uint64_t base)
{
    virtio_write(base, VIRTIO_STATUS, virtio_read(base, VIRTIO_STATUS) | VIRTIO_DRIVER_OK);
}

/* ---- A queue ---- */

void virtio_queue_clear(struct virtio_queue *q, uint64_t base, uint32_t number, uint32_t size,
                        uint64_t features)
{
    for (unsigned n = 0; n < sizeof(q->avail) / sizeof(q->avail[0]); n++) {
        q->avail[n] = 0;
    }
    for (unsigned n = 0; n < sizeof(q->used) / sizeof(q->used[0]); n++) {
        q->used[n] = 0;
    }
    for (uint16_t n = 0; n < VIRTIO_RING; n++) {
        q->desc[n] = (struct virtio_descriptor){0, 0, 0, 0};
        q->free[n] = (uint16_t)(size - 1U - n); /* those beyond the size are never looked at */
        q->ids[n] = q->free[n];
    }
    q->base = base;
    q->features = features;
    q->number = number;
    q->size = (uint16_t)size;
    q->free_count = (uint16_t)size;
    q->ids_free = (uint16_t)size;
    q->next = 0;
    q->kicked = 0;
    q->taken = 0;
    q->wrap = true;
    q->taken_wrap = true;
    q->kicked_wrap = true;
    virtio_interrupts(q, true);
}

static void tell_address(const struct virtio_queue *q, uint32_t offset, uint64_t address)
{
    virtio_write(q->base, offset, (uint32_t)address);
    virtio_write(q->base, offset + 4U, (uint32_t)(address >> 32));
}

void virtio_queue_tell(const struct virtio_queue *q, uint32_t size, uint64_t desc, uint64_t driver,
                       uint64_t device)
{
    virtio_barrier();
    virtio_write(q->base, VIRTIO_QUEUE_SEL, q->number);
    virtio_write(q->base, VIRTIO_QUEUE_SIZE, size);
    tell_address(q, VIRTIO_QUEUE_DESC, desc);
    tell_address(q, VIRTIO_QUEUE_DRIVER, driver);
    tell_address(q, VIRTIO_QUEUE_DEVICE, device);
    virtio_write(q->base, VIRTIO_QUEUE_READY, 1);
}

bool virtio_queue_open(struct virtio_queue *q, uint64_t base, uint32_t number, uint32_t size,
                       uint64_t features)
{
    uint32_t most;

    virtio_write(base, VIRTIO_QUEUE_SEL, number);
    most = virtio_read(base, VIRTIO_QUEUE_MAX);
    most = most < VIRTIO_RING ? most : VIRTIO_RING;
    if (most == 0U || size > most || virtio_read(base, VIRTIO_QUEUE_READY) != 0U) {
        return false;
    }
    virtio_queue_clear(q, base, number, size != 0U ? size : most, features);
    virtio_queue_tell(q, q->size, (uint64_t)(uintptr_t)q->desc, (uint64_t)(uintptr_t)q->avail,
                      (uint64_t)(uintptr_t)q->used);
    return virtio_read(base, VIRTIO_QUEUE_READY) == 1U;
}

/* ---- Requests ---- */

static void fill(volatile struct virtio_descriptor *to, const struct virtio_piece *piece)
{
    to->address = (uint64_t)(uintptr_t)piece->at;
    to->length = piece->length;
}

static uint16_t direction(const struct virtio_piece *piece)
{
    return piece->writable ? VIRTIO_D_WRITE : 0U;
}

static struct virtio_piece table_of(struct virtio_queue *q, uint16_t id, const struct virtio_piece *pieces,
                                    unsigned count)
{
    for (unsigned n = 0; n < count; n++) {
        uint16_t flags = (uint16_t)(direction(&pieces[n]) | (n + 1U < count ? VIRTIO_D_NEXT : 0U));

        fill(&q->tables[id][n], &pieces[n]);
        q->tables[id][n].flags = has(q, VIRTIO_F_PACKED) ? 0U : flags;
        q->tables[id][n].next = has(q, VIRTIO_F_PACKED) ? direction(&pieces[n]) : (uint16_t)(n + 1U);
    }
    return (struct virtio_piece){q->tables[id], count * (uint32_t)sizeof(struct virtio_descriptor), false};
}

static uint16_t add_split(struct virtio_queue *q, const struct virtio_piece *pieces, unsigned count,
                          uint16_t flags)
{
    uint16_t head = q->free[q->free_count - 1U];
    uint16_t at = head;

    for (unsigned n = 0; n < count; n++) {
        bool more = n + 1U < count;

        q->free_count--;
        fill(&q->desc[at], &pieces[n]);
        q->desc[at].next = more ? q->free[q->free_count - 1U] : 0U;
        q->desc[at].flags = (uint16_t)(direction(&pieces[n]) | (more ? VIRTIO_D_NEXT : 0U) | flags);
        at = q->desc[at].next;
    }
    q->counts[head] = (uint16_t)count;
    q->avail[2U + q->next % q->size] = head;
    virtio_barrier();
    q->next++;
    q->avail[1] = q->next;
    return head;
}

static uint16_t available(bool wrap)
{
    return wrap ? VIRTIO_D_AVAIL : VIRTIO_D_USED;
}

/* The head's flags last: with them the device has it (2.8.6). */
static uint16_t add_packed(struct virtio_queue *q, const struct virtio_piece *pieces, unsigned count,
                           uint16_t flags)
{
    uint16_t id = q->ids[--q->ids_free];
    uint16_t head = q->next;
    uint16_t head_flags = 0;

    for (unsigned n = 0; n < count; n++) {
        uint16_t own = (uint16_t)(direction(&pieces[n]) | (n + 1U < count ? VIRTIO_D_NEXT : 0U) | flags |
                                  available(q->wrap));

        fill(&q->desc[q->next], &pieces[n]);
        q->desc[q->next].flags = id;
        if (n == 0U) {
            head_flags = own;
        } else {
            q->desc[q->next].next = own;
        }
        if (++q->next == q->size) {
            q->next = 0;
            q->wrap = !q->wrap;
        }
    }
    q->free_count = (uint16_t)(q->free_count - count);
    q->counts[id] = (uint16_t)count;
    virtio_barrier();
    q->desc[head].next = head_flags;
    return id;
}

bool virtio_add(struct virtio_queue *q, const struct virtio_piece *pieces, unsigned count, uint16_t *id)
{
    bool indirect = count > 1U && count <= VIRTIO_TABLE && has(q, VIRTIO_F_INDIRECT);
    bool packed = has(q, VIRTIO_F_PACKED);
    struct virtio_piece table;

    if (q->free_count < (indirect ? 1U : count)) {
        return false;
    }
    if (indirect) {
        table = table_of(q, packed ? q->ids[q->ids_free - 1U] : q->free[q->free_count - 1U], pieces, count);
        pieces = &table;
        count = 1;
    }
    *id = packed ? add_packed(q, pieces, count, indirect ? VIRTIO_D_INDIRECT : 0U)
                 : add_split(q, pieces, count, indirect ? VIRTIO_D_INDIRECT : 0U);
    return true;
}

/* ---- Notifications ---- */

/* Packed: does the entry that the device wants to be told of lie in [kicked, next)? */
static bool packed_wants(const struct virtio_queue *q, uint32_t event)
{
    uint16_t at = (uint16_t)(event & 0x7fffU);
    bool wrap = (event & 0x8000U) != 0U;
    uint32_t begin = q->kicked;
    uint32_t end = q->next + (q->wrap != q->kicked_wrap ? q->size : 0U);
    uint32_t wanted = at + (wrap != q->kicked_wrap ? q->size : 0U);

    return wanted >= begin && wanted < end;
}

static bool device_wants(const struct virtio_queue *q)
{
    uint32_t word = q->used[0];

    if (has(q, VIRTIO_F_PACKED)) {
        uint32_t flags = (word >> 16) & 3U;

        return flags == PACKED_DESC ? packed_wants(q, word & 0xffffU) : flags != PACKED_DISABLE;
    }
    if (has(q, VIRTIO_F_EVENT)) {
        uint16_t event = (uint16_t)q->used[1U + 2U * q->size];

        return (uint16_t)(q->next - event - 1U) < (uint16_t)(q->next - q->kicked);
    }
    return (word & SPLIT_QUIET) == 0U;
}

bool virtio_kick(struct virtio_queue *q)
{
    bool wants;

    virtio_barrier(); /* what is available before what the device wants (2.7.13.4.1) */
    wants = device_wants(q);
    q->kicked = q->next;
    q->kicked_wrap = q->wrap;
    if (wants) {
        virtio_notify(q);
    }
    return wants;
}

void virtio_interrupts(struct virtio_queue *q, bool wanted)
{
    q->wants_interrupts = wanted;
    if (has(q, VIRTIO_F_PACKED)) {
        q->avail[1] = wanted ? 0 : PACKED_DISABLE;
    } else if (has(q, VIRTIO_F_EVENT)) {
        q->avail[0] = 0;
        q->avail[2U + q->size] = (uint16_t)(q->taken + (wanted ? 0U : 0x8000U));
    } else {
        q->avail[0] = wanted ? 0 : SPLIT_QUIET;
    }
    virtio_barrier();
}

/* ---- What comes back ---- */

static bool take_split(struct virtio_queue *q, uint16_t *id, uint32_t *written)
{
    uint32_t at = q->taken % q->size;
    uint16_t next;

    if ((uint16_t)(q->used[0] >> 16) == q->taken) {
        return false;
    }
    virtio_barrier();
    next = *id = (uint16_t)q->used[1U + 2U * at];
    *written = q->used[2U + 2U * at];
    for (uint16_t n = 0; n < q->counts[*id % q->size] && q->free_count < q->size; n++) {
        q->free[q->free_count++] = next;
        next = q->desc[next % q->size].next;
    }
    q->taken++;
    if (has(q, VIRTIO_F_EVENT) && q->wants_interrupts) {
        q->avail[2U + q->size] = q->taken;
    }
    return true;
}

static bool take_packed(struct virtio_queue *q, uint16_t *id, uint32_t *written)
{
    uint16_t flags = q->desc[q->taken].next;
    bool used = (flags & VIRTIO_D_USED) != 0U;
    uint16_t count;

    if (used != q->taken_wrap || ((flags & VIRTIO_D_AVAIL) != 0U) != used) {
        return false;
    }
    virtio_barrier();
    *id = q->desc[q->taken].flags;
    *written =
        q->desc[q->taken].length; /* QEMU does not set WRITE, by which it would be known to count (2.8.9) */
    count = q->counts[*id % q->size];
    q->ids[q->ids_free++ % VIRTIO_RING] = *id;
    q->free_count = (uint16_t)(q->free_count + count);
    q->taken = (uint16_t)(q->taken + count);
    if (q->taken >= q->size) {
        q->taken = (uint16_t)(q->taken - q->size);
        q->taken_wrap = !q->taken_wrap;
    }
    return true;
}

bool virtio_take(struct virtio_queue *q, uint16_t *id, uint32_t *written)
{
    return has(q, VIRTIO_F_PACKED) ? take_packed(q, id, written) : take_split(q, id, written);
}

bool virtio_wait(struct virtio_queue *q, uint16_t *id, uint32_t *written)
{
    uint64_t start = guest_sysreg_read(cntvct_el0);

    while (!virtio_take(q, id, written)) {
        if (guest_sysreg_read(cntvct_el0) - start > WAIT_S * guest_sysreg_read(cntfrq_el0)) {
            return false;
        }
        __asm__ volatile("yield" : : : "memory");
    }
    return true;
}
