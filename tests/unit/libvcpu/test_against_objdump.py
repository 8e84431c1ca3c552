# SPDX-License-Identifier: BSD-2-Clause
"""The decoder of loads and stores against another reading of the manual: GNU objdump. What the decoder found is written
as assembly, and has to be what objdump wrote. ASH_TEST_SEED repeats a run."""
import collections
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

WORDS = 60000
SKIPPED = 77
OTHER, ACCESS, PREFETCH, CACHE, ZERO, ATOMIC, NOT_EMULATED = range(7)
Fields = collections.namedtuple("Fields", "kind write vector sign to_x ordered literal size count rt rt2 rn "
                                          "write_back has_index rm extend shift offset")

PLAIN = re.compile(r"^(?:ld(?:apur|apr|ar|lar|ur|tr|r)|st(?:lur|llr|lr|ur|tr|r))(s?[bhw]?)$")
PAIR = re.compile(r"^(ld|st)n?p(sw)?$")
ATOMICS = ("ldx", "ldax", "stx", "stlx", "cas", "swp", "ldadd", "ldclr", "ldeor", "ldset", "ldsm", "ldum", "ld64b",
           "st64b")
OTHERS = re.compile(r"^(?:(?:ld|st)[1-4]r?|ldra[ab]|st[z2]*g[mp]?|ldgm?|cpy|set)")


def words(seed):
    """Loads and stores mostly, those bits of ones now and then that the tables ask for; cache operations."""
    rng = random.Random(seed)
    for n in range(WORDS):
        word = rng.getrandbits(32)
        if n % 32 == 0:
            word = 0xd5087000 | word & 0x00070fff
        elif n % 8:
            word = word & ~0x02000000 | 0x08000000
        word |= 0x7c00 if n % 5 == 1 else 0
        word |= 0x1f0000 if n % 7 == 1 else 0
        yield word


def disassembled(path):
    listing = subprocess.run(["aarch64-linux-gnu-objdump", "-D", "-b", "binary", "-m", "aarch64", "-M", "no-aliases",
                              "-z", path], stdout=subprocess.PIPE, check=True).stdout.decode()
    for line in listing.splitlines():
        found = re.match(r"^ +[0-9a-f]+:\t[0-9a-f]{8} \t([^\t]+)(?:\t(.*))?$", line)
        if found:
            operands = re.split(r" *(?://|;)", found.group(2) or "")[0].strip()
            yield found.group(1).strip(), operands, "undefined" in line


def register(number, letter):
    return f"{letter}zr" if number == 31 and letter in "wx" else f"{letter}{number}"


def address(f, pc):
    base = "sp" if f.rn == 31 else f"x{f.rn}"
    if f.literal:
        return f"0x{(pc + f.offset) % (1 << 64):x}"
    if f.has_index:
        how = {2: "uxtw", 3: "lsl", 6: "sxtw", 7: "sxtx"}[f.extend]
        how = "" if how == "lsl" and not f.shift else f", {how}" + (f" #{f.shift}" if f.shift else "")
        return f"[{base}, {register(f.rm, 'x' if f.extend & 1 else 'w')}{how}]"
    if f.write_back == 2:
        return f"[{base}], #{f.offset}"
    inside = f"[{base}, #{f.offset}]" if f.offset or f.write_back else f"[{base}]"
    return inside + ("!" if f.write_back else "")


def written(f, pc):
    """What the decoder found, as assembly: of the ways to say one thing the plainest."""
    letter = "_bh_s___d_______q"[{1: 1, 2: 2, 4: 4, 8: 8, 16: 16}[f.size]] if f.vector else \
        "x" if (f.size == 8 if f.write else f.to_x) else "w"
    suffix = "" if f.vector else ("s" if f.sign else "") + \
        ({1: "b", 2: "h"}.get(f.size) or ("w" if f.sign else ""))
    registers = [register(f.rt, letter)] + ([register(f.rt2, letter)] if f.count == 2 else [])
    mnemonic = ("st" if f.write else "ld") + ("p" if f.count == 2 else "r") + suffix
    return f"{mnemonic} {', '.join(registers)}, {address(f, pc)}"


