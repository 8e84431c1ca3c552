/* SPDX-License-Identifier: BSD-2-Clause */
/** A guest's driver of one port behind the first of its virtio console (VIRTIO 1.2, 5.3), by virtio_driver.h. All calls
 *  within the guest's function, on its vCPU. */
#ifndef SIM_PORT_H
#define SIM_PORT_H

#include "virtio_driver.h"

#define SIM_PORT_BUFFER 4096U /* of output; and the most of input */

struct sim_port {
    struct sim_driver drv;
    uint32_t device;  /* which of the VM's */
    uint32_t in_size; /* of each input buffer */
    uint32_t free;    /* output descriptors, a bit each */
    bool is_open;     /* the other end, as the device says */
    unsigned opens, closes;
};

/** From reset to an open port 1 of device @device of the VM, with @inputs buffers of @in_size for input. */
void sim_port_start(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct sim_port *port, uint32_t device,
                    uint32_t inputs, uint32_t in_size);

/** Open or close this end. */
void sim_port_set_open(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct sim_port *port, bool is_open);

/** A control message of any kind. */
void sim_port_tell(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct sim_port *port, uint32_t id,
                   uint16_t event, uint16_t value);

/** What the device says of the port: into @port. */
void sim_port_look(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct sim_port *port);

/** Queue at most SIM_PORT_BUFFER bytes. False: no descriptor is free. */
bool sim_port_say(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct sim_port *port, const void *bytes,
                  uint32_t size);
/** Has all that was said been taken? */
bool sim_port_is_said(struct hv_vcpu *vcpu, struct sim_port *port);

/** The next buffer of input, to @bytes, which has room for in_size; its size, 0: none. */
uint32_t sim_port_hear(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct sim_port *port, void *bytes);

#endif
