"""What a layer with streamed weights is made of: the store of its frames, and the ring of its tiles."""

from typing import TYPE_CHECKING

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from rtlnn.layers.component import Resources
from rtlnn.layers.counter import count, counter_bits
from rtlnn.layers.pipeline import registered
from rtlnn.layers.rom import LUTRAM_WORDS, block_rams, lutram
from rtlnn.layers.stream import StreamSignature
from rtlnn.layers.window import WindowConfig

if TYPE_CHECKING:
    from rtlnn.layers.streamed import StreamedConfig

__all__ = ["FRAME_BATCHES", "FrameStore", "WeightTiles", "available"]

FRAME_BATCHES = 2
"""Batches of frames on the chip: one is used while the next one enters."""


def available(m: Module, name: str, most: int, init: int, returned: Value, taken: Value) -> Signal:
    """Whether any of up to `most` things is there, in a register; `taken` may come late in the cycle."""
    number = Signal(range(most + 1), init=init, name=f"{name}_count")
    some = Signal(init=int(init > 0), name=f"{name}_some")
    left, less = number + returned, Mux(returned, number, number - 1)
    m.d.sync += [
        number.eq(Mux(taken, less, left)),
        some.eq(Mux(taken, less[: len(number)].any(), left.any())),
    ]
    return some


class FrameStore(wiring.Component):
    """Holds the frames of two batches, so that every pass can read all of one again.

    A beat can be read two cycles after it was taken; a frame's room is free two cycles after its last use.

    Members
    -------
    i : stream of frames
    some : out, a beat waits that no step has used
    advance, pass_ends, turn : in, a step goes; it is the last one of a pass, of a batch
    fresh, used : in, a step uses a beat for the first time; the last step that uses a frame
    x : out, the step's values, two cycles later
    """

    def __init__(self, window: WindowConfig, batch: int) -> None:
        self.window, self.batch = window, batch
        flags = ("advance", "pass_ends", "turn", "fresh", "used")
        super().__init__(
            {
                "i": In(StreamSignature(window.input)),
                "some": Out(1),
                "x": Out(window.lanes * window.bits),
                **dict.fromkeys(flags, In(1)),
            }
        )

    @staticmethod
    def depth(window: WindowConfig, batch: int) -> int:
        """Words: a batch begins at a multiple of a power of two."""
        return FRAME_BATCHES << counter_bits(batch * window.groups)

    @staticmethod
    def resources(window: WindowConfig, batch: int) -> Resources:
        words, bits = FrameStore.depth(window, batch), window.lanes * window.bits
        counters = 2 * counter_bits(words) + counter_bits(window.groups) + counter_bits(batch * FRAME_BATCHES)
        counters += counter_bits(words) + 8
        if words <= LUTRAM_WORDS:
            return Resources(lut=lutram(words, bits) + 2 * counters, ff=2 * bits + counters)
        return Resources(lut=2 * counters, ff=bits + counters, bram36=block_rams(words, bits))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        w = self.window
        batch_words = self.batch * w.groups
        push, ready = Signal(), Signal()
        _, frame_last = count(m, w.groups, push, "word")
        filled = Signal()
        m.d.comb += [
            push.eq(self.i.tvalid & self.i.tready),
            self.i.tready.eq(ready),
            filled.eq(push & frame_last),
        ]
        room = FRAME_BATCHES * self.batch
        free = Signal(range(room + 1), init=room)
        back = registered(m, self.used, "freed", reset=True)
        kept, taken = free + back, Mux(back, free, free - 1)
        m.d.sync += [
            free.eq(Mux(filled, taken, kept)),
            ready.eq(Mux(filled, taken[: len(free)].any(), kept.any())),
        ]
        came = registered(m, push, "came", reset=True)
        m.d.comb += self.some.eq(available(m, "beat", room * w.groups, 0, came, self.fresh))
        depth, width = self.depth(w, self.batch), w.lanes * w.bits
        style = "distributed" if depth <= LUTRAM_WORDS else "block"
        m.submodules.memory = memory = Memory(shape=width, depth=depth, init=[], attrs={"ram_style": style})
        write, read = memory.write_port(), memory.read_port()
        offset, last = count(m, batch_words, push, "write_offset")
        half, _ = count(m, FRAME_BATCHES, push & last, "write_batch")
        read_offset, _ = count(m, batch_words, self.advance, "read_offset")
        read_half, _ = count(m, FRAME_BATCHES, self.turn, "read_batch")
        flip = Const(sum(1 << n * w.bits + w.bits - 1 for n in range(w.lanes)) if w.flip else 0, width)
        bits = counter_bits(batch_words)
        m.d.comb += [
            write.en.eq(push),
            write.addr.eq(Cat(offset[:bits], half)),
            write.data.eq(self.i.tdata ^ flip),
            read.addr.eq(Cat(read_offset[:bits], read_half)),
            self.x.eq(registered(m, read.data, "x_1")),
        ]
        return m


class WeightTiles(wiring.Component):
    """Takes the weights in, and says where in the ring a word goes, and whether the next one is there.

    A word can be read two cycles after its last beat was taken.

    Members
    -------
    w : stream of weights
    some : out, a word waits that no step has used
    fresh, used : in, a step uses a word for the first time; the last step that uses a tile
    enable, place, word : out, a word is written
    """

    def __init__(self, config: "StreamedConfig") -> None:
        self.config = config
        super().__init__(
            {
                "w": In(StreamSignature(config.weights)),
                "some": Out(1),
                "fresh": In(1),
                "used": In(1),
                "enable": Out(1),
                "place": Out(range(max(config.weight_layout.depth, 2))),
                "word": Out(config.word_bits),
            }
        )

    @staticmethod
    def resources(config: "StreamedConfig") -> Resources:
        """A register for a word, and the counters."""
        depth = config.weight_layout.depth
        counters = 3 * counter_bits(depth) + counter_bits(config.word_beats) + counter_bits(config.tiles + 1) + 6
        return Resources(lut=2 * counters, ff=config.word_beats * config.beat_bits + counters + config.release)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        c = self.config
        push, ready = Signal(), Signal()
        _, part_last = count(m, c.word_beats, push, "part")
        complete, filled = Signal(), Signal()
        _, word_last = count(m, c.steps, complete, "word_count")
        m.d.comb += [
            push.eq(self.w.tvalid & self.w.tready),
            self.w.tready.eq(ready),
            complete.eq(push & part_last),
            filled.eq(complete & word_last),
        ]
        free = Signal(range(c.tiles + 1), init=c.tiles)
        back: Value = self.used
        for n in range(c.release):
            back = registered(m, back, f"freed_{n}", reset=True)
        kept, taken = free + back, Mux(back, free, free - 1)
        m.d.sync += [
            free.eq(Mux(filled, taken, kept)),
            ready.eq(Mux(filled, taken[: len(free)].any(), kept.any())),
        ]
        held = Signal(c.word_beats * c.beat_bits, reset_less=True)
        with m.If(push):
            m.d.sync += held.eq(Cat(held[c.beat_bits :], self.w.tdata))
        m.d.comb += [
            self.enable.eq(registered(m, complete, "written", reset=True)),
            self.word.eq(held[: c.word_bits]),
            self.place.eq(count(m, c.weight_layout.depth, self.enable, "write_place")[0]),
            self.some.eq(available(m, "word", c.weight_layout.depth, 0, self.enable, self.fresh)),
        ]
        return m
