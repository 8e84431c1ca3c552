/* SPDX-License-Identifier: BSD-2-Clause */
#include "vdev/bcm_mailbox.h"

#include <libbase/errors.h>

#define READ0   0x00U
#define PEEK0   0x10U
#define SENDER0 0x14U
#define STATUS0 0x18U
#define CONFIG0 0x1cU
#define WRITE1  0x20U
#define STATUS1 0x38U

#define STATUS_FULL  (1U << 31)
#define STATUS_EMPTY (1U << 30)
#define CONFIG_DATA  (1U << 0) /* interrupt enable */
#define CONFIG_PENDS (1U << 4)
#define NOTHING      0xfU /* read from an empty mailbox */

#define CHANNEL          0xfU
#define CHANNEL_FB       1U
#define CHANNEL_PROPERTY 8U
#define BUS_ADDRESS      UINT32_C(0x3ffffff0) /* without the VideoCore's alias, [31:30] */

void hv_bcm_mailbox_reset(struct hv_bcm_mailbox *mailbox)
{
    mailbox->head = 0;
    mailbox->count = 0;
    mailbox->interrupts = false;
}

static bool is_full(const struct hv_bcm_mailbox *mailbox)
{
    return mailbox->count == HV_BCM_MAILBOX_DEPTH;
}

static uint32_t peek(const struct hv_bcm_mailbox *mailbox)
{
    return mailbox->count > 0U ? mailbox->fifo[mailbox->head % HV_BCM_MAILBOX_DEPTH] : NOTHING;
}

static uint32_t take(struct hv_bcm_mailbox *mailbox)
{
    uint32_t value = peek(mailbox);

    if (mailbox->count > 0U) {
        mailbox->head = (uint8_t)((mailbox->head + 1U) % HV_BCM_MAILBOX_DEPTH);
        mailbox->count--;
    }
    return value;
}

/** The message at @ipa, read once: its size first, and then all of it, whatever it says there by then. */
static void answer_properties(struct hv_bcm_mailbox *mailbox, struct hv_bcm_firmware *firmware,
                              const struct hv_bcm_memory *memory, uint32_t ipa)
{
    uint32_t size = 0;

    if (memory->copy_in(memory->ctx, ipa, &size, sizeof(size)) != ASH_OK || size < 12U || size % 4U != 0U ||
        size > HV_BCM_PROPERTY_MAX || memory->copy_in(memory->ctx, ipa, mailbox->message, size) != ASH_OK) {
        const uint32_t refused = 0x80000001U;

        (void)memory->copy_out(memory->ctx, (uint64_t)ipa + 4U, &refused, sizeof(refused));
        return;
    }
    mailbox->message[0] = size;
    hv_bcm_property_answer(firmware, mailbox->message, size);
    (void)memory->copy_out(memory->ctx, ipa, mailbox->message, size); /* RAM then, RAM now */
}

static void send(struct hv_bcm_mailbox *mailbox, struct hv_bcm_firmware *firmware,
                 const struct hv_bcm_memory *memory, uint32_t value)
{
    uint32_t answer = value;

    if (is_full(mailbox)) {
        return; /* as STATUS1 says */
    }
    switch (value & CHANNEL) {
    case CHANNEL_PROPERTY:
        answer_properties(mailbox, firmware, memory, value & BUS_ADDRESS);
        break;
    case CHANNEL_FB:
        answer = CHANNEL_FB | 0x10U; /* not 0: it failed */
        break;
    default:
        return;
    }
    mailbox->fifo[(mailbox->head + mailbox->count) % HV_BCM_MAILBOX_DEPTH] = answer;
    mailbox->count++;
}

uint32_t hv_bcm_mailbox_read(struct hv_bcm_mailbox *mailbox, uint64_t offset)
{
    switch (offset) {
    case READ0:
        return take(mailbox);
    case PEEK0:
        return peek(mailbox);
    case STATUS0:
        return (mailbox->count == 0U ? STATUS_EMPTY : 0U) | (is_full(mailbox) ? STATUS_FULL : 0U) |
               mailbox->count;
    case CONFIG0:
        return (mailbox->interrupts ? CONFIG_DATA : 0U) | (hv_bcm_mailbox_irq(mailbox) ? CONFIG_PENDS : 0U);
    case STATUS1:
        return is_full(mailbox) ? STATUS_FULL : STATUS_EMPTY;
    case SENDER0:
    default:
        return 0;
    }
}

void hv_bcm_mailbox_write(struct hv_bcm_mailbox *mailbox, struct hv_bcm_firmware *firmware,
                          const struct hv_bcm_memory *memory, uint64_t offset, uint32_t value)
{
    if (offset == CONFIG0) {
        mailbox->interrupts = (value & CONFIG_DATA) != 0U;
    } else if (offset == WRITE1) {
        send(mailbox, firmware, memory, value);
    }
}
