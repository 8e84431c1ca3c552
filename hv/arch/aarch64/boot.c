/* SPDX-License-Identifier: BSD-2-Clause */
/* From the MMU on to hv/core: read the board's tree, map what it says, give each CPU its page and stacks. */
#include <libbase/bits.h>
#include <libbase/checked.h>
#include <libbase/mem.h>
#include <libbase/version.h>
#include <libstage2/el2.h>
#include <libvcpu/el2.h>

#include "arch/aarch64/asm.h"
#include "arch/aarch64/errata.h"
#include "arch/aarch64/image.h"
#include "arch/aarch64/mitigations.h"
#include "arch/aarch64/mmu.h"
#include "arch/aarch64/platform.h"
#include "arch/aarch64/policy.h"
#include "arch/aarch64/sysreg.h"
#include "arch/aarch64/virtual_interface.h"
#include "arch/aarch64/world.h"
#include "arch/arch.h"
#include "core/board_check.h"
#include "core/format.h"
#include "core/hv.h"
#include "core/ownership.h"
#include "core/panic.h"
#include "glue/console_glue.h"

/* One CPU's window in the stacks' region: an unmapped page below each stack. */
#define WINDOW_SIZE     UINT64_C(0x10000)
#define STACK_BASE      UINT64_C(0x1000)
#define STACK_PAGES     4U
#define EMERGENCY_BASE  UINT64_C(0x6000)
#define EMERGENCY_PAGES 2U

struct hv_platform hv_platform;
static struct hv the_hv __attribute__((section(".bss.noinit.hv")));
static struct hv_cpu boot_cpu __attribute__((aligned(4096)));
static struct hv_arch_features features;

const struct hv_arch_features *hv_arch_features(void)
{
    return &features;
}

bool hv_stack_mapped(uint64_t address)
{
    uint64_t in_window = (address - HV_EL2_STACKS_VA) % WINDOW_SIZE;

    return (address - HV_EL2_STACKS_VA) / WINDOW_SIZE < the_hv.cpus &&
           ((in_window >= STACK_BASE && in_window < STACK_BASE + STACK_PAGES * 4096U) ||
            (in_window >= EMERGENCY_BASE && in_window < EMERGENCY_BASE + EMERGENCY_PAGES * 4096U));
}

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

static void build_ownership(struct hv_cpu *cpu, uint64_t dtb)
{
    const struct hv_ownership of = {
        .board = &the_hv.board,
        .image = (uint64_t)(uintptr_t)_start,
        .image_size = (uint64_t)(uintptr_t)__image_end - (uint64_t)(uintptr_t)_start,
        .tree = dtb,
    };
    char why[160];

    if (hv_ownership_build(&the_hv.ranges, &of, why, sizeof(why)) != ASH_OK) {
        hv_panic(cpu, "%s", why);
    }
}

static void map_ram_part(struct hv_cpu *cpu, uint64_t base, uint64_t end)
{
    base = base != 0U ? base : 4096U; /* where a null pointer points, nothing is */
    HV_CHECK(cpu, base >= end || hv_el2_map_identity(base, end - base, HV_EL2_DATA) == ASH_OK);
}

/** [base, end) but for what early code has mapped around the device tree. */
static void map_ram_run(struct hv_cpu *cpu, uint64_t base, uint64_t end)
{
    uint64_t tree;
    uint64_t tree_end;

    hv_el2_tree_extent((uint64_t)(uintptr_t)the_hv.board_tree.data, the_hv.board_tree.size, &tree, &tree_end);
    map_ram_part(cpu, base, end < tree ? end : tree);
    map_ram_part(cpu, base > tree_end ? base : tree_end, end);
}

