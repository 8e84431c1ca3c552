/* SPDX-License-Identifier: BSD-2-Clause */
/* A split virtqueue under a driver that may write anything, at any time. Input: a program.
 *
 * The library is compiled against tests/unit/libvirtio/hooked_access.h, and the HAL hands out addresses without
 * memory behind them, so that each access is seen: an access past the hooks faults; a store outside the used ring,
 * or a load outside the rings and the indirect table that is mapped, is a failure. Between any two loads the guest
 * may change what was just read. What comes out of ash_virtq_pop() must be exactly the descriptors as they were
 * loaded, each once. */
#include "fuzz.h"

#include <sys/mman.h>

#include <libvirtio/virtq.h>

#include "hooked_access.h"

#define RAM0_BASE UINT64_C(0x40000000)
#define RAM_SIZE  UINT64_C(0x4000) /* of each of the two regions with bytes behind them */
#define RAM1_BASE (RAM0_BASE + 0x10000U)
#define FAR_BASE  UINT64_C(0x8000000000) /* RAM that cannot be mapped now */
#define MAX_SIZE  16U
#define SEGMENTS  40U
#define LOADS     4096U
#define TOKENS    32U
#define WINDOW    (RAM1_BASE + RAM_SIZE - RAM0_BASE)

struct mapping {
    unsigned char *address;
    uint64_t size;
    bool write;
};

static struct {
    unsigned char ram[WINDOW];
    unsigned char *shadow; /* PROT_NONE, as large */
    struct mapping map[8]; /* what the library may touch now */
    unsigned maps;
    unsigned char flips[4]; /* XORed into what was read, in turn */
    unsigned loads;
    struct {
        uint64_t offset;
        unsigned size;
        uint64_t value;
    } load[LOADS]; /* of the current call */
    struct ash_virtq q;
    struct ash_virtq_slot slots[MAX_SIZE];
    struct ash_virtq_layout layout;
    uint64_t token[TOKENS]; /* given out: newest last; some are stale */
    uint64_t limit[TOKENS]; /* device-writable bytes */
    bool held[TOKENS];
    unsigned tokens;
    uint64_t recent[3]; /* tokens as they were popped, the youngest last; 0: none, or given back */
    bool renewed;       /* reset in this step: what broke it before does not count */
} vm;

static bool is_ram(uint64_t ipa, uint64_t size)
{
    return (ipa >= RAM0_BASE && size <= RAM_SIZE && ipa - RAM0_BASE <= RAM_SIZE - size) ||
           (ipa >= RAM1_BASE && size <= RAM_SIZE && ipa - RAM1_BASE <= RAM_SIZE - size);
}

static bool is_guest_memory(uint64_t ipa, uint64_t size)
{
    return is_ram(ipa, size) ||
           (ipa >= FAR_BASE && size <= UINT64_C(1) << 38 && ipa - FAR_BASE <= (UINT64_C(1) << 38) - size);
}

static void *map(void *ctx, ash_ipa_t ipa, uint64_t size, bool write)
{
    (void)ctx;
    FUZZ_CHECK(size > 0U && is_guest_memory(ipa.value, size));
    if (!is_ram(ipa.value, size)) {
        return NULL;
    }
    FUZZ_CHECK(vm.maps < 8U);
    vm.map[vm.maps] = (struct mapping){vm.shadow + (ipa.value - RAM0_BASE), size, write};
    return vm.map[vm.maps++].address;
}

static void unmap(void *ctx, void *address, uint64_t size)
{
    unsigned i = vm.maps;

    (void)ctx;
    while (i > 0U && !(vm.map[i - 1U].address == address && vm.map[i - 1U].size == size)) {
        i--;
    }
    FUZZ_CHECK(i > 0U); /* what was mapped, whole, once */
    vm.map[i - 1U] = vm.map[--vm.maps];
}

static const struct ash_virtq_hal hal = {.size = sizeof(hal), .map = map, .unmap = unmap};

static uint64_t offset_of(const void *at, unsigned size, bool write)
{
    const unsigned char *byte = at;

    FUZZ_CHECK((uintptr_t)at % size == 0U);
    for (unsigned i = 0; i < vm.maps; i++) {
        const struct mapping *m = &vm.map[i];

        if (byte >= m->address && byte + size <= m->address + m->size && (!write || m->write)) {
            return (uint64_t)(byte - vm.shadow);
        }
    }
    FUZZ_CHECK(!"an access outside what is mapped");
    return 0;
}

