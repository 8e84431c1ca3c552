/* SPDX-License-Identifier: BSD-2-Clause */
/* hv's formatting against the host's snprintf. */
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <libbase/compiler.h>

#include "core/format.h"
#include "testkit/cmocka.h"
#include "testkit/seed.h"

/* The formats are made at random, and some are wrong on purpose. */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-security"

#define ROOM 600U

/** Both, in every size from 0 up to one more than needed; nothing beyond the size is touched. */
#define EXPECT_SAME(...)                                                                                     \
    do {                                                                                                     \
        char theirs_[ROOM];                                                                                  \
        int length_ = snprintf(theirs_, sizeof(theirs_), __VA_ARGS__);                                       \
        assert_true(length_ >= 0 && (size_t)length_ < ROOM);                                                 \
        for (size_t size_ = 0; size_ <= (size_t)length_ + 2U; size_++) {                                     \
            char ours_[ROOM];                                                                                \
            memset(ours_, '#', sizeof(ours_));                                                               \
            assert_int_equal(hv_format(ours_, size_, __VA_ARGS__), length_);                                 \
            check_cut(ours_, size_, theirs_, (size_t)length_);                                               \
        }                                                                                                    \
    } while (0)

static void check_cut(const char *ours, size_t size, const char *theirs, size_t length)
{
    size_t kept = length < size ? length : size - 1U;

    if (size > 0U) {
        assert_memory_equal(ours, theirs, kept);
        assert_int_equal(ours[kept], '\0');
    }
    for (size_t i = size; i < ROOM; i++) {
        assert_int_equal(ours[i], '#');
    }
}

static void every_conversion_prints_as_the_host_does(void **state)
{
    (void)state;
    EXPECT_SAME("plain text");
    EXPECT_SAME("100%%");
    EXPECT_SAME("%c%c", 'a', 'b');
    EXPECT_SAME("[%5c][%-5c]", 'a', 'b');
    EXPECT_SAME("%s|%10s|%-10s|%s", "abc", "abc", "abc", "");
    EXPECT_SAME("%d %d %d %i", 0, INT_MIN, INT_MAX, -1);
    EXPECT_SAME("%u %u", 0U, UINT_MAX);
    EXPECT_SAME("%x %X %08x", 0xabcU, 0xabcU, 0xabcU);
    EXPECT_SAME("%lx %lu %ld %li", ULONG_MAX, ULONG_MAX, LONG_MIN, LONG_MAX);
    EXPECT_SAME("%llx %llu %lld", ULLONG_MAX, ULLONG_MAX, LLONG_MIN);
    EXPECT_SAME("%zu %zx %zd", SIZE_MAX, (size_t)0xabc, (ptrdiff_t)-5);
    EXPECT_SAME("%hhu %hhd %hu %hd %hhx", 0x1ffU, 0x1ffU, 0x1ffffU, 0x1ffffU, 0xabcdU);
    EXPECT_SAME("%p", (void *)(uintptr_t)0xdeadbeef);
    EXPECT_SAME("%016lx %-16lx| %5d %-5d| %05d", 0xabcUL, 0xabcUL, -42, -42, -42);
    EXPECT_SAME("%-05d|%0-5d|", 42, 42);
    EXPECT_SAME("%2d %1d", 12345, 12345);
}

static void width_and_precision_may_be_arguments(void **state)
{
    static const char no_nul[3] = {'a', 'b', 'c'};

    (void)state;
    EXPECT_SAME("%.*s|", 3, no_nul);
    EXPECT_SAME("%.*s|%.2s|%.s|%.0s|", 0, no_nul, "xyz", "xyz", "xyz");
    EXPECT_SAME("%*d|%*d|%0*x|", 7, 42, -7, 42, 9, 0xffU);
    EXPECT_SAME("%.*s|", -1, "whole");
    EXPECT_SAME("%10.2s|%-10.2s|", "xyz", "xyz");
}

