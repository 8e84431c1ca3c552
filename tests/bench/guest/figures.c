/* SPDX-License-Identifier: BSD-2-Clause */
#include "figures.h"

static void sort(uint64_t *value, unsigned count)
{
    for (unsigned i = 1; i < count; i++) {
        uint64_t moved = value[i];
        unsigned at = i;

        for (; at > 0U && value[at - 1U] > moved; at--) {
            value[at] = value[at - 1U];
        }
        value[at] = moved;
    }
}

static void print_figure(uint64_t value)
{
    guest_print(" ");
    guest_print_number(value);
}

void bench_report(const char *event, uint64_t *samples, unsigned count)
{
    sort(samples, count);
    guest_print("bench: ");
    guest_print(event);
    print_figure(samples[count / 2U]);
    print_figure(samples[0]);
    print_figure(samples[count - 1U]);
    guest_print("\n");
}

bool bench_is_told(uint64_t device_tree, const char *word)
{
    const char *byte = (const char *)(uintptr_t)device_tree;
    uint32_t size = __builtin_bswap32(((const uint32_t *)(uintptr_t)device_tree)[1]);

    for (uint32_t at = 0; at < size; at++) {
        uint32_t same = 0;

        while (at + same < size && word[same] != '\0' && byte[at + same] == word[same]) {
            same++;
        }
        if (word[same] == '\0') {
            return true;
        }
    }
    return false;
}
