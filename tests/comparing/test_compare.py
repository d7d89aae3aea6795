"""The comparison with onnxruntime: nothing differs where nothing should, and a planted fault is found in its layer."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from rtlnn.cli import main
from rtlnn.comparing import Comparison, Difference, compare, subject
from rtlnn.errors import InputError
from rtlnn.ir.network import Network
from rtlnn.ops import Precision
from tests.cli.models import save_inputs, save_small
from tests.onnx_models import Model


def _network(rng: np.random.Generator, channels: int = 8, shared: bool = False) -> onnx.ModelProto:
    """Two convolutions, a pool whose last row nobody reads, a dense layer."""
    m = Model(("N", 3, 9, 9)).qdq(0.02, 3)
    m.add("Conv", m.integers(rng.integers(-127, 128, (channels, 3, 3, 3), np.int8), 0.003), name="first", pads=[1] * 4)
    m.add("Relu").qdq(0.03, -128).add("MaxPool", kernel_shape=[2, 2], strides=[2, 2], name="pool").qdq(0.03, -128)
    weights = rng.integers(-127, 128, (5, channels, 3, 3), np.int8)
    m.add("Conv", m.integers(weights, rng.uniform(0.001, 0.01, 5)), name="second").qdq(0.05, 7).add("Flatten").qdq(
        0.05, 7
    )
    bias = m.integers(rng.integers(-99, 99, 4, np.int32), np.float32(0.05) * np.float32(0.01))
    m.add("Gemm", m.integers(rng.integers(-127, 128, (4, 20), np.int8), 0.01), bias, transB=1, name="dense")
    model = m.qdq(0.3, -5).build()
    if shared:
        for node in model.graph.node:
            if node.op_type == "DequantizeLinear":
                twin = next((n for n in model.graph.node if node.input[0] in n.output), None)
                if twin is not None:
                    node.input[1:] = twin.input[1:]
    return model


def _inputs(rng: np.random.Generator, frames: int = 20) -> np.ndarray:
    return rng.uniform(-2.5, 2.5, (frames, 3, 9, 9)).astype(np.float32)


@pytest.mark.parametrize("shared", [False, True])
def test_nothing_differs(shared: bool, rng: np.random.Generator) -> None:
    result = compare(_network(rng, shared=shared), _inputs(rng))
    assert result.equal, result.to_json()
    assert [c.layer for c in result.layers] == ["input", "first", "second", "dense"]
    # of the 9x9 image, the pool reads 8x8
    assert [c.alone.values for c in result.layers] == [20 * n for n in (3 * 81, 8 * 16, 5 * 4, 4)]
    assert result.frames == 20
    assert not result.notes


def test_a_wrong_weight_is_found(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    right = subject.network_of

    def wrong(*arguments: object) -> Network:
        network: Network = right(*arguments)
        constants = dict(network.core.constants)
        (name,) = (n.inputs[1] for n in network.core.nodes if n.name == "second")
        constants[name] = constants[name] + (np.arange(5) == 2).reshape(5, 1, 1, 1) * 9
        return replace(network, core=replace(network.core, constants=constants))

    monkeypatch.setattr(subject, "network_of", wrong)
    result: Comparison = compare(_network(rng), _inputs(rng))
    assert not result.equal
    first = result.first_diverging
    assert first is not None
    assert first.layer == "second"
    assert 0 < first.alone.differing <= first.alone.values / 5
    by_layer = {c.layer: c for c in result.layers}
    assert by_layer["dense"].alone.differing == 0
    assert by_layer["dense"].through.differing > 0
    assert json.loads(result.to_json())["first_diverging"] == "second"


def test_fast_requantization_may_differ_by_a_step(rng: np.random.Generator) -> None:
    result = compare(_network(rng, 64), _inputs(rng, 60), precision=Precision.FAST)
    worst = max((c.alone for c in result.layers), key=lambda d: d.largest)
    assert worst.largest <= 1
    assert worst.fraction < 1e-2


def test_layers_that_onnxruntime_computes_in_float_are_named(rng: np.random.Generator) -> None:
    m = Model(("N", 5, 4)).qdq(0.05, 7).add("Flatten")
    m.add("Gemm", m.integers(rng.integers(-127, 128, (4, 20), np.int8), 0.01), transB=1, name="dense")
    result = compare(m.qdq(0.3, -5).build(), rng.uniform(-5, 5, (9, 5, 4)))
    assert result.notes == ("onnxruntime computes in float, so that ties may be rounded otherwise: dense",)


def test_differences() -> None:
    found = Difference.of(np.array([1, 5, 3]), np.array([1, 2, 4]))
    assert found == Difference(3, 2, 3.0)
    assert found + Difference(1, 1, 9.0) == Difference(4, 3, 9.0)
    assert Difference.of(np.array([1.0, 100.0, 3.0]), np.array([1.0 + 1e-7, 100.00001, 3.1]), 1e-6).differing == 1
    assert Difference.of(np.array([np.nan, 1.0]), np.array([np.nan, np.nan])) == Difference(2, 1, np.inf)


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save_small(tmp_path / "model.onnx")
    save_inputs(tmp_path / "data.npy")
    assert main(["compare", "model.onnx", "data.npy"]) == 2
    assert "--calibration" in capsys.readouterr().err
    main(["compare", "model.onnx", "data.npy", "--calibration", "data.npy", "--json", "--frames", "7"])
    result = json.loads(capsys.readouterr().out)
    assert result["frames"] == 7
    assert [c["alone"]["differing"] for c in result["layers"]] == [0] * len(result["layers"])
    main(["compare", "model.onnx", "data.npy", "--calibration", "data.npy"])
    assert "40 frames" in capsys.readouterr().out
    np.save("wrong.npy", np.zeros((4, 1, 5, 5)))
    assert main(["compare", "model.onnx", "wrong.npy", "--calibration", "data.npy"]) == 2
    assert "the input wrong.npy has the shape (4, 1, 5, 5)" in capsys.readouterr().err


def test_without_onnxruntime(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InputError, match=r"pip install 'rtlnn\[compare\]'"):
        compare(_network(rng), _inputs(rng))
