# SPDX-License-Identifier: BSD-2-Clause
"""What a TCP stream between two Linux guests costs, of one run: it goes at full speed up to the first stream, where the
emulator's debugger stops it, and from there on each instruction in hv is logged."""
import os
import re
import socket
import subprocess
import time

import measure
import trace
from ashlar import build, newc
from ashlar.common import ToolError, atomic_write

RAM = 0x8000000  # 128 MiB
LIMIT_S = 240
MODULES = ("virtio_mmio", "failover", "net_failover", "virtio_net")
MORE = ('ramdisk = "initramfs.cpio"; bootargs = "%s quiet"; rng-seed = [%s]; '
        'virtio_net { switch = "lan"; mac = [52 54 00 00 00 %02x]; };')
RECEIVER = """switches { lan { }; };
receiver {
    device_type = "virtual_machine"; vmid = <2>; vm_name = "receiver"; vcpu_affinity = <1>; memory = <0x0 %#x>;
    kernel = "kernel"; background; %s
};"""
FIGURE = re.compile(r"bench: instructions of streams: (\d+)(?s:.*)bench: their pieces of 64 KiB: (\d+)")
# Of the log: what was to run and did not yet, for an interrupt.
STOPPED = re.compile(rb"^Stopped execution of TB chain before 0x[0-9a-f]+ \[([0-9a-f]+)\]")
# Where hv is entered from a guest (Arm ARM DDI 0487 I.a, D1.3.1.2): from a lower EL in AArch64.
ENTRIES = range(0x400, 0x600, 0x80)


class Debugger:
    """The emulator's GDB stub: what it takes to stop at an address and to speak to the monitor."""

    def __init__(self, path, alive, limit_s):
        until = time.monotonic() + limit_s
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(limit_s)
        while True:
            try:
                self._socket.connect(path)
                return
            except OSError:
                if time.monotonic() > until or not alive():
                    raise measure.Silent("the emulator's debugger does not answer") from None
                time.sleep(0.05)

    def close(self):
        self._socket.close()

    def say(self, packet):
        """A packet, and the one that answers it; continuing is answered by the next stop."""
        self.tell(packet)
        return self._packet()

    def tell(self, packet):
        self._socket.sendall(f"${packet}#{sum(packet.encode()) % 256:02x}".encode())

    def monitor(self, command):
        self.say("qRcmd," + command.encode().hex())

    def _packet(self):
        data = b""
        try:
            while not re.search(rb"#..$", data, re.DOTALL):
                got = self._socket.recv(4096)
                if not got:
                    raise measure.Silent("the emulator's debugger is gone", data.decode(errors="replace"))
                data += got
            self._socket.sendall(b"+")
        except OSError as error:
            raise measure.Silent(f"the emulator's debugger: {error}", "") from None
        return data[data.index(b"$") + 1:data.rindex(b"#")].decode(errors="replace")


def write_initramfs(instrument):
    with atomic_write(instrument.stream_initramfs) as out:
        archive = newc.Writer(out)
        for name in ("dev", "lib"):
            archive.directory(name)
        archive.char_device("dev/console", 5, 1)
        archive.file("init", measure.read(instrument.stream_elf), 0o755)
        for name, data in build.kernel_modules(instrument.kernel).items():
            if name.removesuffix(".ko") in MODULES:
                archive.file(f"lib/{name}", data, 0o644)
        archive.close()


def make_bundle(instrument, tree):
    """Two Linux guests on a switch; None: an hv that knows no devices."""
    write_initramfs(instrument)
    more = [MORE % (measure.BOOTARGS, measure.SEED, number) for number in (1, 2)]
    files = {"initramfs.cpio": measure.read(instrument.stream_initramfs)}
    try:
        return tree.bundle("stream", measure.read(instrument.kernel), 1, RAM, more[0], files, RECEIVER % (RAM, more[1]))
    except ToolError:
        return None


def address_of(program, symbol):
    """Where hv's symbol is at run time."""
    return program.symbols[symbol] - program.start + trace.HV_BASE


class Count:
    """hv's instructions, and how often it was entered, between the two ends of each stream."""

    def __init__(self, program, guest):
        vectors = address_of(program, "hv_vectors")
        self._entries = {vectors + offset for offset in ENTRIES}
        self.beginning = guest.symbols["bench_net_stream_from"]
        self._end = guest.symbols["bench_net_stream_to"]
        self.in_hv = self.exits = self.streams = 0
        self._counts = False

    def feed(self, line):
        ran, stopped = trace.TRACE.match(line), STOPPED.match(line)
        pc = int(ran.group(2) if ran else stopped.group(1) if stopped else b"0", 16)
        if pc == self.beginning:
            self._counts = True
        elif pc == self._end and self._counts:
            self._counts = False
            self.streams += 1
        if pc >= trace.HV_BASE and self._counts:
            by = 1 if ran else -1
            self.in_hv += by
            self.exits += by if pc in self._entries else 0


def follow(process, path, count):
    """Let the machine go up to the first stream, and count from there on until it ends."""
    debugger = Debugger(path, lambda: process.poll() is None, LIMIT_S)
    try:
        debugger.say(f"Z0,{count.beginning:x},4")
        if not debugger.say("c").startswith("T05"):
            raise measure.Silent("the stream did not begin", "")
        debugger.say(f"z0,{count.beginning:x},4")
        debugger.monitor("singlestep on")
        debugger.monitor("log exec,nochain")
        debugger.tell("c")
        for line in process.stdout:
            count.feed(line)
    finally:
        debugger.close()


def costs(instrument, tree, gic):
    """{"net_stream": instructions of 64 KiB, with the shares of it}; {}: an hv that knows no devices."""
    bundle = make_bundle(instrument, tree)
    if bundle is None:
        return {}
    count = Count(trace.Program(tree.elf), trace.Program(instrument.stream_elf))
    console, door = (f"{bundle}.{name}" for name in ("console", "gdb"))
    options = measure.COUNTING.replace("-serial stdio", f"-serial file:{console}").split()
    size = os.path.getsize(tree.hv)
    command = [measure.QEMU, *options, *measure.machine(gic, True, 2, "512M"), "-kernel", tree.hv, "-initrd", bundle,
               "-append", "ashlar.nonce=00", "-S", "-chardev", f"socket,id=gdb,path={door},server=on,wait=off",
               "-gdb", "chardev:gdb", "-D", "/dev/stdout",
               "-dfilter", f"{trace.HV_BASE:#x}+{size:#x},{count.beginning & ~0xfff:#x}+0x1000"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          bufsize=1 << 20) as process:
        try:
            follow(process, door, count)
        finally:
            process.kill()
    found = FIGURE.search(measure.read(console).decode(errors="replace"))
    if not found or not count.streams:
        raise measure.Silent("the stream did not end", measure.read(console).decode(errors="replace"))
    whole, pieces = int(found.group(1)), int(found.group(2))
    return {"net_stream": round(whole / pieces), "net_stream:guest": round((whole - count.in_hv) / pieces),
            "net_stream:hv": round(count.in_hv / pieces), "net_stream:exits": round(count.exits / pieces, 2)}
