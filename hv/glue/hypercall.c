/* SPDX-License-Identifier: BSD-2-Clause */
#include "glue/hypercall.h"

#include <libbase/mem.h>
#include <libbase/nospec.h>

#include "core/format.h"
#include "core/guest_memory.h"
#include "core/hv.h"
#include "core/life.h"

/** What a call is given, x1..x3, and what it gives. */
struct call {
    struct hv_cpu *cpu;
    struct hv_vm *vm;
    uint64_t x[3];
};

typedef int64_t handler(struct call *call);

struct function {
    uint16_t number;
    uint8_t results; /* of x1..x3 */
    bool is_managers;
    handler *handler;
};

/* The numbers that guests know. */
ASH_STATIC_ASSERT((int)HV_LIFE_CREATE == 0 && (int)HV_LIFE_START == 1 && (int)HV_LIFE_PAUSE == 2, "ABI");
ASH_STATIC_ASSERT((int)HV_LIFE_RESUME == 3 && (int)HV_LIFE_RESTART == 4 && (int)HV_LIFE_SHUTDOWN == 5, "ABI");
ASH_STATIC_ASSERT((int)HV_LIFE_POWER_OFF == 6 && (int)HV_LIFE_DESTROY == 7, "ABI");
ASH_STATIC_ASSERT((int)HV_LIFE_ABSENT == 0 && (int)HV_LIFE_CREATING == 1 && (int)HV_LIFE_OFF == 2, "ABI");
ASH_STATIC_ASSERT((int)HV_LIFE_STARTING == 3 && (int)HV_LIFE_RUNNING == 4 && (int)HV_LIFE_PAUSING == 5,
                  "ABI");
ASH_STATIC_ASSERT((int)HV_LIFE_PAUSED == 6 && (int)HV_LIFE_STOPPING == 7 && (int)HV_LIFE_DESTROYING == 8,
                  "ABI");

static handler features;

static int64_t version(struct call *call)
{
    (void)call;
    return HV_HYPERCALL_ABI;
}

static int64_t self(struct call *call)
{
    call->x[0] = call->vm->slot;
    call->x[1] = call->vm->vcpus;
    call->x[2] = call->vm->config.manager ? 1U : 0U;
    return HV_HYPERCALL_OK;
}

static int64_t console_write(struct call *call)
{
    struct hv *hv = call->cpu->hv;
    uint8_t bytes[HV_HYPERCALL_CONSOLE];
    uint64_t size = call->x[1] < sizeof(bytes) ? call->x[1] : sizeof(bytes);
    uint64_t room;

    if (hv_guest_read(call->vm, ash_ipa(call->x[0]), bytes, size) != ASH_OK) {
        return HV_HYPERCALL_INVALID;
    }
    hv_lock(&hv->console_lock);
    room = hv_console_room_of(&hv->console, call->vm->slot);
    size = size < room ? size : room;
    for (uint64_t i = 0; i < size; i++) {
        (void)hv_console_output(&hv->console, call->vm->slot, bytes[i]); /* there is room */
    }
    hv_unlock(&hv->console_lock);
    return (int64_t)size;
}

/** What it is about is done when the call's registers are written. */
static int64_t yield(struct call *call)
{
    (void)call;
    return HV_HYPERCALL_OK;
}

static int64_t vm_count(struct call *call)
{
    return hv_life_count(call->cpu->hv);
}

/** The VM in x1, as hv_life_*() take it; UINT32_MAX: no such. */
static uint32_t number_of(const struct call *call)
{
    uint32_t count = hv_life_count(call->cpu->hv);

    return call->x[0] < count ? (uint32_t)ash_index_nospec(call->x[0], count) : UINT32_MAX;
}

static int64_t vm_state(struct call *call)
{
    uint32_t number = number_of(call);

    if (number == UINT32_MAX) {
        return HV_HYPERCALL_NO_VM;
    }
    call->x[0] = (uint64_t)hv_life_state(call->cpu->hv, number);
    return HV_HYPERCALL_OK;
}

