"""Grouping of operations into hardware kernels."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rtlnn.errors import InputError
from rtlnn.ir.graph import Graph, Node
from rtlnn.ir.types import Array, FixedFormat, TensorType
from rtlnn.layers.lane_sums import Operand, SortedSums
from rtlnn.ops import AveragePool2D, Conv2D, Dense, MaxPool2D, Op, Requantize, Reshape, Window

__all__ = ["Parameters", "Task", "tasks_of"]

_POINT = Window((1, 1))


@dataclass(frozen=True, eq=False)
class Parameters:
    """Per channel: y = ((sum + bias)·multiplier + offset) / 2**shift."""

    bias: Array
    multiplier: Array
    offset: Array
    shift: Array

    @cached_property
    def rows(self) -> list[tuple[int, int, int, int]]:
        """(bias, multiplier, offset, shift) of every channel."""
        columns = (self.bias, self.multiplier, self.offset, self.shift)
        return [(int(b), int(m), int(o), int(s)) for b, m, o, s in zip(*columns, strict=True)]

    @property
    def uniform(self) -> bool:
        """Whether all channels are treated alike."""
        return all((v == v[0]).all() for v in (self.bias, self.multiplier, self.offset, self.shift))


@dataclass(frozen=True, eq=False)
class Task:
    """What one kernel computes: a window operation, a pool and a requantization behind it, or a requantization alone.

    Parameters
    ----------
    name : the model's name for the operation
    node : the window operation; the requantization itself where it stands alone
    requantize : the requantization, None where the next layer takes the sums as they are
    input, sums, output : types of the values; `sums` are those of the window operation, before a pool
    constants : of the graph
    pool : the windows of which the largest sums are requantized; they do not overlap and read no padding
    """

    name: str
    node: Node
    requantize: Node | None
    input: TensorType
    sums: TensorType
    output: TensorType
    constants: Mapping[str, Array]
    pool: Window | None = None

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
        """The least and the largest weight. Raises `TypeError` where there are none."""
        if self.weights is None:
            raise TypeError(f"{self.name} has no weights")
        return int(self.weights.min()), int(self.weights.max())

    @cached_property
    def lane_sums(self) -> dict[bool, SortedSums]:
        """Bounds of sums that hold for every folding, for activations that are signed, or not, with the same bits.

        Raises `TypeError` where there are no weights.
        """
        if self.weights is None:
            raise TypeError(f"{self.name} has no weights")
        flat = self.weights.reshape(len(self.weights), -1).astype(np.int64)
        return {s: SortedSums.of(flat, Operand.of(self.input.fixed.bits, s)) for s in (False, True)}

    @property
    def weight_format(self) -> FixedFormat:
        """The narrowest signed format of the weights at hand. Raises `TypeError` where there are none."""
        least, largest = self.weight_bounds
        return FixedFormat.spanning(min(least, -1), largest)

    @cached_property
    def parameters(self) -> Parameters:
        """What the requantization does to each channel."""
        zero = np.zeros_like(self.bias)
        if self.requantize is None:
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
        return bias.astype(np.int64) - self.x_zero * weights.astype(np.int64).sum(axis=(1, 2, 3))

    @property
    def macs(self) -> int:
        """Multiplications a frame."""
        weights = self.weights
        return 0 if weights is None else self.sums.shape[0] * self.sums.shape[1] * weights.size


def tasks_of(graph: Graph, pools: bool = False) -> list[Task]:
    """The kernels of a chain, in order; reshapes need none.

    With `pools`, a kernel takes the pool between its sums and their requantization, too.
    Raises `InputError` where the graph is no chain.
    """
    tasks: list[Task] = []
    value = graph.inputs[0]
    while users := graph.users(value):
        if len(users) > 1 or value in graph.outputs:
            names = ", ".join(repr(n.name) for n in users)
            raise InputError(f"{value!r} feeds {names}: branches are not supported yet; cut the model into chains")
        node = users[0]
        source, value = graph.types[value], node.output
        if isinstance(node.op, Reshape):
            continue
        sums = graph.types[value]
        pool: Window | None = None
        if isinstance(node.op, Requantize):
            requantize: Node | None = node
            sums = source
        else:
            requantize = _next(graph, value, Requantize)
            if pools and requantize is None and (found := _pool_of_sums(graph, node)) is not None:
                largest, pool = found
                requantize = _next(graph, largest, Requantize)
            value = requantize.output if requantize else value
        tasks.append(Task(node.name, node, requantize, source, sums, graph.types[value], graph.constants, pool))
    if not tasks:
        raise InputError("the model has nothing to compute in hardware: no layer lies between its quantizations")
    return tasks


def _next(graph: Graph, value: str, kind: type[Op]) -> Node | None:
    """The only user of `value`, if it is of this kind."""
    users = graph.users(value)
    return users[0] if len(users) == 1 and value not in graph.outputs and isinstance(users[0].op, kind) else None


def _pool_of_sums(graph: Graph, node: Node) -> tuple[str, Window] | None:
    """The pool between the sums of `node` and their requantization, and the value that it makes."""
    pool = _next(graph, node.output, MaxPool2D)
    if pool is None or not isinstance(node.op, Conv2D) or not isinstance(pool.op, MaxPool2D):
        return None
    if not pool.op.window.disjoint or _next(graph, pool.output, Requantize) is None:
        return None
    return pool.output, pool.op.window
