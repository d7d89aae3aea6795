"""The functions of the package."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

import rtlnn
from tests.cli.models import SHAPE, save_inputs, save_small
from tests.onnx_models import run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model, its calibration data, and a build."""
    folder = tmp_path_factory.mktemp("api")
    save_small(folder / "model.onnx")
    save_inputs(folder / "data.npy")
    options = rtlnn.Options(calibration=folder / "data.npy", target_interval=400)
    report = rtlnn.build(folder / "model.onnx", folder / "build", options)
    assert report == rtlnn.estimate(folder / "model.onnx", options)
    return folder


def test_every_name_is_there() -> None:
    for name in rtlnn.__all__:
        assert callable(getattr(rtlnn, name)), name
    assert set(rtlnn.__all__) <= set(dir(rtlnn))
    with pytest.raises(AttributeError, match="no attribute 'biuld'"):
        rtlnn.biuld  # noqa: B018


def test_no_module_takes_a_functions_name() -> None:
    """Importing a submodule sets an attribute of the package, in place of the function."""
    code = (
        "import pkgutil, rtlnn; names = {m.name for m in pkgutil.iter_modules(rtlnn.__path__)};"
        "assert not names & set(rtlnn.__all__), names & set(rtlnn.__all__)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_importing_the_package_loads_nothing() -> None:
    code = "import sys, rtlnn; assert not {'amaranth', 'onnx', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_reference(folder: Path) -> None:
    x = np.load(folder / "data.npy")
    reference = rtlnn.reference(folder / "model.onnx", calibration=folder / "data.npy")
    got = reference(x)
    np.testing.assert_allclose(got, run(onnx.load(folder / "model.onnx"), x), atol=0.1)
    np.testing.assert_array_equal(rtlnn.reference(str(folder / "build"))(x), got)
    assert reference(x[0]).shape == (1, 3)


def test_quantize(folder: Path) -> None:
    model = rtlnn.quantize(folder / "model.onnx", folder / "data.npy")
    x = np.load(folder / "data.npy")
    np.testing.assert_array_equal(rtlnn.reference(model)(x), rtlnn.reference(folder / "build")(x))


def test_simulate_takes_the_models_own_input_or_integers(folder: Path) -> None:
    build, x = folder / "build", np.load(folder / "data.npy")
    network = rtlnn.reference(build).network
    for inputs, frames, count in (
        (x, None, 40),
        (x[0], None, 1),
        (folder / "data.npy", 7, 7),
        (network.to_core(x)[0], 6, 6),
        (np.ones((5, *SHAPE), np.uint8), None, 5),
    ):
        result = rtlnn.simulate(build, inputs, frames)
        assert result.passed, result.failures
        assert result.frames == count
        assert result.inputs == ("array" if isinstance(inputs, np.ndarray) else str(inputs))


@pytest.mark.parametrize(
    ("inputs", "frames", "message"),
    [
        (np.zeros((5, 7, 7), np.uint8), None, r"shape \(5, 7, 7\)"),
        (np.full((2, *SHAPE), np.nan), None, "holds NaN or infinity"),
        (np.zeros((0, *SHAPE)), None, "no frames"),
        (np.zeros((2, *SHAPE)), 3, "holds 2 frames, not 3"),
        ("none.npy", None, r"none\.npy cannot be read"),
    ],
)
def test_simulate_refuses(inputs: object, frames: int | None, message: str, folder: Path) -> None:
    with pytest.raises(rtlnn.InputError, match=message):
        rtlnn.simulate(folder / "build", inputs, frames)  # type: ignore[arg-type]
