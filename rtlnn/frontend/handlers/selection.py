"""The index of the largest channel."""

import numpy as np

from rtlnn.frontend.context import Context
from rtlnn.frontend.node import OnnxNode
from rtlnn.frontend.problems import Unsupported
from rtlnn.frontend.registry import handles
from rtlnn.frontend.tensors import Tensor, View
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
    if axis == 0 and rank > 1:
        raise Unsupported("it compares frames", "the largest class, or that of each pixel, is supported")
    # one row of pixels, whatever lies between its channels
    image = context.layout.arranged(view, np.moveaxis(view.index, axis, -1).reshape(1, -1, channels))
    pixels = view.index.size // channels
    kept = np.arange(pixels).reshape(*view.shape[:axis], 1, *view.shape[axis + 1 :])
    found = kept if node.integer("keepdims", 1) else kept.squeeze(axis)
    return View(context.add(node, ArgMax(), image), found, view.tainted)
