# SPDX-License-Identifier: BSD-2-Clause
"""Debian's kernel with its own drivers for what is said to it: a virtio console, sockets to another VM and to hv."""
import hashlib
import unittest

import test_virtio
from support import tail

DISK = 'virtio_blk { image = "root.ext4"; overlay; };'
# Beside a disk and the network, the rest of what there is.
MORE = ("virtio_rng { }; virtio_console { }; virtio_vsock { cid = <3>; };", "virtio_vsock { cid = <4>; };")
BULK_MIB = 2
LIMIT_S = 200


class Channels(test_virtio.LinuxMachines):
    def start(self):
        guests = [self.linux("a", 1, [0], DISK + "virtio_console { }; virtio_vsock { cid = <3>; };"),
                  self.linux("b", 2, [1], DISK + "virtio_vsock { cid = <4>; };")]
        machine = self.machine(*guests, options=("--gic", "3", "--cpus", "2", "--memory", "1G"))
        machine.attach(2, "b")
        machine.ask("vsock listen 2000 > /dev/null 2>&1 & true")
        machine.attach(1, "a")
        return machine

    def check_shell(self, machine):
        """hv answers a VM about itself, and nobody about another; other ports are nobody's."""
        said = machine.ask("echo 'vm show a' | vsock 2 1; echo code $?")
        self.assertRegex(said, r"(?s)ashlar> vm .*name +a\n.*state +running\n.*ashlar> code 0")
        self.assertIn("that is for the manager", machine.ask("echo 'vm off b' | vsock 2 1"))
        self.assertIn("code 1", machine.ask("echo | vsock 2 2; echo code $?"))
        self.assertIn("code 1", machine.ask("echo | vsock 77 2000; echo code $?"))

    def check_echo(self, machine):
        """A stream there and back again, both at once."""
        sums = machine.ask(f"dd if=/dev/urandom of=/tmp/big bs=64k count={BULK_MIB * 16} 2>/dev/null; "
                           "md5sum < /tmp/big; vsock 4 2000 < /tmp/big | md5sum", LIMIT_S).split()
        self.assertEqual(sums[0], sums[2])

    def check_peer_that_restarts(self, machine):
        """b goes amid a stream: a's end hears of it, and may come again."""
        machine.ask("(vsock 4 2000 < /dev/zero 2>/dev/null | (head -c 1 > /tmp/back; cat > /dev/null); "
                    "echo ended > /tmp/ended) & "
                    "until [ -s /tmp/back ]; do :; done")
        machine.attach(2, "b")
        machine.terminal.type("reboot -f\r")
        machine.terminal.expect(r"ashlar: b resets")
        machine.terminal.expect(test_virtio.PROMPT, LIMIT_S)
        machine.ask("vsock listen 2000 > /dev/null 2>&1 & true")
        machine.attach(1, "a")
        self.assertEqual("ended", machine.ask("until [ -s /tmp/ended ]; do sleep 1; done; cat /tmp/ended", LIMIT_S))
        self.check_echo(machine)

    def check_console(self, machine):
        """A shell on hvc0, which has the keyboard while it speaks; what is pasted and what is printed is whole."""
        terminal = machine.terminal
        terminal.type("sh -i < /dev/hvc0 > /dev/hvc0 2>&1\r")
        terminal.expect(r"built-in commands\.\s+" + test_virtio.PROMPT)
        self.assertEqual("/dev/hvc0", machine.ask("tty"))
        machine.ask("echo 'vm resize a 132x43' | vsock 2 1")
        self.assertEqual("43 132", machine.ask("until stty size 2>/dev/null | grep 43; do sleep 1; done"))
        self.assertEqual("\n".join(str(n) for n in range(1, 6001)), machine.ask("seq 6000"))
        text = "".join(f"{n:04d} what is pasted ?1?l?? must arrive as it is\n" for n in range(170))
        terminal.type("stty -echo; cat > /paste\r")
        terminal.expect(r"cat > /paste")
        terminal.type(text)
        terminal.type("\x04")
        terminal.type("stty echo\r")
        self.assertIn(hashlib.md5(text.encode()).hexdigest(), machine.ask("md5sum /paste"))
        terminal.type("echo so much for hvc''0; exit\r")
        terminal.expect(r"so much for hvc0\s+" + test_virtio.PROMPT)
        self.assertEqual("/dev/ttyAMA0", machine.ask("tty"))

    def rebind(self, machine, number, meanwhile):
        """The driver of the device with this number (VIRTIO 1.2, 5) goes amid what says in /tmp/begun that it has, and
        comes back. What that says."""
        return machine.ask(f"for d in /sys/bus/virtio/devices/*; do [ $(cat $d/device) != {number} ] || "
                           "{ name=${d##*/}; driver=$(readlink -f $d/driver); }; done; rm -f /tmp/begun; "
                           f"({meanwhile}) & until [ -s /tmp/begun ]; do :; done; echo $name > $driver/unbind; "
                           "wait $!; echo $name > $driver/bind", LIMIT_S)

    def check_unbound_channels(self, machine):
        """Sockets and the console, amid a stream of theirs: it ends, and all is as it was when the driver is back."""
        said = self.rebind(machine, "0x0013", "vsock 4 2000 < /dev/zero 2> /dev/null | "
                           "(head -c 1 > /tmp/begun; cat > /dev/null); echo its stream has end''ed")
        self.assertIn("its stream has ended", said)
        self.check_echo(machine)
        said = self.rebind(machine, "0x0003", "exec 2> /dev/null 3> /dev/hvc0; while echo 'hvc0 is to''ld' >&3; do "
                           "echo > /tmp/begun; done")
        self.assertIn("hvc0 is told", said)
        self.check_console(machine)

    def test_a_console_and_sockets(self):
        machine = self.start()
        self.check_shell(machine)
        self.check_unbound_channels(machine)
        self.check_peer_that_restarts(machine)
        machine.power_off("a")
        machine.attach(2, "b")
        machine.power_off("b")
        self.assertEqual(0, machine.terminal.wait(), tail(machine.terminal.text))


