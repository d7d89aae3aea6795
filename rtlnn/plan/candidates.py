"""All foldings of a layer that are worth a look."""

from collections.abc import Iterator
from itertools import product
from math import prod

from rtlnn.layers.window import Tile
from rtlnn.ops import AveragePool2D
from rtlnn.plan.folding import Folding
from rtlnn.plan.grouping import Grouping
from rtlnn.plan.tasks import Task

__all__ = ["candidates", "lean"]

_MOST_COLUMNS = 8
"""Columns at once: as many as pixels a beat of the input can have."""
_MOST_TAPS = 128
"""Values of a window that are spread over steps: each takes a place in a choice."""
_MOST_BANKS = 3
"""Memories for each value that a step reads, where taps are apart."""
_WASTE = 1.35
"""Multipliers of a folding against the fewest for its speed: it may save memories or width converters."""


def candidates(task: Task) -> Iterator[Folding]:
    """All foldings: no two take the same number of cycles by the same parallelism."""
    kh, kw = task.window.kernel
    outputs = task.sums.shape[2]
    for parallel in product(sorted({1, kh}), sorted({1, kw})):
        for pe, lanes in _channels(task):
            for positions in _positions(task, complete=pe >= outputs):
                if _far(task, parallel, positions):
                    continue
                for split in _splits(task, lanes, parallel):
                    yield Folding(pe, lanes, parallel, positions=positions, split=split)


def _channels(task: Task) -> Iterator[tuple[int, int]]:
    """(Output channels, input channels) at once: parts of a group, or whole groups."""
    groups, depth, outputs = task.groups, task.depth, task.sums.shape[2] // task.groups
    if groups == 1:
        yield from product(_useful(outputs), _useful(depth))
        return
    yield from ((pe, lanes) for pe in _divisors(outputs) for lanes in _divisors(depth))
    yield from ((n * outputs, n * depth) for n in _useful(groups) if n > 1)


def _far(task: Task, parallel: tuple[int, int], positions: tuple[int, int]) -> bool:
    """Whether taps at once are so far apart that most of the memories between them would not be read."""
    w = task.window
    if w.dilation == (1, 1):
        return False
    rectangle = (Tile((1, 1), (1, 1), positions).rectangle(w, parallel, axis) for axis in range(2))
    return prod(rectangle) > _MOST_BANKS * prod(parallel) * prod(positions)


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
    g = Grouping.of(task, f)
    kernel = prod(task.window.kernel) // prod(f.parallel) * f.split * -(-task.depth // g.lanes)
    if task.pool:
        h, w = task.pool.output_size((h, w))
        kernel *= prod(task.pool.kernel)
    passes = -(-outputs // f.pe)
    return h * w * passes * kernel // prod(f.positions), f.pe * g.simd * prod(f.positions)


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
    if (
        task.weights is None
        or lanes > task.depth
        or parallel != task.window.kernel
        or parallel == (1, 1)
        or taps > _MOST_TAPS
    ):
        return [1]
    return sorted({-(-taps // n) for n in _useful(taps)})


def _divisors(total: int) -> list[int]:
    return [n for n in range(1, total + 1) if total % n == 0]


def _useful(total: int) -> list[int]:
    """Parallelisms that differ in the number of steps: the smallest of each."""
    return sorted({-(-total // n) for n in range(1, total + 1)})
