/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/life.h"

#include "core/hv.h"

static const char *const state_names[HV_LIFE_STATES] = {
    [HV_LIFE_ABSENT] = "absent",     [HV_LIFE_CREATING] = "creating", [HV_LIFE_OFF] = "off",
    [HV_LIFE_STARTING] = "starting", [HV_LIFE_RUNNING] = "running",   [HV_LIFE_PAUSING] = "pausing",
    [HV_LIFE_PAUSED] = "paused",     [HV_LIFE_STOPPING] = "stopping", [HV_LIFE_DESTROYING] = "destroying",
};

static const char *const command_names[HV_LIFE_COMMANDS] = {
    [HV_LIFE_CREATE] = "create",       [HV_LIFE_START] = "start",     [HV_LIFE_PAUSE] = "pause",
    [HV_LIFE_RESUME] = "resume",       [HV_LIFE_RESTART] = "restart", [HV_LIFE_SHUTDOWN] = "shutdown",
    [HV_LIFE_POWER_OFF] = "power-off", [HV_LIFE_DESTROY] = "destroy",
};

const char *hv_life_state_name(enum hv_life_state state)
{
    return (unsigned)state < HV_LIFE_STATES ? state_names[state] : "?";
}

const char *hv_life_command_name(enum hv_life_command command)
{
    return (unsigned)command < HV_LIFE_COMMANDS ? command_names[command] : "?";
}

uint32_t hv_life_count(const struct hv *hv)
{
    return hv->vms;
}

const char *hv_life_vm_name(const struct hv *hv, uint32_t number)
{
    return number < hv->vms ? hv->vm[number]->name : NULL;
}

enum hv_life_state hv_life_state(struct hv *hv, uint32_t number)
{
    static const enum hv_life_state states[] = {
        [HV_VM_READY] = HV_LIFE_OFF,
        [HV_VM_RUNNING] = HV_LIFE_RUNNING,
        [HV_VM_STOPPING] = HV_LIFE_STOPPING,
        [HV_VM_ENDED] = HV_LIFE_OFF,
    };
    enum hv_life_state state = HV_LIFE_ABSENT;

    if (number < hv->vms) {
        hv_lock(&hv->vm[number]->lock);
        state = states[hv->vm[number]->state];
        hv_unlock(&hv->vm[number]->lock);
    }
    return state;
}

int hv_life_ask(struct hv_cpu *cpu, uint32_t number, enum hv_life_command command, const char **why)
{
    const char *unused;
    const char **said = why != NULL ? why : &unused;
    struct hv *hv = cpu->hv;

    *said = "";
    if (number >= hv->vms) {
        *said = "there is no VM of this number";
        return ASH_ENOENT;
    }
    if (command != HV_LIFE_POWER_OFF && command != HV_LIFE_RESTART) {
        *said = "not built yet: restart and power-off are";
        return ASH_ENOTSUP;
    }
    if (hv_life_state(hv, number) != HV_LIFE_RUNNING) {
        *said = "it must be running";
        return ASH_EBUSY;
    }
    hv_vm_stop(hv->vm[number], command == HV_LIFE_RESTART ? HV_END_RESET : HV_END_OFF);
    return ASH_OK;
}
