/* SPDX-License-Identifier: BSD-2-Clause */
/* Random packed rings, good and hostile, against an oracle of what may be popped and of what is written back.
 * The oracle is written from VIRTIO 1.2, 2.8, and says for the descriptor at which a walk ends the set of
 * rules that it breaks. */
#include "oracle.h"
#include "rig.h"

#include <string.h>

#include <testkit/seed.h>

#define STEPS      300000U
#define SIZE_MAX_  16U
#define TABLE_SIZE 400U

enum { AVAIL = 0x80, USED = 0x8000 };

/* What must have happened at least once. Reasons stand for themselves. */
enum {
    EVENT_DIRECT = ASH_VIRTQ_REASON_COUNT,
    EVENT_INDIRECT,
    EVENT_MIXED,
    EVENT_EMPTY,
    EVENT_NO_ROOM,
    EVENT_NO_MAP,
    EVENT_NO_BYTES,
    EVENT_WRAPPED,
    EVENT_PUSHED,
    EVENT_OUT_OF_ORDER,
    EVENT_UNPOPPED,
    EVENT_STALE,
    EVENT_RESET,
    EVENT_COUNT
};

/* A place in the ring, with the lap's wrap counter (2.8.1). */
struct place {
    unsigned at;
    bool wrap;
};

struct held {
    uint64_t token, writable;
    uint16_t id;
    unsigned count; /* descriptors of the ring */
};

struct world {
    struct rig rig;
    struct test_rng rng;
    struct ash_virtq_region regions[2];
    uint64_t tables;
    struct place driver; /* where its next chain goes */
    struct place take;   /* where the device looks */
    struct place used;   /* where it writes */
    unsigned out;        /* descriptors that the driver offered and did not get back */
    unsigned in_device;  /* descriptors of the chains that are held */
    struct held held[SIZE_MAX_];
    unsigned held_count;
    uint64_t stale;
    unsigned long events[EVENT_COUNT];
};

struct verdict {
    int error;
    uint64_t broken; /* rules, by ASH_BIT(reason) */
    uint16_t id;
    unsigned taken; /* descriptors of the ring */
    unsigned elements, bytes_elements, room, direct, indirect;
    uint64_t bytes;
    bool writing;
    struct ash_virtq_segment segments[64U + RIG_SEGMENTS];
};

static bool one_in(struct world *w, unsigned n)
{
    return test_rng_below(&w->rng, n) == 0;
}

static unsigned below(struct world *w, unsigned n)
{
    return (unsigned)test_rng_below(&w->rng, n);
}

static struct place next(const struct world *w, struct place p, unsigned count)
{
    for (; count > 0; count--) {
        p.at++;
        if (p.at == w->rig.drv.size) {
            p.at = 0;
            p.wrap = !p.wrap;
        }
    }
    return p;
}

static void breaks(struct verdict *v, bool is_broken, enum ash_virtq_reason reason)
{
    v->broken |= is_broken ? ASH_BIT(reason) : 0;
}

/* One buffer (2.8.2); queue size bounds the elements of a chain. */
static void judge_element(const struct world *w, struct verdict *v, const unsigned char *d)
{
    const uint64_t ipa = oracle_field(d, 8), length = oracle_field(d + 8, 4), flags = oracle_field(d + 14, 2);
    const bool writable = (flags & MOCK_WRITE) != 0;

    v->elements++;
    v->bytes += length;
    breaks(v, v->elements > w->rig.drv.size, ASH_VIRTQ_CHAIN_TOO_LONG);
    breaks(v, v->bytes > UINT64_C(1) << 32, ASH_VIRTQ_TOO_MANY_BYTES);
    breaks(v, length > 0 && !oracle_in_ram(w->regions, ipa, length), ASH_VIRTQ_BAD_ADDRESS);
    breaks(v, v->writing && !writable, ASH_VIRTQ_BAD_DIRECTION);
    v->writing = writable;
    if (v->broken == 0 && length > 0) {
        v->segments[v->bytes_elements++] = rig_segment(ipa, (uint32_t)length, writable);
    }
}

