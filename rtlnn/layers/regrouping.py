"""What a shift register of elements does when beats of changing sizes enter and leave: a finite automaton."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import gcd

import numpy as np

from rtlnn.layers.component import Resources
from rtlnn.layers.counter import counter_bits
from rtlnn.layers.stream import StreamFormat
from rtlnn.layers.tiling import beat_sizes
from rtlnn.layers.timing import Link, Repeating

__all__ = ["Regrouping", "State"]


@dataclass(frozen=True)
class State:
    """The place in the sequence of input beats and of output beats, and how much is in the register."""

    n: int
    j: int
    level: int


@dataclass(frozen=True)
class Regrouping:
    """A shift register between two streams.

    Elements are counted in units of the greatest common divisor of all beats' sizes.
    """

    source: StreamFormat
    target: StreamFormat

    @cached_property
    def unit(self) -> int:
        """Elements of a unit."""
        return gcd(*beat_sizes(self.source), *beat_sizes(self.target))

    @property
    def bits(self) -> int:
        """Bits of a unit."""
        return self.unit * self.source.bits

    @cached_property
    def into(self) -> tuple[int, ...]:
        """Units of the beats that enter, which repeat."""
        return _sequence(self.source, self.unit)

    @cached_property
    def out(self) -> tuple[int, ...]:
        """Units of the beats that leave, which repeat."""
        return _sequence(self.target, self.unit)

    @cached_property
    def room(self) -> int:
        """Units of the register: as few as let the side of more beats have one every cycle."""
        return _room(self.into, self.out)

    @cached_property
    def states(self) -> dict[State, dict[tuple[bool, bool], State]]:
        """All states, the first one first, and what follows each by (a beat enters, a beat leaves)."""
        return _reachable(self.into, self.out, self.room)

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """The units at which beats begin when they enter."""
        moves = ((state, pop) for state, then in self.states.items() for push, pop in then if push)
        return tuple(sorted({state.level - pop * self.out[state.j] for state, pop in moves}))

    @cached_property
    def step(self) -> int:
        """A beat is first turned by less than this, a power of two, and then by multiples of it."""
        return min((1, 2, 4), key=self._multiplexers)

    @property
    def jumps(self) -> tuple[int, ...]:
        """Those multiples."""
        return tuple(sorted({n // self.step * self.step for n in self.starts}))

    def _multiplexers(self, step: int) -> int:
        """LUTs a bit of a unit."""
        lanes = max(self.into) + step - 1
        total = lanes if step > 1 and self.starts[-1] else 0
        for place in range(self.room):
            sources = sum(n <= place < n + lanes for n in {n // step * step for n in self.starts})
            sources += sum(place + size < self.room for size in set(self.out))
            total += sources // 2
        return total

    @cached_property
    def resources(self) -> Resources:
        state, beat = counter_bits(len(self.states)), counter_bits(self.target.beats)
        # a table's bit takes a LUT for 64 states
        tables = -(-len(self.states) // 64) * (3 * (state + 2) + 2 * self.starts[-1].bit_length())
        control = tables + 2 * self.room + self.step * len(self.jumps) + beat
        return Resources(
            lut=self.bits * self._multiplexers(self.step) + control,
            ff=self.room * self.bits + state + 2 * counter_bits(self.room) + 3 + beat,
        )

    def waits(self, i: Link, o: Link) -> None:
        """A beat enters when all but `room` of the units up to its end have left, and leaves when its last one came."""
        ends, left = (np.cumsum(np.resize(u, f.beats)) for u, f in ((self.into, self.source), (self.out, self.target)))
        # of earlier frames, too, as far as the room reaches
        frames = -(-self.room // int(ends[-1])) + 1
        all_left = (left + np.arange(-frames, 1)[:, None] * left[-1]).ravel()
        enough = np.searchsorted(all_left, ends - self.room) - frames * len(left)
        i.taken.after(o.taken, 1, where=Repeating.of(enough, len(left)))
        o.taken.after(i.taken, 1, where=Repeating.of(np.searchsorted(ends, left), len(ends)))


def _sequence(fmt: StreamFormat, unit: int) -> tuple[int, ...]:
    """Sizes of beats, which repeat: one by one where all are equal, else by pixels."""
    sizes = tuple(n // unit for n in beat_sizes(fmt))
    return sizes[:1] if sizes[0] == sizes[-1] else sizes


@lru_cache(maxsize=4096)
def _reachable(into: tuple[int, ...], out: tuple[int, ...], room: int) -> dict[State, dict[tuple[bool, bool], State]]:
    result: dict[State, dict[tuple[bool, bool], State]] = {}
    waiting = [State(0, 0, 0)]
    while waiting:
        state = waiting.pop()
        if state in result:
            continue
        fits, ready = state.level + into[state.n] <= room, state.level >= out[state.j]
        result[state] = {}
        for push, pop in ((True, False), (False, True), (True, True)):
            if (fits or not push) and (ready or not pop):
                level = state.level + push * into[state.n] - pop * out[state.j]
                following = State((state.n + push) % len(into), (state.j + pop) % len(out), level)
                result[state][push, pop] = following
                waiting.append(following)
    return result


@lru_cache(maxsize=4096)
def _room(into: tuple[int, ...], out: tuple[int, ...]) -> int:
    room = into[0] + out[0]
    while not _full_rate(into, out, room):
        room += gcd(*into, *out)
    return room


def _full_rate(into: tuple[int, ...], out: tuple[int, ...], room: int) -> bool:
    """Whether one of the sides moves in every cycle, once each side's place in its pixel and the level repeat."""
    level = n = j = idle_in = idle_out = 0
    seen: dict[tuple[int, int, int], tuple[int, int]] = {}
    while (level, n, j) not in seen:
        seen[level, n, j] = idle_in, idle_out
        push, pop = level + into[n] <= room, level >= out[j]
        level += push * into[n] - pop * out[j]
        idle_in, idle_out = idle_in + (not push), idle_out + (not pop)
        n, j = (n + push) % len(into), (j + pop) % len(out)
    return idle_in == seen[level, n, j][0] or idle_out == seen[level, n, j][1]
