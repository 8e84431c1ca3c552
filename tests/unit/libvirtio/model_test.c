/* SPDX-License-Identifier: BSD-2-Clause */
/* A well-behaved driver and a device that do what comes to their minds, on both rings, in every combination
 * of features. The oracle is a list of what was offered and when: each chain comes out once, as it was
 * offered, and goes back once; who must be notified is counted by 2.7.7.2, 2.7.10.1, 2.8.9 and 2.8.10,
 * entry by entry. */
#include "rig.h"

#include <string.h>

#include <testkit/seed.h>

#define STEPS     60000U
#define QUEUE_MAX 9U
#define SEGMENTS  4U

enum event {
    EVENT_DIRECT,
    EVENT_INDIRECT,
    EVENT_FULL,
    EVENT_EMPTY,
    EVENT_BATCH,
    EVENT_OUT_OF_ORDER,
    EVENT_HELD_BACK,
    EVENT_NOTIFIED,
    EVENT_NOT_NOTIFIED,
    EVENT_KICKED,
    EVENT_NOT_KICKED,
    EVENT_LATE,
    EVENT_UNPOPPED,
    EVENT_RESET,
    EVENT_COUNT
};

struct offer {
    bool out;               /* offered, not yet taken back by the driver */
    bool held;              /* by the device */
    bool back;              /* given back */
    bool entries_are_chain; /* no indirect table */
    uint64_t token, writable;
    uint32_t written;
    unsigned count, entries;
    struct ash_virtq_segment segments[SEGMENTS];
};

struct world {
    struct rig rig;
    struct test_rng rng;
    struct offer offers[QUEUE_MAX]; /* by head */
    unsigned order[64];             /* heads, as offered, not taken back by the driver */
    unsigned ordered, popped;       /* of them */
    unsigned published;             /* of them: may be popped */
    unsigned used[64];              /* heads, as they must come back */
    unsigned used_count, used_shown;
    unsigned seen_entries; /* ring entries used in this life, as shown to the driver */
    bool interrupts;       /* what the driver asked for, last */
    bool by_event;         /* it said so by naming an entry: */
    unsigned event;        /* this one */
    unsigned asked;        /* seen_entries when should_notify() was last asked */
    uint64_t stale;
    bool must_kick; /* the device was told that the queue is empty, and has not looked since */
    unsigned long events[EVENT_COUNT];
};

static bool one_in(struct world *w, unsigned n)
{
    return test_rng_below(&w->rng, n) == 0;
}

static bool has(const struct world *w, uint64_t feature)
{
    return (w->rig.drv.features & feature) != 0;
}

static void offer(struct world *w)
{
    struct mock_driver *drv = &w->rig.drv;
    struct offer made = {.out = true, .count = 1 + (unsigned)test_rng_below(&w->rng, SEGMENTS)};
    const unsigned readable = (unsigned)test_rng_below(&w->rng, made.count + 1);
    const bool indirect = has(w, ASH_VIRTQ_F_INDIRECT_DESC) && one_in(w, 2);
    int head;

    made.count = made.count > drv->size ? drv->size : made.count;
    for (unsigned i = 0; i < made.count; i++) {
        made.segments[i] = rig_segment(MOCK_RAM_BASE + test_rng_below(&w->rng, MOCK_RAM_SIZE / 2),
                                       1 + (uint32_t)test_rng_below(&w->rng, 5000), i >= readable);
        made.writable += i >= readable ? made.segments[i].length : 0;
    }
    if (indirect) {
        const uint64_t table = mock_memory_alloc(&w->rig.mem, 16UL * made.count, 0);

        head = mock_driver_add_indirect(drv, table, made.segments, made.count);
        made.token = table; /* freed when the chain is taken out */
    } else {
        head = mock_driver_add(drv, made.segments, made.count);
    }
    if (head < 0) {
        if (indirect) {
            mock_memory_free(&w->rig.mem, made.token);
        }
        w->events[EVENT_FULL]++;
        return;
    }
    assert_false(w->offers[head].out);
    made.entries = has(w, ASH_VIRTQ_F_PACKED) && !indirect ? made.count : 1;
    made.entries_are_chain = !indirect;
    w->offers[head] = made;
    w->order[w->ordered++] = (unsigned)head;
    w->events[indirect ? EVENT_INDIRECT : EVENT_DIRECT]++;
}

