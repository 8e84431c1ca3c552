/* SPDX-License-Identifier: BSD-2-Clause */
#include <libvcpu/instruction.h>

/* A decoder fills in an instruction that is zero but for rt, rn. False: this encoding is unallocated. */
typedef bool decoder(uint32_t word, struct ash_vcpu_instruction *i);

static unsigned bits(uint32_t word, unsigned hi, unsigned lo)
{
    return (unsigned)ash_field(word, hi, lo);
}

static bool bit(uint32_t word, unsigned n)
{
    return ((word >> n) & 1U) != 0U;
}

static int32_t signed_bits(uint32_t word, unsigned hi, unsigned lo)
{
    return (int32_t)(uint32_t)ash_sign_extend(bits(word, hi, lo), hi - lo + 1U);
}

static bool of_kind(struct ash_vcpu_instruction *i, enum ash_vcpu_instruction_kind kind)
{
    i->kind = kind;
    return true;
}

static bool not_emulated(uint32_t word, struct ash_vcpu_instruction *i)
{
    (void)word;
    return of_kind(i, ASH_VCPU_INSTRUCTION_NOT_EMULATED);
}

/* A vector register of 1 << @scale bytes, 1..16. */
static bool vector_of(struct ash_vcpu_instruction *i, unsigned scale, bool load)
{
    i->vector = true;
    i->write = !load;
    i->size = (uint8_t)(1U << scale);
    i->count = 1;
    return scale <= 4U && of_kind(i, ASH_VCPU_INSTRUCTION_ACCESS);
}

static bool general_of(struct ash_vcpu_instruction *i, unsigned scale, bool load)
{
    i->write = !load;
    i->size = (uint8_t)(1U << scale);
    i->to_x = scale == 3U;
    i->count = 1;
    return of_kind(i, ASH_VCPU_INSTRUCTION_ACCESS);
}

/* size [31:30], V [26], opc [23:22], as all loads and stores of a single register have them. */
static bool single(uint32_t word, struct ash_vcpu_instruction *i)
{
    unsigned size = bits(word, 31, 30);
    unsigned opc = bits(word, 23, 22);

    if (bit(word, 26)) {
        /* opc[1] is the fifth size, of 16 bytes, and stands with size 0 only. */
        return vector_of(i, size | ((opc & 2U) << 1), (opc & 1U) != 0U);
    }
    if (opc < 2U) {
        return general_of(i, size, opc == 1U);
    }
    i->sign_extend = true;
    (void)general_of(i, size, true);
    i->to_x = opc == 2U;
    return opc == 2U ? size < 3U : size < 2U;
}

/* The same where size 3 with opc 2 is a prefetch. */
static bool single_or_prefetch(uint32_t word, struct ash_vcpu_instruction *i)
{
    if (!bit(word, 26) && bits(word, 31, 30) == 3U && bits(word, 23, 22) == 2U) {
        return of_kind(i, ASH_VCPU_INSTRUCTION_PREFETCH);
    }
    return single(word, i);
}

static bool unscaled(uint32_t word, struct ash_vcpu_instruction *i)
{
    i->offset = signed_bits(word, 20, 12);
    return single_or_prefetch(word, i);
}

static bool indexed(uint32_t word, struct ash_vcpu_instruction *i)
{
    i->offset = signed_bits(word, 20, 12);
    i->write_back = bit(word, 11) ? ASH_VCPU_WRITE_BACK_PRE : ASH_VCPU_WRITE_BACK_POST;
    return single(word, i);
}

static bool unprivileged(uint32_t word, struct ash_vcpu_instruction *i)
{
    i->offset = signed_bits(word, 20, 12);
    i->unprivileged = true;
    return !bit(word, 26) && single(word, i);
}

static bool unsigned_immediate(uint32_t word, struct ash_vcpu_instruction *i)
{
    bool allocated = single_or_prefetch(word, i);

    i->offset = (int32_t)(bits(word, 21, 10) * i->size);
    return allocated;
}

