/* SPDX-License-Identifier: BSD-2-Clause */
/* A disk whose requests another VM answers: what is written is read again, though the server is slow, answers in
 * any order, goes and comes, or is an enemy, and though the client resets its device or is made to. Each under many
 * seeds. */
#include <stdio.h>
#include <string.h>

#include <libfdt.h>

#include "arch/arch.h"
#include "port.h"

#define SEEDS    20U
#define SECTORS  64U
#define SLOTS    8U /* requests at a time, each with eight sectors of its own */
#define HEAD     32U
#define MAGIC    0x314b5344U
#define REQUESTS 60U
#define IOERR    1U

static struct sim sim;

static void put_disk(void *tree, uint32_t timeout_ms)
{
    const fdt32_t size[] = {0, cpu_to_fdt32(SECTORS * 512U)};

    assert_int_equal(fdt_begin_node(tree, "virtio_blk"), 0);
    assert_int_equal(fdt_property_string(tree, "served-by", "disk"), 0);
    assert_int_equal(fdt_property(tree, "size", size, sizeof(size)), 0);
    if (timeout_ms != 0U) {
        assert_int_equal(fdt_property_u32(tree, "timeout-ms", timeout_ms), 0);
    }
    assert_int_equal(fdt_end_node(tree), 0);
}

static void a_disk(void *tree)
{
    put_disk(tree, 0);
}

static void a_disk_that_gives_up(void *tree)
{
    put_disk(tree, 20);
}

static void a_port(void *tree)
{
    assert_int_equal(fdt_begin_node(tree, "virtio_console"), 0);
    assert_int_equal(fdt_property_string(tree, "pipes", "disk"), 0);
    assert_int_equal(fdt_end_node(tree), 0);
}

/** "boss" orders the others about. */
static const struct sim_vm three_vms[] = {
    {.name = "client", .vcpus = 1, .memory = 2U * SIM_MIB, .nodes = a_disk},
    {.name = "server", .vcpus = 1, .memory = 2U * SIM_MIB, .nodes = a_port},
    {.name = "boss", .vcpus = 1, .memory = 2U * SIM_MIB},
};
static const struct sim_vm two_hasty_vms[] = {
    {.name = "client", .vcpus = 1, .memory = 2U * SIM_MIB, .nodes = a_disk_that_gives_up},
    {.name = "server", .vcpus = 1, .memory = 2U * SIM_MIB, .nodes = a_port},
};

struct head {
    uint32_t magic, type;
    uint64_t token, sector;
    uint32_t size, zero;
};

/* ---- The client -------------------------------------------------------------------------------------------------- */

static struct client {
    struct test_rng rng;
    uint64_t device;
    struct sim_queue queue;
    struct {
        bool is_out, is_write;
        unsigned head;
        uint32_t sector, sectors;
    } io[SLOTS];
    uint8_t oracle[SECTORS * 512U];
    bool may_differ[SECTORS]; /* written, and nobody said that it is done */
    unsigned asked, answered, errors, resets;
    bool done;
} client;

/** From the start of RAM: header, status at 16, data at 4096; in the page between nobody has business. */
static uint64_t place(unsigned slot)
{
    return 0x100000U + 0x4000U * slot;
}

static void client_start(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    uint8_t guard[4096];

    for (unsigned i = 0; i < SLOTS; i++) {
        if (client.io[i].is_out && client.io[i].is_write) {
            memset(&client.may_differ[client.io[i].sector], true, client.io[i].sectors);
        }
        client.io[i].is_out = false;
        memset(guard, 0x5C, sizeof(guard));
        sim_ram_write(vcpu, place(i) + 0x2000U, guard, sizeof(guard));
    }
    client.device = sim_virtio(0);
    sim_driver_begin(cpu, vcpu, client.device, 0);
    sim_driver_queue(cpu, vcpu, &client.queue, client.device, 0, 0x40000);
    sim_driver_ok(cpu, vcpu, client.device);
}

