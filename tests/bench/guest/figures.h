/* SPDX-License-Identifier: BSD-2-Clause */
/** What the benchmark's guests say, and are told. */
#ifndef BENCH_FIGURES_H
#define BENCH_FIGURES_H

#include "common/guest.h"

/** `bench: <event> <median> <least> <most>` of @count samples, which are sorted then. */
void bench_report(const char *event, uint64_t *samples, unsigned count);

/** Is @word in the device tree, in bootargs say? */
bool bench_is_told(uint64_t device_tree, const char *word);

#endif