uint64_t hooked_load(const void *at, unsigned size)
{
    const uint64_t offset = offset_of(at, size, false);
    uint64_t value = 0;

    for (unsigned i = size; i-- > 0U;) {
        value = value << 8 | vm.ram[offset + i];
        vm.ram[offset + i] ^= vm.flips[vm.loads % 4U];
    }
    FUZZ_CHECK(vm.loads < LOADS); /* the work of a call is bounded by the queue's size */
    vm.load[vm.loads].offset = offset;
    vm.load[vm.loads].size = size;
    vm.load[vm.loads++].value = value;
    return value;
}

void hooked_store(void *at, unsigned size, uint64_t value)
{
    const uint64_t offset = offset_of(at, size, true);

    for (unsigned i = 0; i < size; i++) {
        vm.ram[offset + i] = (unsigned char)(value >> 8U * i);
    }
}

/* One descriptor, put together from what was loaded; false behind the last. Rings are loaded by 2 bytes. */
static bool next_descriptor(unsigned *load, uint8_t bytes[16])
{
    unsigned have = 0;

    while (*load < vm.loads && have < 16U) {
        const unsigned size = vm.load[*load].size;

        if (size == 2U) {
            FUZZ_CHECK(have == 0U);
        } else {
            for (unsigned i = 0; i < size; i++) {
                bytes[have + i] = (uint8_t)(vm.load[*load].value >> 8U * i);
            }
            have += size;
        }
        (*load)++;
    }
    FUZZ_CHECK(have == 0U || have == 16U);
    return have == 16U;
}

static uint64_t little_endian(const uint8_t *bytes, unsigned count)
{
    uint64_t value = 0;

    for (unsigned i = count; i-- > 0U;) {
        value = value << 8 | bytes[i];
    }
    return value;
}

/* The chain is what was loaded, and fit to be used. */
static void check_chain(const struct ash_virtq_segment *segments, const struct ash_virtq_chain *chain)
{
    uint64_t readable = 0;
    uint64_t writable = 0;
    uint32_t at = 0;
    uint32_t elements = 0;
    uint32_t entries = vm.layout.size; /* of the table that `next` is an index of */
    unsigned load = 0;
    uint8_t d[16];

    while (next_descriptor(&load, d)) {
        const uint32_t length = (uint32_t)little_endian(&d[8], 4);
        const unsigned flags = (unsigned)little_endian(&d[12], 2);

        if ((flags & 4U) != 0U) {
            entries = length / 16U; /* the indirect table's own */
            continue;
        }
        FUZZ_CHECK((flags & 1U) == 0U || little_endian(&d[14], 2) < entries);
        FUZZ_CHECK(++elements <= vm.layout.size);
        if (length == 0U) {
            continue;
        }
        FUZZ_CHECK(at < chain->segment_count);
        FUZZ_CHECK(segments[at].ipa.value == little_endian(d, 8) && segments[at].length == length);
        FUZZ_CHECK(segments[at].writable == ((flags & 2U) != 0U));
        FUZZ_CHECK(is_guest_memory(segments[at].ipa.value, length));
        FUZZ_CHECK(segments[at].writable == (at >= chain->readable_count));
        *(segments[at].writable ? &writable : &readable) += length;
        at++;
    }
    FUZZ_CHECK(at == chain->segment_count);
    FUZZ_CHECK(readable == chain->readable_bytes && writable == chain->writable_bytes);
    FUZZ_CHECK(readable + writable <= UINT64_C(1) << 32);
}

static void remember(uint64_t token, uint64_t limit)
{
    unsigned at = vm.tokens;

    for (unsigned i = 0; i < vm.tokens; i++) {
        FUZZ_CHECK(vm.token[i] != token);
        if (!vm.held[i]) {
            at = i;
        }
    }
    FUZZ_CHECK(at < TOKENS);
    vm.tokens += at == vm.tokens ? 1U : 0U;
    vm.token[at] = token;
    vm.limit[at] = limit;
    vm.held[at] = true;
}