/** Memory that must not be mapped, beside the device tree: the boot loader has put that where it may not be. */
static void refuse_no_map_at_tree(struct hv_cpu *cpu, const struct hv_range *range)
{
    uint64_t tree;
    uint64_t tree_end;

    hv_el2_tree_extent((uint64_t)(uintptr_t)the_hv.board_tree.data, the_hv.board_tree.size, &tree, &tree_end);
    if (range->base < tree_end && tree < range->base + range->size) {
        hv_panic(cpu,
                 "device tree: reserved memory 0x%lx, 0x%lx bytes: no-map, and the tree itself lies within "
                 "the same "
                 "2 MiB; the boot loader is to place it elsewhere",
                 range->base, range->size);
    }
}

/** All RAM but what must not be mapped, and what is mapped already. */
static void map_ram(struct hv_cpu *cpu)
{
    uint64_t image = (uint64_t)(uintptr_t)_start;
    uint64_t base = 0;
    uint64_t end = 0;

    /* Neighbours together, whoever owns them: in the largest blocks. */
    for (uint32_t i = 0; i < the_hv.ranges.count; i++) {
        const struct hv_range *range = &the_hv.ranges.range[i];
        bool mapped =
            range->owner == HV_OWNER_NO_MAP ||
            (range->owner == HV_OWNER_HV && range->base <= image && image - range->base < range->size);

        if (range->owner == HV_OWNER_NO_MAP) {
            refuse_no_map_at_tree(cpu, range);
        }
        if (mapped || range->base != end) {
            map_ram_run(cpu, base, end);
            base = range->base;
        }
        end = range->base + range->size;
        base = mapped ? end : base;
    }
    map_ram_run(cpu, base, end);
}

void hv_map_device(struct hv_cpu *cpu, uint64_t base, uint64_t size, const char *what)
{
    uint64_t start = ash_align_down(base, 4096);
    int error;

    if (size == 0U) {
        return;
    }
    error = hv_el2_map_identity(start, ash_align_up(base + size, 4096) - start, HV_EL2_DEVICE);
    if (error != ASH_OK) {
        hv_panic(cpu, "device tree: %s at 0x%lx, 0x%lx bytes: %s", what, base, size, ash_error_name(error));
    }
}

/* To read it has no side effects and may be repeated, in pieces of any size: Normal memory (DDI 0487 B2.7.1); accesses
 * to a Device would have to be aligned. Not cacheable: whoever programs it writes past the caches. */
void hv_arch_map_flash(struct hv_cpu *cpu, uint64_t base, uint64_t size)
{
    uint64_t start = ash_align_down(base, 4096);
    int error = ash_range_within(base, size, 0, UINT64_C(1) << HV_EL2_FLASH_BITS)
                    ? hv_el2_map(HV_EL2_FLASH_VA + start, ash_pa(start),
                                 ash_align_up(base + size, 4096) - start, HV_EL2_FLASH)
                    : ASH_ERANGE;

    if (error != ASH_OK) {
        hv_panic(cpu, "device tree: flash at 0x%lx, 0x%lx bytes: %s", base, size, ash_error_name(error));
    }
}

const void *hv_arch_flash(uint64_t base)
{
    return (const void *)(uintptr_t)(HV_EL2_FLASH_VA + base);
}

static void make_pool(struct hv_cpu *cpu)
{
    uint64_t base;

    HV_CHECK(cpu, hv_ownership_take_pool(&the_hv.ranges, &base) == ASH_OK);
    HV_CHECK(cpu, hv_pages_init(&the_hv.pages, base, HV_POOL_PAGES) == ASH_OK);
}

/* ---- CPUs -------------------------------------------------------------------------------------------------------- */

static uint64_t map_stack(struct hv_cpu *cpu, uint64_t va, unsigned pages)
{
    const struct hv_page_request request = {.pages = pages};
    void *stack = hv_pages_alloc(&the_hv.pages, &request);

    HV_CHECK(cpu, stack != NULL);
    HV_CHECK(cpu, hv_el2_map(va, ash_pa((uint64_t)(uintptr_t)stack), pages * 4096U, HV_EL2_DATA) == ASH_OK);
    return va + pages * 4096U;
}

