"""Stream FIFO and skid buffer."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Member, Out

from rtlnn.layers.buffered import buffered
from rtlnn.layers.component import PassingLayer, Resources
from rtlnn.layers.counter import count, counter_bits
from rtlnn.layers.memory_kind import LUTRAM_WORDS, MemoryKind
from rtlnn.layers.occupancy import occupancy
from rtlnn.layers.pipeline import delayed, registered
from rtlnn.layers.ram import Ram
from rtlnn.layers.rom import block_luts, block_rams, lutram
from rtlnn.layers.stream import StreamFormat, StreamSignature, connect
from rtlnn.layers.timing import Events, Link

__all__ = ["LEAST", "BlockFifo", "Fifo", "FifoConfig", "SkidBuffer", "SkidConfig"]

LEAST = 2
"""Beats of the smallest FIFO: it needs them for full rate."""
BLOCK_LATENCY = 4
"""Cycles through a FIFO in block RAM: written, two for the read, and those of the queue behind it."""
_LUTS_A_BLOCK = 400
"""LUTs that a block RAM is worth: about as many there are for each of them on the chips at hand."""


@dataclass(frozen=True)
class BufferConfig(PassingLayer):
    """A queue of beats: one can leave `latency` cycles after it came, and its room is free the cycle after it left."""

    @property
    @abstractmethod
    def capacity(self) -> int:
        """Beats it holds."""

    @property
    def latency(self) -> int:
        """Cycles from a beat's arrival to the first one in which it can leave."""
        return 1

    def waits(self, i: Link, o: Link) -> Sequence[Events]:
        buffered([i], [o], self.capacity, self.latency)
        return ()


@dataclass(frozen=True)
class FifoConfig(BufferConfig):
    """A FIFO of `depth` beats, at least 2; latency 1 cycle, in LUTs, or 4, in block RAM."""

    depth: int
    memory: MemoryKind = MemoryKind.LUTRAM

    def __post_init__(self) -> None:
        if self.depth < LEAST:
            raise ValueError(f"a FIFO needs at least {LEAST} beats for full rate, not {self.depth}")

    @classmethod
    def of(cls, fmt: StreamFormat, depth: int) -> "FifoConfig":
        """In block RAM, where that takes the place of many LUTs."""
        luts = lutram(depth, fmt.width + 1)
        blocks = depth > LUTRAM_WORDS and luts > _LUTS_A_BLOCK * block_rams(depth, fmt.width + 1)
        return cls(fmt, depth, MemoryKind.BRAM if blocks else MemoryKind.LUTRAM)

    @property
    def capacity(self) -> int:
        return self.depth

    @property
    def latency(self) -> int:
        return 1 if self.memory is MemoryKind.LUTRAM else BLOCK_LATENCY

    def component(self) -> wiring.Component:
        return Fifo(self) if self.memory is MemoryKind.LUTRAM else BlockFifo(self)

    @property
    def resources(self) -> Resources:
        width, bits, level = self.format.width + 1, counter_bits(self.depth), counter_bits(self.depth + 1)
        ragged = self.depth != 1 << bits  # two counters do not wrap by themselves
        if self.memory is MemoryKind.LUTRAM:
            return Resources(lut=lutram(self.depth, width) + 3 * bits + 4, ff=level + 2 * bits + 2 + 2 * ragged)
        luts, ffs = (4 + 2 * ragged) * bits + 6 * ragged + 4, width + 2 * level + 2 * bits + 8 + 2 * ragged
        luts += block_luts(self.depth, width)
        own = Resources(lut=luts, ff=ffs, bram36=block_rams(self.depth, width))
        return own + FifoConfig(self.format, BLOCK_LATENCY).resources


class Fifo(wiring.Component):
    """First-word fall-through, in LUTRAM. Both `tready` and `tvalid` are registers."""

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
        push, pop = Signal(), Signal()
        some, room = occupancy(m, self.config.depth, push, pop, "queue")
        m.d.comb += [
            self.i.tready.eq(room),
            self.o.tvalid.eq(some),
            push.eq(self.i.tvalid & self.i.tready),
            pop.eq(self.o.tvalid & self.o.tready),
            write.en.eq(push),
            write.data[:-1].eq(self.i.tdata),
            write.data[-1].eq(self.i.tlast),
            self.o.tdata.eq(read.data[:-1]),
            self.o.tlast.eq(read.data[-1]),
            write.addr.eq(count(m, self.config.depth, push, "write")[0]),
            read.addr.eq(count(m, self.config.depth, pop, "read")[0]),
        ]
        return m


class BlockFifo(wiring.Component):
    """A FIFO in block RAM, and a small one behind it for what has been read ahead.

    A word is read when the small one has room for it, so nothing is ever held up between them.
    """

    def __init__(self, config: FifoConfig) -> None:
        self.config = config
        super().__init__({"i": In(StreamSignature(config.format)), "o": Out(StreamSignature(config.format))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        depth, width = self.config.depth, self.config.format.width
        m.submodules.memory = memory = Ram(width + 1, depth, MemoryKind.BRAM)
        m.submodules.ahead = ahead = Fifo(FifoConfig(self.config.format, BLOCK_LATENCY))
        connect(m, ahead.o, wiring.flipped(self.o))
        push, fetch, pop = Signal(), Signal(), Signal()
        _, room = occupancy(m, depth, push, pop, "queue")
        written, _ = occupancy(m, depth, push, fetch, "written")
        _, room_ahead = occupancy(m, BLOCK_LATENCY, fetch, pop, "ahead")
        m.d.comb += [
            self.i.tready.eq(room),
            push.eq(self.i.tvalid & self.i.tready),
            pop.eq(self.o.tvalid & self.o.tready),
            fetch.eq(written & room_ahead),
            memory.write.eq(push),
            memory.write_address.eq(count(m, depth, push, "write")[0]),
            memory.write_data.eq(Cat(self.i.tdata, self.i.tlast)),
            memory.read_address.eq(count(m, depth, fetch, "read")[0]),
            Cat(ahead.i.tdata, ahead.i.tlast).eq(registered(m, memory.read_data, "fetched")),
            ahead.i.tvalid.eq(delayed(m, fetch, 2, "fetch", reset=True)),
        ]
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
        # the same as ~skid_full, without a gate on the way out
        ready = Signal(init=1)
        m.d.comb += self.i.tready.eq(ready)
        with m.If(~self.o.tvalid | self.o.tready):
            m.d.sync += [
                self.o.tvalid.eq(self.i.tvalid | skid_full),
                self.o.tdata.eq(Mux(skid_full, skid_data, self.i.tdata)),
                self.o.tlast.eq(Mux(skid_full, skid_last, self.i.tlast)),
                skid_full.eq(0),
                ready.eq(1),
            ]
        with m.Elif(self.i.tvalid & self.i.tready):
            m.d.sync += [skid_data.eq(self.i.tdata), skid_last.eq(self.i.tlast), skid_full.eq(1), ready.eq(0)]
        return m
