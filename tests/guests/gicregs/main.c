/* SPDX-License-Identifier: BSD-2-Clause */
/* The GIC's frames by offset, width and direction, against the manuals' tables (tables.c) and a model of what was
 * written. The groups stay closed, so that nothing is ever delivered. */
#include "common/check.h"
#include "common/guest.h"
#include "gicregs/gicregs.h"

#define VCPUS     2U
#define WORDS     0x4000U
#define SHOWN     20U
#define BANKS     5U
#define EDGE_BITS UINT32_C(0xaaaaaaaa)

struct frame {
    uint64_t base;
    uint32_t size;
    const struct region *regions;
    unsigned count;
    uint32_t first_intid; /* those that this frame has: [first, end) */
    uint32_t end_intid;
    uint32_t words[WORDS];               /* what is read, but for SETS and CLEARS */
    uint32_t bits[BANKS][32];            /* by bank: enabled, pending, active */
    const struct region *by_word[WORDS]; /* NULL: reserved */
};

static struct frame frames[1U + 2U * VCPUS];
static unsigned frame_count;
static bool v3;
static uint32_t priority_mask;
static uint32_t sgis_always_on; /* bits of ISENABLER0 */
static uint32_t router_high;
static unsigned wrong;

/* ---- The model --------------------------------------------------------------------------------------------------- */

static const uint8_t interrupts_per_word[] = {
    [GROUP] = 32,  [SETS] = 32,   [CLEARS] = 32, [PRIORITY] = 4,
    [TARGETS] = 4, [CONFIG] = 16, [SGISET] = 4,  [SGICLEAR] = 4,
};

static uint32_t intid_of(const struct region *region, uint32_t offset)
{
    if (region->kind == ROUTER) {
        return (offset - 0x6000U) / 8U;
    }
    return (offset - (region->first & ~0x7fU)) / 4U * interrupts_per_word[region->kind];
}

static bool exists(const struct frame *frame, const struct region *region, uint32_t offset)
{
    uint32_t intid = intid_of(region, offset);

    return region->kind < GROUP || (intid >= frame->first_intid && intid < frame->end_intid);
}

static uint32_t sgi_sources(const struct frame *frame, uint32_t word)
{
    return frame->bits[4][word];
}

/* GICv2: an SGI is pending while it is for any source; no bit of ISPENDR or ICPENDR changes that (4.3.7). */
static uint32_t sgis_pending(const struct frame *frame)
{
    uint32_t pending = 0;

    for (uint32_t intid = 0; intid < 16U; intid++) {
        pending |= ((sgi_sources(frame, intid / 4U) >> (8U * (intid % 4U))) & 0xffU) != 0U ? 1U << intid : 0U;
    }
    return pending;
}

static uint32_t bits_wanted(const struct frame *frame, const struct region *region, uint32_t offset)
{
    uint32_t n = intid_of(region, offset) / 32U;
    uint32_t bits = frame->bits[region->bank][n];

    if (n == 0U && region->bank == 1U) {
        bits |= sgis_always_on;
    }
    if (n == 0U && region->bank == 2U && !v3) {
        bits = (bits & 0xffff0000U) | sgis_pending(frame);
    }
    return bits;
}

static uint32_t wanted(const struct frame *frame, uint32_t offset)
{
    const struct region *region = frame->by_word[offset / 4U];

    if (region == NULL || !exists(frame, region, offset)) {
        return 0;
    }
    if (region->kind == SETS || region->kind == CLEARS) {
        return bits_wanted(frame, region, offset);
    }
    if (region->kind == SGISET || region->kind == SGICLEAR) {
        return sgi_sources(frame, (offset & 0xfU) / 4U);
    }
    return region->kind == WRITE ? 0U : frame->words[offset / 4U];
}

/** The bits that a write changes. */
static uint32_t writable(const struct region *region, uint32_t offset)
{
    const uint32_t cpus = ((1U << VCPUS) - 1U) * 0x01010101U;
    const uint32_t private = intid_of(region, offset) < 32U ? 0U : UINT32_MAX;
    const uint32_t masks[] = {
        [GROUP] = UINT32_MAX,
        [SETS] = UINT32_MAX,
        [CLEARS] = UINT32_MAX,
        [PRIORITY] = priority_mask,
        [TARGETS] = cpus & private,
        [CONFIG] = EDGE_BITS & private, /* SGIs: edge. PPIs: the implementation's choice, looked at apart */
        [ROUTER] = (offset & 4U) != 0U ? router_high : 0x80ffffffU,
        [SGISET] = cpus,
        [SGICLEAR] = cpus,
    };

    return masks[region->kind];
}

