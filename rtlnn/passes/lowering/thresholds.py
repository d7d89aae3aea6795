"""Few levels of a represented value: the integers where each of them begins."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rtlnn.ir.types import Array, FixedFormat
from rtlnn.ops import Quantize, Thresholds
from rtlnn.passes.bisection import first_of
from rtlnn.passes.lowering.represented import Represented

__all__ = ["MOST_LEVELS", "IntegerThresholds", "of_codes", "of_levels"]

MOST_LEVELS = 16
"""Beyond this, comparing takes more than multiplying."""


@dataclass(frozen=True, eq=False)
class IntegerThresholds:
    """The operation on the integers `value`, and its parameters: thresholds (K, C) and signs (C,)."""

    value: str
    op: Thresholds
    thresholds: Array
    sign: Array


def _real(value: Represented, integers: Array) -> Array:
    """What integers [K, C] stand for."""
    result: Array = np.clip(value.scale * (integers - value.zero) + value.shift, value.lo, value.hi)
    return result


def _found(
    value: Represented, op: Thresholds, holds: Callable[[Array], Array], levels: int, sign: Array, held: FixedFormat
) -> IntegerThresholds:
    direction = np.where(value.scale < 0, -1, 1) * sign.astype(np.int64)
    return IntegerThresholds(value.value, op, first_of(holds, held.lo, held.hi, levels, direction), direction)


def of_levels(value: Represented, op: Thresholds, levels: Array, sign: Array, held: FixedFormat) -> IntegerThresholds:
    """For thresholds on the real value: `levels` (K, C), `sign` (C,); the integers are held in the format `held`."""
    return _found(value, op, lambda n: sign * _real(value, n) >= levels, len(levels), sign, held)


def of_codes(value: Represented, op: Quantize, held: FixedFormat) -> IntegerThresholds:
    """For a quantization, computed in float32 as `Quantize` does."""
    lo, hi = op.ends
    codes = np.arange(lo + 1, hi + 1)[:, np.newaxis]
    made = Thresholds(op.output, lo)
    sign = np.ones(len(value.scale), np.int64)
    return _found(value, made, lambda n: op.evaluate(_real(value, n)) >= codes, hi - lo, sign, held)
