"""Scales and zero points; all scales are float32 numbers, as ONNX stores them."""

import numpy as np

from rtlnn.ir.types import Array, Encoding, FixedFormat

__all__ = ["activation_format", "bias_integers", "file_bits", "weight_integers"]

CLIPPED_BITS = 4
"""Weights of so many bits or fewer lose less if the largest are clipped."""

RATIOS = np.linspace(1.0, 0.2, 81)
"""Of the largest weight: where weights of few bits may be clipped."""

LARGEST_BIAS = 2.0**30
ZERO_WEIGHT_BIAS = 2.0**22
"""The bias of a channel without weights, in units of its accumulator: about as large as other channels' sums."""


def activation_format(lo: float, hi: float, unsigned: bool, bits: int) -> FixedFormat:
    """The format for numbers from `lo` to `hi`: unsigned from 0 on, or signed with the zero point that loses least."""
    steps, least = (1 << bits) - 1, -(1 << (bits - 1))
    if unsigned:
        scale = np.float32(hi / steps) if hi > 0 else np.float32(1)
        return FixedFormat(bits, Encoding.UNSIGNED, float(scale))
    lo, hi = min(lo, 0.0), max(hi, 0.0)
    scale = np.float32((hi - lo) / steps) if hi > lo else np.float32(1)
    zero = int(np.clip(np.rint(least - lo / float(scale)), least, least + steps)) if hi > lo else 0
    return FixedFormat(bits, Encoding.SIGNED, float(scale), zero)


def file_bits(bits: int) -> int:
    """Bits of the file type that holds values of `bits` bits."""
    return 8 if bits <= 8 else 16


def _weight_scale(rows: Array, bits: int) -> Array:
    """The scale of each row: its largest weight is the largest integer; of few bits, the least squared error."""
    largest = _largest_weight(bits)
    top = np.abs(rows).max(axis=1)
    if bits == 1:
        # of all multiples of the signs, this is the nearest
        return np.abs(rows).mean(axis=1)
    if bits > CLIPPED_BITS:
        return top / largest
    best, least = top / largest, np.full(len(rows), np.inf)
    for ratio in RATIOS:
        scale = np.where(top > 0, ratio * top / largest, 1.0)
        rounded = np.clip(np.rint(rows / scale[:, np.newaxis]), -largest, largest) * scale[:, np.newaxis]
        error = ((rounded - rows) ** 2).sum(axis=1)
        better = error < least
        best, least = np.where(better, ratio * top / largest, best), np.where(better, error, least)
    return best


def _largest_weight(bits: int) -> int:
    return max((1 << (bits - 1)) - 1, 1)


def weight_integers(weights: Array, bias: Array | None, x_scale: float, bits: int) -> tuple[Array, FixedFormat]:
    """Weights of `bits` bits, symmetric, a scale for each output channel (the first axis); [-127, 127] for 8, and -1
    and 1 alone for 1.

    A channel whose bias would not fit 32 bits in units of x_scale·scale gets a larger scale. The format is that of the
    file, int8 or int16.
    """
    rows = weights.reshape(len(weights), -1)
    largest = _largest_weight(bits)
    scale = _weight_scale(rows, bits)
    if bias is not None:
        scale = np.maximum(scale, np.abs(bias) / (x_scale * LARGEST_BIAS))
        scale = np.where(rows.any(axis=1), scale, np.abs(bias) / (x_scale * ZERO_WEIGHT_BIAS))
    single = np.where(scale > 0, scale, 1.0).astype(np.float32)
    single = np.maximum(single, np.finfo(np.float32).tiny)
    if bits == 1:
        integers = np.where(rows < 0, -1, 1)
    else:
        integers = np.clip(np.rint(rows / single[:, np.newaxis].astype(np.float64)), -largest, largest)
    fixed = FixedFormat(file_bits(bits), Encoding.SIGNED, tuple(float(s) for s in single))
    return integers.astype(np.int64).reshape(weights.shape), fixed


def bias_integers(bias: Array, x_scale: float, weights: FixedFormat) -> tuple[Array, FixedFormat]:
    """A bias in units of the accumulators, as int32."""
    scale = np.float32(x_scale) * np.asarray(weights.scale, np.float32)
    integers = np.rint(bias / scale.astype(np.float64)).astype(np.int64)
    return integers, FixedFormat(32, Encoding.SIGNED, tuple(float(s) for s in scale))
