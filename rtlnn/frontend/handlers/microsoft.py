"""onnxruntime's own quantized operators (com.microsoft), as its quantizer writes them in the QOperator format."""

from collections.abc import Callable

import numpy as np

from rtlnn.frontend.context import Context
from rtlnn.frontend.handlers.qoperator import integer_bias, qlinear_conv
from rtlnn.frontend.handlers.quantization import dequantize, quantize
from rtlnn.frontend.node import OnnxNode
from rtlnn.frontend.parts import dequantized, part, quantized
from rtlnn.frontend.problems import Unsupported
from rtlnn.frontend.registry import Handler, handles
from rtlnn.frontend.tensors import Opaque, Tensor
from rtlnn.ir.types import Array

__all__: list[str] = []

DOMAIN = "com.microsoft"


def _registered(operator: str) -> Callable[[Handler], Handler]:
    return handles(operator, 1, domain=DOMAIN)


_registered("QuantizeLinear")(quantize)
_registered("DequantizeLinear")(dequantize)


def _moved(tensor: Tensor, change: Callable[[Array], Array]) -> Tensor:
    return tensor if isinstance(tensor, Opaque) else tensor.moved(change)


def _channels_first(node: OnnxNode, *places: int) -> OnnxNode:
    """`node` with the images at `places` moved from (N, ..., C) to (N, C, ...) where it is said to have such."""
    if not node.integer("channels_last", 0):
        return node
    inputs = list(node.inputs)
    for i in places:
        inputs[i] = _moved(node.input(i), lambda a: np.moveaxis(a, -1, 1))
    return OnnxNode(node.name, node.operator, node.since, node.attributes, tuple(inputs), node.output)


def _restored(node: OnnxNode, result: Tensor) -> Tensor:
    return _moved(result, lambda a: np.moveaxis(a, 1, -1)) if node.integer("channels_last", 0) else result


@_registered("QLinearConv")
def _conv(context: Context, node: OnnxNode) -> Tensor:
    """ONNX's operator; `channels_last` images, filters always (O, C, ...)."""
    return _restored(node, qlinear_conv(context, _channels_first(node, 0)))


@_registered("NhwcMaxPool")
def _max_pool(context: Context, node: OnnxNode) -> Tensor:
    """MaxPool of integers (N, H, W, C)."""
    image = _moved(node.input(0), lambda a: np.moveaxis(a, -1, 1))
    made = part(context, node, "MaxPool", image, attributes=node.attributes)
    return _moved(made, lambda a: np.moveaxis(a, 1, -1))


def _of_two(operator: str) -> Handler:
    """a and b with scale and zero point each, then those of the result."""

    def handler(context: Context, node: OnnxNode) -> Tensor:
        a, b = dequantized(context, node, 0, "a"), dequantized(context, node, 3, "b")
        return quantized(context, node, part(context, node, operator, a, b), 6)

    return handler


def _of_one(operator: str) -> Callable[[Context, OnnxNode], Tensor]:
    """x with its scale and zero point, then those of the result; attributes are the standard operator's."""

    def handler(context: Context, node: OnnxNode) -> Tensor:
        x = dequantized(context, _channels_first(node, 0), 0, "x")
        made = part(context, node, operator, x, attributes=node.attributes)
        return _restored(node, quantized(context, node, made, 3))

    return handler


for _operator in ("Add", "Mul"):
    _registered(f"QLinear{_operator}")(_of_two(_operator))
for _operator in ("AveragePool", "GlobalAveragePool", "LeakyRelu", "Sigmoid"):
    _registered(f"QLinear{_operator}")(_of_one(_operator))


@_registered("QLinearSoftmax")
def _softmax(context: Context, node: OnnxNode) -> Tensor:
    """`opset` says which definition of Softmax is meant: before 13 all axes from `axis` on are one group."""
    if node.integer("opset", 13) >= 13:
        return _of_one("Softmax")(context, node)
    x = dequantized(context, node, 0, "x")
    if isinstance(x, Opaque):
        return x
    axis, shape = node.integer("axis", 1) % len(x.shape), x.shape
    flat = x.moved(lambda a: a.reshape(*shape[:axis], -1))
    made = part(context, node, "Softmax", flat, attributes={"axis": axis})
    return quantized(context, node, _moved(made, lambda a: a.reshape(shape)), 3)


@_registered("QLinearReduceMean")
def _reduce_mean(context: Context, node: OnnxNode) -> Tensor:
    attributes = {k: v for k, v in node.attributes.items() if k in ("axes", "keepdims")}
    made = part(context, node, "ReduceMean", dequantized(context, node, 0, "x"), attributes=attributes)
    return quantized(context, node, made, 3)


@_registered("QLinearConcat")
def _concat(context: Context, node: OnnxNode) -> Tensor:
    """Scale and zero point of the result, then each input with its own.

    Inputs change to the result's scale one by one, as onnxruntime does it.
    """
    if len(node.inputs) < 5 or (len(node.inputs) - 2) % 3:
        raise Unsupported(f"it has {len(node.inputs)} inputs", "check the model with onnx.checker")
    reals = []
    for i in range(2, len(node.inputs), 3):
        role = f"x{i // 3}"
        codes = part(
            context, node, "QuantizeLinear", dequantized(context, node, i, role), node.input(0), node.input(1),
            role=f"{role}.codes",
        )  # fmt: skip
        reals.append(
            part(context, node, "DequantizeLinear", codes, node.input(0), node.input(1), role=f"{role}.rescaled")
        )
    made = part(context, node, "Concat", *reals, attributes={"axis": node.integer("axis", 1)})
    return quantized(context, node, made, 0)


@_registered("QGemm")
def _gemm(context: Context, node: OnnxNode) -> Tensor:
    """Inputs a, its scale and zero point, b and its, int32 c, those of y. Without the latter the result is real."""
    alpha = node.real("alpha", 1.0)
    columns = 0 if node.integer("transB", 0) else 1
    a, b = dequantized(context, node, 0, "a"), dequantized(context, node, 3, "b", axis=columns)
    attributes = {"transA": node.integer("transA", 0), "transB": node.integer("transB", 0), "alpha": alpha}
    if node.has(6):
        bias = integer_bias(node, 6, 1, 4)
        scaled = bias.scale * np.float32(alpha)
        bias = type(bias)(bias.name, bias.integers, scaled, bias.zero, bias.bits, bias.signed)
        made = part(context, node, "Gemm", a, b, bias, attributes=attributes)
    else:
        made = part(context, node, "Gemm", a, b, attributes=attributes)
    return quantized(context, node, made, 7) if node.has(7) else made
