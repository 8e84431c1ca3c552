/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include <libvgic/gich.h>

#include "../../fakes/fake_gich.h"
#include "machine.h"

static bool *phys(struct machine *m, uint32_t vcpu, uint32_t pintid)
{
    return pintid < 32U ? &m->ppi_active[vcpu][pintid] : &m->spi_active[pintid];
}

static void on_kick(void *ctx, uint32_t vcpu)
{
    struct machine *m = ctx;
    m->kicked[vcpu] = true;
    m->kicks++;
}

static void deactivate(struct machine *m, uint32_t vcpu, uint32_t pintid)
{
    bool *active = phys(m, vcpu, pintid);
    if (!*active) {
        m->violation = "a physical interrupt was deactivated that was not active";
    }
    *active = false;
}

static void on_hw_deactivate(void *ctx, uint32_t vcpu, uint32_t pintid)
{
    struct machine *m = ctx;
    m->deactivations++;
    /* vgic.h: a PPI from its vCPU's own CPU, or from a reset, for which all are put. */
    if (pintid < 32U && m->vcpu[vcpu].loaded && m->at_work != vcpu + 1U) {
        m->violation = "a physical PPI was deactivated on another CPU than its vCPU's";
    }
    deactivate(m, vcpu, pintid);
}

static void on_hardware_deactivate(void *ctx, uint32_t pintid)
{
    const struct machine_cpu *cpu = ctx;
    deactivate(cpu->m, cpu->vcpu, pintid);
}

/* ---- a CPU interface in software ---- */

static uint64_t access_gicc(const struct machine_cpu *cpu, uint32_t offset, bool is_write, uint64_t value)
{
    uint32_t before = cpu->m->at_work;

    cpu->m->at_work = cpu->vcpu + 1U;
    assert_int_equal(ash_vgic_cpu_access(&cpu->m->vgic, cpu->vcpu, offset, 4, is_write, &value), ASH_OK);
    cpu->m->at_work = before;
    return value;
}

static uint32_t soft_read(void *ctx, uint32_t offset)
{
    uint64_t value = access_gicc(ctx, offset, false, UINT64_C(0xDEADDEADDEADDEAD));

    assert_true(value <= UINT32_MAX);
    return (uint32_t)value;
}

static void soft_write(void *ctx, uint32_t offset, uint32_t value)
{
    (void)access_gicc(ctx, offset, true, value);
}

static bool soft_signals(void *ctx, bool fiq)
{
    const struct machine_cpu *cpu = ctx;

    return (ash_vgic_lines(&cpu->m->vcpu[cpu->vcpu]) & (fiq ? ASH_VGIC_LINE_FIQ : ASH_VGIC_LINE_IRQ)) != 0U;
}

static const struct fake_gic_soft soft = {soft_read, soft_write, soft_signals};

uint32_t gicc_read(struct machine *m, uint32_t vcpu, uint32_t offset)
{
    uint32_t value = soft_read(&m->cpus[vcpu], offset);

    machine_settle(m);
    return value;
}

void gicc_write(struct machine *m, uint32_t vcpu, uint32_t offset, uint32_t value)
{
    soft_write(&m->cpus[vcpu], offset, value);
    machine_settle(m);
}

static const struct ash_vgic_hal hal = {
    .size = sizeof(struct ash_vgic_hal),
    .kick = on_kick,
    .hw_deactivate = on_hw_deactivate,
};