/* 2.8.7: all of the table, in its order. */
static void judge_table(const struct world *w, struct verdict *v, const unsigned char *d)
{
    const uint64_t ipa = oracle_field(d, 8), length = oracle_field(d + 8, 4), flags = oracle_field(d + 14, 2);
    const unsigned char *table;

    breaks(v,
           (w->rig.drv.features & ASH_VIRTQ_F_INDIRECT_DESC) == 0 || v->indirect > 0 ||
               (flags & MOCK_NEXT) != 0,
           ASH_VIRTQ_BAD_INDIRECT);
    breaks(v, length == 0 || length % 16 != 0 || length > 16 * 65536, ASH_VIRTQ_BAD_TABLE_LENGTH);
    breaks(v, !oracle_in_ram(w->regions, ipa, length), ASH_VIRTQ_BAD_TABLE_ADDRESS);
    if (v->broken != 0) {
        return;
    }
    table = mock_memory_at(&w->rig.mem, ipa, length);
    v->error = table == NULL ? ASH_ENOMEM : ASH_OK;
    for (uint64_t i = 0; table != NULL && i < length / 16 && v->broken == 0; i++) {
        judge_element(w, v, table + 16 * i);
        v->indirect++;
    }
}

static bool is_available(const struct world *w)
{
    const unsigned flags = mock_read16(w->rig.drv.desc + 16UL * w->take.at + 14);

    return ((flags & AVAIL) != 0) == w->take.wrap && ((flags & USED) != 0) != w->take.wrap;
}

static void judge(const struct world *w, struct verdict *v)
{
    struct place at = w->take;
    bool more = true;

    v->error = ASH_ENOENT;
    if (!is_available(w)) {
        return;
    }
    v->error = ASH_OK;
    while (more && v->broken == 0 && v->error == ASH_OK) {
        const unsigned char *d = w->rig.drv.desc + 16UL * at.at;
        const uint64_t flags = oracle_field(d + 14, 2);

        if ((flags & MOCK_INDIRECT) != 0) {
            judge_table(w, v, d);
        } else {
            judge_element(w, v, d);
            v->direct++;
        }
        v->id = (uint16_t)oracle_field(d + 12, 2); /* the last one's counts (2.8.6) */
        v->taken++;
        more = (flags & MOCK_NEXT) != 0;
        at = next(w, at, 1);
    }
    if (v->broken == 0 && v->error == ASH_OK) {
        breaks(v, v->taken + w->in_device > w->rig.drv.size, ASH_VIRTQ_BAD_AVAIL_INDEX);
    }
    if (v->broken != 0) {
        v->error = ASH_EGUEST;
    } else if (v->error == ASH_OK && v->bytes_elements > v->room) {
        v->error = ASH_ENOSPC;
    }
}

static uint64_t pick_address(struct world *w)
{
    static const uint64_t edges[] = {0,         0x1000, 0x2000, MOCK_RAM_BASE, MOCK_RAM_BASE + MOCK_RAM_SIZE,
                                     UINT64_MAX};

    if (one_in(w, 40)) {
        return edges[below(w, 6)] + below(w, 40) - 20;
    }
    return MOCK_RAM_BASE + test_rng_below(&w->rng, MOCK_RAM_SIZE / 2);
}

static uint32_t pick_length(struct world *w)
{
    static const uint32_t odd[] = {0, 0, 1, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF};

    return one_in(w, 12) ? odd[below(w, 6)] : below(w, 5000);
}

static void write_table(struct world *w, unsigned char *entry)
{
    const unsigned entries = 1 + below(w, one_in(w, 10) ? 20 : 4), readable = below(w, entries + 1);
    uint64_t ipa = w->tables + below(w, 17);
    uint32_t length = 16 * entries;
    unsigned char *table = mock_memory_at(&w->rig.mem, ipa, length);

    for (unsigned i = 0; i < entries; i++) {
        mock_packed_descriptor(table, i, pick_address(w), pick_length(w), (uint16_t)test_rng_next(&w->rng));
        mock_write16(table + 16UL * i + 14, i >= readable ? MOCK_WRITE : 0);
    }
    if (one_in(w, 20)) {
        ipa = one_in(w, 2) ? pick_address(w) : MOCK_RAM_BASE + MOCK_RAM_SIZE - below(w, length);
    }
    length += one_in(w, 30) ? below(w, 40) : 0;
    mock_packed_descriptor(entry, 0, ipa, length, (uint16_t)test_rng_next(&w->rng));
}

