# SPDX-License-Identifier: BSD-2-Clause
"""The table in docs/benchmarks.md: what its rows are, how it is written and read back."""
import re

BEGIN = "<!-- figures: written by ./check bench --update -->"
END = "<!-- end of figures -->"
NOT_YET = "not yet"
GICS = (3, 2)

# Event, what it is, then what others need: Bao, Xen, KVM nVHE, KVM VHE, Minos. Measured by the project with the same
# definitions; docs/benchmarks.md says how. Where Bao differs on GICv2, that figure stands in brackets.
GUEST_ROWS = (
    ("hvc_version", "HVC PSCI_VERSION", "194", "479", "1,574", "1,080", "488"),
    ("smc_version", "SMC PSCI_VERSION, trapped", "205", "", "", "", "565"),
    ("hvc_affinity", "HVC AFFINITY_INFO", "", "", "", "", ""),
    ("hvc_unknown", "HVC, unknown function", "", "1,653", "1,500", "1,006", ""),
    ("id_register", "ID register read", "", "431", "1,919", "1,426", ""),
    ("gicd_typer", "GICD_TYPER read", "226", "600", "2,329", "1,859", "548"),
    ("gicd_isenabler_read", "GICD_ISENABLER1 read", "1,291", "", "", "", "548"),
    ("gicd_isenabler_write", "GICD_ISENABLER1 write, one bit", "3,566 (3,600)", "741 (of 0)", "2,341 (of 0)",
     "1,871 (of 0)", "801"),
    ("gicd_ipriorityr_write", "GICD_IPRIORITYR byte write", "377", "", "", "", "774"),
    ("gicr_typer", "GICR_TYPER read", "268", "600", "2,361", "1,905", "570"),
    ("pl011_fr", "PL011 UARTFR read", "", "624", "6,865", "6,577", ""),
    ("pl011_dr", "PL011 UARTDR write", "", "685", "12,233", "11,824", ""),
    ("sgi_self", "SGI to self, write to handler", "778 (884)", "1,123", "3,081", "2,618", "1,103"),
    ("sgi_running", "SGI to another, running vCPU, to handler", "796 (890)", "1,437 to 1,651", "5,164", "4,219",
     "2,458"),
    ("sgi_wfi", "SGI to a vCPU in WFI, to handler", "", "4,416", "11,071", "10,617", ""),
    ("vtimer_spinning", "virtual timer, deadline to handler, spinning", "202 (207)", "903 to 1,082", "2,621", "2,127",
     "1,005"),
    ("vtimer_wfi", "virtual timer, deadline to handler, from WFI", "202 (207)", "4,323", "9,442", "9,468",
     "about 981,000"),
    ("vtimer_alone", "virtual timer from WFI, the latest of 10,000", "", "", "", "", ""),
    ("vtimer_beside", "the same, while a VM of 1 GiB beside it is made, turned off and destroyed", "", "", "", "", ""),
    ("vtimer_chaos", "the same, beside the worst guest that we know; with turns of the emulator's", "", "", "", "", ""),
    ("vtimer_flood", "the same, beside a VM that floods its disk with requests; likewise", "", "",
     "", "", ""),
    ("vtimer_flood_same", "the same flood on the same CPU, which the timer's VM comes before", "", "", "", "", ""),
    ("spi", "passed-through SPI to handler", "208", "", "", "", "1,009"),
    ("cpu_on", "PSCI CPU_ON to the other's first instruction", "12,406 (10,335)", "5,464", "23,329", "26,325",
     "18,165"),
    ("ack_eoi", "acknowledge and EOI of a virtual interrupt (list registers: no exit)", "0 more", "0 more", "0 more",
     "0 more", "0 more"),
    ("soft_ack_eoi", "software delivery: acknowledge and EOI, two exits", "", "", "", "", ""),
    ("soft_sgi_self", "software delivery: SGI to self, write to handler", "", "", "", "", ""),
    ("soft_sgi_running", "software delivery: SGI to another, running vCPU", "", "", "", "", ""),
    ("soft_sgi_wfi", "software delivery: SGI to a vCPU in WFI", "", "", "", "", ""),
    ("soft_vtimer_spinning", "software delivery: virtual timer, spinning", "", "", "", "", ""),
    ("soft_vtimer_wfi", "software delivery: virtual timer, from WFI", "", "", "", "", ""),
    ("soft_gicd_typer", "software delivery: GICD_TYPER read", "", "", "", "", ""),
    ("soft_gicd_isenabler_write", "software delivery: GICD_ISENABLER1 write", "", "", "", "", ""),
    ("boot", "boot to the guest's first instruction, 1 CPU, 8 KiB guest, 2 MiB RAM", "329,516", "", "", "",
     "7.25 M"),
    ("copy", "image copy, a byte", "1.29", "", "", "", ""),
    ("image_bytes", "hv's code, tables and data, bytes without padding", "", "", "", "", ""),
    ("image_file", "hv's raw image, bytes", "94,208 (90,112)", "", "", "", "322,097"),
    ("image_memory", "hv's image in memory, bytes", "", "", "", "", ""),
)

