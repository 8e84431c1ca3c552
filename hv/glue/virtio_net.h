/* SPDX-License-Identifier: BSD-2-Clause */
/** Network devices as somebody looks at them from outside. Lock domain: the VM list, whose lock is held: the VM is not
 *  destroyed meanwhile. */
#ifndef HV_GLUE_VIRTIO_NET_H
#define HV_GLUE_VIRTIO_NET_H

#include <libboot/config.h>

#include "vdev/vswitch.h"

struct hv_cpu;
struct hv_vm;

/** A network device, copied. */
struct hv_virtio_net_port {
    const char *switch_name;
    uint32_t device; /* which of its VM's virtio devices */
    uint8_t mac[HV_VSWITCH_MAC];
    uint16_t vlan;
    bool is_up;
    bool has_driver;
    uint64_t counts[HV_VSWITCH_COUNTS];
    uint64_t malformed; /* that the device did not hand to the switch */
    uint64_t filtered;  /* that the driver's filter did not want */
    uint64_t cut;       /* that it got, cut out of larger ones for it */
    uint64_t cut_short; /* larger ones of which it got the beginning only */
};

/** The first network device of @vm from its virtio device @device on. False: there is none. */
bool hv_virtio_net_look(struct hv_cpu *cpu, struct hv_vm *vm, uint32_t device,
                        struct hv_virtio_net_port *port);

/** Address @index of network device @device, as hv_vswitch_station(). */
bool hv_virtio_net_station(struct hv_cpu *cpu, struct hv_vm *vm, uint32_t device, uint32_t index,
                           struct hv_vswitch_station *station);

/** Pull the cables of all network devices of @vm, or plug them in; of its virtio device @device alone, if that is not
 *  UINT32_MAX. Returns how many there are. */
uint32_t hv_virtio_net_set_link(struct hv_cpu *cpu, struct hv_vm *vm, uint32_t device, bool is_up);

#endif
