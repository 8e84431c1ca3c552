/* SPDX-License-Identifier: BSD-2-Clause */
/** A virtual GIC that an operating system cannot tell from hardware.
 *
 *  GICv3 (`version` 3): distributor, redistributors, SGI generation by system register. One security state
 *  (GICD_CTLR.DS = 1), affinity routing always on (ARE = 1), system register access. No LPIs, no extended
 *  SPIs and PPIs.
 *  GICv2 (`version` 2): distributor with GICD_SGIR and GICD_ITARGETSR, at most 8 vCPUs; no Security
 *  Extensions, so both groups are the guest's. Its CPU interface is hardware's: the caller maps GICV where
 *  the guest expects GICC. The list registers behind it are GICH's (libvgic/gich.h), or, on a GICv3 that
 *  still has GICV, ICH's with ICC_SRE_EL1.SRE = 0. Or it is software (lr_count 0): see "Without list
 *  registers".
 *  The caller owns all memory: one `struct ash_vgic` and an array of SPIs per VM, one `struct ash_vgic_vcpu`
 *  per vCPU. No locks, no printing; INTIDs are 32 bits everywhere and found by one look-up.
 *
 *  Lock domain "the distributor": one per VM, it covers the VM's `struct ash_vgic`, its SPIs and all its
 *  vCPUs. Every function wants it held, except those marked "no lock".
 *
 *  ## Who calls what when
 *  The list registers (LRs) of a vCPU that is *loaded* live in hardware and stay there over its exits. Its
 *  image (`vcpu->lrs`) is then what was last written or read. Whoever changes an interrupt that concerns a
 *  vCPU (any CPU, under the lock) changes the state in memory, sets `vcpu->work` and calls the HAL's kick().
 *
 *      load on a CPU      ash_vgic_load(v); image -> hardware
 *      before each entry  if (ash_vgic_needs_flush(v)) {  one load and a branch when nothing happened
 *                             used LRs and HCR -> image;
 *                             ash_vgic_sync(v); ash_vgic_flush(v);
 *                             changed LRs and HCR -> hardware;
 *                         }
 *      maintenance IRQ    ash_vgic_request_flush(v), then the above
 *      off the CPU        hardware -> image, LRs emptied; ash_vgic_put(v)
 *      timer, SGI to self n = ash_vgic_inject_fast(v, intid, elrsr); n >= 0: write LR n, no flush
 *                         (a timer: ash_vgic_inject_again(v, intid) first)
 *
 *  The moves between hardware and image (libvgic/el2.h, libvgic/gich.h) are the vCPU's own CPU's and need no
 *  lock, so that nobody waits for a device's registers: before the lock is taken, and after it is given back,
 *  with the guest not running and interrupts masked from the first step of a line to its last. Other CPUs look
 *  into the image under the lock to see what a vCPU was given; a move stores each value as a whole.
 *  A set `work` is tested with interrupts masked at EL2: one that is set after the test comes with a kick,
 *  whose physical SGI makes the vCPU exit at once.
 *
 *  ## Level-sensitive interrupts
 *  An LR for one whose line is high carries the EOI bit: the guest's deactivation raises the maintenance
 *  interrupt, and the line is looked at again. Sampling "at the next exit" would lose the interrupt on a
 *  pinned vCPU, which may never exit. A line that falls while its LR is in use makes the vCPU sync: a pending
 *  one is withdrawn, an active one loses the EOI bit, so a driver that quiets its device in the handler costs
 *  no maintenance interrupt.
 *
 *  ## Without list registers
 *  lr_count 0, version 2: *software delivery*. The guest's GICC frame is not mapped, each access to it is
 *  ash_vgic_cpu_access()'s, and what is signalled is ash_vgic_lines(), for HCR_EL2.VI and VF:
 *
 *      load on a CPU      ash_vgic_load(v); lines -> HCR_EL2
 *      before each entry  if (ash_vgic_needs_flush(v)) { ash_vgic_flush(v); lines -> HCR_EL2; }
 *      GICC access        ash_vgic_cpu_access(g, ...); lines -> HCR_EL2
 *      off the CPU        ash_vgic_put(v); no lines
 *
 *  The image holds vmcr and apr0, which are GICC_*'s, and nothing else: nothing is moved, and ash_vgic_sync()
 *  has nothing to do. A linked physical interrupt is deactivated by the HAL, from the guest's access.
 *
 *  ## Where the manuals leave a choice
 *  Reset, as an EL1 guest finds a GICv3 behind firmware: interrupts Group 1, level-sensitive (SGIs: edge),
 *  disabled, priority 0; the redistributor awake; GICD_IROUTER vCPU 0. GICv2, as a GIC without Security
 *  Extensions comes up: Group 0, GICD_ITARGETSR 0 (no CPU), else the same. SGIs of a GICv2 are always enabled
 *  (IHI 0048B 4.3.5: read as one, writes ignored). The CPU interface: all closed, smallest binary points.
 *  A width that a register does not have, and an unaligned access: RAZ/WI, of 16 and 64 bits too.
 *  1 of N (GICD_IROUTER.Interrupt_Routing_Mode; a GICv2's SPI with several targets): one vCPU is chosen when
 *  the interrupt becomes deliverable, among those whose interface takes its group, in turn; another one when
 *  that one goes offline or to sleep.
 *  A new priority or group of an active interrupt counts from its next acknowledgement on (4.8: the running
 *  priority is that of the acknowledgement).
 *  Several CPUs pending for one GICv2 SGI: taken in the order of their numbers.
 *  SPIs by message: GICD_SETSPI_NSR and GICD_CLRSPI_NSR are there (GICD_TYPER.MBIS = 1). A level-sensitive
 *  SPI is pending while its line or its message says so.
 *
 *  Manuals: IHI 0069 and IHI 0048 (issues in docs/references.md).
 */
