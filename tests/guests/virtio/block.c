/* SPDX-License-Identifier: BSD-2-Clause */
/* A disk (VIRTIO 1.2, 5.2) through rings of every kind. */
#include "virtio/topic.h"

#include "common/check.h"

#define SMALL_ROUNDS 150U /* more than a ring has entries */

const uint64_t ring_modes[RING_MODES] = {
    0,
    VIRTIO_F_INDIRECT,
    VIRTIO_F_EVENT | VIRTIO_F_INDIRECT,
    VIRTIO_F_PACKED,
    VIRTIO_F_PACKED | VIRTIO_F_INDIRECT,
    VIRTIO_F_PACKED | VIRTIO_F_EVENT,
};

struct disk disk;
uint8_t blocks[DEPTH][BLOCK] __attribute__((aligned(64)));

/* ---- Tools ---- */

bool disk_open(uint64_t base, uint64_t mode, uint32_t size)
{
    const uint64_t types = BLK_F_RO | BLK_F_FLUSH | BLK_F_DISCARD | BLK_F_WRITE_ZEROES;
    bool ok;

    disk.base = base;
    ok = virtio_open(base, mode | types | VIRTIO_F_RING_RESET, &disk.features);
    check_equal_at("the disk's rings", mode, disk.features & VIRTIO_RING_FEATURES, mode);
    ok = ok && virtio_queue_open(&disk.q, base, 0, size, disk.features);
    check("the disk comes up", ok);
    disk.sectors =
        guest_read32(base + VIRTIO_CONFIG) | ((uint64_t)guest_read32(base + VIRTIO_CONFIG + 4U) << 32);
    virtio_start(base);
    return ok;
}

unsigned disk_add(uint32_t type, uint64_t sector, void *bytes, uint32_t size, bool writable, uint16_t *id)
{
    static unsigned turn;
    unsigned n = turn++ % VIRTIO_RING;
    const struct virtio_piece pieces[] = {{&disk.headers[n], sizeof(disk.headers[n]), false},
                                          {bytes, size, writable},
                                          {&disk.status[n], 1, true}};
    const struct virtio_piece short_ones[] = {pieces[0], pieces[2]};

    disk.headers[n] = (struct blk_header){type, 0, sector};
    disk.status[n] = BLK_UNTOUCHED;
    return virtio_add(&disk.q, size > 0U ? pieces : short_ones, size > 0U ? 3 : 2, id) ? n : VIRTIO_RING;
}

uint8_t disk_do(uint32_t type, uint64_t sector, void *bytes, uint32_t size, bool writable)
{
    uint32_t written = 0;
    uint16_t id = 0;
    uint16_t back = 0;
    unsigned n = disk_add(type, sector, bytes, size, writable, &id);

    if (n == VIRTIO_RING) {
        return BLK_UNTOUCHED;
    }
    (void)virtio_kick(&disk.q);
    if (!virtio_wait(&disk.q, &back, &written) || back != id) {
        return BLK_UNTOUCHED;
    }
    if (disk.status[n] == BLK_OK) {
        check_equal_at("bytes written, its status with them", type, written, 1U + (writable ? size : 0U));
    }
    return disk.status[n];
}

uint64_t image_word(uint64_t sector, unsigned n)
{
    return sector * UINT64_C(0x9e3779b97f4a7c15) + n;
}

void mark(void *bytes, uint32_t size, uint64_t mark)
{
    volatile uint64_t *word = bytes;

    for (uint32_t n = 0; n < size / 8U; n++) {
        word[n] = mark + n;
    }
}

bool is_marked(const void *bytes, uint32_t size, uint64_t mark)
{
    const volatile uint64_t *word = bytes;

    for (uint32_t n = 0; n < size / 8U; n++) {
        if (word[n] != mark + n) {
            return false;
        }
    }
    return true;
}

