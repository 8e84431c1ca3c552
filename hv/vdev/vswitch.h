/* SPDX-License-Identifier: BSD-2-Clause */
/** An Ethernet switch: frames go from a port to those where their destination is, bytes from their sender's buffers
 *  straight into their receivers'. IEEE Std 802.1Q-2018; numbers in parentheses are its clauses.
 *
 *  VLANs: a port belongs to one. In VLAN 1..4094 it is an access port: frames come and go untagged; a tag that
 *  names no VLAN (priority) is taken off, a frame with any other is dropped (6.9). VLAN 0 is the segment of all
 *  ports that were given none: it knows nothing of tags (802.1D), which pass as payload between these ports and
 *  nowhere else.
 *  Ports are hostile. A port's own address is a static entry (8.8.1), and nobody else's frames may bear it. What
 *  else it speaks for is learned (8.7) into entries of its own, so that it cannot displace another's. What the
 *  switch decided on is what it hands over: a frame's first bytes are read once and kept, the sender may change
 *  the others only.
 *  There is no spanning tree: frames of the bridges' own protocols (table 8-1) end here, and two ways around are a
 *  loop, which the limits bound.
 *
 *  Time comes in as an argument and never runs backwards (if it does, time stands still). No allocation, and nothing
 *  waits: a call that cannot go on says so and is repeated.
 *  Lock domain of everything here: the switch with all its ports. Context: any CPU.
 */
#ifndef HV_VDEV_VSWITCH_H
#define HV_VDEV_VSWITCH_H

#include <stdbool.h>
#include <stdint.h>

#define HV_VSWITCH_PORTS    64U
#define HV_VSWITCH_LEARNED  16U /* addresses of a port beside its own */
#define HV_VSWITCH_BUCKETS  64U
#define HV_VSWITCH_HEAD     18U /* bytes: addresses, a tag, what is in the frame */
#define HV_VSWITCH_VLAN_MAX 4094U
#define HV_VSWITCH_MAC      6U
#define HV_VSWITCH_EACH                                                                                      \
    512U /* bytes for which a delivery counts beside its own: finding buffers, interrupting */
#define HV_VSWITCH_ELEMENT                                                                                   \
    64U /* bytes for which each element of the receiver's buffers counts that is looked at, but the first */

/** A frame, in a call: from the destination address on, without frame check sequence. */
struct hv_vswitch_frame {
    uint32_t size; /* bytes */
    uint32_t cut;  /* to deliver(): bytes taken off at 12: positions in @header are as much less */
    uint32_t *
        extra; /* to deliver(): what it costs beyond HV_VSWITCH_EACH and the frame's bytes, in bytes: 0 at first */

    /** Bytes [offset, offset+size), inside the frame, to @to. ASH_OK or an error. Must not call back. */
    int (*copy)(void *ctx, uint32_t offset, void *to, uint32_t size);
    void *ctx;
    const void *header; /* goes with the frame, unread */
};

/** Both inside a call of another port's; must not call back. */
struct hv_vswitch_ops {
    /** A frame for this port. ASH_OK: it has it. ASH_ENOSPC: no room now, hv_vswitch_room() will tell. ASH_EBUSY:
     *  nobody is there. Any other: it cannot take this frame. */
    int (*deliver)(void *ctx, const struct hv_vswitch_frame *frame);

    /** The frame for which hv_vswitch_send() answered ASH_EBUSY can go on now. */
    void (*resume)(void *ctx);
};

struct hv_vswitch_config {
    uint64_t frequency;      /* ticks a second, > 0 */
    uint64_t ageing_ticks;   /* after which an address that was not heard is forgotten (8.8.3), > 0 */
    uint64_t patience_ticks; /* the longest that a frame waits for room at its one receiver; 0: not at all */
    uint64_t hash_key;       /* what ports cannot guess */
};

