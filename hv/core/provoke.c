/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/provoke.h"

#include <libbase/mem.h>

#include "arch/arch.h"
#include "core/format.h"
#include "core/hv.h"
#include "core/panic.h"

static bool is(const struct ash_boot_span *value, const char *word)
{
    size_t size = hv_text_length(word);

    return value->size == size && memcmp(value->data, word, size) == 0;
}

static uint64_t recurse(volatile uint64_t *above)
{
    volatile uint64_t frame[64];

    frame[0] = above != NULL ? above[0] + 1U : 0U;
    return frame[0] == UINT64_MAX ? 0U : recurse(frame) + frame[0];
}

void hv_provoke(struct hv *hv, struct hv_cpu *cpu)
{
    struct ash_boot_span what;

    if (!ash_boot_option_find(hv->board.bootargs, "ashlar.provoke", &what)) {
        return;
    }
    hv_log(hv, "provoking a failure of hv, as its bootargs say");
    if (is(&what, "data-abort")) {
        *(volatile uint64_t *)(uintptr_t)0x7000000000U = 1;
    } else if (is(&what, "undefined")) {
        __builtin_trap();
    } else if (is(&what, "stack-overflow")) {
        (void)recurse(NULL);
    } else if (is(&what, "serror")) {
        hv_arch_provoke_serror();
    } else if (is(&what, "reset")) {
        if (!hv->is_after_reset) { /* else this is the second time round */
            hv_record(cpu, HV_EVENT_PANIC, 0xab, 0);
            hv_recorder_save(hv);
            hv_arch_reset();
        }
    } else if (is(&what, "panic")) {
        hv_panic(cpu, "provoked");
    } else {
        hv_log(hv, "ashlar.provoke: allowed: panic, data-abort, undefined, serror, stack-overflow, reset");
    }
}
