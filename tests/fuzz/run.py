#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Build the fuzz targets with Clang, and run one for a while.

The corpus that a run finds is kept in BUILD/corpus/TARGET and used by the next one; the tracked seeds are in
tests/fuzz/corpus/TARGET. An input that fails goes to BUILD/findings/TARGET, with the command that repeats it. At the
end: what the whole corpus reaches of the libraries (llvm-cov), and libFuzzer's own figures.
"""
import argparse
import glob
import json
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
CORPUS_COUNT = 3000  # inputs
MINIMISED_SIZE = 96  # bytes
MINIMISED_COUNT = 16
# A driver's way up and a few chains take more.
MINIMISED = {**dict.fromkeys(("virtio_blk", "virtio_console", "virtio_net", "virtio_vsock"), (600, 90)),
             "virtqueue": (300, 60)}
# What the tracked corpus of each target must reach alone, of the lines of each file; and of every other file of the
# folder (the queue's, of both formats, and the transport's) all of them together.
GATED_FOLDER = "libvirtio/src/"
GATED = {"virtqueue": ("virtq.c", "virtq_image.c"), "virtio_blk": ("blk.c",),
         "virtio_console": ("console.c", "rng.c"), "virtio_net": ("net.c", "net_control.c"),
         "virtio_vsock": ("vsock.c",)}
LINE_GATE = 90.0  # percent
FIGURES = re.compile(r"stat::(number_of_executed_units|average_exec_per_sec|new_units_added|peak_rss_mb):\s+(\d+)")


def run(command, **options):
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", check=False, **options)


def tool(name):
    """Debian names them with or without the version."""
    found = shutil.which(name) or next((path for path in sorted(glob.glob(f"/usr/bin/{name}-[0-9]*"))), None)
    if found is None:
        sys.exit(f"fuzz: no {name} here (Debian: apt-get install clang llvm)")
    return found


def build(folder):
    os.makedirs(folder, exist_ok=True)
    for command in (["cmake", "-S", os.path.join(HERE, "libfuzzer"), "-B", folder,
                     "-DCMAKE_C_COMPILER=" + tool("clang")],
                    ["cmake", "--build", folder, "-j", str(os.cpu_count() or 2)]):
        done = run(command)
        if done.returncode:
            print(done.stdout[-8000:])
            sys.exit("fuzz: " + " ".join(command) + " failed")


def fuzz(folder, target, seconds):
    """Run it; was nothing found? And lines for the report."""
    corpus = os.path.join(folder, "corpus", target)
    findings = os.path.join(folder, "findings", target)
    seeds = os.path.join(HERE, "corpus", target)
    for each in (corpus, findings):
        os.makedirs(each, exist_ok=True)
    command = [os.path.join(folder, target), f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048",
               "-use_value_profile=1", "-print_final_stats=1", f"-artifact_prefix={findings}/", "-max_len=4096"]
    words = os.path.join(HERE, f"{target}.dict")
    if os.path.exists(words):
        command.append(f"-dict={words}")
    environment = dict(os.environ, LLVM_PROFILE_FILE=os.path.join(folder, f"{target}.profraw"))
    done = run([*command, corpus, seeds], env=environment)
    lines = [f"fuzz {target}: {seconds} s; corpus kept in {os.path.relpath(corpus, ROOT)}: "
             f"{len(os.listdir(corpus))} inputs, {len(os.listdir(seeds))} tracked",
             "  " + ", ".join(f"{value} {name.replace('_', ' ')}" for name, value in FIGURES.findall(done.stdout))]
    if done.returncode == 0 and "stat::number_of_executed_units" in done.stdout:
        return True, lines
    print(done.stdout[-8000:])
    lines.append(f"  FAILED. The input is in {findings}; repeat with {os.path.join(folder, target)} FILE")
    return False, lines


def coverage(folder, target):
    """What this corpus reaches of the libraries' sources, as lines."""
    raw = os.path.join(folder, f"{target}.profraw")
    data = os.path.join(folder, f"{target}.profdata")
    if run([tool("llvm-profdata"), "merge", "-o", data, raw]).returncode:
        return ["  (no coverage: the run did not end by itself)"]
    done = run([tool("llvm-cov"), "report", os.path.join(folder, target), f"-instr-profile={data}",
                r"-ignore-filename-regex=.*/(tests|include)/.*"])
    lines = []
    for line in done.stdout.splitlines():
        words = line.split()
        if len(words) >= 13 and (words[0].endswith(".c") or words[0] == "TOTAL") and words[9] != "0.00%":
            lines.append(f"  {os.path.basename(words[0]):<24} lines {words[9]:>7}  branches {words[12]:>7}")
    return lines


