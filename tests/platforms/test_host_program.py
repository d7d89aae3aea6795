"""The host programs (C++ and pyxrt) on a simulated card with four compute units: real kernels behind XRT's API."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import rtlnn
from rtlnn import runtime
from rtlnn.cli import main
from rtlnn.errors import CheckFailed, InputError
from rtlnn.platforms.identity import design_id
from rtlnn.runtime import xrt
from rtlnn.sim.on_card import cycles_a_frame
from rtlnn.sim.simulated_card import CardSettings, HostRun, SimulatedCard
from tests.runtime import fake_pyxrt

DIGITS = Path(__file__).parents[2] / "examples/digits"
UNITS = 4
CARD = CardSettings(units=UNITS)
STRICT = "-O1 -Werror -Wpedantic -Wconversion -Wno-sign-conversion"


@dataclass(frozen=True)
class Made:
    """A build, the card that runs it, and its host program."""

    build: Path
    card: SimulatedCard
    host: Path

    def run(self, *arguments: str | Path | int, settings: CardSettings = CARD, host: Path | None = None) -> HostRun:
        run = self.card.run_host(host or self.host, settings, arguments, timeout=120)
        print(run.output)
        return run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("card")
    options = rtlnn.Options(platform="u200", compute_units=UNITS, target_interval=64)
    rtlnn.build(DIGITS / "mlp_int8.onnx", folder / "build", options)
    card = SimulatedCard.build(folder / "build", folder / "xrt")
    return Made(folder / "build", card, card.make_host(folder / "build", STRICT))


@pytest.fixture
def pyxrt(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed pyxrt, and what it takes for an xclbin."""
    monkeypatch.setitem(sys.modules, "pyxrt", fake_pyxrt.make(made.card.library))
    CARD.save(tmp_path / "card.txt")
    return tmp_path / "card.txt"


def images(rng: np.random.Generator, count: int) -> np.ndarray:
    return (16 * rng.random((count, 1, 8, 8))).astype(np.float32)


def test_self_test(made: Made) -> None:
    run = made.run("--self-test", "--batch", 3, "--repeat", 6)
    assert run.code == 0
    assert "self-test passed" in run.output
    assert re.search(r"48 frames in [\d.]+ s: \d+ frames/s, 4 compute units", run.output)


