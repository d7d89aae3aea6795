"""The packed multiply-accumulate array: up to two products in each DSP slice, in columns of one or two sums."""

from dataclasses import dataclass
from enum import Enum
from functools import cached_property, lru_cache
from itertools import product

from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.component import Resources
from rtlnn.layers.mac import WeightSlice
from rtlnn.layers.mac_column import Accumulation, Chains, ColumnConfig
from rtlnn.layers.pipeline import SHIFTED

__all__ = ["PART_NAMES", "PackedMacConfig", "Sharing"]


PART_NAMES = {1: "single", 2: "pair"}
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
    blocks: int = 1

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
        channels, most = self.pe // self.blocks, 2 if self.sharing is Sharing.CHANNELS else 1
        return tuple(g for n in range(self.blocks) for g in _groups(n * channels, channels, most))

    def block_of(self, channels: range) -> int:
        """The block to which a column's channels belong."""
        return channels.start * self.blocks // self.pe

    @cached_property
    def position_groups(self) -> tuple[range, ...]:
        """The output positions of each column."""
        return _groups(0, self.positions, 2 if self.sharing is Sharing.POSITIONS else 1)

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
        return {PART_NAMES[n]: self.column(n) for n in sorted(lanes, reverse=True)}

    @property
    def input_bits(self) -> int:
        """Bits of the activations of a step."""
        return self.positions * self.blocks * self.simd * self.x_bits

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

    @cached_property
    def resources(self) -> Resources:
        """The columns', the delays of the activations, and the flags'.

        Operands that come late are delayed by flip-flops for up to two cycles, then by a shift register LUT.
        """
        return _resources(self)

    def shifted(self, registers: int) -> Resources:
        """What it takes more, or less, if so many registers in front of `x` belong to the delays of the activations."""
        lut = ff = 0
        for delay, inputs in enumerate(map(len, self.chains.stages)):
            if registers and delay + registers >= SHIFTED:
                lut += inputs * (delay < SHIFTED)
                ff -= inputs * (registers + delay * (delay < SHIFTED))
        bits = self.positions * self.blocks * self.x_bits
        return Resources(lut=lut * bits, ff=ff * bits)


@lru_cache(maxsize=1 << 14)
def _resources(c: PackedMacConfig) -> Resources:
    """Layers of equal sizes have equal arrays."""
    inputs = [len(stage) for stage in c.chains.stages]  # by their delay
    shifted = sum(n * -(-delay // 32) for delay, n in enumerate(inputs) if delay >= SHIFTED)
    skew = sum(n * delay for delay, n in enumerate(inputs[:SHIFTED]))
    x_bits = c.positions * c.blocks * c.x_bits
    total = Resources(lut=shifted * x_bits + 3, ff=skew * x_bits + c.latency)
    pairs = c.sums - len(c.columns)
    for lanes, count in ((2, pairs), (1, len(c.columns) - pairs)):
        column = c.column(lanes).resources
        total = total + Resources(column.lut * count, column.ff * count, column.dsp * count)
    return total


def _groups(begin: int, count: int, most: int) -> tuple[range, ...]:
    end = begin + count
    return tuple(range(n, min(n + most, end)) for n in range(begin, end, most))
