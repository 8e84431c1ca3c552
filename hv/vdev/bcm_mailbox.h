/* SPDX-License-Identifier: BSD-2-Clause */
/** The ARM's two mailboxes to the VideoCore of a BCM2837: "Mailboxes" of the Raspberry Pi firmware's documentation.
 *  What is written to mailbox 1 is answered in mailbox 0 before the write is over: channel 8 (property), channel 1
 *  (frame buffer: refused, there is no display). Other channels take what they are sent and never answer.
 *  Lock domain of everything here: the VM's devices. No call waits, none fails for what a guest wrote.
 */
#ifndef HV_VDEV_BCM_MAILBOX_H
#define HV_VDEV_BCM_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vdev/bcm_property.h"

#define HV_BCM_MAILBOX_DEPTH 8U

/** The guest's memory. Context: inside hv_bcm_mailbox_write(). All of it or nothing; ASH_OK, or that not all of it
 *  is RAM. */
struct hv_bcm_memory {
    int (*copy_in)(void *ctx, uint64_t ipa, void *to, size_t size);
    int (*copy_out)(void *ctx, uint64_t ipa, const void *from, size_t size);
    void *ctx;
};

struct hv_bcm_mailbox {
    uint32_t fifo[HV_BCM_MAILBOX_DEPTH]; /* of mailbox 0 */
    uint8_t head;                        /* the next to read */
    uint8_t count;
    bool interrupts;                           /* of mailbox 0: when there is something to read */
    uint32_t message[HV_BCM_PROPERTY_MAX / 4]; /* while one is answered: a copy of it */
};

void hv_bcm_mailbox_reset(struct hv_bcm_mailbox *mailbox);

/** Register at @offset from mailbox 0's base; others read 0 and ignore writes. */
uint32_t hv_bcm_mailbox_read(struct hv_bcm_mailbox *mailbox, uint64_t offset);
void hv_bcm_mailbox_write(struct hv_bcm_mailbox *mailbox, struct hv_bcm_firmware *firmware,
                          const struct hv_bcm_memory *memory, uint64_t offset, uint32_t value);

/** Its interrupt, ARM (basic) 1. */
static inline bool hv_bcm_mailbox_irq(const struct hv_bcm_mailbox *mailbox)
{
    return mailbox->interrupts && mailbox->count > 0U;
}

#endif
