"""The out-of-context synthesis for Vivado: a script that its commands accept, and the platform's part and clock."""

from dataclasses import replace
from pathlib import Path

import pytest

from rtlnn.emit.interface import Interface, StreamPort
from rtlnn.emit.vivado import vivado_files
from rtlnn.layers.circuit import Stage
from rtlnn.layers.crossing import CrossingConfig
from rtlnn.layers.fifo import SkidConfig
from rtlnn.layers.stream import StreamFormat
from rtlnn.platforms import load_platform
from tests import vivado_recorder

PORT = StreamPort((1, 1, 4), 1, 8, 8, True, 1.0, 0)
INTERFACE = Interface("net", None, {"s_axis": PORT}, {"m_axis": PORT}, 10, 4)


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A build folder, as far as the script needs it, with a blank in its path."""
    folder = tmp_path / "a build"
    files = {
        "rtl/net_conv.v": "",
        "rtl/net.v": "",
        "rtl/files.f": "net_conv.v\nnet.v\n",
        "mem/net_b.mem": "",
        "mem/net_a.mem": "",
        **vivado_files(INTERFACE, load_platform("u200")),
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Where Vivado is started."""
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def test_script(build: Path, work: Path) -> None:
    calls = vivado_recorder.record(build / "vivado/synth_ooc.tcl", work)
    read = [Path(c.arguments[0].strip("{}")) for c in calls if c.name == "read_verilog"]
    assert read[1:] == [build / "rtl/net_conv.v", build / "rtl/net.v"]
    (memories,) = (c.arguments[0] for c in calls if c.name == "read_mem")
    assert memories.index("net_a.mem") < memories.index("net_b.mem")
    (synthesis,) = (c for c in calls if c.name == "synth_design")
    assert synthesis.options == {"-top": "net", "-part": "xcu200-fsgd2104-2-e", "-mode": "out_of_context"}
    (clock,) = (c for c in calls if c.name == "create_clock")
    assert clock.options == {"-name": "aclk", "-period": "3.333"}
    assert clock.arguments == ("port:aclk",)
    names = [c.name for c in calls]
    assert names.index("read_xdc") < names.index("synth_design") < names.index("report_timing_summary")
    assert "place_design" not in names


def test_memory_folder_is_defined_before_all_modules(build: Path, work: Path) -> None:
    calls = vivado_recorder.record(build / "vivado/synth_ooc.tcl", work)
    header = work / "net_synth_ooc/rtlnn_mem_dir.vh"
    assert header.read_text() == f'`define RTLNN_MEM_DIR "{build}/mem/"\n'
    first = next(c for c in calls if c.name == "read_verilog")
    assert first.arguments[0].strip("{}") == str(header)
    properties = {c.arguments[0]: c.arguments[1] for c in calls if c.name == "set_property"}
    assert properties == {"file_type": "Verilog Header", "is_global_include": "true"}


@pytest.mark.parametrize(
    ("goal", "steps"),
    [
        ("synth", []),
        ("place", ["opt_design", "place_design", "phys_opt_design"]),
        ("route", ["opt_design", "place_design", "phys_opt_design", "route_design"]),
    ],
)
def test_goals(build: Path, work: Path, goal: str, steps: list[str]) -> None:
    calls = vivado_recorder.record(build / "vivado/synth_ooc.tcl", work, goal)
    assert [
        c.name for c in calls if c.name in ("opt_design", "place_design", "phys_opt_design", "route_design")
    ] == steps
    reports = [Path(c.options["-file"]) for c in calls if c.name == "report_utilization"]
    assert [r.name for r in reports][-1] == f"utilization_{goal}.rpt"
    assert {r.parent for r in reports} == {work / "net_synth_ooc"}


def test_unknown_goal(build: Path, work: Path) -> None:
    with pytest.raises(RuntimeError, match="go as far as: synth, place, route; not bitstream"):
        vivado_recorder.record(build / "vivado/synth_ooc.tcl", work, "bitstream")


@pytest.mark.parametrize(
    ("file", "right", "wrong", "message"),
    [
        ("synth_ooc.tcl", "-mode out_of_context", "-mod out_of_context", "unknown option -mod"),
        ("synth_ooc.tcl", "place_design", "placedesign", "invalid command name"),
        ("synth_ooc.tcl", "rtl files.f", "rtl list.f", "no such file"),
        ("synth_ooc.tcl", "read_xdc [list", "read_xdc [concat", "no file"),
        ("synth_ooc.tcl", "is_global_include", "global_include", "a source has no property global_include"),
        ("synth_ooc.tcl", "SLACK", "SLAK", "a path has no property SLAK"),
        ("net.xdc", "get_ports", "get_nets", "invalid command name"),
        ("net.xdc", "-period", "-periode", "unknown option -periode"),
    ],
)
def test_a_fault_is_noticed(build: Path, work: Path, file: str, right: str, wrong: str, message: str) -> None:
    path = build / "vivado" / file
    text = path.read_text()
    assert right in text
    path.write_text(text.replace(right, wrong))
    with pytest.raises(RuntimeError, match=message):
        vivado_recorder.record(build / "vivado/synth_ooc.tcl", work, "route")


def test_part_and_clock_are_the_platforms() -> None:
    platform = replace(load_platform("xc7z020"), clock_mhz=150.0)
    files = vivado_files(INTERFACE, platform)
    assert set(files) == {"vivado/synth_ooc.tcl", "vivado/net.xdc"}
    assert f"set part {platform.part}\n" in files["vivado/synth_ooc.tcl"]
    assert "-period 6.667 " in files["vivado/net.xdc"]


def test_layers_are_placed_on_their_dies(build: Path, work: Path) -> None:
    fmt = StreamFormat(1, 8, True, 4, 1)
    stages = [
        Stage("conv", SkidConfig(fmt), dies=(0,)),
        Stage("add_crossing", CrossingConfig(fmt, 2), dies=(0, 1, 2)),
        Stage("add", SkidConfig(fmt), dies=(2,)),
    ]
    script = vivado_files(INTERFACE, load_platform("vu9p"), stages)["vivado/dies.tcl"]
    (build / "vivado/dies.tcl").write_text(script)
    calls = vivado_recorder.record(build / "vivado/synth_ooc.tcl", work)
    placed = [c.arguments[1:] for c in calls if c.arguments[:1] == ("USER_SLR_ASSIGNMENT",)]
    cells = ("conv", "add_crossing/die0", "add_crossing/die1", "add_crossing/die2", "add")
    assert [region for region, _ in placed] == ["SLR0", "SLR0", "SLR1", "SLR2", "SLR2"]
    # with the memories beside them
    assert all(
        f"/{cell} " in text and text.endswith(f"/{cell}__*") for cell, (_, text) in zip(cells, placed, strict=True)
    )
    assert sum(c.arguments[:1] == ("USER_SLL_REG",) for c in calls) == 3
    names = [c.name for c in calls]
    assert names.index("synth_design") < names.index("get_cells")