static bool register_offset(uint32_t word, struct ash_vcpu_instruction *i)
{
    bool allocated = single_or_prefetch(word, i);

    i->has_index = true;
    i->rm = (uint8_t)bits(word, 20, 16);
    i->extend = (uint8_t)bits(word, 15, 13);
    /* S: the index counts elements. */
    i->shift = bit(word, 12) && i->size != 0U ? (uint8_t)ash_lowest_bit(i->size) : 0U;
    return allocated && (i->extend & 2U) != 0U;
}

/* STLUR, LDAPUR and theirs: general registers only. V is in the pattern. */
static bool release_unscaled(uint32_t word, struct ash_vcpu_instruction *i)
{
    i->offset = signed_bits(word, 20, 12);
    i->acquire_release = true;
    return single(word, i);
}

static bool literal(uint32_t word, struct ash_vcpu_instruction *i)
{
    unsigned opc = bits(word, 31, 30);

    i->rn = 0;
    i->literal = true;
    i->offset = signed_bits(word, 23, 5) * 4;
    if (bit(word, 26)) {
        return vector_of(i, 2U + opc, true); /* opc 3 would be 32 bytes */
    }
    if (opc == 3U) {
        return of_kind(i, ASH_VCPU_INSTRUCTION_PREFETCH);
    }
    i->sign_extend = opc == 2U;
    (void)general_of(i, opc == 1U ? 3U : 2U, true);
    i->to_x = opc != 0U;
    return true;
}

/* op2 [24:23]: 0 no-allocate, 1 post-indexed, 2 offset, 3 pre-indexed. */
static bool pair(uint32_t word, struct ash_vcpu_instruction *i)
{
    static const uint8_t write_back[] = {ASH_VCPU_WRITE_BACK_NONE, ASH_VCPU_WRITE_BACK_POST,
                                         ASH_VCPU_WRITE_BACK_NONE, ASH_VCPU_WRITE_BACK_PRE};
    unsigned opc = bits(word, 31, 30);
    unsigned how = bits(word, 24, 23);
    bool load = bit(word, 22);

    if (opc == 3U) {
        return false;
    }
    if (bit(word, 26)) {
        (void)vector_of(i, 2U + opc, load);
    } else if (opc != 1U) {
        (void)general_of(i, opc == 0U ? 2U : 3U, load);
    } else if (how == 0U) {
        return false;
    } else if (!load) {
        return of_kind(i, ASH_VCPU_INSTRUCTION_NOT_EMULATED); /* STGP */
    } else {
        (void)general_of(i, 2U, true); /* LDPSW */
        i->sign_extend = true;
        i->to_x = true;
    }
    i->count = 2;
    i->rt2 = (uint8_t)bits(word, 14, 10);
    i->offset = signed_bits(word, 21, 15) * (int32_t)i->size;
    i->write_back = write_back[how];
    return true;
}

/* Exclusives, ordered loads and stores, compare and swap: o2 [23], L [22], o1 [21]; Rs and Rt2 of the ordered ones are
 * should-be-one and not looked at. */
static bool exclusive_or_ordered(uint32_t word, struct ash_vcpu_instruction *i)
{
    if (bit(word, 23) && !bit(word, 21)) {
        i->acquire_release = true; /* STLR, LDAR; STLLR, LDLAR */
        return general_of(i, bits(word, 31, 30), bit(word, 22));
    }
    /* CAS; with o2 = 0 CASP, where bit 31 is 0, else the exclusive pairs: the CAS have Rt2 = 31. */
    if (bit(word, 21) && (bit(word, 23) || !bit(word, 31)) && bits(word, 14, 10) != 31U) {
        return false;
    }
    return of_kind(i, ASH_VCPU_INSTRUCTION_ATOMIC);
}

