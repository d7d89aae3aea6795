"""The walk over the graph: every real value between Quantize and Dequantize is represented by integers."""

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from rtlnn.errors import InputError
from rtlnn.ir.graph import Graph, Node
from rtlnn.ir.op import Op
from rtlnn.ir.types import Array, FixedFormat, TensorType
from rtlnn.ops import (
    Affine,
    AveragePool2D,
    Clip,
    Conv2D,
    Dense,
    Dequantize,
    MaxPool2D,
    Precision,
    Quantize,
    Reshape,
    Sigmoid,
    Softmax,
)
from rtlnn.passes.lowering.core import CoreBuilder
from rtlnn.passes.lowering.represented import Represented
from rtlnn.passes.lowering.requantization import accumulator_bias, needs_nothing, requantization

__all__ = ["Lowered", "lower"]

HOST_ONLY = (Softmax, Sigmoid)


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
    """A real value (or, at the end, codes) that the host computes, before the core or behind it."""

    behind: bool


_Value = _Codes | _Host | Represented


def _fail(node: Node, problem: str, advice: str) -> InputError:
    return InputError(f"node {node.name!r} ({type(node.op).__name__}): {problem}; {advice}")


NOT_QUANTIZED = "put QuantizeLinear and DequantizeLinear there, or quantize the float model (rtlnn quantize)"


