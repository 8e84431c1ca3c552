# SPDX-License-Identifier: BSD-2-Clause
"""Our own virtio driver (tests/guests/virtio): on a plain QEMU machine, whose devices somebody else wrote, by which the
driver is known to be right, and then on hv's."""
import os
import struct
import subprocess
import unittest

from support import GUESTS, SystemTest

SECTORS = 2048


def image():
    """What tests/guests/virtio/block.c expects: the word n of a sector is sector * a constant + n."""
    word = (1 << 64) - 1
    return b"".join(struct.pack("<64Q", *((sector * 0x9e3779b97f4a7c15 + n) & word for n in range(64)))
                    for sector in range(SECTORS))


class VirtioDriver(SystemTest):
    def on_plain_qemu(self, gic):
        folder = self.folder()
        disks = [os.path.join(folder, name) for name in ("disk.img", "readonly.img")]
        for path in disks:
            with open(path, "wb") as f:
                f.write(image())
        command = ["qemu-system-aarch64", "-M", f"virt,gic-version={gic}", "-cpu", "cortex-a53", "-m", "128M",
                   "-nic", "none", "-display", "none", "-monitor", "none", "-serial", "stdio",
                   "-global", "virtio-mmio.force-legacy=false", "-kernel", os.path.join(GUESTS, "virtio.bin"),
                   "-drive", f"if=none,id=d0,format=raw,file={disks[0]}",
                   "-drive", f"if=none,id=d1,format=raw,readonly=on,file={disks[1]}",
                   "-device", "virtio-blk-device,drive=d0,serial=disk,packed=on,bus=virtio-mmio-bus.0",
                   "-device", "virtio-blk-device,drive=d1,serial=readonly,packed=on,bus=virtio-mmio-bus.1",
                   "-device", "virtio-rng-device,packed=on,bus=virtio-mmio-bus.2"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=120, check=False)
        return done.returncode, done.stdout.decode(errors="replace").replace("\r", "")

    def check(self, ran):
        self.assert_exit(0, ran)
        self.assert_says(r"^VIRTIO PASS, \d+ checks", ran)
        self.assert_never_says(r"^FAIL|^guest:", ran)

    def test_on_plain_qemu_gicv3(self):
        self.check(self.on_plain_qemu("3"))

    def test_on_plain_qemu_gicv2(self):
        self.check(self.on_plain_qemu("2"))


if __name__ == "__main__":
    unittest.main()
