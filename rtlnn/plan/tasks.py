"""Grouping of operations into layers of hardware."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rtlnn.errors import InputError
from rtlnn.ir.graph import Graph, Node
from rtlnn.ir.types import Array, Encoding, FixedFormat, TensorType
from rtlnn.layers.lane_sums import Operand, SortedSums
from rtlnn.ops import (
    Add,
    AveragePool2D,
    Conv2D,
    Dense,
    MaxPool2D,
    Multiply,
    Op,
    Requantize,
    Reshape,
    Thresholds,
    Window,
)

__all__ = ["Parameters", "Task", "origins_of", "signed_bits", "tasks_of"]

_POINT = Window((1, 1))
_FINISHES = (Requantize, Thresholds)
"""What makes results of sums."""
_KERNELS = (Conv2D, Dense, MaxPool2D, AveragePool2D, *_FINISHES)
"""What a windowed kernel computes."""
_REQUANTIZED = (*_KERNELS, Add, Multiply)
"""What takes the requantization behind it."""


def signed_bits(values: Array) -> int:
    """Bits of the narrowest two's complement that holds them all."""
    return int(np.maximum(values, ~values).max()).bit_length() + 1


@dataclass(frozen=True, eq=False)
class Parameters:
    """Per channel: y = ((sum + bias)·multiplier + offset) / 2**shift. Biases may be `replaced` by any others."""

    bias: Array
    multiplier: Array
    offset: Array
    shift: Array
    replaced: bool = False

    @cached_property
    def rows(self) -> list[tuple[int, int, int, int]]:
        """(bias, multiplier, offset, shift) of every channel."""
        columns = (self.bias, self.multiplier, self.offset, self.shift)
        return [(int(b), int(m), int(o), int(s)) for b, m, o, s in zip(*columns, strict=True)]

    @cached_property
    def biased(self) -> bool:
        return self.replaced or bool(self.bias.any())

    @cached_property
    def multiplies(self) -> bool:
        """Whether any multiplier is not 1, or there is an offset."""
        return bool((self.multiplier != 1).any() or self.offset.any())

    @cached_property
    def multiplier_bits(self) -> int:
        """Of two's complement."""
        return signed_bits(self.multiplier)

    @cached_property
    def offset_bits(self) -> int:
        """Of two's complement; 0 where there is no offset."""
        return signed_bits(self.offset) if self.offset.any() else 0

    @cached_property
    def shifts(self) -> tuple[int, int]:
        """The least and the largest."""
        return int(self.shift.min()), int(self.shift.max())

    @cached_property
    def uniform(self) -> bool:
        """Whether all channels are treated alike, whatever replaces them."""
        return not self.replaced and all(
            (v == v[0]).all() for v in (self.bias, self.multiplier, self.offset, self.shift)
        )


