/* SPDX-License-Identifier: BSD-2-Clause */
/** What the files of the guest share. */
#ifndef MODEL_VGIC_GUEST_PARTS_H
#define MODEL_VGIC_GUEST_PARTS_H

#include "vgic_guest.h"

static inline bool is_v2(const struct machine *machine)
{
    return machine->config->version == 2U;
}

/* Offsets in the distributor's frame, and of private interrupts in the redistributor's second. */
enum {
    IGROUPR = 0x080,
    ISENABLER = 0x100,
    ICENABLER = 0x180,
    ISPENDR = 0x200,
    ICPENDR = 0x280,
    ISACTIVER = 0x300,
    ICACTIVER = 0x380,
    IPRIORITYR = 0x400,
    ITARGETSR = 0x800,
    ICFGR = 0xC00,
    SGIR = 0xF00,
    CPENDSGIR = 0xF10,
    SPENDSGIR = 0xF20,
    IROUTER = 0x6000
};

/* ---- vgic_guest_registers.c */

struct oracle_access guest_access_of(const struct machine *machine, unsigned vcpu, unsigned owner,
                                     uint32_t intid, uint32_t base, unsigned bits);
struct machine_ack *guest_find_ack(struct machine *machine, unsigned owner, uint32_t intid, unsigned *vcpu);
void guest_forget_ack(struct machine *machine, unsigned vcpu, const struct machine_ack *ack);
void guest_write_register(struct machine *machine, const struct oracle_access *access, uint64_t value);
uint64_t guest_read_register(struct machine *machine, const struct oracle_access *access);
void guest_write_bit(struct machine *machine, unsigned vcpu, unsigned owner, uint32_t intid, uint32_t base);
void guest_write_priority(struct machine *machine, unsigned vcpu, unsigned owner, uint32_t intid,
                          uint32_t value);
uint32_t guest_some_priority(struct machine *machine);
void guest_write_target(struct machine *machine, unsigned vcpu, uint32_t spi);
void guest_write_ctlr(struct machine *machine, unsigned vcpu, uint64_t value);
void guest_do_wild_access(struct machine *machine, unsigned vcpu);
void guest_do_read(struct machine *machine, unsigned vcpu);
void guest_do_message(struct machine *machine, unsigned vcpu);
void guest_do_write(struct machine *machine, unsigned vcpu);
void guest_do_configure(struct machine *machine, unsigned vcpu);
void guest_do_sgi(struct machine *machine, unsigned vcpu);
void guest_compare_everything(struct machine *machine);

/* ---- vgic_guest_devices.c */

void guest_set_line(struct machine *machine, unsigned owner, uint32_t intid, bool level);
void guest_do_line(struct machine *machine);
void guest_do_pulse(struct machine *machine);
void guest_do_self_sgi(struct machine *machine, unsigned vcpu);
void guest_fire(struct machine *machine, unsigned link, unsigned owner);
void guest_do_fire(struct machine *machine);

/* ---- vgic_guest_interface.c */

void guest_clear_message(struct machine *machine, unsigned vcpu, uint32_t intid);
bool guest_do_acknowledge(struct machine *machine, unsigned vcpu, unsigned group, bool may_be_old);
bool guest_do_eoi(struct machine *machine, unsigned vcpu);
bool guest_do_deactivate(struct machine *machine, unsigned vcpu);
void guest_enable_group(struct machine *machine, unsigned vcpu, unsigned group, bool enable);
void guest_set_pmr(struct machine *machine, unsigned vcpu, uint32_t value);
void guest_set_modes(struct machine *machine, unsigned vcpu, bool cbpr, bool eoimode);
void guest_compare_interface(struct machine *machine, unsigned vcpu);
void guest_do_interface(struct machine *machine, unsigned vcpu);

/* ---- vgic_guest.c */

uint32_t guest_some_intid(struct machine *machine);

#endif
