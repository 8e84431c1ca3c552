/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest of 64 KiB with one virtio-mmio device, whose driver does what the input says: registers of any
 * offset and width, rings of both formats, well-formed for the most part, and bytes anywhere. What the
 * library maps for the duration of a call is a copy of exactly that size, so that AddressSanitizer sees a
 * byte beyond; rings are the memory itself. A target makes its device on vm_site() and calls vm_run(). */
#ifndef VIRTIO_GUEST_H
#define VIRTIO_GUEST_H

#include "fuzz.h"

#include <libvirtio/state.h>

#define RAM_BASE      UINT64_C(0x40000000)
#define RAM_SIZE      UINT64_C(0x10000)
#define QUEUES        6U
#define RING_SIZE     8U
#define RINGS         UINT64_C(0x400)  /* bytes of RAM for those of one queue */
#define DATA          (QUEUES * RINGS) /* from here on */
#define MAPS          8U
#define CONTENT_BYTES 128U

static struct {
    _Alignas(16) unsigned char ram[RAM_SIZE];
    bool rings; /* what is mapped now stays mapped */
    struct {
        unsigned char *copy, *at;
        uint64_t size;
        bool write;
    } map[MAPS]; /* of this call */
    unsigned maps, ring_maps;
    bool line;
    struct ash_virtio_queue queues[QUEUES];
    struct ash_virtq_slot slots[QUEUES][RING_SIZE];
    struct ash_virtio_mmio mmio;
    uint16_t next[QUEUES]; /* the driver's index, or its position */
    bool wrap[QUEUES];
    unsigned where;  /* the next buffer */
    unsigned starve; /* so many maps from now there is none for once; 0: never */
    /* What a driver of this device writes to @queue: the chain's first bytes, into CONTENT_BYTES of them.
     * Returns how long the first readable buffer is to be; 0: any length will do. */
    unsigned (*content)(struct fuzz_input *in, unsigned queue, unsigned char *bytes);
} vm;

static void *vm_map(void *ctx, ash_ipa_t ipa, uint64_t size, bool write)
{
    unsigned char *at;

    (void)ctx;
    FUZZ_CHECK(size > 0U && ipa.value >= RAM_BASE && ipa.value - RAM_BASE <= RAM_SIZE &&
               size <= RAM_SIZE - (ipa.value - RAM_BASE));
    at = vm.ram + (ipa.value - RAM_BASE);
    if (vm.starve > 0U && --vm.starve == 0U) {
        return NULL;
    }
    if (vm.rings) {
        vm.ring_maps++;
        return at;
    }
    FUZZ_CHECK(vm.maps < MAPS);
    vm.map[vm.maps].at = at;
    vm.map[vm.maps].size = size;
    vm.map[vm.maps].write = write;
    /* Congruent modulo 16, and poison right behind it. */
    vm.map[vm.maps].copy = malloc(size + ((uintptr_t)at & 15U));
    FUZZ_CHECK(vm.map[vm.maps].copy != NULL);
    memcpy(vm.map[vm.maps].copy + ((uintptr_t)at & 15U), at, size);
    return vm.map[vm.maps++].copy + ((uintptr_t)at & 15U);
}

static void vm_unmap(void *ctx, void *address, uint64_t size)
{
    unsigned i = vm.maps;

    (void)ctx;
    if ((unsigned char *)address >= vm.ram && (unsigned char *)address < vm.ram + RAM_SIZE) {
        FUZZ_CHECK(vm.ring_maps > 0U);
        vm.ring_maps--;
        return;
    }
    while (i > 0U && vm.map[i - 1U].copy + ((uintptr_t)vm.map[i - 1U].at & 15U) != address) {
        i--;
    }
    FUZZ_CHECK(i > 0U && vm.map[i - 1U].size == size);
    if (vm.map[i - 1U].write) {
        memcpy(vm.map[i - 1U].at, address, size);
    }
    free(vm.map[i - 1U].copy);
    vm.map[i - 1U] = vm.map[--vm.maps];
}

