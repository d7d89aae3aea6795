"""Activations behind quantized values become tables, with onnxruntime's result for every code."""

from collections.abc import Callable

import numpy as np
import onnx
import pytest

from rtlnn.errors import InputError
from rtlnn.ir.network import Network
from rtlnn.load import load_network
from rtlnn.ops import Table
from rtlnn.sim.reference import Reference
from tests.onnx_models import Model, run

Rng = np.random.Generator
Build = Callable[[Model], Model]

FUNCTIONS: dict[str, Build] = {
    "leaky relu": lambda m: m.add("LeakyRelu", alpha=0.07),
    "elu": lambda m: m.add("Elu", alpha=0.9),
    "selu": lambda m: m.add("Selu"),
    "celu": lambda m: m.add("Celu", alpha=0.6),
    "hard sigmoid": lambda m: m.add("HardSigmoid", alpha=0.3),
    "hard swish": lambda m: m.add("HardSwish"),
    "sigmoid": lambda m: m.add("Sigmoid"),
    "tanh": lambda m: m.add("Tanh"),
    "softplus": lambda m: m.add("Softplus"),
    "softsign": lambda m: m.add("Softsign"),
    "mish": lambda m: m.add("Mish"),
    "gelu": lambda m: m.add("Gelu"),
    "gelu by tanh": lambda m: m.add("Gelu", approximate="tanh"),
    "thresholded relu": lambda m: m.add("ThresholdedRelu", alpha=0.5),
    "error function": lambda m: m.add("Erf"),
    "exponential": lambda m: m.add("Exp"),
    "absolute value": lambda m: m.add("Abs"),
    "one slope": lambda m: m.add("PRelu", np.float32([0.3])),
    "a chain": lambda m: m.add("Mul", np.float32(0.7)).add("Tanh").add("Add", np.float32(0.1)).add("Abs").add("Relu"),
    "quantized in between": lambda m: m.add("Sigmoid").qdq(1 / 256, -128).add("Mul", np.float32(3)).add("Elu"),
}
STEPWISE = {"leaky relu", "hard sigmoid", "hard swish", "softsign", "thresholded relu", "absolute value"}
"""What onnxruntime computes with sums, products and quotients alone: equal for 65,536 codes, too."""


