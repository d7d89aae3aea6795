"""Binary networks in plain ONNX: comparisons become thresholds on integers."""

from collections.abc import Callable

import numpy as np
import onnx
import pytest

from rtlnn.errors import InputError
from rtlnn.frontend import import_model
from rtlnn.load import load_network
from rtlnn.ops import Thresholds
from rtlnn.sim.reference import Reference
from tests.onnx_models import Model, evaluate, run

Rng = np.random.Generator
F = np.float32


def _levels(rng: Rng) -> np.ndarray:
    return np.rint(rng.normal(0, 2, 8)).astype(F)


FORMS: dict[str, Callable[[Model, Rng], Model]] = {
    "sign": lambda m, r: m.add("Sign"),
    "greater, where": lambda m, r: m.add("Greater", _levels(r)).add("Where", F(1), F(-1)),
    "less or equal, cast": lambda m, r: m.add("LessOrEqual", _levels(r)).add("Cast", to=onnx.TensorProto.FLOAT),
    "constant first": lambda m, r: m.add("Less", _levels(r), "<").add("Where", _levels(r), F(0.5)),
    "greater or equal, cast, scaled": lambda m, r: (
        m.add("GreaterOrEqual", F(1)).add("Cast", to=onnx.TensorProto.FLOAT).add("Mul", F(2)).add("Sub", F(1))
    ),
}


@pytest.mark.parametrize("form", FORMS, ids=lambda c: c.replace(" ", "-"))
def test_comparison_equals_onnxruntime(form: str, rng: Rng) -> None:
    model = FORMS[form](Model(("N", 8)), rng).build()
    x = np.rint(rng.normal(0, 2, (64, 8))).astype(F)
    np.testing.assert_array_equal(evaluate(import_model(model), x), run(model, x))


def _network(form: str, rng: Rng) -> onnx.ModelProto:
    """Weights of -a, 0 and a, as floats."""
    m = FORMS[form](Model(("N", 8)), rng)
    m.add("MatMul", (rng.integers(-1, 2, (8, 8)) * F(0.5)).astype(F)).add("Add", _levels(rng) / F(4))
    return FORMS[form](m, rng).add("MatMul", rng.choice([-1, 1], (8, 3)).astype(F)).build()


@pytest.mark.parametrize("form", ["sign", "greater, where", "greater or equal, cast, scaled"])
def test_network_equals_onnxruntime(form: str, rng: Rng) -> None:
    model = _network(form, rng)
    x = np.rint(rng.normal(0, 2, (200, 8))).astype(F)
    network = load_network(model)
    assert sum(isinstance(n.op, Thresholds) for n in network.core.nodes) == 1
    np.testing.assert_array_equal(Reference(network)(x), run(model, x))


def test_what_is_refused() -> None:
    m = Model(("N", 8)).add("Relu").add("Greater", "x", name="both").add("Where", F(1), F(0))
    with pytest.raises(InputError, match=r"Greater 'both': both operands are computed from the data"):
        import_model(m.build())
