/* SPDX-License-Identifier: BSD-2-Clause */
#include "vdev/bcm_property.h"

#include <libbase/compiler.h>
#include <libbase/mem.h>
#include <libbase/nospec.h>

#define CODE_DONE    0x80000000U
#define CODE_ERROR   0x80000001U
#define TAG_RESPONSE 0x80000000U

#define FIRST_TAG  8U /* bytes: behind size and code */
#define TAG_HEADER 12U

#define FIRMWARE_REVISION 0x5e5e0001U /* ours: no date of a real one */
#define BOARD_REVISION    0x00a02082U /* Raspberry Pi 3 Model B, 1 GB: "Raspberry Pi revision codes" */
#define DMA_CHANNELS      0U          /* none is there to be used */
#define MILLI_DEGREES     45000U
#define MILLI_DEGREES_MAX 85000U
#define MICROVOLTS        1200000U
#define POWER_ON          0x1U
#define POWER_ABSENT      0x2U
#define CLOCK_ABSENT      0x2U

enum clock { EMMC = 1, UART, ARM, CORE, V3D, H264, ISP, SDRAM, PIXEL, PWM, HEVC, EMMC2 };
#define LAST_CLOCK EMMC2

/* Hz: least, out of reset, most. As a Pi 3 has them. */
static const uint32_t rates[HV_BCM_CLOCKS][3] = {
    [EMMC] = {250000000, 250000000, 250000000},
    [UART] = {48000000, 48000000, 48000000},
    [ARM] = {600000000, 1200000000, 1200000000},
    [CORE] = {250000000, 250000000, 400000000},
    [V3D] = {250000000, 300000000, 300000000},
    [H264] = {250000000, 300000000, 300000000},
    [ISP] = {250000000, 300000000, 300000000},
    [SDRAM] = {400000000, 450000000, 450000000},
    [PIXEL] = {0, 0, 0},
    [PWM] = {0, 0, 0},
};

/** One tag: what it holds, and what it is answered with. */
struct tag {
    uint32_t in[2]; /* the first two words of the value; 0 where it is shorter */
    uint32_t out[2 * HV_BCM_CLOCKS];
    const char *text; /* instead of @out */
    uint32_t size;    /* bytes of the answer */
};

typedef void answerer(struct hv_bcm_firmware *firmware, struct tag *tag, uint32_t argument);

static void answer_one(struct tag *tag, uint32_t value)
{
    tag->out[0] = value;
    tag->size = 4;
}

static void answer_two(struct tag *tag, uint32_t first, uint32_t second)
{
    tag->out[0] = first;
    tag->out[1] = second;
    tag->size = 8;
}

/* ---- Answers ----------------------------------------------------------------------------------------------------- */

static void constant(struct hv_bcm_firmware *firmware, struct tag *tag, uint32_t argument)
{
    (void)firmware;
    answer_one(tag, argument);
}

static void mac_address(struct hv_bcm_firmware *firmware, struct tag *tag, uint32_t argument)
{
    (void)argument;
    memcpy(tag->out, firmware->board->mac, sizeof(firmware->board->mac));
    tag->size = sizeof(firmware->board->mac);
}

static void serial(struct hv_bcm_firmware *firmware, struct tag *tag, uint32_t argument)
{
    (void)argument;
    answer_two(tag, (uint32_t)firmware->board->serial, (uint32_t)(firmware->board->serial >> 32));
}

static void arm_memory(struct hv_bcm_firmware *firmware, struct tag *tag, uint32_t argument)
{
    (void)argument;
    answer_two(tag, 0, firmware->board->ram_size);
}

/** None: what a GPU would have begins where the RAM ends. */
static void gpu_memory(struct hv_bcm_firmware *firmware, struct tag *tag, uint32_t argument)
{
    (void)argument;
    answer_two(tag, firmware->board->ram_size, 0);
}

static void command_line(struct hv_bcm_firmware *firmware, struct tag *tag, uint32_t argument)
{
    (void)argument;
    tag->text = firmware->board->command_line;
    tag->size = 0;
    while (tag->text[tag->size] != '\0') {
        tag->size++;
    }
    tag->size++; /* with its end */
}

/** Pairs of parent and clock; each clock is its own. */
static void clocks(struct hv_bcm_firmware *firmware, struct tag *tag, uint32_t argument)
{
    (void)firmware;
    (void)argument;
    for (uint32_t i = 1; i <= (uint32_t)LAST_CLOCK; i++) {
        tag->out[2U * (i - 1U)] = 0;
        tag->out[2U * (i - 1U) + 1U] = i;
    }
    tag->size = 8U * (uint32_t)LAST_CLOCK;
}

