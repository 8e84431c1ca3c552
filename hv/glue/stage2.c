/* SPDX-License-Identifier: BSD-2-Clause */
#include "glue/stage2.h"

#include "arch/arch.h"
#include "core/hv.h"

static int table_alloc(void *ctx, unsigned pages, ash_pa_t *pa)
{
    struct hv_vm *vm = (struct hv_vm *)ctx;
    const struct hv_page_request request = {.pages = pages};
    void *table = hv_pages_alloc(&vm->hv->pages, &request);

    if (table == NULL) {
        return ASH_ENOMEM;
    }
    *pa = ash_pa((uint64_t)(uintptr_t)table); /* hv's map is the identity */
    return ASH_OK;
}

static void table_free(void *ctx, ash_pa_t pa, unsigned pages)
{
    struct hv_vm *vm = (struct hv_vm *)ctx;

    hv_pages_free(&vm->hv->pages, (void *)(uintptr_t)pa.value, pages);
}

static uint64_t *table_at(void *ctx, ash_pa_t pa)
{
    (void)ctx;
    return (uint64_t *)(uintptr_t)pa.value;
}

static void publish(void *ctx, const uint64_t *first, size_t count)
{
    (void)ctx;
    hv_arch_stage2_publish(first, count);
}

static void invalidate(void *ctx, const struct ash_stage2_invalidation *what)
{
    struct hv_vm *vm = (struct hv_vm *)ctx;

    hv_arch_stage2_invalidate(&vm->machine.stage2, what);
}

static const struct ash_stage2_hal hal = {
    .size = sizeof(hal),
    .table_alloc = table_alloc,
    .table_free = table_free,
    .table_at = table_at,
    .publish = publish,
    .invalidate = invalidate,
};

int hv_stage2_create(struct hv_vm *vm)
{
    const struct hv_arch_features *features = hv_arch_features();
    const struct ash_stage2_config config = {
        .size = sizeof(config),
        .id_aa64mmfr0_el1 = features->id.reg[ASH_VCPU_ID_AA64MMFR0],
        .id_aa64mmfr1_el1 = features->id.reg[ASH_VCPU_ID_AA64MMFR1],
        .ipa_bits = features->ipa_bits,
        .contiguous = true,
    };

    return ash_stage2_init(&vm->machine.stage2, &config, &hal, vm);
}

int hv_stage2_init_vmids(struct hv *hv)
{
    struct ash_vmid_pool_config config = {
        .size = sizeof(config),
        .bits = hv_arch_features()->vmid_bits,
        .cpus = HV_MAX_CPUS,
        .active = hv->vmid_active,
        .reserved = hv->vmid_reserved,
    };

    config.bitmap = (uint64_t *)hv_pages_alloc_zeroed(
        &hv->pages, hv_pages_for(ASH_VMID_BITMAP_WORDS(config.bits) * sizeof(uint64_t)));
    return config.bitmap != NULL ? ash_vmid_pool_init(&hv->vmids, &config) : ASH_ENOMEM;
}

int hv_stage2_enter(struct hv_cpu *cpu, struct hv_vm *vm)
{
    bool rollover = false;
    int vmid;

    hv_lock(&cpu->hv->vms_lock);
    vmid = ash_vmid_load(&cpu->hv->vmids, &vm->machine.vmid, cpu->index, &rollover);
    if (rollover) {
        hv_arch_invalidate_everything();
    }
    hv_unlock(&cpu->hv->vms_lock);
    if (vmid < 0) {
        return vmid;
    }
    hv_lock(&vm->lock);
    /* Another CPU that has the VM loaded, and reads it without the lock, finds the VMID unchanged: so it is. */
    if (ash_stage2_vttbr(&vm->machine.stage2) >> 48 != (uint64_t)vmid) {
        ash_stage2_set_vmid(&vm->machine.stage2, (uint16_t)vmid);
    }
    hv_unlock(&vm->lock);
    return ASH_OK;
}

void hv_stage2_leave(struct hv_cpu *cpu)
{
    hv_lock(&cpu->hv->vms_lock);
    ash_vmid_put(&cpu->hv->vmids, cpu->index);
    hv_unlock(&cpu->hv->vms_lock);
}