static void publish_offers(struct world *w)
{
    bool kick;

    w->events[EVENT_BATCH] += w->ordered - w->published > 1;
    mock_driver_publish(&w->rig.drv);
    kick = mock_driver_should_kick(&w->rig.drv);
    if (w->ordered > w->published) {
        assert_true(kick || !w->must_kick);
        w->must_kick = false;
        w->events[kick ? EVENT_KICKED : EVENT_NOT_KICKED]++;
    } else {
        assert_false(kick);
    }
    w->published = w->ordered;
}

static void pop(struct world *w)
{
    const int error = rig_pop(&w->rig);
    struct offer *expected;
    uint64_t table;

    assert_int_equal(error, w->popped < w->published ? ASH_OK : ASH_ENOENT);
    if (error != ASH_OK) {
        w->must_kick = w->rig.q.kicks_enabled;
        w->events[EVENT_EMPTY]++;
        return;
    }
    expected = &w->offers[w->order[w->popped++]];
    assert_int_equal(w->rig.chain.segment_count, expected->count);
    for (unsigned i = 0; i < expected->count; i++) {
        rig_expect_segment(&w->rig, i, expected->segments[i].ipa.value, expected->segments[i].length,
                           expected->segments[i].writable);
    }
    assert_int_equal(w->rig.chain.writable_bytes, expected->writable);
    table = expected->token;
    if (table != 0) {
        mock_memory_free(&w->rig.mem, table); /* it is read, and never again */
    }
    expected->held = true;
    expected->token = w->rig.chain.token;
}

/* The last few that were popped are the next again. A table that is read again must still be there: direct
 * ones only. */
static void unpop(struct world *w)
{
    const unsigned want = 1 + (unsigned)test_rng_below(&w->rng, 3);
    uint64_t tokens[3];
    unsigned count = 0;

    while (count < want && count < w->popped && w->offers[w->order[w->popped - 1 - count]].held &&
           w->offers[w->order[w->popped - 1 - count]].entries_are_chain) {
        count++;
    }
    for (unsigned i = 0; i < count; i++) {
        tokens[i] = w->offers[w->order[w->popped - count + i]].token;
    }
    if (count == 0 || ash_virtq_unpop(&w->rig.q, tokens, count) != ASH_OK) {
        return; /* younger ones went back already */
    }
    for (unsigned i = 0; i < count; i++) {
        struct offer *o = &w->offers[w->order[w->popped - count + i]];

        o->held = false;
        o->token = 0;
        w->stale = tokens[i];
    }
    w->popped -= count;
    w->events[EVENT_UNPOPPED]++;
}

/* All that may come back now, in this order. */
static void show(struct world *w, unsigned head)
{
    if (!has(w, ASH_VIRTQ_F_IN_ORDER)) {
        w->used[w->used_count++] = head;
        return;
    }
    for (unsigned i = 0; i < w->popped; i++) {
        const unsigned next = w->order[i];
        bool listed = false;

        for (unsigned j = 0; j < w->used_count; j++) {
            listed |= w->used[j] == next;
        }
        if (!w->offers[next].back) {
            w->events[EVENT_HELD_BACK] += next != head && !listed;
            return;
        }
        if (!listed) {
            w->used[w->used_count++] = next;
        }
    }
}