#ifndef LIBVGIC_VGIC_H
#define LIBVGIC_VGIC_H

#include <libbase/bits.h>
#include <libbase/compiler.h>
#include <libbase/errors.h>
#include <libbase/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ASH_VGIC_PRIVATE_IRQS UINT32_C(32)  /* INTIDs 0..31: SGIs 0..15, PPIs 16..31, one set per vCPU */
#define ASH_VGIC_MAX_SPIS     UINT32_C(988) /* INTIDs 32..1019 */
#define ASH_VGIC_MAX_VCPUS    UINT32_C(512)
#define ASH_VGIC_V2_MAX_VCPUS UINT32_C(8)
#define ASH_VGIC_MAX_LRS      16U
#define ASH_VGIC_NO_VCPU      UINT16_C(0xFFFF)
#define ASH_VGIC_NO_LR        UINT8_C(0xFF)
#define ASH_VGIC_NO_PINTID    UINT32_C(0xFFFFFFFF)

#define ASH_VGIC_DIST_SIZE    UINT64_C(0x10000) /* bytes of a GICv3 distributor's frame */
#define ASH_VGIC_REDIST_SIZE  UINT64_C(0x20000) /* bytes of one vCPU's two redistributor frames */
#define ASH_VGIC_V2_DIST_SIZE UINT64_C(0x1000)  /* bytes of a GICv2 distributor's frame */
#define ASH_VGIC_V2_CPU_SIZE  UINT64_C(0x2000)  /* bytes of a GICv2 CPU interface's frame */

/* Software delivery: what is signalled to a vCPU. The values are HCR_EL2.VF and VI. */
#define ASH_VGIC_LINE_FIQ UINT32_C(0x40)
#define ASH_VGIC_LINE_IRQ UINT32_C(0x80)

struct ash_vgic;

/** What the library needs from outside. All ops are required; no op may call back into the library. Called
 * with the distributor's lock held. */
struct ash_vgic_hal {
    size_t size; /* sizeof(struct ash_vgic_hal) */

    /** vCPU @vcpu has work: it must come to its flush soon. Running elsewhere: make it exit (a physical SGI,
     * after a barrier that lets it see the stores before this call). Blocked: ask ash_vgic_has_deliverable(),
     * wake it. Running on this CPU, or not started: nothing. May be called several times for one cause. */
    void (*kick)(void *ctx, uint32_t vcpu);

    /** Physical interrupt @pintid (>= 16), linked to vCPU @vcpu, which was acknowledged and dropped but not
     *  deactivated, is to be deactivated now: its virtual interrupt ended without a guest EOI that hardware
     *  saw. A PPI: from sync, flush and put on the vCPU's own CPU, or from the reset functions on any, and
     *  then that of the CPU on which the vCPU was last loaded is meant. An SPI: from any function with
     *  "HAL: hw_deactivate", on any CPU (so GICD_ICACTIVER is the way, not ICC_DIR_EL1). */
    void (*hw_deactivate)(void *ctx, uint32_t vcpu, uint32_t pintid);
};

