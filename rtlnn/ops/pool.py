"""Pooling."""

import math
from dataclasses import dataclass, replace

import numpy as np

from rtlnn.ir.op import Op
from rtlnn.ir.types import Array, FixedFormat, TensorType
from rtlnn.ops.window import Window

__all__ = ["AveragePool2D", "MaxPool2D"]


def _check(window: Window, size: tuple[int, ...], counted: tuple[int, int, int, int] = (0, 0, 0, 0)) -> None:
    window.output_size(size)
    if min(int(n.min()) for n in window.counts(size, counted)) < 1:
        raise ValueError(f"pads {window.pads} leave whole windows of {window.extent} without a pixel")


@dataclass(frozen=True)
class MaxPool2D(Op):
    """The largest value of each window of x (H, W, C); padding never wins."""

    window: Window

    def infer(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        _check(self.window, x.shape[:2])
        return replace(x, shape=(*self.window.output_size(x.shape[:2]), x.shape[2]))

    def evaluate(self, *inputs: Array) -> Array:
        (x,) = inputs
        fill = np.iinfo(x.dtype).min if np.issubdtype(x.dtype, np.integer) else -np.inf
        taps = self.window.taps(x, fill)
        result = next(taps).copy()
        for tap in taps:
            np.maximum(result, tap, out=result)
        return result


@dataclass(frozen=True)
class AveragePool2D(Op):
    """Averages over windows of x (H, W, C), as exact integers: Σ (x - x_zero) · (D / n), at scale / D.

    n is the number of averaged pixels of the position, D the least common multiple of all n. Real inputs give the
    average itself.

    Parameters
    ----------
    counted : how far beyond the image, (top, left, bottom, right), padding counts as pixels, which are 0
    """

    window: Window
    counted: tuple[int, int, int, int] = (0, 0, 0, 0)
    x_zero: int = 0

    def factors(self, size: tuple[int, ...]) -> tuple[Array, int]:
        """The factor D / n of every position [OH, OW], and D."""
        n = np.multiply.outer(*self.window.counts(size, self.counted)).astype(np.int64)
        divisor = math.lcm(*(int(v) for v in np.unique(n)))
        return divisor // n, divisor

    def infer(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        _check(self.window, x.shape[:2], self.counted)
        shape = (*self.window.output_size(x.shape[:2]), x.shape[2])
        if x.format is None:
            return TensorType(shape)
        _, divisor = self.factors(x.shape[:2])
        lo, hi = (v - self.x_zero for v in (x.format.lo, x.format.hi))
        scale = x.format.scale
        average = tuple(s / divisor for s in scale) if isinstance(scale, tuple) else scale / divisor
        return TensorType(shape, FixedFormat.spanning(min(lo, 0) * divisor, max(hi, 0) * divisor, average))

    def evaluate(self, *inputs: Array) -> Array:
        (x,) = inputs
        factors, divisor = self.factors(x.shape[1:3])
        integer = np.issubdtype(x.dtype, np.integer)
        taps = self.window.taps(x - self.x_zero, 0)
        total = next(taps).copy()
        for tap in taps:
            total += tap
        total *= factors[:, :, np.newaxis]
        return total if integer else total / divisor
