/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/life.h"

#include <libbase/bits.h>

#include "core/hv.h"
#include "core/move.h"
#include "core/place.h"
#include "glue/console_glue.h"

static const char *const state_names[HV_LIFE_STATES] = {
    [HV_LIFE_ABSENT] = "absent",     [HV_LIFE_CREATING] = "creating", [HV_LIFE_OFF] = "off",
    [HV_LIFE_STARTING] = "starting", [HV_LIFE_RUNNING] = "running",   [HV_LIFE_PAUSING] = "pausing",
    [HV_LIFE_PAUSED] = "paused",     [HV_LIFE_STOPPING] = "stopping", [HV_LIFE_DESTROYING] = "destroying",
};

static const char *const command_names[HV_LIFE_COMMANDS] = {
    [HV_LIFE_CREATE] = "create",       [HV_LIFE_START] = "start",     [HV_LIFE_PAUSE] = "pause",
    [HV_LIFE_RESUME] = "resume",       [HV_LIFE_RESTART] = "restart", [HV_LIFE_SHUTDOWN] = "shutdown",
    [HV_LIFE_POWER_OFF] = "power-off", [HV_LIFE_DESTROY] = "destroy",
};

const char *hv_life_state_name(enum hv_life_state state)
{
    return (unsigned)state < HV_LIFE_STATES ? state_names[state] : "?";
}

const char *hv_life_command_name(enum hv_life_command command)
{
    return (unsigned)command < HV_LIFE_COMMANDS ? command_names[command] : "?";
}

uint32_t hv_life_count(const struct hv *hv)
{
    return hv->vms;
}

const char *hv_life_vm_name(const struct hv *hv, uint32_t number)
{
    return number < hv->vms && hv->configured->place[number].usable ? hv->configured->config[number].name
                                                                    : NULL;
}

enum hv_life_state hv_life_state(struct hv *hv, uint32_t number)
{
    enum hv_life_state state = HV_LIFE_ABSENT;

    hv_lock(&hv->vms_lock);
    if (number < hv->vms) {
        const struct hv_vm *vm = hv->vm[number];

        state = vm != NULL ? hv_vm_state(vm) : hv->configured->place[number].state;
    }
    hv_unlock(&hv->vms_lock);
    return state;
}

/* ---- What keeps the machine up ----------------------------------------------------------------------------------- */

/** It is started. The VM list's lock is held. */
static void count_in(struct hv_place *place)
{
    struct hv *hv = place->hv;

    hv->live += place->alive ? 0U : 1U;
    place->alive = true;
    if (!place->keeps && !place->plan->config->background) {
        place->keeps = true;
        hv->foreground++;
    }
}

/** It has ended. The machine ends with the last foreground VM that ends by itself; what a command ended does not count
 *  any more, and ends nothing. */
static void count_out(struct hv_place *place, bool by_command)
{
    struct hv *hv = place->hv;
    bool kept = place->keeps;

    hv->live -= place->alive ? 1U : 0U;
    hv->foreground -= kept ? 1U : 0U;
    place->alive = false;
    place->keeps = false;
    if (!by_command) {
        hv->ended = place->plan->config->name;
        hv->ending = hv->ending || (kept && hv->foreground == 0U);
    }
}

/** Nobody is left that keeps the machine up: the others go too, and with the last one the machine. No lock is held. */
static void end_the_machine(struct hv *hv)
{
    bool over = false;

    hv_lock(&hv->vms_lock);
    for (uint32_t i = 0; hv->ending && i < hv->vms; i++) {
        if (hv->vm[i] != NULL) {
            hv_vm_stop(hv->vm[i], HV_END_MACHINE);
        }
    }
    over = hv->ending && hv->live == 0U && !hv->over; /* the first one to find it says so */
    hv->over = hv->over || over;
    hv_unlock(&hv->vms_lock);
    if (over) {
        hv_finish(hv);
    }
}

/* ---- What follows ------------------------------------------------------------------------------------------------ */

/** May one more restart by policy be? Then it is noted. */
static bool may_restart(struct hv_place *place, enum hv_vm_end end)
{
    const struct ash_boot_vm *config = place->plan->config;
    uint64_t window = config->restart_seconds * hv_arch_ticks_per_second();
    uint64_t now = hv_arch_ticks();
    uint64_t *oldest;

    if (!config->has_restart_limit && end == HV_END_RESET) {
        return true;
    }
    if (config->restart_limit == 0U) {
        return false;
    }
    oldest = &place->restart_at[place->restarts % config->restart_limit];
    if (place->restarts >= config->restart_limit && now - *oldest < window) {
        return false;
    }
    *oldest = now;
    place->restarts++;
    return true;
}