/** Its number, or 0: there is no such clock. */
static uint32_t clock_of(const struct tag *tag)
{
    uint32_t clock = tag->in[0] <= (uint32_t)LAST_CLOCK ? tag->in[0] : 0U;

    return (uint32_t)ash_index_nospec(clock, HV_BCM_CLOCKS);
}

/** argument: 1 sets it. */
static void clock_state(struct hv_bcm_firmware *firmware, struct tag *tag, uint32_t argument)
{
    uint32_t clock = clock_of(tag);
    uint32_t bit = 1U << clock;

    if (clock != 0U && argument != 0U) {
        firmware->clocks_off = (firmware->clocks_off & ~bit) | ((tag->in[1] & 1U) != 0U ? 0U : bit);
    }
    answer_two(tag, tag->in[0], clock == 0U ? CLOCK_ABSENT : ((firmware->clocks_off & bit) != 0U ? 0U : 1U));
}

static void clock_rate(struct hv_bcm_firmware *firmware, struct tag *tag, uint32_t argument)
{
    (void)argument;
    answer_two(tag, tag->in[0], firmware->clock_rate[clock_of(tag)]);
}

/** argument: 0 least, 2 most. */
static void clock_limit(struct hv_bcm_firmware *firmware, struct tag *tag, uint32_t argument)
{
    (void)firmware;
    answer_two(tag, tag->in[0], rates[clock_of(tag)][argument]);
}

/** To the nearest that it can. */
static void set_clock_rate(struct hv_bcm_firmware *firmware, struct tag *tag, uint32_t argument)
{
    uint32_t clock = clock_of(tag);
    uint32_t rate = tag->in[1];

    (void)argument;
    rate = rate > rates[clock][2] ? rates[clock][2] : rate;
    rate = rate < rates[clock][0] ? rates[clock][0] : rate;
    firmware->clock_rate[clock] = rate;
    answer_two(tag, tag->in[0], rate);
}

/** argument: 1 sets it. */
static void turbo(struct hv_bcm_firmware *firmware, struct tag *tag, uint32_t argument)
{
    if (argument != 0U) {
        firmware->turbo = tag->in[1] & 1U;
    }
    answer_two(tag, tag->in[0], firmware->turbo);
}

/** argument: 1 sets it. */
static void power_state(struct hv_bcm_firmware *firmware, struct tag *tag, uint32_t argument)
{
    uint32_t device = (uint32_t)ash_wrap_nospec(tag->in[0], HV_BCM_POWER_DEVICES);
    uint32_t bit = 1U << device;

    if (tag->in[0] >= HV_BCM_POWER_DEVICES) {
        answer_two(tag, tag->in[0], POWER_ABSENT);
        return;
    }
    if (argument != 0U) {
        firmware->powered = (firmware->powered & ~bit) | ((tag->in[1] & POWER_ON) != 0U ? bit : 0U);
    }
    answer_two(tag, tag->in[0], (firmware->powered & bit) != 0U ? POWER_ON : 0U);
}

/** The first word back, and a constant. */
static void constant_of(struct hv_bcm_firmware *firmware, struct tag *tag, uint32_t argument)
{
    (void)firmware;
    answer_two(tag, tag->in[0], argument);
}

/** There is no display. argument: bytes of the answer. */
static void nothing_to_show(struct hv_bcm_firmware *firmware, struct tag *tag, uint32_t argument)
{
    (void)firmware;
    memset(tag->out, 0, argument);
    tag->size = argument;
}

