/* SPDX-License-Identifier: BSD-2-Clause */
#include "vgic_oracle.h"

#include <stddef.h>
#include <string.h>

struct oracle_irq *oracle_irq(struct oracle *oracle, unsigned vcpu, uint32_t intid)
{
    if (intid < 32U) {
        return &oracle->private_irq[vcpu][intid];
    }
    return intid < 32U + oracle->spis ? &oracle->spi[intid] : NULL;
}

/* GICv3, as firmware leaves it: Group 1, disabled, priority 0, level-sensitive but for SGIs. GICv2: Group 0,
 * and SGIs are always enabled (IHI 0048B 4.3.5 lets them). */
static void reset_irq(struct oracle *oracle, struct oracle_irq *irq, uint32_t intid)
{
    bool line = irq->line;

    memset(irq, 0, sizeof(*irq));
    irq->line = line;
    irq->group1 = oracle->version == 3U;
    irq->edge = intid < 16U;
    irq->enabled = oracle->version == 2U && intid < 16U;
}

void oracle_reset_cpu(struct oracle *oracle, unsigned vcpu)
{
    struct oracle_cpu *cpu = &oracle->cpu[vcpu];
    uint32_t affinity = cpu->affinity;

    memset(cpu, 0, sizeof(*cpu));
    cpu->affinity = affinity;
    cpu->online = true;
    cpu->bpr[0] = 7U - oracle->preemption_bits;
    cpu->bpr[1] = cpu->bpr[0] + 1U;
    for (uint32_t intid = 0; intid < 32U; intid++) {
        reset_irq(oracle, &oracle->private_irq[vcpu][intid], intid);
    }
}

void oracle_reset(struct oracle *oracle)
{
    oracle->group_enabled[0] = false;
    oracle->group_enabled[1] = false;
    for (unsigned vcpu = 0; vcpu < oracle->vcpus; vcpu++) {
        oracle_reset_cpu(oracle, vcpu);
        oracle->cpu[vcpu].online = vcpu == 0U;
    }
    for (uint32_t intid = 32; intid < ORACLE_INTIDS; intid++) {
        reset_irq(oracle, &oracle->spi[intid], intid);
    }
}

/* IHI 0048B 4.3.8, figure 4-10; IHI 0069 4.1.2, 12.9 GICD_ISPENDR<n>: the line counts while it is high, the
 * latch until it is acknowledged or cleared. */
bool oracle_is_pending(const struct oracle_irq *irq)
{
    return irq->latch || irq->fired || irq->sources != 0U || (!irq->edge && (irq->line || irq->message));
}

/* IHI 0069 3.3, GICD_IROUTER<n>: with Interrupt_Routing_Mode any PE that takes part, else the PE of the
 * affinity. IHI 0048B 4.3.12: the CPU interfaces of GICD_ITARGETSR. */
uint32_t oracle_targets(const struct oracle *oracle, unsigned vcpu, uint32_t intid)
{
    uint32_t targets = 0;

    if (intid < 32U) {
        return UINT32_C(1) << vcpu;
    }
    if (oracle->version == 2U) {
        return oracle->vcpus == 1U ? 1U : oracle->spi[intid].targets;
    }
    for (unsigned i = 0; i < oracle->vcpus; i++) {
        uint64_t route = oracle->spi[intid].route;
        uint64_t affinity = oracle->cpu[i].affinity;
        bool here = route == ((affinity & 0xFFFFFFU) | ((affinity >> 24) << 32));

        if ((route & ORACLE_IRM) != 0U ? oracle->cpu[i].online : here) {
            targets |= UINT32_C(1) << i;
        }
    }
    return targets;
}

/* ---- Registers ----------------------------------------------------------------------------------------- */

/* Which interrupts a frame shows: IHI 0069 12.9 (GICD_*: n = 0 is RES0 where ARE = 1), 12.11 (GICR_*). */
static struct oracle_irq *shown(struct oracle *oracle, const struct oracle_access *access, uint32_t intid)
{
    if (access->frame == ORACLE_REDISTRIBUTOR) {
        return intid < 32U ? oracle_irq(oracle, access->which, intid) : NULL;
    }
    if (oracle->version == 3U && intid < 32U) {
        return NULL;
    }
    return oracle_irq(oracle, access->vcpu, intid);
}

