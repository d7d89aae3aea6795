"""rtlnn as an ONNX backend."""

from typing import Any

import numpy as np
import onnx
import pytest

from rtlnn import backend
from rtlnn.backend import Backend, Evaluation, Refused
from rtlnn.backend.cases import KINDS, CaseResult, Outcome, official_cases, run_case
from rtlnn.backend.report import document, operator_of
from tests.onnx_models import Model

OPERATORS = {
    "Add", "AveragePool", "BatchNormalization", "Clip", "Concat", "Conv", "ConvInteger", "ConvTranspose",
    "DequantizeLinear", "Flatten", "Gemm", "GlobalAveragePool", "LeakyRelu", "MatMul", "MaxPool", "Pad",
    "QLinearConv", "QLinearMatMul", "QuantizeLinear", "Relu", "Reshape", "Resize", "Slice", "Split", "Transpose",
}  # fmt: skip
"""Of the official cases, the tests run those about these operators; `python -m rtlnn.backend.report` runs all."""


@pytest.mark.parametrize("kind", KINDS)
def test_no_official_case_fails(kind: str) -> None:
    cases = [c for c in official_cases(kind) if kind != "node" or _about(c) in OPERATORS]
    results = [run_case(case) for case in cases]
    assert results
    assert [f"{r.name}: {r.reason}" for r in results if r.outcome is Outcome.FAILED] == []
    assert sum(r.outcome is Outcome.PASSED for r in results) >= {"node": 50, "simple": 0}.get(kind, 10)
    assert all(r.reason for r in results if r.outcome is Outcome.REFUSED)


def _about(case: Any) -> str:
    return str(case.model.graph.node[0].op_type) if len(case.model.graph.node) == 1 else ""


def test_a_wrong_result_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    from rtlnn.ops import Clip

    monkeypatch.setattr(Clip, "evaluate", lambda self, x: np.maximum(x, 0.01))
    (case,) = (c for c in official_cases("node") if c.name == "test_relu")
    result = run_case(case)
    assert result.outcome is Outcome.FAILED
    assert result.evaluation is Evaluation.REAL
    page = document([result])
    assert "0 passed, 0 refused, 1 failed" in page
    assert "| Relu | 0 | 0 | 1 |  |" in page


def test_quantized_models_run_as_integers(rng: np.random.Generator) -> None:
    m = Model((2, 4)).qdq(0.1, 0)
    m.add("Gemm", m.integers(rng.integers(-9, 9, (3, 4), np.int8), 0.1), transB=1).qdq(0.2, 1)
    x = rng.uniform(-5, 5, (2, 4)).astype(np.float32)
    prepared = backend.prepare(m.build((2, 3)))
    (y,) = prepared.run([x])
    assert prepared.evaluation is Evaluation.INTEGER
    assert y.shape == (2, 3)
    np.testing.assert_array_equal(backend.run_model(m.build((2, 3)), [x])[0], y)


def test_one_node(rng: np.random.Generator) -> None:
    node = onnx.helper.make_node("Conv", ["x", "w"], ["y"])
    x, w = rng.standard_normal((1, 2, 3, 3)).astype(np.float32), np.ones((1, 2, 3, 3), np.float32)
    (y,) = backend.run_node(node, [x, w])
    np.testing.assert_allclose(y, x.sum().reshape(1, 1, 1, 1), rtol=1e-5)


def test_refusals() -> None:
    model = Model((2, 4)).add("Cosh", name="bad").build((2, 4))
    assert not backend.is_compatible(model)
    with pytest.raises(Refused, match="Cosh 'bad'"):
        backend.run_model(model, [np.zeros((2, 4), np.float32)])
    with pytest.raises(Refused, match="device CUDA"):
        Backend.prepare(model, "CUDA")
    assert [backend.supports_device(d) for d in ("CPU", "CUDA")] == [True, False]


def test_operators_of_cases() -> None:
    def case(name: str, kind: str = "node", operators: tuple[str, ...] = ("Mul", "Tanh")) -> CaseResult:
        return CaseResult(name, kind, operators, Outcome.REFUSED, "no")

    names = {"layernormalization": "LayerNormalization", "layer": "Layer", "gelu": "Gelu"}
    assert operator_of(case("test_gelu_default_1_expanded"), names) == "Gelu"
    assert operator_of(case("test_layer_normalization_2d_axis0"), names) == "LayerNormalization"
    assert operator_of(case("test_relu", operators=("Relu",)), names) == "Relu"
    assert operator_of(case("test_Conv2d_groups", "pytorch-converted"), names) == "PyTorch Conv2d"
    assert operator_of(case("test_something", "simple"), names) == "several operators"
