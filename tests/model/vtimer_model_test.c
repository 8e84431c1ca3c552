/* SPDX-License-Identifier: BSD-2-Clause */
/* libvtimer against an oracle: a clock that is wound by hand, and timers as the manual tells of them. Two vCPUs of one
 * VM, random registers, random leaps of time, pauses, moves to another machine.
 * Oracle: Arm ARM DDI 0487, "The Generic Timer in AArch64 state": the counter, timers, CompareValue and TimerValue
 * views. It knows no offset: its guest's clock is a number that it adds to. */
#include <string.h>

#include <libvtimer/vtimer.h>
#include <testkit/cmocka.h>
#include <testkit/seed.h>

#define VCPUS 2U
#define STEPS 60000U

__extension__ typedef unsigned __int128 wide;

/* ---- The oracle -------------------------------------------------------------------------------------------------- */

struct oracle_timer {
    bool enable;
    bool mask;
    uint64_t compare;
};

struct oracle {
    uint64_t now;   /* the machine's clock */
    uint64_t clock; /* the guest's */
    bool stands_still;
    struct oracle_timer timer[VCPUS][ASH_VTIMER_COUNT];
};

static void oracle_leap(struct oracle *oracle, uint64_t ticks)
{
    oracle->now += ticks;
    oracle->clock += oracle->stands_still ? 0U : ticks;
}

/** The timer fires when the counter has reached the compare value; both are unsigned 64-bit numbers. */
static bool oracle_fires(const struct oracle *oracle, const struct oracle_timer *timer)
{
    return timer->enable && (wide)oracle->clock >= (wide)timer->compare;
}

static bool oracle_interrupts(const struct oracle *oracle, const struct oracle_timer *timer)
{
    return oracle_fires(oracle, timer) && !timer->mask;
}

/** TimerValue view, write: CompareValue = Counter + SignExtend(TimerValue). */
static void oracle_write_timer_value(const struct oracle *oracle, struct oracle_timer *timer, uint64_t value)
{
    uint32_t low = (uint32_t)value;

    if (low < UINT32_C(0x80000000)) {
        timer->compare = oracle->clock + low;
    } else {
        timer->compare = oracle->clock - ((UINT64_C(1) << 32) - low);
    }
}

/** When the first of @vcpu's timers interrupts; beyond the machine's clock: never. */
static wide oracle_first(const struct oracle *oracle, unsigned vcpu)
{
    wide first = (wide)1 << 70;

    for (unsigned t = 0; t < ASH_VTIMER_COUNT; t++) {
        const struct oracle_timer *timer = &oracle->timer[vcpu][t];
        wide at = first;

        if (oracle_interrupts(oracle, timer)) {
            at = oracle->now;
        } else if (timer->enable && !timer->mask && !oracle->stands_still) {
            at = (wide)oracle->now + ((wide)timer->compare - (wide)oracle->clock);
        }
        first = at < first ? at : first;
    }
    return first;
}

/* ---- Both -------------------------------------------------------------------------------------------------------- */

enum event {
    WROTE_CTL,
    WROTE_CVAL,
    WROTE_TVAL_AHEAD,
    WROTE_TVAL_BEHIND,
    CLOCK_WRAPPED,
    PAUSED,
    RESUMED,
    SET,
    MOVED_VM,
    MOVED_TIMERS,
    WAS_RESET,
    LINE_UP,
    LINE_DOWN,
    DEADLINE_NOW,
    DEADLINE_LATER,
    DEADLINE_NEVER,
    FIRED_AT_DEADLINE,
    EVENTS
};

struct line {
    bool level;
};

struct world {
    struct test_rng rng;
    struct ash_vtimer_vm vm[2]; /* one machine, and the next */
    unsigned machine;
    struct ash_vtimer vcpu[VCPUS];
    struct line line[VCPUS][ASH_VTIMER_COUNT];
    struct oracle oracle;
    unsigned events[EVENTS];
};

static struct world world;

static void set_line(void *ctx, enum ash_vtimer_id timer, bool level)
{
    struct line *lines = (struct line *)ctx;

    assert_int_not_equal(lines[timer].level, level);
    lines[timer].level = level;
    world.events[level ? LINE_UP : LINE_DOWN]++;
}

static const struct ash_vtimer_hal hal = {.size = sizeof(hal), .set_line = set_line};

static uint64_t below(uint64_t bound)
{
    return test_rng_below(&world.rng, bound);
}