static void give_stacks(struct hv_cpu *boot, struct hv_cpu *cpu)
{
    uint64_t window = HV_EL2_STACKS_VA + cpu->index * WINDOW_SIZE;

    cpu->stack_top = map_stack(boot, window + STACK_BASE, STACK_PAGES);
    cpu->emergency_top = map_stack(boot, window + EMERGENCY_BASE, EMERGENCY_PAGES);
}

/** A struct hv_cpu for each CPU of the tree, this one (the boot CPU) first known by its affinity. */
static void make_cpus(struct hv_cpu *boot)
{
    const struct ash_boot_board *board = &the_hv.board;

    for (unsigned i = 0; i < board->cpu_count && the_hv.cpus < HV_MAX_CPUS; i++) {
        bool is_boot = board->cpus[i].mpidr == boot->mpidr;
        struct hv_cpu *cpu = is_boot ? boot : (struct hv_cpu *)hv_pages_alloc_zeroed(&the_hv.pages, 1);

        HV_CHECK(boot, cpu != NULL);
        cpu->hv = &the_hv;
        cpu->index = the_hv.cpus;
        cpu->mpidr = board->cpus[i].mpidr;
        cpu->release_address = board->cpus[i].release.value;
        the_hv.cpu[the_hv.cpus++] = cpu;
        give_stacks(boot, cpu);
    }
    if (the_hv.cpus == 0U || the_hv.cpu[boot->index] != boot) {
        hv_panic(boot, "device tree: no /cpus node has this CPU's affinity 0x%lx", boot->mpidr);
    }
}

static void read_features(void)
{
    uint64_t hcr = hv_policy_hcr();
    struct ash_vgic_vtr vtr = hv_vif_read_vtr();
    static const uint8_t pa_bits[] = {32, 36, 40, 42, 44, 48};
    uint64_t range;

    ash_vcpu_el2_id_read(&features.id);
    features.midr = hv_sysreg_read(midr_el1);
    range = ash_field(features.id.reg[ASH_VCPU_ID_AA64MMFR0], 3, 0);
    features.ipa_bits = range < sizeof(pa_bits) && pa_bits[range] < 40U ? pa_bits[range] : 40U;
    features.vmid_bits = ash_field(features.id.reg[ASH_VCPU_ID_AA64MMFR1], 7, 4) == 2U ? 16U : 8U;
    features.gic_version = hv_platform.gic.version == 3U ? 3U : 2U;
    features.gicv = the_hv.board.gicv.base;
    features.lr_count = vtr.lr_count;
    features.priority_bits = vtr.priority_bits;
    features.preemption_bits = vtr.preemption_bits;
    features.has_tdir = vtr.has_tdir;
    features.deactivate_by_hal = hv_platform.gic.forgets || hv_gic_is_bcm2836(&hv_platform.gic);
    features.has_pauth = (hcr & HCR_API) != 0U;
    features.has_ras = (hcr & HCR_TERR) != 0U;
    hv_mitigations(features.midr, &features.id, features.workaround);
    hv_world_init(features.midr);
}

static void start_this_cpu(struct hv_cpu *cpu)
{
    int error;

    hv_policy_apply();
    error = hv_gic_init_cpu(&hv_platform.gic, cpu);
    if (error != ASH_OK) {
        hv_panic(cpu, "GICv3: no redistributor has this CPU's affinity 0x%lx", cpu->mpidr);
    }
    hv_vif_cpu_init();
    hv_gic_enable(&hv_platform.gic, cpu, HV_GIC_SGI_KICK, true);
    if (hv_platform.maintenance_intid != HV_GIC_SPURIOUS) {
        hv_gic_enable(&hv_platform.gic, cpu, hv_platform.maintenance_intid, true);
    }
    hv_gic_enable(&hv_platform.gic, cpu, hv_platform.vtimer_intid, true);
    hv_gic_enable(&hv_platform.gic, cpu, hv_platform.ptimer_intid, true);
    if (hv_platform.alarm_intid != 0U) {
        hv_gic_enable(&hv_platform.gic, cpu, hv_platform.alarm_intid, true);
    }
}

