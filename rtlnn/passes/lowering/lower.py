"""The walk over the graph: every real value between Quantize and Dequantize is represented by integers."""

from collections import Counter
from dataclasses import dataclass, replace

from rtlnn.errors import InputError
from rtlnn.ir.graph import Graph, Node
from rtlnn.ir.op import CodeOp, Op
from rtlnn.ir.refusal import NodesRefused, Refusal
from rtlnn.ir.types import TensorType
from rtlnn.ops import (
    Activation,
    ArgMax,
    AveragePool2D,
    Concat,
    Conv2D,
    Dense,
    Dequantize,
    Extreme,
    FixedSoftmax,
    MaxPool2D,
    Precision,
    Quantize,
    Rearrange,
    Reshape,
    Softmax,
    Table,
    Thresholds,
)
from rtlnn.passes.elementwise import ELEMENTWISE, leads_to_codes
from rtlnn.passes.lowering.core import CoreBuilder
from rtlnn.passes.lowering.host import Boundary, head_graph, tail_graph
from rtlnn.passes.lowering.join import Joining
from rtlnn.passes.lowering.represent import Representation
from rtlnn.passes.lowering.represented import Represented
from rtlnn.passes.rewrite import pruned

__all__ = ["Lowered", "lower"]

LAYERS = (Conv2D, Dense, MaxPool2D, AveragePool2D)
NOT_QUANTIZED = "put QuantizeLinear and DequantizeLinear there, or quantize the float model (rtlnn quantize)"
OR_CALIBRATE = "; or give typical inputs with --calibration, and what is real is quantized"


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


def _fail(node: Node, problem: str, advice: str, unquantized: tuple[str, ...] = ()) -> NodesRefused:
    advice += OR_CALIBRATE if unquantized else ""
    refusal = Refusal(node.name, type(node.op).__name__, problem, advice, unquantized)
    return NodesRefused(f"node {node.name!r} ({refusal.operator}): {problem}; {advice}", (refusal,))


_Value = _Codes | _Host | _Refused | Represented


