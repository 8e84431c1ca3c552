/* SPDX-License-Identifier: BSD-2-Clause */
/** VMs on a switch of the simulated machine: Alice, Bob and Eve with a network device each, whose drivers send frames
 *  that say what they are, and Boss, who commands. */
#ifndef SIM_STATIONS_H
#define SIM_STATIONS_H

#include "driver.h"
#include "glue/virtio_net.h"

#define SEEDS   25U
#define RINGS   UINT64_C(0x100000) /* of RAM: rings of the two queues, ... */
#define BUFFERS UINT64_C(0x140000) /* ... buffers to receive into, ... */
#define SENDING UINT64_C(0x200000) /* ... and those of what is sent */
#define BUFFER  UINT64_C(0x800)
#define LONG    UINT64_C(0x10000)
#define HEADER  12U
#define TIMEOUT 60000U

enum { ALICE, BOB, EVE, BOSS, VMS };

/* 5.1.3 */
#define MERGEABLE UINT64_C(0x8000)
#define OFFLOADS  UINT64_C(0x7f83)
#define ALL       (MERGEABLE | OFFLOADS)

extern struct sim sim;

/** One VM's driver, and what it has seen. */
struct station {
    unsigned vm;
    bool is_open;
    struct sim_queue rx, tx;
    unsigned in_flight; /* frames, each a chain of two */
    unsigned buffers;   /* for the device to write */
    uint64_t features;
    uint32_t sent;      /* frames, and their number */
    uint32_t got;       /* of frames that were meant for it */
    uint32_t last[VMS]; /* the number of the newest of each sender */
    unsigned merged;    /* chains still to come of the frame that is arriving */
    unsigned char frame[LONG + 32U];
    uint32_t frame_at, frame_size;
    unsigned longest;
};
extern struct station stations[VMS];
extern unsigned char scratch[LONG];
extern const unsigned char plain[HEADER]; /* of a frame that needs nothing done */

/** A board of four CPUs with the first @count VMs and their switch; no allocation fails. */
void board(unsigned count);
void mac_of(unsigned vm, uint8_t *mac);
/** Whose vCPU it is. */
unsigned who_is(const struct hv_vcpu *vcpu);
/** Of VM @vm's port: what is counted. */
uint64_t counted(unsigned vm, enum hv_vswitch_count what);

void open_station(struct hv_cpu *cpu, struct hv_vcpu *vcpu, unsigned vm, uint64_t features);
/** Until the device has @most. */
void give_buffers(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct station *station, unsigned most);
/** Addresses, a type for experiments, sender, number, size; the rest follows from these. */
void make_frame(unsigned char *bytes, unsigned from, const uint8_t *to, uint32_t number, uint32_t size);
/** Put it into a buffer and make it available, behind @header. */
void add_frame(struct hv_vcpu *vcpu, struct station *station, const unsigned char *header,
               const unsigned char *bytes, uint32_t size);
void reap(struct hv_vcpu *vcpu, struct station *station);
/** A frame to @to if there is room for it in the ring. */
bool send_to(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct station *station, const uint8_t *to,
             uint32_t size);
/** What has come. Each frame from Alice or Bob is as they sent it, and newer than all before. */
void receive(struct hv_vcpu *vcpu, struct station *station);

#endif
