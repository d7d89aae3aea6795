"""The integer graph in the making."""

from dataclasses import replace

import numpy as np

from rtlnn.ir.graph import Graph, Node
from rtlnn.ir.names import Names
from rtlnn.ir.op import Op
from rtlnn.ir.types import Array, FixedFormat, TensorType

__all__ = ["CoreBuilder"]


class CoreBuilder:
    """Collects integer nodes. Nodes and values keep the names of the lowered graph; constants get new ones."""

    def __init__(self, taken: tuple[str, ...]) -> None:
        self.nodes: list[Node] = []
        self.types: dict[str, TensorType] = {}
        self.constants: dict[str, Array] = {}
        self.name = Names(taken)

    def constant(self, name: str, array: Array, fixed: FixedFormat | None = None) -> str:
        """An integer constant, in the format given or the narrowest."""
        name = self.name(name)
        array = np.ascontiguousarray(array, dtype=np.int64)
        fixed = fixed or FixedFormat.spanning(int(array.min()), int(array.max()))
        self.types[name] = TensorType(array.shape, fixed)
        self.constants[name] = array
        return name

    def add(self, name: str, op: Op, inputs: tuple[str, ...], output: str) -> str:
        self.types[output] = op.infer(*(self.types[v] for v in inputs))
        self.nodes.append(Node(name, op, inputs, output))
        return output

    def retype(self, value: str, fixed: FixedFormat) -> None:
        """Give integers the meaning that `fixed` says."""
        self.types[value] = replace(self.types[value], format=fixed)

    def add_bias(self, name: str, bias: Array) -> None:
        """Add integers (O,) to what the convolution or dense node `name` sums."""
        (i,) = (i for i, n in enumerate(self.nodes) if n.name == name)
        node = self.nodes[i]
        if len(node.inputs) == 3:
            bias = bias + self.constants.pop(node.inputs[2])
            self.types.pop(node.inputs[2])
        made = self.constant(f"{name}.bias", bias)
        self.nodes[i] = replace(node, inputs=(*node.inputs[:2], made))

    def double(self, name: str) -> None:
        """Let the convolution or dense node `name` sum up twice as much."""
        (i,) = (i for i, n in enumerate(self.nodes) if n.name == name)
        node = self.nodes[i]
        inputs = [node.inputs[0]]
        for what, value in zip(("weight", "bias"), node.inputs[1:], strict=False):
            self.types.pop(value)
            inputs.append(self.constant(f"{name}.{what}", 2 * self.constants.pop(value)))
        self.nodes[i] = replace(node, inputs=tuple(inputs))
        for later in self.nodes[i:]:
            self.types[later.output] = later.op.infer(*(self.types[v] for v in later.inputs))

    def graph(self, sources: tuple[str, ...], results: tuple[str, ...]) -> Graph:
        return Graph(sources, results, tuple(self.nodes), self.types, self.constants)
