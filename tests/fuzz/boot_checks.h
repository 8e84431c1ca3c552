/* SPDX-License-Identifier: BSD-2-Clause */
/* What every reader of a file promises, whatever the file holds. */
#ifndef FUZZ_BOOT_CHECKS_H
#define FUZZ_BOOT_CHECKS_H

#include "fuzz.h"

#include <libboot/fault.h>
#include <libboot/span.h>

/* One readable line that says what is wrong. */
static inline void check_fault(const struct ash_boot_fault *fault, int result)
{
    char line[ASH_BOOT_FAULT_LINE_SIZE];
    const size_t length = ash_boot_fault_format(line, sizeof(line), fault);

    FUZZ_CHECK(fault->code == result);
    FUZZ_CHECK(fault->file != NULL && fault->problem != NULL && fault->problem[0] != '\0');
    FUZZ_CHECK(length > 0U && length < sizeof(line) && strlen(line) == length);
    for (size_t i = 0; i < length; i++) {
        FUZZ_CHECK(line[i] >= ' ' && line[i] <= '~');
    }
    FUZZ_CHECK(strstr(line, fault->problem) != NULL);
}

static inline bool is_inside(const void *inner, size_t size, const void *outer, size_t outer_size)
{
    const uintptr_t at = (uintptr_t)inner;
    const uintptr_t base = (uintptr_t)outer;

    return at >= base && at - base <= outer_size && size <= outer_size - (at - base);
}

/* NULL, or a string that lies with its end in the input. */
static inline void check_string(const char *text, const void *input, size_t size)
{
    if (text != NULL) {
        FUZZ_CHECK(is_inside(text, 1, input, size));
        FUZZ_CHECK(memchr(text, 0, size - (size_t)((uintptr_t)text - (uintptr_t)input)) != NULL);
    }
}

static inline void check_span(struct ash_boot_span span, const void *input, size_t size)
{
    FUZZ_CHECK(span.size == 0U || is_inside(span.data, span.size, input, size));
}

#endif
