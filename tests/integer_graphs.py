"""Integer graphs for the tests of hardware, built operation by operation."""

from dataclasses import replace

import numpy as np

from rtlnn.ir.graph import Graph, Node
from rtlnn.ir.types import Array, Encoding, FixedFormat, TensorType
from rtlnn.ops import Add, AveragePool2D, Concat, Conv2D, Dense, MaxPool2D, Op, Precision, Requantize, Reshape, Window
from rtlnn.passes.ranges import narrow

__all__ = ["Builder", "fixed", "renamed", "scaled"]

SAMPLES = 8
MANTISSA = {Precision.EXACT: 24, Precision.FAST: 17}


def fixed(bits: int, signed: bool = False, zero: int = 0) -> FixedFormat:
    return FixedFormat(bits, Encoding.SIGNED if signed else Encoding.UNSIGNED, 1.0, zero)


def scaled(scale: Array, precision: Precision) -> tuple[Array, Array]:
    """Multipliers and shifts of real scales, as large as the precision allows."""
    bits = MANTISSA[precision]
    mantissa, exponent = np.frexp(scale)
    shift = bits - exponent.astype(np.int64)
    drop = np.maximum(-shift, 0) + np.maximum(shift - 47, 0)
    multiplier = np.clip(np.rint(mantissa * 2.0 ** (bits - drop)), -(1 << bits) + 1, (1 << bits) - 1)
    return multiplier.astype(np.int64), np.clip(shift, 0, 47)


