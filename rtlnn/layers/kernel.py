"""A windowed kernel: convolution, dense, pooling and requantization are all of this shape.

Line buffer → arithmetic array (→ maximum) → serializer → requantizer → queue. The arithmetic runs free: a pass starts
only when the queue has room for its results, so nothing behind the line buffer is ever held up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod

from amaranth.hdl import Cat, Module, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtlnn.layers.component import LayerConfig, MemoryPort, Resources
from rtlnn.layers.counter import counter_bits
from rtlnn.layers.kernel_parts import MacControl, WeightedArray, connect_finish, finish_of, memory_members
from rtlnn.layers.kernel_timing import kernel_waits
from rtlnn.layers.line_buffer import LATENCY, LineBuffer
from rtlnn.layers.mac import MacConfig
from rtlnn.layers.mac_column import ColumnConfig
from rtlnn.layers.mac_few_bits import FewBitColumnConfig, FewBitMacConfig
from rtlnn.layers.mac_packed import PackedMacConfig
from rtlnn.layers.maximum import Maximum, MaximumConfig
from rtlnn.layers.memory_kind import MemoryKind
from rtlnn.layers.pool import PoolArray, PoolConfig
from rtlnn.layers.requantizer import BiasConfig, RequantizeConfig
from rtlnn.layers.results import PassShape, ResultQueue, Serializer
from rtlnn.layers.stream import StreamFormat, StreamSignature, connect
from rtlnn.layers.thresholds import ThresholdsConfig
from rtlnn.layers.timing import Events, Link
from rtlnn.layers.weight_layout import WeightLayout
from rtlnn.layers.window import WindowConfig

__all__ = ["Kernel", "KernelConfig"]


@dataclass(frozen=True)
class KernelConfig(LayerConfig):
    """Everything that a kernel's hardware depends on; weights and parameters come from memories beside it.

    Interval: max(input beats, positions x passes x steps, output beats) cycles a frame, where the buffer has the rows
    and the queue the slots for it. `processes` gives every cycle exactly. A tile of positions becomes one position of
    the output where their sums are pooled, and a beat's pixels where they are not.

    Parameters
    ----------
    window : geometry, and the folding over the inputs
    array : the arithmetic
    finish : what turns sums into results
    channels : output channels
    slots : passes for which the queue has room
    constant : the parameters of every channel, where they are all the same; then there is no parameter memory
    maximum : the pooling of the tile's sums, if they are pooled
    memory : what the weights lie in, None for what their number asks for
    reloadable : all memories are filled through the design's port for weights
    """

    window: WindowConfig
    array: MacConfig | PackedMacConfig | PoolConfig
    finish: RequantizeConfig | ThresholdsConfig | BiasConfig
    channels: int
    slots: int
    constant: int | None
    maximum: MaximumConfig | None = None
    memory: MemoryKind | None = None
    reloadable: bool = False

    @property
    def pixels(self) -> int:
        """Pixels of the output that a tile becomes."""
        return 1 if self.maximum else prod(self.window.tile.size)

    @property
    def shape(self) -> PassShape:
        sums = self.maximum.sums if self.maximum else self.array.sums
        return PassShape(sums, self.finish.lanes, self.window.passes, self.channels * self.pixels, self.finish.spacing)

    @property
    def input(self) -> StreamFormat:
        return self.window.input

    @property
    def output(self) -> StreamFormat:
        f = self.finish
        return StreamFormat(f.lanes, f.out_bits, f.signed, self.channels * self.pixels, self.window.positions)

    @property
    def weight_layout(self) -> WeightLayout:
        """Where the weights are; without any where there are none."""
        array = self.array
        bits = () if isinstance(array, PoolConfig) else tuple(size * array.w_bits for size in array.slice_sizes)
        return WeightLayout.best(self.window.passes * self.window.steps, bits, self.memory)

    @property
    def weight_memories(self) -> tuple[MemoryPort, ...]:
        layout = self.weight_layout
        # where the portable array is used, block RAMs are slow: its factors have registers of their own behind them
        registered = isinstance(self.array, MacConfig)
        return tuple(
            MemoryPort(name, bits, layout.depth, layout.kind, registered=registered, reloadable=self.reloadable)
            for name, bits in layout.memories.items()
        )

    @cached_property
    def memories(self) -> tuple[MemoryPort, ...]:
        if self.constant is not None:
            return self.weight_memories
        width, depth = self.finish.lanes * self.finish.parameter_bits, self.shape.passes * self.shape.groups
        parameters = MemoryPort("parameter", width, depth, registered=self.finish.adds, reloadable=self.reloadable)
        return (*self.weight_memories, parameters)

    @property
    def cycles(self) -> int:
        return max(self.window.cycles, self.input.beats, self.output.beats)

    @property
    def latency(self) -> int:
        """Cycles from the issue of a pass's last step to its first result on `o`."""
        largest = self.maximum.latency if self.maximum else 0
        serializer = 2 if self.finish.spacing > 1 else int(self.late)
        return LATENCY + self.array.latency + largest + serializer + self.finish.latency + 1

    @property
    def late(self) -> bool:
        """Whether a register lies between the choice of a sum and an adder behind it, which were too much together."""
        return self.shape.groups > 1 and self.finish.adds and self.finish.spacing == 1

    @property
    def resources(self) -> Resources:
        total = self.window.resources + self.array.resources + self.finish.resources + self.weight_layout.resources
        if not isinstance(self.array, PoolConfig):
            total = total + self.window.index_resources + self.weight_layout.address_resources
        if isinstance(self.array, PackedMacConfig):
            total = total + self.array.shifted(self.window.registers)
        if self.constant == 0 and isinstance(self.finish, BiasConfig):
            # nothing is added
            total = total + Resources(lut=-self.finish.resources.lut)
        credits = counter_bits(self.slots + 1)
        total = total + Resources(lut=credits, ff=credits)
        if self.maximum:
            total = total + self.maximum.resources
        total = total + self.shape.serializer_resources(self.array.acc_bits, self.late or self.finish.spacing > 1)
        return total + self.shape.queue_resources(self.output, self.slots)

    def waits(self, i: Link, o: Link) -> Sequence[Events]:
        return kernel_waits(self.window, self.shape, self.slots, self.latency, i, o)

    @property
    def parts(self) -> Mapping[str, ColumnConfig | FewBitColumnConfig]:
        """What occurs many times beside the kernel, and so is a module of its own, by name."""
        return self.array.parts if isinstance(self.array, PackedMacConfig | FewBitMacConfig) else {}

    def component(self) -> "Kernel":
        return Kernel(self)


