"""Convolution and matrix products with constant weights."""

import numpy as np

from rtlnn.frontend.context import Context
from rtlnn.frontend.handlers.windows import window_of
from rtlnn.frontend.node import OnnxNode
from rtlnn.frontend.problems import Unsupported
from rtlnn.frontend.registry import handles
from rtlnn.frontend.tensors import Constant, Opaque, QuantizedConstant, Tensor, View, channels_first, row_major
from rtlnn.ir.types import Array
from rtlnn.ops import Conv2D, Dense, Window

__all__ = ["conv", "gemm", "matmul"]

Known = Constant | QuantizedConstant


def _known(node: OnnxNode, i: int, what: str) -> Known:
    """Input `i`, which must be constant and finite."""
    node.finite(i, what)
    tensor = node.input(i)
    assert isinstance(tensor, (Constant, QuantizedConstant))
    return tensor


def _real(tensor: Known) -> Array:
    return tensor.real() if isinstance(tensor, QuantizedConstant) else tensor.array


def _scaled(tensor: Known, factor: float) -> Known:
    if factor == 1.0:
        return tensor
    if isinstance(tensor, QuantizedConstant):
        return QuantizedConstant(
            tensor.name, tensor.integers, tensor.scale * factor, tensor.zero, tensor.bits, tensor.signed
        )
    return Constant(tensor.name, tensor.array * factor)


@handles("Conv", 1, 11, 22)
def conv(context: Context, node: OnnxNode) -> Tensor:
    view = context.real_view(node)
    weights = _known(node, 1, "weight")
    group = node.integer("group", 1)
    if group != 1:
        kind = "a depthwise" if len(view.shape) > 1 and group == view.shape[1] else "a grouped"
        raise Unsupported(
            f"it is {kind} convolution ({group} groups)", "only group = 1 is supported: use standard convolutions"
        )
    if any(d != 1 for d in node.integers("dilations") or ()):
        raise Unsupported(f"its dilations are {node.integers('dilations')}", "only 1 is supported")
    if len(weights.shape) not in (3, 4):
        raise Unsupported(f"its kernel has {len(weights.shape) - 2} dimensions", "1 and 2 are supported")
    window = window_of(node, view.shape[2:], weights.shape[2:])
    value = context.image(view)
    if len(weights.shape) == 3:
        weights = weights.moved(lambda a: a[:, :, np.newaxis, :])
    weights = weights.moved(lambda a: a.transpose(0, 2, 3, 1))
    inputs = [value, context.weights(node, weights, _real(weights))]
    if node.has(2):
        bias = _known(node, 2, "bias")
        inputs.append(context.bias(node, bias, _real(bias)))
    made = context.add(node, Conv2D(window), *inputs)
    height, width, channels = context.builder.types[made].shape
    spatial = (height, width)[4 - len(view.shape) :]
    return View(made, channels_first((1, channels, *spatial)), view.tainted)


def _product(context: Context, node: OnnxNode, view: View, weights: Known, bias: Known | None) -> View:
    """Data (..., K) times weights (K, N): a dense layer, or a 1x1 convolution where there are several rows."""
    if len(weights.shape) != 2 or not view.shape or view.shape[-1] != weights.shape[0]:
        raise Unsupported(f"it multiplies {view.shape} by {weights.shape}", "(..., K) by (K, N) is supported")
    value = context.pixels(view)
    inputs, outputs = weights.shape
    rows = view.index.size // inputs
    if rows == 1:
        place = np.argsort(view.index.ravel())
        weights = weights.moved(lambda a: a.T[:, place])
        op: Conv2D | Dense = Dense()
    else:
        weights = weights.moved(lambda a: a.T[:, np.newaxis, np.newaxis, :])
        op = Conv2D(Window((1, 1)))
    operands = [value, context.weights(node, weights, _real(weights))]
    if bias is not None:
        if bias.shape not in ((), (1,), (outputs,), (1, outputs)) or (rows > 1 and len(bias.shape) > 1):
            raise Unsupported(f"its bias has the shape {bias.shape}", f"({outputs},) is supported")
        bias = bias.moved(lambda a: np.broadcast_to(a, (1, outputs))[0])
        operands.append(context.bias(node, bias, _real(bias)))
    made = context.add(node, op, *operands)
    return View(made, row_major((*view.shape[:-1], outputs)), view.tainted)


@handles("MatMul", 1, 9, 13)
def matmul(context: Context, node: OnnxNode) -> Tensor:
    if isinstance(node.input(1), Opaque):
        return Opaque()
    if isinstance(node.input(1), View):
        raise Unsupported(
            "it multiplies by a matrix that is computed from the data",
            "only data times constant weights is supported (no attention)",
        )
    return _product(context, node, context.real_view(node), _known(node, 1, "weight"), None)


@handles("Gemm", 7, 9, 11, 13)
def gemm(context: Context, node: OnnxNode) -> Tensor:
    view = context.real_view(node)
    weights = _known(node, 1, "weight")
    if node.integer("transA", 0):
        view = view.moved(lambda a: a.T)
    if node.integer("transB", 0):
        weights = weights.moved(lambda a: a.T)
    bias = _scaled(_known(node, 2, "bias"), node.real("beta", 1.0)) if node.has(2) else None
    return _product(context, node, view, _scaled(weights, node.real("alpha", 1.0)), bias)
