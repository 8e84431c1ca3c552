/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest at its GIC's registers and CPU interface, devices at its inputs, and a hypervisor that comes late. The
 * machine is that of the unit tests: hardware's list registers are modelled, and what the manual calls UNPREDICTABLE
 * is a failure. Input: a program. */
#include "fuzz.h"

#include <libvgic/ich.h>
#include <libvgic/state.h>

#include "machine.h"

#define LINKED_PPI  27U
#define LINKED_SPI  50U
#define LINKED_PHYS 90U

static struct machine m;

static uint64_t reg_value(struct fuzz_input *in)
{
    const uint8_t kind = fuzz_u8(in);

    return kind < 64U    ? UINT64_MAX
           : kind < 128U ? UINT64_C(0x0101010101010101) * (kind & 63U)
                         : fuzz_edge(in);
}

/* Registers that exist, by what is there most; some bytes beside them. */
static uint64_t reg_offset(struct fuzz_input *in, bool dist)
{
    const uint8_t kind = fuzz_u8(in);

    if (m.version == 2U && kind >= 192U && kind < 224U) {
        return GICD_ITARGETSR + fuzz_below(in, 0x800U); /* ITARGETSR to SPENDSGIR */
    }
    if (kind >= 224U) {
        return (uint64_t)fuzz_u16(in) | (dist ? 0U : (uint64_t)fuzz_below(in, 4U) << 16);
    }
    if (kind >= 192U) {
        return dist ? GICD_IROUTER + 8U * 32U + fuzz_below(in, 1024U) : fuzz_below(in, 32U);
    }
    return (dist ? 0U : GICR_SGI) + (uint64_t)(kind >> 4) * 0x80U + (uint64_t)(kind & 15U) +
           4U * fuzz_below(in, 32U);
}

static uint64_t frame_size(bool dist)
{
    if (m.version == 2U) {
        return dist ? ASH_VGIC_V2_DIST_SIZE : 0U;
    }
    return dist ? ASH_VGIC_DIST_SIZE : m.vcpu_count * ASH_VGIC_REDIST_SIZE;
}

static void access_register(struct fuzz_input *in, uint32_t vcpu)
{
    const uint8_t how = fuzz_u8(in);
    const unsigned size = 1U << (how & 3U);
    const bool is_write = (how & 0x0cU) != 0U;
    const bool dist = (how & 0x10U) != 0U || m.version == 2U;
    uint64_t offset = reg_offset(in, dist);
    uint64_t value = is_write ? reg_value(in) : UINT64_C(0xDEADDEADDEADDEAD);
    int result;

    if (how < 0xc0U) {
        offset &= ~(uint64_t)(size - 1U);
    }
    if (!dist) {
        offset += (uint64_t)fuzz_below(in, m.vcpu_count) * ASH_VGIC_REDIST_SIZE;
    }
    result = dist ? ash_vgic_dist_access(&m.vgic, vcpu, offset, size, is_write, &value)
                  : ash_vgic_redist_access(&m.vgic, vcpu, offset, size, is_write, &value);
    FUZZ_CHECK(result == ASH_OK || (result == ASH_EBUSY && !is_write) || result == ASH_ERANGE);
    FUZZ_CHECK((result == ASH_ERANGE) == (offset >= frame_size(dist)));
    if (!is_write && result == ASH_OK) {
        FUZZ_CHECK(size == 8U || value >> (8U * size) == 0U);
        FUZZ_CHECK(offset % size == 0U || value == 0U); /* unaligned: RAZ */
    }
    machine_exit(&m, vcpu);
}

/* Any access to a CPU interface in software: its registers most, some bytes beside them. */
static void access_gicc(struct fuzz_input *in, uint32_t vcpu)
{
    const uint8_t how = fuzz_u8(in);
    const unsigned size = how < 192U ? 4U : 1U << (how & 3U);
    const bool is_write = (how & 4U) != 0U;
    uint64_t offset = how < 96U ? 4U * fuzz_below(in, 11) : how < 128U ? 0x1000U : fuzz_below(in, 0x2100);
    uint64_t value = is_write ? fuzz_u64(in) : UINT64_C(0xDEADDEADDEADDEAD);

    m.at_work = vcpu + 1U;
    const int result = ash_vgic_cpu_access(&m.vgic, vcpu, offset, size, is_write, &value);
    m.at_work = 0;
    FUZZ_CHECK(result == (offset < ASH_VGIC_V2_CPU_SIZE ? ASH_OK : ASH_ERANGE));
    FUZZ_CHECK(is_write || result != ASH_OK || size == 8U || value >> (8U * size) == 0U);
    FUZZ_CHECK((ash_vgic_lines(&m.vcpu[vcpu]) & ~(ASH_VGIC_LINE_IRQ | ASH_VGIC_LINE_FIQ)) == 0U);
    machine_exit(&m, vcpu);
}

