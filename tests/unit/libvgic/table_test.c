/* SPDX-License-Identifier: BSD-2-Clause */
/* Each register of each frame by each width in each direction, from a table made of IHI 0069 12.8, 12.10, 12.11 and
 * IHI 0048B 4.1.4, 4.3. What the table has not, reads as zero and changes nothing of the state. */
#include <string.h>

#include <libvgic/state.h>

#include "machine.h"

#define VCPUS 2U
#define SPIS  64U
#define SIZE  ASH_VGIC_STATE_SIZE(VCPUS, SPIS)
#define CHUNK 0x100U

enum use { RO, RW, WO };

struct row {
    uint32_t first, last;
    unsigned widths;
    enum use use;
};

/* 96 INTIDs: what belongs to others is not there. */
static const struct row distributor_v3[] = {
    {0x0000, 0x0003, 4, RW},     /* GICD_CTLR */
    {0x0004, 0x0007, 4, RO},     /* GICD_TYPER */
    {0x0008, 0x000B, 4, RO},     /* GICD_IIDR */
    {0x0040, 0x0041, 2 | 4, WO}, /* GICD_SETSPI_NSR */
    {0x0048, 0x0049, 2 | 4, WO}, /* GICD_CLRSPI_NSR */
    {0x0084, 0x008B, 4, RW},     /* GICD_IGROUPR */
    {0x0104, 0x010B, 4, RW},     /* GICD_ISENABLER */
    {0x0184, 0x018B, 4, RW},     /* GICD_ICENABLER */
    {0x0204, 0x020B, 4, RW},     /* GICD_ISPENDR */
    {0x0284, 0x028B, 4, RW},     /* GICD_ICPENDR */
    {0x0304, 0x030B, 4, RW},     /* GICD_ISACTIVER */
    {0x0384, 0x038B, 4, RW},     /* GICD_ICACTIVER */
    {0x0420, 0x045F, 1 | 4, RW}, /* GICD_IPRIORITYR */
    {0x0C08, 0x0C17, 4, RW},     /* GICD_ICFGR */
    {0x6100, 0x62FF, 4 | 8, RW}, /* GICD_IROUTER */
    {0xFFD0, 0xFFFF, 4, RO},     /* GICD_PIDR, GICD_CIDR */
};

static const struct row redistributor[] = {
    {0x00000, 0x00003, 4, RO},     /* GICR_CTLR */
    {0x00004, 0x00007, 4, RO},     /* GICR_IIDR */
    {0x00008, 0x0000F, 4 | 8, RO}, /* GICR_TYPER */
    {0x00014, 0x00017, 4, RW},     /* GICR_WAKER */
    {0x0FFD0, 0x0FFFF, 4, RO},     /* GICR_PIDR, GICR_CIDR */
    {0x10080, 0x10083, 4, RW},     /* GICR_IGROUPR0 */
    {0x10100, 0x10103, 4, RW},     /* GICR_ISENABLER0 */
    {0x10180, 0x10183, 4, RW},     /* GICR_ICENABLER0 */
    {0x10200, 0x10203, 4, RW},     /* GICR_ISPENDR0 */
    {0x10280, 0x10283, 4, RW},     /* GICR_ICPENDR0 */
    {0x10300, 0x10303, 4, RW},     /* GICR_ISACTIVER0 */
    {0x10380, 0x10383, 4, RW},     /* GICR_ICACTIVER0 */
    {0x10400, 0x1041F, 1 | 4, RW}, /* GICR_IPRIORITYR */
    {0x10C00, 0x10C03, 4, RO},     /* GICR_ICFGR0 */
    {0x10C04, 0x10C07, 4, RW},     /* GICR_ICFGR1 */
};