/* A [23], R [22], Rs [20:16], o3 [15], opc [14:12]. */
static bool atomic(uint32_t word, struct ash_vcpu_instruction *i)
{
    unsigned ordering = bits(word, 23, 22);
    unsigned operation = bits(word, 15, 12);

    if (operation == 12U && ordering == 2U) {
        i->acquire_release = true; /* LDAPR */
        return general_of(i, bits(word, 31, 30), true);
    }
    if (operation <= 8U) {
        return of_kind(i, ASH_VCPU_INSTRUCTION_ATOMIC); /* LDADD to LDUMIN, SWP */
    }
    if (bits(word, 31, 30) != 3U || ordering != 0U) {
        return false;
    }
    /* ST64BV0, ST64BV; ST64B and LD64B, which have Rs = 31. */
    return (operation == 10U || operation == 11U ||
            ((operation == 9U || operation == 13U) && bits(word, 20, 16) == 31U)) &&
           of_kind(i, ASH_VCPU_INSTRUCTION_ATOMIC);
}

/* SYS with CRn = 7: op1 [18:16], CRm [11:8], op2 [7:5] (C5.3). */
static bool cache_operation(uint32_t word, struct ash_vcpu_instruction *i)
{
    unsigned op1 = bits(word, 18, 16);
    unsigned crm = bits(word, 11, 8);
    unsigned op2 = bits(word, 7, 5);
    bool on_data_or_tags = op2 == 1U || op2 == 3U || op2 == 5U;

    if (op1 == 3U && crm == 4U && (op2 == 1U || op2 == 3U || op2 == 4U)) {
        return of_kind(i, ASH_VCPU_INSTRUCTION_ZERO);
    }
    if ((op1 == 0U && crm == 6U && on_data_or_tags) ||           /* DC IVAC, IGVAC, IGDVAC */
        (op1 == 3U && (crm == 5U || crm == 11U) && op2 == 1U) || /* IC IVAU, DC CVAU */
        (op1 == 3U && (crm == 10U || crm == 12U || crm == 13U || crm == 14U) && on_data_or_tags)) {
        return of_kind(i, ASH_VCPU_INSTRUCTION_CACHE);
    }
    return false;
}

struct group {
    uint32_t mask;
    uint32_t value;
    decoder *decode;
};

/* The rows of C4.1 "Loads and Stores", and DC. No word matches two. */
static const struct group groups[] = {
    {0x3f000000, 0x08000000, exclusive_or_ordered},
    {0xbfbf0000, 0x0c000000, not_emulated}, /* Advanced SIMD, multiple structures … */
    {0xbfa00000, 0x0c800000, not_emulated}, /* … post-indexed */
    {0xbf9f0000, 0x0d000000, not_emulated}, /* single structure … */
    {0xbf800000, 0x0d800000, not_emulated}, /* … post-indexed */
    {0x3b000000, 0x18000000, literal},
    {0x3f200c00, 0x19000000, release_unscaled},
    {0xfb200c00, 0x19000400, not_emulated}, /* memory copy and set */
    {0xff200000, 0xd9200000, not_emulated}, /* tags */
    {0x3a000000, 0x28000000, pair},
    {0x3b200c00, 0x38000000, unscaled},
    {0x3b200400, 0x38000400, indexed},
    {0x3b200c00, 0x38000800, unprivileged},
    {0x3f200c00, 0x38200000, atomic},
    {0x3b200c00, 0x38200800, register_offset},
    {0xff200400, 0xf8200400, not_emulated}, /* LDRAA, LDRAB */
    {0x3b000000, 0x39000000, unsigned_immediate},
    {0xfff8f000, 0xd5087000, cache_operation},
};

void ash_vcpu_instruction_decode(uint32_t word, struct ash_vcpu_instruction *instruction)
{
    static const struct ash_vcpu_instruction nothing = {.kind = ASH_VCPU_INSTRUCTION_OTHER};
    struct ash_vcpu_instruction i = nothing;
    bool allocated = false;

    for (size_t n = 0; n < ASH_ARRAY_SIZE(groups); n++) {
        if ((word & groups[n].mask) == groups[n].value) {
            i.rt = (uint8_t)bits(word, 4, 0);
            i.rn = (uint8_t)bits(word, 9, 5);
            allocated = groups[n].decode(word, &i);
            break;
        }
    }
    *instruction = nothing;
    if (allocated && i.kind == ASH_VCPU_INSTRUCTION_ACCESS) {
        *instruction = i;
    } else if (allocated) {
        instruction->kind = i.kind;
    }
}