/** A write of the bytes in @lanes of the word at @offset. */
static void model_write(struct frame *frame, uint32_t offset, uint32_t lanes, uint32_t value)
{
    const struct region *region = frame->by_word[offset / 4U];
    uint32_t mask;
    uint32_t *word = &frame->words[offset / 4U];

    if (region == NULL || !exists(frame, region, offset)) {
        return;
    }
    mask = lanes & writable(region, offset);
    if (region->kind == SETS) {
        frame->bits[region->bank][intid_of(region, offset) / 32U] |= value & mask;
    } else if (region->kind == CLEARS) {
        frame->bits[region->bank][intid_of(region, offset) / 32U] &= ~(value & mask);
    } else if (region->kind == SGISET) {
        frame->bits[4][(offset & 0xfU) / 4U] |= value & mask;
    } else if (region->kind == SGICLEAR) {
        frame->bits[4][(offset & 0xfU) / 4U] &= ~(value & mask);
    } else {
        *word = (*word & ~mask) | (value & mask);
    }
}

static bool has_width(const struct frame *frame, uint32_t offset, unsigned width)
{
    const struct region *region = frame->by_word[offset / 4U];

    if (width == 4U || region == NULL) {
        return width == 4U;
    }
    return (region->widths & width) != 0U && (width != HALVES || (offset & 3U) == 0U);
}

/* ---- Accesses ---------------------------------------------------------------------------------------------------- */

static uint64_t load(uint64_t at, unsigned width)
{
    switch (width) {
    case 1:
        return *(const volatile uint8_t *)at;
    case 2:
        return *(const volatile uint16_t *)at;
    case 4:
        return *(const volatile uint32_t *)at;
    default:
        return *(const volatile uint64_t *)at;
    }
}

static void store(uint64_t at, unsigned width, uint64_t value)
{
    switch (width) {
    case 1:
        *(volatile uint8_t *)at = (uint8_t)value;
        break;
    case 2:
        *(volatile uint16_t *)at = (uint16_t)value;
        break;
    case 4:
        *(volatile uint32_t *)at = (uint32_t)value;
        break;
    default:
        *(volatile uint64_t *)at = value;
        break;
    }
}

static uint64_t wanted_by(const struct frame *frame, uint32_t offset, unsigned width)
{
    if (!has_width(frame, offset, width)) {
        return 0;
    }
    switch (width) {
    case 1:
        return (wanted(frame, offset & ~3U) >> (8U * (offset & 3U))) & 0xffU;
    case 2:
        return wanted(frame, offset) & 0xffffU;
    case 4:
        return wanted(frame, offset);
    default:
        return wanted(frame, offset) | ((uint64_t)wanted(frame, offset + 4U) << 32);
    }
}

/** Every offset by this width; or those only that the table names. */
static void compare(const char *name, const struct frame *frame, unsigned width, bool named)
{
    for (uint32_t offset = 0; offset < frame->size; offset += width) {
        if (named && frame->by_word[offset / 4U] == NULL) {
            continue;
        }
        uint64_t want = wanted_by(frame, offset, width);
        uint64_t got = load(frame->base + offset, width);

        wrong += got != want ? 1U : 0U;
        if (got == want || wrong < SHOWN) {
            check_equal_at(name, frame->base + offset, got, want);
        } else {
            check("too many to print", false);
            return;
        }
    }
}

static void compare_words(const char *name)
{
    for (unsigned n = 0; n < frame_count; n++) {
        compare(name, &frames[n], 4, true);
    }
}

/** The distributor, and the last vCPU's frames: what the first one's are is seen by words. */
static bool is_swept(unsigned n)
{
    return n == 0U || n + 2U >= frame_count;
}

static void compare_all(void)
{
    for (unsigned n = 0; n < frame_count; n++) {
        if (is_swept(n)) {
            compare("read of 8 bits", &frames[n], 1, false);
            compare("read of 16 bits", &frames[n], 2, false);
            compare("read of 64 bits", &frames[n], 8, false);
        }
        compare("read of 32 bits", &frames[n], 4, false);
    }
}

/** A write as the manual has it, to hardware and to the model. */
static void put(struct frame *frame, uint32_t offset, unsigned width, uint64_t value)
{
    uint32_t shift = 8U * (offset & 3U);

    store(frame->base + offset, width, value);
    if (!has_width(frame, offset, width)) {
        return;
    }
    if (width == 8U) {
        model_write(frame, offset, UINT32_MAX, (uint32_t)value);
        model_write(frame, offset + 4U, UINT32_MAX, (uint32_t)(value >> 32));
    } else if (width == 4U) {
        model_write(frame, offset, UINT32_MAX, (uint32_t)value);
    } else if (width == 1U) {
        model_write(frame, offset & ~3U, 0xffU << shift, (uint32_t)(value & 0xffU) << shift);
    }
}

