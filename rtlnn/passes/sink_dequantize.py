"""Elements are selected and moved as codes where a function of them follows, so that it can become a table."""

from dataclasses import replace

import numpy as np

from rtlnn.ir.graph import Graph, Node
from rtlnn.ir.names import Names
from rtlnn.ops import Activation, Add, Affine, Clip, Dequantize, Extreme, MaxPool2D, Multiply, Op, Rearrange, Reshape
from rtlnn.passes.rewrite import infer_types, pruned

__all__ = ["sink_dequantize"]

_MOVES = (MaxPool2D, Rearrange, Reshape)
_FUNCTIONS = (Activation, Add, Affine, Clip, Extreme, Multiply)


def sink_dequantize(graph: Graph) -> Graph:
    """Ensures: no Dequantize lies before what only selects or moves elements, if a function of elements follows.

    Real values keep their names. A fill must be one of the codes' numbers.
    """
    wanted = _wanted(graph)
    names, node_names = Names(graph.types), Names(n.name for n in graph.nodes)
    makers: dict[str, Node] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        maker = makers.get(node.inputs[0])
        moved = _on_codes(node.op, maker.op) if node.output in wanted and maker is not None else None
        if maker is None or moved is None:
            nodes.append(node)
        else:
            codes = names(f"{node.output}.codes")
            nodes.append(replace(node, op=moved, inputs=(maker.inputs[0],), output=codes))
            nodes.append(Node(node_names(f"{node.name}.real"), maker.op, (codes,), node.output))
        if isinstance(nodes[-1].op, Dequantize):
            makers[node.output] = nodes[-1]
    return infer_types(pruned(replace(graph, nodes=tuple(nodes))))


def _wanted(graph: Graph) -> set[str]:
    """What moves make, and functions read; perhaps after further moves."""
    wanted: set[str] = set()
    for node in reversed(graph.nodes):
        if isinstance(node.op, _FUNCTIONS):
            wanted.update(node.inputs)
        elif isinstance(node.op, _MOVES) and node.output in wanted:
            wanted.add(node.inputs[0])
    return wanted


def _on_codes(op: Op, dequantize: Op) -> Op | None:
    """The same operation before `dequantize`; None where there is none."""
    if not isinstance(op, _MOVES) or not isinstance(dequantize, Dequantize):
        return None
    fixed = dequantize.input
    if isinstance(fixed.scale, tuple):
        return None
    if not isinstance(op, Rearrange) or not (op.places < 0).any():
        return op
    code = op.fill / fixed.scale + fixed.zero_point
    near = int(np.rint(code))
    return replace(op, fill=near) if abs(code - near) < 1e-6 and fixed.lo <= near <= fixed.hi else None
