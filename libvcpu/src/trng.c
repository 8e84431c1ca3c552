/* SPDX-License-Identifier: BSD-2-Clause */
/* The True Random Number Generator interface, DEN0098 2.1 to 2.6. */
#include <libvcpu/psci.h>

#include "internal.h"

#define TRNG_1_0      INT64_C(0x00010000)
#define WORDS         3U
#define WORD_BITS(id) (((id)&SMCCC_64) != 0U ? 64U : 32U)

static int64_t trng_version(struct ash_vcpu_psci *psci, const struct ash_vcpu_smccc_call *call)
{
    (void)psci;
    (void)call;
    return TRNG_1_0;
}

static int64_t trng_features(struct ash_vcpu_psci *psci, const struct ash_vcpu_smccc_call *call)
{
    return ash_vcpu_trng_find_(psci, (uint32_t)call->arg[0]) != NULL ? ASH_VCPU_PSCI_SUCCESS
                                                                     : ASH_VCPU_PSCI_NOT_SUPPORTED;
}

static int64_t trng_get_uuid(struct ash_vcpu_psci *psci, const struct ash_vcpu_smccc_call *call)
{
    return ash_vcpu_smccc_uid_(psci->config.trng_uuid, call);
}

/* x3 holds the lowest bits, x1 the highest, those from @bits on are zero; so are all three after an error. */
static int64_t trng_rnd(struct ash_vcpu_psci *psci, const struct ash_vcpu_smccc_call *call)
{
    const unsigned width = WORD_BITS(call->function);
    uint64_t bits = call->arg[0];
    uint64_t words[WORDS] = {0, 0, 0};

    for (unsigned i = 0; i < WORDS; i++) {
        call->result[i] = 0;
    }
    if (bits == 0U || bits > (uint64_t)WORDS * width) {
        return ASH_VCPU_PSCI_INVALID_PARAMETERS;
    }
    if (psci->hal->entropy(psci->ctx, words, WORDS) != ASH_OK) {
        return ASH_VCPU_TRNG_NO_ENTROPY;
    }
    for (unsigned i = 0; i < WORDS && bits > 0U; i++) {
        uint64_t here = bits < width ? bits : width;

        call->result[WORDS - 1U - i] = words[i] & ASH_MASK(here - 1U, 0);
        bits -= here;
    }
    return ASH_VCPU_PSCI_SUCCESS;
}

static const struct ash_vcpu_smccc_function functions[] = {
    {ASH_VCPU_TRNG_VERSION, trng_version},   {ASH_VCPU_TRNG_FEATURES, trng_features},
    {ASH_VCPU_TRNG_GET_UUID, trng_get_uuid}, {ASH_VCPU_TRNG_RND, trng_rnd},
    {ASH_VCPU_TRNG_RND64, trng_rnd},
};

const struct ash_vcpu_smccc_function *ash_vcpu_trng_find_(const struct ash_vcpu_psci *psci, uint32_t id)
{
    if (psci->hal == NULL || psci->hal->entropy == NULL) {
        return NULL;
    }
    return ash_vcpu_smccc_find_in_(functions, ASH_ARRAY_SIZE(functions), id);
}
