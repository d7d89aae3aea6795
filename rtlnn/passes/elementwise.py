"""Which values are functions of one integer value alone, element by element."""

from collections.abc import Callable, Mapping
from functools import reduce

import numpy as np

from rtlnn.ir.graph import Graph, Node
from rtlnn.ir.types import Array
from rtlnn.ops import (
    Activation,
    Add,
    Affine,
    Clip,
    Conv2D,
    Dense,
    Dequantize,
    Extreme,
    Function,
    Multiply,
    Quantize,
    Thresholds,
)

__all__ = ["ELEMENTWISE", "evaluated", "leads_to_codes", "origins_of", "region"]

SIXTH = float(np.float32(1.0 / 6.0))
_OF_ONE = (Activation, Affine, Clip, Dequantize, Quantize)
_OF_TWO = (Add, Extreme, Multiply)
ELEMENTWISE = (*_OF_ONE, *_OF_TWO)
"""Operations whose results depend on one element of each operand."""


def _activations(graph: Graph, node: Node) -> list[str]:
    return [v for v in node.inputs if v not in graph.constants]


def origins_of(graph: Graph) -> dict[str, tuple[str, ...]]:
    """For each value the integer values of which alone it is a function, element by element; the nearest one first.

    An integer value is a function of itself.
    """
    found: dict[str, tuple[str, ...]] = {v: (v,) if graph.types[v].format else () for v in graph.inputs}
    for node in graph.nodes:
        sources = [found[v] for v in _activations(graph, node) if v in found]
        chain: tuple[str, ...] = ()
        if isinstance(node.op, ELEMENTWISE) and sources:
            chain = reduce(_common, sources)
        if graph.types[node.output].format is not None:
            chain = (node.output, *chain)
        found[node.output] = chain
    return found


def _common(a: tuple[str, ...], b: tuple[str, ...]) -> tuple[str, ...]:
    """The origins of both, from the nearest one on."""
    return next((a[n:] for n, value in enumerate(a) if value in b), ())


def region(graph: Graph, origin: str, value: str) -> list[Node]:
    """The nodes between `origin` and `value`, in the graph's order."""
    needed, nodes = {value}, []
    for node in reversed(graph.nodes):
        if node.output in needed and node.output != origin:
            nodes.append(node)
            needed.update(_activations(graph, node))
    return nodes[::-1]


def leads_to_codes(graph: Graph, value: str) -> bool:
    """Whether anything that follows from `value` is quantized, or read by a layer, which only codes can be."""
    reached = {value}
    for node in graph.nodes:
        if reached.intersection(node.inputs):
            if isinstance(node.op, (Quantize, Thresholds, Conv2D, Dense)):
                return True
            reached.add(node.output)
    return False


def evaluated(nodes: list[Node], known: Mapping[str, Array], constants: Mapping[str, Array], value: str) -> Array:
    """`value` from the `known` ones, every operation rounded to float32, as runtimes compute it.

    Sums and products of float32 numbers are the same whether they are computed in float64 and rounded, or in float32
    (Figueroa, "When is double rounding innocuous?", 1995). Exponentials and their like are rounded correctly here, and
    within a few units of the last place in runtimes: of 256 codes no result differs, of 65,536 about one in 2,000.
    """
    live = {**constants, **known}
    for node in nodes:
        x, *more = (live[v] for v in node.inputs)
        if isinstance(node.op, Activation) and node.op.function in _STEPS:
            a, b = (float(np.float32(v)) for v in (node.op.a, node.op.b))
            live[node.output] = _STEPS[node.op.function](x, a, b)
        elif isinstance(node.op, Affine):
            live[node.output] = _single(_single(x * _single(more[0])) + _single(more[1]))
        else:
            live[node.output] = _single(node.op.evaluate(x, *more))
    return live[value]


def _single(x: Array) -> Array:
    """Real numbers rounded to float32; integers as they are."""
    return x if np.issubdtype(x.dtype, np.integer) else x.astype(np.float32).astype(np.float64)


def _exp_minus_one(x: Array) -> Array:
    return _single(_single(np.exp(np.minimum(x, 0.0))) - 1.0)


_STEPS: Mapping[Function, Callable[[Array, float, float], Array]] = {
    Function.CELU: lambda x, a, b: _single(np.where(x < 0, a * _exp_minus_one(_single(x / a)), x)),
    Function.ELU: lambda x, a, b: np.where(x < 0, _single(a * _exp_minus_one(x)), x),
    Function.HARD_SIGMOID: lambda x, a, b: np.clip(_single(_single(a * x) + b), 0.0, 1.0),
    Function.HARD_SWISH: lambda x, a, b: _single(x * np.clip(_single(_single(SIXTH * x) + 0.5), 0.0, 1.0)),
    Function.LEAKY_RELU: lambda x, a, b: np.where(x < 0, _single(a * x), x),
    Function.SOFTSIGN: lambda x, a, b: _single(x * _single(1.0 / _single(1.0 + np.abs(x)))),
}
"""Functions whose steps onnxruntime rounds one by one."""