static bool is_image(const void *bytes, uint64_t sector)
{
    const volatile uint64_t *word = bytes;

    for (unsigned n = 0; n < SECTOR / 8U; n++) {
        if (word[n] != image_word(sector, n)) {
            return false;
        }
    }
    return true;
}

bool disk_is(uint64_t base, const char *serial)
{
    unsigned n = 0;

    for (unsigned at = 0; at < 24U; at++) {
        blocks[0][at] = '#';
    }
    if (!disk_open(base, 0, 0)) {
        return false;
    }
    check_equal("GET_ID", disk_do(BLK_GET_ID, 0, blocks[0], 20, true), BLK_OK);
    check_equal("GET_ID writes 20 bytes", blocks[0][20], '#');
    while (serial[n] != '\0' && blocks[0][n] == (uint8_t)serial[n]) {
        n++;
    }
    return serial[n] == '\0' && blocks[0][n] == 0U;
}

/* ---- Transfers ---- */

/* Where the block @n of a round lies: all over the disk, none twice. */
static uint64_t place(unsigned n)
{
    uint64_t places = disk.sectors / (BLOCK / SECTOR);

    return (n * 7U + 3U) % places * (BLOCK / SECTOR);
}

static uint64_t mark_of(unsigned n, uint64_t round)
{
    return round * UINT64_C(0x1000193000000) + ((uint64_t)n << 32);
}

/* All of them at once; each comes back once, in any order. */
static void all_at_once(uint32_t type, bool writable, uint64_t mode)
{
    unsigned slots[DEPTH];
    uint16_t ids[DEPTH];
    uint32_t seen = 0;

    for (unsigned n = 0; n < DEPTH; n++) {
        slots[n] = disk_add(type, place(n), blocks[n], BLOCK, writable, &ids[n]);
    }
    (void)virtio_kick(&disk.q);
    for (unsigned n = 0; n < DEPTH; n++) {
        uint32_t written = 0;
        uint16_t id = 0;

        check_equal_at("one of many comes back", mode, virtio_wait(&disk.q, &id, &written), true);
        for (unsigned of = 0; of < DEPTH; of++) {
            seen |= ids[of] == id && (seen & (1U << of)) == 0U ? 1U << of : 0U;
        }
        check_equal_at("one of many: bytes written", mode, written, writable ? BLOCK + 1U : 1U);
    }
    check_equal_at("each of many comes back", mode, seen, (1U << DEPTH) - 1U);
    for (unsigned n = 0; n < DEPTH; n++) {
        check_equal_at("one of many: status", mode, disk.status[slots[n] % VIRTIO_RING], BLK_OK);
    }
}

static void check_many(uint64_t mode, uint64_t round)
{
    for (unsigned n = 0; n < DEPTH; n++) {
        mark(blocks[n], BLOCK, mark_of(n, round));
    }
    all_at_once(BLK_OUT, false, mode);
    for (unsigned n = 0; n < DEPTH; n++) {
        mark(blocks[n], BLOCK, 0);
    }
    all_at_once(BLK_IN, true, mode);
    for (unsigned n = 0; n < DEPTH; n++) {
        check_equal_at("what was written is read", mode, is_marked(blocks[n], BLOCK, mark_of(n, round)),
                       true);
    }
}

/* Where pieces begin and end means nothing (2.7.4.1): the header in three, the data in odd ones, beside the status. */
static void check_odd_pieces(uint64_t mode, uint64_t round)
{
    static uint8_t tail[2] __attribute__((aligned(2)));
    uint8_t *header = (uint8_t *)&disk.headers[0];
    const struct virtio_piece pieces[] = {
        {header, 1, false},
        {header + 1, 11, false},
        {header + 12, 4, false},
        {blocks[1], 1, true},
        {blocks[1] + 1, 510, true},
        {blocks[1] + 511, 2048, true},
        {blocks[1] + 2559, 1536, true},
        {tail, 2, true},
    };
    uint32_t written = 0;
    uint16_t id = 0;

    disk.headers[0] = (struct blk_header){BLK_IN, 0, place(2)};
    mark(blocks[1], BLOCK, 0);
    tail[0] = tail[1] = BLK_UNTOUCHED;
    check("odd pieces fit", virtio_add(&disk.q, pieces, sizeof(pieces) / sizeof(pieces[0]), &id));
    (void)virtio_kick(&disk.q);
    check_equal_at("odd pieces come back", mode, virtio_wait(&disk.q, &id, &written), true);
    check_equal_at("odd pieces: bytes written", mode, written, BLOCK + 1U);
    check_equal_at("odd pieces: status", mode, tail[1], BLK_OK);
    blocks[1][BLOCK - 1U] = tail[0];
    check_equal_at("odd pieces: data", mode, is_marked(blocks[1], BLOCK, mark_of(2, round)), true);
}

