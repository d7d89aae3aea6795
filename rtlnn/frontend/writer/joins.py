"""Joins and rearrangements as ONNX."""

import numpy as np

from rtlnn.frontend.tensors import View, channels_first
from rtlnn.frontend.writer.tensors import OnnxGraph
from rtlnn.ir.graph import Node
from rtlnn.ops import Add, ArgMax, Concat, Extreme, Multiply, Rearrange

__all__ = ["write_arg_max", "write_concat", "write_join", "write_rearrange"]

_CHANNELS_FIRST = (2, 3, 1)
"""The axes of (N, C, H, W) that those of (height, width, channels) are."""


def write_join(out: OnnxGraph, node: Node, op: Add | Extreme | Multiply) -> View:
    """Element by element."""
    match op:
        case Extreme(largest):
            operator = "Max" if largest else "Min"
        case Add():
            operator = "Add"
        case Multiply():
            operator = "Mul"
    a, b = (out.views[v] for v in node.inputs)
    if not np.array_equal(a.index, b.index):
        a, b = (out.image(v) for v in node.inputs)
    return View(out.emit(operator, node.name, [a.value, b.value], out.names(node.output)), a.index)


def write_concat(out: OnnxGraph, node: Node, op: Concat) -> View:
    shape = out.graph.types[node.output].shape
    if shape[:2] == (1, 1):
        views = [out.vector(v) for v in node.inputs]
        sizes = [v.index.size for v in views]
        starts = np.cumsum([0, *sizes[:-1]])
        index = np.concatenate([v.index + s for v, s in zip(views, starts, strict=True)], axis=1)
        axis = 1
    else:
        views = [out.image(v) for v in node.inputs]
        index, axis = channels_first((1, shape[2], *shape[:2])), _CHANNELS_FIRST[op.axis]
    made = out.emit("Concat", node.name, [v.value for v in views], out.names(node.output), axis=axis)
    return View(made, index)


def write_rearrange(out: OnnxGraph, node: Node, op: Rearrange) -> View:
    """One Gather from the flattened frame, with the number that is put in behind its elements."""
    vector = out.vector(node.inputs[0])
    size = vector.index.size
    place = np.empty(size + 1, dtype=np.int64)
    place[vector.index.ravel()] = np.arange(size)
    place[-1] = size
    if (op.places < 0).any():
        name = out.names(f"{node.output}_extended")
        pads = out.store(f"{name}.pads", np.array([0, 0, 0, 1], dtype=np.int64))
        fill = out.store(f"{name}.fill", np.array(op.fill, dtype=np.float32))
        vector = View(out.emit("Pad", name, [vector.value, pads, fill], name), vector.index)
    height, width, channels = op.shape
    wanted = channels_first((1, channels, height, width))
    taken = place[np.moveaxis(op.places, -1, 0).ravel()]
    indices = out.store(f"{node.name}.places", taken)
    flat = out.emit("Gather", node.name, [vector.value, indices], out.names(f"{node.output}_flat"), axis=1)
    if (height, width) == (1, 1):
        return View(flat, wanted.reshape(1, -1))
    return out.reshaped(View(flat, wanted.reshape(1, -1)), wanted)


def write_arg_max(out: OnnxGraph, node: Node, _: ArgMax) -> View:
    image = out.image(node.inputs[0])
    height, width, _channels = out.graph.types[node.output].shape
    made = out.emit("ArgMax", node.name, [image.value], out.names(node.output), axis=1, keepdims=1)
    return View(made, channels_first((1, 1, height, width)))
