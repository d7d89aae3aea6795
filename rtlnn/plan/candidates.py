"""All foldings of a layer that are worth a look."""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from itertools import product
from math import prod

from rtlnn.layers.memory_kind import LUTRAM_WORDS
from rtlnn.layers.window import PIXELS, Tile
from rtlnn.ops import AveragePool2D
from rtlnn.plan.folding import Folding
from rtlnn.plan.grouping import Grouping
from rtlnn.plan.tasks import Task

__all__ = ["WASTE", "Sized", "alike", "candidates", "lean", "size_of"]

_MOST_COLUMNS = 8
"""Columns at once: as many as pixels a beat of the input can have."""
_MOST_TAPS = 128
"""Values of a window that are spread over steps: each takes a place in a choice."""
_MOST_BANKS = 3
"""Memories for each value that a step reads, where taps are apart."""
WASTE = 1.35
"""Multipliers of a folding against the fewest for its speed: it may save memories or width converters."""
_MULTIPLIER, _RESULT, _VALUE, _BLOCK = 80, 150, 16, 250
"""What a multiplier, a result at once, a value that is read, and half a block RAM are worth, in LUTs."""


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


@dataclass(frozen=True)
class Sized:
    """A folding, with facts that are known without building its kernel.

    Parameters
    ----------
    cycles : as long as the kernel is busy
    multipliers : or taps, where there are no weights
    weight : about what it costs, in LUTs: only to tell what is worth a closer look
    """

    folding: Folding
    cycles: int
    multipliers: int
    weight: int


def lean(task: Task) -> list[Sized]:
    """Those of all foldings with about as few multipliers as any that is as fast; the fastest first."""
    sized = sorted((size_of(task, f) for f in candidates(task)), key=lambda s: (s.cycles, s.multipliers))
    result, fewest = [], float("inf")
    for found in sized:
        fewest = min(fewest, found.multipliers)
        if found.multipliers <= WASTE * fewest:
            result.append(found)
    return result


def alike(task: Task) -> Hashable:
    """Equal for tasks with the same foldings."""
    op = task.node.op
    uneven = isinstance(op, AveragePool2D) and _uneven(task, op)
    weighted = task.weights is not None
    return weighted, uneven, task.window, task.groups, task.input.shape, task.sums.shape, task.pool


def size_of(task: Task, f: Folding) -> Sized:
    """The cycles are those of the candidate, without building it: of its reader, its input or its output."""
    h, w, outputs = task.sums.shape
    g = Grouping.of(task, f)
    steps = prod(task.window.kernel) // prod(f.parallel) * f.split * -(-task.depth // g.lanes)
    pixels = prod(f.positions)
    if task.pool:
        h, w = task.pool.output_size((h, w))
        steps = steps * prod(task.pool.kernel) // pixels
        pixels = 1
    passes = -(-outputs // f.pe)
    busy = h * w * passes * steps // pixels
    # results at once: as few as leave before the next pass's
    sums = f.pe * pixels
    lanes = next(n for n in range(-(-sums // steps), sums + 1) if sums % n == 0)
    leave = h * w // pixels * -(-outputs * pixels // lanes)
    multipliers = f.pe * g.simd * prod(f.positions)
    weight = multipliers * _MULTIPLIER + lanes * _RESULT + _buffer(task, f)
    if task.weights is not None and passes * steps > LUTRAM_WORDS:
        weight += -(-multipliers // 4) * -(-passes * steps // 512) * _BLOCK
    return Sized(f, max(busy, _enter(task, f.lanes, busy), leave), multipliers, weight)


def _buffer(task: Task, f: Folding) -> int:
    """About what the line buffer costs, in LUTs: what is read at once, and from how many memories."""
    tile = Tile(f.positions, (1, 1), f.positions)
    banks = prod(tile.rectangle(task.window, f.parallel, axis) for axis in range(2))
    words = task.input.shape[1] * -(-task.input.shape[2] // f.lanes) * task.window.extent[0] // banks
    width = -(-f.lanes // 4)
    return banks * (f.lanes * _VALUE + (width * -(-words // 512) * _BLOCK if words > LUTRAM_WORDS else 0))


def _enter(task: Task, lanes: int, busy: int) -> int:
    """Beats of the input: of a part of a pixel each, or of as few pixels as keep up with the reader."""
    h, w, channels = task.input.shape
    if lanes < channels:
        return h * w * -(-channels // lanes)
    beats = [h * -(-w // n) for n in PIXELS]
    return next((n for n in beats if n <= busy), beats[-1])


def _positions(task: Task, complete: bool) -> list[tuple[int, int]]:
    """Positions at once: of a pool's window, or of a row where all channels are computed at once."""
    if task.pool:
        together = [sorted({1, n}) for n in task.pool.kernel]
        return list(product(together[0], together[1]))
    op = task.node.op
    # averages of another number of pixels at the borders are taken one by one
    if not complete or (isinstance(op, AveragePool2D) and _uneven(task, op)):
        return [(1, 1)]
    columns = task.sums.shape[1]
    return [(1, n) for n in range(1, _MOST_COLUMNS + 1) if columns % n == 0]


def _uneven(task: Task, op: AveragePool2D) -> bool:
    """Whether an average is not always of the same number of pixels."""
    return bool((op.factors(task.input.shape[:2])[0] != 1).any())


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
