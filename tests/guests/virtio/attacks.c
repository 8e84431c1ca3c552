/* SPDX-License-Identifier: BSD-2-Clause */
/* Rings that no driver may write, one fault each (VIRTIO 1.2, 2.7, 2.8), and queues that lie where none can. A device
 * asks for a reset, and says so (2.1.2). */
#include "virtio/siege.h"

#include "common/check.h"

#define NEXT     VIRTIO_D_NEXT
#define WRITE    VIRTIO_D_WRITE
#define INDIRECT VIRTIO_D_INDIRECT
#define OUTSIDE  UINT64_C(0x10000000)
#define IN(n)    ((uint64_t)(uintptr_t)memory.scratch + 4096U * (n))
#define SIZE     16U /* entries of the rings here */
#define CHAIN    3U

struct attack {
    const char *name;
    uint64_t mode;
    struct virtio_descriptor chain[CHAIN];
    struct virtio_descriptor table[CHAIN]; /* at IN(8) */
    uint16_t idx;                          /* split */
    uint16_t head;
};

#define D(address, length, flags, next)                                                                      \
    {                                                                                                        \
        address, length, flags, next                                                                         \
    }
#define TABLE(length, flags) D(IN(8), length, INDIRECT | (flags), 1)
#define ONE(name, ...)                                                                                       \
    {                                                                                                        \
        name, 0, {__VA_ARGS__}, {D(0, 0, 0, 0)}, 1, 0                                                        \
    }
#define WITH_TABLE(name, of_ring, ...)                                                                       \
    {                                                                                                        \
        name, VIRTIO_F_INDIRECT, {of_ring}, {__VA_ARGS__}, 1, 0                                              \
    }

static const struct attack attacks[] = {
    {"the index jumps by more than there are", 0, {D(IN(0), 64, WRITE, 0)}, {D(0, 0, 0, 0)}, SIZE + 1U, 0},
    {"the index goes back", 0, {D(IN(0), 64, WRITE, 0)}, {D(0, 0, 0, 0)}, UINT16_MAX, 0},
    {"a head beyond the table", 0, {D(IN(0), 64, WRITE, 0)}, {D(0, 0, 0, 0)}, 1, SIZE},
    {"a head far beyond", 0, {D(IN(0), 64, WRITE, 0)}, {D(0, 0, 0, 0)}, 1, UINT16_MAX},
    ONE("next beyond the table", D(IN(0), 16, NEXT, SIZE)),
    ONE("next far beyond", D(IN(0), 16, NEXT, UINT16_MAX)),
    ONE("a loop of one", D(IN(0), 16, NEXT, 0)),
    ONE("a loop of two", D(IN(0), 16, NEXT, 1), D(IN(1), 16, NEXT, 0)),
    ONE("a loop that writes", D(IN(0), 16, NEXT, 1), D(IN(1), 16, WRITE | NEXT, 1)),
    ONE("readable behind writable", D(IN(0), 16, WRITE | NEXT, 1), D(IN(1), 16, 0, 0)),
    ONE("no memory", D(OUTSIDE, 16, NEXT, 1), D(IN(1), 16, WRITE, 0)),
    ONE("the last address", D(UINT64_MAX, 1, WRITE, 0)),
    ONE("around 2^64", D(UINT64_MAX - 7U, 16, WRITE, 0)),
    ONE("address 0", D(0, 16, WRITE, 0)),
    ONE("a device's registers", D(GUEST_UART, 16, WRITE, 0)),
    ONE("the distributor", D(GUEST_GICD, 4096, WRITE, 0)),
    ONE("its own registers", D(VIRTIO_BASE, 512, WRITE, 0)),
    ONE("across the beginning of RAM", D(RAM_BASE - 8U, 16, WRITE, 0)),
    ONE("RAM's last byte, and all behind", D(RAM_BASE + 0x1ff000, 0xfffff000U, WRITE, 0)),
    ONE("almost 4 GiB", D(IN(0), UINT32_MAX, WRITE, 0)),
    ONE("above 40 bits", D(UINT64_C(1) << 40 | RAM_BASE, 16, WRITE, 0)),
    ONE("a table that was not agreed on", TABLE(48, 0)),
    WITH_TABLE("a table and next", TABLE(16, NEXT), D(IN(0), 16, WRITE, 0)),
    WITH_TABLE("a table of nothing", TABLE(0, 0), D(IN(0), 16, WRITE, 0)),
    WITH_TABLE("half a descriptor", TABLE(8, 0), D(IN(0), 16, WRITE, 0)),
    WITH_TABLE("one and a byte", TABLE(17, 0), D(IN(0), 16, WRITE, 0)),
    WITH_TABLE("a table of 4 GiB", TABLE(0xfffffff0U, 0), D(IN(0), 16, WRITE, 0)),
    WITH_TABLE("a table in no memory", D(OUTSIDE, 48, INDIRECT, 0), D(IN(0), 16, WRITE, 0)),
    WITH_TABLE("a table around 2^64", D(UINT64_MAX - 15U, 48, INDIRECT, 0), D(IN(0), 16, WRITE, 0)),
    WITH_TABLE("a table in a table", TABLE(16, 0), D(IN(8), 16, INDIRECT, 0)),
    WITH_TABLE("a loop in a table", TABLE(32, 0), D(IN(0), 16, NEXT, 1), D(IN(0), 16, NEXT, 0)),
    WITH_TABLE("next beyond a table", TABLE(16, 0), D(IN(0), 16, NEXT, 1), D(IN(0), 16, WRITE, 0)),
    WITH_TABLE("no memory, by a table", TABLE(16, 0), D(OUTSIDE, 16, WRITE, 0)),
};

