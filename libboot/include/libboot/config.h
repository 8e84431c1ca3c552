/* SPDX-License-Identifier: BSD-2-Clause */
/** The VM configuration, a compiled device tree with a node /vms: `vms.dtb` of a bundle, or the board's own tree.
 *  Every property is documented by example in docs/bundle.md. Also: the options in a command line.
 *
 *  Lock domain: the arguments. Context: any; calls libfdt. No HAL, no allocation, under 2 KiB of stack.
 */
#ifndef LIBBOOT_CONFIG_H
#define LIBBOOT_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include <libboot/fault.h>
#include <libboot/span.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ASH_BOOT_VCPUS_MAX            8
#define ASH_BOOT_VM_NAME_SIZE         32 /* bytes, NUL included */
#define ASH_BOOT_VMID_MAX             63
#define ASH_BOOT_RNG_SEED_MIN         8    /* bytes */
#define ASH_BOOT_RNG_SEED_MAX         64   /* bytes */
#define ASH_BOOT_MEMORY_MAX           4    /* ranges of one VM */
#define ASH_BOOT_SMC_ALLOW_MAX        16U  /* smc-allow: function ids */
#define ASH_BOOT_PRIORITY_MAX         255U /* priority */
#define ASH_BOOT_PRIORITY             128U
#define ASH_BOOT_TIME_SLICE_MIN       100U /* time-slice-us */
#define ASH_BOOT_TIME_SLICE_MAX       1000000U
#define ASH_BOOT_TIME_SLICE           10000U
#define ASH_BOOT_BUDGET_MIN           10U  /* budget-us */
#define ASH_BOOT_PERIOD_MIN           100U /* period-us */
#define ASH_BOOT_PERIOD_MAX           1000000U
#define ASH_BOOT_RESTARTS_MAX         16U    /* restart-limit */
#define ASH_BOOT_RESTART_SECONDS_MAX  86400U /* likewise */
#define ASH_BOOT_RESTARTS             5U     /* not given: so many, but for resets */
#define ASH_BOOT_RESTART_SECONDS      60U
#define ASH_BOOT_SHUTDOWN_TIMEOUT_MAX 3600000U /* shutdown-timeout-ms */
#define ASH_BOOT_SHUTDOWN_TIMEOUT     30000U
#define ASH_BOOT_CONSOLE_BUFFER_MIN   4096U /* console-buffer-size: bytes, a power of two */
#define ASH_BOOT_CONSOLE_BUFFER_MAX   262144U
#define ASH_BOOT_CONSOLE_BUFFER       65536U
#define ASH_BOOT_LEAD_IN              0x1dU /* Ctrl-] */
#define ASH_BOOT_VIRTIO_MAX           8U    /* virtio devices of one VM */
#define ASH_BOOT_VIRTIO_QUEUES_MAX    8U    /* queues of a disk, pairs of a network device */
#define ASH_BOOT_BLOCK_MAX            4096U /* bytes of a disk's block */
#define ASH_BOOT_SERIAL_SIZE          21U   /* bytes, NUL included: 20 are what virtio has room for */
#define ASH_BOOT_OVERLAY_MAX          (UINT64_C(1) << 40) /* overlay-size: bytes */
#define ASH_BOOT_OVERLAY              UINT64_C(0x1000000) /* not given: so much, or the image's size if that is less */
#define ASH_BOOT_DISK_SECTOR          512U                /* an image is a multiple of it */
#define ASH_BOOT_MAC_SIZE             6U
#define ASH_BOOT_VLAN_MAX             4094U
#define ASH_BOOT_RATE_MAX             100000000U /* rate-limit-kbps */
#define ASH_BOOT_FLOODS_MAX           1000000U   /* floods-per-second */
#define ASH_BOOT_FLOODS               20000U
#define ASH_BOOT_CONSOLE_PORTS_MAX    8U
#define ASH_BOOT_PIPES_MAX            (ASH_BOOT_CONSOLE_PORTS_MAX - 1U) /* of a console: port 0 is none */
#define ASH_BOOT_SERVED_MAX           (UINT64_C(1) << 50) /* size of a disk that is served: bytes */
#define ASH_BOOT_SERVED_TIMEOUT_MAX   3600000U            /* timeout-ms */
#define ASH_BOOT_CID_MIN              3U /* VIRTIO 1.2, 5.10.4: 0..2 are reserved, and so is the largest */
#define ASH_BOOT_CID_MAX              UINT32_C(0xfffffffe)
#define ASH_BOOT_SWITCHES_MAX         8U
#define ASH_BOOT_SWITCH_NAME_SIZE     32U    /* bytes, NUL included */
#define ASH_BOOT_AGEING_MAX           86400U /* ageing-seconds */
#define ASH_BOOT_AGEING               300U
#define ASH_BOOT_BOOTARGS_SIZE        2048 /* bytes, NUL included: what arm64 Linux takes (COMMAND_LINE_SIZE) */
#define ASH_BOOT_BCM2837_VCPUS        4U
#define ASH_BOOT_BCM2837_RAM_MAX      UINT64_C(0x3f000000) /* from 0 to the peripherals */
#define ASH_BOOT_BCM2837_FIRST        UINT64_C(0x1000)     /* below: spin table and ATAGs */
#define ASH_BOOT_BCM2837_ATAGS        UINT64_C(0x100)      /* x0 of a guest without a tree */

