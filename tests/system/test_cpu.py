# SPDX-License-Identifier: BSD-2-Clause
"""What a guest may rely on of its CPU (tests/guests/cpu), on CPUs with and without pointer authentication and on both
GICs."""
import os
import subprocess
import unittest

from support import GUESTS, ROOT, SystemTest, tail, vm

HV = os.path.join(os.path.dirname(os.path.dirname(GUESTS)), "hv/hv.bin")


class Cpu(SystemTest):
    def run_cpu(self, model, gic, vms=None):
        """The machine of ./run, and with another CPU."""
        folder = self.folder(vms or vm("cpu", 1, "cpu.bin", [1, 2]), files=("cpu.bin",))
        if model == "cortex-a53":
            return self.boot("--bundle", folder, "--gic", gic, "--timeout", "120")  # builds hv for the others, too
        bundle = os.path.join(folder, "bundle.cpio")
        subprocess.run([os.path.join(ROOT, "hv/tools/mkbundle"), folder, "-o", bundle], check=True,
                       stdout=subprocess.DEVNULL)
        done = subprocess.run(["qemu-system-aarch64", "-M", f"virt,virtualization=on,gic-version={gic}", "-cpu", model,
                               "-smp", "4", "-m", "1G", "-nic", "none", "-display", "none", "-monitor", "none",
                               "-serial", "stdio", "-kernel", HV, "-initrd", bundle], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=False)
        return done.returncode, done.stdout.decode(errors="replace")

    def two_on_the_same(self, model):
        ran = self.run_cpu(model, "3", vm("one", 1, "cpu.bin", [1, 2]) + vm("two", 2, "cpu.bin", [2, 1]))
        self.assert_exit(0, ran)
        for name in ("one", "two"):
            self.assert_says(rf"^\[{name}\] CPU PASS, \d+ checks", ran)
        return ran

    def test_each_cpu_on_each_gic(self):
        for model, pauth in (("cortex-a53", "without"), ("cortex-a72", "without"), ("max", "with")):
            for gic in ("3", "2"):
                with self.subTest(cpu=model, gic=gic):
                    ran = self.run_cpu(model, gic)
                    self.assert_exit(0, ran)
                    self.assert_says(rf"^{pauth} PAuth", ran)
                    self.assert_says(r"^CPU PASS, \d+ checks", ran)
                    self.assertNotIn("FAIL", ran[1], tail(ran[1]))

    def test_two_vms_share_a_cpu_whose_erratum_wants_walks_off(self):
        """Cortex-A72 erratum 1319367: hv's own way to change a vCPU's registers."""
        self.assert_says(r"errata answered: 1319367 \(hv\)", self.two_on_the_same("cortex-a72"))

    def test_two_vms_share_a_cpu_with_each_feature_that_there_is(self):
        """DISR_EL1 among its registers."""
        ran = self.two_on_the_same("max")
        for name in ("one", "two"):
            self.assert_says(rf"^\[{name}\] with DISR_EL1", ran)


if __name__ == "__main__":
    unittest.main()