@dataclass(frozen=True, eq=False)
class Task:
    """What one layer computes.

    A kernel's: a window operation, a pool and a requantization behind it, or a requantization alone. Else an operation
    without weights, on one value or several, and perhaps a requantization behind it.

    Parameters
    ----------
    name : the model's name for the operation
    node : the operation; the requantization itself where it stands alone
    requantize : the requantization, or the thresholds; None where the next layer takes the sums as they are
    inputs, sums, output : types of the values; `sums` are those of the operation, before a pool
    constants : of the graph
    sources : names of the values that come in, where they are made: reshapes are left out
    result : name of the value that goes out
    pool : the windows of which the largest sums are requantized; they do not overlap and read no padding
    any_weight : the weights may be replaced by any of this format; None where they stay as they are
    """

    name: str
    node: Node
    requantize: Node | None
    inputs: tuple[TensorType, ...]
    sums: TensorType
    output: TensorType
    constants: Mapping[str, Array]
    sources: tuple[str, ...]
    result: str
    pool: Window | None = None
    any_weight: FixedFormat | None = None

    @property
    def is_kernel(self) -> bool:
        """Whether a windowed kernel computes it."""
        return isinstance(self.node.op, _KERNELS)

    @property
    def input(self) -> TensorType:
        """The first of the inputs: a kernel has no other."""
        return self.inputs[0]

    @property
    def kind(self) -> str:
        """Operators, for reports."""
        name = type(self.node.op).__name__
        return f"{name}+{MaxPool2D.__name__}" if self.pool else name

    @property
    def window(self) -> Window:
        op = self.node.op
        return op.window if isinstance(op, (Conv2D, MaxPool2D, AveragePool2D)) else _POINT

    @property
    def x_zero(self) -> int:
        op = self.node.op
        return op.x_zero if isinstance(op, (Conv2D, Dense, AveragePool2D)) else 0

    @property
    def groups(self) -> int:
        """Groups of the channels, each with sums of its own: every channel where there are no weights."""
        op = self.node.op
        if isinstance(op, Conv2D):
            return op.groups
        return 1 if isinstance(op, Dense) else self.input.shape[2]

    @property
    def depth(self) -> int:
        """Channels of a group of the input."""
        return self.input.shape[2] // self.groups

    @cached_property
    def weights(self) -> Array | None:
        """Weights (O, KH, KW, `depth`), None where the operation has none."""
        op = self.node.op
        if isinstance(op, Conv2D):
            return self.constants[self.node.inputs[1]]
        if isinstance(op, Dense):
            w = self.constants[self.node.inputs[1]]
            return w.reshape(len(w), 1, 1, -1)
        return None

    @cached_property
    def weight_bounds(self) -> tuple[int, int]:
        """The least and the largest weight that there may be. Raises `TypeError` where there are none."""
        if self.weights is None:
            raise TypeError(f"{self.name} has no weights")
        if self.any_weight is not None:
            return self.any_weight.lo, self.any_weight.hi
        return int(self.weights.min()), int(self.weights.max())

    @cached_property
    def weight_levels(self) -> tuple[int, ...]:
        """The values of weights that may occur, ascending. Raises `TypeError` where there are none."""
        if self.weights is None:
            raise TypeError(f"{self.name} has no weights")
        if (given := self.any_weight) is not None:
            return tuple(range(given.lo, given.hi + 1, 2 if given.encoding is Encoding.BIPOLAR else 1))
        return tuple(int(v) for v in np.unique(self.weights))

    @cached_property
    def weight_sums(self) -> Array:
        """Of the weights of each output channel. Raises `TypeError` where there are none."""
        if self.weights is None:
            raise TypeError(f"{self.name} has no weights")
        sums: Array = self.weights.astype(np.int64).sum(axis=(1, 2, 3))
        return sums

    @cached_property
    def weight_extremes(self) -> tuple[Array, Array]:
        """The most that positive, and that negative weights of each output channel add up to. Raises `TypeError`."""
        if self.weights is None:
            raise TypeError(f"{self.name} has no weights")
        if (given := self.any_weight) is not None:
            most = np.full(len(self.weights), self.weights[0].size, np.int64)
            return most * max(given.hi, 0), most * min(given.lo, 0)
        flat = self.weights.reshape(len(self.weights), -1).astype(np.int64)
        return np.maximum(flat, 0).sum(axis=1), np.minimum(flat, 0).sum(axis=1)

    @cached_property
    def lane_sums(self) -> dict[bool, SortedSums]:
        """Bounds of sums that hold for every folding, for activations that are signed, or not, with the same bits.

        Raises `TypeError` where there are no weights.
        """
        if self.weights is None:
            raise TypeError(f"{self.name} has no weights")
        flat = self.weights.reshape(len(self.weights), -1).astype(np.int64)
        if (given := self.any_weight) is not None:
            # none is further from 0
            flat = np.full_like(flat, given.lo if -given.lo >= given.hi else given.hi)
        return {s: SortedSums.of(flat, Operand.of(self.input.fixed.bits, s)) for s in (False, True)}

    @cached_property
    def weight_format(self) -> FixedFormat:
        """The narrowest signed format of the weights that there may be. Raises `TypeError` where there are none."""
        least, largest = self.weight_bounds
        return FixedFormat.spanning(min(least, -1), largest)

    @cached_property
    def parameters(self) -> Parameters:
        """What the requantization does to each channel; nothing where there is none, or thresholds follow."""
        zero = np.zeros_like(self.bias)
        if self.requantize is None or not isinstance(self.requantize.op, Requantize):
            return Parameters(self.bias, zero, zero, zero)
        multiplier, shift, *offset = (self.constants[v].astype(np.int64) for v in self.requantize.inputs[1:])
        return Parameters(self.bias, multiplier, offset[0] if offset else zero, shift)

    @cached_property
    def bias(self) -> Array:
        """What is added to Σ weight·x, per channel: the bias, and what the zero point takes away."""
        channels = self.sums.shape[2]
        weights = self.weights
        if weights is None:
            return np.zeros(channels, dtype=np.int64)
        bias = self.constants[self.node.inputs[2]] if len(self.node.inputs) == 3 else np.zeros(channels, np.int64)
        return bias.astype(np.int64) - self.x_zero * self.weight_sums

    @cached_property
    def simplest(self) -> dict[bytes, Parameters]:
        """The parameters in their cheapest form (see `finishing`), by what was taken from the sums."""
        return {}

    @property
    def macs(self) -> int:
        """Multiplications a frame."""
        weights = self.weights
        return 0 if weights is None else self.sums.shape[0] * self.sums.shape[1] * weights.size