enum kind {
    NONE,
    IGROUPR,
    ISENABLER,
    ICENABLER,
    ISPENDR,
    ICPENDR,
    ISACTIVER,
    ICACTIVER,
    IPRIORITYR,
    ITARGETSR,
    ICFGR,
    CPENDSGIR,
    SPENDSGIR
};

static const struct {
    uint32_t first, end;
    enum kind kind;
    unsigned bits; /* of one interrupt */
} ranges[] = {
    {0x080, 0x100, IGROUPR, 1},   {0x100, 0x180, ISENABLER, 1},  {0x180, 0x200, ICENABLER, 1},
    {0x200, 0x280, ISPENDR, 1},   {0x280, 0x300, ICPENDR, 1},    {0x300, 0x380, ISACTIVER, 1},
    {0x380, 0x400, ICACTIVER, 1}, {0x400, 0x800, IPRIORITYR, 8}, {0x800, 0xC00, ITARGETSR, 8},
    {0xC00, 0xD00, ICFGR, 2},     {0xF10, 0xF20, CPENDSGIR, 8},  {0xF20, 0xF30, SPENDSGIR, 8},
};

struct place {
    enum kind kind;
    unsigned bits;
    uint32_t intid; /* of the lowest bit accessed */
};

/* 32-bit accesses everywhere, bytes where a field is a byte: IHI 0069 12.1.3, IHI 0048B 4.1.4. */
static struct place place_of(const struct oracle *oracle, const struct oracle_access *access)
{
    uint32_t offset = access->offset;

    if (access->frame == ORACLE_REDISTRIBUTOR) {
        if (offset < 0x10000U) {
            return (struct place){NONE, 0, 0};
        }
        offset -= 0x10000U;
    }
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        if (offset >= ranges[i].first && offset < ranges[i].end) {
            bool byte = access->size == 1U && ranges[i].bits == 8U;
            bool word = access->size == 4U && offset % 4U == 0U;
            bool old = ranges[i].kind >= CPENDSGIR || ranges[i].kind == ITARGETSR; /* not with ARE */

            if ((!byte && !word) || (old && oracle->version == 3U)) {
                break;
            }
            return (struct place){ranges[i].kind, ranges[i].bits,
                                  (offset - ranges[i].first) * 8U / ranges[i].bits};
        }
    }
    return (struct place){NONE, 0, 0};
}

static uint32_t read_field(const struct oracle *oracle, const struct oracle_access *access,
                           const struct oracle_irq *irq, enum kind kind, uint32_t intid)
{
    switch (kind) {
    case IGROUPR:
        return irq->group1;
    case ISENABLER:
    case ICENABLER:
        return irq->enabled;
    case ISPENDR:
    case ICPENDR:
        return oracle_is_pending(irq);
    case ISACTIVER:
    case ICACTIVER:
        return irq->active;
    case IPRIORITYR:
        return irq->priority;
    case ITARGETSR: /* private: the reader itself; one processor: RAZ/WI */
        if (oracle->vcpus == 1U) {
            return 0;
        }
        return intid < 32U ? UINT32_C(1) << access->vcpu : irq->targets;
    case ICFGR:
        return irq->edge ? 2U : 0U;
    case CPENDSGIR:
    case SPENDSGIR:
        return irq->sources;
    case NONE:
    default:
        (void)oracle;
        return 0;
    }
}

static void write_pending(const struct oracle *oracle, struct oracle_irq *irq, uint32_t intid, bool set)
{
    if (oracle->version == 2U && intid < 16U) {
        return; /* IHI 0048B 4.3.7: SGIs have registers of their own */
    }
    irq->latch = set;
    if (!set) {
        irq->fired = false;
    }
}