static void pop(struct fuzz_input *in)
{
    const uint32_t in_flight = ash_virtq_in_flight(&vm.q);
    const uint32_t capacity = fuzz_below(in, SEGMENTS);
    struct ash_virtq_segment segments[SEGMENTS + 1U];
    struct ash_virtq_chain chain;
    const unsigned maps = vm.maps;
    int result;

    memset(segments, 0xA5, sizeof(segments));
    vm.loads = 0;
    result = ash_virtq_pop(&vm.q, segments, capacity, &chain);
    FUZZ_CHECK(vm.maps == maps); /* an indirect table only for as long as the call */
    FUZZ_CHECK(segments[capacity].length == 0xA5A5A5A5U);
    switch (result) {
    case ASH_OK:
        FUZZ_CHECK(chain.token != 0U && chain.segment_count <= capacity);
        FUZZ_CHECK(ash_virtq_in_flight(&vm.q) == in_flight + 1U);
        FUZZ_CHECK(in_flight < vm.layout.size);
        check_chain(segments, &chain);
        remember(chain.token, chain.writable_bytes);
        vm.recent[0] = vm.recent[1];
        vm.recent[1] = vm.recent[2];
        vm.recent[2] = chain.token;
        return;
    case ASH_ENOSPC:
        FUZZ_CHECK(chain.token == 0U && chain.segment_count > capacity);
        break;
    case ASH_EGUEST:
        FUZZ_CHECK(ash_virtq_state(&vm.q) == ASH_VIRTQ_BROKEN);
        break;
    case ASH_EBUSY:
        FUZZ_CHECK(ash_virtq_state(&vm.q) == ASH_VIRTQ_OFF);
        break;
    default:
        FUZZ_CHECK(result == ASH_ENOENT || result == ASH_ENOMEM);
        break;
    }
    FUZZ_CHECK(ash_virtq_in_flight(&vm.q) == in_flight);
}

/* The last few are the next again, or nothing happens. */
static void put_back(uint32_t count)
{
    const uint64_t *tokens = &vm.recent[3U - count];
    const uint32_t in_flight = ash_virtq_in_flight(&vm.q);
    const int result = ash_virtq_unpop(&vm.q, tokens, count);

    FUZZ_CHECK(result == ASH_OK || result == ASH_EINVAL || result == ASH_EGUEST);
    FUZZ_CHECK(ash_virtq_in_flight(&vm.q) == in_flight - (result == ASH_OK ? count : 0U));
    for (unsigned i = 0; i < vm.tokens && result == ASH_OK; i++) {
        for (uint32_t j = 0; j < count; j++) {
            FUZZ_CHECK(vm.token[i] != tokens[j] || vm.held[i]);
            vm.held[i] = vm.held[i] && vm.token[i] != tokens[j];
        }
    }
    if (result == ASH_OK) {
        memset(vm.recent, 0, sizeof(vm.recent));
    }
}

/* Each live request once, and each keeps its number. */
static void visit_live(uint64_t number)
{
    uint32_t at = 0, count = 0;
    uint64_t token;

    while ((token = ash_virtq_next_live(&vm.q, &at)) != 0U) {
        FUZZ_CHECK(ash_virtq_is_live(&vm.q, token));
        ash_virtq_set_cookie(&vm.q, token, number + count);
        FUZZ_CHECK(ash_virtq_cookie(&vm.q, token) == number + count++);
    }
    FUZZ_CHECK(ash_virtq_state(&vm.q) != ASH_VIRTQ_READY ? count == 0U : count == ash_virtq_in_flight(&vm.q));
    ash_virtq_set_cookie(&vm.q, number, 1);
}

static void give_back(struct fuzz_input *in)
{
    const uint8_t which = fuzz_u8(in);
    const uint32_t written = (uint32_t)fuzz_edge(in);
    const unsigned i = vm.tokens > 0U ? which % vm.tokens : TOKENS;
    const bool known = i < TOKENS && which < 224U;
    const uint64_t token = known ? vm.token[i] : fuzz_u64(in);
    const bool was_held = known && vm.held[i];
    const enum ash_virtq_state state = ash_virtq_state(&vm.q);
    int result;

    if (!known) {
        for (unsigned j = 0; j < vm.tokens; j++) {
            if (vm.token[j] == token) {
                return;
            }
        }
    }
    result =
        which % 2U == 0U ? ash_virtq_push(&vm.q, token, written) : ash_virtq_stage(&vm.q, token, written);
    if (!was_held) {
        FUZZ_CHECK(result == ASH_ENOENT);
    } else if (state != ASH_VIRTQ_READY) {
        FUZZ_CHECK(result == ASH_EGUEST);
    } else {
        FUZZ_CHECK(result == (written > vm.limit[i] ? ASH_ERANGE : ASH_OK));
    }
    if (result == ASH_OK) {
        vm.held[i] = false;
    }
}

