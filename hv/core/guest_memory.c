/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/guest_memory.h"

#include <libbase/checked.h>
#include <libbase/errors.h>
#include <libbase/mem.h>
#include <libbase/nospec.h>

#include "arch/arch.h"
#include "core/vm.h"

enum direction { CHECK, READ, WRITE, PUBLISH };

/** Where hv reaches byte @offset of @part, and how many of *@size bytes from there on lie in it. */
static uint8_t *run_in(const struct hv_ram_part *part, uint64_t offset, uint64_t *size)
{
    *size = *size < part->size - offset ? *size : part->size - offset;
    return (uint8_t *)(uintptr_t)(part->pa + offset);
}

/** Where hv reaches @ipa, and how many of *@size bytes from there on lie together; NULL: it is not RAM. */
static uint8_t *run_at(const struct hv_vm *vm, uint64_t ipa, uint64_t *size)
{
    for (uint32_t i = 0; i < vm->machine.parts; i++) {
        const struct hv_ram_part *part = &vm->machine.part[i];
        uint64_t offset = ipa - part->ipa;

        if (offset < part->size) {
            return run_in(part, ash_index_nospec(offset, part->size), size); /* guests say where */
        }
    }
    return NULL;
}

void *hv_guest_map(struct hv_vm *vm, ash_ipa_t ipa, uint64_t size)
{
    for (uint32_t i = 0; i < vm->machine.parts; i++) {
        const struct hv_ram_part *part = &vm->machine.part[i];

        if (ash_range_within(ipa.value, size, part->ipa, part->size)) {
            return (void *)(uintptr_t)(part->pa + (ipa.value - part->ipa));
        }
    }
    return NULL;
}

void *hv_guest_run(struct hv_vm *vm, ash_ipa_t ipa, uint64_t *size)
{
    return run_at(vm, ipa.value, size);
}

void *hv_guest_ram_at(struct hv_vm *vm, uint64_t offset, uint64_t *size)
{
    for (uint32_t i = 0; i < vm->machine.parts; i++) {
        const struct hv_ram_part *part = &vm->machine.part[i];

        if (offset < part->size) {
            return run_in(part, offset, size);
        }
        offset -= part->size;
    }
    return NULL;
}

/** @bytes: not looked at to CHECK and PUBLISH. */
static int go_through(const struct hv_vm *vm, uint64_t ipa, uint8_t *bytes, size_t size,
                      enum direction direction)
{
    for (size_t done = 0; done < size;) {
        uint64_t run = size - done;
        uint8_t *ram = run_at(vm, ipa + done, &run);

        if (ram == NULL || ipa + done < ipa) { /* not RAM, or past the end of all addresses */
            return ASH_ERANGE;
        }
        if (direction == WRITE) {
            memcpy(ram, bytes + done, run);
        } else if (direction == READ) {
            memcpy(bytes + done, ram, run);
        } else if (direction == PUBLISH) {
            hv_arch_publish_to_guest(ram, run);
        }
        done += run;
    }
    return ASH_OK;
}

static int copy(struct hv_vm *vm, ash_ipa_t ipa, uint8_t *bytes, size_t size, enum direction direction)
{
    int error;

    if (size == 0U) {
        return hv_guest_map(vm, ipa, 0) != NULL ? ASH_OK : ASH_ERANGE;
    }
    error = go_through(vm, ipa.value, NULL, size, CHECK);
    return error == ASH_OK ? go_through(vm, ipa.value, bytes, size, direction) : error;
}

int hv_guest_write(struct hv_vm *vm, ash_ipa_t ipa, const void *from, size_t size)
{
    return copy(vm, ipa, (uint8_t *)(uintptr_t)from, size, WRITE);
}

int hv_guest_publish(struct hv_vm *vm, ash_ipa_t ipa, size_t size)
{
    return copy(vm, ipa, NULL, size, PUBLISH);
}

int hv_guest_read(struct hv_vm *vm, ash_ipa_t ipa, void *to, size_t size)
{
    return copy(vm, ipa, (uint8_t *)to, size, READ);
}