/** One interrupt, private or SPI. Allocated by the caller; its fields are private. */
struct ash_vgic_irq {
    struct ash_vgic_irq *next; /* in the queue of vCPU @owner, or in none */
    struct ash_vgic_irq *prev;
    uint64_t route; /* SPI: GICD_IROUTER<n>; GICv2: GICD_ITARGETSR, and bit 31 if that names several */
    uint32_t intid;
    uint32_t pintid; /* the linked physical INTID, or ASH_VGIC_NO_PINTID */
    uint32_t state;  /* bits, see src/internal.h */
    uint16_t target; /* index of the vCPU that gets it next, or ASH_VGIC_NO_VCPU */
    uint16_t owner;  /* index of the vCPU in whose queue or LR it is */
    uint16_t
        active_as; /* in an LR or acknowledged: priority and group of then, if others were written since */
    uint8_t priority;
    uint8_t lr;      /* the LR it is in, or ASH_VGIC_NO_LR */
    uint8_t lr_hint; /* the LR it was in last */
    uint8_t sources; /* GICv2 SGIs: the CPU interfaces for which it is pending, but for what is in an LR */
    uint8_t source;  /* GICv2 SGIs: whose request is in the LR or active */
    uint8_t reserved;
};

/** The image of a vCPU's virtual CPU interface. Plain data in the format of the ICH_* registers, for both
 * versions: the GICH_* registers hold the same, packed differently (libvgic/gich.h converts). */
struct ash_vgic_lrs {
    uint64_t lr[ASH_VGIC_MAX_LRS]; /* ICH_LR<n>_EL2; SGIs of a GICv2: vINTID[12:10] is the source CPU */
    uint32_t used;                 /* bit n: LR n was given to the guest; it is to be read before sync */
    uint32_t changed; /* bit n: flush changed LR n; bit 31: flush changed hcr. The mover writes these, then
                         clears */
    uint32_t hcr;     /* ICH_HCR_EL2: En, maintenance enables; EOIcount as read back */
    uint32_t vmcr;    /* ICH_VMCR_EL2, as of the last put (or whenever the mover read it) */
    uint32_t apr0[4]; /* ICH_AP0R<n>_EL2, likewise */
    uint32_t apr1[4]; /* ICH_AP1R<n>_EL2 */
};

#define ASH_VGIC_CHANGED_HCR (UINT32_C(1) << 31)

/** One vCPU's redistributor, private interrupts and CPU interface. Allocated by the caller. @lrs is public,
 * the rest is private. */
struct ash_vgic_vcpu {
    struct ash_vgic_lrs lrs;
    uint32_t work; /* not 0: sync and flush before the next entry. Read without the lock by the vCPU's CPU */
    uint32_t index;
    struct ash_vgic *vgic;
    struct ash_vgic_irq *queue;                    /* deliverable or active, and in no LR */
    struct ash_vgic_irq *lr_irq[ASH_VGIC_MAX_LRS]; /* bit n of lrs.used: what is in LR n */
    uint32_t filled;                               /* bit n: lrs.lr[n] may not be 0 */
    uint64_t synced_at;                            /* the distributor's epoch at the last sync */
    uint64_t snoop_since; /* a register read of this vCPU waits for syncs after this epoch */
    uint64_t snoop_key;   /* which register that is */
    uint32_t affinity;    /* Aff3.Aff2.Aff1.Aff0, a byte each */
    bool loaded;          /* between load and put */
    bool resident;        /* likewise, and its LRs are live in hardware */
    bool online;          /* takes part in 1 of N */
    bool asleep;          /* GICR_WAKER.ProcessorSleep */
    bool recall;          /* an LR holds what may no longer be delivered (RWP) */
    bool snooping;
    /* Software delivery. */
    uint16_t running;          /* the running priority, 0x100: idle */
    uint32_t lines;            /* ASH_VGIC_LINE_*: what is signalled. Its CPU's own */
    struct ash_vgic_irq *best; /* what is signalled, if there is no work */
    struct ash_vgic_irq irqs[ASH_VGIC_PRIVATE_IRQS];
};