LINUX_ROWS = (
    ("linux_machine_to_init", "machine's start to /init"),
    ("linux_kernel_to_init", "kernel's clock's start to /init"),
    ("linux_syscall", "getppid()"),
    ("linux_fork", "fork, exit, wait"),
    ("linux_exec", "fork, exec of busybox true, wait"),
    ("linux_shell", "busybox sh: 20 times `echo \\| cat`"),
    ("linux_pages", "1,024 fresh pages: map, touch, unmap"),
    ("linux_sleep_1ms", "sleep of 1 ms"),
    ("linux_pipe_one_cpu", "pipe round trip, one CPU"),
    ("linux_pipe_two_cpus", "pipe round trip, two CPUs"),
)
VIRTIO_ROWS = (
    ("blk_read_1", "4 KiB read, one at a time"),
    ("blk_write_1", "4 KiB written, one at a time"),
    ("blk_read_32", "4 KiB read, 32 at a time"),
    ("blk_write_32", "4 KiB written, 32 at a time"),
    ("net_64_1", "64 bytes from VM to VM, one at a time"),
    ("net_1500_1", "1,500 bytes from VM to VM, one at a time"),
    ("net_64_32", "64 bytes from VM to VM, 32 at a time"),
    ("net_1500_32", "1,500 bytes from VM to VM, 32 at a time"),
    ("net_stream", "64 KiB of a TCP stream from Linux to Linux"),
)
# Who needs how much of a request's instructions, and how often hv is entered for it.
SHARES = ("guest", "hv", "exits")
# What else an event costs, from a trace of its instructions in hv.
KINDS = ("reads", "writes", "isb", "dsb", "tlbi", "memory")
KIND_NAMES = {"reads": "registers read", "writes": "registers written", "isb": "ISB", "dsb": "DSB, DMB",
              "tlbi": "TLBI", "memory": "loads and stores"}
NAMES = {row[0]: row[1] for row in GUEST_ROWS + VIRTIO_ROWS + LINUX_ROWS}
# What the emulator's loader and the reads themselves cost is no part of these.
LESS_BARE = ("boot",)


def number(value):
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"


def cell(figures, column, event):
    if column not in figures:
        return NOT_YET if column.startswith("hv") else ""
    value = figures[column].get(event)
    if value is None and event == "spi":
        return NOT_YET if column.startswith("hv") else ""
    return number(value)


def percent(ours, bare):
    return f"{(ours / bare - 1) * 100:+.2f} %" if ours is not None and bare else ""


