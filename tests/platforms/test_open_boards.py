"""Files of boards with free tools: pins, clocks, speeds."""

import shutil
from pathlib import Path

import pytest
from amaranth.build import Resource
from amaranth_boards import icebreaker, icesugar_pro, tang_nano_9k, ulx3s

import rtlnn
from rtlnn.errors import InputError
from rtlnn.platforms import load_platform
from rtlnn.platforms.uart.pll import Pll, find_pll
from rtlnn.platforms.uart.shell import ChipFamily, UartShell

BOARDS = {
    "ulx3s": ulx3s.ULX3S_85F_Platform,
    "icesugar-pro": icesugar_pro.ICESugarProPlatform,
    "icebreaker": icebreaker.ICEBreakerPlatform,
    "tangnano9k": tang_nano_9k.TangNano9kPlatform,
}


def _resource(board: type, name: str) -> Resource:
    return next(r for r in board.resources if r.name == name)


@pytest.mark.parametrize("name", BOARDS)
def test_pins_are_those_of_amaranth_boards(name: str) -> None:
    shell, board = load_platform(name).shell, BOARDS[name]
    assert isinstance(shell, UartShell)
    clock, uart = _resource(board, board.default_clk), _resource(board, "uart")
    pins = {io.name: io.ios[0].names[0] for io in uart.ios if io.name in ("rx", "tx")}
    assert (shell.clock_pin, shell.rx_pin, shell.tx_pin) == (clock.ios[0].names[0], pins["rx"], pins["tx"])
    assert shell.oscillator_mhz * 1e6 == clock.clock.frequency


@pytest.mark.parametrize(
    ("family", "given", "wanted", "settings"),
    [
        # what ecppll, icepll and gowin_pll give
        (ChipFamily.ECP5, 25, 80, (5, 16, 7)),
        (ChipFamily.ICE40, 12, 24, (1, 64, 32)),
        (ChipFamily.GOWIN, 27, 54, (1, 2, 8)),
    ],
)
def test_pll_settings(family: ChipFamily, given: float, wanted: float, settings: tuple[int, int, int]) -> None:
    pll = find_pll(family, given, wanted)
    assert pll is not None
    assert pll.output_mhz == pytest.approx(wanted)
    assert (pll.reference, pll.feedback) == settings[:2]
    assert 400 <= pll.output_mhz * pll.post <= 1200


def test_the_iced_clock_has_the_oscillator_in_its_feedback() -> None:
    assert Pll(ChipFamily.ICE40, 12, 1, 64, 32).output_mhz == 24


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("baud: 1000000", "baud: 30000000", "30000000 baud cannot be made"),
        ("baud: 1000000", "baud: 0", "0 baud cannot be made"),
        ("clock_mhz: 80", "clock_mhz: 1200", "cannot make `clock_mhz` 1200"),
        ("oscillator_mhz: 25", "oscillator_mhz: -1", "no oscillator has -1 MHz"),
        ("family: ecp5", "family: max10", "must be one of ecp5, ice40, gowin"),
        ("  rx_pin: M1\n", "", "lacks `rx_pin`"),
    ],
)
def test_wrong_files(old: str, new: str, message: str, tmp_path: Path) -> None:
    source = Path(rtlnn.__file__).parent / "platforms" / "ulx3s.yaml"
    board = tmp_path / "board.yaml"
    shutil.copy(source, board)
    text = board.read_text()
    assert old in text
    board.write_text(text.replace(old, new))
    with pytest.raises(InputError, match=message):
        load_platform(board)


def test_the_default_keeps_up_with_the_line() -> None:
    """64 bytes a frame with 10 bits each, 80 cycles a bit: no faster; unless the speed, or the size, is asked for."""
    model = Path(rtlnn.__file__).parents[1] / "examples/digits/mlp_int8.onnx"
    slow = rtlnn.estimate(model, rtlnn.Options(platform="ulx3s"))
    assert slow["interval_cycles"] <= 64 * 10 * 80
    assert slow["resources"]["dsp"] == 3, "one for each layer"
    assert any("keeps up with the line" in note for note in slow["notes"])
    fast = rtlnn.estimate(model, rtlnn.Options(platform="ulx3s", max_dsp=40))
    assert fast["interval_cycles"] < slow["interval_cycles"] / 4
    assert not any("keeps up" in note for note in fast["notes"])
