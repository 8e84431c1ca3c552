# SPDX-License-Identifier: BSD-2-Clause
"""mkbundle --check: hv's words and the ownership report, off-line. ASHLAR_HV_CHECK is the program under test."""
import json
import os
import subprocess
import unittest

from support import TOOLS, FolderTest

BOARD = """\
    /dts-v1/;
    /memreserve/ 0x47000000 0x1000;
    / {
        #address-cells = <2>; #size-cells = <2>; interrupt-parent = <&gic>;
        memory@40000000 { device_type = "memory"; reg = <0 0x40000000 0 0x8000000 0 0x60000000 0 0x4000000>; };
        reserved-memory { #address-cells = <2>; #size-cells = <2>; ranges;
            secret@44000000 { reg = <0 0x44000000 0 0x100000>; no-map; };
        };
        cpus { #address-cells = <1>; #size-cells = <0>;
            cpu@0 { device_type = "cpu"; reg = <0>; enable-method = "psci"; };
            cpu@100 { device_type = "cpu"; reg = <0x100>; enable-method = "psci"; };
        };
        timer { compatible = "arm,armv8-timer"; interrupts = <1 13 4>, <1 14 4>, <1 11 4>, <1 10 4>; };
        gic: intc@8000000 { compatible = "arm,gic-v3"; #interrupt-cells = <3>; interrupt-controller;
            reg = <0 0x8000000 0 0x10000 0 0x80a0000 0 0x40000>; interrupts = <1 9 4>; };
        serial@9000000 { compatible = "arm,pl011"; reg = <0 0x9000000 0 0x1000>; interrupts = <0 1 4>; };
        flash@4000000 { compatible = "cfi-flash"; reg = <0 0x4000000 0 0x4000000>; };
        other@9000800 { reg = <0 0x9000800 0 0x1000>; interrupts = <0 1 4>; };
        buffer@47f00000 { reg = <0 0x47f00000 0 0x1000>; };
        chosen { stdout-path = "/serial@9000000"; };
    };
    """
PLACES = ("--image-at", "0x40200000", "--tree-at", "0x42000000", "--bundle-at", "0x43000000")


def vm(name, vmid, more="", memory="<0 0x200000>", kernel='kernel = "k";'):
    return (f'{name} {{ device_type = "virtual_machine"; vmid = <{vmid}>; type = "bare"; memory = {memory}; '
            f'{kernel} {more} }};')