static void fill_canary(void)
{
    mark(memory.canary, sizeof(memory.canary), 0xca11ab1eU);
}

/* What a device answers to what it cannot believe; and that it can be had again. */
static void expect_needs_reset(const char *name, uint64_t base)
{
    const uint64_t limit = 20U * guest_sysreg_read(cntfrq_el0);
    const uint64_t start = guest_sysreg_read(cntvct_el0);

    while ((virtio_read(base, VIRTIO_STATUS) & VIRTIO_NEEDS_RESET) == 0U &&
           guest_sysreg_read(cntvct_el0) - start < limit) {
        __asm__ volatile("yield");
    }
    check_equal(name, virtio_read(base, VIRTIO_STATUS) & VIRTIO_NEEDS_RESET, VIRTIO_NEEDS_RESET);
    check_equal(name, virtio_read(base, VIRTIO_ISR) & 2U, 2);
    check(name, is_marked(memory.canary, sizeof(memory.canary), 0xca11ab1eU));
    virtio_write(base, VIRTIO_NOTIFY, victim.number);
    virtio_reset(base);
    check_equal(name, virtio_read(base, VIRTIO_ISR), 0);
}

static bool open_victim(uint64_t base, const struct target *target, uint64_t mode)
{
    uint64_t features;
    bool ok = virtio_open(base, mode | target->features, &features) &&
              virtio_queue_open(&victim, base, target->queue, SIZE, features);

    check("the device comes up again", ok);
    virtio_start(base);
    return ok;
}

static void write_table(const struct attack *attack)
{
    volatile struct virtio_descriptor *table = (void *)(uintptr_t)IN(8);

    for (unsigned n = 0; n < CHAIN; n++) {
        table[n] = attack->table[n];
    }
}

static void attack_split(uint64_t base, const struct target *target, const struct attack *attack)
{
    if (!open_victim(base, target, attack->mode)) {
        return;
    }
    write_table(attack);
    for (unsigned n = 0; n < CHAIN; n++) {
        victim.desc[n] = attack->chain[n];
    }
    for (unsigned n = 0; n < SIZE; n++) {
        victim.avail[2U + n] = attack->head;
    }
    victim.avail[1] = attack->idx;
    virtio_barrier();
    virtio_notify(&victim);
    expect_needs_reset(attack->name, base);
}

/* The same chains in a packed ring, where it has them: there is no next, and no index, and in a table no flag but WRITE
 * means anything (2.8.7). */
static bool is_of_packed(const struct attack *attack)
{
    const uint16_t flags = attack->chain[0].flags;

    return attack->idx == 1U && attack->head == 0U && ((flags & NEXT) == 0U || (flags & INDIRECT) != 0U) &&
           (attack->table[0].flags & (NEXT | INDIRECT)) == 0U;
}

static struct virtio_descriptor packed(struct virtio_descriptor split)
{
    return (struct virtio_descriptor){split.address, split.length, 0,
                                      (uint16_t)(split.flags | VIRTIO_D_AVAIL)};
}

