/* SPDX-License-Identifier: BSD-2-Clause */
#include "vgic_guest.h"

#include <libbase/compiler.h>
#include <string.h>

static uint64_t below(struct machine *machine, uint64_t bound)
{
    return machine_below(machine, bound);
}

static bool percent(struct machine *machine, unsigned chance)
{
    return machine_percent(machine, chance);
}

static bool is_v2(const struct machine *machine)
{
    return machine->config->version == 2U;
}

/* A vCPU that runs guest code: on, and awake. vCPU 0 always is. */
static unsigned some_vcpu(struct machine *machine)
{
    unsigned vcpu = (unsigned)below(machine, machine->config->vcpus);

    return machine->oracle.cpu[vcpu].online && !machine->oracle.cpu[vcpu].asleep ? vcpu : 0U;
}

/* Few interrupts meet each other often; sometimes any. */
static uint32_t some_spi(struct machine *machine)
{
    uint32_t count = percent(machine, 85) && machine->config->spis > 12U ? 12U : machine->config->spis;

    return 32U + (uint32_t)below(machine, count);
}

static uint32_t some_intid(struct machine *machine)
{
    static const uint32_t ppis[] = {16, 20, 26, 27, 31};
    uint64_t dice = below(machine, 100);

    if (dice < 20U) {
        return (uint32_t)below(machine, percent(machine, 80) ? 4 : 16);
    }
    if (dice < 45U || machine->config->spis == 0U) {
        return ppis[below(machine, 5)];
    }
    return some_spi(machine);
}

/* ---- Registers ----------------------------------------------------------------------------------------- */

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

