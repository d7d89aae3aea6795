"""Counting the cells of a build: each module once, from the cache the second time, and clear errors."""

import importlib.util
import re
from pathlib import Path

import pytest

from rtlnn.emit.interface import Interface, StreamPort
from rtlnn.emit.memory import rom_module
from rtlnn.emit.netlist import Stage, emit_chain
from rtlnn.errors import CheckFailed, InputError
from rtlnn.layers.fifo import SkidConfig
from rtlnn.layers.guard import GuardConfig
from rtlnn.layers.stream import StreamFormat
from rtlnn.synthesis import Cells, Family, synth
from rtlnn.synthesis.modules import read_modules
from rtlnn.synthesis.yosys import Yosys

FORMAT = StreamFormat(2, 8, False, 4, 1)
PORT = StreamPort((1, 1, 4), 2, 8, 8, False, 1.0, 0)
ROM = "  net_rom rom (\n    .clk(aclk),\n    .addr(s_axis_tdata[3:0]),\n    .data()\n  );\n"
"""A memory, whose words nobody uses: it must be counted all the same."""


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """Guard and two equal registers, a memory with a file, and a primitive's model that is not the design's."""
    stages = [
        Stage("guard", GuardConfig(FORMAT)),
        Stage("skid", SkidConfig(FORMAT)),
        Stage("again", SkidConfig(FORMAT)),
    ]
    texts = {"net_rom": rom_module("net_rom", 40, 300), **emit_chain("net", stages, 8, 8).modules}
    texts["net"] = texts["net"].replace("endmodule", f"{ROM}endmodule")
    folder = tmp_path / "a build"
    for name in ("rtl", "sim"):
        (folder / name).mkdir(parents=True)
    for name, text in texts.items():
        (folder / f"rtl/{name}.v").write_text(text)
    (folder / "rtl/files.f").write_text("".join(f"{name}.v\n" for name in texts))
    (folder / "sim/DSP48E2.v").write_text("module DSP48E2();\n initial $finish;\nendmodule\n")
    (folder / "sim/files.f").write_text("DSP48E2.v\n")
    (folder / "interface.json").write_text(Interface("net", None, {"s_axis": PORT}, {"m_axis": PORT}, 3, 2).to_json())
    (folder / "report.json").write_text('{"part": "xczu9eg-ffvb1156-2-e"}')
    return folder


def test_whole_build(build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = []
    result = synth(build, lambda *step: steps.append(step), tmp_path / "cache")
    modules = {m.name: m for m in result.modules}
    assert {name: m.instances for name, m in modules.items()} == {"net_rom": 1, "net_guard": 1, "net_skid": 2, "net": 1}
    # two registers of 16 bits of data and one of tlast, their flags, and what is ready
    assert modules["net_skid"].cells.ff == 2 * 17 + 3
    assert 17 <= modules["net_skid"].cells.lut <= 25
    assert (modules["net_skid"].depth, modules["net_skid"].leaving) == (1, 0)
    # the guard's counters end where they end, and its flags are the next module's
    assert modules["net_guard"].depth <= result.depth <= 4
    assert modules["net_rom"].cells == Cells(bram18=0, bram36=1)
    assert modules["net_rom"].memory
    assert modules["net"].cells.ff == 0
    assert result.cells == sum((m.cells * m.instances for m in result.modules), Cells())
    assert [done for _, done, _ in steps] == [1, 2, 3, 4]
    assert {total for _, _, total in steps} == {4}

    def not_again(*args: object, **options: object) -> None:
        raise AssertionError("nothing has changed: Yosys need not run")

    with monkeypatch.context() as patch:
        patch.setattr("subprocess.run", not_again)
        again = synth(build, cache_dir=tmp_path / "cache")
    assert again.cells == result.cells
    # and a change is noticed
    file = build / "rtl/net_guard.v"
    text = file.read_text()
    file.write_text(re.sub(r"\bframe_error <= .*;", "frame_error <= 1'h0;", text))
    assert file.read_text() != text
    assert synth(build, cache_dir=tmp_path / "cache").cells.ff == result.cells.ff - 1


def test_verilog_that_yosys_refuses(build: Path, tmp_path: Path) -> None:
    file = build / "rtl/net_skid.v"
    file.write_text(file.read_text().replace("endmodule", "wire x\nendmodule"))
    with pytest.raises(CheckFailed, match=r"module net_skid:\n.*net_skid\.v:\d+.*syntax error"):
        synth(build, cache_dir=tmp_path / "cache")
    assert not list((tmp_path / "cache/synthesis").glob(".work*"))


def test_another_family_is_another_synthesis(tmp_path: Path) -> None:
    """A product with registers: on the 7 series Yosys puts them into the DSP48E1."""
    file = tmp_path / "net.v"
    file.write_text(
        "module net(input clk, input signed [11:0] a, b, output reg signed [23:0] p);\n"
        "reg signed [11:0] x, y;\nalways @(posedge clk) begin x <= a; y <= b; p <= x * y; end\nendmodule\n"
    )
    (module,) = read_modules([file]).values()
    found = {f: Cells.of(Yosys(f, tmp_path).count(module).cells) for f in (Family.SERIES_7, Family.ULTRASCALE_PLUS)}
    assert found == {Family.SERIES_7: Cells(dsp=1), Family.ULTRASCALE_PLUS: Cells(dsp=1, ff=48)}


def test_a_build_that_does_not_name_its_part(build: Path) -> None:
    (build / "report.json").unlink()
    with pytest.raises(InputError, match=r"does not name the part .*build again"):
        synth(build)


def test_missing_yosys(build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'rtlnn\[synth\]'"):
        synth(build)


def test_not_a_build(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a build folder"):
        synth(tmp_path)


def test_the_version_decides_the_cache(tmp_path: Path, build: Path) -> None:
    yosys = Yosys(Family.SERIES_7, tmp_path / "cache")
    assert yosys.version
    assert (tmp_path / "cache/synthesis").is_dir()
