# SPDX-License-Identifier: BSD-2-Clause
"""Two Debians with a pipe between them, and a disk of the one that the other serves: stopped, started, rebooted in
mid-I/O."""
import unittest

import test_virtio
from support import tail

ROOT_DISK = 'virtio_blk@0 { image = "root.ext4"; overlay; };'
SERVER = ROOT_DISK + 'virtio_blk@1 { image = "data.ext4"; }; virtio_console { pipes = "wire", "disk"; };'
CLIENT = ROOT_DISK + f'''virtio_blk@1 {{ served-by = "disk"; size = <0x0 {test_virtio.DATA_MIB << 20:#x}>; }};
    virtio_console {{ pipes = "wire"; }};'''
WIRE = "/dev/vport2p1"
SERVE = "until [ -c /dev/vport2p2 ]; do :; done; serve /dev/vport2p2 /dev/vdb > /tmp/served 2>&1 & true"
LIMIT_S = 200


class Pipes(test_virtio.LinuxMachines):
    def start(self):
        """The server's disk is there when it serves it: until then the client's kernel waits for its first sector."""
        guests = [self.linux("server", 1, [0], SERVER), self.linux("client", 2, [1], CLIENT)]
        machine = self.machine(*guests, options=("--gic", "3", "--cpus", "2", "--memory", "1G"))
        machine.attach(1, "server")
        self.assertEqual("wire disk", machine.ask(
            "until [ -c /dev/vport2p2 ]; do :; done; "
            "echo $(cat /sys/class/virtio-ports/vport2p1/name /sys/class/virtio-ports/vport2p2/name)"))
        machine.ask(SERVE)
        machine.attach(2, "client")
        return machine

    def check_wire(self, machine):
        """What one says the other hears, and the end behind it."""
        wanted = machine.ask("dd if=/dev/urandom of=/tmp/big bs=64k count=32 2>/dev/null; md5sum < /tmp/big")
        machine.ask(f"exec 3> {WIRE}")
        machine.attach(1, "server")
        # It has heard that the other end is open: else a read ends at once.
        machine.ask(f"while timeout 1 cat {WIRE}; do :; done; (cat {WIRE} | md5sum > /tmp/sum) & true")
        machine.attach(2, "client")
        machine.ask("cat /tmp/big >&3; exec 3>&-", LIMIT_S)
        machine.attach(1, "server")
        self.assertEqual(wanted, machine.ask("until [ -s /tmp/sum ]; do sleep 1; done; cat /tmp/sum", LIMIT_S))
        machine.attach(2, "client")

    def check_disk(self, machine):
        """A file system, and requests of several sizes and depths."""
        machine.ask("mkdir -p /data; mount /dev/vdb /data; dd if=/dev/zero of=/data/raw bs=1M count=2 2>/dev/null")
        for size, depth in ((512, 4), (4096, 16), (65536, 32)):
            for what in ("write", "read"):
                self.assertEqual(f"blocks: right, requests: {(2 << 20) // size}",
                                 machine.ask(f"blocks {what} /data/raw 2 {size} {depth} {depth}", LIMIT_S))
        kept = machine.ask("dd if=/dev/urandom of=/data/kept bs=64k count=32 2>/dev/null; md5sum < /data/kept; "
                           "umount /data; echo 3 > /proc/sys/vm/drop_caches; mount /dev/vdb /data").strip()
        self.assertEqual(kept, machine.ask("md5sum < /data/kept"))

    def load(self, machine):
        """Begin to write and read without end."""
        machine.ask("rm -f /tmp/stop; (n=1; until [ -e /tmp/stop ]; do n=$((n + 1)); "
                    "blocks write /data/raw 2 4096 16 $n && blocks read /data/raw 2 4096 16 $n; "
                    "echo $? >> /tmp/rounds; done; echo over > /tmp/over) > /tmp/load 2>&1 & "
                    "until [ -s /tmp/rounds ]; do :; done")

    def end_load(self, machine):
        """It has gone on behind what happened, and there was no error."""
        said = machine.ask("before=$(wc -l < /tmp/rounds); "
                           "until [ $(wc -l < /tmp/rounds) -gt $((before + 1)) ]; do sleep 1; done; "
                           "touch /tmp/stop; until [ -s /tmp/over ]; do sleep 1; done; sort -u /tmp/rounds; "
                           "grep -v right /tmp/load; rm -f /tmp/rounds /tmp/over", LIMIT_S)
        self.assertEqual("0", said.strip())

    def check_server_that_is_killed(self, machine):
        self.load(machine)
        machine.attach(1, "server")
        for _ in range(3):
            machine.ask(f"sleep 1; killall serve; wait; {SERVE}")  # a port is one process's
        machine.attach(2, "client")
        self.end_load(machine)

    def check_server_that_reboots(self, machine):
        self.load(machine)
        machine.attach(1, "server")
        machine.terminal.type("reboot -f\r")
        machine.terminal.expect(r"ashlar: server resets")
        machine.terminal.expect(test_virtio.PROMPT, LIMIT_S)
        machine.ask(SERVE)
        machine.attach(2, "client")
        self.end_load(machine)

    def check_client_that_reboots(self, machine):
        """In mid-write; what it had flushed is there, and the file system needs no more than its journal."""
        kept = machine.ask("sync; md5sum < /data/kept")
        self.load(machine)
        machine.terminal.type("reboot -f\r")
        machine.terminal.expect(r"ashlar: client resets")
        machine.terminal.expect(test_virtio.PROMPT, LIMIT_S)
        said = machine.ask("e2fsck -p /dev/vdb; echo code $?; "
                           "e2fsck -fn /dev/vdb > /dev/null 2>&1; echo again $?", LIMIT_S)
        self.assertRegex(said, r"(?s)code [01]\b.*again 0")
        machine.ask("mkdir -p /data; mount /dev/vdb /data")
        self.assertEqual(kept, machine.ask("md5sum < /data/kept"))

    def test_a_pipe_and_a_disk_that_is_served(self):
        machine = self.start()
        self.check_disk(machine)
        self.check_wire(machine)
        self.check_server_that_is_killed(machine)
        self.check_server_that_reboots(machine)
        self.check_client_that_reboots(machine)
        machine.power_off("client")
        machine.attach(1, "server")
        machine.power_off("server")
        self.assertEqual(0, machine.terminal.wait(), tail(machine.terminal.text))


if __name__ == "__main__":
    unittest.main()
