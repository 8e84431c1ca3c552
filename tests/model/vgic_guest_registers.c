/* SPDX-License-Identifier: BSD-2-Clause */
/* What the guest writes to and reads from its GIC, all of it legal, and any access of any width. */
#include "vgic_guest_parts.h"

#include <libbase/compiler.h>
#include <string.h>

/* The frame in which @vcpu finds the registers of @intid of @owner. In GICv2 everybody sees his own only. */
struct oracle_access guest_access_of(const struct machine *machine, unsigned vcpu, unsigned owner,
                                     uint32_t intid, uint32_t base, unsigned bits)
{
    bool redist = !is_v2(machine) && intid < 32U;

    return (struct oracle_access){
        .frame = redist ? ORACLE_REDISTRIBUTOR : ORACLE_DISTRIBUTOR,
        .vcpu = is_v2(machine) && intid < 32U ? owner : vcpu,
        .which = owner,
        .offset = (redist ? 0x10000U : 0U) + base + intid * bits / 32U * 4U,
        .size = 4,
    };
}

/* Whose stack of acknowledged interrupts holds it? */
struct machine_ack *guest_find_ack(struct machine *machine, unsigned owner, uint32_t intid, unsigned *vcpu)
{
    for (unsigned i = 0; i < machine->config->vcpus; i++) {
        for (unsigned n = 0; n < machine->guest[i].acks; n++) {
            struct machine_ack *ack = &machine->guest[i].ack[n];

            if ((ack->value & 0x3FFU) == intid && (intid >= 32U || i == owner)) {
                *vcpu = i;
                return ack;
            }
        }
    }
    return NULL;
}

void guest_forget_ack(struct machine *machine, unsigned vcpu, const struct machine_ack *ack)
{
    struct machine_vcpu *guest = &machine->guest[vcpu];
    size_t index = (size_t)(ack - guest->ack);

    memmove(&guest->ack[index], &guest->ack[index + 1U], (guest->acks - index - 1U) * sizeof(*ack));
    guest->acks--;
}

/* What is acknowledged ends by EOI and DIR: only what was dropped already may be deactivated by register. An
 * interrupt that a register makes active has no active priority, and which of several active interrupts an
 * EOI ends is by priority: so such a one has the lowest, that no acknowledged one can have. */
static uint32_t allowed_field(struct machine *machine, unsigned owner, uint32_t intid, uint32_t base,
                              uint32_t now, uint32_t wanted)
{
    struct oracle_irq *irq = oracle_irq(&machine->oracle, owner, intid);
    unsigned vcpu;
    struct machine_ack *ack;
    uint8_t lowest = (uint8_t)(0xFFU << (8U - machine->config->priority_bits));

    if (irq == NULL) {
        return wanted;
    }
    ack = guest_find_ack(machine, owner, intid, &vcpu);
    switch (base) {
    case ISACTIVER:
        return ack == NULL && irq->priority == lowest ? wanted : 0U;
    case ICACTIVER:
        if (ack != NULL && !ack->dropped) {
            return 0;
        }
        if (ack != NULL && wanted != 0U) {
            machine->guest[vcpu].ended[intid] = true;
            guest_forget_ack(machine, vcpu, ack);
        }
        return wanted;
    case IGROUPR:
    case IPRIORITYR:
        return irq->active && ack == NULL ? now : wanted;
    case ICFGR:
        return now;
    default:
        return wanted;
    }
}

static const struct {
    uint32_t base, end;
    unsigned bits;
    enum machine_touch touch;
} registers[] = {
    {IGROUPR, 0x100, 1, TOUCH_PENDING},   {ISENABLER, 0x180, 1, TOUCH_PENDING},
    {ICENABLER, 0x200, 1, TOUCH_PENDING}, {ISPENDR, 0x280, 1, TOUCH_PENDING},
    {ICPENDR, 0x300, 1, TOUCH_PENDING},   {ISACTIVER, 0x380, 1, TOUCH_ACTIVE},
    {ICACTIVER, 0x400, 1, TOUCH_ACTIVE},  {IPRIORITYR, 0x800, 8, TOUCH_PENDING},
    {ITARGETSR, 0xC00, 8, TOUCH_PENDING}, {ICFGR, 0xD00, 2, TOUCH_PENDING},
    {CPENDSGIR, 0xF20, 8, TOUCH_PENDING}, {SPENDSGIR, 0xF30, 8, TOUCH_PENDING},
};