static void give_back(struct world *w)
{
    struct offer *o;
    unsigned i;

    if (w->popped == 0) {
        return;
    }
    i = (unsigned)test_rng_below(&w->rng, w->popped);
    o = &w->offers[w->order[i]];
    if (!o->held) {
        assert_int_equal(ash_virtq_stage(&w->rig.q, o->token, 0), ASH_ENOENT);
        return;
    }
    o->written = (uint32_t)test_rng_below(&w->rng, o->writable + 1);
    assert_int_equal(ash_virtq_stage(&w->rig.q, o->token, (uint32_t)o->writable + 1), ASH_ERANGE);
    assert_int_equal(ash_virtq_stage(&w->rig.q, o->token, o->written), ASH_OK);
    o->held = false;
    o->back = true;
    w->stale = o->token;
    w->events[EVENT_OUT_OF_ORDER] += i > 0;
    show(w, w->order[i]);
}

static void publish_used(struct world *w)
{
    ash_virtq_publish(&w->rig.q);
    while (w->used_shown < w->used_count) {
        w->seen_entries += w->offers[w->used[w->used_shown++]].entries;
    }
}

/* Does the driver's event name one of these entries? A name comes again: 2^16 entries, or two laps, on. */
static bool names_one_of(const struct world *w, unsigned from, unsigned to)
{
    const int64_t period = has(w, ASH_VIRTQ_F_PACKED) ? 2 * w->rig.drv.size : 65536;

    for (unsigned entry = from; entry < to; entry++) {
        if (((int64_t)entry - (int32_t)w->event) % period == 0) {
            return true;
        }
    }
    return false;
}

static void ask(struct world *w)
{
    bool expected = w->seen_entries != w->asked && w->interrupts;
    bool told;

    if (w->by_event) {
        expected = names_one_of(w, w->asked, w->seen_entries);
    }
    told = ash_virtq_should_notify(&w->rig.q);
    assert_int_equal(told, expected);
    w->events[told ? EVENT_NOTIFIED : EVENT_NOT_NOTIFIED]++;
    w->asked = w->seen_entries;
}

static void forget(struct world *w, unsigned head)
{
    unsigned at = 0;

    while (w->order[at] != head) {
        at++;
    }
    memmove(&w->order[at], &w->order[at + 1], (w->ordered - at - 1) * sizeof(w->order[0]));
    w->ordered--;
    w->published--;
    w->popped--;
    memmove(&w->used[0], &w->used[1], (w->used_count - 1) * sizeof(w->used[0]));
    w->used_count--;
    w->used_shown--;
}

static void take_used(struct world *w)
{
    struct mock_used used;
    const bool there = mock_driver_take_used(&w->rig.drv, &used);

    assert_int_equal(there, w->used_shown > 0);
    if (!there) {
        return;
    }
    assert_int_equal(used.head, w->used[0]);
    assert_int_equal(used.written, w->offers[used.head].written);
    w->offers[used.head].out = false;
    w->offers[used.head].back = false;
    forget(w, used.head);
}

/* The driver's idea of the entry that comes next. */
static unsigned next_entry(const struct world *w)
{
    unsigned entries = w->seen_entries;

    for (unsigned i = 0; i < w->used_shown; i++) {
        entries -= w->offers[w->used[i]].entries;
    }
    return entries;
}

static void set_interrupts(struct world *w)
{
    const bool enable = one_in(w, 2);

    assert_int_equal(mock_driver_set_interrupts(&w->rig.drv, enable), enable && w->used_shown > 0);
    w->interrupts = enable;
    /* A split ring has no flag beside the event index: what is disabled is an entry just behind the driver.
     * */
    w->by_event = has(w, ASH_VIRTQ_F_EVENT_IDX) && (enable || !has(w, ASH_VIRTQ_F_PACKED));
    w->event = next_entry(w) - (enable ? 0U : 1U);
    ask(w); /* so that the entry that it names is not one of before */
}

static void kicks(struct world *w)
{
    if (one_in(w, 2)) {
        ash_virtq_disable_kicks(&w->rig.q);
        w->must_kick = false;
    } else {
        const bool there = ash_virtq_enable_kicks(&w->rig.q);

        assert_int_equal(there, w->popped < w->published);
        w->must_kick = !there;
    }
}

