"""The streams between the DMA engine and the core: widths, and the ends of transfers."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib.fifo import SyncFIFO, SyncFIFOBuffered
from amaranth.lib.wiring import Component, Flow, In, Member, Out

from rtlnn.emit.interface import StreamPort
from rtlnn.platforms.gearbox import Packer, Unpacker

__all__ = ["Streams", "stream_ports", "stride"]

_TRANSFERS = 16
"""Transfers under way: more than frames of one transfer each in a core would make it wait, not fail."""
_WAITING_WORDS = 4


def stride(frame_bytes: int, word_bytes: int) -> int:
    """Bytes from one frame to the next in memory: each begins with a new word."""
    return -(-frame_bytes // word_bytes) * word_bytes


class Streams(Component):
    """Words of a power of two bytes, to and from a core of any widths.

    A transfer is any number of frames, `w_last` marking its last word. The transfer of their results ends with the
    result of its last frame. For that, a frame's last word is held back until all words of its input have come: which
    they do, because a core that has delivered a frame takes the rest of it, whatever becomes of the result.

    Frames that come: a word each cycle, or what the core takes. Latency beside the core's: 3 cycles in, 3 cycles out.

    Parameters
    ----------
    input, output : the core's ports
    word_bytes : of the words

    Members
    -------
    s_tdata, s_tvalid, s_tready, s_tlast : words in
    m_tdata, m_tvalid, m_tready, m_tlast : words out
    i_* : the core's input, seen from here
    o_* : the core's output
    frames_in, frames_out : frames that have come, and gone
    error : a transfer ended inside a frame; stays until the reset
    """

    def __init__(self, input: StreamPort, output: StreamPort, word_bytes: int) -> None:
        self.input, self.output, self.word_bytes = input, output, word_bytes
        bits = 8 * word_bytes
        super().__init__(
            {
                **stream_ports("s_", bits, In, Out),
                **stream_ports("m_", bits, Out, In),
                **stream_ports("i_", input.tdata_bits, Out, In),
                **stream_ports("o_", output.tdata_bits, In, Out),
                "frames_in": Out(32),
                "frames_out": Out(32),
                "error": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # which frames are the last of their transfers, counted like `frames_out`
        m.submodules.ends = ends = SyncFIFO(width=32, depth=_TRANSFERS)
        self._come(m, ends)
        self._go(m, ends)
        return m

    def _come(self, m: Module, ends: SyncFIFO) -> None:
        port, word = self.input, self.word_bytes
        words = stride(port.frame_bytes, word) // word
        m.submodules.waiting = waiting = SyncFIFOBuffered(width=8 * word + 1, depth=_WAITING_WORDS)
        m.submodules.unpack = unpack = Unpacker(word, port.tdata_bits // 8, port.frame_bytes)
        index = Signal(range(max(words, 2)))
        end, last, taken = Signal(), Signal(), Signal()
        m.d.comb += [
            waiting.w_data.eq(Cat(self.s_tdata, self.s_tlast)),
            waiting.w_en.eq(self.s_tvalid),
            self.s_tready.eq(waiting.w_rdy),
            last.eq(waiting.r_data[-1]),
            end.eq(index == words - 1),
            unpack.i.payload.eq(waiting.r_data),
            unpack.i.valid.eq(waiting.r_rdy & ends.w_rdy),
            taken.eq(unpack.i.valid & unpack.i.ready),
            waiting.r_en.eq(taken),
            ends.w_data.eq(self.frames_in),
            ends.w_en.eq(taken & end & last),
            self.i_tdata.eq(unpack.o.payload),
            self.i_tvalid.eq(unpack.o.valid),
            self.i_tlast.eq(unpack.last),
            unpack.o.ready.eq(self.i_tready),
        ]
        with m.If(taken):
            m.d.sync += index.eq(Mux(end, 0, index + 1))
            with m.If(end):
                m.d.sync += self.frames_in.eq(self.frames_in + 1)
            with m.Elif(last):
                m.d.sync += self.error.eq(1)

    def _go(self, m: Module, ends: SyncFIFO) -> None:
        port, word = self.output, self.word_bytes
        words = stride(port.frame_bytes, word) // word
        m.submodules.leaving = leaving = SyncFIFOBuffered(width=8 * word + 1, depth=_WAITING_WORDS)
        m.submodules.pack = pack = Packer(word, port.tdata_bits // 8, port.frame_bytes)
        index = Signal(range(max(words, 2)))
        end, last, given = Signal(), Signal(), Signal()
        m.d.comb += [
            pack.i.payload.eq(self.o_tdata),
            pack.i.valid.eq(self.o_tvalid),
            self.o_tready.eq(pack.i.ready),
            end.eq(index == words - 1),
            last.eq(end & ends.r_rdy & (ends.r_data == self.frames_out)),
            leaving.w_data.eq(Cat(pack.o.payload, last)),
            leaving.w_en.eq(pack.o.valid & (~end | (self.frames_in != self.frames_out))),
            given.eq(leaving.w_en & leaving.w_rdy),
            pack.o.ready.eq(given),
            ends.r_en.eq(given & last),
            Cat(self.m_tdata, self.m_tlast).eq(leaving.r_data),
            self.m_tvalid.eq(leaving.r_rdy),
            leaving.r_en.eq(self.m_tready),
        ]
        with m.If(given):
            m.d.sync += index.eq(Mux(end, 0, index + 1))
            with m.If(end):
                m.d.sync += self.frames_out.eq(self.frames_out + 1)


def stream_ports(prefix: str, bits: int, forth: Flow, back: Flow) -> dict[str, Member]:
    """A stream's signals as members, each name behind `prefix`; `forth` is the way of the data."""
    return {
        f"{prefix}tdata": forth(bits),
        f"{prefix}tvalid": forth(1),
        f"{prefix}tready": back(1),
        f"{prefix}tlast": forth(1),
    }
