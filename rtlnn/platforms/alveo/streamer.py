"""The weights of a layer in memory become its stream, once for every batch of frames."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, connect, flipped

from rtlnn.emit.interface import StreamPort, WeightPort
from rtlnn.platforms.alveo.axi import Run, to_core
from rtlnn.platforms.alveo.reader import FrameReader

__all__ = ["WeightStreamer"]


class WeightStreamer(Component):
    """Reads all weights of a layer again for every batch of a run, ahead of their use as far as the FIFO has room.

    Nothing is read beyond a run's own batches, so that weights in memory may change between two runs.
    As fast as a `FrameReader`: between two readings of the weights no burst is asked for in 7 cycles, which the FIFO
    hides.

    Parameters
    ----------
    port : the core's stream
    outstanding : bursts in flight

    Members
    -------
    run : the runs to do, with their address and how many frames they have: whole batches; ready when all bursts of the
        one before have been asked for
    axi : AR and R channels
    tdata, tvalid, tready, tlast : to the core
    error : a response was SLVERR or DECERR (1 cycle)
    """

    def __init__(self, port: WeightPort, outstanding: int = 8) -> None:
        self.port, self.outstanding = port, outstanding
        super().__init__(
            {
                "run": In(stream.Signature(Run)),
                **to_core(port.tdata_bits),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        size = self.port.tdata_bits // 8
        frame = StreamPort((1, self.port.beats, size), size, 8, 8, False, 1.0, 0)
        m.submodules.reader = reader = FrameReader(frame, self.outstanding)
        connect(m, flipped(self.axi), reader.axi)
        address, left = Signal(64), Signal(32)
        m.d.comb += [
            self.tdata.eq(reader.tdata),
            self.tvalid.eq(reader.tvalid),
            self.tlast.eq(reader.tlast),
            reader.tready.eq(self.tready),
            self.error.eq(reader.error),
            reader.run.payload.address.eq(address),
            reader.run.payload.frames.eq(1),
        ]
        with m.FSM():
            with m.State("IDLE"):
                # the last reading has been asked for when the reader could begin another one
                m.d.comb += self.run.ready.eq(reader.run.ready)
                m.d.sync += [address.eq(self.run.payload.address), left.eq(self.run.payload.frames)]
                with m.If(self.run.valid & self.run.ready):
                    m.next = "MORE"
            with m.State("MORE"):
                with m.If(left.any()):
                    m.next = "READ"
                with m.Else():
                    m.next = "IDLE"
            with m.State("READ"):
                m.d.comb += reader.run.valid.eq(1)
                with m.If(reader.run.ready):
                    m.d.sync += left.eq(left - self.port.batch)
                    m.next = "MORE"
        return m
