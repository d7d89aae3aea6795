"""Reshapes that the host can do for nothing, because it packs and unpacks frames anyway."""

from collections import Counter
from dataclasses import replace

import numpy as np

from rtlnn.ir.graph import Graph, Node
from rtlnn.ir.types import Array
from rtlnn.ops import Activation, Affine, Clip, Dequantize, Quantize, Reshape
from rtlnn.passes.rewrite import infer_types, pruned

__all__ = ["settle_reshapes"]


def _is_uniform(node: Node, constants: dict[str, Array]) -> bool:
    """Whether the node does the same to every element, so that a reshape can change places with it."""
    if isinstance(node.op, Affine):
        return all(bool((constants[v] == constants[v][0]).all()) for v in node.inputs[1:])
    if isinstance(node.op, Dequantize):
        return not isinstance(node.op.input.scale, tuple) and node.inputs[0] not in constants
    return isinstance(node.op, (Activation, Clip, Quantize))


def _resized(node: Node, channels: int, constants: dict[str, Array]) -> None:
    """Spread the parameters of a uniform node over another number of channels."""
    if isinstance(node.op, Affine):
        for v in node.inputs[1:]:
            constants[v] = np.full(channels, constants[v][0])


def _shared(graph: Graph) -> set[str]:
    """Constants that several nodes read: their readers are left alone."""
    uses = Counter(v for n in graph.nodes for v in n.inputs)
    return {v for v in graph.constants if uses[v] > 1}


def _to_input(graph: Graph, source: str) -> Graph | None:
    """One reshape less between the input `source` and what first needs a shape, or None."""
    constants = dict(graph.constants)
    shared = _shared(graph)
    path: list[Node] = []
    value = source
    while len(users := graph.users(value)) == 1 and value not in graph.outputs:
        (node,) = users
        if isinstance(node.op, Reshape):
            for n in path:
                _resized(n, node.op.shape[2], constants)
            nodes = tuple(
                replace(n, inputs=tuple(value if v == node.output else v for v in n.inputs))
                for n in graph.nodes
                if n is not node
            )
            outputs = tuple(value if v == node.output else v for v in graph.outputs)
            types = {**graph.types, source: replace(graph.types[source], shape=node.op.shape)}
            types |= {v: replace(types[v], shape=a.shape) for v, a in constants.items()}
            return infer_types(pruned(replace(graph, nodes=nodes, outputs=outputs, types=types, constants=constants)))
        if not _is_uniform(node, constants) or shared & set(node.inputs):
            return None
        path.append(node)
        value = node.output
    return None


def _to_output(graph: Graph, result: str) -> Graph | None:
    """One reshape less between what last needs a shape and the output `result`, or None."""
    if graph.outputs.count(result) > 1:
        return None
    constants = dict(graph.constants)
    shared = _shared(graph)
    path: list[Node] = []
    value = result
    while (node := graph.producer(value)) is not None and len(graph.users(value)) == (value != result):
        if value != result and value in graph.outputs:
            return None
        if isinstance(node.op, Reshape):
            channels = graph.types[node.inputs[0]].shape[2]
            for n in path:
                _resized(n, channels, constants)
            nodes = tuple(
                replace(n, inputs=tuple(node.inputs[0] if v == node.output else v for v in n.inputs))
                for n in graph.nodes
                if n is not node
            )
            outputs = tuple(node.inputs[0] if v == node.output else v for v in graph.outputs)
            types = {v: replace(t, shape=constants[v].shape) if v in constants else t for v, t in graph.types.items()}
            return infer_types(pruned(replace(graph, nodes=nodes, outputs=outputs, types=types, constants=constants)))
        if not _is_uniform(node, constants) or shared & set(node.inputs):
            return None
        path.append(node)
        value = node.inputs[0]
    return None


def _merged(graph: Graph) -> Graph | None:
    """A reshape of a reshape is one, and one that changes nothing is none."""
    for node in graph.nodes:
        if not isinstance(node.op, Reshape):
            continue
        before = graph.producer(node.inputs[0])
        if graph.types[node.inputs[0]].shape == node.op.shape and node.output not in graph.outputs:
            nodes = tuple(
                replace(n, inputs=tuple(node.inputs[0] if v == node.output else v for v in n.inputs))
                for n in graph.nodes
                if n is not node
            )
            return infer_types(pruned(replace(graph, nodes=nodes)))
        if before is not None and isinstance(before.op, Reshape):
            nodes = tuple(replace(n, inputs=before.inputs) if n is node else n for n in graph.nodes)
            return infer_types(pruned(replace(graph, nodes=nodes)))
    return None


def settle_reshapes(graph: Graph) -> Graph:
    """Let an input take the shape that its first layer needs, and an output that of the last.

    Requires: ports that say where each element lies in the flattened frame (which no reshape changes). Ensures: no
    reshape at the ends, none behind another; but where several nodes read a value.
    """
    changed: Graph | None = graph
    while changed is not None:
        graph = changed
        changed = _merged(graph)
        # outputs change their names
        changed = changed or next((new for v in graph.inputs if (new := _to_input(graph, v)) is not None), None)
        changed = changed or next((new for v in graph.outputs if (new := _to_output(graph, v)) is not None), None)
    return graph