/* A chain where the driver's next one goes, its head's flags last; sometimes with a fault, or of entries that
 * are not the driver's now. */
static void offer(struct world *w)
{
    const unsigned space = w->rig.drv.size - w->out;
    const unsigned most = one_in(w, 60) ? w->rig.drv.size : space;
    const unsigned count = most == 0 ? 0 : 1 + below(w, most), readable = below(w, count + 1);
    const bool indirect = one_in(w, (w->rig.drv.features & ASH_VIRTQ_F_INDIRECT_DESC) != 0 ? 2 : 50);
    unsigned char *head = NULL;
    unsigned head_flags = 0;

    for (unsigned i = 0; i < count; i++) {
        unsigned char *d = w->rig.drv.desc + 16UL * w->driver.at;
        unsigned flags = (w->driver.wrap ? AVAIL : USED) | (i >= readable ? MOCK_WRITE : 0U) |
                         (i + 1 < count ? MOCK_NEXT : 0U);

        if (indirect && i + 1 == count) {
            write_table(w, d);
            flags = (flags & ~(unsigned)MOCK_WRITE) | MOCK_INDIRECT | (one_in(w, 50) ? MOCK_NEXT : 0U);
        } else {
            mock_packed_descriptor(d, 0, pick_address(w), pick_length(w), (uint16_t)test_rng_next(&w->rng));
        }
        flags ^= one_in(w, 80) ? 1U << below(w, 16) : 0U;
        if (i == 0) {
            head = d;
            head_flags = flags;
        } else {
            mock_write16(d + 14, (uint16_t)flags);
        }
        w->driver = next(w, w->driver, 1);
    }
    w->out += count <= space ? count : space;
    if (head != NULL) {
        mock_write16(head + 14, (uint16_t)head_flags);
    }
    if (one_in(w, 200)) {
        w->rig.drv.desc[below(w, 16 * w->rig.drv.size)] ^= (unsigned char)(1U << below(w, 8));
    }
}

static void start(struct world *w)
{
    const uint64_t features =
        (one_in(w, 2) ? ASH_VIRTQ_F_INDIRECT_DESC : 0) | (one_in(w, 2) ? ASH_VIRTQ_F_EVENT_IDX : 0);

    mock_driver_init(&w->rig.drv, &w->rig.mem, 1 + below(w, SIZE_MAX_), features | ASH_VIRTQ_F_PACKED);
    assert_int_equal(ash_virtq_setup(&w->rig.q, &w->rig.drv.layout), ASH_OK);
    w->driver = w->take = w->used = (struct place){0, true};
    w->out = w->in_device = w->held_count = 0;
}

static void restart(struct world *w)
{
    w->stale = w->held_count > 0 ? w->held[0].token : w->stale;
    ash_virtq_reset(&w->rig.q);
    mock_driver_fini(&w->rig.drv);
    start(w);
    w->events[EVENT_RESET]++;
}

static void keep(struct world *w, const struct verdict *v)
{
    uint64_t bytes[2] = {0, 0};

    assert_int_equal(w->rig.chain.segment_count, v->bytes_elements);
    for (unsigned i = 0; i < v->bytes_elements; i++) {
        rig_expect_segment(&w->rig, i, v->segments[i].ipa.value, v->segments[i].length,
                           v->segments[i].writable);
        bytes[v->segments[i].writable] += v->segments[i].length;
    }
    assert_int_equal(w->rig.chain.readable_bytes, bytes[0]);
    assert_int_equal(w->rig.chain.writable_bytes, bytes[1]);
    assert_int_not_equal(w->rig.chain.token, w->stale);
    w->held[w->held_count++] =
        (struct held){w->rig.chain.token, w->rig.chain.writable_bytes, v->id, v->taken};
    w->in_device += v->taken;
    w->events[EVENT_WRAPPED] += w->take.at + v->taken > w->rig.drv.size;
    w->take = next(w, w->take, v->taken);
    w->events[v->indirect == 0 ? EVENT_DIRECT : v->direct == 0 ? EVENT_INDIRECT : EVENT_MIXED]++;
    w->events[EVENT_NO_BYTES] += v->bytes_elements == 0;
}

