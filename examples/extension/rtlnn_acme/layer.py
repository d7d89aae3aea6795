"""The operation as hardware: wires, and a register stage that cuts the paths on both sides."""

from collections.abc import Sequence
from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.fifo import SkidBuffer, SkidConfig
from rtlnn.layers.stream import StreamFormat, StreamSignature
from rtlnn.plan.simple_kind import Built, useful_lanes
from rtlnn.plan.tasks import Task
from rtlnn_acme.operation import DropLowBits

__all__ = ["DropLowBitsConfig", "DropLowBitsKind"]


@dataclass(frozen=True)
class DropLowBitsConfig(SkidConfig):
    """Latency 1 cycle, full rate; timing and cost are those of the register stage."""

    dropped: int = 1

    def component(self) -> wiring.Component:
        return DropLowBitsLayer(self)


class DropLowBitsLayer(wiring.Component):
    """Zeros in place of the low bits of each lane."""

    def __init__(self, config: DropLowBitsConfig) -> None:
        self.config = config
        streams = {"i": In(StreamSignature(config.format)), "o": Out(StreamSignature(config.format))}
        super().__init__(streams)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        fmt, dropped = self.config.format, self.config.dropped
        m.submodules.stage = stage = SkidBuffer(SkidConfig(fmt))
        lanes = (self.i.tdata.word_select(n, fmt.bits) for n in range(fmt.elements))
        kept = [Cat(Const(0, dropped), lane[dropped:]) for lane in lanes]
        m.d.comb += [
            stage.i.tvalid.eq(self.i.tvalid),
            stage.i.tlast.eq(self.i.tlast),
            stage.i.tdata.eq(Cat(*kept)),
            self.i.tready.eq(stage.i.tready),
        ]
        wiring.connect(m, stage.o, wiring.flipped(self.o))
        return m


class DropLowBitsKind:
    """How the plan makes such a layer (see `rtlnn.plan.simple_kind.SimpleKind`)."""

    def lanes(self, task: Task) -> Sequence[int]:
        return useful_lanes(task.input.shape[2])

    def build(self, task: Task, lanes: int, arithmetic: Arithmetic) -> Built:
        op = task.node.op
        assert isinstance(op, DropLowBits)
        (h, w, c), fixed = task.input.shape, task.input.fixed
        return Built(DropLowBitsConfig(StreamFormat(lanes, fixed.bits, fixed.signed, c, h * w), op.bits))
