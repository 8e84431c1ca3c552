# SPDX-License-Identifier: BSD-2-Clause
"""hv's flight recorder as text (docs/tracing.md), as Chrome's JSON trace format, and as a picture."""
import collections
import html
import re

from ashlar.common import ToolError

EVENT = re.compile(r"\btrace (\d+) (\d+) ([a-z-]+) ([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]+)\s*$")
VM = re.compile(r"\btrace vm (\d+) (\S+)\s*$")

# ESR_EL2.EC (Arm ARM DDI 0487, D17.2) of what a guest's exit may have.
CLASSES = {0x00: "unknown", 0x01: "WFx", 0x07: "FP", 0x0e: "illegal state", 0x16: "HVC", 0x17: "SMC", 0x18: "sysreg",
           0x19: "SVE", 0x20: "fetch abort", 0x24: "data abort", 0x2f: "SError"}
STATES = ("absent", "creating", "off", "starting", "running", "pausing", "paused", "stopping", "destroying")
COLOURS = ("#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#3ca951", "#ff8ab7", "#a463f2", "#97bbf5", "#9c6b4e")

Event = collections.namedtuple("Event", "cpu ns kind who a b")
# Something that lasted: on a CPU, by a vCPU (VM's slot, number); what is "runs" or "waits".
Slice = collections.namedtuple("Slice", "cpu begin end who what")


class Trace:
    """What a text with a dump in it says. `lines`: any text; what is none of the dump's lines is passed over.
    `last_ms`: only as much of its end."""

    def __init__(self, lines, last_ms=None):
        self.names = {}
        self.events = []
        for line in lines:
            vm = VM.search(line)
            event = EVENT.search(line)
            if vm:
                self.names[int(vm.group(1))] = vm.group(2)
            elif event:
                cpu, ns, kind, who, a, b = event.groups()
                self.events.append(Event(int(cpu), int(ns), kind, int(who, 16), int(a, 16), int(b, 16)))
        if not self.events:
            raise ToolError("there is no event in it: lines of `trace dump` look like \"trace 0 12345 load 101 0 0\"")
        self.events.sort(key=lambda event: event.ns)
        if last_ms is not None:
            begin = self.events[-1].ns - last_ms * 1e6
            self.events = [event for event in self.events if event.ns >= begin]
        self.begin = self.events[0].ns
        self.end = max(self.events[-1].ns, self.begin + 1)
        self.cpus = sorted({event.cpu for event in self.events})

    def vm_name(self, slot):
        return self.names.get(slot, f"VM {slot}")

    def slices(self):
        """Who ran and who waited, on each CPU. Of what was there before the first event, from that on."""
        found = []
        for cpu in self.cpus:
            runs = waits = None
            for event in (e for e in self.events if e.cpu == cpu):
                who = vcpu_of(event.who)
                if runs and runs[1] != who:
                    found.append(Slice(cpu, runs[0], event.ns, runs[1], "runs"))
                    runs = waits = None
                if who and not runs:
                    runs = (event.ns, who)
                if event.kind == "wait" and runs:  # a dump that was cut or garbled may have one of nobody's
                    waits = event.ns
                elif event.kind in ("wake", "put") and waits is not None:
                    found.append(Slice(cpu, waits, event.ns, who, "waits"))
                    waits = None
                if event.kind == "put" and runs:
                    found.append(Slice(cpu, runs[0], event.ns, runs[1], "runs"))
                    runs = None
            if runs:
                found.append(Slice(cpu, runs[0], self.end, runs[1], "runs"))
            if waits is not None:
                found.append(Slice(cpu, waits, self.end, runs[1], "waits"))
        return found

    def words(self, event):
        """An event that lasts no time, in a few words; None: it is part of a slice."""
        target = f"{self.vm_name(event.a >> 8)} vCPU {event.a & 0xff}"
        if event.kind == "exit":
            return CLASSES.get(event.a >> 26, f"exit 0x{event.a >> 26:x}")
        if event.kind == "state":
            return f"{self.vm_name(event.a >> 8)} {STATES[event.a & 0xff] if event.a & 0xff < len(STATES) else '?'}"
        return {"interrupt": f"interrupt {event.a}", "cpu-on": f"{target} on", "cpu-off": f"{target} off",
                "fault": f"{self.vm_name(event.a >> 8)}: a fault", "panic": "panic", "boot": "boot",
                "job": "work done" if event.a else "work"}.get(event.kind)


