/* SPDX-License-Identifier: BSD-2-Clause */
/** The interrupt controllers of a Raspberry Pi 3: the BCM2836's local one ("BCM2836 ARM-local peripherals", QA7
 *  rev 3.4) with each CPU's timers and mailboxes, and behind it the BCM2835's for the devices ("BCM2835 ARM
 *  Peripherals", chapter 7). Neither knows priorities or an active state; hv's numbers for their interrupts are those
 *  of <libboot/board.h>. Used through gic.h.
 *
 *  What stands in for the active state: a guest's timer, a PPI that stays asserted until the guest has dealt with it,
 *  is masked when it is taken and unmasked when it is deactivated. Its CPU remembers both in struct hv_cpu, so that no
 *  register is read for it. Everything else is hv's own: its handler removes the cause.
 *
 *  Lock domain: the CPU, for what is its own. Devices' interrupts: the boot CPU, before the others run. */
#ifndef HV_DRIVERS_BCM2836_H
#define HV_DRIVERS_BCM2836_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/gic_common.h"

#define HV_BCM2836_SPIS 72U /* INTIDs 32..103 */

/** The devices' interrupts off, and routed to this CPU: the one that has the console. */
void hv_bcm2836_init_distributor(struct hv_gic *gic, const struct hv_cpu *cpu);
/** This CPU's timers masked, its mailboxes empty, mailbox 0 on: what HV_GIC_SGI_* are sent by. */
void hv_bcm2836_init_cpu(const struct hv_gic *gic, struct hv_cpu *cpu);

void hv_bcm2836_enable(const struct hv_gic *gic, struct hv_cpu *cpu, uint32_t intid, bool enable);
void hv_bcm2836_set_active_ppis(const struct hv_gic *gic, struct hv_cpu *cpu, uint32_t ppis, bool active);
void hv_bcm2836_send_sgi(const struct hv_gic *gic, const struct hv_cpu *cpu, uint32_t intid);

/** An interrupt that is pending for this CPU, @cpu: its INTID, or HV_GIC_SPURIOUS. An SGI is thereby taken back, a
 *  guest's timer masked. */
uint32_t hv_bcm2836_acknowledge(const struct hv_gic *gic, struct hv_cpu *cpu);

#endif
