"""Quantize and Dequantize nodes around every layer, integer weights and biases inside."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from rtlnn.ir.graph import Graph, Node
from rtlnn.ir.names import Names
from rtlnn.ir.types import Array, FixedFormat, TensorType
from rtlnn.ops import Clip, Concat, Conv2D, Dense, Dequantize, Extreme, MaxPool2D, Quantize, Rearrange, Reshape
from rtlnn.passes.quantize.formats import activation_format, bias_integers, file_bits, weight_integers
from rtlnn.passes.quantize.points import Point
from rtlnn.passes.rewrite import infer_types, pruned
from rtlnn.passes.settings import Settings

__all__ = ["insert_quantization", "point_bits"]

SELECTIONS = (Concat, Extreme, MaxPool2D, Rearrange, Reshape)
"""What these make of limited values is limited already."""


class _Insertion:
    def __init__(
        self, graph: Graph, formats: Mapping[str, FixedFormat], unlimited: Collection[str], settings: Settings
    ) -> None:
        self.graph = graph
        self.formats = formats
        self.unlimited = unlimited
        self.settings = settings
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
        source, stored = self._limited(value, fixed), replace(fixed, bits=file_bits(fixed.bits))
        codes, real = self.value_name(f"{value}_quantized"), self.value_name(f"{value}_dequantized")
        self.nodes.append(Node(self.node_name(f"{value}_QuantizeLinear"), Quantize(stored), (source,), codes))
        self.nodes.append(Node(self.node_name(f"{value}_DequantizeLinear"), Dequantize(stored), (codes,), real))
        self.renamed[value] = real
        self.scales[real] = fixed.scale

    def _limited(self, value: str, fixed: FixedFormat) -> str:
        """`value`, limited to what `fixed` holds if that is less than the bits of the file."""
        if fixed.bits == file_bits(fixed.bits) or value in self.unlimited:
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
        integers, fixed = weight_integers(
            weights, bias[0] if bias else None, x_scale, self.settings.weight_bits(node.name)
        )
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


def point_bits(graph: Graph, point: Point, settings: Settings) -> int:
    """The bits of a point's value, which is not like another."""
    if point.layer:
        return settings.activation_bits(point.layer)
    source = point.value
    makers = {n.output: n for n in graph.nodes}
    while source in makers:
        source = makers[source].inputs[0]
    return settings.input_bits(source)


def insert_quantization(
    graph: Graph, points: Sequence[Point], ranges: Mapping[str, tuple[float, float]], settings: Settings
) -> Graph:
    """The graph with integer values at `points`, and integer weights, of as many bits as `settings` say.

    Requires: real weights, folded Affines (`fold_affine`), a range for each point that is not like another.
    Ensures: every layer reads quantized values and has int8 or int16 weights and an int32 bias. Of fewer bits than the
    file types have, a Clip before each Quantize keeps to what the bits hold.
    """
    by_value = {point.value: point for point in points}
    formats: dict[str, FixedFormat] = {}
    for point in points:
        root = point
        while root.like is not None:
            root = by_value[root.like]
        bits = point_bits(graph, root, settings)
        formats[point.value] = activation_format(*ranges[root.value], root.unsigned, bits)
    selections = {n.output for n in graph.nodes if isinstance(n.op, SELECTIONS)}
    return _Insertion(graph, formats, selections, settings).run()
