/* SPDX-License-Identifier: BSD-2-Clause */
/* The state as plain data: what is exported can be imported, is exported again byte by byte, and behaves the same. */
#include <stdlib.h>
#include <string.h>

#include <libvgic/state.h>

#include "machine.h"

#define VCPUS 3U
#define SPIS  64U
#define SIZE  ASH_VGIC_STATE_SIZE(VCPUS, SPIS)
#define STEPS 400U

static struct machine m, other;
static union {
    struct ash_vgic_state state;
    uint64_t align;
    uint8_t bytes[SIZE];
} first, second, again;
static struct test_rng rng;
static enum machine_way v2_way = MACHINE_GICH;

static const struct machine_config config = {VCPUS, SPIS, 2, 5, 5, true, NULL, false};

static void start(struct machine *machine, unsigned version)
{
    if (version == 2U) {
        machine_init_v2(machine, &config, v2_way);
    } else {
        machine_init_as(machine, &config);
    }
    for (uint32_t n = 0; n < VCPUS; n++) {
        machine->ich[n].by_intid = true; /* not by the list register, which no state remembers */
    }
}

static void put_all(struct machine *machine)
{
    for (uint32_t n = 0; n < VCPUS; n++) {
        machine_put(machine, n);
    }
}

static void load_all(struct machine *machine)
{
    for (uint32_t n = 0; n < VCPUS; n++) {
        machine_load(machine, n);
    }
}

/* ---- a guest and devices, by random numbers: the same ones give the same sequence ---- */

static uint32_t below(struct test_rng *r, uint32_t bound)
{
    return (uint32_t)test_rng_below(r, bound);
}

static void configure(struct machine *machine, struct test_rng *r, uint32_t vcpu, uint32_t intid)
{
    static const uint32_t registers[] = {GICD_ISENABLER, GICD_ISENABLER, GICD_ISENABLER, GICD_ICENABLER,
                                         GICD_ISPENDR,   GICD_ICPENDR,   GICD_ISACTIVER, GICD_ICACTIVER};

    switch (below(r, 6)) {
    case 0:
        set_priority(machine, vcpu, intid, (uint8_t)(below(r, 30) << 3));
        break;
    case 1:
        set_edge(machine, vcpu, intid, below(r, 2) != 0U);
        break;
    case 2:
        if (machine->version == 2U) {
            dist_write(machine, vcpu, GICD_ITARGETSR + intid, 1, below(r, 8));
        } else if (intid >= 32U) {
            dist_write(machine, vcpu, GICD_IROUTER + 8U * intid, 8,
                       below(r, 4) == 0U ? 0x80000000U : below(r, 4));
        }
        break;
    default:
        set_bit(machine, vcpu, registers[below(r, 8)], intid);
        break;
    }
}

static void signal(struct machine *machine, struct test_rng *r, uint32_t vcpu, uint32_t intid)
{
    uint32_t sgi = below(r, 16);

    switch (below(r, 5)) {
    case 0:
        pulse(machine, vcpu, intid);
        break;
    case 1:
        if (machine->version == 3U) {
            dist_write(machine, vcpu, 0x40U + 8U * below(r, 2), 4, 32U + below(r, SPIS)); /* SETSPI, CLRSPI */
        } else {
            dist_write(machine, vcpu, (below(r, 2) != 0U ? GICD_SPENDSGIR : GICD_CPENDSGIR) + sgi, 1,
                       below(r, 8));
        }
        break;
    case 2:
        if (machine->version == 3U) {
            send_sgi(machine, vcpu, (uint64_t)sgi << 24 | below(r, 8));
        } else {
            dist_write(machine, vcpu, GICD_SGIR, 4, below(r, 8) << 16 | sgi);
        }
        break;
    default:
        set_level(machine, vcpu, intid, below(r, 2) != 0U);
        break;
    }
}

