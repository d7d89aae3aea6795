"""A dense layer whose weights come from external memory, once for every batch of frames.

Weights enter a ring of tiles on the chip: while the arithmetic uses one tile, others fill, so that the layer is bound
by the arithmetic or by the memory's bandwidth, whichever is slower, and never by both in turn. A tile is what a pass
needs: `pe` output channels by all inputs. With a batch of several frames, each tile serves all of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtlnn.layers.component import MemoryPort, Resources, StreamingLayer
from rtlnn.layers.kernel import KernelConfig
from rtlnn.layers.kernel_parts import WeightedArray, connect_finish, finish_of, memory_members
from rtlnn.layers.mac import MacConfig
from rtlnn.layers.mac_column import ColumnConfig
from rtlnn.layers.mac_few_bits import FewBitColumnConfig
from rtlnn.layers.mac_packed import PackedMacConfig
from rtlnn.layers.memory_kind import MemoryKind
from rtlnn.layers.pipeline import delayed
from rtlnn.layers.pool import PoolConfig
from rtlnn.layers.reorder import ReorderQueue
from rtlnn.layers.results import PassShape, ResultQueue, Serializer
from rtlnn.layers.stream import StreamFormat, StreamSignature, connect
from rtlnn.layers.streamed_parts import FrameStore, WeightTiles
from rtlnn.layers.streamed_steps import issue_steps, word_address
from rtlnn.layers.streamed_timing import streamed_waits
from rtlnn.layers.timing import Events, Link
from rtlnn.layers.weight_layout import WeightLayout

__all__ = ["MOST_BEAT_BITS", "Streamed", "StreamedConfig", "beat_bits"]

MOST_BEAT_BITS = 1024
"""Bits of a beat of weights at most: the widest data of AXI4 (IHI 0022)."""
_LEAST_BEAT_BITS = 8
_REFILL = 2
"""Cycles from the last word of a tile until it can be read."""


@dataclass(frozen=True)
class StreamedConfig(StreamingLayer):
    """Everything that the hardware depends on.

    Interval: max(passes x steps, input beats, output beats, beats of the weights / batch) cycles a frame, where
    weights come as fast as they are taken. `timing` gives every cycle exactly.

    The streams are `i` (frames), `w` (weights: beats of bytes, those of a batch as one frame) and `o`. A word of
    weights is what a step needs; it takes whole beats, its lowest bits first.

    Parameters
    ----------
    kernel : the layer as it would be with its weights on the chip: of one position, its window of one pixel
    batch : frames for which the weights come once
    """

    kernel: KernelConfig
    batch: int = 1

    def __post_init__(self) -> None:
        w = self.kernel.window
        if w.positions != 1 or w.split != 1 or w.window.kernel != (1, 1) or w.blocks != 1 or w.pixels != 1:
            raise ValueError(f"weights are streamed for layers of one position and one pixel alone, not for {w}")
        if isinstance(self.kernel.array, PoolConfig):
            raise ValueError("a layer without weights has none to stream")
        if self.batch < 1:
            raise ValueError(f"a batch has at least one frame, not {self.batch}")

    @property
    def steps(self) -> int:
        """Words of a tile: steps of a pass."""
        return self.kernel.window.steps

    @property
    def passes(self) -> int:
        return self.kernel.window.passes

    @property
    def tiles(self) -> int:
        """Tiles of the ring: one is used, and the others make up for what it takes to free it and to fill it again."""
        slices = len(self._array.slice_sizes)
        return 1 + -(-(max(slices - 1, 1) + _REFILL) // self.steps)

    @property
    def _array(self) -> MacConfig | PackedMacConfig:
        assert not isinstance(self.kernel.array, PoolConfig)
        return self.kernel.array

    @cached_property
    def weight_layout(self) -> WeightLayout:
        """The memories of the ring."""
        array = self._array
        bits = tuple(size * array.w_bits for size in array.slice_sizes)
        return WeightLayout.best(self.tiles * self.steps, bits, MemoryKind.of(self.tiles * self.steps))

    @property
    def word_bits(self) -> int:
        """Bits of a word of weights."""
        return sum(self.weight_layout.memories.values())

    @property
    def beat_bits(self) -> int:
        """Bits of a beat of weights."""
        return beat_bits(self.word_bits)

    @property
    def word_beats(self) -> int:
        """Beats of a word of weights."""
        return -(-self.word_bits // self.beat_bits)

    @property
    def weights(self) -> StreamFormat:
        """Format of the stream `w`."""
        size = self.beat_bits // 8
        return StreamFormat(size, 8, False, size, self.passes * self.steps * self.word_beats)

    @property
    def streamed(self) -> StreamFormat:
        return self.weights

    @property
    def weight_bytes(self) -> int:
        """Bytes that come for every batch."""
        return self.weights.beats * self.beat_bits // 8

    @property
    def release(self) -> int:
        """Cycles from a tile's last step until its first word may be overwritten, less those of the write itself."""
        late = 2 if self.weight_layout.kind is MemoryKind.LUTRAM else 0
        return max(1, len(self.weight_layout.slices) - 1 + late - 2)

    @property
    def inputs(self) -> tuple[StreamFormat, ...]:
        return self.kernel.input, self.weights

    @property
    def outputs(self) -> tuple[StreamFormat, ...]:
        return (self.kernel.output,)

    @property
    def input_names(self) -> tuple[str, ...]:
        return "i", "w"

    @property
    def shape(self) -> PassShape:
        """How sums become beats: each pass once for every frame of the batch."""
        shape = self.kernel.shape
        return PassShape(shape.sums, shape.lanes, shape.passes, shape.channels, shape.spacing, self.batch)

    @property
    def weight_memories(self) -> tuple[MemoryPort, ...]:
        layout = self.weight_layout
        return tuple(
            MemoryPort(name, bits, layout.depth, layout.kind, written=True) for name, bits in layout.memories.items()
        )

    @cached_property
    def memories(self) -> tuple[MemoryPort, ...]:
        kernel = self.kernel
        return (*self.weight_memories, *(p for p in kernel.memories if p not in kernel.weight_memories))

    @property
    def cycles(self) -> int:
        return max(self.kernel.cycles, -(-self.weights.beats // self.batch))

    @property
    def parts(self) -> Mapping[str, ColumnConfig | FewBitColumnConfig]:
        """As of the kernel."""
        return self.kernel.parts

    @property
    def resources(self) -> Resources:
        k, shape = self.kernel, self.shape
        total = k.array.resources + k.finish.resources + self.weight_layout.resources
        total = total + shape.serializer_resources(k.array.acc_bits, k.late or k.finish.spacing > 1)
        total = total + FrameStore.resources(self.kernel.window, self.batch) + WeightTiles.resources(self)
        if self.batch > 1:
            return total + ReorderQueue.resources(k.output, shape)
        return total + shape.queue_resources(k.output, k.slots)

    def timing(self, i: Sequence[Link], o: Sequence[Link]) -> Sequence[Events]:
        ring = self.tiles, self.release + 1
        links = i[0], i[1], o[0]
        return streamed_waits(
            self.shape, self.steps, self.word_beats, ring, self.kernel.slots, self.kernel.latency, links
        )

    def component(self) -> "Streamed":
        return Streamed(self)


def beat_bits(word: int) -> int:
    """Bits of a beat for words of `word` bits: a power of two."""
    return min(MOST_BEAT_BITS, max(_LEAST_BEAT_BITS, 1 << (word - 1).bit_length()))


class Streamed(wiring.Component):
    """The layer as hardware.

    A step is issued two cycles after the last beat of the input, and of its word of weights, that it needs; a pass (or
    a batch of several frames) two cycles after the last beat left to which it owes its place in the queue. From there
    on it is as in `Kernel`.

    Members
    -------
    i, w, o : streams, `config.inputs` and `config.outputs`
    weight_address, weight_data, parameter_address, parameter_data, column_* : as of `Kernel`
    write_enable, write_place, write_word : out, a word of weights for the ring, its memories' words side by side
    """

    def __init__(self, config: StreamedConfig) -> None:
        self.config = config
        k = config.kernel
        assert not isinstance(k.array, PoolConfig)
        self._weighted = WeightedArray(k.array, config.weight_layout)
        outside = config.weight_memories if self._weighted.outside else ()
        super().__init__(
            {
                "i": In(StreamSignature(k.input)),
                "w": In(StreamSignature(config.weights)),
                "o": Out(StreamSignature(k.output)),
                "write_enable": Out(1),
                "write_place": Out(range(max(config.weight_layout.depth, 2))),
                "write_word": Out(config.word_bits),
                **memory_members(config.memories, outside),
                **self._weighted.members,
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        c, k = self.config, self.config.kernel
        m.submodules.frames = frames = FrameStore(k.window, c.batch)
        m.submodules.tiles = tiles = WeightTiles(c)
        m.submodules.serializer = serializer = Serializer(c.shape, k.array.acc_bits, k.late)
        m.submodules.finish = finish = finish_of(k.finish)
        queue = ReorderQueue(k.output, c.shape) if c.batch > 1 else ResultQueue(k.output, c.shape, k.slots)
        m.submodules.queue = queue
        connect(m, wiring.flipped(self.i), frames.i)
        connect(m, wiring.flipped(self.w), tiles.w)
        connect(m, queue.o, wiring.flipped(self.o))
        step = issue_steps(m, c, frames, tiles, queue)
        array, sums = self._weighted.connect(m, self, word_address(m, c, step))
        m.submodules.array = array
        m.d.comb += [
            self.write_enable.eq(tiles.enable),
            self.write_place.eq(tiles.place),
            self.write_word.eq(tiles.word),
            array.x.eq(frames.x),
            array.valid.eq(delayed(m, step.go, 2, "valid", reset=True)),
            array.first.eq(delayed(m, step.first, 2, "first")),
            array.last.eq(delayed(m, step.last, 2, "last")),
            serializer.acc.eq(sums),
            serializer.done.eq(array.done),
            serializer.early.eq(array.early),
            queue.y.eq(finish.y),
            queue.valid.eq(finish.done),
        ]
        connect_finish(m, self, serializer, finish, k.finish, k.constant)
        return m
