"""The exact timing of a windowed kernel."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import product

import numpy as np

from rtlnn.ir.types import Array
from rtlnn.layers.results import PassShape
from rtlnn.layers.timing import NEVER, Events, Link, Repeating
from rtlnn.layers.window import WindowConfig

__all__ = ["kernel_waits", "latest_words"]


def kernel_waits(
    window: WindowConfig, shape: PassShape, slots: int, latency: int, i: Link, o: Link
) -> Sequence[Events]:
    """When a kernel takes its input, issues its passes, and delivers their results.

    A row enters when the slot of the row `window.rows` before it is free, two cycles after the last step that needed
    it. A pass needs one of `slots` credits; each of its steps is issued the cycle after its word came, at the earliest.
    Its results are offered one after the other; the last one that leaves returns the credit.

    Parameters
    ----------
    latency : cycles from the issue of a pass's last step to its first result on `o`
    """
    c, passes = window, window.passes
    # a pass is issued when its last step is
    issued = Events(c.positions * passes)
    i.taken.after(issued, 2, behind=c.rows * c.row_beats, where=Repeating.of(_released(c), issued.count))
    issued.after(issued, c.pass_steps, behind=1)
    group = np.arange(shape.beats) // shape.groups
    ends = np.minimum((np.arange(passes) + 1) * shape.groups, shape.beats) - 1
    issued.after(o.taken, 1 + c.pass_steps, behind=slots, where=Repeating.of(ends, shape.beats))
    issued.after(i.taken, 1, where=_words(c))
    within = (np.arange(shape.beats) - group * shape.groups) * shape.spacing
    o.taken.after(issued, latency, where=Repeating.of(group, passes, within))
    return (issued,)


def _released(c: WindowConfig) -> Array:
    """For the first beat of every row, which pass of a frame is the last one that needs the row."""
    oh, ow = c.output_size
    # rows that are not needed any more once this row of tiles is done
    done = np.clip(np.arange(1, oh + 1) * c.hop[0] - c.window.pads[0], 0, c.height)
    done[-1] = c.height
    table = np.full((c.height, c.row_beats), NEVER)
    table[:, 0] = (np.searchsorted(done, np.arange(c.height), side="right") + 1) * ow * c.passes - 1
    return table.ravel()


def _words(c: WindowConfig) -> Repeating:
    """The beats that each pass of a frame waits for, and how many steps come after the one that needs it."""
    steps = tuple(_steps(c, axis) for axis in range(2))
    size = c.height, c.width
    return _words_of(
        size, c.pixels, c.groups, c.window.pads, c.hop, c.rectangle, c.output_size, steps,
        (c.blocks, c.channel_passes, c.pass_words, c.split),
    )  # fmt: skip


def _steps(c: WindowConfig, axis: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Where the tile's positions, and the kernel's taps, lie that are read one after the other."""
    stride, dilation, parallel = c.window.stride[axis], c.window.dilation[axis], c.parallel[axis]
    positions = range(0, c.tile.serial[axis] * stride, stride)
    return tuple(positions), tuple(range(0, c.window.kernel[axis] * dilation, parallel * dilation))


@lru_cache(maxsize=128)
def _words_of(
    size: tuple[int, int],
    pixels: int,
    groups: int,
    pads: tuple[int, int, int, int],
    hop: tuple[int, int],
    rectangle: tuple[int, int],
    output_size: tuple[int, int],
    steps: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...],
    parts: tuple[int, int, int, int],
) -> Repeating:
    """The same for all kernels that differ in other things; of large frames it takes a while."""
    blocks, channel_passes, pass_words, split = parts
    row_beats = -(-size[1] // pixels) * groups
    # of each step in the order of issue, the first tap's row and column, and the word of the pixel
    order = np.array(
        [
            (y + ky, x + kx, g)
            for y, x in product(steps[0][0], steps[1][0])
            for ky, kx in product(steps[0][1], steps[1][1])
            for g in range(pass_words)
            for _ in range(split)
        ]
    )

    def last(axis: int, begin: Array) -> tuple[Array, Array]:
        """The last row or column on the image that each step reads, and whether it reads padding alone."""
        end = begin + rectangle[axis]
        return np.minimum(end, size[axis]) - 1, (end <= 0) | (begin >= size[axis])

    x, beside = last(1, np.arange(output_size[1])[:, None] * hop[1] - pads[1] + order[:, 1])
    known: dict[bytes, tuple[Array, Array]] = {}
    rows = []
    for row in range(output_size[0]):
        top = row * hop[0] - pads[0]
        y, outside = last(0, top + order[:, 0])
        # most rows wait for the same words, some rows further down
        if (key := (y - top).tobytes() + outside.tobytes()) not in known:
            words = np.where(outside | beside, NEVER, (y - top) * row_beats + x // pixels * groups + order[:, 2])
            known[key] = latest_words(words)
        rows.append((_moved(known[key][0], top * row_beats), known[key][1]))
    # even if it is padding, a frame's first step waits for the frame's first word
    y, outside = last(0, order[:, 0] - pads[0])
    words = np.where(outside | beside[0], NEVER, y * row_beats + x[0] // pixels * groups + order[:, 2])[None]
    words[0, 0] = max(words[0, 0], 0)
    first = latest_words(words)
    terms = max(words.shape[1] for words, _ in (first, *rows))
    moved = np.arange(blocks * channel_passes)[:, None] // channel_passes * pass_words
    table = _moved(np.concatenate([_filled(w, terms, NEVER) for w, _ in rows])[:, None], moved)
    delays = np.repeat(np.concatenate([_filled(d, terms, 0) for _, d in rows])[:, None], len(moved), axis=1)
    table[0, 0], delays[0, 0] = _filled(first[0], terms, NEVER), _filled(first[1], terms, 0)
    return Repeating.of(table.reshape(-1, terms), size[0] * row_beats, delays.reshape(-1, terms))


def latest_words(words: Array) -> tuple[Array, Array]:
    """Of the words [positions, steps] those that can be the last to come in time, and the steps after theirs.

    A word comes a cycle after the one before it, at the earliest, and a step goes a cycle after the one before it. So a
    word does not count where an earlier step waits for a later one, nor where a later step's word is further ahead of
    it than the steps are.
    """
    count = words.shape[1]
    ahead = words - np.arange(count)
    none = np.full((len(words), 1), NEVER - count)
    before = np.maximum.accumulate(np.hstack([none, words[:, :-1]]), axis=1)
    behind = np.maximum.accumulate(np.hstack([ahead[:, 1:], none])[:, ::-1], axis=1)[:, ::-1]
    counts = (words != NEVER) & (words > before) & (ahead > behind)
    terms = max(int(counts.sum(axis=1).max()), 1)
    places = np.argsort(~counts, axis=1, kind="stable")[:, :terms]
    chosen = np.where(np.take_along_axis(counts, places, axis=1), np.take_along_axis(words, places, axis=1), NEVER)
    return chosen, count - 1 - places


def _moved(words: Array, by: Array | int) -> Array:
    return np.where(words == NEVER, NEVER, words + by)


def _filled(table: Array, terms: int, value: int) -> Array:
    return np.pad(table, ((0, 0), (0, terms - table.shape[1])), constant_values=value)
