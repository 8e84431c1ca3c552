/* SPDX-License-Identifier: BSD-2-Clause */
/* A console with ports, or the entropy device (it is too small for a target of its own), under a hostile
 * driver. */
#include "virtio_guest.h"

#include <libvirtio/console.h>
#include <libvirtio/rng.h>

#define PORTS 2U

static struct {
    struct ash_virtio_console console;
    struct ash_virtio_console_port ports[PORTS];
    struct ash_virtio_rng rng;
    uint32_t room; /* bytes that the back end takes, or has */
    unsigned sum;
} dev;

static uint32_t output(void *ctx, uint32_t port, const void *bytes, uint32_t size)
{
    const uint32_t took = size < dev.room ? size : dev.room;

    (void)ctx;
    FUZZ_CHECK(port < PORTS && size > 0U && size <= ASH_VIRTIO_CONSOLE_PIECE);
    for (uint32_t i = 0; i < took; i++) {
        dev.sum += ((const unsigned char *)bytes)[i];
    }
    dev.room -= took;
    return took;
}

static void input_room(void *ctx, uint32_t port)
{
    (void)ctx;
    FUZZ_CHECK(port < PORTS);
}

static void opened(void *ctx, uint32_t port, bool is_open)
{
    (void)ctx;
    FUZZ_CHECK(port < PORTS && dev.ports[port].guest_open == is_open);
}

static void emergency(void *ctx, unsigned char byte)
{
    (void)ctx;
    dev.sum += byte;
}

static void act_console(struct fuzz_input *in)
{
    const uint8_t op = fuzz_u8(in);
    const uint32_t port = op / 8U % (PORTS + 1U);
    unsigned char bytes[100] = {0};

    switch (op % 8U) {
    case 0:
        ash_virtio_console_discard(&dev.console, port);
        break;
    case 1:
        dev.room = fuzz_u16(in);
        ash_virtio_console_room(&dev.console, port);
        break;
    case 2:
        ash_virtio_console_resize(&dev.console, port, fuzz_u8(in), fuzz_u8(in));
        break;
    case 3:
        ash_virtio_console_set_open(&dev.console, port, fuzz_u8(in) % 2U != 0U);
        break;
    default: {
        const uint32_t size = fuzz_below(in, sizeof(bytes));

        FUZZ_CHECK(ash_virtio_console_input(&dev.console, port, bytes, size) <= size);
    } break;
    }
}

static uint32_t fill(void *ctx, void *bytes, uint32_t size)
{
    const uint32_t got = size < dev.room ? size : dev.room;

    (void)ctx;
    memset(bytes, 0x5A, got);
    dev.room -= got;
    return got;
}

static void act_rng(struct fuzz_input *in)
{
    const uint8_t op = fuzz_u8(in);

    dev.room = op;
    ash_virtio_rng_ready(&dev.rng);
    if (op >= 240U) {
        ash_virtio_cancel_all(&dev.rng.device, op % 3U);
        dev.rng.held.token = 0;
    }
}

static void run_rng(struct fuzz_input *in)
{
    static const struct ash_virtio_rng_backend backend = {.size = sizeof(backend), .fill = fill};
    const struct ash_virtio_rng_config config = {.backend = &backend, .bytes_max = 64};
    const struct ash_virtio_site site = vm_site(1);

    FUZZ_CHECK(ash_virtio_rng_init(&dev.rng, &config, &site) == ASH_OK);
    vm_run(in, &dev.rng.device, act_rng);
}

/* A message on the control queue, else text. */
static unsigned content(struct fuzz_input *in, unsigned queue, unsigned char *bytes)
{
    const uint8_t how = fuzz_u8(in);

    if (queue != 3U) {
        return 1U + how % 64U;
    }
    bytes[0] = how / 64U;
    bytes[4] = how % 8U == 1U ? 3U : how % 8U == 2U ? 6U : how % 8U;
    bytes[6] = how / 8U % 4U != 0U;
    return 8;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct ash_virtio_console_backend backend = {.size = sizeof(backend),
                                                              .output = output,
                                                              .input_room = input_room,
                                                              .opened = opened,
                                                              .emergency = emergency};
    struct fuzz_input in = {data, size};
    const uint8_t how = fuzz_u8(&in);
    const bool has_ports = how % 4U != 0U;
    const struct ash_virtio_console_config config = {.backend = &backend,
                                                     .ports = dev.ports,
                                                     .port_count = has_ports ? PORTS : 1U,
                                                     .has_ports = has_ports,
                                                     .columns = 80,
                                                     .rows = 25};
    struct ash_virtio_site site;

    vm_begin(size);
    memset(&dev, 0, sizeof(dev));
    dev.room = 5000;
    if (how >= 224U) {
        run_rng(&in);
        return 0;
    }
    dev.ports[0].is_console = true;
    dev.ports[1].name = "fuzz";
    site = vm_site(ASH_VIRTIO_CONSOLE_QUEUES(config.port_count, has_ports));
    FUZZ_CHECK(ash_virtio_console_init(&dev.console, &config, &site) == ASH_OK);
    vm.content = content;
    vm_run(&in, &dev.console.device, act_console);
    return 0;
}
