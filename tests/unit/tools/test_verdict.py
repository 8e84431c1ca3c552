# SPDX-License-Identifier: BSD-2-Clause
import unittest

import support  # noqa: F401
from ashlar import verdict

NONCE = "0123456789abcdef0123456789abcdef"


def watch(*chunks):
    watcher = verdict.Watcher(NONCE)
    for chunk in chunks:
        watcher.feed(chunk)
    watcher.end()
    return watcher


def code(output, ended_by="itself", selftest=False):
    return verdict.judge(watch(output), ended_by, selftest)[0]


def line(status, nonce=NONCE):
    return f"ashlar: exit status={status} vm=linux nonce={nonce}\r\n".encode()


class Verdict(unittest.TestCase):
    def test_each_status_has_its_exit_code(self):
        self.assertEqual([code(line(s)) for s in ("ok", "vm-fault", "panic")], [0, 3, 4])

    def test_what_is_wrong_with_the_bundle_is_no_vms_fault(self):
        said = verdict.judge(watch(line("vm-fault").replace(b"vm=linux", b"vm=-")), "itself", False)
        self.assertEqual(said, (3, "hv did not take the bundle as it is, see above"))

    def test_no_line_is_4(self):
        self.assertEqual(code(b"Linux version 6.1\r\nreboot: Power down\r\n"), 4)

    def test_a_line_without_this_runs_nonce_is_not_believed(self):
        for forged in (line("ok", "0" * 32), line("ok", NONCE[:-1]), line("ok", ""), line("ok", NONCE + "0"),
                       b"ashlar: exit status=ok vm=linux\r\n"):
            with self.subTest(forged=forged):
                self.assertEqual(code(forged), 4)

    def test_a_forged_line_does_not_hide_the_real_one(self):
        self.assertEqual(code(line("ok", "0" * 32) + line("vm-fault")), 3)
        self.assertEqual(code(line("vm-fault") + line("ok", "0" * 32)), 3)

    def test_the_worst_of_two_real_lines_counts(self):
        self.assertEqual(code(line("ok") + line("panic")), 4)
        self.assertEqual(code(line("panic") + line("ok")), 4)

    def test_an_unknown_status_is_no_line(self):
        self.assertEqual(code(line("fine")), 4)

    def test_the_line_is_found_however_the_bytes_are_cut(self):
        output = b"x\n" + line("vm-fault")
        for cut in range(len(output)):
            watcher = watch(output[:cut], output[cut:])
            self.assertEqual((watcher.status, watcher.vm), ("vm-fault", "linux"))

    def test_the_line_is_found_without_an_end_and_after_a_very_long_line(self):
        self.assertEqual(watch(line("ok").rstrip()).status, "ok")
        self.assertEqual(watch(*[b"x" * 65536] * 4, b"\n" + line("ok")).status, "ok")

    def test_a_guest_that_never_ends_its_line_costs_no_memory(self):
        watcher = verdict.Watcher(NONCE)
        for _ in range(64):
            watcher.feed(b"x" * 65536)
        self.assertLessEqual(len(watcher._line), verdict.LONGEST_LINE)

    def test_the_time_limit_is_124_unless_hv_has_spoken(self):
        self.assertEqual(code(b"", "timeout"), 124)
        self.assertEqual(code(line("panic"), "timeout"), 4)
        self.assertEqual(code(line("ok", "0" * 32), "timeout"), 124)

    def test_leaving_on_purpose_is_0_unless_hv_has_spoken(self):
        self.assertEqual(code(b"", "user"), 0)
        self.assertEqual(code(line("vm-fault"), "user"), 3)

    def test_a_signal_is_128_and_its_number(self):
        self.assertEqual(code(line("ok"), 15), 143)

    def test_the_selftest_counts_only_where_it_was_asked_for(self):
        passed, failed = b"[linux] SELFTEST PASS\r\n", b"[linux] SELFTEST FAIL rtc: none\r\n"
        self.assertEqual(code(passed + line("ok"), selftest=True), 0)
        self.assertEqual(code(failed + line("ok"), selftest=True), 1)
        self.assertEqual(code(failed + passed + line("ok"), selftest=True), 1)
        self.assertEqual(code(line("ok"), selftest=True), 1)
        self.assertEqual(code(failed + line("ok")), 0)
        self.assertEqual(code(failed + line("vm-fault"), selftest=True), 3)
        self.assertIn("rtc: none", verdict.judge(watch(failed + line("ok")), "itself", True)[1])

    def test_backtrace_lines_are_kept_up_to_a_limit(self):
        trace = b"ashlar:   #3 0x40201234 (hv+0x1234)\r\n"
        self.assertEqual(watch(b"#3\r\n" + trace).backtrace, ["ashlar:   #3 0x40201234 (hv+0x1234)"])
        self.assertEqual(len(watch(trace * 1000).backtrace), verdict.MOST_BACKTRACE_LINES)


if __name__ == "__main__":
    unittest.main()
