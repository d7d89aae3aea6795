"""The QOperator format of ONNX itself: integers in, integers out."""

import numpy as np

from rtlnn.frontend.context import Context
from rtlnn.frontend.node import OnnxNode
from rtlnn.frontend.parts import dequantized, part, quantized, zeros_like
from rtlnn.frontend.problems import Unsupported
from rtlnn.frontend.registry import handles
from rtlnn.frontend.tensors import Constant, QuantizedConstant, Tensor

__all__ = ["conv_integer", "dynamic_quantize", "integer_bias", "matmul_integer", "qlinear_conv", "qlinear_matmul"]


def integer_bias(node: OnnxNode, i: int, x_scale: int, w_scale: int) -> QuantizedConstant:
    """Input `i` of `node`, int32 in units of the accumulators: of the product of the two scales, (O,)."""
    integers = np.asarray(node.constant(i, "bias"))
    if integers.dtype != np.int32:
        raise Unsupported(f"its bias has the type {integers.dtype.name}", "int32 is defined; export the model again")
    scales = (node.finite(k, "scale").astype(np.float32).reshape(-1) for k in (x_scale, w_scale))
    scale = np.broadcast_to(np.multiply(*scales), integers.shape)
    return QuantizedConstant(
        getattr(node.input(i), "name", ""),
        integers.astype(np.int64),
        scale,
        np.zeros(integers.shape, np.int64),
        32,
        True,
    )


@handles("QLinearConv", 10)
def qlinear_conv(context: Context, node: OnnxNode) -> Tensor:
    """Inputs x, its scale and zero point, w and its (one, or one for each output channel), those of y, int32 bias."""
    x, w = dequantized(context, node, 0, "x"), dequantized(context, node, 3, "w", axis=0)
    bias = integer_bias(node, 8, 1, 4) if node.has(8) else None
    return quantized(context, node, part(context, node, "Conv", x, w, bias, attributes=node.attributes), 6)


@handles("QLinearMatMul", 10, 21)
def qlinear_matmul(context: Context, node: OnnxNode) -> Tensor:
    """Inputs a, its scale and zero point, b and its (one, or one for each column), those of y."""
    a, b = dequantized(context, node, 0, "a"), dequantized(context, node, 3, "b", axis=-1)
    return quantized(context, node, part(context, node, "MatMul", a, b), 6)


def _unscaled(context: Context, node: OnnxNode, i: int, zero: int, role: str, axis: int) -> Tensor:
    """Input `i` minus its zero point, as the numbers that its integers are."""
    tensor = node.input(i)
    offset = node.input(zero) if node.has(zero) else zeros_like(context, tensor)
    scale = Constant("scale", np.ones(offset.shape if isinstance(offset, Constant) else (), np.float32))
    return part(context, node, "DequantizeLinear", tensor, scale, offset, role=role, attributes={"axis": axis})


@handles("ConvInteger", 10)
def conv_integer(context: Context, node: OnnxNode) -> Tensor:
    """Inputs x, w, zero points. The result, int32 in ONNX, is held as the real numbers of the same values."""
    x, w = _unscaled(context, node, 0, 2, "x", 1), _unscaled(context, node, 1, 3, "w", 0)
    return part(context, node, "Conv", x, w, attributes=node.attributes)


@handles("MatMulInteger", 10)
def matmul_integer(context: Context, node: OnnxNode) -> Tensor:
    """Inputs a, b, zero points; as ConvInteger."""
    a, b = _unscaled(context, node, 0, 2, "a", -2), _unscaled(context, node, 1, 3, "b", -1)
    return part(context, node, "MatMul", a, b)


@handles("DynamicQuantizeLinear", 11)
def dynamic_quantize(_: Context, __: OnnxNode) -> Tensor:
    raise Unsupported(
        "it computes scales from the data of each frame",
        "quantize statically, with calibration data: quantize_static of onnxruntime, or rtlnn quantize for the float "
        "model",
    )
