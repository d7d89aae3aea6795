"""What a stranger needs to embed a design: the port sheet and an instance to copy."""

from collections.abc import Mapping, Sequence
from typing import Any

from rtlnn.emit import weight_documents
from rtlnn.emit.interface import Interface, StreamPort
from rtlnn.emit.template import fill

__all__ = ["instantiation_template", "port_sheet"]


def instantiation_template(interface: Interface) -> str:
    """Verilog of the module `<top>_template`, which holds an instance of the core with all its ports."""
    values: dict[str, object] = {
        "top": interface.top,
        "weight_ports": weight_documents.instance_ports(interface),
        "weight_connections": weight_documents.connections(interface),
    }
    inputs, outputs = interface.inputs, interface.outputs
    values["stream_ports"] = "".join(
        [_instance_ports(bus, port, "input", "output") for bus, port in inputs.items()]
        + [_instance_ports(bus, port, "output", "input") for bus, port in outputs.items()]
    )
    values["stream_connections"] = "".join(
        f"    .{name:<14}({name}),\n" if len(name) < 14 else f"    .{name} ({name}),\n"
        for bus in (*inputs, *outputs)
        for name in (f"{bus}_{signal}" for signal in ("tdata", "tvalid", "tready", "tlast"))
    )
    return fill("instantiation.v.in", values)


def _instance_ports(bus: str, port: StreamPort, forth: str, back: str) -> str:
    """The ports of a stream, in the module around the instance."""
    beats, elements = port.beats, _count(port.elements, "element")
    return (
        f"  // {forth}: frames of {beats} beats, {elements} of {port.element_bits} bits each\n"
        f"  {forth:<6} wire [{port.tdata_bits - 1}:0] {bus}_tdata,\n"
        f"  {forth:<6} wire        {bus}_tvalid,\n"
        f"  {back:<6} wire        {bus}_tready,\n"
        f"  {forth:<6} wire        {bus}_tlast,        // on the last beat of a frame\n"
        "\n"
    )


def port_sheet(interface: Interface, report: Mapping[str, Any]) -> str:
    """The README of a build (Markdown); `report` is that of `rtlnn.report.report_of`."""
    values: dict[str, object] = {
        "top": interface.top,
        "model": report["model"],
        "platform": report["platform"],
        "clock_mhz": f"{report['clock_mhz']:g}",
        "latency": f"{interface.latency_cycles:,}",
        "latency_us": f"{interface.latency_cycles / report['clock_mhz']:.3f}",
        "interval": f"{interface.interval_cycles:,}",
        "fps": f"{report['clock_mhz'] * 1e6 / interface.interval_cycles:,.0f}",
        # of the module; the report's are those of all compute units
        "size": _size({name: n / report.get("compute_units", 1) for name, n in report["resources"].items()}),
        "notes": _notes(report.get("notes", ())),
        "host": _host(report.get("host", {})),
        "stream_ports": _sheet_ports(interface),
        "streams": _streams(interface),
        "in_tlast": "s_axis_tlast" if len(interface.inputs) == 1 else "tlast",
        "calls": _calls(interface),
        "file_rows": _files(interface),
        "weight_ports": weight_documents.sheet_ports(interface),
        "weights": weight_documents.sheet_section(interface),
    }
    return fill("README.md.in", values)


def _sheet_ports(interface: Interface) -> str:
    """Rows of the table of ports."""
    rows = []
    for ports, there, back, what in (
        (interface.inputs, "in", "out", "taken"),
        (interface.outputs, "out", "in", "delivered"),
    ):
        for bus, port in ports.items():
            lanes = f"{_count(port.elements, 'element')} of {port.element_bits} bits"
            beat = f"a beat is {what} in each cycle in which both are high"
            rows += [
                f"| `{bus}_tdata` | {there} | {port.tdata_bits} | {lanes} |\n",
                f"| `{bus}_tvalid`, `{bus}_tready` | {there}, {back} | 1 | {beat} |\n",
                f"| `{bus}_tlast` | {there} | 1 | high on the last beat of each frame |\n",
            ]
    return "".join(rows)


