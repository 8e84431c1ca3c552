/* SPDX-License-Identifier: BSD-2-Clause */
/* Random rings, good and hostile, against an oracle of what may be popped. The oracle is written from
 * VIRTIO 1.2, 2.7, and says for the descriptor at which a walk ends the set of rules that it breaks. */
#include "oracle.h"
#include "rig.h"

#include <string.h>

#include <testkit/seed.h>

#define STEPS      300000U
#define TABLE_SIZE 400U /* bytes of guest memory that indirect tables come from */

/* What must have happened at least once. Reasons stand for themselves. */
enum {
    EVENT_DIRECT = ASH_VIRTQ_REASON_COUNT,
    EVENT_INDIRECT,
    EVENT_MIXED,
    EVENT_EMPTY,
    EVENT_NO_ROOM,
    EVENT_NO_MAP,
    EVENT_NO_BYTES,
    EVENT_PUSHED,
    EVENT_STALE,
    EVENT_RESET,
    EVENT_COUNT
};

struct held {
    uint64_t token;
    uint64_t writable;
    uint16_t head;
};

struct world {
    struct rig rig;
    struct test_rng rng;
    struct ash_virtq_region regions[2];
    uint64_t tables;
    uint16_t taken; /* chains popped in this life */
    uint16_t
        known; /* the driver's index when the device last looked: it does when it has taken all it knew of */
    uint16_t given; /* and pushed */
    struct held held[16];
    unsigned held_count;
    uint64_t stale; /* a token that is not valid any more */
    unsigned long events[EVENT_COUNT];
};

struct verdict {
    int error;
    uint64_t broken; /* rules, by ASH_BIT(reason) */
    uint16_t head;
    unsigned count, direct, indirect, room;
    struct ash_virtq_segment segments[RIG_SEGMENTS];
};

static uint64_t rule(bool is_broken, enum ash_virtq_reason reason)
{
    return is_broken ? ASH_BIT(reason) : 0;
}

static void judge_chain(const struct world *w, struct verdict *v)
{
    const struct mock_driver *drv = &w->rig.drv;
    const unsigned char *table = drv->desc;
    uint64_t entries = drv->size, at = v->head, bytes = 0;
    unsigned elements = 0;
    bool in_table = false, writing = false, more = true;

    while (more) {
        const uint64_t ipa = oracle_field(table + 16 * at, 8), length = oracle_field(table + 16 * at + 8, 4);
        const uint64_t flags = oracle_field(table + 16 * at + 12, 2),
                       next = oracle_field(table + 16 * at + 14, 2);

        if ((flags & MOCK_INDIRECT) != 0) {
            v->broken |=
                rule((drv->features & ASH_VIRTQ_F_INDIRECT_DESC) == 0 || in_table || (flags & MOCK_NEXT),
                     ASH_VIRTQ_BAD_INDIRECT);
            v->broken |=
                rule(length == 0 || length % 16 != 0 || length > 16 * 65536, ASH_VIRTQ_BAD_TABLE_LENGTH);
            v->broken |= rule(!oracle_in_ram(w->regions, ipa, length), ASH_VIRTQ_BAD_TABLE_ADDRESS);
            table = mock_memory_at(&w->rig.mem, ipa, length);
            if (v->broken != 0 || table == NULL) {
                v->error = v->broken != 0 ? ASH_EGUEST : ASH_ENOMEM;
                return;
            }
            in_table = true;
            entries = length / 16;
            at = 0;
            continue;
        }
        more = (flags & MOCK_NEXT) != 0;
        elements++;
        bytes += length;
        v->broken |= rule(elements > drv->size, ASH_VIRTQ_CHAIN_TOO_LONG);
        v->broken |= rule(bytes > UINT64_C(1) << 32, ASH_VIRTQ_TOO_MANY_BYTES);
        v->broken |= rule(length > 0 && !oracle_in_ram(w->regions, ipa, length), ASH_VIRTQ_BAD_ADDRESS);
        v->broken |= rule(writing && (flags & MOCK_WRITE) == 0, ASH_VIRTQ_BAD_DIRECTION);
        v->broken |= rule(more && next >= entries, ASH_VIRTQ_BAD_NEXT);
        if (v->broken != 0) {
            v->error = ASH_EGUEST;
            return;
        }
        writing = (flags & MOCK_WRITE) != 0;
        if (length > 0) {
            v->segments[v->count++] = rig_segment(ipa, (uint32_t)length, writing);
        }
        *(in_table ? &v->indirect : &v->direct) += 1;
        at = next;
    }
    v->error = v->count > v->room ? ASH_ENOSPC : ASH_OK;
}