static void client_asks(struct hv_cpu *cpu, struct hv_vcpu *vcpu, unsigned slot)
{
    const bool is_write = test_rng_below(&client.rng, 2) != 0U;
    const uint32_t sectors = 1U + (uint32_t)test_rng_below(&client.rng, 4);
    const uint32_t sector = slot * 8U + (uint32_t)test_rng_below(&client.rng, 5);
    const uint32_t header[4] = {is_write ? 1U : 0U, 0, sector, 0};
    const uint64_t at = place(slot);
    const struct sim_segment chain[3] = {{sim_ram(vcpu, at), 16, false},
                                         {sim_ram(vcpu, at + 0x1000U), sectors * 512U, !is_write},
                                         {sim_ram(vcpu, at + 16U), 1, true}};
    uint8_t bytes[4U * 512U];

    for (uint32_t i = 0; i < sectors * 512U; i++) {
        bytes[i] = is_write ? (uint8_t)test_rng_next(&client.rng) : 0xA5;
    }
    if (is_write) {
        memcpy(client.oracle + sector * 512U, bytes, sectors * 512U);
    }
    sim_ram_write(vcpu, at + 0x1000U, bytes, sectors * 512U);
    sim_ram_write(vcpu, at, header, sizeof(header));
    sim_ram_write(vcpu, at + 16U, "\xEE", 1);
    client.io[slot].is_out = true;
    client.io[slot].is_write = is_write;
    client.io[slot].sector = sector;
    client.io[slot].sectors = sectors;
    client.io[slot].head = 3U * slot;
    sim_queue_offer(vcpu, &client.queue, 3U * slot, chain, 3);
    client.asked++;
    sim_queue_kick(cpu, vcpu, &client.queue);
}

/** Sector by sector: what was read is what was written last, where that is known. */
static void compare(struct hv_vcpu *vcpu, unsigned slot)
{
    uint8_t bytes[512];

    for (uint32_t i = 0; i < client.io[slot].sectors; i++) {
        const uint32_t sector = client.io[slot].sector + i;

        sim_ram_read(vcpu, place(slot) + 0x1000U + 512U * i, bytes, sizeof(bytes));
        if (!client.may_differ[sector]) {
            assert_memory_equal(bytes, client.oracle + sector * 512U, sizeof(bytes));
        }
    }
}

static void answered(struct hv_vcpu *vcpu, unsigned slot, bool errors_may_be)
{
    uint8_t status, guard[4096];

    sim_ram_read(vcpu, place(slot) + 16U, &status, 1);
    sim_ram_read(vcpu, place(slot) + 0x2000U, guard, sizeof(guard));
    for (unsigned i = 0; i < sizeof(guard); i++) {
        assert_int_equal(guard[i], 0x5C);
    }
    client.io[slot].is_out = false;
    client.answered++;
    if (status == IOERR && errors_may_be) {
        client.errors++;
    } else {
        assert_int_equal(status, 0);
    }
    if (client.io[slot].is_write) {
        memset(&client.may_differ[client.io[slot].sector], status != 0U, client.io[slot].sectors);
    } else if (status == 0U && !errors_may_be) {
        compare(vcpu, slot);
    }
}

static unsigned client_looks(struct hv_vcpu *vcpu, bool errors_may_be)
{
    uint32_t head, length;
    unsigned out = 0;

    while (sim_queue_used(vcpu, &client.queue, &head, &length)) {
        unsigned slot = 0;

        while (slot < SLOTS && !(client.io[slot].is_out && client.io[slot].head == head)) {
            slot++;
        }
        assert_true(slot < SLOTS);
        answered(vcpu, slot, errors_may_be);
    }
    for (unsigned i = 0; i < SLOTS; i++) {
        out += client.io[i].is_out;
    }
    return out;
}

