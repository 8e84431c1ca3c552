/* SPDX-License-Identifier: BSD-2-Clause */
#include <libbase/bits.h>
#include <libstage2/vmid.h>

#include "testkit/cmocka.h"

#define CPUS 3U

struct pool {
    struct ash_vmid_pool pool;
    uint64_t bitmap[ASH_VMID_BITMAP_WORDS(8)];
    uint64_t active[CPUS];
    uint64_t reserved[CPUS];
};

static void begin(struct pool *p)
{
    const struct ash_vmid_pool_config config = {.size = sizeof(config),
                                                .bits = 8,
                                                .cpus = CPUS,
                                                .bitmap = p->bitmap,
                                                .active = p->active,
                                                .reserved = p->reserved};

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

static void wrong_configurations_are_refused(void **state)
{
    struct pool p;
    struct ash_vmid vmid = {0};
    struct ash_vmid_pool_config config = {.size = sizeof(config),
                                          .bits = 8,
                                          .cpus = CPUS,
                                          .bitmap = p.bitmap,
                                          .active = p.active,
                                          .reserved = p.reserved};
    bool rollover;

    (void)state;
    begin(&p);
    assert_int_equal(ash_vmid_load(&p.pool, &vmid, CPUS, &rollover), ASH_EINVAL);
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
    assert_int_equal(ash_vmid_pool_init(&p.pool, NULL), ASH_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_vm_keeps_its_number_on_every_cpu),
        cmocka_unit_test(a_rollover_spares_what_runs),
        cmocka_unit_test(a_put_cpu_reserves_nothing_and_a_released_number_waits),
        cmocka_unit_test(wrong_configurations_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
