/* SPDX-License-Identifier: BSD-2-Clause */
/* What vms.dts says of a VM's beginning and end. */
#include "config_fixture.h"

static void policies_are_three_words(void **state)
{
    static const char *const names[] = {"on-poweroff", "on-reset", "on-crash"};

    (void)state;
    for (unsigned i = 0; i < 3U; i++) {
        ACCEPTED(names[i], "stop\0");
        assert_int_equal(i == 0U   ? vms[0].on_poweroff
                         : i == 1U ? vms[0].on_reset
                                   : vms[0].on_crash,
                         ASH_BOOT_VM_STOP);
        ACCEPTED(names[i], "restart\0");
        ACCEPTED(names[i], "destroy\0");
        assert_int_equal(i == 0U   ? vms[0].on_poweroff
                         : i == 1U ? vms[0].on_reset
                                   : vms[0].on_crash,
                         ASH_BOOT_VM_DESTROY);
        REFUSED(names[i], "reboot\0",
                "= \"reboot\": is none of the words; allowed: \"stop\", \"restart\", \"destroy\"");
        REFUSED(names[i], "stop\0restart\0", "is not one string");
        REFUSED(names[i], CELL("\1"), "is not one string");
        REFUSED(names[i], "", "is not one string");
    }
    assert_int_equal(vms[1].on_poweroff, ASH_BOOT_VM_STOP);
    assert_int_equal(vms[1].on_reset, ASH_BOOT_VM_RESTART);
    assert_int_equal(vms[1].on_crash, ASH_BOOT_VM_STOP);
}

static void a_restart_limit_is_a_count_and_seconds(void **state)
{
    (void)state;
    ACCEPTED("restart-limit", CELL("\0") CELL("\1"));
    assert_true(vms[0].has_restart_limit);
    assert_int_equal(vms[0].restart_limit, 0);
    assert_int_equal(vms[0].restart_seconds, 1);
    ACCEPTED("restart-limit", CELL("\20") "\0\1\x51\x80");
    assert_int_equal(vms[0].restart_limit, 16);
    assert_int_equal(vms[0].restart_seconds, 86400);
    REFUSED("restart-limit", CELL("\21") CELL("\1"),
            "restart-limit = <17 1>: is out of range; allowed: <count seconds>, 0..16 and 1..86400");
    REFUSED("restart-limit", CELL("\1") CELL("\0"), "<1 0>: is out of range");
    REFUSED("restart-limit", CELL("\1") "\0\1\x51\x81", "is out of range");
    REFUSED("restart-limit", CELL("\1"), "is not two numbers");
    assert_false(vms[1].has_restart_limit);
    assert_int_equal(vms[1].restart_limit, 5);
    assert_int_equal(vms[1].restart_seconds, 60);
}

static void shutdown_pause_and_autostart_are_as_written(void **state)
{
    (void)state;
    ACCEPTED("shutdown-timeout-ms", CELL("\1"));
    ACCEPTED("shutdown-timeout-ms", "\0\x36\xee\x80");
    assert_int_equal(vms[0].shutdown_timeout_ms, 3600000);
    assert_int_equal(vms[1].shutdown_timeout_ms, 30000);
    REFUSED("shutdown-timeout-ms", "\0\x36\xee\x81", "is out of range; allowed: one cell, milliseconds");
    REFUSED("shutdown-timeout-ms", CELL("\0"), "<0>: is out of range");
    REFUSED("shutdown-timeout-ms", "\1", "is not a number of the right width");
    ACCEPTED("pause-stops-time", "");
    assert_true(vms[0].pause_stops_time);
    assert_false(vms[1].pause_stops_time);
    REFUSED("pause-stops-time", CELL("\1"), "<1>: has a value; allowed: no value");
    ACCEPTED("autostart", "yes\0");
    assert_false(vms[0].no_autostart);
    ACCEPTED("autostart", "no\0");
    assert_true(vms[0].no_autostart);
    assert_false(vms[1].no_autostart);
    REFUSED("autostart", "maybe\0", "\"maybe\": is none of the words; allowed: \"yes\", \"no\"");
    REFUSED("autostart", "", "is not one string");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policies_are_three_words),
        cmocka_unit_test(a_restart_limit_is_a_count_and_seconds),
        cmocka_unit_test(shutdown_pause_and_autostart_are_as_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