static void vm_interrupt(void *ctx, bool level)
{
    (void)ctx;
    FUZZ_CHECK(level != vm.line);
    vm.line = level;
}

static const struct ash_virtq_hal vm_memory = {.size = sizeof(vm_memory), .map = vm_map, .unmap = vm_unmap};
static const struct ash_virtio_hal vm_hal = {
    .size = sizeof(vm_hal), .memory = &vm_memory, .interrupt = vm_interrupt};
static struct ash_virtq_region vm_region = {{RAM_BASE}, RAM_SIZE, NULL};

static struct ash_virtio_site vm_site(uint32_t queue_count)
{
    for (unsigned i = 0; i < QUEUES; i++) {
        vm.queues[i].max_size = RING_SIZE;
        vm.queues[i].slots = vm.slots[i];
    }
    memset(vm.slots, 0xA5, sizeof(vm.slots));
    return (struct ash_virtio_site){.hal = &vm_hal,
                                    .regions = &vm_region,
                                    .region_count = 1,
                                    .queues = vm.queues,
                                    .queue_count = queue_count,
                                    .ring_features = ASH_VIRTIO_RING_FEATURES};
}

static void vm_write(uint64_t offset, unsigned size, uint64_t value)
{
    vm.rings = offset == 0x44U; /* QueueReady */
    ash_virtio_mmio_write(&vm.mmio, offset, size, value);
    vm.rings = false;
}

static void vm_poke(uint64_t offset, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++) {
        vm.ram[(offset + i) % RAM_SIZE] = (unsigned char)(value >> 8U * i);
    }
}

static bool vm_is_packed(void)
{
    return ash_virtio_has(vm.mmio.device, ASH_VIRTQ_F_PACKED);
}

static uint64_t vm_ring(unsigned queue)
{
    return queue * RINGS;
}

/* @spoilt: of the three areas the one by bits [1:0] has a bad address, or (3) the size is bad. */
static void vm_set_up_queue(unsigned queue, uint8_t spoilt)
{
    uint64_t areas[] = {vm_ring(queue), vm_ring(queue) + 0x100U, vm_ring(queue) + 0x200U, 0};

    areas[spoilt & 3U] += spoilt >= 4U ? (spoilt >= 64U ? RAM_SIZE - 0x10U : 1U) : 0U;

    vm_write(0x30, 4, queue);
    vm_write(0x38, 4, RING_SIZE - (uint32_t)areas[3]);
    for (unsigned i = 0; i < 3U; i++) {
        vm_write(0x80U + 0x10U * i, 4, RAM_BASE + areas[i]);
        vm_write(0x84U + 0x10U * i, 4, 0);
    }
    memset(vm.ram + vm_ring(queue), 0, RINGS);
    vm.next[queue] = 0;
    vm.wrap[queue] = true;
    vm_write(0x44, 4, 1);
}

/* The whole way up, with some of what is offered. */
static void vm_start(struct fuzz_input *in)
{
    const uint8_t how = fuzz_u8(in);
    uint64_t features = vm.mmio.device->offered;

    if (how % 4U == 1U) {
        features &= ~fuzz_u64(in);
    } else if (how % 4U == 2U) {
        features &= ~(ASH_VIRTQ_F_PACKED | ASH_VIRTQ_F_IN_ORDER);
    } else if (how % 4U == 3U) {
        features &= ~(ASH_VIRTQ_F_PACKED | ASH_MASK(29, 28));
    }
    features |= how < 250U ? ASH_VIRTIO_F_VERSION_1 : 0U;
    vm_write(0x70, 4, 0);
    vm_write(0x70, 4, 3);
    for (unsigned i = 0; i < 2U; i++) {
        vm_write(0x24, 4, i);
        vm_write(0x20, 4, features >> 32U * i & UINT32_MAX);
    }
    vm_write(0x70, 4, 11);
    for (unsigned i = 0; i < vm.mmio.device->site.queue_count; i++) {
        vm_set_up_queue(i, 0);
    }
    vm_write(0x70, 4, 15);
}