struct errata_line {
    char text[120];
    size_t length;
};

static void name_erratum(void *arg, const struct hv_erratum *erratum)
{
    struct errata_line *line = (struct errata_line *)arg;

    if (line->length < sizeof(line->text)) {
        line->length += hv_format(&line->text[line->length], sizeof(line->text) - line->length, "%s %u (%s)",
                                  line->length > 0U ? "," : "", erratum->number, erratum->by);
    }
}

static void log_errata(void)
{
    struct errata_line line = {.length = 0};

    hv_errata_visit(features.midr, name_erratum, &line);
    if (line.length > 0U) {
        hv_log(&the_hv, "errata answered:%s", line.text);
    }
}

/* ---- Boot -------------------------------------------------------------------------------------------------------- */

/** Read the tree, and open the console that it names: before that nothing can be said. */
static void read_board(struct hv_cpu *cpu, uint64_t dtb)
{
    struct ash_boot_board *board = &the_hv.board;
    struct ash_boot_fault fault;
    char line[ASH_BOOT_FAULT_LINE_SIZE];
    int error;

    ash_boot_fault_clear(&fault);
    error = ash_boot_board_read(board, (const void *)(uintptr_t)dtb, 0x200000, &fault);
    if (error != ASH_OK) {
        (void)ash_boot_fault_format(line, sizeof(line), &fault);
        hv_panic(cpu, "%s", line);
    }
    if (board->console == ASH_BOOT_UART_PL011) {
        hv_map_device(cpu, board->console_region.base.value, board->console_region.size, "the console");
        hv_pl011_init(&hv_platform.uart.pl011, board->console_region.base.value);
        hv_platform.uart_intid = board->console_interrupt.intid;
    }
#if HV_DRIVER_BCM2835_AUX
    if (board->console == ASH_BOOT_UART_BCM2835_AUX) {
        hv_bcm_open_console(cpu, board);
        hv_platform.uart_intid = board->console_interrupt.intid;
    }
#endif
    hv_platform.has_psci = board->psci == ASH_BOOT_PSCI_SMC;
    hv_platform.vtimer_intid = board->timer[ASH_BOOT_TIMER_VIRTUAL].intid;
    hv_platform.ptimer_intid = board->timer[ASH_BOOT_TIMER_PHYSICAL].intid;
    hv_platform.alarm_intid = board->timer[ASH_BOOT_TIMER_HYP].intid;
    hv_platform.maintenance_intid =
        board->maintenance.intid != 0U ? board->maintenance.intid : HV_GIC_SPURIOUS;
}

#if HV_DRIVER_GIC
static void open_redistributors(struct hv_cpu *cpu)
{
    const struct ash_boot_board *board = &the_hv.board;

    for (unsigned i = 0; i < board->gicr_count; i++) {
        hv_map_device(cpu, board->gicr[i].base.value, board->gicr[i].size, "a GIC redistributor region");
        hv_platform.redistributor[i].base = board->gicr[i].base.value;
        hv_platform.redistributor[i].size = board->gicr[i].size;
    }
    hv_platform.gic.redistributor = hv_platform.redistributor;
    hv_platform.gic.redistributors = board->gicr_count;
    hv_platform.gic.redistributor_stride = board->gicr_stride;
}

/** A GICv2's interfaces: the one that hv takes interrupts from, the one that it gives them through, and the one that
 *  stands in for the guest's (IHI 0048B 5.2, 5.5). */