static const struct row distributor_v2[] = {
    {0x000, 0x003, 4, RW},     /* GICD_CTLR */
    {0x004, 0x007, 4, RO},     /* GICD_TYPER */
    {0x008, 0x00B, 4, RO},     /* GICD_IIDR */
    {0x080, 0x08B, 4, RW},     /* GICD_IGROUPR */
    {0x100, 0x10B, 4, RW},     /* GICD_ISENABLER */
    {0x180, 0x18B, 4, RW},     /* GICD_ICENABLER */
    {0x200, 0x20B, 4, RW},     /* GICD_ISPENDR */
    {0x280, 0x28B, 4, RW},     /* GICD_ICPENDR */
    {0x300, 0x30B, 4, RW},     /* GICD_ISACTIVER */
    {0x380, 0x38B, 4, RW},     /* GICD_ICACTIVER */
    {0x400, 0x45F, 1 | 4, RW}, /* GICD_IPRIORITYR */
    {0x800, 0x81F, 1 | 4, RO}, /* GICD_ITARGETSR0..7 */
    {0x820, 0x85F, 1 | 4, RW}, /* GICD_ITARGETSR */
    {0xC00, 0xC03, 4, RO},     /* GICD_ICFGR0 */
    {0xC04, 0xC17, 4, RW},     /* GICD_ICFGR */
    {0xF00, 0xF03, 4, WO},     /* GICD_SGIR */
    {0xF10, 0xF1F, 1 | 4, RW}, /* GICD_CPENDSGIR */
    {0xF20, 0xF2F, 1 | 4, RW}, /* GICD_SPENDSGIR */
    {0xFD0, 0xFFF, 4, RO},     /* GICD_PIDR, GICD_CIDR */
};

struct frame {
    unsigned version;
    bool redist;
    uint64_t base, size;
    const struct row *rows;
    size_t count;
};

#define ROWS(rows) rows, sizeof(rows) / sizeof(rows[0])
static const struct frame frames[] = {
    {3, false, 0, 0x10000, ROWS(distributor_v3)},
    {3, true, 0, 0x20000, ROWS(redistributor)},       /* its own */
    {3, true, 0x20000, 0x20000, ROWS(redistributor)}, /* another's */
    {2, false, 0, 0x1000, ROWS(distributor_v2)},
};

static struct machine m;
static union image {
    struct ash_vgic_state state;
    uint64_t align;
    uint8_t bytes[SIZE];
} reset, full, now;
static const unsigned sizes[] = {1, 2, 4, 8};

static void take(union image *image)
{
    assert_int_equal(ash_vgic_export(&m.vgic, &image->state, SIZE), ASH_OK);
}

static void give(const union image *image)
{
    assert_int_equal(ash_vgic_import(&m.vgic, &image->state, SIZE), ASH_OK);
}

static uint64_t access(const struct frame *f, uint64_t offset, unsigned size, bool is_write, uint64_t value)
{
    int error = f->redist ? ash_vgic_redist_access(&m.vgic, 0, f->base + offset, size, is_write, &value)
                          : ash_vgic_dist_access(&m.vgic, 0, offset, size, is_write, &value);

    assert_int_equal(error, ASH_OK);
    return value;
}

/* A machine whose registers are all different from their reset values. */
static void fill(const struct frame *f)
{
    for (size_t r = 0; r < f->count; r++) {
        bool clears = (f->rows[r].first & 0xFF80U) == 0x180U || (f->rows[r].first & 0xFF80U) == 0x280U ||
                      (f->rows[r].first & 0xFF80U) == 0x380U || (f->rows[r].first & 0xFFF0U) == 0xF10U;
        for (uint32_t at = f->rows[r].first; at <= f->rows[r].last && !clears && f->rows[r].use == RW;
             at += 4U) {
            bool group = (at & 0xFF80U) == 0x80U && f->version == 3U; /* set after reset */
            (void)access(f, at, 4, true, group ? 0U : UINT32_MAX);
        }
    }
}

static void start(const struct frame *f)
{
    static const struct machine_config config = {VCPUS, SPIS, 4, 5, 5, false, NULL, false};

    if (f->version == 2U) {
        machine_init_v2(&m, &config, MACHINE_ICH);
    } else {
        machine_init_as(&m, &config);
    }
    machine_put(&m, 0);
    machine_put(&m, 1);
    ash_vgic_reset(&m.vgic);
    take(&reset);
    fill(f);
    take(&full);
}

static const struct row *row_of(const struct frame *f, uint64_t offset, unsigned size)
{
    for (size_t r = 0; r < f->count; r++) {
        const struct row *row = &f->rows[r];
        if (offset >= row->first && offset <= row->last && (row->widths & size) != 0U &&
            offset % size == 0U) {
            return row;
        }
    }
    return NULL;
}

