/* SPDX-License-Identifier: BSD-2-Clause */
/** Who gets what: CPUs, memory and images for every VM of a configuration, decided before the first one is built. A VM
 *  that cannot have what it asks for gets a fault that says why, and the others what is theirs. Plain data in, plain
 *  data out: hv boots by it, and the off-line checker (hv/tools/mkbundle --check) reports it.
 *  Lock domain: boot, later the VM list. */
#ifndef HV_CORE_PLAN_H
#define HV_CORE_PLAN_H

#include <libboot/board.h>
#include <libboot/bundle.h>
#include <libboot/config.h>
#include <libboot/vm_images.h>

#include "core/cpu.h"
#include "core/ranges.h"

#define HV_MAX_VMS   16U
#define HV_RAM_PARTS 8U /* host ranges that one guest's RAM may be made of */

/** Guest RAM [ipa, ipa+size) lies at pa. Bytes, multiples of 2 MiB. */
struct hv_ram_part {
    uint64_t ipa;
    uint64_t pa;
    uint64_t size;
};

/** Memory that a disk has for itself: a copy of its image, an overlay's blocks, a range that the configuration names.
 *  Bytes, multiples of 4 KiB; size 0: none. */
struct hv_plan_disk {
    uint64_t base;
    uint64_t size;
    bool in_flash; /* what the configuration names is flash, which is nobody's: it is read, and not written */
};

struct hv_plan_vm {
    struct ash_boot_vm *config; /* its fault: it is not to be built */
    uint32_t number;            /* its place in the configuration: the VM in the ownership map */
    uint32_t cpus;              /* of @cpu: each vCPU, or 0 */
    uint32_t cpu[ASH_BOOT_VCPUS_MAX];
    uint32_t parts;
    struct hv_ram_part part[HV_RAM_PARTS];         /* ascending IPA */
    struct hv_plan_disk disk[ASH_BOOT_VIRTIO_MAX]; /* of each virtio device that is a disk */
    struct ash_boot_vm_images images;
};

struct hv_plan {
    struct hv_ranges *ranges;             /* in; out: with the VMs' memory claimed */
    const struct ash_boot_bundle *bundle; /* in; NULL: none */
    const struct ash_boot_region *flash;  /* in: the board's banks, @flash_count of them */
    uint32_t flash_count;
    uint32_t cpus;     /* in: of the board, HV_MAX_CPUS at most */
    unsigned ipa_bits; /* in: of a guest's physical address */
    uint32_t vms;      /* out: HV_MAX_VMS at most */
    struct hv_plan_vm vm[HV_MAX_VMS];
    uint32_t cpu_vcpus[HV_MAX_CPUS]; /* out: how many vCPUs each CPU runs */
    uint32_t named_cpus;             /* out: a bit for each CPU that some VM names */
    uint32_t visited_cpus;           /* out: and for each that vCPUs move to and from */
    uint64_t cpu_share[HV_MAX_CPUS]; /* out: how much of it budgets promise, in billionths */
};

/** Is @device a disk with a range of the board's memory or flash? */
bool hv_plan_is_range(const struct ash_boot_virtio *device);

/** Is it one with a part of @bank? */
bool hv_plan_names_flash(const struct ash_boot_virtio *device, const struct ash_boot_region *bank);

/** Is @set, of libboot's configuration, one that a vCPU moves in? */
bool hv_plan_may_move(uint32_t set);

/** Fill *@plan for the @count VMs at @vms, of which those with a fault already are left out. On return each VM without
 *  a fault has its CPUs, its memory claimed in the ownership map, and its images laid out. */
void hv_plan_make(struct hv_plan *plan, struct ash_boot_vm *vms, size_t count);

/** The same for one VM of it whose plan was dropped, beside the others' that stand: it has what it is to have, or its
 *  config has a new fault. Bounded by the size of the ownership map and of the bundle's directory. */
void hv_plan_renew(struct hv_plan *plan, struct hv_plan_vm *vm);

/** Give back what @vm was to have: it could not be built. */
void hv_plan_drop(struct hv_plan *plan, struct hv_plan_vm *vm);

#endif