def test_the_models_own_arrays(made: Made, tmp_path: Path, rng: np.random.Generator) -> None:
    """Real numbers in the model's layout; more frames than the slots of all units hold at once, the last run short."""
    x = images(rng, 35)
    np.save(tmp_path / "x.npy", x)
    assert made.run(tmp_path / "x.npy", tmp_path / "y.npy", "--batch", 4).code == 0
    y, expected = np.load(tmp_path / "y.npy"), rtlnn.reference(made.build)(x)
    assert (y.shape, y.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(y, expected, rtol=1e-6, atol=0)  # exp() is not NumPy's


def test_four_units_are_four_times_as_fast(
    made: Made, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Transfers overlap with the computation: each unit reaches the interval of its core, whatever the others do."""
    monkeypatch.setattr(SimulatedCard, "build", lambda *_: made.card)
    monkeypatch.setattr(SimulatedCard, "make_host", lambda *_: made.host)
    assert main(["simulate", str(made.build), "--card", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["units"], found["planned_one"], found["planned_all"]) == (4, 64, 16)
    assert found["one"] == pytest.approx(64, rel=0.02)
    assert found["one"] / found["all"] == pytest.approx(4, rel=0.05)


def test_one_slot_is_not_enough(made: Made, tmp_path: Path) -> None:
    """A program that sends the next batch only when the one before is back leaves its unit idle; the rate shows it."""
    host = changed(made, tmp_path, "units.h", "slots = 2;", "slots = 1;")
    assert cycles_a_frame(made.card, host, CARD, units=1, batch=16, runs=8) > 1.3 * 64


def test_a_slow_link_limits_all_units(made: Made) -> None:
    """The card's model: with 0.5 bytes a cycle and direction, a frame of 64 takes 128 cycles whatever the units."""
    slow = CardSettings(units=UNITS, link_bytes=0.5)
    run = made.run("--self-test", "--batch", 16, "--repeat", 64, settings=slow)
    assert run.cycles > 512 * 128


def changed(made: Made, folder: Path, file: str, right: str, wrong: str) -> Path:
    """The host program, compiled in another folder with a change in one of its files."""
    shutil.copytree(made.build / "host", folder / "host", ignore=shutil.ignore_patterns("host"))
    text = (folder / "host" / file).read_text()
    assert right in text
    (folder / "host" / file).write_text(text.replace(right, wrong))
    return made.card.make_host(folder, "-O0")


FAULTS = {
    "stride": ("units.h", "return (elements * bytes + word_bytes - 1) / word_bytes * word_bytes;",
               "return std::max<std::size_t>(elements * bytes, 64) + 64;", r"(?s)hardware: \d+ of 640 values.*FAILED"),
    "order": ("units.h", "out.data() + (slot.first + i)", "out.data() + (slot.first ^ 4)",
              r"(?s)hardware: \d+ of \d+ values are wrong.*FAILED"),
    "short buffer": ("units.h", "settings.output.stride() * settings.batch", "settings.output.stride()",
                     r"error: mlp_int8_kernel_\d: a write was answered with an error"),
    "scale": ("network.h", "0.003921568859368563", "0.0040", r"before the hardware: \d+ of 512 values are wrong"),
    "design": ("network.h", "design = 0x", "design = 1 ^ 0x", r"error: wrong bitstream: mlp_int8_kernel_1 is design"),
    "softmax": ("parts.h", "std::exp(*i - most) / sum", "std::exp(*i - most)", r"after the hardware: \d+ of 80 values"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_caught(made: Made, tmp_path: Path, fault: str) -> None:
    *change, message = FAULTS[fault]
    run = made.run("--self-test", "--batch", 4, "--repeat", 8, host=changed(made, tmp_path, *change))
    assert run.code == 1
    assert re.search(message, run.output), run.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], r"give XCLBIN, INPUT and OUTPUT.*usage: host"),
        (["--self-test", "--units", "5"], "the design has 4 compute units"),
        (["--self-test", "--batch", "x"], "--batch needs a number, not x"),
        (["--self-test", "--bach", "3"], "unknown option --bach"),
        (["--self-test", "--repeat"], "--repeat needs a value"),
    ],
)
def test_wrong_usage(made: Made, arguments: list[str], message: str) -> None:
    run = made.run(*arguments)
    assert run.code == 2
    assert re.search(message, run.output, re.DOTALL)


@pytest.mark.parametrize(
    ("save", "message"),
    [
        (lambda path: np.save(path, np.zeros((2, 8, 8))), r"shape does not fit: the network takes \(N, 1, 8, 8\)"),
        (lambda path: np.save(path, np.full((1, 8, 8), np.nan)), r"NaN or infinity"),
        (lambda path: np.save(path, np.zeros((2, 1, 8, 8), complex)), r"elements of type '<c16'"),
        (lambda path: np.save(path, np.asfortranarray(np.zeros((2, 1, 8, 8)))), r"Fortran order"),
        (lambda path: np.save(path, np.zeros((0, 1, 8, 8))), r"holds no frames"),
        (lambda path: path.write_bytes(b"no array"), r"x\.npy: it cannot be read, or is no NumPy array file"),
        (lambda path: None, r"x\.npy: it cannot be read"),
    ],
)
def test_wrong_input(made: Made, tmp_path: Path, save: Callable[[Path], None], message: str) -> None:
    save(tmp_path / "x.npy")
    run = made.run(tmp_path / "x.npy", tmp_path / "y.npy")
    assert run.code == 1
    assert re.search(f"error: .*{message}", run.output)
    assert not (tmp_path / "y.npy").exists()


def test_python_does_the_same(made: Made, pyxrt: Path, rng: np.random.Generator) -> None:
    x = images(rng, 35)
    with runtime.load(made.build, "xrt", bitstream=pyxrt, run_frames=4) as net:
        np.testing.assert_array_equal(net(x), rtlnn.reference(made.build)(x))
        np.testing.assert_array_equal(net(x[0]), rtlnn.reference(made.build)(x[0]))


