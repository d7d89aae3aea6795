"""All foldings of a layer that are worth a look."""

from collections.abc import Iterator
from itertools import product
from math import prod

from rtlnn.ops import AveragePool2D
from rtlnn.plan.folding import Folding
from rtlnn.plan.tasks import Task

__all__ = ["candidates", "lean"]

_MOST_COLUMNS = 8
"""Columns at once: as many as pixels a beat of the input can have."""
_MOST_TAPS = 128
"""Values of a window that are spread over steps: each takes a place in a choice."""
_WASTE = 1.35
"""Multipliers of a folding against the fewest for its speed: it may save memories or width converters."""


def candidates(task: Task) -> Iterator[Folding]:
    """All foldings: no two take the same number of cycles by the same parallelism."""
    kh, kw = task.window.kernel
    channels, outputs = task.input.shape[2], task.sums.shape[2]
    for parallel in product(sorted({1, kh}), sorted({1, kw})):
        for lanes in _useful(channels):
            splits = _splits(task, lanes, parallel)
            for pe in [lanes] if task.weights is None else _useful(outputs):
                for positions in _positions(task, complete=pe >= outputs):
                    for split in splits:
                        yield Folding(pe, lanes, parallel, positions=positions, split=split)


def lean(task: Task) -> list[Folding]:
    """Those of all foldings with about as few multipliers as any that is as fast."""
    sized = sorted(((*_size(task, f), f) for f in candidates(task)), key=lambda s: s[:2])
    result, fewest = [], float("inf")
    for _, multipliers, folding in sized:
        fewest = min(fewest, multipliers)
        if multipliers <= _WASTE * fewest:
            result.append(folding)
    return result


def _size(task: Task, f: Folding) -> tuple[int, int]:
    """(cycles that the reader is busy, multipliers or taps)."""
    h, w, outputs = task.sums.shape
    kernel = prod(task.window.kernel) // prod(f.parallel) * f.split
    groups = -(-task.input.shape[2] // f.lanes)
    if task.weights is None:
        return h * w // prod(f.positions) * groups * kernel, f.simd * prod(f.positions)
    if task.pool:
        h, w = task.pool.output_size((h, w))
        kernel *= prod(task.pool.kernel)
    passes = -(-outputs // f.pe)
    return h * w * passes * groups * kernel // prod(f.positions), f.pe * f.simd * prod(f.positions)


def _positions(task: Task, complete: bool) -> list[tuple[int, int]]:
    """Positions at once: of a pool's window, or of a row where all channels are computed at once."""
    if task.pool:
        together = [sorted({1, n}) for n in task.pool.kernel]
        return list(product(together[0], together[1]))
    op = task.node.op
    # averages of another number of pixels at the borders are taken one by one
    if not complete or (isinstance(op, AveragePool2D) and (op.factors(task.input.shape[:2])[0] != 1).any()):
        return [(1, 1)]
    columns = task.sums.shape[1]
    return [(1, n) for n in range(1, _MOST_COLUMNS + 1) if columns % n == 0]


def _splits(task: Task, lanes: int, parallel: tuple[int, int]) -> list[int]:
    """In how many steps a whole window is read: a kernel's size has few divisors, and often none that fits."""
    taps = lanes * prod(parallel)
    if task.weights is None or parallel != task.window.kernel or parallel == (1, 1) or taps > _MOST_TAPS:
        return [1]
    return sorted({-(-taps // n) for n in _useful(taps)})


def _useful(total: int) -> list[int]:
    """Parallelisms that differ in the number of steps: the smallest of each."""
    return sorted({-(-total // n) for n in range(1, total + 1)})
