"""Range analysis: how many bits values need with the weights at hand.

Worst case over all inputs: each channel of each value has an interval that no input leaves. Only final sums count:
hardware that wraps around at the width of a sum may wrap on the way, and still ends at the right one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from rtlnn.ir.graph import Graph, Node
from rtlnn.ir.types import Array, FixedFormat, TensorType
from rtlnn.ops import AveragePool2D, Conv2D, Dense, MaxPool2D, Requantize, Reshape, Table, Thresholds

__all__ = ["Interval", "analyse", "narrow"]


@dataclass(frozen=True, eq=False)
class Interval:
    """Smallest and largest integer of each channel, (C,) int64 each."""

    lo: Array
    hi: Array

    def joined(self) -> tuple[int, int]:
        """Bounds over all channels."""
        return int(self.lo.min()), int(self.hi.max())


def _products(weights: Array, x: Interval, x_zero: int, padded: bool) -> Interval:
    """Σ w·(x - x_zero) for weights (O, ..., channels of a group)."""
    lo, hi = x.lo - x_zero, x.hi - x_zero
    if padded:
        lo, hi = np.minimum(lo, 0), np.maximum(hi, 0)
    # (groups, outputs of a group, taps, channels of a group)
    groups, depth = len(lo) // weights.shape[-1], weights.shape[-1]
    w = weights.astype(np.int64).reshape(groups, len(weights) // groups, -1, depth)
    lo, hi = (v.reshape(groups, 1, 1, depth) for v in (lo, hi))
    positive, negative = np.maximum(w, 0), np.minimum(w, 0)
    least, most = positive * lo + negative * hi, positive * hi + negative * lo
    return Interval(least.sum(axis=(2, 3)).ravel(), most.sum(axis=(2, 3)).ravel())


def _reshaped(x: Interval, channels: int) -> Interval:
    if channels == len(x.lo):
        return x
    if channels % len(x.lo) == 0:
        return Interval(np.tile(x.lo, channels // len(x.lo)), np.tile(x.hi, channels // len(x.hi)))
    lo, hi = x.joined()
    return Interval(np.full(channels, lo), np.full(channels, hi))


def _monotonic(op: Requantize | Thresholds, x: Interval, parameters: list[Array]) -> Interval:
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


def _interval(node: Node, graph: Graph, known: Mapping[str, Interval]) -> Interval:
    x = known[node.inputs[0]]
    constants = [graph.constants[v] for v in node.inputs[1:]]
    match node.op:
        case Conv2D(window, x_zero):
            result = _products(constants[0], x, x_zero, window.padded)
        case Dense(x_zero):
            result = _products(constants[0], x, x_zero, False)
        case Requantize() | Thresholds():
            return _monotonic(node.op, x, constants)
        case AveragePool2D():
            return _averaged(node.op, x, graph.types[node.inputs[0]].shape)
        case MaxPool2D():
            return x
        case Reshape(shape):
            return _reshaped(x, shape[2])
        case Table(_, first):
            return _looked_up(x, constants[0], first)
        case _:
            raise ValueError(f"node {node.name!r}: {type(node.op).__name__} has no place in an integer graph")
    bias = constants[1] if len(constants) > 1 else np.int64(0)
    return Interval(result.lo + bias, result.hi + bias)


def analyse(graph: Graph) -> dict[str, Interval]:
    """The interval of every activation of an integer graph."""
    known = {}
    for name in graph.inputs:
        kind = graph.types[name]
        known[name] = Interval(np.full(kind.shape[2], kind.fixed.lo), np.full(kind.shape[2], kind.fixed.hi))
    for node in graph.nodes:
        known[node.output] = _interval(node, graph, known)
    return known


def _paddings(graph: Graph) -> dict[str, list[int]]:
    """The integers that stand for padding in each value, also on its way through pools and reshapes."""
    result: dict[str, list[int]] = {}
    for node in reversed(graph.nodes):
        found = list(result.get(node.output, ())) if isinstance(node.op, (MaxPool2D, Reshape)) else []
        if isinstance(node.op, (Conv2D, AveragePool2D)) and node.op.window.padded:
            found.append(node.op.x_zero)
        result.setdefault(node.inputs[0], []).extend(found)
    return result


def narrow(graph: Graph) -> Graph:
    """Give every value of an integer graph the narrowest format.

    Requires: integers alone, all parameters constant. Ensures: no input makes a value leave its format, which holds the
    integer of its padding, too. Inputs, and outputs that a Requantize makes, keep the format that the model gives them;
    weights keep theirs.
    """
    intervals, paddings = analyse(graph), _paddings(graph)
    types: dict[str, TensorType] = {}
    nodes = []
    for node in graph.nodes:
        kind = graph.types[node.output]
        lo, hi = intervals[node.output].joined()
        ends = (lo, hi, *paddings.get(node.output, ()))
        fixed = FixedFormat.spanning(min(ends), max(ends), kind.fixed.scale, kind.fixed.zero_point)
        op = node.op
        if isinstance(op, (Requantize, Table, Thresholds)) and node.output in graph.outputs:
            fixed = op.output
        elif isinstance(op, (Table, Thresholds)):
            op = replace(op, output=fixed)
        elif isinstance(op, Requantize):
            op = replace(op, output=fixed, lo=max(op.lo, fixed.lo), hi=min(op.hi, fixed.hi))
        types[node.output] = replace(kind, format=fixed)
        nodes.append(replace(node, op=op))
    return replace(graph, nodes=tuple(nodes), types={**graph.types, **types})
