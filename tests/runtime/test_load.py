"""A build, loaded from its folder alone and run with the model's own inputs."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

import rtlnn
from rtlnn import runtime
from rtlnn.emit.interface import Interface
from rtlnn.errors import CheckFailed, InputError
from rtlnn.runtime.simulator import open_simulator
from rtlnn.sim.build_folder import BuildFolder
from tests.cli.models import save_inputs, save_small


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build of the small model, moved away from where it was made."""
    made = tmp_path_factory.mktemp("made")
    save_small(made / "model.onnx")
    save_inputs(made / "data.npy")
    options = rtlnn.Options(platform="xc7z020", calibration=made / "data.npy", target_interval=400)
    rtlnn.build(made / "model.onnx", made / "build", options)
    folder = tmp_path_factory.mktemp("moved") / "b"
    shutil.move(made / "build", folder)
    shutil.rmtree(made)
    return folder


def _x(rng: np.random.Generator, count: int) -> np.ndarray:
    return rng.standard_normal((count, 1, 6, 6)).astype(np.float32)


def test_back_ends_agree(build: Path, rng: np.random.Generator) -> None:
    """The Verilog gives what the model's makers see: its own layout and numbers, bit for bit as the reference."""
    x = _x(rng, 5)
    expected = rtlnn.reference(build)(x)
    with runtime.load(build, "reference") as reference, runtime.load(build) as simulated:
        np.testing.assert_array_equal(reference(x), expected)
        assert reference.run(x).cycles is None
        run = simulated.run(x=x)
        np.testing.assert_array_equal(next(iter(run.outputs.values())), expected)
        assert run.frames == 5
        assert run.seconds > 0
        planned = simulated.interface
        assert run.cycles == planned.latency_cycles + 4 * planned.interval_cycles
        np.testing.assert_array_equal(simulated(x[3]), expected[3:4])
    with runtime.load(build, batch=2) as cut:
        run = cut.run(x)
        np.testing.assert_array_equal(next(iter(run.outputs.values())), expected)
        assert run.cycles == 3 * planned.latency_cycles + 2 * planned.interval_cycles


@pytest.mark.parametrize(
    ("args", "named", "message"),
    [
        ((), {}, r"the input 'x' is missing; .* takes x"),
        ((np.zeros((2, 1, 6, 6)), 1), {}, r"2 inputs are given; .* takes x"),
        ((), {"image": np.zeros((2, 1, 6, 6))}, r"there is no input 'image'"),
        ((np.zeros((2, 1, 6, 6)),), {"x": np.zeros((2, 1, 6, 6))}, r"the input 'x' is given twice"),
        ((np.zeros((2, 6, 6, 1)),), {}, r"input 'x' has shape \(2, 6, 6, 1\); the model takes \(N, 1, 6, 6\)"),
        ((np.zeros((1, 2, 1, 6, 6)),), {}, r"has shape \(1, 2, 1, 6, 6\); the model takes \(N, 1, 6, 6\)"),
        ((3.0,), {}, r"has shape \(\); the model takes"),
        ((np.zeros((0, 1, 6, 6)),), {}, r"the inputs hold no frames"),
        ((np.zeros((2, 1, 6, 6), bool),), {}, r"input 'x' holds bool values; the model takes numbers \(float32\)"),
        ((np.full((2, 1, 6, 6), "7"),), {}, r"holds <U1 values"),
        ((np.full((2, 1, 6, 6), np.nan),), {}, r"input 'x' holds NaN"),
    ],
)
def test_bad_inputs(build: Path, args: tuple, named: dict, message: str) -> None:
    with runtime.load(build, "reference") as loaded, pytest.raises(InputError, match=message):
        loaded(*args, **named)


def test_bad_options(build: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"unknown back end 'fpga'; there are .*reference, .*simulator"):
        runtime.load(build, "fpga")
    with pytest.raises(InputError, match="the back end reference has no option 'port'; it takes none"):
        runtime.load(build, "reference", port="/dev/ttyUSB0")
    with pytest.raises(InputError, match="no option 'cache'; it takes cache_dir"):
        runtime.load(build, "simulator", cache="x")
    with pytest.raises(InputError, match="a batch of 0 frames"):
        runtime.load(build, "reference", batch=0)
    with pytest.raises(InputError, match="not a build folder"):
        runtime.load(tmp_path)


def test_a_build_for_no_board(build: Path) -> None:
    for backend, options, message in (
        ("xrt", {}, "was not built for a card with XRT; choose a platform such as u200"),
        ("pynq", {"bitstream": build}, r"has no design\.json: it was not built for a board with PYNQ"),
    ):
        with pytest.raises(InputError, match=message):
            runtime.load(build, backend, **options)
    with pytest.raises(InputError, match="has no kernel for a card with XRT; choose a platform such as u200"):
        rtlnn.simulate_on_card(build)


def test_closed(build: Path, rng: np.random.Generator) -> None:
    loaded = runtime.load(build, "reference")
    loaded.close()
    loaded.close()
    with pytest.raises(InputError, match="closed"):
        loaded(_x(rng, 1))


def test_a_broken_design_is_no_result(build: Path, tmp_path: Path, rng: np.random.Generator) -> None:
    """A design that loses `tlast` must not be taken for one that computes."""
    folder = tmp_path / "broken"
    shutil.copytree(build, folder)
    top = folder / "rtl" / f"{BuildFolder.open(folder).interface.top}.v"
    text = top.read_text()
    assert text.count(".o__tlast(m_axis_tlast)") == 1
    top.write_text(text.replace(".o__tlast(m_axis_tlast)", ".o__tlast()"))
    with runtime.load(folder) as loaded, pytest.raises(CheckFailed, match="tlast missing"):
        loaded(_x(rng, 2))


def test_the_back_end_is_closed_after_an_error(build: Path, rng: np.random.Generator) -> None:
    class Broken:
        cycles = None
        closed = 0

        def run(self, frames: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
            assert list(frames) == ["s_axis"]
            raise CheckFailed("the board is gone")

        def close(self) -> None:
            self.closed += 1

    network, interface, backend = rtlnn.reference(build).network, Interface.load(build), Broken()
    with pytest.raises(CheckFailed, match="gone"), runtime.Runtime(network, interface, backend) as loaded:
        loaded(_x(rng, 1))
    assert backend.closed == 1


def test_compiled_once(build: Path, tmp_path: Path) -> None:
    folder = BuildFolder.open(build)
    open_simulator(folder, cache_dir=tmp_path)
    (library,) = (tmp_path / "cores").iterdir()
    inode = library.stat().st_ino
    open_simulator(folder, cache_dir=tmp_path)
    (library,) = (tmp_path / "cores").iterdir()
    assert library.stat().st_ino == inode