static void attack_packed(uint64_t base, const struct target *target, const struct attack *attack)
{
    volatile struct virtio_descriptor *table = (void *)(uintptr_t)IN(8);

    if (!is_of_packed(attack) || !open_victim(base, target, attack->mode | VIRTIO_F_PACKED)) {
        return;
    }
    for (unsigned n = 0; n < CHAIN; n++) {
        table[n] = packed(attack->table[n]);
        victim.desc[n] = packed(attack->chain[n]);
    }
    virtio_barrier();
    virtio_notify(&victim);
    expect_needs_reset(attack->name, base);
}

/* All descriptors of the ring, each with NEXT: a chain without an end. */
static void attack_packed_endless(uint64_t base, const struct target *target)
{
    if (!open_victim(base, target, VIRTIO_F_PACKED)) {
        return;
    }
    for (unsigned n = 0; n < SIZE; n++) {
        victim.desc[n] = packed((struct virtio_descriptor)D(IN(0), 16, NEXT, 0));
    }
    virtio_barrier();
    virtio_notify(&victim);
    expect_needs_reset("a packed chain without an end", base);
}

void attack_rings(uint64_t base, const struct target *target)
{
    fill_canary();
    for (unsigned n = 0; n < sizeof(attacks) / sizeof(attacks[0]); n++) {
        attack_split(base, target, &attacks[n]);
        attack_packed(base, target, &attacks[n]);
    }
    attack_packed_endless(base, target);
}

/* ---- Where queues lie ---- */

struct layout {
    const char *name;
    uint64_t mode;
    uint64_t desc; /* 0: as it should be, as the two others */
    uint64_t driver;
    uint64_t device;
    uint32_t size;
};

static const struct layout layouts[] = {
    {"a table in no memory", 0, OUTSIDE, 0, 0, SIZE},
    {"an available ring in no memory", 0, 0, OUTSIDE, 0, SIZE},
    {"a used ring in no memory", 0, 0, 0, OUTSIDE, SIZE},
    {"a used ring in a device", 0, 0, 0, GUEST_GICD, SIZE},
    {"a used ring across the beginning of RAM", 0, 0, 0, RAM_BASE - 8U, SIZE},
    {"a table around 2^64", 0, UINT64_MAX - 15U, 0, 0, SIZE},
    {"a used ring above 40 bits", 0, 0, 0, UINT64_C(1) << 40 | RAM_BASE, SIZE},
    {"a misaligned table", 0, RAM_BASE + 8U, 0, 0, SIZE},
    {"a misaligned available ring", 0, 0, RAM_BASE + 1U, 0, SIZE},
    {"a misaligned used ring", 0, 0, 0, RAM_BASE + 2U, SIZE},
    {"a queue of nothing", 0, 0, 0, 0, 0},
    {"a queue of three", 0, 0, 0, 0, 3},
    {"a queue of too many", 0, 0, 0, 0, 65536},
    {"a queue of 2^32 - 1", 0, 0, 0, 0, UINT32_MAX},
    {"a queue of 2^31", 0, 0, 0, 0, UINT32_C(1) << 31},
    {"a packed ring in no memory", VIRTIO_F_PACKED, OUTSIDE, 0, 0, SIZE},
    {"a driver area in no memory", VIRTIO_F_PACKED, 0, OUTSIDE, 0, SIZE},
    {"a device area in a device", VIRTIO_F_PACKED, 0, 0, GUEST_UART, SIZE},
    {"a packed ring of nothing", VIRTIO_F_PACKED, 0, 0, 0, 0},
    {"a packed ring of too many", VIRTIO_F_PACKED, 0, 0, 0, 40000},
};

static uint64_t either(uint64_t wanted, const volatile void *usual)
{
    return wanted != 0U ? wanted : (uint64_t)(uintptr_t)usual;
}

void attack_layouts(uint64_t base, const struct target *target)
{
    uint64_t features;

    for (unsigned n = 0; n < sizeof(layouts) / sizeof(layouts[0]); n++) {
        const struct layout *layout = &layouts[n];

        check(layout->name, virtio_open(base, layout->mode | target->features, &features));
        virtio_queue_clear(&victim, base, target->queue, SIZE, features);
        virtio_queue_tell(&victim, layout->size, either(layout->desc, victim.desc),
                          either(layout->driver, victim.avail), either(layout->device, victim.used));
        check_equal(layout->name, virtio_read(base, VIRTIO_QUEUE_READY), 0);
        check_equal(layout->name, virtio_read(base, VIRTIO_STATUS) & VIRTIO_NEEDS_RESET, VIRTIO_NEEDS_RESET);
        virtio_start(base);
        virtio_notify(&victim);
        virtio_reset(base);
    }
}
