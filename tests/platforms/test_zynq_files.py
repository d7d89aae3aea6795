"""The files of a Zynq shell: complete, and a script that Vivado's commands accept, down to pins and settings."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from kernel_stub import Sizes

from rtlnn.platforms import load_platform
from rtlnn.platforms.zynq import emission
from rtlnn.platforms.zynq.shell import Processor, ZynqShell
from tests import vivado_recorder

BOARDS = ["pynq-z2", "zcu102", "kv260"]


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A build folder for each board, and one whose core loads weights; without drivers, for a stub has no network."""
    made = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(emission, "host_files", lambda *_: {})
        patch.setattr(emission, "host_arrays", lambda *_: {})
        for name, board, beats in (*((b, b, None) for b in BOARDS), ("weights", "kv260", 9)):
            folder = made[name] = tmp_path_factory.mktemp("build") / f"{name} with blanks"
            (folder / "rtl").mkdir(parents=True)
            (folder / "mem").mkdir()
            (folder / "rtl/core.v").write_text("module core; endmodule\n")
            (folder / "rtl/files.f").write_text("core.v\n")
            (folder / "mem/w0.mem").write_text("00\n")
            interface = replace(Sizes(3, 80, 5).interface, kernel="core_zynq", weight_beats=beats)
            (folder / "interface.json").write_text(interface.to_json())
            emission.emit_zynq(interface, load_platform(board), folder)
    return made


@pytest.mark.parametrize("name", [*BOARDS, "weights"])
def test_script(builds: dict[str, Path], name: str, tmp_path: Path) -> None:
    calls = vivado_recorder.record(builds[name] / "kernel/build.tcl", tmp_path)
    platform = load_platform("kv260" if name == "weights" else name)
    assert isinstance(platform.shell, ZynqShell)
    processor = platform.shell.processor
    (project,) = (call for call in calls if call.name == "create_project")
    assert project.options["-part"] == platform.part
    offsets = [call.options["-offset"] for call in calls if call.name == "assign_bd_address" and call.options]
    base = processor.registers
    assert [int(offset, 16) for offset in offsets] == [base + 0x10000, base] + [base + 0x20000] * (name == "weights")
    settings = {
        call.arguments[0].removeprefix("cell:"): call.options["-dict"]
        for call in calls
        if call.name == "set_property" and call.options
    }
    assert f"FREQMHZ {platform.clock_mhz:g} " in settings["ps"]
    assert f"c_m_axis_mm2s_tdata_width {processor.dma_bits}" in settings["dma"]
    names = [call.name for call in calls]
    assert names.index("validate_bd_design") < names.index("make_wrapper") < names.index("launch_runs")
    assert names[-1] == "write_hw_platform"
    assert {path.name for path in tmp_path.glob("core_zynq.*")} == {"core_zynq.bit", "core_zynq.hwh", "core_zynq.xsa"}


def test_only_the_block_design(builds: dict[str, Path], tmp_path: Path) -> None:
    calls = vivado_recorder.record(builds["pynq-z2"] / "kernel/build.tcl", tmp_path, "design")
    assert calls[-1].name == "save_bd_design"
    with pytest.raises(RuntimeError, match="go as far as: design, bitstream; not all"):
        vivado_recorder.record(builds["pynq-z2"] / "kernel/build.tcl", tmp_path, "all")


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("create_bd_cell", "create_bd_cel", "invalid command name"),
        ("ip:axi_dma:7.1", "ip:axi_dma:7.0", "no version 7.0 of axi_dma"),
        ("ip:axi_dma:7.1", "ip:axidma:7.1", "no IP core axidma"),
        ("-reference $kernel", "-reference core_zink", "no module core_zink"),
        ("c_sg_length_width", "c_length_width", "axi_dma has no setting CONFIG.c_length_width"),
        ("CONFIG.c_mm2s_burst_size 16", "CONFIG.c_mm2s_burst_size 17", "c_mm2s_burst_size cannot be 17"),
        ("c_m_axis_mm2s_tdata_width $dma_bits", "c_m_axis_mm2s_tdata_width 32", "widths 32 and 64"),
        ("dma/mm2s_introut", "dma/mm2s_intr", "no pin dma/mm2s_intr"),
        ("core/aresetn dma/axi_resetn", "core/aresetn", "dma/axi_resetn is open"),
        ("core/aclk dma/s_axi", "core/aclk core/aclk dma/s_axi", "core/aclk is connected already"),
        ("dma/S_AXIS_S2MM", "core/s_axis", "core/s_axis is connected already"),
        ("PCW_USE_S_AXI_HP0 1", "PCW_USE_S_AXI_HP0 0", "ps/S_AXI_HP0 is not there"),
        ("NUM_SI [llength $masters]", "NUM_SI 1", "no bus memory/S01_AXI"),
        ("NUM_SI [llength $masters]", "NUM_SI 3", "memory/S02_AXI is open"),
        ("core/s_axi/reg0", "core/s_axi/Reg", "no segment core/s_axi/Reg"),
        ("dma/S_AXI_LITE/Reg 0x40400000", "dma/S_AXI_LITE/Reg 0x40410000", "addresses overlap"),
        ("bd_rule:processing_system7", "bd_rule:processing_system", "no rule"),
        ("pynq-z2:part0", "pynq-z9:part0", "Vivado has no files of the board"),
        ("[get_bd_pins $ps_reset]", "[get_bd_pins $ps_clock]", "a clk with a rst"),
        ("STATS.WNS", "STATS.WSN", "a run has no property STATS.WSN"),
        ("system_wrapper.bit", "wrapper.bit", "no such file"),
    ],
)
def test_a_fault_in_the_script_is_noticed(
    builds: dict[str, Path], tmp_path: Path, right: str, wrong: str, message: str
) -> None:
    text = (builds["pynq-z2"] / "kernel/build.tcl").read_text()
    assert right in text
    script = builds["pynq-z2"] / "kernel/faulty.tcl"
    script.write_text(text.replace(right, wrong))
    try:
        with pytest.raises(RuntimeError, match=message):
            vivado_recorder.record(script, tmp_path)
    finally:
        script.unlink()


def test_slow_paths_make_no_bitstream(builds: dict[str, Path], tmp_path: Path) -> None:
    script = builds["pynq-z2"] / "kernel/slow.tcl"
    text = (builds["pynq-z2"] / "kernel/build.tcl").read_text()
    script.write_text("set ::values(run:STATS.WNS) -1.25\n" + text)
    try:
        with pytest.raises(RuntimeError, match=r"at 100 MHz, paths are too slow by up to 1\.25 ns"):
            vivado_recorder.record(script, tmp_path)
    finally:
        script.unlink()
    assert not list(tmp_path.glob("*.bit"))


def test_the_build_is_the_same_everywhere(builds: dict[str, Path]) -> None:
    for path in builds["weights"].rglob("kernel/**/*.*"):
        assert str(builds["weights"]) not in path.read_text()
    assert json.loads((builds["weights"] / "interface.json").read_text())["kernel"] == "core_zynq"


@pytest.mark.parametrize("processor", Processor)
def test_registers_are_in_the_processors_window(processor: Processor) -> None:
    assert processor.registers % 0x10000 == 0
    assert processor.dma_bits in (64, 128)