struct hv_vswitch_port_config {
    uint8_t mac[HV_VSWITCH_MAC]; /* an individual address, not 0 */
    uint16_t vlan;               /* 0..HV_VSWITCH_VLAN_MAX */
    bool is_isolated;            /* nothing goes from one isolated port to another */
    uint64_t bytes_per_second;   /* what it may send; more waits. 0: no limit. At most 2^40 */
    uint64_t
        floods_per_second; /* frames of its that may go to more than one; more are lost. 0: no limit. At most 2^20 */
    const struct hv_vswitch_ops *ops;
    void *ctx;
};

/** What is counted of a port; of frames, where nothing else is said. */
enum hv_vswitch_count {
    HV_VSWITCH_IN, /* sent by it, and accepted */
    HV_VSWITCH_IN_BYTES,
    HV_VSWITCH_OUT, /* delivered to it */
    HV_VSWITCH_OUT_BYTES,
    HV_VSWITCH_FLOODS,    /* of those sent: for all, for a group, or for whoever it may be */
    HV_VSWITCH_DELAYS,    /* sends put off by the rate limit */
    HV_VSWITCH_WAITS,     /* sends put off for lack of room at the receiver */
    HV_VSWITCH_MALFORMED, /* sent and lost: shorter than its headers, or from no individual address */
    HV_VSWITCH_TAGGED,    /* sent and lost: a VLAN's tag on an access port */
    HV_VSWITCH_SPOOFED,   /* sent and lost: from another port's own address */
    HV_VSWITCH_RESERVED,  /* sent and lost: for bridges */
    HV_VSWITCH_NOWHERE,   /* sent and lost: no port to go to */
    HV_VSWITCH_STORM,     /* sent and lost: beyond floods_per_second */
    HV_VSWITCH_UNPLUGGED, /* sent and lost: the link is down */
    HV_VSWITCH_FULL,      /* for it and lost: no room */
    HV_VSWITCH_ABSENT,    /* for it and lost: nobody there, or the link is down */
    HV_VSWITCH_REFUSED,   /* for it and lost: it cannot take it */
    HV_VSWITCH_MOVED,     /* addresses that came here from another port */
    HV_VSWITCH_EVICTED,   /* addresses forgotten before their time, for a new one */
    HV_VSWITCH_COUNTS
};

/** An address and where it is; private. */
struct hv_vswitch_address {
    struct hv_vswitch_address *next; /* in its bucket */
    struct hv_vswitch_port *port;    /* NULL: no entry */
    uint64_t key;                    /* VLAN, address */
    uint64_t seen;
};

/** Virtual scheduling: @due is when all that was let through would be done at the limit's pace; private. */
struct hv_vswitch_limit {
    uint64_t per_second; /* 0: no limit */
    uint64_t due;
};

/** One port. Allocated by the caller, zeroed before it is first attached; private. */
struct hv_vswitch_port {
    struct hv_vswitch *on; /* NULL: not attached */
    struct hv_vswitch_port_config config;
    uint32_t number;
    bool is_up;
    bool is_stuck;    /* a frame has waited for room in vain, and there has been none since */
    uint64_t waiting; /* the ports that wait for room here */
    struct hv_vswitch_limit bytes, floods;
    struct {
        bool is_busy, is_flood, is_waiting;
        uint32_t cut, head_size; /* of what is delivered */
        unsigned char head[HV_VSWITCH_HEAD];
        uint64_t targets; /* ports that are still to have it */
        uint64_t give_up_at;
    } way; /* of the frame that this port is sending */
    uint64_t counts[HV_VSWITCH_COUNTS];
    struct hv_vswitch_address own, learned[HV_VSWITCH_LEARNED];
};

/** One switch. Allocated by the caller; private. */
struct hv_vswitch {
    struct hv_vswitch_config config;
    uint64_t now; /* the latest that was heard of */
    uint64_t attached;
    struct hv_vswitch_port *ports[HV_VSWITCH_PORTS];
    struct hv_vswitch_address *buckets[HV_VSWITCH_BUCKETS];
};

