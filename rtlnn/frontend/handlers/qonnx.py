"""The QONNX dialect: quantizers of any number of bits, as Brevitas, QKeras and others export them.

The definitions followed are those of the QONNX project (github.com/fastmachinelearning/qonnx, docs/qonnx-custom-ops).
"""

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from rtlnn.frontend.context import Context
from rtlnn.frontend.handlers.comparison import counted
from rtlnn.frontend.node import OnnxNode
from rtlnn.frontend.parts import part
from rtlnn.frontend.problems import Unsupported
from rtlnn.frontend.registry import Handler, handles
from rtlnn.frontend.tensors import Constant, Opaque, QuantizedConstant, Tensor, View
from rtlnn.ir.types import Array, Encoding, FixedFormat
from rtlnn.ops import Dequantize, Quantize, Rounding

__all__: list[str] = []

_H = TypeVar("_H", bound=Handler)

DOMAINS = ("qonnx.custom_op.general", "finn.custom_op.general", "onnx.brevitas")
CHANNELS_LAST = ("qonnx.custom_op.channels_last", "finn.custom_op.channels_last")

ROUNDINGS = {
    "ROUND": Rounding.HALF_EVEN,
    "HALF_EVEN": Rounding.HALF_EVEN,
    "HALF_UP": Rounding.HALF_UP,
    "HALF_DOWN": Rounding.HALF_DOWN,
    "CEIL": Rounding.CEILING,
    "FLOOR": Rounding.FLOOR,
    "UP": Rounding.FROM_ZERO,
    "DOWN": Rounding.TO_ZERO,
    "ROUND_TO_ZERO": Rounding.TO_ZERO,
}
WIDE = 48
"""Bits of integers that any accumulator fits in."""


def _registered(*operators: str) -> Callable[[_H], _H]:
    def register(handler: _H) -> _H:
        for operator in operators:
            for domain in DOMAINS:
                handles(operator, 1, domain=domain)(handler)
        return handler

    return register


def _rounding(node: OnnxNode, default: str = "ROUND") -> Rounding:
    name = node.text("rounding_mode", default).upper()
    if name not in ROUNDINGS:
        raise Unsupported(f"its rounding mode is {name}", f"supported are {', '.join(ROUNDINGS)}")
    return ROUNDINGS[name]


def _one(node: OnnxNode, i: int, what: str) -> float:
    """Input `i`, a number or a tensor of equal ones."""
    values = node.finite(i, what).ravel()
    if not values.size or (values != values[0]).any():
        raise Unsupported(f"it has several {what}s for an activation", f"use one {what} for the tensor")
    return float(values[0])


def _scales(node: OnnxNode, i: int = 1) -> Array:
    scale = node.finite(i, "scale")
    if (scale <= 0).any():
        raise Unsupported("its scale is not positive", "train or export the model again")
    return scale


def _range(node: OnnxNode, bits: float, rounding: Rounding) -> tuple[int, int]:
    """The smallest and the largest integer. A fractional number of bits limits before rounding."""
    signed, narrow = node.integer("signed", 1), node.integer("narrow", 0)
    if signed:
        lo, hi = -(2.0 ** (bits - 1)) + narrow, 2.0 ** (bits - 1) - 1
    else:
        lo, hi = 0.0, 2.0**bits - 1 - narrow
    first, last = (int(rounding.apply(np.array(end))) for end in (lo, hi))
    if not 0 < bits <= 32 or first > last:
        raise Unsupported(f"it has {bits:g} bits", "1 to 32 bits are supported")
    return first, last


def _requantized(
    context: Context, node: OnnxNode, view: View, op: Quantize, meaning: FixedFormat, role: str = ""
) -> View:
    """Codes of `op`, and the real numbers that they mean."""
    tag = f".{role}" if role else ""
    builder = context.builder
    codes = builder.add(
        builder.node_name(f"{node.name}{tag}.codes"), op, (view.value,), f"{node.output}{tag}.codes"
    )  # fmt: skip
    name = builder.node_name(node.name if not role else f"{node.name}{tag}")
    made = builder.add(name, Dequantize(meaning), (codes,), f"{node.output}{tag}")
    return View(made, view.index, view.tainted)


@_registered("Quant", "IntQuant")
def _quant(context: Context, node: OnnxNode) -> Tensor:
    """Inputs x, scale, zero point, number of bits: clip(x / scale + zero point), rounded."""
    rounding, bits, scale = _rounding(node), _one(node, 3, "number of bits"), _scales(node)
    zeros = node.finite(2, "zero point")
    if (zeros != np.rint(zeros)).any():
        raise Unsupported("its zero point is not an integer", "train or export the model with another one")
    if (np.abs(zeros) >= 1 << 31).any():
        raise Unsupported("its zero point has more than 32 bits", "train or export the model with another one")
    if bits == 1 and node.integer("signed", 1):
        if zeros.any():
            raise Unsupported("it has one bit and a zero point", "use a zero point of 0")
        return _bipolar(context, node)
    lo, hi = _range(node, bits, rounding)
    tensor = node.input(0)
    if isinstance(tensor, (Constant, QuantizedConstant)):
        x = node.finite(0, "weight").astype(np.float32)
        placed = x / scale.astype(np.float32) + zeros.astype(np.float32)
        integers = np.clip(rounding.apply(placed), lo, hi).astype(np.int64)
        fixed = FixedFormat.spanning(lo, hi)
        scale, zeros = (np.broadcast_to(a, integers.shape) for a in (scale, zeros.astype(np.int64)))
        return QuantizedConstant(tensor.name, integers, scale, zeros, fixed.bits, fixed.signed)
    step, zero = _one(node, 1, "scale"), int(_one(node, 2, "zero point"))
    meaning = FixedFormat.spanning(min(lo, zero), max(hi, zero), step, zero)
    view, output = context.real_view(node), meaning
    # the sum with the zero point is what is rounded: an odd one changes ties, and any one what lies beyond 0
    if zero and not (rounding in (Rounding.FLOOR, Rounding.CEILING) or (rounding, zero % 2) == (Rounding.HALF_EVEN, 0)):
        part_of = OnnxNode(f"{node.name}.moved", "Add", 0, {}, (), f"{node.output}.moved")
        view = context.affine(part_of, view, np.array(1.0), np.array(step * zero))
        output = FixedFormat(meaning.bits, meaning.encoding, step)
    ends = None if (lo, hi) == (output.lo, output.hi) else (lo, hi)
    return _requantized(context, node, view, Quantize(output, rounding, ends), meaning)


