"""Scales and zero points; all scales are float32 numbers, as ONNX stores them."""

import numpy as np

from rtlnn.ir.types import Array, Encoding, FixedFormat

__all__ = ["activation_format", "bias_integers", "weight_integers"]

LARGEST_WEIGHT = 127
LARGEST_BIAS = 2.0**30
ZERO_WEIGHT_BIAS = 2.0**22
"""The bias of a channel without weights, in units of its accumulator: about as large as other channels' sums."""


def activation_format(lo: float, hi: float, unsigned: bool) -> FixedFormat:
    """The 8-bit format for numbers from `lo` to `hi`: uint8 from 0 on, or int8 with the zero point that loses least."""
    if unsigned:
        scale = np.float32(hi / 255) if hi > 0 else np.float32(1)
        return FixedFormat(8, Encoding.UNSIGNED, float(scale))
    lo, hi = min(lo, 0.0), max(hi, 0.0)
    scale = np.float32((hi - lo) / 255) if hi > lo else np.float32(1)
    zero = int(np.clip(np.rint(-128 - lo / float(scale)), -128, 127)) if hi > lo else 0
    return FixedFormat(8, Encoding.SIGNED, float(scale), zero)


def weight_integers(weights: Array, bias: Array | None, x_scale: float) -> tuple[Array, FixedFormat]:
    """Weights in [-127, 127], symmetric, a scale for each output channel (the first axis).

    A channel whose bias would not fit 32 bits in units of x_scale·scale gets a larger scale.
    """
    rows = weights.reshape(len(weights), -1)
    scale = np.abs(rows).max(axis=1) / LARGEST_WEIGHT
    if bias is not None:
        scale = np.maximum(scale, np.abs(bias) / (x_scale * LARGEST_BIAS))
        scale = np.where(rows.any(axis=1), scale, np.abs(bias) / (x_scale * ZERO_WEIGHT_BIAS))
    single = np.where(scale > 0, scale, 1.0).astype(np.float32)
    single = np.maximum(single, np.finfo(np.float32).tiny)
    integers = np.rint(rows / single[:, np.newaxis].astype(np.float64))
    integers = np.clip(integers, -LARGEST_WEIGHT, LARGEST_WEIGHT).astype(np.int64).reshape(weights.shape)
    return integers, FixedFormat(8, Encoding.SIGNED, tuple(float(s) for s in single))


def bias_integers(bias: Array, x_scale: float, weights: FixedFormat) -> tuple[Array, FixedFormat]:
    """A bias in units of the accumulators, as int32."""
    scale = np.float32(x_scale) * np.asarray(weights.scale, np.float32)
    integers = np.rint(bias / scale.astype(np.float64)).astype(np.int64)
    return integers, FixedFormat(32, Encoding.SIGNED, tuple(float(s) for s in scale))
