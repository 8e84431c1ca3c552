/* SPDX-License-Identifier: BSD-2-Clause */
/* The properties of a VM's node that say how it lives. */
#include <libbase/compiler.h>
#include <libbase/endian.h>

#include "internal.h"

static const char not_a_string[] = "is not one string";
static const char out_of_range[] = "is out of range";
static const char not_a_number[] = "is not a number of the right width";

static const char *parse_policy(enum ash_boot_vm_policy *policy, struct ash_boot_span value)
{
    static const char *const words[] = {
        [ASH_BOOT_VM_STOP] = "stop", [ASH_BOOT_VM_RESTART] = "restart", [ASH_BOOT_VM_DESTROY] = "destroy"};

    if (!ash_boot_fdt_is_string_(value)) {
        return not_a_string;
    }
    for (unsigned i = 0; i < ASH_ARRAY_SIZE(words); i++) {
        if (ash_boot_strings_equal_((const char *)value.data, words[i])) {
            *policy = (enum ash_boot_vm_policy)i;
            return NULL;
        }
    }
    return "is none of the words";
}

const char *ash_boot_parse_on_poweroff_(struct ash_boot_vm *vm, struct ash_boot_span value)
{
    return parse_policy(&vm->on_poweroff, value);
}

const char *ash_boot_parse_on_reset_(struct ash_boot_vm *vm, struct ash_boot_span value)
{
    return parse_policy(&vm->on_reset, value);
}

const char *ash_boot_parse_on_crash_(struct ash_boot_vm *vm, struct ash_boot_span value)
{
    return parse_policy(&vm->on_crash, value);
}

const char *ash_boot_parse_restart_limit_(struct ash_boot_vm *vm, struct ash_boot_span value)
{
    const uint8_t *cells = (const uint8_t *)value.data;

    if (value.size != 8U) {
        return "is not two numbers";
    }
    vm->has_restart_limit = true;
    vm->restart_limit = ash_load_be32(cells);
    vm->restart_seconds = ash_load_be32(&cells[4]);
    return vm->restart_limit <= ASH_BOOT_RESTARTS_MAX && vm->restart_seconds >= 1U &&
                   vm->restart_seconds <= ASH_BOOT_RESTART_SECONDS_MAX
               ? NULL
               : out_of_range;
}

const char *ash_boot_parse_pause_stops_time_(struct ash_boot_vm *vm, struct ash_boot_span value)
{
    vm->pause_stops_time = true;
    return value.size == 0U ? NULL : "has a value";
}

const char *ash_boot_parse_shutdown_timeout_(struct ash_boot_vm *vm, struct ash_boot_span value)
{
    if (value.size != 4U) {
        return not_a_number;
    }
    vm->shutdown_timeout_ms = ash_load_be32(value.data);
    return vm->shutdown_timeout_ms >= 1U && vm->shutdown_timeout_ms <= ASH_BOOT_SHUTDOWN_TIMEOUT_MAX
               ? NULL
               : out_of_range;
}

const char *ash_boot_parse_autostart_(struct ash_boot_vm *vm, struct ash_boot_span value)
{
    if (!ash_boot_fdt_is_string_(value)) {
        return not_a_string;
    }
    vm->no_autostart = ash_boot_strings_equal_((const char *)value.data, "no");
    return vm->no_autostart || ash_boot_strings_equal_((const char *)value.data, "yes")
               ? NULL
               : "is none of the words";
}
