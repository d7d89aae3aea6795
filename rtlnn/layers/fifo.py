"""Stream FIFO and skid buffer."""

from collections.abc import Hashable

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from rtlnn.layers.component import Layer, Resources
from rtlnn.layers.stream import StreamFormat, StreamSignature
from rtlnn.layers.timing import Link, Process

__all__ = ["Fifo", "SkidBuffer"]


class _Buffer(Layer):
    """A queue of `depth` beats: a beat can leave the cycle after it came, and its room is free the cycle after."""

    depth: int

    def processes(self, i: Link, o: Link) -> list[Process]:
        return [self._fill(i, o), self._drain(i, o)]

    def _fill(self, i: Link, o: Link) -> Process:
        j = 0
        while True:
            after = -1
            if j:
                if len(i.taken.times) < j:
                    yield i.taken, j - 1
                after = i.taken.times[j - 1]
            if j >= self.depth:
                if len(o.taken.times) <= j - self.depth:
                    yield o.taken, j - self.depth
                after = max(after, o.taken.times[j - self.depth])
            i.ready.times.append(after + 1)
            j += 1

    @staticmethod
    def _drain(i: Link, o: Link) -> Process:
        j = 0
        while True:
            if len(i.taken.times) <= j:
                yield i.taken, j
            if j and len(o.taken.times) < j:
                yield o.taken, j - 1
            o.offered.times.append(max(i.taken.times[j], o.taken.times[j - 1] if j else -1) + 1)
            j += 1


class Fifo(_Buffer):
    """A first-word-fall-through FIFO of `depth` beats in LUTRAM; latency 1 cycle.

    Both `tready` and `tvalid` depend on registers alone.
    """

    def __init__(self, fmt: StreamFormat, depth: int) -> None:
        if depth < 2:
            raise ValueError(f"a FIFO needs at least 2 beats for full rate, not {depth}")
        self.format, self.depth = fmt, depth
        super().__init__({"i": In(StreamSignature(fmt)), "o": Out(StreamSignature(fmt))})

    @property
    def key(self) -> Hashable:
        return Fifo, self.format, self.depth

    def elaborate(self, platform: object) -> Module:
        m = Module()
        memory = Memory(shape=self.format.width + 1, depth=self.depth, init=[], attrs={"ram_style": "distributed"})
        m.submodules.memory = memory
        write, read = memory.write_port(), memory.read_port(domain="comb")
        level = Signal(range(self.depth + 1))
        push, pop = Signal(), Signal()
        m.d.comb += [
            self.i.tready.eq(level != self.depth),
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
            place = Signal(range(self.depth))
            m.d.comb += pointer.eq(place)
            with m.If(step):
                m.d.sync += place.eq(Mux(place == self.depth - 1, 0, place + 1))
        return m

    def resources(self) -> Resources:
        return Resources(lut=-(-(self.format.width + 1) // 14) * 8 * -(-self.depth // 32) + 16, ff=16)


class SkidBuffer(_Buffer):
    """Two registers that cut every path between the two sides; latency 1 cycle, full rate."""

    depth = 2

    def __init__(self, fmt: StreamFormat) -> None:
        self.format = fmt
        super().__init__({"i": In(StreamSignature(fmt)), "o": Out(StreamSignature(fmt))})

    @property
    def key(self) -> Hashable:
        return SkidBuffer, self.format

    def elaborate(self, platform: object) -> Module:
        m = Module()
        skid_data, skid_last, skid_full = Signal(self.format.width), Signal(), Signal()
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

    def resources(self) -> Resources:
        return Resources(lut=self.format.width + 4, ff=2 * self.format.width + 4)