static uint64_t pattern(uint32_t offset, uint64_t seed)
{
    return (offset + 1U) * UINT64_C(0x9e3779b97f4a7c15) * seed;
}

/** Write every register of these kinds by this width; @seed 0: zeros, 1: ones, else a pattern. PPIs' ICFGR: not. */
static void write_by(struct frame *frame, uint32_t kinds, unsigned width, uint64_t seed)
{
    for (uint32_t offset = 0; offset < frame->size; offset += width) {
        const struct region *region = frame->by_word[offset / 4U];
        enum kind kind = region != NULL ? region->kind : NOTHING;
        bool dangerous = kind == CTLR || kind == WAKER || kind == WRITE;

        if ((kinds & (1U << kind)) == 0U || (dangerous && (width == 4U || has_width(frame, offset, width))) ||
            (kind == CONFIG && exists(frame, region, offset & ~3U) &&
             intid_of(region, offset & ~3U) == 16U)) {
            continue;
        }
        put(frame, offset, width, seed == 0U ? 0U : seed == 1U ? UINT64_MAX : pattern(offset, seed));
    }
}

static void write_all(uint32_t kinds, uint64_t seed, const char *name)
{
    static const unsigned widths[] = {8, 4, 2, 1};

    for (unsigned i = 0; i < 4U; i++) {
        for (unsigned n = 0; n < frame_count; n++) {
            if ((kinds & (1U << NOTHING)) == 0U || is_swept(n)) {
                write_by(&frames[n], kinds, widths[i], seed);
            }
        }
        compare_words(name);
    }
}

/* ---- Setting up -------------------------------------------------------------------------------------------------- */

static void add(uint64_t base, uint32_t size, const struct region *regions, unsigned count, uint32_t first,
                uint32_t end)
{
    struct frame *frame = &frames[frame_count++];

    frame->base = base;
    frame->size = size;
    frame->regions = regions;
    frame->count = count;
    frame->first_intid = first;
    frame->end_intid = end;
    for (unsigned i = 0; i < count; i++) {
        for (uint32_t offset = regions[i].first; offset <= regions[i].last; offset += 4U) {
            frame->by_word[offset / 4U] = &regions[i];
        }
    }
}

/** What is the implementation's is read once; what is the software's is made known. */
static void start(struct frame *frame)
{
    for (uint32_t offset = 0; offset < frame->size; offset += 4U) {
        const struct region *region = frame->by_word[offset / 4U];
        uint32_t *word = &frame->words[offset / 4U];

        if (region == NULL || !exists(frame, region, offset)) {
            continue;
        }
        if (region->kind == CLEARS || region->kind == SGICLEAR) {
            store(frame->base + offset, 4, UINT32_MAX);
        } else if (region->kind != SETS && region->kind != SGISET) {
            uint32_t mask = writable(region, offset);
            if (mask != 0U) {
                store(frame->base + offset, 4, 0);
            }
            *word = guest_read32(frame->base + offset);
            check_equal_at("zero can be written", frame->base + offset, *word & mask, 0);
        }
    }
}

static void check_private(const struct frame *frame)
{
    const uint32_t config = 0xc00U / 4U; /* GICD_ICFGR0, GICR_ICFGR0 */

    check_equal("SGIs are edge-triggered", frame->words[config], EDGE_BITS);
    check_equal("PPIs: the low bits are reserved", frame->words[config + 1U] & ~EDGE_BITS, 0);
}

static void check_identity(void)
{
    uint32_t typer = guest_read32(GUEST_GICD + 4U);
    uint32_t pidr2 = guest_read32(GUEST_GICD + (v3 ? 0xffe8U : 0xfe8U));
    static const uint32_t cidr[] = {0x0d, 0xf0, 0x05, 0xb1};

    check_equal("ArchRev", (pidr2 >> 4) & 0xfU, v3 ? 3 : 2);
    for (uint32_t n = 0; n < 4U; n++) {
        check_equal_at("CIDR", n, guest_read32(GUEST_GICD + (v3 ? 0xfff0U : 0xff0U) + 4U * n), cidr[n]);
    }
    check_equal("TYPER: no second security state", typer & (1U << 10), 0);
    check_equal("TYPER: CPU interfaces", (typer >> 5) & 7U,
                v3 ? 0 : VCPUS - 1U); /* 0: affinity routing only */
    if (!v3) {
        return;
    }
    check_equal("TYPER: no LPIs, extended SPIs", typer & ((1U << 17) | (1U << 8)), 0);
    check("TYPER: INTIDs of 10 bits at least", ((typer >> 19) & 0x1fU) >= 9U);
    check_equal("GICD_CTLR: ARE, DS, nothing else", guest_read32(GUEST_GICD), 0x50);
    for (uint64_t n = 0; n < VCPUS; n++) {
        uint64_t redist = load(GUEST_GICR + n * 0x20000U + 8U, 8);
        check_equal_at("GICR_TYPER: affinity", n, redist >> 32, n);
        check_equal_at("GICR_TYPER: processor number", n, (redist >> 8) & 0xffffU, n);
        check_equal_at("GICR_TYPER: Last", n, (redist >> 4) & 1U, n == VCPUS - 1U);
        check_equal_at("GICR_TYPER: no LPIs", n, redist & 0xfU, 0);
        check_equal_at("GICR PIDR2: ArchRev", n,
                       (guest_read32(GUEST_GICR + n * 0x20000U + 0xffe8U) >> 4) & 0xfU, 3);
    }
}

