/* SPDX-License-Identifier: BSD-2-Clause */
/** What the VideoCore firmware answers on the mailbox's property channel: the "Mailbox property interface" page of
 *  the Raspberry Pi firmware's documentation. A message is a run of tags in the guest's memory; here it is a copy
 *  of it.
 *
 *  What a bare program asks first is answered: revisions, serial number, MAC address, memory, clocks, power,
 *  voltage, temperature, DMA channels, command line. There is no display: every frame buffer tag is answered with
 *  zeros, as for a board with nothing connected. Clocks, power and turbo are a memory of what was set. Other tags
 *  stay as they are, without the response bit, which is how the firmware treats those that it does not know.
 *  Lock domain of everything here: the VM's devices. No call waits, none fails for what a guest wrote.
 */
#ifndef HV_VDEV_BCM_PROPERTY_H
#define HV_VDEV_BCM_PROPERTY_H

#include <stddef.h>
#include <stdint.h>

#define HV_BCM_PROPERTY_MAX  1024U /* bytes of a message, at most */
#define HV_BCM_CLOCKS        16U   /* identifiers 1 to 15 */
#define HV_BCM_POWER_DEVICES 16U

struct hv_bcm_board {
    uint32_t ram_size; /* bytes, from 0 on */
    uint64_t serial;
    uint8_t mac[6];
    const char *command_line; /* "": none */
};

struct hv_bcm_firmware {
    const struct hv_bcm_board *board;
    uint32_t clock_rate[HV_BCM_CLOCKS];
    uint32_t clocks_off; /* a bit each */
    uint32_t powered;    /* likewise */
    uint32_t turbo;
};

/** @board outlives it. */
void hv_bcm_firmware_reset(struct hv_bcm_firmware *firmware, const struct hv_bcm_board *board);

/** Answer the message of @size bytes at @words, as it was read from the guest: word 0 says @size too (the caller
 *  has seen to it). @size: 12..HV_BCM_PROPERTY_MAX, a multiple of 4. Word 1 becomes the code of the whole:
 *  0x80000000, or 0x80000001 where the tags do not fit the message; those before it are answered then. */
void hv_bcm_property_answer(struct hv_bcm_firmware *firmware, uint32_t *words, size_t size);

#endif
