/* SPDX-License-Identifier: BSD-2-Clause */
/* What vms.dts says of consoles. */
#include "config_fixture.h"

static void a_console_buffer_is_a_power_of_two_in_its_range(void **state)
{
    (void)state;
    ACCEPTED("console-buffer-size", "\0\0\x10\0");
    assert_int_equal(vms[0].console_buffer, 4096);
    assert_int_equal(vms[1].console_buffer, 65536); /* not given */
    ACCEPTED("console-buffer-size", "\0\4\0\0");
    REFUSED("console-buffer-size", "\0\0\x08\0",
            "<2048>: is out of range; allowed: one cell, bytes, a power of two, 4096..262144");
    REFUSED("console-buffer-size", "\0\x08\0\0", "is out of range");
    REFUSED("console-buffer-size", "\0\0\x18\0", "is no power of two");
    REFUSED("console-buffer-size", CELL("\0") CELL("\1"), "is not a number of the right width");
}

/** A node /vms/console with this property beside a VM: the VM is not touched by it. */
static void parse_console(const char *name, const char *value, size_t size)
{
    struct tree tree;

    begin_vms(&tree);
    node(&tree, "console");
    bytes(&tree, name, value, size);
    end(&tree);
    simple_vm(&tree, "vm0", 1);
    finish_and_parse(&tree);
    assert_int_equal(config.count, 1);
    assert_int_equal(vms[0].fault.code, ASH_OK);
}

static void the_consoles_lead_in_is_one_key(void **state)
{
    static const struct {
        const char *text;
        uint8_t key;
    } good[] = {{"?", '?'}, {"^]", 0x1d}, {"^A", 1}, {"^_", 0x1f}, {"^", '^'}, {"~", '~'}, {"^^", 0x1e}};
    static const char *const bad[] = {"",   "a",  "Z",  "7",  " ",  "\x7f", "??",   "^@",   "^H",
                                      "^I", "^J", "^M", "^[", "^a", "^?",   "\x80", "\xff", "^]]"};

    (void)state;
    for (size_t i = 0; i < ASH_ARRAY_SIZE(good); i++) {
        parse_console("lead-in", good[i].text, strlen(good[i].text) + 1U);
        assert_int_equal(config.fault.code, ASH_OK);
        assert_int_equal(config.lead_in, good[i].key);
    }
    for (size_t i = 0; i < ASH_ARRAY_SIZE(bad); i++) {
        parse_console("lead-in", bad[i], strlen(bad[i]) + 1U);
        assert_int_equal(config.fault.code, ASH_EFORMAT);
        assert_string_equal(config.fault.node, "/vms/console");
        assert_string_equal(config.fault.property, "lead-in");
        assert_int_equal(config.lead_in, 0x1d);
    }
    parse_console("lead-in", "?", 1); /* no NUL */
    assert_int_equal(config.fault.code, ASH_EFORMAT);
    parse_console("lead-out", "?", 2);
    assert_fault_says(&config.fault, "/vms/console: lead-out: is an unknown property; allowed: lead-in");
    parse_console("phandle", "\0\0\0\1", 4);
    assert_int_equal(config.fault.code, ASH_OK);
}

static void a_console_is_one_node_of_properties(void **state)
{
    struct tree tree;

    (void)state;
    begin_vms(&tree);
    simple_vm(&tree, "vm0", 1);
    node(&tree, "console");
    string(&tree, "lead-in", "?");
    end(&tree);
    node(&tree, "console");
    string(&tree, "lead-in", "!");
    end(&tree);
    finish_and_parse(&tree);
    assert_fault_says(&config.fault, "/vms/console: is there twice");
    begin_vms(&tree);
    node(&tree, "console");
    node(&tree, "inner");
    end(&tree);
    end(&tree);
    simple_vm(&tree, "vm0", 1);
    finish_and_parse(&tree);
    assert_fault_says(&config.fault, "/vms/console: inner: is an unknown sub-node");
    assert_int_equal(config.count, 1);
    assert_int_equal(vms[0].fault.code, ASH_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_console_buffer_is_a_power_of_two_in_its_range),
        cmocka_unit_test(the_consoles_lead_in_is_one_key),
        cmocka_unit_test(a_console_is_one_node_of_properties),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
