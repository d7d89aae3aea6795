"""What fills the memories that have no contents from the start."""

from dataclasses import dataclass

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtlnn.layers.component import Resources
from rtlnn.layers.counter import counter_bits
from rtlnn.layers.stream import StreamFormat, StreamSignature

__all__ = ["BEAT_BITS", "LoaderConfig", "WeightLoader"]

BEAT_BITS = 64
"""Bits of a beat at the port of the weights."""
_FRAMES_BITS = 16
"""Of counters of frames: far more than can be under way."""
_SETTLE = 3
"""Cycles from the end of `run` until every frame that still began is counted."""


@dataclass(frozen=True)
class LoaderConfig:
    """The memories to load, and the streams of the design.

    Parameters
    ----------
    memories : (words, bits of a word) of each, in the order in which they come
    inputs, outputs : how many streams of frames enter and leave
    """

    memories: tuple[tuple[int, int], ...]
    inputs: int = 1
    outputs: int = 1

    @property
    def parts(self) -> tuple[int, ...]:
        """Beats of a word of each memory."""
        return tuple(-(-bits // BEAT_BITS) for _, bits in self.memories)

    @property
    def beats(self) -> int:
        """Beats of a load."""
        return sum(parts * words for parts, (words, _) in zip(self.parts, self.memories, strict=True))

    @property
    def format(self) -> StreamFormat:
        return StreamFormat(1, BEAT_BITS, False, 1, self.beats)

    @property
    def depth(self) -> int:
        """Words of the deepest memory."""
        return max(words for words, _ in self.memories)

    @property
    def resources(self) -> Resources:
        """A register for the widest word, the counters, a choice of their ends for each memory."""
        streams = self.inputs + self.outputs
        counters = counter_bits(max(self.parts)) + counter_bits(self.depth) + counter_bits(len(self.memories))
        held = BEAT_BITS * max(self.parts) + counter_bits(self.depth) + len(self.memories)
        lut = 2 * counters + len(self.memories) + streams * (_FRAMES_BITS + 6) + 16
        return Resources(lut=lut, ff=held + counters + streams * _FRAMES_BITS + _SETTLE + 6)

    def component(self) -> "WeightLoader":
        return WeightLoader(self)


class WeightLoader(wiring.Component):
    """Loads all memories from a stream, while no frame is under way.

    After the first load, the design runs; once another one is offered, no frame begins until it is complete. With one
    input it begins when all frames that had begun have left; with several, as soon as none is under way by itself, for
    a frame whose inputs have come in part must not be held up. A load whose `tlast` comes early or late counts as
    none: the next one begins behind it. What is loaded outlives a reset, but not one in the middle of a load.

    Latency: a word is in its memory two cycles after its last beat was taken.

    Members
    -------
    w : in, the stream; the contents of the memories one after the other, a word in beats of 64 bits, the lowest first
    run : out, whether frames may begin
    begun : in, for each input: a frame begins in this cycle
    left : in, for each output: the last beat of a frame leaves in this cycle
    loaded : out, whether the memories are as they should be
    enable : out, for each memory: a word is written
    address : out, where
    data : out, the word of each memory in its uppermost beats
    """

    def __init__(self, config: LoaderConfig) -> None:
        self.config = config
        super().__init__(
            {
                "w": In(StreamSignature(config.format)),
                "run": Out(1),
                "begun": In(config.inputs),
                "left": In(config.outputs),
                "loaded": Out(1),
                "enable": Out(len(config.memories)),
                "address": Out(range(max(config.depth, 2))),
                "data": Out(BEAT_BITS * max(config.parts)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        balanced, end = self._balance(m), Signal()
        # no reset: what was loaded stays
        loaded = Signal(reset_less=True)
        # since so many cycles without a break
        closed = Signal(_SETTLE)
        m.d.sync += closed.eq(Mux(self.run, 0, Cat(Const(1, 1), closed[:-1])))
        settled = closed[-1]
        loading, dropping, resting = Signal(), Signal(), Signal(init=1)
        several = self.config.inputs > 1
        complete = Signal()
        m.d.comb += [
            self.loaded.eq(loaded),
            self.w.tready.eq(loading | dropping),
            complete.eq(loading & self.w.tvalid & self.w.tlast & end),
        ]
        with m.If(resting):
            m.d.sync += [resting.eq(0), self.run.eq(loaded), loading.eq(~loaded)]
        with m.Elif(self.run):
            m.d.sync += self.run.eq(~(self.w.tvalid & (balanced if several else 1)))
        with m.Elif(loading):
            m.d.sync += [loaded.eq(complete), self.run.eq(complete)]
            with m.If(self.w.tvalid & end):
                m.d.sync += [loading.eq(0), dropping.eq(~self.w.tlast)]
        with m.Elif(dropping):
            with m.If(self.w.tvalid & self.w.tlast):
                m.d.sync += [loading.eq(1), dropping.eq(0)]
        with m.Elif(settled):
            m.d.sync += loading.eq(balanced)
            if several:
                m.d.sync += self.run.eq(~balanced)
        self._write(m, loading & self.w.tvalid, end)
        return m

    def _balance(self, m: Module) -> Signal:
        """Whether as many frames have left at every output as have begun at every input."""
        counts = []
        for name, flags in (("begun", self.begun), ("left", self.left)):
            for n in range(len(flags)):
                frames = Signal(_FRAMES_BITS, name=f"{name}{n}_frames")
                m.d.sync += frames.eq(frames + flags[n])
                counts.append(frames)
        balanced = Signal()
        m.d.sync += balanced.eq(Cat(*(other == counts[0] for other in counts[1:])).all())
        return balanced

    def _write(self, m: Module, push: Value, end: Signal) -> None:
        """Gathers words and counts them; `end` is the last beat of all."""
        c = self.config
        part, address = Signal(range(max(*c.parts, 2))), Signal.like(self.address)
        memory = Signal(range(max(len(c.memories), 2)))
        parts, depths = Array(n - 1 for n in c.parts), Array(words - 1 for words, _ in c.memories)
        part_end, word_end = Signal(), Signal()
        m.d.comb += [
            part_end.eq(part == parts[memory]),
            word_end.eq(address == depths[memory]),
            end.eq(part_end & word_end & (memory == len(c.memories) - 1)),
        ]
        m.d.sync += [self.address.eq(address), self.enable.eq(0)]
        with m.If(push):
            m.d.sync += [self.data.eq(Cat(self.data[BEAT_BITS:], self.w.tdata)), part.eq(part + 1)]
            with m.If(part_end):
                m.d.sync += [part.eq(0), address.eq(address + 1), self.enable.bit_select(memory, 1).eq(1)]
                with m.If(word_end):
                    m.d.sync += [address.eq(0), memory.eq(memory + 1)]
            with m.If(self.w.tlast | end):
                m.d.sync += [part.eq(0), address.eq(0), memory.eq(0)]
