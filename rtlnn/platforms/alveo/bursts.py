"""Which bursts a run of frames takes."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out

from rtlnn.platforms.alveo.axi import BURST_WORDS, Burst, Run

__all__ = ["BurstPlanner"]


class BurstPlanner(Component):
    """Cuts the memory of a run into AXI4 bursts: at most 64 words, none crossing a 4 KiB boundary.

    Frames lie back to back, each in a whole number of words, so that a run is one piece of memory: bursts go across
    the boundaries of frames. The low 6 bits of the address are ignored. A run of 0 frames takes no burst.
    The number of words (frames times words a frame) is formed by shift and add, one bit of the number of frames a
    cycle, instead of a wide multiplier: 1 to 34 cycles before the first burst, then at most one burst in 2 cycles.

    Parameters
    ----------
    frame_words : words of a frame

    Members
    -------
    run : the runs to do; ready when all bursts of the one before have been taken
    burst : the bursts, in order of their addresses
    """

    def __init__(self, frame_words: int) -> None:
        if frame_words < 1:
            raise ValueError(f"a frame takes at least one word, not {frame_words}")
        self.frame_words = frame_words
        super().__init__({"run": In(stream.Signature(Run)), "burst": Out(stream.Signature(Burst))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        total_bits = 32 + self.frame_words.bit_length()
        left = Signal(total_bits)  # words not yet in a burst
        frames = Signal(32)
        addend = Signal(total_bits)
        burst = Signal(Burst)
        m.d.comb += self.burst.payload.eq(burst)

        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += self.run.ready.eq(1)
                m.d.sync += [
                    burst.word_address.eq(self.run.payload.address[6:]),
                    frames.eq(self.run.payload.frames),
                    addend.eq(self.frame_words),
                    left.eq(0),
                ]
                with m.If(self.run.valid):
                    m.next = "MULTIPLY"
            with m.State("MULTIPLY"):
                m.d.sync += [
                    left.eq(left + Mux(frames[0], addend, 0)),
                    addend.eq(addend << 1),
                    frames.eq(frames >> 1),
                ]
                with m.If(frames == 0):
                    m.next = "PLAN"
            with m.State("PLAN"):
                room = BURST_WORDS - burst.word_address[:6]  # words to the next boundary
                m.d.sync += burst.words.eq(Mux(left < room, left, room))
                with m.If(left == 0):
                    m.next = "IDLE"
                with m.Else():
                    m.next = "OFFER"
            with m.State("OFFER"):
                m.d.comb += self.burst.valid.eq(1)
                with m.If(self.burst.ready):
                    m.d.sync += [
                        left.eq(left - burst.words),
                        burst.word_address.eq(burst.word_address + burst.words),
                    ]
                    m.next = "PLAN"
        return m
