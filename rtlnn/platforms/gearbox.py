"""Width conversion between memory words and stream beats of any number of bytes, a byte being the unit.

Frames lie tight in memory words and start on a new word; the bytes after a frame's end in its last word are dropped
on the way in and zero on the way out. Bytes are little-endian: byte i is bits [8*i+7 : 8*i].
"""

from math import gcd

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out

__all__ = ["Packer", "Unpacker", "check_sizes"]


def check_sizes(word_bytes: int, beat_bytes: int, frame_bytes: int) -> None:
    """Raise `ValueError` unless all sizes are positive and a frame is a whole number of beats."""
    if min(word_bytes, beat_bytes, frame_bytes) < 1:
        raise ValueError(f"sizes must be positive: word {word_bytes}, beat {beat_bytes}, frame {frame_bytes} bytes")
    if frame_bytes % beat_bytes:
        raise ValueError(f"a frame of {frame_bytes} bytes is not a whole number of beats of {beat_bytes} bytes")


def _counter(values: int) -> Signal:
    """Counts from 0 to values - 1; at least one bit, because Verilog has no signal without bits."""
    return Signal(range(max(values, 2)))


class Unpacker(Component):
    """Words to beats. One beat a cycle, or one word a cycle if a beat is wider than a word; no bubble between frames.

    A shift register of bytes: a beat leaves at its bottom, a word is put on top of what is left as soon as that is
    less than a beat. Because the padding is dropped on the way in, the bytes of successive frames are one tight
    stream, and a frame's first bytes may enter while the last ones of the one before are still here.
    Latency: 1 cycle from the word that completes a beat to the beat.

    Parameters
    ----------
    word_bytes, beat_bytes : widths of input and output
    frame_bytes : bytes of a frame, a multiple of `beat_bytes`

    Members
    -------
    i : words in
    o : beats out
    last : the beat is its frame's last
    """

    def __init__(self, word_bytes: int, beat_bytes: int, frame_bytes: int) -> None:
        check_sizes(word_bytes, beat_bytes, frame_bytes)
        self.word_bytes, self.beat_bytes, self.frame_bytes = word_bytes, beat_bytes, frame_bytes
        super().__init__(
            {
                "i": In(stream.Signature(8 * word_bytes)),
                "o": Out(stream.Signature(8 * beat_bytes)),
                "last": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        word, beat, frame = self.word_bytes, self.beat_bytes, self.frame_bytes
        unit = gcd(word, beat)  # every level of the buffer is a multiple of it
        words, beats = -(-frame // word), frame // beat
        tail = frame - (words - 1) * word  # valid bytes of a frame's last word

        buffer = Signal(8 * (beat - unit + word))  # zero above the level
        level = Signal(range((beat - unit + word) // unit + 1))  # in units

        word_index = _counter(words)
        beat_index = _counter(beats)
        last_word = word_index == words - 1
        take = Signal()
        give = Signal()
        m.d.comb += [
            self.o.valid.eq(level >= beat // unit),
            self.o.payload.eq(buffer),
            self.last.eq(beat_index == beats - 1),
            take.eq(self.o.valid & self.o.ready),
            # less than a beat is left: now, or once this cycle's beat is gone
            self.i.ready.eq((level < beat // unit) | (take & (level < 2 * beat // unit))),
            give.eq(self.i.valid & self.i.ready),
        ]

        rest = Signal.like(buffer)
        rest_level = _counter(beat // unit)
        fresh = Signal(8 * word)
        m.d.comb += [
            rest.eq(Mux(take, buffer >> (8 * beat), buffer)),
            rest_level.eq(Mux(take, level - beat // unit, level)),
            fresh.eq(Mux(last_word, self.i.payload[: 8 * tail], self.i.payload)),
        ]
        with m.If(give):
            m.d.sync += [
                buffer.eq(rest | (fresh << (rest_level * (8 * unit)))),
                level.eq(rest_level + Mux(last_word, tail // unit, word // unit)),
                word_index.eq(Mux(last_word, 0, word_index + 1)),
            ]
        with m.Elif(take):
            m.d.sync += [buffer.eq(rest), level.eq(level - beat // unit)]
        with m.If(take):
            m.d.sync += beat_index.eq(Mux(self.last, 0, beat_index + 1))
        return m


class Packer(Component):
    """Beats to words; the mirror of `Unpacker`, at the same rates. Latency: 1 cycle from a beat to its word.

    It counts a frame's beats itself and rounds up to a word after the last one: the buffer is zero above its level,
    so that the padding is zero without any logic of its own.

    Parameters
    ----------
    word_bytes, beat_bytes : widths of output and input
    frame_bytes : bytes of a frame, a multiple of `beat_bytes`

    Members
    -------
    i : beats in
    o : words out
    """

    def __init__(self, word_bytes: int, beat_bytes: int, frame_bytes: int) -> None:
        check_sizes(word_bytes, beat_bytes, frame_bytes)
        self.word_bytes, self.beat_bytes, self.frame_bytes = word_bytes, beat_bytes, frame_bytes
        super().__init__({"i": In(stream.Signature(8 * beat_bytes)), "o": Out(stream.Signature(8 * word_bytes))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        word, beat, frame = self.word_bytes, self.beat_bytes, self.frame_bytes
        unit = gcd(word, beat)
        beats = frame // beat
        pad = -frame % word

        # A beat enters on top of one word at most: with that much slack, successive frames of an always-ready sink
        # never wait for the padding of a last word, whose extra cycle falls into the time of the beats.
        highest = word // unit
        capacity = -(-(word + beat) // word) * word
        buffer = Signal(8 * capacity)  # zero above the level
        level = Signal(range(capacity // unit + 1))  # in units

        beat_index = _counter(beats)
        last = beat_index == beats - 1
        take = Signal()
        give = Signal()
        rest = Signal.like(buffer)
        rest_level = Signal.like(level)
        m.d.comb += [
            self.o.valid.eq(level >= highest),
            self.o.payload.eq(buffer),
            give.eq(self.o.valid & self.o.ready),
            rest.eq(Mux(give, buffer >> (8 * word), buffer)),
            rest_level.eq(Mux(give, level - highest, level)),
            self.i.ready.eq((level <= highest) | (give & (level <= 2 * highest))),
            take.eq(self.i.valid & self.i.ready),
        ]
        position = Signal(range(highest + 1))
        m.d.comb += position.eq(rest_level)
        with m.If(take):
            m.d.sync += [
                buffer.eq(rest | (self.i.payload << (position * (8 * unit)))),
                level.eq(rest_level + Mux(last, (beat + pad) // unit, beat // unit)),
                beat_index.eq(Mux(last, 0, beat_index + 1)),
            ]
        with m.Elif(give):
            m.d.sync += [buffer.eq(rest), level.eq(rest_level)]
        return m
