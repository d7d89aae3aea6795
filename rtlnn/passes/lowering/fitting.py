"""Integer multipliers that equal arithmetic in float32 for every combination of operands.

onnxruntime computes sums and products of quantized tensors in float32: dequantize, add, divide, round. Few of the
results lie so close to the middle between two integers that float32's own roundings decide; a linear rule in integers
can follow those, too, if its coefficients are moved by a little. They are found by trying: nearby multipliers, and for
each the interval of biases that no combination of operands forbids.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np

from rtlnn.ir.types import Array
from rtlnn.ops.requantize import round_half_even_shift

__all__ = ["Fitted", "fitted"]

REACH = 8
"""Multipliers are moved by at most so many units."""

NEAR = 8
"""Results within 2**-NEAR of the middle between two integers may be decided by float32's roundings."""


@dataclass(frozen=True)
class Fitted:
    """result = clip(round_half_even((Σ multiplier·operand + bias) / 2**shift), lo, hi).

    Parameters
    ----------
    multipliers : one for each operand
    bias, shift : of the sum
    wrong : how many combinations of operands differ from what was wanted
    """

    multipliers: tuple[int, ...]
    bias: int
    shift: int
    wrong: int = 0


def fitted(
    operands: Array, ratios: tuple[float, ...], wanted: Array, lo: int, hi: int, bits: int, added: int = 0
) -> Fitted:
    """The integers for round(Σ ratio·operand + added), limited to lo..hi.

    Parameters
    ----------
    operands : (combinations, terms) integers
    ratios : the real multiplier of each term
    wanted : (combinations,) the results as float32 arithmetic has them
    bits : of the largest multiplier

    The nearest multipliers come first, and the bias nearest to `added`. Where nothing tried gives every wanted result,
    it is the nearest multipliers and `added` itself, and `wrong` counts the rest.
    """
    shift = max(bits - int(np.frexp(np.abs(ratios).max())[1]), 1)
    nearest = np.rint(np.ldexp(np.asarray(ratios), shift)).astype(np.int64)
    start = added << shift
    bounds = _Bounds(operands, operands @ nearest + start, wanted, lo, hi, shift)
    moves = sorted(product(range(-REACH, REACH + 1), repeat=len(ratios)), key=lambda m: (max(map(abs, m)), m))
    for move in moves:
        least, most = bounds.biases(nearest + np.asarray(move), start)
        if least <= most:
            bias = min(max(start, least), most)
            return Fitted(tuple(int(m) for m in nearest + np.asarray(move)), bias, shift)
    shifts = np.full(len(operands), shift)
    got = np.clip(round_half_even_shift(operands @ nearest + start, shifts), lo, hi)
    return Fitted(tuple(int(m) for m in nearest), start, shift, int((got != wanted).sum()))


class _Bounds:
    """What the results that lie near the middle between two integers demand of a sum."""

    def __init__(self, operands: Array, sums: Array, wanted: Array, lo: int, hi: int, shift: int) -> None:
        half, near = np.int64(1) << (shift - 1), np.int64(1) << max(shift - NEAR, 0)
        # half to even: an even result takes the middles below and above it
        odd = wanted & 1
        least, most = (2 * wanted - 1) * half + odd, (2 * wanted + 1) * half - odd
        below, above = (wanted > lo) & (sums - least < near), (wanted < hi) & (most - sums < near)
        self._below, self._least = operands[below], least[below]
        self._above, self._most = operands[above], most[above]
        # further off, results would count that are not looked at
        self._reach = int(near) // 2

    def biases(self, multipliers: Array, start: int) -> tuple[int, int]:
        """The smallest and largest bias with which every result is as wanted; empty if the first is larger."""
        low, high = start - self._reach, start + self._reach
        if len(self._least):
            low = max(low, int((self._least - self._below @ multipliers).max()))
        if len(self._most):
            high = min(high, int((self._most - self._above @ multipliers).min()))
        return low, high