static void write_field(const struct oracle *oracle, struct oracle_irq *irq, enum kind kind, uint32_t intid,
                        uint32_t value)
{
    switch (kind) {
    case IGROUPR:
        irq->group1 = value != 0U;
        break;
    case ISENABLER:
    case ICENABLER:
        if (value != 0U && (oracle->version == 3U || intid >= 16U)) {
            irq->enabled = kind == ISENABLER;
        }
        break;
    case ISPENDR:
    case ICPENDR:
        if (value != 0U) {
            write_pending(oracle, irq, intid, kind == ISPENDR);
        }
        break;
    case ISACTIVER:
    case ICACTIVER:
        irq->active = value != 0U ? kind == ISACTIVER : irq->active;
        break;
    case IPRIORITYR:
        irq->priority = (uint8_t)(value & oracle_priority_mask(oracle));
        break;
    case ITARGETSR:
        if (intid >= 32U) {
            irq->targets = (uint8_t)(value & ((1U << oracle->vcpus) - 1U));
        }
        break;
    case ICFGR:
        irq->edge = intid < 16U || (value & 2U) != 0U;
        break;
    case CPENDSGIR:
        irq->sources &= (uint8_t)~value;
        break;
    case SPENDSGIR:
        irq->sources |= (uint8_t)(value & ((1U << oracle->vcpus) - 1U));
        break;
    case NONE:
    default:
        break;
    }
}

static uint32_t lines_number(const struct oracle *oracle)
{
    return (32U + oracle->spis + 31U) / 32U - 1U;
}

/* IHI 0069 12.9.38 GICD_TYPER: IDbits, A3V and RSS depend on what else there is. */
static uint64_t read_dist_3(struct oracle *oracle, const struct oracle_access *access, uint64_t *known)
{
    bool word = access->size == 4U;
    uint32_t offset = access->offset;

    *known = ~UINT64_C(0);
    if (word && offset == 0U) {
        *known = ~((UINT64_C(1) << 31) | (UINT64_C(1) << 7)); /* RWP is judged elsewhere; E1NWF is optional */
        return 0x50U | (oracle->group_enabled[0] ? 1U : 0U) | (oracle->group_enabled[1] ? 2U : 0U);
    }
    if (word && offset == 4U) {
        *known = ~((UINT64_C(0x1F) << 19) | (UINT64_C(1) << 24) | (UINT64_C(1) << 26));
        return lines_number(oracle) | (oracle->has_messages ? UINT64_C(1) << 16 : 0U);
    }
    if (word && offset == 0xFFE8U) {
        *known = 0xF0;
        return 0x30;
    }
    if (word && (offset == 8U || offset == 0x10U || offset >= 0xFFD0U)) {
        *known = 0;
        return 0;
    }
    if (offset >= 0x6100U && offset < 0x6000U + 8U * (32U + oracle->spis) && offset % access->size == 0U &&
        access->size >= 4U) {
        uint64_t route = oracle->spi[(offset - 0x6000U) / 8U].route;

        return access->size == 8U ? route : (uint32_t)(route >> (offset % 8U * 8U));
    }
    return 0;
}

/* IHI 0069, GICD_SETSPI_NSR and GICD_CLRSPI_NSR: an edge, or the level-sensitive interrupt's pending state
 * until the other register takes it away. */
/* GICD_SETSPI_NSR, GICD_CLRSPI_NSR: IHI 0069 12.9.1, the INTID in [12:0]; one that is not there is ignored. */
static void write_message(struct oracle *oracle, uint32_t intid, bool set)
{
    struct oracle_irq *irq = intid >= 32U ? oracle_irq(oracle, 0, intid) : NULL;

    if (irq == NULL || !oracle->has_messages) {
        return;
    }
    if (irq->edge) {
        irq->latch = set;
    } else {
        irq->message = set;
    }
}

