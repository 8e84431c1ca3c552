# SPDX-License-Identifier: BSD-2-Clause
"""Debian's kernel with its own virtio drivers, as they come: its root on a disk, other disks under load, entropy,
two of them on a network."""
import hashlib
import os
import random
import re
import sys
import tempfile
import unittest

from support import ROOT, SystemTest, Terminal, tail, vm

sys.path.insert(0, os.path.join(ROOT, "hv/tools"))
from ashlar import build, disk, initramfs  # noqa: E402
from ashlar.common import atomic_write  # noqa: E402

BUILD = os.path.join(ROOT, "build/qemu-virt")
INIT = os.path.join(ROOT, "bsp/qemu-virt/demo/init")
PROMPT = r"/root # "
BANNER = r"This is Linux \S+ in a virtual machine of Ashlar"
LIMIT_S = 200
RAM = "0x0 0xc000000"  # 192 MiB
ROOT_MIB = 16
RAW_MIB = 8
DATA_MIB = 24
DISKS = """
    virtio_blk@0 { image = "root.ext4"; overlay; };
    virtio_blk@1 { image = "data.ext4"; serial = "the-data"; };
    virtio_blk@2 { image = "raw"; queues = <2>; };
    virtio_blk@3 { image = "raw"; read-only; block-size = <4096>; };
    virtio_rng { };
"""
# The root disk out of the board's flash: QEMU's second bank.
IN_FLASH = DISKS.replace('image = "root.ext4";', f"memory-range = <0 0x4000000 0 {ROOT_MIB << 20:#x}>;")
NETWORK = """
    virtio_blk { image = "root.ext4"; overlay; };
    virtio_net { switch = "lan"; queue-pairs = <2>; };
"""
# eth1 and so on: VLANs, isolated ports, limits.
SWITCHES = "floors { }; guests { }; slow { floods-per-second = <2>; };"
MORE = ("""
    virtio_net@1 { switch = "floors"; vlan = <7>; };
    virtio_net@2 { switch = "guests"; isolated; };
    virtio_net@3 { switch = "guests"; };
    virtio_net@4 { switch = "slow"; rate-limit-kbps = <8000>; };
""", """
    virtio_net@1 { switch = "floors"; vlan = <7>; };
    virtio_net@2 { switch = "floors"; vlan = <8>; };
    virtio_net@3 { switch = "guests"; isolated; };
    virtio_net@4 { switch = "slow"; };
""")
# Of each network a's interface and b's, and whether they reach each other.
PORTS = {1: (1, 1, True), 2: (1, 2, False), 3: (2, 3, False), 4: (3, 3, True), 5: (4, 4, True)}
LIMITED_KIB = 2048
LIMIT_KIB_PER_S = 8000 / 8 * 1000 / 1024
PACKED = 34  # VIRTIO 1.2, 6
BULK_MIB = 4
SERVE = "nc -ll -p 2000 -e md5sum > /dev/null 2>&1 & true"


def split(devices):
    """The same without packed rings."""
    return devices.replace(" };", ' rings = "split"; };')


def read(path):
    with open(path, "rb") as f:
        return f.read()


class Machine:
    """A machine of Linux guests with root shells, each attached to in turn."""

    def __init__(self, test, folder, *options):
        self.terminal = Terminal("--bundle", folder, *options)
        test.addCleanup(self.terminal.close)
        self.terminal.expect(r"ashlar: VM 1 ", LIMIT_S)
        self.questions = 0

    def attach(self, vmid, name):
        self.terminal.type(f"\x1d{vmid}")
        self.terminal.expect(rf"console: VM {vmid}, {name}")
        self.terminal.prompt(limit_s=LIMIT_S)

    def ask(self, command, limit_s=120):
        """What a command prints, without what hv says meanwhile. Quotes tell the marks that are printed from those that
        are echoed."""
        self.questions += 1
        n = self.questions
        self.terminal.type(f"echo '<''{n}'; {command}; echo '{n}''>'\r")
        said = self.terminal.expect(rf"(?s)<{n}\r*\n(.*?){n}>\r*\n", limit_s).group(1)
        return re.sub(r"(?m)^ashlar: .*\n", "", re.sub(r"\r+\n", "\n", said)).strip()

    def command(self, command):
        """A command of hv's shell; what it answers."""
        self.terminal.type("\x1d0")
        self.terminal.expect(r"console: hv's shell")
        self.terminal.type(f"{command}\r")
        return self.terminal.expect(rf"{command}\r*\n((?s:.*?))ashlar> ").group(1)

    def power_off(self, name):
        self.terminal.type("poweroff -f\r")
        self.terminal.expect(rf"ashlar: {name} is off")


