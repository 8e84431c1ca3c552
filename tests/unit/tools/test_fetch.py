# SPDX-License-Identifier: BSD-2-Clause
import os
import subprocess
import threading
import time
import unittest

from support import ROOT, FolderTest

FETCH = os.path.join(ROOT, "tests/setup/fetch")
MODULES = ("crypto/crc32c_generic", "drivers/block/virtio_blk", "drivers/char/hw_random/virtio-rng",
           "drivers/char/virtio_console", "drivers/input/evdev", "drivers/input/keyboard/gpio_keys",
           "drivers/net/net_failover", "drivers/net/virtio_net", "drivers/virtio/virtio_mmio",
           "drivers/watchdog/sp805_wdt", "fs/ext4/ext4", "fs/jbd2/jbd2", "fs/mbcache", "lib/crc16",
           "net/core/failover", "net/vmw_vsock/vmw_vsock_virtio_transport",
           "net/vmw_vsock/vmw_vsock_virtio_transport_common", "net/vmw_vsock/vsock")
# The archive holds version $FAKE/version; "offline" makes everything fail; "failures" counts 404s to come.
FAKES = {
    "apt-get": """
        shift 3
        echo "$*" >>"$FAKE/log"
        [ -e "$FAKE/offline" ] && { echo "E: no way to the archive" >&2; exit 100; }
        [ "$1" = download ] || exit 0
        [ -e "$FAKE/slow" ] && sleep 1
        left=$(cat "$FAKE/failures" 2>/dev/null || echo 0)
        if [ "$left" -gt 0 ]; then echo $((left - 1)) >"$FAKE/failures"; echo "E: 404 Not Found" >&2; exit 100; fi
        echo "$2" >"$2_1_arm64.deb" """,
    "apt-cache": """
        shift 3
        [ -e "$FAKE/offline" ] && { echo "E: No packages found" >&2; exit 100; }
        echo "Package: $3"
        echo "Version: $(cat "$FAKE/version")"
        echo "Size: 1000"
        [ "$3" = linux-image-arm64 ] && echo "Depends: other, linux-image-6.1.0-$(cat "$FAKE/version")-arm64 (= 6.1)"
        exit 0""",
    "dpkg-deb": """
        package=$(cat "$2")
        [ -e "$FAKE/empty" ] && exit 0
        mkdir -p "$3/usr/share/doc/$package" "$3/boot" "$3/bin" "$3/usr/include" "$3/usr/lib/aarch64-linux-gnu"
        echo c >"$3/usr/share/doc/$package/copyright"
        case $package in
        linux-image-*)
            for m in MODULES; do
                mkdir -p "$(dirname "$3/usr/lib/modules/6.1/kernel/$m")"
                basename "$m" >"$3/usr/lib/modules/6.1/kernel/$m.ko"
            done
            trees=$3/usr/lib/linux-image-6.1-arm64/broadcom
            mkdir -p "$trees"
            for b in b b-plus a-plus; do echo "$b" >"$trees/bcm2837-rpi-3-$b.dtb"; done
            echo "kernel $package" >"$3/boot/vmlinuz-x" ;;
        busybox-static) echo busybox >"$3/bin/busybox"; chmod 755 "$3/bin/busybox" ;;
        libfdt-dev)
            echo archive >"$3/usr/lib/aarch64-linux-gnu/libfdt.a"
            for h in fdt libfdt libfdt_env; do echo "$h" >"$3/usr/include/$h.h"; done ;;
        e2fsck-static) mkdir -p "$3/sbin"; echo e2fsck >"$3/sbin/e2fsck.static"; chmod 755 "$3/sbin/e2fsck.static" ;;
        esac""".replace("MODULES", " ".join(MODULES)),
}


