"""From exact accumulators back to few bits."""

from dataclasses import dataclass
from enum import Enum

import numpy as np

from rtlnn.ir.op import Op
from rtlnn.ir.types import Array, FixedFormat, TensorType

__all__ = ["Precision", "Requantize", "round_half_even_shift"]

MANTISSA_BITS = 24
"""Significant bits of an IEEE 754 binary32 number."""

_MOST_SHIFT = 100
"""Products divided by 2 to the power of more can be too small for binary32."""


class Precision(Enum):
    """How closely a requantization follows float32 arithmetic."""

    EXACT = "exact"
    """24-bit multipliers; a product without a bias is first rounded to 24 significant bits, as float32 products are."""
    FAST = "fast"
    """17-bit multipliers, one rounding: one DSP slice."""


def round_half_even_shift(p: Array, shift: Array) -> Array:
    """p / 2**shift, rounded half to even; int64, shift >= 0 of any broadcastable shape."""
    shift = shift.astype(np.int64)
    down = p >> shift
    rest = p - (down << shift)
    half = np.where(shift > 0, np.int64(1) << np.maximum(shift - 1, 0), np.int64(1) << np.int64(62))
    up = (rest > half) | ((rest == half) & ((down & 1) == 1))
    result: Array = down + up
    return result


def _round_to_mantissa(p: Array) -> Array:
    """p rounded half to even to 24 significant bits."""
    magnitude = np.abs(p)
    _, exponent = np.frexp(magnitude.astype(np.float64))
    drop = np.maximum(exponent.astype(np.int64) - MANTISSA_BITS, 0)
    return round_half_even_shift(magnitude, drop) * (1 << drop) * np.sign(p)


@dataclass(frozen=True)
class Requantize(Op):
    """Inputs acc (H, W, C), multiplier (C,), shift (C,), and optionally a bias (C,):

    y = clip(round((acc·multiplier + bias) / 2**shift) + offset, lo, hi), rounding half to even.

    With `Precision.EXACT` and no bias, |acc·multiplier| is first rounded, half to even, to 24 significant bits: the
    result is then that of onnxruntime's integer kernels, which multiply by a float32 scale.

    Parameters
    ----------
    output : the result's format
    lo, hi : clip bounds, within the format; a ReLU is `lo = zero_point`
    zero : `offset`, what is added after the rounding, where that is not `output.zero_point`; the bias then holds the
        rest of it. Rounding half to even, it makes a difference whether an odd number is added before or after
    """

    output: FixedFormat
    lo: int
    hi: int
    precision: Precision = Precision.EXACT
    zero: int | None = None

    def __post_init__(self) -> None:
        if not self.output.lo <= self.lo <= self.hi <= self.output.hi:
            raise ValueError(
                f"clip bounds {self.lo}..{self.hi} lie outside the format {self.output.lo}..{self.output.hi}"
            )

    @property
    def offset(self) -> int:
        """What is added after the rounding."""
        return self.output.zero_point if self.zero is None else self.zero

    def infer(self, *inputs: TensorType) -> TensorType:
        x, *parameters = inputs
        if len(parameters) not in (2, 3) or any(p.shape != (x.shape[2],) for p in parameters):
            raise ValueError(
                f"requantization parameters {[p.shape for p in parameters]} do not fit {x.shape[2]} channels"
            )
        return TensorType(x.shape, self.output)

    def evaluate(self, *inputs: Array) -> Array:
        if (fast := self._in_reals(*inputs)) is not None:
            return fast
        acc, multiplier, shift, *bias = inputs
        product = acc.astype(np.int64) * multiplier.astype(np.int64)
        if bias:
            product = product + bias[0].astype(np.int64)
        elif self.precision is Precision.EXACT:
            product = _round_to_mantissa(product)
        rounded = round_half_even_shift(product, shift)
        result: Array = np.clip(rounded + self.offset, self.lo, self.hi)
        return result

    def _in_reals(self, acc: Array, multiplier: Array, shift: Array, *bias: Array) -> Array | None:
        """The same with floating point, several times as fast; None where numbers are too large for it.

        Exact, for float64 holds products below 2**53, conversion to float32 is the rounding to 24 bits, powers of two
        scale without rounding, and `rint` rounds half to even.
        """
        if not acc.size:
            return None
        largest = max(abs(int(acc.min())), abs(int(acc.max()))) * int(np.abs(multiplier).max())
        largest += int(np.abs(bias[0]).max()) if bias else 0
        lo, hi = self.lo - self.offset, self.hi - self.offset
        if largest >= 1 << 53 or int(shift.max()) > _MOST_SHIFT or max(abs(lo), abs(hi)) >= 1 << MANTISSA_BITS:
            return None
        product = acc * multiplier.astype(np.float64)
        if bias:
            product += bias[0].astype(np.float64)
        elif self.precision is Precision.EXACT:
            product = product.astype(np.float32)
        product *= np.ldexp(np.ones(1, product.dtype), -shift.astype(np.int32))
        np.rint(product, out=product)
        np.clip(product, lo, hi, out=product)
        result = product.astype(np.int64)
        result += self.offset
        return result
