"""Which layers get hardware whose weights can be replaced."""

from collections.abc import Sequence
from dataclasses import replace

from rtlnn.errors import InputError
from rtlnn.ir.graph import Graph
from rtlnn.ops import Conv2D, Dense, Thresholds
from rtlnn.passes.runner import Pass

__all__ = ["ALL_LAYERS", "reloadable"]

ALL_LAYERS = "all"
"""In place of a name: every layer that has weights."""


def reloadable(names: Sequence[str]) -> Pass:
    """A pass that marks the layers of these names.

    Requires: integers alone, formats not yet narrowed to the weights at hand. Ensures: the same results.
    The pass raises `InputError` for a name that no layer with weights has, and where thresholds follow, which are made
    for the weights at hand.
    """

    def mark(graph: Graph) -> Graph:
        possible = [node.name for node in graph.nodes if isinstance(node.op, Conv2D | Dense)]
        if unknown := [name for name in names if name not in (*possible, ALL_LAYERS)]:
            listed = ", ".join(possible) or "none"
            raise InputError(f"no layer with weights is named {unknown[0]!r}; the layers with weights are {listed}")
        chosen = possible if ALL_LAYERS in names else names
        compared = {node.inputs[0] for node in graph.nodes if isinstance(node.op, Thresholds)}
        for node in graph.nodes:
            if node.name in chosen and node.output in compared:
                raise InputError(
                    f"the weights of {node.name} cannot be reloaded: thresholds made for them follow; leave it out"
                )
        return replace(
            graph,
            nodes=tuple(
                replace(node, op=replace(node.op, reloadable=True))
                if isinstance(node.op, Conv2D | Dense) and node.name in chosen
                else node
                for node in graph.nodes
            ),
        )

    return mark
