"""Scales and zero points; all scales are float32 numbers, as ONNX stores them."""

import numpy as np

from rtlnn.ir.types import Array, Encoding, FixedFormat

__all__ = ["activation_format", "bias_integers", "weight_integers"]

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


def weight_integers(weights: Array, bias: Array | None, x_scale: float, bits: int) -> tuple[Array, FixedFormat]:
    """Weights of `bits` bits, symmetric, a scale for each output channel (the first axis); [-127, 127] for 8.

    A channel whose bias would not fit 32 bits in units of x_scale·scale gets a larger scale. The format is that of the
    file, int8.
    """
    rows = weights.reshape(len(weights), -1)
    largest = (1 << (bits - 1)) - 1
    scale = np.abs(rows).max(axis=1) / largest
    if bias is not None:
        scale = np.maximum(scale, np.abs(bias) / (x_scale * LARGEST_BIAS))
        scale = np.where(rows.any(axis=1), scale, np.abs(bias) / (x_scale * ZERO_WEIGHT_BIAS))
    single = np.where(scale > 0, scale, 1.0).astype(np.float32)
    single = np.maximum(single, np.finfo(np.float32).tiny)
    integers = np.rint(rows / single[:, np.newaxis].astype(np.float64))
    integers = np.clip(integers, -largest, largest).astype(np.int64).reshape(weights.shape)
    return integers, FixedFormat(8, Encoding.SIGNED, tuple(float(s) for s in single))


def bias_integers(bias: Array, x_scale: float, weights: FixedFormat) -> tuple[Array, FixedFormat]:
    """A bias in units of the accumulators, as int32."""
    scale = np.float32(x_scale) * np.asarray(weights.scale, np.float32)
    integers = np.rint(bias / scale.astype(np.float64)).astype(np.int64)
    return integers, FixedFormat(32, Encoding.SIGNED, tuple(float(s) for s in scale))
