"""Other weights in a running build: computed by the hardware from the next run on, or refused where they do not fit."""

from pathlib import Path

import numpy as np
import onnx
import pytest

import rtlnn
from rtlnn import runtime
from rtlnn.errors import InputError
from rtlnn.load import load_network
from rtlnn.options import Options
from rtlnn.passes.settings import LayerSettings, Settings
from rtlnn.runtime.reload import reloaded
from tests.onnx_models import Model, dense_layers

SIZES = 6, 5, 3
Rng = np.random.Generator


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(5)
    folder = tmp_path_factory.mktemp("reload") / "build"
    options = Options(platform="vu9p", calibration=rng.normal(size=(64, SIZES[0])), reloadable=("fc1",))
    rtlnn.build(dense_layers(rng, SIZES), folder, options)
    return folder


def _weights(model: runtime.Runtime) -> np.ndarray:
    core = model.network.core
    (node,) = (node for node in core.nodes if node.name == "fc1")
    return core.constants[node.inputs[1]]


def test_extreme_weights_are_computed_exactly(build: Path, rng: Rng) -> None:
    """The least and the largest ones, and random ones: the hardware has room for any of the format."""
    x = rng.normal(size=(7, SIZES[0]))
    with runtime.load(build) as hardware, runtime.load(build, "reference") as reference:
        before = hardware(x)
        np.testing.assert_array_equal(before, reference(x))
        shape, kept = _weights(hardware).shape, _weights(hardware)
        changed = 0
        for weights in (np.full(shape, -128), np.full(shape, 127), rng.integers(-128, 128, shape), kept):
            hardware.reload("fc1", weights)
            reference.reload("fc1", weights)
            after = hardware(x)
            np.testing.assert_array_equal(after, reference(x))
            changed += bool((after != before).any())
        np.testing.assert_array_equal(after, before)
        assert changed >= 2


def test_what_does_not_fit_is_refused(build: Path) -> None:
    with runtime.load(build, "reference") as model:
        kept = _weights(model)
        for layer, weights, message in (
            ("fc2", kept, "cannot be reloaded; those of fc1 can"),
            ("fc1", kept[:, 1:], r"takes integers of shape \(5, 6\)"),
            ("fc1", kept / 2, "takes integers of shape"),
            ("fc1", np.full(kept.shape, 128), "takes integers from -128 to 127"),
        ):
            with pytest.raises(InputError, match=message):
                model.reload(layer, weights)
        with pytest.raises(InputError, match="takes integers from"):
            model.reload("fc1", kept, np.full(len(kept), 1 << 24))
        assert _weights(model) is kept


def test_only_layers_with_weights_are_reloadable(rng: Rng, tmp_path: Path) -> None:
    options = Options(platform="vu9p", calibration=rng.normal(size=(8, SIZES[0])), reloadable=("relu",))
    with pytest.raises(InputError, match="no layer with weights is named 'relu'; the layers with weights are fc1, fc2"):
        rtlnn.build(dense_layers(rng, SIZES), tmp_path / "build", options)


def test_few_levels_are_not_compared(rng: Rng, tmp_path: Path) -> None:
    """Thresholds would be those of the weights at hand; with every layer reloadable there is no other memory."""
    x = rng.normal(size=(64, SIZES[0]))
    settings = Settings(LayerSettings(weights=8, activations=2))
    options = Options(platform="vu9p", calibration=x, settings=settings, reloadable=("all",))
    rtlnn.build(dense_layers(rng, SIZES), tmp_path / "build", options)
    with runtime.load(tmp_path / "build") as hardware, runtime.load(tmp_path / "build", "reference") as reference:
        for weights in (np.full(_weights(hardware).shape, -128), rng.integers(-128, 128, _weights(hardware).shape)):
            hardware.reload("fc1", weights)
            reference.reload("fc1", weights)
            np.testing.assert_array_equal(hardware(2 * x), reference(2 * x))


def _chain(weight: int, bias: int) -> onnx.ModelProto:
    """Two layers of one weight each, quantized."""
    model = Model([1, 1]).qdq(0.02, 0, "uint8")
    weights = model.integers(np.int8([[weight]]), 0.01), model.integers(np.int32([bias]), np.float32(0.02 * 0.01))
    model.add("Gemm", *weights, name="first", transB=1).qdq(0.1, 50)
    return model.add("Gemm", model.integers(np.int8([[100]]), 0.01), name="g", transB=1).qdq(0.1, 0).build([1, 1])


def test_a_reload_is_the_model_with_these_weights() -> None:
    """No value is cut off that the weights and the bias of before did not reach."""
    x = np.arange(256).reshape(256, 1, 1, 1)
    before = load_network(_chain(10, 20_000), reloaded=("first",))
    wanted = load_network(_chain(-128, 0))
    core = before.core
    (node,) = (node for node in core.nodes if node.name == "first")
    bias = np.zeros_like(core.constants[node.inputs[2]])
    found = reloaded(before, "first", np.array([[-128]]), bias)
    results = [n.core.evaluate(x)[n.core.outputs[0]] for n in (found, wanted)]
    np.testing.assert_array_equal(*results)
    assert np.unique(results[0]).size > 20
