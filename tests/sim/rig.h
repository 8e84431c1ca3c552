/* SPDX-License-Identifier: BSD-2-Clause */
/** A simulated board: RAM, CPUs, a bundle built in memory, and guests that are functions. hv_boot() runs on it as it
 *  would on a board; hv/arch/host takes the place of hv/arch/aarch64. */
#ifndef SIM_RIG_H
#define SIM_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/host/host.h"
#include "core/hv.h"
#include "testkit/cmocka.h"
#include "testkit/seed.h"

#define SIM_NONCE     "5f3a91"
#define SIM_MIB       (UINT64_C(1) << 20)
#define SIM_RAM_BASE  UINT64_C(0x40000000) /* PA = address in this process, as hv's map is the identity */
#define SIM_RAM_SIZE  (48U * SIM_MIB)
#define SIM_MAX_TURNS 400000U
#define SIM_TIMER     27U /* the virtual timer's INTID */

/** One VM of vms.dts. */
struct sim_vm {
    const char *name;
    unsigned vcpus;
    unsigned affinity[HV_MACHINE_MAX_VCPUS];
    bool has_affinity;
    uint32_t cpus;      /* of each vCPU: those that it may run on, a bit each; 0: one only */
    uint64_t memory;    /* bytes */
    unsigned priority;  /* 0: not given */
    unsigned slice_us;  /* likewise */
    unsigned budget_us; /* likewise, with @period_us */
    unsigned period_us;
    unsigned console_buffer; /* bytes; 0: not given */
    const char *kernel;      /* NULL: "guest.bin" */
    bool background;
    bool manager;
    uint64_t base;  /* of the memory, 1:1; 0: anywhere */
    bool in_memory; /* no kernel: enter at @entry, with the tree at @setup_data (0: none) */
    uint64_t entry;
    uint64_t setup_data;
    const char *on_poweroff; /* NULL: not given */
    const char *on_reset;
    const char *on_crash;
    unsigned restart_limit[2]; /* 0 seconds: not given */
    unsigned shutdown_timeout_ms;
    bool pause_stops_time;
    bool no_autostart;
    const char *machine;       /* NULL: not given */
    void (*nodes)(void *tree); /* writes nodes below the VM's, with libfdt's functions for that; NULL: none */
};

struct sim {
    struct hv hv;
    struct hv_cpu cpu[HV_MAX_CPUS];
    struct hv_host_result result;
};

/** A board with @cpus CPUs and a bundle with @vms and the files "guest.bin" (sim_kernel) and "disk.img" (sim_disk). The
 *  rest of RAM is free. */
void sim_board(struct sim *sim, unsigned cpus, const struct sim_vm *vms, unsigned count);

/** The same, but /vms stands in the board's own tree. The bundle holds "guest.bin" alone, or (@images false) there is
 *  none. */
void sim_board_with_tree(struct sim *sim, unsigned cpus, const struct sim_vm *vms, unsigned count,
                         bool images);

/** The same as sim_board(), but the bundle is @size bytes at @bundle. */
void sim_board_with(struct sim *sim, unsigned cpus, const void *bundle, size_t size);

/** Boot it and run until the machine is off; it must get there. Then sim_assert_consistent(). */
void sim_run(struct sim *sim, hv_host_guest *guest, uint64_t seed);

/** What VMs take and give back: the ownership map, the page pool, who has which CPU. */
struct sim_account {
    struct hv_ranges ranges;
    uint64_t pages[HV_PAGES_WORDS];
    uint32_t pages_used;
    uint32_t cpu_vcpus[HV_MAX_CPUS];
    uint64_t cpu_share[HV_MAX_CPUS];
    uint32_t sched_count[HV_MAX_CPUS];
    uint32_t vms;
};

void sim_account(const struct hv *hv, struct sim_account *account);
void sim_assert_same_account(const struct hv *hv, const struct sim_account *before);

/** After a run: every VM is over, no vCPU is on or loaded, the ownership map tiles RAM and agrees with
 *  the VMs, the page pool's bits and count agree, and nothing was taken since the first guest ran. */
void sim_assert_consistent(const struct sim *sim);

/** The log holds @text. */
void sim_assert_says(const struct sim *sim, const char *text);
void sim_assert_says_not(const struct sim *sim, const char *text);
/** How often. */
unsigned sim_count(const struct sim *sim, const char *text);

/** The last line is the exit line with this status, VM (NULL: any) and the nonce, and there is no other. */
void sim_assert_exit(const struct sim *sim, const char *status, const char *vm);

/** The contents of guest.bin. */
extern const uint8_t sim_kernel[3000];

/** And of disk.img: each sector says its number, in each of its 64-bit words. */
#define SIM_DISK_SECTORS 33U
extern uint64_t sim_disk[SIM_DISK_SECTORS * 64U];

/** What stands beside the VMs below /vms in the boards to come, written with libfdt; NULL: nothing. */
void sim_beside_vms(void (*write)(void *tree));

/** @test with @seeds seeds: those from test_rng_init() on. @name: what is printed with it. */
void sim_under_seeds(const char *name, unsigned seeds, void (*test)(uint64_t seed));

/* ---- What guests do ---------------------------------------------------------------------------------------------- */

/** HVC: the result is in x0. */
enum hv_verdict sim_hvc(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint32_t function, uint64_t arg1,
                        uint64_t arg2, uint64_t arg3);

/** PSCI SYSTEM_OFF. */
enum hv_verdict sim_off(struct hv_cpu *cpu, struct hv_vcpu *vcpu);

/** The virtual timer is due at @at, in ticks. */
void sim_set_timer(struct hv_vcpu *vcpu, uint64_t at);

static inline int64_t sim_x0(const struct hv_vcpu *vcpu)
{
    return (int64_t)vcpu->context.x[0];
}

static inline bool sim_is(const struct hv_vcpu *vcpu, const char *vm)
{
    return __builtin_strcmp(vcpu->vm->name, vm) == 0;
}

/** Write a line on the guest's PL011. */
void sim_print(struct hv_cpu *cpu, struct hv_vcpu *vcpu, const char *line);

/** A 32-bit access to the device at @ipa. A write returns what it wrote. */
uint32_t sim_device(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t ipa, bool is_write, uint32_t word);

/** A 32-bit word of guest RAM, @index words from its start. */
uint32_t sim_peek(struct hv_vcpu *vcpu, unsigned index);
void sim_poke(struct hv_vcpu *vcpu, unsigned index, uint32_t value);

/** Enable Group 1 and this vCPU's SGIs; send one; is one in a list register or pending for it? */
void sim_gic_enable(struct hv_cpu *cpu, struct hv_vcpu *vcpu);
void sim_send_sgi(struct hv_cpu *cpu, struct hv_vcpu *vcpu, unsigned intid, unsigned target_list);
/** Acknowledge and end the highest-priority pending interrupt in the list registers: its INTID, or 1023. */
unsigned sim_acknowledge(struct hv_cpu *cpu, struct hv_vcpu *vcpu);

/** Have VMs [first, end) destroyed. True: none of them is there any more. */
bool sim_destroy_all(struct hv_cpu *cpu, uint32_t first, uint32_t end);

#endif
