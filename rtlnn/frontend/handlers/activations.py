"""Functions of single elements."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from rtlnn.frontend.context import Context
from rtlnn.frontend.node import OnnxNode
from rtlnn.frontend.problems import Unsupported
from rtlnn.frontend.registry import handles
from rtlnn.frontend.tensors import Tensor, View
from rtlnn.ir.op import Op
from rtlnn.ops import Activation, Add, Affine, Clip, Function

__all__ = ["clip", "elementwise", "gelu", "prelu", "relu"]


@dataclass(frozen=True)
class _Attributes:
    """Names and defaults of what become `a` and `b`."""

    since: tuple[int, ...]
    a: tuple[str, float] | None = None
    b: tuple[str, float] | None = None


_FUNCTIONS: Mapping[Function, _Attributes] = {
    Function.ABS: _Attributes((6, 13)),
    Function.CELU: _Attributes((12, 28), ("alpha", 1.0)),
    Function.ELU: _Attributes((6, 22), ("alpha", 1.0)),
    Function.ERF: _Attributes((9, 13)),
    Function.EXP: _Attributes((6, 13)),
    Function.HARD_SIGMOID: _Attributes((6, 22), ("alpha", 0.2), ("beta", 0.5)),
    Function.HARD_SWISH: _Attributes((14, 22)),
    Function.LEAKY_RELU: _Attributes((6, 16), ("alpha", 0.01)),
    Function.MISH: _Attributes((18, 22)),
    Function.SELU: _Attributes((6, 22), ("alpha", 1.67326319217681884765625), ("gamma", 1.05070102214813232421875)),
    Function.SIGMOID: _Attributes((6, 13)),
    Function.SOFTPLUS: _Attributes((1, 22)),
    Function.SOFTSIGN: _Attributes((1, 22)),
    Function.SWISH: _Attributes((24,), ("alpha", 1.0)),
    Function.TANH: _Attributes((6, 13)),
    Function.THRESHOLDED_RELU: _Attributes((10, 22), ("alpha", 1.0)),
}


def elementwise(context: Context, node: OnnxNode, op: Op) -> View:
    """`op` on every element of the first input."""
    view = context.real_view(node)
    return View(context.add(node, op, view.value), view.index, view.tainted)


def _imported(function: Function, attributes: _Attributes) -> Callable[[Context, OnnxNode], Tensor]:
    def handler(context: Context, node: OnnxNode) -> Tensor:
        given = [0.0 if known is None else node.real(*known) for known in (attributes.a, attributes.b)]
        return elementwise(context, node, Activation(function, *given))

    return handler


for _function, _known in _FUNCTIONS.items():
    handles(_function.value, *_known.since)(_imported(_function, _known))


@handles("Gelu", 20)
def gelu(context: Context, node: OnnxNode) -> Tensor:
    function = Function.GELU_TANH if node.text("approximate", "none") == "tanh" else Function.GELU
    return elementwise(context, node, Activation(function))


@handles("Relu", 6, 13, 14)
def relu(context: Context, node: OnnxNode) -> Tensor:
    return elementwise(context, node, Clip(0.0, np.inf))


@handles("Clip", 6, 11, 12, 13)
def clip(context: Context, node: OnnxNode) -> Tensor:
    """Bounds are attributes up to opset 10, inputs from 11 on."""
    bounds = []
    for i, (name, default) in enumerate((("min", -np.inf), ("max", np.inf)), start=1):
        if node.since < 11:
            bounds.append(node.real(name, default))
        else:
            bounds.append(float(node.constant(i, f"{name}imum").ravel()[0]) if node.has(i) else default)
    if not bounds[0] <= bounds[1]:
        raise Unsupported(f"its bounds are {bounds[0]} and {bounds[1]}", "the lower one must not exceed the upper")
    return elementwise(context, node, Clip(bounds[0], bounds[1]))


@handles("PRelu", 6, 7, 9, 16)
def prelu(context: Context, node: OnnxNode) -> Tensor:
    """One slope is a LeakyRelu; several are max(x, 0) + slope·min(x, 0)."""
    view = context.real_view(node)
    slope = node.finite(1, "slope")
    if node.since < 7 and slope.ndim == 1 and slope.size > 1:
        # the slopes of the channels, before broadcasting was as NumPy's
        slope = slope.reshape(-1, *(1,) * (len(view.shape) - 2))
    if (slope == slope.ravel()[0]).all():
        return elementwise(context, node, Activation(Function.LEAKY_RELU, float(slope.ravel()[0])))
    value, (slopes, _) = context.per_channel(view, slope, np.zeros(()))
    build = context.builder

    def part(role: str, op: Op, *inputs: str) -> str:
        return build.add(build.node_name(f"{node.name}.{role}"), op, inputs, f"{node.output}.{role}")

    positive = part("positive", Clip(0.0, np.inf), value)
    negative = part("negative", Clip(-np.inf, 0.0), value)
    constants = [build.add_constant(f"{node.name}.{n}", a) for n, a in (("slope", slopes), ("shift", 0.0 * slopes))]
    scaled = part("scaled", Affine(), negative, *constants)
    return View(context.add(node, Add(), positive, scaled), view.index, view.tainted)
