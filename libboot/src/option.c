/* SPDX-License-Identifier: BSD-2-Clause */
#include <libboot/config.h>

#include "internal.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/** The length of @name if the word at @word is "name" or "name=…", else 0. */
static size_t match(const char *word, const char *name)
{
    size_t length = 0;

    while (name[length] != '\0' && word[length] == name[length]) {
        length++;
    }
    if (name[length] != '\0' || !(word[length] == '=' || word[length] == '\0' || is_blank(word[length]))) {
        return 0;
    }
    return length;
}

bool ash_boot_option_find(const char *bootargs, const char *name, struct ash_boot_span *value)
{
    const char *at = bootargs;
    bool found = false;

    while (at != NULL && *at != '\0') {
        size_t length;
        const char *start;

        if (is_blank(*at)) {
            at++;
            continue;
        }
        length = match(at, name);
        start = length != 0U && at[length] == '=' ? &at[length + 1U] : &at[length];
        while (*at != '\0' && !is_blank(*at)) {
            at++;
        }
        if (length != 0U) {
            value->data = start;
            value->size = (size_t)(at - start);
            found = true;
        }
    }
    return found;
}
