"""What onnxruntime's arithmetic in float32 makes of quantized operands, to the last bit.

Sources: onnxruntime's kernels QLinearAdd (MLAS, for AVX2, with fused multiply-add) and QLinearMul (for SSE2), which add
the zero point before they round; and its float operators between DequantizeLinear and QuantizeLinear where no integer
kernel takes their place.
"""

from dataclasses import dataclass

import numpy as np

from rtlnn.ir.types import Array, FixedFormat

__all__ = ["Operand", "added", "multiplied", "requantized", "scaled", "summed"]


@dataclass(frozen=True)
class Operand:
    """A quantized operand: real = scale·(code - zero); the scale may be negative."""

    scale: float
    zero: int


def _fused(a: Array | np.float32, b: np.float32, c: Array | np.float32) -> Array:
    """a·b + c in float32, rounded once."""
    product = a.astype(np.float64) * np.float64(b)  # exact
    addend = c.astype(np.float64)
    total = product + addend
    part = total - product
    error = (product - (total - part)) + (addend - part)
    # rounded to odd, the sum in float64 keeps what decides the rounding to float32
    even = (np.asarray(total).view(np.int64) & 1) == 0
    odd = np.where((error != 0) & even, np.nextafter(total, np.copysign(np.inf, error)), total)
    result: Array = odd.astype(np.float32)
    return result


def _codes(steps: Array, output: FixedFormat) -> Array:
    result: Array = np.clip(np.rint(steps).astype(np.float64) + output.zero_point, output.lo, output.hi).astype(
        np.int64
    )
    return result


def _real(codes: Array, operand: Operand) -> Array:
    result: Array = (codes - operand.zero).astype(np.float32) * np.float32(operand.scale)
    return result


def summed(a: Array, b: Array, of_a: Operand, of_b: Operand, output: FixedFormat) -> Array:
    """Codes of the sum by the kernel QLinearAdd, for codes a and b of the same shape."""
    step = np.float32(output.one_scale)
    ratio_a, ratio_b = np.float32(of_a.scale) / step, np.float32(of_b.scale) / step
    zeros = _fused(np.float32(of_a.zero), ratio_a, ratio_b * np.float32(of_b.zero))
    fixed = np.float32(output.zero_point) - zeros
    total = _fused(a, ratio_a, _fused(b, ratio_b, fixed))
    result: Array = np.clip(np.rint(total), output.lo, output.hi).astype(np.int64)
    return result


def added(a: Array, b: Array, of_a: Operand, of_b: Operand, output: FixedFormat) -> Array:
    """Codes of the sum by dequantizing, adding and quantizing one after the other."""
    return _codes((_real(a, of_a) + _real(b, of_b)) / np.float32(output.one_scale), output)


def scaled(a: Array, b: Array, of_a: Operand, of_b: Operand, output: FixedFormat) -> Array:
    """Codes of the product by the kernel QLinearMul."""
    ratio = np.float32(of_a.scale) * np.float32(of_b.scale) / np.float32(output.one_scale)
    product = ((a - of_a.zero) * (b - of_b.zero)).astype(np.float32)
    total = product * ratio + np.float32(output.zero_point)
    result: Array = np.clip(np.rint(total), output.lo, output.hi).astype(np.int64)
    return result


def multiplied(a: Array, b: Array, of_a: Operand, of_b: Operand, output: FixedFormat) -> Array:
    """Codes of the product by dequantizing, multiplying and quantizing one after the other."""
    return _codes(_real(a, of_a) * _real(b, of_b) / np.float32(output.one_scale), output)


def requantized(codes: Array, operand: Operand, output: FixedFormat) -> Array:
    """Codes in another format: DequantizeLinear, then QuantizeLinear."""
    return _codes(_real(codes, operand) / np.float32(output.one_scale), output)