/* One step; what the guest saw of it. */
static uint64_t drive(struct machine *machine, struct test_rng *r)
{
    static const uint8_t pmr[] = {0xF0, 0xF0, 0xF0, 0x60};
    uint32_t vcpu = below(r, VCPUS);
    uint32_t intid = 16U + below(r, 16U + SPIS);
    uint32_t group = below(r, 2);
    uint32_t acknowledged;

    switch (below(r, 10)) {
    case 0:
    case 1:
        configure(machine, r, vcpu, intid);
        return 0;
    case 2:
    case 3:
        signal(machine, r, vcpu, intid);
        return 0;
    case 4:
        fake_ich_set_pmr(&machine->ich[vcpu], pmr[below(r, 4)]);
        dist_write(machine, vcpu, GICD_CTLR, 4, below(r, 8) == 0U ? 1U : 3U);
        return 0;
    case 5:
        return dist_read(machine, vcpu, GICD_ISPENDR + 4U * below(r, 3), 4);
    case 6:
        return dist_read(machine, vcpu, GICD_ISACTIVER + 4U * below(r, 3), 4);
    case 7:
        if (machine->version == 3U && below(r, 8) == 0U) {
            redist_write(machine, vcpu, vcpu, GICR_WAKER, 4, below(r, 2) << 1);
        }
        fake_ich_set_igrpen(&machine->ich[vcpu], group, below(r, 4) != 0U);
        return 0;
    default:
        acknowledged = fake_ich_iar(&machine->ich[vcpu], group);
        machine_settle(machine);
        if (acknowledged != FAKE_ICH_SPURIOUS && below(r, 4) != 0U) {
            fake_ich_eoir(&machine->ich[vcpu], group, acknowledged);
            machine_settle(machine);
        }
        return acknowledged;
    }
}

static void what_is_exported_is_imported_exported_again_and_behaves_the_same(void **state)
{
    (void)state;
    uint64_t seed = test_rng_init(&rng, "state_test");

    (void)seed;
    for (unsigned run = 0; run < 60U; run++) {
        unsigned version = run % 2U == 0U ? 3U : 2U;
        uint64_t seen = 0;
        struct test_rng same;

        start(&m, version);
        start(&other, version);
        for (unsigned i = 0; i < STEPS; i++) {
            (void)drive(&m, &rng);
        }
        put_all(&m);
        put_all(&other);
        assert_int_equal(ash_vgic_export(&m.vgic, &first.state, SIZE), ASH_OK);
        assert_int_equal(ash_vgic_import(&other.vgic, &first.state, SIZE), ASH_OK);
        memset(&second, 0xA5, sizeof(second));
        assert_int_equal(ash_vgic_export(&other.vgic, &second.state, SIZE), ASH_OK);
        assert_memory_equal(first.bytes, second.bytes, SIZE);
        load_all(&m);
        load_all(&other);
        same = rng;
        for (unsigned i = 0; i < STEPS; i++) {
            uint64_t here = drive(&m, &rng);
            assert_int_equal(here, drive(&other, &same));
            seen |= here;
        }
        assert_int_not_equal(seen, 0);
        put_all(&m);
        put_all(&other);
        assert_int_equal(ash_vgic_export(&m.vgic, &first.state, SIZE), ASH_OK);
        assert_int_equal(ash_vgic_export(&other.vgic, &second.state, SIZE), ASH_OK);
        assert_memory_equal(first.bytes, second.bytes, SIZE);
    }
}

static void what_an_import_replaces_leaves_nothing_behind(void **state)
{
    (void)state;
    (void)test_rng_init(&rng, "state_test");
    for (unsigned version = 2; version <= 3U; version++) {
        start(&m, version);
        put_all(&m);
        assert_int_equal(ash_vgic_export(&m.vgic, &first.state, SIZE), ASH_OK);
        load_all(&m);
        for (unsigned i = 0; i < STEPS; i++) {
            (void)drive(&m, &rng);
        }
        put_all(&m);
        assert_int_equal(ash_vgic_import(&m.vgic, &first.state, SIZE), ASH_OK);
        assert_int_equal(ash_vgic_export(&m.vgic, &second.state, SIZE), ASH_OK);
        assert_memory_equal(first.bytes, second.bytes, SIZE);
    }
}