/* Around the ring, more than once. */
static void check_around(uint64_t mode)
{
    bool same = true;

    for (unsigned n = 0; n < SMALL_ROUNDS; n++) {
        mark(blocks[0], SECTOR, n);
        same = same && disk_do(BLK_OUT, n % 8U, blocks[0], SECTOR, false) == BLK_OK;
        mark(blocks[1], SECTOR, ~(uint64_t)n);
        same = same && disk_do(BLK_IN, n % 8U, blocks[1], SECTOR, true) == BLK_OK &&
               is_marked(blocks[1], SECTOR, n);
    }
    check_equal_at("around the ring", mode, same, true);
}

/* ---- Answers ---- */

static void check_answers(uint64_t mode)
{
    const uint64_t last = disk.sectors - 1U;

    check_equal_at("flush", mode, disk_do(BLK_FLUSH, 0, NULL, 0, false), BLK_OK);
    check_equal_at("the last sector", mode, disk_do(BLK_IN, last, blocks[0], SECTOR, true), BLK_OK);
    check_equal_at("behind the last", mode, disk_do(BLK_IN, last + 1U, blocks[0], SECTOR, true), BLK_IOERR);
    check_equal_at("over the end", mode, disk_do(BLK_OUT, last, blocks[0], 2U * SECTOR, false), BLK_IOERR);
    check_equal_at("far behind", mode, disk_do(BLK_OUT, UINT64_MAX, blocks[0], SECTOR, false), BLK_IOERR);
    check_equal_at("around 2^64", mode, disk_do(BLK_IN, UINT64_MAX - 7U, blocks[0], BLOCK, true), BLK_IOERR);
    check_equal_at("bytes around 2^64", mode, disk_do(BLK_IN, UINT64_C(1) << 55, blocks[0], SECTOR, true),
                   BLK_IOERR);
    check_equal_at("half a sector", mode, disk_do(BLK_IN, 0, blocks[0], SECTOR / 2U, true), BLK_IOERR);
    check_equal_at("no type", mode, disk_do(99, 0, blocks[0], SECTOR, true), BLK_UNSUPP);
    if (is_ours(disk.base)) {
        check_equal_at("GET_ID of 19 bytes", mode, disk_do(BLK_GET_ID, 0, blocks[0], 19, true), BLK_IOERR);
        check_equal_at("a read of readable bytes", mode, disk_do(BLK_IN, 0, blocks[0], SECTOR, false),
                       BLK_IOERR);
        check_equal_at("a write of writable bytes", mode, disk_do(BLK_OUT, 0, blocks[0], SECTOR, true),
                       BLK_IOERR);
    }
}

struct range {
    uint64_t sector;
    uint32_t sectors;
    uint32_t flags;
};

static uint8_t change_range(uint32_t type, uint64_t sector, uint32_t sectors, uint32_t flags)
{
    static struct range range;

    range = (struct range){sector, sectors, flags};
    return disk_do(type, 0, &range, sizeof(range), false);
}

static bool is_zero(const uint8_t *bytes, uint32_t size)
{
    uint8_t all = 0;

    for (uint32_t n = 0; n < size; n++) {
        all |= bytes[n];
    }
    return all == 0U;
}

