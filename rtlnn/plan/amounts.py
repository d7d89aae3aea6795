"""Resources in whole numbers, so that sums and comparisons do not depend on their order, nor on the machine."""

from typing import TypeAlias

from rtlnn.layers.component import Resources

__all__ = ["NAMES", "NOTHING", "SCALES", "Vector", "cost_of", "minus", "plus", "resources", "vector"]

NAMES = ("lut", "ff", "dsp", "bram36", "uram")
SCALES = (1, 1, 1, 2, 1)
"""Units of what a vector counts: block RAMs in halves."""
Vector: TypeAlias = tuple[int, int, int, int, int]
"""Amounts of `NAMES`, or prices of them."""
NOTHING: Vector = (0, 0, 0, 0, 0)


def vector(amounts: Resources) -> Vector:
    return amounts.lut, amounts.ff, amounts.dsp, round(2 * amounts.bram36), amounts.uram


def resources(amounts: Vector) -> Resources:
    lut, ff, dsp, halves, uram = amounts
    return Resources(lut, ff, dsp, halves / 2, uram)


def plus(a: Vector, b: Vector) -> Vector:
    return a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3], a[4] + b[4]


def minus(a: Vector, b: Vector) -> Vector:
    return a[0] - b[0], a[1] - b[1], a[2] - b[2], a[3] - b[3], a[4] - b[4]


def cost_of(a: Vector, prices: Vector) -> int:
    return a[0] * prices[0] + a[1] * prices[1] + a[2] * prices[2] + a[3] * prices[3] + a[4] * prices[4]