static void the_fields_say_what_they_are_called(void **state)
{
    (void)state;
    start(&m, 2);
    set_priority(&m, 0, 40, 0x50);
    dist_write(&m, 0, GICD_ITARGETSR + 40, 1, 6);
    set_bit(&m, 0, GICD_ISENABLER, 40);
    set_level(&m, 0, 40, true);
    dist_write(&m, 1, GICD_SGIR, 4, 0x01000003); /* to all others */
    dist_write(&m, 2, GICD_SGIR, 4, 0x00010003);
    set_priority(&m, 0, 3, 0x20);
    assert_int_equal(iar(&m, 0), 1U << 10 | 3U);
    set_priority(&m, 0, 3, 0x40);
    put_all(&m);
    assert_int_equal(ash_vgic_export(&m.vgic, &first.state, SIZE), ASH_OK);
    assert_int_equal(first.state.version, ASH_VGIC_STATE_VERSION);
    assert_int_equal(first.state.size, SIZE);
    assert_int_equal(first.state.gic_version, 2);
    assert_int_equal(first.state.ctlr, 3);
    assert_int_equal(first.state.priority_bits, 5);
    assert_int_equal(first.state.preemption_bits, 5);
    const struct ash_vgic_irq_state *spi = ash_vgic_state_spi(&first.state, 8);
    assert_int_equal(spi->route, 6);
    assert_int_equal(spi->priority, 0x50);
    assert_int_equal(spi->flags, ASH_VGIC_STATE_ENABLED | ASH_VGIC_STATE_LINE);
    assert_true(spi->target == 1U || spi->target == 2U);
    const struct ash_vgic_irq_state *sgi = &ash_vgic_state_vcpu(&first.state, 0)->irqs[3];
    assert_int_equal(sgi->flags, ASH_VGIC_STATE_ENABLED | ASH_VGIC_STATE_EDGE | ASH_VGIC_STATE_ACTIVE |
                                     ASH_VGIC_STATE_LATCH);
    assert_int_equal(sgi->source, 1);
    assert_int_equal(sgi->active_priority, 0x20);
    assert_int_equal(sgi->priority, 0x40);
    assert_int_equal(sgi->sources, 4);
    assert_int_equal(ash_vgic_state_vcpu(&first.state, 0)->apr0[0], 1U << (0x20U >> 3));
    assert_int_equal(ash_vgic_state_vcpu(&first.state, 2)->flags, ASH_VGIC_STATE_ONLINE);
}

static void physical_interrupts_are_let_go_and_can_come_again(void **state)
{
    (void)state;
    start(&m, 3);
    assert_int_equal(ash_vgic_connect_hw(&m.vgic, 0, 27, 27), ASH_OK);
    assert_int_equal(ash_vgic_connect_hw(&m.vgic, 0, 50, 70), ASH_OK);
    set_bit(&m, 0, GICD_ISENABLER, 27);
    set_bit(&m, 0, GICD_ISENABLER, 50);
    assert_true(fire_hw(&m, 0, 27, 27));
    assert_true(fire_hw(&m, 0, 50, 70));
    assert_int_equal(iar(&m, 0), 27);
    put_all(&m);
    assert_int_equal(ash_vgic_export(&m.vgic, &first.state, SIZE), ASH_OK);
    assert_true(is_phys_active(&m, 0, 27));
    assert_int_equal(ash_vgic_import(&m.vgic, &first.state, SIZE), ASH_OK);
    assert_false(is_phys_active(&m, 0, 27));
    assert_false(is_phys_active(&m, 0, 70));
    load_all(&m);
    assert_true(fire_hw(&m, 0, 27, 27)); /* its device still asks, while the guest has the first active */
    eoir(&m, 0, 27);
    assert_true(is_phys_active(&m, 0, 27));
    assert_int_equal(iar(&m, 0), 27);
    eoir(&m, 0, 27);
    assert_false(is_phys_active(&m, 0, 27));
    assert_int_equal(iar(&m, 0), 50);
    eoir(&m, 0, 50);
    assert_true(fire_hw(&m, 0, 50, 70));
    assert_int_equal(iar(&m, 0), 50);
}

/* ---- what is refused ---- */

static void take_export(unsigned version)
{
    start(&m, version);
    put_all(&m);
    assert_int_equal(ash_vgic_export(&m.vgic, &first.state, SIZE), ASH_OK);
}

/* Import @second, a spoilt copy of @first: @error, and nothing has changed. */
static void refused(int error)
{
    static uint8_t bytes[SIZE];

    memcpy(bytes, first.bytes, SIZE);
    assert_int_equal(ash_vgic_import(&m.vgic, &second.state, SIZE), error);
    memset(&second, 0, sizeof(second));
    assert_int_equal(ash_vgic_export(&m.vgic, &second.state, SIZE), ASH_OK);
    assert_memory_equal(second.bytes, bytes, SIZE);
    second = first;
}

