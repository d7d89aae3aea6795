"""What turns a represented value into the codes of a format: a Requantize, or nothing at all."""

from dataclasses import dataclass

import numpy as np

from rtlnn.ir.types import Array, FixedFormat
from rtlnn.ops import Precision, Quantize, Requantize, Rounding
from rtlnn.passes.lowering.multipliers import MAX_SHIFT, Multipliers, multipliers
from rtlnn.passes.lowering.represented import Represented

__all__ = ["Requantization", "accumulator_bias", "code", "needs_nothing", "requantization"]

COARSEST_BIAS_UNIT = 2.0**-5
"""Largest unit of the accumulators, in steps of the result, to which a layer's float bias is rounded.

onnxruntime rounds it always; beyond this the result would suffer visibly.
"""

COARSEST_SHIFT_UNIT = 2.0**-10
"""The same for what later arithmetic adds, which onnxruntime does not round: at most 1 result in 2000 may differ."""

SAME_SCALE = 1e-6
"""Relative difference of scales that are one: that of a mean times the number of its values, in float32."""

EXACT_BIAS = 1e-6
"""Largest distance from an integer, in units of the accumulators, that float32 arithmetic accounts for."""

LARGEST_BIAS = 2.0**31 - 1
LARGEST_TERM = 2**60


@dataclass(frozen=True, eq=False)
class Requantization:
    """The operation and its parameters (C,); `bias` is None where nothing is added."""

    op: Requantize
    multiplier: Array
    shift: Array
    bias: Array | None


def code(real: float, op: Quantize) -> int:
    """The code of a real number, as QuantizeLinear computes it."""
    return int(op.evaluate(np.array(real)))


def _bounds(value: Represented, op: Quantize) -> tuple[int, int]:
    """Codes that an activation limits the result to. Rounding is monotonic: clipping before it or after is the same."""
    lo, hi = (int(np.clip(code(end, op), *op.ends)) for end in (value.lo, value.hi))
    return lo, hi


def needs_nothing(value: Represented, held: FixedFormat, op: Quantize) -> bool:
    """Whether the integers that represent `value`, held in the format `held`, are the codes already."""
    output, (lo, hi) = op.output, op.ends
    return (
        value.one_scale
        and not value.shift.any()
        and lo <= held.lo <= held.hi <= hi
        and value.zero == output.zero_point
        and abs(value.scale[0] - output.one_scale) <= SAME_SCALE * output.one_scale
        and _bounds(value, op) == (lo, hi)
    )


def accumulator_bias(value: Represented, step: float) -> Array | None:
    """The pending shift as integers to add to the accumulators; None if it has to stay outside.

    `step` is that of the result (0 if the accumulators are the result).
    """
    if value.layer is None or not value.shift.any() or (value.scale == 0).any():
        return None
    coarsest = COARSEST_BIAS_UNIT if value.own_bias else COARSEST_SHIFT_UNIT
    if step and (np.abs(value.scale) > step * coarsest).any():
        return None
    exactly = value.shift / value.scale
    bias = np.rint(exactly)
    # where nothing requantizes the sums, the host adds what is not a whole unit, which of few-bit products is much;
    # a layer's own bias is rounded as onnxruntime does
    if not step and not value.own_bias and (np.abs(exactly - bias) > EXACT_BIAS).any():
        return None
    return None if (np.abs(bias) > LARGEST_BIAS).any() else bias.astype(np.int64)


def requantization(value: Represented, op: Quantize, precision: Precision) -> Requantization:
    """The value's own rule, or multipliers of float32((scale)/(output's scale)), as onnxruntime computes it.

    Raises `ValueError` for a rounding that treats negative numbers otherwise, where there are such.
    """
    output, rule = op.output, value.rule
    lo, hi = _bounds(value, op)
    if rule is not None and rule.output == output and op.rounding is Rounding.HALF_EVEN:
        once = Precision.FAST if rule.once else precision
        made = Requantize(output, lo, hi, once, None if rule.zero == output.zero_point else rule.zero)
        # a bias, even 0, lets `exact` round once
        bias = rule.bias if rule.bias.any() or not rule.once else None
        return Requantization(made, rule.multiplier, rule.shift, bias)
    step = np.float32(output.one_scale)
    found = multipliers(value.scale.astype(np.float32) / step, precision)
    if op.rounding is not Rounding.HALF_EVEN:
        found = _halved(found)
    offset = np.rint(np.ldexp(value.shift / float(step), found.shift)) - value.zero * found.multiplier.astype(
        np.float64
    )
    bias = np.clip(offset, -LARGEST_TERM, LARGEST_TERM).astype(np.int64)
    if op.rounding is not Rounding.HALF_EVEN:
        found, bias = _rounded_otherwise(found, bias, op.rounding, lo < output.zero_point)
    return Requantization(
        Requantize(output, lo, hi, precision), found.multiplier, found.shift, bias if bias.any() else None
    )


def _halved(found: Multipliers) -> Multipliers:
    """The same numbers with shifts that leave room for another bit."""
    full = found.shift >= MAX_SHIFT
    half = np.rint(found.multiplier / 2).astype(np.int64)
    return Multipliers(np.where(full, half, found.multiplier), found.shift - full)


def _rounded_otherwise(
    found: Multipliers, bias: Array, rounding: Rounding, negative: bool
) -> tuple[Multipliers, Array]:
    """The same function with other rounding, by half to even with one bit more: no result is a tie any more.

    With n = acc·multiplier + bias, floor(n / 2**s) = round((2·n + 1 - 2**s) / 2**(s + 1)), and so on.
    """
    if negative and rounding not in (Rounding.FLOOR, Rounding.CEILING):
        raise ValueError(f"it rounds negative numbers {rounding.value}, more than a few of them")
    unit = np.int64(1) << found.shift
    added = {
        Rounding.FLOOR: 1 - unit,
        Rounding.CEILING: unit - 1,
        Rounding.HALF_UP: np.ones_like(unit),
        Rounding.HALF_DOWN: -np.ones_like(unit),
    }[rounding.without_negatives()]
    return Multipliers(2 * found.multiplier, found.shift + 1), 2 * bias + added
