/* SPDX-License-Identifier: BSD-2-Clause */
/* Access to a frame of registers by a const table, and the handlers that both frames share. */
#include "internal.h"

static const struct ash_vgic_region_ *find_region(const struct ash_vgic_access_ *a,
                                                  const struct ash_vgic_frame_ *frame)
{
    uint32_t in = a->offset - frame->paged;
    unsigned page = ASH_VGIC_FRAME_WORDS_ + (in >> 7);
    unsigned i = in < 0x1000U ? frame->at[ash_index_nospec(page, ASH_ARRAY_SIZE(frame->at))] : frame->other;

    for (; frame->regions[i].read != NULL && frame->regions[i].first <= a->offset; i++) {
        const struct ash_vgic_region_ *region = &frame->regions[i];
        if (a->offset <= region->last) {
            /* IHI 0069 12.1.3: a width that the register does not have, or an unaligned access: reads as
             * zero, writes are ignored. */
            bool ok = (region->widths & a->size) != 0U && (a->offset & (a->size - 1U)) == 0U;
            return ok ? region : NULL;
        }
    }
    return NULL;
}

int ash_vgic_come_again_(struct ash_vgic_vcpu *self, uint64_t key, uint64_t *value)
{
    if (!self->snooping) {
        self->snooping = true;
        self->snoop_key = key;
        self->snoop_since = self->vgic->epoch;
    }
    *value = 0;
    return ASH_EBUSY;
}

int ash_vgic_mmio_slow_(struct ash_vgic *vgic, struct ash_vgic_vcpu *self, struct ash_vgic_vcpu *bank,
                        const struct ash_vgic_frame_ *frame, uint64_t offset, unsigned size, bool is_write,
                        uint64_t *value)
{
    struct ash_vgic_access_ a = {vgic, self, bank, (uint32_t)offset, 0, size, false};
    const struct ash_vgic_region_ *region;

    if (!(size == 1U || size == 2U || size == 4U || size == 8U)) {
        return ASH_EINVAL;
    }
    if (offset >= frame->size) {
        return ASH_ERANGE;
    }
    region = find_region(&a, frame);
    if (region == NULL) {
        *value = is_write ? *value : 0U;
        return ASH_OK;
    }
    a.at = a.offset - region->first;
    if (is_write) {
        region->write(&a, *value & ASH_MASK(8U * a.size - 1U, 0));
        return ASH_OK;
    }
    if (a.self->snooping) {
        a.self->snooping = a.self->snoop_key == ash_vgic_key_of_(&a);
    }
    *value = region->read(&a);
    if (a.stale) {
        return ash_vgic_come_again_(self, ash_vgic_key_of_(&a), value);
    }
    a.self->snooping = false;
    return ASH_OK;
}

uint64_t ash_vgic_read_zero_(struct ash_vgic_access_ *a)
{
    (void)a;
    return 0;
}

void ash_vgic_write_ignored_(struct ash_vgic_access_ *a, uint64_t value)
{
    (void)a;
    (void)value;
}

uint64_t ash_vgic_half_read_(const struct ash_vgic_access_ *a, uint64_t reg)
{
    if (a->size == 8U) {
        return reg;
    }
    return (a->at & 4U) != 0U ? reg >> 32 : reg & UINT32_MAX;
}

uint64_t ash_vgic_half_write_(const struct ash_vgic_access_ *a, uint64_t reg, uint64_t value)
{
    if (a->size == 8U) {
        return value;
    }
    return (a->at & 4U) != 0U ? ash_with_field(reg, 63, 32, value) : ash_with_field(reg, 31, 0, value);
}

uint64_t ash_vgic_read_iidr_(struct ash_vgic_access_ *a)
{
    (void)a;
    /* Implementer [11:0] Arm's, as software that knows no other expects; product 0x41, which is none of
     * Arm's, so that no erratum of a real GIC is worked around. */
    return UINT32_C(0x4100043B);
}

uint64_t ash_vgic_read_typer_(struct ash_vgic_access_ *a)
{
    return a->vgic->typer;
}

/* PIDR4..7, PIDR0..3, CIDR0..3 in the last 48 bytes of a frame. PIDR2 [7:4], ArchRev: the version of the
 * architecture. IHI 0069 "Identification registers", IHI 0048B 4.3.18. */
uint64_t ash_vgic_read_id_(struct ash_vgic_access_ *a)
{
    static const uint8_t id[12] = {0x44, 0, 0, 0, 0x92, 0xB4, 0x0B, 0, 0x0D, 0xF0, 0x05, 0xB1};
    uint32_t n = a->at / 4U;

    return id[ash_index_nospec(n, ASH_ARRAY_SIZE(id))] | (n == 6U ? (uint64_t)a->vgic->version << 4 : 0U);
}
