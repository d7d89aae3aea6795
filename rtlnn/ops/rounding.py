"""How real numbers become integers."""

from enum import Enum

import numpy as np

from rtlnn.ir.types import Array

__all__ = ["Rounding"]


class Rounding(Enum):
    """Which integer a real number is rounded to."""

    HALF_EVEN = "half even"
    """The nearest, and of two the even one: what ONNX's QuantizeLinear does."""
    HALF_UP = "half up"
    """The nearest, and of two the one farther from 0."""
    HALF_DOWN = "half down"
    """The nearest, and of two the one closer to 0."""
    FLOOR = "floor"
    CEILING = "ceiling"
    TO_ZERO = "to zero"
    FROM_ZERO = "from zero"

    def apply(self, x: Array) -> Array:
        """Each number of `x` rounded, as a real number."""
        magnitude, sign = np.abs(x), np.sign(x)
        result: Array
        match self:
            case Rounding.HALF_EVEN:
                result = np.rint(x)
            case Rounding.HALF_UP:
                result = sign * np.floor(magnitude + 0.5)
            case Rounding.HALF_DOWN:
                result = sign * np.ceil(magnitude - 0.5)
            case Rounding.FLOOR:
                result = np.floor(x)
            case Rounding.CEILING:
                result = np.ceil(x)
            case Rounding.TO_ZERO:
                result = np.trunc(x)
            case Rounding.FROM_ZERO:
                result = sign * np.ceil(magnitude)
        return result

    def without_negatives(self) -> "Rounding":
        """A mode that does the same to numbers above 0, and has no special place for 0."""
        same = {Rounding.TO_ZERO: Rounding.FLOOR, Rounding.FROM_ZERO: Rounding.CEILING}
        return same.get(self, self)
