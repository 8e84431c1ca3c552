/* SPDX-License-Identifier: BSD-2-Clause */
/* The other side of a virtqueue: a guest's memory and a driver that writes real rings into it, split or
 * packed by its features. Written from VIRTIO 1.2, 2.7 and 2.8, not from libvirtio. Each block of guest
 * memory is a heap allocation of its exact size, so that AddressSanitizer sees a read one byte beyond. What
 * a hostile driver does is written with the raw writers. */
#ifndef MOCK_VIRTIO_DRIVER_H
#define MOCK_VIRTIO_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

#include <libvirtio/virtq.h>

#define MOCK_RAM_BASE UINT64_C(0x40000000)
#define MOCK_RAM_SIZE (UINT64_C(64) << 30) /* most of it without bytes behind it */

struct mock_block {
    uint64_t ipa;
    uint64_t size;
    unsigned char *heap;  /* NULL: in the memory's own */
    unsigned char *bytes; /* in heap, congruent to ipa modulo 16 */
};

struct mock_memory {
    struct mock_block *blocks;
    unsigned count, capacity;
    uint64_t next_ipa;
    int maps_until_failure; /* < 0: never */
    int maps;               /* calls of map() that succeeded */
    int mapped;             /* and were not followed by unmap() */
    unsigned skew;          /* bytes by which map() breaks its promise of alignment */
    unsigned char *direct;  /* all of it lies here; NULL: each block for itself */
};

void mock_memory_init(struct mock_memory *mem);

/* From now on all blocks lie in one stretch, for a region that needs no map(). An access outside of them ends the test:
 * the pages are not there, and of those that are AddressSanitizer knows what is no block's. */
void mock_memory_make_direct(struct mock_memory *mem);

void mock_memory_fini(struct mock_memory *mem);

/* A zeroed block at an address that is @skew modulo 4096. */
uint64_t mock_memory_alloc(struct mock_memory *mem, uint64_t size, unsigned skew);
void mock_memory_free(struct mock_memory *mem, uint64_t ipa);

/* The bytes at @ipa, or NULL if not all @size of them are in one block. */
unsigned char *mock_memory_at(const struct mock_memory *mem, uint64_t ipa, uint64_t size);

/* ctx is the struct mock_memory. */
extern const struct ash_virtq_hal mock_memory_hal;
extern const struct ash_virtq_hal mock_memory_hal_without_unmap;

/* Raw writers and readers of little-endian fields; single accesses, so that a device may run beside them. */
void mock_write16(void *at, uint16_t value);
uint16_t mock_read16(const void *at);
uint32_t mock_read32(const void *at);

enum { MOCK_NEXT = 1, MOCK_WRITE = 2, MOCK_INDIRECT = 4 };

/* Descriptor @index of the table at @table. */
void mock_descriptor(unsigned char *table, unsigned index, uint64_t ipa, uint32_t length, unsigned flags,
                     unsigned next);

struct mock_driver {
    struct mock_memory *mem;
    unsigned size;
    uint64_t features;
    bool packed;
    struct ash_virtq_layout layout;
    unsigned char *desc, *avail, *used;
    uint16_t added;     /* entries in the available ring */
    uint16_t published; /* as the device may see it */
    uint16_t checked;   /* `published` when should_kick() was last asked */
    uint16_t seen;      /* used entries taken */
    uint16_t free_head;
    unsigned free_count;
    /* Packed: @desc is the ring, @avail and @used are the event suppression structures. */
    unsigned at, used_at; /* where the next chain goes, where the next used one will be */
    bool wrap, used_wrap;
    unsigned checked_at; /* as @checked */
    bool checked_wrap;
    unsigned first_at; /* the first chain that is not published: its flags are kept back */
    uint16_t first_flags;
    uint16_t *next;   /* the driver's own list: of free descriptors, and of each chain */
    uint16_t *length; /* descriptors of the chain that starts here; 0: none */
};

struct mock_used {
    uint32_t head;
    uint32_t written;
};

/* The packed half, mock_virtio_packed.c. */
struct mock_used;
int mock_packed_add(struct mock_driver *drv, const struct ash_virtq_segment *segments, unsigned count,
                    uint64_t table);
void mock_packed_publish(struct mock_driver *drv);
bool mock_packed_should_kick(struct mock_driver *drv);
bool mock_packed_take_used(struct mock_driver *drv, struct mock_used *used);
bool mock_packed_set_interrupts(struct mock_driver *drv, bool enabled);
/* Everything but the flags, which make it available. */
void mock_packed_descriptor(unsigned char *table, unsigned at, uint64_t ipa, uint32_t length, uint16_t id);

void mock_driver_init(struct mock_driver *drv, struct mock_memory *mem, unsigned size, uint64_t features);
void mock_driver_fini(struct mock_driver *drv);

/* Add a chain of @count segments; returns its head, or -1 if there are too few free descriptors. */
int mock_driver_add(struct mock_driver *drv, const struct ash_virtq_segment *segments, unsigned count);

/* The same through an indirect table at @table, which is written; one descriptor. */
int mock_driver_add_indirect(struct mock_driver *drv, uint64_t table,
                             const struct ash_virtq_segment *segments, unsigned count);

/* Put @head into the available ring as it is. */
void mock_driver_offer(struct mock_driver *drv, uint16_t head);

/* Show the device all that was added. */
void mock_driver_publish(struct mock_driver *drv);

/* Must the device be kicked for what was published since the last time? */
bool mock_driver_should_kick(struct mock_driver *drv);

/* Packed: how the driver names a chain to the device. Any 16 bits will do, so it names them oddly. */
uint16_t mock_driver_id(unsigned head);

/* The next used entry; its chain's descriptors are free again. */
bool mock_driver_take_used(struct mock_driver *drv, struct mock_used *used);

/* Ask for notifications, or not. True: entries are there already, look again. */
bool mock_driver_set_interrupts(struct mock_driver *drv, bool enabled);

#endif