class _Lowering:
    def __init__(self, graph: Graph, precision: Precision) -> None:
        self.graph = graph
        self.precision = precision
        self.uses = Counter(v for n in graph.nodes for v in n.inputs)
        self.uses.update(graph.outputs)
        self.core = CoreBuilder((*graph.types, *(n.name for n in graph.nodes)))
        self.integer_weights: dict[str, tuple[Array, FixedFormat]] = {}
        self.values: dict[str, _Value] = {}
        self.head: list[Node] = []
        self.tail: list[Node] = []
        self.core_input: str | None = None
        self.boundary: str | None = None
        self.boundary_value: _Value | None = None
        self.quantized: dict[tuple[str, Op], str] = {}
        (source,) = graph.inputs
        kind = graph.types[source]
        if kind.format is None:
            self.values[source] = _Host(behind=False)
        else:
            self._enter(source, kind)

    def _enter(self, value: str, kind: TensorType) -> None:
        self.core_input = value
        self.core.types[value] = kind
        self.values[value] = _Codes(value)

    def run(self) -> Lowered:
        for node in self.graph.nodes:
            self._node(node)
        return self._parts()

    # nodes, by what they read

    def _node(self, node: Node) -> None:
        source = node.inputs[0]
        if source in self.graph.constants:
            assert isinstance(node.op, Dequantize)
            self.integer_weights[node.output] = self.graph.constants[source], node.op.input
            return
        value = self.values[source]
        match value:
            case _Host():
                self._on_host(node, value)
            case _Codes():
                self._on_codes(node, value)
            case Represented():
                self._on_represented(node, value)

    def _on_host(self, node: Node, value: _Host) -> None:
        if isinstance(node.op, (Conv2D, Dense, MaxPool2D, AveragePool2D)):
            if value.behind:
                raise _fail(node, "it follows an operation that only the host can do", "end the network there")
            raise _fail(node, "its input is not quantized", NOT_QUANTIZED)
        if not value.behind and isinstance(node.op, Quantize):
            same = self.quantized.get((node.inputs[0], node.op))
            if same is None and self.core_input is not None:
                raise _fail(node, "the input is quantized in two ways", "quantize it once")
            self.quantized[node.inputs[0], node.op] = same or node.output
            if same is None:
                self.head.append(node)
                self._enter(node.output, self.graph.types[node.output])
            else:
                self.values[node.output] = _Codes(same)
            return
        (self.tail if value.behind else self.head).append(node)
        self.values[node.output] = value

    def _on_codes(self, node: Node, value: _Codes) -> None:
        op = node.op
        if isinstance(op, Dequantize):
            fixed = op.input
            kind = self.core.types[value.value]
            if value.value == self.core_input and not self.head:
                self.core.types[value.value] = replace(kind, format=fixed)
            assert isinstance(fixed.scale, float)
            self.values[node.output] = Represented.quantized(
                value.value, kind.shape[2], fixed.scale, fixed.zero_point
            )
        elif isinstance(op, (MaxPool2D, Reshape)):
            self.values[node.output] = _Codes(self.core.add(node.name, op, (value.value,), node.output))
        else:
            raise _fail(node, "it works on raw integers", "put DequantizeLinear before it")

    def _on_represented(self, node: Node, value: Represented) -> None:
        if isinstance(node.op, HOST_ONLY):
            self._leave(node)
            return
        try:
            result = self._represent(node, value)
        except ValueError as error:
            raise _fail(node, str(error), NOT_QUANTIZED) from error
        if isinstance(result, Represented) and self.uses[node.output] != 1:
            result = replace(result, layer=None)
        self.values[node.output] = result

    # operations on represented values

    def _represent(self, node: Node, value: Represented) -> Represented | _Codes:
        match node.op:
            case Affine():
                return value.affine(*(self.graph.constants[v] for v in node.inputs[1:]))
            case Clip(lo, hi):
                return value.limited(lo, hi)
            case Reshape(shape):
                made = self.core.add(node.name, node.op, (value.value,), node.output)
                return value.regrouped(made, shape[2])
            case MaxPool2D():
                if (value.scale < 0).any():
                    raise ValueError("it takes the maximum of values whose scale is negative in some channels")
                made = self.core.add(node.name, node.op, (value.value,), node.output)
                return replace(value, value=made)
            case AveragePool2D():
                return self._average(node, node.op, value)
            case Conv2D() | Dense():
                return self._layer(node, node.op, value)
            case Quantize(output):
                return self._quantize(node, output, value)
            case _:
                raise ValueError("only the host can do this")

    def _average(self, node: Node, op: AveragePool2D, value: Represented) -> Represented:
        if value.clipped:
            raise ValueError("the activation before it is not quantized")
        if value.shift.any() and op.count_include_pad and any(op.window.pads):
            raise ValueError("the values before it are not quantized")
        height, width, _ = self.core.types[value.value].shape
        _, divisor = op.factors((height, width))
        made = self.core.add(node.name, replace(op, x_zero=value.zero), (value.value,), node.output)
        return replace(value, value=made, scale=value.scale / divisor, zero=0, layer=None)

    def _layer(self, node: Node, op: Conv2D | Dense, value: Represented) -> Represented:
        if not value.plain:
            raise ValueError("its input is not quantized")
        weight, *bias = node.inputs[1:]
        if weight not in self.integer_weights:
            raise ValueError("its weights are not quantized")
        integers, fixed = self.integer_weights[weight]
        sw = np.broadcast_to(np.asarray(fixed.scale, np.float32), len(integers))
        scale = (np.float32(value.scale[0]) * sw).astype(np.float64)
        inputs = [value.value, self.core.constant(f"{node.name}.weight", integers, fixed)]
        shift = np.zeros(len(integers))
        if bias:
            terms, shift = self._bias(bias[0], scale)
            if terms is not None:
                inputs.append(self.core.constant(f"{node.name}.bias", terms))
        made = self.core.add(node.name, replace(op, x_zero=value.zero), tuple(inputs), node.output)
        return Represented(made, scale, 0, shift, layer=node.name)

    def _bias(self, name: str, scale: Array) -> tuple[Array | None, Array]:
        """A bias as integers in units of the accumulators, where it is given so, and what is left as real numbers."""
        if name not in self.integer_weights:
            return None, self.graph.constants[name]
        integers, fixed = self.integer_weights[name]
        real = np.broadcast_to(np.asarray(fixed.scale, np.float64), scale.shape)
        # exporters compute this product in float32 or float64
        if np.allclose(real, scale, rtol=1e-5, atol=0):
            return integers, np.zeros(len(scale))
        return None, integers * real

    def _quantize(self, node: Node, output: FixedFormat, value: Represented) -> _Codes:
        key = (node.inputs[0], node.op)
        if key in self.quantized:
            return _Codes(self.quantized[key])
        if needs_nothing(value, self.core.types[value.value].fixed, output):
            self.quantized[key] = value.value
            return _Codes(value.value)
        assert isinstance(output.scale, float)
        value = self._settled(value, output.scale)
        made = requantization(value, output, self.precision)
        inputs = [
            value.value,
            self.core.constant(f"{node.name}.multiplier", made.multiplier),
            self.core.constant(f"{node.name}.shift", made.shift),
        ]
        if made.bias is not None:
            inputs.append(self.core.constant(f"{node.name}.bias", made.bias))
        self.quantized[key] = self.core.add(node.name, made.op, tuple(inputs), node.output)
        return _Codes(node.output)

    def _settled(self, value: Represented, step: float) -> Represented:
        """The value with its pending shift moved into the accumulators, if they can take it."""
        bias = accumulator_bias(value, step)
        if bias is None:
            return value
        assert value.layer is not None
        self.core.add_bias(value.layer, bias)
        return replace(value, shift=np.zeros(len(bias)))

    # the end

    def _leave(self, node: Node) -> None:
        """What `node` reads leaves the core; `node` and what follows is the host's."""
        source = node.inputs[0]
        if self.boundary not in (None, source):
            raise _fail(node, "the host would need two values of the hardware", "use one output")
        self._end(source)
        self.tail.append(node)
        self.values[node.output] = _Host(behind=True)

    def _end(self, source: str) -> None:
        if self.boundary == source:
            return
        self.boundary = source
        value = self.values[source]
        if isinstance(value, Represented):
            value = self._settled(value, 0.0)
        self.boundary_value = value

    def _parts(self) -> Lowered:
        (output,) = self.graph.outputs
        last = self.values[output]
        if isinstance(last, _Host) and not last.behind:
            raise InputError(
                "the model has no quantized layers; quantize it with calibration data (rtlnn quantize, --calibration)"
            )
        if not isinstance(last, _Host):
            if self.boundary is not None and self.boundary != output:
                raise InputError(f"the output {output!r} and a part of the host need two values; use one output")
            self._end(output)
        value = self.boundary_value
        assert self.core_input is not None
        assert self.boundary is not None
        assert isinstance(value, (_Codes, Represented))
        core = self.core.graph(self.core_input, value.value)
        return Lowered(self._head(), core, self._tail(value, output))

    def _head(self) -> Graph:
        assert self.core_input is not None
        kinds = {v: self.graph.types[v] for n in self.head for v in (*n.inputs, n.output)}
        constants = {v: a for v, a in self.graph.constants.items() if v in kinds}
        kind = self.core.types[self.core_input]
        return Graph(self.graph.inputs, (self.core_input,), tuple(self.head), {self.core_input: kind, **kinds}, constants)

    def _tail(self, value: _Codes | Represented, output: str) -> Graph:
        """Real numbers from what the core delivers, and the nodes that follow."""
        source = value.value
        kind = self.core.types[source]
        if isinstance(value, _Codes):
            return Graph((source,), (source,), (), {source: kind}, {})
        types = {source: kind, **{v: self.graph.types[v] for n in self.tail for v in (*n.inputs, n.output)}}
        constants = {v: a for v, a in self.graph.constants.items() if v in types}
        scale = float(value.scale[0]) if value.one_scale else tuple(float(s) for s in value.scale)
        fixed = replace(kind.fixed, scale=scale, zero_point=value.zero)
        steps: list[tuple[str, Op, tuple[str, ...]]] = [("dequantized", Dequantize(fixed), ())]
        if value.shift.any():
            constants |= {"tail.scale": np.ones(len(value.shift)), "tail.shift": value.shift}
            types |= {v: TensorType(value.shift.shape) for v in ("tail.scale", "tail.shift")}
            steps.append(("shifted", Affine(), ("tail.scale", "tail.shift")))
        if value.clipped:
            steps.append(("clipped", Clip(value.lo, value.hi), ()))
        assert self.boundary is not None
        nodes, reads = [], source
        for i, (name, op, parameters) in enumerate(steps):
            # a core that ends in accumulators has a value of the boundary's name
            last = self.boundary if self.boundary != source else f"{self.boundary}.real"
            makes = last if i == len(steps) - 1 else f"tail.{name}"
            nodes.append(Node(f"tail.{name}", op, (reads, *parameters), makes))
            types[makes] = TensorType(kind.shape)
            reads = makes
        follow = [
            replace(n, inputs=tuple(reads if v == self.boundary else v for v in n.inputs)) for n in self.tail
        ]
        result = reads if output == self.boundary else output
        used = {v for n in (*nodes, *follow) for v in (*n.inputs, n.output)}
        return Graph(
            (source,),
            (result,),
            (*nodes, *follow),
            {v: t for v, t in types.items() if v in used},
            constants,
        )


def lower(graph: Graph, precision: Precision = Precision.EXACT) -> Lowered:
    """Split `graph` into head, core and tail, and turn the core into integers.

    Requires: Dequantize (with axis 0) on every integer constant, Affine's parameters constant.
    Ensures: the core holds integers alone and equals onnxruntime's integer kernels where `precision` is exact.

    Raises `InputError` that names the node whose input is not quantized, or that the hardware cannot do.
    """
    return _Lowering(graph, precision).run()
