"""The packed multiply-accumulate array: up to two products in each DSP slice, in columns of one or two sums.

It has two parts. `PackedMacControl` is in the kernel: it delays activations and flags. `PackedMacColumns` is beside the
kernel, like the weight memories, whose words would be too wide for the kernel's ports.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from itertools import product

from amaranth.hdl import Cat, ClockSignal, Elaboratable, Instance, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.component import Resources
from rtlnn.layers.mac import WeightSlice
from rtlnn.layers.mac_column import Accumulation, Chains, ColumnConfig
from rtlnn.layers.pipeline import delayed

__all__ = ["PackedMacColumns", "PackedMacConfig", "PackedMacControl", "Sharing"]


_PART_NAMES = {1: "single", 2: "pair"}
"""Of columns, by their sums."""


class Sharing(Enum):
    """What the two products of a slice have in common."""

    CHANNELS = "channels"
    """An activation: the weights of two output channels are packed."""
    POSITIONS = "positions"
    """A weight: the activations of two output positions are packed."""
    NONE = "none"
    """One product a slice, for operands that are too wide for two."""


@dataclass(frozen=True)
class PackedMacConfig:
    """Sizes of a packed array; see `MacConfig` for the common ones, `ColumnConfig` for the others.

    Parameters
    ----------
    lengths : slices of each chain of a column
    sharing : what two products share
    arithmetic : the slices
    """

    pe: int
    simd: int
    x_bits: int
    x_signed: bool
    w_bits: int
    acc_bits: int
    lengths: tuple[int, ...]
    spacing: int
    sum_bits: int
    sharing: Sharing = Sharing.CHANNELS
    accumulation: Accumulation = Accumulation.FABRIC
    positions: int = 1
    arithmetic: Arithmetic = Arithmetic.DSP48E2

    @property
    def sums(self) -> int:
        """Sums that a pass delivers."""
        return self.positions * self.pe

    @cached_property
    def chains(self) -> Chains:
        return Chains(self.lengths)

    @cached_property
    def channel_groups(self) -> tuple[range, ...]:
        """The output channels of each column."""
        return _groups(self.pe, 2 if self.sharing is Sharing.CHANNELS else 1)

    @cached_property
    def position_groups(self) -> tuple[range, ...]:
        """The output positions of each column."""
        return _groups(self.positions, 2 if self.sharing is Sharing.POSITIONS else 1)

    @cached_property
    def columns(self) -> tuple[tuple[range, range], ...]:
        """(positions, channels) of each column."""
        return tuple(product(self.position_groups, self.channel_groups))

    def column(self, lanes: int) -> ColumnConfig:
        """The column of so many sums."""
        x, w = (self.x_bits, self.x_signed), (self.w_bits, True)
        packed, shared = (x, w) if self.sharing is Sharing.POSITIONS else (w, x)
        return ColumnConfig(
            lanes, self.chains, *packed, *shared,
            self.spacing, self.sum_bits, self.acc_bits, self.accumulation, self.arithmetic,
        )  # fmt: skip

    @property
    def parts(self) -> dict[str, ColumnConfig]:
        """The distinct columns, by name."""
        lanes = {len(positions) * len(channels) for positions, channels in self.columns}
        return {_PART_NAMES[n]: self.column(n) for n in sorted(lanes, reverse=True)}

    @property
    def input_bits(self) -> int:
        """Bits of the activations of a step."""
        return self.positions * self.simd * self.x_bits

    @property
    def slices(self) -> tuple[WeightSlice, ...]:
        """One memory for each delay along the chains: its address is delayed, rather than its data."""
        return tuple(
            WeightSlice(delay, tuple((pe, n) for group in self.channel_groups for n in inputs for pe in group))
            for delay, inputs in enumerate(self.chains.stages)
        )

    @property
    def slice_sizes(self) -> tuple[int, ...]:
        """Weights in each slice's word."""
        return tuple(self.pe * len(inputs) for inputs in self.chains.stages)

    @property
    def latency(self) -> int:
        """Cycles from a pass's last step on `x` to its sums on `acc`."""
        return self.column(1).latency

    @property
    def cost(self) -> tuple[int, int, int, int]:
        """What makes one array better than another, in this order: slices, LUTs, cycles, registers."""
        r = self.resources
        return r.dsp, r.lut, self.latency, r.ff

    @property
    def resources(self) -> Resources:
        """The columns', the delays of the activations, and the flags'.

        Operands that come late are delayed by flip-flops for up to two cycles, then by a shift register LUT.
        """
        inputs = [len(stage) for stage in self.chains.stages]  # by their delay
        shifted = sum(n * -(-delay // 32) for delay, n in enumerate(inputs) if delay > 2)
        skew = sum(n * delay for delay, n in enumerate(inputs[:3]))
        x_bits = self.positions * self.x_bits
        total = Resources(lut=shifted * x_bits + 3, ff=skew * x_bits + self.latency)
        for positions, channels in self.columns:
            total = total + self.column(len(positions) * len(channels)).resources
        return total


def _groups(total: int, most: int) -> tuple[range, ...]:
    return tuple(range(n, min(n + most, total)) for n in range(0, total, most))


class PackedMacControl(wiring.Component):
    """The part of the array that sees the steps.

    Members
    -------
    x, valid, first, last : in, a step of a pass; see `InferredMacArray`
    inputs, column_valid, column_first : out, to the columns
    done : out, with the columns' sums: a pass is complete
    early : out, `done` one cycle ahead
    """

    def __init__(self, config: PackedMacConfig) -> None:
        self.config = config
        super().__init__(
            {
                "x": In(config.input_bits),
                "valid": In(1),
                "first": In(1),
                "last": In(1),
                "inputs": Out(config.input_bits),
                "column_valid": Out(1),
                "column_first": Out(1),
                "done": Out(1),
                "early": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        c = self.config
        delay = c.column(1).flag_delay
        valid = delayed(m, self.valid, delay, "valid", reset=True)
        first, last = delayed(m, self.first, delay, "first"), delayed(m, self.last, delay, "last")
        m.d.comb += [
            self.inputs.eq(Cat(self._group(m, group) for group in c.position_groups)),
            self.column_valid.eq(valid),
            self.column_first.eq(first),
            self.early.eq(delayed(m, valid & last, c.latency - delay - 1, "finished", reset=True)),
        ]
        m.d.sync += self.done.eq(self.early)
        return m

    def _group(self, m: Module, group: range) -> Value:
        """The activations of a group of positions, each as late as its place in the chain."""
        c = self.config
        parts: list[Value] = []
        for delay, inputs in enumerate(c.chains.stages):
            for n, position in product(inputs, group):
                x = self.x.word_select(position * c.simd + n, c.x_bits)
                parts.append(delayed(m, x, delay, f"x{position}_{n}"))
        return Cat(parts)


class PackedMacColumns(Elaboratable):
    """All columns, as instances.

    Parameters
    ----------
    config : sizes of the array
    modules : the modules that are the columns, by their names in `config.parts`

    Attributes
    ----------
    weights : in, the words of the slices, each at its own delay
    inputs, valid, first : in, as `PackedMacControl` gives them
    acc : out, the sums; channel c of position p is element p * pe + c
    """

    def __init__(self, config: PackedMacConfig, modules: Mapping[str, str]) -> None:
        self.config, self._modules = config, modules
        self.weights = [Signal(size * config.w_bits, name=f"weights{n}") for n, size in enumerate(config.slice_sizes)]
        self.inputs = Signal(config.input_bits)
        self.valid, self.first = Signal(), Signal()
        self.acc = Signal(config.sums * config.acc_bits)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        c = self.config
        weights = [self._weights(m, number) for number in range(len(c.channel_groups))]
        inputs = [self._inputs(m, number) for number in range(len(c.position_groups))]
        for (p, positions), (n, channels) in product(enumerate(c.position_groups), enumerate(c.channel_groups)):
            lanes = len(positions) * len(channels)
            packed, shared = weights[n], inputs[p]
            if c.sharing is Sharing.POSITIONS:
                packed, shared = shared, packed
            acc = Signal(lanes * c.acc_bits, name=f"acc{p}_{n}")
            m.submodules[f"column{p}_{n}"] = Instance(
                self._modules[_PART_NAMES[lanes]],
                i_clk=ClockSignal(),
                i_packed=packed,
                i_shared=shared,
                i_valid=self.valid,
                i_first=self.first,
                o_acc=acc,
            )
            for lane, (position, pe) in enumerate(product(positions, channels)):
                target = self.acc.word_select(position * c.pe + pe, c.acc_bits)
                m.d.comb += target.eq(acc.word_select(lane, c.acc_bits))
        return m

    def _weights(self, m: Module, number: int) -> Signal:
        """The weights of a group of channels; in every slice they lie side by side."""
        c = self.config
        group = c.channel_groups[number]
        result = Signal(len(group) * c.simd * c.w_bits, name=f"weights_of{number}")
        parts = []
        for word, inputs in zip(self.weights, c.chains.stages, strict=True):
            width = len(inputs) * c.w_bits
            parts.append(word[group.start * width : group.stop * width])
        m.d.comb += result.eq(Cat(parts))
        return result

    def _inputs(self, m: Module, number: int) -> Signal:
        """The activations of a group of positions."""
        c = self.config
        group = c.position_groups[number]
        width = c.simd * c.x_bits
        result = Signal(len(group) * width, name=f"inputs_of{number}")
        m.d.comb += result.eq(self.inputs[group.start * width : group.stop * width])
        return result