static void judge(struct world *w, struct verdict *v)
{
    const struct mock_driver *drv = &w->rig.drv;
    uint16_t there;
    bool held = false;

    w->known = w->known == w->taken ? mock_read16(drv->avail + 2) : w->known;
    there = (uint16_t)(w->known - w->taken);
    v->head = mock_read16(drv->avail + 4 + 2 * (w->taken % drv->size));
    for (unsigned i = 0; i < w->held_count; i++) {
        held |= w->held[i].head == v->head;
    }
    v->broken = rule(there > drv->size, ASH_VIRTQ_BAD_AVAIL_INDEX);
    if (v->broken == 0 && there > 0) {
        v->broken |= rule(v->head >= drv->size, ASH_VIRTQ_BAD_HEAD) | rule(held, ASH_VIRTQ_HEAD_IN_USE);
    }
    v->error = v->broken != 0 ? ASH_EGUEST : ASH_ENOENT;
    if (v->broken == 0 && there > 0) {
        judge_chain(w, v);
    }
}

static bool one_in(struct world *w, unsigned n)
{
    return test_rng_below(&w->rng, n) == 0;
}

static uint64_t pick_address(struct world *w)
{
    static const uint64_t edges[] = {0,         0x1000, 0x2000, MOCK_RAM_BASE, MOCK_RAM_BASE + MOCK_RAM_SIZE,
                                     UINT64_MAX};

    if (one_in(w, 30)) {
        return edges[test_rng_below(&w->rng, 6)] + test_rng_below(&w->rng, 40) - 20;
    }
    return MOCK_RAM_BASE + test_rng_below(&w->rng, MOCK_RAM_SIZE / 2);
}

static uint32_t pick_length(struct world *w)
{
    static const uint32_t odd[] = {0, 0, 1, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF};

    return one_in(w, 12) ? odd[test_rng_below(&w->rng, 6)] : (uint32_t)test_rng_below(&w->rng, 5000);
}

/* A chain of about @count in a table of @entries, from @at on; sometimes with a fault. */
static void write_chain(struct world *w, unsigned char *table, unsigned entries, unsigned at, unsigned count)
{
    const unsigned readable = (unsigned)test_rng_below(&w->rng, count + 1);

    for (unsigned i = 0; i < count; i++) {
        unsigned next = (at + 1) % entries;
        unsigned flags = (i >= readable ? MOCK_WRITE : 0U) | (i + 1 < count ? MOCK_NEXT : 0U);

        flags ^= one_in(w, 80) ? 1U << test_rng_below(&w->rng, 16) : 0U;
        mock_descriptor(table, at, pick_address(w), pick_length(w), flags,
                        one_in(w, 80) ? (unsigned)test_rng_below(&w->rng, entries * 2) : next);
        at = next;
    }
}

static void write_table(struct world *w, unsigned at)
{
    const unsigned skew = (unsigned)test_rng_below(&w->rng, 17);
    const unsigned entries = 1 + (unsigned)test_rng_below(&w->rng, 20);
    uint64_t ipa = w->tables + skew;
    uint32_t length = 16 * entries;

    write_chain(w, mock_memory_at(&w->rig.mem, ipa, length), entries, 0,
                1 + (unsigned)test_rng_below(&w->rng, entries));
    if (one_in(w, 20)) {
        ipa =
            one_in(w, 2) ? pick_address(w) : MOCK_RAM_BASE + MOCK_RAM_SIZE - test_rng_below(&w->rng, length);
    }
    if (one_in(w, 30)) {
        length += (uint32_t)test_rng_below(&w->rng, 40);
    }
    mock_descriptor(w->rig.drv.desc, at, ipa, length,
                    MOCK_INDIRECT | (one_in(w, 50) ? MOCK_NEXT : 0U) | (one_in(w, 3) ? MOCK_WRITE : 0U), 0);
}

