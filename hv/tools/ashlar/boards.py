# SPDX-License-Identifier: BSD-2-Clause
"""The boards that an emulator stands in for."""
import collections

Emulator = collections.namedtuple("Emulator", "program machine cpu ram")

EMULATORS = {
    "qemu-virt": Emulator("qemu-system-aarch64", "virt,virtualization=on,gic-version={gic}", "cortex-a53", 0x40000000),
}


def machine_arguments(board, gic, cpus, memory, more=""):
    """The emulator's command up to what it boots. more: appended to the machine's options."""
    emulator = EMULATORS[board]
    return [emulator.program, "-M", emulator.machine.format(gic=gic) + more, "-cpu", emulator.cpu, "-smp", str(cpus),
            "-m", memory, "-nic", "none"]
