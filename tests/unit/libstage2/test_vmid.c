/* SPDX-License-Identifier: BSD-2-Clause */
#include <libbase/bits.h>
#include <libstage2/vmid.h>

#include "testkit/cmocka.h"

#define CPUS 3U

struct pool {
    struct ash_vmid_pool pool;
    uint64_t bitmap[ASH_VMID_BITMAP_WORDS(8)];
    struct ash_vmid_cpu cpu[CPUS];
};

static void begin(struct pool *p)
{
    const struct ash_vmid_pool_config config = {
        .size = sizeof(config), .bits = 8, .cpus = CPUS, .bitmap = p->bitmap, .cpu = p->cpu};

    assert_int_equal(ash_vmid_pool_init(&p->pool, &config), ASH_OK);
}

static int load(struct pool *p, struct ash_vmid *vmid, unsigned cpu, bool expect_rollover)
{
    bool rollover;
    int number = ash_vmid_load(&p->pool, vmid, cpu, &rollover);

    assert_int_equal(rollover, expect_rollover);
    return number;
}

static void a_vm_keeps_its_number_on_every_cpu(void **state)
{
    struct pool p;
    struct ash_vmid a = {0};
    struct ash_vmid b = {0};
    int number;

    (void)state;
    begin(&p);
    assert_false(ash_vmid_is_current(&p.pool, &a));
    number = load(&p, &a, 0, false);
    assert_true(number >= 1);
    assert_true(ash_vmid_is_current(&p.pool, &a));
    assert_int_equal(load(&p, &a, 1, false), number);
    assert_int_not_equal(load(&p, &b, 2, false), number);
}

static void a_rollover_spares_what_runs(void **state)
{
    struct pool p;
    struct ash_vmid running = {0};
    int number;

    (void)state;
    begin(&p);
    number = load(&p, &running, 0, false);
    for (unsigned i = 0; i < 254U; i++) {
        struct ash_vmid passing = {0};
        assert_int_not_equal(load(&p, &passing, 1, false), number);
    }
    for (unsigned i = 0; i < 254U; i++) {
        struct ash_vmid passing = {0};
        assert_int_not_equal(load(&p, &passing, 1, i == 0U), number);
        assert_false(ash_vmid_is_current(&p.pool, &running));
    }
    assert_int_equal(load(&p, &running, 0, false), number);
    assert_true(ash_vmid_is_current(&p.pool, &running));
}

/** Load fresh VMs on @cpu until the generation rises. */
static void roll_over(struct pool *p, unsigned cpu, int not_this)
{
    uint64_t generation = p->pool.generation;

    for (unsigned i = 0; p->pool.generation == generation; i++) {
        struct ash_vmid passing = {0};
        bool rollover;
        assert_true(i < 256U);
        assert_int_not_equal(ash_vmid_load(&p->pool, &passing, cpu, &rollover), not_this);
        assert_int_equal(rollover, p->pool.generation != generation);
    }
}

static void a_vm_that_never_stops_keeps_its_number_over_many_rollovers(void **state)
{
    struct pool p;
    struct ash_vmid running = {0};
    int number;

    (void)state;
    begin(&p);
    number = load(&p, &running, 0, false);
    assert_int_equal(load(&p, &running, 2, false), number);
    for (unsigned i = 0; i < 3U; i++) {
        roll_over(&p, 1, number);
    }
    assert_int_equal(load(&p, &running, 0, false), number); /* CPU 2 still runs under the old word */
    roll_over(&p, 1, number);
    assert_int_equal(load(&p, &running, 1, false), number);
    assert_int_equal(load(&p, &running, 2, false), number);
    roll_over(&p, 0, number);
    assert_false(ash_vmid_is_current(&p.pool, &running));
    assert_int_equal(load(&p, &running, 0, false), number);
}

static void a_vm_that_runs_elsewhere_finds_its_number_when_none_is_left(void **state)
{
    struct pool p;
    struct ash_vmid running = {0};
    int number;

    (void)state;
    begin(&p);
    number = load(&p, &running, 0, false);
    roll_over(&p, 1, number);
    /* Its word is of the generation before; nothing is free when it comes to CPU 2. */
    for (unsigned i = 0; i < 253U; i++) {
        struct ash_vmid passing = {0};
        assert_int_not_equal(load(&p, &passing, 1, false), number);
    }
    assert_int_equal(load(&p, &running, 2, false), number);
    assert_true(ash_vmid_is_current(&p.pool, &running));
    roll_over(&p, 1, number);
}