/** Ask now and then; true: all that was to be asked was answered. */
static bool client_plays(struct hv_cpu *cpu, struct hv_vcpu *vcpu, unsigned requests, bool errors_may_be)
{
    const unsigned slot = (unsigned)test_rng_below(&client.rng, SLOTS);
    const unsigned out = client_looks(vcpu, errors_may_be);

    if (client.asked < requests && !client.io[slot].is_out) {
        client_asks(cpu, vcpu, slot);
        return false;
    }
    return client.asked >= requests && out == 0U;
}

/* ---- The server -------------------------------------------------------------------------------------------------- */

/** All that its program knows comes by its own rings; its disk outlives it. */
static struct server {
    struct sim_port port;
    struct test_rng rng;
    uint8_t disk[SECTORS * 512U];
    uint8_t heard[16384], said[16384];
    uint32_t heard_size, said_size;
    struct {
        struct head ask; /* magic 0: none */
        uint8_t data[4U * 512U];
    } work[SLOTS * 2U];
    unsigned served, lives, flushes;
    uint64_t secret; /* a token of an earlier life's */
} server;

static void server_begins(void)
{
    server.heard_size = server.said_size = 0;
    memset(server.work, 0, sizeof(server.work));
    server.lives++;
}

static void server_start(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    sim_port_start(cpu, vcpu, &server.port, 0, 6, 700);
    server_begins();
}

/** Its program ends, and is started again. */
static void server_reopens(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    uint8_t bytes[SIM_PORT_BUFFER];

    sim_port_set_open(cpu, vcpu, &server.port, false);
    while (sim_port_hear(cpu, vcpu, &server.port, bytes) > 0U) { /* as Linux drops what was for it */
    }
    server_begins();
    sim_port_set_open(cpu, vcpu, &server.port, true);
}

static void understand(const struct head *ask, const uint8_t *data)
{
    unsigned i = 0;

    assert_int_equal(ask->magic, MAGIC);
    assert_in_range(ask->type, 0, 2);
    assert_true(ask->sector < SECTORS && ask->size <= (SECTORS - ask->sector) * 512U && ask->size <= 2048U);
    server.secret = ask->token;
    while (i < ASH_ARRAY_SIZE(server.work) && server.work[i].ask.magic != 0U) {
        i++;
    }
    if (i == ASH_ARRAY_SIZE(server.work)) { /* a liar's: it answers none */
        i = (unsigned)test_rng_below(&server.rng, i);
    }
    server.work[i].ask = *ask;
    if (ask->type == 1U) {
        memcpy(server.work[i].data, data, ask->size);
    }
}

static void server_hears(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    uint32_t size, whole;
    struct head ask;

    while (server.heard_size < sizeof(server.heard) - SIM_PORT_BUFFER &&
           (size = sim_port_hear(cpu, vcpu, &server.port, server.heard + server.heard_size)) > 0U) {
        server.heard_size += size;
    }
    for (;;) {
        if (server.heard_size < HEAD) {
            return;
        }
        memcpy(&ask, server.heard, HEAD);
        whole = HEAD + (ask.type == 1U ? ask.size : 0U);
        if (server.heard_size < whole) {
            return;
        }
        understand(&ask, server.heard + HEAD);
        server.heard_size -= whole;
        memmove(server.heard, server.heard + whole, server.heard_size);
    }
}

static void append(const void *bytes, uint32_t size)
{
    assert_true(size <= sizeof(server.said) - server.said_size);
    memcpy(server.said + server.said_size, bytes, size);
    server.said_size += size;
}

static void answer(unsigned i)
{
    const struct head *ask = &server.work[i].ask;
    uint8_t *at = server.disk + ask->sector * 512U;
    const struct head head = {.magic = MAGIC, .token = ask->token, .size = ask->type == 0U ? ask->size : 0U};

    if (ask->type == 1U) {
        memcpy(at, server.work[i].data, ask->size);
    }
    append(&head, HEAD);
    append(at, head.size);
    server.work[i].ask.magic = 0;
    server.served++;
}

