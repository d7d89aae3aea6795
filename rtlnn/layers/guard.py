"""The frame guard at a design's input."""

from dataclasses import dataclass

from amaranth.hdl import Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from rtlnn.layers.component import Resources
from rtlnn.layers.counter import count
from rtlnn.layers.fifo import SkidBuffer, SkidConfig
from rtlnn.layers.pipeline import delayed
from rtlnn.layers.step_generator import PIPELINE
from rtlnn.layers.stream import connect

__all__ = ["FrameGuard", "GuardConfig"]


@dataclass(frozen=True)
class GuardConfig(SkidConfig):
    """A skid buffer that keeps a design in step with its source; latency 1 cycle."""

    def component(self) -> "FrameGuard":
        return FrameGuard(self)

    @property
    def resources(self) -> Resources:
        return super().resources + Resources(lut=self.format.width + 24, ff=16 + PIPELINE)


class FrameGuard(SkidBuffer):
    """Repairs frames of the wrong length.

    All layers count their beats. A frame whose `tlast` comes early is filled up with zeros, the beats of one whose
    `tlast` comes late are dropped up to it; either way the next frame starts where the source starts it, and
    `frame_error` is set until reset.

    Members
    -------
    i, o : streams
    frame_error : out, sticky
    """

    def __init__(self, config: GuardConfig) -> None:
        super().__init__(config, {"frame_error": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.skid = skid = SkidBuffer(self.config)
        # the layers behind prepare their first steps after a reset; a frame that began before would see it
        awake = delayed(m, Const(1), PIPELINE + 1, "awake", reset=True)
        filling, dropping = Signal(), Signal()
        push, enters = Signal(), Signal()
        _, frame_end = count(m, self.config.format.beats, enters, "beat")
        m.d.comb += [
            push.eq(self.i.tvalid & self.i.tready),
            enters.eq(skid.i.tvalid & skid.i.tready),
            skid.i.tvalid.eq(filling | (self.i.tvalid & ~dropping & awake)),
            skid.i.tdata.eq(Mux(filling, 0, self.i.tdata)),
            skid.i.tlast.eq(frame_end),
            self.i.tready.eq(dropping | (skid.i.tready & ~filling & awake)),
        ]
        with m.If(dropping):
            with m.If(push & self.i.tlast):
                m.d.sync += dropping.eq(0)
        with m.Elif(filling):
            with m.If(enters & frame_end):
                m.d.sync += filling.eq(0)
        with m.Elif(push & (self.i.tlast != frame_end)):
            m.d.sync += [self.frame_error.eq(1), filling.eq(self.i.tlast), dropping.eq(frame_end)]
        connect(m, skid.o, wiring.flipped(self.o))
        return m
