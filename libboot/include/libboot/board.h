/* SPDX-License-Identifier: BSD-2-Clause */
/** The board's device tree, read in one visiting pass into a table. No path is ever looked up.
 *
 *  Lock domain: the arguments. Context: any; calls libfdt. No HAL, no allocation, about 6 KiB of stack.
 *  Format: Devicetree Specification v0.4; bindings as in Linux Documentation/devicetree/bindings.
 */
#ifndef LIBBOOT_BOARD_H
#define LIBBOOT_BOARD_H

#include <stdbool.h>
#include <stdint.h>

#include <libbase/types.h>

#include <libboot/fault.h>
#include <libboot/span.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ASH_BOOT_BOARD_MEMORY_MAX   16
#define ASH_BOOT_BOARD_RESERVED_MAX 32
#define ASH_BOOT_BOARD_CPUS_MAX     64
#define ASH_BOOT_BOARD_GICR_MAX     4
#define ASH_BOOT_BOARD_FLASH_MAX    8
#define ASH_BOOT_PATH_SIZE          96 /* bytes, NUL included */

/** Physical addresses [base, base+size): bytes; size 0: not there; never wraps. */
struct ash_boot_region {
    ash_pa_t base;
    uint64_t size;
};

struct ash_boot_reserved {
    struct ash_boot_region region;
    bool no_map; /* must not even be mapped (speculation) */
};

/** An interrupt of the GIC. Of a BCM2836: the timers have the PPIs that they have elsewhere (Arm BSA: 29, 30, 27, 26),
 *  and the BCM2835's interrupts are SPIs: 32 + n for n of its first 32 (bank 1 of the binding), 64 + n for the second
 *  (bank 2), 96 + n for the Arm's own (bank 0). */
struct ash_boot_interrupt {
    uint32_t intid; /* 16..31 PPI, 32..1019 SPI, extended ranges likewise; 0: not there */
    uint32_t flags; /* 1 rising, 2 falling, 4 high, 8 low */
};

enum ash_boot_enable_method { ASH_BOOT_ENABLE_NONE, ASH_BOOT_ENABLE_PSCI, ASH_BOOT_ENABLE_SPIN_TABLE };
enum ash_boot_psci { ASH_BOOT_PSCI_NONE, ASH_BOOT_PSCI_SMC, ASH_BOOT_PSCI_HVC };
enum ash_boot_gic {
    ASH_BOOT_GIC_NONE,
    ASH_BOOT_GIC_V2,
    ASH_BOOT_GIC_V3,
    ASH_BOOT_GIC_BCM2836 /* no GIC: brcm,bcm2836-l1-intc and brcm,bcm2836-armctrl-ic */
};
enum ash_boot_uart {
    ASH_BOOT_UART_NONE,
    ASH_BOOT_UART_PL011,      /* arm,pl011, arm,sbsa-uart */
    ASH_BOOT_UART_BCM2835_AUX /* brcm,bcm2835-aux-uart: the mini-UART */
};
/** Indices of ash_boot_board.timer. */
enum ash_boot_timer {
    ASH_BOOT_TIMER_SECURE,
    ASH_BOOT_TIMER_PHYSICAL,
    ASH_BOOT_TIMER_VIRTUAL,
    ASH_BOOT_TIMER_HYP,
    ASH_BOOT_TIMER_COUNT
};

struct ash_boot_cpu {
    uint64_t mpidr; /* MPIDR_EL1's affinity fields, as `reg` gives them */
    enum ash_boot_enable_method enable;
    ash_pa_t release; /* spin table: where the entry address is written */
};

/** What hv needs to know of a board. Strings and spans point into the tree. */
struct ash_boot_board {
    size_t tree_size;       /* the tree's own totalsize, bytes */
    const char *model;      /* NULL: none */
    const char *compatible; /* the first of the root's; NULL: none */

    unsigned memory_count;
    struct ash_boot_region memory[ASH_BOOT_BOARD_MEMORY_MAX]; /* in the tree's order; may touch, sizes > 0 */
    unsigned reserved_count; /* /reserved-memory children with `reg`, and /memreserve */
    struct ash_boot_reserved reserved[ASH_BOOT_BOARD_RESERVED_MAX];

    unsigned cpu_count;                                /* CPUs in cpus[]; disabled ones are left out */
    unsigned cpus_left_out;                            /* those beyond ASH_BOOT_BOARD_CPUS_MAX */
    struct ash_boot_cpu cpus[ASH_BOOT_BOARD_CPUS_MAX]; /* in the tree's order: the number in vcpu_affinity */
    enum ash_boot_psci psci;