/* One descriptor; flags as a split ring has them. */
static void vm_descriptor(unsigned queue, uint64_t at, uint64_t ipa, uint32_t length, unsigned flags,
                          unsigned next)
{
    vm_poke(at, ipa, 8);
    vm_poke(at + 8U, length, 4);
    if (vm_is_packed()) {
        vm_poke(at + 12U, next, 2);
        vm_poke(at + 14U, flags | (vm.wrap[queue] ? 0x80U : 0x8000U), 2);
    } else {
        vm_poke(at + 12U, flags, 2);
        vm_poke(at + 14U, next, 2);
    }
}

static uint64_t vm_address(struct fuzz_input *in, uint8_t kind)
{
    if (kind >= 250U) {
        return fuzz_edge(in);
    }
    vm.where = (vm.where + 0x340U) % (unsigned)(RAM_SIZE - DATA - 0x1000U);
    return RAM_BASE + DATA + vm.where;
}

static uint32_t vm_length(struct fuzz_input *in, uint8_t kind)
{
    static const uint16_t usual[] = {0,  1,  2,  4,  6,  8,  11,  12,  13,  14,   16,   17,
                                     20, 21, 26, 38, 60, 72, 100, 512, 513, 1024, 1528, 4096};

    return kind < 240U ? usual[kind % (sizeof(usual) / sizeof(usual[0]))] : (uint32_t)fuzz_edge(in);
}

/* What goes wrong with a chain, for 16 of 256 inputs. */
enum { FINE, BAD_NEXT = 240, BAD_FLAGS, BAD_HEAD, OLD_HEAD, BAD_INDEX, LONG_TABLE, ODD_TABLE, TABLE_OUTSIDE };

static uint32_t vm_first_bytes(struct fuzz_input *in, unsigned queue, uint64_t ipa)
{
    unsigned char bytes[CONTENT_BYTES] = {0};
    unsigned length = 0;
    const uint8_t kind = fuzz_u8(in);

    if (kind < 200U && vm.content != NULL) {
        length = vm.content(in, queue, bytes);
    } else {
        for (unsigned b = 0; b < 24U; b++) {
            bytes[b] = fuzz_u8(in);
        }
    }
    for (unsigned b = 0; b < CONTENT_BYTES; b++) {
        vm_poke(ipa - RAM_BASE + b, bytes[b], 1);
    }
    return length;
}

static void vm_publish(unsigned queue, unsigned entries, uint8_t wrong)
{
    const uint16_t first = vm.next[queue];
    unsigned head = first % RING_SIZE;

    if (vm_is_packed()) {
        vm.next[queue] = (uint16_t)((first + entries) % RING_SIZE);
        return;
    }
    head = wrong == BAD_HEAD   ? RING_SIZE + 1U
           : wrong == OLD_HEAD ? (head + RING_SIZE - 1U) % RING_SIZE
                               : head;
    vm_poke(vm_ring(queue) + 0x104U + 2U * (first % RING_SIZE), head, 2);
    vm_poke(vm_ring(queue) + 0x102U, first + (wrong == BAD_INDEX ? RING_SIZE + 2U : 1U), 2);
    vm.next[queue]++;
}

