"""Elements in another order: slices, pads, transposes, depth to space and back, nearest upsampling, shuffles."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtlnn.ir.types import TensorType
from rtlnn.layers.component import LayerConfig, Resources
from rtlnn.layers.counter import count
from rtlnn.layers.pipeline import delayed, registered
from rtlnn.layers.ram import Ram
from rtlnn.layers.rearrange_cost import rearrange_resources
from rtlnn.layers.rearrange_steps import PIPELINE, RearrangeSteps, Step
from rtlnn.layers.rearranging import FILL, SLOTS, Rearranging
from rtlnn.layers.results import PassShape, ResultQueue
from rtlnn.layers.stream import StreamFormat, StreamSignature, connect
from rtlnn.layers.timing import NEVER, Events, Link, Repeating
from rtlnn.ops.rearrange import Rearrange

__all__ = ["RearrangeConfig"]

LATENCY = 3
"""Cycles from the issue of a beat to its offer."""
BEAT = PassShape(1, 1, 1, 1)
"""Every beat has a credit of its own."""


@dataclass(frozen=True)
class RearrangeConfig(LayerConfig):
    """A ring buffer of the input's beats, written in order, read as the output needs them.

    A beat is issued in the cycle after its word came, and offered `LATENCY` cycles later; a frame's first one waits
    for a word even if it is all fill. A word's place is written again two cycles after the last beat that needed what
    was there. Frames follow each other without a gap: interval = max(input beats, output beats).

    Where lanes alone change their places there is no buffer, and a beat passes in the cycle in which it comes.
    """

    shape: Rearranging

    @classmethod
    def of(cls, op: Rearrange, x: TensorType, cycles: int) -> "RearrangeConfig":
        """The narrowest one that takes at most `cycles` cycles a frame; the fastest one where none does."""
        shapes = Rearranging.all_of(op, x)
        narrow = next((s for s in shapes if s.cycles <= cycles), None)
        return cls(narrow or min(shapes, key=lambda s: s.cycles))

    @property
    def input(self) -> StreamFormat:
        return self.shape.source

    @property
    def output(self) -> StreamFormat:
        return self.shape.target

    @cached_property
    def resources(self) -> Resources:
        return rearrange_resources(self.shape)

    def component(self) -> wiring.Component:
        return Rewiring(self) if self.shape.wiring else Rearranger(self)

    def waits(self, i: Link, o: Link) -> Sequence[Events]:
        """A word enters when the one whose place it takes is not needed any more; a beat is issued after its word."""
        shape = self.shape
        if shape.wiring:
            i.join(o)
            return ()
        size, beats = shape.source.beats, shape.target.beats
        issued = Events(beats)
        # the beats, of earlier frames, too, with which each word's place is free
        frames = -(-shape.depth // size) + 1
        kept = np.maximum.accumulate((shape.kept + np.arange(-frames, 1)[:, None] * size).ravel())
        free = np.searchsorted(kept, np.arange(size) - shape.depth, side="right") - frames * beats
        i.taken.after(issued, 2, where=Repeating.of(free - 1, beats))
        issued.after(issued, 1, behind=1)
        issued.after(o.taken, 2, behind=SLOTS)
        issued.after(i.taken, 1, where=Repeating.of(np.where(shape.free, NEVER, shape.words), size))
        o.taken.after(issued, LATENCY)
        return (issued,)


def _selected(shape: Rearranging, word: Value, offset: int, pattern: tuple[int, ...]) -> Value:
    """The lanes of an output beat."""
    bits = shape.source.bits
    fill = Const(shape.fill & ((1 << bits) - 1), bits)
    return Cat(*(fill if lane == FILL else word.word_select(offset + lane, bits) for lane in pattern))


class Rewiring(wiring.Component):
    """The lanes of every beat in another order; `tlast` stays where it is."""

    def __init__(self, config: RearrangeConfig) -> None:
        self.config = config
        super().__init__({"i": In(StreamSignature(config.input)), "o": Out(StreamSignature(config.output))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        shape = self.config.shape
        m.d.comb += [
            self.o.tdata.eq(_selected(shape, self.i.tdata, *shape.choices[0])),
            self.o.tvalid.eq(self.i.tvalid),
            self.o.tlast.eq(self.i.tlast),
            self.i.tready.eq(self.o.tready),
        ]
        # a module without any register would have no clock, which all instances connect; synthesis removes it
        m.d.sync += Signal(name="clocked").eq(1)
        return m


class Rearranger(wiring.Component):
    """The ring buffer. Both `tready` and `tvalid` are registers."""

    def __init__(self, config: RearrangeConfig) -> None:
        self.config = config
        super().__init__({"i": In(StreamSignature(config.input)), "o": Out(StreamSignature(config.output))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        go, advance, push = Signal(), Signal(), Signal()
        steps = RearrangeSteps(m, self.config.shape, advance)
        full = delayed(m, Const(1), PIPELINE, "full", reset=True)
        m.submodules.queue = queue = ResultQueue(self.config.output, BEAT, SLOTS)
        m.d.comb += advance.eq(go | ~full)
        arrived = self._fill(m, steps.step, push, full)
        self._issue(m, steps, arrived, push, go, advance, full, queue.credit)
        word = self._memory(m, steps.step, arrived, push)
        filled, choice = registered(m, steps.step.filled, "filled_1"), registered(m, steps.step.choice, "choice_1")
        m.d.sync += queue.y.eq(self._chosen(m, word, filled, choice))
        m.d.comb += queue.valid.eq(delayed(m, go, LATENCY - 1, "going", reset=True))
        connect(m, queue.o, wiring.flipped(self.o))
        return m

    def _fill(self, m: Module, step: Step, push: Signal, full: Value) -> Signal:
        """Words enter up to the limit; returns their count."""
        arrived = Signal(self.config.shape.count_bits)
        following = Signal.like(arrived, name="following", init=1)
        ready = Signal()
        with m.If(push):
            m.d.sync += [arrived.eq(following), following.eq(following + 1)]
        # a beat comes late in the cycle: both answers are there already
        m.d.sync += ready.eq(Mux(push, following != step.limit, arrived != step.limit) & full)
        m.d.comb += [self.i.tready.eq(ready), push.eq(self.i.tvalid & ready)]
        return arrived

    def _issue(
        self,
        m: Module,
        steps: RearrangeSteps,
        arrived: Signal,
        push: Signal,
        go: Signal,
        advance: Signal,
        full: Value,
        returned: Value,
    ) -> None:
        """A beat goes when its word came in an earlier cycle and there is a credit."""

        def before(step: Step) -> Value:
            return (step.need - arrived)[len(arrived) - 1] | step.free

        earlier, then, pushed = Signal(name="came_earlier"), Signal(name="came_then"), Signal(name="pushed")
        credits, credits_next = Signal(range(SLOTS + 1), init=SLOTS), Signal(range(SLOTS + 1))
        credit, credit_back = Signal(init=1, name="has_credit"), registered(m, returned, "returned", reset=True)
        m.d.sync += [
            earlier.eq(Mux(advance, before(steps.following), before(steps.step))),
            then.eq(Mux(advance, steps.following.need == arrived, steps.step.need == arrived)),
            pushed.eq(push),
            credits.eq(credits_next),
            credit.eq(credits_next != 0),
        ]
        m.d.comb += [
            credits_next.eq(credits + credit_back - go),
            go.eq(full & credit & (earlier | (then & pushed))),
        ]

    def _memory(self, m: Module, step: Step, arrived: Signal, push: Signal) -> Value:
        """The word of a step, the cycle after it was issued."""
        shape = self.config.shape
        m.submodules.memory = memory = Ram(shape.source.width, shape.depth)
        ring = bool(shape.depth & (shape.depth - 1))
        place = count(m, shape.depth, push, "place")[0] if ring else arrived[: len(memory.write_address)]
        m.d.comb += [
            memory.write.eq(push),
            memory.write_address.eq(place),
            memory.write_data.eq(self.i.tdata),
            memory.read_address.eq(step.address),
        ]
        return memory.read_data

    def _chosen(self, m: Module, word: Value, filled: Value, choice: Value) -> Value:
        """The lanes that the step takes."""
        shape = self.config.shape
        result = Signal(shape.target.width, name="chosen")
        with m.Switch(choice):
            for n, (offset, pattern) in enumerate(shape.choices):
                with m.Case(n):
                    m.d.comb += result.eq(_selected(shape, word, offset, pattern))
        fill = _selected(shape, word, 0, (FILL,) * shape.target.elements)
        return Mux(filled, fill, result) if any(axis.filled.any() for axis in shape.axes) else result