static enum hv_vm_then policy_of(const struct ash_boot_vm *config, enum hv_vm_end end)
{
    static const enum hv_vm_then thens[] = {[ASH_BOOT_VM_STOP] = HV_THEN_STOP,
                                            [ASH_BOOT_VM_RESTART] = HV_THEN_RESTART,
                                            [ASH_BOOT_VM_DESTROY] = HV_THEN_DESTROY};

    switch (end) {
    case HV_END_OFF:
        return thens[config->on_poweroff];
    case HV_END_RESET:
        return thens[config->on_reset];
    case HV_END_FAULT:
        return thens[config->on_crash];
    case HV_END_COMMAND:
    case HV_END_MACHINE:
    default:
        return HV_THEN_STOP;
    }
}

struct outcome {
    enum hv_vm_then then;
    bool by_command;
    bool is_fault;   /* of those that the machine's exit status tells of */
    const char *but; /* why it is not restarted; NULL: nothing is in the way */
};

static bool is_used_up(const struct hv_place *place)
{
    return place->spent && place->plan->config->kernel == NULL;
}

/** The locks are held. */
static struct outcome decide(const struct hv_vm *vm)
{
    struct hv_place *place = vm->place;
    struct outcome outcome = {.then = vm->then, .by_command = vm->then != HV_THEN_POLICY};

    outcome.is_fault = vm->end == HV_END_FAULT;
    if (!outcome.by_command) {
        outcome.then = policy_of(&vm->config, vm->end);
    }
    if (outcome.then != HV_THEN_RESTART) {
        return outcome;
    }
    if (vm->hv->ending) {
        outcome.then = HV_THEN_STOP;
    } else if (is_used_up(place)) {
        outcome.but = "its images were in memory and are used up: only the boot loader can start it again";
    } else if (!outcome.by_command && !may_restart(place, vm->end)) {
        outcome.but = "it was restarted too often and stays off (restart-limit)";
    }
    if (outcome.but != NULL) {
        outcome.then = HV_THEN_STOP;
        outcome.is_fault = true;
    } else if (outcome.then == HV_THEN_RESTART) {
        outcome.is_fault = false; /* it is mended */
    }
    return outcome;
}

/** Go on with what was decided. The locks are held; others may do as they like with @vm when they are not. */
static void follow(struct hv_cpu *cpu, struct hv_vm *vm, const struct outcome *outcome)
{
    struct hv_cpu *asker = outcome->by_command ? vm->commander : cpu;
    struct hv_place *place = vm->place;
    struct hv *hv = vm->hv;

    if (outcome->is_fault && hv->faulted == NULL) {
        hv->faulted = place->plan->config->name;
    }
    if (outcome->then == HV_THEN_RESTART) {
        hv_life_begin_load(vm, asker);
        return;
    }
    count_out(place, outcome->by_command);
    if (outcome->then == HV_THEN_DESTROY) {
        hv_life_begin_destroy(vm, asker);
    } else {
        __atomic_store_n(&vm->state, HV_LIFE_OFF, __ATOMIC_RELAXED);
    }
}

/** How often its vCPUs changed CPUs, if they may: whoever gave them a set wants to know what comes of it. */
static void log_moves(const struct hv_vm *vm)
{
    uint64_t moves = 0;
    bool may = false;

    for (uint32_t i = 0; i < vm->vcpus; i++) {
        moves += vm->vcpu[i]->turn.moves;
        may = may || hv_move_may(vm->vcpu[i]);
    }
    if (may) {
        hv_log(vm->hv, "%s: its vCPUs moved %lu times from CPU to CPU", vm->name, moves);
    }
}

void hv_life_ended(struct hv_cpu *cpu, struct hv_vm *vm)
{
    static const char *const words[] = {
        [HV_END_OFF] = "is off",
        [HV_END_RESET] = "resets",
        [HV_END_FAULT] = "was stopped for a fault",
        [HV_END_COMMAND] = "was turned off",
        [HV_END_MACHINE] = "is off",
    };
    struct hv *hv = vm->hv;
    const char *name = vm->name; /* the configuration's: it stays */
    struct outcome outcome;

    hv_record_state(cpu, vm, HV_LIFE_OFF, vm->end);
    hv_console_vm_over(vm);
    hv_log(hv, "%s %s", name, words[vm->end]);
    log_moves(vm);
    hv_lock(&hv->vms_lock);
    hv_lock(&vm->lock);
    outcome = decide(vm);
    if (outcome.but == NULL) {
        follow(cpu, vm, &outcome);
    }
    hv_unlock(&vm->lock);
    hv_unlock(&hv->vms_lock);
    if (outcome.but != NULL) {
        hv_log(hv, "%s: %s", name, outcome.but);
        hv_lock(&hv->vms_lock);
        hv_lock(&vm->lock);
        if (vm->then == HV_THEN_DESTROY) { /* commanded meanwhile */
            outcome = decide(vm);
        }
        follow(cpu, vm, &outcome);
        hv_unlock(&vm->lock);
        hv_unlock(&hv->vms_lock);
    }
    end_the_machine(hv);
}

