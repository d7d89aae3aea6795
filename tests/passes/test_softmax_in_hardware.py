"""A Softmax becomes hardware where the user wants it, and differs from the real one by what is stated."""

import numpy as np
import pytest

from rtlnn.errors import InputError
from rtlnn.ir.network import Network
from rtlnn.load import load_network
from rtlnn.ops import FixedSoftmax, Reshape
from rtlnn.passes.softmax import SoftmaxPlace
from rtlnn.sim.reference import Reference
from tests.onnx_models import Model, run

Rng = np.random.Generator
BOUND = 0.5 + 2.0**-4


def _layer(rng: Rng) -> Model:
    m = Model(("N", 12)).qdq(0.05, 3)
    return m.add("Gemm", m.integers(rng.integers(-127, 128, (7, 12)).astype(np.int8), 0.01), transB=1)


def _operators(network: Network) -> list[str]:
    return [type(n.op).__name__ for n in network.core.nodes if not isinstance(n.op, Reshape)]


def test_the_last_layer(rng: Rng) -> None:
    proto = _layer(rng).qdq(0.1, -5).add("Softmax").build()
    x = rng.standard_normal((200, 12)).astype(np.float32) * 3
    host, hardware = (load_network(proto, softmax=place) for place in SoftmaxPlace)
    assert _operators(hardware) == [*_operators(host), "FixedSoftmax"]
    error = np.abs(Reference(hardware)(x) - Reference(host)(x)).max()
    assert error <= BOUND / 255 + 1e-6
    np.testing.assert_allclose(Reference(host)(x), run(proto, x), atol=1e-6)


def test_the_model_quantizes_its_result(rng: Rng) -> None:
    m = Model(("N", 5, 3, 2)).qdq(0.1, 7).add("Softmax", axis=1).qdq(1 / 256, -128)
    m.add("Conv", m.integers(rng.integers(-127, 128, (4, 5, 1, 1)).astype(np.int8), 0.01))
    network = load_network(m.build(), softmax=SoftmaxPlace.HARDWARE)
    assert _operators(network) == ["FixedSoftmax", "Conv2D"]
    op = network.core.nodes[0].op
    assert isinstance(op, FixedSoftmax)
    assert (op.output.scale, op.output.zero_point) == (1 / 256, -128)


def test_sums_are_refused(rng: Rng) -> None:
    with pytest.raises(InputError, match=r"\(Softmax\): its input is not quantized"):
        load_network(_layer(rng).add("Softmax").build(), softmax=SoftmaxPlace.HARDWARE)


def test_its_logarithm_stays_with_the_host(rng: Rng) -> None:
    network = load_network(_layer(rng).qdq(0.1, 0).add("LogSoftmax").build(), softmax=SoftmaxPlace.HARDWARE)
    assert "FixedSoftmax" not in _operators(network)
