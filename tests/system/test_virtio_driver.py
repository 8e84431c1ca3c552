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


# In the order of their slots: "lives" comes first, as its resets would have the others checked again.
DISKS = ("lives", "disk", "readonly")
LIVES = 3
# The same for hv. "disk" is a copy, the others share the image's bytes: one with pages of its own over them.
NODES = """
    virtio_blk@0 { image = "disk.img"; overlay; serial = "lives"; };
    virtio_blk@1 { image = "disk.img"; serial = "disk"; };
    virtio_blk@2 { image = "disk.img"; read-only; serial = "readonly"; };
    virtio_rng { };"""


class VirtioDriver(SystemTest):
    def on_plain_qemu(self, gic):
        folder = self.folder()
        command = ["qemu-system-aarch64", "-M", f"virt,gic-version={gic}", "-cpu", "cortex-a53", "-m", "128M",
                   "-nic", "none", "-display", "none", "-monitor", "none", "-serial", "stdio",
                   "-global", "virtio-mmio.force-legacy=false", "-kernel", os.path.join(GUESTS, "virtio.bin")]
        for slot, name in enumerate(DISKS):
            path = os.path.join(folder, name)
            with open(path, "wb") as f:
                f.write(image())
            more = ",readonly=on" if name == "readonly" else ""
            command += ["-drive", f"if=none,id=d{slot},format=raw,file={path}{more}", "-device",
                        f"virtio-blk-device,drive=d{slot},serial={name},packed=on,bus=virtio-mmio-bus.{slot}"]
        command += ["-device", f"virtio-rng-device,packed=on,bus=virtio-mmio-bus.{len(DISKS)}"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=120, check=False)
        return done.returncode, done.stdout.decode(errors="replace").replace("\r", "")

    def check(self, ran):
        self.assert_exit(0, ran)
        for life in range(LIVES + 1):
            self.assert_says(rf"^virtio: life {life}$", ran)
        self.assert_says(r"^VIRTIO PASS, \d+ checks", ran)
        self.assert_never_says(r"^FAIL|^guest:", ran)

    def test_on_plain_qemu_gicv3(self):
        self.check(self.on_plain_qemu("3"))

    def test_on_plain_qemu_gicv2(self):
        self.check(self.on_plain_qemu("2"))


if __name__ == "__main__":
    unittest.main()
