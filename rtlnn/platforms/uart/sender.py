"""Keeps the output stream until the host has it, and sends packets."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.crc.catalog import CRC32_ISO_HDLC
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from rtlnn.platforms.uart.protocol import CHUNK, CRC_BYTES, ESCAPE, FLAG, FLIP, Answer, AnswerKind

__all__ = ["PacketSender"]

_HEADER = Answer.LAYOUT.size


class PacketSender(wiring.Component):
    """The output stream in, packets out.

    Results are sent when a frame is complete, or a whole payload is there. They stay in the buffer until the host has
    acknowledged them, and a full buffer holds up the core.

    Parameters
    ----------
    size : bytes of the buffer, a power of two
    hello : payload of the answer to HELLO

    Members
    -------
    i, i_last : in, the output stream, a byte at a time; `i_last` marks the last one of a frame
    ack, acked, resend : in, offset up to which results have arrived, that it is valid, that all beyond it are to be
        sent again
    pending : out, there are results to send
    kind, start : in, begin a packet; `kind` is one of `AnswerKind`
    idle : out, a packet can begin
    arrived, room, errors, flags : in, fields of the header
    o : out, bytes for the line
    """

    def __init__(self, size: int, hello: Sequence[int]) -> None:
        if size & (size - 1) or not CHUNK <= size < 1 << 15:
            raise ValueError(f"the buffer must have a power of two of bytes, {CHUNK} at least, not {size}")
        self.size, self.hello = size, tuple(hello)
        super().__init__(
            {
                **{"i": In(stream.Signature(8)), "i_last": In(1)},
                **{"ack": In(16), "acked": In(1), "resend": In(1), "pending": Out(1)},
                **{"kind": In(8), "start": In(1), "idle": Out(1)},
                **{"arrived": In(16), "room": In(16), "errors": In(8), "flags": In(8)},
                "o": Out(stream.Signature(8)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.memory = memory = Memory(shape=8, depth=self.size, init=[])
        m.submodules.hello = hello = Memory(shape=8, depth=len(self.hello), init=self.hello)
        write, read, read_hello = memory.write_port(), memory.read_port(), hello.read_port()

        # offsets: written by the core, complete, sent, acknowledged
        written, complete, sent, acked = (Signal(16, name=n) for n in ("written", "complete", "sent", "acked"))
        push, full = Signal(), Signal()
        m.d.comb += [
            full.eq((written - acked)[: self.size.bit_length()][-1]),
            self.i.ready.eq(~full),
            push.eq(self.i.valid & ~full),
            write.addr.eq(written),
            write.data.eq(self.i.payload),
            write.en.eq(push),
            self.pending.eq(sent != complete),
        ]
        following = Signal(16)
        m.d.comb += following.eq(written + 1)
        with m.If(push):
            m.d.sync += written.eq(following)
            with m.If(self.i_last | ((following - complete)[:16] == CHUNK)):
                m.d.sync += complete.eq(following)

        m.submodules.crc = crc = CRC32_ISO_HDLC(data_width=8).create()
        register, turns = Signal(8 * _HEADER), Signal(range(_HEADER))
        left, place, waiting = Signal(range(max(CHUNK, len(self.hello)) + 1)), Signal(16), Signal(16)
        is_hello, byte, raw, put, took = Signal(), Signal(8), Signal(), Signal(), Signal()
        m.d.comb += [
            waiting.eq(complete - sent),
            read.addr.eq(place),
            read_hello.addr.eq(place),
            crc.data.eq(byte),
            crc.valid.eq(took & ~raw),
            byte.eq(register[:8]),
        ]
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += [self.idle.eq(1), crc.start.eq(1)]
                m.d.sync += [
                    register.eq(Cat(self.kind, sent, self.arrived, self.room, self.errors, self.flags)),
                    is_hello.eq(self.kind == AnswerKind.HELLO),
                    place.eq(Mux(self.kind == AnswerKind.HELLO, 0, sent)),
                    left.eq(0),
                ]
                with m.If(self.kind == AnswerKind.HELLO):
                    m.d.sync += left.eq(len(self.hello))
                with m.If(self.kind == AnswerKind.DATA):
                    m.d.sync += left.eq(Mux(waiting > CHUNK, CHUNK, waiting))
                with m.If(self.start):
                    m.next = "BEGIN"
                    with m.If(self.kind == AnswerKind.DATA):
                        m.d.sync += sent.eq(Mux(waiting > CHUNK, sent + CHUNK, complete))
            with m.State("BEGIN"):
                m.d.comb += [put.eq(1), raw.eq(1), byte.eq(FLAG)]
                m.d.sync += turns.eq(_HEADER - 1)
                with m.If(took):
                    m.next = "HEADER"
            with m.State("HEADER"):
                m.d.comb += put.eq(1)
                with m.If(took):
                    m.d.sync += [register.eq(register[8:]), turns.eq(turns - 1)]
                    with m.If(turns == 0):
                        m.next = "FETCH"
            with m.State("FETCH"):
                # a word of the memories comes a cycle after its address
                m.next = "PAYLOAD"
                with m.If(left == 0):
                    m.next = "SEAL"
            with m.State("PAYLOAD"):
                m.d.comb += [put.eq(1), byte.eq(Mux(is_hello, read_hello.data, read.data))]
                with m.If(took):
                    m.d.sync += [left.eq(left - 1), place.eq(place + 1)]
                    m.next = "FETCH"
            with m.State("SEAL"):
                m.d.sync += [register.eq(crc.crc), turns.eq(CRC_BYTES - 1)]
                m.next = "CRC"
            with m.State("CRC"):
                m.d.comb += put.eq(1)
                with m.If(took):
                    m.d.sync += [register.eq(register[8:]), turns.eq(turns - 1)]
                    with m.If(turns == 0):
                        m.next = "END"
            with m.State("END"):
                m.d.comb += [put.eq(1), raw.eq(1), byte.eq(FLAG)]
                with m.If(took):
                    m.next = "IDLE"
        # behind the machine, for it wins over a packet that begins
        with m.If(self.acked):
            m.d.sync += acked.eq(self.ack)
            with m.If(self.resend):
                m.d.sync += sent.eq(self.ack)

        special, escaping = Signal(), Signal()
        m.d.comb += [
            special.eq(~raw & ((byte == FLAG) | (byte == ESCAPE))),
            self.o.valid.eq(put),
            self.o.payload.eq(Mux(special, Mux(escaping, byte ^ FLIP, ESCAPE), byte)),
            took.eq(put & self.o.ready & (~special | escaping)),
        ]
        with m.If(put & self.o.ready):
            m.d.sync += escaping.eq(special & ~escaping)
        return m
