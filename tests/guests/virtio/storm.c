/* SPDX-License-Identifier: BSD-2-Clause */
/* Rings, registers, resets and notifications at random, while the other vCPU writes into the rings as well. Lengths are
 * either at most SLACK or more than RAM has, and addresses in RAM are those of scratch memory: whichever of them a
 * device sees together, it may write into scratch memory alone. */
#include "virtio/siege.h"

#include "common/check.h"

#define LARGE UINT32_C(0x1000000)
#define FEEDS 8U

struct siege_memory memory __attribute__((aligned(4096)));
struct virtio_queue victim __attribute__((aligned(64)));
volatile uint64_t scribbling;
uint64_t siege_seed;
static uint64_t random_of[2];

uint64_t siege_random(void)
{
    uint64_t *state = &random_of[guest_sysreg_read(mpidr_el1) & 1U];
    uint64_t x = *state != 0U ? *state : siege_seed | 1U;

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * UINT64_C(0x2545f4914f6cdd1d);
}

static uint32_t below(uint32_t bound)
{
    return (uint32_t)((siege_random() >> 20) % bound);
}

static uint64_t address(void)
{
    static const uint64_t elsewhere[] = {0,
                                         GUEST_UART,
                                         GUEST_GICD,
                                         VIRTIO_BASE,
                                         UINT64_MAX,
                                         UINT64_MAX - 4095U,
                                         RAM_BASE - 1U,
                                         UINT64_C(1) << 40,
                                         UINT64_C(1) << 63,
                                         UINT64_C(0x10000000)};

    return below(8) != 0U ? (uint64_t)(uintptr_t)memory.scratch + below(SCRATCH)
                          : elsewhere[below(sizeof(elsewhere) / sizeof(elsewhere[0]))];
}

static uint32_t length(void)
{
    switch (below(8)) {
    case 0:
        return LARGE + (uint32_t)(siege_random() % (UINT32_MAX - LARGE));
    case 1:
        return 16U * below(SLACK / 16U);
    case 2:
        return 512U * below(SLACK / 512U);
    case 3:
        return below(64);
    default:
        return below(2) != 0U ? 16U : 1U;
    }
}

static struct virtio_descriptor descriptor(void)
{
    uint16_t flags = (uint16_t)(below(16) == 0U ? siege_random() : below(4));
    uint16_t next = (uint16_t)(below(16) == 0U ? siege_random() : below(VIRTIO_RING));

    if ((victim.features & VIRTIO_F_PACKED) != 0U) {
        next = (uint16_t)(flags | (below(8) != 0U ? VIRTIO_D_AVAIL : below(2) << 15));
        flags = (uint16_t)below(VIRTIO_RING);
    } else if (below(8) == 0U) {
        flags |= VIRTIO_D_INDIRECT;
    }
    if (((victim.features & VIRTIO_F_PACKED) != 0U ? next & VIRTIO_D_INDIRECT : flags & VIRTIO_D_INDIRECT) !=
        0U) {
        return (struct virtio_descriptor){(uint64_t)(uintptr_t)victim.tables, 16U * below(VIRTIO_TABLE),
                                          flags, next};
    }
    return (struct virtio_descriptor){address(), length(), flags, next};
}

/* A header that a disk may take for one. */
static void scratch_header(void)
{
    struct blk_header *header = (struct blk_header *)(uintptr_t)(memory.scratch + 16U * below(SCRATCH / 16U));

    *header = (struct blk_header){below(16), 0, below(4) == 0U ? siege_random() : below(4096)};
}

static void scribble_once(void)
{
    switch (below(6)) {
    case 0:
        victim.avail[1] = (uint16_t)(victim.avail[1] + below(4));
        break;
    case 1:
        victim.avail[2U + below(VIRTIO_RING)] =
            (uint16_t)(below(32) == 0U ? siege_random() : below(VIRTIO_RING));
        break;
    case 2:
        victim.tables[0][below(VIRTIO_TABLE)] = descriptor();
        break;
    case 3:
        scratch_header();
        break;
    case 4:
        victim.used[below(2U + 2U * VIRTIO_RING)] = (uint32_t)siege_random();
        break;
    default:
        victim.desc[below(VIRTIO_RING)] = descriptor();
        break;
    }
}

void scribble(void)
{
    for (;;) {
        while (scribbling == 0U) {
            __asm__ volatile("yield" : : : "memory");
        }
        scribble_once();
    }
}