static void pop(struct world *w)
{
    struct verdict v = {.room = one_in(w, 20) ? below(w, 4) : RIG_SEGMENTS};
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
        if (error == ASH_ENOMEM || (error == ASH_ENOSPC && one_in(w, 3)) ||
            (error == ASH_ENOENT && w->out > 0 && w->held_count == 0)) {
            restart(w); /* that chain would be the next for ever, or soon is; or a head that never is one */
        }
    }
}

/* The used entry (2.8.6): in the next place, with the chain's id; both flags are the lap's. */
static void push(struct world *w)
{
    const unsigned i = below(w, w->held_count);
    const struct held held = w->held[i];
    const uint64_t most = held.writable < UINT32_MAX ? held.writable : UINT32_MAX;
    const uint32_t written = (uint32_t)test_rng_below(&w->rng, most + 1);
    const unsigned char *entry = w->rig.drv.desc + 16UL * w->used.at;
    const unsigned lap = w->used.wrap ? (unsigned)AVAIL | USED : 0U;

    if (most < UINT32_MAX) {
        assert_int_equal(ash_virtq_push(&w->rig.q, held.token, (uint32_t)most + 1), ASH_ERANGE);
    }
    assert_int_equal(ash_virtq_push(&w->rig.q, held.token, written), ASH_OK);
    assert_int_equal(mock_read32(entry + 8), written);
    assert_int_equal(mock_read16(entry + 12), held.id);
    assert_int_equal(mock_read16(entry + 14), lap | (written > 0 ? (unsigned)MOCK_WRITE : 0U));
    w->used = next(w, w->used, held.count);
    w->in_device -= held.count;
    w->out -= held.count <= w->out ? held.count : w->out;
    w->events[EVENT_OUT_OF_ORDER] += i > 0;
    memmove(&w->held[i], &w->held[i + 1], (--w->held_count - i) * sizeof(w->held[0]));
    w->stale = held.token;
    assert_int_equal(ash_virtq_in_flight(&w->rig.q), w->held_count);
    w->events[EVENT_PUSHED]++;
}

/* The youngest is the next again, with what the driver made of it meanwhile. */
static void unpop(struct world *w)
{
    const struct held *held = &w->held[w->held_count - 1];
    const unsigned back = 2 * w->rig.drv.size - held->count;

    if (ash_virtq_unpop(&w->rig.q, &held->token, 1) != ASH_OK) {
        return; /* a younger one went back already */
    }
    w->held_count--;
    w->in_device -= held->count;
    w->stale = held->token;
    w->take = next(w, w->take, back);
    w->events[EVENT_UNPOPPED]++;
}

static void step(struct world *w)
{
    if (!one_in(w, 3) && (w->out < w->rig.drv.size || one_in(w, 100))) {
        offer(w);
    } else if (w->held_count > 0 && one_in(w, 2)) {
        push(w);
    } else if (w->held_count > 0 && one_in(w, 20)) {
        unpop(w);
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
    test_rng_init(&w.rng, "virtq-packed");
    rig_prepare(&w.rig, SIZE_MAX_, 0);
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
        /* A head and a next are what the split ring has. */
        const bool not_here = i == ASH_VIRTQ_FINE || i == ASH_VIRTQ_BAD_SIZE ||
                              i == ASH_VIRTQ_BAD_ALIGNMENT || i == ASH_VIRTQ_BAD_AREA ||
                              i == ASH_VIRTQ_REFUSED || i == ASH_VIRTQ_BAD_HEAD ||
                              i == ASH_VIRTQ_HEAD_IN_USE || i == ASH_VIRTQ_BAD_NEXT;

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