class Builder:
    """A chain that grows at its end. Random weights and sensible requantizations where nothing else is asked for.

    `samples` are some frames of the input, and what the chain makes of them: they set the scales.
    """

    def __init__(
        self, rng: np.random.Generator, shape: tuple[int, int, int], bits: int = 8, signed: bool = False, zero: int = 0
    ) -> None:
        self.rng = rng
        self.types = {"x": TensorType(shape, fixed(bits, signed, zero))}
        self.constants: dict[str, Array] = {}
        self.nodes: list[Node] = []
        self.value = "x"
        f = self.format
        self._samples = {"x": rng.integers(f.lo, f.hi + 1, (SAMPLES, *shape))}

    @property
    def format(self) -> FixedFormat:
        return self.types[self.value].fixed

    @property
    def channels(self) -> int:
        return self.types[self.value].shape[2]

    @property
    def samples(self) -> Array:
        return self._samples[self.value]

    def at(self, value: str) -> "Builder":
        """Go on from an earlier value: a branch begins."""
        self.value = value
        return self

    def add(self, op: Op, name: str, *others: str, **constants: tuple[Array, FixedFormat]) -> "Builder":
        """An operation on the last value and on `others`."""
        name = f"{name}{len(self.nodes)}"
        inputs = [self.value, *others]
        for suffix, (array, fmt) in constants.items():
            inputs.append(f"{name}.{suffix}")
            self.constants[inputs[-1]] = array
            self.types[inputs[-1]] = TensorType(array.shape, fmt)
        self.value = f"{name}.y"
        self.types[self.value] = op.infer(*(self.types[v] for v in inputs))
        self.nodes.append(Node(name, op, tuple(inputs), self.value))
        self._samples[self.value] = op.evaluate(*({**self._samples, **self.constants}[v] for v in inputs))
        return self

    def _weights(self, shape: tuple[int, ...], bits: int, given: Array | None) -> tuple[Array, FixedFormat]:
        top = (1 << bits - 1) - 1
        array = self.rng.integers(-top, top + 1, shape) if given is None else np.broadcast_to(given, shape)
        return array.astype(np.int64), fixed(bits, True)

    def _bias(self, channels: int, given: Array | None) -> tuple[Array, FixedFormat]:
        array = self.rng.integers(-3000, 3001, channels) if given is None else np.broadcast_to(given, channels)
        return array.astype(np.int64), fixed(32, True)

    def conv(
        self,
        channels: int,
        window: Window,
        w_bits: int = 8,
        weights: Array | None = None,
        bias: Array | None = None,
        groups: int = 1,
    ) -> "Builder":
        w = self._weights((channels, *window.kernel, self.channels // groups), w_bits, weights)
        return self.add(Conv2D(window, self.format.zero_point, groups), "conv", w=w, b=self._bias(channels, bias))

    def dense(
        self, channels: int, w_bits: int = 8, weights: Array | None = None, bias: Array | None = None
    ) -> "Builder":
        w = self._weights((channels, self.channels), w_bits, weights)
        return self.add(Dense(self.format.zero_point), "dense", w=w, b=self._bias(channels, bias))

    def max_pool(self, window: Window) -> "Builder":
        return self.add(MaxPool2D(window), "pool")

    def average_pool(self, window: Window, count_include_pad: bool = False) -> "Builder":
        counted = window.pads if count_include_pad else (0, 0, 0, 0)
        return self.add(AveragePool2D(window, counted, self.format.zero_point), "pool")

    def plus(self, other: str, factors: tuple[Array, Array] | None = None) -> "Builder":
        """The sum with another value; `factors` are the multipliers of both, per channel."""
        op = Add((self.format.zero_point, self.types[other].fixed.zero_point))
        given = {} if factors is None else {k: (v, fixed(32, True)) for k, v in zip("ab", factors, strict=True)}
        return self.add(op, "add", other, **given)

    def concat(self, *others: str, axis: int = 2) -> "Builder":
        return self.add(Concat(axis), "concat", *others)

    def flatten(self) -> "Builder":
        return self.add(Reshape((1, 1, self.types[self.value].size)), "flatten")

    def requantize(
        self,
        bits: int = 8,
        signed: bool = False,
        zero: int = 0,
        precision: Precision = Precision.EXACT,
        clip: tuple[int, int] | None = None,
        scale: Array | float | None = None,
        offset: Array | None = None,
    ) -> "Builder":
        """`scale` (real, of any sign, per channel or one) defaults to what fills the format and saturates it a bit."""
        out = fixed(bits, signed, zero)
        if scale is None:
            spread = max(float(np.abs(self.samples).std() + np.abs(self.samples).mean()), 1.0)
            scale = (1 << bits) / spread / 2 * self.rng.uniform(0.3, 3, self.channels)
        multiplier, shift = scaled(np.broadcast_to(np.asarray(scale, float), self.channels), precision)
        return self.requantize_by(out, multiplier, shift, offset, clip or (out.lo, out.hi), precision)

    def requantize_by(
        self,
        out: FixedFormat,
        multiplier: Array,
        shift: Array,
        offset: Array | None = None,
        clip: tuple[int, int] | None = None,
        precision: Precision = Precision.EXACT,
    ) -> "Builder":
        """A requantization by exactly these integers (C,)."""
        constants = {"m": (multiplier, fixed(32, True)), "s": (shift, fixed(8))}
        if offset is not None:
            constants["b"] = (offset, fixed(48, True))
        return self.add(Requantize(out, *(clip or (out.lo, out.hi)), precision), "requantize", **constants)

    def graph(self, *outputs: str, narrowed: bool = True) -> Graph:
        """The verified graph from "x" to the end, and to the earlier values `outputs`."""
        raw = Graph(("x",), (*outputs, self.value), tuple(self.nodes), dict(self.types), dict(self.constants))
        raw.verify()
        if not narrowed:
            return raw
        result = narrow(raw)
        result.verify()
        return result

    def frames(self, count: int) -> Array:
        """Frames of the input: full range, and the first ones all at its ends."""
        kind = self.types["x"]
        f = kind.fixed
        result = self.rng.integers(f.lo, f.hi + 1, (count, *kind.shape))
        result[0], result[1] = f.hi, f.lo
        return result


def renamed(graph: Graph, names: list[str]) -> Graph:
    """The same graph with other names for its nodes."""
    return replace(graph, nodes=tuple(replace(n, name=name) for n, name in zip(graph.nodes, names, strict=True)))
