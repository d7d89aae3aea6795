"""Quantize and Dequantize nodes around every layer, integer weights and biases inside."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from rtlnn.ir.graph import Graph, Node
from rtlnn.ir.names import Names
from rtlnn.ir.types import Array, FixedFormat, TensorType
from rtlnn.ops import Clip, Conv2D, Dense, Dequantize, Quantize
from rtlnn.passes.quantize.formats import activation_format, bias_integers, weight_integers
from rtlnn.passes.quantize.points import Point
from rtlnn.passes.rewrite import infer_types, pruned

__all__ = ["insert_quantization"]


class _Insertion:
    def __init__(self, graph: Graph, formats: Mapping[str, FixedFormat], unlimited: Collection[str], bits: int) -> None:
        self.graph = graph
        self.formats = formats
        self.unlimited = unlimited
        self.bits = bits
        self.nodes: list[Node] = []
        self.types = dict(graph.types)
        self.constants = dict(graph.constants)
        self.value_name = Names(graph.types)
        self.node_name = Names(n.name for n in graph.nodes)
        self.renamed: dict[str, str] = {}
        self.scales: dict[str, float] = {}

    def around(self, value: str) -> None:
        """Quantize and dequantize `value`, if it is a point."""
        fixed = self.formats.get(value)
        if fixed is None:
            return
        assert isinstance(fixed.scale, float)
        source, stored = self._limited(value, fixed), replace(fixed, bits=8)
        codes, real = self.value_name(f"{value}_quantized"), self.value_name(f"{value}_dequantized")
        self.nodes.append(Node(self.node_name(f"{value}_QuantizeLinear"), Quantize(stored), (source,), codes))
        self.nodes.append(Node(self.node_name(f"{value}_DequantizeLinear"), Dequantize(stored), (codes,), real))
        self.renamed[value] = real
        self.scales[real] = fixed.scale

    def _limited(self, value: str, fixed: FixedFormat) -> str:
        """`value`, limited to what `fixed` holds if that is less than the 8 bits of the file."""
        if fixed.bits == 8 or value in self.unlimited:
            return value
        lo, hi = (fixed.one_scale * (end - fixed.zero_point) for end in (fixed.lo, fixed.hi))
        limited = self.value_name(f"{value}_limited")
        self.nodes.append(Node(self.node_name(f"{value}_Clip"), Clip(lo, hi), (value,), limited))
        return limited

    def constant(self, name: str, integers: Array, fixed: FixedFormat) -> str:
        """An integer constant and its Dequantize; returns the real value."""
        codes, real = self.value_name(f"{name}_quantized"), self.value_name(f"{name}_dequantized")
        self.constants[codes] = integers
        self.types[codes] = TensorType(integers.shape, fixed)
        self.nodes.append(Node(self.node_name(f"{name}_DequantizeLinear"), Dequantize(fixed, axis=0), (codes,), real))
        return real

    def layer(self, node: Node) -> Node:
        """A convolution or dense node with integer weights."""
        x_scale = self.scales[node.inputs[0]]
        weights, *bias = (self.constants[v] for v in node.inputs[1:])
        integers, fixed = weight_integers(weights, bias[0] if bias else None, x_scale, self.bits)
        inputs = [node.inputs[0], self.constant(f"{node.name}.weight", integers, fixed)]
        if bias:
            inputs.append(self.constant(f"{node.name}.bias", *bias_integers(bias[0], x_scale, fixed)))
        return replace(node, inputs=tuple(inputs))

    def run(self) -> Graph:
        for value in self.graph.inputs:
            self.around(value)
        for old in self.graph.nodes:
            node = replace(old, inputs=tuple(self.renamed.get(v, v) for v in old.inputs))
            if isinstance(node.op, (Conv2D, Dense)):
                node = self.layer(node)
            self.nodes.append(node)
            self.around(node.output)
        outputs = tuple(self.renamed.get(v, v) for v in self.graph.outputs)
        graph = replace(
            self.graph, nodes=tuple(self.nodes), outputs=outputs, types=self.types, constants=self.constants
        )
        return infer_types(pruned(graph))


def insert_quantization(
    graph: Graph, points: Sequence[Point], ranges: Mapping[str, tuple[float, float]], bits: int
) -> Graph:
    """The graph with values of `bits` bits at `points` (the first one, the input, has 8 always), weights of as many.

    Requires: real weights, folded Affines (`fold_affine`), a range for each point that is not like another.
    Ensures: every layer reads quantized values and has int8 weights and an int32 bias. Of fewer than 8 bits, the file
    types remain, and a Clip before each Quantize keeps to what the bits hold.
    """
    formats: dict[str, FixedFormat] = {}
    for n, point in enumerate(points):
        if point.like is not None:
            formats[point.value] = formats[point.like]
        else:
            formats[point.value] = activation_format(*ranges[point.value], point.unsigned, bits if n else 8)
    # what only selects or reorders limited values is limited already
    selections = {point.value for point in points if point.like is not None}
    return _Insertion(graph, formats, selections, bits).run()