class Everything(test_virtio.Virtio, Channels):
    """All devices of two guests at once, where their interrupts are delivered otherwise than by a GICv3."""

    def everything(self, gic, changes=()):
        machine = self.network_machine(gic, MORE)
        machine.attach(2, "b")
        machine.ask("vsock listen 2000 > /dev/null 2>&1 & true")
        machine.attach(1, "a")
        self.check_ping(machine, "10.0.0.2")
        self.check_bulk(machine)
        self.check_entropy(machine)
        self.check_shell(machine)
        self.check_echo(machine)
        self.check_console(machine)
        for change in changes:
            change(machine)
        machine.power_off("a")
        machine.attach(2, "b")
        machine.power_off("b")
        self.assertEqual(0, machine.terminal.wait(), tail(machine.terminal.text))

    def test_everything_on_gicv2(self):
        self.everything(2)

    def serve_again(self, machine):
        """What else b did before it was restarted."""
        machine.attach(2, "b")
        machine.ask(test_virtio.SERVE)
        machine.attach(1, "a")

    def with_all_changes(self, gic):
        """And all that can happen to them."""
        self.everything(gic, (self.check_unbound_channels, self.check_peer_that_restarts, self.serve_again,
                              self.check_link, self.check_unbound_network, self.check_restart_in_mid_transfer))

    def soak_everything_on_gicv2(self):
        self.with_all_changes(2)

    def soak_everything_on_gicv3(self):
        self.with_all_changes(3)


def load_tests(loader, _, __):
    """Each once: Everything inherits what runs elsewhere."""
    suite = unittest.TestSuite(loader.loadTestsFromTestCase(Channels))
    suite.addTest(Everything("test_everything_on_gicv2"))
    return suite


if __name__ == "__main__":
    unittest.main()