static void other_machines_and_other_versions_are_refused(void **state)
{
    (void)state;
    uint32_t *const words[] = {&second.state.version, &second.state.gic_version, &second.state.vcpu_count,
                               &second.state.spi_count};

    take_export(3);
    second = first;
    for (size_t i = 0; i < 4U; i++) {
        (*words[i])++;
        refused(ASH_ENOTSUP);
        *words[i] = UINT32_MAX;
        refused(ASH_ENOTSUP);
    }
    second.state.priority_bits++;
    refused(ASH_ENOTSUP);
    second.state.preemption_bits--;
    refused(ASH_ENOTSUP);
    ash_vgic_state_vcpu(&second.state, 1)->affinity = 7;
    refused(ASH_ENOTSUP);
    second.state.size--;
    refused(ASH_EINVAL);
    assert_int_equal(ash_vgic_import(&m.vgic, &first.state, SIZE - 1U), ASH_EINVAL);
    assert_int_equal(ash_vgic_import(&m.vgic, &first.state, SIZE + 1U), ASH_EINVAL);
    assert_int_equal(ash_vgic_import(&m.vgic, &first.state, 0), ASH_EINVAL);
    assert_int_equal(ash_vgic_export(&m.vgic, &second.state, SIZE - 1U), ASH_EINVAL);
    machine_load(&m, 2);
    assert_int_equal(ash_vgic_export(&m.vgic, &second.state, SIZE), ASH_EBUSY);
    assert_int_equal(ash_vgic_import(&m.vgic, &first.state, SIZE), ASH_EBUSY);
}

static void values_outside_the_state_are_refused(void **state)
{
    (void)state;
    for (unsigned version = 2; version <= 3U; version++) {
        bool v2 = version == 2U;
        struct ash_vgic_vcpu_state *vcpu;

        take_export(version);
        second = first;
        vcpu = ash_vgic_state_vcpu(&second.state, 2);
        second.state.ctlr = 4;
        refused(ASH_EINVAL);
        second.state.next_1ofn = VCPUS + 1U;
        refused(ASH_EINVAL);
        second.state.reserved[1] = 1;
        refused(ASH_EINVAL);
        vcpu->flags |= 4U;
        refused(ASH_EINVAL);
        vcpu->reserved = 1;
        refused(ASH_EINVAL);
        vcpu->vmcr |= 0x400U;
        refused(ASH_EINVAL);
        vcpu->apr0[1] = 1; /* five preemption bits: 32 levels */
        refused(ASH_EINVAL);
        vcpu->apr1[3] = 0x80000000U;
        refused(ASH_EINVAL);
        if (v2) {
            vcpu->flags |= ASH_VGIC_STATE_ASLEEP;
            refused(ASH_EINVAL);
        }
    }
}

/* One spoilt interrupt: an SGI, a PPI or an SPI. */
struct spoilt {
    unsigned versions; /* 1: GICv2, 2: GICv3, 3: both */
    uint32_t intid;
    size_t offset;
    unsigned size;
    uint64_t value;
};

#define FIELD(name) offsetof(struct ash_vgic_irq_state, name), sizeof(((struct ash_vgic_irq_state *)0)->name)

static struct ash_vgic_irq_state *irq_of(uint32_t intid)
{
    return intid < 32U ? &ash_vgic_state_vcpu(&second.state, 1)->irqs[intid]
                       : ash_vgic_state_spi(&second.state, intid - 32U);
}