class LinuxMachines(SystemTest):
    """Machines of Debian's kernels with their modules, disks and our programs."""

    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory(prefix="ashlar-virtio-")
        cls.addClassCleanup(scratch.cleanup)
        cls.home = scratch.name
        kernel, busybox, e2fsck = (build.fetch(ROOT, name) for name in ("kernel", "busybox", "e2fsck"))
        os.symlink(kernel, os.path.join(cls.home, "Image"))
        programs = {f"bin/{name}": read(os.path.join(BUILD, f"tests/guests/linux/{name}.elf"))
                    for name in ("blocks", "channels", "serve", "vsock")}
        programs["bin/e2fsck"] = read(e2fsck)
        with atomic_write(os.path.join(cls.home, "initramfs.cpio")) as out:
            initramfs.write(out, read(busybox), read(INIT), build.kernel_modules(kernel), programs)
        disk.root(os.path.join(cls.home, "root.ext4"), ROOT_MIB, read(busybox), read(INIT), programs)
        os.mkdir(os.path.join(cls.home, "empty"))
        disk.image(os.path.join(cls.home, "data.ext4"), DATA_MIB, os.path.join(cls.home, "empty"))
        with atomic_write(os.path.join(cls.home, "raw")) as out:
            out.write(random.Random(1).randbytes(RAW_MIB << 20))

    def linux(self, name, vmid, cpus, devices, words=""):
        return vm(name, vmid, "Image", cpus, memory=RAM, more=f"""
            ramdisk = "initramfs.cpio";
            bootargs = "console=ttyAMA0 root=/dev/vda {words}";
            {devices}""")

    def machine(self, *vms, options=()):
        folder = self.folder(*vms)
        for name in ("Image", "initramfs.cpio", "root.ext4", "data.ext4", "raw"):
            os.symlink(os.path.join(self.home, name), os.path.join(folder, name))
        return Machine(self, folder, *options)