static void a_vm_that_stopped_gets_a_number_of_the_new_generation(void **state)
{
    struct pool p;
    struct ash_vmid stopped = {0};
    struct ash_vmid other[2] = {{0}, {0}};
    int number;

    (void)state;
    begin(&p);
    (void)load(&p, &other[0], 0, false);
    number = load(&p, &stopped, 1, false);
    ash_vmid_put(&p.pool, 1);
    roll_over(&p, 2, 0);
    assert_false(ash_vmid_is_current(&p.pool, &stopped));
    (void)load(&p, &other[1], 2, false); /* the numbers begin again: somebody has its old one */
    assert_int_equal(other[1].word & 0xffffU, (uint64_t)number + 1U);
    assert_int_not_equal(load(&p, &stopped, 1, false), number);
    assert_true(ash_vmid_is_current(&p.pool, &stopped));
}

static void sixteen_bits_give_65535_numbers_and_each_once(void **state)
{
    static uint64_t bitmap[ASH_VMID_BITMAP_WORDS(16)];
    static bool seen[1U << 16];
    struct ash_vmid_cpu cpu[CPUS];
    const struct ash_vmid_pool_config config = {
        .size = sizeof(config), .bits = 16, .cpus = CPUS, .bitmap = bitmap, .cpu = cpu};
    struct ash_vmid_pool pool;
    struct ash_vmid vmid;
    bool rollover;

    (void)state;
    assert_int_equal(ash_vmid_pool_init(&pool, &config), ASH_OK);
    for (unsigned i = 1; i < 1U << 16; i++) {
        vmid.word = 0;
        int number = ash_vmid_load(&pool, &vmid, 0, &rollover);
        assert_in_range(number, 1, 0xffff);
        assert_false(rollover || seen[number]);
        seen[number] = true;
    }
    vmid.word = 0;
    assert_true(ash_vmid_load(&pool, &vmid, 0, &rollover) >= 1);
    assert_true(rollover);
}

static void one_number_more_than_cpus_is_enough(void **state)
{
    enum { MANY = 254 };
    struct pool p;
    struct ash_vmid_cpu many[MANY];
    struct ash_vmid vmid[MANY + 2] = {{0}};
    const struct ash_vmid_pool_config config = {
        .size = sizeof(config), .bits = 8, .cpus = MANY, .bitmap = p.bitmap, .cpu = many};
    bool rollover;

    (void)state;
    assert_int_equal(ash_vmid_pool_init(&p.pool, &config), ASH_OK);
    for (unsigned cpu = 0; cpu < MANY; cpu++) {
        assert_true(ash_vmid_load(&p.pool, &vmid[cpu], cpu, &rollover) >= 1);
    }
    assert_int_equal(load(&p, &vmid[MANY], 0, false), 255);
    assert_int_equal(load(&p, &vmid[MANY + 1], 0, true),
                     1); /* CPU 0's first, the only one that nobody runs under */
    for (unsigned cpu = 1; cpu < MANY; cpu++) {
        assert_int_equal(load(&p, &vmid[cpu], cpu, false), cpu + 1U);
    }
}

static void a_put_cpu_reserves_nothing_and_a_released_number_waits(void **state)
{
    struct pool p;
    struct ash_vmid gone = {0};
    int number;

    (void)state;
    begin(&p);
    number = load(&p, &gone, 0, false);
    ash_vmid_put(&p.pool, 0);
    ash_vmid_put(&p.pool, CPUS); /* no such CPU: nothing */
    ash_vmid_release(&p.pool, &gone);
    assert_false(ash_vmid_is_current(&p.pool, &gone));
    for (unsigned i = 0; i < 254U; i++) {
        struct ash_vmid passing = {0};
        assert_int_not_equal(load(&p, &passing, 1, false), number);
    }
}

static void without_the_lock_a_cpu_gets_only_what_is_current(void **state)
{
    struct pool p;
    struct ash_vmid a = {0};
    struct ash_vmid b = {0};
    int number;

    (void)state;
    begin(&p);
    assert_int_equal(ash_vmid_try_load(&p.pool, &a, 0), 0); /* it has none yet */
    number = load(&p, &a, 0, false);
    assert_int_equal(ash_vmid_try_load(&p.pool, &a, 0), number);
    assert_int_equal(ash_vmid_try_load(&p.pool, &a, 1), number); /* that CPU has run nothing yet */
    assert_int_equal(ash_vmid_try_load(&p.pool, &b, 1), 0);
    ash_vmid_put(&p.pool, 1);
    assert_int_equal(ash_vmid_try_load(&p.pool, &a, 1), number);
    ash_vmid_release(&p.pool, &a);
    assert_int_equal(ash_vmid_try_load(&p.pool, &a, 1), 0);
}

