"""QuantizeLinear, DequantizeLinear, and casts."""

import numpy as np
import onnx

from rtlnn.frontend.context import Context
from rtlnn.frontend.node import OnnxNode
from rtlnn.frontend.problems import Unsupported
from rtlnn.frontend.registry import handles
from rtlnn.frontend.tensors import Constant, Opaque, QuantizedConstant, Tensor, View
from rtlnn.ir.types import Array, Encoding, FixedFormat
from rtlnn.ops import ArgMax, Dequantize, Quantize

__all__ = ["cast", "dequantize", "integer_format", "quantize"]

FORMATS = {
    "int4": (4, True),
    "uint4": (4, False),
    "int8": (8, True),
    "uint8": (8, False),
    "int16": (16, True),
    "uint16": (16, False),
    "int32": (32, True),
}


def integer_format(dtype: str, scale: float = 1.0, zero: int = 0) -> FixedFormat | None:
    """The format of a NumPy integer type; None if values of it cannot be used."""
    if dtype not in FORMATS:
        return None
    bits, signed = FORMATS[dtype]
    return FixedFormat(bits, Encoding.SIGNED if signed else Encoding.UNSIGNED, scale, zero)


def _parameters(node: OnnxNode, dtype: str) -> tuple[Array, Array]:
    """Scale and zero point."""
    scale = node.finite(1, "scale")
    if (scale <= 0).any():
        raise Unsupported("its scale is not positive", "quantize the model again")
    if node.integer("block_size", 0):
        raise Unsupported("it has a scale for each block of elements", "use a scale for each tensor or channel")
    zero = node.constant(2, "zero point") if node.has(2) else np.zeros((), dtype)
    return scale, zero.astype(np.int64)


def _along(node: OnnxNode, parameter: Array, shape: tuple[int, ...]) -> Array:
    """A scale or zero point, one or one per element of the axis, spread over `shape`."""
    if parameter.size == 1:
        return np.broadcast_to(parameter.reshape(()), shape)
    axis = node.integer("axis", 1) % len(shape)
    if parameter.shape != (shape[axis],):
        raise Unsupported(f"{parameter.shape} scales do not fit axis {axis} of {shape}", "export the model again")
    return np.broadcast_to(parameter.reshape(-1, *(1,) * (len(shape) - axis - 1)), shape)


def _single(node: OnnxNode, scale: Array, zero: Array, dtype: str) -> FixedFormat:
    if (scale != scale.ravel()[0]).any() or (zero != zero.ravel()[0]).any():
        raise Unsupported("it has a scale for each channel of an activation", "use one scale for the tensor")
    found = integer_format(dtype, float(scale.ravel()[0]), int(zero.ravel()[0]))
    if found is None or found.bits > 16:
        raise Unsupported(f"it makes {dtype} values", "4, 8 and 16 bit integers are supported")
    return found


@handles("QuantizeLinear", 10, 13, 19, 21, 23, 24, 25, 28)
def quantize(context: Context, node: OnnxNode) -> Tensor:
    dtype = "uint8"
    if node.has(2):
        dtype = node.constant(2, "zero point").dtype.name
    elif wanted := node.integer("output_dtype", 0):
        dtype = onnx.helper.tensor_dtype_to_np_dtype(wanted).name
    scale, zero = _parameters(node, dtype)
    tensor = node.input(0)
    if isinstance(tensor, (Constant, QuantizedConstant)):
        real = node.finite(0, "weight").astype(np.float32)
        fixed = integer_format(dtype)
        if fixed is None:
            raise Unsupported(f"it makes {dtype} values", "4, 8 and 16 bit integers are supported")
        spread = [_along(node, p, real.shape) for p in (scale, zero)]
        codes = np.rint(real / spread[0].astype(np.float32)) + spread[1]
        return Constant(tensor.name, np.clip(codes, fixed.lo, fixed.hi).astype(dtype))
    view = context.real_view(node)
    op = Quantize(_single(node, scale, zero, dtype))
    return View(context.add(node, op, view.value), view.index, view.tainted)


@handles("DequantizeLinear", 10, 13, 19, 21, 23, 24, 25, 28)
def dequantize(context: Context, node: OnnxNode) -> Tensor:
    tensor = node.input(0)
    if isinstance(tensor, Opaque):
        return tensor
    if isinstance(tensor, QuantizedConstant):
        raise Unsupported("it reads a constant that is dequantized already", "export the model again")
    if isinstance(tensor, Constant):
        fixed = integer_format(tensor.array.dtype.name)
        if fixed is None:
            raise Unsupported(f"it reads {tensor.array.dtype.name} values", "4 to 32 bit integers are supported")
        scale, zero = (_along(node, p, tensor.shape) for p in _parameters(node, tensor.array.dtype.name))
        integers = tensor.array.astype(np.int64)
        return QuantizedConstant(tensor.name, integers, scale, zero, fixed.bits, fixed.signed)
    tensor = context.layout.settled(tensor)
    held = context.builder.types[tensor.value].format
    scale, zero = _parameters(node, "int64")
    if held is None:
        # sums of ConvInteger or MatMulInteger: real numbers that are integers
        scale, shift = (_along(node, p, tensor.shape) for p in (scale, -scale * zero))
        return context.affine(node, tensor, scale, shift)
    if scale.size != 1 and (scale != scale[0]).any():
        raise Unsupported("it has a scale for each channel of an activation", "use one scale for the tensor")
    fixed = FixedFormat(held.bits, held.encoding, float(scale.ravel()[0]), int(zero.ravel()[0]))
    return View(context.add(node, Dequantize(fixed), tensor.value), tensor.index, tensor.tainted)


@handles("Cast", 6, 9, 13, 19, 21, 23, 24, 25, 28)
def cast(context: Context, node: OnnxNode) -> Tensor:
    """Between real types nothing happens; integers become the real numbers they are."""
    view = node.view()
    wanted = onnx.helper.tensor_dtype_to_np_dtype(node.integer("to", 1))
    held = context.builder.types[view.value].format
    if not np.issubdtype(wanted, np.floating):
        if held is not None and integer_format(wanted.name) == replace_scale(held):
            return view
        if held is None and any(n.output == view.value and isinstance(n.op, ArgMax) for n in context.builder.nodes):
            return view
        raise Unsupported(f"it casts data to {wanted.name}", "quantize with QuantizeLinear instead")
    if held is None:
        return view
    return View(context.add(node, Dequantize(replace_scale(held)), view.value), view.index, view.tainted)


def replace_scale(fixed: FixedFormat) -> FixedFormat:
    """The same integers, standing for themselves."""
    return FixedFormat(fixed.bits, fixed.encoding)
