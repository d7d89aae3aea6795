"""Where monotonic conditions on integers begin to hold."""

from collections.abc import Callable

import numpy as np

from rtlnn.ir.types import Array

__all__ = ["first_of"]


def first_of(holds: Callable[[Array], Array], lo: int, hi: int, levels: int, direction: Array) -> Array:
    """For every level and channel [K, C] the smallest m, from lo to hi + 1, with a condition that holds from m on.

    `holds` tells it for integers [K, C], and has no holes: in a channel of direction 1 it holds from some n on, and
    m = n; in one of direction -1 it holds up to some n, and m = -n. For a condition that holds nowhere between lo and
    hi (or -hi and -lo), m is one more than the last.
    """
    shape = (levels, len(direction))
    # of -hi to -lo where the direction is -1
    first = np.broadcast_to(np.where(direction > 0, lo, -hi), shape).astype(np.int64)
    last = np.broadcast_to(np.where(direction > 0, hi, -lo), shape) + np.int64(1)
    while (unknown := first < last).any():
        middle = (first + last) >> 1
        found = holds(direction * middle)
        first, last = np.where(unknown & ~found, middle + 1, first), np.where(unknown & found, middle, last)
    return first