static void start(struct world *w, uint64_t features)
{
    unsigned size = 1U + (unsigned)test_rng_below(&w->rng, QUEUE_MAX);

    while ((features & ASH_VIRTQ_F_PACKED) == 0 && (size & (size - 1)) != 0) {
        size--;
    }
    mock_driver_init(&w->rig.drv, &w->rig.mem, size, features);
    assert_int_equal(ash_virtq_setup(&w->rig.q, &w->rig.drv.layout), ASH_OK);
    memset(w->offers, 0, sizeof(w->offers));
    w->ordered = w->popped = w->published = w->used_count = w->used_shown = 0;
    w->seen_entries = w->asked = w->event = 0;
    w->interrupts = w->must_kick = true;
    w->by_event = features == (features & ~ASH_VIRTQ_F_PACKED) && (features & ASH_VIRTQ_F_EVENT_IDX) != 0;
}

static void stop(struct world *w)
{
    ash_virtq_reset(&w->rig.q);
    mock_driver_fini(&w->rig.drv);
    for (unsigned i = 0; i < w->ordered; i++) {
        const struct offer *o = &w->offers[w->order[i]];

        if (i >= w->popped && o->token != 0) {
            mock_memory_free(&w->rig.mem, o->token);
        } else if (o->held) {
            w->stale = o->token;
        }
    }
}

static void step(struct world *w, uint64_t features)
{
    switch (test_rng_below(&w->rng, 21)) {
    case 0:
    case 1:
    case 2:
    case 3:
        offer(w);
        break;
    case 4:
    case 5:
        publish_offers(w);
        break;
    case 6:
    case 7:
    case 8:
        pop(w);
        break;
    case 9:
    case 10:
    case 11:
        give_back(w);
        break;
    case 12:
    case 13:
        publish_used(w);
        break;
    case 14:
        ask(w);
        break;
    case 15:
    case 16:
        take_used(w);
        break;
    case 17:
        set_interrupts(w);
        break;
    case 18:
        kicks(w);
        break;
    case 19:
        unpop(w);
        break;
    default:
        if (w->stale != 0) {
            assert_int_equal(ash_virtq_push(&w->rig.q, w->stale, 0), ASH_ENOENT);
            w->events[EVENT_LATE]++;
        }
        if (one_in(w, 40)) {
            stop(w);
            start(w, features);
            w->events[EVENT_RESET]++;
        }
    }
}

static void run(uint64_t features)
{
    static struct world w;

    memset(&w, 0, sizeof(w));
    test_rng_init(&w.rng, "virtq-model");
    rig_prepare(&w.rig, QUEUE_MAX, features);
    mock_driver_fini(&w.rig.drv);
    start(&w, features);
    for (unsigned i = 0; i < STEPS; i++) {
        step(&w, features);
    }
    stop(&w);
    mock_driver_init(&w.rig.drv, &w.rig.mem, 1, 0); /* for rig_close() */
    rig_close(&w.rig);
    for (unsigned i = 0; i < EVENT_COUNT; i++) {
        const bool not_here = (i == EVENT_INDIRECT && (features & ASH_VIRTQ_F_INDIRECT_DESC) == 0) ||
                              (i == EVENT_HELD_BACK && (features & ASH_VIRTQ_F_IN_ORDER) == 0);

        assert_true(not_here || w.events[i] > 0);
    }
}

static void each_chain_goes_out_once_and_back_once(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 16; i++) {
        run((i & 1U ? ASH_VIRTQ_F_PACKED : 0) | (i & 2U ? ASH_VIRTQ_F_IN_ORDER : 0) |
            (i & 4U ? ASH_VIRTQ_F_EVENT_IDX : 0) | (i & 8U ? ASH_VIRTQ_F_INDIRECT_DESC : 0));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_chain_goes_out_once_and_back_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
