/* SPDX-License-Identifier: BSD-2-Clause */
/** A VM's virtio devices: libvirtio's, with back ends of hv's own. A back end is one file and one struct hv_virtio_ops;
 *  here is what all of them share: the window of registers, locks, interrupt lines, guest memory, when the work is
 *  done, the VM's life.
 *
 *  Lock domain: a device belongs to a domain, which has one lock: its own, or one that it shares with those it talks to
 *  (a switch's ports). All of struct ash_virtio_device and the back end's state is the domain's. Order: VM list → VM →
 *  domain → distributor → console → page pool; so no domain's lock is taken while a distributor's or a second domain's
 *  is held. It is taken and released with hv_virtio_lock() and hv_virtio_unlock() alone.
 *
 *  Work: what a guest's kick asks for is done in its exit, a batch at a time; between two batches the guest runs its
 *  instruction again, so that interrupts, other vCPUs and the end of a slice come in between. When a kick has had
 *  HV_VIRTIO_KICK_MAX batches served, and for whatever no kick asks for, the device's job goes on: on the CPU that
 *  the VM's vCPU 0 has, or had at first.
 *  Nobody else's CPU works for a device, but for what a back end moves in its own kick to a device of the same domain.
 */
#ifndef HV_GLUE_VIRTIO_H
#define HV_GLUE_VIRTIO_H

#include <libvirtio/mmio.h>

#include "core/job.h"
#include "core/lock.h"
#include "core/plan.h"
#include "glue/machine.h"

#define HV_VIRTIO_WINDOW      UINT64_C(0x0A000000) /* IPA */
#define HV_VIRTIO_WINDOW_SIZE 0x1000U
#define HV_VIRTIO_KICK_MAX    64U /* batches: then a kick lets go */

struct hv_virtio_device;

/** A kind of device. Every operation but size() and create() may be NULL. */
struct hv_virtio_ops {
    uint32_t batch; /* requests of a queue that are served in one go: about 20 microseconds of work at most */

    /** Bytes of its state: libvirtio's object, queues, slots and what it needs itself. 64 pages at most. */
    size_t (*size)(const struct ash_boot_virtio *config);

    /** Make the device in @device->state, which is zeroed, and set @device->virtio; and @device->domain, if it is not
     *  its own. ASH_OK, or an error, everything given back: in words where hv_virtio_refuse() was called.
     *  Nobody else knows the VM; no lock is held. */
    int (*create)(struct hv_virtio_device *device, const struct hv_plan_vm *plan);

    /** The next piece of what is to be there before the VM is made, HV_JOB_BYTES at most. True: there is more.
     *  Likewise. */
    bool (*fill)(struct hv_virtio_device *device);

    /** In its job, before queues are served: what nobody kicked for. True: again. The lock is held. */
    bool (*work)(struct hv_virtio_device *device);

    /** In its job behind that, what can be done without the lock alone; no lock is held. The device stays as it is
     *  meanwhile: it is not destroyed. True: again. */
    bool (*outside)(struct hv_cpu *cpu, struct hv_virtio_device *device);

    /** The VM stops or starts anew: the driver is gone, what it had set is forgotten. The lock is held. */
    void (*reset)(struct hv_virtio_device *device);

    /** The VM is to be destroyed: from now on no other device and no CPU comes to it. The lock is held. */
    void (*detach)(struct hv_virtio_device *device);

    /** Give back what create() took. Detached; no lock is held. */
    void (*destroy)(struct hv_virtio_device *device);

    /** What the shell shows of it, one line without its end: "20480 KiB, overlay". The lock is held. Returns how many
     *  characters there are, as hv_format(). */
    size_t (*describe)(struct hv_virtio_device *device, char *text, size_t size);
};

struct hv_virtio_domain {
    struct hv_lock lock;
    struct hv_cpu *holder; /* who has the lock; NULL: not said */
};

struct hv_virtio_device {
    struct ash_virtio_mmio mmio;
    struct ash_virtio_device *virtio; /* in @state */
    const struct hv_virtio_ops *ops;
    struct hv_virtio_domain *domain;
    struct hv_virtio_domain own;
    struct hv_vm *vm;
    const struct ash_boot_virtio *config;
    uint32_t index; /* which of its VM's */
    void *state;
    unsigned pages; /* of @state */

    /* Lock domain: the device. */
    uint32_t streak;  /* batches that the kick which goes on has had served */
    bool frozen;      /* its VM is paused: nothing is done */
    bool gone;        /* detached */
    bool job_is_out;  /* in a CPU's queue, or on its way there */
    bool job_again;   /* it was posted once more meanwhile */
    uint64_t wake_at; /* ticks; 0: not at all */
    struct hv_job job;
    uint64_t kicks; /* since the VM was made */
    uint64_t jobs;
};

