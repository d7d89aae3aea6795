"""Sends packets."""

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
    """Header, payload and CRC between flags.

    Parameters
    ----------
    hello : payload of the answer to HELLO

    Members
    -------
    kind, start : in, begin a packet; `kind` is one of `AnswerKind`
    idle : out, a packet can begin
    sent, length : in, offset and bytes of the next piece of the results
    arrived, room, errors, flags : in, other fields of the header
    place : out, an offset in the results
    data : in, the byte there, a cycle later
    o : out, bytes for the line
    """

    def __init__(self, hello: Sequence[int]) -> None:
        self.hello = tuple(hello)
        super().__init__(
            {
                **{"kind": In(8), "start": In(1), "idle": Out(1), "sent": In(16), "length": In(range(CHUNK + 1))},
                **{"arrived": In(16), "room": In(16), "errors": In(8), "flags": In(8)},
                **{"place": Out(16), "data": In(8), "o": Out(stream.Signature(8))},
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.stuffing = stuffing = _Stuffing()
        wiring.connect(m, stuffing.o, wiring.flipped(self.o))
        m.submodules.crc = crc = CRC32_ISO_HDLC(data_width=8).create()
        m.submodules.hello = hello = Memory(shape=8, depth=len(self.hello), init=self.hello)
        read = hello.read_port()
        register, turns = Signal(8 * _HEADER), Signal(range(_HEADER))
        left, is_hello = Signal(range(max(CHUNK, len(self.hello)) + 1)), Signal()
        byte, raw, took = stuffing.byte, stuffing.raw, stuffing.took
        m.d.comb += [read.addr.eq(self.place), crc.data.eq(byte), crc.valid.eq(took & ~raw), byte.eq(register[:8])]
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += [self.idle.eq(1), crc.start.eq(1)]
                is_data = self.kind == AnswerKind.DATA
                m.d.sync += [
                    register.eq(Cat(self.kind, self.sent, self.arrived, self.room, self.errors, self.flags)),
                    is_hello.eq(self.kind == AnswerKind.HELLO),
                    self.place.eq(Mux(is_data, self.sent, 0)),
                    left.eq(Mux(is_data, self.length, Mux(self.kind == AnswerKind.HELLO, len(self.hello), 0))),
                ]
                with m.If(self.start):
                    m.next = "BEGIN"
            for state, following in (("BEGIN", "HEADER"), ("END", "IDLE")):
                with m.State(state):
                    m.d.comb += [stuffing.put.eq(1), raw.eq(1), byte.eq(FLAG)]
                    m.d.sync += turns.eq(_HEADER - 1)
                    with m.If(took):
                        m.next = following
            for state, following in (("HEADER", "FETCH"), ("CRC", "END")):
                with m.State(state):
                    m.d.comb += stuffing.put.eq(1)
                    with m.If(took):
                        m.d.sync += [register.eq(register[8:]), turns.eq(turns - 1)]
                        with m.If(turns == 0):
                            m.next = following
            with m.State("FETCH"):
                # a word of the memories comes a cycle after its address
                m.next = "LOAD"
                with m.If(left == 0):
                    m.next = "SEAL"
            with m.State("LOAD"):
                # block RAM is slow, and the CRC has many levels of logic
                m.d.sync += register[:8].eq(Mux(is_hello, read.data, self.data))
                m.next = "PAYLOAD"
            with m.State("PAYLOAD"):
                m.d.comb += stuffing.put.eq(1)
                with m.If(took):
                    m.d.sync += [left.eq(left - 1), self.place.eq(self.place + 1)]
                    m.next = "FETCH"
            with m.State("SEAL"):
                m.d.sync += [register.eq(crc.crc), turns.eq(CRC_BYTES - 1)]
                m.next = "CRC"
        return m


class _Stuffing(wiring.Component):
    """Bytes to bytes for the line: all but `raw` ones are escaped where they must be. A register between both sides."""

    def __init__(self) -> None:
        super().__init__(
            {
                **{"byte": In(8), "raw": In(1), "put": In(1), "took": Out(1)},
                "o": Out(stream.Signature(8)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        held, special, loaded, escaped, needs = Signal(8), Signal(), Signal(), Signal(), Signal()
        m.d.comb += [
            needs.eq(~self.raw & ((self.byte == FLAG) | (self.byte == ESCAPE))),
            self.took.eq(self.put & ~loaded),
            self.o.valid.eq(loaded),
            self.o.payload.eq(Mux(special & ~escaped, ESCAPE, held)),
        ]
        with m.If(self.took):
            m.d.sync += [held.eq(self.byte ^ (needs * FLIP)), special.eq(needs), loaded.eq(1), escaped.eq(0)]
        with m.Elif(loaded & self.o.ready):
            m.d.sync += [escaped.eq(1), loaded.eq(special & ~escaped)]
        return m