/* A chain: how many readable and writable segments, the first bytes of what is readable, then the kick. */
static void vm_offer(struct fuzz_input *in)
{
    const unsigned queue = fuzz_below(in, QUEUES);
    const uint8_t shape = fuzz_u8(in), wrong = fuzz_u8(in);
    const unsigned readable = shape & 3U, count = readable + (shape >> 2 & 3U);
    const bool indirect = shape >= 192U;
    /* At any alignment: an entry that is not aligned is read byte by byte. */
    const uint64_t table = indirect ? RAM_SIZE - 0x200U + wrong % 4U : vm_ring(queue);
    const uint16_t first = vm.next[queue];

    for (unsigned i = 0; i < count; i++) {
        const unsigned slot = indirect ? i : (first + i) % RING_SIZE;
        const uint64_t ipa = vm_address(in, shape == 63U ? fuzz_u8(in) : 0U);
        uint32_t length = i == 0U && readable > 0U ? vm_first_bytes(in, queue, ipa) : 0U;
        unsigned flags = (i < readable ? 0U : 2U) | (i + 1U < count ? 1U : 0U);
        unsigned next = (slot + 1U) % RING_SIZE;

        length = length > 0U ? length : vm_length(in, fuzz_u8(in));
        flags ^= wrong == BAD_FLAGS ? 1U << length % 3U : 0U;
        next += wrong == BAD_NEXT ? 2U * RING_SIZE : 0U;
        vm_descriptor(queue, table + 16U * slot, ipa, length, flags, next);
        if (vm_is_packed() && !indirect && slot == RING_SIZE - 1U) {
            vm.wrap[queue] = !vm.wrap[queue];
        }
    }
    if (indirect) {
        const uint64_t at = RAM_BASE + (wrong == TABLE_OUTSIDE ? RAM_SIZE : table);
        const uint32_t length = 16U * count + (wrong == ODD_TABLE ? 3U : 0U);

        vm_descriptor(queue, vm_ring(queue) + 16U * (first % RING_SIZE), at,
                      wrong == LONG_TABLE ? UINT32_MAX : length, 4, 0);
        if (vm_is_packed() && first % RING_SIZE == RING_SIZE - 1U) {
            vm.wrap[queue] = !vm.wrap[queue];
        }
    }
    vm_publish(queue, indirect ? 1U : count, wrong);
    vm_write(0x50, 4, queue);
}

static void vm_access(struct fuzz_input *in)
{
    const uint8_t how = fuzz_u8(in);
    const uint64_t offset = how < 128U ? how % 80U * 4U : fuzz_below(in, 0x210);
    const unsigned size = how < 128U ? 4U : fuzz_below(in, 10);

    if (how % 2U == 0U) {
        (void)ash_virtio_mmio_read(&vm.mmio, offset, size);
    } else {
        vm_write(offset, size, fuzz_edge(in));
    }
}

/* Whether the driver wants interrupts: flags, or the entry that it wants one for. */
static void vm_suppress(struct fuzz_input *in)
{
    const unsigned queue = fuzz_below(in, QUEUES);
    const uint64_t driver = vm_ring(queue) + 0x100U;

    if (vm_is_packed()) {
        vm_poke(driver, fuzz_u8(in) % (RING_SIZE + 1U) | (fuzz_u8(in) % 2U != 0U ? 0x8000U : 0U), 2);
        vm_poke(driver + 2U, fuzz_u8(in) % 4U, 2);
    } else {
        vm_poke(driver, fuzz_u8(in) % 2U, 2);
        vm_poke(driver + 4U + 2U * RING_SIZE, vm.next[queue] - fuzz_u8(in) % 4U, 2);
    }
}

static void vm_queue(struct fuzz_input *in)
{
    const uint8_t how = fuzz_u8(in);

    if (how < 64U) {
        vm_write(0x30, 4, how % QUEUES);
        vm_write(how < 32U ? 0x44U : 0xC0U, 4, how < 32U ? 0U : 1U);
    }
    vm_set_up_queue(how % QUEUES, how < 160U ? 0U : fuzz_u8(in));
}

/* All that a driver reads, and what a driver does when it was interrupted. */
static void vm_look(void)
{
    for (uint64_t offset = 0; offset < 0x140U; offset += 4U) {
        (void)ash_virtio_mmio_read(&vm.mmio, offset, 4);
    }
    vm_write(0x64, 4, ash_virtio_mmio_read(&vm.mmio, 0x60, 4));
    FUZZ_CHECK(!vm.line);
}

