"""The walk over the graph: every real value between Quantize and Dequantize is represented by integers."""

from collections import Counter
from dataclasses import dataclass, replace

from rtlnn.errors import InputError
from rtlnn.ir.graph import Graph, Node
from rtlnn.ir.op import Op
from rtlnn.ir.refusal import NodesRefused, Refusal
from rtlnn.ir.types import TensorType
from rtlnn.ops import (
    Activation,
    AveragePool2D,
    Conv2D,
    Dense,
    Dequantize,
    MaxPool2D,
    Precision,
    Quantize,
    Reshape,
    Softmax,
    Table,
    Thresholds,
)
from rtlnn.passes.elementwise import leads_to_codes
from rtlnn.passes.lowering.core import CoreBuilder
from rtlnn.passes.lowering.host import head_graph, tail_graph
from rtlnn.passes.lowering.represent import Representation
from rtlnn.passes.lowering.represented import Represented
from rtlnn.passes.lowering.requantization import needs_nothing
from rtlnn.passes.rewrite import pruned

__all__ = ["Lowered", "lower"]

HOST_ONLY = (Softmax, Activation)
NOT_QUANTIZED = "put QuantizeLinear and DequantizeLinear there, or quantize the float model (rtlnn quantize)"


@dataclass(frozen=True, eq=False)
class Lowered:
    """The three parts of a network; a head or tail without nodes passes its value on."""

    head: Graph
    core: Graph
    tail: Graph


@dataclass(frozen=True)
class _Codes:
    """An integer value of the core."""

    value: str


@dataclass(frozen=True)
class _Host:
    """A value that the host computes, before the core or behind it."""

    behind: bool


@dataclass(frozen=True)
class _Refused:
    """A value that cannot be made; what reads it is not judged before it is quantized."""


def _fail(node: Node, problem: str, advice: str) -> NodesRefused:
    refusal = Refusal(node.name, type(node.op).__name__, problem, advice)
    return NodesRefused(f"node {node.name!r} ({refusal.operator}): {problem}; {advice}", (refusal,))