static void init_cold(struct machine *m, const struct machine_config *config, unsigned version,
                      enum machine_way way)
{
    memset(m, 0, sizeof(*m));
    m->vcpu_count = config->vcpus;
    m->version = version;
    m->gich = way == MACHINE_GICH;
    m->soft = way == MACHINE_SOFT;
    for (uint32_t n = 0; n < config->vcpus; n++) {
        m->vcpus[n] = &m->vcpu[n];
        fake_ich_init(&m->ich[n], config->lrs, config->priority_bits, config->preemption_bits);
        m->cpus[n] = (struct machine_cpu){m, n};
        m->ich[n].ctx = &m->cpus[n];
        m->ich[n].v2 = version == 2U;
        m->ich[n].deactivate = on_hardware_deactivate;
        m->ich[n].soft = m->soft ? &soft : NULL;
    }
    struct ash_vgic_config c = {
        .size = sizeof(c),
        .version = version,
        .vcpu_count = config->vcpus,
        .spi_count = config->spis,
        .lr_count = m->soft ? 0U : config->lrs,
        .priority_bits = config->priority_bits,
        .preemption_bits = config->preemption_bits,
        .has_tdir = config->tdir,
        .deactivate_by_hal = config->deactivate_by_hal,
        .affinity = config->affinity,
        .vcpus = m->vcpus,
        .spis = m->spis,
    };
    assert_int_equal(ash_vgic_init(&m->vgic, &c, &hal, m), ASH_OK);
    ash_vgic_vcpu_reset(&m->vgic, 0);
    machine_load(m, 0);
}

void machine_init_cold(struct machine *m, const struct machine_config *config)
{
    init_cold(m, config, 3, MACHINE_ICH);
}

static void open_all(struct machine *m)
{
    for (uint32_t n = 0; n < m->vcpu_count; n++) {
        if (n != 0U) {
            ash_vgic_vcpu_reset(&m->vgic, n);
            machine_load(m, n);
        }
        fake_ich_set_pmr(&m->ich[n], 0xF0);
        fake_ich_set_igrpen(&m->ich[n], 0, true);
        fake_ich_set_igrpen(&m->ich[n], 1, true);
    }
    dist_write(m, 0, GICD_CTLR, 4, 3);
}

void machine_init_as(struct machine *m, const struct machine_config *config)
{
    init_cold(m, config, 3, MACHINE_ICH);
    open_all(m);
}

void machine_init_v2(struct machine *m, const struct machine_config *config, enum machine_way way)
{
    init_cold(m, config, 2, way);
    open_all(m);
}

void machine_init(struct machine *m)
{
    static const struct machine_config config = {2, 96, 4, 5, 5, false, NULL, false};
    machine_init_as(m, &config);
}

/* ---- a GICH frame in front of the model ---- */

static void gich_load(struct machine *m, uint32_t n)
{
    struct fake_gich gich;

    fake_gich_open(&gich, &m->ich[n]);
    fake_ich_check_empty(&m->ich[n]);
    ash_vgic_gich_load((uintptr_t)gich.reg, &m->vcpu[n].lrs);
    fake_gich_close(&gich, &m->ich[n]);
}

static void gich_save(struct machine *m, uint32_t n)
{
    struct fake_gich gich;

    fake_gich_open(&gich, &m->ich[n]);
    ash_vgic_gich_save((uintptr_t)gich.reg, &m->vcpu[n].lrs);
    fake_gich_close(&gich, &m->ich[n]);
    fake_ich_check_empty(&m->ich[n]);
}

static void gich_fetch(struct machine *m, uint32_t n)
{
    struct fake_gich gich;

    fake_gich_open(&gich, &m->ich[n]);
    ash_vgic_gich_fetch((uintptr_t)gich.reg, &m->vcpu[n].lrs);
    fake_gich_close(&gich, &m->ich[n]);
}

static void gich_apply(struct machine *m, uint32_t n)
{
    struct fake_gich gich;

    fake_gich_open(&gich, &m->ich[n]);
    ash_vgic_gich_apply((uintptr_t)gich.reg, &m->vcpu[n].lrs);
    fake_gich_close(&gich, &m->ich[n]);
}

static void sync_and_flush(struct machine *m, uint32_t n)
{
    struct ash_vgic_vcpu *vcpu = &m->vcpu[n];

    if (m->gich) {
        gich_fetch(m, n);
    } else if (!m->soft) {
        fake_ich_fetch(&m->ich[n], &vcpu->lrs);
    }
    m->at_work = n + 1U;
    ash_vgic_sync(vcpu);
    ash_vgic_flush(vcpu);
    m->at_work = 0;
    if (m->soft) {
        assert_int_equal(vcpu->lrs.used | vcpu->lrs.changed | vcpu->lrs.hcr, 0);
    } else if (m->gich) {
        gich_apply(m, n);
    } else {
        fake_ich_apply(&m->ich[n], &vcpu->lrs);
    }
    m->flushes++;
    assert_false(ash_vgic_needs_flush(vcpu));
}

