"""How large the sums can be that share the lanes of a DSP slice.

Sums wrap on their way, so that only what a lane holds in the end must fit.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["LaneSums", "Operand", "SortedSums", "SumRange", "WeightSums", "WorstSums", "even_lengths"]

Integers: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True)
class Operand:
    """What enters a multiplier: `bits` bits, of which only the values `lo` to `hi` occur."""

    bits: int
    signed: bool
    lo: int
    hi: int

    @classmethod
    def of(cls, bits: int, signed: bool) -> "Operand":
        """All values of the format."""
        lo = -(1 << (bits - 1)) if signed else 0
        return cls(bits, signed, lo, lo + (1 << bits) - 1)


class SumRange(ABC):
    """The least and the largest sums."""

    @abstractmethod
    def fit(self, bits: int, channels: slice | list[int] = slice(None)) -> bool:
        """Whether the sums of `channels` fit `bits` bits, two's complement."""

    @property
    @abstractmethod
    def bits(self) -> int:
        """Bits of the narrowest two's complement that holds them all."""


@dataclass(frozen=True)
class CommonRange(SumRange):
    """The same for all output channels."""

    least: int
    largest: int

    def fit(self, bits: int, channels: slice | list[int] = slice(None)) -> bool:
        half = 1 << (bits - 1)
        return channels == [] or (self.least >= -half and self.largest < half)

    @property
    def bits(self) -> int:
        return max(self.largest, ~self.least).bit_length() + 1


@dataclass(frozen=True)
class ChannelRange(SumRange):
    """Of each output channel."""

    least: Integers
    largest: Integers

    def fit(self, bits: int, channels: slice | list[int] = slice(None)) -> bool:
        half = 1 << (bits - 1)
        return bool((self.least[channels] >= -half).all() and (self.largest[channels] < half).all())

    @property
    def bits(self) -> int:
        return int(np.maximum(self.largest, ~self.least).max()).bit_length() + 1


class LaneSums(ABC):
    """The range of the sums of a chain, over all chains of `lengths` (in the order of the inputs), for each channel."""

    @abstractmethod
    def of_step(self, lengths: tuple[int, ...]) -> SumRange:
        """In one step."""

    @abstractmethod
    def of_pass(self, lengths: tuple[int, ...]) -> SumRange:
        """Over all steps of a pass."""


@dataclass(frozen=True)
class WorstSums(LaneSums):
    """For any weights within the format, as where they can be replaced."""

    x: Operand
    w: Operand
    steps: int

    def of_step(self, lengths: tuple[int, ...]) -> SumRange:
        return self._range(max(lengths))

    def of_pass(self, lengths: tuple[int, ...]) -> SumRange:
        return self._range(max(lengths) * self.steps)

    def _range(self, products: int) -> SumRange:
        ends = [x * w * products for x in (self.x.lo, self.x.hi) for w in (self.w.lo, self.w.hi)]
        return CommonRange(min(0, *ends), max(0, *ends))


@dataclass(frozen=True, eq=False)
class SortedSums:
    """Bounds from a layer's weights that hold for every folding: no n products sum up to more than the largest n.

    Parameters
    ----------
    least, largest : of the sum of any n products of a channel, by n
    """

    least: Integers
    largest: Integers

    @classmethod
    def of(cls, weights: Integers, x: Operand) -> "SortedSums":
        """From `weights` [channels, inputs]."""
        low, high = _products(weights, x)
        # a chain may be padded with weights of 0
        low, high = np.minimum(low, 0), np.maximum(high, 0)
        return cls(_running(np.sort(low)).min(axis=0), _running(-np.sort(-high)).max(axis=0))

    def folded(self, steps: int) -> LaneSums:
        """For passes of `steps` steps."""
        return _FoldedSums(self, steps)

    def range(self, products: int) -> SumRange:
        n = min(products, len(self.least) - 1)
        return CommonRange(int(self.least[n]), int(self.largest[n]))


@dataclass(frozen=True, eq=False)
class _FoldedSums(LaneSums):
    sums: SortedSums
    steps: int

    def of_step(self, lengths: tuple[int, ...]) -> SumRange:
        return self.sums.range(max(lengths))

    def of_pass(self, lengths: tuple[int, ...]) -> SumRange:
        return self.sums.range(max(lengths) * self.steps)


@dataclass(frozen=True, eq=False)
class WeightSums(LaneSums):
    """Exact, for the `weights` [passes, steps, pe, simd] as they are multiplied."""

    weights: Integers
    x: Operand

    @cached_property
    def _running(self) -> tuple[Integers, Integers]:
        low, high = _products(self.weights, self.x)
        return _running(low), _running(high)

    @cached_property
    def _running_pass(self) -> tuple[Integers, Integers]:
        low, high = self._running
        return low.sum(axis=1), high.sum(axis=1)

    def of_step(self, lengths: tuple[int, ...]) -> SumRange:
        return self._range(*self._running, lengths)

    def of_pass(self, lengths: tuple[int, ...]) -> SumRange:
        return self._range(*self._running_pass, lengths)

    @staticmethod
    def _range(low: Integers, high: Integers, lengths: tuple[int, ...]) -> SumRange:
        ends = list(accumulate(lengths, initial=0))
        least, largest = (np.diff(s[..., ends], axis=-1).reshape(-1, s.shape[-2], len(lengths)) for s in (low, high))
        return ChannelRange(least.min(axis=(0, 2)), largest.max(axis=(0, 2)))


def even_lengths(total: int, chains: int) -> tuple[int, ...]:
    """Lengths of `chains` chains with `total` slices together, the longest first; they differ by one at most."""
    short, long = divmod(total, chains)
    return (short + 1,) * long + (short,) * (chains - long)


def _products(weights: Integers, x: Operand) -> tuple[Integers, Integers]:
    """The least and the largest product of every weight with any x."""
    ends = weights.astype(np.int64) * x.lo, weights.astype(np.int64) * x.hi
    return np.minimum(*ends), np.maximum(*ends)


def _running(values: Integers) -> Integers:
    """Sums of the first n values of the last axis, from n = 0."""
    return np.concatenate([np.zeros_like(values[..., :1]), np.cumsum(values, axis=-1)], axis=-1)