static uint64_t address(struct fuzz_input *in)
{
    const uint8_t kind = fuzz_u8(in);

    switch (kind >> 5) {
    case 0:
        return fuzz_edge(in);
    case 1:
        return FAR_BASE + fuzz_u32(in);
    case 2:
        return RAM1_BASE + RAM_SIZE - (kind & 31U);
    case 3:
        return RAM1_BASE + fuzz_below(in, RAM_SIZE);
    default:
        return RAM0_BASE + fuzz_below(in, RAM_SIZE);
    }
}

static void poke(uint64_t ipa, uint64_t value, unsigned size)
{
    if (is_ram(ipa, size)) {
        for (unsigned i = 0; i < size; i++) {
            vm.ram[ipa - RAM0_BASE + i] = (unsigned char)(value >> 8U * i);
        }
    }
}

static uint16_t peek16(uint64_t ipa)
{
    return is_ram(ipa, 2) ? (uint16_t)(vm.ram[ipa - RAM0_BASE] | (unsigned)vm.ram[ipa - RAM0_BASE + 1U] << 8)
                          : 0U;
}

static void write_descriptor(struct fuzz_input *in, uint64_t table)
{
    const uint64_t at = table + 16U * fuzz_below(in, MAX_SIZE);
    const uint8_t shape = fuzz_u8(in);
    const uint8_t more = fuzz_u8(in);
    uint64_t length = more % 64U * (shape >= 64U ? 16U : 1U);

    if (more >= 240U) {
        length = fuzz_u32(in);
    }
    poke(at, address(in), 8);
    poke(at + 8U, length, 4);
    poke(at + 12U, shape % 8U, 2);
    poke(at + 14U, more >= 248U ? fuzz_u16(in) : shape >> 3 & 7U, 2);
}

static void offer(struct fuzz_input *in)
{
    const uint16_t idx = peek16(vm.layout.driver.value + 2U);
    const uint8_t head = fuzz_u8(in);
    const uint32_t size = vm.layout.size != 0U ? vm.layout.size : 1U;

    poke(vm.layout.driver.value + 4U + 2U * (idx % size), head < 240U ? head % size : head, 2);
    poke(vm.layout.driver.value + 2U, (uint64_t)idx + 1U, 2);
}

static void forget_tokens(void)
{
    memset(vm.held, 0, sizeof(vm.held)); /* stale for ever */
}

static void setup(struct fuzz_input *in)
{
    const uint8_t how = fuzz_u8(in);
    const bool was_off = ash_virtq_state(&vm.q) == ASH_VIRTQ_OFF;
    const struct ash_virtq_layout old = vm.layout;
    int result;

    vm.layout = (struct ash_virtq_layout){.desc = ash_ipa(RAM0_BASE),
                                          .driver = ash_ipa(RAM0_BASE + 0x400U),
                                          .device = ash_ipa(RAM0_BASE + 0x800U),
                                          .size = 1U << (how % 5U),
                                          .features = (uint64_t)(how >> 5 & 3U) << 28};
    if (how >= 224U) {
        vm.layout.size = fuzz_u8(in);
        vm.layout.desc = ash_ipa(address(in));
        vm.layout.device = ash_ipa(address(in));
    }
    result = ash_virtq_setup(&vm.q, &vm.layout);
    FUZZ_CHECK((result == ASH_EBUSY) == !was_off);
    if (!was_off) {
        vm.layout = old;
    } else if (result == ASH_OK) {
        FUZZ_CHECK(vm.maps == 3U && ash_virtq_state(&vm.q) == ASH_VIRTQ_READY);
    } else {
        FUZZ_CHECK(result == ASH_EGUEST || result == ASH_ENOMEM);
        FUZZ_CHECK(vm.maps == 0U && ash_virtq_state(&vm.q) == ASH_VIRTQ_OFF);
        FUZZ_CHECK(result != ASH_EGUEST || ash_virtq_fault(&vm.q)->reason != ASH_VIRTQ_FINE);
    }
}

static void reset(void)
{
    ash_virtq_reset(&vm.q);
    FUZZ_CHECK(vm.maps == 0U && ash_virtq_in_flight(&vm.q) == 0U);
    FUZZ_CHECK(ash_virtq_state(&vm.q) == ASH_VIRTQ_OFF);
    forget_tokens();
    vm.renewed = true;
}