enum ash_boot_vm_type {
    ASH_BOOT_VM_LINUX, /* type = "linux"; the default */
    ASH_BOOT_VM_OTHER  /* type = "bare", "rtos", "other" */
};

enum ash_boot_vm_machine {
    ASH_BOOT_VM_VIRT,   /* machine = "virt"; the default: docs/guest-machine.md */
    ASH_BOOT_VM_BCM2837 /* "bcm2837": a Raspberry Pi 3's, docs/bcm2837.md */
};

/** What becomes of a VM that has ended by itself. */
enum ash_boot_vm_policy {
    ASH_BOOT_VM_STOP,    /* "stop": it stays off until somebody starts it */
    ASH_BOOT_VM_RESTART, /* "restart": from pristine images */
    ASH_BOOT_VM_DESTROY  /* "destroy": what it has is given back */
};

/** Guest RAM at the same address in the guest and in the machine. Bytes, multiples of 2 MiB; never wraps. */
struct ash_boot_vm_memory {
    uint64_t base;
    uint64_t size; /* > 0 */
};

enum ash_boot_virtio_kind {
    ASH_BOOT_VIRTIO_BLK,
    ASH_BOOT_VIRTIO_NET,
    ASH_BOOT_VIRTIO_RNG,
    ASH_BOOT_VIRTIO_CONSOLE,
    ASH_BOOT_VIRTIO_VSOCK,
    ASH_BOOT_VIRTIO_KINDS
};

/** A node virtio_* below a VM's. */
struct ash_boot_virtio {
    enum ash_boot_virtio_kind kind;
    uint32_t queues;  /* of BLK, and pairs of NET: 1..ASH_BOOT_VIRTIO_QUEUES_MAX */
    const char *node; /* its name */
    bool split_rings; /* the driver is not offered the packed layout */

    /* BLK */
    bool read_only;
    bool overlay;                      /* @image or @range is shared, what is written is the VM's own */
    const char *image;                 /* name in the bundle; NULL: @range */
    struct ash_boot_vm_memory range;   /* of the board's memory or flash; multiples of 4 KiB */
    uint64_t overlay_size;             /* bytes of that, a multiple of 4 KiB; 0: not given */
    char serial[ASH_BOOT_SERIAL_SIZE]; /* empty: not given */
    uint32_t block_size;               /* bytes, a power of two, 512..ASH_BOOT_BLOCK_MAX */
    uint32_t timeout_ms; /* with served-by: what is not answered so long is an error; 0: it waits */
    uint64_t size;       /* likewise: bytes, a multiple of 512; else 0 */

    /* NET */
    const char *switch_name;
    uint32_t switch_number; /* in struct ash_boot_config */
    bool has_mac;
    uint8_t mac[ASH_BOOT_MAC_SIZE]; /* given, or made of vmid and the device's number; unique on its switch */
    uint32_t vlan;                  /* 0: untagged */
    bool isolated;                  /* it reaches those ports of its switch that are not, and no other */
    uint32_t rate_kbps;             /* of what the guest sends; 0: as its switch has it */