/** Near the guest's clock, near the ends of the number line, or anywhere. */
static uint64_t some_value(void)
{
    switch (below(4)) {
    case 0:
        return world.oracle.clock + below(2000) - 1000U;
    case 1:
        return below(100);
    case 2:
        return UINT64_MAX - below(3000);
    default:
        return test_rng_next(&world.rng) >> below(64);
    }
}

static void check_registers(unsigned v, enum ash_vtimer_id id)
{
    const struct oracle *oracle = &world.oracle;
    const struct oracle_timer *timer = &oracle->timer[v][id];
    const struct ash_vtimer *vtimer = &world.vcpu[v];
    bool fires = oracle_fires(oracle, timer);
    uint64_t ctl = (timer->enable ? 1U : 0U) | (timer->mask ? 2U : 0U) | (fires ? 4U : 0U);

    assert_int_equal(ash_vtimer_count(vtimer, oracle->now), oracle->clock);
    assert_int_equal(ash_vtimer_is_met(vtimer, id, oracle->now), fires);
    assert_int_equal(ash_vtimer_is_asserted(vtimer, id, oracle->now), fires && !timer->mask);
    assert_int_equal(ash_vtimer_read(vtimer, id, ASH_VTIMER_CTL, oracle->now), ctl);
    assert_int_equal(ash_vtimer_read(vtimer, id, ASH_VTIMER_CVAL, oracle->now), timer->compare);
    assert_int_equal(ash_vtimer_read(vtimer, id, ASH_VTIMER_TVAL, oracle->now),
                     (uint32_t)(timer->compare - oracle->clock));
}

static void check_deadline(unsigned v)
{
    uint64_t deadline = 1;
    wide first = oracle_first(&world.oracle, v);
    bool some = ash_vtimer_next_deadline(&world.vcpu[v], world.oracle.now, &deadline);

    assert_int_equal(some, first < UINT64_MAX);
    assert_int_equal(deadline, first < UINT64_MAX ? (uint64_t)first : UINT64_MAX);
    world.events[!some ? DEADLINE_NEVER : deadline == world.oracle.now ? DEADLINE_NOW : DEADLINE_LATER]++;
}

static void check(void)
{
    for (unsigned v = 0; v < VCPUS; v++) {
        for (unsigned id = 0; id < ASH_VTIMER_COUNT; id++) {
            check_registers(v, (enum ash_vtimer_id)id);
        }
        check_deadline(v);
    }
}

static void update_all(void)
{
    for (unsigned v = 0; v < VCPUS; v++) {
        ash_vtimer_update(&world.vcpu[v], world.oracle.now);
        for (unsigned id = 0; id < ASH_VTIMER_COUNT; id++) {
            assert_int_equal(world.line[v][id].level,
                             oracle_interrupts(&world.oracle, &world.oracle.timer[v][id]));
        }
    }
}

/* ---- What may happen --------------------------------------------------------------------------------------------- */

static void write_register(void)
{
    unsigned v = (unsigned)below(VCPUS);
    enum ash_vtimer_id id = (enum ash_vtimer_id)below(ASH_VTIMER_COUNT);
    struct oracle_timer *timer = &world.oracle.timer[v][id];
    uint64_t value = some_value();

    switch (below(3)) {
    case 0:
        ash_vtimer_write(&world.vcpu[v], id, ASH_VTIMER_CTL, world.oracle.now, value);
        timer->enable = (value & 1U) != 0U;
        timer->mask = (value & 2U) != 0U;
        world.events[WROTE_CTL]++;
        break;
    case 1:
        ash_vtimer_write(&world.vcpu[v], id, ASH_VTIMER_CVAL, world.oracle.now, value);
        timer->compare = value;
        world.events[WROTE_CVAL]++;
        break;
    default:
        ash_vtimer_write(&world.vcpu[v], id, ASH_VTIMER_TVAL, world.oracle.now, value);
        oracle_write_timer_value(&world.oracle, timer, value);
        world.events[(value & 0x80000000U) != 0U ? WROTE_TVAL_BEHIND : WROTE_TVAL_AHEAD]++;
        break;
    }
}

/** The machine's own clock does not wrap: that takes centuries. The guest's may, by its offset. */
static void leap(void)
{
    uint64_t ticks = below(4) == 0U ? test_rng_next(&world.rng) >> (20U + below(44)) : below(1500);
    uint64_t before = world.oracle.clock;

    if (ticks < UINT64_MAX - world.oracle.now) {
        oracle_leap(&world.oracle, ticks);
        world.events[CLOCK_WRAPPED] += world.oracle.clock < before ? 1U : 0U;
    }
}

