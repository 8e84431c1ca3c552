/* SPDX-License-Identifier: BSD-2-Clause */
/** The guest's device tree, written with libfdt from a plain description of the guest's machine.
 *
 *  Lock domain: the buffer. Context: any; calls libfdt. No HAL, no allocation.
 */
#ifndef LIBBOOT_GUEST_FDT_H
#define LIBBOOT_GUEST_FDT_H

#include <stdbool.h>
#include <stdint.h>

#include <libbase/types.h>

#include <libboot/config.h>
#include <libboot/span.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Enough for any guest that ash_boot_guest_fdt_write() describes: bootargs of full length, 8 vCPUs. */
#define ASH_BOOT_GUEST_FDT_SIZE 8192

/** A device of the guest; size 0: the guest has none, no node is written. */
struct ash_boot_guest_device {
    ash_ipa_t base;
    uint64_t size; /* bytes */
    uint32_t spi;  /* shared peripheral interrupt: INTID - 32; level, active high */
};

struct ash_boot_guest_ram {
    ash_ipa_t base;
    uint64_t size; /* bytes, > 0 */
};

/** Every device of the default machine lies in here: no place for RAM. */
#define ASH_BOOT_GUEST_DEVICES_BASE UINT64_C(0x08000000)
#define ASH_BOOT_GUEST_DEVICES_SIZE UINT64_C(0x08000000)

/** The guest's machine: every number that goes into its tree. */
struct ash_boot_guest_machine {
    unsigned ram_count; /* 1..ASH_BOOT_MEMORY_MAX; each is a memory node */
    struct ash_boot_guest_ram ram[ASH_BOOT_MEMORY_MAX];

    unsigned vcpus;                     /* 1..ASH_BOOT_VCPUS_MAX */
    uint64_t mpidr[ASH_BOOT_VCPUS_MAX]; /* affinity fields of each vCPU's MPIDR_EL1 */

    unsigned gic_version; /* 2 or 3 */
    ash_ipa_t gicd;
    uint64_t gicd_size;
    ash_ipa_t gicc; /* GICv2: the CPU interface */
    uint64_t gicc_size;
    ash_ipa_t gicr;              /* GICv3: the redistributors */
    uint64_t gicr_size_per_vcpu; /* bytes: two 64 KiB frames (IHI 0069, 12.10) */

    uint32_t timer_secure_ppi; /* private peripheral interrupts: INTID - 16; level */
    uint32_t timer_physical_ppi;
    uint32_t timer_virtual_ppi;
    uint32_t timer_hyp_ppi;

    struct ash_boot_guest_device uart; /* PL011, stdout-path */
    struct ash_boot_guest_device rtc;  /* PL031 */
    struct ash_boot_guest_device gpio; /* PL061, with a power key (gpio-keys) at pin power_key */
    uint32_t power_key;                /* 0..7 */
    struct ash_boot_guest_device wdog; /* SP805 */
    uint32_t clock_hz;                 /* of all */
    unsigned virtio_count;             /* 0..ASH_BOOT_VIRTIO_MAX */
    struct ash_boot_guest_device
        virtio[ASH_BOOT_VIRTIO_MAX]; /* virtio-mmio transports; where each stands, from 0 on */

    const char *bootargs; /* NULL: none */
    ash_ipa_t initrd;
    uint64_t initrd_size;          /* bytes; 0: none */
    struct ash_boot_span rng_seed; /* size 0: none */
    bool has_kaslr_seed;
    uint64_t kaslr_seed;
};

/** Give @machine @count virtio devices, 0..ASH_BOOT_VIRTIO_MAX, where QEMU's virt board has them. */
void ash_boot_guest_machine_virtio(struct ash_boot_guest_machine *machine, unsigned count);

/** The default guest machine of docs/guest-machine.md, laid out as QEMU's virt board. The caller then sets the
 *  size of its one RAM, vcpus, bootargs, initrd and seeds. */
void ash_boot_guest_machine_default(struct ash_boot_guest_machine *machine);

/** The same with a GICv2 in place of the GICv3: call it after ash_boot_guest_machine_default(). */
void ash_boot_guest_machine_gicv2(struct ash_boot_guest_machine *machine);

/** Write @machine's tree into [buffer, buffer+size); *@used: its length in bytes (totalsize).
 *  The same machine gives the same bytes, whatever the buffer held.
 *  buffer: 8-byte aligned. All of [buffer, buffer+size) may be written.
 *  Returns ASH_OK; ASH_ENOSPC (buffer too small: its contents are then undefined, *@used is untouched);
 *  ASH_EINVAL (vcpus, alignment, no RAM, gic_version, virtio_count). */
int ash_boot_guest_fdt_write(const struct ash_boot_guest_machine *machine, void *buffer, size_t size,
                             size_t *used) ASH_NODISCARD;

#ifdef __cplusplus
}
#endif

#endif
