/* SPDX-License-Identifier: BSD-2-Clause */
/* A VM's virtio console between its driver and hv's terminal: nothing is lost in either direction, however slow the
 * other end; what is typed goes to the console that spoke last. Each under many seeds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "arch/arch.h"
#include "virtio_driver.h"

#define SEEDS  20U
#define BUFFER 0x20000U /* from the start of RAM: a page for each descriptor of a queue, 64 KiB apart */
#define LINES  600U

enum { INPUT, OUTPUT, CONTROL_IN, CONTROL_OUT };
enum { INTERRUPT_STATUS = 0x60, INTERRUPT_ACK = 0x64, STATUS = 0x70, CONFIG = 0x100 };

static struct sim sim;

static void one_port(void *tree)
{
    assert_int_equal(fdt_begin_node(tree, "virtio_console"), 0);
    assert_int_equal(fdt_end_node(tree), 0);
}

static void three_ports(void *tree)
{
    assert_int_equal(fdt_begin_node(tree, "virtio_console"), 0);
    assert_int_equal(fdt_property_u32(tree, "ports", 3), 0);
    assert_int_equal(fdt_end_node(tree), 0);
}

static const struct sim_vm two_vms[] = {
    {.name = "one", .vcpus = 1, .memory = 2U * SIM_MIB, .console_buffer = 4096, .nodes = one_port},
    {.name = "two", .vcpus = 1, .memory = 2U * SIM_MIB, .console_buffer = 4096, .nodes = three_ports},
};

static void run(unsigned vms, const struct hv_host_console *console, hv_host_guest *guest, uint64_t seed)
{
    sim_board(&sim, 2, two_vms, vms);
    if (console != NULL) {
        hv_host_console_plug(console);
    }
    sim_run(&sim, guest, seed);
}

static uint64_t buffer(uint32_t queue, uint32_t id)
{
    return BUFFER + 0x10000U * (queue + 8U) + 0x1000U * id;
}

/* What the guests of a run know, by their number. */
static struct guest {
    struct sim_driver drv;
    uint32_t free; /* descriptors of OUTPUT, a bit each */
    uint32_t line;
    uint32_t got; /* bytes of input */
    uint32_t resets;
    bool done;
    bool unkicked; /* the device was not told of all that is offered */
    char text[8192];
} guests[2];

static struct guest *guest_of(const struct hv_vcpu *vcpu)
{
    return &guests[sim_is(vcpu, "one") ? 0 : 1];
}

static void start(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct guest *guest, uint32_t inputs,
                  uint32_t size)
{
    sim_driver_start(cpu, vcpu, &guest->drv, 0, 2, 0);
    guest->free = (1U << SIM_VIRTIO_SIZE) - 1U;
    for (uint32_t i = 0; i < inputs; i++) {
        sim_driver_offer(vcpu, &guest->drv, INPUT, i, buffer(INPUT, i), size, true);
    }
    sim_driver_kick(cpu, vcpu, &guest->drv, INPUT);
}

static void reclaim(struct hv_vcpu *vcpu, struct guest *guest)
{
    uint32_t id, written;

    while (sim_driver_used(vcpu, &guest->drv, OUTPUT, &id, &written)) {
        assert_int_equal(written, 0);
        assert_int_equal(guest->free >> id & 1U, 0);
        guest->free |= 1U << id;
    }
}

/** False: no descriptor is free. */
static bool say(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct guest *guest, const char *text, bool kick)
{
    uint32_t id = 0;

    reclaim(vcpu, guest);
    while (id < SIM_VIRTIO_SIZE && (guest->free >> id & 1U) == 0U) {
        id++;
    }
    if (id == SIM_VIRTIO_SIZE) {
        return false;
    }
    guest->free &= ~(1U << id);
    sim_ram_write(vcpu, buffer(OUTPUT, id), text, strlen(text));
    sim_driver_offer(vcpu, &guest->drv, OUTPUT, id, buffer(OUTPUT, id), (uint32_t)strlen(text), false);
    if (kick) {
        sim_driver_kick(cpu, vcpu, &guest->drv, OUTPUT);
    }
    return true;
}

