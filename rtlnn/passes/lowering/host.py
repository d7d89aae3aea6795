"""The host's part of a network: real numbers before the core and behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from rtlnn.ir.graph import Graph, Node
from rtlnn.ir.op import Op
from rtlnn.ir.types import Array, TensorType
from rtlnn.ops import Affine, Clip, Dequantize
from rtlnn.passes.lowering.represented import Represented

__all__ = ["head_graph", "tail_graph"]


def head_graph(graph: Graph, nodes: Sequence[Node], kind: TensorType) -> Graph:
    """`nodes` of `graph` from the model's input to the core's, which has the type `kind`."""
    (source,) = graph.inputs
    result = nodes[-1].output if nodes else source
    kinds = {v: graph.types[v] for n in nodes for v in (*n.inputs, n.output)} | {result: kind}
    constants = {v: a for v, a in graph.constants.items() if v in kinds}
    return Graph((source,), (result,), tuple(nodes), kinds, constants)


def _meaning(value: Represented, kind: TensorType) -> tuple[list[tuple[str, Op, tuple[str, ...]]], dict[str, Array]]:
    """The steps (name, operation, parameters) from integers of type `kind` to the real value, and the parameters."""
    scale = float(value.scale[0]) if value.one_scale else tuple(float(s) for s in value.scale)
    steps: list[tuple[str, Op, tuple[str, ...]]] = [
        ("dequantized", Dequantize(replace(kind.fixed, scale=scale, zero_point=value.zero)), ())
    ]
    constants: dict[str, Array] = {}
    if value.shift.any():
        constants = {"tail.scale": np.ones(len(value.shift)), "tail.shift": value.shift}
        steps.append(("shifted", Affine(), tuple(constants)))
    if value.clipped:
        steps.append(("clipped", Clip(value.lo, value.hi), ()))
    return steps, constants


def tail_graph(
    graph: Graph, nodes: Sequence[Node], boundary: str, value: str | Represented, types: Mapping[str, TensorType]
) -> Graph:
    """From the core's output to the model's.

    Parameters
    ----------
    nodes : of `graph`, that the host does
    boundary : the value of `graph` that the core delivers
    value : how it does so: as these integers, or as integers that represent it
    types : of the core's values
    """
    if isinstance(value, str):
        return Graph((value,), (value,), (), {value: types[value]}, {})
    source, kind = value.value, types[value.value]
    steps, constants = _meaning(value, kind)
    kinds = {source: kind, **{v: TensorType(a.shape) for v, a in constants.items()}}
    made, reads = [], source
    for i, (name, op, parameters) in enumerate(steps):
        last = i == len(steps) - 1
        # a core that ends in accumulators has a value of the boundary's name
        makes = (boundary if boundary != source else f"{boundary}.real") if last else f"tail.{name}"
        made.append(Node(f"tail.{name}", op, (reads, *parameters), makes))
        kinds[makes] = TensorType(kind.shape)
        reads = makes
    follow = [replace(n, inputs=tuple(reads if v == boundary else v for v in n.inputs)) for n in nodes]
    for node in follow:
        for v in (*node.inputs[1:], node.output):
            kinds[v] = graph.types[v]
    constants |= {v: a for v, a in graph.constants.items() if v in kinds}
    (output,) = graph.outputs
    return Graph((source,), (reads if output == boundary else output,), (*made, *follow), kinds, constants)