/* Out and in again: the same queue, or a refusal. */
static void move(struct fuzz_input *in)
{
    struct ash_virtq_image image;
    const int result = ash_virtq_export(&vm.q, &image);

    FUZZ_CHECK(result == ASH_OK || result == ASH_EBUSY);
    if (result != ASH_OK) {
        return;
    }
    reset();
    if (fuzz_below(in, 4) == 0U) {
        ((uint8_t *)&image)[fuzz_below(in, sizeof(image))] ^= fuzz_u8(in);
        image.features &= ~(ASH_VIRTQ_F_PACKED | ASH_VIRTQ_F_IN_ORDER); /* this target writes split rings */
    }
    if (ash_virtq_import(&vm.q, &image) == ASH_OK) {
        vm.layout = (struct ash_virtq_layout){ash_ipa(image.desc), ash_ipa(image.driver),
                                              ash_ipa(image.device), image.size, image.features};
        FUZZ_CHECK(ash_virtq_state(&vm.q) == (enum ash_virtq_state)image.state);
    } else {
        FUZZ_CHECK(ash_virtq_state(&vm.q) == ASH_VIRTQ_OFF && vm.maps == 0U);
    }
}

static void step(struct fuzz_input *in)
{
    const uint8_t op = fuzz_u8(in);

    switch (op % 16U) {
    case 0:
    case 1:
        write_descriptor(in, vm.layout.desc.value);
        break;
    case 2:
        write_descriptor(in, RAM0_BASE + 0x1000U + (op >> 4) % 4U); /* an indirect table, at any alignment */
        break;
    case 3:
    case 4:
        offer(in);
        break;
    case 5:
    case 6:
        pop(in);
        break;
    case 7:
    case 8:
        give_back(in);
        break;
    case 9:
        if (op < 96U) {
            ash_virtq_publish(&vm.q);
        } else if (op < 192U) {
            put_back(1U + op / 16U % 3U);
        } else {
            visit_live(fuzz_u64(in));
        }
        break;
    case 10:
        vm.loads = 0;
        (void)ash_virtq_should_notify(&vm.q);
        break;
    case 11:
        vm.loads = 0;
        if (op < 128U) {
            ash_virtq_disable_kicks(&vm.q);
        } else if (ash_virtq_enable_kicks(&vm.q)) {
            FUZZ_CHECK(ash_virtq_state(&vm.q) == ASH_VIRTQ_READY);
        }
        break;
    case 12:
        if (op < 64U) {
            reset();
        }
        setup(in);
        break;
    case 13:
        if (op < 32U) {
            FUZZ_CHECK(ash_virtq_break(&vm.q, op) == ASH_EGUEST);
        } else {
            move(in);
        }
        break;
    case 14:
        vm.flips[op >> 6] = fuzz_u8(in);
        break;
    default:
        poke(address(in), fuzz_u64(in), 8);
        break;
    }
}

static void begin(void)
{
    static const struct ash_virtq_region regions[] = {
        {{RAM0_BASE}, RAM_SIZE, NULL}, {{RAM1_BASE}, RAM_SIZE, NULL}, {{FAR_BASE}, UINT64_C(1) << 38, NULL}};
    static const struct ash_virtq_config config = {
        .regions = regions, .region_count = 3, .max_size = MAX_SIZE, .slots = vm.slots};
    static unsigned char *shadow;

    if (shadow == NULL) {
        shadow = mmap(NULL, WINDOW, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        FUZZ_CHECK(shadow != MAP_FAILED);
    }
    memset(&vm, 0, sizeof(vm));
    memset(vm.slots, 0xA5, sizeof(vm.slots));
    vm.shadow = shadow;
    FUZZ_CHECK(ash_virtq_init(&vm.q, &config, &hal, NULL) == ASH_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};

    begin();
    setup(&in);
    while (fuzz_more(&in)) {
        const enum ash_virtq_reason reason = ash_virtq_fault(&vm.q)->reason;
        const bool broken = ash_virtq_state(&vm.q) == ASH_VIRTQ_BROKEN;

        vm.renewed = false;
        step(&in);
        FUZZ_CHECK(strcmp(ash_virtq_reason_name(ash_virtq_fault(&vm.q)->reason), "?") != 0);
        if (ash_virtq_state(&vm.q) == ASH_VIRTQ_BROKEN) {
            FUZZ_CHECK(ash_virtq_fault(&vm.q)->reason != ASH_VIRTQ_FINE);
            FUZZ_CHECK(!broken || vm.renewed ||
                       ash_virtq_fault(&vm.q)->reason == reason); /* the first is kept */
        }
    }
    reset();
    return 0;
}
