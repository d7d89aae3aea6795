"""Sums, products, extremes and concatenations of quantized tensors equal onnxruntime, on every pair of codes."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from rtlnn.errors import InputError
from rtlnn.load import load_network
from rtlnn.ops import Add, Concat, Precision
from rtlnn.sim.reference import Reference
from tests.onnx_models import run_all

Rng = np.random.Generator
KINDS = {"int8": TensorProto.INT8, "uint8": TensorProto.UINT8}


@dataclass
class Graph:
    """A quantized graph in the making; values are real, and `q` makes them so again after quantizing."""

    dtype: str = "int8"
    nodes: list[Any] = field(default_factory=list)
    stored: dict[str, np.ndarray] = field(default_factory=dict)
    inputs: dict[str, list[int | str]] = field(default_factory=dict)
    outputs: list[str] = field(default_factory=list)

    def const(self, array: Any) -> str:
        name = f"c{len(self.stored)}"
        self.stored[name] = np.asarray(array)
        return name

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        output = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [output], name=f"n{len(self.nodes)}", **attributes))
        return output

    def parameters(self, scale: Any, zero: int) -> tuple[str, str]:
        return self.const(np.float32(scale)), self.const(np.array(zero, self.dtype))

    def input(self, name: str, shape: list[int | str], scale: float, zero: int) -> str:
        self.inputs[name] = shape
        return self.add("DequantizeLinear", name, *self.parameters(scale, zero))

    def q(self, value: str, scale: float, zero: int) -> str:
        codes = self.add("QuantizeLinear", value, *self.parameters(scale, zero))
        return self.add("DequantizeLinear", codes, *self.parameters(scale, zero))

    def out(self, value: str, scale: float, zero: int) -> None:
        self.outputs.append(self.add("QuantizeLinear", value, *self.parameters(scale, zero)))

    def conv(self, value: str, rng: Rng, channels: tuple[int, int], kernel: int = 3, **attributes: Any) -> str:
        weights = rng.integers(-127, 128, (channels[1], channels[0], kernel, kernel)).astype(np.int8)
        scale = self.const(rng.uniform(0.001, 0.003, channels[1]).astype(np.float32))
        zero = self.const(np.zeros(channels[1], np.int8))
        real = self.add("DequantizeLinear", self.const(weights), scale, zero, axis=0)
        return self.add("Conv", value, real, pads=[kernel // 2] * 4, **attributes)

    def build(self) -> ModelProto:
        kind = KINDS[self.dtype]
        graph = helper.make_graph(
            self.nodes,
            "joins",
            [helper.make_tensor_value_info(n, kind, s) for n, s in self.inputs.items()],
            [helper.make_tensor_value_info(n, kind, None) for n in self.outputs],
            [numpy_helper.from_array(a, n) for n, a in self.stored.items()],
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def differences(proto: ModelProto, data: list[np.ndarray]) -> int:
    """How many of all outputs' values differ from onnxruntime's."""
    ours = Reference(load_network(proto)).named(*data).values()
    return sum(int((a != b).sum()) for a, b in zip(ours, run_all(proto, data), strict=True))


def all_pairs(dtype: str) -> list[np.ndarray]:
    codes = np.arange(np.iinfo(dtype).min, np.iinfo(dtype).max + 1)
    return [v.astype(dtype) for v in np.meshgrid(codes, codes, indexing="ij")]


def of_two(operator: str, dtype: str, scales: tuple[float, ...], zeros: tuple[int, ...], *more: str) -> ModelProto:
    g = Graph(dtype)
    a, b = (g.input(n, ["N", 256], s, z) for n, s, z in zip("ab", scales, zeros, strict=False))
    value = g.add(operator, a, b)
    for after in more:
        value = g.add(after, value)
    g.out(value, scales[2], zeros[2])
    return g.build()


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("operator", ["Add", "Sub", "Mul", "Max", "Min"])
def test_all_pairs_of_codes(operator: str, dtype: str, rng: Rng) -> None:
    info = np.iinfo(dtype)
    for _ in range(2):
        scales = [float(s) for s in np.exp(rng.normal(-3, 0.7, 3))]
        scales[2] = scales[0] * scales[1] * rng.uniform(50, 150) if operator == "Mul" else max(scales[:2])
        zeros = tuple(int(z) for z in rng.integers(info.min, info.max + 1, 3))
        proto = of_two(operator, dtype, tuple(scales), zeros)
        assert differences(proto, all_pairs(dtype)) == 0, (scales, zeros)


@pytest.mark.parametrize("zeros", [(0, 0, 0), (3, -8, 1), (-128, -128, -128)])
@pytest.mark.parametrize("scales", [(0.5, 0.25, 0.5), (0.125, 0.125, 0.25), (0.1, 0.05, 0.1)])
def test_sums_that_are_ties(scales: tuple[float, float, float], zeros: tuple[int, int, int]) -> None:
    assert differences(of_two("Add", "int8", scales, zeros), all_pairs("int8")) == 0


def test_sum_behind_an_activation() -> None:
    scales = (0.043, 0.021, 0.037)
    assert differences(of_two("Add", "int8", scales, (5, -7, -128), "Relu"), all_pairs("int8")) == 0
    assert differences(of_two("Add", "int8", scales, (5, -7, 9), "Relu"), all_pairs("int8")) == 0


def test_a_planted_fault_is_found() -> None:
    """The nearest multipliers alone, without the search, differ from onnxruntime where results are close to ties."""
    proto = of_two("Add", "int8", (0.1, 0.05, 0.1), (3, -8, 1))
    net = load_network(proto)
    (add,) = (n for n in net.core.nodes if isinstance(n.op, Add))
    net.core.constants[add.inputs[2]][:] += 12
    theirs = run_all(proto, all_pairs("int8"))[0]
    assert (Reference(net)(*all_pairs("int8")) != theirs).any()


@pytest.mark.parametrize("alike", [True, False])
def test_concat(alike: bool, rng: Rng) -> None:
    g = Graph("uint8")
    scale, zero = (0.1, 0.1, 0.1) if alike else (0.1, 0.03, 0.2), (7, 7, 7) if alike else (7, 0, 200)
    parts = [g.input(n, ["N", 3, 4, 4], s, z) for n, s, z in zip("abc", scale, zero, strict=True)]
    g.out(g.add("Concat", *parts, axis=1), 0.1, 7)
    proto = g.build()
    data = [rng.integers(0, 256, (50, 3, 4, 4)).astype(np.uint8) for _ in parts]
    assert differences(proto, data) == 0
    kinds = [type(n.op) for n in load_network(proto).core.nodes]
    # 0.03 to 0.1 has ties that only a table tells as onnxruntime does
    assert kinds == [Concat] if alike else sorted(k.__name__ for k in kinds) == ["Concat", "Requantize", "Table"]


def test_requantization_of_every_code() -> None:
    for scale in (0.05, 0.15, 0.3, 0.0123):
        g = Graph("int8")
        g.out(g.add("Relu", g.q(g.input("a", ["N", 256], 0.05, 3), 0.3, -5)), scale, -128)
        assert differences(g.build(), [np.arange(-128, 128, dtype=np.int8)[np.newaxis]]) == 0


def residual(rng: Rng, dtype: str) -> ModelProto:
    """Two residual blocks, a branch with a pool, a concatenation, two inputs and two outputs.

    Its scales are no round numbers, as those of trained networks: where they are, ties are common, and onnxruntime
    decides each of them by what float32 happens to lose.
    """
    g = Graph(dtype)
    low = int(np.iinfo(dtype).min)

    def near(scale: float) -> float:
        return scale * float(rng.uniform(0.95, 1.05))

    x, y = (g.input(n, ["N", 4, 8, 8], near(0.04), low + 100) for n in "xy")
    a = g.q(g.add("Relu", g.conv(x, rng, (4, 6))), near(0.03), low)
    b = g.q(g.conv(a, rng, (6, 6)), near(0.05), low + 120)
    c = g.q(g.add("Relu", g.add("Add", a, b)), near(0.045), low)
    d = g.q(g.conv(y, rng, (4, 6), 1), near(0.04), low + 110)
    scale = near(0.06)
    e = g.q(g.add("Add", c, d), scale, low + 101)
    pooled = g.q(g.add("MaxPool", e, kernel_shape=[2, 2], strides=[2, 2]), scale, low + 101)
    other = g.q(g.conv(e, rng, (6, 3), strides=[2, 2]), near(0.08), low + 128)
    joined = g.q(g.add("Concat", pooled, other, axis=1), near(0.07), low + 110)
    g.out(g.conv(joined, rng, (9, 5)), near(0.1), low + 128)
    g.out(g.add("Mul", e, c), near(0.09), low + 100)
    return g.build()


@pytest.mark.parametrize("dtype", KINDS)
def test_residual_network(dtype: str, rng: Rng) -> None:
    info, proto = np.iinfo(dtype), residual(rng, dtype)
    data = [rng.integers(info.min, info.max + 1, (20, 4, 8, 8)).astype(dtype) for _ in range(2)]
    assert differences(proto, data) == 0
    net = load_network(proto)
    assert (len(net.core.inputs), len(net.core.outputs)) == (2, 2)
    fast = Reference(load_network(proto, precision=Precision.FAST)).named(*data)
    for ours, theirs in zip(fast.values(), run_all(proto, data), strict=True):
        # four requantizations in a row, each of which may be off by one
        assert np.abs(ours.astype(int) - theirs).max() <= 4


def test_sum_of_three_and_a_mean(rng: Rng) -> None:
    g = Graph("int8")
    parts = [g.input(n, ["N", 2, 3, 3], s, 4) for n, s in zip("abc", (0.1037, 0.0719, 0.0213), strict=True)]
    g.out(g.add("Sum", *parts), 0.1237, 0)
    g.out(g.add("GlobalAveragePool", g.q(g.add("Mean", *parts[:2]), 0.0613, 1)), 0.0511, 1)
    proto, data = g.build(), [rng.integers(-128, 128, (60, 2, 3, 3)).astype(np.int8) for _ in parts]
    assert differences(proto, data) <= 1


def test_values_that_are_not_quantized(rng: Rng) -> None:
    g = Graph("int8")
    x = g.input("x", ["N", 4, 4, 4], 0.04, 0)
    g.out(g.add("Add", g.add("Relu", g.conv(x, rng, (4, 4))), x), 0.05, 0)
    with pytest.raises(InputError, match="the activation before it is not quantized"):
        load_network(g.build())


def test_sum_of_accumulators(rng: Rng) -> None:
    """A sum of a layer's own accumulators is rounded once; onnxruntime computes that layer in float32."""
    g = Graph("int8")
    x = g.input("x", ["N", 4, 4, 4], 0.04, 5)
    g.out(g.add("Add", g.conv(x, rng, (4, 4)), x), 0.2, 0)
    proto, data = g.build(), [rng.integers(-128, 128, (30, 4, 4, 4)).astype(np.int8)]
    assert differences(proto, data) <= 2
