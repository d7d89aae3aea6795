"""The index of the largest channel."""

import numpy as np

from rtlnn.frontend.context import Context
from rtlnn.frontend.node import OnnxNode
from rtlnn.frontend.problems import Unsupported
from rtlnn.frontend.registry import handles
from rtlnn.frontend.tensors import Tensor, View, channels_first, row_major
from rtlnn.ops import ArgMax

__all__ = ["argmax"]


@handles("ArgMax", 1, 11, 12, 13)
def argmax(context: Context, node: OnnxNode) -> Tensor:
    view = node.view()
    rank = len(view.shape)
    axis = node.integer("axis", 0) % rank
    if node.integer("select_last_index", 0):
        raise Unsupported("it wants the last one of equal values", "the first one is supported (select_last_index = 0)")
    channels = view.shape[axis]
    for index, place in ((channels_first, 1), (row_major, rank - 1)):
        if axis == place and np.array_equal(view.index, index(view.shape)):
            pixels = view.index.size // channels
            image = context.builder.reshaped(view.value, (1, pixels, channels))
            kept = np.arange(pixels).reshape(*view.shape[:axis], 1, *view.shape[axis + 1 :])
            found = kept if node.integer("keepdims", 1) else kept.squeeze(axis)
            return View(context.add(node, ArgMax(), image), found, view.tainted)
    raise Unsupported(f"its axis {axis} is not that of the channels", "the largest class is supported", layout=True)