/* @value, with what the guest must not write left out; and everything that it concerns is touched. */
static uint64_t sanitised(struct machine *machine, const struct oracle_access *access, uint64_t value)
{
    uint32_t offset = access->offset;
    unsigned owner = access->frame == ORACLE_REDISTRIBUTOR ? access->which : access->vcpu;
    uint64_t known;

    if (access->frame == ORACLE_REDISTRIBUTOR) {
        if (offset < 0x10000U) {
            /* DPG is optional, sleeping has an operation of its own */
            return offset / 4U == 0U   ? 0U
                   : offset / 4U == 5U ? oracle_read(&machine->oracle, access, &known)
                                       : value;
        }
        offset -= 0x10000U;
    }
    for (size_t i = 0; i < ASH_ARRAY_SIZE(registers); i++) {
        if (offset >= registers[i].base && offset < registers[i].end) {
            bool takes =
                (access->size == 4U && offset % 4U == 0U) || (access->size == 1U && registers[i].bits == 8U);

            if (!takes) {
                return value; /* ignored */
            }
            uint64_t now = oracle_read(&machine->oracle, access, &known);
            uint32_t mask = (1U << registers[i].bits) - 1U;
            uint32_t first = (offset - registers[i].base) * 8U / registers[i].bits;

            for (unsigned n = 0; n < access->size * 8U / registers[i].bits; n++) {
                unsigned shift = n * registers[i].bits;
                uint32_t field =
                    allowed_field(machine, owner, first + n, registers[i].base,
                                  (uint32_t)(now >> shift) & mask, (uint32_t)(value >> shift) & mask);

                value = (value & ~((uint64_t)mask << shift)) | ((uint64_t)field << shift);
                machine_touch(machine, first + n, registers[i].touch);
            }
            return value;
        }
    }
    machine_touch_all(machine, TOUCH_PENDING);
    if (access->frame == ORACLE_DISTRIBUTOR && offset >= 0x40U && offset < 0x50U && access->size < 8U) {
        struct oracle_irq *irq = oracle_irq(&machine->oracle, 0, value & 0x1FFFU);

        /* a message to what a device line or a latch drives as well: only as guest_do_message() does it */
        value = irq != NULL && (value & 0x1FFFU) >= 32U &&
                        (machine_link(machine, value & 0x1FFFU) >= 0 || (!irq->edge && irq->latch))
                    ? 0U
                    : value;
    }
    return value;
}

void guest_write_register(struct machine *machine, const struct oracle_access *access, uint64_t value)
{
    value = sanitised(machine, access, value);
    if (access->size < 8U) {
        value &= (UINT64_C(1) << (access->size * 8U)) - 1U;
    }
    machine_say(machine, "vCPU %u writes 0x%llx, %u bytes, to %s %u + 0x%x", access->vcpu,
                (unsigned long long)value, access->size,
                access->frame == ORACLE_DISTRIBUTOR ? "distributor" : "redistributor", access->which,
                access->offset);
    machine_write(machine, access, value);
}

uint64_t guest_read_register(struct machine *machine, const struct oracle_access *access)
{
    machine_say(machine, "vCPU %u reads %u bytes from %s %u + 0x%x", access->vcpu, access->size,
                access->frame == ORACLE_DISTRIBUTOR ? "distributor" : "redistributor", access->which,
                access->offset);
    return machine_read(machine, access);
}

/* One bit of a register with a bit for each interrupt. */
void guest_write_bit(struct machine *machine, unsigned vcpu, unsigned owner, uint32_t intid, uint32_t base)
{
    struct oracle_access access = guest_access_of(machine, vcpu, owner, intid, base, 1);

    guest_write_register(machine, &access, UINT64_C(1) << (intid % 32U));
}

void guest_write_priority(struct machine *machine, unsigned vcpu, unsigned owner, uint32_t intid,
                          uint32_t value)
{
    struct oracle_access access = guest_access_of(machine, vcpu, owner, intid, IPRIORITYR, 8);

    access.offset += intid % 4U;
    access.size = 1;
    guest_write_register(machine, &access, value & 0xFFU);
}

