"""Runs passes one after the other, and checks the graph after each."""

from collections.abc import Callable, Iterable

from rtlnn.ir.graph import Graph

__all__ = ["Pass", "run"]

Pass = Callable[[Graph], Graph]


def run(graph: Graph, passes: Iterable[Pass]) -> Graph:
    """`graph` after all `passes`. Raises `ValueError` that names the pass which left a graph that does not verify."""
    for step in passes:
        graph = step(graph)
        try:
            graph.verify()
        except ValueError as error:
            raise ValueError(f"after the pass {step.__name__}: {error}") from error
    return graph
