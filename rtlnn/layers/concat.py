"""Several streams one after the other, or side by side, as one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Member, Out

from rtlnn.layers.buffered import buffered
from rtlnn.layers.component import Resources, StreamingLayer
from rtlnn.layers.counter import count, counter_bits
from rtlnn.layers.fifo import SkidBuffer, SkidConfig
from rtlnn.layers.stream import StreamFormat, StreamSignature, connect
from rtlnn.layers.timing import NEVER, Events, Link, Repeating

__all__ = ["Concat", "ConcatConfig", "SideBySide", "SideBySideConfig"]


@dataclass(frozen=True)
class ConcatConfig(StreamingLayer):
    """Takes `counts[n]` beats of input n, of each in turn; latency 1 cycle, full rate.

    Parameters
    ----------
    sources : the inputs' formats
    counts : beats of each input in its turn
    result : the output's format; its beats are the inputs' as they are
    """

    sources: tuple[StreamFormat, ...]
    counts: tuple[int, ...]
    result: StreamFormat

    def __post_init__(self) -> None:
        if len(self.sources) < 2 or len(self.sources) != len(self.counts):
            raise ValueError(f"a concatenation has at least two inputs with a count each, not {self}")
        element = self.result.elements, self.result.bits, self.result.signed
        if any((f.elements, f.bits, f.signed) != element for f in self.sources):
            raise ValueError(f"inputs {self.sources} do not have the lanes of {self.result}")
        if any(f.beats != self.rounds * n for f, n in zip(self.sources, self.counts, strict=True)):
            raise ValueError(f"frames of {[f.beats for f in self.sources]} beats are not made of turns {self.counts}")

    @property
    def rounds(self) -> int:
        """How often each input has its turn in a frame."""
        return self.result.beats // sum(self.counts)

    @property
    def inputs(self) -> tuple[StreamFormat, ...]:
        return self.sources

    @property
    def outputs(self) -> tuple[StreamFormat, ...]:
        return (self.result,)

    @property
    def resources(self) -> Resources:
        choice = self.result.width * -(-(len(self.sources) - 1) // 3)
        counters = sum(map(counter_bits, (max(self.counts), len(self.sources), self.rounds)))
        own = Resources(lut=choice + 2 * counters + 2 * len(self.sources), ff=counters)
        return own + SkidConfig(self.result).resources

    def timing(self, i: Sequence[Link], o: Sequence[Link]) -> Sequence[Events]:
        """A beat needs a place in the buffer behind, and the beat before it, of whichever input."""
        capacity, total = SkidConfig(self.result).capacity, sum(self.counts)
        starts = np.cumsum(self.counts) - self.counts
        for n, (link, turn, start) in enumerate(zip(i, self.counts, starts, strict=True)):
            own = np.arange(turn)
            first, others = np.full(turn, NEVER), np.full(total, NEVER)
            first[0] = self.counts[n - 1] - 1 if n else -1
            others[start : start + turn] = own
            link.taken.after(o[0].taken, 1, where=Repeating.of(own + start - capacity, total))
            link.taken.after(i[n - 1].taken, 1, where=Repeating.of(first, self.counts[n - 1]))
            o[0].taken.after(link.taken, 1, where=Repeating.of(others, turn))
        return ()

    def component(self) -> "Concat":
        return Concat(self)


def _members(config: StreamingLayer) -> dict[str, Member]:
    members = {name: In(StreamSignature(f)) for name, f in zip(config.input_names, config.inputs, strict=True)}
    return {**members, "o": Out(StreamSignature(config.outputs[0]))}


class Concat(wiring.Component):
    """A choice between the inputs in front of a skid buffer.

    Members
    -------
    i0, i1, ..., o : streams
    """

    def __init__(self, config: ConcatConfig) -> None:
        self.config = config
        super().__init__(_members(config))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        c = self.config
        inputs = [getattr(self, name) for name in c.input_names]
        m.submodules.buffer = buffer = SkidBuffer(SkidConfig(c.result))
        connect(m, buffer.o, wiring.flipped(self.o))
        push, turn_ends = Signal(), Signal()
        turn, last_turn = count(m, len(inputs), turn_ends, "turn")
        round_ends = Signal()
        _, last_round = count(m, c.rounds, round_ends, "round")
        place = Signal(range(max(*c.counts, 2)))
        place_last = Signal()
        m.d.comb += [
            place_last.eq(place == Array(Const(n - 1, len(place)) for n in c.counts)[turn]),
            push.eq(buffer.i.tvalid & buffer.i.tready),
            turn_ends.eq(push & place_last),
            round_ends.eq(turn_ends & last_turn),
            buffer.i.tvalid.eq(Array(i.tvalid for i in inputs)[turn]),
            buffer.i.tdata.eq(Array(i.tdata for i in inputs)[turn]),
            buffer.i.tlast.eq(place_last & last_turn & last_round),
        ]
        with m.If(push):
            m.d.sync += place.eq(Mux(place_last, 0, place + 1))
        for n, i in enumerate(inputs):
            m.d.comb += i.tready.eq((turn == n) & buffer.i.tready)
        return m


@dataclass(frozen=True)
class SideBySideConfig(StreamingLayer):
    """Whole pixels of all inputs, which become one pixel; a beat each, latency 1 cycle, full rate."""

    sources: tuple[StreamFormat, ...]

    def __post_init__(self) -> None:
        first = self.sources[0]
        for f in self.sources:
            if f.elements != f.channels or (f.bits, f.signed, f.pixels) != (first.bits, first.signed, first.pixels):
                raise ValueError(f"{self.sources} are no whole pixels of one format")

    @property
    def result(self) -> StreamFormat:
        channels = sum(f.channels for f in self.sources)
        return replace(self.sources[0], elements=channels, channels=channels)

    @property
    def inputs(self) -> tuple[StreamFormat, ...]:
        return self.sources

    @property
    def outputs(self) -> tuple[StreamFormat, ...]:
        return (self.result,)

    @property
    def resources(self) -> Resources:
        return SkidConfig(self.result).resources + Resources(lut=len(self.sources))

    def timing(self, i: Sequence[Link], o: Sequence[Link]) -> Sequence[Events]:
        buffered(i, o, SkidConfig(self.result).capacity)
        return ()

    def component(self) -> "SideBySide":
        return SideBySide(self)


class SideBySide(wiring.Component):
    """Waits for all inputs, in front of a skid buffer.

    Members
    -------
    i0, i1, ..., o : streams
    """

    def __init__(self, config: SideBySideConfig) -> None:
        self.config = config
        super().__init__(_members(config))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        inputs = [getattr(self, name) for name in self.config.input_names]
        m.submodules.buffer = buffer = SkidBuffer(SkidConfig(self.config.result))
        connect(m, buffer.o, wiring.flipped(self.o))
        m.d.comb += [
            buffer.i.tvalid.eq(Cat(*(i.tvalid for i in inputs)).all()),
            buffer.i.tdata.eq(Cat(*(i.tdata for i in inputs))),
            buffer.i.tlast.eq(inputs[0].tlast),
        ]
        for n, i in enumerate(inputs):
            others = [other.tvalid for k, other in enumerate(inputs) if k != n]
            m.d.comb += i.tready.eq(buffer.i.tready & Cat(*others).all())
        return m
