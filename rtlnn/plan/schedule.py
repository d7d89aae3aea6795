"""The exact schedule of a chain of layers."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from rtlnn.layers.component import LayerConfig
from rtlnn.layers.timing import Link, run, sink, source

__all__ = ["FRAMES", "Schedule", "schedule"]

FRAMES = 6
"""Frames that are scheduled: the interval is measured after three."""


@dataclass(frozen=True)
class Schedule:
    """Cycles from the first input handshake, source and sink always ready.

    Parameters
    ----------
    arrivals, departures : per beat, when it enters the first layer and leaves the last one
    frame_ends : when each frame's last beat leaves each layer, [layer][frame]
    """

    arrivals: tuple[int, ...]
    departures: tuple[int, ...]
    frame_ends: tuple[tuple[int, ...], ...]

    @property
    def latency(self) -> int:
        """From the first input handshake to the last output handshake of the first frame."""
        return self.frame_ends[-1][0]

    @property
    def interval(self) -> int:
        """Between the last output beats of successive frames, after three; the longest one seen."""
        ends = self.frame_ends[-1]
        return max(b - a for a, b in pairwise(ends[2:]))


def schedule(layers: Sequence[LayerConfig], frames: int = FRAMES) -> Schedule:
    """Schedule `frames` frames, back to back, through a chain of layers."""
    links = [Link(layers[0].input)]
    processes = []
    for layer in layers:
        links.append(Link(layer.output))
        processes += layer.processes(links[-2], links[-1])
    first = links[0]
    every = [source(first, frames * first.format.beats), first.process()]
    every += [*processes, *(link.process() for link in links[1:]), sink(links[-1])]
    run(every)
    ends = []
    for link in links[1:]:
        beats = link.format.beats
        ends.append(tuple(link.taken.times[beats - 1 : frames * beats : beats]))
    return Schedule(
        tuple(first.taken.times), tuple(links[-1].taken.times[: frames * links[-1].format.beats]), tuple(ends)
    )
