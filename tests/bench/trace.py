#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Where the instructions of an event go: each one that hv runs between the two ends of a measured sequence.

  tests/bench/trace.py                     a line an event: instructions, register accesses, barriers, …
  tests/bench/trace.py hvc_version boot    these events, function by function
  tests/bench/trace.py --listing boot      … and instruction by instruction, with how often each ran
  tests/bench/trace.py --callees boot      … and each function by its callers, with what it calls itself

From the emulator's log of every instruction, one a block (-singlestep -d exec,nochain), and the disassembly of hv.elf
of the same build. Of the repetitions one of median length is shown. Each CPU's instructions count, as in the figure.
"""
import argparse
import collections
import os
import re
import subprocess
import sys

import measure
from table import KINDS, KIND_NAMES
from ashlar.common import ToolError, main_of
from ashlar.symbols import link_address

HV_BASE = 0x40200000  # an Image of text_offset 0, on QEMU's virt
GUEST_BASE = 0x40080000
GUEST_CODE = 16384
PREFIX = "aarch64-linux-gnu-"
TRACE = re.compile(rb"^Trace (\d+): 0x[0-9a-f]+ \[[0-9a-f]+/([0-9a-f]+)/")
ENTRY = re.compile(r"^([0-9a-f]+) <(.+)>:$")
INSTRUCTION = re.compile(r"^ *([0-9a-f]+):\t(\S+)(?:\t([^/]*))?")
MOST_WINDOWS = 31



def kind_of(mnemonic):
    """Which of KINDS an instruction is, or None."""
    if mnemonic == "mrs":
        return "reads"
    if mnemonic == "msr":
        return "writes"
    if mnemonic in ("isb", "tlbi"):
        return mnemonic
    if mnemonic in ("dsb", "dmb"):
        return "dsb"
    return "memory" if mnemonic.startswith(("ld", "st", "cas", "swp")) else None


class Program:
    """An ELF's instructions and symbols, as it is linked."""

    def __init__(self, elf):
        self.code = {}  # address: (function, mnemonic, operands)
        self.symbols = {}
        function = "?"
        for line in self._tool("objdump", "-d", "--no-show-raw-insn", elf):
            entry = ENTRY.match(line)
            if entry:
                function = entry.group(2)
                continue
            found = INSTRUCTION.match(line)
            if found:
                self.code[int(found.group(1), 16)] = (function, found.group(2), (found.group(3) or "").strip())
        for line in self._tool("nm", elf):
            address, _, name = line.split(" ", 2)
            self.symbols[name] = int(address, 16)
        self.start = link_address(elf)

    def at(self, pc):
        """What the instruction at @pc of hv at HV_BASE is."""
        return self.code.get(pc - HV_BASE + self.start, ("the guest", "", ""))

    @staticmethod
    def _tool(name, *arguments):
        try:
            done = subprocess.run([PREFIX + name, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  text=True, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise ToolError(f"{PREFIX}{name}: {error}") from None
        return done.stdout.splitlines()


class Window(list):
    """The program counters between an event's two ends, and how often hv was entered."""

    exits = 0


class Windows:
    """Cuts the stream of program counters into the events' sequences."""

    def __init__(self, guest):
        self._from = {}
        self._to = {}
        for name, address in guest.symbols.items():
            found = re.fullmatch(r"bench_(\w+)_(from|to)", name)
            if found:
                (self._from if found.group(2) == "from" else self._to)[address] = found.group(1)
        self._open = None
        self._steps = Window()
        self._in_hv = set()  # CPUs
        self.boot = []
        self._booted = False
        self.found = collections.defaultdict(list)

    def feed(self, cpu, pc):
        if not self._booted:
            if pc == GUEST_BASE:
                self._booted = True
            else:
                self.boot.append(pc)
            return
        if pc < HV_BASE:
            self._in_hv.discard(cpu)
        elif cpu not in self._in_hv:
            self._in_hv.add(cpu)
            self._steps.exits += 1
        if self._open:
            if self._to.get(pc) == self._open:
                if len(self.found[self._open]) < MOST_WINDOWS:
                    self.found[self._open].append(self._steps)
                self._open = None
            else:
                self._steps.append(pc)
        if pc in self._from:
            self._open, self._steps = self._from[pc], Window()

    def median(self, event):
        if event == "boot":
            return self.boot
        return sorted(self.found[event], key=len)[len(self.found[event]) // 2]


def record(tree, gic, elf, bundle, cpus=2):
    """(windows, hv's program) of one run of a guest that measures."""
    hv = Program(tree.elf)
    windows = Windows(Program(elf))
    size = os.path.getsize(tree.hv)
    options = measure.COUNTING.replace("-serial stdio", "-serial null").split()
    command = [measure.QEMU, *options, *measure.machine(gic, True, cpus, "256M"), "-kernel", tree.hv, "-initrd",
               bundle, "-append", "ashlar.nonce=00", "-singlestep", "-d", "exec,nochain", "-D", "/dev/stdout",
               "-dfilter", f"{HV_BASE:#x}+{size:#x},{GUEST_BASE:#x}+{GUEST_CODE:#x}"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          bufsize=1 << 20) as process:
        try:
            for line in process.stdout:
                found = TRACE.match(line)
                if found:
                    windows.feed(found.group(1), int(found.group(2), 16))
        finally:
            process.kill()
    return windows, hv


def record_events(instrument, tree, gic, cpus=2):
    return record(tree, gic, instrument.elf, tree.bundle("events", instrument.guest, cpus, measure.GUEST_RAM), cpus)


class Profile:
    """One sequence's instructions by function and by kind."""

    def __init__(self, steps, program):
        self.functions = collections.Counter()
        self.kinds = collections.Counter()
        self.lines = collections.Counter()
        for pc in steps:
            function, mnemonic, _ = program.at(pc)
            self.functions[function] += 1
            kind = kind_of(mnemonic)
            if kind:
                self.kinds[kind] += 1
            self.lines[pc - HV_BASE + program.start] += 1
        self.in_hv = len(steps) - self.functions["the guest"]


def callees(steps, program):
    """({(caller, callee): instructions}, with all that the callee calls; {…: calls}). A function: what a bl enters."""
    found = collections.Counter()
    calls = collections.Counter()
    stack = []
    called = False
    for count, pc in enumerate(steps):
        function, mnemonic, _ = program.at(pc)
        if called or not stack:
            stack.append((function, count))
        called = mnemonic in ("bl", "blr")
        if mnemonic == "ret" and len(stack) > 1:
            name, entered = stack.pop()
            found[stack[-1][0], name] += count + 1 - entered
            calls[stack[-1][0], name] += 1
    return found, calls


def costs(instrument, tree, gic):
    """{"event:kind": count} of every event that leaves the guest; of virtio's requests who needs how much."""
    windows, program = record_events(instrument, tree, gic)
    found = {}
    for event in windows.found:
        profile = Profile(windows.median(event), program)
        if profile.in_hv:
            found.update({f"{event}:{kind}": profile.kinds[kind] for kind in KINDS})
    found.update(virtio_costs(instrument, tree, gic))
    return found


def virtio_costs(instrument, tree, gic):
    bundle = instrument.virtio_bundle(tree)
    found = {}
    if bundle is None:
        return found
    requests = measure.requests_of(tree.boot(gic, 2, "256M", bundle, measure.NO_ANSWER_LIMIT_S))
    windows, program = record(tree, gic, instrument.virtio_elf, bundle)
    for event in requests.keys() & windows.found.keys():
        window = windows.median(event)
        in_hv = Profile(window, program).in_hv
        found[f"{event}:guest"] = round((len(window) - in_hv) / requests[event])
        found[f"{event}:hv"] = round(in_hv / requests[event])
        found[f"{event}:exits"] = round(window.exits / requests[event], 2)
    return found


def show(event, profile, program, listing):
    kinds = ", ".join(f"{KIND_NAMES[kind]} {profile.kinds[kind]}" for kind in KINDS)
    print(f"\n{event}: {profile.in_hv} instructions in hv, {profile.functions['the guest']} in the guest\n  {kinds}")
    for function, count in profile.functions.most_common():
        print(f"  {count:8} {function}")
    if not listing:
        return
    last = None
    for address in sorted(address for address in profile.lines if address in program.code):
        function, mnemonic, operands = program.code[address]
        if function != last:
            print(f"\n  {function}:")
            last = function
        print(f"  {profile.lines[address]:8} {address:6x}  {mnemonic} {operands}")


def show_callees(steps, program):
    found, calls = callees(steps, program)
    for (caller, callee), count in found.most_common(150):
        print(f"  {count:8} in {calls[caller, callee]:4} of {callee}, called by {caller}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("events", nargs="*")
    parser.add_argument("--listing", action="store_true", help="each instruction, in the order of addresses")
    parser.add_argument("--callees", action="store_true", help="each function by its callers, with all that it calls")
    parser.add_argument("--virtio", action="store_true", help="the events of virtio's devices")
    parser.add_argument("--gic", choices=("2", "3"), default="3")
    options = parser.parse_args()
    build = os.path.join(measure.ROOT, "build/qemu-virt")
    scratch = os.path.join(measure.ROOT, "build/bench")
    os.makedirs(scratch, exist_ok=True)
    instrument = measure.Instrument(build, scratch)
    tree = measure.Tree(measure.ROOT, build, scratch)
    if options.virtio:
        windows, program = record(tree, options.gic, instrument.virtio_elf, instrument.virtio_bundle(tree))
    else:
        windows, program = record_events(instrument, tree, options.gic, 1 if options.events == ["boot"] else 2)
    known = ["boot", *windows.found]
    for event in options.events:
        if event not in known:
            raise ToolError(f"there is no event {event}; seen were {', '.join(known)}", 2)
        show(event, Profile(windows.median(event), program), program, options.listing)
        if options.callees:
            show_callees(windows.median(event), program)
    if not options.events:
        print(f"{'':24}{'hv':>8}" + "".join(f"{KIND_NAMES[kind]:>19}" for kind in KINDS))
        for event in known:
            profile = Profile(windows.median(event), program)
            print(f"{event:24}{profile.in_hv:8}" + "".join(f"{profile.kinds[kind]:19}" for kind in KINDS))
    return 0


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    main_of("trace", main)
