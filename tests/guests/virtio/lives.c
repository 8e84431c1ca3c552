/* SPDX-License-Identifier: BSD-2-Clause */
/* A disk outlives its guest: four lives, each ends by a reset with writes on their way. What was flushed is there in
 * the next one; of what was not, each sector is whole. */
#include "virtio/topic.h"

#include "common/check.h"

#define SYSTEM_RESET UINT64_C(0x84000009)
#define LIVES        3U
#define MAGIC        UINT64_C(0x11fe11fe11fe11fe)
#define FLUSHED      8U   /* sectors, from here on */
#define LOST         512U /* and from here on */
#define SECTORS_EACH (BLOCK / SECTOR)

static uint64_t mark_of(uint64_t life, unsigned n)
{
    return (life + 1U) << 40 | (uint64_t)n << 32;
}

static uint64_t life_of_disk(void)
{
    const volatile uint64_t *word = (const volatile uint64_t *)(uintptr_t)blocks[0];

    check_equal("the sector that counts", disk_do(BLK_IN, 0, blocks[0], SECTOR, true), BLK_OK);
    return word[1] == MAGIC ? word[0] : 0U;
}

static void check_flushed(uint64_t life)
{
    for (unsigned n = 0; n < DEPTH; n++) {
        (void)disk_do(BLK_IN, FLUSHED + n * SECTORS_EACH, blocks[0], BLOCK, true);
        check_equal_at("what was flushed is there", n, is_marked(blocks[0], BLOCK, mark_of(life - 1U, n)),
                       true);
    }
}

/* Of the life before, of one before that, or of the image. */
static bool is_whole(const uint8_t *sector, uint64_t number, uint64_t life, unsigned n, unsigned at)
{
    bool whole = *(const volatile uint64_t *)(uintptr_t)sector == image_word(number, 0);

    for (uint64_t of = 0; of < life; of++) {
        whole = whole || is_marked(sector, SECTOR, mark_of(of, n) + at / 8U);
    }
    return whole;
}

static void check_lost(uint64_t life)
{
    for (unsigned n = 0; n < DEPTH; n++) {
        const uint64_t first = LOST + n * SECTORS_EACH;

        (void)disk_do(BLK_IN, first, blocks[0], BLOCK, true);
        for (unsigned at = 0; at < BLOCK; at += SECTOR) {
            check_equal_at("what was not flushed is whole", life,
                           is_whole(blocks[0] + at, first + at / SECTOR, life, n, at), true);
        }
    }
}

static void write_flushed(uint64_t life)
{
    volatile uint64_t *word = (volatile uint64_t *)(uintptr_t)blocks[0];

    for (unsigned n = 0; n < DEPTH; n++) {
        mark(blocks[0], BLOCK, mark_of(life, n));
        check_equal("a write", disk_do(BLK_OUT, FLUSHED + n * SECTORS_EACH, blocks[0], BLOCK, false), BLK_OK);
    }
    check_equal("a flush", disk_do(BLK_FLUSH, 0, NULL, 0, false), BLK_OK);
    word[0] = life + 1U;
    word[1] = MAGIC;
    check_equal("a write", disk_do(BLK_OUT, 0, blocks[0], SECTOR, false), BLK_OK);
    check_equal("a flush", disk_do(BLK_FLUSH, 0, NULL, 0, false), BLK_OK);
}

void check_lives(uint64_t base)
{
    uint64_t life;
    uint16_t id;

    if (!disk_open(base, VIRTIO_F_INDIRECT, 0)) {
        return;
    }
    life = life_of_disk();
    if (life > 0U) {
        check_flushed(life);
        check_lost(life);
    }
    guest_print("virtio: life ");
    guest_print_number(life);
    guest_print("\n");
    if (life >= LIVES) {
        return;
    }
    write_flushed(life);
    for (unsigned n = 0; n < DEPTH; n++) {
        mark(blocks[n], BLOCK, mark_of(life, n));
        (void)disk_add(BLK_OUT, LOST + n * SECTORS_EACH, blocks[n], BLOCK, false, &id);
    }
    (void)virtio_kick(&disk.q);
    (void)guest_hvc(SYSTEM_RESET, 0, 0, 0);
    check("SYSTEM_RESET does not return", false);
}
