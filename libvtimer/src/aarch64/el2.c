/* SPDX-License-Identifier: BSD-2-Clause */
#include <libvtimer/el2.h>

#define READ(reg, to)    __asm__ volatile("mrs %0, " #reg : "=r"(to) : : "memory")
#define WRITE(reg, from) __asm__ volatile("msr " #reg ", %0" : : "r"(from) : "memory")
#define ISB()            __asm__ volatile("isb" : : : "memory")

#define CTL_WRITABLE (ASH_VTIMER_CTL_ENABLE | ASH_VTIMER_CTL_IMASK)

void ash_vtimer_el2_load(const struct ash_vtimer *vtimer)
{
    const struct ash_vtimer_regs *regs = &vtimer->timer[ASH_VTIMER_VIRTUAL];

    WRITE(cntvoff_el2, vtimer->vm->offset);
    WRITE(cntv_cval_el0, regs->cval);
    ISB(); /* offset and compare value are in force before the enable is */
    WRITE(cntv_ctl_el0, (uint64_t)regs->ctl);
}

void ash_vtimer_el2_peek(struct ash_vtimer *vtimer)
{
    struct ash_vtimer_regs *regs = &vtimer->timer[ASH_VTIMER_VIRTUAL];
    uint64_t ctl;

    READ(cntv_ctl_el0, ctl);
    READ(cntv_cval_el0, regs->cval);
    regs->ctl = (uint32_t)(ctl & CTL_WRITABLE);
}

void ash_vtimer_el2_save(struct ash_vtimer *vtimer)
{
    ash_vtimer_el2_peek(vtimer);
    WRITE(cntv_ctl_el0, UINT64_C(0));
    ISB(); /* the output is low before the next vCPU, or the caller, looks at the interrupt */
}

uint64_t ash_vtimer_el2_now(void)
{
    uint64_t now;

    ISB(); /* else the counter may be read ahead of program order (DDI 0487 "The Generic Timer in AArch64 state") */
    READ(cntpct_el0, now);
    return now;
}
