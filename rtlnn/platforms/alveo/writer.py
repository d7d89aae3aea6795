"""The core's output stream becomes frames in memory."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import stream
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import Component, In, Out, connect

from rtlnn.emit.interface import StreamPort
from rtlnn.platforms.alveo.axi import BURST_WORDS, WORD_BITS, WORD_BYTES, Run, write_signature
from rtlnn.platforms.alveo.bursts import BurstPlanner
from rtlnn.platforms.gearbox import Packer

__all__ = ["FrameWriter"]


class FrameWriter(Component):
    """AXI4 write master, 512 bits wide.

    A burst is announced only when all its words are in the FIFO, so that it never holds up the memory's write
    channel. Every word is written whole: the bytes after a frame's end, up to the next multiple of 64, become zero.
    A run is done when every burst has been answered. An answer that reports an error counts too: the run ends as
    usual, with `error` having been high.

    Parameters
    ----------
    port : the core's output
    outstanding : bursts in flight; the FIFO holds as many of 64 words (8: 512 words, 8 block RAMs)

    Members
    -------
    run : the runs to do; the next one is taken after `resume`
    axi : AW, W and B channels
    tdata, tvalid, tready : from the core
    done : a run is in memory; held until `resume`
    resume : `done` has been seen
    idle : no run is being written
    error : a response was SLVERR or DECERR (1 cycle)
    """

    def __init__(self, port: StreamPort, outstanding: int = 8) -> None:
        if outstanding < 1:
            raise ValueError(f"at least one burst must be in flight, not {outstanding}")
        self.port, self.outstanding = port, outstanding
        super().__init__(
            {
                "run": In(stream.Signature(Run)),
                "axi": Out(write_signature()),
                "tdata": In(port.tdata_bits),
                "tvalid": In(1),
                "tready": Out(1),
                "done": Out(1),
                "resume": In(1),
                "idle": Out(1),
                "error": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        frame_bytes = self.port.frame_bytes
        depth = self.outstanding * BURST_WORDS
        m.submodules.planner = planner = BurstPlanner(-(-frame_bytes // WORD_BYTES))
        m.submodules.fifo = fifo = SyncFIFOBuffered(width=WORD_BITS, depth=depth)
        m.submodules.pack = pack = Packer(WORD_BYTES, self.port.tdata_bits // 8, frame_bytes)
        m.submodules.lengths = lengths = SyncFIFOBuffered(
            width=len(planner.burst.payload.words), depth=self.outstanding
        )
        axi, burst = self.axi, planner.burst.payload

        m.d.comb += [
            pack.i.payload.eq(self.tdata),
            pack.i.valid.eq(self.tvalid),
            self.tready.eq(pack.i.ready),
        ]
        connect(m, pack.o, fifo.w_stream)

        stored = Signal(range(depth + 1))  # words of the FIFO that no burst has claimed
        in_flight = Signal(range(self.outstanding + 1))
        announced = Signal()
        answered = Signal()
        pushed = Signal()
        m.d.comb += [
            axi.awaddr.eq(Cat(Const(0, 6), burst.word_address)),
            axi.awlen.eq(burst.words - 1),
            # once high, it stays: stored only grows and in_flight only falls until the burst is taken
            axi.awvalid.eq(planner.burst.valid & (stored >= burst.words) & (in_flight != self.outstanding)),
            planner.burst.ready.eq(axi.awvalid & axi.awready),
            announced.eq(axi.awvalid & axi.awready),
            axi.bready.eq(1),
            answered.eq(axi.bvalid),
            self.error.eq(axi.bvalid & axi.bresp[1]),
            pushed.eq(fifo.w_rdy & fifo.w_en),
        ]
        m.d.sync += [
            stored.eq(stored - Mux(announced, burst.words, 0) + pushed),
            in_flight.eq(in_flight + announced - answered),
        ]
        self._send(m, fifo, lengths)
        m.d.comb += [lengths.w_data.eq(burst.words), lengths.w_en.eq(announced)]

        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += [
                    self.idle.eq(1),
                    planner.run.payload.eq(self.run.payload),
                    planner.run.valid.eq(self.run.valid),
                    self.run.ready.eq(planner.run.ready),
                ]
                with m.If(self.run.valid & self.run.ready):
                    m.next = "RUN"
            with m.State("RUN"), m.If(planner.run.ready & (in_flight == 0)):
                m.next = "DONE"
            with m.State("DONE"):
                m.d.comb += self.done.eq(1)
                with m.If(self.resume):
                    m.next = "IDLE"
        return m

    def _send(self, m: Module, fifo: SyncFIFOBuffered, lengths: SyncFIFOBuffered) -> None:
        """The write channel: the words of the announced bursts in order, without a gap between bursts."""
        axi = self.axi
        left = Signal(range(BURST_WORDS + 1))  # words of the current burst still to go
        sent = Signal()
        free = Signal()
        m.d.comb += [
            axi.wdata.eq(fifo.r_data),
            axi.wvalid.eq((left != 0) & fifo.r_rdy),
            axi.wlast.eq(left == 1),
            sent.eq(axi.wvalid & axi.wready),
            fifo.r_en.eq(sent),
            free.eq((left == 0) | (sent & (left == 1))),
            lengths.r_en.eq(free & lengths.r_rdy),
        ]
        with m.If(free):
            m.d.sync += left.eq(Mux(lengths.r_rdy, lengths.r_data, 0))
        with m.Elif(sent):
            m.d.sync += left.eq(left - 1)
