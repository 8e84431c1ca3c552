/* SPDX-License-Identifier: BSD-2-Clause */
/** A VM's machine: where the libraries meet. Stage 2, vGIC, firmware interface, timers and emulated devices of one VM,
 *  wired to one another and to hv/core. Architecture-neutral but for what the libraries are about.
 *
 *  Lock domains (order in core/lock.h): the VM's lock covers stage2, psci and the vCPUs' states; the distributor lock
 *  covers vgic and the emulated devices.
 */
#ifndef HV_GLUE_MACHINE_H
#define HV_GLUE_MACHINE_H

#include <libbase/nospec.h>
#include <libboot/guest_fdt.h>
#include <libstage2/stage2.h>
#include <libstage2/vmid.h>
#include <libvcpu/id.h>
#include <libvcpu/psci.h>
#include <libvcpu/pvtime.h>
#include <libvgic/vgic.h>
#include <libvtimer/vtimer.h>

#include "core/lock.h"
#include "core/rng.h"
#include "core/plan.h"
#include "vdev/vpl011.h"
#include "vdev/vpl031.h"
#include "vdev/vpl061.h"
#include "vdev/vsp805.h"

struct hv;
struct hv_bcm2837_machine;
struct hv_virtio;
struct hv_cpu;
struct hv_vcpu;
struct hv_vm;

#define HV_MACHINE_MAX_VCPUS   8U
#define HV_MACHINE_SPIS        64U
#define HV_MACHINE_REGIONS     8U
#define HV_MACHINE_STOLEN_TIME UINT64_C(0x090A0000) /* IPA of a page: DEN0057's structures */
/* Where the devices are, in pages of 64 KiB: looked up by number, modulo their count. Outside they are searched. */
#define HV_MACHINE_WINDOW       UINT64_C(0x08000000)
#define HV_MACHINE_WINDOW_PAGES 1024U
#define HV_MACHINE_PAGE_SHIFT   16U
ASH_STATIC_ASSERT((HV_MACHINE_WINDOW >> HV_MACHINE_PAGE_SHIFT) % HV_MACHINE_WINDOW_PAGES == 0U,
                  "a page's number in the window is that of its address, wrapped");
#define HV_MACHINE_INPUT 256U /* bytes of typed input on their way into the UART; a power of two */

/* A vCPU's interrupt lines, where no list registers deliver (hv_machine_set_lines()): what its exception levels see as
 * IRQ and FIQ. The values are HCR_EL2.VI and VF, so that a word of them is what its CPU ORs into that register. */
#define HV_LINE_FIQ UINT32_C(0x40)
#define HV_LINE_IRQ UINT32_C(0x80)

/** How interrupts reach the vCPUs of a machine. */
enum hv_delivery {
    HV_DELIVERY_LIST_REGISTERS, /* hardware's virtual CPU interface */
    HV_DELIVERY_SOFTWARE,       /* libvgic's own CPU interface, and the two lines */
    HV_DELIVERY_LINES /* the two lines alone: the machine's interrupt controller is none of libvgic's */
};

/** One access to an emulated device, of @size 1, 2, 4 or 8 bytes at any @offset below the region's size. The
 *  distributor lock is held. A write takes *@value, a read sets it: zero-extended from @size.
 *  Returns ASH_OK; ASH_EBUSY: run the instruction again later; else the access gets an external abort. */
typedef int hv_mmio_handler(void *ctx, struct hv_vcpu *vcpu, uint64_t offset, unsigned size, bool is_write,
                            uint64_t *value);

/* A handler returned this for ASH_OK, and there may be something to do for the console: hv_machine_talked() when the
 * lock is released. */
#define HV_MMIO_TALKED 1
/* Likewise, and the vCPU's own lines are others: in HCR_EL2 when the lock is released, nobody shall wait for that. */
#define HV_MMIO_LINES 2
/* The handler has done nothing but note the access: hv_machine_access_outside() does it, when the lock is released. For
 * devices whose locks are of an order before it. */
#define HV_MMIO_OUTSIDE 3

struct hv_mmio_region {
    uint64_t base; /* IPA */
    uint32_t size;
    hv_mmio_handler *handler;
    void *ctx; /* the handler's first argument */
    const char *name;
    uint64_t reserved[3]; /* up to a power of two, which an exit multiplies by */
};

/** The part of a vCPU that is not a library's. */
struct hv_vcpu_arch {
    uint64_t stolen; /* ticks that it wanted to run and could not, since its VM was reset */
    struct ash_vtimer vtimer;
    uint64_t hcr;           /* HCR_EL2 while it runs, 0: as the policy has it. VSE: it was given an SError */
    uint64_t vse;           /* HCR_EL2.VSE while it is put: the SError is still to be taken */
    uint32_t lines;         /* HV_LINE_*: what is high. Lock domain: the distributor; its CPU reads without */
    int emitted;            /* the byte that the UART sent during this vCPU's last access to it, or -1 */
    uint64_t setway_cursor; /* set/way maintenance: how far the sweep over RAM has come, bytes */
    uint32_t
        outside_offset; /* HV_MMIO_OUTSIDE: the access that is to be made, in its region. Its CPU's own */
    uint64_t *outside_value; /* valid until it is made */
    uint8_t outside_size;
    bool outside_is_write;
};

