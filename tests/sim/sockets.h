/* SPDX-License-Identifier: BSD-2-Clause */
/** Three VMs with sockets, "three", "four" and "five" after their CIDs, whose drivers write packets by hand (VIRTIO
 *  1.2, 5.10.6). */
#ifndef SIM_SOCKETS_H
#define SIM_SOCKETS_H

#include <string.h>

#include <libfdt.h>

#include "arch/arch.h"
#include "virtio_driver.h"

#define SEEDS  20U
#define BUFFER 0x80000U /* from the start of RAM: a page for each descriptor of a queue, 64 KiB apart */
#define HEADER 44U
#define STREAM 60000U
#define VSOCK  48U /* its INTID: SPI 16 */

enum { RECEIVE, TRANSMIT };
enum { STATUS = 0x70, CONFIG = 0x100 };
enum { REQUEST = 1, RESPONSE, RST, SHUTDOWN, RW, CREDIT_UPDATE };

static struct sim sim;

static inline void write_cid(void *tree, uint32_t cid)
{
    assert_int_equal(fdt_begin_node(tree, "virtio_vsock"), 0);
    assert_int_equal(fdt_property_u32(tree, "cid", cid), 0);
    assert_int_equal(fdt_end_node(tree), 0);
}

static inline void cid_3(void *tree)
{
    write_cid(tree, 3);
}

static inline void cid_4(void *tree)
{
    write_cid(tree, 4);
}

static inline void cid_5(void *tree)
{
    write_cid(tree, 5);
}

static const struct sim_vm vms[] = {
    {.name = "three", .vcpus = 1, .memory = 2U * SIM_MIB, .nodes = cid_3},
    {.name = "four", .vcpus = 1, .memory = 2U * SIM_MIB, .nodes = cid_4},
    {.name = "five", .vcpus = 1, .memory = 2U * SIM_MIB, .nodes = cid_5},
};

struct packet {
    uint64_t src, dst;
    uint32_t src_port, dst_port, length;
    uint16_t type, op;
    uint32_t flags, buf_alloc, fwd_cnt;
};
ASH_STATIC_ASSERT(offsetof(struct packet, fwd_cnt) == HEADER - 4U,
                  "as on the wire, on a little-endian machine");

/* What the guests of a run know, by their CID - 3. */
static struct guest {
    struct sim_driver drv;
    uint32_t free; /* descriptors of TRANSMIT, a bit each */
    uint32_t sent, got;
    uint32_t resets; /* RSTs that came */
    uint32_t step;
    uint32_t from; /* in bytes: where an answer begins */
    uint32_t lives;
    bool up; /* its driver is */
    bool done;
    struct packet last;
    unsigned char bytes[STREAM + 8192U];
} guests[3];

static inline struct guest *guest_of(const struct hv_vcpu *vcpu)
{
    return &guests[sim_is(vcpu, "three") ? 0 : sim_is(vcpu, "four") ? 1 : 2];
}

static inline uint64_t cid_of(const struct guest *guest)
{
    return 3U + (uint64_t)(guest - guests);
}

static inline uint64_t buffer(uint32_t queue, uint32_t id)
{
    return BUFFER + 0x10000U * queue + 0x1000U * id;
}

static inline void start(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct guest *guest, uint32_t buffers,
                         uint32_t size)
{
    sim_driver_start(cpu, vcpu, &guest->drv, 0, 3, 0);
    assert_int_equal(sim_driver_read(cpu, vcpu, &guest->drv, CONFIG), cid_of(guest));
    guest->free = (1U << SIM_VIRTIO_SIZE) - 1U;
    for (uint32_t i = 0; i < buffers; i++) {
        sim_driver_offer(vcpu, &guest->drv, RECEIVE, i, buffer(RECEIVE, i), size, true);
    }
    sim_driver_kick(cpu, vcpu, &guest->drv, RECEIVE);
    guest->up = true;
}

static inline bool send(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct guest *guest,
                        const struct packet *packet, const void *payload)
{
    uint32_t id, written;

    while (sim_driver_used(vcpu, &guest->drv, TRANSMIT, &id, &written)) {
        guest->free |= 1U << id;
    }
    for (id = 0; id < SIM_VIRTIO_SIZE && (guest->free >> id & 1U) == 0U;) {
        id++;
    }
    if (id == SIM_VIRTIO_SIZE) {
        return false;
    }
    guest->free &= ~(1U << id);
    sim_ram_write(vcpu, buffer(TRANSMIT, id), packet, HEADER);
    sim_ram_write(vcpu, buffer(TRANSMIT, id) + HEADER, payload, packet->length);
    sim_driver_offer(vcpu, &guest->drv, TRANSMIT, id, buffer(TRANSMIT, id), HEADER + packet->length, false);
    sim_driver_kick(cpu, vcpu, &guest->drv, TRANSMIT);
    return true;
}

static inline struct packet make(const struct guest *guest, uint64_t dst, uint16_t op, uint32_t length)
{
    return (struct packet){.src = cid_of(guest),
                           .dst = dst,
                           .src_port = 1000,
                           .dst_port = 2000,
                           .length = length,
                           .type = 1,
                           .op = op,
                           .buf_alloc = 0x40000,
                           .fwd_cnt = guest->got};
}

/** The next packet, in guest->last; a payload goes behind guest->bytes. The buffer is offered again. */
static inline bool receive(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct guest *guest, uint32_t size)
{
    uint32_t id, written;

    if (!sim_driver_used(vcpu, &guest->drv, RECEIVE, &id, &written)) {
        return false;
    }
    sim_ram_read(vcpu, buffer(RECEIVE, id), &guest->last, HEADER);
    assert_int_equal(written, HEADER + guest->last.length);
    assert_int_equal(guest->last.dst, cid_of(guest));
    assert_true(guest->got + guest->last.length <= sizeof(guest->bytes));
    sim_ram_read(vcpu, buffer(RECEIVE, id) + HEADER, guest->bytes + guest->got, guest->last.length);
    guest->got += guest->last.length;
    guest->resets += guest->last.op == RST ? 1U : 0U;
    sim_driver_offer(vcpu, &guest->drv, RECEIVE, id, buffer(RECEIVE, id), size, true);
    sim_driver_kick(cpu, vcpu, &guest->drv, RECEIVE);
    return true;
}

static inline void run(unsigned count, hv_host_guest *guest, uint64_t seed)
{
    memset(guests, 0, sizeof(guests));
    sim_board(&sim, 2, vms, count);
    sim_run(&sim, guest, seed);
    sim_assert_exit(&sim, "ok", NULL);
}

#endif
