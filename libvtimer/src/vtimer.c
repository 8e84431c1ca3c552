/* SPDX-License-Identifier: BSD-2-Clause */
#include <libvtimer/vtimer.h>

#include <libbase/nospec.h>

#define CTL_WRITABLE (ASH_VTIMER_CTL_ENABLE | ASH_VTIMER_CTL_IMASK)

int ash_vtimer_init(struct ash_vtimer *vtimer, const struct ash_vtimer_vm *vm,
                    const struct ash_vtimer_hal *hal, void *ctx)
{
    const struct ash_vtimer fresh = {.hal = hal, .ctx = ctx, .vm = vm};

    if (vm == NULL || hal == NULL || hal->size != sizeof(*hal) || hal->set_line == NULL) {
        return ASH_EINVAL;
    }
    *vtimer = fresh;
    return ASH_OK;
}

static void tell_line(struct ash_vtimer *vtimer, unsigned timer, bool level)
{
    if (vtimer->timer[timer].line != level) {
        vtimer->timer[timer].line = level;
        vtimer->hal->set_line(vtimer->ctx, (enum ash_vtimer_id)timer, level);
    }
}

void ash_vtimer_reset(struct ash_vtimer *vtimer)
{
    for (unsigned i = 0; i < ASH_VTIMER_COUNT; i++) {
        vtimer->timer[i].ctl = 0U;
        vtimer->timer[i].cval = 0U;
        tell_line(vtimer, i, false);
    }
}

static uint64_t count_of(const struct ash_vtimer_vm *vm, uint64_t now)
{
    return (vm->paused ? vm->paused_at : now) - vm->offset;
}

void ash_vtimer_set_count(struct ash_vtimer_vm *vm, uint64_t now, uint64_t count)
{
    vm->offset = (vm->paused ? vm->paused_at : now) - count;
}

void ash_vtimer_pause(struct ash_vtimer_vm *vm, uint64_t now)
{
    if (!vm->paused) {
        vm->paused = true;
        vm->paused_at = now;
    }
}

void ash_vtimer_resume(struct ash_vtimer_vm *vm, uint64_t now)
{
    if (vm->paused) {
        vm->offset += now - vm->paused_at;
        vm->paused = false;
    }
}

bool ash_vtimer_physical_is_direct(const struct ash_vtimer_vm *vm, bool is_pinned)
{
    return is_pinned && vm->offset == 0U && !vm->paused;
}

uint64_t ash_vtimer_count(const struct ash_vtimer *vtimer, uint64_t now)
{
    return count_of(vtimer->vm, now);
}

static const struct ash_vtimer_regs *regs_of(const struct ash_vtimer *vtimer, enum ash_vtimer_id timer)
{
    return &vtimer->timer[ash_index_nospec((unsigned)timer, ASH_VTIMER_COUNT)];
}

bool ash_vtimer_is_met(const struct ash_vtimer *vtimer, enum ash_vtimer_id timer, uint64_t now)
{
    const struct ash_vtimer_regs *regs = regs_of(vtimer, timer);

    return (regs->ctl & ASH_VTIMER_CTL_ENABLE) != 0U && ash_vtimer_count(vtimer, now) >= regs->cval;
}

bool ash_vtimer_is_asserted(const struct ash_vtimer *vtimer, enum ash_vtimer_id timer, uint64_t now)
{
    return ash_vtimer_is_met(vtimer, timer, now) &&
           (regs_of(vtimer, timer)->ctl & ASH_VTIMER_CTL_IMASK) == 0U;
}

/* When will @timer assert? UINT64_MAX: not before the physical counter wraps, or the VM is resumed. */
static uint64_t deadline_of(const struct ash_vtimer *vtimer, enum ash_vtimer_id timer, uint64_t now)
{
    const struct ash_vtimer_regs *regs = regs_of(vtimer, timer);
    uint64_t ticks_left;

    if ((regs->ctl & CTL_WRITABLE) != ASH_VTIMER_CTL_ENABLE) {
        return UINT64_MAX;
    }
    if (ash_vtimer_is_met(vtimer, timer, now)) {
        return now;
    }
    if (vtimer->vm->paused) {
        return UINT64_MAX;
    }
    ticks_left = regs->cval - ash_vtimer_count(vtimer, now);
    return ticks_left > UINT64_MAX - now ? UINT64_MAX : now + ticks_left;
}

