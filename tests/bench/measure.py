# SPDX-License-Identifier: BSD-2-Clause
"""Runs the machines of the benchmark and collects what they say. QEMU counts: one instruction, one tick."""
import os
import re
import struct
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "hv/tools"))

from ashlar import initramfs, newc  # noqa: E402  the path comes first
from ashlar.common import ToolError, atomic_write  # noqa: E402

QEMU = "qemu-system-aarch64"
LIMIT_S = 240
NO_ANSWER_LIMIT_S = 40
LATENCY_LIMIT_S = 120
# docs/benchmarks.md says what each is for.
COUNTING = ("-icount shift=0,sleep=off -cpu cortex-a53,cntfrq=1000000000 -seed 1 -rtc base=2026-01-01,clock=vm "
            "-nic none -display none -monitor none -serial stdio")
GUEST_SIZE = 8192
PADDED_SIZE = GUEST_SIZE + 65536
GUEST_RAM = 0x200000
LINUX_RAM = 0x10000000
SEED = "00112233445566778899aabbccddeeff" * 2
# norandmaps: where a program's memory lies, and so how many tables it needs, is no matter of chance.
BOOTARGS = "console=ttyAMA0 nokaslr norandmaps"
# A VM that turns itself off at once: MOV W0, #SYSTEM_OFF; HVC #0; B .
NEIGHBOUR = struct.pack("<4I", 0x52800100, 0x72B08000, 0xD4000002, 0x14000000)
NEIGHBOUR_NODE = """neighbour {
    device_type = "virtual_machine"; vmid = <2>; vm_name = "neighbour"; type = "bare"; vcpu_affinity = <1>;
    memory = <0x0 0x40000000>; kernel = "neighbour"; background; on-poweroff = "destroy";
};"""
# tests/guests/chaos, its two vCPUs on the one CPU; each life is another, and the same in each run.
CHAOS_NODE = """chaos {
    device_type = "virtual_machine"; vmid = <2>; vm_name = "chaos"; type = "bare"; vcpus = <2>; vcpu_affinity = <1 1>;
    memory = <0x0 0x400000>; kernel = "chaos"; background; bootargs = "chaos=0x5eed chaos-crash=0x1";
    on-crash = "restart"; on-poweroff = "restart"; restart-limit = <16 1>; %s
};"""
# tests/bench/guest/virtio.c: a disk's ring is always full, and its device told of it, for ever.
FLOOD_NODE = """flood {
    device_type = "virtual_machine"; vmid = <2>; vm_name = "flood"; type = "bare"; vcpu_affinity = <%d>;
    memory = <0x0 0x400000>; kernel = "flood"; background; bootargs = "bench=flood"; %s
};"""
# What differs where no hardware delivers interrupts.
SOFTWARE = ("ack_eoi", "sgi_self", "sgi_running", "sgi_wfi", "vtimer_spinning", "vtimer_wfi", "gicd_typer",
            "gicd_isenabler_write")
# A CPU's turn in the emulator ends when its clock has something to do, and where two such things fall together the
# other CPU may have a whole turn more: so there is something every microsecond, a filter for packets that never come.
TURN_US = 1
TURNS = ("-netdev", "hubport,id=n0,hubid=0", "-object", f"filter-buffer,id=f0,netdev=n0,interval={TURN_US}")
LINE = re.compile(r"bench: (\w+) (\d+) (\d+) (\d+)\s*$")
REQUESTS = re.compile(r"bench: requests (\w+) (\d+)\s*$", re.MULTILINE)
DISK_BYTES = 1 << 20
DISK = 'virtio_blk { image = "disk"; };'
VIRTIO_RAM = 0x400000
# Addresses by which the two know each other: guest/virtio.c.
NET = 'virtio_net { switch = "lan"; mac = [52 54 00 00 00 %02x]; };'
ECHO_NODE = """switches { lan { }; };
echo {
    device_type = "virtual_machine"; vmid = <2>; vm_name = "echo"; type = "bare"; vcpu_affinity = <1>;
    memory = <0x0 0x400000>; kernel = "kernel"; background; bootargs = "bench=echo"; %s
};""" % (NET % 2)


