"""Operators that only say how elements are read. They leave no node: the view, or the constant, is rearranged."""

from collections.abc import Callable

import numpy as np

from rtlnn.frontend.context import Context
from rtlnn.frontend.node import OnnxNode
from rtlnn.frontend.problems import Unsupported
from rtlnn.frontend.registry import handles
from rtlnn.frontend.tensors import Constant, Opaque, QuantizedConstant, Tensor, View
from rtlnn.ir.types import Array

__all__ = ["flatten", "identity", "reshape", "shape", "squeeze", "transpose", "unsqueeze"]


def _moved(node: OnnxNode, change: Callable[[Array], Array]) -> Tensor:
    tensor = node.input(0)
    if isinstance(tensor, Opaque):
        return tensor
    return tensor.moved(change)


def _axes(node: OnnxNode, rank: int) -> tuple[int, ...] | None:
    """The axes, given as an attribute or (later opsets) as an input."""
    axes = node.integers("axes")
    if axes is None and node.has(1):
        axes = tuple(int(v) for v in node.constant(1, "list of axes").ravel())
    return None if axes is None else tuple(a % rank for a in axes)


def _rank(node: OnnxNode) -> int:
    tensor = node.input(0)
    return 0 if isinstance(tensor, Opaque) else len(tensor.shape)


@handles("Identity", 1, 13, 14, 16, 19, 21, 23, 24, 25)
@handles("Dropout", 7, 10, 12, 13, 22)
def identity(_: Context, node: OnnxNode) -> Tensor:
    return node.input(0)


@handles("Transpose", 1, 13, 21, 23, 24, 25)
def transpose(_: Context, node: OnnxNode) -> Tensor:
    permutation = node.integers("perm")
    return _moved(node, lambda a: a.transpose(permutation))


@handles("Flatten", 1, 9, 11, 13, 21, 23, 24, 25)
def flatten(_: Context, node: OnnxNode) -> Tensor:
    axis = node.integer("axis", 1)

    def change(a: Array) -> Array:
        first = axis if axis >= 0 else axis + a.ndim
        return a.reshape(int(np.prod(a.shape[:first], dtype=np.int64)), -1)

    return _moved(node, change)


@handles("Reshape", 5, 13, 14, 19, 21, 23, 24, 25)
def reshape(context: Context, node: OnnxNode) -> Tensor:
    target = [int(v) for v in node.constant(1, "shape").ravel()]

    def change(a: Array) -> Array:
        shape = list(target)
        if not node.integer("allowzero", 0):
            shape = [a.shape[i] if d == 0 else d for i, d in enumerate(shape)]
        if shape and shape[0] == context.batch > 1:
            shape[0] = 1
        try:
            return a.reshape(shape)
        except ValueError as error:
            raise Unsupported(
                f"it makes {target} of a frame of shape {a.shape}",
                "export the model with batch size 1 or a dynamic batch dimension",
            ) from error

    return _moved(node, change)


@handles("Squeeze", 1, 11, 13, 21, 23, 24, 25)
def squeeze(_: Context, node: OnnxNode) -> Tensor:
    axes = _axes(node, _rank(node) or 1)
    return _moved(node, lambda a: a.squeeze(axes))


@handles("Unsqueeze", 1, 11, 13, 21, 23, 24, 25)
def unsqueeze(_: Context, node: OnnxNode) -> Tensor:
    count = len(_axes(node, 1) or ())
    axes = _axes(node, _rank(node) + count) or ()
    return _moved(node, lambda a: np.expand_dims(a, axes))


@handles("Shape", 1, 13, 15, 19, 21, 23, 24, 25)
def shape(_: Context, node: OnnxNode) -> Tensor:
    tensor = node.input(0)
    if isinstance(tensor, (Constant, QuantizedConstant, View)):
        end = node.attributes.get("end")
        return Constant(node.output, np.array(tensor.shape[node.integer("start", 0) : end], dtype=np.int64))
    return Opaque()
