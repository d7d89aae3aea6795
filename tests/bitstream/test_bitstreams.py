"""Small networks to bitstreams, and the netlists of their chips in simulation."""

import json
from pathlib import Path

import pytest

import rtlnn
from rtlnn.bitstream import check_board, make_bitstream
from rtlnn.cli import main
from rtlnn.errors import InputError
from rtlnn.platforms import load_platform
from rtlnn.platforms.uart.facts import NETLIST_FILE
from tests.cli.models import save_inputs, save_small

BIT = 8
"""Cycles a bit: a faster line than a real one, for a shorter simulation."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """A folder with the build, and the exit code of the command that made it."""
    folder = tmp_path_factory.mktemp("made")
    save_small(folder / "model.onnx")
    save_inputs(folder / "data.npy")
    text = (Path(rtlnn.__file__).parent / "platforms" / "icesugar-pro.yaml").read_text()
    (folder / "board.yaml").write_text(text.replace("baud: 115200", f"baud: {80_000_000 // BIT}"))
    words = ["build", f"{folder}/model.onnx", "--calibration", f"{folder}/data.npy", "--target-interval", "400"]
    return folder, main([*words, "--platform", f"{folder}/board.yaml", "--bitstream", "-o", f"{folder}/build"])


def test_bitstream(made: tuple[Path, int]) -> None:
    """One command, exit code 0; a bitstream, and a clock of 80 MHz or more by the tool's own timing analysis."""
    folder, code = made
    result = json.loads((folder / "build/kernel/bitstream.json").read_text())
    assert code == 0
    bitstream = (folder / "build" / result["file"]).read_bytes()
    assert len(bitstream) > 50_000
    assert b"LFE5U-25F" in bitstream
    assert result["achieved_mhz"] >= result["wanted_mhz"] == 80
    assert result["cells"]["multiplier"]["used"] > 0
    assert result["cells"]["LUT"]["used"] > 1000
    assert result["critical_path"]["through"]


@pytest.mark.slow
def test_netlist(made: tuple[Path, int]) -> None:
    """What Yosys made of the chip gives the reference's bits, through the serial line."""
    build = made[0] / "build"
    text = (build / NETLIST_FILE).read_text()
    assert "DP16KD" in text
    assert "MULT18X18D" in text
    assert main(["simulate", str(build), "--level", "netlist", "--frames", "3"]) == 0


@pytest.mark.slow
def test_netlist_of_an_ice40(tmp_path: Path) -> None:
    """The same with sums of two products a cycle, whose multipliers are not packed with their registers and adders."""
    save_small(tmp_path / "model.onnx")
    save_inputs(tmp_path / "data.npy")
    text = (Path(rtlnn.__file__).parent / "platforms" / "icebreaker.yaml").read_text()
    assert "baud: 1000000" in text
    (tmp_path / "board.yaml").write_text(text.replace("baud: 1000000", f"baud: {24_000_000 // BIT}"))
    words = ["build", f"{tmp_path}/model.onnx", "--calibration", f"{tmp_path}/data.npy", "--max-dsp", "5"]
    assert main([*words, "--platform", f"{tmp_path}/board.yaml", "--bitstream", "-o", f"{tmp_path}/build"]) == 0
    assert "SB_MAC16" in (tmp_path / "build" / NETLIST_FILE).read_text()
    assert main(["simulate", f"{tmp_path}/build", "--level", "netlist", "--frames", "3"]) == 0


def test_boards_without_free_tools(made: tuple[Path, int]) -> None:
    with pytest.raises(InputError, match="no free tools for a bitstream of u200"):
        check_board(load_platform("u200"))
    with pytest.raises(InputError, match="was not built for"):
        make_bitstream(_bare(made[0]), load_platform("ulx3s"))


def _bare(folder: Path) -> Path:
    """A build of the same model for a chip without a board."""
    options = rtlnn.Options(platform="xc7z020", calibration=folder / "data.npy", target_interval=400)
    rtlnn.build(folder / "model.onnx", folder / "bare", options)
    return folder / "bare"
