"""Matrix products with constant weights."""

import numpy as np

from rtlnn.frontend.context import Context
from rtlnn.frontend.handlers.weights import Known, known, real
from rtlnn.frontend.node import OnnxNode
from rtlnn.frontend.problems import Unsupported
from rtlnn.frontend.registry import handles
from rtlnn.frontend.tensors import Constant, Opaque, QuantizedConstant, Tensor, View, row_major
from rtlnn.ops import Conv2D, Dense, Window

__all__ = ["gemm", "matmul"]


def _scaled(tensor: Known, factor: float) -> Known:
    if factor == 1.0:
        return tensor
    if isinstance(tensor, QuantizedConstant):
        return QuantizedConstant(
            tensor.name, tensor.integers, tensor.scale * factor, tensor.zero, tensor.bits, tensor.signed
        )
    return Constant(tensor.name, tensor.array * factor)


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
    operands = [value, context.weights(node, weights, real(weights))]
    if bias is not None:
        if bias.shape not in ((), (1,), (outputs,), (1, outputs)) or (rows > 1 and len(bias.shape) > 1):
            raise Unsupported(f"its bias has the shape {bias.shape}", f"({outputs},) is supported")
        bias = bias.moved(lambda a: np.broadcast_to(a, (1, outputs))[0])
        operands.append(context.bias(node, bias, real(bias)))
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
    return _product(context, node, context.real_view(node), known(node, 1, "weight"), None)


@handles("Gemm", 7, 9, 11, 13)
def gemm(context: Context, node: OnnxNode) -> Tensor:
    view = context.real_view(node)
    weights = known(node, 1, "weight")
    if node.integer("transA", 0):
        view = view.moved(lambda a: a.T)
    if node.integer("transB", 0):
        weights = weights.moved(lambda a: a.T)
    bias = _scaled(known(node, 2, "bias"), node.real("beta", 1.0)) if node.has(2) else None
    return _product(context, node, view, _scaled(weights, node.real("alpha", 1.0)), bias)