/* Discard may do anything to its range, and nothing to what is beside. */
static void check_ranges(void)
{
    for (unsigned n = 0; n < 4U; n++) {
        mark(blocks[n], BLOCK, n);
        (void)disk_do(BLK_OUT, n * 8U, blocks[n], BLOCK, false);
    }
    if ((disk.features & BLK_F_WRITE_ZEROES) != 0U) {
        check_equal("write zeroes", change_range(BLK_WRITE_ZEROES, 9, 7, 0), BLK_OK);
        (void)disk_do(BLK_IN, 8, blocks[1], BLOCK, true);
        check("... and they are", is_zero(blocks[1] + SECTOR, 7U * SECTOR));
        check("... and no more", is_marked(blocks[1], SECTOR, 1));
        check_equal("write zeroes behind the end", change_range(BLK_WRITE_ZEROES, disk.sectors, 1, 0),
                    BLK_IOERR);
        check_equal("write zeroes around 2^64", change_range(BLK_WRITE_ZEROES, UINT64_MAX, 8, 0), BLK_IOERR);
        check_equal("write zeroes, unknown flags", change_range(BLK_WRITE_ZEROES, 0, 8, 2), BLK_UNSUPP);
    }
    if ((disk.features & BLK_F_DISCARD) != 0U) {
        check_equal("discard", change_range(BLK_DISCARD, 16, 8, 0), BLK_OK);
        check_equal("discard with a flag", change_range(BLK_DISCARD, 16, 8, 1), BLK_UNSUPP);
        check_equal("discard behind the end", change_range(BLK_DISCARD, disk.sectors - 1U, 8, 0), BLK_IOERR);
    }
    for (unsigned n = 0; n < 4U; n += 3U) {
        (void)disk_do(BLK_IN, n * 8U, blocks[n], BLOCK, true);
        check_equal_at("beside them nothing changes", n, is_marked(blocks[n], BLOCK, n), true);
    }
}

/* ---- Interrupts ---- */

static void check_interrupts(uint64_t mode)
{
    uint64_t before = interrupts;
    uint32_t written;
    uint16_t id = 0;

    for (unsigned n = 0; n < 10U; n++) {
        (void)disk_add(BLK_IN, 0, blocks[0], SECTOR, true, &id);
        (void)virtio_kick(&disk.q);
        check_equal_at("an interrupt comes", mode, check_wait(&interrupts, before + n + 1U), true);
        check_equal_at("... behind the answer", mode, virtio_take(&disk.q, &id, &written), true);
        check_equal_at("... and its line falls", mode, virtio_read(disk.base, VIRTIO_ISR), 0);
    }
    virtio_interrupts(&disk.q, false);
    for (unsigned n = 0; n < 10U; n++) {
        (void)disk_do(BLK_IN, 0, blocks[0], SECTOR, true);
    }
    check_equal_at("no interrupt where none is wanted", mode, interrupts, before + 10U);
}

/* ---- Resets ---- */

/* Writes are on their way: whole sectors of before or after, then the disk works, and nothing of before the reset
 * writes into memory behind it. */
