"""Ranges that leave out what lies far out: by a share of the values, or by the least squared error."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from rtlnn.ir.graph import Graph
from rtlnn.ir.types import Array
from rtlnn.passes.quantize.calibrate import batches
from rtlnn.passes.quantize.formats import activation_format

__all__ = ["CalibrationMethod", "Histogram", "histograms"]

BINS = 2048
SHARE = 0.9999
"""Of the values, so many lie within the range that `PERCENTILE` takes."""

RATIOS = np.linspace(1.0, 0.05, 96)
"""Of the whole range: what `MSE` tries."""


class CalibrationMethod(Enum):
    """How a range is taken from the values that were seen."""

    MIN_MAX = "min-max"
    """From the smallest to the largest."""
    PERCENTILE = "percentile"
    """The same without the 0.01 % that lie farthest out, half of them on each side."""
    MSE = "mse"
    """What gives the least squared error in the bits of the value."""


@dataclass(frozen=True, eq=False)
class Histogram:
    """How often values lie in equal intervals between the smallest and the largest.

    Parameters
    ----------
    counts : (BINS,)
    lo, hi : the ends of the first and the last interval
    """

    counts: Array
    lo: float
    hi: float

    @property
    def centres(self) -> Array:
        """The middle of each interval."""
        step = (self.hi - self.lo) / len(self.counts)
        return self.lo + step * (np.arange(len(self.counts)) + 0.5)

    def within(self, share: float) -> tuple[float, float]:
        """The range without (1 - share)/2 of the values on each side."""
        seen = np.cumsum(self.counts) / max(self.counts.sum(), 1)
        step = (self.hi - self.lo) / len(self.counts)
        first = int(np.searchsorted(seen, (1 - share) / 2, side="right"))
        last = int(np.searchsorted(seen, 1 - (1 - share) / 2, side="left"))
        return self.lo + step * first, self.lo + step * (last + 1)

    def least_error(self, unsigned: bool, bits: int) -> tuple[float, float]:
        """The range, a part of the whole one, whose format of `bits` bits has the least squared error."""
        values = self.centres
        best, least = (self.lo, self.hi), np.inf
        for ratio in RATIOS:
            lo, hi = self.lo * ratio, self.hi * ratio
            fixed = activation_format(lo, hi, unsigned, bits)
            codes = np.clip(np.rint(values / fixed.one_scale) + fixed.zero_point, fixed.lo, fixed.hi)
            error = float((self.counts * ((codes - fixed.zero_point) * fixed.one_scale - values) ** 2).sum())
            if error < least:
                best, least = (lo, hi), error
        return best

    def range(self, method: CalibrationMethod, unsigned: bool, bits: int) -> tuple[float, float]:
        """The range by `method`, of a value that becomes `bits` bits."""
        if self.hi <= self.lo or method is CalibrationMethod.MIN_MAX:
            return self.lo, self.hi
        if method is CalibrationMethod.PERCENTILE:
            return self.within(SHARE)
        return self.least_error(unsigned, bits)


def histograms(
    graph: Graph, frames: Sequence[Array], ranges: Mapping[str, tuple[float, float]], values: Iterable[str]
) -> dict[str, Histogram]:
    """Histograms of `values` over the frames of the graph's inputs; `ranges` are their smallest and largest numbers."""
    names = tuple(values)
    counts = {v: np.zeros(BINS) for v in names}
    for part in batches(graph, frames):
        seen = graph.evaluate(*part, keep=names)
        for v in names:
            lo, hi = ranges[v]
            if hi > lo:
                counts[v] += np.histogram(seen[v], BINS, (lo, hi))[0]
    return {v: Histogram(counts[v], *ranges[v]) for v in names}
