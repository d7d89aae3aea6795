"""Other weights in a running build: computed by the hardware from the next run on, or refused where they do not fit."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import rtlnn
from rtlnn import runtime
from rtlnn.builder import Options
from rtlnn.errors import InputError

SIZES = 6, 5, 3
Rng = np.random.Generator


def _model(rng: Rng) -> onnx.ModelProto:
    """Two dense layers, fc1 and fc2, of real numbers."""
    nodes, constants, value = [], [], "x"
    for number, (inputs, outputs) in enumerate(pairwise(SIZES), 1):
        name, made = f"fc{number}", f"y{number}"
        for suffix, shape in (("w", (outputs, inputs)), ("b", (outputs,))):
            array = rng.normal(0, 0.5, shape).astype(np.float32)
            constants.append(numpy_helper.from_array(array, f"{name}.{suffix}"))
        nodes.append(helper.make_node("Gemm", [value, f"{name}.w", f"{name}.b"], [made], name, transB=1))
        value = made
        if number < len(SIZES) - 1:
            nodes.append(helper.make_node("Relu", [made], [f"r{number}"]))
            value = f"r{number}"
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", size])
        for name, size in (("x", SIZES[0]), (value, SIZES[-1]))
    ]
    graph = helper.make_graph(nodes, "tiny", ends[:1], ends[1:], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=9)


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(5)
    folder = tmp_path_factory.mktemp("reload") / "build"
    options = Options(platform="vu9p", calibration=rng.normal(size=(64, SIZES[0])), reloadable=("fc1",))
    rtlnn.build(_model(rng), folder, options)
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
        rtlnn.build(_model(rng), tmp_path / "build", options)