static void server_speaks(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    const uint32_t most = 1U + (uint32_t)test_rng_below(&server.rng, 900);
    const uint32_t size = most < server.said_size ? most : server.said_size;

    if (size > 0U && sim_port_say(cpu, vcpu, &server.port, server.said, size)) {
        server.said_size -= size;
        memmove(server.said, server.said + size, server.said_size);
    }
}

static void server_serves(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    const unsigned i = (unsigned)test_rng_below(&server.rng, ASH_ARRAY_SIZE(server.work));

    sim_port_look(cpu, vcpu, &server.port);
    server_hears(cpu, vcpu);
    if (server.work[i].ask.magic != 0U && server.said_size < 8192U) {
        answer(i);
    }
    server_speaks(cpu, vcpu);
}

static void run(const struct sim_vm *vms, unsigned count, hv_host_guest *guest, uint64_t seed)
{
    memset(&client, 0, sizeof(client));
    memset(&server, 0, sizeof(server));
    client.rng.state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1U;
    server.rng.state = client.rng.state + 2U;
    sim_board(&sim, 2, vms, count);
    sim_run(&sim, guest, seed);
}

/* ---- What is well ------------------------------------------------------------------------------------------------ */

static enum hv_verdict serve_well(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (sim_is(vcpu, "client")) {
        if (round == 0U) {
            client_start(cpu, vcpu);
        }
        client.done = client.done || client_plays(cpu, vcpu, REQUESTS, false);
        return client.done ? sim_off(cpu, vcpu) : HV_RESUME;
    }
    if (round == 0U) {
        server_start(cpu, vcpu);
    }
    server_serves(cpu, vcpu);
    return client.done ? sim_off(cpu, vcpu) : HV_RESUME;
}

static void all_is_well(uint64_t seed)
{
    run(three_vms, 2, serve_well, seed);
    sim_assert_exit(&sim, "ok", NULL);
    assert_int_equal(server.served, REQUESTS);
    assert_memory_equal(server.disk, client.oracle, sizeof(server.disk));
}

static void what_is_written_is_read_again(void **state)
{
    (void)state;
    sim_under_seeds("virtio-served", SEEDS, all_is_well);
}

/* ---- A server that goes ------------------------------------------------------------------------------------------ */

static enum hv_verdict come_and_go(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (sim_is(vcpu, "client")) {
        if (round > 0U && round % 60U == 0U && server.lives < 10U && !client.done) {
            ASH_DISCARD(hv_life_ask(cpu, 1, HV_LIFE_RESTART, NULL)); /* or it may not be now */
        }
        return serve_well(cpu, vcpu, round);
    }
    if (round > 0U && round % 40U == 0U && server.lives < 20U) {
        server_reopens(cpu, vcpu);
    }
    return serve_well(cpu, vcpu, round);
}

static unsigned lives_seen;

static void the_server_goes(uint64_t seed)
{
    run(three_vms, 2, come_and_go, seed);
    assert_memory_equal(server.disk, client.oracle, sizeof(server.disk));
    assert_int_equal(client.errors, 0);
    lives_seen += server.lives;
}

static void a_server_that_goes_and_comes_again_costs_time_only(void **state)
{
    (void)state;
    lives_seen = 0;
    sim_under_seeds("virtio-served", SEEDS, the_server_goes);
    assert_true(lives_seen > 3U * SEEDS);
}

/* ---- A client that goes ------------------------------------------------------------------------------------------ */

static enum hv_verdict client_goes(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (sim_is(vcpu, "client") && round > 0U && test_rng_below(&client.rng, 25) == 0U && !client.done) {
        client.resets++;
        client_start(cpu, vcpu);
    }
    return serve_well(cpu, vcpu, round);
}