static void use_interface(struct fuzz_input *in, uint32_t vcpu)
{
    struct fake_ich *ich = &m.ich[vcpu];
    const uint8_t how = fuzz_u8(in);
    const unsigned group = how >> 7;

    if (m.soft && (how & 0x20U) != 0U) {
        access_gicc(in, vcpu);
        return;
    }
    switch (how % 8U) {
    case 0:
    case 1:
        fake_ich_eoir(ich, group, fake_ich_iar(ich, group));
        break;
    case 2:
        (void)fake_ich_iar(ich, group);
        break;
    case 3:
        fake_ich_eoir(ich, group, fuzz_below(in, 1024));
        break;
    case 4:
        if ((ich->hcr & ASH_ICH_HCR_TDIR) != 0U) {
            ash_vgic_dir(&m.vgic, vcpu, fuzz_u32(in));
            machine_exit(&m, vcpu);
        } else {
            fake_ich_dir(ich, fuzz_below(in, 1024));
        }
        break;
    case 5:
        fake_ich_set_eoimode(ich, (how & 0x10U) != 0U);
        break;
    case 6:
        fake_ich_set_pmr(ich, fuzz_u8(in));
        break;
    default:
        fake_ich_set_igrpen(ich, group, (how & 0x10U) == 0U);
        break;
    }
}

static void raise(struct fuzz_input *in)
{
    const uint8_t how = fuzz_u8(in);
    const uint32_t vcpu = fuzz_below(in, m.vcpu_count + 1U);
    const uint32_t intid = fuzz_below(in, 256);
    const bool wrong = vcpu >= m.vcpu_count || intid < 16U || intid >= 128U;
    int result;

    if (how < 96U) {
        result = ash_vgic_set_level(&m.vgic, vcpu, intid, how % 2U == 0U);
        FUZZ_CHECK((result == ASH_OK) == !wrong);
    } else if (how < 160U) {
        result = ash_vgic_pulse(&m.vgic, vcpu, intid);
        FUZZ_CHECK((result == ASH_OK) == !wrong);
    } else if (how < 208U && vcpu < m.vcpu_count && !m.ppi_active[vcpu][LINKED_PPI]) {
        m.ppi_active[vcpu][LINKED_PPI] = true;
        FUZZ_CHECK(ash_vgic_inject_hw(&m.vgic, vcpu, LINKED_PPI) == ASH_OK);
    } else if (vcpu < m.vcpu_count && !m.spi_active[LINKED_PHYS]) {
        m.spi_active[LINKED_PHYS] = true;
        FUZZ_CHECK(ash_vgic_inject_hw(&m.vgic, vcpu, LINKED_SPI) == ASH_OK);
    }
}

static void inject_fast(struct fuzz_input *in, uint32_t vcpu)
{
    const uint32_t intid = fuzz_below(in, 256);
    int n;

    if (!m.vcpu[vcpu].resident || intid == LINKED_PPI || intid == LINKED_SPI) {
        return;
    }
    n = ash_vgic_inject_fast(&m.vcpu[vcpu], intid, fake_ich_elrsr(&m.ich[vcpu]));
    FUZZ_CHECK(n == ASH_EBUSY || n == ASH_ENOENT || (n >= 0 && (unsigned)n < m.ich[vcpu].lr_count));
    if (n >= 0) {
        fake_ich_write_lr(&m.ich[vcpu], (unsigned)n, m.vcpu[vcpu].lrs.lr[n]);
    }
}

static void change_life(struct fuzz_input *in, uint32_t vcpu)
{
    const uint8_t how = fuzz_u8(in);

    machine_put(&m, vcpu);
    if (how < 64U) {
        ash_vgic_vcpu_offline(&m.vgic, vcpu);
        ash_vgic_vcpu_reset(&m.vgic, vcpu);
        m.vcpu[vcpu].lrs.vmcr |= ASH_ICH_VMCR_VENG0 | ASH_ICH_VMCR_VENG1;
    }
    (void)ash_vgic_has_deliverable(&m.vcpu[vcpu]);
    machine_load(&m, vcpu);
}

/* A CPU interface in software has one set of active priorities for both groups: what list registers kept apart is
 * taken together on the way in. */
static void join_groups(struct ash_vgic_state *state)
{
    for (uint32_t n = 0; m.soft && n < m.vcpu_count; n++) {
        struct ash_vgic_vcpu_state *vcpu = ash_vgic_state_vcpu(state, n);

        for (unsigned r = 0; r < 4U; r++) {
            vcpu->apr0[r] |= vcpu->apr1[r];
            vcpu->apr1[r] = 0;
        }
    }
}

