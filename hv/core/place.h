/* SPDX-License-Identifier: BSD-2-Clause */
/** A VM's place in the configuration: there from boot on, whether the VM is created or not. core/life.h is what others
 *  may do with it. */
#ifndef HV_CORE_PLACE_H
#define HV_CORE_PLACE_H

#include "core/job.h"
#include "core/life.h"
#include "core/plan.h"
#include "core/vm.h"
#include "glue/loader.h"

struct hv_place {
    /* First, so that its step finds the place. The place is making, starting or destroying its VM, one at a time; what
     * follows up to @loading is the job's own. */
    struct hv_job job;
    struct hv_cpu *worker; /* which has the job */
    struct hv_vm *vm;      /* that is made, loaded or unmade */
    uint32_t phase;
    uint64_t cursor; /* bytes */
    struct hv_loading loading;
    uint32_t mails_due; /* to the CPUs of its vCPUs. Atomic */

    /* Lock domain: the VM list. */
    struct hv *hv;
    uint32_t number;
    struct hv_plan_vm *plan; /* what the VM has, or is to have */
    bool usable;             /* its node in vms.dts has no mistake */
    bool abandoned;          /* CREATING: it is to be ABSENT again */
    bool spent; /* its images were in memory, and that has been used: they are not pristine any more */
    bool alive; /* counted in hv->live */
    bool keeps; /* counted in hv->foreground */
    enum hv_life_state state; /* while hv->vm[number] is NULL: ABSENT, CREATING, DESTROYING */
    uint32_t created;         /* how often */
    uint32_t restarts;        /* by policy, so far */
    uint64_t restart_at[ASH_BOOT_RESTARTS_MAX]; /* when the last ones were, in ticks */
};

/** What hv keeps of the configuration. One allocation, for good. */
struct hv_configured {
    struct ash_boot_vm config[HV_MAX_VMS];
    struct hv_plan plan;
    struct hv_place place[HV_MAX_VMS];
    unsigned switch_count;
    struct ash_boot_switch switches[ASH_BOOT_SWITCHES_MAX];
};

/* ---- core/life.c ------------------------------------------------------------------------------------------------- */

/** The VM's last vCPU is off, or its start was given up: what follows. STOPPING, on the CPU that found it; @vm may be
 *  gone when this returns. */
void hv_life_ended(struct hv_cpu *cpu, struct hv_vm *vm);

/** Boot: start all that are to be started. @cpu has them load; no other one runs a guest yet. */
void hv_life_start_all(struct hv_cpu *cpu);

/* ---- core/life_work.c: the jobs ---------------------------------------------------------------------------------- */

/** Make the VM of @place, whose plan stands, here and now. Boot: no CPU runs yet. ASH_OK: it is OFF. Else a line on the
 *  console says why not, and what the plan had for it is given back. */
int hv_life_create_now(struct hv_place *place) ASH_NODISCARD;

/* The state says already what is going on, and the locks may be held. @asker: the CPU that asked; where a CPU has
 * nothing to do but for this VM it does the work instead. */
void hv_life_begin_create(struct hv_place *place, struct hv_cpu *asker);
void hv_life_begin_load(struct hv_vm *vm, struct hv_cpu *asker);
void hv_life_begin_destroy(struct hv_vm *vm, struct hv_cpu *asker);

#endif