/** Which of a machine's consoles it spoke by last: it gets what is typed. */
enum hv_talker { HV_TALKER_UART, HV_TALKER_VIRTIO };

/** A key that comes up again. Ticks. */
struct hv_machine_key {
    uint64_t up_at;   /* UINT64_MAX: it is up */
    uint64_t last_at; /* ... by then at the latest, if the guest does not look at it */
};

/* So many interrupts for vCPUs of one VM, within a second: a storm. */
#define HV_MACHINE_STORM         10000U
#define HV_MACHINE_STORM_QUIET_S 10U /* from one line about it to the next */

/** What a VM's vCPUs are interrupted by. */
struct hv_machine_storm {
    uint32_t count; /* since @since, in ticks */
    uint64_t since;
    uint64_t quiet_until;
    uint64_t due; /* a line about it is, in ticks; UINT64_MAX: none is */
    uint32_t
        rate; /* what the line says: interrupts a second, the last one's INTID, and for which vCPU it was */
    uint32_t intid;
    uint32_t vcpu;
    uint32_t seen; /* how many there were. Atomic */
};

struct hv_machine {
    struct hv_lock distributor_lock;
    enum hv_delivery delivery; /* said before its first vCPU runs */
    struct hv_cpu *locked_by;  /* who holds it or did last, NULL: not said. A kick spares that CPU */
    /* What each exit for a device reads stands near the front. */
    uint32_t regions;
    struct hv_mmio_region region[HV_MACHINE_REGIONS + 1U]; /* ascending; behind the last one an empty one */
    uint8_t region_at
        [HV_MACHINE_WINDOW_PAGES]; /* of each page of the window: the first region that ends in it or behind */

    struct hv_bcm2837_machine *bcm; /* machine = "bcm2837" (glue/bcm2837.h); NULL: the default one */
    struct hv_virtio *virtio;       /* its virtio devices (glue/virtio.h); NULL: it has none */
    struct ash_vgic vgic;
    struct ash_vgic_vcpu *vgic_vcpus[HV_MACHINE_MAX_VCPUS];
    struct ash_vgic_irq spis[HV_MACHINE_SPIS];
    struct hv_vpl011 uart;
    struct hv_vpl031 rtc;
    struct hv_vpl061 gpio;
    uint64_t rtc_due;          /* when the clock interrupts, in ticks; UINT64_MAX: never */
    struct hv_machine_key key; /* the power key, a pin of the gpio */
    struct hv_vsp805 wdog;
    uint64_t wdog_due; /* when it counts to 0, in ticks; UINT64_MAX: never */
    struct hv_machine_storm storm;
    uint64_t virtio_due; /* when one of @virtio wants to go on, in ticks; UINT64_MAX: none does */
    bool is_bitten;      /* the VM was stopped because it expired */
    bool is_frozen;      /* hv_machine_freeze() */
    int emitted;         /* the byte that the UART sent during this access, or -1 */
    /* Written under the console lock, read by the one whose it is: the UART, under the distributor lock, or the virtio
     * console, under its device's. */
    char input[HV_MACHINE_INPUT];
    uint32_t input_head;
    uint32_t input_tail;
    uint32_t
        input_for; /* enum hv_talker; changes while there is none, or while both who give and take are locked out */
    uint32_t talker;     /* enum hv_talker. Lock domain: the console */
    uint32_t reads_uart; /* the guest has read UARTDR since its last reset */

    struct ash_stage2 stage2;
    struct ash_vmid vmid;
    struct ash_vcpu_psci psci;
    struct ash_vcpu_psci_cpu psci_cpu[HV_MACHINE_MAX_VCPUS];
    uint32_t parts;
    struct hv_ram_part part[HV_RAM_PARTS]; /* RAM: where each stretch of it lies, ascending IPA */
    struct ash_vcpu_ipa_range ram[ASH_BOOT_MEMORY_MAX]; /* RAM as the guest sees it, ascending */
    uint32_t ram_count;
    struct ash_vcpu_stolen_time *stolen_time; /* one a vCPU, a page. Each by the CPU that runs the vCPU */
    struct hv_rng rng;                        /* what its TRNG gives. Lock domain: the VM */
    uint64_t alarm;                /* when a device is to be looked at, in ticks; UINT64_MAX: never. Atomic */
    uint32_t last_on[HV_MAX_CPUS]; /* of each CPU: which life of which vCPU it ran last. That CPU's own */
    struct ash_vcpu_id id;
    struct ash_vtimer_vm time;
    struct ash_boot_guest_machine layout;
};

