"""Exact timing of streaming hardware, without simulating it.

Every layer describes itself as processes over *events*: lists of clock cycles that only grow. An event's time is the
maximum of the times that it waits for, plus constants (a timed event graph; Baccelli, Cohen, Olsder, Quadrat,
"Synchronization and Linearity", 1992), so the least solution is what self-timed hardware does, back-pressure included.
A feed-forward composition would be cheaper, but it is wrong as soon as a layer is held up by the next one.
"""

from collections.abc import Generator, Iterable
from typing import TypeAlias

from rtlnn.layers.stream import StreamFormat

__all__ = ["Events", "Link", "Process", "run", "sink", "source"]


class Events:
    """Times, in cycles, of the successive occurrences of something; known up to some index."""

    __slots__ = ("times",)

    def __init__(self) -> None:
        self.times: list[int] = []


Process: TypeAlias = Generator[tuple[Events, int], None, None]
"""A coroutine that appends to its own events and yields (events, index) to wait until that occurrence is known."""


class Link:
    """A stream between two layers: when the source offers each beat, when the sink can take it, when it is taken.

    `offered[j]` and `ready[j]` are at least `taken[j - 1] + 1`; the beat is taken at the later of the two.
    """

    __slots__ = ("format", "offered", "ready", "taken")

    def __init__(self, fmt: StreamFormat) -> None:
        self.format = fmt
        self.offered = Events()
        self.ready = Events()
        self.taken = Events()

    def process(self) -> Process:
        """Joins both sides."""
        offered, ready, taken = self.offered.times, self.ready.times, self.taken.times
        j = 0
        while True:
            if len(offered) <= j:
                yield self.offered, j
            if len(ready) <= j:
                yield self.ready, j
            taken.append(max(offered[j], ready[j]))
            j += 1


def source(link: Link, beats: int) -> Process:
    """A source that always has the next beat, `beats` in all."""
    times, taken = link.offered.times, link.taken.times
    for j in range(beats):
        if j and len(taken) < j:
            yield link.taken, j - 1
        times.append(taken[j - 1] + 1 if j else 0)


def sink(link: Link) -> Process:
    """A sink that is always ready."""
    times, taken = link.ready.times, link.taken.times
    times.append(0)
    while True:
        j = len(times)
        if len(taken) < j:
            yield link.taken, j - 1
        times.append(taken[j - 1] + 1)


def run(processes: Iterable[Process]) -> None:
    """Run all processes until none can go on."""
    parked = [(Events(), -1, p) for p in processes]
    progress = True
    while progress:
        progress = False
        for n, (waits_for, index, process) in enumerate(parked):
            if len(waits_for.times) <= index:
                continue
            progress = True
            events, i = waits_for, index
            while len(events.times) > i:
                try:
                    events, i = next(process)
                except StopIteration:
                    events, i = Events(), 0
            parked[n] = events, i, process