class Fetch(FolderTest):
    def setUp(self):
        super().setUp()
        for name, body in FAKES.items():
            self.put(f"bin/{name}", "#!/bin/sh\n" + body + "\n", executable=True)
        self.put("version", "50\n")

    def fetch(self, *arguments):
        environment = self.environment(FAKE=self.folder, ASHLAR_CACHE=self.path("cache"))
        return subprocess.run([FETCH, *arguments], env=environment, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False)

    def good(self, *arguments):
        done = self.fetch(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.splitlines()

    def log(self):
        return (self.get("log") or "").split("\n")[:-1]

    def test_only_the_path_goes_to_standard_output(self):
        (path,) = self.good("libfdt")
        self.assertTrue(path.startswith(self.path("cache")), path)
        self.assertEqual(os.path.basename(path), "libfdt.a")
        self.assertTrue(os.path.isfile(os.path.join(os.path.dirname(path), "../include/libfdt.h")))

    def test_the_index_is_updated_before_the_first_download(self):
        self.good("busybox")
        self.assertEqual(self.log(), ["update", "download busybox-static"])

    def test_a_second_time_works_without_a_network(self):
        first = self.good("libfdt", "kernel", "busybox")
        self.put("offline", "")
        self.put("log", "")
        self.assertEqual(self.good("libfdt", "kernel", "busybox"), first)
        self.assertEqual(self.log(), [])

    def test_the_metapackages_target_is_fetched(self):
        (path,) = self.good("kernel")
        with open(path, encoding="utf-8") as f:
            self.assertEqual(f.read(), "kernel linux-image-6.1.0-50-arm64\n")

    def test_the_modules_of_a_kernel_are_beside_it(self):
        (path,) = self.good("kernel")
        modules = os.path.join(os.path.dirname(path), "modules")
        self.assertEqual(sorted(os.listdir(modules)), sorted(os.path.basename(path) + ".ko" for path in MODULES))
        with open(os.path.join(modules, "evdev.ko"), encoding="utf-8") as f:
            self.assertEqual(f.read(), "evdev\n")

    def test_the_trees_of_the_boards_are_beside_a_kernel(self):
        (path,) = self.good("kernel")
        trees = os.path.join(os.path.dirname(path), "dtb")
        self.assertEqual(sorted(os.listdir(trees)),
                         [f"bcm2837-rpi-3-{board}.dtb" for board in ("a-plus", "b-plus", "b")])

    def test_a_checkout_with_another_recipe_keeps_its_copy(self):
        os.makedirs(self.path("cache/kernel/old"))
        os.symlink("old", self.path("cache/kernel/current"))
        (path,) = self.good("kernel")
        self.assertTrue(path.startswith(self.path("cache/kernel.4/")), path)
        self.assertTrue(os.path.isdir(self.path("cache/kernel/old")))

    def test_the_mode_of_a_program_is_kept(self):
        for path in self.good("busybox", "e2fsck"):
            self.assertTrue(os.access(path, os.X_OK), path)

    def test_a_404_is_tried_once_more_with_a_new_index(self):
        self.put("failures", "1\n")
        self.good("busybox")
        self.assertEqual(self.log(), ["update", "download busybox-static"] * 2)

    def test_a_second_404_is_the_end(self):
        self.put("failures", "2\n")
        done = self.fetch("busybox")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("404", done.stderr)
        self.assertEqual(len(self.log()), 4)

    def test_offline_with_an_empty_cache_names_what_is_missing(self):
        self.put("offline", "")
        done = self.fetch("kernel")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("missing: kernel (Debian's linux-image-arm64:arm64)", done.stderr)
        self.assertIn(self.path("cache"), done.stderr)
        self.assertNotIn("Traceback", done.stderr)

    def test_update_takes_a_newer_one_and_keeps_the_old_file_in_place(self):
        (old,) = self.good("kernel")
        self.put("version", "56\n")
        self.assertEqual(self.good("kernel"), [old])
        (new,) = self.good("--update", "kernel")
        self.assertNotEqual(old, new)
        self.assertIn("-56-", new)
        self.assertTrue(os.path.isfile(old))
        self.assertEqual(self.good("kernel"), [new])

    def test_update_offline_serves_the_old_one_and_says_so(self):
        (old,) = self.good("kernel")
        self.put("offline", "")
        done = self.fetch("--update", "kernel")
        self.assertEqual((done.returncode, done.stdout.strip()), (0, old))
        self.assertIn("using the copy", done.stderr)

    def test_a_damaged_copy_is_fetched_again(self):
        (path,) = self.good("busybox")
        for damage in (lambda: os.unlink(path), lambda: os.truncate(path, 1),
                       lambda: os.unlink(os.path.join(os.path.dirname(path), "stamp.json")),
                       lambda: self.put(os.path.join(os.path.dirname(path), "stamp.json"), "[]")):
            damage()
            self.assertEqual(self.good("busybox"), [path])
            with open(path, encoding="utf-8") as f:
                self.assertEqual(f.read(), "busybox\n")

    def test_a_package_without_its_file_leaves_no_entry(self):
        self.put("empty", "")
        done = self.fetch("libfdt")
        self.assertEqual(done.returncode, 1)
        self.assertIn("libfdt.a", done.stderr)
        self.assertEqual(os.listdir(self.path("cache/libfdt")), [])

    def test_concurrent_runs_download_once(self):
        self.put("slow", "")
        results = []
        threads = [threading.Thread(target=lambda: results.append(self.good("busybox"))) for _ in range(3)]
        for thread in threads:
            thread.start()
            time.sleep(0.05)
        for thread in threads:
            thread.join()
        self.assertEqual(len(results), 3)
        self.assertEqual(len({tuple(r) for r in results}), 1)
        self.assertEqual(self.log().count("download busybox-static"), 1)

    def test_an_unknown_name_lists_the_right_ones(self):
        for arguments in ((), ("nothing",)):
            done = self.fetch(*arguments)
            self.assertEqual(done.returncode, 2)
            self.assertIn("libfdt, kernel, busybox", done.stderr)


if __name__ == "__main__":
    unittest.main()