def _streams(interface: Interface) -> str:
    """A section for each stream."""
    sections = []
    for title, ports, numbers in (
        ("Input", interface.inputs, _input_numbers),
        ("Output", interface.outputs, _output_numbers),
    ):
        for bus, port in ports.items():
            name = title if len(ports) == 1 else f"{title} `{bus}`"
            shape = " x ".join(map(str, port.shape))
            sections.append(f"## {name}: {shape} frames\n\n{_frames(port, bus)}{numbers(port)}\n")
    return "".join(sections)


def _calls(interface: Interface) -> str:
    """How the reference computes what the hardware delivers."""
    if len(interface.inputs) == len(interface.outputs) == 1:
        dims, results = (", ".join(map(str, port.shape)) for port in (interface.input, interface.output))
        return (
            f"(frames,) = reference.network.to_core(x)     # the model's own input (N, ...) -> integers (N, {dims})\n"
            f"results = reference.run(frames)              # what the hardware delivers, bit for bit (N, {results})\n"
            "(y,) = reference.network.from_core(results)  # the model's own output\n"
        )
    return (
        "frames = reference.network.to_core(*x)      # the model's inputs (N, ...) -> integers, in this order\n"
        "results = reference.outputs(*frames)        # what the hardware delivers, bit for bit\n"
        "y = reference.network.from_core(*results)   # the model's own outputs\n"
    )


def _frames(port: StreamPort, bus: str) -> str:
    """How a frame lies on the stream, with two beats spelled out."""
    h, w, c = port.shape
    p, b = port.elements, port.element_bits
    place = _count(port.beats, "beat")
    beats = [0] if port.beats == 1 else [0, port.beats - 1]
    lines = [
        f"A frame has {_count(h, 'row')} of {_count(w, 'pixel')} of {_count(c, 'channel')}: "
        f"{_count(port.frame_elements, 'element')} in {place}, channels fastest, then columns, then rows (NHWC). The "
        f"element of row y, column x and channel k has the number n = (y · {w} + x) · {c} + k; it is in beat n // {p}, "
        f"at `{bus}_tdata[i*{b} +: {b}]` with i = n % {p}.",
        "",
        f"| beat | `{bus}_tlast` | `{bus}_tdata` bits | row y | column x | channel k |",
        "|---|---|---|---|---|---|",
    ]
    for beat in beats:
        for lane in _ends(p):
            number = beat * p + lane
            pixel, channel = divmod(number, c)
            bits = f"[{lane * b + b - 1}:{lane * b}]"
            last = int(beat == port.beats - 1)
            lines.append(f"| {beat} | {last} | `{bits}` | {pixel // w} | {pixel % w} | {channel} |")
            if lane == 1 and p > 3:
                lines.append("| | | … | | | |")
    lo, hi = _range(port)
    kind = "two's complement" if port.signed else "unsigned"
    lines += ["", f"An element is an integer of {port.bits} bits, {kind}, from {lo} to {hi}"]
    lines[-1] += ".\n" if port.bits == port.element_bits else f", in {b} bits: {_padding(port, bus)}.\n"
    return "\n".join(lines) + "\n"


def _ends(lanes: int) -> Sequence[int]:
    """The lanes to show: all of a few, or the first two and the last."""
    return range(lanes) if lanes <= 3 else (0, 1, lanes - 1)


def _padding(port: StreamPort, bus: str) -> str:
    if bus.startswith("s_axis"):
        return f"bits {port.bits} and up of each element are ignored"
    return f"the upper bits repeat bit {port.bits - 1}" if port.signed else "the upper bits are 0"


