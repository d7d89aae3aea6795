"""Designs that are too large for the chip, and clocks that are not reached: what the user is told."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import rtlnn
from rtlnn.bitstream import BitstreamResult, CriticalPath, DoesNotFit, Usage, what_would_fit
from rtlnn.bitstream.tools import call, check_installed, run_tool
from rtlnn.cli import build as command
from rtlnn.cli import main
from rtlnn.errors import CheckFailed, InputError
from tests.cli.models import save_inputs, save_small

TABLE = """\
Info: Device utilisation:
Info: \t         ICESTORM_LC:  6000/ 5280   113%
Info: \t        ICESTORM_RAM:    31/   30   103%
Info: \t               SB_IO:     3/   96     3%
ERROR: Unable to place cell 'core.x_SB_LUT4_O_LC', no BELs remaining to implement cell type 'ICESTORM_LC'
"""
"""As nextpnr-ice40 writes it."""


def _tool(text: str, code: int) -> list[str]:
    return [sys.executable, "-c", f"import sys; print({text!r}); sys.exit({code})"]


def test_each_resource_that_is_short_is_named(tmp_path: Path) -> None:
    with pytest.raises(DoesNotFit) as caught:
        run_tool(_tool(TABLE, 1), tmp_path, "nextpnr", "icebreaker")
    assert str(caught.value) == (
        "the design does not fit icebreaker: ICESTORM_LC 6,000 of 5,280 (720 too few); "
        "ICESTORM_RAM 31 of 30 (1 too few)"
    )
    assert caught.value.short == {"ICESTORM_LC": Usage(6000, 5280), "ICESTORM_RAM": Usage(31, 30)}


def test_other_failures_show_the_tools_own_words(tmp_path: Path) -> None:
    with pytest.raises(CheckFailed, match="nextpnr failed:\nERROR: no such pin"):
        run_tool(_tool("Info: \\t SB_IO: 3/ 96 3%\nERROR: no such pin", 1), tmp_path, "nextpnr", "icebreaker")
    with pytest.raises(CheckFailed, match="Yosys failed:\na segmentation"):
        run_tool(_tool("a segmentation fault", 1), tmp_path, "Yosys")
    run_tool(_tool(TABLE, 0), tmp_path, "nextpnr", "icebreaker")


def test_tools_that_are_missing() -> None:
    with pytest.raises(InputError, match=r"needs no_such_tool; install with: pip install 'rtlnn\[open\]'"):
        check_installed("json", "no_such_tool")
    assert call(("tool.pack", "main"), ["-o", "x"])[1:] == ["-m", "tool.pack", "-o", "x"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    save_small(folder / "model.onnx")
    save_inputs(folder / "data.npy")
    return folder


def test_a_folding_that_would_fit(model: Path) -> None:
    options = rtlnn.Options(platform="ulx3s", calibration=model / "data.npy", target_interval=40)
    report = rtlnn.estimate(model / "model.onnx", options)
    short = {"TRELLIS_COMB": Usage(200, 100), "MULT18X18D": Usage(30, 28)}
    advice = what_would_fit(model / "model.onnx", options, report, DoesNotFit("ulx3s", short))
    lut, dsp = (int(report["resources"][key] * part * 0.9) for key, part in (("lut", 1 / 2), ("dsp", 28 / 30)))
    assert advice.startswith(f"a folding that should fit: --max-lut {lut} --max-dsp {dsp}, with an interval of ")
    assert "conv " in advice
    short = {"TRELLIS_COMB": Usage(90_000, 100)}
    assert what_would_fit(model / "model.onnx", options, report, DoesNotFit("ulx3s", short)).startswith(
        "not even the smallest folding fits in --max-lut "
    )


def _refused(*arguments: object) -> BitstreamResult:
    raise DoesNotFit("ulx3s", {"TRELLIS_COMB": Usage(100_000, 83_640)})


PATH = CriticalPath("link.crc", "core.fc.sum", 20.0, 12.5, ("link.crc_q", "core.fc.carry"))


def _slow(*arguments: object) -> BitstreamResult:
    return BitstreamResult(None, 80, 50, 1, {"LUT": Usage(900, 83_640)}, PATH)


@pytest.mark.parametrize(
    ("make", "code", "words"),
    [
        (_refused, 2, ("TRELLIS_COMB 100,000 of 83,640 (16,360 too few)", "a folding that should fit: --max-lut")),
        (
            _slow,
            1,
            ("80 MHz was not reached: 50.0 MHz", "20.00 ns, of which 12.50 are wires", "link.crc", "core.fc.sum"),
        ),
    ],
)
def test_exit_codes(
    make: Callable[..., BitstreamResult],
    code: int,
    words: tuple[str, ...],
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(command, "make_bitstream", make)
    given = ["build", str(model / "model.onnx"), "--calibration", str(model / "data.npy"), "--target-interval", "40"]
    assert main([*given, "--platform", "ulx3s", "--bitstream", "-o", str(tmp_path / "out")]) == code
    told = " ".join(capsys.readouterr().err.split())
    for word in words:
        assert word in told
    assert (tmp_path / "out" / "interface.json").is_file()


def test_the_critical_path_is_the_longest_within_a_clock() -> None:
    report = json.loads("""{"critical_paths": [
        {"from": "<async>", "to": "posedge clk", "path": [
            {"type": "source", "delay": 99.0, "from": {"cell": "rx"}, "to": {"cell": "rx"}}]},
        {"from": "posedge clk", "to": "posedge clk", "path": [
            {"type": "clk-to-q", "delay": 0.5, "from": {"cell": "a"}, "to": {"cell": "a"}},
            {"type": "routing", "delay": 1.5, "net": "a_q", "from": {"cell": "a"}, "to": {"cell": "carry"}},
            {"type": "logic", "delay": 0.25, "from": {"cell": "carry"}, "to": {"cell": "carry"}},
            {"type": "routing", "delay": 0.0, "net": "carry_out", "from": {"cell": "carry"}, "to": {"cell": "b"}},
            {"type": "setup", "delay": 0.25, "from": {"cell": "b"}, "to": {"cell": "b"}}]}]}""")
    assert CriticalPath.of(report) == CriticalPath("a", "b", 2.5, 1.5, ("a_q",))
    assert CriticalPath.of({"critical_paths": []}) is None
