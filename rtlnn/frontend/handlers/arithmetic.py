"""Normalization, arithmetic with constants, softmax."""

import numpy as np

from rtlnn.frontend.context import Context
from rtlnn.frontend.handlers.joining import difference, product, total
from rtlnn.frontend.node import OnnxNode
from rtlnn.frontend.problems import Unsupported
from rtlnn.frontend.registry import handles
from rtlnn.frontend.tensors import Tensor, View
from rtlnn.ops import Softmax

__all__ = ["add", "batch_normalization", "divide", "multiply", "negate", "softmax"]


@handles("BatchNormalization", 7, 9, 14, 15)
def batch_normalization(context: Context, node: OnnxNode) -> Tensor:
    view = context.real_view(node)
    if node.integer("training_mode", 0):
        raise Unsupported("it is in training mode", "export the model for inference (model.eval())")
    names = ("scale", "shift", "mean", "variance")
    gamma, beta, mean, variance = (node.finite(i, what) for i, what in enumerate(names, start=1))
    spread = variance + node.real("epsilon", 1e-5)
    if (spread <= 0).any():
        raise Unsupported("its variance is negative", "export the model again")
    scale = gamma / np.sqrt(spread)
    shape = (1, -1, *(1,) * (len(view.shape) - 2))
    return context.affine(node, view, scale.reshape(shape), (beta - mean * scale).reshape(shape))


def _both_data(node: OnnxNode) -> bool:
    return all(isinstance(node.input(i), View) for i in range(2))


def _operands(context: Context, node: OnnxNode) -> tuple[View, int]:
    """The operand that is data, and the place of the constant one."""
    data = 0 if isinstance(node.input(0), View) else 1
    return context.real_view(node, data), 1 - data


@handles("Add", 7, 13, 14)
@handles("Sub", 7, 13, 14)
def add(context: Context, node: OnnxNode) -> Tensor:
    if _both_data(node):
        return total(context, node) if node.operator == "Add" else difference(context, node)
    view, i = _operands(context, node)
    constant = node.finite(i, "constant")
    if node.operator == "Sub":
        sign = (1.0, -1.0) if i == 1 else (-1.0, 1.0)
        return context.affine(node, view, np.array(sign[0]), sign[1] * constant)
    fused = context.bias_into_producer(node, view, node.input(i), constant)
    return fused or context.affine(node, view, np.array(1.0), constant)


@handles("Mul", 7, 13, 14)
def multiply(context: Context, node: OnnxNode) -> Tensor:
    if _both_data(node):
        return product(context, node)
    view, i = _operands(context, node)
    return context.affine(node, view, node.finite(i, "constant"), np.array(0.0))


@handles("Div", 7, 13, 14)
def divide(context: Context, node: OnnxNode) -> Tensor:
    if _both_data(node):
        raise Unsupported("it divides by data", "only division by a constant is supported")
    view, i = _operands(context, node)
    divisor = node.finite(i, "constant")
    if i == 0:
        raise Unsupported("it divides by data", "only division by a constant is supported")
    if (divisor == 0).any():
        raise Unsupported("it divides by zero", "export the model again")
    return context.affine(node, view, 1.0 / divisor, np.array(0.0))


@handles("Neg", 6, 13)
def negate(context: Context, node: OnnxNode) -> Tensor:
    return context.affine(node, context.real_view(node), np.array(-1.0), np.array(0.0))


@handles("Softmax", 1, 11, 13)
@handles("LogSoftmax", 1, 11, 13)
def softmax(context: Context, node: OnnxNode) -> Tensor:
    """Before opset 13 all axes from `axis` on are one group."""
    view = context.real_view(node)
    rank = len(view.shape)
    axis = node.integer("axis", 1 if node.since < 13 else -1) % rank
    op = Softmax(log=node.operator == "LogSoftmax")
    size = view.index.size
    if (view.shape[axis] if node.since >= 13 else int(np.prod(view.shape[axis:], dtype=np.int64))) == size:
        # all elements are one group, in whatever order
        value = context.builder.reshaped(view.value, (1, 1, size))
        return View(context.add(node, op, value), view.index, view.tainted)
    if node.since < 13:
        groups = view.moved(lambda a: a.reshape(*a.shape[:axis], -1))
        index = np.arange(size).reshape(view.shape)
    else:
        groups = view.moved(lambda a: np.moveaxis(a, axis, -1))
        index = np.moveaxis(np.arange(size).reshape(groups.shape), -1, axis)
    value = context.layout.arranged(groups, groups.index.reshape(1, -1, groups.shape[-1]))
    return View(context.add(node, op, value), index, view.tainted)
