"""Collects the nodes, values and constants of a graph while a model is imported."""

import math

import numpy as np

from rtlnn.frontend.wiring import MOST_ELEMENTS
from rtlnn.ir.graph import Graph, Node
from rtlnn.ir.names import Names
from rtlnn.ir.op import Op
from rtlnn.ir.types import Array, Encoding, FixedFormat, TensorType
from rtlnn.ops import Dequantize, Reshape

__all__ = ["GraphBuilder"]


class GraphBuilder:
    """A graph in the making. Names asked for are made unique; the ones given back are to be used."""

    def __init__(self) -> None:
        self.types: dict[str, TensorType] = {}
        self.nodes: list[Node] = []
        self.constants: dict[str, Array] = {}
        self.value_name = Names()
        self.node_name = Names()
        self._reshapes: dict[tuple[str, tuple[int, int, int]], str] = {}

    def add_input(self, name: str, kind: TensorType) -> str:
        name = self.value_name(name)
        self.types[name] = kind
        return name

    def add_constant(self, name: str, array: Array, fixed: FixedFormat | None = None) -> str:
        """Integers keep their values as int64, real numbers as float64."""
        name = self.value_name(name)
        array = np.ascontiguousarray(array, dtype=np.int64 if fixed else np.float64)
        self.types[name] = TensorType(array.shape, fixed)
        self.constants[name] = array
        return name

    def add_quantized(self, name: str, integers: Array, bits: int, signed: bool, scale: Array) -> str:
        """A weight whose first axis the scales (one, or one each) belong to, as its real value. Its zero point is 0."""
        one = bool((scale == scale[0]).all())
        kept = float(scale[0]) if one else tuple(float(s) for s in scale)
        fixed = FixedFormat(bits, Encoding.SIGNED if signed else Encoding.UNSIGNED, kept)
        quantized = self.add_constant(f"{name}.integers", integers, fixed)
        return self.add(self.node_name(f"{name}.real"), Dequantize(fixed, axis=0), (quantized,), name)

    def add(self, name: str, op: Op, inputs: tuple[str, ...], output: str) -> str:
        """Append a node whose `name` is unique already; returns its value's name.

        Raises `ValueError` for a result that is too large for any chip, and for this program's memory; weights that the
        file holds are as large as they are.
        """
        kind = op.infer(*(self.types[v] for v in inputs))
        held = sum(math.prod(self.types[v].shape) for v in inputs if v in self.constants)
        if math.prod(kind.shape) > max(MOST_ELEMENTS, held):
            raise ValueError(f"its result of {kind.shape} has more than {MOST_ELEMENTS:,} elements")
        output = self.value_name(output)
        self.types[output] = kind
        self.nodes.append(Node(name, op, inputs, output))
        return output

    def replace_last_op(self, value: str, op: Op, inputs: tuple[str, ...]) -> None:
        """Give the node that makes `value` other inputs; it moves to the end, behind their makers."""
        (old,) = (n for n in self.nodes if n.output == value)
        self.nodes.remove(old)
        self.types[value] = op.infer(*(self.types[v] for v in inputs))
        self.nodes.append(Node(old.name, op, inputs, value))

    def reshaped(self, value: str, shape: tuple[int, int, int]) -> str:
        """`value` as `shape`, its elements in the same order; no node if it has that shape."""
        if self.types[value].shape == shape:
            return value
        if (value, shape) not in self._reshapes:
            made = self.add(self.node_name(f"{value}.reshape"), Reshape(shape), (value,), f"{value}.reshaped")
            self._reshapes[value, shape] = made
        return self._reshapes[value, shape]

    def unfinished(self, inputs: tuple[str, ...]) -> Graph:
        """All nodes so far, without outputs."""
        return Graph(inputs, (), tuple(self.nodes), self.types, self.constants)

    def graph(self, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> Graph:
        """The nodes that `outputs` need, and nothing else."""
        needed, nodes = set(outputs), []
        for node in reversed(self.nodes):
            if node.output in needed:
                nodes.append(node)
                needed.update(node.inputs)
        values = needed | set(inputs)
        return Graph(
            inputs,
            outputs,
            tuple(reversed(nodes)),
            {v: t for v, t in self.types.items() if v in values},
            {v: a for v, a in self.constants.items() if v in values},
        )