/* Out and in again, perhaps changed on the way: the same machine, or a refusal that changes nothing. */
static void move(struct fuzz_input *in)
{
    static uint64_t words[ASH_VGIC_STATE_SIZE(MACHINE_MAX_VCPUS, MACHINE_MAX_SPIS) / 8U];
    static uint64_t again[ASH_VGIC_STATE_SIZE(MACHINE_MAX_VCPUS, MACHINE_MAX_SPIS) / 8U];
    struct ash_vgic_state *state = (struct ash_vgic_state *)words;
    const size_t size = ASH_VGIC_STATE_SIZE(m.vcpu_count, 96U);
    const uint32_t changes = fuzz_below(in, 4);
    int result;

    FUZZ_CHECK(ash_vgic_export(&m.vgic, state, size) == ASH_EBUSY); /* a vCPU is loaded */
    for (uint32_t n = 0; n < m.vcpu_count; n++) {
        machine_put(&m, n);
    }
    FUZZ_CHECK(ash_vgic_export(&m.vgic, state, size) == ASH_OK);
    for (uint32_t i = 0; i < changes; i++) {
        ((uint8_t *)words)[fuzz_below(in, (uint32_t)size)] ^= fuzz_u8(in);
    }
    result = ash_vgic_import(&m.vgic, state, size);
    FUZZ_CHECK(result == ASH_OK || result == ASH_ENOTSUP || result == ASH_EINVAL);
    FUZZ_CHECK(result == ASH_OK || changes > 0U);
    if (result == ASH_OK) {
        join_groups(state);
        FUZZ_CHECK(ash_vgic_export(&m.vgic, (struct ash_vgic_state *)again, size) == ASH_OK);
        FUZZ_CHECK(memcmp(words, again, size) == 0);
    }
    for (uint32_t n = 0; n < m.vcpu_count; n++) {
        machine_load(&m, n);
    }
}

static void step(struct fuzz_input *in)
{
    const uint8_t op = fuzz_u8(in);
    const uint32_t vcpu = fuzz_below(in, m.vcpu_count);

    switch (op % 16U) {
    case 0:
        ash_vgic_sgi(&m.vgic, vcpu, fuzz_u64(in), (enum ash_vgic_sgi_register)fuzz_below(in, 3));
        break;
    case 1:
        ash_vgic_sgi(&m.vgic, vcpu, (uint64_t)fuzz_u16(in) << 16 | fuzz_u8(in), ASH_VGIC_SGI1R);
        break;
    case 2:
    case 3:
    case 4:
        raise(in);
        break;
    case 5:
    case 6:
    case 7:
    case 8:
        use_interface(in, vcpu);
        break;
    case 9:
        change_life(in, vcpu);
        break;
    case 10:
        inject_fast(in, vcpu);
        break;
    case 11:
        if (op < 64U) {
            move(in);
        }
        break;
    default:
        access_register(in, vcpu);
        break;
    }
    if (op >= 128U) {
        machine_settle(&m); /* else kicks and maintenance interrupts are late */
    }
    machine_check(&m);
}

/* Whatever was done before: a VM reset makes the machine work again. */
static void check_reset(void)
{
    for (uint32_t n = 0; n < m.vcpu_count; n++) {
        machine_put(&m, n);
    }
    ash_vgic_reset(&m.vgic);
    FUZZ_CHECK(!m.spi_active[LINKED_PHYS]);
    for (uint32_t n = 0; n < m.vcpu_count; n++) {
        FUZZ_CHECK(!m.ppi_active[n][LINKED_PPI]);
    }
    machine_load(&m, 0);
    fake_ich_set_pmr(&m.ich[0], 0xF0);
    fake_ich_set_igrpen(&m.ich[0], 0, true);
    fake_ich_set_igrpen(&m.ich[0], 1, true);
    dist_write(&m, 0, GICD_CTLR, 4, 3);
    dist_write(&m, 0, GICD_ITARGETSR + 100U, 1, 1); /* GICv2; a GICv3 ignores it */
    set_level(&m, 0, 100, false);
    set_bit(&m, 0, GICD_ISENABLER, 100);
    set_level(&m, 0, 100, true);
    FUZZ_CHECK(iar(&m, 0) == 100U);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct machine_config configs[] = {{3, 96, 4, 5, 5, false, NULL, false},
                                                    {2, 96, 1, 8, 7, true, NULL, false},
                                                    {4, 96, 16, 4, 4, true, NULL, false}};
    static const struct machine_config v2_configs[] = {{4, 96, 4, 5, 5, false, NULL, false},
                                                       {8, 96, 1, 8, 7, true, NULL, false},
                                                       {1, 96, 2, 5, 5, false, NULL, false}};
    struct fuzz_input in = {data, size < 4096U ? size : 4096U};
    const uint8_t first = fuzz_u8(&in);
    const uint32_t which = first % 6U;
    const enum machine_way way = first >= 128U ? MACHINE_SOFT : which == 3U ? MACHINE_GICH : MACHINE_ICH;

    if (which < 3U) {
        machine_init_as(&m, &configs[which]);
    } else {
        machine_init_v2(&m, &v2_configs[which - 3U], way);
    }
    for (uint32_t n = 0; n < m.vcpu_count; n++) {
        FUZZ_CHECK(ash_vgic_connect_hw(&m.vgic, n, LINKED_PPI, LINKED_PPI) == ASH_OK);
    }
    FUZZ_CHECK(ash_vgic_connect_hw(&m.vgic, 0, LINKED_SPI, LINKED_PHYS) == ASH_OK);
    while (fuzz_more(&in)) {
        step(&in);
    }
    machine_settle(&m); /* no storm */
    check_reset();
    return 0;
}
