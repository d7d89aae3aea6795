"""A width converter whose input beats are cut into whole output beats."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtlnn.layers.component import Resources
from rtlnn.layers.counter import count, counter_bits
from rtlnn.layers.stream import StreamFormat, StreamSignature
from rtlnn.layers.tiling import parts, phase_bits
from rtlnn.layers.timing import Link, Repeating

__all__ = ["Narrower", "NarrowerShape"]


@dataclass(frozen=True)
class NarrowerShape:
    """`pattern` is the number of output beats in each input beat, until it repeats."""

    source: StreamFormat
    target: StreamFormat
    pattern: tuple[int, ...]

    @property
    def slots(self) -> int:
        """Output beats that there is room for: those of an input beat, and the last one of the beat before it."""
        return max(self.pattern) + 1

    @cached_property
    def resources(self) -> Resources:
        beat, level, phase = counter_bits(self.target.beats), counter_bits(self.slots + 1), phase_bits(self.pattern)
        width = self.slots * self.target.width
        # the last slot has a single source
        return Resources(lut=width - self.target.width + beat + 2 * phase + 10, ff=width + level + 2 + beat + phase)

    def waits(self, i: Link, o: Link) -> None:
        """A beat can come once the beat before it has one part left; parts leave one a cycle."""
        beats, parts = len(self.pattern), sum(self.pattern)
        o.taken.after(i.taken, 1, where=Repeating.of(np.repeat(np.arange(beats), self.pattern), beats))
        i.taken.after(o.taken, 1, behind=1, where=Repeating.of(np.cumsum(self.pattern) - 2, parts))


class Narrower(wiring.Component):
    """A shift register of output beats, loaded when at most one of them is left.

    `tready` and `tvalid` are registers. Latency: 1 cycle; one output beat a cycle.
    """

    def __init__(self, shape: NarrowerShape) -> None:
        self.shape = shape
        super().__init__({"i": In(StreamSignature(shape.source)), "o": Out(StreamSignature(shape.target))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        shape, width = self.shape, self.shape.target.width
        slots = Signal(shape.slots * width, reset_less=True)
        level = Signal(range(shape.slots + 1))
        valid, ready = Signal(), Signal(init=1)
        push, pop, behind = Signal(), Signal(), Signal()
        number = parts(m, shape.pattern, push, "parts")
        m.d.comb += [
            self.i.tready.eq(ready),
            self.o.tvalid.eq(valid),
            self.o.tdata.eq(slots),
            push.eq(self.i.tvalid & ready),
            pop.eq(valid & self.o.tready),
            # a part that stays keeps its place, and the new ones go behind it
            behind.eq(valid & ~self.o.tready),
            self.o.tlast.eq(count(m, shape.target.beats, pop, "beat")[1]),
        ]
        padding = Const(0, (shape.slots - 1) * width - shape.source.width)
        beat = Cat(self.i.tdata, padding)
        with m.If(push):
            m.d.sync += [
                slots.eq(Mux(behind, Cat(slots[:width], beat), Cat(beat, slots[-width:]))),
                level.eq(number + behind),
                valid.eq(1),
                ready.eq((number == 1) & ~behind),
            ]
        with m.Elif(pop):
            m.d.sync += [
                slots.eq(Cat(slots[width:], slots[-width:])),
                level.eq(level - 1),
                valid.eq(~ready),
                ready.eq(level <= 2),
            ]
        return m
