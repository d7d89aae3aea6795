"""How large layers are: multiplications, weights, bits."""

import numpy as np

from rtlnn.checking.result import LayerSize
from rtlnn.ir.graph import Graph, Node
from rtlnn.ir.types import FixedFormat
from rtlnn.ops import Affine, Clip, Conv2D, Dense, Dequantize, Quantize, Requantize, Reshape, Thresholds

__all__ = ["is_layer", "layer_size", "sizes_of"]

_NO_HARDWARE = (Affine, Clip, Dequantize, Quantize, Reshape)
"""Parts of requantizations, or nothing at all."""


def _weights(graph: Graph, node: Node) -> str | None:
    """The constant that holds the weights of `node`; None where it has none, or where they are not known."""
    if not isinstance(node.op, (Conv2D, Dense)):
        return None
    value = node.inputs[1]
    maker = graph.producer(value)
    if maker is not None and isinstance(maker.op, Dequantize):
        value = maker.inputs[0]
    return value if value in graph.constants else None


def _bits(fixed: FixedFormat | None) -> int:
    return 0 if fixed is None else fixed.bits


def _weight_bits(graph: Graph, weights: str) -> int:
    """The width that the weights at hand need."""
    fixed = graph.types[weights].format
    if fixed is None:
        return 0
    array = graph.constants[weights]
    return FixedFormat.spanning(min(int(array.min()), -1), int(array.max())).bits if array.size else 0


def layer_size(graph: Graph, node: Node) -> LayerSize:
    """The size of `node`; its output is taken behind its requantization, where that follows alone."""
    shape = graph.types[node.output].shape
    weights = _weights(graph, node)
    count = int(np.size(graph.constants[weights])) if weights is not None else 0
    users = graph.users(node.output)
    last = users[0].output if len(users) == 1 and isinstance(users[0].op, (Requantize, Thresholds)) else node.output
    return LayerSize(
        node.name,
        type(node.op).__name__,
        shape,
        shape[0] * shape[1] * count if isinstance(node.op, Conv2D) else count,
        count,
        _weight_bits(graph, weights) if weights is not None else 0,
        _bits(graph.types[node.inputs[0]].format),
        _bits(graph.types[last].format),
    )


def is_layer(graph: Graph, node: Node) -> bool:
    """Whether `node` of an integer graph is a layer of its own: a requantization is a part of what it requantizes."""
    return not isinstance(node.op, (Requantize, Thresholds)) or graph.producer(node.inputs[0]) is None


def sizes_of(graph: Graph) -> tuple[LayerSize, ...]:
    """All layers of a graph of integers, or (where lowering is out of reach) of real numbers."""
    return tuple(layer_size(graph, n) for n in graph.nodes if is_layer(graph, n) and not isinstance(n.op, _NO_HARDWARE))