static const struct {
    answerer *answer;
    uint32_t id;
    uint32_t argument;
} tags[] = {
    {constant, 0x00000001, FIRMWARE_REVISION},
    {constant, 0x00010001, 0}, /* board model */
    {constant, 0x00010002, BOARD_REVISION},
    {mac_address, 0x00010003, 0},
    {serial, 0x00010004, 0},
    {arm_memory, 0x00010005, 0},
    {gpu_memory, 0x00010006, 0},
    {clocks, 0x00010007, 0},
    {power_state, 0x00020001, 0},
    {constant_of, 0x00020002, 0}, /* microseconds until it is on */
    {power_state, 0x00028001, 1},
    {clock_state, 0x00030001, 0},
    {clock_rate, 0x00030002, 0},
    {constant_of, 0x00030003, MICROVOLTS},
    {clock_limit, 0x00030004, 2},
    {constant_of, 0x00030005, MICROVOLTS},
    {constant_of, 0x00030006, MILLI_DEGREES},
    {clock_limit, 0x00030007, 0},
    {constant_of, 0x00030008, MICROVOLTS},
    {turbo, 0x00030009, 0},
    {constant_of, 0x0003000a, MILLI_DEGREES_MAX},
    {constant, 0x00030046, 0},   /* throttled */
    {clock_rate, 0x00030047, 0}, /* measured */
    {clock_state, 0x00038001, 1},
    {set_clock_rate, 0x00038002, 0},
    {turbo, 0x00038009, 1},
    {nothing_to_show, 0x00040001, 8}, /* allocate buffer */
    {nothing_to_show, 0x00040002, 4}, /* blank */
    {nothing_to_show, 0x00040003, 8}, /* get, test, set: physical size */
    {nothing_to_show, 0x00044003, 8},
    {nothing_to_show, 0x00048003, 8},
    {nothing_to_show, 0x00040004, 8}, /* virtual size */
    {nothing_to_show, 0x00044004, 8},
    {nothing_to_show, 0x00048004, 8},
    {nothing_to_show, 0x00040005, 4}, /* depth */
    {nothing_to_show, 0x00044005, 4},
    {nothing_to_show, 0x00048005, 4},
    {nothing_to_show, 0x00040006, 4}, /* pixel order */
    {nothing_to_show, 0x00044006, 4},
    {nothing_to_show, 0x00048006, 4},
    {nothing_to_show, 0x00040007, 4}, /* alpha mode */
    {nothing_to_show, 0x00044007, 4},
    {nothing_to_show, 0x00048007, 4},
    {nothing_to_show, 0x00040008, 4}, /* pitch */
    {nothing_to_show, 0x00040009, 8}, /* virtual offset */
    {nothing_to_show, 0x00044009, 8},
    {nothing_to_show, 0x00048009, 8},
    {nothing_to_show, 0x0004000a, 16}, /* overscan */
    {nothing_to_show, 0x0004400a, 16},
    {nothing_to_show, 0x0004800a, 16},
    {nothing_to_show, 0x00048001, 0}, /* release buffer */
    {command_line, 0x00050001, 0},
    {constant, 0x00060001, DMA_CHANNELS},
};

void hv_bcm_firmware_reset(struct hv_bcm_firmware *firmware, const struct hv_bcm_board *board)
{
    *firmware = (struct hv_bcm_firmware){.board = board};
    for (unsigned i = 0; i < HV_BCM_CLOCKS; i++) {
        firmware->clock_rate[i] = rates[i][1];
    }
}

/* ---- The message ------------------------------------------------------------------------------------------------- */

/** @value: @size bytes, of the tag whose identifier is @id. Returns its new code, 0: nobody knows it. */
static uint32_t answer_tag(struct hv_bcm_firmware *firmware, uint32_t id, uint32_t *value, size_t size)
{
    struct tag tag;
    size_t i = 0;

    while (i < ASH_ARRAY_SIZE(tags) && tags[i].id != id) {
        i++;
    }
    if (i == ASH_ARRAY_SIZE(tags)) {
        return 0;
    }
    memset(&tag, 0, sizeof(tag));
    memcpy(tag.in, value, size < sizeof(tag.in) ? size : sizeof(tag.in));
    tags[i].answer(firmware, &tag, tags[i].argument);
    memcpy(value, tag.text != NULL ? (const void *)tag.text : (const void *)tag.out,
           size < tag.size ? size : tag.size);
    return TAG_RESPONSE | tag.size;
}

void hv_bcm_property_answer(struct hv_bcm_firmware *firmware, uint32_t *words, size_t size)
{
    size_t at = FIRST_TAG;

    words[1] = CODE_ERROR;
    while (size - at >= 4U) {
        uint32_t id = words[at / 4U];
        size_t room;
        uint32_t code;

        if (id == 0U) {
            words[1] = CODE_DONE;
            return;
        }
        if (size - at < TAG_HEADER || words[at / 4U + 1U] > size - at - TAG_HEADER) {
            return;
        }
        room = words[at / 4U + 1U];
        code = answer_tag(firmware, id, &words[at / 4U + 3U], room);
        if (code != 0U) {
            words[at / 4U + 2U] = code;
        }
        at += TAG_HEADER + ((room + 3U) & ~(size_t)3U); /* size is a multiple of 4: not past it */
    }
}