@_registered("BipolarQuant")
def _bipolar(context: Context, node: OnnxNode) -> Tensor:
    """Inputs x, scale: the scale where x >= 0, else its negative."""
    tensor = node.input(0)
    if isinstance(tensor, (Constant, QuantizedConstant)):
        signs = np.where(node.finite(0, "weight") >= 0, 1, -1).astype(np.int64)
        scale = np.broadcast_to(_scales(node), signs.shape)
        return QuantizedConstant(tensor.name, signs, scale, np.zeros(signs.shape, np.int64), 2, True)
    _scales(node)
    step = _one(node, 1, "scale")
    bits = counted(context, node, context.real_view(node), np.zeros((1, 1)))
    return context.affine(node, bits, np.array(2 * step), np.array(-step))


@_registered("Trunc")
def _trunc(context: Context, node: OnnxNode) -> Tensor:
    """Inputs x, scale, zero point, its number of bits, (in version 2 the result's scale,) the result's number of bits.

    The lowest bits are dropped; what the rest means follows from the scale as before (version 1) or the new one.
    """
    rounding, step = _rounding(node, "FLOOR"), _one(node, 1, "scale")
    _scales(node)
    if _one(node, 2, "zero point"):
        raise Unsupported("it has a zero point", "only 0 is supported")
    before = _one(node, 3, "number of bits")
    newer = node.has(5)
    after = _one(node, 5 if newer else 4, "number of bits")
    if newer:
        kept = _one(node, 4, "scale")
        dropped = round(float(np.log2(kept / step)))
        lo, hi = _range(node, after, rounding)
        bounded = FixedFormat.spanning(lo, hi)
        ends = None if (lo, hi) == (bounded.lo, bounded.hi) else (lo, hi)
    else:
        # of numbers with a sign or without one; as many bits as they need, whichever they are
        kept, dropped, ends = step, round(before - after), None
        bounded = FixedFormat(int(np.ceil(after)) + 1, Encoding.SIGNED)
    view = context.real_view(node)
    fine = FixedFormat(WIDE, Encoding.SIGNED, step)
    whole = _requantized(context, node, view, Quantize(fine), fine, "whole")
    coarse = Quantize(FixedFormat(bounded.bits, bounded.encoding, step * 2.0**dropped), rounding, ends)
    return _requantized(context, node, whole, coarse, FixedFormat(bounded.bits, bounded.encoding, kept))


@_registered("MultiThreshold")
def _multi_threshold(context: Context, node: OnnxNode) -> Tensor:
    """Inputs x, thresholds (C, K): how many of them x reaches, times `out_scale`, plus `out_bias`."""
    thresholds = np.sort(node.finite(1, "threshold"), axis=1)
    view = context.real_view(node)
    last = node.text("data_layout", "").endswith("C") or len(view.shape) == 2
    axis = len(view.shape) - 1 if last else 1
    if len(thresholds) not in (1, view.shape[axis]):
        raise Unsupported(
            f"its thresholds {thresholds.shape} do not fit {view.shape}", "one row for each channel is defined"
        )
    spread = thresholds.T.reshape(len(thresholds.T), *((-1 if a == axis else 1) for a in range(len(view.shape))))
    count = counted(context, node, view, spread)
    scale, bias = node.real("out_scale", 1.0), node.real("out_bias", 0.0)
    if (scale, bias) == (1.0, 0.0):
        return count
    return context.affine(node, count, np.array(scale), np.array(bias))


def _channels_last(operator: str) -> Handler:
    """The standard operator on (N, ..., C), weights (O, ..., C)."""

    def forward(a: Array) -> Array:
        return np.moveaxis(a, -1, 1)

    def handler(context: Context, node: OnnxNode) -> Tensor:
        inputs = [*node.inputs]
        for i in range(2 if operator == "Conv" else 1):
            tensor = node.input(i)
            inputs[i] = tensor if isinstance(tensor, Opaque) else tensor.moved(forward)
        made = part(context, node, operator, *inputs, role="result", attributes=node.attributes)
        return made if isinstance(made, Opaque) else made.moved(lambda a: np.moveaxis(a, 1, -1))

    return handler


for _operator in ("Conv", "MaxPool", "BatchNormalization"):
    for _domain in CHANNELS_LAST:
        handles(_operator, 1, domain=_domain)(_channels_last(_operator))
