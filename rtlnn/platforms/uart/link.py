"""The serial line on one side, the core's streams on the other."""

from dataclasses import dataclass

from amaranth.hdl import Cat, Module, Mux, ResetInserter, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtlnn.platforms.uart.line import LineReceiver, LineTransmitter
from rtlnn.platforms.uart.protocol import CRC_BYTES, AnswerKind, RequestKind
from rtlnn.platforms.uart.receiver import PacketReceiver
from rtlnn.platforms.uart.results import ResultBuffer
from rtlnn.platforms.uart.sender import PacketSender

__all__ = ["Link", "LinkConfig"]

_RESET_CYCLES = 16
"""Cycles that RESET holds the core."""


@dataclass(frozen=True)
class LinkConfig:
    """Sizes of a link.

    Parameters
    ----------
    divider : cycles a bit on the line
    input_beat, output_beat : bytes of a beat of the core's streams
    input_beats, output_beats : beats of a frame
    hello : payload of the answer to HELLO
    input_buffer, output_buffer : bytes, powers of two
    timeout : cycles of silence after which half a packet is given up
    """

    divider: int
    input_beat: int
    input_beats: int
    output_beat: int
    output_beats: int
    hello: bytes
    input_buffer: int = 1024
    output_buffer: int = 512
    timeout: int = 1 << 23


