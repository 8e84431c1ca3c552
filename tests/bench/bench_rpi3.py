#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The same figures on a Raspberry Pi 3, where software delivers interrupts: into docs/benchmarks.md, or compared with
it.

  tests/bench/bench_rpi3.py             print each figure, the table's, the difference; 1 if one is more than 2 % above
  tests/bench/bench_rpi3.py --update    write the figures into the table

hv is what stands in build/rpi3 (./check bench builds it). Exit code 77: compiler, emulator or guests are not those of
the main table, so nothing is judged.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys

import bench
import measure
import table
from ashlar import boards, build
from ashlar.common import ToolError, atomic_write, main_of

BEGIN = "<!-- figures: written by tests/bench/bench_rpi3.py --update -->"
BUILD = os.path.join(measure.ROOT, "build/rpi3")
SCRATCH = os.path.join(measure.ROOT, "build/bench/rpi3")
COUNTING = ("-icount shift=0,sleep=off -global cortex-a53-arm-cpu.cntfrq=1000000000 -seed 1 "
            "-rtc base=2026-01-01,clock=vm -display none -monitor none")
NOT_HERE = ("gicr_typer", "spi", "vtimer_alone", "vtimer_beside", "vtimer_chaos", "boot", "copy", "image_bytes",
            "image_file", "image_memory")
EVENTS = [row for row in table.GUEST_ROWS if row[0] not in NOT_HERE]
BARE_ARGUMENTS = "console=ttyAMA0,115200 " + measure.BOOTARGS.replace("console=ttyAMA0 ", "")


def run(serial, *options, tree=None, limit_s=measure.LIMIT_S):
    tree = tree or build.board_tree(measure.ROOT, "rpi3", None)
    command = [*boards.machine_arguments("rpi3", None, None, None, tree=tree), *COUNTING.split(), *serial, *options]
    while "-accel" in command:  # -icount is one thread anyway
        del command[command.index("-accel"):command.index("-accel") + 2]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              timeout=limit_s, check=False)
    except subprocess.TimeoutExpired as error:
        return (error.stdout or b"").decode(errors="replace")
    return done.stdout.decode(errors="replace")


class Tree(measure.Tree):
    def __init__(self):
        super().__init__(measure.ROOT, os.path.join(measure.ROOT, "build/qemu-virt"), SCRATCH)
        self.hv = os.path.join(BUILD, "hv/kernel8.img")
        if not os.path.isfile(self.hv):
            raise ToolError(f"{self.hv}: build hv first (./check bench does)")

    def boot(self, gic, cpus, memory, bundle, limit_s=measure.LIMIT_S, more=()):
        return run(("-serial", "null", "-serial", "stdio"), "-kernel", self.hv, "-initrd", bundle, "-append",
                   "ashlar.nonce=00", *more, limit_s=limit_s)


def linux_bare(kernel, initramfs):
    """The kernel on the board itself, with the board's own tree and the seed that it has under hv."""
    tree = os.path.join(SCRATCH, "board.dtb")
    shutil.copyfile(build.board_tree(measure.ROOT, "rpi3", None), tree)
    measure.fdtput("-t", "bx", tree, "/chosen", "rng-seed", *re.findall("..", measure.SEED))
    console = run(("-serial", "stdio"), "-kernel", kernel, "-initrd", initramfs, "-append",
                  f"{BARE_ARGUMENTS} mem={measure.LINUX_RAM >> 20}M maxcpus=2", tree=tree, limit_s=120)
    return measure.medians(console)


def measure_all(kernel, busybox):
    os.makedirs(SCRATCH, exist_ok=True)
    tree = Tree()
    instrument = measure.Instrument(os.path.join(measure.ROOT, "build/qemu-virt"), SCRATCH).with_linux(kernel, busybox)
    found = measure.medians(tree.boot(2, 2, "", tree.bundle("events", instrument.guest, 2, measure.GUEST_RAM)))
    found.update(instrument.linux_under(tree, 2)[0])
    try:
        bare = linux_bare(kernel, os.path.join(SCRATCH, "initramfs.cpio"))
    except measure.Silent:
        bare = {}
    return {event: (found[event], bare.get(event)) for event, *_ in [*EVENTS, *table.LINUX_ROWS] if event in found}


def write(figures):
    lines = [BEGIN, "", "| event | | **hv, Raspberry Pi 3** |", "|---|---|--:|"]
    lines += [f"| `{event}` | {text} | {table.number(figures[event][0])} |" for event, text, *_ in EVENTS
              if event in figures]
    lines += ["", "| Linux | | bare, Raspberry Pi 3 | **hv, Raspberry Pi 3** | difference |", "|---|---|--:|--:|--:|"]
    for event, text in table.LINUX_ROWS:
        ours, bare = figures.get(event, (None, None))
        cells = (f"`{event}`", text, table.number(bare), table.number(ours), table.percent(ours, bare))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", table.END])


def block(text):
    found = re.search(re.escape(BEGIN) + ".*?" + re.escape(table.END), text, re.DOTALL)
    if not found:
        raise ToolError("docs/benchmarks.md has no table of the Raspberry Pi 3 between its two marks")
    return found.group(0)


def read(text):
    found = {}
    for line in text.splitlines():
        cells = [part.strip() for part in re.split(r"(?<!\\)\|", line)[1:-1]]
        event = re.fullmatch(r"`(\w+)`", cells[0]) if cells else None
        value = table.parse_number(cells[-1] if len(cells) == 3 else cells[3]) if event else None
        if value is not None:
            found[event.group(1)] = value
    return found


def compare(figures, reference):
    complaints = []
    print(f"\n{'Raspberry Pi 3':24} {'now':>16} {'the table':>16}  difference")
    for event, then in reference.items():
        now = figures.get(event, (None,))[0]
        if now is None:
            complaints.append(f"{event} is not measured any more")
            continue
        worse = now > then * bench.TOLERANCE
        print(f"{event:24} {table.number(now):>16} {table.number(then):>16}  {bench.change(now, then)}"
              f"{'  WORSE' if worse else ''}")
        if worse:
            complaints.append(f"{event}: {table.number(now)}, the table {table.number(then)}")
    return complaints


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--update", action="store_true", help="write the table instead of comparing with it")
    options = parser.parse_args()
    text = measure.read(bench.DOCUMENT).decode()
    old = block(text)
    kernel, busybox = bench.fetched("kernel"), bench.fetched("busybox")
    figures = measure_all(kernel, busybox)
    if not figures:
        raise ToolError("the guests that measure said nothing")
    if options.update:
        with atomic_write(bench.DOCUMENT) as out:
            out.write(text.replace(old, write(figures)).encode())
        return 0
    complaints = compare(figures, read(old))
    known, _ = table.read(table.block(text) or "")
    if known != bench.versions_of(kernel, busybox):
        print("bench: compiler, emulator or guests are not the table's: nothing is judged")
        return bench.NOTHING_TO_COMPARE
    for complaint in complaints:
        print(f"bench: {complaint}", file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    main_of("bench", main)
