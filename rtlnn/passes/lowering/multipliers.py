"""Real scales as integer multipliers and shifts."""

from dataclasses import dataclass

import numpy as np

from rtlnn.ir.types import Array
from rtlnn.ops import Precision

__all__ = ["MAX_SHIFT", "Multipliers", "multipliers"]

MAX_SHIFT = 47
"""A product has 48 bits. Smaller scales than 2**-24 then lose bits of their mantissa, where results are 0 anyway."""

BITS = {Precision.EXACT: 24, Precision.FAST: 17}


@dataclass(frozen=True, eq=False)
class Multipliers:
    """real scale = multiplier / 2**shift, per channel; int64."""

    multiplier: Array
    shift: Array


def multipliers(scale: Array, precision: Precision) -> Multipliers:
    """Integers for the real scales (C,).

    With `Precision.EXACT` these are the 24-bit mantissas of the scales as float32 numbers, without the zeros that end
    all of them: powers of two become 1.
    """
    bits = BITS[precision]
    single = scale.astype(np.float32).astype(np.float64)
    mantissa, exponent = np.frexp(single)
    integer = np.rint(np.ldexp(mantissa, bits)).astype(np.int64)
    shift = bits - exponent.astype(np.int64)
    # rounding up may have made 2**bits
    full = np.abs(integer) == 1 << bits
    integer, shift = np.where(full, integer >> 1, integer), shift - full
    # an accumulator of 1 saturates any result, also with the largest multiplier
    integer = np.where(shift < 0, np.sign(integer) * ((1 << bits) - 1), integer)
    shift = np.maximum(shift, 0)
    excess = np.maximum(shift - MAX_SHIFT, 0)
    small = np.rint(np.ldexp(integer.astype(np.float64), -excess)).astype(np.int64)
    integer, shift = np.where(excess > 0, small, integer), np.minimum(shift, MAX_SHIFT)
    shift = np.where(integer == 0, 0, shift)
    used = integer[integer != 0]
    if used.size:
        zeros = min(int((used & -used).min()).bit_length() - 1, int(shift[integer != 0].min()))
        integer, shift = integer >> zeros, np.where(integer == 0, 0, shift - zeros)
    return Multipliers(integer, shift)