class Silent(Exception):
    """The machine did not come to the end of its measuring."""


def run(options, limit_s=LIMIT_S):
    """The console of one run of QEMU, which ends itself."""
    command = [QEMU, *COUNTING.split(), *options]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              timeout=limit_s, check=False)
    except subprocess.TimeoutExpired as error:  # subprocess.run has killed it
        raise Silent(f"nothing after {limit_s} s", (error.stdout or b"").decode(errors="replace")) from None
    except OSError as error:
        raise ToolError(f"{QEMU}: {error.strerror}") from None
    return done.stdout.decode(errors="replace")


def figures_of(console):
    """{event: (median, least, most)}; Silent if the measuring was not finished."""
    if "bench: done" not in console:
        raise Silent("the guest did not finish", console)
    found = {}
    for line in console.splitlines():
        match = LINE.search(line)
        if match:
            found[match.group(1)] = tuple(int(number) for number in match.groups()[1:])
    return found


def medians(console):
    return {event: median for event, (median, _, _) in figures_of(console).items()}


def requests_of(console):
    """{event: how many requests its figure is of}."""
    return {event: int(number) for event, number in REQUESTS.findall(console)}


def machine(gic, virtualization, cpus, memory):
    return ["-M", f"virt,gic-version={gic},dtb-randomness=off" + (",virtualization=on" if virtualization else ""),
            "-smp", str(cpus), "-m", memory]