static void the_client_goes(uint64_t seed)
{
    run(three_vms, 2, client_goes, seed);
    lives_seen += client.resets;
}

static void a_client_that_resets_its_device_finds_what_was_done(void **state)
{
    (void)state;
    lives_seen = 0;
    sim_under_seeds("virtio-served", 6U * SEEDS, the_client_goes);
    assert_true(lives_seen > 3U * SEEDS);
}

/* ---- An enemy ---------------------------------------------------------------------------------------------------- */

/** It knows the tokens of what it was asked, and what an answer looks like. */
static void server_lies(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    const unsigned i = (unsigned)test_rng_below(&server.rng, ASH_ARRAY_SIZE(server.work));
    struct head head = {.magic = MAGIC, .token = server.work[i].ask.token, .size = server.work[i].ask.size};
    uint64_t junk[8];

    switch (test_rng_below(&server.rng, 8)) {
    case 0:
        head.token = server.secret; /* perhaps answered long ago */
        break;
    case 1:
        head.size = (uint32_t)test_rng_next(&server.rng);
        break;
    case 2:
        head.token ^= UINT64_C(1) << test_rng_below(&server.rng, 64);
        break;
    case 3:
        head.magic ^= 1U;
        break;
    case 4:
        head.type = (uint32_t)test_rng_next(&server.rng); /* it failed */
        head.size = 0;
        break;
    default:
        break;
    }
    for (unsigned n = 0; n < ASH_ARRAY_SIZE(junk); n++) {
        junk[n] = test_rng_next(&server.rng);
    }
    if (server.said_size < 4096U) {
        append(&head, HEAD);
        append(junk, (uint32_t)test_rng_below(&server.rng, sizeof(junk)));
    }
    server_speaks(cpu, vcpu);
}

/** First it lies, and opens its port again now and then, with what it heard before in mind; then it serves. */
static enum hv_verdict lie(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    const bool lies = client.answered < REQUESTS / 2U && client.asked < 3U * REQUESTS;

    if (sim_is(vcpu, "client")) {
        if (round == 0U) {
            client_start(cpu, vcpu);
        }
        if (lies && test_rng_below(&client.rng, 60) == 0U) {
            client_start(cpu, vcpu); /* else all of it would wait for the truth some day */
        }
        client.done = client.done || client_plays(cpu, vcpu, 2U * REQUESTS, true);
        return client.done ? sim_off(cpu, vcpu) : HV_RESUME;
    }
    if (round == 0U) {
        server_start(cpu, vcpu);
    }
    if (lies) {
        sim_port_look(cpu, vcpu, &server.port);
        if (server.port.is_open) {
            server_hears(cpu, vcpu);
        }
        server_lies(cpu, vcpu);
        if (!server.port.is_open || test_rng_below(&server.rng, 30) == 0U) {
            server_reopens(cpu, vcpu);
        }
        lives_seen = lives_seen > 0U ? lives_seen : 1U;
    } else if (lives_seen > 0U) {
        lives_seen = 0;
        server_reopens(cpu, vcpu);
    } else {
        server_serves(cpu, vcpu);
    }
    return client.done ? sim_off(cpu, vcpu) : HV_RESUME;
}

static unsigned errors_seen;

static void the_server_lies(uint64_t seed)
{
    lives_seen = 0;
    run(three_vms, 2, lie, seed);
    sim_assert_exit(&sim, "ok", NULL);
    errors_seen += client.errors;
}

static void a_server_that_lies_reaches_nothing_but_its_requests(void **state)
{
    (void)state;
    errors_seen = 0;
    sim_under_seeds("virtio-served", SEEDS, the_server_lies);
    assert_true(errors_seen > 0U);
}

/* ---- Patience ---------------------------------------------------------------------------------------------------- */

