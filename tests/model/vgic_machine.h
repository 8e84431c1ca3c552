/* SPDX-License-Identifier: BSD-2-Clause */
/** libvgic beside its oracle: a VM's GIC, its vCPUs on physical CPUs with fake_gic_cpu's virtual CPU
 *  interfaces, the physical interrupts that are linked to virtual ones, and the checks that hold after every
 *  step.
 *
 *  The hypervisor here is the one that libvgic/vgic.h describes: it flushes before each entry when
 *  ash_vgic_needs_flush() says so, and a kicked vCPU exits soon but not at once. Until then its list
 *  registers are old, and what the guest does with old ones is judged by what was true when they were filled.
 *  */
#ifndef MODEL_VGIC_MACHINE_H
#define MODEL_VGIC_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include <libvgic/vgic.h>
#include <testkit/fake_gic_cpu.h>
#include <testkit/seed.h>

#include "vgic_oracle.h"

#define MACHINE_EVENTS(X)                                                                                    \
    X(READ, "guest reads of registers")                                                                      \
    X(READ_BUSY, "reads that waited for other vCPUs' list registers")                                        \
    X(WRITE, "guest writes to registers")                                                                    \
    X(WILD_ACCESS, "accesses of any width at any offset")                                                    \
    X(ACKNOWLEDGED, "interrupts acknowledged")                                                               \
    X(ACKNOWLEDGED_OLD, "acknowledged from list registers that were old by then")                            \
    X(ACKNOWLEDGED_NESTED, "acknowledged while another one was active")                                      \
    X(SPURIOUS, "acknowledge registers read without an interrupt for them")                                  \
    X(EOI, "ends of interrupt")                                                                              \
    X(EOI_OVERFLOW, "ends of an interrupt that was in no list register")                                     \
    X(DEACTIVATED, "deactivations in EOI mode 1")                                                            \
    X(DEACTIVATED_TRAPPED, "deactivations that trapped")                                                     \
    X(INTERFACE, "priority mask, binary point, group enables, EOI mode written")                             \
    X(SGI, "SGIs generated")                                                                                 \
    X(LINE_UP, "input lines raised")                                                                         \
    X(LINE_DOWN, "input lines lowered")                                                                      \
    X(PULSE, "edges")                                                                                        \
    X(FIRED, "linked physical interrupts fired")                                                             \
    X(TAKEN_BACK, "linked interrupts taken back before the guest had them")                                  \
    X(HARDWARE_END, "physical interrupts that a guest's EOI deactivated")                                    \
    X(LIBRARY_END, "physical interrupts that the library asked to deactivate")                               \
    X(FAST, "interrupts injected the short way")                                                             \
    X(FAST_REFUSED, "short ways refused")                                                                    \
    X(AGAIN, "linked interrupts injected the shortest way")                                                  \
    X(AGAIN_REFUSED, "shortest ways refused")                                                                \
    X(EXIT, "exits that synced and flushed")                                                                 \
    X(EXIT_EMPTY, "exits in which nothing had changed")                                                      \
    X(MAINTENANCE, "maintenance interrupts")                                                                 \
    X(KICK, "kicks")                                                                                         \
    X(LOAD, "vCPUs loaded")                                                                                  \
    X(PUT, "vCPUs put")                                                                                      \
    X(OFFLINE, "vCPUs switched off")                                                                         \
    X(CPU_RESET, "vCPUs reset")                                                                              \
    X(RESET, "whole VMs reset")                                                                              \
    X(SLEEP, "redistributors put to sleep")                                                                  \
    X(CONFIGURED, "interrupts changed between level and edge")                                               \
    X(OVERFLOW, "exits with more interrupts than list registers")                                            \
    X(RWP, "reads with a write still in progress")                                                           \
    X(MOVED, "states exported and imported by a new GIC")                                                    \
    X(MESSAGE, "interrupts by message")                                                                      \
    X(RAMPAGE, "operations of guests that keep to nothing")                                                  \
    X(QUIESCED, "times that everything pending was taken")

#define MACHINE_ENUM(id, text) MACHINE_##id,
enum machine_event { MACHINE_EVENTS(MACHINE_ENUM) MACHINE_EVENT_COUNT };
#undef MACHINE_ENUM

#define MACHINE_LINKS 4U /* PPIs 27 and 26 of each vCPU, two SPIs */
#define MACHINE_ACKS  64U

struct machine_config {
    const char *name;
    unsigned version, vcpus, spis, lrs, priority_bits, preemption_bits;
    bool has_tdir; /* GICv2: GICV_DIR is not mapped, and traps */
    bool clusters; /* affinities of two clusters, with holes */
    bool by_hal;   /* deactivate_by_hal */
};

/** What was done to an interrupt since a vCPU's last exit, the worst of it. */
enum machine_touch { TOUCH_NONE, TOUCH_LINE, TOUCH_PENDING, TOUCH_ACTIVE };

