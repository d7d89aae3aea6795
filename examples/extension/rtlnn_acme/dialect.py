"""How the operators are read."""

import numpy as np

from rtlnn.frontend.context import Context
from rtlnn.frontend.node import OnnxNode
from rtlnn.frontend.problems import Unsupported
from rtlnn.frontend.tensors import Tensor, View
from rtlnn.ops import Clip
from rtlnn_acme.operation import DropLowBits

__all__ = ["DOMAIN", "drop_low_bits", "scaled_relu"]

DOMAIN = "com.acme"


def scaled_relu(context: Context, node: OnnxNode) -> Tensor:
    """max(scale·x, 0): operations that rtlnn has."""
    view = context.real_view(node)
    scaled = context.affine(node, view, np.float64(node.real("scale", 1.0)), np.float64(0.0))
    name = context.builder.node_name(f"{node.name}.relu")
    made = context.builder.add(name, Clip(0.0, np.inf), (scaled.value,), f"{node.output}.relu")
    return View(made, scaled.index, scaled.tainted)


def drop_low_bits(context: Context, node: OnnxNode) -> Tensor:
    """An operation of its own, on integers."""
    view = node.view()
    if not context.is_integer(view):
        raise Unsupported("it works on integers", "put it between QuantizeLinear and DequantizeLinear")
    return View(context.add(node, DropLowBits(node.integer("bits", 1)), view.value), view.index, view.tainted)
