"""A layer with a folding: the kernel that results, what its memories hold, and what it costs."""

from dataclasses import replace
from functools import cached_property
from math import prod

import numpy as np

from rtlnn.emit.memory import pack_words
from rtlnn.ir.types import Array
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.component import Resources
from rtlnn.layers.kernel import KernelConfig
from rtlnn.layers.lane_sums import LaneSums, Operand, WeightSums
from rtlnn.layers.mac import MacConfig
from rtlnn.layers.mac_packed import PackedMacConfig
from rtlnn.layers.maximum import MaximumConfig
from rtlnn.layers.packing import ArraySize, pack
from rtlnn.layers.pool import PoolConfig, PoolFunction
from rtlnn.layers.product_serial import serial_turns
from rtlnn.layers.requantizer import RequantizeConfig
from rtlnn.layers.rom import rom_resources
from rtlnn.layers.window import PIXELS, Reduction, Tile, WindowConfig, min_rows
from rtlnn.ops import AveragePool2D, MaxPool2D
from rtlnn.plan.finishing import Finish, finishing
from rtlnn.plan.folding import Folding
from rtlnn.plan.tasks import Task

__all__ = ["Candidate"]


class Candidate:
    """A task with a folding: its hardware, the contents of its memories, its cycles and its cost.

    Packed sums are bounded quickly, for all foldings of the task at once; `exact` bounds those of this one, which can
    make for fewer chains and adders.
    """

    def __init__(
        self, task: Task, folding: Folding, arithmetic: Arithmetic = Arithmetic.GENERIC, exact: bool = True
    ) -> None:
        self.task, self.folding, self._arithmetic, self._exact = task, folding, arithmetic, exact
        window, pool, at_once = task.window, task.pool, folding.positions
        tile = Tile(pool.kernel, pool.stride, at_once) if pool else Tile(at_once, at_once, at_once)
        h, w, c = task.input.shape
        weights = task.weights
        passes = 1 if weights is None else -(-len(weights) // folding.pe)
        if not pool and at_once[1] > 1 and (passes > 1 or (weights is None and folding.lanes < c)):
            raise ValueError(f"{at_once} positions at once need all channels at once")
        x = task.input.fixed
        pad = x.lo if isinstance(task.node.op, MaxPool2D) else task.x_zero
        reduction = Reduction.PER_CHANNEL if weights is None else Reduction.ALL_CHANNELS
        banks = tile.rectangle(window, folding.parallel, 0)
        # the rows of a tile, those that the next one adds, and those of the next frame's first tile
        most = 2 * tile.span(window, 0) + tile.hop(window, 0) - 1
        rows = max(folding.rows or -(-most // banks) * banks, min_rows(window, folding.parallel, tile))
        self._arrays: dict[bool, PackedMacConfig | None] = {}
        self._flip = self._flips()
        self.window = WindowConfig(
            h, w, c, x.bits, x.signed, window, pad - self._flip, folding.lanes, folding.parallel, reduction, passes,
            rows, tile, folding.pixels or 1, self._flip > 0, folding.split,
        )  # fmt: skip
        if folding.pixels is None and folding.lanes == c:
            self.window = replace(self.window, pixels=self._pixels())

    def _pixels(self) -> int:
        """The fewest pixels a beat with which the input keeps up with the reader."""
        busy, h, w = self.window.cycles, self.window.height, self.window.width
        return next((n for n in PIXELS if h * -(-w // n) <= busy), PIXELS[-1])

    @property
    def cycles(self) -> int:
        """Cycles a frame that the kernel is busy: no interval can be shorter."""
        shape = self.kernel.shape
        return max(self.window.cycles, self.window.input.beats, shape.beats * self.window.positions)

    def with_rows(self, rows: int) -> "Candidate":
        """The same with a line buffer of so many rows."""
        return Candidate(self.task, replace(self.folding, rows=rows), self._arithmetic, self._exact)

    def exactly(self) -> "Candidate":
        """The same with exact bounds of its sums."""
        return Candidate(self.task, self.folding, self._arithmetic)

    def with_chain(self, longest: int) -> "Candidate":
        """The same with chains of so many slices at most."""
        return Candidate(self.task, replace(self.folding, chain=longest), self._arithmetic, self._exact)

    @property
    def settled(self) -> Folding:
        """The folding with all that was left open filled in."""
        kernel = self.kernel
        return replace(
            self.folding,
            rows=self.window.rows,
            slots=kernel.slots,
            pixels=self.window.pixels,
            spacing=kernel.finish.spacing,
            results=kernel.finish.lanes,
        )

    def serially(self) -> "Candidate | None":
        """The same with requantizers that multiply without a multiplier; None where there is no time for that."""
        finish, f = self.kernel.finish, self.folding
        if f.spacing is not None or f.results is not None or not isinstance(finish, RequantizeConfig):
            return None
        spacing = serial_turns(finish.multiplier_bits) + 1
        # a second lane is still small
        if finish.offset_bits or not finish.multiplier_bits or self._lanes(spacing) > min(2 * finish.lanes, self._sums):
            return None
        return Candidate(self.task, replace(f, spacing=spacing), self._arithmetic, self._exact)

    def sooner(self) -> "list[Candidate]":
        """The same with a wider input, and with more results at once: no fewer cycles, but less latency."""
        window, finish, found = self.window, self.kernel.finish, []
        if window.pixels < min(PIXELS[-1], window.width) and window.lanes == window.channels:
            found.append(replace(self.folding, pixels=2 * window.pixels))
        more = [n for n in range(finish.lanes + 1, self._sums + 1) if self._sums % n == 0]
        if more:
            found.append(replace(self.folding, results=more[0]))
        return [Candidate(self.task, f, self._arithmetic, self._exact) for f in found]

    def _flips(self) -> int:
        """What is taken from unsigned activations to make them signed, where that makes the array smaller; or 0."""
        x = self.task.input.fixed
        if x.signed or self._arithmetic is Arithmetic.GENERIC or self.task.weights is None:
            return 0
        plain, flipped = self._packed(signed=False), self._packed(signed=True)
        if flipped is None or (plain is not None and plain.cost <= flipped.cost):
            return 0
        return 1 << (x.bits - 1)

    def _packed(self, signed: bool) -> PackedMacConfig | None:
        """The packed array for activations that are signed (by themselves, or with their top bit flipped) or not."""
        if signed not in self._arrays:
            self._arrays[signed] = self._pack(signed)
        return self._arrays[signed]

    def _pack(self, signed: bool) -> PackedMacConfig | None:
        task, f = self.task, self.folding
        weights = task.weights
        assert weights is not None
        x = Operand.of(task.input.fixed.bits, signed)
        rows = self._weight_rows(weights) if self._exact else None
        steps = self._passes_and_steps(weights)[1]
        sums: LaneSums = task.lane_sums[signed].folded(f.pe, steps) if rows is None else WeightSums(rows, x)
        size = ArraySize(f.pe, f.simd, self._sum_bits, prod(f.positions), steps)
        w = Operand(task.weight_format.bits, True, *task.weight_bounds)
        return pack(size, x, w, sums, f.chain, self._arithmetic)

    def _passes_and_steps(self, weights: Array) -> tuple[int, int]:
        f = self.folding
        o, kh, kw, channels = weights.shape
        kernel = kh // f.parallel[0] * (kw // f.parallel[1])
        return -(-o // f.pe), kernel * -(-channels // f.lanes) * f.split

    @cached_property
    def _sum_bits(self) -> int:
        """Bits of the array's sums. They may wrap if only the final sum fits, but not where they are compared."""
        bits = self.task.sums.fixed.bits
        if self.task.pool is None or (weights := self.task.weights) is None:
            return bits
        x = self.task.input.fixed
        # any x between the ends, whether the top bit is flipped or not
        ends = [v for lo in (x.lo, -(1 << (x.bits - 1))) for v in (lo, lo + x.hi - x.lo)]
        flat = weights.reshape(len(weights), -1)
        up, down = np.maximum(flat, 0).sum(axis=1), np.minimum(flat, 0).sum(axis=1)
        most = max(abs(int(side.max())) if side is up else abs(int(side.min())) for side in (up, down))
        largest = most * max(map(abs, ends)) * 2
        return max(bits, largest.bit_length() + 1)

    @cached_property
    def _array(self) -> MacConfig | PackedMacConfig | PoolConfig:
        task, folding, window = self.task, self.folding, self.window
        positions = prod(folding.positions)
        if task.weights is not None:
            if (found := self._packed(window.x_signed)) is not None:
                return found
            bits = task.weight_format.bits
            return MacConfig(folding.pe, folding.simd, window.bits, window.x_signed, bits, self._sum_bits, positions)
        taps, x = folding.parallel[0] * folding.parallel[1], task.input.fixed
        op = task.node.op
        if not isinstance(op, AveragePool2D):
            maximum = PoolFunction.MAXIMUM
            return PoolConfig(maximum, folding.lanes, taps, x.bits, x.signed, x.bits, positions=positions)
        factors, _ = op.factors(task.input.shape[:2])
        table = () if (factors == 1).all() else tuple(tuple(int(f) for f in row) for row in factors)
        start = -task.x_zero * op.window.kernel[0] * op.window.kernel[1]
        bits = task.sums.fixed.bits
        return PoolConfig(PoolFunction.SUM, folding.lanes, taps, x.bits, x.signed, bits, start, table, positions)

    def _lanes(self, spacing: int) -> int:
        """As few results at once as deliver a pass's sums before the next one is complete."""
        count = self._sums
        # sums that stay for longer are held until the cycle in which the next ones come
        time = (self.window.pass_steps - (spacing > 1)) // spacing
        few = next((n for n in range(1, count + 1) if count % n == 0 and count // n <= time), count + 1)
        return max(few, self.folding.results or 1)

    @property
    def _sums(self) -> int:
        """Results of a pass."""
        return self.folding.pe * (1 if self.task.pool else prod(self.folding.positions))

    @cached_property
    def _finish(self) -> Finish:
        task = self.task
        taken = 0 if task.weights is None else self._flip * task.weights.astype(np.int64).sum(axis=(1, 2, 3))

        def spaced(spacing: int) -> Finish:
            if self._lanes(spacing) > self._sums or self._sums % self._lanes(spacing):
                at_once = self.folding.results or "any number"
                raise ValueError(
                    f"{self._sums} results, {at_once} at once, each in {spacing} cycles, do not fit a pass of "
                    f"{self.window.pass_steps} cycles"
                )
            return finishing(task, self._lanes(spacing), self._sum_bits, taken, self._arithmetic, spacing)

        if self.folding.spacing is not None:
            return spaced(self.folding.spacing)
        plain = spaced(1)
        twice = self._lanes(2) == self._lanes(1) and plain.config.resources.dsp > plain.config.lanes
        return spaced(2) if twice else plain

    @cached_property
    def kernel(self) -> KernelConfig:
        task, window = self.task, self.window
        finish = self._finish
        maximum = None
        if task.pool:
            maximum = MaximumConfig(self.folding.pe, self._sum_bits, window.tile.parallel, prod(window.tile.serial))
        slots = self.folding.slots or 2
        channels = task.sums.shape[2]
        config = KernelConfig(window, self._array, finish.config, channels, slots, finish.constant, maximum)
        if self.folding.slots is not None:
            return config
        # a slot is taken from the first step of a pass until two cycles after the departure of its last beat
        loop = window.pass_steps + config.latency + config.shape.groups * config.shape.spacing + 2
        return replace(config, slots=-(-loop // window.pass_steps) + 1)

    def contents(self) -> dict[str, list[int]]:
        """Words of the kernel's memories, by name."""
        result: dict[str, list[int]] = {}
        array = self.kernel.array
        if (weights := self.task.weights) is not None and not isinstance(array, PoolConfig):
            rows = self._weight_rows(weights).reshape(-1, self.folding.pe * self.folding.simd)
            places = ([pe * self.folding.simd + n for pe, n in part.order] for part in array.slices)
            words = [pack_words(rows[:, place], array.w_bits) for place in places]
            result |= self.kernel.weight_layout.contents(words)
        if self.kernel.constant is None:
            result["parameter"] = self._parameter_rows()
        return result

    def _weight_rows(self, weights: Array) -> Array:
        """Weights as they are multiplied, [passes, steps, pe, simd]; channels that do not exist have weight 0."""
        f = self.folding
        o, kh, kw, channels = weights.shape
        py, px = f.parallel
        passes, steps = self._passes_and_steps(weights)
        padded = np.pad(weights, ((0, passes * f.pe - o), (0, 0), (0, 0), (0, -channels % f.lanes)))
        parts = padded.reshape(passes, f.pe, kh // py, py, kw // px, px, -1, f.lanes)
        words = parts.transpose(0, 2, 4, 6, 1, 3, 5, 7).reshape(-1, f.pe, py * px * f.lanes)
        pieces = np.pad(words, ((0, 0), (0, 0), (0, f.split * f.simd - words.shape[2])))
        pieces = pieces.reshape(-1, f.pe, f.split, f.simd).transpose(0, 2, 1, 3)
        return pieces.reshape(passes, steps, f.pe, f.simd)

    def _parameter_rows(self) -> list[int]:
        finish, shape = self.kernel.finish, self.kernel.shape
        words = self._finish.words() * (1 if self.task.pool else prod(self.folding.positions))
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