/* The driver offers a chain, mostly with a head that is free. */
static void offer(struct world *w)
{
    struct mock_driver *drv = &w->rig.drv;
    unsigned head = (unsigned)test_rng_below(&w->rng, drv->size);
    const unsigned direct = 1 + (unsigned)test_rng_below(&w->rng, drv->size);

    for (unsigned i = 0; i < w->held_count && !one_in(w, 100); i++) {
        if (w->held[i].head == head) {
            head = (head + 1) % drv->size;
            i = 0;
        }
    }
    write_chain(w, drv->desc, drv->size, head, direct);
    if (one_in(w, (drv->features & ASH_VIRTQ_F_INDIRECT_DESC) != 0 ? 2 : 50)) {
        write_table(w, (head + direct - 1) % drv->size);
    }
    if (one_in(w, 200)) {
        drv->desc[test_rng_below(&w->rng, 16UL * drv->size)] ^=
            (unsigned char)(1U << test_rng_below(&w->rng, 8));
    }
    mock_driver_offer(drv, one_in(w, 200) ? (uint16_t)test_rng_next(&w->rng) : (uint16_t)head);
    if (one_in(w, 300)) {
        drv->added = (uint16_t)test_rng_next(&w->rng);
    }
    mock_driver_publish(drv);
}

static void expect_segments(const struct world *w, const struct verdict *v)
{
    uint64_t bytes[2] = {0, 0};

    assert_int_equal(w->rig.chain.segment_count, v->count);
    for (unsigned i = 0; i < v->count; i++) {
        rig_expect_segment(&w->rig, i, v->segments[i].ipa.value, v->segments[i].length,
                           v->segments[i].writable);
        bytes[v->segments[i].writable] += v->segments[i].length;
    }
    assert_int_equal(w->rig.chain.readable_bytes, bytes[0]);
    assert_int_equal(w->rig.chain.writable_bytes, bytes[1]);
}

static void keep(struct world *w, const struct verdict *v)
{
    expect_segments(w, v);
    assert_int_not_equal(w->rig.chain.token, w->stale);
    w->held[w->held_count++] = (struct held){w->rig.chain.token, w->rig.chain.writable_bytes, v->head};
    w->taken++;
    w->events[v->indirect == 0 ? EVENT_DIRECT : v->direct == 0 ? EVENT_INDIRECT : EVENT_MIXED]++;
    w->events[EVENT_NO_BYTES] += v->count == 0;
}

static void start(struct world *w)
{
    static const uint64_t features[] = {0, ASH_VIRTQ_F_INDIRECT_DESC, ASH_VIRTQ_F_EVENT_IDX,
                                        RIG_SPLIT_FEATURES};

    mock_driver_init(&w->rig.drv, &w->rig.mem, 1U << test_rng_below(&w->rng, 5),
                     features[test_rng_below(&w->rng, 4)]);
    assert_int_equal(ash_virtq_setup(&w->rig.q, &w->rig.drv.layout), ASH_OK);
    w->taken = 0;
    w->known = 0;
    w->given = 0;
    w->held_count = 0;
}

static void restart(struct world *w)
{
    if (w->held_count > 0) {
        w->stale = w->held[0].token;
    }
    ash_virtq_reset(&w->rig.q);
    mock_driver_fini(&w->rig.drv);
    start(w);
    w->events[EVENT_RESET]++;
}