static void after_a_rollover_each_cpu_comes_by_the_lock_once(void **state)
{
    struct pool p;
    struct ash_vmid running = {0};
    struct ash_vmid fresh = {0};
    int number;

    (void)state;
    begin(&p);
    number = load(&p, &running, 0, false);
    ash_vmid_put(&p.pool, 2); /* idle, and it has never run anything */
    roll_over(&p, 1, number);
    number = load(&p, &fresh, 1, false);
    ash_vmid_put(&p.pool,
                 0); /* what it left behind is not idleness: the TLBs may not have been invalidated yet */
    for (unsigned cpu = 0; cpu < CPUS; cpu += 2) {
        assert_int_equal(ash_vmid_try_load(&p.pool, &fresh, cpu), 0);
        assert_int_equal(ash_vmid_try_load(&p.pool, &fresh, cpu), 0);
        assert_int_equal(load(&p, &fresh, cpu, false), number);
        assert_int_equal(ash_vmid_try_load(&p.pool, &fresh, cpu), number);
    }
}

static void what_was_loaded_without_the_lock_is_reserved_too(void **state)
{
    struct pool p;
    struct ash_vmid first = {0};
    struct ash_vmid second = {0};
    int number;

    (void)state;
    begin(&p);
    (void)load(&p, &first, 0, false);
    number = load(&p, &second, 1, false);
    assert_int_equal(ash_vmid_try_load(&p.pool, &second, 0), number);
    ash_vmid_put(&p.pool, 1);
    roll_over(&p, 1, number);
    roll_over(&p, 1, number);
    assert_int_equal(load(&p, &second, 2, false), number); /* CPU 0 runs it */
}

static void wrong_configurations_are_refused(void **state)
{
    struct pool p;
    struct ash_vmid vmid = {0};
    struct ash_vmid_pool_config config = {
        .size = sizeof(config), .bits = 8, .cpus = CPUS, .bitmap = p.bitmap, .cpu = p.cpu};
    bool rollover;

    (void)state;
    begin(&p);
    assert_int_equal(ash_vmid_load(&p.pool, &vmid, CPUS, &rollover), ASH_EINVAL);
    assert_true(load(&p, &vmid, 0, false) >= 1);
    assert_int_equal(ash_vmid_try_load(&p.pool, &vmid, CPUS), 0);
    config.bits = 9;
    assert_int_equal(ash_vmid_pool_init(&p.pool, &config), ASH_EINVAL);
    config.bits = 8;
    config.cpus = 255;
    assert_int_equal(ash_vmid_pool_init(&p.pool, &config), ASH_EINVAL);
    config.cpus = 0;
    assert_int_equal(ash_vmid_pool_init(&p.pool, &config), ASH_EINVAL);
    config.cpus = CPUS;
    config.bitmap = NULL;
    assert_int_equal(ash_vmid_pool_init(&p.pool, &config), ASH_EINVAL);
    config.bitmap = p.bitmap;
    config.cpu = NULL;
    assert_int_equal(ash_vmid_pool_init(&p.pool, &config), ASH_EINVAL);
    config.cpu = p.cpu;
    config.size++;
    assert_int_equal(ash_vmid_pool_init(&p.pool, &config), ASH_EINVAL);
    config.size--;
    assert_int_equal(ash_vmid_pool_init(&p.pool, NULL), ASH_EINVAL);
    assert_int_equal(ash_vmid_pool_init(NULL, &config), ASH_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_vm_keeps_its_number_on_every_cpu),
        cmocka_unit_test(a_rollover_spares_what_runs),
        cmocka_unit_test(a_vm_that_never_stops_keeps_its_number_over_many_rollovers),
        cmocka_unit_test(a_vm_that_runs_elsewhere_finds_its_number_when_none_is_left),
        cmocka_unit_test(a_vm_that_stopped_gets_a_number_of_the_new_generation),
        cmocka_unit_test(sixteen_bits_give_65535_numbers_and_each_once),
        cmocka_unit_test(one_number_more_than_cpus_is_enough),
        cmocka_unit_test(a_put_cpu_reserves_nothing_and_a_released_number_waits),
        cmocka_unit_test(without_the_lock_a_cpu_gets_only_what_is_current),
        cmocka_unit_test(after_a_rollover_each_cpu_comes_by_the_lock_once),
        cmocka_unit_test(what_was_loaded_without_the_lock_is_reserved_too),
        cmocka_unit_test(wrong_configurations_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
