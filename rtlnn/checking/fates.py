"""What becomes of each node of a model, once the whole of it is lowered.

A node of the model is found again by its tensors: what lies in the imported graph between its inputs and its outputs
is made of it. Passes keep the names of nodes that live on; one that does not has become a part of what reads it, or
else of what it reads.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

import onnx

from rtlnn.checking.result import Fate, NodeFate
from rtlnn.checking.sizes import is_layer
from rtlnn.frontend import ImportedModel
from rtlnn.ir.graph import Graph, Node
from rtlnn.ir.network import Network

__all__ = ["Tracer"]

_BIASES = ("Add", "Sub", "Sum")
"""Operators that may leave nothing but a bias in the layer before them."""


class _Links:
    """Who makes and who reads each value of a graph."""

    def __init__(self, graph: Graph) -> None:
        self.maker = {n.output: n for n in graph.nodes}
        self.by_name = {n.name: n for n in graph.nodes}
        self.readers: dict[str, list[Node]] = {}
        for node in graph.nodes:
            for value in node.inputs:
                self.readers.setdefault(value, []).append(node)

    def onwards(self, node: Node) -> list[Node]:
        return self.readers.get(node.output, [])

    def back(self, node: Node) -> list[Node]:
        return [self.maker[v] for v in node.inputs if v in self.maker]


class Tracer:
    """Follows the nodes of a model to the layers of its network.

    Parameters
    ----------
    imported : the model as it was read
    quantized : the model that was lowered: the same, or the quantized form of a float model
    network : what became of it
    """

    def __init__(self, imported: ImportedModel, quantized: ImportedModel, network: Network) -> None:
        self.values = imported.tensors
        self.imported = _Links(imported.graph)
        self.quantized = _Links(quantized.graph)
        self.network = network
        self.core = _Links(network.core)
        self.host = {n.name for part in (network.head, network.tail) for n in part.nodes}

    @cached_property
    def layer_of(self) -> Mapping[str, str]:
        """For each node of the core, the layer that it belongs to."""
        owner: dict[str, str] = {}
        for node in self.network.core.nodes:
            before = self.core.maker.get(node.inputs[0])
            owner[node.name] = node.name if is_layer(self.network.core, node) or before is None else owner[before.name]
        return owner

    def _region(self, outputs: Iterable[str], inputs: Iterable[str]) -> Iterator[Node]:
        """The nodes of the imported graph that make `outputs` of `inputs`, tensors of the model."""
        stop = {self.values[v][0] for v in inputs if v in self.values}
        todo = [self.values[v][0] for v in outputs if v in self.values]
        seen: set[str] = set()
        while todo:
            value = todo.pop()
            if value in seen or value in stop:
                continue
            seen.add(value)
            if node := self.imported.maker.get(value):
                yield node
                todo += node.inputs

    def _places(self, node: Node) -> set[str]:
        """Names of nodes of core and host that `node` became: itself, else the nearest behind it, else before it."""
        for forward in (True, False):
            for links in (self.quantized, self.imported):
                start = links.by_name.get(node.name)
                if start is not None and (found := self._nearest(links, start, forward)):
                    return found
        return set()

    def _nearest(self, links: _Links, start: Node, forward: bool) -> set[str]:
        found: set[str] = set()
        todo, seen = [start], {start.name}
        while todo:
            node = todo.pop()
            if node.name in self.core.by_name or node.name in self.host:
                found.add(node.name)
                continue
            # a node of the imported graph may live on in the quantized one alone
            twin = self.quantized.by_name.get(node.name) if links is self.imported else None
            if twin is not None and (further := self._nearest(self.quantized, twin, forward)):
                found |= further
                continue
            for other in links.onwards(node) if forward else links.back(node):
                if other.name not in seen:
                    seen.add(other.name)
                    todo.append(other)
        return found

    def fate(self, name: str, proto: onnx.NodeProto) -> NodeFate:
        """What becomes of the node `proto` of the model."""
        outputs = [o for o in proto.output if o in self.values]
        if not outputs:
            return NodeFate(name, proto.op_type, Fate.CONSTANT)
        region = list(self._region(outputs, proto.input))
        if not region and proto.op_type in _BIASES:
            region = list(self._region(outputs, ()))[:1]
        if not region:
            known = {*self.imported.maker, *self.imported.readers, *self.network.head.inputs}
            used = any(self.values[o][0] in known for o in outputs)
            return NodeFate(name, proto.op_type, Fate.LAYOUT if used else Fate.UNUSED)
        own = {n.name for n in region if n.name in self.core.by_name}
        places = own or {p for n in region for p in self._places(n)}
        layers = {self.layer_of[p] for p in places if p in self.core.by_name}
        if layers:
            ordered = tuple(n.name for n in self.network.core.nodes if n.name in layers)
            return NodeFate(name, proto.op_type, Fate.LAYER, ordered)
        return NodeFate(name, proto.op_type, Fate.HOST if places else Fate.UNUSED)