    /* CONSOLE */
    uint32_t ports; /* 1..ASH_BOOT_CONSOLE_PORTS_MAX, more than there are pipes */

    /* CONSOLE: what its ports from 1 on are ends of. BLK: one, with served-by, whose other end serves it. */
    const char *pipes; /* ash_boot_pipe_name() */
    unsigned pipe_count;

    /* VSOCK */
    uint32_t cid; /* ASH_BOOT_CID_MIN..ASH_BOOT_CID_MAX, unique */
};

/** A node below /vms/switches. */
struct ash_boot_switch {
    char name[ASH_BOOT_SWITCH_NAME_SIZE];
    uint32_t ageing_seconds; /* an address that was not seen for so long is forgotten: 1..86400 */
    uint32_t rate_kbps;      /* of each port that says nothing else; 0: no limit */
    bool isolated;           /* all its ports are */
    uint32_t floods;         /* a second, of each port: frames for more than one. 0: no limit */
};

/** One VM as its node describes it. Strings and spans point into the tree. */
struct ash_boot_vm {
    struct ash_boot_fault fault;      /* code ASH_OK: usable; else why not, and the rest is partial */
    const char *file;                 /* what its faults call the tree; NULL: "vms.dtb" */
    char node[ASH_BOOT_VM_NAME_SIZE]; /* node name, cut if longer */
    char name[ASH_BOOT_VM_NAME_SIZE]; /* vm_name, else the node name: letters, digits, '-', '_', '.' */
    uint32_t vmid;                    /* 0..ASH_BOOT_VMID_MAX, unique; not the hardware's VMID */
    enum ash_boot_vm_type type;
    enum ash_boot_vm_machine machine;
    unsigned virtio_count;   /* of @virtio */
    const char *dtb;         /* BCM2837: name in the bundle of the tree that it gets as it is; NULL: none */
    unsigned vcpus;          /* 1..ASH_BOOT_VCPUS_MAX */
    unsigned affinity_count; /* 0: not given, hv chooses; else == vcpus */
    uint32_t affinity[ASH_BOOT_VCPUS_MAX]; /* of each vCPU: its CPU's place in the board's /cpus */
    unsigned cpu_set_count;                /* 0: not given; else == vcpus, and affinity_count is 0 */
    uint32_t
        cpu_set[ASH_BOOT_VCPUS_MAX]; /* of each vCPU: the CPUs that it may run on, 1 << place; 0: not given */
    uint64_t
        memory_size; /* bytes in all, a multiple of 2 MiB, > 0; with memory_min what it gets, by who plans */
    uint64_t memory_wish;  /* where memory_min is given: memory_size as the tree has it */
    uint64_t memory_min;   /* so much will do, 0: all of it or nothing. memory_count is 0 */
    unsigned memory_count; /* ranges given as <base size>; 0: only a size, hv chooses */
    struct ash_boot_vm_memory memory[ASH_BOOT_MEMORY_MAX]; /* as given, none overlaps another */
    bool has_setup_data;
    bool has_entry;
    uint64_t entry;      /* IPA where a raw binary is put and entered; a multiple of 4 KiB */
    uint64_t setup_data; /* without @kernel: IPA of the guest's device tree, for x0; a multiple of 8 */
    const char
        *kernel; /* name in the bundle; NULL: the image is in memory, which has ranges, and @entry in them */
    const char *ramdisk;      /* name in the bundle, or NULL */
    const char *bootargs;     /* NULL: none */
    unsigned smc_allow_count; /* SMCCC function ids that the board's firmware may be asked for */
    uint32_t smc_allow[ASH_BOOT_SMC_ALLOW_MAX];
    uint32_t priority;      /* 0..255, higher goes first where vCPUs share a CPU; 128 if not given */
    uint32_t time_slice_us; /* microseconds, 100..1,000,000: of equals; 10,000 if not given */
    uint32_t budget_us;     /* microseconds in each period, of each vCPU; 10..period_us. 0: not given */
    uint32_t period_us;     /* 100..1,000,000; 0 where budget_us is */
    enum ash_boot_vm_policy on_poweroff; /* the guest turned itself off; STOP if not given */
    enum ash_boot_vm_policy on_reset;    /* the guest asked for a reset; RESTART if not given */
    enum ash_boot_vm_policy on_crash;    /* a fault, or its watchdog; STOP if not given */
    bool has_restart_limit;       /* else the two below are as not given, and hold for all but resets */
    uint32_t restart_limit;       /* so many restarts by policy, 0..16, ... */
    uint32_t restart_seconds;     /* ... in so many seconds, 1..86400, and no more */
    uint32_t shutdown_timeout_ms; /* from the power key to off by force: 1..3,600,000 */
    bool pause_stops_time;        /* its counter stands still while it is paused */
    bool no_autostart;            /* created at boot, and not started */
    bool manager;                 /* may command the other VMs: one VM at most */
    bool background;              /* does not keep the machine up: stopped when only such VMs are left */
    uint32_t console_buffer; /* bytes of its output that are kept while nobody looks; 65,536 if not given */
    struct ash_boot_virtio virtio[ASH_BOOT_VIRTIO_MAX]; /* in the tree's order */
    struct ash_boot_span rng_seed; /* fixed seed for the guest's /chosen/rng-seed; size 0: not given */
};

