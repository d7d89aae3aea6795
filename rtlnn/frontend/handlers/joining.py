"""Operators on several tensors that are computed from the data."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import reduce

import numpy as np

from rtlnn.frontend.context import Context
from rtlnn.frontend.node import OnnxNode
from rtlnn.frontend.problems import Unsupported
from rtlnn.frontend.registry import handles
from rtlnn.frontend.tensors import Constant, Opaque, QuantizedConstant, Tensor, View, channels_first, row_major
from rtlnn.ir.op import Op
from rtlnn.ir.types import Array
from rtlnn.ops import Add, Clip, Concat, Extreme, Multiply

__all__ = ["concat", "difference", "extreme", "mean", "product", "total"]

FEW = "use tensors that broadcast to one another, as ONNX defines it"


def _joined(context: Context, name: str, output: str, op: Op, a: View, b: View) -> View:
    """`op` on two tensors, element by element, broadcast to one shape."""
    try:
        shape = np.broadcast_shapes(a.shape, b.shape)
    except ValueError as error:
        raise Unsupported(f"data of the shapes {a.shape} and {b.shape} meet", FEW) from error
    # the larger one stays as it lies
    a_wide, b_wide = (context.layout.settled(v.moved(lambda i: np.broadcast_to(i, shape))) for v in (a, b))
    model = a_wide if a.shape == shape else b_wide
    values = (context.layout.like(v, model) for v in (a_wide, b_wide))
    return View(context.builder.add(name, op, tuple(values), output), model.index, a.tainted or b.tainted)


def _chained(context: Context, node: OnnxNode, op: Op, views: Sequence[View], last: bool) -> View:
    """`op` on all `views`, two at a time; the result has the node's name if it is the `last` step."""

    def step(a: View, b: tuple[int, View]) -> View:
        i, view = b
        if last and i == len(views) - 1:
            return _joined(context, node.name, node.output, op, a, view)
        return _joined(context, context.builder.node_name(f"{node.name}.{i}"), f"{node.output}.{i}", op, a, view)

    return reduce(step, list(enumerate(views))[1:], views[0])


def _operands(context: Context, node: OnnxNode) -> tuple[list[View], list[Array]]:
    """The inputs that are data, and those that are constant."""
    views, constants = [], []
    for i in range(len(node.inputs)):
        if isinstance(node.input(i), View):
            views.append(context.real_view(node, i))
        else:
            constants.append(node.finite(i, "constant"))
    return views, constants


def total(context: Context, node: OnnxNode) -> View:
    """The sum of all inputs, of which two at least are data."""
    views, constants = _operands(context, node)
    made = _chained(context, node, Add(), views, last=not constants)
    return made if not constants else context.affine(node, made, np.array(1.0), sum(constants, np.array(0.0)))


def difference(context: Context, node: OnnxNode) -> View:
    """Two tensors, one minus the other."""
    a, b = (context.real_view(node, i) for i in range(2))
    negative = replace(node, name=context.builder.node_name(f"{node.name}.negated"), output=f"{node.output}.negated")
    return _chained(context, node, Add(), (a, context.affine(negative, b, np.array(-1.0), np.array(0.0))), last=True)


def product(context: Context, node: OnnxNode) -> View:
    """Two tensors, one times the other."""
    return _chained(context, node, Multiply(), [context.real_view(node, i) for i in range(2)], last=True)


@handles("Sum", 8, 13)
def sum_of_all(context: Context, node: OnnxNode) -> Tensor:
    views, constants = _operands(context, node)
    if len(views) > 1:
        return total(context, node)
    return context.affine(node, views[0], np.array(1.0), sum(constants, np.array(0.0)))


@handles("Mean", 8, 13)
def mean(context: Context, node: OnnxNode) -> Tensor:
    summed = replace(node, name=context.builder.node_name(f"{node.name}.sum"), output=f"{node.output}.sum")
    views, constants = _operands(context, node)
    count = len(node.inputs)
    made = _chained(context, summed, Add(), views, last=True)
    return context.affine(node, made, np.array(1.0 / count), sum(constants, np.array(0.0)) / count)


