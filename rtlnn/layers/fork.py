"""One stream to several."""

from collections.abc import Sequence
from dataclasses import dataclass

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtlnn.layers.buffered import buffered
from rtlnn.layers.component import Resources, StreamingLayer
from rtlnn.layers.stream import StreamFormat, StreamSignature
from rtlnn.layers.timing import Events, Link

__all__ = ["Fork", "ForkConfig"]

_PLACES = 2
"""Beats held, for full rate."""


@dataclass(frozen=True)
class ForkConfig(StreamingLayer):
    """Gives every beat to each of `branches` streams, which take it when they can; latency 1 cycle, full rate.

    A branch may be two beats ahead of the slowest one.
    """

    format: StreamFormat
    branches: int

    def __post_init__(self) -> None:
        if self.branches < 2:
            raise ValueError(f"a fork has at least two branches, not {self.branches}")

    @property
    def inputs(self) -> tuple[StreamFormat, ...]:
        return (self.format,)

    @property
    def outputs(self) -> tuple[StreamFormat, ...]:
        return (self.format,) * self.branches

    @property
    def resources(self) -> Resources:
        """A choice of two values takes a LUT: those of two branches do not share it."""
        width = self.format.width + 1
        return Resources(lut=(width + 5) * self.branches + 2, ff=2 * width + 3 * self.branches + 1)

    def timing(self, i: Sequence[Link], o: Sequence[Link]) -> Sequence[Events]:
        buffered(i, o, _PLACES)
        return ()

    def component(self) -> "Fork":
        return Fork(self)


class Fork(wiring.Component):
    """Two places for beats; each branch reads them by itself, and a place is free when all have.

    Every `tready` and `tvalid` depends on registers alone.

    Members
    -------
    i, o0, o1, ... : streams
    """

    def __init__(self, config: ForkConfig) -> None:
        self.config = config
        signature = StreamSignature(config.format)
        super().__init__({"i": In(signature), **{name: Out(signature) for name in config.output_names}})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        width = self.config.format.width
        places = [Signal(width + 1, name=f"place{n}", reset_less=True) for n in range(_PLACES)]
        write, push = Signal(), Signal()
        m.d.comb += push.eq(self.i.tvalid & self.i.tready)
        with m.If(push):
            m.d.sync += write.eq(~write)
        for n, place in enumerate(places):
            with m.If(push & (write == n)):
                m.d.sync += place.eq(Cat(self.i.tdata, self.i.tlast))
        full = []
        for name in self.config.output_names:
            o = getattr(self, name)
            level = Signal(range(_PLACES + 1), name=f"{name}_level")
            read, pop = Signal(name=f"{name}_read"), Signal(name=f"{name}_pop")
            m.d.comb += [
                o.tvalid.eq(level != 0),
                Cat(o.tdata, o.tlast).eq(Mux(read, places[1], places[0])),
                pop.eq(o.tvalid & o.tready),
            ]
            m.d.sync += [level.eq(level + push - pop), read.eq(read ^ pop)]
            full.append(level[1])
        m.d.comb += self.i.tready.eq(~Cat(*full).any())
        return m