/* ---- Commands ---------------------------------------------------------------------------------------------------- */

#define IN(state) (1U << HV_LIFE_##state)

static const struct rule {
    uint32_t states; /* in which the command may be given, a bit each */
    const char *allowed;
} rules[HV_LIFE_COMMANDS] = {
    [HV_LIFE_CREATE] = {IN(ABSENT), "it is there already: destroy it first"},
    [HV_LIFE_START] = {IN(OFF), "it must be created, and off"},
    [HV_LIFE_PAUSE] = {IN(RUNNING), "it must be running"},
    [HV_LIFE_RESUME] = {IN(PAUSED) | IN(PAUSING), "it must be paused"},
    [HV_LIFE_RESTART] = {IN(RUNNING) | IN(PAUSING) | IN(PAUSED) | IN(OFF),
                         "it must be running, paused or off"},
    [HV_LIFE_SHUTDOWN] = {IN(RUNNING), "it must be running"},
    [HV_LIFE_POWER_OFF] = {IN(STARTING) | IN(RUNNING) | IN(PAUSING) | IN(PAUSED) | IN(STOPPING),
                           "it must be running or paused"},
    [HV_LIFE_DESTROY] = {IN(CREATING) | IN(OFF) | IN(STARTING) | IN(RUNNING) | IN(PAUSING) | IN(PAUSED) |
                             IN(STOPPING),
                         "it must be created"},
};

struct request {
    struct hv_cpu *cpu;
    struct hv_place *place;
    struct hv_vm *vm; /* its lock is held; NULL: there is none */
    enum hv_life_state state;
    const char *why;
};

static int refuse(struct request *request, int error, const char *why)
{
    request->why = why;
    return error;
}

static int do_create(struct request *request)
{
    if (request->place->hv->ending) {
        return refuse(request, ASH_EBUSY, "the machine is about to end");
    }
    hv_life_begin_create(request->place, request->cpu);
    return ASH_OK;
}

static int do_start(struct request *request)
{
    const struct hv_vm *vm = request->vm;

    if (vm->hv->ending) {
        return refuse(request, ASH_EBUSY, "the machine is about to end");
    }
    if (is_used_up(request->place)) {
        return refuse(request, ASH_ENOTSUP,
                      "its images were in memory and are used up: only the boot loader can start it again");
    }
    for (uint32_t i = 0; i < vm->vcpus; i++) {
        if (__atomic_load_n(&vm->vcpu[i]->cpu->online, __ATOMIC_ACQUIRE) == 0U) {
            return refuse(request, ASH_ENOTSUP, "a CPU that it wants did not start");
        }
    }
    count_in(request->place);
    hv_life_begin_load(request->vm, request->cpu);
    return ASH_OK;
}

static int do_pause(struct request *request)
{
    if (request->vm->off_at != UINT64_MAX) {
        return refuse(request, ASH_EBUSY, "it is shutting down");
    }
    hv_vm_pause(request->vm);
    return ASH_OK;
}

static int do_resume(struct request *request)
{
    hv_vm_resume(request->cpu, request->vm);
    return ASH_OK;
}

/** Off, and then @then. */
static int end_with(struct request *request, enum hv_vm_then then)
{
    request->vm->then = then;
    request->vm->commander = request->cpu;
    hv_vm_stop_locked(request->vm, HV_END_COMMAND); /* STOPPING already: what follows is another thing now */
    return ASH_OK;
}

static int do_restart(struct request *request)
{
    if (request->state == HV_LIFE_OFF) {
        return do_start(request);
    }
    if (is_used_up(request->place)) {
        return refuse(request, ASH_ENOTSUP, "its images were in memory and are used up");
    }
    return end_with(request, HV_THEN_RESTART);
}

static int do_shutdown(struct request *request)
{
    struct hv_vm *vm = request->vm;

    vm->then = HV_THEN_STOP;
    vm->commander = request->cpu;
    __atomic_store_n(&vm->off_at,
                     hv_arch_ticks() + vm->config.shutdown_timeout_ms * (hv_arch_ticks_per_second() / 1000U),
                     __ATOMIC_RELAXED);
    hv_machine_press_power(request->cpu, vm);
    hv_sched_new_alarm(vm->vcpu[0]->cpu, request->cpu);
    return ASH_OK;
}

static int do_power_off(struct request *request)
{
    if (request->state == HV_LIFE_STOPPING && request->vm->then == HV_THEN_DESTROY) {
        return refuse(request, ASH_EBUSY, "it is going to be destroyed");
    }
    return end_with(request, HV_THEN_STOP);
}

