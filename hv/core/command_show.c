/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands about hv and its machine. */
#include <libbase/version.h>

#include "core/command.h"
#include "core/hv.h"
#include "core/life.h"
#include "core/recorder.h"

/* ---- mem --------------------------------------------------------------------------------------------------------- */

static enum hv_command_step pool(struct hv_call *call, struct hv_record *record)
{
    const struct hv_pages *pages = &call->cpu->hv->pages;
    uint32_t used = __atomic_load_n(&pages->used, __ATOMIC_RELAXED);

    if (call->at[0]++ > 0U) {
        return HV_STEP_END;
    }
    hv_record_address(record, "base", pages->base);
    hv_record_number(record, "pages", 8, pages->total);
    hv_record_number(record, "used", 8, used);
    hv_record_number(record, "free", 8, pages->total - used);
    return HV_STEP_ROW;
}

enum hv_command_step hv_command_mem(struct hv_call *call, struct hv_record *record)
{
    struct hv *hv = call->cpu->hv;
    struct hv_range range = {0, 0, HV_OWNER_FREE, 0};
    bool is_row;

    if (call->word == 1U) {
        return pool(call, record);
    }
    hv_lock(&hv->vms_lock);
    is_row = call->at[0] < hv->ranges.count;
    if (is_row) {
        range = hv->ranges.range[call->at[0]++];
    }
    hv_unlock(&hv->vms_lock);
    if (!is_row) {
        return HV_STEP_END;
    }
    hv_record_address(record, "base", range.base);
    hv_record_address(record, "end", range.base + range.size);
    hv_record_number(record, "kib", 10, range.size / 1024U);
    hv_record_text(record, "owner", 12, "%s", hv_owner_name(range.owner));
    hv_record_text(record, "vm", 16, "%s",
                   range.owner == HV_OWNER_VM && hv_life_vm_name(hv, range.vm) != NULL
                       ? hv_life_vm_name(hv, range.vm)
                       : "");
    return HV_STEP_ROW;
}

/* ---- cpu --------------------------------------------------------------------------------------------------------- */

enum hv_command_step hv_command_cpu(struct hv_call *call, struct hv_record *record)
{
    struct hv *hv = call->cpu->hv;
    const struct hv_cpu *cpu;
    const struct hv_vcpu *vcpu;

    if (call->at[0] >= hv->cpus) {
        return HV_STEP_END;
    }
    cpu = hv->cpu[call->at[0]++];
    hv_record_number(record, "cpu", 3, cpu->index);
    hv_record_address(record, "affinity", cpu->mpidr);
    hv_record_bool(record, "online", 6, __atomic_load_n(&cpu->online, __ATOMIC_RELAXED) != 0U);
    hv_record_number(record, "vcpus", 5, __atomic_load_n(&cpu->sched.count, __ATOMIC_RELAXED));
    hv_record_number(record, "idle_ms", 10, hv_account_cpu_idle(cpu) / 1000000U);
    hv_record_number(record, "unexpected", 10,
                     __atomic_load_n(&cpu->unexpected_interrupts, __ATOMIC_RELAXED));
    hv_lock(&hv->vms_lock); /* what it runs is not destroyed meanwhile */
    vcpu = __atomic_load_n(&cpu->vcpu, __ATOMIC_RELAXED);
    if (vcpu != NULL) {
        hv_record_text(record, "runs", 20, "%s/%u", vcpu->vm->name, vcpu->index);
    } else {
        hv_record_text(record, "runs", 20, "idle");
    }
    hv_unlock(&hv->vms_lock);
    return HV_STEP_ROW;
}

/* ---- trace ------------------------------------------------------------------------------------------------------- */

enum hv_command_step hv_command_trace(struct hv_call *call, struct hv_record *record)
{
    struct hv *hv = call->cpu->hv;
    struct hv_event event;
    char line[96];

    if (call->word == 1U || call->word == 2U) {
        if (call->at[0]++ > 0U) {
            return HV_STEP_END;
        }
        hv_recorder_switch(hv, call->word == 1U);
        hv_record_text(record, "recorder", 8, "%s", call->word == 1U ? "on" : "off");
        return HV_STEP_ROW;
    }
    for (; call->at[0] < hv->cpus; call->at[0]++, call->at[1] = 0) {
        const struct hv_recorder *recorder = hv_recorder_of(call->at[0]);

        if (recorder != NULL && hv_recorder_next(recorder, &call->at[1], &event)) {
            hv_recorder_line(line, sizeof(line), recorder->cpu, recorder->hz, &event);
            hv_record_text(record, "event", 60, "%s", line); /* as hv/tools/trace2perfetto takes it */
            return HV_STEP_ROW;
        }
    }
    return HV_STEP_END;
}

/* ---- The rest ---------------------------------------------------------------------------------------------------- */

enum hv_command_step hv_command_log(struct hv_call *call, struct hv_record *record)
{
    struct hv *hv = call->cpu->hv;

    if (call->at[0]++ > 0U) {
        return HV_STEP_END;
    }
    if (call->word != UINT32_MAX) {
        __atomic_store_n(&hv->log_errors_only, call->word == 0U, __ATOMIC_RELAXED);
    }
    hv_record_text(record, "level", 0, "%s",
                   __atomic_load_n(&hv->log_errors_only, __ATOMIC_RELAXED) ? "errors" : "info");
    return HV_STEP_ROW;
}

enum hv_command_step hv_command_version(struct hv_call *call, struct hv_record *record)
{
    struct hv *hv = call->cpu->hv;

    if (call->at[0]++ > 0U) {
        return HV_STEP_END;
    }
    hv_record_text(record, "version", 0, "%s", ASH_VERSION_STRING);
    hv_record_text(record, "board", 0, "%s", hv->board.model != NULL ? hv->board.model : "?");
    hv_record_number(record, "cpus", 0, hv->cpus);
    hv_record_number(record, "vms", 0, hv_life_count(hv));
    hv_record_number(record, "seconds", 0, (hv_arch_ticks() - hv->epoch_ticks) / hv_arch_ticks_per_second());
    return HV_STEP_ROW;
}