static void leap_to_a_deadline(void)
{
    unsigned v = (unsigned)below(VCPUS);
    wide first = oracle_first(&world.oracle, v);
    bool any = false;

    if (first >= UINT64_MAX || first == world.oracle.now) {
        return;
    }
    oracle_leap(&world.oracle, (uint64_t)first - world.oracle.now - 1U);
    for (unsigned id = 0; id < ASH_VTIMER_COUNT; id++) {
        assert_false(ash_vtimer_is_asserted(&world.vcpu[v], (enum ash_vtimer_id)id, world.oracle.now));
    }
    oracle_leap(&world.oracle, 1);
    for (unsigned id = 0; id < ASH_VTIMER_COUNT; id++) {
        any = any || ash_vtimer_is_asserted(&world.vcpu[v], (enum ash_vtimer_id)id, world.oracle.now);
    }
    assert_true(any);
    world.events[FIRED_AT_DEADLINE]++;
}

static void pause_or_resume(void)
{
    struct ash_vtimer_vm *vm = &world.vm[world.machine];

    if (below(2) == 0U) {
        ash_vtimer_pause(vm, world.oracle.now);
        world.oracle.stands_still = true;
        world.events[PAUSED]++;
    } else {
        ash_vtimer_resume(vm, world.oracle.now);
        world.oracle.stands_still = false;
        world.events[RESUMED]++;
    }
}

static void set_clock(void)
{
    world.oracle.clock = some_value();
    ash_vtimer_set_count(&world.vm[world.machine], world.oracle.now, world.oracle.clock);
    world.events[SET]++;
}

/** Everything goes to another machine, whose clock shows something else. */
static void move(void)
{
    struct ash_vtimer_vm_image time;
    struct ash_vtimer_image image[VCPUS];

    ash_vtimer_vm_export(&world.vm[world.machine], world.oracle.now, &time);
    world.machine ^= 1U;
    world.oracle.now = below(UINT64_C(1) << 40);
    memset(&world.vm[world.machine], 0, sizeof(world.vm[0]));
    assert_int_equal(ash_vtimer_vm_import(&world.vm[world.machine], world.oracle.now, &time), ASH_OK);
    for (unsigned v = 0; v < VCPUS; v++) {
        ash_vtimer_export(&world.vcpu[v], &image[v]);
        memset(world.line[v], 0, sizeof(world.line[v]));
        assert_int_equal(ash_vtimer_init(&world.vcpu[v], &world.vm[world.machine], &hal, world.line[v]),
                         ASH_OK);
        assert_int_equal(ash_vtimer_import(&world.vcpu[v], &image[v]), ASH_OK);
        world.events[MOVED_TIMERS]++;
    }
    world.events[MOVED_VM]++;
}

static void reset_one(void)
{
    unsigned v = (unsigned)below(VCPUS);

    ash_vtimer_reset(&world.vcpu[v]);
    memset(world.oracle.timer[v], 0, sizeof(world.oracle.timer[v]));
    world.events[WAS_RESET]++;
}

static void (*const actions[])(void) = {
    write_register,     write_register,  write_register, leap,      leap, leap,
    leap_to_a_deadline, pause_or_resume, set_clock,      reset_one, move};

static void random_timers_agree_with_the_oracle(void **state)
{
    (void)state;
    memset(&world, 0, sizeof(world));
    test_rng_init(&world.rng, "vtimer");
    world.oracle.clock = 0;
    for (unsigned v = 0; v < VCPUS; v++) {
        assert_int_equal(ash_vtimer_init(&world.vcpu[v], &world.vm[0], &hal, world.line[v]), ASH_OK);
    }
    for (unsigned step = 0; step < STEPS; step++) {
        /* What changes everything is rare. */
        unsigned at = (unsigned)below(8U * sizeof(actions) / sizeof(actions[0]));

        actions[at < sizeof(actions) / sizeof(actions[0]) ? at : at % 8U]();
        check();
        if (below(2) == 0U) {
            update_all();
        }
    }
    for (unsigned i = 0; i < EVENTS; i++) {
        if (world.events[i] == 0U) {
            fail_msg("event %u never happened", i);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_timers_agree_with_the_oracle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