static void write_dist_3(struct oracle *oracle, const struct oracle_access *access, uint64_t value)
{
    uint32_t offset = access->offset;

    if (access->size == 4U && offset == 0U) {
        oracle->group_enabled[0] = (value & 1U) != 0U;
        oracle->group_enabled[1] = (value & 2U) != 0U;
    }
    if ((access->size == 4U || access->size == 2U) && (offset == 0x40U || offset == 0x48U)) {
        write_message(oracle, (uint32_t)value & 0x1FFFU, offset == 0x40U);
    }
    if (offset >= 0x6100U && offset < 0x6000U + 8U * (32U + oracle->spis) && offset % access->size == 0U &&
        access->size >= 4U) {
        uint64_t *route = &oracle->spi[(offset - 0x6000U) / 8U].route;
        uint64_t mask = UINT64_C(0xFF80FFFFFF);

        if (access->size == 4U && offset % 8U == 0U) {
            value = (*route & ~UINT64_C(0xFFFFFFFF)) | (uint32_t)value;
        } else if (access->size == 4U) {
            value = (*route & UINT64_C(0xFFFFFFFF)) | (value << 32);
        }
        *route = value & mask;
    }
}

static uint64_t typer_redist(const struct oracle *oracle, unsigned which)
{
    return ((uint64_t)oracle->cpu[which].affinity << 32) | ((uint64_t)which << 8) |
           (which == oracle->vcpus - 1U ? 0x10U : 0U);
}

/* IHI 0069 12.11, the RD_base frame. DPGS, and so the DPG bits, are optional. */
static uint64_t read_redist(struct oracle *oracle, const struct oracle_access *access, uint64_t *known)
{
    uint64_t typer = typer_redist(oracle, access->which);
    bool word = access->size == 4U;

    *known = ~UINT64_C(0);
    if (access->offset == 8U && access->size == 8U) {
        *known = ~UINT64_C(0x20);
        return typer;
    }
    if (word && (access->offset == 8U || access->offset == 12U)) {
        *known = access->offset == 8U ? ~UINT64_C(0x20) : ~UINT64_C(0);
        return (uint32_t)(typer >> (access->offset % 8U * 8U));
    }
    if (word && access->offset == 0U) {
        *known = ~((UINT64_C(1) << 3) | (UINT64_C(7) << 24) | (UINT64_C(1) << 31) | 6U);
        return 0;
    }
    if (word && access->offset == 0x14U) {
        *known = 6;
        return oracle->cpu[access->which].asleep ? 6U : 0U;
    }
    if (word && access->offset == 0xFFE8U) {
        *known = 0xF0;
        return 0x30;
    }
    if (word && (access->offset == 4U || access->offset == 0x10U ||
                 (access->offset >= 0xFFD0U && access->offset < 0x10000U) || access->offset >= 0x1FFD0U)) {
        *known = 0;
    }
    return 0;
}

/* IHI 0048B 4.3, without the Security Extensions. */
static uint64_t read_dist_2(struct oracle *oracle, const struct oracle_access *access, uint64_t *known)
{
    *known = ~UINT64_C(0);
    if (access->size != 4U) {
        return 0;
    }
    switch (access->offset) {
    case 0:
        return (oracle->group_enabled[0] ? 1U : 0U) | (oracle->group_enabled[1] ? 2U : 0U);
    case 4:
        return ((oracle->vcpus - 1U) << 5) | lines_number(oracle);
    case 0xFE8:
        *known = 0xF0;
        return 0x20;
    default:
        *known = access->offset == 8U || (access->offset >= 0xFD0U && access->offset < 0x1000U) ? 0 : *known;
        return 0;
    }
}

/* GICD_SGIR: IHI 0048B 4.3.15. */
static void write_sgir(struct oracle *oracle, unsigned vcpu, uint32_t value)
{
    uint32_t targets = (value >> 16) & 0xFFU;

    switch ((value >> 24) & 3U) {
    case 0:
        break;
    case 1:
        targets = ~(UINT32_C(1) << vcpu);
        break;
    case 2:
        targets = UINT32_C(1) << vcpu;
        break;
    default:
        return;
    }
    for (unsigned i = 0; i < oracle->vcpus; i++) {
        if ((targets & (UINT32_C(1) << i)) != 0U) {
            oracle->private_irq[i][value & 0xFU].sources |= (uint8_t)(1U << vcpu);
        }
    }
}

