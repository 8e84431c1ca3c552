/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/guest_memory.h"

#include <libbase/checked.h>
#include <libbase/errors.h>
#include <libbase/mem.h>

#include "core/vm.h"

void *hv_guest_map(struct hv_vm *vm, ash_ipa_t ipa, uint64_t size)
{
    const struct ash_vcpu_ipa_range *ram = &vm->machine.ram;

    if (!ash_range_within(ipa.value, size, ram->base.value, ram->size)) {
        return NULL;
    }
    return (void *)(uintptr_t)(vm->machine.ram_pa + (ipa.value - ram->base.value));
}

int hv_guest_write(struct hv_vm *vm, ash_ipa_t ipa, const void *from, size_t size)
{
    void *to = hv_guest_map(vm, ipa, size);

    if (to == NULL) {
        return ASH_ERANGE;
    }
    memcpy(to, from, size);
    return ASH_OK;
}

int hv_guest_read(struct hv_vm *vm, ash_ipa_t ipa, void *to, size_t size)
{
    const void *from = hv_guest_map(vm, ipa, size);

    if (from == NULL) {
        return ASH_ERANGE;
    }
    memcpy(to, from, size);
    return ASH_OK;
}
