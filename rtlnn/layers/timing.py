"""Exact timing of streaming hardware, described as plain data.

Every layer says of its *events*, things that happen again and again, what each occurrence waits for. Its time is the
maximum of the times that it waits for, plus constants (a timed event graph; Baccelli, Cohen, Olsder, Quadrat,
"Synchronization and Linearity", 1992), so the least solution is what self-timed hardware does, back-pressure included.
A feed-forward composition would be cheaper, but it is wrong as soon as a layer is held up by the next one.
`rtlnn.plan.times` computes the times.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rtlnn.ir.types import Array
from rtlnn.layers.stream import StreamFormat

__all__ = ["NEVER", "Events", "Link", "Repeating", "Wait"]

NEVER = -(1 << 62)
"""In a table of `Repeating`: waits for nothing."""


@dataclass(frozen=True, eq=False)
class Repeating:
    """Occurrence k waits for number `k // n * advance + table[k % n]` of others, n the table's length.

    Where that number is negative or `NEVER`, it does not wait. A row of a table with two axes is several waits.

    Parameters
    ----------
    table : see above
    advance : occurrences of the others in the time of n
    delays : further cycles for each entry of the table
    """

    table: Array
    advance: int
    delays: Array | None = None

    @classmethod
    def of(cls, table: Sequence[int] | Array, advance: int, delays: Sequence[int] | Array | None = None) -> "Repeating":
        return cls(
            np.ascontiguousarray(table, np.int64),
            advance,
            None if delays is None else np.ascontiguousarray(delays, np.int64),
        )


@dataclass(frozen=True, eq=False)
class Wait:
    """Occurrence k comes `delay` cycles, at least, after that number `where` says for k - `behind`.

    Without `where` it is number k - `behind` itself. An occurrence with a negative number is not waited for.
    """

    events: "Events"
    delay: int
    behind: int
    where: Repeating | None


class Events:
    """Something that happens again and again: what each occurrence waits for, and when it comes, once that is known.

    Parameters
    ----------
    count : how often it happens in a frame
    """

    __slots__ = ("_same", "count", "times", "waits")

    def __init__(self, count: int) -> None:
        self.count = count
        self.waits: list[Wait] = []
        self.times: Array = np.empty(0, np.int64)
        self._same: Events | None = None

    @classmethod
    def at(cls, times: Array) -> "Events":
        """What comes at these times, all that is looked at."""
        events = cls(len(times))
        events.times = np.ascontiguousarray(times, np.int64)
        return events

    def after(self, events: "Events", delay: int, behind: int = 0, where: Repeating | None = None) -> None:
        """These wait for others; see `Wait`."""
        self.root.waits.append(Wait(events, delay, behind, where))

    def join(self, other: "Events") -> None:
        """Both happen in the same cycle, each occurrence."""
        mine, others = self.root, other.root
        if mine is not others:
            mine.waits += others.waits
            others._same = mine

    @property
    def root(self) -> "Events":
        """The one of those that happen together in which all waits are."""
        events = self
        while events._same is not None:
            events = events._same
        return events


class Link:
    """A stream between two layers, and when each of its beats is handed over.

    A beat is handed over in the first cycle in which one side offers it and the other is ready: when all that either of
    them waits for has come. The cycle after it is the earliest one for the next beat.
    """

    __slots__ = ("format", "taken")

    def __init__(self, fmt: StreamFormat) -> None:
        self.format = fmt
        self.taken = Events(fmt.beats)
        self.taken.after(self.taken, 1, behind=1)

    def join(self, other: "Link") -> None:
        """Nothing lies between the two: their beats are handed over in the same cycle."""
        self.taken.join(other.taken)

    @property
    def times(self) -> Array:
        """Cycles in which beats were handed over."""
        return self.taken.root.times
