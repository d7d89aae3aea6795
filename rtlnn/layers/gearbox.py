"""Stream width converter."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import gcd

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtlnn.layers.component import LayerConfig, Resources
from rtlnn.layers.counter import count
from rtlnn.layers.narrower import Narrower, NarrowerShape
from rtlnn.layers.stream import StreamFormat, StreamSignature
from rtlnn.layers.tiling import beat_sizes, parts_of
from rtlnn.layers.timing import Link, Process
from rtlnn.layers.widener import Widener, WidenerShape

__all__ = ["Gearbox", "GearboxConfig"]


@dataclass(frozen=True)
class GearboxConfig(LayerConfig):
    """Regroups the elements of a stream: other elements a beat, other pixels a frame; the same elements in order.

    Both formats have the same element type and the same number of elements a frame.
    """

    source: StreamFormat
    target: StreamFormat

    @property
    def input(self) -> StreamFormat:
        return self.source

    @property
    def output(self) -> StreamFormat:
        return self.target

    def __post_init__(self) -> None:
        if (self.input.bits, self.input.signed) != (self.output.bits, self.output.signed):
            raise ValueError(f"a gearbox keeps the elements' type: {self.input} against {self.output}")
        if self.input.channels * self.input.pixels != self.output.channels * self.output.pixels:
            raise ValueError(f"a gearbox keeps the elements of a frame: {self.input} against {self.output}")

    @cached_property
    def tiled(self) -> WidenerShape | NarrowerShape | None:
        """The simpler converter, where the beats of one side are made of whole beats of the other."""
        if (pattern := parts_of(self.target, self.source)) is not None:
            return WidenerShape(self.source, self.target, pattern)
        if (pattern := parts_of(self.source, self.target)) is not None:
            return NarrowerShape(self.source, self.target, pattern)
        return None

    @property
    def capacity(self) -> int:
        """Elements of the shift register: as few as let the side of more beats have one every cycle."""
        return _capacity(tuple(beat_sizes(self.input)), tuple(beat_sizes(self.output)))

    def component(self) -> "Gearbox | Widener | Narrower":
        match self.tiled:
            case WidenerShape() as shape:
                return Widener(shape)
            case NarrowerShape() as shape:
                return Narrower(shape)
        return Gearbox(self)

    def processes(self, i: Link, o: Link) -> list[Process]:
        return [self.tiled.process(i, o)] if self.tiled else [self._fill(i, o), self._drain(i, o)]

    def _fill(self, i: Link, o: Link) -> Process:
        """A beat enters when all but `capacity` of the elements up to its end have left."""
        into, out = beat_sizes(self.input), beat_sizes(self.output)
        filled = drained = j = n = 0
        while True:
            filled += into[n % len(into)]
            while filled - drained > self.capacity:
                drained += out[j % len(out)]
                j += 1
            if n and len(i.taken.times) < n:
                yield i.taken, n - 1
            if j and len(o.taken.times) < j:
                yield o.taken, j - 1
            after = max(i.taken.times[n - 1] if n else -1, o.taken.times[j - 1] if j else -1)
            i.ready.times.append(after + 1)
            n += 1

    def _drain(self, i: Link, o: Link) -> Process:
        """A beat leaves the cycle after its last element entered, at the earliest."""
        into, out = beat_sizes(self.input), beat_sizes(self.output)
        filled = drained = j = n = 0
        while True:
            drained += out[j % len(out)]
            while filled < drained:
                filled += into[n % len(into)]
                n += 1
            if len(i.taken.times) < n:
                yield i.taken, n - 1
            if j and len(o.taken.times) < j:
                yield o.taken, j - 1
            o.offered.times.append(max(i.taken.times[n - 1], o.taken.times[j - 1] if j else -1) + 1)
            j += 1

    @property
    def resources(self) -> Resources:
        if self.tiled:
            return self.tiled.resources
        unit = gcd(*beat_sizes(self.input), *beat_sizes(self.output))
        ff = self.capacity * self.input.bits
        # a bit comes from its successor, or from one of so many elements of a beat (factor fitted to Yosys's counts)
        sources = min(self.input.elements, self.capacity) // unit
        return Resources(lut=ff + ff * sources // 9 + 8, ff=ff + 24)


class Gearbox(wiring.Component):
    """A shift register of elements; an input beat leaves the cycle after it came, at the earliest.

    Both `tready` and `tvalid` depend on registers alone.
    """

    def __init__(self, config: GearboxConfig) -> None:
        self.config = config
        super().__init__({"i": In(StreamSignature(config.input)), "o": Out(StreamSignature(config.output))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        bits = self.config.input.bits
        # counts are kept in units of the greatest common divisor of all beats' sizes
        unit = gcd(*beat_sizes(self.config.input), *beat_sizes(self.config.output))
        room = self.config.capacity // unit
        level = Signal(range(room + 1))
        buffer = Signal(self.config.capacity * bits)
        n_in, n_out = Signal(range(room + 1)), Signal(range(room + 1))
        push, pop = Signal(), Signal()
        for fmt, n, step in ((self.config.input, n_in, push), (self.config.output, n_out, pop)):
            last = count(m, fmt.beats_per_pixel, step)[1]
            partial = beat_sizes(fmt)[-1]
            m.d.comb += n.eq(Mux(last, partial // unit, fmt.elements // unit))
        frame_end = count(m, self.config.output.beats, pop)[1]
        m.d.comb += [
            self.i.tready.eq(level + n_in <= room),
            self.o.tvalid.eq(level >= n_out),
            self.o.tlast.eq(frame_end),
            self.o.tdata.eq(buffer),
            push.eq(self.i.tvalid & self.i.tready),
            pop.eq(self.o.tvalid & self.o.tready),
        ]
        kept = Signal(range(room + 1))
        m.d.comb += kept.eq(Mux(pop, level - n_out, level))
        m.d.sync += level.eq(kept + Mux(push, n_in, 0))
        shifted = Signal.like(buffer)
        m.d.comb += shifted.eq(buffer)
        # a partial beat is a pixel's last: what follows it is shifted down by its own size
        with m.If(pop), m.Switch(n_out):
            for size in sorted(set(beat_sizes(self.config.output))):
                with m.Case(size // unit):
                    m.d.comb += shifted.eq(buffer >> (size * bits))
        m.d.sync += buffer.eq(shifted)
        with m.If(push), m.Switch(kept):
            for start in range(0, room - min(beat_sizes(self.config.input)) // unit + 1):
                with m.Case(start):
                    at = start * unit * bits
                    width = min(self.config.input.width, len(buffer) - at)
                    m.d.sync += buffer[at : at + width].eq(self.i.tdata)
        return m


@lru_cache(maxsize=4096)
def _capacity(into: tuple[int, ...], out: tuple[int, ...]) -> int:
    """Room for the beats of sizes `into` and `out`, which repeat, so that the side of more beats never waits."""
    # equal beats repeat one by one, not by pixels
    into, out = (sizes[:1] if sizes[0] == sizes[-1] else sizes for sizes in (into, out))
    capacity = into[0] + out[0]
    while not _full_rate(into, out, capacity):
        capacity += gcd(*into, *out)
    return capacity


def _full_rate(into: tuple[int, ...], out: tuple[int, ...], capacity: int) -> bool:
    """Whether one of the sides moves in every cycle, once each side's place in its pixel and the level repeat."""
    level = n = j = idle_in = idle_out = 0
    seen: dict[tuple[int, int, int], tuple[int, int]] = {}
    while (level, n, j) not in seen:
        seen[level, n, j] = idle_in, idle_out
        push, pop = level + into[n] <= capacity, level >= out[j]
        level += push * into[n] - pop * out[j]
        idle_in, idle_out = idle_in + (not push), idle_out + (not pop)
        n, j = (n + push) % len(into), (j + pop) % len(out)
    return idle_in == seen[level, n, j][0] or idle_out == seen[level, n, j][1]
