"""How each operation is written as ONNX."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from rtlnn.errors import InputError
from rtlnn.frontend.tensors import View, channels_first
from rtlnn.frontend.writer.activations import write_activation
from rtlnn.frontend.writer.joins import write_arg_max, write_concat, write_join, write_rearrange
from rtlnn.frontend.writer.tensors import OnnxGraph
from rtlnn.ir.graph import Node
from rtlnn.ir.op import Op
from rtlnn.ir.types import Array, Encoding, FixedFormat
from rtlnn.ops import (
    Activation,
    Add,
    Affine,
    ArgMax,
    AveragePool2D,
    Clip,
    Concat,
    Conv2D,
    Dense,
    Dequantize,
    Extreme,
    MaxPool2D,
    Multiply,
    Quantize,
    Rearrange,
    Reshape,
    Softmax,
    Window,
)

__all__ = ["write_node"]


def write_node(out: OnnxGraph, node: Node) -> None:
    """Append `node` to the ONNX graph. Raises `InputError` if there is no ONNX operator for it."""
    if node.inputs[0] in out.graph.constants:
        return  # weights are written with the layer that reads them
    rule = _RULES.get(type(node.op))
    if rule is None:
        raise InputError(f"node {node.name!r}: {type(node.op).__name__} cannot be written as ONNX")
    out.views[node.output] = rule(out, node, node.op)


def _like(out: OnnxGraph, node: Node, operator: str, view: View, *more: str, **attributes: object) -> View:
    """An elementwise node."""
    made = out.emit(operator, node.name, [view.value, *more], out.names(node.output), **attributes)
    return View(made, view.index)


def _parameters(out: OnnxGraph, name: str, fixed: FixedFormat) -> list[str]:
    """Scale and zero point, never shared between nodes: onnxruntime would not fuse them with their layer."""
    scale = np.asarray(fixed.scale, np.float32)
    sign = "int" if fixed.encoding is Encoding.SIGNED else "uint"
    width = next(b for b in (8, 16, 32) if b >= fixed.bits)
    zero = np.full(scale.shape, fixed.zero_point, dtype=f"{sign}{width}")
    return [out.store(f"{name}.scale", scale), out.store(f"{name}.zero_point", zero)]


def _feeds_dense(out: OnnxGraph, node: Node) -> bool:
    """Whether a dense layer reads the result of a Quantize node: Flatten then comes before, and the pair touches it."""
    return any(isinstance(n.op, Dense) for r in out.graph.users(node.output) for n in out.graph.users(r.output))


def _quantize(out: OnnxGraph, node: Node, op: Quantize) -> View:
    source = node.inputs[0]
    if _feeds_dense(out, node):
        out.views[source] = out.vector(source)
    return _like(out, node, "QuantizeLinear", out.views[source], *_parameters(out, node.name, op.output))


def _dequantize(out: OnnxGraph, node: Node, op: Dequantize) -> View:
    return _like(out, node, "DequantizeLinear", out.views[node.inputs[0]], *_parameters(out, node.name, op.input))


def _reshape(out: OnnxGraph, node: Node, op: Reshape) -> View:
    source = node.inputs[0]
    return out.vector(source) if op.shape[:2] == (1, 1) else out.views[source]


def _softmax(out: OnnxGraph, node: Node, op: Softmax) -> View:
    source = node.inputs[0]
    view = out.vector(source) if out.graph.types[source].shape[:2] == (1, 1) else out.image(source)
    return _like(out, node, "LogSoftmax" if op.log else "Softmax", view, axis=1)


def _conv(out: OnnxGraph, node: Node, op: Conv2D) -> View:
    return _windowed(out, node, "Conv", op.window, _layer_inputs(out, node, (0, 3, 1, 2)), group=op.groups)


def _max_pool(out: OnnxGraph, node: Node, op: MaxPool2D) -> View:
    return _windowed(out, node, "MaxPool", op.window, [])


def _average_pool(out: OnnxGraph, node: Node, op: AveragePool2D) -> View:
    if op.window.dilation != (1, 1):
        raise InputError(f"node {node.name!r}: a dilated average needs ONNX's opset 19; use a convolution")
    if not any(op.counted):
        return _windowed(out, node, "AveragePool", op.window, [])
    # what hangs over the counted padding comes from rounding the number of positions up
    window = replace(op.window, pads=op.counted)
    return _windowed(out, node, "AveragePool", window, [], count_include_pad=1, ceil_mode=int(window != op.window))


def _clip(out: OnnxGraph, node: Node, op: Clip) -> View:
    lo, hi = op.lo, op.hi
    view = out.views[node.inputs[0]]
    if (lo, hi) == (0.0, np.inf):
        return _like(out, node, "Relu", view)
    bounds = [
        out.store(f"{node.name}.{name}", np.asarray(bound, np.float32)) if np.isfinite(bound) else ""
        for name, bound in (("minimum", lo), ("maximum", hi))
    ]
    return _like(out, node, "Clip", view, *bounds)


def _affine(out: OnnxGraph, node: Node, _: Affine) -> View:
    """A multiplication, an addition, or both."""
    view = out.views[node.inputs[0]]
    scale, shift = (out.graph.constants[v].astype(np.float32) for v in node.inputs[1:])
    steps = [("Mul", scale)] if (scale != 1).any() or not shift.any() else []
    steps += [("Add", shift)] if shift.any() else []
    for i, (operator, values) in enumerate(steps):
        last = i == len(steps) - 1
        name = node.name if last else out.names(f"{node.name}_{operator}")
        stored = out.store(f"{node.name}.{operator.lower()}", _broadcastable(values[view.index % len(values)]))
        output = out.names(node.output if last else f"{node.output}_{operator.lower()}")
        view = View(out.emit(operator, name, [view.value, stored], output), view.index)
    return view


def _broadcastable(full: Array) -> Array:
    """The smallest array that broadcasts to `full`, which varies along one axis at most or along all."""
    for axis in range(full.ndim):
        if (full == full.take([0], axis)).all():
            full = full.take([0], axis)
    return full.reshape(()) if full.size == 1 else full


def _layer_inputs(out: OnnxGraph, node: Node, order: tuple[int, ...], columns: Array | None = None) -> list[str]:
    """Weights (and bias) of a layer, integers behind a DequantizeLinear where the graph has them."""
    inputs = []
    for what, value in zip(("weight", "bias"), node.inputs[1:], strict=False):

        def arranged(array: Array, weight: bool = what == "weight") -> Array:
            if not weight:
                return array
            return array.transpose(order) if columns is None else array[:, columns]

        maker = out.graph.producer(value)
        if maker is None:
            inputs.append(out.store(f"{node.name}.{what}", arranged(out.graph.constants[value]).astype(np.float32)))
            continue
        assert isinstance(maker.op, Dequantize)
        fixed = maker.op.input
        scale, zero = _parameters(out, maker.name, fixed)
        width = next(b for b in (8, 16, 32) if b >= fixed.bits)
        codes = arranged(out.graph.constants[maker.inputs[0]]).astype(f"int{width}" if fixed.signed else f"uint{width}")
        stored = out.store(f"{node.name}.{what}", codes)
        axis = {"axis": 0} if isinstance(fixed.scale, tuple) else {}
        inputs.append(out.emit("DequantizeLinear", maker.name, [stored, scale, zero], out.names(maker.output), **axis))
    return inputs


def _windowed(out: OnnxGraph, node: Node, operator: str, window: Window, more: list[str], **attributes: object) -> View:
    view = out.image(node.inputs[0])
    made = out.emit(
        operator,
        node.name,
        [view.value, *more],
        out.names(node.output),
        kernel_shape=list(window.kernel),
        strides=list(window.stride),
        pads=list(window.pads),
        **({} if window.dilation == (1, 1) else {"dilations": list(window.dilation)}),
        **attributes,
    )
    height, width, channels = out.graph.types[node.output].shape
    return View(made, channels_first((1, channels, height, width)))


def _dense(out: OnnxGraph, node: Node, _: Dense) -> View:
    view = out.vector(node.inputs[0])
    inputs = _layer_inputs(out, node, (0, 1), view.index.ravel())
    made = out.emit("Gemm", node.name, [view.value, *inputs], out.names(node.output), transB=1)
    return View(made, np.arange(out.graph.types[node.output].size).reshape(1, -1))


_RULES: dict[type[Op], Callable[[OnnxGraph, Node, Any], View]] = {
    Activation: write_activation,
    Add: write_join,
    Affine: _affine,
    ArgMax: write_arg_max,
    AveragePool2D: _average_pool,
    Clip: _clip,
    Concat: write_concat,
    Conv2D: _conv,
    Dense: _dense,
    Dequantize: _dequantize,
    Extreme: write_join,
    MaxPool2D: _max_pool,
    Multiply: write_join,
    Quantize: _quantize,
    Rearrange: write_rearrange,
    Reshape: _reshape,
    Softmax: _softmax,
}
