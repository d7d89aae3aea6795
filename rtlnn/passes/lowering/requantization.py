"""What turns a represented value into the codes of a format: a Requantize, or nothing at all."""

from dataclasses import dataclass

import numpy as np

from rtlnn.ir.types import Array, FixedFormat
from rtlnn.ops import Precision, Requantize
from rtlnn.passes.lowering.multipliers import multipliers
from rtlnn.passes.lowering.represented import Represented

__all__ = ["Requantization", "accumulator_bias", "needs_nothing", "requantization"]

COARSEST_BIAS_UNIT = 2.0**-5
"""Largest unit of the accumulators, in steps of the result, to which a layer's float bias is rounded.

onnxruntime rounds it always; beyond this the result would suffer visibly.
"""

COARSEST_SHIFT_UNIT = 2.0**-10
"""The same for what later arithmetic adds, which onnxruntime does not round: at most 1 result in 2000 may differ."""

LARGEST_BIAS = 2.0**31 - 1
LARGEST_TERM = 2**60


@dataclass(frozen=True, eq=False)
class Requantization:
    """The operation and its parameters (C,); `bias` is None where nothing is added."""

    op: Requantize
    multiplier: Array
    shift: Array
    bias: Array | None


def _code(real: float, output: FixedFormat) -> int:
    """The code of a real number, as QuantizeLinear computes it."""
    step = np.float32(real) / np.float32(output.one_scale)
    return int(np.clip(np.rint(step) + output.zero_point, output.lo, output.hi))


def _bounds(value: Represented, output: FixedFormat) -> tuple[int, int]:
    """Codes that an activation limits the result to. Rounding is monotonic: clipping before it or after is the same."""
    return _code(value.lo, output), _code(value.hi, output)


def needs_nothing(value: Represented, held: FixedFormat, output: FixedFormat) -> bool:
    """Whether the integers that represent `value`, held in the format `held`, are the codes already."""
    return (
        value.one_scale
        and not value.shift.any()
        and (held.bits, held.encoding) == (output.bits, output.encoding)
        and (value.scale[0], value.zero) == (output.scale, output.zero_point)
        and _bounds(value, output) == (output.lo, output.hi)
    )


def accumulator_bias(value: Represented, step: float) -> Array | None:
    """The pending shift as integers to add to the accumulators; None if it has to stay outside.

    `step` is that of the result (0 if any rounding to one unit of the accumulators will do).
    """
    if value.layer is None or not value.shift.any() or (value.scale == 0).any():
        return None
    coarsest = COARSEST_BIAS_UNIT if value.own_bias else COARSEST_SHIFT_UNIT
    if step and (np.abs(value.scale) > step * coarsest).any():
        return None
    bias = np.rint(value.shift / value.scale)
    return None if (np.abs(bias) > LARGEST_BIAS).any() else bias.astype(np.int64)


def requantization(value: Represented, output: FixedFormat, precision: Precision) -> Requantization:
    """Multipliers of float32((scale)/(output's scale)), computed in float32 as onnxruntime does."""
    step = np.float32(output.one_scale)
    found = multipliers(value.scale.astype(np.float32) / step, precision)
    offset = np.rint(np.ldexp(value.shift / float(step), found.shift)) - value.zero * found.multiplier.astype(
        np.float64
    )
    bias = np.clip(offset, -LARGEST_TERM, LARGEST_TERM).astype(np.int64)
    lo, hi = _bounds(value, output)
    return Requantization(
        Requantize(output, lo, hi, precision), found.multiplier, found.shift, bias if bias.any() else None
    )