/** Build the machine of @vm around the RAM that @plan has for it: tables, devices, vGIC, for vm->vcpus vCPUs that
 *  exist. On an error everything is given back. Nobody else knows @vm. Takes the VM list's lock and the page pool's. */
int hv_machine_create(struct hv_vm *vm, const struct hv_plan_vm *plan) ASH_NODISCARD;

#define HV_MACHINE_MAPPED 1

/** Map the next 1 GiB, or less, of its RAM; begin with *@mapped 0. Returns ASH_OK: call again; HV_MACHINE_MAPPED: all
 *  of it is; or a negative ASH_E*, and it is to be destroyed. Likewise. */
int hv_machine_map_ram(struct hv_vm *vm, uint64_t *mapped) ASH_NODISCARD;

/** Its physical interrupts are deactivated, and its tables and its VMID given back. No vCPU is on, and nobody else
 *  knows @vm. Likewise. */
void hv_machine_destroy(struct hv_vm *vm);

/** Everything but the RAM as at power-on. The VM's lock is held, no vCPU is on. */
void hv_machine_reset(struct hv_vm *vm);

/** The registers of vCPU @vcpu as at power-on, to begin at @entry with @x0. The VM's lock is held, it is off. */
void hv_machine_vcpu_reset(struct hv_vcpu *vcpu, ash_ipa_t entry, uint64_t x0);

/** The registers as after a power-down that ended: as at power-on, but timers and interrupts go on (DEN0022 5.4, 6.4).
 *  By its CPU, it is on and not loaded. */
void hv_machine_vcpu_restart(struct hv_vcpu *vcpu, ash_ipa_t entry, uint64_t x0);

/** When a device of @vm's wants to be looked at, in ticks; UINT64_MAX: never. Any context. */
uint64_t hv_machine_alarm_time(const struct hv_vm *vm);

/** If that is now, look at them. On @cpu, whose alarm rang: that of vCPU 0. No lock is held. */
void hv_machine_alarm(struct hv_cpu *cpu, struct hv_vm *vm);

/** Press the power key of @vm, as with a finger: it comes up again by itself. @cpu: where this runs. No lock is
 *  held. */
void hv_machine_press_power(struct hv_cpu *cpu, struct hv_vm *vm);

/** The VM does not run because somebody else paused it: its watchdog does not count. Then it goes on. @cpu: where this
 *  runs. No lock is held. */
void hv_machine_freeze(struct hv_cpu *cpu, struct hv_vm *vm);
void hv_machine_thaw(struct hv_cpu *cpu, struct hv_vm *vm);

/** When a timer of @vcpu, which is put, asserts its interrupt next, in ticks; UINT64_MAX: never. One that the guest has
 *  and has not ended yet does not count. By its CPU. Takes the distributor lock. */
uint64_t hv_machine_wake_time(struct hv_vcpu *vcpu, uint64_t now);

/** Of @vcpu's timers' interrupts those whose physical one is to be active while it is loaded, a bit each: 1 << PPI's
 *  INTID. By its CPU, the distributor lock is held. */
uint32_t hv_machine_active_ppis(const struct hv_vcpu *vcpu);

/** The IRQ and FIQ lines of @vcpu are now @lines (HV_LINE_*, all others low): what an interrupt controller in software
 *  drives, libvgic's or a machine's own, as often as it likes. delivery is not HV_DELIVERY_LIST_REGISTERS. The
 *  distributor lock is held, by hv_machine_lock(cpu, ...) where that is the CPU which this runs on.
 *  - @vcpu is loaded on that CPU: in HCR_EL2 at once, and so in force with its next instruction.
 *  - It is loaded elsewhere: that CPU is kicked, and the lines are in its HCR_EL2 before the guest goes on there.
 *  - It waits (WFI, trapped or not): a line that is high ends the wait, masked by PSTATE or not (DDI 0487 D1.6.2); what
 *    it waits in looks at the word again.
 *  - It is put, or off: they are in HCR_EL2 from its next load on.
 *  Cost: a load and a comparison where nothing has changed. */
void hv_machine_set_lines(struct hv_vcpu *vcpu, uint32_t lines);

/** ash_vgic_load(); ash_vgic_sync() and ash_vgic_flush(): and arch.lines of @vcpu is what they came to, for
 *  hv_arch_apply_lines() when the lock is released. By its CPU, the distributor lock is held as above. */
void hv_machine_load_vgic(struct hv_vcpu *vcpu);
void hv_machine_flush_vgic(struct hv_vcpu *vcpu);

/** @vcpu wanted to run for @ticks more, and could not: tell it. By its CPU. */
void hv_machine_stole(struct hv_vcpu *vcpu, uint64_t ticks);