def plainest(mnemonic, operands):
    """The same of objdump's words; None: no plain load or store."""
    operands = re.sub(r"(?:, lsl)? #0\]$", "]", operands) if re.search(r"\[[^,]*, [wx]", operands) else operands
    operands = re.sub(r", #0\]$", "]", operands)
    pair = PAIR.match(mnemonic)
    if pair:
        return f"{pair.group(1)}p{pair.group(2) or ''} {operands}"
    plain = PLAIN.match(mnemonic)
    return f"{mnemonic[:2]}r{plain.group(1)} {operands}" if plain else None


def may_be_unpredictable(word):
    """Encodings that objdump calls undefined and the manual CONSTRAINED UNPREDICTABLE: should-be-one fields of the
    ordered loads and stores, LDPSW of one register twice or with its base."""
    return word & 0x3fa00000 == 0x08800000 or word & 0x3fe0fc00 == 0x38a0c000 or word & 0xfc400000 == 0x68400000


def mistake(word, f, mnemonic, operands, undefined, pc):
    """Why the two disagree, or None."""
    if undefined or mnemonic == ".inst":
        wrong = f.kind in (PREFETCH, CACHE, ZERO) or f.kind == ACCESS and not may_be_unpredictable(word)
        return "objdump: undefined" if wrong else None
    if word & 0x0a000000 != 0x08000000 and mnemonic != "sys":
        mnemonic = "other"  # SVE and SME have names like those of Advanced SIMD
    plain = plainest(mnemonic, operands)
    if plain is not None:
        return None if f.kind == ACCESS and written(f, pc) == plain else f"objdump: {plain}"
    expected = {PREFETCH} if mnemonic in ("prfm", "prfum") else {ATOMIC} if mnemonic.startswith(ATOMICS) else \
        {NOT_EMULATED} if OTHERS.match(mnemonic) else {OTHER, CACHE, ZERO} if mnemonic == "sys" else {OTHER}
    return None if f.kind in expected else f"objdump: {mnemonic} {operands}"


def main():
    if shutil.which("aarch64-linux-gnu-objdump") is None:
        print("no aarch64-linux-gnu-objdump")
        return SKIPPED
    given = os.environ.get("ASH_TEST_SEED")
    seed = int(given, 0) if given else 0x5eed
    print(f"against objdump: seed {seed:#x} (repeat with ASH_TEST_SEED={seed:#x})")
    drawn = list(words(seed))
    image = b"".join(word.to_bytes(4, "little") for word in drawn)
    decoder = subprocess.run([sys.argv[1]], input=image, stdout=subprocess.PIPE, check=True)
    decoded = decoder.stdout.decode().splitlines()
    with tempfile.NamedTemporaryFile(suffix=".bin") as file:
        file.write(image)
        file.flush()
        said = list(disassembled(file.name))
    assert len(said) == len(decoded) == WORDS, (len(said), len(decoded))
    wrong = 0
    accesses = collections.Counter()
    for n, (word, line, (mnemonic, operands, undefined)) in enumerate(zip(drawn, decoded, said)):
        f = Fields(*map(int, line.split()))
        why = mistake(word, f, mnemonic, operands, undefined, 4 * n)
        accesses[mnemonic] += f.kind == ACCESS
        if why is not None:
            wrong += 1
            if wrong <= 20:
                print(f"{word:08x}: decoded {written(f, 4 * n) if f.kind == ACCESS else f'kind {f.kind}'}; {why}")
    print(f"{sum(accesses.values())} plain loads and stores under {len(accesses)} names; {wrong} mistakes")
    return 1 if wrong or sum(accesses.values()) < WORDS // 4 else 0


if __name__ == "__main__":
    sys.exit(main())
