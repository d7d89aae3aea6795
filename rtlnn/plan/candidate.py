"""A layer with a folding: the kernel that results, what its memories hold, and what it costs."""

from copy import copy
from dataclasses import replace
from functools import cached_property
from math import prod

from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.kernel import KernelConfig
from rtlnn.layers.mac import MacConfig
from rtlnn.layers.mac_column import Accumulation
from rtlnn.layers.mac_packed import PackedMacConfig
from rtlnn.layers.maximum import MaximumConfig
from rtlnn.layers.memory_kind import MemoryKind
from rtlnn.layers.pool import PoolConfig
from rtlnn.layers.product_serial import serial_turns
from rtlnn.layers.requantizer import RequantizeConfig
from rtlnn.layers.streamed import StreamedConfig
from rtlnn.layers.window import PIXELS, Tile, WindowConfig, min_rows
from rtlnn.ops import MaxPool2D
from rtlnn.plan.finishing import Finish, finishing
from rtlnn.plan.folding import Folding
from rtlnn.plan.grouping import Grouping
from rtlnn.plan.option import Option
from rtlnn.plan.pace import Pace, window_pace
from rtlnn.plan.pooling import pool_array
from rtlnn.plan.products import Products
from rtlnn.plan.tasks import Task
from rtlnn.plan.thresholding import Thresholding, is_compared, thresholding

__all__ = ["Candidate"]