    const char *bootargs;          /* /chosen; NULL: none */
    struct ash_boot_region initrd; /* linux,initrd-start/-end */
    struct ash_boot_span rng_seed; /* consume and wipe: see rng_seed_offset */
    size_t rng_seed_offset;        /* bytes from the tree's start */
    struct ash_boot_span kaslr_seed;
    size_t kaslr_seed_offset;

    enum ash_boot_gic gic;
    struct ash_boot_region gicd;
    unsigned gicr_count; /* GICv3 */
    struct ash_boot_region gicr[ASH_BOOT_BOARD_GICR_MAX];
    uint64_t gicr_stride;        /* redistributor-stride; 0: as the architecture says (GICR_TYPER.VLPIS) */
    struct ash_boot_region gicc; /* GICv2; GICv3 with legacy support */
    struct ash_boot_region gich;
    struct ash_boot_region gicv;
    struct ash_boot_interrupt maintenance;
    struct ash_boot_region bcm_local; /* BCM2836: each CPU's timers and mailboxes */
    struct ash_boot_region bcm_arm;   /* BCM2836: the devices' controller, the BCM2835's */
    uint32_t gic_cells;               /* its #interrupt-cells; 0: no GIC */
    uint32_t gic_phandle;             /* 0: none */

    struct ash_boot_interrupt timer[ASH_BOOT_TIMER_COUNT]; /* arm,armv8-timer */
    uint32_t timer_hz;                                     /* its clock-frequency; 0: trust CNTFRQ_EL0 */

    /* What stdout-path means, aliases resolved; without one the alias serial0. Empty: none. */
    char console_path[ASH_BOOT_PATH_SIZE];
    enum ash_boot_uart console; /* NONE also if stdout-path is no UART known here */
    struct ash_boot_region console_region;
    struct ash_boot_interrupt console_interrupt;

    unsigned flash_count; /* banks of cfi-flash, in the tree's order; those beyond the maximum are left out */
    struct ash_boot_region flash[ASH_BOOT_BOARD_FLASH_MAX];

    struct ash_boot_region rtc;         /* arm,pl031 */
    struct ash_boot_region bcm_pm;      /* brcm,bcm2835-pm-wdt: power, reset, watchdog */
    struct ash_boot_region bcm_rng;     /* brcm,bcm2835-rng: random numbers */
    struct ash_boot_region bcm_mailbox; /* brcm,bcm2835-mbox: to the VideoCore's firmware */
};

/** Read the tree at [data, data+size) into *@board. size may be larger than the tree (a guess of the caller).
 *  data: 8-byte aligned. Addresses are translated through `ranges` of the buses above; a device behind a bus without
 *  `ranges` is not CPU-addressable and is skipped; so is status = "disabled", and what lies deeper than 12 nodes.
 *  A range whose address or size does not fit 64 bits, or which wraps, is a fault.
 *  On an error *@board is undefined and *@fault says where.
 *  Returns ASH_OK; ASH_EINVAL (alignment); ASH_EFORMAT or ASH_ETRUNC (not a well-formed tree, or a property with a
 *  wrong length); ASH_ENOSPC (more memory or reserved ranges than the table holds). */
int ash_boot_board_read(struct ash_boot_board *board, const void *data, size_t size,
                        struct ash_boot_fault *fault) ASH_NODISCARD;

#define ASH_BOOT_DEVICE_REGIONS_MAX    8
#define ASH_BOOT_DEVICE_INTERRUPTS_MAX 8

/** A node with registers that the CPU can reach, or with interrupts at the board's GIC. */
struct ash_boot_device {
    char path[ASH_BOOT_PATH_SIZE];
    const char *compatible; /* its first; NULL: none. Points into the tree */
    unsigned region_count;  /* those beyond the maximum are left out, and so are interrupts */
    struct ash_boot_region region[ASH_BOOT_DEVICE_REGIONS_MAX]; /* as the CPU sees them */
    unsigned interrupt_count;
    struct ash_boot_interrupt interrupt[ASH_BOOT_DEVICE_INTERRUPTS_MAX];
};

/** Call @visit for each device of the tree at [data, data+size) that is not disabled, in its order: memory, reserved
 *  memory and CPUs are none. board: what ash_boot_board_read() made of the same tree. Interrupts are those of the
 *  property `interrupts` whose interrupt-parent is the board's GIC; interrupts-extended is not read. Registers that
 *  make no sense are left out. About 10 KiB of stack.
 *  visit: returns ASH_OK to go on; anything else ends the walk and is returned.
 *  Returns ASH_OK, what @visit returned, or an error with *@fault as of ash_boot_board_read(). */
int ash_boot_board_devices(const struct ash_boot_board *board, const void *data, size_t size,
                           int (*visit)(void *arg, const struct ash_boot_device *device), void *arg,
                           struct ash_boot_fault *fault) ASH_NODISCARD;

#ifdef __cplusplus
}
#endif

#endif
