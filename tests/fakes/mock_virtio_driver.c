/* SPDX-License-Identifier: BSD-2-Clause */
#include "mock_virtio_driver.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, size)   ((void)(at), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#endif

#define PAGE UINT64_C(4096)

/* The test itself is wrong. In release builds too. */
#define REQUIRE(condition) ((condition) ? (void)0 : require_failed(#condition, __LINE__))

static void require_failed(const char *condition, int line)
{
    fprintf(stderr, "mock_virtio_driver.c:%d: not so: %s\n", line, condition);
    abort();
}

void mock_memory_init(struct mock_memory *mem)
{
    memset(mem, 0, sizeof(*mem));
    mem->next_ipa = MOCK_RAM_BASE + 0x10000;
    mem->maps_until_failure = -1;
}

void mock_memory_make_direct(struct mock_memory *mem)
{
    REQUIRE(mem->count == 0);
    mem->direct = mmap(NULL, MOCK_RAM_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    REQUIRE(mem->direct != MAP_FAILED);
}

/* The pages of a block: no two blocks share one. */
static void set_pages(const struct mock_memory *mem, const struct mock_block *block, int protection)
{
    unsigned char *first = mem->direct + ((block->ipa - MOCK_RAM_BASE) & ~(PAGE - 1U));
    const uint64_t size = ((block->ipa & (PAGE - 1U)) + block->size + PAGE - 1U) & ~(PAGE - 1U);

    REQUIRE(mprotect(first, size, protection) == 0);
    if (protection == PROT_NONE) {
        ASAN_UNPOISON_MEMORY_REGION(first, size);
    } else {
        ASAN_POISON_MEMORY_REGION(first, size);
        ASAN_UNPOISON_MEMORY_REGION(block->bytes, block->size);
    }
}

void mock_memory_fini(struct mock_memory *mem)
{
    while (mem->count > 0) {
        mock_memory_free(mem, mem->blocks[0].ipa);
    }
    if (mem->direct != NULL) {
        REQUIRE(munmap(mem->direct, MOCK_RAM_SIZE) == 0);
    }
    free(mem->blocks);
}

uint64_t mock_memory_alloc(struct mock_memory *mem, uint64_t size, unsigned skew)
{
    struct mock_block block = {.ipa = mem->next_ipa + skew, .size = size};

    if (mem->count == mem->capacity) {
        mem->capacity = mem->capacity * 2 + 8;
        mem->blocks = realloc(mem->blocks, mem->capacity * sizeof(block));
        REQUIRE(mem->blocks != NULL);
    }
    if (mem->direct != NULL) {
        block.bytes = mem->direct + (block.ipa - MOCK_RAM_BASE);
        set_pages(mem, &block, PROT_READ | PROT_WRITE);
        memset(block.bytes, 0, size);
    } else {
        block.heap = calloc(1, size + skew % 16);
        REQUIRE(block.heap != NULL);
        block.bytes = block.heap + skew % 16;
    }
    mem->blocks[mem->count++] = block;
    mem->next_ipa += (size + skew + 8191) & ~UINT64_C(4095);
    REQUIRE(mem->next_ipa <= MOCK_RAM_BASE + MOCK_RAM_SIZE);
    return block.ipa;
}

void mock_memory_free(struct mock_memory *mem, uint64_t ipa)
{
    for (unsigned i = 0; i < mem->count; i++) {
        if (mem->blocks[i].ipa == ipa) {
            free(mem->blocks[i].heap);
            if (mem->direct != NULL) {
                set_pages(mem, &mem->blocks[i], PROT_NONE);
            }
            mem->blocks[i] = mem->blocks[--mem->count];
            return;
        }
    }
    require_failed("the block exists", __LINE__);
}

unsigned char *mock_memory_at(const struct mock_memory *mem, uint64_t ipa, uint64_t size)
{
    for (unsigned i = 0; i < mem->count; i++) {
        const struct mock_block *block = &mem->blocks[i];

        if (ipa >= block->ipa && ipa - block->ipa <= block->size &&
            size <= block->size - (ipa - block->ipa)) {
            return block->bytes + (ipa - block->ipa);
        }
    }
    return NULL;
}

static void *map(void *ctx, ash_ipa_t ipa, uint64_t size, bool write)
{
    struct mock_memory *mem = ctx;
    unsigned char *at = mock_memory_at(mem, ipa.value, size);

    (void)write;
    REQUIRE(size > 0);
    if (at == NULL || mem->maps_until_failure == 0) {
        return NULL;
    }
    mem->maps_until_failure -= mem->maps_until_failure > 0;
    mem->maps++;
    mem->mapped++;
    return at + mem->skew;
}

static void unmap(void *ctx, void *address, uint64_t size)
{
    struct mock_memory *mem = ctx;

    REQUIRE(address != NULL && size > 0);
    mem->mapped--;
}

const struct ash_virtq_hal mock_memory_hal = {.size = sizeof(mock_memory_hal), .map = map, .unmap = unmap};
const struct ash_virtq_hal mock_memory_hal_without_unmap = {.size = sizeof(mock_memory_hal), .map = map};

void mock_write16(void *at, uint16_t value)
{
    __atomic_store_n((uint16_t *)at, htole16(value), __ATOMIC_RELAXED);
}

uint16_t mock_read16(const void *at)
{
    return le16toh(__atomic_load_n((const uint16_t *)at, __ATOMIC_RELAXED));
}

uint32_t mock_read32(const void *at)
{
    return le32toh(__atomic_load_n((const uint32_t *)at, __ATOMIC_RELAXED));
}

void mock_descriptor(unsigned char *table, unsigned index, uint64_t ipa, uint32_t length, unsigned flags,
                     unsigned next)
{
    const uint64_t words[2] = {
        htole64(ipa), htole64((uint64_t)length | (uint64_t)flags << 32 | (uint64_t)(next & 0xFFFFU) << 48)};

    memcpy(table + 16UL * index, words, 16);
}

void mock_driver_init(struct mock_driver *drv, struct mock_memory *mem, unsigned size, uint64_t features)
{
    memset(drv, 0, sizeof(*drv));
    drv->mem = mem;
    drv->size = size;
    drv->features = features;
    drv->layout.desc = ash_ipa(mock_memory_alloc(mem, 16UL * size, 16));
    drv->packed = (features & ASH_VIRTQ_F_PACKED) != 0;
    drv->wrap = drv->used_wrap = drv->checked_wrap = true;
    drv->layout.driver =
        ash_ipa(mock_memory_alloc(mem, drv->packed ? 4 : 6 + 2UL * size, drv->packed ? 4 : 2));
    drv->layout.device = ash_ipa(mock_memory_alloc(mem, drv->packed ? 4 : 6 + 8UL * size, 4));
    drv->layout.size = size;
    drv->layout.features = features;
    drv->desc = mock_memory_at(mem, drv->layout.desc.value, 1);
    drv->avail = mock_memory_at(mem, drv->layout.driver.value, 1);
    drv->used = mock_memory_at(mem, drv->layout.device.value, 1);
    drv->next = calloc(size, sizeof(*drv->next));
    drv->length = calloc(size, sizeof(*drv->length));
    REQUIRE(drv->next != NULL && drv->length != NULL);
    for (unsigned i = 0; i < size; i++) {
        drv->next[i] = (uint16_t)(i + 1);
    }
    drv->free_count = size;
}

void mock_driver_fini(struct mock_driver *drv)
{
    mock_memory_free(drv->mem, drv->layout.desc.value);
    mock_memory_free(drv->mem, drv->layout.driver.value);
    mock_memory_free(drv->mem, drv->layout.device.value);
    free(drv->next);
    free(drv->length);
}

static unsigned flags_of(const struct ash_virtq_segment *segments, unsigned count, unsigned i)
{
    return (segments[i].writable ? MOCK_WRITE : 0U) | (i + 1 < count ? MOCK_NEXT : 0U);
}

/* Take @count descriptors off the free list; the first is the chain's head. */
static int reserve(struct mock_driver *drv, unsigned count)
{
    const uint16_t head = drv->free_head;

    if (count == 0 || count > drv->free_count) {
        return -1;
    }
    for (unsigned i = 0; i < count; i++) {
        drv->free_head = drv->next[drv->free_head];
    }
    drv->free_count -= count;
    drv->length[head] = (uint16_t)count;
    return head;
}

int mock_driver_add(struct mock_driver *drv, const struct ash_virtq_segment *segments, unsigned count)
{
    unsigned at;
    int head;

    if (drv->packed) {
        return mock_packed_add(drv, segments, count, 0);
    }
    head = reserve(drv, count);
    if (head < 0) {
        return -1;
    }
    at = (unsigned)head;
    for (unsigned i = 0; i < count; i++) {
        mock_descriptor(drv->desc, at, segments[i].ipa.value, segments[i].length,
                        flags_of(segments, count, i), i + 1 < count ? drv->next[at] : 0xDEADU);
        at = drv->next[at];
    }
    mock_driver_offer(drv, (uint16_t)head);
    return head;
}

int mock_driver_add_indirect(struct mock_driver *drv, uint64_t table,
                             const struct ash_virtq_segment *segments, unsigned count)
{
    unsigned char *bytes = mock_memory_at(drv->mem, table, 16UL * count);
    int head;

    if (drv->packed) {
        return mock_packed_add(drv, segments, count, table);
    }
    head = reserve(drv, 1);
    if (head < 0) {
        return -1;
    }
    REQUIRE(bytes != NULL);
    for (unsigned i = 0; i < count; i++) {
        mock_descriptor(bytes, i, segments[i].ipa.value, segments[i].length, flags_of(segments, count, i),
                        i + 1);
    }
    mock_descriptor(drv->desc, (unsigned)head, table, 16 * count, MOCK_INDIRECT, 0xDEADU);
    mock_driver_offer(drv, (uint16_t)head);
    return head;
}

void mock_driver_offer(struct mock_driver *drv, uint16_t head)
{
    mock_write16(drv->avail + 4 + 2U * (drv->added % drv->size), head);
    drv->added++;
}

void mock_driver_publish(struct mock_driver *drv)
{
    if (drv->packed) {
        mock_packed_publish(drv);
        return;
    }
    drv->published = drv->added;
    __atomic_store_n((uint16_t *)(void *)(drv->avail + 2), htole16(drv->published), __ATOMIC_RELEASE);
}

/* Is @event one of the ring entries from @old up to, not including, @now? Counted, not calculated. */
static bool passes(uint16_t old, uint16_t now, uint16_t event)
{
    for (uint16_t i = old; i != now; i++) {
        if (i == event) {
            return true;
        }
    }
    return false;
}

bool mock_driver_should_kick(struct mock_driver *drv)
{
    const uint16_t old = drv->checked;

    if (drv->packed) {
        return mock_packed_should_kick(drv);
    }
    drv->checked = drv->published;
    if (old == drv->published) {
        return false;
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* 2.7.13.4.1 */
    if ((drv->features & ASH_VIRTQ_F_EVENT_IDX) != 0) {
        return passes(old, drv->published, mock_read16(drv->used + 4 + 8UL * drv->size));
    }
    return (mock_read16(drv->used) & 1U) == 0;
}

static uint16_t used_idx(const struct mock_driver *drv)
{
    return le16toh(__atomic_load_n((const uint16_t *)(const void *)(drv->used + 2), __ATOMIC_ACQUIRE));
}

bool mock_driver_take_used(struct mock_driver *drv, struct mock_used *used)
{
    const unsigned char *entry = drv->used + 4 + 8UL * (drv->seen % drv->size);
    unsigned last;

    if (drv->packed) {
        return mock_packed_take_used(drv, used);
    }
    if (used_idx(drv) == drv->seen) {
        return false;
    }
    used->head = mock_read32(entry);
    used->written = mock_read32(entry + 4);
    drv->seen++;
    REQUIRE(used->head < drv->size && drv->length[used->head] > 0);
    last = used->head;
    for (unsigned i = 1; i < drv->length[used->head]; i++) {
        last = drv->next[last];
    }
    drv->next[last] = drv->free_head;
    drv->free_head = (uint16_t)used->head;
    drv->free_count += drv->length[used->head];
    drv->length[used->head] = 0;
    return true;
}

bool mock_driver_set_interrupts(struct mock_driver *drv, bool enabled)
{
    if (drv->packed) {
        return mock_packed_set_interrupts(drv, enabled);
    }
    if ((drv->features & ASH_VIRTQ_F_EVENT_IDX) != 0) {
        mock_write16(drv->avail + 4 + 2UL * drv->size, enabled ? drv->seen : (uint16_t)(drv->seen - 1));
    } else {
        mock_write16(drv->avail, enabled ? 0 : 1);
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* 2.7.14 */
    return enabled && used_idx(drv) != drv->seen;
}
