"""A network as plain data: typed values, nodes in the order of evaluation, constants."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from rtlnn.ir.op import Op
from rtlnn.ir.types import Array, TensorType

__all__ = ["Graph", "Node"]


@dataclass(frozen=True)
class Node:
    """One operation: `output` = op(*inputs). `name` is unique, and is the model's own name where it has one."""

    name: str
    op: Op
    inputs: tuple[str, ...]
    output: str


@dataclass(frozen=True)
class Graph:
    """Nodes in topological order over named values.

    Parameters
    ----------
    inputs, outputs : names of the values that enter and leave
    nodes : in the order of evaluation
    types : type of every value, constants included
    constants : the values that are known
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    nodes: tuple[Node, ...]
    types: Mapping[str, TensorType]
    constants: Mapping[str, Array] = field(default_factory=dict)

    @cached_property
    def _users(self) -> Mapping[str, tuple[Node, ...]]:
        found: dict[str, list[Node]] = {}
        for node in self.nodes:
            for value in dict.fromkeys(node.inputs):
                found.setdefault(value, []).append(node)
        return {value: tuple(nodes) for value, nodes in found.items()}

    @cached_property
    def _producers(self) -> Mapping[str, Node]:
        return {node.output: node for node in reversed(self.nodes)}

    def users(self, value: str) -> tuple[Node, ...]:
        """The nodes that read `value`."""
        return self._users.get(value, ())

    def producer(self, value: str) -> Node | None:
        return self._producers.get(value)

    def evaluate(self, *inputs: Array, keep: Iterable[str] = ()) -> dict[str, Array]:
        """Values of the outputs, and of the names in `keep`, for one array [N, H, W, C] per input."""
        wanted = set(self.outputs) | set(keep)
        last_use = {v: i for i, n in enumerate(self.nodes) for v in n.inputs}
        live: dict[str, Array] = {**self.constants, **dict(zip(self.inputs, inputs, strict=True))}
        result = {v: a for v, a in live.items() if v in wanted}
        for i, node in enumerate(self.nodes):
            live[node.output] = node.op.evaluate(*(live[v] for v in node.inputs))
            if node.output in wanted:
                result[node.output] = live[node.output]
            for v in node.inputs:
                if last_use[v] == i:
                    live.pop(v, None)
        return result

    def verify(self) -> None:
        """Check what every graph promises. Raises `ValueError` that names the node or value at fault."""
        known = set(self.inputs) | set(self.constants)
        for name, array in self.constants.items():
            if tuple(np.shape(array)) != self.types[name].shape:
                raise ValueError(
                    f"constant {name!r} has shape {np.shape(array)}, its type says {self.types[name].shape}"
                )
        names: set[str] = set()
        for node in self.nodes:
            if node.name in names:
                raise ValueError(f"two nodes are named {node.name!r}")
            names.add(node.name)
            if missing := [v for v in node.inputs if v not in known]:
                raise ValueError(f"node {node.name!r} reads {missing}, which no earlier node makes")
            if node.output in known:
                raise ValueError(f"node {node.name!r} makes {node.output!r} a second time")
            try:
                inferred = node.op.infer(*(self.types[v] for v in node.inputs))
            except ValueError as error:
                raise ValueError(f"node {node.name!r}: {error}") from error
            declared = self.types[node.output]
            if inferred.shape != declared.shape or (inferred.format is None) != (declared.format is None):
                raise ValueError(f"node {node.name!r} makes {inferred}, its output {node.output!r} is {declared}")
            known.add(node.output)
        if missing := [v for v in self.outputs if v not in known]:
            raise ValueError(f"outputs {missing} are never made")

    def retype(self, types: Mapping[str, TensorType]) -> "Graph":
        """The same graph with other types for some values."""
        return replace(self, types={**self.types, **types})