class Virtio(LinuxMachines):
    def disk_machine(self, gic, vcpus, disks=DISKS, options=()):
        machine = self.machine(self.linux("linux", 1, range(vcpus), disks),
                               options=("--gic", str(gic), "--cpus", str(vcpus), "--memory", "1G", *options))
        machine.attach(1, "linux")
        self.assertRegex(machine.terminal.text, r"root: clean, \d+/\d+ files")
        return machine

    def check_rings(self, machine, packed):
        """What the drivers took of what was offered, of every device."""
        bits = machine.ask(f"cut -c{PACKED + 1} /sys/bus/virtio/devices/*/features").split()
        self.assertGreaterEqual(len(bits), 2)
        self.assertEqual({str(int(packed))}, set(bits))

    def check_root(self, machine):
        self.assertEqual("/dev/vda ext4", machine.ask("awk '$2 == \"/\" { print $1, $3 }' /proc/mounts | tail -n 1"))
        self.assertIn("16384", machine.ask("grep vda /proc/partitions"))

    def check_entropy(self, machine):
        self.assertEqual("virtio_rng.0", machine.ask("cat /sys/class/misc/hw_random/rng_current"))
        sums = machine.ask("for n in 1 2; do dd if=/dev/hwrng bs=2048 count=1 2>/dev/null | tee /tmp/random$n | "
                           "md5sum; done; wc -c < /tmp/random2").split()
        self.assertNotEqual(sums[0], sums[2])
        self.assertGreater(int(sums[4]), 0)

    def check_kinds(self, machine):
        """A serial number, sizes of blocks, and a disk that cannot be written but reads as its image."""
        self.assertEqual("512 4096", machine.ask("echo $(cat /sys/block/vd[cd]/queue/logical_block_size)"))
        self.assertEqual("4096 512", machine.ask("echo $(cat /sys/block/vd[ac]/queue/discard_granularity)"))
        self.assertEqual("the-data", machine.ask("cat /sys/block/vdb/serial"))
        self.assertEqual(machine.ask("grep -c ^processor /proc/cpuinfo"), machine.ask("ls /sys/block/vdc/mq | wc -l"))
        self.assertEqual("0 1", machine.ask("echo $(cat /sys/block/vdc/ro /sys/block/vdd/ro)"))
        self.assertIn("wrong 1", machine.ask("dd if=/dev/zero of=/dev/vdd bs=4096 count=1 conv=fsync; echo wrong $?"))
        wanted = hashlib.md5(read(os.path.join(self.home, "raw"))).hexdigest()
        for name in ("vdc", "vdd"):
            self.assertEqual(wanted, machine.ask(f"md5sum < /dev/{name}").split()[0])

    def check_depths(self, machine, mib, sizes, depths):
        for size in sizes:
            for depth in depths:
                seed = size + depth
                for what in ("write", "read"):
                    self.assertEqual(f"blocks: right, requests: {(mib << 20) // size}",
                                     machine.ask(f"blocks {what} /dev/vdc {mib} {size} {depth} {seed}"))

    def check_discard(self, machine):
        """What is discarded is gone, which on hv's disks means zeroes; its neighbours are as they were. An overlay
        gives its memory back."""
        machine.ask("blocks write /dev/vdc 8 65536 4 5; md5sum < /dev/vdc")
        cut = "dd if=/dev/vdc bs=1M {} 2>/dev/null | md5sum"
        outside = f"{cut.format('count=2')}; {cut.format('skip=4')}"
        before = machine.ask(outside)
        self.assertEqual("0", machine.ask("blkdiscard -o 2097152 -l 2097152 /dev/vdc; echo $?"))
        self.assertEqual(before, machine.ask(f"echo 3 > /proc/sys/vm/drop_caches; {outside}"))
        zeroes = hashlib.md5(bytes(2 << 20)).hexdigest()
        self.assertEqual(zeroes, machine.ask(cut.format("skip=2 count=2")).split()[0])
        self.assertEqual("blocks: zero, MiB: 2", machine.ask("blocks zero /dev/vdc 2 512 1 0"))  # Write Zeroes
        after = machine.ask(f"echo 3 > /proc/sys/vm/drop_caches; {outside}").splitlines()
        self.assertEqual([zeroes, before.split()[2]], [line.split()[0] for line in after])
        machine.ask("dd if=/dev/urandom of=/fill bs=64k count=32 2>/dev/null; sync")
        full = self.written(machine)
        machine.ask("rm /fill; sync")
        self.assertRegex(machine.ask("fstrim -v /"), r"trimmed")
        self.assertLess(self.written(machine), full - 1536)

    def written(self, machine):
        """KiB of the root's overlay that are in use, in hv's own words. Attached to the guest again."""
        said = machine.command("vm devices linux")
        machine.attach(1, "linux")
        return int(re.search(r"overlay, (\d+) of \d+ KiB written", said).group(1))

    def check_unbound(self, machine, times=1):
        """The driver goes while writes are under way, and once more amid reads, and comes back to the same disk. Each
        write puts there what was there: one that was cut off changes nothing, one at a wrong place does."""
        name = machine.ask("basename $(readlink -f /sys/block/vdc/device)")
        machine.ask("blocks write /dev/vdc 8 4096 32 9")
        driver = "/sys/bus/virtio/drivers/virtio_blk"
        for what, field in (("write", 7), ("read", 3)) * times:  # sectors, Documentation/block/stat.rst
            count = f"awk '{{ print ${field} }}' /sys/block/vdc/stat"
            before = int(machine.ask(count))
            machine.ask(f"(while blocks {what} /dev/vdc 8 4096 32 9; do :; done > /tmp/load 2>&1) & "
                        f"until [ $({count}) -gt {before + 2048} ]; do :; done; "
                        f"echo {name} > {driver}/unbind; wait; echo {name} > {driver}/bind; "
                        "until [ -b /dev/vdc ]; do sleep 1; done")
            self.assertIn("blocks: right", machine.ask("blocks read /dev/vdc 8 4096 32 9"))
            self.assertNotIn("wrong", machine.ask("cat /tmp/load"))

    def restart_amid_writes(self, machine, by_hv):
        """By the guest itself; or as if its power were cut, wherever it is."""
        terminal = machine.terminal
        terminal.type("(while :; do dd if=/dev/urandom of=/data/lost bs=4k count=512; sync; done) > /dev/null 2>&1 & "
                      f"sleep 2; {'echo wri' + 2 * chr(39) + 'ting' if by_hv else 'reboot -f'}\r")
        if by_hv:
            terminal.expect("writing")
            machine.command("vm restart linux")
            terminal.expect_all(r"ashlar: linux was turned off")
            terminal.type("\x1d1")
        else:
            terminal.expect(r"ashlar: linux resets")
        terminal.expect(BANNER, LIMIT_S)
        terminal.expect(PROMPT)

    def check_restarts(self, machine, cycles, by_hv):
        """Restarts amid writes that nobody waited for: what was flushed before is there and right, and the file system
        needs no more than its journal. By the guest and by hv in turn; hv has given out no more memory than before."""
        pool = machine.command("mem pool")
        machine.attach(1, "linux")
        machine.ask("mkdir -p /data; mount /dev/vdb /data; mkdir /data/kept; echo begun > /kept")
        for cycle in range(cycles):
            machine.ask(f"dd if=/dev/urandom of=/data/kept/{cycle % 3} bs=64k count=32 2>/dev/null; "
                        f"for n in $(seq 40); do echo $n > /data/kept/{cycle % 3}.$n; done; "
                        "cd /data/kept; md5sum * > /data/sums; cd; sync; fsfreeze --freeze /data; "
                        "fsfreeze --unfreeze /data")
            self.restart_amid_writes(machine, by_hv=(cycle + by_hv) % 2 != 0)
            said = machine.ask("e2fsck -p /dev/vdb; echo code $?; e2fsck -fn /dev/vdb > /dev/null 2>&1; echo again $?")
            self.assertRegex(said, r"(?s)code [01]\b.*again 0")
            machine.ask("mount /dev/vdb /data")
            sums = machine.ask("cd /data/kept; md5sum -c /data/sums | grep -v ': OK$'; wc -l < /data/sums; cd")
            self.assertEqual(str(41 * min(cycle + 1, 3)), sums)
        self.assertEqual("begun", machine.ask("cat /kept"))
        self.assertEqual(pool, machine.command("mem pool"))
        machine.attach(1, "linux")

    def disks(self, gic):
        machine = self.disk_machine(gic, 2)
        self.check_rings(machine, packed=True)
        self.check_root(machine)
        self.check_entropy(machine)
        self.check_kinds(machine)
        self.check_depths(machine, 2, (512, 4096, 65536), (1, 8, 64))
        self.check_discard(machine)
        self.check_unbound(machine)
        self.check_restarts(machine, 1, by_hv=False)
        machine.power_off("linux")
        self.assertEqual(0, machine.terminal.wait(), tail(machine.terminal.text))

    def test_disks_on_gicv3(self):
        self.disks(3)

    def shorter(self, gic, disks=DISKS, options=()):
        machine = self.disk_machine(gic, 1, split(disks), options)
        self.check_rings(machine, packed=False)
        self.check_root(machine)
        self.check_kinds(machine)
        self.check_depths(machine, 2, (4096,), (1, 32))
        self.check_restarts(machine, 1, by_hv=True)
        machine.power_off("linux")
        self.assertEqual(0, machine.terminal.wait(), tail(machine.terminal.text))

    def test_disks_on_gicv2(self):
        self.shorter(2, IN_FLASH, ("--flash", os.path.join(self.home, "root.ext4")))

    def soak_disks_on_gicv2(self):
        self.disks(2)

    def soak_restarts(self):
        """Twenty restarts, and every size of request at every depth."""
        machine = self.disk_machine(3, 2)
        self.check_depths(machine, RAW_MIB, (512, 1024, 4096, 16384, 65536), (1, 2, 4, 8, 16, 32, 64))
        self.check_restarts(machine, 20, by_hv=False)

    def network_machine(self, gic, more=("", ""), switches="", cpus=((0,), (1,))):
        """Two guests on one switch, with rings of either layout, each with more devices; the first is attached to."""
        guests = [self.linux(name, vmid, cpus[vmid - 1], devices, f"ashlar.ip=10.0.0.{vmid}/24")
                  for vmid, name, devices in ((1, "a", NETWORK + more[0]), (2, "b", split(NETWORK + more[1])))]
        count = 1 + max(cpu for some in cpus for cpu in some)
        machine = self.machine(f"switches {{ lan {{ }}; {switches} }};", *guests,
                               options=("--gic", str(gic), "--cpus", str(count), "--memory", "1G"))
        for vmid, name in ((2, "b"), (1, "a")):
            machine.attach(vmid, name)
            self.check_rings(machine, packed=vmid == 1)
            machine.ask(SERVE)
        return machine

    def check_ping(self, machine, peer):
        said = machine.ask(f"until ping -c 1 -W 2 {peer} > /dev/null; do :; done; ping -c 3 -W 20 {peer}")
        self.assertIn("3 packets transmitted, 3 packets received", said)

    def check_bulk(self, machine):
        """A stream each way at once, and what arrives is what was sent."""
        fill = f"dd if=/dev/urandom of=/tmp/big bs=64k count={BULK_MIB * 16} 2>/dev/null; md5sum < /tmp/big"
        machine.attach(2, "b")
        from_b = machine.ask(fill)
        machine.attach(1, "a")
        from_a = machine.ask(fill)
        machine.ask("rm -f /tmp/sum; nc 10.0.0.2 2000 < /tmp/big > /tmp/sum & true")
        machine.attach(2, "b")
        self.assertEqual(from_b, machine.ask("nc 10.0.0.1 2000 < /tmp/big", LIMIT_S))
        machine.attach(1, "a")
        self.assertEqual(from_a, machine.ask("until [ -s /tmp/sum ]; do sleep 1; done; cat /tmp/sum", LIMIT_S))

    def check_link(self, machine):
        """A cable that is pulled amid a transfer: the guest sees it, and the transfer ends well when it is back."""
        count = "cat /sys/class/net/eth0/statistics/rx_bytes"
        carrier = "cat /sys/class/net/eth0/carrier"
        half = BULK_MIB // 2
        machine.attach(2, "b")
        before = int(machine.ask(count))
        machine.attach(1, "a")
        sum_of_it = machine.ask("md5sum < /tmp/big")
        # The second half goes out when the cable is pulled already.
        machine.ask("rm -f /tmp/sum /tmp/go; (("
                    f"dd if=/tmp/big bs=1M count={half}; until [ -e /tmp/go ]; do sleep 1; done; "
                    f"dd if=/tmp/big bs=1M skip={half}) 2> /dev/null | nc 10.0.0.2 2000 > /tmp/sum) & true")
        machine.attach(2, "b")
        machine.ask(f"until [ $({count}) -gt {before + (1 << 20)} ]; do sleep 1; done", LIMIT_S)
        machine.command("switch link-down b")
        machine.attach(2, "b")
        machine.ask(f"until [ $({carrier}) = 0 ]; do :; done")
        machine.attach(1, "a")
        machine.ask("touch /tmp/go")
        self.assertIn("100% packet loss", machine.ask("ping -c 2 -W 2 10.0.0.2"))
        self.assertEqual("", machine.ask("cat /tmp/sum"))
        machine.command("switch link-up b")
        machine.attach(2, "b")
        machine.ask(f"until [ $({carrier}) = 1 ]; do :; done")
        machine.attach(1, "a")
        self.assertEqual(sum_of_it, machine.ask("until [ -s /tmp/sum ]; do sleep 1; done; cat /tmp/sum", LIMIT_S))

    def check_unbound_network(self, machine):
        """The driver goes while a sends to b without end, and comes back to the same network."""
        sent = "cat /sys/class/net/eth0/statistics/tx_bytes"
        before = int(machine.ask(sent))
        machine.ask("nc 10.0.0.2 2000 < /dev/zero > /dev/null 2>&1 & true")
        machine.ask(f"until [ $({sent}) -gt {before + (1 << 18)} ]; do :; done", LIMIT_S)
        name = machine.ask("basename $(readlink -f /sys/class/net/eth0/device)")
        driver = "/sys/bus/virtio/drivers/virtio_net"
        self.assertEqual("gone", machine.ask(f"echo {name} > {driver}/unbind; [ -e /sys/class/net/eth0 ] || echo gone"))
        machine.ask(f"kill %% 2> /dev/null; echo {name} > {driver}/bind; ip addr add 10.0.0.1/24 dev eth0; "
                    "ip link set eth0 up")
        self.check_ping(machine, "10.0.0.2")

    def check_restart_in_mid_transfer(self, machine):
        """b goes while a sends to it without end, and comes back to the same network."""
        machine.ask("nc 10.0.0.2 2000 < /dev/zero > /dev/null 2>&1 & true")
        machine.attach(2, "b")
        count = "cat /sys/class/net/eth0/statistics/rx_bytes"
        before = int(machine.ask(count))
        machine.ask(f"until [ $({count}) -gt {before + (1 << 20)} ]; do sleep 1; done", LIMIT_S)
        machine.terminal.type("reboot -f\r")
        machine.terminal.expect(r"ashlar: b resets")
        machine.terminal.expect(PROMPT, LIMIT_S)
        machine.ask(SERVE)
        self.check_ping(machine, "10.0.0.1")
        machine.attach(1, "a")

    def check_ports(self, machine):
        """VLANs and isolation: who shall reach the other does, who shall not does not."""
        for vmid, name in ((2, "b"), (1, "a")):
            machine.attach(vmid, name)
            machine.ask("; ".join(f"ip addr add 10.{number}.0.{vmid}/24 dev eth{port[vmid % 2 ^ 1]}; "
                                  f"ip link set eth{port[vmid % 2 ^ 1]} up" for number, port in PORTS.items()))
        for number, (_, _, reaches) in PORTS.items():
            if reaches:
                self.check_ping(machine, f"10.{number}.0.2")
            else:
                self.assertIn("100% packet loss", machine.ask(f"ping -c 2 -W 1 10.{number}.0.2"))

    def check_limits(self, machine):
        """A stream takes as long as its port's limit makes it; who shouts is heard as often as the switch allows."""
        said = machine.ask(f"head -c {LIMITED_KIB}k /dev/zero > /tmp/much; time nc 10.5.0.2 2000 < /tmp/much", LIMIT_S)
        minutes, seconds = re.search(r"real\s+(\d+)m\s*([\d.]+)s", said).groups()
        self.assertGreater(60 * int(minutes) + float(seconds), 0.9 * LIMITED_KIB / LIMIT_KIB_PER_S)
        machine.attach(2, "b")
        machine.ask("shouts=; for n in $(seq 20 79); do ping -c 1 -W 1 10.5.0.$n > /dev/null & shouts=\"$shouts $!\"; "
                    "done; wait $shouts", LIMIT_S)
        machine.command("switch counts")
        counts = machine.terminal.text[machine.terminal.text.rindex("switch counts"):]
        self.assertRegex(counts, r"slow\s+a\s+\d+\s+delays\s+[1-9]")
        self.assertRegex(counts, r"slow\s+b\s+\d+\s+storm\s+[1-9]")
        machine.attach(1, "a")

    def check_pairs(self, machine):
        """As many queue pairs as CPUs; fewer, and more again, amid streams from both."""
        self.assertEqual("channels: 2", machine.ask("channels eth0"))
        machine.ask("rm -f /tmp/enough; loads=; for cpu in 1 2; do while [ ! -f /tmp/enough ]; do "
                    "taskset $cpu nc 10.0.0.2 2000 < /tmp/big; done > /dev/null 2>&1 & loads=\"$loads $!\"; done")
        for pairs in (1, 2) * 2:
            self.assertEqual(f"channels: {pairs}", machine.ask(f"channels eth0 {pairs}"))
            self.assertEqual(str(pairs), machine.ask("ls /sys/class/net/eth0/queues | grep -c rx"))
        machine.ask("touch /tmp/enough; wait $loads", LIMIT_S)
        self.check_ping(machine, "10.0.0.2")

    def network(self, gic, changes=()):
        """Each change amid a machine of many networks, with streams between."""
        machine = self.network_machine(gic, MORE, SWITCHES, ((0, 2), (1,)))
        self.check_ping(machine, "10.0.0.2")
        self.check_bulk(machine)
        for change in changes:
            change(machine)
            self.check_bulk(machine)
        self.check_ports(machine)
        self.check_limits(machine)
        machine.power_off("a")
        machine.attach(2, "b")
        machine.power_off("b")
        self.assertEqual(0, machine.terminal.wait(), tail(machine.terminal.text))

    def test_two_on_a_network_on_gicv3(self):
        self.network(3, (self.check_pairs, self.check_link, self.check_unbound_network,
                         self.check_restart_in_mid_transfer))

    def soak_network(self):
        """What seconds show, for many rounds."""
        self.network(3, (self.check_pairs, self.check_link, self.check_unbound_network,
                         self.check_restart_in_mid_transfer) * 10)


if __name__ == "__main__":
    unittest.main()
