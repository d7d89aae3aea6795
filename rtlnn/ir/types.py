"""Types of values: the shape of a frame and the fixed-point format of its integers."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Array", "Encoding", "FixedFormat", "TensorType"]

Array = npt.NDArray[Any]


class Encoding(Enum):
    """How the bits of a value are read."""

    SIGNED = "signed"
    UNSIGNED = "unsigned"
    BIPOLAR = "bipolar"
    """One bit: 0 is -1, 1 is +1."""


@dataclass(frozen=True)
class FixedFormat:
    """Integers that stand for real numbers: real = scale * (integer - zero_point).

    Parameters
    ----------
    bits : width of a value, 1 to 48
    encoding : how the bits are read
    scale : positive; one number, or one per channel (the last axis of an activation, the first of a weight)
    zero_point : the integer that stands for 0.0
    """

    bits: int
    encoding: Encoding
    scale: float | tuple[float, ...] = 1.0
    zero_point: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.bits <= 48:
            raise ValueError(f"a format has 1 to 48 bits, not {self.bits}")
        if self.encoding is Encoding.BIPOLAR and self.bits != 1:
            raise ValueError("a bipolar format has one bit")

    @property
    def signed(self) -> bool:
        return self.encoding is Encoding.SIGNED

    @property
    def one_scale(self) -> float:
        """The scale of all channels. Raises `ValueError` if they have scales of their own."""
        if isinstance(self.scale, tuple):
            raise ValueError("this needs one scale for all channels")
        return self.scale

    @property
    def lo(self) -> int:
        """The smallest integer."""
        if self.encoding is Encoding.BIPOLAR:
            return -1
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def hi(self) -> int:
        """The largest integer."""
        if self.encoding is Encoding.BIPOLAR:
            return 1
        return (1 << (self.bits - self.signed)) - 1

    @classmethod
    def spanning(cls, lo: int, hi: int, scale: float | tuple[float, ...] = 1.0, zero_point: int = 0) -> "FixedFormat":
        """The narrowest format that holds every integer from `lo` to `hi`."""
        if lo < 0:
            return cls(
                max(int(-lo - 1).bit_length(), int(max(hi, 0)).bit_length()) + 1, Encoding.SIGNED, scale, zero_point
            )
        return cls(max(int(hi).bit_length(), 1), Encoding.UNSIGNED, scale, zero_point)


@dataclass(frozen=True)
class TensorType:
    """Shape and format of a value; `format` is None for real numbers.

    An activation's shape is that of one frame, (height, width, channels); a vector is (1, 1, channels).
    """

    shape: tuple[int, ...]
    format: FixedFormat | None = None

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def fixed(self) -> FixedFormat:
        """The format of an integer value. Raises `TypeError` for a real one."""
        if self.format is None:
            raise TypeError("a real value has no fixed-point format")
        return self.format
