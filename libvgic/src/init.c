/* SPDX-License-Identifier: BSD-2-Clause */
#include "internal.h"

#define TYPER_CPUS_SHIFT   5 /* GICv2 [7:5]: processors - 1 */
#define TYPER_MBIS         (UINT32_C(1) << 16)
#define TYPER_IDBITS_SHIFT 19 /* [23:19]: INTID bits - 1 */
#define TYPER_A3V          (UINT32_C(1) << 24)
#define TYPER_RSS          (UINT32_C(1) << 26)

static bool counts_are_ok(const struct ash_vgic_config *config)
{
    bool spis = (config->spi_count <= 960U && config->spi_count % 32U == 0U) ||
                config->spi_count == ASH_VGIC_MAX_SPIS;

    uint32_t most = config->version == 2U ? ASH_VGIC_V2_MAX_VCPUS : ASH_VGIC_MAX_VCPUS;

    return spis && config->vcpu_count >= 1U && config->vcpu_count <= most &&
           config->lr_count <= ASH_VGIC_MAX_LRS && config->priority_bits >= 4U &&
           config->priority_bits <= 8U && config->preemption_bits >= 4U && config->preemption_bits <= 7U &&
           config->preemption_bits <= config->priority_bits;
}

static uint32_t affinity_of(const struct ash_vgic_config *config, uint32_t n)
{
    return config->affinity != NULL ? config->affinity[n] : ((n / 16U) << 8) | (n % 16U);
}

static bool storage_is_ok(const struct ash_vgic_config *config)
{
    if (config->vcpus == NULL || (config->spis == NULL && config->spi_count != 0U)) {
        return false;
    }
    for (uint32_t n = 0; n < config->vcpu_count; n++) {
        if (config->vcpus[n] == NULL) {
            return false;
        }
        for (uint32_t m = 0; m < n; m++) {
            if (config->vcpus[m] == config->vcpus[n] || affinity_of(config, m) == affinity_of(config, n)) {
                return false;
            }
        }
    }
    return true;
}

static uint32_t make_typer(const struct ash_vgic_config *config)
{
    uint32_t lines = (config->spi_count + 31U) / 32U;

    if (config->version == 2U) {
        return lines | ((config->vcpu_count - 1U) << TYPER_CPUS_SHIFT); /* no Security Extensions */
    }
    /* ITLinesNumber; 10 INTID bits; SPIs by message; no LPIs, one security state; 1 of N works (No1N = 0). */
    uint32_t typer = lines | TYPER_MBIS | (UINT32_C(9) << TYPER_IDBITS_SHIFT);

    for (uint32_t n = 0; n < config->vcpu_count; n++) {
        typer |= affinity_of(config, n) >> 24 != 0U ? TYPER_A3V : 0U;
        typer |= (affinity_of(config, n) & 0xFFU) > 15U ? TYPER_RSS : 0U;
    }
    return typer;
}

/* What an interrupt's state is out of reset, but for its line. */
static uint32_t first_state(const struct ash_vgic *vgic, bool sgi)
{
    if (vgic->version == 2U) {
        return sgi ? EDGE | ENABLED : 0U;
    }
    return sgi ? GROUP1 | EDGE : GROUP1;
}

/* @irq's reset state. Its link and the level of its line are facts of the machine and stay. */
static void reset_irq(struct ash_vgic *vgic, struct ash_vgic_irq *irq, uint32_t first)
{
    if ((irq->state & QUEUED) != 0U) {
        ash_vgic_unqueue_(vgic, irq);
    }
    if ((irq->state & PHYS_ACTIVE) != 0U) {
        vgic->hal->hw_deactivate(vgic->ctx, irq->owner, irq->pintid);
    }
    irq->state = (irq->state & LINE) | first;
    irq->priority = 0;
    irq->sources = irq->source = 0;
    irq->lr_hint = ASH_VGIC_NO_LR;
}

static void reset_interface(struct ash_vgic_vcpu *vcpu)
{
    unsigned bpr0 = 7U - vcpu->vgic->preemption_bits; /* the smallest; hardware rounds up what is smaller */

    memset(&vcpu->lrs, 0, sizeof(vcpu->lrs));
    vcpu->lrs.vmcr = (bpr0 << ASH_ICH_VMCR_VBPR0_SHIFT) | ((bpr0 + 1U) << ASH_ICH_VMCR_VBPR1_SHIFT);
    vcpu->lrs.vmcr |= vcpu->vgic->version == 2U ? 0U : ASH_ICH_VMCR_VFIQEN;
    vcpu->asleep = false;
    vcpu->snooping = false;
    vcpu->lines = 0;
    vcpu->running = 0x100; /* idle */
}

static void reset_private(struct ash_vgic_vcpu *vcpu)
{
    uint32_t sgi = first_state(vcpu->vgic, true);
    uint32_t other = first_state(vcpu->vgic, false);

    for (uint32_t n = 0; n < ASH_VGIC_PRIVATE_IRQS; n++) {
        reset_irq(vcpu->vgic, &vcpu->irqs[n], n < SGI_COUNT ? sgi : other);
    }
    reset_interface(vcpu);
}