uint32_t guest_some_priority(struct machine *machine)
{
    return machine_percent(machine, 85) ? 0x10U * (uint32_t)machine_below(machine, 15)
                                        : (uint32_t)machine_below(machine, 256);
}

static uint64_t some_route(struct machine *machine)
{
    uint64_t affinity = machine->oracle.cpu[machine_below(machine, machine->config->vcpus)].affinity;
    uint64_t dice = machine_below(machine, 100);

    if (dice < 15U) {
        return UINT64_C(1) << 31;
    }
    if (dice < 20U) {
        return 0x55; /* nobody */
    }
    return (affinity & 0xFFFFFFU) | ((affinity >> 24) << 32);
}

void guest_write_target(struct machine *machine, unsigned vcpu, uint32_t spi)
{
    struct oracle_access access = {.frame = ORACLE_DISTRIBUTOR, .vcpu = vcpu};

    if (is_v2(machine)) {
        access.offset = ITARGETSR + spi;
        access.size = 1;
        guest_write_register(machine, &access,
                             machine_percent(machine, 70)
                                 ? UINT64_C(1) << machine_below(machine, machine->config->vcpus)
                                 : machine_below(machine, 256));
    } else {
        access.offset = IROUTER + 8U * spi;
        access.size = 8;
        guest_write_register(machine, &access, some_route(machine));
    }
}

void guest_write_ctlr(struct machine *machine, unsigned vcpu, uint64_t value)
{
    const struct oracle_access access = {.frame = ORACLE_DISTRIBUTOR, .vcpu = vcpu, .offset = 0, .size = 4};

    guest_write_register(machine, &access, value);
}

static uint64_t some_mask(struct machine *machine)
{
    uint64_t mask = UINT64_C(1) << machine_below(machine, 32);

    if (machine_percent(machine, 30)) {
        mask |= test_rng_next(machine->rng) & test_rng_next(machine->rng) & 0xFFFFFFFFU;
    }
    return mask;
}

void guest_do_wild_access(struct machine *machine, unsigned vcpu)
{
    static const unsigned sizes[] = {1, 2, 4, 8};
    struct oracle_access access = {
        .frame = !is_v2(machine) && machine_percent(machine, 50) ? ORACLE_REDISTRIBUTOR : ORACLE_DISTRIBUTOR,
        .vcpu = vcpu,
        .which = (unsigned)machine_below(machine, machine->config->vcpus),
        .size = sizes[machine_below(machine, 4)],
    };

    access.offset = (uint32_t)machine_below(machine, is_v2(machine)                       ? 0x1000
                                                     : access.frame == ORACLE_DISTRIBUTOR ? 0x10000
                                                                                          : 0x20000);
    if (machine_percent(machine, 60)) {
        access.offset = access.offset / access.size * access.size;
    }
    machine_count(machine, MACHINE_WILD_ACCESS);
    if (machine_percent(machine, 50)) {
        (void)guest_read_register(machine, &access);
    } else {
        guest_write_register(machine, &access, test_rng_next(machine->rng));
    }
}

void guest_do_read(struct machine *machine, unsigned vcpu)
{
    unsigned owner = (unsigned)machine_below(machine, machine->config->vcpus);
    size_t which =
        (size_t)machine_below(machine, machine_percent(machine, 70) ? 10 : ASH_ARRAY_SIZE(registers));
    uint32_t intid = guest_some_intid(machine);
    struct oracle_access access;

    if (is_v2(machine)) {
        owner = vcpu;
    }
    if (machine_percent(machine, 20)) { /* control, type, wake-up */
        static const uint32_t offsets[] = {0, 0, 0, 4, 8, 12, 0x14, 0xFFE8, 0xFE8};

        access = (struct oracle_access){.frame = !is_v2(machine) && machine_percent(machine, 50)
                                                     ? ORACLE_REDISTRIBUTOR
                                                     : ORACLE_DISTRIBUTOR,
                                        .vcpu = vcpu,
                                        .which = owner,
                                        .offset = offsets[machine_below(machine, ASH_ARRAY_SIZE(offsets))],
                                        .size = 4};
        if (access.offset == 8U && machine_percent(machine, 50)) {
            access.size = 8;
        }
        if (is_v2(machine)) {
            access.offset &= 0xFFFU;
        }
    } else if (!is_v2(machine) && intid >= 32U && machine_percent(machine, 15)) {
        access = (struct oracle_access){
            .frame = ORACLE_DISTRIBUTOR, .vcpu = vcpu, .offset = IROUTER + 8U * intid, .size = 8};
        if (machine_percent(machine, 30)) {
            access.size = 4;
            access.offset += 4U * (uint32_t)machine_below(machine, 2);
        }
    } else {
        if (registers[which].base >= CPENDSGIR) {
            intid %= 16U;
        }
        access = guest_access_of(machine, vcpu, owner, intid, registers[which].base, registers[which].bits);
        if (registers[which].bits == 8U && machine_percent(machine, 50)) {
            access.size = 1;
            access.offset += (uint32_t)machine_below(machine, 4);
        }
    }
    (void)guest_read_register(machine, &access);
}

