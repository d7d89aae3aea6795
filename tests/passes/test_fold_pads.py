"""Pads before a convolution become its own; all others stay."""

import numpy as np
import pytest

from rtlnn.load import load_network
from rtlnn.ops import Conv2D
from rtlnn.sim.reference import Reference
from tests.onnx_models import Model, run

Rng = np.random.Generator


def _model(rng: Rng, pads: list[int], mode: str = "constant", fill: float = 0.0) -> Model:
    m = Model(("N", 3, 5, 6)).qdq(0.05, 3).add("Pad", np.array(pads), np.float32(fill), mode=mode).qdq(0.05, 3)
    weights = rng.integers(-127, 128, (4, 3, 3, 3)).astype(np.int8)
    return m.add("Conv", m.integers(weights, 0.01), pads=[1, 0, 0, 0], strides=[2, 2]).qdq(0.4, -5)


@pytest.mark.parametrize(
    ("pads", "mode", "fill", "operators"),
    [
        ([0, 0, 0, 1, 0, 0, 2, 3], "constant", 0.0, ["Conv2D", "Requantize"]),
        ([0, 0, 0, 1, 0, 0, 2, 3], "constant", 0.1, ["Rearrange", "Conv2D", "Requantize"]),
        ([0, 0, 1, 1, 0, 0, 1, 1], "reflect", 0.0, ["Rearrange", "Conv2D", "Requantize"]),
    ],
)
def test_results_stay(pads: list[int], mode: str, fill: float, operators: list[str], rng: Rng) -> None:
    network = load_network(proto := _model(rng, pads, mode, fill).build())
    assert [type(n.op).__name__ for n in network.core.nodes] == operators
    x = rng.standard_normal((30, 3, 5, 6)).astype(np.float32) * 3
    np.testing.assert_array_equal(Reference(network)(x), run(proto, x))


def test_pads_add_up(rng: Rng) -> None:
    network = load_network(_model(rng, [0, 0, 0, 1, 0, 0, 2, 3]).build())
    op = network.core.nodes[0].op
    assert isinstance(op, Conv2D)
    assert op.window.pads[:2] == (1, 1)