static void check_reset(uint64_t mode)
{
    uint16_t id;

    for (unsigned n = 0; n < DEPTH; n++) {
        mark(blocks[n], BLOCK, mark_of(n, 77));
    }
    all_at_once(BLK_OUT, false, mode);
    for (unsigned n = 0; n < DEPTH; n++) {
        mark(blocks[n], BLOCK, mark_of(n, 78));
        (void)disk_add(BLK_OUT, place(n), blocks[n], BLOCK, false, &id);
    }
    (void)virtio_kick(&disk.q);
    if (!disk_open(disk.base, mode, 0)) {
        return;
    }
    all_at_once(BLK_IN, true, mode);
    for (unsigned n = 0; n < DEPTH; n++) {
        for (unsigned at = 0; at < BLOCK; at += SECTOR) {
            check("a sector is of before or after",
                  is_marked(blocks[n] + at, SECTOR, mark_of(n, 77) + at / 8U) ||
                      is_marked(blocks[n] + at, SECTOR, mark_of(n, 78) + at / 8U));
        }
        (void)disk_add(BLK_IN, place(n), blocks[n], BLOCK, true, &id);
    }
    (void)virtio_kick(&disk.q);
    virtio_reset(disk.base);
    for (unsigned n = 0; n < DEPTH; n++) {
        mark(blocks[n], BLOCK, 0x5555);
    }
    virtio_queue_clear(&disk.q, disk.base, 0, VIRTIO_RING, mode);
    for (volatile unsigned n = 0; n < 100000U; n++) {
    }
    for (unsigned n = 0; n < DEPTH; n++) {
        check_equal_at("a reset ends reads", mode, is_marked(blocks[n], BLOCK, 0x5555), true);
    }
    check_equal_at("a reset leaves rings alone", mode, disk.q.used[0], 0);
}

/* One queue's reset (2.6.1): the device stays as it is. QEMU 7.2 offers it and has no register for it. */
static void check_queue_reset(void)
{
    uint16_t id;

    if (!disk_open(disk.base, 0, 0) || (disk.features & VIRTIO_F_RING_RESET) == 0U || !is_ours(disk.base)) {
        return;
    }
    for (unsigned n = 0; n < DEPTH; n++) {
        (void)disk_add(BLK_IN, place(n), blocks[n], BLOCK, true, &id);
    }
    (void)virtio_kick(&disk.q);
    virtio_write(disk.base, VIRTIO_QUEUE_SEL, 0);
    virtio_write(disk.base, VIRTIO_QUEUE_RESET, 1);
    while (virtio_read(disk.base, VIRTIO_QUEUE_RESET) != 0U) {
        __asm__ volatile("yield");
    }
    check_equal("QueueReady after a queue's reset", virtio_read(disk.base, VIRTIO_QUEUE_READY), 0);
    check("DRIVER_OK stays", (virtio_read(disk.base, VIRTIO_STATUS) & VIRTIO_DRIVER_OK) != 0U);
    check("the queue comes up again", virtio_queue_open(&disk.q, disk.base, 0, 8, disk.features));
    check_equal("... and works", disk_do(BLK_IN, 0, blocks[0], SECTOR, true), BLK_OK);
}

/* ---- All of it ---- */

void check_disk(uint64_t base)
{
    static const uint32_t sizes[][2] = {{4, 8}, {5, 63}}; /* split, packed: any (2.8.10.1) */

    for (unsigned n = 0; n < RING_MODES; n++) {
        uint64_t mode = ring_modes[n];

        if (!disk_open(base, mode, 0)) {
            continue;
        }
        check_many(mode, n + 1U);
        check_odd_pieces(mode, n + 1U);
        check_answers(mode);
        check_around(mode);
        check_interrupts(mode);
        check_reset(mode);
        for (unsigned size = 0; size < 2U; size++) {
            if (disk_open(base, mode, sizes[(mode & VIRTIO_F_PACKED) != 0U][size])) {
                check_around(mode);
            }
        }
    }
    if (disk_open(base, 0, 0)) {
        check_ranges();
        check_queue_reset();
    }
    virtio_reset(base);
}

void check_read_only(uint64_t base)
{
    if (!disk_open(base, 0, 0)) {
        return;
    }
    check("F_RO", (disk.features & BLK_F_RO) != 0U);
    check_equal("a write to a read-only disk", disk_do(BLK_OUT, 3, blocks[1], SECTOR, false), BLK_IOERR);
    for (uint64_t sector = 0; sector < disk.sectors; sector += 61U) {
        check_equal("a read of a read-only disk", disk_do(BLK_IN, sector, blocks[0], SECTOR, true), BLK_OK);
        check_equal_at("the image's bytes", sector, is_image(blocks[0], sector), true);
    }
    virtio_reset(base);
}
