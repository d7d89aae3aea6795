"""Stream FIFO and skid buffer."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Member, Out

from rtlnn.layers.buffered import buffered
from rtlnn.layers.component import LayerConfig, Resources
from rtlnn.layers.stream import StreamFormat, StreamSignature
from rtlnn.layers.timing import Link, Process

__all__ = ["LEAST", "Fifo", "FifoConfig", "SkidBuffer", "SkidConfig"]

LEAST = 2
"""Beats of the smallest FIFO: it needs them for full rate."""


@dataclass(frozen=True)
class BufferConfig(LayerConfig):
    """A queue of beats: a beat can leave the cycle after it came, and its room is free the cycle after it left."""

    format: StreamFormat

    @property
    @abstractmethod
    def capacity(self) -> int:
        """Beats it holds."""

    @property
    def input(self) -> StreamFormat:
        return self.format

    @property
    def output(self) -> StreamFormat:
        return self.format

    def processes(self, i: Link, o: Link) -> list[Process]:
        return buffered([i], [o], self.capacity)


@dataclass(frozen=True)
class FifoConfig(BufferConfig):
    """A FIFO of `depth` beats, at least 2; latency 1 cycle."""

    depth: int

    def __post_init__(self) -> None:
        if self.depth < LEAST:
            raise ValueError(f"a FIFO needs at least {LEAST} beats for full rate, not {self.depth}")

    @property
    def capacity(self) -> int:
        return self.depth

    def component(self) -> "Fifo":
        return Fifo(self)

    @property
    def resources(self) -> Resources:
        return Resources(lut=-(-(self.format.width + 1) // 14) * 8 * -(-self.depth // 32) + 16, ff=16)


class Fifo(wiring.Component):
    """First-word fall-through, in LUTRAM. Both `tready` and `tvalid` depend on registers alone."""

    def __init__(self, config: FifoConfig) -> None:
        self.config = config
        super().__init__({"i": In(StreamSignature(config.format)), "o": Out(StreamSignature(config.format))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        memory = Memory(
            shape=self.config.format.width + 1, depth=self.config.depth, init=[], attrs={"ram_style": "distributed"}
        )
        m.submodules.memory = memory
        write, read = memory.write_port(), memory.read_port(domain="comb")
        level = Signal(range(self.config.depth + 1))
        push, pop = Signal(), Signal()
        m.d.comb += [
            self.i.tready.eq(level != self.config.depth),
            self.o.tvalid.eq(level != 0),
            push.eq(self.i.tvalid & self.i.tready),
            pop.eq(self.o.tvalid & self.o.tready),
            write.en.eq(push),
            write.data[:-1].eq(self.i.tdata),
            write.data[-1].eq(self.i.tlast),
            self.o.tdata.eq(read.data[:-1]),
            self.o.tlast.eq(read.data[-1]),
        ]
        m.d.sync += level.eq(level + push - pop)
        for step, pointer in ((push, write.addr), (pop, read.addr)):
            place = Signal(range(self.config.depth))
            m.d.comb += pointer.eq(place)
            with m.If(step):
                m.d.sync += place.eq(Mux(place == self.config.depth - 1, 0, place + 1))
        return m


@dataclass(frozen=True)
class SkidConfig(BufferConfig):
    """A skid buffer; latency 1 cycle, full rate."""

    @property
    def capacity(self) -> int:
        return 2

    def component(self) -> wiring.Component:
        return SkidBuffer(self)

    @property
    def resources(self) -> Resources:
        return Resources(lut=self.format.width + 4, ff=2 * self.format.width + 4)


class SkidBuffer(wiring.Component):
    """Two registers that cut every path between the two sides."""

    def __init__(self, config: BufferConfig, others: Mapping[str, Member] | None = None) -> None:
        self.config = config
        streams = {"i": In(StreamSignature(config.format)), "o": Out(StreamSignature(config.format))}
        super().__init__({**streams, **(others or {})})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        skid_data, skid_last, skid_full = Signal(self.config.format.width), Signal(), Signal()
        m.d.comb += self.i.tready.eq(~skid_full)
        with m.If(~self.o.tvalid | self.o.tready):
            m.d.sync += [
                self.o.tvalid.eq(self.i.tvalid | skid_full),
                self.o.tdata.eq(Mux(skid_full, skid_data, self.i.tdata)),
                self.o.tlast.eq(Mux(skid_full, skid_last, self.i.tlast)),
                skid_full.eq(0),
            ]
        with m.Elif(self.i.tvalid & self.i.tready):
            m.d.sync += [skid_data.eq(self.i.tdata), skid_last.eq(self.i.tlast), skid_full.eq(1)]
        return m