class _Lowering:
    def __init__(self, graph: Graph, precision: Precision) -> None:
        self.graph = graph
        self.uses = Counter(v for n in graph.nodes for v in n.inputs)
        self.uses.update(graph.outputs)
        self.core = CoreBuilder((*graph.types, *(n.name for n in graph.nodes)))
        self.represent = Representation(graph, self.core, precision)
        self.join = Joining(graph, self.core, self.represent)
        self.values: dict[str, _Value] = {}
        self.head: list[Node] = []
        self.tail: list[Node] = []
        self.sources: list[str] = []
        self.boundaries: dict[str, Boundary] = {}
        self.codes: dict[tuple[str, Op], str] = {}
        for source in graph.inputs:
            if graph.types[source].format is None:
                self.values[source] = _Host(behind=False)
            else:
                self._enter(source, graph.types[source])

    def _enter(self, value: str, kind: TensorType) -> None:
        self.sources.append(value)
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
        for output in self.graph.outputs:
            self._end(output)
        delivered = tuple(dict.fromkeys(b.value for b in self.boundaries.values()))
        core = pruned(self.core.graph(tuple(self.sources), delivered))
        head = head_graph(self.graph, self.head, {v: core.types[v] for v in self.sources})
        tail = tail_graph(self.graph, self.tail, self.boundaries, {v: core.types[v] for v in delivered})
        return Lowered(head, core, tail)

    def _node(self, node: Node) -> None:
        """By what the node reads."""
        source = node.inputs[0]
        if source in self.graph.constants:
            assert isinstance(node.op, Dequantize)
            self.represent.integer_constants[node.output] = self.graph.constants[source], node.op.input
            return
        values = [self.values[v] for v in node.inputs if v in self.values]
        if any(isinstance(v, _Refused) for v in values):
            self.values[node.output] = _Refused()
            if isinstance(node.op, (Quantize, Thresholds)):
                # what follows can be judged again
                self.core.types[node.output] = self.graph.types[node.output]
                self.values[node.output] = _Codes(node.output)
            return
        hosted = [v for v in values if isinstance(v, _Host)]
        codes = [v for v in values if isinstance(v, _Codes)]
        represented = [v for v in values if isinstance(v, Represented)]
        if any(v.behind for v in hosted) or (represented and self._hosts(node, represented)):
            self._behind(node)
        elif len(hosted) == len(values):
            self._ahead(node)
        elif hosted:
            real = tuple(v for v in node.inputs if isinstance(self.values.get(v), _Host))
            raise _fail(node, "one of its inputs is not quantized", NOT_QUANTIZED, real)
        elif len(codes) == len(values):
            self._on_codes(node, codes)
        elif codes:
            raise _fail(node, "one of its inputs holds raw integers", "put DequantizeLinear before it")
        else:
            self._on_represented(node, represented)

    def _hosts(self, node: Node, values: list[Represented]) -> bool:
        """Whether the host does what `node` says, with the hardware's results."""
        if isinstance(node.op, Activation):
            return not leads_to_codes(self.graph, node.output)
        return isinstance(node.op, Softmax) or (isinstance(node.op, ArgMax) and not values[0].comparable)

    def _ahead(self, node: Node) -> None:
        """The host does it before the hardware; what it quantizes, enters."""
        if isinstance(node.op, LAYERS):
            real = tuple(v for v in node.inputs if v in self.values)
            raise _fail(node, "its input is not quantized", NOT_QUANTIZED, real)
        if isinstance(node.op, (Quantize, Thresholds)):
            key = (node.inputs[0], node.op)
            if key in self.codes:
                self.values[node.output] = _Codes(self.codes[key])
                return
            self.codes[key] = node.output
            self.head.append(node)
            self._enter(node.output, self.graph.types[node.output])
            return
        self.head.append(node)
        self.values[node.output] = _Host(behind=False)

    def _behind(self, node: Node) -> None:
        """The host does it behind the hardware; what it reads of the hardware, leaves."""
        if isinstance(node.op, LAYERS):
            raise _fail(node, "it follows an operation that only the host can do", "end the network there")
        for source in node.inputs:
            match self.values.get(source):
                case _Host(behind=False):
                    raise _fail(node, "it joins the hardware's results with the network's input", NOT_QUANTIZED)
                case _Codes() | Represented() as value:
                    self._leave(source, value)
        self.tail.append(node)
        self.values[node.output] = _Host(behind=True)

    def _on_codes(self, node: Node, values: list[_Codes]) -> None:
        names = tuple(v.value for v in values)
        match node.op:
            case Dequantize(fixed):
                kind = self.core.types[names[0]]
                if names[0] in self.graph.inputs:
                    self.core.retype(names[0], fixed)
                self.values[node.output] = Represented.quantized(
                    names[0], kind.shape[2], fixed.one_scale, fixed.zero_point
                )
            case MaxPool2D() | Reshape() | Rearrange() | ArgMax() | Extreme() | Concat() | CodeOp():
                # integers of one type, whatever they mean
                meant = self.core.types[names[0]].fixed
                for name in names[1:]:
                    self.core.retype(name, meant)
                self.values[node.output] = _Codes(self.core.add(node.name, node.op, names, node.output))
            case Table() | FixedSoftmax():
                table = self.core.constant(node.inputs[1], self.graph.constants[node.inputs[1]])
                self.values[node.output] = _Codes(self.core.add(node.name, node.op, (*names, table), node.output))
            case _:
                raise _fail(node, "it works on raw integers", "put DequantizeLinear before it")

    def _on_represented(self, node: Node, values: list[Represented]) -> None:
        if isinstance(node.op, Activation):
            producer = self.graph.producer(node.inputs[0])
            if producer is not None and isinstance(producer.op, Dequantize):
                # a function of codes becomes a table where its result is quantized, too
                raise _fail(node, "its result is not quantized", NOT_QUANTIZED, (node.output,))
            raise _fail(node, "its input is not quantized", NOT_QUANTIZED, node.inputs[:1])
        try:
            if isinstance(node.op, Quantize):
                self.values[node.output] = self._quantize(node, node.op, values[0])
                return
            if isinstance(node.op, Thresholds):
                self.values[node.output] = _Codes(self.represent.compared(node, node.op, values[0]))
                return
            result = self.join.applied(node, values) if len(values) > 1 else self.represent.applied(node, values[0])
        except ValueError as error:
            if isinstance(node.op, ELEMENTWISE) and not leads_to_codes(self.graph, node.output):
                self._behind(node)
                return
            pending = tuple(v for v in node.inputs if isinstance(r := self.values.get(v), Represented) and not r.plain)
            raise _fail(node, str(error), NOT_QUANTIZED, pending) from error
        if self.uses[node.output] != 1:
            # a bias put into the layer now would change what other nodes read
            result = replace(result, layer=None)
        self.values[node.output] = result

    def _quantize(self, node: Node, op: Quantize, value: Represented) -> _Codes:
        key = (node.inputs[0], op)
        if key not in self.codes:
            self.codes[key] = self.represent.quantized(node.name, op, value, node.output)
        return _Codes(self.codes[key])

    def _leave(self, source: str, value: _Codes | Represented) -> None:
        """The value `source` of the graph leaves the core."""
        if source in self.boundaries:
            return
        if isinstance(value, Represented):
            settled = self.represent.settled(value, 0.0)
            self.boundaries[source] = Boundary(settled.value, settled)
        else:
            self.boundaries[source] = Boundary(value.value, None)

    def _end(self, output: str) -> None:
        """The core delivers what the host makes `output` of."""
        match self.values[output]:
            case _Host(behind=False):
                raise InputError(
                    f"the output {output!r} has no quantized layers before it; quantize the model with calibration "
                    "data (rtlnn quantize)"
                )
            case _Codes() | Represented() as value:
                self._leave(output, value)


def lower(graph: Graph, precision: Precision = Precision.EXACT) -> Lowered:
    """Split `graph` into head, core and tail, and turn the core into integers.

    Requires: Dequantize (with axis 0) on every integer constant, Affine's parameters constant.
    Ensures: the core holds integers alone and equals onnxruntime's integer kernels where `precision` is exact.

    Raises `InputError` that names the node whose input is not quantized, or that the hardware cannot do.
    """
    return _Lowering(graph, precision).run()
