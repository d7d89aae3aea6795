"""When the first and the last of a frame leaves each layer of a pipeline: sums in place of a schedule."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import numpy as np

from rtlnn.ir.types import Array
from rtlnn.layers.window import WindowConfig

__all__ = ["Burst", "Pace", "Times", "bursts_of", "last_output", "window_pace"]

T = TypeVar("T")


_REMEMBERED = 8
"""How many bursts before a layer count: those of long ago have spread."""


@dataclass(frozen=True)
class Pace:
    """What a layer adds to a frame's way through a pipeline, in cycles.

    Parameters
    ----------
    waits : part of its input without which it cannot begin
    first : from there to its first output
    cycles : from its first output to its last one, at least
    tail : from its last input to its last output, at least, where its input comes evenly
    bursts : (part of its input without which, part of its output cannot begin): what it makes, all layers behind it
        have to take from there on
    """

    waits: float
    first: float
    cycles: float
    tail: float
    bursts: tuple[tuple[float, float], ...] = ()


def window_pace(window: WindowConfig, cycles: float, interval: int) -> Pace:
    """Of a layer that takes `cycles` for a frame, which comes evenly within `interval` cycles.

    A tile starts when its last pixel has come, and takes its part of the cycles; its first pass goes along with the
    input.
    """
    rows, columns = (_needed(window, axis) for axis in range(2))
    size = window.height * window.width
    needed = (rows[:, None] * window.width + columns[None, :]).ravel() + 1
    left = np.arange(len(needed), 0, -1)
    tile = cycles / len(needed)
    end = float((needed * (interval / size) + left * tile).max()) - tile / window.passes
    # what waits for the last pixel, and the last row of tiles
    begins = int(np.argmax(np.maximum.accumulate(needed) == needed.max())), len(needed) - len(columns)
    return Pace(
        waits=float(needed[0] / size),
        first=tile / window.passes,
        cycles=cycles,
        tail=max(end - interval, 0.0),
        bursts=tuple((float(needed[n] / size), float(left[n] / len(needed))) for n in begins),
    )


Times: TypeAlias = tuple[T, T]
"""When the first and the last output leaves a layer."""
Burst: TypeAlias = tuple[Times[T], float, float]
"""The times of a source, and what waits for how much of it (see `Pace.bursts`)."""


def bursts_of(pace: Pace, before: Sequence[Times[T]], remembered: Sequence[Sequence[Burst[T]]]) -> list[Burst[T]]:
    """Those that count for a layer: its own, and the last ones of those from which it reads."""
    found = [burst for source in remembered for burst in source[-_REMEMBERED:]]
    return found + [(times, waits, part) for times in before for waits, part in pace.bursts]


def last_output(paces: Sequence[Pace], sources: Sequence[Sequence[int]]) -> float:
    """When a frame's last output leaves a pipeline: near to exact schedules where all layers are about as fast.

    `sources` are the numbers of the layers from which each reads, which come before it.
    """
    times: list[Times[float]] = []
    bursts: list[list[Burst[float]]] = []
    for pace, before in zip(paces, sources, strict=True):
        came = [times[n] for n in before] or [(0.0, 0.0)]
        begin = max(s + pace.waits * (e - s) for s, e in came) + pace.first
        bursts.append(bursts_of(pace, came, [bursts[n] for n in before]))
        later = (s + waits * (e - s) + part * pace.cycles for (s, e), waits, part in bursts[-1])
        end = max(begin + pace.cycles, max(e for _, e in came) + pace.tail, *later)
        times.append((begin, end))
    return max(end for _, end in times)


def _needed(window: WindowConfig, axis: int) -> Array:
    """The last row, or column, of the image that each row or column of tiles reads."""
    first = window.tile.span(window.window, axis) - window.window.pads[axis] - 1
    found = first + window.hop[axis] * np.arange(window.output_size[axis])
    return np.clip(found, 0, (window.height, window.width)[axis] - 1)
