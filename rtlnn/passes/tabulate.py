"""Functions of one quantized value become tables from its codes to the codes of the result."""

from dataclasses import replace

import numpy as np

from rtlnn.ir.graph import Graph, Node
from rtlnn.ir.names import Names
from rtlnn.ir.types import Array, FixedFormat, TensorType
from rtlnn.ops import Activation, Add, Extreme, Multiply, Quantize, Table
from rtlnn.passes.elementwise import evaluated, origins_of, region
from rtlnn.passes.rewrite import infer_types, pruned

__all__ = ["tabulate"]

LARGEST_BITS = 16
"""Codes of more bits are not tabulated."""

LARGEST_TABLE = 1 << 22
"""Entries of a table, over all channels."""

_BEYOND_SCALING = (Activation, Add, Extreme, Multiply)
"""What a requantization cannot do."""


def tabulate(graph: Graph) -> Graph:
    """Tables in place of what lies between codes and codes, where that is a function of each element alone.

    Between a Dequantize and a Quantize may lie activations, arithmetic with constants, and sums and products of
    functions of the same value, as in x·sigmoid(x); also further pairs of Quantize and Dequantize. What a
    requantization can do is left to it. Every operation is computed in float32 for every code.

    Requires: types. Ensures: an Activation behind quantized values is left only where no Quantize follows.
    """
    origins = origins_of(graph)
    names = Names(graph.types)
    constants, types = dict(graph.constants), dict(graph.types)
    nodes = []
    for node in graph.nodes:
        made = node
        if isinstance(node.op, Quantize) and (origin := _origin(graph, origins[node.inputs[0]])) is not None:
            inner = region(graph, origin, node.output)
            if any(isinstance(n.op, _BEYOND_SCALING) for n in inner):
                table = _table(graph, inner, origin, node.output)
                if table is not None:
                    name = names(f"{node.name}.table")
                    constants[name] = table
                    types[name] = TensorType(table.shape, FixedFormat.spanning(int(table.min()), int(table.max())))
                    op = Table(node.op.output, graph.types[origin].fixed.lo)
                    made = replace(node, name=_name(graph, inner, node), op=op, inputs=(origin, name))
        nodes.append(made)
    return infer_types(pruned(replace(graph, nodes=tuple(nodes), constants=constants, types=types)))


def _name(graph: Graph, nodes: list[Node], quantize: Node) -> str:
    """That of the last function in the table, unless others need its result as well."""
    last = next(n for n in reversed(nodes) if isinstance(n.op, _BEYOND_SCALING))
    return last.name if len(graph.users(last.output)) == 1 and last.output not in graph.outputs else quantize.name


def _origin(graph: Graph, chain: tuple[str, ...]) -> str | None:
    """Of all origins the one of the fewest bits, and of these the furthest."""
    usable = [v for v in chain if graph.types[v].fixed.bits <= LARGEST_BITS]
    return min(reversed(usable), key=lambda v: graph.types[v].fixed.bits, default=None)


def _table(graph: Graph, nodes: list[Node], origin: str, value: str) -> Array | None:
    """(entries,), or (channels, entries) where they differ; None if that were too many."""
    kind = graph.types[origin]
    codes = np.arange(kind.fixed.lo, kind.fixed.hi + 1)
    channels = kind.shape[2]
    if len(codes) * channels > LARGEST_TABLE:
        return None
    grid = np.broadcast_to(codes[:, np.newaxis, np.newaxis, np.newaxis], (len(codes), 1, 1, channels))
    found = evaluated(nodes, {origin: grid}, graph.constants, value)[:, 0, 0].T.astype(np.int64)
    return found[0] if (found == found[0]).all() else found
