"""Keeps the output stream until the host has it."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from rtlnn.platforms.uart.protocol import CHUNK

__all__ = ["ResultBuffer"]


class ResultBuffer(wiring.Component):
    """The output stream in, pieces of it to send out.

    Results can be sent when a frame is complete, or a whole payload is there. They stay until the host has acknowledged
    them, and a full buffer holds up the core.

    Parameters
    ----------
    size : bytes, a power of two

    Members
    -------
    i, i_last : in, the output stream, a byte at a time; `i_last` marks the last one of a frame
    ack, acked, resend : in, offset up to which results have arrived, that it is valid, that all beyond it are to be
        sent again
    taken : in, a piece is being sent
    sent, length : out, the next piece: its offset and its bytes, 0 for none; `length` is two cycles late
    place : in, an offset
    data : out, the byte there, a cycle later
    """

    def __init__(self, size: int) -> None:
        if size & (size - 1) or not CHUNK <= size < 1 << 15:
            raise ValueError(f"the buffer must have a power of two of bytes, {CHUNK} at least, not {size}")
        self.size = size
        super().__init__(
            {
                **{"i": In(stream.Signature(8)), "i_last": In(1)},
                **{"ack": In(16), "acked": In(1), "resend": In(1), "taken": In(1)},
                **{"sent": Out(16), "length": Out(range(CHUNK + 1)), "place": In(16), "data": Out(8)},
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.memory = memory = Memory(shape=8, depth=self.size, init=[])
        write, read = memory.write_port(), memory.read_port()
        # offsets: written by the core, complete, acknowledged
        written, complete, acked = (Signal(16, name=n) for n in ("written", "complete", "acknowledged"))
        push, full, piece, waiting = Signal(), Signal(), Signal(range(CHUNK)), Signal(16)
        m.d.comb += [
            full.eq((written - acked)[: self.size.bit_length()][-1]),
            self.i.ready.eq(~full),
            push.eq(self.i.valid & ~full),
            write.addr.eq(written),
            write.data.eq(self.i.payload),
            write.en.eq(push),
            read.addr.eq(self.place),
            self.data.eq(read.data),
        ]
        with m.If(push):
            m.d.sync += [written.eq(written + 1), piece.eq(piece + 1)]
            with m.If(self.i_last | (piece == CHUNK - 1)):
                m.d.sync += [complete.eq(written + 1), piece.eq(0)]
        # late, which does no harm: a packet takes far longer, and RESEND only makes more to send
        m.d.sync += [waiting.eq(complete - self.sent), self.length.eq(Mux(waiting > CHUNK, CHUNK, waiting))]
        with m.If(self.taken):
            m.d.sync += self.sent.eq(self.sent + self.length)
        with m.If(self.acked):
            m.d.sync += acked.eq(self.ack)
            with m.If(self.resend):
                m.d.sync += self.sent.eq(self.ack)
        return m