void machine_exit(struct machine *m, uint32_t n)
{
    m->kicked[n] = false;
    if (fake_ich_misr(&m->ich[n]) != 0U) {
        m->maintenance++;
        ash_vgic_request_flush(&m->vcpu[n]);
    }
    if (m->vcpu[n].loaded && ash_vgic_needs_flush(&m->vcpu[n])) {
        sync_and_flush(m, n);
    }
}

void machine_settle(struct machine *m)
{
    for (unsigned round = 0; round < 64U; round++) {
        bool quiet = true;
        for (uint32_t n = 0; n < m->vcpu_count; n++) {
            if (m->kicked[n] || fake_ich_misr(&m->ich[n]) != 0U) {
                machine_exit(m, n);
                quiet = false;
            }
        }
        if (quiet) {
            machine_check(m);
            return;
        }
    }
    fail_msg("a storm of kicks or maintenance interrupts");
}

void machine_put(struct machine *m, uint32_t n)
{
    if (m->gich) {
        gich_save(m, n);
    } else if (!m->soft) {
        fake_ich_save(&m->ich[n], &m->vcpu[n].lrs);
    }
    m->at_work = n + 1U;
    ash_vgic_put(&m->vcpu[n]);
    m->at_work = 0;
}

void machine_load(struct machine *m, uint32_t n)
{
    m->at_work = n + 1U;
    ash_vgic_load(&m->vcpu[n]);
    m->at_work = 0;
    if (m->gich) {
        gich_load(m, n);
    } else if (!m->soft) {
        fake_ich_load(&m->ich[n], &m->vcpu[n].lrs);
    }
}

void machine_check(const struct machine *m)
{
    if (m->violation != NULL) {
        fail_msg("%s", m->violation);
    }
    for (uint32_t n = 0; n < m->vcpu_count; n++) {
        if (m->ich[n].violation != NULL) {
            fail_msg("vCPU %u: %s", (unsigned)n, m->ich[n].violation);
        }
    }
}

/* ---- registers ---- */

typedef int (*access_fn)(struct ash_vgic *, uint32_t, uint64_t, unsigned, bool, uint64_t *);

static uint64_t guest_read(struct machine *m, uint32_t vcpu, access_fn access, uint64_t offset, unsigned size)
{
    for (unsigned tries = 0; tries < 4U; tries++) {
        uint64_t value = UINT64_C(0xDEADDEADDEADDEAD);
        int error = access(&m->vgic, vcpu, offset, size, false, &value);
        machine_exit(m, vcpu);
        machine_settle(m);
        if (error != ASH_EBUSY) {
            assert_int_equal(error, ASH_OK);
            return value;
        }
    }
    fail_msg("a register read does not come to an end");
    return 0;
}

uint64_t dist_read(struct machine *m, uint32_t vcpu, uint32_t offset, unsigned size)
{
    return guest_read(m, vcpu, ash_vgic_dist_access, offset, size);
}

uint64_t redist_read(struct machine *m, uint32_t vcpu, uint32_t whose, uint32_t offset, unsigned size)
{
    return guest_read(m, vcpu, ash_vgic_redist_access, whose * ASH_VGIC_REDIST_SIZE + offset, size);
}

void dist_write(struct machine *m, uint32_t vcpu, uint32_t offset, unsigned size, uint64_t value)
{
    assert_int_equal(ash_vgic_dist_access(&m->vgic, vcpu, offset, size, true, &value), ASH_OK);
    machine_exit(m, vcpu);
    machine_settle(m);
}

void redist_write(struct machine *m, uint32_t vcpu, uint32_t whose, uint32_t offset, unsigned size,
                  uint64_t value)
{
    uint64_t at = whose * ASH_VGIC_REDIST_SIZE + offset;
    assert_int_equal(ash_vgic_redist_access(&m->vgic, vcpu, at, size, true, &value), ASH_OK);
    machine_exit(m, vcpu);
    machine_settle(m);
}