@handles("Max", 8, 12, 13)
@handles("Min", 8, 12, 13)
def extreme(context: Context, node: OnnxNode) -> Tensor:
    """Constants must be one number: that is a limit."""
    largest = node.operator == "Max"
    views, constants = _operands(context, node)
    made = _chained(context, node, Extreme(largest), views, last=not constants)
    if not constants:
        return made
    bound = reduce(np.maximum if largest else np.minimum, constants)
    if (bound != bound.ravel()[0]).any() or len(np.broadcast_shapes(bound.shape, made.shape)) > len(made.shape):
        raise Unsupported("it compares data with a constant for each element", "use one constant for all of them")
    limit = float(bound.ravel()[0])
    op = Clip(limit, np.inf) if largest else Clip(-np.inf, limit)
    return View(context.add(node, op, made.value), made.index, made.tainted)


_ORDERS: tuple[tuple[Callable[[tuple[int, ...]], Array], Callable[[int, int], int]], ...] = (
    (channels_first, lambda axis, rank: 2 if axis == 1 else axis - rank + 2),
    (row_major, lambda axis, rank: axis - rank + 3),
)
"""Layouts of an image, and the axis of (height, width, channels) that each of the tensor's axes is."""


@handles("Concat", 4, 11, 13)
def concat(context: Context, node: OnnxNode) -> Tensor:
    """Parts of one value need no node: their places are put together."""
    tensors = [node.input(i) for i in range(len(node.inputs)) if node.has(i)]
    if any(isinstance(t, Opaque) for t in tensors):
        return Opaque()
    if any(isinstance(t, (Constant, QuantizedConstant)) for t in tensors):
        raise Unsupported("it joins data with constants", "use Pad for constant borders, or fold them into weights")
    views = [t for t in tensors if isinstance(t, View)]
    rank = len(views[0].shape)
    axis = node.integer("axis", 1) % rank
    if axis == 0 and rank > 1:
        raise Unsupported("it joins frames", "join channels, rows or columns")
    index = np.concatenate([v.index for v in views], axis)
    tainted = any(v.tainted for v in views)
    first = views[0]
    if all(v.value == first.value and (v.fill == first.fill or (v.index >= 0).all()) for v in views):
        return View(first.value, index, tainted, first.fill)
    if len({context.builder.types[v.value].format for v in views}) > 1:
        raise Unsupported("it joins values of different types", "quantize them alike, or join real numbers")
    views = [context.layout.settled(v) for v in views]
    if rank in (3, 4) and index.size not in (index.shape[axis], 1):
        return _images(context, node, views, axis)
    values, places, start = [], [], 0
    for view in views:
        if view.index.size != view.shape[axis]:
            raise Unsupported(f"it joins tensors of shape {view.shape} along axis {axis}", "join images or vectors")
        values.append(context.builder.reshaped(view.value, (1, 1, view.index.size)))
        places.append(view.index + start)
        start += view.index.size
    return View(context.add(node, Concat(2), *values), np.concatenate(places, axis), tainted)


def _images(context: Context, node: OnnxNode, views: list[View], axis: int) -> View:
    """In the layout that most of the images have already."""
    rank = len(views[0].shape)
    counts = [sum(np.array_equal(v.index, order(v.shape)) for v in views) for order, _ in _ORDERS]
    order, place = _ORDERS[int(np.argmax(counts))]
    values = []
    for view in views:
        last = 1 if order is channels_first else rank - 1
        places = np.moveaxis(view.index, last, -1)
        shape = (1, *places.shape[1:])[-3:]
        values.append(context.layout.arranged(view, places.reshape(shape)))
    made = context.add(node, Concat(place(axis, rank)), *values)
    joined = list(views[0].shape)
    joined[axis] = sum(v.shape[axis] for v in views)
    return View(made, order(tuple(joined)), any(v.tainted for v in views))
