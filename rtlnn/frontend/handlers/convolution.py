"""Convolutions with constant weights: plain, grouped, depthwise, dilated, transposed; images and sequences."""

import numpy as np

from rtlnn.frontend.context import Context
from rtlnn.frontend.handlers.weights import Known, known, real
from rtlnn.frontend.handlers.windows import spread, transposed_pads, window_of
from rtlnn.frontend.node import OnnxNode
from rtlnn.frontend.problems import Unsupported
from rtlnn.frontend.registry import handles
from rtlnn.frontend.tensors import Tensor, View, channels_first
from rtlnn.ops import Conv2D, Rearrange, Window

__all__ = ["conv", "conv_transpose"]


def _operands(node: OnnxNode, view: View) -> tuple[Known, int]:
    """Weights (two dimensions of a kernel, even of a sequence) and groups, which fit the data."""
    weights, groups = known(node, 1, "weight"), node.integer("group", 1)
    if len(weights.shape) not in (3, 4) or len(weights.shape) != len(view.shape):
        raise Unsupported(
            f"its kernel has {len(weights.shape) - 2} dimensions, its data {len(view.shape) - 2}",
            "1 and 2 are supported",
        )
    if groups < 1 or any(n % groups for n in (view.shape[1], weights.shape[0])):
        raise Unsupported(
            f"its {groups} groups do not divide {view.shape[1]} channels and weights {weights.shape}",
            "check the model with onnx.checker",
        )
    return weights.moved(lambda a: a[:, :, np.newaxis, :]) if len(weights.shape) == 3 else weights, groups


def _added(context: Context, node: OnnxNode, view: View, op: Conv2D, value: str, weights: Known) -> View:
    """The convolution of `value` with weights (O, KH, KW, channels of a group), and the node's bias."""
    inputs = [value, context.weights(node, weights, real(weights))]
    if node.has(2):
        bias = known(node, 2, "bias")
        inputs.append(context.bias(node, bias, real(bias)))
    made = context.add(node, op, *inputs)
    height, width, channels = context.builder.types[made].shape
    return View(made, channels_first((1, channels, *(height, width)[4 - len(view.shape) :])), view.tainted)


@handles("Conv", 1, 11, 22)
def conv(context: Context, node: OnnxNode) -> Tensor:
    view = context.real_view(node)
    weights, groups = _operands(node, view)
    window = window_of(node, view.shape[2:], weights.shape[6 - len(view.shape) :])
    value = context.image(view)
    weights = weights.moved(lambda a: a.transpose(0, 2, 3, 1))
    return _added(context, node, view, Conv2D(window, groups=groups), value, weights)


@handles("ConvTranspose", 1, 11, 22)
def conv_transpose(context: Context, node: OnnxNode) -> Tensor:
    """A convolution, with the kernel turned around, of the image with zeros between its pixels."""
    view = context.real_view(node)
    weights, groups = _operands(node, view)
    window, size = transposed_pads(node, view.shape[2:], weights.shape[6 - len(view.shape) :])
    value = context.image(view)
    height, width, channels = context.builder.types[value].shape
    first = [p - (e - 1) for p, e in zip(window.pads[:2], window.extent, strict=True)]
    # where less than the kernel hangs over, rows and columns begin before the image; where more, later
    rows = spread(height, window.stride[0], width * channels)[max(first[0], 0) :]
    columns = spread(width, window.stride[1], channels)[max(first[1], 0) :]
    if len(rows) != height or len(columns) != width:
        if not rows or not columns:
            raise Unsupported(f"its pads {window.pads} leave nothing of the image", "use smaller pads")
        name = context.builder.node_name(f"{node.name}.spread")
        op = Rearrange(rows, columns, tuple(range(channels)), 0.0)
        value = context.builder.add(name, op, (value,), f"{node.output}.spread")
    before = (max(-first[0], 0), max(-first[1], 0))
    after = [
        n - 1 + e - b - len(image) for n, e, b, image in zip(size, window.extent, before, (rows, columns), strict=True)
    ]
    plain = Window(window.kernel, (1, 1), (*before, after[0], after[1]), window.dilation)
    inputs, outputs, kh, kw = weights.shape
    weights = weights.moved(
        lambda a: (
            a.reshape(groups, inputs // groups, outputs, kh, kw)[..., ::-1, ::-1]
            .transpose(0, 2, 3, 4, 1)
            .reshape(groups * outputs, kh, kw, inputs // groups)
        )
    )
    return _added(context, node, view, Conv2D(plain, groups=groups), value, weights)
