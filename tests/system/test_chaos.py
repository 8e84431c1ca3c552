# SPDX-License-Identifier: BSD-2-Clause
"""The worst guest that we know (tests/guests/chaos) on the CPUs of a Debian Linux, beside a guest that is alone on its
CPU and measures how late its ticks come (tests/guests/metronome). ASHLAR_CHAOS_S: for so many seconds instead of a few;
ASHLAR_CHAOS_SEED: from this seed."""
import os
import re
import secrets
import sys
import unittest

from support import ROOT, SystemTest, Terminal, tail, vm

sys.path.insert(0, os.path.join(ROOT, "hv/tools"))
from ashlar import build  # noqa: E402

SECONDS = int(os.environ.get("ASHLAR_CHAOS_S", "25"))
SEED = os.environ.get("ASHLAR_CHAOS_SEED", "0x5eed")
LINUX = 'ramdisk = "initramfs.cpio"; bootargs = "console=ttyAMA0 ashlar.ip=10.0.0.1/24";'
ENDS = 'on-crash = "restart"; on-poweroff = "restart"; restart-limit = <16 1>;'
# Its devices. A disk's bytes are no matter here.
DEVICES = ('virtio_blk@0 { image = "disk"; overlay; }; virtio_blk@1 { image = "disk"; }; virtio_rng { }; '
           'virtio_net { switch = "lan"; }; virtio_console { ports = <2>; }; virtio_vsock { cid = <3>; };')
# What Linux shares with it.
SHARED = 'virtio_net { switch = "lan"; }; virtio_vsock { cid = <4>; };'
LATE = 0.2  # of the ticks: when exactly they come is the emulator's affair, on a busy machine its clocks ring late

# Both CPUs: checksums and floating point, whose results are known, and sleeps, which are never early.
LOAD = ("cs() { cut -d' ' -f1 /proc/uptime | tr -d .; }; "
        "work() { n=0; while [ $(cs) -lt $2 ]; do taskset -c $1 /init load || echo wrong''-load $1; "
        "a=$(cs); sleep 0.3; [ $(($(cs) - a)) -ge 29 ] || echo wrong''-sleep $1; n=$((n + 1)); done; "
        "echo wor''ked-$1 $n; }; "
        f"end=$(($(cs) + {SECONDS}00)); work 0 $end & work 1 $end & wait; "
        "echo complai''nts $(dmesg | grep -cE 'BUG:|Oops|Call trace'); "
        "echo a''ll-done\r")


class Chaos(SystemTest):
    def run_on(self, gic):
        seed = SEED if SEED != "fresh" else hex(secrets.randbits(64))
        print(f"chaos: seed {seed} (again with ASHLAR_CHAOS_SEED={seed})", flush=True)
        demo = build.demo_folder(ROOT, "qemu-virt", os.path.join(ROOT, "build/qemu-virt"))
        folder = self.folder(
            "switches { lan { }; };", vm("linux", 1, "Image", [0, 1], LINUX + SHARED, memory="0x0 0x10000000"),
            vm("chaos", 2, "chaos.bin", [0, 1],
               f'bootargs = "chaos={seed} chaos-crash=0x1"; background; {ENDS} {DEVICES}', memory="0x0 0x400000"),
            vm("pinned", 3, "metronome.bin", [2], "background;"), files=("chaos.bin", "metronome.bin"))
        for name in ("Image", "initramfs.cpio"):
            os.symlink(os.path.realpath(os.path.join(demo, name)), os.path.join(folder, name))
        with open(os.path.join(folder, "disk"), "wb") as f:
            f.write(bytes(1 << 20))
        terminal = Terminal("--gic", gic, "--cpus", "3", "--memory", "1G", "--bundle", folder)
        self.addCleanup(terminal.close)
        terminal.expect(r"/root # ", limit_s=240)
        terminal.type(LOAD)
        terminal.expect(r"all-done", limit_s=SECONDS + 120)
        terminal.type("\rpoweroff -f\r")
        terminal.expect(r"ashlar: linux is off")
        self.assertEqual(0, terminal.wait())
        self.check(terminal.text, "\n".join(line for line in terminal.text.splitlines() if "chaos" in line))

    def check(self, text, of_chaos):
        self.assertNotIn("wrong-", text, tail(text))
        self.assertIn("complaints 0", text)
        for cpu in (0, 1):
            self.assertGreater(int(re.search(rf"worked-{cpu} (\d+)", text).group(1)), 0)
        lives = re.findall(r"\[chaos\] life (0x[0-9a-f]+)", text)
        acts = sum(int(n, 16) for n in re.findall(r"\[chaos\] (?:done|crash) (0x[0-9a-f]{16})", text))
        ticks = re.findall(r"\[pinned\] ticks (\d+), late (\d+), worst (\d+) us", text)
        self.assertGreater(len(ticks), SECONDS // 2, tail(text))
        due, late, worst = map(int, ticks[-1])
        print(f"chaos: {len(lives)} lives, {acts} acts; pinned: {due} ticks, {late} late, worst {worst} us")
        self.assertGreater(len(lives), SECONDS // 8, tail(of_chaos))
        self.assertGreater(acts, 20 * SECONDS, tail(of_chaos))
        self.assertLess(late, LATE * due)

    def test_a_linux_and_a_pinned_guest_beside_chaos_gicv3(self):
        self.run_on("3")

    def test_a_linux_and_a_pinned_guest_beside_chaos_gicv2(self):
        self.run_on("2")


if __name__ == "__main__":
    unittest.main()
