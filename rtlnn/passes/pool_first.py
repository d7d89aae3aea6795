"""The largest of the sums instead of the largest of the requantized values: a pool by 2 leaves a quarter of them.

A requantization whose multiplier is not negative never turns the order of two sums around, so that it yields the same
on the largest sum of a window as the largest of its results. Where a channel's multiplier is negative, the sum itself
changes its sign: weights, bias and multiplier are negated, and all products stay what they were.
"""

from dataclasses import replace

import numpy as np

from rtlnn.ir.graph import Graph, Node
from rtlnn.ir.names import Names
from rtlnn.ir.types import Array, FixedFormat, TensorType
from rtlnn.ops import Conv2D, MaxPool2D, Requantize
from rtlnn.passes.rewrite import infer_types, pruned

__all__ = ["pool_first"]


def _only_user(graph: Graph, value: str) -> Node | None:
    users = graph.users(value)
    return users[0] if len(users) == 1 and value not in graph.outputs else None


def _with_constants(graph: Graph, node: Node, arrays: dict[int, Array]) -> tuple[Graph, Node]:
    """`node` with other constants at some of its inputs, in their old format where that holds them."""
    fresh, inputs = Names((*graph.types, *graph.constants)), list(node.inputs)
    types, constants = dict(graph.types), dict(graph.constants)
    for place, array in arrays.items():
        fixed, least, most = types[inputs[place]].fixed, int(array.min()), int(array.max())
        if least < fixed.lo or most > fixed.hi:
            fixed = FixedFormat.spanning(least, most, fixed.scale, fixed.zero_point)
        inputs[place] = fresh(f"{inputs[place]}.negated")
        types[inputs[place]], constants[inputs[place]] = TensorType(array.shape, fixed), array
    return replace(graph, types=types, constants=constants), replace(node, inputs=tuple(inputs))


def _rising(graph: Graph, layer: Node, requantize: Node) -> tuple[Graph, Node, Node] | None:
    """The same sums and results, without negative multipliers; None if a weight has no negative in its format."""
    multiplier = graph.constants[requantize.inputs[1]]
    sign = np.where(multiplier < 0, -1, 1)
    if (sign == 1).all():
        return graph, layer, requantize
    weights = graph.constants[layer.inputs[1]]
    negated = weights * sign.reshape(-1, *[1] * (weights.ndim - 1))
    if int(negated.max()) > graph.types[layer.inputs[1]].fixed.hi:
        return None
    arrays = {1: negated} if len(layer.inputs) == 2 else {1: negated, 2: graph.constants[layer.inputs[2]] * sign}
    graph, layer = _with_constants(graph, layer, arrays)
    graph, requantize = _with_constants(graph, requantize, {1: multiplier * sign})
    return graph, layer, requantize


def _swapped(graph: Graph, layer: Node) -> Graph | None:
    if not isinstance(layer.op, Conv2D):
        return None
    requantize = _only_user(graph, layer.output)
    if requantize is None or not isinstance(requantize.op, Requantize):
        return None
    pool = _only_user(graph, requantize.output)
    if pool is None or not isinstance(pool.op, MaxPool2D) or not pool.op.window.disjoint:
        return None
    found = _rising(graph, layer, requantize)
    if found is None:
        return None
    changed, rising_layer, rising = found
    largest = Names((*changed.types, *changed.constants))(f"{layer.output}.largest")
    new = {
        layer.name: rising_layer,
        requantize.name: replace(pool, inputs=(layer.output,), output=largest),
        pool.name: replace(rising, inputs=(largest, *rising.inputs[1:]), output=pool.output),
    }
    nodes = tuple(new.get(n.name, n) for n in changed.nodes)
    return infer_types(pruned(replace(changed, nodes=nodes)))


def pool_first(graph: Graph) -> Graph:
    """Requires: integers alone, formats not narrowed yet. Ensures: the same results; behind a convolution, a pool whose
    windows neither overlap nor read padding takes the largest sums, and the requantization follows; but not where a
    negative multiplier meets the least weight of its format, which has no negative."""
    changed: Graph | None = graph
    while changed is not None:
        graph = changed
        changed = next((new for n in graph.nodes if (new := _swapped(graph, n)) is not None), None)
    return graph
