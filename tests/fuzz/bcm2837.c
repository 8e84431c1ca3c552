/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest that is a Raspberry Pi: every access to its devices, messages to the firmware in its memory, time that
 * passes, and bytes that are typed. Input: a program of such steps. */
#include "fuzz.h"

#include <libbase/errors.h>

#include "vdev/bcm2837.h"

#define HZ       UINT64_C(62500000)
#define RAM_SIZE 0x1000U
#define CANARY   0xa5U

static struct {
    struct hv_bcm2837 soc;
    struct hv_vpl011 pl011;
    uint8_t before[64];
    uint8_t ram[RAM_SIZE];
    uint8_t behind[64];
    bool is_full;
} b;

static void emit(void *ctx, uint8_t byte)
{
    (void)ctx;
    (void)byte;
    FUZZ_CHECK(!b.is_full);
}

static void set_irq(void *ctx, bool level)
{
    (void)ctx;
    hv_bcm2837_pl011_irq(&b.soc, level);
}

static bool is_ram(uint64_t ipa, size_t size)
{
    return ipa <= RAM_SIZE && size <= RAM_SIZE - ipa;
}

static int copy_in(void *ctx, uint64_t ipa, void *to, size_t size)
{
    (void)ctx;
    FUZZ_CHECK(size <= HV_BCM_PROPERTY_MAX);
    if (!is_ram(ipa, size)) {
        return ASH_ERANGE;
    }
    memcpy(to, &b.ram[ipa], size);
    return ASH_OK;
}

static int copy_out(void *ctx, uint64_t ipa, const void *from, size_t size)
{
    (void)ctx;
    FUZZ_CHECK(size <= HV_BCM_PROPERTY_MAX);
    if (!is_ram(ipa, size)) {
        return ASH_ERANGE;
    }
    memcpy(&b.ram[ipa], from, size);
    return ASH_OK;
}

static uint32_t random_word(void *ctx)
{
    (void)ctx;
    return 4; /* chosen by a fair dice */
}

static void check(uint64_t now)
{
    uint64_t deadline = hv_bcm2837_deadline(&b.soc);

    FUZZ_CHECK(b.soc.mailbox.count <= HV_BCM_MAILBOX_DEPTH && b.soc.aux.count <= HV_BCM_AUX_FIFO);
    FUZZ_CHECK(b.soc.systimer.matched <= 0xfU);
    FUZZ_CHECK(hv_bcm2837_space(&b.soc) <= HV_VPL011_FIFO_SIZE);
    FUZZ_CHECK(deadline == UINT64_MAX || deadline > now || b.soc.pm.power != HV_BCM_POWER_ON);
    for (unsigned core = 0; core < HV_BCM_CORES; core++) {
        FUZZ_CHECK((hv_bcm_local_sources(&b.soc.local, core, false) & ~0x9faU) == 0U);
        FUZZ_CHECK((hv_bcm_local_sources(&b.soc.local, core, true) & ~0x9faU) == 0U);
    }
    for (unsigned i = 0; i < sizeof(b.before); i++) {
        FUZZ_CHECK(b.before[i] == CANARY && b.behind[i] == CANARY);
    }
}

static uint64_t offset_of(struct fuzz_input *in)
{
    static const uint64_t bases[] = {0x3000,   0xb200,   0xb880,   0x100000,
                                     0x104000, 0x200000, 0x201000, 0x215000};
    uint8_t which = fuzz_u8(in);

    return which < 0xf0U ? bases[which % 8U] + fuzz_u8(in) : fuzz_u32(in);
}

static void touch(struct fuzz_input *in, uint64_t now, bool is_local)
{
    static const unsigned sizes[] = {4, 4, 4, 1, 2, 8, 3, 0};
    unsigned size = sizes[fuzz_u8(in) % 8U];
    bool is_write = fuzz_u8(in) % 2U != 0U;
    uint64_t offset = is_local ? fuzz_u8(in) * 4U : offset_of(in);
    uint64_t value = is_write ? fuzz_u32(in) : 0U;
    int error = is_local ? hv_bcm2837_access_local(&b.soc, now, offset, size, is_write, &value)
                         : hv_bcm2837_access(&b.soc, now, offset, size, is_write, &value);

    FUZZ_CHECK(error == ASH_OK || (error == ASH_EBUSY && b.is_full && is_write));
    FUZZ_CHECK(is_write || (size == 0U && value == 0U) || size >= 8U || value >> (8U * size) == 0U);
    FUZZ_CHECK(b.soc.sent < 256 && (b.soc.sent < 0 || !b.is_full));
}

/** A message for the firmware, and the write that sends it. */
static void call(struct fuzz_input *in, uint64_t now)
{
    uint32_t at = (uint32_t)fuzz_u8(in) * 16U;
    uint64_t value;

    for (unsigned i = 0; i < 16U && fuzz_more(in); i++) {
        uint32_t word = i < 5U && fuzz_u8(in) % 2U == 0U ? fuzz_u8(in) : fuzz_u32(in);

        if (is_ram(at + 4U * i, 4)) {
            memcpy(&b.ram[at + 4U * i], &word, 4);
        }
    }
    value = at | 8U;
    FUZZ_CHECK(hv_bcm2837_access(&b.soc, now, 0xb8a0, 4, true, &value) == ASH_OK);
}

static void begin(void)
{
    static const struct hv_vpl011_ops ops = {.emit = emit, .set_irq = set_irq};
    const struct hv_bcm2837_config config = {
        .hz = HZ,
        .board = {.ram_size = RAM_SIZE, .command_line = "quiet"},
        .memory = {copy_in, copy_out, NULL},
        .random = random_word,
    };

    memset(&b, 0, sizeof(b));
    memset(b.before, CANARY, sizeof(b.before));
    memset(b.behind, CANARY, sizeof(b.behind));
    hv_vpl011_init(&b.pl011, &ops, NULL);
    hv_bcm2837_init(&b.soc, &config, &b.pl011, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    uint64_t now = 0;

    begin();
    while (fuzz_more(&in)) {
        switch (fuzz_u8(&in) % 8U) {
        case 0:
            now += fuzz_u32(&in);
            hv_bcm2837_update(&b.soc, now);
            break;
        case 1:
            call(&in, now);
            break;
        case 2:
            (void)hv_bcm2837_receive(&b.soc, fuzz_u8(&in));
            break;
        case 3:
            b.is_full = fuzz_u8(&in) % 2U != 0U;
            hv_bcm2837_set_room(&b.soc, !b.is_full);
            break;
        case 4:
            touch(&in, now, true);
            break;
        default:
            touch(&in, now, false);
            break;
        }
        check(now);
        if (b.soc.pm.power != HV_BCM_POWER_ON) {
            hv_bcm2837_soc_reset(&b.soc, now);
            b.is_full = false;
        }
    }
    return 0;
}
