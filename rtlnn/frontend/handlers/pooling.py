"""Pooling over windows, and over whole images."""

from dataclasses import replace

import numpy as np

from rtlnn.frontend.context import Context
from rtlnn.frontend.handlers.windows import declared_pads, window_of
from rtlnn.frontend.node import OnnxNode
from rtlnn.frontend.problems import Unsupported
from rtlnn.frontend.registry import handles
from rtlnn.frontend.tensors import Tensor, View, channels_first
from rtlnn.ir.op import Op
from rtlnn.ops import AveragePool2D, MaxPool2D, Window

__all__ = [
    "average_pool",
    "global_average_pool",
    "global_max_pool",
    "max_pool",
    "reduce_max",
    "reduce_mean",
    "reduce_sum",
]


def _kernel(node: OnnxNode) -> tuple[int, ...]:
    return node.integers("kernel_shape") or ()


def _pooled(context: Context, node: OnnxNode, view: View, value: str, op: Op) -> View:
    try:
        made = context.add(node, op, value)
    except ValueError as error:
        raise Unsupported(str(error), "use smaller pads or dilations") from error
    height, width, channels = context.builder.types[made].shape
    return View(made, channels_first((1, channels, *(height, width)[4 - len(view.shape) :])), view.tainted)


@handles("MaxPool", 1, 8, 10, 11, 12, 22)
def max_pool(context: Context, node: OnnxNode) -> Tensor:
    view = node.view()
    return _pooled(context, node, view, context.image(view), MaxPool2D(window_of(node, view.shape[2:], _kernel(node))))


@handles("AveragePool", 7, 10, 11, 19, 22)
def average_pool(context: Context, node: OnnxNode) -> Tensor:
    view = context.real_view(node)
    kernel, size = _kernel(node), view.shape[2:]
    counted = declared_pads(node, size, kernel) if node.integer("count_include_pad", 0) else (0, 0, 0, 0)
    return _pooled(context, node, view, context.image(view), AveragePool2D(window_of(node, size, kernel), counted))


def _whole_image(context: Context, node: OnnxNode, view: View, op: type[AveragePool2D | MaxPool2D]) -> View:
    value = context.image(view)
    height, width, _ = context.builder.types[value].shape
    return _pooled(context, node, view, value, op(Window((height, width))))


@handles("GlobalAveragePool", 1, 22)
def global_average_pool(context: Context, node: OnnxNode) -> Tensor:
    return _whole_image(context, node, context.real_view(node), AveragePool2D)


@handles("GlobalMaxPool", 1, 22)
def global_max_pool(context: Context, node: OnnxNode) -> Tensor:
    return _whole_image(context, node, node.view(), MaxPool2D)


@handles("ReduceMean", 1, 11, 13, 18)
def reduce_mean(context: Context, node: OnnxNode) -> Tensor:
    """The mean over all spatial axes, wherever the channels are."""
    return _reduced(context, node, context.real_view(node), AveragePool2D)


@handles("ReduceMax", 1, 11, 12, 13, 18, 20)
def reduce_max(context: Context, node: OnnxNode) -> Tensor:
    return _reduced(context, node, node.view(), MaxPool2D)


@handles("ReduceSum", 1, 11, 13)
def reduce_sum(context: Context, node: OnnxNode) -> Tensor:
    """So many times the mean."""
    view = context.real_view(node)
    named = replace(node, name=context.builder.node_name(f"{node.name}.mean"), output=f"{node.output}.mean")
    mean = _reduced(context, named, view, AveragePool2D)
    pixels = view.index.size // mean.index.size
    return context.affine(node, mean, np.asarray(float(pixels)), np.asarray(0.0))


def _reduced(context: Context, node: OnnxNode, view: View, op: type[AveragePool2D | MaxPool2D]) -> View:
    rank = len(view.shape)
    axes = node.integers("axes")
    if axes is None and node.has(1):
        axes = tuple(int(v) for v in node.constant(1, "list of axes").ravel())
    spatial = sorted(a % rank for a in axes or ())
    kept = [a for a in range(rank) if a not in spatial]
    if len(spatial) not in (1, 2) or len(kept) != 2 or kept[0] != 0:
        raise Unsupported(
            f"it reduces {view.shape} over the axes {axes}", "only all pixels of an image, together, are supported"
        )
    image = view.moved(lambda a: a.transpose(*kept, *spatial))
    made = _whole_image(context, node, image, op)
    if node.integer("keepdims", 1):
        shape = tuple(1 if a in spatial else d for a, d in enumerate(view.shape))
    else:
        shape = tuple(view.shape[a] for a in kept)
    return made.moved(lambda a: a.reshape(shape))
