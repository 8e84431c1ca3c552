# SPDX-License-Identifier: BSD-2-Clause
"""The boards that an emulator stands in for."""
import argparse
import collections
import os
import re

from ashlar.common import ToolError

# machine: of each model, the first one by default. fixed: what cannot be chosen. tree: the device tree, of each model,
# that tests/setup/fetch keeps beside the kernel; None: the emulator makes one. serial: what stands before the serial
# line that is the console.
Emulator = collections.namedtuple("Emulator", "program machine cpu ram fixed tree serial")

EMULATORS = {
    "qemu-virt": Emulator("qemu-system-aarch64", {"virt": "virt,virtualization=on,gic-version={gic}"}, "cortex-a53",
                          0x40000000, None, None, ()),
    # Debian's trees name the mini-UART, which is the emulator's second serial line.
    "rpi3": Emulator("qemu-system-aarch64", {"b": "raspi3b", "b-plus": "raspi3b", "a-plus": "raspi3ap"}, None, 0,
                     {"cpus": 4}, "bcm2837-rpi-3-{model}.dtb", ("-serial", "null")),
}
# Of one whose parts can be chosen.
DEFAULT_GIC = "3"
CPUS = 4
MEMORY = "2G"
FLASH_SIZE = 64 << 20
MOST_DIGITS = 9


def whole(text):
    """An option's value: a number of something."""
    if not re.fullmatch(r"[0-9]+", text) or len(text) > MOST_DIGITS or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text[:32]!r} is not a whole number above 0")
    return int(text)


def size(text):
    """An option's value: memory, as the emulator takes it."""
    if not re.fullmatch(r"[1-9][0-9]*[MG]", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 512M or 2G")
    return text


def model_of(board, model):
    models = list(EMULATORS[board].machine)
    if model is not None and model not in models:
        raise ToolError(f"--board {board} has no model {model!r}; allowed: {', '.join(models)}", 2)
    return model or models[0]


def check_options(board, gic, cpus, memory, model, flash=None):
    """Refuse what a machine that is made of parts has, for one that is as it was made."""
    fixed = EMULATORS[board].fixed
    model_of(board, model)
    if fixed is None:
        return
    for name, value in (("--gic", gic), ("--memory", memory), ("--flash", flash)):
        if value is not None:
            raise ToolError(f"{name}: --board {board} is as it was made", 2)
    if cpus not in (None, fixed["cpus"]):
        raise ToolError(f"--cpus: --board {board} has {fixed['cpus']}", 2)


def machine_arguments(board, gic, cpus, memory, more="", model=None, tree=None):
    """The emulator's command up to what it boots. more: appended to the machine's options. tree: the file of the
    board's device tree, where it has one."""
    emulator = EMULATORS[board]
    machine = emulator.machine[model_of(board, model)].format(gic=gic or DEFAULT_GIC) + more
    if emulator.fixed:
        cpus = emulator.fixed["cpus"]
        # Where its CPUs outnumber ours, one that holds a lock may wait long for its turn while others spin: in one
        # thread, they take turns when they wait.
        accelerator = ["-accel", "tcg,thread=single"] if (os.cpu_count() or 1) <= cpus else []
        return [emulator.program, *accelerator, "-M", machine, "-smp", str(cpus), "-nic", "none", "-dtb", tree]
    return [emulator.program, "-M", machine, "-cpu", emulator.cpu, "-smp", str(cpus), "-m", memory, "-nic", "none"]


def image(root, board):
    """What a board's boot loader loads, in the folder hv of its build."""
    with open(os.path.join(root, "bsp", board, "bsp.cmake"), encoding="utf-8") as f:
        return re.search(r"^set\(BSP_IMAGE ([^)]+)\)", f.read(), re.MULTILINE).group(1)
