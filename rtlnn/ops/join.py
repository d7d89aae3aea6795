"""Operations on several tensors: sums, products, extremes, concatenation."""

from dataclasses import dataclass, replace

import numpy as np

from rtlnn.ir.op import Op
from rtlnn.ir.types import Array, FixedFormat, TensorType

__all__ = ["Add", "Concat", "Extreme", "Multiply"]


def _same_shape(inputs: tuple[TensorType, ...]) -> tuple[int, ...]:
    shapes = {x.shape for x in inputs}
    if len(shapes) > 1:
        raise ValueError(f"tensors of the shapes {[x.shape for x in inputs]} do not fit")
    return inputs[0].shape


def _same_format(inputs: tuple[TensorType, ...]) -> None:
    first = inputs[0].format
    if any(x.format != first for x in inputs):
        raise ValueError(f"tensors of the formats {[x.format for x in inputs]} do not fit: they need the same one")


def _reach(x: FixedFormat, zero: int) -> int:
    """The largest magnitude of x - zero."""
    return max(abs(x.lo - zero), abs(x.hi - zero))


@dataclass(frozen=True)
class Add(Op):
    """Inputs a, b (H, W, C), and optionally ma, mb (C,): ma·(a - zeros[0]) + mb·(b - zeros[1]).

    Without multipliers both are 1. Reals have no multipliers. A `Requantize` rounds the sum, once: rounding each
    branch first would change results.
    """

    zeros: tuple[int, int] = (0, 0)

    def infer(self, *inputs: TensorType) -> TensorType:
        a, b, *multipliers = inputs
        shape = _same_shape((a, b))
        if len(multipliers) not in (0, 2) or any(m.shape != shape[2:] for m in multipliers):
            raise ValueError(f"multipliers {[m.shape for m in multipliers]} do not fit {shape[2]} channels")
        if a.format is None or b.format is None:
            return TensorType(shape)
        largest = [max(-m.fixed.lo, m.fixed.hi) for m in multipliers] or [1, 1]
        reach = sum(_reach(x, z) * m for x, z, m in zip((a.format, b.format), self.zeros, largest, strict=True))
        return TensorType(shape, FixedFormat.spanning(-reach, reach))

    def evaluate(self, *inputs: Array) -> Array:
        a, b, *multipliers = inputs
        ma, mb = multipliers or (1, 1)
        result: Array = (a - self.zeros[0]) * ma + (b - self.zeros[1]) * mb
        return result


@dataclass(frozen=True)
class Multiply(Op):
    """Inputs a, b (H, W, C): (a - zeros[0])·(b - zeros[1])."""

    zeros: tuple[int, int] = (0, 0)

    def infer(self, *inputs: TensorType) -> TensorType:
        a, b = inputs
        shape = _same_shape(inputs)
        if a.format is None or b.format is None:
            return TensorType(shape)
        reach = _reach(a.format, self.zeros[0]) * _reach(b.format, self.zeros[1])
        return TensorType(shape, FixedFormat.spanning(-reach, reach))

    def evaluate(self, *inputs: Array) -> Array:
        a, b = inputs
        result: Array = (a - self.zeros[0]) * (b - self.zeros[1])
        return result


@dataclass(frozen=True)
class Extreme(Op):
    """Inputs a, b (H, W, C) of one format: the larger one of each pair of elements, or the smaller one."""

    largest: bool

    def infer(self, *inputs: TensorType) -> TensorType:
        _same_shape(inputs)
        _same_format(inputs)
        return inputs[0]

    def evaluate(self, *inputs: Array) -> Array:
        a, b = inputs
        result: Array = np.maximum(a, b) if self.largest else np.minimum(a, b)
        return result


@dataclass(frozen=True)
class Concat(Op):
    """At least two inputs of one format, one after the other along `axis` (0, 1, 2 of height, width, channels)."""

    axis: int

    def __post_init__(self) -> None:
        if not 0 <= self.axis <= 2:
            raise ValueError(f"axis {self.axis} is none of 0, 1, 2")

    def infer(self, *inputs: TensorType) -> TensorType:
        _same_format(inputs)
        others = {x.shape[: self.axis] + x.shape[self.axis + 1 :] for x in inputs}
        if len(inputs) < 2 or len(others) > 1:
            raise ValueError(f"tensors of the shapes {[x.shape for x in inputs]} do not join along axis {self.axis}")
        shape = list(inputs[0].shape)
        shape[self.axis] = sum(x.shape[self.axis] for x in inputs)
        return replace(inputs[0], shape=tuple(shape))

    def evaluate(self, *inputs: Array) -> Array:
        return np.concatenate(inputs, axis=self.axis + 1)