def _input_numbers(port: StreamPort) -> str:
    lo, hi = _range(port)
    example = port.scale * (lo - port.zero_point)
    return (
        f"Its meaning is real = scale · (integer - zero point), scale {port.scale!r}, zero point {port.zero_point}; so "
        f"{lo} is {example:.6g} and {hi} is {port.scale * (hi - port.zero_point):.6g}. To quantize (rounding half to "
        "even):\n\n"
        "```python\n"
        f"q = np.clip(np.rint(np.float32(x) / np.float32({port.scale!r})) {_signed(port.zero_point)}, {lo}, {hi})"
        f'.astype("<{port.dtype}")  # x: (N, {", ".join(map(str, port.shape))})\n'
        "beats = q.tobytes()  # the bytes of tdata in the order in which they enter, the lowest byte first\n"
        "```\n"
    )


def _output_numbers(port: StreamPort) -> str:
    return (
        f"Its meaning is real = scale · (integer - zero point), scale {port.scale!r}, zero point {port.zero_point}:\n\n"
        "```python\n"
        f'q = np.frombuffer(beats, "<{port.dtype}").reshape(-1, {", ".join(map(str, port.shape))})'
        "  # beats: the bytes of tdata, the lowest byte first\n"
        f"y = np.float32({port.scale!r}) * (q.astype(np.float32) - np.float32({port.zero_point}))\n"
        "```\n"
    )


def _range(port: StreamPort) -> tuple[int, int]:
    lo = -(1 << port.bits - 1) if port.signed else 0
    return lo, lo + (1 << port.bits) - 1


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def _signed(number: int) -> str:
    """`number` as the second operand of a sum."""
    return f"{'-' if number < 0 else '+'} {abs(number)}"


def _size(resources: Mapping[str, float]) -> str:
    parts = (("lut", "LUT"), ("ff", "FF"), ("dsp", "DSP"), ("bram36", "block RAM (36 Kbit)"), ("uram", "UltraRAM"))
    return ", ".join(f"{resources[key]:,g} {name}" for key, name in parts if resources[key])


def _notes(notes: Sequence[str]) -> str:
    return "".join(f"\n{note}\n" for note in notes)


def _host(host: Mapping[str, Sequence[Mapping[str, str]]]) -> str:
    """What of the model is not in the hardware."""
    text = ""
    for key, when in (("head", "before"), ("tail", "after")):
        nodes = ", ".join(f"{n['op']} (`{n['name']}`)" for n in host.get(key, ()))
        if nodes:
            text += f" Work for the host {when} it: {nodes}."
    return f"{text} Quantize and Dequantize are the formulas above." if text else text


def _files(interface: Interface) -> str:
    rows = [
        (
            "rtl/",
            "the design, Verilog-2001; `rtl/files.f` lists the files in compile order, the top module last",
        ),
        ("sim/", "models of the vendor's primitives in the design, for simulation (no folder where it has none)"),
        ("mem/", "contents of its memories: weights and parameters, for `$readmemh`"),
        (f"{interface.top}_template.v", "an instance of the design to copy"),
        ("interface.json", "what this file says of ports and numbers, for programs"),
        ("report.json", "cycles and size of each layer"),
        ("plan.json", "parallelism and buffers of each layer; may be edited and given to `rtlnn build --plan`"),
        ("network.npz", "the integer network"),
        ("component.xml", "the design as IP (IP-XACT): add this folder to the IP repositories of Vivado"),
        (f"{interface.top}.core", "the design as a core for FuseSoC: `fusesoc --cores-root .`"),
        ("vivado/", "out-of-context synthesis: script and clock constraint; a script that packages the design as IP"),
    ]
    if interface.kernel:
        rows += [
            ("kernel/", f"the platform's shell `{interface.kernel}` around the design, with the scripts that build it"),
            (
                "host/",
                "for the other side of the shell, where the platform has that: programs, a self-test",
            ),
        ]
    return "\n".join(f"| `{name}` | {text} |" for name, text in rows)
