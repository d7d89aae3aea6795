"""Float models with activations of all kinds: quantized before and behind them, they become tables."""

from collections.abc import Callable

import numpy as np
import pytest

from rtlnn.load import load_network
from rtlnn.ops import Table
from rtlnn.sim.reference import Reference
from tests.onnx_models import Model, run

Rng = np.random.Generator


def _swish(m: Model, _: Rng) -> Model:
    x = m.last
    return m.add("Sigmoid").add("Mul", x)


def _gelu(m: Model, _: Rng) -> Model:
    """As exporters write it below opset 20."""
    x = m.last
    m.add("Div", np.float32(np.sqrt(2))).add("Erf").add("Add", np.float32(1)).add("Mul", x)
    return m.add("Mul", np.float32(0.5))


ACTIVATIONS: dict[str, Callable[[Model, Rng], Model]] = {
    "leaky relu": lambda m, r: m.add("LeakyRelu", alpha=0.1),
    "hard swish": lambda m, r: m.add("HardSwish"),
    "gelu": lambda m, r: m.add("Gelu"),
    "gelu by tanh": lambda m, r: m.add("Gelu", approximate="tanh"),
    "gelu in parts": _gelu,
    "mish": lambda m, r: m.add("Mish"),
    "swish in parts": _swish,
    "prelu by channel": lambda m, r: m.add("PRelu", r.uniform(-0.5, 1, (4, 1, 1)).astype(np.float32)),
    "tanh": lambda m, r: m.add("Tanh"),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_table_between_two_layers(name: str, rng: Rng) -> None:
    def weights(*shape: int) -> np.ndarray:
        return 0.3 * rng.standard_normal(shape).astype(np.float32)

    m = Model(("N", 3, 6, 6), opset=20).add("Conv", weights(4, 3, 3, 3), weights(4))
    m = ACTIVATIONS[name](m, rng).add("Flatten").add("Gemm", weights(64, 7), weights(7))
    x = rng.standard_normal((100, 3, 6, 6)).astype(np.float32)
    network = load_network(proto := m.build(), x)
    assert sum(isinstance(n.op, Table) for n in network.core.nodes) == 1
    wanted = run(proto, x)
    assert np.abs(Reference(network)(x) - wanted).max() < 0.04 * np.abs(wanted).max()