/* Any register, any value; the addresses of queues are of scratch memory or of nowhere, as all others. */
static void write_register(uint64_t base, const struct target *target)
{
    static const uint32_t registers[] = {VIRTIO_OFFERED_SEL,     VIRTIO_ACCEPTED,     VIRTIO_ACCEPTED_SEL,
                                         VIRTIO_QUEUE_SEL,       VIRTIO_QUEUE_SIZE,   VIRTIO_QUEUE_READY,
                                         VIRTIO_NOTIFY,          VIRTIO_ACK,          VIRTIO_STATUS,
                                         VIRTIO_QUEUE_DESC,      VIRTIO_QUEUE_DRIVER, VIRTIO_QUEUE_DEVICE,
                                         VIRTIO_QUEUE_DESC + 4U, VIRTIO_SHM_SEL,      VIRTIO_QUEUE_RESET,
                                         VIRTIO_NOTIFY,          VIRTIO_NOTIFY,       VIRTIO_NOTIFY};
    uint32_t at = registers[below(sizeof(registers) / sizeof(registers[0]))];
    uint32_t value = below(4) == 0U ? (uint32_t)siege_random() : below(16);

    if (at == VIRTIO_QUEUE_DESC || at == VIRTIO_QUEUE_DRIVER || at == VIRTIO_QUEUE_DEVICE) {
        value = (uint32_t)address();
        value = at == VIRTIO_QUEUE_DEVICE && below(2) != 0U ? value & ~3U : value & ~15U;
    } else if (at == VIRTIO_NOTIFY || at == VIRTIO_QUEUE_SEL) {
        value = below(4) != 0U ? target->queue : value;
    } else if (at == VIRTIO_QUEUE_SIZE) {
        value = below(4) != 0U ? VIRTIO_RING : value;
    }
    if (below(16) == 0U) { /* the configuration space, any width */
        at = VIRTIO_CONFIG + below(0x100);
        if (below(2) != 0U) {
            *(volatile uint8_t *)(uintptr_t)(base + at) = (uint8_t)value;
        } else {
            *(volatile uint16_t *)(uintptr_t)(base + (at & ~1U)) = (uint16_t)value;
        }
        return;
    }
    virtio_write(base, at, value);
}

static void attack_round(uint64_t base, const struct target *target)
{
    const uint64_t mode = ring_modes[below(RING_MODES)] | (below(4) == 0U ? VIRTIO_F_IN_ORDER : 0U) |
                          (below(2) == 0U ? VIRTIO_F_RING_RESET : 0U) | target->features;
    uint64_t features;

    if (below(4) == 0U && (virtio_read(base, VIRTIO_STATUS) & VIRTIO_NEEDS_RESET) == 0U) {
        for (unsigned n = 0; n < 8U; n++) { /* as it was left */
            write_register(base, target);
        }
        return;
    }
    if (!virtio_open(base, mode, &features)) {
        return;
    }
    (void)virtio_queue_open(&victim, base, target->queue, VIRTIO_RING, features);
    feeder_open(base, target, features);
    virtio_write(base, VIRTIO_QUEUE_SEL, target->queue);
    virtio_start(base);
    for (unsigned n = 0; n < 16U; n++) {
        scribble_once();
    }
    victim.avail[1] = (uint16_t)(1U + below(VIRTIO_RING));
    virtio_barrier();
    virtio_notify(&victim);
    feed(target, 1U + below(8));
    for (unsigned n = below(6); n > 0U; n--) {
        write_register(base, target);
    }
    if (below(4) == 0U) {
        virtio_write(base, VIRTIO_STATUS, 0);
    }
}

void attack_at_random(uint64_t base, const struct target *target, unsigned rounds)
{
    mark(memory.canary, sizeof(memory.canary), 0xca11ab1eU);
    for (unsigned n = 0; n < rounds; n++) {
        scribbling = n & 1U;
        attack_round(base, target);
    }
    scribbling = 0;
    virtio_reset(base);
    check("nothing is written where nothing may be",
          is_marked(memory.canary, sizeof(memory.canary), 0xca11ab1eU));
}

/* Each a request of its own, of whatever kind the device has. */
static void fill_with_requests(unsigned what)
{
    const bool both = what == (TARGET_READS | TARGET_WRITES);
    const uint16_t step = both ? 2 : 1;

    for (uint16_t n = 0; n < VIRTIO_RING; n++) {
        victim.desc[n] = (struct virtio_descriptor){(uint64_t)(uintptr_t)memory.scratch, 16,
                                                    both ? VIRTIO_D_NEXT : 0, (uint16_t)(n + 1U)};
        if ((what & TARGET_WRITES) != 0U && (!both || n % 2U == 1U)) {
            victim.desc[n] = (struct virtio_descriptor){(uint64_t)(uintptr_t)memory.scratch + 4096U, SLACK,
                                                        VIRTIO_D_WRITE, 0};
        }
        victim.avail[2U + n] = (uint16_t)(n / step * step);
    }
}