def vcpu_of(who):
    return ((who >> 8) - 1, who & 0xff) if who else None


def to_json(trace):
    """The object that Perfetto and chrome://tracing open: times in microseconds, a track a CPU and one a vCPU."""
    out = [{"ph": "M", "name": "process_name", "pid": 0, "args": {"name": "CPUs"}}]
    out += [{"ph": "M", "name": "thread_name", "pid": 0, "tid": cpu, "args": {"name": f"CPU {cpu}"}}
            for cpu in trace.cpus]
    vcpus = sorted({vcpu_of(event.who) for event in trace.events if event.who})
    for slot, number in vcpus:
        out.append({"ph": "M", "name": "process_name", "pid": slot + 1, "args": {"name": f"VM {trace.vm_name(slot)}"}})
        out.append({"ph": "M", "name": "thread_name", "pid": slot + 1, "tid": number,
                    "args": {"name": f"vCPU {number}"}})
    for part in trace.slices():
        slot, number = part.who
        name = f"{trace.vm_name(slot)}.{number}" if part.what == "runs" else "waits"
        shared = {"ph": "X", "ts": part.begin / 1000, "dur": (part.end - part.begin) / 1000}
        out.append({**shared, "name": name, "pid": 0, "tid": part.cpu})
        out.append({**shared, "name": f"CPU {part.cpu}" if part.what == "runs" else "waits", "pid": slot + 1,
                    "tid": number})
    for event in trace.events:
        words = trace.words(event)
        if words:
            out.append({"ph": "i", "s": "t", "name": words, "ts": event.ns / 1000, "pid": 0, "tid": event.cpu,
                        "args": {"a": hex(event.a), "b": hex(event.b)}})
    return {"traceEvents": out, "displayTimeUnit": "ns"}


def to_svg(trace, width=960):
    """A picture of it: a lane a CPU, a colour a VM, pale where the vCPU waits, a line below an exit."""
    left, lane, top = 60, 34, 30
    height = top + lane * len(trace.cpus) + 30
    scale = (width - left - 10) / (trace.end - trace.begin)

    def x(ns):
        return round(left + (ns - trace.begin) * scale, 1)

    def box(part, y, colour, pale):
        wide = max(x(part.end) - x(part.begin), 0.3)
        name = html.escape(f"{trace.vm_name(part.who[0])} vCPU {part.who[1]}, {part.what} "
                           f"{(part.end - part.begin) / 1000:.1f} us")
        return (f'<rect x="{x(part.begin)}" y="{y}" width="{wide:.1f}" height="{lane - 14}" fill="{colour}"'
                f'{" fill-opacity=" + chr(34) + "0.35" + chr(34) if pale else ""}><title>{name}</title></rect>')

    slots = sorted({vcpu_of(event.who)[0] for event in trace.events if event.who})
    colour_of = {slot: COLOURS[n % len(COLOURS)] for n, slot in enumerate(slots)}
    out = ["<!-- SPDX-License-Identifier: BSD-2-Clause -->",
           f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" '
           'font-size="12">', f'<rect width="{width}" height="{height}" fill="white"/>']
    for n, slot in enumerate(slots):
        out.append(f'<rect x="{left + 130 * n}" y="8" width="12" height="12" fill="{colour_of[slot]}"/>'
                   f'<text x="{left + 130 * n + 18}" y="18">{html.escape(trace.vm_name(slot))}</text>')
    parts = trace.slices()
    for row, cpu in enumerate(trace.cpus):
        y = top + lane * row
        out.append(f'<text x="4" y="{y + 16}">CPU {cpu}</text>')
        waits = [part for part in parts if part.cpu == cpu and part.what == "waits"]
        for part in (part for part in parts if part.cpu == cpu and part.what == "runs"):
            out.append(box(part, y + 2, colour_of[part.who[0]], False))
        for part in waits:
            out.append(box(part, y + 2, "white", False))
            out.append(box(part, y + 2, colour_of[part.who[0]], True))
        ticks = sorted({x(event.ns) for event in trace.events if event.cpu == cpu and event.kind == "exit"})
        out.append(f'<path stroke="#555" stroke-width="0.6" d="{"".join(f"M{t} {y + lane - 11}v5" for t in ticks)}"/>')
    out.append(f'<text x="{left}" y="{height - 8}">0</text><text x="{width - 10}" y="{height - 8}" text-anchor="end">'
               f'{(trace.end - trace.begin) / 1e6:.3f} ms</text></svg>')
    return "\n".join(out) + "\n"
