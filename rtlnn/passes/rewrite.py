"""Small tools for passes that edit a graph."""

from collections.abc import Mapping
from dataclasses import replace

from rtlnn.ir.graph import Graph, Node
from rtlnn.ir.types import Array, TensorType

__all__ = ["infer_types", "pruned", "rewired"]


def infer_types(graph: Graph) -> Graph:
    """The types of all values anew, from those of inputs and constants."""
    types: dict[str, TensorType] = {v: graph.types[v] for v in (*graph.inputs, *graph.constants)}
    for node in graph.nodes:
        types[node.output] = node.op.infer(*(types[v] for v in node.inputs))
    return replace(graph, types=types)


def pruned(graph: Graph) -> Graph:
    """Without nodes, values and constants that no output needs."""
    needed = set(graph.outputs)
    nodes: list[Node] = []
    for node in reversed(graph.nodes):
        if node.output in needed:
            nodes.append(node)
            needed.update(node.inputs)
    kept = needed | set(graph.inputs)
    return replace(
        graph,
        nodes=tuple(reversed(nodes)),
        types={v: t for v, t in graph.types.items() if v in kept},
        constants={v: a for v, a in graph.constants.items() if v in kept},
    )


def rewired(
    graph: Graph,
    nodes: Mapping[str, Node | None],
    renamed: Mapping[str, str] | None = None,
    constants: Mapping[str, Array] | None = None,
) -> Graph:
    """The graph with some nodes replaced (by name; None removes one), and values read under other names.

    Types follow from the nodes; what is not needed any more is removed. New real constants come with `constants`.
    """
    names = dict(renamed or {})

    def final(value: str) -> str:
        while value in names:
            value = names[value]
        return value

    kept = []
    for old in graph.nodes:
        new = nodes.get(old.name, old)
        if new is not None:
            kept.append(replace(new, inputs=tuple(final(v) for v in new.inputs)))
    arrays = {**graph.constants, **(constants or {})}
    types = {**graph.types, **{v: TensorType(a.shape) for v, a in (constants or {}).items()}}
    changed = replace(
        graph, nodes=tuple(kept), outputs=tuple(final(v) for v in graph.outputs), constants=arrays, types=types
    )
    return infer_types(pruned(changed))
