"""Quantized weights of a model with float activations become the numbers they stand for."""

from dataclasses import replace

from rtlnn.ir.graph import Graph
from rtlnn.ir.types import TensorType
from rtlnn.ops import Dequantize
from rtlnn.passes.rewrite import pruned

__all__ = ["fold_constants"]


def fold_constants(graph: Graph) -> Graph:
    """Compute every Dequantize of a constant.

    Requires: a model whose activations are not quantized (else its integer weights are what matters).
    Ensures: all weights and biases are real constants.
    """
    constants, types, nodes = dict(graph.constants), dict(graph.types), []
    for node in graph.nodes:
        if isinstance(node.op, Dequantize) and node.inputs[0] in constants:
            constants[node.output] = node.op.evaluate(constants[node.inputs[0]])
            types[node.output] = TensorType(constants[node.output].shape)
        else:
            nodes.append(node)
    return pruned(replace(graph, nodes=tuple(nodes), types=types, constants=constants))