def tasks_of(graph: Graph, pools: bool = False) -> list[Task]:
    """The layers of a graph, each after those that feed it; reshapes need none.

    With `pools`, a kernel takes the pool between its sums and their requantization, too.
    Raises `InputError` where there is nothing to compute.
    """
    tasks: list[Task] = []
    done: set[str] = set()
    origins = origins_of(graph)
    for node in graph.nodes:
        if isinstance(node.op, Reshape) or node.name in done:
            continue
        found = _task(graph, node, pools, origins)
        tasks.append(found)
        if found.requantize is not None:
            done.add(found.requantize.name)
            if found.pool is not None:
                done |= {n.name for n in graph.nodes if n.output == found.requantize.inputs[0]}
    if not tasks:
        raise InputError("the model has nothing to compute in hardware: no layer lies between its quantizations")
    return tasks


def origins_of(graph: Graph) -> dict[str, str]:
    """For every value the one that it is a reshape of, or itself."""
    origins = {value: value for value in graph.types}
    for node in graph.nodes:
        if isinstance(node.op, Reshape):
            origins[node.output] = origins[node.inputs[0]]
    return origins


def _task(graph: Graph, node: Node, pools: bool, origins: Mapping[str, str]) -> Task:
    """The layer that begins with `node`."""
    activations = [v for v in node.inputs if v not in graph.constants]
    value = node.output
    sums = graph.types[value]
    pool: Window | None = None
    if isinstance(node.op, _FINISHES):
        requantize: Node | None = node
        sums = graph.types[activations[0]]
    else:
        finishes = _FINISHES if isinstance(node.op, _KERNELS) else (Requantize,)
        requantize = _next(graph, value, *finishes) if isinstance(node.op, _REQUANTIZED) else None
        if pools and requantize is None and (found := _pool_of_sums(graph, node)) is not None:
            largest, pool = found
            requantize = _next(graph, largest, *_FINISHES)
        value = requantize.output if requantize else value
    return Task(
        node.name,
        node,
        requantize,
        tuple(graph.types[v] for v in activations),
        sums,
        graph.types[value],
        graph.constants,
        tuple(origins[v] for v in activations),
        value,
        pool,
        graph.types[node.inputs[1]].fixed if isinstance(node.op, Conv2D | Dense) and node.op.reloadable else None,
    )


def _next(graph: Graph, value: str, *kinds: type[Op]) -> Node | None:
    """The only user of `value`, if it is of one of these kinds."""
    users = graph.users(value)
    return users[0] if len(users) == 1 and value not in graph.outputs and isinstance(users[0].op, kinds) else None


def _pool_of_sums(graph: Graph, node: Node) -> tuple[str, Window] | None:
    """The pool between the sums of `node` and their requantization, and the value that it makes."""
    pool = _next(graph, node.output, MaxPool2D)
    if pool is None or not isinstance(node.op, Conv2D) or not isinstance(pool.op, MaxPool2D):
        return None
    if not pool.op.window.disjoint or _next(graph, pool.output, *_FINISHES) is None:
        return None
    return pool.output, pool.op.window
