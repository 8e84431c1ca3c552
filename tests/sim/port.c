/* SPDX-License-Identifier: BSD-2-Clause */
#include "port.h"

#include <string.h>

#include <libbase/endian.h>

enum { CONTROL_IN = 2, CONTROL_OUT = 3, INPUT = 4, OUTPUT = 5, QUEUES = 6 };
enum { DEVICE_READY = 0, PORT_READY = 3, PORT_OPEN = 6 };

#define MULTIPORT     2U
#define CONTROL_BYTES 64U
#define EVERY         ((1U << SIM_VIRTIO_SIZE) - 1U)

/** From the start of RAM: a page each. */
static uint64_t buffer(uint32_t queue, uint32_t id)
{
    return 0x80000U + 0x10000U * queue + 0x1000U * id;
}

void sim_port_tell(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct sim_port *port, uint32_t id,
                   uint16_t event, uint16_t value)
{
    const uint8_t message[8] = {(uint8_t)id,         (uint8_t)(id >> 8),   (uint8_t)(id >> 16),
                                (uint8_t)(id >> 24), (uint8_t)event,       (uint8_t)(event >> 8),
                                (uint8_t)value,      (uint8_t)(value >> 8)};
    uint32_t used, written;

    sim_ram_write(vcpu, buffer(CONTROL_OUT, 0), message, sizeof(message));
    sim_driver_offer(vcpu, &port->drv, CONTROL_OUT, 0, buffer(CONTROL_OUT, 0), sizeof(message), false);
    sim_driver_kick(cpu, vcpu, &port->drv, CONTROL_OUT);
    assert_true(sim_driver_used(vcpu, &port->drv, CONTROL_OUT, &used, &written));
    assert_int_equal(written, 0);
}

void sim_port_set_open(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct sim_port *port, bool is_open)
{
    sim_port_tell(cpu, vcpu, port, 1, PORT_OPEN, is_open ? 1 : 0);
}

void sim_port_start(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct sim_port *port, uint32_t device,
                    uint32_t inputs, uint32_t in_size)
{
    *port = (struct sim_port){.device = device, .in_size = in_size, .free = EVERY};
    sim_driver_start(cpu, vcpu, &port->drv, device, QUEUES, MULTIPORT);
    for (uint32_t i = 0; i < SIM_VIRTIO_SIZE; i++) {
        sim_driver_offer(vcpu, &port->drv, CONTROL_IN, i, buffer(CONTROL_IN, i), CONTROL_BYTES, true);
    }
    for (uint32_t i = 0; i < inputs; i++) {
        sim_driver_offer(vcpu, &port->drv, INPUT, i, buffer(INPUT, i), in_size, true);
    }
    sim_driver_kick(cpu, vcpu, &port->drv, CONTROL_IN);
    sim_driver_kick(cpu, vcpu, &port->drv, INPUT);
    sim_port_tell(cpu, vcpu, port, 0, DEVICE_READY, 1);
    sim_port_tell(cpu, vcpu, port, 1, PORT_READY, 1);
    sim_port_set_open(cpu, vcpu, port, true);
}

void sim_port_look(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct sim_port *port)
{
    uint8_t message[8];
    uint32_t id, written;
    bool kick = false;

    while (sim_driver_used(vcpu, &port->drv, CONTROL_IN, &id, &written)) {
        assert_in_range(written, sizeof(message), CONTROL_BYTES);
        sim_ram_read(vcpu, buffer(CONTROL_IN, id), message, sizeof(message));
        if (ash_load_le32(message) == 1U && ash_load_le16(message + 4) == PORT_OPEN) {
            const bool is_open = ash_load_le16(message + 6) != 0U;

            port->opens += is_open ? 1U : 0U;
            port->closes += port->is_open && !is_open ? 1U : 0U;
            port->is_open = is_open;
        }
        sim_driver_offer(vcpu, &port->drv, CONTROL_IN, id, buffer(CONTROL_IN, id), CONTROL_BYTES, true);
        kick = true;
    }
    if (kick) {
        sim_driver_kick(cpu, vcpu, &port->drv, CONTROL_IN);
    }
}

bool sim_port_is_said(struct hv_vcpu *vcpu, struct sim_port *port)
{
    uint32_t id, written;

    while (sim_driver_used(vcpu, &port->drv, OUTPUT, &id, &written)) {
        assert_int_equal(written, 0);
        assert_int_equal(port->free >> id & 1U, 0);
        port->free |= 1U << id;
    }
    return port->free == EVERY;
}

bool sim_port_say(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct sim_port *port, const void *bytes,
                  uint32_t size)
{
    uint32_t id = 0;

    assert_true(size > 0U && size <= SIM_PORT_BUFFER);
    (void)sim_port_is_said(vcpu, port);
    while (id < SIM_VIRTIO_SIZE && (port->free >> id & 1U) == 0U) {
        id++;
    }
    if (id == SIM_VIRTIO_SIZE) {
        return false;
    }
    port->free &= ~(1U << id);
    sim_ram_write(vcpu, buffer(OUTPUT, id), bytes, size);
    sim_driver_offer(vcpu, &port->drv, OUTPUT, id, buffer(OUTPUT, id), size, false);
    sim_driver_kick(cpu, vcpu, &port->drv, OUTPUT);
    return true;
}

uint32_t sim_port_hear(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct sim_port *port, void *bytes)
{
    uint32_t id, written;

    if (!sim_driver_used(vcpu, &port->drv, INPUT, &id, &written)) {
        return 0;
    }
    assert_in_range(written, 1, port->in_size);
    sim_ram_read(vcpu, buffer(INPUT, id), bytes, written);
    sim_driver_offer(vcpu, &port->drv, INPUT, id, buffer(INPUT, id), port->in_size, true);
    sim_driver_kick(cpu, vcpu, &port->drv, INPUT);
    return written;
}