def _all_codes(build: Build, bits: int, rng: Rng) -> tuple[onnx.ModelProto, np.ndarray, float]:
    """A model with one quantized function, all inputs that it can tell apart, and the step of its output."""
    dtype = f"{rng.choice(['int', 'uint'])}{bits}"
    lo, hi = np.iinfo(dtype).min, np.iinfo(dtype).max
    steps = rng.uniform(0.2, 1, 2) * (12, 10) / 2**bits
    zeros = rng.integers(lo + (hi - lo) // 4, hi - (hi - lo) // 4, 2)
    m = Model(("N", 1), opset=21 if bits == 16 else 20).qdq(steps[0], zeros[0], dtype)
    proto = build(m).qdq(steps[1], zeros[1], dtype).build()
    x = (np.arange(lo, hi + 1) - zeros[0]).astype(np.float32) * np.float32(steps[0])
    return proto, x[:, np.newaxis], float(np.float32(steps[1]))


def _one_table(network: Network) -> None:
    assert [type(n.op) for n in network.core.nodes] == [Table]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_code_is_onnxruntimes(name: str, rng: Rng) -> None:
    for _ in range(3):
        proto, x, _ = _all_codes(FUNCTIONS[name], 8, rng)
        network = load_network(proto)
        _one_table(network)
        np.testing.assert_array_equal(Reference(network)(x), run(proto, x))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_sixteen_bits(name: str, rng: Rng) -> None:
    proto, x, step = _all_codes(FUNCTIONS[name], 16, rng)
    network = load_network(proto)
    difference = np.abs(np.rint((Reference(network)(x) - run(proto, x)) / step))
    allowed = 0 if name in STEPWISE else len(x) // 500
    # an inner quantization to 8 bits may be decided otherwise
    assert (difference > (60 if "quantized" in name else 1)).sum() == 0
    assert (difference > 0).sum() <= allowed


def test_slopes_by_channel_are_tables_by_channel(rng: Rng) -> None:
    slopes = rng.uniform(-0.5, 1.5, (5, 1, 1)).astype(np.float32)
    m = Model(("N", 5, 16, 16)).qdq(0.05, 3).add("PRelu", slopes).qdq(0.04, -7)
    network = load_network(proto := m.build())
    _one_table(network)
    (node,) = network.core.nodes
    assert network.core.constants[node.inputs[1]].shape == (5, 256)
    codes = np.stack([rng.permutation(256).reshape(16, 16) for _ in range(5)])[np.newaxis]
    x = (codes - 131).astype(np.float32) * np.float32(0.05)
    np.testing.assert_array_equal(Reference(network)(x), run(proto, x))


def test_what_a_requantization_can_do_is_left_to_it() -> None:
    m = Model(("N", 5)).qdq(0.05, 3).add("Mul", np.float32(0.3)).add("Relu").qdq(0.04, -7)
    network = load_network(m.build())
    assert [type(n.op).__name__ for n in network.core.nodes] == ["Requantize"]


def test_an_activation_at_the_end_is_the_hosts(rng: Rng) -> None:
    m = Model(("N", 5)).qdq(0.05, 3).add("Mul", np.float32(0.3)).qdq(0.04, -7).add("Tanh")
    network = load_network(proto := m.build())
    x = rng.standard_normal((9, 5)).astype(np.float32)
    np.testing.assert_allclose(Reference(network)(x), run(proto, x), atol=1e-6)


def test_sums_must_be_quantized_before_an_activation(rng: Rng) -> None:
    weights = rng.integers(-127, 128, (3, 5)).astype(np.int8)
    m = Model(("N", 5)).qdq(0.05, 3)
    m.add("Gemm", m.integers(weights, 0.01), transB=1).add("Tanh", name="curve").qdq(0.04, -7)
    with pytest.raises(InputError, match=r"'curve' .*its input is not quantized"):
        load_network(m.build())


def test_a_product_with_a_function_of_itself_is_one_table(rng: Rng) -> None:
    m = Model(("N", 1)).qdq(0.05, 3)
    x = m.last
    m.add("Sigmoid").qdq(1 / 256, -128).add("Mul", x, name="swish").qdq(0.03, -110)
    network = load_network(proto := m.build())
    _one_table(network)
    assert network.core.nodes[0].name == "swish"
    codes = (np.arange(-128, 128)[:, np.newaxis] - 3).astype(np.float32) * np.float32(0.05)
    np.testing.assert_array_equal(Reference(network)(codes), run(proto, codes))


def test_codes_are_moved_before_a_function_of_them(rng: Rng) -> None:
    m = Model(("N", 4, 3, 3)).qdq(0.05, 3).add("MaxPool", kernel_shape=[2, 2])
    m.add("DepthToSpace", blocksize=2).add("Pad", np.array([0, 0, 1, 0, 0, 0, 0, 2])).add("Tanh").qdq(0.01, -7)
    network = load_network(proto := m.build())
    assert [type(n.op).__name__ for n in network.core.nodes] == ["MaxPool2D", "Rearrange", "Table"]
    assert network.core.nodes[1].op.fill == 3
    x = 4 * rng.standard_normal((20, 4, 3, 3)).astype(np.float32)
    np.testing.assert_array_equal(Reference(network)(x), run(proto, x))


def test_a_fill_between_two_codes_stays_where_it_is(rng: Rng) -> None:
    m = Model(("N", 4, 3, 3)).qdq(0.05, 3).add("Pad", np.array([0, 0, 1, 0, 0, 0, 0, 2]), np.float32(0.02))
    with pytest.raises(InputError, match="its input is not quantized"):
        load_network(m.add("Tanh").qdq(0.01, -7).build())
