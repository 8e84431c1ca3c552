# SPDX-License-Identifier: BSD-2-Clause
# hv's sources that are architecture-neutral, and those that put a PC in an architecture's place; below this folder.
set(HV_CORE_SOURCES
    core/account.c core/board_check.c core/boot.c
    core/command.c core/command_show.c core/command_switch.c core/command_vm.c core/editor.c core/record.c core/shell.c
    core/budget.c core/configuration.c core/console.c core/console_keys.c core/console_line.c core/cpu.c
    core/format.c core/guest_memory.c core/job.c core/life.c core/life_work.c core/move.c core/ownership.c core/pages.c
    core/panic.c core/plan.c core/provoke.c core/recorder.c
    core/ranges.c core/rng.c core/sched.c core/vm.c core/vm_create.c
    glue/bcm2837.c glue/console_glue.c glue/devices.c glue/firmware.c glue/hypercall.c glue/loader.c glue/machine.c
    glue/stage2.c glue/uart.c glue/virtio.c glue/virtio_blk.c glue/virtio_console.c glue/virtio_net.c
    glue/virtio_net_receive.c glue/virtio_pipe.c glue/virtio_rng.c glue/virtio_served.c glue/virtio_vsock.c
    glue/virtio_vsock_links.c
    glue/virtio_vsock_shell.c
    vdev/bcm2837.c vdev/bcm_aux.c vdev/bcm_blocks.c vdev/bcm_intc.c vdev/bcm_local.c vdev/bcm_mailbox.c
    vdev/bcm_property.c vdev/bcm_systimer.c vdev/bcm_view.c vdev/flow.c vdev/overlay.c vdev/segment.c vdev/vpl011.c
    vdev/vpl031.c vdev/vpl061.c vdev/vsp805.c vdev/vswitch.c vdev/vswitch_table.c)
set(HV_HOST_SOURCES arch/host/host_common.c arch/host/host.c arch/host/host_console.c)
set(HV_HOST_THREADS_SOURCES arch/host/host_common.c arch/host/threads.c arch/host/wires.c)
