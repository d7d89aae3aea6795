"""From the order of passes to the order of frames, for batches of several frames."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from rtlnn.layers.component import Resources
from rtlnn.layers.counter import count, counter_bits
from rtlnn.layers.pipeline import registered
from rtlnn.layers.results import PassShape
from rtlnn.layers.rom import LUTRAM_WORDS, block_rams, lutram
from rtlnn.layers.stream import StreamFormat, StreamSignature

__all__ = ["REORDER_BATCHES", "REORDER_LATENCY", "ReorderQueue"]

REORDER_BATCHES = 2
"""Batches for which there is room: one leaves while the next one comes."""
REORDER_LATENCY = 1
"""Cycles more than a queue from a result to its departure."""


class ReorderQueue(wiring.Component):
    """Takes the results of a batch pass by pass, each for all frames, and delivers them frame by frame.

    Results cannot be refused: whoever begins a batch has reserved room for it. A frame begins to leave two cycles after
    its last result came; `credit` is high when the last beat of a batch leaves. Frames follow each other without a gap.

    Members
    -------
    y, valid : in, results: by pass, then by frame (`shape.repeats` of them), then by group
    o : out, the stream
    credit : out
    """

    BATCHES = REORDER_BATCHES

    def __init__(self, fmt: StreamFormat, shape: PassShape) -> None:
        self.format, self.shape = fmt, shape
        super().__init__({"y": In(fmt.width), "valid": In(1), "o": Out(StreamSignature(fmt)), "credit": Out(1)})

    @staticmethod
    def depth(shape: PassShape) -> int:
        """Words: a batch begins at a multiple of a power of two."""
        return REORDER_BATCHES << counter_bits(shape.repeats * shape.beats)

    @staticmethod
    def resources(fmt: StreamFormat, shape: PassShape) -> Resources:
        words = ReorderQueue.depth(shape)
        counters = 4 * counter_bits(words) + counter_bits(shape.groups) + counter_bits(shape.passes) + 12
        if words <= LUTRAM_WORDS:
            return Resources(lut=lutram(words, fmt.width) + 2 * counters, ff=counters + fmt.width)
        return Resources(lut=2 * counters, ff=counters, bram36=block_rams(words, fmt.width))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        depth = self.depth(self.shape)
        style = "distributed" if depth <= LUTRAM_WORDS else "block"
        memory = Memory(shape=self.format.width, depth=depth, init=[], attrs={"ram_style": style})
        m.submodules.memory = memory
        write, read = memory.write_port(), memory.read_port()
        offset, half, frame_ends = self._write(m)
        m.d.comb += [write.en.eq(self.valid), write.data.eq(self.y), write.addr.eq(Cat(offset, half))]
        m.d.comb += [read.addr.eq(self._read(m, frame_ends)), self.o.tdata.eq(read.data)]
        return m

    def _write(self, m: Module) -> tuple[Signal, Signal, Signal]:
        """Where a result goes, and whether it is the last one of a frame."""
        s = self.shape
        ends = {n: Signal(name=f"write_{n}_ends") for n in ("group", "frame", "pass", "batch")}
        group = Signal(range(max(s.groups, 2)), name="write_group")
        _, frame_last = count(m, s.repeats, ends["group"], "write_frame")
        _, pass_last = count(m, s.passes, ends["pass"], "write_pass")
        bits = counter_bits(s.repeats * s.beats)
        offset, start = Signal(bits, name="write_offset"), Signal(bits, name="write_start")
        half, _ = count(m, REORDER_BATCHES, ends["batch"], "write_batch")
        most = Mux(pass_last, s.last_groups - 1, s.groups - 1)
        m.d.comb += [
            ends["group"].eq(self.valid & (group == most)),
            ends["frame"].eq(ends["group"] & pass_last),
            ends["pass"].eq(ends["group"] & frame_last),
            ends["batch"].eq(ends["pass"] & pass_last),
        ]
        with m.If(self.valid):
            m.d.sync += [group.eq(group + 1), offset.eq(offset + 1)]
        with m.If(ends["group"]):
            # the same pass of the next frame
            m.d.sync += [group.eq(0), offset.eq(offset + s.beats - most)]
        with m.If(ends["pass"]):
            m.d.sync += [offset.eq(start + s.groups), start.eq(start + s.groups)]
        with m.If(ends["batch"]):
            m.d.sync += [offset.eq(0), start.eq(0)]
        return offset, half, ends["frame"]

    def _read(self, m: Module, frame_ends: Signal) -> Cat:
        """The stream; returns the address of the beat that it shows in the next cycle."""
        s = self.shape
        pop, frame_left, batch_left = (Signal(name=n) for n in ("pop", "frame_left", "batch_left"))
        _, beat_last = count(m, s.beats, pop, "beat")
        _, frame_last = count(m, s.repeats, frame_left, "frame")
        total, bits = s.repeats * s.beats, counter_bits(s.repeats * s.beats)
        offset, _ = count(m, total, pop, "offset")
        half, _ = count(m, REORDER_BATCHES, batch_left, "batch")
        came = registered(m, frame_ends, "came", reset=True)
        frames = Signal(range(REORDER_BATCHES * s.repeats + 1))
        some = Signal()
        more, less = frames + came, Mux(came, frames, frames - 1)
        m.d.sync += [
            frames.eq(Mux(frame_left, less, more)),
            some.eq(Mux(frame_left, less[: len(frames)].any(), more.any())),
        ]
        m.d.comb += [
            pop.eq(some & self.o.tready),
            frame_left.eq(pop & beat_last),
            batch_left.eq(frame_left & frame_last),
            self.o.tvalid.eq(some),
            self.o.tlast.eq(beat_last),
            self.credit.eq(batch_left),
        ]
        following = Mux(offset == total - 1, 0, offset + 1)[:bits]
        return Cat(Mux(pop, following, offset[:bits]), half ^ batch_left)
