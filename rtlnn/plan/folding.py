"""Foldings: how much of a layer works in parallel, and the kernel that results."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from rtlnn.emit.memory import pack_words
from rtlnn.ir.types import Array
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.component import Resources
from rtlnn.layers.kernel import KernelConfig
from rtlnn.layers.mac import MacConfig
from rtlnn.layers.mac_packed import PackedMacConfig, packed
from rtlnn.layers.pool import PoolConfig, PoolFunction
from rtlnn.layers.requantizer import BiasConfig, RequantizeConfig
from rtlnn.layers.rom import rom_resources
from rtlnn.layers.window import Reduction, WindowConfig, min_rows
from rtlnn.ops import AveragePool2D, MaxPool2D, Precision, Requantize
from rtlnn.plan.tasks import Task

__all__ = ["Candidate", "Folding", "candidates"]


@dataclass(frozen=True)
class Folding:
    """Parallelism and buffers of one kernel.

    Parameters
    ----------
    pe : output channels in parallel; equal to `lanes` where there are no weights
    lanes : input channels in parallel
    parallel : kernel (rows, columns) in parallel: 1 or the whole kernel, each
    rows : row slots of the line buffer, None for the smallest that loses nothing
    slots : passes under way, None for the smallest number that loses nothing
    """

    pe: int
    lanes: int
    parallel: tuple[int, int]
    rows: int | None = None
    slots: int | None = None

    @property
    def simd(self) -> int:
        return self.lanes * self.parallel[0] * self.parallel[1]


class Candidate:
    """A task with a folding: its hardware, the contents of its memories, its cycles and its cost."""

    def __init__(self, task: Task, folding: Folding, arithmetic: Arithmetic = Arithmetic.GENERIC) -> None:
        self.task, self.folding, self._arithmetic = task, folding, arithmetic
        window = task.window
        banks = folding.parallel[0]
        h, w, c = task.input.shape
        # the rows of a window, those that the next one adds, and those of the next frame's first window
        most = 2 * window.kernel[0] + window.stride[0] - 1
        rows = folding.rows or -(-most // banks) * banks
        x = task.input.fixed
        weights = task.weights
        passes = 1 if weights is None else -(-len(weights) // folding.pe)
        pad = x.lo if isinstance(task.node.op, MaxPool2D) else task.x_zero
        reduction = Reduction.PER_CHANNEL if weights is None else Reduction.ALL_CHANNELS
        self.window = WindowConfig(
            h, w, c, x.bits, x.signed, window, pad, folding.lanes, folding.parallel, reduction, passes,
            max(rows, min_rows(window, banks)),
        )  # fmt: skip

    @property
    def cycles(self) -> int:
        """Cycles a frame that the kernel is busy: no interval can be shorter."""
        shape = self.kernel.shape
        return max(self.window.cycles, self.window.input.beats, shape.beats * self.window.positions)

    def with_rows(self, rows: int) -> "Candidate":
        """The same with a line buffer of so many rows."""
        return Candidate(self.task, replace(self.folding, rows=rows), self._arithmetic)

    @property
    def settled(self) -> Folding:
        """The folding with all that was left open filled in."""
        return replace(self.folding, rows=self.window.rows, slots=self.kernel.slots)

    @cached_property
    def _array(self) -> MacConfig | PackedMacConfig | PoolConfig:
        task, x = self.task, self.task.input.fixed
        weights = task.weights
        if weights is not None:
            w_bits = task.weight_format.bits
            if self._arithmetic is Arithmetic.DSP48E2:
                kind = (x.bits, x.signed), (w_bits, *task.weight_bounds)
                fitting = packed(self.folding.pe, self.folding.simd, *kind, task.sums.fixed.bits)
                if fitting is not None:
                    return fitting
            return MacConfig(self.folding.pe, self.folding.simd, x.bits, x.signed, w_bits, task.sums.fixed.bits)
        taps = self.folding.parallel[0] * self.folding.parallel[1]
        op = task.node.op
        if not isinstance(op, AveragePool2D):
            return PoolConfig(PoolFunction.MAXIMUM, self.folding.lanes, taps, x.bits, x.signed, x.bits)
        factors, _ = op.factors(task.input.shape[:2])
        table = () if (factors == 1).all() else tuple(tuple(int(f) for f in row) for row in factors)
        start = -task.x_zero * op.window.kernel[0] * op.window.kernel[1]
        bits = task.sums.fixed.bits
        return PoolConfig(PoolFunction.SUM, self.folding.lanes, taps, x.bits, x.signed, bits, start, table)

    @cached_property
    def _finish(self) -> RequantizeConfig | BiasConfig:
        task, folding = self.task, self.folding
        # as few lanes as deliver a pass's sums before the next one is complete
        lanes = next(
            n for n in range(1, folding.pe + 1) if folding.pe % n == 0 and folding.pe // n <= self.window.steps
        )
        sums = task.sums.fixed
        if task.requantize is None:
            return BiasConfig(lanes, sums.bits, sums.signed)
        op = task.requantize.op
        assert isinstance(op, Requantize)
        p = task.parameters
        offset = len(task.requantize.inputs) == 4
        float32 = op.precision is Precision.EXACT and not offset
        out = op.output
        return RequantizeConfig(
            lanes, sums.bits, sums.signed, _signed_bits(p.multiplier), _signed_bits(p.offset) if offset else 0,
            int(p.shift.min()), int(p.shift.max()),
            out.bits, out.signed, out.zero_point, op.lo, op.hi, float32,
        )  # fmt: skip

    def _word(self, row: tuple[int, int, int, int]) -> int:
        """One channel's parameters as the hardware reads them."""
        finish = self._finish
        if isinstance(finish, BiasConfig):
            return row[0] & ((1 << finish.acc_bits) - 1)
        return finish.parameter_word(*row)

    @cached_property
    def kernel(self) -> KernelConfig:
        channels = self.task.sums.shape[2]
        rows = self.task.parameters
        constant = self._word(rows.rows()[0]) if rows.uniform else None
        config = KernelConfig(self.window, self._array, self._finish, channels, self.folding.slots or 2, constant)
        if self.folding.slots is not None:
            return config
        # a slot is taken from the first step of a pass to the departure of its last beat, one cycle more on either side
        loop = self.window.steps + config.latency + config.shape.groups + 1
        return replace(config, slots=-(-loop // self.window.steps) + 1)

    def contents(self) -> dict[str, list[int]]:
        """Words of the kernel's memories, by name."""
        result = {}
        array = self.kernel.array
        if (weights := self.task.weights) is not None and not isinstance(array, PoolConfig):
            rows = self._weight_rows(weights)
            for port, part in zip(self.kernel.memories, array.slices, strict=False):
                places = [pe * self.folding.simd + n for pe, n in part.order]
                result[port.name] = pack_words(rows[:, places], array.w_bits)
        if self.kernel.constant is None:
            result["parameter"] = self._parameter_rows()
        return result

    def _weight_rows(self, weights: Array) -> Array:
        """Weights by word: [passes * steps, pe * simd]; channels that do not exist have weight 0."""
        c, f = self.window, self.folding
        o, kh, kw, channels = weights.shape
        py, px = f.parallel
        padded = np.pad(weights, ((0, c.passes * f.pe - o), (0, 0), (0, 0), (0, c.groups * f.lanes - channels)))
        split = padded.reshape(c.passes, f.pe, kh // py, py, kw // px, px, c.groups, f.lanes)
        return split.transpose(0, 2, 4, 6, 1, 3, 5, 7).reshape(c.passes * c.steps, f.pe * f.simd)

    def _parameter_rows(self) -> list[int]:
        finish, shape = self._finish, self.kernel.shape
        words = [self._word(row) for row in self.task.parameters.rows()]
        words += [0] * (shape.passes * shape.sums - len(words))
        lanes, bits = finish.lanes, finish.parameter_bits
        rows = (words[n : n + lanes] for n in range(0, len(words), lanes))
        return [sum(w << (i * bits) for i, w in enumerate(row)) for row in rows]

    @cached_property
    def memory_resources(self) -> Resources:
        """The cost of the memories beside the kernel."""
        total = Resources()
        for port in self.kernel.memories:
            total = total + rom_resources(port.depth, port.width)
        return total

    @cached_property
    def resources(self) -> Resources:
        """The kernel's and its memories' cost."""
        return self.kernel.resources + self.memory_resources


def _signed_bits(values: Array) -> int:
    """Bits of the narrowest two's complement that holds them all."""
    return int(np.maximum(values, ~values).max()).bit_length() + 1


def candidates(task: Task) -> Iterator[Folding]:
    """All foldings of a task worth a look: no two take the same number of cycles by the same parallelism."""
    kh, kw = task.window.kernel
    channels, outputs = task.input.shape[2], task.sums.shape[2]
    for py in sorted({1, kh}):
        for px in sorted({1, kw}):
            for lanes in _useful(channels):
                if task.weights is None:
                    yield Folding(lanes, lanes, (py, px))
                else:
                    for pe in _useful(outputs):
                        yield Folding(pe, lanes, (py, px))


def _useful(total: int) -> list[int]:
    """Parallelisms that differ in the number of steps: the smallest of each."""
    return sorted({-(-total // n) for n in range(1, total + 1)})