void set_bit(struct machine *m, uint32_t vcpu, uint32_t reg, uint32_t intid)
{
    if (intid < 32U && m->version == 3U) {
        redist_write(m, vcpu, vcpu, GICR_SGI + reg, 4, UINT64_C(1) << intid);
    } else {
        dist_write(m, vcpu, reg + intid / 32U * 4U, 4, UINT64_C(1) << intid % 32U);
    }
}

bool get_bit(struct machine *m, uint32_t vcpu, uint32_t reg, uint32_t intid)
{
    uint64_t value = intid < 32U && m->version == 3U ? redist_read(m, vcpu, vcpu, GICR_SGI + reg, 4)
                                                     : dist_read(m, vcpu, reg + intid / 32U * 4U, 4);
    return (value >> intid % 32U & 1U) != 0U;
}

void set_priority(struct machine *m, uint32_t vcpu, uint32_t intid, uint8_t priority)
{
    if (intid < 32U && m->version == 3U) {
        redist_write(m, vcpu, vcpu, GICR_SGI + GICD_IPRIORITYR + intid, 1, priority);
    } else {
        dist_write(m, vcpu, GICD_IPRIORITYR + intid, 1, priority);
    }
}

void set_edge(struct machine *m, uint32_t vcpu, uint32_t intid, bool edge)
{
    uint32_t at = GICD_ICFGR + intid / 16U * 4U;
    bool private = intid < 32U && m->version == 3U;
    uint64_t old = private ? redist_read(m, vcpu, vcpu, GICR_SGI + at, 4) : dist_read(m, vcpu, at, 4);
    uint64_t bit = UINT64_C(2) << intid % 16U * 2U;
    uint64_t value = edge ? old | bit : old & ~bit;

    if (private) {
        redist_write(m, vcpu, vcpu, GICR_SGI + at, 4, value);
    } else {
        dist_write(m, vcpu, at, 4, value);
    }
}

void send_sgi(struct machine *m, uint32_t vcpu, uint64_t value)
{
    ash_vgic_sgi(&m->vgic, vcpu, value, ASH_VGIC_SGI1R);
    machine_exit(m, vcpu);
    machine_settle(m);
}

/* ---- sources ---- */

void set_level(struct machine *m, uint32_t vcpu, uint32_t intid, bool level)
{
    assert_int_equal(ash_vgic_set_level(&m->vgic, vcpu, intid, level), ASH_OK);
    machine_settle(m);
}

void pulse(struct machine *m, uint32_t vcpu, uint32_t intid)
{
    assert_int_equal(ash_vgic_pulse(&m->vgic, vcpu, intid), ASH_OK);
    machine_settle(m);
}

bool is_phys_active(const struct machine *m, uint32_t vcpu, uint32_t pintid)
{
    return pintid < 32U ? m->ppi_active[vcpu][pintid] : m->spi_active[pintid];
}

bool fire_hw(struct machine *m, uint32_t vcpu, uint32_t intid, uint32_t pintid)
{
    if (is_phys_active(m, vcpu, pintid)) {
        return false;
    }
    *phys(m, vcpu, pintid) = true;
    assert_int_equal(ash_vgic_inject_hw(&m->vgic, vcpu, intid), ASH_OK);
    machine_settle(m);
    return true;
}

/* ---- the guest's CPU interface ---- */

uint32_t iar(struct machine *m, uint32_t vcpu)
{
    uint32_t intid = fake_ich_iar(&m->ich[vcpu], m->version == 2U ? 0 : 1);
    machine_settle(m);
    return intid;
}

void eoir(struct machine *m, uint32_t vcpu, uint32_t intid)
{
    fake_ich_eoir(&m->ich[vcpu], m->version == 2U ? 0 : 1, intid);
    machine_settle(m);
}

void dir(struct machine *m, uint32_t vcpu, uint32_t intid)
{
    bool trapped = (m->ich[vcpu].hcr & (1U << 14)) != 0U;

    if (trapped) {
        ash_vgic_dir(&m->vgic, vcpu, intid);
        machine_exit(m, vcpu);
    } else {
        fake_ich_dir(&m->ich[vcpu], intid);
    }
    machine_settle(m);
}
