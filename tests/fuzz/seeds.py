#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Write the seeds that have a file format (tests/fuzz/corpus/{bundle,vms,image}/seed-*): whole, small files of every
kind, from which the fuzzer goes on. The other seeds are inputs that it found; `run.py --minimise` chose them."""
import os
import struct
import subprocess
import sys

HERE = os.path.dirname(os.path.realpath(__file__))

VMS = """
/dts-v1/;
/memreserve/ 0x50000000 0x1000;
/ {
    model = "m"; compatible = "linux,dummy-virt"; #address-cells = <2>; #size-cells = <2>; interrupt-parent = <1>;
    chosen { stdout-path = "/pl011@9000000"; bootargs = "a=b"; linux,initrd-start = <0 0x48000000>;
        linux,initrd-end = <0 0x48010000>; rng-seed = [01 02 03 04 05 06 07 08]; kaslr-seed = <1 2>; };
    memory@40000000 { device_type = "memory"; reg = <0 0x40000000 0 0x20000000>; };
    reserved-memory { #address-cells = <2>; #size-cells = <2>; ranges;
        r@41000000 { reg = <0 0x41000000 0 0x1000>; no-map; }; };
    psci { compatible = "arm,psci-1.0", "arm,psci-0.2"; method = "smc"; };
    cpus { #address-cells = <1>; #size-cells = <0>;
        cpu@0 { device_type = "cpu"; compatible = "arm,cortex-a53"; reg = <0>; enable-method = "psci"; };
        cpu@1 { device_type = "cpu"; reg = <1>; enable-method = "spin-table"; cpu-release-addr = <0 0xd8>; }; };
    timer { compatible = "arm,armv8-timer"; interrupts = <1 13 4>, <1 14 4>, <1 11 4>, <1 10 4>; };
    intc@8000000 { phandle = <1>; compatible = "arm,gic-v3"; interrupt-controller; #interrupt-cells = <3>;
        reg = <0 0x8000000 0 0x10000>, <0 0x80a0000 0 0xf60000>; interrupts = <1 9 4>; };
    pl011@9000000 { compatible = "arm,pl011", "arm,primecell"; reg = <0 0x9000000 0 0x1000>; interrupts = <0 1 4>; };
    soc { #address-cells = <1>; #size-cells = <1>; ranges = <0x7e000000 0 0x3f000000 0x1000000>;
        uart@7e215040 { compatible = "brcm,bcm2835-aux-uart"; reg = <0x7e215040 0x40>; }; };
    vms { vm0 { device_type = "virtual_machine"; vmid = <0>; vm_name = "linux"; type = "linux"; vcpus = <2>;
            vcpu_affinity = <0 1>; memory = <0 0x20000000>; kernel = "Image"; ramdisk = "i"; bootargs = "console=x";
            virtio_blk@0 { image = "Image"; overlay; overlay-size = <0 0x1000>; serial = "s"; queues = <2>; };
            virtio_blk@1 { memory-range = <0 0x90000000 0 0x1000>; read-only; };
            virtio_net { switch = "lan"; mac = [52 54 00 00 00 01]; vlan = <7>; isolated; rate-limit-kbps = <9>; };
            virtio_rng { }; virtio_console { ports = <2>; }; virtio_vsock { cid = <3>; }; };
        switches { lan { ageing-seconds = <60>; rate-limit-kbps = <1000>; isolated; }; };
        vm1 { device_type = "virtual_machine"; vmid = <1>; type = "bare"; memory = <0 0x80000000 0 0x200000>;
            entry = <0x80080000>; setup_data = <0x80100000>; rng-seed = [00 01 02 03 04 05 06 07]; background; }; };
};
"""


def put(target, name, data):
    folder = os.path.join(HERE, "corpus", target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "seed-" + name), "wb") as file:
        file.write(data)


def newc(name, mode, data):
    name = name.encode() + b"\0"
    fields = [0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0]
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + name
    return head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)


def bundles():
    end = newc("TRAILER!!!", 0, b"")
    files = newc("./vms.dtb", 0o100644, b"12345") + newc("d", 0o40755, b"") + newc("link", 0o120777, b"vms.dtb")
    put("bundle", "empty", end)
    put("bundle", "files", files + end + b"\0" * 20)
    put("bundle", "twice", newc("a", 0o100600, b"") + newc("./a", 0o100600, b"x") + end)
    put("bundle", "no-trailer", files)


def trees():
    done = subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb"], input=VMS.encode(), stdout=subprocess.PIPE,
                          check=True)
    put("vms", "tree", b"\0" + done.stdout)
    # Programs (vms.c): two VMs whose memory lies apart, touches, overlaps.
    for name, second in (("apart", 0x08), ("touch", 0x03), ("overlap", 0x02)):
        put("vms", name, bytes([1, 33, 0, 1, 0x11, 64, 34, 1, 1, second, 64]))


def images():
    where = bytes([32, 9, 127, 0, 16, 0, 8, 0, 1, 0, 0, 0])
    arm64 = struct.pack("<IIQQQQQQ4sI", 0x91005A4D, 0x14000010, 0, 0x100000, 0x0A, 0, 0, 0, b"ARM\x64", 0)
    put("image", "arm64", where + arm64 + b"\0" * 8)
    put("image", "raw", where[:9] + b"\1\x80" + b"\0" + b"\x1f\x20\x03\xd5" * 16)
    put("image", "gzip", where + b"\x1f\x8b\x08" + b"\0" * 61)
    put("image", "elf64", where + b"\x7fELF\2\1\1" + b"\0" * 9 + struct.pack(
        "<HHIQQQIHHHHHH", 2, 183, 1, 0x40080000, 64, 0, 0, 64, 56, 1, 0, 0, 0) + struct.pack(
            "<IIQQQQQQ", 1, 5, 0, 0x40080000, 0x40080000, 120, 0x1000, 0x1000))


def main():
    bundles()
    trees()
    images()
    return 0


if __name__ == "__main__":
    sys.exit(main())
