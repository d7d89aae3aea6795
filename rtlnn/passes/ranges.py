"""Range analysis: how many bits values need with the weights at hand."""

from dataclasses import replace

from rtlnn.ir.graph import Graph
from rtlnn.ir.types import FixedFormat, TensorType
from rtlnn.ops import (
    AveragePool2D,
    Concat,
    Conv2D,
    Extreme,
    FixedSoftmax,
    MaxPool2D,
    Rearrange,
    Requantize,
    Reshape,
    Table,
    Thresholds,
)
from rtlnn.passes.intervals import analyse

__all__ = ["narrow"]

_CODES = (FixedSoftmax, Requantize, Table, Thresholds)
"""What makes codes of a format of its own."""


def _paddings(graph: Graph) -> dict[str, list[int]]:
    """The integers that stand for padding in each value."""
    result: dict[str, list[int]] = {}
    for node in graph.nodes:
        if isinstance(node.op, (Conv2D, AveragePool2D)) and node.op.window.padded:
            result.setdefault(node.inputs[0], []).append(node.op.x_zero)
    return result


def _alike(graph: Graph) -> dict[str, set[str]]:
    """For each activation those that have the same format, because operations between them only select or reorder."""
    groups = {v: {v} for v in (*graph.inputs, *(n.output for n in graph.nodes))}
    for node in graph.nodes:
        if isinstance(node.op, (Concat, Extreme, MaxPool2D, Rearrange, Reshape)):
            members = set().union(*(groups[v] for v in (*node.inputs, node.output)))
            groups |= dict.fromkeys(members, members)
    return groups


def _declared(graph: Graph) -> dict[str, FixedFormat]:
    """The formats that the model gives: those of inputs, and of outputs that are codes."""
    found = {v: graph.types[v].fixed for v in graph.inputs}
    for node in graph.nodes:
        if node.output in graph.outputs and isinstance(node.op, _CODES):
            found[node.output] = node.op.output
    return found


def narrow(graph: Graph) -> Graph:
    """Give every value of an integer graph the narrowest format.

    Requires: integers alone, all parameters constant. Ensures: no input makes a value leave its format, which holds the
    integer of its padding, too. Inputs, and outputs that are codes, keep the format that the model gives them; weights
    keep theirs. What an operation selects from, and what it makes of that, have one format.
    """
    intervals, paddings, groups, declared = analyse(graph), _paddings(graph), _alike(graph), _declared(graph)
    types: dict[str, TensorType] = {}
    nodes = []
    for node in graph.nodes:
        kind, members = graph.types[node.output], sorted(groups[node.output])
        given = [declared[v] for v in (node.output, *members) if v in declared]
        if given:
            fixed = replace(kind.fixed, bits=given[0].bits, encoding=given[0].encoding)
        else:
            ends = [end for v in members for end in (*intervals[v].joined(), *paddings.get(v, ()))]
            fixed = FixedFormat.spanning(min(ends), max(ends), kind.fixed.scale, kind.fixed.zero_point)
        op = node.op
        if isinstance(op, (FixedSoftmax, Table, Thresholds)):
            op = replace(op, output=fixed)
        elif isinstance(op, Requantize):
            op = replace(op, output=fixed, lo=max(op.lo, fixed.lo), hi=min(op.hi, fixed.hi))
        types[node.output] = replace(kind, format=fixed)
        nodes.append(replace(node, op=op))
    return replace(graph, nodes=tuple(nodes), types={**graph.types, **types})