def test_python_keeps_every_unit_busy(made: Made, pyxrt: Path, rng: np.random.Generator) -> None:
    x, cycles = images(rng, 3072), []  # long runs: from one thread, no transfer overlaps with another
    for units in (1, 4):
        with runtime.load(made.build, "xrt", batch=len(x), bitstream=pyxrt, run_frames=128, units=units) as net:
            net(x)
            cycles.append(sys.modules["pyxrt"].cycles())
    assert cycles[0] < 1.05 * 64 * len(x)
    assert cycles[0] / cycles[1] > 3.5, "with filling and draining"


def test_python_sees_errors_of_the_card(
    made: Made, pyxrt: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xrt, "_stride", lambda port: port.frame_bytes)  # buffers too small, results too dense
    with runtime.load(made.build, "xrt", bitstream=pyxrt, run_frames=8) as net:
        with pytest.raises(CheckFailed, match=r"mlp_int8_kernel_\d: a write was answered with an error"):
            net(images(rng, 64))


def test_a_wrong_bitstream(made: Made, pyxrt: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The card is configured with a build that differs in one byte from that of the host."""
    other = shutil.copytree(made.build, tmp_path / "other", ignore=shutil.ignore_patterns("host"))
    source = min((other / "rtl").glob("*.v"))
    source.write_bytes(source.read_bytes() + b"\n")
    found, wanted = (f"{design_id(folder):016x}" for folder in (made.build, other))
    message = f"wrong bitstream: mlp_int8_kernel_1 is design {found}, not {wanted}; make it again from this build"
    with pytest.raises(InputError, match=message):
        runtime.load(other, "xrt", bitstream=pyxrt)
    for name, value, text in (
        ("VERSION", 7, "has registers of version 1, and this program knows 7"),
        ("MAGIC", 7, "does not say which design it is"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(xrt, name, value)
            with pytest.raises(InputError, match=f"wrong bitstream: mlp_int8_kernel_1 {text}"):
                runtime.load(made.build, "xrt", bitstream=pyxrt)


def test_a_pyxrt_that_reads_no_registers(
    made: Made, pyxrt: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(sys.modules["pyxrt"].kernel, "read_register")
    x = images(rng, 3)
    with pytest.warns(UserWarning, match="cannot read registers: a wrong bitstream, and errors .* go unseen"):
        with runtime.load(made.build, "xrt", bitstream=pyxrt) as net:
            np.testing.assert_array_equal(net(x), rtlnn.reference(made.build)(x))


def test_what_python_cannot_open(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    CARD.save(tmp_path / "card.txt")
    with pytest.raises(InputError, match=r"mlp_int8\.hw\.xclbin is no file; `make` in .*kernel writes it"):
        runtime.load(made.build, "xrt")
    monkeypatch.setitem(sys.modules, "pyxrt", None)
    with pytest.raises(InputError, match=r"pyxrt cannot be imported .*setup\.sh"):
        runtime.load(made.build, "xrt", bitstream=tmp_path / "card.txt")
    monkeypatch.setitem(sys.modules, "pyxrt", fake_pyxrt.make(made.card.library))
    for options, message in (
        ({"device": 1}, "the card cannot be used: no such device"),
        ({"units": 5}, "has 4 compute units, not 5"),
        ({"run_frames": -1}, "a run of -1 frames"),
    ):
        with pytest.raises(InputError, match=message):
            runtime.load(made.build, "xrt", bitstream=tmp_path / "card.txt", **options)


def test_headers_agree_with_the_makefile(made: Made) -> None:
    """The program includes what an installed XRT has: no path of the simulation."""
    text = (made.build / "host/units.h").read_text() + (made.build / "host/main.cpp").read_text()
    assert set(re.findall(r'#include "(xrt/\w+\.h)"', text)) == {"xrt/xrt_bo.h", "xrt/xrt_device.h", "xrt/xrt_kernel.h"}
    linked = subprocess.run(["ldd", made.host], capture_output=True, text=True, check=True).stdout
    assert "libxrt_coreutil.so" in linked
