"""Ranges of values over calibration data."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from rtlnn.ir.graph import Graph
from rtlnn.ir.types import Array

__all__ = ["batches", "calibrate"]

BATCH = 32
BATCH_VALUES = 1 << 25
"""Of the largest tensor."""


def batches(graph: Graph, frames: Sequence[Array]) -> Iterator[tuple[Array, ...]]:
    """The frames of all inputs, so many at a time as memory allows."""
    largest = max(kind.size for kind in graph.types.values())
    size = min(BATCH, max(1, BATCH_VALUES // largest))
    for i in range(0, len(frames[0]), size):
        yield tuple(array[i : i + size] for array in frames)


def calibrate(graph: Graph, frames: Sequence[Array], values: Iterable[str]) -> dict[str, tuple[float, float]]:
    """The smallest and largest number that each of `values` takes over the frames [N, H, W, C] of all inputs."""
    names = tuple(values)
    lows = dict.fromkeys(names, np.inf)
    highs = dict.fromkeys(names, -np.inf)
    for part in batches(graph, frames):
        seen = graph.evaluate(*part, keep=names)
        for v in names:
            lows[v] = min(lows[v], float(seen[v].min()))
            highs[v] = max(highs[v], float(seen[v].max()))
    return {v: (lows[v], highs[v]) for v in names}