class Link(wiring.Component):
    """See `protocol` for what goes over the line.

    Members
    -------
    rx, tx : the line
    s_tdata, s_tvalid, s_tready, s_tlast : to the core
    m_tdata, m_tvalid, m_tready : from the core, whose beats are counted
    frame_error : in, of the core
    core_reset : out, from a register
    """

    def __init__(self, config: LinkConfig) -> None:
        self.config = config
        super().__init__(
            {
                **{"rx": In(1), "tx": Out(1, init=1), "frame_error": In(1), "core_reset": Out(1, init=1)},
                **{"s_tdata": Out(8 * config.input_beat), "s_tvalid": Out(1), "s_tready": In(1), "s_tlast": Out(1)},
                **{"m_tdata": In(8 * config.output_beat), "m_tvalid": In(1), "m_tready": Out(1)},
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        c, clear = self.config, Signal()
        m.submodules.line_in = line_in = LineReceiver(c.divider)
        m.submodules.line_out = line_out = LineTransmitter(c.divider)
        receiver, sender = PacketReceiver(c.input_buffer, c.timeout), PacketSender(c.hello)
        results = ResultBuffer(c.output_buffer)
        splitter, joiner = _Splitter(c.output_beat, c.output_beats), _Joiner(c.input_beat, c.input_beats)
        parts = {"receiver": receiver, "sender": sender, "results": results, "splitter": splitter, "joiner": joiner}
        for name, part in parts.items():
            m.submodules[name] = ResetInserter(clear)(part)
        wiring.connect(m, receiver.o, joiner.i)
        wiring.connect(m, splitter.o, results.i)
        m.d.comb += [
            line_in.rx.eq(self.rx),
            self.tx.eq(line_out.tx),
            receiver.data.eq(line_in.data),
            receiver.valid.eq(line_in.valid),
            receiver.fault.eq(line_in.fault),
            line_out.data.eq(sender.o.payload),
            line_out.valid.eq(sender.o.valid),
            sender.o.ready.eq(line_out.ready),
            self.s_tdata.eq(joiner.tdata),
            self.s_tvalid.eq(joiner.tvalid),
            self.s_tlast.eq(joiner.tlast),
            joiner.tready.eq(self.s_tready),
            splitter.tdata.eq(self.m_tdata),
            splitter.tvalid.eq(self.m_tvalid),
            self.m_tready.eq(splitter.tready),
            results.i_last.eq(splitter.last),
            results.ack.eq(receiver.ack),
            results.acked.eq(receiver.done & receiver.good),
            results.resend.eq(receiver.kind == RequestKind.RESEND),
            results.taken.eq(sender.start & sender.idle & (sender.kind == AnswerKind.DATA)),
            results.place.eq(sender.place),
            sender.data.eq(results.data),
            sender.sent.eq(results.sent),
            sender.length.eq(results.length),
        ]
        self._answer(m, receiver, sender, clear)
        held = Signal(range(_RESET_CYCLES + 1), init=_RESET_CYCLES)
        m.d.sync += self.core_reset.eq(held != 0)
        with m.If(clear):
            m.d.sync += held.eq(_RESET_CYCLES)
        with m.Elif(held != 0):
            m.d.sync += held.eq(held - 1)
        return m

    def _answer(self, m: Module, receiver: PacketReceiver, sender: PacketSender, clear: Signal) -> None:
        """What comes in decides what goes out, one packet for any number of reasons of the same kind."""
        reset, hello, nak, answer = (Signal(name=name) for name in ("reset", "hello", "nak", "answer"))
        # the host knows of less room than there is in the end, and may wait for more
        crowded, errors = Signal(), Signal(8)
        empty, pending = Signal(), Signal()
        m.d.comb += [
            empty.eq(receiver.room == self.config.input_buffer - CRC_BYTES),
            clear.eq(receiver.done & receiver.good & (receiver.kind == RequestKind.RESET)),
            sender.arrived.eq(receiver.arrived),
            sender.room.eq(receiver.room),
            sender.errors.eq(errors),
            sender.flags.eq(self.frame_error),
            pending.eq(sender.length != 0),
            sender.start.eq(reset | hello | nak | pending | answer),
        ]
        with m.If(crowded & empty):
            m.d.sync += [crowded.eq(0), answer.eq(1)]
        # whatever is sent tells how far the input has arrived
        with m.If(sender.idle & sender.start):
            m.d.sync += [answer.eq(0), crowded.eq(~empty)]
        with m.If(reset):
            m.d.comb += sender.kind.eq(AnswerKind.RESET)
        with m.Elif(hello):
            m.d.comb += sender.kind.eq(AnswerKind.HELLO)
        with m.Elif(nak):
            m.d.comb += sender.kind.eq(AnswerKind.NAK)
        with m.Elif(pending):
            m.d.comb += sender.kind.eq(AnswerKind.DATA)
        with m.Else():
            m.d.comb += sender.kind.eq(AnswerKind.STATUS)
        with m.If(sender.idle & sender.start):
            m.d.sync += reset.eq(0)
            with m.If(~reset):
                m.d.sync += hello.eq(0)
                with m.If(~hello):
                    m.d.sync += nak.eq(0)
        with m.If(receiver.done):
            with m.If(~receiver.good):
                m.d.sync += [nak.eq(1), errors.eq(errors + (errors != 0xFF))]
            with m.Elif(clear):
                m.d.sync += [reset.eq(1), hello.eq(0), nak.eq(0), answer.eq(0), crowded.eq(0), errors.eq(0)]
            with m.Elif(receiver.kind == RequestKind.HELLO):
                m.d.sync += hello.eq(1)
            with m.Else():
                m.d.sync += answer.eq(1)


class _Joiner(wiring.Component):
    """Bytes to beats of `size` bytes, the first byte lowest; `tlast` at every `beats`-th; size + 1 cycles a beat."""

    def __init__(self, size: int, beats: int) -> None:
        self.size, self.beats = size, beats
        super().__init__(
            {
                "i": In(stream.Signature(8)),
                **{"tdata": Out(8 * size), "tvalid": Out(1), "tready": In(1), "tlast": Out(1)},
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        count, beat = Signal(range(self.size + 1)), Signal(range(self.beats + 1))
        m.d.comb += self.i.ready.eq(~self.tvalid)
        with m.If(self.i.valid & ~self.tvalid):
            m.d.sync += [self.tdata.eq(Cat(self.tdata, self.i.payload)[8:]), count.eq(count + 1)]
            with m.If(count == self.size - 1):
                m.d.sync += [self.tvalid.eq(1), self.tlast.eq(beat == self.beats - 1), count.eq(0)]
                m.d.sync += beat.eq(Mux(beat == self.beats - 1, 0, beat + 1))
        with m.Elif(self.tvalid & self.tready):
            m.d.sync += self.tvalid.eq(0)
        return m


class _Splitter(wiring.Component):
    """Beats of `size` bytes to bytes; `last` with the last byte of every `beats`-th. A beat takes size + 1 cycles."""

    def __init__(self, size: int, beats: int) -> None:
        self.size, self.beats = size, beats
        super().__init__(
            {
                **{"tdata": In(8 * size), "tvalid": In(1), "tready": Out(1)},
                **{"o": Out(stream.Signature(8)), "last": Out(1)},
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        left, beat, held = Signal(range(self.size + 1)), Signal(range(self.beats + 1)), Signal(8 * self.size)
        m.d.comb += [
            self.tready.eq(left == 0),
            self.o.valid.eq(left != 0),
            self.o.payload.eq(held[:8]),
            self.last.eq((left == 1) & (beat == self.beats - 1)),
        ]
        with m.If(left == 0):
            m.d.sync += held.eq(self.tdata)
            with m.If(self.tvalid):
                m.d.sync += left.eq(self.size)
        with m.Elif(self.o.ready):
            m.d.sync += [held.eq(held[8:]), left.eq(left - 1)]
            with m.If(left == 1):
                m.d.sync += beat.eq(Mux(beat == self.beats - 1, 0, beat + 1))
        return m
