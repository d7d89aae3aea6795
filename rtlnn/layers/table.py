"""Functions of one value by look-up."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtlnn.layers.buffered import buffered
from rtlnn.layers.component import LayerConfig, MemoryPort, Resources, memory_members
from rtlnn.layers.counter import count, counter_bits
from rtlnn.layers.memory_kind import MemoryKind
from rtlnn.layers.pipeline import delayed
from rtlnn.layers.results import PassShape, ResultQueue
from rtlnn.layers.room import room
from rtlnn.layers.stream import StreamFormat, StreamSignature, connect
from rtlnn.layers.timing import Events, Link

__all__ = ["TableConfig"]

_MEMORY_LATENCY = 2
_LATENCY = _MEMORY_LATENCY + 1
_SLOTS = _LATENCY + 1
LUT_WORDS = 512
"""Tables of up to this many words are made of LUTs: for a byte from a byte that is 32 of them, a sixteenth of a block
RAM's share of most devices."""


@dataclass(frozen=True)
class TableConfig(LayerConfig):
    """A table's entry for each element; latency 3 cycles, full rate.

    Tables are addressed by the code's bits as they are. One table serves all channels, with a reader for each lane
    (two share a block RAM); or each channel has one, and each lane a memory with those of its channels.

    Parameters
    ----------
    source : the stream that comes
    bits, signed : of the results
    by_channel : whether each channel has a table of its own
    """

    source: StreamFormat
    bits: int
    signed: bool
    by_channel: bool = False

    @property
    def input(self) -> StreamFormat:
        return self.source

    @property
    def output(self) -> StreamFormat:
        return replace(self.source, bits=self.bits, signed=self.signed)

    @property
    def groups(self) -> int:
        """Tables that a lane takes turns with."""
        return self.source.beats_per_pixel if self.by_channel else 1

    @property
    def memories(self) -> tuple[MemoryPort, ...]:
        """`table` with the entries by code; or `table0`, `table1`, ... of each lane, its channels one after another."""
        depth = self.groups << self.source.bits
        kind = MemoryKind.LUTRAM if depth <= LUT_WORDS else MemoryKind.BRAM
        if not self.by_channel:
            return (MemoryPort("table", self.bits, depth, kind, self.source.elements),)
        return tuple(MemoryPort(f"table{n}", self.bits, depth, kind) for n in range(self.source.elements))

    @property
    def shape(self) -> PassShape:
        return PassShape(self.source.elements, self.source.elements, 1, self.source.elements)

    @property
    def resources(self) -> Resources:
        counters = counter_bits(_SLOTS + 1) + counter_bits(self.groups)
        own = Resources(lut=counters + 2, ff=counters + _MEMORY_LATENCY)
        return own + self.shape.queue_resources(self.output, _SLOTS)

    def waits(self, i: Link, o: Link) -> Sequence[Events]:
        buffered([i], [o], _SLOTS, _LATENCY)
        return ()

    def component(self) -> "Table":
        return Table(self)


class Table(wiring.Component):
    """Elements enter while the queue has room for their results; what follows is never held up.

    Members
    -------
    i, o : streams
    table_address, table_data (or table0_address, ...) : see `config.memories`
    """

    def __init__(self, config: TableConfig) -> None:
        self.config = config
        streams = {"i": In(StreamSignature(config.input)), "o": Out(StreamSignature(config.output))}
        super().__init__({**streams, **memory_members(config.memories)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        c = self.config
        m.submodules.queue = queue = ResultQueue(c.output, c.shape, _SLOTS)
        connect(m, queue.o, wiring.flipped(self.o))
        enter = Signal()
        m.d.comb += [
            self.i.tready.eq(room(m, _SLOTS, enter, queue.credit)),
            enter.eq(self.i.tvalid & self.i.tready),
            queue.valid.eq(delayed(m, enter, _MEMORY_LATENCY, "valid", reset=True)),
        ]
        codes = [self.i.tdata.word_select(n, c.source.bits) for n in range(c.source.elements)]
        if c.by_channel:
            group, _ = count(m, c.groups, enter, "group")
            if c.groups > 1:
                codes = [Cat(code, group) for code in codes]
            for port, code in zip(c.memories, codes, strict=True):
                m.d.comb += getattr(self, f"{port.name}_address").eq(code)
            m.d.comb += queue.y.eq(Cat(*(getattr(self, f"{port.name}_data") for port in c.memories)))
        else:
            m.d.comb += [self.table_address.eq(Cat(*codes)), queue.y.eq(self.table_data)]
        return m
