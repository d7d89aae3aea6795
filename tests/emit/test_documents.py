"""The port sheet and the instance to copy: what they say is what the hardware does."""

import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rtlnn.emit.documents import instantiation_template, port_sheet
from rtlnn.emit.interface import Interface, StreamPort
from rtlnn.emit.netlist import Stage, emit_chain
from rtlnn.layers.fifo import SkidConfig
from rtlnn.layers.guard import GuardConfig
from rtlnn.layers.stream import StreamFormat
from rtlnn.sim.packing import pack, port_format
from rtlnn.sim.toolchain import find_toolchain

BYTES = StreamPort((4, 5, 6), 3, 8, 8, False, 0.0039, 3)
NARROW = StreamPort((1, 2, 10), 10, 5, 8, True, 0.25, -7)
SUMS = StreamPort((3, 1, 2), 2, 21, 32, True, 1.5e-7, 0)
SINGLE = StreamPort((1, 1, 4), 1, 11, 16, False, 1.0, 0)
PAIRS = [(BYTES, NARROW), (NARROW, SUMS), (SUMS, SINGLE), (SINGLE, BYTES)]
REPORT: dict[str, Any] = {
    "model": "net.onnx",
    "platform": "u200",
    "clock_mhz": 300.0,
    "resources": {"lut": 1234, "ff": 5, "dsp": 0, "bram36": 2.5, "uram": 0},
    "notes": ["random calibration data"],
    "host": {"head": [{"name": "scale", "op": "Affine"}], "tail": []},
}


def interface(source: StreamPort, result: StreamPort, kernel: str | None = None) -> Interface:
    return Interface("net", kernel, {"s_axis": source}, {"m_axis": result}, 1500, 300)


def low(port: StreamPort) -> int:
    return -(1 << port.bits - 1) if port.signed else 0


def frames_of(port: StreamPort, rng: np.random.Generator, count: int = 2) -> np.ndarray:
    frames: np.ndarray = rng.integers(low(port), low(port) + (1 << port.bits), (count, *port.shape))
    return frames


def beat_bytes(port: StreamPort, frames: np.ndarray) -> bytes:
    """tdata of all beats, as the simulation drives and reads it."""
    return pack(port_format(port), frames).view(np.uint8)[:, : port.tdata_bits // 8].tobytes()


def section(sheet: str, title: str) -> str:
    return sheet.split(f"\n## {title}")[1].split("\n## ", maxsplit=1)[0]


def lint(folder: Path, texts: list[str], top: str, *waivers: str) -> subprocess.CompletedProcess[str]:
    """Verilator's opinion; `UNUSED` and the like belong to the generated core, not to the template."""
    files = []
    for n, text in enumerate(texts):
        files.append(folder / f"f{n}.v")
        files[-1].write_text(text)
    tool = find_toolchain()
    waived = [f"-Wno-{rule}" for rule in ("DECLFILENAME", *waivers)]
    command = [tool.executable, "--lint-only", *waived, "--top-module", top, *files]
    return subprocess.run(command, env=tool.environment(folder), capture_output=True, text=True, check=False)


def core(port: StreamPort) -> list[str]:
    """A generated core that passes values through."""
    fmt = StreamFormat(port.elements, port.bits, port.signed, port.shape[2], port.shape[0] * port.shape[1])
    stages = [Stage("guard", GuardConfig(fmt)), Stage("output", SkidConfig(fmt))]
    return list(emit_chain("net", stages, port.element_bits, port.element_bits).modules.values())


@pytest.mark.parametrize("port", [BYTES, NARROW, SUMS])
def test_template_fits_a_generated_core(port: StreamPort, tmp_path: Path) -> None:
    template = instantiation_template(interface(port, port))
    # the converter writes numbers as narrow as they can be
    done = lint(tmp_path, [template, *core(port)], "net_template", "WIDTHEXPAND")
    assert not done.returncode, done.stderr
    assert not done.stderr


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        (".s_axis_tready (s_axis_tready)", ".s_axis_ready (s_axis_tready)", "PINNOTFOUND"),
        ("[23:0] s_axis_tdata", "[22:0] s_axis_tdata", "WIDTH"),
        ("[23:0] m_axis_tdata", "[31:0] m_axis_tdata", "WIDTH"),
        (",\n    .frame_error   (frame_error)", "", "PINMISSING"),
    ],
)
def test_a_wrong_template_does_not_fit(right: str, wrong: str, message: str, tmp_path: Path) -> None:
    template = instantiation_template(interface(BYTES, BYTES))
    assert right in template
    done = lint(tmp_path, [template.replace(right, wrong), *core(BYTES)], "net_template")
    assert done.returncode
    assert message in done.stderr


