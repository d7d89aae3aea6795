"""The frame guard at a design's input."""

from collections.abc import Sequence
from dataclasses import dataclass

from amaranth.hdl import Const, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtlnn.layers.component import PassingLayer, Resources
from rtlnn.layers.counter import count, counter_bits
from rtlnn.layers.pipeline import delayed
from rtlnn.layers.step_generator import PIPELINE
from rtlnn.layers.stream import StreamSignature
from rtlnn.layers.timing import Events, Link

__all__ = ["FrameGuard", "GuardConfig"]


@dataclass(frozen=True)
class GuardConfig(PassingLayer):
    """What keeps a design in step with its source; a beat passes in the cycle in which it comes.

    Parameters
    ----------
    gated : whether frames wait for `run`
    """

    gated: bool = False

    @property
    def resources(self) -> Resources:
        beat = counter_bits(self.format.beats)
        return Resources(lut=2 * beat + 8 + 3 * self.gated, ff=beat + 3 + PIPELINE + 1 + self.gated)

    def waits(self, i: Link, o: Link) -> Sequence[Events]:
        i.join(o)
        return ()

    def component(self) -> "FrameGuard":
        return FrameGuard(self)


class FrameGuard(wiring.Component):
    """Repairs frames of the wrong length.

    All layers count their beats. A frame whose `tlast` comes early is filled up with beats of any value, the beats of
    one whose `tlast` comes late are dropped up to it; either way the next frame starts where the source starts it, and
    `frame_error` is set until reset.

    Members
    -------
    i, o : streams
    frame_error : out, sticky
    run : in, if `gated`: whether a frame may begin; one that begins in the next cycle is not held up any more
    begun : out, if `gated`: a frame begins in this cycle
    """

    def __init__(self, config: GuardConfig) -> None:
        self.config = config
        streams = {"i": In(StreamSignature(config.format)), "o": Out(StreamSignature(config.format))}
        gate = {"run": In(1), "begun": Out(1)} if config.gated else {}
        super().__init__({**streams, "frame_error": Out(1), **gate})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # the layers behind prepare their first steps after a reset; a frame that began before would see it
        awake = delayed(m, Const(1), PIPELINE + 1, "awake", reset=True)
        filling, dropping = Signal(), Signal()
        push, enters = Signal(), Signal()
        beat, frame_end = count(m, self.config.format.beats, enters, "beat")
        if self.config.gated:
            # between frames, or where one ends
            may_begin, awake = awake & self.run, Signal(name="passes")
            with m.If(enters & frame_end | (beat == 0) & ~enters):
                m.d.sync += awake.eq(may_begin)
            m.d.comb += self.begun.eq(enters & (beat == 0))
        m.d.comb += [
            push.eq(self.i.tvalid & self.i.tready),
            enters.eq(self.o.tvalid & self.o.tready),
            self.o.tvalid.eq(filling | (self.i.tvalid & ~dropping & awake)),
            self.o.tdata.eq(self.i.tdata),
            self.o.tlast.eq(frame_end),
            self.i.tready.eq(dropping | (self.o.tready & ~filling & awake)),
        ]
        with m.If(dropping):
            with m.If(push & self.i.tlast):
                m.d.sync += dropping.eq(0)
        with m.Elif(filling):
            with m.If(enters & frame_end):
                m.d.sync += filling.eq(0)
        with m.Elif(push & (self.i.tlast != frame_end)):
            m.d.sync += [self.frame_error.eq(1), filling.eq(self.i.tlast), dropping.eq(frame_end)]
        return m
