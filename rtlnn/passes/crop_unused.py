"""Rows and columns that nobody reads are not computed.

A window that moves by more than one pixel may stop before the end of its image: a 13x13 image pooled by 2 is read up to
row and column 12. Whatever makes the image then makes 12x12, and needs less of its own input for it, and so on up to
the network's input, which keeps its shape.
"""

from dataclasses import replace
from typing import TypeAlias

from rtlnn.ir.graph import Graph
from rtlnn.ir.op import Op
from rtlnn.ir.types import TensorType
from rtlnn.ops import AveragePool2D, Conv2D, MaxPool2D, Requantize, Table, Thresholds, Window

__all__ = ["crop_unused"]

_Size: TypeAlias = tuple[int, int]
"""Rows and columns."""


def _size(kind: TensorType) -> _Size:
    return kind.shape[0], kind.shape[1]


def _ending(window: Window, size: _Size, positions: _Size) -> Window:
    """The window as it makes so many positions on an image of `size`: other pads at the bottom and right."""
    pads = list(window.pads)
    for axis in range(2):
        stride, extent = window.stride[axis], window.extent[axis]
        if (size[axis] + pads[axis] + pads[axis + 2] - extent) // stride + 1 != positions[axis]:
            pads[axis + 2] = (positions[axis] - 1) * stride + extent - pads[axis] - size[axis]
    return replace(window, pads=(pads[0], pads[1], pads[2], pads[3]))


def _makes(op: Op, source: _Size, made: _Size, read: _Size) -> _Size:
    """What `op` makes of an image of size `source`, if of the `made` rows and columns only those of `read` are read."""
    if isinstance(op, (Conv2D, MaxPool2D, Requantize, Table, Thresholds)):
        return read
    if isinstance(op, AveragePool2D):
        # the common divisor, and with it the scale, must stay what it is
        cropped = replace(op, window=_ending(op.window, source, read))
        if cropped.factors(source)[1] == op.factors(source)[1]:
            return read
    return made


def _reads(op: Op, source: _Size, made: _Size) -> _Size:
    """How far `op` reads into an image of size `source` for `made` rows and columns of its result."""
    if isinstance(op, (Requantize, Table, Thresholds)):
        return made
    if isinstance(op, (Conv2D, MaxPool2D, AveragePool2D)):
        w = op.window
        rows, columns = ((made[n] - 1) * w.stride[n] + w.extent[n] - w.pads[n] for n in range(2))
        return min(max(rows, 1), source[0]), min(max(columns, 1), source[1])
    return source


def crop_unused(graph: Graph) -> Graph:
    """Requires: integers alone. Ensures: the same results; no trailing row or column of a value is left unread where
    the operation that makes it can do without. Such operations have smaller, maybe negative, pads at the bottom and
    right, as have those that read an image which cannot shrink."""
    read = {v: _size(graph.types[v]) for v in graph.outputs}
    for node in reversed(graph.nodes):
        source, made = _size(graph.types[node.inputs[0]]), _size(graph.types[node.output])
        read[node.output] = _makes(node.op, source, made, read.get(node.output, made))
        for value in node.inputs:
            if value not in graph.constants:
                rows, columns = _reads(node.op, _size(graph.types[value]), read[node.output])
                before = read.get(value, (1, 1))
                read[value] = max(rows, before[0]), max(columns, before[1])
    types, nodes = dict(graph.types), []
    for node in graph.nodes:
        source, made, channels = _size(types[node.inputs[0]]), read[node.output], types[node.output].shape[2]
        op = node.op
        if isinstance(op, (Requantize, Table, Thresholds)):
            # what it reads may be unable to shrink, or have other readers
            made = source
        elif isinstance(op, (Conv2D, MaxPool2D, AveragePool2D)):
            op = replace(op, window=_ending(op.window, source, made))
        types[node.output] = replace(types[node.output], shape=(*made, channels))
        nodes.append(replace(node, op=op))
    return replace(graph, nodes=tuple(nodes), types=types)
