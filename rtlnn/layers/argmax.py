"""The index of the largest channel."""

from collections.abc import Sequence
from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtlnn.layers.component import LayerConfig, Resources
from rtlnn.layers.counter import count, counter_bits
from rtlnn.layers.pipeline import delayed, registered, tree_ff, tree_latency
from rtlnn.layers.results import PassShape, ResultQueue
from rtlnn.layers.room import room
from rtlnn.layers.stream import StreamFormat, StreamSignature, connect
from rtlnn.layers.timing import NEVER, Events, Link, Repeating

__all__ = ["ArgMaxConfig"]

_PIXEL = PassShape(1, 1, 1, 1)


@dataclass(frozen=True)
class ArgMaxConfig(LayerConfig):
    """The index of each pixel's largest channel, of the first one where several are; full rate.

    Latency: `latency` cycles from a pixel's last beat to its index.
    """

    source: StreamFormat

    @property
    def input(self) -> StreamFormat:
        return self.source

    @property
    def output(self) -> StreamFormat:
        return StreamFormat(1, max(counter_bits(self.source.channels), 1), False, 1, self.source.pixels)

    @property
    def lane_bits(self) -> int:
        """Bits of a lane's number."""
        return counter_bits(self.source.elements)

    @property
    def latency(self) -> int:
        """Registers for what comes, for each level of the comparisons, for the largest so far; and the queue."""
        return tree_latency(self.source.elements) + 3

    @property
    def slots(self) -> int:
        return self.latency + 1

    @property
    def resources(self) -> Resources:
        s = self.source
        tree = s.elements - 1
        # a comparison takes half a LUT a bit, the choice one a bit and one a bit of the index
        each = -(-s.bits // 2) + s.bits
        index = counter_bits(s.channels)
        counters = counter_bits(self.slots + 1) + 2 * counter_bits(s.beats_per_pixel)
        lut = (tree + 1) * each + tree * self.lane_bits + index + counters + 6
        # the number of a lane has a bit more after every level; what waits is a shift register LUT
        ff = s.width + tree_ff(s.elements, s.bits, registers=1) + tree_ff(s.elements, 0, 1)
        ff += s.bits + index + counters + 2 * self.latency
        return Resources(lut=lut, ff=ff) + _PIXEL.queue_resources(self.output, self.slots)

    def waits(self, i: Link, o: Link) -> Sequence[Events]:
        """A pixel's last beat needs room for its index."""
        beats = self.source.beats_per_pixel
        i.taken.after(o.taken, 1, where=Repeating.of([NEVER] * (beats - 1) + [-self.slots], 1))
        o.taken.after(i.taken, self.latency, where=Repeating.of([beats - 1], beats))
        return ()

    def component(self) -> "ArgMax":
        return ArgMax(self)


class ArgMax(wiring.Component):
    """Comparisons of all lanes in pairs, level by level, then with the largest of the beats before."""

    def __init__(self, config: ArgMaxConfig) -> None:
        self.config = config
        super().__init__({"i": In(StreamSignature(config.input)), "o": Out(StreamSignature(config.output))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        c = self.config
        m.submodules.queue = queue = ResultQueue(c.output, _PIXEL, c.slots)
        connect(m, queue.o, wiring.flipped(self.o))
        enter, ends = Signal(), Signal()
        beat, last = count(m, c.source.beats_per_pixel, enter, "beat")
        free = room(m, c.slots, enter & last, queue.credit)
        m.d.comb += [self.i.tready.eq(free | ~last), enter.eq(self.i.tvalid & self.i.tready), ends.eq(enter & last)]
        value, lane = self._largest(m, self._values(m, last))
        depth = tree_latency(c.source.elements) + 1
        valid = delayed(m, enter, depth, "valid", reset=True)
        number = delayed(m, beat, depth, "number")
        best = Signal(value.shape(), name="best", reset_less=True)
        index = Signal(c.output.bits, name="index", reset_less=True)
        with m.If(valid & ((number == 0) | (value > best))):
            m.d.sync += [best.eq(value), index.eq(number * c.source.elements + lane)]
        m.d.comb += [queue.y.eq(index), queue.valid.eq(delayed(m, ends, depth + 1, "complete", reset=True))]
        return m

    def _values(self, m: Module, last: Value) -> list[tuple[Value, Value]]:
        """The lanes and their numbers; those past the last channel hold the least number there is."""
        s = self.config.source
        least = Const(1 << s.bits - 1 if s.signed else 0, s.bits)
        used = s.channels - (s.beats_per_pixel - 1) * s.elements
        result: list[tuple[Value, Value]] = []
        for n in range(s.elements):
            raw: Value = self.i.tdata.word_select(n, s.bits)
            if n >= used:
                raw = Mux(last, least, raw)
            held = registered(m, raw, f"lane{n}")
            result.append((held.as_signed() if s.signed else held, Const(n, self.config.lane_bits)))
        return result

    def _largest(self, m: Module, level: list[tuple[Value, Value]]) -> tuple[Value, Value]:
        """Of equal values the first one."""
        depth = 0
        while len(level) > 1:
            following: list[tuple[Value, Value]] = []
            for n in range(0, len(level), 2):
                value, lane = level[n]
                if n + 1 < len(level):
                    larger = level[n + 1][0] > value
                    lane = Mux(larger, level[n + 1][1], lane)
                    value = self._chosen(larger, level[n + 1][0], value)
                name = f"level{depth}_{n // 2}"
                following.append((registered(m, value, name), registered(m, lane, f"{name}_lane")))
            level, depth = following, depth + 1
        return level[0]

    def _chosen(self, larger: Value, a: Value, b: Value) -> Value:
        chosen = Cat(Mux(larger, a, b))[: self.config.source.bits]
        return chosen.as_signed() if self.config.source.signed else chosen