/** Of a VM that has virtio devices. */
struct hv_virtio {
    uint32_t count;
    uint32_t filling; /* which device is */
    struct ash_virtq_region region[ASH_BOOT_MEMORY_MAX];
    struct hv_virtio_device device[ASH_BOOT_VIRTIO_MAX];
};

/* ---- For a back end ---------------------------------------------------------------------------------------------- */

/** By @cpu; NULL: an interrupt for whoever is kicks every CPU that it concerns. */
static inline void hv_virtio_lock(struct hv_cpu *cpu, struct hv_virtio_device *device)
{
    hv_lock(&device->domain->lock);
    device->domain->holder = cpu;
}

static inline void hv_virtio_unlock(struct hv_virtio_device *device)
{
    device->domain->holder = NULL;
    hv_unlock(&device->domain->lock);
}

/** Memory for @count queues of @size entries each, a multiple of 8. */
static inline size_t hv_virtio_queue_bytes(uint32_t count, uint32_t size)
{
    return count * (sizeof(struct ash_virtio_queue) + size * sizeof(struct ash_virtq_slot));
}

/** Lay @count queues of @size entries each out at @at, and *@site around them: what libvirtio's init() wants. The
 *  queues are site->queues. */
void hv_virtio_site(struct hv_virtio_device *device, void *at, uint32_t count, uint32_t size,
                    struct ash_virtio_site *site);

/** There is work that no kick asks for, or will be: the device's job is to run. The lock is held. */
void hv_virtio_post(struct hv_virtio_device *device);

/** The device's job is to run at @ticks, once; the last that was said counts. For what waits, not for what repeats: it
 *  may come later, with the VM's alarm, and does not while the VM is paused, at whose end the job runs. Likewise. */
void hv_virtio_wake_at(struct hv_virtio_device *device, uint64_t ticks);

/** May it be worked on: its VM is neither paused nor about to be destroyed? The lock is held. */
static inline bool hv_virtio_may_work(const struct hv_virtio_device *device)
{
    return !device->frozen && !device->gone;
}

/** The VM cannot be made because of @device: a mistake in its node, in words. Returns @code. */
int hv_virtio_refuse(const struct hv_virtio_device *device, int code, const char *property,
                     const char *problem, const char *allowed);

extern const struct hv_virtio_ops hv_virtio_blk_ops;
extern const struct hv_virtio_ops hv_virtio_net_ops;
extern const struct hv_virtio_ops hv_virtio_rng_ops;
extern const struct hv_virtio_ops hv_virtio_served_ops; /* a disk with served-by */
extern const struct hv_virtio_ops hv_virtio_vsock_ops;
extern const struct hv_virtio_ops hv_virtio_console_ops;

/* ---- For the machine: vm->machine.virtio is NULL where it has none, and then these do nothing -------------------- */

/** The devices that @vm's configuration has. Nobody else knows @vm. Takes the VM list's and the page pool's lock. */
int hv_virtio_create(struct hv_vm *vm, const struct hv_plan_vm *plan) ASH_NODISCARD;
/** The next piece of disks that are to be filled. False: all are. Likewise. */
bool hv_virtio_fill(struct hv_vm *vm);
/** Nobody else knows @vm, or it is quiet. Likewise. */
void hv_virtio_destroy(struct hv_vm *vm);

/** All vCPUs are off, the VM's lock is held: the devices are as at power-on, but for what is on their disks. */
void hv_virtio_reset(struct hv_cpu *cpu, struct hv_vm *vm);

/** The VM is paused; it goes on. The VM's lock is held. */
void hv_virtio_freeze(struct hv_cpu *cpu, struct hv_vm *vm);
void hv_virtio_thaw(struct hv_cpu *cpu, struct hv_vm *vm);

/** The VM's alarm has rung for them. By vCPU 0's CPU; no lock is held. */
void hv_virtio_ring(struct hv_cpu *cpu, struct hv_vm *vm);

/** On the way to hv_virtio_destroy(): detached. False: a job is still out, ask again. No lock is held. */
bool hv_virtio_quiesce(struct hv_cpu *cpu, struct hv_vm *vm);

/** How far the guest's driver is: "none", "up", "begun", "failed" (the driver gave up), "broken" (it has to reset the
 *  device). The domain's lock is held. */
const char *hv_virtio_driver_state(const struct hv_virtio_device *device);

/** The window's handler: notes the access and returns HV_MMIO_OUTSIDE. Then, with no lock held, what was noted. */
hv_mmio_handler hv_virtio_note_access;

#endif
