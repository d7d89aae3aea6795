"""Frames in memory become the core's input stream."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import stream
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import Component, In, connect

from rtlnn.emit.interface import StreamPort
from rtlnn.platforms.alveo.axi import BURST_WORDS, WORD_BITS, WORD_BYTES, Run, to_core
from rtlnn.platforms.alveo.bursts import BurstPlanner
from rtlnn.platforms.gearbox import Unpacker

__all__ = ["FrameReader"]


class FrameReader(Component):
    """AXI4 read master, 512 bits wide.

    A burst is asked for only when the FIFO has room for all of it, so that the read channel is never held up; with
    `outstanding` full bursts in flight the round trip to the memory is hidden. A beat leaves in every cycle in which
    the core takes one, across frames and runs, as long as the memory delivers.
    A response that reports an error still delivers its beat: the run ends as usual, with `error` having been high.

    Parameters
    ----------
    port : the core's input
    outstanding : bursts in flight; the FIFO holds as many of 64 words (8: 512 words, 8 block RAMs)

    Members
    -------
    run : the runs to do; ready when all bursts of the one before have been asked for
    axi : AR and R channels
    tdata, tvalid, tready, tlast : to the core
    error : a response was SLVERR or DECERR (1 cycle)
    """

    def __init__(self, port: StreamPort, outstanding: int = 8) -> None:
        if outstanding < 1:
            raise ValueError(f"at least one burst must be in flight, not {outstanding}")
        self.port, self.outstanding = port, outstanding
        super().__init__(
            {
                "run": In(stream.Signature(Run)),
                **to_core(port.tdata_bits),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        frame_bytes = self.port.frame_bytes
        depth = self.outstanding * BURST_WORDS
        m.submodules.planner = planner = BurstPlanner(-(-frame_bytes // WORD_BYTES))
        m.submodules.fifo = fifo = SyncFIFOBuffered(width=WORD_BITS, depth=depth)
        m.submodules.unpack = unpack = Unpacker(WORD_BYTES, self.port.tdata_bits // 8, frame_bytes)
        axi, burst = self.axi, planner.burst.payload

        m.d.comb += [
            planner.run.payload.eq(self.run.payload),
            planner.run.valid.eq(self.run.valid),
            self.run.ready.eq(planner.run.ready),
        ]

        room = Signal(range(depth + 1), init=depth)  # words of the FIFO that no burst has claimed
        in_flight = Signal(range(self.outstanding + 1))
        asked = Signal()
        ended = Signal()
        popped = Signal()
        m.d.comb += [
            axi.araddr.eq(Cat(Const(0, 6), burst.word_address)),
            axi.arlen.eq(burst.words - 1),
            # once high, it stays: room only grows and in_flight only falls until the burst is taken
            axi.arvalid.eq(planner.burst.valid & (room >= burst.words) & (in_flight != self.outstanding)),
            planner.burst.ready.eq(axi.arvalid & axi.arready),
            asked.eq(axi.arvalid & axi.arready),
            axi.rready.eq(1),
            fifo.w_data.eq(axi.rdata),
            fifo.w_en.eq(axi.rvalid),
            ended.eq(axi.rvalid & axi.rlast),
            self.error.eq(axi.rvalid & axi.rresp[1]),
            popped.eq(fifo.r_rdy & fifo.r_en),
        ]
        m.d.sync += [
            room.eq(room - Mux(asked, burst.words, 0) + popped),
            in_flight.eq(in_flight + asked - ended),
        ]

        connect(m, fifo.r_stream, unpack.i)
        m.d.comb += [
            self.tdata.eq(unpack.o.payload),
            self.tvalid.eq(unpack.o.valid),
            self.tlast.eq(unpack.last),
            unpack.o.ready.eq(self.tready),
        ]
        return m