/** What the caller gives and gets. */
struct ash_boot_config {
    struct ash_boot_vm *vms; /* in: an array for @capacity VMs */
    size_t capacity;         /* in: > 0 */
    const char *file;        /* in: what faults call the tree; NULL: "vms.dtb" */
    unsigned cpus; /* in: the board's CPUs; affinity is checked against it. 0: not known, not checked */
    uint8_t
        lead_in; /* out: the key that hv's console listens to; 0x1d (Ctrl-]) if not given, or given wrongly */
    uint64_t boot_time;    /* out: seconds since 1970, UTC; 0 if not given */
    unsigned switch_count; /* out: nodes below /vms/switches */
    struct ash_boot_switch switches[ASH_BOOT_SWITCHES_MAX];
    size_t count;                /* out: nodes read, in the tree's order; the faulty ones included */
    struct ash_boot_fault fault; /* out: a mistake of no VM (/vms itself, too many); the VMs read stand */
};

/** Read /vms of the tree at [data, data+size); everything outside /vms is skipped. The nodes /vms/console and
 *  /vms/switches are no VMs: they are about hv's console, and the switches between the VMs. Each VM is judged alone: a
 *  mistake makes *its* fault and the others are usable. Of two VMs with one vmid, one name, common memory, one MAC on a
 *  switch or one CID the later is faulty; so is one with a pipe that has not exactly two ends, in two VMs.
 *  data: 8-byte aligned (a libfdt rule), else ASH_EINVAL.
 *  Returns ASH_OK: config->count VMs, look at each one's fault and at config->fault. Otherwise count is 0 and
 *  config->fault says why: ASH_EFORMAT or ASH_ETRUNC (not a well-formed tree), ASH_ENOENT (no /vms). */
int ash_boot_config_parse(struct ash_boot_config *config, const void *data, size_t size) ASH_NODISCARD;

/** Make @vm faulty for a reason of the caller's own ("is not supported yet"), in the words of the parser: file,
 *  VM and node are filled in. The other texts as in ash_boot_fault_set(). Returns @code. */
int ash_boot_vm_refuse(struct ash_boot_vm *vm, int code, const char *property, const char *value,
                       const char *problem, const char *allowed);

/** The same for a mistake about @device, one of its own: the node is that one's. */
int ash_boot_virtio_refuse(struct ash_boot_vm *vm, const struct ash_boot_virtio *device, int code,
                           const char *property, const char *value, const char *problem, const char *allowed);

/** "virtio_blk"; "?" for a number that is none. */
const char *ash_boot_virtio_kind_name(enum ash_boot_virtio_kind kind);

/** The name of @device's pipe @number, below @device->pipe_count. */
const char *ash_boot_pipe_name(const struct ash_boot_virtio *device, unsigned number);

/** Look for the word "name" or "name=value" in @bootargs, words separated by blanks. No quoting. The last one
 *  counts, as in Linux. @value: not terminated, inside @bootargs; size 0 for a word without '='.
 *  @bootargs may be NULL (none). Returns false if the word is not there; *@value is then untouched. */
bool ash_boot_option_find(const char *bootargs, const char *name, struct ash_boot_span *value);

#ifdef __cplusplus
}
#endif

#endif
