"""The weights in memory become the stream that fills the core's memories, before the first frame."""

from amaranth.hdl import Module, Signal
from amaranth.lib.wiring import Component, In, Out, connect, flipped

from rtlnn.emit.interface import StreamPort
from rtlnn.platforms.alveo.axi import to_core
from rtlnn.platforms.alveo.reader import FrameReader

__all__ = ["WeightReader"]

_BITS = 64
_OUTSTANDING = 1
"""Bursts in flight: nobody waits for weights but once."""


class WeightReader(Component):
    """Reads the weights that the core does not have: at the first start, and at every one with another address.

    Parameters
    ----------
    beats : of the weights, 8 bytes each

    Members
    -------
    address : of the weights, a multiple of 64; it stays while `wanted` is high
    wanted : a start waits
    idle : no frame is under way
    ready : the core has the weights at `address` (which has been there for a cycle); else they are read as soon as a
        start waits and all before it is done
    axi : AR and R channels
    tdata, tvalid, tready, tlast : to the core
    error : since the last read began, a response was SLVERR or DECERR
    """

    def __init__(self, beats: int) -> None:
        self.port = StreamPort((1, 1, beats), 1, _BITS, _BITS, False, 1.0, 0)
        super().__init__(
            {
                "address": In(64),
                "wanted": In(1),
                "idle": In(1),
                "ready": Out(1),
                **to_core(_BITS),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.reader = reader = FrameReader(self.port, _OUTSTANDING)
        connect(m, flipped(self.axi), reader.axi)
        present, reading, loaded = Signal(64), Signal(), Signal()
        begin, ended = Signal(), Signal()
        m.d.comb += [
            self.tdata.eq(reader.tdata),
            self.tvalid.eq(reader.tvalid),
            self.tlast.eq(reader.tlast),
            reader.tready.eq(self.tready),
            reader.run.payload.address.eq(self.address),
            reader.run.payload.frames.eq(1),
            reader.run.valid.eq(self.wanted & ~self.ready & ~reading & self.idle),
            begin.eq(reader.run.valid & reader.run.ready),
            ended.eq(reader.tvalid & reader.tready & reader.tlast),
        ]
        # 64 bits are too many to compare in the cycle in which a start is taken
        same = Signal()
        m.d.sync += same.eq(present == self.address)
        m.d.comb += self.ready.eq(loaded & same)
        with m.If(begin):
            m.d.sync += [present.eq(self.address), reading.eq(1), loaded.eq(0), self.error.eq(0)]
        with m.Else():
            with m.If(ended):
                m.d.sync += [reading.eq(0), loaded.eq(1)]
            with m.If(reader.error):
                m.d.sync += self.error.eq(1)
        return m
