"""How each operation is written as ONNX."""

import numpy as np

from rtlnn.errors import InputError
from rtlnn.frontend.tensors import View, channels_first
from rtlnn.frontend.writer.tensors import OnnxGraph
from rtlnn.ir.graph import Node
from rtlnn.ir.types import Array, Encoding, FixedFormat
from rtlnn.ops import (
    Affine,
    AveragePool2D,
    Clip,
    Conv2D,
    Dense,
    Dequantize,
    MaxPool2D,
    Quantize,
    Reshape,
    Sigmoid,
    Softmax,
    Window,
)

__all__ = ["write_node"]


def write_node(onnx: OnnxGraph, node: Node) -> None:
    """Append `node` to the ONNX graph. Raises `InputError` if there is no ONNX operator for it."""
    if node.inputs[0] in onnx.graph.constants:
        return  # weights are written with the layer that reads them
    source = node.inputs[0]
    match node.op:
        case Quantize(output):
            if _feeds_dense(onnx, node):
                onnx.views[source] = onnx.vector(source)
            made = _like(onnx, node, "QuantizeLinear", onnx.views[source], *_parameters(onnx, node.name, output))
        case Dequantize(fixed):
            made = _like(onnx, node, "DequantizeLinear", onnx.views[source], *_parameters(onnx, node.name, fixed))
        case Clip(lo, hi):
            made = _clip(onnx, node, lo, hi)
        case Affine():
            made = _affine(onnx, node)
        case Conv2D(window):
            made = _windowed(onnx, node, "Conv", window, _layer_inputs(onnx, node, (0, 3, 1, 2)))
        case MaxPool2D(window):
            made = _windowed(onnx, node, "MaxPool", window, [])
        case AveragePool2D(window, count):
            made = _windowed(onnx, node, "AveragePool", window, [], count_include_pad=int(count))
        case Dense():
            made = _dense(onnx, node)
        case Reshape(shape):
            made = onnx.vector(source) if shape[:2] == (1, 1) else onnx.views[source]
        case Softmax(log):
            vector = onnx.graph.types[source].shape[:2] == (1, 1)
            view = onnx.vector(source) if vector else onnx.image(source)
            made = _like(onnx, node, "LogSoftmax" if log else "Softmax", view, axis=1)
        case Sigmoid():
            made = _like(onnx, node, "Sigmoid", onnx.views[source])
        case _:
            raise InputError(f"node {node.name!r}: {type(node.op).__name__} cannot be written as ONNX")
    onnx.views[node.output] = made


def _like(onnx: OnnxGraph, node: Node, operator: str, view: View, *more: str, **attributes: object) -> View:
    """An elementwise node."""
    made = onnx.emit(operator, node.name, [view.value, *more], onnx.names(node.output), **attributes)
    return View(made, view.index)


def _parameters(onnx: OnnxGraph, name: str, fixed: FixedFormat) -> list[str]:
    """Scale and zero point, never shared between nodes: onnxruntime would not fuse them with their layer."""
    scale = np.asarray(fixed.scale, np.float32)
    sign = "int" if fixed.encoding is Encoding.SIGNED else "uint"
    width = next(b for b in (8, 16, 32) if b >= fixed.bits)
    zero = np.full(scale.shape, fixed.zero_point, dtype=f"{sign}{width}")
    return [onnx.store(f"{name}.scale", scale), onnx.store(f"{name}.zero_point", zero)]


def _feeds_dense(onnx: OnnxGraph, node: Node) -> bool:
    """Whether a dense layer reads the result of a Quantize node: then Flatten comes before, so that the pair touches it."""
    return any(isinstance(n.op, Dense) for r in onnx.graph.users(node.output) for n in onnx.graph.users(r.output))


def _clip(onnx: OnnxGraph, node: Node, lo: float, hi: float) -> View:
    view = onnx.views[node.inputs[0]]
    if (lo, hi) == (0.0, np.inf):
        return _like(onnx, node, "Relu", view)
    bounds = [
        onnx.store(f"{node.name}.{name}", np.asarray(bound, np.float32)) if np.isfinite(bound) else ""
        for name, bound in (("minimum", lo), ("maximum", hi))
    ]
    return _like(onnx, node, "Clip", view, *bounds)


def _affine(onnx: OnnxGraph, node: Node) -> View:
    """A multiplication, an addition, or both."""
    view = onnx.views[node.inputs[0]]
    scale, shift = (onnx.graph.constants[v].astype(np.float32) for v in node.inputs[1:])
    steps = [("Mul", scale)] if (scale != 1).any() or not shift.any() else []
    steps += [("Add", shift)] if shift.any() else []
    for i, (operator, values) in enumerate(steps):
        last = i == len(steps) - 1
        name = node.name if last else onnx.names(f"{node.name}_{operator}")
        stored = onnx.store(f"{node.name}.{operator.lower()}", _broadcastable(values[view.index % len(values)]))
        output = onnx.names(node.output if last else f"{node.output}_{operator.lower()}")
        view = View(onnx.emit(operator, name, [view.value, stored], output), view.index)
    return view


def _broadcastable(full: Array) -> Array:
    """The smallest array that broadcasts to `full`, which varies along one axis at most or along all."""
    for axis in range(full.ndim):
        if (full == full.take([0], axis)).all():
            full = full.take([0], axis)
    return full.reshape(()) if full.size == 1 else full


def _layer_inputs(onnx: OnnxGraph, node: Node, order: tuple[int, ...], columns: Array | None = None) -> list[str]:
    """Weights (and bias) of a layer, integers behind a DequantizeLinear where the graph has them."""
    inputs = []
    for what, value in zip(("weight", "bias"), node.inputs[1:], strict=False):
        def arranged(array: Array, weight: bool = what == "weight") -> Array:
            if not weight:
                return array
            return array.transpose(order) if columns is None else array[:, columns]

        maker = onnx.graph.producer(value)
        if maker is None:
            inputs.append(onnx.store(f"{node.name}.{what}", arranged(onnx.graph.constants[value]).astype(np.float32)))
            continue
        assert isinstance(maker.op, Dequantize)
        fixed = maker.op.input
        scale, zero = _parameters(onnx, maker.name, fixed)
        width = next(b for b in (8, 16, 32) if b >= fixed.bits)
        codes = arranged(onnx.graph.constants[maker.inputs[0]]).astype(f"int{width}" if fixed.signed else f"uint{width}")
        stored = onnx.store(f"{node.name}.{what}", codes)
        axis = {"axis": 0} if isinstance(fixed.scale, tuple) else {}
        inputs.append(onnx.emit("DequantizeLinear", maker.name, [stored, scale, zero], onnx.names(maker.output), **axis))
    return inputs


def _windowed(
    onnx: OnnxGraph, node: Node, operator: str, window: Window, more: list[str], **attributes: object
) -> View:
    view = onnx.image(node.inputs[0])
    made = onnx.emit(
        operator,
        node.name,
        [view.value, *more],
        onnx.names(node.output),
        kernel_shape=list(window.kernel),
        strides=list(window.stride),
        pads=list(window.pads),
        **attributes,
    )
    height, width, channels = onnx.graph.types[node.output].shape
    return View(made, channels_first((1, channels, height, width)))


def _dense(onnx: OnnxGraph, node: Node) -> View:
    view = onnx.vector(node.inputs[0])
    inputs = _layer_inputs(onnx, node, (0, 1), view.index.ravel())
    made = onnx.emit("Gemm", node.name, [view.value, *inputs], onnx.names(node.output), transB=1)
    return View(made, np.arange(onnx.graph.types[node.output].size).reshape(1, -1))
