/* SPDX-License-Identifier: BSD-2-Clause */
/* An entropy device (VIRTIO 1.2, 5.4). */
#include "virtio/topic.h"

#include "common/check.h"

void check_rng(uint64_t base)
{
    static struct virtio_queue q;
    uint64_t features;
    uint32_t written = 0;
    uint16_t id = 0;
    const struct virtio_piece piece = {blocks[0], 64, true};
    uint64_t last = 0;

    for (unsigned mode = 0; mode < RING_MODES; mode++) {
        uint64_t all = 0;

        check("an entropy device comes up",
              virtio_open(base, ring_modes[mode], &features) && virtio_queue_open(&q, base, 0, 0, features));
        virtio_start(base);
        mark(blocks[0], BLOCK, 0);
        (void)virtio_add(&q, &piece, 1, &id);
        (void)virtio_kick(&q);
        check("entropy comes", virtio_wait(&q, &id, &written));
        check("some, and no more than asked for", written > 0U && written <= 64U);
        for (unsigned n = 0; n < 8U; n++) {
            all ^= ((uint64_t *)(uintptr_t)blocks[0])[n];
        }
        check("it is another one each time", all != last);
        last = all;
        check("behind it nothing changes", is_marked(blocks[0] + 64, BLOCK - 64U, 8));
    }
    virtio_reset(base);
}