static void open_interfaces(struct hv_cpu *cpu)
{
    const struct ash_boot_board *board = &the_hv.board;

    hv_map_device(cpu, board->gicc.base.value, board->gicc.size, "the GIC CPU interface");
    hv_map_device(cpu, board->gich.base.value, board->gich.size, "the GIC virtual interface control");
    hv_platform.gic.cpu_interface = board->gicc.base.value;
    hv_platform.gic.interface_control = board->gich.base.value;
}

static void open_controller(struct hv_cpu *cpu)
{
    const struct ash_boot_board *board = &the_hv.board;

    hv_platform.gic.version = board->gic == ASH_BOOT_GIC_V3 ? 3U : 2U;
    hv_platform.gic.distributor = board->gicd.base.value;
    hv_map_device(cpu, board->gicd.base.value, board->gicd.size, "the GIC distributor");
    if (hv_platform.gic.version == 3U) {
        open_redistributors(cpu);
    } else {
        open_interfaces(cpu);
    }
}
#else
static void open_controller(struct hv_cpu *cpu)
{
    hv_bcm_open_interrupts(cpu, &the_hv.board);
}
#endif

/** The interrupt controller that the tree names. */
static void open_gic(struct hv_cpu *cpu)
{
    const struct ash_boot_board *board = &the_hv.board;
    char why[160];

    if (hv_board_check(board, why, sizeof(why)) != ASH_OK) {
        hv_panic(cpu, "%s", why);
    }
    if ((board->gic == ASH_BOOT_GIC_BCM2836) != (HV_DRIVER_BCM2836 != 0)) {
        hv_panic(cpu,
                 "device tree: the interrupt controller is one that hv was not built for; build it with the "
                 "-DBSP= of this board");
    }
    open_controller(cpu);
    hv_gic_init_distributor(&hv_platform.gic, cpu);
    if (hv_platform.alarm_intid < 16U || hv_platform.alarm_intid > 31U) {
        hv_platform.alarm_intid = 0; /* none: a guest's clock interrupts at its next access */
    }
    if (hv_platform.uart_intid < 32U || hv_platform.uart_intid - 32U >= hv_platform.gic.spis) {
        hv_platform.uart_intid = 0; /* none, or of the extended ranges: the console only writes */
    }
}

/** Seconds since the epoch from the board's RTC (PL031 DR, DDI 0224 3.3.1), 0 without one. */
static uint64_t read_rtc(struct hv_cpu *cpu)
{
    const struct ash_boot_region *rtc = &the_hv.board.rtc;

    if (rtc->size == 0U) {
        return 0;
    }
    hv_map_device(cpu, rtc->base.value, rtc->size, "the RTC");
    return *(const volatile uint32_t *)(uintptr_t)rtc->base.value;
}

/** The seed is used once: what stays in the tree is of no use to whoever reads it later. */
static void take_seed(struct hv_cpu *cpu)
{
    const struct ash_boot_board *board = &the_hv.board;
    uint64_t ticks = hv_arch_ticks();
#if HV_DRIVER_BCM2836
    uint32_t words[8];

    if (hv_bcm_random(cpu, board, words)) {
        hv_rng_seed(&the_hv.rng, words, sizeof(words));
        memset(words, 0, sizeof(words));
        the_hv.has_entropy = true;
    }
#else
    (void)cpu;
#endif

    hv_rng_seed(&the_hv.rng, &ticks, sizeof(ticks));
    if (board->rng_seed.size > 0U) {
        hv_rng_seed(&the_hv.rng, board->rng_seed.data, board->rng_seed.size);
        memset((void *)(uintptr_t)board->rng_seed.data, 0, board->rng_seed.size);
        the_hv.has_entropy = true;
    }
    if (board->kaslr_seed.size > 0U) {
        hv_rng_seed(&the_hv.rng, board->kaslr_seed.data, board->kaslr_seed.size);
        memset((void *)(uintptr_t)board->kaslr_seed.data, 0, board->kaslr_seed.size);
    }
}