class Kernel(wiring.Component):
    """One layer of a network as hardware.

    Members
    -------
    i, o : streams, `config.input` and `config.output`
    weight_address, weight_data, parameter_address, parameter_data : see `config.memories`
    column_inputs, column_valid, column_first, column_sums : of a packed array in place of `weight_data`: what
        goes to the columns, and what comes back (see `PackedMacColumns`)
    """

    def __init__(self, config: KernelConfig) -> None:
        self.config = config
        self._weighted = (
            None if isinstance(config.array, PoolConfig) else WeightedArray(config.array, config.weight_layout)
        )
        outside = config.weight_memories if self._weighted and self._weighted.outside else ()
        super().__init__(
            {
                "i": In(StreamSignature(config.input)),
                "o": Out(StreamSignature(config.output)),
                **memory_members(config.memories, outside),
                **(self._weighted.members if self._weighted else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        c = self.config
        m.submodules.line_buffer = buffer = LineBuffer(c.window, c.slots)
        sums, done, early = self._array(m, buffer)
        m.submodules.serializer = serializer = Serializer(c.shape, c.array.acc_bits, c.late)
        m.submodules.finish = finish = finish_of(c.finish)
        m.submodules.queue = queue = ResultQueue(c.output, c.shape, c.slots)
        connect(m, wiring.flipped(self.i), buffer.i)
        connect(m, queue.o, wiring.flipped(self.o))
        if c.maximum:
            m.submodules.maximum = maximum = Maximum(c.maximum)
            m.d.comb += [maximum.acc.eq(sums), maximum.done.eq(done), maximum.early.eq(early)]
            sums, done, early = maximum.largest, maximum.complete, maximum.soon
        m.d.comb += [
            buffer.credit.eq(queue.credit),
            serializer.acc.eq(sums),
            serializer.done.eq(done),
            serializer.early.eq(early),
            queue.y.eq(finish.y),
            queue.valid.eq(finish.done),
        ]
        connect_finish(m, self, serializer, finish, c.finish, c.constant)
        return m

    def _array(self, m: Module, buffer: LineBuffer) -> tuple[Value, Value, Value]:
        """The arithmetic, and what it reads: its sums, when they are complete, and the same one cycle ahead."""
        c = self.config
        array: PoolArray | MacControl
        if isinstance(c.array, PoolConfig):
            array = PoolArray(c.array)
            sums: Value = array.acc
            m.d.comb += [array.row.eq(buffer.row), array.column.eq(buffer.column)]
        else:
            assert self._weighted is not None
            array, sums = self._weighted.connect(m, self, buffer.weight_address)
        m.submodules.array = array
        m.d.comb += [
            array.x.eq(buffer.x if isinstance(c.array, PoolConfig) else self._by_block(buffer.x, c.array)),
            array.valid.eq(buffer.valid),
            array.first.eq(buffer.first),
            array.last.eq(buffer.last),
        ]
        return sums, array.done, array.early

    def _by_block(self, x: Value, array: MacConfig | PackedMacConfig) -> Value:
        """The step's values, those of each block side by side: the window has them tap by tap."""
        if array.blocks == 1:
            return x
        lanes = self.config.window.lanes
        channels = lanes // array.blocks
        order = product(range(array.positions), range(array.blocks), range(array.simd // channels), range(channels))
        taps = array.simd // channels
        return Cat(
            x.word_select((position * taps + tap) * lanes + block * channels + n, array.x_bits)
            for position, block, tap, n in order
        )