static int64_t vm_name(struct call *call)
{
    uint32_t number = number_of(call);
    const char *name = number != UINT32_MAX ? hv_life_vm_name(call->cpu->hv, number) : NULL;
    uint64_t from = call->x[1];
    size_t size;

    if (name == NULL) {
        return HV_HYPERCALL_NO_VM;
    }
    size = hv_text_length(name);
    memset(call->x, 0, sizeof(call->x));
    if (from < size) {
        from = ash_index_nospec(from, size);
        memcpy(call->x, name + from, size - from < sizeof(call->x) ? size - from : sizeof(call->x));
    }
    return (int64_t)size;
}

static int64_t vm_command(struct call *call)
{
    uint32_t number = number_of(call);

    if (number == UINT32_MAX) {
        return HV_HYPERCALL_NO_VM;
    }
    if (call->x[1] >= (uint64_t)HV_LIFE_COMMANDS) {
        return HV_HYPERCALL_INVALID;
    }
    switch (hv_life_ask(call->cpu, number,
                        (enum hv_life_command)ash_index_nospec(call->x[1], (uint64_t)HV_LIFE_COMMANDS),
                        NULL)) {
    case ASH_OK:
        return HV_HYPERCALL_OK;
    case ASH_ENOENT: /* it was refused when it was configured */
        return HV_HYPERCALL_NO_VM;
    case ASH_EBUSY:
        return HV_HYPERCALL_BUSY;
    default:
        return HV_HYPERCALL_IMPOSSIBLE;
    }
}

static const struct function functions[] = {
    {HV_HYPERCALL_VERSION, 0, false, version},
    {HV_HYPERCALL_FEATURES, 0, false, features},
    {HV_HYPERCALL_SELF, 3, false, self},
    {HV_HYPERCALL_CONSOLE_WRITE, 0, false, console_write},
    {HV_HYPERCALL_YIELD, 0, false, yield},
    {HV_HYPERCALL_VM_COUNT, 0, true, vm_count},
    {HV_HYPERCALL_VM_STATE, 1, true, vm_state},
    {HV_HYPERCALL_VM_NAME, 3, true, vm_name},
    {HV_HYPERCALL_VM_COMMAND, 0, true, vm_command},
};

static const struct function *find(uint64_t id)
{
    for (size_t i = 0; i < ASH_ARRAY_SIZE(functions); i++) {
        if (id == HV_HYPERCALL(functions[i].number)) {
            return &functions[i];
        }
    }
    return NULL;
}

static int64_t features(struct call *call)
{
    const struct function *function = find(call->x[0]);

    if (function == NULL) {
        return HV_HYPERCALL_NOT_SUPPORTED;
    }
    return function->is_managers && !call->vm->config.manager ? HV_HYPERCALL_DENIED : HV_HYPERCALL_OK;
}

enum hv_verdict hv_hypercall(struct hv_cpu *cpu)
{
    struct hv_vcpu *vcpu = cpu->vcpu;
    uint64_t *x = vcpu->context.x;
    struct call call = {.cpu = cpu, .vm = vcpu->vm, .x = {x[1], x[2], x[3]}};
    const struct function *function = find((uint32_t)x[0]);

    if (function == NULL) {
        x[0] = (uint64_t)(int64_t)HV_HYPERCALL_NOT_SUPPORTED;
        return HV_RESUME;
    }
    if (function->is_managers && !vcpu->vm->config.manager) {
        x[0] = (uint64_t)(int64_t)HV_HYPERCALL_DENIED;
        return HV_RESUME;
    }
    x[0] = (uint64_t)function->handler(&call);
    for (unsigned i = 0; i < function->results && (int64_t)x[0] >= 0; i++) {
        x[1U + i] = call.x[i];
    }
    return function->number == HV_HYPERCALL_YIELD ? hv_sched_yield(cpu) : HV_RESUME;
}