def replayed(folder, target):
    """The profile of a run over the tracked corpus, and nothing else."""
    profile = os.path.join(folder, f"{target}.tracked.profraw")
    done = run([os.path.join(folder, target), "-runs=0", "-timeout=10", "-rss_limit_mb=2048",
                os.path.join(HERE, "corpus", target)], env=dict(os.environ, LLVM_PROFILE_FILE=profile))
    if done.returncode:
        print(done.stdout[-4000:])
        sys.exit(f"fuzz: the tracked corpus of {target} fails")
    return profile


def reached(folder, targets):
    """Percent of the lines of each source file of the folder that the tracked corpora of the targets reach."""
    data = os.path.join(folder, "gate.profdata")
    done = run([tool("llvm-profdata"), "merge", "-o", data, *(replayed(folder, target) for target in targets)])
    if done.returncode == 0:
        objects = [word for target in targets[1:] for word in ("-object", os.path.join(folder, target))]
        done = run([tool("llvm-cov"), "export", "-summary-only", os.path.join(folder, targets[0]), *objects,
                    f"-instr-profile={data}"])
    if done.returncode:
        print(done.stdout[-4000:])
        sys.exit("fuzz: no profiles to judge of " + ", ".join(targets))
    files = json.loads(done.stdout[done.stdout.index("{"):])["data"][0]["files"]
    percent = {os.path.relpath(entry["filename"], ROOT): entry["summary"]["lines"]["percent"] for entry in files}
    return {name: percent.get(GATED_FOLDER + name, 0.0)
            for name in sorted(os.listdir(os.path.join(ROOT, GATED_FOLDER))) if name.endswith(".c")}


def gate(folder):
    """Hold every file of GATED_FOLDER to the gate, by the tracked corpora alone."""
    lines = []
    good = True
    own = {name for names in GATED.values() for name in names}
    for targets in [*((target,) for target in GATED), tuple(GATED)]:
        lines.append(f"fuzz: what the tracked corpora of {', '.join(targets)} reach")
        for name, percent in reached(folder, targets).items():
            if name in GATED[targets[0]] if len(targets) == 1 else name not in own:
                good = good and percent >= LINE_GATE
                lines.append(f"  {name:<24} lines {percent:6.2f}%" +
                             ("" if percent >= LINE_GATE else "  below the gate"))
    lines.append(f"  gate: lines {LINE_GATE:.0f}% of each file")
    return good, lines


def prune(folder, target):
    """A corpus that has grown costs the next run its time: keep what reaches something of its own."""
    corpus = os.path.join(folder, "corpus", target)
    fewer = corpus + ".fewer"
    if len(os.listdir(corpus)) <= CORPUS_COUNT:
        return
    shutil.rmtree(fewer, ignore_errors=True)
    os.makedirs(fewer)
    if run([os.path.join(folder, target), "-merge=1", "-rss_limit_mb=2048", fewer, corpus]).returncode == 0:
        shutil.rmtree(corpus)
        os.rename(fewer, corpus)


def minimise(folder, target):
    """Choose the tracked corpus anew: the largest of the small inputs that together reach each edge that all small ones
    do, however often."""
    chosen = os.path.join(folder, "chosen", target)
    size, count = MINIMISED.get(target, (MINIMISED_SIZE, MINIMISED_COUNT))
    seeds = os.path.join(HERE, "corpus", target)
    shutil.rmtree(chosen, ignore_errors=True)
    os.makedirs(chosen)
    done = run([os.path.join(folder, target), "-set_cover_merge=1", "-use_counters=0", f"-max_len={size}", chosen,
                os.path.join(folder, "corpus", target)])
    for name in os.listdir(seeds):
        if name.startswith("found-"):
            os.unlink(os.path.join(seeds, name))
    found = sorted((os.path.join(chosen, name) for name in os.listdir(chosen)), key=os.path.getsize)[-count:]
    for i, path in enumerate(found):
        shutil.copyfile(path, os.path.join(seeds, f"found-{i:02}"))
    print(f"{target}: {len(found)} inputs, {sum(map(os.path.getsize, found))} bytes")
    return done.returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", nargs="?")
    parser.add_argument("--build", default=os.path.join(ROOT, "build/fuzz"))
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--build-only", action="store_true")
    parser.add_argument("--gate", action="store_true", help="judge what the tracked corpora reach of libvirtio")
    parser.add_argument("--minimise", action="store_true", help="choose the tracked corpus anew")
    arguments = parser.parse_args()
    if arguments.build_only or not os.path.exists(os.path.join(arguments.build, arguments.target or "")):
        build(arguments.build)
    if arguments.build_only:
        return 0
    if arguments.minimise:
        return 0 if minimise(arguments.build, arguments.target) else 1
    if arguments.gate:
        good, lines = gate(arguments.build)
    else:
        good, lines = fuzz(arguments.build, arguments.target, arguments.seconds)
        lines += coverage(arguments.build, arguments.target)
        prune(arguments.build, arguments.target)
    print("\n".join(lines))
    reports = os.path.join(arguments.build, "report")
    os.makedirs(reports, exist_ok=True)
    with open(os.path.join(reports, f"{arguments.target or 'gate'}.txt"), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
