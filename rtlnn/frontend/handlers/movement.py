"""Operators that take elements from other places: some of them several times, others not at all.

They leave no node. The places in the view are moved as ONNX says, and whatever reads the result decides whether data
must really be rearranged.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from rtlnn.frontend.context import Context
from rtlnn.frontend.handlers.resampling import nearest_places, scales_of
from rtlnn.frontend.node import OnnxNode
from rtlnn.frontend.problems import Unsupported
from rtlnn.frontend.registry import handles
from rtlnn.frontend.tensors import Opaque, Tensor, View
from rtlnn.ir.types import Array

__all__ = ["depth_to_space", "expand", "gather", "pad", "resize", "slice_", "space_to_depth", "split", "tile"]


def _moved(node: OnnxNode, change: Callable[[Array], Array]) -> Tensor:
    """Input 0 with its places moved; frames stay apart."""
    tensor = node.input(0)
    if isinstance(tensor, Opaque):
        return tensor
    result = tensor.moved(change)
    if isinstance(tensor, View) and (not result.shape or result.shape[0] != 1 or 0 in result.shape):
        raise Unsupported(f"it makes {result.shape} of {tensor.shape}", "keep one frame, and leave something of it")
    return result


def _numbers(node: OnnxNode, i: int, name: str) -> tuple[int, ...] | None:
    """Integers that are an attribute of older opsets, and input `i` of newer ones."""
    if node.has(i):
        return tuple(int(v) for v in node.constant(i, f"list of {name}").ravel())
    return node.integers(name)


@handles("Slice", 1, 10, 11, 13)
def slice_(_: Context, node: OnnxNode) -> Tensor:
    starts, ends = _numbers(node, 1, "starts"), _numbers(node, 2, "ends")
    if starts is None or ends is None:
        raise Unsupported("its starts and ends are missing", "check the model with onnx.checker")
    axes = _numbers(node, 3, "axes") or tuple(range(len(starts)))
    steps = _numbers(node, 4, "steps") or (1,) * len(starts)

    def change(a: Array) -> Array:
        cuts = [slice(None)] * a.ndim
        for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
            # an end before the first element is none, as -1 is not
            stop = None if step < 0 and end < -a.shape[axis] else end
            cuts[axis] = slice(start, stop, step)
        return a[tuple(cuts)]

    return _moved(node, change)


@handles("Split", 2, 11, 13, 18)
def split(_: Context, node: OnnxNode) -> tuple[Tensor, ...]:
    tensor, count = node.input(0), len(node.outputs)
    if isinstance(tensor, Opaque):
        return (tensor,) * count
    axis = node.integer("axis", 0)
    length = tensor.shape[axis]
    # without sizes all parts are alike, but for the last one
    sizes = _numbers(node, 1, "split") or np.diff(np.minimum(np.arange(count + 1) * -(-length // count), length))
    if sum(sizes) != length or len(sizes) != count:
        raise Unsupported(f"it splits {length} elements into {list(sizes)}", "check the model with onnx.checker")
    ends = np.cumsum(sizes)
    parts = [np.arange(end - size, end) for size, end in zip(sizes, ends, strict=True)]
    return tuple(_moved(node, partial(np.take, indices=part, axis=axis)) for part in parts)


@handles("Gather", 1, 11, 13)
def gather(_: Context, node: OnnxNode) -> Tensor:
    places = node.constant(1, "list of places").astype(np.int64)
    return _moved(node, lambda a: np.take(a, places, node.integer("axis", 0)))


@handles("Pad", 2, 11, 13, 18, 19, 21, 23, 24, 25)
def pad(context: Context, node: OnnxNode) -> Tensor:
    view = node.view()
    pads = _numbers(node, 1, "pads")
    if pads is None:
        raise Unsupported("its pads are missing", "check the model with onnx.checker")
    fill = node.real("value", 0.0) if node.since < 11 else 0.0
    if node.has(2):
        fill = float(node.finite(2, "value").ravel()[0])
    rank = len(view.shape)
    axes = _numbers(node, 3, "axes") or tuple(range(len(pads) // 2))
    pairs = [(0, 0)] * rank
    for axis, before, after in zip(axes, pads[: len(axes)], pads[len(axes) :], strict=True):
        pairs[axis] = (before, after)
    mode = node.text("mode", "constant")
    if mode not in ("constant", "reflect", "edge", "wrap"):
        raise Unsupported(f"its mode is {mode!r}", "constant, reflect, edge and wrap are supported")
    if mode == "constant" and view.fill != fill and (view.index < 0).any():
        view = context.layout.settled(view)
    cuts = tuple(slice(max(-b, 0), n - max(-a, 0)) for (b, a), n in zip(pairs, view.shape, strict=True))
    widths = [(max(b, 0), max(a, 0)) for b, a in pairs]
    if any(widths[0]):
        raise Unsupported("it adds frames", "pad channels, rows or columns")
    if mode == "constant":
        index = np.pad(view.index[cuts], widths, constant_values=-1)
        return View(view.value, index, view.tainted, fill)
    index = np.pad(view.index[cuts], widths, mode=mode)  # type: ignore[call-overload]
    return View(view.value, index, view.tainted, view.fill)


@handles("DepthToSpace", 1, 11, 13)
def depth_to_space(_: Context, node: OnnxNode) -> Tensor:
    """Channels (block, block, C) become pixels; in mode CRD channels are (C, block, block)."""
    block, crd = node.integer("blocksize", 1), node.text("mode", "DCR") == "CRD"

    def change(a: Array) -> Array:
        n, c, h, w = a.shape
        apart = (n, c // block**2, block, block, h, w) if crd else (n, block, block, c // block**2, h, w)
        order = (0, 1, 4, 2, 5, 3) if crd else (0, 3, 4, 1, 5, 2)
        return a.reshape(apart).transpose(order).reshape(n, c // block**2, h * block, w * block)

    return _moved(node, change)


@handles("SpaceToDepth", 1, 13)
def space_to_depth(_: Context, node: OnnxNode) -> Tensor:
    """Pixels become channels (block, block, C)."""
    block = node.integer("blocksize", 1)

    def change(a: Array) -> Array:
        n, c, h, w = a.shape
        apart = a.reshape(n, c, h // block, block, w // block, block)
        return apart.transpose(0, 3, 5, 1, 2, 4).reshape(n, c * block**2, h // block, w // block)

    return _moved(node, change)


@handles("Expand", 8, 13)
def expand(_: Context, node: OnnxNode) -> Tensor:
    shape = tuple(int(v) for v in node.constant(1, "shape").ravel())
    return _moved(node, lambda a: np.broadcast_to(a, np.broadcast_shapes(a.shape, shape)))


@handles("Tile", 6, 13)
def tile(_: Context, node: OnnxNode) -> Tensor:
    repeats = tuple(int(v) for v in node.constant(1, "list of repeats").ravel())
    return _moved(node, lambda a: np.tile(a, repeats))


@handles("Resize", 10, 11, 13, 18, 19)
@handles("Upsample", 7, 9)
def resize(_: Context, node: OnnxNode) -> Tensor:
    """To the nearest pixel, by whatever factors."""
    tensor = node.input(0)
    if isinstance(tensor, Opaque):
        return tensor
    places = [nearest_places(node, scale, sizes) for scale, sizes in scales_of(node, tensor.shape)]

    def change(a: Array) -> Array:
        for axis, taken in enumerate(places):
            a = np.take(a, taken, axis)
        return a

    return _moved(node, change)
