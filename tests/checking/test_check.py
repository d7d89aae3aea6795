"""What a check says of each node, without stopping at the first problem."""

import json
from pathlib import Path

import numpy as np
import pytest

from rtlnn.checking import Check, Fate, check_model
from rtlnn.cli import main
from rtlnn.frontend import import_model
from rtlnn.ir.refusal import NodesRefused
from rtlnn.load import network_of
from rtlnn.ops import Rearrange
from rtlnn.plan.simple import KINDS
from tests.cli.models import BAD_MODELS, save_small
from tests.onnx_models import Model


def _fates(check: Check) -> dict[str, tuple[Fate, tuple[str, ...]]]:
    return {n.name: (n.fate, n.layers) for n in check.nodes}


def _weights(*shape: int) -> np.ndarray:
    return np.random.default_rng(3).standard_normal(shape).astype(np.float32)


def test_float_model() -> None:
    m = Model(("N", 2, 8, 8)).add("Conv", _weights(4, 2, 3, 3), name="conv")
    ones = np.ones(4, np.float32)
    m.add("BatchNormalization", 2 * ones, ones, ones, ones, name="norm").add("Relu", name="relu")
    m.add("Flatten", name="flat").add("MatMul", _weights(144, 5), name="fc").add("Add", _weights(5), name="bias")
    check = check_model(m.add("Softmax", name="soft").build())
    assert check.buildable
    assert _fates(check) == {
        "conv": (Fate.LAYER, ("conv",)),
        "norm": (Fate.LAYER, ("conv",)),
        "relu": (Fate.LAYER, ("conv",)),
        "flat": (Fate.LAYOUT, ()),
        "fc": (Fate.LAYER, ("fc",)),
        "bias": (Fate.LAYER, ("fc",)),
        "soft": (Fate.HOST, ()),
    }
    conv, fc = check.layers
    assert (conv.output, conv.multiplies, conv.weights) == ((6, 6, 4), 36 * 4 * 2 * 9, 4 * 2 * 9)
    assert (conv.weight_bits, conv.input_bits, conv.output_bits) == (8, 8, 8)
    assert (fc.multiplies, fc.weights) == (720, 720)
    assert check.weight_bits == 8 * (72 + 720)
    assert "calibration" in check.notes[0]


def test_quantized_model() -> None:
    m = Model(("N", 4, 1, 1)).quantize(0.1, 0).dequantize(0.1, 0)
    m.add("Conv", m.integers(np.full((3, 4, 1, 1), 3, np.int8), [0.1, 0.2, 0.3]), name="conv").add("Relu", name="relu")
    check = check_model(m.qdq(0.2, -128).build())
    assert check.buildable
    fates = _fates(check)
    assert fates["quantizelinear0"] == (Fate.HOST, ())
    assert {fates[n][1] for n in ("dequantizelinear1", "conv", "relu", "quantizelinear5")} == {("conv",)}
    assert [f for f, _ in fates.values()].count(Fate.CONSTANT) == 1
    (layer,) = check.layers
    assert (layer.weight_bits, layer.output_bits) == (3, 8)


def test_every_problem_is_told() -> None:
    m = Model(("N", 1, 6, 6)).add("Cos", name="first").add("Conv", _weights(4, 1, 3, 3), name="conv")
    m.add("Sin", name="second").add("Einsum", name="third", equation="nchw->nchw")
    check = check_model(m.build())
    assert not check.buildable
    assert [r.node for r in check.refusals] == ["first", "second", "third"]
    assert all(r.reason and r.advice for r in check.refusals)
    assert _fates(check)["conv"][0] is Fate.ACCEPTED
    assert [layer.weights for layer in check.layers] == [36]


def test_every_layer_that_is_not_quantized_is_told() -> None:
    m = Model(("N", 4, 1, 1)).qdq(0.1, 0)
    for name in ("one", "two"):
        m.add("Conv", m.integers(np.ones((4, 4, 1, 1), np.int8), 0.1), name=name).add("Relu", name=f"{name}_relu")
        m.add("Conv", m.integers(np.ones((4, 4, 1, 1), np.int8), 0.1), name=f"{name}_bare").qdq(0.1, 0)
    with pytest.raises(NodesRefused) as caught:
        network_of(import_model(m.build()))
    assert [r.node for r in caught.value.refusals] == ["one_bare", "two_bare"]
    assert all("not quantized" in r.reason for r in caught.value.refusals)
    # calibration data help
    check = check_model(m.build())
    assert check.buildable
    assert "in part" in check.notes[0]


def test_exit_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "model.onnx"
    save_small(path)
    assert main(["check", str(path)]) == 0
    assert "nodes can be built" in capsys.readouterr().out
    assert main(["check", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["buildable"]
    BAD_MODELS["three unsupported"][0](path)
    assert main(["check", str(path)]) == 1
    assert capsys.readouterr().out.count("REFUSED") == 3
    assert main(["check", str(path), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert [n["fate"] for n in found["nodes"]].count("refused") == 3
    for case in ("missing", "not ONNX", "truncated", "opset too old", "unknown dimensions"):
        path.unlink(missing_ok=True)
        BAD_MODELS[case][0](path)
        assert main(["check", str(path)]) == 2
        assert capsys.readouterr().err.startswith("error: ")


def test_operations_without_hardware_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    m = Model(("N", 2, 4, 4)).quantize(0.1, 0).add("Transpose", perm=[0, 1, 3, 2]).dequantize(0.1, 0)
    m.add("Conv", m.integers(np.ones((2, 2, 3, 3), np.int8), 0.1), name="conv").qdq(0.1, 0)
    assert check_model(m.build()).buildable
    monkeypatch.delitem(KINDS, Rearrange)
    (problem,) = check_model(m.build()).problems
    assert "no hardware computes Rearrange" in problem