static void what_has_no_address_is_still_printed(void **state)
{
    const char *volatile nothing = NULL;
    char text[32];

    (void)state;
    assert_int_equal(hv_format(text, sizeof(text), "%s", nothing), 6);
    assert_string_equal(text, "(null)");
    assert_int_equal(hv_format(text, sizeof(text), "%p", (const void *)nothing), 3);
    assert_string_equal(text, "0x0");
    assert_int_equal(hv_format(NULL, 0, "%d", 1234), 4);
}

static void an_unknown_conversion_ends_the_formatting(void **state)
{
    static const char *const wrong[] = {"%",  "a%", "%q %s", "%n%s",   "%f %s",
                                        "%5", "%-", "%l",    "%jd %s", "%+d %s"};
    char text[64];

    (void)state;
    for (size_t i = 0; i < ASH_ARRAY_SIZE(wrong); i++) {
        size_t length = hv_format(text, sizeof(text), wrong[i], "argument", "argument");

        assert_int_equal(length, strlen(text));
        assert_string_equal(text, wrong[i]);
    }
}

struct piece {
    char format[24];
    unsigned kind;
};

/** "%" flags, width, precision, length, letter. */
static void random_piece(struct test_rng *rng, struct piece *piece)
{
    static const char *const flags[] = {"", "", "-", "0", "-0"};
    static const char *const lengths[] = {"", "l", "ll", "z", "h", "hh"};
    char width[4] = "";
    unsigned length = (unsigned)test_rng_below(rng, ASH_ARRAY_SIZE(lengths));
    char letter = "duixX"[test_rng_below(rng, 5)];

    if (test_rng_below(rng, 2) != 0U) {
        (void)snprintf(width, sizeof(width), "%u", 1U + (unsigned)test_rng_below(rng, 30));
    }
    piece->kind = (unsigned)test_rng_below(rng, 4);
    if (piece->kind == 0U) {
        (void)snprintf(piece->format, sizeof(piece->format), "%%%s%ss",
                       test_rng_below(rng, 2) != 0U ? "-" : "", width);
    } else if (piece->kind == 1U) {
        (void)snprintf(piece->format, sizeof(piece->format), "%%%s%sc",
                       test_rng_below(rng, 2) != 0U ? "-" : "", width);
    } else {
        piece->kind = 2U + (length >= 1U && length <= 3U ? 1U : 0U);
        (void)snprintf(piece->format, sizeof(piece->format), "%%%s%s%s%c", flags[test_rng_below(rng, 5)],
                       width, lengths[length], letter);
    }
}

static void random_formats_print_as_the_host_does(void **state)
{
    static const char text[] = "the quick brown fox jumps";
    struct test_rng rng;
    unsigned seen[4] = {0};

    (void)state;
    (void)test_rng_init(&rng, "format");
    for (unsigned i = 0; i < 20000U; i++) {
        struct piece piece;
        char format[64];
        uint64_t number = test_rng_next(&rng) >> test_rng_below(&rng, 64);
        const char *string = &text[test_rng_below(&rng, sizeof(text))];

        random_piece(&rng, &piece);
        (void)snprintf(format, sizeof(format), "<%s>", piece.format);
        seen[piece.kind]++;
        if (piece.kind == 0U) {
            EXPECT_SAME(format, string);
        } else if (piece.kind == 1U) {
            EXPECT_SAME(format, (int)(' ' + number % 90U));
        } else if (piece.kind == 2U) {
            EXPECT_SAME(format, (unsigned)number);
        } else {
            EXPECT_SAME(format, (unsigned long long)number);
        }
    }
    assert_true(seen[0] > 0U && seen[1] > 0U && seen[2] > 0U && seen[3] > 0U);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_conversion_prints_as_the_host_does),
        cmocka_unit_test(width_and_precision_may_be_arguments),
        cmocka_unit_test(what_has_no_address_is_still_printed),
        cmocka_unit_test(an_unknown_conversion_ends_the_formatting),
        cmocka_unit_test(random_formats_print_as_the_host_does),
    };

    return cmocka_run_group_tests_name("format", tests, NULL, NULL);
}