static void read_rwp(struct machine *machine, unsigned vcpu, unsigned owner, uint32_t intid)
{
    const struct oracle_access access = {.frame = intid < 32U ? ORACLE_REDISTRIBUTOR : ORACLE_DISTRIBUTOR,
                                         .vcpu = vcpu,
                                         .which = owner,
                                         .offset = 0,
                                         .size = 4};

    (void)guest_read_register(machine, &access);
}

/* GICD_SETSPI_NSR and GICD_CLRSPI_NSR. What a message does to a latch that ISPENDR has set is left alone. */
void guest_do_message(struct machine *machine, unsigned vcpu)
{
    struct oracle_access access = {.frame = ORACLE_DISTRIBUTOR, .vcpu = vcpu, .offset = 0x40, .size = 4};
    uint32_t intid = guest_some_intid(machine);

    if (is_v2(machine) || intid < 32U || machine_link(machine, intid) >= 0 || !machine->oracle.has_messages) {
        return;
    }
    if (machine_percent(machine, 40) &&
        (machine->oracle.spi[intid].edge || !machine->oracle.spi[intid].latch)) {
        access.offset = 0x48;
    }
    access.size = machine_percent(machine, 30) ? 2 : 4;
    guest_write_register(machine, &access, intid);
    machine_count(machine, MACHINE_MESSAGE);
}

void guest_do_write(struct machine *machine, unsigned vcpu)
{
    unsigned owner = is_v2(machine) ? vcpu : (unsigned)machine_below(machine, machine->config->vcpus);
    uint32_t intid = guest_some_intid(machine);
    uint64_t dice = machine_below(machine, 100);
    struct oracle_access access;

    if (dice < 5U) {
        guest_write_ctlr(machine, vcpu, machine_percent(machine, 70) ? 3U : machine_below(machine, 256));
    } else if (dice < 25U) {
        guest_write_priority(machine, vcpu, owner, intid,
                             machine_percent(machine, 10) ? 0xFFU : guest_some_priority(machine));
    } else if (dice < 35U && intid >= 32U) {
        guest_write_target(machine, vcpu, intid);
    } else if (dice < 55U) {
        bool enable = machine_percent(machine, 70);

        guest_write_bit(machine, vcpu, owner, intid, enable ? ISENABLER : ICENABLER);
        if (!enable && !is_v2(machine)) {
            read_rwp(machine, vcpu, owner, intid);
        }
    } else if (dice < 75U) {
        guest_write_bit(machine, vcpu, owner, intid, machine_percent(machine, 60) ? ISPENDR : ICPENDR);
    } else if (dice < 85U) {
        guest_write_bit(machine, vcpu, owner, intid, machine_percent(machine, 40) ? ISACTIVER : ICACTIVER);
    } else {
        size_t which = (size_t)machine_below(machine, ASH_ARRAY_SIZE(registers));

        if (registers[which].base >= CPENDSGIR) {
            intid %= 16U;
        }
        access = guest_access_of(machine, vcpu, owner, intid, registers[which].base, registers[which].bits);
        guest_write_register(machine, &access,
                             registers[which].bits == 1U ? some_mask(machine)
                                                         : test_rng_next(machine->rng) & 0xFFFFFFFFU);
    }
}

