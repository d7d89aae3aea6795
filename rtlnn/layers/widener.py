"""A width converter whose output beats are made of whole input beats."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtlnn.layers.component import Resources
from rtlnn.layers.counter import count, counter_bits
from rtlnn.layers.stream import StreamFormat, StreamSignature
from rtlnn.layers.tiling import parts, phase_bits
from rtlnn.layers.timing import NEVER, Link, Repeating

__all__ = ["Widener", "WidenerShape"]


@dataclass(frozen=True)
class WidenerShape:
    """`pattern` is the number of input beats in each output beat, until it repeats."""

    source: StreamFormat
    target: StreamFormat
    pattern: tuple[int, ...]

    @cached_property
    def resources(self) -> Resources:
        blocks, beat, phase = max(self.pattern), counter_bits(self.target.beats), phase_bits(self.pattern)
        # enables, and where blocks differ in number, what begins a beat anew
        control = blocks * (2 if phase else 1) + 2 * phase
        ff = self.source.width + self.target.width + blocks + 3 + beat + phase
        return Resources(lut=self.source.width + control + beat + 5, ff=ff)

    def waits(self, i: Link, o: Link) -> None:
        """A beat moves into its place when the output beat before its own has left; the next one may come then."""
        ends, parts = np.cumsum(self.pattern), sum(self.pattern)
        first = np.full(parts, NEVER)
        first[ends - self.pattern] = np.arange(len(ends)) - 1
        i.taken.after(o.taken, 1, behind=1, where=Repeating.of(first, len(ends)))
        o.taken.after(i.taken, 1, where=Repeating.of(ends - 1, parts))


class Widener(wiring.Component):
    """Collects input beats in a register of the output's width.

    A beat that cannot move there at once waits in a register of its own: `tready` and `tvalid` depend on registers
    alone. Latency: 1 cycle from the last input beat of an output beat; one input beat a cycle.
    """

    def __init__(self, shape: WidenerShape) -> None:
        self.shape = shape
        super().__init__({"i": In(StreamSignature(shape.source)), "o": Out(StreamSignature(shape.target))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        pattern, width = self.shape.pattern, self.shape.source.width
        waiting = Signal(width, reset_less=True)
        # `ready` is ~full, without a gate on the way out
        full, ready, complete = Signal(), Signal(init=1), Signal()
        place, finish, pop = Signal(), Signal(), Signal()
        block = Signal(max(pattern), init=1)
        number = parts(m, pattern, finish, "blocks")
        last = Signal()
        with m.Switch(number):
            for n in sorted(set(pattern)):
                with m.Case(n):
                    m.d.comb += last.eq(block[n - 1])
        m.d.comb += [
            self.i.tready.eq(ready),
            self.o.tvalid.eq(complete),
            pop.eq(complete & self.o.tready),
            place.eq((full | self.i.tvalid) & (~complete | self.o.tready)),
            finish.eq(place & last),
            self.o.tlast.eq(count(m, self.shape.target.beats, pop, "beat")[1]),
        ]
        with m.If(~full):
            m.d.sync += waiting.eq(self.i.tdata)
        waits = (full | self.i.tvalid) & ~place
        m.d.sync += [full.eq(waits), ready.eq(~waits)]
        with m.If(finish):
            m.d.sync += complete.eq(1)
        with m.Elif(pop):
            m.d.sync += complete.eq(0)
        data = Mux(full, waiting, self.i.tdata)
        held = Signal(self.shape.target.width, reset_less=True)
        for n in range(max(pattern)):
            part = held[n * width : (n + 1) * width]
            with m.If(place & block[n]):
                m.d.sync += part.eq(data)
        with m.If(place):
            m.d.sync += block.eq(block.rotate_left(1) if len(set(pattern)) == 1 else Mux(last, 1, block << 1))
        m.d.comb += self.o.tdata.eq(held)
        return m
