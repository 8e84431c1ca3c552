# SPDX-License-Identifier: BSD-2-Clause
import io
import os
import subprocess
import unittest

from support import ROOT, TOOLS, FolderTest
from ashlar import bundle, fdt, newc

TWO_VMS = """\
    /dts-v1/;
    / { vms {
        a { device_type = "virtual_machine"; vmid = <1>; kernel = "Image"; ramdisk = "sub/rd"; };
        b { device_type = "virtual_machine"; vmid = <2>; kernel = "Image"; dtb = "b.dtb"; };
        other { kernel = "not-a-vm"; };
    }; };
    """


def vm(properties):
    return f'/dts-v1/; / {{ vms {{ vm0 {{ device_type = "virtual_machine"; {properties} }}; }}; }};'


class Bundle(FolderTest):
    def write(self):
        out = io.BytesIO()
        names = bundle.write(self.folder, out)
        return names, newc.read(out.getvalue()), out.getvalue()

    def refused(self, text):
        self.put("vms.dts", text)
        with self.assertRaises(bundle.BundleError) as caught:
            self.write()
        return str(caught.exception)

    def test_the_tree_comes_first_then_each_file_once(self):
        self.put("vms.dts", TWO_VMS)
        self.put("Image", b"kernel")
        self.put("sub/rd", b"ramdisk")
        self.put("b.dtb", b"tree")
        names, entries, _ = self.write()
        self.assertEqual(names, ["vms.dtb", "Image", "sub/rd", "b.dtb"])
        self.assertEqual([e.name for e in entries], names)
        self.assertEqual([e.data for e in entries[1:]], [b"kernel", b"ramdisk", b"tree"])
        self.assertEqual(fdt.parse(entries[0].data).child("vms").children[1].properties["kernel"], b"Image\0")

    def test_the_images_of_disks_are_in_it_each_once(self):
        self.put("vms.dts", vm('kernel = "k"; virtio_blk@0 { image = "disk.ext4"; overlay; }; '
                               'virtio_blk@1 { memory-range = <0 0 0 0x200000>; }; virtio_net { image = "no disk"; }; '
                               'virtio_blk@2 { image = "disk.ext4"; overlay; };'))
        self.put("k", b"kernel")
        self.put("disk.ext4", bytes(512))
        self.assertEqual(["vms.dtb", "k", "disk.ext4"], self.write()[0])

    def test_a_disks_missing_image_is_named_with_the_disks_node(self):
        text = self.refused(vm('virtio_blk@1 { image = "gone"; };'))
        self.assertIn("/vms/vm0/virtio_blk@1, property image = \"gone\": there is no file", text)

    def test_the_same_folder_gives_the_same_bytes(self):
        self.put("vms.dts", vm('kernel = "k";'))
        path = self.put("k", b"kernel")
        first = self.write()[2]
        self.assertEqual(first, self.write()[2])
        os.utime(path, (1, 1))  # a board without a clock begins at the newest of these
        self.assertEqual([e.mtime for e in self.write()[1]], [int(os.stat(self.path("vms.dts")).st_mtime), 1])

    def test_a_missing_file_is_named_with_node_property_and_value(self):
        text = self.refused(vm('kernel = "Image";'))
        for word in ("vms.dts", "/vms/vm0", "kernel", '"Image"', "no file", self.path("Image")):
            self.assertIn(word, text)

    def test_values_that_are_not_one_name_are_refused_with_what_is_allowed(self):
        for value in ("<1 2>", '"a", "b"', '""', "[00 01 02]"):
            with self.subTest(value=value):
                text = self.refused(vm(f"kernel = {value};"))
                self.assertIn("/vms/vm0, property kernel = ", text)
                self.assertIn("allowed is one string", text)

    def test_an_empty_property_is_shown_as_such(self):
        self.assertIn("kernel = (empty)", self.refused(vm("kernel;")))

    def test_names_that_leave_the_folder_are_refused(self):
        outside = os.path.basename(self.put("../" + os.path.basename(self.folder) + ".outside", b"secret"))
        self.addCleanup(os.unlink, self.path("..", outside))
        for name in (f"../{outside}", "/etc/passwd", "./Image", "a/../Image", "a//b", ".."):
            with self.subTest(name=name):
                self.assertIn("inside the bundle's folder", self.refused(vm(f'kernel = "{name}";')))

    def test_the_configuration_itself_cannot_be_named(self):
        self.put("vms.dtb", b"stale")
        self.assertIn("the configuration itself", self.refused(vm('kernel = "vms.dtb";')))

    def test_a_folder_is_not_a_file(self):
        os.mkdir(self.path("Image"))
        self.assertIn("no file", self.refused(vm('kernel = "Image";')))

    def test_a_tree_without_vms_is_refused(self):
        self.assertIn("no node /vms", self.refused("/dts-v1/; / { };"))
        self.assertIn("virtual_machine", self.refused("/dts-v1/; / { vms { vm0 { }; }; };"))

    def test_a_syntax_error_comes_with_dtcs_own_words(self):
        text = self.refused("/dts-v1/;\n/ { vms { }")
        self.assertIn("vms.dts:2", text)

    def test_a_folder_without_configuration_is_refused(self):
        with self.assertRaisesRegex(bundle.BundleError, "vms.dts"):
            self.write()

    def test_a_failure_leaves_no_file_and_an_old_one_as_it_was(self):
        self.put("vms.dts", vm('kernel = "missing";'))
        out = self.put("out/bundle.cpio", b"old")
        done = subprocess.run([os.path.join(TOOLS, "mkbundle"), self.folder, "-o", out], capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 1)
        self.assertTrue(done.stderr.startswith("mkbundle: "), done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        self.assertEqual(os.listdir(self.path("out")), ["bundle.cpio"])
        self.assertEqual(self.get("out/bundle.cpio"), "old")

    def test_the_demos_configuration_names_the_files_that_run_lays_out(self):
        with open(os.path.join(ROOT, "bsp/qemu-virt/demo/vms.dts"), encoding="utf-8") as f:
            self.put("vms.dts", f.read())
        for name in ("Image", "initramfs.cpio", "metronome.bin", "debian.ext4"):
            self.put(name, name)
        wanted = ["Image", "debian.ext4", "initramfs.cpio", "metronome.bin", "vms.dtb"]
        self.assertEqual(wanted, sorted(self.write()[0]))


if __name__ == "__main__":
    unittest.main()