class Candidate(Option):
    """A task with a folding: its hardware, the contents of its memories, its cycles and its cost.

    Packed sums are bounded quickly, for all foldings of the task at once; `exact` bounds those of this one, which can
    make for fewer chains and adders. No frame takes fewer cycles than `floor`, for weights that come from outside.
    """

    floor: int = 0

    def __init__(
        self, task: Task, folding: Folding, arithmetic: Arithmetic = Arithmetic.GENERIC, exact: bool = True
    ) -> None:
        self.task, self.folding, self._arithmetic, self._exact = task, folding, arithmetic, exact
        window, pool, at_once = task.window, task.pool, folding.positions
        tile = Tile(pool.kernel, pool.stride, at_once) if pool else Tile(at_once, at_once, at_once)
        h, w, c = task.input.shape
        self._products: Products | None = None
        if task.weights is not None:
            self._products = Products(task, task.weights, folding, arithmetic, exact)
        products = self._products
        self._grouping = Grouping.of(task, folding)
        passes = -(-task.sums.shape[2] // folding.pe)
        if not pool and at_once[1] > 1 and passes > 1:
            raise ValueError(f"{at_once} positions at once need all channels at once")
        x = task.input.fixed
        pad = x.lo if isinstance(task.node.op, MaxPool2D) else task.x_zero
        flip, blocks = products.flip if products else 0, self._grouping.blocks
        banks = tile.rectangle(window, folding.parallel, 0)
        # the rows of a tile, those that the next one adds, and those of the next frame's first tile
        most = 2 * tile.span(window, 0) + tile.hop(window, 0) - 1
        rows = max(folding.rows or -(-most // banks) * banks, min_rows(window, folding.parallel, tile))
        self.window = WindowConfig(
            h, w, c, x.bits, x.signed, window, pad - flip, folding.lanes, folding.parallel, blocks, passes // blocks,
            rows, tile, folding.pixels or 1, flip > 0, folding.split,
        )  # fmt: skip
        if folding.pixels is None and folding.lanes == c:
            self.window = replace(self.window, pixels=self._pixels())

    def _pixels(self) -> int:
        """The fewest pixels a beat with which the input keeps up with the reader."""
        busy, h, w = self.window.cycles, self.window.height, self.window.width
        return next((n for n in PIXELS if h * -(-w // n) <= busy), PIXELS[-1])

    @cached_property
    def layer(self) -> KernelConfig | StreamedConfig:
        stream = self.folding.stream
        return self.kernel if stream is None else StreamedConfig(self.kernel, stream)

    @property
    def cycles(self) -> int:
        return max(self.layer.cycles, self.floor)

    def pace(self, interval: int, cycles: float) -> Pace:
        return window_pace(self.window, cycles, interval)

    @property
    def passes(self) -> int:
        return self.window.passes

    @property
    def multipliers(self) -> tuple[int, int]:
        return self.folding.pe, self.simd

    @property
    def weight_bits(self) -> int | None:
        array = self.kernel.array
        return None if isinstance(array, PoolConfig) else array.w_bits

    def with_rows(self, rows: int) -> "Candidate":
        """The same with a line buffer of so many rows."""
        return Candidate(self.task, replace(self.folding, rows=rows), self._arithmetic, self._exact)

    def exactly(self) -> "Candidate":
        """The same with exact bounds of its sums, with which chains may add up by themselves what took more slices."""
        exact = Candidate(self.task, self.folding, self._arithmetic)
        if self.folding.accumulation is Accumulation.DUAL:
            plain = Candidate(self.task, replace(self.folding, accumulation=None), self._arithmetic)
            if plain._array.resources.lut <= exact._array.resources.lut:
                return plain
        return exact

    def with_chain(self, longest: int) -> "Candidate":
        """The same with chains of so many slices at most."""
        return Candidate(self.task, replace(self.folding, chain=longest), self._arithmetic, self._exact)

    @property
    def simd(self) -> int:
        """Values a step for each result."""
        return self._grouping.simd

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
        return self._varied(replace(f, spacing=spacing), "_finish", "kernel", "inputs", "outputs")

    def dually(self) -> "Candidate | None":
        """The same with slices for accumulators in place of adders; None where sums do not fit, or there are none."""
        array = self._array
        if self.folding.accumulation is not None or not isinstance(array, PackedMacConfig):
            return None
        if array.accumulation is Accumulation.SLICE and len(array.lengths) == 1:
            return None
        found = Candidate(
            self.task, replace(self.folding, accumulation=Accumulation.DUAL), self._arithmetic, self._exact
        )
        return found if found._products and found._products.possible else None

    def elsewhere(self) -> "list[Candidate]":
        """The same with its weights in other kinds of memories than block RAM."""
        if (
            self.folding.memory is not None
            or self.folding.stream
            or self.kernel.weight_layout.kind is not MemoryKind.BRAM
        ):
            return []
        return [self._stored(kind) for kind in MemoryKind if kind is not MemoryKind.BRAM]

    def _stored(self, kind: MemoryKind) -> "Candidate":
        """The same with its weights in this kind of memory, which changes nothing else."""
        found = self._varied(replace(self.folding, memory=kind))
        found.kernel = replace(self.kernel, memory=kind)
        return found

    def _varied(self, folding: Folding, *changed: str) -> "Candidate":
        """The same with a folding that changes, of what is known, its cost and what is `changed`."""
        found = copy(self)
        found.folding = folding
        for name in ("resources", "vector", "loads", "layer", *changed):
            found.__dict__.pop(name, None)
        return found

    def sooner(self) -> "list[Candidate]":
        """The same with a wider input, and with more results at once: no fewer cycles, but less latency."""
        window, finish, found = self.window, self.kernel.finish, []
        if window.pixels < min(PIXELS[-1], window.width) and window.lanes == window.channels:
            found.append(replace(self.folding, pixels=2 * window.pixels))
        more = [n for n in range(finish.lanes + 1, self._sums + 1) if self._sums % n == 0]
        if more:
            found.append(replace(self.folding, results=more[0]))
        return [Candidate(self.task, f, self._arithmetic, self._exact) for f in found]

    @cached_property
    def _array(self) -> MacConfig | PackedMacConfig | PoolConfig:
        return self._products.array if self._products else pool_array(self.task, self.folding)

    @property
    def _sum_bits(self) -> int:
        return self._products.sum_bits if self._products else self._array.acc_bits

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
    def _finish(self) -> Finish | Thresholding:
        task = self.task
        taken = self._products.taken if self._products else 0

        def spaced(spacing: int) -> Finish | Thresholding:
            if self._lanes(spacing) > self._sums or self._sums % self._lanes(spacing):
                at_once = self.folding.results or "any number"
                raise ValueError(
                    f"{self._sums} results, {at_once} at once, each in {spacing} cycles, do not fit a pass of "
                    f"{self.window.pass_steps} cycles"
                )
            if is_compared(task):
                if spacing != 1:
                    raise ValueError("a comparison has a result every cycle: a spacing of 1")
                return thresholding(task, self._lanes(spacing), self._sum_bits, taken)
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
        config = KernelConfig(
            window, self._array, finish.config, channels, slots, finish.constant, maximum, self.folding.memory,
            task.any_weight is not None,
        )  # fmt: skip
        if self.folding.slots is not None:
            return config
        # a slot is taken from the first step of a pass until two cycles after the departure of its last beat
        loop = window.pass_steps + config.latency + config.shape.groups * config.shape.spacing + 2
        return replace(config, slots=-(-loop // window.pass_steps) + 1)

    def contents(self) -> dict[str, list[int]]:
        """Words of the layer's memories, by name; those that are streamed as `w`."""
        layer = self.layer
        result: dict[str, list[int]] = {}
        if isinstance(layer, StreamedConfig):
            result["w"] = self._streamed_words(layer)
        elif self._products:
            result = layer.weight_layout.contents(self._products.words())
        if self.kernel.constant is None:
            result["parameter"] = self._parameter_rows()
        return result

    def _streamed_words(self, layer: StreamedConfig) -> list[int]:
        """Of each step what goes to the memories of the ring, the first one's bits lowest."""
        assert self._products is not None
        parts = layer.weight_layout.contents(self._products.words())
        words, begin = [0] * (layer.passes * layer.steps), 0
        for name, bits in layer.weight_layout.memories.items():
            words = [word | part << begin for word, part in zip(words, parts[name], strict=True)]
            begin += bits
        return words

    def _parameter_rows(self) -> list[int]:
        finish, shape = self.kernel.finish, self.kernel.shape
        words = self._finish.words() * (1 if self.task.pool else prod(self.folding.positions))
        words += [0] * (shape.passes * shape.sums - len(words))
        lanes, bits = finish.lanes, finish.parameter_bits
        rows = (words[n : n + lanes] for n in range(0, len(words), lanes))
        return [sum(w << (i * bits) for i, w in enumerate(row)) for row in rows]
