"""Softmax in hardware."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.component import LayerConfig, MemoryPort, Resources, memory_members
from rtlnn.layers.counter import count, counter_bits, counter_ff, counter_luts
from rtlnn.layers.maximum import maximum_luts
from rtlnn.layers.memory_kind import MemoryKind
from rtlnn.layers.pipeline import delayed, reduce_tree, registered, tree_ff, tree_latency, tree_luts
from rtlnn.layers.ram import Ram
from rtlnn.layers.results import PassShape, ResultQueue
from rtlnn.layers.rom import LUTRAM_WORDS, block_rams, lutram
from rtlnn.layers.room import room
from rtlnn.layers.softmax_parts import largest_latency, largest_of_beats, probability, reciprocal
from rtlnn.layers.stream import StreamFormat, StreamSignature, connect
from rtlnn.layers.table import LUT_WORDS
from rtlnn.layers.timing import NEVER, Events, Link, Repeating

__all__ = ["SoftmaxConfig"]

LOOK_UP = 4
"""Cycles from the read of a word to the powers of its elements: memory, distance from the largest, table."""
_PIXEL = PassShape(1, 1, 1, 1)


@dataclass(frozen=True)
class SoftmaxConfig(LayerConfig):
    """The fixed-point softmax of each pixel (see `rtlnn.ops.softmax.FixedSoftmax`).

    The largest element is found while a pixel enters; then the pixel is read twice: for the sum of the powers, and,
    when the sum has been divided, for the results. Meanwhile the next pixel enters.
    Interval: `pixel_cycles` cycles a pixel, or its beats.

    Parameters
    ----------
    source, target : the streams, with the same elements a beat
    power_bits : of the table's entries
    numerator, shift, zero_point : as in the operation
    fraction : 2**fraction is the table's first entry, and the least sum
    hi : the largest result
    arithmetic : what multiplies: the same hardware, but synthesis takes some registers into a DSP48E1
    """

    source: StreamFormat
    target: StreamFormat
    power_bits: int
    numerator: int
    shift: int
    zero_point: int
    fraction: int
    hi: int
    arithmetic: Arithmetic = Arithmetic.DSP48E2

    @property
    def input(self) -> StreamFormat:
        return self.source

    @property
    def output(self) -> StreamFormat:
        return self.target

    @property
    def memories(self) -> tuple[MemoryPort, ...]:
        """`table`: the powers by distance."""
        depth = 1 << self.source.bits
        kind = MemoryKind.LUTRAM if depth <= LUT_WORDS else MemoryKind.BRAM
        return (MemoryPort("table", self.power_bits, depth, kind, self.source.elements),)

    @property
    def sum_bits(self) -> int:
        return (self.source.channels << self.fraction).bit_length()

    @property
    def quotient_bits(self) -> int:
        """Of the reciprocal of the least sum."""
        return (self.numerator >> self.fraction).bit_length()

    @property
    def arrival(self) -> int:
        """Cycles from a pixel's last beat to the start of its first reading."""
        return largest_latency(self.source.elements) + 1

    @property
    def to_quotient(self) -> int:
        """Cycles from a pixel's last read for the sum to its first read for the results."""
        return LOOK_UP + tree_latency(self.source.elements) + 2 * self.quotient_bits + 2

    @property
    def pixel_cycles(self) -> int:
        """Cycles from the start of a pixel to that of the next one."""
        return 2 * self.source.beats_per_pixel + self.to_quotient

    @property
    def latency(self) -> int:
        """Cycles from a read for a result to its offer: look-up, operand, product, rounding, limits, queue."""
        return LOOK_UP + 5

    @property
    def slots(self) -> int:
        return self.latency + 1

    @property
    def cycles(self) -> int:
        return max(self.source.beats, self.source.pixels * self.pixel_cycles)

    @cached_property
    def resources(self) -> Resources:
        s, lanes = self.source, self.source.elements
        words = 2 * s.beats_per_pixel
        memory = Resources(lut=lutram(words, s.width), ff=s.width)
        if words > LUTRAM_WORDS:
            memory = Resources(bram36=block_rams(words, s.width))
        total = memory + self._division + self._control
        # the largest of all lanes, and so far; distances; a sum of powers
        comparisons = (lanes - 1) * maximum_luts(s.bits) + s.bits + lanes * (s.bits + 1)
        lut = comparisons + tree_luts(lanes, self.power_bits) + 2 * lanes
        ff = 2 * s.width + tree_ff(lanes, s.bits, registers=1) + 3 * s.bits + tree_ff(lanes, self.power_bits, 1)
        # products, of which the lowest bits do not matter; the slice may take what is before and behind it
        product = self.power_bits + self.quotient_bits - self.shift + 1
        inside = self.arithmetic is Arithmetic.DSP48E1
        ff += lanes * ((0 if inside else self.power_bits + product) + product + self.target.bits)
        return total + Resources(lut=lut, ff=ff, dsp=lanes) + _PIXEL.queue_resources(self.target, self.slots)

    @property
    def _division(self) -> Resources:
        """The sum of the powers, a difference, what remains, and the quotient; constant zeros take no register."""
        sum_, quotient = self.sum_bits, self.quotient_bits
        rest = self.numerator & (1 << quotient) - 1
        held = quotient - ((rest & -rest).bit_length() - 1) if rest else 0
        return Resources(lut=3 * sum_ + held + 5, ff=3 * sum_ + 1 + quotient + held + counter_bits(quotient))

    @property
    def _control(self) -> Resources:
        """Counters of beats and of what is under way, and the flags that go along with elements and powers."""
        beats, levels = self.source.beats_per_pixel, tree_latency(self.source.elements)
        counters = 2 * counter_ff(beats) + counter_bits(2 * beats) + 1 + 2 + counter_bits(self.slots + 1)
        flags = 4 * levels + 2 * LOOK_UP + 10 + self.latency
        return Resources(lut=2 * counter_luts(beats) + 40, ff=counters + flags)

    def waits(self, i: Link, o: Link) -> Sequence[Events]:
        """There is room for two pixels; a pixel is read again, for its results, once its sum has been divided."""
        beats, summing = self.source.beats_per_pixel, self.source.beats_per_pixel + self.to_quotient
        rest = [NEVER] * (beats - 1)
        read = Events(self.source.beats)
        i.taken.after(read, 1, where=Repeating.of([-beats - 1, *rest], beats))
        read.after(i.taken, self.arrival + summing, where=Repeating.of([beats - 1, *rest], beats))
        read.after(read, 1 + summing, where=Repeating.of([-1, *rest], beats))
        read.after(read, 1, behind=1)
        read.after(o.taken, 1, behind=self.slots)
        o.taken.after(read, self.latency)
        return (read,)

    def component(self) -> "Softmax":
        return Softmax(self)