@pytest.mark.parametrize(("source", "result"), PAIRS)
def test_example_beats_are_where_the_simulation_puts_them(
    source: StreamPort, result: StreamPort, rng: np.random.Generator
) -> None:
    sheet = port_sheet(interface(source, result), REPORT)
    for title, bus, port in (("Input", "s_axis", source), ("Output", "m_axis", result)):
        (frame,) = frames_of(port, rng, 1)
        data = int.from_bytes(beat_bytes(port, frame[np.newaxis]), "little")
        rows = re.findall(r"\| (\d+) \| (\d) \| `\[(\d+):(\d+)\]` \| (\d+) \| (\d+) \| (\d+) \|", section(sheet, title))
        assert len(rows) >= min(port.frame_elements, 2)
        beats = set()
        for beat, last, msb, lsb, y, x, k in (map(int, row) for row in rows):
            assert msb - lsb + 1 == port.element_bits
            value = data >> (beat * port.tdata_bits + lsb) & ((1 << port.element_bits) - 1)
            assert value == int(frame[y, x, k]) & ((1 << port.element_bits) - 1)
            assert last == (beat == port.beats - 1)
            beats.add(beat)
        assert beats == {0, port.beats - 1}
        assert f"`{bus}_tdata[i*{port.element_bits} +: {port.element_bits}]`" in sheet


@pytest.mark.parametrize(("source", "result"), PAIRS)
def test_the_sheets_python_quantizes_and_reads(
    source: StreamPort, result: StreamPort, rng: np.random.Generator
) -> None:
    sheet = port_sheet(interface(source, result), REPORT)
    write, read = (re.findall(r"```python\n(.*?)```", section(sheet, t), re.DOTALL)[0] for t in ("Input", "Output"))
    integers = frames_of(source, rng)
    names: dict[str, Any] = {"np": np, "x": source.scale * (integers - source.zero_point)}
    exec(write, names)
    assert names["beats"] == beat_bytes(source, integers)
    # beyond the range: clipped
    names["x"] = np.full((1, *source.shape), 1e9)
    exec(write, names)
    highest = np.full((1, *source.shape), low(source) + (1 << source.bits) - 1)
    assert names["beats"] == beat_bytes(source, highest)
    integers = frames_of(result, rng)
    names["beats"] = beat_bytes(result, integers)
    exec(read, names)
    np.testing.assert_array_equal(names["q"], integers)
    np.testing.assert_allclose(names["y"], result.scale * (integers - result.zero_point), rtol=1e-6)


def test_facts_of_the_design() -> None:
    sheet = port_sheet(interface(BYTES, NARROW, "net_kernel"), REPORT)
    assert "| latency | 1,500 cycles (5.000 µs)" in sheet
    assert "| interval | 300 cycles (1,000,000 frames a second)" in sheet
    assert "1,234 LUT, 5 FF, 2.5 block RAM (36 Kbit) |" in sheet
    assert "| `s_axis_tdata` | in | 24 | 3 elements of 8 bits |" in sheet
    assert "| `m_axis_tdata` | out | 80 | 10 elements of 8 bits |" in sheet
    assert "5 bits, two's complement, from -16 to 15, in 8 bits: the upper bits repeat bit 4" in sheet
    assert "random calibration data" in sheet
    assert "Affine (`scale`)" in sheet
    assert "RTLNN_MEM_DIR" in sheet
    assert "`net_kernel`" in sheet


def test_no_shell_no_kernel_folder() -> None:
    sheet = port_sheet(interface(BYTES, NARROW), REPORT)
    assert "kernel/" not in sheet
    assert "net_kernel" not in sheet


def test_every_table_row_has_all_columns() -> None:
    """A stray bar or line break would break the Markdown."""
    columns = None
    for line in port_sheet(interface(SUMS, SINGLE, "net_kernel"), REPORT).splitlines():
        if line.startswith("|"):
            columns = columns or line.count("|")
            assert line.count("|") == columns, line
        else:
            columns = None