class Tree:
    """One state of the sources, built: its hv and its way to make a bundle."""

    def __init__(self, root, build, scratch):
        self.hv = os.path.join(build, "hv/hv.bin")
        self.elf = os.path.join(build, "hv/hv.elf")
        self._mkbundle = os.path.join(root, "hv/tools/mkbundle")
        self._scratch = scratch
        if not os.path.isfile(self.hv):
            raise ToolError(f"{self.hv}: build hv first (./check bench does)")

    def bundle(self, name, kernel, vcpus, memory, more="", files=None, others=""):
        """A bundle of one VM, pinned to the first CPUs; kernel: a file's bytes. others: nodes."""
        folder = os.path.join(self._scratch, name)
        os.makedirs(folder, exist_ok=True)
        affinity = " ".join(str(cpu) for cpu in range(vcpus))
        with open(os.path.join(folder, "vms.dts"), "w", encoding="ascii") as f:
            f.write(f"""/dts-v1/;
/ {{ vms {{ {name} {{
    device_type = "virtual_machine"; vmid = <1>; vm_name = "{name}"; vcpus = <{vcpus}>;
    vcpu_affinity = <{affinity}>; memory = <0x0 {memory:#x}>; kernel = "kernel"; {more}
}}; {others} }}; }};
""")
        for file, data in {"kernel": kernel, **(files or {})}.items():
            with open(os.path.join(folder, file), "wb") as f:
                f.write(data)
        path = os.path.join(self._scratch, name + ".cpio")
        done = subprocess.run([self._mkbundle, "-o", path, folder], stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode:
            raise ToolError(f"mkbundle: {done.stdout}")
        return path

    def boot(self, gic, cpus, memory, bundle, limit_s=LIMIT_S, more=(), hv_options=""):
        return run([*machine(gic, True, cpus, memory), "-kernel", self.hv, "-initrd", bundle, "-append",
                    "ashlar.nonce=00" + hv_options, *more], limit_s)


def read(path):
    try:
        with open(path, "rb") as f:
            return f.read()
    except OSError as error:
        raise ToolError(f"{path}: {error.strerror}") from None


class Instrument:
    """The guests that measure: always of today's sources, whichever hv runs them."""

    def __init__(self, build, scratch):
        self._build = build
        self._scratch = scratch
        self.kernel = None
        self._initramfs = os.path.join(scratch, "initramfs.cpio")
        self.stream_initramfs = os.path.join(scratch, "stream-initramfs.cpio")
        self.stream_elf = os.path.join(build, "tests/bench/stream.elf")
        self.elf = os.path.join(build, "tests/bench/bench.elf")
        self.guest = read(os.path.join(build, "tests/bench/bench.bin")).ljust(GUEST_SIZE, b"\0")
        self._chaos = read(os.path.join(build, "tests/guests/chaos.bin"))
        self.virtio_elf = os.path.join(build, "tests/bench/virtio.elf")
        self._virtio = read(os.path.join(build, "tests/bench/virtio.bin"))
        if len(self.guest) != GUEST_SIZE:
            raise ToolError(f"the measuring guest has outgrown {GUEST_SIZE} bytes")

    def with_linux(self, kernel, busybox):
        """Paths of a kernel and a static busybox, for what measures Linux."""
        self.kernel = kernel
        with atomic_write(self._initramfs) as out:
            archive = newc.Writer(out)
            for name in ("bin", "dev", "sys"):
                archive.directory(name)
            for name, major, minor in initramfs.DEVICES:
                archive.char_device(name, major, minor)
            archive.file("init", read(os.path.join(self._build, "tests/bench/load.elf")), 0o755)
            archive.file("bin/busybox", read(busybox), 0o755)
            archive.symlink("bin/sh", "busybox")
            archive.symlink("bin/cat", "busybox")
            archive.close()
        return self

    def bare(self, gic):
        path = os.path.join(self._scratch, "bare.bin")
        with open(path, "wb") as f:
            f.write(self.guest)
        return medians(run([*machine(gic, False, 2, "128M"), "-kernel", path]))

    def guest_under(self, tree, gic):
        """The events, the boot and its cost a byte under an hv."""
        found = medians(tree.boot(gic, 2, "256M", tree.bundle("events", self.guest, 2, GUEST_RAM),
                                  NO_ANSWER_LIMIT_S))
        small = tree.bundle("small", self.guest, 1, GUEST_RAM)
        large = tree.bundle("large", self.guest.ljust(PADDED_SIZE, b"\0"), 1, GUEST_RAM)
        found["boot"] = medians(tree.boot(gic, 1, "128M", small))["boot"]
        more = medians(tree.boot(gic, 1, "128M", large))["boot"] - found["boot"]
        found["copy"] = round(more / (PADDED_SIZE - GUEST_SIZE), 3)
        found.update(self.software_under(tree, gic))
        found.update(self.latency_under(tree, gic))
        return found

    def software_under(self, tree, gic):
        """The events of interrupts where the guest's CPU interface is software; {} of an hv that has none."""
        try:
            events = medians(tree.boot(gic, 2, "256M", tree.bundle("events", self.guest, 2, GUEST_RAM),
                                       NO_ANSWER_LIMIT_S, hv_options=" ashlar.vgic=software"))
        except Silent:
            return {}
        if events["ack_eoi"] < 10:  # without an exit
            return {}
        return {f"soft_{name}": events[name] for name in SOFTWARE}

    def latency_under(self, tree, gic):
        """How late the latest tick of a pinned guest is, alone and beside others: whether they were there is seen on
        the console. An hv that has no such life has no such figure."""
        flood = {"flood": self._virtio, "disk": bytes(DISK_BYTES)}
        others = (("vtimer_alone", {}, "", r"vtimer_latest", ()),
                  ("vtimer_beside", {"neighbour": NEIGHBOUR}, NEIGHBOUR_NODE,
                   r"neighbour is destroyed(?s:.*)vtimer_latest", ()),
                  ("vtimer_chaos", {"chaos": self._chaos, "disk": bytes(DISK_BYTES)}, CHAOS_NODE % DISK,
                   r"\[chaos\] life(?s:.*)vtimer_latest", TURNS),
                  ("vtimer_flood", flood, FLOOD_NODE % (1, DISK), r"bench: flood(?s:.*)vtimer_latest", TURNS),
                  ("vtimer_flood_same", flood, FLOOD_NODE % (0, DISK), r"bench: flood(?s:.*)vtimer_latest", ()))
        found = {}
        for event, files, nodes, seen, more in others:
            try:
                bundle = tree.bundle(event, self.guest, 1, GUEST_RAM, 'bootargs = "bench=latency"; priority = <200>;',
                                     files, nodes)
            except ToolError:  # an hv without devices
                continue
            try:
                console = tree.boot(gic, 2, "1536M", bundle, LATENCY_LIMIT_S, more)
            except Silent as silent:
                console = silent.args[1]
            if event == "vtimer_alone" or re.search(seen, console):
                found[event] = medians(console)["vtimer_latest"]
        return found

    def virtio_bundle(self, tree):
        """A VM with devices; None: an hv that knows none."""
        try:
            return tree.bundle("virtio", self._virtio, 1, VIRTIO_RAM, DISK + NET % 1, {"disk": bytes(DISK_BYTES)},
                               ECHO_NODE)
        except ToolError:
            return None

    def virtio_under(self, tree, gic):
        """What a request costs, of all that its round has."""
        bundle = self.virtio_bundle(tree)
        if bundle is None:
            return {}
        console = tree.boot(gic, 2, "256M", bundle, NO_ANSWER_LIMIT_S)
        requests = requests_of(console)
        return {event: round(median / requests[event]) for event, median in medians(console).items()}

    def linux_under(self, tree, gic):
        """(figures, the device tree that the kernel was given)."""
        more = f'ramdisk = "initramfs.cpio"; bootargs = "{BOOTARGS}"; rng-seed = [{SEED}];'
        bundle = tree.bundle("linux", read(self.kernel), 2, LINUX_RAM, more, {"initramfs.cpio": read(self._initramfs)})
        console = tree.boot(gic, 2, "512M", bundle)
        return medians(console), device_tree(console)

    def linux_bare(self, gic, blob):
        """The same kernel, initramfs and device tree on the machine itself; rng-seed, which the kernel wipes, anew."""
        path = os.path.join(self._scratch, "linux.dtb")
        with open(path, "wb") as f:
            f.write(blob)
        fdtput("-t", "bx", path, "/chosen", "rng-seed", *re.findall("..", SEED))
        for node in re.findall(rb"watchdog@[0-9a-f]+", blob):  # QEMU's virt has none
            fdtput("-t", "s", path, f"/{node.decode()}", "status", "disabled")
        return medians(run([*machine(gic, False, 2, f"{LINUX_RAM >> 20}M"), "-kernel", self.kernel, "-initrd",
                            self._initramfs, "-dtb", path]))


def fdtput(*arguments):
    done = subprocess.run(["fdtput", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise ToolError(f"fdtput: {done.stdout}")


def device_tree(console):
    blob = b"".join(bytes.fromhex(line.split()[1]) for line in console.splitlines() if line.startswith("fdt: "))
    if len(blob) < 8 or struct.unpack_from(">I", blob, 4)[0] != len(blob):
        raise ToolError("the guest's device tree did not arrive whole on the console")
    return blob


def fill_of(image):
    """Bytes of padding: segments begin on pages, and the link editor's room for an erratum's sequences is whole pages
    wherever it is. What counts as it is each run of zeros that code and tables hardly have."""
    return sum(len(run) for run in re.findall(rb"\0{64,}", image))


def image_sizes(path):
    """(bytes without fill, bytes in the file, bytes in memory): the last is the Image header's image_size."""
    image = read(path)
    return len(image) - fill_of(image), len(image), struct.unpack_from("<Q", image, 16)[0]


def measure_hv(instrument, tree, gic):
    """Everything under one hv on one interrupt controller; None: it does not run there."""
    try:
        found = instrument.guest_under(tree, gic)
    except Silent:
        return None, None
    found.update(instrument.virtio_under(tree, gic))
    linux, blob = instrument.linux_under(tree, gic)
    found.update(linux)
    found["image_bytes"], found["image_file"], found["image_memory"] = image_sizes(tree.hv)
    return found, blob


def measure_bare(instrument, gic, blob):
    found = instrument.bare(gic)
    if blob is not None:
        found.update(instrument.linux_bare(gic, blob))
    return found
