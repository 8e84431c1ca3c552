/* SPDX-License-Identifier: BSD-2-Clause */
/* The driver of a packed virtqueue (VIRTIO 1.2, 2.8), behind the same functions as that of a split one. */
#include "mock_virtio_driver.h"

#include <endian.h>
#include <string.h>

enum { AVAIL = 0x80, USED = 0x8000, EVENT_ENABLE = 0, EVENT_DISABLE = 1, EVENT_DESC = 2 };

#define ID_FACTOR 40503U /* odd, so that it has an inverse modulo 2^16 */
#define ID_OFFSET 4711U

uint16_t mock_driver_id(unsigned head)
{
    return (uint16_t)(head * ID_FACTOR + ID_OFFSET);
}

static unsigned head_of(uint16_t id)
{
    unsigned inverse = 1;

    while ((uint16_t)(inverse * ID_FACTOR) != 1U) {
        inverse += 2;
    }
    return (uint16_t)((id - ID_OFFSET) * inverse);
}

static void advance(const struct mock_driver *drv, unsigned *at, bool *wrap, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (++*at == drv->size) {
            *at = 0;
            *wrap = !*wrap;
        }
    }
}

void mock_packed_descriptor(unsigned char *table, unsigned at, uint64_t ipa, uint32_t length, uint16_t id)
{
    const uint64_t address = htole64(ipa);
    const uint32_t bytes = htole32(length);
    const uint16_t name = htole16(id);

    memcpy(table + 16UL * at, &address, 8);
    memcpy(table + 16UL * at + 8, &bytes, 4);
    memcpy(table + 16UL * at + 12, &name, 2);
}

static uint16_t mark(const struct mock_driver *drv)
{
    return drv->wrap ? AVAIL : USED;
}

static void put(struct mock_driver *drv, uint64_t ipa, uint32_t length, uint16_t flags, uint16_t id,
                bool head)
{
    mock_packed_descriptor(drv->desc, drv->at, ipa, length, id);
    flags |= mark(drv);
    if (head && drv->added == drv->published) {
        drv->first_at = drv->at;
        drv->first_flags = flags;
    } else {
        mock_write16(drv->desc + 16UL * drv->at + 14, flags);
    }
    advance(drv, &drv->at, &drv->wrap, 1);
}

static void fill_table(unsigned char *bytes, const struct ash_virtq_segment *segments, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        /* Only WRITE means something there; the rest is there to be ignored. */
        const uint16_t flags = (uint16_t)((segments[i].writable ? MOCK_WRITE : 0) | MOCK_NEXT | AVAIL);

        mock_packed_descriptor(bytes, i, segments[i].ipa.value, segments[i].length, 0xBEEF);
        memcpy(bytes + 16UL * i + 14, &(uint16_t){htole16(flags)}, 2);
    }
}

int mock_packed_add(struct mock_driver *drv, const struct ash_virtq_segment *segments, unsigned count,
                    uint64_t table)
{
    const unsigned needed = table != 0 ? 1 : count;
    const uint16_t head = drv->free_head;
    const uint16_t id = mock_driver_id(head);

    if (count == 0 || needed > drv->free_count) {
        return -1;
    }
    drv->free_head = drv->next[head];
    drv->free_count -= needed;
    drv->length[head] = (uint16_t)needed;
    if (table != 0) {
        fill_table(mock_memory_at(drv->mem, table, 16UL * count), segments, count);
        put(drv, table, 16 * count, MOCK_INDIRECT, id, true);
    }
    for (unsigned i = 0; i < count && table == 0; i++) {
        const unsigned flags = (segments[i].writable ? MOCK_WRITE : 0U) | (i + 1 < count ? MOCK_NEXT : 0U);

        put(drv, segments[i].ipa.value, segments[i].length, (uint16_t)flags,
            i + 1 < count ? (uint16_t)~id : id, i == 0);
    }
    drv->added++;
    return head;
}

void mock_packed_publish(struct mock_driver *drv)
{
    if (drv->added != drv->published) {
        __atomic_store_n((uint16_t *)(void *)(drv->desc + 16UL * drv->first_at + 14),
                         htole16(drv->first_flags), __ATOMIC_RELEASE);
        drv->published = drv->added;
    }
}

static uint32_t event_of(const unsigned char *at)
{
    return le32toh(__atomic_load_n((const uint32_t *)(const void *)at, __ATOMIC_RELAXED));
}

bool mock_packed_should_kick(struct mock_driver *drv)
{
    unsigned at = drv->checked_at;
    bool wrap = drv->checked_wrap, passed = false;
    uint32_t event;

    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* 2.8.21.3.1 */
    event = event_of(drv->used);
    if (at == drv->at && wrap == drv->wrap) {
        return false;
    }
    while (at != drv->at || wrap != drv->wrap) {
        passed = passed || (event & 0xFFFF) == (at | (wrap ? 0x8000U : 0U));
        advance(drv, &at, &wrap, 1);
    }
    drv->checked_at = drv->at;
    drv->checked_wrap = drv->wrap;
    return event >> 16 == EVENT_ENABLE || (event >> 16 == EVENT_DESC && passed);
}

static bool is_used(const struct mock_driver *drv, uint16_t *flags)
{
    *flags = le16toh(__atomic_load_n((const uint16_t *)(const void *)(drv->desc + 16UL * drv->used_at + 14),
                                     __ATOMIC_ACQUIRE));
    return ((*flags & AVAIL) != 0) == drv->used_wrap && ((*flags & USED) != 0) == drv->used_wrap;
}

bool mock_packed_take_used(struct mock_driver *drv, struct mock_used *used)
{
    const unsigned char *entry = drv->desc + 16UL * drv->used_at;
    uint16_t flags;

    if (drv->free_count == drv->size || !is_used(drv, &flags)) {
        return false;
    }
    used->head = head_of(mock_read16(entry + 12));
    used->written = (flags & MOCK_WRITE) != 0 ? mock_read32(entry + 8) : 0;
    if (used->head >= drv->size || drv->length[used->head] == 0) {
        __builtin_trap(); /* a chain that was not out there */
    }
    advance(drv, &drv->used_at, &drv->used_wrap, drv->length[used->head]);
    drv->seen++;
    drv->free_count += drv->length[used->head];
    drv->length[used->head] = 0;
    drv->next[used->head] = drv->free_head;
    drv->free_head = (uint16_t)used->head;
    return true;
}

bool mock_packed_set_interrupts(struct mock_driver *drv, bool enabled)
{
    uint32_t event = enabled ? EVENT_ENABLE : EVENT_DISABLE;
    uint16_t flags;

    if (enabled && (drv->features & ASH_VIRTQ_F_EVENT_IDX) != 0) {
        event = EVENT_DESC;
    }
    __atomic_store_n((uint32_t *)(void *)drv->avail,
                     htole32(event << 16 | drv->used_at | (drv->used_wrap ? 0x8000U : 0U)), __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return enabled && drv->free_count != drv->size && is_used(drv, &flags);
}