/* The frame in which @vcpu finds the registers of @intid of @owner. In GICv2 everybody sees his own only. */
static struct oracle_access access_of(const struct machine *machine, unsigned vcpu, unsigned owner,
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
static struct machine_ack *find_ack(struct machine *machine, unsigned owner, uint32_t intid, unsigned *vcpu)
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

static void forget_ack(struct machine *machine, unsigned vcpu, const struct machine_ack *ack)
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
    ack = find_ack(machine, owner, intid, &vcpu);
    switch (base) {
    case ISACTIVER:
        return ack == NULL && irq->priority == lowest ? wanted : 0U;
    case ICACTIVER:
        if (ack != NULL && !ack->dropped) {
            return 0;
        }
        if (ack != NULL && wanted != 0U) {
            forget_ack(machine, vcpu, ack);
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
        struct oracle_irq *irq = oracle_irq(&machine->oracle, 0, value & 0x3FFU);

        /* a message to what a device line or a latch drives as well: only as do_message() does it */
        value = irq != NULL && (value & 0x3FFU) >= 32U &&
                        (machine_link(machine, value & 0x3FFU) >= 0 || (!irq->edge && irq->latch))
                    ? 0U
                    : value;
    }
    return value;
}

static void write_register(struct machine *machine, const struct oracle_access *access, uint64_t value)
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

static uint64_t read_register(struct machine *machine, const struct oracle_access *access)
{
    machine_say(machine, "vCPU %u reads %u bytes from %s %u + 0x%x", access->vcpu, access->size,
                access->frame == ORACLE_DISTRIBUTOR ? "distributor" : "redistributor", access->which,
                access->offset);
    return machine_read(machine, access);
}

/* One bit of a register with a bit for each interrupt. */
static void write_bit(struct machine *machine, unsigned vcpu, unsigned owner, uint32_t intid, uint32_t base)
{
    struct oracle_access access = access_of(machine, vcpu, owner, intid, base, 1);

    write_register(machine, &access, UINT64_C(1) << (intid % 32U));
}

static void write_priority(struct machine *machine, unsigned vcpu, unsigned owner, uint32_t intid,
                           uint32_t value)
{
    struct oracle_access access = access_of(machine, vcpu, owner, intid, IPRIORITYR, 8);

    access.offset += intid % 4U;
    access.size = 1;
    write_register(machine, &access, value & 0xFFU);
}

static uint32_t some_priority(struct machine *machine)
{
    return percent(machine, 85) ? 0x10U * (uint32_t)below(machine, 15) : (uint32_t)below(machine, 256);
}

static uint64_t some_route(struct machine *machine)
{
    uint64_t affinity = machine->oracle.cpu[below(machine, machine->config->vcpus)].affinity;
    uint64_t dice = below(machine, 100);

    if (dice < 15U) {
        return UINT64_C(1) << 31;
    }
    if (dice < 20U) {
        return 0x55; /* nobody */
    }
    return (affinity & 0xFFFFFFU) | ((affinity >> 24) << 32);
}

static void write_target(struct machine *machine, unsigned vcpu, uint32_t spi)
{
    struct oracle_access access = {.frame = ORACLE_DISTRIBUTOR, .vcpu = vcpu};

    if (is_v2(machine)) {
        access.offset = ITARGETSR + spi;
        access.size = 1;
        write_register(machine, &access,
                       percent(machine, 70) ? UINT64_C(1) << below(machine, machine->config->vcpus)
                                            : below(machine, 256));
    } else {
        access.offset = IROUTER + 8U * spi;
        access.size = 8;
        write_register(machine, &access, some_route(machine));
    }
}

static void write_ctlr(struct machine *machine, unsigned vcpu, uint64_t value)
{
    const struct oracle_access access = {.frame = ORACLE_DISTRIBUTOR, .vcpu = vcpu, .offset = 0, .size = 4};

    write_register(machine, &access, value);
}

static uint64_t some_mask(struct machine *machine)
{
    uint64_t mask = UINT64_C(1) << below(machine, 32);

    if (percent(machine, 30)) {
        mask |= test_rng_next(machine->rng) & test_rng_next(machine->rng) & 0xFFFFFFFFU;
    }
    return mask;
}

static void do_wild_access(struct machine *machine, unsigned vcpu)
{
    static const unsigned sizes[] = {1, 2, 4, 8};
    struct oracle_access access = {
        .frame = !is_v2(machine) && percent(machine, 50) ? ORACLE_REDISTRIBUTOR : ORACLE_DISTRIBUTOR,
        .vcpu = vcpu,
        .which = (unsigned)below(machine, machine->config->vcpus),
        .size = sizes[below(machine, 4)],
    };

    access.offset = (uint32_t)below(machine, is_v2(machine)                       ? 0x1000
                                             : access.frame == ORACLE_DISTRIBUTOR ? 0x10000
                                                                                  : 0x20000);
    if (percent(machine, 60)) {
        access.offset = access.offset / access.size * access.size;
    }
    machine_count(machine, MACHINE_WILD_ACCESS);
    if (percent(machine, 50)) {
        (void)read_register(machine, &access);
    } else {
        write_register(machine, &access, test_rng_next(machine->rng));
    }
}

static void do_read(struct machine *machine, unsigned vcpu)
{
    unsigned owner = (unsigned)below(machine, machine->config->vcpus);
    size_t which = (size_t)below(machine, percent(machine, 70) ? 10 : ASH_ARRAY_SIZE(registers));
    uint32_t intid = some_intid(machine);
    struct oracle_access access;

    if (is_v2(machine)) {
        owner = vcpu;
    }
    if (percent(machine, 20)) { /* control, type, wake-up */
        static const uint32_t offsets[] = {0, 0, 0, 4, 8, 12, 0x14, 0xFFE8, 0xFE8};

        access = (struct oracle_access){
            .frame = !is_v2(machine) && percent(machine, 50) ? ORACLE_REDISTRIBUTOR : ORACLE_DISTRIBUTOR,
            .vcpu = vcpu,
            .which = owner,
            .offset = offsets[below(machine, ASH_ARRAY_SIZE(offsets))],
            .size = 4};
        if (access.offset == 8U && percent(machine, 50)) {
            access.size = 8;
        }
        if (is_v2(machine)) {
            access.offset &= 0xFFFU;
        }
    } else if (!is_v2(machine) && intid >= 32U && percent(machine, 15)) {
        access = (struct oracle_access){
            .frame = ORACLE_DISTRIBUTOR, .vcpu = vcpu, .offset = IROUTER + 8U * intid, .size = 8};
        if (percent(machine, 30)) {
            access.size = 4;
            access.offset += 4U * (uint32_t)below(machine, 2);
        }
    } else {
        if (registers[which].base >= CPENDSGIR) {
            intid %= 16U;
        }
        access = access_of(machine, vcpu, owner, intid, registers[which].base, registers[which].bits);
        if (registers[which].bits == 8U && percent(machine, 50)) {
            access.size = 1;
            access.offset += (uint32_t)below(machine, 4);
        }
    }
    (void)read_register(machine, &access);
}

static void read_rwp(struct machine *machine, unsigned vcpu, unsigned owner, uint32_t intid)
{
    const struct oracle_access access = {.frame = intid < 32U ? ORACLE_REDISTRIBUTOR : ORACLE_DISTRIBUTOR,
                                         .vcpu = vcpu,
                                         .which = owner,
                                         .offset = 0,
                                         .size = 4};

    (void)read_register(machine, &access);
}

/* GICD_SETSPI_NSR and GICD_CLRSPI_NSR. What a message does to a latch that ISPENDR has set is left alone. */
static void do_message(struct machine *machine, unsigned vcpu)
{
    struct oracle_access access = {.frame = ORACLE_DISTRIBUTOR, .vcpu = vcpu, .offset = 0x40, .size = 4};
    uint32_t intid = some_intid(machine);

    if (is_v2(machine) || intid < 32U || machine_link(machine, intid) >= 0 || !machine->oracle.has_messages) {
        return;
    }
    if (percent(machine, 40) && (machine->oracle.spi[intid].edge || !machine->oracle.spi[intid].latch)) {
        access.offset = 0x48;
    }
    access.size = percent(machine, 30) ? 2 : 4;
    write_register(machine, &access, intid);
    machine_count(machine, MACHINE_MESSAGE);
}

static void do_write(struct machine *machine, unsigned vcpu)
{
    unsigned owner = is_v2(machine) ? vcpu : (unsigned)below(machine, machine->config->vcpus);
    uint32_t intid = some_intid(machine);
    uint64_t dice = below(machine, 100);
    struct oracle_access access;

    if (dice < 5U) {
        write_ctlr(machine, vcpu, percent(machine, 70) ? 3U : below(machine, 256));
    } else if (dice < 25U) {
        write_priority(machine, vcpu, owner, intid, percent(machine, 10) ? 0xFFU : some_priority(machine));
    } else if (dice < 35U && intid >= 32U) {
        write_target(machine, vcpu, intid);
    } else if (dice < 55U) {
        bool enable = percent(machine, 70);

        write_bit(machine, vcpu, owner, intid, enable ? ISENABLER : ICENABLER);
        if (!enable && !is_v2(machine)) {
            read_rwp(machine, vcpu, owner, intid);
        }
    } else if (dice < 75U) {
        write_bit(machine, vcpu, owner, intid, percent(machine, 60) ? ISPENDR : ICPENDR);
    } else if (dice < 85U) {
        write_bit(machine, vcpu, owner, intid, percent(machine, 40) ? ISACTIVER : ICACTIVER);
    } else {
        size_t which = (size_t)below(machine, ASH_ARRAY_SIZE(registers));

        if (registers[which].base >= CPENDSGIR) {
            intid %= 16U;
        }
        access = access_of(machine, vcpu, owner, intid, registers[which].base, registers[which].bits);
        write_register(machine, &access,
                       registers[which].bits == 1U ? some_mask(machine)
                                                   : test_rng_next(machine->rng) & 0xFFFFFFFFU);
    }
}

/* From level to edge or back, as software must: disabled, and what was pending thrown away. */
static void do_configure(struct machine *machine, unsigned vcpu)
{
    unsigned owner = is_v2(machine) ? vcpu : (unsigned)below(machine, machine->config->vcpus);
    uint32_t intid = some_intid(machine);
    struct oracle_access access = access_of(machine, vcpu, owner, intid, ICFGR, 2);
    uint64_t known, value;

    if (intid < 16U || oracle_irq(&machine->oracle, owner, intid)->active ||
        oracle_irq(&machine->oracle, owner, intid)->message) {
        return;
    }
    write_bit(machine, vcpu, owner, intid, ICENABLER);
    machine_exit_all(machine);
    if (oracle_irq(&machine->oracle, owner, intid)->active) {
        return;
    }
    value = oracle_read(&machine->oracle, &access, &known) ^ (UINT64_C(2) << (intid % 16U * 2U));
    machine_say(machine, "vCPU %u configures INTID %u of vCPU %u", access.vcpu, intid, owner);
    machine_write(machine, &access, value);
    write_bit(machine, vcpu, owner, intid, ICPENDR);
    if (percent(machine, 70)) {
        write_bit(machine, vcpu, owner, intid, ISENABLER);
    }
    machine_count(machine, MACHINE_CONFIGURED);
}

static void do_sgi(struct machine *machine, unsigned vcpu)
{
    uint64_t affinity = machine->oracle.cpu[below(machine, machine->config->vcpus)].affinity;
    uint64_t value = below(machine, percent(machine, 80) ? 4 : 16) << 24;
    uint64_t dice = below(machine, 100);
    enum ash_vgic_sgi_register which = dice < 10U   ? ASH_VGIC_SGI0R
                                       : dice < 15U ? ASH_VGIC_ASGI1R
                                                    : ASH_VGIC_SGI1R;

    machine_touch(machine, (uint32_t)(value >> 24), TOUCH_PENDING);
    machine_count(machine, MACHINE_SGI);
    if (is_v2(machine)) {
        struct oracle_access access = {.frame = ORACLE_DISTRIBUTOR, .vcpu = vcpu, .offset = SGIR, .size = 4};

        value = (value >> 24) | (below(machine, 256) << 16) | ((dice < 60U ? 0U : below(machine, 4)) << 24);
        write_register(machine, &access,
                       value | (percent(machine, 20) ? 0xFCFF7FF0U & test_rng_next(machine->rng) : 0U));
        return;
    }
    value |= ((affinity >> 8) & 0xFFU) << 16 | ((affinity >> 16) & 0xFFU) << 32 | (affinity >> 24) << 48;
    value |= ((affinity & 0xFFU) / 16U) << 44;
    value |= percent(machine, 50) ? UINT64_C(1) << (affinity % 16U) : below(machine, 0x10000);
    value |= percent(machine, 15) ? UINT64_C(1) << 40 : 0U;
    value ^= percent(machine, 5) ? UINT64_C(1) << below(machine, 56) : 0U;
    machine_touch(machine, (uint32_t)(value >> 24) & 0xFU, TOUCH_PENDING);
    machine_say(machine, "vCPU %u writes 0x%llx to SGI register %u", vcpu, (unsigned long long)value, which);
    ash_vgic_sgi(&machine->gic, vcpu, value, which);
    oracle_sgi(&machine->oracle, vcpu, value, which != ASH_VGIC_SGI1R);
}

/* ---- Devices ------------------------------------------------------------------------------------------- */

static void set_line(struct machine *machine, unsigned owner, uint32_t intid, bool level)
{
    machine_say(machine, "line of INTID %u (vCPU %u): %d", intid, owner, level);
    machine_touch(machine, intid,
                  oracle_irq(&machine->oracle, owner, intid)->edge ? TOUCH_PENDING : TOUCH_LINE);
    oracle_set_line(&machine->oracle, owner, intid, level);
    if (ash_vgic_set_level(&machine->gic, owner, intid, level) != ASH_OK) {
        machine_fail(machine, "set_level failed");
    }
    machine_count(machine, level ? MACHINE_LINE_UP : MACHINE_LINE_DOWN);
}

static unsigned some_owner(struct machine *machine)
{
    return (unsigned)below(machine, machine->config->vcpus);
}

static void do_line(struct machine *machine)
{
    unsigned owner = some_owner(machine);
    uint32_t intid = some_intid(machine);

    if (intid >= 16U && machine_link(machine, intid) < 0) {
        set_line(machine, owner, intid, percent(machine, 60));
    }
}

/* The short way first, if @vcpu is on a CPU: false if it was refused. */
static bool inject_fast(struct machine *machine, unsigned vcpu, uint32_t intid)
{
    struct fake_gic_cpu *hardware = machine_hardware(machine, vcpu);
    int n;

    if (hardware == NULL || percent(machine, 50)) {
        return false;
    }
    n = ASH_EBUSY;
    if (machine_link(machine, intid) >= 0 && percent(machine, 80)) {
        n = ash_vgic_inject_again(&machine->vcpu[vcpu], intid);
        machine_count(machine, n >= 0 ? MACHINE_AGAIN : MACHINE_AGAIN_REFUSED);
    }
    if (n < 0) {
        n = ash_vgic_inject_fast(&machine->vcpu[vcpu], intid, fake_gic_cpu_elrsr(hardware));
    }
    if (n < 0) {
        if (n != ASH_EBUSY) {
            machine_fail(machine, "inject_fast says %s", ash_error_name(n));
        }
        machine_count(machine, MACHINE_FAST_REFUSED);
        return false;
    }
    if (hardware->lr_count <= (unsigned)n || hardware->lr[n].pending || hardware->lr[n].active) {
        machine_fail(machine, "inject_fast takes LR%d, which is in use", n);
    }
    fake_gic_cpu_write_lr(hardware, (unsigned)n, machine->vcpu[vcpu].lrs.lr[n]);
    machine_count(machine, MACHINE_FAST);
    return true;
}

static void do_pulse(struct machine *machine)
{
    unsigned owner = some_owner(machine);
    uint32_t intid = some_intid(machine);

    if (intid < 16U || machine_link(machine, intid) >= 0) {
        return;
    }
    machine_say(machine, "an edge of INTID %u (vCPU %u)", intid, owner);
    machine_touch(machine, intid, TOUCH_PENDING);
    oracle_pulse(&machine->oracle, owner, intid);
    if (oracle_irq(&machine->oracle, owner, intid)->edge && inject_fast(machine, owner, intid)) {
        return;
    }
    if (ash_vgic_pulse(&machine->gic, owner, intid) != ASH_OK) {
        machine_fail(machine, "pulse failed");
    }
    machine_count(machine, MACHINE_PULSE);
}

/* An SGI from a vCPU to itself may go the short way. */
static void do_self_sgi(struct machine *machine, unsigned vcpu)
{
    uint32_t intid = (uint32_t)below(machine, 16);

    machine_enter(machine, vcpu, true);
    machine_say(machine, "vCPU %u sends SGI %u to itself", vcpu, intid);
    if (is_v2(machine) || !inject_fast(machine, vcpu, intid)) {
        return;
    }
    machine_touch(machine, intid, TOUCH_PENDING);
    machine->oracle.private_irq[vcpu][intid].latch = true;
    machine_count(machine, MACHINE_SGI);
}

/* A linked physical interrupt fires if it is not active; sometimes its device thinks better of it. */
static void fire(struct machine *machine, unsigned link, unsigned owner)
{
    uint32_t intid = machine_link_intid(machine, link);
    struct machine_physical *physical = machine_physical(machine, owner, link);
    struct oracle_irq *irq = oracle_irq(&machine->oracle, owner, intid);

    if (irq == NULL) {
        return;
    }
    if (physical->active) {
        if (irq->fired && !irq->latch && !irq->active && percent(machine, 30)) {
            machine_say(machine, "INTID %u (vCPU %u) is taken back", intid, owner);
            machine_touch(machine, intid, TOUCH_PENDING);
            irq->fired = false;
            if (ash_vgic_set_level(&machine->gic, owner, intid, false) != ASH_OK) {
                machine_fail(machine, "set_level failed");
            }
            machine_count(machine, MACHINE_TAKEN_BACK);
        }
        return;
    }
    machine_say(machine, "INTID %u (vCPU %u) fires", intid, owner);
    machine_touch(machine, intid, TOUCH_PENDING);
    physical->active = true;
    irq->fired = true;
    if (!inject_fast(machine, owner, intid) && ash_vgic_inject_hw(&machine->gic, owner, intid) != ASH_OK) {
        machine_fail(machine, "inject_hw failed");
    }
    machine_count(machine, MACHINE_FIRED);
}

static void do_fire(struct machine *machine)
{
    unsigned link = (unsigned)below(machine, MACHINE_LINKS);

    fire(machine, link, some_owner(machine));
}

/* ---- The CPU interface --------------------------------------------------------------------------------- */

static bool has_lr(struct machine *machine, unsigned vcpu, uint32_t intid)
{
    const struct fake_gic_cpu *hardware = machine_hardware(machine, vcpu);

    for (unsigned n = 0; n < hardware->lr_count; n++) {
        if (hardware->lr[n].active && hardware->lr[n].vintid == intid) {
            return true;
        }
    }
    return false;
}

/* Where DIR does not trap, which of several active interrupts beyond the list registers is deactivated goes
 * by their priority: so there is only one. */
static bool may_acknowledge(const struct machine *machine, unsigned vcpu)
{
    const struct machine_vcpu *guest = &machine->guest[vcpu];

    if (!machine->config->has_tdir && machine->oracle.cpu[vcpu].eoimode) {
        return guest->acks == 0U;
    }
    return guest->acks < MACHINE_ACKS;
}

/* What an old list register gives must have been right when it was filled, and is so still but for its line.
 * */
static void check_old(struct machine *machine, unsigned vcpu, uint32_t value)
{
    if (machine->guest[vcpu].touched[value & 0x3FFU] == TOUCH_NONE &&
        !oracle_is_candidate(&machine->oracle, vcpu, value & 0x3FFU)) {
        machine_fail(machine, "vCPU %u acknowledged INTID %u from an old list register", vcpu,
                     value & 0x3FFU);
    }
}

static void clear_message(struct machine *machine, unsigned vcpu, uint32_t intid)
{
    const struct oracle_access access = {
        .frame = ORACLE_DISTRIBUTOR, .vcpu = vcpu, .offset = 0x48, .size = 4};

    write_register(machine, &access, intid);
}

static void acknowledged(struct machine *machine, unsigned vcpu, unsigned group, uint32_t value, bool was_old)
{
    struct machine_vcpu *guest = &machine->guest[vcpu];
    uint32_t intid = value & 0x3FFU;

    if (was_old) {
        check_old(machine, vcpu, value);
        machine_count(machine, MACHINE_ACKNOWLEDGED_OLD);
    }
    if (guest->acks != 0U) {
        machine_count(machine, MACHINE_ACKNOWLEDGED_NESTED);
    }
    machine_count(machine, MACHINE_ACKNOWLEDGED);
    oracle_acknowledge(&machine->oracle, vcpu, value);
    guest->ack[guest->acks++] = (struct machine_ack){value, (uint8_t)group, false};
    if (intid >= 16U && machine_link(machine, intid) < 0 && percent(machine, 60)) {
        set_line(machine, vcpu, intid, false);
    }
    if (intid >= 32U && machine->oracle.spi[intid].message && percent(machine, 60)) {
        clear_message(machine, vcpu, intid);
    }
}

/* False: nothing was there. */
static bool do_acknowledge(struct machine *machine, unsigned vcpu, unsigned group, bool may_be_old)
{
    struct fake_gic_cpu *hardware;
    uint32_t value;
    bool old;

    machine_enter(machine, vcpu, may_be_old);
    if (!may_acknowledge(machine, vcpu)) {
        return false;
    }
    hardware = machine_hardware(machine, vcpu);
    old = machine_wants_exit(machine, vcpu);
    value = fake_gic_cpu_hppir(hardware, group) & 0x3FFU;
    if (old && value < 1020U && machine->guest[vcpu].touched[value] > TOUCH_LINE) {
        machine_exit(machine, vcpu);
        old = false;
    }
    machine_mark_old(machine);
    value = is_v2(machine) ? fake_gic_cpu_read_gicv(hardware, group != 0U ? 0x20U : 0x0CU)
                           : fake_gic_cpu_iar(hardware, group);
    machine_say(machine, "vCPU %u reads IAR%u: %u%s", vcpu, group, value, old ? " (old)" : "");
    if (!old && !oracle_allows_iar(&machine->oracle, vcpu, group, value == 1022U ? 1023U : value)) {
        machine_fail(machine, "vCPU %u: not what a GIC would give", vcpu);
    }
    if ((value & 0x3FFU) >= 1020U) {
        machine_count(machine, MACHINE_SPURIOUS);
        return false;
    }
    acknowledged(machine, vcpu, group, value, old);
    return true;
}

static struct machine_ack *last_not_dropped(struct machine_vcpu *guest)
{
    for (unsigned n = guest->acks; n > 0U; n--) {
        if (!guest->ack[n - 1U].dropped) {
            return &guest->ack[n - 1U];
        }
    }
    return NULL;
}

static bool do_eoi(struct machine *machine, unsigned vcpu)
{
    struct machine_ack *ack = last_not_dropped(&machine->guest[vcpu]);
    struct fake_gic_cpu *hardware;

    if (ack == NULL) {
        return false;
    }
    machine_enter(machine, vcpu, true);
    if (machine->guest[vcpu].touched[ack->value & 0x3FFU] == TOUCH_ACTIVE) {
        machine_exit(machine, vcpu);
    }
    hardware = machine_hardware(machine, vcpu);
    machine_say(machine, "vCPU %u writes %u to EOIR%u", vcpu, ack->value, ack->group);
    machine_count(machine, MACHINE_EOI);
    if (!machine->oracle.cpu[vcpu].eoimode && !has_lr(machine, vcpu, ack->value & 0x3FFU)) {
        machine_count(machine, MACHINE_EOI_OVERFLOW);
        machine->guest[vcpu].ended[ack->value & 0x3FFU] = true;
    }
    if (is_v2(machine)) {
        fake_gic_cpu_write_gicv(hardware, ack->group != 0U ? 0x24U : 0x10U, ack->value);
    } else {
        fake_gic_cpu_eoir(hardware, ack->group, ack->value);
    }
    oracle_eoi(&machine->oracle, vcpu, ack->value);
    if (machine->oracle.cpu[vcpu].eoimode) {
        ack->dropped = true;
    } else {
        forget_ack(machine, vcpu, ack);
    }
    return true;
}

static bool do_deactivate(struct machine *machine, unsigned vcpu)
{
    struct machine_vcpu *guest = &machine->guest[vcpu];
    struct machine_ack *ack;

    if (guest->acks == 0U || !machine->oracle.cpu[vcpu].eoimode) {
        return false;
    }
    ack = &guest->ack[below(machine, guest->acks)];
    if (!ack->dropped) {
        return false;
    }
    machine_enter(machine, vcpu, true);
    if (guest->touched[ack->value & 0x3FFU] == TOUCH_ACTIVE) {
        machine_exit(machine, vcpu);
    }
    machine_say(machine, "vCPU %u writes %u to DIR", vcpu, ack->value);
    machine_count(machine, MACHINE_DEACTIVATED);
    oracle_deactivate(&machine->oracle, vcpu, ack->value);
    if (is_v2(machine) && !machine->config->has_tdir) {
        fake_gic_cpu_write_gicv(machine_hardware(machine, vcpu), 0x1000, ack->value);
    } else if (is_v2(machine) || !fake_gic_cpu_dir(machine_hardware(machine, vcpu), ack->value)) {
        machine_count(machine, MACHINE_DEACTIVATED_TRAPPED);
        ash_vgic_dir(&machine->gic, vcpu, ack->value);
    }
    forget_ack(machine, vcpu, ack);
    return true;
}

static bool has_dropped(const struct machine_vcpu *guest)
{
    for (unsigned n = 0; n < guest->acks; n++) {
        if (guest->ack[n].dropped) {
            return true;
        }
    }
    return false;
}

static void enable_group(struct machine *machine, unsigned vcpu, unsigned group, bool enable)
{
    machine_say(machine, "vCPU %u: group %u enable %d", vcpu, group, enable);
    fake_gic_cpu_enable(machine_hardware(machine, vcpu), group, enable);
    machine->oracle.cpu[vcpu].enabled[group] = enable;
}

static void set_pmr(struct machine *machine, unsigned vcpu, uint32_t value)
{
    machine_say(machine, "vCPU %u: PMR 0x%x", vcpu, value);
    fake_gic_cpu_set_pmr(machine_hardware(machine, vcpu), value);
    oracle_set_pmr(&machine->oracle, vcpu, value);
}

static void set_bpr(struct machine *machine, unsigned vcpu, unsigned group, uint32_t value)
{
    machine_say(machine, "vCPU %u: BPR%u %u", vcpu, group, value);
    fake_gic_cpu_set_bpr(machine_hardware(machine, vcpu), group, value);
    oracle_set_bpr(&machine->oracle, vcpu, group, value);
}

static void set_modes(struct machine *machine, unsigned vcpu, bool cbpr, bool eoimode)
{
    machine_say(machine, "vCPU %u: CBPR %d EOImode %d", vcpu, cbpr, eoimode);
    fake_gic_cpu_set_modes(machine_hardware(machine, vcpu), cbpr, eoimode);
    machine->oracle.cpu[vcpu].cbpr = cbpr;
    machine->oracle.cpu[vcpu].eoimode = eoimode;
}

static void compare_interface(struct machine *machine, unsigned vcpu)
{
    const struct fake_gic_cpu *hardware = machine_hardware(machine, vcpu);
    const struct oracle_cpu *cpu = &machine->oracle.cpu[vcpu];

    if (fake_gic_cpu_pmr(hardware) != cpu->pmr ||
        fake_gic_cpu_rpr(hardware) != oracle_running_priority(&machine->oracle, vcpu) ||
        fake_gic_cpu_bpr(hardware, 0) != oracle_bpr(&machine->oracle, vcpu, 0) ||
        fake_gic_cpu_bpr(hardware, 1) != oracle_bpr(&machine->oracle, vcpu, 1) ||
        fake_gic_cpu_is_enabled(hardware, 0) != cpu->enabled[0] ||
        fake_gic_cpu_is_enabled(hardware, 1) != cpu->enabled[1] || fake_gic_cpu_cbpr(hardware) != cpu->cbpr ||
        fake_gic_cpu_eoimode(hardware) != cpu->eoimode) {
        machine_fail(machine, "vCPU %u: its CPU interface differs, VMCR 0x%x RPR 0x%x", vcpu, hardware->vmcr,
                     fake_gic_cpu_rpr(hardware));
    }
}

static void do_interface(struct machine *machine, unsigned vcpu)
{
    struct machine_vcpu *guest = &machine->guest[vcpu];
    uint64_t dice = below(machine, 100);

    machine_enter(machine, vcpu, true);
    machine_count(machine, MACHINE_INTERFACE);
    if (dice < 40U) {
        set_pmr(machine, vcpu, percent(machine, 60) ? 0xFFU : (uint32_t)below(machine, 256));
    } else if (dice < 65U) {
        enable_group(machine, vcpu, (unsigned)below(machine, 2), percent(machine, 75));
    } else if (guest->acks == 0U) {
        if (dice < 80U) {
            set_bpr(machine, vcpu, (unsigned)below(machine, 2), (uint32_t)below(machine, 7));
        } else {
            set_modes(machine, vcpu, percent(machine, 30), percent(machine, 50));
        }
    } else if (!has_dropped(guest) && machine->config->has_tdir) {
        set_modes(machine, vcpu, machine->oracle.cpu[vcpu].cbpr, percent(machine, 50));
    }
    compare_interface(machine, vcpu);
}

/* ---- vCPUs come and go --------------------------------------------------------------------------------- */

/* What a vCPU that ends had active nobody will end: an operating system clears it. */
static void clear_orphans(struct machine *machine, unsigned vcpu)
{
    for (uint32_t intid = 32; intid < 32U + machine->config->spis; intid++) {
        unsigned owner;

        if (machine->oracle.spi[intid].active && find_ack(machine, 0, intid, &owner) == NULL) {
            write_bit(machine, vcpu, vcpu, intid, ICACTIVER);
        }
    }
}

static void start_interface(struct machine *machine, unsigned vcpu)
{
    machine_load(machine, vcpu);
    compare_interface(machine, vcpu);
    set_pmr(machine, vcpu, 0xFF);
    enable_group(machine, vcpu, 0, percent(machine, 80));
    enable_group(machine, vcpu, 1, true);
    set_modes(machine, vcpu, percent(machine, 20), percent(machine, 40));
}

static void set_up_irq(struct machine *machine, unsigned vcpu, unsigned owner, uint32_t intid)
{
    write_priority(machine, vcpu, owner, intid, some_priority(machine));
    if (percent(machine, 25)) { /* the other group */
        struct oracle_access access = access_of(machine, vcpu, owner, intid, IGROUPR, 1);
        uint64_t known;

        write_register(machine, &access,
                       oracle_read(&machine->oracle, &access, &known) ^ (UINT64_C(1) << (intid % 32U)));
    }
    if (percent(machine, 85)) {
        write_bit(machine, vcpu, owner, intid, ISENABLER);
    }
}

static void boot_vcpu(struct machine *machine, unsigned vcpu)
{
    for (uint32_t intid = 0; intid < 32U; intid++) {
        set_up_irq(machine, vcpu, vcpu, intid);
    }
    start_interface(machine, vcpu);
}

static void do_cpu_on_off(struct machine *machine)
{
    unsigned vcpu = (unsigned)below(machine, machine->config->vcpus);

    if (vcpu == 0U) {
        return;
    }
    if (machine->oracle.cpu[vcpu].online && percent(machine, 50)) {
        machine_say(machine, "vCPU %u is switched off", vcpu);
        if (machine->guest[vcpu].acks == 0U) {
            machine_cpu_off(machine, vcpu);
        }
        return;
    }
    machine_say(machine, "vCPU %u is reset", vcpu);
    machine_cpu_on(machine, vcpu);
    clear_orphans(machine, 0);
    boot_vcpu(machine, vcpu);
}

static void write_waker(struct machine *machine, unsigned vcpu, unsigned which, bool sleep)
{
    const struct oracle_access access = {
        .frame = ORACLE_REDISTRIBUTOR, .vcpu = vcpu, .which = which, .offset = 0x14, .size = 4};

    machine_say(machine, "vCPU %u: redistributor %u sleeps: %d", vcpu, which, sleep);
    machine_touch_all(machine, TOUCH_PENDING);
    machine_write(machine, &access, sleep ? 2U : 0U);
    (void)machine_read(machine, &access);
}

/* IHI 0069 11.1: the CPU interface is quiet before its redistributor sleeps. */
static void do_sleep(struct machine *machine)
{
    unsigned vcpu = (unsigned)below(machine, machine->config->vcpus);

    if (is_v2(machine) || vcpu == 0U || !machine->oracle.cpu[vcpu].online) {
        return;
    }
    if (machine->oracle.cpu[vcpu].asleep) {
        write_waker(machine, vcpu, vcpu, false);
        machine_enter(machine, vcpu, false);
        enable_group(machine, vcpu, 0, true);
        enable_group(machine, vcpu, 1, true);
    } else if (machine->guest[vcpu].acks == 0U) {
        machine_enter(machine, vcpu, false);
        enable_group(machine, vcpu, 0, false);
        enable_group(machine, vcpu, 1, false);
        write_waker(machine, vcpu, vcpu, true);
        machine_exit_all(machine);
        machine_count(machine, MACHINE_SLEEP);
    }
}

static void do_put_or_load(struct machine *machine)
{
    unsigned vcpu = (unsigned)below(machine, machine->config->vcpus);

    if (machine->guest[vcpu].pcpu >= 0) {
        machine_say(machine, "vCPU %u is put", vcpu);
        machine_put(machine, vcpu);
    } else if (machine->oracle.cpu[vcpu].online) {
        machine_say(machine, "vCPU %u is loaded", vcpu);
        machine_load(machine, vcpu);
    }
}

/* ---- Everything ---------------------------------------------------------------------------------------- */

void guest_boot(struct machine *machine)
{
    for (unsigned vcpu = 0; vcpu < machine->config->vcpus; vcpu++) {
        if (vcpu != 0U && percent(machine, 90)) {
            machine_cpu_on(machine, vcpu);
        }
        if (machine->oracle.cpu[vcpu].online) {
            boot_vcpu(machine, vcpu);
        }
    }
    for (uint32_t intid = 32; intid < 32U + machine->config->spis; intid++) {
        if (intid < 50U || percent(machine, 10)) {
            write_target(machine, 0, intid);
            set_up_irq(machine, 0, 0, intid);
        }
    }
    write_ctlr(machine, 0, 3);
}

static unsigned step(struct machine *machine)
{
    unsigned vcpu = some_vcpu(machine);
    uint64_t dice = below(machine, 1000);

    if (dice < 170U) {
        (void)do_acknowledge(machine, vcpu, (unsigned)below(machine, 4) != 0U ? 1U : 0U, true);
    } else if (dice < 320U) {
        (void)do_eoi(machine, vcpu);
    } else if (dice < 380U) {
        (void)do_deactivate(machine, vcpu);
    } else if (dice < 430U) {
        do_interface(machine, vcpu);
    } else if (dice < 530U) {
        do_write(machine, vcpu);
    } else if (dice < 600U) {
        do_read(machine, vcpu);
    } else if (dice < 610U) {
        do_message(machine, vcpu);
    } else if (dice < 635U) {
        do_wild_access(machine, vcpu);
    } else if (dice < 700U) {
        do_sgi(machine, vcpu);
    } else if (dice < 720U) {
        do_self_sgi(machine, vcpu);
    } else if (dice < 800U) {
        do_line(machine);
        return MACHINE_NOBODY;
    } else if (dice < 850U) {
        do_pulse(machine);
        return MACHINE_NOBODY;
    } else if (dice < 910U) {
        do_fire(machine);
        return MACHINE_NOBODY;
    } else if (dice < 940U) {
        machine_enter(machine, vcpu, false);
    } else if (dice < 960U) {
        machine_load(machine, vcpu);
        machine_exit_idle(machine, vcpu);
    } else if (dice < 980U) {
        do_put_or_load(machine);
    } else if (dice < 990U) {
        do_configure(machine, vcpu);
    } else if (dice < 992U) {
        do_cpu_on_off(machine);
    } else if (dice < 995U) {
        machine_move(machine);
    } else {
        do_sleep(machine);
    }
    return vcpu;
}

void guest_step(struct machine *machine)
{
    unsigned actor;

    machine->operations++;
    actor = step(machine);
    machine_check(machine, actor);
}

static void end_all(struct machine *machine, unsigned vcpu)
{
    while (do_eoi(machine, vcpu)) {
        machine_check(machine, vcpu);
    }
    while (machine->guest[vcpu].acks != 0U) {
        (void)do_deactivate(machine, vcpu);
        machine_check(machine, vcpu);
    }
}

static bool take_all(struct machine *machine, unsigned vcpu)
{
    bool any = false, again;

    machine_enter(machine, vcpu, false);
    end_all(machine, vcpu);
    machine_enter(machine, vcpu, false);
    set_pmr(machine, vcpu, 0xFF);
    enable_group(machine, vcpu, 0, true);
    enable_group(machine, vcpu, 1, true);
    do {
        again = false;
        for (unsigned group = 0; group < 2U; group++) {
            while (do_acknowledge(machine, vcpu, group, false)) {
                uint32_t intid = machine->guest[vcpu].ack[machine->guest[vcpu].acks - 1U].value & 0x3FFU;

                again = true;
                if (intid >= 16U && machine_link(machine, intid) < 0) {
                    set_line(machine, vcpu, intid, false);
                }
                if (intid >= 32U && machine->oracle.spi[intid].message) {
                    clear_message(machine, vcpu, intid);
                }
                end_all(machine, vcpu);
            }
        }
        any |= again;
    } while (again);
    return any;
}

/* A timer that ticks where nothing else happens; now and then its registers are written between two ticks. */
static void tick(struct machine *machine, unsigned vcpu)
{
    static const uint32_t bits[] = {ISENABLER, ICENABLER, ISPENDR, ICPENDR};
    unsigned link = (unsigned)below(machine, 2);
    uint32_t intid = machine_link_intid(machine, link);
    const struct oracle_irq *irq = oracle_irq(&machine->oracle, vcpu, intid);

    for (unsigned n = 0; n < 8U; n++) {
        fire(machine, link, vcpu);
        (void)do_acknowledge(machine, vcpu, irq->group1 ? 1U : 0U, true);
        end_all(machine, vcpu);
        machine_check(machine, vcpu);
        if (percent(machine, 10)) {
            write_bit(machine, vcpu, vcpu, intid, bits[below(machine, ASH_ARRAY_SIZE(bits))]);
        } else if (percent(machine, 5)) {
            write_priority(machine, vcpu, vcpu, intid, some_priority(machine));
        }
    }
}

static void compare_everything(struct machine *machine)
{
    for (size_t i = 0; i < ASH_ARRAY_SIZE(registers); i++) {
        for (uint32_t intid = 0; intid < 32U + machine->config->spis; intid += 32U / registers[i].bits) {
            for (unsigned owner = 0; owner < (intid < 32U ? machine->config->vcpus : 1U); owner++) {
                struct oracle_access access =
                    access_of(machine, 0, owner, intid, registers[i].base, registers[i].bits);

                if (access.offset - (access.frame == ORACLE_REDISTRIBUTOR ? 0x10000U : 0U) <
                    registers[i].end) {
                    (void)read_register(machine, &access);
                }
            }
        }
    }
}

static void settle(struct machine *machine)
{
    unsigned rounds = 2; /* what ends on one vCPU may, as 1 of N, begin again on one that was asked before */
    bool any;

    do {
        any = false;
        for (unsigned vcpu = 0; vcpu < machine->config->vcpus; vcpu++) {
            if (machine->oracle.cpu[vcpu].asleep) {
                write_waker(machine, vcpu, vcpu, false);
            }
            if (machine->oracle.cpu[vcpu].online) {
                any |= take_all(machine, vcpu);
                machine_check(machine, vcpu);
            }
        }
        machine_exit_all(machine);
        rounds = any ? 2U : rounds - 1U;
    } while (rounds != 0U);
}

void guest_quiesce(struct machine *machine)
{
    settle(machine);
    for (unsigned vcpu = 0; vcpu < machine->config->vcpus; vcpu++) {
        if (machine->oracle.cpu[vcpu].online) {
            tick(machine, vcpu);
        }
    }
    settle(machine);
    for (unsigned vcpu = 0; vcpu < machine->config->vcpus; vcpu++) {
        if (machine->oracle.cpu[vcpu].online && oracle_may_signal(&machine->oracle, vcpu)) {
            machine_fail(machine, "an interrupt for vCPU %u was never delivered", vcpu);
        }
    }
    compare_everything(machine);
    machine_check(machine, MACHINE_NOBODY);
    machine_count(machine, MACHINE_QUIESCED);
    if (percent(machine, 50)) {
        machine_move(machine);
        compare_everything(machine);
    }
    if (percent(machine, 10)) {
        guest_rampage(machine, percent(machine, 50) ? 0U : 400U);
        compare_everything(machine);
        guest_boot(machine);
    }
}
