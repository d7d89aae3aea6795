"""Softmax in hardware, where the user asks for it."""

from dataclasses import replace
from enum import Enum

from rtlnn.errors import InputError
from rtlnn.ir.graph import Graph, Node
from rtlnn.ir.names import Names
from rtlnn.ir.types import Array, Encoding, FixedFormat, TensorType
from rtlnn.ops import Dequantize, FixedSoftmax, Quantize, Reshape, Softmax
from rtlnn.passes.rewrite import infer_types, pruned

__all__ = ["SoftmaxPlace", "softmax_in_hardware"]

PROBABILITY = FixedFormat(8, Encoding.UNSIGNED, 1 / 255)
"""What a softmax delivers whose result the model does not quantize."""


class SoftmaxPlace(Enum):
    """Where a softmax is computed."""

    HOST = "host"
    HARDWARE = "hardware"


def softmax_in_hardware(graph: Graph) -> Graph:
    """Fixed-point softmax in place of each Softmax that reads dequantized codes (but for the logarithmic one).

    Its result has the format of the Quantize behind it; without one it has 8 bits, 255 of which are 1.0.
    Raises `InputError` where a Softmax reads something else.
    """
    names, node_names = Names(graph.types), Names(n.name for n in graph.nodes)
    constants, types = dict(graph.constants), dict(graph.types)
    nodes: list[Node] = []
    done: set[str] = set()
    for node in graph.nodes:
        if node.name in done:
            continue
        if not isinstance(node.op, Softmax) or node.op.log:
            nodes.append(node)
            continue
        codes, kind, moves = _codes(graph, node)
        for move in moves:
            made = names(f"{node.output}.codes")
            nodes.append(Node(node_names(f"{node.name}.{type(move).__name__}"), move, (codes,), made))
            codes = made
        output, users = PROBABILITY, graph.users(node.output)
        quantize = users[0] if len(users) == 1 and node.output not in graph.outputs else None
        if quantize is not None and isinstance(quantize.op, Quantize):
            output = quantize.op.output
        op, table = FixedSoftmax.of(kind, output)
        stored = names(f"{node.name}.table")
        constants[stored], types[stored] = table, _table_type(table)
        if quantize is not None and isinstance(quantize.op, Quantize):
            nodes.append(replace(node, op=op, inputs=(codes, stored), output=quantize.output))
            done.add(quantize.name)
        else:
            made = names(f"{node.output}.probability")
            nodes.append(replace(node, op=op, inputs=(codes, stored), output=made))
            nodes.append(Node(node_names(f"{node.name}.real"), Dequantize(output), (made,), node.output))
    return infer_types(pruned(replace(graph, nodes=tuple(nodes), constants=constants, types=types)))


def _table_type(table: Array) -> TensorType:
    return TensorType(table.shape, FixedFormat.spanning(int(table.min()), int(table.max())))


def _codes(graph: Graph, node: Node) -> tuple[str, TensorType, list[Reshape]]:
    """The integers behind what `node` reads, their type with the scale that they are read with, and what lies between.

    The type has the shape that `node` reads.
    """
    value, moves = node.inputs[0], list[Reshape]()
    while (maker := graph.producer(value)) is not None and isinstance(maker.op, Reshape):
        moves.insert(0, maker.op)
        value = maker.inputs[0]
    if maker is None or not isinstance(maker.op, Dequantize) or isinstance(maker.op.input.scale, tuple):
        raise InputError(
            f"node {node.name!r} (Softmax): its input is not quantized; put QuantizeLinear and DequantizeLinear "
            "before it, or leave it to the host (--softmax host)"
        )
    return maker.inputs[0], TensorType(graph.types[node.inputs[0]].shape, maker.op.input), moves