class Check(FolderTest):
    def setUp(self):
        super().setUp()
        self.put("k", b"a guest")
        source = self.put("board.dts", BOARD)
        subprocess.run(["dtc", "-q", "-o", self.path("board.dtb"), source], check=True)

    def check(self, *vms, options=(), places=PLACES):
        self.put("vms.dts", "/dts-v1/; / { vms { " + " ".join(vms) + " }; };")
        board = ("--board-dtb", self.path("board.dtb"), *places) if places is not None else ()
        return subprocess.run([os.path.join(TOOLS, "mkbundle"), "--check", self.folder, *board, *options],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              check=False)

    def report(self, *vms, code=0, places=PLACES):
        done = self.check(*vms, options=("--json",), places=places)
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def says(self, line, *vms, code=3):
        done = self.check(*vms)
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        self.assertIn(line, done.stdout.splitlines()[0])

    def test_what_disks_have_for_themselves_is_their_vms(self):
        self.put("disk.img", bytes(5 * 4096))
        disks = ('virtio_blk@0 { image = "disk.img"; }; virtio_blk@1 { image = "disk.img"; read-only; }; '
                 'virtio_blk@2 { image = "disk.img"; overlay; overlay-size = <0 0x2000>; }; '
                 'virtio_blk@3 { memory-range = <0 0x60001000 0 0x3000>; };')
        report = self.report(vm("a", 0, disks))
        of_vm = {entry.get("device", "RAM"): entry for entry in report["memory"] if entry["owner"] == "vm"}
        self.assertEqual({"RAM", "virtio_blk@0", "virtio_blk@2", "virtio_blk@3"}, set(of_vm))
        self.assertEqual(5 * 4096, of_vm["virtio_blk@0"]["size"])
        self.assertEqual(3 * 4096, of_vm["virtio_blk@2"]["size"])  # an index, two blocks
        self.assertEqual(("0x60001000", 0x3000), (of_vm["virtio_blk@3"]["base"], of_vm["virtio_blk@3"]["size"]))
        self.says('/vms/a/virtio_blk: image = "k", 7 bytes: has no size of a disk',
                  vm("a", 0, 'virtio_blk { image = "k"; };'))

    def test_flash_is_of_the_vms_that_read_it(self):
        disks = ('virtio_blk@0 { memory-range = <0 0x4000000 0 0x100000>; read-only; }; '
                 'virtio_blk@1 { memory-range = <0 0x4000000 0 0x100000>; overlay; overlay-size = <0 0x1000>; };')
        report = self.report(vm("a", 0, disks), vm("b", 1, disks))
        self.assertIn(("/flash@4000000", "vms"), [(device["path"], device["owner"]) for device in report["devices"]])
        self.assertEqual([("a", 0x2000), ("b", 0x2000)],  # an index, a block
                         sorted((entry["vm"], entry["size"]) for entry in report["memory"] if "device" in entry))
        self.says("/vms/a/virtio_blk: memory-range = 0x1000 bytes at 0x4000000: lies in flash, which hv does not "
                  "write; allowed: read-only or overlay beside it; or RAM that is free",
                  vm("a", 0, 'virtio_blk { memory-range = <0 0x4000000 0 0x1000>; };'))

    def test_every_byte_of_ram_has_one_owner(self):
        memory = self.report(vm("a", 1), vm("b", 2, memory="<0 0x41000000 0 0x400000>"))["memory"]
        owners = {entry["base"]: (entry["owner"], entry.get("vm")) for entry in memory}
        self.assertEqual(("hv", None), owners["0x40200000"])
        self.assertEqual(("vm", "b"), owners["0x41000000"])
        self.assertEqual(("board-dt", None), owners["0x42000000"])
        self.assertEqual(("bundle", None), owners["0x43000000"])
        self.assertEqual(("no-map", None), owners["0x44000000"])
        self.assertEqual(("firmware", None), owners["0x47000000"])
        ends = {hex(int(entry["base"], 16) + entry["size"]) for entry in memory}
        self.assertEqual({"0x48000000", "0x64000000"}, ends - set(owners))
        self.assertEqual(0x8000000 + 0x4000000, sum(entry["size"] for entry in memory))
        a = next(entry for entry in memory if entry.get("vm") == "a")
        self.assertEqual((0x200000, "0x40000000"), (a["size"], a["guest"]))

    def test_cpus_devices_and_interrupts_have_owners(self):
        report = self.report(vm("a", 1, "vcpu_affinity = <1>;"))
        self.assertEqual([([], "0x0"), ([{"vm": "a", "vcpu": 0}], "0x100")],
                         [(c["vcpus"], c["affinity"]) for c in report["cpus"]])
        devices = {device["path"]: device["owner"] for device in report["devices"]}
        self.assertEqual({"/timer": "vms", "/intc@8000000": "hv", "/serial@9000000": "hv", "/other@9000800": "nobody",
                          "/buffer@47f00000": "nobody", "/flash@4000000": "nobody"}, devices)
        interrupts = {(i["interrupt"], i["owner"]) for i in report["interrupts"]}
        self.assertEqual({("ppi:13", "nobody"), ("ppi:14", "vms"), ("ppi:11", "vms"), ("ppi:10", "nobody"),
                          ("ppi:9", "hv"), ("spi:1", "hv")}, interrupts)

    def test_what_budgets_have_of_a_cpu_is_said(self):
        rt = vm("rt", 1, "vcpu_affinity = <1>; budget-us = <2500>; period-us = <20000>;")
        self.assertEqual([0, 125000], [c["promised_ppm"] for c in self.report(rt)["cpus"]])
        self.assertIn("   1  affinity 0x100  VM rt, vCPU 0 (2500 of each 20000 us); budgets have 12.5 %",
                      self.check(rt).stdout.splitlines())

    def test_budgets_are_added_up_for_each_cpu(self):
        two = (vm("rt", 1, "vcpu_affinity = <1>; budget-us = <2500>; period-us = <20000>;"),
               vm("other", 2, "vcpus = <2>; vcpu_affinity = <0 1>; budget-us = <300>; period-us = <1000>;"))
        cpus = self.report(*two)["cpus"]
        self.assertEqual([300000, 425000], [cpu["promised_ppm"] for cpu in cpus])
        self.assertEqual([{"vm": "rt", "vcpu": 0, "budget_us": 2500, "period_us": 20000},
                          {"vm": "other", "vcpu": 1, "budget_us": 300, "period_us": 1000}], cpus[1]["vcpus"])

    def test_the_cpus_that_a_vcpu_may_move_to_are_said(self):
        mover = vm("mover", 1, "vcpus = <2>; vcpu-cpus = <3 2>;")
        vcpus = [vcpu for cpu in self.report(mover)["cpus"] for vcpu in cpu["vcpus"]]
        self.assertEqual([([0, 1], 0), ([1], 1)], sorted((v["cpus"], v["vcpu"]) for v in vcpus))
        self.assertIn("VM mover, vCPU 0 (may run on CPUs 0 1)", self.check(mover).stdout)

    def test_overlaps_and_gaps_are_named(self):
        report = self.report(vm("a", 1))
        self.assertEqual(["/serial@9000000 and /other@9000800 at 0x9000800",
                          "/serial@9000000 and /other@9000800 share interrupt spi:1",
                          "/buffer@47f00000 at 0x47f00000 lies in RAM"], report["overlaps"])
        self.assertEqual([{"base": "0x48000000", "size": 0x18000000}], report["gaps"])
        self.assertEqual([], report["mistakes"])
        self.assertEqual([{"name": "a", "starts": True}], report["vms"])

    def test_the_text_says_the_same(self):
        done = self.check(vm("a", 1, "vcpus = <3>;"))
        self.assertEqual(0, done.returncode, done.stdout)
        for line in ("  0x0044000000..0x00440fffff       1 MiB  no-map",
                     "   0  affinity 0x0  VM a, vCPU 0; VM a, vCPU 2",
                     "  /serial@9000000              hv      0x9000000+0x1000 spi:1", "  ppi:11   vms     /timer",
                     "  /buffer@47f00000 at 0x47f00000 lies in RAM",
                     "  0x0048000000..0x005fffffff     384 MiB  not RAM"):
            self.assertIn(line, done.stdout.splitlines())

    def test_a_guest_s_memory_of_several_pieces_is_listed_piece_by_piece(self):
        memory = self.report(vm("a", 1, memory="<0 0x5000000>"))["memory"]
        pieces = sorted((entry["guest"], entry["size"]) for entry in memory if entry.get("vm") == "a")
        self.assertGreater(len(pieces), 1)
        at = 0x40000000
        for guest, size in pieces:
            self.assertEqual(hex(at), guest)
            at += size
        self.assertEqual(0x45000000, at)

    def test_each_mistake_is_hv_s_own_line_and_the_exit_code_is_3(self):
        good = vm("good", 1)
        for line, bad in (
                ('kernel = "Imgae": is not in the bundle', vm("bad", 2, kernel='kernel = "Imgae";')),
                ("vcpu = <2>: is an unknown property; allowed: device_type", vm("bad", 2, "vcpu = <2>;")),
                ("vmid = <1>: is another VM's already", vm("bad", 1)),
                ("memory = <0x200000>: has a wrong number of cells", vm("bad", 2, memory="<0x200000>")),
                ("vcpu_affinity = <2>; CPUs of the board: 2: names a CPU", vm("bad", 2, "vcpu_affinity = <2>;")),
                ("priority = <256>: is out of range; allowed: one cell, 0..255", vm("bad", 2, "priority = <256>;")),
                ("budget-us = <600> of <1000>; 60 % of CPU 0 are promised already: is more than is left",
                 vm("bad", 2, "vcpus = <2>; vcpu_affinity = <0 0>; budget-us = <600>; period-us = <1000>;")),
                ("vcpu-cpus = <4>; CPUs of the board: 2: names a CPU", vm("bad", 2, "vcpu-cpus = <4>;")),
                ("does not fit; allowed: at most what is free", vm("bad", 2, memory="<1 0>")),
                ("overlaps hv's own memory", vm("bad", 2, memory="<0 0x40200000 0 0x200000>")),
                ("overlaps the bundle", vm("bad", 2, memory="<0 0x43000000 0 0x200000>")),
                ("overlaps memory that the firmware reserves", vm("bad", 2, memory="<0 0x44000000 0 0x200000>")),
                ("is not RAM", vm("bad", 2, memory="<0 0x50000000 0 0x200000>"))):
            with self.subTest(line=line):
                self.says(line, good, bad)
                self.says("vms.dtb: VM bad: /vms/bad: ", good, bad)
                report = self.report(good, bad, code=3)
                self.assertEqual([True, False], [one["starts"] for one in report["vms"]])
                self.assertEqual(1, len(report["mistakes"]))

    def test_a_bundle_that_is_none_is_said_so(self):
        self.put("bundle.cpio", b"not an archive, but long enough to be looked at " * 4)
        done = subprocess.run([os.path.join(TOOLS, "mkbundle"), "--check", self.path("bundle.cpio"), "--board-dtb",
                               self.path("board.dtb")], capture_output=True, text=True, check=False)
        self.assertEqual(3, done.returncode, done.stdout + done.stderr)
        self.assertIn("bundle: header at byte = 0: is not a cpio header", done.stdout)
        self.assertIn("not known: where hv's image lies", done.stdout)

    def test_where_hv_would_stop_the_exit_code_is_4(self):
        places = ("--image-at", "0x40200000", "--tree-at", "0x40200000", "--bundle-at", "0x43000000")
        done = self.check(vm("a", 1), places=places)
        self.assertEqual(4, done.returncode)
        self.assertIn("hv would stop: the device tree at 0x40200000", done.stdout)

    def test_the_emulated_board_is_asked_for_its_tree(self):
        done = self.check(vm("a", 1), places=None, options=("--cpus", "3", "--memory", "512M", "--json"))
        self.assertEqual(0, done.returncode, done.stderr)
        report = json.loads(done.stdout)
        self.assertEqual(3, len(report["cpus"]))
        self.assertEqual(512 << 20, sum(entry["size"] for entry in report["memory"]))
        self.assertLessEqual({"hv", "board-dt", "bundle", "vm", "free"}, {e["owner"] for e in report["memory"]})
        self.assertEqual([], report["overlaps"])
        self.assertIn("/pl011@9000000", [device["path"] for device in report["devices"]])

    def test_wrong_options_are_refused(self):
        for options in (["--check"], ["--check", "-o", "x", self.folder], [self.folder], ["--check", "/nowhere"],
                        ["--check", self.folder, "--tree-at", "here"], ["--check", self.folder, "--cpus", "0"],
                        ["--check", self.folder, "--cpus", "9" * 5000], ["--check", self.folder, "--memory", ""],
                        ["--check", self.folder, "--board", "rpi3", "--gic", "2"],
                        ["--check", self.folder, "--board-dtb", "x", "--gic", "2"],
                        ["--check", self.folder, "--image-at", "0x40200000"],
                        ["--check", self.folder, "--board-dtb", "x", "--image-at", "-5"],
                        ["--check", self.folder, "--board-dtb", "x", "--image-at", hex(1 << 64)],
                        ["-o", "x", self.folder, "--json"], ["-o", "x", self.folder, "--cpus", "4"]):
            done = subprocess.run([os.path.join(TOOLS, "mkbundle"), *options], capture_output=True, text=True,
                                  check=False)
            self.assertEqual(2, done.returncode, options)
            self.assertRegex(done.stderr.splitlines()[-1], r"^mkbundle: ", options)
        program = os.environ["ASHLAR_HV_CHECK"]
        for options in ([], ["--bundle", "x"], ["--board"], ["--board", "x", "--image", "1"], ["--what"],
                        ["--board", "x", "--ipa-bits", "5"]):
            done = subprocess.run([program, *options], capture_output=True, check=False)
            self.assertEqual(2, done.returncode, options)
        done = subprocess.run([program, "--board", "/nowhere"], capture_output=True, check=False)
        self.assertEqual(1, done.returncode)

    def test_an_empty_file_is_no_bundle(self):
        empty = self.put("empty", b"")
        for board in ((), ("--board-dtb", self.path("board.dtb"), *PLACES)):
            done = subprocess.run([os.path.join(TOOLS, "mkbundle"), "--check", empty, *board], capture_output=True,
                                  text=True, check=False)
            self.assertEqual((1, f"mkbundle: {empty} is empty: no bundle\n"), (done.returncode, done.stderr))

    def test_what_cannot_be_written_or_read_is_told_in_words(self):
        self.put("vms.dts", "/dts-v1/; / { vms { " + vm("a", 1) + " }; };")
        os.mkdir(self.path("folder"))
        for options, words in ((["-o", self.path("folder"), self.folder], f"{self.path('folder')}: Is a directory"),
                               (["-o", "/proc/x", self.folder], "/proc/x: No such file or directory"),
                               (["-o", self.path("k", "x"), self.folder], f"{self.path('k')}: File exists")):
            done = subprocess.run([os.path.join(TOOLS, "mkbundle"), *options], capture_output=True, text=True,
                                  check=False)
            self.assertEqual((1, f"mkbundle: {words}\n"), (done.returncode, done.stderr))


if __name__ == "__main__":
    unittest.main()
