"""Memory on the chip as AXI4 slaves (AMBA AXI4, IHI 0022), 512 bits wide: one side writes it, the other reads it."""

import itertools

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import Component, In, Out

from rtlnn.platforms.alveo.axi import WORD_BITS, WORD_BYTES

__all__ = ["BurstReader", "BurstWriter", "Read", "Request", "Write", "Written"]

Request = data.StructLayout({"address": 64, "len": 8, "size": 3, "burst": 2, "id": 16})
Read = data.StructLayout({"data": WORD_BITS, "resp": 2, "last": 1, "id": 16})
Write = data.StructLayout({"data": WORD_BITS, "strb": WORD_BYTES})
Written = data.StructLayout({"resp": 2, "id": 16})

_OKAY, _SLVERR, _DECERR = 0, 2, 3
_INCR, _WHOLE = 1, 6
_WAITING = 16
_LATENCY = 2
"""Cycles from an address to its word, see `templates/memory.v.in`."""


class _Burst:
    """Where a burst is: `start` takes a request, `step` goes on by a word."""

    def __init__(self, base: int, words: int) -> None:
        self.base, self.words = base // WORD_BYTES, words
        self.word = Signal(58)
        self.left = Signal(8)
        self.id = Signal(16)
        self.plain = Signal()

    @property
    def inside(self) -> object:
        return self.word[(self.words - 1).bit_length() :] == self.base >> (self.words - 1).bit_length()

    @property
    def resp(self) -> object:
        return Mux(~self.plain, _SLVERR, Mux(self.inside, _OKAY, _DECERR))

    def start(self, request: data.View) -> list[object]:
        return [
            self.word.eq(request.address[6:]),
            self.left.eq(request.len),
            self.id.eq(request.id),
            self.plain.eq((request.burst == _INCR) & (request.size == _WHOLE)),
        ]

    def step(self) -> list[object]:
        return [self.word.eq(self.word + 1), self.left.eq(self.left - 1)]


class BurstReader(Component):
    """Read channels over a memory whose data follow two cycles after the address.

    A word a cycle, also from burst to burst; 5 cycles from a request to its first word. A word outside of the memory
    reads as 0 with DECERR, any burst that is not incrementing with 64 bytes a beat as 0 with SLVERR: nothing ever waits
    for what will not come.

    Parameters
    ----------
    base : byte address of the memory, a multiple of its size
    words : words of 64 bytes, a power of two
    extra : byte address of one word more, `None` for none

    Members
    -------
    ar, r : requests and words
    address, data : of the memory
    word : the word at `extra`
    failed : a word was answered with an error (1 cycle)
    """

    def __init__(self, base: int, words: int, extra: int | None = None) -> None:
        self.base, self.words, self.extra = base, words, extra
        super().__init__(
            {
                "ar": In(stream.Signature(Request)),
                "r": Out(stream.Signature(Read)),
                "address": Out(range(words)),
                "data": In(WORD_BITS),
                "word": In(WORD_BITS),
                "failed": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.waiting = waiting = SyncFIFOBuffered(width=Read.size, depth=_WAITING)
        burst, busy, issue, last = _Burst(self.base, self.words), Signal(), Signal(), Signal()
        extra = Signal()
        if self.extra is not None:
            m.d.comb += extra.eq(burst.plain & (burst.word == self.extra // WORD_BYTES))
        m.d.comb += [
            last.eq(burst.left == 0),
            issue.eq(busy & (waiting.level < _WAITING - _LATENCY)),  # others may be on their way
            self.ar.ready.eq(~busy | (issue & last)),
            self.address.eq(burst.word),
            self.failed.eq(issue & ~extra & (burst.resp != _OKAY)),
        ]
        with m.If(self.ar.valid & self.ar.ready):
            m.d.sync += [busy.eq(1), *burst.start(self.ar.payload)]
        with m.Elif(issue):
            m.d.sync += [busy.eq(~last), *burst.step()]
        came = data.StructLayout({"valid": 1, "extra": 1, "resp": 2, "last": 1, "id": 16})
        found = [Signal(came, name=f"found_{n}") for n in range(_LATENCY + 1)]
        m.d.comb += [
            found[0].valid.eq(issue),
            found[0].extra.eq(extra),
            found[0].resp.eq(Mux(extra, _OKAY, burst.resp)),
            found[0].last.eq(last),
            found[0].id.eq(burst.id),
        ]
        m.d.sync += [later.eq(sooner) for sooner, later in itertools.pairwise(found)]
        given = found[-1]
        word = Signal(Read)
        m.d.comb += [
            word.resp.eq(given.resp),
            word.last.eq(given.last),
            word.id.eq(given.id),
            word.data.eq(Mux(given.extra, self.word, Mux(given.resp == _OKAY, self.data, 0))),
            waiting.w_data.eq(word),
            waiting.w_en.eq(given.valid),
            self.r.payload.eq(waiting.r_data),
            self.r.valid.eq(waiting.r_rdy),
            waiting.r_en.eq(self.r.ready),
        ]
        return m


class BurstWriter(Component):
    """Write channels over a memory; bytes without their strobe stay.

    A word a cycle in a burst, 2 cycles between bursts. A word outside of the memory is dropped, and the burst answered
    with DECERR; any burst that is not incrementing with 64 bytes a beat is dropped, and answered with SLVERR.

    Parameters
    ----------
    base : byte address of the memory, a multiple of its size
    words : words of 64 bytes, a power of two

    Members
    -------
    aw, w, b : requests, words, answers
    address, data, enable : of the memory, which bytes are written
    failed : a burst was answered with an error (1 cycle)
    """

    def __init__(self, base: int, words: int) -> None:
        self.base, self.words = base, words
        super().__init__(
            {
                "aw": In(stream.Signature(Request)),
                "w": In(stream.Signature(Write)),
                "b": Out(stream.Signature(Written)),
                "address": Out(range(words)),
                "data": Out(WORD_BITS),
                "enable": Out(WORD_BYTES),
                "failed": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        burst, answer = _Burst(self.base, self.words), Signal(Written)
        m.d.comb += [
            self.address.eq(burst.word),
            self.data.eq(self.w.payload.data),
            self.b.payload.eq(answer),
        ]
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += self.aw.ready.eq(1)
                m.d.sync += [answer.resp.eq(_OKAY), answer.id.eq(self.aw.payload.id), *burst.start(self.aw.payload)]
                with m.If(self.aw.valid):
                    m.next = "WORDS"
            with m.State("WORDS"):
                m.d.comb += self.w.ready.eq(1)
                with m.If(self.w.valid):
                    m.d.sync += [*burst.step(), answer.resp.eq(answer.resp | burst.resp)]
                    with m.If(burst.resp == _OKAY):
                        m.d.comb += self.enable.eq(self.w.payload.strb)
                    with m.If(burst.left == 0):
                        m.next = "ANSWER"
            with m.State("ANSWER"):
                m.d.comb += [self.b.valid.eq(1), self.failed.eq(self.b.ready & Cat(answer.resp).any())]
                with m.If(self.b.ready):
                    m.next = "IDLE"
        return m