static void interrupts_that_cannot_be_are_refused(void **state)
{
    (void)state;
    static const struct spoilt cases[] = {
        {3, 40, FIELD(flags), 0x200},
        {3, 40, FIELD(flags), ASH_VGIC_STATE_SOFT_ACTIVE},
        {3, 3, FIELD(flags), ASH_VGIC_STATE_ENABLED}, /* an SGI that is no edge */
        {3, 3, FIELD(flags), ASH_VGIC_STATE_ENABLED | ASH_VGIC_STATE_EDGE | ASH_VGIC_STATE_LINE},
        {1, 3, FIELD(flags), ASH_VGIC_STATE_EDGE}, /* disabled */
        {1, 3, FIELD(flags),
         ASH_VGIC_STATE_ENABLED | ASH_VGIC_STATE_EDGE | ASH_VGIC_STATE_LATCH}, /* by nobody */
        {3, 20, FIELD(flags), ASH_VGIC_STATE_MESSAGE},
        {1, 40, FIELD(flags), ASH_VGIC_STATE_MESSAGE},
        {3, 40, FIELD(priority), 0x04},
        {3, 40, FIELD(reserved[0]), 1},
        {3, 40, FIELD(reserved[3]), 1},
        {3, 40, FIELD(active_priority), 8}, /* not active */
        {3, 40, FIELD(flags), ASH_VGIC_STATE_ACKED_AS_1},
        {3, 40, FIELD(owner), 1}, /* not active */
        {3, 40, FIELD(target), 1},
        {3, 40, FIELD(target), VCPUS},
        {3, 40, FIELD(sources), 1},
        {3, 40, FIELD(source), 1},
        {1, 3, FIELD(sources), 1}, /* not pending */
        {1, 3, FIELD(source), 1},  /* not active */
        {2, 3, FIELD(sources), 1},
        {3, 20, FIELD(route), 1},
        {1, 40, FIELD(route), 8},
        {1, 40, FIELD(route), 0x80000000U},
        {2, 40, FIELD(route), UINT64_C(1) << 40},
        {2, 40, FIELD(route), 0x40000000U},
    };

    for (unsigned version = 2; version <= 3U; version++) {
        take_export(version);
        second = first;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            if ((cases[i].versions >> (version - 2U) & 1U) != 0U) {
                memcpy((uint8_t *)irq_of(cases[i].intid) + cases[i].offset, &cases[i].value, cases[i].size);
                refused(ASH_EINVAL);
            }
        }
    }
}

static void an_active_or_chosen_vcpu_that_is_not_there_is_refused(void **state)
{
    (void)state;
    for (unsigned version = 2; version <= 3U; version++) {
        take_export(version);
        second = first;
        irq_of(40)->flags = ASH_VGIC_STATE_ACTIVE;
        irq_of(40)->owner = VCPUS;
        refused(ASH_EINVAL);
        irq_of(40)->flags = ASH_VGIC_STATE_ACTIVE;
        irq_of(40)->active_priority = 4; /* five bits of priority */
        refused(ASH_EINVAL);
        irq_of(40)->flags = ASH_VGIC_STATE_ACTIVE | ASH_VGIC_STATE_SOFT_ACTIVE;
        irq_of(40)->active_priority = 8; /* nobody acknowledged it */
        refused(ASH_EINVAL);
        irq_of(20)->flags = ASH_VGIC_STATE_ACTIVE; /* vCPU 1's */
        irq_of(20)->owner = 2;
        refused(ASH_EINVAL);
        irq_of(40)->flags = ASH_VGIC_STATE_LATCH | ASH_VGIC_STATE_ENABLED;
        irq_of(40)->route = version == 2U ? 3U : 0x80000000U;
        irq_of(40)->target = VCPUS;
        refused(ASH_EINVAL);
    }
    take_export(2);
    second = first;
    irq_of(40)->flags = ASH_VGIC_STATE_LATCH | ASH_VGIC_STATE_ENABLED;
    irq_of(40)->route = 3;
    irq_of(40)->target = 2; /* not among the targets */
    refused(ASH_EINVAL);
    irq_of(3)->flags |= ASH_VGIC_STATE_ACTIVE;
    irq_of(3)->owner = 1;
    irq_of(3)->source = VCPUS;
    refused(ASH_EINVAL);
    irq_of(3)->flags |= ASH_VGIC_STATE_LATCH;
    irq_of(3)->sources = 1U << VCPUS;
    refused(ASH_EINVAL);
}

/* A choice that no GIC would leave as it is: import must not make another one of it in silence. */
static void a_1ofn_choice_that_no_export_writes_is_refused(void **state)
{
    (void)state;
    for (unsigned version = 2; version <= 3U; version++) {
        take_export(version);
        second = first;
        irq_of(40)->flags = ASH_VGIC_STATE_LATCH | ASH_VGIC_STATE_ENABLED;
        irq_of(40)->route = version == 2U ? 3U : 0x80000000U;
        refused(ASH_EINVAL); /* it waits, no vCPU was chosen, and some would take it */

        machine_load(&m, 1);
        machine_put(&m, 1);
        ash_vgic_vcpu_offline(&m.vgic, 1);
        assert_int_equal(ash_vgic_export(&m.vgic, &first.state, SIZE), ASH_OK);
        second = first;
        irq_of(40)->flags = ASH_VGIC_STATE_LATCH | ASH_VGIC_STATE_ENABLED;
        irq_of(40)->route = version == 2U ? 3U : 0x80000000U;
        irq_of(40)->target = 1; /* which is off */
        refused(ASH_EINVAL);
        irq_of(40)->flags = ASH_VGIC_STATE_LATCH | ASH_VGIC_STATE_ENABLED;
        irq_of(40)->route = version == 2U ? 3U : 0x80000000U;
        irq_of(40)->target = 0;
        assert_int_equal(ash_vgic_import(&m.vgic, &second.state, SIZE), ASH_OK);
    }
    take_export(3);
    redist_write(&m, 0, 0, GICR_WAKER, 4, 2);
    assert_int_equal(ash_vgic_export(&m.vgic, &first.state, SIZE), ASH_OK);
    second = first;
    irq_of(40)->flags = ASH_VGIC_STATE_LATCH | ASH_VGIC_STATE_ENABLED;
    irq_of(40)->route = 0x80000000U;
    irq_of(40)->target = 0; /* which sleeps */
    refused(ASH_EINVAL);
}