/** What was typed, behind guest->text. */
static void hear(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct guest *guest, uint32_t most, uint32_t size)
{
    uint32_t id, written;

    while (most-- > 0U && sim_driver_used(vcpu, &guest->drv, INPUT, &id, &written)) {
        assert_true(written > 0U && written <= size && guest->got + written < sizeof(guest->text));
        sim_ram_read(vcpu, buffer(INPUT, id), guest->text + guest->got, written);
        guest->got += written;
        sim_driver_offer(vcpu, &guest->drv, INPUT, id, buffer(INPUT, id), size, true);
        sim_driver_kick(cpu, vcpu, &guest->drv, INPUT);
    }
}

/* ---- Output ------------------------------------------------------------------------------------------------------ */

/** The driver kicks for what it has added, and never again for that. */
static void kick_once(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct guest *guest)
{
    if (guest->unkicked) {
        guest->unkicked = false;
        sim_driver_kick(cpu, vcpu, &guest->drv, OUTPUT);
    }
}

/** Some lines a buffer, of any length, with a kick now and then. */
static enum hv_verdict flood(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    struct guest *guest = guest_of(vcpu);
    char text[1400] = "";
    size_t length = 0;

    if (round == 0U) {
        start(cpu, vcpu, guest, 0, 0);
    }
    if (guest->line == LINES) {
        kick_once(cpu, vcpu, guest);
        reclaim(vcpu, guest);
        return guest->free == (1U << SIM_VIRTIO_SIZE) - 1U ? sim_off(cpu, vcpu) : HV_RESUME;
    }
    for (unsigned i = 0; i <= guest->line % 7U * 4U && guest->line + i < LINES; i++) {
        length += (size_t)snprintf(text + length, sizeof(text) - length, "line %u of %s, hvc0\n",
                                   guest->line + i, vcpu->vm->name);
    }
    if (say(cpu, vcpu, guest, text, false)) {
        unsigned said = guest->line % 7U * 4U + 1U;

        guest->line = guest->line + said < LINES ? guest->line + said : LINES;
        guest->unkicked = true;
        if (round % 3U == 0U) {
            kick_once(cpu, vcpu, guest);
        }
    } else {
        kick_once(cpu, vcpu, guest);
    }
    return HV_RESUME;
}

static void flood_a_slow_terminal(uint64_t seed)
{
    const struct hv_host_console console = {.fifo = 16, .turns_per_byte = 3};
    char line[64];

    memset(guests, 0, sizeof(guests));
    run(2, &console, flood, seed);
    for (unsigned v = 0; v < 2U; v++) {
        for (unsigned i = 0; i < LINES; i++) {
            (void)snprintf(line, sizeof(line), "[%s] line %u of %s, hvc0\r\n", two_vms[v].name, i,
                           two_vms[v].name);
            assert_in_range(sim_count(&sim, line), 1,
                            v == 0U ? UINT32_MAX : 1U); /* the front's may be drawn again */
        }
    }
    sim_assert_exit(&sim, "ok", NULL);
}

static void two_floods_on_a_slow_terminal_lose_nothing(void **state)
{
    (void)state;
    sim_under_seeds("virtio-console", 6, flood_a_slow_terminal);
}

static void flood_alone(uint64_t seed)
{
    const char *at = sim.result.log;
    char line[64];

    memset(guests, 0, sizeof(guests));
    run(1, NULL, flood, seed);
    for (unsigned i = 0; i < LINES; i++) {
        (void)snprintf(line, sizeof(line), "line %u of one, hvc0\r\n", i);
        at = strstr(at, line);
        assert_non_null(at);
        at += strlen(line);
    }
}

static void output_comes_in_its_order_and_once(void **state)
{
    (void)state;
    sim_under_seeds("virtio-console", SEEDS, flood_alone);
}

/* ---- Input ------------------------------------------------------------------------------------------------------- */

#define PASTE 3000U

static char paste[PASTE + 8U];

/** Buffers of 5 bytes, read one at a time and not in each round. */
static enum hv_verdict listen(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    struct guest *guest = guest_of(vcpu);

    if (round == 0U) {
        start(cpu, vcpu, guest, 8, 5);
        assert_true(say(cpu, vcpu, guest, "ready\r\n", true));
    }
    if (round % 3U == 0U) {
        hear(cpu, vcpu, guest, 1, 5);
    }
    return guest->got > 0U && guest->text[guest->got - 1U] == 'q' ? sim_off(cpu, vcpu) : HV_RESUME;
}