class Softmax(wiring.Component):
    """See `SoftmaxConfig`.

    Members
    -------
    i, o : streams
    table_address, table_data : the powers by distance, of all lanes
    """

    def __init__(self, config: SoftmaxConfig) -> None:
        self.config = config
        streams = {"i": In(StreamSignature(config.input)), "o": Out(StreamSignature(config.output))}
        super().__init__({**streams, **memory_members(config.memories)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        c = self.config
        m.submodules.queue = queue = ResultQueue(c.output, _PIXEL, c.slots)
        connect(m, queue.o, wiring.flipped(self.o))
        read, freed = Signal(name="read"), Signal(name="freed")
        summing, delivering = Signal(name="summing"), Signal(name="delivering")
        beat, last = count(m, c.source.beats_per_pixel, read, "read_beat")
        free = room(m, c.slots, delivering & read, queue.credit)
        m.d.comb += [read.eq(summing | (delivering & free)), freed.eq(delivering & read & last)]
        enter, last_enters = self._enter(m, freed)
        largest, start = self._begin(m, enter, last_enters, freed)
        powers = self._powers(m, enter, beat, freed, largest, last & summing)
        total, complete = self._sum(m, powers, summing, (beat == 0) & summing, last & summing)
        quotient, divided = reciprocal(m, c.numerator, c.quotient_bits, total, complete)
        m.d.sync += [
            summing.eq(start | (summing & ~last)),
            delivering.eq(divided | (delivering & ~freed)),
        ]
        form = c.shift, c.zero_point, c.hi, c.target.bits
        results = [probability(m, f"lane{n}", power, quotient, *form) for n, power in enumerate(powers)]
        m.d.comb += [
            queue.y.eq(Cat(*results)),
            queue.valid.eq(delayed(m, delivering & read, c.latency - 1, "result", reset=True)),
        ]
        return m

    @property
    def _unused(self) -> int:
        """The first lane without a channel in a pixel's last beat."""
        s = self.config.source
        return s.channels - (s.beats_per_pixel - 1) * s.elements

    def _elements(self, word: Value) -> list[Value]:
        s = self.config.source
        raw = [word.word_select(n, s.bits) for n in range(s.elements)]
        return [v.as_signed() if s.signed else v for v in raw]

    def _enter(self, m: Module, freed: Value) -> tuple[Signal, Signal]:
        """Whether a beat enters, and whether the next one is a pixel's last; of two pixels one has to leave first."""
        enter = Signal(name="enter")
        beat, last = count(m, self.config.source.beats_per_pixel, enter, "enter_beat")
        begins = beat == 0
        free = room(m, 2, enter & begins, freed)
        m.d.comb += [
            self.i.tready.eq(free | ~begins),
            enter.eq(self.i.tvalid & self.i.tready),
        ]
        return enter, last

    def _begin(self, m: Module, enter: Value, last: Value, freed: Value) -> tuple[Signal, Signal]:
        """The largest element of the pixel that is read, and whether its reading begins in the next cycle."""
        s = self.config.source
        lanes = []
        for n, value in enumerate(self._elements(self.i.tdata)):
            lane = Signal(value.shape(), name=f"entering{n}")
            # what is no channel must not be the largest
            least = -(1 << s.bits - 1) if s.signed else 0
            m.d.comb += lane.eq(Mux(last, least, value) if n >= self._unused else value)
            lanes.append(lane)
        best, complete = largest_of_beats(m, lanes, enter, enter & last)
        held, active = (Signal.like(best, name=f"{name}_largest") for name in ("held", "active"))
        waiting, busy, start = Signal(name="waiting"), Signal(name="busy"), Signal(name="start")
        m.d.comb += start.eq(waiting & ~busy)
        m.d.sync += [waiting.eq(complete | (waiting & ~start)), busy.eq(start | (busy & ~freed))]
        with m.If(complete):
            m.d.sync += held.eq(best)
        with m.If(start):
            m.d.sync += active.eq(held)
        return active, start

    def _powers(self, m: Module, enter: Value, beat: Value, freed: Value, largest: Value, last: Value) -> list[Value]:
        """The powers of a word's elements, `LOOK_UP` cycles after its read; 0 for what is no channel."""
        c = self.config
        beats = c.source.beats_per_pixel
        m.submodules.memory = memory = Ram(c.source.width, 2 * beats)
        half, _ = count(m, 2, freed, "half")
        place, _ = count(m, 2 * beats, enter, "write_place")
        m.d.comb += [
            memory.write.eq(enter),
            memory.write_address.eq(place),
            memory.write_data.eq(self.i.tdata),
            memory.read_address.eq(beat + Mux(half, beats, 0)),
        ]
        distances = [largest - value for value in self._elements(memory.read_data)]
        held = [registered(m, d[: c.source.bits], f"distance{n}") for n, d in enumerate(distances)]
        m.d.comb += self.table_address.eq(Cat(*held))
        nothing = delayed(m, last, LOOK_UP, "nothing")
        powers = [self.table_data.word_select(n, c.power_bits) for n in range(c.source.elements)]
        return [Mux(nothing, 0, p) if n >= self._unused else p for n, p in enumerate(powers)]

    def _sum(self, m: Module, powers: list[Value], summing: Value, first: Value, last: Value) -> tuple[Signal, Value]:
        """The sum of a pixel's powers, and whether it is complete in this cycle."""
        value, depth = reduce_tree(m, powers, lambda a, b: a + b, "powers")
        valid = delayed(m, summing, LOOK_UP + depth, "powers_valid", reset=True)
        begins = delayed(m, first, LOOK_UP + depth, "powers_begin")
        total = Signal(self.config.sum_bits, name="total", reset_less=True)
        with m.If(valid):
            m.d.sync += total.eq(Mux(begins, 0, total) + value)
        return total, delayed(m, last, LOOK_UP + depth + 1, "total_complete", reset=True)
