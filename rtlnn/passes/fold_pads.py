"""Zeros that are put around an image belong to the convolution that reads it."""

from dataclasses import replace

from rtlnn.ir.graph import Graph, Node
from rtlnn.ops import Conv2D, Rearrange
from rtlnn.passes.rewrite import pruned

__all__ = ["fold_pads"]

Pads = tuple[int, int, int, int]
"""(top, left, bottom, right)."""


def fold_pads(graph: Graph) -> Graph:
    """Requires: integers alone. Ensures: no convolution reads an image that was padded for it; the same results.

    Exporters write pads of their own where those of a convolution would not be symmetrical. Its window needs no memory
    for them, and fewer beats.
    """
    pads: dict[str, tuple[Node, Pads]] = {}
    nodes = []
    for node in graph.nodes:
        if isinstance(node.op, Rearrange):
            around = _around(node.op, graph.types[node.inputs[0]].shape)
            if around is not None:
                pads[node.output] = node, around
        nodes.append(_folded(node, *pads[node.inputs[0]]) if node.inputs[0] in pads else node)
    return pruned(replace(graph, nodes=tuple(nodes)))


def _folded(node: Node, padding: Node, around: Pads) -> Node:
    """`node` with the pads that `padding` puts around its image, if it is a convolution whose zero they are."""
    op = node.op
    if not isinstance(op, Conv2D) or not isinstance(padding.op, Rearrange) or padding.op.fill != op.x_zero:
        return node
    top, left, bottom, right = (a + b for a, b in zip(op.window.pads, around, strict=True))
    window = replace(op.window, pads=(top, left, bottom, right))
    return replace(node, op=replace(op, window=window), inputs=(padding.inputs[0], *node.inputs[1:]))


def _around(op: Rearrange, shape: tuple[int, ...]) -> Pads | None:
    """The pads (top, left, bottom, right) where `op` does nothing but put them around an image of `shape`."""
    height, width, channels = shape
    if op.channels != tuple(range(channels)):
        return None
    vertical, horizontal = _ends(op.rows, height, width * channels), _ends(op.columns, width, channels)
    if vertical is None or horizontal is None:
        return None
    return vertical[0], horizontal[0], vertical[1], horizontal[1]


def _ends(table: tuple[int, ...], size: int, step: int) -> tuple[int, int] | None:
    """How many entries of -1 come before and after all `size` places in order; None where there are others."""
    before = next((n for n, entry in enumerate(table) if entry >= 0), len(table))
    after = len(table) - before - size
    return (before, after) if table == (-1,) * before + tuple(range(0, size * step, step)) + (-1,) * after else None