void ash_vgic_vcpu_reset(struct ash_vgic *vgic, uint32_t vcpu)
{
    if (vcpu >= vgic->vcpu_count) {
        return;
    }
    ASH_ASSERT(!vgic->vcpus[vcpu]->loaded);
    reset_private(vgic->vcpus[vcpu]);
    vgic->vcpus[vcpu]->online = true;
    ash_vgic_retarget_all_(vgic);
}

void ash_vgic_vcpu_offline(struct ash_vgic *vgic, uint32_t vcpu)
{
    if (vcpu >= vgic->vcpu_count) {
        return;
    }
    ASH_ASSERT(!vgic->vcpus[vcpu]->loaded);
    vgic->vcpus[vcpu]->online = false;
    ash_vgic_retarget_queue_(vgic, vgic->vcpus[vcpu]);
}

/* Where SPIs go after reset. GICv2: nowhere, but if there is only one CPU. */
static uint64_t first_route(const struct ash_vgic *vgic)
{
    uint32_t first = vgic->vcpus[0]->affinity;

    if (vgic->version == 2U) {
        return vgic->vcpu_count == 1U ? 1U : 0U;
    }
    return ((uint64_t)(first >> 24) << 32) | (first & 0xFFFFFFU);
}

void ash_vgic_reset(struct ash_vgic *vgic)
{
    uint64_t route = first_route(vgic);
    uint32_t first = first_state(vgic, false);
    uint16_t target = ash_vgic_target_of_(vgic, route);

    for (uint32_t n = 0; n < vgic->vcpu_count; n++) {
        ASH_ASSERT(!vgic->vcpus[n]->loaded);
    }
    for (uint32_t n = 0; n < vgic->vcpu_count; n++) {
        reset_private(vgic->vcpus[n]);
        vgic->vcpus[n]->online = n == 0U;
    }
    for (uint32_t n = 0; n < vgic->spi_count; n++) {
        struct ash_vgic_irq *irq = &vgic->spis[n];
        reset_irq(vgic, irq, first);
        irq->route = route;
        irq->target = target;
        irq->owner = 0;
    }
    for (uint32_t n = 0; n < vgic->vcpu_count; n++) {
        vgic->vcpus[n]->work = 0;
    }
    vgic->ctlr = 0;
    vgic->next_1ofn = 0;
}

static void init_irq(struct ash_vgic_irq *irq, uint32_t intid, uint16_t vcpu)
{
    *irq = (struct ash_vgic_irq){
        .intid = intid, .pintid = ASH_VGIC_NO_PINTID, .target = vcpu, .owner = vcpu, .lr = ASH_VGIC_NO_LR};
}

int ash_vgic_init(struct ash_vgic *vgic, const struct ash_vgic_config *config, const struct ash_vgic_hal *hal,
                  void *ctx)
{
    if (vgic == NULL || config == NULL || config->size != sizeof(*config) || hal == NULL ||
        hal->size != sizeof(*hal) || hal->kick == NULL || hal->hw_deactivate == NULL) {
        return ASH_EINVAL;
    }
    if ((config->version != 2U && config->version != 3U) || !counts_are_ok(config) ||
        !storage_is_ok(config) || (config->version == 2U && config->affinity != NULL)) {
        return ASH_EINVAL;
    }
    if (config->lr_count == 0U && config->version != 2U) {
        return ASH_ENOTSUP;
    }
    memset(vgic, 0, sizeof(*vgic));
    vgic->hal = hal;
    vgic->ctx = ctx;
    vgic->vcpus = config->vcpus;
    vgic->spis = config->spis;
    vgic->vcpu_count = config->vcpu_count;
    vgic->spi_count = config->spi_count;
    vgic->typer = make_typer(config);
    vgic->version = (uint8_t)config->version;
    vgic->lr_count = (uint8_t)config->lr_count;
    vgic->priority_mask = (uint8_t)(0xFFU << (8U - config->priority_bits));
    vgic->preemption_bits = (uint8_t)config->preemption_bits;
    vgic->deactivate_by_hal = config->deactivate_by_hal;
    vgic->has_tdir = config->has_tdir;
    for (uint32_t n = 0; n < vgic->vcpu_count; n++) {
        struct ash_vgic_vcpu *vcpu = vgic->vcpus[n];
        memset(vcpu, 0, sizeof(*vcpu));
        vcpu->vgic = vgic;
        vcpu->index = n;
        vcpu->affinity = affinity_of(config, n);
        for (uint32_t i = 0; i < ASH_VGIC_PRIVATE_IRQS; i++) {
            init_irq(&vcpu->irqs[i], i, (uint16_t)n);
        }
    }
    for (uint32_t i = 0; i < vgic->spi_count; i++) {
        init_irq(&vgic->spis[i], ASH_VGIC_PRIVATE_IRQS + i, 0);
    }
    ash_vgic_reset(vgic);
    return ASH_OK;
}
