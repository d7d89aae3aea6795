"""The exact timing of a layer with streamed weights, as four processes."""

from dataclasses import dataclass, field

from rtlnn.layers.results import PassShape
from rtlnn.layers.reorder import REORDER_BATCHES, REORDER_LATENCY
from rtlnn.layers.streamed_parts import FRAME_BATCHES
from rtlnn.layers.timing import Events, Link, Process

__all__ = ["StreamedTiming"]

_READ = 2
"""Cycles from the arrival of a beat to the first step that may use it."""
_RETURN = 2
"""Cycles from the last use of a place until it is taken again."""


@dataclass(frozen=True)
class StreamedTiming:
    """When the layer takes frames and weights, issues its passes, and delivers results.

    Parameters
    ----------
    shape : of a pass, with the frames of a batch as its repeats
    steps, parts, tiles, release, slots, latency : as of `StreamedConfig` and its kernel
    i, w, o : the links
    """

    shape: PassShape
    steps: int
    parts: int
    tiles: int
    release: int
    slots: int
    latency: int
    i: Link
    w: Link
    o: Link
    _frames: Events = field(default_factory=Events)
    """When each frame was used for the last time."""
    _tiles: Events = field(default_factory=Events)
    _issued: Events = field(default_factory=Events)
    """The last step of each frame's part of each pass."""
    _left: Events = field(default_factory=Events)
    """When what has reserved room has left: passes, or batches of several frames."""

    def processes(self) -> list[Process]:
        deliver = self._deliver_batches if self.shape.repeats > 1 else self._deliver
        most = FRAME_BATCHES * self.shape.repeats
        tile = self.steps * self.parts
        return [
            _fill(self.i, self.steps, most, self._frames, _RETURN),
            _fill(self.w, tile, self.tiles, self._tiles, self.release + 1),
            self._issue(),
            deliver(),
        ]

    def _issue(self) -> Process:
        batch, passes, steps, parts = self.shape.repeats, self.shape.passes, self.steps, self.parts
        taken, words, left = self.i.taken, self.w.taken, self._left
        places = REORDER_BATCHES if batch > 1 else self.slots
        t, number, base, word = -1, 0, 0, 0
        while True:
            for p in range(passes):
                for b in range(batch):
                    if batch == 1 or p == b == 0:
                        if number >= places:
                            if len(left.times) <= number - places:
                                yield left, number - places
                            t = max(t, left.times[number - places] + _RETURN - 1)
                        number += 1
                    if p == 0:
                        beat = base + b * steps
                        if len(taken.times) < beat + steps:
                            yield taken, beat + steps - 1
                    if b == 0:
                        if len(words.times) < (word + steps) * parts:
                            yield words, (word + steps) * parts - 1
                    if p and b:
                        t += steps
                    else:
                        for s in range(steps):
                            t += 1
                            if p == 0:
                                t = max(t, taken.times[beat + s] + _READ)
                            if b == 0:
                                t = max(t, words.times[(word + s + 1) * parts - 1] + _READ)
                    self._issued.times.append(t)
                    if p + 1 == passes:
                        self._frames.times.append(t)
                self._tiles.times.append(t)
                word += steps
            base += batch * steps

    def _deliver(self) -> Process:
        """A pass's results are offered one after the other; the last one that leaves returns the place."""
        s = self.shape
        number = beat = 0
        while True:
            for n in range(s.passes):
                if len(self._issued.times) <= number:
                    yield self._issued, number
                start = self._issued.times[number] + self.latency
                for k in range(s.groups if n + 1 < s.passes else s.last_groups):
                    yield from self._offer(beat, start + k * s.spacing)
                    beat += 1
                if len(self.o.taken.times) < beat:
                    yield self.o.taken, beat - 1
                self._left.times.append(self.o.taken.times[beat - 1])
                number += 1

    def _deliver_batches(self) -> Process:
        """A frame is offered when its last result has come."""
        s = self.shape
        number = beat = 0
        while True:
            for n in range(s.repeats):
                last = (number + 1) * s.passes * s.repeats - s.repeats + n
                if len(self._issued.times) <= last:
                    yield self._issued, last
                start = self._issued.times[last] + self.latency + REORDER_LATENCY + (s.last_groups - 1) * s.spacing
                for _ in range(s.beats):
                    yield from self._offer(beat, start)
                    beat += 1
            if len(self.o.taken.times) < beat:
                yield self.o.taken, beat - 1
            self._left.times.append(self.o.taken.times[beat - 1])
            number += 1

    def _offer(self, beat: int, earliest: int) -> Process:
        after = -1
        if beat:
            if len(self.o.taken.times) < beat:
                yield self.o.taken, beat - 1
            after = self.o.taken.times[beat - 1]
        self.o.offered.times.append(max(earliest, after + 1))


def _fill(link: Link, size: int, places: int, freed: Events, back: int) -> Process:
    """Units of `size` beats enter; one `places` later waits until the room of the earlier one is free."""
    taken, ready = link.taken, link.ready.times
    unit, beat, after = 0, 0, -1
    while True:
        for _ in range(size):
            if beat:
                if len(taken.times) < beat:
                    yield taken, beat - 1
                after = taken.times[beat - 1]
            earliest = after + 1
            if unit >= places:
                if len(freed.times) <= unit - places:
                    yield freed, unit - places
                earliest = max(earliest, freed.times[unit - places] + back)
            ready.append(earliest)
            beat += 1
        unit += 1