/** Nobody answers until there were as many errors as requests that may be out; then somebody does. */
static enum hv_verdict sleep_long(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    if (sim_is(vcpu, "client")) {
        if (round == 0U) {
            client_start(cpu, vcpu);
        }
        client.done = client.done || client_plays(cpu, vcpu, REQUESTS, true);
        return client.done ? sim_off(cpu, vcpu) : HV_RESUME;
    }
    if (round == 0U) {
        server_start(cpu, vcpu);
    }
    if (client.errors >= SLOTS) {
        server_serves(cpu, vcpu);
    }
    return client.done ? sim_off(cpu, vcpu) : HV_RESUME;
}

static void the_server_sleeps(uint64_t seed)
{
    run(two_hasty_vms, 2, sleep_long, seed);
    sim_assert_exit(&sim, "ok", NULL);
    assert_in_range(client.errors, SLOTS, REQUESTS - 1U);
}

static void a_server_that_sleeps_too_long_is_an_error_where_that_is_asked_for(void **state)
{
    (void)state;
    sim_under_seeds("virtio-served", SEEDS, the_server_sleeps);
}

/* ---- Lives ------------------------------------------------------------------------------------------------------- */

static enum hv_verdict order_about(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    static const enum hv_life_command commands[] = {HV_LIFE_PAUSE,   HV_LIFE_RESUME,  HV_LIFE_RESTART,
                                                    HV_LIFE_RESTART, HV_LIFE_DESTROY, HV_LIFE_CREATE,
                                                    HV_LIFE_CREATE,  HV_LIFE_START,   HV_LIFE_START};
    static unsigned asked;
    static bool gone;

    if (sim_is(vcpu, "client")) {
        client.done = false;
        client.asked = client.asked >= REQUESTS ? 0U : client.asked;
        return serve_well(cpu, vcpu, round);
    }
    if (sim_is(vcpu, "server")) {
        (void)serve_well(cpu, vcpu, round);
        for (unsigned i = 0; i < 8U; i++) {
            server_serves(cpu, vcpu);
        }
        return HV_RESUME;
    }
    if (round == 0U) {
        asked = 0;
        gone = false;
    }
    if (asked < 60U) {
        if (round % 40U == 0U) { /* it may not be now */
            ASH_DISCARD(hv_life_ask(cpu, (uint32_t)test_rng_below(&server.rng, 2),
                                    commands[test_rng_below(&server.rng, ASH_ARRAY_SIZE(commands))], NULL));
            asked++;
        }
        return HV_RESUME;
    }
    if (!gone) {
        gone = sim_destroy_all(cpu, 0, 2);
        return HV_RESUME;
    }
    for (uint32_t i = 0; i < 2U; i++) {
        ASH_DISCARD(hv_life_ask(cpu, i, HV_LIFE_CREATE, NULL));
    }
    return hv_life_state(cpu->hv, 0) == HV_LIFE_OFF && hv_life_state(cpu->hv, 1) == HV_LIFE_OFF
               ? sim_off(cpu, vcpu)
               : HV_RESUME;
}

static void lives_go_by(uint64_t seed)
{
    run(three_vms, 3, order_about, seed);
    lives_seen += server.lives;
    errors_seen += client.answered;
}

static void either_can_be_paused_restarted_and_destroyed(void **state)
{
    (void)state;
    lives_seen = errors_seen = 0;
    sim_under_seeds("virtio-served", SEEDS, lives_go_by);
    print_message("%u lives, %u answers\n", lives_seen, errors_seen);
    assert_true(lives_seen > 2U * SEEDS && errors_seen > 10U * SEEDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(a_server_that_goes_and_comes_again_costs_time_only),
        cmocka_unit_test(a_client_that_resets_its_device_finds_what_was_done),
        cmocka_unit_test(a_server_that_lies_reaches_nothing_but_its_requests),
        cmocka_unit_test(a_server_that_sleeps_too_long_is_an_error_where_that_is_asked_for),
        cmocka_unit_test(either_can_be_paused_restarted_and_destroyed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