static void paste_much(uint64_t seed)
{
    const struct hv_host_step script[] = {{"ready", paste}};
    const struct hv_host_console console = {.script = script, .steps = 1};

    for (unsigned i = 0; i < PASTE; i++) {
        paste[i] = (char)('A' + (i * 7U + i / 26U) % 26U);
    }
    strcpy(paste + PASTE, "q");
    memset(guests, 0, sizeof(guests));
    run(1, &console, listen, seed);
    assert_int_equal(guests[0].got, PASTE + 1U);
    assert_memory_equal(guests[0].text, paste, PASTE + 1U);
    sim_assert_exit(&sim, "ok", NULL);
}

static void a_long_paste_arrives_whole_at_a_driver_with_small_buffers(void **state)
{
    (void)state;
    sim_under_seeds("virtio-console", SEEDS, paste_much);
}

/* ---- Which of the two consoles ----------------------------------------------------------------------------------- */

static int uart_byte(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    uint64_t uart = vcpu->vm->machine.layout.uart.base.value;

    if ((sim_device(cpu, vcpu, uart + 0x018U, false, 0) & (1U << 4)) != 0U) { /* UARTFR.RXFE */
        return -1;
    }
    return (int)(sim_device(cpu, vcpu, uart, false, 0) & 0xffU);
}

/** Both are open all the time; the guest says where it is by speaking there. */
static enum hv_verdict alternate(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    struct guest *guest = guest_of(vcpu);
    uint32_t before = guest->got;
    int byte;

    if (round == 0U) {
        start(cpu, vcpu, guest, 4, 8);
        sim_print(cpu, vcpu, "at the uart");
    }
    while ((byte = uart_byte(cpu, vcpu)) >= 0) {
        assert_true(byte == 'u' || byte == 'V' || byte == 'x');
        if (byte == 'V') {
            assert_true(say(cpu, vcpu, guest, "at hvc0\r\n", true));
        }
        if (byte == 'x') {
            return sim_off(cpu, vcpu);
        }
    }
    hear(cpu, vcpu, guest, 8, 8);
    for (uint32_t i = before; i < guest->got; i++) {
        assert_true(guest->text[i] == 'h' || guest->text[i] == 'U' || guest->text[i] == 'R');
        if (guest->text[i] == 'U') {
            sim_print(cpu, vcpu, "back at the uart");
        } else if (guest->text[i] == 'R') {
            sim_driver_write(cpu, vcpu, &guest->drv, STATUS, 0); /* the driver goes */
            sim_print(cpu, vcpu, "no more hvc0");
        }
    }
    return HV_RESUME;
}

static void type_at_both(uint64_t seed)
{
    const struct hv_host_step script[] = {{"at the uart", "uuuV"},
                                          {"at hvc0", "hhhU"},
                                          {"back at the uart", "uV"},
                                          {"at hvc0", "hR"},
                                          {"no more hvc0", "ux"}};
    const struct hv_host_console console = {.script = script, .steps = ASH_ARRAY_SIZE(script)};

    memset(guests, 0, sizeof(guests));
    run(1, &console, alternate, seed);
    assert_memory_equal(guests[0].text, "hhhUhR", 6);
    sim_assert_exit(&sim, "ok", NULL);
}

static void what_is_typed_goes_to_the_console_that_spoke_last(void **state)
{
    (void)state;
    sim_under_seeds("virtio-console", SEEDS, type_at_both);
}

/** The driver goes with input on the way to it, which the UART gets. */
static enum hv_verdict leave(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    struct guest *guest = guest_of(vcpu);
    int byte;

    if (round == 0U) {
        start(cpu, vcpu, guest, 0, 0); /* no buffers: all of it waits */
        assert_true(say(cpu, vcpu, guest, "at hvc0\r\n", true));
    } else if (round == 40U) {
        sim_driver_write(cpu, vcpu, &guest->drv, STATUS, 0);
        sim_print(cpu, vcpu, "no more hvc0");
    }
    while (round > 40U && (byte = uart_byte(cpu, vcpu)) >= 0) {
        assert_true(guest->got < sizeof(guest->text));
        guest->text[guest->got++] = (char)byte;
        if (byte == 'q') {
            return sim_off(cpu, vcpu);
        }
    }
    return HV_RESUME;
}

static void type_at_one_that_goes(uint64_t seed)
{
    const struct hv_host_step script[] = {{"at hvc0", "abcdefgh"}, {"no more hvc0", "ijq"}};
    const struct hv_host_console console = {.script = script, .steps = ASH_ARRAY_SIZE(script)};

    memset(guests, 0, sizeof(guests));
    run(1, &console, leave, seed);
    assert_string_equal(guests[0].text, "abcdefghijq");
}