/* Buffers without a byte, the first of them the whole ring: all of it is read, and there is no room after all. */
static void fill_with_nothing(void)
{
    for (uint16_t n = 0; n < VIRTIO_RING; n++) {
        const bool last = n == VIRTIO_RING - 1U;

        victim.desc[n] = (struct virtio_descriptor){(uint64_t)(uintptr_t)memory.scratch, 0,
                                                    last ? VIRTIO_D_WRITE : VIRTIO_D_WRITE | VIRTIO_D_NEXT,
                                                    (uint16_t)(n + 1U)};
        victim.avail[2U + n] = 0;
    }
}

void flood(uint64_t base, const struct target *target, unsigned rounds)
{
    const bool is_fed = (target->what & TARGET_IS_FED) != 0U;
    uint64_t features;

    if (!virtio_open(base, target->features, &features) ||
        !virtio_queue_open(&victim, base, target->queue, VIRTIO_RING, features)) {
        return;
    }
    feeder_open(base, target, features);
    virtio_start(base);
    if (is_fed) {
        fill_with_nothing();
    } else {
        fill_with_requests(target->what);
    }
    mark(memory.scratch, 16, 0);
    for (unsigned n = 0; n < rounds; n++) {
        victim.avail[1] = (uint16_t)((uint16_t)(victim.used[0] >> 16) + (is_fed ? 1U : VIRTIO_RING / 2U));
        virtio_barrier();
        virtio_notify(&victim);
        virtio_write(base, VIRTIO_NOTIFY, (uint32_t)siege_random());
        feed(target, FEEDS);
    }
    virtio_reset(base);
}

/* ---- What comes for a queue that is written ---- */

static struct virtio_queue feeder __attribute__((aligned(64)));
static uint8_t message[60] __attribute__((aligned(8)));

/* Bytes of a message that something comes back for (5.1.6, 5.3.6.2, 5.10.6). */
static uint32_t write_message(uint32_t device_id)
{
    for (unsigned n = 0; n < sizeof(message); n++) {
        message[n] = 0;
    }
    if (device_id == VIRTIO_NET) { /* a frame to everybody, behind a header of 12 bytes */
        for (unsigned n = 12; n < 18U; n++) {
            message[n] = 0xff;
        }
        message[18] = 2;
        message[24] = 0x88;
        return sizeof(message);
    }
    if (device_id == VIRTIO_CONSOLE) { /* the driver is there: which ports are? */
        message[6] = 1;
        return 8;
    }
    message[0] = 3; /* from CID 3, ... */
    message[8] = 2; /* ... to the host's port 9, where nobody listens: a request for a stream */
    message[16] = 1;
    message[20] = 9;
    message[28] = 1;
    message[30] = 1;
    return 44;
}

void feeder_open(uint64_t base, const struct target *target, uint64_t features)
{
    if (target->feeder == 0U) {
        return;
    }
    if (target->device_id == VIRTIO_NET) {
        const uint64_t first = virtio_find(VIRTIO_NET, 0);

        base = first != base ? first : virtio_find(VIRTIO_NET, 1);
        if (base == 0U || !virtio_open(base, 0, &features)) {
            return;
        }
    }
    (void)virtio_queue_open(&feeder, base, target->feeder, VIRTIO_RING, features);
    if (target->device_id == VIRTIO_NET) {
        virtio_start(base);
    }
}

void feed(const struct target *target, unsigned messages)
{
    const struct virtio_piece piece = {message, write_message(target->device_id), false};
    uint32_t written;
    uint16_t id;

    if (target->feeder == 0U) {
        return;
    }
    while (messages > 0U && virtio_add(&feeder, &piece, 1, &id)) {
        messages--;
    }
    virtio_notify(&feeder);
    while (virtio_take(&feeder, &id, &written)) {
    }
}

void check_feeder(uint64_t base, const struct target *target)
{
    const struct virtio_piece piece = {memory.scratch, SLACK, true};
    uint64_t features;
    uint32_t written = 0;
    uint16_t id;

    if (target->feeder == 0U || !virtio_open(base, target->features, &features) ||
        !virtio_queue_open(&victim, base, target->queue, VIRTIO_RING, features)) {
        return;
    }
    (void)virtio_add(&victim, &piece, 1, &id);
    feeder_open(base, target, features);
    virtio_start(base);
    virtio_notify(&victim);
    feed(target, 1);
    check("what comes for a queue arrives", virtio_wait(&victim, &id, &written) && written > 0U);
    virtio_reset(base);
}
