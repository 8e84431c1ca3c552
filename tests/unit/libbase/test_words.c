/* SPDX-License-Identifier: BSD-2-Clause */
#include <libbase/endian.h>
#include <libbase/errors.h>
#include <libbase/types.h>
#include <libbase/version.h>

#include <stdio.h>
#include <string.h>

#include "testkit/cmocka.h"

static void byte_orders_hold_at_any_alignment(void **state)
{
    static const uint8_t bytes[] = {0xff, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x88};

    (void)state;
    assert_true(ash_load_le16(&bytes[1]) == 0x0201U);
    assert_true(ash_load_le32(&bytes[1]) == 0x04030201U);
    assert_true(ash_load_le64(&bytes[1]) == UINT64_C(0x8807060504030201));
    assert_true(ash_load_be32(&bytes[5]) == 0x05060788U);
    assert_true(ash_load_be64(&bytes[1]) == UINT64_C(0x0102030405060788));
}

static void every_error_has_its_name(void **state)
{
    static const int errors[] = {ASH_EINVAL,  ASH_EEXIST, ASH_ENOENT,   ASH_ERANGE,   ASH_EBUSY,
                                 ASH_ENOTSUP, ASH_EPERM,  ASH_ENOMEM,   ASH_ENOSPC,   ASH_EGUEST,
                                 ASH_EFORMAT, ASH_ETRUNC, ASH_EOVERLAP, ASH_EINTERNAL};

    (void)state;
    assert_string_equal(ash_error_name(ASH_OK), "ASH_OK");
    for (unsigned i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        assert_true(errors[i] < 0);
        assert_memory_equal(ash_error_name(errors[i]), "ASH_E", 5);
        assert_string_not_equal(ash_error_name(errors[i]), "ASH_E?");
        for (unsigned j = 0; j < i; j++) {
            assert_string_not_equal(ash_error_name(errors[i]), ash_error_name(errors[j]));
        }
    }
    assert_string_equal(ash_error_name(1), "ASH_E?");
}

static void addresses_carry_their_value(void **state)
{
    (void)state;
    assert_true(ash_pa(5).value == 5U && ash_ipa(6).value == 6U && ash_va(7).value == 7U);
}

static void the_version_says_one_thing(void **state)
{
    char text[32];

    (void)state;
    (void)snprintf(text, sizeof(text), "%d.%d.%d", ASH_VERSION_MAJOR, ASH_VERSION_MINOR, ASH_VERSION_PATCH);
    assert_string_equal(text, ASH_VERSION_STRING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(byte_orders_hold_at_any_alignment),
        cmocka_unit_test(every_error_has_its_name),
        cmocka_unit_test(addresses_carry_their_value),
        cmocka_unit_test(the_version_says_one_thing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