static void nobody_to_choose_is_a_state_like_others(void **state)
{
    (void)state;
    for (unsigned version = 2; version <= 3U; version++) {
        take_export(version);
        for (uint32_t n = 0; n < VCPUS; n++) {
            ash_vgic_vcpu_offline(&m.vgic, n);
        }
        dist_write(&m, 0, version == 2U ? GICD_ITARGETSR + 40U : GICD_IROUTER + 8U * 40U,
                   version == 2U ? 1 : 8, version == 2U ? 6U : 0x80000000U);
        set_bit(&m, 0, GICD_ISENABLER, 40);
        set_level(&m, 0, 40, true);
        assert_int_equal(ash_vgic_export(&m.vgic, &first.state, SIZE), ASH_OK);
        assert_int_equal(ash_vgic_state_spi(&first.state, 8)->target, ASH_VGIC_NO_VCPU);
        assert_int_equal(ash_vgic_import(&m.vgic, &first.state, SIZE), ASH_OK);
        assert_int_equal(ash_vgic_export(&m.vgic, &second.state, SIZE), ASH_OK);
        assert_memory_equal(first.bytes, second.bytes, SIZE);
    }
}

static void no_bytes_break_an_import(void **state)
{
    (void)state;
    unsigned taken = 0;

    (void)test_rng_init(&rng, "state_test");
    for (unsigned run = 0; run < 3000U; run++) {
        unsigned version = 2U + run % 2U;
        if (run % 100U < 2U) {
            start(&m, version);
            for (unsigned i = 0; i < STEPS / 4U; i++) {
                (void)drive(&m, &rng);
            }
            put_all(&m);
            assert_int_equal(ash_vgic_export(&m.vgic, &first.state, SIZE), ASH_OK);
        } else {
            version = m.version;
        }
        second = first;
        for (unsigned i = below(&rng, 4) + 1U; i > 0U; i--) {
            second.bytes[28U + below(&rng, SIZE - 28U)] = (uint8_t)test_rng_next(&rng);
        }
        if (ash_vgic_import(&m.vgic, &second.state, SIZE) == ASH_OK) {
            taken++;
            assert_int_equal(ash_vgic_export(&m.vgic, &again.state, SIZE), ASH_OK);
            assert_memory_equal(again.bytes, second.bytes, SIZE);
            load_all(&m);
            for (unsigned i = 0; i < 20U; i++) {
                (void)drive(&m, &rng);
            }
            put_all(&m);
        }
    }
    assert_int_not_equal(taken, 0);
    assert_true(taken < 3000U);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_exported_is_imported_exported_again_and_behaves_the_same),
        cmocka_unit_test(what_an_import_replaces_leaves_nothing_behind),
        cmocka_unit_test(the_fields_say_what_they_are_called),
        cmocka_unit_test(physical_interrupts_are_let_go_and_can_come_again),
        cmocka_unit_test(other_machines_and_other_versions_are_refused),
        cmocka_unit_test(values_outside_the_state_are_refused),
        cmocka_unit_test(interrupts_that_cannot_be_are_refused),
        cmocka_unit_test(an_active_or_chosen_vcpu_that_is_not_there_is_refused),
        cmocka_unit_test(a_1ofn_choice_that_no_export_writes_is_refused),
        cmocka_unit_test(nobody_to_choose_is_a_state_like_others),
        cmocka_unit_test(no_bytes_break_an_import),
    };
    int failed = cmocka_run_group_tests_name("list registers", tests, NULL, NULL);

    v2_way = MACHINE_SOFT;
    return failed + cmocka_run_group_tests_name("in software", tests, NULL, NULL);
}