static void pop(struct world *w)
{
    struct verdict v = {.room = one_in(w, 20) ? (unsigned)test_rng_below(&w->rng, 4) : RIG_SEGMENTS};
    int error;

    judge(w, &v);
    error = ash_virtq_pop(&w->rig.q, w->rig.segments, v.room, &w->rig.chain);
    assert_int_equal(error, v.error);
    assert_int_equal(w->rig.mem.mapped, 3);
    if (error == ASH_OK) {
        keep(w, &v);
    } else if (error == ASH_EGUEST) {
        const enum ash_virtq_reason reason = ash_virtq_fault(&w->rig.q)->reason;

        assert_true((v.broken & ASH_BIT(reason)) != 0);
        w->events[reason]++;
        restart(w);
    } else {
        w->events[error == ASH_ENOENT ? EVENT_EMPTY : error == ASH_ENOSPC ? EVENT_NO_ROOM : EVENT_NO_MAP]++;
        if (error == ASH_ENOMEM || (error == ASH_ENOSPC && one_in(w, 3))) {
            restart(w); /* that chain would be the next for ever, or soon is */
        }
    }
}

static void push(struct world *w)
{
    const unsigned i = (unsigned)test_rng_below(&w->rng, w->held_count);
    const struct held held = w->held[i];
    const uint64_t most = held.writable < UINT32_MAX ? held.writable : UINT32_MAX;
    const uint32_t written = (uint32_t)test_rng_below(&w->rng, most + 1);
    const unsigned char *entry = w->rig.drv.used + 4 + 8 * (w->given % w->rig.drv.size);

    if (most < UINT32_MAX) {
        assert_int_equal(ash_virtq_push(&w->rig.q, held.token, (uint32_t)most + 1), ASH_ERANGE);
    }
    assert_int_equal(ash_virtq_push(&w->rig.q, held.token, written), ASH_OK);
    w->given++;
    w->held[i] = w->held[--w->held_count];
    w->stale = held.token;
    assert_int_equal(mock_read32(entry), held.head);
    assert_int_equal(mock_read32(entry + 4), written);
    assert_int_equal(mock_read16(w->rig.drv.used + 2), w->given);
    assert_int_equal(ash_virtq_in_flight(&w->rig.q), w->held_count);
    w->events[EVENT_PUSHED]++;
}

static void step(struct world *w)
{
    const unsigned space = w->rig.drv.size - (uint16_t)(w->rig.drv.added - w->taken);

    if (space > w->held_count && space <= w->rig.drv.size && !one_in(w, 3)) {
        offer(w);
    } else if (w->held_count > 0 && one_in(w, 2)) {
        push(w);
    } else if (one_in(w, 50)) {
        assert_int_equal(ash_virtq_push(&w->rig.q, w->stale, 0), ASH_ENOENT);
        w->events[EVENT_STALE] += w->stale != 0;
    } else {
        pop(w);
    }
}

static void only_what_the_oracle_allows_is_popped(void **state)
{
    static struct world w;

    (void)state;
    memset(&w, 0, sizeof(w));
    test_rng_init(&w.rng, "virtq");
    rig_prepare(&w.rig, 16, 0);
    mock_driver_fini(&w.rig.drv);
    w.tables = mock_memory_alloc(&w.rig.mem, TABLE_SIZE, 0);
    w.regions[0] = (struct ash_virtq_region){ash_ipa(0x1000), 0x1000, NULL};
    w.regions[1] = w.rig.region;
    w.rig.config.regions = w.regions;
    w.rig.config.region_count = 2;
    assert_int_equal(ash_virtq_init(&w.rig.q, &w.rig.config, &mock_memory_hal, &w.rig.mem), ASH_OK);
    start(&w);
    for (unsigned i = 0; i < STEPS; i++) {
        step(&w);
    }
    rig_close(&w.rig);
    for (unsigned i = 0; i < EVENT_COUNT; i++) {
        const bool not_here = i == ASH_VIRTQ_FINE || i == ASH_VIRTQ_BAD_SIZE ||
                              i == ASH_VIRTQ_BAD_ALIGNMENT || i == ASH_VIRTQ_BAD_AREA ||
                              i == ASH_VIRTQ_REFUSED;

        printf("%s%u: %lu%s", i < ASH_VIRTQ_REASON_COUNT ? "reason " : "event ", i, w.events[i],
               i % 4 == 3 || i + 1 == EVENT_COUNT ? "\n" : ", ");
        assert_true(not_here || w.events[i] > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_the_oracle_allows_is_popped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
