"""ArgMax: any axis but that of the frames, in whatever layout."""

import numpy as np
import pytest
from onnx import TensorProto

from rtlnn.errors import InputError
from rtlnn.frontend import import_model
from tests.onnx_models import Model, evaluate, run

Rng = np.random.Generator


@pytest.mark.parametrize("keepdims", [0, 1])
@pytest.mark.parametrize(
    ("shape", "axis"),
    [((7,), 1), ((5, 4, 3), 1), ((5, 4, 3), -3), ((5, 4, 3), 2), ((4, 3, 5), 3), ((6, 9), 1), ((9, 6), -1)],
)
def test_every_layout(shape: tuple[int, ...], axis: int, keepdims: int, rng: Rng) -> None:
    # few numbers, so that several are the largest
    m = Model(("N", *shape)).add("Mul", np.float32(2)).add("ArgMax", axis=axis, keepdims=keepdims)
    proto = m.build(output_type=TensorProto.INT64)
    x = rng.integers(-2, 3, (20, *shape)).astype(np.float32)
    np.testing.assert_array_equal(evaluate(import_model(proto), x), run(proto, x))


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"axis": 0}, "it compares frames"),
        ({"axis": 1, "select_last_index": 1}, "select_last_index = 0"),
    ],
)
def test_other_axes_and_ties(attributes: dict[str, int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        import_model(Model(("N", 5, 4, 3)).add("ArgMax", **attributes).build(output_type=TensorProto.INT64))


def test_a_cast_of_an_index_changes_nothing(rng: Rng) -> None:
    m = Model(("N", 5, 4, 3)).add("Relu").add("ArgMax", axis=1).add("Cast", to=TensorProto.INT32)
    proto = m.build(output_type=TensorProto.INT32)
    x = rng.standard_normal((20, 5, 4, 3)).astype(np.float32)
    np.testing.assert_array_equal(evaluate(import_model(proto), x), run(proto, x))