class _Lowering:
    def __init__(self, graph: Graph, precision: Precision) -> None:
        self.graph = graph
        self.uses = Counter(v for n in graph.nodes for v in n.inputs)
        self.uses.update(graph.outputs)
        self.core = CoreBuilder((*graph.types, *(n.name for n in graph.nodes)))
        self.represent = Representation(graph, self.core, precision)
        self.values: dict[str, _Codes | _Host | _Refused | Represented] = {}
        self.head: list[Node] = []
        self.tail: list[Node] = []
        self.core_input: str | None = None
        self.boundary: tuple[str, _Codes | Represented] | None = None
        self.codes: dict[tuple[str, Op], str] = {}
        (source,) = graph.inputs
        if graph.types[source].format is None:
            self.values[source] = _Host(behind=False)
        else:
            self._enter(source, graph.types[source])

    def _enter(self, value: str, kind: TensorType) -> None:
        self.core_input = value
        self.core.types[value] = kind
        self.values[value] = _Codes(value)

    def run(self) -> Lowered:
        refused: list[NodesRefused] = []
        for node in self.graph.nodes:
            try:
                self._node(node)
            except NodesRefused as problem:
                refused.append(problem)
                self.values[node.output] = _Refused()
        if refused:
            raise NodesRefused("\n".join(map(str, refused)), (r for problem in refused for r in problem.refusals))
        boundary, value = self._end()
        assert self.core_input is not None
        delivered = value.value
        core = pruned(self.core.graph(self.core_input, delivered))
        head = head_graph(self.graph, self.head, core.types[self.core_input])
        tail = tail_graph(
            self.graph, self.tail, boundary, delivered if isinstance(value, _Codes) else value, core.types
        )
        return Lowered(head, core, tail)

    def _node(self, node: Node) -> None:
        """By what the node reads."""
        source = node.inputs[0]
        if source in self.graph.constants:
            assert isinstance(node.op, Dequantize)
            self.represent.integer_constants[node.output] = self.graph.constants[source], node.op.input
            return
        match self.values[source]:
            case _Refused() as value:
                self.values[node.output] = value
                if isinstance(node.op, (Quantize, Thresholds)):
                    # what follows can be judged again
                    self.core.types[node.output] = self.graph.types[node.output]
                    self.values[node.output] = _Codes(node.output)
            case _Host() as value:
                self._on_host(node, value)
            case _Codes() as value:
                self._on_codes(node, value)
            case Represented() as value:
                self._on_represented(node, value)

    def _on_host(self, node: Node, value: _Host) -> None:
        if isinstance(node.op, (Conv2D, Dense, MaxPool2D, AveragePool2D)):
            if value.behind:
                raise _fail(node, "it follows an operation that only the host can do", "end the network there")
            raise _fail(node, "its input is not quantized", NOT_QUANTIZED)
        if not value.behind and isinstance(node.op, (Quantize, Thresholds)):
            key = (node.inputs[0], node.op)
            if key in self.codes:
                self.values[node.output] = _Codes(self.codes[key])
                return
            if self.core_input is not None:
                raise _fail(node, "the input is quantized in two ways", "quantize it once")
            self.codes[key] = node.output
            self.head.append(node)
            self._enter(node.output, self.graph.types[node.output])
            return
        (self.tail if value.behind else self.head).append(node)
        self.values[node.output] = value

    def _on_codes(self, node: Node, value: _Codes) -> None:
        kind = self.core.types[value.value]
        match node.op:
            case Dequantize(fixed):
                if value.value == self.core_input and not self.head:
                    self.core.types[value.value] = replace(kind, format=fixed)
                self.values[node.output] = Represented.quantized(
                    value.value, kind.shape[2], fixed.one_scale, fixed.zero_point
                )
            case MaxPool2D() | Reshape():
                self.values[node.output] = _Codes(self.core.add(node.name, node.op, (value.value,), node.output))
            case Table():
                table = self.core.constant(node.inputs[1], self.graph.constants[node.inputs[1]])
                self.values[node.output] = _Codes(self.core.add(node.name, node.op, (value.value, table), node.output))
            case _:
                raise _fail(node, "it works on raw integers", "put DequantizeLinear before it")

    def _on_represented(self, node: Node, value: Represented) -> None:
        if isinstance(node.op, Activation) and leads_to_codes(self.graph, node.output):
            raise _fail(node, "its input is not quantized", NOT_QUANTIZED)
        if isinstance(node.op, HOST_ONLY):
            self._leave(node, value)
            return
        try:
            if isinstance(node.op, Quantize):
                self.values[node.output] = self._quantize(node, node.op, value)
                return
            if isinstance(node.op, Thresholds):
                self.values[node.output] = _Codes(self.represent.compared(node, node.op, value))
                return
            result = self.represent.applied(node, value)
        except ValueError as error:
            raise _fail(node, str(error), NOT_QUANTIZED) from error
        if self.uses[node.output] != 1:
            # a bias put into the layer now would change what other nodes read
            result = replace(result, layer=None)
        self.values[node.output] = result

    def _quantize(self, node: Node, op: Quantize, value: Represented) -> _Codes:
        key = (node.inputs[0], op)
        if key not in self.codes:
            held = self.core.types[value.value].fixed
            same = needs_nothing(value, held, op)
            self.codes[key] = value.value if same else self.represent.quantized(node, op, value)
        return _Codes(self.codes[key])

    def _leave(self, node: Node, value: Represented) -> None:
        """What `node` reads leaves the core; `node` and what follows is the host's."""
        source = node.inputs[0]
        if self.boundary is None:
            self.boundary = source, self.represent.settled(value, 0.0)
        elif self.boundary[0] != source:
            raise _fail(node, "the host would need two values of the hardware", "use one output")
        self.tail.append(node)
        self.values[node.output] = _Host(behind=True)

    def _end(self) -> tuple[str, _Codes | Represented]:
        """What the core delivers, and as which value of the graph."""
        (output,) = self.graph.outputs
        last = self.values[output]
        assert not isinstance(last, _Refused)
        if isinstance(last, _Host):
            if self.boundary is None:
                raise InputError(
                    "the model has no quantized layers; quantize it with calibration data (rtlnn quantize)"
                )
            return self.boundary
        return output, self.represent.settled(last, 0.0) if isinstance(last, Represented) else last


def lower(graph: Graph, precision: Precision = Precision.EXACT) -> Lowered:
    """Split `graph` into head, core and tail, and turn the core into integers.

    Requires: Dequantize (with axis 0) on every integer constant, Affine's parameters constant.
    Ensures: the core holds integers alone and equals onnxruntime's integer kernels where `precision` is exact.

    Raises `InputError` that names the node whose input is not quantized, or that the hardware cannot do.
    """
    return _Lowering(graph, precision).run()