static void what_is_not_in_the_table_reads_as_zero_and_ignores_writes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        const struct frame *f = &frames[i];
        start(f);
        for (uint64_t chunk = 0; chunk < f->size; chunk += CHUNK) {
            for (uint64_t offset = chunk; offset < chunk + CHUNK; offset++) {
                for (unsigned s = 0; s < 4U; s++) {
                    if (row_of(f, offset, sizes[s]) == NULL) {
                        assert_int_equal(access(f, offset, sizes[s], false, UINT64_MAX), 0);
                        (void)access(f, offset, sizes[s], true, UINT64_MAX);
                        (void)access(f, offset, sizes[s], true, 0);
                    }
                }
            }
            take(&now);
            if (memcmp(&now, &full, SIZE) != 0) {
                fail_msg("frame %zu: a write to %#llx.. changed something", i, (unsigned long long)chunk);
            }
        }
    }
}

/* Does some value, written to some state, change it? */
static bool takes_writes(const struct frame *f, uint64_t offset, unsigned size)
{
    static const uint64_t values[] = {0, UINT64_MAX, 40, 0x00010001, 0x02000005};
    const union image *const images[] = {&reset, &full};

    for (size_t i = 0; i < 2U; i++) {
        for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
            give(images[i]);
            (void)access(f, offset, size, true, values[v]);
            take(&now);
            if (memcmp(&now, images[i], SIZE) != 0) {
                return true;
            }
        }
    }
    return false;
}

static void what_is_in_the_table_is_written_and_read_as_it_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        const struct frame *f = &frames[i];
        start(f);
        for (size_t r = 0; r < f->count; r++) {
            for (uint64_t offset = f->rows[r].first; offset <= f->rows[r].last; offset++) {
                for (unsigned s = 0; s < 4U; s++) {
                    const struct row *row = row_of(f, offset, sizes[s]);
                    if (row == NULL) {
                        continue;
                    }
                    if (takes_writes(f, offset, sizes[s]) != (row->use != RO)) {
                        fail_msg("frame %zu, %#llx by %u: writes", i, (unsigned long long)offset, sizes[s]);
                    }
                    if (row->use == WO) {
                        assert_int_equal(access(f, offset, sizes[s], false, UINT64_MAX), 0);
                    }
                }
            }
        }
    }
}

static void a_wide_access_is_its_narrow_ones(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        const struct frame *f = &frames[i];
        start(f);
        for (uint64_t offset = 0; offset < f->size; offset += 4U) {
            uint64_t word = access(f, offset, 4, false, 0);
            assert_true(word <= UINT32_MAX);
            if (row_of(f, offset, 1) != NULL) {
                for (unsigned b = 0; b < 4U; b++) {
                    assert_int_equal(access(f, offset + b, 1, false, 0), word >> (8U * b) & 0xFFU);
                }
            }
            if (row_of(f, offset, 8) != NULL) {
                assert_int_equal(access(f, offset, 8, false, 0), word | access(f, offset + 4U, 4, false, 0)
                                                                            << 32);
            }
        }
    }
}

static void a_narrow_write_leaves_its_neighbours(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        const struct frame *f = &frames[i];
        start(f);
        for (size_t r = 0; r < f->count; r++) {
            const struct row *row = &f->rows[r];
            if ((row->widths & 1U) == 0U || row->use != RW || (row->first & 0xFF0U) >= 0xF00U) {
                continue;
            }
            for (uint32_t at = row->first; at <= row->last; at++) {
                uint64_t word = access(f, at & ~3U, 4, false, 0);
                uint64_t shift = 8U * (at & 3U);
                (void)access(f, at, 1, true, 0x40);
                uint64_t byte = access(f, at, 1, false, 0);
                assert_int_equal(access(f, at & ~3U, 4, false, 0),
                                 (word & ~(UINT64_C(0xFF) << shift)) | byte << shift);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_in_the_table_reads_as_zero_and_ignores_writes),
        cmocka_unit_test(what_is_in_the_table_is_written_and_read_as_it_says),
        cmocka_unit_test(a_wide_access_is_its_narrow_ones),
        cmocka_unit_test(a_narrow_write_leaves_its_neighbours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
