"""What the host does before and after the hardware, as C++ calls of `host/parts.h` with constants in files."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from rtlnn.ir.graph import Graph, Node
from rtlnn.ir.network import ModelPort, Network
from rtlnn.ir.op import Op
from rtlnn.ir.types import Array
from rtlnn.ops import Affine, Clip, Dequantize, Quantize, Rearrange, Reshape, Softmax
from rtlnn.ops.rounding import Rounding

__all__ = ["HostParts", "host_parts"]

_ROUNDINGS = {mode: mode.name.lower() for mode in Rounding}


@dataclass(frozen=True, eq=False)
class HostParts:
    """C++ statements on the values `x`, and the arrays that they read with `parts::constant(data, NAME)`.

    `reason` says why the program cannot do the host's parts; then it exchanges the core's own integers.
    """

    head: tuple[str, ...] = ()
    tail: tuple[str, ...] = ()
    constants: Mapping[str, Array] = field(default_factory=dict)
    reason: str | None = None


class _UnsupportedError(Exception):
    """A part that the C++ program has no words for."""


def host_parts(network: Network) -> HostParts:
    """The parts of a network with one input and one output in hardware."""
    try:
        if len(network.inputs) != 1 or len(network.outputs) != 1:
            raise _UnsupportedError(f"the model has {len(network.inputs)} inputs and {len(network.outputs)} outputs")
        writer = _Writer()
        head = [*_enter(network, writer), *writer.chain("head", network.head)]
        tail = [*writer.chain("tail", network.tail), *_leave(network.output, writer)]
    except _UnsupportedError as problem:
        return HostParts(reason=str(problem))
    return HostParts(tuple(head), tuple(tail), writer.constants)


class _Writer:
    """Makes the statements of a graph, and keeps their constants."""

    def __init__(self) -> None:
        self.constants: dict[str, Array] = {}

    def constant(self, name: str, values: Array | Sequence[float]) -> str:
        """A C++ expression for an array: itself if it is one number, else a file."""
        array = np.asarray(values, np.float64).ravel()
        if array.size == 1:
            return f"{{{_number(array[0])}}}"
        self.constants[name] = array
        return f'parts::constant(data, "{name}")'

    def chain(self, side: str, graph: Graph) -> Iterator[str]:
        (value,) = graph.inputs
        for number, node in enumerate(graph.nodes):
            reads = [v for v in node.inputs if v not in graph.constants]
            if reads != [value]:
                raise _UnsupportedError(f"{node.name} reads other values than that before it")
            write = _WRITERS.get(type(node.op))
            if write is None:
                raise _UnsupportedError(f"{node.name} is {type(node.op).__name__}")
            yield from write(self, f"{side}_{number}", graph, node)
            value = node.output
        if graph.outputs != (value,):
            raise _UnsupportedError(f"the host's part {side} has several ends")


def _enter(network: Network, writer: _Writer) -> Iterator[str]:
    """From the model's layout to (height, width, channels), checked."""
    (kind,) = (network.head.types[v] for v in network.head.inputs)
    if kind.format is None:
        yield "parts::expect_finite(x);"
    else:
        yield f"parts::expect_integers(x, {kind.format.lo}, {kind.format.hi});"
    order = network.input.order.astype(np.int64).ravel()
    if (order != np.arange(order.size)).any():
        yield f"parts::scatter(x, {writer.constant('input_order', order)});"


def _leave(port: ModelPort, writer: _Writer) -> Iterator[str]:
    order = port.order.astype(np.int64).ravel()
    if (order != np.arange(order.size)).any():
        yield f"parts::gather(x, {order.size}, {writer.constant('output_order', order)});"


def _number(value: float) -> str:
    if math.isinf(value):
        return "HUGE_VAL" if value > 0 else "-HUGE_VAL"
    return repr(float(value))


def _scales(scale: float | tuple[float, ...]) -> Sequence[float]:
    return scale if isinstance(scale, tuple) else (scale,)


def _affine(writer: _Writer, name: str, graph: Graph, node: Node) -> Iterator[str]:
    scale, shift = (graph.constants[v] for v in node.inputs[1:])
    yield f"parts::affine(x, {writer.constant(f'{name}_scale', scale)}, {writer.constant(f'{name}_shift', shift)});"


def _clip(writer: _Writer, name: str, graph: Graph, node: Node) -> Iterator[str]:
    assert isinstance(node.op, Clip)
    yield f"parts::clip(x, {_number(node.op.lo)}, {_number(node.op.hi)});"


def _quantize(writer: _Writer, name: str, graph: Graph, node: Node) -> Iterator[str]:
    op = node.op
    assert isinstance(op, Quantize)
    scale = writer.constant(f"{name}_scale", _scales(op.output.scale))
    lo, hi = op.ends
    yield (
        f"parts::quantize(x, {scale}, {op.output.zero_point}, {lo}, {hi}, parts::Rounding::{_ROUNDINGS[op.rounding]});"
    )


def _dequantize(writer: _Writer, name: str, graph: Graph, node: Node) -> Iterator[str]:
    assert isinstance(node.op, Dequantize)
    fixed = node.op.input
    yield f"parts::dequantize(x, {writer.constant(f'{name}_scale', _scales(fixed.scale))}, {fixed.zero_point});"


def _softmax(writer: _Writer, name: str, graph: Graph, node: Node) -> Iterator[str]:
    assert isinstance(node.op, Softmax)
    channels = graph.types[node.output].shape[2]
    yield f"parts::softmax(x, {channels}, {str(node.op.log).lower()});"


def _rearrange(writer: _Writer, name: str, graph: Graph, node: Node) -> Iterator[str]:
    assert isinstance(node.op, Rearrange)
    size = graph.types[node.inputs[0]].size
    yield f"parts::gather(x, {size}, {writer.constant(f'{name}_places', node.op.places)}, {_number(node.op.fill)});"


def _reshape(writer: _Writer, name: str, graph: Graph, node: Node) -> Iterator[str]:
    yield from ()


_WRITERS: Mapping[type[Op], Callable[[_Writer, str, Graph, Node], Iterator[str]]] = {
    Affine: _affine,
    Clip: _clip,
    Quantize: _quantize,
    Dequantize: _dequantize,
    Softmax: _softmax,
    Rearrange: _rearrange,
    Reshape: _reshape,
}