struct ash_vgic_config {
    size_t size;              /* sizeof(struct ash_vgic_config) */
    unsigned version;         /* 2 or 3, the guest's */
    uint32_t vcpu_count;      /* 1..ASH_VGIC_MAX_VCPUS; version 2: 1..ASH_VGIC_V2_MAX_VCPUS */
    uint32_t spi_count;       /* 0..960, a multiple of 32, or 988 */
    unsigned lr_count;        /* 1..16: ICH_VTR_EL2.ListRegs + 1; 0, version 2 only: software delivery */
    unsigned priority_bits;   /* 4..8: ICH_VTR_EL2.PRIbits + 1 (ash_vgic_decode_vtr() in libvgic/el2.h; of a
                               * GICH: ash_vgic_decode_gich_vtr() in libvgic/gich.h) */
    unsigned preemption_bits; /* 4..7, at most priority_bits: ICH_VTR_EL2.PREbits + 1 */
    bool has_tdir;            /* ICH_VTR_EL2.TDS: ICV_DIR_EL1 can be trapped alone */
    /* Never HW = 1 in a list register: a linked physical interrupt is deactivated by the HAL after the guest's
     * EOI, which costs a maintenance interrupt. For a GIC that loses what a device asks for between the
     * guest's EOI and hardware's own deactivation. */
    bool deactivate_by_hal;
    /* Per vCPU Aff3.Aff2.Aff1.Aff0, all different; NULL: vCPU n is 0.0.(n / 16).(n % 16). Read by init only.
     * Version 2: NULL. */
    const uint32_t *affinity;
    struct ash_vgic_vcpu *
        *vcpus;                /* per vCPU; caller-owned like what they point to; must outlive the object */
    struct ash_vgic_irq *spis; /* spi_count */
};

/** The distributor of one VM. Allocated by the caller; its fields are private. */
struct ash_vgic {
    const struct ash_vgic_hal *hal;
    void *ctx;
    struct ash_vgic_vcpu **vcpus;
    struct ash_vgic_irq *spis;
    uint64_t epoch; /* counts syncs */
    uint32_t vcpu_count;
    uint32_t spi_count;
    uint32_t ctlr;      /* GICD_CTLR: EnableGrp1, EnableGrp0 */
    uint32_t typer;     /* GICD_TYPER */
    uint32_t next_1ofn; /* where the next choice of a 1-of-N target starts */
    uint32_t recalls;   /* how many vCPUs have @recall set */
    uint8_t version;
    uint8_t lr_count;
    uint8_t priority_mask; /* the implemented bits of a priority */
    uint8_t preemption_bits;
    bool deactivate_by_hal;
    bool has_tdir;
};

/** Make a distributor and its vCPUs in their reset state (as ash_vgic_reset()). vCPU 0 is online, the others
 *  are not. HAL: none is called.
 *  Returns ASH_OK; ASH_EINVAL (a size field, a null, a missing op, a value outside its range, two equal
 *  affinities; version 2 with affinities); ASH_ENOTSUP (version 3 without list registers). */
int ash_vgic_init(struct ash_vgic *vgic, const struct ash_vgic_config *config, const struct ash_vgic_hal *hal,
                  void *ctx) ASH_NODISCARD;

/** The VM's reset: everything as after init, but for links (connect_hw) and the levels of input lines. All
 *  vCPUs are off their CPUs (put). HAL: hw_deactivate. */
void ash_vgic_reset(struct ash_vgic *vgic);

/** vCPU @vcpu, which is off its CPU (put), is being started (CPU_ON): CPU interface and private interrupts
 *  are reset, as firmware does for a core that comes up; SPIs that it had active stay active, pending ones
 *  stay pending. It is online afterwards. HAL: kick, hw_deactivate.
 *  @vcpu: < vcpu_count, here and below; else ASH_EINVAL or nothing happens. */
void ash_vgic_vcpu_reset(struct ash_vgic *vgic, uint32_t vcpu);

/** vCPU @vcpu has been stopped (CPU_OFF) and put: 1-of-N interrupts that wait for it go to others.
 *  HAL: kick. */
void ash_vgic_vcpu_offline(struct ash_vgic *vgic, uint32_t vcpu);

/* ---- Registers --------------------------------------------------------------------------------- */