/** Its CPU is about to run it; it has stopped. The VM's lock is held. */
void hv_machine_vcpu_started(struct hv_vcpu *vcpu);
void hv_machine_vcpu_stopped(struct hv_vcpu *vcpu);

/** The distributor lock, taken by @cpu (NULL: a kick goes to every CPU it concerns). */
static inline void hv_machine_lock(struct hv_cpu *cpu, struct hv_machine *machine)
{
    hv_lock(&machine->distributor_lock);
    machine->locked_by = cpu;
}

static inline void hv_machine_unlock(struct hv_machine *machine)
{
    hv_unlock(&machine->distributor_lock);
}

/** The device at @ipa, NULL: none. */
const struct hv_mmio_region *hv_machine_region(const struct hv_machine *machine, uint64_t ipa);

/** The one that a guest's access to @ipa is mostly for: whether it is, is for the caller to look at. */
static inline const struct hv_mmio_region *hv_machine_likely_region(const struct hv_machine *machine,
                                                                    uint64_t ipa)
{
    /* An address outside the window finds a device as well, which is not there. */
    return &machine->region[machine->region_at[ash_wrap_nospec(ipa >> HV_MACHINE_PAGE_SHIFT,
                                                               HV_MACHINE_WINDOW_PAGES)]];
}

/** After an access that returned HV_MMIO_TALKED: what the UART sent goes to the console, or what waits for it comes. */
void hv_machine_talked(struct hv_cpu *cpu, struct hv_vcpu *vcpu, bool is_write);

/** The access that a handler noted with HV_MMIO_OUTSIDE, which has locks of its own: as a handler, but that none is
 *  held. By @vcpu's CPU. */
int hv_machine_access_outside(struct hv_cpu *cpu, struct hv_vcpu *vcpu);

/** After an access that returned HV_MMIO_LINES. */
void hv_machine_show_lines(const struct hv_vcpu *vcpu);

/** An access of @vcpu to @region, @offset bytes into it: locks, runs the handler, passes on what the UART sent. */
static inline int hv_machine_access(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct hv_machine *machine,
                                    const struct hv_mmio_region *region, uint64_t offset, unsigned size,
                                    bool is_write, uint64_t *value)
{
    int error;

    hv_machine_lock(cpu, machine);
    error = region->handler(region->ctx, vcpu, offset, size, is_write, value);
    hv_machine_unlock(machine);
    if (__builtin_expect(error == ASH_OK, 1)) {
        return ASH_OK;
    }
    if (error == HV_MMIO_LINES) {
        hv_machine_show_lines(vcpu);
        return ASH_OK;
    }
    if (error == HV_MMIO_TALKED) {
        hv_machine_talked(cpu, vcpu, is_write);
        return ASH_OK;
    }
    return error == HV_MMIO_OUTSIDE ? hv_machine_access_outside(cpu, vcpu) : error;
}

/** Physical interrupt of @timer, which the guest's has too. */
uint32_t hv_machine_timer_intid(const struct hv_machine *machine, enum ash_vtimer_id timer);

/** When something of @vcpu's own, which is loaded, wants to be looked at by its CPU, in ticks; UINT64_MAX: never. */
uint64_t hv_machine_vcpu_alarm_time(const struct hv_vcpu *vcpu);
/** If that is now, look. On @cpu, whose alarm rang. No lock is held. */
void hv_machine_vcpu_alarm(struct hv_cpu *cpu);

/** Note anew when the first of @vm's devices wants to be looked at. The distributor lock is held. */
void hv_machine_note_alarm(struct hv_vm *vm);

/** Move what was offered into the UART, with the distributor lock held; and say whether the UART may send. */
void hv_machine_pump_locked(struct hv_vm *vm);
void hv_machine_set_room(struct hv_vm *vm, bool has_room);

/** Offer @byte to the UART of @vm. The console lock is held. False: no room now. */
bool hv_machine_offer_input(struct hv_vm *vm, uint8_t byte);
/** Of the first bytes that wait for @who up to @size to @bytes; how many. They wait on. Under @who's lock. */
uint32_t hv_machine_peek_input(const struct hv_vm *vm, enum hv_talker who, char *bytes, uint32_t size);
/** The first @count of them were taken. Likewise. */
void hv_machine_drop_input(struct hv_vm *vm, uint32_t count);
/** What waits for the virtio console is the UART's from now on. The console lock and that device's are held. */
void hv_machine_redirect_input(struct hv_vm *vm);
/** Is there any that is not in the UART yet? Any context. */
bool hv_machine_has_input(const struct hv_vm *vm);
/** Move what was offered into the UART. No lock is held. */
void hv_machine_pump_input(struct hv_cpu *cpu, struct hv_vm *vm);

#endif