bool ash_vtimer_next_deadline(const struct ash_vtimer *vtimer, uint64_t now, uint64_t *deadline)
{
    uint64_t first = UINT64_MAX;

    for (unsigned i = 0; i < ASH_VTIMER_COUNT; i++) {
        uint64_t one = deadline_of(vtimer, (enum ash_vtimer_id)i, now);

        first = one < first ? one : first;
    }
    *deadline = first;
    return first != UINT64_MAX;
}

uint64_t ash_vtimer_read(const struct ash_vtimer *vtimer, enum ash_vtimer_id timer,
                         enum ash_vtimer_register reg, uint64_t now)
{
    const struct ash_vtimer_regs *regs = regs_of(vtimer, timer);

    switch (reg) {
    case ASH_VTIMER_CTL:
        return regs->ctl | (ash_vtimer_is_met(vtimer, timer, now) ? ASH_VTIMER_CTL_ISTATUS : 0U);
    case ASH_VTIMER_CVAL:
        return regs->cval;
    case ASH_VTIMER_TVAL:
        return (regs->cval - ash_vtimer_count(vtimer, now)) & UINT32_MAX;
    }
    return 0U;
}

void ash_vtimer_write(struct ash_vtimer *vtimer, enum ash_vtimer_id timer, enum ash_vtimer_register reg,
                      uint64_t now, uint64_t value)
{
    struct ash_vtimer_regs *regs = &vtimer->timer[ash_index_nospec((unsigned)timer, ASH_VTIMER_COUNT)];

    switch (reg) {
    case ASH_VTIMER_CTL:
        regs->ctl = (uint32_t)(value & CTL_WRITABLE);
        break;
    case ASH_VTIMER_CVAL:
        regs->cval = value;
        break;
    case ASH_VTIMER_TVAL:
        regs->cval = ash_vtimer_count(vtimer, now) + ash_sign_extend(value, 32);
        break;
    }
}

void ash_vtimer_update(struct ash_vtimer *vtimer, uint64_t now)
{
    for (unsigned i = 0; i < ASH_VTIMER_COUNT; i++) {
        tell_line(vtimer, i, ash_vtimer_is_asserted(vtimer, (enum ash_vtimer_id)i, now));
    }
}

void ash_vtimer_vm_export(const struct ash_vtimer_vm *vm, uint64_t now, struct ash_vtimer_vm_image *image)
{
    image->version = ASH_VTIMER_IMAGE_VERSION;
    image->paused = vm->paused ? 1U : 0U;
    image->count = count_of(vm, now);
}

int ash_vtimer_vm_import(struct ash_vtimer_vm *vm, uint64_t now, const struct ash_vtimer_vm_image *image)
{
    if (image->version != ASH_VTIMER_IMAGE_VERSION || image->paused > 1U) {
        return ASH_EFORMAT;
    }
    vm->paused = image->paused != 0U;
    vm->paused_at = now;
    vm->offset = now - image->count;
    return ASH_OK;
}

void ash_vtimer_export(const struct ash_vtimer *vtimer, struct ash_vtimer_image *image)
{
    image->version = ASH_VTIMER_IMAGE_VERSION;
    image->reserved = 0U;
    for (unsigned i = 0; i < ASH_VTIMER_COUNT; i++) {
        image->ctl[i] = vtimer->timer[i].ctl;
        image->cval[i] = vtimer->timer[i].cval;
    }
}

int ash_vtimer_import(struct ash_vtimer *vtimer, const struct ash_vtimer_image *image)
{
    if (image->version != ASH_VTIMER_IMAGE_VERSION || image->reserved != 0U) {
        return ASH_EFORMAT;
    }
    for (unsigned i = 0; i < ASH_VTIMER_COUNT; i++) {
        if ((image->ctl[i] & ~CTL_WRITABLE) != 0U) {
            return ASH_EFORMAT;
        }
    }
    for (unsigned i = 0; i < ASH_VTIMER_COUNT; i++) {
        vtimer->timer[i].ctl = image->ctl[i];
        vtimer->timer[i].cval = image->cval[i];
    }
    return ASH_OK;
}