/** How much may be done, and how far that went. */
struct hv_vswitch_turn {
    uint64_t now;
    uint32_t
        bytes; /* that may be delivered, > 0; each delivery counts for HV_VSWITCH_EACH more. Counted down, to 0 */
    uint64_t
        again_at; /* with ASH_EBUSY: when to repeat the call if resume() has not been called; now: at once */
};

/** What is known of an address. */
struct hv_vswitch_station {
    uint8_t mac[HV_VSWITCH_MAC];
    uint16_t vlan;
    bool is_own;
    uint64_t age_ticks;
};

/** A switch without ports. Returns ASH_OK or ASH_EINVAL. */
int hv_vswitch_init(struct hv_vswitch *sw, const struct hv_vswitch_config *config);

/** Plug @port in, its link up, nothing counted. ops, ctx and the port itself stay until hv_vswitch_detach().
 *  Returns ASH_OK; ASH_EINVAL: a value out of its range; ASH_EBUSY: attached already; ASH_EEXIST: the address is
 *  another port's in this VLAN; ASH_ENOSPC: no port left. */
int hv_vswitch_attach(struct hv_vswitch *sw, struct hv_vswitch_port *port,
                      const struct hv_vswitch_port_config *config);

/** Unplug @port; not attached: nothing happens. What is on its way to it and from it is lost, and nobody calls its ops
 *  any more. HAL: resume() of those that wait for it. Cost: O(ports). */
void hv_vswitch_detach(struct hv_vswitch_port *port);

/** The link goes down or up. Down: what it was heard to speak for is forgotten, what is on its way from it is lost.
 *  HAL: resume() of those that wait for it. */
void hv_vswitch_set_link(struct hv_vswitch_port *port, bool is_up);

/** @port sends a frame, or goes on with the one that it is sending: the same, with the same ctx, until it is done.
 *  Returns ASH_OK: the frame is done with, delivered or lost, as counted; ASH_EBUSY: it is kept, call again
 *  (turn->again_at).
 *  HAL: copy, deliver() of the receivers. Cost: as @turn bounds it, one delivery beyond; else O(learned addresses). */
int hv_vswitch_send(struct hv_vswitch_port *port, const struct hv_vswitch_frame *frame,
                    struct hv_vswitch_turn *turn);

/** The frame that @port is sending is no more: the next one is new. */
void hv_vswitch_cancel(struct hv_vswitch_port *port);

/** @port has room, or nobody is there any more: those who wait shall try. HAL: their resume(). */
void hv_vswitch_room(struct hv_vswitch_port *port);

/** Address @index of @port, from 0: its own, then what it was heard to speak for. False: there is none of that number
 *  (behind it there may be: up to HV_VSWITCH_LEARNED). Pure. */
bool hv_vswitch_station(const struct hv_vswitch_port *port, uint32_t index,
                        struct hv_vswitch_station *station);

/** In a word; count: below HV_VSWITCH_COUNTS. Pure. */
const char *hv_vswitch_count_name(enum hv_vswitch_count count);

/* ---- Between the files of the switch ---------------------------------------------------------------- */

/** A key of the table; mac: HV_VSWITCH_MAC bytes. */
uint64_t hv_vswitch_key_(uint16_t vlan, const uint8_t *mac);

/** Where is this address? NULL: not known, or too long ago. Cost: O(addresses in the bucket). */
struct hv_vswitch_port *hv_vswitch_find_(struct hv_vswitch *sw, uint64_t key);

/** @port's own address enters the table, or is @key heard from @port? False: it is another port's own. */
bool hv_vswitch_claim_(struct hv_vswitch_port *port, uint64_t key);
bool hv_vswitch_learn_(struct hv_vswitch_port *port, uint64_t key);

/** Forget what @port was heard to speak for, and its own address too? */
void hv_vswitch_forget_(struct hv_vswitch_port *port, bool own);

#endif
