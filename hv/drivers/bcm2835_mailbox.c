/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/bcm2835_mailbox.h"

#include <stdbool.h>
#include <stddef.h>

#include <libbase/compiler.h>

#include "arch/arch.h"
#include "drivers/mmio.h"

#define READ         0x00U
#define READ_STATUS  0x18U
#define WRITE        0x20U
#define WRITE_STATUS 0x38U
#define FULL         (UINT32_C(1) << 31)
#define EMPTY        (UINT32_C(1) << 30)

#define CHANNEL_PROPERTIES 8U
/* Where the VideoCore of a BCM2836 or BCM2837 sees memory without its L2 cache (device tree, dma-ranges). */
#define BUS_ALIAS UINT32_C(0xc0000000)

#define TAG_GET_CLOCK_RATE UINT32_C(0x00030002)
#define RESPONSE           (UINT32_C(1) << 31)

/* One message: size, code, one tag (name, bytes of its value, code, clock, rate), the end. A cache line of its own:
 * nothing beside it is written back over the answer. */
struct message {
    uint32_t size;
    uint32_t code;
    uint32_t tag;
    uint32_t value_size;
    uint32_t value_code;
    uint32_t clock;
    uint32_t rate;
    uint32_t end;
    uint32_t line[8];
};
ASH_STATIC_ASSERT(sizeof(struct message) == 64U, "a Cortex-A53's cache line");

static bool wait_clear(uint64_t address, uint32_t bit)
{
    uint64_t deadline = hv_arch_ticks() + hv_arch_ticks_per_second() / 10U;

    while ((hv_mmio_read32(address) & bit) != 0U) {
        if (hv_arch_ticks() > deadline) {
            return false;
        }
        hv_arch_relax();
    }
    return true;
}

static bool call(uint64_t base, uint32_t word)
{
    if (!wait_clear(base + WRITE_STATUS, FULL)) {
        return false;
    }
    hv_mmio_complete();
    hv_mmio_write32(base + WRITE, word);
    for (unsigned i = 0; i < 16U; i++) { /* what others asked, before us, may be answered first */
        if (!wait_clear(base + READ_STATUS, EMPTY)) {
            return false;
        }
        if (hv_mmio_read32(base + READ) == word) {
            return true;
        }
    }
    return false;
}

uint32_t hv_bcm2835_clock_rate(uint64_t base, uint32_t clock)
{
    static ASH_ALIGNED(64) struct message message;
    const volatile struct message *answer = &message;

    if (base == 0U) {
        return 0;
    }
    message = (struct message){
        .size = offsetof(struct message, line), .tag = TAG_GET_CLOCK_RATE, .value_size = 8, .clock = clock};
    /* The VideoCore reads and writes memory, not our caches: out with the line before, and once more behind, in case
     * this CPU has fetched it meanwhile (DDI 0487 D7.5.9). */
    hv_arch_publish_data(&message, sizeof(message));
    if (!call(base, ((uint32_t)(uintptr_t)&message | BUS_ALIAS) | CHANNEL_PROPERTIES)) {
        return 0;
    }
    hv_mmio_complete();
    hv_arch_publish_data(&message, sizeof(message));
    return answer->code == RESPONSE && (answer->value_code & RESPONSE) != 0U && answer->clock == clock
               ? answer->rate
               : 0U;
}