uint64_t oracle_read(struct oracle *oracle, const struct oracle_access *access, uint64_t *known)
{
    struct place place = place_of(oracle, access);
    uint64_t value = 0;

    if (place.kind == NONE) {
        if (access->frame == ORACLE_REDISTRIBUTOR) {
            return read_redist(oracle, access, known);
        }
        return oracle->version == 3U ? read_dist_3(oracle, access, known)
                                     : read_dist_2(oracle, access, known);
    }
    *known = ~UINT64_C(0);
    for (unsigned i = 0; i < access->size * 8U / place.bits; i++) {
        const struct oracle_irq *irq = shown(oracle, access, place.intid + i);

        if (irq != NULL) {
            value |= (uint64_t)read_field(oracle, access, irq, place.kind, place.intid + i)
                     << (i * place.bits);
        }
    }
    return value;
}

void oracle_write(struct oracle *oracle, const struct oracle_access *access, uint64_t value)
{
    struct place place = place_of(oracle, access);

    for (unsigned i = 0; place.kind != NONE && i < access->size * 8U / place.bits; i++) {
        struct oracle_irq *irq = shown(oracle, access, place.intid + i);

        if (irq != NULL) {
            write_field(oracle, irq, place.kind, place.intid + i,
                        (uint32_t)(value >> (i * place.bits)) & ((1U << place.bits) - 1U));
        }
    }
    if (place.kind != NONE) {
        return;
    }
    if (access->frame == ORACLE_REDISTRIBUTOR) {
        if (access->offset == 0x14U && access->size == 4U) {
            oracle->cpu[access->which].asleep = (value & 2U) != 0U;
        }
    } else if (oracle->version == 3U) {
        write_dist_3(oracle, access, value);
    } else if (access->size == 4U && access->offset == 0U) {
        oracle->group_enabled[0] = (value & 1U) != 0U;
        oracle->group_enabled[1] = (value & 2U) != 0U;
    } else if (access->size == 4U && access->offset == 0xF00U) {
        write_sgir(oracle, access->vcpu, (uint32_t)value);
    }
}

/* IHI 0069 12.2, ICC_SGI1R_EL1: TargetList [15:0], Aff1 [23:16], INTID [27:24], Aff2 [39:32], IRM [40], RS
 * [47:44], Aff3 [55:48]. */
void oracle_sgi(struct oracle *oracle, unsigned vcpu, uint64_t value, bool group0_only)
{
    uint32_t intid = (uint32_t)(value >> 24) & 0xFU;
    uint32_t cluster = (uint32_t)(((value >> 16) & 0xFFU) | (((value >> 32) & 0xFFU) << 8) |
                                  (((value >> 48) & 0xFFU) << 16));
    uint32_t range = (uint32_t)(value >> 44) & 0xFU;

    for (unsigned i = 0; i < oracle->vcpus; i++) {
        uint32_t aff0 = oracle->cpu[i].affinity & 0xFFU;
        struct oracle_irq *irq = &oracle->private_irq[i][intid];
        bool listed = oracle->cpu[i].affinity >> 8 == cluster && aff0 / 16U == range &&
                      ((value >> (aff0 % 16U)) & 1U) != 0U;
        bool all = ((value >> 40) & 1U) != 0U;

        if ((all ? i != vcpu : listed) && !(group0_only && irq->group1)) {
            irq->latch = true;
        }
    }
}

/* ---- Devices ------------------------------------------------------------------------------------------- */

void oracle_set_line(struct oracle *oracle, unsigned vcpu, uint32_t intid, bool level)
{
    struct oracle_irq *irq = oracle_irq(oracle, vcpu, intid);

    if (irq->edge && level && !irq->line) {
        irq->latch = true;
    }
    irq->line = level;
}

void oracle_pulse(struct oracle *oracle, unsigned vcpu, uint32_t intid)
{
    struct oracle_irq *irq = oracle_irq(oracle, vcpu, intid);

    if (irq->edge) {
        irq->latch = true;
    }
}
