"""Pooling, and averages over whole images."""

from rtlnn.frontend.context import Context
from rtlnn.frontend.handlers.windows import window_of
from rtlnn.frontend.node import OnnxNode
from rtlnn.frontend.problems import Unsupported
from rtlnn.frontend.registry import handles
from rtlnn.frontend.tensors import Tensor, View, channels_first
from rtlnn.ir.op import Op
from rtlnn.ops import AveragePool2D, MaxPool2D, Window

__all__ = ["average_pool", "global_average_pool", "max_pool", "reduce_mean"]


def _window(node: OnnxNode, view: View) -> Window:
    kernel = node.integers("kernel_shape") or ()
    if any(d != 1 for d in node.integers("dilations") or ()):
        raise Unsupported(f"its dilations are {node.integers('dilations')}", "only 1 is supported")
    return window_of(node, view.shape[2:], kernel)


def _pooled(context: Context, node: OnnxNode, view: View, value: str, op: Op) -> View:
    made = context.add(node, op, value)
    height, width, channels = context.builder.types[made].shape
    return View(made, channels_first((1, channels, *(height, width)[4 - len(view.shape) :])), view.tainted)


@handles("MaxPool", 1, 8, 10, 11, 12, 22)
def max_pool(context: Context, node: OnnxNode) -> Tensor:
    view = node.view()
    return _pooled(context, node, view, context.image(view), MaxPool2D(_window(node, view)))


@handles("AveragePool", 7, 10, 11, 19, 22)
def average_pool(context: Context, node: OnnxNode) -> Tensor:
    view = context.real_view(node)
    op = AveragePool2D(_window(node, view), bool(node.integer("count_include_pad", 0)))
    return _pooled(context, node, view, context.image(view), op)


def _whole_image(context: Context, node: OnnxNode, view: View) -> View:
    value = context.image(view)
    height, width, _ = context.builder.types[value].shape
    return _pooled(context, node, view, value, AveragePool2D(Window((height, width))))


@handles("GlobalAveragePool", 1, 22)
def global_average_pool(context: Context, node: OnnxNode) -> Tensor:
    return _whole_image(context, node, context.real_view(node))


@handles("ReduceMean", 1, 11, 13, 18)
def reduce_mean(context: Context, node: OnnxNode) -> Tensor:
    """The mean over all spatial axes, wherever the channels are."""
    view = context.real_view(node)
    rank = len(view.shape)
    axes = node.integers("axes")
    if axes is None and node.has(1):
        axes = tuple(int(v) for v in node.constant(1, "list of axes").ravel())
    spatial = sorted(a % rank for a in axes or ())
    kept = [a for a in range(rank) if a not in spatial]
    if len(spatial) not in (1, 2) or len(kept) != 2 or kept[0] != 0:
        raise Unsupported(
            f"it averages {view.shape} over the axes {axes}", "only the mean over all pixels of an image is supported"
        )
    image = view.moved(lambda a: a.transpose(*kept, *spatial))
    mean = _whole_image(context, node, image)
    if node.integer("keepdims", 1):
        shape = tuple(1 if a in spatial else d for a, d in enumerate(view.shape))
    else:
        shape = tuple(view.shape[a] for a in kept)
    return mean.moved(lambda a: a.reshape(shape))