struct machine_ack {
    uint32_t value; /* as IAR gave it */
    uint8_t group;
    bool dropped;
};

struct machine_vcpu {
    int pcpu; /* -1: not loaded */
    bool kicked;
    bool was_signalled; /* while not loaded: the last answer */
    uint8_t touched[ORACLE_INTIDS];
    bool ended[ORACLE_INTIDS]; /* since the last exit: by an EOI that is only counted, by ICACTIVER */
    struct machine_ack ack[MACHINE_ACKS]; /* acknowledged and not yet ended */
    unsigned acks;
};

struct machine_physical {
    bool line, active;
};

struct machine;

/** A physical CPU: its virtual CPU interface and the vCPU on it. */
struct machine_pcpu {
    struct machine *machine;
    struct fake_gic_cpu hardware;
    int vcpu; /* -1: none */
};

struct machine {
    const struct machine_config *config;
    uint64_t *events;
    uint64_t operations;
    struct test_rng *rng;
    struct oracle oracle;
    struct ash_vgic gic;
    struct ash_vgic_vcpu vcpu[ORACLE_VCPUS];
    struct ash_vgic_vcpu *pointers[ORACLE_VCPUS];
    struct ash_vgic_irq spis[ASH_VGIC_MAX_SPIS];
    struct machine_vcpu guest[ORACLE_VCPUS];
    struct machine_pcpu pcpu[ORACLE_VCPUS];
    struct machine_physical ppi[ORACLE_VCPUS][2], spi[2];
    char last[200]; /* the operation under way, for messages */
};

#define MACHINE_NOBODY ORACLE_VCPUS

/** Set up, in the reset state, nothing loaded. */
void machine_init(struct machine *machine, const struct machine_config *config, struct test_rng *rng,
                  uint64_t *events);
void machine_reset(struct machine *machine);
/** Export, and import by the same or a new GIC. */
void machine_move(struct machine *machine);
/** CPU_ON and CPU_OFF of a vCPU that is not loaded. */
void machine_cpu_on(struct machine *machine, unsigned vcpu);
void machine_cpu_off(struct machine *machine, unsigned vcpu);
/** Name the operation that follows. */
void machine_say(struct machine *machine, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Fail the test, with the last operation, the machine and the seed's hint. */
void machine_fail(const struct machine *machine, const char *format, ...)
    __attribute__((format(printf, 2, 3), noreturn));
void machine_count(struct machine *machine, enum machine_event event);

uint64_t machine_below(struct machine *machine, uint64_t bound);
bool machine_percent(struct machine *machine, unsigned chance);

/* ---- The hypervisor */

struct fake_gic_cpu *machine_hardware(struct machine *machine, unsigned vcpu);
void machine_load(struct machine *machine, unsigned vcpu);
void machine_put(struct machine *machine, unsigned vcpu);
/** Must the vCPU exit: work, or a maintenance interrupt? */
bool machine_wants_exit(struct machine *machine, unsigned vcpu);
/** An exit and the entry after it. */
void machine_exit(struct machine *machine, unsigned vcpu);
void machine_exit_all(struct machine *machine);
/** An exit for no reason changes nothing. */
void machine_exit_idle(struct machine *machine, unsigned vcpu);
void machine_touch(struct machine *machine, uint32_t intid, enum machine_touch touch);
void machine_touch_all(struct machine *machine, enum machine_touch touch);
/** The vCPU is on a CPU and, unless @may_be_old lets it, up to date. */
void machine_enter(struct machine *machine, unsigned vcpu, bool may_be_old);

/** Nothing that hardware forbids was done to it. */
void machine_check_hardware(const struct machine *machine, const struct fake_gic_cpu *hardware);
void machine_forget_touches(struct machine *machine, unsigned vcpu);
/** Tell the oracle what list registers that are old still hold. */
void machine_mark_old(struct machine *machine);
/** After every operation. @actor: who did it, its exit is under way; or MACHINE_NOBODY. */
void machine_check(struct machine *machine, unsigned actor);

/* ---- Links */

/** -1 if @intid is not linked, else which link of struct machine. */
int machine_link(const struct machine *machine, uint32_t intid);
struct machine_physical *machine_physical(struct machine *machine, unsigned vcpu, unsigned link);
uint32_t machine_link_intid(const struct machine *machine, unsigned link);

/* ---- Registers */

/** The library's answer, nothing compared. */
int machine_access(struct machine *machine, const struct oracle_access *access, bool is_write,
                   uint64_t *value);
/** ASH_EBUSY: everybody concerned exits. */
void machine_wait(struct machine *machine);
/** A read whose answer is compared; waits as ASH_EBUSY asks. */
uint64_t machine_read(struct machine *machine, const struct oracle_access *access);
void machine_write(struct machine *machine, const struct oracle_access *access, uint64_t value);

#endif
