"""The multiply-accumulate array of a layer with weights: its packing, its sums, and the order of its weights."""

from functools import cached_property
from math import prod

import numpy as np

from rtlnn.emit.memory import pack_words
from rtlnn.ir.types import Array
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.lane_sums import LaneSums, Operand, WeightSums, WorstSums
from rtlnn.layers.mac import MacConfig
from rtlnn.layers.mac_few_bits import FewBitMacConfig
from rtlnn.layers.mac_packed import PackedMacConfig
from rtlnn.layers.packing import ArraySize, pack
from rtlnn.plan.folding import Folding
from rtlnn.plan.grouping import Grouping
from rtlnn.plan.tasks import Task
from rtlnn.plan.thresholding import is_compared

__all__ = ["Products"]

FEW_BITS = 2
"""Bits of operands whose products are made of LUTs."""
FEW_LEVELS = 1 << FEW_BITS


class Products:
    """The products of a task with weights, in a folding.

    Parameters
    ----------
    weights : of the task, (O, KH, KW, channels of a group)
    exact : bound the sums of this folding; else those of all foldings at once, quickly
    """

    def __init__(self, task: Task, weights: Array, folding: Folding, arithmetic: Arithmetic, exact: bool) -> None:
        self._task, self._weights, self._folding = task, weights, folding
        self._grouping = Grouping.of(task, folding)
        self._arithmetic, self._exact = arithmetic, exact
        self._arrays: dict[bool, PackedMacConfig | None] = {}

    @property
    def passes(self) -> int:
        """Passes over the output channels."""
        return -(-len(self._weights) // self._folding.pe)

    @property
    def steps(self) -> int:
        """Steps a pass, for one position."""
        f = self._folding
        _, kh, kw, channels = self._weights.shape
        return kh // f.parallel[0] * (kw // f.parallel[1]) * -(-channels // self._grouping.lanes) * f.split

    @cached_property
    def flip(self) -> int:
        """What is taken from unsigned activations to make them signed, where that makes the array smaller; or 0."""
        x = self._task.input.fixed
        if x.signed or self._few is not None or self._arithmetic is Arithmetic.GENERIC:
            return 0
        plain, flipped = self._packed(signed=False), self._packed(signed=True)
        if flipped is None or (plain is not None and plain.cost <= flipped.cost):
            return 0
        return 1 << (x.bits - 1)

    @property
    def possible(self) -> bool:
        """Whether the sums can be added up as the folding demands."""
        return (
            self._folding.accumulation is None
            or self._packed(self._task.input.fixed.signed or self.flip > 0) is not None
        )

    @cached_property
    def taken(self) -> Array:
        """What `flip`, or an array that never subtracts, takes away from the sums of each channel."""
        if (few := self._few) is not None:
            # of weights that do not exist, nothing is taken
            smallest = np.array([few.smallest(level) for level in few.levels])
            number = np.searchsorted(few.levels, self._weights)
            sums: Array = smallest[number].reshape(len(self._weights), -1).sum(axis=1)
            return sums
        taken: Array = self.flip * self._task.weight_sums
        return taken

    @cached_property
    def sum_bits(self) -> int:
        """Bits of the array's sums. They may wrap if only the final sum fits, but not where they are compared."""
        if (few := self._few) is not None:
            return few.acc_bits
        bits = self._task.sums.fixed.bits
        if not self._compared:
            return bits
        x = self._task.input.fixed
        # any x between the ends, whether the top bit is flipped or not
        ends = [v for lo in (x.lo, -(1 << (x.bits - 1))) for v in (lo, lo + x.hi - x.lo)]
        up, down = self._task.weight_extremes
        most = max(abs(int(side.max())) if side is up else abs(int(side.min())) for side in (up, down))
        largest = most * max(map(abs, ends)) * 2
        return max(bits, largest.bit_length() + 1)

    @cached_property
    def array(self) -> MacConfig | PackedMacConfig:
        x, f, g = self._task.input.fixed, self._folding, self._grouping
        if (few := self._few) is not None:
            return few
        signed = x.signed or self.flip > 0
        if (found := self._packed(signed)) is not None:
            return found
        if f.accumulation is not None:
            raise ValueError(f"its products cannot be added up by {f.accumulation.value!r}")
        bits = self._task.weight_format.bits
        return MacConfig(f.pe, g.simd, x.bits, signed, bits, self.sum_bits, prod(f.positions), g.at_once)

    def words(self) -> list[list[int]]:
        """The words of each slice of the array's weights."""
        array = self.array
        rows = self._rows.reshape(-1, array.pe * array.simd)
        if isinstance(array, FewBitMacConfig):
            # a channel that does not exist has any weight
            rows = np.minimum(np.searchsorted(array.levels, rows), len(array.levels) - 1)
        places = ([pe * array.simd + n for pe, n in part.order] for part in array.slices)
        return [pack_words(rows[:, place], array.w_bits) for place in places]

    @cached_property
    def _few(self) -> FewBitMacConfig | None:
        """The array that takes nothing but LUTs, for operands of few bits; None for others."""
        x, f, g = self._task.input.fixed, self._folding, self._grouping
        levels = self._task.weight_levels
        if len(levels) > FEW_LEVELS or x.bits > FEW_BITS or f.accumulation is not None:
            return None
        if self.steps * g.simd != self._weights[0].size:
            # inputs that do not exist are multiplied by 0
            levels = tuple(sorted({0, *levels}))
        bits = FewBitMacConfig.code_bits(levels)
        if bits > FEW_BITS:
            return None
        return FewBitMacConfig(
            f.pe, g.simd, x.bits, x.signed, bits, self._few_sum_bits, prod(f.positions), g.at_once, levels
        )

    @property
    def _few_sum_bits(self) -> int:
        """As `sum_bits`, of products less the smallest of each weight."""
        x = self._task.input.fixed
        up, down = self._task.weight_extremes
        largest = int((up - down).max()) * (x.hi - x.lo)
        return largest.bit_length() + 1 if self._compared else self._task.sums.fixed.bits

    @property
    def _compared(self) -> bool:
        """Whether the array's sums are compared, so that they must not wrap."""
        return self._task.pool is not None or is_compared(self._task)

    def _packed(self, signed: bool) -> PackedMacConfig | None:
        """The packed array for activations that are signed (by themselves, or with their top bit flipped) or not."""
        if signed not in self._arrays:
            self._arrays[signed] = self._pack(signed)
        return self._arrays[signed]

    def _pack(self, signed: bool) -> PackedMacConfig | None:
        task, f, g = self._task, self._folding, self._grouping
        x = Operand.of(task.input.fixed.bits, signed)
        w = Operand(task.weight_format.bits, True, *task.weight_bounds)
        sums: LaneSums
        if task.any_weight is not None:
            sums = WorstSums(x, w, self.steps)
        else:
            sums = WeightSums(self._rows, x) if self._exact else task.lane_sums[signed].folded(self.steps)
        size = ArraySize(f.pe, g.simd, self.sum_bits, prod(f.positions), self.steps, g.at_once)
        return pack(size, x, w, sums, f.chain, self._arithmetic, f.accumulation)

    @cached_property
    def _rows(self) -> Array:
        """Weights as they are multiplied, [passes, steps, pe, simd]; channels that do not exist have weight 0."""
        f, lanes, simd = self._folding, self._grouping.lanes, self._grouping.simd
        o, kh, kw, channels = self._weights.shape
        py, px = f.parallel
        padded = np.pad(self._weights, ((0, self.passes * f.pe - o), (0, 0), (0, 0), (0, -channels % lanes)))
        parts = padded.reshape(self.passes, f.pe, kh // py, py, kw // px, px, -1, lanes)
        words = parts.transpose(0, 2, 4, 6, 1, 3, 5, 7).reshape(-1, f.pe, py * px * lanes)
        pieces = np.pad(words, ((0, 0), (0, 0), (0, f.split * simd - words.shape[2])))
        pieces = pieces.reshape(-1, f.pe, f.split, simd).transpose(0, 2, 1, 3)
        return pieces.reshape(self.passes, self.steps, f.pe, simd)