/* From level to edge or back, as software must: disabled, and what was pending thrown away. */
void guest_do_configure(struct machine *machine, unsigned vcpu)
{
    unsigned owner = is_v2(machine) ? vcpu : (unsigned)machine_below(machine, machine->config->vcpus);
    uint32_t intid = guest_some_intid(machine);
    struct oracle_access access = guest_access_of(machine, vcpu, owner, intid, ICFGR, 2);
    uint64_t known, value;

    if (intid < 16U || oracle_irq(&machine->oracle, owner, intid)->active ||
        oracle_irq(&machine->oracle, owner, intid)->message) {
        return;
    }
    guest_write_bit(machine, vcpu, owner, intid, ICENABLER);
    machine_exit_all(machine);
    if (oracle_irq(&machine->oracle, owner, intid)->active) {
        return;
    }
    value = oracle_read(&machine->oracle, &access, &known) ^ (UINT64_C(2) << (intid % 16U * 2U));
    machine_say(machine, "vCPU %u configures INTID %u of vCPU %u", access.vcpu, intid, owner);
    machine_write(machine, &access, value);
    guest_write_bit(machine, vcpu, owner, intid, ICPENDR);
    if (machine_percent(machine, 70)) {
        guest_write_bit(machine, vcpu, owner, intid, ISENABLER);
    }
    machine_count(machine, MACHINE_CONFIGURED);
}

void guest_do_sgi(struct machine *machine, unsigned vcpu)
{
    uint64_t affinity = machine->oracle.cpu[machine_below(machine, machine->config->vcpus)].affinity;
    uint64_t value = machine_below(machine, machine_percent(machine, 80) ? 4 : 16) << 24;
    uint64_t dice = machine_below(machine, 100);
    enum ash_vgic_sgi_register which = dice < 10U   ? ASH_VGIC_SGI0R
                                       : dice < 15U ? ASH_VGIC_ASGI1R
                                                    : ASH_VGIC_SGI1R;

    machine_touch(machine, (uint32_t)(value >> 24), TOUCH_PENDING);
    machine_count(machine, MACHINE_SGI);
    if (is_v2(machine)) {
        struct oracle_access access = {.frame = ORACLE_DISTRIBUTOR, .vcpu = vcpu, .offset = SGIR, .size = 4};

        value = (value >> 24) | (machine_below(machine, 256) << 16) |
                ((dice < 60U ? 0U : machine_below(machine, 4)) << 24);
        guest_write_register(
            machine, &access,
            value | (machine_percent(machine, 20) ? 0xFCFF7FF0U & test_rng_next(machine->rng) : 0U));
        return;
    }
    value |= ((affinity >> 8) & 0xFFU) << 16 | ((affinity >> 16) & 0xFFU) << 32 | (affinity >> 24) << 48;
    value |= ((affinity & 0xFFU) / 16U) << 44;
    value |= machine_percent(machine, 50) ? UINT64_C(1) << (affinity % 16U) : machine_below(machine, 0x10000);
    value |= machine_percent(machine, 15) ? UINT64_C(1) << 40 : 0U;
    value ^= machine_percent(machine, 5) ? UINT64_C(1) << machine_below(machine, 56) : 0U;
    machine_touch(machine, (uint32_t)(value >> 24) & 0xFU, TOUCH_PENDING);
    machine_say(machine, "vCPU %u writes 0x%llx to SGI register %u", vcpu, (unsigned long long)value, which);
    ash_vgic_sgi(&machine->gic, vcpu, value, which);
    oracle_sgi(&machine->oracle, vcpu, value, which != ASH_VGIC_SGI1R);
}

void guest_compare_everything(struct machine *machine)
{
    for (size_t i = 0; i < ASH_ARRAY_SIZE(registers); i++) {
        for (uint32_t intid = 0; intid < 32U + machine->config->spis; intid += 32U / registers[i].bits) {
            for (unsigned owner = 0; owner < (intid < 32U ? machine->config->vcpus : 1U); owner++) {
                struct oracle_access access =
                    guest_access_of(machine, 0, owner, intid, registers[i].base, registers[i].bits);

                if (access.offset - (access.frame == ORACLE_REDISTRIBUTOR ? 0x10000U : 0U) <
                    registers[i].end) {
                    (void)guest_read_register(machine, &access);
                }
            }
        }
    }
}