/** A guest's access to the distributor's frame, by vCPU @vcpu (a GICv2 banks registers by it).
 *  offset: bytes, < ASH_VGIC_DIST_SIZE or ASH_VGIC_V2_DIST_SIZE; size: 1, 2, 4 or 8 bytes. A write takes
 *  *@value, a read sets it (zero-extended). What the architecture reserves, a width that a register does not
 *  have, and unaligned accesses read as zero and ignore writes (IHI 0069 12.1.3: either this or an abort).
 *  Bytes: GICD_IPRIORITYR, GICD_ITARGETSR, GICD_CPENDSGIR, GICD_SPENDSGIR; 16 bits: GICD_SETSPI_NSR,
 *  GICD_CLRSPI_NSR; 64 bits: GICD_IROUTER, GICR_TYPER; 32 bits: all.
 *  HAL: kick, hw_deactivate.
 *  Returns ASH_OK; ASH_EBUSY (reads of ISPENDR, ICPENDR, ISACTIVER, ICACTIVER, CPENDSGIR, SPENDSGIR only): an
 *  interrupt that the register shows is in an LR of a loaded vCPU, which has been kicked. *Resume the guest at
 *  the same instruction*, after its own flush if it needs one: it comes again and finds the answer;
 *  ASH_ERANGE: offset outside the frame; ASH_EINVAL: @vcpu or @size. */
int ash_vgic_dist_access(struct ash_vgic *vgic, uint32_t vcpu, uint64_t offset, unsigned size, bool is_write,
                         uint64_t *value) ASH_NODISCARD;

/** The same for the redistributors; vCPU n's frames are at n * ASH_VGIC_REDIST_SIZE. Any vCPU may
 *  access any. Version 2 has none: ASH_ERANGE. */
int ash_vgic_redist_access(struct ash_vgic *vgic, uint32_t vcpu, uint64_t offset, unsigned size,
                           bool is_write, uint64_t *value) ASH_NODISCARD;

/** The three system registers that generate SGIs. */
enum ash_vgic_sgi_register {
    ASH_VGIC_SGI1R,  /* ICC_SGI1R_EL1: with one security state, SGIs of either group */
    ASH_VGIC_ASGI1R, /* ICC_ASGI1R_EL1: Group 0 SGIs only */
    ASH_VGIC_SGI0R   /* ICC_SGI0R_EL1: Group 0 SGIs only */
};

/** vCPU @vcpu wrote @value to @which: SGI INTID [27:24] to the PEs of Aff3.Aff2.Aff1, RS and TargetList, or
 *  (IRM) to all vCPUs but itself. PEs that are not there are ignored. Nothing with version 2. HAL: kick.
 *  IHI 0069 12.2, ICC_SGI1R_EL1. */
void ash_vgic_sgi(struct ash_vgic *vgic, uint32_t vcpu, uint64_t value, enum ash_vgic_sgi_register which);

/** Software delivery: an access of vCPU @vcpu, on its CPU, to the CPU interface's frame (GICC). Reading GICC_IAR
 *  acknowledges, so once for each of the guest's reads. The lines may have changed then (ash_vgic_lines()), and no work
 *  is left but by GICC_DIR's. Widths as above: 32 bits. HAL: kick, hw_deactivate.
 *  Returns ASH_OK; ASH_ERANGE: offset outside the frame; ASH_EINVAL: @vcpu, @size, or there are list registers. */
int ash_vgic_cpu_access(struct ash_vgic *vgic, uint32_t vcpu, uint64_t offset, unsigned size, bool is_write,
                        uint64_t *value) ASH_NODISCARD;

/** The two of these registers that every interrupt needs, for who finds them by their offsets: what a read of GICC_IAR
 *  gives, what a write of @value to GICC_EOIR does. Likewise. */
uint32_t ash_vgic_acknowledge(struct ash_vgic_vcpu *vcpu);
void ash_vgic_end(struct ash_vgic_vcpu *vcpu, uint32_t value);

/** vCPU @vcpu wrote @intid to ICV_DIR_EL1 and that trapped (lrs.hcr has TDIR); or to GICV_DIR, which the
 *  caller has not mapped (a source CPU in [12:10] included). HAL: kick, hw_deactivate. */
void ash_vgic_dir(struct ash_vgic *vgic, uint32_t vcpu, uint32_t intid);

/* ---- Interrupt sources ------------------------------------------------------------------------- */

/** The input line of @intid is now @level. Level-sensitive: pending while high. Edge-triggered: a rise makes
 *  it pending. @vcpu: whose, for a PPI; any valid one for an SPI. HAL: kick, hw_deactivate.
 *  On an interrupt that ash_vgic_inject_hw() made pending, false takes it back if the guest has not
 *  acknowledged it.
 *  Returns ASH_OK, ASH_EINVAL (@vcpu, or an SGI), ASH_ENOENT (no such INTID). */
