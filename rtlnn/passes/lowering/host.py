"""The host's part of a network: real numbers before the core and behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rtlnn.ir.graph import Graph, Node
from rtlnn.ir.names import Names
from rtlnn.ir.op import Op
from rtlnn.ir.types import Array, TensorType
from rtlnn.ops import Affine, Clip, Dequantize
from rtlnn.passes.lowering.represented import Represented

__all__ = ["Boundary", "head_graph", "tail_graph"]


@dataclass(frozen=True, eq=False)
class Boundary:
    """A value of the lowered graph that the core delivers.

    Parameters
    ----------
    value : the core's integers
    meaning : what they represent; None if the lowered graph has these integers itself
    """

    value: str
    meaning: Represented | None


def head_graph(graph: Graph, nodes: Sequence[Node], entering: Mapping[str, TensorType]) -> Graph:
    """`nodes` of `graph` from the model's inputs to the core's, which have the types `entering`."""
    kinds = {v: graph.types[v] for n in nodes for v in (*n.inputs, n.output)}
    kinds |= {v: graph.types[v] for v in graph.inputs}
    kinds |= entering
    constants = {v: a for v, a in graph.constants.items() if v in kinds}
    return Graph(graph.inputs, tuple(entering), tuple(nodes), kinds, constants)


def _meaning(value: Represented, kind: TensorType) -> list[tuple[str, Op, dict[str, Array]]]:
    """The steps (name, operation, parameters) from integers of type `kind` to the real value."""
    scale = float(value.scale[0]) if value.one_scale else tuple(float(s) for s in value.scale)
    steps: list[tuple[str, Op, dict[str, Array]]] = [
        ("dequantized", Dequantize(replace(kind.fixed, scale=scale, zero_point=value.zero)), {})
    ]
    if value.shift.any():
        steps.append(("shifted", Affine(), {"scale": np.ones(len(value.shift)), "shift": value.shift}))
    if value.clipped:
        steps.append(("clipped", Clip(value.lo, value.hi), {}))
    return steps


def tail_graph(
    graph: Graph, nodes: Sequence[Node], boundaries: Mapping[str, Boundary], delivered: Mapping[str, TensorType]
) -> Graph:
    """From the core's outputs to the model's.

    Parameters
    ----------
    nodes : of `graph`, that the host does
    boundaries : the values of `graph` that the core delivers
    delivered : the core's outputs and their types
    """
    kinds, made = dict(delivered), []
    constants: dict[str, Array] = {}
    fresh = Names((*graph.types, *delivered, *(n.name for n in graph.nodes)))
    read: dict[str, str] = {}
    for value, boundary in boundaries.items():
        read[value] = boundary.value
        if boundary.meaning is None:
            continue
        kind = delivered[boundary.value]
        for name, op, parameters in _meaning(boundary.meaning, kind):
            makes = fresh(f"{value}.{name}")
            names = {fresh(f"{makes}.{what}"): array for what, array in parameters.items()}
            made.append(Node(fresh(f"tail.{value}.{name}"), op, (read[value], *names), makes))
            constants |= names
            kinds |= {makes: TensorType(kind.shape), **{v: TensorType(a.shape) for v, a in names.items()}}
            read[value] = makes
    follow = [replace(n, inputs=tuple(read.get(v, v) for v in n.inputs)) for n in nodes]
    for node in follow:
        kinds |= {v: graph.types[v] for v in (*node.inputs, node.output) if v not in kinds}
    constants |= {v: a for v, a in graph.constants.items() if v in kinds}
    outputs = tuple(read.get(v, v) for v in graph.outputs)
    return Graph(tuple(delivered), outputs, (*made, *follow), kinds, constants)
