/* SPDX-License-Identifier: BSD-2-Clause */
/* libvgic in bare firmware: its list registers deliver interrupts to an EL1 program, in the order of their
 * priorities, a level for as long as it is high. No physical interrupt is needed for that. */
#include <libvgic/el2.h>

#include "bare.h"

#define EDGE_SPI  34U
#define LEVEL_SPI 33U
#define HCR       UINT64_C(0x80000018) /* RW; IMO, FMO: interrupts of EL1 are virtual */

extern char guest_entry[];

static struct ash_vgic gic;
static struct ash_vgic_vcpu cpu;
static struct ash_vgic_vcpu *cpus[] = {&cpu};
static struct ash_vgic_irq spis[32];
static unsigned preemption_bits;

static void kick(void *ctx, uint32_t vcpu)
{
    (void)ctx; /* one CPU, which is at EL2 when anything happens */
    (void)vcpu;
}

static void hw_deactivate(void *ctx, uint32_t vcpu, uint32_t pintid)
{
    (void)ctx;
    (void)vcpu;
    fail("nothing is linked to hardware", pintid);
}

/* As the guest's store to its distributor. */
static void write_register(uint64_t offset, unsigned size, uint64_t value)
{
    expect(ash_vgic_dist_access(&gic, 0, offset, size, true, &value) == ASH_OK, "a distributor register");
}

static void set_level(bool level)
{
    expect(ash_vgic_set_level(&gic, 0, LEVEL_SPI, level) == ASH_OK, "the line");
}

/* Before each entry, as libvgic/vgic.h says. */
static void enter_to_hvc(struct guest *guest, unsigned number)
{
    if (ash_vgic_needs_flush(&cpu)) {
        ash_vgic_el2_fetch(&cpu.lrs);
        ash_vgic_sync(&cpu);
        ash_vgic_flush(&cpu);
        ash_vgic_el2_apply(&cpu.lrs);
    }
    run_to_hvc(guest, number);
}

static void init(void)
{
    static const struct ash_vgic_hal hal = {sizeof(hal), kick, hw_deactivate};

    ash_vgic_el2_cpu_init();
    const struct ash_vgic_vtr vtr = ash_vgic_decode_vtr(ash_vgic_el2_read_vtr());
    const struct ash_vgic_config config = {
        .size = sizeof(config),
        .version = 3,
        .vcpu_count = 1,
        .spi_count = 32,
        .lr_count = vtr.lr_count,
        .priority_bits = vtr.priority_bits,
        .preemption_bits = vtr.preemption_bits,
        .has_tdir = vtr.has_tdir,
        .vcpus = cpus,
        .spis = spis,
    };
    preemption_bits = vtr.preemption_bits;
    expect(ash_vgic_init(&gic, &config, &hal, NULL) == ASH_OK, "init");
}

static void serve(struct guest *guest)
{
    enter_to_hvc(guest, 1);                                   /* its CPU interface is open */
    write_register(0x0000, 4, 2);                             /* GICD_CTLR.EnableGrp1 */
    write_register(0x0400 + LEVEL_SPI, 1, 0xa0);              /* GICD_IPRIORITYR */
    write_register(0x0400 + EDGE_SPI, 1, 0x80);               /* the more urgent one */
    write_register(0x0c08, 4, 2U << (2U * (EDGE_SPI % 16U))); /* GICD_ICFGR2: edge */
    write_register(0x0104, 4, 1U << (LEVEL_SPI - 32U) | 1U << (EDGE_SPI - 32U)); /* GICD_ISENABLER1 */
    set_level(true);
    expect(ash_vgic_pulse(&gic, 0, EDGE_SPI) == ASH_OK, "the edge");

    enter_to_hvc(guest, 2);
    expect_equal(guest->x[0], EDGE_SPI, "the more urgent one first");
    enter_to_hvc(guest, 3);
    enter_to_hvc(guest, 2);
    expect_equal(guest->x[0], LEVEL_SPI, "then the other");
    enter_to_hvc(guest, 3);
    ash_vgic_request_flush(&cpu); /* the maintenance interrupt of an end while the line is high */
    enter_to_hvc(guest, 2);
    expect_equal(guest->x[0], LEVEL_SPI, "once more, for its line is still high");
    set_level(false);
    enter_to_hvc(guest, 3);
    ash_vgic_request_flush(&cpu);
    enter_to_hvc(guest, 4); /* and no more */
}

void program(void)
{
    static struct guest guest;

    init();
    ash_vgic_load(&cpu);
    ash_vgic_el2_load(&cpu.lrs, preemption_bits);
    SYSREG_WRITE(hcr_el2, HCR);
    SYSREG_WRITE(sctlr_el1, 0x30d00800); /* its RES1 bits: MMU and caches off */
    guest = (struct guest){.pc = (uint64_t)(uintptr_t)guest_entry, .pstate = PSTATE_EL1H};
    serve(&guest);
    ash_vgic_el2_save(&cpu.lrs, preemption_bits);
    ash_vgic_put(&cpu);
    expect(!ash_vgic_has_deliverable(&cpu), "nothing is left");
}