static int do_destroy(struct request *request)
{
    if (request->vm == NULL) {
        request->place->abandoned = true;
        return ASH_OK;
    }
    if (request->state != HV_LIFE_OFF) {
        return end_with(request, HV_THEN_DESTROY);
    }
    hv_life_begin_destroy(request->vm, request->cpu);
    return ASH_OK;
}

static int obey(struct request *request, enum hv_life_command command)
{
    static int (*const actions[HV_LIFE_COMMANDS])(struct request *) = {
        [HV_LIFE_CREATE] = do_create,       [HV_LIFE_START] = do_start,     [HV_LIFE_PAUSE] = do_pause,
        [HV_LIFE_RESUME] = do_resume,       [HV_LIFE_RESTART] = do_restart, [HV_LIFE_SHUTDOWN] = do_shutdown,
        [HV_LIFE_POWER_OFF] = do_power_off, [HV_LIFE_DESTROY] = do_destroy,
    };

    if ((rules[command].states & (1U << request->state)) == 0U) {
        return refuse(request, ASH_EBUSY, rules[command].allowed);
    }
    return actions[command](request);
}

/** The VM list's lock is held. */
static int obey_place(struct request *request, enum hv_life_command command)
{
    struct hv_vm *vm = request->place->hv->vm[request->place->number];
    int error;

    if (!request->place->usable) {
        return refuse(request, ASH_ENOTSUP,
                      "its configuration has a mistake: the first lines after boot say which");
    }
    request->vm = vm;
    request->state = request->place->state;
    if (vm != NULL) {
        hv_lock(&vm->lock);
        request->state = vm->state;
    }
    error = obey(request, command);
    if (vm != NULL) {
        hv_unlock(&vm->lock);
    }
    return error;
}

int hv_life_ask(struct hv_cpu *cpu, uint32_t number, enum hv_life_command command, const char **why)
{
    struct request request = {.cpu = cpu, .why = ""};
    struct hv *hv = cpu->hv;
    int error;

    if (number >= hv->vms || (unsigned)command >= HV_LIFE_COMMANDS) {
        error = refuse(&request, ASH_ENOENT, "there is no VM of this number");
    } else {
        request.place = &hv->configured->place[number];
        hv_lock(&hv->vms_lock);
        error = obey_place(&request, command);
        hv_unlock(&hv->vms_lock);
    }
    if (why != NULL) {
        *why = request.why;
    }
    return error;
}

/* ---- Boot -------------------------------------------------------------------------------------------------------- */

static bool is_wanted(const struct hv_vm *vm)
{
    return vm != NULL && !vm->config.no_autostart;
}

/** A vCPU whose CPU never came would be waited for without end. */
static bool are_its_cpus_there(const struct hv_vm *vm)
{
    for (uint32_t i = 0; i < vm->vcpus; i++) {
        const struct hv_cpu *cpu = vm->vcpu[i]->cpu;

        if (__atomic_load_n(&cpu->online, __ATOMIC_ACQUIRE) == 0U) {
            hv_log(vm->hv, "%s: cannot start: CPU %u, which vCPU %u wants, did not", vm->name, cpu->index, i);
            return false;
        }
    }
    return true;
}

/** All are counted before the first one runs: it may end at once. */
static void count_all(struct hv *hv)
{
    for (uint32_t i = 0; i < hv->vms; i++) {
        if (is_wanted(hv->vm[i])) {
            count_in(hv->vm[i]->place);
        }
    }
    if (hv->foreground > 0U || hv->front_refused) {
        return;
    }
    for (uint32_t i = 0; i < hv->vms; i++) { /* nobody to be behind */
        if (is_wanted(hv->vm[i])) {
            hv->vm[i]->config.background = false;
            hv->vm[i]->place->plan->config->background = false;
            count_in(hv->vm[i]->place);
        }
    }
}

void hv_life_start_all(struct hv_cpu *cpu)
{
    struct hv *hv = cpu->hv;

    __atomic_store_n(&cpu->online, 1U, __ATOMIC_RELEASE);
    hv_lock(&hv->vms_lock);
    count_all(hv);
    hv_unlock(&hv->vms_lock);
    for (uint32_t i = 0; i < hv->vms; i++) {
        struct hv_vm *vm = hv->vm[i];

        if (is_wanted(vm)) {
            bool can = are_its_cpus_there(vm);

            hv_lock(&vm->lock);
            hv_life_begin_load(vm, cpu);
            if (!can) {
                hv_vm_stop_locked(vm, HV_END_FAULT);
            }
            hv_unlock(&vm->lock);
        }
    }
    do { /* nothing else runs here yet: no waiting for a step */
        hv_mail_deliver_all(cpu);
    } while (hv_jobs_step(cpu));
    hv_lock(&hv->vms_lock);
    hv->ending = hv->ending || (hv->front_refused && hv->foreground == 0U);
    hv_unlock(&hv->vms_lock);
    end_the_machine(hv);
}
