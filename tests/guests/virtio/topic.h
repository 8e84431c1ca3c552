/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_GUESTS_VIRTIO_TOPIC_H
#define TESTS_GUESTS_VIRTIO_TOPIC_H

#include <stdbool.h>
#include <stdint.h>

#include "common/virtio.h"

#define SECTOR 512U
#define BLOCK  4096U
#define DEPTH  16U /* requests of three pieces, direct, that the ring has room for */

/* Requests (5.2.6). */
#define BLK_IN           0U
#define BLK_OUT          1U
#define BLK_FLUSH        4U
#define BLK_GET_ID       8U
#define BLK_DISCARD      11U
#define BLK_WRITE_ZEROES 13U
#define BLK_OK           0U
#define BLK_IOERR        1U
#define BLK_UNSUPP       2U
#define BLK_UNTOUCHED    0xeeU /* of the device, not one of its answers */

#define BLK_F_RO           (UINT64_C(1) << 5)
#define BLK_F_FLUSH        (UINT64_C(1) << 9)
#define BLK_F_DISCARD      (UINT64_C(1) << 13)
#define BLK_F_WRITE_ZEROES (UINT64_C(1) << 14)

/** Of what rings can be, each once. */
#define RING_MODES 6U
extern const uint64_t ring_modes[RING_MODES];

struct blk_header {
    uint32_t type;
    uint32_t reserved;
    uint64_t sector;
};

/** A disk with a queue, and what each of its requests is made of. */
struct disk {
    uint64_t base;
    uint64_t features;
    uint64_t sectors;
    struct virtio_queue q;
    struct blk_header headers[VIRTIO_RING];
    volatile uint8_t status[VIRTIO_RING];
};
extern struct disk disk; /* one at a time */
extern uint8_t blocks[DEPTH][BLOCK];

/** Reset, and up with rings of @mode and @size (0: the most). False, and a failed check: it does not come up. */
bool disk_open(uint64_t base, uint64_t mode, uint32_t size);
/** A request on its way, not kicked: its number in headers and status; VIRTIO_RING: no room. */
unsigned disk_add(uint32_t type, uint64_t sector, void *bytes, uint32_t size, bool writable, uint16_t *id);
/** A request from its beginning to its end: its status; BLK_UNTOUCHED if it never came back. */
uint8_t disk_do(uint32_t type, uint64_t sector, void *bytes, uint32_t size, bool writable);
/** What test images hold: the word @n of the sector @sector. */
uint64_t image_word(uint64_t sector, unsigned n);
/** Fill a buffer with what marks it as @mark, or see that it holds that. */
void mark(void *bytes, uint32_t size, uint64_t mark);
bool is_marked(const void *bytes, uint32_t size, uint64_t mark);
/** The device's answer to GET_ID: is it this? */
bool disk_is(uint64_t base, const char *serial);

/** Does the device behave as hv's does where the specification leaves it open? */
bool is_ours(uint64_t base);

void check_registers(uint64_t base);
void check_empty_slot(uint64_t base);
void check_negotiation(uint64_t base);
void check_disk(uint64_t base);
void check_read_only(uint64_t base);
void check_rng(uint64_t base);
/** Of a disk that is kept through resets: ends this life, unless it is the last. */
void check_lives(uint64_t base);
/** Interrupts of the device under test since the last look; they are acknowledged. */
extern volatile uint64_t interrupts;

#endif
