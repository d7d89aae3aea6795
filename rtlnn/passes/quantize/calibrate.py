"""Ranges of values over calibration data."""

from collections.abc import Iterable, Sequence

import numpy as np

from rtlnn.ir.graph import Graph
from rtlnn.ir.types import Array

__all__ = ["calibrate"]

BATCH = 32


def calibrate(graph: Graph, frames: Sequence[Array], values: Iterable[str]) -> dict[str, tuple[float, float]]:
    """The smallest and largest number that each of `values` takes over the frames [N, H, W, C] of all inputs."""
    names = tuple(values)
    lows = dict.fromkeys(names, np.inf)
    highs = dict.fromkeys(names, -np.inf)
    for i in range(0, len(frames[0]), BATCH):
        seen = graph.evaluate(*(f[i : i + BATCH] for f in frames), keep=names)
        for v in names:
            lows[v] = min(lows[v], float(seen[v].min()))
            highs[v] = max(highs[v], float(seen[v].max()))
    return {v: (lows[v], highs[v]) for v in names}
