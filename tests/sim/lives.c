/* SPDX-License-Identifier: BSD-2-Clause */
#include "lives.h"

#include "core/pages.h"

uint32_t sim_fails_in;

void *__real_hv_pages_alloc(struct hv_pages *pool, const struct hv_page_request *request);
void *__wrap_hv_pages_alloc(struct hv_pages *pool, const struct hv_page_request *request);
void *__real_hv_pages_alloc_zeroed(struct hv_pages *pool, unsigned pages);
void *__wrap_hv_pages_alloc_zeroed(struct hv_pages *pool, unsigned pages);

static bool fails(void)
{
    sim_fails_in -= sim_fails_in > 0U ? 1U : 0U;
    return sim_fails_in == 0U;
}

void *__wrap_hv_pages_alloc(struct hv_pages *pool, const struct hv_page_request *request)
{
    return sim_fails_in != 0U && fails() ? NULL : __real_hv_pages_alloc(pool, request);
}

void *__wrap_hv_pages_alloc_zeroed(struct hv_pages *pool, unsigned pages)
{
    return sim_fails_in != 0U && fails() ? NULL : __real_hv_pages_alloc_zeroed(pool, pages);
}

static void account(struct hv_cpu *cpu, struct sim_lives *lives)
{
    if (!lives->is_known) {
        sim_account(cpu->hv, &lives->without);
        lives->is_known = true;
    }
    sim_assert_same_account(cpu->hv, &lives->without);
}

enum hv_verdict sim_lives_cycle(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct sim_lives *lives)
{
    const bool starts = lives->is_known && lives->wait != 0U;

    switch ((unsigned)hv_life_state(cpu->hv, lives->who)) {
    case HV_LIFE_ABSENT:
        account(cpu, lives);
        lives->in_use += lives->used ? 1U : 0U;
        lives->used = false;
        if (lives->cycles++ == lives->most) {
            return sim_off(cpu, vcpu);
        }
        lives->wait = (unsigned)(hv_arch_ticks() % lives->haste);
        assert_int_equal(hv_life_ask(cpu, lives->who, HV_LIFE_CREATE, NULL), ASH_OK);
        break;
    case HV_LIFE_OFF:
        ASH_DISCARD(hv_life_ask(cpu, lives->who, starts ? HV_LIFE_START : HV_LIFE_DESTROY, NULL));
        break;
    case HV_LIFE_RUNNING:
        if (!lives->is_known || (lives->used && lives->wait-- == 0U)) {
            lives->wait = 0;
            ASH_DISCARD(hv_life_ask(cpu, lives->who, HV_LIFE_DESTROY, NULL));
        }
        break;
    default:
        break;
    }
    return HV_RESUME;
}

enum hv_verdict sim_lives_fail(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct sim_lives *lives)
{
    switch ((unsigned)hv_life_state(cpu->hv, lives->who)) {
    case HV_LIFE_ABSENT:
        sim_fails_in = 0;
        account(cpu, lives);
        sim_fails_in = ++lives->next_failure;
        assert_int_equal(hv_life_ask(cpu, lives->who, HV_LIFE_CREATE, NULL), ASH_OK);
        break;
    case HV_LIFE_OFF: /* it is made for all that: none was left to fail */
        if (lives->next_failure > 0U) {
            assert_true(sim_fails_in > 0U && lives->next_failure > lives->most);
            sim_fails_in = 0;
            return sim_off(cpu, vcpu);
        }
        ASH_DISCARD(hv_life_ask(cpu, lives->who, HV_LIFE_DESTROY, NULL));
        break;
    case HV_LIFE_RUNNING:
        ASH_DISCARD(hv_life_ask(cpu, lives->who, HV_LIFE_DESTROY, NULL));
        break;
    default:
        break;
    }
    return HV_RESUME;
}