int ash_vgic_set_level(struct ash_vgic *vgic, uint32_t vcpu, uint32_t intid, bool level) ASH_NODISCARD;

/** An edge on @intid's line. Nothing if the guest has made it level-sensitive. Otherwise as set_level. */
int ash_vgic_pulse(struct ash_vgic *vgic, uint32_t vcpu, uint32_t intid) ASH_NODISCARD;

/** Link @intid to the physical interrupt @pintid: injected with HW = 1, so that the guest's EOI deactivates
 *  the physical one. ASH_VGIC_NO_PINTID ends the link.
 *  Returns ASH_OK; ASH_EINVAL (@vcpu; a virtual SGI; @pintid a physical SGI, see ICH_LR<n>_EL2.pINTID in
 *  IHI 0069, or 1020 and above); ASH_ENOENT; ASH_EBUSY (an injected one is not yet deactivated). */
int ash_vgic_connect_hw(struct ash_vgic *vgic, uint32_t vcpu, uint32_t intid, uint32_t pintid) ASH_NODISCARD;

/** The physical interrupt linked to @intid fired. The caller has acknowledged it and dropped its priority,
 *  and does not deactivate it: the guest's EOI does, or hw_deactivate(). This is not called again for it
 *  before that has happened. HAL: kick.
 *  Returns ASH_OK, ASH_EINVAL (@vcpu, or not linked), ASH_ENOENT. */
int ash_vgic_inject_hw(struct ash_vgic *vgic, uint32_t vcpu, uint32_t intid) ASH_NODISCARD;

/** Is the physical interrupt that is linked to @intid, a PPI of @vcpu's, acknowledged and not deactivated? Where
 *  vCPUs share a CPU its active state goes with the vCPU: cleared when that is put, set (or cleared) by this
 *  after ash_vgic_load(). False for any other @intid. */
bool ash_vgic_hw_is_active(const struct ash_vgic_vcpu *vcpu, uint32_t intid);

/** The short way to deliver @intid to @vcpu, which is loaded on this CPU: a linked interrupt that has just
 *  fired, an SGI to self, an edge. @elrsr: ICH_ELRSR_EL2 as read just now (0 is allowed: fewer chances).
 *  HAL: none.
 *  Returns n >= 0: write lrs.lr[n] to ICH_LR<n>_EL2, that is all (lrs.changed is not touched); ASH_EBUSY:
 *  nothing has changed, take the ordinary call and let needs_flush() do the rest; ASH_ENOENT. */
int ash_vgic_inject_fast(struct ash_vgic_vcpu *vcpu, uint32_t intid, uint32_t elrsr) ASH_NODISCARD;

/** The shortest way, for one that fires again and again: @intid, a PPI linked to a physical interrupt that has just
 *  fired, goes into the list register that it was in last. That one is empty: hardware does not signal the physical
 *  interrupt before the guest has deactivated both (IHI 0069 ICH_LR<n>_EL2.HW). Nothing in memory changes. @vcpu is
 *  loaded on this CPU. HAL: none.
 *  Returns n >= 0: write lrs.lr[n] to ICH_LR<n>_EL2, that is all; ASH_EBUSY: ask ash_vgic_inject_fast(). */
int ash_vgic_inject_again(const struct ash_vgic_vcpu *vcpu, uint32_t intid) ASH_NODISCARD;

/* ---- The vCPU's CPU ---------------------------------------------------------------------------- */

/** Must the image be synced and flushed before the guest runs on? No lock, by the vCPU's CPU, interrupts
 * masked. */
static inline bool ash_vgic_needs_flush(const struct ash_vgic_vcpu *vcpu)
{
    return __atomic_load_n(&vcpu->work, __ATOMIC_RELAXED) != 0U;
}

/** The maintenance interrupt came. No lock, by the vCPU's CPU. */
static inline void ash_vgic_request_flush(struct ash_vgic_vcpu *vcpu)
{
    __atomic_store_n(&vcpu->work, 1U, __ATOMIC_RELAXED);
}

/** Fold the image, as read from hardware (used LRs, and HCR if it has LRENPIE), into the interrupts' state:
 *  what was acknowledged is active, what was EOIed is inactive, a level that is still high is pending again.
 *  Always followed by flush or put. HAL: hw_deactivate, kick (an SPI that is routed elsewhere by now). */
