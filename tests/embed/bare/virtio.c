/* SPDX-License-Identifier: BSD-2-Clause */
/* libvirtio in bare firmware: a split queue in memory (VIRTIO 1.2, 2.7), driver and device in one program. The device
 * answers what it reads in capitals. */
#include <libvirtio/virtq.h>

#include "bare.h"

#define QUEUE 4U
#define NEXT  1U
#define WRITE 2U

struct desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags, next;
};

/* The driver's memory, which the device knows by IPA only. */
static struct {
    struct desc desc[QUEUE];
    uint16_t avail[3 + QUEUE]; /* flags, idx, ring, used_event */
    uint16_t pad;
    uint32_t used[1 + 2 * QUEUE + 1]; /* flags and idx; id and length of each */
    char in[16], out[16];
} mem __attribute__((aligned(4096)));

#define RAM_IPA      UINT64_C(0x40000000)
#define IPA_OF(what) (RAM_IPA + (uint64_t)((uintptr_t)(what) - (uintptr_t)&mem))

static void *map(void *ctx, ash_ipa_t ipa, uint64_t size, bool write)
{
    (void)ctx;
    (void)size;
    (void)write;
    return (char *)&mem + (ipa.value - RAM_IPA);
}

static void answer(const struct ash_virtq_segment *from, const struct ash_virtq_segment *to)
{
    const char *in = (const char *)map(NULL, from->ipa, from->length, false);
    char *out = (char *)map(NULL, to->ipa, to->length, true);

    for (uint32_t i = 0; i < from->length && i < to->length; i++) {
        out[i] = in[i] >= 'a' && in[i] <= 'z' ? (char)(in[i] - 'a' + 'A') : in[i];
    }
}

/* What the driver's kick starts. ASH_ENOENT: all done. */
static int serve(struct ash_virtq *q)
{
    struct ash_virtq_segment segments[QUEUE];
    struct ash_virtq_chain chain;
    int error;

    while ((error = ash_virtq_pop(q, segments, QUEUE, &chain)) == ASH_OK) {
        expect(chain.segment_count == 2 && chain.readable_count == 1, "the chain");
        answer(&segments[0], &segments[1]);
        expect(ash_virtq_push(q, chain.token, segments[0].length) == ASH_OK, "push");
        expect(ash_virtq_push(q, chain.token, segments[0].length) == ASH_ENOENT, "a token is good once");
    }
    return error;
}

static void offer(uint16_t index)
{
    mem.avail[2U + index % QUEUE] = 0;
    __atomic_store_n(&mem.avail[1], (uint16_t)(index + 1U), __ATOMIC_RELEASE);
}

static void set_up(struct ash_virtq *q)
{
    static const struct ash_virtq_hal hal = {.size = sizeof(hal), .map = map};
    static const struct ash_virtq_region ram = {{RAM_IPA}, sizeof(mem), NULL};
    static struct ash_virtq_slot slots[QUEUE];
    const struct ash_virtq_config config = {
        .regions = &ram, .region_count = 1, .max_size = QUEUE, .slots = slots};

    expect(ash_virtq_init(q, &config, &hal, NULL) == ASH_OK, "init");
}

static void make_ready(struct ash_virtq *q)
{
    const struct ash_virtq_layout layout = {
        {IPA_OF(mem.desc)}, {IPA_OF(mem.avail)}, {IPA_OF(mem.used)}, QUEUE, 0};

    mem.avail[1] = 0;
    mem.used[0] = 0;
    expect(ash_virtq_setup(q, &layout) == ASH_OK, "set-up");
}

void program(void)
{
    static struct ash_virtq q;
    static const char question[] = "ashlar";

    set_up(&q);
    make_ready(&q);
    for (unsigned i = 0; i < sizeof(question); i++) {
        mem.in[i] = question[i];
    }
    mem.desc[0] = (struct desc){IPA_OF(mem.in), sizeof(question), NEXT, 1};
    mem.desc[1] = (struct desc){IPA_OF(mem.out), sizeof(mem.out), WRITE, 0};
    offer(0);
    expect(serve(&q) == ASH_ENOENT, "served");
    expect(ash_virtq_should_notify(&q), "the driver is told");
    expect_equal(mem.used[0] >> 16, 1, "the used index");
    expect(mem.used[1] == 0 && mem.used[2] == sizeof(question), "the used element");
    expect(mem.out[0] == 'A' && mem.out[5] == 'R' && mem.out[6] == '\0', "the answer");

    mem.desc[1].next = 0; /* a loop: only this queue is lost, until the driver's reset */
    mem.desc[1].flags = NEXT;
    offer(1);
    expect(serve(&q) == ASH_EGUEST, "a loop is found");
    expect(ash_virtq_fault(&q)->reason == ASH_VIRTQ_CHAIN_TOO_LONG, "and named");
    ash_virtq_reset(&q);
    make_ready(&q);
    mem.desc[1].flags = WRITE;
    offer(0);
    expect(serve(&q) == ASH_ENOENT && mem.used[0] >> 16 == 1, "after the reset it works");
}
