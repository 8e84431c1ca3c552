# SPDX-License-Identifier: BSD-2-Clause
"""What other boards show, on a Raspberry Pi 3 (QEMU's raspi3b): the same guests, bundles and results, delivered to by
software alone. The tests are those of the other files, with the board in place of a GIC."""
import unittest

import test_chaos
import test_console
import test_faults
import test_guests
import test_hypercalls
import test_integrity
import test_life
import test_linux
import test_pi
import test_sharing
import test_topics
import test_virtio
import test_virtio_channels
import test_virtio_driver

BOARD = "rpi3"


class Topics(test_topics.Topics):
    pass


def add(name, cpus):
    setattr(Topics, f"test_{name}_on_rpi3", lambda self: self.check(name, cpus, BOARD))


for topic, wanted in test_topics.TOPICS.items():
    add(topic, wanted)


class Guests(test_guests.Guests):
    def test_basics_on_rpi3(self):
        self.basics_on_two_vcpus_next_to_the_boot_cpu(BOARD)


class Faults(test_faults.Faults):
    def test_faults_on_rpi3(self):
        self.run_faults(BOARD)

    def test_a_vm_without_vectors_on_rpi3(self):
        self.run_lost(BOARD)


class Hypercalls(test_hypercalls.Hypercalls):
    def test_the_manager_on_rpi3(self):
        self.by_the_manager(BOARD, 2)


class Integrity(test_integrity.Integrity):
    def test_nothing_changes_on_rpi3(self):
        self.run_on("--gic", BOARD)


class VirtioDriver(test_virtio_driver.VirtioDriver):
    def test_beside_an_enemy_on_rpi3(self):
        self.on_hv(BOARD, (0, 1, 2, 3))


class Sharing(test_sharing.Sharing):
    def test_a_timer_interrupt_comes_while_another_is_in_its_handler_on_rpi3(self):
        self.preempted_in_its_handler(BOARD)

    def test_vcpus_move_between_cpus_under_load_on_rpi3(self):
        self.moving(BOARD, 128)

    def test_two_debians_on_the_same_two_cpus_on_rpi3(self):
        self.two_linuxes(BOARD)


class Chaos(test_chaos.Chaos):
    def test_a_linux_and_a_pinned_guest_beside_chaos_on_rpi3(self):
        self.run_on(BOARD)


class Pi(test_pi.Pi):
    """Raspberry Pi programs in VMs of a Raspberry Pi."""

    def test_the_os_on_rpi3(self):
        self.check("pi_os", BOARD)

    def test_four_cores_on_rpi3(self):
        self.check("pi_cores", BOARD)


class Console(test_console.Console):
    def machine(self, folder, *options):
        return super().machine(folder, "--gic", BOARD, *options)

    def test_a_user_lists_pauses_resumes_and_restarts_a_debian_on_rpi3(self):
        self.test_a_user_lists_pauses_resumes_and_restarts_a_debian()

    def test_a_debian_that_is_told_to_shut_down_does_so_by_itself_on_rpi3(self):
        self.test_a_debian_that_is_told_to_shut_down_does_so_by_itself()


class Life(test_life.Life):
    machine = ("--gic", BOARD)
    cycles = 30

    def test_thirty_lives_leave_everything_as_it_was_on_rpi3(self):
        self.test_two_hundred_lives_leave_everything_as_it_was()


class Linux(test_linux.Linux):
    def test_one_vcpu_on_rpi3(self):
        self.through_its_paces(BOARD, 4, 1)

    def test_two_vcpus_on_rpi3(self):
        self.through_its_paces(BOARD, 4, 2)

    def test_four_vcpus_on_rpi3(self):
        self.through_its_paces(BOARD, 4, 4)

    def test_a_reboot_on_rpi3(self):
        self.again_after_reboot(BOARD)


class Virtio(test_virtio.Virtio):
    def test_disks_on_rpi3(self):
        self.shorter(BOARD)

    def soak_disks_on_rpi3(self):
        self.disks(BOARD)


class Everything(test_virtio_channels.Everything):
    def test_everything_on_rpi3(self):
        self.everything(BOARD)

    def soak_everything_on_rpi3(self):
        self.with_all_changes(BOARD)


def load_tests(loader, _, __):
    """Those of this file: what they inherit runs elsewhere."""
    suite = unittest.TestSuite()
    for group in (Topics, Guests, Faults, Hypercalls, Integrity, Sharing, Chaos, Pi,
                  Console, Life, Linux, Virtio, Everything, VirtioDriver):
        suite.addTests(group(name) for name in loader.getTestCaseNames(group) if name.endswith("_on_rpi3"))
    return suite


if __name__ == "__main__":
    unittest.main()
