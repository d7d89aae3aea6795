"""A requantization that only clips or shifts codes is done by the one before it.

Quantizers put QuantizeLinear between a layer and its activation when told to; the second pair then changes no scale.
"""

from dataclasses import replace

import numpy as np

from rtlnn.ir.graph import Graph, Node
from rtlnn.ops import Requantize
from rtlnn.passes.rewrite import pruned

__all__ = ["merge_requantize"]


def _offset(graph: Graph, node: Node) -> int | None:
    """The integer that `node` adds to every code before its zero point; None if it does more than that."""
    multiplier, shift, *bias = (graph.constants[v] for v in node.inputs[1:])
    if (multiplier != 1).any() or shift.any():
        return None
    added = bias[0] if bias else np.zeros_like(shift)
    return int(added[0]) if (added == added[0]).all() else None


def _merged(graph: Graph, node: Node) -> Graph | None:
    if not isinstance(node.op, Requantize):
        return None
    first = graph.producer(node.inputs[0])
    offset = _offset(graph, node)
    if first is None or not isinstance(first.op, Requantize) or offset is None:
        return None
    if len(graph.users(first.output)) != 1 or first.output in graph.outputs:
        return None
    moved = offset + node.op.offset
    lo, hi = (min(max(bound + moved, node.op.lo), node.op.hi) for bound in (first.op.lo, first.op.hi))
    op = replace(first.op, output=node.op.output, zero=first.op.offset + moved, lo=lo, hi=hi)
    merged = Node(node.name, op, first.inputs, node.output)
    nodes = tuple(merged if n is node else n for n in graph.nodes if n is not first)
    return pruned(replace(graph, nodes=nodes))


def merge_requantize(graph: Graph) -> Graph:
    """Requires: integers alone. Ensures: no requantization at the scale of the one before it; the same results."""
    changed: Graph | None = graph
    while changed is not None:
        graph = changed
        changed = next((new for n in graph.nodes if (new := _merged(graph, n)) is not None), None)
    return graph
