"""Interval arithmetic: between which integers each channel of each value lies, whatever the input.

Only final sums count: hardware that wraps around at the width of a sum may wrap on the way, and still ends at the right
one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rtlnn.ir.graph import Graph, Node
from rtlnn.ir.op import CodeOp, Op
from rtlnn.ir.types import Array, FixedFormat, TensorType
from rtlnn.ops import (
    Add,
    ArgMax,
    AveragePool2D,
    Concat,
    Conv2D,
    Dense,
    Extreme,
    FixedSoftmax,
    MaxPool2D,
    Multiply,
    Rearrange,
    Requantize,
    Reshape,
    Table,
    Thresholds,
)

__all__ = ["Interval", "analyse", "open_sums"]


@dataclass(frozen=True, eq=False)
class Interval:
    """Smallest and largest integer of each channel, (C,) int64 each."""

    lo: Array
    hi: Array

    def joined(self) -> tuple[int, int]:
        """Bounds over all channels."""
        return int(self.lo.min()), int(self.hi.max())

    def everywhere(self, lo: int, hi: int) -> "Interval":
        """Other bounds, the same for every channel."""
        return Interval(np.full(len(self.lo), lo), np.full(len(self.hi), hi))


def _products(
    weights: Array, x: Interval, x_zero: int, padded: bool, any_of: tuple[int, int] | None = None
) -> Interval:
    """Σ w·(x - x_zero) for weights (O, ..., channels of a group), or for any between two ends in their places."""
    lo, hi = x.lo - x_zero, x.hi - x_zero
    if padded:
        lo, hi = np.minimum(lo, 0), np.maximum(hi, 0)
    # (groups, outputs of a group, taps, channels of a group)
    groups, depth = len(lo) // weights.shape[-1], weights.shape[-1]
    w = weights.astype(np.int64).reshape(groups, len(weights) // groups, -1, depth)
    lo, hi = (v.reshape(groups, 1, 1, depth) for v in (lo, hi))
    ends = [w] if any_of is None else [np.full_like(w, end) for end in any_of]
    products = [(np.maximum(w, 0), np.minimum(w, 0)) for w in ends]
    least = np.min([positive * lo + negative * hi for positive, negative in products], axis=0)
    most = np.max([positive * hi + negative * lo for positive, negative in products], axis=0)
    return Interval(least.sum(axis=(2, 3)).ravel(), most.sum(axis=(2, 3)).ravel())


def _reshaped(x: Interval, channels: int) -> Interval:
    if channels == len(x.lo):
        return x
    if channels % len(x.lo) == 0:
        return Interval(np.tile(x.lo, channels // len(x.lo)), np.tile(x.hi, channels // len(x.hi)))
    lo, hi = x.joined()
    return Interval(np.full(channels, lo), np.full(channels, hi))


def _monotonic(op: Requantize | Thresholds, x: Interval, parameters: Sequence[Array]) -> Interval:
    """Of what is monotonic in each channel, the ends of an interval become the ends of another."""
    ends = [op.evaluate(v[np.newaxis, np.newaxis, np.newaxis], *parameters)[0, 0, 0] for v in (x.lo, x.hi)]
    return Interval(np.minimum(*ends), np.maximum(*ends))


def _averaged(op: AveragePool2D, x: Interval, size: tuple[int, ...]) -> Interval:
    """Sums times D / n: at most the whole range times D, and padding counts as zero."""
    _, divisor = op.factors(size)
    lo, hi = (x.lo - op.x_zero) * divisor, (x.hi - op.x_zero) * divisor
    if any(op.counted) and op.window.padded:
        lo, hi = np.minimum(lo, 0), np.maximum(hi, 0)
    return Interval(lo, hi)


def _looked_up(x: Interval, table: Array, first: int) -> Interval:
    """The least and the largest of the entries that each channel reaches."""
    rows = np.broadcast_to(table, (len(x.lo), table.shape[-1]))
    reached = [row[lo : hi + 1] for row, lo, hi in zip(rows, x.lo - first, x.hi - first, strict=True)]
    return Interval(np.array([row.min() for row in reached]), np.array([row.max() for row in reached]))


def _layer(op: Conv2D | Dense, x: Interval, constants: Sequence[Array], w: FixedFormat) -> Interval:
    """The sums of a layer whose weights are of format `w`."""
    weights, *bias = constants
    padded = isinstance(op, Conv2D) and op.window.padded
    sums = _products(weights, x, op.x_zero, padded, (w.lo, w.hi) if op.reloadable else None)
    return Interval(sums.lo + bias[0], sums.hi + bias[0]) if bias else sums


def _moved(op: Rearrange, x: Interval) -> Interval:
    """The least and the largest of the channels that each channel takes elements from."""
    channels = op.places % len(x.lo)
    lo, hi = (np.where(op.places < 0, int(op.fill), ends[channels]) for ends in (x.lo, x.hi))
    return Interval(lo.min(axis=(0, 1)), hi.max(axis=(0, 1)))


def _times(a: Interval, b: Interval) -> Interval:
    products = np.array([p * q for p in (a.lo, a.hi) for q in (b.lo, b.hi)])
    return Interval(products.min(axis=0), products.max(axis=0))


def _sum(op: Add, inputs: Sequence[Interval], factors: Sequence[Array]) -> Interval:
    """As if the inputs did not depend on one another."""
    centred = [Interval(x.lo - z, x.hi - z) for x, z in zip(inputs, op.zeros, strict=True)]
    a, b = (_times(x, Interval(m, m)) for x, m in zip(centred, factors, strict=True)) if factors else centred
    return Interval(a.lo + b.lo, a.hi + b.hi)


def _product(op: Multiply, inputs: Sequence[Interval], _: Sequence[Array]) -> Interval:
    a, b = (Interval(x.lo - z, x.hi - z) for x, z in zip(inputs, op.zeros, strict=True))
    return _times(a, b)


def _extreme(op: Extreme, inputs: Sequence[Interval], _: Sequence[Array]) -> Interval:
    choose = np.maximum if op.largest else np.minimum
    a, b = inputs
    return Interval(choose(a.lo, b.lo), choose(a.hi, b.hi))


def _concat(op: Concat, inputs: Sequence[Interval], _: Sequence[Array]) -> Interval:
    los, his = [x.lo for x in inputs], [x.hi for x in inputs]
    if op.axis == 2:
        return Interval(np.concatenate(los), np.concatenate(his))
    return Interval(np.min(los, axis=0), np.max(his, axis=0))


_OF_SEVERAL: Mapping[type[Op], Callable[[Any, Sequence[Interval], Sequence[Array]], Interval]] = {
    Add: _sum,
    Concat: _concat,
    Extreme: _extreme,
    Multiply: _product,
}

_OF_ONE: Mapping[type[Op], Callable[[Any, Interval, TensorType, Sequence[Array]], Interval]] = {
    ArgMax: lambda op, x, kind, constants: Interval(np.array([0]), np.array([len(x.lo) - 1])),
    AveragePool2D: lambda op, x, kind, constants: _averaged(op, x, kind.shape[:2]),
    FixedSoftmax: lambda op, x, kind, constants: x.everywhere(op.output.zero_point, op.output.hi),
    MaxPool2D: lambda op, x, kind, constants: x,
    Rearrange: lambda op, x, kind, constants: _moved(op, x),
    Requantize: lambda op, x, kind, constants: _monotonic(op, x, constants),
    Reshape: lambda op, x, kind, constants: _reshaped(x, op.shape[2]),
    Table: lambda op, x, kind, constants: _looked_up(x, constants[0], op.first),
    Thresholds: lambda op, x, kind, constants: _monotonic(op, x, constants),
}


def _interval(node: Node, graph: Graph, known: Mapping[str, Interval]) -> Interval:
    inputs = [known[v] for v in node.inputs if v in known]
    constants = [graph.constants[v] for v in node.inputs if v in graph.constants]
    kind = type(node.op)
    if isinstance(node.op, CodeOp):
        return Interval(*node.op.bounds(inputs[0].lo, inputs[0].hi))
    if isinstance(node.op, Conv2D | Dense):
        return _layer(node.op, inputs[0], constants, graph.types[node.inputs[1]].fixed)
    if kind in _OF_SEVERAL:
        return _OF_SEVERAL[kind](node.op, inputs, constants)
    if kind in _OF_ONE:
        return _OF_ONE[kind](node.op, inputs[0], graph.types[node.inputs[0]], constants)
    raise ValueError(f"node {node.name!r}: {kind.__name__} has no place in an integer graph")


def open_sums(graph: Graph) -> set[str]:
    """Sums, and what is selected or made of them without being requantized, that a reloaded bias can make larger."""
    found: set[str] = set()
    for node in graph.nodes:
        reloaded = isinstance(node.op, Conv2D | Dense) and node.op.reloadable
        if reloaded or (not isinstance(node.op, Requantize | Table | Thresholds) and found.intersection(node.inputs)):
            found.add(node.output)
    return found


def analyse(graph: Graph) -> dict[str, Interval]:
    """The interval of every activation of an integer graph.

    What is requantized of sums of a reloadable layer has all the codes that there are: its bias may be another, too.
    """
    known = {}
    for name in graph.inputs:
        kind = graph.types[name]
        known[name] = Interval(np.full(kind.shape[2], kind.fixed.lo), np.full(kind.shape[2], kind.fixed.hi))
    sums = open_sums(graph)
    for node in graph.nodes:
        found = _interval(node, graph, known)
        if isinstance(node.op, Requantize) and node.inputs[0] in sums:
            found = found.everywhere(node.op.lo, node.op.hi)
        known[node.output] = found
    return known