static void what_waits_for_a_driver_that_goes_is_the_uarts(void **state)
{
    (void)state;
    sim_under_seeds("virtio-console", SEEDS, type_at_one_that_goes);
}

/* ---- Size, ports, emergency -------------------------------------------------------------------------------------- */

static enum hv_verdict watch_the_size(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    struct guest *guest = guest_of(vcpu);
    uint32_t size;

    if (round == 0U) {
        sim_driver_start(cpu, vcpu, &guest->drv, 0, 2, 1U); /* SIZE */
        assert_int_equal(sim_driver_read(cpu, vcpu, &guest->drv, CONFIG), 80U | 24U << 16);
        sim_driver_write(cpu, vcpu, &guest->drv, CONFIG + 8U, '!'); /* emerg_wr */
        sim_driver_write(cpu, vcpu, &guest->drv, CONFIG + 8U, '\n');
        sim_print(cpu, vcpu, "ready");
    }
    if ((sim_driver_read(cpu, vcpu, &guest->drv, INTERRUPT_STATUS) & 2U) == 0U) {
        return HV_RESUME;
    }
    sim_driver_write(cpu, vcpu, &guest->drv, INTERRUPT_ACK, 2);
    size = sim_driver_read(cpu, vcpu, &guest->drv, CONFIG);
    assert_int_equal(size, 132U | 43U << 16);
    return sim_off(cpu, vcpu);
}

static void resize(uint64_t seed)
{
    const struct hv_host_step script[] = {
        {"ready", "\x1d"
                  "0"},
        {"shell;", "vm resize one 132\rvm resize one\rvm resize one 0x1\rvm resize one 132x43\r"}};
    const struct hv_host_console console = {.script = script, .steps = 2};

    memset(guests, 0, sizeof(guests));
    run(1, &console, watch_the_size, seed);
    sim_assert_says(&sim, "!\r\n");
    sim_assert_says(&sim, "132 is no size; allowed: COLUMNSxROWS, as 132x43");
    sim_assert_says(&sim, "how large?; allowed: COLUMNSxROWS, as 132x43");
    sim_assert_says(&sim, "0x1 is no size");
}

static void a_new_size_and_an_emergency_write_get_through(void **state)
{
    (void)state;
    sim_under_seeds("virtio-console", SEEDS, resize);
}

/** Ports: the first is a console and ours is open, the others are closed at our end and take nothing. */
static enum hv_verdict talk_by_ports(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    struct guest *guest = guest_of(vcpu);
    static const uint8_t up[] = {0, 0, 0, 0, 0, 0, 1, 0};
    uint8_t message[8], first_ready[8] = {0, 0, 0, 0, 3, 0, 1, 0}, first_open[8] = {0, 0, 0, 0, 6, 0, 1, 0};
    uint32_t id, written;

    if (!sim_is(vcpu, "two")) {
        return sim_off(cpu, vcpu);
    }
    if (round == 0U) {
        sim_driver_start(cpu, vcpu, &guest->drv, 0, 8, 2U); /* MULTIPORT */
        guest->free = (1U << SIM_VIRTIO_SIZE) - 1U;
        for (uint32_t i = 0; i < 12U; i++) {
            sim_driver_offer(vcpu, &guest->drv, CONTROL_IN, i, buffer(CONTROL_IN, i), 64, true);
        }
        sim_driver_offer(vcpu, &guest->drv, INPUT, 0, buffer(INPUT, 0), 8, true);
        sim_ram_write(vcpu, buffer(CONTROL_OUT, 0), up, 8);
        sim_ram_write(vcpu, buffer(CONTROL_OUT, 1), first_ready, 8);
        sim_ram_write(vcpu, buffer(CONTROL_OUT, 2), first_open, 8);
        for (uint32_t i = 0; i < 3U; i++) {
            sim_driver_offer(vcpu, &guest->drv, CONTROL_OUT, i, buffer(CONTROL_OUT, i), 8, false);
        }
        sim_driver_kick(cpu, vcpu, &guest->drv, CONTROL_IN);
        sim_driver_kick(cpu, vcpu, &guest->drv, CONTROL_OUT);
        sim_driver_offer(vcpu, &guest->drv, 5, 0, buffer(5, 0), 16, false); /* port 1: nobody takes it */
        sim_driver_kick(cpu, vcpu, &guest->drv, 5);
        assert_true(say(cpu, vcpu, guest, "ports\r\n", true));
    }
    while (sim_driver_used(vcpu, &guest->drv, CONTROL_IN, &id, &written)) {
        sim_ram_read(vcpu, buffer(CONTROL_IN, id), message, 8);
        guest->line |= 1U << message[4]; /* events seen: PORT_ADD, CONSOLE_PORT, RESIZE, PORT_OPEN */
        assert_true(message[4] != 4U || message[0] == 0U);
    }
    assert_false(sim_driver_used(vcpu, &guest->drv, 5, &id, &written));
    hear(cpu, vcpu, guest, 1, 8);
    return guest->line == ((1U << 1) | (1U << 4) | (1U << 5) | (1U << 6)) && guest->got > 0U
               ? sim_off(cpu, vcpu)
               : HV_RESUME;
}

