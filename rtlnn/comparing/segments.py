"""The pieces of a network between values that onnxruntime computes, too."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rtlnn.frontend import ImportedModel
from rtlnn.ir.graph import Graph
from rtlnn.ir.network import Network
from rtlnn.ir.types import Array, FixedFormat
from rtlnn.ops import Conv2D, Dense, MaxPool2D, Quantize, Requantize, Reshape, Thresholds

__all__ = ["Tap", "layer_of", "segment", "taps_of"]


@dataclass(frozen=True, eq=False)
class Tap:
    """An integer value of the core that is a tensor of the model.

    Parameters
    ----------
    value : of the core
    tensor : of the model
    index : of the tensor's shape for one frame; each element's place in the value as imported
    shape : (height, width, channels) as imported; the core may lack trailing rows and columns that nobody reads
    layer : the node of the core that makes it, requantizations aside
    """

    value: str
    tensor: str
    index: Array
    shape: tuple[int, ...]
    layer: str

    def frames(self, tensor: Array, kept: tuple[int, ...]) -> Array:
        """The tensor of some frames as frames [N, H, W, C] of the shape `kept` of the core's value.

        Raises `ValueError` if it does not hold whole frames.
        """
        flat = np.asarray(tensor).reshape(-1, self.index.size)
        frames = np.empty(flat.shape, dtype=np.int64)
        frames[:, self.index.ravel()] = flat
        return frames.reshape(-1, *self.shape)[:, : kept[0], : kept[1]]


def layer_of(graph: Graph, value: str) -> str:
    """The node that makes `value`; requantizations, reshapes and pools of sums belong to the layer before them."""
    makers = {n.output: n for n in graph.nodes}
    node = makers.get(value)
    if node is None:
        return "input"
    while (before := makers.get(node.inputs[0])) is not None:
        sums = isinstance(before.op, (Conv2D, Dense))
        if not (isinstance(node.op, (Requantize, Reshape, Thresholds)) or (isinstance(node.op, MaxPool2D) and sums)):
            break
        node = before
    return node.name


def _same_codes(a: FixedFormat | None, b: FixedFormat) -> bool:
    """Whether integers of both stand for the same numbers."""
    return a is not None and a.zero_point == b.zero_point and a.scale == b.scale


def taps_of(imported: ImportedModel, network: Network) -> tuple[Tap, ...]:
    """The values of the core that are integer tensors of the model, in the order of evaluation, one tensor each."""
    graph, core = imported.graph, network.core
    held: dict[str, str] = {}
    for node in graph.nodes:
        if not isinstance(node.op, Quantize):
            continue
        # a quantization that changes nothing is not in the core: what it reads has its codes
        for value in (node.output, node.inputs[0]):
            if value in core.types and value not in core.constants:
                if _same_codes(core.types[value].format, node.op.output):
                    held.setdefault(value, node.output)
                break
    held |= {v: v for v in core.inputs if v in graph.types and graph.types[v].format is not None}
    by_value: dict[str, tuple[str, Array]] = {}
    for tensor, (value, index) in imported.tensors.items():
        if value in graph.types and index.size == graph.types[value].size:
            by_value.setdefault(value, (tensor, index))
    order = [*core.inputs, *(n.output for n in core.nodes)]
    taps = []
    for value in order:
        source = held.get(value)
        if source is None or source not in by_value:
            continue
        shape, kept = graph.types[source].shape, core.types[value].shape
        if shape[2] != kept[2] or shape[0] < kept[0] or shape[1] < kept[1]:
            continue
        tensor, index = by_value[source]
        taps.append(Tap(value, tensor, index, shape, layer_of(core, value)))
    return tuple(taps)


def segment(core: Graph, value: str, known: Mapping[str, object]) -> Graph:
    """The part of `core` that makes `value` of the nearest values before it that are `known`, or of the inputs."""
    needed, nodes, sources = {value}, [], set()
    for node in reversed(core.nodes):
        if node.output in needed:
            nodes.append(node)
            for v in node.inputs:
                if v in known or v in core.inputs:
                    sources.add(v)
                elif v not in core.constants:
                    needed.add(v)
    inputs = tuple(v for v in core.types if v in sources)
    return Graph(inputs, (value,), tuple(reversed(nodes)), core.types, core.constants)
