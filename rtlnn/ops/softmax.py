"""Softmax in integers: exponentials by look-up, one reciprocal for each pixel."""

import math
from dataclasses import dataclass

import numpy as np

from rtlnn.ir.op import Op
from rtlnn.ir.types import Array, FixedFormat, TensorType

__all__ = ["FixedSoftmax"]

GUARD_BITS = 5
"""Each of the two errors beside the last rounding is below 2**-GUARD_BITS of a step of the result."""


@dataclass(frozen=True)
class FixedSoftmax(Op):
    """Inputs x (H, W, C), table (entries,): the softmax of each pixel's channels.

    With e = table[largest x - x], the probability is e / Σ e. Its code is, with one reciprocal for each pixel,
    clip(((e·(numerator // Σ e) + 2**(shift - 1)) >> shift) + output.zero_point).

    It differs from the real softmax of the same codes, in steps of the result, by less than 1/2 for the rounding and
    2**(1 - GUARD_BITS) for table and reciprocal.

    Parameters
    ----------
    output : the result's format
    numerator : 2**shift steps of the result in 1.0
    shift : of the product
    """

    output: FixedFormat
    numerator: int
    shift: int

    @classmethod
    def of(cls, x: TensorType, output: FixedFormat) -> "tuple[FixedSoftmax, Array]":
        """The operation and its table for codes of the type `x`, whose scale says what they mean."""
        channels, f = x.shape[2], x.fixed
        steps = 1.0 / output.one_scale
        # rounding the table moves e by half a unit, and the sum, which is at least one whole, by half a unit a channel
        fraction = max(math.ceil(math.log2(steps * (channels + 1) / 2)) + GUARD_BITS, 1)
        # rounding the reciprocal down moves it by a unit
        shift = fraction + GUARD_BITS
        distances = np.arange(f.hi - f.lo + 1)
        table = np.rint(np.ldexp(np.exp(-f.one_scale * distances), fraction)).astype(np.int64)
        return cls(output, round(math.ldexp(steps, shift)), shift), table

    def infer(self, *inputs: TensorType) -> TensorType:
        x, table = inputs
        reach = x.fixed.hi - x.fixed.lo
        if len(table.shape) != 1 or table.shape[0] <= reach:
            raise ValueError(f"a table of the shape {table.shape} meets distances of up to {reach}")
        return TensorType(x.shape, self.output)

    def evaluate(self, *inputs: Array) -> Array:
        x, table = inputs
        powers = table[x.max(axis=-1, keepdims=True) - x].astype(np.int64)
        reciprocal = self.numerator // powers.sum(axis=-1, keepdims=True)
        rounded = (powers * reciprocal + (1 << self.shift - 1)) >> self.shift
        result: Array = np.clip(rounded + self.output.zero_point, self.output.lo, self.output.hi)
        return result
