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
    };
    size_t size =
        HV_MAX_CPUS * sizeof(config.cpu[0]) + ASH_VMID_BITMAP_WORDS(config.bits) * sizeof(config.bitmap[0]);

    config.cpu = (struct ash_vmid_cpu *)hv_pages_alloc_zeroed(&hv->pages, hv_pages_for(size));
    if (config.cpu == NULL) {
        return ASH_ENOMEM;
    }
    config.bitmap = (uint64_t *)(void *)(config.cpu + HV_MAX_CPUS);
    return ash_vmid_pool_init(&hv->vmids, &config);
}

/** A VMID by the pool's lock. */
static int load_locked(struct hv_cpu *cpu, struct ash_vmid *vmid)
{
    bool rollover = false;
    int number;

    hv_lock(&cpu->hv->vms_lock);
    number = ash_vmid_load(&cpu->hv->vmids, vmid, cpu->index, &rollover);
    if (rollover) {
        hv_arch_invalidate_everything();
    }
    hv_unlock(&cpu->hv->vms_lock);
    return number;
}

int hv_stage2_enter(struct hv_cpu *cpu, struct hv_vm *vm)
{
    struct ash_stage2 *stage2 = &vm->machine.stage2;
    int vmid;

    hv_arch_interleave();
    vmid = ash_vmid_try_load(&cpu->hv->vmids, &vm->machine.vmid, cpu->index);
    if (vmid == 0) {
        vmid = load_locked(cpu, &vm->machine.vmid);
    }
    if (vmid < 0) {
        return vmid;
    }
    /* It stays the VM's as long as any CPU has loaded it, so who finds it set may rely on it. Who changes the tables
     * does so by the VM's lock: if before this, then also under the old number, and no TLB has entries of the new one
     * yet; if after, under this one. */
    if (ash_stage2_vttbr(stage2) >> 48 != (uint64_t)vmid) {
        hv_lock(&vm->lock);
        ash_stage2_set_vmid(stage2, (uint16_t)vmid);
        hv_unlock(&vm->lock);
    }
    return ASH_OK;
}

void hv_stage2_leave(struct hv_cpu *cpu)
{
    ash_vmid_put(&cpu->hv->vmids, cpu->index);
    hv_arch_interleave();
}