struct hv_recorder *hv_arch_recorders(void)
{
#if HV_RECORDER
    static struct hv_recorder recorders[HV_MAX_CPUS + 1U]
        __attribute__((section(".bss.noinit.recorder"), aligned(64)));

    return recorders;
#else
    return NULL;
#endif
}

static void log_cpus_left_out(void)
{
    unsigned more = the_hv.board.cpu_count - the_hv.cpus + the_hv.board.cpus_left_out;

    if (more != 0U) {
        hv_log(&the_hv, "device tree: %u CPUs more than hv has room for: they stay off", more);
    }
}

static void boot_on_own_stack(void *arg)
{
    struct hv_cpu *cpu = (struct hv_cpu *)arg;

    start_this_cpu(cpu);
    read_features();
    hv_console_create(&the_hv);
    if (hv_platform.uart_intid != 0U) {
        hv_gic_enable(&hv_platform.gic, cpu, hv_platform.uart_intid, true);
        hv_arch_console_listen(true);
    }
    hv_log(&the_hv, "Ashlar %s on %s, %u CPUs", ASH_VERSION_STRING,
           the_hv.board.model != NULL ? the_hv.board.model : "a board without a model", the_hv.cpus);
    log_cpus_left_out();
    log_errata();
    if (hv_platform.gic.forgets) {
        hv_log(&the_hv, "GICv2 of an emulator that may lose a tick: guests' timers are deactivated by hv");
    }
    hv_boot(&the_hv, cpu);
}

void hv_arch_boot(uint64_t dtb)
{
    struct hv_cpu *cpu = &boot_cpu;

    memset(&the_hv, 0, offsetof(struct hv, console));
    cpu->mpidr = hv_sysreg_read(mpidr_el1) & (ASH_MASK(39, 32) | ASH_MASK(23, 0));
    read_board(cpu, dtb);
    cpu->hv = &the_hv;
    hv_read_options(&the_hv);
    the_hv.board_tree = (struct ash_boot_span){(const void *)(uintptr_t)dtb, the_hv.board.tree_size};
    the_hv.linked_bundle = (struct ash_boot_span){
        hv_bundle_start, (size_t)((uintptr_t)hv_bundle_end - (uintptr_t)hv_bundle_start)};
    build_ownership(cpu, dtb);
    map_ram(cpu);
    make_pool(cpu);
    make_cpus(cpu);
    hv_sysreg_write(tpidr_el2, (uint64_t)(uintptr_t)cpu);
    open_gic(cpu);
    the_hv.epoch_seconds = read_rtc(cpu);
    the_hv.epoch_ticks = hv_arch_ticks();
    take_seed(cpu);
    hv_call_on_stack(boot_on_own_stack, cpu, cpu->stack_top);
}

void hv_arch_secondary(struct hv_cpu *cpu)
{
    hv_sysreg_write(tpidr_el2, (uint64_t)(uintptr_t)cpu);
    start_this_cpu(cpu);
    hv_cpu_main(cpu);
}

size_t hv_arch_console_write(const char *bytes, size_t size)
{
    if (hv_platform.uart_intid != 0U) {
        return hv_uart_offer(&hv_platform.uart, bytes, size);
    }
    hv_uart_write(&hv_platform.uart, bytes, size); /* nothing would tell when there is room */
    return size;
}

int hv_arch_console_read(void)
{
    return hv_uart_read(&hv_platform.uart);
}

void hv_arch_console_listen(bool listen)
{
    hv_uart_listen(&hv_platform.uart, listen);
}

void hv_arch_console_want_room(bool wanted)
{
    hv_uart_want_room(&hv_platform.uart, wanted);
}

void hv_arch_stage2_publish(const uint64_t *first, size_t count)
{
    ash_stage2_el2_publish(NULL, first, count);
}

void hv_arch_invalidate_everything(void)
{
    ash_stage2_el2_invalidate_everything();
}
