"""Float models with branches are quantized: close to the float model, and onnxruntime computes the same."""

from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto

from rtlnn.errors import InputError
from rtlnn.load import load_network
from rtlnn.ops import Add, Concat, Requantize, Table
from rtlnn.quantization import Calibration, quantize_model
from rtlnn.sim.reference import Reference
from tests.frontend.test_joining import graph
from tests.onnx_models import run_all

Rng = np.random.Generator


def branching(rng: Rng) -> ModelProto:
    """A residual block, an activation, a concatenation of moved data, two inputs and two outputs."""

    def weights(out: int, channels: int, size: int) -> np.ndarray:
        return (rng.standard_normal((out, channels, size, size)) / np.sqrt(channels * size**2)).astype(np.float32)

    constants = {
        "w0": weights(6, 3, 3), "w1": weights(6, 6, 3), "w2": weights(6, 2, 1), "w3": weights(4, 14, 3),
        "pads": np.array([0, 0, 1, 1, 0, 0, 1, 1]), "starts": np.array([1]), "ends": np.array([9]),
        "axes": np.array([3]), "dense": rng.standard_normal((4, 3)).astype(np.float32),
    }  # fmt: skip
    same = {"pads": [1, 1, 1, 1]}
    nodes: list[tuple[str, list[str], dict[str, object]]] = [
        ("Conv", ["x", "w0"], same),
        ("Relu", ["y0"], {}),
        ("Conv", ["y1", "w1"], same),
        ("Add", ["y1", "y2"], {}),
        ("LeakyRelu", ["y3"], {"alpha": 0.1}),
        ("Conv", ["z", "w2"], {}),
        ("Sigmoid", ["y5"], {}),
        ("Mul", ["y4", "y6"], {}),
        ("Concat", ["y7", "y4", "z"], {"axis": 1}),
        ("Pad", ["y8", "pads"], {}),
        ("Slice", ["y9", "starts", "ends", "axes"], {}),
        ("Conv", ["y10", "w3"], {"strides": [2, 2]}),
        ("GlobalAveragePool", ["y11"], {}),
        ("Flatten", ["y12"], {}),
        ("Gemm", ["y13", "dense"], {}),
        ("Softmax", ["y14"], {}),
        ("MaxPool", ["y7"], {"kernel_shape": [2, 2], "strides": [2, 2]}),
    ]
    return graph({"x": ("N", 3, 8, 8), "z": ("N", 2, 8, 8)}, nodes, constants)


def data(rng: Rng, frames: int = 40) -> dict[str, np.ndarray]:
    shapes = {"x": (frames, 3, 8, 8), "z": (frames, 2, 8, 8)}
    return {n: rng.standard_normal(s).astype(np.float32) for n, s in shapes.items()}


def test_close_to_the_float_model(rng: Rng) -> None:
    model, inputs = branching(rng), data(rng)
    ours = Reference(load_network(model, inputs)).named(*inputs.values())
    for got, wanted in zip(ours.values(), run_all(model, list(inputs.values())), strict=True):
        assert np.abs(got - wanted).max() < 0.05 * np.abs(wanted).max()


def test_onnxruntime_computes_the_same(rng: Rng) -> None:
    model, inputs = branching(rng), data(rng)
    quantized = quantize_model(model, inputs)
    ours = Reference(load_network(quantized)).named(*inputs.values())
    for got, theirs in zip(ours.values(), run_all(quantized, list(inputs.values())), strict=True):
        step = np.abs(np.diff(np.unique(theirs))).min()
        differs = np.abs(got - theirs) > 0.5 * step
        assert differs.mean() < 0.01


def test_what_is_joined_has_one_format(rng: Rng) -> None:
    core = load_network(branching(rng), data(rng)).core
    (concat,) = (n for n in core.nodes if isinstance(n.op, Concat))
    makers = {n.output: n for n in core.nodes}
    read = [makers[v].op for v in concat.inputs if v in makers]
    assert read
    assert all(isinstance(op, (Requantize, Table)) for op in read)
    # none of them reads codes only to bring them to another format
    requantized = [makers[v] for v in concat.inputs if v in makers and isinstance(makers[v].op, Requantize)]
    before = [makers[n.inputs[0]].op for n in requantized if n.inputs[0] in makers]
    assert not any(isinstance(op, Requantize) for op in before)
    assert sum(isinstance(n.op, Add) for n in core.nodes) == 1


def test_calibration_of_several_inputs(tmp_path: Path, rng: Rng) -> None:
    model, inputs = branching(rng), data(rng, 6)
    np.savez(tmp_path / "data.npz", **inputs)
    a, b = load_network(model, inputs), load_network(model, tmp_path / "data.npz")
    for x, y in zip(Reference(a).outputs(*a.to_core(*inputs.values())), Reference(b).outputs(
        *b.to_core(*inputs.values())), strict=True):  # fmt: skip
        np.testing.assert_array_equal(x, y)
    assert len(load_network(model, Calibration.RANDOM).core.inputs) == 2
    with pytest.raises(InputError, match="is one array; the model has the inputs 'x', 'z'"):
        load_network(model, inputs["x"])
    with pytest.raises(InputError, match="'z' is in one of them only"):
        load_network(model, {"x": inputs["x"]})
    with pytest.raises(InputError, match=r"different numbers of frames.*\[6, 3\]"):
        load_network(model, {"x": inputs["x"], "z": inputs["z"][:3]})
    with pytest.raises(InputError, match=r"2 inputs \(x, z\)"):
        Reference(a).network.input  # noqa: B018
    with pytest.raises(InputError, match="has 2 inputs"):
        Reference(a).named(inputs["x"])
