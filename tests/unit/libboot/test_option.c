/* SPDX-License-Identifier: BSD-2-Clause */
#include <libboot/config.h>

#include "fixture.h"

static void assert_value(const char *bootargs, const char *name, const char *expected)
{
    struct ash_boot_span value = {NULL, 99};

    assert_int_equal(ash_boot_option_find(bootargs, name, &value), expected != NULL);
    if (expected == NULL) {
        assert_null(value.data);
        assert_int_equal(value.size, 99);
        return;
    }
    assert_int_equal(value.size, strlen(expected));
    assert_memory_equal(value.data, expected, value.size);
}

static void an_option_is_found_wherever_it_stands(void **state)
{
    (void)state;
    assert_value("ashlar.nonce=5f", "ashlar.nonce", "5f");
    assert_value("quiet ashlar.nonce=5f log=3", "ashlar.nonce", "5f");
    assert_value("\tquiet \n ashlar.nonce=5f ", "ashlar.nonce", "5f");
    /* The last word is the one that Minos lost. */
    assert_value("quiet log=3", "log", "3");
    assert_value("log=3 quiet", "quiet", "");
    assert_value("quiet", "quiet", "");
    assert_value("empty= x", "empty", "");
    assert_value("url=a=b", "url", "a=b");
}

static void what_only_looks_like_it_is_not_it(void **state)
{
    (void)state;
    assert_value(NULL, "nonce", NULL);
    assert_value("", "nonce", NULL);
    assert_value("   ", "nonce", NULL);
    assert_value("ashlar.nonce=5f", "nonce", NULL);
    assert_value("ashlar.nonce=5f", "ashlar", NULL);
    assert_value("nonces=1 anonce=2 x=nonce", "nonce", NULL);
    assert_value("nonc", "nonce", NULL);
    assert_value("=5", "nonce", NULL);
    assert_value("a b", "", NULL);
}

static void the_last_one_counts(void **state)
{
    (void)state;
    assert_value("log=1 log=2", "log", "2");
    assert_value("log=1 log", "log", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_option_is_found_wherever_it_stands),
        cmocka_unit_test(what_only_looks_like_it_is_not_it),
        cmocka_unit_test(the_last_one_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