static void measure(uint32_t end)
{
    guest_write32(GUEST_GICD, 0);
    guest_write32(GUEST_GICD + 0x400U + (end - 4U), UINT32_MAX);
    priority_mask = guest_read32(GUEST_GICD + 0x400U + (end - 4U));
    check("at least 16 priorities, the high bits",
          (priority_mask & 0xf0f0f0f0U) == 0xf0f0f0f0U &&
              (priority_mask & 0xffU) * 0x01010101U == priority_mask);
    if (v3) { /* GICD_TYPER.A3V = 0: Aff3 is zero, whether or not it can be written */
        guest_write32(GUEST_GICD + 0x6104U, UINT32_MAX);
        router_high = guest_read32(GUEST_GICD + 0x6104U);
        check("Aff3 of a route",
              router_high == 0xffU ||
                  (router_high == 0U && (guest_read32(GUEST_GICD + 4U) & (1U << 24)) == 0U));
    } else { /* IHI 0048B 4.3.5: SGIs may be enabled always */
        guest_write32(GUEST_GICD + 0x180U, UINT32_MAX);
        sgis_always_on = guest_read32(GUEST_GICD + 0x100U);
        check("SGIs are enabled always, or can be disabled",
              sgis_always_on == 0U || sgis_always_on == 0xffffU);
    }
}

static void set_up(void)
{
    uint32_t end = 32U * ((guest_read32(GUEST_GICD + 4U) & 0x1fU) + 1U);

    measure(end);
    if (v3) {
        add(GUEST_GICD, 0x10000, gicregs_dist3, gicregs_dist3_count, 32, end);
        for (uint64_t n = 0; n < VCPUS; n++) {
            add(GUEST_GICR + n * 0x20000U, 0x10000, gicregs_redist, gicregs_redist_count, 0, 32);
            add(GUEST_GICR + n * 0x20000U + 0x10000U, 0x10000, gicregs_sgi, gicregs_sgi_count, 0, 32);
        }
    } else {
        add(GUEST_GICD, 0x1000, gicregs_dist2, gicregs_dist2_count, 0, end);
    }
    for (unsigned n = 0; n < frame_count; n++) {
        start(&frames[n]);
    }
    check_private(&frames[v3 ? 2 : 0]);
    for (uint32_t intid = 0; !v3 && intid < 32U; intid += 4U) {
        check_equal_at("GICD_ITARGETSR of SGIs and PPIs: oneself", intid,
                       frames[0].words[(0x800U + intid) / 4U], 0x01010101);
    }
}

#define PLAIN     ((1U << GROUP) | (1U << PRIORITY) | (1U << TARGETS) | (1U << CONFIG) | (1U << ROUTER))
#define READ_ONLY ((1U << NOTHING) | (1U << FIXED) | (1U << CTLR) | (1U << WAKER) | (1U << WRITE))

void guest_main(uint64_t device_tree)
{
    (void)device_tree;
    v3 = guest_gic_version() == 3U;
    set_up();
    check_identity();
    compare_words("at the start");
    write_all(PLAIN, 1, "plain registers, ones");
    write_all(PLAIN, 3, "plain registers, a pattern");
    write_all((1U << SETS) | (1U << SGISET), 5, "set registers, a pattern");
    write_all((1U << SETS) | (1U << SGISET), 1, "set registers, ones");
    write_all((1U << CLEARS) | (1U << SGICLEAR), 7, "clear registers, a pattern");
    write_all(READ_ONLY, 1, "what cannot be written, ones");
    compare_all();
    write_all((1U << CLEARS) | (1U << SGICLEAR), 1, "clear registers, ones");
    write_all(PLAIN, 0, "plain registers, zeros");
    check_no_fault("no access faults");
    (void)check_end("GICREGS");
}
