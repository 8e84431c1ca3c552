/* SPDX-License-Identifier: BSD-2-Clause */
/** The life of a configured VM, as somebody outside commands it: the shell, a manager VM. One entry for all of them.
 *  Lock domain: none is held by the caller; the functions take the VM list's and the VM's. Context: any CPU, a loaded
 *  vCPU or none. Nothing here waits for another CPU or for a guest. */
#ifndef HV_CORE_LIFE_H
#define HV_CORE_LIFE_H

#include <libbase/compiler.h>
#include <libbase/errors.h>
#include <libbase/types.h>

struct hv;
struct hv_cpu;

enum hv_life_command {
    HV_LIFE_CREATE,    /* out of the configuration: memory, vCPUs, machine. Not started */
    HV_LIFE_START,     /* pristine images, then vCPU 0 */
    HV_LIFE_PAUSE,     /* its vCPUs leave their CPUs and stay as they are */
    HV_LIFE_RESUME,    /* and go on */
    HV_LIFE_RESTART,   /* as if power were cut and came back: pristine images */
    HV_LIFE_SHUTDOWN,  /* presses its power key; off by force after shutdown-timeout-ms */
    HV_LIFE_POWER_OFF, /* by force, now */
    HV_LIFE_DESTROY,   /* off by force, and everything it has is given back */
    HV_LIFE_COMMANDS
};

enum hv_life_state {
    HV_LIFE_ABSENT,     /* configured, not created */
    HV_LIFE_CREATING,   /* on the way to OFF */
    HV_LIFE_OFF,        /* created; not started, or ended */
    HV_LIFE_STARTING,   /* its images are loaded; on the way to RUNNING */
    HV_LIFE_RUNNING,    /* its vCPUs run, or wait for an interrupt or their turn */
    HV_LIFE_PAUSING,    /* on the way to PAUSED */
    HV_LIFE_PAUSED,     /* none of its vCPUs is on a CPU */
    HV_LIFE_STOPPING,   /* its vCPUs leave their CPUs; on the way to OFF, STARTING or DESTROYING */
    HV_LIFE_DESTROYING, /* on the way to ABSENT */
    HV_LIFE_STATES
};

/** Ask for @command on VM @number (its place in the configuration, from 0). ASH_OK: accepted; what comes of it is a
 *  state and a line on the console. ASH_ENOENT: no such VM. ASH_EBUSY: not in this state.
 *  ASH_ENOTSUP: never with this VM on this board. Not accepted: nothing changes.
 *  *@why (may be NULL): words for a person, what is allowed; "" with ASH_OK. Valid for good. */
int hv_life_ask(struct hv_cpu *cpu, uint32_t number, enum hv_life_command command,
                const char **why) ASH_NODISCARD;

/** How many VMs are configured; the places of those that hv refused are among them. */
uint32_t hv_life_count(const struct hv *hv);

/** The name of VM @number, created or not; NULL: no such VM, or it was refused. Valid for good. */
const char *hv_life_vm_name(const struct hv *hv, uint32_t number);

/** The state of VM @number at some moment of the call; ABSENT if there is none. */
enum hv_life_state hv_life_state(struct hv *hv, uint32_t number);

/** "running"; never NULL. */
const char *hv_life_state_name(enum hv_life_state state);

/** "power-off"; never NULL. */
const char *hv_life_command_name(enum hv_life_command command);

#endif
