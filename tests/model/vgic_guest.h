/* SPDX-License-Identifier: BSD-2-Clause */
/** What guests, devices and the hypervisor do at random. The guest keeps to what the architecture asks of
 *  software (ends in the reverse order of acknowledgements, deactivates what it dropped, changes a trigger
 *  only while disabled): only then does the architecture say what must happen. It may do anything else at any
 *  time. */
#ifndef MODEL_VGIC_GUEST_H
#define MODEL_VGIC_GUEST_H

#include "vgic_machine.h"

/** As an operating system begins: groups and interrupts enabled, priorities, routes. */
void guest_boot(struct machine *machine);
/** One operation and the checks after it. */
void guest_step(struct machine *machine);
/** All that is pending and can be taken is taken; then everything is compared. */
void guest_quiesce(struct machine *machine);

/** The same without any rule: ends and deactivates what it likes, writes anything anywhere. What a GIC does
 *  then is UNPREDICTABLE; the hypervisor stays sound (list registers are legal, a flush leaves nothing to do,
 *  what is physical ends once), and a reset puts everything right. The machine is reset at the end. */
void guest_rampage(struct machine *machine, unsigned operations);

#endif
