/* SPDX-License-Identifier: BSD-2-Clause */
/* Records as text and as JSON. */
#include <string.h>

#include "core/record.h"
#include "testkit/cmocka.h"

static struct hv_record record;
static char text[HV_RECORD_MOST];
static char all[4U * HV_RECORD_MOST];

static void make_record(unsigned number)
{
    memset(&record, 0xa5, sizeof(record));
    record.count = 0;
    hv_record_text(&record, "name", 6, "%s", number == 0U ? "a\"b\\c\n" : "x");
    hv_record_number(&record, "count", 5, number);
    hv_record_address(&record, "base", 0x40000000U + number);
    hv_record_bool(&record, "on", 3, number == 0U);
}

static void assert_length(size_t length)
{
    assert_int_equal(length, strlen(text));
}

static const char *show(bool json, bool is_table, unsigned rows)
{
    struct hv_form form = {.json = json, .is_table = is_table};

    all[0] = '\0';
    for (unsigned i = 0; i < rows; i++) {
        make_record(i);
        assert_length(hv_form_row(&form, &record, text));
        (void)strcat(all, text);
    }
    assert_length(hv_form_end(&form, text));
    (void)strcat(all, text);
    return all;
}

static void a_table_has_a_head_and_aligned_columns(void **state)
{
    (void)state;
    assert_string_equal(show(false, true, 2), "name    count  base          on\r\n"
                                              "a\"b\\c?      0  0x0040000000  yes\r\n"
                                              "x           1  0x0040000001  no\r\n");
    assert_string_equal(show(false, true, 0), "");
}

static void one_record_is_a_field_a_line(void **state)
{
    (void)state;
    assert_string_equal(show(false, false, 1), "name                  a\"b\\c?\r\n"
                                               "count                 0\r\n"
                                               "base                  0x0040000000\r\n"
                                               "on                    yes\r\n");
}

static void json_quotes_what_must_be_quoted(void **state)
{
    (void)state;
    assert_string_equal(
        show(true, true, 2),
        "[{\"name\": \"a\\\"b\\\\c?\", \"count\": 0, \"base\": \"0x40000000\", \"on\": true},\r\n"
        " {\"name\": \"x\", \"count\": 1, \"base\": \"0x40000001\", \"on\": false}]\r\n");
    assert_string_equal(show(true, true, 0), "[]\r\n");
    assert_string_equal(show(true, false, 0), "{}\r\n");
    assert_string_equal(
        show(true, false, 1),
        "{\"name\": \"a\\\"b\\\\c?\", \"count\": 0, \"base\": \"0x40000000\", \"on\": true}\r\n");
}

static void a_mistake_says_what_is_allowed(void **state)
{
    struct hv_form form = {.json = false};

    (void)state;
    (void)hv_form_error(&form, "no \"x\"", "y z", text);
    assert_string_equal(text, "no \"x\"; allowed: y z\r\n");
    (void)hv_form_error(&form, "no", NULL, text);
    assert_string_equal(text, "no\r\n");
    form.json = true;
    (void)hv_form_error(&form, "no \"x\"", "y z", text);
    assert_string_equal(text, "{\"error\": \"no \\\"x\\\"\", \"allowed\": \"y z\"}\r\n");
    (void)hv_form_error(&form, "no", NULL, text);
    assert_string_equal(text, "{\"error\": \"no\"}\r\n");
}

static void too_many_fields_and_too_long_texts_are_cut(void **state)
{
    struct hv_form form = {.json = true};
    char word[2U * HV_RECORD_TEXT];

    (void)state;
    memset(word, '"', sizeof(word));
    word[sizeof(word) - 1U] = '\0';
    record.count = 0;
    for (unsigned i = 0; i < 3U * HV_RECORD_FIELDS; i++) {
        hv_record_text(&record, "abcdefghijklmnop", 200, "%s", word);
    }
    assert_int_equal(record.count, HV_RECORD_FIELDS);
    assert_int_equal(strlen(record.field[0].text), HV_RECORD_TEXT - 1U);
    memset(text, 'x', sizeof(text));
    assert_length(hv_form_row(&form, &record, text));
    assert_int_equal(text[strlen(text) - 1U], '}'); /* it fits */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_has_a_head_and_aligned_columns),
        cmocka_unit_test(one_record_is_a_field_a_line),
        cmocka_unit_test(json_quotes_what_must_be_quoted),
        cmocka_unit_test(a_mistake_says_what_is_allowed),
        cmocka_unit_test(too_many_fields_and_too_long_texts_are_cut),
    };

    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