def write(versions, figures):
    """The block's lines. figures: {"hv3": {event: value}, "bare3": …, "hv2": …, "bare2": …}."""
    lines = [BEGIN, "", "| | |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in versions.items()]
    lines += ["", "| event | | bare | **hv, GICv3** | **hv, GICv2** | Bao 2.0 | Xen 4.17 | KVM nVHE | KVM VHE | "
              "Minos 0.4 |", "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|"]
    for event, text, *peers in GUEST_ROWS:
        ours = [cell(figures, column, event) for column in ("bare3", "hv3", "hv2")]
        if event in LESS_BARE:
            ours[0] = ""
        lines.append("| " + " | ".join([f"`{event}`", text, *ours, *peers]) + " |")
    lines += ["", "| Linux | | bare, GICv3 | **hv, GICv3** | difference | bare, GICv2 | **hv, GICv2** | difference |",
              "|---|---|--:|--:|--:|--:|--:|--:|"]
    for event, text in LINUX_ROWS:
        cells = []
        for gic in GICS:
            bare, ours = (figures.get(f"{kind}{gic}", {}).get(event) for kind in ("bare", "hv"))
            cells += [number(bare), cell(figures, f"hv{gic}", event), percent(ours, bare)]
        lines.append("| " + " | ".join([f"`{event}`", text, *cells]) + " |")
    for gic in GICS:
        lines += write_shares(gic, figures.get(f"hv{gic}", {}))
    for gic in GICS:
        lines += write_kinds(gic, figures.get(f"hv{gic}", {}))
    return [*lines, "", END]


def write_shares(gic, figures):
    if not any(event in figures for event, _ in VIRTIO_ROWS):
        return []
    return ["", f"| Virtio, GICv{gic} | | instructions a request | the guest's | hv's | exits |",
            "|---|---|" + "--:|" * (1 + len(SHARES)),
            *(f"| `{event}` | {text} | " + " | ".join(number(figures.get(key)) for key in
                                                      (event, *(f"{event}:{share}" for share in SHARES))) + " |"
              for event, text in VIRTIO_ROWS)]


def write_kinds(gic, figures):
    events = [row[0] for row in GUEST_ROWS if f"{row[0]}:reads" in figures]
    if not events:
        return []
    return ["", f"| In hv, GICv{gic} | " + " | ".join(KIND_NAMES[kind] for kind in KINDS) + " |",
            "|---|" + "--:|" * len(KINDS),
            *(f"| `{event}` | " + " | ".join(number(figures[f"{event}:{kind}"]) for kind in KINDS) + " |"
              for event in events)]


def block(text):
    """The block in a document's text, or None."""
    found = re.search(re.escape(BEGIN) + r".*?" + re.escape(END), text, re.DOTALL)
    return found.group(0) if found else None


def parse_number(text):
    text = text.replace(",", "").strip()
    if not re.fullmatch(r"\d+(\.\d+)?", text):
        return None
    return float(text) if "." in text else int(text)


def read(text):
    """(versions, figures) of a block, figures only of hv's columns."""
    versions = {}
    figures = {"hv3": {}, "hv2": {}}
    kinds_of, columns = None, ()
    for line in text.splitlines():
        cells = [part.strip() for part in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 2 and cells[0] and not cells[0].startswith("-"):
            versions[cells[0]] = cells[1]
        head = re.fullmatch(r"(In hv|Virtio), GICv(\d)", cells[0]) if cells else None
        if head:
            kinds_of = f"hv{head.group(2)}"
            columns = KINDS if head.group(1) == "In hv" else ("", "", *SHARES)
        found = re.fullmatch(r"`(\w+)`", cells[0]) if cells else None
        if found and kinds_of:
            event = found.group(1)
            values = dict(zip(columns, cells[1:]))
            if "" in values:
                figures[kinds_of][event] = parse_number(cells[2])
                del values[""]
            figures[kinds_of].update({f"{event}:{kind}": parse_number(value) for kind, value in values.items()})
            continue
        if not found:
            continue
        at = {"hv3": 3, "hv2": 6} if found.group(1).startswith("linux_") else {"hv3": 3, "hv2": 4}
        for column, index in at.items():
            value = parse_number(cells[index])
            if value is not None:
                figures[column][found.group(1)] = value
    return versions, figures
