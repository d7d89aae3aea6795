"""The exact timing of a layer with streamed weights."""

from collections.abc import Sequence

import numpy as np

from rtlnn.layers.reorder import REORDER_BATCHES, REORDER_LATENCY
from rtlnn.layers.results import PassShape
from rtlnn.layers.streamed_parts import FRAME_BATCHES
from rtlnn.layers.timing import NEVER, Events, Link, Repeating

__all__ = ["streamed_waits"]

_READ = 2
"""Cycles from the arrival of a beat to the first step that may use it."""
_RETURN = 2
"""Cycles from the last use of a place until it is taken again."""


def streamed_waits(
    shape: PassShape, steps: int, parts: int, ring: tuple[int, int], slots: int, latency: int, links: tuple[Link, ...]
) -> Sequence[Events]:
    """When the layer takes frames and weights, issues its passes, and delivers their results.

    Parameters
    ----------
    shape : of a pass, with the frames of a batch as its repeats
    steps, parts : words of a tile, beats of a word
    ring : tiles, and cycles from a tile's last step until its room is free
    slots, latency : as of the kernel
    links : i, w, o
    """
    i, w, o = links
    batch, passes = shape.repeats, shape.passes
    # a pass over one frame is issued when its last step is: number pass * batch + frame of each batch
    issued = Events(passes)
    issued.after(issued, steps, behind=1)
    # beats come one a cycle, and so do steps: where the last one is in time, all are
    first = np.arange(passes * batch).reshape(passes, batch)
    frame_ends = np.where(first < batch, (first + 1) * steps - 1, NEVER).ravel()
    issued.after(i.taken, _READ, where=Repeating.of(frame_ends, batch * steps))
    tile_ends = np.where(first % batch == 0, (first // batch + 1) * steps * parts - 1, NEVER).ravel()
    issued.after(w.taken, _READ, where=Repeating.of(tile_ends, passes * steps * parts))
    last = (passes - 1) * batch + np.arange(batch)
    i.taken.after(
        issued, _RETURN, behind=FRAME_BATCHES * batch * steps, where=Repeating.of(_firsts(last, steps), passes * batch)
    )
    tiles, back = ring
    w.taken.after(
        issued, back, behind=tiles * steps * parts, where=Repeating.of(_firsts([batch - 1], steps * parts), batch)
    )
    if batch == 1:
        group = np.arange(shape.beats) // shape.groups
        ends = np.minimum((np.arange(passes) + 1) * shape.groups, shape.beats) - 1
        issued.after(o.taken, _RETURN + steps - 1, behind=slots, where=Repeating.of(ends, shape.beats))
        within = (np.arange(shape.beats) - group * shape.groups) * shape.spacing
        o.taken.after(issued, latency, where=Repeating.of(group, passes, within))
    else:
        left = np.where(first == 0, batch * shape.beats * (1 - REORDER_BATCHES) - 1, NEVER).ravel()
        issued.after(o.taken, _RETURN + steps - 1, where=Repeating.of(left, batch * shape.beats))
        # a frame is offered when its last result has come
        delay = latency + REORDER_LATENCY + (shape.last_groups - 1) * shape.spacing
        o.taken.after(issued, delay, where=Repeating.of(np.repeat(last, shape.beats), passes * batch))
    return (issued,)


def _firsts(numbers: Sequence[int] | np.ndarray[tuple[int, ...], np.dtype[np.int64]], size: int) -> list[int]:
    """Of units of `size` beats, the first one of each waits."""
    table = np.full((len(numbers), size), NEVER)
    table[:, 0] = numbers
    result: list[int] = table.ravel().tolist()
    return result