void ash_vgic_sync(struct ash_vgic_vcpu *vcpu);

/** Fill the image with the active and the highest-priority deliverable interrupts, set the maintenance
 *  enables that are needed if there are more than LRs, clear work. lrs.changed says what is to be written to
 *  hardware. After sync. HAL: hw_deactivate. */
void ash_vgic_flush(struct ash_vgic_vcpu *vcpu);

/** Software delivery: ASH_VGIC_LINE_* as of its last flush, load or access to its CPU interface. By its CPU. */
static inline uint32_t ash_vgic_lines(const struct ash_vgic_vcpu *vcpu)
{
    return vcpu->lines;
}

/** The vCPU is about to run on this CPU: flush, and from now on its LRs live in hardware. */
void ash_vgic_load(struct ash_vgic_vcpu *vcpu);

/** Is it between load and put? Then it looks at its work by itself only when it exits; else at its load. */
static inline bool ash_vgic_is_loaded(const struct ash_vgic_vcpu *vcpu)
{
    return vcpu->loaded;
}

/** The vCPU has left its CPU; the image is whole and the hardware's LRs are empty. Syncs. */
void ash_vgic_put(struct ash_vgic_vcpu *vcpu);

/** Would an interrupt be signalled to the vCPU now (WFI must not block, or ends)? By the distributor's state
 *  and the image's vmcr and active priorities, which the caller has refreshed if the vCPU is loaded. An LR
 *  not synced counts by its image. A sleeping redistributor (GICR_WAKER) wakes for any enabled pending
 *  interrupt. */
bool ash_vgic_has_deliverable(const struct ash_vgic_vcpu *vcpu);

/* ---- For whoever looks on ---------------------------------------------------------------------- */

/** An interrupt as it stands. */
struct ash_vgic_view {
    bool enabled;
    bool pending;
    bool active;
    bool level;  /* its input line is high */
    bool edge;   /* edge-triggered */
    bool group1; /* else Group 0 */
    bool linked; /* to a physical one: ash_vgic_connect_hw() */
    uint8_t priority;
    uint16_t target; /* the vCPU that gets it next; ASH_VGIC_NO_VCPU: none, or 1 of N that is not pending */
};

/** How @intid stands: @vcpu's, if it is private; any valid vCPU for an SPI. What a vCPU that is loaded has in its list
 *  registers is as of its last sync: nothing is asked of it. HAL: none.
 *  Returns ASH_OK, ASH_EINVAL (@vcpu), ASH_ENOENT (no such INTID): *@view is as it was. */
int ash_vgic_view(struct ash_vgic *vgic, uint32_t vcpu, uint32_t intid,
                  struct ash_vgic_view *view) ASH_NODISCARD;

/* ---- The whole state as plain data ------------------------------------------------------------- */

struct ash_vgic_state; /* libvgic/state.h */

/** Write all that the guest could tell into @state: ASH_VGIC_STATE_SIZE(vcpu_count, spi_count) bytes, aligned
 *  as uint64_t. All vCPUs are off their CPUs (put). Links (connect_hw) and whether a linked physical
 *  interrupt is active are facts of the machine: they are not part of it. HAL: none.
 *  Returns ASH_OK; ASH_EINVAL (@size is not the size); ASH_EBUSY (a vCPU is loaded). */
int ash_vgic_export(const struct ash_vgic *vgic, struct ash_vgic_state *state, size_t size) ASH_NODISCARD;

/** Take the state that ash_vgic_export() wrote, here or elsewhere, in place of the present one. All vCPUs are
 *  off their CPUs. What is linked stays linked; physical interrupts that wait for the guest's deactivation are
 *  deactivated, so that their devices can ask again. @state is not trusted. HAL: kick, hw_deactivate.
 *  Returns ASH_OK; ASH_EBUSY (a vCPU is loaded); ASH_ENOTSUP (another version of the struct or of the GIC,
 *  other counts of vCPUs, SPIs, priority or preemption bits, other affinities); ASH_EINVAL (@size; a value that
 *  no export writes). Nothing has changed then. */
int ash_vgic_import(struct ash_vgic *vgic, const struct ash_vgic_state *state, size_t size) ASH_NODISCARD;

#ifdef __cplusplus
}
#endif

#endif
