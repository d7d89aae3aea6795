"""Results of few levels by comparison: a requantization to 2 bits is three comparisons instead of a multiplication."""

from dataclasses import replace

import numpy as np

from rtlnn.ir.graph import Graph, Node
from rtlnn.ir.types import Array, FixedFormat, TensorType
from rtlnn.ops import AveragePool2D, Conv2D, Dense, MaxPool2D, Requantize, Thresholds
from rtlnn.passes.bisection import first_of
from rtlnn.passes.intervals import Interval, analyse, open_sums
from rtlnn.passes.rewrite import pruned

__all__ = ["compare_few"]

ALWAYS = 3
"""Comparisons that take less than any requantization."""
MOST = 15
THRESHOLD_BITS = 200
"""Comparisons, and bits of a channel's thresholds, that take less than a multiplication: about 300 LUTs."""
_SUMS = (Conv2D, Dense, AveragePool2D, MaxPool2D)
"""Operations whose results a kernel compares."""


def _thresholds(graph: Graph, node: Node, source: Interval, result: Interval) -> tuple[Thresholds, Array, Array] | None:
    """The same function as comparisons with thresholds (K, C), and signs (C,); None where these are too many."""
    op = node.op
    assert isinstance(op, Requantize)
    parameters = [graph.constants[v] for v in node.inputs[1:]]
    multiplier, size = parameters[0], np.abs(parameters[0])
    base, top = result.joined()
    by_shifts = bool(((size & (size - 1)) == 0).all())
    least, largest = source.joined()
    sum_bits = max(-least, largest, 1).bit_length() + 1
    most = ALWAYS if by_shifts else max(min(MOST, THRESHOLD_BITS // sum_bits), ALWAYS)
    if not 0 < top - base <= most:
        return None
    direction = np.where(multiplier < 0, -1, 1)
    codes = np.arange(base + 1, top + 1)[:, np.newaxis]

    def holds(sums: Array) -> Array:
        reached: Array = op.evaluate(sums, *parameters) >= codes
        return reached

    return Thresholds(op.output, base), first_of(holds, least, largest, top - base, direction), direction


def compare_few(graph: Graph) -> Graph:
    """Requires: integers alone. Ensures: the same results; behind a layer or a pool, no requantization of 4 levels or
    fewer, nor one of 16 or fewer that multiplies narrow sums, but behind a reloadable layer: thresholds are made for
    the weights and biases at hand."""
    intervals, sums = analyse(graph), open_sums(graph)
    constants, types, nodes = dict(graph.constants), dict(graph.types), []
    for node in graph.nodes:
        found = None
        maker = graph.producer(node.inputs[0])
        compared = isinstance(node.op, Requantize) and node.inputs[0] not in sums
        if compared and (maker is None or isinstance(maker.op, _SUMS)):
            found = _thresholds(graph, node, intervals[node.inputs[0]], intervals[node.output])
        if found is None:
            nodes.append(node)
            continue
        op, *arrays = found
        names = (f"{node.name}.thresholds", f"{node.name}.sign")
        for name, array in zip(names, arrays, strict=True):
            constants[name] = array
            types[name] = TensorType(array.shape, FixedFormat.spanning(int(array.min()), int(array.max())))
        nodes.append(replace(node, op=op, inputs=(node.inputs[0], *names)))
    return pruned(replace(graph, nodes=tuple(nodes), types=types, constants=constants))
