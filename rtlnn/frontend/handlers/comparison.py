"""Comparisons of data with constants, and what binary networks make of them."""

import numpy as np

from rtlnn.frontend.context import Context
from rtlnn.frontend.node import OnnxNode
from rtlnn.frontend.problems import Unsupported
from rtlnn.frontend.registry import handles
from rtlnn.frontend.tensors import Opaque, Tensor, View
from rtlnn.ir.types import Array, Encoding, FixedFormat
from rtlnn.ops import Dequantize, Thresholds

__all__ = ["compare", "compared", "counted", "sign", "where"]

BIT = FixedFormat(1, Encoding.UNSIGNED)
TERNARY = FixedFormat(2, Encoding.SIGNED)


def compared(
    context: Context,
    node: OnnxNode,
    view: View,
    levels: Array,
    output: FixedFormat,
    *,
    base: int = 0,
    reverse: bool = False,
) -> View:
    """base + #{k : x >= levels[k]}, as integers; <= instead with `reverse`.

    Every `levels[k]` is broadcast to the shape of the view, and the same for all pixels of a channel.
    """
    placed = np.stack([context.scattered(view, level) for level in np.asarray(levels, np.float64)])
    value = view.value
    if (placed != placed[:, :1, :1]).any():
        # one level for each element: every element becomes a channel
        value = context.builder.reshaped(value, (1, 1, placed[0].size))
        placed = placed.reshape(len(placed), 1, 1, -1)
    rows = placed[:, 0, 0]
    sign = -1.0 if reverse else 1.0
    names = [
        context.builder.add_constant(f"{node.name}.{what}", a)
        for what, a in (("thresholds", sign * rows), ("sign", np.full(rows.shape[1], sign)))
    ]
    builder = context.builder
    op = Thresholds(output, base)
    name = builder.node_name(f"{node.name}.codes")
    made = builder.add(name, op, (value, *names), f"{node.output}.codes")
    return View(made, view.index, view.tainted)


def counted(context: Context, node: OnnxNode, view: View, levels: Array) -> View:
    """How many of the levels the data reach, as real numbers."""
    meaning = FixedFormat.spanning(0, len(levels))
    codes = compared(context, node, view, levels, meaning)
    builder = context.builder
    name = builder.node_name(f"{node.name}.count")
    return View(
        builder.add(name, Dequantize(meaning), (codes.value,), f"{node.output}.count"), codes.index, codes.tainted
    )


@handles("Greater", 7, 9, 13)
@handles("GreaterOrEqual", 12, 16)
@handles("Less", 7, 9, 13)
@handles("LessOrEqual", 12, 16)
def compare(context: Context, node: OnnxNode) -> Tensor:
    """Data against a constant: 1 or 0."""
    if all(isinstance(node.input(i), View) for i in range(2)):
        raise Unsupported("both operands are computed from the data", "compare with a constant, or subtract first")
    data = 0 if isinstance(node.input(0), View) else 1
    view, constant = context.real_view(node, data), node.finite(1 - data, "constant")
    # c > x is x < c
    downwards = node.operator.startswith("Less") != (data == 1)
    if not node.operator.endswith("OrEqual"):
        # x > c is x >= the next number
        constant = np.nextafter(constant, -np.inf if downwards else np.inf)
    return compared(context, node, view, constant[np.newaxis], BIT, reverse=downwards)


@handles("Sign", 9, 13)
def sign(context: Context, node: OnnxNode) -> Tensor:
    """-1, 0 or 1: real numbers."""
    view = context.real_view(node)
    levels = np.array([[0.0], [np.nextafter(0.0, 1.0)]])
    codes = compared(context, node, view, levels, TERNARY, base=-1)
    return View(context.add(node, Dequantize(TERNARY), codes.value), codes.index, codes.tainted)


@handles("Where", 9, 16)
def where(context: Context, node: OnnxNode) -> Tensor:
    """One constant or another, by what a comparison says."""
    view = node.view(0)
    held = context.builder.types[view.value].format
    if held is None or held.bits != 1:
        raise Unsupported("its condition is not a comparison", "compare data with a constant")
    if any(isinstance(node.input(i), View) for i in (1, 2)):
        raise Unsupported("it chooses between data", "only a choice between two constants is supported")
    if any(isinstance(node.input(i), Opaque) for i in (1, 2)):
        return Opaque()
    yes, no = (node.finite(i, "constant") for i in (1, 2))
    name = context.builder.node_name(f"{node.name}.real")
    real = context.builder.add(name, Dequantize(BIT), (view.value,), f"{node.output}.real")
    return context.affine(node, View(real, view.index, view.tainted), yes - no, no)