static void open_ports(uint64_t seed)
{
    const struct hv_host_step script[] = {{"ports", "\x1d"
                                                    "2k"}};
    const struct hv_host_console console = {.script = script, .steps = 1};

    memset(guests, 0, sizeof(guests));
    run(2, &console, talk_by_ports, seed);
    assert_int_equal(guests[1].text[0], 'k');
}

static void a_console_with_ports_is_the_vms_console_too(void **state)
{
    (void)state;
    sim_under_seeds("virtio-console", SEEDS, open_ports);
}

/* ---- The VM's life ----------------------------------------------------------------------------------------------- */

static unsigned lives_seen;

/** "one" floods hvc0 on a terminal that hardly moves; "two" restarts, pauses and destroys it meanwhile. */
static enum hv_verdict live(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round)
{
    static const enum hv_life_command lives[] = {HV_LIFE_PAUSE,     HV_LIFE_RESUME,  HV_LIFE_RESTART,
                                                 HV_LIFE_POWER_OFF, HV_LIFE_DESTROY, HV_LIFE_CREATE,
                                                 HV_LIFE_START};
    struct guest *guest = guest_of(vcpu);

    if (sim_is(vcpu, "one")) {
        if (round == 0U) {
            guest->resets++;
            start(cpu, vcpu, guest, 4, 8);
        }
        (void)say(cpu, vcpu, guest,
                  "0123456789012345678901234567890123456789012345678901234567890123456789\r\n", true);
        return HV_RESUME;
    }
    if (guest->line < 60U) {
        if (round % 16U == 0U) {
            /* Or it may not be now. */
            ASH_DISCARD(hv_life_ask(cpu, 0, lives[guest->line++ % ASH_ARRAY_SIZE(lives)], NULL));
        }
        return HV_RESUME;
    }
    if (!guest->done) {
        guest->done = sim_destroy_all(cpu, 0, 1);
        return HV_RESUME;
    }
    /* There again, so that what it takes can be compared with what it took at first. */
    ASH_DISCARD(hv_life_ask(cpu, 0, HV_LIFE_CREATE, NULL));
    return hv_life_state(cpu->hv, 0) == HV_LIFE_OFF ? sim_off(cpu, vcpu) : HV_RESUME;
}

static void destroy_in_mid_stream(uint64_t seed)
{
    const struct hv_host_step script[] = {{"0123456789", "some keys that nobody reads"}};
    const struct hv_host_console console = {.fifo = 16, .turns_per_byte = 40, .script = script, .steps = 1};

    memset(guests, 0, sizeof(guests));
    sim_board(&sim, 2, two_vms, 2);
    hv_host_console_plug(&console);
    sim_run(&sim, live, seed);
    lives_seen += guests[0].resets;
}

static void a_flooding_vm_can_be_restarted_paused_and_destroyed(void **state)
{
    (void)state;
    lives_seen = 0;
    sim_under_seeds("virtio-console", 10, destroy_in_mid_stream);
    assert_true(lives_seen > 20U);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(output_comes_in_its_order_and_once),
        cmocka_unit_test(two_floods_on_a_slow_terminal_lose_nothing),
        cmocka_unit_test(a_long_paste_arrives_whole_at_a_driver_with_small_buffers),
        cmocka_unit_test(what_is_typed_goes_to_the_console_that_spoke_last),
        cmocka_unit_test(what_waits_for_a_driver_that_goes_is_the_uarts),
        cmocka_unit_test(a_new_size_and_an_emergency_write_get_through),
        cmocka_unit_test(a_console_with_ports_is_the_vms_console_too),
        cmocka_unit_test(a_flooding_vm_can_be_restarted_paused_and_destroyed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