/* Out and in again, sometimes with a wrong byte: the same device, or one that is reset. */
static void vm_move(struct fuzz_input *in)
{
    static uint64_t block[512];
    struct ash_virtio_device *device = vm.mmio.device;
    struct ash_virtio_state *state = (struct ash_virtio_state *)block;
    const size_t size = ash_virtio_state_size(device);
    struct ash_virtio_mmio_state selected;
    const uint8_t how = fuzz_u8(in);
    int error;

    FUZZ_CHECK(size <= sizeof(block));
    error = ash_virtio_device_export(device, state, size);
    FUZZ_CHECK(error == ASH_OK || error == ASH_EBUSY);
    if (error != ASH_OK) {
        return;
    }
    ash_virtio_mmio_export(&vm.mmio, &selected);
    ash_virtio_device_reset(device);
    ash_virtio_mmio_init(&vm.mmio, device);
    ash_virtio_mmio_import(&vm.mmio, &selected);
    if (how % 4U == 0U) {
        ((uint8_t *)block)[fuzz_below(in, (uint32_t)size)] ^= fuzz_u8(in);
    }
    vm.rings = true;
    error = ash_virtio_device_import(device, state, size);
    vm.rings = false;
    FUZZ_CHECK(error == ASH_OK ? device->status == state->status : device->status == 0U);
}

static void vm_other(struct fuzz_input *in, uint8_t how)
{
    switch (how % 5U) {
    case 4:
        vm_move(in);
        break;
    case 0:
        vm_suppress(in);
        break;
    case 1:
        vm_look();
        break;
    case 2:
        vm.starve = how / 32U;
        break;
    default:
        vm_poke(fuzz_u16(in), fuzz_u64(in), 8);
        break;
    }
}

static void vm_step(struct fuzz_input *in, void (*act)(struct fuzz_input *in))
{
    const uint8_t op = fuzz_u8(in);

    switch (op % 16U) {
    case 0:
        vm_start(in);
        break;
    case 1:
        vm_access(in);
        break;
    case 2:
        vm_other(in, (uint8_t)(op / 16U * 16U + fuzz_u8(in) % 16U));
        break;
    case 3:
        vm_queue(in);
        break;
    case 4:
    case 5:
    case 6:
        if (ash_virtio_has_work(vm.mmio.device)) {
            (void)ash_virtio_run(vm.mmio.device, 1U + op / 16U);
        }
        break;
    case 7:
    case 8:
    case 9:
        act(in);
        break;
    default:
        vm_offer(in);
        break;
    }
    FUZZ_CHECK(vm.maps == 0U);
    FUZZ_CHECK(vm.line == (vm.mmio.device->isr != 0U));
    FUZZ_CHECK((vm.mmio.device->status & 12U) != 4U);
    FUZZ_CHECK(vm.mmio.device->status != 0U || (vm.ring_maps == 0U && !vm.line));
}

/* @device: just initialised on vm_site(). */
static void vm_run(struct fuzz_input *in, struct ash_virtio_device *device,
                   void (*act)(struct fuzz_input *in))
{
    static const struct ash_virtio_shm shm[] = {{{RAM_BASE}, RAM_SIZE}, {{0}, 0}};

    ash_virtio_mmio_init(&vm.mmio, device);
    ash_virtio_device_set_shm(device, shm, 2);
    while (fuzz_more(in)) {
        vm_step(in, act);
    }
    vm_write(0x70, 4, 0);
    FUZZ_CHECK(vm.ring_maps == 0U && !vm.line && device->kicked == 0U);
}

/* Of every second length of an input nothing but the rings is mapped. */
static void vm_begin(size_t input_size)
{
    memset(&vm, 0, sizeof(vm));
    vm_region.bytes = input_size % 2U != 0U ? vm.ram : NULL;
}

#endif
